/** Packages that programs of tutorials use beside express. */

export function bodyParser(module, exports, require) {
  const { json, urlencoded, text, raw } = require('express')
  module.exports = Object.assign(() => json(), { json, urlencoded, text, raw })
}

export function cors(module) {
  module.exports = (options = {}) => (request, response, next) => {
    const { origin = '*', methods = 'GET,HEAD,PUT,PATCH,POST,DELETE', credentials, allowedHeaders, exposedHeaders, maxAge, optionsSuccessStatus = 204 } = options
    const asked = request.headers.origin
    const allowed = origin === true ? asked : typeof origin === 'string' ? origin : [origin].flat().some((each) => each instanceof RegExp ? each.test(asked) : each === asked) ? asked : undefined
    if (allowed !== undefined) response.setHeader('Access-Control-Allow-Origin', allowed)
    if (allowed !== '*') response.setHeader('Vary', 'Origin')
    if (credentials) response.setHeader('Access-Control-Allow-Credentials', 'true')
    if (exposedHeaders) response.setHeader('Access-Control-Expose-Headers', [exposedHeaders].flat().join(','))
    if (request.method !== 'OPTIONS') { next(); return }
    response.setHeader('Access-Control-Allow-Methods', [methods].flat().join(','))
    const headers = allowedHeaders ?? request.headers['access-control-request-headers']
    if (headers) response.setHeader('Access-Control-Allow-Headers', [headers].flat().join(','))
    if (maxAge !== undefined) response.setHeader('Access-Control-Max-Age', String(maxAge))
    response.statusCode = optionsSuccessStatus
    response.setHeader('Content-Length', '0')
    response.end()
  }
}

