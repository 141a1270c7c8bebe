import type { Kind } from '../../kinds/kind.ts'

export type HttpMethod = 'get' | 'put' | 'post' | 'delete' | 'patch'

/** One operation of a path, in terms that both versions of OpenAPI can be written from. */
export interface Operation {
  method: HttpMethod
  /** `x-kubernetes-action`. */
  action: string
  gvk: { group: string; version: string; kind: string }
  /** Names of query parameters, besides `pretty`. */
  query: readonly string[]
  /** Schema of the body. */
  body?: string
  /** Schema of the answer; undefined: a text. */
  response?: string
  tag: string
  operationId: string
  summary: string
  /** Of a custom resource: fewer media types, options of deletions in the query alone. */
  custom?: boolean
}

const LIST_QUERY = ['allowWatchBookmarks', 'continue', 'fieldSelector', 'labelSelector', 'limit', 'resourceVersion', 'resourceVersionMatch', 'sendInitialEvents', 'timeoutSeconds', 'watch']
const DELETE_QUERY = ['dryRun', 'gracePeriodSeconds', 'ignoreStoreReadErrorWithClusterBreakingPotential', 'orphanDependents', 'propagationPolicy']
const WRITE_QUERY = ['dryRun', 'fieldManager', 'fieldValidation']

/** Types of query parameters, where they aren't texts. */
export const QUERY_TYPES: Readonly<Record<string, 'boolean' | 'integer'>> = {
  allowWatchBookmarks: 'boolean', sendInitialEvents: 'boolean', watch: 'boolean', force: 'boolean', orphanDependents: 'boolean', pretty: 'boolean',
  ignoreStoreReadErrorWithClusterBreakingPotential: 'boolean', limit: 'integer', timeoutSeconds: 'integer', gracePeriodSeconds: 'integer', follow: 'boolean',
  previous: 'boolean', timestamps: 'boolean', sinceSeconds: 'integer', tailLines: 'integer', limitBytes: 'integer', stdin: 'boolean', stdout: 'boolean',
  stderr: 'boolean', tty: 'boolean', insecureSkipTLSVerifyBackend: 'boolean', ports: 'integer',
}

const STATUS = 'io.k8s.apimachinery.pkg.apis.meta.v1.Status'
const DELETE_OPTIONS = 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions'
const CONNECT_QUERY: Record<string, string[]> = {
  exec: ['command', 'container', 'stderr', 'stdin', 'stdout', 'tty'], attach: ['container', 'stderr', 'stdin', 'stdout', 'tty'], portforward: ['ports'], proxy: ['path'],
  log: ['container', 'follow', 'insecureSkipTLSVerifyBackend', 'limitBytes', 'previous', 'sinceSeconds', 'stream', 'tailLines', 'timestamps'],
}

