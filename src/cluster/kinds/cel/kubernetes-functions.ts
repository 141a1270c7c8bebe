/** What Kubernetes adds to the language. k8s: apiserver/pkg/cel/library */
import type { Ip } from '../ip.ts'
import { dns1035LabelProblems, dnsLabelProblems, dnsSubdomainProblems, labelKeyProblems, labelValueProblems } from '../names.ts'
import { addQuantities, compareQuantities, parseQuantity, quantityMilliValue, quantityValue, subQuantities } from '../quantity.ts'
import { hasFormat } from '../structural/formats.ts'
import { CelCidr, celCidr, CelIp, celIp } from './cel-network.ts'
import type { RuntimeFunction } from './cel-runtime-functions.ts'
import { CelSemver } from './cel-semver.ts'
import { CelUrl } from './cel-url.ts'
import { CelOptional, type CelOpaque } from './cel-values.ts'

/** Whether Go keeps a quantity as a whole number: what is written with a fraction or a large binary unit it doesn't. k8s: Quantity.AsInt64 */
function isKeptWhole(text: string): boolean {
  const match = /^[+-]?0*(\d*)(?:\.(\d*))?([KMGTPE]i)?(.*)$/.exec(text)!
  const [, whole = '', fraction = '', binary, unit = ''] = match
  if (binary !== undefined) {
    const exponent = 10 * (1 + 'KMGTPE'.indexOf(binary[0]!))
    return fraction === '' && 15 - whole.length - Math.trunc(exponent * 3 / 10) - 1 >= 0
  }
  if (/^[mun]$/.test(unit) || fraction !== '' || /^[eE]-/.test(unit)) return false
  return whole.length <= 18 && fitsInt64(text)
}

function fitsInt64(text: string): boolean {
  const number = parseQuantity(text).nanos / 1_000_000_000n
  return number < 2n ** 63n && number >= -(2n ** 63n)
}

/** A quantity, as rules handle it. */
export class CelQuantity implements CelOpaque {
  readonly celType = 'kubernetes.Quantity'
  readonly text: string
  readonly #isWhole: boolean | undefined
  /**
   * @param isWhole whether Go keeps it as a whole number, where its text doesn't say so: of numbers and sums
   * @throws QuantityError
   */
  constructor(text: string, isWhole?: boolean) {
    parseQuantity(text)
    this.text = text
    this.#isWhole = isWhole
  }
  /** Whether Go keeps it as a whole number. */
  get isWhole(): boolean {
    return this.#isWhole ?? isKeptWhole(this.text)
  }
  equals(other: unknown): boolean {
    return other instanceof CelQuantity && compareQuantities(this.text, other.text) === 0
  }
}

class CelFormat implements CelOpaque {
  readonly celType = 'kubernetes.NamedFormat'
  readonly name: string
  readonly problems: (text: string) => readonly string[]
  constructor(name: string, problems: (text: string) => readonly string[]) {
    this.name = name
    this.problems = problems
  }
  equals(other: unknown): boolean {
    return other instanceof CelFormat && other.name === this.name
  }
}

const problemOf = (make: () => unknown): string | undefined => {
  try {
    make()
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}
const works = (make: () => unknown) => problemOf(make) === undefined

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
  uri: new CelFormat('URI', (text) => [problemOf(() => new CelUrl(text))].filter((problem) => problem !== undefined)),
  uuid: new CelFormat('uuid', formatNamed('uuid', 'does not match the UUID format')),
  byte: new CelFormat('byte', formatNamed('byte', 'invalid base64')),
  date: new CelFormat('date', formatNamed('date', 'invalid date')),
  datetime: new CelFormat('datetime', formatNamed('datetime', 'invalid datetime')),
}

const QUANTITY = 'kubernetes.Quantity'
const URL_TYPE = 'kubernetes.URL'
const SEMVER = 'kubernetes.Semver'

const f = (name: string, types: string, run: RuntimeFunction[2]): RuntimeFunction => [name, types === '' ? [] : types.split(' '), run]

/** Sums of whole numbers stay such while they fit; with what Go keeps as a decimal they are decimals, whatever they come to. k8s: Quantity.Add, Quantity.Sub */
const sum = (of: typeof addQuantities, a: CelQuantity, b: CelQuantity): CelQuantity => {
  const text = of(a.text, b.text)
  return new CelQuantity(text, a.isWhole && b.isWhole && fitsInt64(text))
}
/** k8s: resource.NewQuantity */
const wholeQuantity = (value: bigint): CelQuantity => new CelQuantity(String(value), true)

