import { fromWebStream, readLines } from '../../../base/streams.ts'
import { httpRequest } from '../../../base/http.ts'
import type { HttpRequest } from '../../../base/http.ts'
import { errorText } from '../../../unix/errno.ts'
import { UnixError } from '../../../unix/types.ts'
import type { HttpPeer, Listener, Proc } from '../../../unix/types.ts'
import { managementOf } from './bootstrap.ts'
import type { Bootstrap, Management } from './bootstrap.ts'
import type { EnvoyConfiguration } from './configuration.ts'
import { envoyFlags } from './flags.ts'
import type { EnvoyFlags } from './flags.ts'
import { HttpProxy } from './http-proxy.ts'
import { virtualHostFor } from './route-match.ts'

/** Where the configuration is asked for. Envoy and Contour speak gRPC with one another; here they exchange lines of JSON, each a whole configuration. */
export const DISCOVERY_PATH = '/v3/discovery'
const MEMORY_BYTES = 45 * 2 ** 20
const RETRY_FIRST_MS = 500
const RETRY_MAX_MS = 30_000
const [HTTP_PORT, HTTPS_PORT, STATS_PORT, ADMIN_PORT] = [8080, 8443, 8002, 9001]

/** Envoy as Contour runs it: takes its routes from where its bootstrap file says, and passes requests on. */
export async function envoy(proc: Proc): Promise<number> {
  let flags: EnvoyFlags
  try { flags = envoyFlags(proc.argv.slice(1)) } catch (error) {
    await proc.stderr.write(`${(error as Error).message}\n`)
    return 1
  }
  const file = flags.configPath
  if (file === undefined) {
    await proc.stderr.write(`${logLine(proc, 'critical', 'main', 'source/server/server.cc:432', 'error initializing config \'  \': At least one of --config-path or --config-yaml or Options::configProto() should be non-empty')}`)
    return 1
  }
  try {
    return await new Envoy(proc, flags).run(JSON.parse(proc.fs.readText(file)) as Bootstrap)
  } catch (error) {
    if (proc.killed.aborted || !(error instanceof Error)) throw error
    await proc.stderr.write(logLine(proc, 'critical', 'main', 'source/server/server.cc:432', `error initializing config '  ${file}': ${errorText(error)}`))
    return 1
  }
}

function logLine(proc: Proc, level: string, name: string, place: string, text: string): string {
  return `[${new Date(proc.clock.nowMs()).toISOString().replace('T', ' ').slice(0, -1)}][${proc.pid}][${level}][${name}] [${place}] ${text}\n`
}

class Envoy {
  readonly #proc: Proc
  readonly #flags: EnvoyFlags
  readonly #proxy: HttpProxy
  readonly #listeners = new Map<string, Listener>()
  #isLive = false
  #isDraining = false

  constructor(proc: Proc, flags: EnvoyFlags) {
    this.#proc = proc
    this.#flags = flags
    this.#proxy = new HttpProxy(proc)
  }

  #log(level: string, name: string, place: string, text: string): void {
    if (this.#flags.shows(level)) void this.#proc.stderr.write(logLine(this.#proc, level, name, place, text)).catch(() => {})
  }

