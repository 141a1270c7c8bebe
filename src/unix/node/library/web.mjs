/** What Node has of browsers: fetch and what belongs to it, events, aborting. */
export function web(module, exports, require, host) {
  class Event {
    constructor(type, options = {}) { this.type = String(type); this.cancelable = options.cancelable === true; this.defaultPrevented = false; this.timeStamp = performance.now() }
    preventDefault() { if (this.cancelable) this.defaultPrevented = true }
    stopPropagation() {}
    stopImmediatePropagation() {}
  }
  class EventTarget {
    constructor() { Object.defineProperty(this, 'targets', { value: new Map() }) }
    addEventListener(type, listener, options) { if (!this.targets.has(type)) this.targets.set(type, []); this.targets.get(type).push({ listener, once: options?.once === true }) }
    removeEventListener(type, listener) { this.targets.set(type, (this.targets.get(type) ?? []).filter((each) => each.listener !== listener)) }
    dispatchEvent(event) {
      Object.defineProperty(event, 'target', { value: this, configurable: true })
      this[`on${event.type}`]?.(event)
      for (const { listener, once } of [...this.targets.get(event.type) ?? []]) { if (once) this.removeEventListener(event.type, listener); if (typeof listener === 'function') listener.call(this, event); else listener.handleEvent(event) }
      return !event.defaultPrevented
    }
  }
  class DOMException extends Error { constructor(message, name = 'Error') { super(message); Object.defineProperty(this, 'name', { value: name, enumerable: false }); this.code = { AbortError: 20, TimeoutError: 23 }[name] ?? 0 } }
  class AbortSignal extends EventTarget {
    constructor() { super(); this.aborted = false; this.reason = undefined }
    throwIfAborted() { if (this.aborted) throw this.reason }
    static abort(reason) { const controller = new AbortController(); controller.abort(reason); return controller.signal }
    static timeout(ms) { const controller = new AbortController(); setTimeout(() => controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError')), ms).unref(); return controller.signal }
    static any(signals) { const controller = new AbortController(); for (const signal of signals) if (signal.aborted) controller.abort(signal.reason); else signal.addEventListener('abort', () => controller.abort(signal.reason)); return controller.signal }
  }
  class AbortController {
    constructor() { this.signal = new AbortSignal() }
    abort(reason = new DOMException('This operation was aborted', 'AbortError')) { if (this.signal.aborted) return; this.signal.aborted = true; this.signal.reason = reason; this.signal.dispatchEvent(new Event('abort')) }
  }
  class Headers {
    constructor(given = {}) {
      Object.defineProperty(this, 'list', { value: new Map() })
      for (const [name, value] of given instanceof Headers || Array.isArray(given) || typeof given?.[Symbol.iterator] === 'function' ? given : Object.entries(given ?? {})) this.append(name, value)
    }
    append(name, value) { const key = String(name).toLowerCase(); this.list.set(key, [...this.list.get(key) ?? [], String(value).trim()]) }
    set(name, value) { this.list.set(String(name).toLowerCase(), [String(value).trim()]) }
    get(name) { return this.list.get(String(name).toLowerCase())?.join(', ') ?? null }
    has(name) { return this.list.has(String(name).toLowerCase()) }
    delete(name) { this.list.delete(String(name).toLowerCase()) }
    getSetCookie() { return this.list.get('set-cookie') ?? [] }
    forEach(fn) { for (const [name, value] of this) fn(value, name, this) }
    *entries() { for (const name of [...this.list.keys()].sort()) yield [name, this.get(name)] }
    *keys() { for (const [name] of this.entries()) yield name }
    *values() { for (const [, value] of this.entries()) yield value }
    [Symbol.iterator]() { return this.entries() }
    [Symbol.for('nodejs.util.inspect.custom')](depth, options, inspect) { return `Headers ${inspect(Object.fromEntries(this.entries()), options)}` }
  }
  class FormData { constructor() { Object.defineProperty(this, 'list', { value: [] }) } append(name, value) { this.list.push([name, value]) } get(name) { return this.list.find(([key]) => key === name)?.[1] ?? null } entries() { return this.list[Symbol.iterator]() } [Symbol.iterator]() { return this.entries() } }
  /** A body's bytes and the content type that goes with it. */
  const bodyOf = (body) => {
    if (body === null || body === undefined) return [null, null]
    if (typeof body === 'string') return [Buffer.from(body), 'text/plain;charset=UTF-8']
    if (body instanceof URLSearchParams) return [Buffer.from(body.toString()), 'application/x-www-form-urlencoded;charset=UTF-8']
    if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) return [Buffer.from(body.buffer ?? body, body.byteOffset ?? 0, body.byteLength), null]
    if (body.bytes && body.type !== undefined) return [body.bytes, body.type || null]
    return [Buffer.from(String(body)), 'text/plain;charset=UTF-8']
  }
  class Body {
    #bytes
    constructor(bytes) { this.#bytes = bytes; this.bodyUsed = false }
    async take() {
      if (this.bodyUsed) throw new TypeError('Body is unusable: Body has already been read')
      this.bodyUsed = true
      return (await this.#bytes) ?? Buffer.alloc(0)
    }
    peek() { return this.#bytes }
    async text() { return (await this.take()).toString() }
    async json() { return JSON.parse((await this.take()).toString()) }
    async bytes() { return new Uint8Array(await this.take()) }
    async arrayBuffer() { const bytes = await this.take(); return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) }
    async blob() { return new Blob([await this.take()], { type: this.headers.get('content-type') ?? '' }) }
    async formData() { const data = new FormData(); for (const [key, value] of new URLSearchParams((await this.take()).toString())) data.append(key, value); return data }
    get body() { const self = this; return this.#bytes === null ? null : { async *[Symbol.asyncIterator]() { yield new Uint8Array(await self.take()) }, getReader() { let done = false; return { read: async () => { if (done) return { value: undefined, done: true }; done = true; return { value: new Uint8Array(await self.take()), done: false } }, releaseLock() {}, cancel: async () => {} } }, cancel: async () => {} } }
  }
  class Request extends Body {
    constructor(input, init = {}) {
      const before = input instanceof Request ? input : undefined
      const [bytes, type] = init.body === undefined && before ? [before.peek(), null] : bodyOf(init.body)
      super(bytes)
      this.url = before ? before.url : new URL(input).href
      this.method = (init.method ?? before?.method ?? 'GET').toUpperCase()
      this.headers = new Headers(init.headers ?? before?.headers)
      if (type && !this.headers.has('content-type')) this.headers.set('content-type', type)
      this.redirect = init.redirect ?? before?.redirect ?? 'follow'
      this.signal = init.signal ?? before?.signal ?? new AbortSignal()
      if (bytes && (this.method === 'GET' || this.method === 'HEAD')) throw new TypeError('Request with GET/HEAD method cannot have body.')
    }
    clone() { return new Request(this) }
  }
  class Response extends Body {
    constructor(body, { status = 200, statusText = '', headers, url = '', redirected = false } = {}) {
      const [bytes, type] = body instanceof Promise ? [body, null] : bodyOf(body)
      super(bytes)
      Object.assign(this, { status, statusText, headers: new Headers(headers), ok: status >= 200 && status < 300, url, redirected, type: 'default' })
      if (type && !this.headers.has('content-type')) this.headers.set('content-type', type)
    }
    clone() { return new Response(this.peek() instanceof Promise ? this.peek() : this.peek(), this) }
    static json(value, init = {}) { return new Response(JSON.stringify(value), { ...init, headers: { 'content-type': 'application/json', ...init.headers } }) }
    static redirect(url, status = 302) { return new Response(null, { status, headers: { location: String(url) } }) }
    static error() { return new Response(null, { status: 200 }) }
    [Symbol.for('nodejs.util.inspect.custom')](depth, options, inspect) { return `Response ${inspect({ status: this.status, statusText: this.statusText, headers: this.headers, body: null, bodyUsed: this.bodyUsed, ok: this.ok, redirected: this.redirected, type: this.type, url: this.url }, options)}` }
  }
  const failed = (cause) => host.fromBelow(new TypeError('fetch failed', { cause }), [])
  const exchange = (request, url, redirects) => new Promise((resolve, reject) => {
    const { protocol } = new URL(url)
    if (protocol !== 'http:' && protocol !== 'https:') { reject(failed(new Error(protocol === 'about:' ? 'about:blank' : 'unknown scheme'))); return }
    const headers = { accept: '*/*', 'accept-language': '*', 'sec-fetch-mode': 'cors', 'user-agent': 'node', ...Object.fromEntries(request.headers) }
    const outgoing = require(protocol.slice(0, -1)).request(url, { method: request.method, headers }, (incoming) => {
      const { location } = incoming.headers
      if (location && [301, 302, 303, 307, 308].includes(incoming.statusCode) && request.redirect !== 'manual') {
        incoming.resume()
        if (request.redirect === 'error' || redirects >= 20) { reject(failed(new Error(redirects >= 20 ? 'redirect count exceeded' : 'unexpected redirect'))); return }
        if (incoming.statusCode === 303 || (incoming.statusCode < 303 && request.method === 'POST')) request = new Request(url, { headers: request.headers, signal: request.signal })
        resolve(exchange(request, new URL(location, url).href, redirects + 1))
        return
      }
      const pairs = []
      for (let i = 0; i < incoming.rawHeaders.length; i += 2) pairs.push([incoming.rawHeaders[i], incoming.rawHeaders[i + 1]])
      const bytes = new Promise((done, failed) => { const parts = []; incoming.on('data', (part) => parts.push(part)); incoming.on('end', () => done(Buffer.concat(parts))); incoming.on('error', () => failed(new TypeError('terminated'))) })
      bytes.then(() => {}, () => {})
      resolve(new Response(bytes, { status: incoming.statusCode, statusText: incoming.statusMessage, headers: pairs, url, redirected: redirects > 0 }))
    })
    outgoing.on('error', (cause) => reject(request.signal.aborted ? request.signal.reason : failed(cause)))
    const abort = () => { reject(request.signal.reason); outgoing.destroy(request.signal.reason) }
    if (request.signal.aborted) { abort(); return }
    request.signal.addEventListener('abort', abort)
    outgoing.end(request.peek() ?? undefined)
  })
  const fetch = async (input, init) => {
    let request
    try { request = new Request(input instanceof URL ? input.href : input, init) } catch (error) {
      if (error.code === 'ERR_INVALID_URL') throw new TypeError(`Failed to parse URL from ${input}`, { cause: error })
      throw error
    }
    return exchange(request, request.url, 0)
  }
  const structuredClone = (value, seen = new Map()) => {
    if (typeof value === 'function' || typeof value === 'symbol') throw new DOMException(`${String(value)} could not be cloned.`, 'DataCloneError')
    if (value === null || typeof value !== 'object') return value
    if (seen.has(value)) return seen.get(value)
    const keep = (made) => { seen.set(value, made); return made }
    if (value instanceof Date) return keep(new Date(value.getTime()))
    if (value instanceof RegExp) return keep(new RegExp(value))
    if (value instanceof Map) { const made = keep(new Map()); for (const [key, each] of value) made.set(structuredClone(key, seen), structuredClone(each, seen)); return made }
    if (value instanceof Set) { const made = keep(new Set()); for (const each of value) made.add(structuredClone(each, seen)); return made }
    if (value instanceof Error) return keep(Object.assign(new value.constructor(value.message), { stack: value.stack }))
    if (ArrayBuffer.isView(value)) return keep(value.slice())
    if (value instanceof ArrayBuffer) return keep(value.slice(0))
    const made = keep(Array.isArray(value) ? [] : {})
    for (const key of Object.keys(value)) made[key] = structuredClone(value[key], seen)
    return made
  }
  module.exports = { Event, EventTarget, AbortSignal, AbortController, DOMException, Headers, FormData, Request, Response, fetch: (input, init) => fetch(input, init), structuredClone: (value) => structuredClone(value) }
}
