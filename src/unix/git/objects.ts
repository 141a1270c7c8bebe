import { Inflate, deflate } from 'pako'
import { concatBytes } from '../../base/streams.ts'
import type { FileSystem } from '../types.ts'
import { byteOrder, decodeText, encodeText, hexBytes, hexText } from './bytes.ts'
import { fatal } from './failure.ts'
import { parseIdentity } from './identity.ts'
import type { Identity } from './identity.ts'
import { Pack } from './pack.ts'
import { sha1 } from './sha1.ts'

export type ObjectType = 'commit' | 'tree' | 'blob' | 'tag'

export interface GitObject {
  type: ObjectType
  content: Uint8Array
}

export const REGULAR = 0o100644
export const EXECUTABLE = 0o100755
export const SYMLINK = 0o120000
export const FOLDER = 0o040000
export const SUBMODULE = 0o160000

export interface TreeEntry {
  mode: number
  name: string
  id: string
}

export interface Commit {
  id: string
  tree: string
  parents: readonly string[]
  author: Identity
  committer: Identity
  message: string
}

export interface TagObject {
  id: string
  object: string
  type: ObjectType
  tag: string
  tagger: Identity | undefined
  message: string
}

/** The name of nothing. */
export const NO_ID = '0'.repeat(40)

const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904'

export function hashObject(type: ObjectType, content: Uint8Array): string {
  return sha1(encodeText(`${type} ${content.length}\0`), content)
}

/** zlib's stream at a place, and how many bytes it took. */
export function inflateAt(bytes: Uint8Array, offset: number): { content: Uint8Array; used: number } {
  const inflate = new Inflate()
  inflate.push(bytes.subarray(offset), true)
  if (inflate.err) throw fatal(`inflate: data stream error (${inflate.msg || 'incorrect data'})`)
  const { strm } = inflate as unknown as { strm: { total_in: number } }
  return { content: inflate.result as Uint8Array, used: strm.total_in }
}

export function formatTree(entries: readonly TreeEntry[]): Uint8Array {
  const key = (entry: TreeEntry) => entry.mode === FOLDER ? `${entry.name}/` : entry.name
  return concatBytes([...entries].sort((a, b) => byteOrder(key(a), key(b))).flatMap(({ mode, name, id }) => [encodeText(`${mode.toString(8)} ${name}\0`), hexBytes(id)]))
}

function parseTree(content: Uint8Array): TreeEntry[] {
  const entries: TreeEntry[] = []
  for (let at = 0; at < content.length;) {
    const space = content.indexOf(32, at)
    const end = content.indexOf(0, space)
    entries.push({ mode: Number.parseInt(decodeText(content.subarray(at, space)), 8), name: decodeText(content.subarray(space + 1, end)), id: hexText(content.subarray(end + 1, end + 21)) })
    at = end + 21
  }
  return entries
}

function parseHeaders(content: Uint8Array): { headers: [string, string][]; message: string } {
  const text = decodeText(content)
  const headers: [string, string][] = []
  let at = 0
  while (at < text.length && text[at] !== '\n') {
    const found = text.indexOf('\n', at)
    const end = found < 0 ? text.length : found
    const line = text.slice(at, end)
    // Signatures go on over indented lines.
    if (line.startsWith(' ') && headers.length > 0) headers.at(-1)![1] += `\n${line.slice(1)}`
    else headers.push([line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)])
    at = end + 1
  }
  return { headers, message: text.slice(at + 1) }
}

/** A repository's objects: loose files and packs, with what was parsed of them in this process. */
export class ObjectStore {
  readonly #fs: FileSystem
  readonly directory: string
  #packs: Pack[] | undefined
  readonly #commits = new Map<string, Commit>()
  readonly #trees = new Map<string, readonly TreeEntry[]>()
  readonly #alternates: ObjectStore[]

  constructor(fs: FileSystem, directory: string) {
    this.#fs = fs
    this.directory = directory
    const list = `${directory}/info/alternates`
    this.#alternates = fs.exists(list) ? fs.readText(list).split('\n').filter((line) => line.startsWith('/')).map((path) => new ObjectStore(fs, path)) : []
  }

