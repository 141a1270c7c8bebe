import type { HttpRequest } from '../../../base/http.ts'
import { errorText } from '../../../unix/errno.ts'
import { hostPort } from '../../../unix/net/addresses.ts'
import { askDns, readResolverConfig } from '../../../unix/net/names.ts'
import type { RecordType } from '../../../unix/net/dns.ts'
import { joinPath, resolvePath } from '../../../unix/path.ts'
import { UnixError } from '../../../unix/types.ts'
import type { Proc, Program } from '../../../unix/types.ts'
import { goFlags, goLog, goResponse } from '../agnhost/go-server.ts'
import { contentType } from '../http/content-type.ts'
import { defineImage } from '../image.ts'
import { KeyGen } from './keygen.ts'
import { kuardPage } from './page.ts'

/** A probe page: answers well until it is told to fail. */
class Probe {
  /** How many of the next answers fail; -1: all. */
  failNext = 0
  readonly history: { id: number; when: string; code: number }[] = []
  #last = 0

  constructor(failsAlways: boolean) {
    if (failsAlways) this.failNext = -1
  }

  answer(when: string): { code: number; body: string } {
    const fails = this.failNext !== 0
    if (this.failNext > 0) this.failNext -= 1
    const code = fails ? 500 : 200
    this.history.unshift({ id: ++this.#last, when, code })
    this.history.length = Math.min(this.history.length, 20)
    return { code, body: fails ? 'fail' : 'ok' }
  }
}

/** The demo application of one version: shows what a container sees, and can be told to misbehave. */
export function kuard(version: string): Program {
  return async (proc) => {
    const { flags } = goFlags(proc.argv.slice(1), new Set(['keygen-enable', 'keygen-exit-on-complete', 'debug']))
    const address = flags.get('address') ?? ':8080'
    const healthy = new Probe(flags.has('liveness-fail') || flags.get('fail-live') === 'true')
    const ready = new Probe(flags.has('readiness-fail'))
    const memory: number[] = []
    const keygen = new KeyGen(proc, {
      enable: flags.has('keygen-enable') && flags.get('keygen-enable') !== 'false', exitOnComplete: flags.has('keygen-exit-on-complete'), exitCode: Number(flags.get('keygen-exit-code') ?? 0),
      numToGen: Number(flags.get('keygen-num-to-gen') ?? 0), timeToRunSeconds: Number(flags.get('keygen-time-to-run') ?? 0), memQServer: flags.get('keygen-memq-server') ?? '', memQQueue: flags.get('keygen-memq-queue') ?? '',
    })
    for (const line of [`Starting kuard version: ${version}`, '*'.repeat(70), '* WARNING: This server may expose sensitive', '* and secret information. Be careful.', '*'.repeat(70), `Config: \n${JSON.stringify({ address, debug: flags.has('debug'), 'debug-sitedata-dir': './sitedata', keygen: keygen.config, liveness: { 'fail-next': healthy.failNext }, readiness: { 'fail-next': ready.failNext }, 'tls-address': ':8443', 'tls-dir': '/tls' }, null, 2)}`, 'Could not find certificates to serve TLS', `Serving on HTTP on ${address}`]) goLog(proc, line)
    const port = Number(address.slice(address.lastIndexOf(':') + 1))
    proc.net.listenHttp(port, async (request, peer) => {
      const url = new URL(request.url)
      goLog(proc, `${hostPort(peer.remote.ip, peer.remote.port)} ${request.method} ${url.pathname}`)
      return answer({ proc, version, healthy, ready, memory, keygen }, request, url, peer.remote.ip)
    })
    const stopped = new Promise<number>((resolve) => { for (const signal of ['SIGTERM', 'SIGINT'] as const) proc.onSignal(signal, () => resolve(signal === 'SIGINT' ? 130 : 143)) })
    return Promise.race([stopped, keygen.run()])
  }
}

interface State {
  proc: Proc
  version: string
  healthy: Probe
  ready: Probe
  memory: number[]
  keygen: KeyGen
}

const json = (proc: Proc, value: unknown) => goResponse(proc, `${JSON.stringify(value)}\n`, { headers: { 'content-type': 'application/json' } })

async function answer(state: State, request: HttpRequest, url: URL, client: string): Promise<Response> {
  const { proc } = state
  const path = url.pathname
  if (path === '/healthy' || path === '/ready') {
    const { code, body } = (path === '/healthy' ? state.healthy : state.ready).answer(new Date(proc.clock.nowMs()).toISOString())
    return goResponse(proc, body, { status: code })
  }
  const probe = /^\/(healthy|ready)\/api(?:\/config)?$/.exec(path)
  if (probe) {
    const target = probe[1] === 'healthy' ? state.healthy : state.ready
    if (request.method === 'PUT' || request.method === 'POST') {
      const text = await request.text()
      try { target.failNext = Number((JSON.parse(text || '{}') as { failNext?: number }).failNext ?? new URLSearchParams(text).get('failNext') ?? url.searchParams.get('failNext') ?? 0) } catch { target.failNext = Number(new URLSearchParams(text).get('failNext') ?? 0) }
      if (!request.headers.get('content-type')?.includes('json') && request.method === 'POST') return new Response(null, { status: 303, headers: { location: `/-/${probe[1] === 'healthy' ? 'liveness' : 'readiness'}` } })
    }
    return json(proc, { probePath: `/${probe[1]}`, failNext: target.failNext, history: target.history })
  }
  if (path === '/env/api') return json(proc, { commandLine: proc.argv, env: proc.env })
  if (path === '/mem/api') return json(proc, { memStats: { alloc: state.memory.reduce((a, b) => a + b, 0), sys: proc.machine.usage().memoryBytes } })
  if (path === '/mem/api/alloc') {
    state.memory.push(Number(url.searchParams.get('size') ?? 0))
    proc.useMemory(8 * 2 ** 20 + state.memory.reduce((a, b) => a + b, 0))
    return back(request, '/-/mem', json(proc, {}))
  }
  if (path === '/mem/api/clear') {
    state.memory.length = 0
    proc.useMemory(8 * 2 ** 20)
    return back(request, '/-/mem', json(proc, {}))
  }
  if (path === '/dns/api') return json(proc, { result: await lookUp(proc, request, url) })
  if (path === '/keygen') {
    if (request.method === 'PUT' || request.method === 'POST') { try { state.keygen.configure(JSON.parse(await request.text()) as Record<string, never>) } catch { /* What isn't JSON changes nothing. */ } }
    return json(proc, { config: state.keygen.config, history: state.keygen.history })
  }
  if (path === '/metrics') return goResponse(proc, `# HELP kuard_requests Requests served.\n# TYPE kuard_requests counter\nkuard_requests{path="/healthy"} ${state.healthy.history.length}\nkuard_requests{path="/ready"} ${state.ready.history.length}\n`)
  if (path.startsWith('/fs/')) return files(proc, path)
  const tab = /^\/(?:-\/(\w*))?$/.exec(path)
  if (!tab) return goResponse(proc, '404 page not found\n', { status: 404 })
  const dns = tab[1] === 'dns' && url.searchParams.has('name') ? await lookUp(proc, request, url) : ''
  const page = kuardPage({ tab: tab[1] || 'request', version: state.version, hostname: proc.machine.hostname, addresses: proc.net.addresses, client, request, argv: proc.argv, env: proc.env, memoryBytes: proc.machine.usage().memoryBytes, allocatedBytes: state.memory.reduce((a, b) => a + b, 0), healthy: state.healthy, ready: state.ready, keygen: state.keygen, dns })
  return goResponse(proc, page, { headers: { 'content-type': 'text/html; charset=utf-8' } })
}

/** A form goes back to its page, a program gets its answer. */
function back(request: HttpRequest, location: string, response: Response): Response {
  return request.headers.get('accept')?.includes('text/html') ? new Response(null, { status: 303, headers: { location } }) : response
}

async function lookUp(proc: Proc, request: HttpRequest, url: URL): Promise<string> {
  let type = url.searchParams.get('type') ?? 'A'
  let name = url.searchParams.get('name') ?? ''
  if (request.method === 'POST') try { ({ type, name } = JSON.parse(await request.text()) as { type: string; name: string }) } catch { return 'invalid query' }
  const server = readResolverConfig(proc.fs).nameservers[0]
  if (!server) return 'no name servers'
  try {
    const answer = await askDns(proc.net, server, name.replace(/\.$/, ''), type.toUpperCase() as RecordType, proc.random.int(65_536), 5_000)
    return `;; opcode: QUERY, status: ${answer.code}, id: ${answer.id}\n;; flags: qr rd ra; QUERY: 1, ANSWER: ${answer.answers.length}, AUTHORITY: ${answer.authorities.length}, ADDITIONAL: 0\n\n;; QUESTION SECTION:\n;${name}.\tIN\t ${type}\n${answer.answers.length > 0 ? `\n;; ANSWER SECTION:\n${answer.answers.map((r) => `${r.name}.\t${r.ttlSeconds}\tIN\t${r.type}\t${r.data}\n`).join('')}` : ''}`
  } catch (error) {
    return errorText(error)
  }
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

const COLOURS = ['blue', 'green', 'purple']
const NUMBERS = ['1', '2', '3']

export const kuardImage = defineImage({
  repository: 'gcr.io/kuar-demo/kuard-amd64', tags: [...COLOURS, ...NUMBERS, ...COLOURS.map((colour) => `v0.10.0-${colour}`), 'v0.10.0'], sizeBytes: 11_500_000, cmd: ['/kuard'], exposedPorts: [8080],
  env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
  files: { '/etc/passwd': 'root:x:0:0:root:/root:/bin/ash\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n', '/etc/group': 'root:x:0:\nnogroup:x:65533:\n' },
  programs: { '/kuard': kuard('v0.10.0-blue') },
  variants: Object.fromEntries([...COLOURS.flatMap((colour) => [colour, `v0.10.0-${colour}`].map((tag) => [tag, { programs: { '/kuard': kuard(`v0.10.0-${colour}`) } }])), ...NUMBERS.map((number) => [number, { programs: { '/kuard': kuard(`v0.10.0-${number}`) } }])]),
})
