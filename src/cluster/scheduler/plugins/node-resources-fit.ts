import type { Amounts } from '../../client/pod-resources.ts'
import { podAmounts, amountOf } from '../../client/pod-resources.ts'
import type { Node, Pod } from '../../kinds/generated/types.ts'
import { MAX_NODE_SCORE, on, type FilterPlugin, type ScorePlugin } from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'
import { PASS, type SchedulingStatus } from '../status.ts'

const FIRST = ['cpu', 'memory', 'ephemeral-storage']

/** What the node lacks for the requests: names in upstream's order, and whether waiting for other pods to go could help. */
export function lackingResources(requests: Amounts, node: NodeInfo): { reasons: string[]; hopeless: boolean } | undefined {
  let reasons: string[] | undefined
  let hopeless = false
  if (node.pods.size + 1 > (node.allocatable.pods ?? 0)) {
    reasons = ['Too many pods']
    hopeless = (node.allocatable.pods ?? 0) < 1
  }
  const check = (name: string) => {
    const asked = requests[name]
    if (!asked) return
    const allocatable = node.allocatable[name] ?? 0
    if (asked <= allocatable - (node.requested[name] ?? 0)) return
    ;(reasons ??= []).push(`Insufficient ${name}`)
    if (asked > allocatable) hopeless = true
  }
  for (const name of FIRST) check(name)
  for (const name in requests) if (!FIRST.includes(name)) check(name)
  return reasons && { reasons, hopeless }
}

/** CPU, memory and other resources must suffice; emptier nodes are better. k8s: plugins/noderesources Fit, LeastAllocated */
export const nodeResourcesFit: FilterPlugin & ScorePlugin = {
  name: 'NodeResourcesFit',
  weight: 1,
  filter({ info }, node): SchedulingStatus | undefined {
    const lacking = lackingResources(info.requests, node)
    if (!lacking) return PASS
    return { code: lacking.hopeless ? 'UnschedulableAndUnresolvable' : 'Unschedulable', reasons: lacking.reasons }
  },
  score({ info }, node) {
    let sum = 0
    let weights = 0
    const rate = (allocatable: number, requested: number) => {
      if (allocatable === 0) return
      sum += requested > allocatable ? 0 : Math.trunc((allocatable - requested) * MAX_NODE_SCORE / allocatable)
      weights++
    }
    rate(node.allocatable.cpu ?? 0, node.nonZeroCpu + info.nonZero.cpu)
    rate(node.allocatable.memory ?? 0, node.nonZeroMemory + info.nonZero.memory)
    return weights === 0 ? 0 : Math.trunc(sum / weights)
  },
  retryOn: [
    on('Pod', ['Delete', 'UpdatePodScaleDown'], (pod, { object }) => object.metadata.uid === pod.metadata.uid || Boolean((object as Pod).spec.nodeName)),
    on('Node', ['Add', 'UpdateNodeAllocatable'], (pod, { object }) => {
      const allocatable = (object as Node).status?.allocatable ?? {}
      const requests = podAmounts(pod)
      for (const name in requests) if (requests[name]! > (allocatable[name] === undefined ? 0 : amountOf(name, allocatable[name]!))) return false
      return true
    }),
  ],
}
