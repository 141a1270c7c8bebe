import { formatPrintf } from '../shell/printf.ts'
import { quoteWord } from '../shell/builtins/quoting.ts'
import { unescapeEcho } from '../shell/escapes.ts'
import { TestError, evaluateTest } from '../shell/test-expression.ts'
import { humanSize } from './listing.ts'
import { accountId, accountNames } from './listing.ts'
import { formatDate, parseDate } from './date.ts'
import { errorText } from '../errno.ts'
import { demandCall } from '../system-calls.ts'
import { UnixError } from '../types.ts'
import { UsageError, parseOptions } from './utility.ts'
import type { ProcessDetails } from '../fs/proc-tree.ts'
import type { Proc } from '../types.ts'
import { machineName } from '../architecture.ts'
import { KERNEL_RELEASE } from '../kernel.ts'
import type { Utility, UtilityContext } from './utility.ts'


/** true, false, sync and others that only have a status. */
export const succeed: Utility = async () => 0
export const fail: Utility = async () => 1

/** echo as a program. */
export const echo: Utility = async (context) => {
  let newline = true
  let escapes = false
  let i = 0
  for (; i < context.args.length && /^-[neE]+$/.test(context.args[i]!); i++) for (const letter of context.args[i]!.slice(1)) { if (letter === 'n') newline = false; else escapes = letter === 'e' }
  const text = context.args.slice(i).join(' ')
  const result = escapes ? unescapeEcho(text) : { text, stopped: false }
  await context.out(result.text + (newline && !result.stopped ? '\n' : ''))
  return 0
}

/** printf as a program. */
export const printf: Utility = async (context) => {
  if (context.args.length === 0) throw new UsageError('missing operand')
  const { text, errors } = formatPrintf(context.args[0]!, context.args.slice(1), quoteWord, context.proc.clock.nowMs())
  await context.out(text)
  for (const error of errors) await context.complain(context.busybox ? `invalid number '${error}'` : `'${error}': expected a numeric value`)
  return errors.length > 0 ? 1 : 0
}

/** test and [ as programs. */
export const test: Utility = async (context) => {
  let args = context.args
  if (context.name === '[') {
    if (args.at(-1) !== ']') { await context.complain(context.busybox ? 'missing ]' : "missing ']'"); return 2 }
    args = args.slice(0, -1)
  }
  try { return evaluateTest(context.proc, args) ? 0 : 1 } catch (error) {
    if (!(error instanceof TestError)) throw error
    await context.complain(error.message)
    return 2
  }
}

export const pwd: Utility = async (context) => { await context.out(`${context.proc.cwd}\n`); return 0 }

/** The kernel keeps a process's groups sorted, and BusyBox shows them so; GNU puts the primary one first. */
function groupsShown({ busybox }: UtilityContext, gid: number, groups: readonly number[]): number[] {
  const all = [...new Set([gid, ...groups])]
  return busybox ? all.sort((a, b) => a - b) : all
}

/** id */
export const id: Utility = async (context) => {
  const { proc } = context
  const options = parseOptions(context.args, 'ugGnra', { user: 'u', group: 'g', groups: 'G', name: 'n' })
  const names = accountNames(proc)
  let { uid, gid, groups } = proc.user as { uid: number; gid: number; groups: readonly number[] }
  const [who] = options.operands
  if (who !== undefined) {
    const found = accountId(proc, 'user', who)
    if (found === undefined) return context.complain(context.busybox ? `unknown user ${who}` : `'${who}': no such user`)
    uid = found
    gid = Number(proc.fs.readText('/etc/passwd').split('\n').map((line) => line.split(':')).find((fields) => Number(fields[2]) === uid)?.[3] ?? gid)
    groups = []
  }
  const all = groupsShown(context, gid, groups)
  const named = options.has('n')
  if (options.has('u')) { await context.out(`${named ? names.user(uid) : uid}\n`); return 0 }
  if (options.has('g')) { await context.out(`${named ? names.group(gid) : gid}\n`); return 0 }
  if (options.has('G')) { await context.out(`${all.map((group) => named ? names.group(group) : group).join(' ')}\n`); return 0 }
  const part = (number: number, name: string) => name === String(number) ? String(number) : `${number}(${name})`
  await context.out(`uid=${part(uid, names.user(uid))} gid=${part(gid, names.group(gid))}${all.length > 1 || !context.busybox || groups.length > 0 ? ` groups=${all.map((group) => part(group, names.group(group))).join(',')}` : ''}\n`)
  return 0
}

