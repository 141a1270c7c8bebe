import type { Clock } from '../../base/clock.ts'
import type { Api } from '../client/api.ts'
import type { EventRecorder } from '../client/event-recorder.ts'
import type { Pod } from '../kinds/generated/types.ts'
import { isStatusError } from '../kinds/status-error.ts'
import type { CloudProvider } from './cloud-provider.ts'
import type { AutoscalingOptions } from './options.ts'
import { isDaemonSetPod } from './pods.ts'
import { TO_BE_DELETED_TAINT, addTaint, removeTaint } from './taints.ts'
import type { Unneeded } from './unneeded-nodes.ts'
import { utilizationText } from './unneeded-nodes.ts'

/** How often what was evicted is looked after, and an eviction that was refused is tried again, in milliseconds. k8s: core/scaledown/actuation/drain.go */
const LOOK_MS = 5_000
const RETRY_MS = 10_000
const HEADROOM_MS = 30_000

export interface RemovalOptions {
  api: Api
  clock: Clock
  events: EventRecorder
  cloud: CloudProvider
  options: AutoscalingOptions
  /** The process has ended: what it began stays as it is, for the next one. */
  signal: AbortSignal
  podsOn(nodeName: string): readonly Pod[]
  /** About the whole: an event at the status. */
  tell(type: 'Normal' | 'Warning', reason: string, message: string): void
  log(level: 'I' | 'W' | 'E', at: string, text: string): void
  onFailed(): void
}

/** Takes nodes away: taint, drain, and the cloud's machine. k8s: core/scaledown/actuation */
export class NodeRemoval {
  readonly #options: RemovalOptions
  /** Nodes on their way out, and whether they have to be drained first. */
  readonly #underway = new Map<string, boolean>()

  constructor(options: RemovalOptions) {
    this.#options = options
  }

  /** Whether a node is on its way out. */
  isUnderway(name: string): boolean {
    return this.#underway.has(name)
  }

  /** Begins with as many as may go at a time. @returns those */
  async start(nodes: readonly Unneeded[]): Promise<readonly Unneeded[]> {
    const { api, clock, events, options, tell, log } = this.#options
    const begun: Unneeded[] = []
    // k8s: cropNodesToBudgets
    for (const unneeded of [...nodes].sort((a, b) => Number(a.pods.length > 0) - Number(b.pods.length > 0))) {
      const { node, pods, utilization } = unneeded
      const name = node.metadata.name!
      const needsDrain = pods.length > 0
      if (this.#underway.size >= options.maxScaleDownParallelism || (needsDrain && [...this.#underway.values()].filter(Boolean).length >= options.maxDrainParallelism)) continue
      try {
        await addTaint(api, node, { key: TO_BE_DELETED_TAINT, effect: 'NoSchedule' }, clock.nowMs(), options.cordonNodeBeforeTerminating)
      } catch (error) {
        events.event(node, 'Warning', 'ScaleDownFailed', `failed to mark the node as toBeDeleted/unschedulable: ${(error as Error).message}`)
        continue
      }
      events.event(node, 'Normal', 'ScaleDown', 'marked the node as toBeDeleted/unschedulable')
      const text = needsDrain ? `Scale-down: removing node ${name}, utilization: ${utilizationText(utilization)}, pods to reschedule: ${pods.map(({ metadata }) => metadata.name).join(',')}` : `Scale-down: removing empty node ${JSON.stringify(name)}`
      log('I', needsDrain ? 'actuator.go:233' : 'actuator.go:150', text)
      tell('Normal', needsDrain ? 'ScaleDown' : 'ScaleDownEmpty', text)
      this.#underway.set(name, needsDrain)
      begun.push(unneeded)
      void this.#remove(unneeded).catch(() => { /* the process has ended */ })
    }
    return begun
  }

  async #remove({ node, pods }: Unneeded): Promise<void> {
    const { api, clock, events, cloud, options, signal, tell, log, onFailed, podsOn } = this.#options
    const name = node.metadata.name!
    const needsDrain = pods.length > 0
    try {
      await clock.sleep(options.nodeDeleteDelayAfterTaintMs, signal)
      if (needsDrain) await this.#drain(name, pods)
      const group = cloud.nodeGroupFor(node)
      if (!group) throw new Error(`picked node that doesn't belong to a node group: ${name}`)
      if (!needsDrain && podsOn(name).some((pod) => !isDaemonSetPod(pod) && pod.metadata.annotations?.['kubernetes.io/config.mirror'] === undefined)) throw new Error(`failed to delete empty node ${JSON.stringify(name)}, new pods scheduled`)
      await cloud.deleteNodes(group, [node])
      events.event(node, 'Normal', 'ScaleDown', 'nodes removed by cluster autoscaler')
      tell('Normal', needsDrain ? 'ScaleDown' : 'ScaleDownEmpty', needsDrain ? `Scale-down: node ${name} removed with drain` : `Scale-down: empty node ${name} removed`)
    } catch (error) {
      if (signal.aborted) return
      const { message } = error as Error
      log('E', 'delete_in_batch.go:199', needsDrain ? `Scale-down: couldn't delete node ${JSON.stringify(name)} with drain, status error: ${message}` : `Scale-down: couldn't delete empty node, status error: ${message}`)
      events.event(node, 'Warning', 'ScaleDownFailed', `failed to ${needsDrain ? 'drain and delete' : 'delete empty'} node: ${message}`)
      onFailed()
      await removeTaint(api, node, TO_BE_DELETED_TAINT, options.cordonNodeBeforeTerminating).catch(() => false)
    } finally {
      this.#underway.delete(name)
    }
  }

