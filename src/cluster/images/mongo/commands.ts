/** Commands of mongod on data, about data and about itself. Those of replica sets are in replica-commands.ts. */
import { ObjectId, deserialize, serialize } from 'bson'
import type { Document } from 'bson'
import { Aggregator, ProcessingMode, Query, update } from 'mingo'
import { MongoError } from './mongo-error.ts'
import type { ClientSession, MongoServer } from './mongod.ts'
import { keyOf, valueAt } from './store.ts'
import type { Collection, Index } from './store.ts'

export interface CommandContext {
  server: MongoServer
  session: ClientSession
  database: string
  command: Document
}

export interface Command {
  run(context: CommandContext): Document | Promise<Document>
  /** Changes data: only a primary takes it, and waits for the others to have it. */
  write?: true
  /** Reads data: a secondary answers only who said that it may be one. */
  read?: true
  /** Answered before anybody has logged in. */
  open?: true
}

const clone = (document: Document): Document => deserialize(serialize(document, { ignoreUndefined: true }))
const FIRST_BATCH = 101
/** Documents that are looked at between two looks at the clock. */
const BREATH = 500

/** What mingo complains of, in mongod's words. */
function queryError(error: unknown): never {
  if (error instanceof MongoError || !(error instanceof Error)) throw error
  const unknown = /unknown (?:query )?operator (\$\w+)/i.exec(error.message)
  throw new MongoError(2, unknown ? `unknown operator: ${unknown[1]}` : error.message)
}

function nameOf({ database, command }: CommandContext, name: string): string {
  const collection = command[name] as unknown
  if (typeof collection !== 'string' || collection === '') throw new MongoError(73, `Invalid namespace specified '${database}.${String(collection ?? '')}'`)
  return `${database}.${collection}`
}

function queryOf(filter: unknown): Query {
  try { return new Query((filter ?? {}) as Document, { processingMode: ProcessingMode.CLONE_OFF } as never) } catch (error) { return queryError(error) }
}

/** Documents that a filter finds, in natural order. */
async function matching(context: CommandContext, ns: string, filter: unknown, limit = Infinity): Promise<Document[]> {
  const { server } = context
  const virtual = ns === 'local.oplog.rs' ? server.store.oplog as unknown as Document[] : undefined
  const collection = server.store.collection(ns)
  const query = queryOf(filter)
  const id = (filter as Document | undefined)?._id as unknown
  const simple = id !== undefined && (typeof id !== 'object' || id === null || '_bsontype' in id)
  const candidates: Iterable<Document> = virtual ?? (simple ? [collection?.documents.get(keyOf(id))].filter((each): each is Document => each !== undefined) : collection?.documents.values() ?? [])
  const out: Document[] = []
  let n = 0
  for (const document of candidates) {
    if (++n % BREATH === 0) await server.proc.clock.breathe()
    try { if (query.test(document)) out.push(document) } catch (error) { queryError(error) }
    if (out.length >= limit) break
  }
  return out
}

function aggregate(context: CommandContext, pipeline: Document[], documents: Document[]): Document[] {
  try {
    return new Aggregator(pipeline, { processingMode: ProcessingMode.CLONE_INPUT, collectionResolver: (name: string) => [...context.server.store.collection(`${context.database}.${name}`)?.documents.values() ?? []] } as never).run(documents as never) as Document[]
  } catch (error) { return queryError(error) }
}

/** A reply with the first documents; the rest waits for getMore. */
function cursorReply({ server }: CommandContext, ns: string, documents: Document[], batchSize = FIRST_BATCH, single = false): Document {
  const firstBatch = documents.slice(0, batchSize)
  const rest = documents.slice(batchSize)
  return { cursor: { firstBatch, id: rest.length > 0 && !single ? server.keepCursor(ns, rest) : 0, ns } }
}

const number = (value: unknown, otherwise: number): number => value === undefined || value === null ? otherwise : Number(value)

