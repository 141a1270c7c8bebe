import { parseDuration } from '../durations.ts'
import { isPlainLabelName } from '../labels.ts'
import { ConfigError, YamlReader } from './go-yaml.ts'
import type { YamlNode } from './go-yaml.ts'
import { readRelabelConfig } from './relabel.ts'
import type { RelabelConfig } from './relabel.ts'

/** How requests are made. k8s: prometheus/common config.HTTPClientConfig */
export interface HttpClientConfig {
  authorization?: { type: string; credentials: string; credentialsFile: string }
  basicAuth?: { username: string; password: string; passwordFile: string }
  followRedirects: boolean
  tls: { caFile: string; ca: string; certFile: string; keyFile: string; serverName: string; insecure: boolean }
}

export interface StaticGroup {
  targets: readonly string[]
  labels: Readonly<Record<string, string>>
}

export type KubernetesRole = 'pod' | 'service' | 'endpoints' | 'endpointslice' | 'node' | 'ingress'
export interface KubernetesSd {
  role: KubernetesRole
  /** Empty: all. */
  namespaces: readonly string[]
  ownNamespace: boolean
  selectors: readonly { role: KubernetesRole; label: string; field: string }[]
  attachNode: boolean
}
export interface FileSd { files: readonly string[]; refreshMs: number }
export interface DnsSd { names: readonly string[]; type: string; port: number; refreshMs: number }

export interface Discovery {
  statics: readonly StaticGroup[]
  kubernetes: readonly KubernetesSd[]
  files: readonly FileSd[]
  dns: readonly DnsSd[]
}

export interface ScrapeConfig {
  jobName: string
  intervalMs: number
  timeoutMs: number
  path: string
  scheme: string
  honorLabels: boolean
  honorTimestamps: boolean
  params: Readonly<Record<string, readonly string[]>>
  /** 0: any number. */
  sampleLimit: number
  targetLimit: number
  labelLimit: number
  http: HttpClientConfig
  discovery: Discovery
  relabel: readonly RelabelConfig[]
  metricRelabel: readonly RelabelConfig[]
}

export interface AlertmanagerConfig {
  scheme: string
  pathPrefix: string
  timeoutMs: number
  http: HttpClientConfig
  discovery: Discovery
  relabel: readonly RelabelConfig[]
  alertRelabel: readonly RelabelConfig[]
}

export interface Config {
  scrapeIntervalMs: number
  scrapeTimeoutMs: number
  evaluationIntervalMs: number
  externalLabels: Readonly<Record<string, string>>
  ruleFiles: readonly string[]
  scrapeConfigs: readonly ScrapeConfig[]
  alertmanagers: readonly AlertmanagerConfig[]
  alertRelabel: readonly RelabelConfig[]
  /** As it was read. */
  text: string
}

const ROLES: readonly string[] = ['pod', 'service', 'endpoints', 'endpointslice', 'node', 'ingress']
/** Ways to find targets that lead out of the cluster. */
const FOREIGN_SD = ['azure', 'consul', 'digitalocean', 'docker', 'dockerswarm', 'ec2', 'eureka', 'gce', 'hetzner', 'http', 'ionos', 'kuma', 'lightsail', 'linode', 'marathon', 'nerve', 'nomad', 'openstack', 'ovhcloud', 'puppetdb', 'scaleway', 'serverset', 'stackit', 'triton', 'uyuni', 'vultr'].map((name) => `${name}_sd_configs`)

