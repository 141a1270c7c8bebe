/** Rules for flow schemas and priority levels. k8s: pkg/apis/flowcontrol/validation */
import { checkName } from '../checks.ts'
import { duplicate, forbidden, invalid, notSupported, required, type Finding } from '../findings.ts'
import type { FlowSchema, FlowcontrolSubject, NonResourcePolicyRule, PolicyRulesWithSubjects, PriorityLevelConfiguration, QueuingConfiguration, ResourcePolicyRule } from '../generated/types.ts'
import { labelName, subdomainName } from '../names.ts'

const HIGHEST_PRECEDENCE = 10_000
const MAX_QUEUES = 10_000_000
const MAX_HASH_BITS = 60
const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch']

/** k8s: ValidateFlowSchema, after ObjectMeta */
export function validateFlowSchema({ metadata, spec }: Readonly<FlowSchema>): Finding[] {
  const out: Finding[] = []
  const precedence = spec.matchingPrecedence ?? 0
  const at = 'spec.matchingPrecedence'
  if (precedence <= 0) out.push(invalid(at, precedence, 'must be a positive value'))
  if (precedence > HIGHEST_PRECEDENCE) out.push(invalid(at, precedence, `must not be greater than ${HIGHEST_PRECEDENCE}`))
  if (precedence === 1 && metadata.name !== 'exempt') out.push(invalid(at, precedence, "only the schema named 'exempt' may have matchingPrecedence 1"))
  const method = spec.distinguisherMethod?.type as string | undefined
  if (spec.distinguisherMethod && method !== 'ByNamespace' && method !== 'ByUser') out.push(notSupported('spec.distinguisherMethod.type', { Type: method ?? '' }, ['ByNamespace', 'ByUser']))
  const level = spec.priorityLevelConfiguration?.name
  if (!level) out.push(required('spec.priorityLevelConfiguration.name', 'must reference a priority level'))
  else checkName(out, level, subdomainName, 'spec.priorityLevelConfiguration.name')
  ;(spec.rules ?? []).forEach((rule, i) => checkRules(out, rule, `spec.rules[${i}]`))
  return out
}

function checkRules(out: Finding[], rules: Readonly<PolicyRulesWithSubjects>, at: string): void {
  if (!rules.subjects?.length) out.push(required(`${at}.subjects`, 'subjects must contain at least one value'))
  else rules.subjects.forEach((subject, i) => checkSubject(out, subject, `${at}.subjects[${i}]`))
  if (!rules.resourceRules?.length && !rules.nonResourceRules?.length) out.push(required(at, 'at least one of resourceRules and nonResourceRules has to be non-empty'))
  ;(rules.resourceRules ?? []).forEach((rule, i) => checkResourceRule(out, rule, `${at}.resourceRules[${i}]`))
  ;(rules.nonResourceRules ?? []).forEach((rule, i) => checkNonResourceRule(out, rule, `${at}.nonResourceRules[${i}]`))
}

const SUBJECT_FIELDS = { ServiceAccount: 'serviceAccount', User: 'user', Group: 'group' } as const

function checkSubject(out: Finding[], subject: Readonly<FlowcontrolSubject>, at: string): void {
  const kind = subject.kind as keyof typeof SUBJECT_FIELDS
  if (!Object.hasOwn(SUBJECT_FIELDS, kind)) {
    out.push(notSupported(`${at}.kind`, kind ?? '', ['Group', 'ServiceAccount', 'User']))
    return
  }
  const field = SUBJECT_FIELDS[kind]
  const given = subject[field] as { name?: string; namespace?: string } | undefined
  const here = `${at}.${field}`
  if (!given) out.push(required(here, `${field} is required when subject kind is '${kind}'`))
  else {
    if (!given.name) out.push(required(`${here}.name`))
    else if (kind === 'ServiceAccount' && given.name !== '*') checkName(out, given.name, subdomainName, `${here}.name`)
    if (kind === 'ServiceAccount') {
      if (!given.namespace) out.push(required(`${here}.namespace`, 'must specify namespace for service account'))
      else checkName(out, given.namespace, labelName, `${here}.namespace`)
    }
  }
  const order = kind === 'ServiceAccount' ? ['User', 'Group'] as const : kind === 'User' ? ['ServiceAccount', 'Group'] as const : ['ServiceAccount', 'User'] as const
  for (const other of order) {
    const name = SUBJECT_FIELDS[other]
    if (subject[name]) out.push(forbidden(`${at}.${name}`, `${name} is forbidden when subject kind is not '${other}'`))
  }
}

