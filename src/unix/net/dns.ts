/** DNS messages (RFC 1035): the codec that cluster DNS, resolvers and dig share. */

export type RecordType = 'A' | 'AAAA' | 'CNAME' | 'PTR' | 'SRV' | 'TXT' | 'NS' | 'SOA' | 'MX' | 'ANY'

const TYPE_CODES: Readonly<Record<RecordType, number>> = { A: 1, NS: 2, CNAME: 5, SOA: 6, PTR: 12, MX: 15, TXT: 16, AAAA: 28, SRV: 33, ANY: 255 }

export type ResponseCode = 'NOERROR' | 'FORMERR' | 'SERVFAIL' | 'NXDOMAIN' | 'NOTIMP' | 'REFUSED'
const RESPONSE_CODES: readonly ResponseCode[] = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED']

export interface DnsQuestion {
  /** Without the final dot. */
  name: string
  /** The number for types that have no name here. */
  type: RecordType | number
}

export interface DnsRecord {
  name: string
  type: RecordType
  ttlSeconds: number
  /** Address, target name or text; SRV: `priority weight port target`; MX: `preference name`; SOA: `mname rname serial refresh retry expire minimum`. */
  data: string
}

export interface DnsMessage {
  id: number
  isResponse: boolean
  authoritative: boolean
  recursionDesired: boolean
  recursionAvailable: boolean
  code: ResponseCode
  questions: DnsQuestion[]
  answers: DnsRecord[]
  authorities: DnsRecord[]
  additionals: DnsRecord[]
}

/** A query for one name. */
export function dnsQuery(id: number, name: string, type: RecordType): DnsMessage {
  return { id, isResponse: false, authoritative: false, recursionDesired: true, recursionAvailable: false, code: 'NOERROR', questions: [{ name, type }], answers: [], authorities: [], additionals: [] }
}

/** An answer to a query. */
export function dnsAnswer(query: DnsMessage, code: ResponseCode, answers: DnsRecord[] = [], more: { authorities?: DnsRecord[]; additionals?: DnsRecord[]; authoritative?: boolean } = {}): DnsMessage {
  return {
    id: query.id, isResponse: true, authoritative: more.authoritative ?? true, recursionDesired: query.recursionDesired, recursionAvailable: true, code,
    questions: query.questions, answers, authorities: more.authorities ?? [], additionals: more.additionals ?? [],
  }
}

/** The bytes of a message; names are compressed. */
export function encodeDns(message: DnsMessage): Uint8Array {
  const out: number[] = []
  const known = new Map<string, number>()
  const u16 = (value: number) => out.push((value >> 8) & 255, value & 255)
  const u32 = (value: number) => { u16(value >>> 16); u16(value & 65_535) }
  const name = (text: string, compress = true) => {
    const labels = text.replace(/\.$/, '').split('.').filter(Boolean)
    for (let i = 0; i < labels.length; i++) {
      const rest = labels.slice(i).join('.').toLowerCase()
      const at = known.get(rest)
      if (compress && at !== undefined) { u16(0xc000 | at); return }
      if (out.length < 0x4000) known.set(rest, out.length)
      const bytes = new TextEncoder().encode(labels[i]!)
      if (bytes.length > 63) throw new RangeError(`DNS label too long: ${labels[i]}`)
      out.push(bytes.length, ...bytes)
    }
    out.push(0)
  }
  u16(message.id)
  u16((message.isResponse ? 0x8000 : 0) | (message.authoritative ? 0x400 : 0) | (message.recursionDesired ? 0x100 : 0) | (message.recursionAvailable ? 0x80 : 0) | RESPONSE_CODES.indexOf(message.code))
  u16(message.questions.length)
  u16(message.answers.length)
  u16(message.authorities.length)
  u16(message.additionals.length)
  for (const question of message.questions) {
    name(question.name)
    u16(typeof question.type === 'number' ? question.type : TYPE_CODES[question.type])
    u16(1)
  }
  for (const record of [...message.answers, ...message.authorities, ...message.additionals]) {
    name(record.name)
    u16(TYPE_CODES[record.type])
    u16(1)
    u32(record.ttlSeconds)
    const lengthAt = out.length
    u16(0)
    const fields = record.data.split(' ')
    switch (record.type) {
      case 'A': out.push(...record.data.split('.').map(Number)); break
      case 'AAAA': out.push(...ipv6Bytes(record.data)); break
      case 'SRV': u16(Number(fields[0])); u16(Number(fields[1])); u16(Number(fields[2])); name(fields[3] ?? '', false); break
      case 'MX': u16(Number(fields[0])); name(fields[1] ?? ''); break
      case 'SOA': name(fields[0] ?? ''); name(fields[1] ?? ''); for (const field of fields.slice(2, 7)) u32(Number(field)); break
      case 'TXT': for (const part of record.data.match(/.{1,255}/gs) ?? ['']) { const bytes = new TextEncoder().encode(part); out.push(bytes.length, ...bytes) } break
      default: name(record.data)
    }
    const length = out.length - lengthAt - 2
    out[lengthAt] = length >> 8
    out[lengthAt + 1] = length & 255
  }
  return Uint8Array.from(out)
}

