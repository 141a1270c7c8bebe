import { base64Of, bytesOfBase64 } from '../../base/base64.ts'
import type { Clock } from '../../base/clock.ts'
import { UpgradeResponse, webSocketPair } from '../../base/http.ts'
import type { HttpRequest, WebSocketEnd } from '../../base/http.ts'
import { AsyncQueue } from '../../base/queue.ts'
import { createPipe } from '../../base/streams.ts'
import type { ByteWriter } from '../../base/streams.ts'
import type { ExitStatus } from '../../unix/types.ts'
import type { StreamIo } from '../runtime/cri.ts'
import type { SpdyStream } from './spdy/session.ts'
import { asksForSpdy, upgradeToSpdy } from './spdy/upgrade.ts'

const STDIN = 0, STDOUT = 1, STDERR = 2, ERROR = 3, RESIZE = 4, CLOSE = 255
const PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io', 'v4.base64.channel.k8s.io', 'channel.k8s.io', 'base64.channel.k8s.io', '']
/** Bytes under way to a slow client before writers wait. */
const WINDOW_BYTES = 1 << 20
const DRAIN_POLL_MS = 5
const encoder = new TextEncoder()

/** The first of the client's WebSocket subprotocols that the server speaks; undefined: none. */
export function negotiate(request: HttpRequest, supported: readonly string[]): string | undefined {
  const asked = (request.headers.get('sec-websocket-protocol') ?? '').split(',').map((p) => p.trim()).filter(Boolean)
  if (asked.length === 0) return supported.includes('') ? '' : undefined
  return supported.find((protocol) => protocol !== '' && asked.includes(protocol))
}

export function isWebSocketRequest(request: HttpRequest): boolean {
  return request.headers.get('upgrade')?.toLowerCase() === 'websocket'
}

/** Newest first. k8s: kubelet's constants of cri-streaming remotecommand */
const SPDY_PROTOCOLS = ['v4.channel.k8s.io', 'v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io']
/** How long a client has to open its streams. k8s: DefaultStreamCreationTimeout */
const STREAM_CREATION_MS = 30_000

/** Which streams a client asks for. */
interface Wanted {
  stdin: boolean
  stdout: boolean
  stderr: boolean
  tty: boolean
}

type Run = (io: StreamIo) => Promise<ExitStatus | void>

const flag = (query: URLSearchParams, ...names: string[]) => names.some((name) => query.get(name) === '1' || query.get(name) === 'true')

/** Serves exec or attach: over a WebSocket, or SPDY for older clients. k8s: cri-streaming/pkg/streaming/remotecommand */
export function serveStreams(request: HttpRequest, query: URLSearchParams, clock: Clock, run: Run): Response {
  const tty = flag(query, 'tty')
  const wants = { stdin: flag(query, 'input', 'stdin'), stdout: flag(query, 'output', 'stdout'), stderr: flag(query, 'error', 'stderr') && !tty, tty }
  if (!wants.stdin && !wants.stdout && !wants.stderr) return new Response('you must specify at least 1 of stdin, stdout, stderr', { status: 400 })
  if (asksForSpdy(request)) return upgradeToSpdy(request, SPDY_PROTOCOLS, (connection, protocol) => { void serveOverSpdy(connection, protocol, wants, clock, run) })
  if (!isWebSocketRequest(request)) return new Response('unable to upgrade: only WebSocket and SPDY connections are supported by this node', { status: 400 })
  const protocol = negotiate(request, PROTOCOLS)
  if (protocol === undefined) return new Response('unable to upgrade: none of the requested protocols is supported', { status: 403 })
  const [client, server] = webSocketPair(protocol)
  void serveOverWebSocket(server, protocol, wants, clock, run)
  return new UpgradeResponse(client, protocol ? { 'sec-websocket-protocol': protocol } : {})
}

const statusIsJson = (protocol: string) => protocol.startsWith('v5') || protocol.startsWith('v4')

/** Runs until the end, of which it gives the Status. */
async function statusOf(run: Run, io: StreamIo): Promise<Record<string, unknown>> {
  try {
    const exit = await run(io)
    return exit && exit.code !== 0
      ? { metadata: {}, status: 'Failure', message: `command terminated with non-zero exit code: command terminated with exit code ${exit.code}`, reason: 'NonZeroExitCode', details: { causes: [{ reason: 'ExitCode', message: String(exit.code) }] } }
      : { metadata: {}, status: 'Success' }
  } catch (error) {
    const message = `Internal error occurred: error executing command in container: ${(error as Error).message}`
    return { metadata: {}, status: 'Failure', message: `Internal error occurred: ${message}`, reason: 'InternalError', details: { causes: [{ message }] }, code: 500 }
  }
}

/** What the stream for errors says in the end: old protocols only what went wrong. */
function lastWords(status: Record<string, unknown>, protocol: string): string {
  return statusIsJson(protocol) ? JSON.stringify(status) : status['status'] === 'Success' ? '' : String(status['message'])
}

