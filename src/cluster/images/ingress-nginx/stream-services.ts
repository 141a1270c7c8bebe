import { joinSockets } from '../../../unix/net/join-sockets.ts'
import type { Listener, Proc } from '../../../unix/types.ts'
import type { ConfigurationSource } from './configuration.ts'
import { serviceEndpoints } from './configuration.ts'

const UDP_TIMEOUT_MS = 60_000

/** Ports that lead to Services as they are, from the ConfigMaps for TCP and UDP: `port: namespace/service:port`. k8s: ingress-nginx getStreamServices */
export class StreamServices {
  readonly #proc: Proc
  readonly #listeners = new Map<string, Listener>()
  #endpoints = new Map<string, string[]>()
  #turn = 0

  /** @param proc what listens: its ports close with it */
  constructor(proc: Proc) {
    this.#proc = proc
  }

  /** Opens and closes ports as the ConfigMaps say. */
  configure(services: Readonly<Record<'TCP' | 'UDP', Readonly<Record<string, string>>>>, reserved: ReadonlySet<number>, source: ConfigurationSource): void {
    const wanted = new Map<string, string[]>()
    for (const protocol of ['TCP', 'UDP'] as const) for (const [port, reference] of Object.entries(services[protocol])) {
      const endpoints = endpointsFor(protocol, port, reference, reserved, source)
      if (endpoints.length > 0) wanted.set(`${protocol} ${port}`, endpoints)
    }
    this.#endpoints = wanted
    for (const [key, listener] of this.#listeners) if (!wanted.has(key)) { listener.close(); this.#listeners.delete(key) }
    for (const key of wanted.keys()) if (!this.#listeners.has(key)) this.#listeners.set(key, this.#listen(key))
  }

  #listen(key: string): Listener {
    const [protocol, port] = key.split(' ')
    const { net } = this.#proc
    const next = () => { const endpoints = this.#endpoints.get(key)!; const [host, to] = endpoints[this.#turn++ % endpoints.length]!.split(':'); return { host: host!, port: Number(to) } }
    if (protocol === 'UDP') return net.listenUdp(Number(port), (payload) => { const to = next(); return net.askUdp(to.host, to.port, payload, UDP_TIMEOUT_MS).catch(() => undefined) })
    return net.listenTcp(Number(port), (client) => { const to = next(); net.connectTcp(to.host, to.port).then((server) => joinSockets(client, server)).catch(() => client.destroy()) })
  }
}

function endpointsFor(protocol: string, port: string, reference: string, reserved: ReadonlySet<number>, source: ConfigurationSource): string[] {
  const [key = '', servicePort] = reference.split(':')
  const warn = (at: string, text: string) => { source.warn(at, text); return [] }
  if (!/^\d+$/.test(port)) return warn('controller.go:502', `${JSON.stringify(port)} is not a valid ${protocol} port number`)
  if (reserved.has(Number(port))) return warn('controller.go:506', `Port ${port} cannot be used for ${protocol} stream services. It is reserved for the Ingress controller.`)
  if (servicePort === undefined) return warn('controller.go:511', `Invalid Service reference ${JSON.stringify(reference)} for ${protocol} port ${port}`)
  const service = source.service(key)
  if (!service) return warn('controller.go:534', `Error getting Service ${JSON.stringify(key)}: no object matching key ${JSON.stringify(key)} in local store`)
  const endpoints = serviceEndpoints(service, servicePort, source, protocol)
  return endpoints.length > 0 ? endpoints : warn('controller.go:575', `Service ${JSON.stringify(key)} does not have any active Endpoint for ${protocol} port ${servicePort}`)
}
