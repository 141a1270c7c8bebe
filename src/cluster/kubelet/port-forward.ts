import { base64Of } from '../../base/base64.ts'
import type { Clock } from '../../base/clock.ts'
import { UpgradeResponse, webSocketPair } from '../../base/http.ts'
import type { HttpRequest, WebSocketEnd } from '../../base/http.ts'
import { createPipe } from '../../base/streams.ts'
import type { ByteReader, ByteWriter } from '../../base/streams.ts'
import type { TcpSocket } from '../../unix/types.ts'
import type { SpdyStream } from './spdy/session.ts'
import { asksForSpdy, upgradeToSpdy } from './spdy/upgrade.ts'
import { isWebSocketRequest, negotiate } from './streaming.ts'

// @k8s part: TLS in pods: between programs of the cluster certificates are checked, but nothing is encrypted; through port-forward servers speak TLS 1.3 (kubelets, metrics-server and sample-apiserver don't yet)

const TUNNEL = 'SPDY/3.1+portforward.k8s.io'
const PROTOCOLS = [TUNNEL, 'v4.channel.k8s.io', 'v4.base64.channel.k8s.io', 'portforward.k8s.io', '']
const encoder = new TextEncoder()

export interface PortForwardTarget {
  /** For messages. */
  podName: string
  podUid: string
  connect(port: number): Promise<TcpSocket>
}

/** Serves port-forward over SPDY, or a WebSocket: SPDY tunnelled, or a pair of channels for each port. k8s: cri-streaming/pkg/streaming/portforward */
export function servePortForward(request: HttpRequest, query: URLSearchParams, target: PortForwardTarget, clock: Clock): Response {
  if (asksForSpdy(request)) return upgradeToSpdy(request, ['portforward.k8s.io'], (connection) => { void serveTunnel(connection, target, clock) })
  if (!isWebSocketRequest(request)) return new Response('unable to upgrade: only WebSocket and SPDY connections are supported by this node', { status: 400 })
  const protocol = negotiate(request, PROTOCOLS)
  if (protocol === undefined) return new Response('unable to upgrade: none of the requested protocols is supported', { status: 403 })
  if (protocol === TUNNEL) {
    const [client, server] = webSocketPair(protocol)
    void serveTunnel(server, target, clock)
    return new UpgradeResponse(client, { 'sec-websocket-protocol': protocol })
  }
  const texts = [...query.getAll('port'), ...query.getAll('ports')].flatMap((p) => p.split(','))
  if (texts.length === 0) return new Response('query parameter "port" is required', { status: 400 })
  const ports: number[] = []
  for (const text of texts) {
    if (!/^\d+$/.test(text) || Number(text) > 65_535) return new Response(`unable to parse ${JSON.stringify(text)} as a port`, { status: 400 })
    if (Number(text) < 1) return new Response(`port ${JSON.stringify(text)} must be > 0`, { status: 400 })
    ports.push(Number(text))
  }
  const [client, server] = webSocketPair(protocol)
  void serveChannels(server, protocol.includes('base64'), ports, target)
  return new UpgradeResponse(client, protocol ? { 'sec-websocket-protocol': protocol } : {})
}

/** Moves bytes both ways until both directions have ended. */
async function join(socket: TcpSocket, reader: ByteReader, writer: ByteWriter): Promise<void> {
  const copy = async (from: ByteReader, to: ByteWriter) => {
    try {
      for (let chunk = await from.read(); chunk; chunk = await from.read()) await to.write(chunk)
    } catch { /* the other end has gone */ }
    to.close()
  }
  await Promise.all([copy(socket.reader, writer), copy(reader, socket.writer)])
}

const failure = (port: number, { podName, podUid }: PortForwardTarget, error: unknown) => `error forwarding port ${port} to pod ${podName}, uid ${podUid}: ${(error as Error).message}`

async function serveTunnel(socket: WebSocketEnd, target: PortForwardTarget, clock: Clock): Promise<void> {
  const { serveSpdy } = await clock.outside(import('./spdy/session.ts'))
  const pairs = new Map<string, { data?: SpdyStream; error?: SpdyStream }>()
  await serveSpdy(socket, (stream) => {
    const port = Number(stream.headers.get('port'))
    const type = stream.headers.get('streamtype')
    if (!Number.isInteger(port) || port < 1 || port > 65_535 || (type !== 'data' && type !== 'error')) return stream.reset()
    // Old clients number their requests by the streams' own ids.
    const id = stream.headers.get('requestid') ?? String(type === 'error' ? stream.id : stream.id - 2)
    const pair = pairs.get(id) ?? {}
    pair[type] = stream
    pairs.set(id, pair)
    if (!pair.data || !pair.error) return
    pairs.delete(id)
    void forward(port, pair.data, pair.error)
  }).catch(() => socket.close())

  async function forward(port: number, data: SpdyStream, error: SpdyStream): Promise<void> {
    try {
      const connection = await target.connect(port)
      await join(connection, data.reader, data.writer)
    } catch (problem) {
      await error.writer.write(failure(port, target, problem))
    }
    error.writer.close()
    data.writer.close()
  }
}

async function serveChannels(socket: WebSocketEnd, base64: boolean, ports: readonly number[], target: PortForwardTarget): Promise<void> {
  const send = (channel: number, data: Uint8Array) => {
    if (base64) {
      socket.send(`${channel}${base64Of(data)}`)
      return
    }
    const message = new Uint8Array(data.length + 1)
    message[0] = channel
    message.set(data, 1)
    socket.send(message)
  }
  const inputs = ports.map(() => createPipe(Infinity))
  ports.forEach((port, i) => {
    const bytes = Uint8Array.of(port & 255, port >> 8)
    send(i * 2, bytes)
    send(i * 2 + 1, bytes)
  })
  const work = ports.map(async (port, i) => {
    const writer: ByteWriter = { async write(data) { send(i * 2, typeof data === 'string' ? encoder.encode(data) : data.slice()) }, close() {} }
    try {
      const connection = await target.connect(port)
      await join(connection, inputs[i]!.reader, writer)
    } catch (problem) {
      send(i * 2 + 1, encoder.encode(failure(port, target, problem)))
    }
  })
  void (async () => {
    for await (const message of socket.messages) {
      const channel = typeof message === 'string' ? message.charCodeAt(0) - 48 : message[0] ?? 0
      const data = typeof message === 'string' ? Uint8Array.from(base64 ? atob(message.slice(1)) : message.slice(1), (c) => c.charCodeAt(0)) : message.slice(1)
      if (channel % 2 === 0 && data.length > 0) inputs[channel / 2]?.writer.write(data).catch(() => {})
    }
    for (const { writer } of inputs) writer.close()
  })()
  await Promise.all(work)
  socket.close()
}
