import type { ByteReader } from '../base/streams.ts'
import { concatBytes } from '../base/streams.ts'

/**
 * A reader that several processes may share and that takes back what one of them read too much, as a file's offset or a
 * byte-by-byte read would leave it for the next.
 */
export interface SharedReader extends ByteReader {
  unread(data: Uint8Array): void
  /** Gives an end of input back (terminals: a ^D that nobody took). */
  unreadEnd?(): void
}

export function isSharedReader(reader: ByteReader): reader is SharedReader {
  return 'unread' in reader
}

/** Lets bytes be given back to a reader. */
export function sharedReader(source: ByteReader): SharedReader {
  if (isSharedReader(source)) return source
  let returned: Uint8Array | undefined
  return {
    async read() {
      if (returned) {
        const out = returned
        returned = undefined
        return out
      }
      return source.read()
    },
    unread(data) {
      if (data.length > 0) returned = returned ? concatBytes([data, returned]) : data
    },
    cancel: () => source.cancel(),
  }
}

/** A reader that is at its end: /dev/null. */
export const emptyReader: SharedReader = { read: async () => null, unread() {}, cancel() {} }

/** Bytes up to and including the first newline; what was read beyond it is given back. Null at the end. */
export async function readLineBytes(reader: ByteReader, delimiter = 10): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = []
  for (;;) {
    const chunk = await reader.read()
    if (!chunk) return chunks.length > 0 ? concatBytes(chunks) : null
    const at = chunk.indexOf(delimiter)
    if (at < 0) { chunks.push(chunk); continue }
    chunks.push(chunk.subarray(0, at + 1))
    if (at + 1 < chunk.length && isSharedReader(reader)) reader.unread(chunk.subarray(at + 1))
    return concatBytes(chunks)
  }
}