export const whoami: Utility = async (context) => {
  const name = accountNames(context.proc).user(context.proc.user.uid)
  if (/^\d+$/.test(name)) return context.complain(context.busybox ? `unknown uid ${name}` : `cannot find name for user ID ${name}`)
  await context.out(`${name}\n`)
  return 0
}

export const groups: Utility = async (context) => {
  const names = accountNames(context.proc)
  await context.out(`${groupsShown(context, context.proc.user.gid, context.proc.user.groups).map(names.group).join(' ')}\n`)
  return 0
}

/** hostname */
export const hostname: Utility = async (context) => {
  const { proc } = context
  const options = parseOptions(context.args, 'sfidIA', { short: 's', fqdn: 'f', 'ip-address': 'i', 'all-ip-addresses': 'I', domain: 'd' })
  if (options.operands.length > 0) {
    try {
      demandCall(proc, 'sethostname')
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      return context.complain(context.busybox ? `sethostname: ${errorText(error)}` : 'you must be root to change the host name')
    }
    proc.machine.setHostname?.(options.operands[0]!)
    return 0
  }
  const name = proc.machine.hostname
  if (options.has('i', 'I')) { await context.out(`${proc.net.addresses.join(' ') || '127.0.0.1'}${options.has('I') ? ' ' : ''}\n`); return 0 }
  if (options.has('f')) {
    // The canonical name stands first in the host's line.
    const line = proc.fs.exists('/etc/hosts') ? proc.fs.readText('/etc/hosts').split('\n').map((l) => l.replace(/#.*/, '').trim().split(/\s+/)).find((fields) => fields.slice(1).includes(name)) : undefined
    await context.out(`${line?.[1] ?? name}\n`)
    return 0
  }
  await context.out(`${options.has('s') ? name.split('.')[0] : options.has('d') ? name.split('.').slice(1).join('.') : name}\n`)
  return 0
}

/** date */
export const date: Utility = async (context) => {
  const { proc } = context
  const options = parseOptions(context.args, 'ud:r:RIs:D:', { utc: 'u', universal: 'u', 'date=': 'd', 'reference=': 'r', 'rfc-email': 'R', 'iso-8601': 'I', 'iso-8601=': 'I', 'rfc-3339=': '3' })
  const nowMs = proc.clock.nowMs()
  let ms = nowMs
  const given = options.value('d')
  const reference = options.value('r')
  if (given !== undefined) {
    const parsed = parseDate(given, nowMs)
    if (parsed === undefined) return context.complain(`invalid date '${given}'`)
    ms = parsed
  } else if (reference !== undefined) ms = proc.fs.stat(proc.resolve(reference)).modifiedMs
  let status = 0
  const wanted = options.value('s')
  if (wanted !== undefined) {
    const parsed = parseDate(wanted, nowMs)
    if (parsed === undefined) return context.complain(`invalid date '${wanted}'`)
    ms = parsed
    const words = context.busybox ? "can't set date" : 'cannot set date'
    try {
      demandCall(proc, 'clock_settime')
      // There is one clock for the whole cluster.
      return context.complain(`${words}: the clock of this machine is the whole cluster's`)
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      await context.complain(`${words}: ${errorText(error)}`)
      // BusyBox goes on as if nothing had happened.
      status = context.busybox ? 0 : 1
    }
  }
  const [format] = options.operands
  if (format !== undefined && !format.startsWith('+')) return context.complain(`invalid date '${format}'`)
  const iso = options.value('I')
  const template = format?.slice(1) ?? (options.has('R') ? '%a, %d %b %Y %H:%M:%S +0000' : options.has('I') ? iso === 'seconds' ? '%Y-%m-%dT%H:%M:%S+00:00' : iso === 'ns' ? '%Y-%m-%dT%H:%M:%S,%N+00:00' : '%Y-%m-%d' : options.has('3') ? '%Y-%m-%d %H:%M:%S+00:00' : '%a %b %e %H:%M:%S %Z %Y')
  await context.out(`${formatDate(template, ms)}\n`)
  return status
}

/** uname */
export const uname: Utility = async (context) => {
  const options = parseOptions(context.args, 'asnrvmpio', { all: 'a', 'kernel-name': 's', nodename: 'n', 'kernel-release': 'r', 'kernel-version': 'v', machine: 'm', processor: 'p', 'operating-system': 'o' })
  const parts: [string, string][] = [['s', 'Linux'], ['n', context.proc.machine.hostname], ['r', KERNEL_RELEASE], ['v', '#1 SMP PREEMPT_DYNAMIC'], ['m', machineName(context.proc.machine.hardware.architecture)], ['o', context.busybox ? 'Linux' : 'GNU/Linux']]
  const chosen = options.has('a') ? parts : options.flags.size === 0 ? parts.slice(0, 1) : parts.filter(([letter]) => options.has(letter) || (letter === 'm' && options.has('p', 'i')))
  await context.out(`${chosen.map(([, text]) => text).join(' ')}\n`)
  return 0
}

/** sysctl: reads kernel parameters. */
export const sysctl: Utility = async (context) => {
  const { proc } = context
  const options = parseOptions(context.args, 'aneNqpw', { all: 'a', values: 'n', names: 'N', ignore: 'e', write: 'w' })
  const show = (name: string, value: string) => context.out(options.has('n') ? `${value}\n` : options.has('N') ? `${name}\n` : `${name} = ${value}\n`)
  const walk = async (path: string, name: string): Promise<void> => {
    for (const entry of proc.fs.readdir(path).sort()) {
      const here = `${path}/${entry}`
      const dotted = name ? `${name}.${entry}` : entry
      if (proc.fs.stat(here).type === 'directory') await walk(here, dotted)
      else await show(dotted, proc.fs.readText(here).trimEnd())
    }
  }
  if (options.has('a')) { await walk('/proc/sys', ''); return 0 }
  let status = 0
  for (const given of options.operands) {
    const [key = '', value] = given.split('=', 2) as [string, string?]
    const name = key.replaceAll('/', '.')
    const path = `/proc/sys/${name.replaceAll('.', '/')}`
    try {
      if (value === undefined) await show(name, proc.fs.readText(path).trimEnd())
      else {
        try {
          proc.fs.writeFile(path, value.trim())
        } catch (error) {
          if (!(error instanceof UnixError) || error.code === 'ENOENT') throw error
          const text = errorText(error)
          const gnu = error.code === 'EACCES' ? `permission denied on key "${name}"` : error.code === 'EROFS' ? `setting key "${name}", ignoring: ${text}` : `setting key "${name}": ${text}`
          status = await context.complain(context.busybox ? `error setting key '${name}': ${text}` : gnu)
          continue
        }
        if (!options.has('q')) await show(name, proc.fs.readText(path).trimEnd())
      }
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      if (!options.has('e')) status = await context.complain(context.busybox ? `error: '${name}' is an unknown key` : `cannot stat ${path}: No such file or directory`)
    }
  }
  return status
}

/** uptime */
export const uptime: Utility = async (context) => {
  const { proc } = context
  await context.out(uptimeLine(proc, ' '))
  return 0
}

/** The line that uptime and top begin with. */
export function uptimeLine(proc: Proc, lead: string): string {
  const seconds = Number(proc.fs.readText('/proc/uptime').split(' ')[0])
  const hours = Math.floor(seconds / 3600)
  const days = Math.floor(hours / 24)
  const time = hours > 0 ? `${String(hours % 24).padStart(2)}:${String(Math.floor(seconds / 60) % 60).padStart(2, '0')}` : `${Math.floor(seconds / 60)} min`
  const users = new Set(proc.machine.processes().map((process) => (process as ProcessDetails).tty).filter(Boolean)).size
  return `${lead}${formatDate('%H:%M:%S', proc.clock.nowMs())} up ${days > 0 ? `${days} day${days > 1 ? 's' : ''}, ` : ''}${time},  ${users} user${users === 1 ? '' : 's'},  load average: ${proc.fs.readText('/proc/loadavg').split(' ').slice(0, 3).join(', ')}\n`
}

/** free */
export const free: Utility = async (context) => {
  const options = parseOptions(context.args, 'bkmghtw', {})
  const { hardware } = context.proc.machine
  const used = context.proc.machine.usage().memoryBytes
  const shown = (bytes: number) => options.has('h') ? `${humanSize(bytes)}${bytes < 1024 ? 'B' : 'i'}` : String(Math.floor(bytes / (options.has('b') ? 1 : options.has('m') ? 2 ** 20 : options.has('g') ? 2 ** 30 : 1024)))
  const cell = (bytes: number) => shown(bytes).padStart(12)
  await context.out(`               total        used        free      shared  buff/cache   available\nMem:    ${[hardware.memoryBytes, used, hardware.memoryBytes - used, 0, 0, hardware.memoryBytes - used].map(cell).join('')}\nSwap:   ${[0, 0, 0].map(cell).join('')}\n`)
  return 0
}

export const tty: Utility = async (context) => {
  const has = context.proc.isTty(0)
  await context.out(has ? '/dev/pts/0\n' : 'not a tty\n')
  return has ? 0 : 1
}

/** stty: size and the modes that scripts use. */
export const stty: Utility = async (context) => {
  const { tty: terminal } = context.proc
  if (!terminal) return context.complain(context.busybox ? 'standard input: Not a tty' : "'standard input': Inappropriate ioctl for device")
  for (const arg of context.args) {
    if (arg === 'size') await context.out(`${terminal.rows} ${terminal.columns}\n`)
    else if (arg === 'raw' || arg === '-icanon' || arg === 'cbreak') terminal.setRaw(true)
    else if (arg === 'sane' || arg === 'cooked' || arg === 'icanon' || arg === '-raw') terminal.setRaw(false)
  }
  if (context.args.length === 0 || context.args[0] === '-a') await context.out(`speed 38400 baud; rows ${terminal.rows}; columns ${terminal.columns}; line = 0;\n`)
  return 0
}

export const clear: Utility = async (context) => { await context.out(context.name === 'reset' ? '\x1bc' : '\x1b[H\x1b[2J\x1b[3J'); return 0 }
export const nproc: Utility = async (context) => { await context.out(`${context.proc.machine.hardware.cpus}\n`); return 0 }
export const arch: Utility = async (context) => { await context.out(`${machineName(context.proc.machine.hardware.architecture)}\n`); return 0 }

/** expr */
export const expr: Utility = async (context) => {
  let at = 0
  const { args } = context
  const isInt = (text: string) => /^-?\d+$/.test(text)
  const syntax = (): never => { throw new UsageError('syntax error', 'syntax error', 2) }
  const number = (text: string) => { if (!isInt(text)) throw new UsageError('non-integer argument', 'non-numeric argument', 2); return BigInt(text) }
  const levels = [['|'], ['&'], ['=', '==', '!=', '<', '<=', '>', '>='], ['+', '-'], ['*', '/', '%'], [':']]
  const truth = (text: string) => text !== '' && !/^-?0+$/.test(text)
  const match = (text: string, pattern: string) => {
    const found = new RegExp(`^(?:${pattern.replace(/\\([(){}])|([(){}+?|])/g, (_, escaped?: string, plain?: string) => escaped ?? `\\${plain}`)})`).exec(text)
    return /\\\(/.test(pattern) ? found?.[1] ?? '' : String(found?.[0].length ?? 0)
  }
  const binary = (level: number): string => {
    if (level === levels.length) return primary()
    let left = binary(level + 1)
    while (at < args.length && levels[level]!.includes(args[at]!)) {
      const operator = args[at++]!
      const right = binary(level + 1)
      const compared = isInt(left) && isInt(right) ? (BigInt(left) < BigInt(right) ? -1 : BigInt(left) > BigInt(right) ? 1 : 0) : left < right ? -1 : left > right ? 1 : 0
      switch (operator) {
        case '|': left = truth(left) ? left : truth(right) ? right : '0'; break
        case '&': left = truth(left) && truth(right) ? left : '0'; break
        case '=': case '==': left = compared === 0 ? '1' : '0'; break
        case '!=': left = compared !== 0 ? '1' : '0'; break
        case '<': left = compared < 0 ? '1' : '0'; break
        case '<=': left = compared <= 0 ? '1' : '0'; break
        case '>': left = compared > 0 ? '1' : '0'; break
        case '>=': left = compared >= 0 ? '1' : '0'; break
        case '+': left = String(number(left) + number(right)); break
        case '-': left = String(number(left) - number(right)); break
        case '*': left = String(number(left) * number(right)); break
        case '/': case '%': {
          if (number(right) === 0n) throw new UsageError('division by zero', 'division by zero', 2)
          left = String(operator === '/' ? number(left) / number(right) : number(left) % number(right))
          break
        }
        case ':': left = match(left, right); break
      }
    }
    return left
  }
  const primary = (): string => {
    const token = args[at++]
    if (token === undefined) return syntax()
    if (token === '(') { const value = binary(0); if (args[at++] !== ')') syntax(); return value }
    if (token === 'length' && args[at] !== undefined) return String([...args[at++]!].length)
    if (token === 'match' && args[at + 1] !== undefined) { at += 2; return match(args[at - 2]!, args[at - 1]!) }
    if (token === 'substr' && args[at + 2] !== undefined) { at += 3; return args[at - 3]!.substr(Number(args[at - 2]) - 1, Number(args[at - 1])) }
    if (token === 'index' && args[at + 1] !== undefined) { at += 2; return String(Math.max(0, ...[...args[at - 1]!].map((char) => args[at - 2]!.indexOf(char) + 1).filter((i) => i > 0).slice(0, 1))) }
    return token
  }
  if (args.length === 0) throw new UsageError('missing operand', 'too few arguments', 2)
  const value = binary(0)
  if (at < args.length) syntax()
  await context.out(`${value}\n`)
  return truth(value) ? 0 : 1
}

/** getent hosts, passwd, group */
export const getent: Utility = async (context) => {
  const { proc } = context
  const [database, ...keys] = context.args
  if (database === 'hosts' || database === 'ahosts' || database === 'ahostsv4') {
    let status = 0
    for (const key of keys) {
      try { for (const ip of await proc.net.lookup(key)) await context.out(database === 'hosts' ? `${ip.padEnd(15)} ${key}\n` : `${ip.padEnd(15)} STREAM ${key}\n`) } catch { status = 2 }
    }
    return status
  }
  if (database !== 'passwd' && database !== 'group') return context.complain(`Unknown database: ${database ?? ''}`)
  const lines = proc.fs.readText(`/etc/${database}`).split('\n').filter(Boolean)
  const found = keys.length === 0 ? lines : lines.filter((line) => { const fields = line.split(':'); return keys.includes(fields[0]!) || keys.includes(fields[2]!) })
  for (const line of found) await context.out(`${line}\n`)
  return found.length > 0 ? 0 : 2
}
