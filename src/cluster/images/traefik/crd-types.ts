/** Traefik's own objects, as far as they are looked at. CRDs of traefik.io/v1alpha1. */
import type { ObjectMeta } from '../../kinds/generated/types.ts'

type Metadata = ObjectMeta & { name: string; namespace: string }

export interface ObjectReference {
  name: string
  namespace?: string
}

export interface StickyCookie {
  name?: string
  secure?: boolean
  httpOnly?: boolean
  path?: string
  domain?: string
  maxAge?: number
  sameSite?: string
}

export interface ServiceReference extends ObjectReference {
  kind?: string
  port?: number | string
  weight?: number
  scheme?: string
  passHostHeader?: boolean
  strategy?: string
  sticky?: { cookie?: StickyCookie }
}

export interface IngressRoute {
  metadata: Metadata
  spec: {
    entryPoints?: string[]
    routes: { kind?: string; match: string; priority?: number; syntax?: string; middlewares?: ObjectReference[]; services?: ServiceReference[]; observability?: unknown }[]
    parentRefs?: unknown
    tls?: { secretName?: string; certResolver?: string; options?: ObjectReference; store?: ObjectReference }
    ingressClassName?: string
  }
}

export interface MiddlewareSpec {
  addPrefix?: { prefix?: string }
  stripPrefix?: { prefixes?: string[]; forceSlash?: boolean }
  stripPrefixRegex?: { regex?: string[] }
  replacePath?: { path?: string }
  replacePathRegex?: { regex?: string; replacement?: string }
  chain?: { middlewares?: ObjectReference[] }
  redirectScheme?: { scheme?: string; port?: string; permanent?: boolean }
  redirectRegex?: { regex?: string; replacement?: string; permanent?: boolean }
  headers?: Readonly<Record<string, unknown>> & { customRequestHeaders?: Record<string, string>; customResponseHeaders?: Record<string, string> }
  basicAuth?: { secret?: string; realm?: string; removeHeader?: boolean; headerField?: string }
  ipAllowList?: { sourceRange?: string[]; rejectStatusCode?: number }
  ipWhiteList?: { sourceRange?: string[] }
  rateLimit?: { average?: number; period?: string | number; burst?: number; sourceCriterion?: unknown }
  retry?: { attempts?: number; initialInterval?: string | number }
  inFlightReq?: { amount?: number; sourceCriterion?: unknown }
  // Of the Gateway API's filters; Middleware objects can't have them.
  requestHeaderModifier?: HeaderChanges
  responseHeaderModifier?: HeaderChanges
  requestRedirect?: { scheme?: string; hostname?: string; port?: string; statusCode: number } & PathChange
  urlRewrite?: { hostname?: string } & PathChange
}

export interface HeaderChanges {
  set: Readonly<Record<string, string>>
  add: Readonly<Record<string, string>>
  remove: readonly string[]
}

/** A whole path, or what goes in the place of a prefix. */
export interface PathChange {
  path?: string
  pathPrefix?: string
}

export interface Middleware {
  metadata: Metadata
  spec: MiddlewareSpec
}

export interface TraefikServiceObject {
  metadata: Metadata
  spec: { weighted?: { services?: ServiceReference[]; sticky?: ServiceReference['sticky'] }; mirroring?: unknown; highestRandomWeight?: unknown }
}