const approximate = ({ text }: CelQuantity): number => {
  const { nanos } = parseQuantity(text)
  return nanos % 1_000_000n === 0n && nanos < 2n ** 53n * 1_000_000n ? quantityMilliValue(text) / 1000 : nanos % 1_000_000_000n === 0n ? Number(nanos / 1_000_000_000n) : Number(nanos) / 1e9
}

const quantities: readonly RuntimeFunction[] = [
  f('quantity', 'string', (_c, text: string) => new CelQuantity(text)),
  f('isQuantity', 'string', (_c, text: string) => works(() => parseQuantity(text))),
  f('isGreaterThan', `${QUANTITY} ${QUANTITY}`, (_c, a: CelQuantity, b: CelQuantity) => compareQuantities(a.text, b.text) > 0),
  f('isLessThan', `${QUANTITY} ${QUANTITY}`, (_c, a: CelQuantity, b: CelQuantity) => compareQuantities(a.text, b.text) < 0),
  f('compareTo', `${QUANTITY} ${QUANTITY}`, (_c, a: CelQuantity, b: CelQuantity) => BigInt(compareQuantities(a.text, b.text))),
  f('add', `${QUANTITY} ${QUANTITY}`, (_c, a: CelQuantity, b: CelQuantity) => sum(addQuantities, a, b)),
  f('add', `${QUANTITY} int`, (_c, a: CelQuantity, b: bigint) => sum(addQuantities, a, wholeQuantity(b))),
  f('sub', `${QUANTITY} ${QUANTITY}`, (_c, a: CelQuantity, b: CelQuantity) => sum(subQuantities, a, b)),
  f('sub', `${QUANTITY} int`, (_c, a: CelQuantity, b: bigint) => sum(subQuantities, a, wholeQuantity(b))),
  f('asInteger', QUANTITY, (_c, a: CelQuantity) => {
    if (!a.isWhole) throw new Error('cannot convert value to integer')
    return BigInt(quantityValue(a.text))
  }),
  f('asApproximateFloat', QUANTITY, (_c, a: CelQuantity) => approximate(a)),
  f('isInteger', QUANTITY, (_c, a: CelQuantity) => a.isWhole),
  f('sign', QUANTITY, (_c, a: CelQuantity) => BigInt(compareQuantities(a.text, '0'))),
]

const bytesOf = ({ bytes }: Ip) => bytes
const is4 = ({ family }: Ip) => family === 4
const isLoopback = (ip: Ip) => is4(ip) ? bytesOf(ip)[0] === 127 : bytesOf(ip).every((byte, i) => byte === (i === 15 ? 1 : 0))
const isMulticast = (ip: Ip) => is4(ip) ? bytesOf(ip)[0]! >> 4 === 0xe : bytesOf(ip)[0] === 0xff
const isLinkLocalMulticast = (ip: Ip) => is4(ip) ? bytesOf(ip)[0] === 224 && bytesOf(ip)[1] === 0 && bytesOf(ip)[2] === 0 : bytesOf(ip)[0] === 0xff && (bytesOf(ip)[1]! & 0x0f) === 2
const isLinkLocalUnicast = (ip: Ip) => is4(ip) ? bytesOf(ip)[0] === 169 && bytesOf(ip)[1] === 254 : bytesOf(ip)[0] === 0xfe && (bytesOf(ip)[1]! & 0xc0) === 0x80
const isUnspecified = (ip: Ip) => bytesOf(ip).every((byte) => byte === 0)
const isGlobalUnicast = (ip: Ip) => !(is4(ip) && bytesOf(ip).every((byte) => byte === 255)) && !isUnspecified(ip) && !isLoopback(ip) && !isMulticast(ip) && !isLinkLocalUnicast(ip)

const containsIp = (cidr: CelCidr, { ip }: CelIp) => cidr.address.family === ip.family && cidr.contains(ip)
const containsCidr = (outer: CelCidr, inner: CelCidr) => outer.address.family === inner.address.family && outer.prefix <= inner.prefix && outer.contains(inner.address)
/** What can't be read as an address isn't one. */
const operandIp = (text: string): CelIp => {
  try {
    return celIp(text)
  } catch {
    throw new Error('no such overload')
  }
}

