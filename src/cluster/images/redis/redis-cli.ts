import { readLines } from '../../../base/streams.ts'
import { errorText } from '../../../unix/errno.ts'
import { UnixError } from '../../../unix/types.ts'
import type { Proc, Program, TcpSocket } from '../../../unix/types.ts'
import { ReplyParser, byteStringOf, encodeCommand, fromByteString, splitArguments } from './resp.ts'
import type { Reply } from './resp.ts'

const ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\x07': '\\a', '\b': '\\b', '\\': '\\\\', '"': '\\"' }

/** A byte string in quotes, everything but printable ASCII escaped. */
function quoted(text: string): string {
  return `"${text.replace(/[^ !#-[\]-~]/g, (c) => ESCAPES[c] ?? `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`)}"`
}

/** A reply as a terminal shows it, with its newline. */
function formatReply(reply: Reply, indent = ''): string {
  if (reply === null) return '(nil)\n'
  if (typeof reply === 'string') return `${quoted(reply)}\n`
  if (typeof reply === 'number' || typeof reply === 'bigint') return `(integer) ${reply}\n`
  if ('status' in reply) return `${reply.status}\n`
  if ('error' in reply) return `(error) ${reply.error}\n`
  if ('nullArray' in reply || 'noReply' in reply) return '(nil)\n'
  if (reply.length === 0) return '(empty array)\n'
  const width = String(reply.length).length
  return reply.map((item, i) => `${i > 0 ? indent : ''}${String(i + 1).padStart(width)}) ${formatReply(item, `${indent}${' '.repeat(width + 2)}`)}`).join('')
}

/** A reply for pipes (`--raw`), without its last newline. */
function formatRaw(reply: Reply): string {
  if (reply === null) return ''
  if (typeof reply === 'string') return reply
  if (typeof reply === 'number' || typeof reply === 'bigint') return String(reply)
  if ('status' in reply) return reply.status
  if ('error' in reply) return `${reply.error}\n`
  return 'nullArray' in reply || 'noReply' in reply ? '' : reply.map(formatRaw).join('\n')
}

interface Options {
  host: string
  port: number
  user: string | undefined
  password: string | undefined
  database: number
  raw: boolean
  /** -e: a failed command is a failed process. */
  errorCode: boolean
  repeat: number
  intervalMs: number
  scan: boolean
  pattern: string | undefined
  lastArgumentFromStdin: boolean
  warn: boolean
}

/** A connection to a server, which is opened again when it broke. */
class Connection {
  readonly #proc: Proc
  readonly #options: Options
  #socket: TcpSocket | undefined
  #parser = new ReplyParser()
  database: number
  inTransaction = false

  constructor(proc: Proc, options: Options) {
    this.#proc = proc
    this.#options = options
    this.database = options.database
  }

  get connected(): boolean {
    return this.#socket !== undefined
  }