export function morgan(module) {
  const FORMATS = {
    combined: ':remote-addr - :remote-user [:date[clf]] ":method :url HTTP/:http-version" :status :res[content-length] ":referrer" ":user-agent"',
    common: ':remote-addr - :remote-user [:date[clf]] ":method :url HTTP/:http-version" :status :res[content-length]',
    dev: ':method :url :status :response-time ms - :res[content-length]', short: ':remote-addr :remote-user :method :url HTTP/:http-version :status :res[content-length] - :response-time ms', tiny: ':method :url :status :res[content-length] - :response-time ms',
  }
  const two = (number) => String(number).padStart(2, '0')
  const tokens = {
    'remote-addr': (request) => request.ip ?? request.socket?.remoteAddress, 'remote-user': () => undefined, method: (request) => request.method, url: (request) => request.originalUrl ?? request.url, 'http-version': (request) => request.httpVersion,
    status: (request, response) => String(response.statusCode), referrer: (request) => request.headers.referer, 'user-agent': (request) => request.headers['user-agent'], 'response-time': (request) => (performance.now() - request.startedMs).toFixed(3), 'total-time': (request) => (performance.now() - request.startedMs).toFixed(3), pid: () => String(process.pid),
    res: (request, response, name) => response.getHeader(name), req: (request, response, name) => request.headers[name.toLowerCase()],
    date: (request, response, format) => { const now = new Date(); return format === 'clf' ? `${two(now.getUTCDate())}/${['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'][now.getUTCMonth()]}/${now.getUTCFullYear()}:${two(now.getUTCHours())}:${two(now.getUTCMinutes())}:${two(now.getUTCSeconds())} +0000` : format === 'iso' ? now.toISOString() : now.toUTCString() },
  }
  const morgan = (format = 'default', options = {}) => (request, response, next) => {
    request.startedMs = performance.now()
    response.on('finish', () => {
      if (options.skip?.(request, response)) return
      const text = typeof format === 'function' ? format(Object.fromEntries(Object.entries(tokens).map(([name, token]) => [name, (...args) => token(...args)])), request, response) : (FORMATS[format] ?? (format === 'default' ? FORMATS.combined : format)).replace(/:([-\w]{2,})(?:\[([^\]]+)\])?/g, (all, name, argument) => { const value = tokens[name]?.(request, response, argument); return value === undefined || value === '' ? '-' : String(value) })
      if (text === undefined || text === null) return
      const color = response.statusCode >= 500 ? 31 : response.statusCode >= 400 ? 33 : response.statusCode >= 300 ? 36 : 32
      ;(options.stream ?? process.stdout).write(`${format === 'dev' ? text.replace(/^(\S+ \S+) (\S+)(.*)$/s, `\x1b[0m$1 \x1b[${color}m$2\x1b[0m$3\x1b[0m`) : text}\n`)
    })
    next()
  }
  morgan.token = (name, fn) => { tokens[name] = fn; return morgan }
  morgan.format = (name, format) => { FORMATS[name] = format; return morgan }
  module.exports = morgan
}

export function dotenv(module, exports, require) {
  const { parseEnv } = require('util')
  const fs = require('fs')
  const config = ({ path = require('path').resolve(process.cwd(), '.env'), override = false } = {}) => {
    try {
      const parsed = parseEnv(fs.readFileSync(path, 'utf8'))
      for (const [name, value] of Object.entries(parsed)) if (override || process.env[name] === undefined) process.env[name] = value
      return { parsed }
    } catch (error) { return { parsed: {}, error } }
  }
  module.exports = { config, parse: (text) => parseEnv(String(text)) }
}

export function uuid(module, exports, require) {
  const { randomBytes, randomUUID } = require('crypto')
  const written = (bytes) => bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
  let [lastMs, ticks, lastOrderedMs, order] = [0, 0, 0, 0]
  let place
  /** By time in steps of 100 ns since 1582, and a place drawn once. */
  const v1 = () => {
    const nowMs = Date.now()
    if (nowMs > lastMs) { lastMs = nowMs; ticks = 0 } else if (++ticks >= 10_000) { lastMs++; ticks = 0 }
    if (!place) { place = randomBytes(8); place[0] = place[0] & 0x3f | 0x80; place[2] |= 1 }
    const ms = lastMs + 12_219_292_800_000
    const high = Math.floor(ms / 0x100000000 * 10_000) & 0xfffffff
    const head = Buffer.alloc(8)
    head.writeUInt32BE(((ms & 0xfffffff) * 10_000 + ticks) % 0x100000000, 0)
    head.writeUInt16BE(high & 0xffff, 4)
    head.writeUInt16BE(high >>> 16 & 0xfff | 0x1000, 6)
    return written(Buffer.concat([head, place]))
  }
  /** By time in milliseconds, then in the order they were made. */
  const v7 = () => {
    const nowMs = Date.now()
    const bytes = randomBytes(16)
    if (nowMs > lastOrderedMs) { lastOrderedMs = nowMs; order = bytes.readUInt32BE(6) >>> 1 } else if (++order > 0xffffffff) { lastOrderedMs++; order = 0 }
    bytes.writeUInt16BE(Math.floor(lastOrderedMs / 0x100000000), 0)
    bytes.writeUInt32BE(lastOrderedMs % 0x100000000, 2)
    bytes[6] = 0x70 | order >>> 28
    bytes[7] = order >>> 20 & 0xff
    bytes[8] = 0x80 | order >>> 14 & 0x3f
    bytes[9] = order >>> 6 & 0xff
    bytes[10] = order << 2 & 0xff | bytes[10] & 3
    return written(bytes)
  }
  const validate = (text) => /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text)
  module.exports = { v4: () => randomUUID(), v1, v7, validate, version: (text) => parseInt(text[14], 16), NIL: '00000000-0000-0000-0000-000000000000' }
}

export function cookieParser(module) {
  module.exports = () => (request, response, next) => {
    request.cookies = Object.fromEntries((request.headers.cookie ?? '').split(/;\s*/).filter(Boolean).map((pair) => { const at = pair.indexOf('='); const value = pair.slice(at + 1).replace(/^"|"$/g, ''); let text; try { text = decodeURIComponent(value) } catch { text = value } return [pair.slice(0, at).trim(), text.startsWith('j:') ? JSON.parse(text.slice(2)) : text] }))
    request.signedCookies = {}
    next()
  }
}

export function axios(module) {
  class AxiosError extends Error { constructor(message, code, config, request, response) { super(message); this.name = 'AxiosError'; Object.assign(this, { code, config, response, status: response?.status, isAxiosError: true }) } }
  const create = (defaults = {}) => {
    const request = async (address, options) => {
      const config = { ...defaults, ...(typeof address === 'string' ? { ...options, url: address } : address) }
      config.headers = { Accept: 'application/json, text/plain, */*', 'User-Agent': 'axios/1.13.2', ...defaults.headers, ...config.headers }
      const url = new URL(config.url, config.baseURL)
      for (const [name, value] of Object.entries(config.params ?? {})) url.searchParams.append(name, value)
      const isPlain = config.data !== null && typeof config.data === 'object' && !ArrayBuffer.isView(config.data) && !(config.data instanceof URLSearchParams)
      if (isPlain && !config.headers['Content-Type']) config.headers['Content-Type'] = 'application/json'
      let answer
      try {
        answer = await fetch(url, { method: (config.method ?? 'get').toUpperCase(), headers: config.headers, ...(config.data === undefined ? {} : { body: isPlain ? JSON.stringify(config.data) : config.data }), ...(config.timeout ? { signal: AbortSignal.timeout(config.timeout) } : config.signal ? { signal: config.signal } : {}) })
      } catch (error) {
        if (error.name === 'TimeoutError') throw new AxiosError(`timeout of ${config.timeout}ms exceeded`, 'ECONNABORTED', config)
        throw Object.assign(new AxiosError(error.cause?.message ?? error.message, error.cause?.code, config), { cause: error.cause })
      }
      let data = config.responseType === 'arraybuffer' ? Buffer.from(await answer.arrayBuffer()) : await answer.text()
      if (typeof data === 'string' && config.responseType !== 'text') { try { data = JSON.parse(data) } catch { /* Plain text is given as it is. */ } }
      const response = { data, status: answer.status, statusText: answer.statusText, headers: Object.fromEntries(answer.headers), config, request: {} }
      if (!(config.validateStatus ?? ((status) => status >= 200 && status < 300))(answer.status)) throw new AxiosError(`Request failed with status code ${answer.status}`, answer.status >= 500 ? 'ERR_BAD_RESPONSE' : 'ERR_BAD_REQUEST', config, {}, response)
      return response
    }
    const made = (...args) => request(...args)
    made.request = request
    made.defaults = defaults
    for (const method of ['get', 'delete', 'head', 'options']) made[method] = (url, config) => request({ ...config, url, method })
    for (const method of ['post', 'put', 'patch']) made[method] = (url, data, config) => request({ ...config, url, data, method })
    return made
  }
  module.exports = Object.assign(create(), { create, AxiosError, isAxiosError: (error) => error?.isAxiosError === true })
  module.exports.default = module.exports
}
