/** IP addresses and ranges as text. k8s: apimachinery/pkg/util/validation/ip.go, net.ParseIP */
import { invalid, type Finding } from './findings.ts'

/** A parsed address: 4 or 16 bytes. */
export interface Ip {
  family: 4 | 6
  bytes: number[]
}

export function parseIp(text: string): Ip | undefined {
  const four = parseFour(text)
  if (four) return { family: 4, bytes: four }
  const six = parseSix(text)
  if (!six) return undefined
  return { family: 6, bytes: six }
}

function parseFour(text: string): number[] | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  const bytes: number[] = []
  for (const part of parts) {
    if (!/^(?:0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined
    bytes.push(Number(part))
  }
  return bytes
}

function parseSix(text: string): number[] | undefined {
  let rest = text
  const tail: number[] = []
  const dot = rest.lastIndexOf(':')
  if (rest.includes('.')) {
    const four = parseFour(rest.slice(dot + 1))
    if (!four || dot < 0) return undefined
    tail.push((four[0]! << 8) | four[1]!, (four[2]! << 8) | four[3]!)
    rest = rest.slice(0, dot + 1) + '0:0'
  }
  const halves = rest.split('::')
  if (halves.length > 2) return undefined
  const groups = (half: string): number[] | undefined => {
    if (half === '') return []
    const out: number[] = []
    for (const part of half.split(':')) {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined
      out.push(parseInt(part, 16))
    }
    return out
  }
  const head = groups(halves[0]!)
  const end = halves.length === 2 ? groups(halves[1]!) : []
  if (!head || !end) return undefined
  const missing = 8 - head.length - end.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined
  const words = [...head, ...new Array<number>(halves.length === 2 ? missing : 0).fill(0), ...end]
  if (tail.length > 0) words.splice(6, 2, ...tail)
  return words.flatMap((word) => [word >> 8, word & 255])
}

/** The canonical text of an address. */
export function ipText({ family, bytes }: Ip): string {
  if (family === 4) return bytes.join('.')
  const words: number[] = []
  for (let i = 0; i < 16; i += 2) words.push((bytes[i]! << 8) | bytes[i + 1]!)
  let best = -1
  let length = 1
  for (let i = 0; i < 8; i++) {
    let run = 0
    while (i + run < 8 && words[i + run] === 0) run++
    if (run > length) {
      best = i
      length = run
    }
  }
  const hex = (list: number[]) => list.map((word) => word.toString(16)).join(':')
  return best < 0 ? hex(words) : `${hex(words.slice(0, best))}::${hex(words.slice(best + length))}`
}

/** A range: address and prefix length. */
export interface Cidr {
  ip: Ip
  prefix: number
}

export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/')
  if (slash < 0) return undefined
  const ip = parseIp(text.slice(0, slash))
  const length = text.slice(slash + 1)
  if (!ip || !/^(?:0|[1-9]\d{0,2})$/.test(length)) return undefined
  const prefix = Number(length)
  return prefix <= ip.bytes.length * 8 ? { ip, prefix } : undefined
}

/** Whether a range holds an address. */
export function cidrContains(cidr: Cidr, ip: Ip): boolean {
  if (cidr.ip.family !== ip.family) return false
  for (let bit = 0; bit < cidr.prefix; bit++) {
    const mask = 128 >> (bit & 7)
    if ((cidr.ip.bytes[bit >> 3]! & mask) !== (ip.bytes[bit >> 3]! & mask)) return false
  }
  return true
}

/** As parseIp, but numbers may begin with zeros, as they could once. k8s: k8s.io/utils/net ParseIPSloppy */
function parseSloppyIp(text: string): Ip | undefined {
  const at = text.lastIndexOf(':') + 1
  return parseIp(text.includes('.') ? text.slice(0, at) + text.slice(at).replace(/(^|\.)0+(?=\d)/g, '$1') : text)
}

/** k8s: k8s.io/utils/net ParseCIDRSloppy */
export function parseSloppyCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/')
  const ip = slash < 0 ? undefined : parseSloppyIp(text.slice(0, slash))
  return ip && parseCidr(`${ipText(ip)}/${text.slice(slash + 1).replace(/^0+(?=\d)/, '')}`)
}

/** An IPv4 address in the form of an IPv6 one: `::ffff:1.2.3.4`. */
export function isMapped({ family, bytes }: Ip): boolean {
  return family === 6 && bytes.every((byte, i) => i >= 12 || byte === (i < 10 ? 0 : 255))
}

/** As Go's net package takes an address: mapped ones as what they stand for. */
export function plainIp(ip: Ip): Ip {
  return isMapped(ip) ? { family: 4, bytes: ip.bytes.slice(12) } : ip
}

/** k8s: IsValidIPForLegacyField; StrictIPCIDRValidation is on by default */
export function validateIp(value: string, at: string): Finding[] {
  return ipProblems(value).map((problem) => invalid(at, value, problem))
}

