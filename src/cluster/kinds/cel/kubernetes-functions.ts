/** What Kubernetes adds to the language. k8s: apiserver/pkg/cel/library, cel-go/ext (strings, sets, lists) */
import { Optional, type Environment } from '@marcbachmann/cel-js'
import { goPattern } from '../go-pattern.ts'
import { cidrContains, ipText, parseCidr, parseIp, type Cidr, type Ip } from '../ip.ts'
import { dns1035LabelProblems, dnsLabelProblems, dnsSubdomainProblems, labelKeyProblems, labelValueProblems } from '../names.ts'
import { addQuantities, compareQuantities, parseQuantity, quantityMilliValue, quantityValue, subQuantities } from '../quantity.ts'
import { hasFormat } from '../structural/formats.ts'

/** A quantity, as rules handle it. */
export class CelQuantity {
  readonly text: string
  constructor(text: string) {
    parseQuantity(text)
    this.text = text
  }
}

class CelUrl {
  readonly url: URL
  readonly text: string
  constructor(text: string) {
    // Only what could stand in a request: absolute, or a path.
    this.url = new URL(text.startsWith('/') ? `relative://relative${text}` : text)
    this.text = text
  }
  get isRelative(): boolean {
    return this.text.startsWith('/')
  }
}

class CelIp {
  readonly ip: Ip
  constructor(text: string) {
    const ip = parseIp(text)
    if (!ip || text.includes('%')) throw new Error(`IP Address ${JSON.stringify(text)} parse error during conversion from string: ParseAddr(${JSON.stringify(text)}): unable to parse IP`)
    this.ip = ip
  }
}

class CelCidr {
  readonly cidr: Cidr
  readonly address: Ip
  readonly prefix: number
  constructor(text: string) {
    const cidr = parseCidr(text)
    if (!cidr) throw new Error(`network address parse error during conversion from string: netip.ParsePrefix(${JSON.stringify(text)}): no '/'`)
    this.cidr = cidr
    this.address = parseIp(text.slice(0, text.indexOf('/')))!
    this.prefix = Number(text.slice(text.indexOf('/') + 1))
  }
}

class CelFormat {
  readonly name: string
  readonly problems: (text: string) => readonly string[]
  constructor(name: string, problems: (text: string) => readonly string[]) {
    this.name = name
    this.problems = problems
  }
}

class CelSemver {
  readonly major: bigint
  readonly minor: bigint
  readonly patch: bigint
  readonly pre: readonly string[]
  constructor(text: string, normalize = false) {
    let given = text
    if (normalize) {
      given = given.replace(/^v/, '').replace(/^(\d+)(\.\d+)?(\.\d+)?/, (_, major: string, minor = '.0', patch = '.0') => `${BigInt(major)}${minor.replace(/^\.0+(?=\d)/, '.')}${patch.replace(/^\.0+(?=\d)/, '.')}`)
    }
    const match = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/.exec(given)
    if (!match) throw new Error(`No Major.Minor.Patch elements found`)
    this.major = BigInt(match[1]!)
    this.minor = BigInt(match[2]!)
    this.patch = BigInt(match[3]!)
    this.pre = match[4]?.split('.') ?? []
  }
  compare(other: CelSemver): number {
    for (const part of ['major', 'minor', 'patch'] as const) if (this[part] !== other[part]) return this[part] < other[part] ? -1 : 1
    if (this.pre.length === 0 || other.pre.length === 0) return this.pre.length === other.pre.length ? 0 : this.pre.length === 0 ? 1 : -1
    for (let i = 0; i < Math.max(this.pre.length, other.pre.length); i++) {
      const [a, b] = [this.pre[i], other.pre[i]]
      if (a === undefined || b === undefined) return a === undefined ? -1 : 1
      if (a === b) continue
      const [numberA, numberB] = [/^\d+$/.test(a), /^\d+$/.test(b)]
      if (numberA && numberB) return BigInt(a) < BigInt(b) ? -1 : 1
      if (numberA !== numberB) return numberA ? -1 : 1
      return a < b ? -1 : 1
    }
    return 0
  }
}

