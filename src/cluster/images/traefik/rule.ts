import { cidrContains, parseCidr, parseIp } from '../../kinds/ip.ts'

/** What of a request rules look at. */
export interface RuledRequest {
  host: string
  path: string
  method: string
  headers: Headers
  query: URLSearchParams
  clientIp: string
}

export type Matcher = (request: RuledRequest) => boolean

/** A rule that can't be read, in Traefik's words. */
class RuleError extends Error {}

type Token = { kind: 'name' | 'text' | 'sign'; text: string }

const SIGNS = ['&&', '||', '!', '(', ')', ','] as const

/** What a rule of Traefik 3 means, e.g. ``Host(`a.example`) && !PathPrefix(`/b`)``. @throws RuleError. k8s: traefik/pkg/muxer/http */
export function parseRule(rule: string): Matcher {
  const tokens = tokensOf(rule)
  let at = 0
  const fail = (why: string): never => { throw new RuleError(`error while parsing rule ${rule}: ${why}`) }
  const take = (sign: string) => { if (tokens[at]?.kind !== 'sign' || tokens[at]!.text !== sign) return false; at++; return true }
  const or = (): Matcher => {
    const parts = [and()]
    while (take('||')) parts.push(and())
    return parts.length === 1 ? parts[0]! : (request) => parts.some((part) => part(request))
  }
  const and = (): Matcher => {
    const parts = [unary()]
    while (take('&&')) parts.push(unary())
    return parts.length === 1 ? parts[0]! : (request) => parts.every((part) => part(request))
  }
  const unary = (): Matcher => {
    if (take('!')) { const inner = unary(); return (request) => !inner(request) }
    if (take('(')) { const inner = or(); if (!take(')')) fail('expected )'); return inner }
    const name = tokens[at++]
    if (name?.kind !== 'name') return fail(name ? `unexpected ${name.text}` : 'unexpected end')
    if (!take('(')) fail(`unsupported function: ${name.text}`)
    const values: string[] = []
    while (!take(')')) {
      const value = tokens[at++]
      if (value?.kind !== 'text') return fail('expected a text')
      values.push(value.text)
      if (!take(',') && tokens[at]?.text !== ')') fail('expected )')
    }
    return matcherOf(name.text, values, fail)
  }
  const made = or()
  if (at < tokens.length) fail(`unexpected ${tokens[at]!.text}`)
  return made

  function tokensOf(text: string): Token[] {
    const out: Token[] = []
    for (let i = 0; i < text.length;) {
      if (/\s/.test(text[i]!)) { i++; continue }
      const sign = SIGNS.find((each) => text.startsWith(each, i))
      if (sign) { out.push({ kind: 'sign', text: sign }); i += sign.length; continue }
      if (text[i] === '`') {
        const end = text.indexOf('`', i + 1)
        if (end < 0) throw new RuleError(`error while parsing rule ${text}: unterminated text`)
        out.push({ kind: 'text', text: text.slice(i + 1, end) })
        i = end + 1
        continue
      }
      if (text[i] === '"') {
        const literal = /^"(?:[^"\\]|\\.)*"/.exec(text.slice(i))?.[0]
        if (literal === undefined) throw new RuleError(`error while parsing rule ${text}: unterminated text`)
        out.push({ kind: 'text', text: literal.slice(1, -1).replace(/\\(.)/g, '$1') })
        i += literal.length
        continue
      }
      const word = /^\w+/.exec(text.slice(i))?.[0]
      if (word === undefined) throw new RuleError(`error while parsing rule ${text}: illegal character ${text[i]}`)
      out.push({ kind: 'name', text: word })
      i += word.length
    }
    return out
  }
}

const COUNTS: Readonly<Record<string, readonly number[]>> = { host: [1], hostregexp: [1], path: [1], pathprefix: [1], pathregexp: [1], method: [1], header: [2], headerregexp: [2], query: [1, 2], queryregexp: [1, 2], clientip: [1] }

function matcherOf(name: string, values: readonly string[], fail: (why: string) => never): Matcher {
  const kind = name.toLowerCase()
  const counts = COUNTS[kind]
  if (!counts) return fail(`unsupported function: ${name}`)
  if (!counts.includes(values.length)) return fail(`unexpected number of parameters; got ${values.length}, expected one of [${counts.join(' ')}]`)
  const [first = '', second] = values
  const pattern = (text: string) => { try { return new RegExp(text) } catch (error) { return fail(`error compiling regular expression: ${(error as Error).message}`) } }
  switch (kind) {
    case 'host': { const host = first.toLowerCase().replace(/\.$/, ''); return (request) => request.host === host }
    case 'hostregexp': { const expression = pattern(first); return (request) => expression.test(request.host) }
    case 'path': if (!first.startsWith('/')) fail(`path "${first}" does not start with a '/'`); return (request) => request.path === first
    case 'pathprefix': if (!first.startsWith('/')) fail(`path "${first}" does not start with a '/'`); return (request) => request.path.startsWith(first)
    case 'pathregexp': { const expression = pattern(first); return (request) => expression.test(request.path) }
    case 'method': { const method = first.toUpperCase(); return (request) => request.method === method }
    case 'header': return (request) => request.headers.get(first) === second
    case 'headerregexp': { const expression = pattern(second!); return (request) => { const value = request.headers.get(first); return value !== null && expression.test(value) } }
    case 'query': return (request) => (second === undefined ? request.query.has(first) && request.query.getAll(first).includes('') : request.query.getAll(first).includes(second))
    case 'queryregexp': { const expression = pattern(second ?? '.*'); return (request) => request.query.getAll(first).some((value) => expression.test(value)) }
    default: {
      const range = parseCidr(first.includes('/') ? first : `${first}/${first.includes(':') ? 128 : 32}`)
      if (!range) return fail(`initializing IP checker for ClientIP matcher: parsing CIDR trusted IPs ${first}: invalid CIDR address`)
      return (request) => { const ip = parseIp(request.clientIp); return ip !== undefined && cidrContains(range, ip) }
    }
  }
}
