import type { Kind } from '../../kinds/kind.ts'
import { returnsDeleted } from '../returns-deleted.ts'

/** In the order of a path's operations. */
export type HttpMethod = 'get' | 'put' | 'post' | 'delete' | 'options' | 'head' | 'patch'

/** One operation of a path, in terms that both versions of OpenAPI can be written from. */
export interface Operation {
  method: HttpMethod
  /** `x-kubernetes-action`; discovery has none. */
  action?: string
  gvk?: { group: string; version: string; kind: string }
  /** Names of query parameters. */
  query: readonly string[]
  /** Which operations describe their parameters in the same words: a verb, or the kind of a connection's options. */
  scope: string
  /** Schema of the body. */
  body?: string
  /** Schema of the answer; undefined: a text. */
  response?: string
  /** Media types of the answer, of both versions. */
  produces: readonly string[]
  /** Media types of the body, or of whatever is sent. */
  consumes: readonly string[]
  /** Codes of good answers. */
  codes: readonly ('200' | '201' | '202')[]
  tag: string
  operationId: string
  description: string
}

const MEDIA_TYPES = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']
const STREAM_TYPES = ['application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch']
const PATCH_TYPES = ['application/json-patch+json', 'application/merge-patch+json', 'application/strategic-merge-patch+json', 'application/apply-patch+yaml']
const CUSTOM_TYPES = ['application/json', 'application/yaml']
const CUSTOM_PATCH_TYPES = ['application/json-patch+json', 'application/merge-patch+json', 'application/apply-patch+yaml']
const ANY_TYPE = ['*/*']

const READ_QUERY = ['continue', 'fieldSelector', 'labelSelector', 'limit', 'resourceVersion', 'resourceVersionMatch', 'sendInitialEvents', 'shardSelector', 'timeoutSeconds', 'pretty']
const LIST_QUERY = ['allowWatchBookmarks', ...READ_QUERY, 'watch']
const DELETE_QUERY = ['dryRun', 'gracePeriodSeconds', 'ignoreStoreReadErrorWithClusterBreakingPotential', 'orphanDependents', 'propagationPolicy', 'pretty']
const WRITE_QUERY = ['dryRun', 'fieldManager', 'fieldValidation', 'pretty']

/** Types of query parameters, where they aren't texts. */
export const QUERY_TYPES: Readonly<Record<string, 'boolean' | 'integer'>> = {
  allowWatchBookmarks: 'boolean', sendInitialEvents: 'boolean', watch: 'boolean', force: 'boolean', orphanDependents: 'boolean',
  ignoreStoreReadErrorWithClusterBreakingPotential: 'boolean', limit: 'integer', timeoutSeconds: 'integer', gracePeriodSeconds: 'integer', follow: 'boolean',
  previous: 'boolean', timestamps: 'boolean', sinceSeconds: 'integer', tailLines: 'integer', limitBytes: 'integer', stdin: 'boolean', stdout: 'boolean',
  stderr: 'boolean', tty: 'boolean', insecureSkipTLSVerifyBackend: 'boolean', ports: 'integer',
}

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1'
const STATUS = `${META}.Status`
const DELETE_OPTIONS = `${META}.DeleteOptions`
const PATCH = `${META}.Patch`
const WATCH_EVENT = `${META}.WatchEvent`

const CONNECT_QUERY: Record<string, string[]> = {
  exec: ['command', 'container', 'stderr', 'stdin', 'stdout', 'tty'], attach: ['container', 'stderr', 'stdin', 'stdout', 'tty'], portforward: ['ports'], proxy: ['path'],
}
const LOG_QUERY = ['container', 'follow', 'insecureSkipTLSVerifyBackend', 'limitBytes', 'pretty', 'previous', 'sinceSeconds', 'stream', 'tailLines', 'timestamps']
const PROXY_METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch'] as const

/** Operations by path. */
export type Paths = Map<string, Operation[]>

