import type { Ingress, Secret } from '../../kinds/generated/types.ts'
import { ANNOTATION_GROUPS, ANNOTATION_PREFIX, goBool, isTooRisky } from './annotation-table.ts'
import { passwordsOf } from '../front/basic-auth.ts'
import type { BasicAuth } from '../front/basic-auth.ts'
import type { GlobalOptions } from './global-options.ts'
import { sizeBytes } from './global-options.ts'

/** An Ingress that the controller doesn't take because of its annotations. The message is what its log and its webhook say. */
export class AnnotationRefused extends Error {}

export interface CanaryOptions {
  weight: number
  weightTotal: number
  header: string
  headerValue: string
  headerPattern: string
  cookie: string
}

export interface CorsOptions {
  origins: string[]
  methods: string
  headers: string
  credentials: boolean
  exposeHeaders: string
  maxAgeSeconds: number
}

/** What one Ingress' annotations ask for, defaults filled in. k8s: ingress-nginx/internal/ingress/annotations Ingress */
export interface IngressOptions {
  aliases: string[]
  backendProtocol: string
  /** Set for an Ingress that only lends its backends to another one. */
  canary: CanaryOptions | undefined
  cors: CorsOptions | undefined
  /** Why its locations answer nothing but 503. */
  denied: string | undefined
  basicAuth: BasicAuth | undefined
  /** Whether either a login or an address that is allowed is enough. */
  satisfiesAny: boolean
  allowlist: string[]
  denylist: string[]
  bodyLimitBytes: number
  connectTimeoutMs: number
  readTimeoutMs: number
  nextUpstreamTries: number
  redirect: { url: string; status: number; fromToWww: boolean; isRelative: boolean } | undefined
  rewriteTarget: string
  usesRegex: boolean
  appRoot: string
  sslRedirect: boolean
  forceSslRedirect: boolean
  preserveTrailingSlash: boolean
  usesPortInRedirects: boolean
  upstreamVhost: string
  forwardedPrefix: string
  /** Whether requests go to the Service's address instead of its endpoints. */
  serviceUpstream: boolean
  accessLog: boolean
  /** Name of the Service for requests that the backend has no endpoints for, or answers with one of the statuses below. */
  defaultBackend: string
  customHttpErrors: number[]
  affinity: { cookieName: string; path: string; maxAge: string; sameSite: string; secure: boolean | undefined } | undefined
  /** Requests per second and client, before the burst of five times as many. */
  requestsPerSecond: number
  burstMultiplier: number
}

const DEFAULT_CORS_HEADERS = 'DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization'

/** What annotations may name. */
export interface AnnotationContext {
  global: GlobalOptions
  /** By `namespace/name`. */
  secret(key: string): Secret | undefined
  /** Gets what is wrong without being fatal, for the log. */
  warn?(text: string): void
}

/** Annotations that would change who or what is let through, and that nothing here obeys: their locations stay closed rather than open. */
const NOT_OBEYED = ['auth-url', 'auth-tls-secret']
const PROTOCOLS = ['HTTP', 'HTTPS', 'AUTO_HTTP', 'GRPC', 'GRPCS']

