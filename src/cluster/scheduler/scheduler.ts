import { rfc3339 } from '../../base/clock.ts'
import type { Clock } from '../../base/clock.ts'
import { deepEqual } from '../../base/freeze.ts'
import type { Log } from '../../base/log.ts'
import type { MetricFamily } from '../../base/prometheus.ts'
import type { Random } from '../../base/random.ts'
import type { Api } from '../client/api.ts'
import { findCondition } from '../client/conditions.ts'
import { needsLess } from '../client/pod-resources.ts'
import { createEventRecorder } from '../client/event-recorder.ts'
import { keyOf, type Change, type Informers } from '../client/informers.ts'
import { DEVICE_CLASSES, RESOURCE_CLAIMS, RESOURCE_SLICES } from '../client/resource-claims.ts'
import type { Node, Pod, PodCondition } from '../kinds/generated/types.ts'
import type { KubeObject } from '../kinds/object.ts'
import { isStatusError } from '../kinds/status-error.ts'
import { ClusterState } from './cluster-state.ts'
import { conditionPatch } from './condition-patch.ts'
import type {
  BindPlugin, Cycle, EventAction, EventResource, FilterPlugin, Handle, PermitPlugin, Plugin, PostBindPlugin, PostFilterPlugin, PreBindPlugin,
  PreFilterPlugin, PreScorePlugin, QueuedPod, ReservePlugin, ScorePlugin,
} from './framework.ts'
import { fitErrorMessage, type FitError } from './fit-error.ts'
import type { NodeInfo } from './node-info.ts'
import { Nominator } from './nominator.ts'
import type { PodInfo } from './pod-info.ts'
import { defaultPlugins } from './plugins/default-plugins.ts'
import { SchedulerCounters } from './scheduler-counters.ts'
import { SchedulingQueue } from './scheduling-queue.ts'
import { isRejection, messageOfStatus, unresolvable, type SchedulingStatus } from './status.ts'

export const DEFAULT_SCHEDULER_NAME = 'default-scheduler'

/** Below this many nodes all are looked at. k8s: minFeasibleNodesToFind */
const MIN_FEASIBLE_NODES = 100
const MIN_FEASIBLE_PERCENT = 5
/** k8s: maxEventMessageLength of events.k8s.io notes */
const MAX_NOTE_LENGTH = 1024

export interface SchedulerOptions {
  /** The API as system:kube-scheduler. */
  api: Api
  informers: Informers
  clock: Clock
  random: Random
  log: Log
  /** Name of the node the scheduler runs on, for events. */
  host?: string
  /** Whose pods it places; those of `default-scheduler` by default. */
  name?: string
  plugins?: readonly Plugin[]
  /** Of how many nodes, in percent, it is enough to know that they fit; 0: fewer, the more there are. k8s: percentageOfNodesToScore */
  percentageOfNodesToScore?: number
  /** How long a pod waits after its first failure, and at most. */
  initialBackoffMs?: number
  maxBackoffMs?: number
}

export interface Scheduler {
  /** What it counts, for its metrics. */
  families(): MetricFamily[]
  start(): void
  stop(): void
}

type Outcome =
  | { node: NodeInfo }
  | { error: FitError; nominate?: string }
  | { error: { kind: 'none'; message: string; rejectors: Set<string> }; nominate?: string }
  | { error: { kind: 'other'; message: string }; nominate?: string }