/** Every path of a kind with its operations. k8s: apiserver/pkg/endpoints/installer.go */
export function pathsOf(kind: Kind, schemaOf: (gvk: { group: string; version: string; kind: string }) => string | undefined): Paths {
  const root = kind.group ? `/apis/${kind.group}/${kind.version}` : `/api/${kind.version}`
  const collection = kind.namespaced ? `${root}/namespaces/{namespace}/${kind.resource}` : `${root}/${kind.resource}`
  const gvk = { group: kind.group, version: kind.version, kind: kind.kind }
  const { schema } = kind
  const article = articleOf(kind.kind)
  const list = schema.replace(/[^.]+$/, kind.listKind)
  const groupName = kind.custom ? kind.group.replace(/\.k8s\.io$/, '') : nameOfGroup(kind.group)
  const tag = `${camel(groupName)}_${kind.version}`
  const groupVersion = `${pascal(groupName)}${pascal(kind.version)}`
  const idOf = (verb: string, suffix = '') => `${verb}${groupVersion}${kind.namespaced ? 'Namespaced' : ''}${kind.kind}${suffix}`
  const types = kind.custom ? CUSTOM_TYPES : MEDIA_TYPES
  const out: Paths = new Map()
  const add = (path: string, operation: Omit<Operation, 'tag' | 'produces' | 'consumes' | 'codes'> & Partial<Operation>) => {
    const entry: Operation = {
      tag, gvk, produces: types, codes: operation.method === 'post' ? ['200', '201', '202'] : operation.method === 'put' || (operation.method === 'patch' && !kind.custom) ? ['200', '201'] : ['200'],
      consumes: operation.method === 'patch' ? kind.custom ? CUSTOM_PATCH_TYPES : PATCH_TYPES : kind.custom ? CUSTOM_TYPES : ANY_TYPE, ...operation,
    }
    if (kind.custom) entry.gvk = gvk
    if (kind.custom && operation.action === 'deletecollection') delete entry.body
    const operations = out.get(path)
    if (operations) operations.push(entry)
    else out.set(path, [entry])
  }
  const can = (verb: string) => (kind.verbs as readonly string[]).includes(verb)
  const getQuery = kind.custom ? ['pretty', 'resourceVersion'] : ['pretty']
  const listing = { method: 'get', action: 'list', scope: 'list', query: LIST_QUERY, response: list, produces: kind.custom ? types : [...types, ...STREAM_TYPES], description: `list ${can('watch') && !kind.custom ? 'or watch ' : ''}objects of kind ${kind.kind}` } as const
  if (can('list')) add(collection, { ...listing, operationId: idOf('list') })
  if (can('create')) add(collection, { method: 'post', action: 'post', scope: 'create', query: WRITE_QUERY, body: schema, response: schema, operationId: idOf('create'), description: `create${article}${kind.kind}` })
  if (can('deletecollection')) add(collection, { method: 'delete', action: 'deletecollection', scope: kind.custom ? 'list' : 'deleteCollection', query: kind.custom ? LIST_QUERY : [...new Set([...DELETE_QUERY, ...READ_QUERY])], body: DELETE_OPTIONS, response: STATUS, operationId: idOf('delete').replace(groupVersion, '$&Collection'), description: `delete collection of ${kind.kind}` })
  const item = `${collection}/{name}`
  if (can('get')) add(item, { method: 'get', action: 'get', scope: 'read', query: getQuery, response: schema, operationId: idOf('read'), description: `read the specified ${kind.kind}` })
  if (can('update')) add(item, { method: 'put', action: 'put', scope: 'replace', query: WRITE_QUERY, body: schema, response: schema, operationId: idOf('replace'), description: `replace the specified ${kind.kind}` })
  if (can('delete')) add(item, { method: 'delete', action: 'delete', scope: 'delete', query: DELETE_QUERY, body: DELETE_OPTIONS, response: returnsDeleted(kind) && kind.kind !== 'Namespace' ? schema : STATUS, codes: ['200', '202'], operationId: idOf('delete'), description: `delete${article}${kind.kind}` })
  if (can('patch')) add(item, { method: 'patch', action: 'patch', scope: 'patch', query: [...WRITE_QUERY, 'force'], body: PATCH, response: schema, operationId: idOf('patch'), description: `partially update the specified ${kind.kind}` })
  if (kind.namespaced && can('list')) add(`${root}/${kind.resource}`, { ...listing, operationId: `${idOf('list').replace('Namespaced', '')}ForAllNamespaces` })
  if (can('watch') && !kind.custom) {
    const watch = { method: 'get', scope: 'list', query: LIST_QUERY, response: WATCH_EVENT, produces: [...types, ...STREAM_TYPES] } as const
    const watchRoot = collection.replace(root, `${root}/watch`)
    const many = { ...watch, action: 'watchlist', description: `watch individual changes to a list of ${kind.kind}. deprecated: use the 'watch' parameter with a list operation instead.` }
    add(watchRoot, { ...many, operationId: idOf('watch', 'List') })
    add(`${watchRoot}/{name}`, { ...watch, action: 'watch', operationId: idOf('watch'), description: `watch changes to an object of kind ${kind.kind}. deprecated: use the 'watch' parameter with a list operation instead, filtered to a single item with the 'fieldSelector' parameter.` })
    if (kind.namespaced) add(`${root}/watch/${kind.resource}`, { ...many, operationId: `${idOf('watch', 'List').replace('Namespaced', '')}ForAllNamespaces` })
  }
  for (const [name, info] of Object.entries(kind.subresources)) {
    const path = `${item}/${name}`
    const own = info.kind ? { group: info.group ?? kind.group, version: info.version ?? kind.version, kind: info.kind } : gvk
    const body = info.kind ? schemaOf(own) : schema
    const suffix = pascal(name)
    const query = CONNECT_QUERY[name]
    if (query) {
      for (const method of name === 'proxy' ? PROXY_METHODS : ['get', 'post'] as const) {
        const connect = { method, action: 'connect', gvk: own, scope: own.kind, query, produces: ANY_TYPE, codes: ['200' as const], consumes: ANY_TYPE, description: `connect ${method.toUpperCase()} requests to ${name} of ${kind.kind}` }
        const idOfConnect = (end: string) => idOf('connect', end).replace(groupVersion, `$&${pascal(method)}`)
        add(path, { ...connect, operationId: idOfConnect(suffix) })
        if (name === 'proxy') add(`${path}/{path}`, { ...connect, operationId: idOfConnect(`${suffix}WithPath`) })
      }
      continue
    }
    const ofBody = body ? { body, response: body } : {}
    if (name === 'log') add(path, { method: 'get', action: 'get', scope: 'log', query: LOG_QUERY, produces: ['text/plain', ...types], operationId: idOf('read', suffix), description: `read ${name} of the specified ${kind.kind}` })
    else if (info.verbs.includes('get')) add(path, { method: 'get', action: 'get', gvk: own, scope: 'read', query: getQuery, ...(body ? { response: body } : {}), operationId: idOf('read', suffix), description: `read ${name} of the specified ${kind.kind}` })
    if (info.verbs.includes('create')) add(path, { method: 'post', action: 'post', gvk: own, scope: 'create', query: WRITE_QUERY, ...ofBody, operationId: idOf('create', suffix), description: `create ${name} of${article}${kind.kind}` })
    if (info.verbs.includes('update')) add(path, { method: 'put', action: 'put', gvk: own, scope: 'replace', query: WRITE_QUERY, ...ofBody, operationId: idOf('replace', suffix), description: `replace ${name} of the specified ${kind.kind}` })
    if (info.verbs.includes('patch')) add(path, { method: 'patch', action: 'patch', gvk: own, scope: 'patch', query: [...WRITE_QUERY, 'force'], body: PATCH, ...(body ? { response: body } : {}), operationId: idOf('patch', suffix), description: `partially update ${name} of the specified ${kind.kind}` })
  }
  return out
}

