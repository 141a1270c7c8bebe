import type { Clock } from '../../../base/clock.ts'
import { httpRequest, type HttpRequest } from '../../../base/http.ts'
import { forbidden, invalid, type Finding } from '../../kinds/findings.ts'
import type { KubeObject } from '../../kinds/object.ts'
import { apiError, StatusError } from '../../kinds/status-error.ts'
import type { Endpoint } from '../endpoint.ts'
import { queryInt } from '../list-options.ts'
import { plainError } from '../registry.ts'
import { queryFlag } from '../request-info.ts'
import type { ResourceRequest } from '../resource-handler.ts'
import type { ClusterDialer } from '../seams.ts'
import { asksForWebSocket, streamOverWebSocket } from './stream-socket.ts'

/** Longest error text of a kubelet that is passed on, characters. k8s: GenericHttpResponseChecker maxReadLength */
const MAX_ERROR_TEXT = 5000

function podOf(endpoint: Endpoint, { info }: ResourceRequest): KubeObject {
  const pod = endpoint.store.get(info.namespace, info.name)
  if (!pod) throw apiError.notFound(endpoint.groupResource, info.name)
  return pod
}

/** Names of all containers, init containers first. k8s: podutil.VisitContainers */
function containerNames(pod: KubeObject): string[] {
  const { initContainers = [], containers = [], ephemeralContainers = [] } = pod['spec'] as Record<string, { name: string }[]>
  return [...initContainers, ...containers, ...ephemeralContainers].map((container) => container.name)
}

/** The container that is meant. @throws StatusError 400. k8s: registry/core/pod validateContainer */
function chooseContainer(pod: KubeObject, asked: string): string {
  const { name } = pod.metadata
  if (asked) {
    if (!containerNames(pod).includes(asked)) throw apiError.badRequest(`container ${asked} is not valid for pod ${name}`)
    return asked
  }
  const containers = pod['spec'].containers as { name: string }[]
  if (containers.length === 1) return containers[0]!.name
  throw apiError.badRequest(`a container name must be specified for pod ${name}, choose one of: [${containerNames(pod).join(' ')}]`)
}

/** Streams a container's log from its kubelet. k8s: registry/core/pod/rest LogREST, pod.LogLocation */
export async function podLog(dialer: ClusterDialer, clock: Clock, endpoint: Endpoint, context: ResourceRequest): Promise<Response> {
  const { query, request, info } = context
  const number = (name: string) => queryInt(query, name)
  const sinceSeconds = number('sinceSeconds')
  const tailLines = number('tailLines')
  const limitBytes = number('limitBytes')
  const sinceTime = query.get('sinceTime')
  if (sinceTime && Number.isNaN(Date.parse(sinceTime)))
    throw apiError.badRequest(`parsing time ${JSON.stringify(sinceTime)} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(sinceTime)} as "2006"`)
  const findings: Finding[] = []
  if (tailLines !== undefined && tailLines < 0) findings.push(invalid('tailLines', tailLines, 'must be greater than or equal to 0'))
  if (limitBytes !== undefined && limitBytes < 1) findings.push(invalid('limitBytes', limitBytes, 'must be greater than 0'))
  if (sinceSeconds !== undefined && sinceTime) findings.push(forbidden('[]', 'at most one of `sinceTime` or `sinceSeconds` may be specified'))
  else if (sinceSeconds !== undefined && sinceSeconds < 1) findings.push(invalid('sinceSeconds', sinceSeconds, 'must be greater than 0'))
  if (query.get('stream')) findings.push(forbidden('stream', 'may not be specified'))
  if (findings.length > 0) throw apiError.invalid({ group: '', kind: 'PodLogOptions' }, info.name, findings)

  const pod = podOf(endpoint, context)
  const container = chooseContainer(pod, query.get('container') ?? '')
  const node = pod['spec'].nodeName as string | undefined
  if (!node) return new Response(null, { status: 204 })
  const params = new URLSearchParams()
  for (const flag of ['follow', 'previous', 'timestamps']) if (queryFlag(query.get(flag))) params.set(flag, 'true')
  if (sinceSeconds !== undefined) params.set('sinceSeconds', String(sinceSeconds))
  if (sinceTime) params.set('sinceTime', sinceTime)
  if (tailLines !== undefined) params.set('tailLines', String(tailLines))
  if (limitBytes !== undefined) params.set('limitBytes', String(limitBytes))
  const text = params.toString()
  const path = `/containerLogs/${pod.metadata.namespace}/${pod.metadata.name}/${container}${text ? `?${text}` : ''}`
  // k8s: kubelet/client GetConnectionInfo, which prefers addresses to names
  const url = `https://${(pod['status'] as { hostIP?: string } | undefined)?.hostIP ?? node}:10250${path}`
  let response: Response
  try {
    response = await dialer.kubelet(node, httpRequest(url, { headers: { accept: '*/*' }, signal: request.signal }))
  } catch (error) {
    if (error instanceof StatusError) throw error
    throw plainError(`Get "${url}": ${(error as Error).message}`)
  }
  if (response.status < 200 || response.status > 206) throw await logError(response, info.name)
  if (asksForWebSocket(request)) return streamOverWebSocket(request, response.body, (ms) => clock.sleep(ms))
  return new Response(response.body, { status: 200, headers: { 'content-type': 'text/plain' } })
}

