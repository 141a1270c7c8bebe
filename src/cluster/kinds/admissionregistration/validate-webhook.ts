/** Rules for webhook configurations. k8s: pkg/apis/admissionregistration/validation */
import { deepEqual } from '../../../base/freeze.ts'
import { duplicate, invalid, notSupported, required, type Finding } from '../findings.ts'
import type { MutatingWebhook, WebhookClientConfig } from '../generated/types.ts'
import { dns1035LabelProblems, dnsSubdomainProblems, portNumberProblems } from '../names.ts'
import { validateLabelSelector } from '../validate-metadata.ts'
import { FAILURE_POLICIES, MATCH_POLICIES, validateMatchConditions, validateRule } from './validate-rules.ts'

const REVIEW_VERSIONS = ['v1', 'v1beta1']
const QUIET = ['None', 'NoneOnDryRun']
const SIDE_EFFECTS = ['None', 'NoneOnDryRun', 'Some', 'Unknown']
const REINVOCATION = ['IfNeeded', 'Never']
const URL_FORM = '; desired format: https://host[/path]'

/** What an update may keep because the old configuration had it already. */
interface Leniency {
  sameMatchConditions?: boolean
  anySideEffects?: boolean
  anyReviewVersion?: boolean
  duplicateNames?: boolean
  invalidSelectorValues?: boolean
}

type Webhook = Omit<MutatingWebhook, 'reinvocationPolicy'> & Partial<Pick<MutatingWebhook, 'reinvocationPolicy'>>

/** k8s: ValidateValidatingWebhookConfiguration, ValidateMutatingWebhookConfiguration */
export function validateWebhooks(webhooks: readonly Readonly<Webhook>[] | undefined, leniency: Leniency = {}): Finding[] {
  const out: Finding[] = []
  const names = new Set<string>()
  ;(webhooks ?? []).forEach((webhook, i) => {
    const at = `webhooks[${i}]`
    checkWebhook(out, webhook, leniency, at)
    checkReviewVersions(out, webhook.admissionReviewVersions ?? [], leniency, `${at}.admissionReviewVersions`)
    if (!webhook.name || leniency.duplicateNames) return
    if (names.has(webhook.name)) out.push(duplicate(`${at}.name`, webhook.name))
    names.add(webhook.name)
  })
  return out
}

/** k8s: ValidateValidatingWebhookConfigurationUpdate, ValidateMutatingWebhookConfigurationUpdate */
export function validateWebhooksUpdate(webhooks: readonly Readonly<Webhook>[] = [], old: readonly Readonly<Webhook>[] = []): Finding[] {
  const now = webhooks ?? []
  const before = old ?? []
  return validateWebhooks(now, {
    sameMatchConditions: now.length === before.length && before.every((webhook, i) => deepEqual(now[i]!.matchConditions, webhook.matchConditions)),
    anySideEffects: before.some(({ sideEffects }) => !QUIET.includes(sideEffects)),
    anyReviewVersion: before.some(({ admissionReviewVersions: versions }) => (versions?.length ?? 0) > 0 && !versions.some((version) => REVIEW_VERSIONS.includes(version))),
    duplicateNames: new Set(before.map(({ name }) => name)).size < before.length,
    invalidSelectorValues: before.some(({ namespaceSelector, objectSelector }) => [namespaceSelector, objectSelector].some((selector) => validateLabelSelector(selector, '').length > 0)),
  })
}

function checkWebhook(out: Finding[], webhook: Readonly<Webhook>, leniency: Leniency, at: string): void {
  checkQualifiedHookName(out, webhook.name ?? '', `${at}.name`)
  ;(webhook.rules ?? []).forEach((rule, i) => validateRule(out, rule, `${at}.rules[${i}]`))
  const oneOf = (field: 'failurePolicy' | 'matchPolicy', allowed: readonly string[]) => {
    const value = webhook[field]
    if (value !== undefined && !allowed.includes(value)) out.push(notSupported(`${at}.${field}`, value, allowed))
  }
  oneOf('failurePolicy', FAILURE_POLICIES)
  oneOf('matchPolicy', MATCH_POLICIES)
  const sideEffects = webhook.sideEffects as string | null | undefined
  const allowed = leniency.anySideEffects ? SIDE_EFFECTS : QUIET
  if (sideEffects === undefined || sideEffects === null) out.push(required(`${at}.sideEffects`, `must specify one of ${allowed.join(', ')}`))
  else if (!allowed.includes(sideEffects)) out.push(notSupported(`${at}.sideEffects`, sideEffects, allowed))
  const timeout = webhook.timeoutSeconds
  if (timeout !== undefined && (timeout > 30 || timeout < 1)) out.push(invalid(`${at}.timeoutSeconds`, timeout, 'the timeout value must be between 1 and 30 seconds'))
  const selectors = { allowInvalidValues: leniency.invalidSelectorValues === true }
  out.push(...validateLabelSelector(webhook.namespaceSelector, `${at}.namespaceSelector`, selectors), ...validateLabelSelector(webhook.objectSelector, `${at}.objectSelector`, selectors))
  const reinvocation = webhook.reinvocationPolicy
  if (reinvocation !== undefined && !REINVOCATION.includes(reinvocation)) out.push(notSupported(`${at}.reinvocationPolicy`, reinvocation, REINVOCATION))
  validateClientConfig(out, webhook.clientConfig, `${at}.clientConfig`)
  if (!leniency.sameMatchConditions) validateMatchConditions(out, webhook.matchConditions, {}, `${at}.matchConditions`)
}

