import { defineKind } from '../define-kind.ts'
import type { PodDisruptionBudget } from '../generated/types.ts'
import { checkAtMost100Percent, checkIntOrPercent } from '../apps/validate-workload.ts'
import { checkNotNegative } from '../checks.ts'
import { invalid, notSupported, type Finding } from '../findings.ts'
import { conditionReasonProblems, pathSegmentName } from '../names.ts'
import { specAndStatus } from '../strategies.ts'
import { validateConditions, validateLabelSelector } from '../validate-metadata.ts'

const EVICTION_POLICIES = ['AlwaysAllow', 'IfHealthyBudget']

/** k8s: ValidatePodDisruptionBudgetSpec */
function validateBudget({ spec }: Readonly<PodDisruptionBudget>): Finding[] {
  const out: Finding[] = []
  if (!spec) return out
  if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined) out.push(invalid('spec', shownSpec(spec), 'minAvailable and maxUnavailable cannot be both set'))
  for (const field of ['minAvailable', 'maxUnavailable'] as const) {
    checkIntOrPercent(out, spec[field], `spec.${field}`)
    checkAtMost100Percent(out, spec[field], `spec.${field}`)
  }
  out.push(...validateLabelSelector(spec.selector, 'spec.selector'))
  const policy = spec.unhealthyPodEvictionPolicy as string | undefined
  if (policy !== undefined && !EVICTION_POLICIES.includes(policy)) out.push(notSupported('spec.unhealthyPodEvictionPolicy', policy, EVICTION_POLICIES))
  return out
}

/** The spec with Go's names, as messages show it. */
function shownSpec(spec: Readonly<NonNullable<PodDisruptionBudget['spec']>>): Record<string, unknown> {
  return { MinAvailable: spec.minAvailable ?? null, Selector: spec.selector ?? null, MaxUnavailable: spec.maxUnavailable ?? null, UnhealthyPodEvictionPolicy: spec.unhealthyPodEvictionPolicy ?? null }
}

/** k8s: ValidatePodDisruptionBudgetStatusUpdate */
function validateBudgetStatus({ status }: Readonly<PodDisruptionBudget>): Finding[] {
  const out = validateConditions(status?.conditions as never, 'status.conditions', conditionReasonProblems)
  for (const field of ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const) checkNotNegative(out, status?.[field], `status.${field}`)
  return out
}

export const podDisruptionBudget = defineKind<PodDisruptionBudget>({
  group: 'policy', version: 'v1', resource: 'poddisruptionbudgets',
  // Its ObjectMeta isn't validated beyond what every object's is.
  nameRule: pathSegmentName,
  createsWithoutMeta: true,
  updatesWithoutMeta: true,
  validate: validateBudget,
  validateUpdate: validateBudget,
  validateStatusUpdate: validateBudgetStatus,
  strategy: { ...specAndStatus<PodDisruptionBudget>('io.k8s.api.policy.v1.PodDisruptionBudgetStatus'), allowUnconditionalUpdate: false },
  cells: {
    'Min Available': ({ spec }) => (spec?.minAvailable === undefined ? 'N/A' : String(spec.minAvailable)),
    'Max Unavailable': ({ spec }) => (spec?.maxUnavailable === undefined ? 'N/A' : String(spec.maxUnavailable)),
    'Allowed Disruptions': ({ status }) => status?.disruptionsAllowed ?? 0,
  },
})
