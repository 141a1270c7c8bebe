import { UsageError } from './utility.ts'

/** `ITERATIONS/BYTES "format"`: what of a format string is applied so often to so many bytes. */
interface Unit {
  iterations: number
  bytes: number
  format: string
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', '\\': '\\', '"': '"', 0: '\0', a: '\x07', b: '\b', f: '\f', r: '\r', v: '\v' }
const CONVERSION = /%(_p|_c|_ax|_ad|_ao|[-0 +#]*\d*(?:\.\d+)?[xXduoc]|%)/g

/** Units of hexdump's -e. @throws UsageError */
function unitsOf(text: string): Unit[] {
  const out: Unit[] = []
  let rest = text.trim()
  while (rest !== '') {
    const [all, iterations, bytes, quoted] = /^(\d+)?\s*(?:\/\s*(\d+)\s*)?"((?:[^"\\]|\\.)*)"\s*/.exec(rest) ?? []
    if (all === undefined) throw new UsageError(`bad format {${text}}`)
    const format = quoted!.replace(/\\(.)/g, (_, letter: string) => ESCAPES[letter] ?? letter)
    const reads = [...format.matchAll(CONVERSION)].filter(([, kind]) => kind !== '%' && !kind!.startsWith('_a'))
    if (reads.length > 1 && bytes !== undefined) throw new UsageError('byte count with multiple conversion characters')
    out.push({ iterations: Number(iterations ?? 1), bytes: Number(bytes ?? reads.reduce((sum, [, kind]) => sum + (/[xXduo]$/.test(kind!) && !kind!.startsWith('_') ? 4 : 1), 0)), format })
    rest = rest.slice(all.length)
  }
  return out
}

/** Bytes as a format string of hexdump's -e shows them, which is applied again and again; numbers are little-endian. @throws UsageError for a format that is none */
export function formatBytes(data: Uint8Array, format: string, offsetBytes: number): string {
  const units = unitsOf(format)
  let out = ''
  for (let at = 0; at < data.length;) {
    const before = at
    for (const { iterations, bytes, format: text } of units) {
      for (let i = 0; i < iterations && (bytes === 0 || at < data.length); i++) {
        let used = 0
        const reads = [...text.matchAll(CONVERSION)].filter(([, kind]) => kind !== '%' && !kind!.startsWith('_a')).length
        out += text.replace(CONVERSION, (_, kind: string) => {
          if (kind === '%') return '%'
          if (kind.startsWith('_a')) return (offsetBytes + at).toString({ x: 16, d: 10, o: 8 }[kind[2]!])
          const size = reads > 1 ? bytes / reads : bytes
          const part = data.subarray(at + used, at + used + size)
          used += size
          return part.length === 0 ? '' : shown(part, kind)
        })
        // The last blank of a repetition would only end the line.
        if (i === iterations - 1 && iterations > 1) out = out.replace(/[ \t]+$/, '')
        at += bytes
      }
    }
    if (at === before) break
  }
  return out
}

function shown(bytes: Uint8Array, kind: string): string {
  const character = String.fromCharCode(bytes[0]!)
  const isPrinting = bytes[0]! >= 32 && bytes[0]! < 127
  if (kind === '_p') return isPrinting ? character : '.'
  if (kind === '_c') return isPrinting ? character : Object.entries(ESCAPES).find(([letter, each]) => each === character && letter !== '"')?.[0].replace(/^/, '\\') ?? bytes[0]!.toString(8).padStart(3, '0')
  if (kind.endsWith('c')) return character
  let value = 0n
  bytes.forEach((byte, i) => { value |= BigInt(byte) << BigInt(8 * i) })
  if (kind.endsWith('d')) value = BigInt.asIntN(8 * bytes.length, value)
  const [, flags, width] = /^([-0 +#]*)(\d*)/.exec(kind)!
  const digits = value.toString(kind.endsWith('o') ? 8 : /x$/i.test(kind) ? 16 : 10)
  const text = kind.endsWith('X') ? digits.toUpperCase() : digits
  return flags!.includes('-') ? text.padEnd(Number(width)) : text.padStart(Number(width), flags!.includes('0') ? '0' : ' ')
}
