import { BrokenPipeError } from '../../base/streams.ts'
import { baseName } from '../path.ts'
import { errorText } from '../errno.ts'
import { UnixError } from '../types.ts'
import type { Process, Proc } from '../types.ts'
import { createPipe, readerOf } from '../../base/streams.ts'
import type { Pipe } from '../../base/streams.ts'
import { Config } from './config.ts'
import { GitFailure, fatal } from './failure.ts'
import { formatIdentity, parseDate } from './identity.ts'
import type { Identity } from './identity.ts'
import { Repository } from './repository.ts'

/** What stands before the command: `git -C dir -c name=value`. */
export interface Globals {
  config: [string, string | undefined][]
  gitDir?: string
  workTree?: string
  bare?: boolean
  pager?: boolean
}

export type ColorName = 'reset' | 'bold' | 'red' | 'green' | 'yellow' | 'blue' | 'magenta' | 'cyan' | 'boldred' | 'boldgreen' | 'boldyellow' | 'boldblue' | 'boldmagenta' | 'boldcyan' | 'reverse'
const CODES: Readonly<Record<ColorName, string>> = {
  reset: '', bold: '1', red: '31', green: '32', yellow: '33', blue: '34', magenta: '35', cyan: '36',
  boldred: '1;31', boldgreen: '1;32', boldyellow: '1;33', boldblue: '1;34', boldmagenta: '1;35', boldcyan: '1;36', reverse: '7',
}

export const NOT_A_REPOSITORY = 'not a git repository (or any of the parent directories): .git'

const FLUSH_CHARS = 1 << 15

/** One run of git: its process, its settings and its repository, if it has one. */
export class Session {
  readonly proc: Proc
  readonly globals: Globals = { config: [] }
  /** The subcommand's name. */
  command = ''
  #held: (string | Uint8Array)[] = []
  #heldChars = 0
  #repository: Repository | undefined | null
  #looseConfig: Config | undefined
  #colors: boolean | undefined
  #pager: { pipe: Pipe; process: Process } | undefined

  constructor(proc: Proc) {
    this.proc = proc
  }

  // --- output --------------------------------------------------------------------------------------------------------------------

  /** Text for standard output. It is written in larger pieces; long loops call {@link breathe}. */
  out(text: string | Uint8Array): void {
    this.#held.push(text)
    this.#heldChars += text.length
  }

  /** Text for standard error, behind everything said so far. */
  async complain(text: string): Promise<void> {
    await this.flush()
    await this.proc.stderr.write(text)
  }

  async flush(): Promise<void> {
    const held = this.#held
    this.#held = []
    this.#heldChars = 0
    const writer = this.#pager?.pipe.writer ?? this.proc.stdout
    let text = ''
    for (const each of held) {
      if (typeof each === 'string') { text += each; continue }
      if (text) await writer.write(text)
      text = ''
      await writer.write(each)
    }
    if (text) await writer.write(text)
  }

