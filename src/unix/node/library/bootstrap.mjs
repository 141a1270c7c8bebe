/**
 * What a realm of QuickJS needs to be one of Node's: globals, timers, the process, CommonJS. Runs inside of the realm, handed over as text, as all
 * of this folder: a function here sees its parameters and the realm's globals, nothing of its file.
 *
 * @param {object} config facts of the process (see ProcessHost)
 */
export function bootstrap(config) {
  const call = globalThis.__host
  const promiseState = globalThis.__promiseState
  delete globalThis.__host
  delete globalThis.__promiseState
  globalThis.__name ??= (fn) => fn
  Object.defineProperty(globalThis, '__name', { enumerable: false })
  globalThis.global = globalThis

  // --- events of the host ---------------------------------------------------------------------------------------------------------

  const waiting = new Map()
  let lastId = 0
  const host = {
    config,
    /** An operation that is done when it returns. */
    call,
    /** An operation that takes time: `callback` is called once, in a turn of its own. */
    begin(op, args, callback) {
      const id = ++lastId
      waiting.set(id, (...results) => { waiting.delete(id); return callback(...results) })
      call(op, id, ...args)
      return id
    },
    /** Something whose events come until it is closed and forgotten. */
    keep(op, args, callback) {
      const id = ++lastId
      waiting.set(id, callback)
      try { call(op, id, ...args) } catch (error) { waiting.delete(id); throw error }
      return id
    },
    /** Events of something that the host began of itself. */
    keepAs(id, callback) { waiting.set(id, callback) },
    forget(id) { waiting.delete(id) },
    promiseState,
  }

  const ticks = []
  let ticksAreDue = false
  const drainTicks = () => {
    ticksAreDue = false
    for (let next = ticks.shift(); next; next = ticks.shift()) track(next())
  }
  const nextTick = (fn, ...args) => {
    ticks.push(() => fn(...args))
    if (!ticksAreDue) { ticksAreDue = true; then.call(Promise.resolve(), guarded(drainTicks)) }
  }
  /** Errors of callbacks end the process unless somebody handles them. */
  const guarded = (fn) => (...args) => {
    try { return fn(...args) } catch (error) { uncaught(error, 'uncaughtException') }
  }

  // --- errors ---------------------------------------------------------------------------------------------------------------------

  const MESSAGES = [
    [/^cannot read property 'Symbol.iterator' of (null|undefined)$/, (all, value) => `${value === 'null' ? 'object null' : value} is not iterable (cannot read property Symbol(Symbol.iterator))`],
    [/^cannot read property '(.*)' of (null|undefined)$/, "Cannot read properties of $2 (reading '$1')"],
    [/^cannot set property '(.*)' of (null|undefined)$/, "Cannot set properties of $2 (setting '$1')"],
    [/^'(.*)' is read-only$/, 'Assignment to constant variable.'],
    [/^(\S+) is not initialized$/, "Cannot access '$1' before initialization"],
    [/^invalid 'in' operand$/, "Cannot use 'in' operator to search for a key in a primitive value"],
    [/^invalid 'instanceof' right operand$/, "Right-hand side of 'instanceof' is not callable"],
    [/^invalid array length$/, 'Invalid array length'],
    [/^empty array$/, 'Reduce of empty array with no initial value'],
    [/^cannot convert symbol to string$/, 'Cannot convert a Symbol value to a string'],
    [/^expecting hex digit$|^malformed (?:UTF-8|URI).*$/, 'URI malformed'],
    [/^invalid repeat count$/, 'Invalid count value'],
    [/^circular reference$/, 'Converting circular structure to JSON'],
    [/^cannot convert to object$/, 'Cannot convert undefined or null to object'],
    [/^class constructors must be invoked with 'new'$/, "Class constructor cannot be invoked without 'new'"],
  ]
  const sourceFiles = new Map()
  /** Who called the script in this turn: how Node names the outermost frame, and what is below it. */
  let caller
  const calledBy = (who, fn) => { const before = caller; caller = who; try { return fn() } finally { caller = before } }
  host.calledBy = calledBy
  /** A file's text for stack traces, and where things in it were before the host put something in. */
  const sourceOf = (file) => {
    if (!sourceFiles.has(file)) {
      const facts = call('source', file)
      sourceFiles.set(file, facts && {
        ...facts,
        original(line, column) {
          let shift = line === 1 ? facts.offset : 0
          for (const [at, where, length] of facts.insertions) if (at === line && where + shift < column) shift += length
          return [line, Math.max(1, column - shift)]
        },
        /** Where V8 would see it, and what is called there. */
        place: (line, column, property) => call('place', file, line, column, property),
      })
    }
    return sourceFiles.get(file)
  }
  const nativeFile = /^(?:<input>|<evalScript>|node:|realm$|native$)/
  /** The frames as V8 writes them; `frames` are call sites. */
  Error.prepareStackTrace = (error, frames) => {
    const lines = []
    let first = true
    // The constructors of an error's own class are no part of its history.
    let ownClasses
    if (error instanceof Error && error.constructor !== Error) { ownClasses = new Set(); for (let each = error.constructor; typeof each === 'function' && each !== Error && each !== Function.prototype; each = Object.getPrototypeOf(each)) ownClasses.add(each.name) }
    let hasTail = false
    // The outermost frame of a main module has no name.
    let endsInModule = false
    for (const frame of frames) {
      const file = frame.getFileName() ?? 'native'
      if (frame.isNative() || nativeFile.test(file)) continue
      let owner
      let line = frame.getLineNumber()
      let column = frame.getColumnNumber()
      const source = sourceOf(file)
      if (source) {
        [line, column] = source.original(line, column)
        const property = first ? /^cannot (?:read|set) property '(.*)' of /.exec(error?.message ?? '')?.[1] : undefined
        const seen = source.place(line, column, property)
        if (first) improveMessage(error, seen);
        ({ line, column, owner } = seen)
      } else if (first) improveMessage(error, {})
      first = false
      const place = `${source?.shown ?? file}:${line}:${column}`
      let name = frame.getFunctionName() || ''
      if (ownClasses?.has(name) && lines.length === 0) { ownClasses.delete(name); first = false; continue }
      if (owner && !name.includes('.') && name !== '' && name !== '<anonymous>') name = owner.isConstructor && owner.type === name ? `new ${name}` : `${owner.type}.${name}`
      const isTop = name === '' ? false : name === '<eval>' || name === 'moduleTopLevel'
      if (isTop && source?.kind === 'commonjs') lines.push(`    at Object.<anonymous> (${place})`)
      else if (isTop || name === '' || name === '<anonymous>') lines.push(`    at ${place}`)
      else lines.push(`    at ${name} (${place})`)
      endsInModule = !isTop && (name === '' || name === '<anonymous>') && source?.isMain === true && source.kind === 'module'
      if (isTop && source?.isMain) { lines.push(...(source.kind === 'commonjs' ? config.mainFrames : config.moduleFrames)); hasTail = true }
    }
    if (endsInModule && !caller) lines.push(...config.moduleFrames)
    if (caller && !hasTail && lines.length > 0) {
      const [, name, place] = /^ {4}at (?:(.*) \()?([^()]*)\)?$/.exec(lines.at(-1)) ?? []
      if (place !== undefined) lines[lines.length - 1] = `    at ${caller.name(name)} (${place})`
      lines.push(...caller.frames)
    }
    return `${header(error)}${lines.slice(0, Error.stackTraceLimit ?? 10).map((line) => `\n${line}`).join('')}`
  }
  const header = (error) => {
    let name = error.name === undefined ? 'Error' : String(error.name)
    // V8 writes the heading when somebody reads it: by then most classes have given their errors a name.
    if (name === 'Error' && error.constructor?.name) name = error.constructor.name
    if (nodeErrors.has(error)) name = `${name} [${error.code}]`
    const message = error.message === undefined ? '' : String(error.message)
    return name === '' ? message : message === '' ? name : `${name}: ${message}`
  }
  const nodeErrors = new WeakSet()
  const improveMessage = (error, { callee, iterated }) => {
    if (typeof error?.message !== 'string') return
    let message = error.message
    if (message === 'not a function' && callee) message = `${callee} is not a function`
    else if (message === 'not a constructor' && callee) message = `${callee} is not a constructor`
    else if (message === 'value is not iterable' && (iterated ?? callee)) message = `${iterated ?? callee} is not iterable`
    else for (const [pattern, text] of MESSAGES) if (pattern.test(message)) { message = message.replace(pattern, text); break }
    if (message !== error.message) Object.defineProperty(error, 'message', { value: message, writable: true, configurable: true, enumerable: false })
  }
  /** An error of Node's own: its code is in the heading of its stack. */
  host.nodeError = (Type, code, message, details = {}) => {
    const limit = Error.stackTraceLimit
    const error = new Type(message)
    Object.assign(error, { code }, details)
    nodeErrors.add(error)
    error.stack = error.stack.replace(/^[^:\n]*/, (name) => `${error.name} [${code}]`)
    Error.stackTraceLimit = limit
    return error
  }
  /** An error that came from below: no frame of the script has to do with it. */
  host.fromBelow = (error, frames) => { error.stack = `${header(error)}${frames.map((frame) => `\n    at ${frame}`).join('')}`; return error }
  /** Emits an error from below; whoever doesn't listen hears where it came from. */
  host.emitFromBelow = (emitter, error, frames) => {
    host.emittedFrom = frames.map((frame) => `    at ${frame}`)
    try { emitter.emit('error', error) } finally { host.emittedFrom = undefined }
  }
  /** Puts Node's own frames above those of the script, and says what Node shows above an error that nobody catches. */
  host.withFrames = (error, own, place) => {
    const [heading, ...frames] = error.stack.split(/(?=\n {4}at )/)
    error.stack = heading + [...own.map((frame) => `\n    at ${frame}`), ...frames].slice(0, 10).join('')
    if (place) { error.place = place; hidePlace(error) }
    return error
  }
  const ERRNO = { EPERM: 1, ENOENT: 2, EIO: 5, EBADF: 9, EACCES: 13, EEXIST: 17, ENOTDIR: 20, EISDIR: 21, EINVAL: 22, ENOSPC: 28, EROFS: 30, EPIPE: 32, ENOTEMPTY: 39, ELOOP: 40, EADDRINUSE: 98, EADDRNOTAVAIL: 99, ENETUNREACH: 101, ECONNRESET: 104, ETIMEDOUT: 110, ECONNREFUSED: 111, EHOSTUNREACH: 113, ENOTFOUND: 3008, EAI_AGAIN: 3001 }
  const ERROR_TEXTS = { EPERM: 'operation not permitted', ENOENT: 'no such file or directory', EACCES: 'permission denied', EEXIST: 'file already exists', ENOTDIR: 'not a directory', EISDIR: 'illegal operation on a directory', EINVAL: 'invalid argument', EROFS: 'read-only file system', ENOTEMPTY: 'directory not empty', EADDRINUSE: 'address already in use', EADDRNOTAVAIL: 'address not available', ELOOP: 'too many symbolic links encountered', EBADF: 'bad file descriptor', ENOSPC: 'no space left on device' }
  /** A failed system call as libuv tells it. */
  host.systemError = (code, syscall, rest = '', details = {}, origin) => {
    const error = new Error(ERROR_TEXTS[code] ? `${code}: ${ERROR_TEXTS[code]}, ${syscall}${rest}` : `${syscall} ${code}${rest}`)
    if (origin) host.withFrames(error, origin.frames, origin.place)
    return Object.assign(error, { errno: -(ERRNO[code] ?? 1), code, syscall }, details)
  }

  const then = Promise.prototype.then
  /** What rejected in this turn without anybody having minded. */
  const rejections = []
  /** Looks after a promise that nobody else will: what it rejects with is unhandled. */
  const track = (value) => {
    if (value instanceof Promise) then.call(value, undefined, (reason) => { rejections.push([reason, value]); call('rejected') })
    return value
  }
  host.track = track
  globalThis.__float = track
  let lastThrown
  globalThis.__thrown = (value, path, line, column) => { lastThrown = { value, path, line, column }; return value }
  Object.defineProperty(globalThis, '__thrown', { enumerable: false })
  globalThis.__importing = (work) => then.call(work, undefined, (error) => { throw loadError(error) })
  Object.defineProperty(globalThis, '__importing', { enumerable: false })
  Object.defineProperty(globalThis, '__float', { enumerable: false })
  Object.defineProperty(globalThis, 'global', { enumerable: false })

  const uncaught = (error, origin, promise) => {
    if (host.ended) return
    try {
      if (origin === 'unhandledRejection') {
        if (process.emit('unhandledRejection', error, promise)) return
        if (!(error instanceof Error)) {
          const text = require('util').inspect(error)
          error = Object.assign(new Error(`This error originated either by throwing inside of an async function without a catch block, or by rejecting a promise which was not handled with .catch(). The promise rejected with the reason "${text.replace(/^'(.*)'$/s, '$1')}".`), { code: 'ERR_UNHANDLED_REJECTION' })
          error.name = 'UnhandledPromiseRejection'
          error.stack = `UnhandledPromiseRejection: ${error.message}\n    at throwUnhandledRejectionsMode (node:internal/process/promises:392:7)\n    at processPromiseRejections (node:internal/process/promises:475:17)\n    at process.processTicksAndRejections (node:internal/process/task_queues:106:37)`
          Object.defineProperty(error, 'name', { enumerable: false })
          error.place = ['node:internal/process/promises:392', '      new UnhandledPromiseRejection(reason);', '      ^']
        }
      }
      if (process.listenerCount('uncaughtException') > 0) { process.emit('uncaughtException', error, origin); return }
      call('write', 2, uncaughtText(error, origin === 'unhandledRejection'))
    } catch (next) {
      call('write', 2, `${String(next?.stack ?? next)}\n\nNode.js ${process.version}\n`)
    }
    exit(1)
  }
  const uncaughtText = (error, isRejection = false) => {
    const place = error?.place ?? placeOf(error, isRejection) ?? (isRejection ? ['node:internal/process/promises:394', '    triggerUncaughtException(err, true /* fromPromise */);', '    ^'] : undefined)
    if (error && typeof error === 'object') delete error.place
    const shown = error instanceof Error ? require('util').inspect(error) : typeof error === 'object' && error !== null ? require('util').inspect(error) : `${typeof error === 'string' ? error : require('util').inspect(error)}\n(Use \`node --trace-uncaught ...\` to show where the exception was thrown)`
    return `${error instanceof Error || !place ? '' : '\n'}${place ? `${place.join('\n')}\n${error instanceof Error ? '\n' : ''}` : error instanceof Error ? '' : 'Uncaught:\n'}${shown}\n\nNode.js ${process.version}\n`
  }
  /** File and line of an error with the line itself and a mark below it. */
  const placeOf = (error, isRejection) => {
    if (!isRejection && lastThrown && Object.is(lastThrown.value, error)) {
      const source = sourceOf(lastThrown.path)
      return [`${source?.shown ?? lastThrown.path}:${lastThrown.line}`, (source?.text ?? '').split('\n')[lastThrown.line - 1] ?? '', `${' '.repeat(lastThrown.column - 1)}^`]
    }
    const [, shown, lineText, columnText] = /^ {4}at (?:.*\()?((?:file:\/\/)?\/[^\n]*?|\[\w+\]):(\d+):(\d+)\)?$/m.exec(String(error?.stack ?? '')) ?? []
    if (shown === undefined) return undefined
    const source = sourceOf(shown.replace(/^file:\/\//, ''))
    if (!source) return undefined
    const line = source.text.split('\n')[Number(lineText) - 1] ?? ''
    // V8 points at the statement that throws, where it is thrown at once, rather than at the error's making.
    const column = Number(columnText) - 1
    const thrown = isRejection ? -1 : line.slice(0, column).search(/\bthrow\s+$/)
    return [`${shown}:${lineText}`, line, `${line.slice(0, Math.max(0, thrown >= 0 ? thrown : column)).replace(/[^\t]/g, ' ')}^`]
  }

  const parse = JSON.parse
  JSON.parse = Object.defineProperty(function (text, reviver) {
    try {
      return parse(text, reviver)
    } catch (error) {
      const [, position] = /^Expected property name or '}' in JSON at position (\d+)/.exec(error.message) ?? []
      if (position !== undefined && /,\s*$/.test(text.slice(0, Number(position)))) error.message = error.message.replace("property name or '}'", 'double-quoted property name')
      const [, ...frames] = error.stack.split(/(?=\n {4}at )/)
      error.stack = `${error.name}: ${error.message}${['\n    at JSON.parse (<anonymous>)', ...frames].slice(0, 10).join('')}`
      const [, at] = / in JSON at position (\d+)/.exec(error.message) ?? []
      if (at !== undefined) { const before = String(text).slice(0, Number(at)).split('\n'); error.place = [`<anonymous_script>:${before.length}`, String(text).split('\n')[before.length - 1], `${' '.repeat(before.at(-1).length)}^`]; hidePlace(error) }
      throw error
    }
  }, 'name', { value: 'parse' })

  // --- time and chance ------------------------------------------------------------------------------------------------------------

  const RealDate = Date
  const now = () => Math.floor(call('now'))
  /** A text without a zone means local time, which is UTC here. */
  const inUtc = (text) => typeof text !== 'string' || /(?:Z|[+-]\d\d:?\d\d|GMT|UTC)(?:\s*\(.*\))?\s*$|^\d{4}(?:-\d\d){0,2}$/i.test(text.trim()) ? text : /^\d{4}-\d\d-\d\dT/.test(text.trim()) ? `${text.trim()}Z` : `${text} UTC`
  function NodeDate(...args) {
    if (!new.target) return new NodeDate().toString()
    const given = args.length === 0 ? [now()] : args.length === 1 ? [args[0] instanceof RealDate ? args[0].getTime() : inUtc(args[0])] : [RealDate.UTC(...args)]
    return Reflect.construct(RealDate, given, new.target)
  }
  Object.defineProperty(NodeDate, 'name', { value: 'Date' })
  Object.defineProperty(NodeDate, 'length', { value: 7 })
  NodeDate.prototype = RealDate.prototype
  NodeDate.prototype.constructor = NodeDate
  NodeDate.now = now
  NodeDate.parse = (text) => RealDate.parse(inUtc(text))
  NodeDate.UTC = RealDate.UTC
  const define = (object, members) => { for (const [name, value] of Object.entries(members)) Object.defineProperty(object, name, { value, writable: true, configurable: true, enumerable: false }) }
  for (const part of ['FullYear', 'Month', 'Date', 'Hours', 'Minutes', 'Seconds', 'Milliseconds']) define(RealDate.prototype, { [`get${part}`]: RealDate.prototype[`getUTC${part}`], [`set${part}`]: RealDate.prototype[`setUTC${part}`] })
  const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
  const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December']
  const two = (number) => String(number).padStart(2, '0')
  const clockText = (date) => `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`
  define(RealDate.prototype, {
    getDay: RealDate.prototype.getUTCDay,
    getTimezoneOffset() { return 0 },
    toDateString() { return isNaN(this) ? 'Invalid Date' : `${DAYS[this.getUTCDay()].slice(0, 3)} ${MONTHS[this.getUTCMonth()].slice(0, 3)} ${two(this.getUTCDate())} ${this.getUTCFullYear()}` },
    toTimeString() { return `${clockText(this)} GMT+0000 (Coordinated Universal Time)` },
    toString() { return isNaN(this) ? 'Invalid Date' : `${this.toDateString()} ${this.toTimeString()}` },
    toLocaleDateString(locale, options = {}) {
      if (isNaN(this)) return 'Invalid Date'
      const [year, month, day] = [this.getUTCFullYear(), this.getUTCMonth(), this.getUTCDate()]
      if (locale === 'de-DE' || locale === 'de') return `${day}.${month + 1}.${year}`
      if (locale === 'en-GB') return `${two(day)}/${two(month + 1)}/${year}`
      if (locale === 'sv-SE' || locale === 'en-CA') return `${year}-${two(month + 1)}-${two(day)}`
      if (options.dateStyle === 'full' || (options.weekday === 'long' && options.month === 'long')) return `${DAYS[this.getUTCDay()]}, ${MONTHS[month]} ${day}, ${year}`
      if (options.dateStyle === 'long' || options.month === 'long') return `${MONTHS[month]} ${day}, ${year}`
      if (options.dateStyle === 'medium' || options.month === 'short') return `${MONTHS[month].slice(0, 3)} ${day}, ${year}`
      return `${month + 1}/${day}/${year}`
    },
    toLocaleTimeString(locale, options = {}) {
      if (isNaN(this)) return 'Invalid Date'
      if ((locale !== undefined && !/^en(?:-US)?$/.test(locale)) || options.hour12 === false) return clockText(this)
      const hours = this.getUTCHours()
      return `${hours % 12 || 12}:${two(this.getUTCMinutes())}:${two(this.getUTCSeconds())} ${hours < 12 ? 'AM' : 'PM'}`
    },
    toLocaleString(locale, options) { return isNaN(this) ? 'Invalid Date' : `${this.toLocaleDateString(locale, options)}, ${this.toLocaleTimeString(locale, options)}` },
  })
  globalThis.Date = NodeDate
  Object.defineProperty(globalThis, 'Date', { enumerable: false })
  define(Number.prototype, {
    toLocaleString(locale, { minimumFractionDigits = 0, maximumFractionDigits = Math.max(3, minimumFractionDigits), style, currency } = {}) {
      if (!isFinite(this)) return this > 0 ? '∞' : this < 0 ? '-∞' : 'NaN'
      if (style === 'currency') minimumFractionDigits = maximumFractionDigits = 2
      let [whole, part = ''] = Math.abs(style === 'percent' ? this * 100 : this).toFixed(style === 'percent' ? 0 : maximumFractionDigits).split('.')
      while (part.length > minimumFractionDigits && part.endsWith('0')) part = part.slice(0, -1)
      const german = /^de/.test(locale ?? '')
      const text = whole.replace(/\B(?=(?:\d{3})+$)/g, german ? '.' : ',') + (part ? `${german ? ',' : '.'}${part}` : '')
      return `${this < 0 ? '-' : ''}${style === 'currency' ? ({ USD: '$', EUR: '€', GBP: '£' }[currency] ?? `${currency} `) : ''}${text}${style === 'percent' ? '%' : ''}`
    },
  })

  class NumberFormat { constructor(locale, options) { this.format = (value) => Number(value).toLocaleString(locale, options) } resolvedOptions() { return { locale: 'en-US', numberingSystem: 'latn' } } }
  class DateTimeFormat { constructor(locale, options = {}) { this.format = (date = new Date()) => options.timeStyle || options.hour ? new Date(date).toLocaleString(locale, options) : new Date(date).toLocaleDateString(locale, options) } resolvedOptions() { return { locale: 'en-US', calendar: 'gregory', numberingSystem: 'latn', timeZone: 'UTC' } } }
  globalThis.Intl = { NumberFormat, DateTimeFormat, Collator: class Collator { compare(a, b) { return String(a).localeCompare(String(b)) } } }
  Object.defineProperty(globalThis, 'Intl', { enumerable: false })

  // xoshiro128**, seeded by the host.
  const state = new Uint32Array(call('randomBytes', 16).buffer)
  const randomWord = () => {
    const rotate = (x, by) => (x << by) | (x >>> (32 - by))
    const result = Math.imul(rotate(Math.imul(state[1], 5), 7), 9) >>> 0
    const shifted = state[1] << 9
    state[2] ^= state[0]; state[3] ^= state[1]; state[1] ^= state[2]; state[0] ^= state[3]; state[2] ^= shifted; state[3] = rotate(state[3], 11)
    return result
  }
  define(Math, { random: () => (randomWord() * 2 ** 21 + (randomWord() >>> 11)) / 2 ** 53 })
  globalThis.performance = { timeOrigin: config.startedMs, now: () => call('now') - config.startedMs, mark() {}, measure() {}, toJSON() { return { timeOrigin: config.startedMs } } }

  // --- timers ---------------------------------------------------------------------------------------------------------------------

  const timerCaller = { name: (name) => name === undefined ? 'Timeout._onTimeout' : `Timeout.${name} [as _onTimeout]`, frames: config.timerFrames }
  class Timeout {
    constructor(fn, delayMs, args, repeats) {
      if (typeof fn !== 'function') throw host.nodeError(TypeError, 'ERR_INVALID_ARG_TYPE', `The "callback" argument must be of type function. Received ${require('util').received(fn)}`)
      const ms = delayMs >= 1 && delayMs <= 2147483647 ? Math.trunc(delayMs) : 1
      this._idleTimeout = ms
      this._onTimeout = fn
      this._repeat = repeats ? ms : null
      this._destroyed = false
      Object.defineProperty(this, 'args', { value: args })
      Object.defineProperty(this, 'id', { value: 0, writable: true })
      Object.defineProperty(this, 'referenced', { value: true, writable: true })
      this.arm()
    }
    arm() {
      this.id = host.keep('timer', [this._idleTimeout, this._repeat !== null], () => {
        if (this._repeat === null) this.forget()
        return calledBy(timerCaller, () => this._onTimeout(...this.args))
      })
      timers.set(this.id, this)
      if (!this.referenced) call('unref', this.id)
    }
    forget() {
      timers.delete(this.id)
      host.forget(this.id)
      this._destroyed = true
    }
    close() { if (!this._destroyed) { call('close', this.id); this.forget() } return this }
    refresh() { this.close(); this._destroyed = false; this.arm(); return this }
    ref() { this.referenced = true; if (!this._destroyed) call('ref', this.id); return this }
    unref() { this.referenced = false; if (!this._destroyed) call('unref', this.id); return this }
    hasRef() { return this.referenced }
    [Symbol.toPrimitive]() { return this.id }
    [Symbol.dispose ?? Symbol('dispose')]() { this.close() }
  }
  Object.defineProperty(Timeout, 'name', { value: 'Timeout' })
  const timers = new Map()
  class Immediate {
    constructor(fn, args) { Object.defineProperty(this, 'id', { value: host.begin('immediate', [], () => fn(...args)) }) }
    ref() { return this }
    unref() { return this }
  }
  Object.defineProperty(Immediate, 'name', { value: 'Immediate' })
  const clear = (timer) => { (timer instanceof Timeout ? timer : timers.get(Number(timer)))?.close() }
  const timerFunctions = {
    setTimeout: (fn, delayMs, ...args) => new Timeout(fn, delayMs, args, false),
    setInterval: (fn, delayMs, ...args) => new Timeout(fn, delayMs, args, true),
    setImmediate: (fn, ...args) => new Immediate(fn, args),
    clearTimeout: clear,
    clearInterval: clear,
    clearImmediate: (immediate) => { if (immediate) { call('close', immediate.id); host.forget(immediate.id) } },
  }
  Object.assign(globalThis, timerFunctions)
  globalThis.queueMicrotask = (fn) => { then.call(Promise.resolve(), guarded(() => track(fn()))) }

  // --- modules --------------------------------------------------------------------------------------------------------------------

  const builtins = new Map()
  const loadBuiltin = (name) => {
    const loaded = builtins.get(name)
    if (loaded) return loaded.exports
    const module = { exports: {} }
    builtins.set(name, module)
    call('library', name)(module, module.exports, requireBuiltin, host)
    // Whoever made the library's text short also made its names short.
    if (typeof module.exports === 'object') for (const [key, value] of Object.entries(module.exports)) if (typeof value === 'function' && /^[A-Za-z]/.test(key) && !keptNames.has(value)) { Object.defineProperty(value, 'name', { value: key, configurable: true }); keptNames.add(value) }
    return module.exports
  }
  const keptNames = new WeakSet()
  const isBuiltin = (name) => config.builtins.includes(name.replace(/^node:/, ''))
  const requireBuiltin = (name) => loadBuiltin(name.replace(/^node:/, ''))
  const require = requireBuiltin

  class Module {
    constructor(id, parent) {
      this.id = id
      this.path = id.slice(0, Math.max(1, id.lastIndexOf('/')))
      this.exports = {}
      this.filename = id
      this.loaded = false
      this.children = []
      this.paths = call('modulePaths', this.path)
      Object.defineProperty(this, 'parent', { value: parent, enumerable: false })
    }
    require(name) { return requireFrom(this, name) }
  }
  Object.defineProperty(Module, 'name', { value: 'Module' })
  const cache = Object.create(null)
  let mainModule
  const notFound = (name, from) => {
    const stack = []
    for (let module = from; module; module = module.parent) stack.push(module.filename)
    const error = Object.assign(new Error(`Cannot find module '${name}'${stack.length > 0 ? `\nRequire stack:\n- ${stack.join('\n- ')}` : ''}`), { code: 'MODULE_NOT_FOUND', requireStack: stack, place: ['node:internal/modules/cjs/loader:1568', '  throw err;', '  ^'] })
    const [heading, ...frames] = error.stack.split(/(?=\n {4}at )/)
    error.stack = heading + [...(from ? config.requireFrames.other : config.requireFrames.main).map((frame) => `\n${frame}`), ...(from ? frames : [])].slice(0, 10).join('')
    return error
  }
  const hidePlace = (error) => { if (error.place) Object.defineProperty(error, 'place', { enumerable: false, configurable: true, value: error.place }); return error }
  const requireFrom = (from, name) => {
    if (typeof name !== 'string') throw host.nodeError(TypeError, 'ERR_INVALID_ARG_TYPE', `The "id" argument must be of type string. Received ${require('util').received(name)}`)
    if (name === '') throw host.nodeError(TypeError, 'ERR_INVALID_ARG_VALUE', "The argument 'id' must be a non-empty string. Received ''")
    if (isBuiltin(name)) return requireBuiltin(name)
    if (name.startsWith('node:')) throw host.nodeError(Error, 'ERR_UNKNOWN_BUILTIN_MODULE', `No such built-in module: ${name}`)
    const found = call('resolve', name, from.path, 'require')
    if (found.error) throw hidePlace(notFound(found.missing ?? name, from))
    return loadFile(found.path, from)
  }
  const loadFile = (path, parent, isMain = false) => {
    const known = cache[path]
    if (known) return known.exports
    const module = new Module(path, parent)
    if (isMain) { module.id = '.'; mainModule = module; process.mainModule = module }
    parent?.children.push(module)
    cache[path] = module
    try {
      if (path.endsWith('.json')) {
        const text = call('readText', path)
        try { module.exports = JSON.parse(text.replace(/^\uFEFF/, '')) } catch (error) { error.message = `${path}: ${error.message}`; throw error }
      } else if (path.endsWith('.node')) throw Object.assign(new Error(`${path}: invalid ELF header`), { code: 'ERR_DLOPEN_FAILED' })
      else compile(module, isMain)
    } catch (error) {
      delete cache[path]
      throw error
    }
    module.loaded = true
    return module.exports
  }
  const compile = (module, isMain) => {
    const problem = call('compile', module.filename, isMain)
    if (problem) throw syntaxError(problem, config.syntaxFrames)
    call('function', module.filename).call(module.exports, module.exports, makeRequire(module), module, module.filename, module.path)
  }
  /** What is wrong with a text, as V8 tells it: the line, and what follows below the heading. */
  const syntaxError = ({ message, place }, frames) => {
    const error = new SyntaxError(message)
    error.stack = `SyntaxError: ${message}\n${frames.join('\n')}`
    error.place = place
    return hidePlace(error)
  }
  const makeRequire = (module) => {
    const requireHere = (name) => module.require(name)
    Object.defineProperty(requireHere, 'name', { value: 'require' })
    requireHere.resolve = (name) => {
      if (isBuiltin(name)) return name
      const found = call('resolve', name, module.path, 'require')
      if (found.error) throw hidePlace(notFound(name, module))
      return found.path
    }
    requireHere.main = mainModule
    requireHere.cache = cache
    requireHere.extensions = { '.js': () => {}, '.json': () => {}, '.node': () => {} }
    return requireHere
  }
  Object.assign(Module, { builtinModules: config.builtins, isBuiltin, createRequire: (from) => { const path = String(from).replace(/^file:\/\//, ''); return makeRequire(new Module(path, undefined)) }, _cache: cache, Module })
  builtins.set('module', { exports: Module })
  builtins.set('timers', { exports: timerFunctions })
  builtins.set('perf_hooks', { exports: { performance: globalThis.performance } })
  /** For ECMAScript modules that import a CommonJS one: the host asks for names, then for the exports. */
  globalThis.__import = (kind, name) => kind === 'builtin' ? requireBuiltin(name) : loadFile(name, undefined)
  globalThis.__meta = (path) => ({ __proto__: null, dirname: path.slice(0, Math.max(1, path.lastIndexOf('/'))), filename: path, url: `file://${path}`, main: path === config.main, resolve: (name) => { const found = call('resolve', name, path.slice(0, Math.max(1, path.lastIndexOf('/'))), 'import'); return isBuiltin(name) ? `node:${name.replace(/^node:/, '')}` : `file://${found.path}` } })
  for (const name of ['__import', '__meta']) Object.defineProperty(globalThis, name, { enumerable: false })

  // --- the process ----------------------------------------------------------------------------------------------------------------

  const { EventEmitter } = require('events')
  const { Readable, Writable } = require('stream')
  const processObject = function process() {}
  processObject.prototype = Object.create(EventEmitter.prototype)
  Object.defineProperty(processObject.prototype, Symbol.toStringTag, { value: 'process' })
  const process = new processObject()
  EventEmitter.call(process)
  let cwd = config.cwd
  const hrtime = (before) => {
    const nanoseconds = BigInt(Math.round(call('now') * 1000)) * 1000n
    const both = [Number(nanoseconds / 1000000000n), Number(nanoseconds % 1000000000n)]
    if (!before) return both
    const difference = [both[0] - before[0], both[1] - before[1]]
    return difference[1] < 0 ? [difference[0] - 1, difference[1] + 1e9] : difference
  }
  hrtime.bigint = () => BigInt(Math.round(call('now') * 1000)) * 1000n
  const exit = (code) => {
    if (code !== undefined) process.exitCode = code
    if (!host.exiting) {
      host.exiting = true
      try { process.emit('exit', Number(process.exitCode ?? 0)) } catch (error) { call('write', 2, uncaughtText(error)); process.exitCode = 1 }
    }
    host.ended = true
    call('exit', Number(process.exitCode ?? 0))
  }
  const outputStream = (fd) => {
    const stream = new Writable({ decodeStrings: false, write: (chunk, encoding, callback) => { call('write', fd, typeof chunk === 'string' ? chunk : new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length)); callback() } })
    return Object.assign(stream, { fd, isTTY: config.isTty[fd] || undefined, ...(config.isTty[fd] ? { columns: config.columns, rows: config.rows, getWindowSize: () => [config.columns, config.rows], hasColors: () => true, getColorDepth: () => 8, clearLine() { this.write('\x1b[2K'); return true }, cursorTo(x) { this.write(`\x1b[${x + 1}G`); return true } } : {}), _type: config.isTty[fd] ? 'tty' : 'pipe' })
  }
  let stdin
  const signals = new Map()
  const members = {
    title: 'node', version: config.version, versions: { node: config.version.slice(1), v8: config.v8, uv: '1.51.0', zlib: '1.3.1', modules: config.abi, openssl: '3.5.4' },
    arch: 'x64', platform: 'linux', release: { name: 'node', lts: config.lts }, env: call('environment'), argv: config.argv, argv0: config.argv0, execArgv: config.execArgv, execPath: config.execPath,
    pid: config.pid, ppid: config.ppid, exitCode: undefined, features: {}, config: { variables: {} },
    cwd: () => cwd,
    chdir(path) { try { cwd = call('chdir', path) } catch (error) { throw host.systemError(error.code, 'chdir', ` ${cwd} -> '${path}'`, { path: cwd, dest: path }) } },
    exit, reallyExit: exit, abort() { host.ended = true; call('exit', 134) },
    uptime: () => (call('now') - config.startedMs) / 1000,
    hrtime, nextTick,
    memoryUsage: Object.assign(() => call('memoryUsage'), { rss: () => call('memoryUsage').rss }),
    cpuUsage: () => call('cpuUsage'),
    resourceUsage: () => ({ userCPUTime: call('cpuUsage').user, systemCPUTime: call('cpuUsage').system, maxRSS: call('memoryUsage').rss >> 10 }),
    constrainedMemory: () => config.memoryLimit, availableMemory: () => config.memoryLimit > 0 ? Math.max(0, config.memoryLimit - call('memoryUsage').rss) : call('freeMemory'),
    umask: () => 0o22,
    getuid: () => config.uid, geteuid: () => config.uid, getgid: () => config.gid, getegid: () => config.gid, getgroups: () => [config.gid],
    kill(pid, signal = 'SIGTERM') { const code = call('kill', pid, signal); if (code) throw host.systemError(code, 'kill'); return true },
    emitWarning(warning, options, code) {
      const made = warning instanceof Error ? warning : Object.assign(new Error(warning), { name: typeof options === 'string' ? options : options?.type ?? 'Warning' })
      nextTick(() => process.emit('warning', made))
      const type = typeof options === 'string' ? options : options?.type ?? 'Warning'
      call('write', 2, `(node:${config.pid}) ${(typeof options === 'object' ? options?.code : code) ? `[${typeof options === 'object' ? options.code : code}] ` : ''}${warning?.name && warning instanceof Error ? warning.name : type}: ${warning?.message ?? warning}\n(Use \`node --trace-warnings ...\` to show where the warning was created)\n`)
    },
    binding() { throw new Error('No such module') },
    allowedNodeEnvironmentFlags: new Set(), report: {}, stdout: outputStream(1), stderr: outputStream(2),
    getActiveResourcesInfo: () => [], setUncaughtExceptionCaptureCallback() {}, setSourceMapsEnabled() {}, loadEnvFile(path = '.env') { Object.assign(process.env, { ...require('util').parseEnv(call('readText', path)), ...process.env }) },
  }
  for (const [name, value] of Object.entries(members)) process[name] = value
  Object.defineProperty(process, 'stdin', {
    enumerable: true,
    get() {
      if (stdin) return stdin
      let reading
      stdin = new Readable({ read() { reading ??= host.keep('stdin', [], (bytes) => { if (bytes === null) { host.forget(reading); stdin.push(null) } else stdin.push(Buffer.from(bytes.buffer)) }) } })
      Object.assign(stdin, { fd: 0, isTTY: config.isTty[0] || undefined, isRaw: false, setRawMode(raw) { call('rawMode', raw); this.isRaw = raw; return this }, ref() { return this }, unref() { if (reading) call('unref', reading); return this } })
      const pause = stdin.pause
      stdin.pause = function () { if (reading) { call('unref', reading) } return pause.call(this) }
      const resume = stdin.resume
      stdin.resume = function () { if (reading) { call('ref', reading) } return resume.call(this) }
      return stdin
    },
  })
  process.on('newListener', (name) => {
    if (!/^SIG[A-Z0-9]+$/.test(name) || signals.has(name)) return
    if (name === 'SIGKILL' || name === 'SIGSTOP') throw host.systemError('EINVAL', 'uv_signal_start')
    signals.set(name, host.keep('signal', [name], (number) => process.emit(name, name, number)))
  })
  process.on('removeListener', (name) => {
    if (!signals.has(name) || process.listenerCount(name) > 0) return
    call('close', signals.get(name))
    host.forget(signals.get(name))
    signals.delete(name)
  })
  globalThis.process = process
  builtins.set('process', { exports: process })
  for (const name of ['process', 'performance', 'queueMicrotask', ...Object.keys(timerFunctions)]) Object.defineProperty(globalThis, name, { enumerable: ['performance', 'queueMicrotask', ...Object.keys(timerFunctions)].includes(name) })

  const lazyGlobals = { Buffer: 'buffer', atob: 'buffer', btoa: 'buffer', Blob: 'buffer', URL: 'url', URLSearchParams: 'url', TextEncoder: 'util', TextDecoder: 'util', fetch: 'web', Headers: 'web', Request: 'web', Response: 'web', FormData: 'web', AbortController: 'web', AbortSignal: 'web', Event: 'web', EventTarget: 'web', structuredClone: 'web', crypto: ['crypto', 'webcrypto'] }
  for (const [name, from] of Object.entries(lazyGlobals)) {
    Object.defineProperty(globalThis, name, {
      configurable: true, enumerable: false,
      get() { const value = Array.isArray(from) ? require(from[0])[from[1]] : require(from)[name]; Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false }); return value },
      set(value) { Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false }) },
    })
  }
  globalThis.console = require('console')
  Object.defineProperty(globalThis, 'console', { enumerable: false })
  globalThis.navigator = { hardwareConcurrency: config.cpus, language: 'en-US', platform: 'linux', userAgent: `Node.js/${config.version.slice(1).split('.')[0]}` }

  const importer = (0, eval)('(path) => import(path)')
  /** What the host could not load, with what it knows of the reason. */
  const loadError = (error) => {
    const problem = call('loadProblem')
    if (!problem) return error
    if (problem.syntax) return syntaxError(problem, config.moduleFrames)
    const made = host.nodeError(Error, problem.code, problem.message, problem.details)
    made.stack = `${made.name} [${problem.code}]: ${problem.message}\n${(config.importFrames[problem.kind] ?? []).slice(0, 10).join('\n')}`
    made.place = problem.place
    return hidePlace(made)
  }
  let textIsReady = false
  /** Runs a text as a script of its own, with what scripts on the command line find as globals. */
  const runText = (text, name) => {
    if (!textIsReady) {
      textIsReady = true
      const module = new Module(`${cwd}/${name}`, undefined)
      Object.assign(module, { id: name, path: cwd, paths: call('modulePaths', cwd) })
      const globals = { require: makeRequire(module), module, exports: module.exports, __filename: name, __dirname: '.' }
      for (const [key, value] of Object.entries(globals)) Object.defineProperty(globalThis, key, { value, writable: true, configurable: true, enumerable: false })
      for (const builtin of config.builtins) if (!(builtin in globalThis) && !builtin.includes('/')) Object.defineProperty(globalThis, builtin, { configurable: true, enumerable: false, get: () => requireBuiltin(builtin), set(value) { Object.defineProperty(globalThis, builtin, { value, writable: true, configurable: true }) } })
    }
    const problem = call('compileText', text, name)
    sourceFiles.delete(name)
    if (problem) throw syntaxError(problem, config.textFrames)
    return call('run', name)
  }
  host.runText = runText
  host.uncaughtText = uncaughtText

  // --- what the host calls --------------------------------------------------------------------------------------------------------

  return (what, ...args) => {
    if (host.ended) return undefined
    try {
      switch (what) {
        case 'event': {
          const [id, ...rest] = args
          track(waiting.get(id)?.(...rest))
          drainTicks()
          return undefined
        }
        case 'preload': { const from = new Module(`${cwd}/[preload]`, undefined); from.require(args[0]); return undefined }
        case 'main': {
          const [path] = args
          const found = call('resolve', path, '', 'main')
          if (found.error) throw hidePlace(notFound(found.missing ?? path, undefined))
          if (found.format === 'module') track(then.call(importer(found.path), undefined, (error) => { throw loadError(error) }))
          else loadFile(found.path, undefined, true)
          drainTicks()
          return undefined
        }
        case 'text': {
          const [text, name, prints] = args
          const value = runText(text, name)
          if (prints) console.log(value)
          else track(value)
          drainTicks()
          return undefined
        }
        case 'rejected': for (const [reason, promise] of rejections.splice(0)) uncaught(reason, 'unhandledRejection', promise); drainTicks(); return undefined
        case 'idle': { process.emit('beforeExit', Number(process.exitCode ?? 0)); drainTicks(); return undefined }
        case 'exit': return exit()
        case 'repl': return require('repl').start()
      }
    } catch (error) {
      uncaught(error, 'uncaughtException')
    }
    return undefined
  }
}