const masked = (text: string) => text.replace(/-$/, 'a')
const formatNamed = (name: string, whenBad: string) => (text: string) => hasFormat(text, name) ? [] : [whenBad]
const FORMATS: Record<string, CelFormat> = {
  dns1123Label: new CelFormat('DNS1123Label', dnsLabelProblems),
  dns1123Subdomain: new CelFormat('DNS1123Subdomain', dnsSubdomainProblems),
  dns1035Label: new CelFormat('DNS1035Label', dns1035LabelProblems),
  qualifiedName: new CelFormat('QualifiedName', labelKeyProblems),
  dns1123LabelPrefix: new CelFormat('DNS1123LabelPrefix', (text) => dnsLabelProblems(masked(text))),
  dns1123SubdomainPrefix: new CelFormat('DNS1123SubdomainPrefix', (text) => dnsSubdomainProblems(masked(text))),
  dns1035LabelPrefix: new CelFormat('DNS1035LabelPrefix', (text) => dns1035LabelProblems(masked(text))),
  labelValue: new CelFormat('LabelValue', labelValueProblems),
  uri: new CelFormat('URI', (text) => hasFormat(text, 'uri') ? [] : [`parse ${JSON.stringify(text)}: invalid URI for request`]),
  uuid: new CelFormat('uuid', formatNamed('uuid', 'does not match the UUID format')),
  byte: new CelFormat('byte', formatNamed('byte', 'invalid base64')),
  date: new CelFormat('date', formatNamed('date', 'invalid date')),
  datetime: new CelFormat('datetime', formatNamed('datetime', 'invalid datetime')),
}

/** Namespaces of functions are values of types of their own. */
class FormatNamespace {}
class SetsNamespace {}
class StringsNamespace {}
class ListsNamespace {}

const works = (make: () => unknown) => {
  try {
    make()
    return true
  } catch {
    return false
  }
}

/** Equality as the language has it, on the values that come up here. */
export function celEquals(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if ((typeof a === 'bigint' && typeof b === 'number') || (typeof a === 'number' && typeof b === 'bigint')) return a == b // eslint-disable-line eqeqeq
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => celEquals(item, b[i]))
  if (a instanceof Date || b instanceof Date) return a instanceof Date && b instanceof Date && a.getTime() === b.getTime()
  if (a instanceof CelQuantity || b instanceof CelQuantity) return a instanceof CelQuantity && b instanceof CelQuantity && compareQuantities(a.text, b.text) === 0
  const [left, right] = [Object.entries(a), b as Record<string, unknown>]
  return !Array.isArray(b) && left.length === Object.keys(right).length && left.every(([key, value]) => Object.hasOwn(right, key) && celEquals(value, right[key]))
}

const includes = (list: readonly unknown[], wanted: unknown) => list.some((item) => celEquals(item, wanted))

/** What comparing every element with every other costs. k8s: cel-go ext trackListSelfCompare */
export const comparingCost = (list: readonly unknown[]): number => 11 + 2 * list.length ** 2

type Charge = (cost: number) => void
type Adder = (signature: string, handler: (...args: never[]) => unknown) => void

/** Registers all of it. */
export function addKubernetesFunctions(env: Environment, charge: Charge): void {
  const add: Adder = (signature, handler) => { env.registerFunction(signature, handler as never) }
  const type = (name: string, of: unknown) => env.registerType(name, of as never)
  const namespace = (name: string, typeName: string, of: new () => object) => {
    type(typeName, of)
    env.registerConstant(name, typeName, new of() as never)
  }
  addQuantity(add, type)
  addText(add)
  namespace('strings', 'StringsNamespace', StringsNamespace)
  add('StringsNamespace.quote(string): string', (_: unknown, text: string) => JSON.stringify(text))
  addLists(add, charge)
  namespace('lists', 'ListsNamespace', ListsNamespace)
  add('ListsNamespace.range(int): list<int>', (_: unknown, n: bigint) => {
    charge(Math.max(Number(n), 0))
    return Array.from({ length: Number(n) }, (_, i) => BigInt(i))
  })
  namespace('sets', 'SetsNamespace', SetsNamespace)
  add('SetsNamespace.contains(list, list): bool', (_: unknown, all: unknown[], some: unknown[]) => {
    charge(all.length * some.length)
    return some.every((item) => includes(all, item))
  })
  add('SetsNamespace.equivalent(list, list): bool', (_: unknown, a: unknown[], b: unknown[]) => {
    charge(2 * a.length * b.length)
    return a.every((item) => includes(b, item)) && b.every((item) => includes(a, item))
  })
  add('SetsNamespace.intersects(list, list): bool', (_: unknown, a: unknown[], b: unknown[]) => {
    charge(a.length * b.length)
    return a.some((item) => includes(b, item))
  })
  addNetwork(add, type)
  addUrls(add, type)
  type('kubernetes.NamedFormat', CelFormat)
  namespace('format', 'FormatNamespace', FormatNamespace)
  add('FormatNamespace.named(string): optional', (_: unknown, name: string) => Object.hasOwn(FORMATS, name) ? Optional.of(FORMATS[name]) : Optional.none())
  for (const [name, format] of Object.entries(FORMATS)) add(`FormatNamespace.${name}(): kubernetes.NamedFormat`, () => format)
  add('kubernetes.NamedFormat.validate(string): optional', (format: CelFormat, text: string) => {
    const problems = format.problems(text)
    return problems.length === 0 ? Optional.none() : Optional.of([...problems])
  })
  addSemver(add, type)
}

