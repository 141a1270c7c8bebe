import type { FileSystem } from '../types.ts'
import { ArithmeticError, evaluateArithmetic } from './arithmetic.ts'
import type { List, Parameter, Word, WordPart } from './ast.ts'
import { expandBraces } from './brace.ts'
import { expandGlob } from './glob.ts'
import { hasWildcards, patternSource, quotePattern } from './pattern.ts'
import { unescapeAnsi } from './escapes.ts'
import type { Variables } from './variables.ts'

/** What expansion needs of the shell. */
export interface ExpansionHost {
  readonly variables: Variables
  readonly fs: FileSystem
  readonly cwd: string
  readonly positional: readonly string[]
  readonly isBash: boolean
  readonly options: ReadonlySet<string>
  /** `$?`, `$$`, `$!`, `$-`, `$#`, `$0`; undefined for others. */
  special(name: string): string | undefined
  substitute(body: List): Promise<string>
  substituteProcess(body: List, direction: '<' | '>'): Promise<string>
  homeOf(user: string): string | undefined
}

/** An expansion that can't be done: `${x:?}`, an unset variable under `set -u`, bad arithmetic. */
export class ExpansionError extends Error {
  /** dash prints `name: text`. */
  constructor(message: string) {
    super(message)
  }
}

/** A piece of a field: quoted pieces are neither split nor globbed. */
interface Piece {
  text: string
  quoted: boolean
  /** Came from an expansion, so IFS splits it. */
  splits: boolean
}

/** Between two fields of `"$@"`. */
const FIELD_BREAK = Symbol('field break')
type Item = Piece | typeof FIELD_BREAK

/** The arguments that words stand for: all expansions, splitting and globbing. */
export async function expandWords(host: ExpansionHost, words: readonly Word[]): Promise<string[]> {
  const out: string[] = []
  for (const word of words)
    for (const each of host.isBash ? expandBraces(word) : [word]) out.push(...await expandWord(host, each))
  return out
}

async function expandWord(host: ExpansionHost, word: Word): Promise<string[]> {
  const only = word.parts.length === 1 ? word.parts[0]! : undefined
  // The usual case: a plain word.
  if (only?.kind === 'literal' && (only.quoted || !/[*?[~\\]/.test(only.text))) return [only.text]
  const items = await itemsOf(host, word.parts, { quoted: false, tilde: 'word' })
  return splitFields(host, items).flatMap((field) => globbed(host, field))
}

/** One string: no splitting, no globbing. For assignments, redirections' targets, `case`. */
export async function expandString(host: ExpansionHost, word: Word, options: { tilde?: 'word' | 'assignment' } = {}): Promise<string> {
  const items = await itemsOf(host, word.parts, { quoted: false, tilde: options.tilde ?? 'word' })
  return items.map((item) => item === FIELD_BREAK ? ' ' : item.text).join('')
}

/** A pattern: quoted characters are escaped. */
export async function expandPattern(host: ExpansionHost, word: Word): Promise<string> {
  const items = await itemsOf(host, word.parts, { quoted: false, tilde: 'word' })
  return items.map((item) => item === FIELD_BREAK ? ' ' : item.quoted ? quotePattern(item.text) : item.text).join('')
}

/** An arithmetic expression's value. */
export async function expandArithmetic(host: ExpansionHost, expression: Word): Promise<bigint> {
  const text = await expandString(host, expression)
  return evaluate(host, text)
}

/** `name[subscript]` as an array and the key in it; undefined for a plain name. */
export function elementOf(host: ExpansionHost, text: string): { name: string; at: string } | undefined {
  const match = host.isBash ? /^([A-Za-z_]\w*)\[(.+)\]$/.exec(text) : undefined
  if (!match) return undefined
  const [, name, subscript] = match
  return { name: name!, at: host.variables.variable(name!)?.isMap ? subscript! : evaluate(host, subscript!).toString() }
}

export function evaluate(host: ExpansionHost, text: string): bigint {
  try {
    return evaluateArithmetic(text, {
      get: (name) => {
        const element = elementOf(host, name)
        const value = element ? host.variables.variable(element.name)?.elements?.get(element.at) ?? (element.at === '0' ? host.variables.get(element.name) : undefined) : host.variables.get(name) ?? host.special(name)
        if (value === undefined && host.options.has('nounset')) throw new ExpansionError(`${name}: ${host.isBash ? 'unbound variable' : 'parameter not set'}`)
        return value ?? ''
      },
      set: (name, value) => {
        const element = elementOf(host, name)
        if (element) host.variables.setElement(element.name, element.at, value)
        else host.variables.set(name, value)
      },
    })
  } catch (error) {
    if (!(error instanceof ArithmeticError)) throw error
    if (host.isBash) throw new ExpansionError(error.message === 'division by zero' ? `${text}: division by 0 (error token is "${text.split(/[/%]/).pop()?.trim() ?? ''}")` : `${text}: syntax error: operand expected`)
    throw new ExpansionError(error.message === 'division by zero' ? `arithmetic expression: division by zero: "${text}"` : error.message)
  }
}

async function itemsOf(host: ExpansionHost, parts: readonly WordPart[], context: { quoted: boolean; tilde?: 'word' | 'assignment' }): Promise<Item[]> {
  const items: Item[] = []
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!
    switch (part.kind) {
      case 'literal': {
        let text = part.text
        if (!part.quoted && !context.quoted && text.includes('~')) text = tildes(host, text, i === 0, i === parts.length - 1, context.tilde, items)
        if (text !== '' || part.quoted) items.push({ text, quoted: part.quoted || context.quoted, splits: false })
        break
      }
      case 'double': {
        const inner = await itemsOf(host, part.parts, { quoted: true })
        // "$@" without arguments is no field at all; other empty quotes are an empty field.
        if (inner.length === 0 && !onlyEmptyAt(part.parts, host)) items.push({ text: '', quoted: true, splits: false })
        items.push(...inner)
        break
      }
      case 'parameter': items.push(...await parameterItems(host, part, context.quoted)); break
      case 'command': items.push({ text: await host.substitute(part.body), quoted: context.quoted, splits: true }); break
      case 'arithmetic': items.push({ text: (await expandArithmetic(host, part.expression)).toString(), quoted: context.quoted, splits: true }); break
      case 'process': items.push({ text: await host.substituteProcess(part.body, part.direction), quoted: true, splits: false }); break
    }
  }
  return items
}

