import { readLines } from '../../../base/streams.ts'
import { isCapable } from '../../../unix/capabilities.ts'
import { callGrpc, serveGrpc } from '../../../unix/net/grpc.ts'
import type { KernelNetwork, Proc, Program, TcpSocket } from '../../../unix/types.ts'
import { contains } from '../../calico/ipam.ts'

/** Where `birdcl` finds the daemon. */
export const BIRD_SOCKET = '/var/run/calico/bird.ctl'
const BGP_PORT = 179
/** How long a lost neighbour's routes stay. */
const GRACE_MS = 120_000
const CONNECT_AGAIN_MS = 5_000
const ASK_MS = 5_000
const VERSION = 'v0.3.3+birdv1.6.8'

/** What the daemon is told to do. */
interface Configuration {
  routerId: string
  localAs: string
  peers: readonly { name: string; ip: string; as: string; isPassive: boolean }[]
  /** Ranges that lead to this node. */
  own: readonly string[]
  /** Of which only a part is here: what isn't goes nowhere. */
  blackholes: ReadonlySet<string>
  tunnels: readonly { range: string; mode: 'tunnel' | 'plain' | 'reject' | { near: string } }[]
}

/** Reads the part of BIRD's language that confd writes. Undefined: there is no configuration yet. */
function readConfiguration(proc: Proc, path: string): Configuration | undefined {
  if (!proc.fs.exists(path)) return undefined
  const folder = path.slice(0, path.lastIndexOf('/'))
  const included = (text: string): string => text.replace(/^include "([^"]+)";$/gm, (_, name: string) => (proc.fs.exists(`${folder}/${name}`) ? proc.fs.readText(`${folder}/${name}`) : ''))
  const text = included(proc.fs.readText(path)).replace(/^\s*#.*$/gm, '')
  const own = [...text.matchAll(/^\s*route (\S+) (blackhole|reject);$/gm)]
  return {
    routerId: /^router id (\S+);$/m.exec(text)?.[1] ?? '0.0.0.0', localAs: /^\s*local as (\d+);$/m.exec(text)?.[1] ?? '',
    peers: [...text.matchAll(/^protocol bgp (\S+) from bgp_template \{([^}]*)\}/gm)].map(([, name, body]) => {
      const [, ip = '', as = ''] = /neighbor (\S+) as (\d+);/.exec(body!) ?? []
      return { name: name!, ip, as, isPassive: /passive on;/.test(body!) }
    }),
    own: own.map(([, range]) => range!), blackholes: new Set(own.filter(([, , kind]) => kind === 'blackhole').map(([, range]) => range!)),
    tunnels: [...text.matchAll(/^\s*if \(net ~ (\S+)\) then \{ (.*) \}$/gm)].map(([, range, body]) => {
      const near = /bgp_next_hop ~ ([\d./]+)/.exec(body!)?.[1]
      return { range: range!, mode: /^reject/.test(body!) ? 'reject' as const : near !== undefined ? { near } : /krt_tunnel = "tunl0"/.test(body!) ? 'tunnel' as const : 'plain' as const }
    }),
  }
}

interface Peer {
  name: string
  ip: string
  as: string
  isPassive: boolean
  state: 'Active' | 'Connect' | 'OpenSent' | 'Established'
  info: string
  since: number
  routes: ReadonlySet<string>
  socket?: TcpSocket
  /** Ends the grace that its routes have. */
  grace?: { cancel(): void }
}

type Message = { type: 'OPEN'; as: string; routerId: string } | { type: 'UPDATE'; routes: string[] }

/**
 * BIRD: tells the other nodes which ranges lead here, and puts theirs into the kernel. Its configuration is confd's.
 * differs: messages are lines of JSON, an UPDATE carries all routes
 */
