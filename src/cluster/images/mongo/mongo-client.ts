import type { Document } from 'bson'
import { ProcessKilled, UnixError } from '../../../unix/types.ts'
import type { Proc } from '../../../unix/types.ts'
import { MongoError } from './mongo-error.ts'
import { MessageStream } from './wire.ts'

/** A connection to one mongod. */
export class MongoClient {
  readonly #proc: Proc
  readonly #stream: MessageStream
  #busy: Promise<unknown> = Promise.resolve()
  closed = false

  private constructor(proc: Proc, stream: MessageStream) {
    this.#proc = proc
    this.#stream = stream
  }

  /** @throws UnixError when it can't be reached */
  static async connect(proc: Proc, host: string, port: number, { timeoutMs = 10_000, keepLongs = false }: { timeoutMs?: number; keepLongs?: boolean } = {}): Promise<MongoClient> {
    return new MongoClient(proc, new MessageStream(await proc.net.connectTcp(host, port, { timeoutMs }), { keepLongs }))
  }

  /**
   * A command's answer, after those that were asked before.
   * @throws MongoError for what the server refuses, UnixError ECONNRESET, ETIMEDOUT
   */
  async command(database: string, command: Document, timeoutMs?: number): Promise<Document> {
    const previous = this.#busy
    const answer = (async () => {
      await previous.catch(() => {})
      return this.#ask({ ...command, $db: database }, timeoutMs)
    })()
    this.#busy = answer.catch(() => {})
    const reply = await answer
    if (reply.ok === 1) return reply
    const { ok: _, errmsg, code, codeName, $clusterTime: __, operationTime: ___, ...more } = reply
    throw new MongoError(Number(code ?? 8), String(errmsg ?? 'unknown error'), more, codeName as string | undefined)
  }

  async #ask(document: Document, timeoutMs?: number): Promise<Document> {
    if (this.closed) throw new UnixError('ECONNRESET')
    try {
      await this.#stream.write(document)
      const reading = this.#stream.read()
      const message = timeoutMs === undefined ? await reading : await Promise.race([reading, this.#proc.sleep(timeoutMs).then(() => 'late' as const)])
      if (message === 'late') { this.close(); reading.catch(() => {}); throw new UnixError('ETIMEDOUT') }
      if (!message) throw new UnixError('ECONNRESET')
      return message.document
    } catch (error) {
      this.close()
      if (error instanceof UnixError || error instanceof ProcessKilled) throw error
      throw (error as { code?: string }).code === undefined ? error : new UnixError('ECONNRESET')
    }
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    this.#stream.socket.destroy()
  }
}
