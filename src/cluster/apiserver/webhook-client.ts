/** How the API server calls webhooks, for admission and for conversion. k8s: apiserver/pkg/util/webhook */
import type { Clock } from '../../base/clock.ts'
import { httpRequest } from '../../base/http.ts'
import type { Service } from '../kinds/generated/types.ts'
import type { ClusterDialer, Reader, TlsClient } from './seams.ts'

/** Where a webhook is. k8s: admissionregistration/v1 and apiextensions/v1 WebhookClientConfig */
export interface WebhookClientConfig {
  url?: string
  service?: { namespace: string; name: string; path?: string; port?: number }
  caBundle?: string
}

export interface WebhookClientParts {
  clock: Clock
  reader: Reader
  /** Without one, every call fails. */
  dialer?: ClusterDialer | undefined
}

/** A call that brought no answer. */
export class CallFailed extends Error {}

/** Posts a review and answers with the text of the answer. @throws CallFailed in the words of Go's client */
export async function postToWebhook(config: WebhookClientConfig, body: unknown, options: { timeoutSeconds: number; query?: string; userAgent: string }, parts: WebhookClientParts): Promise<{ ok: boolean; text: string }> {
  const target = targetOf(config)
  const url = options.query ? `${target}${target.includes('?') ? '&' : '?'}${options.query}` : target
  const failed = (why: string) => new CallFailed(`Post ${JSON.stringify(url)}: ${why}`)
  const abort = new AbortController()
  const timer = parts.clock.after(options.timeoutSeconds * 1000, () => abort.abort())
  try {
    const address = addressOf(config, parts.reader)
    if (typeof address === 'string') throw failed(address)
    if (!parts.dialer) throw failed('no route to host')
    const request = httpRequest(url, { method: 'POST', headers: { 'content-type': 'application/json', accept: 'application/json', 'user-agent': options.userAgent }, body: JSON.stringify(body), signal: abort.signal })
    const response = await Promise.race([
      parts.dialer.http(address.host, address.port, request, { tls: address.tls && trustOf(config, address.host) }),
      new Promise<never>((_, reject) => abort.signal.addEventListener('abort', () => reject(new Error('context deadline exceeded')), { once: true })),
    ]).catch((error: unknown) => { throw failed(error instanceof Error ? error.message : String(error)) })
    return { ok: response.ok, text: await response.text() }
  } finally {
    timer.cancel()
  }
}

function targetOf({ url, service }: WebhookClientConfig): string {
  if (url !== undefined) return url
  return `https://${service!.name}.${service!.namespace}.svc:${service!.port ?? 443}${service!.path ? (service!.path.startsWith('/') ? service!.path : `/${service!.path}`) : '/'}`
}

/** A Service is known by its name in the cluster. */
function trustOf({ service, caBundle }: WebhookClientConfig, host: string): TlsClient {
  return { serverName: service ? `${service.name}.${service.namespace}.svc` : host, ...(caBundle ? { caPem: new TextDecoder().decode(Uint8Array.from(atob(caBundle), (char) => char.charCodeAt(0))) } : {}) }
}

/** Where a webhook is to be reached, or why it can't be. k8s: kube-aggregator ResolveCluster */
function addressOf({ url, service }: WebhookClientConfig, reader: Reader): { host: string; port: number; tls: boolean } | string {
  if (url !== undefined) {
    const parsed = new URL(url)
    return { host: parsed.hostname, port: Number(parsed.port) || 443, tls: parsed.protocol === 'https:' }
  }
  const { namespace, name, port = 443 } = service!
  const found = reader.get<Service>('services', namespace, name)
  if (!found) return `service ${JSON.stringify(name)} not found`
  if (!found.spec?.ports?.some((candidate) => candidate.port === port)) return `no service port ${port} found for service ${JSON.stringify(name)}`
  if (found.spec.type === 'ExternalName') return { host: found.spec.externalName!, port, tls: true }
  if (!found.spec.clusterIP || found.spec.clusterIP === 'None') return `cannot route to service with ClusterIP ${JSON.stringify(found.spec.clusterIP ?? '')}`
  return { host: found.spec.clusterIP, port, tls: true }
}
