import { rfc3339 } from '../../../base/clock.ts'
import { deepEqual } from '../../../base/freeze.ts'
import type { Controller, ControllerContext } from '../../client/controller-runner.ts'
import { keyOf, type ObjectKey } from '../../client/informers.ts'
import { jsonClient, type ApiFetch } from '../../client/json-client.ts'
import type { HorizontalPodAutoscaler, HorizontalPodAutoscalerCondition, HorizontalPodAutoscalerStatus, MetricStatus, Pod } from '../../kinds/generated/types.ts'
import { nothing, parseLabelSelector, type LabelSelector } from '../../kinds/label-selector.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { messageOf } from '../pod-control.ts'
import { MetricError, proposalOf } from './metric-computation.ts'
import { MetricsClient } from './metrics-client.ts'
import { ReplicaCalculator } from './replica-calculator.ts'
import { RestMapper } from '../scales/rest-mapper.ts'
import { ScaleClient, type Scale, type ScaleTarget } from '../scales/scale-client.ts'
import { limited, ScalingHistory } from './scaling-history.ts'

/** k8s: HorizontalPodAutoscalerSyncPeriod */
const SYNC_MS = 15_000
/** k8s: client-go/util/retry DefaultRetry */
const SCALE_ATTEMPTS = 5
const USER_AGENT = 'kube-controller-manager'
const RESOURCE = 'horizontalpodautoscalers.autoscaling'

/**
 * Sizes scalable objects by what metrics say of their pods, every 15 seconds. `fetch` asks the API as the controller's user: scales and
 * metrics are read by their paths. k8s: pkg/controller/podautoscaler
 */
export function horizontalPodAutoscalerController(fetch: ApiFetch): Controller {
  const histories = new Map<ObjectKey, ScalingHistory>()
  /** Which pods each autoscaler is known to size; none until its first round. */
  const selectors = new Map<ObjectKey, LabelSelector>()
  let clients: { scales: ScaleClient; calculator: ReplicaCalculator } | undefined
  return {
    name: 'horizontal-pod-autoscaler', for: RESOURCE, reads: ['pods'],
    // Every change waits for the next round, too; see `watches`.
    wants: () => false,
    watches: [{
      resource: RESOURCE,
      keys: ({ type, object }, { enqueue }) => {
        const key = keyOf(object)
        if (type === 'delete') selectors.delete(key)
        else {
          if (!selectors.has(key)) selectors.set(key, nothing)
          enqueue(key, SYNC_MS)
        }
        return []
      },
    }],
    async reconcile(key, context) {
      const hpa = context.cache.get<HorizontalPodAutoscaler>(RESOURCE, key)
      if (!hpa) {
        histories.delete(key)
        return
      }
      if (!clients) {
        const { clock } = context
        const client = jsonClient(fetch, { userAgent: USER_AGENT })
        const mapper = new RestMapper(client, clock)
        const metrics = new MetricsClient(client, mapper, clock)
        clients = { scales: new ScaleClient(jsonClient(fetch, { userAgent: USER_AGENT, namesGroup: false }), mapper), calculator: new ReplicaCalculator(metrics, () => clock.nowMs()) }
      }
      let history = histories.get(key)
      if (!history) histories.set(key, history = new ScalingHistory())
      try {
        await new Round(hpa, key, context, { ...clients, history, selectors }).run()
      } catch (error) {
        context.log.info('Unhandled Error', { err: messageOf(error) })
      }
      return { requeueAfterMs: SYNC_MS }
    },
  }
}

interface RoundParts {
  scales: ScaleClient
  calculator: ReplicaCalculator
  history: ScalingHistory
  selectors: Map<ObjectKey, LabelSelector>
}

/** One look at one autoscaler. */
class Round {
  readonly #hpa: HorizontalPodAutoscaler
  readonly #key: ObjectKey
  readonly #context: ControllerContext
  readonly #parts: RoundParts
  readonly #nowMs: number
  readonly #conditions: HorizontalPodAutoscalerCondition[]

