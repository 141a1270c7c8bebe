import { base64Url } from '../../base/base64.ts'
import type { Etcd } from '../etcd/etcd.ts'
import { EtcdError, prefixEnd, type KeyValue } from '../etcd/types.ts'
import { parseJson, SyntaxProblem } from '../kinds/json-text.ts'
import type { KubeObject } from '../kinds/object.ts'
import { jsonKind } from '../kinds/patch/go-format.ts'
import { apiError, type StatusError } from '../kinds/status-error.ts'
import type { Endpoint } from './endpoint.ts'
import { fieldSelectorFor, parseFieldSelector } from '../kinds/field-selector.ts'
import { parseLabelSelector, SelectorError } from '../kinds/label-selector.ts'
import { parseReadVersion, type ListOptions } from './list-options.ts'
import type { WatchSelection } from './resource-store.ts'

/** Objects of a list, in the storage version. */
export interface Listing {
  objects: readonly KubeObject[]
  resourceVersion: string
  continue?: string
  remainingItemCount?: number
}

/** What selectors choose. @throws StatusError 400 for selectors that can't be read. */
export function selectionOf(endpoint: Endpoint, namespace: string | undefined, options: Pick<ListOptions, 'labelSelector' | 'fieldSelector'>): WatchSelection {
  const selection: WatchSelection = namespace && endpoint.kind.namespaced ? { namespace } : {}
  const tests: ((object: KubeObject) => boolean)[] = []
  try {
    // Labels are read first, as upstream's conversion of the query does.
    const labels = options.labelSelector ? parseLabelSelector(options.labelSelector) : undefined
    if (options.fieldSelector) addFieldTests(endpoint, options.fieldSelector, selection, tests)
    if (labels && !labels.empty) tests.push((object) => labels.matches(object.metadata.labels))
  } catch (error) {
    if (error instanceof SelectorError) throw apiError.badRequest(error.message)
    throw error
  }
  if (tests.length === 1) selection.matches = tests[0]
  else if (tests.length > 1) selection.matches = (object) => tests.every((test) => test(object))
  return selection
}

function addFieldTests(endpoint: Endpoint, text: string, selection: WatchSelection, tests: ((object: KubeObject) => boolean)[]): void {
  const { kind } = endpoint
  for (const { field, operator, value } of fieldSelectorFor(kind, parseFieldSelector(text)).terms) {
    const wanted = operator === '='
    if (field === 'metadata.name') {
      if (wanted) selection.name = value
      tests.push((object) => (object.metadata.name === value) === wanted)
    } else if (field === 'metadata.namespace') tests.push((object) => ((object.metadata.namespace ?? '') === value) === wanted)
    else if (kind.resource === 'pods' && field === 'spec.nodeName') {
      if (wanted) selection.nodeName = value
      tests.push((object) => ((object['spec']?.nodeName ?? '') === value) === wanted)
    } else tests.push((object) => ((kind.selectableFields?.(endpoint.fromStorage(object))[field] ?? '') === value) === wanted)
  }
}

/** k8s: apiserver/pkg/storage/etcd3 store GetList, storage/continue.go */
export function listObjects(etcd: Etcd, endpoint: Endpoint, namespace: string | undefined, options: ListOptions): Listing {
  const { store } = endpoint
  const selection = selectionOf(endpoint, namespace, options)
  // Next to a token a version isn't read: it may not be there.
  const asked = options.continue ? 0 : parseReadVersion(options.resourceVersion)
  // What the cache may answer as it likes it answers whole. k8s: cacher shouldDelegateList
  const limit = options.limit && options.limit > 0 && (options.resourceVersion !== '0' || !hasCache(endpoint)) ? options.limit : 0
  if (asked > etcd.revision) throw tooLargeVersion(asked, etcd.revision)
  const exact = asked > 0 && (options.resourceVersionMatch === 'Exact' || (limit > 0 && options.resourceVersionMatch !== 'NotOlderThan'))
  if (!limit && !options.continue && !exact) return { objects: store.select(selection), resourceVersion: String(etcd.revision) }

  const prefix = store.listPrefix(namespace)
  let start = prefix
  let revision = exact ? asked : etcd.revision
  let isCached = hasCache(endpoint)
  if (options.continue) {
    const token = decodeContinue(options.continue, prefix)
    // `resourceVersion=0` next to a token is let through, for old clients.
    if (options.resourceVersion && options.resourceVersion !== '0') throw apiError.badRequest('specifying resource version is not allowed when using continue')
    start = token.start
    // A list that goes on inconsistently only etcd can answer.
    if (token.revision < 0) isCached = false
    revision = token.revision < 0 ? etcd.revision : token.revision
    // differs: the real server lets etcd's refusal through as code 500
    if (revision > etcd.revision) throw tooLargeVersion(revision, etcd.revision)
  }
  const matches = selectionTest(selection)
  const objects: KubeObject[] = []
  let lastKey = ''
  let more = false
  const kvs = rangeAt(etcd, start, prefixEnd(prefix), revision, options.continue !== undefined, prefix)
  let seen = 0
  for (const kv of kvs) {
    if (limit > 0 && objects.length === limit) {
      more = true
      break
    }
    seen++
    lastKey = kv.key
    if (matches(kv.value)) objects.push(kv.value)
  }
  const listing: Listing = { objects, resourceVersion: String(revision) }
  if (more) {
    // The cache's keys begin with a slash, etcd's don't.
    listing.continue = encodeContinue(`${isCached ? '/' : ''}${lastKey.slice(prefix.length)}\0`, revision)
    // With selectors nobody knows how many will match. k8s: etcd3 store GetList
    if (!options.labelSelector && !options.fieldSelector) listing.remainingItemCount = kvs.length - seen
  }
  return listing
}

