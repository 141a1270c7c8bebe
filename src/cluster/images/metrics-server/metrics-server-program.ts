import { createSelfSignedServer } from '../../../base/certificates.ts'
import { httpRequest } from '../../../base/http.ts'
import type { HttpRequest } from '../../../base/http.ts'
import { goNetError } from '../../../unix/net/go-net-error.ts'
import type { HttpPeer, Proc } from '../../../unix/types.ts'
import type { Node, Pod } from '../../kinds/generated/types.ts'
import { clusterClient } from '../in-cluster/cluster-client.ts'
import { DelegatedAccess } from '../in-cluster/delegated-access.ts'
import { followResource } from '../in-cluster/follow-resource.ts'
import { klog } from '../in-cluster/klog.ts'
import { MetricStorage, parseResourceMetrics } from './metric-points.ts'
import type { NodeBatch } from './metric-points.ts'
import { metricsApi } from './metrics-api.ts'

const ACCOUNT_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token'
const STARTED_MEMORY_BYTES = 19 * 2 ** 20
/** A kubelet's answer is waited for nine tenths of the time between two rounds. */
const SCRAPE_SHARE = 0.9

/** The program: asks every kubelet at each round, and serves what it last heard. */
export async function metricsServer(proc: Proc): Promise<number> {
  const flags = new Map(proc.argv.slice(1).map((argument) => {
    const [name = '', ...value] = argument.replace(/^--?/, '').split('=')
    return [name, value.length > 0 ? value.join('=') : 'true']
  }))
  const resolutionMs = seconds(flags.get('metric-resolution') ?? '60s') * 1000
  if (!(resolutionMs >= 10_000)) {
    await proc.stderr.write(`Error: metric-resolution should be a time duration at least 10s, but value ${flags.get('metric-resolution')} provided\n`)
    return 1
  }
  const client = clusterClient(proc, 'metrics-server')
  const authority = flags.get('kubelet-certificate-authority')
  const kubelets: KubeletOptions = {
    addressTypes: (flags.get('kubelet-preferred-address-types') ?? 'Hostname,InternalDNS,InternalIP,ExternalDNS,ExternalIP').split(','),
    insecure: flags.get('kubelet-insecure-tls') === 'true', usesStatusPort: flags.get('kubelet-use-node-status-port') === 'true', port: Number(flags.get('kubelet-port') ?? 10250),
    ...(authority ? { caPem: proc.fs.readText(authority) } : {}),
  }
  const port = Number(flags.get('secure-port') ?? 443)
  let access: DelegatedAccess
  try {
    access = await DelegatedAccess.load(proc, client)
  } catch (error) {
    const message = (error as Error).message
    klog(proc, 'W', 'requestheader_controller.go:204', "Unable to get configmap/extension-apiserver-authentication in kube-system.  Usually fixed by 'kubectl create rolebinding -n kube-system ROLEBINDING_NAME --role=extension-apiserver-authentication-reader --serviceaccount=YOUR_NS:YOUR_SA'")
    await proc.stderr.write(`Error: ${message}\n`)
    return 1
  }
  const keyFile = flags.get('tls-private-key-file')
  const tls = flags.has('tls-cert-file') ? { certificatePem: proc.fs.readText(flags.get('tls-cert-file')!), ...(keyFile ? { keyPem: proc.fs.readText(keyFile) } : {}) } : await proc.clock.outside(createSelfSignedServer('localhost', proc.clock.nowMs()))
  if (!flags.has('tls-cert-file')) {
    const folder = flags.get('cert-dir') ?? 'apiserver.local.config/certificates'
    try {
      proc.fs.mkdir(folder, { recursive: true })
      proc.fs.writeFile(`${folder}/apiserver.crt`, tls.certificatePem)
      proc.fs.writeFile(`${folder}/apiserver.key`, tls.keyPem ?? '', { mode: 0o600 })
    } catch (error) {
      await proc.stderr.write(`panic: error creating self-signed certificates: open ${folder}/apiserver.crt: ${(error as Error).message.toLowerCase()}\n`)
      return 2
    }
    klog(proc, 'I', 'serving.go:380', `Generated self-signed cert (${folder}/apiserver.crt, ${folder}/apiserver.key)`)
  }
  proc.useMemory(STARTED_MEMORY_BYTES)
  proc.useCpuSteadily(2)

  const nodes = new Map<string, Node>()
  const pods = new Map<string, Pod>()
  const failing = (type: string) => (message: string) => klog(proc, 'E', 'reflector.go:200', `"Failed to watch" err="failed to list *${type}: ${message}"`)
  let nodesKnown = () => {}
  const synced = new Promise<void>((resolve) => { nodesKnown = resolve })
  void followResource<Node & { metadata: { name: string } }>({ proc, client, path: '/api/v1/nodes', onSynced: () => nodesKnown(), onChange: (key, node) => { if (node) nodes.set(key.slice(1), node); else nodes.delete(key.slice(1)) }, onError: failing('v1.Node') }).catch(() => {})
  void followResource<Pod & { metadata: { name: string } }>({ proc, client, path: '/api/v1/pods', onChange: (key, pod) => { if (pod) pods.set(key, pod); else pods.delete(key) }, onError: failing('v1.PartialObjectMetadata') }).catch(() => {})
  const storage = new MetricStorage(resolutionMs)
  klog(proc, 'I', 'handler.go:288', 'Adding GroupVersion metrics.k8s.io v1beta1 to ResourceManager')
  const api = metricsApi({ nodes, pods, storage, access, nowMs: () => proc.clock.nowMs(), onFailedProbe: (why) => klog(proc, 'I', 'server.go:191', `"Failed probe" probe="metric-storage-ready" err="${why}"`) })
  proc.net.listenHttp(port, (request: HttpRequest, peer: HttpPeer) => api(request, peer), { tls })
  klog(proc, 'I', 'secure_serving.go:211', `Serving securely on [::]:${port}`)

  const rounds = (async () => {
    await synced
    for (;;) {
      const roundMs = proc.clock.nowMs()
      storage.store(await scrapeAll(proc, [...nodes.values()], kubelets, resolutionMs * SCRAPE_SHARE))
      await proc.sleep(Math.max(0, resolutionMs - (proc.clock.nowMs() - roundMs)))
    }
  })()
  rounds.catch(() => {})
  await proc.signal('SIGTERM', 'SIGINT')
  return 0
}

