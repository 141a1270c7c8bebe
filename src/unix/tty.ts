import type { ByteReader, ByteWriter } from '../base/streams.ts'
import { concatBytes } from '../base/streams.ts'
import type { SharedReader } from './input.ts'
import { markTerminalStream } from './process.ts'
import type { Signal, Tty } from './types.ts'

export interface TtyOptions {
  columns?: number
  rows?: number
  /** Where the line discipline's output goes: the screen. */
  output: ByteWriter
  /** Keys; {@link Terminal.type} may be used instead. */
  input?: ByteReader
}

const encoder = new TextEncoder()
const NEWLINE = 10, RETURN = 13, ERASE = 127, BACKSPACE = 8, KILL_LINE = 21, ERASE_WORD = 23, END_OF_FILE = 4
const INTERRUPT = 3, QUIT = 28, SUSPEND = 26, LITERAL_NEXT = 22

/**
 * A terminal between a screen and processes: `stdin` and `stdout` are what its processes get. Cooked mode echoes, edits lines
 * and turns keys into signals; raw mode hands every byte on.
 */
export function createTty(options: TtyOptions): Terminal {
  return new Terminal(options)
}

/** The line discipline of one terminal. */
export class Terminal implements Tty {
  columns: number
  rows: number
  foregroundGroup: number | undefined
  readonly stdin: SharedReader
  readonly stdout: ByteWriter
  #raw = false
  readonly #output: ByteWriter
  readonly #resizeListeners = new Set<() => void>()
  #signalGroup: ((group: number, signal: Signal) => void) | undefined
  /** Bytes of the line being edited. */
  #line: number[] = []
  #ready: Uint8Array[] = []
  /** Reads that wait; each gets one piece of input. */
  #waiting: { resolve: (data: Uint8Array | null) => void }[] = []
  #endsOfFile = 0
  #hungUp = false
  #literalNext = false

