import { ElasticError, analyze, comparable, isJson, valuesAt } from './documents.ts'
import type { Clock } from '../../../base/clock.ts'
import type { Document, Json } from './documents.ts'
import type { Index } from './index-store.ts'

/** A document that a query found, and how well it fits. */
export interface Hit {
  index: Index
  document: Document
  score: number
}

/** A query as a test of documents: undefined for those that don't fit, otherwise how well they do. */
type Matcher = (index: Index, document: Document) => number | undefined

/** BM25's constants, as Lucene has them. */
const K1 = 1.2
const B = 0.75

/** Finds the documents that a query means. @throws ElasticError for queries that aren't known */
export async function findHits(indices: readonly Index[], query: unknown, clock: Clock): Promise<Hit[]> {
  const compiler = new Compiler(indices, clock.nowMs())
  const matches = compiler.compile(query ?? { match_all: {} })
  await compiler.prepare(() => clock.breathe())
  const hits: Hit[] = []
  let seen = 0
  for (const index of indices) for (const document of index.documents.values()) {
    const score = matches(index, document)
    if (score !== undefined) hits.push({ index, document, score })
    if (++seen % DOCUMENTS_PER_BREATH === 0) await clock.breathe()
  }
  return hits
}

/** How many documents are looked at before others have their turn. */
const DOCUMENTS_PER_BREATH = 64

/** What a word's weight in an index depends on. */
interface Figures { idf: number; average: number }

// @k8s part: Elasticsearch queries: match_all, match, match_phrase, multi_match, term, terms, range, exists, prefix, wildcard, ids, bool, and simple words of query_string; others are refused
class Compiler {
  readonly #indices: readonly Index[]
  readonly #nowMs: number
  readonly #preparations: ((breathe: () => Promise<void>) => Promise<void>)[] = []

  constructor(indices: readonly Index[], nowMs: number) {
    this.#indices = indices
    this.#nowMs = nowMs
  }