  /** Gives others a turn, and the output a way out. */
  async breathe(): Promise<void> {
    if (this.#heldChars > FLUSH_CHARS) await this.flush()
    await this.proc.clock.breathe()
  }

  /** Shows what follows in a pager if standard output is a terminal and there is one. */
  startPager(): void {
    if (this.#pager || this.globals.pager === false || !this.proc.isTty(1)) return
    const command = this.proc.env['GIT_PAGER'] ?? this.looseConfig.get('core.pager') ?? this.proc.env['PAGER'] ?? 'less'
    if (command === '' || command === 'cat' || !this.#isInstalled(command.split(' ')[0]!)) return
    // Decided by the terminal, not by the pipe that follows.
    void this.colors
    const pipe = createPipe()
    try {
      const process = this.proc.spawn(['sh', '-c', command], { stdin: pipe.reader, stdout: this.proc.stdout, stderr: this.proc.stderr, env: { LESS: 'FRX', LV: '-c', ...this.proc.env }, ...(this.proc.tty ? { tty: this.proc.tty } : {}) })
      this.#pager = { pipe, process }
    } catch { /* no pager: straight to the terminal */ }
  }

  #isInstalled(name: string): boolean {
    return name.includes('/') ? this.proc.fs.exists(this.proc.resolve(name)) : (this.proc.env['PATH'] ?? '').split(':').some((folder) => this.proc.fs.exists(`${folder}/${name}`))
  }

  async end(): Promise<void> {
    try {
      await this.flush()
    } catch (error) {
      if (!(error instanceof BrokenPipeError) || !this.#pager) throw error
    }
    this.#pager?.pipe.writer.close()
    await this.#pager?.process.wait()
  }

  /** Whether output is coloured, as color.ui and the terminal say. */
  get colors(): boolean {
    if (this.#colors === undefined) {
      const said = this.looseConfig.get('color.ui') ?? 'auto'
      this.#colors = said === 'always' || (said !== 'never' && said !== 'false' && this.proc.isTty(1) && this.proc.env['TERM'] !== 'dumb')
    }
    return this.#colors
  }

  set colors(on: boolean) {
    this.#colors = on
  }

  paint(color: ColorName, text: string): string {
    return this.colors && text !== '' ? `\x1b[${CODES[color]}m${text}\x1b[m` : text
  }

  // --- the repository ------------------------------------------------------------------------------------------------------------

  get nowSeconds(): number {
    return Math.floor(this.proc.clock.nowMs() / 1000)
  }

  /** Settings with or without a repository. */
  get looseConfig(): Config {
    return this.repositoryOrNone?.config ?? (this.#looseConfig ??= new Config(this.proc, undefined, this.globals.config))
  }

  /** The repository that the command is given in. @throws GitFailure */
  get repository(): Repository {
    const found = this.repositoryOrNone
    if (found) return found
    throw fatal(this.globals.gitDir !== undefined || this.proc.env['GIT_DIR'] !== undefined ? `not a git repository: '${this.globals.gitDir ?? this.proc.env['GIT_DIR']}'` : NOT_A_REPOSITORY)
  }

  get repositoryOrNone(): Repository | undefined {
    if (this.#repository === undefined) this.#repository = this.#discover() ?? null
    return this.#repository ?? undefined
  }

  /** A repository was made, or the command goes on in another one. */
  enter(gitDir: string, workTree: string | undefined): Repository {
    return this.#repository = this.open(gitDir, workTree, '')
  }

  /** A repository by its directory. */
  open(gitDir: string, workTree: string | undefined, prefix: string): Repository {
    return new Repository({ fs: this.proc.fs, gitDir, workTree, prefix, config: new Config(this.proc, gitDir, this.globals.config), who: () => this.committer(false) }, this.proc.env['GIT_INDEX_FILE'] === undefined ? undefined : this.proc.resolve(this.proc.env['GIT_INDEX_FILE']))
  }

  /** The directory of a repository at or in a path: itself if it is one, or its `.git`. */
  gitDirAt(path: string): string | undefined {
    const { fs } = this.proc
    for (const candidate of [`${path === '/' ? '' : path}/.git`, path]) {
      if (candidate.endsWith('/.git') && fs.exists(candidate) && fs.stat(candidate).type === 'file') {
        const target = /^gitdir: (.*)/.exec(fs.readText(candidate))?.[1]
        if (target !== undefined) return target.startsWith('/') ? target : `${path}/${target}`
      }
      if (fs.exists(`${candidate}/HEAD`) && fs.exists(`${candidate}/objects`) && fs.exists(`${candidate}/refs`)) return candidate
    }
    return undefined
  }

  #discover(): Repository | undefined {
    const { proc, globals } = this
    const { fs } = proc
    const cwd = fs.realpath(proc.cwd)
    const within = (workTree: string) => cwd === workTree ? '' : workTree === '/' ? `${cwd.slice(1)}/` : cwd.startsWith(`${workTree}/`) ? `${cwd.slice(workTree.length + 1)}/` : ''
    const said = globals.gitDir ?? proc.env['GIT_DIR']
    if (said !== undefined) {
      const gitDir = this.gitDirAt(proc.resolve(said))
      if (gitDir === undefined) return undefined
      const tree = globals.workTree ?? proc.env['GIT_WORK_TREE']
      const bare = globals.bare || (tree === undefined && new Config(proc, gitDir, globals.config).flag('core.bare', false))
      const workTree = bare ? undefined : tree === undefined ? cwd : fs.realpath(proc.resolve(tree))
      return this.open(gitDir, workTree, workTree === undefined ? '' : within(workTree))
    }
    for (let path = cwd; ; path = path.slice(0, path.lastIndexOf('/')) || '/') {
      const gitDir = this.gitDirAt(path)
      if (gitDir !== undefined) {
        const inside = gitDir === path
        if (fs.stat(gitDir).uid !== proc.user.uid && proc.user.uid !== 0 && !this.#isSafe(path)) throw fatal(`detected dubious ownership in repository at '${path}'\nTo add an exception for this directory, call:\n\n\tgit config --global --add safe.directory ${path}`)
        if (inside) return this.open(gitDir, undefined, '')
        const config = new Config(proc, gitDir, globals.config)
        const tree = globals.workTree ?? config.get('core.worktree')
        const workTree = globals.bare || config.flag('core.bare', false) ? undefined : tree === undefined ? path : fs.realpath(tree.startsWith('/') ? tree : `${gitDir}/${tree}`)
        return this.open(gitDir, workTree, workTree === undefined ? '' : within(workTree))
      }
      if (path === '/') return undefined
    }
  }

  #isSafe(path: string): boolean {
    const listed = new Config(this.proc, undefined, this.globals.config).all('safe.directory')
    return listed.includes('*') || listed.includes(path)
  }

  // --- people --------------------------------------------------------------------------------------------------------------------

  author(): Identity {
    return this.#identity('author', true)
  }

  /** `strict`: fails where nobody said who they are, as for commits; reflogs take what there is. */
  committer(strict = true): Identity {
    return this.#identity('committer', strict)
  }

  #identity(role: 'author' | 'committer', strict: boolean): Identity {
    const { env, user, machine } = this.proc
    const config = this.looseConfig
    const prefix = `GIT_${role.toUpperCase()}_`
    const email = env[`${prefix}EMAIL`] ?? config.get(`${role}.email`) ?? config.get('user.email') ?? env['EMAIL']
    const name = env[`${prefix}NAME`] ?? config.get(`${role}.name`) ?? config.get('user.name')
    const domain = machine.hostname.includes('.') ? machine.hostname : `${machine.hostname}.(none)`
    if (strict && email === undefined) throw new GitFailure(`${role === 'author' ? 'Author' : 'Committer'} identity unknown\n${WHO}fatal: unable to auto-detect email address (got '${user.name}@${domain}')`)
    if (strict && (name ?? user.name).trim() === '') throw new GitFailure(`${role === 'author' ? 'Author' : 'Committer'} identity unknown\n${name === undefined ? WHO : ''}fatal: empty ident name (for <${email}>) not allowed`)
    const date = env[`${prefix}DATE`]
    const parsed = date === undefined ? { seconds: this.nowSeconds, zone: '+0000' } : parseDate(date, this.nowSeconds)
    if (!parsed) throw fatal(`invalid date format: ${date}`)
    const clean = (text: string) => text.replace(/[<>\n]/g, '').replace(/^[\s.,:;"'\\]+|[\s.,:;"'\\]+$/g, '')
    return { name: clean(name ?? user.name), email: clean(email ?? `${user.name}@${domain}`), ...parsed }
  }

  /** For `git var`. */
  identityText(role: 'author' | 'committer'): string {
    return formatIdentity(this.#identity(role, true))
  }

  // --- editors -------------------------------------------------------------------------------------------------------------------

  /** Lets the user edit a file of the repository, with another editor than usual if one is `given`. @returns its text */
  async edit(path: string, given?: string): Promise<string> {
    const { proc } = this
    const editor = given ?? proc.env['GIT_EDITOR'] ?? this.looseConfig.get('core.editor') ?? proc.env['VISUAL'] ?? proc.env['EDITOR'] ?? 'vi'
    if (editor !== ':') {
      await this.flush()
      let code: number
      try {
        code = (await proc.spawn(['sh', '-c', `${editor} "$@"`, editor, path], { stdin: proc.stdin, stdout: proc.stdout, stderr: proc.stderr, ...(proc.tty ? { tty: proc.tty } : {}) }).wait()).code
      } catch {
        throw failedEditor(editor)
      }
      if (code !== 0) throw failedEditor(editor)
    }
    return proc.fs.readText(path)
  }

  /** Runs a hook of the repository if there is one; what it says goes to standard error (pre-push alone may use both). @returns whether it agrees */
  async agrees(hook: string, args: readonly string[] = [], stdin = ''): Promise<boolean> {
    const { proc } = this
    const repo = this.repository
    const own = repo.config.get('core.hooksPath')
    const path = `${own === undefined ? `${repo.gitDir}/hooks` : own.startsWith('/') ? own : `${repo.top}/${own}`}/${hook}`
    if (!proc.fs.exists(path)) return true
    if (!(proc.fs.stat(path).mode & 0o111)) {
      await this.complain(`hint: The '${own === undefined ? `.git/hooks/${hook}` : `${own}/${hook}`}' hook was ignored because it's not set as executable.\nhint: You can disable this warning with \`git config advice.ignoredHook false\`.\n`)
      return true
    }
    await this.flush()
    try {
      return (await proc.spawn([path, ...args], { cwd: repo.workTree ?? repo.gitDir, stdin: readerOf(stdin), stdout: hook === 'pre-push' ? proc.stdout : proc.stderr, stderr: proc.stderr, env: { ...proc.env, GIT_DIR: repo.gitDir, GIT_INDEX_FILE: repo.index.path, GIT_PREFIX: repo.prefix } }).wait()).code === 0
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      await this.complain(`fatal: cannot run ${path}: ${errorText(error)}\n`)
      return false
    }
  }

  /** How the user calls a path of the repository, from where they are. */
  shown(path: string): string {
    return relativeTo(this.repository.prefix, path)
  }

  get programName(): string {
    return baseName(this.proc.argv[0] ?? 'git')
  }
}

const failedEditor = (editor: string) => new GitFailure(`error: There was a problem with the editor '${editor}'.`, 1)

/** A path from the top as seen from a folder. */
export function relativeTo(prefix: string, path: string): string {
  if (prefix === '') return path
  const from = prefix.slice(0, -1).split('/')
  const to = path.split('/')
  let common = 0
  while (common < from.length && common < to.length && from[common] === to[common] && common < to.length - (path.endsWith('/') ? 1 : 0)) common++
  const up = '../'.repeat(from.length - common)
  return up + to.slice(common).join('/') || './'
}

const WHO = `
*** Please tell me who you are.

Run

  git config --global user.email "you@example.com"
  git config --global user.name "Your Name"

to set your account's default identity.
Omit --global to set the identity only in this repository.

`
