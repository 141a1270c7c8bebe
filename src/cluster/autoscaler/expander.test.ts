import { expect, test } from 'vitest'
import { Random } from '../../base/random.ts'
import type { ConfigMap } from '../kinds/generated/types.ts'
import { bestOption } from './expander.ts'
import type { Priorities } from './expander.ts'
import { prioritiesOf } from './priorities.ts'

const config = (data?: Record<string, string>): ConfigMap => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'cluster-autoscaler-priority-expander' }, ...(data ? { data } : {}) })
const option = (id: string) => ({ group: { id, minSize: 0, maxSize: 3, targetSize: 1 }, nodeCount: 1, pods: [] })
const best = (priorities: Priorities, ...ids: string[]) => bestOption(ids.map(option), { expanders: ['priority'], templates: new Map(), priorities, random: new Random('expander') })?.group.id

test('priorities prefer groups that a pattern of the largest number is meant for', () => {
  const priorities = prioritiesOf(config({ priorities: '10:\n- .*\n50:\n- ^spot-\n' })) as Priorities
  expect(best(priorities, 'large', 'spot-a', 'small')).toBe('spot-a')
})

test('where no pattern is meant for any of the groups, all of them stay in question', () => {
  const priorities = prioritiesOf(config({ priorities: '10: ["^gpu-"]' })) as Priorities
  expect(['large', 'small']).toContain(best(priorities, 'large', 'small'))
  expect(best(priorities, 'large', 'gpu-a')).toBe('gpu-a')
})

test('a ConfigMap that cannot be understood says why', () => {
  expect(prioritiesOf(config())).toBe("Wrong configmap for priority expander, doesn't contain priorities key")
  expect(prioritiesOf(config({ priorities: '' }))).toContain('configmap is empty')
  expect(prioritiesOf(config({ priorities: '10: [' }))).toContain("Can't parse YAML with priorities in the configmap: ")
  expect(prioritiesOf(config({ priorities: 'high: [a]' }))).toContain("Can't parse YAML with priorities in the configmap: ")
  expect(prioritiesOf(config({ priorities: '10: ["("]' }))).toContain("Can't compile regexp rule for priority 10 and rule (: ")
})
