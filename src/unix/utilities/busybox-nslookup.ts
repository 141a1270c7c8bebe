import { isAddress } from '../net/addresses.ts'
import { reverseName } from '../net/dns.ts'
import type { DnsMessage, DnsRecord, RecordType } from '../net/dns.ts'
import { askDns, readResolverConfig } from '../net/names.ts'
import { UnixError } from '../types.ts'
import { UsageError } from './utility.ts'
import type { Utility } from './utility.ts'

/** In the order in which they are asked. */
const TYPES: readonly RecordType[] = ['SOA', 'NS', 'A', 'AAAA', 'CNAME', 'MX', 'TXT', 'SRV', 'PTR', 'ANY']

interface Query {
  name: string
  type: RecordType
}

/**
 * BusyBox's nslookup. A name with a dot is asked for as it is; one without is asked for in every search domain, and each of the answers is
 * shown, also the bad ones, which make the exit code 1.
 */
export const busyboxNslookup: Utility = async (context) => {
  const { proc } = context
  const wanted = new Set<RecordType>()
  const args = [...context.args]
  for (; args[0]?.startsWith('-'); args.shift()) {
    const [, option, value = ''] = /^-([^=]*)=?(.*)$/.exec(args[0])!
    if (!['type', 'querytype', 'port', 'retry', 'debug', 't', 'timeout'].some((each) => each.startsWith(option!)) || option === '') throw new UsageError(`unrecognized option: ${option}`)
    if (!option!.startsWith('ty') && !option!.startsWith('q')) continue
    const type = TYPES.find((each) => each === value.toUpperCase())
    if (!type) return context.complain(`invalid query type "${value}"`)
    wanted.add(type)
  }
  const [name, serverName] = args
  if (name === undefined) throw new UsageError('missing name')
  const { nameservers, search, timeoutMs } = readResolverConfig(proc.fs)
  let servers = nameservers.length > 0 ? nameservers : ['127.0.0.1']
  if (serverName !== undefined) {
    try { servers = [(await proc.net.lookup(serverName))[0]!] } catch { return context.complain(`bad address '${serverName}'`) }
  }
  const queries: Query[] = []
  const add = (type: RecordType) => {
    const names = type === 'PTR' || search.length === 0 || name.includes('.') ? [name] : search.map((domain) => `${name}.${domain}`)
    for (const each of names) queries.push({ name: each, type })
  }
  if (wanted.size > 0) for (const type of TYPES) { if (wanted.has(type)) add(type) } else if (isAddress(name)) queries.push({ name: reverseName(name), type: 'PTR' })
  else { add('A'); add('AAAA') }

  for (const server of servers) {
    const answers = await Promise.all(queries.map((query) => ask(query, server)))
    if (answers.every((answer) => !answer)) continue
    await context.out(`Server:\t\t${serverName ?? server}\nAddress:\t${server.includes(':') ? `[${server}]` : server}:53\n\n`)
    let code = 0
    for (const [i, answer] of answers.entries()) {
      if (!answer) continue
      if (answer.code !== 'NOERROR') {
        code = 1
        await context.out(`** server can't find ${queries[i]!.name}: ${answer.code}\n\n`)
      } else await context.out(`${answer.authoritative ? '' : 'Non-authoritative answer:\n'}${answer.answers.map(recordText).join('')}\n`)
    }
    const silent = queries.filter((_, i) => !answers[i])
    await context.out(silent.map((query) => `*** Can't find ${query.name}: No answer\n`).join('') + (silent.length > 0 ? '\n' : ''))
    return code
  }
  await context.out(';; connection timed out; no servers could be reached\n\n')
  return 1

  /** Undefined when no answer came in time. */
  async function ask({ name: asked, type }: Query, server: string): Promise<DnsMessage | undefined> {
    try {
      return await askDns(proc.net, server, asked, type, proc.random.int(65_536), timeoutMs)
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      return undefined
    }
  }
}

function recordText({ name, type, data }: DnsRecord): string {
  switch (type) {
    case 'A': case 'AAAA': return `Name:\t${name}\nAddress: ${data}\n`
    case 'CNAME': return `${name}\tcanonical name = ${data}\n`
    case 'NS': return `${name}\tnameserver = ${data}\n`
    case 'PTR': return `${name}\tname = ${data}\n`
    case 'MX': return `${name}\tmail exchanger = ${data}\n`
    case 'TXT': return `${name}\ttext = "${data}"\n`
    case 'SRV': return `${name}\tservice = ${data}\n`
    case 'SOA': {
      const [origin, mail, serial, refresh, retry, expire, minimum] = data.split(' ')
      return `${name}\n\torigin = ${origin}\n\tmail addr = ${mail}\n\tserial = ${serial}\n\trefresh = ${refresh}\n\tretry = ${retry}\n\texpire = ${expire}\n\tminimum = ${minimum}\n`
    }
    case 'ANY': return ''
  }
}
