/** node:stream: what flows, without the finer points of back-pressure. */
export function stream(module, exports, require, host) {
  const EventEmitter = require('events')
  const lengthOf = (chunk) => chunk?.length ?? 1

  class Stream extends EventEmitter {
    pipe(target, { end = true } = {}) {
      this.on('data', (chunk) => { if (target.write(chunk) === false && this.pause) this.pause() })
      target.on('drain', () => this.resume?.())
      if (end && target !== process.stdout && target !== process.stderr) this.once('end', () => target.end())
      target.emit('pipe', this)
      return target
    }
  }
  const destroyWith = (self, error) => {
    if (self.destroyed) return self
    self.destroyed = true
    const finish = (failure) => process.nextTick(() => { if (failure) host.emitFromBelow(self, failure, ['emitErrorNT (node:internal/streams/destroy:170:8)', 'emitErrorCloseNT (node:internal/streams/destroy:129:3)', 'process.processTicksAndRejections (node:internal/process/task_queues:90:21)']); if (!self.closed) { self.closed = true; self.emit('close') } })
    if (self._destroy) self._destroy(error ?? null, (other) => finish(other ?? error))
    else finish(error)
    return self
  }

  const readable = {
    /** Sets up what a readable stream knows of itself. */
    begin(self, options) {
      self.readable = true
      self.destroyed = false
      self.closed = false
      self.readableEnded = false
      Object.defineProperty(self, '_readableState', { value: { chunks: [], length: 0, ended: false, flowing: null, reading: false, objectMode: options.objectMode ?? options.readableObjectMode ?? false, highWaterMark: options.highWaterMark ?? 65536, encoding: options.encoding ?? null, scheduled: false, decoder: null }, enumerable: false })
      if (options.encoding) self.setEncoding(options.encoding)
      if (options.read) self._read = options.read
      if (options.destroy) self._destroy = options.destroy
    },
    methods: {
      push(chunk, encoding) {
        const state = this._readableState
        state.reading = false
        if (chunk === null) {
          const rest = state.decoder?.end()
          if (rest) { state.chunks.push(rest); state.length += rest.length }
          state.ended = true
        } else {
          if (!state.objectMode && typeof chunk === 'string' && !state.decoder) chunk = Buffer.from(chunk, encoding)
          else if (!state.objectMode && chunk instanceof Uint8Array && !Buffer.isBuffer(chunk)) chunk = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
          if (state.decoder) chunk = state.decoder.write(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk)
          if (state.objectMode || chunk.length > 0) { state.chunks.push(chunk); state.length += state.objectMode ? 1 : chunk.length }
        }
        this._schedule()
        return state.length < state.highWaterMark
      },
      unshift(chunk) { this._readableState.chunks.unshift(chunk); this._readableState.length += lengthOf(chunk) },
      _schedule() {
        const state = this._readableState
        if (state.scheduled) return
        state.scheduled = true
        process.nextTick(() => { state.scheduled = false; this._flow() })
      },
      _flow() {
        const state = this._readableState
        if (this.destroyed) return
        while (state.flowing && state.chunks.length > 0 && !this.destroyed) {
          const chunk = state.chunks.shift()
          state.length -= state.objectMode ? 1 : chunk.length
          this.emit('data', chunk)
        }
        if (!state.flowing && this.listenerCount('readable') > 0 && (state.chunks.length > 0 || state.ended) && !this.readableEnded) this.emit('readable')
        if (state.chunks.length > 0 || this.destroyed) return
        if (state.ended) {
          if (this.readableEnded || (!state.flowing && this.listenerCount('readable') === 0)) return
          this.readableEnded = true
          this.readable = false
          this.emit('end')
          if (this._writableState === undefined || this._writableState.finished) destroyWith(this)
        } else if ((state.flowing || this.listenerCount('readable') > 0) && !state.reading) {
          state.reading = true
          this._read(state.highWaterMark)
        }
      },
      _read() {},
      read(size) {
        const state = this._readableState
        if (state.chunks.length === 0) { this._schedule(); return null }
        if (state.objectMode) { state.length--; const chunk = state.chunks.shift(); this._schedule(); return chunk }
        const all = state.decoder ? state.chunks.join('') : Buffer.concat(state.chunks)
        if (size !== undefined && size > all.length && !state.ended) return null
        const part = size === undefined ? all : all.slice(0, size)
        const rest = all.slice(part.length)
        state.chunks = rest.length > 0 ? [rest] : []
        state.length = rest.length
        this._schedule()
        return part.length > 0 ? part : null
      },
      on(name, listener) {
        EventEmitter.prototype.on.call(this, name, listener)
        if (name === 'data' && this._readableState.flowing !== false) this.resume()
        else if (name === 'readable') this._schedule()
        return this
      },
      setEncoding(encoding) {
        const { StringDecoder } = require('string_decoder')
        const state = this._readableState
        state.decoder = new StringDecoder(encoding)
        state.encoding = encoding
        state.chunks = state.chunks.map((chunk) => state.decoder.write(chunk))
        return this
      },
      resume() { this._readableState.flowing = true; this._schedule(); return this },
      pause() { this._readableState.flowing = false; return this },
      isPaused() { return this._readableState.flowing === false },
      unpipe() { return this },
      destroy(error) { return destroyWith(this, error) },
      async *[Symbol.asyncIterator]() {
        const state = this._readableState
        let wake
        let failure
        const awake = () => wake?.()
        this.on('readable', awake); this.on('end', awake); this.on('close', awake)
        this.on('error', (error) => { failure = error; awake() })
        while (true) {
          const chunk = state.chunks.length > 0 ? this.read() : null
          if (chunk !== null) { yield chunk; continue }
          if (failure) throw failure
          if (this.readableEnded || this.destroyed) return
          await new Promise((resolve) => { wake = resolve; this._schedule() })
        }
      },
      async toArray() { const all = []; for await (const chunk of this) all.push(chunk); return all },
    },
  }
  readable.methods.addListener = readable.methods.on

  const writable = {
    begin(self, options) {
      self.writable = true
      self.writableEnded = false
      self.writableFinished = false
      self.destroyed = false
      self.closed ??= false
      Object.defineProperty(self, '_writableState', { value: { queue: [], busy: false, ended: false, finished: false, length: 0, highWaterMark: options.highWaterMark ?? 65536, decodeStrings: options.decodeStrings ?? true, objectMode: options.objectMode ?? options.writableObjectMode ?? false, needDrain: false, defaultEncoding: 'utf8', corked: 0, autoDestroy: options.autoDestroy ?? true }, enumerable: false })
      if (options.write) self._write = options.write
      if (options.writev) self._writev = options.writev
      if (options.final) self._final = options.final
      if (options.destroy) self._destroy = options.destroy
    },
    methods: {
      write(chunk, encoding, callback) {
        if (typeof encoding === 'function') [encoding, callback] = [undefined, encoding]
        const state = this._writableState
        if (chunk === null) throw host.nodeError(TypeError, 'ERR_STREAM_NULL_VALUES', 'May not write null values to stream')
        if (!state.objectMode && typeof chunk !== 'string' && !ArrayBuffer.isView(chunk)) throw host.nodeError(TypeError, 'ERR_INVALID_ARG_TYPE', `The "chunk" argument must be of type string or an instance of Buffer, TypedArray, or DataView. Received ${require('util').received(chunk)}`)
        if (state.ended || this.destroyed) {
          const error = state.ended ? host.nodeError(Error, 'ERR_STREAM_WRITE_AFTER_END', 'write after end') : host.nodeError(Error, 'ERR_STREAM_DESTROYED', 'Cannot call write after a stream was destroyed')
          process.nextTick(() => { callback?.(error); if (!this.destroyed) destroyWith(this, error) })
          return false
        }
        if (!state.objectMode && typeof chunk === 'string' && state.decodeStrings) { chunk = Buffer.from(chunk, encoding); encoding = 'buffer' }
        state.queue.push([chunk, encoding ?? 'utf8', callback])
        state.length += state.objectMode ? 1 : chunk.length
        const room = state.length < state.highWaterMark
        if (!room) state.needDrain = true
        this._work()
        return room
      },
      _work() {
        const state = this._writableState
        if (state.busy || state.corked > 0 || this.destroyed) return
        const next = state.queue.shift()
        if (!next) {
          if (state.needDrain && !state.ended) { state.needDrain = false; process.nextTick(() => this.emit('drain')) }
          if (state.ended && !state.finished) this._finish()
          return
        }
        const [chunk, encoding, callback] = next
        state.busy = true
        this._write(chunk, encoding, (error) => {
          state.busy = false
          state.length -= state.objectMode ? 1 : chunk.length
          if (error) { callback?.(error); destroyWith(this, error); return }
          if (callback) process.nextTick(callback, null)
          this._work()
        })
      },
      _write(chunk, encoding, callback) { callback() },
      _finish() {
        const state = this._writableState
        state.finished = true
        const done = (error) => {
          if (error) { destroyWith(this, error); return }
          process.nextTick(() => {
            this.writableFinished = true
            this.emit('finish')
            if (state.autoDestroy && (this._readableState === undefined || this.readableEnded)) destroyWith(this)
          })
        }
        if (this._final) this._final(done)
        else done()
      },
      end(chunk, encoding, callback) {
        if (typeof chunk === 'function') [chunk, callback] = [undefined, chunk]
        if (typeof encoding === 'function') [encoding, callback] = [undefined, encoding]
        const state = this._writableState
        if (chunk !== undefined && chunk !== null) this.write(chunk, encoding)
        if (callback) this.once('finish', callback)
        if (state.ended) return this
        state.ended = true
        this.writableEnded = true
        this.writable = false
        state.corked = 0
        this._work()
        return this
      },
      cork() { this._writableState.corked++ },
      uncork() { this._writableState.corked = Math.max(0, this._writableState.corked - 1); this._work() },
      setDefaultEncoding() { return this },
      destroy(error) { return destroyWith(this, error) },
    },
  }
  const give = (Type, methods) => { for (const key of Reflect.ownKeys(methods)) Object.defineProperty(Type.prototype, key, { value: methods[key], writable: true, configurable: true, enumerable: false }) }

  // Functions rather than classes: programs of old call them on their own objects.
  function Readable(options = {}) { if (!(this instanceof Readable)) return new Readable(options); EventEmitter.call(this); readable.begin(this, options) }
  Object.setPrototypeOf(Readable.prototype, Stream.prototype)
  Object.setPrototypeOf(Readable, Stream)
  give(Readable, readable.methods)
  Readable.from = (source, options) => {
    const iterator = typeof source === 'string' || source instanceof Uint8Array ? [source][Symbol.iterator]() : source[Symbol.asyncIterator]?.() ?? source[Symbol.iterator]()
    return new Readable({ objectMode: true, ...options, read() { Promise.resolve(iterator.next()).then(({ value, done }) => { this.push(done ? null : value) }, (error) => this.destroy(error)) } })
  }
  function Writable(options = {}) { if (!(this instanceof Writable)) return new Writable(options); EventEmitter.call(this); writable.begin(this, options) }
  Object.setPrototypeOf(Writable.prototype, Stream.prototype)
  Object.setPrototypeOf(Writable, Stream)
  give(Writable, writable.methods)
  function Duplex(options = {}) { if (!(this instanceof Duplex)) return new Duplex(options); EventEmitter.call(this); readable.begin(this, options); writable.begin(this, options) }
  Object.setPrototypeOf(Duplex.prototype, Readable.prototype)
  Object.setPrototypeOf(Duplex, Readable)
  give(Duplex, writable.methods)
  function Transform(options = {}) {
    if (!(this instanceof Transform)) return new Transform(options)
    Duplex.call(this, options)
    if (options.transform) this._transform = options.transform
    if (options.flush) this._flush = options.flush
  }
  Object.setPrototypeOf(Transform.prototype, Duplex.prototype)
  Object.setPrototypeOf(Transform, Duplex)
  give(Transform, {
    _write(chunk, encoding, callback) { this._transform(chunk, encoding, (error, result) => { if (result !== undefined && result !== null) this.push(result); callback(error) }) },
    _final(callback) { if (this._flush) this._flush((error, result) => { if (result !== undefined && result !== null) this.push(result); this.push(null); callback(error) }); else { this.push(null); callback() } },
  })
  function PassThrough(options = {}) { if (!(this instanceof PassThrough)) return new PassThrough(options); Transform.call(this, { ...options, transform: (chunk, encoding, callback) => callback(null, chunk) }) }
  Object.setPrototypeOf(PassThrough.prototype, Transform.prototype)
  Object.defineProperty(Writable, Symbol.hasInstance, { value: (value) => Function.prototype[Symbol.hasInstance].call(Writable, value) || value?._writableState !== undefined })

  const finished = (each, options, callback = options) => {
    let called = false
    const done = (error) => { if (!called) { called = true; callback(error) } }
    each.on('error', done)
    each.on('end', () => done())
    each.on('finish', () => done())
    each.on('close', () => done())
    return () => { called = true }
  }
  const pipeline = (...streams) => {
    const callback = typeof streams.at(-1) === 'function' ? streams.pop() : () => {}
    const all = streams.flat()
    let called = false
    const done = (error) => { if (!called) { called = true; if (error) for (const each of all) each.destroy?.(); callback(error) } }
    all.forEach((each, i) => { each.on('error', done); if (i > 0) all[i - 1].pipe(each) })
    all.at(-1).on('finish', () => done())
    return all.at(-1)
  }
  const promises = { pipeline: (...streams) => new Promise((resolve, reject) => pipeline(...streams, (error) => error ? reject(error) : resolve())), finished: (each) => new Promise((resolve, reject) => finished(each, (error) => error ? reject(error) : resolve())) }
  Object.assign(Stream, { Stream, Readable, Writable, Duplex, Transform, PassThrough, pipeline, finished, promises })
  for (const [name, Type] of Object.entries({ Stream, Readable, Writable, Duplex, Transform, PassThrough })) Object.defineProperty(Type, 'name', { value: name })
  module.exports = Stream
}
