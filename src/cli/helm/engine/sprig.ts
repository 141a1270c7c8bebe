import { base64Of, bytesOfBase64 } from '../../../base/base64.ts'
import type { Clock } from '../../../base/clock.ts'
import type { Random } from '../../../base/random.ts'
import { sha1 } from '@noble/hashes/legacy.js'
import { sha256, sha512 } from '@noble/hashes/sha2.js'
import { quoted } from '../../../cluster/kinds/go-text.ts'
import { goFunction, goDurationText, GoInt, goPrint, goTypeOf, isGoMap, isGoObject, isNil, isTrue, setOwn, typedList, typedMap } from '../../../cluster/kinds/go-template/values.ts'
import type { GoFunction, GoMap, GoObject } from '../../../cluster/kinds/go-template/values.ts'
import { parseDurationMs } from '../../kubectl/duration.ts'
import { compareVersions, parseConstraint, parseVersion, satisfies, versionText } from '../semver.ts'
import type { Version } from '../semver.ts'
import { copyValues } from '../values/coalesce.ts'
import { bcrypt } from './bcrypt.ts'
import { jsonText } from './json-text.ts'
import { adler32Text } from './adler32.ts'
import { goRegex } from './go-regex.ts'
import { formatTime, GoTime, parseTime, ZERO_MS } from './go-time.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text)
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const hex = (bytes: Uint8Array) => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('')
const int64 = (value: number) => new GoInt(value, 'int64')
const strings = (items: string[]) => typedList('[]string', items)

/** A text of any value. k8s: sprig strval */
export function textValueOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (value instanceof Uint8Array) return textOf(value)
  return goPrint(value)
}

const toInt64 = (value: unknown): number => {
  if (value instanceof GoInt) return value.value
  if (typeof value === 'number') return Math.trunc(value)
  if (typeof value === 'boolean') return value ? 1 : 0
  if (typeof value === 'string') {
    // Digits with a base, then floats cut down. k8s: spf13/cast ToInt64
    const [, sign, digits] = /^([+-]?)(0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO]?(?:_?[0-7])*|[1-9](?:_?\d)*)$/.exec(value.replace(/\.0*$/, '')) ?? []
    if (digits !== undefined) return (sign === '-' ? -1 : 1) * Number(digits.replaceAll('_', '').replace(/^0(?=\d)/, '0o'))
  }
  return 0
}
const toFloat64 = (value: unknown): number => {
  if (value instanceof GoInt) return value.value
  if (typeof value === 'number') return value
  if (typeof value === 'boolean') return value ? 1 : 0
  if (typeof value === 'string') { const n = Number(value); return value.trim() === '' || Number.isNaN(n) ? 0 : n }
  return 0
}
const isEmpty = (value: unknown) => !isTrue(value) && !isGoObject(value)

function listOf(value: unknown, what: string): unknown[] {
  if (Array.isArray(value)) return value
  if (isNil(value)) throw new Error(`runtime error: invalid memory address or nil pointer dereference`)
  throw new Error(what === 'slice' ? `list should be type of slice or array but ${kindOf(value)}` : what === 'chunk' ? `Cannot chunk type ${kindOf(value)}` : `Cannot ${what} on type ${kindOf(value)}`)
}

function textList(value: unknown): string[] {
  if (Array.isArray(value)) return value.filter((v) => !isNil(v)).map(textValueOf)
  return isNil(value) ? [] : [textValueOf(value)]
}

export function kindOf(value: unknown): string {
  if (isNil(value)) return 'invalid'
  if (value instanceof GoInt) return value.goType === 'time.Duration' ? 'int64' : value.goType
  if (Array.isArray(value) || value instanceof Uint8Array) return 'slice'
  if (isGoObject(value)) return value.goType.startsWith('*') ? 'ptr' : value.goType.startsWith('[]') ? 'slice' : value.goType === 'engine.files' ? 'map' : 'struct'
  return isGoMap(value) ? 'map' : goTypeOf(value)
}

/** reflect.DeepEqual */
function deepEqual(a: unknown, b: unknown): boolean {
  if (isNil(a) || isNil(b)) return isNil(a) && isNil(b)
  if (goTypeOf(a) !== goTypeOf(b)) return false
  if (a instanceof GoInt) return a.value === (b as GoInt).value
  if (Array.isArray(a)) return a.length === (b as unknown[]).length && a.every((v, i) => deepEqual(v, (b as unknown[])[i]))
  if (isGoMap(a)) {
    const keys = Object.keys(a)
    return keys.length === Object.keys(b as GoMap).length && keys.every((k) => Object.hasOwn(b as GoMap, k) && deepEqual(a[k], (b as GoMap)[k]))
  }
  return a === b
}

