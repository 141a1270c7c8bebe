import type { MetricFamily } from '../../../../base/prometheus.ts'
import type { ApiContext } from './api.ts'

/** What Prometheus tells of itself. */
export function ownMetrics({ server, goVersion, revision, branch }: ApiContext, usage: { cpuSeconds: number; memoryBytes: number; requests: ReadonlyMap<string, number> }): MetricFamily[] {
  const { storage, options } = server
  const gauge = (name: string, help: string, value: number): MetricFamily => ({ name, help, type: 'gauge', samples: [{ value }] })
  const counter = (name: string, help: string, value: number): MetricFamily => ({ name, help, type: 'counter', samples: [{ value }] })
  const pools = [...server.pools.values()]
  const groupLabel = (file: string, name: string) => ({ rule_group: `${file};${name}` })
  return [
    { name: 'prometheus_build_info', help: "A metric with a constant '1' value labeled by version, revision, branch, goversion from which prometheus was built, and the goos and goarch for the build.", type: 'gauge', samples: [{ labels: { branch, goarch: 'amd64', goos: 'linux', goversion: goVersion, revision, tags: 'netgo,builtinassets', version: options.version }, value: 1 }] },
    gauge('prometheus_ready', 'Whether Prometheus startup was fully completed and the server is ready for normal operation.', 1),
    gauge('prometheus_config_last_reload_successful', 'Whether the last configuration reload attempt was successful.', server.lastReloadOk ? 1 : 0),
    gauge('prometheus_config_last_reload_success_timestamp_seconds', 'Timestamp of the last successful configuration reload.', server.lastReloadMs / 1000),
    gauge('prometheus_tsdb_head_series', 'Total number of series in the head block.', storage.seriesCount),
    counter('prometheus_tsdb_head_series_created_total', 'Total number of series created in the head', storage.createdSeries),
    counter('prometheus_tsdb_head_series_removed_total', 'Total number of series removed in the head', storage.removedSeries),
    { name: 'prometheus_tsdb_head_samples_appended_total', help: 'Total number of appended samples.', type: 'counter', samples: [{ labels: { type: 'float' }, value: storage.appendedSamples }] },
    { name: 'prometheus_tsdb_out_of_order_samples_total', help: 'Total number of out of order samples ingestion failed attempts due to out of order being disabled.', type: 'counter', samples: [{ labels: { type: 'float' }, value: storage.outOfOrderSamples }] },
    gauge('prometheus_tsdb_head_chunks_storage_size_bytes', 'Size of the chunks_head directory.', storage.bytes),
    { name: 'prometheus_target_scrape_pool_targets', help: 'Current number of targets in this scrape pool.', type: 'gauge', samples: pools.map((pool) => ({ labels: { scrape_job: pool.config.jobName }, value: pool.loops.size })) },
    { name: 'prometheus_sd_discovered_targets', help: 'Current number of discovered targets.', type: 'gauge', samples: pools.map((pool) => ({ labels: { config: pool.config.jobName, name: 'scrape' }, value: pool.loops.size + pool.dropped.length })) },
    { name: 'prometheus_rule_group_interval_seconds', help: 'The interval of a rule group.', type: 'gauge', samples: server.groups.map(({ spec, intervalMs }) => ({ labels: groupLabel(spec.file, spec.name), value: intervalMs / 1000 })) },
    { name: 'prometheus_rule_group_last_duration_seconds', help: 'The duration of the last rule group evaluation.', type: 'gauge', samples: server.groups.map(({ spec, tookMs }) => ({ labels: groupLabel(spec.file, spec.name), value: tookMs / 1000 })) },
    { name: 'prometheus_rule_group_rules', help: 'The number of rules.', type: 'gauge', samples: server.groups.map(({ spec, rules: own }) => ({ labels: groupLabel(spec.file, spec.name), value: own.length })) },
    { name: 'prometheus_notifications_sent_total', help: 'Total number of alerts sent.', type: 'counter', samples: server.alertmanagerUrls.map((alertmanager) => ({ labels: { alertmanager }, value: server.notificationsSent })) },
    { name: 'prometheus_notifications_errors_total', help: 'Total number of sent alerts affected by errors.', type: 'counter', samples: server.alertmanagerUrls.map((alertmanager) => ({ labels: { alertmanager }, value: server.notificationErrors })) },
    gauge('prometheus_notifications_alertmanagers_discovered', 'The number of alertmanagers discovered and active.', server.alertmanagerUrls.length),
    { name: 'prometheus_http_requests_total', help: 'Counter of HTTP requests.', type: 'counter', samples: [...usage.requests].map(([key, value]) => { const [code = '', handler = ''] = key.split(' '); return { labels: { code, handler }, value } }) },
    { name: 'go_info', help: 'Information about the Go environment.', type: 'gauge', samples: [{ labels: { version: goVersion }, value: 1 }] },
    counter('process_cpu_seconds_total', 'Total user and system CPU time spent in seconds.', usage.cpuSeconds),
    gauge('process_resident_memory_bytes', 'Resident memory size in bytes.', usage.memoryBytes),
    gauge('process_start_time_seconds', 'Start time of the process since unix epoch in seconds.', server.startedMs / 1000),
  ]
}
