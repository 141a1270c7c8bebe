import type { HorizontalPodAutoscalerBehavior, HPAScalingRules } from '../../kinds/generated/types.ts'

/** Why a number of replicas isn't the one that was wished for, or that it is. */
export interface Limited {
  replicas: number
  reason: string
  message: string
}

interface Recommendation {
  replicas: number
  timeMs: number
}

interface ScaleEvent {
  /** How many replicas came or went; never negative. */
  change: number
  timeMs: number
}

/** k8s: HorizontalPodAutoscalerDownscaleStabilizationWindow */
const DOWNSCALE_STABILIZATION_SECONDS = 300
const SCALE_UP_FACTOR = 2
const SCALE_UP_MINIMUM = 4
const MAX_INT32 = 2 ** 31 - 1

const WITHIN_RANGE = { reason: 'DesiredWithinRange', message: 'the desired count is within the acceptable range' }
const SCALE_UP_LIMIT = { reason: 'ScaleUpLimit', message: 'the desired replica count is increasing faster than the maximum scale rate' }
const SCALE_DOWN_LIMIT = { reason: 'ScaleDownLimit', message: 'the desired replica count is decreasing faster than the maximum scale rate' }
const TOO_MANY = { reason: 'TooManyReplicas', message: 'the desired replica count is more than the maximum replica count' }
const TOO_FEW = { reason: 'TooFewReplicas', message: 'the desired replica count is less than the minimum replica count' }

/**
 * What an autoscaler wished for and did lately, and how that holds it back. Upstream's rounds come a little later than the sync period says,
 * so that what is exactly as old as a window is already outside of it; here rounds come to the millisecond.
 * k8s: pkg/controller/podautoscaler/horizontal.go
 */
export class ScalingHistory {
  #recommendations: Recommendation[] = []
  readonly #ups: ScaleEvent[] = []
  readonly #downs: ScaleEvent[] = []

