import { hexOf } from '../../../base/pem.ts'
import type { Random } from '../../../base/random.ts'
import { decodeDns, dnsAnswer, encodeDns } from '../../../unix/net/dns.ts'
import type { DnsMessage } from '../../../unix/net/dns.ts'
import { joinPath } from '../../../unix/path.ts'
import { UnixError } from '../../../unix/types.ts'
import type { Listener, Proc, Program, SocketAddress, TcpSocket } from '../../../unix/types.ts'
import { defineImage } from '../image.ts'
import type { ImageDefinition } from '../image.ts'
import { clusterClient } from '../in-cluster/cluster-client.ts'
import { followResource } from '../in-cluster/follow-resource.ts'
import { ClusterNames } from './cluster-names.ts'
import { hashedText, parseCorefile } from './corefile.ts'
import type { ServerBlock } from './corefile.ts'
import { chainOf, settingsOf } from './plugins.ts'
import type { Handler, Query, ServerSettings } from './plugins.ts'
import { CORE_DNS_RELEASES } from './releases.ts'
import type { CoreDnsRelease } from './releases.ts'
import type { ServiceObject, SliceObject } from './service-names.ts'

/** How often the server may ask itself on behalf of one client, so that rewritten aliases of each other come to an end. */
const MOST_REENTRIES = 10
/** The release that comes with the cluster's version. k8s: cmd/kubeadm/app/constants CoreDNSVersion */
const OWN_VERSION = '1.14.2'
const isRootless = ({ version }: CoreDnsRelease): boolean => Number(version.split('.')[1]) >= 11
const imageOf = (releases: readonly CoreDnsRelease[]): ImageDefinition => defineImage({
  repository: 'registry.k8s.io/coredns/coredns',
  tags: releases.map(({ version }) => `v${version}`),
  digests: Object.fromEntries(releases.map(({ version, digest }) => [`v${version}`, digest])),
  sizeBytes: isRootless(releases[0]!) ? 23_000_000 : 14_000_000,
  entrypoint: ['/coredns'],
  // Up to 1.10 the image was nothing but the program.
  ...(isRootless(releases[0]!) ? { user: 'nonroot:nonroot', files: { '/etc/passwd': 'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n', '/etc/group': 'root:x:0:\nnonroot:x:65532:\n' } } : {}),
  variants: Object.fromEntries(releases.map((release) => [`v${release.version}`, { programs: { '/coredns': coredns(release) } }])),
})

/** CoreDNS with the plugins that clusters use, as it comes with the cluster. It knows only what the API tells it. */
export const coreDnsImage = imageOf(CORE_DNS_RELEASES.filter(({ version }) => version === OWN_VERSION))
/** The other releases, which serve as that one does. */
export const otherCoreDnsImages = [isRootless, (release: CoreDnsRelease) => !isRootless(release)].map((belongs) => imageOf(CORE_DNS_RELEASES.filter((release) => release.version !== OWN_VERSION && belongs(release))))

/** A configuration in force. */
interface Instance {
  servers: { zone: string; port: number; handler: Handler }[]
  settings: ServerSettings
}

