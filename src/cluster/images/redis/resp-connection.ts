import { BrokenPipeError } from '../../../base/streams.ts'
import { UnixError } from '../../../unix/types.ts'
import type { Proc, TcpSocket } from '../../../unix/types.ts'
import { ReplyParser, encodeCommand, fromByteString } from './resp.ts'
import type { Reply } from './resp.ts'

/** A server's connection to another one: asks, and gets answers in order. */
export class RespConnection {
  readonly socket: TcpSocket
  /** Settles when the connection is over. */
  readonly closed: Promise<void>
  #isClosed = false
  readonly #waiting: { resolve: (reply: Reply) => void; reject: (error: Error) => void }[] = []
  readonly #onPush: ((reply: Reply) => void) | undefined

  private constructor(socket: TcpSocket, onPush?: (reply: Reply) => void) {
    this.socket = socket
    this.#onPush = onPush
    this.closed = this.#read().catch(() => {}).then(() => this.close())
  }

  /** With `onPush` every reply goes there: a connection for subscriptions. @throws UnixError */
  static async open(proc: Proc, host: string, port: number, options: { timeoutMs: number; onPush?: (reply: Reply) => void }): Promise<RespConnection> {
    return new RespConnection(await proc.net.connectTcp(host, port, { timeoutMs: options.timeoutMs }), options.onPush)
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** How many answers are missing. */
  get pending(): number {
    return this.#waiting.length
  }

  /** @throws UnixError when the connection breaks before the answer */
  ask(...args: string[]): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) { reject(new UnixError('EPIPE', 'Broken pipe')); return }
      this.#waiting.push({ resolve, reject })
      this.#write(args)
    })
  }

  /** Sends without waiting for an answer of its own. */
  send(...args: string[]): void {
    if (!this.#isClosed) this.#write(args)
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.socket.destroy()
    for (const { reject } of this.#waiting.splice(0)) reject(new UnixError('ECONNRESET', 'Connection reset by peer'))
  }

  #write(args: readonly string[]): void {
    this.socket.writer.write(fromByteString(encodeCommand(args))).catch((error: unknown) => {
      if (!(error instanceof UnixError || error instanceof BrokenPipeError)) throw error
      this.close()
    })
  }

  async #read(): Promise<void> {
    const parser = new ReplyParser()
    for (let chunk = await this.socket.reader.read(); chunk; chunk = await this.socket.reader.read()) {
      parser.push(chunk)
      for (let reply = parser.next(); reply !== undefined; reply = parser.next()) {
        if (this.#onPush) this.#onPush(reply)
        else this.#waiting.shift()?.resolve(reply)
      }
    }
  }
}