function addQuantity(add: Adder, type: (name: string, of: unknown) => void): void {
  type('kubernetes.Quantity', CelQuantity)
  const whole = (n: bigint) => String(n)
  add('quantity(string): kubernetes.Quantity', (text: string) => new CelQuantity(text))
  add('isQuantity(string): bool', (text: string) => works(() => parseQuantity(text)))
  add('kubernetes.Quantity.isGreaterThan(kubernetes.Quantity): bool', (a: CelQuantity, b: CelQuantity) => compareQuantities(a.text, b.text) > 0)
  add('kubernetes.Quantity.isLessThan(kubernetes.Quantity): bool', (a: CelQuantity, b: CelQuantity) => compareQuantities(a.text, b.text) < 0)
  add('kubernetes.Quantity.compareTo(kubernetes.Quantity): int', (a: CelQuantity, b: CelQuantity) => BigInt(compareQuantities(a.text, b.text)))
  add('kubernetes.Quantity.add(kubernetes.Quantity): kubernetes.Quantity', (a: CelQuantity, b: CelQuantity) => new CelQuantity(addQuantities(a.text, b.text)))
  add('kubernetes.Quantity.add(int): kubernetes.Quantity', (a: CelQuantity, b: bigint) => new CelQuantity(addQuantities(a.text, whole(b))))
  add('kubernetes.Quantity.sub(kubernetes.Quantity): kubernetes.Quantity', (a: CelQuantity, b: CelQuantity) => new CelQuantity(subQuantities(a.text, b.text)))
  add('kubernetes.Quantity.sub(int): kubernetes.Quantity', (a: CelQuantity, b: bigint) => new CelQuantity(subQuantities(a.text, whole(b))))
  const isInteger = (a: CelQuantity) => parseQuantity(a.text).nanos % 1_000_000_000n === 0n
  add('kubernetes.Quantity.asInteger(): int', (a: CelQuantity) => {
    if (!isInteger(a)) throw new Error('cannot convert value to integer')
    return BigInt(quantityValue(a.text))
  })
  add('kubernetes.Quantity.asApproximateFloat(): double', (a: CelQuantity) => quantityMilliValue(a.text) / 1000)
  add('kubernetes.Quantity.isInteger(): bool', isInteger)
  add('kubernetes.Quantity.sign(): int', (a: CelQuantity) => { const { nanos } = parseQuantity(a.text); return nanos > 0n ? 1n : nanos < 0n ? -1n : 0n })
}

function addText(add: Adder): void {
  const at = (text: string, index: bigint) => [...text][Number(index)]
  add('string.charAt(int): string', (text: string, index: bigint) => {
    const length = [...text].length
    if (index < 0n || Number(index) > length) throw new Error(`index out of range: ${index}`)
    return at(text, index) ?? ''
  })
  add('string.replace(string, string): string', (text: string, old: string, next: string) => text.split(old).join(next))
  add('string.replace(string, string, int): string', (text: string, old: string, next: string, times: bigint) => {
    const parts = text.split(old)
    if (times < 0n) return parts.join(next)
    const n = Number(times)
    return parts.slice(0, n + 1).join(next) + parts.slice(n + 1).map((part) => old + part).join('')
  })
  add('string.format(list): string', formatted)
  add('string.find(string): string', (text: string, pattern: string) => goPattern(pattern).find(text) ?? '')
  const findAll = (text: string, pattern: string, limit: bigint) => goPattern(pattern).findAll(text, limit < 0n ? undefined : Number(limit))
  add('string.findAll(string): list<string>', (text: string, pattern: string) => findAll(text, pattern, -1n))
  add('string.findAll(string, int): list<string>', findAll)
}