  /** Evicts pods and waits until they are gone. @throws Error */
  async #drain(nodeName: string, pods: readonly Pod[]): Promise<void> {
    const { api, clock, options, signal, log } = this.#options
    const name = (pod: Pod) => `${pod.metadata.namespace}/${pod.metadata.name}`
    const failures = (await Promise.all(pods.map((pod) => this.#evict(pod)))).filter((failure) => failure !== undefined)
    if (failures.length > 0) throw new Error(`Failed to drain node /${nodeName}, due to following errors: [${failures.join(' ')}]`)
    const untilMs = clock.nowMs() + options.maxGracefulTerminationMs + HEADROOM_MS
    while (clock.nowMs() < untilMs) {
      let isAnyLeft = false
      for (const pod of pods) {
        const left = await api.get<Pod>('pods', pod.metadata.name!, pod.metadata.namespace).catch((error: unknown) => { if (isStatusError(error) && error.status.reason === 'NotFound') return undefined; throw error })
        if (left?.spec.nodeName !== nodeName) continue
        log('I', 'drain.go:170', `Not deleted yet ${name(pod)}`)
        isAnyLeft = true
        break
      }
      if (!isAnyLeft) { log('I', 'drain.go:150', `All pods removed from ${nodeName}`); return }
      await clock.sleep(LOOK_MS, signal)
    }
    throw new Error(`Failed to drain node /${nodeName}: pods remaining after timeout`)
  }

  /** @returns what went wrong */
  async #evict(pod: Pod): Promise<string | undefined> {
    const { api, clock, events, options, signal } = this.#options
    events.event(pod, 'Normal', 'ScaleDown', 'deleting pod for node scale down')
    const { name, namespace } = pod.metadata
    const gracePeriodSeconds = Math.min(pod.spec.terminationGracePeriodSeconds ?? 30, options.maxGracefulTerminationMs / 1_000)
    const untilMs = clock.nowMs() + options.maxPodEvictionTimeMs
    let last = ''
    do {
      try {
        await api.createSubresource('pods', name!, namespace, 'eviction', { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace }, deleteOptions: { gracePeriodSeconds } })
        return undefined
      } catch (error) {
        if (isStatusError(error) && error.status.reason === 'NotFound') return undefined
        last = (error as Error).message
      }
      await clock.sleep(RETRY_MS, signal)
    } while (clock.nowMs() < untilMs)
    events.event(pod, 'Warning', 'ScaleDownFailed', 'failed to delete pod for ScaleDown')
    return `failed to evict pod ${namespace}/${name} within allowed timeout (last error: ${last})`
  }
}

/** Whether a node is to go now. k8s: core/scaledown/unneeded RemovableAt */
export function isDue({ sinceMs }: Unneeded, isNodeReady: boolean, options: AutoscalingOptions, nowMs: number): boolean {
  return sinceMs + (isNodeReady ? options.scaleDownUnneededTimeMs : options.scaleDownUnreadyTimeMs) < nowMs
}
