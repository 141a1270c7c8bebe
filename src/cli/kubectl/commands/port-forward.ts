import type { Listener, TcpSocket, UnixError } from '../../../unix/types.ts'
import { StatusError } from '../../../cluster/kinds/status-error.ts'
import { usageError } from '../command.ts'
import { unixText } from '../factory.ts'
import type { Factory } from '../factory.ts'
import { asPod, attachablePod, podOrOwner, podRunningTimeout } from '../pods.ts'
import type { PodObject } from '../pods.ts'
import { WaitTimeout, untilObject } from '../watching.ts'
import type { CommandHandler } from './handler.ts'

const PROTOCOLS = ['v4.channel.k8s.io', 'portforward.k8s.io']

const portForwardPath = (pod: PodObject) => `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}/portforward`

interface Forward { local: number; remote: number }

const split = (port: string): [string, string] => {
  const parts = port.split(':')
  return parts.length === 2 ? [parts[0]!, parts[1]!] : [parts[0]!, parts[0]!]
}

/** @throws Error */
function servicePorts(ports: readonly string[], service: any, pod: PodObject): string[] {
  const name = service.metadata.name
  return ports.map((port) => {
    let [local, remote] = split(port)
    if (!/^\d+$/.test(remote)) {
      const found = (service.spec.ports ?? []).find((p: any) => p.name === remote)
      if (!found) throw new Error(`Service '${name}' does not have a named port '${remote}'`)
      if (local === remote) local = String(found.port)
      remote = String(found.port)
    }
    const wanted = (service.spec.ports ?? []).find((p: any) => p.port === Number(remote))
    if (!wanted) throw new Error(`Service ${name} does not have a service port ${remote}`)
    let target: number
    if (service.spec.clusterIP === 'None') target = wanted.port
    else if (typeof wanted.targetPort === 'number') target = wanted.targetPort || wanted.port
    else target = containerPort(pod, wanted.targetPort)
    return local === String(target) ? local : `${local}:${target}`
  })
}

function containerPort(pod: PodObject, name: string): number {
  for (const container of pod.spec.containers) for (const p of container['ports'] ?? []) if (p.name === name) return p.containerPort
  throw new Error(`Pod '${pod.metadata.name}' does not have a named port '${name}'`)
}

function podPorts(ports: readonly string[], pod: PodObject): string[] {
  return ports.map((port) => {
    const [local, remote] = split(port)
    if (remote === '') throw new Error('remote port cannot be empty')
    const number = /^\d+$/.test(remote) ? remote : String(containerPort(pod, remote))
    return local !== remote ? `${local}:${number}` : number
  })
}

function parse(ports: readonly string[]): Forward[] {
  return ports.map((text) => {
    const parts = text.split(':')
    if (parts.length > 2) throw new Error(`invalid port format '${text}'`)
    const [local, remote] = parts.length === 1 ? [parts[0]!, parts[0]!] : [parts[0] || '0', parts[1]!]
    const number = (which: string, value: string) => {
      if (!/^\d+$/.test(value)) throw new Error(`error parsing ${which} port '${value}': strconv.ParseUint: parsing ${JSON.stringify(value)}: invalid syntax`)
      if (Number(value) > 65_535) throw new Error(`error parsing ${which} port '${value}': strconv.ParseUint: parsing ${JSON.stringify(value)}: value out of range`)
      return Number(value)
    }
    const forward = { local: number('local', local), remote: number('remote', remote) }
    if (forward.remote === 0) throw new Error('remote port must be > 0')
    return forward
  })
}

