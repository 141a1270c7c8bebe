import { deepEqual } from '../../../base/freeze.ts'
import type { Controller, ControllerContext, ReconcileResult } from '../../client/controller-runner.ts'
import { keyOf } from '../../client/informers.ts'
import { selects } from '../../client/label-selection.ts'
import { controllerOf } from '../../client/owner-references.ts'
import type { ControllerRevision, DaemonSet, DaemonSetStatus, Node, Pod } from '../../kinds/generated/types.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { compact } from '../compact.ts'
import { currentRevision, REVISION_HASH, REVISIONS, truncateHistory } from '../controller-revisions.ts'
import { computeTemplateHash } from '../template-hash.ts'
import { scaledValue } from '../int-or-percent.ts'
import { claim, ORPHANS } from '../ownership.ts'
import { createOwnedPod, deleteOwnedPod, isNamespaceTerminating, podFromTemplate, slowStart } from '../pod-control.ts'
import { isPodAvailable, isPodReady, nextAvailabilityMs, timeMs } from '../pods.ts'
import { affinityToNode, daemonTolerations, nodeShouldRun } from './node-choice.ts'

const GENERATION_ANNOTATION = 'deprecated.daemonset.template.generation'
const GENERATION_LABEL = 'pod-template-generation'
const BURST_REPLICAS = 250
/** Back-off of failed daemons. k8s: flowcontrol.NewBackOff(1s, 15min) */
const FIRST_BACKOFF_MS = 1000
const MAX_BACKOFF_MS = 15 * 60_000

interface Backoff { delayMs: number; untilMs: number }

/** Runs one pod on every node that fits. k8s: pkg/controller/daemon */
export function daemonSetController(): Controller {
  const backoffs = new Map<string, Backoff>()
  return {
    name: 'daemonset-controller', for: 'daemonsets.apps', owns: ['pods', REVISIONS], minIntervalMs: 10,
    indexes: [{ resource: 'pods', ...ORPHANS }, { resource: REVISIONS, ...ORPHANS }],
    watches: [
      {
        resource: 'pods',
        keys: ({ type, object }, { cache }) => type === 'delete' || controllerOf(object) ? []
          : cache.list<DaemonSet>('daemonsets.apps', object.metadata.namespace).filter((ds) => selects(ds.spec!.selector, object.metadata.labels)).map(keyOf),
      },
      {
        resource: 'nodes',
        keys: ({ type, object, old }, { cache }) => {
          // Heartbeats don't matter.
          if (type === 'update' && deepEqual(old.metadata.labels, object.metadata.labels) && deepEqual(old.spec?.taints, object.spec?.taints)) return []
          return cache.list<DaemonSet>('daemonsets.apps').filter((ds) => type !== 'update' || !deepEqual(nodeShouldRun(old, ds), nodeShouldRun(object, ds))).map(keyOf)
        },
      },
    ],
    async reconcile(key, context) {
      const ds = context.cache.get<DaemonSet>('daemonsets.apps', key)
      if (!ds) return
      return new DaemonSetSync(ds, backoffs, context).run()
    },
  }
}

class DaemonSetSync {
  readonly #ds: DaemonSet
  readonly #backoffs: Map<string, Backoff>
  readonly #context: ControllerContext
  #requeueMs: number | undefined
  readonly #created: Pod[] = []
  readonly #deleted: Pod[] = []

  constructor(ds: DaemonSet, backoffs: Map<string, Backoff>, context: ControllerContext) {
    this.#ds = ds
    this.#backoffs = backoffs
    this.#context = context
  }

