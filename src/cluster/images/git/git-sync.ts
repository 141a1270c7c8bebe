import { createPipe, readAll } from '../../../base/streams.ts'
import { joinPath, resolvePath } from '../../../unix/path.ts'
import { UnixError } from '../../../unix/types.ts'
import type { Proc, Program } from '../../../unix/types.ts'

// @k8s part: git-sync: credentials, hooks, webhooks, sparse checkouts, submodules, metrics, the limit of a sync's time, git's configuration and gc are missing: a flag for them ends it with an error

const VERSION = 'v4.6.0'

/** Flags that take a value, with what they are when nothing is said; each can be given as GITSYNC_NAME, too. */
const VALUES: Readonly<Record<string, string>> = {
  repo: '', ref: 'HEAD', depth: '1', submodules: 'recursive', root: '', link: '', 'error-file': '', period: '10s', 'sync-timeout': '2m0s', 'max-failures': '0', 'touch-file': '', verbose: '0', 'http-bind': '', git: 'git', 'git-gc': 'always', 'git-config': '', branch: '', rev: '', dest: '', wait: '', 'stale-worktree-timeout': '0s',
  'exechook-command': '', 'webhook-url': '', username: '', 'password-file': '', 'sync-on-signal': '',
}
const SWITCHES = ['one-time', 'add-user', 'group-write', 'version', 'help', 'http-metrics', 'ssh', 'man']

/** Flags that are known and do nothing here, with values that ask for nothing beside what they are when nothing is said. */
const MISSING: Readonly<Record<string, readonly string[]>> = {
  submodules: ['off'], 'sync-timeout': [], git: [], 'git-gc': ['off'], 'git-config': [], 'stale-worktree-timeout': [], 'exechook-command': [], 'webhook-url': [], username: [], 'password-file': [], 'sync-on-signal': [],
  'add-user': ['false'], 'group-write': ['false'], 'http-metrics': ['false'], ssh: ['false'], man: ['false'],
}

/** Go's durations, in milliseconds. */
function duration(text: string): number | undefined {
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)]
  return parts.length > 0 && parts.map((part) => part[0]).join('') === text ? parts.reduce((sum, part) => sum + Number(part[1]) * units[part[2]!]!, 0) : undefined
}

/** What a failed sync says. */
class SyncError extends Error {}

interface Worktree { path: string; hash: string }

/** git-sync: fetches a ref again and again, and lets a link point at a directory with its files. k8s: git-sync main.go */
export const gitSync: Program = async (proc) => {
  const flags = new Map<string, string>()
  for (const name of [...Object.keys(VALUES), ...SWITCHES]) {
    const variable = name.toUpperCase().replace(/-/g, '_')
    const said = proc.env[`GITSYNC_${variable}`] ?? proc.env[`GIT_SYNC_${variable}`]
    if (said !== undefined && said !== '') flags.set(name, said)
  }
  const args = proc.argv.slice(1)
  for (let i = 0; i < args.length; i++) {
    const match = /^(?:--([\w-]+)|-(v|h))(?:=(.*))?$/s.exec(args[i]!)
    const name = match?.[1] ?? (match?.[2] === 'v' ? 'verbose' : match?.[2] === 'h' ? 'help' : undefined)
    if (name === undefined || !(name in VALUES || SWITCHES.includes(name))) {
      await proc.stderr.write(`unknown flag: ${args[i]!.split('=')[0]}\n`)
      return 2
    }
    flags.set(name, match![3] ?? (SWITCHES.includes(name) ? 'true' : args[++i] ?? ''))
  }
  const flag = (name: string) => flags.get(name) || VALUES[name] || ''
  const isOn = (name: string) => flags.get(name) === 'true'
  if (isOn('version')) { await proc.stdout.write(`${VERSION}\n`); return 0 }
  if (isOn('help')) { await proc.stdout.write(`Usage:\n\n FLAGS:\n${[...Object.keys(VALUES), ...SWITCHES].sort().map((name) => `        --${name}\n`).join('')}`); return 0 }
  for (const [name, harmless] of Object.entries(MISSING)) {
    const said = flags.get(name) ?? ''
    if (said !== '' && said !== VALUES[name] && !harmless.includes(said)) { await proc.stderr.write(`unsupported flag: --${name}=${said} does nothing in this git-sync\n`); return 1 }
  }
  if (flag('root') === '') { await proc.stderr.write('required flag: --root must be specified\n'); return 1 }
  if (flag('repo') === '') { await proc.stderr.write('required flag: --repo must be specified\n'); return 1 }
  const periodMs = duration(flag('wait') === '' ? flag('period') : `${flag('wait')}s`.replace('ss', 's'))
  if (periodMs === undefined || periodMs < 10) { await proc.stderr.write('invalid flag: --period must be at least 10ms\n'); return 1 }
  return new Sync(proc, {
    repo: flag('repo'), ref: flag('branch') || flag('rev') || flag('ref'), root: resolvePath(proc.cwd, flag('root')), link: flag('link') || flag('dest') || flag('repo').replace(/\/+$/, '').replace(/^.*[/:]/, '').replace(/\.git$/, ''),
    depth: Number(flag('depth')), periodMs, oneTime: isOn('one-time'), maxFailures: Number(flag('max-failures')), verbosity: Number(flag('verbose')), touchFile: flag('touch-file'), errorFile: flag('error-file'), httpPort: flag('http-bind') === '' ? undefined : Number(flag('http-bind').replace(/^.*:/, '')),
  }).run()
}

