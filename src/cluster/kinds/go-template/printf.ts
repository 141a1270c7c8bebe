import { GoInt, goFloatText, goPrint, goTypeOf, isGoMap, isNil, isGoObject, sortedKeys } from './values.ts'
import type { GoMap } from './values.ts'
import { quoted } from '../go-text.ts'

/** fmt.Sprint: blanks stand between neighbours of which neither is a text. */
export function sprint(args: readonly unknown[]): string {
  return args.map((a, i) => (i > 0 && typeof a !== 'string' && typeof args[i - 1] !== 'string' ? ' ' : '') + goPrint(a)).join('')
}

/** The verbs of fmt.Printf. */
export function sprintf(format: string, args: readonly unknown[]): string {
  let next = 0
  let reordered = false
  const text = format.replace(/%([-+# 0]*)(?:\[(\d+)\])?(\d+|\*)?(?:\.(\d+|\*)?)?(?:\[(\d+)\])?([\s\S]|$)/g, (whole, flags: string, first: string | undefined, width: string | undefined, precision: string | undefined, index: string | undefined, verb: string) => {
    if (verb === '') return '%!(NOVERB)'
    if (verb === '%') return '%'
    const chosen = index ?? first
    if (chosen !== undefined) { next = Number(chosen) - 1; reordered = true }
    const star = (word: string | undefined) => word === '*' ? Number(args[next++]) : word === undefined ? undefined : Number(word)
    let size = star(width) ?? 0
    const digits = /\.(?!\d|\*)/.test(whole) ? 0 : star(precision)
    if (size < 0) { flags += '-'; size = -size }
    if (next >= args.length || next < 0) return chosen !== undefined ? `%!${verb}(BADINDEX)` : `%!${verb}(MISSING)`
    const arg = args[next++]
    const numeric = typeof arg === 'number' || arg instanceof GoInt
    const found = formatted(verb, arg, flags, digits)
    if (found === undefined) return bad(verb, arg, flags, size, digits)
    let out = found
    if (flags.includes('+') && 'dfFeEgGv'.includes(verb) && numeric && Number(arg) >= 0) out = `+${out}`
    else if (flags.includes(' ') && 'dfFeEgG'.includes(verb) && numeric && Number(arg) >= 0) out = ` ${out}`
    if (flags.includes('-')) return out.padEnd(size)
    const zero = flags.includes('0') && !(verb === 'd' && digits !== undefined)
    return zero && /^[+-]/.test(out) && numeric ? out[0]! + out.slice(1).padStart(size - 1, '0') : padded(out, size, zero ? '0' : ' ')
  })
  const extra = args.slice(next)
  return !reordered && extra.length > 0 ? `${text}%!(EXTRA ${extra.map((a) => isNil(a) ? '<nil>' : `${goTypeOf(a)}=${goPrint(a)}`).join(', ')})` : text
}

const padded = (text: string, size: number, fill: string) => fill.repeat(Math.max(0, size - [...text].length)) + text

/** A verb that doesn't suit the value: it is shown with its type, as wide as was asked for. */
function bad(verb: string, value: unknown, flags = '', size = 0, precision?: number): string {
  if (isNil(value)) return `%!${verb}(<nil>)`
  const text = typeof value === 'string' && precision !== undefined ? [...value].slice(0, precision).join('') : goPrint(value)
  return `%!${verb}(${goTypeOf(value)}=${flags.includes('-') ? text.padEnd(size) : padded(text, size, ' ')})`
}

/** One argument, or undefined where the verb doesn't suit its type. */
function formatted(verb: string, value: unknown, flags: string, precision: number | undefined): string | undefined {
  if (verb === 'T') return goTypeOf(value) || '<nil>'
  if (verb === 'v') return flags.includes('#') ? goSyntaxOf(value) : goPrint(value)
  if (isNil(value) || verb === 'p') return undefined
  if (Array.isArray(value)) return `[${value.map((v) => isNil(v) ? '<nil>' : formatted(verb, v, flags, precision) ?? bad(verb, v)).join(' ')}]`
  if (isGoMap(value)) return `map[${sortedKeys(value).map((k) => `${formatted(verb, k, flags, precision) ?? bad(verb, k)}:${formatted(verb, (value as GoMap)[k], flags, precision) ?? bad(verb, (value as GoMap)[k])}`).join(' ')}]`
  if (value instanceof Uint8Array) value = new TextDecoder().decode(value)
  if (isGoObject(value)) value = value.print()
  if (value instanceof GoInt && (verb === 's' || verb === 'q') && value.goType === 'time.Duration') value = goPrint(value)
  const whole = value instanceof GoInt ? value.value : undefined
  switch (verb) {
    case 'd': {
      if (whole === undefined) break
      const digits = String(Math.abs(whole)).padStart(precision ?? 0, '0')
      return whole < 0 ? `-${digits}` : digits
    }
    case 'b': case 'o': case 'O': case 'X': case 'x': {
      if (whole !== undefined) {
        const digits = Math.abs(whole).toString(verb === 'b' ? 2 : verb === 'o' || verb === 'O' ? 8 : 16)
        const prefix = verb === 'O' ? '0o' : flags.includes('#') ? verb === 'o' ? '0' : verb === 'b' ? '0b' : `0${verb}` : ''
        return (whole < 0 ? '-' : '') + prefix + (verb === 'X' ? digits.toUpperCase() : digits)
      }
      if (typeof value !== 'string' || verb === 'b' || verb === 'o' || verb === 'O') break
      const hex = [...new TextEncoder().encode(value)].map((b) => b.toString(16).padStart(2, '0')).join('')
      return verb === 'X' ? hex.toUpperCase() : hex
    }
    case 'c': if (whole === undefined) break; return String.fromCodePoint(whole)
    case 'U': if (whole === undefined) break; return `U+${whole.toString(16).toUpperCase().padStart(4, '0')}`
    case 'f': case 'F': if (typeof value !== 'number') break; return Number.isFinite(value) ? value.toFixed(precision ?? 6) : goPrint(value)
    case 'g': case 'G': if (typeof value !== 'number') break; return precision === undefined ? goFloatText(value) : significant(value, precision)
    case 'e': case 'E': {
      if (typeof value !== 'number') break
      const text = value.toExponential(precision ?? 6).replace(/e([+-])(\d)$/, 'e$10$2')
      return verb === 'E' ? text.toUpperCase() : text
    }
    case 't': if (typeof value !== 'boolean') break; return String(value)
    case 'q': return typeof value === 'string' ? quoted(precision === undefined ? value : [...value].slice(0, precision).join('')) : whole !== undefined ? `'${quoted(String.fromCodePoint(whole)).slice(1, -1).replace('\\"', '"').replace(/^'$/, "\\'")}'` : undefined
    case 's': if (typeof value !== 'string') break; return precision === undefined ? value : [...value].slice(0, precision).join('')
  }
  return undefined
}

function significant(value: number, digits: number): string {
  const exponent = value === 0 ? 0 : Number(value.toExponential(Math.max(0, digits - 1)).split('e')[1])
  if (exponent < -4 || exponent >= Math.max(1, digits)) return value.toExponential(Math.max(0, digits - 1)).replace(/\.?0+e/, 'e').replace(/e([+-])(\d)$/, 'e$10$2')
  const text = value.toFixed(Math.max(0, digits - 1 - exponent))
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}

/** %#v */
function goSyntaxOf(value: unknown): string {
  if (isNil(value)) return 'interface {}(nil)'
  if (typeof value === 'string') return quoted(value)
  if (Array.isArray(value)) return `${goTypeOf(value)}{${value.map(goSyntaxOf).join(', ')}}`
  if (isGoMap(value)) return `${goTypeOf(value)}{${sortedKeys(value).map((k) => `${quoted(k)}:${goSyntaxOf((value as GoMap)[k])}`).join(', ')}}`
  return goPrint(value)
}
