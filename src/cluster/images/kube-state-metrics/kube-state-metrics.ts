import { lazyProgram } from '../../../unix/lazy-program.ts'
import { defineImage } from '../image.ts'
import type { ImageDefinition } from '../image.ts'

const VERSIONS = ['2.4.1', '2.4.2', '2.5.0', '2.6.0', '2.7.0', '2.8.0', '2.8.1', '2.8.2', '2.9.0', '2.9.1', '2.9.2', '2.10.0', '2.10.1', '2.11.0', '2.12.0', '2.13.0', '2.14.0', '2.15.0', '2.16.0', '2.17.0', '2.18.0', '2.19.0', '2.19.1', '2.20.0']

const imageOf = (repository: string): ImageDefinition => defineImage({
  repository, tags: VERSIONS.map((version) => `v${version}`), sizeBytes: 14_000_000, entrypoint: ['/kube-state-metrics', '--port=8080', '--telemetry-port=8081'], user: '65534', exposedPorts: [8080, 8081],
  variants: Object.fromEntries(VERSIONS.map((version) => [`v${version}`, { programs: { '/kube-state-metrics': lazyProgram(async () => { const { kubeStateMetrics } = await import('./program.ts'); return (proc) => kubeStateMetrics(proc, version) }) } }])),
})

// @k8s part: kube-state-metrics: pods, workloads, jobs, nodes, namespaces, Services, volumes, autoscalers, budgets, quotas, ConfigMaps, Secrets, Ingresses and Endpoints with their usual metrics, chosen by --resources, --namespaces, --metric-allowlist and --metric-denylist, labels by --metric-labels-allowlist; other resources, annotations, custom resources, sharding and the less used metrics are missing
/** What the state of a cluster's objects is, as metrics. */
export const kubeStateMetricsImages: readonly ImageDefinition[] = [imageOf('registry.k8s.io/kube-state-metrics/kube-state-metrics')]
