/** k8s: pkg/apis/autoscaling/validation */
import { checkDnsLabel, checkName, checkNotNegative, checkNotNegativeQuantity } from '../checks.ts'
import { checkContainerResourceName } from '../core/validate-resources.ts'
import { forbidden, invalid, notSupported, required, type Finding } from '../findings.ts'
import type { CrossVersionObjectReference, HorizontalPodAutoscaler, HPAScalingRules, MetricIdentifier, MetricSpec, MetricTarget } from '../generated/types.ts'
import { pathSegmentName } from '../names.ts'
import { parseQuantity } from '../quantity.ts'

const METRIC_TYPES = ['ContainerResource', 'External', 'Object', 'Pods', 'Resource']
/** Field of each type, in the order in which they are looked at. */
const SOURCES = { object: 'Object', external: 'External', pods: 'Pods', resource: 'Resource', containerResource: 'ContainerResource' } as const
const SELECT_POLICIES = ['Disabled', 'Max', 'Min']
const LONGEST_PERIOD_SECONDS = 1800
const LONGEST_WINDOW_SECONDS = 3600

/** What was there before may stay as it is. k8s: validationOptionsForHorizontalPodAutoscaler */
export function validateHpa({ spec }: Readonly<HorizontalPodAutoscaler>, old?: Readonly<HorizontalPodAutoscaler>): Finding[] {
  const out: Finding[] = []
  if (!spec) return out
  const { minReplicas, maxReplicas = 0 } = spec
  const leastReplicas = old?.spec.minReplicas === 0 ? 0 : 1
  if (minReplicas !== undefined && minReplicas < leastReplicas) out.push(invalid('spec.minReplicas', minReplicas, `must be greater than or equal to ${leastReplicas}`))
  if (maxReplicas === 0) out.push(required('spec.maxReplicas', 'must be set and greater than 0'))
  else if (maxReplicas < 0) out.push(invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to 1'))
  if (minReplicas !== undefined && maxReplicas < minReplicas) out.push(invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`'))
  const before = old?.spec.scaleTargetRef
  const keepsTarget = before !== undefined && before.apiVersion === spec.scaleTargetRef?.apiVersion && before.kind === spec.scaleTargetRef?.kind
  // The only kind of the core group that can be scaled.
  checkReference(out, spec.scaleTargetRef, keepsTarget ? 'any' : spec.scaleTargetRef?.kind === 'ReplicationController' ? 'core too' : 'with group', 'spec.scaleTargetRef')
  const objectVersions = old?.spec.metrics?.some(({ type, object }) => type === 'Object' && object && versionProblem(object.describedObject?.apiVersion, 'core too') !== undefined) ? 'any' : 'core too'
  spec.metrics?.forEach((metric, i) => checkMetric(out, metric, objectVersions, `spec.metrics[${i}]`))
  if (minReplicas === 0 && !spec.metrics?.some(({ type }) => type === 'Object' || type === 'External')) out.push(forbidden('spec.metrics', 'must specify at least one Object or External metric to support scaling to zero replicas'))
  checkRules(out, spec.behavior?.scaleUp, 'spec.behavior.scaleUp')
  checkRules(out, spec.behavior?.scaleDown, 'spec.behavior.scaleDown')
  return out
}

export function validateHpaStatus({ status }: Readonly<HorizontalPodAutoscaler>): Finding[] {
  const out: Finding[] = []
  checkNotNegative(out, status?.currentReplicas, 'status.currentReplicas')
  checkNotNegative(out, status?.desiredReplicas, 'status.desiredReplicas')
  return out
}

/** Which API versions a reference may name. */
type AllowedVersions = 'any' | 'core too' | 'with group'

/** k8s: ValidateAPIVersion */
function versionProblem(apiVersion = '', allowed: AllowedVersions): string | undefined {
  if (allowed === 'any') return undefined
  const slashes = apiVersion.split('/').length - 1
  if (slashes > 1) return `unexpected GroupVersion string: ${apiVersion}`
  return allowed === 'with group' && (slashes === 0 || apiVersion.startsWith('/')) ? 'apiVersion must specify API group' : undefined
}

/** k8s: ValidateCrossVersionObjectReference */
function checkReference(out: Finding[], reference: Readonly<CrossVersionObjectReference>, versions: AllowedVersions, at: string): void {
  for (const field of ['kind', 'name'] as const) {
    if (!reference[field]) out.push(required(`${at}.${field}`))
    else checkName(out, reference[field], pathSegmentName, `${at}.${field}`)
  }
  const problem = versionProblem(reference.apiVersion, versions)
  if (problem !== undefined) out.push(invalid(`${at}.apiVersion`, reference.apiVersion ?? '', problem))
}

/** k8s: validateMetricSpec */
function checkMetric(out: Finding[], metric: Readonly<MetricSpec>, objectVersions: AllowedVersions, at: string): void {
  if (!metric.type) out.push(required(`${at}.type`, 'must specify a metric source type'))
  const known = METRIC_TYPES.includes(metric.type)
  if (!known) out.push(notSupported(`${at}.type`, metric.type ?? '', METRIC_TYPES))
  const present = (Object.keys(SOURCES) as (keyof typeof SOURCES)[]).filter((source) => metric[source])
  if (present[0]) checkSource(out, metric, present[0], objectVersions, `${at}.${present[0]}`)
  const expected = (Object.keys(SOURCES) as (keyof typeof SOURCES)[]).find((source) => SOURCES[source] === metric.type)
  if (!expected) out.push(notSupported(`${at}.type`, metric.type ?? '', METRIC_TYPES))
  else if (!metric[expected]) out.push(required(`${at}.${expected}`, 'must populate information for the given metric source'))
  if (present.length !== 1) for (const source of present) if (source !== expected) out.push(forbidden(`${at}.${source}`, 'must populate the given metric source only'))
}

function checkSource(out: Finding[], metric: Readonly<MetricSpec>, source: keyof typeof SOURCES, objectVersions: AllowedVersions, at: string): void {
  switch (source) {
    case 'object': {
      const { describedObject, metric: identifier, target } = metric.object!
      checkReference(out, describedObject, objectVersions, `${at}.describedObject`)
      checkIdentifier(out, identifier, `${at}.metric`)
      checkTarget(out, target, `${at}.target`)
      if (target.value === undefined && target.averageValue === undefined) out.push(required(`${at}.target.averageValue`, 'must set either a target value or averageValue'))
      break
    }
    case 'external': {
      const { metric: identifier, target } = metric.external!
      checkIdentifier(out, identifier, `${at}.metric`)
      checkTarget(out, target, `${at}.target`)
      if (target.value === undefined && target.averageValue === undefined) out.push(required(`${at}.target.averageValue`, 'must set either a target value for metric or a per-pod target'))
      if (target.value !== undefined && target.averageValue !== undefined) out.push(forbidden(`${at}.target.value`, 'may not set both a target value for metric and a per-pod target'))
      break
    }
    case 'pods': {
      const { metric: identifier, target } = metric.pods!
      checkIdentifier(out, identifier, `${at}.metric`)
      checkTarget(out, target, `${at}.target`)
      if (target.averageValue === undefined) out.push(required(`${at}.target.averageValue`, 'must specify a positive target averageValue'))
      break
    }
    default: {
      const { name, target } = metric[source]!
      if (!name) out.push(required(`${at}.name`, 'must specify a resource name'))
      else if (metric[source] === metric.containerResource) checkContainerResourceName(out, name, `${at}.name`)
      const container = metric[source] === metric.containerResource ? metric.containerResource!.container : undefined
      if (metric[source] === metric.containerResource) {
        if (!container) out.push(required(`${at}.container`, 'must specify a container'))
        else checkDnsLabel(out, container, `${at}.container`)
      }
      checkTarget(out, target, `${at}.target`)
      const raw = target.averageValue !== undefined
      const share = target.averageUtilization !== undefined
      if (!raw && !share) out.push(required(`${at}.target.averageUtilization`, 'must set either a target raw value or a target utilization'))
      if (raw && share) out.push(forbidden(`${at}.target.averageValue`, 'may not set both a target raw value and a target utilization'))
    }
  }
}

function checkIdentifier(out: Finding[], { name }: Readonly<MetricIdentifier>, at: string): void {
  if (!name) out.push(required(`${at}.name`, 'must specify a metric name'))
  else checkName(out, name, pathSegmentName, `${at}.name`)
}

function checkTarget(out: Finding[], target: Readonly<MetricTarget>, at: string): void {
  if (!target.type) out.push(required(`${at}.type`, 'must specify a metric target type'))
  if (!['Utilization', 'Value', 'AverageValue'].includes(target.type)) out.push(invalid(`${at}.type`, target.type ?? '', 'must be either Utilization, Value, or AverageValue'))
  for (const field of ['value', 'averageValue'] as const) {
    const quantity = target[field]
    if (quantity !== undefined && parseQuantity(quantity).nanos <= 0n) out.push(invalid(`${at}.${field}`, quantity, 'must be positive'))
  }
  if (target.averageUtilization !== undefined && target.averageUtilization < 1) out.push(invalid(`${at}.averageUtilization`, target.averageUtilization, 'must be greater than 0'))
}

/** k8s: validateScalingRules */
function checkRules(out: Finding[], rules: Readonly<HPAScalingRules> | undefined, at: string): void {
  if (!rules) return
  const seconds = rules.stabilizationWindowSeconds
  if (seconds !== undefined && seconds < 0) out.push(invalid(`${at}.stabilizationWindowSeconds`, seconds, 'must be greater than or equal to zero'))
  if (seconds !== undefined && seconds > LONGEST_WINDOW_SECONDS) out.push(invalid(`${at}.stabilizationWindowSeconds`, seconds, `must be less than or equal to ${LONGEST_WINDOW_SECONDS}`))
  if (rules.selectPolicy !== undefined && !SELECT_POLICIES.includes(rules.selectPolicy)) out.push(notSupported(`${at}.selectPolicy`, rules.selectPolicy, SELECT_POLICIES))
  if (!rules.policies?.length) out.push(required(`${at}.policies`, 'must specify at least one Policy'))
  rules.policies?.forEach(({ type, value = 0, periodSeconds = 0 }, i) => {
    const here = `${at}.policies[${i}]`
    if (type !== 'Pods' && type !== 'Percent') out.push(notSupported(`${here}.type`, type ?? '', ['Percent', 'Pods']))
    if (value <= 0) out.push(invalid(`${here}.value`, value, 'must be greater than zero'))
    if (periodSeconds <= 0) out.push(invalid(`${here}.periodSeconds`, periodSeconds, 'must be greater than zero'))
    if (periodSeconds > LONGEST_PERIOD_SECONDS) out.push(invalid(`${here}.periodSeconds`, periodSeconds, `must be less than or equal to ${LONGEST_PERIOD_SECONDS}`))
  })
  checkNotNegativeQuantity(out, rules.tolerance, `${at}.tolerance`)
}
