/** How the API server calls webhooks, for admission and for conversion. k8s: apiserver/pkg/util/webhook, client-go/rest */
import { bytesOfBase64 } from '../../base/base64.ts'
import type { Clock } from '../../base/clock.ts'
import { httpRequest } from '../../base/http.ts'
import { parseBody, SyntaxProblem } from '../kinds/decode.ts'
import type { Service } from '../kinds/generated/types.ts'
import { isJsonObject } from '../kinds/structural/json-schema.ts'
import { cannotUnmarshalType } from './patched-type.ts'
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

/** A call that brought no answer, or one that isn't a review. */
export class CallFailed extends Error {}

/** What is sent to a webhook and what comes back: the same kind, in a version that both know. */
export interface Review {
  apiVersion: string
  kind: string
}

/** Versions in which either kind of review may come. */
const VERSIONS = ['v1', 'v1beta1']
/** Longest answer that is quoted, in characters. k8s: rest.Request maxUnstructuredResponseTextBytes */
const MAX_QUOTED = 2048
const MAX_REDIRECTS = 10
/** How often a server may say that it wants to be asked later. k8s: rest.Request maxRetries */
const MAX_RETRIES = 10

/**
 * Posts a review and answers with the one that comes back, as it came: its kind and version may be missing. `timeoutMs`: until the caller's time is over.
 * @throws CallFailed in the words of Go's client
 */
export async function askWebhook(config: WebhookClientConfig, review: Review, timeoutMs: number, parts: WebhookClientParts): Promise<Record<string, unknown>> {
  const url = `${targetOf(config)}?timeout=${Math.ceil(timeoutMs / 1000)}s`
  const abort = new AbortController()
  const expired = new Promise<never>((_, reject) => abort.signal.addEventListener('abort', () => reject(new Error('context deadline exceeded')), { once: true }))
  expired.catch(() => {})
  const timer = parts.clock.after(timeoutMs, () => abort.abort())
  try {
    for (let attempt = 0; ; attempt++) {
      const response = await sent(config, url, JSON.stringify(review), { ...parts, signal: abort.signal, expired })
      const text = await Promise.race([response.text(), expired]).catch((error: Error) => { throw new CallFailed(`unexpected error when reading response body. Please retry. Original error: ${error.message}`) })
      const laterSeconds = retryAfterSeconds(response)
      if (laterSeconds === undefined || attempt >= MAX_RETRIES) return reviewOf(response, text, review)
      await Promise.race([parts.clock.sleep(laterSeconds * 1000), expired]).catch((error: Error) => { throw new CallFailed(`Post ${JSON.stringify(url)}: ${error.message}`) })
    }
  } finally {
    timer.cancel()
  }
}

/** Follows redirects as Go's client does: the first three kinds forget the body. */
async function sent(config: WebhookClientConfig, url: string, body: string, parts: WebhookClientParts & { signal: AbortSignal; expired: Promise<never> }): Promise<Response> {
  let place = { method: 'POST', url, config, said: url }
  for (let requests = 0; ; requests++) {
    const failed = (why: string) => new CallFailed(`${place.method === 'POST' ? 'Post' : 'Get'} ${JSON.stringify(place.said)}: ${why}`)
    if (requests === MAX_REDIRECTS) throw failed(`stopped after ${MAX_REDIRECTS} redirects`)
    const address = addressOf(place.config, parts.reader)
    if (typeof address === 'string') throw failed(address)
    if (!parts.dialer) throw failed('no route to host')
    const request = httpRequest(place.url, {
      method: place.method, headers: { ...(place.method === 'POST' ? { 'content-type': 'application/json' } : {}), accept: 'application/json, */*', 'user-agent': 'kube-apiserver-admission' },
      ...(place.method === 'POST' ? { body } : {}), signal: parts.signal,
    })
    const response = await Promise.race([parts.dialer.http(address.host, address.port, request, { tls: trustOf(place.config, address.host) }), parts.expired])
      .catch((error: unknown) => { throw failed(error instanceof Error ? error.message : String(error)) })
    const location = response.headers.get('location')
    if (!location || ![301, 302, 303, 307, 308].includes(response.status)) return response
    const next = new URL(location, place.url)
    const isSamePlace = next.host === new URL(place.url).host
    place = { method: response.status > 303 ? place.method : 'GET', url: next.href, said: location, config: isSamePlace ? config : { url: next.href, ...(config.caBundle ? { caBundle: config.caBundle } : {}) } }
  }
}

/** k8s: rest checkWait */
function retryAfterSeconds({ status, headers }: Response): number | undefined {
  const text = headers.get('retry-after') ?? ''
  return (status === 429 || status >= 500) && /^[+-]?\d+$/.test(text) ? Math.max(0, Number(text)) : undefined
}

/** k8s: rest.Request transformResponse, Result.Into */
function reviewOf(response: Response, text: string, sent: Review): Record<string, unknown> {
  const contentType = response.headers.get('content-type') ?? ''
  const mediaProblem = contentType === '' ? undefined : mediaTypeProblem(contentType)
  if (mediaProblem) throw new CallFailed(`Internal error occurred: ${mediaProblem}`)
  if (response.status < 200 || response.status > 206) {
    const own = statusMessage(text)
    if (own !== undefined) throw new CallFailed(own)
    const isText = contentType === '' || contentType.trim().toLowerCase().startsWith('text/')
    throw new CallFailed(refusalText(response.status, isText ? text.slice(0, MAX_QUOTED).trim() : 'unknown'))
  }
  if (text === '') throw new CallFailed(`0-length response with status code: ${response.status} and content type: ${contentType || 'application/json'}`)
  const value = parsed(text)
  if (value === null) return {}
  if (!isJsonObject(value)) throw new CallFailed(`couldn't get version/kind; json parse error: ${cannotUnmarshalType(value)}`)
  const { apiVersion, kind } = value
  for (const [field, given] of [['apiVersion', apiVersion], ['kind', kind]] as const)
    if (given !== undefined && given !== null && typeof given !== 'string') throw new CallFailed(`couldn't get version/kind; json parse error: json: cannot unmarshal ${Array.isArray(given) ? 'array' : typeof given === 'boolean' ? 'bool' : typeof given} into Go struct field .${field} of type string`)
  const problem = kindProblem(String(apiVersion || sent.apiVersion), String(kind || sent.kind), sent)
  if (problem) throw new CallFailed(problem)
  return value
}

