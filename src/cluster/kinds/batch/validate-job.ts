/** Rules for jobs. k8s: pkg/apis/batch/validation */
import { deepEqual } from '../../../base/freeze.ts'
import { checkImmutable, checkNotNegative, checkQualifiedName } from '../checks.ts'
import { shownLabels } from '../apps/validate-workload.ts'
import { validatePodTemplate } from '../core/validate-pod.ts'
import { givenEmpty } from '../decode.ts'
import { duplicate, invalid, notSupported, required, tooLong, tooMany, type Finding } from '../findings.ts'
import { byteLength, dnsLabelProblems, dnsSubdomainProblems, patternText } from '../names.ts'
import type { Job, JobSpec, PodTemplateSpec } from '../generated/types.ts'
import { matchesLabelSelector } from '../label-selector.ts'
import { internalValue } from '../core/spec-diff.ts'
import { hasCondition as has } from './validate-job-status.ts'
import { validateLabelSelector, validateObjectMeta } from '../validate-metadata.ts'

/** An Invalid finding that shows no value. */
export function invalidWithoutValue(at: string, detail: string): Finding {
  const body = `Invalid value: ${detail}`
  return { type: 'FieldValueInvalid', field: at, body, message: `${at}: ${body}` }
}

const quoted = (values: readonly string[]) => `[${values.map((value) => JSON.stringify(value)).join(' ')}]`

