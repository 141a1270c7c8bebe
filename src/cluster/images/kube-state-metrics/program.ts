import type { MetricFamily, Sample } from '../../../base/prometheus.ts'
import { PROMETHEUS_TYPE, prometheusPieces, prometheusText } from '../../../base/prometheus.ts'
import type { Proc } from '../../../unix/types.ts'
import { goPattern } from '../../kinds/go-pattern.ts'
import { clusterClient } from '../in-cluster/cluster-client.ts'
import { klog } from '../in-cluster/klog.ts'
import { watchResource } from '../in-cluster/watched-resource.ts'
import { clusterMetrics } from './cluster-metrics.ts'
import type { Metric, ResourceMetrics } from './family.ts'
import { gauge, sanitized } from './family.ts'
import { podMetrics } from './pod-metrics.ts'
import { workloadMetrics } from './workload-metrics.ts'

type Any = { metadata: { name?: string; namespace?: string; labels?: Readonly<Record<string, string>>; resourceVersion?: string } }

const ALL = [podMetrics, ...workloadMetrics, ...clusterMetrics] as unknown as readonly ResourceMetrics<Any>[]
const STARTED_MEMORY_BYTES = 24 * 2 ** 20
/** Those that are there in the original and not here: asked for, they are told of. */
const MISSING = ['certificatesigningrequests', 'clusterrolebindings', 'clusterroles', 'customresourcedefinitions', 'endpointslices', 'ingressclasses', 'leases', 'limitranges', 'mutatingwebhookconfigurations', 'networkpolicies', 'replicationcontrollers', 'rolebindings', 'roles', 'serviceaccounts', 'storageclasses', 'validatingwebhookconfigurations', 'volumeattachments']
const FOLLOWED = ['resources', 'namespaces', 'port', 'telemetry-port', 'host', 'telemetry-host', 'metric-labels-allowlist', 'metric-allowlist', 'metric-denylist']
/** Those that change nothing to be seen here. */
const QUIET = ['v', 'use-apiserver-cache', 'enable-gzip-encoding', 'auto-gomemlimit', 'server-read-timeout', 'server-write-timeout', 'server-idle-timeout', 'logtostderr', 'alsologtostderr', 'stderrthreshold']