/** k8s: IsFullyQualifiedName */
function checkQualifiedHookName(out: Finding[], name: string, at: string): void {
  const problems = dnsSubdomainProblems(name)
  if (name === '') out.push(required(at))
  else if (problems.length > 0) out.push(invalid(at, name, problems.join(',')))
  else if (name.split('.').length < 3) out.push(invalid(at, name, 'should be a domain with at least three segments separated by dots'))
}

function checkReviewVersions(out: Finding[], versions: readonly string[], leniency: Leniency, at: string): void {
  if (versions.length === 0) {
    out.push(required(at, `must specify one of ${REVIEW_VERSIONS.join(', ')}`))
    return
  }
  versions.forEach((version, i) => {
    if (versions.indexOf(version) < i) out.push(invalid(`${at}[${i}]`, version, 'duplicate version'))
    else for (const problem of dns1035LabelProblems(version)) out.push(invalid(`${at}[${i}]`, version, problem))
  })
  if (!leniency.anyReviewVersion && !versions.some((version) => REVIEW_VERSIONS.includes(version))) out.push(invalid(at, versions, `must include at least one of ${REVIEW_VERSIONS.join(', ')}`))
}

/** Where a webhook is; also of conversions. k8s: the switch over url and service in pkg/apis/admissionregistration/validation */
function validateClientConfig(out: Finding[], config: Readonly<WebhookClientConfig> | undefined, at: string): void {
  const { url, service } = config ?? {}
  if ((url === undefined) === (service === undefined)) out.push(required(at, 'exactly one of url or service is required'))
  else if (url !== undefined) checkWebhookUrl(out, url, `${at}.url`)
  // Upstream hands over name and namespace the wrong way round, so each is reported as the other.
  else checkWebhookService(out, { ...service!, name: service!.namespace, namespace: service!.name }, `${at}.service`)
}

/** k8s: apiserver/pkg/util/webhook ValidateWebhookURL */
export function checkWebhookUrl(out: Finding[], text: string, at: string): void {
  const problem = urlProblem(text)
  if (problem !== undefined) {
    out.push(required(at, `url must be a valid URL: parse ${JSON.stringify(text)}: ${problem}${URL_FORM}`))
    return
  }
  const [beforeFragment = '', ...fragment] = text.split('#')
  const [beforeQuery = '', ...query] = beforeFragment.split('?')
  const scheme = (/^([A-Za-z][A-Za-z0-9+.-]*):/.exec(beforeQuery)?.[1] ?? '').toLowerCase()
  const authority = /^(?:[A-Za-z][A-Za-z0-9+.-]*:)?\/\/([^/]*)/.exec(beforeQuery)?.[1] ?? ''
  const userEnd = authority.lastIndexOf('@')
  if (scheme !== 'https') out.push(invalid(at, scheme, `'https' is the only allowed URL scheme${URL_FORM}`))
  if (authority.slice(userEnd + 1) === '') out.push(invalid(at, '', `host must be specified${URL_FORM}`))
  if (userEnd >= 0) out.push(invalid(at, authority.slice(0, userEnd), 'user information is not permitted in the URL'))
  if (fragment.join('#') !== '') out.push(invalid(at, fragment.join('#'), 'fragments are not permitted in the URL'))
  if (query.join('?') !== '') out.push(invalid(at, query.join('?'), 'query parameters are not permitted in the URL'))
}

/** What Go's url.Parse refuses, as far as people write it. */
function urlProblem(text: string): string | undefined {
  // eslint-disable-next-line no-control-regex -- what is looked for
  if (/[\u0000-\u001f\u007f]/.test(text)) return 'net/url: invalid control character in URL'
  const escape = /%(?![0-9a-fA-F]{2}).{0,2}/.exec(text)
  if (/^:/.test(text)) return 'missing protocol scheme'
  const host = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/(?:[^/?#]*@)?([^/?#]*)/.exec(text)?.[1]
  if (host !== undefined) {
    const port = /:([^:\]]*)$/.exec(host)?.[1]
    if (port !== undefined && !/^\d*$/.test(port)) return `invalid port ${JSON.stringify(`:${port}`)} after host`
    const character = /[ "<>\\^`{|}]/.exec(host)?.[0]
    if (character !== undefined) return `invalid character ${JSON.stringify(character)} in host name`
  }
  if (escape) return `invalid URL escape ${JSON.stringify(escape[0])}`
  if (host === undefined && /^[^/?#]*:/.test(text) && !/^[A-Za-z][A-Za-z0-9+.-]*:/.test(text)) return 'first path segment in URL cannot contain colon'
  return undefined
}

/** k8s: apiserver/pkg/util/webhook ValidateWebhookService */
export function checkWebhookService(out: Finding[], service: Readonly<{ name?: string; namespace?: string; path?: string; port?: number }>, at: string): void {
  if (!service.name) out.push(required(`${at}.name`))
  if (!service.namespace) out.push(required(`${at}.namespace`))
  const port = portNumberProblems(service.port ?? 0)
  if (port.length > 0) out.push(invalid(`${at}.port`, service.port ?? 0, `port is not valid: ${port.join(', ')}`))
  const { path } = service
  if (path === undefined || path === '' || path === '/') return
  if (path === '//') {
    out.push(invalid(`${at}.path`, path, 'segment[0] may not be empty'))
    return
  }
  if (!path.startsWith('/')) out.push(invalid(`${at}.path`, path, "must start with a '/'"))
  path.slice(1).replace(/\/$/, '').split('/').forEach((segment, i) => {
    if (segment === '') out.push(invalid(`${at}.path`, path, `segment[${i}] may not be empty`))
    else for (const problem of dnsSubdomainProblems(segment)) out.push(invalid(`${at}.path`, path, `segment[${i}]: ${problem}`))
  })
}