/** Reads prometheus.yml. @throws ConfigError in the words of prometheus config.Load */
export function loadConfig(text: string): Config {
  const yaml = new YamlReader(text)
  const { string, plain } = readers(yaml)
  const read = yaml.fields(yaml.root, 'config.plain', {
    global: (at) => readGlobal(yaml, at),
    runtime: plain, storage: plain, otlp: plain,
    tracing: refused('tracing'), remote_write: refused('remote_write'), remote_read: refused('remote_read'),
    alerting: (at) => yaml.fields(at, 'config.plain', {
      alert_relabel_configs: yaml.list('[]*relabel.Config', (each) => rule(yaml, each, 'empty or null alert relabeling rule')),
      alertmanagers: yaml.list('config.AlertmanagerConfigs', (each) => readAlertmanager(yaml, each)),
    }),
    rule_files: yaml.list('[]string', string),
    scrape_config_files: refused('scrape_config_files'),
    scrape_configs: yaml.list('[]*config.ScrapeConfig', (at) => {
      if (yaml.isNull(at)) throw new ConfigError('empty or null scrape config section')
      return readScrape(yaml, at)
    }),
  })
  yaml.finish()
  const global = read.global ?? readGlobal(yaml, { node: undefined })
  const names = new Set<string>()
  const scrapeConfigs = (read.scrape_configs ?? []).map((scrape): ScrapeConfig => {
    const intervalMs = scrape.intervalMs || global.scrapeIntervalMs
    if (scrape.timeoutMs > intervalMs) throw new ConfigError(`scrape timeout greater than scrape interval for scrape config with job name ${JSON.stringify(scrape.jobName)}`)
    const timeoutMs = scrape.timeoutMs || Math.min(global.scrapeTimeoutMs, intervalMs)
    if (names.has(scrape.jobName)) throw new ConfigError(`found multiple scrape configs with job name ${JSON.stringify(scrape.jobName)}`)
    names.add(scrape.jobName)
    return { ...scrape, intervalMs, timeoutMs }
  })
  for (const file of read.rule_files ?? []) if (!/^[^*?[\]]*(?:[*?]|\[[^\]]*\])*[^/]*$/.test(file) || /\*.*\//.test(file)) throw new ConfigError(`invalid rule file path ${JSON.stringify(file)}`)
  return {
    ...global, ruleFiles: read.rule_files ?? [], scrapeConfigs, alertmanagers: read.alerting?.alertmanagers ?? [], alertRelabel: read.alerting?.alert_relabel_configs ?? [], text,
  }
}

function readers(yaml: YamlReader) {
  return { string: yaml.string, boolean: yaml.boolean, number: yaml.number, plain: (at: YamlNode) => yaml.plain(at) ?? null }
}

/** What this build doesn't do is told, not passed over. */
function refused(field: string): (at: YamlNode) => never {
  return () => { throw new ConfigError(`${field} is not supported by this build`) }
}

function durationOf(yaml: YamlReader, at: YamlNode): number {
  try {
    return parseDuration(yaml.string(at) ?? '')
  } catch (error) {
    throw new ConfigError((error as Error).message)
  }
}

function rule(yaml: YamlReader, at: YamlNode, whenNull: string): RelabelConfig {
  if (yaml.isNull(at)) throw new ConfigError(whenNull)
  return readRelabelConfig(yaml, at)
}

function readGlobal(yaml: YamlReader, at: YamlNode) {
  const { plain, number } = readers(yaml)
  const duration = (node: YamlNode) => durationOf(yaml, node)
  const given = yaml.fields(at, 'config.plain', {
    scrape_interval: duration, scrape_timeout: duration, evaluation_interval: duration, rule_query_offset: duration, external_labels: yaml.map('labels.Labels', yaml.string),
    scrape_protocols: plain, query_log_file: plain, scrape_failure_log_file: plain, body_size_limit: plain, sample_limit: number, target_limit: number, label_limit: number, label_name_length_limit: number, label_value_length_limit: number,
    keep_dropped_targets: number, metric_name_validation_scheme: plain, metric_name_escaping_scheme: plain, scrape_native_histograms: plain, convert_classic_histograms_to_nhcb: plain, always_scrape_classic_histograms: plain, extra_scrape_metrics: plain,
  })
  const scrapeIntervalMs = given.scrape_interval || 60_000
  if ((given.scrape_timeout ?? 0) > scrapeIntervalMs) throw new ConfigError('global scrape timeout greater than scrape interval')
  for (const name of Object.keys(given.external_labels ?? {})) if (!isPlainLabelName(name)) throw new ConfigError(`${JSON.stringify(name)} is not a valid label name`)
  return { scrapeIntervalMs, scrapeTimeoutMs: given.scrape_timeout || Math.min(10_000, scrapeIntervalMs), evaluationIntervalMs: given.evaluation_interval || 60_000, externalLabels: given.external_labels ?? {} }
}

