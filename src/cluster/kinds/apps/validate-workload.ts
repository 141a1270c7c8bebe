/** Rules that workloads share. k8s: pkg/apis/apps/validation */
import { checkNotNegative } from '../checks.ts'
import { validatePodTemplate } from '../core/validate-pod.ts'
import { givenEmpty } from '../decode.ts'
import { forbidden, invalid, notSupported, required, type Finding } from '../findings.ts'
import { labelSelectorOf, SelectorError, type LabelSelector, type LabelSelectorSpec } from '../label-selector.ts'
import { percentProblems } from '../names.ts'
import type { PodTemplateSpec } from '../generated/types.ts'
import { validateLabelSelector } from '../validate-metadata.ts'

export type IntOrPercent = number | string

/** k8s: ValidatePositiveIntOrPercent */
export function checkIntOrPercent(out: Finding[], value: IntOrPercent | undefined, at: string): void {
  if (typeof value === 'string') for (const problem of percentProblems(value)) out.push(invalid(at, value, problem))
  else checkNotNegative(out, value, at)
}

/** k8s: getIntOrPercentValue */
export function intOrPercentValue(value: IntOrPercent | undefined): number {
  if (typeof value !== 'string') return value ?? 0
  if (percentProblems(value).length === 0) return Number(value.slice(0, -1))
  return /^[+-]?\d+$/.test(value) ? Number(value) : 0
}

/** k8s: IsNotMoreThan100Percent */
export function checkAtMost100Percent(out: Finding[], value: IntOrPercent | undefined, at: string): void {
  if (typeof value === 'string' && percentProblems(value).length === 0 && Number(value.slice(0, -1)) > 100) out.push(invalid(at, value, 'must not be greater than 100%'))
}

/** The selector of a workload: there, valid and not empty. Returns it when it can be used. */
export function checkSelector(out: Finding[], spec: LabelSelectorSpec | undefined, at: string, kind: string, invalidText: string): LabelSelector | undefined {
  if (!spec) out.push(required(at))
  else {
    out.push(...validateLabelSelector(spec as never, at))
    if (Object.keys(spec.matchLabels ?? {}).length + (spec.matchExpressions?.length ?? 0) === 0) out.push(invalid(at, spec, `empty selector is invalid for ${kind}`))
  }
  try {
    return labelSelectorOf(spec)
  } catch (error) {
    if (!(error instanceof SelectorError)) throw error
    out.push(invalid(at, spec, invalidText))
    return undefined
  }
}

/** A template's labels as a finding shows them, where none and `{}` differ. */
export function shownLabels(template: Readonly<PodTemplateSpec> | undefined): Record<string, string> | undefined {
  return template?.metadata?.labels ?? (givenEmpty(template?.metadata, 'labels') ? {} : undefined)
}

/** k8s: ValidatePodTemplateSpecForReplicaSet */
export function checkRunningTemplate(out: Finding[], template: Readonly<PodTemplateSpec> | undefined, selector: LabelSelector, at: string, owner: string): void {
  if (!selector.empty && !selector.matches(template?.metadata?.labels)) out.push(invalid(`${at}.metadata.labels`, shownLabels(template), '`selector` does not match template `labels`'))
  validatePodTemplate(out, template, at)
  checkAlwaysRestarts(out, template, at, owner)
}

export function checkAlwaysRestarts(out: Finding[], template: Readonly<PodTemplateSpec> | undefined, at: string, owner: string): void {
  const policy = template?.spec?.restartPolicy ?? ''
  if (policy !== 'Always') out.push(notSupported(`${at}.spec.restartPolicy`, policy, ['Always']))
  if (template?.spec?.activeDeadlineSeconds !== undefined) out.push(forbidden(`${at}.spec.activeDeadlineSeconds`, `activeDeadlineSeconds in ${owner} is not Supported`))
}

interface Counts {
  [count: string]: unknown
}

/** Counters of a status: none negative, none above the total. */
export function checkCounts(out: Finding[], status: Counts, names: readonly string[], limits: readonly (readonly [string, string, string])[]): void {
  for (const name of names) checkNotNegative(out, status[name] as number | undefined, `status.${name}`)
  for (const [name, limit, message] of limits) {
    const value = (status[name] as number | undefined) ?? 0
    if (value > ((status[limit] as number | undefined) ?? 0)) out.push(invalid(`status.${name}`, value, message))
  }
}

const ABOVE_TOTAL = 'cannot be greater than status.replicas'

/** k8s: ValidateReplicaSetStatus and its like */
export function checkReplicaCounts(out: Finding[], status: object | undefined, more: readonly string[], readyText = 'cannot be greater than readyReplicas'): void {
  checkCounts(out, (status ?? {}) as Counts, ['replicas', 'readyReplicas', 'availableReplicas', 'observedGeneration', 'terminatingReplicas', 'collisionCount', ...more], [
    ...more.filter((name) => name !== 'unavailableReplicas').map((name) => [name, 'replicas', ABOVE_TOTAL] as const),
    ['readyReplicas', 'replicas', ABOVE_TOTAL], ['availableReplicas', 'replicas', ABOVE_TOTAL], ['availableReplicas', 'readyReplicas', readyText],
  ])
}

/** collisionCount only grows. */
export function checkCollisionCount(out: Finding[], now: { collisionCount?: number } | undefined, before: { collisionCount?: number } | undefined): void {
  if (before?.collisionCount !== undefined && (now?.collisionCount ?? 0) < before.collisionCount) out.push(invalid('status.collisionCount', now?.collisionCount ?? 0, 'cannot be decremented'))
}
