/** Rules for what webhooks and policies match. k8s: pkg/apis/admissionregistration/validation */
import { checkQualifiedName } from '../checks.ts'
import { celProblem, type CelScope } from '../cel/cel-problem.ts'
import { duplicate, forbidden, internalFinding, invalid, notSupported, required, tooMany, type Finding } from '../findings.ts'
import type { MatchCondition, MatchResources, NamedRuleWithOperations, ParamKind, ParamRef, RuleWithOperations } from '../generated/types.ts'
import { dns1035LabelProblems, dnsSubdomainProblems, pathSegmentName } from '../names.ts'
import { validateLabelSelector } from '../validate-metadata.ts'

const OPERATIONS = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE']
const SCOPES = ['*', 'Cluster', 'Namespaced']
export const FAILURE_POLICIES = ['Fail', 'Ignore']
export const MATCH_POLICIES = ['Equivalent', 'Exact']

/** k8s: validateRuleWithOperations */
export function validateRule(out: Finding[], rule: Readonly<RuleWithOperations>, at: string): void {
  const { operations = [], apiGroups = [], apiVersions = [], scope } = rule
  if (!operations?.length) out.push(required(`${at}.operations`))
  else checkLoneWildcard(out, operations, `${at}.operations`, "if '*' is present, must not specify other operations")
  ;(operations ?? []).forEach((operation, i) => {
    if (!OPERATIONS.includes(operation)) out.push(notSupported(`${at}.operations[${i}]`, operation, OPERATIONS))
  })
  if (!apiGroups?.length) out.push(required(`${at}.apiGroups`))
  else checkLoneWildcard(out, apiGroups, `${at}.apiGroups`, "if '*' is present, must not specify other API groups")
  if (!apiVersions?.length) out.push(required(`${at}.apiVersions`))
  else checkLoneWildcard(out, apiVersions, `${at}.apiVersions`, "if '*' is present, must not specify other API versions")
  ;(apiVersions ?? []).forEach((version, i) => {
    if (version === '') out.push(required(`${at}.apiVersions[${i}]`))
  })
  checkResources(out, rule.resources ?? [], `${at}.resources`)
  if (scope !== undefined && !SCOPES.includes(scope)) out.push(notSupported(`${at}.scope`, scope, SCOPES))
}

function checkLoneWildcard(out: Finding[], values: readonly string[], at: string, message: string): void {
  if (values.length > 1 && values.includes('*')) out.push(invalid(at, values, message))
}

/** k8s: validateResources */
function checkResources(out: Finding[], resources: readonly string[], at: string): void {
  if (resources.length === 0) out.push(required(at))
  const wholeResources = new Set<string>()
  const everySubresource = new Set<string>()
  let plain = false
  resources.forEach((name, i) => {
    if (name === '') {
      out.push(required(`${at}[${i}]`))
      return
    }
    const slash = name.indexOf('/')
    if (slash < 0) {
      plain = name !== '*'
      return
    }
    const resource = name.slice(0, slash)
    const subresource = name.slice(slash + 1)
    if (wholeResources.has(resource)) out.push(invalid(`${at}[${i}]`, name, `if '${resource}/*' is present, must not specify ${name}`))
    if (everySubresource.has(subresource)) out.push(invalid(`${at}[${i}]`, name, `if '*/${subresource}' is present, must not specify ${name}`))
    if (subresource === '*') wholeResources.add(resource)
    if (resource === '*') everySubresource.add(subresource)
  })
  if (resources.length > 1 && resources.includes('*/*')) out.push(invalid(at, resources, "if '*/*' is present, must not specify other resources"))
  if (resources.includes('*') && plain) out.push(invalid(at, resources, "if '*' is present, must not specify other resources without subresources"))
}

/** k8s: validateMatchResources */
export function validateMatchResources(out: Finding[], match: Readonly<MatchResources> | undefined, at: string): void {
  if (!match) return
  if (match.matchPolicy === undefined) out.push(required(`${at}.matchPolicy`))
  else if (!MATCH_POLICIES.includes(match.matchPolicy)) out.push(notSupported(`${at}.matchPolicy`, match.matchPolicy, MATCH_POLICIES))
  for (const field of ['namespaceSelector', 'objectSelector'] as const) {
    if (!match[field]) out.push(required(`${at}.${field}`))
    else out.push(...validateLabelSelector(match[field], `${at}.${field}`))
  }
  for (const field of ['resourceRules', 'excludeResourceRules'] as const) (match[field] ?? []).forEach((rule, i) => checkNamedRule(out, rule, `${at}.${field}[${i}]`))
}