function onlyEmptyAt(parts: readonly WordPart[], host: ExpansionHost): boolean {
  return parts.length > 0 && host.positional.length === 0 && parts.every((part) => part.kind === 'parameter' && part.name === '@' && !part.operator) ||
    parts.length > 0 && parts.every((part) => part.kind === 'parameter' && part.index?.parts[0]?.kind === 'literal' && part.index.parts[0].text === '@' && !(host.variables.variable(part.name)?.elements?.size))
}

/** `~` and `~user` at the start of a word; after `=` and `:` in assignments. */
function tildes(host: ExpansionHost, text: string, isFirst: boolean, isLast: boolean, mode: 'word' | 'assignment' | undefined, items: Item[]): string {
  const home = (user: string) => user === '' ? host.variables.get('HOME') : host.homeOf(user)
  const expand = (piece: string, complete: boolean): string => {
    const match = /^~([A-Za-z0-9_.-]*)(\/|$)/.exec(piece)
    if (!match || (match[2] === '' && !complete)) return piece
    const directory = home(match[1]!)
    return directory === undefined ? piece : directory + piece.slice(1 + match[1]!.length)
  }
  if (mode === 'assignment') return text.split(':').map((piece, i, all) => i > 0 || isFirst ? expand(piece, i < all.length - 1 || isLast) : piece).join(':')
  if (!isFirst || !mode || !text.startsWith('~')) return text
  const expanded = expand(text, isLast)
  if (expanded === text) return text
  const rest = /^~[^/]*/.exec(text)![0].length
  // The home directory isn't split or globbed; what follows may be.
  items.push({ text: expanded.slice(0, expanded.length - (text.length - rest)), quoted: true, splits: false })
  return text.slice(rest)
}

async function parameterItems(host: ExpansionHost, part: Parameter, quoted: boolean): Promise<Item[]> {
  let name = part.name
  if (part.indirect && part.index?.parts[0]?.kind === 'literal' && /^[@*]$/.test(part.index.parts[0].text)) {
    const { elements, value, isMap } = host.variables.variable(name) ?? {}
    const keys = elements ? isMap ? [...elements.keys()] : [...elements.keys()].sort((a, b) => Number(a) - Number(b)) : value === undefined ? [] : ['0']
    return listItems(host, { ...part, indirect: false }, { values: keys, joins: part.index.parts[0].text === '*' }, quoted)
  }
  if (part.indirect) {
    const target = valueOf(host, name)
    if (target === undefined) return []
    name = target
  }
  const list = await listValue(host, name, part.index)
  if (part.length) {
    const text = list && !list.single ? String(list.values.length) : String([...(await scalarValue(host, name, part.index)) ?? ''].length)
    return [{ text, quoted, splits: true }]
  }
  if (list && !list.single) return listItems(host, part, list, quoted)
  const value = await scalarValue(host, name, part.index)
  return scalarItems(host, part, name, value, quoted)
}

interface ListValue {
  values: string[]
  /** `*`: joined when quoted. */
  joins: boolean
  single?: boolean
}

