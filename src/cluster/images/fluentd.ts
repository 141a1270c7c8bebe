import { errorText } from '../../unix/errno.ts'
import { UnixError } from '../../unix/types.ts'
import type { Program } from '../../unix/types.ts'
import { formatDate } from '../../unix/utilities/date.ts'
import { alpine } from './alpine.ts'
import { debian } from './debian.ts'
import { defineImage } from './image.ts'

const FORWARD_PORT = 24_224

// @k8s part: fluentd: it reads its configuration, says what it is to do and opens its port, but no events are read, forwarded or written

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

/** fluentd of one version, as far as it waits for events. */
function fluentd(version: string): Program {
  return async (proc) => {
    const log = (text: string, level = 'info') => proc.stdout.write(`${formatDate('%Y-%m-%d %H:%M:%S +0000', proc.clock.nowMs())} [${level}]: ${text}\n`)
    const config = proc.argv[proc.argv.indexOf('-c') + 1] ?? '/fluentd/etc/fluent.conf'
    let text: string
    try {
      text = proc.fs.readText(proc.resolve(config))
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      await log(`config error file="${config}" error_class=Errno::${error.code} error="${errorText(error)} @ rb_sysopen - ${config}"`, 'error')
      return 1
    }
    await log(`reading config file path="${config}"`)
    await log(`starting fluentd-${version} pid=${proc.pid}`)
    await log(`gem 'fluentd' version '${version}'`)
    for (const [, pattern, type] of text.matchAll(/<match ([^>]+)>\s*@?type +(\w+)/g)) await log(`adding match in @mainstream pattern="${pattern}" type="${type}"`)
    await log(`using configuration file: <ROOT>\n${text.trimEnd().replace(/^(?=.)/gm, '  ')}\n</ROOT>`)
    const forwards = /@?type +forward\b/.test(text)
    try {
      if (forwards) proc.net.listenTcp(FORWARD_PORT, (socket) => { void socket.reader.read().then(() => {}, () => {}) })
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      await log(`unexpected error error_class=Errno::${error.code} error="${errorText(error)} - bind(2) for \"0.0.0.0\" port ${FORWARD_PORT}"`, 'error')
      return 1
    }
    proc.useMemory(48 * 2 ** 20)
    await log(`#0 starting fluentd worker pid=${proc.pid} ppid=1 worker=0`)
    if (forwards) await log(`#0 listening port port=${FORWARD_PORT} bind="0.0.0.0"`)
    await log('#0 fluentd worker is now running worker=0')
    await new Promise<void>((resolve) => { for (const signal of ['SIGTERM', 'SIGINT'] as const) proc.onSignal(signal, () => resolve()) })
    await log('Received graceful stop')
    await log('#0 fluentd worker is now stopping worker=0')
    await log('Worker 0 finished with status 0')
    return 0
  }
}

const VERSIONS: Readonly<Record<string, string>> = {
  'v0.12': '0.12.43', 'v0.14': '0.14.25', 'v0.14.10': '0.14.10', 'v1.0': '1.0.2', 'v1.0.2': '1.0.2', 'v1.2': '1.2.6', 'v1.9': '1.9.3', 'v1.14': '1.14.6', 'v1.16': '1.16.9', 'v1.16-1': '1.16.9', 'v1.17': '1.17.1', 'v1.18': '1.18.0', 'v1.19': '1.19.0', latest: '1.3.2',
}
const programs = (version: string) => ({ '/usr/bin/fluentd': fluentd(version) })

export const fluentdImage = defineImage({
  repository: 'docker.io/fluent/fluentd', tags: Object.keys(VERSIONS), sizeBytes: 17_400_000, base: alpine, exposedPorts: [FORWARD_PORT, 5140], cmd: ['/bin/sh', '-c', 'exec fluentd -c /fluentd/etc/${FLUENTD_CONF} -p /fluentd/plugins $FLUENTD_OPT'],
  env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', FLUENTD_CONF: 'fluent.conf', FLUENTD_OPT: '' },
  files: { '/fluentd/etc/fluent.conf': CONFIGURATION, '/fluentd/log': { directory: true }, '/fluentd/plugins': { directory: true } },
  programs: programs('1.3.2'), variants: Object.fromEntries(Object.entries(VERSIONS).map(([tag, version]) => [tag, { programs: programs(version) }])),
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
  programs: programs('1.18.0'), variants: Object.fromEntries(Object.entries(ADDON_VERSIONS).map(([tag, version]) => [tag, { programs: programs(version) }])),
})
