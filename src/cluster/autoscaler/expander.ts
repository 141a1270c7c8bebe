import type { Random } from '../../base/random.ts'
import { amountOf, podAmounts } from '../client/pod-resources.ts'
import type { Pod } from '../kinds/generated/types.ts'
import type { NodeGroup } from './cloud-provider.ts'
import type { Expander } from './options.ts'
import type { NodeTemplate } from './templates.ts'

/** A way to grow: so many nodes of a group, for these pods. k8s: expander.Option */
export interface Option {
  group: NodeGroup
  nodeCount: number
  pods: readonly Pod[]
}

/** Patterns of groups' names by priority; undefined where nobody has said any. k8s: expander/priority */
export type Priorities = ReadonlyMap<number, readonly RegExp[]> | undefined

/** The option that a chain of expanders prefers; chance decides what is left. k8s: expander/factory chainStrategy */
export function bestOption(options: readonly Option[], { expanders, templates, priorities, random }: { expanders: readonly Expander[]; templates: ReadonlyMap<string, NodeTemplate>; priorities: Priorities; random: Random }): Option | undefined {
  let left = options
  for (const expander of expanders) {
    if (left.length <= 1) break
    if (expander === 'most-pods') left = withLargest(left, ({ pods }) => pods.length)
    else if (expander === 'least-waste') left = withLargest(left, (option) => -wasteOf(option, templates))
    else if (expander === 'priority' && priorities) left = withLargest(left, ({ group }) => priorityOf(group.id, priorities))
  }
  return left.length === 0 ? undefined : random.pick(left)
}

function withLargest(options: readonly Option[], measure: (option: Option) => number): readonly Option[] {
  const best = Math.max(...options.map(measure))
  return options.filter((option) => measure(option) === best)
}

/** The share of CPU and memory that nobody would use. k8s: expander/waste */
function wasteOf({ group, nodeCount, pods }: Option, templates: ReadonlyMap<string, NodeTemplate>): number {
  const capacity = templates.get(group.id)!.node.status?.capacity ?? {}
  const share = (resource: 'cpu' | 'memory') => {
    const available = amountOf(resource, capacity[resource] ?? '0') * nodeCount
    const used = pods.reduce((sum, pod) => sum + (podAmounts(pod)[resource] ?? 0), 0)
    return available === 0 ? 0 : (available - used) / available
  }
  return share('cpu') + share('memory')
}

/** Below all others where no pattern is meant for it: such groups are taken only where there is none but them. */
function priorityOf(id: string, priorities: NonNullable<Priorities>): number {
  return Math.max(-Infinity, ...[...priorities].filter(([, patterns]) => patterns.some((pattern) => pattern.test(id))).map(([priority]) => priority))
}
