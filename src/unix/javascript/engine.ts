import type { QuickJSContext, QuickJSHandle, QuickJSRuntime, QuickJSWASMModule } from 'quickjs-emscripten-core'

/**
 * JavaScript for programs of the small Unix: realms of QuickJS (as WebAssembly), which see nothing of the worker that they run in.
 *
 *     const { createRealm } = await proc.clock.outside(import('../javascript/engine.ts'))
 *     const realm = await proc.clock.outside(createRealm())
 *     realm.define('print', (text) => { void proc.stdout.write(`${text}\n`) })
 *     realm.define('fetchText', async (url) => ...)            // the script sees a promise
 *     await realm.settle(realm.evaluate('print(1 + 2); fetchText("http://web")', { filename: 'script.js' }))
 *     realm.dispose()
 *
 * Scripts run synchronously and keep the worker for as long as they compute: {@link RealmOptions.maxMs} bounds a turn. What crosses the
 * border is described by {@link Value}.
 */

/**
 * What passes between a realm and its host: undefined, null, booleans, numbers, strings, big integers, bytes (Uint8Array on both sides), and
 * plain data as JSON has it, copied. Functions of the script arrive as {@link GuestFunction} (and go back as what they were), its promises as {@link GuestPromise}; host
 * functions that return a promise give the script one.
 */
export type Value = unknown

/** A function of the script. Calling it is a turn; what it throws is a {@link JavaScriptError}. It is kept until the realm is disposed of. */
export type GuestFunction = (...args: Value[]) => Value

/** A function of the host; what it throws the script can catch, with name, message, code and the other own properties of the error. */
export type HostFunction = (...args: Value[]) => Value

export interface RealmOptions {
  /** Longest that one turn may compute, in milliseconds of {@link TICK_MS}; {@link JavaScriptInterrupted} afterwards. Default 2000. */
  maxMs?: number
  /** The script gets an InternalError "out of memory" beyond it. Default 128 MiB. */
  memoryLimitBytes?: number
  /** Called after every turn with the milliseconds that it computed. */
  onTurn?: (computedMs: number) => void
  /** Called during a turn, every {@link TICK_MS}: true ends it with {@link JavaScriptInterrupted}. */
  interrupt?: () => boolean
  /** Where `import` finds modules; without it there are none. */
  modules?: ModuleLoader
}

export interface ModuleLoader {
  /** The identity of a module; errors that it throws reach the script. */
  resolve(specifier: string, referrer: string): string
  /** Its source text. */
  load(id: string): string
}

/** What a script threw and nobody caught. */
export class JavaScriptError extends Error {
  /** As the script's error has it: stack frames, without name and message. Empty where no error object was thrown. */
  readonly guestStack: string
  /** Own properties of the error, or the value thrown where it was no error. */
  readonly details: Value
  readonly isError: boolean

  constructor(description: { name: string; message: string; stack: string; details: Value; isError: boolean }) {
    super(description.message)
    this.name = description.name
    this.guestStack = description.stack
    this.details = description.details
    this.isError = description.isError
  }
}

/** A turn was ended from outside: it computed for too long, or its process is gone. Scripts can't catch it; what they left behind is theirs, so give up the realm. */
export class JavaScriptInterrupted extends Error {}

/** A promise of the script; {@link Realm.settle} waits for it. */
export class GuestPromise {
  readonly settled: Promise<Value>
  constructor(settled: Promise<Value>) {
    this.settled = settled
    settled.catch(() => {})
  }
}

/** A value of the script that stays there: given back to the script (once) it is the same. */
class GuestReference {
  readonly handle: unknown
  constructor(handle: unknown) {
    this.handle = handle
  }
}

export interface EvaluateOptions {
  /** For stack traces, and what relative imports are resolved against. */
  filename?: string
  /** An ECMAScript module: the value is its namespace (or a promise for it, where it awaits at top level). */
  module?: boolean
  /** The value is not taken out of the realm but referred to. */
  refer?: boolean
}

export interface Realm {
  /** Makes a function of the host a global of the realm. */
  define(name: string, fn: HostFunction): void
  /** Makes a global function that tells what became of a promise, without waiting: `['pending' | 'fulfilled' | 'rejected', result]`. */
  definePromiseState(name: string): void
  /** Sets a global. */
  set(name: string, value: Value): void
  /** Runs a text and the promise jobs that it causes. @throws JavaScriptError, JavaScriptInterrupted */
  evaluate(source: string, options?: EvaluateOptions): Value
  /** The value of a promise of the script, or the value itself. Rejects with JavaScriptError. */
  settle(value: Value): Promise<Value>
  /** How long the present turn has been computing, in milliseconds; 0 between turns. */
  readonly computedMs: number
  /** Bytes that the script's objects made necessary, beyond what every realm has. Memory once taken is kept, as a process's is. */
  memoryBytes(): number
  /** Lets go of everything. Nothing of the realm may be used afterwards; promises of the script stay open. */
  dispose(): void
}

