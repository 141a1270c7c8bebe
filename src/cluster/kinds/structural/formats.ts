/** Formats of strings. k8s: kube-openapi/pkg/validation/strfmt, apiextensions-apiserver/pkg/apiserver/validation/formats.go */
import { parseCidr, parseIp } from '../ip.ts'

const uuid = (version: string, variant: string) => new RegExp(`^[0-9a-f]{8}-?[0-9a-f]{4}-?${version}[0-9a-f]{3}-?${variant}[0-9a-f]{3}-?[0-9a-f]{12}$`, 'i')
const ANY = '[0-9a-f]'
const matches = (pattern: RegExp) => (text: string) => pattern.test(text)

const HOSTNAME = /^([a-zA-Z0-9\p{S}\p{L}]((-?[a-zA-Z0-9\p{S}\p{L}]{0,62})?)|([a-zA-Z0-9\p{S}\p{L}](([a-zA-Z0-9\-\p{S}\p{L}]{0,61}[a-zA-Z0-9\p{S}\p{L}])?)(\.)){1,}([a-zA-Z\p{L}]){2,63})$/u
const SHORT_NAME = '[a-z0-9](?:[-a-z0-9]*[a-z0-9])?'
const BYTE = '(0|[1-9]\\d?|1\\d\\d?|2[0-4]\\d|25[0-5])'

/** Checks by normalised name (without dashes). */
const CHECKS: Record<string, (text: string) => boolean> = {
  bsonobjectid: matches(/^[0-9a-fA-F]{24}$/),
  uri: isRequestUri,
  email: isEmail,
  hostname: (text) => HOSTNAME.test(text) && text.length <= 255 && text.split('.').every((part) => part.length <= 63),
  ipv4: (text) => text.includes('.') && parseIp(withoutZeros(text)) !== undefined,
  ipv6: (text) => text.includes(':') && parseIp(text) !== undefined,
  cidr: (text) => parseCidr(withoutZeros(text)) !== undefined,
  mac: matches(/^(?:[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}|(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}|[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\2){6}[0-9a-f]{2}|(?:[0-9a-f]{4}\.){3}[0-9a-f]{4})$/i),
  uuid: matches(uuid(ANY, ANY)),
  uuid3: matches(uuid('3', ANY)),
  uuid4: matches(uuid('4', '[89ab]')),
  uuid5: matches(uuid('5', '[89ab]')),
  isbn: (text) => isIsbn10(text) || isIsbn13(text),
  isbn10: isIsbn10,
  isbn13: isIsbn13,
  creditcard: isCreditCard,
  ssn: matches(/^\d{3}[- ]?\d{2}[- ]?\d{4}$/),
  hexcolor: matches(/^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/),
  rgbcolor: matches(new RegExp(`^rgb\\(\\s*${BYTE}\\s*,\\s*${BYTE}\\s*,\\s*${BYTE}\\s*\\)$`)),
  byte: matches(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/),
  password: () => true,
  date: isDate,
  duration: isDuration,
  datetime: isDateTime,
  k8sshortname: (text) => text.length <= 63 && new RegExp(`^${SHORT_NAME}$`).test(text),
  k8slongname: (text) => text.length <= 253 && new RegExp(`^${SHORT_NAME}(?:\\.${SHORT_NAME})*$`).test(text),
}


/** The format that counts for a value of a type; undefined for those the server ignores. */
export function effectiveFormat(format: string | undefined, type: string | undefined): string | undefined {
  if (!format) return undefined
  switch (type ?? '') {
    case '': case 'string': return Object.hasOwn(CHECKS, format.replaceAll('-', '')) ? format : undefined
    case 'integer': return format === 'int32' || format === 'int64' ? format : undefined
    case 'number': return format === 'float' || format === 'double' ? format : undefined
    default: return undefined
  }
}

/** Whether a text has a format. Formats that nobody knows take anything. */
export function hasFormat(text: string, format: string): boolean {
  return CHECKS[format.replaceAll('-', '')]?.(text) ?? true
}

