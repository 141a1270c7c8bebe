import { appendHeaderLine, copyHeaders, httpResponse } from '../../../../base/http.ts'
import { resolvePath } from '../../../../unix/path.ts'
import type { HeaderChanges, MiddlewareSpec, PathChange } from '../crd-types.ts'
import type { Wrap } from '../middlewares.ts'

const REASONS: Readonly<Record<number, string>> = { 301: 'Moved Permanently', 302: 'Found', 303: 'See Other', 307: 'Temporary Redirect', 308: 'Permanent Redirect' }

/** What filters of the Gateway API do. k8s: traefik/pkg/middlewares/gatewayapi */
export const gatewayMiddlewares: Readonly<Record<'requestHeaderModifier' | 'responseHeaderModifier' | 'requestRedirect' | 'urlRewrite', (spec: MiddlewareSpec) => Wrap>> = {
  requestHeaderModifier: ({ requestHeaderModifier: changes }) => (next) => (passage) => {
    const { host, ...rest } = Object.fromEntries(Object.entries(changes!.set).map(([name, value]) => [name.toLowerCase(), value]))
    return next({ ...passage, headers: changed(passage.headers, { ...changes!, set: rest }), ...host === undefined ? {} : { host } })
  },
  responseHeaderModifier: ({ responseHeaderModifier: changes }) => (next) => async (passage) => {
    const response = await next(passage)
    return response.status === 101 ? response : httpResponse(response.body, { status: response.status, statusText: response.statusText, headers: changed(response.headers, changes!) })
  },
  requestRedirect({ requestRedirect }) {
    const { scheme, hostname, port, statusCode, ...path } = requestRedirect!
    const text = REASONS[statusCode]
    if (text === undefined) throw new Error(`unsupported status code: ${statusCode}`)
    return () => ({ request, scheme: own, path: asked, search }) => {
      const [, name = '', number = ''] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(request.headers.get('host') ?? new URL(request.url).host) ?? []
      const toPort = port ?? number
      const location = `${scheme ?? own}://${hostname ?? name}${toPort === '' ? '' : `:${toPort}`}${changedPath(asked, path)}${search}`
      return Promise.resolve(new Response(text, { status: statusCode, headers: { location, 'content-type': 'text/plain; charset=utf-8', 'content-length': String(text.length) } }))
    }
  },
  urlRewrite({ urlRewrite: { hostname, ...path } = {} }) {
    return (next) => (passage) => next({ ...passage, path: changedPath(passage.path, path), ...hostname === undefined ? {} : { host: hostname } })
  },
}

function changed(headers: Headers, { set, add, remove }: HeaderChanges): Headers {
  const out = copyHeaders(headers)
  for (const [name, value] of Object.entries(set)) out.set(name, value)
  for (const [name, value] of Object.entries(add)) appendHeaderLine(out, name, value)
  for (const name of remove) out.delete(name)
  return out
}

function changedPath(asked: string, { path, pathPrefix }: PathChange): string {
  if (path === undefined) return asked
  if (pathPrefix === undefined) return path
  const rest = asked.startsWith(pathPrefix) ? asked.slice(pathPrefix.length) : asked
  const joined = resolvePath('/', `${path}/${rest}`)
  return asked.endsWith('/') && !joined.endsWith('/') ? `${joined}/` : joined
}
