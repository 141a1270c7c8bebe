/** Clients of Redis: `redis` and `ioredis`. */

/** What both are made of: a connection that speaks RESP and comes back when it is lost. */
export function redisConnection(module, exports, require) {
  const net = require('net')
  const EventEmitter = require('events')
  /** Takes one reply from the front of a buffer. */
  const parse = (bytes, at = 0) => {
    const end = bytes.indexOf('\r\n', at)
    if (end < 0) return undefined
    const line = bytes.toString('utf8', at + 1, end)
    const next = end + 2
    switch (String.fromCharCode(bytes[at])) {
      case '+': return { value: line, next }
      case '-': return { value: Object.assign(new Error(line), { command: undefined }), next }
      case ':': return { value: Number(line), next }
      case '$': {
        const length = Number(line)
        if (length < 0) return { value: null, next }
        return bytes.length < next + length + 2 ? undefined : { value: bytes.toString('utf8', next, next + length), next: next + length + 2 }
      }
      case '*': {
        if (Number(line) < 0) return { value: null, next }
        const values = []
        let position = next
        for (let i = 0; i < Number(line); i++) {
          const part = parse(bytes, position)
          if (!part) return undefined
          values.push(part.value)
          position = part.next
        }
        return { value: values, next: position }
      }
      default: return { value: new Error(`Protocol error, got ${JSON.stringify(line)} as reply type byte`), next }
    }
  }
  module.exports = class Connection extends EventEmitter {
    constructor({ host = '127.0.0.1', port = 6379, password, username, database }) {
      super()
      for (const [name, value] of Object.entries({ address: { host, port: Number(port) }, greeting: [...(password ? [['AUTH', ...(username ? [username] : []), password]] : []), ...(database ? [['SELECT', String(database)]] : [])], sent: [], queued: [], attempts: 0, closing: false, subscriptions: new Map(), held: Buffer.alloc(0), socket: undefined, up: false })) Object.defineProperty(this, name, { value, writable: true, enumerable: false })
    }
    open() {
      if (this.socket) return
      this.closing = false
      this.socket = net.connect(this.address)
      this.socket.on('connect', async () => {
        this.emit('connect')
        this.attempts = 0
        this.up = true
        try { for (const command of this.greeting) await this.write(command) } catch (error) { this.emit('error', error); return }
        for (const command of this.queued.splice(0)) this.transmit(command)
        this.emit('ready')
      })
      this.socket.on('data', (part) => {
        this.held = Buffer.concat([this.held, part])
        for (let reply = parse(this.held); reply; reply = parse(this.held)) { this.held = this.held.subarray(reply.next); this.take(reply.value) }
      })
      this.socket.on('error', (error) => { this.failure = error })
      this.socket.on('close', () => this.lost())
    }
    lost() {
      const { failure } = this
      this.socket = undefined
      this.up = false
      this.failure = undefined
      this.held = Buffer.alloc(0)
      for (const { reject } of this.sent.splice(0)) reject(failure ?? new Error('Socket closed unexpectedly'))
      if (this.closing) { this.emit('end'); return }
      this.emit('error', failure ?? new Error('Socket closed unexpectedly'))
      this.attempts++
      this.emit('reconnecting')
      setTimeout(() => { if (!this.closing) this.open() }, Math.min(this.attempts * 50, 2000))
    }
    take(value) {
      if (Array.isArray(value) && ['message', 'pmessage'].includes(value[0]) && this.subscriptions.size > 0) { const [kind, ...rest] = value; this.emit(kind, ...rest); this.subscriptions.get(rest[0])?.(rest.at(-1), rest.at(-2)); return }
      const waiting = this.sent.shift()
      if (value instanceof Error) waiting?.reject(value)
      else waiting?.resolve(value)
    }
    transmit(command) {
      this.sent.push(command)
      this.socket.write(`*${command.words.length}\r\n${command.words.map((word) => { const text = String(word); return `$${Buffer.byteLength(text)}\r\n${text}\r\n` }).join('')}`)
    }
    write(words) { return new Promise((resolve, reject) => this.transmit({ words, resolve, reject })) }
    send(words) {
      return new Promise((resolve, reject) => {
        const command = { words, resolve, reject }
        if (this.up) this.transmit(command)
        else this.queued.push(command)
      })
    }
    close() { this.closing = true; if (this.socket) this.socket.end(); else this.emit('end') }
  }
}