  /** Remembers what there was when the autoscaler was seen first. k8s: recordInitialRecommendation */
  begin(replicas: number, nowMs: number): void {
    if (this.#recommendations.length === 0) this.#recommendations.push({ replicas, timeMs: nowMs })
  }

  /** The highest recommendation of the last five minutes. k8s: stabilizeRecommendation */
  stabilized(desired: number, nowMs: number): number {
    const cutoffMs = nowMs - DOWNSCALE_STABILIZATION_SECONDS * 1000
    let highest = desired
    for (const { replicas, timeMs } of this.#recommendations) if (timeMs > cutoffMs && replicas > highest) highest = replicas
    this.#remember(desired, nowMs, ({ timeMs }) => timeMs <= cutoffMs)
    return highest
  }

  /** A recommendation between the lowest and the highest ones of the rules' windows. k8s: stabilizeRecommendationWithBehaviors */
  stabilizedBy({ scaleUp, scaleDown }: HorizontalPodAutoscalerBehavior, current: number, desired: number, nowMs: number): Limited {
    const upCutoffMs = nowMs - (scaleUp!.stabilizationWindowSeconds ?? 0) * 1000
    const downCutoffMs = nowMs - (scaleDown!.stabilizationWindowSeconds ?? DOWNSCALE_STABILIZATION_SECONDS) * 1000
    let lowest = desired
    let highest = desired
    for (const { replicas, timeMs } of this.#recommendations) {
      if (timeMs > upCutoffMs) lowest = Math.min(lowest, replicas)
      if (timeMs > downCutoffMs) highest = Math.max(highest, replicas)
    }
    const replicas = Math.min(Math.max(current, lowest), highest)
    this.#remember(desired, nowMs, ({ timeMs }) => timeMs <= upCutoffMs && timeMs <= downCutoffMs)
    return desired >= current
      ? { replicas, reason: 'ScaleUpStabilized', message: 'recent recommendations were lower than current one, applying the lowest recent recommendation' }
      : { replicas, reason: 'ScaleDownStabilized', message: 'recent recommendations were higher than current one, applying the highest recent recommendation' }
  }

  /** What the rules' policies and the autoscaler's bounds leave of a recommendation. k8s: convertDesiredReplicasWithBehaviorRate */
  limitedBy({ scaleUp, scaleDown }: HorizontalPodAutoscalerBehavior, current: number, desired: number, min: number, max: number, nowMs: number): Limited {
    if (desired > current) {
      const limit = Math.max(current, this.#scaleUpLimit(scaleUp!, current, nowMs))
      if (desired > Math.min(max, limit)) return max > limit ? { replicas: limit, ...SCALE_UP_LIMIT } : { replicas: max, ...TOO_MANY }
    } else if (desired < current) {
      const limit = Math.min(current, this.#scaleDownLimit(scaleDown!, current, nowMs))
      if (desired < Math.max(min, limit)) return min < limit ? { replicas: limit, ...SCALE_DOWN_LIMIT } : { replicas: min, ...TOO_FEW }
    }
    return { replicas: desired, ...WITHIN_RANGE }
  }

  /** Remembers a change that was made. Without rules nobody will ask. k8s: storeScaleEvent */
  scaled(behavior: HorizontalPodAutoscalerBehavior | undefined, before: number, after: number, nowMs: number): void {
    if (!behavior) return
    const [events, rules] = after > before ? [this.#ups, behavior.scaleUp!] : [this.#downs, behavior.scaleDown!]
    const longestMs = Math.max(0, ...(rules.policies ?? []).map(({ periodSeconds }) => periodSeconds)) * 1000
    const event = { change: Math.abs(after - before), timeMs: nowMs }
    const outdated = events.findLastIndex(({ timeMs }) => timeMs <= nowMs - longestMs)
    if (outdated >= 0) events[outdated] = event
    else events.push(event)
  }

  /** Keeps a recommendation, in the place of one that nobody needs any more. */
  #remember(replicas: number, nowMs: number, isOutdated: (recommendation: Recommendation) => boolean): void {
    const outdated = this.#recommendations.findLastIndex(isOutdated)
    if (outdated >= 0) this.#recommendations[outdated] = { replicas, timeMs: nowMs }
    else this.#recommendations.push({ replicas, timeMs: nowMs })
  }

  #scaleUpLimit({ selectPolicy, policies = [] }: HPAScalingRules, current: number, nowMs: number): number {
    if (selectPolicy === 'Disabled') return current
    const proposals = policies.map(({ type, value, periodSeconds }) => {
      const start = this.#replicasBefore(periodSeconds, current, nowMs)
      // Rounded up, so that a few replicas can grow at all.
      return type === 'Pods' ? start + value : Math.ceil(start * (1 + value / 100))
    })
    return selectPolicy === 'Min' ? Math.min(MAX_INT32, ...proposals) : Math.max(-MAX_INT32, ...proposals)
  }

  #scaleDownLimit({ selectPolicy, policies = [] }: HPAScalingRules, current: number, nowMs: number): number {
    if (selectPolicy === 'Disabled') return current
    const proposals = policies.map(({ type, value, periodSeconds }) => {
      const start = this.#replicasBefore(periodSeconds, current, nowMs)
      return type === 'Pods' ? start - value : Math.trunc(start * (1 - value / 100))
    })
    // The least change leaves the most replicas.
    return selectPolicy === 'Min' ? Math.max(-MAX_INT32, ...proposals) : Math.min(MAX_INT32, ...proposals)
  }

  /** How many replicas there were when a policy's period began. k8s: getReplicasChangePerPeriod */
  #replicasBefore(periodSeconds: number, current: number, nowMs: number): number {
    const changeOf = (events: readonly ScaleEvent[]) => events.reduce((sum, { change, timeMs }) => timeMs > nowMs - periodSeconds * 1000 ? sum + change : sum, 0)
    return current - changeOf(this.#ups) + changeOf(this.#downs)
  }
}

/** What an autoscaler without rules leaves of a recommendation. k8s: convertDesiredReplicasWithRules */
export function limited(current: number, desired: number, min: number, max: number): Limited {
  const limit = Math.max(SCALE_UP_FACTOR * current, SCALE_UP_MINIMUM)
  if (desired < min) return { replicas: min, ...TOO_FEW }
  if (desired > Math.min(max, limit)) return max > limit ? { replicas: limit, ...SCALE_UP_LIMIT } : { replicas: max, ...TOO_MANY }
  return { replicas: desired, ...WITHIN_RANGE }
}