/** mergo: what dest lacks or has empty comes from source. */
function merge(dest: GoMap, source: GoMap, overwrite: boolean): GoMap {
  for (const key of Object.keys(source)) {
    const value = source[key]
    const there = dest[key]
    if (isGoMap(value) && isGoMap(there)) merge(there, value, overwrite)
    else if (overwrite ? !isEmpty(value) || !Object.hasOwn(dest, key) : isEmpty(there) && (!isEmpty(value) || !Object.hasOwn(dest, key))) setOwn(dest, key, value)
  }
  return dest
}

function truncated(width: number, text: string): string {
  const bytes = bytesOf(text)
  if (width < 0 && bytes.length + width > 0) return textOf(bytes.slice(bytes.length + width))
  return width >= 0 && bytes.length > width ? textOf(bytes.slice(0, width)) : text
}

function cleanPath(path: string): string {
  if (path === '') return '.'
  const rooted = path.startsWith('/')
  const out: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..') { if (out.length > 0 && out.at(-1) !== '..') out.pop(); else if (!rooted) out.push('..') } else out.push(part)
  }
  return (rooted ? '/' : '') + out.join('/') || (rooted ? '/' : '.')
}
const baseName = (path: string) => path === '' ? '.' : path.replace(/\/+$/, '').split('/').at(-1) || '/'
const dirName = (path: string) => cleanPath(path.slice(0, path.lastIndexOf('/') + 1))
const extension = (path: string) => /\.[^./]*$/.exec(path)?.[0] ?? ''

const steps = (from: number, to: number, step: number): GoInt[] => {
  const out: GoInt[] = []
  if (to < from) { if (step < 0) for (let i = from; i > to; i += step) out.push(new GoInt(i)) }
  else if (step > 0) for (let i = from; i < to; i += step) out.push(new GoInt(i))
  return typedList('[]int', out)
}

function rounded(value: number, places: number, from: number): number {
  const power = 10 ** places
  const digits = power * value
  return (digits - Math.trunc(digits) >= from ? Math.ceil(digits) : Math.floor(digits)) / power
}

/** Decimal arithmetic for numbers of few digits. */
const decimal = (value: number) => Number(value.toPrecision(15))

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
function base32(bytes: Uint8Array): string {
  let out = ''
  for (let i = 0; i < bytes.length; i += 5) {
    let bits = ''
    for (let j = 0; j < 5; j++) bits += i + j < bytes.length ? bytes[i + j]!.toString(2).padStart(8, '0') : ''
    const chars = Math.ceil(bits.length / 5)
    bits = bits.padEnd(chars * 5, '0')
    for (let j = 0; j < chars; j++) out += BASE32[parseInt(bits.slice(j * 5, j * 5 + 5), 2)]
    out += '='.repeat(8 - chars)
  }
  return out
}
function fromBase32(text: string): string {
  const clean = text.replace(/=+$/, '')
  let bits = ''
  for (const [i, c] of [...clean].entries()) {
    const at = BASE32.indexOf(c)
    if (at < 0) return `illegal base32 data at input byte ${i}`
    bits += at.toString(2).padStart(5, '0')
  }
  return textOf(Uint8Array.from(bits.match(/.{8}/g) ?? [], (b) => parseInt(b, 2)))
}
function fromBase64(text: string): string {
  const clean = text.replace(/[\r\n]/g, '')
  const wrong = /[^A-Za-z0-9+/=]/.exec(clean)
  if (wrong || clean.length % 4 !== 0 || /=(?!=?$)/.test(clean)) return `illegal base64 data at input byte ${wrong ? wrong.index : clean.length - clean.length % 4}`
  return textOf(bytesOfBase64(clean))
}

/** Parts of a name in any spelling: `FooBar`, `foo_bar`, `foo bar`. */
const words = (text: string) => text.replace(/([a-z0-9])([A-Z])/g, '$1 $2').replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2').split(/[\s_\-.]+/).filter(Boolean)
const pascal = (text: string) => text.replace(/^[_\-\s]*|[_\-\s]+(\S)?/g, (_, c: string | undefined) => c ? c.toUpperCase() : '').replace(/^./, (c) => c.toUpperCase())

