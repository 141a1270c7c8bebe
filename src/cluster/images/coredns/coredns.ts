import { decodeDns, dnsAnswer, encodeDns } from '../../../unix/net/dns.ts'
import type { DnsMessage } from '../../../unix/net/dns.ts'
import { joinPath } from '../../../unix/path.ts'
import { UnixError } from '../../../unix/types.ts'
import type { Listener, Proc, Program, SocketAddress, TcpSocket } from '../../../unix/types.ts'
import { defineImage } from '../image.ts'
import { clusterClient } from '../in-cluster/cluster-client.ts'
import { followResource } from '../in-cluster/follow-resource.ts'
import { ClusterNames } from './cluster-names.ts'
import { parseCorefile } from './corefile.ts'
import { chainOf, settingsOf } from './plugins.ts'
import type { Handler, Query, ServerSettings } from './plugins.ts'
import type { ServiceObject, SliceObject } from './service-names.ts'

const VERSION = '1.14.2'

/** CoreDNS with the plugins that clusters use. It knows only what the API tells it. */
export const coreDnsImage = defineImage({
  repository: 'registry.k8s.io/coredns/coredns',
  tags: [`v${VERSION}`],
  sizeBytes: 23_000_000,
  entrypoint: ['/coredns'],
  user: 'nonroot:nonroot',
  programs: { '/coredns': coredns(VERSION, 'go1.26.8') },
  files: { '/etc/passwd': 'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n', '/etc/group': 'root:x:0:\nnonroot:x:65532:\n' },
})

/** A configuration in force. */
interface Instance {
  /** Hash of the Corefile. */
  hash: string
  servers: { zone: string; port: number; handler: Handler }[]
  settings: ServerSettings
}

/** The program of a release. */
export function coredns(version: string, goVersion: string): Program {
  return (proc) => new Server(proc).run(version, goVersion)
}

class Server {
  readonly #proc: Proc
  readonly #file: string
  readonly #names = new ClusterNames()
  readonly #synced = { services: false, slices: false, namespaces: false }
  #follows = false
  #instance!: Instance
  #requests = 0
  /** What listens, by a name of its own. */
  readonly #listeners = new Map<string, Listener[]>()

  constructor(proc: Proc) {
    this.#proc = proc
    const at = proc.argv.indexOf('-conf')
    this.#file = at >= 0 ? proc.argv[at + 1] ?? '' : 'Corefile'
  }

