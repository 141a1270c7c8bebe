import type { Clock } from '../../base/clock.ts'
import { errno } from '../errno.ts'
import type { FileSystem, NetStack, UnixError } from '../types.ts'
import { isAddress, urlHost, urlPort } from './addresses.ts'
import { decodeDns, dnsQuery, encodeDns } from './dns.ts'
import type { DnsMessage, RecordType } from './dns.ts'

/** What /etc/resolv.conf says. */
export interface ResolverConfig {
  nameservers: string[]
  search: string[]
  ndots: number
  timeoutMs: number
  attempts: number
}

/** Reads /etc/resolv.conf; a missing file means no name servers. */
export function readResolverConfig(fs: FileSystem): ResolverConfig {
  const config: ResolverConfig = { nameservers: [], search: [], ndots: 1, timeoutMs: 5_000, attempts: 2 }
  let text = ''
  try { text = fs.readText('/etc/resolv.conf') } catch { return config }
  for (const line of text.split('\n')) {
    const [key, ...values] = line.replace(/[#;].*/, '').trim().split(/\s+/)
    if (key === 'nameserver' && values[0]) config.nameservers.push(values[0])
    else if (key === 'search') config.search = values
    else if (key === 'domain' && values[0]) config.search = [values[0]]
    else if (key === 'options') {
      for (const option of values) {
        const [name, value] = option.split(':')
        if (name === 'ndots') config.ndots = Math.min(15, Number(value) || 0)
        else if (name === 'timeout') config.timeoutMs = (Number(value) || 5) * 1000
        else if (name === 'attempts') config.attempts = Number(value) || 2
      }
    }
  }
  return config
}

/** The names to ask for, in order (resolv.conf(5): search and ndots). */
export function candidateNames(name: string, config: Pick<ResolverConfig, 'search' | 'ndots'>): string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)]
  const searched = config.search.map((domain) => `${name}.${domain}`)
  const dots = name.split('.').length - 1
  return dots >= config.ndots ? [name, ...searched] : [...searched, name]
}

/** Addresses of a name in /etc/hosts. */
function hostsAddresses(fs: FileSystem, name: string): string[] {
  let text = ''
  try { text = fs.readText('/etc/hosts') } catch { return [] }
  const found: string[] = []
  for (const line of text.split('\n')) {
    const [ip, ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
    if (ip && names.some((each) => each.toLowerCase() === name.toLowerCase())) found.push(ip)
  }
  return found
}

/**
 * Asks one name server one question.
 * @throws UnixError ETIMEDOUT, ECONNREFUSED
 */
export async function askDns(net: NetStack, server: string, name: string, type: RecordType, id: number, timeoutMs: number): Promise<DnsMessage> {
  return decodeDns(await net.askUdp(server, 53, encodeDns(dnsQuery(id, name, type)), timeoutMs))
}

/** A stack whose names are looked up as the machine's /etc/hosts and /etc/resolv.conf say. */
export function bindNames(stack: NetStack, fs: FileSystem, clock: Clock): NetStack {
  let lastId = 0
  const lookup = async (name: string): Promise<string[]> => {
    if (isAddress(name)) return [name]
    const plain = name.endsWith('.') ? name.slice(0, -1) : name
    const inHosts = hostsAddresses(fs, plain)
    if (inHosts.length > 0) return inHosts.filter((ip) => !ip.includes(':')).concat(inHosts.filter((ip) => ip.includes(':')))
    if (plain === 'localhost') return ['127.0.0.1']
    const config = readResolverConfig(fs)
    if (config.nameservers.length === 0) return stack.lookup(plain)
    let failed = false
    for (const candidate of candidateNames(name, config)) {
      const answer = await askAll(stack, config, candidate, () => lastId = (lastId + 1) & 65_535, clock)
      if (!answer || answer.code === 'SERVFAIL' || answer.code === 'REFUSED') { failed = true; continue }
      const addresses = answer.answers.filter((record) => record.type === 'A').map((record) => record.data)
      if (addresses.length > 0) return addresses
    }
    throw errno(failed ? 'EAI_AGAIN' : 'ENOTFOUND', name)
  }
  return {
    get hostname() { return stack.hostname },
    get addresses() { return stack.addresses },
    get outside() { return stack.outside },
    get devices() { return stack.devices },
    get kernel() { return stack.kernel },
    listenHttp: (port, handler, options) => stack.listenHttp(port, handler, options),
    listenTcp: (port, handler, options) => stack.listenTcp(port, handler, options),
    listenUdp: (port, handler, options) => stack.listenUdp(port, handler, options),
    askUdp: (ip, port, payload, timeoutMs) => stack.askUdp(ip, port, payload, timeoutMs),
    listeners: () => stack.listeners(),
    lookup,
    async connectTcp(host, port, options) {
      return stack.connectTcp(isAddress(host) ? host : (await lookup(host))[0]!, port, options)
    },
    async fetch(request, options = {}) {
      if (options.connectTo && isAddress(options.connectTo.ip)) return stack.fetch(request, options)
      const url = new URL(request.url)
      const host = options.connectTo?.ip ?? urlHost(url)
      if (isAddress(host)) return stack.fetch(request, options)
      let ip: string
      try {
        ip = (await lookup(host))[0]!
      } catch (error) {
        if (stack.outside && (error as UnixError).code === 'ENOTFOUND') return stack.outside(request)
        throw error
      }
      return stack.fetch(request, { ...options, connectTo: { ip, port: options.connectTo?.port ?? urlPort(url) } })
    },
  }
}

async function askAll(stack: NetStack, config: ResolverConfig, name: string, nextId: () => number, clock: Clock): Promise<DnsMessage | undefined> {
  for (let attempt = 0; attempt < config.attempts; attempt++) {
    for (const server of config.nameservers) {
      try {
        return await askDns(stack, server, name, 'A', nextId(), config.timeoutMs)
      } catch (error) {
        // A refused port answers at once; resolvers still wait their time before giving up on it only when nobody answers.
        if ((error as UnixError).code === undefined) throw error
      }
    }
    await clock.breathe()
  }
  return undefined
}
