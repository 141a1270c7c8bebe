/** The smaller modules of Node. */

/** node:os. */
export function os(module, exports, require, host) {
  const { config } = host
  module.exports = {
    EOL: '\n', devNull: '/dev/null',
    hostname: () => config.hostname, platform: () => 'linux', type: () => 'Linux', arch: () => 'x64', machine: () => 'x86_64', endianness: () => 'LE',
    release: () => config.kernel, version: () => '#1 SMP PREEMPT_DYNAMIC', uptime: () => host.call('bootedSeconds'), loadavg: () => [0, 0, 0],
    totalmem: () => config.memoryBytes, freemem: () => host.call('freeMemory'), availableParallelism: () => config.cpus,
    cpus: () => Array.from({ length: config.cpus }, () => ({ model: 'AMD EPYC', speed: 2450, times: { user: 0, nice: 0, sys: 0, idle: 0, irq: 0 } })),
    homedir: () => process.env.HOME ?? config.home, tmpdir: () => process.env.TMPDIR ?? '/tmp',
    userInfo: () => ({ uid: config.uid, gid: config.gid, username: config.user, homedir: config.home, shell: '/bin/sh' }),
    networkInterfaces: () => {
      const entry = (address, netmask, mac, internal, bits) => ({ address, netmask, family: 'IPv4', mac, internal, cidr: `${address}/${bits}` })
      const own = host.call('addresses')
      return { lo: [entry('127.0.0.1', '255.0.0.0', '00:00:00:00:00:00', true, 8)], ...(own.length > 0 ? { eth0: own.map((address) => entry(address, '255.255.255.0', `0a:58:${address.split('.').map((part) => Number(part).toString(16).padStart(2, '0')).join(':')}`, false, 24)) } : {}) }
    },
    constants: { signals: { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGKILL: 9, SIGUSR1: 10, SIGUSR2: 12, SIGTERM: 15 }, errno: {} },
  }
}

/** node:querystring. */
export function querystring(module) {
  const escape = (text) => encodeURIComponent(text)
  const unescape = (text) => { try { return decodeURIComponent(text) } catch { return text } }
  const parse = (text, separator = '&', equals = '=') => {
    const values = Object.create(null)
    for (const part of String(text ?? '').split(separator)) {
      if (part === '') continue
      const at = part.indexOf(equals)
      const key = unescape((at < 0 ? part : part.slice(0, at)).replaceAll('+', ' '))
      const value = at < 0 ? '' : unescape(part.slice(at + equals.length).replaceAll('+', ' '))
      values[key] = key in values ? [values[key], value].flat() : value
    }
    return values
  }
  const stringify = (values, separator = '&', equals = '=') => Object.entries(values ?? {}).flatMap(([key, value]) => [value].flat().map((each) => `${escape(key)}${equals}${escape(each === null || each === undefined || typeof each === 'object' ? '' : String(each))}`)).join(separator)
  module.exports = { parse, stringify, escape, unescape, encode: stringify, decode: parse }
}

