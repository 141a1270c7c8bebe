/** `string.format(args)`. k8s: cel-go/ext/formatting.go */
import { CelDuration, celTypeOf, CelTimestamp, CelTypeName, CelUint, doubleText, isCelMap, mapEntries, plainDouble } from './cel-values.ts'
import { durationText, timestampText } from './cel-time.ts'

const STRINGABLE = 'strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps'

/** What a clause does with its argument: `%.2f`. */
interface Clause {
  verb: string
  precision?: number
}

/** A template's parts: text, and clauses for arguments. @throws Error in cel-go's words */
export function formatParts(template: string): (string | Clause)[] {
  const parts: (string | Clause)[] = []
  let text = ''
  for (let i = 0; i < template.length; i++) {
    if (template[i] !== '%') {
      text += template[i]
      continue
    }
    if (++i >= template.length) throw new Error('unexpected end of string')
    if (template[i] === '%') {
      text += '%'
      continue
    }
    let precision: number | undefined
    if (template[i] === '.') {
      const digits = /^\d*/.exec(template.slice(i + 1))![0]
      const wrong = (problem: string) => new Error(`could not parse formatting clause: error while parsing precision: ${problem}`)
      if (i + 1 + digits.length >= template.length) throw wrong('could not find end of precision specifier')
      if (digits === '') throw wrong('error while converting precision to integer: strconv.Atoi: parsing "": invalid syntax')
      precision = Number(digits)
      i += 1 + digits.length
    }
    const verb = template[i]!
    if (!'sdfebxXo'.includes(verb)) throw new Error(`could not parse formatting clause: unrecognized formatting clause ${JSON.stringify(verb)}`)
    parts.push(text, { verb, ...(precision === undefined ? {} : { precision }) })
    text = ''
  }
  return [...parts, text]
}

/** @throws Error in cel-go's words */
export function formatted(template: string, args: readonly unknown[]): string {
  let next = 0
  let out = ''
  for (const part of formatParts(template)) {
    if (typeof part === 'string') out += part
    else {
      if (next >= args.length) throw new Error(`index ${next} out of range`)
      out += clause(part, args[next++])
    }
  }
  return out
}

/** What a clause says of an argument of a type that it doesn't take; undefined when it does. */
export function clauseProblem(verb: string, type: string): string | undefined {
  const takes = (...types: string[]) => types.includes(type)
  switch (verb) {
    case 's': return takes('list', 'map', 'int', 'uint', 'double', 'bool', 'string', 'bytes', 'google.protobuf.Timestamp', 'google.protobuf.Duration', 'type', 'null_type') ? undefined : `string clause can only be used on ${STRINGABLE}, was given ${type}`
    case 'd': return takes('int', 'uint') ? undefined : `decimal clause can only be used on integers, was given ${type}`
    case 'f': return takes('double') ? undefined : `fixed-point clause can only be used on doubles, was given ${type}`
    case 'e': return takes('double') ? undefined : `scientific clause can only be used on doubles, was given ${type}`
    case 'b': return takes('int', 'uint', 'bool') ? undefined : `only integers and bools can be formatted as binary, was given ${type}`
    case 'o': return takes('int', 'uint') ? undefined : `octal clause can only be used on integers, was given ${type}`
    default: return takes('int', 'uint', 'string', 'bytes') ? undefined : `only integers, byte buffers, and strings can be formatted as hex, was given ${type}`
  }
}

function clause({ verb, precision }: Clause, value: unknown): string {
  const text = verb === 'f' || verb === 'e' ? value : undefined
  const isSpecial = text === 'NaN' || text === 'Infinity' || text === '-Infinity'
  const problem = isSpecial ? undefined : clauseProblem(verb, celTypeOf(value))
  if (problem !== undefined) throw new Error(`error during formatting: ${problem}`)
  const whole = (radix: number) => value === true ? '1' : value === false ? '0' : (value instanceof CelUint ? value.value : value as bigint).toString(radix)
  const hex = () => typeof value === 'string' || value instanceof Uint8Array ? [...(typeof value === 'string' ? new TextEncoder().encode(value) : value)].map((byte) => byte.toString(16).padStart(2, '0')).join('') : whole(16)
  switch (verb) {
    case 's': return shownText(value)
    case 'd': return whole(10)
    case 'f': return fixed(Number(value), precision ?? 6)
    // The printer has its own mind about digits here.
    case 'e': return scientific(Number(value))
    case 'b': return whole(2)
    case 'o': return whole(8)
    case 'X': return hex().toUpperCase()
    default: return hex()
  }
}

