import { decodeDns, dnsAnswer, encodeDns } from '../../../unix/net/dns.ts'
import type { DnsMessage } from '../../../unix/net/dns.ts'
import type { Proc } from '../../../unix/types.ts'
import { defineImage } from '../image.ts'
import { clusterClient } from '../in-cluster/cluster-client.ts'
import { followResource } from '../in-cluster/follow-resource.ts'
import { parseCorefile } from './corefile.ts'
import type { Corefile } from './corefile.ts'
import { endpointName, lookupClusterName } from './service-names.ts'
import type { NameSource, ServiceObject, SliceObject } from './service-names.ts'

const VERSION = '1.14.2'

/** CoreDNS with the plugins that clusters use: kubernetes, hosts, forward, health, ready, prometheus. It knows only what the API tells it. */
export const coreDnsImage = defineImage({
  repository: 'registry.k8s.io/coredns/coredns',
  tags: [`v${VERSION}`],
  sizeBytes: 23_000_000,
  entrypoint: ['/coredns'],
  user: 'nonroot:nonroot',
  programs: { '/coredns': coredns },
  files: { '/etc/passwd': 'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n', '/etc/group': 'root:x:0:\nnonroot:x:65532:\n' },
})

async function coredns(proc: Proc): Promise<number> {
  const at = proc.argv.indexOf('-conf')
  const file = at >= 0 ? proc.argv[at + 1]! : '/Corefile'
  let config: Corefile
  try {
    config = parseCorefile(proc.fs.readText(proc.resolve(file)))
  } catch (error) {
    await proc.stderr.write(`${(error as Error).message}\n`)
    return 1
  }
  const names = new Names()
  let requests = 0
  const ready = { services: false, slices: false, namespaces: false }
  const isReady = () => config.kubernetesZones.length === 0 || (ready.services && ready.slices && ready.namespaces)
  if (config.kubernetesZones.length > 0) {
    const client = clusterClient(proc, 'coredns')
    const follow = <T extends { metadata: { name: string } }>(path: string, onChange: (key: string, object: T | undefined) => void, of: keyof typeof ready) => {
      const onError = (message: string) => { void proc.stdout.write(`[ERROR] plugin/kubernetes: Failed to watch ${path}: ${message}\n`) }
      void followResource<T>({ proc, client, path, onChange, onSynced: () => { ready[of] = true }, onError }).catch(() => {})
    }
    follow<ServiceObject & { metadata: { name: string } }>('/api/v1/services', (key, service) => names.setService(key, service), 'services')
    follow<SliceObject>('/apis/discovery.k8s.io/v1/endpointslices', (key, slice) => names.setSlice(key, slice), 'slices')
    follow('/api/v1/namespaces', (key, namespace) => names.setNamespace(key.slice(1), namespace !== undefined), 'namespaces')
  }
  const answer = (payload: Uint8Array): Uint8Array | undefined => {
    requests++
    let query: DnsMessage
    try {
      query = decodeDns(payload)
    } catch {
      return undefined
    }
    return encodeDns(resolve(query, config, names, proc))
  }
  proc.useMemory(13 * 2 ** 20)
  proc.useCpuSteadily(2)
  proc.net.listenUdp(53, answer)
  proc.net.listenTcp(53, (socket) => { void serveTcp(socket, answer) })
  if (config.health) proc.net.listenHttp(8080, (request) => new URL(request.url).pathname === '/health' ? new Response('OK') : new Response('404 page not found\n', { status: 404 }))
  if (config.ready) proc.net.listenHttp(8181, () => isReady() ? new Response('OK') : new Response('kubernetes', { status: 503 }))
  if (config.metricsPort) proc.net.listenHttp(config.metricsPort, () => new Response(`# HELP coredns_dns_requests_total Counter of DNS requests made per zone, protocol and family.\n# TYPE coredns_dns_requests_total counter\ncoredns_dns_requests_total{family="1",proto="udp",server="dns://:53",type="A",zone="."} ${requests}\n`))
  await proc.stdout.write(`${config.zones.map((zone) => `${zone || '.'}:53`).join('\n')}\nCoreDNS-${VERSION}\nlinux/amd64, go1.26.8\n`)
  await proc.signal('SIGTERM', 'SIGINT')
  await proc.stdout.write('[INFO] SIGTERM: Shutting down servers then terminating\n')
  if (config.lameduckMs > 0) {
    await proc.stdout.write(`[INFO] plugin/health: Going into lameduck mode for ${config.lameduckMs / 1000}s\n`)
    await proc.sleep(config.lameduckMs)
  }
  return 0
}