/** The fields of an HTTP client, that stand among others. */
function httpFields(yaml: YamlReader) {
  const { string, boolean, plain } = readers(yaml)
  return {
    authorization: (at: YamlNode) => yaml.fields(at, 'config.Authorization', { type: string, credentials: string, credentials_file: string, credentials_ref: string }),
    basic_auth: (at: YamlNode) => yaml.fields(at, 'config.plain', { username: string, username_file: string, password: string, password_file: string, username_ref: string, password_ref: string }),
    bearer_token: string, bearer_token_file: string, follow_redirects: boolean, enable_http2: boolean, proxy_url: plain, no_proxy: plain, proxy_from_environment: plain, http_headers: plain,
    tls_config: (at: YamlNode) => yaml.fields(at, 'config.plain', { ca: string, ca_file: string, cert: string, cert_file: string, key: string, key_file: string, server_name: string, insecure_skip_verify: boolean, min_version: string, max_version: string }),
    oauth2: refused('oauth2'),
  }
}
type HttpFields = { [K in keyof ReturnType<typeof httpFields>]?: Exclude<ReturnType<ReturnType<typeof httpFields>[K]>, undefined> }

/** k8s: prometheus/common config.HTTPClientConfig.Validate */
function httpConfig(given: HttpFields): HttpClientConfig {
  if (given.bearer_token && given.bearer_token_file) throw new ConfigError('at most one of bearer_token & bearer_token_file must be configured')
  if (given.basic_auth && (given.bearer_token || given.bearer_token_file)) throw new ConfigError('at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured')
  if (given.basic_auth?.password && given.basic_auth.password_file) throw new ConfigError('at most one of basic_auth password, password_file & password_ref must be configured')
  const { authorization } = given
  if (authorization) {
    if (given.bearer_token || given.bearer_token_file) throw new ConfigError('authorization is not compatible with bearer_token & bearer_token_file')
    if (authorization.credentials && authorization.credentials_file) throw new ConfigError('at most one of authorization credentials & credentials_file must be configured')
    if (authorization.type?.toLowerCase() === 'basic') throw new ConfigError('authorization type cannot be set to "basic", use "basic_auth" instead')
    if (given.basic_auth) throw new ConfigError('at most one of basic_auth, oauth2 & authorization must be configured')
  }
  const tls = given.tls_config ?? {}
  if (!tls.cert_file !== !tls.key_file) throw new ConfigError(tls.cert_file ? 'exactly one of key or key_file must be configured when a client certificate is configured' : 'exactly one of cert or cert_file must be configured when a client key is configured')
  const bearer = authorization ? { type: authorization.type || 'Bearer', credentials: authorization.credentials ?? '', credentialsFile: authorization.credentials_file ?? '' }
    : given.bearer_token || given.bearer_token_file ? { type: 'Bearer', credentials: given.bearer_token ?? '', credentialsFile: given.bearer_token_file ?? '' } : undefined
  return {
    ...(bearer ? { authorization: bearer } : {}),
    ...(given.basic_auth ? { basicAuth: { username: given.basic_auth.username ?? '', password: given.basic_auth.password ?? '', passwordFile: given.basic_auth.password_file ?? '' } } : {}),
    followRedirects: given.follow_redirects ?? true,
    tls: { caFile: tls.ca_file ?? '', ca: tls.ca ?? '', certFile: tls.cert_file ?? '', keyFile: tls.key_file ?? '', serverName: tls.server_name ?? '', insecure: tls.insecure_skip_verify ?? false },
  }
}

