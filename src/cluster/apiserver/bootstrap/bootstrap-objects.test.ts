import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { KubeObject } from '../../kinds/object.ts'
import { bootstrapObjects } from './bootstrap-objects.ts'
import { reconciledRbac } from './reconcile.ts'
import { nodeRules } from './node-rules.ts'

/** What a real API server of v1.36.3 created. */
function recorded(name: string): KubeObject[] {
  const { items } = JSON.parse(readFileSync(new URL(`../../../../test/bootstrap/${name}.json`, import.meta.url), 'utf8')) as { items: KubeObject[] }
  return items.map(({ metadata, status: _, ...rest }) => {
    const { uid: _u, resourceVersion: _r, creationTimestamp: _c, generation: _g, ...kept } = metadata
    return { ...rest, metadata: kept } as KubeObject
  }).sort(byKey)
}

const byKey = (a: KubeObject, b: KubeObject) => (`${a.metadata.namespace}/${a.metadata.name}` < `${b.metadata.namespace}/${b.metadata.name}` ? -1 : 1)

const groups = new Map(bootstrapObjects({ advertiseAddress: '10.89.0.2' }).map((group) => [group.resource, group]))

test.each([
  ['clusterroles', 'clusterroles.rbac.authorization.k8s.io'], ['clusterrolebindings', 'clusterrolebindings.rbac.authorization.k8s.io'],
  ['roles', 'roles.rbac.authorization.k8s.io'], ['rolebindings', 'rolebindings.rbac.authorization.k8s.io'],
  ['flowschemas', 'flowschemas.flowcontrol.apiserver.k8s.io'], ['prioritylevelconfigurations', 'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io'],
  ['apiservices', 'apiservices.apiregistration.k8s.io'],
])('%s are those of a real API server', (file, resource) => {
  const made = [...groups.get(resource)!.objects].sort(byKey).map(({ apiVersion: _a, kind: _k, ...rest }) => rest)
  expect(made).toEqual(recorded(file))
})

test('lost rights come back, own additions stay, autoupdate false protects', () => {
  const wanted = groups.get('clusterroles.rbac.authorization.k8s.io')!.objects.find((r) => r.metadata.name === 'system:basic-user')!
  const extra = { apiGroups: ['x'], resources: ['y'], verbs: ['get'] }
  expect(reconciledRbac(wanted, wanted)).toBeUndefined()
  const next = reconciledRbac({ ...wanted, rules: [extra] }, wanted)!
  expect(next.rules).toHaveLength(1 + 3)
  expect(next.rules[0]).toBe(extra)
  expect(reconciledRbac({ ...wanted, rules: [], metadata: { ...wanted.metadata, annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'false' } } }, wanted)).toBeUndefined()
})

test('the node authorizer starts from the rights of ClusterRole system:node', () => {
  const role = recorded('clusterroles').find((r) => r.metadata.name === 'system:node')!
  expect(nodeRules.map((rule) => JSON.stringify(rule, ['verbs', 'apiGroups', 'resources'])).sort()).toEqual((role.rules as object[]).map((rule) => JSON.stringify(rule, ['verbs', 'apiGroups', 'resources'])).sort())
})