/** Whether there is a watch cache before etcd: events have none. k8s: kubeapiserver DefaultWatchCacheSizes */
function hasCache({ kind: { group, resource } }: Endpoint): boolean {
  return !(resource === 'events' && (group === '' || group === 'events.k8s.io'))
}

function selectionTest(selection: WatchSelection): (object: KubeObject) => boolean {
  return selection.matches ?? (() => true)
}

function rangeAt(etcd: Etcd, start: string, rangeEnd: string, revision: number, continued: boolean, prefix: string): readonly KeyValue<KubeObject>[] {
  try {
    return etcd.range<KubeObject>({ key: start, rangeEnd, revision }).kvs
  } catch (error) {
    if (!(error instanceof EtcdError) || error.code !== 'compacted') throw error
    if (!continued) throw apiError.expired('The resourceVersion for the provided list is too old.')
    const expired = apiError.expired(`The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.`)
    expired.status.metadata = { continue: encodeContinue(start.slice(prefix.length), -1) }
    throw expired
  }
}

/** k8s: apiserver/pkg/storage NewTooLargeResourceVersionError */
export function tooLargeVersion(asked: number, current: number): StatusError {
  return apiError.generic(504, 'Timeout', `Timeout: Too large resource version: ${asked}, current: ${current}`,
    { causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }], retryAfterSeconds: 1 })
}

interface ContinueToken {
  v?: string
  rv?: number
  start?: string
}

function encodeContinue(start: string, revision: number): string {
  const bytes = new TextEncoder().encode(JSON.stringify({ v: 'meta.k8s.io/v1', rv: revision, start }))
  return base64Url(bytes)
}

/** Go names the byte that it can't read; the reader here would name the first byte of its UTF-8 form. */
function goCharacter(text: string, message: string): string {
  const first = atob(text.replace(/-/g, '+').replace(/_/g, '/')).charCodeAt(0)
  if (!(first >= 0x80)) return message
  const shown = first < 0xa1 || first === 0xad ? `\\u00${first.toString(16)}` : String.fromCharCode(first)
  return message.replace(/'[^']*'/, `'${shown}'`)
}

function decodeContinue(text: string, prefix: string): { start: string; revision: number } {
  const bad = (why: string) => apiError.badRequest(`invalid continue token: continue key is not valid: ${why}`)
  let token: ContinueToken
  try {
    // Byte by byte, as Go's decoder names what it can't read; names are ASCII.
    token = parseJson(atob(text.replace(/-/g, '+').replace(/_/g, '/'))) as ContinueToken
  } catch (error) {
    throw bad(error instanceof SyntaxProblem ? goCharacter(text, error.message) : `illegal base64 data at input byte ${Math.max(0, text.search(/[^A-Za-z0-9_-]/))}`)
  }
  if (token !== null && (typeof token !== 'object' || Array.isArray(token))) throw bad(`json: cannot unmarshal ${jsonKind(token)} into Go value of type storage.continueToken`)
  for (const [field, type] of [['v', 'string'], ['start', 'string'], ['rv', 'number']] as const) {
    const value: unknown = token?.[field]
    if (value !== undefined && value !== null && (typeof value !== type || (type === 'number' && !Number.isSafeInteger(value)))) throw bad(`json: cannot unmarshal ${jsonKind(value)}${typeof value === 'number' && type === 'number' ? ` ${value}` : ''} into Go struct field continueToken.${field} of type ${type === 'number' ? 'int64' : type}`)
  }
  if (token === null || token.v !== 'meta.k8s.io/v1') throw bad(`server does not recognize this encoded version ${token?.v ?? ''}`)
  if (!token.rv) throw bad('incorrect encoded start resourceVersion (version meta.k8s.io/v1)')
  if (!token.start) throw bad('encoded start key empty (version meta.k8s.io/v1)')
  const key = token.start.replace(/^\//, '')
  // Nothing leads out of the list.
  if (key !== '' && key.split('/').some((part) => part === '' || part === '.' || part === '..')) throw bad(token.start)
  return { start: prefix + key, revision: token.rv }
}
