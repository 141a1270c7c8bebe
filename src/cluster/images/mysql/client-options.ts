import { isSharedReader } from '../../../unix/input.ts'
import type { Proc } from '../../../unix/types.ts'
import { SOCKET } from './client-connection.ts'
import type { ConnectionOptions } from './client-connection.ts'
import { readConfiguration } from './mysqld.ts'

/** What a command line says: connection, other options, and what is left. */
export interface ClientArguments {
  connection: ConnectionOptions
  /** Long names, with a value where one was given. */
  options: Map<string, string | undefined>
  rest: string[]
}

/** Short options that take a value, and short names of long ones. */
const WITH_VALUE: Readonly<Record<string, string>> = { h: 'host', P: 'port', u: 'user', e: 'execute', D: 'database', S: 'socket', i: 'sleep', c: 'count', r: 'result-file' }
const SHORT: Readonly<Record<string, string>> = { N: 'skip-column-names', B: 'batch', s: 'silent', t: 'table', v: 'verbose', V: 'version', A: 'no-auto-rehash', f: 'force', E: 'vertical', w: 'wait', C: 'compress', q: 'quick', n: 'unbuffered', '?': 'help', I: 'help', d: 'no-data', T: 'tab' }
const LONG_WITH_VALUE = new Set([...Object.values(WITH_VALUE), 'protocol', 'default-character-set', 'connect-timeout', 'init-command', 'ssl-mode', 'defaults-file', 'defaults-extra-file', 'prompt', 'delimiter', 'where', 'ignore-table', 'max-allowed-packet', 'set-gtid-purged', 'login-path'])

/**
 * Reads a client's command line as MySQL's clients share it.
 * Returns a message when it can't: who calls prints it and ends with 2, as they do.
 */
export async function readArguments(proc: Proc, program: string, old: boolean, flags: readonly string[] = []): Promise<ClientArguments | string> {
  const options = new Map<string, string | undefined>()
  const rest: string[] = []
  let password: string | undefined
  let ask = false
  const args = proc.argv.slice(1)
  const defaults = args.find((arg) => /^--defaults-(?:extra-)?file=/.test(arg))?.replace(/^[^=]*=/, '')
  for (const [name, value] of readConfiguration(proc, ['client', program], defaults ? [defaults] : undefined)) if (name === 'password') password = value ?? ''; else options.set(name.replaceAll('_', '-'), value)
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!
    if (arg === '--') { rest.push(...args.slice(i + 1)); break }
    if (arg.startsWith('--')) {
      const [, raw, value] = /^--([^=]+)(?:=([\s\S]*))?$/.exec(arg)!
      const name = raw!.replaceAll('_', '-')
      if (name === 'password') { if (value === undefined) ask = true; else password = value } else if (LONG_WITH_VALUE.has(name)) {
        if (value === undefined && i + 1 >= args.length) return `${program}: [ERROR] ${program}: option '--${name}' requires an argument.\n`
        options.set(name, value ?? args[++i])
      } else if (Object.values(SHORT).includes(name) || flags.includes(name) || /^(?:skip-|disable-|enable-|loose-|no-|ssl|get-server-public-key|comments|raw|reconnect|html|xml|i-am-a-dummy|safe-updates|single-transaction|routines|triggers|events|databases|all-databases|quick|lock-tables|add-drop|complete-insert|extended-insert|compact|opt|hex-blob|auto-rehash|line-numbers|column-names|binary-mode)/.test(name)) options.set(name, value)
      else return value === undefined ? `${program}: [ERROR] unknown option '--${raw}'.\n` : `${program}: [ERROR] unknown variable '${raw}=${value}'.\n`
      continue
    }
    if (!arg.startsWith('-') || arg === '-') { rest.push(arg); continue }
    for (let at = 1; at < arg.length; at++) {
      const letter = arg[at]!
      if (letter === 'p') {
        if (at + 1 < arg.length) password = arg.slice(at + 1)
        else ask = true
        break
      }
      const name = WITH_VALUE[letter]
      if (name) {
        const value = arg.slice(at + 1) || args[++i]
        if (value === undefined) return `${program}: [ERROR] ${program}: option '-${letter}' requires an argument.\n`
        options.set(name, value)
        break
      }
      if (!SHORT[letter] && !flags.includes(letter)) return `${program}: [ERROR] unknown option '-${letter}'.\n`
      options.set(letter === 's' && options.has('silent') ? 'very-silent' : SHORT[letter] ?? letter, undefined)
    }
  }
  if (password !== undefined && !ask && args.some((arg) => /^(?:--password=|-\w*?p.)/.test(arg) && !/^-[hPuDeS]/.test(arg))) await proc.stderr.write(`${program}: [Warning] Using a password on the command line interface can be insecure.\n`)
  if (ask) password = await askPassword(proc, 'Enter password: ')
  const host = options.get('host')
  const tcp = /^tcp$/i.test(options.get('protocol') ?? '')
  return {
    options, rest,
    connection: { host: host === undefined || host === 'localhost' || host === '' ? tcp ? '127.0.0.1' : undefined : host, port: Number(options.get('port') ?? 3306), socket: options.get('socket') ?? SOCKET, user: options.get('user') ?? proc.user.name, password: password ?? proc.env.MYSQL_PWD ?? '', database: options.get('database'), old },
  }
}

/** A line typed without being seen. */
export async function askPassword(proc: Proc, prompt: string): Promise<string> {
  await proc.stderr.write(prompt)
  const { tty } = proc
  const decoder = new TextDecoder()
  let text = ''
  if (tty && proc.isTty(0)) tty.setRaw(true)
  try {
    for (;;) {
      const chunk = await proc.stdin.read()
      if (!chunk) return text
      const keys = [...decoder.decode(chunk)]
      for (const [i, key] of keys.entries()) {
        if (key === '\r' || key === '\n') {
          const rest = keys.slice(i + 1).join('')
          if (rest && isSharedReader(proc.stdin)) proc.stdin.unread(new TextEncoder().encode(rest))
          return text
        }
        if (key === '\x03') proc.exit(130)
        if (key === '\x7f' || key === '\b') text = text.slice(0, -1)
        else if (key === '\x15') text = ''
        else if (key >= ' ') text += key
      }
    }
  } finally {
    if (tty && proc.isTty(0)) { tty.setRaw(false); await proc.stderr.write('\n') }
  }
}
