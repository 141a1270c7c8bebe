import { lazyProgram } from '../../../unix/lazy-program.ts'
import { busybox } from '../busybox/busybox.ts'
import { defineImage } from '../image.ts'
import type { ImageDefinition } from '../image.ts'

const VERSIONS = ['2.37.0', '2.40.0', '2.40.7', '2.41.0', '2.42.0', '2.43.0', '2.44.0', '2.45.0', '2.46.0', '2.47.0', '2.47.1', '2.48.0', '2.48.1', '2.49.0', '2.49.1', '2.50.0', '2.50.1', '2.51.0', '2.51.1', '2.51.2', '2.52.0', '2.53.0', '2.53.1', '2.54.0', '2.54.1', '2.55.0', '2.55.1',
  '3.0.0', '3.0.1', '3.1.0', '3.2.0', '3.2.1', '3.3.0', '3.4.0', '3.4.1', '3.4.2', '3.5.0', '3.6.0', '3.7.0', '3.7.1', '3.7.2', '3.7.3', '3.8.0', '3.8.1', '3.9.0', '3.9.1', '3.10.0', '3.11.0', '3.11.1', '3.11.2', '3.11.3', '3.12.0', '3.13.0', '3.13.1', '3.13.2', '3.14.0']
const LATEST = VERSIONS.at(-1)!

/** What the image brings: it scrapes itself. */
const DEFAULT_CONFIG = `global:
  scrape_interval: 15s
  evaluation_interval: 15s

alerting:
  alertmanagers:
    - static_configs:
        - targets:
          # - alertmanager:9093

rule_files:
  # - "first_rules.yml"
  # - "second_rules.yml"

scrape_configs:
  - job_name: "prometheus"
    static_configs:
      - targets: ["localhost:9090"]
        labels:
          app: "prometheus"
`

const programs = (version: string) => ({
  '/bin/prometheus': lazyProgram(async () => { const { prometheus } = await import('./main.ts'); return (proc) => prometheus(proc, version) }),
  '/bin/promtool': lazyProgram(async () => { const { promtool } = await import('./promtool.ts'); return (proc) => promtool(proc, version) }),
})

const imageOf = (repository: string): ImageDefinition => defineImage({
  repository, tags: [...VERSIONS.map((version) => `v${version}`), 'latest', 'main'], sizeBytes: 110_000_000, base: busybox, user: 'nobody', workingDir: '/prometheus', exposedPorts: [9090], volumes: ['/prometheus'],
  entrypoint: ['/bin/prometheus'], cmd: ['--config.file=/etc/prometheus/prometheus.yml', '--storage.tsdb.path=/prometheus', '--web.console.libraries=/usr/share/prometheus/console_libraries', '--web.console.templates=/usr/share/prometheus/consoles'],
  files: { '/etc/prometheus/prometheus.yml': { content: DEFAULT_CONFIG, uid: 65534, gid: 65534 }, '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n', '/etc/group': 'root:x:0:\nnobody:x:65534:\nnogroup:x:65534:\n', '/prometheus': { directory: true, mode: 0o755, uid: 65534, gid: 65534 } },
  variants: Object.fromEntries([...VERSIONS.map((version) => [`v${version}`, version]), ['latest', LATEST], ['main', LATEST]].map(([tag, version]) => [tag, { programs: programs(version!), ...(version!.startsWith('2') ? {} : { cmd: ['--config.file=/etc/prometheus/prometheus.yml', '--storage.tsdb.path=/prometheus'] }) }])),
})

// @k8s part: Prometheus: scraping (static, file, DNS A, Kubernetes discovery in its own cluster; relabeling), PromQL, rules, alerts, federation, the HTTP API, promtool's checks and queries; samples are kept in memory up to 96 MiB whatever the retention is, and written to the data directory once a minute in a form of its own; native histograms, exemplars, remote read and write, OTLP, agent mode, other ways of discovery, OpenMetrics' own syntax, web.config.file, `query` in templates, `info()` and `limit_ratio()` are missing, /status/config shows the file and /format_query the query as they are, and the pages are plain ones
/** Prometheus, as its makers publish it. */
export const prometheusImages: readonly ImageDefinition[] = ['docker.io/prom/prometheus', 'quay.io/prometheus/prometheus'].map(imageOf)
