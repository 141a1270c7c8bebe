/** Functions on strings. k8s: cel-go/ext/strings.go, apiserver/pkg/cel/library/regex.go */
import { goPattern } from '../go-pattern.ts'
import { formatted } from './cel-format.ts'
import type { RuntimeFunction } from './cel-runtime-functions.ts'

const fail = (message: string): never => {
  throw new Error(message)
}
const outOfRange = (index: bigint): never => fail(`index out of range: ${index}`)

/** Positions count characters, not halves of them. */
const characters = (text: string): string[] => [...text]

function indexOf(text: string, part: string, from: bigint): bigint {
  const all = characters(text)
  if (part === '') return from
  if (from < 0n) return outOfRange(from)
  const wanted = characters(part)
  for (let i = Number(from); i + wanted.length <= all.length; i++) if (wanted.every((char, j) => all[i + j] === char)) return BigInt(i)
  return -1n
}

function lastIndexOf(text: string, part: string, from?: bigint): bigint {
  const all = characters(text)
  const wanted = characters(part)
  if (part === '') return from ?? BigInt(all.length)
  if (from !== undefined && from < 0n) return outOfRange(from)
  if (from !== undefined && Number(from) >= all.length) return -1n
  for (let i = Math.min(from === undefined ? all.length : Number(from), all.length - wanted.length); i >= 0; i--) if (wanted.every((char, j) => all[i + j] === char)) return BigInt(i)
  return -1n
}

function substring(text: string, start: bigint, end?: bigint): string {
  const all = characters(text)
  if (end !== undefined) {
    if (start > end) return fail(`invalid substring range. start: ${start}, end: ${end}`)
    if (start < 0n || Number(start) > all.length) return outOfRange(start)
    if (end < 0n || Number(end) > all.length) return outOfRange(end)
    return all.slice(Number(start), Number(end)).join('')
  }
  return start < 0n || Number(start) > all.length ? outOfRange(start) : all.slice(Number(start)).join('')
}

/** strings.SplitN */
function split(text: string, separator: string, limit: number): string[] {
  if (limit === 0) return []
  const parts = separator === '' ? characters(text) : text.split(separator)
  return limit < 0 || parts.length <= limit ? parts : [...parts.slice(0, limit - 1), parts.slice(limit - 1).join(separator)]
}

/** strings.Replace: an empty text is found before every character and at the end. */
function replace(text: string, old: string, next: string, times: number): string {
  if (times === 0) return text
  if (old === '') {
    const all = characters(text)
    const count = times < 0 ? all.length + 1 : times
    return all.map((char, i) => (i < count ? next : '') + char).join('') + (all.length < count ? next : '')
  }
  const parts = text.split(old)
  const count = times < 0 ? parts.length : times
  return parts.map((part, i) => (i === 0 ? '' : i <= count ? next : old) + part).join('')
}

const QUOTES: Readonly<Record<string, string>> = { '\x07': '\\a', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\v': '\\v', '\\': '\\\\', '"': '\\"' }

const lower = (text: string) => text.replace(/[A-Z]/g, (char) => char.toLowerCase())
const upper = (text: string) => text.replace(/[a-z]/g, (char) => char.toUpperCase())
/** What Go's strings.TrimSpace takes away. */
const SPACE = /^[\s\u0085]+|[\s\u0085]+$/g

const joined = (list: readonly unknown[], separator: string) => list.map((item) => typeof item === 'string' ? item : fail('no such overload')).join(separator)

const f = (name: string, types: string, run: RuntimeFunction[2]): RuntimeFunction => [name, types.split(' '), run]

export const stringFunctions: readonly RuntimeFunction[] = [
  f('charAt', 'string int', (_c, text: string, index: bigint) => {
    const all = characters(text)
    return index < 0n || Number(index) > all.length ? outOfRange(index) : all[Number(index)] ?? ''
  }),
  f('indexOf', 'string string', (_c, text: string, part: string) => indexOf(text, part, 0n)),
  f('indexOf', 'string string int', (_c, text: string, part: string, from: bigint) => indexOf(text, part, from)),
  f('lastIndexOf', 'string string', (_c, text: string, part: string) => lastIndexOf(text, part)),
  f('lastIndexOf', 'string string int', (_c, text: string, part: string, from: bigint) => lastIndexOf(text, part, from)),
  f('lowerAscii', 'string', (_c, text: string) => lower(text)),
  f('upperAscii', 'string', (_c, text: string) => upper(text)),
  f('replace', 'string string string', (_c, text: string, old: string, next: string) => replace(text, old, next, -1)),
  f('replace', 'string string string int', (_c, text: string, old: string, next: string, times: bigint) => replace(text, old, next, Number(times))),
  f('split', 'string string', (_c, text: string, separator: string) => split(text, separator, -1)),
  f('split', 'string string int', (_c, text: string, separator: string, limit: bigint) => split(text, separator, Number(limit))),
  f('substring', 'string int', (_c, text: string, start: bigint) => substring(text, start)),
  f('substring', 'string int int', (_c, text: string, start: bigint, end: bigint) => substring(text, start, end)),
  f('trim', 'string', (_c, text: string) => text.replace(SPACE, '')),
  f('join', 'list', (_c, list: unknown[]) => joined(list, '')),
  f('join', 'list string', (_c, list: unknown[], separator: string) => joined(list, separator)),
  f('format', 'string list', (_c, template: string, args: unknown[]) => formatted(template, args)),
  f('strings.quote', 'string', (_c, text: string) => `"${text.replace(/[\x07\b\f\n\r\t\v\\"]/g, (char) => QUOTES[char]!)}"`),
  f('find', 'string string', (_c, text: string, pattern: string) => goPattern(pattern).find(text) ?? ''),
  f('findAll', 'string string', (_c, text: string, pattern: string) => goPattern(pattern).findAll(text)),
  f('findAll', 'string string int', (_c, text: string, pattern: string, limit: bigint) => goPattern(pattern).findAll(text, limit < 0n ? undefined : Number(limit))),
]
