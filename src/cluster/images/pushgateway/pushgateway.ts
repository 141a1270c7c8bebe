import { lazyProgram } from '../../../unix/lazy-program.ts'
import { busybox } from '../busybox/busybox.ts'
import { defineImage } from '../image.ts'
import type { ImageDefinition } from '../image.ts'

const VERSIONS = ['1.4.3', '1.5.1', '1.6.0', '1.6.2', '1.7.0', '1.8.0', '1.9.0', '1.10.0', '1.11.0', '1.11.1', '1.11.2']

// @k8s part: Pushgateway: PUT, POST and DELETE of groups in the text format, /metrics, and the API that lists them; what was pushed is gone after a restart, and the admin API is missing
/** Takes metrics of jobs that don't live long enough to be scraped. */
export const pushgatewayImages: readonly ImageDefinition[] = ['docker.io/prom/pushgateway', 'quay.io/prometheus/pushgateway'].map((repository) => defineImage({
  repository, tags: [...VERSIONS.map((version) => `v${version}`), 'latest'], sizeBytes: 11_000_000, base: busybox, entrypoint: ['/bin/pushgateway'], user: '65534', exposedPorts: [9091],
  programs: { '/bin/pushgateway': lazyProgram(async () => (await import('./program.ts')).pushgateway) },
}))
