import { GrpcError, serveGrpc } from '../../../../unix/net/grpc.ts'
import type { GrpcService } from '../../../../unix/net/grpc.ts'
import { callOverHttp2, streamOverHttp2 } from '../../../../unix/net/http2/grpc-client.ts'
import { Http2Client } from '../../../../unix/net/http2/http2-client.ts'
import type { Proc, TcpSocket } from '../../../../unix/types.ts'
import { klog } from '../../in-cluster/klog.ts'
import { decodeMessage, encodeMessage, messagesOf, streamMethods } from '../wire/message-codec.ts'

/**
 * hostpathplugin as a proxy: it answers at the driver's socket with what a driver says that connects to a port of its pod, as gRPC over
 * HTTP/2, from wherever it runs.
 */
// csi-driver-host-path internal/proxy
export async function driverProxy(proc: Proc, path: string, proxyEndpoint: string): Promise<number> {
  const port = Number(proxyEndpoint.slice(proxyEndpoint.lastIndexOf(':') + 1))
  if (!proxyEndpoint.startsWith('tcp://') || !(port > 0)) {
    klog(proc, 'E', 'main.go:113', `failed to start proxy: proxy endpoint: ${JSON.stringify(proxyEndpoint)}`)
    return 1
  }
  const connections = new ProxiedConnections()
  const listener = proc.net.listenTcp(port, (socket) => connections.add(socket))
  const service: GrpcService = new Proxy({}, { get: (_, method) => typeof method === 'string' ? (request: object) => callDriver(connections, method, request) : undefined })
  proc.fs.remove(path, { force: true })
  const close = serveGrpc(proc, path, service, Object.fromEntries(streamMethods.map((method) => [method, (request: object, stopped: AbortSignal) => streamDriver(connections, method, request, stopped)])))
  klog(proc, 'I', 'proxy.go:61', `Listening on ${path} and ${proxyEndpoint}`)
  await proc.signal('SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT')
  close()
  listener.close()
  connections.close()
  proc.fs.remove(path, { force: true })
  return 0
}

async function callDriver(connections: ProxiedConnections, method: string, request: object): Promise<object> {
  const types = messagesOf(method)
  if (!types) throw new GrpcError('Unimplemented', `unknown method ${method.split('/')[1] ?? ''} for service ${method.split('/')[0]}`)
  return decodeMessage(types.response, await callOverHttp2(await connections.current(), method, encodeMessage(types.request, request)))
}

async function* streamDriver(connections: ProxiedConnections, method: string, request: object, stopped: AbortSignal): AsyncGenerator<object> {
  const types = messagesOf(method)!
  for await (const message of streamOverHttp2(await connections.current(), method, encodeMessage(types.request, request), stopped)) yield decodeMessage(types.response, message)
}

/** Connections that a driver has made ahead; calls go over one of them as long as it lives. */
class ProxiedConnections {
  readonly #idle: TcpSocket[] = []
  #client: Http2Client | undefined
  #awaited: (() => void)[] = []
  #isClosed = false

  add(socket: TcpSocket): void {
    if (this.#isClosed) return socket.destroy()
    this.#idle.push(socket)
    const waiting = this.#awaited
    this.#awaited = []
    for (const resolve of waiting) resolve()
  }

  /** Resolves once there is one. */
  async current(): Promise<Http2Client> {
    while (!this.#client || this.#client.isClosed) {
      const socket = this.#idle.shift()
      if (socket) this.#client = new Http2Client(socket)
      else await new Promise<void>((resolve) => { this.#awaited.push(resolve) })
    }
    return this.#client
  }

  close(): void {
    this.#isClosed = true
    this.#client?.close()
    for (const socket of this.#idle) socket.destroy()
  }
}
