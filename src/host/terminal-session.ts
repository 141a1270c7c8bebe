import type { Platform } from '../base/platform.ts'
import { BrokenPipeError, concatBytes } from '../base/streams.ts'
import type { ByteWriter } from '../base/streams.ts'
import { createTty } from '../unix/tty.ts'
import type { Terminal } from '../unix/tty.ts'
import type { Machine, Process } from '../unix/types.ts'
import { startShell } from './laptop.ts'

/** Output within so many milliseconds goes to the page together: half a frame. */
const BATCH_MS = 8
/** Bytes on their way to the screen before programs have to wait. */
const WINDOW_BYTES = 512 * 1024

const encoder = new TextEncoder()

interface SessionOptions {
  platform: Platform
  columns: number
  rows: number
  send(data: Uint8Array): void
  onExit(code: number): void
}

/** One terminal of the page: a tty of the laptop with a shell on it. */
export class TerminalSession {
  readonly tty: Terminal
  #process: Process | undefined
  readonly #output: ScreenWriter

  constructor(options: SessionOptions) {
    this.#output = new ScreenWriter(options.platform, options.send)
    this.tty = createTty({ columns: clampSize(options.columns), rows: clampSize(options.rows), output: this.#output })
    this.#onExit = options.onExit
  }

  readonly #onExit: (code: number) => void

  /** Starts the shell; what was typed before waits for it. */
  start(laptop: Machine, cwd?: string): void {
    const process = startShell(laptop, { tty: this.tty, stdin: this.tty.stdin, stdout: this.tty.stdout, isPage: true, ...(cwd ? { cwd } : {}) })
    this.#process = process
    void process.wait().then(({ code }) => {
      this.#output.flush()
      this.#onExit(code)
    })
  }

  type(data: string): void {
    this.tty.type(data)
  }

  resize(columns: number, rows: number): void {
    this.tty.resize(clampSize(columns), clampSize(rows))
  }

  drawn(bytes: number): void {
    this.#output.drawn(bytes)
  }

  /** The screen is gone. */
  close(): void {
    this.#output.close()
    this.tty.hangup()
    this.#process?.kill('SIGHUP')
  }
}

/** Collects output for a moment and holds writers back while the screen is behind. */
class ScreenWriter implements ByteWriter {
  readonly #platform: Platform
  readonly #send: (data: Uint8Array) => void
  #chunks: Uint8Array[] = []
  #cancelTimer: (() => void) | undefined
  #lastMs = -Infinity
  #undrawn = 0
  #waiting: (() => void)[] = []
  #closed = false

  constructor(platform: Platform, send: (data: Uint8Array) => void) {
    this.#platform = platform
    this.#send = send
  }

  async write(data: Uint8Array | string): Promise<void> {
    if (this.#closed) throw new BrokenPipeError()
    const bytes = typeof data === 'string' ? encoder.encode(data) : data.slice()
    if (bytes.length === 0) return
    this.#chunks.push(bytes)
    this.#undrawn += bytes.length
    // The first output after a pause (a key's echo) goes at once; a flood goes in batches.
    const dueMs = this.#lastMs + BATCH_MS - this.#platform.monotonicMs()
    this.#cancelTimer ??= this.#platform.setTimer(() => this.flush(), Math.max(0, dueMs))
    while (this.#undrawn > WINDOW_BYTES && !this.#closed) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  flush(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    if (this.#chunks.length === 0 || this.#closed) return
    const data = this.#chunks.length === 1 ? this.#chunks[0]! : concatBytes(this.#chunks)
    this.#chunks = []
    this.#lastMs = this.#platform.monotonicMs()
    this.#send(data)
  }

  drawn(bytes: number): void {
    this.#undrawn = Math.max(0, this.#undrawn - bytes)
    if (this.#undrawn <= WINDOW_BYTES) this.#release()
  }

  close(): void {
    this.#closed = true
    this.#cancelTimer?.()
    this.#release()
  }

  #release(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

function clampSize(size: number): number {
  return Math.max(2, Math.min(1_000, Math.floor(size) || 2))
}
