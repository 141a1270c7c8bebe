import type { NetStack } from '../types.ts'
import type { Utility } from './utility.ts'

type Socket = ReturnType<NetStack['listeners']>[number]
type Test = (socket: Socket) => boolean

class FilterError extends Error {}

const STATES: Readonly<Record<string, Test | undefined>> = {
  all: () => true, listening: ({ protocol }) => protocol === 'tcp', listen: ({ protocol }) => protocol === 'tcp', unconnected: ({ protocol }) => protocol === 'udp',
  // Of connections this kernel keeps no list.
  ...Object.fromEntries(['established', 'syn-sent', 'syn-recv', 'fin-wait-1', 'fin-wait-2', 'time-wait', 'closed', 'close-wait', 'last-ack', 'closing', 'connected', 'synchronized', 'bucket', 'big'].map((state) => [state, () => false] as const)),
}
const COMPARISONS: Readonly<Record<string, ((own: number, given: number) => boolean) | undefined>> = {
  '=': (a, b) => a === b, '==': (a, b) => a === b, eq: (a, b) => a === b, '!=': (a, b) => a !== b, ne: (a, b) => a !== b, neq: (a, b) => a !== b,
  '>=': (a, b) => a >= b, ge: (a, b) => a >= b, geq: (a, b) => a >= b, '<=': (a, b) => a <= b, le: (a, b) => a <= b, leq: (a, b) => a <= b, '>': (a, b) => a > b, gt: (a, b) => a > b, '<': (a, b) => a < b, lt: (a, b) => a < b,
}

/** `sport = :80`, `src 10.0.0.1`, with `and`, `or`, `not` and parentheses, behind `state NAME` and `exclude NAME`. */
function filterOf(words: readonly string[]): Test {
  const tokens = words.join(' ').match(/[()]|!=|[<>=]=?|!|[^\s()<>=!]+/g) ?? []
  let at = 0
  const unexpected = () => new FilterError(`ss: bison bellows (while parsing filter): "syntax error!"`)
  const states: Test[] = []
  while (tokens[at] === 'state' || tokens[at] === 'exclude') {
    const [how, name = ''] = [tokens[at]!, tokens[at + 1]]
    const test = STATES[name]
    if (!test) throw new FilterError(`ss: wrong state name: ${name}`)
    states.push(how === 'state' ? test : (socket) => !test(socket))
    at += 2
  }
  const primary = (): Test => {
    const token = tokens[at++]
    if (token === undefined) throw unexpected()
    if (token === 'not' || token === '!') { const test = primary(); return (socket) => !test(socket) }
    if (token === '(') { const test = either(); if (tokens[at++] !== ')') throw unexpected(); return test }
    if (token !== 'sport' && token !== 'dport' && token !== 'src' && token !== 'dst') throw unexpected()
    const compare = COMPARISONS[tokens[at] ?? '']
    if (compare) at++
    const value = tokens[at++]
    if (value === undefined) throw unexpected()
    const [, bracketed, plain = '', portText = ''] = /^(?:\[([^\]]*)\]|(.*?))(?::([^:]*))?$/.exec(value.includes(':') ? value : token.endsWith('port') ? `:${value}` : value)!
    const ip = bracketed ?? plain
    const port = portText === '' || portText === '*' ? undefined : Number(portText)
    if (port !== undefined && !Number.isInteger(port)) throw new FilterError(`Error: an inet prefix is expected rather than "${value}".`)
    return (socket) => {
      // Nobody is at the other end of what listens.
      const own = token.startsWith('s') ? socket : { ip: '0.0.0.0', port: 0 }
      return (ip === '' || ip === '*' || own.ip === ip) && (port === undefined || (compare ?? COMPARISONS['=']!)(own.port, port))
    }
  }
  const both = (): Test => {
    let test = primary()
    while (at < tokens.length && tokens[at] !== ')' && !['or', '||', '|'].includes(tokens[at]!)) {
      if (['and', '&&', '&'].includes(tokens[at]!)) at++
      const [left, right] = [test, primary()]
      test = (socket) => left(socket) && right(socket)
    }
    return test
  }
  const either = (): Test => {
    let test = both()
    while (['or', '||', '|'].includes(tokens[at] ?? '')) {
      at++
      const [left, right] = [test, both()]
      test = (socket) => left(socket) || right(socket)
    }
    return test
  }
  const expression: Test = at < tokens.length ? either() : () => true
  if (at < tokens.length) throw unexpected()
  return (socket) => states.every((test) => test(socket)) && expression(socket)
}

/** ss and netstat: what listens; connections aren't listed. */
export const ss: Utility = async (context) => {
  const isFlag = (arg: string) => arg.startsWith('-') && arg !== '-'
  const flags = context.args.filter(isFlag).map((arg) => ({ '--tcp': 't', '--udp': 'u', '--listening': 'l', '--all': 'a', '--no-header': 'H', '--numeric': 'n', '--processes': 'p', '--ipv4': '4', '--ipv6': '6' })[arg] ?? arg.slice(1)).join('')
  const words = context.args.filter((arg) => !isFlag(arg))
  // What only listens is shown when it is asked for: by an option, or to ss by a state.
  const showsListeners = /[la]/.test(flags) || (context.name === 'ss' && /^(?:state|exclude)\b/.test(words[0] ?? ''))
  const sockets = showsListeners ? context.proc.net.listeners().filter(({ protocol }) => /[tu]/.test(flags) ? flags.includes(protocol[0]!) : true) : []
  if (context.name === 'netstat') {
    await context.out(`Active Internet connections (${flags.includes('l') ? 'only servers' : flags.includes('a') ? 'servers and established' : 'w/o servers'})\nProto Recv-Q Send-Q Local Address           Foreign Address         State       \n`)
    for (const { protocol, ip, port } of sockets) await context.out(`${protocol.padEnd(5)} ${'0'.padStart(6)} ${'0'.padStart(6)} ${`${ip}:${port}`.padEnd(23)} ${'0.0.0.0:*'.padEnd(23)} ${(protocol === 'tcp' ? 'LISTEN' : '').padEnd(11)} \n`)
    return 0
  }
  let filter: Test
  try {
    filter = filterOf(words)
  } catch (error) {
    if (!(error instanceof FilterError)) throw error
    await context.err(`${error.message}\n`)
    return 1
  }
  // Which kind it is stands there only where several are asked for.
  const isOneKind = flags.includes('t') !== flags.includes('u')
  const row = (kind: string, rest: string) => `${isOneKind ? '' : `${kind.padEnd(5)} `}${rest}\n`
  if (!flags.includes('H')) await context.out(row('Netid', 'State  Recv-Q Send-Q Local Address:Port Peer Address:Port'))
  for (const socket of sockets) {
    if (!filter(socket)) continue
    const { protocol, ip, port } = socket
    await context.out(row(protocol, `${(protocol === 'tcp' ? 'LISTEN' : 'UNCONN').padEnd(6)} ${'0'.padEnd(6)} ${(protocol === 'tcp' ? '4096' : '0').padEnd(6)} ${`${ip}:${port}`.padStart(18)} ${'0.0.0.0:*'.padStart(17)}`))
  }
  return 0
}