  /** False after it said why not. */
  async open(): Promise<boolean> {
    if (this.#socket) return true
    const { host, port, user, password } = this.#options
    try {
      this.#socket = await this.#proc.net.connectTcp(host, port)
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      await this.#proc.stderr.write(`Could not connect to Redis at ${host}:${port}: ${errorText(error)}\n`)
      return false
    }
    this.#parser = new ReplyParser()
    this.inTransaction = false
    if (password !== undefined) {
      const reply = await this.ask(user === undefined ? ['AUTH', password] : ['AUTH', user, password])
      if (isError(reply)) await this.#proc.stderr.write(`AUTH failed: ${reply.error}\n`)
    }
    if (this.database !== 0) {
      const reply = await this.ask(['SELECT', String(this.database)])
      if (isError(reply)) await this.#proc.stderr.write(`SELECT ${this.database} failed: ${reply.error}\n`)
    }
    return true
  }

  async ask(args: readonly string[]): Promise<Reply | undefined> {
    await this.send(args)
    return this.receive()
  }

  async send(args: readonly string[]): Promise<void> {
    try { await this.#socket?.writer.write(fromByteString(encodeCommand(args))) } catch (error) {
      if ((error as { code?: string }).code === undefined) throw error
      this.close()
    }
  }

  /** The next reply; undefined when the server closed the connection. */
  async receive(): Promise<Reply | undefined> {
    for (;;) {
      const reply = this.#parser.next()
      if (reply !== undefined) return reply
      let chunk: Uint8Array | null | undefined
      try { chunk = await this.#socket?.reader.read() } catch (error) { if (!(error instanceof UnixError)) throw error }
      if (!chunk) { this.close(); return undefined }
      this.#parser.push(chunk)
    }
  }

  close(): void {
    this.#socket?.destroy()
    this.#socket = undefined
  }
}

function isError(reply: Reply | undefined): reply is { error: string } {
  return reply !== null && typeof reply === 'object' && 'error' in reply
}

const USAGE = `Usage: redis-cli [OPTIONS] [cmd [arg [arg ...]]]
  -h <hostname>      Server hostname (default: 127.0.0.1).
  -p <port>          Server port (default: 6379).
  -a <password>      Password to use when connecting to the server.
                     You can also use the REDISCLI_AUTH environment variable
                     to pass this password more safely.
  --user <username>  Used to send ACL style 'AUTH username pass'. Needs -a.
  --pass <password>  Alias of -a.
  -u <uri>           Server URI on format redis://user:password@host:port/dbnum
  -r <repeat>        Execute specified command N times.
  -i <interval>      When -r is used, waits <interval> seconds per command.
  -n <db>            Database number.
  -x                 Read last argument from STDIN.
  -e                 Return exit error code when command execution fails.
  --raw              Use raw formatting for replies (default when STDOUT is
                     not a tty).
  --no-raw           Force formatted output even when STDOUT is not a tty.
  --scan             List all keys using the SCAN command.
  --pattern <pat>    Keys pattern when using --scan (default: *).
  --no-auth-warning  Don't show warning message when using password on command
                     line interface.
`

/** Options and the command, or what to say and the exit code. */
function parse(proc: Proc): { options: Options; command: string[] } | { text: string; code: number } {
  const args = proc.argv.slice(1)
  const options: Options = { host: '127.0.0.1', port: 6379, user: undefined, password: proc.env.REDISCLI_AUTH || undefined, database: 0, raw: !proc.isTty(1), errorCode: false, repeat: 1, intervalMs: 0, scan: false, pattern: undefined, lastArgumentFromStdin: false, warn: false }
  let i = 0
  for (; i < args.length; i++) {
    const arg = args[i]!
    const value = () => args[++i]!
    if (['-h', '-p', '-a', '--pass', '--user', '-u', '-r', '-i', '-n', '--pattern'].includes(arg) && i + 1 >= args.length) return arg === '-h' ? { text: USAGE, code: 0 } : { text: `Unrecognized option or bad number of args for: '${arg}'\n`, code: 1 }
    switch (arg) {
      case '-h': options.host = value(); break
      case '-p': options.port = Number(value()); break
      case '-a': case '--pass': options.password = byteStringOf(value()); options.warn = true; break
      case '--user': options.user = byteStringOf(value()); break
      case '-u': {
        const uri = /^rediss?:\/\/(?:(?:([^:@]*):)?([^@]*)@)?([^:/]*)(?::(\d+))?(?:\/(\d+))?/.exec(value())
        if (!uri) return { text: 'Invalid URI scheme\n', code: 1 }
        if (uri[1]) options.user = uri[1]
        if (uri[2]) { options.password = uri[2]; options.warn = true }
        if (uri[3]) options.host = uri[3]
        if (uri[4]) options.port = Number(uri[4])
        if (uri[5]) options.database = Number(uri[5])
        break
      }
      case '-r': options.repeat = Number(value()); break
      case '-i': options.intervalMs = Number(value()) * 1000; break
      case '-n': options.database = Number(value()); break
      case '-x': options.lastArgumentFromStdin = true; break
      case '-e': options.errorCode = true; break
      case '--raw': options.raw = true; break
      case '--no-raw': options.raw = false; break
      case '--no-auth-warning': options.warn = false; break
      case '--scan': options.scan = true; break
      case '--pattern': options.pattern = byteStringOf(value()); break
      case '--help': return { text: USAGE, code: 0 }
      case '-v': case '--version': return { text: '', code: 0 }
      default:
        if (arg.startsWith('-')) return { text: `Unrecognized option or bad number of args for: '${arg}'\n`, code: 1 }
        return { options: { ...options, warn: options.warn && !args.includes('--no-auth-warning') }, command: args.slice(i).map(byteStringOf) }
    }
  }
  return { options: { ...options, warn: options.warn && !args.includes('--no-auth-warning') }, command: [] }
}

/** redis-cli of one version. */
export function redisCli(version: string): Program {
  return async (proc) => {
    const parsed = parse(proc)
    if ('text' in parsed) {
      if (parsed.text === '') await proc.stdout.write(`redis-cli ${version}\n`)
      else await (parsed.code === 0 ? proc.stdout : proc.stderr).write(parsed.text === USAGE ? `redis-cli ${version}\n\n${USAGE}` : parsed.text)
      return parsed.code
    }
    const { options, command } = parsed
    if (options.warn) await proc.stderr.write("Warning: Using a password with '-a' or '-u' option on the command line interface may not be safe.\n")
    const connection = new Connection(proc, options)
    if (options.scan) return scanAll(proc, connection, options)
    if (command.length === 0) return interactive(proc, connection, options)
    if (options.lastArgumentFromStdin) {
      let text = ''
      for (let chunk = await proc.stdin.read(); chunk; chunk = await proc.stdin.read()) text += String.fromCharCode(...chunk)
      command.push(text)
    }
    if (!await connection.open()) return 1
    for (let i = 0; options.repeat < 0 || i < options.repeat; i++) {
      if (i > 0 && options.intervalMs > 0) await proc.sleep(options.intervalMs)
      const code = await issue(proc, connection, options, command)
      if (code !== 0) return code
    }
    connection.close()
    return 0
  }
}

async function show(proc: Proc, options: Options, reply: Reply, command = ''): Promise<void> {
  // INFO and the like are texts, not values.
  const raw = options.raw || (typeof reply === 'string' && ['info', 'client list', 'client info'].includes(command))
  await proc.stdout.write(fromByteString(raw ? `${formatRaw(reply)}\n` : formatReply(reply)))
}

/** Sends one command and prints what comes back. */
async function issue(proc: Proc, connection: Connection, options: Options, command: readonly string[]): Promise<number> {
  const name = command[0]!.toLowerCase()
  await connection.send(command)
  if (['subscribe', 'psubscribe', 'monitor'].includes(name)) {
    if (!options.raw) await proc.stdout.write('Reading messages... (press Ctrl-C to quit)\n')
    for (let reply = await connection.receive(); reply !== undefined; reply = await connection.receive()) {
      await show(proc, options, reply)
      if (isError(reply)) return 0
    }
    await proc.stderr.write('Error: Server closed the connection\n')
    return 1
  }
  const reply = await connection.receive()
  if (reply === undefined) {
    if (name === 'shutdown') return 0
    await proc.stderr.write('Error: Server closed the connection\n')
    return 1
  }
  if (isError(reply) && options.errorCode) {
    await proc.stderr.write(fromByteString(`${reply.error}\n`))
    return 1
  }
  await show(proc, options, reply, name === 'client' ? `client ${command[1]?.toLowerCase()}` : name)
  if (!isError(reply)) {
    if (name === 'select' && !connection.inTransaction) connection.database = Number(command[1])
    if (name === 'multi') connection.inTransaction = true
    if (name === 'discard') connection.inTransaction = false
  }
  if (name === 'exec') connection.inTransaction = false
  return 0
}

async function interactive(proc: Proc, connection: Connection, options: Options): Promise<number> {
  const terminal = proc.isTty(0)
  await connection.open()
  const prompt = async () => {
    if (!terminal) return
    const host = options.host.includes(':') ? `[${options.host}]` : options.host
    await proc.stdout.write(connection.connected ? `${host}:${options.port}${connection.database === 0 ? '' : `[${connection.database}]`}${connection.inTransaction ? '(TX)' : ''}> ` : 'not connected> ')
  }
  await prompt()
  for await (const line of readLines(proc.stdin)) {
    const words = splitArguments(byteStringOf(line))
    if (!words) await proc.stdout.write('Invalid argument(s)\n')
    else if (words.length > 0) {
      const name = words[0]!.toLowerCase()
      if (name === 'quit' || name === 'exit') { connection.close(); return 0 }
      if (name === 'clear') await proc.stdout.write('\x1b[H\x1b[2J')
      else if (await connection.open()) {
        const repeat = words.length > 1 && /^[1-9]\d*$/.test(words[0]!) ? Number(words.shift()) : 1
        for (let i = 0; i < repeat; i++) if (await issue(proc, connection, options, words) !== 0) break
      }
    }
    await prompt()
  }
  if (terminal) await proc.stdout.write('\n')
  connection.close()
  return 0
}

async function scanAll(proc: Proc, connection: Connection, options: Options): Promise<number> {
  if (!await connection.open()) return 1
  let cursor = '0'
  do {
    const reply = await connection.ask(['SCAN', cursor, ...(options.pattern === undefined ? [] : ['MATCH', options.pattern])])
    if (!Array.isArray(reply)) { await proc.stderr.write(`ERROR: ${isError(reply) ? reply.error : 'Server closed the connection'}\n`); return 1 }
    const [next, keys] = reply as [string, string[]]
    for (const key of keys) await proc.stdout.write(fromByteString(`${options.raw ? key : quoted(key)}\n`))
    cursor = next
  } while (cursor !== '0')
  connection.close()
  return 0
}
