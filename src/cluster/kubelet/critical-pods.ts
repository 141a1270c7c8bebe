/** Room for critical pods: the kubelet ends less important ones. k8s: pkg/kubelet/preemption */
import type { Pod } from '../kinds/generated/types.ts'
import { qosOf } from '../kinds/core/pod-qos.ts'
import { quantityMilliValue, quantityValue } from '../kinds/quantity.ts'
import { isCriticalPod } from './node-pressure.ts'
import { podRequests } from './pod-resources.ts'

/** A resource of which a pod asks for more than there is left: amounts of CPU are thousandths. */
export interface Shortage {
  resource: string
  requested: number
  used: number
  capacity: number
}

/** How much of a resource is missing. */
interface Requirement {
  resource: string
  amount: number
}

/** What a pod asks of a resource, in the units of {@link Shortage}. */
export function requestOf(pod: Pod, resource: string): number {
  if (resource === 'pods') return 1
  const text = podRequests(pod)[resource]
  return text === undefined ? 0 : resource === 'cpu' ? quantityMilliValue(text) : quantityValue(text)
}

/** k8s: kubelettypes.Preemptable */
const isPreemptable = (preemptor: Pod, pod: Pod) => (isCriticalPod(preemptor) && !isCriticalPod(pod)) || (preemptor.spec.priority !== undefined && pod.spec.priority !== undefined && preemptor.spec.priority > pod.spec.priority)

const without = (requirements: readonly Requirement[], pods: readonly Pod[]): Requirement[] =>
  requirements.map(({ resource, amount }) => ({ resource, amount: pods.reduce((left, pod) => left - requestOf(pod, resource), amount) })).filter(({ amount }) => amount > 0)

/** How far a pod's end would be from meeting the requirements; 0: it meets them all. */
const distance = (requirements: readonly Requirement[], pod: Pod) => requirements.reduce((sum, { resource, amount }) => sum + Math.max(0, (amount - requestOf(pod, resource)) / amount) ** 2, 0)

function asksForLess(a: Pod, b: Pod): boolean {
  for (const resource of ['memory', 'cpu']) {
    const [first, second] = [requestOf(a, resource), requestOf(b, resource)]
    if (first !== second) return first < second
  }
  return true
}

/** Pods that come closest, one after the other. The caller has seen that all of them would do. k8s: getPodsToPreemptByDistance */
function closest(pods: readonly Pod[], requirements: readonly Requirement[]): Pod[] {
  const left = [...pods]
  const chosen: Pod[] = []
  let open = [...requirements]
  while (open.length > 0 && left.length > 0) {
    let best = 0
    for (let i = 1; i < left.length; i++) {
      const difference = distance(open, left[i]!) - distance(open, left[best]!)
      if (difference < 0 || (difference === 0 && asksForLess(left[i]!, left[best]!))) best = i
    }
    const pod = left[best]!
    open = without(open, [pod])
    chosen.push(pod)
    left[best] = left.at(-1)!
    left.pop()
  }
  return chosen
}

/** Which pods have to end for a critical one, as few guaranteed and burstable ones as possible; a text says that none will do. k8s: getPodsToPreempt */
export function podsToPreempt(pod: Pod, others: readonly Pod[], shortages: readonly Shortage[]): Pod[] | string {
  const requirements = shortages.map(({ resource, requested, used, capacity }) => ({ resource, amount: requested - (capacity - used) }))
  const candidates = others.filter((other) => isPreemptable(pod, other))
  const [bestEffort, burstable, guaranteed] = ['BestEffort', 'Burstable', 'Guaranteed'].map((qos) => candidates.filter((other) => qosOf(other) === qos)) as [Pod[], Pod[], Pod[]]
  const unmet = without(requirements, candidates)
  if (unmet.length > 0) return `preemption: error finding a set of pods to preempt: no set of running pods found to reclaim resources: [${unmet.map(({ resource, amount }) => `(res: ${resource}, q: ${amount}), `).join('')}]`
  const fromGuaranteed = closest(guaranteed, without(requirements, [...bestEffort, ...burstable]))
  const fromBurstable = closest(burstable, without(requirements, [...bestEffort, ...fromGuaranteed]))
  return [...closest(bestEffort, without(requirements, [...fromBurstable, ...fromGuaranteed])), ...fromBurstable, ...fromGuaranteed]
}
