import { ALL_CAPABILITIES, capabilityMask, capabilityNames, isCapability } from '../capabilities.ts'
import { errorText } from '../errno.ts'
import { UnixError } from '../types.ts'
import type { ExecOptions, Proc, User } from '../types.ts'
import { accountId } from './listing.ts'
import { UsageError, parseOptions } from './utility.ts'
import type { Utility, UtilityContext } from './utility.ts'

/** An account as /etc/passwd and /etc/group have it. */
interface Account { user: User; shell: string }

/** A user of /etc/passwd by name or number, with the groups that /etc/group says. */
export function accountOf(proc: Proc, name: string): Account | undefined {
  const rows = (path: string) => proc.fs.exists(path) ? proc.fs.readText(path).split('\n').map((line) => line.split(':')) : []
  const row = rows('/etc/passwd').find((each) => each[0] === name || each[2] === name)
  if (!row) return undefined
  const gid = Number(row[3])
  const more = rows('/etc/group').filter((each) => (each[3] ?? '').split(',').includes(row[0]!)).map((each) => Number(each[2]))
  return { user: { uid: Number(row[2]), gid, groups: [...new Set([gid, ...more])], name: row[0]!, home: row[5] || '/' }, shell: row[6] || '/bin/sh' }
}

/** Becomes a command; words the failure to start it. */
async function run(context: UtilityContext, argv: readonly string[], options: ExecOptions, refused: (call: string) => string): Promise<number> {
  try {
    return await context.proc.exec!(argv, options)
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    if (error.code === 'EPERM' && (error.path === 'setgid' || error.path === 'setuid')) return context.complain(refused(error.path))
    await context.complain(context.busybox ? `can't execute '${argv[0]}': ${errorText(error)}` : `failed to execute ${argv[0]}: ${errorText(error)}`)
    return error.code === 'ENOENT' ? 127 : 126
  }
}

/** su(1): root becomes others without a password; others have none to give. */
// @k8s part: su: no passwords; a set-user-ID su refuses those who aren't root
export const su: Utility = async (context) => {
  const { proc, busybox } = context
  // Words of the user's command are not su's options.
  const args: string[] = []
  let command: string | undefined
  let shell: string | undefined
  let login = false
  let keeps = false
  for (let i = 0; i < context.args.length; i++) {
    const arg = context.args[i]!
    if (arg === '-' || arg === '-l' || arg === '--login') login = true
    else if (arg === '-c' || arg === '--command') command = context.args[++i]
    else if (arg === '-s' || arg === '--shell') shell = context.args[++i]
    else if (arg === '-m' || arg === '-p' || arg === '--preserve-environment') keeps = true
    else if (arg === '--') { args.push(...context.args.slice(i + 1)); break }
    else if (/^-./.test(arg) && args.length === 0) return context.complain(arg.startsWith('--') ? `unrecognized option '${arg}'` : `invalid option -- '${arg[1]}'`)
    else args.push(arg)
  }
  if (proc.user.uid !== 0 && busybox) return context.complain('must be suid to work properly')
  const [name = 'root', ...rest] = args
  const account = accountOf(proc, name)
  if (!account) return context.complain(busybox ? `unknown user ${name}` : `user ${name} does not exist or the user entry does not contain all the required fields`)
  if (proc.user.uid !== 0 || (proc.user.real && proc.user.real.uid !== 0)) {
    await context.err('Password: ')
    await proc.stdin.read()
    await proc.sleep(1_000)
    await context.err('\n')
    return context.complain(proc.user.uid !== 0 ? 'cannot set groups: Operation not permitted' : 'Authentication failure')
  }
  const { user } = account
  const program = shell ?? account.shell
  const argv = [program, ...(login ? ['-l'] : []), ...(command === undefined ? [] : ['-c', command]), ...rest]
  const own = keeps ? {} : { HOME: user.home, SHELL: program, ...(user.uid === 0 ? {} : { USER: user.name, LOGNAME: user.name }) }
  const cwd = login && proc.fs.exists(user.home) ? { cwd: user.home } : {}
  return run(context, argv, { user, env: { ...(login ? { TERM: proc.env.TERM ?? 'linux', PATH: proc.env.PATH ?? '' } : proc.env), ...own }, ...cwd },
    (call) => busybox ? (call === 'setgid' ? "can't set groups: Operation not permitted" : 'setuid: Operation not permitted') : `cannot set ${call === 'setgid' ? 'groups' : 'user id'}: Operation not permitted`)
}

