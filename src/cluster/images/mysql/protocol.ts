/** MySQL's client/server protocol: packets and what is in them, as both ends need it. */
import { concatBytes } from '../../../base/streams.ts'
import type { TcpSocket } from '../../../unix/types.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Flags that client and server agree on. */
export const CAPABILITIES = { longPassword: 1, foundRows: 2, longFlag: 4, connectWithDatabase: 8, protocol41: 0x200, ssl: 0x800, transactions: 0x2000, secureConnection: 0x8000, multiStatements: 0x1_0000, multiResults: 0x2_0000, pluginAuthentication: 0x8_0000, lengthEncodedAuthentication: 0x20_0000 } as const
export const COMMANDS = { quit: 1, useDatabase: 2, query: 3, fieldList: 4, statistics: 9, ping: 14, resetConnection: 31 } as const
export const STATUS = { inTransaction: 1, autocommit: 2, moreResults: 8 } as const
/** Types of columns, as the protocol numbers them. */
export const FIELD_TYPES: Readonly<Record<string, number>> = { tinyint: 1, smallint: 2, int: 3, float: 4, double: 5, timestamp: 7, bigint: 8, mediumint: 9, date: 10, time: 11, datetime: 12, year: 13, bit: 16, json: 0xf5, decimal: 0xf6, enum: 0xfe, set: 0xfe, tinytext: 0xfc, text: 0xfc, mediumtext: 0xfc, longtext: 0xfc, tinyblob: 0xfc, blob: 0xfc, mediumblob: 0xfc, longblob: 0xfc, char: 0xfe, binary: 0xfe }
/** Of a column's flags. */
export const NOT_NULL_FLAG = 1
export const VAR_STRING = 0xfd
const NUMERIC_TYPES = new Set([1, 2, 3, 4, 5, 8, 9, 13, 0xf6])

export const isNumericField = (type: number) => NUMERIC_TYPES.has(type)

/** Writes the parts of a packet one after the other. */
export class PacketWriter {
  readonly #parts: Uint8Array[] = []

  int(value: number, bytes: number): this {
    const out = new Uint8Array(bytes)
    for (let i = 0; i < bytes; i++) out[i] = Math.floor(value / 2 ** (8 * i)) & 255
    return this.bytes(out)
  }

  bytes(bytes: Uint8Array): this { this.#parts.push(bytes); return this }

  text(text: string): this { return this.bytes(encoder.encode(text)) }

  /** Ended by a zero. */
  zeroText(text: string): this { return this.text(text).int(0, 1) }

  lengthEncoded(value: number): this {
    return value < 251 ? this.int(value, 1) : value < 0x1_0000 ? this.int(0xfc, 1).int(value, 2) : value < 0x100_0000 ? this.int(0xfd, 1).int(value, 3) : this.int(0xfe, 1).int(value, 8)
  }

  lengthEncodedText(text: string): this {
    const bytes = encoder.encode(text)
    return this.lengthEncoded(bytes.length).bytes(bytes)
  }

  get packet(): Uint8Array { return concatBytes(this.#parts) }
}

/** Reads the parts of a packet. */
export class PacketReader {
  readonly #bytes: Uint8Array
  at = 0
  constructor(bytes: Uint8Array) { this.#bytes = bytes }

  get left(): number { return this.#bytes.length - this.at }

  int(bytes: number): number {
    let value = 0
    for (let i = 0; i < bytes; i++) value += (this.#bytes[this.at + i] ?? 0) * 2 ** (8 * i)
    this.at += bytes
    return value
  }

  bytes(length: number): Uint8Array { const out = this.#bytes.subarray(this.at, this.at + length); this.at += length; return out }

  zeroText(): string {
    let end = this.#bytes.indexOf(0, this.at)
    if (end < 0) end = this.#bytes.length
    const out = decoder.decode(this.#bytes.subarray(this.at, end))
    this.at = end + 1
    return out
  }

  rest(): string { return decoder.decode(this.bytes(this.left)) }

  lengthEncoded(): number {
    const first = this.int(1)
    return first < 0xfb ? first : this.int(first === 0xfc ? 2 : first === 0xfd ? 3 : 8)
  }

  /** Null where a row's value is NULL. */
  lengthEncodedText(): string | null {
    if (this.#bytes[this.at] === 0xfb) { this.at += 1; return null }
    return decoder.decode(this.bytes(this.lengthEncoded()))
  }
}

/** Packets over a connection. */
export class PacketStream {
  readonly socket: TcpSocket
  #rest: Uint8Array = new Uint8Array(0)
  /** Number of the next packet: begins anew with each command. */
  sequence = 0

  constructor(socket: TcpSocket) { this.socket = socket }

  async #need(bytes: number): Promise<boolean> {
    while (this.#rest.length < bytes) {
      const chunk = await this.socket.reader.read()
      if (!chunk) return false
      this.#rest = concatBytes([this.#rest, chunk])
    }
    return true
  }

  /** The next packet; undefined when the other end has gone. */
  async read(): Promise<Uint8Array | undefined> {
    if (!await this.#need(4)) return undefined
    const length = this.#rest[0]! + this.#rest[1]! * 256 + this.#rest[2]! * 65_536
    if (!await this.#need(4 + length)) return undefined
    this.sequence = (this.#rest[3]! + 1) & 255
    const packet = this.#rest.slice(4, 4 + length)
    this.#rest = this.#rest.subarray(4 + length)
    return packet
  }

  /** Sends packets together. */
  async write(...packets: Uint8Array[]): Promise<void> {
    const parts: Uint8Array[] = []
    for (const packet of packets) {
      parts.push(new PacketWriter().int(packet.length, 3).int(this.sequence, 1).packet, packet)
      this.sequence = (this.sequence + 1) & 255
    }
    await this.socket.writer.write(concatBytes(parts))
  }
}
