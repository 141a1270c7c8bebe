/**
 * What mongosh and the old mongo shell are in JavaScript: types of BSON, db, collections, cursors, rs, and how values are shown. Runs in the
 * script's realm; the host gives `__command`, `__print`, `__sleep`, `__now`, `__random`, `__quit` and `__load`.
 */
export const SHELL_PRELUDE = String.raw`
(() => {
const { command: hostCommand, legacy } = globalThis.__shell = { command: globalThis.__command, legacy: globalThis.__legacy, readPreference: globalThis.__legacy ? 'primary' : 'primaryPreferred', database: globalThis.__database, more: undefined }
const shell = globalThis.__shell
const print = (...values) => globalThis.__print(values.map((value) => typeof value === 'string' ? value : legacy ? String(value) : inspect(value)).join(' ') + '\n')

// Functions that the script hands to arrays may take time.
const isPromise = (value) => value !== null && typeof value === 'object' && typeof value.then === 'function'
function stepwise(array, visit, done) {
  const step = (from) => {
    for (let i = from; i < array.length; i++) {
      const out = visit(array[i], i)
      if (isPromise(out)) return out.then((value) => done.each(value, array[i], i) ? done.end() : step(i + 1))
      if (done.each(out, array[i], i)) return done.end()
    }
    return done.end()
  }
  return step(0)
}
const patch = (name, run) => Object.defineProperty(Array.prototype, name, { value: run, configurable: true, writable: true })
patch('forEach', function (fn, self) { return stepwise(this, (each, i) => fn.call(self, each, i, this), { each: () => false, end: () => undefined }) })
patch('map', function (fn, self) { const out = []; return stepwise(this, (each, i) => fn.call(self, each, i, this), { each: (value) => { out.push(value); return false }, end: () => out }) })
patch('filter', function (fn, self) { const out = []; return stepwise(this, (each, i) => fn.call(self, each, i, this), { each: (value, item) => { if (value) out.push(item); return false }, end: () => out }) })
patch('find', function (fn, self) { let out; return stepwise(this, (each, i) => fn.call(self, each, i, this), { each: (value, item) => { if (value) out = item; return Boolean(value) }, end: () => out }) })
patch('findIndex', function (fn, self) { let out = -1; return stepwise(this, (each, i) => fn.call(self, each, i, this), { each: (value, _, i) => { if (value) out = i; return Boolean(value) }, end: () => out }) })
patch('some', function (fn, self) { let out = false; return stepwise(this, (each, i) => fn.call(self, each, i, this), { each: (value) => out = Boolean(value), end: () => out }) })
patch('every', function (fn, self) { let out = true; return stepwise(this, (each, i) => fn.call(self, each, i, this), { each: (value) => !(out = Boolean(value)), end: () => out }) })
patch('reduce', function (fn, ...start) { let sum = start.length > 0 ? start[0] : this[0]; const rest = start.length > 0 ? [...this] : this.slice(1); const shift = start.length > 0 ? 0 : 1; return stepwise(rest, (each, i) => fn(sum, each, i + shift, this), { each: (value) => { sum = value; return false }, end: () => sum }) })

// --- types of BSON
const hexOf = (n, length) => Math.floor(n).toString(16).padStart(length, '0')
let counter = Math.floor(globalThis.__random() * 0xffffff)
const processPart = hexOf(globalThis.__random() * 0xffffffffff, 10)
class ObjectId {
  constructor(hex) {
    if (hex !== undefined && !/^[0-9a-f]{24}$/i.test(String(hex))) throw new Error(legacy ? 'invalid object id: length' : 'input must be a 24 character hex string, 12 byte Uint8Array, or an integer')
    this.hex = hex === undefined ? hexOf(globalThis.__now() / 1000, 8) + processPart + hexOf(counter = (counter + 1) & 0xffffff, 6) : String(hex).toLowerCase()
  }
  toString() { return legacy ? 'ObjectId("' + this.hex + '")' : this.hex }
  toHexString() { return this.hex }
  valueOf() { return this.hex }
  get str() { return this.hex }
  getTimestamp() { return new Date(parseInt(this.hex.slice(0, 8), 16) * 1000) }
  equals(other) { return other instanceof ObjectId && other.hex === this.hex }
  toJSON() { return this.hex }
}
class Long { constructor(value) { this.value = BigInt(value) } toString() { return String(this.value) } valueOf() { return Number(this.value) } toNumber() { return Number(this.value) } toJSON() { return Number(this.value) } }
class Int32 { constructor(value) { this.value = Math.trunc(Number(value)) } toString() { return String(this.value) } valueOf() { return this.value } toJSON() { return this.value } }
class Decimal128 { constructor(text) { this.text = String(text) } toString() { return this.text } }
class Timestamp { constructor(t, i) { if (t && typeof t === 'object') { i = t.i; t = t.t } this.t = t ?? 0; this.i = i ?? 0 } }
class Binary { constructor(base64, type) { this.base64 = base64; this.type = type } }
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const uuidText = ({ base64 }) => { let bits = ''; for (const c of base64.replaceAll('=', '')) bits += BASE64.indexOf(c).toString(2).padStart(6, '0'); let hex = ''; for (let i = 0; i + 4 <= 128; i += 4) hex += parseInt(bits.slice(i, i + 4), 2).toString(16); return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5') }
const uuid = (text) => { const hex = text ? text.replaceAll('-', '') : hexOf(globalThis.__random() * 2 ** 48, 12) + '4' + hexOf(globalThis.__random() * 0xfff, 3) + '8' + hexOf(globalThis.__random() * 2 ** 48, 12) + hexOf(globalThis.__random() * 0xfff, 3); let bits = ''; for (const c of hex) bits += parseInt(c, 16).toString(2).padStart(4, '0'); let out = ''; for (let i = 0; i < bits.length; i += 6) out += BASE64[parseInt(bits.slice(i, i + 6).padEnd(6, '0'), 2)]; return new Binary(out + '==', '04') }
class MinKey {}
class MaxKey {}
const callable = (Type) => new Proxy(Type, { apply: (_, __, args) => new Type(...args) })

function encode(value) {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (value === undefined) return undefined
  if (typeof value === 'number') return Number.isFinite(value) ? Number.isSafeInteger(value) || !Number.isInteger(value) ? value : { $numberDouble: String(value) } : { $numberDouble: Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity' }
  if (typeof value === 'bigint') return { $numberLong: String(value) }
  if (typeof value === 'function') return undefined
  if (value instanceof ObjectId) return { $oid: value.hex }
  if (value instanceof Date) return { $date: { $numberLong: String(value.getTime()) } }
  if (value instanceof Long) return { $numberLong: String(value) }
  if (value instanceof Int32) return value.value
  if (value instanceof Decimal128) return { $numberDecimal: value.text }
  if (value instanceof Timestamp) return { $timestamp: { t: value.t, i: value.i } }
  if (value instanceof Binary) return { $binary: { base64: value.base64, subType: value.type } }
  if (value instanceof MinKey) return { $minKey: 1 }
  if (value instanceof MaxKey) return { $maxKey: 1 }
  if (value instanceof RegExp) return { $regularExpression: { pattern: value.source, options: [...value.flags].filter((flag) => 'imsx'.includes(flag)).sort().join('') } }
  if (Array.isArray(value)) { const out = []; for (const each of value) out.push(encode(each) ?? null); return out }
  const out = {}
  for (const key of Object.keys(value)) { const each = encode(value[key]); if (each !== undefined) out[key] = each }
  return out
}

function decode(value) {
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) { const out = []; for (const each of value) out.push(decode(each)); return out }
  if ('$oid' in value) return new ObjectId(value.$oid)
  if ('$date' in value) return new Date(typeof value.$date === 'string' ? value.$date : Number(value.$date.$numberLong))
  if ('$numberLong' in value) return new Long(value.$numberLong)
  if ('$numberInt' in value) return Number(value.$numberInt)
  if ('$numberDouble' in value) return Number(value.$numberDouble)
  if ('$numberDecimal' in value) return new Decimal128(value.$numberDecimal)
  if ('$timestamp' in value) return new Timestamp(value.$timestamp)
  if ('$binary' in value) return new Binary(value.$binary.base64, value.$binary.subType)
  if ('$regularExpression' in value) return new RegExp(value.$regularExpression.pattern, value.$regularExpression.options.replace('x', ''))
  if ('$minKey' in value) return new MinKey()
  if ('$maxKey' in value) return new MaxKey()
  const out = {}
  for (const key of Object.keys(value)) out[key] = decode(value[key])
  return out
}

// --- how values are shown: as Node's util.inspect does it, and as the old shell did
const BREAK = 80
const identifier = /^[a-zA-Z_][a-zA-Z_0-9]*$/
const quoted = (text) => { const q = !text.includes("'") ? "'" : !text.includes('"') ? '"' : !text.includes(String.fromCharCode(96)) ? String.fromCharCode(96) : "'"; return q + text.replace(/[\\\n\r\t\b\f]/g, (c) => ({ '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\b': '\\b', '\f': '\\f' })[c]).replaceAll(q === "'" && text.includes("'") ? "'" : '\0', "\\'") + q }
function special(value) {
  if (value instanceof ObjectId) return "ObjectId('" + value.hex + "')"
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : "ISODate('" + value.toISOString() + "')"
  if (value instanceof Long) return "Long('" + value + "')"
  if (value instanceof Int32) return String(value.value)
  if (value instanceof Decimal128) return "Decimal128('" + value.text + "')"
  if (value instanceof Timestamp) return 'Timestamp({ t: ' + value.t + ', i: ' + value.i + ' })'
  if (value instanceof Binary && value.type === '04') return "UUID('" + uuidText(value) + "')"
  if (value instanceof Binary) return "Binary.createFromBase64('" + value.base64 + "', " + parseInt(value.type, 16) + ')'
  if (value instanceof MinKey) return 'MinKey()'
  if (value instanceof MaxKey) return 'MaxKey()'
  if (value instanceof RegExp) return String(value)
  if (value instanceof Error) return (value.codeName ? value.name + '[' + value.codeName + ']' : value.name) + ': ' + value.message
  return undefined
}
function inspect(value) {
  const context = { indentation: 0, depth: 0, seen: [] }
  const format = (each, level) => {
    if (typeof each === 'string') return quoted(each)
    if (typeof each === 'bigint') return each + 'n'
    if (typeof each === 'function') return '[Function' + (each.name ? ': ' + each.name : ' (anonymous)') + ']'
    if (each === null || typeof each !== 'object') return Object.is(each, -0) ? '-0' : String(each)
    const known = special(each)
    if (known !== undefined) return known
    if (context.seen.includes(each)) return '[Circular *1]'
    if (typeof each.__text === 'function') return each.__text()
    if (level > 6) return Array.isArray(each) ? '[Array]' : '[Object]'
    context.seen.push(each)
    context.depth = level
    const isArray = Array.isArray(each)
    let output = []
    context.indentation += 2
    if (isArray) { for (const item of each.slice(0, 100)) output.push(format(item, level + 1)); if (each.length > 100) output.push('... ' + (each.length - 100) + ' more item' + (each.length === 101 ? '' : 's')) }
    else for (const key of Object.keys(each)) output.push((identifier.test(key) ? key : quoted(key)) + ': ' + format(each[key], level + 1))
    context.indentation -= 2
    context.seen.pop()
    const [open, close] = isArray ? ['[', ']'] : ['{', '}']
    if (output.length === 0) return open + close
    const entries = output.length
    if (isArray && entries > 6) output = columns(output, context.indentation, each)
    if (context.depth - level < 3 && entries === output.length) {
      const start = output.length + context.indentation + open.length + 10
      let total = output.length + start
      for (const text of output) total += text.length
      if (total <= BREAK && !output.some((text) => text.includes('\n'))) return open + ' ' + output.join(', ') + ' ' + close
    }
    const indentation = '\n' + ' '.repeat(context.indentation)
    return open + indentation + '  ' + output.join(',' + indentation + '  ') + indentation + close
  }
  return format(value, 0)
}
function columns(output, indentation, value) {
  let total = 0
  let max = 0
  const lengths = []
  const count = output.length - (value.length > 100 ? 1 : 0)
  for (let i = 0; i < count; i++) { lengths.push(output[i].length); total += output[i].length + 2; max = Math.max(max, output[i].length) }
  const actual = max + 2
  if (!(actual * 3 + indentation < BREAK && (total / actual > 5 || max <= 6))) return output
  const bias = Math.sqrt(actual - total / output.length)
  const biased = Math.max(actual - 3 - bias, 1)
  const n = Math.min(Math.round(Math.sqrt(2.5 * biased * count) / biased), Math.floor((BREAK - indentation) / actual), 12, 15)
  if (n <= 1) return output
  const widths = []
  for (let i = 0; i < n; i++) { let width = 0; for (let j = i; j < count; j += n) width = Math.max(width, lengths[j]); widths.push(width + 2) }
  const numbers = value.every((each) => typeof each === 'number' || typeof each === 'bigint')
  const out = []
  for (let i = 0; i < count; i += n) {
    const last = Math.min(i + n, count)
    let line = ''
    for (let j = i; j < last - 1; j++) line += numbers ? (output[j] + ', ').padStart(widths[j - i]) : (output[j] + ', ').padEnd(widths[j - i])
    out.push(line + (numbers ? output[last - 1].padStart(widths[last - 1 - i] - 2) : output[last - 1]))
  }
  if (value.length > 100) out.push(output[count])
  return out
}
function tojson(value, indent = '', oneLine = false) {
  const whole = tojsonAt(value, indent, oneLine)
  return !oneLine && indent === '' && whole.length < 80 ? whole.replace(/[\s\r\n ]+/gm, ' ') : whole
}
function tojsonAt(value, indent, oneLine) {
  if (value === undefined) return 'undefined'
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'function') return String(value)
  if (value instanceof ObjectId) return 'ObjectId("' + value.hex + '")'
  if (value instanceof Date) return 'ISODate("' + value.toISOString().replace('.000Z', 'Z') + '")'
  if (value instanceof Long) return Number.isSafeInteger(Number(value.value)) && Math.abs(Number(value.value)) < 2147483648 ? 'NumberLong(' + value + ')' : 'NumberLong("' + value + '")'
  if (value instanceof Int32) return 'NumberInt(' + value.value + ')'
  if (value instanceof Decimal128) return 'NumberDecimal("' + value.text + '")'
  if (value instanceof Timestamp) return 'Timestamp(' + value.t + ', ' + value.i + ')'
  if (value instanceof Binary) return 'BinData(' + parseInt(value.type, 16) + ',"' + value.base64 + '")'
  if (value instanceof RegExp) return String(value)
  if (typeof value.__text === 'function') return value.__text()
  const inner = indent + '\t'
  const line = oneLine ? ' ' : '\n'
  const tab = oneLine ? '' : inner
  if (Array.isArray(value)) {
    if (value.length === 0) return '[ ]'
    let out = '[' + line
    value.forEach((each, i) => { out += tab + tojsonAt(each, inner, oneLine) + (i < value.length - 1 ? ',' : '') + line })
    return out + (oneLine ? '' : indent) + ']'
  }
  const keys = Object.keys(value)
  if (keys.length === 0) return '{' + (oneLine ? ' ' : line + (indent)) + '}'
  let out = '{' + line
  keys.forEach((key, i) => { out += tab + '"' + key + '" : ' + tojsonAt(value[key], inner, oneLine) + (i < keys.length - 1 ? ',' : '') + line })
  return out + (oneLine ? '' : indent) + '}'
}

// --- commands
async function run(database, command) {
  const reading = ['find', 'aggregate', 'count', 'distinct', 'listDatabases', 'listCollections', 'listIndexes', 'collStats', 'dbStats'].includes(Object.keys(command)[0])
  const sent = JSON.stringify(encode(reading && shell.readPreference !== 'primary' ? { ...command, $readPreference: { mode: shell.readPreference } } : command))
  try { return decode(JSON.parse(await hostCommand(database, sent))) } catch (error) {
    // The old shell tells the whole answer.
    if (legacy && reading && error.name === 'MongoServerError') error.message = 'error: ' + tojson({ ok: 0, errmsg: error.message, code: error.code, codeName: error.codeName })
    throw error
  }
}
/** Old shells hand out what the server refused. */
async function answer(database, command) {
  if (!legacy) return run(database, command)
  try { return await run(database, command) } catch (error) { if (error.name !== 'MongoServerError') throw error; return { ...(error.more ? decode(error.more) : {}), ok: 0, errmsg: error.message, code: error.code, codeName: error.codeName } }
}
const clean = ({ $clusterTime, operationTime, ...rest }) => legacy ? rest : { ...rest, ...($clusterTime ? { $clusterTime, operationTime } : {}) }
function writeError(reply) {
  const [error] = reply.writeErrors ?? []
  if (error) throw Object.assign(new Error(error.errmsg), { name: reply.many ? 'MongoBulkWriteError' : 'MongoServerError', code: error.code, more: error })
  if (reply.writeConcernError) throw Object.assign(new Error(reply.writeConcernError.errmsg), { name: 'MongoWriteConcernError', code: reply.writeConcernError.code })
  return reply
}

class WriteResult {
  constructor(fields) { Object.assign(this, fields) }
  __text() { return 'WriteResult(' + tojson({ ...this }) + ')' }
}
class BulkWriteResult extends WriteResult { __text() { return 'BulkWriteResult(' + tojson({ writeErrors: [], writeConcernErrors: [], ...this }) + ')' } }

class Cursor {
  constructor(start, database) { this.start = start; this.databaseName = database; this.options = {}; this.batch = undefined; this.id = 0; this.seen = 0; this.isPretty = false; this.transform = undefined }
  #set(name, value) { if (this.batch) throw new Error('Cursor is already initialized'); this.options[name] = value; return this }
  sort(by) { return this.#set('sort', by) }
  limit(n) { return this.#set('limit', n) }
  skip(n) { return this.#set('skip', n) }
  batchSize(n) { return this.#set('batchSize', n) }
  project(fields) { return this.#set('projection', fields) }
  projection(fields) { return this.#set('projection', fields) }
  hint(index) { return this.#set('hint', index) }
  comment() { return this }
  maxTimeMS() { return this }
  readPref(mode) { return this.#set('$readPreference', { mode }) }
  collation() { return this }
  noCursorTimeout() { return this }
  allowDiskUse() { return this }
  pretty() { this.isPretty = true; return this }
  async #open() {
    if (this.batch) return
    const { cursor } = await run(this.databaseName, { ...this.start, ...this.options })
    this.batch = cursor.firstBatch
    this.#keep(cursor)
  }
  #keep(cursor) { this.id = Number(cursor.id); this.collection = cursor.ns.slice(cursor.ns.indexOf('.') + 1) }
  async hasNext() {
    await this.#open()
    while (this.batch.length === 0 && this.id !== 0) { const { cursor } = await run(this.databaseName, { getMore: new Long(this.id), collection: this.collection }); this.batch = cursor.nextBatch; this.#keep(cursor) }
    return this.batch.length > 0
  }
  async next() {
    if (!await this.hasNext()) { if (legacy) throw new Error("error hasNext: false"); return null }
    const document = this.batch.shift()
    return this.transform ? this.transform(document) : document
  }
  async tryNext() { return await this.hasNext() ? this.next() : null }
  async toArray() { const out = []; while (await this.hasNext()) out.push(await this.next()); return out }
  async forEach(fn) { while (await this.hasNext()) if (await fn(await this.next()) === false) break }
  map(fn) { const before = this.transform; this.transform = async (document) => fn(before ? await before(document) : document); return this }
  async itcount() { return (await this.toArray()).length }
  async count() { return (await run(this.databaseName, { count: this.start.find, query: this.start.filter ?? {} })).n }
  async size() { return (await run(this.databaseName, { count: this.start.find, query: this.start.filter ?? {}, ...(this.options.limit ? { limit: this.options.limit } : {}), ...(this.options.skip ? { skip: this.options.skip } : {}) })).n }
  async explain(verbosity) { return clean(await run(this.databaseName, { explain: { ...this.start, ...this.options }, ...(typeof verbosity === 'string' ? { verbosity } : {}) })) }
  async close() { this.batch = []; this.id = 0 }
  async *[Symbol.asyncIterator]() { while (await this.hasNext()) yield this.next() }
  toString() { return legacy ? 'DBQuery: ' + this.databaseName + '.' + (this.start.find ?? '') + ' -> ' + tojson(this.start.filter ?? {}) : '[object Object]' }
  async page() {
    const documents = []
    while (documents.length < 20 && await this.hasNext()) documents.push(await this.next())
    const more = await this.hasNext()
    shell.more = more ? this : undefined
    if (legacy) { for (const document of documents) print(this.isPretty ? tojsonAt(document, '', false) : tojson(document, '', true)); if (more) print('Type "it" for more') } else if (documents.length > 0) print(inspect(documents) + (more ? '\nType "it" for more' : ''))
  }
}

const indexName = (keys) => { const parts = []; for (const [key, direction] of Object.entries(keys)) parts.push(key + '_' + direction); return parts.join('_') }
const requireArgument = (value, name, method) => { if (value === undefined) throw Object.assign(new Error('Missing required argument at position 0 (' + method + ')'), { name: 'MongoshInvalidInputError', codeName: 'COMMON-10001' }) }

class Collection {
  constructor(database, name) { this.database = database; this.name = name }
  get #db() { return this.database.name }
  #run(command) { return run(this.#db, command) }
  getName() { return this.name }
  getFullName() { return this.#db + '.' + this.name }
  getDB() { return databaseProxy(this.#db) }
  __text() { return this.getFullName() }
  toString() { return this.getFullName() }
  find(filter, projection) { return new Cursor({ find: this.name, filter: filter ?? {}, ...(projection ? { projection } : {}) }, this.#db) }
  async findOne(filter, projection) { return new Cursor({ find: this.name, filter: filter ?? {}, limit: 1, singleBatch: true, ...(projection ? { projection } : {}) }, this.#db).tryNext() }
  aggregate(...stages) { const pipeline = Array.isArray(stages[0]) ? stages[0] : stages.filter((stage) => stage && Object.keys(stage)[0]?.startsWith('$')); const cursor = new Cursor({ aggregate: this.name, pipeline, cursor: {} }, this.#db); return cursor }
  async countDocuments(filter, options = {}) { return (await this.#run({ count: this.name, query: filter ?? {}, ...options })).n }
  async count(filter) { return (await this.#run({ count: this.name, query: filter ?? {} })).n }
  async estimatedDocumentCount() { return (await this.#run({ count: this.name })).n }
  async distinct(key, query) { return (await this.#run({ distinct: this.name, key, query: query ?? {} })).values }
  async insertOne(document, options = {}) {
    requireArgument(document, 'document', 'Collection.insertOne')
    document._id ??= new ObjectId()
    writeError(await this.#run({ insert: this.name, documents: [{ _id: document._id, ...document }], ...options }))
    return { acknowledged: true, insertedId: document._id }
  }
  async insertMany(documents, options = {}) {
    requireArgument(documents, 'docs', 'Collection.insertMany')
    if (!Array.isArray(documents)) throw Object.assign(new Error('Argument "docs" must be an array of documents'), { name: 'MongoInvalidArgumentError' })
    const list = documents.map((document) => { document._id ??= new ObjectId(); return { _id: document._id, ...document } })
    const reply = await this.#run({ insert: this.name, documents: list, ...options })
    writeError({ ...reply, many: true })
    const ids = list.map(({ _id }) => _id)
    return legacy ? { acknowledged: true, insertedIds: ids } : { acknowledged: true, insertedIds: { ...ids } }
  }
  async insert(documents) {
    const list = Array.isArray(documents) ? documents : [documents]
    if (!legacy) { print('DeprecationWarning: Collection.insert() is deprecated. Use insertOne, insertMany, or bulkWrite.'); const { insertedIds } = await this.insertMany(list); return { acknowledged: true, insertedIds } }
    for (const document of list) document._id ??= new ObjectId()
    const reply = await this.#run({ insert: this.name, documents: list.map((document) => ({ _id: document._id, ...document })) }).catch((error) => { if (error.name !== 'MongoServerError') throw error; return { refused: { code: error.code, errmsg: error.message } } })
    if (reply.refused) return new WriteResult({ writeError: reply.refused })
    const [error] = reply.writeErrors ?? []
    if (error) return new WriteResult({ nInserted: reply.n, writeError: { code: error.code, errmsg: error.errmsg } })
    return Array.isArray(documents) ? new BulkWriteResult({ nInserted: reply.n, nUpserted: 0, nMatched: 0, nModified: 0, nRemoved: 0, upserted: [] }) : new WriteResult({ nInserted: reply.n })
  }
  async save(document) { return document._id === undefined ? this.insert(document) : this.update({ _id: document._id }, document, { upsert: true }) }
  async #update(q, u, options, multi) {
    requireArgument(u, 'update', 'Collection.update')
    const { writeConcern, ...rest } = options
    const reply = writeError(await this.#run({ update: this.name, updates: [{ q, u, multi, ...rest }], ...(writeConcern ? { writeConcern } : {}) }))
    const [upserted] = reply.upserted ?? []
    return { acknowledged: true, insertedId: upserted ? upserted._id : null, matchedCount: reply.n - (upserted ? 1 : 0), modifiedCount: reply.nModified, upsertedCount: upserted ? 1 : 0 }
  }
  #result(result) { if (!legacy) return result; const { insertedId, upsertedCount, ...rest } = result; return insertedId === null ? rest : { ...rest, upsertedId: insertedId } }
  async updateOne(q, u, options = {}) { if (u && !Array.isArray(u) && !Object.keys(u).some((key) => key.startsWith('$'))) throw Object.assign(new Error('Update document requires atomic operators'), { name: 'MongoInvalidArgumentError' }); return this.#result(await this.#update(q, u, options, false)) }
  async updateMany(q, u, options = {}) { if (u && !Array.isArray(u) && !Object.keys(u).some((key) => key.startsWith('$'))) throw Object.assign(new Error('Update document requires atomic operators'), { name: 'MongoInvalidArgumentError' }); return this.#result(await this.#update(q, u, options, true)) }
  async replaceOne(q, u, options = {}) { if (u && Object.keys(u).some((key) => key.startsWith('$'))) throw Object.assign(new Error('Replacement document must not contain atomic operators'), { name: 'MongoInvalidArgumentError' }); return this.#result(await this.#update(q, u, options, false)) }
  async update(q, u, options = {}) { const { multi = false, ...rest } = options; const { acknowledged, insertedId, matchedCount, modifiedCount, upsertedCount } = await this.#update(q, u, rest, multi); return legacy ? new WriteResult({ nMatched: matchedCount, nUpserted: upsertedCount, nModified: modifiedCount, ...(insertedId === null ? {} : { _id: insertedId }) }) : { acknowledged, insertedId, matchedCount, modifiedCount, upsertedCount } }
  async #delete(q, limit, { writeConcern } = {}) { requireArgument(q, 'filter', 'Collection.delete'); return { acknowledged: true, deletedCount: writeError(await this.#run({ delete: this.name, deletes: [{ q, limit }], ...(writeConcern ? { writeConcern } : {}) })).n } }
  async deleteOne(q, options) { return this.#delete(q, 1, options) }
  async deleteMany(q, options) { return this.#delete(q, 0, options) }
  async remove(q, options) { const one = options === true || options?.justOne; const result = await this.#delete(q, one ? 1 : 0); return legacy ? new WriteResult({ nRemoved: result.deletedCount }) : result }
  async #modify(command) { const { value } = await this.#run({ findAndModify: this.name, ...command }); return value }
  async findOneAndUpdate(query, update, { returnDocument, returnNewDocument, projection, sort, upsert, arrayFilters } = {}) { return this.#modify({ query, update, new: returnDocument === 'after' || returnNewDocument === true, ...(projection ? { fields: projection } : {}), ...(sort ? { sort } : {}), ...(upsert ? { upsert } : {}), ...(arrayFilters ? { arrayFilters } : {}) }) }
  async findOneAndReplace(query, update, options) { return this.findOneAndUpdate(query, update, options) }
  async findOneAndDelete(query, { projection, sort } = {}) { return this.#modify({ query, remove: true, ...(projection ? { fields: projection } : {}), ...(sort ? { sort } : {}) }) }
  async findAndModify({ query, update, remove, new: fresh, fields, sort, upsert }) { return this.#modify({ query: query ?? {}, ...(update ? { update } : {}), ...(remove ? { remove } : {}), ...(fresh ? { new: fresh } : {}), ...(fields ? { fields } : {}), ...(sort ? { sort } : {}), ...(upsert ? { upsert } : {}) }) }
  async bulkWrite(operations) {
    const sum = { acknowledged: true, insertedCount: 0, insertedIds: {}, matchedCount: 0, modifiedCount: 0, deletedCount: 0, upsertedCount: 0, upsertedIds: {} }
    for (const [i, operation] of operations.entries()) {
      const [[name, value]] = Object.entries(operation)
      if (name === 'insertOne') { const { insertedId } = await this.insertOne(value.document); sum.insertedCount += 1; sum.insertedIds[i] = insertedId } else if (name === 'deleteOne' || name === 'deleteMany') sum.deletedCount += (await this[name](value.filter)).deletedCount
      else { const { filter, update, replacement, ...options } = value; const result = await this.#update(filter, update ?? replacement, options, name === 'updateMany'); sum.matchedCount += result.matchedCount; sum.modifiedCount += result.modifiedCount; sum.upsertedCount += result.upsertedCount; if (result.insertedId !== null) sum.upsertedIds[i] = result.insertedId }
    }
    return sum
  }
  async createIndex(key, options = {}) { const name = options.name ?? indexName(key); const reply = await this.#run({ createIndexes: this.name, indexes: [{ key, ...options, name }] }); return legacy ? clean(reply) : name }
  async createIndexes(keys, options = {}) { const indexes = keys.map((key) => ({ key, ...options, name: indexName(key) })); await this.#run({ createIndexes: this.name, indexes }); return indexes.map(({ name }) => name) }
  async ensureIndex(key, options) { return this.createIndex(key, options) }
  async getIndexes() { return (await this.#run({ listIndexes: this.name })).cursor.firstBatch.map((index) => legacy ? { v: index.v, key: index.key, name: index.name, ...(index.unique ? { unique: true } : {}), ns: this.getFullName() } : index) }
  async dropIndex(index) { return clean(await answer(this.#db, { dropIndexes: this.name, index })) }
  async dropIndexes(index = '*') { return clean(await answer(this.#db, { dropIndexes: this.name, index })) }
  async drop() { try { await this.#run({ drop: this.name }); return true } catch (error) { if (error.code === 26) return false; throw error } }
  async renameCollection(to, dropTarget = false) { return clean(await run('admin', { renameCollection: this.getFullName(), to: this.#db + '.' + to, dropTarget })) }
  async stats() { return clean(await answer(this.#db, { collStats: this.name })) }
  async dataSize() { return (await this.#run({ collStats: this.name })).size }
  async storageSize() { return (await this.#run({ collStats: this.name })).storageSize }
  async totalSize() { const stats = await this.#run({ collStats: this.name }); return stats.storageSize + stats.totalIndexSize }
  async totalIndexSize() { return (await this.#run({ collStats: this.name })).totalIndexSize }
  async isCapped() { return false }
  async validate() { return clean(await this.#run({ validate: this.name })) }
  async exists() { return this.database.exists(this.name) }
  explain(verbosity) { return { find: (filter) => ({ finish: () => this.find(filter).explain(verbosity), __explain: true }), aggregate: (pipeline) => run(this.#db, { explain: { aggregate: this.name, pipeline }, ...(typeof verbosity === 'string' ? { verbosity } : {}) }) } }
}

class Database {
  constructor(name) { this.name = name }
  getName() { return this.name }
  __text() { return this.name }
  toString() { return this.name }
  getMongo() { return mongo }
  getCollection(name) { return collectionProxy(this, name) }
  getSiblingDB(name) { return databaseProxy(name) }
  getSisterDB(name) { return databaseProxy(name) }
  async runCommand(command, value) { return clean(await answer(this.name, typeof command === 'string' ? { [command]: 1, ...value } : command)) }
  async adminCommand(command) { return clean(await answer('admin', typeof command === 'string' ? { [command]: 1 } : command)) }
  aggregate(pipeline) { return new Cursor({ aggregate: 1, pipeline, cursor: {} }, this.name) }
  async getCollectionNames() { const { cursor } = await run(this.name, { listCollections: 1, nameOnly: true }); return cursor.firstBatch.map(({ name }) => name) }
  async getCollectionInfos(filter) { return (await run(this.name, { listCollections: 1, ...(filter ? { filter } : {}) })).cursor.firstBatch }
  async exists(name) { return (await this.getCollectionNames()).includes(name) }
  async createCollection(name, options = {}) { return clean(await answer(this.name, { create: name, ...options })) }
  async dropDatabase() { const { ok, dropped } = await run(this.name, { dropDatabase: 1 }); return legacy ? { ...(dropped ? { dropped } : {}), ok } : { ok, ...(dropped ? { dropped } : {}) } }
  async stats() { return clean(await answer(this.name, { dbStats: 1 })) }
  async serverStatus() { return clean(await answer('admin', { serverStatus: 1 })) }
  async hello() { return clean(await answer('admin', { hello: 1 })) }
  async isMaster() { return clean(await answer('admin', { isMaster: 1 })) }
  async version() { return (await run('admin', { buildInfo: 1 })).version }
  async serverBuildInfo() { return clean(await answer('admin', { buildInfo: 1 })) }
  async hostInfo() { return clean(await answer('admin', { hostInfo: 1 })) }
  async serverCmdLineOpts() { return clean(await answer('admin', { getCmdLineOpts: 1 })) }
  async currentOp() { return clean(await answer('admin', { currentOp: 1 })) }
  async getReplicationInfo() { const cursor = new Cursor({ find: 'oplog.rs', filter: {}, sort: { $natural: 1 } }, 'local'); const entries = await cursor.toArray(); const first = entries[0]; const last = entries[entries.length - 1]; return { timeDiff: last ? last.ts.t - first.ts.t : 0, tFirst: String(first?.wall), tLast: String(last?.wall) } }
  async shutdownServer() { try { await run('admin', { shutdown: 1 }) } catch (error) { if (error.name === 'MongoServerError') throw error } print('server should be down...') }
  async createUser({ user, pwd, roles, ...rest }) { const reply = await run(this.name, { createUser: user, pwd, roles, ...rest }); if (legacy) { print('Successfully added user: ' + tojson({ user, roles })); return undefined } return clean(reply) }
  async dropUser(user) { const reply = await run(this.name, { dropUser: user }); return legacy ? true : clean(reply) }
  async updateUser(user, changes) { return clean(await run(this.name, { updateUser: user, ...changes })) }
  async changeUserPassword(user, pwd) { return clean(await run(this.name, { updateUser: user, pwd })) }
  async grantRolesToUser(user, roles) { return clean(await run(this.name, { grantRolesToUser: user, roles })) }
  async getUser(user) { return (await run(this.name, { usersInfo: user })).users[0] ?? null }
  async getUsers() { const reply = await run(this.name, { usersInfo: 1 }); return legacy ? reply.users : clean(reply) }
  async auth(user, password) { if (user && typeof user === 'object') { password = user.pwd; user = user.user } await globalThis.__login(this.name, user, password); return legacy ? 1 : { ok: 1 } }
  async logout() { return clean(await answer(this.name, { logout: 1 })) }
  async getLastError() { return null }
  async printReplicationInfo() { print(inspect(await this.getReplicationInfo())) }
  async setSecondaryOk() { return mongo.setSecondaryOk() }
}

const collectionProxy = (database, name) => new Proxy(new Collection(database, name), { get: (target, key) => { if (typeof key === 'symbol' || key in target) { const value = target[key]; return typeof value === 'function' ? value.bind(target) : value } return key === 'then' ? undefined : collectionProxy(database, name + '.' + key) } })
function databaseProxy(name) {
  const database = new Database(name)
  return new Proxy(database, { get: (target, key) => { if (typeof key === 'symbol' || key in target) { const value = target[key]; return typeof value === 'function' ? value.bind(target) : value } return key === 'then' ? undefined : collectionProxy(target, key) } })
}

const mongo = {
  __text: () => legacy ? 'connection to ' + globalThis.__address : globalThis.__uri,
  getDB: (name) => databaseProxy(name),
  async getDBNames() { return (await run('admin', { listDatabases: 1, nameOnly: true })).databases.map(({ name }) => name) },
  async getDBs() { return clean(await answer('admin', { listDatabases: 1 })) },
  setReadPref(mode) { shell.readPreference = mode },
  getReadPrefMode: () => shell.readPreference,
  setSlaveOk() { shell.readPreference = 'secondaryPreferred' },
  setSecondaryOk() { if (shell.readPreference === 'primary') shell.readPreference = 'primaryPreferred'; else if (!legacy) print('DeprecationWarning: .setSecondaryOk() is deprecated. Use .setReadPref("primaryPreferred") instead\nSetting read preference from "primary" to "primaryPreferred"') },
}

const rs = {
  __text: () => 'Replica Set',
  async initiate(config) { return clean(await answer('admin', { replSetInitiate: config ?? {} })) },
  async status() { return clean(await answer('admin', { replSetGetStatus: 1 })) },
  async conf() { const reply = await answer('admin', { replSetGetConfig: 1 }); if (legacy && reply.ok !== 1) throw new Error('Could not retrieve replica set config: ' + tojson(reply)); return reply.config },
  async config() { return rs.conf() },
  async reconfig(config, options = {}) { const { config: old } = options.force ? { config: undefined } : await run('admin', { replSetGetConfig: 1 }); return clean(await answer('admin', { replSetReconfig: { ...config, version: (old ? old.version : config.version) + 1 }, ...options })) },
  async add(member, arbiter) {
    const config = await rs.conf().catch((error) => { if (!legacy) throw error; return undefined })
    if (!config) { const reply = await answer('admin', { replSetGetConfig: 1 }); return { ok: 0, errmsg: "rs.add couldn't load config: " + reply.errmsg, ...reply } }
    const highest = config.members.reduce((max, { _id }) => Math.max(max, Number(_id)), -1)
    const added = typeof member === 'string' ? { _id: highest + 1, host: member, ...(arbiter === true ? { arbiterOnly: true } : {}) } : { _id: highest + 1, ...member }
    return clean(await answer('admin', { replSetReconfig: { ...config, version: config.version + 1, members: [...config.members, added] } }))
  },
  async addArb(host) { return rs.add(host, true) },
  async remove(host) {
    const config = await rs.conf()
    const members = config.members.filter((member) => member.host !== host)
    if (members.length === config.members.length) throw Object.assign(new Error("Couldn't find " + host + ' in ' + JSON.stringify(config.members.map((member) => member.host)) + '. Is ' + host + ' a member of this replset?'), { name: 'MongoshInvalidInputError', codeName: 'COMMON-10001' })
    return clean(await answer('admin', { replSetReconfig: { ...config, version: config.version + 1, members } }))
  },
  async stepDown(seconds = 60) { return clean(await answer('admin', { replSetStepDown: seconds })) },
  async freeze(seconds) { return clean(await answer('admin', { replSetFreeze: seconds })) },
  async hello() { return clean(await answer('admin', { hello: 1 })) },
  async isMaster() { return clean(await answer('admin', { isMaster: 1 })) },
  slaveOk() { mongo.setSlaveOk() },
  secondaryOk() { mongo.setSecondaryOk() },
  async printSecondaryReplicationInfo() { const { members } = await rs.status(); const primary = members.find(({ state }) => state === 1); for (const member of members) if (member.state === 2) print('source: ' + member.name + '\n{\n  syncedTo: ' + quoted(String(member.optimeDate)) + ",\n  replLag: '" + (primary ? Math.max(0, primary.optime.ts.t - member.optime.ts.t) : 0) + " secs (0 hrs) behind the primary '\n}") },
  async printReplicationInfo() { return db.printReplicationInfo() },
  help() { print('Replica Set Class: rs.initiate, rs.add, rs.remove, rs.status, rs.conf, rs.reconfig, rs.stepDown, rs.freeze, rs.hello') },
}

// --- the shell's own words
const sizes = (bytes) => bytes >= 2 ** 30 ? (bytes / 2 ** 30).toFixed(2) + ' GiB' : bytes >= 2 ** 20 ? (bytes / 2 ** 20).toFixed(2) + ' MiB' : (bytes / 1024).toFixed(2) + ' KiB'
async function showCommand(what) {
  switch (what) {
    case 'dbs': case 'databases': {
      const { databases } = await run('admin', { listDatabases: 1 })
      const width = databases.reduce((max, { name }) => Math.max(max, name.length), 0)
      for (const { name, sizeOnDisk } of databases) print(legacy ? name.padEnd(width) + '  ' + (sizeOnDisk / 2 ** 30).toFixed(3) + 'GB' : name.padEnd(width) + '  ' + sizes(sizeOnDisk).padStart(databases.reduce((max, each) => Math.max(max, sizes(each.sizeOnDisk).length), 0)))
      return
    }
    case 'collections': case 'tables': for (const name of await databaseProxy(shell.database).getCollectionNames()) print(name); return
    case 'users': { const { users } = await run(shell.database, { usersInfo: 1 }); if (legacy) for (const user of users) print(tojson(user)); else print(inspect(users)); return }
    case 'profile': print("db.system.profile is empty.\nUse db.setProfilingLevel(1) will enable profiling.\nUse db.system.profile.find() to show raw profile entries."); return
    case 'log': case 'logs': print(inspect(['global', 'startupWarnings'])); return
    default: throw Object.assign(new Error("'" + what + "' is not a valid argument for \"show\"."), { name: 'MongoshInvalidInputError', codeName: 'COMMON-10001' })
  }
}
async function display(value) {
  if (value === undefined) return
  if (value instanceof Cursor) return value.page()
  if (value && value.__explain === true) value = await value.finish()
  if (legacy) { if (value === null) print('null'); else print(typeof value === 'string' ? value : tojson(value)); return }
  print(typeof value === 'string' ? value : inspect(value))
}

Object.assign(globalThis, {
  print, printjson: (value) => print(legacy ? tojson(value) : inspect(value)), printjsononeline: (value) => print(tojson(value, '', true)), tojson: (value) => legacy ? tojson(value) : inspect(value), tojsononeline: (value) => tojson(value, '', true), console: { log: print, error: print, info: print, warn: print, debug: print },
  ObjectId: callable(ObjectId), ObjectID: callable(ObjectId), ISODate: (text) => text === undefined ? new Date(globalThis.__now()) : new Date(text), NumberInt: (value) => new Int32(value ?? 0), NumberLong: (value) => new Long(value ?? 0), Long: callable(Long), Int32: callable(Int32), NumberDecimal: (text) => new Decimal128(text ?? '0'), Decimal128: callable(Decimal128), Double: (value) => Number(value), Timestamp: callable(Timestamp), MinKey: callable(MinKey), MaxKey: callable(MaxKey), BinData: (type, base64) => new Binary(base64, type.toString(16).padStart(2, '0')),
  UUID: uuid, rs, sh: { status() { throw Object.assign(new Error('This db does not have sharding enabled. Be sure you are connecting to a mongos from the shell and not to a mongod.'), { name: 'MongoshInvalidInputError', codeName: 'SHAPI-10003' }) } }, sleep: (ms) => globalThis.__sleep(ms), quit: (code) => globalThis.__quit(code ?? 0), exit: (code) => globalThis.__quit(code ?? 0), load: (file) => globalThis.__load(file), Mongo: function () { return mongo }, connect: () => databaseProxy(shell.database), hostname: () => globalThis.__hostname, version: () => globalThis.__version, disableTelemetry: () => 'Telemetry is now disabled.', enableTelemetry: () => 'Telemetry is now enabled.', passwordPrompt: () => '',
  __use(name) { shell.database = name; globalThis.db = databaseProxy(name); print((legacy || globalThis.__was === name ? legacy ? 'switched to db ' : 'already on db ' : 'switched to db ') + name); globalThis.__was = name },
  __show: showCommand, __displayed: display, __evaluated: async (value) => { if (value instanceof Cursor && legacy) print(String(value)); else if (legacy && value && typeof value === 'object') print(String(value)); else await display(value) },
  __it: async () => { if (shell.more) await shell.more.page(); else print(legacy ? 'no cursor' : 'no cursor') }, __currentDatabase: () => shell.database,
  __failure: (error) => error instanceof Error ? special(error) : inspect(error),
})
globalThis.__was = shell.database
globalThis.db = databaseProxy(shell.database)
const RealDate = Date
globalThis.Date = new Proxy(RealDate, { construct: (target, args) => args.length === 0 ? new target(globalThis.__now()) : new target(...args), apply: () => String(new RealDate(globalThis.__now())), get: (target, key) => key === 'now' ? () => globalThis.__now() : target[key] })
Math.random = () => globalThis.__random()
})()
`
