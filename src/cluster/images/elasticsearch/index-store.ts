import type { Clock } from '../../../base/clock.ts'
import type { Random } from '../../../base/random.ts'
import type { FileSystem } from '../../../unix/types.ts'
import { ElasticError, dynamicType, isJson } from './documents.ts'
import type { Document, FieldType, Json } from './documents.ts'

/** An index: documents and what is known of their fields. */
export interface Index {
  name: string
  uuid: string
  createdMs: number
  documents: Map<string, Document>
  /** By dotted path. */
  fields: Map<string, FieldType>
  settings: Json
  nextSeqNo: number
  bytes: number
}

/** One line of an index's log. */
type Change = { op: 'index'; id: string; source: Json } | { op: 'delete'; id: string }

const NAME = /^[^A-Z\\/*?"<>| ,#:]+$/
const ID_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** The indices of a node, kept in its data directory: what was changed is appended to a log before it is acknowledged. */
export class IndexStore {
  readonly indices = new Map<string, Index>()
  readonly #files: FileSystem
  readonly #directory: string
  readonly #clock: Clock
  readonly #random: Random

  constructor(files: FileSystem, directory: string, clock: Clock, random: Random) {
    this.#files = files
    this.#directory = directory
    this.#clock = clock
    this.#random = random
  }

  /** Reads what the data directory holds. @throws UnixError where it can't be used */
  async open(): Promise<void> {
    this.#files.mkdir(`${this.#directory}/indices`, { recursive: true })
    for (const uuid of this.#files.readdir(`${this.#directory}/indices`)) {
      const at = `${this.#directory}/indices/${uuid}`
      const { name, createdMs, settings, fields } = JSON.parse(this.#files.readText(`${at}/index.json`)) as { name: string; createdMs: number; settings: Json; fields: [string, FieldType][] }
      const index: Index = { name, uuid, createdMs, settings, documents: new Map(), fields: new Map(fields), nextSeqNo: 0, bytes: 0 }
      this.indices.set(name, index)
      for (const line of this.#files.exists(`${at}/translog`) ? this.#files.readText(`${at}/translog`).split('\n') : []) {
        if (line) this.#apply(index, JSON.parse(line) as Change, line.length)
        await this.#clock.breathe()
      }
    }
  }

  /** Indices that names, patterns and lists of them mean. @throws ElasticError index_not_found_exception */
  named(expression: string): Index[] {
    const out = new Set<Index>()
    for (const part of expression.split(',')) {
      if (part === '_all' || part === '*') { for (const index of this.indices.values()) out.add(index); continue }
      if (part.includes('*')) {
        const pattern = new RegExp(`^${part.replace(/[.+^$()|[\]{}\\?]/g, '\\$&').replaceAll('*', '.*')}$`)
        for (const index of this.indices.values()) if (pattern.test(index.name)) out.add(index)
        continue
      }
      const index = this.indices.get(part)
      if (!index) throw notFound(part)
      out.add(index)
    }
    return [...out].sort((a, b) => a.name < b.name ? -1 : 1)
  }

  /** @throws ElasticError */
  create(name: string, { settings = {}, fields = [] }: { settings?: Json; fields?: Iterable<[string, FieldType]> } = {}): Index {
    if (!NAME.test(name) || /^[-_+]|^\.{1,2}$/.test(name)) {
      const reason = /[A-Z]/.test(name) ? 'must be lowercase' : /^[-_+]/.test(name) ? "must not start with '_', '-', or '+'" : "must not contain the following characters [' ','\"','*',',','/','<','>','?','\\','|']"
      throw new ElasticError(400, 'invalid_index_name_exception', `Invalid index name [${name}], ${reason}`, { index_uuid: '_na_', index: name })
    }
    const known = this.indices.get(name)
    if (known) throw new ElasticError(400, 'resource_already_exists_exception', `index [${name}/${known.uuid}] already exists`, { index_uuid: known.uuid, index: name })
    const index: Index = { name, uuid: this.#token(22), createdMs: this.#clock.nowMs(), settings, documents: new Map(), fields: new Map(fields), nextSeqNo: 0, bytes: 0 }
    this.#files.mkdir(`${this.#directory}/indices/${index.uuid}`, { recursive: true })
    this.indices.set(name, index)
    this.keepMapping(index)
    return index
  }

  keepMapping({ name, uuid, createdMs, settings, fields }: Index): void {
    this.#files.writeFile(`${this.#directory}/indices/${uuid}/index.json`, JSON.stringify({ name, createdMs, settings, fields: [...fields] }))
  }

  remove({ name, uuid }: Index): void {
    this.indices.delete(name)
    this.#files.remove(`${this.#directory}/indices/${uuid}`, { recursive: true, force: true })
  }

  /** Adds or replaces a document. @throws ElasticError where a value doesn't fit its field */
  put(name: string, id: string | undefined, source: Json, onlyNew = false): { index: Index; document: Document; created: boolean } {
    const index = this.indices.get(name) ?? this.create(name)
    const known = id === undefined ? undefined : index.documents.get(id)
    if (known && onlyNew) throw new ElasticError(409, 'version_conflict_engine_exception', `[${id}]: version conflict, document already exists (current version [${known.version}])`, { index_uuid: index.uuid, shard: '0', index: name })
    this.#learn(index, source, '')
    const document = this.#write(index, { op: 'index', id: id ?? this.#token(20), source })!
    return { index, document, created: known === undefined }
  }

  delete(index: Index, id: string): Document | undefined {
    const known = index.documents.get(id)
    if (known) this.#write(index, { op: 'delete', id })
    return known
  }

  #write(index: Index, change: Change): Document | undefined {
    const line = JSON.stringify(change)
    this.#files.writeFile(`${this.#directory}/indices/${index.uuid}/translog`, `${line}\n`, { append: true })
    return this.#apply(index, change, line.length)
  }

  #apply(index: Index, change: Change, bytes: number): Document | undefined {
    index.bytes += bytes
    const seqNo = index.nextSeqNo++
    if (change.op === 'delete') { index.documents.delete(change.id); return undefined }
    const document: Document = { id: change.id, source: change.source, version: (index.documents.get(change.id)?.version ?? 0) + 1, seqNo }
    index.documents.set(change.id, document)
    return document
  }

  /** Dynamic mapping: fields get the type of their first value. */
  #learn(index: Index, value: Json, prefix: string): void {
    let grew = false
    const visit = (object: Json, path: string) => {
      for (const [name, each] of Object.entries(object)) {
        const here = path ? `${path}.${name}` : name
        for (const one of Array.isArray(each) ? each : [each]) {
          if (isJson(one)) { visit(one, here); continue }
          const type = dynamicType(one)
          const known = index.fields.get(here)
          if (type === undefined) continue
          if (known === undefined) { index.fields.set(here, type); grew = true }
          else if ((known === 'long' || known === 'float') && Number.isNaN(Number(one)) || known === 'boolean' && !['true', 'false', ''].includes(String(one)) || known === 'date' && typeof one === 'string' && type !== 'date')
            throw new ElasticError(400, 'document_parsing_exception', `[1:1] failed to parse field [${here}] of type [${known}]`)
        }
      }
    }
    visit(value, prefix)
    if (grew) this.keepMapping(index)
  }

  /** Letters of an id as Elasticsearch makes them. */
  #token(length: number): string {
    return Array.from({ length }, () => ID_LETTERS[this.#random.int(ID_LETTERS.length)]).join('')
  }
}

export function notFound(name: string): ElasticError {
  return new ElasticError(404, 'index_not_found_exception', `no such index [${name}]`, { 'resource.type': 'index_or_alias', 'resource.id': name, index_uuid: '_na_', index: name })
}
