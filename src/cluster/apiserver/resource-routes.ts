import type { Kind, Verb } from '../kinds/kind.ts'
import { apiError } from '../kinds/status-error.ts'
import type { RequestInfo } from './request-info.ts'
import { unknownResource } from './resource-catalog.ts'

const METHOD_OF_VERB: Partial<Record<string, string>> = { get: 'GET', list: 'GET', create: 'POST', update: 'PUT', patch: 'PATCH', delete: 'DELETE', deletecollection: 'DELETE' }
const PROXY_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/**
 * Holds a request for a built-in kind against the routes that the kind has: a path without any is unknown, a method that none of its
 * routes takes (HEAD among them) isn't allowed. k8s: apiserver/pkg/endpoints/installer.go registerResourceHandlers
 * @throws StatusError 404 or 405.
 */
export function checkRoute(kind: Kind, info: RequestInfo, method: string): void {
  const methods = methodsAt(kind, info)
  if (methods.length === 0) throw unknownResource()
  if (!methods.includes(method)) throw methodNotAllowed()
}

function methodsAt(kind: Kind, info: RequestInfo): readonly string[] {
  const segments = info.path.replace(/^\/+|\/+$/g, '').split('/').slice(info.group === '' ? 2 : 3)
  const isWatch = segments[0] === 'watch'
  if (isWatch) segments.shift()
  const namesNamespace = kind.resource !== 'namespaces' && segments[0] === 'namespaces'
  if (namesNamespace) segments.splice(0, 2)
  const [resource, name, subresource, ...rest] = segments
  if (resource === undefined || (namesNamespace && !kind.namespaced)) return []
  const isOutside = kind.namespaced && !namesNamespace
  if (isWatch) return subresource === undefined && kind.verbs.includes('watch') && !(isOutside && name !== undefined) ? ['GET'] : []
  if (name === undefined) return methodsOf(kind, isOutside ? ['list'] : ['list', 'create', 'deletecollection'])
  if (isOutside) return []
  if (subresource === undefined) return methodsOf(kind, ['get', 'update', 'patch', 'delete'])
  if (!Object.hasOwn(kind.subresources, subresource)) return []
  if (subresource === 'proxy') return PROXY_METHODS
  return rest.length > 0 ? [] : kind.subresources[subresource]!.verbs.map((verb) => METHOD_OF_VERB[verb]!)
}

function methodsOf(kind: Kind, verbs: readonly Verb[]): string[] {
  return verbs.filter((verb) => kind.verbs.includes(verb)).map((verb) => METHOD_OF_VERB[verb]!)
}

/** k8s: go-restful's 405. */
export function methodNotAllowed() {
  return apiError.generic(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {})
}
