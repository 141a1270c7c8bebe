import { children, oidOf, readDer, timeOf, unsignedOf } from '../../base/der.ts'
import type { DerNode } from '../../base/der.ts'
import { CURVES } from './keys.ts'

const ATTRIBUTES: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN', '2.5.4.6': 'C', '2.5.4.7': 'L', '2.5.4.8': 'ST', '2.5.4.10': 'O', '2.5.4.11': 'OU', '2.5.4.5': 'serialNumber', '1.2.840.113549.1.9.1': 'emailAddress', '0.9.2342.19200300.100.1.25': 'DC', '2.5.4.4': 'SN', '2.5.4.42': 'GN', '0.9.2342.19200300.100.1.1': 'UID',
}
/** Attribute types by the names that `-subj` takes. */
export const ATTRIBUTE_OIDS: Readonly<Record<string, string>> = Object.fromEntries(Object.entries(ATTRIBUTES).map(([oid, name]) => [name, oid]))

const SIGNATURES: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.11': 'sha256WithRSAEncryption', '1.2.840.113549.1.1.12': 'sha384WithRSAEncryption', '1.2.840.113549.1.1.13': 'sha512WithRSAEncryption', '1.2.840.113549.1.1.5': 'sha1WithRSAEncryption',
  '1.2.840.10045.4.3.2': 'ecdsa-with-SHA256', '1.2.840.10045.4.3.3': 'ecdsa-with-SHA384', '1.2.840.10045.4.3.4': 'ecdsa-with-SHA512', '1.3.101.112': 'ED25519',
}
const EXTENSIONS: Readonly<Record<string, string>> = {
  '2.5.29.14': 'X509v3 Subject Key Identifier', '2.5.29.15': 'X509v3 Key Usage', '2.5.29.17': 'X509v3 Subject Alternative Name', '2.5.29.19': 'X509v3 Basic Constraints', '2.5.29.35': 'X509v3 Authority Key Identifier', '2.5.29.37': 'X509v3 Extended Key Usage',
}
const KEY_USAGES = ['Digital Signature', 'Non Repudiation', 'Key Encipherment', 'Data Encipherment', 'Key Agreement', 'Certificate Sign', 'CRL Sign', 'Encipher Only', 'Decipher Only']
const PURPOSES: Readonly<Record<string, string>> = { '1.3.6.1.5.5.7.3.1': 'TLS Web Server Authentication', '1.3.6.1.5.5.7.3.2': 'TLS Web Client Authentication', '1.3.6.1.5.5.7.3.3': 'Code Signing', '1.3.6.1.5.5.7.3.4': 'E-mail Protection', '1.3.6.1.5.5.7.3.8': 'Time Stamping', '1.3.6.1.5.5.7.3.9': 'OCSP Signing' }
const EXTENSION_REQUEST = '1.2.840.113549.1.9.14'

/** The parts of a certificate. */
export interface Certificate {
  tbs: DerNode
  serial: Uint8Array
  issuer: DerNode
  subject: DerNode
  notBeforeMs: number
  notAfterMs: number
  spki: Uint8Array
  extensions: Extension[]
  algorithm: DerNode
  signature: Uint8Array
  raw: Uint8Array
}

export interface Extension {
  oid: string
  critical: boolean
  value: Uint8Array
  raw: Uint8Array
}

/** @throws Error for what isn't a certificate */
export function parseCertificate(raw: Uint8Array): Certificate {
  const [tbs, algorithm, bits] = children(readDer(raw))
  const parts = children(tbs!)
  const offset = parts[0]!.tag === 0xa0 ? 1 : 0
  const [serial, , issuer, validity, subject, spki, ...rest] = parts.slice(offset)
  const [notBefore, notAfter] = children(validity!)
  const list = rest.find((node) => node.tag === 0xa3)
  return { tbs: tbs!, serial: serial!.value, issuer: issuer!, subject: subject!, notBeforeMs: timeOf(notBefore!), notAfterMs: timeOf(notAfter!), spki: spki!.raw, extensions: list ? extensionsOf(readDer(list.value)) : [], algorithm: algorithm!, signature: bits!.value.subarray(1), raw }
}