/** Documents with the fields of a projection, in the documents' own order. */
function project(context: CommandContext, documents: Document[], projection: Document | undefined): Document[] {
  if (!projection || Object.keys(projection).length === 0) return documents
  return documents.map((document) => {
    const [made] = aggregate(context, [{ $project: projection }], [document])
    const names = Object.keys(document)
    const place = (name: string) => { const at = names.indexOf(name); return at < 0 ? names.length : at }
    return Object.fromEntries(Object.entries(made!).sort(([a], [b]) => place(a) - place(b)))
  })
}

async function find(context: CommandContext): Promise<Document> {
  const { command, server } = context
  const ns = nameOf(context, 'find')
  if (ns === 'local.oplog.rs' && command.awaitData) await server.replicaSet?.awaitOplog(command, context.session)
  const plain = !command.sort
  const skip = number(command.skip, 0)
  const limit = Math.abs(number(command.limit, 0)) || Infinity
  let documents = await matching(context, ns, command.filter, plain ? skip + limit : Infinity)
  const stages: Document[] = []
  const sort = command.sort as Document | undefined
  if (sort && Object.keys(sort).length > 0 && !('$natural' in sort)) stages.push({ $sort: sort })
  else if (sort && number(sort.$natural, 1) < 0) documents = [...documents].reverse()
  if (skip > 0) stages.push({ $skip: skip })
  if (limit !== Infinity) stages.push({ $limit: limit })
  if (stages.length > 0) documents = aggregate(context, stages, documents)
  return cursorReply(context, ns, project(context, documents, command.projection as Document | undefined), number(command.batchSize, FIRST_BATCH), command.singleBatch === true)
}

function insert(context: CommandContext): Document {
  const { server, command } = context
  const ns = nameOf(context, 'insert')
  const writeErrors: Document[] = []
  let n = 0
  for (const [index, given] of (command.documents as Document[]).entries()) {
    const document = '_id' in given ? given : { _id: server.newId(), ...given }
    try {
      server.store.checkUnique(ns, document)
      server.write({ op: 'i', ns, o: document })
      n += 1
    } catch (error) {
      if (!(error instanceof MongoError)) throw error
      writeErrors.push({ index, code: error.code, ...error.more, errmsg: error.message })
      if (command.ordered !== false) break
    }
  }
  return { n, ...(writeErrors.length > 0 ? { writeErrors } : {}) }
}

/** A document after an update. @throws MongoError */
function changed(context: CommandContext, document: Document, modification: Document | Document[], arrayFilters?: Document[], onInsert = false): Document {
  if (Array.isArray(modification)) return aggregate(context, modification, [document])[0]!
  const names = Object.keys(modification)
  if (!names.some((name) => name.startsWith('$'))) return { _id: document._id as unknown, ...modification, ...(modification._id === undefined ? { _id: document._id as unknown } : {}) }
  const copy = clone(document)
  const { $setOnInsert, $currentDate, $inc, $mul, ...others } = modification
  const wrong = names.find((name) => !['$set', '$unset', '$inc', '$mul', '$push', '$pull', '$pullAll', '$pop', '$addToSet', '$rename', '$min', '$max', '$bit', '$setOnInsert', '$currentDate'].includes(name))
  if (wrong) throw new MongoError(9, `Unknown modifier: ${wrong}. Expected a valid update modifier or pipeline-style update specified as an array`)
  if ($currentDate) others.$set = { ...others.$set as Document, ...Object.fromEntries(Object.keys($currentDate as Document).map((field) => [field, new Date(Math.floor(context.server.proc.clock.nowMs()))])) }
  if ($setOnInsert && onInsert) others.$set = { ...others.$set as Document, ...$setOnInsert as Document }
  for (const [name, fields] of [['$inc', $inc], ['$mul', $mul]] as const) {
    for (const [field, by] of Object.entries((fields ?? {}) as Document)) {
      const old = valueAt(copy, field)
      if (typeof by !== 'number') throw new MongoError(14, `Cannot ${name === '$inc' ? 'increment' : 'multiply'} with non-numeric argument: {${field}: ${JSON.stringify(by)}}`)
      if (old !== undefined && typeof old !== 'number') throw new MongoError(14, `Cannot apply ${name} to a value of non-numeric type. {_id: ${typeof copy._id === 'object' ? `ObjectId('${String(copy._id)}')` : JSON.stringify(copy._id)}} has the field '${field}' of non-numeric type ${Array.isArray(old) ? 'array' : old === null ? 'null' : typeof old}`)
    }
    if (fields) others[name] = fields
  }
  try { if (Object.keys(others).length > 0) update(copy as never, others as never, arrayFilters ?? []) } catch (error) { queryError(error) }
  return copy
}

