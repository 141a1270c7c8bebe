import { LineCounter, isAlias, isMap, isScalar, isSeq, parseDocument } from 'yaml'
import type { Document, Node } from 'yaml'

/** A configuration that can't be read, in the words of go-yaml or of who reads it. */
export class ConfigError extends Error {}

/** A place of a YAML text. */
export interface YamlNode {
  readonly node: Node | null | undefined
}

type Decode<T> = (at: YamlNode) => T

/** Reads YAML into typed values as go-yaml's strict mode does: wrong types and unknown fields are gathered with their lines, what a type itself refuses ends the reading. */
export class YamlReader {
  readonly #lines = new LineCounter()
  readonly #content: Document
  readonly #mistakes: string[] = []

  /** @throws ConfigError where it is no YAML */
  constructor(text: string) {
    this.#content = parseDocument(text, { lineCounter: this.#lines, version: '1.1', uniqueKeys: false, merge: true })
    const [error] = this.#content.errors
    if (error) throw new ConfigError(`yaml: line ${this.#lines.linePos(error.pos[0]).line}: ${goWords(error.code)}`)
  }

  get root(): YamlNode {
    return { node: this.#content.contents as Node | null }
  }

  /** @throws ConfigError with everything that was gathered */
  finish(): void {
    if (this.#mistakes.length > 0) throw new ConfigError(`yaml: unmarshal errors:\n${this.#mistakes.map((mistake) => `  ${mistake}`).join('\n')}`)
  }

  #resolved({ node }: YamlNode): Node | undefined {
    const found = isAlias(node) ? node.resolve(this.#content) : node
    return found ?? undefined
  }

  lineOf({ node }: YamlNode): number {
    return this.#lines.linePos(node?.range?.[0] ?? 0).line
  }

  isNull(at: YamlNode): boolean {
    const node = this.#resolved(at)
    return !node || (isScalar(node) && node.value === null)
  }

  /** What a value is, as a plain one. */
  plain(at: YamlNode): unknown {
    return this.#resolved(at)?.toJS(this.#content) as unknown
  }

  #refuse(at: YamlNode, goType: string): void {
    const node = this.#resolved(at)
    const tag = isMap(node) ? '!!map' : isSeq(node) ? '!!seq' : typeof (node as { value?: unknown })?.value === 'number' ? (Number.isInteger((node as { value: number }).value) ? '!!int' : '!!float') : typeof (node as { value?: unknown })?.value === 'boolean' ? '!!bool' : '!!str'
    const source = isScalar(node) ? String(node.source ?? node.value) : ''
    this.#mistakes.push(`line ${this.lineOf(at)}: cannot unmarshal ${tag}${isScalar(node) ? ` \`${source.length > 10 ? `${source.slice(0, 7)}...` : source}\`` : ''} into ${goType}`)
  }

  /** The fields of a mapping; undefined for those that aren't there. Unknown ones are a mistake. */
  fields<T extends Readonly<Record<string, Decode<unknown>>>>(at: YamlNode, goType: string, decoders: T): { [K in keyof T]?: Exclude<ReturnType<T[K]>, undefined> } {
    const node = this.#resolved(at)
    const out: Record<string, unknown> = {}
    if (this.isNull(at)) return out as never
    if (!isMap(node)) { this.#refuse(at, goType); return out as never }
    for (const pair of node.items) {
      const key = String((pair.key as { value?: unknown })?.value ?? pair.key)
      const decode = Object.hasOwn(decoders, key) ? decoders[key] : undefined
      if (!decode) { this.#mistakes.push(`line ${this.lineOf({ node: pair.key as Node })}: field ${key} not found in type ${goType}`); continue }
      const value = decode({ node: pair.value as Node })
      if (value !== undefined) out[key] = value
    }
    return out as never
  }

  readonly string = (at: YamlNode): string | undefined => {
    const node = this.#resolved(at)
    if (this.isNull(at)) return ''
    if (isScalar(node)) return typeof node.value === 'string' ? node.value : node.source ?? String(node.value)
    this.#refuse(at, 'string')
    return undefined
  }

  readonly boolean = (at: YamlNode): boolean | undefined => {
    const value = this.plain(at)
    if (typeof value === 'boolean') return value
    this.#refuse(at, 'bool')
    return undefined
  }

  readonly number = (at: YamlNode): number | undefined => {
    const value = this.plain(at)
    if (typeof value === 'number') return value
    this.#refuse(at, 'uint')
    return undefined
  }

  list<T>(goType: string, decode: Decode<T>): Decode<Exclude<T, undefined>[] | undefined> {
    return (at) => {
      const node = this.#resolved(at)
      if (this.isNull(at)) return []
      if (!isSeq(node)) { this.#refuse(at, goType); return undefined }
      return node.items.map((item) => decode({ node: item as Node })).filter((value): value is Exclude<T, undefined> => value !== undefined)
    }
  }

  map<T>(goType: string, decode: Decode<T>): Decode<Record<string, Exclude<T, undefined>> | undefined> {
    return (at) => {
      const node = this.#resolved(at)
      if (this.isNull(at)) return {}
      if (!isMap(node)) { this.#refuse(at, goType); return undefined }
      return Object.fromEntries(node.items.flatMap((pair) => {
        const value = decode({ node: pair.value as Node })
        return value === undefined ? [] : [[String((pair.key as { value?: unknown }).value), value as Exclude<T, undefined>]]
      }))
    }
  }
}

function goWords(code: string): string {
  switch (code) {
    case 'TAB_AS_INDENT': return 'found character that cannot start any token'
    case 'BAD_INDENT': case 'MULTILINE_IMPLICIT_KEY': case 'BLOCK_AS_IMPLICIT_KEY': return 'mapping values are not allowed in this context'
    case 'MISSING_CHAR': case 'UNEXPECTED_TOKEN': case 'IMPOSSIBLE': return 'did not find expected key'
    default: return 'could not find expected \':\''
  }
}
