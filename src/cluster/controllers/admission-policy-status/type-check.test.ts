import { expect, test } from 'vitest'
import type { CustomResourceDefinition, ValidatingAdmissionPolicy } from '../../kinds/generated/types.ts'
import { startTestControlPlane } from '../test-control-plane.ts'
import { ObjectTypes } from './object-types.ts'
import { typeWarnings } from './type-check.ts'

const policy = (resources: Partial<Record<'apiGroups' | 'apiVersions' | 'resources', string[]>>, expressions: string[], more: Partial<ValidatingAdmissionPolicy['spec']> = {}): ValidatingAdmissionPolicy => ({
  apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicy', metadata: { name: 'p', generation: 1 },
  spec: { matchConstraints: { resourceRules: [{ apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['deployments'], ...resources }] }, validations: expressions.map((expression) => ({ expression })), ...more }, status: {},
})
const widgets = {
  metadata: { name: 'widgets.example.com' }, spec: { group: 'example.com', names: { kind: 'Widget', plural: 'widgets' }, scope: 'Namespaced', versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: {
    type: 'object', properties: { spec: { type: 'object', properties: { size: { type: 'integer' }, any: { 'x-kubernetes-int-or-string': true }, inner: { type: 'object', 'x-kubernetes-embedded-resource': true } } } },
  } } }] },
} as unknown as CustomResourceDefinition
const types = new ObjectTypes([widgets])
const warnings = (...args: Parameters<typeof policy>) => typeWarnings(policy(...args), types, '7').map(({ fieldRef, warning }) => `${fieldRef} ${warning.split('\n | ')[0]}`)

test('what an expression says of an object is held against the fields of the kinds that the rules name', () => {
  expect(warnings({}, ["object.spec.replicas > '5'", 'object.spec.replicas > 5', 'object.spec + 1 == 2', 'object.metadata.creationTimestamp == "x"', 'object.spec.strategy.rollingUpdate.maxSurge == "x"'])).toEqual([
    "spec.validations[0].expression apps/v1, Kind=Deployment: ERROR: <input>:1:22: found no matching overload for '_>_' applied to '(int, string)'",
    "spec.validations[2].expression apps/v1, Kind=Deployment: ERROR: <input>:1:13: found no matching overload for '_+_' applied to '(Deployment7.spec, int)'",
    "spec.validations[3].expression apps/v1, Kind=Deployment: ERROR: <input>:1:35: found no matching overload for '_==_' applied to '(timestamp, string)'",
  ])
  // In the order of groups, versions and kinds; `pod` is a name of pods, `po` isn't.
  expect(typeWarnings(policy({ apiGroups: ['apps', ''], resources: ['replicasets', 'pod', 'deployments/scale', 'po'] }, ['object.nope == 1']), types, '')[0]!.warning).toBe(
    "/v1, Kind=Pod: ERROR: <input>:1:7: undefined field 'nope'\n | object.nope == 1\n | ......^\n\napps/v1, Kind=ReplicaSet: ERROR: <input>:1:7: undefined field 'nope'\n | object.nope == 1\n | ......^\n")
  expect(warnings({ apiGroups: ['*'] }, ['object.nope == 1'])).toEqual([])
})

test('variables have the type of their expression, but objects among them are seen as anything', () => {
  const variables = [{ name: 'replicas', expression: 'object.spec.replicas' }, { name: 'spec', expression: 'object.spec' }, { name: 'bad', expression: 'object.nope' }, { name: '__proto__', expression: '1' }]
  expect(warnings({}, ['variables.replicas == "x"', 'variables.spec.nope == 1', 'variables.bad == 1'], { variables })).toEqual([expect.stringContaining("applied to '(int, string)'")])
})

test('parameters and custom resources are known by their definitions', () => {
  expect(warnings({ apiGroups: ['example.com'], resources: ['widgets'] }, ['object.spec.size == "x"', 'object.spec.any == "x"', 'object.spec.inner.metadata.labels == 1', 'object.metadata.labels.x == "y"'])).toEqual([
    expect.stringContaining("applied to '(int, string)'"), expect.stringContaining("applied to '(map(string, string), int)'"),
  ])
  expect(warnings({}, ['params.spec.nope == 1'], { paramKind: { apiVersion: 'example.com/v1', kind: 'Widget' } })).toEqual([expect.stringContaining("undefined field 'nope'")])
  expect(warnings({}, ['params.spec.nope == 1'], { paramKind: { apiVersion: 'example.com/v1', kind: 'Unknown' } })).toEqual([])
})

test('the controller writes it into the status, once for each generation', async () => {
  const plane = await startTestControlPlane({ scheduler: false })
  const read = () => plane.api.get<ValidatingAdmissionPolicy>('validatingadmissionpolicies.admissionregistration.k8s.io', 'p')
  await plane.api.create('validatingadmissionpolicies.admissionregistration.k8s.io', policy({}, ['object.spec.replicas > 5']))
  await plane.clock.advance(1000)
  const first = await read()
  expect(first.status).toEqual({ observedGeneration: 1, typeChecking: {} })
  expect(first.metadata.managedFields).toContainEqual(expect.objectContaining({ manager: 'validatingadmissionpolicy-status', operation: 'Apply', subresource: 'status' }))
  await plane.api.update('validatingadmissionpolicies.admissionregistration.k8s.io', { ...first, spec: { ...first.spec, validations: [{ expression: 'object.nope == 1' }] } })
  await plane.clock.advance(1000)
  expect((await read()).status).toMatchObject({ observedGeneration: 2, typeChecking: { expressionWarnings: [{ fieldRef: 'spec.validations[0].expression' }] } })
  plane.stop()
})
