import { rfc3339Micro } from '../../base/clock.ts'
import type { Clock, Timer } from '../../base/clock.ts'
import { deepEqual } from '../../base/freeze.ts'
import type { Log } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import type { Api } from '../client/api.ts'
import type { EventRecorder } from '../client/event-recorder.ts'
import { isStatusError } from '../kinds/status-error.ts'
import type { Lease, Node, NodeStatus } from '../kinds/generated/types.ts'
import type { NodeNetwork } from '../network/types.ts'
import type { ImageService, RuntimeService } from '../runtime/cri.ts'
import { initialNode, nodeStatus } from './node-status.ts'
import type { NodeConfig, NodeIdentity } from './node-status.ts'

const STATUS_MS = 10_000
/** An unchanged status is written again after this time. k8s: nodeStatusReportFrequency */
const REPORT_MS = 300_000
const UNREADY_POLL_MS = 100
const LEASE_SECONDS = 40
const RETRY_MS = 1_000

export interface NodeAgentOptions {
  nodeName: string
  runtime: Pick<RuntimeService, 'name' | 'version' | 'handlers'>
  api: Api
  clock: Clock
  random: Random
  log: Log
  events: EventRecorder
  images: ImageService
  network: NodeNetwork
  config: NodeConfig
  /** Facts of the machine; made up by default. */
  identity?: NodeIdentity | undefined
  /** The machine began anew, which the node's next status tells. */
  isColdBoot?: boolean
  /** What is scarce on the node. */
  pressure?(): { memory: boolean; disk: boolean }
  /** Why the node isn't ready whatever else is; undefined: nothing. */
  unready?(): string | undefined
  /** Names of attachable volumes that pods use. */
  volumesInUse?(): readonly string[]
  /** The API has the node. */
  onRegistered?(): void
  onNode(node: Node): void
}

/** Registers a node, reports its status and renews its lease. k8s: pkg/kubelet/kubelet_node_status.go, component-helpers lease */
export class NodeAgent {
  readonly #options: NodeAgentOptions
  readonly #identity: NodeIdentity
  #config: NodeConfig
  node: Node | undefined
  #lease: Lease | undefined
  #reportedMs = -Infinity
  #wasReady: boolean | undefined
  #timers = new Set<Timer>()
  #stopped = false
  #updating = false
  /** Whether it was told last that the node takes no new pods. */
  #wasUnschedulable = false
  /** Something has changed while an update was on its way. */
  #outdated = false

  constructor(options: NodeAgentOptions) {
    this.#options = options
    this.#config = options.config
    const { random } = options
    const id = () => random.uuid()
    const madeUp = { machineID: id().replaceAll('-', ''), systemUUID: id(), bootID: id() }
    this.#identity = options.identity ?? madeUp
    // A node whose network is ready tells so at once, as with kubelets that were not ready yet.
    options.network.onReadiness(() => {
      if (options.network.notReady !== undefined) return
      this.#outdated = true
      void this.#update()
    })
  }

  /** The kubelet was told something else of its node. */
  configure(config: NodeConfig): void {
    this.#config = config
  }

  /** Tells the API soon what has changed. */
  refresh(): void {
    void this.#update()
  }

  /** Begins, also once more after {@link stop}. */
  start(): void {
    this.#stopped = false
    this.#event('Starting', 'Starting kubelet.')
    void this.#register()
  }

  stop(): void {
    this.#stopped = true
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
  }