/** The parts of a certificate signing request. */
export interface SigningRequest {
  info: DerNode
  subject: DerNode
  spki: Uint8Array
  extensions: Extension[]
  algorithm: DerNode
  signature: Uint8Array
  raw: Uint8Array
}

/** @throws Error for what isn't a request */
export function parseRequest(raw: Uint8Array): SigningRequest {
  const [info, algorithm, bits] = children(readDer(raw))
  const [, subject, spki, attributes] = children(info!)
  let extensions: Extension[] = []
  for (const attribute of attributes ? children(attributes) : []) {
    const [oid, set] = children(attribute)
    if (oidOf(oid!.value) === EXTENSION_REQUEST) extensions = extensionsOf(children(set!)[0]!)
  }
  return { info: info!, subject: subject!, spki: spki!.raw, extensions, algorithm: algorithm!, signature: bits!.value.subarray(1), raw }
}

function extensionsOf(list: DerNode): Extension[] {
  return children(list).map((node) => {
    const [oid, ...rest] = children(node)
    return { oid: oidOf(oid!.value), critical: rest.length > 1 && rest[0]!.value[0] === 0xff, value: rest.at(-1)!.value, raw: node.raw }
  })
}

/** `O = dev, CN = jane` */
export function nameText(name: DerNode): string {
  return children(name).map((set) => children(set).map((pair) => {
    const [oid, value] = children(pair)
    const id = oidOf(oid!.value)
    const text = new TextDecoder().decode(value!.value)
    return `${ATTRIBUTES[id] ?? id} = ${/[,+"\\<>;]/.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : text}`
  }).join(' + ')).join(', ')
}

/** `Nov 21 07:11:46 2026 GMT` */
export function timeText(ms: number): string {
  const [, day, month, year, clock] = /^\w+, (\d+) (\w+) (\d+) (\S+) GMT$/.exec(new Date(ms).toUTCString())!
  return `${month} ${String(Number(day)).padStart(2)} ${clock} ${year} GMT`
}

