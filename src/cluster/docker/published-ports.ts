import { joinSockets } from '../../unix/net/join-sockets.ts'
import { UnixError } from '../../unix/types.ts'
import type { Listener, NetStack } from '../../unix/types.ts'
import { DockerError } from './docker-error.ts'
import type { PortBinding } from './docker-container.ts'

/** The first port that is tried where any will do. */
const FIRST_ANY = 32_768

/** docker-proxy: ports of the machine that lead into containers. */
export class PublishedPorts {
  readonly #net: NetStack
  readonly #open = new Map<string, { binding: PortBinding; listener: Listener }[]>()
  #nextAny = FIRST_ANY

  constructor(net: NetStack) {
    this.#net = net
  }

  /** Opens the ports of a container. @returns with the ports that were chosen @throws DockerError; then none is open */
  open(container: { id: string; name: string }, bindings: readonly PortBinding[], ip: string): PortBinding[] {
    const opened: { binding: PortBinding; listener: Listener }[] = []
    this.#open.set(container.id, opened)
    for (const wanted of bindings) {
      const binding = { ...wanted, hostPort: wanted.hostPort || this.#freePort(wanted) }
      const place = `${binding.hostIp || '0.0.0.0'}:${binding.hostPort}`
      const fail = (why: string) => {
        this.close(container.id)
        return new DockerError(`failed to set up container networking: driver failed programming external connectivity on endpoint ${container.name} (${container.id}): ${why}`)
      }
      if (this.#isTaken(binding)) throw fail(`Bind for ${place} failed: port is already allocated`)
      try {
        opened.push({ binding, listener: this.#listen(binding, ip) })
      } catch (error) {
        if (!(error instanceof UnixError)) throw error
        throw fail(`failed to bind host port ${place}/${binding.protocol}: ${error.code === 'EADDRNOTAVAIL' ? 'cannot assign requested address' : 'address already in use'}`)
      }
    }
    return opened.map(({ binding }) => binding)
  }

  close(containerId: string): void {
    for (const { listener } of this.#open.get(containerId) ?? []) listener.close()
    this.#open.delete(containerId)
  }

  #listen({ hostIp, hostPort, protocol, containerPort }: PortBinding, ip: string): Listener {
    const options = hostIp === '' ? {} : { ip: hostIp }
    if (protocol === 'udp') return this.#net.listenUdp(hostPort, (payload) => this.#net.askUdp(ip, containerPort, payload, 5_000), options)
    return this.#net.listenTcp(hostPort, (socket) => {
      this.#net.connectTcp(ip, containerPort).then((inside) => joinSockets(socket, inside)).catch(() => socket.destroy())
    }, options)
  }

  #isTaken({ hostIp, hostPort, protocol }: PortBinding): boolean {
    for (const each of this.#open.values()) for (const { binding } of each) if (binding.hostPort === hostPort && binding.protocol === protocol && (binding.hostIp === hostIp || binding.hostIp === '' || hostIp === '')) return true
    return false
  }

  #freePort(wanted: PortBinding): number {
    const taken = new Set(this.#net.listeners().map(({ port }) => port))
    for (;;) {
      const port = this.#nextAny++
      if (!taken.has(port) && !this.#isTaken({ ...wanted, hostPort: port })) return port
    }
  }
}
