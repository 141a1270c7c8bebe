import { ATTRIBUTE_OIDS } from './certificate-text.ts'
import { children, der, oidBytes, readDer } from '../../base/der.ts'
import type { Key, KeyKind } from './keys.ts'
import { signingAlgorithm } from './keys.ts'

/** A distinguished name out of `/CN=jane/O=dev`. @throws Error for text that isn't one */
export function nameOf(subject: string): Uint8Array {
  if (!subject.startsWith('/')) throw new Error(`subject name is expected to be in the format /type0=value0/type1=value1/type2=... where characters may be escaped by \\. This name is not in that format: '${subject}'`)
  const sets = subject.slice(1).split(/(?<!\\)\//).filter((part) => part !== '').map((part) => {
    const at = part.indexOf('=')
    const type = part.slice(0, at).trim()
    const oid = ATTRIBUTE_OIDS[type] ?? (/^[\d.]+$/.test(type) ? type : undefined)
    if (at < 0 || !oid) throw new Error(at < 0 ? `missing '=' after RDN type string '${part}' in subject name string` : `Skipping unknown subject name attribute "${type}"`)
    const value = new TextEncoder().encode(part.slice(at + 1).replace(/\\(.)/g, '$1'))
    return der(0x31, der(0x30, der(0x06, oidBytes(oid)), der(type === 'C' ? 0x13 : 0x0c, value)))
  })
  return der(0x30, ...sets)
}

/** An extension as `-addext` and extension files write it: `subjectAltName = DNS:a, IP:1.2.3.4`. @throws Error for what isn't understood */
export function extensionOf(name: string, text: string, context: { subjectKeyId?: Uint8Array; issuerKeyId?: Uint8Array } = {}): Uint8Array | undefined {
  const parts = text.split(',').map((part) => part.trim()).filter(Boolean)
  const critical = parts[0] === 'critical'
  if (critical) parts.shift()
  const wrap = (oid: string, value: Uint8Array) => der(0x30, der(0x06, oidBytes(oid)), ...(critical ? [der(0x01, Uint8Array.of(0xff))] : []), der(0x04, value))
  switch (name) {
    case 'subjectAltName': return wrap('2.5.29.17', der(0x30, ...parts.map(generalName)))
    case 'basicConstraints': {
      const isCa = parts.some((part) => /^CA:true$/i.test(part))
      const path = parts.find((part) => part.startsWith('pathlen:'))
      return wrap('2.5.29.19', der(0x30, ...(isCa ? [der(0x01, Uint8Array.of(0xff))] : []), ...(path ? [der(0x02, Uint8Array.of(Number(path.slice(8))))] : [])))
    }
    case 'keyUsage': {
      const names = ['digitalSignature', 'nonRepudiation', 'keyEncipherment', 'dataEncipherment', 'keyAgreement', 'keyCertSign', 'cRLSign', 'encipherOnly', 'decipherOnly']
      let bits = 0
      let last = 0
      for (const part of parts) {
        const bit = names.indexOf(part)
        if (bit < 0) throw new Error(`Error adding request extensions: invalid usage ${part}`)
        bits |= 0x8000 >> bit
        last = Math.max(last, bit)
      }
      return wrap('2.5.29.15', der(0x03, last > 7 ? Uint8Array.of(15 - last, bits >> 8, bits & 255) : Uint8Array.of(7 - last, bits >> 8)))
    }
    case 'extendedKeyUsage': {
      const oids: Record<string, string> = { serverAuth: '1.3.6.1.5.5.7.3.1', clientAuth: '1.3.6.1.5.5.7.3.2', codeSigning: '1.3.6.1.5.5.7.3.3', emailProtection: '1.3.6.1.5.5.7.3.4', timeStamping: '1.3.6.1.5.5.7.3.8' }
      return wrap('2.5.29.37', der(0x30, ...parts.map((part) => der(0x06, oidBytes(oids[part] ?? part)))))
    }
    case 'subjectKeyIdentifier': return context.subjectKeyId && wrap('2.5.29.14', der(0x04, context.subjectKeyId))
    case 'authorityKeyIdentifier': return context.issuerKeyId && wrap('2.5.29.35', der(0x30, der(0x80, context.issuerKeyId)))
    default: throw new Error(`Error adding extension ${name}: unknown extension name`)
  }
}

function generalName(text: string): Uint8Array {
  const at = text.indexOf(':')
  const [type, value] = [text.slice(0, at).trim(), text.slice(at + 1).trim()]
  switch (type) {
    case 'DNS': return der(0x82, new TextEncoder().encode(value))
    case 'email': return der(0x81, new TextEncoder().encode(value))
    case 'URI': return der(0x86, new TextEncoder().encode(value))
    case 'IP': if (/^\d+(\.\d+){3}$/.test(value)) return der(0x87, Uint8Array.from(value.split('.').map(Number))); break
  }
  throw new Error(`Error in extension: bad alternative name ${text}`)
}