/** Reads a message. @throws RangeError when it isn't one */
export function decodeDns(bytes: Uint8Array): DnsMessage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 12
  const name = (): string => {
    const labels: string[] = []
    let jumpedFrom: number | undefined
    for (let hops = 0; hops < 128; hops++) {
      const length = view.getUint8(at)
      if ((length & 0xc0) === 0xc0) {
        const target = view.getUint16(at) & 0x3fff
        jumpedFrom ??= at + 2
        at = target
        continue
      }
      at += 1
      if (length === 0) { if (jumpedFrom !== undefined) at = jumpedFrom; return labels.join('.') }
      labels.push(new TextDecoder().decode(bytes.subarray(at, at + length)))
      at += length
    }
    throw new RangeError('DNS name too long')
  }
  const typeName = (code: number): RecordType | undefined => (Object.keys(TYPE_CODES) as RecordType[]).find((type) => TYPE_CODES[type] === code)
  const flags = view.getUint16(2)
  const message: DnsMessage = {
    id: view.getUint16(0), isResponse: (flags & 0x8000) !== 0, authoritative: (flags & 0x400) !== 0, recursionDesired: (flags & 0x100) !== 0,
    recursionAvailable: (flags & 0x80) !== 0, code: RESPONSE_CODES[flags & 15] ?? 'SERVFAIL', questions: [], answers: [], authorities: [], additionals: [],
  }
  for (let i = 0; i < view.getUint16(4); i++) {
    const questionName = name()
    const code = view.getUint16(at)
    message.questions.push({ name: questionName, type: typeName(code) ?? code })
    at += 4
  }
  const records = (count: number): DnsRecord[] => {
    const out: DnsRecord[] = []
    for (let i = 0; i < count; i++) {
      const recordName = name()
      const type = typeName(view.getUint16(at))
      const ttlSeconds = view.getUint32(at + 4)
      const end = at + 10 + view.getUint16(at + 8)
      at += 10
      const u16 = () => { at += 2; return view.getUint16(at - 2) }
      const u32 = () => { at += 4; return view.getUint32(at - 4) }
      let data = ''
      switch (type) {
        case 'A': data = [...bytes.subarray(at, at + 4)].join('.'); break
        case 'AAAA': data = ipv6Text(bytes.subarray(at, at + 16)); break
        case 'SRV': data = `${u16()} ${u16()} ${u16()} ${name()}`; break
        case 'MX': data = `${u16()} ${name()}`; break
        case 'SOA': data = `${name()} ${name()} ${u32()} ${u32()} ${u32()} ${u32()} ${u32()}`; break
        case 'TXT': while (at < end) { const length = view.getUint8(at); data += new TextDecoder().decode(bytes.subarray(at + 1, at + 1 + length)); at += 1 + length } break
        case undefined: break
        default: data = name()
      }
      at = end
      if (type) out.push({ name: recordName, type, ttlSeconds, data })
    }
    return out
  }
  message.answers = records(view.getUint16(6))
  message.authorities = records(view.getUint16(8))
  message.additionals = records(view.getUint16(10))
  return message
}

/** `10.96.0.1` as `1.0.96.10.in-addr.arpa`. */
export function reverseName(ip: string): string {
  if (!ip.includes(':')) return `${ip.split('.').reverse().join('.')}.in-addr.arpa`
  return ipv6Bytes(ip).flatMap((byte) => [byte >> 4, byte & 15]).reverse().map((nibble) => nibble.toString(16)).join('.') + '.ip6.arpa'
}

function ipv6Bytes(text: string): number[] {
  const [head = '', tail] = text.split('::')
  const groups = (part: string) => part === '' ? [] : part.split(':').map((group) => parseInt(group, 16))
  const left = groups(head)
  const right = tail === undefined ? [] : groups(tail)
  const all = tail === undefined ? left : [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right]
  return all.flatMap((group) => [group >> 8, group & 255])
}

function ipv6Text(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16))
  const text = groups.join(':')
  const zeros = [...text.matchAll(/(?:^|:)0(?::0)+(?=:|$)/g)].sort((a, b) => b[0].length - a[0].length)[0]
  if (!zeros) return text
  return `${text.slice(0, zeros.index)}::${text.slice(zeros.index + zeros[0].length).replace(/^:/, '')}`
}
