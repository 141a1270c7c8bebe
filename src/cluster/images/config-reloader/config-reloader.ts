import { lazyProgram } from '../../../unix/lazy-program.ts'
import { defineImage } from '../image.ts'
import type { ImageDefinition } from '../image.ts'

const VERSIONS = ['0.68.0', '0.70.0', '0.71.2', '0.72.0', '0.73.0', '0.73.2', '0.74.0', '0.75.0', '0.75.2', '0.76.0', '0.76.1', '0.77.0', '0.77.1', '0.78.0', '0.78.2', '0.79.0', '0.79.2', '0.80.0', '0.80.1', '0.81.0', '0.82.0', '0.82.2', '0.83.0', '0.84.0', '0.84.1', '0.85.0', '0.86.0', '0.86.1', '0.86.2', '0.87.0', '0.87.1', '0.88.0', '0.88.1', '0.89.0']

// @k8s part: prometheus-config-reloader: asks for a reload when files of --watched-dir or --config-file change; --config-envsubst-file, signals and compressed files are missing
/** What stands beside Prometheus and Alertmanager, and has them read their changed files. */
export const configReloaderImages: readonly ImageDefinition[] = [defineImage({
  repository: 'quay.io/prometheus-operator/prometheus-config-reloader', tags: VERSIONS.map((version) => `v${version}`), sizeBytes: 14_000_000, entrypoint: ['/bin/prometheus-config-reloader'], user: '65534:65534',
  programs: { '/bin/prometheus-config-reloader': lazyProgram(async () => (await import('./program.ts')).configReloader) },
})]