/** k8s: cel-go/ext/formatting.go */
function formatted(template: string, args: readonly unknown[]): string {
  let next = 0
  return template.replace(/%(?:%|(?:\.(\d+))?([sdfeboxX]))/g, (all, precision: string | undefined, verb: string | undefined) => {
    if (verb === undefined) return '%'
    if (next >= args.length) throw new Error(`index ${next} out of range`)
    const value = args[next++]
    const digits = precision === undefined ? 6 : Number(precision)
    switch (verb) {
      case 's': return shownText(value)
      case 'd': return String(value)
      case 'f': return Number(value).toFixed(digits)
      case 'e': return Number(value).toExponential(digits).replace(/e([+-])(\d)$/, 'e$10$2')
      case 'b': return typeof value === 'boolean' ? (value ? '1' : '0') : BigInt(value as bigint).toString(2)
      case 'o': return BigInt(value as bigint).toString(8)
      default: {
        const hex = typeof value === 'string' ? [...new TextEncoder().encode(value)].map((byte) => byte.toString(16).padStart(2, '0')).join('') : BigInt(value as bigint).toString(16)
        return verb === 'X' ? hex.toUpperCase() : hex
      }
    }
  })
}

function shownText(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (Array.isArray(value)) return `[${value.map(shownText).join(', ')}]`
  if (value instanceof Date) return value.toISOString().replace(/\.000Z$/, 'Z')
  if (value instanceof Uint8Array) return new TextDecoder().decode(value)
  if (typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) return `{${Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => `${key}: ${shownText(inner)}`).join(', ')}}`
  return String(value)
}

function isZero(value: unknown): boolean {
  if (value === null || typeof value !== 'object') return !value
  return Array.isArray(value) ? value.length === 0 : value instanceof Map ? value.size === 0 : Object.getPrototypeOf(value) === Object.prototype && Object.keys(value).length === 0
}

function addLists(add: Adder, charge: Charge): void {
  const compare = (a: never, b: never) => (a < b ? -1 : a > b ? 1 : 0)
  const some = (list: readonly never[], name: string) => {
    if (list.length === 0) throw new Error(`${name} called on empty list`)
    return list
  }
  add('list.isSorted(): bool', (list: readonly never[]) => list.every((item, i) => i === 0 || compare(list[i - 1]!, item) <= 0))
  add('list.sum(): dyn', (list: readonly (bigint | number)[]) => list.reduce((sum: never, item) => (sum as never) + (item as never) as never, (typeof list[0] === 'number' ? 0 : 0n) as never))
  add('list.min(): dyn', (list: readonly never[]) => some(list, 'min').reduce((least, item) => (compare(item, least) < 0 ? item : least)))
  add('list.max(): dyn', (list: readonly never[]) => some(list, 'max').reduce((most, item) => (compare(item, most) > 0 ? item : most)))
  add('list.indexOf(dyn): int', (list: readonly unknown[], wanted: unknown) => BigInt(list.findIndex((item) => celEquals(item, wanted))))
  add('list.lastIndexOf(dyn): int', (list: readonly unknown[], wanted: unknown) => BigInt(list.findLastIndex((item) => celEquals(item, wanted))))
  add('list.slice(int, int): list', (list: readonly unknown[], start: bigint, end: bigint) => {
    if (start < 0n || end < 0n) throw new Error(`cannot slice(${start}, ${end}), negative indexes not supported`)
    if (start > end) throw new Error(`cannot slice(${start}, ${end}), start index must be less than or equal to end index`)
    if (Number(end) > list.length) throw new Error(`cannot slice(${start}, ${end}), list is length ${list.length}`)
    return list.slice(Number(start), Number(end))
  })
  const flatten = (list: readonly unknown[], depth: bigint) => {
    if (depth < 0n) throw new Error('level must be non-negative')
    return (list as unknown[]).flat(Number(depth))
  }
  add('list.flatten(): list', (list: readonly unknown[]) => flatten(list, 1n))
  add('list.flatten(int): list', flatten)
  add('list.distinct(): list', (list: readonly unknown[]) => {
    charge(comparingCost(list))
    return list.filter((item, i) => list.findIndex((other) => celEquals(item, other)) === i)
  })
  add('list.reverse(): list', (list: readonly unknown[]) => [...list].reverse())
  add('list.sort(): list', (list: readonly never[]) => {
    charge(comparingCost(list))
    return [...list].sort(compare)
  })
  const optional = (list: readonly unknown[], i: number) => list.length > 0 ? Optional.of(list.at(i)) : Optional.none()
  add('list.first(): optional', (list: readonly unknown[]) => optional(list, 0))
  add('list.last(): optional', (list: readonly unknown[]) => optional(list, -1))
  const unwrap = (list: readonly unknown[]) => list.flatMap((item) => {
    if (!(item instanceof Optional)) throw new Error(`value ${String(item)} is not optional`)
    return item.hasValue() ? [item.value()] : []
  })
  add('list.unwrapOpt(): list', unwrap)
  add('OptionalNamespace.unwrap(list): list', (_: unknown, list: readonly unknown[]) => unwrap(list))
  add('OptionalNamespace.ofNonZeroValue(dyn): optional<dyn>', (_: unknown, value: unknown) => isZero(value) ? Optional.none() : Optional.of(value))
}