  async run(bootstrap: Bootstrap): Promise<number> {
    const proc = this.#proc
    const management = managementOf(bootstrap, (path) => proc.fs.readText(path))
    this.#log('info', 'main', 'source/server/server.cc:430', 'initializing epoch 0')
    proc.useMemory(MEMORY_BYTES)
    proc.useCpuSteadily(2)
    // There are no sockets in file systems here: the file names the port of this pod that stands for it.
    const admin = proc.net.listenHttp(0, (request) => this.#admin(request, true), { ip: '127.0.0.1' })
    if (bootstrap.admin.address.pipe) proc.fs.writeFile(bootstrap.admin.address.pipe.path, `${await admin.ready ?? admin.port}\n`)
    proc.net.listenHttp(ADMIN_PORT, (request) => this.#admin(request, false), { ip: '127.0.0.1' })
    proc.net.listenHttp(STATS_PORT, (request) => (['/ready', '/stats', '/stats/prometheus'].includes(new URL(request.url).pathname) ? this.#admin(request, false) : notFound()))
    this.#follow(management).catch(() => {})
    await proc.signal('SIGTERM', 'SIGINT')
    this.#log('warning', 'main', 'source/server/server.cc:907', 'caught ENVOY_SIGTERM')
    this.#log('info', 'main', 'source/server/server.cc:1040', 'shutting down server instance')
    this.#log('info', 'main', 'source/server/server.cc:971', 'main dispatch loop exited')
    for (const listener of this.#listeners.values()) listener.close()
    this.#log('info', 'main', 'source/server/server.cc:1023', 'exiting')
    return 0
  }

  /** Asks for configurations, again and again where that breaks off; what was learnt stays in force. */
  async #follow({ address, port, files }: Management): Promise<never> {
    const proc = this.#proc
    for (let retryMs = RETRY_FIRST_MS; ;) {
      let why = 'upstream connect error or disconnect/reset before headers'
      try {
        const read = (path: string) => proc.fs.readText(path)
        const tls = files ? { caPem: read(files.authority), clientCertificatePem: read(files.certificate), clientKeyPem: read(files.key), serverName: 'contour' } : {}
        const response = await proc.net.fetch(httpRequest(`${files ? 'https' : 'http'}://${address}:${port}${DISCOVERY_PATH}`), { ...tls, connectTimeoutMs: 5_000 })
        if (response.status !== 200) throw new Error(await response.text())
        retryMs = RETRY_FIRST_MS
        for await (const line of readLines(fromWebStream(response.body!))) this.#configure(JSON.parse(line) as EnvoyConfiguration)
        why = 'upstream connect error or disconnect/reset before headers. reset reason: connection termination'
      } catch (error) {
        if (proc.killed.aborted) throw error
        if (error instanceof UnixError) why += `. reset reason: remote connection failure, transport failure reason: ${errorText(error)}`
        else why = (error as Error).message
      }
      this.#log('warning', 'config', 'source/extensions/config_subscription/grpc/grpc_stream.h:190', `DeltaAggregatedResources gRPC config stream to contour closed: 14, ${why}`)
      await proc.sleep(proc.random.int(retryMs) + 1)
      retryMs = Math.min(retryMs * 2, RETRY_MAX_MS)
    }
  }

  #configure(next: EnvoyConfiguration): void {
    const before = new Set(this.#proxy.configuration.clusters.map(({ name }) => name))
    const after = new Set(next.clusters.map(({ name }) => name))
    const [added, removed] = [[...after].filter((name) => !before.has(name)).length, [...before].filter((name) => !after.has(name)).length]
    if (added + removed > 0) this.#log('info', 'upstream', 'source/common/upstream/cds_api_helper.cc:32', `cds: add ${added} cluster(s), remove ${removed} cluster(s)`)
    this.#proxy.configure(next)
    this.#open('ingress_http', next.http.length > 0, () => this.#proc.net.listenHttp(HTTP_PORT, (request, peer) => this.#answer(request, peer, 'http')))
    const secure = (name: string | undefined) => {
      const found = name === undefined ? undefined : virtualHostFor(this.#proxy.configuration.https, name)
      if (!found) throw new UnixError('ECONNRESET', 'Connection reset by peer')
      return found
    }
    this.#open('ingress_https', next.https.length > 0, () => this.#proc.net.listenHttp(HTTPS_PORT, (request, peer) => this.#answer(request, peer, 'https'), {
      tls: { certificatePem: async (name) => secure(name).certificatePem, keyPem: async (name) => secure(name).keyPem, plainAnswer: () => { throw new UnixError('ECONNRESET', 'Connection reset by peer') } },
    }))
    if (this.#isLive) return
    this.#isLive = true
    this.#log('info', 'upstream', 'source/common/upstream/cluster_manager_impl.cc:240', 'cm init: all clusters initialized')
    this.#log('info', 'main', 'source/server/server.cc:1003', 'all clusters initialized. initializing init manager')
    this.#log('info', 'config', 'source/common/listener_manager/listener_manager_impl.cc:931', 'all dependencies initialized. starting workers')
  }

  #open(name: string, isWanted: boolean, listen: () => Listener): void {
    const open = this.#listeners.get(name)
    if (isWanted === (open !== undefined)) return
    if (open) {
      open.close()
      this.#listeners.delete(name)
      this.#log('info', 'upstream', 'source/common/listener_manager/lds_api.cc:65', `lds: remove listener '${name}'`)
      return
    }
    this.#listeners.set(name, listen())
    this.#log('info', 'upstream', 'source/common/listener_manager/lds_api.cc:106', `lds: add/update listener '${name}'`)
  }

  async #answer(request: HttpRequest, peer: HttpPeer, scheme: 'http' | 'https'): Promise<Response> {
    if (scheme === 'https' && !virtualHostFor(this.#proxy.configuration.https, new URL(request.url).hostname)) throw new UnixError('ECONNRESET', 'Connection reset by peer')
    const response = await this.#proxy.answer(request, peer, scheme)
    if (this.#isDraining && response.status !== 101) response.headers.set('connection', 'close')
    return response
  }

  /** Envoy's own page; only its own socket takes commands. */
  #admin(request: HttpRequest, takesCommands: boolean): Response {
    const { pathname, searchParams } = new URL(request.url)
    switch (pathname) {
      case '/ready': return this.#isLive && !this.#isDraining ? plain('LIVE\n') : plain(this.#isDraining ? 'DRAINING\n' : 'PRE_INITIALIZING\n', 503)
      case '/healthcheck/fail':
        if (!takesCommands) return notFound()
        if (request.method !== 'POST') return plain(`Method ${request.method} not allowed, POST required.`, 405)
        this.#isDraining = true
        return plain('OK\n')
      case '/listeners': return plain([...this.#listeners.keys()].map((name) => `${name}::0.0.0.0:${name === 'ingress_http' ? HTTP_PORT : HTTPS_PORT}\n`).join(''))
      case '/clusters': return plain(this.#proxy.configuration.clusters.flatMap(({ name, endpoints }) => [`${name}::added_via_api::true\n`, ...endpoints.map((endpoint) => `${name}::${endpoint}::health_flags::healthy\n`)]).join(''))
      case '/stats': case '/stats/prometheus': return plain(this.#stats(pathname !== '/stats' || searchParams.get('format') === 'prometheus'))
      default: return notFound()
    }
  }

  #stats(isPrometheus: boolean): string {
    const { active, answered } = this.#proxy
    const figures = [['downstream_cx_active', active, 'gauge', ''], ...[...answered].sort(([a], [b]) => a - b).map(([kind, count]) => ['downstream_rq_xx', count, 'counter', `${kind}`] as const)] as const
    if (!isPrometheus) return figures.map(([name, count, , kind]) => `http.ingress_http.${name.replace('xx', `${kind}xx`)}: ${count}\n`).join('')
    const seen = new Set<string>()
    return figures.map(([name, count, type, kind]) => {
      const full = `envoy_http_${name}`
      const head = seen.has(full) ? '' : `# TYPE ${full} ${type}\n`
      seen.add(full)
      return `${head}${full}{${kind === '' ? '' : `envoy_response_code_class="${kind}",`}envoy_http_conn_manager_prefix="ingress_http"} ${count}\n`
    }).join('')
  }
}

const plain = (text: string, status = 200) => new Response(text, { status, headers: { 'content-type': 'text/plain; charset=UTF-8' } })
const notFound = () => new Response(null, { status: 404, headers: { 'content-length': '0' } })
