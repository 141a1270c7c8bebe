import { directoryName } from '../path.ts'
import { UnixError } from '../types.ts'
import type { Proc, Program } from '../types.ts'
import { packages } from './packages/index.mjs'
import type { RegistryPackage } from './packages/index.mjs'
import type { NodeRelease } from './releases.ts'
import { satisfies } from './semver.ts'

// @k8s part: npm: the registry has express, body-parser, cookie-parser, cors, morgan, dotenv, uuid, axios, redis, ioredis and prom-client, each with what programs mostly use of it; others are not found; no audit, outdated and ping, and npm config keeps nothing

/** What npm says before it gives up. */
class NpmError extends Error {
  readonly lines: readonly string[]
  readonly code: number
  constructor(lines: readonly string[], code = 1) {
    super(lines[0])
    this.lines = lines
    this.code = code
  }
}

interface PackageJson {
  name?: string
  version?: string
  main?: string
  scripts?: Record<string, string>
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  [field: string]: unknown
}

/** Scripts with a command of their own. */
const LIFECYCLE = ['start', 'stop', 'restart', 'test', 'preinstall', 'install', 'postinstall', 'prepare']

/** npm of a release of Node. */
export function npmOf(release: NodeRelease): Program {
  return async (proc) => {
    const npm = new Npm(proc, release)
    try {
      return await npm.run(proc.argv.slice(1))
    } catch (error) {
      if (!(error instanceof NpmError)) throw error
      await npm.complain(error.lines)
      return error.code
    }
  }
}

/** npx: runs a package's command. */
export function npxOf(release: NodeRelease): Program {
  const npm = npmOf(release)
  return async (proc) => {
    const args = proc.argv.slice(1)
    if (args[0] === '-v' || args[0] === '--version') { await proc.stdout.write(`${release.npm}\n`); return 0 }
    return proc.spawn(['npm', 'exec', ...args], { program: npm, stdin: proc.stdin, stdout: proc.stdout, stderr: proc.stderr }).wait().then(({ code }) => code)
  }
}

class Npm {
  readonly #proc: Proc
  readonly #release: NodeRelease
  readonly #startedMs: number
  #flags = new Map<string, string>()
  #rest: string[] = []

  constructor(proc: Proc, release: NodeRelease) {
    this.#proc = proc
    this.#release = release
    this.#startedMs = proc.clock.nowMs()
  }