interface KubeletOptions {
  addressTypes: readonly string[]
  insecure: boolean
  usesStatusPort: boolean
  port: number
  caPem?: string
}

async function scrapeAll(proc: Proc, nodes: readonly Node[], options: KubeletOptions, timeoutMs: number): Promise<Map<string, NodeBatch>> {
  const batches = new Map<string, NodeBatch>()
  await Promise.all(nodes.map(async (node) => {
    try {
      batches.set(node.metadata.name!, await scrape(proc, node, options, timeoutMs))
    } catch (error) {
      proc.killed.throwIfAborted()
      klog(proc, 'E', 'scraper.go:149', `"Failed to scrape node" err=${JSON.stringify((error as Error).message)} node="${node.metadata.name}"`)
    }
  }))
  return batches
}

async function scrape(proc: Proc, node: Node, { addressTypes, insecure, usesStatusPort, port: fixedPort, caPem }: KubeletOptions, timeoutMs: number): Promise<NodeBatch> {
  const addresses = node.status?.addresses ?? []
  const host = addressTypes.map((type) => addresses.find((candidate) => candidate.type === type)?.address).find((address) => address !== undefined)
  if (host === undefined) throw new Error(`unable to extract connection information for node ${JSON.stringify(node.metadata.name)}: node ${node.metadata.name} had no addresses that matched types [${addressTypes.join(' ')}]`)
  const port = (usesStatusPort ? node.status?.daemonEndpoints?.kubeletEndpoint?.Port : undefined) ?? fixedPort
  const url = `https://${host}:${port}/metrics/resource`
  const deadline = new AbortController()
  const timer = proc.clock.after(timeoutMs, () => deadline.abort(new Error('context deadline exceeded')))
  try {
    const request = httpRequest(url, { headers: { authorization: `Bearer ${proc.fs.readText(ACCOUNT_TOKEN).trim()}`, accept: '*/*', 'user-agent': 'metrics-server' }, signal: deadline.signal })
    const response = await proc.net.fetch(request, { insecure, connectTimeoutMs: timeoutMs, ...(caPem ? { caPem } : {}) })
    const text = await response.text()
    if (response.status !== 200) throw new Error(`request failed, status: ${JSON.stringify(`${response.status} ${STATUS_TEXT[response.status] ?? ''}`)}`)
    return parseResourceMetrics(text, proc.clock.nowMs())
  } catch (error) {
    const message = (error as Error).message
    throw message.startsWith('request failed') ? error : new Error(`Get ${JSON.stringify(url)}: ${goNetError(error, host, port)}`)
  } finally {
    timer.cancel()
  }
}

const STATUS_TEXT: Readonly<Record<number, string>> = { 401: 'Unauthorized', 403: 'Forbidden', 404: 'Not Found', 500: 'Internal Server Error', 503: 'Service Unavailable' }

/** `15s`, `1m`, `1m30s`. */
function seconds(duration: string): number {
  let sum = 0
  for (const [, count, unit] of duration.matchAll(/([\d.]+)(h|ms|m|s)/g)) sum += Number(count) * { h: 3600, m: 60, s: 1, ms: 0.001 }[unit as 'h']
  return sum
}