  constructor(hpa: HorizontalPodAutoscaler, key: ObjectKey, context: ControllerContext, parts: RoundParts) {
    this.#hpa = hpa
    this.#key = key
    this.#context = context
    this.#parts = parts
    this.#nowMs = context.clock.nowMs()
    this.#conditions = (hpa.status?.conditions ?? []).map((condition) => ({ ...condition }))
  }

  /** @throws Error for what upstream logs. k8s: reconcileAutoscaler */
  async run(): Promise<void> {
    const { spec, metadata: { namespace = '' } } = this.#hpa
    const { apiVersion = '', kind, name } = spec.scaleTargetRef
    const reference = `${kind}/${namespace}/${name}`
    const { history } = this.#parts
    let target: ScaleTarget
    try {
      target = await this.#parts.scales.find(apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '', kind, namespace, name)
    } catch (error) {
      this.#warn('FailedGetScale', messageOf(error))
      this.#set('AbleToScale', false, 'FailedGetScale', `the HPA controller was unable to get the target's current scale: ${messageOf(error)}`)
      await this.#write({ ...this.#hpa.status, conditions: this.#conditions })
      throw new Error(`failed to query scale subresource for ${reference}: ${messageOf(error)}`)
    }
    this.#set('AbleToScale', true, 'SucceededGetScale', "the HPA controller was able to get the target's current scale")
    const current = target.scale.spec?.replicas ?? 0
    history.begin(current, this.#nowMs)
    const min = spec.minReplicas ?? 1
    const max = spec.maxReplicas
    let desired = 0
    let reason = ''
    let metrics: MetricStatus[] | null = null
    let failure: string | undefined
    let isRescale = true
    if (current === 0) {
      isRescale = false
      this.#set('ScalingActive', false, 'ScalingDisabled', 'scaling is disabled since the replica count of the target is zero')
      this.#removeScaledToZero()
    } else if (current > max) {
      reason = 'Current number of replicas above Spec.MaxReplicas'
      desired = max
    } else if (current < min) {
      reason = 'Current number of replicas below Spec.MinReplicas'
      desired = min
    } else {
      const computed = await this.#compute(target.scale)
      metrics = computed.statuses
      failure = computed.failure
      if (computed.replicas === undefined) {
        await this.#write(this.#status(current, this.#hpa.status?.desiredReplicas ?? 0, metrics))
        this.#warn('FailedComputeMetricsReplicas', failure!)
        throw new Error(`failed to compute desired number of replicas based on listed metrics for ${reference}: ${failure}`)
      }
      desired = Math.max(0, computed.replicas)
      if (desired > current) reason = `${computed.metric} above target`
      if (desired < current) reason = 'All metrics below target'
      desired = this.#normalized(current, desired, min, max)
      isRescale = desired !== current
    }
    if (isRescale) {
      try {
        await this.#rescale(target, desired)
      } catch (error) {
        this.#warn('FailedRescale', `New size: ${desired}; reason: ${reason}; error: ${messageOf(error)}`)
        this.#set('AbleToScale', false, 'FailedUpdateScale', `the HPA controller was unable to update the target scale: ${messageOf(error)}`)
        await this.#write(this.#status(current, this.#hpa.status?.desiredReplicas ?? 0, metrics))
        throw new Error(`failed to rescale ${reference}: ${messageOf(error)}`)
      }
      this.#set('AbleToScale', true, 'SucceededRescale', `the HPA controller was able to update the target scale to ${desired}`)
      this.#context.events.event(this.#hpa, 'Normal', 'SuccessfulRescale', `New size: ${desired}; reason: ${reason}`)
      history.scaled(spec.behavior, current, desired, this.#nowMs)
      this.#removeScaledToZero()
      this.#context.log.info('Successfully rescaled', { HPA: this.#key, currentReplicas: current, desiredReplicas: desired, reason })
    } else desired = current
    const status = this.#status(current, desired, metrics)
    await this.#write(isRescale ? { ...status, lastScaleTime: rfc3339(this.#nowMs) } : status)
    if (failure !== undefined) throw new Error(failure)
  }

  /** The most that any metric asks for; undefined replicas when they don't say enough. k8s: computeReplicasForMetrics */
  async #compute(scale: Scale): Promise<{ replicas?: number; metric?: string; statuses: MetricStatus[] | null; failure?: string }> {
    const { namespace = '' } = this.#hpa.metadata
    const metrics = this.#hpa.spec.metrics ?? []
    let selector: LabelSelector
    try {
      selector = this.#selector(scale.status?.selector ?? '')
    } catch (error) {
      return { statuses: null, failure: messageOf(error) }
    }
    const sizes = { spec: scale.spec?.replicas ?? 0, status: scale.status?.replicas ?? 0 }
    const pods = { namespace, selector, list: () => this.#podsOf(selector) }
    // What couldn't be found out stays in its place, empty.
    const statuses: MetricStatus[] = metrics.map(() => ({ type: '' }))
    let first: MetricError | undefined
    let invalid = 0
    let replicas = 0
    let metric = ''
    for (const [i, spec] of metrics.entries()) {
      try {
        const proposal = await proposalOf(this.#parts.calculator, this.#hpa, spec, sizes, pods)
        statuses[i] = proposal.status
        if (replicas === 0 || proposal.replicas > replicas) ({ replicas, name: metric } = proposal)
      } catch (error) {
        if (!(error instanceof MetricError)) throw error
        this.#warn(error.reason, error.detail)
        first ??= error
        invalid++
      }
    }
    const failure = first && `invalid metrics (${invalid} invalid out of ${metrics.length}), first error is: ${first.message}`
    if (first && (invalid >= metrics.length || replicas < sizes.spec)) {
      this.#set('ScalingActive', false, first.reason, `the HPA was unable to compute the replica count: ${first.detail}`)
      return { statuses, failure: failure! }
    }
    this.#set('ScalingActive', true, 'ValidMetricFound', `the HPA was able to successfully calculate a replica count from ${metric}`)
    return { replicas, metric, statuses, ...(failure === undefined ? {} : { failure }) }
  }

  /** @throws Error when the target's pods can't be told, or belong to another autoscaler too. k8s: validateAndParseSelector */
  #selector(text: string): LabelSelector {
    const refuse = (event: string, condition: string, message: string, conditionMessage = message) => {
      this.#warn(event, message)
      this.#set('ScalingActive', false, condition, conditionMessage)
      return new Error(message)
    }
    if (text === '') throw refuse('SelectorRequired', 'InvalidSelector', 'selector is required', "the HPA target's scale is missing a selector")
    let selector: LabelSelector
    try {
      selector = parseLabelSelector(text)
    } catch (error) {
      throw refuse('InvalidSelector', 'InvalidSelector', `couldn't convert selector into a corresponding internal selector object: ${messageOf(error)}`)
    }
    const { selectors } = this.#parts
    if (selectors.has(this.#key)) selectors.set(this.#key, selector)
    const pods = this.#podsOf(selector)
    const { namespace } = this.#hpa.metadata
    const selecting = [...selectors].filter(([key, other]) => key.startsWith(`${namespace}/`) && pods.some((pod) => other.matches(pod.metadata.labels as Record<string, string>))).map(([key]) => key)
    if (selecting.length > 1) throw refuse('AmbiguousSelector', 'AmbiguousSelector', `pods by selector ${text} are controlled by multiple HPAs: [${selecting.join(' ')}]`)
    return selector
  }

  #podsOf(selector: LabelSelector): Pod[] {
    return this.#context.cache.list<Pod>('pods', this.#hpa.metadata.namespace).filter((pod) => selector.matches(pod.metadata.labels as Record<string, string> | undefined))
  }

  /** k8s: normalizeDesiredReplicas, normalizeDesiredReplicasWithBehaviors */
  #normalized(current: number, desired: number, min: number, max: number): number {
    const { history } = this.#parts
    const { behavior } = this.#hpa.spec
    const stable = behavior ? history.stabilizedBy(behavior, current, desired, this.#nowMs)
      : { replicas: history.stabilized(desired, this.#nowMs), reason: 'ScaleDownStabilized', message: 'recent recommendations were higher than current one, applying the highest recent recommendation' }
    if (stable.replicas !== desired) this.#set('AbleToScale', true, stable.reason, stable.message)
    else this.#set('AbleToScale', true, 'ReadyForNewScale', 'recommended size matches current size')
    const { replicas, reason, message } = behavior ? history.limitedBy(behavior, current, stable.replicas, min, max, this.#nowMs) : limited(current, stable.replicas, min, max)
    this.#set('ScalingLimited', replicas !== stable.replicas, reason, message)
    return replicas
  }

  /** Writes the scale; who was faster is overruled. @throws StatusError */
  async #rescale({ scale, mapping }: ScaleTarget, replicas: number): Promise<void> {
    const { namespace = '' } = this.#hpa.metadata
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#parts.scales.update(mapping, namespace, { ...scale, spec: { ...scale.spec, replicas } })
        return
      } catch (error) {
        if (attempt === SCALE_ATTEMPTS || !isStatusError(error, 'Conflict')) throw error
        scale = await this.#parts.scales.get(mapping, namespace, scale.metadata.name).catch(() => scale)
      }
    }
  }

  /** Scaling to zero is behind a gate that is shut: its condition can only be left over. */
  #removeScaledToZero(): void {
    const at = this.#conditions.findIndex(({ type }) => type === 'ScaledToZero')
    if (at >= 0) this.#conditions.splice(at, 1)
  }

  /** k8s: setConditionInList */
  #set(type: string, is: boolean, reason: string, message: string): void {
    const status = is ? 'True' : 'False'
    let condition = this.#conditions.find((candidate) => candidate.type === type)
    if (!condition) this.#conditions.push(condition = { type, status: '' })
    if (condition.status !== status) condition.lastTransitionTime = rfc3339(this.#nowMs)
    Object.assign(condition, { status, reason, message })
  }

  #warn(reason: string, message: string): void {
    this.#context.events.event(this.#hpa, 'Warning', reason, message)
  }

  #status(currentReplicas: number, desiredReplicas: number, currentMetrics: MetricStatus[] | null): HorizontalPodAutoscalerStatus {
    const lastScaleTime = this.#hpa.status?.lastScaleTime
    return { currentReplicas, desiredReplicas, ...(lastScaleTime ? { lastScaleTime } : {}), currentMetrics: currentMetrics as MetricStatus[], conditions: this.#conditions }
  }

  /** @throws Error when it can't be written. k8s: updateStatusIfNeeded */
  async #write(status: HorizontalPodAutoscalerStatus): Promise<void> {
    const comparable = ({ currentReplicas, desiredReplicas, lastScaleTime, currentMetrics, conditions }: Partial<HorizontalPodAutoscalerStatus>) =>
      ({ currentReplicas: currentReplicas ?? 0, desiredReplicas: desiredReplicas ?? 0, lastScaleTime: lastScaleTime ?? null, currentMetrics: currentMetrics ?? [], conditions: conditions ?? [] })
    if (deepEqual(comparable(this.#hpa.status ?? {}), comparable(status))) return
    const { currentReplicas, ...rest } = status
    try {
      await this.#context.api.updateStatus(RESOURCE, { ...this.#hpa, status: currentReplicas ? status : rest })
    } catch (error) {
      this.#warn('FailedUpdateStatus', messageOf(error))
      throw new Error(`failed to update status for ${this.#hpa.metadata.name}: ${messageOf(error)}`)
    }
  }
}