/** node:url: the host takes addresses apart. */
export function url(module, exports, require, host) {
  class URLSearchParams {
    constructor(given = '') {
      Object.defineProperty(this, 'list', { value: [], writable: true })
      Object.defineProperty(this, 'changed', { value: undefined, writable: true })
      if (typeof given === 'string') this.read(given)
      else this.list = typeof given[Symbol.iterator] === 'function' ? [...given].map(([key, value]) => [String(key), String(value)]) : Object.entries(given).map(([key, value]) => [key, String(value)])
    }
    read(text) {
      const plain = (part) => { const spaced = part.replaceAll('+', ' '); try { return decodeURIComponent(spaced) } catch { return spaced } }
      this.list = text.replace(/^\?/, '').split('&').filter(Boolean).map((part) => { const at = part.indexOf('='); return at < 0 ? [plain(part), ''] : [plain(part.slice(0, at)), plain(part.slice(at + 1))] })
    }
    get(name) { return this.list.find(([key]) => key === name)?.[1] ?? null }
    getAll(name) { return this.list.filter(([key]) => key === name).map(([, value]) => value) }
    has(name, value) { return this.list.some(([key, each]) => key === name && (value === undefined || each === value)) }
    set(name, value) { const at = this.list.findIndex(([key]) => key === name); if (at < 0) this.list.push([name, String(value)]); else { this.list[at] = [name, String(value)]; this.list = this.list.filter(([key], i) => key !== name || i <= at) } this.changed?.() }
    append(name, value) { this.list.push([String(name), String(value)]); this.changed?.() }
    delete(name) { this.list = this.list.filter(([key]) => key !== name); this.changed?.() }
    sort() { this.list.sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0); this.changed?.() }
    get size() { return this.list.length }
    forEach(fn) { for (const [key, value] of this.list) fn(value, key, this) }
    keys() { return this.list.map(([key]) => key)[Symbol.iterator]() }
    values() { return this.list.map(([, value]) => value)[Symbol.iterator]() }
    entries() { return this.list.map((pair) => [...pair])[Symbol.iterator]() }
    [Symbol.iterator]() { return this.entries() }
    toString() { const escape = (text) => encodeURIComponent(text).replaceAll('%20', '+').replace(/[!'()~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`); return this.list.map(([key, value]) => `${escape(key)}=${escape(value)}`).join('&') }
    [Symbol.for('nodejs.util.inspect.custom')](depth, options, inspect) { return this.list.length === 0 ? 'URLSearchParams {}' : `URLSearchParams { ${this.list.map(([key, value]) => `${inspect(key)} => ${inspect(value)}`).join(', ')} }` }
  }
  Object.defineProperty(URLSearchParams, 'name', { value: 'URLSearchParams' })
  const PARTS = ['href', 'origin', 'protocol', 'username', 'password', 'host', 'hostname', 'port', 'pathname', 'search']
  class URL {
    #parts
    #searchParams
    constructor(text, base) {
      const parts = host.call('parseUrl', String(text), base === undefined ? null : String(base))
      if (!parts) throw host.nodeError(TypeError, 'ERR_INVALID_URL', 'Invalid URL', { input: String(text), ...(base === undefined ? {} : { base: String(base) }) })
      this.#parts = parts
    }
    static canParse(text, base) { return host.call('parseUrl', String(text), base === undefined ? null : String(base)) !== null }
    static parse(text, base) { return URL.canParse(text, base) ? new URL(text, base) : null }
    part(name) { return this.#parts[name] }
    change(name, value) {
      const changed = host.call('changeUrl', this.#parts.href, name, String(value))
      if (changed) this.#parts = changed
      if (name === 'href' || name === 'search') this.#searchParams?.read(this.#parts.search)
    }
    get searchParams() {
      if (!this.#searchParams) {
        this.#searchParams = new URLSearchParams(this.#parts.search)
        this.#searchParams.changed = () => { const changed = host.call('changeUrl', this.#parts.href, 'search', this.#searchParams.toString()); if (changed) this.#parts = changed }
      }
      return this.#searchParams
    }
    toString() { return this.#parts.href }
    toJSON() { return this.#parts.href }
    [Symbol.for('nodejs.util.inspect.custom')](depth, options, inspect) { return `URL ${inspect(Object.fromEntries([...PARTS, 'searchParams', 'hash'].map((name) => [name, this[name]])), options)}` }
  }
  Object.defineProperty(URL, 'name', { value: 'URL' })
  for (const name of [...PARTS, 'hash']) Object.defineProperty(URL.prototype, name, { enumerable: true, configurable: true, get() { return this.part(name) }, ...(name === 'origin' ? {} : { set(value) { this.change(name, value) } }) })
  for (const name of ['part', 'change']) Object.defineProperty(URL.prototype, name, { enumerable: false })
  /** The old way of reading addresses. */
  const parse = (text, withQuery = false) => {
    const [, protocol = null, slashes, auth = null, hostText = '', pathname = null, search = null, hash = null] = /^([a-z][a-z0-9+.-]*:)?(?:(\/\/)(?:([^@/?#]*)@)?([^/?#]*))?([^?#]*)?(\?[^#]*)?(#.*)?$/i.exec(String(text).trim()) ?? []
    const [, hostname = null, port = null] = /^(.*?)(?::(\d+))?$/.exec(hostText) ?? []
    const path = pathname || (slashes ? '/' : null)
    return Object.assign(Object.create({}), { protocol, slashes: slashes ? true : null, auth, host: hostText === '' ? (slashes ? '' : null) : hostText, port, hostname: hostText === '' ? (slashes ? '' : null) : hostname, hash, search: search ?? (withQuery ? '' : null), query: withQuery ? require('querystring').parse(search?.slice(1) ?? '') : search?.slice(1) ?? null, pathname: path, path: path === null && search === null ? null : `${path ?? ''}${search ?? ''}`, href: String(text) })
  }
  module.exports = {
    URL, URLSearchParams, parse,
    format: (value) => typeof value === 'string' || value instanceof URL ? String(value) : `${value.protocol ? `${value.protocol.replace(/:?$/, ':')}//` : ''}${value.auth ? `${value.auth}@` : ''}${value.host ?? `${value.hostname ?? ''}${value.port ? `:${value.port}` : ''}`}${value.pathname ?? ''}${value.search ?? (value.query && Object.keys(value.query).length > 0 ? `?${require('querystring').stringify(value.query)}` : '')}${value.hash ?? ''}`,
    resolve: (from, to) => new URL(to, new URL(from, 'resolve://')).href.replace(/^resolve:\/\//, ''),
    fileURLToPath: (address) => decodeURIComponent(new URL(address).pathname), pathToFileURL: (path) => new URL(`file://${require('path').resolve(path)}`),
    domainToASCII: (text) => text, urlToHttpOptions: (address) => ({ protocol: address.protocol, hostname: address.hostname, path: `${address.pathname}${address.search}`, href: address.href, ...(address.port ? { port: Number(address.port) } : {}) }),
  }
}

/** node:assert. */
export function assert(module, exports, require, host) {
  const { inspect, isDeepEqual } = require('util')
  class AssertionError extends Error {
    constructor({ message, actual, expected, operator }) {
      super(message)
      this.generatedMessage = false
      this.code = 'ERR_ASSERTION'
      this.actual = actual
      this.expected = expected
      this.operator = operator
    }
    get name() { return 'AssertionError' }
  }
  const fail = (message, fallback, actual, expected, operator) => {
    if (message instanceof Error) throw message
    throw new AssertionError({ message: message ?? fallback, actual, expected, operator })
  }
  const ok = (value, message) => { if (!value) fail(message, 'The expression evaluated to a falsy value', value, true, '==') }
  const compare = (operator, holds, says) => (actual, expected, message) => { if (!holds(actual, expected)) fail(message, `${says}\n\n${inspect(actual)} !== ${inspect(expected)}\n`, actual, expected, operator) }
  const matches = (error, expected) => expected === undefined || (expected instanceof RegExp ? expected.test(String(error)) : typeof expected === 'function' ? (expected.prototype !== undefined && error instanceof expected) || (!(expected.prototype instanceof Error) && expected !== Error && expected(error) === true) : Object.entries(expected).every(([key, value]) => value instanceof RegExp ? value.test(error[key]) : isDeepEqual(error[key], value)))
  const methods = {
    ok, AssertionError,
    equal: compare('==', (a, b) => a == b || (a !== a && b !== b), 'Expected values to be loosely equal:'), notEqual: compare('!=', (a, b) => a != b, 'Expected "actual" to be loosely unequal to:'),
    strictEqual: compare('strictEqual', Object.is, 'Expected values to be strictly equal:'), notStrictEqual: compare('notStrictEqual', (a, b) => !Object.is(a, b), 'Expected "actual" to be strictly unequal to:'),
    deepEqual: compare('deepEqual', (a, b) => isDeepEqual(a, b, false), 'Expected values to be loosely deep-equal:'), deepStrictEqual: compare('deepStrictEqual', isDeepEqual, 'Expected values to be strictly deep-equal:'),
    notDeepStrictEqual: compare('notDeepStrictEqual', (a, b) => !isDeepEqual(a, b), 'Expected "actual" not to be strictly deep-equal to:'),
    match: (text, pattern, message) => { if (!pattern.test(text)) fail(message, `The input did not match the regular expression ${pattern}. Input:\n\n${inspect(text)}\n`, text, pattern, 'match') },
    fail: (message = 'Failed') => fail(message, message, undefined, undefined, 'fail'),
    ifError: (error) => { if (error !== null && error !== undefined) throw error },
    throws: (fn, expected, message) => { let thrown; try { fn() } catch (error) { thrown = [error] } if (!thrown) fail(typeof expected === 'string' ? expected : message, 'Missing expected exception.', undefined, expected, 'throws'); if (typeof expected !== 'string' && !matches(thrown[0], expected)) throw thrown[0] },
    doesNotThrow: (fn) => fn(),
    rejects: async (work, expected, message) => { let thrown; try { await (typeof work === 'function' ? work() : work) } catch (error) { thrown = [error] } if (!thrown) fail(message, 'Missing expected rejection.', undefined, expected, 'rejects'); if (!matches(thrown[0], expected)) throw thrown[0] },
  }
  module.exports = Object.assign((value, message) => ok(value, message), methods)
  module.exports.strict = Object.assign((value, message) => ok(value, message), methods, { equal: methods.strictEqual, deepEqual: methods.deepStrictEqual, notEqual: methods.notStrictEqual })
}

/** node:crypto: digests and random values. */
export function crypto(module, exports, require, host) {
  const { Transform } = require('stream')
  const bytesOf = (value, encoding) => typeof value === 'string' ? Buffer.from(value, encoding) : Buffer.from(value.buffer ?? value, value.byteOffset ?? 0, value.byteLength)
  const HASHES = { md5: 64, sha1: 64, sha256: 64, sha224: 64, sha512: 128, sha384: 128 }
  const nameOf = (name) => {
    const normal = String(name).toLowerCase().replace(/^rsa-/, '').replace('-', '')
    if (!(normal in HASHES)) throw Object.assign(new Error('Digest method not supported'), { code: 'ERR_CRYPTO_INVALID_DIGEST' })
    return normal
  }
  const digest = (name, bytes) => Buffer.from(host.call('digest', name, new Uint8Array(bytes)).buffer)
  const shown = (bytes, encoding) => encoding === undefined || encoding === 'buffer' ? bytes : bytes.toString(encoding)
  class Hash extends Transform {
    constructor(name) {
      super()
      Object.defineProperty(this, 'state', { value: { name: nameOf(name), parts: [], done: false } })
    }
    update(value, encoding) { if (this.state.done) throw host.nodeError(Error, 'ERR_CRYPTO_HASH_FINALIZED', 'Digest already called'); this.state.parts.push(Buffer.from(bytesOf(value, encoding))); return this }
    digest(encoding) { if (this.state.done) throw host.nodeError(Error, 'ERR_CRYPTO_HASH_FINALIZED', 'Digest already called'); this.state.done = true; return shown(digest(this.state.name, Buffer.concat(this.state.parts)), encoding) }
    _transform(chunk, encoding, callback) { this.update(chunk, encoding); callback() }
    _flush(callback) { callback(null, this.digest()) }
    copy() { const other = new Hash(this.state.name); other.state.parts.push(...this.state.parts); return other }
  }
  const hmac = (name, key, message) => {
    const size = HASHES[name]
    const block = Buffer.alloc(size)
    const given = bytesOf(key)
    block.set(given.length > size ? digest(name, given) : given)
    const pad = (value) => block.map((byte) => byte ^ value)
    return digest(name, Buffer.concat([pad(0x5c), digest(name, Buffer.concat([pad(0x36), message]))]))
  }
  class Hmac extends Hash {
    constructor(name, key) { super(name); this.state.key = key }
    digest(encoding) { return shown(hmac(this.state.name, this.state.key, Buffer.concat(this.state.parts)), encoding) }
  }
  const randomBytes = (size, callback) => {
    const bytes = Buffer.from(host.call('randomBytes', size).buffer)
    if (callback) { process.nextTick(callback, null, bytes); return undefined }
    return bytes
  }
  const randomUUID = () => {
    const bytes = randomBytes(16)
    bytes[6] = (bytes[6] & 15) | 64
    bytes[8] = (bytes[8] & 63) | 128
    return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  }
  const randomInt = (low, high, callback) => {
    if (high === undefined || typeof high === 'function') [low, high, callback] = [0, low, high]
    const value = low + Math.floor(Math.random() * (high - low))
    if (callback) { process.nextTick(callback, null, value); return undefined }
    return value
  }
  const pbkdf2Sync = (password, salt, iterations, length, name) => {
    const blocks = []
    for (let i = 1; blocks.length * digest(nameOf(name), Buffer.alloc(0)).length < length; i++) {
      const counter = Buffer.alloc(4)
      counter.writeUInt32BE(i)
      let last = hmac(nameOf(name), password, Buffer.concat([bytesOf(salt), counter]))
      const sum = Buffer.from(last)
      for (let round = 1; round < iterations; round++) { last = hmac(nameOf(name), password, last); for (let j = 0; j < sum.length; j++) sum[j] ^= last[j] }
      blocks.push(sum)
    }
    return Buffer.concat(blocks).subarray(0, length)
  }
  const webcrypto = {
    randomUUID, getRandomValues: (array) => { new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(randomBytes(array.byteLength)); return array },
    subtle: { digest: async (name, data) => { const bytes = digest(nameOf(name.name ?? name), bytesOf(data)); return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) } },
  }
  module.exports = {
    createHash: (name) => new Hash(name), createHmac: (name, key) => new Hmac(name, key), Hash, Hmac, hash: (name, value, encoding = 'hex') => new Hash(name).update(value).digest(encoding),
    randomBytes, randomUUID, randomInt, randomFillSync: (array) => webcrypto.getRandomValues(array), webcrypto, subtle: webcrypto.subtle, getRandomValues: webcrypto.getRandomValues,
    getHashes: () => Object.keys(HASHES), timingSafeEqual: (a, b) => { if (a.byteLength !== b.byteLength) throw host.nodeError(RangeError, 'ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH', 'Input buffers must have the same byte length'); return Buffer.compare(Buffer.from(a), Buffer.from(b)) === 0 },
    pbkdf2Sync, pbkdf2: (password, salt, iterations, length, name, callback) => { process.nextTick(() => callback(null, pbkdf2Sync(password, salt, iterations, length, name))) }, constants: {},
  }
}

/** node:dns. */
export function dns(module, exports, require, host) {
  const failed = (syscall, code, name) => Object.assign(new Error(`${syscall} ${code} ${name}`), { errno: code === 'ENOTFOUND' ? -3008 : -3001, code, syscall, hostname: name })
  const lookup = (name, options, callback = options) => {
    const all = typeof options === 'object' && options?.all
    host.begin('lookup', [String(name)], (code, addresses) => {
      if (code) return callback(failed('getaddrinfo', code, name))
      return all ? callback(null, addresses.map((address) => ({ address, family: 4 }))) : callback(null, addresses[0], 4)
    })
  }
  const resolve4 = (name, callback) => { host.begin('lookup', [String(name)], (code, addresses) => callback(code ? failed('queryA', code, name) : null, addresses)) }
  const resolve = (name, type, callback = type) => resolve4(name, callback)
  const promised = (fn) => (name, options) => new Promise((done, reject) => fn(name, options ?? {}, (error, address, family) => error ? reject(error) : done(family === undefined ? address : { address, family })))
  module.exports = { lookup, resolve, resolve4, promises: { lookup: promised(lookup), resolve: promised((name, options, callback) => resolve4(name, callback)), resolve4: promised((name, options, callback) => resolve4(name, callback)) }, setServers() {}, getServers: () => [], setDefaultResultOrder() {} }
}

/** node:child_process. */
export function child_process(module, exports, require, host) {
  const EventEmitter = require('events')
  const { Readable, Writable } = require('stream')
  class ChildProcess extends EventEmitter {}
  Object.defineProperty(ChildProcess, 'name', { value: 'ChildProcess' })
  const spawn = (file, args = [], options = {}) => {
    if (!Array.isArray(args)) [args, options] = [[], args]
    const child = new ChildProcess()
    const argv = options.shell ? [typeof options.shell === 'string' ? options.shell : '/bin/sh', '-c', [file, ...args].join(' ')] : [file, ...args]
    const inherits = (fd) => options.stdio === 'inherit' || options.stdio?.[fd] === 'inherit'
    const out = new Readable()
    const err = new Readable()
    const spawned = { spawnargs: argv, spawnfile: argv[0], exitCode: null, signalCode: null, killed: false, connected: false }
    let open = 3
    const closed = () => { if (--open === 0) child.emit('close', child.exitCode, child.signalCode) }
    const id = host.keep('spawn', [argv, { ...(options.cwd ? { cwd: String(options.cwd) } : {}), ...(options.env ? { env: Object.fromEntries(Object.entries(options.env).filter(([, value]) => value !== undefined).map(([key, value]) => [key, String(value)])) } : {}), inherit: [0, 1, 2].map(inherits) }], (what, ...values) => {
      const stream = what === 'stdout' ? out : err
      if (what === 'failed') { host.forget(id); child.emit('error', Object.assign(new Error(`spawn ${argv[0]} ${values[0]}`), { errno: values[0] === 'ENOENT' ? -2 : -13, code: values[0], syscall: `spawn ${argv[0]}`, path: argv[0], spawnargs: argv.slice(1) })); return }
      if (what === 'started') { child.pid = values[0]; child.emit('spawn'); return }
      if (what === 'exit') { [child.exitCode, child.signalCode] = values; child.emit('exit', ...values); closed(); return }
      if (values[0] === null) { stream.push(null); closed() } else stream.push(Buffer.from(values[0].buffer))
      if (open === 0) host.forget(id)
    })
    Object.assign(child, spawned)
    child.stdout = inherits(1) ? null : out
    child.stderr = inherits(2) ? null : err
    child.stdin = inherits(0) ? null : new Writable({ write: (chunk, encoding, callback) => { host.call('childInput', id, new Uint8Array(chunk)); callback() }, final: (callback) => { host.call('childInput', id, null); callback() } })
    child.stdio = [child.stdin, child.stdout, child.stderr]
    child.kill = (signal = 'SIGTERM') => { child.killed = true; return host.call('childKill', id, typeof signal === 'number' ? 'SIGKILL' : signal) }
    child.ref = () => child
    child.unref = () => { host.call('unref', id); return child }
    return child
  }
  const run = (start) => (command, args, options, callback) => {
    if (typeof args === 'function') [args, options, callback] = [[], {}, args]
    else if (!Array.isArray(args)) [args, options, callback] = [[], args ?? {}, options]
    else if (typeof options === 'function') [options, callback] = [{}, options]
    const child = start(command, args, options ?? {})
    const parts = { stdout: [], stderr: [] }
    for (const name of ['stdout', 'stderr']) child[name].on('data', (chunk) => parts[name].push(chunk))
    const text = (name) => { const all = Buffer.concat(parts[name]); return options?.encoding === 'buffer' ? all : all.toString(options?.encoding ?? 'utf8') }
    const shown = [command, ...args].join(' ')
    let done = false
    const finish = (error) => { if (!done) { done = true; callback?.(error, text('stdout'), text('stderr')) } }
    child.on('error', finish)
    child.on('close', (code, signal) => finish(code === 0 && signal === null ? null : Object.assign(new Error(`Command failed: ${shown}\n${text('stderr')}`), { code, killed: child.killed, signal, cmd: shown, stdout: text('stdout'), stderr: text('stderr') })))
    if (options?.timeout) setTimeout(() => child.kill(options.killSignal), options.timeout).unref()
    return child
  }
  const exec = run((command, args, options) => spawn(command, [], { ...options, shell: options.shell ?? true }))
  const execFile = run((file, args, options) => spawn(file, args, options))
  const promised = (fn) => (...args) => new Promise((resolve, reject) => fn(...args, (error, stdout, stderr) => error ? reject(error) : resolve({ stdout, stderr })))
  for (const fn of [exec, execFile]) Object.defineProperty(fn, Symbol.for('nodejs.util.promisify.custom'), { value: promised(fn) })
  const unavailable = (name) => () => { throw host.systemError('ENOSYS', `${name}: waiting for a child without callbacks is not possible here`) }
  module.exports = { ChildProcess, spawn, exec, execFile, fork: (path, args = [], options = {}) => spawn(process.execPath, [path, ...args], { stdio: 'inherit', ...options }), execSync: unavailable('execSync'), spawnSync: unavailable('spawnSync'), execFileSync: unavailable('execFileSync') }
}

/** node:readline. */
export function readline(module, exports, require) {
  const EventEmitter = require('events')
  class Interface extends EventEmitter {
    constructor(input, output) {
      super()
      const options = input?.input || input?.output ? input : { input, output }
      this.input = options.input
      this.output = options.output
      this.line = ''
      this.closed = false
      Object.defineProperty(this, 'state', { value: { rest: '', prompt: options.prompt ?? '> ', asked: [], lines: [] } })
      const decoder = new (require('string_decoder').StringDecoder)()
      this.input.on('data', (chunk) => {
        const parts = (this.state.rest + decoder.write(chunk)).split(/\r?\n/)
        this.state.rest = parts.pop()
        for (const line of parts) this.take(line)
      })
      this.input.on('end', () => { if (this.state.rest !== '') this.take(this.state.rest); this.state.rest = ''; this.close() })
    }
    take(line) {
      const asked = this.state.asked.shift()
      if (asked) asked(line)
      else this.emit('line', line)
    }
    setPrompt(text) { this.state.prompt = text }
    getPrompt() { return this.state.prompt }
    prompt() { this.output?.write(this.state.prompt) }
    question(text, options, callback = options) { this.output?.write(text); this.state.asked.push(callback) }
    write(text) { this.output?.write(text) }
    pause() { this.input.pause(); this.emit('pause'); return this }
    resume() { this.input.resume(); return this }
    close() { if (this.closed) return; this.closed = true; this.input.pause(); this.emit('close') }
    async *[Symbol.asyncIterator]() {
      const lines = []
      let wake
      this.on('line', (line) => { lines.push(line); wake?.() })
      this.on('close', () => wake?.())
      for (;;) {
        while (lines.length > 0) yield lines.shift()
        if (this.closed) return
        await new Promise((resolve) => { wake = resolve })
      }
    }
  }
  const createInterface = (...args) => new Interface(...args)
  module.exports = {
    Interface, createInterface, clearLine: (stream) => stream.write('\x1b[2K'), cursorTo: (stream, x) => stream.write(`\x1b[${x + 1}G`), clearScreenDown: (stream) => stream.write('\x1b[0J'), moveCursor() {}, emitKeypressEvents() {},
    promises: { createInterface: (...args) => { const made = new Interface(...args); const ask = made.question.bind(made); made.question = (text) => new Promise((resolve) => ask(text, resolve)); return made } },
  }
}

/** node:timers/promises. */
export function timersPromises(module) {
  const wait = (ms, value, { signal } = {}) => new Promise((resolve, reject) => { const timer = setTimeout(() => resolve(value), ms); signal?.addEventListener('abort', () => { clearTimeout(timer); reject(signal.reason) }) })
  module.exports = { setTimeout: wait, setImmediate: (value) => new Promise((resolve) => setImmediate(() => resolve(value))), setInterval: async function* (ms, value) { for (;;) { await wait(ms); yield value } }, scheduler: { wait } }
}

/** node:async_hooks: contexts for synchronous callers only. */
export function async_hooks(module) {
  class AsyncLocalStorage {
    run(store, fn, ...args) { const before = this.store; this.store = store; try { return fn(...args) } finally { this.store = before } }
    getStore() { return this.store }
    enterWith(store) { this.store = store }
    exit(fn, ...args) { return this.run(undefined, fn, ...args) }
  }
  class AsyncResource { runInAsyncScope(fn, self, ...args) { return fn.apply(self, args) } }
  module.exports = { AsyncLocalStorage, AsyncResource, createHook: () => ({ enable() {}, disable() {} }), executionAsyncId: () => 1, triggerAsyncId: () => 0 }
}

/** node:cluster, as far as its primary process goes; node:worker_threads the same. */
export function cluster(module, exports, require) {
  const EventEmitter = require('events')
  module.exports = Object.assign(new EventEmitter(), { isMaster: true, isPrimary: true, isWorker: false, workers: {}, settings: {}, setupPrimary() {}, fork() { throw new Error('cluster.fork: worker processes that share a port are not available here') } })
}
export function worker_threads(module) {
  module.exports = { isMainThread: true, threadId: 0, parentPort: null, workerData: null, Worker: class Worker { constructor() { throw new Error('worker_threads: threads are not available here') } } }
}
/** node:tty. */
export function tty(module, exports, require, host) {
  module.exports = { isatty: (fd) => host.config.isTty[fd] === true }
}

/** node:zlib. */
export function zlib(module, exports, require, host) {
  const { Transform } = require('stream')
  const run = (format, way) => (data) => { try { return Buffer.from(host.call('zlib', format, way, typeof data === 'string' ? new Uint8Array(Buffer.from(data)) : new Uint8Array(data.buffer ?? data, data.byteOffset ?? 0, data.byteLength)).buffer) } catch (error) { throw Object.assign(new Error(error.message), { errno: -3, code: 'Z_DATA_ERROR' }) } }
  const functions = { gzip: run('gzip', 'pack'), gunzip: run('gzip', 'unpack'), deflate: run('zlib', 'pack'), inflate: run('zlib', 'unpack'), deflateRaw: run('raw', 'pack'), inflateRaw: run('raw', 'unpack'), unzip: run('gzip', 'unpack') }
  const stream = (fn) => () => { const parts = []; return new Transform({ transform(chunk, encoding, callback) { parts.push(chunk); callback() }, flush(callback) { try { callback(null, fn(Buffer.concat(parts))) } catch (error) { callback(error) } } }) }
  module.exports = { constants: { Z_BEST_SPEED: 1, Z_BEST_COMPRESSION: 9, Z_DEFAULT_COMPRESSION: -1 } }
  for (const [name, fn] of Object.entries(functions)) {
    module.exports[`${name}Sync`] = (data) => fn(data)
    module.exports[name] = (data, options, callback = options) => { process.nextTick(() => { let result; try { result = fn(data) } catch (error) { callback(error); return } callback(null, result) }) }
    module.exports[`create${name[0].toUpperCase()}${name.slice(1)}`] = stream(fn)
  }
}

/** node:vm, in this realm only. */
export function vm(module) {
  const runInThisContext = (text) => (0, eval)(text)
  module.exports = { runInThisContext, Script: class Script { constructor(text) { this.text = text } runInThisContext() { return runInThisContext(this.text) } }, isContext: () => false }
}

/** node:v8. */
export function v8(module, exports, require, host) {
  module.exports = { getHeapStatistics: () => { const { heapTotal, heapUsed } = process.memoryUsage(); return { total_heap_size: heapTotal, used_heap_size: heapUsed, heap_size_limit: host.config.heapLimit, total_available_size: Math.max(0, host.config.heapLimit - heapUsed), malloced_memory: 0 } }, setFlagsFromString() {}, serialize: (value) => Buffer.from(JSON.stringify(value)), deserialize: (bytes) => JSON.parse(bytes.toString()) }
}