function resolve(query: DnsMessage, config: Corefile, names: Names, proc: Proc): DnsMessage {
  const [question] = query.questions
  if (!question) return dnsAnswer(query, 'FORMERR')
  const name = question.name.toLowerCase()
  const zone = config.kubernetesZones.find((z) => name === z || name.endsWith(`.${z}`))
  if (zone && /\.arpa$/.test(zone)) {
    const ip = addressOfReverse(name)
    const targets = ip ? names.reverse(ip) : []
    if (targets.length > 0) return dnsAnswer(query, 'NOERROR', question.type === 'PTR' ? targets.map((t) => ({ name: question.name, type: 'PTR', ttlSeconds: config.ttlSeconds, data: `${t}.${config.kubernetesZones[0]}` })) : [])
    return dnsAnswer(query, 'NXDOMAIN')
  }
  if (zone) {
    const found = lookupClusterName(name, question.type, names, { zone, ttlSeconds: config.ttlSeconds, pods: config.pods })
    const answers = found.records.map((record) => record.name === name ? { ...record, name: question.name } : record)
    // An alias into the cluster is followed at once, as the kubernetes plugin does.
    for (const record of found.records) {
      if (record.type !== 'CNAME') continue
      const target = record.data.replace(/\.$/, '').toLowerCase()
      if (!target.endsWith(`.${zone}`) || question.type === 'CNAME') continue
      const further = lookupClusterName(target, question.type, names, { zone, ttlSeconds: config.ttlSeconds, pods: config.pods }).records
      // An alias that leads to no address of the asked family isn't told either.
      // k8s: coredns plugin/backend_lookup.go AAAA
      if (further.length === 0) answers.splice(answers.findIndex((answer) => answer.type === 'CNAME'), 1)
      else answers.push(...further)
    }
    const soa = { name: zone, type: 'SOA' as const, ttlSeconds: config.ttlSeconds, data: `ns.dns.${zone} hostmaster.${zone} ${Math.floor(proc.clock.nowMs() / 1000)} 7200 1800 86400 ${config.ttlSeconds}` }
    return dnsAnswer(query, found.code, answers.some((a) => a.type === 'CNAME') ? answers : proc.random.shuffle(answers), answers.length === 0 ? { authorities: [soa] } : {})
  }
  const host = config.hosts.find((h) => h.names.includes(name))
  if (host) return dnsAnswer(query, 'NOERROR', question.type === 'A' ? [{ name: question.name, type: 'A', ttlSeconds: 3_600, data: host.ip }] : [])
  // The nodes' resolver is outside of the simulation: there is no Internet to ask.
  return dnsAnswer(query, 'NXDOMAIN', [], { authoritative: false })
}

/** DNS over TCP: messages with their length in front. */
async function serveTcp(socket: import('../../../unix/types.ts').TcpSocket, answer: (payload: Uint8Array) => Uint8Array | undefined): Promise<void> {
  let held = new Uint8Array()
  for (let chunk = await socket.reader.read(); chunk; chunk = await socket.reader.read()) {
    const joined = new Uint8Array(held.length + chunk.length)
    joined.set(held)
    joined.set(chunk, held.length)
    held = joined
    while (held.length >= 2 && held.length >= 2 + (held[0]! << 8 | held[1]!)) {
      const length = held[0]! << 8 | held[1]!
      const reply = answer(held.subarray(2, 2 + length))
      held = held.slice(2 + length)
      if (!reply) continue
      const framed = new Uint8Array(reply.length + 2)
      framed[0] = reply.length >> 8
      framed[1] = reply.length & 255
      framed.set(reply, 2)
      await socket.writer.write(framed)
    }
  }
  socket.writer.close()
}

function addressOfReverse(name: string): string | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\.in-addr\.arpa$/.exec(name)
  return match ? `${match[4]}.${match[3]}.${match[2]}.${match[1]}` : undefined
}

/** The kubernetes plugin's copy of the API's objects. */
class Names implements NameSource {
  readonly #services = new Map<string, ServiceObject>()
  readonly #slices = new Map<string, SliceObject>()
  readonly #slicesByService = new Map<string, Map<string, SliceObject>>()
  readonly #namespaces = new Set<string>()

  setService(key: string, service: ServiceObject | undefined): void {
    if (service) this.#services.set(key, service)
    else this.#services.delete(key)
  }

  setSlice(key: string, slice: SliceObject | undefined): void {
    const old = this.#slices.get(key)
    if (old) this.#slicesByService.get(serviceKey(old))?.delete(key)
    if (!slice) { this.#slices.delete(key); return }
    this.#slices.set(key, slice)
    const owner = serviceKey(slice)
    let group = this.#slicesByService.get(owner)
    if (!group) this.#slicesByService.set(owner, group = new Map())
    group.set(key, slice)
  }

  setNamespace(name: string, exists: boolean): void {
    if (exists) this.#namespaces.add(name)
    else this.#namespaces.delete(name)
  }

  service(namespace: string, name: string): ServiceObject | undefined {
    return this.#services.get(`${namespace}/${name}`)
  }

  slices(namespace: string, service: string): readonly SliceObject[] {
    return [...this.#slicesByService.get(`${namespace}/${service}`)?.values() ?? []]
  }

  hasNamespace(name: string): boolean {
    return this.#namespaces.has(name)
  }

  reverse(ip: string): readonly string[] {
    for (const { metadata, spec } of this.#services.values()) if (spec.clusterIPs?.includes(ip)) return [`${metadata.name}.${metadata.namespace}.svc`]
    const out: string[] = []
    for (const slice of this.#slices.values()) {
      const service = slice.metadata.labels?.['kubernetes.io/service-name']
      if (!service || this.service(slice.metadata.namespace, service)?.spec.clusterIP !== 'None') continue
      for (const endpoint of slice.endpoints ?? []) if (endpoint.addresses.includes(ip)) out.push(`${endpointName(endpoint)}.${service}.${slice.metadata.namespace}.svc`)
    }
    return out
  }
}

function serviceKey(slice: SliceObject): string {
  return `${slice.metadata.namespace}/${slice.metadata.labels?.['kubernetes.io/service-name'] ?? ''}`
}
