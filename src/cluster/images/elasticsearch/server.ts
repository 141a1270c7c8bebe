import type { HttpRequest } from '../../../base/http.ts'
import type { Clock } from '../../../base/clock.ts'
import { ElasticError, comparable, isJson, valuesAt } from './documents.ts'
import type { FieldType, Json } from './documents.ts'
import { notFound } from './index-store.ts'
import type { Index, IndexStore } from './index-store.ts'
import { findHits } from './query.ts'
import type { Hit } from './query.ts'

/** Who answers. */
export interface NodeIdentity {
  version: string
  nodeName: string
  clusterName: string
  clusterUuid: string
  ip: string
}

const SHARDS = { total: 1, successful: 1, failed: 0 }
const TYPES: readonly FieldType[] = ['text', 'keyword', 'long', 'float', 'boolean', 'date', 'ip']

/** Elasticsearch's REST API, as far as log collectors and those who search their lines need it. */
// @k8s part: Elasticsearch: one node without security; indices, documents, bulk, search (terms aggregations only), count, mappings, _cat and _cluster/health; an index lies in one piece whatever its number of shards is; of a node's settings node.name, cluster.name, discovery.type, the discovery settings that are checked, path.data, http.port and xpack.security.enabled are followed, and ES_JAVA_OPTS changes nothing
export class ElasticServer {
  readonly #store: IndexStore
  readonly #clock: Clock
  readonly #identity: NodeIdentity

  constructor(store: IndexStore, clock: Clock, identity: NodeIdentity) {
    this.#store = store
    this.#clock = clock
    this.#identity = identity
  }

  async handle(request: HttpRequest): Promise<Response> {
    const url = new URL(request.url)
    try {
      const answer = await this.#answer(request, url, url.pathname.split('/').filter(Boolean).map(decodeURIComponent))
      if (typeof answer === 'string') return new Response(request.method === 'HEAD' ? null : answer, { headers: { 'content-type': 'text/plain; charset=UTF-8', 'x-elastic-product': 'Elasticsearch' } })
      const { status = 200, body } = 'body' in answer && isJson(answer.body) ? answer as { status?: number; body: Json } : { body: answer }
      return this.#json(status, body, request, url)
    } catch (error) {
      if (error instanceof SyntaxError || error instanceof URIError) return this.#json(400, new ElasticError(400, 'x_content_parse_exception', '[1:1] Failed to parse content').body(), request, url)
      if (!(error instanceof ElasticError)) throw error
      return this.#json(error.status, error.body(), request, url)
    }
  }

