import type { Informers } from '../../client/informers.ts'
import type { Amounts } from '../../client/pod-resources.ts'
import { podAmounts, amountOf } from '../../client/pod-resources.ts'
import type { Node, Pod } from '../../kinds/generated/types.ts'
import { classOfResource, mayBeDevices } from '../devices/device-class-resolver.ts'
import { MAX_NODE_SCORE, on, type FilterPlugin, type ScorePlugin } from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'
import { PASS, type SchedulingStatus } from '../status.ts'

const FIRST = ['cpu', 'memory', 'ephemeral-storage']

function fits(requests: Amounts, allocatable: Amounts, requested: Amounts): boolean {
  for (const name in requests) if (requests[name]! > 0 && requests[name]! > (allocatable[name] ?? 0) - (requested[name] ?? 0)) return false
  return true
}

/** What is left of a resource, 0 to 100. */
function leftOver(allocatable: number, requested: number): number {
  return requested > allocatable ? 0 : Math.trunc((allocatable - requested) * MAX_NODE_SCORE / allocatable)
}

/** Whether devices that a class stands for are found by DynamicResources. k8s: shouldDelegateResourceToDRA */
const isDevices = (resource: string, informers: Informers) => mayBeDevices(resource) && classOfResource(informers, resource) !== undefined

/**
 * What the node lacks for the requests: names in upstream's order, and whether waiting for other pods to go could help.
 * `informers`: to leave out what a DeviceClass stands for.
 */
export function lackingResources(requests: Amounts, node: NodeInfo, informers?: Informers): { reasons: string[]; hopeless: boolean } | undefined {
  const { allocatable, requested } = node
  const tooMany = node.pods.size + 1 > (allocatable.pods ?? 0)
  if (!tooMany && fits(requests, allocatable, requested)) return undefined
  const reasons: string[] = []
  let hopeless = false
  if (tooMany) {
    reasons.push('Too many pods')
    hopeless = (allocatable.pods ?? 0) < 1
  }
  for (const name of [...FIRST, ...Object.keys(requests).filter((other) => !FIRST.includes(other))]) {
    const asked = requests[name]
    const all = allocatable[name] ?? 0
    if (!asked || asked <= all - (requested[name] ?? 0) || (all === 0 && informers && isDevices(name, informers))) continue
    reasons.push(`Insufficient ${name}`)
    if (asked > all) hopeless = true
  }
  return reasons.length > 0 ? { reasons, hopeless } : undefined
}

/** Fuller nodes are better. k8s: plugins/noderesources MostAllocated */
function usedUp(capacity: number, requested: number): number {
  return Math.trunc(Math.min(requested, capacity) * 100 / capacity)
}

/** CPU, memory and other resources must suffice; emptier nodes are better. k8s: plugins/noderesources Fit, LeastAllocated */
export const nodeResourcesFit: FilterPlugin & ScorePlugin = {
  name: 'NodeResourcesFit',
  weight: 1,
  filter({ info }, node, { informers }): SchedulingStatus | undefined {
    const lacking = lackingResources(info.requests, node, informers)
    if (!lacking) return PASS
    return { code: lacking.hopeless ? 'UnschedulableAndUnresolvable' : 'Unschedulable', reasons: lacking.reasons }
  },
  score({ info }, node) {
    const { cpu = 0, memory = 0 } = node.allocatable
    const cpuScore = cpu === 0 ? 0 : leftOver(cpu, node.nonZeroCpu + info.nonZero.cpu)
    const memoryScore = memory === 0 ? 0 : leftOver(memory, node.nonZeroMemory + info.nonZero.memory)
    return cpu === 0 || memory === 0 ? cpuScore + memoryScore : Math.trunc((cpuScore + memoryScore) / 2)
  },
  retryOn: [
    on('Pod', ['Delete', 'UpdatePodScaleDown'], (pod, { object }) => object.metadata.uid === pod.metadata.uid || Boolean((object as Pod).spec.nodeName)),
    on('DeviceClass', ['Add', 'Update']),
    on('Node', ['Add', 'UpdateNodeAllocatable'], (pod, { object }) => {
      const allocatable = (object as Node).status?.allocatable ?? {}
      const requests = podAmounts(pod)
      for (const name in requests) if (requests[name]! > (allocatable[name] === undefined ? 0 : amountOf(name, allocatable[name]!))) return false
      return true
    }),
  ],
}

/** The same with another idea of what is better. k8s: NodeResourcesFitArgs scoringStrategy MostAllocated */
export const mostAllocated: FilterPlugin & ScorePlugin = {
  ...nodeResourcesFit,
  score({ info }, node) {
    const { cpu = 0, memory = 0 } = node.allocatable
    const scores = [...(cpu === 0 ? [] : [usedUp(cpu, node.nonZeroCpu + info.nonZero.cpu)]), ...(memory === 0 ? [] : [usedUp(memory, node.nonZeroMemory + info.nonZero.memory)])]
    return scores.length === 0 ? 0 : Math.trunc(scores.reduce((sum, score) => sum + score, 0) / scores.length)
  },
}
