import { deepEqual } from '../../base/freeze.ts'
import { podAmounts } from '../client/pod-resources.ts'
import type { Node, Pod } from '../kinds/generated/types.ts'
import { NodeInfo } from './node-info.ts'
import { podInfoOf, type PodInfo } from './pod-info.ts'

/** Pods that a predicate holds for, counted per node and kept up to date. */
export interface PodCounter {
  readonly counts: ReadonlyMap<string, number>
}

interface Counter extends PodCounter {
  counts: Map<string, number>
  matches: (pod: Pod) => boolean
}

const MAX_COUNTERS = 64

/**
 * The scheduler's picture of the cluster: nodes with the pods bound (or assumed to be bound) to them. Scheduling is synchronous, so the
 * picture doesn't change during a cycle and needs no snapshot. k8s: pkg/scheduler/backend/cache
 */
export class ClusterState {
  readonly #nodes = new Map<string, NodeInfo>()
  #list: NodeInfo[] | undefined
  /** Node of every known pod. */
  readonly #podNode = new Map<string, string>()
  readonly #assumed = new Set<string>()
  /** Pods on nodes that aren't there (yet). */
  readonly #homeless = new Map<string, PodInfo>()
  readonly #counters = new Map<string, Counter>()
  /** On how many nodes an image is, and its size as the first of them told it. k8s: cache.addNodeImageStates */
  readonly #images = new Map<string, { nodes: number; bytes: number }>()
  #podsWithAffinity = 0
  #podsWithAntiAffinity = 0

  /** Nodes in the order they came. */
  get nodes(): readonly NodeInfo[] {
    return this.#list ??= [...this.#nodes.values()]
  }

  node(name: string): NodeInfo | undefined {
    return this.#nodes.get(name)
  }

  /** Whether any pod of the cluster has required anti-affinity. */
  get hasAntiAffinity(): boolean { return this.#podsWithAntiAffinity > 0 }
  get hasAffinity(): boolean { return this.#podsWithAffinity > 0 }

  /** How much there is of what. */
  sizes(): { nodes: number; pods: number; assumedPods: number } {
    return { nodes: this.#nodes.size, pods: this.#podNode.size, assumedPods: this.#assumed.size }
  }

  /** On how many nodes an image is. */
  nodesWithImage(name: string): number {
    return this.#images.get(name)?.nodes ?? 0
  }

  /** An image's size in bytes, the same for all nodes; 0 for one that no node has. */
  imageBytes(name: string): number {
    return this.#images.get(name)?.bytes ?? 0
  }

  setNode(node: Node): void {
    const name = node.metadata.name!
    const known = this.#nodes.get(name)
    if (known) {
      this.#countImages(known, -1)
      known.setNode(node)
      this.#countImages(known, 1)
      return
    }
    const info = new NodeInfo(node)
    this.#nodes.set(name, info)
    this.#list = undefined
    this.#countImages(info, 1)
    for (const [uid, pod] of this.#homeless) {
      if (pod.pod.spec.nodeName !== name) continue
      this.#homeless.delete(uid)
      this.#place(pod, name)
    }
  }

  removeNode(name: string): void {
    const info = this.#nodes.get(name)
    if (!info) return
    this.#countImages(info, -1)
    for (const [uid, pod] of [...info.pods]) {
      this.#displace(uid)
      this.#homeless.set(uid, pod)
    }
    this.#nodes.delete(name)
    this.#list = undefined
  }

  isAssumed(uid: string): boolean {
    return this.#assumed.has(uid)
  }

  /** Puts a pod on a node before the API knows. */
  assume(info: PodInfo, nodeName: string): void {
    this.#assumed.add(info.pod.metadata.uid!)
    this.#place(info, nodeName)
  }

  /** Takes an assumption back. */
  forget(uid: string): void {
    if (this.#assumed.delete(uid)) this.#displace(uid)
  }

  /** A bound pod as the API has it now; confirms an assumption. */
  setPod(pod: Pod): void {
    const uid = pod.metadata.uid!
    const nodeName = pod.spec.nodeName!
    const assumedNode = this.#podNode.get(uid)
    this.#assumed.delete(uid)
    const known = assumedNode === nodeName ? this.#nodes.get(nodeName)?.pods.get(uid) : undefined
    // Most updates are about status: the sums stay, unless a resize goes on.
    if (known && known.pod.metadata.generation === pod.metadata.generation && known.pod.metadata.deletionTimestamp === pod.metadata.deletionTimestamp && deepEqual(known.pod.metadata.labels, pod.metadata.labels)
      && ((pod.metadata.generation ?? 1) <= 1 || deepEqual(known.requests, podAmounts(pod)))) {
      this.#nodes.get(nodeName)!.renew(pod)
      return
    }
    this.removePod(uid)
    const info = podInfoOf(pod)
    if (this.#nodes.has(nodeName)) this.#place(info, nodeName)
    else this.#homeless.set(uid, info)
  }

  removePod(uid: string): void {
    this.#assumed.delete(uid)
    this.#homeless.delete(uid)
    this.#displace(uid)
  }

  /**
   * A counter of bound pods by node, which stays correct by itself; the same key must mean the same predicate. Few are kept at a time.
   */
  counter(key: string, matches: (pod: Pod) => boolean): PodCounter {
    let counter = this.#counters.get(key)
    if (counter) {
      this.#counters.delete(key)
      this.#counters.set(key, counter)
      return counter
    }
    counter = { counts: new Map(), matches }
    for (const { node, pods } of this.#nodes.values()) {
      let count = 0
      for (const { pod } of pods.values()) if (matches(pod)) count++
      if (count > 0) counter.counts.set(node.metadata.name!, count)
    }
    this.#counters.set(key, counter)
    if (this.#counters.size > MAX_COUNTERS) this.#counters.delete(this.#counters.keys().next().value!)
    return counter
  }

  #place(info: PodInfo, nodeName: string): void {
    this.#displace(info.pod.metadata.uid!)
    const node = this.#nodes.get(nodeName)
    if (!node) return
    node.add(info)
    this.#podNode.set(info.pod.metadata.uid!, nodeName)
    this.#count(info, nodeName, 1)
  }

  #displace(uid: string): void {
    const nodeName = this.#podNode.get(uid)
    if (nodeName === undefined) return
    this.#podNode.delete(uid)
    const info = this.#nodes.get(nodeName)?.remove(uid)
    if (info) this.#count(info, nodeName, -1)
  }

  #count(info: PodInfo, nodeName: string, by: 1 | -1): void {
    if (info.hasAffinity) this.#podsWithAffinity += by
    if (info.requiredAntiAffinity.length > 0) this.#podsWithAntiAffinity += by
    for (const { counts, matches } of this.#counters.values())
      if (matches(info.pod)) counts.set(nodeName, (counts.get(nodeName) ?? 0) + by)
  }

  #countImages(info: NodeInfo, by: 1 | -1): void {
    for (const [name, bytes] of info.images) {
      const state = this.#images.get(name)
      if (!state) this.#images.set(name, { nodes: by, bytes })
      else if ((state.nodes += by) === 0) this.#images.delete(name)
    }
  }
}
