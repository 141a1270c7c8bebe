import { EJSON, Timestamp } from 'bson'
import type { Document } from 'bson'
import { UnixError } from '../../../unix/types.ts'
import type { FileSystem } from '../../../unix/types.ts'
import { MongoError } from './mongo-error.ts'

/** The journal is folded into the collections' files once it is longer, in bytes, and longer than what was written then. */
const JOURNAL_BYTES = 128 * 1024
/** Entries of the oplog that are kept. */
const OPLOG_ENTRIES = 1_000

export interface Index { v: number; key: Record<string, unknown>; name: string; unique?: boolean; sparse?: boolean; expireAfterSeconds?: number }

/** A change of the data, as the oplog has it: insert, update (the whole document), delete, command, nothing. */
export interface Operation { op: 'i' | 'u' | 'd' | 'c' | 'n'; ns: string; o: Document; o2?: Document }
/** An operation of a replica set's oplog. */
export interface OplogEntry extends Operation { ts: Timestamp; t: number; wall: Date }

/** Equal texts for equal ids. */
export const keyOf = (id: unknown): string => EJSON.stringify({ id }, { relaxed: true })

/** Documents in the order in which they came. */
export class Collection {
  readonly name: string
  readonly options: Document
  readonly documents = new Map<string, Document>()
  indexes: Index[] = [{ v: 2, key: { _id: 1 }, name: '_id_' }]
  readonly file: string
  constructor(name: string, options: Document, file: string) {
    this.name = name
    this.options = options
    this.file = file
  }
}

const isOplog = (ns: string) => ns === 'local.oplog.rs'

/** The data of one mongod, in memory and in its directory. */
export class Store {
  readonly #files: FileSystem
  readonly #directory: string
  readonly databases = new Map<string, Map<string, Collection>>()
  readonly oplog: OplogEntry[] = []
  #journalBytes = 0
  /** What the last checkpoint wrote. */
  #writtenBytes = 0
  #nextFile = 1
  readonly #dirty = new Set<Collection>()
  #waiters: (() => void)[] = []

  constructor(files: FileSystem, directory: string) {
    this.#files = files
    this.#directory = directory
  }

  #path(name: string): string { return `${this.#directory}/${name}` }