export const bird: Program = async (proc) => {
  const option = (name: string) => proc.argv[proc.argv.indexOf(name) + 1]
  const path = proc.argv.includes('-c') ? option('-c')! : '/etc/bird.conf'
  const socketPath = proc.argv.includes('-s') ? option('-s')! : BIRD_SOCKET
  proc.useMemory(12 * 2 ** 20)
  while (!proc.fs.exists(path)) await proc.sleep(500)
  const daemon = new Bird(proc)
  proc.fs.mkdir(socketPath.slice(0, socketPath.lastIndexOf('/')), { recursive: true })
  if (proc.fs.exists(socketPath)) proc.fs.remove(socketPath)
  serveGrpc(proc, socketPath, { 'bird/show': () => daemon.show() })
  // The one for IPv6 has no neighbours.
  if (!path.endsWith('bird6.cfg')) await daemon.run(path)
  say(proc, 'Started')
  await proc.signal('SIGTERM', 'SIGINT')
  daemon.close()
  return 0
}

const say = (proc: Proc, text: string) => void proc.stdout.write(`bird: ${text}\n`).catch(() => {})

/** What the daemon shows of its protocols and routes. */
export interface BirdStatus {
  routerId: string
  since: number
  /** When its configuration was read last. */
  configuredMs: number
  peers: { name: string; ip: string; state: Peer['state']; info: string; since: number }[]
  routes: { range: string; via?: string; name: string; device: string }[]
}

class Bird {
  readonly #proc: Proc
  readonly #kernel: KernelNetwork | undefined
  readonly #since: number
  #configuredMs: number
  #stopWatching: (() => void) | undefined
  readonly #peers = new Map<string, Peer>()
  #configuration: Configuration | undefined
  readonly #programmed = new Map<string, string>()
  #isClosed = false

  constructor(proc: Proc) {
    this.#proc = proc
    this.#since = this.#configuredMs = proc.clock.nowMs()
    this.#kernel = isCapable(proc, 'NET_ADMIN') ? proc.net.kernel : undefined
  }

