import { toWebStream } from '../../base/streams.ts'
import type { HttpRequest } from '../../base/http.ts'
import { PROMETHEUS_TYPE, prometheusText } from '../../base/prometheus.ts'
import type { MetricFamily } from '../../base/prometheus.ts'
import { quantityMilliValue } from '../kinds/quantity.ts'
import { timeMs } from '../kinds/time-text.ts'
import type { ContainerStatus, Pod, PodStatus } from '../kinds/generated/types.ts'
import type { LogReadOptions } from '../runtime/container-log.ts'
import { cadvisorMetrics } from './cadvisor-metrics.ts'
import { bareContainerId, containerIdText } from './container-id.ts'
import { kubeletMetrics, resourceMetrics, statsSummary } from './node-stats.ts'
import { goFileServer } from '../images/http/go-file-server.ts'
import type { NodeContext } from './node-context.ts'
import { servePortForward } from './port-forward.ts'
import { containerSpec } from './pod-spec.ts'
import { serveStreams } from './streaming.ts'
import { UsageMeter } from './usage.ts'

export interface KubeletServerOptions {
  node: NodeContext
  pod(namespace: string, name: string): Pod | undefined
  pods(): readonly Pod[]
}

const text = (body: string, status = 200) => new Response(body, { status, headers: { 'content-type': 'text/plain; charset=utf-8' } })
const notFound = () => text('404 page not found\n', 404)
const json = (body: unknown) => new Response(JSON.stringify(body), { headers: { 'content-type': 'application/json' } })

/** What a kubelet serves on port 10250. Who may ask is the API server's business. k8s: pkg/kubelet/server */
export class KubeletServer {
  readonly #options: KubeletServerOptions
  readonly #meter: UsageMeter

  constructor(options: KubeletServerOptions) {
    this.#options = options
    this.#meter = new UsageMeter(options.node.runtime, options.node.clock, quantityMilliValue(options.node.capacity.cpu ?? '1') / 1000)
  }

