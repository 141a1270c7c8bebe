import { lazyProgram } from '../../../unix/lazy-program.ts'
import { busybox } from '../busybox/busybox.ts'
import { defineImage } from '../image.ts'
import type { ImageDefinition } from '../image.ts'

const VERSIONS = ['0.24.0', '0.25.0', '0.26.0', '0.27.0', '0.28.0', '0.28.1', '0.29.0', '0.30.0']

const DEFAULT_CONFIG = `route:
  group_by: ['alertname']
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 1h
  receiver: 'web.hook'
receivers:
  - name: 'web.hook'
    webhook_configs:
      - url: 'http://127.0.0.1:5001/'
inhibit_rules:
  - source_match:
      severity: 'critical'
    target_match:
      severity: 'warning'
    equal: ['alertname', 'dev', 'instance']
`

const programs = (version: string) => ({ '/bin/alertmanager': lazyProgram(async () => { const { alertmanager } = await import('./program.ts'); return (proc) => alertmanager(proc, version) }) })

const imageOf = (repository: string): ImageDefinition => defineImage({
  repository, tags: [...VERSIONS.map((version) => `v${version}`), 'latest'], sizeBytes: 33_000_000, base: busybox, user: 'nobody', workingDir: '/alertmanager', exposedPorts: [9093], volumes: ['/alertmanager'], entrypoint: ['/bin/alertmanager'], cmd: ['--config.file=/etc/alertmanager/alertmanager.yml', '--storage.path=/alertmanager'],
  files: { '/etc/alertmanager/alertmanager.yml': DEFAULT_CONFIG, '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n', '/etc/group': 'root:x:0:\nnobody:x:65534:\n', '/alertmanager': { directory: true, mode: 0o755, uid: 65534, gid: 65534 } },
  variants: Object.fromEntries([...VERSIONS.map((version) => [`v${version}`, version]), ['latest', VERSIONS.at(-1)!]].map(([tag, version]) => [tag, { programs: programs(version!) }])),
})

// @k8s part: Alertmanager: routes, grouping, repetition, inhibition, silences and the API v2 of one instance; webhooks are called, other receivers (mail, Slack, PagerDuty and the like) lead out of the cluster and tell in the log what they would send; templates, time intervals, clustering, amtool and silences that outlast the process are missing
/** Alertmanager, as its makers publish it. */
export const alertmanagerImages: readonly ImageDefinition[] = ['docker.io/prom/alertmanager', 'quay.io/prometheus/alertmanager'].map(imageOf)
