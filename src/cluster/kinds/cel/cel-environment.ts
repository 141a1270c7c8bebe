/** The Common Expression Language as Kubernetes offers it. k8s: apiserver/pkg/cel/{environment,library} */
import { Environment } from '@marcbachmann/cel-js'
import { compareQuantities, addQuantities, subQuantities, parseQuantity, quantityMilliValue, quantityValue } from '../quantity.ts'

/** An expression that can't be compiled or has failed, in the words of the library. */
export class CelError extends Error {}

/** A compiled expression. */
export interface CelProgram {
  /** @throws CelError */
  evaluate(variables: Readonly<Record<string, unknown>>): unknown
}

class CelQuantity {
  readonly text: string
  constructor(text: string) {
    parseQuantity(text)
    this.text = text
  }
}

let shared: Environment | undefined

function environment(): Environment {
  if (shared) return shared
  const env = new Environment({ unlistedVariablesAreDyn: true, enableOptionalTypes: true, homogeneousAggregateLiterals: false })
  env.registerType('Quantity', CelQuantity as never)
  const add = (signature: string, handler: (...args: never[]) => unknown) => env.registerFunction(signature, handler as never)
  const isQuantity = (text: string) => { try { parseQuantity(text); return true } catch { return false } }
  add('quantity(string): Quantity', (text: string) => new CelQuantity(text))
  add('isQuantity(string): bool', isQuantity)
  add('Quantity.isGreaterThan(Quantity): bool', (a: CelQuantity, b: CelQuantity) => compareQuantities(a.text, b.text) > 0)
  add('Quantity.isLessThan(Quantity): bool', (a: CelQuantity, b: CelQuantity) => compareQuantities(a.text, b.text) < 0)
  add('Quantity.compareTo(Quantity): int', (a: CelQuantity, b: CelQuantity) => BigInt(compareQuantities(a.text, b.text)))
  add('Quantity.add(Quantity): Quantity', (a: CelQuantity, b: CelQuantity) => new CelQuantity(addQuantities(a.text, b.text)))
  add('Quantity.sub(Quantity): Quantity', (a: CelQuantity, b: CelQuantity) => new CelQuantity(subQuantities(a.text, b.text)))
  add('Quantity.asInteger(): int', (a: CelQuantity) => BigInt(quantityValue(a.text)))
  add('Quantity.asApproximateFloat(): double', (a: CelQuantity) => quantityMilliValue(a.text) / 1000)
  add('Quantity.isInteger(): bool', (a: CelQuantity) => parseQuantity(a.text).nanos % 1_000_000_000n === 0n)
  add('Quantity.sign(): int', (a: CelQuantity) => { const { nanos } = parseQuantity(a.text); return nanos > 0n ? 1n : nanos < 0n ? -1n : 0n })
  const ordered = (list: readonly unknown[], before: (a: never, b: never) => boolean) => list.every((item, i) => i === 0 || before(list[i - 1] as never, item as never))
  add('list.isSorted(): bool', (list: readonly unknown[]) => ordered(list, (a, b) => a <= b))
  add('list.sum(): dyn', (list: readonly (bigint | number)[]) => list.reduce((sum: never, item) => (sum as never) + (item as never) as never, (typeof list[0] === 'number' ? 0 : 0n) as never))
  add('list.min(): dyn', (list: readonly never[]) => list.reduce((least, item) => (item < least ? item : least)))
  add('list.max(): dyn', (list: readonly never[]) => list.reduce((most, item) => (item > most ? item : most)))
  add('list.indexOf(dyn): int', (list: readonly unknown[], wanted: unknown) => BigInt(list.indexOf(wanted)))
  add('list.lastIndexOf(dyn): int', (list: readonly unknown[], wanted: unknown) => BigInt(list.lastIndexOf(wanted)))
  add('string.find(string): string', (text: string, pattern: string) => new RegExp(pattern).exec(text)?.[0] ?? '')
  add('string.findAll(string): list<string>', (text: string, pattern: string) => [...text.matchAll(new RegExp(pattern, 'g'))].map((match) => match[0]))
  add('isURL(string): bool', (text: string) => URL.canParse(text))
  return shared = env
}

