import { lazyProgram } from '../../../unix/lazy-program.ts'
import { alpine } from '../alpine.ts'
import { debian } from '../debian.ts'
import { defineImage } from '../image.ts'

const FORWARD_PORT = 24_224

/** What the image's configuration says: takes what others forward, and writes it to files. */
const CONFIGURATION = `<source>
  @type  forward
  @id    input1
  @label @mainstream
  port  ${FORWARD_PORT}
</source>

<filter **>
  @type stdout
</filter>

<label @mainstream>
  <match docker.**>
    @type file
    @id   output_docker1
    path         /fluentd/log/docker.*.log
    symlink_path /fluentd/log/docker.log
    append       true
  </match>
  <match **>
    @type file
    @id   output1
    path         /fluentd/log/data.*.log
    symlink_path /fluentd/log/data.log
    append       true
  </match>
</label>
`

const fluentd = (version: string) => lazyProgram(async () => (await import('./fluentd-program.ts')).fluentd(version))
const fluentBit = (version: string) => lazyProgram(async () => (await import('./fluent-bit-program.ts')).fluentBit(version))

const VERSIONS: Readonly<Record<string, string>> = {
  'v0.12': '0.12.43', 'v0.14': '0.14.25', 'v0.14.10': '0.14.10', 'v1.0': '1.0.2', 'v1.0.2': '1.0.2', 'v1.2': '1.2.6', 'v1.9': '1.9.3', 'v1.14': '1.14.6', 'v1.16': '1.16.9', 'v1.16-1': '1.16.9', 'v1.17': '1.17.1', 'v1.18': '1.18.0', 'v1.19': '1.19.0', latest: '1.3.2',
}
const programs = (version: string) => ({ '/usr/bin/fluentd': fluentd(version) })
const byTag = (versions: Readonly<Record<string, string>>) => Object.fromEntries(Object.entries(versions).map(([tag, version]) => [tag, { programs: programs(version) }]))

export const fluentdImage = defineImage({
  repository: 'docker.io/fluent/fluentd', tags: Object.keys(VERSIONS), sizeBytes: 17_400_000, base: alpine, exposedPorts: [FORWARD_PORT, 5140], cmd: ['/bin/sh', '-c', 'exec fluentd -c /fluentd/etc/${FLUENTD_CONF} -p /fluentd/plugins $FLUENTD_OPT'],
  env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', FLUENTD_CONF: 'fluent.conf', FLUENTD_OPT: '' },
  files: { '/fluentd/etc/fluent.conf': CONFIGURATION, '/fluentd/log': { directory: true, mode: 0o777 }, '/fluentd/plugins': { directory: true } },
  programs: programs('1.3.2'), variants: byTag(VERSIONS),
})

/** What the DaemonSet's image reads of containers, and where it sends it. */
const KUBERNETES_CONFIGURATION = {
  'fluent.conf': `@include kubernetes.conf
@include conf.d/*.conf

<match **>
  @type elasticsearch
  @id out_es
  @log_level info
  include_tag_key true
  host "#{ENV['FLUENT_ELASTICSEARCH_HOST']}"
  port "#{ENV['FLUENT_ELASTICSEARCH_PORT']}"
  scheme "#{ENV['FLUENT_ELASTICSEARCH_SCHEME'] || 'http'}"
  user "#{ENV['FLUENT_ELASTICSEARCH_USER'] || use_default}"
  password "#{ENV['FLUENT_ELASTICSEARCH_PASSWORD'] || use_default}"
  logstash_prefix "#{ENV['FLUENT_ELASTICSEARCH_LOGSTASH_PREFIX'] || 'logstash'}"
  logstash_format "#{ENV['FLUENT_ELASTICSEARCH_LOGSTASH_FORMAT'] || 'true'}"
  index_name "#{ENV['FLUENT_ELASTICSEARCH_LOGSTASH_INDEX_NAME'] || 'logstash'}"
  <buffer>
    flush_interval "#{ENV['FLUENT_ELASTICSEARCH_BUFFER_FLUSH_INTERVAL'] || '5s'}"
  </buffer>
</match>
`,
  'kubernetes.conf': `<label @FLUENT_LOG>
  <match fluent.**>
    @type null
    @id ignore_fluent_logs
  </match>
</label>

<source>
  @type tail
  @id in_tail_container_logs
  path "#{ENV['FLUENT_CONTAINER_TAIL_PATH'] || '/var/log/containers/*.log'}"
  pos_file "#{ENV['FLUENT_CONTAINER_TAIL_POS_FILE'] || '/var/log/fluentd-containers.log.pos'}"
  tag "#{ENV['FLUENT_CONTAINER_TAIL_TAG'] || 'kubernetes.*'}"
  exclude_path "#{ENV['FLUENT_CONTAINER_TAIL_EXCLUDE_PATH'] || use_default}"
  read_from_head true
  @include tail_container_parse.conf
</source>

<filter kubernetes.**>
  @type kubernetes_metadata
  @id filter_kube_metadata
</filter>
`,
  'tail_container_parse.conf': `<parse>
  @type "#{ENV['FLUENT_CONTAINER_TAIL_PARSER_TYPE'] || 'cri'}"
  time_format "#{ENV['FLUENT_CONTAINER_TAIL_PARSER_TIME_FORMAT'] || '%Y-%m-%dT%H:%M:%S.%N%:z'}"
</parse>
`,
}
const DAEMONSET_VERSIONS: Readonly<Record<string, string>> = {
  'v1-debian-elasticsearch': '1.16.3', 'v1.14-debian-elasticsearch7-1': '1.14.6', 'v1.15-debian-elasticsearch7-1': '1.15.3', 'v1.16-debian-elasticsearch7-1': '1.16.3', 'v1.16-debian-elasticsearch8-1': '1.16.3', 'v1.16-debian-elasticsearch8-2': '1.16.3', 'v1.17-debian-elasticsearch8-1': '1.17.1', 'v1.18-debian-elasticsearch8-1': '1.18.0',
}