interface Changed { matched: number; modified: number; upserted?: unknown; before?: Document; after?: Document }

async function updateDocuments(context: CommandContext, ns: string, { q, u, multi, upsert, arrayFilters, sort }: Document): Promise<Changed> {
  const { server } = context
  if (multi && !Array.isArray(u) && !Object.keys(u as Document).some((name) => name.startsWith('$'))) throw new MongoError(9, 'multi update is not supported for replacement-style update')
  let found = await matching(context, ns, q, multi || sort ? Infinity : 1)
  if (sort && Object.keys(sort as Document).length > 0) found = aggregate(context, [{ $sort: sort as Document }], found).slice(0, multi ? undefined : 1)
  const out: Changed = { matched: found.length, modified: 0 }
  for (const document of found) {
    const after = changed(context, document, u as Document, arrayFilters as Document[] | undefined)
    if (keyOf(after._id) !== keyOf(document._id)) throw new MongoError(66, `After applying the update, the (immutable) field '_id' was found to have been altered to _id: ${String(after._id)}`)
    out.before = document
    out.after = after
    if (keyOf(after) === keyOf(document)) continue
    server.store.checkUnique(ns, after, keyOf(document._id))
    server.write({ op: 'u', ns, o: after, o2: { _id: document._id as unknown } })
    out.modified += 1
  }
  if (found.length === 0 && upsert) {
    const fields = Object.fromEntries(Object.entries((q ?? {}) as Document).flatMap(([name, value]): [string, unknown][] => name.startsWith('$') ? [] : value && typeof value === 'object' && !('_bsontype' in value) && !(value instanceof Date) && Object.keys(value as object).some((key) => key.startsWith('$')) ? '$eq' in value ? [[name, value.$eq]] : [] : [[name, value as unknown]]))
    // The library lets nothing set an identifier, which a new document may well have from the query.
    const { _id: wanted, ...others } = fields
    const seed: Document = wanted === undefined ? {} : { _id: wanted }
    if (Object.keys(others).length > 0) update(seed as never, { $set: others } as never, [])
    let document = changed(context, seed, u as Document, undefined, true)
    if (document._id === undefined) document = { _id: fields._id ?? server.newId(), ...Object.fromEntries(Object.entries(document).filter(([name]) => name !== '_id')) }
    server.store.checkUnique(ns, document)
    server.write({ op: 'i', ns, o: document })
    out.upserted = document._id
    out.after = document
  }
  return out
}

async function updateCommand(context: CommandContext): Promise<Document> {
  const ns = nameOf(context, 'update')
  const reply: Document = { n: 0, nModified: 0 }
  for (const [index, each] of (context.command.updates as Document[]).entries()) {
    try {
      const { matched, modified, upserted } = await updateDocuments(context, ns, each)
      reply.n += matched + (upserted === undefined ? 0 : 1)
      reply.nModified += modified
      if (upserted !== undefined) (reply.upserted ??= []).push({ index, _id: upserted })
    } catch (error) {
      if (!(error instanceof MongoError)) throw error;
      (reply.writeErrors ??= []).push({ index, code: error.code, ...error.more, errmsg: error.message })
      if (context.command.ordered !== false) break
    }
  }
  return reply
}

