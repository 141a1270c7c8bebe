/** node:fs: the synchronous calls are the host's, all others are made of them. */
export function fs(module, exports, require, host) {
  const { Readable, Writable } = require('stream')
  const EventEmitter = require('events')
  const pathOf = (path) => {
    if (typeof path === 'string') return path
    if (path instanceof URL) return require('url').fileURLToPath(path)
    if (Buffer.isBuffer(path)) return path.toString()
    throw host.nodeError(TypeError, 'ERR_INVALID_ARG_TYPE', `The "path" argument must be of type string or an instance of Buffer or URL. Received ${require('util').received(path)}`)
  }
  /** Where Node itself fails, for those who don't catch it. */
  const ORIGINS = {
    readFile: [['Object.openSync (node:fs:621:18)', 'Object.readFileSync (node:fs:487:35)'], ['node:fs:621', '  return binding.open(', '                 ^']],
    readText: [['Object.readFileSync (node:fs:483:20)'], ['node:fs:483', '    return binding.readFileUtf8(path, stringToFlags(options.flag));', '                   ^']],
    writeFile: [['Object.writeFileSync (node:fs:2482:20)'], ['node:fs:2482', '    return binding.writeFileUtf8(', '                   ^']],
    mkdir: [['Object.mkdirSync (node:fs:1410:26)'], ['node:fs:1410', '  const result = binding.mkdir(', '                         ^']],
    readdir: [['Object.readdirSync (node:fs:1630:26)'], ['node:fs:1630', '  const result = binding.readdir(', '                         ^']],
    stat: [['Object.statSync (node:fs:1794:25)'], ['node:fs:1794', '  const stats = binding.stat(', '                        ^']],
    unlink: [['Object.unlinkSync (node:fs:2000:11)'], ['node:fs:2000', '  binding.unlink(getValidatedPath(path));', '          ^']],
  }
  /** Errors of calls that come back later have no frames. */
  let isSynchronous = true
  const call = (syscall, path, op, ...args) => {
    try {
      return host.call(op, path, ...args)
    } catch (error) {
      if (!error.code) throw error
      throw host.systemError(error.code, syscall, error.code === 'EISDIR' && syscall === 'read' ? '' : ` '${path}'`, error.code === 'EISDIR' && syscall === 'read' ? {} : { path }, isSynchronous && ORIGINS[op] ? { frames: ORIGINS[op][0], place: ORIGINS[op][1] } : undefined)
    }
  }
  const encodingIn = (options) => typeof options === 'string' ? options : options?.encoding ?? null
  const bytesOf = (data, options) => typeof data === 'string' ? (['utf8', 'utf-8', null].includes(encodingIn(options)) ? data : new Uint8Array(Buffer.from(data, encodingIn(options)))) : ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : (() => { throw host.nodeError(TypeError, 'ERR_INVALID_ARG_TYPE', `The "data" argument must be of type string or an instance of Buffer, TypedArray, or DataView. Received ${require('util').received(data)}`) })()
  class Stats {
    constructor(facts) {
      const { type, mode, ...rest } = facts
      const bits = { file: 0o100000, directory: 0o040000, symlink: 0o120000, fifo: 0o010000, character: 0o020000, socket: 0o140000 }
      Object.assign(this, { dev: 1, mode: bits[type] | mode, nlink: rest.links, uid: rest.uid, gid: rest.gid, rdev: 0, blksize: 4096, ino: rest.inode, size: rest.sizeBytes, blocks: Math.ceil(rest.sizeBytes / 512), atimeMs: rest.accessedMs, mtimeMs: rest.modifiedMs, ctimeMs: rest.changedMs, birthtimeMs: rest.changedMs })
      for (const name of ['atime', 'mtime', 'ctime', 'birthtime']) Object.defineProperty(this, name, { get: () => new Date(this[`${name}Ms`]), enumerable: false })
      Object.defineProperty(this, 'type', { value: type, enumerable: false })
    }
    isFile() { return this.type === 'file' }
    isDirectory() { return this.type === 'directory' }
    isSymbolicLink() { return this.type === 'symlink' }
    isFIFO() { return this.type === 'fifo' }
    isSocket() { return this.type === 'socket' }
    isCharacterDevice() { return this.type === 'character' }
    isBlockDevice() { return false }
  }
  class Dirent {
    constructor(name, parentPath, type) { this.name = name; this.parentPath = parentPath; Object.defineProperty(this, 'type', { value: type, enumerable: false }) }
    isFile() { return this.type === 'file' }
    isDirectory() { return this.type === 'directory' }
    isSymbolicLink() { return this.type === 'symlink' }
  }
  const statWith = (syscall, op) => (path, options) => {
    try { return new Stats(call(syscall, pathOf(path), op)) } catch (error) { if (options?.throwIfNoEntry === false && error.code === 'ENOENT') return undefined; throw error }
  }
  const opened = new Map()
  let lastFd = 16
  const file = (fd, syscall) => opened.get(fd) ?? (() => { throw host.systemError('EBADF', syscall) })()
  const sync = {
    readFile(path, options) {
      const op = /^utf-?8$/i.test(encodingIn(options) ?? '') && typeof path !== 'number' ? 'readText' : 'readFile'
      if (op === 'readText') return call(host.call('isDirectory', pathOf(path)) ? 'read' : 'open', pathOf(path), host.call('isDirectory', pathOf(path)) ? 'readFile' : op)
      const bytes = Buffer.from((typeof path === 'number' ? call('read', file(path, 'read').path, 'readFile') : call(host.call('isDirectory', pathOf(path)) ? 'read' : 'open', pathOf(path), 'readFile')).buffer)
      return encodingIn(options) ? bytes.toString(encodingIn(options)) : bytes
    },
    writeFile(path, data, options) { call('open', typeof path === 'number' ? file(path, 'write').path : pathOf(path), 'writeFile', bytesOf(data, options), { append: /a/.test(options?.flag ?? ''), exclusive: /x/.test(options?.flag ?? ''), mode: typeof options?.mode === 'number' ? options.mode : undefined }) },
    appendFile(path, data, options) { call('open', pathOf(path), 'writeFile', bytesOf(data, options), { append: true }) },
    stat: statWith('stat', 'stat'), lstat: statWith('lstat', 'lstat'), fstat: (fd) => new Stats(call('fstat', file(fd, 'fstat').path, 'stat')),
    exists(path) { try { call('stat', pathOf(path), 'stat'); return true } catch { return false } },
    access(path, mode = 0) { call('access', pathOf(path), 'access', mode) },
    readdir(path, options) {
      const root = pathOf(path)
      const list = (at, prefix) => call('scandir', at, 'readdir').flatMap(([name, type]) => [[name, prefix, type], ...(options?.recursive && type === 'directory' ? list(`${at}/${name}`, `${prefix}/${name}`) : [])])
      return list(root, root).map(([name, parent, type]) => options?.withFileTypes ? new Dirent(name, parent, type) : parent === root ? name : `${parent.slice(root.length + 1)}/${name}`)
    },
    mkdir(path, options) { return call('mkdir', pathOf(path), 'mkdir', { recursive: options?.recursive === true, mode: typeof options === 'number' ? options : options?.mode }) ?? undefined },
    rm(path, options = {}) {
      const at = pathOf(path)
      if (!options.recursive && host.call('isDirectory', at)) throw host.nodeError(Error, 'ERR_FS_EISDIR', `Path is a directory: rm returned EISDIR (is a directory) ${at}`, { errno: 21, path: at, syscall: 'rm' })
      call('rm', at, 'rm', options.recursive === true, options.force === true)
    },
    rmdir(path, options = {}) { call('rmdir', pathOf(path), options.recursive ? 'rm' : 'rmdir', true, false) },
    unlink(path) { call('unlink', pathOf(path), 'unlink') },
    rename(from, to) { try { host.call('rename', pathOf(from), pathOf(to)) } catch (error) { throw host.systemError(error.code, 'rename', ` '${from}' -> '${to}'`, { path: from, dest: to }) } },
    copyFile(from, to) { try { host.call('copyFile', pathOf(from), pathOf(to)) } catch (error) { throw host.systemError(error.code, 'copyfile', ` '${from}' -> '${to}'`, { path: from, dest: to }) } },
    cp(from, to, options = {}) { if (host.call('isDirectory', pathOf(from))) { sync.mkdir(to, { recursive: true }); for (const name of sync.readdir(from)) sync.cp(`${from}/${name}`, `${to}/${name}`, options) } else sync.copyFile(from, to) },
    symlink(target, path) { call('symlink', pathOf(path), 'symlink', target) },
    link(from, path) { call('link', pathOf(from), 'link', pathOf(path)) },
    readlink: (path) => call('readlink', pathOf(path), 'readlink'), realpath: (path) => call('lstat', pathOf(path), 'realpath'),
    chmod(path, mode) { call('chmod', pathOf(path), 'chmod', typeof mode === 'string' ? parseInt(mode, 8) : mode) },
    chown(path, uid, gid) { call('chown', pathOf(path), 'chown', uid, gid) },
    utimes(path, accessed, modified) { const ms = (time) => time instanceof Date ? time.getTime() : Number(time) * 1000; call('utime', pathOf(path), 'utimes', ms(accessed), ms(modified)) },
    truncate(path, length = 0) { sync.writeFile(path, Buffer.concat([sync.readFile(path), Buffer.alloc(length)]).subarray(0, length)) },
    mkdtemp(prefix) { const path = `${prefix}${Math.random().toString(36).slice(2, 8).padEnd(6, 'x')}`; sync.mkdir(path); return path },
    open(path, flags = 'r') {
      const at = pathOf(path)
      if (/r/.test(flags)) call('open', at, 'stat')
      else call('open', at, 'writeFile', '', { append: /a/.test(flags), exclusive: /x/.test(flags) })
      const fd = ++lastFd
      opened.set(fd, { path: at, position: 0, appends: /a/.test(flags) })
      return fd
    },
    close(fd) { file(fd, 'close'); opened.delete(fd) },
    read(fd, target, offset = 0, length = target.length, position = null) {
      if (typeof offset === 'object' && offset !== null) ({ offset = 0, length = target.length, position = null } = offset)
      const one = file(fd, 'read')
      const part = Buffer.from(call('read', one.path, 'readFile').buffer).subarray(position ?? one.position, (position ?? one.position) + length)
      target.set(part, offset)
      if (position === null) one.position += part.length
      return part.length
    },
    write(fd, data, offset, length, position) {
      if (fd === 1 || fd === 2) { host.call('write', fd, typeof data === 'string' ? data : new Uint8Array(data)); return data.length }
      const one = file(fd, 'write')
      const bytes = typeof data === 'string' ? Buffer.from(data) : Buffer.from(data).subarray(offset ?? 0, (offset ?? 0) + (length ?? data.length))
      if (one.appends) { call('write', one.path, 'writeFile', new Uint8Array(bytes), { append: true }); return bytes.length }
      const before = Buffer.from(call('write', one.path, 'readFile').buffer)
      const at = typeof position === 'number' ? position : one.position
      call('write', one.path, 'writeFile', new Uint8Array(Buffer.concat([before.subarray(0, at), Buffer.alloc(Math.max(0, at - before.length)), bytes, before.subarray(at + bytes.length)])))
      if (typeof position !== 'number') one.position += bytes.length
      return bytes.length
    },
    fsync() {}, ftruncate: (fd, length) => sync.truncate(file(fd, 'ftruncate').path, length), statfs: () => ({ type: 61267, bsize: 4096, blocks: 26_000_000, bfree: 20_000_000, bavail: 20_000_000 }),
  }
  const fsModule = {}
  const promises = {}
  for (const [name, fn] of Object.entries(sync)) {
    fsModule[`${name}Sync`] = fn
    fsModule[name] = (...args) => {
      const callback = args.pop()
      if (typeof callback !== 'function') throw host.nodeError(TypeError, 'ERR_INVALID_ARG_TYPE', `The "cb" argument must be of type function. Received ${require('util').received(callback)}`)
      host.begin('immediate', [], () => {
        let result
        isSynchronous = false
        try { result = fn(...args) } catch (error) { error.stack = `Error: ${error.message}`; return callback(name === 'exists' ? false : error) } finally { isSynchronous = true }
        if (name === 'exists') return callback(result)
        return name === 'read' ? callback(null, result, args[1]) : callback(null, result)
      })
    }
    promises[name] = (...args) => new Promise((resolve, reject) => { host.begin('immediate', [], () => { isSynchronous = false; try { resolve(fn(...args)) } catch (error) { if (error.code) error.stack = `Error: ${error.message}\n    at async open (node:internal/fs/promises:1345:25)\n    at async Object.${name} (node:internal/fs/promises:1996:14)`; reject(error) } finally { isSynchronous = true } }) })
  }
  promises.open = async (path, flags) => {
    const fd = sync.open(path, flags)
    const at = opened.get(fd).path
    return { fd, close: async () => { if (opened.has(fd)) sync.close(fd) }, readFile: async (options) => sync.readFile(at, options), writeFile: async (data, options) => sync.writeFile(at, data, options), appendFile: async (data) => sync.appendFile(at, data), write: async (data, ...rest) => ({ bytesWritten: sync.write(fd, data, ...rest), buffer: data }), read: async (target, ...rest) => ({ bytesRead: sync.read(fd, target, ...rest), buffer: target }), stat: async () => sync.stat(at), createReadStream: () => createReadStream(at), createWriteStream: () => createWriteStream(at), readLines: () => require('readline').createInterface({ input: createReadStream(at) }) }
  }
  const constants = { F_OK: 0, R_OK: 4, W_OK: 2, X_OK: 1, O_RDONLY: 0, O_WRONLY: 1, O_RDWR: 2, O_CREAT: 64, O_EXCL: 128, O_TRUNC: 512, O_APPEND: 1024, COPYFILE_EXCL: 1 }
  promises.constants = constants

  const createReadStream = (path, options = {}) => {
    const settings = typeof options === 'string' ? { encoding: options } : options ?? {}
    const size = settings.highWaterMark ?? 65536
    let bytes
    let at = settings.start ?? 0
    const open = () => {
      if (bytes || stream.destroyed) return
      try { bytes = sync.readFile(path).subarray(0, (settings.end ?? Infinity) + 1) } catch (error) { stream.destroy(error); return }
      stream.emit('open', 0)
      stream.emit('ready')
    }
    const stream = new Readable({
      encoding: settings.encoding, highWaterMark: size,
      read() {
        host.begin('immediate', [], () => {
          open()
          if (stream.destroyed) return
          if (at >= bytes.length) { stream.push(null); return }
          const chunk = bytes.subarray(at, at + size)
          at += chunk.length
          stream.bytesRead = at
          stream.push(chunk)
        })
      },
    })
    host.begin('immediate', [], open)
    return Object.assign(stream, { path, bytesRead: 0, close: (callback) => { stream.destroy(); callback?.() } })
  }
  const createWriteStream = (path, options = {}) => {
    const settings = typeof options === 'string' ? { encoding: options } : options ?? {}
    const stream = new Writable({ write(chunk, encoding, callback) { try { if (!settings.fd) sync.appendFile(path, chunk); stream.bytesWritten += chunk.length; callback() } catch (error) { callback(error) } } })
    Object.assign(stream, { path, bytesWritten: 0, close: (callback) => { stream.end(); if (callback) stream.once('close', callback) } })
    try {
      if (!/a/.test(settings.flags ?? 'w')) sync.writeFile(path, '')
      process.nextTick(() => { stream.emit('open', 0); stream.emit('ready') })
    } catch (error) { process.nextTick(() => stream.destroy(error)) }
    return stream
  }
  const watch = (path, options, listener = options) => {
    const watcher = new EventEmitter()
    const at = pathOf(path)
    const id = host.keep('watch', [at], (changed) => { watcher.emit('change', 'change', changed) })
    watcher.close = () => { host.call('close', id); host.forget(id); watcher.emit('close') }
    watcher.unref = () => { host.call('unref', id); return watcher }
    if (typeof listener === 'function') watcher.on('change', listener)
    return watcher
  }
  const watched = new Map()
  const watchFile = (path, options, listener = options) => {
    let before = sync.stat(path, { throwIfNoEntry: false })
    watched.set(pathOf(path), watch(path, () => { const now = sync.stat(path, { throwIfNoEntry: false }); listener(now, before); before = now }))
  }
  module.exports = Object.assign(fsModule, { promises, constants, ...constants, Stats, Dirent, createReadStream, createWriteStream, watch, watchFile, unwatchFile: (path) => { watched.get(pathOf(path))?.close(); watched.delete(pathOf(path)) } })
}

/** node:fs/promises. */
export function fsPromises(module, exports, require) {
  module.exports = require('fs').promises
}
