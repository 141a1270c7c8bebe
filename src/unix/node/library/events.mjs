/** node:events. */
export function events(module, exports, require, host) {
  function EventEmitter() {
    if (!Object.hasOwn(this, '_events')) { this._events = Object.create(null); this._eventsCount = 0 }
    this._maxListeners ??= undefined
  }
  const listenersOf = (emitter) => Object.hasOwn(emitter, '_events') ? emitter._events : (emitter._eventsCount = 0, emitter._events = Object.create(null))
  const add = (emitter, name, listener, first) => {
    if (typeof listener !== 'function') throw host.nodeError(TypeError, 'ERR_INVALID_ARG_TYPE', `The "listener" argument must be of type function. Received ${require('util').received(listener)}`)
    const all = listenersOf(emitter)
    if (all.newListener) emitter.emit('newListener', name, listener.listener ?? listener)
    if (!all[name]) { all[name] = []; emitter._eventsCount++ }
    all[name] = first ? [listener, ...all[name]] : [...all[name], listener]
    const most = emitter._maxListeners ?? EventEmitter.defaultMaxListeners
    if (most > 0 && all[name].length === most + 1) process.emitWarning(Object.assign(new Error(`Possible EventEmitter memory leak detected. ${most + 1} ${String(name)} listeners added to [${emitter.constructor?.name ?? 'EventEmitter'}]. MaxListeners is ${most}. Use emitter.setMaxListeners() to increase limit`), { name: 'MaxListenersExceededWarning' }))
    return emitter
  }
  const once = (emitter, name, listener) => {
    const wrapped = (...args) => { emitter.removeListener(name, wrapped); return listener.apply(emitter, args) }
    wrapped.listener = listener
    return wrapped
  }
  const methods = {
    on(name, listener) { return add(this, name, listener, false) },
    prependListener(name, listener) { return add(this, name, listener, true) },
    once(name, listener) { return add(this, name, once(this, name, listener), false) },
    prependOnceListener(name, listener) { return add(this, name, once(this, name, listener), true) },
    off(name, listener) {
      const all = listenersOf(this)
      const at = (all[name] ?? []).findLastIndex((each) => each === listener || each.listener === listener)
      if (at < 0) return this
      all[name] = all[name].toSpliced(at, 1)
      if (all[name].length === 0) { delete all[name]; this._eventsCount-- }
      if (all.removeListener) this.emit('removeListener', name, listener)
      return this
    },
    removeAllListeners(name) {
      const all = listenersOf(this)
      for (const each of name === undefined ? Reflect.ownKeys(all) : [name]) for (const listener of [...all[each] ?? []].reverse()) this.removeListener(each, listener)
      return this
    },
    emit(name, ...args) {
      const listeners = listenersOf(this)[name]
      if (!listeners) {
        if (name !== 'error') return false
        const [error] = args
        if (error instanceof Error) {
          if (error.place === undefined) {
            Object.defineProperty(error, 'place', { value: ['node:events:505', "    throw er; // Unhandled 'error' event", '    ^'], configurable: true, enumerable: false })
            const frames = host.emittedFrom ?? new Error('').stack.split('\n').slice(1)
            error.stack += `\nEmitted 'error' event${this.constructor.name === 'EventEmitter' ? '' : ` on ${this.constructor.name} instance`} at:\n${frames.slice(0, 10).join('\n')}`
          }
          throw error
        }
        throw host.nodeError(Error, 'ERR_UNHANDLED_ERROR', `Unhandled error. (${typeof error === 'string' ? `'${error}'` : require('util').inspect(error)})`, { context: error })
      }
      for (const listener of listeners) host.track(listener.apply(this, args))
      return true
    },
    listeners(name) { return (listenersOf(this)[name] ?? []).map((each) => each.listener ?? each) },
    rawListeners(name) { return [...listenersOf(this)[name] ?? []] },
    listenerCount(name) { return (listenersOf(this)[name] ?? []).length },
    eventNames() { return Reflect.ownKeys(listenersOf(this)) },
    setMaxListeners(count) { this._maxListeners = count; return this },
    getMaxListeners() { return this._maxListeners ?? EventEmitter.defaultMaxListeners },
  }
  methods.addListener = methods.on
  methods.removeListener = methods.off
  for (const [name, value] of Object.entries(methods)) { Object.defineProperty(value, 'name', { value: name }); Object.defineProperty(EventEmitter.prototype, name, { value, writable: true, configurable: true, enumerable: false }) }
  Object.defineProperty(EventEmitter, 'name', { value: 'EventEmitter' })
  EventEmitter.defaultMaxListeners = 10
  EventEmitter.EventEmitter = EventEmitter
  EventEmitter.errorMonitor = Symbol('events.errorMonitor')
  EventEmitter.captureRejectionSymbol = Symbol.for('nodejs.rejection')
  EventEmitter.once = (emitter, name) => new Promise((resolve, reject) => {
    const onError = (error) => { emitter.removeListener?.(name, onEvent); reject(error) }
    const onEvent = (...args) => { emitter.removeListener?.('error', onError); resolve(args) }
    if (emitter.addEventListener) { emitter.addEventListener(name, (event) => resolve([event]), { once: true }); return }
    emitter.once(name, onEvent)
    if (name !== 'error') emitter.once('error', onError)
  })
  EventEmitter.on = (emitter, name) => {
    const held = []
    let wake
    emitter.on(name, (...args) => { held.push(args); wake?.() })
    return (async function* () { for (;;) { while (held.length > 0) yield held.shift(); await new Promise((resolve) => { wake = resolve }) } })()
  }
  EventEmitter.listenerCount = (emitter, name) => emitter.listenerCount(name)
  EventEmitter.setMaxListeners = (count, ...emitters) => { for (const emitter of emitters) emitter.setMaxListeners?.(count) }
  module.exports = EventEmitter
}