async function listValue(host: ExpansionHost, name: string, index: Word | undefined): Promise<ListValue | undefined> {
  if (name === '@' || name === '*') return { values: [...host.positional], joins: name === '*' }
  if (!index) return undefined
  const key = index.parts[0]?.kind === 'literal' ? index.parts[0].text : ''
  if (key !== '@' && key !== '*') return undefined
  const variable = host.variables.variable(name)
  return { values: variable?.elements ? variable.isMap ? [...variable.elements.values()] : [...variable.elements.entries()].sort(([a], [b]) => Number(a) - Number(b)).map(([, v]) => v) : variable?.value !== undefined ? [variable.value] : [], joins: key === '*' }
}

async function scalarValue(host: ExpansionHost, name: string, index: Word | undefined): Promise<string | undefined> {
  if (!index) return valueOf(host, name)
  const key = await expandString(host, index)
  const variable = host.variables.variable(name)
  if (variable?.isMap) return variable.elements?.get(key)
  const at = evaluate(host, key).toString()
  if (!variable?.elements) return at === '0' ? variable?.value : undefined
  if (at.startsWith('-')) return [...variable.elements.values()].at(Number(at))
  return variable.elements.get(at)
}

function valueOf(host: ExpansionHost, name: string): string | undefined {
  if (/^[1-9]\d*$/.test(name)) return host.positional[Number(name) - 1]
  if (name === '@' || name === '*') return host.positional.length > 0 ? host.positional.join(' ') : undefined
  return host.special(name) ?? host.variables.get(name)
}

function separator(host: ExpansionHost): string {
  const ifs = host.variables.get('IFS')
  return ifs === undefined ? ' ' : ifs.slice(0, 1)
}

async function listItems(host: ExpansionHost, part: Parameter, list: ListValue, quoted: boolean): Promise<Item[]> {
  let { values } = list
  const { operator } = part
  if (operator === ':') {
    const offset = Number(evaluate(host, await expandString(host, part.word!)))
    const all = part.index ? values : [host.special('0') ?? '', ...values]
    const from = part.index ? offset : offset === 0 ? 0 : offset
    const start = from < 0 ? all.length + from : from
    const length = part.second ? Number(evaluate(host, await expandString(host, part.second))) : undefined
    values = all.slice(start, length === undefined ? undefined : start + length)
  } else if (operator && '%#/^,'.includes(operator[0]!)) {
    values = await Promise.all(values.map((value) => transform(host, part, value)))
  } else if (operator) {
    const isEmpty = values.length === 0 || (operator.startsWith(':') && values.join('') === '')
    if (operator.endsWith('-') || operator.endsWith('=')) { if (isEmpty) return operandItems(host, part.word!, quoted) }
    else if (operator.endsWith('+')) return isEmpty ? [] : operandItems(host, part.word!, quoted)
    else if (operator.endsWith('?') && isEmpty) throw new ExpansionError(`${part.name}: ${await messageOf(host, part)}`)
  }
  if (values.length === 0) return []
  if (list.joins && quoted) return [{ text: values.join(separator(host)), quoted: true, splits: false }]
  return values.flatMap((value, i): Item[] => {
    // Unquoted empty arguments vanish.
    const piece: Item = { text: value, quoted, splits: true }
    return i > 0 ? [FIELD_BREAK, piece] : [piece]
  })
}

async function operandItems(host: ExpansionHost, word: Word, quoted: boolean): Promise<Item[]> {
  const items = await itemsOf(host, word.parts, { quoted, ...(quoted ? {} : { tilde: 'word' as const }) })
  return items.map((item) => item === FIELD_BREAK || item.quoted ? item : { ...item, splits: true })
}

async function messageOf(host: ExpansionHost, part: Parameter): Promise<string> {
  const text = await expandString(host, part.word!)
  if (text !== '') return text
  if (host.isBash) return 'parameter null or not set'
  return part.operator === ':?' ? 'parameter not set or null' : 'parameter not set'
}

async function scalarItems(host: ExpansionHost, part: Parameter, name: string, value: string | undefined, quoted: boolean): Promise<Item[]> {
  const { operator } = part
  const missing = value === undefined || (operator?.startsWith(':') && operator !== ':' && value === '')
  if (operator && ['-', ':-'].includes(operator)) { if (missing) return operandItems(host, part.word!, quoted) }
  else if (operator && ['+', ':+'].includes(operator)) return missing ? [] : operandItems(host, part.word!, quoted)
  else if (operator && ['=', ':='].includes(operator)) {
    if (missing) {
      const assigned = await expandString(host, part.word!)
      if (!/^[A-Za-z_]\w*$/.test(name)) throw new ExpansionError(`${name}: bad variable name`)
      host.variables.set(name, assigned)
      return [{ text: assigned, quoted, splits: true }]
    }
  } else if (operator && ['?', ':?'].includes(operator)) {
    if (missing) throw new ExpansionError(`${name}: ${await messageOf(host, part)}`)
  } else if (value === undefined) {
    if (host.options.has('nounset')) throw new ExpansionError(`${/^\d/.test(name) && host.isBash ? `$${name}` : name}: ${host.isBash ? 'unbound variable' : 'parameter not set'}`)
    return operator ? [{ text: '', quoted, splits: true }] : quoted ? [{ text: '', quoted: true, splits: false }] : []
  }
  const text = operator && !/^:?[-+=?]$/.test(operator) ? await transform(host, part, value!) : value!
  return [{ text, quoted, splits: true }]
}