/** Compiled expressions that are kept. */
const CACHE_SIZE = 500
const cache = new Map<string, CelProgram | CelError>()

/** Compiles an expression; each text once. @throws CelError */
export function compileCel(expression: string): CelProgram {
  let known = cache.get(expression)
  if (!known) {
    known = compile(expression)
    if (cache.size >= CACHE_SIZE) cache.delete(cache.keys().next().value!)
    cache.set(expression, known)
  }
  if (known instanceof CelError) throw known
  return known
}

function compile(expression: string): CelProgram | CelError {
  try {
    const run = environment().parse(withMapsForMessages(expression))
    return {
      evaluate(variables) {
        try {
          return run(variables as Record<string, unknown>) as unknown
        } catch (error) {
          throw new CelError(wordsOf(error))
        }
      },
    }
  } catch (error) {
    return new CelError(wordsOf(error))
  }
}

/** The first line of the library's message, in cel-go's words where they differ. */
function wordsOf(error: unknown): string {
  const [first = ''] = (error instanceof Error ? error.message : String(error)).split('\n')
  return first.replace(/^No such key: index out of bounds, index (-?\d+).*/, 'index out of bounds: $1').replace(/^No such key/, 'no such key').replace(/^No such overload/, 'no such overload').replace(/^Division by zero/i, 'division by zero')
}

const converted = new WeakMap<object, unknown>()

/** JSON data as CEL sees it: whole numbers are ints. */
export function celValue(value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value
  if (value === null || typeof value !== 'object') return value
  const known = Object.isFrozen(value) ? converted.get(value) : undefined
  if (known !== undefined) return known
  let out: unknown
  if (Array.isArray(value)) out = value.map(celValue)
  else {
    const map: Record<string, unknown> = {}
    for (const key of Object.keys(value)) {
      const inner = (value as Record<string, unknown>)[key]
      if (inner !== undefined) map[key] = celValue(inner)
    }
    out = map
  }
  if (Object.isFrozen(value)) converted.set(value, out)
  return out
}

/** CEL's result as JSON data. */
export function jsonOfCel(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (value instanceof CelQuantity) return value.text
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, inner]) => [String(key), jsonOfCel(inner)]))
  if (Array.isArray(value)) return value.map(jsonOfCel)
  if (value !== null && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, jsonOfCel(inner)]))
  return value
}

/**
 * Writes messages (`JSONPatch{op: "add"}`, `Object.spec{replicas: 1}`) as maps, which is how their values are used.
 */
function withMapsForMessages(expression: string): string {
  if (!/\b(?:JSONPatch|Object)[\w.]*\s*\{/.test(expression)) return expression
  let out = ''
  /** For every open bracket: whether its names are fields of a message. */
  const open: boolean[] = []
  let expectsName = false
  for (let i = 0; i < expression.length;) {
    const rest = expression.slice(i)
    const string = /^(?:[rRbB]{0,2})(?:"""[\s\S]*?"""|'''[\s\S]*?'''|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')/.exec(rest)
    if (string) { out += string[0]; i += string[0].length; expectsName = false; continue }
    const message = /^(?:JSONPatch|Object(?:\.\w+)*)\s*\{/.exec(rest)
    if (message && !/[\w.]$/.test(out)) { out += '{'; open.push(true); expectsName = true; i += message[0].length; continue }
    const word = /^[A-Za-z_]\w*/.exec(rest)
    if (word) {
      out += expectsName && open.at(-1) && /^\s*:/.test(rest.slice(word[0].length)) ? JSON.stringify(word[0]) : word[0]
      expectsName = false
      i += word[0].length
      continue
    }
    const char = rest[0]!
    if ('([{'.includes(char)) { open.push(false); expectsName = false }
    else if (')]}'.includes(char)) { open.pop(); expectsName = false }
    else if (char === ',') expectsName = true
    else if (!/\s/.test(char)) expectsName = false
    out += char
    i++
  }
  return out
}
