import type { Clock } from './clock.ts'
import { concatBytes } from './streams.ts'

/** Bytes, or characters, that are gathered before they are sent. */
const CHUNK_LENGTH = 65_536
/** UTF-8 of this many bytes is sent by itself: copying it would take longer than sending one chunk more. */
const LARGE_BYTES = 8_192

/**
 * A long text as a stream. Its pieces, texts or UTF-8, are made when the stream is read, and between two of them others get their turn.
 * Large pieces of UTF-8 are handed on as they are: if their owner keeps them, readers must not change them.
 */
export function textStream(pieces: Iterable<string | Uint8Array>, clock: Clock): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  const iterator = pieces[Symbol.iterator]()
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      let gathered: (string | Uint8Array)[] = []
      const send = () => {
        if (gathered.length > 0) controller.enqueue(concatBytes(gathered.map((piece) => typeof piece === 'string' ? encoder.encode(piece) : piece)))
        gathered = []
      }
      for (let length = 0; length < CHUNK_LENGTH;) {
        await clock.breathe()
        const { value: piece, done } = iterator.next()
        if (done) {
          send()
          return controller.close()
        }
        if (piece.length === 0) continue
        length += piece.length
        if (typeof piece === 'string' || piece.length < LARGE_BYTES) gathered.push(piece)
        else {
          send()
          controller.enqueue(piece)
        }
      }
      send()
    },
    cancel() {
      iterator.return?.()
    },
  }, { highWaterMark: 0 })
}
