import { EJSON } from 'bson'
import type { Document } from 'bson'
import { readAll, readLines } from '../../../base/streams.ts'
import { JavaScriptError, JavaScriptInterrupted, createRealm } from '../../../unix/javascript/engine.ts'
import type { Realm } from '../../../unix/javascript/engine.ts'
import { ProcessKilled, UnixError } from '../../../unix/types.ts'
import type { Proc } from '../../../unix/types.ts'
import { ScriptSyntaxError, awaitCalls } from './await-calls.ts'
import { authenticate } from './login.ts'
import { MongoClient } from './mongo-client.ts'
import { MongoError } from './mongo-error.ts'
import { splitHost } from './replica-set.ts'
import { SHELL_PRELUDE } from './shell-prelude.ts'

/** Versions of the shells in the images. */
const MONGOSH_VERSION = '2.5.9'

/** What a command line says. */
interface ShellOptions {
  host: string
  port: number
  /** Where else the set may be found. */
  others: string[]
  database: string
  replicaSet: string | undefined
  user: string | undefined
  password: string | undefined
  source: string | undefined
  eval: string[]
  files: string[]
  quiet: boolean
  noDatabase: boolean
  shell: boolean
  json: boolean
}

const WITH_VALUE: Readonly<Record<string, string>> = { '--host': 'host', '-h': 'host', '--port': 'port', '--eval': 'eval', '--username': 'user', '-u': 'user', '--password': 'password', '-p': 'password', '--authenticationDatabase': 'source', '--file': 'file', '-f': 'file', '--authenticationMechanism': 'mechanism', '--tlsCAFile': 'tls', '--tlsCertificateKeyFile': 'tls', '--apiVersion': 'api' }
const FLAGS = new Set(['--quiet', '--nodb', '--norc', '--shell', '--verbose', '--ipv6', '--retryWrites', '--tls', '--ssl', '--sslAllowInvalidCertificates', '--tlsAllowInvalidCertificates', '--disableImplicitSessions', '--json', '--networkMessageCompressors'])

/** Reads a command line; a message when it is wrong. */
function parse(proc: Proc, legacy: boolean): ShellOptions | string {
  const options: ShellOptions = { host: '127.0.0.1', port: 27017, others: [], database: 'test', replicaSet: undefined, user: undefined, password: undefined, source: undefined, eval: [], files: [], quiet: false, noDatabase: false, shell: false, json: false }
  const setHost = (text: string) => {
    const [, set, list] = /^(?:([^/]+)\/)?(.*)$/.exec(text)!
    options.replicaSet = set ?? options.replicaSet
    const [first, ...others] = list!.split(',')
    options.others = others
    const [, host, port] = /^(.*?)(?::(\d+))?$/.exec(first!)!
    if (host) options.host = host
    if (port) options.port = Number(port)
  }
  const args = proc.argv.slice(1)
  let positional = 0
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!
    const [, name, inline] = /^(--?[\w-]+)(?:=([\s\S]*))?$/.exec(arg) ?? []
    const what = name && WITH_VALUE[name]
    if (what) {
      const value = inline ?? args[++i]
      if (value === undefined) return legacy ? `Error parsing command line: the required argument for option '${name}' is missing\ntry 'mongo --help' for more information\n` : `Error: Missing argument for ${name}\n`
      if (what === 'host') { if (/^mongodb(?:\+srv)?:/.test(value)) readUri(value, options, setHost); else setHost(value) } else if (what === 'port') options.port = Number(value)
      else if (what === 'eval') options.eval.push(value)
      else if (what === 'file') options.files.push(value)
      else if (what === 'user') options.user = value
      else if (what === 'password') options.password = value
      else if (what === 'source') options.source = value
    } else if (name && FLAGS.has(name)) {
      if (name === '--quiet') options.quiet = true
      else if (name === '--nodb') options.noDatabase = true
      else if (name === '--shell') options.shell = true
      else if (name === '--json') options.json = true
    } else if (/^-p./.test(arg)) options.password = arg.slice(2)
    else if (arg.startsWith('-')) return legacy ? `Error parsing command line: unrecognised option '${arg}'\ntry 'mongo --help' for more information\n` : `\n  Error parsing command line: unrecognized option: ${arg}\n  Please make sure you are using the latest version of mongosh\n`
    else if (/\.(?:js|mongodb)$/.test(arg)) options.files.push(arg)
    else if (positional++ === 0) {
      if (/^mongodb(?:\+srv)?:/.test(arg)) readUri(arg, options, setHost)
      else if (arg.includes('/')) { setHost(arg.slice(0, arg.indexOf('/'))); options.database = arg.slice(arg.indexOf('/') + 1) || 'test' } else if (/[.:]/.test(arg)) setHost(arg)
      else options.database = arg
    } else options.files.push(arg)
  }
  return options
}

