import { errno } from '../errno.ts'
import type { SystemCall } from '../system-calls.ts'
import { isLoopback } from './addresses.ts'
import { UnixError } from '../types.ts'
import type { HttpHandler, Listener, NetStack, TcpSocket } from '../types.ts'

/** A process's own view of the stack: what it opened closes with it. */
export interface OwnedNet extends NetStack {
  closeAll(): void
}

/** What a process may do with the network. */
export interface NetRules {
  mayBind(port: number): boolean
  /** As whom the process runs. */
  userName(): string
  /** @throws UnixError */
  systemCall?(call: SystemCall): void
}

/** Who opened a socket, by the name of the process's user at that time. */
interface Owner {
  name: string
}

/** Whose the open sockets of a machine's loopback address are, by their ports. */
const owners = new WeakMap<NetStack, Map<number, Owner>>()

/** Wraps a stack for one process; `guard` makes its promises end with it, `onRequest` is told of every request that it answers. */
export function ownNet(stack: NetStack, guard: <T>(work: Promise<T>) => Promise<T>, onRequest: () => void, rules: NetRules): OwnedNet {
  const listeners = new Set<Listener>()
  const sockets = new Set<TcpSocket>()
  const inFlight = new Set<(error: unknown) => void>()
  let closed = false
  const own = (listener: Listener): Listener => {
    listeners.add(listener)
    const close = listener.close.bind(listener)
    listener.close = () => { listeners.delete(listener); close() }
    return listener
  }
  const ownSocket = (socket: TcpSocket): TcpSocket => {
    if (closed) { socket.destroy(); return socket }
    sockets.add(socket)
    const forget = () => { sockets.delete(socket) }
    return {
      local: socket.local,
      remote: socket.remote,
      reader: { read: () => guard(socket.reader.read()), cancel: () => socket.reader.cancel() },
      writer: { write: (data) => guard(socket.writer.write(data)), close: () => socket.writer.close() },
      destroy() { forget(); socket.destroy() },
    }
  }
  /** Clients of a process that dies see their connection reset instead of waiting for ever. */
  const interruptible = (handler: HttpHandler): HttpHandler => (request, peer) => {
    onRequest()
    const answer = handler(request, peer)
    if (!(answer instanceof Promise)) return answer
    return new Promise((resolve, reject) => {
      inFlight.add(reject)
      answer.then(resolve, reject).finally(() => inFlight.delete(reject))
    })
  }
  const owned = (socket: TcpSocket): TcpSocket => {
    const { local: { ip, port }, remote } = socket
    if (!isLoopback(ip) || !isLoopback(remote.ip)) return socket
    let table = owners.get(stack)
    if (!table) owners.set(stack, table = new Map())
    const owner: Owner = { name: rules.userName() }
    table.set(port, owner)
    const forget = () => {
      // Ports come again: it may be somebody else's by now.
      if (table.get(port) === owner) table.delete(port)
    }
    return { local: socket.local, remote, reader: socket.reader, writer: socket.writer, destroy() { forget(); socket.destroy() } }
  }
  const demandBind = (port: number) => {
    if (rules.systemCall) for (const call of ['socket', 'bind', 'listen'] as const) rules.systemCall(call)
    if (port !== 0 && !rules.mayBind(port)) throw errno('EACCES')
  }
  /** Names are looked up over the network too. */
  const connecting = async <T>(work: () => Promise<T>, call: 'connect' | 'sendto' = 'connect'): Promise<T> => {
    rules.systemCall!('socket')
    rules.systemCall!(call)
    return work()
  }
  const connected = <T>(work: () => Promise<T>, call: 'connect' | 'sendto' = 'connect') => rules.systemCall ? connecting(work, call) : work()
  return {
    get hostname() { return stack.hostname },
    get addresses() { return stack.addresses },
    get outside() { return stack.outside },
    get devices() { return stack.devices },
    get kernel() { return stack.kernel },
    listenHttp: (port, handler, options) => (demandBind(port), own(stack.listenHttp(port, interruptible(handler), options))),
    listenTcp: (port, handler, options) => (demandBind(port), own(stack.listenTcp(port, (socket) => handler(ownSocket(socket)), options))),
    listenUdp: (port, handler, options) => (demandBind(port), own(stack.listenUdp(port, handler, options))),
    connectTcp: (host, port, options) => guard(connected(() => stack.connectTcp(host, port, options).then(owned).then(ownSocket))),
    askUdp: (ip, port, payload, timeoutMs) => guard(connected(() => stack.askUdp(ip, port, payload, timeoutMs), 'sendto')),
    fetch: (request, options) => guard(connected(() => stack.fetch(request, options))),
    lookup: (name) => guard(connected(() => stack.lookup(name), 'sendto')),
    userAt: (port) => owners.get(stack)?.get(port)?.name,
    listeners: () => stack.listeners(),
    closeAll() {
      closed = true
      for (const listener of [...listeners]) listener.close()
      for (const socket of [...sockets]) socket.destroy()
      sockets.clear()
      for (const reject of [...inFlight]) reject(new UnixError('ECONNRESET', 'Connection reset by peer'))
      inFlight.clear()
    },
  }
}
