import { concatBytes } from '../../base/streams.ts'
import type { ByteReader } from '../../base/streams.ts'

/** One member of an archive. */
export interface TarEntry {
  name: string
  type: 'file' | 'directory' | 'symlink'
  mode: number
  modifiedMs: number
  linkName?: string
  data: Uint8Array
}

const BLOCK = 512

/** An archive in ustar format; long names get GNU headers. */
export function writeTar(entries: Iterable<TarEntry>): Uint8Array {
  const parts: Uint8Array[] = []
  const add = (name: string, type: string, entry: TarEntry, data: Uint8Array) => {
    parts.push(header(name, type, entry, data.length), data)
    if (data.length % BLOCK) parts.push(new Uint8Array(BLOCK - data.length % BLOCK))
  }
  for (const entry of entries) {
    const name = entry.type === 'directory' && !entry.name.endsWith('/') ? `${entry.name}/` : entry.name
    const bytes = new TextEncoder().encode(name)
    if (bytes.length > 100) add('././@LongLink', 'L', entry, concatBytes([bytes, new Uint8Array(1)]))
    add(name, entry.type === 'directory' ? '5' : entry.type === 'symlink' ? '2' : '0', entry, entry.type === 'file' ? entry.data : new Uint8Array(0))
  }
  parts.push(new Uint8Array(BLOCK * 2))
  return concatBytes(parts)
}

function header(name: string, type: string, entry: TarEntry, size: number): Uint8Array {
  const block = new Uint8Array(BLOCK)
  const put = (at: number, text: string, length: number) => block.set(new TextEncoder().encode(text).subarray(0, length), at)
  const octal = (at: number, value: number, length: number) => put(at, value.toString(8).padStart(length - 1, '0'), length)
  put(0, name, 100)
  octal(100, entry.mode & 0o7777, 8)
  octal(108, 0, 8)
  octal(116, 0, 8)
  octal(124, size, 12)
  octal(136, Math.floor(entry.modifiedMs / 1000), 12)
  put(148, '        ', 8)
  put(156, type, 1)
  if (entry.linkName) put(157, entry.linkName, 100)
  put(257, 'ustar\x0000', 8)
  put(148, `${block.reduce((sum, b) => sum + b, 0).toString(8).padStart(6, '0')}\0 `, 8)
  return block
}

/** Reads an archive member by member. @throws Error when it is not one */
export async function* readTar(reader: ByteReader): AsyncGenerator<TarEntry> {
  let buffer: Uint8Array = new Uint8Array(0)
  const take = async (length: number): Promise<Uint8Array | undefined> => {
    while (buffer.length < length) {
      const chunk = await reader.read()
      if (!chunk) return undefined
      buffer = concatBytes([buffer, chunk])
    }
    const out = buffer.slice(0, length)
    buffer = buffer.slice(length)
    return out
  }
  let longName = ''
  for (;;) {
    const block = await take(BLOCK)
    if (!block || block.every((b) => b === 0)) return
    const text = (at: number, length: number) => new TextDecoder().decode(block.subarray(at, at + length)).replace(/\0.*$/s, '')
    const number = (at: number, length: number) => parseInt(text(at, length).trim() || '0', 8)
    const size = number(124, 12)
    if (!Number.isFinite(size)) throw new Error('archive/tar: invalid tar header')
    const data = await take(Math.ceil(size / BLOCK) * BLOCK)
    if (!data) throw new Error('unexpected EOF')
    const content = data.subarray(0, size)
    const type = text(156, 1)
    if (type === 'L') { longName = new TextDecoder().decode(content).replace(/\0.*$/s, ''); continue }
    const prefix = text(257, 5) === 'ustar' ? text(345, 155) : ''
    const name = longName || (prefix ? `${prefix}/` : '') + text(0, 100)
    longName = ''
    if (type === 'x' || type === 'g') continue
    yield { name, type: type === '5' ? 'directory' : type === '2' || type === '1' ? 'symlink' : 'file', mode: number(100, 8), modifiedMs: number(136, 12) * 1000, linkName: text(157, 100), data: content }
  }
}