function checkVerbs(out: Finding[], verbs: readonly string[], at: string): void {
  if (verbs.length === 0) out.push(required(at, 'verbs must contain at least one value'))
  else if (verbs.includes('*')) {
    if (verbs.length > 1) out.push(invalid(at, verbs, "if '*' is present, must not specify other verbs"))
  } else if (!verbs.every((verb) => VERBS.includes(verb))) out.push(notSupported(at, verbs, VERBS))
}

function checkResourceRule(out: Finding[], rule: Readonly<ResourcePolicyRule>, at: string): void {
  checkVerbs(out, rule.verbs ?? [], `${at}.verbs`)
  const listed = (values: readonly string[], field: string, none: string, what: string) => {
    if (values.length === 0) out.push(required(`${at}.${field}`, none))
    else if (values.length > 1 && values.includes('*')) out.push(invalid(`${at}.${field}`, values, `if '*' is present, must not specify other ${what}`))
  }
  listed(rule.apiGroups ?? [], 'apiGroups', 'resource rules must supply at least one api group', 'api groups')
  listed(rule.resources ?? [], 'resources', 'resource rules must supply at least one resource', 'resources')
  const namespaces = rule.namespaces ?? []
  if (namespaces.length === 0 && !rule.clusterScope) out.push(required(`${at}.namespaces`, 'resource rules that are not cluster scoped must supply at least one namespace'))
  else if (namespaces.includes('*')) {
    if (namespaces.length > 1) out.push(invalid(`${at}.namespaces`, namespaces, "if '*' is present, must not specify other namespaces"))
  } else {
    namespaces.forEach((namespace, i) => {
      for (const problem of labelName(namespace, false)) out.push(invalid(`${at}.namespaces[${i}]`, namespace, `each member of this list must be '*' or a DNS-1123 label; ${problem}`))
    })
  }
}

function checkNonResourceRule(out: Finding[], rule: Readonly<NonResourcePolicyRule>, at: string): void {
  checkVerbs(out, rule.verbs ?? [], `${at}.verbs`)
  const urls = rule.nonResourceURLs ?? []
  const here = `${at}.nonResourceURLs`
  if (urls.length === 0) out.push(required(here, 'nonResourceURLs must contain at least one value'))
  else if (urls.includes('*')) {
    if (urls.length > 1) out.push(invalid(here, urls, "if '*' is present, must not specify other non-resource URLs"))
  } else urls.forEach((url, i) => checkUrlPath(out, url, `${here}[${i}]`))
}

/** k8s: ValidateNonResourceURLPath */
function checkUrlPath(out: Finding[], path: string, at: string): void {
  if (path === '') out.push(invalid(at, path, 'must not be empty'))
  else if (path === '/') return
  else if (!path.startsWith('/')) out.push(invalid(at, path, 'must start with slash'))
  else if (path.includes(' ')) out.push(invalid(at, path, 'must not contain white-space'))
  else if (path.includes('//')) out.push(invalid(at, path, 'must not contain double slash'))
  else if (path.slice(0, -1).includes('*')) out.push(invalid(at, path, 'wildcard can only do suffix matching'))
  else if (path.endsWith('*') && !path.endsWith('/*')) out.push(invalid(at, path, "'/*' suffix is the only supported wildcard"))
}