async function deleteCommand(context: CommandContext): Promise<Document> {
  const ns = nameOf(context, 'delete')
  let n = 0
  for (const { q, limit } of context.command.deletes as Document[]) {
    for (const document of await matching(context, ns, q, Number(limit) === 1 ? 1 : Infinity)) {
      context.server.write({ op: 'd', ns, o: { _id: document._id as unknown } })
      n += 1
    }
  }
  return { n }
}

async function findAndModify(context: CommandContext): Promise<Document> {
  const { command, server } = context
  const ns = nameOf(context, 'findAndModify' in command ? 'findAndModify' : 'findandmodify')
  const shown = (document: Document | undefined) => document === undefined ? null : project(context, [document], command.fields as Document | undefined)[0]!
  if (command.remove) {
    const sorted = await matching(context, ns, command.query)
    const [document] = command.sort ? aggregate(context, [{ $sort: command.sort as Document }], sorted) : sorted
    if (document) server.write({ op: 'd', ns, o: { _id: document._id as unknown } })
    return { lastErrorObject: { n: document ? 1 : 0 }, value: shown(document) }
  }
  const { matched, upserted, before, after } = await updateDocuments(context, ns, { q: command.query, u: command.update, upsert: command.upsert, sort: command.sort, arrayFilters: command.arrayFilters })
  return { lastErrorObject: { n: matched + (upserted === undefined ? 0 : 1), updatedExisting: matched > 0, ...(upserted === undefined ? {} : { upserted }) }, value: shown(command.new ? after : before) }
}

async function aggregateCommand(context: CommandContext): Promise<Document> {
  const { command, server, database } = context
  const whole = Number(command.aggregate) === 1
  const ns = whole ? `${database}.$cmd.aggregate` : nameOf(context, 'aggregate')
  if (!command.cursor && !command.explain) throw new MongoError(9, "The 'cursor' option is required, except for aggregate with the explain argument")
  const pipeline = [...command.pipeline as Document[]]
  const bad = pipeline.find((stage) => Object.keys(stage).length !== 1)
  if (bad) throw new MongoError(40323, 'A pipeline stage specification object must contain exactly one field.')
  const name = pipeline.map((stage) => Object.keys(stage)[0]!).find((each) => !STAGES.has(each))
  if (name) throw new MongoError(40324, `Unrecognized pipeline stage name: '${name}'`)
  const last = pipeline[pipeline.length - 1]
  const output = last && ('$out' in last || '$merge' in last) ? pipeline.pop() : undefined
  let documents: Document[]
  if (pipeline[0]?.$match) documents = await matching(context, ns, pipeline.shift()!.$match)
  else if (pipeline[0]?.$collStats || pipeline[0]?.$indexStats) documents = [{ ns, count: server.store.collection(ns)?.documents.size ?? 0 }]
  else documents = whole ? [] : await matching(context, ns, {})
  if (pipeline[0]?.$collStats || pipeline[0]?.$indexStats) pipeline.shift()
  const result = pipeline.length > 0 ? aggregate(context, pipeline, documents) : documents
  if (!output) return cursorReply(context, ns, result, number((command.cursor as Document | undefined)?.batchSize, FIRST_BATCH))
  const target = (output.$out ?? (output.$merge as Document).into ?? output.$merge) as string | Document
  const to = typeof target === 'string' ? `${database}.${target}` : `${String(target.db)}.${String(target.coll)}`
  if (output.$out && server.store.collection(to)) server.write({ op: 'c', ns: `${to.slice(0, to.indexOf('.'))}.$cmd`, o: { drop: to.slice(to.indexOf('.') + 1) } })
  for (const document of result) server.write({ op: server.store.collection(to)?.documents.has(keyOf(document._id)) ? 'u' : 'i', ns: to, o: document, o2: { _id: document._id as unknown } })
  return cursorReply(context, to, [])
}

const STAGES = new Set(['$addFields', '$bucket', '$bucketAuto', '$collStats', '$count', '$densify', '$documents', '$facet', '$fill', '$graphLookup', '$group', '$indexStats', '$limit', '$lookup', '$match', '$merge', '$out', '$project', '$redact', '$replaceRoot', '$replaceWith', '$sample', '$set', '$setWindowFields', '$skip', '$sort', '$sortByCount', '$unionWith', '$unset', '$unwind'])

