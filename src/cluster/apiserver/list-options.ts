import { forbidden, invalid, notSupported, type Finding } from '../kinds/findings.ts'
import { apiError, StatusError } from '../kinds/status-error.ts'
import { queryFlag } from './request-info.ts'

/** Query parameters of list, watch and deletecollection, checked. k8s: metav1.ListOptions */
export interface ListOptions {
  labelSelector?: string
  fieldSelector?: string
  limit?: number
  continue?: string
  resourceVersion?: string
  resourceVersionMatch?: string
  watch?: boolean
  allowWatchBookmarks?: boolean
  sendInitialEvents?: boolean
  timeoutSeconds?: number
}

const INT64 = 9223372036854775807n

/** A whole number of the query. @throws StatusError 400 in Go's words. */
export function queryInt(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name)
  if (text === null) return undefined
  if (!/^[+-]?\d+$/.test(text)) throw apiError.badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`)
  const value = BigInt(text)
  if (value > INT64 || value < -INT64 - 1n) throw apiError.badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: value out of range`)
  return Number(value)
}

/** @throws StatusError 400 or 422. */
export function parseListOptions(query: URLSearchParams): ListOptions {
  const text = (name: string) => query.get(name) || undefined
  const options: ListOptions = {
    labelSelector: text('labelSelector'),
    fieldSelector: text('fieldSelector'),
    limit: queryInt(query, 'limit'),
    continue: text('continue'),
    resourceVersion: text('resourceVersion'),
    resourceVersionMatch: text('resourceVersionMatch'),
    watch: queryFlag(query.get('watch')),
    allowWatchBookmarks: queryFlag(query.get('allowWatchBookmarks')),
    sendInitialEvents: query.has('sendInitialEvents') ? queryFlag(query.get('sendInitialEvents')) : undefined,
    timeoutSeconds: queryInt(query, 'timeoutSeconds'),
  }
  // k8s: metainternalversion SetListOptionsDefaults: a watch from anywhere begins with what is there
  if (options.watch && options.sendInitialEvents === undefined && !options.resourceVersionMatch && (!options.resourceVersion || options.resourceVersion === '0')) {
    options.sendInitialEvents = true
    options.resourceVersionMatch = 'NotOlderThan'
  }
  const findings = options.watch ? watchFindings(options) : listFindings(options)
  if (findings.length > 0) throw invalidOptions('ListOptions', findings)
  return options
}

export function invalidOptions(kind: string, findings: readonly Finding[]): StatusError {
  return apiError.invalid({ group: 'meta.k8s.io', kind }, '', findings)
}

/** k8s: metainternalversion/validation ValidateListOptions */
function listFindings(options: ListOptions): Finding[] {
  const findings: Finding[] = []
  const match = options.resourceVersionMatch
  if (match) {
    if (!options.resourceVersion) findings.push(forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden unless resourceVersion is provided'))
    if (options.continue) findings.push(forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided'))
    if (match !== 'Exact' && match !== 'NotOlderThan') findings.push(notSupported('resourceVersionMatch', match, ['Exact', 'NotOlderThan', '']))
    if (match === 'Exact' && options.resourceVersion === '0') findings.push(forbidden('resourceVersionMatch', 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'))
  }
  if (options.sendInitialEvents !== undefined) findings.push(forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list'))
  return findings
}

function watchFindings(options: ListOptions): Finding[] {
  const findings: Finding[] = []
  const match = options.resourceVersionMatch
  if (options.sendInitialEvents !== undefined && match !== 'NotOlderThan')
    findings.push(forbidden('resourceVersionMatch', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'))
  if (match) {
    if (options.sendInitialEvents === undefined) findings.push(forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'))
    if (match !== 'NotOlderThan') findings.push(notSupported('resourceVersionMatch', match, ['NotOlderThan']))
    if (options.continue) findings.push(forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided'))
  }
  return findings
}

/** What is wrong with a resourceVersion. */
export function versionProblem(text: string): string {
  return invalid('resourceVersion', text, `strconv.ParseUint: parsing ${JSON.stringify(text)}: ${/^\d+$/.test(text) ? 'value out of range' : 'invalid syntax'}`).message
}

/** Whether Go reads it as a number of 64 bits. */
export function isVersion(text: string): boolean {
  return /^\d+$/.test(text) && (text.length < 19 || BigInt(text) < 1n << 64n)
}

/** A resourceVersion of a list or watch. Absent is 0. @throws StatusError 400. */
export function parseReadVersion(text: string | undefined): number {
  if (!text) return 0
  if (!isVersion(text)) throw apiError.badRequest(`invalid resource version: ${versionProblem(text)}`)
  return Number(text)
}