function addNetwork(add: Adder, type: (name: string, of: unknown) => void): void {
  type('net.IP', CelIp)
  type('net.CIDR', CelCidr)
  const bits = (ip: Ip) => ip.bytes
  const is4 = (ip: Ip) => ip.family === 4
  add('ip(string): net.IP', (text: string) => new CelIp(text))
  add('isIP(string): bool', (text: string) => works(() => new CelIp(text)))
  add('net.IP.family(): int', ({ ip }: CelIp) => BigInt(ip.family))
  add('net.IP.isUnspecified(): bool', ({ ip }: CelIp) => bits(ip).every((byte) => byte === 0))
  const isLoopback = (ip: Ip) => is4(ip) ? bits(ip)[0] === 127 : bits(ip).every((byte, i) => byte === (i === 15 ? 1 : 0))
  const isMulticast = (ip: Ip) => is4(ip) ? bits(ip)[0]! >> 4 === 0xe : bits(ip)[0] === 0xff
  const isLinkLocalMulticast = (ip: Ip) => is4(ip) ? bits(ip)[0] === 224 && bits(ip)[1] === 0 && bits(ip)[2] === 0 : bits(ip)[0] === 0xff && (bits(ip)[1]! & 0x0f) === 2
  const isLinkLocalUnicast = (ip: Ip) => is4(ip) ? bits(ip)[0] === 169 && bits(ip)[1] === 254 : bits(ip)[0] === 0xfe && (bits(ip)[1]! & 0xc0) === 0x80
  add('net.IP.isLoopback(): bool', ({ ip }: CelIp) => isLoopback(ip))
  add('net.IP.isLinkLocalMulticast(): bool', ({ ip }: CelIp) => isLinkLocalMulticast(ip))
  add('net.IP.isLinkLocalUnicast(): bool', ({ ip }: CelIp) => isLinkLocalUnicast(ip))
  add('net.IP.isGlobalUnicast(): bool', ({ ip }: CelIp) => !(is4(ip) && bits(ip).every((byte) => byte === 255)) && !bits(ip).every((byte) => byte === 0) && !isLoopback(ip) && !isMulticast(ip) && !isLinkLocalUnicast(ip))
  add('string(net.IP): string', ({ ip }: CelIp) => ipText(ip))
  add('cidr(string): net.CIDR', (text: string) => new CelCidr(text))
  add('isCIDR(string): bool', (text: string) => works(() => new CelCidr(text)))
  add('net.CIDR.containsIP(net.IP): bool', ({ cidr }: CelCidr, { ip }: CelIp) => cidrContains(cidr, ip))
  add('net.CIDR.containsIP(string): bool', ({ cidr }: CelCidr, text: string) => cidrContains(cidr, new CelIp(text).ip))
  const containsCidr = (outer: CelCidr, inner: CelCidr) => outer.address.family === inner.address.family && outer.prefix <= inner.prefix && cidrContains(outer.cidr, inner.address)
  add('net.CIDR.containsCIDR(net.CIDR): bool', containsCidr)
  add('net.CIDR.containsCIDR(string): bool', (outer: CelCidr, inner: string) => containsCidr(outer, new CelCidr(inner)))
  add('net.CIDR.ip(): net.IP', ({ address }: CelCidr) => new CelIp(ipText(address)))
  add('net.CIDR.prefixLength(): int', ({ prefix }: CelCidr) => BigInt(prefix))
  add('net.CIDR.masked(): net.CIDR', ({ address, prefix }: CelCidr) => {
    const bytes = bits(address).map((byte, i) => { const left = Math.min(8, Math.max(0, prefix - i * 8)); return byte & (0xff << (8 - left)) & 0xff })
    return new CelCidr(`${ipText({ ...address, bytes } as Ip)}/${prefix}`)
  })
  add('string(net.CIDR): string', ({ address, prefix }: CelCidr) => `${ipText(address)}/${prefix}`)
}

