import { joinSockets } from '../../../unix/net/join-sockets.ts'
import type { Proc } from '../../../unix/types.ts'
import { alpine } from '../alpine.ts'
import { defineImage } from '../image.ts'

/** The containers of k3s' service load balancer: each leads one port of its pod, and so of its node, to a Service. */
export const klipperLbImage = defineImage({
  repository: 'docker.io/rancher/klipper-lb', tags: ['v0.4.4', 'v0.4.7', 'v0.4.9', 'v0.4.13'], sizeBytes: 4_800_000, base: alpine, entrypoint: ['entry'], programs: { '/usr/bin/entry': entry },
})

/** Where the original writes rules for the kernel, this carries the bytes: clients look the same to the Service, as the pod. */
async function entry(proc: Proc): Promise<number> {
  const { SRC_PORT: from = '', SRC_RANGES: ranges = '', DEST_PROTO: protocol = 'TCP', DEST_PORT: to = '', DEST_IPS: addresses = '' } = proc.env
  const trace = (command: string) => proc.stderr.write(`+ ${command}\n`)
  await trace('trap exit TERM INT')
  await trace('check_iptables_mode')
  await trace('info nft mode detected')
  await proc.stdout.write('[INFO]  nft mode detected \n')
  const [address] = addresses.split(',')
  for (const range of ranges.split(',').filter(Boolean)) await trace(`iptables -t filter -I FORWARD -s ${range} -p ${protocol} --dport ${from} -j ACCEPT`)
  await trace(`iptables -t filter -A FORWARD -d ${address}/32 -p ${protocol} --dport ${to} -j DROP`)
  await trace(`iptables -t nat -I PREROUTING ! -s ${address}/32 -p ${protocol} --dport ${from} -j DNAT --to ${address}:${to}`)
  await trace(`iptables -t nat -I POSTROUTING -d ${address}/32 -p ${protocol} -j MASQUERADE`)
  if (protocol === 'UDP') proc.net.listenUdp(Number(from), (payload) => proc.net.askUdp(address!, Number(to), payload, 5_000).catch(() => undefined))
  else proc.net.listenTcp(Number(from), (client) => { proc.net.connectTcp(address!, Number(to)).then((server) => joinSockets(client, server)).catch(() => client.destroy()) })
  await trace('mkfifo /pause')
  await proc.signal('SIGTERM', 'SIGINT')
  return 0
}
