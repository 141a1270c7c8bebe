import type { HorizontalPodAutoscalerBehavior, HPAScalingRules } from '../generated/types.ts'

/** Scaling rules as the annotation of the old form holds them: upstream's internal type, whose fields have Go's names. */
interface OldRules {
  StabilizationWindowSeconds: number | null
  SelectPolicy: string | null
  Policies: { Type: string; Value: number; PeriodSeconds: number }[] | null
  Tolerance: string | number | null
}

export function oldBehavior({ scaleUp, scaleDown }: Readonly<HorizontalPodAutoscalerBehavior>): { ScaleUp: OldRules | null; ScaleDown: OldRules | null } {
  return { ScaleUp: oldRules(scaleUp), ScaleDown: oldRules(scaleDown) }
}

function oldRules(rules: Readonly<HPAScalingRules> | undefined): OldRules | null {
  if (!rules) return null
  return {
    StabilizationWindowSeconds: rules.stabilizationWindowSeconds ?? null, SelectPolicy: rules.selectPolicy ?? null,
    Policies: rules.policies?.map(({ type, value, periodSeconds }) => ({ Type: type, Value: value, PeriodSeconds: periodSeconds })) ?? null, Tolerance: rules.tolerance ?? null,
  }
}

/** Reads the annotation; nothing when it says nothing. Go finds fields whatever the case of their names. */
export function newBehavior(old: object | undefined): HorizontalPodAutoscalerBehavior | undefined {
  const { scaleup, scaledown } = lowered(old)
  const up = newRules(scaleup)
  const down = newRules(scaledown)
  return up || down ? { ...(up ? { scaleUp: up } : {}), ...(down ? { scaleDown: down } : {}) } : undefined
}

function newRules(old: unknown): HPAScalingRules | undefined {
  if (old === null || typeof old !== 'object') return undefined
  const { stabilizationwindowseconds: window, selectpolicy: selectPolicy, policies, tolerance } = lowered(old)
  return {
    ...(window !== undefined ? { stabilizationWindowSeconds: window } : {}), ...(selectPolicy !== undefined ? { selectPolicy } : {}),
    ...(Array.isArray(policies) ? { policies: policies.map((policy) => {
      const { type = '', value = 0, periodseconds = 0 } = lowered(policy)
      return { type, value, periodSeconds: periodseconds }
    }) } : {}),
    ...(tolerance !== undefined ? { tolerance } : {}),
  }
}

/** Members under their names in lower case, without those that are null. */
function lowered(object: unknown): Record<string, any> {
  return Object.fromEntries(Object.entries(object ?? {}).filter(([, value]) => value !== null).map(([name, value]) => [name.toLowerCase(), value]))
}