/** gosu and su-exec: a command as another user, `NAME[:GROUP]`. */
export const gosu: Utility = async (context) => {
  const { proc } = context
  const [spec, ...command] = context.args
  if (spec === undefined || command.length === 0) { await context.err(`Usage: ${context.name} user-spec command [args]\n`); return 1 }
  const [name = '', group] = spec.split(':')
  const known = accountOf(proc, name)
  const uid = known?.user.uid ?? (/^\d+$/.test(name) ? Number(name) : undefined)
  const gid = group === undefined ? known?.user.gid ?? proc.user.gid : accountId(proc, 'group', group)
  const isGosu = context.name === 'gosu'
  if (uid === undefined || gid === undefined) { await context.err(isGosu ? `error: failed switching to "${spec}": unable to find user ${name}: no matching entries in passwd file\n` : `su-exec: getpwnam(${name}): Success\n`); return 1 }
  const user: User = { uid, gid, groups: group === undefined ? known?.user.groups ?? [gid] : [gid], name: known?.user.name ?? String(uid), home: known?.user.home ?? '/' }
  try {
    return await proc.exec!(command, { user, env: { ...proc.env, HOME: user.home } })
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    if (error.code === 'EPERM') await context.err(isGosu ? `error: failed switching to "${spec}": operation not permitted\n` : `su-exec: ${error.path === 'setgid' ? 'setgroups' : 'setuid'}(${error.path === 'setgid' ? gid : uid}): Operation not permitted\n`)
    else await context.err(isGosu ? `error: exec: "${command[0]}": ${error.code === 'ENOENT' ? 'executable file not found in $PATH' : errorText(error).toLowerCase()}\n` : `su-exec: ${command[0]}: ${errorText(error)}\n`)
    return 1
  }
}

/** setpriv(1): a command with other rights. */
export const setpriv: Utility = async (context) => {
  const { proc } = context
  const options = parseOptions(context.args, 'd', { dump: 'd', 'reuid=': 'reuid', 'regid=': 'regid', 'clear-groups': 'clear', 'init-groups': 'init', 'keep-groups': 'keep', 'bounding-set=': 'bounding', 'inh-caps=': 'inheritable', 'ambient-caps=': 'ambient', 'no-new-privs': 'nnp', nnp: 'nnp' }, { stopAtOperand: true })
  if (options.has('d')) {
    const status = proc.fs.readText('/proc/self/status')
    const names = (field: string) => capabilityNames(BigInt(`0x${new RegExp(`^${field}:\\s*(\\w+)`, 'm').exec(status)![1]}`)).map((name) => name.toLowerCase()).join(',') || '[none]'
    const number = (field: string) => new RegExp(`^${field}:\\s*(\\d+)`, 'm').exec(status)![1]!
    await context.out(`uid: ${proc.user.real?.uid ?? proc.user.uid}\neuid: ${proc.user.uid}\ngid: ${proc.user.real?.gid ?? proc.user.gid}\negid: ${proc.user.gid}\nSupplementary groups: ${proc.user.groups.join(',') || '[none]'}\nno_new_privs: ${number('NoNewPrivs')}\nInheritable capabilities: ${names('CapInh')}\nAmbient capabilities: ${names('CapAmb')}\nCapability bounding set: ${names('CapBnd')}\nSecurebits: [none]\n`)
    return 0
  }
  if (options.has('inheritable', 'ambient')) return context.complain('capabilities of users other than root can\'t be set here')
  const uid = options.value('reuid') === undefined ? undefined : accountId(proc, 'user', options.value('reuid')!)
  const gid = options.value('regid') === undefined ? undefined : accountId(proc, 'group', options.value('regid')!)
  if (options.value('reuid') !== undefined && uid === undefined) return context.complain(`failed to parse reuid: '${options.value('reuid')}'`)
  if (options.value('regid') !== undefined && gid === undefined) return context.complain(`failed to parse regid: '${options.value('regid')}'`)
  if (gid !== undefined && !options.has('clear', 'init', 'keep')) return context.complain('--[re]gid requires --keep-groups, --clear-groups, --init-groups, or --groups')
  const unknown = options.value('bounding')?.split(',').find((word) => !/^[+-]/.test(word) || (word.slice(1) !== 'all' && !isCapability(word.slice(1).toUpperCase())))
  if (unknown !== undefined) return context.complain(/^[+-]/.test(unknown) ? `unknown capability "${unknown.slice(1)}"` : 'bad capability string')
  if (options.operands.length === 0) throw new UsageError('No program specified')
  const known = uid === undefined ? undefined : accountOf(proc, String(uid))
  const user: User = {
    uid: uid ?? proc.user.uid, gid: gid ?? proc.user.gid, groups: options.has('clear') ? [] : options.has('init') ? known?.user.groups ?? [] : proc.user.groups, name: known?.user.name ?? proc.user.name, home: known?.user.home ?? proc.user.home,
  }
  return run(context, options.operands, { ...(uid === undefined && gid === undefined ? {} : { user }), ...(options.has('bounding') ? { bounding: boundingAfter(options.value('bounding')!) } : {}), ...(options.has('nnp') ? { noNewPrivileges: true } : {}) },
    (call) => call === 'setgid' ? 'setresgid failed: Operation not permitted' : 'setresuid failed: Operation not permitted')
}

/** `-all,+net_raw`: what is left of everything. */
function boundingAfter(text: string): bigint {
  return text.split(',').reduce((mask, word) => {
    const names = word.slice(1) === 'all' ? ALL_CAPABILITIES : capabilityMask([word.slice(1)])
    return word[0] === '-' ? mask & ~names : mask | names
  }, ALL_CAPABILITIES)
}
