import { decodeDns, dnsAnswer, encodeDns, reverseName } from '../../../unix/net/dns.ts'
import type { DnsMessage, DnsRecord } from '../../../unix/net/dns.ts'
import { UnixError } from '../../../unix/types.ts'
import type { Proc, SocketAddress } from '../../../unix/types.ts'
import type { ClusterNames } from './cluster-names.ts'
import { durationMs } from './corefile.ts'
import type { Directive, ServerBlock } from './corefile.ts'
import { lookupClusterName } from './service-names.ts'

/** A question, and who asks it. */
export interface Query {
  message: DnsMessage
  from: SocketAddress
  protocol: 'udp' | 'tcp'
  bytes: number
  /** How often the server has asked itself by now to answer the client. */
  reentries: number
}
export type Handler = (query: Query) => DnsMessage | Promise<DnsMessage>

/** What plugins need of the process that they are in. */
export interface PluginContext {
  proc: Proc
  names: ClusterNames
  log(line: string): void
  /** Answers a question as the whole server would, on behalf of a query: for aliases that lead elsewhere. */
  upstream(query: Query, message: DnsMessage): DnsMessage | Promise<DnsMessage>
}

/** What blocks ask of the process besides answering. */
export interface ServerSettings {
  healthPort: number | undefined
  lameduckMs: number
  readyPort: number | undefined
  metricsPort: number | undefined
  /** How often the Corefile is looked at, and how much more that may take; undefined: never. */
  reload: { intervalMs: number; jitterMs: number } | undefined
  usesKubernetes: boolean
}

/** All there are, in the order in which they see a query, whatever the Corefile's. coredns: plugin.cfg */
const ORDER = 'root metadata geoip cancel tls timeouts multisocket reload nsid bufsize bind debug trace ready health pprof prometheus errors log dnstap local dns64 acl any chaos loadbalance tsig cache rewrite header dnssec autopath minimal template transfer hosts route53 azure clouddns k8s_external kubernetes file auto secondary etcd loop forward grpc erratic whoami on sign view nomad'.split(' ')
/** What changes no answer here: caches hold nothing back, and nobody measures. */
const WITHOUT_EFFECT = new Set('root metadata cancel timeouts multisocket nsid bufsize bind debug pprof cache loop loadbalance minimal local'.split(' '))
const FORWARD_TIMEOUT_MS = 5_000

type PluginFactory = (directive: Directive, next: Handler, context: PluginContext, block: ServerBlock) => Handler

const nameOf = ({ message }: Query): string => message.questions[0]!.name.toLowerCase()
const isBelow = (name: string, zone: string): boolean => zone === '' || name === zone || name.endsWith(`.${zone}`)
const zonesOf = (args: readonly string[]): string[] => args.map((zone) => zone.replace(/\.$/, '').toLowerCase())
const refused: Handler = ({ message }) => dnsAnswer(message, 'REFUSED', [], { authoritative: false })
const servfail = (message: DnsMessage): DnsMessage => dnsAnswer(message, 'SERVFAIL', [], { authoritative: false })

/** Zones for which a plugin passes on what it doesn't know; undefined: for none. */
function fallthroughOf(directive: Directive): string[] | undefined {
  const line = directive.block.find(([word]) => word === 'fallthrough')
  return line && (line.length > 1 ? zonesOf(line.slice(1)) : [''])
}

