import { amountOf, type Amounts } from '../client/pod-resources.ts'
import type { Node, Pod } from '../kinds/generated/types.ts'
import { portsConflict, type HostPort, type PodInfo } from './pod-info.ts'

/** A node with the sums over its pods. k8s: pkg/scheduler/framework NodeInfo */
export class NodeInfo {
  node: Node
  readonly pods = new Map<string, PodInfo>()
  allocatable: Amounts = {}
  readonly requested: Amounts = {}
  nonZeroCpu = 0
  nonZeroMemory = 0
  readonly podsWithAffinity = new Map<string, PodInfo>()
  readonly podsWithRequiredAntiAffinity = new Map<string, PodInfo>()
  /** Sizes in bytes by image name. */
  images = new Map<string, number>()

  constructor(node: Node) {
    this.node = node
    this.setNode(node)
  }

  setNode(node: Node): void {
    const old = this.node
    this.node = node
    if (old !== node && old.status === node.status) return
    this.allocatable = {}
    const allocatable = node.status?.allocatable
    for (const name in allocatable) this.allocatable[name] = amountOf(name, allocatable[name]!)
    this.images = new Map()
    for (const image of node.status?.images ?? []) for (const name of image.names ?? []) this.images.set(name, image.sizeBytes ?? 0)
  }

  add(info: PodInfo): void {
    const uid = info.pod.metadata.uid!
    if (this.pods.has(uid)) this.remove(uid)
    this.pods.set(uid, info)
    for (const name in info.requests) this.requested[name] = (this.requested[name] ?? 0) + info.requests[name]!
    this.nonZeroCpu += info.nonZero.cpu
    this.nonZeroMemory += info.nonZero.memory
    if (info.hasAffinity) this.podsWithAffinity.set(uid, info)
    if (info.requiredAntiAffinity.length > 0) this.podsWithRequiredAntiAffinity.set(uid, info)
  }

  remove(uid: string): PodInfo | undefined {
    const info = this.pods.get(uid)
    if (!info) return undefined
    this.pods.delete(uid)
    for (const name in info.requests) this.requested[name]! -= info.requests[name]!
    this.nonZeroCpu -= info.nonZero.cpu
    this.nonZeroMemory -= info.nonZero.memory
    this.podsWithAffinity.delete(uid)
    this.podsWithRequiredAntiAffinity.delete(uid)
    return info
  }

  /** Takes in what a pod is by now, where that changes none of the sums: who asks for its status gets the present one. */
  renew(pod: Pod): void {
    const uid = pod.metadata.uid!
    const old = this.pods.get(uid)
    if (!old) return
    const info = { ...old, pod }
    for (const pods of [this.pods, this.podsWithAffinity, this.podsWithRequiredAntiAffinity]) if (pods.has(uid)) pods.set(uid, info)
  }

  /** Whether a pod of this node holds the port. */
  isPortTaken(port: HostPort): boolean {
    for (const { hostPorts } of this.pods.values())
      for (const held of hostPorts) if (portsConflict(held, port)) return true
    return false
  }

  /** An independent copy, for asking "what if". */
  clone(): NodeInfo {
    const copy = new NodeInfo(this.node)
    for (const info of this.pods.values()) copy.add(info)
    return copy
  }
}
