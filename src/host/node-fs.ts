import fs from 'node:fs'
import path from 'node:path'
import { UnixError } from '../unix/types.ts'
import type { FileStat, FileSystem, FileType, OpenFile } from '../unix/types.ts'

/** The real file system behind the contract that programs see. */
export const nodeFileSystem: FileSystem = {
  readFile: (p) => call(p, () => new Uint8Array(fs.readFileSync(p))),
  readText: (p) => call(p, () => fs.readFileSync(p, 'utf8')),
  writeFile: (p, data, options = {}) => call(p, () => fs.writeFileSync(p, data, { mode: options.mode ?? 0o666, flag: options.append ? 'a' : 'w' })),
  stat: (p) => call(p, () => statOf(fs.statSync(p))),
  lstat: (p) => call(p, () => statOf(fs.lstatSync(p))),
  exists: (p) => fs.existsSync(p),
  readdir: (p) => call(p, () => fs.readdirSync(p).sort()),
  mkdir: (p, options = {}) => call(p, () => { fs.mkdirSync(p, { recursive: options.recursive ?? false, mode: options.mode ?? 0o777 }) }),
  remove: (p, options = {}) => call(p, () => {
    if (options.recursive) fs.rmSync(p, { recursive: true, force: options.force ?? false })
    else if (options.force) fs.rmSync(p, { force: true })
    else fs.unlinkSync(p)
  }),
  rename: (from, to) => call(from, () => fs.renameSync(from, to)),
  symlink: (target, p) => call(p, () => fs.symlinkSync(target, p)),
  readlink: (p) => call(p, () => fs.readlinkSync(p)),
  realpath: (p) => call(p, () => fs.realpathSync(p)),
  chmod: (p, mode) => call(p, () => fs.chmodSync(p, mode)),
  chown: (p, uid, gid) => call(p, () => fs.chownSync(p, uid, gid)),
  utimes: (p, accessedMs, modifiedMs) => call(p, () => fs.utimesSync(p, accessedMs / 1000, modifiedMs / 1000)),
  open: (p, flags) => call(p, () => openFile(p, flags)),
  program: () => undefined,
  watch(p, listener) {
    const watcher = fs.watch(p, { recursive: true }, (_, name) => listener(name ? path.join(p, name) : p))
    return () => watcher.close()
  },
}

function openFile(p: string, flags: 'r' | 'w' | 'a' | 'r+'): OpenFile {
  const fd = fs.openSync(p, flags)
  return {
    read: (maxBytes = 65_536) => new Promise((resolve, reject) => {
      const buffer = new Uint8Array(maxBytes)
      fs.read(fd, buffer, 0, maxBytes, null, (error, length) => error ? reject(unixError(error, p)) : resolve(length === 0 ? null : buffer.subarray(0, length)))
    }),
    write: async (data) => { call(p, () => { fs.writeSync(fd, data as string) }) },
    close: () => fs.closeSync(fd),
  }
}

function statOf(stat: fs.Stats): FileStat {
  const type: FileType = stat.isDirectory() ? 'directory' : stat.isSymbolicLink() ? 'symlink' : stat.isFIFO() ? 'fifo' : stat.isCharacterDevice() ? 'character' : stat.isBlockDevice() ? 'block' : stat.isSocket() ? 'socket' : 'file'
  return {
    type, mode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid, sizeBytes: stat.size, modifiedMs: stat.mtimeMs, accessedMs: stat.atimeMs,
    changedMs: stat.ctimeMs, inode: stat.ino, links: stat.nlink,
  }
}

function call<T>(p: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw unixError(error as NodeJS.ErrnoException, p)
  }
}

/** libc's text of an error, e.g. `no such file or directory`. */
function unixError(error: NodeJS.ErrnoException, p: string): UnixError {
  const text = /^[A-Z0-9]+: ([^,]+),?/.exec(error.message)?.[1] ?? error.message
  return new UnixError(error.code ?? 'EIO', text, p)
}