async function logError(response: Response, name: string) {
  const text = (await response.text()).slice(0, MAX_ERROR_TEXT)
  if (response.status === 500) return apiError.internal(text)
  if (response.status === 400) return apiError.badRequest(text)
  if (response.status === 404) return apiError.generic(404, 'NotFound', `the server could not find the requested resource ( pods/log ${name})`, { name, kind: 'pods/log' })
  return apiError.generic(response.status, 'Unknown', text, { name, kind: 'pods/log' })
}

/** exec and attach: the kubelet does the streaming. k8s: pod.ExecLocation, AttachLocation, streamLocation */
export function podStream(dialer: ClusterDialer, endpoint: Endpoint, context: ResourceRequest, operation: 'exec' | 'attach'): Promise<Response> {
  const { query } = context
  const pod = podOf(endpoint, context)
  const container = chooseContainer(pod, query.get('container') ?? '')
  const node = nodeOf(pod)
  const params = new URLSearchParams()
  if (queryFlag(query.get('stdin'))) params.set('input', '1')
  if (queryFlag(query.get('stdout'))) params.set('output', '1')
  if (queryFlag(query.get('stderr'))) params.set('error', '1')
  if (queryFlag(query.get('tty'))) params.set('tty', '1')
  if (operation === 'exec') for (const word of query.getAll('command')) params.append('command', word)
  return connectKubelet(dialer, node, `/${operation}/${pod.metadata.namespace}/${pod.metadata.name}/${container}?${params}`, context.request)
}

/** k8s: pod.PortForwardLocation */
export function podPortForward(dialer: ClusterDialer, endpoint: Endpoint, context: ResourceRequest): Promise<Response> {
  const pod = podOf(endpoint, context)
  const node = nodeOf(pod)
  const params = new URLSearchParams()
  const ports = context.query.getAll('ports').flatMap((text) => text.split(','))
  for (const port of ports) if (!/^\d+$/.test(port)) throw apiError.badRequest(`unable to parse ${JSON.stringify(port)} as a port: strconv.ParseUint: parsing ${JSON.stringify(port)}: invalid syntax`)
  if (ports.length > 0) params.set('port', ports.join(','))
  const text = params.toString()
  return connectKubelet(dialer, node, `/portForward/${pod.metadata.namespace}/${pod.metadata.name}${text ? `?${text}` : ''}`, context.request)
}

function nodeOf(pod: KubeObject): string {
  const node = pod['spec'].nodeName as string | undefined
  if (!node) throw apiError.badRequest(`pod ${pod.metadata.name} does not have a host assigned`)
  return node
}

/** Passes a request with its upgrade on to a kubelet. */
async function connectKubelet(dialer: ClusterDialer, node: string, path: string, request: HttpRequest): Promise<Response> {
  try {
    return await dialer.kubelet(node, httpRequest(`https://${node}:10250${path}`, { method: request.method, headers: forwardedHeaders(request.headers), body: request.body, signal: request.signal }))
  } catch (error) {
    if (error instanceof StatusError) throw error
    throw plainError(`error dialing backend: ${(error as Error).message}`)
  }
}

/** Headers without what concerns the API server alone. */
export function forwardedHeaders(headers: Headers): Headers {
  const out = new Headers()
  headers.forEach((value, key) => {
    if (key === 'authorization' || key === 'host' || key.startsWith('impersonate-')) return
    out.append(key, value)
  })
  return out
}
