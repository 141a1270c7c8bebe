import { imageProgram } from '../../../unix/lazy-program.ts'
import { defineImage } from '../image.ts'

/** Collects what the kubelets measure and serves it as metrics.k8s.io, an API server behind the cluster's own; as Kubernetes' registry and k3s' mirror have it. */
export const metricsServerImages = ['registry.k8s.io/metrics-server/metrics-server', 'docker.io/rancher/mirrored-metrics-server'].map((repository) => defineImage({
  repository, tags: ['v0.6.4', 'v0.7.0', 'v0.7.1', 'v0.7.2', 'v0.8.0', 'v0.8.1'], sizeBytes: 21_000_000,
  entrypoint: ['/metrics-server'], user: '65534', programs: { '/metrics-server': imageProgram(async () => (await import('./metrics-server-program.ts')).metricsServer) },
}))
