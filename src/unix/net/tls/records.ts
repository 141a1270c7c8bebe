import type { Clock } from '../../../base/clock.ts'
import { concatBytes, createPipe } from '../../../base/streams.ts'
import { UnixError } from '../../types.ts'
import type { TcpSocket } from '../../types.ts'
import { u16 } from './bytes.ts'
import { expandLabel } from './key-schedule.ts'

const CHANGE_CIPHER_SPEC = 20
export const ALERT = 21
export const HANDSHAKE = 22
const APPLICATION_DATA = 23
const CLOSE_NOTIFY = 0
const HEADER_BYTES = 5
const MOST_BYTES = 16_384
const NOTHING = new Uint8Array(0)

export interface TlsRecord {
  type: number
  content: Uint8Array
}

/** AES-128-GCM with the keys of one secret; each record has its own nonce. Uses WebCrypto. */
export class Protection {
  readonly #key: CryptoKey
  readonly #iv: Uint8Array
  #sequence = 0

  private constructor(key: CryptoKey, iv: Uint8Array) {
    this.#key = key
    this.#iv = iv
  }

  static async of(secret: Uint8Array): Promise<Protection> {
    const key = Uint8Array.from(await expandLabel(secret, 'key', NOTHING, 16))
    return new Protection(await crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt', 'decrypt']), await expandLabel(secret, 'iv', NOTHING, 12))
  }

  #parameters(header: Uint8Array): AesGcmParams {
    const iv = Uint8Array.from(this.#iv)
    const sequence = this.#sequence++
    for (let i = 0, rest = sequence; rest > 0; i++, rest = Math.floor(rest / 256)) iv[11 - i]! ^= rest % 256
    return { name: 'AES-GCM', iv, additionalData: Uint8Array.from(header), tagLength: 128 }
  }

  async seal(type: number, content: Uint8Array): Promise<Uint8Array> {
    const inner = Uint8Array.from([...content, type])
    const header = Uint8Array.from([APPLICATION_DATA, 3, 3, ...u16(inner.length + 16)])
    return concatBytes([header, new Uint8Array(await crypto.subtle.encrypt(this.#parameters(header), this.#key, inner))])
  }

  /** @throws UnixError when the record was not made with these keys */
  async open(header: Uint8Array, sealed: Uint8Array): Promise<TlsRecord> {
    let inner: Uint8Array
    try {
      inner = new Uint8Array(await crypto.subtle.decrypt(this.#parameters(header), this.#key, Uint8Array.from(sealed)))
    } catch {
      throw new UnixError('EPROTO', 'bad record mac')
    }
    let end = inner.length
    while (end > 0 && inner[end - 1] === 0) end -= 1
    return { type: inner[end - 1] ?? 0, content: inner.subarray(0, Math.max(0, end - 1)) }
  }
}

/** The records of a connection, protected from the moment on that keys are set. */
export class RecordLayer {
  readonly socket: TcpSocket
  readonly #clock: Clock
  #buffer: Uint8Array
  reading: Protection | undefined
  writing: Protection | undefined
  #lastWrite: Promise<void> = Promise.resolve()

  /** `first` are bytes that were read already. */
  constructor(socket: TcpSocket, clock: Clock, first: Uint8Array = NOTHING) {
    this.socket = socket
    this.#clock = clock
    this.#buffer = first
  }

  async #fill(count: number): Promise<boolean> {
    while (this.#buffer.length < count) {
      const chunk = await this.socket.reader.read()
      if (!chunk) return false
      this.#buffer = concatBytes([this.#buffer, chunk])
    }
    return true
  }

  /** The next record; undefined at the end. @throws UnixError for what isn't TLS */
  async read(): Promise<TlsRecord | undefined> {
    for (;;) {
      if (!await this.#fill(1)) return undefined
      if (this.#buffer[0]! < CHANGE_CIPHER_SPEC || this.#buffer[0]! > APPLICATION_DATA) throw new UnixError('EPROTO', 'wrong version number')
      if (!await this.#fill(HEADER_BYTES)) return undefined
      const length = (this.#buffer[3]! << 8) | this.#buffer[4]!
      if (length > MOST_BYTES + 256) throw new UnixError('EPROTO', 'record overflow')
      if (!await this.#fill(HEADER_BYTES + length)) return undefined
      const header = this.#buffer.slice(0, HEADER_BYTES)
      const body = this.#buffer.slice(HEADER_BYTES, HEADER_BYTES + length)
      this.#buffer = this.#buffer.slice(HEADER_BYTES + length)
      // Only there for middle boxes.
      if (header[0] === CHANGE_CIPHER_SPEC) continue
      return header[0] === APPLICATION_DATA && this.reading ? this.#clock.outside(this.reading.open(header, body)) : { type: header[0]!, content: body }
    }
  }

  /** Records go out in the order of the calls. */
  write(type: number, content: Uint8Array): Promise<void> {
    const previous = this.#lastWrite
    const work = (async () => {
      await previous.catch(() => {})
      for (let at = 0; at === 0 || at < content.length; at += MOST_BYTES) {
        const part = content.subarray(at, at + MOST_BYTES)
        const record = this.writing ? await this.#clock.outside(this.writing.seal(type, part)) : Uint8Array.from([type, 3, 3, ...u16(part.length), ...part])
        await this.socket.writer.write(record)
      }
    })()
    this.#lastWrite = work
    work.catch(() => {})
    return work
  }

  /** Tells why, and ends. */
  async fail(alert: number): Promise<void> {
    await this.write(ALERT, Uint8Array.of(2, alert)).catch(() => {})
    this.socket.writer.close()
  }

  /** The connection as programs use it, once both sides are sure of each other. */
  plain(): TcpSocket {
    const incoming = createPipe()
    void (async () => {
      for (let record = await this.read(); record; record = await this.read()) {
        if (record.type === ALERT) break
        // Tickets for later connections, of which there are none, come as handshake messages.
        if (record.type === APPLICATION_DATA && record.content.length > 0) await incoming.writer.write(record.content)
      }
    })().catch(() => {}).finally(() => incoming.writer.close())
    const { socket } = this
    return {
      local: socket.local,
      remote: socket.remote,
      reader: { read: () => incoming.reader.read(), cancel: () => { incoming.reader.cancel(); socket.reader.cancel() } },
      writer: {
        write: (data) => this.write(APPLICATION_DATA, typeof data === 'string' ? new TextEncoder().encode(data) : data),
        close: () => { void this.write(ALERT, Uint8Array.of(1, CLOSE_NOTIFY)).catch(() => {}).then(() => socket.writer.close()) },
      },
      destroy: () => { incoming.writer.close(); socket.destroy() },
    }
  }
}
