import type { MetricFamily, Sample } from '../../../base/prometheus.ts'
import { PROMETHEUS_TYPE, prometheusText } from '../../../base/prometheus.ts'
import { MemoryFileSystem } from '../../../unix/file-system.ts'
import type { Proc } from '../../../unix/types.ts'
import { goPattern } from '../../kinds/go-pattern.ts'
import type { GoPattern } from '../../kinds/go-pattern.ts'
import { html } from '../web/html.ts'

/** What the kernel counts processor time in. */
const TICKS_PER_SECOND = 100
/** The size of a disk that has no limit of its own, as `df` shows it. */
const DISK_BYTES = 64 * 2 ** 30
const CPU_MODES = ['user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softirq', 'steal']
const DEFAULT_MOUNTS_EXCLUDE = '^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)'
const DEFAULT_TYPES_EXCLUDE = '^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|mqueue|nsfs|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|erofs|sysfs|tracefs)$'

interface Paths { proc: string; root: string; textfiles: string | undefined; mountsExclude: GoPattern; typesExclude: GoPattern }
type Collector = (proc: Proc, paths: Paths) => MetricFamily[]

const gauge = (name: string, help: string, samples: Sample[]): MetricFamily => ({ name, help, type: 'gauge', samples })
const counter = (name: string, help: string, samples: Sample[]): MetricFamily => ({ name, help, type: 'counter', samples })
const lines = (proc: Proc, path: string) => proc.fs.readText(path).split('\n').filter(Boolean)

const COLLECTORS: Readonly<Record<string, Collector>> = {
  cpu(proc, paths) {
    const [, ...ticks] = lines(proc, `${paths.proc}/stat`).find((line) => line.startsWith('cpu '))!.split(/\s+/)
    const count = Math.max(1, lines(proc, `${paths.proc}/cpuinfo`).filter((line) => line.startsWith('processor')).length)
    return [counter('node_cpu_seconds_total', 'Seconds the CPUs spent in each mode.', Array.from({ length: count }, (_, cpu) => CPU_MODES.map((mode, i): Sample => ({ labels: { cpu: String(cpu), mode }, value: Number(ticks[i] ?? 0) / TICKS_PER_SECOND / count }))).flat())]
  },
  meminfo: (proc, paths) => lines(proc, `${paths.proc}/meminfo`).flatMap((line) => {
    const match = /^(\w+)(?:\((\w+)\))?:\s+(\d+)( kB)?/.exec(line)
    if (!match) return []
    const name = `${match[1]}${match[2] ? `_${match[2]}` : ''}${match[4] ? '_bytes' : ''}`
    return [gauge(`node_memory_${name}`, `Memory information field ${name}.`, [{ value: Number(match[3]) * (match[4] ? 1024 : 1) }])]
  }),
  loadavg(proc, paths) {
    const loads = proc.fs.readText(`${paths.proc}/loadavg`).split(' ')
    return ['1', '5', '15'].map((minutes, i) => gauge(`node_load${minutes}`, `${minutes}m load average.`, [{ value: Number(loads[i]) }]))
  },
  filesystem(proc, paths) {
    const { fs } = proc
    if (!(fs instanceof MemoryFileSystem)) return []
    const prefix = paths.root === '/' ? '' : paths.root
    const rows = fs.mounts().filter(({ path }) => prefix === '' || path === prefix || path.startsWith(`${prefix}/`)).map((mount) => ({ mount, mountpoint: mount.path.slice(prefix.length) || '/' })).filter(({ mount, mountpoint }) => !paths.mountsExclude.test(mountpoint) && !paths.typesExclude.test(mount.type)).map(({ mount, mountpoint }) => {
      const size = Number.isFinite(mount.tree.sizeLimitBytes) ? mount.tree.sizeLimitBytes : DISK_BYTES
      return { labels: { device: mount.source, device_error: '', fstype: mount.type, mountpoint }, size, free: size - mount.tree.usedBytes, readOnly: Number(mount.readOnly ?? false) }
    })
    const of = (name: string, help: string, value: (row: typeof rows[number]) => number) => gauge(`node_filesystem_${name}`, help, rows.map((row) => ({ labels: row.labels, value: value(row) })))
    return [of('size_bytes', 'Filesystem size in bytes.', ({ size }) => size), of('free_bytes', 'Filesystem free space in bytes.', ({ free }) => free), of('avail_bytes', 'Filesystem space available to non-root users in bytes.', ({ free }) => free), of('readonly', 'Filesystem read-only status.', ({ readOnly }) => readOnly), of('device_error', 'Whether an error occurred while getting statistics for the given device.', () => 0)]
  },
  netdev(proc, paths) {
    const path = proc.fs.exists(`${paths.proc}/1/net/dev`) ? `${paths.proc}/1/net/dev` : `${paths.proc}/net/dev`
    const rows = lines(proc, path).slice(2).map((line) => { const [device = '', rest = ''] = line.trim().split(/:\s*/); return { device, figures: rest.split(/\s+/).map(Number) } })
    const fields = ['bytes', 'packets', 'errs', 'drop', 'fifo']
    return [['receive', 0], ['transmit', 8]].flatMap(([direction, from]) => fields.map((field, i) => counter(`node_network_${direction}_${field}_total`, `Network device statistic ${direction}_${field}.`, rows.map(({ device, figures }) => ({ labels: { device }, value: figures[Number(from) + i] ?? 0 })))))
  },
  stat(proc, paths) {
    const value = (name: string) => Number(lines(proc, `${paths.proc}/stat`).find((line) => line.startsWith(`${name} `))?.split(' ')[1])
    return [gauge('node_boot_time_seconds', 'Node boot time, in unixtime.', [{ value: value('btime') }]), counter('node_forks_total', 'Total number of forks.', [{ value: value('processes') }])]
  },
  time: (proc) => [gauge('node_time_seconds', 'System time in seconds since epoch (1970).', [{ value: proc.clock.nowMs() / 1000 }])],
  uname(proc, paths) {
    const release = proc.fs.exists(`${paths.proc}/version`) ? /version (\S+)/.exec(proc.fs.readText(`${paths.proc}/version`))?.[1] ?? '' : ''
    return [gauge('node_uname_info', 'Labeled system information as provided by the uname system call.', [{ labels: { domainname: '(none)', machine: 'x86_64', nodename: proc.machine.hostname, release, sysname: 'Linux', version: '#1 SMP PREEMPT_DYNAMIC' }, value: 1 }])]
  },
}