function discoveryFields(yaml: YamlReader) {
  const { string, plain, number } = readers(yaml)
  const duration = (node: YamlNode) => durationOf(yaml, node)
  return {
    ...Object.fromEntries(FOREIGN_SD.map((name) => [name, refused(name)])) as Record<string, (at: YamlNode) => never>,
    static_configs: yaml.list('[]*targetgroup.Group', (at): StaticGroup => {
      const { targets, labels } = yaml.fields(at, 'struct { Targets []string "yaml:\\"targets\\""; Labels model.LabelSet "yaml:\\"labels\\"" }', { targets: yaml.list('[]string', string), labels: yaml.map('model.LabelSet', string) })
      for (const target of targets ?? []) if (target.includes('/')) throw new ConfigError(`${JSON.stringify(target)} is not a valid hostname`)
      for (const name of Object.keys(labels ?? {})) if (!isPlainLabelName(name)) throw new ConfigError(`${JSON.stringify(name)} is not a valid label name`)
      return { targets: targets ?? [], labels: labels ?? {} }
    }),
    kubernetes_sd_configs: yaml.list('[]*kubernetes.SDConfig', (at): KubernetesSd => {
      const given = yaml.fields(at, 'kubernetes.plain', {
        role: string, api_server: string, kubeconfig_file: string, namespaces: (node) => yaml.fields(node, 'kubernetes.plain', { names: yaml.list('[]string', string), own_namespace: yaml.boolean }),
        selectors: yaml.list('[]kubernetes.SelectorConfig', (node) => yaml.fields(node, 'kubernetes.plain', { role: string, label: string, field: string })),
        attach_metadata: (node) => yaml.fields(node, 'kubernetes.AttachMetadataConfig', { node: yaml.boolean, namespace: yaml.boolean, deployment: yaml.boolean, job: yaml.boolean, cronjob: yaml.boolean }), ...httpFields(yaml),
      })
      if (given.role === undefined) throw new ConfigError('role missing (one of: pod, service, endpoints, endpointslice, node, ingress)')
      if (!ROLES.includes(given.role)) throw new ConfigError(`unknown Kubernetes SD role ${JSON.stringify(given.role)}`)
      if (given.api_server || given.kubeconfig_file) throw new ConfigError(`${given.api_server ? 'api_server' : 'kubeconfig_file'} of kubernetes_sd_configs is not supported by this build`)
      const { namespace, deployment, job, cronjob } = given.attach_metadata ?? {}
      if (namespace || deployment || job || cronjob) throw new ConfigError('attach_metadata of kubernetes_sd_configs is supported for nodes only by this build')
      return { role: given.role as KubernetesRole, namespaces: given.namespaces?.names ?? [], ownNamespace: given.namespaces?.own_namespace ?? false, selectors: (given.selectors ?? []).map(({ role, label, field }) => ({ role: role as KubernetesRole, label: label ?? '', field: field ?? '' })), attachNode: given.attach_metadata?.node ?? false }
    }),
    file_sd_configs: yaml.list('[]*file.SDConfig', (at): FileSd => {
      const { files, refresh_interval } = yaml.fields(at, 'file.plain', { files: yaml.list('[]string', string), refresh_interval: duration })
      if (!files?.length) throw new ConfigError('file service discovery config must contain at least one path name')
      for (const name of files) if (!/^[^*]*(?:\*[^*/]*)?\.(?:json|yml|yaml|JSON|YML|YAML)$/.test(name)) throw new ConfigError(`path name ${JSON.stringify(name)} is not valid for file discovery`)
      return { files, refreshMs: refresh_interval || 300_000 }
    }),
    dns_sd_configs: yaml.list('[]*dns.SDConfig', (at): DnsSd => {
      const { names, type, port, refresh_interval } = yaml.fields(at, 'dns.plain', { names: yaml.list('[]string', string), type: string, port: number, refresh_interval: duration })
      if (!names?.length) throw new ConfigError('DNS-SD config must contain at least one SRV record name')
      const kind = (type ?? 'SRV').toUpperCase()
      if (kind !== 'A' && kind !== 'AAAA') throw new ConfigError(['SRV', 'MX', 'NS'].includes(kind) ? `${kind} records of dns_sd_configs are not supported by this build` : `invalid DNS-SD records type ${kind}`)
      if (port === undefined) throw new ConfigError('a port is required in DNS-SD configs for all record types except SRV')
      return { names, type: kind, port, refreshMs: refresh_interval || 30_000 }
    }),
    scrape_protocols: plain,
  }
}
type DiscoveryFields = { static_configs?: StaticGroup[]; kubernetes_sd_configs?: KubernetesSd[]; file_sd_configs?: FileSd[]; dns_sd_configs?: DnsSd[] }

