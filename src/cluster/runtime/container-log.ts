import { createPipe } from '../../base/streams.ts'
import type { ByteReader, ByteWriter } from '../../base/streams.ts'

const encoder = new TextEncoder()

/** One line (or part of one) in a container's log. */
export interface LogLine {
  timeMs: number
  stream: 'stdout' | 'stderr'
  /** Cut before its newline: the next entry of the stream goes on with it. */
  partial: boolean
  /** Without newline. */
  data: Uint8Array
}

export interface LogReadOptions {
  follow?: boolean
  tailLines?: number
  sinceMs?: number
  limitBytes?: number
  timestamps?: boolean
  /** Only this stream. */
  stream?: 'Stdout' | 'Stderr' | 'All'
}

/** What is left of a log in a file. */
export interface KeptLog {
  lines(): Promise<LogLine[]>
  /** The last lines, at most `maxLines`. */
  tail(maxLines: number): LogLine[]
}

/** Longest line that stays in one entry. containerd: max_container_log_line_size */
const MAX_LINE_BYTES = 16 * 1024

/** RFC 3339 with always nine digits. k8s: pkg/kubelet/types RFC3339NanoFixed */
function fixedNano(ms: number): string {
  const whole = Math.floor(ms)
  const nanos = Math.floor((ms - whole) * 1e6)
  return `${new Date(whole).toISOString().slice(0, 23)}${String(nanos).padStart(6, '0')}Z`
}

/**
 * What a container wrote, as its CRI log file holds it: line by line with time and stream. Bounded: at `maxBytes` the file is rotated, and
 * readers see the new one only, as with the real thing.
 */
export class ContainerLog {
  #lines: LogLine[] = []
  #bytes = 0
  /** Lines dropped by rotation, so that followers keep their place. */
  #dropped = 0
  #closed = false
  #pending: Record<'stdout' | 'stderr', Uint8Array[]> = { stdout: [], stderr: [] }
  #pendingBytes = { stdout: 0, stderr: 0 }
  #listeners = new Set<() => void>()
  readonly #nowMs: () => number
  readonly #maxBytes: number
  #kept: KeptLog | undefined
  /** Receives every entry in the form of the log file, for the node's file system. */
  onLine: ((line: LogLine) => void) | undefined
  onRotate: (() => void) | undefined

  constructor(nowMs: () => number, maxBytes = 10 * 1024 * 1024) {
    this.#nowMs = nowMs
    this.#maxBytes = maxBytes
  }

  /** The log of a container that ended before this process began: its text is looked up in the file when somebody reads. */
  static ofEnded(kept: KeptLog): ContainerLog {
    const log = new ContainerLog(() => 0)
    log.#kept = kept
    log.#closed = true
    return log
  }

  /** Goes on behind lines that were written before this process began. */
  resume(lines: readonly LogLine[]): void {
    this.#lines = [...lines]
    this.#bytes = lines.reduce((sum, { data }) => sum + data.length, 0)
  }

  get bytes(): number {
    return this.#bytes
  }

  get closed(): boolean {
    return this.#closed
  }

