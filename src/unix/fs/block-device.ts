import { errno } from '../errno.ts'
import type { MemoryFileSystem } from '../file-system.ts'
import type { OpenFile } from '../types.ts'
import type { Inode, Tree } from './tree.ts'

/** What devices read and write at once. */
export const SECTOR_BYTES = 512
const CHUNK_BYTES = 65_536
const encoder = new TextEncoder()

/** A file system that was made on a device. */
export interface DeviceFileSystem {
  type: string
  uuid: string
  label: string
  files: MemoryFileSystem
}

/** Bytes that can be read and written at any place: a disk, or a file that stands for one. */
export interface BlockDevice {
  /** As in `loop0`. */
  readonly name: string
  readonly major: number
  readonly minor: number
  readonly sizeBytes: number
  readonly readOnly: boolean
  /** What is on it now; undefined where that is no file system. */
  readonly fileSystem: DeviceFileSystem | undefined
  /** At most so many bytes from a place on; empty at the end. */
  read(positionBytes: number, maxBytes: number): Uint8Array
  /** @throws UnixError ENOSPC where the device ends, EPERM for one that is read-only */
  write(positionBytes: number, data: Uint8Array): void
  /** Puts an empty file system on it. */
  format(fileSystem: DeviceFileSystem): void
}

/** Opens a device as a stream of its bytes that can be set to any place. */
export function openBlockDevice(device: BlockDevice, flags: 'r' | 'w' | 'a' | 'r+'): OpenFile {
  let position = 0
  return {
    async read(maxBytes = CHUNK_BYTES) {
      const chunk = device.read(position, maxBytes)
      position += chunk.length
      return chunk.length > 0 ? chunk : null
    },
    async write(data) {
      if (flags === 'r') throw errno('EBADF')
      const bytes = typeof data === 'string' ? encoder.encode(data) : data
      device.write(position, bytes)
      position += bytes.length
    },
    seek(positionBytes) { position = positionBytes },
    close() {},
  }
}

/** Where ext4's superblock says that it is one. */
const EXT_MAGIC_AT = 1024 + 56
const EXT_MAGIC = Uint8Array.of(0x53, 0xef)

/** File systems by the file that holds them, so that they outlive the device that the file is attached to. */
const fileSystems = new WeakMap<Inode, DeviceFileSystem>()

/** A file as a device. */
export class LoopDevice implements BlockDevice {
  readonly major = 7
  readonly minor: number
  /** The file's name when it was attached. */
  readonly path: string
  readonly readOnly: boolean
  readonly inode: Inode
  /** Whether its file is to be detached with the last mount of it, as mount has its own devices do. */
  isTransient = false
  readonly #tree: Tree
  #sizeBytes: number

  constructor(minor: number, file: { tree: Tree; inode: Inode; path: string }, readOnly: boolean) {
    this.minor = minor
    this.path = file.path
    this.inode = file.inode
    this.readOnly = readOnly
    this.#tree = file.tree
    this.#sizeBytes = 0
    this.measure()
  }

  get name(): string {
    return `loop${this.minor}`
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** Looks again at how long the file is. */
  measure(): void {
    this.#sizeBytes = Math.floor(this.inode.sizeBytes / SECTOR_BYTES) * SECTOR_BYTES
  }

  // What overwrites the superblock has destroyed the file system.
  get fileSystem(): DeviceFileSystem | undefined {
    const magic = this.read(EXT_MAGIC_AT, EXT_MAGIC.length)
    return magic[0] === EXT_MAGIC[0] && magic[1] === EXT_MAGIC[1] ? fileSystems.get(this.inode) : undefined
  }

  format(fileSystem: DeviceFileSystem): void {
    this.write(EXT_MAGIC_AT, EXT_MAGIC)
    fileSystems.set(this.inode, fileSystem)
  }

  read(positionBytes: number, maxBytes: number): Uint8Array {
    const out = new Uint8Array(Math.max(0, Math.min(maxBytes, this.#sizeBytes - positionBytes)))
    out.set((this.inode.content ?? out).subarray(positionBytes, Math.min(positionBytes + out.length, this.inode.content?.length ?? 0)))
    return out
  }

  write(positionBytes: number, data: Uint8Array): void {
    if (this.readOnly) throw errno('EPERM')
    const room = Math.max(0, this.#sizeBytes - positionBytes)
    if (room > 0) this.#tree.writeAt(this.inode, positionBytes, data.length > room ? data.subarray(0, room) : data)
    if (data.length > room) throw errno('ENOSPC')
  }
}

/** The same device for somebody who may only read it. */
export function readOnlyDevice(device: BlockDevice): BlockDevice {
  return Object.create(device, {
    name: { get: () => device.name }, sizeBytes: { get: () => device.sizeBytes }, fileSystem: { get: () => device.fileSystem }, read: { value: device.read.bind(device) },
    readOnly: { value: true }, write: { value: () => { throw errno('EPERM') } }, format: { value: () => { throw errno('EPERM') } },
  }) as BlockDevice
}

/** The loop devices of a kernel. */
export class LoopDevices {
  readonly #devices = new Map<number, LoopDevice>()
  readonly #folders = new Set<Tree>()

  /** Has the devices appear in a /dev, now and later. */
  showIn(tree: Tree): void {
    this.#folders.add(tree)
    for (const device of this.#devices.values()) this.#show(tree, device)
  }

  list(): readonly LoopDevice[] {
    return [...this.#devices.values()].sort((a, b) => a.minor - b.minor)
  }

  get(minor: number): LoopDevice | undefined {
    return this.#devices.get(minor)
  }

  /** The number of the first device that nothing is attached to. */
  firstFree(): number {
    let minor = 0
    while (this.#devices.has(minor)) minor += 1
    return minor
  }

  /** @throws UnixError EBUSY where something is attached already */
  attach(minor: number, file: { tree: Tree; inode: Inode; path: string }, readOnly = false): LoopDevice {
    if (this.#devices.has(minor)) throw errno('EBUSY', `/dev/loop${minor}`)
    const device = new LoopDevice(minor, file, readOnly)
    this.#devices.set(minor, device)
    for (const tree of this.#folders) this.#show(tree, device)
    return device
  }

  /** @throws UnixError ENXIO where nothing is attached */
  detach(minor: number): void {
    if (!this.#devices.delete(minor)) throw errno('ENXIO', `/dev/loop${minor}`)
    for (const tree of this.#folders) {
      tree.root.entries!.delete(`loop${minor}`)
      tree.changed(`/loop${minor}`)
    }
  }

  #show(tree: Tree, device: LoopDevice): void {
    tree.root.entries!.set(device.name, tree.createDevice(device, 0o660))
    tree.changed(`/${device.name}`)
  }
}