  /** Reads everything back. @throws UnixError, SyntaxError for damaged files */
  open(): void {
    this.#files.mkdir(this.#path('journal'), { recursive: true })
    if (!this.#files.exists(this.#path('WiredTiger'))) this.#files.writeFile(this.#path('WiredTiger'), 'WiredTiger\nWiredTiger 11.3.1: (December 12, 2023)\n', { mode: 0o600 })
    let catalog: { file: string; database: string; name: string; options: Document; indexes: Index[] }[] = []
    if (this.#files.exists(this.#path('_mdb_catalog.wt'))) catalog = EJSON.parse(this.#files.readText(this.#path('_mdb_catalog.wt'))) as typeof catalog
    for (const { file, database, name, options, indexes } of catalog) {
      const collection = new Collection(name, options, file)
      collection.indexes = indexes
      this.#nextFile = Math.max(this.#nextFile, Number(/\d+/.exec(file)?.[0] ?? 0) + 1)
      this.#database(database).set(name, collection)
      for (const line of this.#lines(file)) { const document = EJSON.parse(line) as Document; collection.documents.set(keyOf(document._id), document) }
    }
    for (const line of this.#lines('oplog.wt')) this.oplog.push(EJSON.parse(line) as OplogEntry)
    for (const line of this.#lines('journal/WiredTigerLog.0000000001')) {
      const entry = EJSON.parse(line) as Operation & Partial<OplogEntry>
      if (entry.ts) this.oplog.push(entry as OplogEntry)
      this.#apply(entry)
    }
    this.checkpoint()
  }

  #lines(name: string): string[] {
    try { return this.#files.readText(this.#path(name)).split('\n').filter((line) => line !== '') } catch (error) {
      if (error instanceof UnixError && error.code === 'ENOENT') return []
      throw error
    }
  }

  #database(name: string): Map<string, Collection> {
    let found = this.databases.get(name)
    if (!found) this.databases.set(name, found = new Map())
    return found
  }

  collection(ns: string): Collection | undefined {
    const dot = ns.indexOf('.')
    return this.databases.get(ns.slice(0, dot))?.get(ns.slice(dot + 1))
  }

  /** Makes a change, on disk too. */
  commit(operation: Operation | OplogEntry): void {
    this.#apply(operation)
    if ('ts' in operation) {
      this.oplog.push(operation)
      if (this.oplog.length > OPLOG_ENTRIES * 1.2) this.oplog.splice(0, this.oplog.length - OPLOG_ENTRIES)
    }
    const line = `${EJSON.stringify(operation, { relaxed: true })}\n`
    this.#files.writeFile(this.#path('journal/WiredTigerLog.0000000001'), line, { append: true, mode: 0o600 })
    this.#journalBytes += line.length
    if (this.#journalBytes > Math.max(JOURNAL_BYTES, this.#writtenBytes)) this.checkpoint()
    const waiters = this.#waiters
    this.#waiters = []
    for (const wake of waiters) wake()
  }

  /** Resolves after the next change. */
  changed(): Promise<void> { return new Promise((resolve) => this.#waiters.push(resolve)) }

  #apply({ op, ns, o, o2 }: Operation): void {
    if (isOplog(ns) || op === 'n') return
    if (op === 'c') return this.#applyCommand(ns.slice(0, ns.indexOf('.')), o)
    const collection = this.#ensure(ns)
    this.#dirty.add(collection)
    if (op === 'd') collection.documents.delete(keyOf(o._id))
    else collection.documents.set(keyOf((o2 ?? o)._id), o)
  }

  #ensure(ns: string, options: Document = {}): Collection {
    const found = this.collection(ns)
    if (found) return found
    const dot = ns.indexOf('.')
    const collection = new Collection(ns.slice(dot + 1), options, `collection-${this.#nextFile++}.wt`)
    this.#database(ns.slice(0, dot)).set(collection.name, collection)
    this.#dirty.add(collection)
    return collection
  }

  #applyCommand(database: string, command: Document): void {
    const ns = (name: unknown) => `${database}.${String(name)}`
    if ('create' in command) { const { create, ...options } = command; this.#ensure(ns(create), options) } else if ('drop' in command) this.#drop(database, String(command.drop))
    else if ('dropDatabase' in command) { for (const name of [...this.databases.get(database)?.keys() ?? []]) this.#drop(database, name); this.databases.delete(database) } else if ('createIndexes' in command) {
      const collection = this.#ensure(ns(command.createIndexes))
      const index = command.spec as Index
      collection.indexes = [...collection.indexes.filter(({ name }) => name !== index.name), index]
      this.#dirty.add(collection)
    } else if ('dropIndexes' in command) {
      const collection = this.#ensure(ns(command.dropIndexes))
      collection.indexes = collection.indexes.filter(({ name }) => name !== command.index)
      this.#dirty.add(collection)
    } else if ('renameCollection' in command) {
      const from = String(command.renameCollection)
      const to = String(command.to)
      const old = this.collection(from)
      if (!old) return
      const made = this.#ensure(to, old.options)
      made.indexes = old.indexes
      made.documents.clear()
      for (const [key, document] of old.documents) made.documents.set(key, document)
      this.#drop(from.slice(0, from.indexOf('.')), old.name)
    }
  }

  #drop(database: string, name: string): void {
    const collection = this.databases.get(database)?.get(name)
    if (!collection) return
    this.#dirty.delete(collection)
    this.databases.get(database)!.delete(name)
    if (this.databases.get(database)!.size === 0) this.databases.delete(database)
    this.#files.remove(this.#path(collection.file), { force: true })
  }

  /** Throws everything away but what is this member's own: before data are copied anew from another. */
  reset(): void {
    for (const [database, collections] of [...this.databases]) if (database !== 'local') for (const name of [...collections.keys()]) this.#drop(database, name)
    this.oplog.length = 0
    this.checkpoint()
  }

  /** Folds the journal into the collections' files. */
  checkpoint(): void {
    const catalog: Document[] = []
    for (const [database, collections] of this.databases) for (const { file, name, options, indexes } of collections.values()) catalog.push({ file, database, name, options, indexes })
    this.#writtenBytes = 0
    const write = (file: string, text: string) => { this.#writtenBytes += text.length; this.#files.writeFile(this.#path(file), text, { mode: 0o600 }) }
    const lines = (list: Iterable<unknown>) => Array.from(list, (each) => `${EJSON.stringify(each, { relaxed: true })}\n`).join('')
    for (const { file, documents } of this.#dirty) write(file, lines(documents.values()))
    this.#dirty.clear()
    write('oplog.wt', lines(this.oplog))
    write('_mdb_catalog.wt', EJSON.stringify(catalog, { relaxed: true }))
    this.#files.writeFile(this.#path('journal/WiredTigerLog.0000000001'), '', { mode: 0o600 })
    this.#journalBytes = 0
  }

  /** @throws MongoError 11000 when a unique index has these values already */
  checkUnique(ns: string, document: Document, except?: string): void {
    const collection = this.collection(ns)
    if (!collection) return
    for (const index of collection.indexes) {
      if (index.name === '_id_') {
        const key = keyOf(document._id)
        if (key !== except && collection.documents.has(key)) throw duplicate(ns, index, document)
        continue
      }
      if (!index.unique) continue
      const fields = Object.keys(index.key)
      const values = (each: Document) => keyOf(fields.map((field) => valueAt(each, field) ?? null))
      if (index.sparse && fields.every((field) => valueAt(document, field) === undefined)) continue
      const wanted = values(document)
      for (const [key, other] of collection.documents) if (key !== except && values(other) === wanted && !(index.sparse && fields.every((field) => valueAt(other, field) === undefined))) throw duplicate(ns, index, document)
    }
  }
}

/** The value at a path with dots. */
export function valueAt(document: Document, path: string): unknown {
  let at: unknown = document
  for (const part of path.split('.')) at = at && typeof at === 'object' ? (at as Document)[part] : undefined
  return at
}

function duplicate(ns: string, { name, key }: Index, document: Document): MongoError {
  const keyValue = Object.fromEntries(Object.keys(key).map((field) => [field, valueAt(document, field) ?? null]))
  return new MongoError(11000, `E11000 duplicate key error collection: ${ns} index: ${name} dup key: { ${Object.entries(keyValue).map(([field, value]) => `${field}: ${keyText(value)}`).join(', ')} }`, { keyPattern: key, keyValue })
}

function keyText(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (value && typeof value === 'object' && '_bsontype' in value && value._bsontype === 'ObjectId') return `ObjectId('${String(value)}')`
  return EJSON.stringify(value, { relaxed: true })
}
