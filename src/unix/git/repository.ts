import type { FileSystem } from '../types.ts'
import type { Config } from './config.ts'
import { fatal } from './failure.ts'
import type { Identity } from './identity.ts'
import { Ignore } from './ignore.ts'
import { Index } from './index-file.ts'
import { FOLDER, ObjectStore, formatTree } from './objects.ts'
import { Refs } from './refs.ts'

/** What is known of a path in a tree. */
export interface TreeFile {
  mode: number
  id: string
}

export interface RepositoryOptions {
  fs: FileSystem
  gitDir: string
  /** Undefined: a bare repository. */
  workTree: string | undefined
  /** Where the command was given, seen from the working tree, with a slash at the end; empty at its top. */
  prefix: string
  config: Config
  who: () => Identity
}

/** A repository as a command sees it. */
export class Repository {
  readonly fs: FileSystem
  readonly gitDir: string
  readonly workTree: string | undefined
  readonly prefix: string
  readonly config: Config
  readonly objects: ObjectStore
  readonly refs: Refs
  readonly #indexPath: string
  #index: Index | undefined
  #ignore: Ignore | undefined
  #abbreviation: number | undefined

  constructor({ fs, gitDir, workTree, prefix, config, who }: RepositoryOptions, indexPath = `${gitDir}/index`) {
    this.fs = fs
    this.gitDir = gitDir
    this.workTree = workTree
    this.prefix = prefix
    this.config = config
    this.objects = new ObjectStore(fs, `${gitDir}/objects`)
    this.refs = new Refs(fs, gitDir, { logs: config.flag('core.logAllRefUpdates', workTree !== undefined), who })
    this.#indexPath = indexPath
  }

  /** @throws GitFailure in a bare repository */
  get top(): string {
    if (this.workTree === undefined) throw fatal('this operation must be run in a work tree')
    return this.workTree
  }

  get index(): Index {
    return this.#index ??= new Index(this.fs, this.#indexPath)
  }

  /** Somebody else may have written the index. */
  forgetIndex(): void {
    this.#index = undefined
  }

  get ignore(): Ignore {
    const own = this.config.get('core.excludesFile')
    const home = this.config.pathOf('global')!.replace(/\/[^/]*$/, '')
    const global = own ? own.replace(/^~/, home) : `${home}/.config/git/ignore`
    return this.#ignore ??= new Ignore(this.fs, this.top, [{ path: global, shown: global }, { path: `${this.gitDir}/info/exclude`, shown: '.git/info/exclude' }])
  }

  /** A file of the repository's own, such as MERGE_MSG; undefined where there is none. */
  note(name: string): string | undefined {
    const path = `${this.gitDir}/${name}`
    return this.fs.exists(path) ? this.fs.readText(path) : undefined
  }

  writeNote(name: string, text: string): void {
    const path = `${this.gitDir}/${name}`
    this.fs.mkdir(path.slice(0, path.lastIndexOf('/')), { recursive: true })
    this.fs.writeFile(path, text)
  }

  removeNotes(...names: string[]): void {
    for (const name of names) this.fs.remove(`${this.gitDir}/${name}`, { force: true, recursive: true })
  }

  get head(): string | undefined {
    return this.refs.id('HEAD')
  }

  /** The branch that HEAD points at, in short; undefined while HEAD is detached. */
  get branch(): string | undefined {
    return this.refs.target('HEAD')?.replace(/^refs\/heads\//, '')
  }

  /** All files of a tree by path. */
  files(tree: string | undefined): Map<string, TreeFile> {
    const out = new Map<string, TreeFile>()
    const walk = (id: string, prefix: string) => {
      for (const { mode, name, id: each } of this.objects.tree(id)) {
        if (mode === FOLDER) walk(each, `${prefix}${name}/`)
        else out.set(prefix + name, { mode, id: each })
      }
    }
    if (tree !== undefined) walk(tree, '')
    return out
  }

  /** The files of a commit; none for no commit. */
  filesOf(commit: string | undefined): Map<string, TreeFile> {
    return this.files(commit === undefined ? undefined : this.objects.commit(commit).tree)
  }

  /** A path in a tree. */
  entryAt(tree: string, path: string): TreeFile | undefined {
    let at: TreeFile = { mode: FOLDER, id: tree }
    for (const part of path.split('/').filter((each) => each !== '')) {
      if (at.mode !== FOLDER) return undefined
      const entry = this.objects.tree(at.id).find(({ name }) => name === part)
      if (!entry) return undefined
      at = entry
    }
    return at
  }

  /** Writes trees of files. @returns the top's name */
  writeTree(files: Iterable<[string, TreeFile]>): string {
    interface Folder { files: Map<string, TreeFile>; folders: Map<string, Folder> }
    const root: Folder = { files: new Map(), folders: new Map() }
    for (const [path, file] of files) {
      const parts = path.split('/')
      let at = root
      for (const part of parts.slice(0, -1)) {
        let next = at.folders.get(part)
        if (!next) at.folders.set(part, next = { files: new Map(), folders: new Map() })
        at = next
      }
      at.files.set(parts.at(-1)!, file)
    }
    const write = (folder: Folder): string => this.objects.write('tree', formatTree([
      ...[...folder.files].map(([name, { mode, id }]) => ({ mode, name, id })),
      ...[...folder.folders].map(([name, below]) => ({ mode: FOLDER, name, id: write(below) })),
    ]))
    return write(root)
  }

  /** The start of a name that no other object has. */
  abbreviate(id: string, length = this.abbreviation): string {
    if (length >= 40) return id
    let shown = Math.max(4, length)
    const rivals = this.objects.named(id.slice(0, shown)).filter((each) => each !== id)
    while (shown < 40 && rivals.some((each) => each.startsWith(id.slice(0, shown)))) shown++
    return id.slice(0, shown)
  }

  get abbreviation(): number {
    if (this.#abbreviation === undefined) {
      const said = this.config.get('core.abbrev')
      this.#abbreviation = said !== undefined && /^\d+$/.test(said) ? Math.max(4, Number(said)) : Math.max(7, Math.ceil((Math.floor(Math.log2(Math.max(1, this.objects.count()))) + 1) / 2))
    }
    return this.#abbreviation
  }
}
