import type { HttpRequest } from '../../../base/http.ts'
import { keyPairProblem } from '../../../base/key-pair.ts'
import { errorText } from '../../../unix/errno.ts'
import { hostPort } from '../../../unix/net/addresses.ts'
import { askDns, readResolverConfig } from '../../../unix/net/names.ts'
import type { RecordType } from '../../../unix/net/dns.ts'
import { joinPath, resolvePath } from '../../../unix/path.ts'
import { UnixError } from '../../../unix/types.ts'
import type { HttpPeer, Proc, Program, TlsServerOptions } from '../../../unix/types.ts'
import { formatDate } from '../../../unix/utilities/date.ts'
import { goError, goLog, goProgram, goResponse, untilKilled } from '../agnhost/go-server.ts'
import { contentType } from '../http/content-type.ts'
import { FlagError, configText, hostOf, parseConfig, portOf, sortedEnvironment, usageText } from './config.ts'
import type { KuardConfig } from './config.ts'
import { json } from './json.ts'
import { KeyGen, relativeTime } from './keygen.ts'
import { MemQ, notAllowed } from './memq.ts'
import { kuardPage } from './page.ts'

const BASE_MEMORY_BYTES = 8 * 2 ** 20
const HISTORY_LENGTH = 20

/** A probe page: answers well until it is told to fail. */
class Probe {
  /** How many of the next answers fail; negative: all. */
  failNext: number
  readonly #history: { id: number; whenMs: number; code: number }[] = []
  #last = 0

  constructor(failNext: number) {
    this.failNext = failNext
  }

  answer(nowMs: number): { code: number; body: string } {
    const fails = this.failNext !== 0
    if (this.failNext > 0) this.failNext -= 1
    const code = fails ? 500 : 200
    this.#history.unshift({ id: ++this.#last, whenMs: nowMs, code })
    this.#history.length = Math.min(this.#history.length, HISTORY_LENGTH)
    return { code, body: !fails ? 'ok' : this.failNext < 0 ? 'fail, permanent' : `fail, ${this.failNext} left` }
  }

  /** The last answers, the newest first. */
  history(nowMs: number): { id: number; when: string; relWhen: string; code: number }[] {
    return this.#history.map(({ id, whenMs, code }) => ({ id, when: formatDate('%b %e %H:%M:%S', whenMs), relWhen: relativeTime(whenMs - nowMs, 'from now', 'ago'), code }))
  }
}

/** The demo application of one version: shows what a container sees, and can be told to misbehave. */
export function kuard(version: string): Program {
  return (proc) => goProgram(proc, async () => {
    let config: KuardConfig
    try {
      config = parseConfig(proc.argv.slice(1))
    } catch (error) {
      if (!(error instanceof FlagError)) throw error
      await proc.stderr.write(`${error.message && `${error.message}\n`}${usageText(proc.argv[0] ?? 'kuard')}${error.message ? `${error.message}\n` : 'pflag: help requested\n'}`)
      return error.message ? 2 : 0
    }
    for (const line of [`Starting kuard version: ${version}`, '*'.repeat(70), '* WARNING: This server may expose sensitive', '* and secret information. Be careful.', '*'.repeat(70), `Config: \n${configText(config)}\n`]) goLog(proc, line.replace(/\n$/, ''))
    const state: State = { proc, version, healthy: new Probe(config.livenessFailNext), ready: new Probe(config.readinessFailNext), memory: [], keygen: new KeyGen(proc), memq: new MemQ(proc), served: new Map() }
    state.keygen.configure(config.keygen)
    const handler = (request: HttpRequest, peer: HttpPeer) => serve(state, request, peer)
    const listen = (address: string, tls?: TlsServerOptions) => proc.net.listenHttp(portOf(address), handler, { ...(hostOf(address) ? { ip: hostOf(address)! } : {}), ...(tls ? { tls } : {}) })
    const failed = (address: string, error: unknown): number => {
      if (!(error instanceof UnixError)) throw error
      goLog(proc, `listen tcp ${address}: bind: ${errorText(error).toLowerCase()}`)
      return 1
    }
    const [certificate, key] = ['kuard.crt', 'kuard.key'].map((name) => joinPath(config.tlsDir, name))
    if (proc.fs.exists(certificate!) && proc.fs.exists(key!)) {
      goLog(proc, `Serving HTTPS on ${config.tlsAddress}`)
      let tls: { certificatePem: string; keyPem: string }
      try {
        tls = { certificatePem: proc.fs.readText(certificate!), keyPem: proc.fs.readText(key!) }
      } catch (error) {
        if (!(error instanceof UnixError)) throw error
        goLog(proc, `open ${certificate}: ${errorText(error).toLowerCase()}`)
        return 1
      }
      const problem = keyPairProblem(tls.certificatePem, tls.keyPem)
      if (problem !== undefined) { goLog(proc, problem); return 1 }
      try { listen(config.tlsAddress, tls) } catch (error) { return failed(config.tlsAddress, error) }
    } else goLog(proc, 'Could not find certificates to serve TLS')
    goLog(proc, `Serving on HTTP on ${config.address}`)
    try { listen(config.address) } catch (error) { return failed(config.address, error) }
    return Promise.race([untilKilled(proc), state.keygen.exited])
  })
}