/** fluentd for a DaemonSet: all containers of a node, with their pods' names, to Elasticsearch. */
export const fluentdDaemonsetImage = defineImage({
  repository: 'docker.io/fluent/fluentd-kubernetes-daemonset', tags: Object.keys(DAEMONSET_VERSIONS), sizeBytes: 91_000_000, base: debian, entrypoint: ['/bin/sh', '-c', 'exec fluentd -c /fluentd/etc/${FLUENTD_CONF} -p /fluentd/plugins ${FLUENTD_OPT}'],
  env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', FLUENTD_CONF: 'fluent.conf', FLUENTD_OPT: '' },
  files: { ...Object.fromEntries(Object.entries(KUBERNETES_CONFIGURATION).map(([name, text]) => [`/fluentd/etc/${name}`, text])), '/fluentd/plugins': { directory: true } },
  programs: programs('1.16.3'), variants: byTag(DAEMONSET_VERSIONS),
})

/** Kubernetes' own fluentd image: what it reads and where it sends it to comes from a ConfigMap, so that it has nothing to do without. */
const ADDON_CONFIGURATION = `# Files of config.d say where logs come from and where they go to.
<match fluent.**>
  @type null
</match>

@include /etc/fluent/config.d/*.conf
`
const ADDON_VERSIONS: Readonly<Record<string, string>> = { 'v2.5.1': '1.4.2', 'v2.5.2': '1.5.1', 'v2.6.0': '1.6.3', 'v2.7.0': '1.7.4', 'v3.0.0': '1.10.2', 'v3.1.0': '1.12.0', 'v3.4.0': '1.14.5', 'v4.7': '1.16.2', 'v4.7.5': '1.16.5', 'v5.0.1': '1.18.0', latest: '1.18.0' }

export const fluentdElasticsearchImage = defineImage({
  repository: 'quay.io/fluentd_elasticsearch/fluentd', tags: Object.keys(ADDON_VERSIONS), sizeBytes: 52_000_000, base: debian, exposedPorts: [80], cmd: ['/entrypoint.sh'], env: { FLUENTD_ARGS: '' },
  files: { '/etc/fluent/fluent.conf': ADDON_CONFIGURATION, '/etc/fluent/config.d': { directory: true }, '/entrypoint.sh': { content: '#!/bin/sh\nexec fluentd -c /etc/fluent/fluent.conf $FLUENTD_ARGS\n', mode: 0o755 } },
  programs: programs('1.18.0'), variants: byTag(ADDON_VERSIONS),
})

const BIT_VERSIONS: Readonly<Record<string, string>> = { '2.1': '2.1.10', '2.1.10': '2.1.10', '2.2': '2.2.3', '2.2.3': '2.2.3', '3.0': '3.0.7', '3.0.7': '3.0.7', '3.1': '3.1.10', '3.1.9': '3.1.9', '3.2': '3.2.10', '3.2.2': '3.2.2', '3.2.10': '3.2.10', '4.0': '4.0.3', '4.0.3': '4.0.3', latest: '4.0.3' }
const BIT_CONFIGURATION = `[SERVICE]
    Flush        1
    Parsers_File parsers.conf

[INPUT]
    Name  dummy
    Tag   dummy.local

[OUTPUT]
    Name  stdout
    Match *
`
const PARSERS = `[PARSER]
    Name   json
    Format json
    Time_Key time

[PARSER]
    Name   docker
    Format json
    Time_Key time
    Time_Keep On

[PARSER]
    Name   syslog
    Format regex
    Regex  ^(?<time>[^ ]* {1,2}[^ ]* [^ ]*) (?<host>[^ ]*) (?<ident>[a-zA-Z0-9_/.-]*)(?:\\[(?<pid>[0-9]+)\\])?(?:[^:]*:)? *(?<message>.*)$
    Time_Key time
`

const bitImage = (repository: string) => defineImage({
  repository, tags: Object.keys(BIT_VERSIONS), sizeBytes: 32_000_000, entrypoint: ['/fluent-bit/bin/fluent-bit'], cmd: ['-c', '/fluent-bit/etc/fluent-bit.conf'], exposedPorts: [2020],
  files: { '/fluent-bit/etc/fluent-bit.conf': BIT_CONFIGURATION, '/fluent-bit/etc/parsers.conf': PARSERS, '/tmp': { directory: true, mode: 0o1777 } },
  programs: { '/fluent-bit/bin/fluent-bit': fluentBit('4.0.3') }, variants: Object.fromEntries(Object.entries(BIT_VERSIONS).map(([tag, version]) => [tag, { programs: { '/fluent-bit/bin/fluent-bit': fluentBit(version) } }])),
})

/** Fluent Bit of both registries. */
export const fluentBitImages = [bitImage('docker.io/fluent/fluent-bit'), bitImage('cr.fluentbit.io/fluent/fluent-bit')]
