import type { MiddlewareSpec } from '../crd-types.ts'
import type { HeaderFilter, HttpRouteFilter, PathMatch, PathModifier } from './gateway-types.ts'
import { escaped } from './match-rule.ts'

/** A filter as a middleware: one of its own, or one that there is already. */
export type FilterMiddleware = { spec: MiddlewareSpec } | { name: string }

/** What a filter of a route does. @param path of its match @param knowsMiddlewares whether it may name objects of Traefik's own. @throws Error with Traefik's words. k8s: traefik/pkg/provider/kubernetes/gateway loadMiddlewares */
export function filterMiddleware(filter: HttpRouteFilter, namespace: string, path: PathMatch = {}, knowsMiddlewares = false): FilterMiddleware {
  const prefix = path.value ?? '/'
  switch (filter.type) {
    case 'RequestHeaderModifier': return { spec: { requestHeaderModifier: headerChanges(filter.requestHeaderModifier) } }
    case 'ResponseHeaderModifier': return { spec: { responseHeaderModifier: headerChanges(filter.responseHeaderModifier) } }
    case 'RequestRedirect': {
      const { scheme, hostname, path: modifier, port, statusCode = 302 } = filter.requestRedirect ?? {}
      return { spec: { requestRedirect: { scheme, hostname, port: port === undefined ? scheme === 'http' || scheme === 'https' ? '' : undefined : String(port), statusCode, ...pathChange(modifier, prefix) } } }
    }
    case 'URLRewrite': {
      const { hostname, path: modifier } = filter.urlRewrite ?? {}
      if (hostname === undefined && modifier === undefined) throw new Error('invalid filter URLRewrite: empty configuration')
      return { spec: { urlRewrite: { hostname, ...pathChange(modifier, prefix) } } }
    }
    case 'CORS': return { spec: { headers: corsHeaders(filter.cors ?? {}) } }
    case 'ExtensionRef': {
      if (!filter.extensionRef) throw new Error('loading ExtensionRef filter ExtensionRef: filter extension ref undefined')
      const { group, kind, name } = filter.extensionRef
      if (!knowsMiddlewares || group !== 'traefik.io' || kind !== 'Middleware') throw new Error(`loading ExtensionRef filter ExtensionRef: unsupported filter extension ref ${group}/${kind}/${name}`)
      return { name: `${namespace}-${name}@kubernetescrd` }
    }
    default: throw new Error(`unsupported filter ${filter.type}`)
  }
}

function headerChanges({ set = [], add = [], remove = [] }: HeaderFilter = {}): NonNullable<MiddlewareSpec['requestHeaderModifier']> {
  return { set: Object.fromEntries(set.map(({ name, value }) => [name, value])), add: Object.fromEntries(add.map(({ name, value }) => [name, value])), remove }
}

function pathChange(modifier: PathModifier | undefined, prefix: string): { path?: string; pathPrefix?: string } {
  if (modifier?.type === 'ReplaceFullPath') return { path: modifier.replaceFullPath }
  return modifier?.type === 'ReplacePrefixMatch' ? { path: modifier.replacePrefixMatch, pathPrefix: prefix } : {}
}

function corsHeaders({ allowOrigins = [], allowCredentials = false, allowMethods = [], allowHeaders = [], exposeHeaders = [], maxAge }: NonNullable<HttpRouteFilter['cors']>): NonNullable<MiddlewareSpec['headers']> {
  // The origin itself is answered for a star too, so that is a pattern.
  const patterns = allowOrigins.filter((origin) => origin.includes('*')).map((origin) => (origin === '*' ? '.*' : `^${origin.split('*').map(escaped).join('.*')}$`))
  return {
    accessControlAllowCredentials: allowCredentials, accessControlAllowOriginList: allowOrigins.filter((origin) => !origin.includes('*')), accessControlAllowOriginListRegex: patterns,
    accessControlAllowMethods: allowMethods, accessControlAllowHeaders: allowHeaders, accessControlExposeHeaders: exposeHeaders, ...maxAge === undefined ? {} : { accessControlMaxAge: maxAge },
  }
}