function ipProblems(value: string): string[] {
  const ip = parseIp(value)
  if (ip) return isMapped(ip) ? ['must not be an IPv4-mapped IPv6 address'] : []
  return [parseSloppyIp(value) ? 'must not have leading 0s' : 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']
}

/** Problems of a text that must be an address in canonical form. k8s: IsValidIP */
export function validateCanonicalIp(value: string): string[] {
  const problems = ipProblems(value)
  if (problems.length > 0) return problems
  const canonical = ipText(parseIp(value)!)
  return canonical === value ? [] : [`must be in canonical form (${JSON.stringify(canonical)})`]
}

/** What is said of addresses that are let in but not as they should be written. k8s: GetWarningsForIP */
export function ipWarnings(value: string, at: string): string[] {
  const sloppy = parseSloppyIp(value)
  if (!sloppy) return []
  const ip = parseIp(value)
  if (!ip || isMapped(ip)) return [`${at}: non-standard IP address ${JSON.stringify(value)} is invalid: use ${JSON.stringify(ipText(plainIp(sloppy)))}`]
  const canonical = ipText(ip)
  return ip.family === 6 && canonical !== value ? [`${at}: IPv6 address ${JSON.stringify(value)} should be in RFC 5952 canonical format (${JSON.stringify(canonical)})`] : []
}

/** {@link ipWarnings} of the addresses that a load balancer reported. k8s: WarningsOnUpdate of the status of Services and Ingresses */
export function ingressIpWarnings({ status }: { status?: { loadBalancer?: { ingress?: readonly { ip?: string }[] } } }): string[] {
  return (status?.loadBalancer?.ingress ?? []).flatMap(({ ip = '' }, i) => ipWarnings(ip, `status.loadBalancer.ingress[${i}]`))
}

/** k8s: IsValidCIDRForLegacyField; StrictIPCIDRValidation is on by default. `canonical`: other spellings are refused too (IsValidCIDR). */
export function validateCidr(value: string, at: string, { canonical = false } = {}): Finding[] {
  const cidr = parseCidr(value)
  if (!cidr) return [invalid(at, value, parseSloppyCidr(value) ? 'must not have leading 0s in IP or prefix length' : 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)')]
  if (isMapped(cidr.ip)) return [invalid(at, value, 'must not have an IPv4-mapped IPv6 address')]
  if (hasHostBits(cidr)) return [invalid(at, value, 'must not have bits set beyond the prefix length')]
  const text = cidrText(cidr)
  return canonical && text !== value ? [invalid(at, value, `must be in canonical form (${JSON.stringify(text)})`)] : []
}

/** An address with the length of its network's prefix, in canonical form. k8s: apimachinery validation IsValidInterfaceAddress */
export function validateInterfaceAddress(value: string, at: string): Finding[] {
  const slash = value.lastIndexOf('/')
  const [ip, cidr] = [parseSloppyIp(value.slice(0, slash)), parseSloppyCidr(value)]
  if (slash < 0 || !ip || !cidr) return [invalid(at, value, 'must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)')]
  const mapped = isMapped(ip)
  const canonical = `${ipText(plainIp(ip))}/${Number(value.slice(slash + 1)) - (mapped && Number(value.slice(slash + 1)) > 32 ? 96 : 0)}`
  return value === canonical ? [] : [invalid(at, value, `must be in canonical form (${JSON.stringify(canonical)})`)]
}

/** What is said of valid ranges that are not written as they should be. k8s: GetWarningsForCIDR */
export function cidrWarnings(value: string, at: string): string[] {
  const cidr = parseCidr(value)
  const canonical = cidr && cidrText(cidr)
  return cidr?.ip.family === 6 && canonical !== value ? [`${at}: IPv6 CIDR value ${JSON.stringify(value)} should be in RFC 5952 canonical format (${JSON.stringify(canonical)})`] : []
}

function hasHostBits({ ip, prefix }: Cidr): boolean {
  return ip.bytes.some((byte, i) => (byte & (255 >> Math.min(8, Math.max(0, prefix - i * 8)))) !== 0)
}

function cidrText({ ip, prefix }: Cidr): string {
  return `${ipText(ip)}/${prefix}`
}

/** Addresses that can't be endpoints. k8s: ValidateEndpointIP */
export function validateNonSpecialIp(value: string, at: string): Finding[] {
  const parsed = parseSloppyIp(value)
  if (!parsed) return [invalid(at, value, 'must be a valid IP address')]
  const { family, bytes } = plainIp(parsed)
  const findings: Finding[] = []
  const zero = bytes.every((byte) => byte === 0)
  if (zero) findings.push(invalid(at, value, `may not be unspecified (${value})`))
  if (family === 4 ? bytes[0] === 127 : bytes.slice(0, 15).every((byte) => byte === 0) && bytes[15] === 1) findings.push(invalid(at, value, 'may not be in the loopback range (127.0.0.0/8, ::1/128)'))
  if (family === 4 ? bytes[0] === 169 && bytes[1] === 254 : bytes[0] === 0xfe && (bytes[1]! & 0xc0) === 0x80) findings.push(invalid(at, value, 'may not be in the link-local range (169.254.0.0/16, fe80::/10)'))
  if (family === 4 ? bytes[0] === 224 && bytes[1] === 0 && bytes[2] === 0 : bytes[0] === 0xff && (bytes[1]! & 0xf) === 2) findings.push(invalid(at, value, 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)'))
  return findings
}