function readUri(uri: string, options: ShellOptions, setHost: (text: string) => void): void {
  const [, user, password, hosts, database, query] = /^mongodb(?:\+srv)?:\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/.exec(uri) ?? []
  if (user) options.user = decodeURIComponent(user)
  if (password) options.password = decodeURIComponent(password)
  if (hosts) setHost(hosts)
  if (database) options.database = database
  const parameters = new URLSearchParams(query ?? '')
  options.source = parameters.get('authSource') ?? (database && user ? database : options.source)
  options.replicaSet = parameters.get('replicaSet') ?? options.replicaSet
}

/** mongosh, and the mongo shell that it came after. */
export async function mongoShell(proc: Proc, serverVersion: string, legacy: boolean): Promise<number> {
  return new Shell(proc, serverVersion, legacy).run()
}

class Shell {
  readonly #proc: Proc
  readonly #version: string
  readonly #legacy: boolean
  #options!: ShellOptions
  #client: MongoClient | undefined
  #realm!: Realm
  #exitCode: number | undefined
  /** Connected to a set rather than to one of its members. */
  #wholeSet = false
  /** What the script printed but isn't written yet. */
  #output = ''

  constructor(proc: Proc, serverVersion: string, legacy: boolean) {
    this.#proc = proc
    this.#version = serverVersion
    this.#legacy = legacy
  }

  get #thread(): string { return this.#major >= 4 ? 'js' : 'thread1' }

  get #major(): number { return Number(this.#version.split('.').slice(0, 2).join('.')) }

  get #stamp(): string { return `${new Date(Math.floor(this.#proc.clock.nowMs())).toISOString().slice(0, -1)}+0000` }

