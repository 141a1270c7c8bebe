import { expect, test } from 'vitest'
import type { ValidatingAdmissionPolicy } from '../generated/types.ts'
import { validateValidatingPolicy } from './validate-policy.ts'

const findings = (variables: { name: string; expression: string }[], ...expressions: string[]) => validateValidatingPolicy({
  apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicy', metadata: { name: 'p' },
  spec: { failurePolicy: 'Fail', matchConstraints: { matchPolicy: 'Equivalent', namespaceSelector: {}, objectSelector: {}, resourceRules: [{ apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['deployments'], scope: '*' }] }, variables, validations: expressions.map((expression) => ({ expression })) },
} as unknown as ValidatingAdmissionPolicy).map(({ message }) => message)

test('expressions see variables by the types of theirs, and only those that are there', () => {
  const variables = [{ name: 'replicas', expression: 'object.spec.replicas' }, { name: 'odd', expression: 'variables.replicas % 2 == 1' }, { name: '__proto__', expression: '1' }]
  expect(findings(variables, 'variables.odd', 'variables.replicas > 1')).toEqual([])
  expect(findings(variables, 'variables.replicas')).toEqual([expect.stringContaining('must evaluate to bool but got dyn')])
  expect(findings(variables, 'variables.even')).toEqual([expect.stringContaining("undefined field 'even'")])
})
