import { goBool } from './annotation-table.ts'

/** What the controller's ConfigMap sets for all Ingresses. k8s: ingress-nginx/internal/ingress/controller/config */
export interface GlobalOptions {
  allowSnippets: boolean
  annotationsRiskLevel: string
  annotationValueWordBlocklist: string
  strictPathTypes: boolean
  sslRedirect: boolean
  forceSslRedirect: boolean
  redirectStatus: number
  /** Whether connections over TLS may be HTTP/2's. */
  usesHttp2: boolean
  hsts: boolean
  hstsMaxAge: string
  hstsIncludeSubdomains: boolean
  hstsPreload: boolean
  bodyLimitBytes: number
  connectTimeoutMs: number
  readTimeoutMs: number
  allowlist: string[]
  denylist: string[]
  serviceUpstream: boolean
  usesForwardedHeaders: boolean
  logFormat: string
  accessLog: boolean
  generatesRequestId: boolean
  showsServerTokens: boolean
  /** Sent to every backend, from the ConfigMap that `proxy-set-headers` names. */
  proxyHeadersConfigMap: string
  /** Sent to every client. */
  responseHeadersConfigMap: string
}

const LOG_FORMAT = '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" $request_length $request_time [$proxy_upstream_name] [$proxy_alternative_upstream_name] $upstream_addr $upstream_response_length $upstream_response_time $upstream_status $req_id'

/** nginx' sizes: `8`, `1k`, `20M`. */
export function sizeBytes(text: string): number | undefined {
  const match = /^(\d+)([bkmg]?)$/i.exec(text.replaceAll(' ', ''))
  return match ? Number(match[1]) * 1024 ** 'bkmg'.indexOf(match[2]!.toLowerCase() || 'b') : undefined
}

/** @param isStrict whether this release takes only what is safe unless told otherwise: since v1.12 */
export function readGlobalOptions(data: Readonly<Record<string, string>> = {}, isStrict = true): GlobalOptions {
  const flag = (key: string, otherwise: boolean) => goBool(data[key] ?? '') ?? otherwise
  const number = (key: string, otherwise: number) => /^\d+$/.test(data[key] ?? '') ? Number(data[key]) : otherwise
  const list = (key: string) => (data[key] ?? '').split(',').map((entry) => entry.trim()).filter(Boolean).sort()
  return {
    allowSnippets: flag('allow-snippet-annotations', false), annotationsRiskLevel: data['annotations-risk-level'] ?? (isStrict ? 'High' : 'Critical'), annotationValueWordBlocklist: data['annotation-value-word-blocklist'] ?? '',
    strictPathTypes: flag('strict-validate-path-type', isStrict), sslRedirect: flag('ssl-redirect', true), forceSslRedirect: flag('force-ssl-redirect', false), redirectStatus: number('http-redirect-code', 308),
    usesHttp2: flag('use-http2', true), hsts: flag('hsts', true), hstsMaxAge: data['hsts-max-age'] ?? '31536000', hstsIncludeSubdomains: flag('hsts-include-subdomains', true), hstsPreload: flag('hsts-preload', false),
    bodyLimitBytes: sizeBytes(data['proxy-body-size'] ?? '') ?? 1024 ** 2, connectTimeoutMs: number('proxy-connect-timeout', 5) * 1000, readTimeoutMs: number('proxy-read-timeout', 60) * 1000,
    allowlist: list('whitelist-source-range'), denylist: list('denylist-source-range'), serviceUpstream: flag('service-upstream', false), usesForwardedHeaders: flag('use-forwarded-headers', false),
    logFormat: data['log-format-upstream'] ?? LOG_FORMAT, accessLog: !flag('disable-access-log', false) && !flag('disable-http-access-log', false), generatesRequestId: flag('generate-request-id', true), showsServerTokens: flag('server-tokens', false),
    proxyHeadersConfigMap: data['proxy-set-headers'] ?? '', responseHeadersConfigMap: data['add-headers'] ?? '',
  }
}