/** The program `kube-state-metrics`. */
export async function kubeStateMetrics(proc: Proc, version: string): Promise<number> {
  const flags = new Map(proc.argv.slice(1).map((argument) => { const [name = '', ...value] = argument.replace(/^--?/, '').split('='); return [name, value.length > 0 ? value.join('=') : 'true'] }))
  if (flags.has('version') || proc.argv[1] === 'version') { await proc.stdout.write(`kube-state-metrics, version v${version} (branch: , revision: unknown)\n`); return 0 }
  const strange = [...flags.keys()].find((name) => !FOLLOWED.includes(name) && !QUIET.includes(name))
  if (strange !== undefined) {
    await proc.stderr.write(`Error: unknown flag, or one that is not supported by this build: --${strange}\n`)
    return 1
  }
  const list = (name: string) => (flags.get(name) ?? '').split(',').map((each) => each.trim()).filter(Boolean)
  const wanted = list('resources')
  const unknown = wanted.find((name) => !ALL.some(({ resource }) => resource === name) && !MISSING.includes(name))
  if (unknown !== undefined) { await proc.stderr.write(`Failed to set up resources: resource ${unknown} does not exist\n`); return 1 }
  for (const name of wanted) if (MISSING.includes(name)) klog(proc, 'W', 'builder.go:110', `Metrics of ${name} are not supported by this build`)
  const namespaces = list('namespaces')
  const patterns = (name: string) => list(name).map((pattern) => goPattern(`^(?:${pattern})$`))
  const [allowed, denied] = [patterns('metric-allowlist'), patterns('metric-denylist')]
  const labelsOf = new Map([...(flags.get('metric-labels-allowlist') ?? '').matchAll(/([\w./*-]+)=\[([^\]]*)\]/g)].map((match) => [match[1]!, match[2]!.split(',')]))
  const client = clusterClient(proc, `kube-state-metrics/v${version}`)
  const followed = ALL.filter(({ resource }) => wanted.length === 0 || wanted.includes(resource)).map((kind) => {
    const names = labelsOf.get(kind.resource) ?? labelsOf.get('*')
    const metrics = [...kind.metrics, ...names ? [labelMetric(kind, names)] : []].filter(({ name }) => (allowed.length === 0 || allowed.some((pattern) => pattern.test(name))) && !denied.some((pattern) => pattern.test(name)))
    const stores = (kind.isNamespaced && namespaces.length > 0 ? namespaces.map((namespace) => `/namespaces/${namespace}`) : ['']).map((folder) => watchResource<Any>(proc, client, `${kind.group}${folder}/${kind.resource}`, () => {}, (message) => klog(proc, 'E', 'reflector.go:200', `"Failed to watch" err=${JSON.stringify(`failed to list ${kind.resource}: ${message}`)}`)).objects)
    return { kind, metrics, stores }
  })
  proc.useMemory(STARTED_MEMORY_BYTES)
  proc.useCpuSteadily(1)
  const plain = (text: string, status = 200) => new Response(text, { status, headers: { 'content-type': 'text/plain; charset=utf-8' } })
  const own = (): MetricFamily[] => [
    { name: 'kube_state_metrics_build_info', help: "A metric with a constant '1' value labeled by version, revision, branch, goversion from which kube_state_metrics was built.", type: 'gauge', samples: [{ labels: { branch: '', goarch: 'amd64', goos: 'linux', goversion: 'go1.26', revision: 'unknown', version: `v${version}` }, value: 1 }] },
    { name: 'kube_state_metrics_total_shards', help: 'Number of total shards this instance is aware of', type: 'gauge', samples: [{ value: 1 }] },
  ]
  proc.net.listenHttp(Number(flags.get('port') ?? 8080), async ({ url }) => {
    switch (new URL(url).pathname) {
      case '/metrics': {
        let text = ''
        for (const { kind, metrics, stores } of followed) {
          for (const { name, help, type, samples } of metrics) {
            for (const piece of prometheusPieces([{ name, help, type, samples: samplesOf(kind, samples, stores) }])) {
              text += piece
              await proc.clock.breathe()
            }
          }
        }
        return new Response(text, { headers: { 'content-type': PROMETHEUS_TYPE } })
      }
      case '/healthz': case '/livez': return plain('OK')
      case '/': return new Response(`<html><head><title>Kube Metrics Server</title></head><body><h1>kube-state-metrics</h1><ul><li><a href='/metrics'>metrics</a></li><li><a href='/healthz'>healthz</a></li></ul></body></html>`, { headers: { 'content-type': 'text/html' } })
      default: return plain('404 page not found\n', 404)
    }
  })
  proc.net.listenHttp(Number(flags.get('telemetry-port') ?? 8081), ({ url }) => {
    switch (new URL(url).pathname) {
      case '/metrics': return new Response(prometheusText(own()), { headers: { 'content-type': PROMETHEUS_TYPE } })
      case '/readyz': return plain('OK')
      default: return plain('404 page not found\n', 404)
    }
  })
  klog(proc, 'I', 'server.go:340', '"Started metrics server" metricsServerAddress="[::]:8080"')
  await proc.signal('SIGTERM', 'SIGINT')
  return 0
}

function* samplesOf(kind: ResourceMetrics<Any>, samples: Metric<Any>['samples'], stores: readonly ReadonlyMap<string, Any>[]): Generator<Sample> {
  for (const objects of stores) for (const object of objects.values()) for (const sample of samples(object)) if (sample) yield { labels: { ...kind.identity(object), ...sample.labels }, value: sample.value }
}

/** `kube_pod_labels` and its like: chosen labels of objects as labels of a metric. */
function labelMetric(kind: ResourceMetrics<Any>, names: readonly string[]) {
  const singular = kind.metrics[0]!.name.split('_')[1]!
  return gauge<Any>(`kube_${singular}_labels`, 'Kubernetes labels converted to Prometheus labels.', ({ metadata }) => [{ labels: Object.fromEntries(Object.entries(metadata.labels ?? {}).filter(([name]) => names.includes('*') || names.includes(name)).map(([name, value]) => [`label_${sanitized(name)}`, value])), value: 1 }])
}
