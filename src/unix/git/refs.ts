import type { FileSystem } from '../types.ts'
import { byteOrder } from './bytes.ts'
import { fatal } from './failure.ts'
import { formatIdentity, parseIdentity } from './identity.ts'
import type { Identity } from './identity.ts'
import { NO_ID } from './objects.ts'

/** One line of a reflog. */
export interface ReflogEntry {
  from: string
  to: string
  who: Identity
  message: string
}

/** Branches, tags, HEAD and their kin: loose files, packed ones, and what happened to them. */
export class Refs {
  readonly #fs: FileSystem
  readonly gitDir: string
  readonly #logs: boolean
  /** Who is said to move refs, at the moment. */
  readonly #who: () => Identity

  constructor(fs: FileSystem, gitDir: string, options: { logs: boolean; who: () => Identity }) {
    this.#fs = fs
    this.gitDir = gitDir
    this.#logs = options.logs
    this.#who = options.who
  }

  #packed(): Map<string, string> {
    const path = `${this.gitDir}/packed-refs`
    const out = new Map<string, string>()
    if (this.#fs.exists(path)) for (const line of this.#fs.readText(path).split('\n')) if (/^[0-9a-f]{40} /.test(line)) out.set(line.slice(41), line.slice(0, 40))
    return out
  }