function addUrls(add: Adder, type: (name: string, of: unknown) => void): void {
  type('kubernetes.URL', CelUrl)
  add('url(string): kubernetes.URL', (text: string) => {
    if (!hasFormat(text, 'uri')) throw new Error(`URL parse error during conversion from string: parse ${JSON.stringify(text)}: invalid URI for request`)
    return new CelUrl(text)
  })
  add('isURL(string): bool', (text: string) => hasFormat(text, 'uri'))
  const host = (given: CelUrl) => given.isRelative ? '' : /^[^:]+:\/\/(?:[^@/?#]*@)?([^/?#]*)/.exec(given.text)?.[1] ?? ''
  const hostname = (given: CelUrl) => host(given).replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1')
  add('kubernetes.URL.getScheme(): string', (given: CelUrl) => given.isRelative ? '' : given.url.protocol.replace(/:$/, ''))
  add('kubernetes.URL.getHost(): string', host)
  add('kubernetes.URL.getHostname(): string', hostname)
  add('kubernetes.URL.getPort(): string', (given: CelUrl) => /:(\d*)$/.exec(host(given))?.[1] ?? '')
  add('kubernetes.URL.getEscapedPath(): string', (given: CelUrl) => /^(?:[^:]+:\/\/[^/?#]*)?([^?#]*)/.exec(given.text)?.[1] ?? '')
  add('kubernetes.URL.getQuery(): map<string, list<string>>', (given: CelUrl) => {
    const out: Record<string, string[]> = {}
    for (const [key, value] of given.url.searchParams) (out[key] ??= []).push(value)
    return out
  })
}

function addSemver(add: Adder, type: (name: string, of: unknown) => void): void {
  type('kubernetes.Semver', CelSemver)
  add('semver(string): kubernetes.Semver', (text: string) => new CelSemver(text))
  add('semver(string, bool): kubernetes.Semver', (text: string, normalize: boolean) => new CelSemver(text, normalize))
  add('isSemver(string): bool', (text: string) => works(() => new CelSemver(text)))
  add('isSemver(string, bool): bool', (text: string, normalize: boolean) => works(() => new CelSemver(text, normalize)))
  add('kubernetes.Semver.major(): int', (version: CelSemver) => version.major)
  add('kubernetes.Semver.minor(): int', (version: CelSemver) => version.minor)
  add('kubernetes.Semver.patch(): int', (version: CelSemver) => version.patch)
  add('kubernetes.Semver.isLessThan(kubernetes.Semver): bool', (a: CelSemver, b: CelSemver) => a.compare(b) < 0)
  add('kubernetes.Semver.isGreaterThan(kubernetes.Semver): bool', (a: CelSemver, b: CelSemver) => a.compare(b) > 0)
  add('kubernetes.Semver.compareTo(kubernetes.Semver): int', (a: CelSemver, b: CelSemver) => BigInt(a.compare(b)))
}