/** k8s: validateJobSpec, also for CronJobs */
export function validateJobTemplate(out: Finding[], spec: Readonly<JobSpec>, at: string): void {
  for (const field of ['parallelism', 'completions', 'activeDeadlineSeconds', 'backoffLimit', 'ttlSecondsAfterFinished', 'backoffLimitPerIndex', 'maxFailedIndexes'] as const) checkNotNegative(out, spec[field], `${at}.${field}`)
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined) out.push(required(`${at}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified'))
  if (spec.managedBy !== undefined) {
    checkDomainPath(out, spec.managedBy, `${at}.managedBy`)
    if (byteLength(spec.managedBy) > 63) out.push(tooLong(`${at}.managedBy`, 63))
  }
  const mode = spec.completionMode as string | undefined
  if (mode !== undefined && mode !== 'NonIndexed' && mode !== 'Indexed') out.push(notSupported(`${at}.completionMode`, mode, ['NonIndexed', 'Indexed']))
  if (mode === 'Indexed') {
    const { completions, parallelism, maxFailedIndexes } = spec
    if (completions === undefined) out.push(required(`${at}.completions`, 'when completion mode is Indexed'))
    if (parallelism !== undefined && parallelism > 100_000) out.push(invalid(`${at}.parallelism`, parallelism, 'must be less than or equal to 100000 when completion mode is Indexed'))
    if (completions !== undefined && maxFailedIndexes !== undefined && maxFailedIndexes > completions) out.push(invalid(`${at}.maxFailedIndexes`, maxFailedIndexes, 'must be less than or equal to completions'))
    if (maxFailedIndexes !== undefined && maxFailedIndexes > 100_000) out.push(invalid(`${at}.maxFailedIndexes`, maxFailedIndexes, 'must be less than or equal to 100000'))
    if ((completions ?? 0) > 100_000 && spec.backoffLimitPerIndex !== undefined) {
      const many = 'when completions are above 100000 and used with backoff limit per index'
      if (maxFailedIndexes === undefined) out.push(required(`${at}.maxFailedIndexes`, 'must be specified when completions is above 100000'))
      if (parallelism !== undefined && parallelism > 10_000) out.push(invalid(`${at}.parallelism`, parallelism, `must be less than or equal to 10000 ${many}`))
      if (maxFailedIndexes !== undefined && maxFailedIndexes > 10_000) out.push(invalid(`${at}.maxFailedIndexes`, maxFailedIndexes, `must be less than or equal to 10000 ${many}`))
    }
  }
  if (mode === undefined || mode === 'NonIndexed') {
    if (spec.backoffLimitPerIndex !== undefined) out.push(invalid(`${at}.backoffLimitPerIndex`, spec.backoffLimitPerIndex, 'requires indexed completion mode'))
    if (spec.maxFailedIndexes !== undefined) out.push(invalid(`${at}.maxFailedIndexes`, spec.maxFailedIndexes, 'requires indexed completion mode'))
  }
  if (spec.podFailurePolicy) checkFailurePolicy(out, spec, `${at}.podFailurePolicy.rules`)
  if (spec.successPolicy) {
    if (mode !== 'Indexed') out.push(invalid(`${at}.successPolicy`, { Rules: (spec.successPolicy.rules?.length || givenEmpty(spec.successPolicy, 'rules') ? spec.successPolicy.rules ?? [] : undefined)?.map((rule) => ({ SucceededIndexes: rule.succeededIndexes ?? null, SucceededCount: rule.succeededCount ?? null })) ?? null }, 'requires indexed completion mode'))
    else checkSuccessPolicy(out, spec, `${at}.successPolicy.rules`)
  }
  const replacement = spec.podReplacementPolicy as string | undefined
  const replacements = spec.podFailurePolicy ? ['Failed'] : ['Failed', 'TerminatingOrFailed']
  if (replacement !== undefined && !replacements.includes(replacement)) out.push(notSupported(`${at}.podReplacementPolicy`, replacement, replacements))
  validatePodTemplate(out, spec.template, `${at}.template`)
  const policy = spec.template?.spec?.restartPolicy as string | undefined
  const here = `${at}.template.spec.restartPolicy`
  if (!policy || policy === 'Always') out.push(required(here, 'valid values: "OnFailure", "Never"'))
  else if (policy !== 'OnFailure' && policy !== 'Never') out.push(notSupported(here, policy, ['OnFailure', 'Never']))
  else if (spec.podFailurePolicy && policy !== 'Never') out.push(invalid(here, policy, 'only "Never" is supported when podFailurePolicy is specified'))
}

/** k8s: IsDomainPrefixedPath */
export function checkDomainPath(out: Finding[], path: string, at: string): void {
  if (path === '') {
    out.push(required(at))
    return
  }
  const slash = path.indexOf('/')
  const host = path.slice(0, slash)
  const rest = path.slice(slash + 1)
  if (slash < 0 || host === '' || rest === '') {
    out.push(invalid(at, path, 'must be a domain-prefixed path (such as "acme.io/foo")'))
    return
  }
  for (const problem of dnsSubdomainProblems(host)) out.push(invalid(at, host, problem))
  const pattern = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+"
  if (!new RegExp(`^${pattern}$`).test(rest)) out.push(invalid(at, rest, patternText('Invalid path', pattern)))
}

function checkFailurePolicy(out: Finding[], spec: Readonly<JobSpec>, at: string): void {
  const rules = spec.podFailurePolicy!.rules ?? []
  const actions = ['Count', 'FailIndex', 'FailJob', 'Ignore']
  const names = [...(spec.template?.spec?.containers ?? []), ...(spec.template?.spec?.initContainers ?? [])].map((container) => container.name)
  if (rules.length > 20) out.push(tooMany(at, rules.length, 20))
  rules.forEach((rule, i) => {
    const here = `${at}[${i}]`
    if (!rule.action) out.push(required(`${here}.action`, `valid values: ${quoted(actions)}`))
    else if (rule.action === 'FailIndex') {
      if (spec.backoffLimitPerIndex === undefined) out.push(invalid(`${here}.action`, rule.action, 'requires the backoffLimitPerIndex to be set'))
    } else if (!actions.includes(rule.action)) out.push(notSupported(`${here}.action`, rule.action, actions))
    const codes = rule.onExitCodes
    if (codes) {
      const where = `${here}.onExitCodes`
      if (!codes.operator) out.push(required(`${where}.operator`, `valid values: ${quoted(['In', 'NotIn'])}`))
      else if (!['In', 'NotIn'].includes(codes.operator)) out.push(notSupported(`${where}.operator`, codes.operator, ['In', 'NotIn']))
      if (codes.containerName !== undefined && !names.includes(codes.containerName)) out.push(invalid(`${where}.containerName`, codes.containerName, 'must be one of the container or initContainer names in the pod template'))
      const values = codes.values ?? []
      if (values.length === 0) out.push(invalid(`${where}.values`, givenEmpty(codes, 'values') ? [] : null, 'at least one value is required'))
      else if (values.length > 255) out.push(tooMany(`${where}.values`, values.length, 255))
      values.forEach((value, j) => {
        if (codes.operator === 'In' && value === 0) out.push(invalid(`${where}.values[${j}]`, value, 'must not be 0 for the In operator'))
        if (values.indexOf(value) < j) out.push(duplicate(`${where}.values[${j}]`, value))
      })
      if (values.some((value, j) => j > 0 && values[j - 1]! > value)) out.push(invalid(`${where}.values`, values, 'must be ordered'))
    }
    const conditions = rule.onPodConditions ?? []
    if (conditions.length > 20) out.push(tooMany(`${here}.onPodConditions`, conditions.length, 20))
    conditions.forEach((pattern, j) => {
      const where = `${here}.onPodConditions[${j}]`
      checkQualifiedName(out, pattern.type, `${where}.type`)
      const statuses = ['False', 'True', 'Unknown']
      if (!pattern.status) out.push(required(`${where}.status`, `valid values: ${quoted(statuses)}`))
      else if (!statuses.includes(pattern.status)) out.push(notSupported(`${where}.status`, pattern.status, statuses))
    })
    if (codes && conditions.length > 0) out.push(invalidWithoutValue(here, 'specifying both OnExitCodes and OnPodConditions is not supported'))
    if (!codes && conditions.length === 0) out.push(invalidWithoutValue(here, 'specifying one of OnExitCodes and OnPodConditions is required'))
  })
}

function checkSuccessPolicy(out: Finding[], spec: Readonly<JobSpec>, at: string): void {
  const rules = spec.successPolicy!.rules ?? []
  if (rules.length === 0) out.push(required(at, 'at least one rules must be specified when the successPolicy is specified'))
  if (rules.length > 20) out.push(tooMany(at, rules.length, 20))
  rules.forEach((rule, i) => {
    const here = `${at}[${i}]`
    if (rule.succeededCount === undefined && rule.succeededIndexes === undefined) out.push(required(here, 'at least one of succeededCount or succeededIndexes must be specified'))
    const completions = spec.completions
    let total = completions ?? 0
    if (rule.succeededIndexes !== undefined) {
      const found = countIndexes(rule.succeededIndexes, completions ?? 0)
      if (typeof found === 'string') out.push(invalid(`${here}.succeededIndexes`, rule.succeededIndexes, `error parsing succeededIndexes: ${found}`))
      total = typeof found === 'string' ? 0 : found
    }
    if (rule.succeededCount !== undefined) {
      checkNotNegative(out, rule.succeededCount, `${here}.succeededCount`)
      if (completions !== undefined && rule.succeededCount > completions) out.push(invalid(`${here}.succeededCount`, rule.succeededCount, `must be less than or equal to ${completions} (the number of specified completions)`))
      if (rule.succeededIndexes !== undefined && rule.succeededCount > total) out.push(invalid(`${here}.succeededCount`, rule.succeededCount, `must be less than or equal to ${total} (the number of indexes in the specified succeededIndexes field)`))
    }
  })
}

/** How many indexes `0,2-4` names, or what is wrong with it. k8s: validateIndexesFormat */
export function countIndexes(text: string, completions: number): number | string {
  if (text === '') return 0
  let total = 0
  let last = -1
  for (const interval of text.split(',')) {
    const ends = interval.split('-')
    if (ends.length > 2) return `the fragment ${JSON.stringify(interval)} violates the requirement that an index interval can have at most two parts separated by '-'`
    for (const end of ends) {
      if (!/^\d+$/.test(end)) return `cannot convert string to integer for index: ${JSON.stringify(end)}`
      if (Number(end) >= completions) return `too large index: ${JSON.stringify(end)}`
    }
    const [low, high] = [Number(ends[0]), Number(ends.at(-1))]
    if (ends.length === 2 && low >= high) return `non-increasing order, previous: ${low}, current: ${high}`
    if (last >= low) return `non-increasing order, previous: ${last}, current: ${low}`
    total += high - low + 1
    last = high
  }
  return total
}

/** k8s: ValidateJobSpec */
function checkJobSpec(out: Finding[], spec: Readonly<JobSpec>): void {
  validateJobTemplate(out, spec, 'spec')
  checkSelectorAndLabels(out, spec)
}

function checkSelectorAndLabels(out: Finding[], spec: Readonly<JobSpec>): void {
  if (!spec.selector) out.push(required('spec.selector'))
  else out.push(...validateLabelSelector(spec.selector, 'spec.selector'))
  const labels = spec.template?.metadata?.labels
  if (isGood(spec.selector) && !matchesLabelSelector(spec.selector, labels)) out.push(invalid('spec.template.metadata.labels', shownLabels(spec.template), '`selector` does not match template `labels`'))
}

/** k8s: ValidateJob, after ObjectMeta */
export function validateJob(job: Readonly<Job>, old?: Readonly<Job>): Finding[] {
  const out: Finding[] = []
  const { spec, metadata } = job
  if (!spec.manualSelector && spec.selector) {
    const labels = spec.template?.metadata?.labels ?? {}
    const expected: Record<string, string> = { 'controller-uid': metadata.uid ?? '', 'job-name': metadata.name ?? '', 'batch.kubernetes.io/controller-uid': metadata.uid ?? '', 'batch.kubernetes.io/job-name': metadata.name ?? '' }
    // Jobs from before there were prefixed labels get by without.
    const oldLabels = old?.spec.template?.metadata?.labels ?? {}
    const prefixed = !old || (oldLabels['batch.kubernetes.io/job-name'] !== undefined && oldLabels['batch.kubernetes.io/controller-uid'] !== undefined)
    for (const key of Object.keys(expected)) {
      if (!prefixed && key.includes('/')) continue
      const at = 'spec.template.metadata.labels'
      if (labels[key] === undefined) out.push(required(`${at}[${key}]`, `must be '${expected[key]}'`))
      else if (labels[key] !== expected[key]) out.push(invalid(`${at}[${key}]`, labels, `must be '${expected[key]}'`))
    }
    if (isGood(spec.selector) && !matchesLabelSelector(spec.selector, expected)) out.push(invalid('spec.selector', spec.selector, '`selector` not auto-generated'))
  }
  checkJobSpec(out, spec)
  if (spec.completionMode === 'Indexed' && (spec.completions ?? 0) > 0) {
    const last = `${metadata.name ?? ''}-${spec.completions! - 1}`
    if (dnsLabelProblems(last).length > 0) out.push(invalid('metadata.name', metadata.name ?? '', `will not able to create pod with invalid DNS label: ${last}`))
  }
  return out
}

/** k8s: ValidateJobUpdate */
export function validateJobUpdate(job: Readonly<Job>, old: Readonly<Job>, ofMetadata: Finding[]): Finding[] {
  // The whole job is looked at as on creation, then again as an update.
  const out: Finding[] = [...validateObjectMeta({ namespaced: true }, job.metadata), ...validateJob(job, old), ...ofMetadata]
  const spec = job.spec
  const before = old.spec
  checkJobSpec(out, spec)
  if (spec.completionMode !== 'Indexed') checkImmutable(out, spec.completions, before.completions, 'spec.completions')
  else if (spec.completions !== undefined && spec.completions !== before.completions && spec.completions !== spec.parallelism) {
    out.push(invalid('spec.completions', spec.completions, 'can only be modified in tandem with spec.parallelism'))
  }
  checkImmutable(out, spec.selector, before.selector, 'spec.selector')
  const suspended = before.suspend && (!old.status?.startTime || has(old.status, 'Suspended'))
  if (!suspended) checkImmutable(out, spec.template, before.template, 'spec.template', internalValue('PodTemplateSpec', spec.template))
  else if (!deepEqual(fixedSpec(spec.template), fixedSpec(before.template))) out.push(invalid('spec.template.spec', internalValue('PodSpec', spec.template?.spec), 'field is immutable'))
  checkImmutable(out, spec.completionMode, before.completionMode, 'spec.completionMode')
  checkImmutable(out, spec.podFailurePolicy, before.podFailurePolicy, 'spec.podFailurePolicy', internalValue('*PodFailurePolicy', spec.podFailurePolicy))
  for (const field of ['backoffLimitPerIndex', 'managedBy'] as const) checkImmutable(out, spec[field], before[field], `spec.${field}`)
  checkImmutable(out, spec.successPolicy, before.successPolicy, 'spec.successPolicy', internalValue('*SuccessPolicy', spec.successPolicy))
  return out
}

/** What a selector that is wrong matches isn't asked. */
const isGood = (selector: JobSpec['selector']) => selector === undefined || validateLabelSelector(selector, '').length === 0

/** The pods' spec without what may change while a job is suspended: where its pods go and what they ask for. k8s: validatePodTemplateUpdate */
function fixedSpec(template: Readonly<PodTemplateSpec> | undefined): unknown {
  const { nodeSelector: _a, tolerations: _b, schedulingGates: _c, affinity, ...rest } = template?.spec ?? { containers: [] }
  const { nodeAffinity: _d, ...otherAffinity } = affinity ?? {}
  return { ...rest, affinity: otherAffinity, containers: (rest.containers ?? []).map(({ resources: _, ...container }) => container), initContainers: (rest.initContainers ?? []).map(({ resources: _, ...container }) => container) }
}