const network: readonly RuntimeFunction[] = [
  f('ip', 'string', (_c, text: string) => celIp(text)),
  f('isIP', 'string', (_c, text: string) => works(() => celIp(text))),
  f('ip.isCanonical', 'string', (_c, text: string) => celIp(text).text === text),
  f('family', 'net.IP', (_c, { ip }: CelIp) => BigInt(ip.family)),
  ...Object.entries({ isUnspecified, isLoopback, isLinkLocalMulticast, isLinkLocalUnicast, isGlobalUnicast }).map(([name, holds]) => f(name, 'net.IP', (_c, { ip }: CelIp) => holds(ip))),
  f('string', 'net.IP', (_c, ip: CelIp) => ip.text),
  f('cidr', 'string', (_c, text: string) => celCidr(text)),
  f('isCIDR', 'string', (_c, text: string) => works(() => celCidr(text))),
  f('containsIP', 'net.CIDR net.IP', (_c, cidr: CelCidr, ip: CelIp) => containsIp(cidr, ip)),
  f('containsIP', 'net.CIDR string', (_c, cidr: CelCidr, text: string) => containsIp(cidr, operandIp(text))),
  f('containsCIDR', 'net.CIDR net.CIDR', (_c, outer: CelCidr, inner: CelCidr) => containsCidr(outer, inner)),
  f('containsCIDR', 'net.CIDR string', (_c, outer: CelCidr, inner: string) => containsCidr(outer, celCidr(inner))),
  f('ip', 'net.CIDR', (_c, { address }: CelCidr) => new CelIp(address)),
  f('prefixLength', 'net.CIDR', (_c, { prefix }: CelCidr) => BigInt(prefix)),
  f('masked', 'net.CIDR', (_c, cidr: CelCidr) => cidr.masked),
  f('string', 'net.CIDR', (_c, cidr: CelCidr) => cidr.text),
]

const urls: readonly RuntimeFunction[] = [
  f('url', 'string', (_c, text: string) => {
    try {
      return new CelUrl(text)
    } catch (error) {
      throw new Error(`URL parse error during conversion from string: ${(error as Error).message}`)
    }
  }),
  f('isURL', 'string', (_c, text: string) => works(() => new CelUrl(text))),
  f('getScheme', URL_TYPE, (_c, url: CelUrl) => url.scheme),
  f('getHost', URL_TYPE, (_c, url: CelUrl) => url.host),
  f('getHostname', URL_TYPE, (_c, url: CelUrl) => url.hostname),
  f('getPort', URL_TYPE, (_c, url: CelUrl) => url.port),
  f('getEscapedPath', URL_TYPE, (_c, url: CelUrl) => url.escapedPath),
  f('getQuery', URL_TYPE, (_c, url: CelUrl) => url.parameters),
]

const formats: readonly RuntimeFunction[] = [
  f('format.named', 'string', (_c, name: string) => Object.hasOwn(FORMATS, name) ? CelOptional.of(FORMATS[name]) : CelOptional.none),
  ...Object.entries(FORMATS).map(([name, format]) => f(`format.${name}`, '', () => format)),
  f('validate', 'kubernetes.NamedFormat string', (_c, format: CelFormat, text: string) => {
    const problems = format.problems(text)
    return problems.length === 0 ? CelOptional.none : CelOptional.of([...problems])
  }),
]

const versions: readonly RuntimeFunction[] = [
  f('semver', 'string', (_c, text: string) => new CelSemver(text)),
  f('semver', 'string bool', (_c, text: string, normalize: boolean) => new CelSemver(text, normalize)),
  f('isSemver', 'string', (_c, text: string) => works(() => new CelSemver(text))),
  f('isSemver', 'string bool', (_c, text: string, normalize: boolean) => works(() => new CelSemver(text, normalize))),
  ...(['major', 'minor', 'patch'] as const).map((part) => f(part, SEMVER, (_c, version: CelSemver) => version[part])),
  f('isLessThan', `${SEMVER} ${SEMVER}`, (_c, a: CelSemver, b: CelSemver) => a.compare(b) < 0),
  f('isGreaterThan', `${SEMVER} ${SEMVER}`, (_c, a: CelSemver, b: CelSemver) => a.compare(b) > 0),
  f('compareTo', `${SEMVER} ${SEMVER}`, (_c, a: CelSemver, b: CelSemver) => BigInt(a.compare(b))),
  f('jsonpatch.escapeKey', 'string', (_c, key: string) => key.replaceAll('~', '~0').replaceAll('/', '~1')),
]

export const kubernetesFunctions: readonly RuntimeFunction[] = [...quantities, ...network, ...urls, ...formats, ...versions]