const isHidden = (name: string) => name.startsWith('system.')

function sizeOf(collection: Collection): number {
  let bytes = 0
  for (const document of collection.documents.values()) bytes += serialize(document, { ignoreUndefined: true }).length
  return bytes
}

const storageSize = (bytes: number) => Math.max(4096, Math.ceil(bytes / 4096) * 4096 + (bytes > 0 ? 16_384 : 0))

const indexSize = ({ documents }: Collection) => documents.size > 0 ? 20_480 : 4096

function listDatabases({ server, command }: CommandContext): Document {
  const all = [...server.store.databases.keys(), ...server.oplogExists && !server.store.databases.has('local') ? ['local'] : []].sort()
  const databases = all.map((name) => {
    const sizeOnDisk = [...server.store.databases.get(name)?.values() ?? []].reduce((sum, collection) => sum + storageSize(sizeOf(collection)) + indexSize(collection) * collection.indexes.length, 0)
    return { name, sizeOnDisk, empty: false }
  })
  if (command.nameOnly) return { databases: databases.map(({ name }) => ({ name })) }
  const totalSize = databases.reduce((sum, { sizeOnDisk }) => sum + sizeOnDisk, 0)
  return { databases, totalSize, totalSizeMb: Math.floor(totalSize / 2 ** 20) }
}

function listCollections(context: CommandContext): Document {
  const { server, database, command } = context
  const all = [...server.store.databases.get(database)?.values() ?? []].filter(({ name }) => database === 'local' || database === 'admin' || !isHidden(name))
  const names = database === 'local' && server.oplogExists ? [...all.map(({ name }) => name), 'oplog.rs'] : all.map(({ name }) => name)
  const query = command.filter ? queryOf(command.filter) : undefined
  const list = names.sort().map((name) => ({ name, type: 'collection', options: server.store.collection(`${database}.${name}`)?.options ?? {}, info: { readOnly: false }, idIndex: { v: 2, key: { _id: 1 }, name: '_id_' } })).filter((each) => !query || query.test(each as never))
  return cursorReply(context, `${database}.$cmd.listCollections`, list, 1000)
}

function createIndexes(context: CommandContext): Document {
  const { server, command, database } = context
  const ns = nameOf(context, 'createIndexes')
  const existed = server.store.collection(ns)
  const before = existed?.indexes.length ?? 1
  let made = 0
  for (const given of command.indexes as Document[]) {
    const key = given.key as Record<string, unknown>
    if (Object.keys(key).length === 0) throw new MongoError(67, 'Index keys cannot be an empty object')
    for (const [field, direction] of Object.entries(key)) if (direction === 0 || (typeof direction === 'string' && !['text', '2d', '2dsphere', 'hashed'].includes(direction))) throw new MongoError(67, `Error in specification { ${field}: ${JSON.stringify(direction)} } :: caused by :: ${direction === 0 ? 'Values in the index key pattern cannot be 0.' : `Unknown index plugin '${String(direction)}'`}`)
    const name = (given.name as string | undefined) ?? Object.entries(key).map(([field, direction]) => `${field}_${String(direction)}`).join('_')
    const same = server.store.collection(ns)?.indexes.find((index) => index.name === name || keyOf(index.key) === keyOf(key))
    if (same) {
      if (same.name !== name) throw new MongoError(85, `Index already exists with a different name: ${same.name}`)
      if (keyOf(same.key) !== keyOf(key)) throw new MongoError(86, `An existing index has the same name as the requested index. When index names are not specified, they are auto generated and can cause conflicts. Please refer to our documentation. Requested index: { v: 2, key: ${JSON.stringify(key)}, name: "${name}" }, existing index: { v: 2, key: ${JSON.stringify(same.key)}, name: "${same.name}" }`)
      continue
    }
    const spec: Index = { v: 2, key, name, ...(given.unique ? { unique: true } : {}), ...(given.sparse ? { sparse: true } : {}), ...(given.expireAfterSeconds === undefined ? {} : { expireAfterSeconds: Number(given.expireAfterSeconds) }) }
    if (spec.unique) {
      const seen = new Set<string>()
      for (const document of server.store.collection(ns)?.documents.values() ?? []) {
        const values = keyOf(Object.keys(key).map((field) => valueAt(document, field) ?? null))
        if (seen.has(values)) throw new MongoError(11000, `Index build failed: ${String(new ObjectId(new Uint8Array(12)))}: Collection ${ns} ( ${server.instanceId} ) :: caused by :: E11000 duplicate key error collection: ${ns} index: ${name} dup key: { ${Object.keys(key).map((field) => `${field}: ${JSON.stringify(valueAt(document, field) ?? null)}`).join(', ')} }`)
        seen.add(values)
      }
    }
    server.write({ op: 'c', ns: `${database}.$cmd`, o: { createIndexes: ns.slice(database.length + 1), spec } })
    made += 1
  }
  return { numIndexesBefore: before, numIndexesAfter: before + made, createdCollectionAutomatically: existed === undefined, ...(made === 0 ? { note: 'all indexes already exist' } : {}) }
}