/** `[section]` and `name = value` lines of a configuration file. */
export function readSections(text: string): Map<string, Map<string, string>> {
  const sections = new Map<string, Map<string, string>>()
  let current = new Map<string, string>()
  sections.set('', current)
  for (const raw of text.replace(/\\\n/g, '').split('\n')) {
    const line = raw.replace(/#.*/, '').trim()
    const section = /^\[\s*(.+?)\s*\]$/.exec(line)
    if (section) { sections.set(section[1]!, current = new Map()); continue }
    const at = line.indexOf('=')
    if (at > 0) current.set(line.slice(0, at).trim(), line.slice(at + 1).trim())
  }
  return sections
}

/** Extensions of a section; `@name` values stand in sections of their own. */
export function sectionExtensions(sections: Map<string, Map<string, string>>, section: string, context: { subjectKeyId?: Uint8Array; issuerKeyId?: Uint8Array } = {}): Uint8Array[] {
  return [...sections.get(section) ?? []].flatMap(([name, value]) => {
    const other = value.startsWith('@') ? sections.get(value.slice(1)) : undefined
    const text = other ? [...other].map(([key, each]) => `${key.replace(/\.\d+$/, '')}:${each}`).join(',') : value
    return extensionOf(name, text, context) ?? []
  })
}

function signatureAlgorithm(kind: KeyKind): Uint8Array {
  const oid = { rsa: '1.2.840.113549.1.1.11', ec: '1.2.840.10045.4.3.2', ed25519: '1.3.101.112' }[kind.type]
  return der(0x30, der(0x06, oidBytes(oid)), ...(kind.type === 'rsa' ? [der(0x05)] : []))
}

async function sign(key: Key, data: Uint8Array): Promise<Uint8Array> {
  const signature = new Uint8Array(await crypto.subtle.sign(signingAlgorithm(key.kind), key.privateKey!, Uint8Array.from(data)))
  return key.kind.type === 'ec' ? derSignature(signature) : signature
}

/** r and s beside each other (WebCrypto) as DER (X.509). */
function derSignature(raw: Uint8Array): Uint8Array {
  const integer = (bytes: Uint8Array) => {
    let at = 0
    while (at < bytes.length - 1 && bytes[at] === 0) at += 1
    const rest = bytes.subarray(at)
    return rest[0]! & 0x80 ? der(0x02, Uint8Array.of(0), rest) : der(0x02, rest)
  }
  return der(0x30, integer(raw.subarray(0, raw.length / 2)), integer(raw.subarray(raw.length / 2)))
}

/** Whether a signature over data was made with the key. */
export async function verify(key: Key, data: Uint8Array, signature: Uint8Array): Promise<boolean> {
  let bytes = signature
  if (key.kind.type === 'ec') {
    const size = { 'P-256': 32, 'P-384': 48, 'P-521': 66 }[key.kind.curve]
    const raw = new Uint8Array(size * 2)
    children(readDer(signature)).forEach(({ value }, i) => { const number = value.length > size ? value.subarray(value.length - size) : value; raw.set(number, size * (i + 1) - number.length) })
    bytes = raw
  }
  return crypto.subtle.verify(signingAlgorithm(key.kind), key.publicKey, Uint8Array.from(bytes), Uint8Array.from(data))
}

/** A signing request's DER. */
export async function createRequest(key: Key, name: Uint8Array, extensions: readonly Uint8Array[]): Promise<Uint8Array> {
  const attributes = extensions.length === 0 ? der(0xa0) : der(0xa0, der(0x30, der(0x06, oidBytes('1.2.840.113549.1.9.14')), der(0x31, der(0x30, ...extensions))))
  const info = der(0x30, der(0x02, Uint8Array.of(0)), name, key.spki, attributes)
  return der(0x30, info, signatureAlgorithm(key.kind), der(0x03, Uint8Array.of(0), await sign(key, info)))
}

export interface CertificateTemplate {
  serial: Uint8Array
  subject: Uint8Array
  issuer: Uint8Array
  spki: Uint8Array
  notBeforeMs: number
  notAfterMs: number
  extensions: readonly Uint8Array[]
}

/** A certificate's DER, signed with a key. */
export async function createCertificate(key: Key, template: CertificateTemplate): Promise<Uint8Array> {
  const algorithm = signatureAlgorithm(key.kind)
  const tbs = der(0x30,
    der(0xa0, der(0x02, Uint8Array.of(2))), der(0x02, ...(template.serial[0]! & 0x80 ? [Uint8Array.of(0)] : []), template.serial), algorithm, template.issuer,
    der(0x30, timeDer(template.notBeforeMs), timeDer(template.notAfterMs)), template.subject, template.spki,
    ...(template.extensions.length > 0 ? [der(0xa3, der(0x30, ...template.extensions))] : []))
  return der(0x30, tbs, algorithm, der(0x03, Uint8Array.of(0), await sign(key, tbs)))
}

function timeDer(ms: number): Uint8Array {
  const digits = new Date(Math.floor(ms / 1000) * 1000).toISOString().replace(/[-:T]|\.\d+/g, '')
  return Number(digits.slice(0, 4)) < 2050 ? der(0x17, new TextEncoder().encode(digits.slice(2))) : der(0x18, new TextEncoder().encode(digits))
}

/** The identifier of a key: SHA-1 of its bits, as RFC 5280 has it. */
export async function keyId(spki: Uint8Array): Promise<Uint8Array> {
  const bits = children(readDer(spki))[1]!.value.subarray(1)
  return new Uint8Array(await crypto.subtle.digest('SHA-1', Uint8Array.from(bits)))
}