/** The forms that change a value: removal, replacement, substring, case. */
async function transform(host: ExpansionHost, part: Parameter, value: string): Promise<string> {
  const operator = part.operator!
  switch (operator) {
    case '#': case '##': {
      const pattern = await expandPattern(host, part.word!)
      return value.replace(new RegExp(`^${wrap(patternSource(pattern, { shortest: operator === '#', extended: host.isBash }))}`, 'u'), '')
    }
    case '%': case '%%': {
      const expression = new RegExp(`^${wrap(patternSource(await expandPattern(host, part.word!), { extended: host.isBash }))}$`, 'u')
      const from = operator === '%' ? (i: number) => value.length - i : (i: number) => i
      for (let i = 0; i <= value.length; i++) if (expression.test(value.slice(from(i)))) return value.slice(0, from(i))
      return value
    }
    case '/': case '//': case '/#': case '/%': {
      const source = wrap(patternSource(await expandPattern(host, part.word!), { extended: host.isBash }))
      if (source === '(?:)') return value
      const replacement = part.second ? await expandString(host, part.second) : ''
      const expression = operator === '/#' ? `^${source}` : operator === '/%' ? `${source}$` : source
      return value.replace(new RegExp(expression, operator === '//' ? 'gu' : 'u'), () => replacement)
    }
    case ':': {
      const offset = Number(evaluate(host, await expandString(host, part.word!)))
      const length = part.second ? Number(evaluate(host, await expandString(host, part.second))) : undefined
      const chars = [...value]
      const start = offset < 0 ? chars.length + offset : offset
      if (start < 0 || start > chars.length) return ''
      return chars.slice(start, length === undefined ? undefined : length < 0 ? length : start + length).join('')
    }
    case '^': return value.slice(0, 1).toUpperCase() + value.slice(1)
    case '^^': return value.toUpperCase()
    case ',': return value.slice(0, 1).toLowerCase() + value.slice(1)
    case ',,': return value.toLowerCase()
    case '@': {
      const kind = await expandString(host, part.word!)
      return kind === 'Q' ? `'${value.replaceAll("'", "'\\''")}'` : kind === 'U' ? value.toUpperCase() : kind === 'L' ? value.toLowerCase() : kind === 'E' ? unescapeAnsi(value) : value
    }
    default: return value
  }
}

function wrap(source: string): string {
  return `(?:${source})`
}

/** Splits pieces into fields at IFS characters (POSIX 2.6.5). */
function splitFields(host: ExpansionHost, items: readonly Item[]): Piece[][] {
  const ifs = host.variables.get('IFS') ?? ' \t\n'
  const isSpace = (char: string) => ifs.includes(char) && (char === ' ' || char === '\t' || char === '\n')
  const fields: Piece[][] = []
  let current: Piece[] | undefined
  const add = (piece: Piece) => { (current ??= []).push(piece) }
  const end = () => { if (current) fields.push(current); current = undefined }
  /** Blanks have just ended a field: a separator right after them is part of the same gap. */
  let endedByBlank = false
  for (const item of items) {
    if (item === FIELD_BREAK) { end(); endedByBlank = false; continue }
    if (item.quoted || !item.splits) { add(item); endedByBlank = false; continue }
    let text = ''
    for (const char of item.text) {
      if (!ifs.includes(char)) { text += char; endedByBlank = false; continue }
      if (text) { add({ ...item, text }); text = '' }
      if (isSpace(char)) {
        if (current) { end(); endedByBlank = true }
        continue
      }
      if (current) end()
      else if (!endedByBlank) fields.push([])
      endedByBlank = false
    }
    if (text) add({ ...item, text })
  }
  end()
  return fields
}

function globbed(host: ExpansionHost, field: readonly Piece[]): string[] {
  const text = field.map((piece) => piece.text).join('')
  if (host.options.has('noglob') || !field.some((piece) => !piece.quoted && /[*?[]/.test(piece.text))) return [text]
  const pattern = field.map((piece) => piece.quoted ? quotePattern(piece.text) : piece.text).join('')
  if (!hasWildcards(pattern)) return [text]
  const found = expandGlob(host.fs, host.cwd, pattern)
  return found.length > 0 ? found : [text]
}
