import type { Clock } from './clock.ts'
import { concatBytes } from './streams.ts'

/** Bytes, or characters, that are gathered before they are sent. */
const CHUNK_LENGTH = 65_536

/** A long text as a stream. Its pieces, texts or UTF-8 (which is copied), are made when the stream is read, and between two of them others get their turn. */
export function textStream(pieces: Iterable<string | Uint8Array>, clock: Clock): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  const iterator = pieces[Symbol.iterator]()
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const gathered: (string | Uint8Array)[] = []
      let length = 0
      let isDone = false
      while (length < CHUNK_LENGTH) {
        await clock.breathe()
        const next = iterator.next()
        isDone = next.done === true
        if (next.done) break
        gathered.push(next.value)
        length += next.value.length
      }
      if (length > 0) controller.enqueue(concatBytes(gathered.map((piece) => typeof piece === 'string' ? encoder.encode(piece) : piece)))
      if (isDone) controller.close()
    },
    cancel() {
      iterator.return?.()
    },
  }, { highWaterMark: 0 })
}
