import type { ByteWriter } from '../../base/streams.ts'
import type { Clock } from '../../base/clock.ts'

const decoder = new TextDecoder()

/** One line of what a build does. */
export interface Vertex {
  readonly number: number
  /** A line below it. */
  say(text: string): Promise<void>
  /** Output of a program goes below it, line by line, with the seconds since it began. */
  readonly output: ByteWriter
  /** The last lines of the output, for when it fails. */
  readonly tail: readonly string[]
  done(): Promise<void>
  cached(): Promise<void>
  failed(message: string): Promise<void>
}

/** BuildKit's `--progress=plain`. */
export class BuildProgress {
  readonly #write: (text: string) => Promise<void>
  readonly #clock: Pick<Clock, 'nowMs'>
  #count = 0

  constructor(write: (text: string) => Promise<void>, clock: Pick<Clock, 'nowMs'>) {
    this.#write = write
    this.#clock = clock
  }

  async head(text: string): Promise<void> {
    await this.#write(`#0 ${text}\n`)
  }

  async begin(name: string): Promise<Vertex> {
    const number = ++this.#count
    const beganMs = this.#clock.nowMs()
    const seconds = (digits: number) => ((this.#clock.nowMs() - beganMs) / 1000).toFixed(digits)
    const line = (text: string) => this.#write(`#${number} ${text}\n`)
    await this.#write(`\n#${number} ${name}\n`)
    const tail: string[] = []
    let rest = ''
    const flush = async (text: string) => {
      const shown = `${seconds(3)} ${text.replace(/\r$/, '')}`
      tail.push(shown)
      if (tail.length > 20) tail.shift()
      await line(shown)
    }
    const end = async () => { if (rest !== '') { const last = rest; rest = ''; await flush(last) } }
    return {
      number, tail, say: line,
      output: {
        async write(data) {
          const lines = (rest + (typeof data === 'string' ? data : decoder.decode(data))).split('\n')
          rest = lines.pop()!
          for (const each of lines) await flush(each)
        },
        close() {},
      },
      async done() { await end(); await line(`DONE ${seconds(1)}s`) },
      cached: () => line('CACHED'),
      async failed(message) { await end(); await line(`ERROR: ${message}`) },
    }
  }
}
