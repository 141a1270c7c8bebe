/** Labels of what a selector is asked about. */
export type Labels = Readonly<Record<string, string | undefined>>

/** A selector that was read. */
export type Selector = (labels: Labels) => boolean

/** The label that says in which namespace an endpoint is. */
export const NAMESPACE_LABEL = 'projectcalico.org/namespace'
/** What stands before labels of an endpoint's namespace. */
export const NAMESPACE_PREFIX = 'pcns.'
/** What stands before labels of an endpoint's service account. */
export const SERVICE_ACCOUNT_PREFIX = 'pcsa.'

type Token = { kind: 'label' | 'string' | 'has'; value: string } | { kind: '{' | '}' | ',' | '==' | '!=' | 'in' | 'notin' | 'contains' | 'startswith' | 'endswith' | '!' | 'all' | 'global' | '(' | ')' | '&&' | '||' | 'end' }

const IDENTIFIER = /^[A-Za-z0-9_./-]+/
const MAX_LABEL_LENGTH = 512
const OPERATORS: readonly [Token['kind'], RegExp][] = [
  ['contains', /^contains(?![A-Za-z0-9_./-])/], ['startswith', /^starts[ \t]*with(?![A-Za-z0-9_./-])/], ['endswith', /^ends[ \t]*with(?![A-Za-z0-9_./-])/],
  ['notin', /^not[ \t]*in(?![A-Za-z0-9_./-])/], ['in', /^in(?![A-Za-z0-9_./-])/],
]
const FUNCTION = /^(has|all|global)\(/

/** calico: libcalico-go/lib/selector/tokenizer */
function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  for (let rest = text; ;) {
    rest = rest.replace(/^[ \t]+/, '')
    const first = rest[0]
    if (first === undefined) return [...tokens, { kind: 'end' }]
    const before = tokens.at(-1)
    const take = (token: Token, length: number) => { tokens.push(token); rest = rest.slice(length) }
    const pair = rest.slice(0, 2)
    const called = FUNCTION.exec(rest)?.[1]
    if (first === '"' || first === "'") {
      const end = rest.indexOf(first, 1)
      if (end < 0) throw new Error('unterminated string')
      take({ kind: 'string', value: rest.slice(1, end) }, end + 1)
    } else if (first === '(' || first === ')' || first === '{' || first === '}' || first === ',') take({ kind: first }, 1)
    else if (pair === '==' || pair === '!=' || pair === '&&' || pair === '||') take({ kind: pair }, 2)
    else if (first === '!') take({ kind: '!' }, 1)
    else if (first === '=' || first === '&' || first === '|') throw new Error(`expected ${first}${first}`)
    else if (before?.kind === 'label') {
      const operator = OPERATORS.find(([, pattern]) => pattern.test(rest))
      if (!operator) throw new Error(`expected operator after label ${JSON.stringify(before.value)}`)
      take({ kind: operator[0] } as Token, operator[1].exec(rest)![0].length)
    } else if (called !== undefined) {
      rest = rest.slice(called.length + 1).replace(/^[ \t]+/, '')
      const label = called === 'has' ? identifier(rest) : ''
      rest = rest.slice(label.length).replace(/^[ \t]+/, '')
      if (rest[0] !== ')') throw new Error(`no closing ')' after ${called}(`)
      take(called === 'has' ? { kind: 'has', value: label } : { kind: called as 'all' | 'global' }, 1)
    } else {
      const value = identifier(rest)
      take({ kind: 'label', value }, value.length)
    }
  }
}

function identifier(text: string): string {
  const label = IDENTIFIER.exec(text)?.[0] ?? ''
  if (label.length > MAX_LABEL_LENGTH) throw new Error(`label too long: ${label}`)
  if (label === '') throw new Error('expected identifier')
  return label
}

/**
 * Reads a selector in Calico's syntax; an empty one takes everything.
 * @param prefix what stands before the labels that it names, for selectors of namespaces and service accounts: those take only endpoints of pods for `all()`
 * @throws Error in Calico's words
 */
// calico: libcalico-go/lib/selector/parser
export function parseSelector(text: string, prefix = ''): Selector {
  const tokens = tokensOf(text)
  let at = 0
  const all: Selector = prefix === '' ? () => true : (labels) => labels[NAMESPACE_LABEL] !== undefined
  const either = (): Selector => {
    const terms = [both()]
    while (tokens[at]!.kind === '||') { at++; terms.push(both()) }
    return terms.length === 1 ? terms[0]! : (labels) => terms.some((term) => term(labels))
  }
  const both = (): Selector => {
    const terms = [operation()]
    while (tokens[at]!.kind === '&&') { at++; terms.push(operation()) }
    return terms.length === 1 ? terms[0]! : (labels) => terms.every((term) => term(labels))
  }
  const literal = (): string => {
    const token = tokens[at++]!
    if (token.kind !== 'string') throw new Error('expected string')
    return token.value
  }
  const set = (): ReadonlySet<string> => {
    if (tokens[at++]!.kind !== '{') throw new Error('expected set literal')
    const values = new Set<string>()
    for (let token = tokens[at]!; token.kind === 'string'; token = tokens[at]!) {
      values.add(token.value)
      if (tokens[++at]!.kind !== ',') break
      at++
    }
    if (tokens[at++]!.kind !== '}') throw new Error('expected }')
    return values
  }
  const comparison = (label: string): Selector => {
    if (tokens.length - at < 3) throw new Error('unexpected end of string looking for op')
    const { kind } = tokens[at++]!
    switch (kind) {
      case '==': { const value = literal(); return (labels) => labels[label] === value }
      case '!=': { const value = literal(); return (labels) => labels[label] !== value }
      case 'contains': { const value = literal(); return (labels) => labels[label]?.includes(value) ?? false }
      case 'startswith': { const value = literal(); return (labels) => labels[label]?.startsWith(value) ?? false }
      case 'endswith': { const value = literal(); return (labels) => labels[label]?.endsWith(value) ?? false }
      case 'in': { const values = set(); return (labels) => labels[label] !== undefined && values.has(labels[label]) }
      case 'notin': { const values = set(); return (labels) => labels[label] === undefined || !values.has(labels[label]) }
      default: throw new Error(`expected == or != not: ${kind}`)
    }
  }
  const operation = (): Selector => {
    let isNegated = false
    while (tokens[at]!.kind === '!') { at++; isNegated = !isNegated }
    const token = tokens[at++]!
    let found: Selector
    switch (token.kind) {
      case 'has': { const label = prefix + token.value; found = (labels) => labels[label] !== undefined; break }
      case 'all': found = all; break
      case 'global': found = (labels) => labels[NAMESPACE_LABEL] === undefined; break
      case 'label': found = comparison(prefix + token.value); break
      case '(':
        found = either()
        if (tokens[at++]?.kind !== ')') throw new Error('expected )')
        break
      default: throw new Error(`unexpected token: ${token.kind}`)
    }
    return isNegated ? (labels) => !found(labels) : found
  }
  if (tokens[0]!.kind === 'end') return all
  const selector = either()
  if (tokens[at]!.kind !== 'end') throw new Error(`unexpected content at end of selector ${tokens.slice(at).map(({ kind }) => kind).join(' ')}`)
  return selector
}