  append(stream: 'stdout' | 'stderr', data: Uint8Array): void {
    if (this.#closed) return
    let start = 0
    let wrote = false
    for (;;) {
      const newline = data.indexOf(10, start)
      if (newline < 0) break
      this.#commit(stream, data.subarray(start, newline), false)
      wrote = true
      start = newline + 1
    }
    if (start < data.length) {
      this.#pending[stream].push(data.slice(start))
      this.#pendingBytes[stream] += data.length - start
      while (this.#pendingBytes[stream] >= MAX_LINE_BYTES) { this.#flushPart(stream, MAX_LINE_BYTES); wrote = true }
    }
    if (wrote) this.#notify()
  }

  /** The container has ended: what has no newline yet is kept as a partial line. */
  close(): void {
    if (this.#closed) return
    for (const stream of ['stdout', 'stderr'] as const) if (this.#pendingBytes[stream] > 0) this.#flushPart(stream, this.#pendingBytes[stream])
    this.#closed = true
    this.#notify()
  }

  /** The last lines as text, at most `maxLines` and `maxBytes`. For termination messages. */
  tail(maxLines: number, maxBytes: number): string {
    const parts: string[] = []
    const decoder = new TextDecoder()
    for (const line of this.#kept ? this.#kept.tail(maxLines) : this.#lines.slice(-maxLines)) parts.push(decoder.decode(line.data) + (line.partial ? '' : '\n'))
    const text = parts.join('')
    return text.length > maxBytes ? text.slice(-maxBytes) : text
  }

  /** Reads as `kubectl logs` asks. With follow, the stream goes on until the container has ended. */
  read(options: LogReadOptions): ByteReader {
    const { reader, writer } = createPipe()
    this.#pump(options, (chunk) => writer.write(chunk)).catch(() => {}).finally(() => writer.close())
    return reader
  }

  /** Reads with both streams kept apart, in their order. Resolves at the end. */
  async readInto(options: LogReadOptions, streams: { stdout: ByteWriter; stderr: ByteWriter }): Promise<void> {
    await this.#pump(options, (chunk, stream) => streams[stream].write(chunk))
  }

  // k8s: pkg/kubelet/kuberuntime/logs ReadLogs
  async #pump(options: LogReadOptions, write: (chunk: Uint8Array, stream: 'stdout' | 'stderr') => Promise<void>): Promise<void> {
    if (this.#kept) {
      const copy = new ContainerLog(this.#nowMs)
      copy.#lines = await this.#kept.lines()
      copy.#closed = true
      return copy.#pump(options, write)
    }
    let rest = options.limitBytes ?? Infinity
    const wanted = options.stream === 'Stdout' ? 'stdout' : options.stream === 'Stderr' ? 'stderr' : undefined
    const tail = options.tailLines
    let next = this.#dropped + (tail === undefined || tail < 0 ? 0 : Math.max(0, this.#lines.length - tail))
    let atLineStart = true
    while (rest > 0) {
      const chunks: { bytes: Uint8Array; stream: LogLine['stream'] }[] = []
      let size = 0
      const end = this.#dropped + this.#lines.length
      for (next = Math.max(next, this.#dropped); next < end && size < 65_536 && size < rest; next++) {
        const line = this.#lines[next - this.#dropped]!
        if (wanted && line.stream !== wanted) continue
        if (options.sinceMs !== undefined && line.timeMs < options.sinceMs) continue
        const stamp = options.timestamps && atLineStart ? encoder.encode(`${fixedNano(line.timeMs)} `) : EMPTY
        const out = new Uint8Array(stamp.length + line.data.length + (line.partial ? 0 : 1))
        out.set(stamp)
        out.set(line.data, stamp.length)
        if (!line.partial) out[out.length - 1] = 10
        atLineStart = !line.partial
        chunks.push({ bytes: out, stream: line.stream })
        size += out.length
      }
      for (const { bytes, stream } of chunks) {
        const chunk = bytes.length > rest ? bytes.subarray(0, rest) : bytes
        if (chunk.length > 0) await write(chunk, stream)
        rest -= chunk.length
        if (rest <= 0) return
      }
      if (next < this.#dropped + this.#lines.length) continue
      if (!options.follow || this.#closed) return
      await new Promise<void>((resolve) => { const once = () => { this.#listeners.delete(once); resolve() }; this.#listeners.add(once) })
    }
  }

  #flushPart(stream: 'stdout' | 'stderr', length: number): void {
    const all = this.#take(stream)
    this.#store(stream, all.subarray(0, length), true)
    if (length < all.length) {
      this.#pending[stream] = [all.subarray(length)]
      this.#pendingBytes[stream] = all.length - length
    }
  }

  #take(stream: 'stdout' | 'stderr'): Uint8Array {
    const parts = this.#pending[stream]
    this.#pending[stream] = []
    const out = new Uint8Array(this.#pendingBytes[stream])
    this.#pendingBytes[stream] = 0
    let at = 0
    for (const part of parts) { out.set(part, at); at += part.length }
    return out
  }

  #commit(stream: 'stdout' | 'stderr', end: Uint8Array, partial: boolean): void {
    if (this.#pendingBytes[stream] === 0) {
      let rest = end
      while (rest.length > MAX_LINE_BYTES) { this.#store(stream, rest.slice(0, MAX_LINE_BYTES), true); rest = rest.subarray(MAX_LINE_BYTES) }
      this.#store(stream, rest.slice(), partial)
      return
    }
    const head = this.#take(stream)
    const out = new Uint8Array(head.length + end.length)
    out.set(head)
    out.set(end, head.length)
    this.#store(stream, out, partial)
  }

  #store(stream: 'stdout' | 'stderr', data: Uint8Array, partial: boolean): void {
    const line = { timeMs: this.#nowMs(), stream, partial, data }
    if (this.#bytes > this.#maxBytes) {
      this.#dropped += this.#lines.length
      this.#lines = []
      this.#bytes = 0
      this.onRotate?.()
    }
    this.#lines.push(line)
    // Time, stream and tag of the file's line count too.
    this.#bytes += data.length + 45
    this.onLine?.(line)
  }

  #notify(): void {
    if (this.#listeners.size === 0) return
    for (const listener of [...this.#listeners]) listener()
  }
}

const EMPTY = new Uint8Array(0)
