import { unescapeEcho } from './escapes.ts'

/** Output of printf(1) and its complaints. */
export interface PrintfResult {
  text: string
  errors: string[]
}

/** Formats as printf(1): the format is reused while arguments are left. `nowMs` is for `%(...)T`. */
export function formatPrintf(format: string, args: readonly string[], quote: (text: string) => string, nowMs = 0): PrintfResult {
  const errors: string[] = []
  let text = ''
  let next = 0
  let stopped = false
  const take = () => args[next++]
  const number = (given: string | undefined): number => {
    if (given === undefined || given === '') return 0
    if (/^['"]/.test(given)) return given.codePointAt(1) ?? 0
    if (/^[-+]?0[xX][0-9a-fA-F]+$/.test(given)) return parseInt(given, 16)
    if (/^[-+]?0[0-7]+$/.test(given)) return parseInt(given, 8)
    if (/^[-+]?\d+$/.test(given)) return Number(given)
    errors.push(given)
    return parseInt(given, 10) || 0
  }
  do {
    const before = next
    for (const [piece] of format.matchAll(/%[-+ #0]*(?:\*|\d+)?(?:\.(?:\*|\d+)?)?(?:\([^)]*\))?[A-Za-z%]|\\c|\\(?:[0-7]{1,3}|x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{1,4}|[\s\S])|[^%\\]+|[%\\]/g)) {
      if (stopped) break
      if (piece[0] === '\\') {
        if (piece === '\\c') { stopped = true; break }
        text += /^\\[0-7]/.test(piece) ? String.fromCharCode(parseInt(piece.slice(1), 8) & 255) : piece === '\\"' ? '"' : piece === "\\'" ? "'" : unescapeEcho(piece).text
        continue
      }
      const spec = /^%([-+ #0]*)(\*|\d+)?(?:\.(\*|\d+)?)?(?:\(([^)]*)\))?([A-Za-z%])$/.exec(piece)
      if (!spec) { text += piece; continue }
      const flags = spec[1]!
      let width = spec[2] === '*' ? number(take()) : Number(spec[2] ?? 0)
      const hasPrecision = piece.includes('.')
      const precision = spec[3] === '*' ? number(take()) : Number(spec[3] ?? 0)
      let left = flags.includes('-')
      if (width < 0) { left = true; width = -width }
      const pad = (body: string, zeros = false) => left ? body.padEnd(width) : zeros && flags.includes('0') && !hasPrecision ? (/^[-+ ]/.test(body) ? body[0] + body.slice(1).padStart(width - 1, '0') : body.padStart(width, '0')) : body.padStart(width)
      const signed = (body: string, value: number) => value < 0 || Object.is(value, -0) ? body : flags.includes('+') ? `+${body}` : flags.includes(' ') ? ` ${body}` : body
      switch (spec[5]) {
        case '%': text += '%'; break
        case 's': { const s = take() ?? ''; text += pad(hasPrecision ? [...s].slice(0, precision).join('') : s); break }
        case 'b': { const escaped = unescapeEcho(take() ?? ''); text += pad(escaped.text); stopped = escaped.stopped; break }
        case 'q': text += pad(quote(take() ?? '')); break
        case 'c': text += pad((take() ?? '').slice(0, 1)); break
        case 'd': case 'i': { const n = number(take()); const digits = String(Math.abs(n)); text += pad(signed((n < 0 ? '-' : '') + (hasPrecision ? digits.padStart(precision, '0') : digits), n), true); break }
        case 'u': { const n = number(take()); text += pad(n < 0 ? (BigInt(n) + (1n << 64n)).toString() : String(n), true); break }
        case 'o': text += pad((flags.includes('#') ? '0' : '') + number(take()).toString(8), true); break
        case 'x': text += pad((flags.includes('#') ? '0x' : '') + hex(number(take())), true); break
        case 'X': text += pad((flags.includes('#') ? '0X' : '') + hex(number(take())).toUpperCase(), true); break
        case 'f': case 'F': case 'e': case 'E': case 'g': case 'G': {
          const given = take()
          const n = given === undefined || given === '' ? 0 : Number(given)
          if (Number.isNaN(n)) errors.push(given!)
          text += pad(signed(floating(Number.isNaN(n) ? parseFloat(given!) || 0 : n, spec[5], hasPrecision ? precision : 6), n), true)
          break
        }
        case 'T': {
          const given = take()
          text += pad(new Date(given === undefined || given === '-1' ? nowMs : Number(given) * 1000).toISOString())
          break
        }
        default: errors.push(piece); stopped = true
      }
    }
    if (next === before) break
  } while (next < args.length && !stopped)
  return { text, errors }
}

function hex(value: number): string {
  return value < 0 ? (BigInt(value) + (1n << 64n)).toString(16) : value.toString(16)
}

function floating(value: number, kind: string, precision: number): string {
  const exponent = (text: string) => text.replace(/e([-+])(\d)$/, 'e$10$2')
  switch (kind) {
    case 'f': case 'F': return value.toFixed(precision)
    case 'e': return exponent(value.toExponential(precision))
    case 'E': return exponent(value.toExponential(precision)).toUpperCase()
    default: {
      if (value === 0) return '0'
      const magnitude = Math.floor(Math.log10(Math.abs(value)))
      const digits = Math.max(1, precision)
      return magnitude < -4 || magnitude >= digits ? exponent(Number(value.toPrecision(digits)).toExponential()) : String(Number(value.toPrecision(digits)))
    }
  }
}