  async run(path: string): Promise<void> {
    const proc = this.#proc
    proc.net.listenTcp(BGP_PORT, (socket) => void this.#accept(socket))
    this.#configure(readConfiguration(proc, path))
    let isPending = false
    this.#stopWatching = proc.fs.watch(path.slice(0, path.lastIndexOf('/')), () => {
      if (isPending) return
      isPending = true
      void proc.sleep(100).then(() => {
        isPending = false
        say(proc, 'Reconfiguration requested by SIGHUP')
        this.#configure(readConfiguration(proc, path))
      }, () => {})
    })
    proc.killed.addEventListener('abort', () => this.close())
    // What an earlier one left and nobody has named since goes.
    proc.clock.after(GRACE_MS, () => { if (!this.#isClosed) for (const { destination, protocol } of this.#kernel?.routes() ?? []) if (protocol === 'bird' && !this.#programmed.has(destination)) this.#kernel!.removeRoute(destination) })
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#stopWatching?.()
    for (const peer of this.#peers.values()) { peer.grace?.cancel(); peer.socket?.destroy() }
    this.#kernel?.leave()
  }

  show(): BirdStatus {
    return {
      routerId: this.#configuration?.routerId ?? '', since: this.#since, configuredMs: this.#configuredMs,
      peers: [...this.#peers.values()].map(({ name, ip, state, info, since }) => ({ name, ip, state, info, since })),
      routes: [...this.#wanted()].map(([range, { via, name, device }]) => ({ range, ...(via === undefined ? {} : { via }), name, device })),
    }
  }

  #configure(configuration: Configuration | undefined): void {
    if (!configuration || this.#isClosed) return
    this.#configuration = configuration
    this.#configuredMs = this.#proc.clock.nowMs()
    const wanted = new Map(configuration.peers.map((peer) => [peer.ip, peer]))
    for (const [ip, peer] of this.#peers) {
      if (wanted.has(ip)) continue
      this.#peers.delete(ip)
      peer.grace?.cancel()
      peer.socket?.destroy()
    }
    for (const { name, ip, as, isPassive } of configuration.peers) {
      const known = this.#peers.get(ip)
      if (known?.as === as && known.isPassive === isPassive) { this.#sendRoutes(known); continue }
      known?.grace?.cancel()
      known?.socket?.destroy()
      const peer: Peer = { name, ip, as, isPassive, state: isPassive ? 'Active' : 'Connect', info: '', since: this.#proc.clock.nowMs(), routes: new Set() }
      this.#peers.set(ip, peer)
      if (!isPassive) void this.#connect(peer)
    }
    this.#program()
  }

  async #connect(peer: Peer): Promise<void> {
    while (!this.#isClosed && this.#peers.get(peer.ip) === peer && !peer.socket) {
      try {
        const socket = await this.#proc.net.connectTcp(peer.ip, BGP_PORT, { timeoutMs: CONNECT_AGAIN_MS })
        if (this.#isClosed || this.#peers.get(peer.ip) !== peer) socket.destroy()
        else this.#talk(peer, socket)
        return
      } catch (error) {
        if (this.#proc.killed.aborted) return
        peer.info = `Socket: ${(error as Error).message}`
      }
      await this.#proc.sleep(CONNECT_AGAIN_MS).catch(() => {})
    }
  }

  #accept(socket: TcpSocket): void {
    const peer = this.#peers.get(socket.remote.ip)
    if (!peer || this.#isClosed) socket.destroy()
    else this.#talk(peer, socket)
  }

  #talk(peer: Peer, socket: TcpSocket): void {
    peer.socket?.destroy()
    peer.socket = socket
    this.#turn(peer, 'OpenSent', '')
    void this.#listen(peer, socket)
    this.#send(socket, { type: 'OPEN', as: this.#configuration!.localAs, routerId: this.#configuration!.routerId })
  }

  async #listen(peer: Peer, socket: TcpSocket): Promise<void> {
    let reason = 'Socket: Connection closed'
    try {
      for await (const line of readLines(socket.reader)) {
        const message = JSON.parse(line) as Message
        if (message.type === 'OPEN') {
          if (message.as !== peer.as) { reason = 'Error: Bad peer AS'; break }
          this.#turn(peer, 'Established', '')
          this.#sendRoutes(peer)
        } else {
          peer.grace?.cancel()
          peer.routes = new Set(message.routes)
          this.#program()
        }
      }
    } catch {
      reason = 'Socket: Connection reset by peer'
    }
    socket.destroy()
    if (peer.socket !== socket || this.#isClosed) return
    delete peer.socket
    this.#turn(peer, peer.isPassive ? 'Active' : 'Connect', reason)
    peer.grace?.cancel()
    peer.grace = this.#proc.clock.after(GRACE_MS, () => { peer.routes = new Set(); this.#program() })
    if (!peer.isPassive) {
      await this.#proc.sleep(CONNECT_AGAIN_MS).catch(() => {})
      void this.#connect(peer)
    }
  }

  #turn(peer: Peer, state: Peer['state'], info: string): void {
    peer.state = state
    peer.info = info
    peer.since = this.#proc.clock.nowMs()
    if (state === 'Established') say(this.#proc, `${peer.name}: State changed to up`)
    else if (info) say(this.#proc, `${peer.name}: ${info}`)
  }

  #send(socket: TcpSocket, message: Message): void {
    void Promise.resolve(socket.writer.write(new TextEncoder().encode(`${JSON.stringify(message)}\n`))).catch(() => {})
  }

  #sendRoutes(peer: Peer): void {
    if (peer.state === 'Established' && peer.socket) this.#send(peer.socket, { type: 'UPDATE', routes: [...this.#configuration!.own] })
  }

  #wanted(): Map<string, { via?: string; device: string; name: string }> {
    const { own = [], blackholes = new Set(), tunnels = [] } = this.#configuration ?? {}
    const wanted = new Map<string, { via?: string; device: string; name: string }>()
    for (const range of own) if (blackholes.has(range)) wanted.set(range, { device: 'lo', name: 'static1' })
    for (const { name, ip, routes } of this.#peers.values()) {
      for (const range of routes) {
        const mode = tunnels.find((tunnel) => contains(tunnel.range, range.split('/')[0]!))?.mode ?? 'plain'
        if (mode === 'reject' || wanted.has(range)) continue
        const isTunnelled = mode === 'tunnel' || (typeof mode === 'object' && !contains(mode.near, ip))
        wanted.set(range, { via: ip, device: isTunnelled ? 'tunl0' : 'eth0', name })
      }
    }
    return wanted
  }

  /** Makes the kernel's routes what they should be. */
  #program(): void {
    const kernel = this.#kernel
    if (!kernel || this.#isClosed) return
    const wanted = this.#wanted()
    for (const destination of [...this.#programmed.keys()]) if (!wanted.has(destination)) { kernel.removeRoute(destination); this.#programmed.delete(destination) }
    for (const [destination, { via, device }] of wanted) {
      const key = `${via ?? ''} ${device}`
      if (this.#programmed.get(destination) === key) continue
      this.#programmed.set(destination, key)
      if (via === undefined) kernel.replaceRoute({ destination, device, protocol: 'bird', blackhole: true })
      else kernel.replaceRoute({ destination, via, device, protocol: 'bird', ...(device === 'tunl0' ? { onlink: true, tunnel: via } : {}) })
    }
  }
}

/** `birdcl show status|protocols|route`. */
export const birdcl: Program = async (proc) => {
  const args = proc.argv.slice(1)
  const at = args.indexOf('-s')
  const path = at >= 0 ? args.splice(at, 2)[1]! : proc.argv[0]!.endsWith('6') ? '/var/run/calico/bird6.ctl' : BIRD_SOCKET
  let status: BirdStatus
  try {
    status = await callGrpc(proc.fs, path, 'bird/show', {}, { clock: proc.clock, timeoutMs: ASK_MS }) as BirdStatus
  } catch {
    await proc.stderr.write(`Unable to connect to server control socket (${path}): ${proc.fs.exists(path) ? 'Connection refused' : 'No such file or directory'}\n`)
    return 1
  }
  const hello = `BIRD ${VERSION} ready.\n`
  const time = (ms: number) => new Date(ms).toISOString().slice(11, 19)
  switch (args.filter((arg) => arg !== '-r' && arg !== '-v').join(' ')) {
    case 'show status': {
      const stamp = (ms: number) => new Date(ms).toISOString().slice(0, 19).replace('T', ' ')
      await proc.stdout.write(`${hello}BIRD ${VERSION}\nRouter ID is ${status.routerId}\nCurrent server time is ${stamp(proc.clock.nowMs())}\nLast reboot on ${stamp(status.since)}\nLast reconfiguration on ${stamp(status.configuredMs)}\nDaemon is up and running\n`)
      return 0
    }
    case 'show protocols': {
      const row = (name: string, kind: string, state: string, since: number, info: string) => `${name.padEnd(8)} ${kind.padEnd(8)} ${'master'.padEnd(8)} ${state.padEnd(6)} ${time(since).padEnd(11)} ${info}\n`
      const fixed = [['static1', 'Static'], ['kernel1', 'Kernel'], ['device1', 'Device'], ['direct1', 'Direct']].map(([name, kind]) => row(name!, kind!, 'up', status.since, ''))
      await proc.stdout.write(`${hello}name     proto    table    state  since       info\n${fixed.join('')}${status.peers.map(({ name, state, info, since }) => row(name, 'BGP', state === 'Established' ? 'up' : 'start', since, `${state.padEnd(13)} ${info}`)).join('')}`)
      return 0
    }
    case 'show route':
      await proc.stdout.write(`${hello}${status.routes.map(({ range, via, name, device }) => (via === undefined ? `${range.padEnd(18)} blackhole [${name} ${time(status.since)}] * (200)\n` : `${range.padEnd(18)} via ${via} on ${device} [${name} ${time(status.since)}] * (100/0) [i]\n`)).join('')}`)
      return 0
    default:
      await proc.stdout.write(`${hello}drydock: of birdcl's commands there are show status, show protocols and show route\n`)
      return 1
  }
}