  async run(args: readonly string[]): Promise<number> {
    const dashes = args.indexOf('--')
    this.#rest = dashes < 0 ? [] : args.slice(dashes + 1)
    const words: string[] = []
    const own = dashes < 0 ? args : args.slice(0, dashes)
    for (let i = 0; i < own.length; i++) {
      const [, name, value] = /^--?([^=]+)(?:=(.*))?$/s.exec(own[i]!.startsWith('-') ? own[i]! : '') ?? []
      if (name === undefined) words.push(own[i]!)
      else if (value === undefined && ['prefix', 'loglevel', 'registry', 'omit', 'only', 'C', 'w', 'workspace', 'include'].includes(name)) this.#flags.set(name, own[++i] ?? '')
      else this.#flags.set(name, value ?? 'true')
    }
    const prefix = this.#flags.get('prefix') ?? this.#flags.get('C')
    if (prefix !== undefined) this.#proc.cwd = this.#proc.resolve(prefix)
    if (this.#flags.has('v') || (this.#flags.has('version') && words.length === 0)) return this.#say(`${this.#release.npm}\n`)
    // Whoever waits for npm waits for its start, too.
    await this.#proc.sleep(180)
    const [command, ...operands] = words
    switch (command) {
      case 'install': case 'i': case 'add': case 'in': case 'isntall': return this.#install(operands)
      case 'ci': case 'clean-install': return this.#cleanInstall()
      case 'uninstall': case 'remove': case 'rm': case 'un': case 'r': return this.#uninstall(operands)
      case 'run': case 'run-script': return operands.length === 0 ? this.#listScripts() : this.#runScript(operands[0]!, [...operands.slice(1), ...this.#rest])
      case 'start': case 'stop': case 'restart': return this.#runScript(command, [...operands, ...this.#rest])
      case 'test': case 't': case 'tst': return this.#runScript('test', [...operands, ...this.#rest])
      case 'exec': case 'x': return this.#exec([...operands, ...this.#rest])
      case 'init': case 'create': return this.#init()
      case 'ls': case 'list': case 'll': return this.#list()
      case 'root': return this.#say(this.#flags.has('g') ? '/usr/local/lib/node_modules\n' : `${this.#root()}/node_modules\n`)
      case 'prefix': return this.#say(this.#flags.has('g') ? '/usr/local\n' : `${this.#root()}\n`)
      case 'version': return this.#say(`{\n  npm: '${this.#release.npm}',\n  node: '${this.#release.version.slice(1)}',\n  v8: '${this.#release.v8}',\n  modules: '${this.#release.abi}'\n}\n`)
      case 'config': case 'set': case 'get': return operands[0] === 'get' && operands[1] === 'registry' ? this.#say('https://registry.npmjs.org/\n') : 0
      case 'cache': case 'fund': case 'dedupe': case 'rebuild': return 0
      case 'prune': return this.#prune()
      case 'audit': case 'outdated': case 'ping': throw new NpmError([`npm ${command} is not supported here`])
      case 'view': case 'info': case 'show': return this.#view(operands[0] ?? '')
      case undefined: case 'help': await this.#say(usage(this.#release)); return command === undefined ? 1 : 0
      default:
        await this.#proc.stderr.write(`Unknown command: "${command}"\n\n\nTo see a list of supported npm commands, run:\n  npm help\n`)
        return 1
    }
  }

  async complain(lines: readonly string[]): Promise<void> {
    const mark = Number(this.#release.npm.split('.')[0]) >= 10 ? 'npm error' : 'npm ERR!'
    const stamp = new Date(this.#startedMs).toISOString().replace(/[:.]/g, '_')
    const log = `${this.#proc.user.home}/.npm/_logs/${stamp}-debug-0.log`.replace('//', '/')
    let isLogged = true
    try {
      this.#proc.fs.mkdir(directoryName(log), { recursive: true })
      this.#proc.fs.writeFile(log, [`verbose cli ${this.#proc.argv.join(' ')}`, `info using npm@${this.#release.npm}`, `info using node@${this.#release.version}`, ...lines.map((line) => `error ${line}`.trimEnd())].map((line, i) => `${i} ${line}\n`).join(''))
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      isLogged = false
    }
    await this.#proc.stderr.write([...lines, ...isLogged ? [`A complete log of this run can be found in: ${log}`] : []].map((line) => `${mark}${line === '' ? '' : ` ${line}`}\n`).join(''))
  }

  async #say(text: string): Promise<number> {
    await this.#proc.stdout.write(text)
    return 0
  }

  /** npm before 7 says things differently. */
  get #isOld(): boolean {
    return Number(this.#release.npm.split('.')[0]) < 7
  }

  get #isQuiet(): boolean {
    return this.#flags.has('s') || this.#flags.has('silent') || this.#flags.has('q') || this.#flags.get('loglevel') === 'silent' || this.#flags.get('loglevel') === 'error'
  }

  /** The folder of the nearest package.json, or this one. */
  #root(): string {
    for (let at = this.#proc.cwd; ; at = directoryName(at)) {
      if (this.#proc.fs.exists(`${at === '/' ? '' : at}/package.json`) || this.#proc.fs.exists(`${at === '/' ? '' : at}/node_modules`)) return at
      if (at === '/') return this.#proc.cwd
    }
  }

  #read(required = false): PackageJson {
    const path = `${this.#root()}/package.json`.replace('//', '/')
    if (!this.#proc.fs.exists(path)) {
      if (!required) return {}
      throw new NpmError(['code ENOENT', 'syscall open', `path ${path}`, 'errno -2', `enoent Could not read package.json: Error: ENOENT: no such file or directory, open '${path}'`, 'enoent This is related to npm not being able to find a file.', 'enoent'], 254)
    }
    const text = this.#proc.fs.readText(path)
    try {
      return JSON.parse(text) as PackageJson
    } catch (error) {
      throw new NpmError(['code EJSONPARSE', `path ${path}`, `JSON.parse ${(error as Error).message} while parsing '${text.slice(0, 20)}'`, 'JSON.parse Failed to parse JSON data.', 'JSON.parse Note: package.json must be actual JSON, not just JavaScript.'])
    }
  }