  constructor(options: TtyOptions) {
    this.columns = options.columns ?? 80
    this.rows = options.rows ?? 24
    this.#output = options.output
    this.stdin = {
      read: () => this.#read(),
      unread: (data) => { if (data.length > 0) this.#return(data) },
      unreadEnd: () => this.#endOfFile(),
      cancel() {},
    }
    this.stdout = {
      write: (data) => this.#output.write(this.#raw ? data : withCarriageReturns(data)),
      close() {},
    }
    markTerminalStream(this.stdin)
    markTerminalStream(this.stdout)
    if (options.input) void this.#pump(options.input)
  }

  get raw(): boolean {
    return this.#raw
  }

  setRaw(raw: boolean): void {
    this.#raw = raw
    if (raw && this.#line.length > 0) {
      this.#deliver(Uint8Array.from(this.#line))
      this.#line = []
    }
  }

  onResize(listener: () => void): () => void {
    this.#resizeListeners.add(listener)
    return () => { this.#resizeListeners.delete(listener) }
  }

  resize(columns: number, rows: number): void {
    if (columns === this.columns && rows === this.rows) return
    this.columns = columns
    this.rows = rows
    for (const listener of [...this.#resizeListeners]) listener()
    this.#signal('SIGWINCH')
  }

  /** Makes a machine's processes reachable for keys. */
  attach(signalGroup: (group: number, signal: Signal) => void): void {
    this.#signalGroup = signalGroup
  }

  /** Keys from the screen. */
  type(data: Uint8Array | string): void {
    const bytes = typeof data === 'string' ? encoder.encode(data) : data
    if (this.#raw) { if (bytes.length > 0) this.#deliver(bytes.slice()); return }
    let echo: number[] = []
    for (let i = 0; i < bytes.length; i++) {
      this.#key(bytes[i]!, echo)
      // A program woken by a whole line may switch to raw mode; what follows is still typed ahead in cooked mode.
      if (this.#raw) { this.#deliver(bytes.slice(i + 1)); break }
    }
    if (echo.length > 0) void this.#output.write(Uint8Array.from(echo)).catch(() => {})
  }

  /** The screen has gone: SIGHUP to the foreground, end of input. */
  hangup(): void {
    if (this.#hungUp) return
    this.#hungUp = true
    this.#signal('SIGHUP')
    for (const { resolve } of this.#waiting.splice(0)) resolve(null)
  }

  #key(byte: number, echo: number[]): void {
    if (this.#literalNext) {
      this.#literalNext = false
      this.#line.push(byte)
      echoByte(byte, echo)
      return
    }
    switch (byte) {
      case INTERRUPT: return this.#interrupt('SIGINT', echo, byte)
      case QUIT: return this.#interrupt('SIGQUIT', echo, byte)
      case SUSPEND: return this.#interrupt('SIGTSTP', echo, byte)
      case LITERAL_NEXT: this.#literalNext = true; return
      case RETURN: case NEWLINE:
        echo.push(RETURN, NEWLINE)
        this.#line.push(NEWLINE)
        this.#deliver(Uint8Array.from(this.#line))
        this.#line = []
        return
      case ERASE: case BACKSPACE: this.#erase(echo); return
      case KILL_LINE: while (this.#line.length > 0) this.#erase(echo); return
      case ERASE_WORD:
        while (this.#line.length > 0 && this.#line[this.#line.length - 1] === 32) this.#erase(echo)
        while (this.#line.length > 0 && this.#line[this.#line.length - 1] !== 32) this.#erase(echo)
        return
      case END_OF_FILE:
        if (this.#line.length > 0) this.#deliver(Uint8Array.from(this.#line))
        else this.#endOfFile()
        this.#line = []
        return
      default:
        this.#line.push(byte)
        echoByte(byte, echo)
    }
  }

  #interrupt(signal: Signal, echo: number[], byte: number): void {
    echo.push(94, byte + 64)
    this.#line = []
    this.#ready = []
    this.#signal(signal)
  }

  #signal(signal: Signal): void {
    if (this.foregroundGroup !== undefined) this.#signalGroup?.(this.foregroundGroup, signal)
  }

  #erase(echo: number[]): void {
    let byte = this.#line.pop()
    if (byte === undefined) return
    // One character may be several bytes of UTF-8.
    while (byte !== undefined && (byte & 0xc0) === 0x80) byte = this.#line.pop()
    const width = byte !== undefined && (byte < 32) ? 2 : 1
    for (let i = 0; i < width; i++) echo.push(BACKSPACE, 32, BACKSPACE)
  }

  #endOfFile(): void {
    const waiter = this.#waiting.shift()
    if (waiter) waiter.resolve(null)
    else this.#endsOfFile += 1
  }

  #deliver(data: Uint8Array): void {
    if (data.length === 0) return
    const waiter = this.#waiting.shift()
    if (waiter) waiter.resolve(data)
    else this.#ready.push(data)
  }

  #read(): Promise<Uint8Array | null> {
    if (this.#ready.length > 0) {
      // A read in cooked mode returns one line at most.
      const out = this.#raw ? concatBytes(this.#ready.splice(0)) : this.#ready.shift()!
      return Promise.resolve(out)
    }
    if (this.#hungUp) return Promise.resolve(null)
    if (this.#endsOfFile > 0) { this.#endsOfFile -= 1; return Promise.resolve(null) }
    return new Promise((resolve) => this.#waiting.push({ resolve }))
  }

  #return(data: Uint8Array): void {
    const waiter = this.#waiting.shift()
    if (waiter) waiter.resolve(data)
    else this.#ready.unshift(data)
  }

  async #pump(input: ByteReader): Promise<void> {
    for (let chunk = await input.read(); chunk; chunk = await input.read()) this.type(chunk)
    this.hangup()
  }
}

function echoByte(byte: number, echo: number[]): void {
  if (byte < 32 && byte !== 9) echo.push(94, byte + 64)
  else echo.push(byte)
}

/** NL to CR NL, as ONLCR does. */
function withCarriageReturns(data: Uint8Array | string): Uint8Array | string {
  if (typeof data === 'string') return data.includes('\n') ? data.replace(/\n/g, '\r\n') : data
  if (!data.includes(NEWLINE)) return data
  const out: number[] = []
  for (const byte of data) {
    if (byte === NEWLINE) out.push(RETURN)
    out.push(byte)
  }
  return Uint8Array.from(out)
}