  get packs(): readonly Pack[] {
    if (!this.#packs) {
      const folder = `${this.directory}/pack`
      this.#packs = !this.#fs.exists(folder) ? [] : this.#fs.readdir(folder).filter((name) => name.endsWith('.idx'))
        .map((name) => new Pack(this.#fs, `${folder}/${name.slice(0, -4)}`))
    }
    return this.#packs
  }

  /** Packs were added. */
  forgetPacks(): void {
    this.#packs = undefined
  }

  #path(id: string): string {
    return `${this.directory}/${id.slice(0, 2)}/${id.slice(2)}`
  }

  has(id: string): boolean {
    return this.#fs.exists(this.#path(id)) || this.packs.some((pack) => pack.has(id)) || this.#alternates.some((each) => each.has(id)) || id === EMPTY_TREE
  }

  /** The object, or undefined where there is none of that name. */
  find(id: string): GitObject | undefined {
    const path = this.#path(id)
    if (this.#fs.exists(path)) {
      const raw = inflateAt(this.#fs.readFile(path), 0).content
      const end = raw.indexOf(0)
      return { type: decodeText(raw.subarray(0, end)).split(' ')[0] as ObjectType, content: raw.subarray(end + 1) }
    }
    for (const pack of this.packs) {
      const found = pack.read(id, (base) => this.find(base))
      if (found) return found
    }
    for (const other of this.#alternates) {
      const found = other.find(id)
      if (found) return found
    }
    return id === EMPTY_TREE ? { type: 'tree', content: new Uint8Array(0) } : undefined
  }

  read(id: string): GitObject {
    const found = this.find(id)
    if (!found) throw fatal(`unable to read ${id}`)
    return found
  }

  typeOf(id: string): ObjectType | undefined {
    return this.#commits.has(id) ? 'commit' : this.#trees.has(id) ? 'tree' : this.find(id)?.type
  }

  write(type: ObjectType, content: Uint8Array): string {
    const header = encodeText(`${type} ${content.length}\0`)
    const id = sha1(header, content)
    if (this.has(id) && id !== EMPTY_TREE) return id
    const path = this.#path(id)
    if (this.#fs.exists(path)) return id
    const folder = path.slice(0, path.lastIndexOf('/'))
    if (!this.#fs.exists(folder)) this.#fs.mkdir(folder, { recursive: true })
    this.#fs.writeFile(path, deflate(concatBytes([header, content])), { mode: 0o444 })
    return id
  }

  blob(id: string): Uint8Array {
    return this.read(id).content
  }

  tree(id: string): readonly TreeEntry[] {
    let entries = this.#trees.get(id)
    if (!entries) {
      const { type, content } = this.read(id)
      if (type !== 'tree') throw fatal('not a tree object')
      this.#trees.set(id, entries = parseTree(content))
    }
    return entries
  }

  commit(id: string): Commit {
    let commit = this.#commits.get(id)
    if (!commit) {
      const { type, content } = this.read(id)
      if (type !== 'commit') throw fatal(`${id} is not a commit`)
      const { headers, message } = parseHeaders(content)
      const one = (name: string) => headers.find(([each]) => each === name)?.[1] ?? ''
      commit = { id, tree: one('tree'), parents: headers.filter(([name]) => name === 'parent').map(([, parent]) => parent), author: parseIdentity(one('author')), committer: parseIdentity(one('committer')), message }
      this.#commits.set(id, commit)
    }
    return commit
  }

  tag(id: string): TagObject {
    const { headers, message } = parseHeaders(this.read(id).content)
    const one = (name: string) => headers.find(([each]) => each === name)?.[1]
    const tagger = one('tagger')
    return { id, object: one('object')!, type: one('type') as ObjectType, tag: one('tag')!, tagger: tagger === undefined ? undefined : parseIdentity(tagger), message }
  }

  /** All names that begin so, of at least four digits. */
  named(prefix: string): string[] {
    const found = new Set<string>()
    const folder = `${this.directory}/${prefix.slice(0, 2)}`
    if (this.#fs.exists(folder)) for (const name of this.#fs.readdir(folder)) if (name.startsWith(prefix.slice(2)) && name.length === 38) found.add(prefix.slice(0, 2) + name)
    for (const pack of this.packs) for (const id of pack.named(prefix)) found.add(id)
    for (const other of this.#alternates) for (const id of other.named(prefix)) found.add(id)
    return [...found].sort()
  }

  /** Names of loose objects. */
  loose(): string[] {
    return this.#fs.readdir(this.directory).filter((name) => /^[0-9a-f]{2}$/.test(name)).flatMap((folder) => this.#fs.readdir(`${this.directory}/${folder}`).map((name) => folder + name))
  }

  /** About how many objects there are, which decides how long abbreviated names are. */
  count(): number {
    return this.packs.reduce((sum, pack) => sum + pack.size, this.loose().length)
  }
}
