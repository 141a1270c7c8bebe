import { rfc3339 } from '../../../base/clock.ts'
import { deepEqual } from '../../../base/freeze.ts'
import { findCondition } from '../../client/conditions.ts'
import type { Controller, ControllerContext } from '../../client/controller-runner.ts'
import type { Lease, Node, NodeCondition, Pod, Taint } from '../../kinds/generated/types.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { messageOf } from '../pod-control.ts'
import { timeMs } from '../pods.ts'
import { NOT_READY, noScheduleTaints, swapTaints, UNREACHABLE } from './node-taints.ts'

/** k8s: nodelifecycle defaults */
const MONITOR_PERIOD_MS = 5000
const MONITOR_GRACE_MS = 50_000
const STARTUP_GRACE_MS = 60_000
/** One node each ten seconds gets the taint that evicts pods. k8s: NodeEvictionRate */
const EVICTION_INTERVAL_MS = 10_000
const SECONDARY_INTERVAL_MS = 100_000
const UNHEALTHY_ZONE_SHARE = 0.55
const LARGE_CLUSTER = 50

/** Conditions that go unknown with the kubelet. The network's one isn't its own. */
const CONDITION_TYPES = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure']

export const PODS_BY_NODE = { name: 'node', values: (pod: Pod): readonly string[] => pod.spec.nodeName ? [pod.spec.nodeName] : [] }

interface Health {
  heartbeat: string | undefined
  renewTime: string | undefined
  /** When a sign of life was last noticed, by this controller's own clock. */
  probeMs: number
}

