import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import type { Api } from '../client/api.ts'
import type { EventRecorder } from '../client/event-recorder.ts'
import type { Informers } from '../client/informers.ts'
import type { ConfigMap, Node, Pod, PodDisruptionBudget } from '../kinds/generated/types.ts'
import { goDurationText, parseGoDuration } from '../kinds/duration.ts'
import { isStatusError } from '../kinds/status-error.ts'
import type { CloudProvider, NodeGroup } from './cloud-provider.ts'
import type { Priorities } from './expander.ts'
import { NodeRemoval, isDue } from './node-removal.ts'
import type { AutoscalingOptions } from './options.ts'
import { isDaemonSetPod, isOver, isReady, isUnschedulable } from './pods.ts'
import { PRIORITY_CONFIG, prioritiesOf } from './priorities.ts'
import { planScaleUp } from './scale-up.ts'
import { Simulator, WATCHED_RESOURCES } from './simulator.ts'
import { Transitions, goTime, initializingText, statusText } from './status-text.ts'
import type { GroupStatus, Readiness } from './status-text.ts'
import { CANDIDATE_TAINT, TO_BE_DELETED_TAINT, addTaint, hasTaint, removeTaint } from './taints.ts'
import { nodeFrom, templatesOf } from './templates.ts'
import { UnneededNodes } from './unneeded-nodes.ts'

/** Younger pods wait for a loop: others may come. k8s: unschedulablePodTimeBuffer */
const POD_BUFFER_MS = 2_000
/** How long a node may take from registering to being ready. k8s: --max-node-startup-time */
const STARTUP_MS = 15 * 60_000
/** k8s: --ok-total-unready-count, --max-total-unready-percentage */
const OK_UNREADY = 3
const MAX_UNREADY_SHARE = 0.45
/** How long a group that failed to grow is left alone at first and at most. k8s: --initial-node-group-backoff-duration, --max-node-group-backoff-duration */
const FIRST_BACKOFF_MS = 5 * 60_000
const MAX_BACKOFF_MS = 30 * 60_000
/** After which time without another failure that is forgotten. k8s: --node-group-backoff-reset-timeout */
const BACKOFF_RESET_MS = 3 * 60 * 60_000
/** How many nodes get or lose the mark of a candidate in one loop. k8s: --max-bulk-soft-taint-count */
const MAX_SOFT_TAINTS = 10
/** Without these nothing can be said, and how long the others are waited for. */
const NEEDED_RESOURCES = ['nodes', 'pods', 'daemonsets.apps', 'poddisruptionbudgets.policy']
const SYNC_MS = 10_000
const SCALE_UP_DELAY = 'cluster-autoscaler.kubernetes.io/pod-scale-up-delay'
const LAST_UPDATED = 'cluster-autoscaler.kubernetes.io/last-updated'

export interface AutoscalerOptions {
  api: Api
  informers: Informers
  clock: Clock
  random: Random
  events: EventRecorder
  cloud: CloudProvider
  options: AutoscalingOptions
  /** A line of its log; `level` is klog's verbosity. */
  log(severity: 'I' | 'W' | 'E', level: number, at: string, text: string): void
}

/** Adds nodes where pods have no place, and takes those away that nobody needs. k8s: cluster-autoscaler/core StaticAutoscaler */
export class ClusterAutoscaler {
  readonly #o: AutoscalerOptions
  readonly #unneeded = new UnneededNodes()
  readonly #removal: NodeRemoval
  readonly #transitions = new Transitions()
  /** Groups that have been told to grow and haven't, and until when they may take. */
  readonly #growing = new Map<string, number>()
  readonly #backoffs = new Map<string, { untilMs: number; durationMs: number; failedMs: number; code: string; message: string }>()
  #status: ConfigMap | undefined
  #isFirstLoop = true
  #lastScaleUpMs = -Infinity
  #lastScaleDownMs = -Infinity
  #lastFailureMs = -Infinity
  #scaleDownProbeMs = 0
  readonly #stopped = new AbortController()

