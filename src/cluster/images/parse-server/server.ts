import { compareSync, encodeBase64, hashSync } from 'bcryptjs'
import type { Document } from 'bson'
import { ProcessKilled, UnixError } from '../../../unix/types.ts'
import type { HttpPeer, Proc } from '../../../unix/types.ts'
import type { HttpRequest } from '../../../base/http.ts'
import { MongoError } from '../mongo/mongo-error.ts'
import { ParseDatabase, ServerSelectionError } from './parse-database.ts'

const OPTIONS: Readonly<Record<string, string>> = { appId: 'PARSE_SERVER_APPLICATION_ID', masterKey: 'PARSE_SERVER_MASTER_KEY', databaseURI: 'PARSE_SERVER_DATABASE_URI', restAPIKey: 'PARSE_SERVER_REST_API_KEY', port: 'PORT', mountPath: 'PARSE_SERVER_MOUNT_PATH', serverURL: 'PARSE_SERVER_URL', masterKeyIps: 'PARSE_SERVER_MASTER_KEY_IPS', allowClientClassCreation: 'PARSE_SERVER_ALLOW_CLIENT_CLASS_CREATION', host: 'PARSE_SERVER_HOST' }
const SECRETS = new Set(['masterKey', 'restAPIKey'])
/** 2^6 turns: ten would hold up everything else for as long as a tenth of a second. */
const BCRYPT_COST = 6
const YEAR_MS = 365 * 86_400_000
const MEMORY_BYTES = 88 * 2 ** 20

/** An error that the API answers with. */
class ParseError extends Error {
  readonly code: number
  readonly status: number
  constructor(code: number, message: string, status = 400) {
    super(message)
    this.code = code
    this.status = status
  }
}

/** parse-server's command line. */
export async function parseServer(proc: Proc, version: string): Promise<number> {
  const options = new Map<string, string>()
  for (const [name, variable] of Object.entries(OPTIONS)) if (proc.env[variable] !== undefined) options.set(name, proc.env[variable])
  // Services leave variables of such names, too.
  const ignored = Object.keys(proc.env).find((variable) => variable.startsWith('PARSE_SERVER_') && !Object.values(OPTIONS).includes(variable) && !/_(?:SERVICE_HOST|SERVICE_PORT\w*|PORT|PORT_\d+_(?:TCP|UDP)\w*)$/.test(variable))
  if (ignored !== undefined) { await proc.stderr.write(`error: ${ignored}: nothing follows this setting in this Parse Server\n`); return 1 }
  const args = proc.argv.slice(2)
  while (args.length > 0) {
    const argument = args.shift()!
    const [, flag, inline] = /^--([\w-]+)(?:=(.*))?$/s.exec(argument) ?? []
    const name = flag?.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
    if (name !== undefined && name in OPTIONS) options.set(name, inline ?? args.shift() ?? '')
    else if (argument.startsWith('-')) { await proc.stderr.write(`error: unknown option '${argument}'\n`); return 1 } else {
      try { for (const [key, value] of Object.entries(JSON.parse(proc.fs.readText(proc.resolve(argument))) as Record<string, unknown>)) if (!options.has(key)) options.set(key, Array.isArray(value) ? value.join(',') : String(value)) } catch (error) {
        if (!(error instanceof UnixError) && !(error instanceof SyntaxError)) throw error
        await proc.stderr.write(`Error: Cannot find module '${proc.resolve(argument)}'\n`)
        return 1
      }
    }
  }
  const unknown = [...options.keys()].find((name) => !(name in OPTIONS))
  if (unknown !== undefined) { await proc.stderr.write(`error: the option ${unknown} is not known to this Parse Server\n`); return 1 }
  if (!options.get('appId') || !options.get('masterKey')) {
    await proc.stderr.write('\nERROR: appId and masterKey are required\n\n')
    return 1
  }
  proc.useMemory(MEMORY_BYTES)
  proc.useCpuSteadily(1)
  const port = Number(options.get('port') ?? 1337)
  const mount = (options.get('mountPath') ?? '/parse').replace(/\/$/, '')
  const settings = new Map([['databaseURI', 'mongodb://localhost:27017/parse'], ['port', String(port)], ['mountPath', mount || '/'], ...options])
  for (const [name, value] of settings) await proc.stdout.write(`${name}: ${SECRETS.has(name) ? '***REDACTED***' : value.replace(/:\/\/[^@/]*@/, '://***REDACTED***@')}\n`)
  await proc.stdout.write('\n')
  const major = Number(version.split('.')[0])
  let database: ParseDatabase
  try { database = new ParseDatabase(proc, settings.get('databaseURI')!) } catch (error) {
    await proc.stderr.write(`MongoParseError: ${(error as Error).message}\n`)
    return 1
  }
  const api = new ParseApi(proc, database, { appId: options.get('appId')!, masterKey: options.get('masterKey')!, restKey: options.get('restAPIKey'), major, masterIps: (options.get('masterKeyIps') ?? (major >= 6 ? '127.0.0.1,::1' : '0.0.0.0/0')).split(','), createsClasses: major < 7 || options.get('allowClientClassCreation') === 'true', mount, version })
  const check = async () => { await database.command({ ping: 1 }) }
  const listen = async () => {
    proc.net.listenHttp(port, (request, peer) => api.respond(request, peer))
    await proc.stdout.write(`[${proc.pid}] parse-server running on http://localhost:${port}${mount}\n`)
  }
  if (major >= 6) {
    try { await check() } catch (error) {
      if (error instanceof ProcessKilled) throw error
      await proc.stderr.write(`${error instanceof ServerSelectionError ? 'MongoServerSelectionError' : 'MongoServerError'}: ${(error as Error).message}\n`)
      return 1
    }
    await listen()
  } else {
    await listen()
    check().catch((error: Error) => { if (!(error instanceof ProcessKilled)) void proc.stderr.write(`warn: Unable to ensure uniqueness for usernames:  ${error instanceof ServerSelectionError ? 'MongoServerSelectionError' : 'MongoServerError'}: ${error.message}\n`) })
  }
  await proc.signal('SIGTERM', 'SIGINT')
  await proc.stdout.write('Termination signal received. Shutting down.\n')
  return 0
}