const discoveryOf = (given: DiscoveryFields): Discovery => ({ statics: given.static_configs ?? [], kubernetes: given.kubernetes_sd_configs ?? [], files: given.file_sd_configs ?? [], dns: given.dns_sd_configs ?? [] })

function readScrape(yaml: YamlReader, at: YamlNode): ScrapeConfig {
  const { string, boolean, number, plain } = readers(yaml)
  const duration = (node: YamlNode) => durationOf(yaml, node)
  const given = yaml.fields(at, 'config.ScrapeConfig', {
    ...discoveryFields(yaml), ...httpFields(yaml),
    job_name: string, honor_labels: boolean, honor_timestamps: boolean, track_timestamps_staleness: boolean, params: yaml.map('url.Values', yaml.list('[]string', string)), scrape_interval: duration, scrape_timeout: duration,
    fallback_scrape_protocol: plain, scrape_native_histograms: plain, always_scrape_classic_histograms: plain, scrape_classic_histograms: plain, convert_classic_histograms_to_nhcb: plain, scrape_failure_log_file: plain, metrics_path: string, scheme: string, enable_compression: boolean, body_size_limit: plain,
    sample_limit: number, target_limit: number, label_limit: number, label_name_length_limit: number, label_value_length_limit: number, native_histogram_bucket_limit: number, native_histogram_min_bucket_factor: plain, keep_dropped_targets: number,
    metric_name_validation_scheme: plain, metric_name_escaping_scheme: plain, extra_scrape_metrics: plain,
    relabel_configs: yaml.list('[]*relabel.Config', (each) => rule(yaml, each, 'empty or null target relabeling rule in scrape config')),
    metric_relabel_configs: yaml.list('[]*relabel.Config', (each) => rule(yaml, each, 'empty or null metric relabeling rule in scrape config')),
  })
  if (!given.job_name) throw new ConfigError('job_name is empty')
  return {
    jobName: given.job_name, intervalMs: given.scrape_interval ?? 0, timeoutMs: given.scrape_timeout ?? 0, path: given.metrics_path ?? '/metrics', scheme: given.scheme ?? 'http', honorLabels: given.honor_labels ?? false, honorTimestamps: given.honor_timestamps ?? true, params: given.params ?? {},
    sampleLimit: given.sample_limit ?? 0, targetLimit: given.target_limit ?? 0, labelLimit: given.label_limit ?? 0, http: httpConfig(given), discovery: discoveryOf(given), relabel: given.relabel_configs ?? [], metricRelabel: given.metric_relabel_configs ?? [],
  }
}

function readAlertmanager(yaml: YamlReader, at: YamlNode): AlertmanagerConfig {
  const given = yaml.fields(at, 'config.AlertmanagerConfig', {
    ...discoveryFields(yaml), ...httpFields(yaml), scheme: yaml.string, path_prefix: yaml.string, timeout: (node: YamlNode) => durationOf(yaml, node), api_version: yaml.string,
    relabel_configs: yaml.list('[]*relabel.Config', (each) => rule(yaml, each, 'empty or null Alertmanager target relabeling rule')),
    alert_relabel_configs: yaml.list('[]*relabel.Config', (each) => rule(yaml, each, 'empty or null Alertmanager alert relabeling rule')),
  })
  if (given.api_version && given.api_version !== 'v2') throw new ConfigError(`expected Alertmanager api version to be one of [v2] but got ${given.api_version}`)
  return { scheme: given.scheme ?? 'http', pathPrefix: given.path_prefix ?? '', timeoutMs: given.timeout || 10_000, http: httpConfig(given), discovery: discoveryOf(given), relabel: given.relabel_configs ?? [], alertRelabel: given.alert_relabel_configs ?? [] }
}