/** Webhooks may answer in YAML. @throws CallFailed */
function parsed(text: string): unknown {
  try {
    return parseBody(text, /^\s*\{/.test(text) ? 'json' : 'yaml').value
  } catch (error) {
    if (!(error instanceof SyntaxProblem)) throw error
    throw new CallFailed(`couldn't get version/kind; json parse error: ${error.message}`)
  }
}

/** What a server says that answers with a Status. */
function statusMessage(text: string): string | undefined {
  try {
    const value = parseBody(text, /^\s*\{/.test(text) ? 'json' : 'yaml').value
    return isJsonObject(value) && value['kind'] === 'Status' && value['apiVersion'] === 'v1' && value['status'] !== 'Success' ? String(value['message'] ?? '') : undefined
  } catch {
    return undefined
  }
}

function kindProblem(apiVersion: string, kind: string, sent: Review): string | undefined {
  if (apiVersion === sent.apiVersion && kind === sent.kind) return undefined
  const group = sent.apiVersion.slice(0, sent.apiVersion.indexOf('/'))
  const known = VERSIONS.find((version) => apiVersion === `${group}/${version}` && kind === sent.kind) ?? (apiVersion === 'v1' && kind === 'Status' ? 'v1' : undefined)
  if (known) return `converting (${known}.${kind}) to (${sent.apiVersion.slice(group.length + 1)}.${sent.kind}): unknown conversion`
  return `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`
}

/** k8s: apimachinery/pkg/api/errors NewGenericServerResponse */
function refusalText(status: number, said: string): string {
  switch (status) {
    case 400: return 'the server rejected our request for an unknown reason'
    case 401: return 'the server has asked for the client to provide credentials'
    case 403: case 415: return said
    case 404: return 'the server could not find the requested resource'
    case 405: return 'the server does not allow this method on the requested resource'
    case 406: return said === '' || said === 'unknown' ? 'the server was unable to respond with a content type that the client supports' : said
    case 409: return 'the server reported a conflict'
    case 422: return 'the server rejected our request due to an error in our request'
    case 429: return 'the server has received too many requests and has asked us to try again later'
    case 503: return 'the server is currently unable to handle the request'
    case 504: return 'the server was unable to return a response in the time allotted, but may still be processing the request'
  }
  return status >= 500 ? `an error on the server (${JSON.stringify(said)}) has prevented the request from succeeding` : `the server responded with the status code ${status} but did not return more information`
}

/** What Go's mime.ParseMediaType has against a type. */
function mediaTypeProblem(contentType: string): string | undefined {
  const [, type, rest] = /^([^\s()<>@,;:\\"/[\]?=]*)(.*)$/.exec(contentType.split(';')[0]!.trim())!
  if (!type) return 'mime: no media type'
  if (!rest) return undefined
  if (!rest.startsWith('/')) return 'mime: expected slash after first token'
  const [, subtype, more] = /^([^\s()<>@,;:\\"/[\]?=]*)(.*)$/.exec(rest.slice(1))!
  return !subtype ? 'mime: expected token after slash' : more ? 'mime: unexpected content after media subtype' : undefined
}

function targetOf({ url, service }: WebhookClientConfig): string {
  if (url === undefined) return `https://${service!.name}.${service!.namespace}.svc:${service!.port ?? 443}${cleanPath(encodeURI(service!.path ?? ''))}`
  return `${/^[^/]*\/\/[^/?#]*/.exec(url)?.[0] ?? ''}${cleanPath(new URL(url).pathname)}`
}

/** Go's path.Join below the root. */
function cleanPath(path: string): string {
  return `/${path.split('/').filter((segment) => segment !== '' && segment !== '.').join('/')}`
}

/** A Service is known by its name in the cluster. */
function trustOf({ service, caBundle }: WebhookClientConfig, host: string): TlsClient {
  return { serverName: service ? `${service.name}.${service.namespace}.svc` : host, ...(caBundle ? { caPem: new TextDecoder().decode(bytesOfBase64(caBundle)) } : {}) }
}

/** Where a webhook is to be reached, or why it can't be. k8s: kube-aggregator ResolveCluster */
function addressOf({ url, service }: WebhookClientConfig, reader: Reader): { host: string; port: number } | string {
  if (url !== undefined) {
    const parsed = new URL(url)
    return { host: parsed.hostname.replace(/^\[|\]$/g, ''), port: Number(parsed.port) || 443 }
  }
  const { namespace, name, port = 443 } = service!
  const found = reader.get<Service>('services', namespace, name)
  if (!found) return `service ${JSON.stringify(name)} not found`
  if (found.spec?.type === 'ExternalName') return { host: found.spec.externalName!, port }
  if (found.spec?.clusterIP === 'None') return 'cannot route to service with ClusterIP "None"'
  if (!found.spec?.ports?.some((candidate) => candidate.port === port)) return `no service port ${port} found for service ${JSON.stringify(name)}`
  return { host: found.spec.clusterIP!, port }
}