  /** Counts what compiled queries need to know of all documents. */
  async prepare(breathe: () => Promise<void>): Promise<void> {
    for (const each of this.#preparations) await each(breathe)
  }

  /** @throws ElasticError for queries that aren't known */
  compile(query: unknown): Matcher {
    if (!isJson(query)) throw new ElasticError(400, 'parsing_exception', 'query malformed, must start with start_object')
    const [[name, body] = [undefined, undefined], ...more] = Object.entries(query)
    if (name === undefined) throw new ElasticError(400, 'illegal_argument_exception', 'query malformed, empty clause found')
    if (more.length > 0) throw new ElasticError(400, 'parsing_exception', `[${name}] malformed query, expected [END_OBJECT] but found [FIELD_NAME]`)
    if (!isJson(body)) throw new ElasticError(400, 'parsing_exception', `[${name}] query malformed, no start_object after query name`)
    switch (name) {
      case 'match_all': return () => 1
      case 'match_none': return () => undefined
      case 'bool': return this.#bool(body)
      case 'ids': return (_, { id }) => (body.values as string[] | undefined)?.includes(id) ? 1 : undefined
      case 'exists': return (_, { source }) => valuesAt(source, String(body.field)).length > 0 || isObjectAt(source, String(body.field)) ? 1 : undefined
      case 'multi_match': {
        demandKeys(name, body, ['query', 'fields'])
        const all = (body.fields as string[] | undefined ?? []).map((field) => this.#match(field, String(body.query), false))
        return (index, document) => best(all.map((each) => each(index, document)))
      }
      case 'query_string': case 'simple_query_string': demandKeys(name, body, ['query', 'default_field', 'fields']); return this.queryString(String(body.query), (body.default_field as string | undefined) ?? (body.fields as string[] | undefined)?.[0])
    }
    const [[field, value] = [undefined, undefined]] = Object.entries(body)
    if (field === undefined) throw new ElasticError(400, 'illegal_argument_exception', `[${name}] query malformed, no field specified`)
    if (isJson(value) && name !== 'range' && name !== 'terms') demandKeys(name, value, name === 'match' ? ['query', 'operator'] : ['query', 'value'])
    const argument = isJson(value) ? value.query ?? value.value : value
    switch (name) {
      case 'match': return this.#match(field, String(argument), isJson(value) && String(value.operator).toLowerCase() === 'and')
      case 'match_phrase': return this.#phrase(field, String(argument))
      case 'term': return this.#terms(field, [argument])
      case 'terms': if (!Array.isArray(value)) throw new ElasticError(400, 'parsing_exception', `[terms] query requires an array of values`); return this.#terms(field, value)
      case 'range': return this.#range(field, isJson(value) ? value : {})
      case 'prefix': return this.#text(field, (text) => text.startsWith(String(argument)))
      case 'wildcard': {
        const pattern = new RegExp(`^${String(argument).replace(/[.+^$()|[\]{}\\]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.')}$`)
        return this.#text(field, (text) => pattern.test(text))
      }
      default: throw new ElasticError(400, 'parsing_exception', `unknown query [${name}]`)
    }
  }

  /** Words, `field:word`, quoted phrases, AND, OR and NOT. @throws ElasticError for what else the syntax has */
  queryString(text: string, defaultField?: string): Matcher {
    if (text.trim() === '*' || text.trim() === '') return () => 1
    if (/[()[\]{}~^/]/.test(text)) throw new ElasticError(400, 'query_shard_exception', `Failed to parse query [${text}]: only words, fields, phrases, AND, OR and NOT are understood here`)
    const tokens = text.match(/(?:[\w@.*-]+:)?"[^"]*"|\S+/g) ?? []
    const must: Matcher[] = []
    const should: Matcher[] = []
    const mustNot: Matcher[] = []
    let negated = false
    tokens.forEach((token, i) => {
      if (token === 'AND' || token === 'OR' || token === '&&' || token === '||') return
      if (token === 'NOT') { negated = true; return }
      const [, sign = '', field, word = ''] = /^([+-]?)(?:([\w@.*-]+):)?(.*)$/.exec(token)!
      const fields = field !== undefined ? [field] : defaultField !== undefined && defaultField !== '*' ? [defaultField] : [...new Set(this.#indices.flatMap((index) => [...index.fields.keys()]))]
      const single = fields.map((each) => word.startsWith('"') ? this.#phrase(each, word.slice(1, -1)) : /[*?]/.test(word) ? this.compile({ wildcard: { [each]: word.toLowerCase() } }) : this.#match(each, word, false))
      const matcher: Matcher = (index, document) => best(single.map((one) => one(index, document)))
      const joined = tokens[i - 1] === 'AND' || tokens[i + 1] === 'AND' || tokens[i - 1] === '&&' || tokens[i + 1] === '&&'
      if (negated || sign === '-') mustNot.push(matcher)
      else (joined || sign === '+' ? must : should).push(matcher)
      negated = false
    })
    return combine(must, [], should, mustNot, must.length > 0 ? 0 : should.length > 0 ? 1 : 0)
  }

  #bool(body: Json): Matcher {
    const clauses = (name: string) => { const of = body[name]; return (of === undefined ? [] : Array.isArray(of) ? of : [of]).map((each) => this.compile(each)) }
    for (const name of Object.keys(body)) if (!['must', 'filter', 'should', 'must_not', 'minimum_should_match'].includes(name)) throw new ElasticError(400, 'parsing_exception', `[bool] query does not support [${name}]`)
    const [must, filter, should, mustNot] = [clauses('must'), clauses('filter'), clauses('should'), clauses('must_not')]
    return combine(must, filter, should, mustNot, Number(body.minimum_should_match ?? (must.length + filter.length === 0 && should.length > 0 ? 1 : 0)))
  }

  #words(index: Index, { source }: Document, field: string): string[] {
    const type = field.endsWith('.keyword') ? 'keyword' : index.fields.get(field)
    return valuesAt(source, field).flatMap((value) => type === 'text' ? analyze(String(value)) : [String(value)])
  }

  #match(field: string, text: string, all: boolean): Matcher {
    const figures = new Map<Index, Map<string, Figures>>()
    const termsOf = (index: Index) => field.endsWith('.keyword') || index.fields.get(field) !== 'text' ? [text] : analyze(text)
    this.#preparations.push(async (breathe) => {
      for (const index of this.#indices) {
        const having = new Map([...new Set(termsOf(index))].map((term) => [term, 0]))
        let [documents, words, seen] = [0, 0, 0]
        for (const document of index.documents.values()) {
          const own = this.#words(index, document, field)
          if (own.length > 0) { documents += 1; words += own.length }
          for (const term of having.keys()) if (own.includes(term)) having.set(term, having.get(term)! + 1)
          if (++seen % DOCUMENTS_PER_BREATH === 0) await breathe()
        }
        figures.set(index, new Map([...having].map(([term, n]) => [term, { idf: Math.log(1 + (documents - n + 0.5) / (n + 0.5)), average: words / Math.max(1, documents) }])))
      }
    })
    return (index, document) => {
      const terms = termsOf(index)
      const words = this.#words(index, document, field)
      let score = 0
      let found = 0
      for (const term of terms) {
        const count = words.filter((word) => word === term).length
        if (count === 0) continue
        found += 1
        // A document that came while others were counted has words that nobody counted.
        const { idf, average } = figures.get(index)?.get(term) ?? { idf: 0, average: words.length }
        score += (K1 + 1) * idf * count / (count + K1 * (1 - B + B * words.length / average))
      }
      return found === 0 || all && found < terms.length ? undefined : score
    }
  }

