import type { HttpRequest } from '../../../base/http.ts'
import { PROMETHEUS_TYPE, prometheusText } from '../../../base/prometheus.ts'
import { errorText } from '../../../unix/errno.ts'
import type { Proc } from '../../../unix/types.ts'
import { UnixError } from '../../../unix/types.ts'
import { ConfigError } from './config/go-yaml.ts'
import { durationText, parseDuration } from './durations.ts'
import { FlagError, readFlags } from './flags.ts'
import { METRIC_NAME, compareText } from './labels.ts'
import { plainNumber } from './promql/values.ts'
import { PrometheusServer } from './server.ts'
import { SampleLog } from './tsdb/sample-log.ts'
import { Storage } from './tsdb/storage.ts'
import type { ApiContext } from './web/api.ts'
import { ApiError, chosen, serveApi } from './web/api.ts'
import { ownMetrics } from './web/own-metrics.ts'
import { servePage } from './web/pages.ts'

const GO_VERSION = 'go1.26.0'
/** What the program takes besides its samples. */
const BASE_BYTES = 40 * 2 ** 20
/** Most that samples may take here, whatever the retention is. */
const MOST_SAMPLE_BYTES = 96 * 2 ** 20
const PRUNE_MS = 60_000
const DEFAULT_RETENTION_MS = 15 * 86_400_000

const sizeOf = (text: string): number => {
  const match = /^(\d+(?:\.\d+)?)(B|KB|MB|GB|TB|PB|EB)$/i.exec(text)
  if (!match) throw new FlagError(`units: unknown unit ${text.replace(/^[\d.]+/, '')} in ${text}`)
  return Number(match[1]) * 1024 ** ['B', 'KB', 'MB', 'GB', 'TB', 'PB', 'EB'].indexOf(match[2]!.toUpperCase())
}