function dropIndexes(context: CommandContext): Document {
  const { server, command, database } = context
  const ns = nameOf(context, 'dropIndexes')
  const collection = server.store.collection(ns)
  if (!collection) throw new MongoError(26, `ns not found ${ns}`)
  const nIndexesWas = collection.indexes.length
  const wanted = command.index as string | Document
  const names = wanted === '*' ? collection.indexes.slice(1).map(({ name }) => name) : [typeof wanted === 'string' ? wanted : collection.indexes.find(({ key }) => keyOf(key) === keyOf(wanted))?.name ?? `{ ${Object.entries(wanted).map(([field, direction]) => `${field}: ${String(direction)}`).join(', ')} }`]
  for (const name of names) {
    if (name === '_id_') throw new MongoError(72, 'cannot drop _id index')
    if (!collection.indexes.some((index) => index.name === name)) throw new MongoError(27, typeof wanted === 'string' ? `index not found with name [${name}]` : `can't find index with key: ${name}`)
    server.write({ op: 'c', ns: `${database}.$cmd`, o: { dropIndexes: collection.name, index: name } })
  }
  return { nIndexesWas }
}

function serverStatus({ server }: CommandContext): Document {
  const uptimeMs = server.proc.clock.nowMs() - server.startedMs
  return {
    host: `${server.proc.machine.hostname}${server.port === 27017 ? '' : `:${server.port}`}`, version: server.version, process: 'mongod', pid: server.proc.pid, uptime: Math.floor(uptimeMs / 1000), uptimeMillis: Math.floor(uptimeMs), uptimeEstimate: Math.floor(uptimeMs / 1000), localTime: new Date(Math.floor(server.proc.clock.nowMs())),
    connections: { current: server.sessions.size, totalCreated: server.connectionCount }, network: { numRequests: server.counters.messages },
    opcounters: { insert: server.counters.insert, query: server.counters.query, update: server.counters.update, delete: server.counters.delete, getmore: server.counters.getmore, command: server.counters.command }, ...(server.replicaSet ? { repl: server.replicaSet.hello() } : {}), storageEngine: { name: 'wiredTiger', supportsCommittedReads: true, persistent: true, readOnly: false },
  }
}

/** The one parameter that is known here. @throws MongoError 72 */
function getParameter({ server, command }: CommandContext): Document {
  if (command.getParameter !== '*' && command.featureCompatibilityVersion === undefined) throw new MongoError(72, 'no option found to get')
  return { featureCompatibilityVersion: { version: server.version.split('.').slice(0, 2).join('.') } }
}

/** Options of a new collection that would have no effect here. */
const UNSUPPORTED_COLLECTIONS = ['viewOn', 'pipeline', 'validator', 'timeseries', 'collation', 'capped', 'clusteredIndex', 'expireAfterSeconds']