/** The program of a release. */
export function coredns(release: Omit<CoreDnsRelease, 'digest'>): Program {
  return (proc) => new Server(proc).run(release)
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

  async run({ version, goVersion, commit }: Omit<CoreDnsRelease, 'digest'>): Promise<number> {
    const proc = this.#proc
    let hash: string
    try {
      const blocks = this.#read()
      hash = await this.#hashOf(blocks)
      this.#instance = this.#configure(blocks)
      this.#listen()
    } catch (error) {
      await proc.stderr.write(`${(error as Error).message}\n`)
      return 1
    }
    proc.useMemory(13 * 2 ** 20)
    proc.useCpuSteadily(2)
    for (const { zone, port } of this.#instance.servers) this.#log(`${zone || ''}.:${port}`)
    if (this.#instance.settings.reload) this.#log(`[INFO] plugin/reload: Running configuration SHA512 = ${hash}`)
    this.#log(`CoreDNS-${version}\nlinux/${proc.machine.hardware.architecture ?? 'amd64'}, ${goVersion}, ${commit}`)
    void this.#reload(hash).catch(() => {})
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
  #read(): ServerBlock[] {
    const { fs } = this.#proc
    const path = this.#proc.resolve(this.#file)
    if (!fs.exists(path)) throw new Error(`loading Caddyfile via flag: open ${this.#file}: no such file or directory`)
    return parseCorefile(fs.readText(path), this.#file, (pattern) => this.#import(pattern))
  }

  async #hashOf(blocks: readonly ServerBlock[]): Promise<string> {
    return hexOf(new Uint8Array(await this.#proc.clock.outside(crypto.subtle.digest('SHA-512', new TextEncoder().encode(hashedText(blocks))))))
  }

  /** What a Corefile asks for. @throws Error in CoreDNS' words */
  #configure(blocks: readonly ServerBlock[]): Instance {
    const settings = settingsOf(blocks, this.#file)
    const servers = blocks.flatMap((block) => {
      const port = block.zones[0]?.port ?? 53
      // An alias that leads back to itself ends somewhere.
      const upstream = (query: Query, message: DnsMessage) => this.#resolve({ ...query, message, reentries: query.reentries + 1 }, port)
      const handler = chainOf(block, this.#file, { proc: this.#proc, names: this.#names, log: (line: string) => this.#log(line), upstream })
      return block.zones.map((each) => ({ ...each, handler }))
    })
    const twice = servers.find(({ zone, port }, i) => servers.findIndex((other) => other.zone === zone && other.port === port) !== i)
    if (twice) throw new Error(`cannot serve dns://${twice.zone}.:${twice.port} - it is already defined`)
    if (settings.usesKubernetes) this.#follow()
    return { servers, settings }
  }

  /** Files that a Corefile names by a pattern. */
  #import(pattern: string): { name: string; text: string }[] {
    const { fs } = this.#proc
    const path = this.#proc.resolve(pattern)
    const [folder, last] = [path.slice(0, path.lastIndexOf('/')), path.slice(path.lastIndexOf('/') + 1)]
    if (!pattern.includes('*')) return fs.exists(path) ? [{ name: last, text: fs.readText(path) }] : []
    const matches = new RegExp(`^${last.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`)
    const found = fs.exists(folder) ? fs.readdir(folder).filter((name) => matches.test(name)).sort() : []
    if (found.length === 0) this.#log(`[WARNING] No files matching import glob pattern: ${pattern}`)
    return found.map((name) => ({ name, text: fs.readText(joinPath(folder, name)) }))
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

  /** Looks at the Corefile every now and then. @param hash of the configuration in force. coredns: plugin/reload */
  async #reload(hash: string): Promise<void> {
    const proc = this.#proc
    let seen = hash
    for (;;) {
      const { reload } = this.#instance.settings
      if (!reload) return
      await proc.sleep(reload.intervalMs + jitterOf(reload, proc.random))
      if (!proc.fs.exists(proc.resolve(this.#file))) continue
      let blocks: ServerBlock[]
      try {
        blocks = this.#read()
      } catch (error) {
        this.#log(`[WARNING] plugin/reload: Corefile parse failed: ${(error as Error).message}`)
        continue
      }
      const next = await this.#hashOf(blocks)
      if (next === seen) continue
      // One that is wrong isn't tried again before it changes.
      seen = next
      this.#log('[INFO] Reloading')
      const before = this.#instance
      try {
        this.#instance = this.#configure(blocks)
        this.#listen()
      } catch (error) {
        this.#instance = before
        const { message } = error as Error
        this.#log(`[ERROR] Restart failed: ${message}\n[ERROR] plugin/reload: Corefile changed but reload failed: ${message}`)
        continue
      }
      if (this.#instance.settings.reload) this.#log(`[INFO] plugin/reload: Running configuration SHA512 = ${next}`)
      this.#log('[INFO] Reloading complete')
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
    return encodeDns(await this.#resolve({ message, from, protocol, bytes: payload.length, reentries: 0 }, port))
  }

  /** The block with the closest zone answers. */
  async #resolve(query: Query, port: number): Promise<DnsMessage> {
    const { message } = query
    const [question] = message.questions
    if (!question) return dnsAnswer(message, 'FORMERR')
    if (query.reentries > MOST_REENTRIES) return dnsAnswer(message, 'SERVFAIL', [], { authoritative: false })
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

/** At most half the interval, to either side of it. */
function jitterOf({ intervalMs, jitterMs }: NonNullable<ServerSettings['reload']>, random: Pick<Random, 'int'>): number {
  const widest = Math.floor(Math.min(jitterMs, intervalMs / 2))
  return widest < 1 ? 0 : random.int(widest) - Math.floor(widest / 2)
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