const kubernetes: PluginFactory = (directive, next, { proc, names, upstream }, block) => {
  const zones = directive.args.length > 0 ? zonesOf(directive.args) : [...new Set(block.zones.map(({ zone }) => zone))]
  const primary = zones.find((zone) => !zone.endsWith('.arpa'))
  const value = (word: string) => directive.block.find(([first]) => first === word)?.[1]
  const ttlSeconds = Number(value('ttl') ?? 5)
  const pods = value('pods') ?? 'disabled'
  const passes = fallthroughOf(directive)
  return async (query) => {
    const { message } = query
    const [question] = message.questions
    const name = nameOf(query)
    const zone = zones.filter((each) => isBelow(name, each)).sort((a, b) => b.length - a.length)[0]
    if (zone === undefined) return next(query)
    const isPassed = passes?.some((each) => isBelow(name, each)) ?? false
    const soa = { name: zone, type: 'SOA' as const, ttlSeconds, data: `ns.dns.${zone} hostmaster.${zone} ${Math.floor(proc.clock.nowMs() / 1000)} 7200 1800 86400 ${ttlSeconds}` }
    if (zone.endsWith('.arpa')) {
      const ip = addressOfReverse(name)
      const targets = ip ? names.reverse(ip) : []
      if (targets.length > 0) return dnsAnswer(message, 'NOERROR', question!.type === 'PTR' ? targets.map((target) => ({ name: question!.name, type: 'PTR', ttlSeconds, data: primary ? `${target}.${primary}` : target })) : [])
      return isPassed ? next(query) : dnsAnswer(message, 'NXDOMAIN', [], { authorities: [soa] })
    }
    const options = { zone, ttlSeconds, pods }
    const found = lookupClusterName(name, question!.type, names, options)
    if (found.code === 'NXDOMAIN' && isPassed) return next(query)
    const answers = found.records.map((record) => record.name === name ? { ...record, name: question!.name } : record)
    // An alias is followed at once: in the cluster, or by asking as a client would.
    for (const record of found.records) {
      if (record.type !== 'CNAME' || question!.type === 'CNAME') continue
      const target = record.data.replace(/\.$/, '').toLowerCase()
      const isInside = target.endsWith(`.${zone}`)
      const further = isInside ? lookupClusterName(target, question!.type, names, options).records : (await upstream(query, { ...message, questions: [{ name: target, type: question!.type }] })).answers
      // An alias that leads to no address of the asked family isn't told either.
      // k8s: coredns plugin/backend_lookup.go AAAA
      if (isInside && further.length === 0) answers.splice(answers.findIndex((answer) => answer.type === 'CNAME'), 1)
      else answers.push(...further)
    }
    return dnsAnswer(message, found.code, answers.some((answer) => answer.type === 'CNAME') ? answers : proc.random.shuffle(answers), answers.length === 0 ? { authorities: [soa] } : {})
  }
}

/** `10.96.0.1` of its reverse name. */
function addressOfReverse(name: string): string | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\.in-addr\.arpa$/.exec(name)
  return match ? `${match[4]}.${match[3]}.${match[2]}.${match[1]}` : undefined
}