function checkNamedRule(out: Finding[], rule: Readonly<NamedRuleWithOperations>, at: string): void {
  const seen = new Set<string>()
  ;(rule.resourceNames ?? []).forEach((name, i) => {
    for (const problem of pathSegmentName(name, false)) out.push(invalid(`${at}.resourceNames[${i}]`, name, problem))
    if (seen.has(name)) out.push(duplicate(`${at}.resourceNames[${i}]`, name))
    seen.add(name)
  })
  validateRule(out, rule, at)
}

/** k8s: validateMatchConditions */
export function validateMatchConditions(out: Finding[], conditions: readonly MatchCondition[] | undefined, scope: CelScope, at: string): void {
  if (!conditions) return
  const names = new Set<string>()
  if (conditions.length > 64) out.push(tooMany(at, conditions.length, 64))
  conditions.forEach(({ name = '', expression = '' }, i) => {
    const here = `${at}[${i}]`
    const trimmed = expression.trim()
    if (trimmed === '') out.push(required(`${here}.expression`))
    else checkCel(out, trimmed, { ...scope, result: 'bool' }, `${here}.expression`)
    if (name === '') out.push(required(`${here}.name`))
    else checkQualifiedName(out, name, `${here}.name`)
    if (names.has(name)) out.push(duplicate(`${here}.name`, name))
    else if (name !== '') names.add(name)
  })
}

/** An expression that must compile. k8s: validateCELCondition */
export function checkCel(out: Finding[], expression: string, scope: CelScope, at: string, shown: string = expression): void {
  const problem = celProblem(expression, scope)
  if (problem) out.push(problem.internal ? internalFinding(at, problem.text) : invalid(at, shown, problem.text))
}

/** k8s: validateParamKind */
export function validateParamKind(out: Finding[], kind: Readonly<ParamKind>, at: string): void {
  const { apiVersion = '', kind: name = '' } = kind
  if (apiVersion === '') out.push(required(`${at}.apiVersion`))
  else {
    const parts = apiVersion === '/' ? ['', ''] : apiVersion.split('/')
    if (parts.length > 2) out.push(invalid(`${at}.apiVersion`, apiVersion, `unexpected GroupVersion string: ${apiVersion}`))
    else {
      const [group, version] = parts.length === 2 ? [parts[0]!, parts[1]!] : ['', parts[0]!]
      const join = (problems: readonly string[]) => problems.join(',')
      if (group && dnsSubdomainProblems(group).length > 0) out.push(invalid(`${at}.apiVersion`, group, join(dnsSubdomainProblems(group))))
      if (version === '') out.push(invalid(`${at}.apiVersion`, apiVersion, 'version must be specified'))
      else if (dns1035LabelProblems(version).length > 0) out.push(invalid(`${at}.apiVersion`, version, join(dns1035LabelProblems(version))))
    }
  }
  if (name === '') out.push(required(`${at}.kind`))
  else {
    const problems = dns1035LabelProblems(name.toLowerCase())
    if (problems.length > 0) out.push(invalid(`${at}.kind`, name, `may have mixed case, but should otherwise match: ${problems.join(',')}`))
  }
}

/** k8s: validateParamRef */
export function validateParamRef(out: Finding[], ref: Readonly<ParamRef> | undefined, at: string): void {
  if (!ref) return
  const { name = '', selector, parameterNotFoundAction: action = '' } = ref as { name?: string; selector?: ParamRef['selector']; parameterNotFoundAction?: string }
  const exclusive = 'name and selector are mutually exclusive'
  if (name) {
    for (const problem of pathSegmentName(name, false)) out.push(invalid(`${at}.name`, name, problem))
    if (selector) out.push(forbidden(`${at}.name`, exclusive))
  }
  if (selector) {
    out.push(...validateLabelSelector(selector, `${at}.selector`))
    if (name) out.push(forbidden(`${at}.selector`, exclusive))
  }
  if (!name && !selector) out.push(required(at, 'one of name or selector must be specified'))
  if (action === '') out.push(required(`${at}.parameterNotFoundAction`))
  else if (action !== 'Deny' && action !== 'Allow') out.push(notSupported(`${at}.parameterNotFoundAction`, action, ['Deny', 'Allow']))
}