/** The one path beside those of kinds in a document of version 3, by the document's name: discovery, the version, the issuer of tokens. k8s: apiserver/pkg/endpoints/discovery, kubernetes/pkg/routes */
export function discoveryPaths(document: string): Paths {
  const get = (path: string, tag: string, operationId: string, description: string, response: string | undefined, produces: readonly string[] = MEDIA_TYPES, consumes = produces): Paths =>
    new Map([[path, [{ method: 'get', query: [], scope: '', codes: ['200'], tag, operationId, description, produces, consumes, ...(response ? { response } : {}) }]]])
  const path = `/${document}/`
  const [first, group, version] = document.split('/') as [string, string?, string?]
  const name = nameOfGroup(first === 'api' ? '' : group ?? '')
  if (document === 'version') return get(path, 'version', 'getCodeVersion', 'get the version information for this server', 'io.k8s.apimachinery.pkg.version.Info', ['application/json'])
  if (first === '.well-known') return get(path, 'WellKnown', 'getServiceAccountIssuerOpenIDConfiguration', 'get service account issuer OpenID configuration, also known as the \'OIDC discovery doc\'', undefined, ['application/json'], [])
  if (first === 'openid') return get(path, 'openid', 'getServiceAccountIssuerOpenIDKeyset', 'get service account issuer OpenID JSON Web Key Set (contains public token verification keys)', undefined, ['application/jwk-set+json'], [])
  if (document === 'api') return get(path, 'core', 'getCoreAPIVersions', 'get available API versions', `${META}.APIVersions`)
  if (document === 'apis') return get(path, 'apis', 'getAPIVersions', 'get available API versions', `${META}.APIGroupList`)
  if (first === 'apis' && version === undefined) return get(path, camel(name), `get${pascal(name)}APIGroup`, 'get information of a group', `${META}.APIGroup`)
  const ofGroup = first === 'api' ? group! : version!
  return get(path, `${camel(name)}_${ofGroup}`, `get${pascal(name)}${pascal(ofGroup)}APIResources`, 'get available resources', `${META}.APIResourceList`)
}

/** What tags and ids of operations call a group: its name without `.k8s.io`; the group without a name is `core`. */
function nameOfGroup(group: string): string {
  return (group || 'core').replace(/\.k8s\.io$/, '')
}

/** With blanks around it; plurals have none. k8s: apiserver/pkg/endpoints/installer.go GetArticleForNoun */
function articleOf(noun: string): string {
  if (/(^|[^s])s$/.test(noun)) return ' '
  return /^[aeiou]/i.test(noun) ? ' an ' : ' a '
}

function camel(text: string): string {
  const name = pascal(text)
  return name.slice(0, 1).toLowerCase() + name.slice(1)
}

function pascal(text: string): string {
  return text.replace(/(^|[^a-zA-Z0-9])([a-z])/g, (_, __, c: string) => c.toUpperCase()).replace(/[^A-Za-z0-9]/g, '')
}