export function redis(module, exports, require) {
  const Connection = require('./connection.js')
  class ClientClosedError extends Error { constructor() { super('The client is closed') } }
  const pairs = (list) => Object.assign(Object.create(null), Object.fromEntries(Array.from({ length: list.length / 2 }, (_, i) => [list[i * 2], list[i * 2 + 1]])))
  const wordsOf = (name, args) => {
    const words = [name.toUpperCase()]
    for (const arg of args) {
      if (arg === undefined) continue
      if (Array.isArray(arg)) words.push(...arg.flat().flatMap((each) => typeof each === 'object' ? [each.score, each.value] : [each]))
      else if (arg !== null && typeof arg === 'object' && !Buffer.isBuffer(arg)) {
        if (name === 'set') for (const [key, value] of Object.entries(arg)) { if (value === true) words.push(key); else if (value !== undefined) words.push(key, value) }
        else if (name === 'zadd') words.push(arg.score, arg.value)
        else words.push(...Object.entries(arg).flat())
      } else words.push(arg)
    }
    return words
  }
  class RedisClient extends Connection {
    constructor(options = {}, host) {
      const url = options.url === undefined ? undefined : new URL(options.url)
      super(typeof options === 'number' || /^\d+$/.test(options) ? { port: options, host } : { host: url?.hostname || options.socket?.host || options.host, port: url?.port || options.socket?.port || options.port, password: url?.password ? decodeURIComponent(url.password) : options.password, username: url?.username || options.username, database: url?.pathname.slice(1) || options.database })
      Object.defineProperty(this, 'isOld', { value: typeof options === 'number' || options.host !== undefined || options.legacyMode === true || (options.socket === undefined && options.url === undefined && host !== undefined) })
      this.isOpen = false
      this.isReady = false
      this.on('ready', () => { this.isReady = true })
      this.on('end', () => { this.isReady = false })
      if (this.isOld) process.nextTick(() => this.start())
    }
    start() { if (!this.isOpen) { this.isOpen = true; this.open() } }
    async connect() {
      if (this.isOpen) throw new Error('Socket already opened')
      this.start()
      await new Promise((resolve) => this.once('ready', resolve))
      return this
    }
    command(name, args) {
      const callback = typeof args.at(-1) === 'function' ? args.pop() : undefined
      if (callback) this.start()
      if (!this.isOpen) return Promise.reject(new ClientClosedError())
      const work = this.send(wordsOf(name, args)).then((value) => name === 'hgetall' ? pairs(value) : value)
      if (!callback) return work
      work.then((value) => callback(null, value), (error) => callback(error))
      return true
    }
    sendCommand(words) { return this.send(words) }
    async quit(callback) { const answer = this.isReady ? await this.send(['QUIT']).catch(() => 'OK') : 'OK'; this.isOpen = false; this.close(); callback?.(null, answer); return answer }
    async disconnect() { this.isOpen = false; this.close() }
    async close() { this.isOpen = false; super.close() }
    destroy() { this.isOpen = false; super.close() }
    end() { this.isOpen = false; super.close() }
    duplicate() { return new RedisClient({ socket: this.address }) }
    subscribe(channel, listener) { this.subscriptions.set(channel, typeof listener === 'function' && !this.isOld ? listener : () => {}); if (this.isOld) this.start(); return this.send(['SUBSCRIBE', channel]) }
    multi() {
      const commands = []
      const chain = new Proxy({}, { get: (target, name) => name === 'exec' ? async (callback) => { await this.send(['MULTI']); for (const words of commands) await this.send(words); const answer = await this.send(['EXEC']); callback?.(null, answer); return answer } : name === 'then' ? undefined : (...args) => { commands.push(wordsOf(String(name).toLowerCase(), args)); return chain } })
      return chain
    }
  }
  const COMMANDS = ['get', 'set', 'setEx', 'setNX', 'getSet', 'getDel', 'mGet', 'mSet', 'incr', 'incrBy', 'decr', 'decrBy', 'append', 'strLen', 'del', 'exists', 'expire', 'ttl', 'persist', 'keys', 'scan', 'type', 'rename', 'ping', 'echo', 'flushAll', 'flushDb', 'dbSize', 'info', 'time', 'lPush', 'rPush', 'lPop', 'rPop', 'lRange', 'lLen', 'lTrim', 'lIndex', 'lRem', 'blPop', 'brPop', 'hSet', 'hGet', 'hGetAll', 'hDel', 'hExists', 'hIncrBy', 'hKeys', 'hVals', 'hLen', 'hmGet', 'hmSet', 'sAdd', 'sRem', 'sMembers', 'sIsMember', 'sCard', 'sPop', 'zAdd', 'zRange', 'zRevRange', 'zRem', 'zScore', 'zCard', 'zIncrBy', 'zRank', 'publish', 'auth', 'select']
  for (const name of COMMANDS) for (const alias of new Set([name, name.toLowerCase(), name.toUpperCase()])) Object.defineProperty(RedisClient.prototype, alias, { value(...args) { return this.command(name.toLowerCase(), args) }, writable: true, configurable: true })
  module.exports = { createClient: (options, host) => new RedisClient(options, host), ClientClosedError }
}

