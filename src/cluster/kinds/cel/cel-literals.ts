/** Values of literals as they are written. k8s: cel-go/parser/unescape.go */
import { CelUint } from './cel-values.ts'

const SIMPLE: Record<string, string> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', '\\': '\\', "'": "'", '"': '"', '`': '`', '?': '?' }

/** @param text as in the expression, with quotes and prefixes */
export function literalValue(type: string, text: string): unknown {
  switch (type) {
    case 'int': return text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text)
    case 'uint': return new CelUint(BigInt(text.replace(/u$/i, '')))
    case 'double': return Number(text)
    case 'bool': return text === 'true'
    case 'string': return textOf(text)
    case 'bytes': return bytesOf(text)
    default: return null
  }
}

/** What is between the quotes, and whether escapes mean something. */
function quotedPart(text: string): { body: string; raw: boolean } {
  const prefix = /^[rRbB]*/.exec(text)![0]
  const rest = text.slice(prefix.length)
  const quotes = rest.startsWith('"""') || rest.startsWith("'''") ? 3 : 1
  return { body: rest.slice(quotes, -quotes).replace(/\r\n?/g, '\n'), raw: /r/i.test(prefix) }
}

const ESCAPE = /\\(?:([xX])([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|([\s\S]))/g

function textOf(text: string): string {
  const { body, raw } = quotedPart(text)
  if (raw) return body
  return body.replace(ESCAPE, (_, _x, hex?: string, four?: string, eight?: string, octal?: string, simple?: string) => {
    if (simple !== undefined) return SIMPLE[simple] ?? simple
    const code = hex ?? four ?? eight
    return String.fromCodePoint(Math.min(code !== undefined ? parseInt(code, 16) : parseInt(octal!, 8), 0x10ffff))
  })
}

function bytesOf(text: string): Uint8Array {
  const { body, raw } = quotedPart(text)
  const encoder = new TextEncoder()
  if (raw) return encoder.encode(body)
  const parts: number[] = []
  let end = 0
  for (const match of body.matchAll(ESCAPE)) {
    parts.push(...encoder.encode(body.slice(end, match.index)))
    end = match.index + match[0].length
    const [, , hex, , , octal, simple] = match
    if (simple !== undefined) parts.push(...encoder.encode(SIMPLE[simple] ?? simple))
    else parts.push(hex !== undefined ? parseInt(hex, 16) : parseInt(octal ?? '0', 8))
  }
  parts.push(...encoder.encode(body.slice(end)))
  return Uint8Array.from(parts)
}
