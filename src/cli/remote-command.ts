import type { WebSocketEnd } from '../base/http.ts'
import type { ByteReader } from '../base/streams.ts'
import type { Status } from '../cluster/kinds/status-error.ts'
import type { Tty } from '../unix/types.ts'

/** k8s: apimachinery/pkg/util/remotecommand */
const STDIN = 0, STDOUT = 1, STDERR = 2, ERROR = 3, RESIZE = 4, CLOSE = 255
export const REMOTE_COMMAND_PROTOCOL = 'v5.channel.k8s.io'

export interface RemoteStreams {
  stdin?: ByteReader
  stdout(data: Uint8Array): Promise<void> | void
  stderr(data: Uint8Array): Promise<void> | void
  /** When given, its size is told to the other side. */
  tty?: Tty
  /** Ends the session early. */
  signal?: AbortSignal
}

/** Carries standard streams over an open WebSocket. @returns how the command ended, or undefined when the connection just broke */
export async function streamRemoteCommand(socket: WebSocketEnd, streams: RemoteStreams): Promise<Status | undefined> {
  const onAbort = () => socket.close()
  streams.signal?.addEventListener('abort', onAbort)
  const sendSize = () => socket.send(frame(RESIZE, new TextEncoder().encode(JSON.stringify({ Width: streams.tty!.columns, Height: streams.tty!.rows }))))
  const undoResize = streams.tty ? streams.tty.onResize(sendSize) : undefined
  if (streams.tty) sendSize()
  let over = false
  if (streams.stdin) void pump(streams.stdin, socket, () => over)
  let status: Status | undefined
  try {
    for await (const message of socket.messages) {
      const bytes = typeof message === 'string' ? new TextEncoder().encode(message) : message
      const data = bytes.subarray(1)
      switch (bytes[0]) {
        case STDOUT: if (data.length > 0) await streams.stdout(data); break
        case STDERR: if (data.length > 0) await streams.stderr(data); break
        case ERROR: if (data.length > 0) status = parseStatus(data); break
      }
    }
  } finally {
    over = true
    undoResize?.()
    streams.signal?.removeEventListener('abort', onAbort)
    streams.stdin?.cancel()
    socket.close()
  }
  return status
}

async function pump(stdin: ByteReader, socket: WebSocketEnd, over: () => boolean): Promise<void> {
  try {
    for (;;) {
      const chunk = await stdin.read()
      if (over()) return
      if (!chunk) break
      // Large frames would hold up the answers.
      for (let at = 0; at < chunk.length; at += 32_768) socket.send(frame(STDIN, chunk.subarray(at, at + 32_768)))
    }
    socket.send(new Uint8Array([CLOSE, STDIN]))
  } catch { /* the terminal is gone; the session ends by itself */ }
}

function frame(channel: number, data: Uint8Array): Uint8Array {
  const out = new Uint8Array(data.length + 1)
  out[0] = channel
  out.set(data, 1)
  return out
}

function parseStatus(data: Uint8Array): Status {
  const text = new TextDecoder().decode(data)
  try {
    return JSON.parse(text) as Status
  } catch {
    return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: text }
  }
}
