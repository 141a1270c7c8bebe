import { parseCidr, parseIp } from '../../kinds/ip.ts'

/** How much an annotation may do to the server that everybody shares; an administrator sets the limit (`annotations-risk-level`). */
export type AnnotationRisk = 'Low' | 'Medium' | 'High' | 'Critical'

interface AnnotationRule {
  isValid(value: string): boolean
  risk: AnnotationRisk
  /** Older names. */
  aliases?: readonly string[]
}

interface AnnotationGroup {
  /** What a value that isn't valid does: the Ingress isn't taken, its locations answer 503, or the default holds. */
  onInvalid: 'refuse' | 'deny' | 'ignore'
  annotations: Readonly<Record<string, AnnotationRule>>
}

export const ANNOTATION_PREFIX = 'nginx.ingress.kubernetes.io/'

const RISKS: readonly AnnotationRisk[] = ['Low', 'Medium', 'High', 'Critical']

/** Whether an annotation is riskier than a configured level allows; unknown levels mean Low. */
export function isTooRisky(risk: AnnotationRisk, allowed: string): boolean {
  return RISKS.indexOf(risk) > Math.max(0, RISKS.findIndex((level) => level.toLowerCase() === allowed.toLowerCase()))
}

const PLAIN = '\\-._~a-zA-Z0-9/:'
const BASIC = `^[${PLAIN}]*$`
const EXTENDED = `^[${PLAIN}, ]*$`
const URL_CHARS = `^[${PLAIN},?&=]*$`
const URL_WITH_VARIABLES = `^[${PLAIN}, ?&=$]*$`
const PATH_WITH_CAPTURES = `^/?[${PLAIN}$]*$`
const REGEX_CHARS = `^[${PLAIN}^$[\\](){}*+?|&=\\\\]*$`
const HEADERS = '^[A-Za-z0-9-_, ]*$'
const VARIABLE = '^[A-Za-z0-9\\-_${}]*$'
const SIZE = '^\\d+[bkmgBKMG]?$'

/** k8s: ingress-nginx/internal/ingress/annotations/parser/validators.go ValidateRegex */
function like(pattern: string, removesSpaces = true): (value: string) => boolean {
  const expression = new RegExp(pattern)
  return (value) => {
    const text = removesSpaces ? value.replaceAll(' ', '') : value
    return expression.test(text) && !/[\r\n]/.test(text)
  }
}

/** Go's strconv.ParseBool; undefined for other words. */
export function goBool(text: string): boolean | undefined {
  return /^(1|t|T|TRUE|true|True)$/.test(text) ? true : /^(0|f|F|FALSE|false|False)$/.test(text) ? false : undefined
}

const bool = (value: string) => goBool(value) !== undefined
const int = (value: string) => /^[+-]?\d+$/.test(value)
const anything = () => true
const serverName = (value: string) => new RegExp(REGEX_CHARS).test(value.trim())
const serverNames = (value: string) => value.split(',').every(serverName)
const oneOf = (options: readonly string[], caseSensitive = true) => (value: string) => options.includes(caseSensitive ? value.trim() : value.trim().toLowerCase())
const cidrs = (value: string) => value.split(',').every((part) => parseCidr(part.trim()) !== undefined || parseIp(part.trim()) !== undefined)

const rule = (isValid: (value: string) => boolean, risk: AnnotationRisk, ...aliases: string[]): AnnotationRule => ({ isValid, risk, ...(aliases.length > 0 ? { aliases } : {}) })
const group = (onInvalid: AnnotationGroup['onInvalid'], annotations: Record<string, AnnotationRule>): AnnotationGroup => ({ onInvalid, annotations })