  get #uri(): string {
    const { host, port, database } = this.#options
    return `mongodb://${this.#options.user === undefined ? '' : '<credentials>@'}${host}:${port}/${database === 'test' ? '' : database}?directConnection=true${['127.0.0.1', 'localhost'].includes(host) ? '&serverSelectionTimeoutMS=2000' : ''}&appName=mongosh+${MONGOSH_VERSION}`
  }

  async run(): Promise<number> {
    const proc = this.#proc
    if (proc.argv.includes('--version')) {
      await proc.stdout.write(this.#legacy ? `MongoDB shell version v${this.#version}\n` : `${MONGOSH_VERSION}\n`)
      return 0
    }
    const options = parse(proc, this.#legacy)
    if (typeof options === 'string') { await proc.stderr.write(options); return 1 }
    this.#options = options
    if (options.user !== undefined && options.password === undefined) { const { askPassword } = await import('../mysql/client-options.ts'); options.password = await askPassword(proc, 'Enter password: ') }
    const interactive = options.eval.length === 0 && options.files.length === 0 || options.shell
    const address = `mongodb://${options.host}:${options.port}${options.database === 'test' ? '' : `/${options.database}`}`
    if (this.#legacy && !options.quiet) await proc.stdout.write(`MongoDB shell version v${this.#version}\nconnecting to: ${address}${this.#major >= 4.2 ? '/?compressors=disabled&gssapiServiceName=mongodb' : this.#major >= 4 ? '/?gssapiServiceName=mongodb' : ''}\n`)
    else if (!options.quiet && interactive) await proc.stdout.write(`Current Mongosh Log ID:\t${this.#logId()}\nConnecting to:\t\t${this.#uri}\n`)
    let version = this.#version
    if (!options.noDatabase) {
      const failure = await this.#connect()
      if (failure !== undefined) { await (this.#legacy ? proc.stdout : proc.stderr).write(failure); return 1 }
      version = String((await this.#client!.command('admin', { buildInfo: 1 })).version)
    }
    if (this.#legacy && !options.quiet) await proc.stdout.write(`${this.#major >= 3.6 ? `Implicit session: session { "id" : UUID("${this.#uuid()}") }\n` : ''}MongoDB server version: ${version}\n`)
    else if (!options.quiet && interactive) await this.#greet(version)
    await this.#createRealm()
    try {
      for (const text of options.eval) {
        const code = await this.#runScript(text, '(shell eval)', true, text === options.eval[options.eval.length - 1])
        if (code !== undefined) return code
      }
      for (const file of options.files) {
        const code = await this.#runFile(file)
        if (code !== undefined) return code
      }
      if (!interactive) return 0
      if (proc.isTty(0)) return await this.#converse()
      return await this.#runInput()
    } finally {
      await this.#flush()
      this.#realm.dispose()
      this.#client?.close()
    }
  }

  #uuid(): string {
    const hex = this.#logId() + this.#logId()
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
  }

  #logId(): string { return Array.from({ length: 24 }, () => this.#proc.random.int(16).toString(16)).join('') }

  async #greet(version: string): Promise<void> {
    await this.#proc.stdout.write(`Using MongoDB:\t\t${version}\nUsing Mongosh:\t\t${MONGOSH_VERSION}\n\nFor mongosh info see: https://www.mongodb.com/docs/mongodb-shell/\n\n`)
    const { log } = await this.#client!.command('admin', { getLog: 'startupWarnings' }).catch(() => ({ log: [] as string[] }))
    if ((log as string[]).length === 0) return
    const lines = (log as string[]).map((line) => { const { t, msg } = JSON.parse(line) as { t: { $date: string }; msg: string }; return `   ${t.$date}: ${msg}\n` })
    await this.#proc.stdout.write(`------\n   The server generated these startup warnings when booting\n${lines.join('')}------\n\n`)
  }

  /** What to say when there is no connection; undefined when there is. */
  async #connect(): Promise<string | undefined> {
    const { user, password, source, others, replicaSet } = this.#options
    let { host, port } = this.#options
    const ofSet = replicaSet !== undefined || others.length > 0
    try {
      this.#client = await this.#open(host, port, others)
      const { primary, setName } = await this.#client.command('admin', { isMaster: 1 })
      if (replicaSet !== undefined && setName !== replicaSet) return `MongoServerSelectionError: Server selection timed out after 30000 ms\n`
      if (ofSet && typeof primary === 'string') {
        // Of a set it is the primary that is wanted.
        ({ name: host, port } = splitHost(primary))
        this.#client.close()
        this.#client = await MongoClient.connect(this.#proc, host, port, { keepLongs: true })
        this.#wholeSet = true
      }
      if (user !== undefined) await authenticate(this.#proc, this.#client, { user, password: password ?? '', source: source ?? 'admin' })
      return undefined
    } catch (error) {
      if (error instanceof MongoError) return this.#legacy ? `${this.#stamp} E QUERY    [thread1] Error: ${error.message} :\n@(auth):6:1\n\nexception: login failed\n` : `MongoServerError: ${error.message}\n`
      if (!(error instanceof UnixError)) throw error
      const unknown = error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN'
      if (!this.#legacy) {
        if (unknown) return `MongoNetworkError: getaddrinfo ${error.code} ${host}\n`
        return error.code === 'ETIMEDOUT' ? 'MongoServerSelectionError: Server selection timed out after 30000 ms\n' : `MongoNetworkError: connect ${error.code} ${host}:${port}\n`
      }
      const why = unknown ? `couldn't initialize connection to host ${host}, address is invalid` : `couldn't connect to server ${host}:${port}, connection attempt failed`
      if (this.#major >= 4.4) return `Error: couldn't connect to server ${host}:${port}, connection attempt failed: ${unknown ? `HostNotFound: Could not find address for ${host}:${port}: SocketException: Host not found (authoritative)` : `SocketException: Error connecting to ${host}:${port} :: caused by :: ${error.code === 'ECONNREFUSED' ? 'Connection refused' : 'No route to host'}`} :\nconnect@src/mongo/shell/mongo.js:374:17\n@(connect):2:6\nexception: connect failed\nexiting with code 1\n`
      return `${unknown ? `${this.#stamp} W NETWORK  [thread1] getaddrinfo("${host}") failed: Name or service not known\n` : `${this.#stamp} W NETWORK  [thread1] Failed to connect to ${host}:${port}, in(checking socket for error after poll), reason: errno:111 Connection refused\n`}${this.#stamp} E QUERY    [thread1] Error: ${why} :\nconnect@src/mongo/shell/mongo.js:234:13\n@(connect):1:6\nexception: connect failed\n`
    }
  }

  /** The first of several members that can be reached. @throws UnixError of the last */
  async #open(host: string, port: number, others: readonly string[]): Promise<MongoClient> {
    try { return await MongoClient.connect(this.#proc, host, port, { keepLongs: true }) } catch (error) {
      const [next, ...rest] = others
      if (!(error instanceof UnixError) || next === undefined) throw error
      const { name, port: nextPort } = splitHost(next)
      return this.#open(name, nextPort, rest)
    }
  }

  async #createRealm(): Promise<void> {
    const proc = this.#proc
    const realm = this.#realm = await proc.clock.outside(createRealm({ maxMs: 10_000, onTurn: (ms) => { proc.useCpu(ms * 1e6) } }))
    realm.define('__command', (database, text) => this.#command(String(database), EJSON.parse(String(text), { relaxed: true }) as Document))
    realm.define('__print', (text) => { this.#output += String(text) })
    realm.define('__sleep', async (ms) => { await this.#flush(); await proc.sleep(Number(ms)) })
    realm.define('__now', () => Math.floor(proc.clock.nowMs()))
    realm.define('__random', () => proc.random.float())
    realm.define('__quit', (code) => { this.#exitCode = Number(code); throw new Error('quit') })
    realm.define('__load', async (file) => { await this.#runFile(String(file)); return true })
    realm.define('__login', async (source, user, password) => { try { await authenticate(proc, this.#client!, { source: String(source), user: String(user), password: String(password) }) } catch (error) { throw this.#guestError(error) } })
    realm.set('__legacy', this.#legacy)
    realm.set('__database', this.#options.database)
    realm.set('__address', `${this.#options.host}:${this.#options.port}`)
    realm.set('__uri', this.#uri)
    realm.set('__hostname', proc.machine.hostname)
    realm.set('__version', this.#legacy ? this.#version : MONGOSH_VERSION)
    realm.evaluate(SHELL_PRELUDE, { filename: 'shell.js' })
  }

  async #command(database: string, command: Document): Promise<string> {
    try {
      if (!this.#client || this.#client.closed) {
        if (await this.#connect() !== undefined) throw new UnixError('ECONNREFUSED')
      }
      return EJSON.stringify(await this.#client!.command(database, command), { relaxed: false })
    } catch (error) { throw this.#guestError(error) }
  }

  #guestError(error: unknown): unknown {
    const { host, port } = this.#options
    if (error instanceof MongoError) return Object.assign(new Error(this.#hint(error)), { name: 'MongoServerError', code: error.code, codeName: error.codeName, more: JSON.parse(EJSON.stringify(error.more, { relaxed: true })) as unknown })
    if (error instanceof UnixError) return Object.assign(new Error(this.#legacy ? `network error while attempting to run command on host '${host}:${port}'` : error.code === 'ECONNREFUSED' ? `connect ECONNREFUSED ${host}:${port}` : `connection 1 to ${host}:${port} closed`), { name: this.#legacy ? 'Error' : 'MongoNetworkError' })
    return error
  }

  #hint({ code, message }: MongoError): string {
    return code === 13435 && !this.#legacy ? `${message} - consider using db.getMongo().setReadPref() or readPreference in the connection string` : message
  }

  async #flush(): Promise<void> {
    const text = this.#output
    this.#output = ''
    if (text !== '') await this.#proc.stdout.write(text)
  }

  /** Runs one input. Returns what it failed with; undefined when it went well. @throws ScriptSyntaxError */
  async #evaluate(source: string, show: 'displayed' | 'evaluated' | 'nothing'): Promise<JavaScriptError | JavaScriptInterrupted | undefined> {
    const words = /^\s*(use|show)\s+([\w.-]+)\s*;?\s*$/.exec(source)
    const code = words ? `(async () => globalThis.__${words[1]}(${JSON.stringify(words[2])}))()` : /^\s*it\s*;?\s*$/.test(source) ? '(async () => globalThis.__it())()' : `(async () => { const value = await ${awaitCalls(source)}\n${show === 'nothing' ? '' : `await globalThis.__${show}(value)`} })()`
    try {
      await this.#realm.settle(this.#realm.evaluate(code, { filename: this.#legacy ? '(shell)' : 'REPL' }))
      return undefined
    } catch (error) {
      if (error instanceof JavaScriptError || error instanceof JavaScriptInterrupted) return error
      throw error
    } finally { await this.#flush() }
  }

  #describe(error: JavaScriptError | JavaScriptInterrupted | ScriptSyntaxError, where: string, source = ''): string {
    if (error instanceof ScriptSyntaxError) return this.#legacy ? `${this.#stamp} E QUERY    [${this.#thread}] SyntaxError: ${error.message.replace(/ \(\d+:\d+\)$/, '').toLowerCase().replace('unexpected token', 'missing ; before statement')} @${where}:${error.line}:${error.column}\n` : `Uncaught:\nSyntaxError: ${error.message}\n\n${codeFrame(source, error)}\n`
    if (error instanceof JavaScriptInterrupted) return 'MongoshInterruptedError: operation was interrupted\n'
    const details = error.details as { codeName?: string } | undefined
    // Since 4.4 errors come without a stamp.
    if (this.#legacy && this.#major >= 4.4) return `uncaught exception: ${error.isError ? `${error.name === 'MongoServerError' ? 'Error' : error.name}: ` : ''}${error.message} :\n@${where}:1:1\n`
    if (this.#legacy) return `${this.#stamp} E QUERY    [${this.#thread}] ${error.isError ? `${error.name === 'MongoServerError' ? 'Error' : error.name}: ${error.message}` : `uncaught exception: ${error.message}`} :\n@${where}:1:1\n`
    return `${error.isError ? `${error.name}${details?.codeName ? `[${details.codeName}]` : ''}: ${error.message}` : `Uncaught ${error.message}`}\n`
  }

  /** Runs a text given by option; an exit code when that is the end. */
  async #runScript(text: string, where: string, show: boolean, last = true): Promise<number | undefined> {
    try {
      const error = await this.#evaluate(text, show && last ? 'evaluated' : 'nothing')
      if (this.#exitCode !== undefined) return this.#exitCode
      if (!error) return undefined
      await (this.#legacy ? this.#proc.stdout : this.#proc.stderr).write(this.#describe(error, where))
      return 1
    } catch (error) {
      if (!(error instanceof ScriptSyntaxError)) throw error
      await (this.#legacy ? this.#proc.stdout : this.#proc.stderr).write(this.#describe(error, where, text))
      return this.#legacy ? 252 : 1
    }
  }

  async #runFile(file: string): Promise<number | undefined> {
    let text: string
    try { text = this.#proc.fs.readText(this.#proc.resolve(file)) } catch (error) {
      if (!(error instanceof UnixError)) throw error
      await this.#proc.stderr.write(this.#legacy ? `file [${file}] doesn't exist\nfailed to load: ${file}\n` : `Error: ENOENT: no such file or directory, open '${this.#proc.resolve(file)}'\n`)
      return this.#legacy ? 253 : 1
    }
    return this.#runScript(text, file, false)
  }

  /** Standard input that is no terminal: inputs one after the other, as if typed. */
  async #runInput(): Promise<number> {
    const text = new TextDecoder().decode(await readAll(this.#proc.stdin))
    let pending = ''
    for (const line of text.split('\n')) {
      pending += (pending === '' ? '' : '\n') + line
      if (pending.trim() === '') { pending = ''; continue }
      const rest = await this.#input(pending)
      if (rest === 'more') continue
      pending = ''
      if (this.#exitCode !== undefined) return this.#exitCode
    }
    return 0
  }

  /** One input of a terminal or a pipe. */
  async #input(text: string): Promise<'more' | 'done'> {
    const word = text.trim().replace(/;$/, '')
    if (word === '') return 'done'
    if (word === 'exit' || word === 'quit' || word === '.exit') { this.#exitCode = 0; return 'done' }
    if (word === 'cls') { await this.#proc.stdout.write('\x1b[H\x1b[2J'); return 'done' }
    if (word === 'help') { await this.#proc.stdout.write(HELP); return 'done' }
    try {
      const error = await this.#evaluate(text, 'displayed')
      if (error && this.#exitCode === undefined) await this.#proc.stdout.write(this.#describe(error, '(shell)'))
      return 'done'
    } catch (error) {
      if (!(error instanceof ScriptSyntaxError)) throw error
      if (error.incomplete) return 'more'
      await this.#proc.stdout.write(this.#describe(error, '(shell)', text))
      return 'done'
    }
  }

  async #prompt(): Promise<string> {
    let hello: Document = {}
    try { hello = this.#client && !this.#client.closed ? await this.#client.command('admin', { isMaster: 1 }) : {} } catch (error) { if (!(error instanceof MongoError || error instanceof UnixError)) throw error }
    const set = hello.setName as string | undefined
    if (this.#legacy) return set ? `${set}:${hello.ismaster ? 'PRIMARY' : hello.secondary ? 'SECONDARY' : hello.arbiterOnly ? 'ARBITER' : 'OTHER'}> ` : '> '
    const database = String(this.#realm.evaluate('__currentDatabase()'))
    return set ? `${set} [${this.#wholeSet ? '' : 'direct: '}${hello.ismaster ? 'primary' : hello.secondary ? 'secondary' : hello.arbiterOnly ? 'arbiter' : 'other'}] ${database}> ` : `${database}> `
  }

  async #converse(): Promise<number> {
    const { stdout, stdin } = this.#proc
    let text = ''
    const stopInterrupt = this.#proc.onSignal('SIGINT', () => { text = ''; void this.#prompt().then((prompt) => stdout.write(`\n${prompt}`)).catch((error: unknown) => { if (!(error instanceof ProcessKilled)) throw error }) })
    await stdout.write(await this.#prompt())
    try {
      for await (const line of readLines(stdin)) {
        text += (text === '' ? '' : '\n') + line
        if (await this.#input(text) === 'more') { await stdout.write('... '); continue }
        text = ''
        if (this.#exitCode !== undefined) { if (this.#legacy) await stdout.write('bye\n'); return this.#exitCode }
        await stdout.write(await this.#prompt())
      }
    } finally { stopInterrupt() }
    await stdout.write(this.#legacy ? 'bye\n' : '\n')
    return 0
  }
}

/** The lines around a mistake, with a caret below it. */
function codeFrame(source: string, { line, column }: ScriptSyntaxError): string {
  const lines = source.split('\n')
  const width = String(lines.length).length
  return lines.map((text, i) => `${i + 1 === line ? '>' : ' '} ${String(i + 1).padStart(width)} | ${text}\n${i + 1 === line ? `  ${' '.repeat(width)} | ${' '.repeat(column)}^\n` : ''}`).slice(Math.max(0, line - 3), line + 3).join('')
}

const HELP = `
  Shell Help:

    use                                        Set current database
    show                                       'show databases'/'show dbs': Print a list of all available databases
                                               'show collections'/'show tables': Print a list of all collections for current database
                                               'show users': Print a list of all users for current database
    exit                                       Quit the MongoDB shell with exit/exit()/.exit
    quit                                       Quit the MongoDB shell with quit/quit()
    it                                         Result of the last line evaluated; use to further iterate
    cls                                        Clears the terminal screen like console.clear()
    load                                       Loads and runs a JavaScript file into the current shell environment
    sleep                                      Sleep for the specified number of milliseconds
    print                                      Prints the contents of an object to the output
    printjson                                  Alias for print()

  For more information on usage: https://mongodb.com/docs/manual/reference/method

`
