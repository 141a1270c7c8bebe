import type { Clock } from './clock.ts'

/** Characters that are gathered before they are sent. */
const CHUNK_LENGTH = 65_536

/** A long text as a stream. Its pieces are made when the stream is read, and between two of them others get their turn. */
export function textStream(pieces: Iterable<string>, clock: Clock): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  const iterator = pieces[Symbol.iterator]()
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      let text = ''
      while (text.length < CHUNK_LENGTH) {
        await clock.breathe()
        const next = iterator.next()
        if (next.done) {
          if (text) controller.enqueue(encoder.encode(text))
          controller.close()
          return
        }
        text += next.value
      }
      controller.enqueue(encoder.encode(text))
    },
    cancel() {
      iterator.return?.()
    },
  }, { highWaterMark: 0 })
}