export function serialText(serial: Uint8Array): string {
  return Array.from(unsignedOf(serial), (byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join('')
}

/** Bytes as `aa:bb:`, so many in a line. */
export function colons(bytes: Uint8Array, indent: string, perLine: number): string {
  const lines: string[] = []
  for (let i = 0; i < bytes.length; i += perLine) lines.push(indent + Array.from(bytes.subarray(i, i + perLine), (byte) => byte.toString(16).padStart(2, '0')).join(':') + (i + perLine < bytes.length ? ':' : ''))
  return `${lines.join('\n')}\n`
}

export function keyText(spki: Uint8Array, indent: string): string {
  const [algorithm, bits] = children(readDer(spki))
  const [oid, parameters] = children(algorithm!)
  const key = bits!.value.subarray(1)
  switch (oidOf(oid!.value)) {
    case '1.2.840.113549.1.1.1': {
      const [modulus, exponent] = children(readDer(key))
      const number = unsignedOf(modulus!.value)
      const e = unsignedOf(exponent!.value).reduce((sum, byte) => sum * 256 + byte, 0)
      return `${indent}Public Key Algorithm: rsaEncryption\n${indent}    Public-Key: (${number.length * 8 - Math.clz32(number[0]!) + 24} bit)\n${indent}    Modulus:\n${colons(modulus!.value, `${indent}        `, 15)}${indent}    Exponent: ${e} (0x${e.toString(16)})\n`
    }
    case '1.2.840.10045.2.1': {
      const curve = CURVES[oidOf(parameters!.value)]
      return `${indent}Public Key Algorithm: id-ecPublicKey\n${indent}    Public-Key: (${curve?.bits} bit)\n${indent}    pub:\n${colons(key, `${indent}        `, 15)}${indent}    ASN1 OID: ${curve?.openssl}\n${curve ? `${indent}    NIST CURVE: ${curve.name}\n` : ''}`
    }
    default: return `${indent}Public Key Algorithm: ED25519\n${indent}    ED25519 Public-Key:\n${indent}    pub:\n${colons(key, `${indent}        `, 15)}`
  }
}

function extensionText(extension: Extension, indent: string): string {
  const upper = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join(':')
  const node = readDer(extension.value)
  const title = `${indent}${EXTENSIONS[extension.oid] ?? extension.oid}: ${extension.critical ? 'critical' : ''}\n`
  const body = (text: string) => `${title}${indent}    ${text}\n`
  switch (extension.oid) {
    case '2.5.29.14': return body(upper(node.value))
    case '2.5.29.15': {
      const names: string[] = []
      for (let i = 0; i < (node.value.length - 1) * 8; i++) if (node.value[1 + (i >> 3)]! & (0x80 >> (i & 7))) names.push(KEY_USAGES[i]!)
      return body(names.join(', '))
    }
    case '2.5.29.17': return body(alternativeNames(node).join(', '))
    case '2.5.29.19': {
      const parts = children(node)
      const isCa = parts[0]?.tag === 1 && parts[0].value[0] === 0xff
      const path = parts.find((part) => part.tag === 2)
      return body(`CA:${isCa ? 'TRUE' : 'FALSE'}${path ? `, pathlen:${path.value[0]}` : ''}`)
    }
    case '2.5.29.35': { const id = children(node).find((part) => part.tag === 0x80); return body(id ? upper(id.value) : '') }
    case '2.5.29.37': return body(children(node).map((oid) => PURPOSES[oidOf(oid.value)] ?? oidOf(oid.value)).join(', '))
    default: return `${title}${colons(extension.value, `${indent}    `, 16)}`
  }
}

/** `DNS:a`, `IP Address:1.2.3.4` */
export function alternativeNames(node: DerNode): string[] {
  return children(node).map(({ tag, value }) => {
    const text = new TextDecoder().decode(value)
    switch (tag) {
      case 0x82: return `DNS:${text}`
      case 0x81: return `email:${text}`
      case 0x86: return `URI:${text}`
      case 0x87: return `IP Address:${value.length === 4 ? value.join('.') : Array.from({ length: 8 }, (_, i) => (value[2 * i]! * 256 + value[2 * i + 1]!).toString(16).toUpperCase()).join(':')}`
      default: return 'othername:<unsupported>'
    }
  })
}

/** `openssl x509 -text` */
export function certificateText(certificate: Certificate): string {
  const signature = SIGNATURES[oidOf(children(certificate.algorithm)[0]!.value)] ?? 'unknown'
  const number = unsignedOf(certificate.serial)
  const small = number.length <= 7 ? Number(`0x${Array.from(number, (byte) => byte.toString(16).padStart(2, '0')).join('')}`) : undefined
  return `Certificate:\n    Data:\n        Version: 3 (0x2)\n        Serial Number:${small !== undefined ? ` ${small} (0x${small.toString(16)})\n` : `\n${colons(number, '            ', 32)}`}`
    + `        Signature Algorithm: ${signature}\n        Issuer: ${nameText(certificate.issuer)}\n        Validity\n            Not Before: ${timeText(certificate.notBeforeMs)}\n            Not After : ${timeText(certificate.notAfterMs)}\n        Subject: ${nameText(certificate.subject)}\n        Subject Public Key Info:\n${keyText(certificate.spki, '            ')}`
    + (certificate.extensions.length > 0 ? `        X509v3 extensions:\n${certificate.extensions.map((each) => extensionText(each, '            ')).join('')}` : '')
    + `    Signature Algorithm: ${signature}\n    Signature Value:\n${colons(certificate.signature, '        ', 18)}`
}

/** `openssl req -text` */
export function requestText(request: SigningRequest): string {
  const signature = SIGNATURES[oidOf(children(request.algorithm)[0]!.value)] ?? 'unknown'
  return `Certificate Request:\n    Data:\n        Version: 1 (0x0)\n        Subject: ${nameText(request.subject)}\n        Subject Public Key Info:\n${keyText(request.spki, '            ')}        Attributes:\n`
    + (request.extensions.length > 0 ? `            Requested Extensions:\n${request.extensions.map((each) => extensionText(each, '                ')).join('')}` : '            (none)\n')
    + `    Signature Algorithm: ${signature}\n    Signature Value:\n${colons(request.signature, '        ', 18)}`
}