// k8s: kubectl/pkg/cmd/portforward, client-go/tools/portforward
export const portForward: CommandHandler = async (inv) => {
  const { f, flags, args, spec, out, err } = inv
  if (args.length < 2) throw usageError(spec, 'TYPE/NAME and list of ports are required for port-forward')
  const { namespace } = f.namespace()
  const timeoutMs = podRunningTimeout(flags, spec)
  const object = await podOrOwner(f, args[0]!, namespace)
  const target = await attachablePod(f, object, timeoutMs)
  const texts = object.kind === 'Service' ? servicePorts(args.slice(1), object, target) : podPorts(args.slice(1), target)
  const pod = asPod(await f.rest().json('GET', `/api/v1/namespaces/${namespace}/pods/${target.metadata.name}`))
  if (pod.status.phase !== 'Running') throw new Error(`unable to forward port because pod is not running. Current status=${pod.status.phase}`)
  const forwards = parse(texts)
  const given = flags.list('address').length > 0 ? flags.list('address') : ['localhost']
  const addresses: { ip: string; optional: boolean }[] = []
  for (const address of given) {
    if (address === 'localhost') addresses.push({ ip: '127.0.0.1', optional: true }, { ip: '::1', optional: true })
    else if (/^\d+\.\d+\.\d+\.\d+$/.test(address) || address.includes(':')) addresses.push({ ip: address, optional: false })
    else throw new Error(`${address} is not a valid IP`)
  }
  // Who may not forward hears so before anything listens.
  const probe = await f.rest().webSocket(portForwardPath(pod), PROTOCOLS, { ports: forwards[0]!.remote }).catch((error: Error) => { throw new Error(`error upgrading connection: ${error.message}`) })
  probe.close()
  const listeners: Listener[] = []
  let lost: (error: Error) => void = () => {}
  const ended = new Promise<never>((_, reject) => { lost = reject })
  try {
    for (const forward of forwards) {
      const failures: string[] = []
      let opened = 0
      for (const { ip } of addresses) {
        const shown = ip.includes(':') ? `[${ip}]` : ip
        try {
          const listener = f.proc.net.listenTcp(forward.local, (socket) => {
            void out(`Handling connection for ${forward.local}\n`)
            void carry(f, pod, forward.remote, socket).catch((error: Error) => err(`E portforward: ${error.message}\n`))
          }, { ip })
          const port = listener.ready ? await listener.ready : listener.port
          listeners.push(listener)
          opened++
          if (forward.local === 0) forward.local = port
          await out(`Forwarding from ${shown}:${port} -> ${forward.remote}\n`)
        } catch (error) {
          failures.push(`unable to create listener: Error listen tcp${ip.includes(':') ? 6 : 4} ${shown}:${forward.local}: bind: ${unixText(error as UnixError)}`)
        }
      }
      if (opened === 0) void err(`Unable to listen on port ${forward.local}: Listeners failed to create with the following errors: [${failures.join(' ')}]\n`)
    }
    if (listeners.length === 0) throw new Error(`unable to listen on any of the requested ports: [${forwards.map((p) => `{${p.local} ${p.remote}}`).join(' ')}]`)
    await f.io.flush()
    const mapping = (await f.mapper()).mappingFor('pods')
    untilObject(f, { mapping, namespace, name: pod.metadata.name! }, 0, (o) => o === undefined || o.metadata.uid !== pod.metadata.uid || ['Succeeded', 'Failed'].includes(o['status']?.phase))
      .then(() => lost(new Error('lost connection to pod')), (error) => { if (!(error instanceof WaitTimeout) && !(error instanceof StatusError)) lost(error as Error) })
    await ended
  } finally {
    for (const listener of listeners) listener.close()
  }
}

/** Joins one connection to the pod's port through a WebSocket with a data and an error channel. */
async function carry(f: Factory, pod: PodObject, port: number, socket: TcpSocket): Promise<void> {
  const stream = await f.rest().webSocket(portForwardPath(pod), PROTOCOLS, { ports: port }).catch((error: unknown) => {
    socket.destroy()
    throw error
  })
  void (async () => {
    try {
      for (let chunk = await socket.reader.read(); chunk; chunk = await socket.reader.read()) {
        const message = new Uint8Array(chunk.length + 1)
        message.set(chunk, 1)
        stream.send(message)
      }
    } catch { /* the client has gone */ }
    stream.close()
  })()
  // The first message of each channel repeats the port.
  const greeted = [false, false]
  for await (const message of stream.messages) {
    const bytes = typeof message === 'string' ? new TextEncoder().encode(message) : message
    const channel = bytes[0]!
    if (channel > 1) continue
    if (!greeted[channel]) { greeted[channel] = true; continue }
    if (channel === 1) {
      void f.io.err(`an error occurred forwarding ${port} -> ${port}: ${new TextDecoder().decode(bytes.subarray(1))}\n`)
      break
    }
    try {
      await socket.writer.write(bytes.subarray(1))
    } catch { break }
  }
  socket.writer.close()
  stream.close()
}