  async run(version: string, goVersion: string): Promise<number> {
    const proc = this.#proc
    try {
      this.#instance = await this.#load()
      this.#listen()
    } catch (error) {
      await proc.stderr.write(`${(error as Error).message}\n`)
      return 1
    }
    proc.useMemory(13 * 2 ** 20)
    proc.useCpuSteadily(2)
    for (const { zone, port } of this.#instance.servers) this.#log(`${zone || ''}.:${port}`)
    if (this.#instance.settings.reload) this.#log(`[INFO] plugin/reload: Running configuration SHA512 = ${this.#instance.hash}`)
    this.#log(`CoreDNS-${version}\nlinux/amd64, ${goVersion}`)
    void this.#reload().catch(() => {})
    await proc.signal('SIGTERM', 'SIGINT')
    this.#log('[INFO] SIGTERM: Shutting down servers then terminating')
    const { lameduckMs } = this.#instance.settings
    if (lameduckMs > 0) {
      this.#log(`[INFO] plugin/health: Going into lameduck mode for ${lameduckMs / 1000}s`)
      await proc.sleep(lameduckMs)
    }
    return 0
  }

  #log(text: string): void {
    this.#proc.stdout.write(`${text}\n`).catch(() => {})
  }

  /** Reads the Corefile. @throws Error in CoreDNS' words */
  async #load(): Promise<Instance> {
    const { fs, clock } = this.#proc
    const path = this.#proc.resolve(this.#file)
    if (!fs.exists(path)) throw new Error(`loading Caddyfile via flag: open ${this.#file}: no such file or directory`)
    const text = fs.readText(path)
    const blocks = parseCorefile(text, this.#file, (pattern) => this.#import(pattern))
    const settings = settingsOf(blocks, this.#file)
    const context = { proc: this.#proc, names: this.#names, log: (line: string) => this.#log(line), upstream: (message: DnsMessage) => this.#resolve({ message, from: { ip: '127.0.0.1', port: 0 }, protocol: 'udp', bytes: 0 }, 53) }
    const servers = blocks.flatMap((block) => {
      const handler = chainOf(block, this.#file, context)
      return block.zones.map((each) => ({ ...each, handler }))
    })
    const twice = servers.find(({ zone, port }, i) => servers.findIndex((other) => other.zone === zone && other.port === port) !== i)
    if (twice) throw new Error(`cannot serve dns://${twice.zone}.:${twice.port} - it is already defined`)
    if (settings.usesKubernetes) this.#follow()
    const digest = await clock.outside(crypto.subtle.digest('SHA-512', new TextEncoder().encode(text)))
    return { hash: [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join(''), servers, settings }
  }

  /** Files that a Corefile names by a pattern, put together. */
  #import(pattern: string): string | undefined {
    const { fs } = this.#proc
    const path = this.#proc.resolve(pattern)
    if (!pattern.includes('*')) return fs.exists(path) ? fs.readText(path) : undefined
    const [folder, last] = [path.slice(0, path.lastIndexOf('/')), path.slice(path.lastIndexOf('/') + 1)]
    const matches = new RegExp(`^${last.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`)
    const found = fs.exists(folder) ? fs.readdir(folder).filter((name) => matches.test(name)).sort() : []
    if (found.length === 0) { this.#log(`[WARNING] No files matching import glob pattern: ${pattern}`); return undefined }
    return found.map((name) => fs.readText(joinPath(folder, name))).join('\n')
  }

  /** Follows what the kubernetes plugin needs, from the first configuration on that has it. */
  #follow(): void {
    if (this.#follows) return
    this.#follows = true
    const proc = this.#proc
    const client = clusterClient(proc, 'coredns')
    const follow = <T extends { metadata: { name: string } }>(path: string, onChange: (key: string, object: T | undefined) => void, of: 'services' | 'slices' | 'namespaces') => {
      const onError = (message: string) => this.#log(`[ERROR] plugin/kubernetes: Failed to watch ${path}: ${message}`)
      void followResource<T>({ proc, client, path, onChange, onSynced: () => { this.#synced[of] = true }, onError }).catch(() => {})
    }
    follow<ServiceObject & { metadata: { name: string } }>('/api/v1/services', (key, service) => this.#names.setService(key, service), 'services')
    follow<SliceObject>('/apis/discovery.k8s.io/v1/endpointslices', (key, slice) => this.#names.setSlice(key, slice), 'slices')
    follow('/api/v1/namespaces', (key, namespace) => this.#names.setNamespace(key.slice(1), namespace !== undefined), 'namespaces')
  }

  /** Opens what the configuration asks for, and closes what it doesn't any more. @throws Error for a port that is taken */
  #listen(): void {
    const { net } = this.#proc
    const { servers, settings: { healthPort, readyPort, metricsPort } } = this.#instance
    const notFound = () => new Response('404 page not found\n', { status: 404 })
    const wanted = new Map<string, () => Listener[]>()
    for (const { port } of servers) wanted.set(`dns ${port}`, () => [
      net.listenUdp(port, (payload, from) => this.#answer(payload, from, 'udp', port)),
      net.listenTcp(port, (socket) => { void serveTcp(socket, (payload) => this.#answer(payload, socket.remote, 'tcp', port)).catch(() => {}) }),
    ])
    if (healthPort) wanted.set(`health ${healthPort}`, () => [net.listenHttp(healthPort, ({ url }) => new URL(url).pathname === '/health' ? new Response('OK') : notFound())])
    if (readyPort) wanted.set(`ready ${readyPort}`, () => [net.listenHttp(readyPort, () => this.#isReady() ? new Response('OK') : new Response('kubernetes', { status: 503 }))])
    if (metricsPort) wanted.set(`metrics ${metricsPort}`, () => [net.listenHttp(metricsPort, () => new Response(`# HELP coredns_dns_requests_total Counter of DNS requests made per zone, protocol and family.\n# TYPE coredns_dns_requests_total counter\ncoredns_dns_requests_total{family="1",proto="udp",server="dns://:53",type="A",zone="."} ${this.#requests}\n`))])
    for (const [name, held] of this.#listeners) {
      if (wanted.has(name)) continue
      for (const listener of held) listener.close()
      this.#listeners.delete(name)
    }
    for (const [name, open] of wanted) {
      if (this.#listeners.has(name)) continue
      try {
        this.#listeners.set(name, open())
      } catch (error) {
        if (!(error instanceof UnixError)) throw error
        const port = name.split(' ')[1]!
        throw new Error(`Listen: listen tcp :${port}: bind: ${error.code === 'EACCES' ? 'permission denied' : 'address already in use'}`)
      }
    }
  }

  #isReady(): boolean {
    return !this.#instance.settings.usesKubernetes || (this.#synced.services && this.#synced.slices && this.#synced.namespaces)
  }

  /** Looks at the Corefile every now and then. coredns: plugin/reload */
  async #reload(): Promise<void> {
    const proc = this.#proc
    let failed: string | undefined
    for (;;) {
      const { reload } = this.#instance.settings
      if (!reload) return
      await proc.sleep(reload.intervalMs + proc.random.int(Math.max(1, Math.round(reload.jitterMs))))
      let next: Instance
      try {
        next = await this.#load()
      } catch (error) {
        const { message } = error as Error
        if (message !== failed) this.#log(`[INFO] Reloading\n[ERROR] Restart failed: ${message}\n[ERROR] plugin/reload: Corefile changed but reload failed: ${message}`)
        failed = message
        continue
      }
      failed = undefined
      if (next.hash === this.#instance.hash) continue
      this.#log('[INFO] Reloading')
      const before = this.#instance
      this.#instance = next
      try {
        this.#listen()
      } catch (error) {
        this.#instance = before
        this.#log(`[ERROR] Restart failed: ${(error as Error).message}`)
        continue
      }
      this.#log(`[INFO] plugin/reload: Running configuration SHA512 = ${next.hash}\n[INFO] Reloading complete`)
    }
  }

  async #answer(payload: Uint8Array, from: SocketAddress, protocol: 'udp' | 'tcp', port: number): Promise<Uint8Array | undefined> {
    this.#requests++
    let message: DnsMessage
    try {
      message = decodeDns(payload)
    } catch {
      return undefined
    }
    return encodeDns(await this.#resolve({ message, from, protocol, bytes: payload.length }, port))
  }

  /** The block with the closest zone answers. */
  async #resolve(query: Query, port: number): Promise<DnsMessage> {
    const { message } = query
    const [question] = message.questions
    if (!question) return dnsAnswer(message, 'FORMERR')
    const name = question.name.toLowerCase()
    let closest: Instance['servers'][number] | undefined
    for (const server of this.#instance.servers) {
      const isBelow = server.zone === '' || name === server.zone || name.endsWith(`.${server.zone}`)
      if (server.port === port && isBelow && (!closest || server.zone.length > closest.zone.length)) closest = server
    }
    try {
      return closest ? await closest.handler(query) : dnsAnswer(message, 'REFUSED', [], { authoritative: false })
    } catch {
      return dnsAnswer(message, 'SERVFAIL', [], { authoritative: false })
    }
  }
}

/** DNS over TCP: messages with their length in front. */
async function serveTcp(socket: TcpSocket, answer: (payload: Uint8Array) => Promise<Uint8Array | undefined>): Promise<void> {
  let held = new Uint8Array()
  for (let chunk = await socket.reader.read(); chunk; chunk = await socket.reader.read()) {
    const joined = new Uint8Array(held.length + chunk.length)
    joined.set(held)
    joined.set(chunk, held.length)
    held = joined
    while (held.length >= 2 && held.length >= 2 + (held[0]! << 8 | held[1]!)) {
      const length = held[0]! << 8 | held[1]!
      const reply = await answer(held.subarray(2, 2 + length))
      held = held.slice(2 + length)
      if (!reply) continue
      const framed = new Uint8Array(reply.length + 2)
      framed[0] = reply.length >> 8
      framed[1] = reply.length & 255
      framed.set(reply, 2)
      await socket.writer.write(framed)
    }
  }
  socket.writer.close()
}