/** What the engine gets through between two looks at its watch counts as so much, in milliseconds of a core. */
export const TICK_MS = 0.25

/** So many promise jobs, or calls of the host, count as much. */
const JOBS_PER_TICK = 64
const CALLS_PER_TICK = 32
const DEFAULT_MAX_MS = 2_000
const DEFAULT_MEMORY_BYTES = 128 * 2 ** 20
const PAGE_BYTES = 2 ** 16
/** Memory that the engine wants to begin with, in pages. */
const FIRST_PAGES = 256
/** Browsers give a worker's stack about a megabyte, of which WebAssembly's frames take several times of what QuickJS counts. */
const STACK_BYTES = 160 * 1024

/** What the realm needs of itself to describe and make values; the border calls it. */
const BORDER = `({
  kind(v) {
    if (v instanceof ArrayBuffer || ArrayBuffer.isView(v)) return 'bytes'
    if (v instanceof Promise) return 'promise'
    return 'data'
  },
  buffer(v) {
    if (v instanceof ArrayBuffer) return v
    return v.buffer.slice(v.byteOffset, v.byteOffset + v.byteLength)
  },
  bytes: (buffer) => new Uint8Array(buffer),
  text: (v) => JSON.stringify(v),
  data: (text) => JSON.parse(text),
  big: (text) => BigInt(text),
  error(text) {
    const { name, message, details } = JSON.parse(text)
    const Type = { TypeError, RangeError, SyntaxError, ReferenceError, URIError, EvalError }[name] ?? Error
    const error = new Type(message)
    if (error.name !== name) Object.defineProperty(error, 'name', { value: name, configurable: true, writable: true })
    return Object.assign(error, details)
  },
  describe(v) {
    let details
    if (!(v instanceof Error)) {
      try { details = JSON.parse(JSON.stringify(v) ?? 'null') } catch {}
      let message
      try { message = String(v) } catch { message = '[object]' }
      return JSON.stringify({ name: 'Error', message, stack: '', details, isError: false })
    }
    try { details = JSON.parse(JSON.stringify({ ...v })) } catch {}
    return JSON.stringify({ name: String(v.name), message: String(v.message), stack: String(v.stack ?? ''), details, isError: true })
  },
})`

/** A new realm, with an engine of its own. Waits for WebAssembly: wrap in {@link Clock.outside}. */
export async function createRealm(options: RealmOptions = {}): Promise<Realm> {
  const [{ newQuickJSWASMModuleFromVariant, newVariant }, { default: variant }] = await Promise.all([import('quickjs-emscripten-core'), import('@jitl/quickjs-ng-wasmfile-release-sync')])
  // One realm's mistakes (memory above all) must not be another's: each has an instance, whose code is shared.
  const memory = new WebAssembly.Memory({ initial: FIRST_PAGES, maximum: FIRST_PAGES + Math.ceil((options.memoryLimitBytes ?? DEFAULT_MEMORY_BYTES) / PAGE_BYTES) })
  return new QuickJsRealm(await newQuickJSWASMModuleFromVariant(newVariant(variant, { wasmMemory: memory })), memory, options)
}

class QuickJsRealm implements Realm {
  readonly #runtime: QuickJSRuntime
  readonly #context: QuickJSContext
  readonly #memory: WebAssembly.Memory
  readonly #options: RealmOptions
  readonly #border: Record<string, QuickJSHandle> = {}
  /** The script's functions that the host has seen. */
  readonly #functions = new WeakMap<object, QuickJSHandle>()
  readonly #maxTicks: number
  /** Calls into the realm that are under way. */
  #depth = 0
  #ticks = 0
  #interrupted = false
  #disposed = false

  constructor(module: QuickJSWASMModule, memory: WebAssembly.Memory, options: RealmOptions) {
    this.#memory = memory
    this.#options = options
    this.#maxTicks = (options.maxMs ?? DEFAULT_MAX_MS) / TICK_MS
    this.#runtime = module.newRuntime()
    this.#runtime.setMaxStackSize(STACK_BYTES)
    this.#runtime.setInterruptHandler(() => this.#looksAtWatch())
    const { modules } = options
    if (modules) this.#load(modules)
    this.#context = this.#runtime.newContext()
    const border = this.#context.unwrapResult(this.#context.evalCode(BORDER, 'realm'))
    for (const name of ['kind', 'buffer', 'bytes', 'text', 'data', 'big', 'error', 'describe']) this.#border[name] = this.#context.getProp(border, name)
    border.dispose()
  }

