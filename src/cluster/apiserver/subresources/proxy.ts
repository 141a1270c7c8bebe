import { httpRequest, httpResponse } from '../../../base/http.ts'
import type { Random } from '../../../base/random.ts'
import type { KubeObject } from '../../kinds/object.ts'
import { apiError } from '../../kinds/status-error.ts'
import type { Endpoint } from '../endpoint.ts'
import type { ResourceRequest } from '../resource-handler.ts'
import type { ClusterDialer, Reader } from '../seams.ts'
import { forwardedHeaders } from './pod-connections.ts'

/** Where a proxied request goes. */
interface Target {
  host: string
  port: number
  tls: boolean
  /** Set when the node's kubelet is meant. */
  kubeletOf?: string
}

export interface ProxyParts {
  dialer: ClusterDialer
  reader: Reader
  random: Random
}

/** `https:web:8080`, `web:http`, `web`. k8s: utilnet.SplitSchemeNamePort */
function splitId(id: string, what: string): { scheme: string; name: string; port: string } {
  const parts = id.split(':')
  const [scheme, name, port] = parts.length === 1 ? ['', parts[0]!, ''] : parts.length === 2 ? ['', parts[0]!, parts[1]!] : [parts[0]!, parts[1] ?? '', parts[2] ?? '']
  if (parts.length > 3 || !name || (scheme && scheme !== 'http' && scheme !== 'https')) throw apiError.badRequest(`invalid ${what} request ${JSON.stringify(id)}`)
  return { scheme, name, port }
}

/** Serves `pods/proxy`, `services/proxy` and `nodes/proxy`. k8s: registry/core/{pod,service,node} ProxyREST, apimachinery/pkg/util/proxy */
export async function serveProxy(parts: ProxyParts, endpoint: Endpoint, context: ResourceRequest): Promise<Response> {
  const { info, request } = context
  const { resource } = endpoint.kind
  const target = resource === 'pods' ? podTarget(endpoint, context) : resource === 'services' ? serviceTarget(parts, endpoint, context) : nodeTarget(endpoint, context)
  const rawPath = new URL(request.url).pathname
  const prefix = `/${info.parts.slice(0, 3).join('/')}`
  const base = info.path.slice(0, info.path.indexOf(prefix) + prefix.length)
  const rest = escapedPath(info.path.slice(base.length))
  const search = request.url.includes('?') ? request.url.slice(request.url.indexOf('?')) : ''
  const isUpgrade = /upgrade/i.test(request.headers.get('connection') ?? '')
  if (rest === '' && !isUpgrade && (request.method === 'GET' || request.method === 'HEAD'))
    return new Response(null, { status: 301, headers: { location: `${base}/${search}` } })
  const headers = forwardedHeaders(request.headers)
  headers.set('x-forwarded-uri', rawPath)
  headers.set('x-forwarded-host', new URL(request.url).host)
  headers.set('x-forwarded-proto', new URL(request.url).protocol.slice(0, -1))
  const url = `${target.tls ? 'https' : 'http'}://${target.host}:${target.port}${rest}${search}`
  const outgoing = httpRequest(url, { method: request.method, headers, body: request.body, signal: request.signal })
  let response: Response
  try {
    response = target.kubeletOf ? await parts.dialer.kubelet(target.kubeletOf, outgoing) : await parts.dialer.http(target.host, target.port, outgoing, { tls: target.tls })
  } catch (error) {
    if (isUpgrade) throw apiError.generic(500, '', `error dialing backend: ${(error as Error).message}`)
    throw apiError.serviceUnavailable(`error trying to reach service: ${(error as Error).message}`)
  }
  return response.status === 101 ? response : rewritten(response, base, target)
}