/** Leading zeros in IPv4, which the server tolerates. */
function withoutZeros(text: string): string {
  return text.replace(/(^|\.)0+(?=\d)/g, '$1')
}

/** k8s: govalidator IsRequestURI, net/url ParseRequestURI */
function isRequestUri(text: string): boolean {
  if (text === '' || /[\x00-\x20\x7f]/.test(text)) return false
  if (text.startsWith('/')) return !/%(?![0-9A-Fa-f]{2})/.test(text)
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):(.*)$/s.exec(text)
  if (!scheme) return false
  const rest = scheme[2]!
  if (!rest.startsWith('/')) return true
  const authority = /^\/\/([^/?#]*)/.exec(rest)?.[1]
  if (authority !== undefined && /:[^\]]*$/.test(authority) && !/:\d*$/.test(authority)) return false
  return !/%(?![0-9A-Fa-f]{2})/.test(rest)
}

/** k8s: net/mail ParseAddress, as far as single addresses go */
function isEmail(text: string): boolean {
  const address = /^(?:[^<>@,;:\\"[\]]*|"[^"]*"\s*)<([^<>]+)>\s*$/.exec(text)?.[1] ?? text.trim()
  return /^(?:[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\u{10ffff}-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\u{10ffff}-]+)*|"(?:[^"\\]|\\.)*")@(?:[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\u{10ffff}-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\u{10ffff}-]+)*|\[[^\]]*\])$/u.test(address)
}

function isIsbn10(text: string): boolean {
  const digits = text.replace(/[\s-]+/g, '')
  if (!/^(?:[0-9]{9}X|[0-9]{10})$/.test(digits)) return false
  let sum = 0
  for (let i = 0; i < 10; i++) sum += (i + 1) * (digits[i] === 'X' ? 10 : Number(digits[i]))
  return sum % 11 === 0
}

function isIsbn13(text: string): boolean {
  const digits = text.replace(/[\s-]+/g, '')
  if (!/^[0-9]{13}$/.test(digits)) return false
  let sum = 0
  for (let i = 0; i < 12; i++) sum += (i % 2 === 0 ? 1 : 3) * Number(digits[i])
  return Number(digits[12]) === (10 - (sum % 10)) % 10
}

function isCreditCard(text: string): boolean {
  const digits = text.replace(/[^0-9]+/g, '')
  if (!/^(?:4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|6(?:011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}|(?:2131|1800|35\d{3})\d{11})$/.test(digits)) return false
  let sum = 0
  for (let i = digits.length - 1, double = false; i >= 0; i--, double = !double) {
    const digit = Number(digits[i]) * (double ? 2 : 1)
    sum += digit >= 10 ? (digit % 10) + 1 : digit
  }
  return sum % 10 === 0
}

function isDate(text: string): boolean {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text)
  if (!match) return false
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])]
  const days = [31, (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
  return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1]!
}

function isDateTime(text: string): boolean {
  const [date = '', time] = text.toLowerCase().split('t')
  const match = /^(\d{2}):(\d{2}):(\d{2})(.\d+)?(z|([+-]\d{2}:\d{2}))$/.exec(time ?? '')
  return text.length >= 4 && isDate(date) && match !== null && match[1]! <= '23' && match[2]! <= '59' && match[3]! <= '59'
}

const UNITS = ['ns', 'nano', 'us', 'µs', 'micro', 'ms', 'milli', 's', 'sec', 'm', 'min', 'h', 'hr', 'hour', 'd', 'day', 'w', 'wk', 'week']

/** Go's durations, and Scala's: `3 days`. */
function isDuration(text: string): boolean {
  if (/^[+-]?(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/.test(text)) return true
  const parts = [...text.matchAll(/((\d+)\s*([A-Za-zµ]+))/g)]
  return parts.some(([, , , unit = '']) => UNITS.some((known) => unit.toLowerCase() === known || unit.toLowerCase() === `${known}s` || (known.length > 2 && unit.toLowerCase().startsWith(known))))
}