  #load(modules: ModuleLoader): void {
    // QuickJS forgets what went wrong while it asked for a module's identity; what goes wrong while it asks for the text it tells.
    const unresolved = new Map<string, Error>()
    this.#runtime.setModuleLoader((id) => {
      try {
        if (unresolved.has(id)) throw unresolved.get(id)!
        return modules.load(id)
      } catch (error) {
        return { error: error as Error }
      }
    }, (referrer, specifier) => {
      try {
        return modules.resolve(specifier, referrer)
      } catch (error) {
        const id = `unresolved ${specifier} ${referrer}`
        unresolved.set(id, error as Error)
        return id
      }
    })
  }

  get computedMs(): number {
    return this.#ticks * TICK_MS
  }

  define(name: string, fn: HostFunction): void {
    const handle = this.#context.newFunction(name, (...args) => {
      try {
        this.#ticks += 1 / CALLS_PER_TICK
        return this.#toGuest(fn(...args.map((arg) => this.#fromGuest(arg))))
      } catch (error) {
        return { error: this.#guestError(error) }
      }
    })
    this.#context.setProp(this.#context.global, name, handle)
    handle.dispose()
  }

  definePromiseState(name: string): void {
    const handle = this.#context.newFunction(name, (promise) => {
      const state = this.#context.getPromiseState(promise!)
      const told = this.#context.newArray()
      const kind = this.#context.newString(state.type)
      this.#context.setProp(told, 0, kind)
      kind.dispose()
      if (state.type !== 'pending') this.#context.setProp(told, 1, state.type === 'fulfilled' ? state.value : state.error)
      return told
    })
    this.#context.setProp(this.#context.global, name, handle)
    handle.dispose()
  }

  set(name: string, value: Value): void {
    const handle = this.#toGuest(value)
    this.#context.setProp(this.#context.global, name, handle)
    handle.dispose()
  }

  evaluate(source: string, { filename = 'script.js', module = false, refer = false }: EvaluateOptions = {}): Value {
    return this.#turn(() => this.#unwrap(this.#context.evalCode(source, filename, { type: module ? 'module' : 'global' })), refer)
  }

  async settle(value: Value): Promise<Value> {
    return value instanceof GuestPromise ? value.settled : value
  }

  memoryBytes(): number {
    return this.#memory.buffer.byteLength - FIRST_PAGES * PAGE_BYTES
  }

  dispose(): void {
    // The whole instance is given up with its last reference; taking it apart first would cost time for nothing.
    this.#disposed = true
    this.#interrupted = true
  }

  /** One entry into the realm with the promise jobs that follow from it. */
  #turn(enter: () => QuickJSHandle, refer = false): Value {
    if (this.#disposed) throw new JavaScriptInterrupted('the realm is gone')
    this.#depth++
    try {
      const handle = enter()
      const value = refer ? new GuestReference(handle) : this.#fromGuest(handle)
      if (!refer) handle.dispose()
      if (this.#depth === 1) this.#runJobs()
      return value
    } finally {
      if (--this.#depth === 0) this.#endTurn()
    }
  }

  /** @returns whether the turn must end. */
  #looksAtWatch(): boolean {
    return this.#interrupted ||= ++this.#ticks > this.#maxTicks || this.#options.interrupt?.() === true
  }

  #runJobs(): void {
    while (this.#runtime.hasPendingJob() && !this.#disposed) {
      const result = this.#runtime.executePendingJobs(JOBS_PER_TICK)
      // Jobs may be too short for the engine to look at its watch.
      this.#looksAtWatch()
      if (this.#interrupted) throw this.#interruption()
      if (result.error) throw this.#hostError(result.error.consume((handle) => handle.dup()))
    }
  }

  #endTurn(): void {
    const { computedMs } = this
    this.#ticks = 0
    if (!this.#disposed) this.#interrupted = false
    this.#options.onTurn?.(computedMs)
  }

  #interruption(): JavaScriptInterrupted {
    return new JavaScriptInterrupted('interrupted')
  }

  #unwrap(result: ReturnType<QuickJSContext['evalCode']>): QuickJSHandle {
    if (!result.error) return result.value
    throw this.#hostError(result.error)
  }

  /** What a script threw, as an error of the host. */
  #hostError(handle: QuickJSHandle): Error {
    if (this.#interrupted) { handle.dispose(); return this.#interruption() }
    const text = this.#call('describe', handle)
    handle.dispose()
    const description = JSON.parse(this.#context.getString(text)) as ConstructorParameters<typeof JavaScriptError>[0]
    text.dispose()
    return new JavaScriptError(description)
  }

  /** An error of the host, as the script catches it. */
  #guestError(error: unknown): QuickJSHandle {
    const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) }
    const details = error instanceof JavaScriptError ? error.details : { ...(error as object) }
    const text = this.#context.newString(JSON.stringify({ name, message, details }))
    const made = this.#call('error', text)
    text.dispose()
    return made
  }

  #call(helper: string, ...args: QuickJSHandle[]): QuickJSHandle {
    return this.#context.unwrapResult(this.#context.callFunction(this.#border[helper]!, this.#context.undefined, ...args))
  }

  #toGuest(value: Value): QuickJSHandle {
    const context = this.#context
    switch (typeof value) {
      case 'undefined': return context.undefined
      case 'boolean': return value ? context.true : context.false
      case 'number': return context.newNumber(value)
      case 'string': return context.newString(value)
      case 'bigint': return this.#made('big', String(value))
    }
    if (value === null) return context.null
    if (value instanceof Uint8Array) {
      const buffer = context.newArrayBuffer(value.slice().buffer)
      const bytes = this.#call('bytes', buffer)
      buffer.dispose()
      return bytes
    }
    if (value instanceof GuestReference) return value.handle as QuickJSHandle
    if (typeof value === 'function' && this.#functions.has(value)) return this.#functions.get(value)!.dup()
    if (value instanceof GuestPromise) return this.#promise(value.settled)
    if (value instanceof Promise) return this.#promise(value)
    return this.#made('data', JSON.stringify(value))
  }

  #made(helper: string, text: string): QuickJSHandle {
    const handle = this.#context.newString(text)
    const made = this.#call(helper, handle)
    handle.dispose()
    return made
  }

  /** A promise of the script that follows one of the host; its consequences are a turn of their own. */
  #promise(work: Promise<Value>): QuickJSHandle {
    const deferred = this.#context.newPromise()
    const settle = (make: () => QuickJSHandle, act: 'resolve' | 'reject') => {
      if (this.#disposed) return
      this.#turn(() => {
        const handle = make()
        deferred[act](handle)
        handle.dispose()
        return this.#context.undefined
      })
    }
    work.then((value) => settle(() => this.#toGuest(value), 'resolve'), (error) => settle(() => this.#guestError(error), 'reject')).catch(() => {})
    return deferred.handle
  }

  #fromGuest(handle: QuickJSHandle): Value {
    const context = this.#context
    const type = context.typeof(handle)
    if (type === 'undefined') return undefined
    if (type === 'number') return context.getNumber(handle)
    if (type === 'string') return context.getString(handle)
    if (type === 'boolean') return context.dump(handle) as boolean
    if (type === 'bigint') return context.getBigInt(handle)
    if (type === 'function') return this.#guestFunction(handle.dup())
    if (type === 'symbol') return undefined
    const kind = this.#call('kind', handle).consume((kindHandle) => context.getString(kindHandle))
    if (kind === 'bytes') {
      const buffer = this.#call('buffer', handle)
      const bytes = context.getArrayBuffer(buffer).consume((view) => view.value.slice())
      buffer.dispose()
      return bytes
    }
    if (kind === 'promise') return this.#hostPromise(handle)
    const text = this.#call('text', handle).consume((textHandle) => context.typeof(textHandle) === 'string' ? context.getString(textHandle) : undefined)
    return text === undefined ? undefined : JSON.parse(text)
  }

  #guestFunction(handle: QuickJSHandle): GuestFunction {
    const fn: GuestFunction = (...args) => this.#turn(() => {
      const handles = args.map((arg) => this.#toGuest(arg))
      const result = this.#context.callFunction(handle, this.#context.undefined, ...handles)
      for (const arg of handles) arg.dispose()
      return this.#unwrap(result)
    })
    this.#functions.set(fn, handle)
    return fn
  }

  #hostPromise(handle: QuickJSHandle): GuestPromise {
    const settled = this.#context.resolvePromise(handle).then((result) => {
      const value = this.#unwrap(result)
      return value.consume((kept) => this.#fromGuest(kept))
    })
    return new GuestPromise(settled)
  }
}
