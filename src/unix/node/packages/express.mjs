/** express: what `npm install express` leaves as its index.js. Routing, middleware, answers. */
export function express(module, exports, require) {
  const http = require('http')
  const fs = require('fs')
  const path = require('path')
  const querystring = require('querystring')
  const { createHash } = require('crypto')
  const EventEmitter = require('events')

  const TYPES = { html: 'text/html; charset=utf-8', htm: 'text/html; charset=utf-8', css: 'text/css; charset=utf-8', js: 'text/javascript; charset=utf-8', mjs: 'text/javascript; charset=utf-8', json: 'application/json; charset=utf-8', txt: 'text/plain; charset=utf-8', text: 'text/plain; charset=utf-8', md: 'text/markdown; charset=utf-8', xml: 'application/xml', svg: 'image/svg+xml', png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg', gif: 'image/gif', ico: 'image/vnd.microsoft.icon', pdf: 'application/pdf', bin: 'application/octet-stream', woff2: 'font/woff2', csv: 'text/csv; charset=utf-8', yaml: 'text/yaml; charset=utf-8' }
  const typeOf = (name) => name.includes('/') ? name : TYPES[name.replace(/^\./, '').toLowerCase()] ?? 'application/octet-stream'
  const withCharset = (type) => /^text\/|^application\/(?:json|javascript)/.test(type) && !/charset=/.test(type) ? `${type}; charset=utf-8` : type
  const httpError = (status, message, details = {}) => Object.assign(new Error(message ?? http.STATUS_CODES[status]), { status, statusCode: status, expose: status < 500, ...details })
  const escapeHtml = (text) => String(text).replace(/[&<>"']/g, (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }[character]))
  const page = (text) => `<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Error</title>\n</head>\n<body>\n<pre>${escapeHtml(text).replaceAll('\n', '<br>').replaceAll('  ', ' &nbsp;')}</pre>\n</body>\n</html>\n`

  // --- paths --------------------------------------------------------------------------------------------------------------------

  /** @returns a function from a path to the part that matched and its parameters. */
  const matcher = (pattern, { end, sensitive = false }) => {
    if (pattern instanceof RegExp) return (text) => { const found = pattern.exec(text); return found && { path: found[0], params: { ...found.groups, ...Object.fromEntries(found.slice(1).map((value, i) => [i, value])) } } }
    if (!end && (pattern === '/' || pattern === '')) return () => ({ path: '', params: {} })
    const names = []
    let stars = 0
    const source = pattern.replace(/\/$/, '').replace(/\/?\{([^{}]*)\}|(\/)?:(\w+)(?:\(([^()]*)\))?(\?|\+|\*)?|(\/)?\*(\w+)?|[.+^${}()|[\]\\]/g, (all, group, slash = '', name, constraint, modifier, starSlash = '', splat) => {
      if (group !== undefined) return `(?:${all.startsWith('/') ? '/' : ''}${group.replace(/:(\w+)/g, (_, inner) => { names.push(inner); return '([^/]+?)' }).replace(/\*(\w+)/g, (_, inner) => { names.push(inner); return '(.+)' })})?`
      if (name !== undefined) {
        names.push(name)
        const part = constraint ?? '[^/]+?'
        return modifier === '?' ? `(?:${slash}(${part}))?` : modifier === '*' ? `(?:${slash}(.*))?` : modifier === '+' ? `${slash}(.+)` : `${slash}(${part})`
      }
      if (all.includes('*')) { names.push(splat ?? String(stars++)); return `${starSlash}(.*)` }
      return `\\${all}`
    })
    const expression = new RegExp(`^${source}${end ? '/?$' : '(?=/|$)'}`, sensitive ? '' : 'i')
    return (text) => {
      const found = expression.exec(text)
      if (!found) return null
      const params = {}
      names.forEach((name, i) => { if (found[i + 1] !== undefined) { try { params[name] = decodeURIComponent(found[i + 1]) } catch { throw httpError(400, `Failed to decode param '${found[i + 1]}'`) } } })
      return { path: found[0], params }
    }
  }
  const matchers = (given, options) => { const all = [given].flat().map((pattern) => matcher(pattern, options)); return (text) => { for (const match of all) { const found = match(text); if (found) return found } return null } }

  // --- routers ------------------------------------------------------------------------------------------------------------------

  const METHODS = ['get', 'post', 'put', 'delete', 'patch', 'options', 'head', 'trace', 'connect', 'propfind', 'search', 'copy', 'move', 'lock', 'unlock']
  const checkHandlers = (handlers, where) => {
    const all = handlers.flat(Infinity)
    if (all.length === 0) throw new TypeError('argument handler is required')
    for (const handler of all) if (typeof handler !== 'function') throw new TypeError(`${where} requires a middleware function but got a ${Object.prototype.toString.call(handler)}`.replace('requires a middleware function but got a', where.startsWith('Route') ? 'requires a callback function but got a' : 'requires a middleware function but got a'))
    return all
  }
  class Route {
    constructor(given) { this.path = given; this.stack = []; this.methods = {} }
    handles(method) { return this.methods._all || this.methods[method] || (method === 'head' && this.methods.get) }
    add(method, handlers) {
      for (const handle of checkHandlers(handlers, `Route.${method ?? 'all'}()`)) this.stack.push({ method, handle, name: handle.name || '<anonymous>' })
      this.methods[method ?? '_all'] = true
      return this
    }
    all(...handlers) { return this.add(undefined, handlers) }
    dispatch(request, response, done) {
      const method = request.method.toLowerCase()
      let at = 0
      const next = (error) => {
        if (error === 'route') { done(); return }
        if (error === 'router') { done('router'); return }
        const layer = this.stack[at++]
        if (!layer) { done(error); return }
        if (layer.method !== undefined && layer.method !== method && !(method === 'head' && layer.method === 'get' && !this.methods.head)) { next(error); return }
        run(layer.handle, error, request, response, next)
      }
      next()
    }
  }
  for (const method of METHODS) Route.prototype[method] = function (...handlers) { return this.add(method, handlers) }
  /** Calls a handler that takes errors, or one that doesn't, whichever is due; a promise that fails is an error too. */
  const run = (handle, error, request, response, next) => {
    if ((error !== undefined && error !== null) !== (handle.length === 4)) { next(error); return }
    let called = false
    const once = (problem) => { if (!called) { called = true; next(problem) } }
    try {
      const result = error ? handle(error, request, response, once) : handle(request, response, once)
      if (result instanceof Promise) result.then(undefined, (problem) => once(problem ?? new Error('Rejected promise')))
    } catch (problem) {
      once(problem)
    }
  }
  const Router = (options = {}) => {
    const router = (request, response, next) => router.handle(request, response, next)
    Object.setPrototypeOf(router, routerMethods)
    Object.assign(router, { stack: [], params: {}, caseSensitive: options.caseSensitive === true, mergeParams: options.mergeParams === true, strict: options.strict === true })
    return router
  }
  const routerMethods = Object.assign(Object.create(Function.prototype), {
    use(...args) {
      const hasPath = typeof args[0] === 'string' || args[0] instanceof RegExp || (Array.isArray(args[0]) && typeof args[0].flat(Infinity)[0] !== 'function')
      const mount = hasPath ? args.shift() : '/'
      for (const handle of checkHandlers(args, 'Router.use()')) this.stack.push({ match: matchers(mount, { end: false, sensitive: this.caseSensitive }), handle, name: handle.name || '<anonymous>', isMount: true })
      return this
    },
    route(given) {
      const route = new Route(given)
      this.stack.push({ match: matchers(given, { end: true, sensitive: this.caseSensitive }), route, name: 'handle' })
      return route
    },
    all(given, ...handlers) { this.route(given).all(...handlers); return this },
    param(name, handler) { (this.params[name] ??= []).push(handler); return this },
    handle(request, response, done) {
      const { stack } = this
      const before = { url: request.url, baseUrl: request.baseUrl ?? '', params: request.params }
      let at = 0
      const finish = (error) => { Object.assign(request, { url: before.url, baseUrl: before.baseUrl, params: before.params }); done(error) }
      const next = (error) => {
        Object.assign(request, { url: before.url, baseUrl: before.baseUrl })
        if (error === 'router') { finish(); return }
        if (error === 'route') error = undefined
        const pathname = request.url.replace(/[?#].*$/s, '') || '/'
        for (; at < stack.length;) {
          const layer = stack[at++]
          let found
          try { found = layer.match(pathname) } catch (problem) { error ??= problem; continue }
          if (!found) continue
          if (layer.route && (error || !layer.route.handles(request.method.toLowerCase()))) continue
          request.params = this.mergeParams ? { ...before.params, ...found.params } : found.params
          if (layer.isMount && found.path !== '') {
            request.baseUrl = before.baseUrl + found.path.replace(/\/$/, '')
            request.url = request.url.slice(found.path.length)
            if (!request.url.startsWith('/')) request.url = `/${request.url}`
          }
          const goOn = (problem) => {
            if (problem) { next(problem); return }
            if (layer.route) { request.route = layer.route; layer.route.dispatch(request, response, next) } else run(layer.handle, error, request, response, next)
          }
          this.processParams(request, response, goOn)
          return
        }
        finish(error)
      }
      next()
    },
    processParams(request, response, done) {
      const waiting = Object.keys(request.params ?? {}).flatMap((name) => (this.params[name] ?? []).map((handler) => [name, handler]))
      const next = (error) => {
        if (error || waiting.length === 0) { done(error); return }
        const [name, handler] = waiting.shift()
        try { handler(request, response, next, request.params[name], name) } catch (problem) { next(problem) }
      }
      next()
    },
  })
  for (const method of METHODS) routerMethods[method] = function (given, ...handlers) { this.route(given)[method](...handlers); return this }

  // --- requests and responses ---------------------------------------------------------------------------------------------------

  const define = (target, members) => { for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(members))) Object.defineProperty(target, name, { ...descriptor, configurable: true, enumerable: false }) }
  const trusted = (request) => Boolean(request.app.get('trust proxy'))
  const preferred = (header, offered) => {
    if (header === undefined || header === '*/*') return offered[0]
    const wanted = header.split(',').map((part) => { const [type, ...rest] = part.trim().split(';'); return { type: type.trim(), quality: Number(/q=([\d.]+)/.exec(rest.join(';'))?.[1] ?? 1) } }).sort((a, b) => b.quality - a.quality)
    for (const { type } of wanted) for (const name of offered) { const full = typeOf(name).split(';')[0]; if (type === '*/*' || type === full || type === name || (type.endsWith('/*') && full.startsWith(type.slice(0, -1)))) return name }
    return false
  }
  const requestMembers = Object.create(http.IncomingMessage.prototype)
  define(requestMembers, {
    get(name) { const key = name.toLowerCase(); return key === 'referer' || key === 'referrer' ? this.headers.referrer ?? this.headers.referer : this.headers[key] },
    header(name) { return this.get(name) },
    get path() { return this.url.replace(/[?#].*$/s, '') || '/' },
    get query() { const text = /\?([^#]*)/.exec(this.url)?.[1] ?? ''; return parseNested(text) },
    get protocol() { return (trusted(this) && this.headers['x-forwarded-proto']?.split(',')[0].trim()) || (this.socket?.encrypted ? 'https' : 'http') },
    get secure() { return this.protocol === 'https' },
    get ip() { return this.ips[0] ?? this.socket?.remoteAddress },
    get ips() { return trusted(this) ? (this.headers['x-forwarded-for'] ?? '').split(',').map((part) => part.trim()).filter(Boolean) : [] },
    get host() { return (trusted(this) && this.headers['x-forwarded-host']) || this.headers.host },
    get hostname() { return this.host?.replace(/:\d+$/, '') },
    get subdomains() { return (this.hostname ?? '').split('.').reverse().slice(2) },
    get xhr() { return this.headers['x-requested-with']?.toLowerCase() === 'xmlhttprequest' },
    get fresh() { const tag = this.res.getHeader('etag'); const asked = this.headers['if-none-match']; return (this.method === 'GET' || this.method === 'HEAD') && asked !== undefined && (asked === '*' || asked.split(',').some((each) => each.trim().replace(/^W\//, '') === String(tag).replace(/^W\//, ''))) },
    get stale() { return !this.fresh },
    is(...types) { const own = this.headers['content-type']?.split(';')[0].trim(); if (!own) return null; for (const type of types.flat()) { const full = typeOf(type).split(';')[0]; if (full === own || type === own || (type.endsWith('/*') && own.startsWith(type.slice(0, -1)))) return type } return false },
    accepts(...types) { return preferred(this.headers.accept, types.flat()) },
    acceptsEncodings: (...names) => names[0], acceptsCharsets: (...names) => names[0], acceptsLanguages: (...names) => names[0],
  })
  const parseNested = (text) => {
    const values = {}
    for (const [key, value] of Object.entries(querystring.parse(text))) {
      const [, first, rest = ''] = /^([^[]*)(.*)$/s.exec(key)
      const parts = [...rest.matchAll(/\[([^\]]*)\]/g)].map(([, part]) => part)
      if (parts.length === 0 || first === '') { values[key] = value; continue }
      let target = values
      let name = first
      for (const part of parts) { target[name] ??= part === '' || /^\d+$/.test(part) ? [] : {}; target = target[name]; name = part === '' ? target.length : part }
      if (parts.at(-1) === '' && Array.isArray(value)) target.push(...value)
      else target[name] = value
    }
    return values
  }
  const responseMembers = Object.create(http.ServerResponse.prototype)
  define(responseMembers, {
    status(code) { if (!Number.isInteger(Number(code)) || code < 100 || code > 999) throw new RangeError(`Invalid status code: ${JSON.stringify(code)}. Status code must be greater than 99 and less than 1000.`); this.statusCode = Number(code); return this },
    set(name, value) {
      if (typeof name === 'object') { for (const [each, one] of Object.entries(name)) this.set(each, one); return this }
      const text = Array.isArray(value) ? value.map(String) : String(value)
      this.setHeader(name, name.toLowerCase() === 'content-type' && typeof text === 'string' ? withCharset(text) : text)
      return this
    },
    get(name) { return this.getHeader(name) },
    type(name) { return this.set('Content-Type', typeOf(name)) },
    append(name, value) { const before = this.get(name); return this.set(name, before === undefined ? value : [before, value].flat()) },
    vary(name) { return this.set('Vary', this.get('Vary') ? `${this.get('Vary')}, ${name}` : name) },
    links(links) { return this.set('Link', Object.entries(links).map(([rel, address]) => `<${address}>; rel="${rel}"`).join(', ')) },
    location(address) { return this.set('Location', encodeURI(decodeURI(address === 'back' ? this.req.get('Referrer') ?? '/' : address))) },
    send(body) {
      if (typeof body === 'number' || typeof body === 'boolean' || (body !== null && typeof body === 'object' && !ArrayBuffer.isView(body))) return this.json(body)
      if (body === null || body === undefined) body = ''
      if (typeof body === 'string') { if (!this.get('Content-Type')) this.type('html'); else this.set('Content-Type', withCharset(String(this.get('Content-Type')))) } else if (!this.get('Content-Type')) this.type('bin')
      const bytes = Buffer.from(body)
      this.set('Content-Length', bytes.length)
      if (!this.get('ETag') && this.app.get('etag') !== false) this.set('ETag', `W/"${bytes.length.toString(16)}-${createHash('sha1').update(bytes).digest('base64').slice(0, 27)}"`)
      if (this.req.fresh && this.statusCode >= 200 && this.statusCode < 300) this.statusCode = 304
      if (this.statusCode === 204 || this.statusCode === 304) { for (const name of ['Content-Type', 'Content-Length', 'Transfer-Encoding']) this.removeHeader(name); this.end(); return this }
      if (this.req.method === 'HEAD') this.end()
      else this.end(bytes)
      return this
    },
    json(value) {
      const text = JSON.stringify(value, this.app.get('json replacer'), this.app.get('json spaces'))
      if (!this.get('Content-Type')) this.set('Content-Type', 'application/json')
      return this.send(text)
    },
    jsonp(value) { const name = this.req.query[this.app.get('jsonp callback name')]; if (typeof name !== 'string') return this.json(value); this.set('X-Content-Type-Options', 'nosniff'); this.set('Content-Type', 'text/javascript'); return this.send(`/**/ typeof ${name} === 'function' && ${name}(${JSON.stringify(value)});`) },
    sendStatus(code) { this.status(code); this.type('txt'); return this.send(http.STATUS_CODES[code] ?? String(code)) },
    redirect(status, address) {
      if (address === undefined) [status, address] = [302, status]
      this.location(address)
      const target = this.get('Location')
      const body = this.req.accepts('text', 'html') === 'html' ? `<p>${http.STATUS_CODES[status]}. Redirecting to ${escapeHtml(target)}</p>` : `${http.STATUS_CODES[status]}. Redirecting to ${target}`
      this.statusCode = status
      this.type(this.req.accepts('text', 'html') === 'html' ? 'html' : 'txt')
      this.set('Content-Length', Buffer.byteLength(body))
      this.end(this.req.method === 'HEAD' ? undefined : body)
    },
    sendFile(file, options, callback = options) {
      const settings = typeof options === 'object' ? options : {}
      if (!settings.root && !path.isAbsolute(file)) throw new TypeError('path must be absolute or specify root to res.sendFile')
      const full = settings.root ? path.join(settings.root, file) : file
      const done = typeof callback === 'function' ? callback : (error) => { if (error) this.req.next(error) }
      fs.readFile(full, (error, bytes) => {
        if (error) { done(httpError(error.code === 'EISDIR' ? 404 : 404, error.message, { code: error.code, path: full })); return }
        const stat = fs.statSync(full)
        if (!this.get('Content-Type')) this.type(path.extname(full) || 'bin')
        for (const [name, value] of Object.entries(settings.headers ?? {})) this.set(name, value)
        this.set('Accept-Ranges', 'bytes')
        this.set('Cache-Control', `public, max-age=${Math.floor((settings.maxAge ?? 0) / 1000)}`)
        this.set('Last-Modified', stat.mtime.toUTCString())
        this.set('ETag', `W/"${stat.size.toString(16)}-${Math.floor(stat.mtimeMs).toString(16)}"`)
        this.send(bytes)
        done()
      })
    },
    download(file, name = path.basename(file)) { this.attachment(name); this.sendFile(path.resolve(file)) },
    attachment(name) { if (name) this.type(path.extname(name)); return this.set('Content-Disposition', name ? `attachment; filename="${name}"` : 'attachment') },
    cookie(name, value, options = {}) {
      const text = typeof value === 'object' ? `j:${JSON.stringify(value)}` : String(value)
      const parts = [`${name}=${encodeURIComponent(text)}`]
      if (options.maxAge !== undefined) parts.push(`Max-Age=${Math.floor(options.maxAge / 1000)}`)
      if (options.domain) parts.push(`Domain=${options.domain}`)
      parts.push(`Path=${options.path ?? '/'}`)
      const expires = options.maxAge !== undefined ? new Date(Date.now() + options.maxAge) : options.expires
      if (expires) parts.push(`Expires=${expires.toUTCString()}`)
      if (options.httpOnly) parts.push('HttpOnly')
      if (options.secure) parts.push('Secure')
      if (options.sameSite) parts.push(`SameSite=${options.sameSite === true ? 'Strict' : options.sameSite[0].toUpperCase() + options.sameSite.slice(1)}`)
      return this.append('Set-Cookie', parts.join('; '))
    },
    clearCookie(name, options = {}) { return this.cookie(name, '', { path: '/', ...options, expires: new Date(1) }) },
    format(handlers) { const chosen = this.req.accepts(Object.keys(handlers).filter((name) => name !== 'default')); if (chosen) { this.type(chosen); handlers[chosen](this.req, this) } else if (handlers.default) handlers.default(this.req, this); else this.req.next(httpError(406)); return this },
    render(name) { this.req.next(new Error(this.app.get('view engine') ? `Cannot find module '${this.app.get('view engine')}'` : `No default engine was specified and no extension was provided.`), name) },
  })
  Object.defineProperty(responseMembers, 'header', { value: responseMembers.set })
  Object.defineProperty(responseMembers, 'contentType', { value: responseMembers.type })

  // --- applications -------------------------------------------------------------------------------------------------------------

  const finalHandler = (app, request, response) => (error) => {
    if (error && app.get('env') !== 'test') console.error(error.stack ?? String(error))
    if (response.headersSent) { response.destroy(); return }
    const status = error ? (error.status >= 400 && error.status < 600 ? error.status : error.statusCode >= 400 && error.statusCode < 600 ? error.statusCode : response.statusCode >= 400 ? response.statusCode : 500) : 404
    const text = !error ? `Cannot ${request.method} ${(request.originalUrl ?? request.url).replace(/[?#].*$/s, '')}` : app.get('env') === 'production' ? http.STATUS_CODES[status] : error.stack ?? String(error)
    const body = page(text)
    response.statusCode = status
    if (error?.headers) for (const [name, value] of Object.entries(error.headers)) response.setHeader(name, value)
    response.setHeader('Content-Security-Policy', "default-src 'none'")
    response.setHeader('X-Content-Type-Options', 'nosniff')
    response.setHeader('Content-Type', 'text/html; charset=utf-8')
    response.setHeader('Content-Length', Buffer.byteLength(body))
    response.end(request.method === 'HEAD' ? undefined : body)
  }
  const createApplication = () => {
    const app = (request, response, next) => app.handle(request, response, next)
    Object.assign(app, EventEmitter.prototype)
    for (const name of Object.getOwnPropertyNames(EventEmitter.prototype)) if (name !== 'constructor') Object.defineProperty(app, name, { value: EventEmitter.prototype[name], configurable: true, writable: true })
    const settings = { 'x-powered-by': true, etag: 'weak', env: process.env.NODE_ENV ?? 'development', 'query parser': 'simple', 'subdomain offset': 2, 'trust proxy': false, views: path.resolve('views'), 'jsonp callback name': 'callback' }
    const router = Router()
    const methods = {
      locals: { settings }, mountpath: '/', settings, router,
      set(name, value) { if (value === undefined) return settings[name]; settings[name] = value; return app },
      enable: (name) => app.set(name, true), disable: (name) => app.set(name, false), enabled: (name) => Boolean(settings[name]), disabled: (name) => !settings[name],
      engine: () => app,
      handle(request, response, done) {
        const final = done ?? finalHandler(app, request, response)
        if (app.enabled('x-powered-by')) response.setHeader('X-Powered-By', 'Express')
        const outer = [Object.getPrototypeOf(request), Object.getPrototypeOf(response)]
        Object.setPrototypeOf(request, app.request)
        Object.setPrototypeOf(response, app.response)
        for (const [target, name, value] of [[request, 'res', response], [response, 'req', request]]) Object.defineProperty(target, name, { value, configurable: true, writable: true, enumerable: false })
        request.originalUrl ??= request.url
        request.params ??= {}
        request.next = final
        response.locals ??= Object.create(null)
        router.handle(request, response, (error) => { if (done) { Object.setPrototypeOf(request, outer[0]); Object.setPrototypeOf(response, outer[1]) } final(error) })
      },
      use(...args) {
        const apps = args.flat(Infinity).filter((each) => typeof each === 'function' && each.handle && each.set)
        const mount = typeof args[0] === 'string' ? args[0] : '/'
        for (const child of apps) { child.mountpath = mount; child.parent = app }
        if (args.flat(Infinity).filter((each) => typeof each === 'function').length === 0) throw new TypeError('app.use() requires a middleware function')
        router.use(...args)
        for (const child of apps) child.emit('mount', app)
        return app
      },
      route: (given) => router.route(given), all: (given, ...handlers) => { router.all(given, ...handlers); return app }, param: (name, handler) => { router.param(name, handler); return app },
      path: () => app.parent ? app.parent.path() + app.mountpath : '',
      listen: (...args) => { const server = http.createServer(app); const callback = args.at(-1); if (typeof callback === 'function') server.once('error', callback); return server.listen(...args) },
      render: (name, options, callback = options) => callback(new Error(`Failed to lookup view "${name}" in views directory "${settings.views}"`)),
    }
    Object.assign(app, methods)
    for (const method of METHODS) app[method] = (given, ...handlers) => { if (method === 'get' && handlers.length === 0) return settings[given]; router[method](given, ...handlers); return app }
    app.del = app.delete
    for (const [name, members] of [['request', requestMembers], ['response', responseMembers]]) { app[name] = Object.create(members); Object.defineProperty(app[name], 'app', { value: app, configurable: true, writable: true, enumerable: false }) }
    EventEmitter.call(app)
    return app
  }

  // --- middleware ---------------------------------------------------------------------------------------------------------------

  const bytesOf = (size) => typeof size === 'number' ? size : Number(/^[\d.]+/.exec(size)[0]) * { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 }[/[a-z]+$/i.exec(size)?.[0].toLowerCase() ?? 'b']
  const bodyParser = (defaultType, read) => (options = {}) => {
    const wanted = [options.type ?? defaultType].flat()
    const limit = bytesOf(options.limit ?? '100kb')
    return (request, response, next) => {
      if (request._body || !('content-length' in request.headers || 'transfer-encoding' in request.headers)) { request.body ??= undefined; next(); return }
      const own = request.headers['content-type']?.split(';')[0].trim() ?? ''
      if (!(typeof wanted[0] === 'function' ? wanted[0](request) : wanted.some((type) => type === own || typeOf(type).split(';')[0] === own || type === '*/*' || (type.endsWith('/*') && own.startsWith(type.slice(0, -1))) || (type.includes('*+') && own.endsWith(type.slice(type.indexOf('+'))))))) { request.body ??= undefined; next(); return }
      const parts = []
      let length = 0
      let failed = false
      request.on('data', (part) => {
        length += part.length
        if (length > limit && !failed) { failed = true; next(httpError(413, 'request entity too large', { type: 'entity.too.large', limit, length })) }
        parts.push(part)
      })
      request.on('end', () => {
        if (failed) return
        const bytes = Buffer.concat(parts)
        request._body = true
        try {
          options.verify?.(request, response, bytes, 'utf-8')
          request.body = read(bytes, options)
        } catch (error) {
          next(Object.assign(error, { expose: true, statusCode: 400, status: 400, body: bytes.toString(), type: 'entity.parse.failed' }))
          return
        }
        next()
      })
    }
  }
  const json = bodyParser('application/json', (bytes, { strict = true, reviver }) => {
    const text = bytes.toString()
    if (text === '') return {}
    if (strict && !/^\s*[[{]/.test(text)) throw new SyntaxError(`Unexpected token '${text.trim()[0]}', "${text}" is not valid JSON`)
    return JSON.parse(text, reviver)
  })
  const urlencoded = bodyParser('application/x-www-form-urlencoded', (bytes, { extended }) => extended ? parseNested(bytes.toString()) : querystring.parse(bytes.toString()))
  const text = bodyParser('text/plain', (bytes) => bytes.toString())
  const raw = bodyParser('application/octet-stream', (bytes) => bytes)
  const serveStatic = (root, options = {}) => {
    const top = path.resolve(root)
    return (request, response, next) => {
      if (request.method !== 'GET' && request.method !== 'HEAD') { if (options.fallthrough === false) { response.statusCode = 405; response.setHeader('Allow', 'GET, HEAD'); response.end() } else next(); return }
      let name
      try { name = decodeURIComponent(request.path) } catch { next(httpError(400)); return }
      if (name.split('/').includes('..')) { next(httpError(403)); return }
      if (name.split('/').some((part) => part.startsWith('.') && part.length > 1) && options.dotfiles !== 'allow') { if (options.dotfiles === 'deny') next(httpError(403)); else next(); return }
      const full = path.join(top, name)
      let stat = fs.statSync(full, { throwIfNoEntry: false })
      let file = full
      if (stat?.isDirectory()) {
        const index = options.index === false ? undefined : [options.index ?? 'index.html'].flat().find((each) => fs.existsSync(path.join(full, each)))
        if (index === undefined) { next(); return }
        if (!request.path.endsWith('/') && options.redirect !== false) { response.redirect(301, `${request.baseUrl}${request.path}/`); return }
        file = path.join(full, index)
        stat = fs.statSync(file)
      }
      if (!stat) { const found = (options.extensions ?? []).map((extension) => `${full}.${extension}`).find((each) => fs.existsSync(each)); if (!found) { next(); return } file = found }
      options.setHeaders?.(response, file, stat)
      response.sendFile(file, { maxAge: typeof options.maxAge === 'string' ? 0 : options.maxAge ?? 0 }, (error) => { if (error) next(error) })
    }
  }

  module.exports = Object.assign(createApplication, { application: {}, request: requestMembers, response: responseMembers, Router, Route, json, urlencoded, text, raw, static: serveStatic })
}