interface State {
  proc: Proc
  version: string
  healthy: Probe
  ready: Probe
  /** Sizes of what was allocated on request. */
  memory: number[]
  keygen: KeyGen
  memq: MemQ
  /** How many requests had this method, path and status. */
  served: Map<string, number>
}

async function serve(state: State, request: HttpRequest, peer: HttpPeer): Promise<Response> {
  const { proc } = state
  const url = new URL(request.url)
  const remote = hostPort(peer.remote.ip, peer.remote.port)
  goLog(proc, `${remote} ${request.method} ${url.pathname}${url.search}`)
  const response = await answer(state, request, url, remote)
  const labels = `method=${JSON.stringify(request.method)},route=${JSON.stringify(url.pathname)},status_code="${response.status}"`
  state.served.set(labels, (state.served.get(labels) ?? 0) + 1)
  return response
}

/** Everything is served below / and, for Ingresses by path, below /a, /b and /c. */
async function answer(state: State, request: HttpRequest, url: URL, remote: string): Promise<Response> {
  const { proc, keygen } = state
  const base = /^\/[abc](?=\/)/.exec(url.pathname)?.[0] ?? ''
  const path = url.pathname.slice(base.length)
  const { method } = request
  const nowMs = proc.clock.nowMs()
  const probe = /^\/(healthy|ready)(\/api)?$/.exec(path)
  if (probe) {
    const target = probe[1] === 'healthy' ? state.healthy : state.ready
    if (!probe[2]) {
      if (method !== 'GET') return notAllowed(proc, 'GET')
      const { code, body } = target.answer(nowMs)
      return goResponse(proc, body, { status: code, headers: { 'content-type': 'text/plain' } })
    }
    return configureProbe(state, target, request, `${base}/-/${probe[1] === 'healthy' ? 'liveness' : 'readiness'}`)
  }
  if (path.startsWith('/memq/server/')) {
    const response = await state.memq.answer(request, path.slice('/memq/server/'.length))
    if (response) return response
  }
  switch (path) {
    case '/env/api': return method === 'GET' ? json(proc, { commandLine: proc.argv, env: sortedEnvironment(proc) }) : notAllowed(proc, 'GET')
    case '/mem/api': return method === 'GET' ? json(proc, { memStats: { alloc: state.memory.reduce((a, b) => a + b, 0), sys: proc.machine.usage().memoryBytes } }) : notAllowed(proc, 'GET')
    case '/mem/api/alloc': {
      if (method !== 'POST') return notAllowed(proc, 'POST')
      const size = url.searchParams.get('size') ?? ''
      if (!/^\d+$/.test(size)) return goError(proc, size === '' ? 'size not specified' : 'bad size param', 400)
      state.memory.push(Number(size))
      proc.useMemory(BASE_MEMORY_BYTES + state.memory.reduce((a, b) => a + b, 0))
      return back(request, `${base}/-/mem`, goResponse(proc, ''))
    }
    case '/mem/api/clear':
      if (method !== 'POST') return notAllowed(proc, 'POST')
      state.memory.length = 0
      proc.useMemory(BASE_MEMORY_BYTES)
      return back(request, `${base}/-/mem`, goResponse(proc, ''))
    case '/dns/api': {
      if (method !== 'POST') return notAllowed(proc, 'POST')
      const query = await bodyAsJson(request)
      if (query instanceof SyntaxError) return goError(proc, query.message, 400)
      try { return json(proc, { result: await lookUp(proc, String(query['type'] ?? ''), String(query['name'] ?? '')) }) } catch (error) {
        if (!(error instanceof UnixError)) throw error
        return goError(proc, error.message, 400)
      }
    }
    case '/keygen': {
      if (method === 'PUT') {
        const config = await bodyAsJson(request)
        if (config instanceof SyntaxError) return goError(proc, config.message, 400)
        keygen.configure(config)
      } else if (method !== 'GET') return notAllowed(proc, 'GET, PUT')
      return json(proc, { config: keygen.config, history: keygen.history })
    }
    case '/metrics': return goResponse(proc, metricsText(state.served), { headers: { 'content-type': 'text/plain; version=0.0.4' } })
  }
  if (path.startsWith('/fs/')) return files(proc, path)
  const tab = /^\/(?:-\/(\w*).*)?$/.exec(path)
  if (!tab) return goError(proc, '404 page not found', 404)
  if (method !== 'GET') return notAllowed(proc, 'GET')
  const dns = tab[1] === 'dns' && url.searchParams.has('name') ? await lookUp(proc, url.searchParams.get('type') ?? 'A', url.searchParams.get('name')!).catch(errorText) : ''
  const shown = ({ failNext, history }: { failNext: number; history: ReturnType<Probe['history']> }) => ({ failNext, history })
  const page = kuardPage({
    tab: tab[1] || 'request', base, version: state.version, hostname: proc.machine.hostname, addresses: proc.net.addresses, client: remote, request, argv: proc.argv, env: proc.env, memoryBytes: proc.machine.usage().memoryBytes, allocatedBytes: state.memory.reduce((a, b) => a + b, 0),
    healthy: shown({ failNext: state.healthy.failNext, history: state.healthy.history(nowMs) }), ready: shown({ failNext: state.ready.failNext, history: state.ready.history(nowMs) }), keygen, queues: state.memq.stats(), dns,
  })
  return goResponse(proc, page, { headers: { 'content-type': 'text/html' } })
}

