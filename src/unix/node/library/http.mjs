/** node:http. Parsing and the wire are the host's. */
export function http(module, exports, require, host) {
  const EventEmitter = require('events')
  const { Readable, Writable } = require('stream')
  const STATUS_CODES = { 100: 'Continue', 101: 'Switching Protocols', 102: 'Processing', 103: 'Early Hints', 200: 'OK', 201: 'Created', 202: 'Accepted', 203: 'Non-Authoritative Information', 204: 'No Content', 205: 'Reset Content', 206: 'Partial Content', 207: 'Multi-Status', 208: 'Already Reported', 226: 'IM Used', 300: 'Multiple Choices', 301: 'Moved Permanently', 302: 'Found', 303: 'See Other', 304: 'Not Modified', 305: 'Use Proxy', 307: 'Temporary Redirect', 308: 'Permanent Redirect', 400: 'Bad Request', 401: 'Unauthorized', 402: 'Payment Required', 403: 'Forbidden', 404: 'Not Found', 405: 'Method Not Allowed', 406: 'Not Acceptable', 407: 'Proxy Authentication Required', 408: 'Request Timeout', 409: 'Conflict', 410: 'Gone', 411: 'Length Required', 412: 'Precondition Failed', 413: 'Payload Too Large', 414: 'URI Too Long', 415: 'Unsupported Media Type', 416: 'Range Not Satisfiable', 417: 'Expectation Failed', 418: "I'm a Teapot", 421: 'Misdirected Request', 422: 'Unprocessable Entity', 423: 'Locked', 424: 'Failed Dependency', 425: 'Too Early', 426: 'Upgrade Required', 428: 'Precondition Required', 429: 'Too Many Requests', 431: 'Request Header Fields Too Large', 451: 'Unavailable For Legal Reasons', 500: 'Internal Server Error', 501: 'Not Implemented', 502: 'Bad Gateway', 503: 'Service Unavailable', 504: 'Gateway Timeout', 505: 'HTTP Version Not Supported', 506: 'Variant Also Negotiates', 507: 'Insufficient Storage', 508: 'Loop Detected', 509: 'Bandwidth Limit Exceeded', 510: 'Not Extended', 511: 'Network Authentication Required' }
  const METHODS = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE']

  /** The other end of a connection, as far as handlers look at it. */
  const socketOf = (remote, local, encrypted) => Object.assign(new EventEmitter(), { remoteAddress: remote && !remote.ip.includes(':') && local?.any ? `::ffff:${remote.ip}` : remote?.ip, remotePort: remote?.port, remoteFamily: 'IPv6', localAddress: local?.ip, localPort: local?.port, encrypted: encrypted || undefined, destroyed: false, writable: true, readable: true, setTimeout() { return this }, setNoDelay() { return this }, setKeepAlive() { return this }, ref() { return this }, unref() { return this }, destroy() { this.destroyed = true }, end() {}, address: () => ({ address: local?.ip, port: local?.port, family: 'IPv4' }) })
  class IncomingMessage extends Readable {
    constructor(socket) {
      super()
      this.httpVersion = '1.1'
      this.httpVersionMajor = 1
      this.httpVersionMinor = 1
      this.complete = false
      this.aborted = false
      this.headers = {}
      this.rawHeaders = []
      this.trailers = {}
      this.rawTrailers = []
      this.url = ''
      this.method = null
      this.statusCode = null
      this.statusMessage = null
      Object.defineProperty(this, 'socket', { value: socket, writable: true, enumerable: false })
      Object.defineProperty(this, 'connection', { get: () => this.socket, enumerable: false })
    }
    take(headers) {
      for (const [name, value] of headers) {
        this.rawHeaders.push(name, value)
        const key = name.toLowerCase()
        if (key === 'set-cookie') (this.headers[key] ??= []).push(value)
        else if (key in this.headers) { if (!['host', 'content-length', 'content-type', 'user-agent', 'authorization', 'location', 'referer'].includes(key)) this.headers[key] += key === 'cookie' ? `; ${value}` : `, ${value}` } else this.headers[key] = value
      }
    }
    get headersDistinct() { return Object.fromEntries(Object.entries(this.headers).map(([name, value]) => [name, [value].flat()])) }
    setTimeout() { return this }
  }
  const checkHeader = (name, value) => {
    if (typeof name !== 'string' || !/^[\w!#$%&'*+.^`|~-]+$/.test(name)) throw host.nodeError(TypeError, 'ERR_INVALID_HTTP_TOKEN', `Header name must be a valid HTTP token ["${name}"]`)
    if (value === undefined) throw host.nodeError(TypeError, 'ERR_HTTP_INVALID_HEADER_VALUE', `Invalid value "${value}" for header "${name}"`)
    if (/[^\t\x20-\x7e\x80-\xff]/.test([value].flat().join(''))) throw host.nodeError(TypeError, 'ERR_INVALID_CHAR', `Invalid character in header content ["${name}"]`)
  }
  class OutgoingMessage extends Writable {
    constructor(options) {
      super(options)
      this.headersSent = false
      this.sendDate = true
      Object.defineProperty(this, 'outHeaders', { value: new Map() })
    }
    setHeader(name, value) {
      if (this.headersSent) throw host.nodeError(Error, 'ERR_HTTP_HEADERS_SENT', 'Cannot set headers after they are sent to the client')
      checkHeader(name, value)
      this.outHeaders.set(name.toLowerCase(), [name, value])
      return this
    }
    setHeaders(headers) { for (const [name, value] of headers) this.setHeader(name, value); return this }
    appendHeader(name, value) { const before = this.getHeader(name); return this.setHeader(name, before === undefined ? value : [before, value].flat()) }
    getHeader(name) { return this.outHeaders.get(String(name).toLowerCase())?.[1] }
    getHeaders() { return Object.assign(Object.create(null), Object.fromEntries([...this.outHeaders].map(([key, [, value]]) => [key, value]))) }
    getHeaderNames() { return [...this.outHeaders.keys()] }
    hasHeader(name) { return this.outHeaders.has(String(name).toLowerCase()) }
    removeHeader(name) { if (this.headersSent) throw host.nodeError(Error, 'ERR_HTTP_HEADERS_SENT', 'Cannot remove headers after they are sent to the client'); this.outHeaders.delete(String(name).toLowerCase()) }
    headerList() { return [...this.outHeaders.values()].flatMap(([name, value]) => [value].flat().map((each) => [name, String(each)])) }
    flushHeaders() {}
    addTrailers() {}
    setTimeout(ms, callback) { if (callback) this.on('timeout', callback); return this }
  }
  class ServerResponse extends OutgoingMessage {
    constructor(request, id) {
      super()
      this.statusCode = 200
      this.statusMessage = undefined
      this.shouldKeepAlive = true
      Object.defineProperties(this, { id: { value: id }, req: { value: request, enumerable: false, configurable: true, writable: true }, socket: { get: () => request.socket, enumerable: false }, connection: { get: () => request.socket, enumerable: false } })
      Object.defineProperty(this, 'finished', { get: () => this.writableEnded, enumerable: false })
    }
    writeHead(status, message, headers) {
      if (this.headersSent) throw host.nodeError(Error, 'ERR_HTTP_HEADERS_SENT', 'Cannot write headers after they are sent to the client')
      if (typeof message !== 'string') [message, headers] = [undefined, message]
      if (!Number.isInteger(Number(status)) || status < 100 || status > 999) throw host.nodeError(RangeError, 'ERR_HTTP_INVALID_STATUS_CODE', `Invalid status code: ${status}`)
      this.statusCode = Number(status)
      if (message !== undefined) this.statusMessage = message
      if (Array.isArray(headers)) for (let i = 0; i < headers.length; i += Array.isArray(headers[i]) ? 1 : 2) this.setHeader(...(Array.isArray(headers[i]) ? headers[i] : [headers[i], headers[i + 1]]))
      else for (const [name, value] of Object.entries(headers ?? {})) this.setHeader(name, value)
      this.sendHead()
      return this
    }
    sendHead(length) {
      if (this.headersSent) return
      this.statusMessage ??= STATUS_CODES[this.statusCode] ?? 'unknown'
      const bodiless = this.statusCode === 204 || this.statusCode === 304
      if (length !== undefined && !bodiless && !this.hasHeader('content-length') && !this.hasHeader('transfer-encoding')) this.outHeaders.set('content-length', ['Content-Length', String(length)])
      else if (length === undefined && !bodiless && this.req.method !== 'HEAD' && !this.hasHeader('content-length') && !this.hasHeader('transfer-encoding')) this.outHeaders.set('transfer-encoding', ['Transfer-Encoding', 'chunked'])
      const headers = this.headerList()
      if (this.sendDate && !this.hasHeader('date')) headers.push(['Date', new Date().toUTCString()])
      if (!this.hasHeader('connection')) headers.push(['Connection', 'keep-alive'], ['Keep-Alive', 'timeout=5'])
      this.headersSent = true
      host.call('respond', this.id, this.statusCode, this.statusMessage, headers)
    }
    flushHeaders() { this.sendHead() }
    writeContinue() {}
    writeProcessing() {}
    end(chunk, encoding, callback) {
      // A body that comes in one piece has a length.
      if (!this.headersSent && typeof chunk !== 'function') this.sendHead(chunk === undefined || chunk === null ? 0 : typeof chunk === 'string' ? Buffer.byteLength(chunk, typeof encoding === 'string' ? encoding : undefined) : chunk.length)
      return super.end(chunk, encoding, callback)
    }
    _write(chunk, encoding, callback) { this.sendHead(); host.call('bodyChunk', this.id, new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length)); callback() }
    _final(callback) { this.sendHead(); host.call('bodyEnd', this.id); callback() }
    _destroy(error, callback) { if (!this.writableEnded) host.call('bodyAbort', this.id); callback(error) }
  }
  const requestCaller = { name: (name) => `Server.${name ?? '<anonymous>'}`, frames: ['    at Server.emit (node:events:508:28)', '    at parserOnIncoming (node:_http_server:1153:12)', '    at HTTPParser.parserOnHeadersComplete (node:_http_common:122:17)'] }
  class Server extends EventEmitter {
    constructor(options, handler) {
      super()
      if (typeof options === 'function') [options, handler] = [{}, options]
      Object.defineProperty(this, 'options', { value: options ?? {}, writable: true })
      Object.defineProperty(this, 'state', { value: { id: undefined, address: null, open: new Set(), closing: false } })
      this.listening = false
      this.maxHeadersCount = null
      this.timeout = 0
      this.keepAliveTimeout = 5000
      this.headersTimeout = 60000
      this.requestTimeout = 300000
      if (handler) this.on('request', handler)
    }
    listen(...args) {
      const callback = typeof args.at(-1) === 'function' ? args.pop() : undefined
      let [port, ip] = args
      if (port !== null && typeof port === 'object') ({ port, host: ip } = port)
      if (typeof ip === 'number') ip = undefined
      if (typeof port === 'string' && !/^\d*$/.test(port.trim())) { process.nextTick(() => this.emit('error', Object.assign(host.systemError('EACCES', 'listen', ` ${port}`), { address: port, port: -1 }))); return this }
      const number = port === undefined || port === null || port === '' ? 0 : Number(port)
      if (!Number.isInteger(number) || number < 0 || number > 65535) throw host.nodeError(RangeError, 'ERR_SOCKET_BAD_PORT', `options.port should be >= 0 and < 65536. Received ${require('util').received(port)}.`)
      if (this.state.id !== undefined) throw host.nodeError(Error, 'ERR_SERVER_ALREADY_LISTEN', 'Listen method has been called more than once without closing.')
      if (callback) this.once('listening', callback)
      const anyIp = ip === undefined || ip === null || ip === '' || ip === '0.0.0.0' || ip === '::'
      const shown = anyIp ? (ip === '0.0.0.0' ? '0.0.0.0' : '::') : ip === 'localhost' ? '127.0.0.1' : ip
      try {
        this.state.id = host.keep('listen', [number, anyIp ? null : shown, this.tls?.() ?? null], (what, ...rest) => this.heard(what, ...rest))
      } catch (error) {
        const code = error.code ?? 'EINVAL'
        const failure = host.withFrames(Object.assign(new Error(`listen ${code}: ${{ EADDRINUSE: 'address already in use', EACCES: 'permission denied', EADDRNOTAVAIL: 'address not available' }[code] ?? code} ${shown.includes(':') ? `${shown}` : shown}:${number}`), { code, errno: { EADDRINUSE: -98, EACCES: -13, EADDRNOTAVAIL: -99 }[code] ?? -1, syscall: 'listen', address: shown, port: number }), ['Server.setupListenHandle [as _listen2] (node:net:2328:16)', 'listenInCluster (node:net:2437:12)', 'Server.listen (node:net:2540:7)'])
        process.nextTick(() => host.emitFromBelow(this, failure, ['emitErrorNT (node:net:2416:8)', 'process.processTicksAndRejections (node:internal/process/task_queues:90:21)']))
        return this
      }
      this.state.address = { address: shown, family: shown.includes(':') ? 'IPv6' : 'IPv4', port: host.call('listenedPort', this.state.id) }
      this.state.closing = false
      process.nextTick(() => { if (this.state.id !== undefined) { this.listening = true; this.emit('listening') } })
      return this
    }
    heard(what, ...rest) {
      if (what === 'request') return this.serve(...rest)
      const [id, value] = rest
      const exchange = exchanges.get(id)
      if (!exchange) return undefined
      if (what === 'data') exchange.request.push(Buffer.from(value.buffer))
      else if (what === 'end') { exchange.request.complete = true; exchange.request.push(null) } else if (what === 'gone') {
        exchanges.delete(id)
        this.state.open.delete(id)
        if (!exchange.response.writableFinished) { exchange.request.aborted = true; exchange.request.emit('aborted'); exchange.response.emit('close'); exchange.request.emit('close') }
        this.afterAnswer()
      }
      return undefined
    }
    serve(id, { method, path, headers, remote, local, secure }) {
      const request = new IncomingMessage(socketOf(remote, local, secure))
      Object.assign(request, { method, url: path })
      request.take(headers)
      const response = new ServerResponse(request, id)
      exchanges.set(id, { request, response })
      this.state.open.add(id)
      response.on('close', () => { exchanges.delete(id); this.state.open.delete(id); this.afterAnswer() })
      if (this.listenerCount('request') > 0) host.calledBy(requestCaller, () => this.emit('request', request, response))
    }
    afterAnswer() { if (this.state.closing && this.state.open.size === 0) { this.state.closing = false; process.nextTick(() => this.emit('close')) } }
    close(callback) {
      if (this.state.id === undefined) { if (callback) process.nextTick(() => callback(host.nodeError(Error, 'ERR_SERVER_NOT_RUNNING', 'Server is not running.'))); return this }
      if (callback) this.once('close', () => callback())
      host.call('close', this.state.id)
      this.state.id = undefined
      this.state.address = null
      this.listening = false
      this.state.closing = true
      this.afterAnswer()
      return this
    }
    closeAllConnections() { for (const id of [...this.state.open]) host.call('bodyAbort', id) }
    closeIdleConnections() {}
    address() { return this.state.address }
    setTimeout() { return this }
    ref() { if (this.state.id !== undefined) host.call('ref', this.state.id); return this }
    unref() { if (this.state.id !== undefined) host.call('unref', this.state.id); return this }
    async [Symbol.asyncDispose ?? Symbol('asyncDispose')]() { this.close() }
  }
  const exchanges = new Map()

  class Agent extends EventEmitter { constructor(options = {}) { super(); this.options = options; this.maxSockets = Infinity } destroy() {} }
  const TLS_TEXTS = { CERT_NOT_YET_VALID: 'certificate is not yet valid', DEPTH_ZERO_SELF_SIGNED_CERT: 'self-signed certificate', UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'unable to verify the first certificate', SELF_SIGNED_CERT_IN_CHAIN: 'self-signed certificate in certificate chain', CERT_HAS_EXPIRED: 'certificate has expired' }
  /** What a connection that fails says. */
  const connectionError = (code, message, { address, port, hostname }) => {
    // Servers here show their own certificate alone: Node's last word on it is that it can't be verified.
    if (code === 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY') code = 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'
    const made = (text, details, frame) => host.fromBelow(Object.assign(new Error(text), details), [frame])
    if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return made(`getaddrinfo ${code} ${hostname}`, { errno: code === 'ENOTFOUND' ? -3008 : -3001, code, syscall: 'getaddrinfo', hostname }, 'GetAddrInfoReqWrap.onlookupall [as oncomplete] (node:dns:123:26)')
    if (TLS_TEXTS[code] || code === 'ERR_TLS_CERT_ALTNAME_INVALID') return made(TLS_TEXTS[code] ?? message, { code }, 'TLSSocket.onConnectSecure (node:_tls_wrap:1697:34)')
    if (code === 'ECONNRESET') return made('socket hang up', { code }, 'Socket.socketOnEnd (node:_http_client:598:25)')
    if (code === 'EPROTO') return made(`write EPROTO ${message}`, { errno: -71, code, syscall: 'write' }, 'WriteWrap.onWriteComplete [as oncomplete] (node:internal/stream_base_commons:87:19)')
    return made(`connect ${code} ${address ?? hostname}:${port}`, { errno: { ECONNREFUSED: -111, ETIMEDOUT: -110, EHOSTUNREACH: -113, ENETUNREACH: -101 }[code] ?? -1, code, syscall: 'connect', address: address ?? hostname, port }, 'TCPConnectWrap.afterConnect [as oncomplete] (node:net:2021:16)')
  }
  host.connectionError = connectionError
  const DESTROYED = ['emitErrorNT (node:internal/streams/destroy:170:8)', 'emitErrorCloseNT (node:internal/streams/destroy:129:3)', 'process.processTicksAndRejections (node:internal/process/task_queues:90:21)']
  class ClientRequest extends OutgoingMessage {
    constructor(protocol, url, options, callback) {
      super({ autoDestroy: false })
      if (typeof url === 'string') url = new URL(url)
      if (!(url instanceof URL)) [options, callback] = [url, options]
      if (typeof options === 'function') [options, callback] = [{}, options]
      options = { ...(url instanceof URL ? require('url').urlToHttpOptions(url) : {}), ...(url instanceof URL && url.username ? { auth: `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}` } : {}), ...options }
      const wanted = options.protocol ?? protocol
      if (wanted !== protocol) throw host.nodeError(TypeError, 'ERR_INVALID_PROTOCOL', `Protocol "${wanted}" not supported. Expected "${protocol}"`)
      const hostname = options.hostname ?? options.host ?? 'localhost'
      const port = Number(options.port ?? (protocol === 'https:' ? 443 : 80))
      this.method = (options.method ?? 'GET').toUpperCase()
      this.path = options.path ?? '/'
      this.host = hostname
      this.protocol = protocol
      this.reusedSocket = false
      for (const [name, value] of Object.entries(options.headers ?? {})) this.setHeader(name, value)
      if (!this.hasHeader('host')) this.setHeader('Host', `${hostname}${port === (protocol === 'https:' ? 443 : 80) ? '' : `:${port}`}`)
      if (options.auth && !this.hasHeader('authorization')) this.setHeader('Authorization', `Basic ${Buffer.from(options.auth).toString('base64')}`)
      if (!this.hasHeader('connection')) this.setHeader('Connection', 'keep-alive')
      Object.defineProperty(this, 'exchange', { value: { options, hostname: String(hostname).replace(/^\[|\]$/g, ''), port, parts: [], done: false } })
      if (callback) this.once('response', callback)
      if (options.timeout) this.setTimeout(options.timeout)
      options.signal?.addEventListener('abort', () => this.destroy(options.signal.reason))
      process.nextTick(() => { if (!this.destroyed) this.emit('socket', socketOf(undefined, undefined, protocol === 'https:')) })
    }
    setTimeout(ms, callback) {
      if (callback) this.once('timeout', callback)
      clearTimeout(this.exchange.timer)
      if (ms > 0) this.exchange.timer = setTimeout(() => this.emit('timeout'), ms).unref()
      return this
    }
    abort() { this.aborted = true; this.destroy() }
    _write(chunk, encoding, callback) { this.exchange.parts.push(chunk); callback() }
    _final(callback) {
      const { exchange } = this
      const body = Buffer.concat(exchange.parts)
      if (body.length > 0 && !this.hasHeader('content-length') && !this.hasHeader('transfer-encoding')) this.outHeaders.set('content-length', ['Content-Length', String(body.length)])
      this.headersSent = true
      const { options } = exchange
      let response
      exchange.id = host.keep('request', [{ url: `${this.protocol}//${exchange.hostname.includes(':') ? `[${exchange.hostname}]` : exchange.hostname}:${exchange.port}${this.path}`, method: this.method, headers: this.headerList(), insecure: options.rejectUnauthorized === false || (process.env.NODE_TLS_REJECT_UNAUTHORIZED === '0'), ca: options.ca === undefined ? null : [options.ca].flat().map(String).join('\n'), cert: options.cert ? String(options.cert) : null, key: options.key ? String(options.key) : null, servername: options.servername ?? null }, body.length > 0 ? new Uint8Array(body) : null], (what, value) => {
        if (what === 'head') {
          response = new IncomingMessage(socketOf({ ip: exchange.hostname, port: exchange.port }, undefined, this.protocol === 'https:'))
          Object.assign(response, { statusCode: value.status, statusMessage: value.statusText || STATUS_CODES[value.status] })
          response.take(value.headers)
          response._destroy = (error, done) => { this.stop(); done(error) }
          clearTimeout(exchange.timer)
          if (this.listenerCount('response') > 0) this.emit('response', response)
          else response.resume()
        } else if (what === 'data') response.push(Buffer.from(value.buffer))
        else if (what === 'end') { this.stop(); response.complete = true; response.push(null); this.emit('close') } else if (what === 'error') {
          this.stop()
          clearTimeout(exchange.timer)
          const error = connectionError(value.code, value.message, { address: value.address, port: exchange.port, hostname: exchange.hostname })
          if (response) response.destroy(error)
          else { this.destroyed = true; host.emitFromBelow(this, error, ['emitErrorEvent (node:_http_client:114:11)', 'Socket.socketErrorListener (node:_http_client:766:5)', 'Socket.emit (node:events:514:28)', ...DESTROYED]); this.emit('close') }
        }
      })
      callback()
    }
    stop() { if (this.exchange.id !== undefined && !this.exchange.done) { this.exchange.done = true; host.call('close', this.exchange.id); host.forget(this.exchange.id) } }
    destroy(error) {
      if (this.exchange.abandoned) return this
      this.exchange.abandoned = true
      const wasOpen = !this.exchange.done
      this.stop()
      clearTimeout(this.exchange.timer)
      this.destroyed = true
      if (wasOpen) process.nextTick(() => { this.emit('error', error ?? Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })); this.emit('close') })
      return this
    }
    onSocket() {}
    setNoDelay() {}
    setSocketKeepAlive() {}
  }
  const client = (protocol) => ({ request: (url, options, callback) => new ClientRequest(protocol, url, options, callback), get(url, options, callback) { const request = new ClientRequest(protocol, url, options, callback); request.end(); return request } })
  module.exports = { STATUS_CODES, METHODS, IncomingMessage, OutgoingMessage, ServerResponse, Server, ClientRequest, Agent, globalAgent: new Agent(), createServer: (options, handler) => new Server(options, handler), ...client('http:'), client, maxHeaderSize: 16384, validateHeaderName: (name) => checkHeader(name, ''), validateHeaderValue: checkHeader }
}