  async handle(request: HttpRequest): Promise<Response> {
    const url = new URL(request.url)
    const parts = url.pathname.split('/').filter(Boolean).map(decodeURIComponent)
    switch (parts[0]) {
      case 'healthz': return text('ok')
      case 'containerLogs': return this.#logs(parts, url.searchParams)
      case 'exec': return this.#exec(request, parts, url.searchParams)
      case 'attach': return this.#attach(request, parts, url.searchParams)
      case 'portForward': return this.#portForward(request, parts, url.searchParams)
      case 'run': return this.#run(parts, url.searchParams)
      case 'pods': return json({ kind: 'PodList', apiVersion: 'v1', metadata: {}, items: this.#options.pods().map((pod) => ({ ...pod, status: this.#status(pod) })) })
      case 'runningpods': return json({ kind: 'PodList', apiVersion: 'v1', metadata: {}, items: this.#runningPods() })
      case 'stats': return parts[1] === 'summary' ? json(statsSummary(this.#options.node, this.#meter.read(this.#options.pods()))) : notFound()
      case 'metrics': return this.#metrics(parts[1])
      case 'configz': return json({ kubeletconfig: kubeletConfiguration(this.#options.node) })
      case 'logs': return goFileServer(this.#options.node.nodeFiles, '/var/log', url.pathname.slice('/logs/'.length))
      default: return notFound()
    }
  }

  #metrics(part: string | undefined): Response {
    const { node, pods } = this.#options
    const answer = (families: MetricFamily[]) => new Response(prometheusText(families), { headers: { 'content-type': PROMETHEUS_TYPE } })
    switch (part) {
      case undefined: return answer(kubeletMetrics(node, pods()))
      case 'resource': return answer(resourceMetrics(this.#meter.read(pods())))
      case 'cadvisor': return answer(cadvisorMetrics(node, this.#meter.read(pods())))
      case 'probes': return answer([])
      default: return notFound()
    }
  }

  #status(pod: Pod): PodStatus {
    return this.#options.node.statuses.get(pod.metadata.uid!) ?? pod.status ?? {}
  }

  // k8s: getContainerLogs, GetKubeletContainerLogs
  async #logs([, namespace = '', name = '', container = '']: string[], query: URLSearchParams): Promise<Response> {
    const { node } = this.#options
    const pod = this.#options.pod(namespace, name)
    if (!pod) return text(`pod ${JSON.stringify(name)} does not exist`, 404)
    if (!containerSpec(pod, container)) return text(`container ${JSON.stringify(container)} not found in pod ${JSON.stringify(name)}`, 404)
    const number = (key: string) => query.get(key) !== null && /^-?\d+$/.test(query.get(key)!) ? Number(query.get(key)) : undefined
    const truth = (key: string) => query.get(key) === 'true' || query.get(key) === '1'
    const sinceSeconds = number('sinceSeconds')
    const sinceTime = query.get('sinceTime')
    let id: string
    try {
      id = logContainerId(pod, this.#status(pod), container, truth('previous'))
    } catch (error) {
      return text((error as Error).message, 400)
    }
    const log = node.runtime.containerLog(id)
    if (!log) return text(`unable to retrieve container logs for ${containerIdText(node.runtime.name, id)}`)
    const tailLines = number('tailLines')
    const limitBytes = number('limitBytes')
    const stream = query.get('stream')
    const options: LogReadOptions = {
      follow: truth('follow'), timestamps: truth('timestamps'), ...(tailLines !== undefined ? { tailLines } : {}), ...(limitBytes !== undefined ? { limitBytes } : {}),
      ...(sinceSeconds !== undefined ? { sinceMs: node.clock.nowMs() - sinceSeconds * 1000 } : sinceTime ? { sinceMs: timeMs(sinceTime) } : {}),
      ...(stream === 'Stdout' || stream === 'Stderr' ? { stream } : {}),
    }
    return new Response(toWebStream(log.read(options)) as ReadableStream<Uint8Array<ArrayBuffer>>, { headers: { 'content-type': 'text/plain' } })
  }

  /** The container that a request is about; text of the refusal otherwise. */
  #running([, namespace = '', name = '', ...rest]: string[]): { pod: Pod; id: string } | Response {
    const container = rest.at(-1) ?? ''
    const pod = this.#options.pod(namespace, name)
    if (!pod) return text(`pod ${JSON.stringify(name)} does not exist`, 404)
    const found = this.#options.node.runtime.listContainers(pod.metadata.uid!).find((c) => c.name === container && c.state === 'running')
    if (!found) return text(`container not found (${JSON.stringify(container)})`, 500)
    return { pod, id: found.id }
  }

  #exec(request: HttpRequest, parts: string[], query: URLSearchParams): Response {
    const found = this.#running(parts)
    if (found instanceof Response) return found
    return serveStreams(request, query, this.#options.node.clock, (io) => this.#options.node.runtime.exec(found.id, query.getAll('command'), io))
  }

  #attach(request: HttpRequest, parts: string[], query: URLSearchParams): Response {
    const found = this.#running(parts)
    if (found instanceof Response) return found
    return serveStreams(request, query, this.#options.node.clock, (io) => this.#options.node.runtime.attach(found.id, io))
  }

  async #run(parts: string[], query: URLSearchParams): Promise<Response> {
    const found = this.#running(parts)
    if (found instanceof Response) return found
    try {
      const { output } = await this.#options.node.runtime.execSync(found.id, (query.get('cmd') ?? '').split(' ').filter(Boolean), 0)
      return new Response(output.slice())
    } catch (error) {
      return text((error as Error).message, 500)
    }
  }

  #portForward(request: HttpRequest, [, namespace = '', name = '']: string[], query: URLSearchParams): Response {
    const { runtime } = this.#options.node
    const pod = this.#options.pod(namespace, name)
    if (!pod) return text(`pod ${JSON.stringify(name)} does not exist`, 404)
    const sandbox = runtime.podSandbox(pod.metadata.uid!)
    if (!sandbox || sandbox.state !== 'ready') return text(`pod not found (${JSON.stringify(`${name}_${namespace}`)})`, 500)
    return servePortForward(request, query, { podName: sandbox.id, podUid: '', connect: (port) => runtime.portForward(sandbox.id, port) }, this.#options.node.clock)
  }

  #runningPods(): unknown[] {
    const { runtime } = this.#options.node
    return this.#options.pods().flatMap((pod) => {
      const containers = runtime.listContainers(pod.metadata.uid!).filter((c) => c.state === 'running').map((c) => ({ name: c.name, image: c.image, resources: {} }))
      return containers.length > 0 ? [{ metadata: { name: pod.metadata.name, namespace: pod.metadata.namespace, uid: pod.metadata.uid }, spec: { containers }, status: {} }] : []
    })
  }
}

/** Whose log is meant, by the pod's status. @throws Error in the kubelet's words. k8s: validateContainerLogStatus */
function logContainerId(pod: Pod, status: PodStatus, name: string, previous: boolean): string {
  const all: ContainerStatus[] = [...status.containerStatuses ?? [], ...status.initContainerStatuses ?? [], ...status.ephemeralContainerStatuses ?? []]
  const found = all.find((s) => s.name === name)
  const container = `container ${JSON.stringify(name)} in pod ${JSON.stringify(pod.metadata.name)}`
  if (!found) throw new Error(`${container} is not available`)
  const { running, terminated, waiting } = found.state ?? {}
  const last = found.lastState?.terminated
  let id: string | undefined
  if (previous) {
    if (!last?.containerID) throw new Error(`previous terminated ${container} not found`)
    id = last.containerID
  } else if (running) id = found.containerID
  else if (terminated) {
    id = terminated.containerID || last?.containerID
    if (!id) throw new Error(`${container} is terminated`)
  } else if (last) {
    id = last.containerID
    if (!id) throw new Error(`${container} is terminated`)
  } else if (waiting) {
    const why = waiting.reason === 'ErrImagePull' ? "image can't be pulled" : waiting.reason === 'ImagePullBackOff' ? 'trying and failing to pull image' : waiting.reason ?? ''
    throw new Error(`${container} is waiting to start: ${why}`)
  } else throw new Error(`${container} is waiting to start - no logs yet`)
  return bareContainerId(id)
}

/** What `/configz` shows: kubeadm's configuration with the kubelet's defaults. k8s: pkg/kubelet/apis/config/v1beta1/defaults.go */
function kubeletConfiguration({ dns, allocatable, runtime }: NodeContext): Record<string, unknown> {
  return {
    enableServer: true, staticPodPath: '/etc/kubernetes/manifests', syncFrequency: '1m0s', fileCheckFrequency: '20s', httpCheckFrequency: '20s', address: '0.0.0.0', port: 10250,
    rotateCertificates: true, authentication: { x509: { clientCAFile: '/etc/kubernetes/pki/ca.crt' }, webhook: { enabled: true, cacheTTL: '2m0s' }, anonymous: { enabled: false } },
    authorization: { mode: 'Webhook', webhook: { cacheAuthorizedTTL: '5m0s', cacheUnauthorizedTTL: '30s' } }, registryPullQPS: 5, registryBurst: 10, eventRecordQPS: 50, eventBurst: 100,
    enableDebuggingHandlers: true, healthzPort: 10248, healthzBindAddress: '127.0.0.1', clusterDomain: dns.clusterDomain, clusterDNS: dns.clusterDns, streamingConnectionIdleTimeout: '4h0m0s',
    nodeStatusUpdateFrequency: '10s', nodeStatusReportFrequency: '5m0s', nodeLeaseDurationSeconds: 40, imageMinimumGCAge: '2m0s', imageGCHighThresholdPercent: 100, imageGCLowThresholdPercent: 80,
    volumeStatsAggPeriod: '1m0s', cgroupsPerQOS: true, cgroupDriver: 'systemd', cpuManagerPolicy: 'none', memoryManagerPolicy: 'None', topologyManagerPolicy: 'none', maxPods: Number(allocatable['pods'] ?? 110),
    podPidsLimit: -1, resolvConf: '/etc/resolv.conf', cpuCFSQuota: true, maxOpenFiles: 1000000, contentType: 'application/vnd.kubernetes.protobuf', kubeAPIQPS: 50, kubeAPIBurst: 100, serializeImagePulls: true,
    evictionHard: { 'imagefs.available': '0%', 'nodefs.available': '0%', 'nodefs.inodesFree': '0%' }, evictionPressureTransitionPeriod: '5m0s', enableControllerAttachDetach: true, failSwapOn: false,
    containerLogMaxSize: '10Mi', containerLogMaxFiles: 5, enforceNodeAllocatable: ['pods'], containerRuntimeEndpoint: `unix://${runtime.socket}`,
  }
}