/** What a silent kubelet's node says. k8s: tryUpdateNodeHealth */
function unknownConditions(node: Readonly<Node>, nowMs: number): NodeCondition[] {
  const conditions = [...node.status?.conditions ?? []]
  for (const type of CONDITION_TYPES) {
    const at = conditions.findIndex((condition) => condition.type === type)
    if (at < 0) {
      conditions.push({
        type, status: 'Unknown', lastHeartbeatTime: node.metadata.creationTimestamp ?? undefined, lastTransitionTime: rfc3339(nowMs),
        reason: 'NodeStatusNeverUpdated', message: 'Kubelet never posted node status.',
      })
    } else if (conditions[at]!.status !== 'Unknown')
      conditions[at] = { ...conditions[at]!, status: 'Unknown', reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.', lastTransitionTime: rfc3339(nowMs) }
  }
  return conditions
}

type ZoneState = 'normal' | 'partial' | 'full'

/** How ill a zone is. k8s: ComputeZoneState */
function zoneState(ready: readonly (string | undefined)[]): ZoneState {
  const notReady = ready.filter((status) => status !== 'True').length
  if (notReady === ready.length && notReady > 0) return 'full'
  return notReady > 2 && notReady / ready.length >= UNHEALTHY_ZONE_SHARE ? 'partial' : 'normal'
}

/** Watches over heartbeats, tells which nodes are ill, and taints them. k8s: pkg/controller/nodelifecycle */
export function nodeLifecycleController(settings: { nodeMonitorPeriodMs?: number | undefined; nodeMonitorGraceMs?: number | undefined; nodeStartupGraceMs?: number | undefined; evictionIntervalMs?: number | undefined } = {}): Controller {
  const { nodeMonitorPeriodMs: monitorPeriodMs = MONITOR_PERIOD_MS, nodeMonitorGraceMs: monitorGraceMs = MONITOR_GRACE_MS, nodeStartupGraceMs: startupGraceMs = STARTUP_GRACE_MS, evictionIntervalMs = EVICTION_INTERVAL_MS } = settings
  const health = new Map<string, Health>()
  const known = new Map<string, string>()
  /** Nodes that wait for their NoExecute taint, oldest first. */
  const tainting = new Set<string>()
  let nextTaintMs = 0
  let intervalMs = evictionIntervalMs
  let stopped = false

  async function monitor(context: ControllerContext): Promise<void> {
    const { cache, events, clock } = context
    const nodes = cache.list<Node>('nodes')
    const names = new Set(nodes.map((node) => node.metadata.name!))
    for (const node of nodes) {
      const name = node.metadata.name!
      if (known.has(name)) continue
      known.set(name, node.metadata.uid!)
      events.event(nodeReference(name, node.metadata.uid!), 'Normal', 'RegisteredNode', `Node ${name} event: Registered Node ${name} in Controller`)
    }
    for (const [name, uid] of known) {
      if (names.has(name)) continue
      known.delete(name)
      health.delete(name)
      tainting.delete(name)
      events.event(nodeReference(name, uid), 'Normal', 'RemovingNode', `Node ${name} event: Removing Node ${name} from Controller`)
    }
    const ready = new Map<string, (string | undefined)[]>()
    for (const node of nodes) {
      const status = await checkHealth(node, context)
      const zone = node.metadata.labels?.['topology.kubernetes.io/zone'] ?? ''
      if (!ready.has(zone)) ready.set(zone, [])
      ready.get(zone)!.push(status)
    }
    // When everything looks dead it is probably us.
    const states = [...ready.values()].map(zoneState)
    const allDead = states.length > 0 && states.every((state) => state === 'full')
    intervalMs = allDead ? Infinity : states.includes('partial') ? (nodes.length > LARGE_CLUSTER ? SECONDARY_INTERVAL_MS : Infinity) : evictionIntervalMs
    if (allDead) tainting.clear()
    for (const name of [...tainting]) {
      if (intervalMs === Infinity || clock.nowMs() < nextTaintMs) break
      tainting.delete(name)
      nextTaintMs = clock.nowMs() + intervalMs
      await taintNoExecute(name, context).catch((error: unknown) => {
        tainting.add(name)
        context.log.info(`node ${name} was not tainted`, { error: messageOf(error) })
      })
    }
  }

  /** Returns the status of the Ready condition. */
  async function checkHealth(cached: Node, context: ControllerContext): Promise<string | undefined> {
    const { api, cache, clock, events } = context
    let node = cached
    const name = node.metadata.name!
    const nowMs = clock.nowMs()
    const ready = findCondition(node.status?.conditions, 'Ready')
    const lease = cache.get<Lease>('leases.coordination.k8s.io', `kube-node-lease/${name}`)
    const known = health.get(name)
    const seen: Health = known ?? { heartbeat: ready?.lastHeartbeatTime, renewTime: lease?.spec?.renewTime, probeMs: ready ? nowMs : timeMs(node.metadata.creationTimestamp) }
    if (known) {
      if (seen.heartbeat !== ready?.lastHeartbeatTime) {
        seen.heartbeat = ready?.lastHeartbeatTime
        seen.probeMs = nowMs
      }
      if (lease && seen.renewTime !== lease.spec?.renewTime) {
        seen.renewTime = lease.spec?.renewTime
        seen.probeMs = nowMs
      }
    }
    health.set(name, seen)

    const before = ready?.status ?? 'Unknown'
    let after = ready?.status
    if (nowMs > seen.probeMs + (ready ? monitorGraceMs : startupGraceMs)) {
      const conditions = unknownConditions(node, nowMs)
      if (!deepEqual(conditions, node.status?.conditions)) {
        try {
          node = await api.updateStatus<Node>('nodes', { ...node, status: { ...node.status, conditions } })
        } catch (error) {
          // Someone wrote meanwhile: the kubelet lives after all, or the next look decides.
          if (isStatusError(error, 'Conflict', 'NotFound')) return ready?.status
          throw error
        }
      }
      after = 'Unknown'
    }
    if (after === undefined) return undefined

    const has = (key: string) => node.spec?.taints?.some((taint) => taint.key === key && taint.effect === 'NoExecute') ?? false
    if (after === 'True') {
      tainting.delete(name)
      if (has(NOT_READY) || has(UNREACHABLE)) await swapTaints(api, node, [], [noExecute(NOT_READY), noExecute(UNREACHABLE)], nowMs).catch(ignoreRaces)
    } else {
      const key = after === 'False' ? NOT_READY : UNREACHABLE
      const other = after === 'False' ? UNREACHABLE : NOT_READY
      if (has(other)) await swapTaints(api, node, [noExecute(key)], [noExecute(other)], nowMs).catch(ignoreRaces)
      else if (!has(key)) tainting.add(name)
    }
    if (after !== 'True' && before === 'True') {
      events.event(nodeReference(name, node.metadata.uid!), 'Normal', 'NodeNotReady', `Node ${name} status is now: NodeNotReady`)
      await markPodsNotReady(name, context)
    }
    return after
  }

  async function taintNoExecute(name: string, { api, cache, clock }: ControllerContext): Promise<void> {
    const node = cache.get<Node>('nodes', name)
    const status = findCondition(node?.status?.conditions, 'Ready')?.status
    if (!node || !status || status === 'True') return
    const key = status === 'False' ? NOT_READY : UNREACHABLE
    await swapTaints(api, node, [noExecute(key)], [noExecute(key === NOT_READY ? UNREACHABLE : NOT_READY)], clock.nowMs())
  }

  return {
    name: 'node-controller', for: 'nodes', reads: ['leases.coordination.k8s.io', 'pods'],
    indexes: [{ resource: 'pods', ...PODS_BY_NODE }],
    start(context) {
      const loop = async () => {
        if (stopped) return
        try {
          await monitor(context)
        } catch (error) {
          context.log.warn('node health was not fully checked', { error: messageOf(error) })
        }
        context.clock.after(monitorPeriodMs, () => void loop())
      }
      void loop()
      return () => { stopped = true }
    },
    async reconcile(key, { api, cache, clock }) {
      const node = cache.get<Node>('nodes', key)
      if (!node) return
      const { add, remove } = noScheduleTaints(node)
      if (add.length > 0 || remove.length > 0) await swapTaints(api, node, add, remove, clock.nowMs())
      const labels = missingLabels(node)
      if (Object.keys(labels).length > 0) await api.patch('nodes', key, undefined, 'application/strategic-merge-patch+json', { metadata: { labels } })
    },
  }
}

/** What labels' older names have to say. k8s: labelReconcileInfo */
function missingLabels({ metadata: { labels = {} } }: Node): Record<string, string> {
  const out: Record<string, string> = {}
  for (const [stable, old] of [['kubernetes.io/os', 'beta.kubernetes.io/os'], ['kubernetes.io/arch', 'beta.kubernetes.io/arch']] as const) {
    const value = labels[stable]
    if (value !== undefined && labels[old] !== value) out[old] = value
  }
  return out
}

const noExecute = (key: string): Taint => ({ key, effect: 'NoExecute' })
const nodeReference = (name: string, uid: string) => ({ apiVersion: 'v1', kind: 'Node', name, uid })

function ignoreRaces(error: unknown): void {
  if (!isStatusError(error, 'Conflict', 'NotFound')) throw error
}

/** Services stop sending to pods of a silent node. k8s: MarkPodsNotReady */
async function markPodsNotReady(nodeName: string, { api, cache, clock, events }: ControllerContext): Promise<void> {
  for (const pod of cache.byIndex<Pod>('pods', PODS_BY_NODE.name, nodeName)) {
    if (findCondition(pod.status?.conditions, 'Ready')?.status !== 'True') continue
    const conditions = pod.status!.conditions!.map((condition) => condition.type === 'Ready' ? { ...condition, status: 'False', lastTransitionTime: rfc3339(clock.nowMs()) } : condition)
    try {
      await api.updateStatus('pods', { ...pod, status: { ...pod.status, conditions } })
    } catch (error) {
      if (!isStatusError(error, 'NotFound', 'Conflict')) throw error
    }
    events.event(pod, 'Warning', 'NodeNotReady', 'Node is not ready')
  }
}
