/** Addresses and ranges of expressions. k8s: apiserver/pkg/cel/library/{ip,cidr}.go, net/netip */
import { cidrContains, ipText, isMapped, parseIp, type Ip } from '../ip.ts'
import type { CelOpaque } from './cel-values.ts'

/** An address. */
export class CelIp implements CelOpaque {
  readonly celType = 'net.IP'
  readonly ip: Ip
  constructor(ip: Ip) {
    this.ip = ip
  }
  get text(): string {
    return ipText(this.ip)
  }
  equals(other: unknown): boolean {
    return other instanceof CelIp && other.text === this.text
  }
}

/** A range, with the address it was written with. */
export class CelCidr implements CelOpaque {
  readonly celType = 'net.CIDR'
  readonly address: Ip
  readonly prefix: number
  constructor(address: Ip, prefix: number) {
    this.address = address
    this.prefix = prefix
  }
  get text(): string {
    return `${ipText(this.address)}/${this.prefix}`
  }
  contains(ip: Ip): boolean {
    return cidrContains({ ip: this.address, prefix: this.prefix }, ip)
  }
  get masked(): CelCidr {
    const bytes = this.address.bytes.map((byte, i) => byte & (0xff << (8 - Math.min(8, Math.max(0, this.prefix - i * 8)))) & 0xff)
    return new CelCidr({ ...this.address, bytes }, this.prefix)
  }
  equals(other: unknown): boolean {
    return other instanceof CelCidr && other.text === this.text
  }
}

/** netip.ParseAddr's words for what is no address. */
function addressProblem(text: string): string {
  const kind = /[.:%]/.exec(text)?.[0]
  if (kind === '.') return fourProblem(text)
  if (kind === '%') return 'missing IPv6 address'
  if (kind === undefined) return 'unable to parse IP'
  return sixProblem(text)
}

function fourProblem(text: string): string {
  let [value, digits, fields] = [0, 0, 0]
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!
    if (/\d/.test(char)) {
      if (digits === 1 && value === 0) return 'IPv4 field has octet with leading zero'
      value = value * 10 + Number(char)
      digits++
      if (value > 255) return 'IPv4 field has value >255'
    } else if (char === '.') {
      if (i === 0 || i === text.length - 1 || text[i - 1] === '.') return `IPv4 field must have at least one digit (at ${JSON.stringify(text.slice(i))})`
      if (fields === 3) return 'IPv4 address too long'
      fields++
      ;[value, digits] = [0, 0]
    } else return `unexpected character (at ${JSON.stringify(text.slice(i))})`
  }
  return 'IPv4 address too short'
}

function sixProblem(text: string): string {
  let rest = text.startsWith('::') ? text.slice(2) : text
  let ellipsis = text.startsWith('::')
  const at = () => ` (at ${JSON.stringify(rest)})`
  for (let field = 0; field < 8; field++) {
    const digits = /^[0-9a-fA-F]*/.exec(rest)![0]
    if (digits === '') return `each colon-separated field must have at least one digit${at()}`
    if (digits.length > 4) return `each group must have 4 or less digits${at()}`
    if (rest[digits.length] === '.') return 'invalid embedded IPv4'
    rest = rest.slice(digits.length)
    if (rest === '') return ellipsis ? 'the :: must expand to at least one field of zeros' : 'address string too short'
    if (!rest.startsWith(':')) return `unexpected character, want colon${at()}`
    if (rest === ':') return `colon must be followed by more characters${at()}`
    rest = rest.slice(1)
    if (!rest.startsWith(':')) continue
    if (ellipsis) return `multiple :: in address${at()}`
    ellipsis = true
    rest = rest.slice(1)
    if (rest === '') break
  }
  return `trailing garbage after address${at()}`
}

/** @throws Error in upstream's words. */
export function celIp(text: string): CelIp {
  const zone = text.indexOf('%')
  const ip = parseIp(zone > 0 ? text.slice(0, zone) : text)
  if (!ip || (zone > 0 && (ip.family === 4 || zone === text.length - 1))) throw new Error(`IP Address ${JSON.stringify(text)} parse error during conversion from string: ParseAddr(${JSON.stringify(text)}): ${addressProblem(text)}`)
  if (zone > 0) throw new Error(`IP address ${JSON.stringify(text)} with zone value is not allowed`)
  if (isMapped(ip)) throw new Error(`IPv4-mapped IPv6 address ${JSON.stringify(text)} is not allowed`)
  return new CelIp(ip)
}

/** @throws Error in upstream's words. */
export function celCidr(text: string): CelCidr {
  const fail = (problem: string): never => {
    throw new Error(`network address parse error during conversion from string: network address parse error during conversion from string: netip.ParsePrefix(${JSON.stringify(text)}): ${problem}`)
  }
  const slash = text.lastIndexOf('/')
  if (slash < 0) return fail("no '/'")
  const address = text.slice(0, slash)
  const ip = parseIp(address)
  if (!ip) return fail(address.includes('%') ? 'IPv6 zones cannot be present in a prefix' : `ParseAddr(${JSON.stringify(address)}): ${addressProblem(address)}`)
  const bits = text.slice(slash + 1)
  if (bits.length > 1 && !/^[1-9]/.test(bits)) return fail(`bad bits after slash: ${JSON.stringify(bits)}`)
  if (!/^\d+$/.test(bits)) return fail(`bad bits after slash: ${JSON.stringify(bits)}`)
  if (Number(bits) > ip.bytes.length * 8) return fail('prefix length out of range')
  if (isMapped(ip)) throw new Error(`network address parse error during conversion from string: IPv4-mapped IPv6 address ${JSON.stringify(text)} is not allowed`)
  return new CelCidr(ip, Number(bits))
}