const special = (value: number): string | undefined => Number.isNaN(value) ? 'NaN' : Number.isFinite(value) ? undefined : value > 0 ? '∞' : '-∞'

/** As the English printer of golang.org/x/text writes it: with commas. */
function fixed(value: number, digits: number): string {
  const [whole, fraction] = exactDecimal(value, digits).split('.') as [string, string?]
  return special(value) ?? `${whole.replace(/\B(?=(\d{3})+$)/g, ',')}${fraction === undefined ? '' : `.${fraction}`}`
}

function exactDecimal(value: number, digits: number): string {
  if (value % 1 !== 0 && digits < 15) return halfEven(value, digits)
  return Math.abs(value) < 1e21 ? value.toFixed(Math.min(digits, 100)).padEnd(0) + (digits > 100 ? '0'.repeat(digits - 100) : '') : `${plainDouble(value)}${digits > 0 ? `.${'0'.repeat(digits)}` : ''}`
}

/** Exactly between two, the even one: Go knows the exact value, toFixed takes the larger. */
function halfEven(value: number, digits: number): string {
  const text = value.toFixed(digits)
  const exact = value.toFixed(Math.min(100, digits + 60))
  const rest = exact.slice(text.length + (digits === 0 ? 1 : 0))
  if (!/^50*$/.test(rest)) return text
  const lower = exact.slice(0, text.length)
  return Number(lower.at(-1)) % 2 === 0 ? lower : text
}

const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹'

function scientific(value: number): string {
  const shown = special(value)
  if (shown !== undefined) return shown.padStart(6)
  const [mantissa, exponent] = value.toExponential(6).split('e') as [string, string]
  const power = exponent.slice(1).padStart(2, '0').replace(/\d/g, (digit) => SUPERSCRIPTS[Number(digit)]!)
  return `${mantissa}×10${exponent.startsWith('-') ? '⁻' : ''}${power}`
}

function shownText(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (Array.isArray(value)) return `[${value.map(inner).join(', ')}]`
  if (isCelMap(value)) return mapText(value)
  if (typeof value === 'number') return doubleText(value)
  if (value instanceof CelUint) return String(value.value)
  if (value instanceof CelDuration) return durationText(value)
  if (value instanceof CelTimestamp) return timestampText(value)
  if (value instanceof CelTypeName) return value.name
  if (value instanceof Uint8Array) return bytesText(value)
  return String(value)
}

function bytesText(value: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value)
  } catch {
    throw new Error('error during formatting: could not convert argument "invalid UTF-8 in bytes, cannot convert to string" to string')
  }
}

function mapText(map: Map<unknown, unknown> | Record<string, unknown>): string {
  const pairs = mapEntries(map).map(([key, value]) => [inner(key), inner(value)] as const)
  return `{${pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([key, value]) => `${key}:${value}`).join(', ')}}`
}

/** Inside of lists and maps values are written as in expressions. */
function inner(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (value instanceof Uint8Array) return `b${JSON.stringify(bytesText(value))}`
  if (typeof value === 'number') return Number.isFinite(value) ? exactDecimal(value, 6) : `"${doubleText(value)}"`
  if (value instanceof CelDuration) return `duration(${JSON.stringify(durationText(value))})`
  if (value instanceof CelTimestamp) return `timestamp(${JSON.stringify(timestampText(value))})`
  const type = celTypeOf(value)
  if (clauseProblem('s', type) !== undefined) throw new Error(`error during formatting: no formatting function for ${type}`)
  return shownText(value)
}
