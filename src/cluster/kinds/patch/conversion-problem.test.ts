import { expect, test } from 'vitest'
import { conversionProblem } from './conversion-problem.ts'

const DEPLOYMENT = 'io.k8s.api.apps.v1.Deployment'

test.each([
  [{ spec: { replicas: 'two' } }, 'unrecognized type: int32'],
  [{ spec: { replicas: 1.5 } }, 'cannot convert float64 to int32'],
  [{ spec: { paused: 'no' } }, 'unrecognized type: bool'],
  [{ metadata: { labels: { a: 1 } } }, 'cannot convert int64 to string'],
  [{ metadata: { labels: 'a' } }, 'cannot restore map from string'],
  [{ spec: { template: { spec: { containers: 'x' } } } }, 'cannot restore slice from string'],
  [{ spec: 'x' }, 'cannot restore struct from: string'],
])('%j is not a Deployment', (value, problem) => {
  expect(conversionProblem(DEPLOYMENT, value)).toBe(problem)
})

test('what fits has no problem', () => {
  expect(conversionProblem(DEPLOYMENT, { metadata: { labels: null }, spec: { replicas: 2, strategy: { rollingUpdate: { maxSurge: '10%' } } } })).toBeUndefined()
})