/** A path as Go writes it into a URL: what was escaped without need isn't any more. k8s: net/url URL.EscapedPath */
function escapedPath(path: string): string {
  return encodeURI(path).replace(/[!'()*?#[\]]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}

function podTarget(endpoint: Endpoint, { info }: ResourceRequest): Target {
  const { scheme, name, port } = splitId(info.name, 'pod')
  const pod = endpoint.store.get(info.namespace, name)
  if (!pod) throw apiError.notFound(endpoint.groupResource, name)
  const containers = pod['spec'].containers as { ports?: { containerPort: number }[] }[]
  const first = containers.find((container) => (container.ports?.length ?? 0) > 0)?.ports![0]!.containerPort
  const host = (pod['status']?.podIP ?? '') as string
  if (!isGlobalUnicast(host)) throw apiError.badRequest('address not allowed')
  const tls = scheme === 'https'
  return { host, port: port ? Number(port) : first ?? (tls ? 443 : 80), tls }
}

/** k8s: registry/core/service/storage ResourceLocation */
function serviceTarget({ reader, random }: ProxyParts, endpoint: Endpoint, { info }: ResourceRequest): Target {
  const { scheme, name, port } = splitId(info.name, 'service')
  const service = endpoint.store.get(info.namespace, name)
  if (!service) throw apiError.notFound(endpoint.groupResource, name)
  let portName = port
  if (/^\d+$/.test(port)) {
    const known = (service['spec'].ports as { name?: string; port: number }[] | undefined)?.find((candidate) => candidate.port === Number(port))
    if (!known) throw apiError.serviceUnavailable(`no service port ${port} found for service ${JSON.stringify(name)}`)
    portName = known.name ?? ''
  }
  // Nobody made its Endpoints yet, or ever will: it has no selector. Upstream speaks of the request's resource.
  if (!reader.get('endpoints', info.namespace, name)) throw apiError.notFound(endpoint.groupResource, name)
  const candidates: { ip: string; port: number }[] = []
  for (const slice of reader.list<KubeObject>('endpointslices.discovery.k8s.io', info.namespace)) {
    if (slice.metadata.labels?.['kubernetes.io/service-name'] !== name || slice['addressType'] !== 'IPv4') continue
    const found = (slice['ports'] as { name?: string; port?: number }[] | undefined)?.find((candidate) => (candidate.name ?? '') === portName)
    if (!found?.port) continue
    for (const member of (slice['endpoints'] ?? []) as { addresses: string[]; conditions?: { ready?: boolean } }[])
      if (member.conditions?.ready !== false) candidates.push({ ip: member.addresses[0]!, port: found.port })
  }
  if (candidates.length === 0) throw apiError.serviceUnavailable(`no endpoints available for service ${JSON.stringify(info.name)}`)
  const chosen = random.pick(candidates)
  return { host: chosen.ip, port: chosen.port, tls: scheme === 'https' }
}

/** k8s: registry/core/node ResourceLocation */
function nodeTarget(endpoint: Endpoint, { info }: ResourceRequest): Target {
  const { scheme, name, port } = splitId(info.name, 'node')
  const node = endpoint.store.get('', name)
  if (!node) throw apiError.notFound(endpoint.groupResource, name)
  const kubeletPort = (node['status']?.daemonEndpoints?.kubeletEndpoint?.Port as number | undefined) ?? 10250
  const address = (node['status']?.addresses as { type: string; address: string }[] | undefined)?.find((candidate) => candidate.type === 'InternalIP')?.address ?? ''
  if (port === '' || Number(port) === kubeletPort) return { host: address || name, port: kubeletPort, tls: true, kubeletOf: name }
  if (!isGlobalUnicast(address)) throw apiError.badRequest('address not allowed')
  return { host: address, port: Number(port), tls: scheme === 'https' }
}

function isGlobalUnicast(ip: string): boolean {
  if (ip.includes(':')) return !/^(::1?$|fe80|ff)/i.test(ip)
  return /^\d+\.\d+\.\d+\.\d+$/.test(ip) && !/^(0\.0\.0\.0$|127\.|169\.254\.|22[4-9]\.|23\d\.|255\.255\.255\.255$)/.test(ip)
}

const LINKS = /(\s(?:href|src|action|background|cite|codebase|data|icon|longdesc|manifest|poster|profile|usemap)\s*=\s*)(["'])(\/[^"'/][^"']*|\/)\2/gi

/** Makes links of the answer lead through the proxy again. k8s: apimachinery/pkg/util/proxy Transport */
async function rewritten(response: Response, base: string, target: Target): Promise<Response> {
  const headers = new Headers(response.headers)
  const location = headers.get('location')
  if (location) headers.set('location', throughProxy(location, base, target))
  if (!(headers.get('content-type') ?? '').startsWith('text/html') || headers.has('content-encoding')) return httpResponse(response.body, { status: response.status, headers })
  const text = (await response.text()).replace(LINKS, (_all, attribute: string, quote: string, path: string) => `${attribute}${quote}${base}${path}${quote}`)
  headers.delete('content-length')
  return httpResponse(NO_BODY.has(response.status) ? null : text, { status: response.status, headers })
}

const NO_BODY = new Set([204, 205, 304])

function throughProxy(location: string, base: string, target: Target): string {
  if (location.startsWith('/') && !location.startsWith('//')) return base + location
  const origin = /^https?:\/\/([^/:]+)(?::\d+)?(\/.*)?$/.exec(location)
  return origin && origin[1] === target.host ? base + (origin[2] ?? '/') : location
}