  #json(status: number, body: unknown, request: HttpRequest, url: URL): Response {
    const pretty = url.searchParams.has('pretty') && url.searchParams.get('pretty') !== 'false'
    return new Response(request.method === 'HEAD' ? null : pretty ? `${JSON.stringify(body, null, 2).replace(/"([^"\n]*)": /g, '"$1" : ')}\n` : JSON.stringify(body), { status, headers: { 'content-type': 'application/json', 'x-elastic-product': 'Elasticsearch' } })
  }

  async #answer(request: HttpRequest, url: URL, path: readonly string[]): Promise<Json | string | { status: number; body: Json }> {
    const method = request.method === 'HEAD' ? 'GET' : request.method
    const [first, second, third] = path
    const body = async (): Promise<Json> => {
      const text = request.method === 'GET' && !request.body ? '' : await request.text()
      if (text.trim() === '') return {}
      try { return JSON.parse(text) as Json } catch { throw new ElasticError(400, 'x_content_parse_exception', '[1:1] Failed to parse content') }
    }
    const refuse = (): never => { throw new ElasticError(400, 'illegal_argument_exception', `request [${url.pathname}] with method [${request.method}] is not served here`) }
    if (first === undefined) return this.#hello()
    switch (first) {
      case '_cat': return this.#cat(second, third, url)
      case '_cluster': return second === 'health' ? this.#health() : refuse()
      case '_bulk': return this.#bulk(await request.text(), undefined)
      case '_search': return this.#search('_all', await body(), url)
      case '_count': return await this.#count('_all', await body(), url)
      case '_refresh': return { _shards: SHARDS }
      case '_mapping': return this.#mappings('_all')
      case '_all': if (second === undefined) return method === 'GET' ? this.#describe('_all') : refuse(); break
    }
    if (first.startsWith('_') && first !== '_all') return refuse()
    switch (second) {
      case undefined:
        if (method === 'GET') return this.#describe(first)
        if (method === 'PUT') return this.#create(first, await body())
        if (method === 'DELETE') {
          const indices = this.#store.named(first)
          for (const index of indices) this.#store.remove(index)
          return { acknowledged: true }
        }
        return refuse()
      case '_doc': case '_create': return this.#document(method, first, third, second === '_create' || url.searchParams.get('op_type') === 'create', body)
      case '_bulk': return this.#bulk(await request.text(), first)
      case '_search': return this.#search(first, await body(), url)
      case '_count': return this.#count(first, await body(), url)
      case '_mapping': case '_mappings': {
        if (method === 'GET') return this.#mappings(first)
        const [index] = this.#store.named(first)
        for (const [name, type] of fieldsOf(await body())) index!.fields.set(name, type)
        this.#store.keepMapping(index!)
        return { acknowledged: true }
      }
      case '_settings': return Object.fromEntries(this.#store.named(first).map((index) => [index.name, { settings: this.#settings(index) }]))
      case '_refresh': case '_flush': return { _shards: SHARDS }
      default: return refuse()
    }
  }

  #hello(): Json {
    const { version, nodeName, clusterName, clusterUuid } = this.#identity
    return { name: nodeName, cluster_name: clusterName, cluster_uuid: clusterUuid, version: { number: version, build_flavor: 'default', build_type: 'docker', minimum_wire_compatibility_version: version.startsWith('7') ? '6.8.0' : '7.17.0', minimum_index_compatibility_version: version.startsWith('7') ? '6.0.0-beta1' : '7.0.0' }, tagline: 'You Know, for Search' }
  }

  #health(): Json {
    // Copies of shards have no second node to be on.
    const all = [...this.#store.indices.values()].map(shardsOf)
    const shards = all.reduce((sum, { primaries }) => sum + primaries, 0)
    const copies = all.reduce((sum, { primaries, replicas }) => sum + primaries * replicas, 0)
    return { cluster_name: this.#identity.clusterName, status: copies > 0 ? 'yellow' : 'green', timed_out: false, number_of_nodes: 1, number_of_data_nodes: 1, active_primary_shards: shards, active_shards: shards, relocating_shards: 0, initializing_shards: 0, unassigned_shards: copies, delayed_unassigned_shards: 0, number_of_pending_tasks: 0, number_of_in_flight_fetch: 0, task_max_waiting_in_queue_millis: 0, active_shards_percent_as_number: shards > 0 ? 100 * shards / (shards + copies) : 100 }
  }

  #cat(what: string | undefined, name: string | undefined, url: URL): string {
    let rows: Record<string, string>[]
    switch (what) {
      case 'indices': {
        const size = (bytes: number) => bytes < 1024 ? `${bytes}b` : bytes < 2 ** 20 ? `${(bytes / 1024).toFixed(1)}kb` : `${(bytes / 2 ** 20).toFixed(1)}mb`
        rows = this.#store.named(name ?? '_all').map((index) => ({ health: shardsOf(index).replicas > 0 ? 'yellow' : 'green', status: 'open', index: index.name, uuid: index.uuid, pri: String(shardsOf(index).primaries), rep: String(shardsOf(index).replicas), 'docs.count': String(index.documents.size), 'docs.deleted': String(index.nextSeqNo - index.documents.size), 'store.size': size(index.bytes), 'pri.store.size': size(index.bytes) }))
        break
      }
      case 'count': rows = [{ epoch: String(Math.floor(this.#clock.nowMs() / 1000)), timestamp: new Date(Math.floor(this.#clock.nowMs())).toISOString().slice(11, 19), count: String(this.#store.named(name ?? '_all').reduce((sum, { documents }) => sum + documents.size, 0)) }]; break
      case 'health': rows = [Object.fromEntries([['cluster', this.#identity.clusterName], ['status', String(this.#health().status)], ['node.total', '1'], ['node.data', '1'], ['shards', String(this.#health().active_shards)]])]; break
      case 'nodes': rows = [{ ip: this.#identity.ip, 'node.role': 'cdfhilmrstw', master: '*', name: this.#identity.nodeName }]; break
      case undefined: return '=^.^=\n/_cat/count\n/_cat/count/{index}\n/_cat/health\n/_cat/indices\n/_cat/indices/{index}\n/_cat/nodes\n'
      default: throw new ElasticError(400, 'illegal_argument_exception', `request [${url.pathname}] with method [GET] is not served here`)
    }
    const chosen = url.searchParams.get('h')?.split(',')
    const columns = chosen ?? Object.keys(rows[0] ?? { health: '', status: '', index: '', uuid: '', pri: '', rep: '', 'docs.count': '', 'docs.deleted': '', 'store.size': '', 'pri.store.size': '' })
    const sorted = url.searchParams.get('s')?.split(':')[0]
    if (sorted) rows = [...rows].sort((a, b) => (a[sorted] ?? '') < (b[sorted] ?? '') ? -1 : 1)
    if (url.searchParams.get('format') === 'json') return JSON.stringify(rows)
    const table = [...url.searchParams.has('v') ? [Object.fromEntries(columns.map((column) => [column, column]))] : [], ...rows]
    const isNumber = (column: string) => /count|deleted|size|pri|rep|shards|total/.test(column)
    const widths = columns.map((column) => Math.max(0, ...table.map((row) => (row[column] ?? '').length)))
    return table.map((row) => `${columns.map((column, i) => isNumber(column) ? (row[column] ?? '').padStart(widths[i]!) : (row[column] ?? '').padEnd(widths[i]!)).join(' ')}\n`).join('')
  }

  #create(name: string, body: Json): Json {
    for (const key of Object.keys(body)) if (!['settings', 'mappings', 'aliases'].includes(key)) throw new ElasticError(400, 'parse_exception', `unknown key [${key}] for create index`)
    if (isJson(body.aliases) && Object.keys(body.aliases).length > 0) throw new ElasticError(400, 'illegal_argument_exception', 'aliases are not served here')
    const settings = isJson(body.settings) ? isJson(body.settings.index) ? body.settings.index : body.settings : {}
    const unknown = Object.keys(settings).map((key) => key.replace(/^index\./, '')).find((key) => !['number_of_shards', 'number_of_replicas'].includes(key))
    if (unknown !== undefined) throw new ElasticError(400, 'illegal_argument_exception', `unknown setting [index.${unknown}]: only number_of_shards and number_of_replicas are kept here`)
    this.#store.create(name, { settings: isJson(body.settings) ? body.settings : {}, fields: fieldsOf(isJson(body.mappings) ? body.mappings : {}) })
    return { acknowledged: true, shards_acknowledged: true, index: name }
  }

  #settings(index: Index): Json {
    const { createdMs, uuid, name } = index
    const { primaries, replicas } = shardsOf(index)
    return { index: { number_of_shards: String(primaries), number_of_replicas: String(replicas), provided_name: name, creation_date: String(Math.floor(createdMs)), uuid } }
  }

  #mapping({ fields }: Index): Json {
    const root: Json = {}
    for (const [path, type] of [...fields].sort(([a], [b]) => a < b ? -1 : 1)) {
      let at = root
      const parts = path.split('.')
      for (const part of parts.slice(0, -1)) {
        const next = (at[part] ??= { properties: {} }) as Json
        at = (next.properties ??= {}) as Json
      }
      at[parts.at(-1)!] = type === 'text' ? { type, fields: { keyword: { type: 'keyword', ignore_above: 256 } } } : { type }
    }
    return Object.keys(root).length > 0 ? { properties: root } : {}
  }

  #mappings(name: string): Json {
    return Object.fromEntries(this.#store.named(name).map((index) => [index.name, { mappings: this.#mapping(index) }]))
  }

  #describe(name: string): Json {
    return Object.fromEntries(this.#store.named(name).map((index) => [index.name, { aliases: {}, mappings: this.#mapping(index), settings: this.#settings(index) }]))
  }

  async #document(method: string, name: string, id: string | undefined, onlyNew: boolean, body: () => Promise<Json>): Promise<{ status: number; body: Json }> {
    if (method === 'PUT' || method === 'POST') {
      const { document, created } = this.#store.put(name, id, await body(), onlyNew)
      return { status: created ? 201 : 200, body: this.#written(name, document.id, document.version, document.seqNo, created ? 'created' : 'updated') }
    }
    const index = this.#store.indices.get(name)
    if (!index) throw notFound(name)
    if (id === undefined) throw new ElasticError(400, 'illegal_argument_exception', 'an id is missing')
    if (method === 'DELETE') {
      const gone = this.#store.delete(index, id)
      return { status: gone ? 200 : 404, body: this.#written(name, id, (gone?.version ?? 0) + 1, index.nextSeqNo - 1, gone ? 'deleted' : 'not_found') }
    }
    const document = index.documents.get(id)
    return document ? { status: 200, body: { _index: name, _id: id, _version: document.version, _seq_no: document.seqNo, _primary_term: 1, found: true, _source: document.source } } : { status: 404, body: { _index: name, _id: id, found: false } }
  }

  #written(index: string, id: string, version: number, seqNo: number, result: string): Json {
    return { _index: index, ...(this.#identity.version.startsWith('7') ? { _type: '_doc' } : {}), _id: id, _version: version, result, _shards: { total: 2, successful: 1, failed: 0 }, _seq_no: seqNo, _primary_term: 1 }
  }

  async #bulk(text: string, defaultIndex: string | undefined): Promise<Json> {
    const startedMs = this.#clock.nowMs()
    const lines = text.split('\n')
    if (lines.pop() !== '') throw new ElasticError(400, 'illegal_argument_exception', 'The bulk request must be terminated by a newline [\\n]')
    const items: Json[] = []
    for (let i = 0; i < lines.length; i++) {
      if (lines[i]!.trim() === '') continue
      const [[action, about] = ['', {}]] = Object.entries(JSON.parse(lines[i]!) as Record<string, { _index?: string; _id?: string }>)
      const name = about._index ?? defaultIndex
      if (!['index', 'create', 'delete'].includes(action)) throw new ElasticError(400, 'illegal_argument_exception', `Malformed action/metadata line [${i + 1}], expected one of [create, delete, index] but found [${action}]`)
      if (name === undefined) throw new ElasticError(400, 'action_request_validation_exception', 'Validation Failed: 1: index is missing;')
      try {
        if (action === 'delete') {
          const index = this.#store.indices.get(name)
          const gone = index && about._id !== undefined ? this.#store.delete(index, about._id) : undefined
          items.push({ delete: { ...this.#written(name, about._id ?? '', (gone?.version ?? 0) + 1, (index?.nextSeqNo ?? 1) - 1, gone ? 'deleted' : 'not_found'), status: gone ? 200 : 404 } })
          continue
        }
        const { document, created } = this.#store.put(name, about._id, JSON.parse(lines[++i] ?? '') as Json, action === 'create')
        items.push({ [action]: { ...this.#written(name, document.id, document.version, document.seqNo, created ? 'created' : 'updated'), status: created ? 201 : 200 } })
      } catch (error) {
        if (!(error instanceof ElasticError)) throw error
        items.push({ [action]: { _index: name, _id: about._id ?? null, status: error.status, error: { type: error.type, reason: error.message } } })
      }
      await this.#clock.breathe()
    }
    return { errors: items.some((item) => Object.values(item).some((each) => isJson(each) && each.error !== undefined)), took: Math.round(this.#clock.nowMs() - startedMs), items }
  }

  async #count(name: string, body: Json, url: URL): Promise<Json> {
    return { count: (await this.#hits(name, body, url)).length, _shards: { ...SHARDS, skipped: 0 } }
  }

  #hits(name: string, body: Json, url: URL): Promise<Hit[]> {
    const unknown = [...url.searchParams.keys()].find((key) => !['q', 'df', 'size', 'from', 'sort', '_source', 'pretty'].includes(key))
    if (unknown !== undefined) throw new ElasticError(400, 'illegal_argument_exception', `request [${url.pathname}] contains unrecognized parameter: [${unknown}]`)
    const text = url.searchParams.get('q')
    return findHits(this.#store.named(name), text === null ? body.query : { query_string: { query: text, ...(url.searchParams.has('df') ? { default_field: url.searchParams.get('df')! } : {}) } }, this.#clock)
  }

  async #search(name: string, body: Json, url: URL): Promise<Json> {
    const startedMs = this.#clock.nowMs()
    for (const key of Object.keys(body)) if (!['query', 'size', 'from', 'sort', '_source', 'aggs', 'aggregations', 'track_total_hits'].includes(key)) throw new ElasticError(400, 'parsing_exception', `unknown key [${key}] for a START_OBJECT in [search]`)
    const hits = await this.#hits(name, body, url)
    const sort = sortOf(body.sort ?? url.searchParams.get('sort'))
    const from = Number(body.from ?? url.searchParams.get('from') ?? 0)
    const size = Number(body.size ?? url.searchParams.get('size') ?? 10)
    const keyOf = ({ index, document }: Hit, field: string) => {
      if (!field.endsWith('.keyword') && index.fields.get(field) === 'text') throw new ElasticError(400, 'illegal_argument_exception', `Fielddata is disabled on [${field}] in [${index.name}]. Text fields are not optimised for operations that require per-document field data like aggregations and sorting, so these operations are disabled by default. Please use a keyword field instead. Alternatively, set fielddata=true on [${field}] in order to load field data by uninverting the inverted index. Note that this can use significant memory.`)
      const [value] = valuesAt(document.source, field)
      return value === undefined ? undefined : comparable(value, index.fields.get(field), this.#clock.nowMs())
    }
    const keys = new Map<Hit, (number | string | undefined)[]>()
    if (sort.length > 0) for (const [i, hit] of hits.entries()) {
      keys.set(hit, sort.map(({ field }) => keyOf(hit, field)))
      if (i % 256 === 255) await this.#clock.breathe()
    }
    const ordered = sort.length === 0 ? [...hits].sort((a, b) => b.score - a.score) : [...hits].sort((a, b) => {
      for (const [i, { descending }] of sort.entries()) {
        const [x, y] = [keys.get(a)![i], keys.get(b)![i]]
        if (x === y) continue
        if (x === undefined) return 1
        if (y === undefined) return -1
        return (x < y ? -1 : 1) * (descending ? -1 : 1)
      }
      return 0
    })
    const shards = this.#store.named(name).length
    return {
      took: Math.round(this.#clock.nowMs() - startedMs), timed_out: false, _shards: { total: shards, successful: shards, skipped: 0, failed: 0 },
      hits: {
        total: { value: hits.length, relation: 'eq' }, max_score: sort.length > 0 || hits.length === 0 ? null : hits.reduce((most, { score }) => Math.max(most, score), 0),
        hits: ordered.slice(from, from + size).map((hit) => ({
          _index: hit.index.name, ...(this.#identity.version.startsWith('7') ? { _type: '_doc' } : {}), _id: hit.document.id, _score: sort.length > 0 ? null : hit.score, ...(body._source === false ? {} : { _source: chosenSource(hit.document.source, body._source ?? url.searchParams.get('_source')) }),
          ...(sort.length > 0 ? { sort: keys.get(hit)!.map((key) => key ?? null) } : {}),
        })),
      },
      ...(body.aggs ?? body.aggregations ? { aggregations: aggregate(hits, (body.aggs ?? body.aggregations) as Json, keyOf) } : {}),
    }
  }
}

/** How many shards an index has, and how many copies of each are wanted. */
function shardsOf({ settings }: Index): { primaries: number; replicas: number } {
  const given = isJson(settings.index) ? settings.index : settings
  const figure = (name: string) => Number(given[name] ?? given[`index.${name}`] ?? 1)
  return { primaries: figure('number_of_shards'), replicas: figure('number_of_replicas') }
}

function aggregate(hits: readonly Hit[], aggregations: Json, keyOf: (hit: Hit, field: string) => number | string | undefined): Json {
  return Object.fromEntries(Object.entries(aggregations).map(([name, about]) => {
    const [type = ''] = isJson(about) ? Object.keys(about).filter((key) => key !== 'aggs' && key !== 'aggregations') : []
    if (!isJson(about) || type !== 'terms' || about.aggs || about.aggregations) throw new ElasticError(400, 'parsing_exception', about && isJson(about) && (about.aggs || about.aggregations) ? 'aggregations inside of aggregations are not served here' : `Unknown aggregation type [${type}]`)
    const { field, size = 10 } = about.terms as { field: string; size?: number }
    const counts = new Map<number | string, number>()
    for (const hit of hits) { const key = keyOf(hit, field); if (key !== undefined) counts.set(key, (counts.get(key) ?? 0) + 1) }
    const buckets = [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).map(([key, count]) => ({ key, doc_count: count }))
    return [name, { doc_count_error_upper_bound: 0, sum_other_doc_count: buckets.slice(size).reduce((sum, { doc_count: count }) => sum + count, 0), buckets: buckets.slice(0, size) }]
  }))
}

function sortOf(sort: unknown): { field: string; descending: boolean }[] {
  if (sort === null || sort === undefined) return []
  if (typeof sort === 'string') return sort.split(',').map((each) => { const [field = '', order] = each.split(':'); return { field, descending: order === 'desc' } })
  return (Array.isArray(sort) ? sort : [sort]).flatMap((each) => typeof each === 'string' ? [{ field: each, descending: false }] : Object.entries(each as Json).map(([field, order]) => ({ field, descending: (isJson(order) ? order.order : order) === 'desc' })))
}

function chosenSource(source: Json, chosen: unknown): Json {
  const names = typeof chosen === 'string' ? chosen.split(',') : Array.isArray(chosen) ? chosen as string[] : undefined
  if (!names || chosen === true || chosen === 'true') return source
  const out: Json = {}
  for (const name of names) {
    const parts = name.split('.')
    let from: unknown = source
    for (const part of parts) from = isJson(from) ? from[part] : undefined
    if (from === undefined) continue
    let at = out
    for (const part of parts.slice(0, -1)) at = (at[part] ??= {}) as Json
    at[parts.at(-1)!] = from
  }
  return out
}

/** Fields of a mapping by their dotted paths. @throws ElasticError */
function fieldsOf(mapping: Json): [string, FieldType][] {
  const out: [string, FieldType][] = []
  const visit = (properties: Json, prefix: string) => {
    for (const [name, about] of Object.entries(properties)) {
      if (!isJson(about)) continue
      if (isJson(about.properties)) { visit(about.properties, `${prefix}${name}.`); continue }
      const type = ({ integer: 'long', short: 'long', byte: 'long', double: 'float' } as Record<string, string>)[String(about.type)] ?? String(about.type)
      if (!(TYPES as readonly string[]).includes(type)) throw new ElasticError(400, 'mapper_parsing_exception', `No handler for type [${String(about.type)}] declared on field [${name}]`)
      out.push([`${prefix}${name}`, type as FieldType])
    }
  }
  if (isJson(mapping.properties)) visit(mapping.properties, '')
  return out
}