/** k8s: ValidatePriorityLevelConfiguration, after ObjectMeta */
export function validatePriorityLevel({ metadata, spec }: Readonly<PriorityLevelConfiguration>): Finding[] {
  const out: Finding[] = []
  const { limited, exempt } = spec
  const type = spec.type as string | undefined
  if ((metadata.name === 'exempt') !== (type === 'Exempt')) out.push(invalid('spec.type', type ?? '', "must be 'Exempt' if and only if `name` is 'exempt'"))
  if (type === 'Exempt') {
    if (limited) out.push(forbidden('spec.limited', 'must be nil if the type is not Limited'))
    if (exempt) checkShares(out, exempt, 'spec.exempt')
  } else if (type === 'Limited') {
    if (exempt) out.push(forbidden('spec.exempt', 'must be nil if the type is Limited'))
    if (!limited) out.push(required('spec.limited', 'must not be empty when type is Limited'))
    else {
      if ((limited.nominalConcurrencyShares ?? 0) < 0) out.push(invalid('spec.limited.nominalConcurrencyShares', limited.nominalConcurrencyShares, 'must be a non-negative integer'))
      checkResponse(out, limited.limitResponse ?? {}, 'spec.limited.limitResponse')
      checkLendable(out, limited.lendablePercent, 'spec.limited')
      if ((limited.borrowingLimitPercent ?? 0) < 0) out.push(invalid('spec.limited.borrowingLimitPercent', limited.borrowingLimitPercent, 'if specified, must be a non-negative integer'))
    }
  } else if (!type) out.push(required('spec.type'))
  else out.push(notSupported('spec.type', type, ['Exempt', 'Limited']))
  return out
}

function checkShares(out: Finding[], level: Readonly<{ nominalConcurrencyShares?: number; lendablePercent?: number }>, at: string): void {
  if ((level.nominalConcurrencyShares ?? 0) < 0) out.push(invalid(`${at}.nominalConcurrencyShares`, level.nominalConcurrencyShares, 'must be a non-negative integer'))
  checkLendable(out, level.lendablePercent, at)
}

function checkLendable(out: Finding[], percent: number | undefined, at: string): void {
  if (percent !== undefined && (percent < 0 || percent > 100)) out.push(invalid(`${at}.lendablePercent`, percent, 'must be between 0 and 100, inclusive'))
}

function checkResponse(out: Finding[], { type, queuing }: Readonly<{ type?: string; queuing?: QueuingConfiguration }>, at: string): void {
  if (type === 'Reject') {
    if (queuing) out.push(forbidden(`${at}.queuing`, 'must be nil if limited.limitResponse.type is not Limited'))
  } else if (type === 'Queue') {
    if (!queuing) out.push(required(`${at}.queuing`, 'must not be empty if limited.limitResponse.type is Limited'))
    else checkQueuing(out, queuing, `${at}.queuing`)
  } else if (!type) out.push(required(`${at}.type`))
  else out.push(notSupported(`${at}.type`, type, ['Queue', 'Reject']))
}

function checkQueuing(out: Finding[], { queueLengthLimit = 0, queues = 0, handSize = 0 }: Readonly<QueuingConfiguration>, at: string): void {
  if (queueLengthLimit <= 0) out.push(invalid(`${at}.queueLengthLimit`, queueLengthLimit, 'must be positive'))
  if (queues <= 0) out.push(invalid(`${at}.queues`, queues, 'must be positive'))
  else if (queues > MAX_QUEUES) out.push(invalid(`${at}.queues`, queues, `must not be greater than ${MAX_QUEUES}`))
  if (handSize <= 0) out.push(invalid(`${at}.handSize`, handSize, 'must be positive'))
  else if (handSize > queues) out.push(invalid(`${at}.handSize`, handSize, `should not be greater than queues (${queues})`))
  else {
    // k8s: shufflesharding.RequiredEntropyBits
    const bits = Math.ceil(Math.log2(queues) * handSize)
    if (bits > MAX_HASH_BITS) out.push(invalid(`${at}.handSize`, handSize, `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${MAX_HASH_BITS}`))
  }
}

/** k8s: ValidateFlowSchemaStatus, ValidatePriorityLevelConfigurationStatus */
export function validateConditionTypes(conditions: readonly { type?: string }[] | undefined): Finding[] {
  const out: Finding[] = []
  const seen = new Set<string>()
  ;(conditions ?? []).forEach(({ type = '' }, i) => {
    const at = `status.conditions[${i}].type`
    if (seen.has(type)) out.push(duplicate(at, type))
    seen.add(type)
    if (type === '') out.push(required(at))
  })
  return out
}