export function ioredis(module, exports, require) {
  const Connection = require('./connection.js')
  const wordsOf = (name, args) => [name.toUpperCase(), ...args.flat().flatMap((arg) => arg !== null && typeof arg === 'object' && !Buffer.isBuffer(arg) ? Object.entries(arg).flat() : [arg])]
  const answerOf = (name, value) => /^hgetall$/i.test(name) ? Object.fromEntries(Array.from({ length: value.length / 2 }, (_, i) => [value[i * 2], value[i * 2 + 1]])) : value
  class Redis extends Connection {
    constructor(...args) {
      const options = {}
      for (const arg of args) {
        if (typeof arg === 'number' || /^\d+$/.test(arg)) options.port = Number(arg)
        else if (typeof arg === 'string' && arg.includes('://')) { const url = new URL(arg); Object.assign(options, { host: url.hostname, port: url.port || 6379, password: url.password || undefined, username: url.username || undefined, database: url.pathname.slice(1) }) } else if (typeof arg === 'string') options.host = arg
        else Object.assign(options, arg, arg.db ? { database: arg.db } : {})
      }
      super(options)
      this.status = 'wait'
      this.on('ready', () => { this.status = 'ready' })
      this.on('end', () => { this.status = 'end' })
      if (!options.lazyConnect) process.nextTick(() => this.open())
    }
    emit(name, ...args) {
      if (name === 'error' && this.listenerCount('error') === 0) { console.error('[ioredis] Unhandled error event:', args[0]); return false }
      return super.emit(name, ...args)
    }
    connect() { this.open(); return new Promise((resolve) => this.once('ready', () => resolve())) }
    call(name, ...args) {
      const callback = typeof args.at(-1) === 'function' ? args.pop() : undefined
      if (!this.socket && this.status === 'wait') this.open()
      const work = this.send(wordsOf(name, args)).then((value) => answerOf(name, value))
      if (callback) work.then((value) => callback(null, value), (error) => callback(error))
      return work
    }
    async quit() { const answer = await this.send(['QUIT']).catch(() => 'OK'); this.close(); return answer }
    disconnect() { this.close() }
    subscribe(...channels) { for (const channel of channels.flat()) if (typeof channel === 'string') this.subscriptions.set(channel, () => {}); return this.send(['SUBSCRIBE', ...channels.filter((channel) => typeof channel === 'string')]) }
    duplicate() { return new Redis(this.address) }
    pipeline() { const commands = []; const chain = new Proxy({}, { get: (target, name) => name === 'exec' ? () => Promise.all(commands.map(([command, ...args]) => this.call(command, ...args).then((value) => [null, value], (error) => [error, undefined]))) : name === 'then' ? undefined : (...args) => { commands.push([name, ...args]); return chain } }); return chain }
    multi({ pipeline = true } = {}) {
      if (!pipeline) return this.call('multi')
      const commands = []
      const run = async () => {
        const queued = commands.map(([name, ...args]) => [name, args.filter((arg) => typeof arg !== 'function')])
        const sent = [this.call('multi'), ...queued.map(([name, args]) => this.send(wordsOf(name, args)))]
        // What a command was refused for, EXEC tells again.
        for (const each of sent) each.catch(() => {})
        const answers = await this.call('exec')
        return answers === null ? null : answers.map((value, i) => value instanceof Error ? [value, undefined] : [null, answerOf(queued[i][0], value)])
      }
      const chain = new Proxy({}, { get: (target, name) => name === 'exec' ? (callback) => { const work = run(); if (typeof callback === 'function') work.then((value) => callback(null, value), (error) => callback(error)); return work } : name === 'then' ? undefined : (...args) => { commands.push([name, ...args]); return chain } })
      return chain
    }
  }
  for (const name of ['get', 'set', 'setex', 'setnx', 'getset', 'getdel', 'mget', 'mset', 'incr', 'incrby', 'decr', 'decrby', 'append', 'strlen', 'del', 'exists', 'expire', 'ttl', 'persist', 'keys', 'scan', 'type', 'rename', 'ping', 'echo', 'flushall', 'flushdb', 'dbsize', 'info', 'time', 'lpush', 'rpush', 'lpop', 'rpop', 'lrange', 'llen', 'ltrim', 'lindex', 'lrem', 'blpop', 'brpop', 'hset', 'hget', 'hgetall', 'hdel', 'hexists', 'hincrby', 'hkeys', 'hvals', 'hlen', 'hmget', 'hmset', 'sadd', 'srem', 'smembers', 'sismember', 'scard', 'spop', 'zadd', 'zrange', 'zrevrange', 'zrem', 'zscore', 'zcard', 'zincrby', 'zrank', 'publish', 'auth', 'select', 'exec', 'discard', 'watch', 'unwatch']) Object.defineProperty(Redis.prototype, name, { value(...args) { return this.call(name, ...args) }, writable: true, configurable: true })
  module.exports = Object.assign(Redis, { Redis, default: Redis })
}

