const encoder = new TextEncoder()

/** The reading end of a stream of bytes. */
export interface ByteReader {
  /** The next bytes (never empty), or null at the end. One read at a time. */
  read(): Promise<Uint8Array | null>
  /** The reader wants no more; writers get {@link BrokenPipeError}. */
  cancel(): void
}

/** The writing end of a stream of bytes. */
export interface ByteWriter {
  /** Resolves once there is room; rejects with {@link BrokenPipeError} when nobody reads any more. */
  write(data: Uint8Array | string): Promise<void>
  close(): void
}

/** What a write meets when the reader has gone (EPIPE). */
export class BrokenPipeError extends Error {
  readonly code = 'EPIPE'
  constructor() {
    super('Broken pipe')
  }
}

export interface Pipe {
  reader: ByteReader
  writer: ByteWriter
}

/** A pipe that holds up to `capacityBytes` before writers wait (64 KiB, as on Linux). */
export function createPipe(capacityBytes = 65_536): Pipe {
  let chunks: Uint8Array[] = []
  let held = 0
  let closed = false
  let cancelled = false
  let wakeReader: (() => void) | undefined
  let wakeWriters: (() => void)[] = []
  const wake = () => { const w = wakeReader; wakeReader = undefined; w?.() }
  const drain = () => { const w = wakeWriters; wakeWriters = []; for (const f of w) f() }
  return {
    reader: {
      async read() {
        while (chunks.length === 0) {
          if (closed || cancelled) return null
          await new Promise<void>((resolve) => { wakeReader = resolve })
        }
        const out = chunks.length === 1 ? chunks[0]! : concatBytes(chunks)
        chunks = []
        held = 0
        drain()
        return out
      },
      cancel() {
        cancelled = true
        chunks = []
        drain()
        wake()
      },
    },
    writer: {
      async write(data) {
        if (cancelled || closed) throw new BrokenPipeError()
        const bytes = typeof data === 'string' ? encoder.encode(data) : data
        if (bytes.length === 0) return
        chunks.push(bytes)
        held += bytes.length
        wake()
        while (held > capacityBytes && !cancelled) await new Promise<void>((resolve) => wakeWriters.push(resolve))
        if (cancelled) throw new BrokenPipeError()
      },
      close() {
        closed = true
        wake()
      },
    },
  }
}

export function concatBytes(chunks: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const chunk of chunks) length += chunk.length
  const out = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) { out.set(chunk, at); at += chunk.length }
  return out
}

/** Everything up to the end. */
export async function readAll(reader: ByteReader): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for (let chunk = await reader.read(); chunk; chunk = await reader.read()) chunks.push(chunk)
  return concatBytes(chunks)
}

/** Lines without their newline; a last line without one counts too. */
export async function* readLines(reader: ByteReader): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for (let chunk = await reader.read(); chunk; chunk = await reader.read()) {
    rest += decoder.decode(chunk, { stream: true })
    const lines = rest.split('\n')
    rest = lines.pop()!
    yield* lines
  }
  rest += decoder.decode()
  if (rest) yield rest
}

/** A reader over bytes that are there already. */
export function readerOf(data: Uint8Array | string): ByteReader {
  let rest: Uint8Array | null = typeof data === 'string' ? encoder.encode(data) : data
  if (rest.length === 0) rest = null
  return { async read() { const out = rest; rest = null; return out }, cancel() { rest = null } }
}

export function fromWebStream(stream: ReadableStream<Uint8Array>): ByteReader {
  const reader = stream.getReader()
  return {
    async read() {
      for (;;) {
        const { value, done } = await reader.read()
        if (done) return null
        if (value.length > 0) return value
      }
    },
    cancel() { reader.cancel().catch(() => {}) },
  }
}

export function toWebStream(reader: ByteReader): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const chunk = await reader.read()
      if (chunk) controller.enqueue(chunk)
      else controller.close()
    },
    cancel() { reader.cancel() },
  }, { highWaterMark: 0 })
}