  #write(content: PackageJson): void {
    this.#proc.fs.writeFile(`${this.#root()}/package.json`, `${JSON.stringify(content, undefined, 2)}\n`)
  }

  // --- packages -------------------------------------------------------------------------------------------------------------------

  /** A version of a package that the registry has. @throws NpmError */
  #choose(name: string, range: string): string {
    const known: RegistryPackage | undefined = packages[name]
    const url = `https://registry.npmjs.org/${name.replace('/', '%2f')}`
    if (!known) {
      const missing = Number(this.#release.npm.split('.')[0]) >= 11 ? `The requested resource '${name}@${range}' could not be found or you do not have permission to access it.` : `'${name}@${range}' is not in this registry.`
      throw new NpmError(['code E404', `404 Not Found - GET ${url} - Not found`, '404', `404  ${missing}`, '404', '404 Note that you can also install from a', '404 tarball, folder, http url, or git url.'])
    }
    const fitting = known.versions.filter((version) => satisfies(version, range))
    // An exact version of a major that is known, and no newer than what is known, has been published some time.
    const chosen = fitting.at(-1) ?? (/^\d+\.\d+\.\d+$/.test(range) && known.versions.some((version) => version.split('.')[0] === range.split('.')[0]) && satisfies(known.versions.at(-1)!, `>=${range}`) ? range : undefined)
    if (chosen === undefined) throw new NpmError(['code ETARGET', `notarget No matching version found for ${name}@${range}.`, 'notarget In most cases you or one of your dependencies are requesting', "notarget a package version that doesn't exist."])
    return chosen
  }

  /** Puts packages, and what they need, where they belong. @returns those that were not there */
  #place(wanted: Readonly<Record<string, string>>, folder: string): [name: string, version: string][] {
    const placed: [string, string][] = []
    const waiting = Object.entries(wanted)
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [name, range] = next
      if (/^(?:file:|\.|\/)/.test(range)) { this.#link(name, range, folder); continue }
      const version = this.#choose(name, range)
      const known = packages[name]!
      waiting.push(...Object.entries(known.needs ?? {}))
      const target = `${folder}/${name}`
      if (this.#versionIn(target) === version) continue
      this.#proc.fs.mkdir(target, { recursive: true })
      this.#proc.fs.writeFile(`${target}/package.json`, `${JSON.stringify({ name, version, description: known.description, license: 'MIT', main: 'index.js' }, undefined, 2)}\n`)
      for (const [file, main] of Object.entries({ 'index.js': known.main, ...known.files })) this.#proc.fs.writeFile(`${target}/${file}`, `'use strict'\n\n;(${String(main)})(module, exports, require)\n`)
      placed.push([name, version])
    }
    return placed
  }

  #link(name: string, range: string, folder: string): void {
    const source = this.#proc.resolve(range.replace(/^file:/, ''))
    if (!this.#proc.fs.exists(source)) throw new NpmError(['code ENOENT', `syscall open`, `path ${source}/package.json`, 'errno -2', `enoent Could not read package.json: Error: ENOENT: no such file or directory, open '${source}/package.json'`], 254)
    this.#proc.fs.mkdir(folder, { recursive: true })
    if (!this.#proc.fs.exists(`${folder}/${name}`)) this.#proc.fs.symlink(source, `${folder}/${name}`)
  }

  #versionIn(folder: string): string | undefined {
    try {
      return (JSON.parse(this.#proc.fs.readText(`${folder}/package.json`)) as PackageJson).version
    } catch {
      return undefined
    }
  }

  /** Names in node_modules, with their versions. */
  #installed(folder: string): [name: string, version: string][] {
    if (!this.#proc.fs.exists(folder)) return []
    return this.#proc.fs.readdir(folder).filter((name) => !name.startsWith('.')).flatMap((name) => name.startsWith('@') ? this.#proc.fs.readdir(`${folder}/${name}`).map((inner) => `${name}/${inner}`) : [name])
      .flatMap((name) => { const version = this.#versionIn(`${folder}/${name}`); return version === undefined ? [] : [[name, version] as [string, string]] })
  }

  async #install(operands: readonly string[]): Promise<number> {
    const isGlobal = this.#flags.has('g') || this.#flags.has('global')
    const folder = isGlobal ? '/usr/local/lib/node_modules' : `${this.#root()}/node_modules`.replace('//', '/')
    const own = isGlobal ? {} : this.#read()
    const withoutDev = this.#flags.get('omit') === 'dev' || this.#flags.has('production') || this.#flags.get('only') === 'production' || this.#proc.env.NODE_ENV === 'production'
    await this.#proc.sleep(900)
    const added: Record<string, string> = {}
    for (const operand of operands) {
      const [, name = operand, range = 'latest'] = /^(@?[^@]+)(?:@(.*))?$/.exec(operand) ?? []
      const version = this.#choose(name, range === 'latest' ? '*' : range)
      added[name] = range !== 'latest' && /^\d+\.\d+\.\d+$/.test(range) && this.#flags.has('save-exact') ? version : this.#flags.has('E') || this.#flags.has('save-exact') ? version : `^${version}`
    }
    const isDev = this.#flags.has('D') || this.#flags.has('save-dev')
    const wanted = { ...own.dependencies, ...(withoutDev ? {} : own.devDependencies), ...added }
    const code = isGlobal ? 0 : await this.#lifecycle('preinstall', own)
    if (code !== 0) return code
    const placed = this.#place(wanted, folder)
    if (!isGlobal) {
      if (operands.length > 0 && !this.#flags.has('no-save')) {
        const field = isDev ? 'devDependencies' : 'dependencies'
        this.#write({ ...own, [field]: Object.fromEntries(Object.entries({ ...own[field], ...added }).sort(([a], [b]) => a < b ? -1 : 1)) })
      }
      if (this.#flags.get('package-lock') !== 'false' && !this.#flags.has('no-package-lock')) this.#writeLock(this.#read(), folder)
      for (const script of ['install', 'postinstall', 'prepare']) { const failed = operands.length === 0 ? await this.#lifecycle(script, own) : 0; if (failed !== 0) return failed }
    }
    return this.#report(placed.length, 0)
  }

  async #report(added: number, removed: number): Promise<number> {
    if (this.#isQuiet) return 0
    const packagesText = (count: number) => `${count} package${count === 1 ? '' : 's'}`
    const what = added > 0 ? `added ${packagesText(added)}` : removed > 0 ? `removed ${packagesText(removed)}` : 'up to date'
    const ms = this.#proc.clock.nowMs() - this.#startedMs
    if (this.#isOld) return this.#say(`${what} in ${(ms / 1000).toFixed(3)}s\n\n`)
    return this.#say(`\n${what} in ${ms < 950 ? `${Math.round(ms)}ms` : `${Math.round(ms / 1000)}s`}\n`)
  }

  /** Looks whether there is something that no package.json asks for. @throws NpmError when there is: nothing is taken away here */
  async #prune(): Promise<number> {
    const own = this.#read()
    const withoutDev = this.#flags.get('omit') === 'dev' || this.#flags.has('production') || this.#proc.env.NODE_ENV === 'production'
    const wanted = new Set<string>()
    const waiting = Object.keys({ ...own.dependencies, ...(withoutDev ? {} : own.devDependencies) })
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      if (wanted.has(name)) continue
      wanted.add(name)
      waiting.push(...Object.keys(packages[name]?.needs ?? {}))
    }
    const extraneous = this.#installed(`${this.#root()}/node_modules`).filter(([name]) => !wanted.has(name))
    if (extraneous.length > 0) throw new NpmError(['npm prune is not supported here, use npm uninstall', ...extraneous.map(([name, version]) => `extraneous: ${name}@${version}`)])
    return this.#report(0, 0)
  }

  #writeLock({ name, version, dependencies, devDependencies }: PackageJson, folder: string): void {
    const all = { '': { ...(name ? { name } : {}), ...(version ? { version } : {}), ...(dependencies ? { dependencies } : {}), ...(devDependencies ? { devDependencies } : {}) }, ...Object.fromEntries(this.#installed(folder).map(([each, own]) => [`node_modules/${each}`, { version: own, resolved: `https://registry.npmjs.org/${each}/-/${each.replace(/^.*\//, '')}-${own}.tgz`, license: 'MIT' }])) }
    this.#proc.fs.writeFile(`${this.#root()}/package-lock.json`, `${JSON.stringify({ name: name ?? this.#root().replace(/^.*\//, ''), ...(version ? { version } : {}), lockfileVersion: 3, requires: true, packages: all }, undefined, 2)}\n`)
  }

  async #cleanInstall(): Promise<number> {
    if (!this.#proc.fs.exists(`${this.#root()}/package-lock.json`)) throw new NpmError(['code EUSAGE', '', 'The `npm ci` command can only install with an existing package-lock.json or', 'npm-shrinkwrap.json with lockfileVersion >= 1. Run an install with npm@5 or', 'later to generate a package-lock.json file, then try again.', '', 'Clean install a project', '', 'Usage:', 'npm ci', '', 'aliases: clean-install, ic, install-clean, isntall-clean', '', 'Run "npm help ci" for more info'])
    this.#proc.fs.remove(`${this.#root()}/node_modules`, { recursive: true, force: true })
    return this.#install([])
  }

  async #uninstall(operands: readonly string[]): Promise<number> {
    const own = this.#read()
    const folder = `${this.#root()}/node_modules`
    let removed = 0
    for (const name of operands) {
      if (this.#proc.fs.exists(`${folder}/${name}`)) { this.#proc.fs.remove(`${folder}/${name}`, { recursive: true }); removed++ }
      for (const field of ['dependencies', 'devDependencies'] as const) { delete own[field]?.[name]; if (own[field] && Object.keys(own[field]).length === 0) delete own[field] }
    }
    this.#write(own)
    this.#writeLock(own, folder)
    return this.#report(0, removed)
  }

  async #list(): Promise<number> {
    const own = this.#read()
    const root = this.#root()
    const wanted = { ...own.dependencies, ...own.devDependencies }
    const installed = this.#installed(this.#flags.has('g') ? '/usr/local/lib/node_modules' : `${root}/node_modules`)
    const direct = installed.filter(([name]) => this.#flags.has('g') || name in wanted)
    const missing = Object.entries(wanted).filter(([name]) => !installed.some(([each]) => each === name))
    const lines = [...missing.map(([name, range]) => `UNMET DEPENDENCY ${name}@${range}`), ...direct.map(([name, version]) => `${name}@${version}`)]
    await this.#say(`${this.#flags.has('g') ? '/usr/local/lib' : `${own.name ? `${own.name}@${own.version ?? ''} ` : ''}${root}`}\n${lines.length === 0 ? '└── (empty)\n' : lines.map((line, i) => `${i === lines.length - 1 ? '└──' : '├──'} ${line}\n`).join('')}\n`)
    if (missing.length === 0) return 0
    throw new NpmError(missing.map(([name, range]) => `missing: ${name}@${range}, required by ${own.name}@${own.version ?? ''}`).flatMap((line) => ['code ELSPROBLEMS', line]))
  }

  async #view(operand: string): Promise<number> {
    const [, name = operand, range = '*'] = /^(@?[^@]+)(?:@(.*))?$/.exec(operand) ?? []
    const version = this.#choose(name, range)
    const needs = Object.entries(packages[name]!.needs ?? {})
    return this.#say(`\n${name}@${version} | MIT | deps: ${needs.length === 0 ? 'none' : needs.length} | versions: ${packages[name]!.versions.length}\n${packages[name]!.description}\n${needs.length === 0 ? '' : `\ndependencies:\n${needs.map(([each, wanted]) => `${each}: ${wanted}\n`).join('')}`}\ndist-tags:\nlatest: ${packages[name]!.versions.at(-1)!}\n`)
  }

  async #init(): Promise<number> {
    const root = this.#proc.cwd
    const before = this.#proc.fs.exists(`${root}/package.json`) ? this.#read() : {}
    const main = ['index.js', 'server.js', 'app.js', 'main.js'].find((name) => this.#proc.fs.exists(`${root}/${name}`)) ?? 'index.js'
    const made: PackageJson = { name: root.replace(/^.*\//, '').toLowerCase() || 'app', version: '1.0.0', main, scripts: { ...(main === 'server.js' ? { start: 'node server.js' } : {}), test: 'echo "Error: no test specified" && exit 1' }, keywords: [], author: '', license: 'ISC', description: '', ...(Number(this.#release.npm.split('.')[0]) >= 11 ? { type: 'commonjs' } : {}), ...before }
    const text = JSON.stringify(made, undefined, 2)
    this.#proc.fs.writeFile(`${root}/package.json`, `${text}\n`)
    return this.#say(`Wrote to ${root}/package.json:\n\n${text}\n\n\n`)
  }

  // --- scripts --------------------------------------------------------------------------------------------------------------------

  async #listScripts(): Promise<number> {
    const own = this.#read(true)
    const scripts = Object.entries(own.scripts ?? {})
    if (scripts.length === 0) return 0
    const known = scripts.filter(([name]) => LIFECYCLE.includes(name))
    const others = scripts.filter(([name]) => !LIFECYCLE.includes(name))
    const list = (all: [string, string][]) => all.map(([name, text]) => `  ${name}\n    ${text}\n`).join('')
    const id = `${own.name ?? ''}@${own.version ?? ''}`
    return this.#say(`${known.length > 0 ? `Lifecycle scripts included in ${id}:\n${list(known)}` : ''}${others.length > 0 ? `${known.length > 0 ? 'available' : `Scripts available in ${id}`} via \`npm run\`:\n${list(others)}` : ''}`)
  }

  async #runScript(name: string, args: readonly string[]): Promise<number> {
    const own = this.#read(true)
    const scripts = { ...own.scripts }
    if (name === 'start' && scripts.start === undefined && this.#proc.fs.exists(`${this.#root()}/server.js`)) scripts.start = 'node server.js'
    if (scripts[name] === undefined) {
      if (this.#flags.has('if-present')) return 0
      throw new NpmError([`Missing script: "${name}"`, '', 'To see a list of scripts, run:', '  npm run'])
    }
    for (const each of [`pre${name}`, name, `post${name}`]) {
      const text = scripts[each]
      if (text === undefined) continue
      const code = await this.#shell(each, text, own, each === name ? args : [])
      if (code !== 0) return code
    }
    return 0
  }

  async #lifecycle(name: string, own: PackageJson): Promise<number> {
    const text = own.scripts?.[name]
    return text === undefined || this.#flags.has('ignore-scripts') ? 0 : this.#shell(name, text, own, [])
  }

  async #shell(event: string, text: string, own: PackageJson, args: readonly string[]): Promise<number> {
    const proc = this.#proc
    const root = this.#root()
    const command = [text, ...args.map((arg) => /^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`)].join(' ')
    if (!this.#isQuiet) await proc.stdout.write(`\n> ${own.name === undefined ? event : `${own.name}@${own.version ?? ''} ${event}`}${this.#isOld ? ` ${root}` : ''}\n> ${command}\n\n`)
    const env = { ...proc.env, PATH: `${root}/node_modules/.bin:${proc.env.PATH ?? '/usr/local/bin:/usr/bin:/bin'}`, npm_lifecycle_event: event, npm_lifecycle_script: text, npm_package_json: `${root}/package.json`, npm_execpath: '/usr/local/lib/node_modules/npm/bin/npm-cli.js', npm_node_execpath: '/usr/local/bin/node', npm_command: event === 'start' ? 'start' : 'run-script', INIT_CWD: proc.cwd, NODE: '/usr/local/bin/node', ...(own.name === undefined ? {} : { npm_package_name: own.name }), ...(own.version === undefined ? {} : { npm_package_version: own.version }) }
    const child = proc.spawn(['sh', '-c', command], { cwd: root, env, stdin: proc.stdin, stdout: proc.stdout, stderr: proc.stderr })
    // npm hands on what it is asked to do.
    for (const signal of ['SIGTERM', 'SIGINT'] as const) proc.onSignal(signal, () => child.kill(signal))
    const { code, signal } = await child.wait()
    return signal === undefined ? code : 128 + (signal === 'SIGTERM' ? 15 : signal === 'SIGINT' ? 2 : 9)
  }

  async #exec(words: readonly string[]): Promise<number> {
    const [name, ...args] = words
    if (name === undefined) return 0
    const own = `${this.#root()}/node_modules/.bin/${name}`
    if (this.#proc.fs.exists(own) || name === 'node' || name === 'npm') return (await this.#proc.spawn([name === 'node' || name === 'npm' ? name : own, ...args], { stdin: this.#proc.stdin, stdout: this.#proc.stdout, stderr: this.#proc.stderr }).wait()).code
    this.#choose(name.replace(/(?<=.)@.*$/, ''), '*')
    throw new NpmError(['could not determine executable to run'])
  }
}

function usage(release: NodeRelease): string {
  return `npm <command>\n\nUsage:\n\nnpm install        install all the dependencies in your project\nnpm install <foo>  add the <foo> dependency to your project\nnpm test           run this project's tests\nnpm run <foo>      run the script named <foo>\nnpm <command> -h   quick help on <command>\nnpm -l             display usage info for all commands\nnpm help <term>    search for help on <term> (in a browser)\nnpm help npm       more involved overview (in a browser)\n\nnpm@${release.npm} /usr/local/lib/node_modules/npm\n`
}