/** node:https. */
export function https(module, exports, require) {
  const http = require('http')
  class Server extends http.Server {
    tls() { const text = (value) => value === undefined ? '' : [value].flat().map(String).join('\n'); return { certificatePem: text(this.options.cert), keyPem: text(this.options.key) } }
  }
  module.exports = { Server, Agent: http.Agent, globalAgent: new http.Agent(), createServer: (options, handler) => new Server(options, handler), ...http.client('https:') }
}

/** node:net. */
export function net(module, exports, require, host) {
  const EventEmitter = require('events')
  const { Duplex } = require('stream')
  class Socket extends Duplex {
    constructor(options = {}) {
      super(options)
      Object.defineProperty(this, 'connectionId', { value: undefined, writable: true })
      this.connecting = false
      this.bytesRead = 0
      this.bytesWritten = 0
      this.once('end', () => { if (this.allowHalfOpen !== true) this.end() })
    }
    attach(id, { local, remote }) {
      this.connectionId = id
      this.connecting = false
      Object.assign(this, { localAddress: local.ip, localPort: local.port, remoteAddress: remote.ip, remotePort: remote.port, remoteFamily: 'IPv4' })
    }
    heard(what, value) {
      if (what === 'data') { this.bytesRead += value.length; this.push(Buffer.from(value.buffer)) } else if (what === 'end') this.push(null)
    }
    connect(...args) {
      const callback = typeof args.at(-1) === 'function' ? args.pop() : undefined
      const { port, host: name = 'localhost', timeout } = typeof args[0] === 'object' ? args[0] : { port: args[0], host: args[1] }
      if (callback) this.once('connect', callback)
      if (timeout) this.setTimeout(timeout)
      this.connecting = true
      const id = host.keep('connect', [String(name), Number(port)], (what, value) => {
        if (what === 'connected') { this.attach(id, value); this.emit('connect'); this.emit('ready'); this._work() } else if (what === 'error') {
          require('http')
          this.destroy(host.connectionError(value.code, value.message, { address: value.address, port: Number(port), hostname: name }))
          host.forget(id)
        } else this.heard(what, value)
      })
      this.pendingId = id
      return this
    }
    _work() { if (!this.connecting) Duplex.prototype._work.call(this) }
    _write(chunk, encoding, callback) { this.bytesWritten += chunk.length; host.call('socketWrite', this.connectionId, new Uint8Array(chunk)); callback() }
    _final(callback) { host.call('socketEnd', this.connectionId); callback() }
    _destroy(error, callback) { const id = this.connectionId ?? this.pendingId; if (id !== undefined) { host.call('close', id); host.forget(id) } callback(error) }
    setTimeout(ms, callback) { if (callback) this.once('timeout', callback); clearTimeout(this.idle); if (ms > 0) this.idle = setTimeout(() => this.emit('timeout'), ms).unref(); return this }
    setNoDelay() { return this }
    setKeepAlive() { return this }
    address() { return { address: this.localAddress, port: this.localPort, family: 'IPv4' } }
    ref() { return this }
    unref() { if (this.connectionId !== undefined) host.call('unref', this.connectionId); return this }
  }
  class Server extends EventEmitter {
    constructor(options, handler) {
      super()
      if (typeof options === 'function') handler = options
      this.listening = false
      if (handler) this.on('connection', handler)
    }
    listen(...args) {
      const callback = typeof args.at(-1) === 'function' ? args.pop() : undefined
      const { port, host: ip } = typeof args[0] === 'object' ? args[0] : { port: args[0], host: args[1] }
      if (callback) this.once('listening', callback)
      try {
        this.id = host.keep('listenTcp', [Number(port ?? 0), typeof ip === 'string' && !['0.0.0.0', '::', ''].includes(ip) ? ip : null], (what, id, value) => {
          if (what !== 'connection') return
          const socket = new Socket()
          host.call('adopt', id)
          socket.attach(id, value)
          host.keepAs(id, (event, data) => socket.heard(event, data))
          this.emit('connection', socket)
        })
      } catch (error) {
        process.nextTick(() => this.emit('error', Object.assign(new Error(`listen ${error.code}: address already in use ${ip ?? '::'}:${port}`), { code: error.code, errno: -98, syscall: 'listen', address: ip ?? '::', port: Number(port) })))
        return this
      }
      process.nextTick(() => { this.listening = true; this.emit('listening') })
      return this
    }
    address() { return { address: '::', family: 'IPv6', port: host.call('listenedPort', this.id) } }
    close(callback) { if (callback) this.once('close', callback); host.call('close', this.id); host.forget(this.id); this.listening = false; process.nextTick(() => this.emit('close')); return this }
    ref() { return this }
    unref() { host.call('unref', this.id); return this }
  }
  const connect = (...args) => new Socket().connect(...args)
  const isIPv4 = (text) => /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/.test(text)
  module.exports = { Socket, Stream: Socket, Server, createServer: (options, handler) => new Server(options, handler), connect, createConnection: connect, isIPv4, isIPv6: (text) => /^[\da-f:]*:[\da-f:.]*$/i.test(text) && text.includes(':'), isIP: (text) => isIPv4(text) ? 4 : text.includes(':') ? 6 : 0 }
}
