import type { Informers } from '../../client/informers.ts'
import type { Amounts } from '../../client/pod-resources.ts'
import { nonZeroContainerRequests, podAmounts } from '../../client/pod-resources.ts'
import { isExtendedResource } from '../../kinds/core/validate-resources.ts'
import type { DeviceClass, Node, Pod } from '../../kinds/generated/types.ts'
import { classOfResource, mayBeDevices } from '../devices/device-class-resolver.ts'
import { isDeletion, on, type ClusterEvent, type FilterPlugin, type PreScorePlugin, type ScorePlugin } from '../framework.ts'
import { NodeInfo } from '../node-info.ts'
import { holdsRoom } from '../pod-info.ts'
import { PASS, type SchedulingStatus } from '../status.ts'
import { CPU_AND_MEMORY, isOrdinary, nodeScorer, type ScoringStrategy } from './resource-scoring.ts'

const NAME = 'NodeResourcesFit'
const FIRST = ['cpu', 'memory', 'ephemeral-storage']

function fits(requests: Amounts, allocatable: Amounts, requested: Amounts): boolean {
  for (const name in requests) if (requests[name]! > 0 && requests[name]! > (allocatable[name] ?? 0) - (requested[name] ?? 0)) return false
  return true
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

/** What a pod asks for: CPU and memory as nodes are compared by them, and everything as it is. */
interface Asked {
  nonZero: ReturnType<typeof nonZeroContainerRequests>
  all: Amounts
}

/** How a profile sets up the plugin. k8s: apis/config NodeResourcesFitArgs */
export interface NodeResourcesFitArgs {
  /** Extended resources that nodes needn't have. */
  ignoredResources?: readonly string[]
  /** What stands before the slash of such. */
  ignoredResourceGroups?: readonly string[]
  scoring?: ScoringStrategy
}

/** A pod's requests without what is ignored. */
function checkedOf(requests: Amounts, ignored: ReadonlySet<string>, ignoredGroups: ReadonlySet<string>): Amounts {
  if (ignored.size === 0 && ignoredGroups.size === 0) return requests
  return Object.fromEntries(Object.entries(requests).filter(([name]) => !isExtendedResource(name) || !(ignored.has(name) || ignoredGroups.has(name.split('/')[0]!))))
}

/** k8s: resource/v1 ResourceDeviceClassPrefix */
const DEVICE_CLASS_PREFIX = 'deviceclass.resource.kubernetes.io/'

/** Whether a pod that scales down leaves something that the waiting pod asks for. k8s: isSchedulableAfterPodScaleDown */
function releasesWanted(pod: Pod, { object, old }: ClusterEvent): boolean {
  if (object.metadata.uid === pod.metadata.uid) return true
  if (!(object as Pod).spec.nodeName) return false
  const [before, now, wanted] = [podAmounts(old as Pod), podAmounts(object as Pod), podAmounts(pod)]
  return Object.entries(wanted).some(([name, amount]) => amount > 0 && (before[name] ?? 0) > (now[name] ?? 0))
}

/** CPU, memory and other resources must suffice; which nodes are better is a matter of strategy. k8s: plugins/noderesources Fit */
export function createNodeResourcesFit({ ignoredResources, ignoredResourceGroups, scoring = { type: 'LeastAllocated', resources: CPU_AND_MEMORY } }: NodeResourcesFitArgs = {}): FilterPlugin & PreScorePlugin & ScorePlugin {
  const ignored = new Set(ignoredResources)
  const ignoredGroups = new Set(ignoredResourceGroups)
  const scoreOf = nodeScorer(scoring)
  return {
    name: NAME,
    weight: 1,
    filter({ info }, node, { informers }): SchedulingStatus | undefined {
      const lacking = lackingResources(checkedOf(info.requests, ignored, ignoredGroups), node, informers)
      if (!lacking) return PASS
      return { code: lacking.hopeless ? 'UnschedulableAndUnresolvable' : 'Unschedulable', reasons: lacking.reasons }
    },
    preScore({ pod, info, state }) {
      state.set(NAME, { nonZero: nonZeroContainerRequests(pod), all: info.requests } satisfies Asked)
      return PASS
    },
    score({ state }, node) {
      const { nonZero, all } = state.get(NAME) as Asked
      return scoreOf((resource) => {
        const allocatable = node.allocatable[resource] ?? 0
        if (resource === 'cpu') return [node.nonZeroCpu + nonZero.cpu, allocatable]
        if (resource === 'memory') return [node.nonZeroMemory + nonZero.memory, allocatable]
        const asked = all[resource] ?? 0
        return asked === 0 && !isOrdinary(resource) ? undefined : [(node.requested[resource] ?? 0) + asked, allocatable]
      })
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
        const requests = checkedOf(podAmounts(pod), ignored, ignoredGroups)
        if (lackingResources(requests, now, informers)) return false
        if (!old) return true
        const before = new NodeInfo(old as Node).allocatable
        if ((now.allocatable.pods ?? 0) > (before.pods ?? 0)) return true
        return Object.entries(requests).some(([name, amount]) => amount > 0 && ((now.allocatable[name] ?? 0) > (before[name] ?? 0) || ((now.allocatable[name] ?? 0) === 0 && isDevices(name, informers))))
      }),
    ],
  }
}

/** As it is in the default profile: emptier nodes are better. */
export const nodeResourcesFit = createNodeResourcesFit()
