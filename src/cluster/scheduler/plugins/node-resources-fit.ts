import type { Informers } from '../../client/informers.ts'
import type { Amounts } from '../../client/pod-resources.ts'
import { nonZeroContainerRequests, podAmounts } from '../../client/pod-resources.ts'
import type { DeviceClass, Node, Pod } from '../../kinds/generated/types.ts'
import { classOfResource, mayBeDevices } from '../devices/device-class-resolver.ts'
import { isDeletion, MAX_NODE_SCORE, on, type ClusterEvent, type FilterPlugin, type PreScorePlugin, type ScorePlugin } from '../framework.ts'
import { NodeInfo } from '../node-info.ts'
import { holdsRoom } from '../pod-info.ts'
import { PASS, type SchedulingStatus } from '../status.ts'

const NAME = 'NodeResourcesFit'
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
function lackingResources(requests: Amounts, node: NodeInfo, informers?: Informers): { reasons: string[]; hopeless: boolean } | undefined {
  const { allocatable, requested } = node
  const tooMany = node.pods.size + 1 > (allocatable.pods ?? 0)
  if (!tooMany && fits(requests, allocatable, requested)) return undefined
  const reasons: string[] = []
  let hopeless = false
  if (tooMany) reasons.push('Too many pods')
  for (const name of [...FIRST, ...Object.keys(requests).filter((other) => !FIRST.includes(other))]) {
    const asked = requests[name]
    const all = allocatable[name] ?? 0
    if (!asked || asked <= all - (requested[name] ?? 0) || (all === 0 && informers && isDevices(name, informers))) continue
    reasons.push(`Insufficient ${name}`)
    if (asked > all) hopeless = true
  }
  return reasons.length > 0 ? { reasons, hopeless } : undefined
}

type Asked = ReturnType<typeof nonZeroContainerRequests>

/** k8s: resource/v1 ResourceDeviceClassPrefix */
const DEVICE_CLASS_PREFIX = 'deviceclass.resource.kubernetes.io/'

/** Whether a pod that scales down leaves something that the waiting pod asks for. k8s: isSchedulableAfterPodScaleDown */
function releasesWanted(pod: Pod, { object, old }: ClusterEvent): boolean {
  if (object.metadata.uid === pod.metadata.uid) return true
  if (!(object as Pod).spec.nodeName) return false
  const [before, now, wanted] = [podAmounts(old as Pod), podAmounts(object as Pod), podAmounts(pod)]
  return Object.entries(wanted).some(([name, amount]) => amount > 0 && (before[name] ?? 0) > (now[name] ?? 0))
}

/** Fuller nodes are better. k8s: plugins/noderesources MostAllocated */
function usedUp(capacity: number, requested: number): number {
  return Math.trunc(Math.min(requested, capacity) * 100 / capacity)
}

/** CPU, memory and other resources must suffice; emptier nodes are better. k8s: plugins/noderesources Fit, LeastAllocated */
export const nodeResourcesFit: FilterPlugin & PreScorePlugin & ScorePlugin = {
  name: NAME,
  weight: 1,
  filter({ info }, node, { informers }): SchedulingStatus | undefined {
    const lacking = lackingResources(info.requests, node, informers)
    if (!lacking) return PASS
    return { code: lacking.hopeless ? 'UnschedulableAndUnresolvable' : 'Unschedulable', reasons: lacking.reasons }
  },
  preScore({ pod, state }) {
    state.set(NAME, nonZeroContainerRequests(pod))
    return PASS
  },
  score({ state }, node) {
    const { cpu = 0, memory = 0 } = node.allocatable
    const asked = state.get(NAME) as Asked
    const cpuScore = cpu === 0 ? 0 : leftOver(cpu, node.nonZeroCpu + asked.cpu)
    const memoryScore = memory === 0 ? 0 : leftOver(memory, node.nonZeroMemory + asked.memory)
    return cpu === 0 || memory === 0 ? cpuScore + memoryScore : Math.trunc((cpuScore + memoryScore) / 2)
  },
  retryOn: [
    on('Pod', ['Delete', 'UpdatePodScaleDown'], (pod, event) => isDeletion(event) ? holdsRoom(event.object as Pod) : releasesWanted(pod, event)),
    on('DeviceClass', ['Add', 'Update'], (pod, { object, old }) => {
      const name = (object as DeviceClass).spec.extendedResourceName
      if (old && (old as DeviceClass).spec.extendedResourceName === name) return false
      const requests = podAmounts(pod)
      return (!old && requests[DEVICE_CLASS_PREFIX + object.metadata.name] !== undefined) || (name !== undefined && requests[name] !== undefined)
    }),
    on('Node', ['Add', 'UpdateNodeAllocatable'], (pod, { object, old }, { informers }) => {
      const now = new NodeInfo(object as Node)
      const requests = podAmounts(pod)
      if (lackingResources(requests, now, informers)) return false
      if (!old) return true
      const before = new NodeInfo(old as Node).allocatable
      if ((now.allocatable.pods ?? 0) > (before.pods ?? 0)) return true
      return Object.entries(requests).some(([name, amount]) => amount > 0 && ((now.allocatable[name] ?? 0) > (before[name] ?? 0) || ((now.allocatable[name] ?? 0) === 0 && isDevices(name, informers))))
    }),
  ],
}

/** The same with another idea of what is better. k8s: NodeResourcesFitArgs scoringStrategy MostAllocated */
export const mostAllocated: FilterPlugin & PreScorePlugin & ScorePlugin = {
  ...nodeResourcesFit,
  score({ state }, node) {
    const { cpu = 0, memory = 0 } = node.allocatable
    const asked = state.get(NAME) as Asked
    const scores = [...(cpu === 0 ? [] : [usedUp(cpu, node.nonZeroCpu + asked.cpu)]), ...(memory === 0 ? [] : [usedUp(memory, node.nonZeroMemory + asked.memory)])]
    return scores.length === 0 ? 0 : Math.trunc(scores.reduce((sum, score) => sum + score, 0) / scores.length)
  },
}