/** The program `node_exporter`. */
export async function nodeExporter(proc: Proc, version: string): Promise<number> {
  const flags = new Map<string, string>()
  const off = new Set<string>()
  let onlyChosen = false
  const log = (text: string, level = 'INFO', source = 'node_exporter.go:200') => void proc.stderr.write(`time=${new Date(proc.clock.nowMs()).toISOString()} level=${level} source=${source} ${text}\n`).catch(() => {})
  const chosen = new Set<string>()
  for (const argument of proc.argv.slice(1)) {
    const [name = '', ...value] = argument.replace(/^--?/, '').split('=')
    const collector = /^(no-)?collector\.(\w+)$/.exec(name)
    if (collector?.[1]) off.add(collector[2]!)
    else if (collector) chosen.add(collector[2]!)
    else if (name === 'collector.disable-defaults') onlyChosen = true
    else if (name === 'version') { await proc.stdout.write(`node_exporter, version ${version} (branch: HEAD, revision: unknown)\n`); return 0 } else if (/^(?:path\.(?:procfs|sysfs|rootfs|udev\.data)|web\.(?:listen-address|telemetry-path|disable-exporter-metrics|max-requests|systemd-socket)|log\.(?:level|format)|collector\.(?:filesystem|netclass|netdev|textfile)\.[\w.-]+|runtime\.gomaxprocs)$/.test(name)) flags.set(name, value.join('='))
    else { await proc.stderr.write(`node_exporter: error: unknown long flag '--${name}', try --help\n`); return 1 }
  }
  for (const name of chosen) if (!(name in COLLECTORS) && name !== 'textfile') log(`msg="Collector is not supported by this build" collector=${name}`, 'WARN')
  const pattern = (names: readonly string[], otherwise: string) => goPattern(names.map((name) => flags.get(name)).find((value) => value !== undefined) ?? otherwise)
  let mountsExclude: GoPattern
  let typesExclude: GoPattern
  try {
    mountsExclude = pattern(['collector.filesystem.mount-points-exclude', 'collector.filesystem.ignored-mount-points'], DEFAULT_MOUNTS_EXCLUDE)
    typesExclude = pattern(['collector.filesystem.fs-types-exclude', 'collector.filesystem.ignored-fs-types'], DEFAULT_TYPES_EXCLUDE)
  } catch (error) {
    await proc.stderr.write(`panic: regexp: Compile: ${(error as Error).message}\n`)
    return 2
  }
  const root = (flags.get('path.rootfs') ?? '/').replace(/(.)\/$/, '$1')
  const paths: Paths = {
    // A kernel counts for all of the node; here a container's /proc counts what the container does, and the node's lies below its root.
    proc: flags.get('path.procfs') ?? (root !== '/' && proc.fs.exists(`${root}/proc/stat`) ? `${root}/proc` : '/proc'), root, textfiles: flags.get('collector.textfile.directory'), mountsExclude, typesExclude,
  }
  const collectors = Object.entries(COLLECTORS).filter(([name]) => !off.has(name) && (!onlyChosen || chosen.has(name)))
  const port = Number(/:(\d+)$/.exec(flags.get('web.listen-address') ?? ':9100')?.[1])
  const path = flags.get('web.telemetry-path') || '/metrics'
  const collect = (): string => {
    const families: MetricFamily[] = []
    const success: Sample[] = []
    const took: Sample[] = []
    for (const [collector, work] of collectors) {
      const startedMs = proc.clock.nowMs()
      let ok = 1
      try { families.push(...work(proc, paths)) } catch (error) { ok = 0; log(`msg="collector failed" name=${collector} duration_seconds=0 err=${JSON.stringify((error as Error).message)}`, 'ERROR', 'collector.go:168') }
      success.push({ labels: { collector }, value: ok })
      took.push({ labels: { collector }, value: (proc.clock.nowMs() - startedMs) / 1000 })
    }
    let text = ''
    if (paths.textfiles && !off.has('textfile') && proc.fs.exists(paths.textfiles)) for (const name of proc.fs.readdir(paths.textfiles)) if (name.endsWith('.prom')) text += proc.fs.readText(`${paths.textfiles}/${name}`)
    families.push(gauge('node_scrape_collector_success', 'node_exporter: Whether a collector succeeded.', success), gauge('node_scrape_collector_duration_seconds', 'node_exporter: Duration of a collector scrape.', took), gauge('node_exporter_build_info', "A metric with a constant '1' value labeled by version, revision, branch, goversion from which node_exporter was built, and the goos and goarch for the build.", [{ labels: { branch: 'HEAD', goarch: 'amd64', goos: 'linux', goversion: 'go1.26', revision: 'unknown', tags: 'unknown', version }, value: 1 }]))
    return prometheusText(families) + text
  }
  proc.useMemory(12 * 2 ** 20)
  proc.net.listenHttp(port, ({ url }) => {
    const { pathname } = new URL(url)
    if (pathname === path) return new Response(collect(), { headers: { 'content-type': PROMETHEUS_TYPE } })
    if (pathname === '/') return new Response(html`<!doctype html><html lang="en"><head><title>Node Exporter</title></head><body><h1>Node Exporter</h1><p>Version: ${version}</p><p><a href="${path}">Metrics</a></p></body></html>`.text, { headers: { 'content-type': 'text/html; charset=utf-8' } })
    return new Response('404 page not found\n', { status: 404 })
  })
  log(`msg="Starting node_exporter" version="(version=${version}, branch=HEAD, revision=unknown)"`)
  log(`msg="Listening on" address=[::]:${port}`, 'INFO', 'tls_config.go:347')
  await proc.signal('SIGTERM', 'SIGINT')
  return 0
}