interface ApiSettings { appId: string; masterKey: string; restKey: string | undefined; major: number; masterIps: readonly string[]; createsClasses: boolean; mount: string; version: string }
type Fields = Record<string, unknown>
interface Answer { status: number; body: unknown; headers?: Record<string, string> }

class ParseApi {
  readonly #proc: Proc
  readonly #db: ParseDatabase
  readonly #settings: ApiSettings

  constructor(proc: Proc, db: ParseDatabase, settings: ApiSettings) {
    this.#proc = proc
    this.#db = db
    this.#settings = settings
  }

  async respond(request: HttpRequest, peer: HttpPeer): Promise<Response> {
    this.#proc.useCpu(3e6)
    const url = new URL(request.url)
    const { mount } = this.#settings
    const json = ({ status, body, headers }: Answer) => new Response(request.method === 'HEAD' ? null : JSON.stringify(body), { status, headers: { 'x-powered-by': 'Express', 'access-control-allow-origin': '*', 'content-type': 'application/json; charset=utf-8', ...headers } })
    if (!url.pathname.startsWith(`${mount}/`) && url.pathname !== mount) return new Response(`<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Error</title>\n</head>\n<body>\n<pre>Cannot ${request.method} ${url.pathname.replace(/[&<>"']/g, '')}</pre>\n</body>\n</html>\n`, { status: 404, headers: { 'content-type': 'text/html; charset=utf-8' } })
    const path = url.pathname.slice(mount.length).replace(/\/$/, '')
    try {
      if (path === '/health') return json({ status: 200, body: { status: 'ok' } })
      const { headers } = request
      const master = headers.get('x-parse-master-key')
      const isMaster = master !== null && master === this.#settings.masterKey
      if (headers.get('x-parse-application-id') !== this.#settings.appId || (master !== null && !isMaster) || (this.#settings.restKey !== undefined && !isMaster && headers.get('x-parse-rest-api-key') !== this.#settings.restKey)) return json({ status: 403, body: { error: 'unauthorized' } })
      if (isMaster && !this.#settings.masterIps.some((allowed) => allowed === peer.remote.ip || allowed === '0.0.0.0/0' || allowed === '0.0.0.0')) {
        await this.#proc.stderr.write(`error: Request using master key rejected as the request IP address '${peer.remote.ip}' is not set in Parse Server option 'masterKeyIps'.\n`)
        return json({ status: 403, body: { error: 'unauthorized' } })
      }
      const text = ['POST', 'PUT'].includes(request.method) ? await request.text() : ''
      let body: Fields = {}
      if (text !== '') try { body = JSON.parse(text) as Fields } catch { throw new ParseError(107, 'bad json') }
      return json(await this.#route(request.method, path, url.searchParams, body, isMaster, headers.get('x-parse-session-token'), `http://${headers.get('host') ?? url.host}${mount}`))
    } catch (error) {
      if (error instanceof ProcessKilled) throw error
      if (error instanceof ParseError) return json({ status: error.status, body: { code: error.code, error: error.message } })
      await this.#proc.stderr.write(`error: Uncaught internal server error. ${(error as Error).message}\n`)
      if (error instanceof ServerSelectionError || error instanceof MongoError || error instanceof UnixError) return json({ status: 500, body: { code: 1, error: 'Internal server error.' } })
      throw error
    }
  }

  async #route(method: string, path: string, query: URLSearchParams, body: Fields, isMaster: boolean, session: string | null, base: string): Promise<Answer> {
    const [, area = '', name = '', id] = path.split('/')
    if (area === 'serverInfo') {
      if (!isMaster) return { status: 403, body: { error: 'unauthorized: master key is required' } }
      return { status: 200, body: { parseServerVersion: this.#settings.version, features: {} } }
    }
    if (area === 'schemas' && method === 'GET') {
      if (!isMaster) return { status: 403, body: { error: 'unauthorized: master key is required' } }
      return { status: 200, body: { results: (await this.#db.find('_SCHEMA', {})).map((schema) => ({ className: schema._id as string, fields: { objectId: { type: 'String' }, createdAt: { type: 'Date' }, updatedAt: { type: 'Date' }, ACL: { type: 'ACL' }, ...Object.fromEntries(Object.entries(schema).filter(([field]) => !field.startsWith('_') && !['objectId', 'createdAt', 'updatedAt'].includes(field)).map(([field, type]) => [field, { type: typeName(String(type)) }])) } })) } }
    }
    if (area === 'functions' || area === 'jobs') throw new ParseError(141, `Invalid function: "${name}"`)
    if (area === 'batch' && method === 'POST') {
      const results: unknown[] = []
      for (const { method: verb, path: target, body: part } of (body.requests ?? []) as { method: string; path: string; body?: Fields }[]) {
        try { results.push({ success: (await this.#route(verb, target.replace(new RegExp(`^${this.#settings.mount}`), ''), new URLSearchParams(), part ?? {}, isMaster, session, base)).body }) } catch (error) {
          if (!(error instanceof ParseError)) throw error
          results.push({ error: { code: error.code, error: error.message } })
        }
      }
      return { status: 200, body: results }
    }
    if (area === 'login') return this.#login(method === 'POST' ? body : Object.fromEntries(query))
    if (area === 'logout' && method === 'POST') { await this.#db.remove('_Session', { _session_token: session ?? '' }); return { status: 200, body: {} } }
    if (area === 'users') {
      if (name === 'me') return { status: 200, body: { ...this.#shown(await this.#userOf(session)), sessionToken: session } }
      if (method === 'POST' && name === '') return this.#signUp(body, base)
      if (method !== 'GET' && !isMaster && String((await this.#userOf(session))._id) !== name) throw new ParseError(206, `Cannot modify user ${name}.`)
      return this.#objects(method, '_User', name || undefined, query, body, isMaster, base)
    }
    if (area === 'classes' && name !== '') {
      if (!/^(?:_User|_Installation|_Role|[A-Za-z]\w*)$/.test(name)) throw new ParseError(103, `Invalid classname: ${name}, classnames can only have alphanumeric characters and _, and must start with an alpha character `)
      if (name.startsWith('_') && !isMaster) throw new ParseError(119, `Clients aren't allowed to perform the ${method} operation on the ${name} collection.`)
      return this.#objects(method, name, id, query, body, isMaster, base)
    }
    return { status: 404, body: { code: 107, error: `unexpected path: ${path}` } }
  }

  #newId(length = 10): string { return Array.from({ length }, () => 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'[this.#proc.random.int(62)]!).join('') }

  #now(): Date { return new Date(Math.floor(this.#proc.clock.nowMs())) }

  async #objects(method: string, name: string, id: string | undefined, query: URLSearchParams, body: Fields, isMaster: boolean, base: string): Promise<Answer> {
    const missing = () => new ParseError(101, 'Object not found.', 404)
    if (method === 'GET' && id !== undefined) {
      const [found] = await this.#db.find(name, { _id: id }, { limit: 1 })
      if (!found) throw missing()
      return { status: 200, body: this.#shown(found) }
    }
    if (method === 'GET') return this.#query(name, query)
    if (method === 'POST' && id === undefined && name === '_User') return this.#signUp(body, base)
    if (method === 'POST' && id === undefined) {
      await this.#learn(name, body, isMaster)
      const now = this.#now()
      const document = { ...kept(body, true), _id: this.#newId(), _created_at: now, _updated_at: now }
      await this.#db.insert(name, document)
      return { status: 201, body: { objectId: document._id, createdAt: now.toISOString() }, headers: { location: `${base}/classes/${name}/${document._id}` } }
    }
    if (method === 'PUT' && id !== undefined) {
      await this.#learn(name, body, isMaster)
      const now = this.#now()
      const { password, ...fields } = body
      if (name !== '_User' && password !== undefined) Object.assign(fields, { password })
      if (name === '_User' && password !== undefined && (typeof password !== 'string' || password === '')) throw new ParseError(201, 'password is required')
      const operations = kept(fields, false)
      const update: Document = { $set: { _updated_at: now, ...name === '_User' && typeof password === 'string' ? { _hashed_password: this.#hashed(password) } : {} } }
      for (const [field, value] of Object.entries(operations)) {
        const operation = value && typeof value === 'object' && '__op' in value ? value as { __op: string; amount?: number; objects?: unknown[] } : undefined
        const put = (operator: string, what: unknown) => { (update[operator] ??= {})[field] = what }
        if (!operation) put('$set', value)
        else if (operation.__op === 'Increment') put('$inc', operation.amount)
        else if (operation.__op === 'Delete') put('$unset', '')
        else if (operation.__op === 'Add') put('$push', { $each: operation.objects })
        else if (operation.__op === 'AddUnique') put('$addToSet', { $each: operation.objects })
        else if (operation.__op === 'Remove') put('$pullAll', operation.objects)
        else throw new ParseError(108, `The ${operation.__op} operator is not supported yet.`)
      }
      if (await this.#db.update(name, { _id: id }, update) === 0) throw missing()
      const [after] = Object.values(operations).some((value) => value && typeof value === 'object' && '__op' in value) ? await this.#db.find(name, { _id: id }, { limit: 1 }) : []
      const changed = after ? Object.fromEntries(Object.keys(operations).filter((field) => field in after && field in body && typeof body[field] === 'object').map((field) => [field, after[field] as unknown])) : {}
      return { status: 200, body: { ...changed, updatedAt: now.toISOString() } }
    }
    if (method === 'DELETE' && id !== undefined) {
      if (await this.#db.remove(name, { _id: id }) === 0) throw missing()
      return { status: 200, body: {} }
    }
    throw new ParseError(107, `The method ${method} is not for this path.`, 404)
  }

  /** Keeps in mind which classes there are and what their fields hold. */
  async #learn(name: string, body: Fields, isMaster: boolean): Promise<void> {
    const [schema] = await this.#db.find('_SCHEMA', { _id: name }, { limit: 1 })
    if (!schema && !isMaster && !this.#settings.createsClasses && !name.startsWith('_')) throw new ParseError(119, `This user is not allowed to access non-existent class: ${name}`)
    const fresh: Fields = {}
    for (const [field, value] of Object.entries(body)) {
      if (!/^[A-Za-z]\w*$/.test(field)) throw new ParseError(105, `Invalid field name: ${field}.`)
      if (['objectId', 'createdAt', 'updatedAt', 'ACL', 'password'].includes(field)) continue
      const type = typeOf(value)
      const known = schema?.[field] as string | undefined
      if (type === undefined) continue
      if (known === undefined) fresh[field] = type
      else if (known !== type) throw new ParseError(111, `schema mismatch for ${name}.${field}; expected ${typeName(known)} but got ${typeName(type)}`)
    }
    if (!schema || Object.keys(fresh).length > 0) await this.#db.update('_SCHEMA', { _id: name }, { $set: { objectId: 'string', createdAt: 'date', updatedAt: 'date', ...fresh } }, true)
  }

  async #query(name: string, query: URLSearchParams): Promise<Answer> {
    let where: Document = {}
    if (query.has('where')) try { where = JSON.parse(query.get('where')!) as Document } catch { throw new ParseError(107, 'Invalid parameter: where') }
    for (const key of query.keys()) if (!['where', 'limit', 'skip', 'order', 'keys', 'count', 'excludeKeys'].includes(key)) throw new ParseError(102, `Invalid parameter for query: ${key}`)
    const hidden = /"(_\w+|\$where|\$expr|\$function)":/.exec(JSON.stringify(where))?.[1]
    if (hidden !== undefined && hidden !== '__type' && hidden !== '__op') throw new ParseError(105, `Invalid key name: ${hidden}`)
    const filter = kept(where, false)
    const bad = /"(\$(?:inQuery|notInQuery|select|dontSelect|relatedTo|text|nearSphere|within|geoWithin))"/.exec(JSON.stringify(where))?.[1]
    if (bad !== undefined) throw new ParseError(102, `bad constraint: ${bad}`)
    const sort: Document = {}
    for (const field of (query.get('order') ?? '').split(',').filter(Boolean)) sort[storedName(field.replace(/^-/, ''))] = field.startsWith('-') ? -1 : 1
    const limit = Number(query.get('limit') ?? 100)
    const results = limit === 0 ? [] : await this.#db.find(name, filter, { limit, skip: Number(query.get('skip') ?? 0), ...Object.keys(sort).length > 0 ? { sort } : {} })
    const keys = query.get('keys')?.split(',')
    const shown = results.map((document) => this.#shown(document)).map((object) => keys ? Object.fromEntries(Object.entries(object).filter(([field]) => [...keys, 'objectId', 'createdAt', 'updatedAt'].includes(field))) : object)
    return { status: 200, body: { results: shown, ...query.get('count') === '1' || query.get('count') === 'true' ? { count: await this.#db.count(name, filter) } : {} } }
  }

  async #startSession(user: string): Promise<string> {
    const token = `r:${Array.from({ length: 32 }, () => this.#proc.random.int(16).toString(16)).join('')}`
    const now = this.#now()
    await this.#db.insert('_Session', { _id: this.#newId(), _session_token: token, _p_user: `_User$${user}`, expiresAt: new Date(now.getTime() + YEAR_MS), _created_at: now, _updated_at: now })
    return token
  }

  async #userOf(token: string | null): Promise<Document> {
    const [session] = token === null ? [] : await this.#db.find('_Session', { _session_token: token }, { limit: 1 })
    const [user] = session && (session.expiresAt as Date).getTime() > this.#proc.clock.nowMs() ? await this.#db.find('_User', { _id: String(session._p_user).slice('_User$'.length) }, { limit: 1 }) : []
    if (!user) throw new ParseError(209, 'Invalid session token')
    return user
  }

  async #signUp(body: Fields, base: string): Promise<Answer> {
    const { password, ...fields } = body
    if (typeof body.username !== 'string' || body.username === '') throw new ParseError(200, 'bad or missing username')
    if (typeof password !== 'string' || password === '') throw new ParseError(201, 'password is required')
    if (await this.#db.count('_User', { username: body.username }) > 0) throw new ParseError(202, 'Account already exists for this username.')
    if (typeof body.email === 'string' && await this.#db.count('_User', { email: body.email }) > 0) throw new ParseError(203, 'Account already exists for this email address.')
    await this.#learn('_User', fields, false)
    const now = this.#now()
    const id = this.#newId()
    await this.#db.insert('_User', { ...kept(fields, true), _id: id, _hashed_password: this.#hashed(password), _created_at: now, _updated_at: now })
    return { status: 201, body: { objectId: id, createdAt: now.toISOString(), sessionToken: await this.#startSession(id) }, headers: { location: `${base}/users/${id}` } }
  }

  /** A password as the database has it. */
  #hashed(password: string): string {
    const salt = encodeBase64(Array.from({ length: 16 }, () => this.#proc.random.int(256)), 16)
    return hashSync(password, `$2b$${String(BCRYPT_COST).padStart(2, '0')}$${salt}`)
  }

  async #login({ username, email, password }: Fields): Promise<Answer> {
    if (typeof username !== 'string' && typeof email !== 'string') throw new ParseError(200, 'username/email is required.')
    if (typeof password !== 'string' || password === '') throw new ParseError(201, 'password is required.')
    const [user] = await this.#db.find('_User', typeof username === 'string' ? { username } : { email: String(email) }, { limit: 1 })
    if (!user || !compareSync(password, String(user._hashed_password ?? ''))) throw new ParseError(101, 'Invalid username/password.', 404)
    return { status: 200, body: { ...this.#shown(user), sessionToken: await this.#startSession(String(user._id)) } }
  }

  /** A document as the API shows it. */
  #shown(document: Document): Fields {
    const { _id, _created_at, _updated_at, _hashed_password: _, _acl: __, ...fields } = document
    return { objectId: _id, ...Object.fromEntries(Object.entries(fields).filter(([field]) => !field.startsWith('_')).map(([field, value]) => [field, value instanceof Date ? { __type: 'Date', iso: value.toISOString() } : value])), createdAt: (_created_at as Date).toISOString(), updatedAt: (_updated_at as Date).toISOString() }
  }
}

const storedName = (field: string) => ({ objectId: '_id', createdAt: '_created_at', updatedAt: '_updated_at' })[field] ?? field

/** What the database keeps for what was sent: dates as dates, Parse's names as the database's; `isNew` carries operations out on nothing. */
function kept(body: Fields, isNew: boolean): Fields {
  const one = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(one)
    if (!value || typeof value !== 'object') return value
    const object = value as Fields
    if (object.__type === 'Date') return new Date(Date.parse(String(object.iso)))
    if (isNew && typeof object.__op === 'string') return object.__op === 'Increment' ? object.amount : object.__op === 'Delete' ? undefined : object.objects
    return Object.fromEntries(Object.entries(object).map(([field, part]) => [field, one(part)]))
  }
  return Object.fromEntries(Object.entries(body).map(([field, value]) => [storedName(field), one(value)]))
}

/** A value's type as `_SCHEMA` keeps it. */
function typeOf(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined
  if (Array.isArray(value)) return 'array'
  if (typeof value !== 'object') return typeof value
  const { __type, __op, className } = value as Fields
  if (typeof __op === 'string') return __op === 'Increment' ? 'number' : __op === 'Delete' ? undefined : 'array'
  if (__type === 'Pointer') return `*${String(className)}`
  return typeof __type === 'string' ? __type.toLowerCase() : 'object'
}

/** A kept type as the API names it. */
function typeName(type: string): string { return type.startsWith('*') ? 'Pointer' : { geopoint: 'GeoPoint' }[type] ?? `${type[0]!.toUpperCase()}${type.slice(1)}` }