/** Reads an Ingress' annotations. @throws AnnotationRefused k8s: ingress-nginx/internal/ingress/annotations Extract */
export function readAnnotations({ metadata }: Ingress, { global, secret, warn = () => {} }: AnnotationContext): IngressOptions {
  const given = metadata.annotations ?? {}
  const valid = new Map<string, string>()
  let denied: string | undefined
  for (const [name, { onInvalid, annotations }] of Object.entries(ANNOTATION_GROUPS)) {
    for (const [key, rule] of Object.entries(annotations))
      if ([key, ...rule.aliases ?? []].some((each) => given[ANNOTATION_PREFIX + each] !== undefined) && isTooRisky(rule.risk, global.annotationsRiskLevel)) throw new AnnotationRefused(`annotation group ${name} contains risky annotation based on ingress configuration`)
    for (const [key, rule] of Object.entries(annotations)) {
      const used = [key, ...rule.aliases ?? []].find((each) => given[ANNOTATION_PREFIX + each])
      const value = used === undefined ? undefined : given[ANNOTATION_PREFIX + used]
      if (value === undefined) continue
      if (rule.isValid(value)) { valid.set(key, value.split('\n').map((line) => line.trim()).join('\n')); continue }
      warn(`validation error on ingress ${metadata.namespace}/${metadata.name}: annotation ${key} contains invalid value ${value}`)
      const problem = `annotation ${ANNOTATION_PREFIX}${used} contains invalid value`
      if (onInvalid === 'refuse') throw new AnnotationRefused(problem)
      if (onInvalid === 'deny') denied ??= problem
    }
  }
  const text = (key: string, otherwise = '') => valid.get(key) ?? otherwise
  const flag = (key: string, otherwise = false) => goBool(text(key)) ?? otherwise
  const number = (key: string, otherwise: number) => valid.has(key) ? Number(text(key)) : otherwise
  const ranges = (key: string, otherwise: readonly string[]) => valid.has(key) ? text(key).split(',').map((range) => range.trim()).sort() : [...otherwise]
  const appRoot = text('app-root')
  if (appRoot !== '' && !appRoot.startsWith('/')) warn(`Annotation app-root contains an invalid value: parse ${JSON.stringify(appRoot)}: invalid URI for request`)
  const weight = number('canary-weight', 0)
  const backendProtocol = text('backend-protocol', 'HTTP').trim().toUpperCase()
  const unknown = [...NOT_OBEYED, ...(global.allowSnippets ? ['configuration-snippet', 'server-snippet'] : [])].find((key) => valid.has(key)) ?? (PROTOCOLS.includes(backendProtocol) ? undefined : 'backend-protocol')
  if (unknown !== undefined) denied ??= `${ANNOTATION_PREFIX}${unknown}: ${text(unknown)} isn't supported here`
  const auth = readBasicAuth(metadata, text, secret)
  if (typeof auth === 'string') denied ??= auth
  return {
    aliases: [...new Set(text('server-alias').split(',').map((alias) => alias.trim()).filter(Boolean))].sort(),
    backendProtocol,
    canary: flag('canary') ? { weight, weightTotal: number('canary-weight-total', 100), header: text('canary-by-header'), headerValue: text('canary-by-header-value'), headerPattern: text('canary-by-header-pattern'), cookie: text('canary-by-cookie') } : undefined,
    cors: flag('enable-cors') ? {
      origins: text('cors-allow-origin', '*').split(',').map((origin) => origin.trim()).filter(Boolean), methods: text('cors-allow-methods', 'GET, PUT, POST, DELETE, PATCH, OPTIONS'), headers: text('cors-allow-headers', DEFAULT_CORS_HEADERS),
      credentials: flag('cors-allow-credentials', true), exposeHeaders: text('cors-expose-headers'), maxAgeSeconds: number('cors-max-age', 1_728_000),
    } : undefined,
    denied, basicAuth: typeof auth === 'string' ? undefined : auth, satisfiesAny: text('satisfy') === 'any',
    allowlist: ranges('allowlist-source-range', global.allowlist), denylist: ranges('denylist-source-range', global.denylist),
    bodyLimitBytes: sizeBytes(text('proxy-body-size')) ?? global.bodyLimitBytes,
    connectTimeoutMs: number('proxy-connect-timeout', global.connectTimeoutMs / 1000) * 1000, readTimeoutMs: number('proxy-read-timeout', global.readTimeoutMs / 1000) * 1000, nextUpstreamTries: number('proxy-next-upstream-tries', 3),
    redirect: readRedirect(text, flag, number),
    rewriteTarget: text('rewrite-target'), usesRegex: flag('use-regex'), appRoot: appRoot.startsWith('/') ? appRoot : '',
    sslRedirect: flag('ssl-redirect', global.sslRedirect), forceSslRedirect: flag('force-ssl-redirect', global.forceSslRedirect), preserveTrailingSlash: flag('preserve-trailing-slash'), usesPortInRedirects: flag('use-port-in-redirects'),
    upstreamVhost: text('upstream-vhost'), forwardedPrefix: text('x-forwarded-prefix'), serviceUpstream: flag('service-upstream', global.serviceUpstream), accessLog: flag('enable-access-log', true),
    defaultBackend: text('default-backend'), customHttpErrors: text('custom-http-errors').split(',').map(Number).filter((status) => status >= 400),
    affinity: text('affinity') === 'cookie' ? { cookieName: text('session-cookie-name', 'INGRESSCOOKIE'), path: text('session-cookie-path'), maxAge: text('session-cookie-max-age'), sameSite: text('session-cookie-samesite'), secure: valid.has('session-cookie-secure') ? flag('session-cookie-secure') : undefined } : undefined,
    requestsPerSecond: number('limit-rps', 0) || number('limit-rpm', 0) / 60, burstMultiplier: number('limit-burst-multiplier', 5),
  }
}

/** Who may come in, or why nobody may; undefined where everybody may. k8s: ingress-nginx/internal/ingress/annotations/auth */
function readBasicAuth(metadata: Ingress['metadata'], text: (key: string, otherwise?: string) => string, secret: AnnotationContext['secret']): BasicAuth | string | undefined {
  if (text('auth-type') === '') return undefined
  if (text('auth-type') !== 'basic') return 'invalid authentication type'
  const name = text('auth-secret')
  if (name === '') return 'error reading secret name from annotation: ingress rule without annotations'
  const [namespace, secretName] = name.includes('/') ? name.split('/') : [metadata.namespace, name]
  if (namespace !== metadata.namespace) return 'cross namespace usage of secrets is not allowed'
  const key = `${namespace}/${secretName}`
  const found = secret(key)
  if (!found) return `unexpected error reading secret ${key}: no object matching key "${key}" in local store`
  const passwords = passwordsOf(found, text('auth-secret-type') === 'auth-map')
  if (!passwords) return `the secret ${secretName} does not contain a key with value auth`
  return { realm: text('auth-realm'), passwords, file: `/etc/ingress-controller/auth/${metadata.namespace}-${metadata.uid}-${found.metadata.uid}.passwd` }
}

/** k8s: ingress-nginx/internal/ingress/annotations/redirect */
function readRedirect(text: (key: string) => string, flag: (key: string) => boolean, number: (key: string, otherwise: number) => number): IngressOptions['redirect'] {
  const fromToWww = flag('from-to-www-redirect')
  const isRelative = flag('relative-redirects')
  const temporal = text('temporal-redirect')
  if (temporal !== '') {
    const status = number('temporal-redirect-code', 0)
    // k8s: isValidURL; such an annotation is left out of account
    if (!/^https?:/.test(temporal)) return undefined
    return { url: temporal, status: status < 300 || status > 307 ? 302 : status, fromToWww, isRelative }
  }
  const status = number('permanent-redirect-code', 0)
  const url = text('permanent-redirect')
  return url !== '' || fromToWww || isRelative ? { url, status: status < 300 || status > 308 ? 301 : status, fromToWww, isRelative } : undefined
}