  /** What a ref's own file says: an id, or `ref: ` and another. */
  raw(name: string): string | undefined {
    const path = `${this.gitDir}/${name}`
    try {
      if (this.#fs.exists(path) && this.#fs.stat(path).type === 'file') return this.#fs.readText(path).trim()
    } catch { /* a file in the way of a folder */ }
    return this.#packed().get(name)
  }

  /** The ref that a symbolic ref points at. */
  target(name: string): string | undefined {
    const raw = this.raw(name)
    return raw?.startsWith('ref:') ? raw.slice(4).trim() : undefined
  }

  /** The object that a ref leads to. */
  id(name: string): string | undefined {
    let at = name
    for (let i = 0; i < 6; i++) {
      const raw = this.raw(at)
      if (raw === undefined) return undefined
      if (!raw.startsWith('ref:')) return /^[0-9a-f]{40}$/.test(raw.slice(0, 40)) ? raw.slice(0, 40) : undefined
      at = raw.slice(4).trim()
    }
    return undefined
  }

  /** Full names below a prefix such as `refs/heads/`, with what they lead to, sorted. */
  list(prefix = 'refs/'): { name: string; id: string }[] {
    const names = new Set([...this.#packed().keys()].filter((name) => name.startsWith(prefix)))
    const walk = (folder: string) => {
      for (const name of this.#fs.readdir(`${this.gitDir}/${folder}`)) {
        const path = `${folder}${name}`
        if (this.#fs.stat(`${this.gitDir}/${path}`).type === 'directory') walk(`${path}/`)
        else names.add(path)
      }
    }
    if (this.#fs.exists(`${this.gitDir}/${prefix}`)) walk(prefix)
    return [...names].sort(byteOrder).flatMap((name) => {
      const id = this.id(name)
      return id === undefined ? [] : [{ name, id }]
    })
  }

  #write(path: string, text: string): void {
    const full = `${this.gitDir}/${path}`
    this.#fs.mkdir(full.slice(0, full.lastIndexOf('/')), { recursive: true })
    this.#fs.writeFile(full, text)
  }

  /** Lets a ref, or what it points at, lead to an object, and notes why. */
  update(name: string, id: string, reason: string): void {
    const target = this.target(name)
    const before = this.id(name)
    const path = target ?? name
    const conflict = this.list(`${path}/`)[0]
    if (conflict && before === undefined) throw fatal(`cannot lock ref '${path}': '${conflict.name}' exists; cannot create '${path}'`)
    for (let slash = path.indexOf('/', 5); slash > 0; slash = path.indexOf('/', slash + 1)) {
      const parent = path.slice(0, slash)
      if (parent.split('/').length > 2 && this.id(parent) !== undefined) throw fatal(`cannot lock ref '${path}': '${parent}' exists; cannot create '${path}'`)
    }
    this.#write(path, `${id}\n`)
    this.#log(path, before, id, reason)
    if (target !== undefined) this.#log(name, before, id, reason)
    else if (name !== 'HEAD' && this.target('HEAD') === name) this.#log('HEAD', before, id, reason)
  }

  /** Lets HEAD point at a branch. */
  attach(branch: string, reason: string, options: { name?: string } = {}): void {
    const name = options.name ?? 'HEAD'
    const before = this.id(name)
    this.#write(name, `ref: ${branch}\n`)
    const after = this.id(name)
    if (reason !== '' && after !== undefined) this.#log(name, before, after, reason)
  }

  /** Lets HEAD lead to a commit by itself. */
  detach(id: string, reason: string): void {
    const before = this.id('HEAD')
    this.#write('HEAD', `${id}\n`)
    this.#log('HEAD', before, id, reason)
  }

  remove(name: string): void {
    this.#fs.remove(`${this.gitDir}/${name}`, { force: true })
    this.#fs.remove(`${this.gitDir}/logs/${name}`, { force: true })
    const packed = this.#packed()
    if (packed.delete(name)) this.#fs.writeFile(`${this.gitDir}/packed-refs`, `# pack-refs with: peeled fully-peeled sorted \n${[...packed].map(([each, id]) => `${id} ${each}\n`).join('')}`)
    for (const root of ['', 'logs/']) {
      // Folders that are empty now would be in the way of a ref of their name.
      for (let slash = name.lastIndexOf('/'); name.slice(0, slash).split('/').length > 2; slash = name.lastIndexOf('/', slash - 1)) {
        const folder = `${this.gitDir}/${root}${name.slice(0, slash)}`
        if (!this.#fs.exists(folder) || this.#fs.readdir(folder).length > 0) break
        this.#fs.remove(folder, { recursive: true })
      }
    }
  }

  rename(from: string, to: string, reason: string): void {
    const id = this.id(from)!
    const log = `${this.gitDir}/logs/${from}`
    const history = this.#fs.exists(log) ? this.#fs.readText(log) : ''
    const isHead = this.target('HEAD') === from
    this.remove(from)
    this.#write(to, `${id}\n`)
    if (history) this.#write(`logs/${to}`, history)
    this.#log(to, id, id, reason)
    if (isHead) {
      this.#write('HEAD', `ref: ${to}\n`)
      this.#log('HEAD', id, NO_ID, reason)
      this.#log('HEAD', undefined, id, reason)
    }
  }

  #log(name: string, from: string | undefined, to: string, reason: string): void {
    const path = `${this.gitDir}/logs/${name}`
    if (!this.#logs || !/^(HEAD$|refs\/(heads|remotes|notes)\/|refs\/stash$)/.test(name)) return
    this.#fs.mkdir(path.slice(0, path.lastIndexOf('/')), { recursive: true })
    this.#fs.writeFile(path, `${from ?? NO_ID} ${to} ${formatIdentity(this.#who())}${reason ? `\t${reason.replace(/\s+/g, ' ').trim()}` : ''}\n`, { append: true })
  }

  /** What happened to a ref, the latest first. */
  reflog(name: string): ReflogEntry[] {
    const path = `${this.gitDir}/logs/${name}`
    if (!this.#fs.exists(path)) return []
    return this.#fs.readText(path).split('\n').filter((line) => line !== '').map((line) => {
      const [head = '', message = ''] = line.split('\t')
      return { from: head.slice(0, 40), to: head.slice(41, 81), who: parseIdentity(head.slice(82)), message }
    }).reverse()
  }

  /** Keeps another history of a ref, the latest first. */
  writeReflog(name: string, entries: readonly ReflogEntry[]): void {
    this.#write(`logs/${name}`, [...entries].reverse().map(({ from, to, who, message }) => `${from} ${to} ${formatIdentity(who)}\t${message}\n`).join(''))
  }
}

/** Whether a name may be a ref's. As check_refname_format has it. */
export function isRefName(name: string): boolean {
  return name !== '' && name !== '@' && !/[\x00-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\/|^\/|\/$|\.$/.test(name) && name.split('/').every((part) => !part.startsWith('.') && !part.endsWith('.lock'))
}