  #phrase(field: string, text: string): Matcher {
    const [exact, scored, terms] = [this.#terms(field, [text]), this.#match(field, text, true), analyze(text)]
    return (index, document) => {
      if (index.fields.get(field) !== 'text') return exact(index, document)
      const words = this.#words(index, document, field)
      return words.some((_, at) => terms.every((term, i) => words[at + i] === term)) ? scored(index, document) : undefined
    }
  }

  #terms(field: string, values: readonly unknown[]): Matcher {
    return (index, document) => {
      const type = index.fields.get(field)
      const words = type === 'date' || type === 'long' || type === 'float' ? valuesAt(document.source, field).map((value) => comparable(value, type, this.#nowMs)) : this.#words(index, document, field)
      return values.some((value) => words.includes(typeof words[0] === 'number' ? comparable(value, type, this.#nowMs) : String(value))) ? 1 : undefined
    }
  }

  #text(field: string, test: (text: string) => boolean): Matcher {
    return (index, document) => this.#words(index, document, field).some(test) ? 1 : undefined
  }

  #range(field: string, bounds: Json): Matcher {
    demandKeys('range', bounds, ['gt', 'gte', 'lt', 'lte', 'format'])
    if (bounds.format !== undefined && !/^(?:strict_date_optional_time|epoch_millis|\|\|)+$/.test(String(bounds.format))) throw new ElasticError(400, 'parsing_exception', `[range] format [${String(bounds.format)}] is not read here`)
    return (index, { source }) => {
      const type = field.endsWith('.keyword') ? 'keyword' : index.fields.get(field)
      const limit = (name: string) => bounds[name] === undefined || bounds[name] === null ? undefined : comparable(bounds[name], type, this.#nowMs)
      const [gt, gte, lt, lte] = [limit('gt'), limit('gte'), limit('lt'), limit('lte')]
      return valuesAt(source, field).map((value) => comparable(value, type, this.#nowMs)).some((value) => (gt === undefined || value > gt) && (gte === undefined || value >= gte) && (lt === undefined || value < lt) && (lte === undefined || value <= lte)) ? 1 : undefined
    }
  }
}

/** @throws ElasticError for settings of a query that nothing follows */
function demandKeys(query: string, body: Json, known: readonly string[]): void {
  for (const name of Object.keys(body)) if (!known.includes(name)) throw new ElasticError(400, 'parsing_exception', `[${query}] query does not support [${name}]`)
}

function combine(must: readonly Matcher[], filter: readonly Matcher[], should: readonly Matcher[], mustNot: readonly Matcher[], least: number): Matcher {
  return (index, document) => {
    if (mustNot.some((each) => each(index, document) !== undefined) || filter.some((each) => each(index, document) === undefined)) return undefined
    let score = 0
    for (const each of must) {
      const one = each(index, document)
      if (one === undefined) return undefined
      score += one
    }
    const more = should.map((each) => each(index, document)).filter((each) => each !== undefined)
    return more.length < least ? undefined : score + more.reduce((a, b) => a + b, 0)
  }
}

function best(scores: readonly (number | undefined)[]): number | undefined {
  return scores.reduce((most, each) => each === undefined || most !== undefined && most >= each ? most : each, undefined)
}

function isObjectAt(source: Json, path: string): boolean {
  let at: unknown = source
  for (const part of path.split('.')) at = isJson(at) ? at[part] : undefined
  return isJson(at)
}
