import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import { errno } from '../errno.ts'
import type { OpenFile } from '../types.ts'
import type { LoopDevices } from './block-device.ts'
import { Tree } from './tree.ts'
import type { FileViewer, Inode, OpenDevice } from './tree.ts'

const CHUNK_BYTES = 65_536

/** The files of /dev: null, zero, full, random, urandom, tty, the standard streams, an empty shm, and what is attached to loop devices if they are shown. */
export function createDeviceTree(clock: Clock, random: Random, loopDevices?: LoopDevices): Tree {
  const tree = new Tree(clock)
  const add = (name: string, inode: Inode) => tree.root.entries!.set(name, inode)
  const device = (name: string, open: OpenDevice, mode = 0o666) => add(name, Object.assign(tree.create('character', mode), { device: open }))
  const link = (name: string, target: string) => add(name, Object.assign(tree.create('symlink', 0o777), { target, sizeBytes: target.length }))
  device('null', () => file({}))
  // Readers of an endless source would never let go of the event loop.
  const endless = (make: (maxBytes: number) => Uint8Array, write?: () => void): OpenFile => ({
    async read(maxBytes = CHUNK_BYTES) { await clock.breathe(); return make(maxBytes) },
    write: async () => write?.(),
    close() {},
  })
  device('zero', () => endless((max) => new Uint8Array(max)))
  device('full', () => endless((max) => new Uint8Array(max), () => { throw errno('ENOSPC') }))
  device('random', () => endless((max) => random.bytes(max)))
  device('urandom', () => endless((max) => random.bytes(max)))
  device('tty', (flags, viewer) => {
    if (!viewer?.tty) throw errno('ENXIO', '/dev/tty')
    const { stdin, stdout } = viewer.tty
    return { read: () => stdin.read(), write: (data) => stdout.write(data), close() {} }
  })
  device('console', (flags, viewer) => streamFile(viewer, flags === 'r' ? 0 : 1), 0o600)
  device('stdin', (_, viewer) => streamFile(viewer, 0))
  device('stdout', (_, viewer) => streamFile(viewer, 1))
  device('stderr', (_, viewer) => streamFile(viewer, 2))
  link('fd', '/proc/self/fd')
  link('core', '/proc/kcore')
  const sticky = tree.create('directory', 0o1777)
  add('shm', sticky)
  add('mqueue', tree.create('directory', 0o1777))
  const terminals = tree.create('directory', 0o755)
  terminals.entries!.set('ptmx', Object.assign(tree.create('character', 0o666), { device: () => file({}) }))
  add('pts', terminals)
  link('ptmx', 'pts/ptmx')
  loopDevices?.showIn(tree)
  return tree
}

/** An open standard stream of the process that looks. */
export function streamFile(viewer: Pick<FileViewer, 'stdin' | 'stdout' | 'stderr'> | undefined, fd: 0 | 1 | 2): OpenFile {
  if (!viewer) throw errno('ENXIO', `/dev/fd/${fd}`)
  if (fd === 0) return { read: () => viewer.stdin.read(), write: async () => { throw errno('EBADF') }, close() {} }
  const writer = fd === 1 ? viewer.stdout : viewer.stderr
  return { read: async () => null, write: (data) => writer.write(data), close() {} }
}

function file(ops: { read?: (maxBytes: number) => Uint8Array; write?: (data: Uint8Array | string) => void }): OpenFile {
  return {
    read: async (maxBytes = CHUNK_BYTES) => ops.read?.(maxBytes) ?? null,
    write: async (data) => ops.write?.(data),
    close() {},
  }
}