/** Finds nodes for pods and binds them. k8s: pkg/scheduler */
export function createScheduler(options: SchedulerOptions): Scheduler {
  const { api, informers, clock, random, log } = options
  const plugins = options.plugins ?? defaultPlugins
  const ownName = options.name ?? DEFAULT_SCHEDULER_NAME
  const withMethod = <T>(method: string) => plugins.filter((plugin) => method in plugin) as unknown as readonly T[]
  const preFilters = withMethod<PreFilterPlugin>('preFilter')
  const filters = withMethod<FilterPlugin>('filter')
  const postFilters = withMethod<PostFilterPlugin>('postFilter')
  const preScores = withMethod<PreScorePlugin>('preScore')
  const scorers = withMethod<ScorePlugin>('score')
  const reservers = withMethod<ReservePlugin>('reserve')
  const permits = withMethod<PermitPlugin>('permit')
  const preBinders = withMethod<PreBindPlugin>('preBind')
  const binders = withMethod<BindPlugin>('bind')
  const postBinders = withMethod<PostBindPlugin>('postBind')

  const cluster = new ClusterState()
  // A kubeadm scheduler is up before its API server, so it never learns of events.k8s.io and records core events.
  // k8s: client-go/tools/events NewEventBroadcasterAdapterWithContext
  const events = createEventRecorder({ api, clock, log, component: ownName, ...(options.host ? { host: options.host } : {}) })
  const stops: (() => void)[] = []
  let started = false
  let stopped = false
  let running = false
  let nextStart = 0
  const nominator = new Nominator()
  const counters = new SchedulerCounters(ownName)

  const handle: Handle = {
    api, informers, clock, random, log, events, cluster, counters, runFilters,
    assumeAdded(cycle, other, node) { for (const plugin of preFilters) if (!cycle.skipFilter.has(plugin.name)) plugin.addPod?.(cycle, other, node, handle) },
    assumeRemoved(cycle, other, node) { for (const plugin of preFilters) if (!cycle.skipFilter.has(plugin.name)) plugin.removePod?.(cycle, other, node, handle) },
    cloneCycle: (cycle) => ({ ...cycle, state: cloneState(cycle.state) }),
    ungate: (pod) => queue.ungate(pod.metadata.uid!),
    nominatedTo: (nodeName) => nominator.on(nodeName),
    nominate,
  }
  const queue = new SchedulingQueue({
    clock, plugins, handle: () => handle, counters, wake, ...(options.initialBackoffMs === undefined ? {} : { initialBackoffMs: options.initialBackoffMs }), ...(options.maxBackoffMs === undefined ? {} : { maxBackoffMs: options.maxBackoffMs }),
  })

  function wake(): void {
    if (running || !started || stopped) return
    running = true
    void Promise.resolve().then(run)
  }

  async function run(): Promise<void> {
    try {
      while (!stopped) {
        await clock.breathe()
        const queued = queue.pop()
        if (!queued) return
        scheduleOne(queued)
      }
    } finally {
      running = false
    }
  }

  function scheduleOne(queued: QueuedPod): void {
    const { info } = queued
    queued.attemptMs = clock.nowMs()
    const { pod } = info
    const uid = pod.metadata.uid!
    if (pod.metadata.deletionTimestamp !== undefined) {
      events.event(pod, 'Warning', 'FailedScheduling', `skip schedule deleting pod: ${pod.metadata.namespace}/${pod.metadata.name}`)
      queue.done(uid)
      return
    }
    if (cluster.isAssumed(uid)) {
      queue.done(uid)
      return
    }
    const cycle: Cycle = { info, pod, state: new Map(), skipFilter: new Set(), skipScore: new Set() }
    let outcome: Outcome
    try {
      outcome = placeOne(cycle)
    } catch (error) {
      log.error(`scheduling ${keyOf(pod)} failed`, { error: String((error as Error)?.stack ?? error) })
      outcome = { error: { kind: 'other', message: String((error as Error)?.message ?? error) }, nominate: '' }
    }
    if ('error' in outcome) {
      fail(queued, outcome)
      return
    }
    const { node } = outcome
    const nodeName = node.node.metadata.name!
    const assumed: PodInfo = { ...info, pod: { ...pod, spec: { ...pod.spec, nodeName } } }
    nominator.delete(uid)
    cluster.assume(assumed, nodeName)
    for (const plugin of reservers) {
      const status = plugin.reserve(cycle, node, handle)
      if (!status) continue
      counters.point('Reserve', status.code)
      undo(cycle, nodeName)
      fail(queued, { error: { kind: 'fit', nodeCount: 1, diagnosis: { nodes: new Map([[nodeName, status]]) }, rejectors: new Set([plugin.name]) }, nominate: '' })
      return
    }
    counters.point('Reserve', 'Success')
    for (const plugin of permits) {
      const status = plugin.permit(cycle, nodeName, handle)
      if (!status) continue
      counters.point('Permit', status.code)
      undo(cycle, nodeName)
      fail(queued, { error: { kind: 'fit', nodeCount: 1, diagnosis: { nodes: new Map([[nodeName, status]]) }, rejectors: new Set([plugin.name]) }, nominate: '' })
      return
    }
    counters.point('Permit', 'Success')
    void bind(queued, cycle, nodeName)
  }

  function undo(cycle: Cycle, nodeName: string): void {
    for (const plugin of [...reservers].reverse()) plugin.unreserve(cycle, nodeName, handle)
    cluster.forget(cycle.pod.metadata.uid!)
  }

  async function bind(queued: QueuedPod, cycle: Cycle, nodeName: string): Promise<void> {
    const { pod } = cycle
    const uid = pod.metadata.uid!
    let status: SchedulingStatus | undefined
    let rejector = ''
    const startMs = clock.nowMs()
    let bindMs = startMs
    try {
      // Whoever adds and removes nodes learns where the pod will be. k8s: bindingCycle, NominatedNodeNameForExpectation
      if (preBinders.some((plugin) => plugin.needsPreBind(cycle, nodeName))) await nominate(pod, nodeName)
      for (const plugin of preBinders) {
        if (!plugin.needsPreBind(cycle, nodeName)) continue
        status = await plugin.preBind(cycle, nodeName, handle)
        rejector = plugin.name
        if (status) break
      }
      bindMs = clock.nowMs()
      counters.point('PreBind', status?.code ?? 'Success', bindMs - startMs)
      if (!status) for (const plugin of binders) {
        status = await plugin.bind(cycle, nodeName, handle)
        rejector = plugin.name
        if (!status || status.code !== 'Skip') break
      }
    } catch (error) {
      status = { code: 'Error', reasons: [String((error as Error)?.message ?? error)] }
    }
    if (stopped) return
    if (rejector === 'DefaultBinder') counters.point('Bind', status?.code ?? 'Success', clock.nowMs() - bindMs)
    if (!status) {
      queue.done(uid)
      counters.attempt('scheduled', clock.nowMs() - queued.attemptMs)
      counters.placed(queued.attempts, clock.nowMs() - queued.initialAttemptMs)
      events.event(pod, 'Normal', 'Scheduled', `Successfully assigned ${pod.metadata.namespace}/${pod.metadata.name} to ${nodeName}`)
      for (const plugin of postBinders) plugin.postBind(cycle, nodeName, handle)
      counters.point('PostBind', 'Success')
      return
    }
    undo(cycle, nodeName)
    // Events were no longer watched for the pod, so it is simply tried again later. k8s: handleBindingCycleError
    if (isRejection(status)) fail(queued, { error: { kind: 'none', message: messageOfStatus(status), rejectors: new Set() }, nominate: '' })
    else fail(queued, { error: { kind: 'other', message: `running ${rejector === 'DefaultBinder' ? 'Bind' : 'PreBind'} plugin "${rejector}": ${messageOfStatus(status)}` }, nominate: '' })
    // The room that was held is free again.
    queue.moveOn({ resource: 'Pod', actions: ['Delete'], object: { ...pod, spec: { ...pod.spec, nodeName } } as KubeObject }, ({ info }) => info.pod.metadata.uid !== uid)
  }

  /** k8s: schedulePod, schedulingAlgorithm */
  function placeOne(cycle: Cycle): Outcome {
    const all = cluster.nodes
    if (all.length === 0) return { error: { kind: 'none', message: 'no nodes available to schedule pods', rejectors: new Set() }, nominate: '' }
    const found = findFitting(cycle, all)
    if (Array.isArray(found)) {
      if (found.length === 1) return { node: found[0]! }
      return { node: best(cycle, found) }
    }
    const fit: FitError = found
    // k8s: RunPostFilterPlugins
    const messages: string[] = []
    let nominate: string | undefined
    for (const plugin of postFilters) {
      const result = plugin.postFilter(cycle, fit.diagnosis, handle)
      if (result.failed || result.success || plugin === postFilters.at(-1)) counters.point('PostFilter', result.failed ? 'Error' : result.success ? 'Success' : 'Unschedulable')
      if (result.failed) return { error: { ...fit, postFilterMessage: result.message! } }
      if (result.nominatedNodeName !== undefined) nominate = result.nominatedNodeName
      if (result.success) {
        messages.length = 0
        break
      }
      if (result.message) messages.push(result.message)
    }
    return { error: { ...fit, postFilterMessage: messages.join(', ') }, ...(nominate === undefined ? {} : { nominate }) }
  }

  function findFitting(cycle: Cycle, all: readonly NodeInfo[]): NodeInfo[] | FitError {
    let only: Set<string> | undefined
    const restrictors: string[] = []
    for (const plugin of preFilters) {
      const result = plugin.preFilter(cycle, handle)
      if (!result) continue
      if ('nodes' in result) {
        only = new Set(only ? [...result.nodes].filter((name) => only!.has(name)) : result.nodes)
        restrictors.push(plugin.name)
        if (only.size > 0) continue
        const message = restrictors.length === 1
          ? `node(s) didn't satisfy plugin ${restrictors[0]}` : `node(s) didn't satisfy plugin(s) [${[...restrictors].sort().join(' ')}] simultaneously`
        return { kind: 'fit', nodeCount: all.length, diagnosis: { nodes: new Map(), absent: unresolvable(message) }, preFilterMessage: message, rejectors: new Set(restrictors) }
      }
      if (result.code === 'Skip') {
        cycle.skipFilter.add(plugin.name)
        continue
      }
      counters.point('PreFilter', result.code)
      if (!isRejection(result)) throw new Error(`running PreFilter plugin "${plugin.name}": ${messageOfStatus(result)}`)
      return { kind: 'fit', nodeCount: all.length, diagnosis: { nodes: new Map(), absent: result }, preFilterMessage: messageOfStatus(result), rejectors: new Set([plugin.name]) }
    }

    counters.point('PreFilter', 'Success')
    const statuses = new Map<string, SchedulingStatus>()
    const rejectors = new Set<string>(only ? restrictors : [])
    const rejected = (node: NodeInfo, status: SchedulingStatus) => {
      if (!isRejection(status)) throw new Error(`running "${status.plugin}" filter plugin: ${messageOfStatus(status)}`)
      statuses.set(node.node.metadata.name!, status)
      rejectors.add(status.plugin!)
    }
    const nominatedNode = cycle.pod.status?.nominatedNodeName
    if (nominatedNode) {
      const node = cluster.node(nominatedNode)
      const status = node && runFilters(cycle, node)
      if (node && !status) return [node]
    }
    const nodes = only ? [...only].map((name) => cluster.node(name)).filter((node) => node !== undefined) : all
    const wanted = only ? nodes.length : feasibleNodesToFind(all.length, options.percentageOfNodesToScore ?? 0)
    const fitting: NodeInfo[] = []
    let looked = 0
    for (; looked < nodes.length && fitting.length < wanted; looked++) {
      const node = nodes[(nextStart + looked) % nodes.length]!
      const status = runFilters(cycle, node)
      if (status) rejected(node, status)
      else fitting.push(node)
    }
    nextStart = (nextStart + looked) % all.length
    counters.point('Filter', 'Success')
    if (fitting.length > 0) return fitting
    return {
      kind: 'fit', nodeCount: all.length, rejectors,
      diagnosis: { nodes: statuses, ...(only ? { absent: unresolvable(`node(s) didn't satisfy plugin(s) [${[...restrictors].sort().join(' ')}]`) } : {}) },
    }
  }

  /** All filters, also as if pods nominated to the node were there already. k8s: RunFilterPluginsWithNominatedPods */
  function runFilters(cycle: Cycle, node: NodeInfo): SchedulingStatus | undefined {
    if (nominator.isEmpty) return runPlainFilters(cycle, node)
    const guests = nominator.on(node.node.metadata.name!).filter((guest) => guest.priority >= cycle.info.priority && guest.pod.metadata.uid !== cycle.pod.metadata.uid)
    if (guests.length > 0) {
      const what = { ...cycle, state: cloneState(cycle.state) }
      const crowded = node.clone()
      for (const guest of guests) {
        crowded.add(guest)
        handle.assumeAdded(what, guest, crowded)
      }
      const status = runPlainFilters(what, crowded)
      if (status) return status
    }
    return runPlainFilters(cycle, node)
  }

  function runPlainFilters(cycle: Cycle, node: NodeInfo): SchedulingStatus | undefined {
    cycle.filters ??= filters.filter((plugin) => !cycle.skipFilter.has(plugin.name))
    for (const plugin of cycle.filters) {
      const status = plugin.filter(cycle, node, handle)
      if (!status) continue
      status.plugin = plugin.name
      return status
    }
    return undefined
  }

  function cloneState(state: Map<string, unknown>): Map<string, unknown> {
    const copy = new Map(state)
    for (const plugin of preFilters) if (plugin.cloneState && copy.has(plugin.name)) copy.set(plugin.name, plugin.cloneState(copy.get(plugin.name)))
    return copy
  }

  /** Highest weighted score; chance decides between equals. k8s: prioritizeNodes, selectHost */
  function best(cycle: Cycle, nodes: readonly NodeInfo[]): NodeInfo {
    for (const plugin of preScores) {
      const status = plugin.preScore(cycle, nodes, handle)
      if (status?.code === 'Skip') cycle.skipScore.add(plugin.name)
      else if (status) throw new Error(`running PreScore plugin "${plugin.name}": ${messageOfStatus(status)}`)
    }
    counters.point('PreScore', 'Success')
    counters.point('Score', 'Success')
    const totals = new Array<number>(nodes.length).fill(0)
    const scores = new Array<number>(nodes.length)
    for (const plugin of scorers) {
      if (cycle.skipScore.has(plugin.name)) continue
      for (let i = 0; i < nodes.length; i++) scores[i] = plugin.score(cycle, nodes[i]!, handle)
      plugin.normalize?.(cycle, scores, nodes)
      for (let i = 0; i < nodes.length; i++) totals[i]! += scores[i]! * plugin.weight
    }
    let max = -Infinity
    let chosen = 0
    let equals = 0
    for (let i = 0; i < totals.length; i++) {
      if (totals[i]! > max) {
        max = totals[i]!
        chosen = i
        equals = 1
      } else if (totals[i] === max && random.int(++equals) === 0) chosen = i
    }
    return nodes[chosen]!
  }

  /** k8s: handleSchedulingFailure */
  function fail(queued: QueuedPod, { error, ...rest }: Extract<Outcome, { error: unknown }>): void {
    const before = queued.info.pod
    const uid = before.metadata.uid!
    const current = informers.for<Pod>('pods').get(keyOf(before))
    const message = error.kind === 'fit' ? fitErrorMessage(error) : error.message
    counters.attempt(error.kind === 'other' ? 'error' : 'unschedulable', clock.nowMs() - queued.attemptMs)
    if (current && !current.spec.nodeName && current.metadata.uid !== uid) {
      // There is another pod of that name by now: nothing is said of the one that was.
      queue.done(uid)
      return
    }
    const nominated = 'nominate' in rest ? rest.nominate : undefined
    const waits = current !== undefined && !current.spec.nodeName
    const pod = waits ? current : before
    if (waits) {
      queue.returnUnschedulable(queued, pod, error.kind === 'other' ? new Set() : error.rejectors)
      if (nominated !== undefined) nominator.set(queued.info, nominated)
    } else queue.done(uid)
    events.event(pod, 'Warning', 'FailedScheduling', message.length > MAX_NOTE_LENGTH ? `${message.slice(0, MAX_NOTE_LENGTH - 4)} ...` : message)
    void report(pod, error.kind === 'other' ? 'SchedulerError' : 'Unschedulable', message, nominated)
  }

  /** Writes the PodScheduled condition and the nomination, where they change anything. */
  async function report(pod: Pod, reason: string, message: string, nominate: string | undefined): Promise<void> {
    const { metadata, status } = pod
    const old = findCondition(status?.conditions, 'PodScheduled')
    const condition: PodCondition = {
      type: 'PodScheduled', ...(metadata.generation ? { observedGeneration: metadata.generation } : {}), status: 'False', lastProbeTime: undefined,
      lastTransitionTime: old?.status === 'False' ? old.lastTransitionTime : rfc3339(clock.nowMs()), reason, message,
    }
    delete condition.lastProbeTime
    const conditionChanged = !old || !deepEqual({ ...old, lastProbeTime: undefined }, condition)
    const nominationChanged = nominate !== undefined && nominate !== (status?.nominatedNodeName ?? '')
    if (!conditionChanged && !nominationChanged) return
    try {
      await api.patch('pods', metadata.name!, metadata.namespace, 'application/strategic-merge-patch+json', {
        metadata: { uid: metadata.uid },
        status: { ...(conditionChanged ? conditionPatch(pod, condition) : {}), ...(nominationChanged ? { nominatedNodeName: nominate === '' ? null : nominate } : {}) },
      }, { subresource: 'status' })
    } catch (error) {
      if (!isStatusError(error, 'NotFound', 'Conflict')) log.warn(`status of ${keyOf(pod)} was not written`, { error: String(error) })
    }
  }

  /** Writes down which node a pod is meant for; an empty name takes that back. */
  async function nominate(pod: Pod, nodeName: string): Promise<void> {
    const { name, namespace, uid } = pod.metadata
    try {
      await api.patch('pods', name!, namespace, 'application/strategic-merge-patch+json', { metadata: { uid }, status: { nominatedNodeName: nodeName === '' ? null : nodeName } }, { subresource: 'status' })
    } catch (error) {
      if (!isStatusError(error, 'NotFound', 'Conflict')) log.warn(`nomination of ${keyOf(pod)} was not written`, { error: String(error) })
    }
  }

  function onNodes(changes: readonly Change<Node>[]): void {
    for (const { type, object, old } of changes) {
      if (type === 'delete') {
        queue.moveOn({ resource: 'Node', actions: ['Delete'], object })
        cluster.removeNode(object.metadata.name!)
        continue
      }
      cluster.setNode(object)
      const actions: EventAction[] = type === 'add' ? ['Add'] : nodeActions(object, old)
      if (actions.length > 0) queue.moveOn({ resource: 'Node', actions, object, ...(old ? { old } : {}) })
    }
  }

  function onPods(changes: readonly Change<Pod>[]): void {
    for (const { type, object: pod, old } of changes) {
      const uid = pod.metadata.uid!
      const over = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
      if (type === 'delete' || over) {
        queue.delete(uid)
        nominator.delete(uid)
        if (type === 'update' && over && old && (old.status?.phase === 'Succeeded' || old.status?.phase === 'Failed')) continue
        const heldRoom = Boolean(pod.spec.nodeName) || cluster.isAssumed(uid)
        cluster.removePod(uid)
        if (heldRoom) queue.moveOn({ resource: 'Pod', actions: ['Delete'], object: pod })
        else if (pod.status?.nominatedNodeName && isOwn(pod)) releaseNomination(pod)
        continue
      }
      if (pod.spec.nodeName) {
        if (!old?.spec.nodeName) {
          queue.delete(uid)
          nominator.delete(uid)
        }
        cluster.setPod(pod)
        if (type === 'add' || !old?.spec.nodeName) queue.moveOn({ resource: 'Pod', actions: ['Add'], object: pod })
        else {
          const actions: EventAction[] = []
          if (!deepEqual(old.metadata.labels, pod.metadata.labels)) actions.push('UpdatePodLabel')
          if (needsLess(pod, old)) actions.push('UpdatePodScaleDown')
          if (actions.length > 0) queue.moveOn({ resource: 'Pod', actions, object: pod, old })
        }
        continue
      }
      if (!isOwn(pod)) continue
      if (type === 'add') {
        nominator.add(pod)
        queue.add(pod)
      } else {
        const isAssumed = cluster.isAssumed(uid)
        if (!isAssumed) nominator.update(pod, old!)
        queue.update(pod, old!)
        if (!isAssumed && old!.status?.nominatedNodeName && old!.status.nominatedNodeName !== pod.status?.nominatedNodeName) releaseNomination(old!)
      }
    }
  }

  const isOwn = (pod: Pod) => (pod.spec.schedulerName ?? DEFAULT_SCHEDULER_NAME) === ownName

  /** The room that a waiting pod had promised is free again, for those that are not more important. k8s: hasNominatedNodeNameChanged, getLEPriorityPreCheck */
  function releaseNomination(pod: Pod): void {
    const priority = pod.spec.priority ?? 0
    queue.moveOn({ resource: 'Pod', actions: ['Delete'], object: pod }, ({ info }) => info.priority <= priority)
  }

  function follow(resource: string, name: EventResource): void {
    stops.push(informers.for(resource).onChanges((changes) => {
      for (const { type, object, old } of changes)
        queue.moveOn({ resource: name, actions: [type === 'add' ? 'Add' : type === 'delete' ? 'Delete' : 'Update'], object, ...(old ? { old } : {}) })
    }))
  }

  return {
    families: () => counters.families({ ...queue.gauges(), ...cluster.sizes() }),
    start() {
      const nodes = informers.for<Node>('nodes')
      const pods = informers.for<Pod>('pods')
      for (const resource of ['services', 'replicasets.apps', 'replicationcontrollers', 'statefulsets.apps', 'namespaces', 'poddisruptionbudgets.policy', RESOURCE_CLAIMS, RESOURCE_SLICES, DEVICE_CLASSES]) informers.for(resource)
      void (async () => {
        await informers.synced()
        if (stopped) return
        started = true
        stops.push(nodes.onChanges(onNodes), pods.onChanges(onPods))
        follow('persistentvolumes', 'PersistentVolume')
        follow('persistentvolumeclaims', 'PersistentVolumeClaim')
        follow('storageclasses.storage.k8s.io', 'StorageClass')
        follow('csinodes.storage.k8s.io', 'CSINode')
        follow('csidrivers.storage.k8s.io', 'CSIDriver')
        follow('csistoragecapacities.storage.k8s.io', 'CSIStorageCapacity')
        follow('volumeattachments.storage.k8s.io', 'VolumeAttachment')
        follow(RESOURCE_CLAIMS, 'ResourceClaim')
        follow(RESOURCE_SLICES, 'ResourceSlice')
        follow(DEVICE_CLASSES, 'DeviceClass')
        wake()
      })()
    },
    stop() {
      stopped = true
      for (const stop of stops) stop()
      queue.stop()
    },
  }
}

/** How many nodes are enough to choose from. k8s: numFeasibleNodesToFind */
function feasibleNodesToFind(nodes: number, wantedPercent: number): number {
  if (nodes < MIN_FEASIBLE_NODES) return nodes
  const percent = wantedPercent || Math.max(MIN_FEASIBLE_PERCENT, 50 - Math.trunc(nodes / 125))
  return Math.max(MIN_FEASIBLE_NODES, Math.trunc(nodes * percent / 100))
}

function nodeActions(node: Node, old: Node): EventAction[] {
  const actions: EventAction[] = []
  if (!deepEqual(old.status?.allocatable, node.status?.allocatable)) actions.push('UpdateNodeAllocatable')
  if (!deepEqual(old.status?.declaredFeatures, node.status?.declaredFeatures)) actions.push('UpdateNodeDeclaredFeature')
  if (!deepEqual(old.metadata.labels, node.metadata.labels)) actions.push('UpdateNodeLabel')
  if (!deepEqual(old.spec?.taints, node.spec?.taints) || (old.spec?.unschedulable && !node.spec?.unschedulable)) actions.push('UpdateNodeTaint')
  return actions
}