  /** The API's Node changed. */
  adopt(node: Node): void {
    this.node = node
    this.#options.onNode(node)
    if (this.#wasReady === false && this.#options.network.notReady === undefined) void this.#update()
  }

  #later(delayMs: number, fn: () => void): void {
    if (this.#stopped) return
    const timer = this.#options.clock.after(delayMs, () => {
      this.#timers.delete(timer)
      fn()
    })
    this.#timers.add(timer)
  }

  #event(reason: string, message: string): void {
    const { nodeName, events } = this.#options
    events.event({ apiVersion: 'v1', kind: 'Node', name: nodeName, uid: nodeName }, 'Normal', reason, message)
  }

  #status(old: NodeStatus | undefined): NodeStatus {
    const { images, clock, network } = this.#options
    const config = this.#config
    const notReady = this.#options.unready?.() ?? (network.notReady === undefined ? undefined : `container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: ${network.notReady}`)
    const known = old?.nodeInfo?.machineID ? { machineID: old.nodeInfo.machineID, systemUUID: old.nodeInfo.systemUUID, bootID: old.nodeInfo.bootID } : this.#identity
    const identity = this.#options.isColdBoot ? { ...known, bootID: this.#identity.bootID } : known
    return nodeStatus({ config, identity, runtime: this.#options.runtime, images: images.listImages(), old, nowMs: clock.nowMs(), notReady, volumesInUse: this.#options.volumesInUse?.() ?? [], pressure: { memory: false, disk: false, ...this.#options.pressure?.(), pid: false } })
  }

  async #register(): Promise<void> {
    const { api, nodeName, log, clock, events } = this.#options
    log.info('Attempting to register node', { node: nodeName })
    try {
      const fresh = initialNode(nodeName, this.#config, this.#status(undefined))
      let node: Node
      try {
        node = await api.create<Node>('nodes', fresh)
      } catch (error) {
        if (!isStatusError(error, 'AlreadyExists')) throw error
        node = await api.get<Node>('nodes', nodeName)
      }
      for (const reason of ['NodeHasSufficientMemory', 'NodeHasNoDiskPressure', 'NodeHasSufficientPID']) this.#event(reason, `Node ${nodeName} status is now: ${reason}`)
      this.#event('NodeAllocatableEnforced', 'Updated Node Allocatable limit across pods')
      if (this.#stopped) return
      // k8s: nodestatus MachineInfo
      const bootId = node.status?.nodeInfo?.bootID
      if (this.#options.isColdBoot && bootId && bootId !== this.#identity.bootID) events.event({ apiVersion: 'v1', kind: 'Node', name: nodeName, uid: nodeName }, 'Warning', 'Rebooted', `Node ${nodeName} has been rebooted, boot id: ${this.#identity.bootID}`)
      this.#wasReady = node.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false
      this.#reportedMs = clock.nowMs()
      log.info('Successfully registered node', { node: nodeName })
      this.adopt(node)
      this.#options.onRegistered?.()
    } catch (error) {
      if (!this.#stopped) log.warn('failed to register the node', { error: String(error) })
      this.#later(RETRY_MS, () => void this.#register())
      return
    }
    void this.#renew()
    void this.#loop()
  }

  async #loop(): Promise<void> {
    await this.#update()
    this.#later(this.#wasReady || this.#options.network.notReady !== undefined ? STATUS_MS : UNREADY_POLL_MS, () => void this.#loop())
  }

  async #update(): Promise<void> {
    const { api, log, clock, nodeName } = this.#options
    if (this.#updating || this.#stopped || !this.node) return
    this.#updating = true
    this.#outdated = false
    try {
      for (let attempt = 0; attempt < 5; attempt++) {
        const old: NodeStatus | undefined = this.node.status
        const status = this.#status(old)
        const isReady = status.conditions!.some((c) => c.type === 'Ready' && c.status === 'True')
        this.#tellSchedulable(this.node)
        const nowMs = clock.nowMs()
        if (nowMs - this.#reportedMs < REPORT_MS && isReady === this.#wasReady && deepEqual(withoutHeartbeats(old), withoutHeartbeats(status))) return
        try {
          this.node = await api.updateStatus<Node>('nodes', { ...this.node, status })
          this.#reportedMs = nowMs
          for (const { type, bad, good } of PRESSURES) {
            const is = (of: NodeStatus | undefined) => of?.conditions?.some((c) => c.type === type && c.status === 'True') ?? false
            if (is(old) !== is(status)) this.#event(is(status) ? bad : good, `Node ${nodeName} status is now: ${is(status) ? bad : good}`)
          }
          if (isReady && !this.#wasReady) log.info('Fast updating node status as it just became ready')
          if (isReady && !this.#wasReady) this.#event('NodeReady', `Node ${nodeName} status is now: NodeReady`)
          if (!isReady && this.#wasReady) this.#event('NodeNotReady', `Node ${nodeName} status is now: NodeNotReady`)
          this.#wasReady = isReady
          this.#options.onNode(this.node)
          return
        } catch (error) {
          if (!isStatusError(error, 'Conflict')) throw error
          this.node = await api.get<Node>('nodes', nodeName)
        }
      }
    } catch (error) {
      if (isStatusError(error, 'NotFound') && !this.#stopped) {
        // A kubelet registers once: a deleted node stays away until its kubelet starts anew, or somebody else makes the object.
        this.node = undefined
        log.error('Error updating node status, will retry', { err: `error getting node ${JSON.stringify(nodeName)}: node ${JSON.stringify(nodeName)} not found` })
      } else if (!this.#stopped) log.warn('failed to update the node status', { error: String(error) })
    } finally {
      this.#updating = false
      if (this.#outdated) void this.#update()
    }
  }

  // k8s: pkg/kubelet recordNodeSchedulableEvent
  #tellSchedulable({ spec }: Node): void {
    const isUnschedulable = spec?.unschedulable ?? false
    if (isUnschedulable === this.#wasUnschedulable) return
    this.#wasUnschedulable = isUnschedulable
    const reason = isUnschedulable ? 'NodeNotSchedulable' : 'NodeSchedulable'
    this.#event(reason, `Node ${this.#options.nodeName} status is now: ${reason}`)
  }

  // k8s: component-helpers/apimachinery/lease controller.go
  async #renew(): Promise<void> {
    const { api, nodeName, clock, log } = this.#options
    if (!this.node) {
      this.#lease = undefined
      this.#later(LEASE_SECONDS * 250, () => void this.#renew())
      return
    }
    const spec = { holderIdentity: nodeName, leaseDurationSeconds: LEASE_SECONDS, renewTime: rfc3339Micro(clock.nowMs()) }
    try {
      if (this.#lease) this.#lease = await api.update<Lease>('leases.coordination.k8s.io', { ...this.#lease, spec: { ...this.#lease.spec, ...spec } })
      else {
        const owner = { ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid: this.node.metadata.uid! }] }
        this.#lease = await api.create<Lease>('leases.coordination.k8s.io', { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: nodeName, namespace: 'kube-node-lease', ...owner }, spec })
      }
    } catch (error) {
      if (this.#stopped) return
      if (isStatusError(error, 'AlreadyExists', 'Conflict')) {
        this.#lease = await api.get<Lease>('leases.coordination.k8s.io', nodeName, 'kube-node-lease').catch(() => undefined)
        this.#later(10, () => void this.#renew())
        return
      }
      this.#lease = undefined
      // The namespace is made by the API server soon after it starts.
      if (!isStatusError(error, 'NotFound')) log.warn('failed to renew the node lease', { error: String(error) })
      this.#later(200, () => void this.#renew())
      return
    }
    this.#later(LEASE_SECONDS * 250, () => void this.#renew())
  }
}

/** What events say of conditions of pressure. */
const PRESSURES = [{ type: 'MemoryPressure', bad: 'NodeHasInsufficientMemory', good: 'NodeHasSufficientMemory' }, { type: 'DiskPressure', bad: 'NodeHasDiskPressure', good: 'NodeHasNoDiskPressure' }]

function withoutHeartbeats(status: NodeStatus | undefined): unknown {
  return { ...status, conditions: (status?.conditions ?? []).map((c) => ({ ...c, lastHeartbeatTime: '' })) }
}
