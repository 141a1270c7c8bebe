import type { ByteReader, ByteWriter } from '../../base/streams.ts'
import { createPipe } from '../../base/streams.ts'
import { errno } from '../errno.ts'
import { emptyReader, sharedReader } from '../input.ts'
import type { SharedReader } from '../input.ts'
import type { OpenFile } from '../types.ts'

/** An open file that several descriptors, also of several processes, may share; it closes with the last of them. */
export class Description {
  readonly reader: SharedReader | undefined
  readonly writer: ByteWriter | undefined
  #holders = 1
  readonly #onClose: (() => void) | undefined

  constructor(ends: { reader?: ByteReader; writer?: ByteWriter; onClose?: () => void }) {
    this.reader = ends.reader && sharedReader(ends.reader)
    this.writer = ends.writer
    this.#onClose = ends.onClose
  }

  retain(): this {
    this.#holders += 1
    return this
  }

  release(): void {
    this.#holders -= 1
    if (this.#holders === 0) this.#onClose?.()
  }
}

/** Both ends of a new pipe. */
export function pipeDescriptions(): { read: Description; write: Description } {
  const pipe = createPipe()
  return {
    read: new Description({ reader: pipe.reader, onClose: () => pipe.reader.cancel() }),
    write: new Description({ writer: pipe.writer, onClose: () => pipe.writer.close() }),
  }
}

/** An open file as a description. */
export function fileDescription(file: OpenFile, mode: 'read' | 'write' | 'both'): Description {
  return new Description({
    ...(mode !== 'write' ? { reader: { read: () => file.read(), cancel() {} } } : {}),
    ...(mode !== 'read' ? { writer: { write: (data: Uint8Array | string) => file.write(data), close() {} } } : {}),
    onClose: () => file.close(),
  })
}

const closedWriter: ByteWriter = { write: async () => { throw errno('EBADF') }, close() {} }

/** The descriptors of one shell or subshell. */
export class DescriptorTable {
  readonly #open: Map<number, Description>

  constructor(open: Map<number, Description>) {
    this.#open = open
  }

  get(fd: number): Description | undefined {
    return this.#open.get(fd)
  }

  reader(fd: number): SharedReader {
    return this.#open.get(fd)?.reader ?? emptyReader
  }

  /** Writing to a closed descriptor fails with EBADF. */
  writer(fd: number): ByteWriter {
    return this.#open.get(fd)?.writer ?? closedWriter
  }

  /** Takes over the caller's hold on the description. */
  set(fd: number, description: Description | undefined): void {
    const before = this.#open.get(fd)
    if (description) this.#open.set(fd, description)
    else this.#open.delete(fd)
    before?.release()
  }

  /** A copy that holds everything too. */
  clone(): DescriptorTable {
    return new DescriptorTable(new Map([...this.#open].map(([fd, description]) => [fd, description.retain()])))
  }

  closeAll(): void {
    for (const description of this.#open.values()) description.release()
    this.#open.clear()
  }

  /** The lowest free number from 10 on, for `{name}>file`. */
  free(): number {
    let fd = 10
    while (this.#open.has(fd)) fd += 1
    return fd
  }
}