/** The program `prometheus`. */
export async function prometheus(proc: Proc, version: string): Promise<number> {
  const isOld = version.startsWith('2')
  const log = (level: 'ERROR' | 'WARN' | 'INFO', source: string, text: string) => {
    const time = new Date(proc.clock.nowMs()).toISOString()
    void proc.stderr.write(isOld ? `ts=${time} caller=${source} level=${level.toLowerCase()} ${text}\n` : `time=${time} level=${level} source=${source} ${text}\n`).catch(() => {})
  }
  let flags: Record<string, string>
  let given: ReadonlySet<string>
  let retentionMs: number
  let maxBytes = MOST_SAMPLE_BYTES
  let lookbackMs: number
  let timeoutMs: number
  try {
    ({ flags, given } = readFlags(proc.argv.slice(1)))
    const retention = parseDuration(flags['storage.tsdb.retention.time']!) || parseDuration(flags['storage.tsdb.retention']!)
    const size = sizeOf(flags['storage.tsdb.retention.size']!)
    if (size > 0) maxBytes = Math.min(maxBytes, size)
    retentionMs = retention || (size > 0 ? Infinity : DEFAULT_RETENTION_MS)
    lookbackMs = parseDuration(flags['query.lookback-delta']!)
    timeoutMs = parseDuration(flags['query.timeout']!)
  } catch (error) {
    await proc.stderr.write(`Error parsing command line arguments: ${(error as Error).message}\nusage: prometheus [<flags>]\n\nThe Prometheus monitoring server\n`)
    return 2
  }
  if (given.has('help')) { await proc.stdout.write(`usage: prometheus [<flags>]\n\nThe Prometheus monitoring server\n\nFlags:\n${Object.entries(flags).map(([name, value]) => `  --${name}=${JSON.stringify(value)}\n`).join('')}`); return 0 }
  if (given.has('version')) { await proc.stdout.write(`prometheus, version ${version} (branch: HEAD, revision: unknown)\n  go version:       ${GO_VERSION}\n  platform:         linux/amd64\n  tags:             netgo,builtinassets\n`); return 0 }
  const features = new Set(flags['enable-feature']!.split(',').filter(Boolean))
  const listen = flags['web.listen-address']!
  const port = Number(/:(\d+)$/.exec(listen)?.[1])
  const externalUrl = (flags['web.external-url'] || `http://${proc.machine.hostname}:${port}`).replace(/\/$/, '')
  const prefix = (flags['web.route-prefix'] || (flags['web.external-url'] ? new URL(externalUrl, 'http://localhost').pathname : '')).replace(/^\/*(.*?)\/*$/, (_, path: string) => path && `/${path}`)
  if (!given.has('storage.tsdb.retention.time') && !given.has('storage.tsdb.retention') && !given.has('storage.tsdb.retention.size')) log('INFO', 'main.go:715', 'msg="No time or size retention was set so using the default time retention" duration=15d')
  log('INFO', 'main.go:760', `msg="Starting Prometheus Server" mode=server version="(version=${version}, branch=HEAD, revision=unknown)"`)
  const folder = proc.resolve(flags['storage.tsdb.path']!)
  const storage = new Storage({ retentionMs, maxBytes })
  const samples = new SampleLog(proc, folder, storage)
  try {
    proc.fs.mkdir(folder, { recursive: true })
    proc.fs.writeFile(`${folder}/queries.active`, '[]')
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    const why = `open ${folder}/queries.active: ${errorText(error).toLowerCase()}`
    log('ERROR', 'query_logger.go:114', `msg="Error opening query log file" component=activeQueryTracker file=${folder}/queries.active err="${why}"`)
    await proc.stderr.write('panic: Unable to create mmap-ed active query log\n\ngoroutine 1 [running]:\n')
    return 2
  }
  await samples.load()
  proc.useMemory(BASE_BYTES + storage.bytes)
  const server = new PrometheusServer(proc, storage, { version, configFile: proc.resolve(flags['config.file']!), externalUrl, lookbackMs, timeoutMs, maxSamples: Number(flags['query.max-samples']), experimentalFunctions: features.has('promql-experimental-functions'), delaysNames: features.has('promql-delayed-name-removal') }, log)
  try {
    server.reload()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    log('ERROR', 'main.go:640', `msg="Error loading config (--config.file=${flags['config.file']})" file=${server.options.configFile} err=${JSON.stringify(error.message.replace(/^couldn't load configuration \(.*?\): /, ''))}`)
    return 2
  }
  const requests = new Map<string, number>()
  const context: ApiContext = {
    server, nowMs: () => proc.clock.nowMs(), breathe: () => proc.clock.breathe(), flags, enableAdmin: flags['web.enable-admin-api'] === 'true', storageRetention: retentionMs === Infinity ? flags['storage.tsdb.retention.size']! : durationText(retentionMs), goVersion: GO_VERSION, revision: 'unknown', branch: 'HEAD',
  }
  let quit = () => {}
  const asked = new Promise<void>((resolve) => { quit = resolve })
  const reload = (): string | undefined => {
    try {
      server.reload()
      return undefined
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      log('ERROR', 'main.go:1180', `msg="Error reloading config" err=${JSON.stringify(error.message)}`)
      return error.message
    }
  }
  const plain = (text: string, status = 200) => new Response(text, { status, headers: { 'content-type': 'text/plain; charset=utf-8' } })
  const answer = async (request: HttpRequest): Promise<Response> => {
    const url = new URL(request.url)
    if (prefix && !url.pathname.startsWith(prefix)) return url.pathname === '/' ? redirect(`${prefix}/`) : plain('404 page not found\n', 404)
    const path = url.pathname.slice(prefix.length) || '/'
    if (path.startsWith('/api/v1/')) return serveApi(context, request, url, path.slice('/api/v1'.length))
    switch (path) {
      case '/': return redirect(`${prefix}${isOld ? '/graph' : '/query'}`)
      case '/-/healthy': return plain('Prometheus Server is Healthy.\n')
      case '/-/ready': return plain('Prometheus Server is Ready.\n')
      case '/-/reload': case '/-/quit': {
        if (request.method !== 'POST' && request.method !== 'PUT') return plain(`Only POST or PUT requests allowed`, 405)
        if (flags['web.enable-lifecycle'] !== 'true') return plain('Lifecycle API is not enabled.', 403)
        if (path === '/-/quit') { proc.clock.after(0, quit); return plain('Requesting termination... Goodbye!') }
        const failure = reload()
        return failure === undefined ? plain('') : plain(`failed to reload config: ${failure}\n`, 500)
      }
      case '/metrics': return new Response(prometheusText(ownMetrics(context, { cpuSeconds: (proc.clock.nowMs() - server.startedMs) / 1000 * 0.01, memoryBytes: BASE_BYTES + storage.bytes, requests })), { headers: { 'content-type': PROMETHEUS_TYPE } })
      case '/federate': {
        try {
          return federate(context, url.searchParams, lookbackMs)
        } catch (error) {
          if (error instanceof ApiError) return plain(`${error.message}\n`, error.status)
          throw error
        }
      }
      default: return await servePage(context, path, url.searchParams, prefix) ?? plain('404 page not found\n', 404)
    }
  }
  proc.net.listenHttp(port, async (request) => {
    const response = await answer(request)
    const { pathname } = new URL(request.url)
    const key = `${response.status} ${pathname.slice(prefix.length)}`
    if (requests.size < 200 || requests.has(key)) requests.set(key, (requests.get(key) ?? 0) + 1)
    return response
  })
  log('INFO', 'web.go:650', `msg="Start listening for connections" component=web address=${listen}`)
  log('INFO', 'main.go:1310', 'msg="Server is ready to receive web requests."')
  proc.onSignal('SIGHUP', () => { reload() })
  // A volume that is full or can't be written to is no reason to end: samples stay in memory.
  const save = async () => {
    try {
      await samples.save()
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      log('ERROR', 'db.go:1030', `msg="compaction failed" component=tsdb err=${JSON.stringify(`write ${folder}: ${errorText(error).toLowerCase()}`)}`)
    }
  }
  void (async () => {
    for (;;) {
      await proc.sleep(PRUNE_MS)
      storage.prune(proc.clock.nowMs())
      await save()
      proc.useMemory(BASE_BYTES + storage.bytes)
    }
  })().catch(() => {})
  proc.useCpuSteadily(4)
  const ended = await Promise.race([proc.signal('SIGTERM', 'SIGINT'), asked.then(() => 'quit')])
  log('WARN', 'main.go:980', ended === 'quit' ? 'msg="Received termination request via web service, exiting gracefully..."' : `msg="Received an OS signal, exiting gracefully..." signal=${ended === 'SIGTERM' ? 'terminated' : 'interrupt'}`)
  for (const pool of server.pools.values()) pool.stop()
  await save()
  log('INFO', 'main.go:1350', 'msg="See you next time!"')
  return 0
}

const redirect = (location: string) => new Response(`<a href="${encodeURI(location)}">Found</a>.\n\n`, { status: 302, headers: { location, 'content-type': 'text/html; charset=utf-8' } })

/** The last samples of series, for another Prometheus. */
function federate(context: ApiContext, params: URLSearchParams, lookbackMs: number): Response {
  const nowMs = context.nowMs()
  const external = context.server.config?.externalLabels ?? {}
  let before = ''
  const lines = (chosen(context, params) ?? []).filter(({ lastMs, isStale }) => !isStale && lastMs > nowMs - lookbackMs).sort((a, b) => compareText(a.labels.get(METRIC_NAME), b.labels.get(METRIC_NAME))).map(({ labels, lastMs, lastValue }) => {
    const name = labels.get(METRIC_NAME)
    const head = name === before ? '' : `# TYPE ${name} untyped\n`
    before = name
    const pairs = [...labels.without([METRIC_NAME]), ...Object.entries(external).filter(([own]) => !labels.get(own))]
    if (!labels.get('instance')) pairs.push(['instance', ''])
    return `${head}${name}{${pairs.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}} ${plainNumber(lastValue)} ${Math.round(lastMs)}\n`
  })
  return new Response(lines.join(''), { headers: { 'content-type': PROMETHEUS_TYPE } })
}