function wrapped(text: string, width: number, newline: string, long: boolean): string {
  let out = ''
  let offset = 0
  const size = Math.max(1, width)
  while (text.length - offset > size) {
    if (text[offset] === ' ') { offset++; continue }
    const space = text.lastIndexOf(' ', offset + size)
    if (space >= offset) { out += text.slice(offset, space) + newline; offset = space + 1 }
    else if (long) { out += text.slice(offset, offset + size) + newline; offset += size }
    else {
      const next = text.indexOf(' ', offset + size)
      if (next >= 0) { out += text.slice(offset, next) + newline; offset = next + 1 } else { out += text.slice(offset); offset = text.length }
    }
  }
  return out + text.slice(offset)
}

const versionObject = (version: Version): GoObject => ({
  goType: '*semver.Version',
  print: () => versionText(version),
  method: (name) => {
    switch (name) {
      case 'Major': case 'Minor': case 'Patch': return goFunction('', () => new GoInt(version[name.toLowerCase() as 'major'], 'uint64'))
      case 'Prerelease': return goFunction('', () => version.prerelease)
      case 'Metadata': return goFunction('', () => version.metadata)
      case 'Original': return goFunction('', () => version.original)
      case 'String': return goFunction('', () => versionText(version))
      case 'Compare': return goFunction('value', (other: GoObject & { version?: Version }) => new GoInt(compareVersions(version, parseVersion(other.print())!)))
      case 'Equal': case 'LessThan': case 'GreaterThan': return goFunction('value', (other: GoObject) => {
        const order = compareVersions(version, parseVersion(other.print())!)
        return name === 'Equal' ? order === 0 : name === 'LessThan' ? order < 0 : order > 0
      })
      default: return undefined
    }
  },
})

/** What functions of templates need from outside. */
export interface SprigContext { clock: Pick<Clock, 'nowMs'>; random: Random }

const map = 'map[string]interface {}'

