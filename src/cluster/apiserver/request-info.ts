/** What a request asks for, told from its method and URL. k8s: apiserver/pkg/endpoints/request RequestInfo */
export interface RequestInfo {
  isResourceRequest: boolean
  /** Decoded. */
  path: string
  /** For resources: get, list, watch, create, update, patch, delete, deletecollection; otherwise the method in lower case. */
  verb: string
  apiPrefix: string
  group: string
  version: string
  namespace: string
  resource: string
  subresource: string
  name: string
  /** Path segments from the resource on. */
  parts: readonly string[]
  fieldSelector?: string
  labelSelector?: string
}

const SPECIAL_VERBS = new Set(['proxy', 'watch'])
const NAMESPACE_SUBRESOURCES = new Set(['status', 'finalize'])
const VERB_OF_METHOD: Record<string, string> = { POST: 'create', GET: 'get', HEAD: 'get', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }

/** A truth value of the query, as Go's conversion reads it: `0` and `false` are false, anything else (the bare key too) is true. */
export function queryFlag(value: string | null): boolean {
  return value !== null && value !== '0' && value.toLowerCase() !== 'false'
}

/** k8s: RequestInfoFactory NewRequestInfo */
export function requestInfo(method: string, path: string, query: URLSearchParams): RequestInfo {
  const info: RequestInfo = {
    isResourceRequest: false, path, verb: method.toLowerCase(), apiPrefix: '', group: '', version: '', namespace: '', resource: '', subresource: '', name: '', parts: [],
  }
  let parts = segments(path)
  if (parts.length < 3) return info
  if (parts[0] !== 'api' && parts[0] !== 'apis') return info
  info.apiPrefix = parts[0]
  parts = parts.slice(1)
  if (info.apiPrefix === 'apis') {
    if (parts.length < 3) return info
    info.group = parts[0]!
    parts = parts.slice(1)
  }
  info.isResourceRequest = true
  info.version = parts[0]!
  parts = parts.slice(1)
  if (SPECIAL_VERBS.has(parts[0]!)) {
    if (parts.length < 2) return { ...info, isResourceRequest: false }
    info.verb = parts[0]!
    parts = parts.slice(1)
  } else info.verb = VERB_OF_METHOD[method] ?? ''
  if (parts[0] === 'namespaces') {
    if (parts.length > 1) {
      info.namespace = parts[1]!
      if (parts.length > 2 && !NAMESPACE_SUBRESOURCES.has(parts[2]!)) parts = parts.slice(2)
    }
  }
  info.parts = parts
  if (parts.length >= 3 && info.verb !== 'proxy') info.subresource = parts[2]!
  if (parts.length >= 2) info.name = parts[1]!
  if (parts.length >= 1) info.resource = parts[0]!
  if (info.name === '' && info.verb === 'get') {
    info.verb = queryFlag(query.get('watch')) ? 'watch' : 'list'
    const name = /(?:^|,)metadata\.name==?([^,]*)/.exec(query.get('fieldSelector') ?? '')?.[1]
    if (name) info.name = name
  } else if (info.name === '' && info.verb === 'delete') info.verb = 'deletecollection'
  if (info.verb === 'list' || info.verb === 'watch' || info.verb === 'deletecollection') {
    const fields = query.get('fieldSelector')
    const labels = query.get('labelSelector')
    if (fields) info.fieldSelector = fields
    if (labels) info.labelSelector = labels
  }
  return info
}

function segments(path: string): string[] {
  const trimmed = path.replace(/^\/+|\/+$/g, '')
  return trimmed === '' ? [] : trimmed.split('/')
}