/** The annotations that the controller knows, in the groups that its messages name. k8s: ingress-nginx/internal/ingress/annotations */
export const ANNOTATION_GROUPS: Readonly<Record<string, AnnotationGroup>> = {
  Aliases: group('refuse', { 'server-alias': rule(serverNames, 'High') }),
  BasicDigestAuth: group('refuse', {
    'auth-type': rule(like('basic|digest'), 'Low'), 'auth-secret': rule(like(BASIC), 'Medium'), 'auth-secret-type': rule(like('auth-file|auth-map'), 'Low'), 'auth-realm': rule(like(`^[${PLAIN} ]*$`, false), 'Medium'),
  }),
  Canary: group('ignore', {
    canary: rule(bool, 'Low'), 'canary-weight': rule(int, 'Low'), 'canary-weight-total': rule(int, 'Low'), 'canary-by-header': rule(like(BASIC), 'Medium'), 'canary-by-header-value': rule(like(BASIC), 'Medium'),
    'canary-by-header-pattern': rule(like(REGEX_CHARS, false), 'Medium'), 'canary-by-cookie': rule(like(BASIC), 'Medium'),
  }),
  CertificateAuth: group('refuse', {
    'auth-tls-secret': rule(like(BASIC), 'Medium'), 'auth-tls-verify-client': rule(like('^(on|off|optional|optional_no_ca)$'), 'Medium'), 'auth-tls-verify-depth': rule(int, 'Low'),
    'auth-tls-error-page': rule(like(URL_WITH_VARIABLES), 'High'), 'auth-tls-pass-certificate-to-upstream': rule(bool, 'Low'), 'auth-tls-match-cn': rule((value) => value.startsWith('CN='), 'High'),
  }),
  ClientBodyBufferSize: group('refuse', { 'client-body-buffer-size': rule(like(SIZE), 'Low') }),
  CustomHeaders: group('ignore', { 'custom-headers': rule(like(BASIC), 'Medium') }),
  ConfigurationSnippet: group('ignore', { 'configuration-snippet': rule(anything, 'Critical') }),
  Connection: group('ignore', { 'connection-proxy-header': rule(like('^(close|keep-alive)$'), 'Low') }),
  CorsConfig: group('ignore', {
    'enable-cors': rule(bool, 'Low'), 'cors-allow-origin': rule(like('^((((([a-z]+://)?(\\*\\.)?[A-Za-z0-9\\-.]*(:\\d+)?,?)|null)+)|\\*)?$'), 'Medium'), 'cors-allow-headers': rule(like(HEADERS), 'Medium'),
    'cors-allow-methods': rule(like('^([A-Za-z]+,?\\s?)+$'), 'Medium'), 'cors-allow-credentials': rule(bool, 'Low'), 'cors-expose-headers': rule(like('^(([A-Za-z0-9\\-_]+|\\*),?\\s?)+$'), 'Medium'), 'cors-max-age': rule(int, 'Low'),
  }),
  CustomHTTPErrors: group('refuse', { 'custom-http-errors': rule(like('^(?:[4,5]\\d{2},?)*$'), 'Low') }),
  DisableProxyInterceptErrors: group('ignore', { 'disable-proxy-intercept-errors': rule(bool, 'Low') }),
  DefaultBackend: group('refuse', { 'default-backend': rule((value) => /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/.test(value), 'Low') }),
  FastCGI: group('ignore', { 'fastcgi-index': rule(like('^[A-Za-z0-9.\\-_]+$'), 'Medium'), 'fastcgi-params-configmap': rule(like(BASIC), 'Medium') }),
  ExternalAuth: group('refuse', {
    'auth-url': rule(like(URL_WITH_VARIABLES), 'High'), 'auth-method': rule(like('(GET|HEAD|POST|PUT|PATCH|DELETE|CONNECT|OPTIONS|TRACE)'), 'Low'), 'auth-signin': rule(like(URL_WITH_VARIABLES), 'High'), 'auth-signin-redirect-param': rule(like(URL_CHARS), 'Medium'),
    'auth-snippet': rule(anything, 'Critical'), 'auth-cache-key': rule(like(VARIABLE), 'Medium'), 'auth-keepalive': rule(int, 'Low'), 'auth-keepalive-share-vars': rule(bool, 'Low'), 'auth-keepalive-requests': rule(int, 'Low'),
    'auth-keepalive-timeout': rule(int, 'Low'), 'auth-cache-duration': rule(like(EXTENDED, false), 'Medium'), 'auth-response-headers': rule(like(HEADERS), 'Medium'), 'auth-proxy-set-headers': rule(like(BASIC), 'Medium'),
    'auth-request-redirect': rule(like(URL_CHARS), 'Medium'), 'auth-always-set-cookie': rule(bool, 'Low'),
  }),
  EnableGlobalAuth: group('ignore', { 'enable-global-auth': rule(bool, 'Low') }),
  HTTP2PushPreload: group('ignore', { 'http2-push-preload': rule(bool, 'Low') }),
  Opentelemetry: group('ignore', { 'enable-opentelemetry': rule(bool, 'Low'), 'opentelemetry-trust-incoming-span': rule(bool, 'Low'), 'opentelemetry-operation-name': rule(like('^[A-Za-z0-9_\\-]*$'), 'Medium') }),
  Proxy: group('ignore', {
    'proxy-connect-timeout': rule(int, 'Low'), 'proxy-send-timeout': rule(int, 'Low'), 'proxy-read-timeout': rule(int, 'Low'), 'proxy-buffers-number': rule(int, 'Low'), 'proxy-buffer-size': rule(like(SIZE), 'Low'),
    'proxy-busy-buffers-size': rule(like(SIZE), 'Low'), 'proxy-cookie-path': rule(like(URL_CHARS), 'Medium'), 'proxy-cookie-domain': rule(like(`^[${PLAIN} ]*$`, false), 'Medium'), 'proxy-body-size': rule(like(SIZE), 'Medium'),
    'proxy-next-upstream': rule(like('^((error|timeout|invalid_header|http_500|http_502|http_503|http_504|http_403|http_404|http_429|non_idempotent|off)\\s?)+$', false), 'Medium'), 'proxy-next-upstream-timeout': rule(int, 'Low'),
    'proxy-next-upstream-tries': rule(int, 'Low'), 'proxy-request-buffering': rule(oneOf(['on', 'off']), 'Low'), 'proxy-redirect-from': rule(like(URL_CHARS), 'Medium'), 'proxy-redirect-to': rule(like(URL_CHARS), 'Medium'),
    'proxy-buffering': rule(oneOf(['on', 'off']), 'Low'), 'proxy-http-version': rule(oneOf(['1.0', '1.1']), 'Low'), 'proxy-max-temp-file-size': rule(like(SIZE), 'Low'),
  }),
  ProxySSL: group('refuse', {
    'proxy-ssl-secret': rule(like(BASIC), 'Medium'), 'proxy-ssl-ciphers': rule(like('^[A-Za-z0-9+:_\\-!]*$'), 'Medium'), 'proxy-ssl-protocols': rule(like('^(SSLv2|SSLv3|TLSv1|TLSv1\\.1|TLSv1\\.2|TLSv1\\.3| )*$'), 'Low'),
    'proxy-ssl-name': rule(serverName, 'High'), 'proxy-ssl-verify': rule(like('^(on|off)$'), 'Low'), 'proxy-ssl-verify-depth': rule(int, 'Low'), 'proxy-ssl-server-name': rule(like('^(on|off)$'), 'Low'),
  }),
  RateLimit: group('refuse', {
    'limit-rate': rule(int, 'Low'), 'limit-rate-after': rule(int, 'Low'), 'limit-rpm': rule(int, 'Low'), 'limit-rps': rule(int, 'Low'), 'limit-connections': rule(int, 'Low'), 'limit-burst-multiplier': rule(int, 'Low'),
    'limit-allowlist': rule(cidrs, 'Low', 'limit-whitelist'),
  }),
  Redirect: group('refuse', {
    'from-to-www-redirect': rule(bool, 'Low'), 'temporal-redirect': rule(like(URL_CHARS, false), 'Medium'), 'temporal-redirect-code': rule(int, 'Low'), 'permanent-redirect': rule(like(URL_CHARS, false), 'Medium'),
    'permanent-redirect-code': rule(int, 'Low'), 'relative-redirects': rule(bool, 'Low'),
  }),
  Rewrite: group('ignore', {
    'rewrite-target': rule(like(PATH_WITH_CAPTURES, false), 'Medium'), 'ssl-redirect': rule(bool, 'Low'), 'preserve-trailing-slash': rule(bool, 'Medium'), 'force-ssl-redirect': rule(bool, 'Medium'), 'use-regex': rule(bool, 'Low'),
    'app-root': rule(like(PATH_WITH_CAPTURES, false), 'Medium'),
  }),
  Satisfy: group('ignore', { satisfy: rule(oneOf(['any', 'all']), 'Low') }),
  ServerSnippet: group('ignore', { 'server-snippet': rule(anything, 'Critical') }),
  ServiceUpstream: group('ignore', { 'service-upstream': rule(bool, 'Low') }),
  SessionAffinity: group('ignore', {
    affinity: rule(oneOf(['cookie']), 'Low'), 'affinity-mode': rule(oneOf(['balanced', 'persistent']), 'Medium'), 'affinity-canary-behavior': rule(oneOf(['sticky', 'legacy']), 'Low'), 'session-cookie-name': rule(like(BASIC), 'Medium'),
    'session-cookie-secure': rule(bool, 'Low'), 'session-cookie-expires': rule(like('(^0|-?[1-9]\\d*$)'), 'Medium'), 'session-cookie-max-age': rule(like('(^0|-?[1-9]\\d*$)', false), 'Medium'), 'session-cookie-path': rule(like(URL_CHARS), 'Medium'),
    'session-cookie-domain': rule(like(BASIC), 'Medium'), 'session-cookie-samesite': rule(oneOf(['none', 'lax', 'strict'], false), 'Low'), 'session-cookie-conditional-samesite-none': rule(bool, 'Low'), 'session-cookie-change-on-failure': rule(bool, 'Low'),
  }),
  SSLPassthrough: group('refuse', { 'ssl-passthrough': rule(bool, 'Low') }),
  UsePortInRedirects: group('ignore', { 'use-port-in-redirects': rule(bool, 'Low') }),
  UpstreamHashBy: group('refuse', { 'upstream-hash-by': rule(like('^[A-Za-z0-9\\-_${}/.:]*$'), 'High'), 'upstream-hash-by-subset': rule(bool, 'Low'), 'upstream-hash-by-subset-size': rule(int, 'Low') }),
  LoadBalancing: group('refuse', { 'load-balance': rule(oneOf(['round_robin', 'chash', 'chashsubset', 'sticky_balanced', 'sticky_persistent', 'ewma']), 'Low') }),
  UpstreamVhost: group('refuse', { 'upstream-vhost': rule(serverName, 'Low') }),
  Allowlist: group('deny', { 'allowlist-source-range': rule(cidrs, 'Medium', 'whitelist-source-range') }),
  Denylist: group('deny', { 'denylist-source-range': rule(cidrs, 'Medium') }),
  XForwardedPrefix: group('refuse', { 'x-forwarded-prefix': rule(like(PATH_WITH_CAPTURES), 'Medium') }),
  SSLCipher: group('ignore', { 'ssl-prefer-server-ciphers': rule(bool, 'Low'), 'ssl-ciphers': rule(like('^[A-Za-z0-9+:_\\-!]*$'), 'Low') }),
  Logs: group('ignore', { 'enable-access-log': rule(bool, 'Low'), 'enable-rewrite-log': rule(bool, 'Low') }),
  BackendProtocol: group('ignore', { 'backend-protocol': rule(oneOf(['auto_http', 'http', 'https', 'grpc', 'grpcs', 'fcgi'], false), 'Low') }),
  ModSecurity: group('ignore', { 'enable-modsecurity': rule(bool, 'Low'), 'enable-owasp-core-rules': rule(bool, 'Low'), 'modsecurity-transaction-id': rule(like(VARIABLE), 'High'), 'modsecurity-snippet': rule(anything, 'Critical') }),
  Mirror: group('ignore', { 'mirror-request-body': rule(like('^(on|off)$'), 'Low'), 'mirror-target': rule(serverName, 'High'), 'mirror-host': rule(serverName, 'High') }),
  StreamSnippet: group('ignore', { 'stream-snippet': rule(anything, 'Critical') }),
}