/** The functions of the sprig library, except for those that make keys and certificates. k8s: Masterminds/sprig TxtFuncMap */
// @k8s part: Helm templates: derived passwords and AES (derivePassword, encryptAES) are missing, and fromToml
export function sprigFunctions({ clock, random }: SprigContext): Record<string, GoFunction> {
  const fn = goFunction
  const out: Record<string, GoFunction> = {}
  const pick = (alphabet: string) => fn('int', (count: GoInt) => Array.from({ length: Math.max(0, count.value) }, () => random.pick([...alphabet])).join(''))
  const lower = 'abcdefghijklmnopqrstuvwxyz'
  const timeOf = (value: unknown) => value instanceof GoTime ? value.ms : value instanceof GoInt ? value.value * 1000 : clock.nowMs()
  /** Functions that have a `must...` twin. */
  const both = (name: string, each: GoFunction) => { out[name] = each; out[`must${name[0]!.toUpperCase()}${name.slice(1)}`] = each }
  /** Those whose plain form panics as regexp.MustCompile does. */
  const regexBoth = (name: string, each: GoFunction) => {
    both(name, each)
    out[name] = { ...each, call: (regex: string, ...rest) => { try { goRegex(regex) } catch (error) { throw new Error(`regexp: Compile(${regex.includes('`') ? quoted(regex) : `\`${regex}\``}): ${(error as Error).message}`) } return each.call(regex, ...rest) } }
  }
  const hashed = (text: string) => {
    try {
      return bcrypt(text, random.bytes(16))
    } catch (error) {
      return `failed to encrypt string with bcrypt: ${(error as Error).message}`
    }
  }
  const durationMs = (text: string) => { try { return parseDurationMs(text) } catch { return undefined } }

  Object.assign(out, {
    hello: fn('', () => 'Hello!'),
    // Dates
    now: fn('', () => new GoTime(clock.nowMs())),
    date: fn('string, any', (layout: string, when) => formatTime(layout, timeOf(when))),
    dateInZone: fn('string, any, string', (layout: string, when, zone: string) => formatTime(layout, timeOf(when), zone)),
    htmlDate: fn('any', (when) => formatTime('2006-01-02', timeOf(when))),
    htmlDateInZone: fn('any, string', (when, zone: string) => formatTime('2006-01-02', timeOf(when), zone)),
    dateModify: fn('string, time.Time', (text: string, when: GoTime) => new GoTime(when.ms + (durationMs(text) ?? 0))),
    mustDateModify: fn('string, time.Time', (text: string, when: GoTime) => new GoTime(when.ms + parseDurationMs(text))),
    ago: fn('any', (when) => goDurationText(Math.round((clock.nowMs() - timeOf(when)) / 1000) * 1e9)),
    duration: fn('any', (seconds) => goDurationText((typeof seconds === 'string' ? /^[+-]?\d+$/.test(seconds) ? Number(seconds) : 0 : seconds instanceof GoInt && seconds.goType === 'int64' ? seconds.value : 0) * 1e9)),
    durationRound: fn('any', (value) => {
      const ms = Math.abs(typeof value === 'string' ? durationMs(value) ?? 0 : value instanceof GoInt ? value.value / 1e6 : value instanceof GoTime ? clock.nowMs() - value.ms : 0)
      for (const [unit, size] of [['y', 365 * 86_400_000], ['mo', 30 * 86_400_000], ['d', 86_400_000], ['h', 3_600_000], ['m', 60_000], ['s', 1000]] as const) if (ms > size) return `${Math.floor(ms / size)}${unit}`
      return '0s'
    }),
    toDate: fn('string, string', (layout: string, text: string) => { try { return parseTime(layout, text) } catch { return new GoTime(ZERO_MS) } }),
    mustToDate: fn('string, string', parseTime),
    unixEpoch: fn('time.Time', (when: GoTime) => String(Math.floor(when.ms / 1000))),
    // Texts
    abbrev: fn('int, string', (width: GoInt, text: string) => width.value < 4 || bytesOf(text).length <= width.value ? text : `${textOf(bytesOf(text).slice(0, width.value - 3))}...`),
    abbrevboth: fn('int, int, string', (left: GoInt, right: GoInt, text: string) => {
      if (right.value < 4 || (left.value > 0 && right.value < 7) || text.length <= right.value) return text
      if (left.value <= 4) return `${text.slice(0, right.value - 3)}...`
      if (left.value + right.value - 3 < text.length) return `...${text.slice(left.value, left.value + right.value - 6)}...`
      return `...${text.slice(text.length - (right.value - 3))}`
    }),
    trunc: fn('int, string', (width: GoInt, text: string) => truncated(width.value, text)),
    trim: fn('string', (text: string) => text.trim()),
    upper: fn('string', (text: string) => text.toUpperCase()),
    lower: fn('string', (text: string) => text.toLowerCase()),
    title: fn('string', (text: string) => text.replace(/(^|[^\p{L}\p{Nd}_'])(\p{L})/gu, (_, before: string, c: string) => before + c.toUpperCase())),
    untitle: fn('string', (text: string) => text.replace(/(^|\s)(\S)/g, (_, before: string, c: string) => before + c.toLowerCase())),
    substr: fn('int, int, string', (from: GoInt, to: GoInt, text: string) => {
      const bytes = bytesOf(text)
      const bounds = (a: number, b: number) => { if (a > b || b > bytes.length) throw new Error(`runtime error: slice bounds out of range [${b > bytes.length ? `:${b}] with length ${bytes.length}` : `${a}:${b}]`}`) }
      if (from.value < 0) { bounds(0, to.value); return textOf(bytes.slice(0, to.value)) }
      bounds(from.value, to.value < 0 || to.value > bytes.length ? bytes.length : to.value)
      return textOf(to.value < 0 || to.value > bytes.length ? bytes.slice(from.value) : bytes.slice(from.value, to.value))
    }),
    repeat: fn('int, string', (count: GoInt, text: string) => { if (count.value < 0) throw new Error('strings: negative Repeat count'); return text.repeat(count.value) }),
    trimAll: fn('string, string', (chars: string, text: string) => {
      const set = [...chars]
      let list = [...text]
      while (list.length > 0 && set.includes(list[0]!)) list = list.slice(1)
      while (list.length > 0 && set.includes(list.at(-1)!)) list = list.slice(0, -1)
      return list.join('')
    }),
    trimSuffix: fn('string, string', (end: string, text: string) => end && text.endsWith(end) ? text.slice(0, -end.length) : text),
    trimPrefix: fn('string, string', (start: string, text: string) => text.startsWith(start) ? text.slice(start.length) : text),
    nospace: fn('string', (text: string) => text.replace(/\s+/g, '')),
    initials: fn('string', (text: string) => text.split(/\s+/).map((word) => word.slice(0, 1)).join('')),
    randAlphaNum: pick(`0123456789${lower}${lower.toUpperCase()}`),
    randAlpha: pick(lower + lower.toUpperCase()),
    randNumeric: pick('0123456789'),
    randAscii: pick(String.fromCharCode(...Array.from({ length: 95 }, (_, i) => i + 32))),
    randInt: fn('int, int', (from: GoInt, to: GoInt) => new GoInt(from.value + random.int(Math.max(1, to.value - from.value)))),
    randBytes: fn('int', (count: GoInt) => base64Of(Uint8Array.from({ length: count.value }, () => random.int(256)))),
    swapcase: fn('string', (text: string) => text.replace(/\p{L}/gu, (c) => c === c.toUpperCase() ? c.toLowerCase() : c.toUpperCase())),
    shuffle: fn('string', (text: string) => random.shuffle([...text]).join('')),
    snakecase: fn('string', (text: string) => words(text).join('_').toLowerCase()),
    kebabcase: fn('string', (text: string) => words(text).join('-').toLowerCase()),
    camelcase: fn('string', pascal),
    wrap: fn('int, string', (width: GoInt, text: string) => wrapped(text, width.value, '\n', false)),
    wrapWith: fn('int, string, string', (width: GoInt, newline: string, text: string) => wrapped(text, width.value, newline, true)),
    contains: fn('string, string', (part: string, text: string) => text.includes(part)),
    hasPrefix: fn('string, string', (part: string, text: string) => text.startsWith(part)),
    hasSuffix: fn('string, string', (part: string, text: string) => text.endsWith(part)),
    quote: fn('...any', (...args) => args.filter((a) => !isNil(a)).map((a) => quoted(textValueOf(a))).join(' ')),
    squote: fn('...any', (...args) => args.filter((a) => !isNil(a)).map((a) => `'${goPrint(a)}'`).join(' ')),
    cat: fn('...any', (...args) => args.filter((a) => !isNil(a)).map(goPrint).join(' ')),
    indent: fn('int, string', (count: GoInt, text: string) => ' '.repeat(count.value) + text.replaceAll('\n', `\n${' '.repeat(count.value)}`)),
    nindent: fn('int, string', (count: GoInt, text: string) => `\n${' '.repeat(count.value)}${text.replaceAll('\n', `\n${' '.repeat(count.value)}`)}`),
    replace: fn('string, string, string', (old: string, with_: string, text: string) => text.replaceAll(old, () => with_)),
    plural: fn('string, string, int', (one: string, many: string, count: GoInt) => count.value === 1 ? one : many),
    sha1sum: fn('string', (text: string) => hex(sha1(bytesOf(text)))),
    bcrypt: fn('string', (text: string) => hashed(text)),
    htpasswd: fn('string, string', (user: string, password: string) => user.includes(':') ? `invalid username: ${user}` : `${user}:${hashed(password)}`),
    sha256sum: fn('string', (text: string) => hex(sha256(bytesOf(text)))),
    sha512sum: fn('string', (text: string) => hex(sha512(bytesOf(text)))),
    adler32sum: fn('string', (text: string) => adler32Text(bytesOf(text))),
    toString: fn('any', textValueOf),
    // Numbers
    atoi: fn('string', (text: string) => new GoInt(/^[+-]?\d+$/.test(text) ? Number(text) : 0)),
    int64: fn('any', (value) => int64(toInt64(value))),
    int: fn('any', (value) => new GoInt(toInt64(value))),
    float64: fn('any', toFloat64),
    seq: fn('...int', (...params: GoInt[]) => {
      const numbers = params.map((p) => p.value)
      const direction = (a: number, b: number) => b < a ? -1 : 1
      let list: GoInt[] = []
      if (numbers.length === 1) list = steps(1, numbers[0]! + direction(1, numbers[0]!), direction(1, numbers[0]!))
      else if (numbers.length === 2) list = steps(numbers[0]!, numbers[1]! + direction(numbers[0]!, numbers[1]!), direction(numbers[0]!, numbers[1]!))
      else if (numbers.length === 3) {
        const [from, step, to] = numbers as [number, number, number]
        if (to < from && step > 0) return ''
        list = steps(from, to + direction(from, to), step)
      }
      return list.map((n) => n.value).join(' ')
    }),
    toDecimal: fn('any', (value) => int64(/^[+-]?[0-7]+$/.test(goPrint(value)) ? parseInt(goPrint(value), 8) : 0)),
    until: fn('int', (count: GoInt) => steps(0, count.value, count.value < 0 ? -1 : 1)),
    untilStep: fn('int, int, int', (from: GoInt, to: GoInt, step: GoInt) => steps(from.value, to.value, step.value)),
    add1: fn('any', (a) => int64(toInt64(a) + 1)),
    add: fn('...any', (...args) => int64(args.reduce((sum: number, a) => sum + toInt64(a), 0))),
    sub: fn('any, any', (a, b) => int64(toInt64(a) - toInt64(b))),
    div: fn('any, any', (a, b) => { if (toInt64(b) === 0) throw new Error('runtime error: integer divide by zero'); return int64(Math.trunc(toInt64(a) / toInt64(b))) }),
    mod: fn('any, any', (a, b) => { if (toInt64(b) === 0) throw new Error('runtime error: integer divide by zero'); return int64(toInt64(a) % toInt64(b)) }),
    mul: fn('any, ...any', (a, ...rest) => int64(rest.reduce((product: number, b) => product * toInt64(b), toInt64(a)))),
    add1f: fn('any', (a) => decimal(toFloat64(a) + 1)),
    addf: fn('...any', (...args) => args.reduce((sum: number, a) => decimal(sum + toFloat64(a)), 0)),
    subf: fn('any, ...any', (a, ...rest) => rest.reduce((sum: number, b) => decimal(sum - toFloat64(b)), toFloat64(a))),
    divf: fn('any, ...any', (a, ...rest) => rest.reduce((sum: number, b) => { if (toFloat64(b) === 0) throw new Error('decimal division by 0'); return Number((sum / toFloat64(b)).toFixed(16)) }, toFloat64(a))),
    mulf: fn('any, ...any', (a, ...rest) => rest.reduce((sum: number, b) => decimal(sum * toFloat64(b)), toFloat64(a))),
    max: fn('any, ...any', (a, ...rest) => int64(Math.max(toInt64(a), ...rest.map(toInt64)))),
    min: fn('any, ...any', (a, ...rest) => int64(Math.min(toInt64(a), ...rest.map(toInt64)))),
    maxf: fn('any, ...any', (a, ...rest) => Math.max(toFloat64(a), ...rest.map(toFloat64))),
    minf: fn('any, ...any', (a, ...rest) => Math.min(toFloat64(a), ...rest.map(toFloat64))),
    ceil: fn('any', (a) => Math.ceil(toFloat64(a))),
    floor: fn('any', (a) => Math.floor(toFloat64(a))),
    round: fn('any, int, ...float64', (a, places: GoInt, from: number = 0.5) => rounded(toFloat64(a), places.value, from)),
    // Lists of texts
    split: fn('string, string', (by: string, text: string) => typedMap('map[string]string', Object.fromEntries(text.split(by).map((part, i) => [`_${i}`, part])))),
    splitn: fn('string, int, string', (by: string, n: GoInt, text: string) => {
      const parts = text.split(by)
      const kept = n.value > 0 && parts.length > n.value ? [...parts.slice(0, n.value - 1), parts.slice(n.value - 1).join(by)] : n.value === 0 ? [] : parts
      return typedMap('map[string]string', Object.fromEntries(kept.map((part, i) => [`_${i}`, part])))
    }),
    splitList: fn('string, string', (by: string, text: string) => strings(text.split(by))),
    toStrings: fn('any', (value) => strings(textList(value))),
    join: fn('string, any', (by: string, value) => textList(value).join(by)),
    sortAlpha: fn('any', (value) => strings(Array.isArray(value) ? textList(value).sort((a, b) => a < b ? -1 : a > b ? 1 : 0) : [textValueOf(value)])),
    // Defaults
    default: fn('any, ...any', (standard, ...given) => given.length === 0 || isEmpty(given[0]) ? standard : given[0]),
    empty: fn('any', isEmpty),
    coalesce: fn('...any', (...args) => args.find((a) => !isEmpty(a)) ?? null),
    all: fn('...any', (...args) => !args.some(isEmpty)),
    any: fn('...any', (...args) => args.some((a) => !isEmpty(a))),
    ternary: fn('any, any, bool', (yes, no, condition: boolean) => condition ? yes : no),
    // JSON
    fromJson: fn('string', (text: string) => { try { return JSON.parse(text) as unknown } catch { return null } }),
    toPrettyJson: fn('any', (value) => jsonText(value, '  ')),
    mustToPrettyJson: fn('any', (value) => jsonText(value, '  ')),
    mustFromJson: fn('string', (text: string) => JSON.parse(text) as unknown),
    // Reflection
    typeOf: fn('any', (value) => goTypeOf(value) || '<nil>'),
    typeIs: fn('string, any', (type: string, value) => (goTypeOf(value) || '<nil>') === type),
    typeIsLike: fn('string, any', (type: string, value) => [type, `*${type}`].includes(goTypeOf(value) || '<nil>')),
    kindOf: fn('any', kindOf),
    kindIs: fn('string, any', (kind: string, value) => kindOf(value) === kind),
    deepEqual: fn('any, any', deepEqual),
    // Paths
    base: fn('string', baseName), dir: fn('string', dirName), clean: fn('string', cleanPath), ext: fn('string', extension), isAbs: fn('string', (path: string) => path.startsWith('/')),
    osBase: fn('string', baseName), osDir: fn('string', dirName), osClean: fn('string', cleanPath), osExt: fn('string', extension), osIsAbs: fn('string', (path: string) => path.startsWith('/')),
    // Encodings
    b64enc: fn('string', (text: string) => btoa(Array.from(bytesOf(text), (b) => String.fromCharCode(b)).join(''))),
    b64dec: fn('string', fromBase64),
    b32enc: fn('string', (text: string) => base32(bytesOf(text))),
    b32dec: fn('string', fromBase32),
    // Maps
    list: fn('...any', (...items) => items),
    dict: fn('...any', (...items) => {
      const made: GoMap = {}
      for (let i = 0; i < items.length; i += 2) setOwn(made, textValueOf(items[i]), i + 1 < items.length ? items[i + 1] : '')
      return made
    }),
    get: fn(`${map}, string`, (from: GoMap, key: string) => Object.hasOwn(from ?? {}, key) ? from[key] : ''),
    set: fn(`${map}, string, any`, (on: GoMap, key: string, value) => { setOwn(on, key, value); return on }),
    unset: fn(`${map}, string`, (on: GoMap, key: string) => { delete on[key]; return on }),
    hasKey: fn(`${map}, string`, (on: GoMap, key: string) => Object.hasOwn(on ?? {}, key)),
    pluck: fn(`string, ...${map}`, (key: string, ...maps: GoMap[]) => maps.filter((m) => Object.hasOwn(m, key)).map((m) => m[key])),
    keys: fn(`...${map}`, (...maps: GoMap[]) => strings(maps.flatMap((m) => Object.keys(m ?? {})))),
    values: fn(map, (of: GoMap) => Object.values(of ?? {})),
    pick: fn(`${map}, ...string`, (from: GoMap, ...keys: string[]) => Object.fromEntries(keys.filter((k) => Object.hasOwn(from, k)).map((k) => [k, from[k]]))),
    omit: fn(`${map}, ...string`, (from: GoMap, ...keys: string[]) => Object.fromEntries(Object.entries(from).filter(([k]) => !keys.includes(k)))),
    merge: fn(`${map}, ...${map}`, (dest: GoMap, ...sources: GoMap[]) => sources.reduce((d, s) => merge(d, s ?? {}, false), dest ?? {})),
    mergeOverwrite: fn(`${map}, ...${map}`, (dest: GoMap, ...sources: GoMap[]) => sources.reduce((d, s) => merge(d, s ?? {}, true), dest ?? {})),
    dig: fn('...any', (...args) => {
      if (args.length < 3) throw new Error('dig needs at least three arguments')
      let at: unknown = args.at(-1)
      for (const key of args.slice(0, -2) as string[]) {
        if (!isGoMap(at)) throw new Error(`interface conversion: interface {} is ${isNil(at) ? 'nil' : goTypeOf(at)}, not map[string]interface {}`)
        if (!Object.hasOwn(at, key)) return args.at(-2)
        at = at[key]
      }
      return at
    }),
    concat: fn('...any', (...lists) => lists.flatMap((list) => {
      if (isNil(list)) throw new Error('runtime error: invalid memory address or nil pointer dereference')
      if (!Array.isArray(list)) throw new Error(`Cannot concat type ${kindOf(list)} as list`)
      return list as unknown[]
    })),
    // Versions
    semver: fn('string', (text: string) => { const v = parseVersion(text); if (!v) throw new Error('invalid semantic version'); return versionObject(v) }),
    semverCompare: fn('string, string', (constraint: string, text: string) => {
      const parsed = parseConstraint(constraint)
      const version = parseVersion(text)
      if (!version) throw new Error('invalid semantic version')
      return satisfies(version, parsed)
    }),
    fail: fn('string', (text: string) => { throw new Error(text) }),
    uuidv4: fn('', () => { const h = Array.from({ length: 32 }, () => random.int(16)); h[12] = 4; h[16] = 8 + h[16]! % 4; return h.map((d) => d.toString(16)).join('').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-') }),
    regexQuoteMeta: fn('string', (text: string) => text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&')),
    getHostByName: fn('string', () => ''),
    urlParse: fn('string', (text: string) => {
      let url: URL
      try { url = new URL(text) } catch { return { scheme: '', host: '', hostname: '', path: text, query: '', opaque: '', fragment: '', userinfo: '' } }
      return { scheme: url.protocol.slice(0, -1), host: url.host, hostname: url.hostname, path: url.pathname === '/' && !/\/\/[^/]*\//.test(text) ? '' : url.pathname, query: url.search.slice(1), opaque: '', fragment: url.hash.slice(1), userinfo: url.username ? url.username + (url.password ? `:${url.password}` : '') : '' }
    }),
    urlJoin: fn(map, (of: GoMap) => {
      const part = (key: string) => textValueOf(of[key] ?? '')
      return `${part('scheme') ? `${part('scheme')}:` : ''}${part('host') || part('userinfo') ? `//${part('userinfo') ? `${part('userinfo')}@` : ''}${part('host')}` : part('opaque')}${part('path')}${part('query') ? `?${part('query')}` : ''}${part('fragment') ? `#${part('fragment')}` : ''}`
    }),
  })
  both('toJson', fn('any', (value) => jsonText(value)))
  both('toRawJson', fn('any', (value) => jsonText(value, '', false)))
  both('deepCopy', fn('any', (value) => { if (isNil(value)) throw new Error('reflect: call of reflect.Value.Type on zero Value'); return copyValues(value) }))
  both('compact', fn('any', (value) => listOf(value, 'compact').filter((item) => !isEmpty(item))))
  both('append', fn('any, any', (value, item) => [...listOf(value, 'push'), item]))
  both('prepend', fn('any, any', (value, item) => [item, ...listOf(value, 'prepend')]))
  both('first', fn('any', (value) => listOf(value, 'find first')[0] ?? null))
  both('last', fn('any', (value) => listOf(value, 'find last').at(-1) ?? null))
  both('rest', fn('any', (value) => listOf(value, 'find rest').slice(1)))
  both('initial', fn('any', (value) => listOf(value, 'find initial').slice(0, -1)))
  both('reverse', fn('any', (value) => [...listOf(value, 'find reverse')].reverse()))
  both('uniq', fn('any', (value) => listOf(value, 'find uniq').filter((item, i, list) => list.findIndex((other) => deepEqual(item, other)) === i)))
  both('without', fn('any, ...any', (value, ...items) => listOf(value, 'find without').filter((item) => !items.some((other) => deepEqual(item, other)))))
  both('has', fn('any, any', (item, value) => !isNil(value) && listOf(value, 'find has').some((other) => deepEqual(item, other))))
  both('slice', fn('any, ...any', (value, ...bounds) => {
    const list = listOf(value, 'slice')
    if (list.length === 0) return null
    const [from = 0, to = list.length] = bounds.map(toInt64)
    if (from < 0 || to > list.length || from > to) throw new Error('reflect.Value.Slice: slice index out of bounds')
    return list.slice(from, to)
  }))
  both('chunk', fn('int, any', (size: GoInt, value) => {
    const list = listOf(value, 'chunk')
    const chunks: unknown[][] = []
    for (let i = 0; i < list.length; i += size.value) chunks.push(list.slice(i, i + size.value))
    return chunks
  }))
  both('regexMatch', fn('string, string', (regex: string, text: string) => goRegex(regex).test(text)))
  regexBoth('regexFind', fn('string, string', (regex: string, text: string) => goRegex(regex).findAll(text, 1)[0] ?? ''))
  regexBoth('regexFindAll', fn('string, string, int', (regex: string, text: string, n: GoInt) => strings(goRegex(regex).findAll(text, n.value))))
  regexBoth('regexReplaceAll', fn('string, string, string', (regex: string, text: string, by: string) => goRegex(regex).replaceAll(text, by)))
  regexBoth('regexReplaceAllLiteral', fn('string, string, string', (regex: string, text: string, by: string) => goRegex(regex).replaceAllLiteral(text, by)))
  regexBoth('regexSplit', fn('string, string, int', (regex: string, text: string, n: GoInt) => strings(goRegex(regex).split(text, n.value))))
  out['regexMatch'] = fn('string, string', (regex: string, text: string) => { try { return goRegex(regex).test(text) } catch { return false } })

  const alias: Record<string, string> = {
    date_in_zone: 'dateInZone', date_modify: 'dateModify', must_date_modify: 'mustDateModify', trimall: 'trimAll', biggest: 'max', tuple: 'list', push: 'append', mustPush: 'mustAppend', mustMerge: 'merge', mustMergeOverwrite: 'mergeOverwrite',
  }
  for (const [name, of] of Object.entries(alias)) out[name] = out[of]!
  for (const name of ['derivePassword', 'encryptAES', 'decryptAES'])
    out[name] = fn('...any', () => { throw new Error('not available in Drydock') })
  return out
}
