import { createPipe } from '../../base/streams.ts'
import type { SocketAddress, TcpSocket } from '../../unix/types.ts'

const destroyListeners = new WeakMap<TcpSocket, (() => void)[]>()

/** Calls back when either end of a connection is destroyed. */
export function onDestroy(socket: TcpSocket, listener: () => void): void {
  const listeners = destroyListeners.get(socket)
  if (listeners) listeners.push(listener)
  else destroyListeners.set(socket, [listener])
}

/** Both ends of a connection from `client` to `server`. The client sees the address that it dialled: a Service's, though a pod answers. */
export function socketPair(client: SocketAddress, server: SocketAddress, dialled: SocketAddress = server): [TcpSocket, TcpSocket] {
  const up = createPipe()
  const down = createPipe()
  let open = true
  const destroy = () => {
    if (!open) return
    open = false
    for (const pipe of [up, down]) {
      pipe.writer.close()
      pipe.reader.cancel()
    }
    for (const end of ends) for (const listener of destroyListeners.get(end) ?? []) listener()
  }
  const ends: [TcpSocket, TcpSocket] = [
    { reader: down.reader, writer: up.writer, local: client, remote: dialled, destroy },
    { reader: up.reader, writer: down.writer, local: server, remote: client, destroy },
  ]
  return ends
}