const hosts: PluginFactory = (directive, next, { proc }) => {
  const [file, ...zones] = directive.args
  const passes = fallthroughOf(directive)
  const options = new Set(['fallthrough', 'ttl', 'no_reverse', 'reload'])
  const ttlSeconds = Number(directive.block.find(([word]) => word === 'ttl')?.[1] ?? 3_600)
  const isReversed = !directive.block.some(([word]) => word === 'no_reverse')
  const inline = directive.block.filter(([word]) => !options.has(word!))
  const entries = (): { ip: string; names: string[] }[] => {
    const path = file ?? (inline.length > 0 ? undefined : '/etc/hosts')
    // k8s: coredns plugin/hosts looks at its file every 5 s
    const lines = path !== undefined && proc.fs.exists(path) ? proc.fs.readText(path).split('\n').map((line) => line.replace(/#.*/, '').trim().split(/\s+/)) : []
    return [...lines, ...inline].flatMap(([ip, ...names]) => ip && names.length > 0 ? [{ ip, names: names.map((name) => name.replace(/\.$/, '').toLowerCase()) }] : [])
  }
  return (query) => {
    const { message } = query
    const [question] = message.questions
    const name = nameOf(query)
    if (question!.type !== 'PTR' && zones.length > 0 && !zonesOf(zones).some((zone) => isBelow(name, zone))) return next(query)
    const record = (type: 'A' | 'AAAA' | 'PTR', data: string): DnsRecord => ({ name: question!.name, type, ttlSeconds, data })
    const all = entries()
    const known = all.filter(({ names }) => names.includes(name))
    const answers = question!.type === 'PTR' ? (isReversed ? all.flatMap(({ ip, names }) => reverseName(ip) === name ? names.map((each) => record('PTR', each)) : []) : [])
      : known.flatMap(({ ip }) => (ip.includes(':') ? 'AAAA' : 'A') === question!.type ? [record(question!.type, ip)] : [])
    if (answers.length > 0 || known.length > 0) return dnsAnswer(message, 'NOERROR', answers)
    // Addresses that it doesn't know it leaves to others, whatever fallthrough says.
    if (question!.type === 'PTR' || passes?.some((zone) => isBelow(name, zone))) return next(query)
    return servfail(message)
  }
}

const forward: PluginFactory = (directive, next, { proc }) => {
  const [from = '.', ...to] = directive.args
  const [zone] = zonesOf([from])
  const except = directive.block.filter(([word]) => word === 'except').flatMap((line) => zonesOf(line.slice(1)))
  const isSequential = directive.block.some(([word, how]) => word === 'policy' && how === 'sequential')
  const servers = to.flatMap((text) => {
    const [, ip, port] = /^(?:dns:\/\/)?(\d+\.\d+\.\d+\.\d+)(?::(\d+))?$/.exec(text) ?? []
    return ip === undefined ? [] : [{ ip, port: port === undefined ? 53 : Number(port) }]
  })
  return async (query) => {
    const { message } = query
    const name = nameOf(query)
    if (!isBelow(name, zone!) || except.some((each) => isBelow(name, each))) return next(query)
    // The nodes' resolver is outside of the simulation: there is no Internet to ask.
    if (servers.length === 0) return dnsAnswer(message, 'NXDOMAIN', [], { authoritative: false })
    let problem: UnixError | undefined
    let last = servers[0]!
    for (const server of isSequential ? servers : proc.random.shuffle([...servers])) {
      last = server
      try {
        const answer = decodeDns(await proc.net.askUdp(server.ip, server.port, encodeDns(message), FORWARD_TIMEOUT_MS))
        return { ...answer, id: message.id }
      } catch (error) {
        if (!(error instanceof UnixError)) throw error
        problem = error
      }
    }
    const why = problem?.code === 'ETIMEDOUT' ? 'i/o timeout' : 'read: connection refused'
    throw new ForwardError(`read udp ${proc.net.addresses[0]}->${last.ip}:${last.port}: ${why}`)
  }
}

/** Why nobody could be asked. */
class ForwardError extends Error {}

const errors: PluginFactory = (_directive, next, { log }) => async (query) => {
  try {
    return await next(query)
  } catch (error) {
    if (!(error instanceof ForwardError)) throw error
    log(`[ERROR] plugin/errors: 2 ${nameOf(query)}. ${query.message.questions[0]!.type}: ${error.message}`)
    return servfail(query.message)
  }
}

const logged: PluginFactory = (directive, next, { proc, log }) => {
  const zones = zonesOf(directive.args)
  return async (query) => {
    const startedMs = proc.clock.nowMs()
    const answer = await next(query)
    if (zones.length > 0 && !zones.some((zone) => isBelow(nameOf(query), zone))) return answer
    const [question] = query.message.questions
    const flags = ['qr', ...(answer.authoritative ? ['aa'] : []), ...(answer.recursionDesired ? ['rd'] : []), ...(answer.recursionAvailable ? ['ra'] : [])].join(',')
    log(`[INFO] ${query.from.ip}:${query.from.port} - ${query.message.id} "${question!.type} IN ${question!.name.toLowerCase()}. ${query.protocol} ${query.bytes} false 512" ${answer.code} ${flags} ${encodeDns(answer).length} ${((proc.clock.nowMs() - startedMs) / 1000).toFixed(9)}s`)
    return answer
  }
}

/** `rewrite name [exact|prefix|suffix|substring|regex] FROM TO`: the answer carries the name that was asked for. */
const rewrite: PluginFactory = (directive, next) => {
  const words = directive.args.filter((word, i) => !(i === 0 && (word === 'stop' || word === 'continue')))
  if (words[0] !== 'name') return next
  const kinds = ['exact', 'prefix', 'suffix', 'substring', 'regex']
  const [kind, from = '', to = ''] = kinds.includes(words[1] ?? '') ? words.slice(1) : ['exact', ...words.slice(1)]
  const plain = (text: string) => text.replace(/\.$/, '').toLowerCase()
  const rename = (name: string): string | undefined => {
    switch (kind) {
      case 'exact': return name === plain(from) ? plain(to) : undefined
      case 'prefix': return name.startsWith(from) ? to + name.slice(from.length) : undefined
      case 'suffix': return name.endsWith(plain(from)) ? name.slice(0, -plain(from).length) + plain(to) : undefined
      case 'substring': return name.includes(from) ? name.replaceAll(from, to) : undefined
      default: {
        const match = new RegExp(from).exec(`${name}.`) ?? new RegExp(from).exec(name)
        return match ? plain(to.replace(/\{(\d+)\}/g, (_, group: string) => match[Number(group)] ?? '')) : undefined
      }
    }
  }
  return async (query) => {
    const { message } = query
    const [question] = message.questions
    const name = rename(nameOf(query))
    if (name === undefined) return next(query)
    const answer = await next({ ...query, message: { ...message, questions: [{ ...question!, name }] } })
    return { ...answer, questions: message.questions, answers: answer.answers.map((record) => record.name.toLowerCase() === name ? { ...record, name: question!.name } : record) }
  }
}

/** Says who asks. */
const whoami: PluginFactory = () => ({ message, from, protocol }) => {
  const { name } = message.questions[0]!
  return dnsAnswer(message, 'NOERROR', [], { additionals: [{ name, type: from.ip.includes(':') ? 'AAAA' : 'A', ttlSeconds: 0, data: from.ip }, { name: `_${protocol}.${name}`, type: 'SRV', ttlSeconds: 0, data: `0 0 ${from.port} .` }] })
}

const FACTORIES: Readonly<Record<string, PluginFactory | undefined>> = { kubernetes, hosts, forward, errors, log: logged, rewrite, whoami }
const SETTINGS = new Set(['health', 'ready', 'prometheus', 'reload'])

/**
 * The chain of a block's plugins. @throws Error for a plugin that there isn't, in CoreDNS' words, and for one that is missing here
 */
// @k8s part: CoreDNS: the plugins errors, log, health, ready, prometheus, reload, hosts, kubernetes, rewrite name, forward and whoami take effect (of kubernetes: its zones, pods, ttl and fallthrough); template, file, auto, etcd, k8s_external, autopath and others that it has elsewhere are refused by name
export function chainOf(block: ServerBlock, file: string, context: PluginContext): Handler {
  const rank = ({ name }: Directive) => ORDER.indexOf(name)
  for (const { name, line } of block.directives) {
    if (!ORDER.includes(name)) throw new Error(`${file}:${line} - Error during parsing: Unknown directive '${name}'`)
    if (!FACTORIES[name] && !WITHOUT_EFFECT.has(name) && !SETTINGS.has(name)) throw new Error(`${file}:${line} - Error during parsing: plugin '${name}' is not supported here`)
  }
  const ordered = [...block.directives].sort((a, b) => rank(a) - rank(b))
  return ordered.reduceRight<Handler>((next, directive) => FACTORIES[directive.name]?.(directive, next, context, block) ?? next, refused)
}

/** What the blocks together ask of the process. @throws Error in the plugins' words */
export function settingsOf(blocks: readonly ServerBlock[], file: string): ServerSettings {
  const all = blocks.flatMap(({ directives }) => directives)
  const find = (name: string) => all.find((directive) => directive.name === name)
  const portOf = (directive: Directive | undefined, standard: number) => directive && Number((directive.args[0] ?? '').split(':').at(-1) || standard)
  const lameduck = find('health')?.block.find(([word]) => word === 'lameduck')?.[1]
  const reload = find('reload')
  const durations = reload?.args.map((text) => durationMs(text))
  if (durations?.some((ms) => ms === undefined)) throw new Error(`${file}:${reload!.line} - Error during parsing: time: invalid duration "${reload!.args[durations.indexOf(undefined)]}"`)
  return {
    healthPort: portOf(find('health'), 8080), lameduckMs: lameduck === undefined ? 0 : durationMs(lameduck) ?? 0, readyPort: portOf(find('ready'), 8181), metricsPort: portOf(find('prometheus'), 9153),
    reload: reload && { intervalMs: durations![0] ?? 30_000, jitterMs: durations![1] ?? 15_000 }, usesKubernetes: find('kubernetes') !== undefined,
  }
}
