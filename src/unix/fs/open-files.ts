import { createPipe } from '../../base/streams.ts'
import { errno } from '../errno.ts'
import type { OpenFile } from '../types.ts'
import { childOf } from './tree.ts'
import type { FileViewer, Inode, OpenDevice } from './tree.ts'
import type { Place } from './path-walk.ts'

/** What one read gives at most, unless it asks for another number of bytes. */
const CHUNK_BYTES = 65_536
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** The bytes of a file that it has any for. What is returned must not be changed. */
export function solidOf(inode: Inode): Uint8Array {
  if (!inode.content) return new Uint8Array(0)
  inode.shared = true
  return inode.content.subarray(0, inode.sizeBytes)
}

/** All bytes of a file, with the zeros of a hole at its end. */
export function contentOf(inode: Inode): Uint8Array {
  const solid = solidOf(inode)
  if (solid.length === inode.sizeBytes) return solid
  const whole = new Uint8Array(inode.sizeBytes)
  whole.set(solid)
  return whole
}

/** A copy of at most so many bytes of a file, with the zeros of a hole at its end. */
function chunkOf({ content, sizeBytes }: Inode, position: number, maxBytes: number): Uint8Array {
  const end = Math.min(position + maxBytes, sizeBytes)
  if (content && content.length >= end) return content.slice(position, end)
  const chunk = new Uint8Array(Math.max(0, end - position))
  if (content && content.length > position) chunk.set(content.subarray(position, end))
  return chunk
}

/** A text that was made when it was opened: files of /proc. */
export function openText(text: string, path: string): OpenFile {
  let rest: Uint8Array | null = encoder.encode(text)
  return {
    async read() {
      const out = rest
      rest = null
      return out && out.length > 0 ? out : null
    },
    async write() { throw errno('EBADF', path) },
    close() {},
  }
}

/** A file of /proc or /sys that takes what is written into it. */
export function openTaker(take: (text: string) => void, path: string): OpenFile {
  return {
    async read() { throw errno('EBADF', path) },
    async write(data) { take(typeof data === 'string' ? data : decoder.decode(data)) },
    close() {},
  }
}

/** A file that is only read. */
export function openForReading(inode: Inode, place: Place, path: string, viewer: FileViewer | undefined): OpenFile {
  let position = 0
  const current = () => {
    // A file of the image that was copied up after opening goes on in the copy.
    if (inode.tree === place.tree) return inode
    return childOf(place.directories[place.directories.length - 1]!.inode, place.name, viewer) ?? inode
  }
  return {
    async read(maxBytes = CHUNK_BYTES) {
      const now = current()
      if (position > now.sizeBytes) position = 0
      const chunk = chunkOf(now, position, maxBytes)
      position += chunk.length
      return chunk.length > 0 ? chunk : null
    },
    async write() { throw errno('EBADF', path) },
    seek(positionBytes) { position = positionBytes },
    close() {},
  }
}

/** A file of its own tree that is written: at its end (`a`), from its beginning on (`w`), or read as well (`r+`). */
export function openForWriting(inode: Inode, { tree, treePath }: Place, path: string, flags: 'w' | 'a' | 'r+'): OpenFile {
  let position = 0
  return {
    async read(maxBytes = CHUNK_BYTES) {
      if (flags !== 'r+') throw errno('EBADF', path)
      const chunk = chunkOf(inode, position, maxBytes)
      position += chunk.length
      return chunk.length > 0 ? chunk : null
    },
    async write(data) {
      const bytes = typeof data === 'string' ? encoder.encode(data) : data
      if (flags === 'a') position = inode.sizeBytes
      tree.writeAt(inode, position, bytes)
      position += bytes.length
      tree.changed(treePath)
    },
    seek(positionBytes) { position = positionBytes },
    close() {},
  }
}

/** What opens a named pipe: everybody who does gets an end of the same one. */
export function openFifo(inode: Inode): OpenDevice {
  let writers = 0
  let pipe = createPipe()
  let hasReader = false
  /** Its writers came and went before any reader. */
  let written = false
  const renew = () => { pipe.writer.close(); pipe = createPipe(); hasReader = false }
  return inode.device ??= (flags) => {
    const mine = pipe
    if (flags !== 'r') writers += 1
    // Opening to write would wait for a reader; here what was written waits for it instead.
    else if (writers === 0 && written) { renew(); written = false }
    else hasReader = true
    return {
      read: () => mine.reader.read(),
      write: (data) => mine.writer.write(data),
      close() {
        if (flags === 'r' || --writers > 0) return
        if (hasReader) renew()
        else written = true
      },
    }
  }
}