const simple = (run: (context: CommandContext) => Document): Command => ({ run })

/** By name. Names are case-sensitive, but for some old ones that exist in two forms. */
export const dataCommands: Readonly<Record<string, Command>> = {
  find: { run: find, read: true }, aggregate: { run: aggregateCommand, read: true }, insert: { run: insert, write: true }, update: { run: updateCommand, write: true }, delete: { run: deleteCommand, write: true }, findAndModify: { run: findAndModify, write: true }, findandmodify: { run: findAndModify, write: true },
  count: { read: true, run: async (context) => ({ n: (await matching(context, nameOf(context, 'count'), context.command.query)).slice(number(context.command.skip, 0)).slice(0, number(context.command.limit, 0) || undefined).length }) },
  distinct: { read: true, run: async (context) => {
    const seen = new Map<string, unknown>()
    for (const document of await matching(context, nameOf(context, 'distinct'), context.command.query)) { const value = valueAt(document, String(context.command.key)); for (const each of Array.isArray(value) ? value as unknown[] : value === undefined ? [] : [value]) seen.set(keyOf(each), each) }
    return { values: [...seen.values()].sort((a, b) => typeof a === typeof b && (a as number) < (b as number) ? -1 : 1) }
  } },
  getMore: simple(({ server, command }) => server.nextBatch(Number(command.getMore), number(command.batchSize, 1000))), killCursors: simple(({ command }) => ({ cursorsKilled: command.cursors as unknown[], cursorsNotFound: [], cursorsAlive: [], cursorsUnknown: [] })),
  listDatabases: { run: listDatabases, read: true }, listCollections: { run: listCollections, read: true },
  listIndexes: { read: true, run: (context) => {
    const ns = nameOf(context, 'listIndexes')
    const collection = context.server.store.collection(ns)
    if (!collection) throw new MongoError(26, `ns does not exist: ${ns}`)
    return cursorReply(context, ns, collection.indexes as unknown as Document[], 1000)
  } },
  create: { write: true, run: (context) => {
    const ns = nameOf(context, 'create')
    if (context.server.store.collection(ns)) throw new MongoError(48, `Collection ${ns} already exists.`)
    const wrong = UNSUPPORTED_COLLECTIONS.find((name) => context.command[name] !== undefined && context.command[name] !== false)
    if (wrong !== undefined) throw new MongoError(115, `create with '${wrong}' is not supported by this server`)
    context.server.write({ op: 'c', ns: `${context.database}.$cmd`, o: { create: context.command.create as unknown } })
    return {}
  } },
  drop: { write: true, run: (context) => {
    const ns = nameOf(context, 'drop')
    const collection = context.server.store.collection(ns)
    if (!collection) { if (context.server.old) throw new MongoError(26, 'ns not found'); return {} }
    context.server.write({ op: 'c', ns: `${context.database}.$cmd`, o: { drop: collection.name } })
    return { nIndexesWas: collection.indexes.length, ns }
  } },
  dropDatabase: { write: true, run: ({ server, database }) => {
    if (!server.store.databases.has(database)) return {}
    server.write({ op: 'c', ns: `${database}.$cmd`, o: { dropDatabase: 1 } })
    return { dropped: database }
  } },
  renameCollection: { write: true, run: ({ server, command }) => {
    const [from, to] = [String(command.renameCollection), String(command.to)]
    if (!server.store.collection(from)) throw new MongoError(26, `Source collection ${from} does not exist`)
    if (server.store.collection(to) && !command.dropTarget) throw new MongoError(48, 'target namespace exists')
    server.write({ op: 'c', ns: 'admin.$cmd', o: { renameCollection: from, to } })
    return {}
  } },
  createIndexes: { run: createIndexes, write: true }, dropIndexes: { run: dropIndexes, write: true }, deleteIndexes: { run: dropIndexes, write: true },
  collStats: { read: true, run: (context) => {
    const ns = nameOf(context, 'collStats')
    const collection = context.server.store.collection(ns)
    const size = collection ? sizeOf(collection) : 0
    const count = collection?.documents.size ?? 0
    return { ns, size, count, ...(count > 0 ? { avgObjSize: Math.floor(size / count) } : {}), storageSize: storageSize(size), nindexes: collection?.indexes.length ?? 0, totalIndexSize: collection ? indexSize(collection) * collection.indexes.length : 0, indexSizes: Object.fromEntries((collection?.indexes ?? []).map(({ name }) => [name, indexSize(collection!)])), capped: false, scaleFactor: 1 }
  } },
  dbStats: { read: true, run: ({ server, database }) => {
    const all = [...server.store.databases.get(database)?.values() ?? []]
    const dataSize = all.reduce((sum, each) => sum + sizeOf(each), 0)
    const objects = all.reduce((sum, { documents }) => sum + documents.size, 0)
    return { db: database, collections: all.length, views: 0, objects, avgObjSize: objects > 0 ? dataSize / objects : 0, dataSize, storageSize: all.reduce((sum, each) => sum + storageSize(sizeOf(each)), 0), indexes: all.reduce((sum, { indexes }) => sum + indexes.length, 0), indexSize: all.reduce((sum, each) => sum + each.indexes.length * indexSize(each), 0), scaleFactor: 1 }
  } },
  ping: { run: () => ({}), open: true }, buildInfo: { run: ({ server }) => server.buildInfo(), open: true }, buildinfo: { run: ({ server }) => server.buildInfo(), open: true }, serverStatus: simple(serverStatus),
  whatsmyuri: simple(({ session }) => ({ you: `${session.remote.ip}:${session.remote.port}` })), getParameter: simple(getParameter), getCmdLineOpts: simple(({ server }) => ({ argv: [...server.proc.argv], parsed: {} })),
  getLog: simple(({ command, server }) => command.getLog === 'startupWarnings' ? { totalLinesWritten: server.startupWarnings.length, log: server.startupWarnings } : { totalLinesWritten: 0, log: [] }), hostInfo: simple(({ server }) => ({ system: { currentTime: new Date(Math.floor(server.proc.clock.nowMs())), hostname: server.proc.machine.hostname, cpuAddrSize: 64, numCores: server.proc.machine.hardware.cpus }, os: { type: 'Linux', name: 'Ubuntu', version: '24.04' } })),
  atlasVersion: simple(() => { throw new MongoError(59, "no such command: 'atlasVersion'") }), endSessions: { run: () => ({}), open: true }, logout: { run: ({ session }) => { session.user = undefined; return {} }, open: true }, isdbgrid: { run: () => { throw new MongoError(59, "no such command: 'isdbgrid'") }, open: true },
  connectionStatus: { run: ({ session }) => ({ authInfo: { authenticatedUsers: session.user ? [{ user: session.user.user, db: session.user.db }] : [], authenticatedUserRoles: session.user?.roles ?? [] } }), open: true },
  shutdown: simple(({ server, database }) => { if (database !== 'admin') throw new MongoError(13, 'shutdown may only be run against the admin database.'); server.stop(); return {} }), fsync: simple(({ server }) => { server.store.checkpoint(); return { numFiles: 1 } }), explain: simple(({ command, database, server }) => {
    const inner = command.explain as Document
    if (command.verbosity !== undefined && command.verbosity !== 'queryPlanner') throw new MongoError(115, `explain with verbosity '${String(command.verbosity)}' is not supported by this server`)
    const ns = `${database}.${String(inner.find ?? inner.count ?? inner.aggregate)}`
    const stage = Object.keys((inner.filter ?? {}) as Document).join() === '_id' ? 'IDHACK' : 'COLLSCAN'
    return { explainVersion: '1', queryPlanner: { namespace: ns, parsedQuery: inner.filter ?? {}, winningPlan: { stage, ...(stage === 'COLLSCAN' ? { direction: 'forward' } : {}) }, rejectedPlans: [] }, command: inner, serverInfo: { host: server.proc.machine.hostname, port: server.port, version: server.version } }
  }),
}
