import { expect, test } from 'vitest'
import type { Pod } from '../kinds/generated/types.ts'
import { nonZeroContainerRequests, nonZeroRequests, podAmounts } from './pod-resources.ts'

const held = (name: string, cpu: string) => ({ name, resources: { requests: { cpu } }, allocatedResources: { cpu } })
const container = (name: string, cpu: string, fields: object = {}) => ({ name, image: 'i', resources: { requests: { cpu } }, ...fields })
const pod = (spec: object, status: object) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', namespace: 'default' }, spec, status }) as unknown as Pod

test('a resize that is under way counts with what is still held, unless it can never be done', () => {
  const spec = { containers: [container('c', '1')] }
  expect(podAmounts(pod(spec, { containerStatuses: [held('c', '2')] }))).toEqual({ cpu: 2000 })
  const infeasible = { conditions: [{ type: 'PodResizePending', status: 'True', reason: 'Infeasible' }] }
  expect(podAmounts(pod({ containers: [container('c', '9')] }, { ...infeasible, containerStatuses: [held('c', '2')] }))).toEqual({ cpu: 2000 })
})

test('what init containers held counts for sidecars alone', () => {
  const status = { containerStatuses: [held('c', '1')], initContainerStatuses: [held('i', '4')] }
  const spec = (fields: object) => ({ initContainers: [container('i', '1', fields)], containers: [container('c', '1')] })
  expect(podAmounts(pod(spec({}), status))).toEqual({ cpu: 1000 })
  expect(podAmounts(pod(spec({ restartPolicy: 'Always' }), status))).toEqual({ cpu: 5000 })
})

test('where nodes are compared, containers that ask for nothing count a little, and what the pod asks for as a whole counts only once it is on a node', () => {
  const asked = pod({ containers: [container('c', '500m'), { name: 'd', image: 'i' }], resources: { requests: { cpu: '3' } } }, {})
  expect(nonZeroRequests(asked)).toEqual({ cpu: 3000, memory: 2 * 200 * 2 ** 20 })
  expect(nonZeroContainerRequests(asked)).toEqual({ cpu: 600, memory: 2 * 200 * 2 ** 20 })
})