function sizeOf(data: Uint8Array): { columns: number; rows: number } | undefined {
  try {
    const { Width, Height } = JSON.parse(new TextDecoder().decode(data)) as { Width: number; Height: number }
    return { columns: Width, rows: Height }
  } catch {
    return undefined
  }
}

/** A stream for each of what is wanted, and one for the end. */
async function serveOverSpdy(connection: WebSocketEnd, protocol: string, wants: Wanted, clock: Clock, run: Run): Promise<void> {
  const resizes = new AsyncQueue<{ columns: number; rows: number }>()
  const gone = new AbortController()
  const streams = new Map<string, SpdyStream>()
  const names = ['error', ...(wants.stdin ? ['stdin'] : []), ...(wants.stdout ? ['stdout'] : []), ...(wants.stderr ? ['stderr'] : []), ...(wants.tty && /^v[34]/.test(protocol) ? ['resize'] : [])]
  let markComplete!: () => void
  const complete = new Promise<void>((resolve) => { markComplete = resolve })
  const { serveSpdy } = await clock.outside(import('./spdy/session.ts'))
  const session = serveSpdy(connection, (stream) => {
    const type = stream.headers.get('streamtype') ?? ''
    if (!names.includes(type) || streams.has(type)) return stream.reset()
    streams.set(type, stream)
    if (streams.size === names.length) markComplete()
  }).catch(() => {}).finally(() => {
    gone.abort()
    resizes.end()
    markComplete()
  })
  const expired = clock.after(STREAM_CREATION_MS, () => connection.close())
  await complete
  expired.cancel()
  if (streams.size < names.length) return
  const output = (name: string): ByteWriter => ({
    async write(chunk) {
      await streams.get(name)!.writer.write(chunk)
      while (connection.bufferedBytes > WINDOW_BYTES && !gone.signal.aborted) await clock.sleep(DRAIN_POLL_MS)
    },
    close() {},
  })
  void (async () => {
    const reader = streams.get('resize')?.reader
    for (let chunk = await reader?.read(); chunk; chunk = await reader?.read()) {
      const size = sizeOf(chunk)
      if (size) resizes.push(size)
    }
  })()
  const status = await statusOf(run, {
    ...(wants.stdin ? { stdin: streams.get('stdin')!.reader } : {}), ...(wants.stdout ? { stdout: output('stdout') } : {}), ...(wants.stderr ? { stderr: output('stderr') } : {}), tty: wants.tty, resizes, signal: gone.signal,
  })
  await streams.get('error')!.writer.write(lastWords(status, protocol))
  for (const stream of streams.values()) stream.writer.close()
  connection.close()
  await session
}

/** Channels 0 to 4 in the first byte of each message (in base64 forms, its first character). */
async function serveOverWebSocket(socket: WebSocketEnd, protocol: string, wants: Wanted, clock: Clock, run: Run): Promise<void> {
  const base64 = protocol.includes('base64')
  const send = (channel: number, data: Uint8Array) => {
    if (base64) socket.send(`${channel}${base64Of(data)}`)
    else {
      const message = new Uint8Array(data.length + 1)
      message[0] = channel
      message.set(data, 1)
      socket.send(message)
    }
  }
  const output = (channel: number): ByteWriter => ({
    async write(chunk) {
      const data = typeof chunk === 'string' ? encoder.encode(chunk) : chunk
      if (data.length > 0) send(channel, data.slice())
      while (socket.bufferedBytes > WINDOW_BYTES && !gone.signal.aborted) await clock.sleep(DRAIN_POLL_MS)
    },
    close() {},
  })
  const stdin = createPipe(Infinity)
  const resizes = new AsyncQueue<{ columns: number; rows: number }>()
  const gone = new AbortController()
  // An empty message tells the client that the connection stands.
  send(wants.stdout ? STDOUT : wants.stderr ? STDERR : ERROR, new Uint8Array(0))
  void (async () => {
    for await (const message of socket.messages) {
      let channel: number
      let data: Uint8Array
      if (typeof message === 'string') {
        channel = message.charCodeAt(0) - 48
        data = base64 ? bytesOfBase64(message.slice(1)) : encoder.encode(message.slice(1))
      } else {
        channel = message[0] ?? STDIN
        data = message.subarray(1)
      }
      if (channel === STDIN && wants.stdin) { if (data.length > 0) stdin.writer.write(data.slice()).catch(() => {}) }
      else if (channel === RESIZE) {
        const size = sizeOf(data)
        if (size) resizes.push(size)
      } else if (channel === CLOSE && data[0] === STDIN) stdin.writer.close()
    }
    stdin.writer.close()
    resizes.end()
    gone.abort()
  })()
  const status = await statusOf(run, {
    ...(wants.stdin ? { stdin: stdin.reader } : {}), ...(wants.stdout ? { stdout: output(STDOUT) } : {}), ...(wants.stderr ? { stderr: output(STDERR) } : {}), tty: wants.tty, resizes, signal: gone.signal,
  })
  const words = lastWords(status, protocol)
  if (words) send(ERROR, encoder.encode(words))
  socket.close(1000, '')
}
