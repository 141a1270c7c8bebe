import type { Pod } from '../kinds/generated/types.ts'
import { podInfoOf, type PodInfo } from './pod-info.ts'

interface Nomination {
  info: PodInfo
  nodeName: string
}

/** Which pods that wait have a node promised: its room counts as taken for pods that are not more important. k8s: backend/queue/nominator.go */
export class Nominator {
  readonly #nominations = new Map<string, Nomination>()

  /** Takes over what a pod that has come says of itself: the scheduler before this one, or something outside, has nominated it. */
  add(pod: Pod): void {
    this.set(podInfoOf(pod), pod.status?.nominatedNodeName ?? '')
  }

  /** Follows a pod's change. A nomination that isn't written yet stays; one that was taken back goes. */
  update(pod: Pod, old: Pod): void {
    const uid = pod.metadata.uid!
    const unwritten = old.status?.nominatedNodeName || pod.status?.nominatedNodeName ? undefined : this.#nominations.get(uid)?.nodeName
    const nodeName = pod.status?.nominatedNodeName || unwritten
    if (nodeName) this.set(podInfoOf(pod), nodeName)
    else this.delete(uid)
  }

  /** Nominates a pod to a node; an empty name takes the nomination back. */
  set(info: PodInfo, nodeName: string): void {
    const uid = info.pod.metadata.uid!
    this.#nominations.delete(uid)
    if (nodeName !== '') this.#nominations.set(uid, { info, nodeName })
  }

  delete(uid: string): void {
    this.#nominations.delete(uid)
  }

  /** No pod has a node promised: so it is mostly. */
  get isEmpty(): boolean {
    return this.#nominations.size === 0
  }

  /** The pods that are nominated to a node, in the order in which they were. */
  on(nodeName: string): PodInfo[] {
    return [...this.#nominations.values()].filter((nomination) => nomination.nodeName === nodeName).map(({ info }) => info)
  }
}
