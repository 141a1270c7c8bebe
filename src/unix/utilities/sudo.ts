import { errorText } from '../errno.ts'
import { ROOT_USER } from '../machine.ts'
import { UnixError } from '../types.ts'
import type { Proc, User } from '../types.ts'
import { UsageError, parseOptions } from './utility.ts'
import type { Utility } from './utility.ts'

const SECURE_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const KEPT = ['TERM', 'COLORTERM', 'LANG', 'DISPLAY']

/** sudo, for machines whose users may do everything and aren't asked for a password. */
export const sudo: Utility = async (context) => {
  const { proc } = context
  const options = parseOptions(context.args, 'u:EHnSkvlisV', { 'user=': 'u', 'preserve-env': 'E', 'set-home': 'H', 'non-interactive': 'n', stdin: 'S', validate: 'v', list: 'l', login: 'i', shell: 's', version: 'V' }, { stopAtOperand: true })
  if (options.has('V')) { await context.out('Sudo version 1.9.16p2\n'); return 0 }
  if (options.has('v', 'k') && options.operands.length === 0) return 0
  const caller = proc.user.real ?? proc.user
  if (proc.user.uid !== 0) {
    const isRefused = statusOf(proc, 'NoNewPrivs') === '1'
    await context.err(isRefused ? 'sudo: The "no new privileges" flag is set, which prevents sudo from running as root.\nsudo: If sudo is running in a container, you may need to adjust the container configuration to disable the flag.\n' : 'sudo: /usr/bin/sudo must be owned by uid 0 and have the setuid bit set\n')
    return 1
  }
  if (caller.uid !== 0 && !isTrusted(proc, proc.user.name)) {
    await context.err('sudo: a terminal is required to read the password; either use the -S option to read from standard input or configure an askpass helper\nsudo: a password is required\n')
    return 1
  }
  const name = options.value('u') ?? 'root'
  const user = userNamed(proc.fs.exists('/etc/passwd') ? proc.fs.readText('/etc/passwd') : '', name)
  if (!user) { await context.err(`sudo: unknown user ${name}\nsudo: error initializing audit plugin sudoers_audit\n`); return 1 }
  if (options.has('l')) { await context.out(`User ${proc.user.name} may run the following commands on ${proc.machine.hostname}:\n    (ALL : ALL) NOPASSWD: ALL\n`); return 0 }
  const argv = options.has('i', 's') ? ['/bin/bash', ...(options.operands.length > 0 ? ['-c', options.operands.join(' ')] : [])] : options.operands
  const [assignments, command] = splitAssignments(argv)
  if (command.length === 0) throw new UsageError('usage: sudo [-EHkn] [-u user] [VAR=value] [-i | -s] [command [arg ...]]')
  const kept = options.has('E') ? proc.env : Object.fromEntries(KEPT.flatMap((key) => (proc.env[key] === undefined ? [] : [[key, proc.env[key]]])))
  const env = { ...kept, PATH: SECURE_PATH, HOME: user.home, USER: user.name, LOGNAME: user.name, SHELL: '/bin/bash', SUDO_COMMAND: command.join(' '), SUDO_USER: proc.user.name, SUDO_UID: String(caller.uid), SUDO_GID: String(caller.gid), ...assignments }
  try {
    return await proc.exec!(command, { env, user, ...(options.has('i') ? { cwd: user.home } : {}) })
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    if (error.code === 'EPERM') { await context.err(`sudo: unable to change to ${error.path === 'setuid' ? 'runas uid' : 'runas gid'}: Operation not permitted\nsudo: error initializing audit plugin sudoers_audit\n`); return 1 }
    await context.err(`sudo: ${command[0]}: ${error.code === 'ENOENT' ? 'command not found' : errorText(error)}\n`)
    return 1
  }
}

/** Whether sudoers lets somebody do everything without a password; where there is no such file, everybody may. */
// @k8s part: sudo: sudoers is asked for users and groups with NOPASSWD: ALL only, and there are no passwords
function isTrusted(proc: Proc, name: string): boolean {
  if (!proc.fs.exists('/etc/sudoers')) return true
  const files = ['/etc/sudoers', ...(proc.fs.exists('/etc/sudoers.d') ? proc.fs.readdir('/etc/sudoers.d').map((file) => `/etc/sudoers.d/${file}`) : [])]
  const groups = (proc.fs.exists('/etc/group') ? proc.fs.readText('/etc/group').split('\n') : []).map((line) => line.split(':')).filter((row) => (row[3] ?? '').split(',').includes(name) || proc.user.groups.includes(Number(row[2]))).map((row) => `%${row[0]}`)
  return files.some((file) => proc.fs.readText(file).split('\n').some((line) => {
    const [who, rule = ''] = [/^\s*(\S+)/.exec(line)?.[1], line.replace(/^\s*\S+\s*/, '')]
    return who !== undefined && [name, 'ALL', ...groups].includes(who) && /^\S+\s*=\s*(?:\([^)]*\)\s*)?NOPASSWD:\s*ALL\s*$/.test(rule)
  }))
}

/** A line of the process's own /proc/self/status. */
function statusOf(proc: Proc, name: string): string | undefined {
  return new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(proc.fs.readText('/proc/self/status'))?.[1]
}

/** `NAME=value` before the command. */
function splitAssignments(argv: readonly string[]): [Record<string, string>, readonly string[]] {
  const first = argv.findIndex((word) => !/^[A-Za-z_]\w*=/.test(word))
  const end = first < 0 ? argv.length : first
  return [Object.fromEntries(argv.slice(0, end).map((word) => { const at = word.indexOf('='); return [word.slice(0, at), word.slice(at + 1)] })), argv.slice(end)]
}

function userNamed(passwd: string, name: string): User | undefined {
  if (name === 'root') return ROOT_USER
  const line = passwd.split('\n').map((each) => each.split(':')).find(([first, , uid]) => first === name || `#${uid}` === name)
  return line && { uid: Number(line[2]), gid: Number(line[3]), groups: [Number(line[3])], name: line[0]!, home: line[5] ?? '/' }
}