  constructor(options: AutoscalerOptions) {
    this.#o = options
    this.#removal = new NodeRemoval({
      ...options, signal: this.#stopped.signal, podsOn: (name) => this.#podsOn(name), tell: (...event) => this.#tell(...event), log: (severity, at, text) => options.log(severity, 0, at, text), onFailed: () => { this.#lastFailureMs = options.clock.nowMs() },
    })
  }

  /** Looks again and again until {@link stop}. */
  async run(): Promise<void> {
    const { informers, clock, options, log } = this.#o
    const { signal } = this.#stopped
    for (const resource of WATCHED_RESOURCES) informers.for(resource)
    await this.#writeStatus(initializingText(clock.nowMs()))
    await Promise.all(NEEDED_RESOURCES.map((resource) => informers.for(resource).synced()))
    // What it may not list (older manifests don't allow all of it) is as if there was none.
    await Promise.race([informers.synced(), clock.sleep(SYNC_MS, signal).catch(() => {})])
    while (!signal.aborted) {
      try {
        await this.#runOnce()
      } catch (error) {
        if (signal.aborted) return
        log('E', 0, 'static_autoscaler.go:344', (error as Error).message)
      }
      await clock.sleep(options.scanIntervalMs, signal).catch(() => {})
    }
  }

  stop(): void {
    this.#stopped.abort()
  }

  #podsOn(nodeName: string): readonly Pod[] {
    return this.#o.informers.for<Pod>('pods').list().filter((pod) => pod.spec.nodeName === nodeName && !isOver(pod))
  }

  async #runOnce(): Promise<void> {
    const { informers, clock, random, api, cloud, options, log } = this.#o
    const nowMs = clock.nowMs()
    log('I', 4, 'static_autoscaler.go:287', 'Starting main loop')
    await cloud.refresh()
    const nodes = informers.for<Node>('nodes').list()
    if (this.#isFirstLoop) {
      // What an earlier process may have left. k8s: cleanUpIfRequired
      for (const node of nodes) if (cloud.nodeGroupFor(node) && hasTaint(node, TO_BE_DELETED_TAINT)) await removeTaint(api, node, TO_BE_DELETED_TAINT, options.cordonNodeBeforeTerminating)
      this.#isFirstLoop = false
    }
    const templates = templatesOf(cloud, nodes, (name) => this.#podsOn(name))
    this.#followGrowth(nodes, nowMs)
    const whole = readinessOf(nodes, nowMs)
    const isHealthy = isHealthyShare(whole)
    try {
      if (!options.scaleUpFromZero && !nodes.some(isReady)) { log('W', 0, 'actionable_cluster_processor.go:57', 'Cluster has no ready nodes.'); return }
      if (!isHealthy) {
        log('W', 0, 'static_autoscaler.go:424', 'Cluster is not ready for autoscaling')
        this.#unneeded.clear()
        this.#tell('Warning', 'ClusterUnhealthy', 'Cluster is unhealthy')
        return
      }
      const simulator = new Simulator({ api, informers, clock, random })
      const started = nodes.filter((node) => !isStarting(node, nowMs))
      for (const node of started) simulator.addNode(node)
      const pods = informers.for<Pod>('pods').list()
      for (const pod of pods) {
        if (!pod.spec.nodeName || isOver(pod) || (pod.spec.priority ?? 0) < options.expendablePodsPriorityCutoff) continue
        simulator.state.setPod(pod)
        await clock.breathe()
      }
      this.#addUpcoming(simulator, nodes, templates, nowMs)
      const mayShrink = await this.#scaleUp(simulator, pods, started, templates, nowMs)
      if (options.scaleDownEnabled) await this.#scaleDown(simulator, started, nowMs, mayShrink)
      if (options.enforceNodeGroupMinSize) for (const group of cloud.nodeGroups()) if (group.targetSize < group.minSize && !this.#growing.has(group.id) && !this.#isBackedOff(group, nowMs)) await this.#grow(group, group.minSize, nowMs)
    } finally {
      if (options.writeStatusConfigMap) {
        await cloud.refresh().catch(() => {})
        await this.#writeStatus(statusText({ nowMs, readiness: whole, isHealthy, groups: this.#groupStatuses(informers.for<Node>('nodes').list(), nowMs), scaleDownProbeMs: this.#scaleDownProbeMs }, this.#transitions))
      }
    }
  }

  /** Groups that came to their size, and those that took too long. k8s: clusterstate updateScaleRequests */
  #followGrowth(nodes: readonly Node[], nowMs: number): void {
    const { cloud, options, log } = this.#o
    for (const group of cloud.nodeGroups()) {
      const growing = this.#growing.get(group.id)
      if (growing === undefined) continue
      if (this.#upcoming(group, nodes, nowMs) <= 0) this.#growing.delete(group.id)
      else if (growing < nowMs) {
        const text = `Nodes added to group ${group.id} failed to register within ${goDurationText(options.maxNodeProvisionTimeMs)}`
        log('W', 0, 'clusterstate.go:271', `Scale-up timed out for node group ${group.id} after ${goDurationText(options.maxNodeProvisionTimeMs)}`)
        this.#tell('Warning', 'ScaleUpTimedOut', text)
        this.#growing.delete(group.id)
        this.#backOff(group, 'timeout', text, nowMs)
      }
    }
  }

  #backOff(group: NodeGroup, code: string, message: string, nowMs: number): void {
    const last = this.#backoffs.get(group.id)
    const durationMs = !last || last.failedMs + BACKOFF_RESET_MS < nowMs ? FIRST_BACKOFF_MS : last.untilMs < nowMs ? Math.min(last.durationMs * 2, MAX_BACKOFF_MS) : last.durationMs
    this.#o.log('W', 0, 'clusterstate.go:297', `Disabling scale-up for node group ${group.id} until ${goTime(nowMs + durationMs)}; errorClass=Other; errorCode=${code}`)
    this.#backoffs.set(group.id, { untilMs: nowMs + durationMs, durationMs, failedMs: nowMs, code, message })
  }

  #isBackedOff({ id }: NodeGroup, nowMs: number): boolean {
    return (this.#backoffs.get(id)?.untilMs ?? 0) > nowMs
  }

  /** How many machines of a group are to come yet. */
  #upcoming(group: NodeGroup, nodes: readonly Node[], nowMs: number): number {
    return group.targetSize - nodes.filter((node) => this.#o.cloud.nodeGroupFor(node)?.id === group.id && !isStarting(node, nowMs)).length
  }

  /** Machines that are on their way count as if they were there. k8s: addUpcomingNodesToClusterSnapshot */
  #addUpcoming(simulator: Simulator, nodes: readonly Node[], templates: ReturnType<typeof templatesOf>, nowMs: number): void {
    for (const group of this.#o.cloud.nodeGroups()) {
      // Those of a group that fails to grow aren't waited for.
      const count = this.#isBackedOff(group, nowMs) ? 0 : this.#upcoming(group, nodes, nowMs)
      for (let i = 0; i < count; i++) {
        const next = nodeFrom(templates.get(group.id)!, group, `template-node-for-${group.id}-upcoming-${i}`)
        simulator.addNode(next.node, next.pods)
      }
    }
  }

  /** @returns whether nodes may go in this loop */
  async #scaleUp(simulator: Simulator, all: readonly Pod[], nodes: readonly Node[], templates: ReturnType<typeof templatesOf>, nowMs: number): Promise<boolean> {
    const { clock, random, cloud, options, log, events, informers } = this.#o
    const names = simulator.state.nodes.map(({ node }) => node.metadata.name!)
    const pending: Pod[] = []
    // The important ones first: they would get what room there is.
    for (const pod of all.filter((each) => isUnschedulable(each) && !isDaemonSetPod(each) && (each.spec.priority ?? 0) >= options.expendablePodsPriorityCutoff).sort((a, b) => (b.spec.priority ?? 0) - (a.spec.priority ?? 0))) {
      await clock.breathe()
      const there = simulator.findNode(pod, names)
      if (there === undefined) pending.push(pod)
      else simulator.put(pod, there)
    }
    const ageMs = (pod: Pod) => nowMs - Date.parse(pod.metadata.creationTimestamp!)
    const pods = pending.filter((pod) => ageMs(pod) >= Math.max(options.newPodScaleUpDelayMs, parseGoDuration(pod.metadata.annotations?.[SCALE_UP_DELAY] ?? '') ?? 0))
    if (pods.length === 0) { log('I', 1, 'static_autoscaler.go:533', 'No unschedulable pods'); return true }
    const refuse = (pod: Pod, reasons: string) => events.event(informers.for<Pod>('pods').get(`${pod.metadata.namespace}/${pod.metadata.name}`) ?? pod, 'Normal', 'NotTriggerScaleUp', `pod didn't trigger scale-up: ${reasons}`)
    const readyCount = nodes.filter(isReady).length
    if (options.maxNodesTotal > 0 && readyCount >= options.maxNodesTotal) {
      log('W', 0, 'static_autoscaler.go:537', `Max total nodes in cluster reached: ${options.maxNodesTotal}. Current number of ready nodes: ${readyCount}`)
      this.#tell('Warning', 'MaxNodesTotalReached', `Max total nodes in cluster reached: ${options.maxNodesTotal}`)
      for (const pod of pods) refuse(pod, 'max total nodes in cluster reached')
      return true
    }
    if (pods.every((pod) => ageMs(pod) < POD_BUFFER_MS)) { log('I', 1, 'static_autoscaler.go:545', 'Unschedulable pods are very new, waiting one iteration for more'); return false }
    for (const pod of pods) log('I', 1, 'klogx.go:87', `Pod ${pod.metadata.namespace}/${pod.metadata.name} is unschedulable`)
    const plan = await planScaleUp({ pods, room: options.maxNodesTotal > 0 ? options.maxNodesTotal - nodes.length : Infinity, cloud, templates, simulator, options, priorities: options.expander.includes('priority') ? await this.#priorities() : undefined, isBackedOff: (group) => this.#isBackedOff(group, nowMs), clock, random })
    if (!plan.chosen) {
      log('I', 1, 'orchestrator.go:166', 'No expansion options')
      for (const { pod, reasons } of plan.refused) refuse(pod, [...reasons].map(([reason, count]) => `${count} ${reason}`).join(', '))
      return true
    }
    const { group, newSize, pods: helped, estimated } = plan.chosen
    log('I', 1, 'orchestrator.go:181', `Best option to resize: ${group.id}`)
    log('I', 1, 'orchestrator.go:185', `Estimated ${estimated} nodes needed in ${group.id}`)
    const info = `[{${group.id} ${group.targetSize}->${newSize} (max: ${group.maxSize})}]`
    log('I', 1, 'orchestrator.go:246', `Final scale-up plan: ${info}`)
    if (await this.#grow(group, newSize, nowMs)) for (const pod of helped) events.event(pod, 'Normal', 'TriggeredScaleUp', `pod triggered scale-up: ${info}`)
    return true
  }

  /** k8s: core/scaleup/orchestrator executeScaleUp */
  async #grow(group: NodeGroup, newSize: number, nowMs: number): Promise<boolean> {
    const { cloud, options, log } = this.#o
    log('I', 0, 'executor.go:166', `Scale-up: setting group ${group.id} size to ${newSize}`)
    const sizes = `${newSize} instead of ${group.targetSize} (max: ${group.maxSize})`
    this.#tell('Normal', 'ScaledUpGroup', `Scale-up: setting group ${group.id} size to ${sizes}`)
    try {
      await cloud.increaseSize(group, newSize - group.targetSize)
    } catch (error) {
      const { message } = error as Error
      this.#tell('Warning', 'FailedToScaleUpGroup', `Scale-up failed for group ${group.id}: ${message}`)
      this.#backOff(group, 'cloudProviderError', message, nowMs)
      return false
    }
    this.#growing.set(group.id, nowMs + options.maxNodeProvisionTimeMs)
    this.#lastScaleUpMs = nowMs
    this.#tell('Normal', 'ScaledUpGroup', `Scale-up: group ${group.id} size set to ${sizes}`)
    return true
  }

  async #scaleDown(simulator: Simulator, nodes: readonly Node[], nowMs: number, mayShrink: boolean): Promise<void> {
    const { informers, clock, cloud, options, log } = this.#o
    log('I', 4, 'static_autoscaler.go:576', 'Calculating unneeded nodes')
    this.#scaleDownProbeMs = nowMs
    await this.#unneeded.update({
      nodes: nodes.filter(({ metadata }) => !this.#removal.isUnderway(metadata.name!)), podsOn: (name) => this.#podsOn(name), budgets: informers.for<PodDisruptionBudget>('poddisruptionbudgets.policy').list(), cloud, simulator, options, clock,
      log: (level, at, text) => log('I', level, at, text),
    })
    const isTooSoon = this.#lastScaleUpMs + options.scaleDownDelayAfterAddMs > nowMs || this.#lastFailureMs + options.scaleDownDelayAfterFailureMs > nowMs || this.#lastScaleDownMs + options.scaleDownDelayAfterDeleteMs > nowMs
    if (mayShrink && !isTooSoon) await this.#removeDue(nowMs)
    await this.#markCandidates(nodes, nowMs)
  }

  /** Begins to remove what nobody has needed for long enough. */
  async #removeDue(nowMs: number): Promise<void> {
    const { cloud, options, log } = this.#o
    log('I', 4, 'static_autoscaler.go:629', 'Starting scale down')
    const sizes = new Map(cloud.nodeGroups().map(({ id, targetSize, minSize }) => [id, { left: targetSize - minSize }]))
    const due = this.#unneeded.all.filter((unneeded) => {
      const name = unneeded.node.metadata.name!
      log('I', 2, 'nodes.go:138', `${name} was unneeded for ${Math.round((nowMs - unneeded.sinceMs) / 1_000)}s`)
      if (!isDue(unneeded, isReady(unneeded.node), options, nowMs)) return false
      const size = sizes.get(cloud.nodeGroupFor(unneeded.node)?.id ?? '')
      if (!size || size.left <= 0) { log('I', 1, 'nodes.go:189', `Skipping ${name} - node group min size reached`); return false }
      size.left--
      return true
    })
    const begun = await this.#removal.start(due)
    if (begun.length > 0) this.#lastScaleDownMs = nowMs
  }

  /** The scheduler should rather not use nodes that may go soon. k8s: core/scaledown/actuation UpdateSoftDeletionTaints */
  async #markCandidates(nodes: readonly Node[], nowMs: number): Promise<void> {
    const { api, cloud } = this.#o
    const wanted = new Set(this.#unneeded.all.map(({ node }) => node.metadata.name!))
    let budget = MAX_SOFT_TAINTS
    for (const node of nodes) {
      if (budget === 0) return
      if (!cloud.nodeGroupFor(node) || hasTaint(node, TO_BE_DELETED_TAINT) || this.#removal.isUnderway(node.metadata.name!) || wanted.has(node.metadata.name!) === hasTaint(node, CANDIDATE_TAINT)) continue
      budget--
      if (wanted.has(node.metadata.name!)) await addTaint(api, node, { key: CANDIDATE_TAINT, effect: 'PreferNoSchedule' }, nowMs)
      else await removeTaint(api, node, CANDIDATE_TAINT)
    }
  }

  #groupStatuses(nodes: readonly Node[], nowMs: number): GroupStatus[] {
    const { cloud } = this.#o
    const candidates = this.#unneeded.all.map(({ node }) => cloud.nodeGroupFor(node)?.id)
    return cloud.nodeGroups().map((group) => {
      const own = nodes.filter((node) => cloud.nodeGroupFor(node)?.id === group.id)
      const readiness = { ...readinessOf(own, nowMs), unregistered: Math.max(0, group.targetSize - own.length) }
      const backoff = this.#isBackedOff(group, nowMs) ? this.#backoffs.get(group.id) : undefined
      const isHealthy = isHealthyShare(readiness)
      return {
        group, readiness, isHealthy, candidates: candidates.filter((id) => id === group.id).length, ...(backoff ? { backoff: { errorCode: backoff.code, errorMessage: backoff.message } } : {}),
        scaleUp: this.#growing.has(group.id) && this.#upcoming(group, nodes, nowMs) > 0 ? 'InProgress' : !isHealthy ? 'Unhealthy' : backoff ? 'Backoff' : 'NoActivity',
      }
    })
  }

  /** k8s: expander/priority reloadConfigMap */
  async #priorities(): Promise<Priorities> {
    const { api, events, options } = this.#o
    const map = await api.get<ConfigMap>('configmaps', PRIORITY_CONFIG, options.namespace).catch(() => undefined)
    if (!map) return undefined
    const parsed = prioritiesOf(map)
    if (typeof parsed !== 'string') return parsed
    events.event(map, 'Warning', 'PriorityConfigMapInvalid', `${parsed}. Ignoring update.`)
    return undefined
  }

  #tell(type: 'Normal' | 'Warning', reason: string, message: string): void {
    if (this.#status) this.#o.events.event(this.#status, type, reason, message)
  }

  /** k8s: clusterstate/utils WriteStatusConfigMap */
  async #writeStatus(status: string): Promise<void> {
    const { api, options, clock, log } = this.#o
    if (!options.writeStatusConfigMap) return
    const { namespace, statusConfigMapName: name } = options
    const annotations = { [LAST_UPDATED]: goTime(clock.nowMs()) }
    try {
      const known = await api.get<ConfigMap>('configmaps', name, namespace).catch((error: unknown) => { if (isStatusError(error) && error.status.reason === 'NotFound') return undefined; throw error })
      this.#status = known ? await api.update<ConfigMap>('configmaps', { ...known, metadata: { ...known.metadata, annotations: { ...known.metadata.annotations, ...annotations } }, data: { ...known.data, status } })
        : await api.create<ConfigMap>('configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, annotations }, data: { status } } as ConfigMap)
    } catch (error) {
      log('E', 0, 'status.go:128', `Failed to write status configmap: ${(error as Error).message}`)
    }
  }
}

/** Registered, and not ready for the first time yet. */
const isStarting = (node: Node, nowMs: number) => !isReady(node) && nowMs - Date.parse(node.metadata.creationTimestamp!) < STARTUP_MS

function readinessOf(nodes: readonly Node[], nowMs: number): Readiness {
  const readiness: Readiness = { total: nodes.length, ready: 0, notStarted: 0, unready: 0, beingDeleted: 0, unregistered: 0, longUnregistered: 0 }
  for (const node of nodes) readiness[isReady(node) ? 'ready' : isStarting(node, nowMs) ? 'notStarted' : 'unready']++
  return readiness
}

/** k8s: clusterstate IsClusterHealthy */
function isHealthyShare({ unready, total }: Readiness): boolean {
  return unready <= OK_UNREADY || unready / total <= MAX_UNREADY_SHARE
}