interface Settings { repo: string; ref: string; root: string; link: string; depth: number; periodMs: number; oneTime: boolean; maxFailures: number; verbosity: number; touchFile: string; errorFile: string; httpPort: number | undefined }

class Sync {
  readonly #proc: Proc
  readonly #settings: Settings
  #synced = 0

  constructor(proc: Proc, settings: Settings) {
    this.#proc = proc
    this.#settings = settings
  }

  async #log(line: number, level: number, message: string, values: Readonly<Record<string, unknown>> = {}): Promise<void> {
    if (level > this.#settings.verbosity) return
    await this.#write(line, { level, msg: message, ...values })
  }

  async #error(line: number, error: string, message: string, values: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#write(line, { msg: message, error, ...values })
    if (this.#settings.errorFile) this.#proc.fs.writeFile(this.#absolute(this.#settings.errorFile), JSON.stringify({ Msg: message, Err: error, Args: values }))
  }

  async #write(line: number, values: Readonly<Record<string, unknown>>): Promise<void> {
    const time = new Date(this.#proc.clock.nowMs()).toISOString().replace('T', ' ').replace('Z', '000')
    await this.#proc.stderr.write(`${JSON.stringify({ logger: '', ts: time, caller: { file: 'main.go', line }, ...values })}\n`)
  }

  #absolute(path: string): string {
    return path.startsWith('/') ? path : joinPath(this.#settings.root, path)
  }

  /** Runs git. @throws SyncError */
  async #git(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
    const [out, err] = [createPipe(1 << 26), createPipe(1 << 26)]
    const outputs = Promise.all([readAll(out.reader), readAll(err.reader)])
    let code: number
    try {
      code = (await this.#proc.spawn(['git', ...args], { cwd: this.#settings.root, env: { ...this.#proc.env, GIT_AUTHOR_NAME: 'git-sync', GIT_COMMITTER_NAME: 'git-sync', EMAIL: 'git-sync', ...env }, stdout: out.writer, stderr: err.writer }).wait()).code
    } finally {
      out.writer.close()
      err.writer.close()
    }
    const [stdout, stderr] = (await outputs).map((bytes) => new TextDecoder().decode(bytes)) as [string, string]
    if (code !== 0) throw new SyncError(`Run(git ${args.join(' ')}): exit status ${code}: { stdout: ${JSON.stringify(stdout.trim())}, stderr: ${JSON.stringify(stderr.trim())} }`)
    return stdout.trim()
  }