/** A JSON object; else what is wrong with it. */
async function bodyAsJson(request: HttpRequest): Promise<Record<string, unknown> | SyntaxError> {
  const text = await request.text()
  if (text.trim() === '') return new SyntaxError('EOF')
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Record<string, unknown> : new SyntaxError('json: cannot unmarshal value into Go value')
  } catch {
    return new SyntaxError(`invalid character ${`'${text.trim()[0]}'`} looking for beginning of value`)
  }
}

/** Reads and sets how a probe answers; forms of the page go back to it. */
async function configureProbe(state: State, target: Probe, request: HttpRequest, page: string): Promise<Response> {
  const { proc } = state
  if (request.method === 'POST') {
    target.failNext = Number(new URLSearchParams(await request.text()).get('failNext') ?? 0)
    return new Response(null, { status: 303, headers: { location: page } })
  }
  if (request.method === 'PUT') {
    const config = await bodyAsJson(request)
    if (config instanceof SyntaxError) return goError(proc, config.message, 400)
    target.failNext = Number(config['failNext'] ?? 0)
  } else if (request.method !== 'GET') return notAllowed(proc, 'GET, PUT')
  return json(proc, { probePath: '', failNext: target.failNext, history: target.history(proc.clock.nowMs()) })
}

/** A form goes back to its page, a program gets its answer. */
function back(request: HttpRequest, location: string, response: Response): Response {
  return request.headers.get('accept')?.includes('text/html') ? new Response(null, { status: 303, headers: { location } }) : response
}

