import type { Cluster } from '../../cluster/cluster.ts'
import { joinSockets } from '../../unix/net/join-sockets.ts'
import type { Listener, NetStack } from '../../unix/types.ts'
import type { NodePortForward } from './fleet-storage.ts'

/** How long a datagram's answer is waited for, in milliseconds. */
const ANSWER_MS = 5_000

/** Opens a port of the learner's machine that leads to a node, as docker-proxy does. @throws UnixError when somebody has the port */
export function openNodePort(net: NetStack, { topology }: Cluster, { hostIp, hostPort, node, containerPort, protocol }: NodePortForward): Listener {
  const options = hostIp === '' || hostIp === '0.0.0.0' ? {} : { ip: hostIp }
  const { ip } = topology.nodes.find(({ name }) => name === node)!
  if (protocol === 'udp') return net.listenUdp(hostPort, (payload) => net.askUdp(ip, containerPort, payload, ANSWER_MS), options)
  return net.listenTcp(hostPort, (socket) => {
    net.connectTcp(ip, containerPort).then((inside) => joinSockets(socket, inside)).catch(() => socket.destroy())
  }, options)
}