/** Every path of a kind with its operations. k8s: apiserver/pkg/endpoints/installer.go */
export function pathsOf(kind: Kind, schemaOf: (gvk: { group: string; version: string; kind: string }) => string | undefined): Map<string, Operation[]> {
  const root = kind.group ? `/apis/${kind.group}/${kind.version}` : `/api/${kind.version}`
  const collection = kind.namespaced ? `${root}/namespaces/{namespace}/${kind.resource}` : `${root}/${kind.resource}`
  const gvk = { group: kind.group, version: kind.version, kind: kind.kind }
  const schema = kind.schema
  const list = schema.replace(/[^.]+$/, kind.listKind)
  // Groups of built-in kinds go by their first word.
  const groupName = kind.custom ? kind.group.replace(/\.k8s\.io$/, '') : (kind.group || 'core').split('.')[0]!
  const tag = `${kind.custom ? camel(groupName) : groupName}_${kind.version}`
  const idOf = (verb: string, suffix = '') => `${verb}${pascal(groupName)}${pascal(kind.version)}${kind.namespaced ? 'Namespaced' : ''}${kind.kind}${suffix}`
  const out = new Map<string, Operation[]>()
  const add = (path: string, operation: Omit<Operation, 'tag' | 'gvk'> & { gvk?: Operation['gvk'] }) => {
    const entry = { tag, gvk, ...operation, ...(kind.custom ? { custom: true, gvk } : {}) }
    if (kind.custom && operation.action === 'deletecollection') delete entry.body
    const list = out.get(path)
    if (list) list.push(entry)
    else out.set(path, [entry])
  }
  const can = (verb: string) => (kind.verbs as readonly string[]).includes(verb)
  if (can('list')) add(collection, { method: 'get', action: 'list', query: LIST_QUERY, response: list, operationId: idOf('list'), summary: `list or watch objects of kind ${kind.kind}` })
  if (can('create')) add(collection, { method: 'post', action: 'post', query: WRITE_QUERY, body: schema, response: schema, operationId: idOf('create'), summary: `create a ${kind.kind}` })
  if (can('deletecollection')) add(collection, { method: 'delete', action: 'deletecollection', query: [...DELETE_QUERY, ...LIST_QUERY.filter((q) => !/watch|Watch/.test(q))], body: DELETE_OPTIONS, response: STATUS, operationId: idOf('delete').replace(`${pascal(groupName)}${pascal(kind.version)}`, '$&Collection'), summary: `delete collection of ${kind.kind}` })
  const item = `${collection}/{name}`
  if (can('get')) add(item, { method: 'get', action: 'get', query: [], response: schema, operationId: idOf('read'), summary: `read the specified ${kind.kind}` })
  if (can('update')) add(item, { method: 'put', action: 'put', query: WRITE_QUERY, body: schema, response: schema, operationId: idOf('replace'), summary: `replace the specified ${kind.kind}` })
  if (can('delete')) add(item, { method: 'delete', action: 'delete', query: DELETE_QUERY, body: DELETE_OPTIONS, response: STATUS, operationId: idOf('delete'), summary: `delete a ${kind.kind}` })
  if (can('patch')) add(item, { method: 'patch', action: 'patch', query: [...WRITE_QUERY, 'force'], body: 'io.k8s.apimachinery.pkg.apis.meta.v1.Patch', response: schema, operationId: idOf('patch'), summary: `partially update the specified ${kind.kind}` })
  if (kind.namespaced && can('list')) add(`${root}/${kind.resource}`, { method: 'get', action: 'list', query: LIST_QUERY, response: list, operationId: `${idOf('list').replace('Namespaced', '')}ForAllNamespaces`, summary: `list or watch objects of kind ${kind.kind}` })
  if (can('watch') && !kind.custom) {
    const watch = { method: 'get' as const, query: LIST_QUERY, response: 'io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent' }
    const watchRoot = collection.replace(root, `${root}/watch`)
    add(watchRoot, { ...watch, action: 'watchlist', operationId: idOf('watch', 'List'), summary: `watch individual changes to a list of ${kind.kind}` })
    add(`${watchRoot}/{name}`, { ...watch, action: 'watch', operationId: idOf('watch'), summary: `watch changes to an object of kind ${kind.kind}` })
    if (kind.namespaced) add(`${root}/watch/${kind.resource}`, { ...watch, action: 'watchlist', operationId: `${idOf('watch', 'List').replace('Namespaced', '')}ForAllNamespaces`, summary: `watch individual changes to a list of ${kind.kind}` })
  }
  for (const [name, info] of Object.entries(kind.subresources)) {
    const path = `${item}/${name}`
    const own = info.kind ? { group: info.group ?? kind.group, version: info.version ?? kind.version, kind: info.kind } : gvk
    const body = info.kind ? schemaOf(own) : schema
    const suffix = pascal(name)
    const query = CONNECT_QUERY[name]
    if (query && name !== 'log') {
      for (const method of name === 'proxy' ? ['get', 'put', 'post', 'delete', 'patch'] as const : ['get', 'post'] as const)
        add(path, { method, action: 'connect', gvk: own, query, operationId: idOf(`connect${pascal(method)}`, suffix), summary: `connect ${method.toUpperCase()} requests to ${name} of ${kind.kind}` })
      continue
    }
    if (info.verbs.includes('get')) add(path, { method: 'get', action: 'get', gvk: own, query: query ?? [], ...(body && name !== 'log' ? { response: body } : {}), operationId: idOf('read', suffix), summary: `read ${name} of the specified ${kind.kind}` })
    if (info.verbs.includes('create')) add(path, { method: 'post', action: 'post', gvk: own, query: WRITE_QUERY, ...(body ? { body, response: body } : {}), operationId: idOf('create', suffix), summary: `create ${name} of a ${kind.kind}` })
    if (info.verbs.includes('update')) add(path, { method: 'put', action: 'put', gvk: own, query: WRITE_QUERY, ...(body ? { body, response: body } : {}), operationId: idOf('replace', suffix), summary: `replace ${name} of the specified ${kind.kind}` })
    if (info.verbs.includes('patch')) add(path, { method: 'patch', action: 'patch', gvk: own, query: [...WRITE_QUERY, 'force'], body: 'io.k8s.apimachinery.pkg.apis.meta.v1.Patch', ...(body ? { response: body } : {}), operationId: idOf('patch', suffix), summary: `partially update ${name} of the specified ${kind.kind}` })
  }
  return out
}

function camel(text: string): string {
  const name = pascal(text)
  return name.slice(0, 1).toLowerCase() + name.slice(1)
}

function pascal(text: string): string {
  return text.replace(/(^|[^a-zA-Z0-9])([a-z])/g, (_, __, c: string) => c.toUpperCase()).replace(/[^A-Za-z0-9]/g, '')
}