  async run(): Promise<number> {
    const { root, periodMs, oneTime, maxFailures, touchFile, errorFile, httpPort, ref } = this.#settings
    const { fs } = this.#proc
    await this.#log(676, 0, 'starting up', { version: VERSION, pid: this.#proc.pid, uid: this.#proc.user.uid, gid: this.#proc.user.gid, home: this.#proc.env['HOME'] ?? '', flags: this.#proc.argv.slice(1) })
    try {
      if (!fs.exists(root)) fs.mkdir(root, { recursive: true })
    } catch (error) {
      await this.#error(701, `mkdir ${root}: ${(error as Error).message.toLowerCase()}`, "FATAL: can't make root dir", { path: root })
      return 1
    }
    await this.#log(782, 0, 'git version', { version: (await this.#git(['version'])) })
    if (httpPort !== undefined) {
      this.#proc.net.listenHttp(httpPort, () => this.#synced > 0 ? new Response('') : new Response('repo is not ready\n', { status: 503 }))
      await this.#log(889, 0, 'serving HTTP', { endpoint: `:${httpPort}`, reasons: ['liveness'] })
    }
    let failures = 0
    for (;;) {
      try {
        const { changed, hash } = await this.#sync()
        if (touchFile && (changed || this.#synced === 1)) fs.writeFile(this.#absolute(touchFile), '')
        if (errorFile) fs.remove(this.#absolute(errorFile), { force: true })
        failures = 0
        if (oneTime) { await this.#log(1117, 0, 'exiting after one sync', { status: 0 }); return 0 }
        if (hash === ref) {
          await this.#log(1122, 0, 'ref appears to be a git hash, no further sync needed', { ref })
          await this.#proc.signal('SIGTERM', 'SIGINT')
          return 0
        }
      } catch (error) {
        if (!(error instanceof SyncError) && !(error instanceof UnixError)) throw error
        failures++
        const aborts = maxFailures >= 0 && failures >= maxFailures
        await this.#error(aborts ? 1060 : 1063, error.message, aborts ? 'too many failures, aborting' : 'error syncing repo, will retry', { failCount: failures, ...aborts ? { maxFailures } : {} })
        if (aborts) return 1
      }
      await this.#proc.sleep(periodMs)
    }
  }

  #current(): Worktree | undefined {
    const { fs } = this.#proc
    const link = this.#absolute(this.#settings.link)
    try {
      const path = resolvePath(link.slice(0, link.lastIndexOf('/')) || '/', fs.readlink(link))
      return { path, hash: path.slice(path.lastIndexOf('/') + 1) }
    } catch {
      return undefined
    }
  }

  async #sync(): Promise<{ changed: boolean; hash: string }> {
    const { root, repo, ref, depth } = this.#settings
    const { fs } = this.#proc
    if (!fs.exists(`${root}/.git`)) {
      await this.#log(1381, 0, 'repo directory was empty or failed checks', { path: root })
      await this.#log(1391, 0, 'initializing repo directory', { path: root })
      await this.#git(['init', '-b', 'git-sync'])
    }
    const current = this.#current()
    await this.#log(2003, 2, 'fetching', { ref, repo })
    await this.#git(['fetch', repo, ref, '--verbose', '--no-progress', '--prune', '--no-tags', ...depth > 0 ? ['--depth', String(depth)] : []])
    const hash = await this.#git(['rev-parse', 'FETCH_HEAD^{}'])
    const changed = current?.hash !== hash || !fs.exists(current.path)
    if (!changed && this.#synced > 0) { await this.#log(1995, 2, 'update not required', { ref, remote: hash, syncCount: this.#synced }); return { changed, hash } }
    await this.#log(1919, 0, 'update required', { ref, local: current?.hash ?? '', remote: hash, syncCount: this.#synced })
    await this.#git(['reset', '--soft', hash, '--'])
    if (changed) {
      const path = `${root}/.worktrees/${hash}`
      fs.remove(path, { recursive: true, force: true })
      fs.mkdir(path, { recursive: true })
      await this.#log(1656, 1, 'adding worktree', { path, hash })
      await this.#git(['--git-dir', `${root}/.git`, '--work-tree', path, 'checkout', hash, '--', '.'], { GIT_INDEX_FILE: `${root}/.git/worktree-${hash}.index` })
      this.#publish(path)
      if (current && current.path.startsWith(`${root}/.worktrees/`)) {
        fs.remove(current.path, { recursive: true, force: true })
        fs.remove(`${root}/.git/worktree-${current.hash}.index`, { force: true })
      }
    }
    this.#synced++
    await this.#log(1981, 0, 'updated successfully', { ref, remote: hash, syncCount: this.#synced })
    return { changed, hash }
  }

  /** Lets the link point at new files, in one step for those who read through it. */
  #publish(path: string): void {
    const { fs } = this.#proc
    const link = this.#absolute(this.#settings.link)
    const folder = link.slice(0, link.lastIndexOf('/')) || '/'
    fs.mkdir(folder, { recursive: true })
    const ups = folder.split('/').filter(Boolean)
    const parts = path.split('/').filter(Boolean)
    let common = 0
    while (common < ups.length && ups[common] === parts[common]) common++
    const temporary = `${folder}/tmp-link`
    fs.remove(temporary, { force: true })
    fs.symlink([...ups.slice(common).map(() => '..'), ...parts.slice(common)].join('/'), temporary)
    fs.rename(temporary, link)
  }
}