const BUCKETS = ['0.005', '0.01', '0.025', '0.05', '0.1', '0.25', '0.5', '1', '2.5', '5', '10', '+Inf']
/** What a request takes about. */
const REQUEST_SECONDS = 0.0002

function metricsText(served: ReadonlyMap<string, number>): string {
  const name = 'request_duration_seconds'
  const rows = [...served].sort(([a], [b]) => (a < b ? -1 : 1)).map(([labels, count]) => `${BUCKETS.map((le) => `${name}_bucket{${labels},le="${le}"} ${count}\n`).join('')}${name}_sum{${labels}} ${Number((count * REQUEST_SECONDS).toPrecision(6))}\n${name}_count{${labels}} ${count}\n`)
  return `# HELP ${name} Time serving HTTP request\n# TYPE ${name} histogram\n${rows.join('')}`
}

const RECORD_TYPES = new Set(['A', 'AAAA', 'SRV', 'PTR', 'CNAME', 'NS', 'SOA', 'TXT', 'MX'])

/** Asks the name server: the name in each search domain, then as it is. @throws UnixError */
async function lookUp(proc: Proc, type: string, name: string): Promise<string> {
  const kind = type.toUpperCase()
  if (!RECORD_TYPES.has(kind)) throw new UnixError('EINVAL', `Unknown DNS type: ${type}`)
  const { nameservers, search } = readResolverConfig(proc.fs)
  const server = nameservers[0]
  if (!server) throw new UnixError('ENOENT', 'open /etc/resolv.conf: no such file or directory')
  const names = name === '' || name.endsWith('.') ? [name.replace(/\.$/, '')] : [...search.map((domain) => `${name}.${domain}`), name]
  let last = ''
  for (const each of names) {
    const answer = await askDns(proc.net, server, each, kind as RecordType, proc.random.int(65_536), 5_000)
    const answers = answer.answers.map((r) => `${r.name}.\t${r.ttlSeconds}\tIN\t${r.type}\t${r.data}\n`).join('')
    last = `;; opcode: QUERY, status: ${answer.code}, id: ${answer.id}\n;; flags: qr rd ra; QUERY: 1, ANSWER: ${answer.answers.length}, AUTHORITY: ${answer.authorities.length}, ADDITIONAL: 0\n\n;; QUESTION SECTION:\n;${each}.\tIN\t ${kind}\n${answers && `\n;; ANSWER SECTION:\n${answers}`}`
    if (answers) break
  }
  return last
}

/** The file system browser. */
function files(proc: Proc, path: string): Response {
  const file = resolvePath('/', decodeURIComponent(path.slice(3)))
  try {
    if (proc.fs.stat(file).type !== 'directory') return new Response(proc.fs.readFile(file).slice(), { headers: { 'content-type': contentType(file, 'text/plain; charset=utf-8') } })
    if (!path.endsWith('/')) return new Response(null, { status: 301, headers: { location: `${path}/` } })
    const names = proc.fs.readdir(file).map((name) => { const label = proc.fs.lstat(joinPath(file, name)).type === 'directory' ? `${name}/` : name; return `<a href="${encodeURI(label)}">${label}</a>\n` })
    return goResponse(proc, `<pre>\n${names.join('')}</pre>\n`, { headers: { 'content-type': 'text/html; charset=utf-8' } })
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    return error.code === 'EACCES' ? goResponse(proc, '403 Forbidden\n', { status: 403 }) : goResponse(proc, '404 page not found\n', { status: 404 })
  }
}