  async run(): Promise<ReconcileResult | void> {
    const ds = this.#ds
    const { api, cache, events } = this.#context
    const selector = ds.spec!.selector
    if (Object.keys(selector.matchLabels ?? {}).length === 0 && !selector.matchExpressions?.length) {
      events.event(ds, 'Warning', 'SelectingAll', 'This daemon set is selecting all pods. A non-empty selector is required.')
      return
    }
    if (ds.metadata.deletionTimestamp !== undefined) return
    const nodes = cache.list<Node>('nodes')
    const revisions = await claim<ControllerRevision>(REVISIONS, ds, (revision) => selects(selector, revision.metadata.labels), { api, cache })
    const { revision, collisionCount } = await currentRevision(ds, ds.spec!.template, revisions, ds.status?.collisionCount, { label: REVISION_HASH, of: (collisions) => computeTemplateHash(ds.spec!.template, collisions) }, this.#context, ds.metadata.annotations)
    if (collisionCount !== ds.status?.collisionCount) {
      await api.updateStatus('daemonsets.apps', { ...ds, status: { ...ds.status, collisionCount } })
      return { requeueAfterMs: 1 }
    }
    const hash = revision.metadata.labels![REVISION_HASH]!
    const ownPods = () => claim<Pod>('pods', ds, (pod) => selects(selector, pod.metadata.labels), { api, cache })
    let failure = await this.#manage(nodes, await ownPods(), hash)
    // Each step looks at the pods anew; an update waits until the cache shows what was just created and deleted. k8s: updateDaemonSet
    if (failure === undefined && ds.spec!.updateStrategy?.type !== 'OnDelete' && this.#hasSeenOwnWrites()) failure = await this.#update(nodes, await ownPods(), hash)
    const pods = await ownPods()
    if (failure === undefined)
      await truncateHistory(revisions, (r) => r.metadata.name === revision.metadata.name || pods.some((pod) => pod.metadata.labels?.[REVISION_HASH] === r.metadata.labels?.[REVISION_HASH]), ds.spec!.revisionHistoryLimit ?? 10, this.#context)
    await this.#writeStatus(nodes, pods, hash)
    if (failure !== undefined) throw failure
    if (this.#requeueMs !== undefined) return { requeueAfterMs: this.#requeueMs }
  }

  /** k8s: manage, podsShouldBeOnNode */
  async #manage(nodes: readonly Node[], pods: readonly Pod[], hash: string): Promise<unknown> {
    const ds = this.#ds
    const { events, clock } = this.#context
    const byNode = podsByNode(pods)
    const create: string[] = []
    const remove: Pod[] = []
    const surge = this.#maxSurge(nodes) > 0
    for (const node of nodes) {
      const name = node.metadata.name!
      const { shouldRun, mayContinue } = nodeShouldRun(node, ds)
      const own = byNode.get(name) ?? []
      if (own.length === 0) {
        if (shouldRun) create.push(name)
        continue
      }
      if (!mayContinue) {
        remove.push(...own.filter((pod) => pod.metadata.deletionTimestamp === undefined))
        continue
      }
      const running: Pod[] = []
      for (const pod of own) {
        if (pod.metadata.deletionTimestamp !== undefined) continue
        if (pod.status?.phase === 'Failed') {
          const key = `${ds.metadata.uid}/${hash}/${name}`
          const backoff = this.#backoffs.get(key)
          const nowMs = clock.nowMs()
          if (backoff && nowMs < backoff.untilMs) {
            this.#later(backoff.untilMs - nowMs)
            continue
          }
          const delayMs = backoff && nowMs - backoff.untilMs < 2 * MAX_BACKOFF_MS ? Math.min(backoff.delayMs * 2, MAX_BACKOFF_MS) : FIRST_BACKOFF_MS
          this.#backoffs.set(key, { delayMs, untilMs: nowMs + delayMs })
          events.event(ds, 'Warning', 'FailedDaemonPod', `Found failed daemon pod ${pod.metadata.namespace}/${pod.metadata.name} on node ${name}, will try to kill it`)
          remove.push(pod)
        } else if (pod.status?.phase === 'Succeeded') {
          events.event(ds, 'Normal', 'SucceededDaemonPod', `Found succeeded daemon pod ${pod.metadata.namespace}/${pod.metadata.name} on node ${name}, will try to delete it`)
          remove.push(pod)
        } else running.push(pod)
      }
      if (!surge) {
        remove.push(...running.sort(byCreation).slice(1))
        continue
      }
      if (running.length <= 1) {
        // With a surge the next one doesn't wait until the one before it has gone.
        if (running.length === 0 && shouldRun) create.push(name)
        continue
      }
      // Old and new may be together for as long as the old one is ready and the new one isn't available.
      const ofHash = (pod: Pod) => pod.metadata.labels?.[REVISION_HASH] === hash
      const [fresh, ...moreFresh] = running.filter(ofHash).sort(byCreation)
      const [stale, ...moreStale] = running.filter((pod) => !ofHash(pod)).sort(byCreation)
      remove.push(...moreFresh, ...moreStale)
      if (fresh && stale && (!isPodReady(stale) || isPodAvailable(fresh, ds.spec!.minReadySeconds ?? 0, clock.nowMs()))) remove.push(stale)
    }
    // Pods of nodes that are gone. k8s: getUnscheduledPodsWithoutNode
    const names = new Set(nodes.map((node) => node.metadata.name!))
    for (const [name, own] of byNode) if (!names.has(name)) remove.push(...own.filter((pod) => !pod.spec.nodeName && pod.metadata.deletionTimestamp === undefined))
    return this.#syncPods(create, remove, hash)
  }

  /** k8s: syncNodes */
  async #syncPods(create: readonly string[], remove: readonly Pod[], hash: string): Promise<unknown> {
    const ds = this.#ds
    const template = ds.spec!.template
    const generation = ds.metadata.annotations?.[GENERATION_ANNOTATION]
    const base = podFromTemplate(template, ds)
    base.metadata.labels = { ...base.metadata.labels, ...(generation ? { [GENERATION_LABEL]: generation } : {}), [REVISION_HASH]: hash }
    const tolerations = daemonTolerations(template.spec!)
    const todo = create.slice(0, BURST_REPLICAS)
    let { error } = await slowStart(todo.length, (i) => createOwnedPod({ ...base, spec: { ...base.spec, tolerations, affinity: affinityToNode(base.spec.affinity, todo[i]!) } }, ds, this.#context)
      .then((pod) => this.#created.push(pod), (problem: unknown) => { if (!isNamespaceTerminating(problem)) throw problem }), this.#context.clock)
    for (const result of await Promise.allSettled(remove.slice(0, BURST_REPLICAS).map((pod) => deleteOwnedPod(pod, ds, this.#context).then(() => this.#deleted.push(pod)))))
      if (result.status === 'rejected' && !isStatusError(result.reason, 'NotFound')) error ??= result.reason
    return error
  }

  /** k8s: ControllerExpectations.SatisfiedExpectations */
  #hasSeenOwnWrites(): boolean {
    const cached = (pod: Pod) => {
      const found = this.#context.cache.get<Pod>('pods', keyOf(pod))
      return found?.metadata.uid === pod.metadata.uid ? found : undefined
    }
    return this.#created.every(cached) && this.#deleted.every((pod) => cached(pod)?.metadata.deletionTimestamp !== undefined || !cached(pod))
  }

  #isUpdated(pod: Pod, hash: string): boolean {
    const generation = this.#ds.metadata.annotations?.[GENERATION_ANNOTATION]
    return pod.metadata.labels?.[REVISION_HASH] === hash || (generation !== undefined && pod.metadata.labels?.[GENERATION_LABEL] === generation)
  }

  #maxSurge(nodes: readonly Node[]): number {
    return scaledValue(this.#ds.spec!.updateStrategy?.rollingUpdate?.maxSurge, nodes.filter((node) => nodeShouldRun(node, this.#ds).shouldRun).length, true)
  }

  /** What failed, if anything. k8s: rollingUpdate */
  async #update(nodes: readonly Node[], pods: readonly Pod[], hash: string): Promise<unknown> {
    const ds = this.#ds
    const nowMs = this.#context.clock.nowMs()
    const minReadySeconds = ds.spec!.minReadySeconds ?? 0
    const desired = nodes.filter((node) => nodeShouldRun(node, ds).shouldRun).length
    const maxSurge = this.#maxSurge(nodes)
    let maxUnavailable = scaledValue(ds.spec!.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1, desired, true)
    if (maxUnavailable === 0 && maxSurge === 0) maxUnavailable = 1
    const byNode = podsByNode(pods)
    for (const node of nodes) if (!byNode.has(node.metadata.name!) && nodeShouldRun(node, ds).shouldRun) byNode.set(node.metadata.name!, [])
    const isAvailable = (pod: Pod) => isPodAvailable(pod, minReadySeconds, nowMs)
    const must: Pod[] = []
    const may: Pod[] = []
    const mustCreate: string[] = []
    const mayCreate: string[] = []
    const misplaced: Pod[] = []
    let available = 0
    let unavailable = 0
    let surging = 0
    for (const [name, own] of byNode) {
      const alive = own.filter((pod) => pod.metadata.deletionTimestamp === undefined)
      const fresh = alive.filter((pod) => this.#isUpdated(pod, hash))
      const stale = alive.filter((pod) => !this.#isUpdated(pod, hash))
      if (fresh.length > 1 || stale.length > 1) {
        unavailable++
        surging++
        continue
      }
      const [newPod] = fresh
      const [oldPod] = stale
      if (maxSurge === 0) {
        if (Boolean(newPod) === Boolean(oldPod)) unavailable++
        else if (newPod) {
          if (!isAvailable(newPod)) unavailable++
        } else if (!isAvailable(oldPod!)) {
          must.push(oldPod!)
          unavailable++
        } else may.push(oldPod!)
        continue
      }
      const serving = oldPod ?? newPod
      if (serving && isAvailable(serving)) available++
      if (!oldPod) continue
      if (newPod) {
        if (isAvailable(newPod)) must.push(oldPod)
        else surging++
        continue
      }
      const node = nodes.find((n) => n.metadata.name === name)
      if (!node || !nodeShouldRun(node, ds).shouldRun) {
        ;(isAvailable(oldPod) ? misplaced : must).push(oldPod)
        continue
      }
      ;(isAvailable(oldPod) ? mayCreate : mustCreate).push(name)
    }
    // Pods on nodes that are no longer meant go once those that take their place are available.
    const remove = [...must, ...may.slice(0, Math.max(0, maxUnavailable - unavailable)), ...misplaced.slice(0, Math.max(0, available - desired))]
    const create = [...mustCreate, ...mayCreate.slice(0, Math.max(0, maxSurge - surging))]
    return remove.length > 0 || create.length > 0 ? this.#syncPods(create, remove, hash) : undefined
  }

  /** k8s: updateDaemonSetStatus */
  async #writeStatus(nodes: readonly Node[], pods: readonly Pod[], hash: string): Promise<void> {
    const ds = this.#ds
    const nowMs = this.#context.clock.nowMs()
    const minReadySeconds = ds.spec!.minReadySeconds ?? 0
    const byNode = podsByNode(pods)
    let desired = 0, current = 0, misscheduled = 0, ready = 0, updated = 0, available = 0
    for (const node of nodes) {
      const own = byNode.get(node.metadata.name!)
      if (!nodeShouldRun(node, ds).shouldRun) {
        if (own?.length) misscheduled++
        continue
      }
      desired++
      if (!own?.length) continue
      current++
      const pod = [...own].sort(byCreation)[0]!
      if (isPodReady(pod)) {
        ready++
        if (isPodAvailable(pod, minReadySeconds, nowMs)) available++
      }
      if (this.#isUpdated(pod, hash)) updated++
    }
    const status: DaemonSetStatus = compact({
      ...ds.status, observedGeneration: ds.metadata.generation, desiredNumberScheduled: desired, currentNumberScheduled: current, numberMisscheduled: misscheduled,
      numberReady: ready, updatedNumberScheduled: updated || undefined, numberAvailable: available || undefined, numberUnavailable: desired - available || undefined,
    })
    if (!deepEqual(status, ds.status)) await this.#context.api.updateStatus('daemonsets.apps', { ...ds, status })
    // Also those count that the status leaves out: during a surge it speaks of the oldest pod of each node.
    const nextMs = nextAvailabilityMs(pods, minReadySeconds, nowMs)
    if (nextMs !== undefined) this.#later(nextMs)
    else if (minReadySeconds > 0 && ready !== available) this.#later(minReadySeconds * 1000)
  }

  #later(ms: number): void {
    this.#requeueMs = Math.min(this.#requeueMs ?? Infinity, Math.max(1, ms))
  }
}

const byCreation = (a: Pod, b: Pod) => timeMs(a.metadata.creationTimestamp) - timeMs(b.metadata.creationTimestamp) || (a.metadata.name! < b.metadata.name! ? -1 : 1)

/** The node that a daemon is on or meant for. k8s: GetTargetNodeName */
function targetNode(pod: Pod): string | undefined {
  if (pod.spec.nodeName) return pod.spec.nodeName
  for (const term of pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [])
    for (const { key, operator, values } of term.matchFields ?? [])
      if (key === 'metadata.name' && operator === 'In' && values?.length === 1) return values[0]
  return undefined
}

function podsByNode(pods: readonly Pod[]): Map<string, Pod[]> {
  const out = new Map<string, Pod[]>()
  for (const pod of pods) {
    const name = targetNode(pod)
    if (name === undefined) continue
    if (!out.has(name)) out.set(name, [])
    out.get(name)!.push(pod)
  }
  return out
}
