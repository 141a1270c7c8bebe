import { isCapable } from '../capabilities.ts'
import { errorText } from '../errno.ts'
import { MemoryFileSystem } from '../file-system.ts'
import type { ProcessDetails } from '../fs/proc-tree.ts'
import { demandCall } from '../system-calls.ts'
import { UnixError } from '../types.ts'
import { formatDate } from './date.ts'
import { UsageError, parseOptions } from './utility.ts'
import type { Utility } from './utility.ts'

/** dmesg(1): what the kernel says, where it is not kept from users. */
export const dmesg: Utility = async (context) => {
  const { proc, busybox } = context
  const options = parseOptions(context.args, 'cn:s:rTHwkxCl:', { ctime: 'T', human: 'H', follow: 'w', kernel: 'k', decode: 'x' })
  if (options.has('c', 'C', 'n', 's', 'r', 'H', 'w', 'x', 'l')) return context.complain('the kernel\'s log can only be shown as it is here, with times of the clock by -T')
  try {
    if (proc.machine.kernelLog && proc.fs.readText('/proc/sys/kernel/dmesg_restrict').trim() === '1') demandCall(proc, 'syslog')
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    return context.complain(busybox ? `klogctl: ${errorText(error)}` : `read kernel buffer failed: ${errorText(error)}`)
  }
  for (const line of proc.machine.kernelLog.lines(options.has('T') ? (atMs) => formatDate('%a %b %e %H:%M:%S %Y', atMs) : undefined)) await context.out(`${line}\n`)
  return 0
}

/** mknod(1): pipes, and the devices of memory, which containers may open. */
export const mknod: Utility = async (context) => {
  const { proc } = context
  const options = parseOptions(context.args, 'm:', { 'mode=': 'm' })
  const [name, type, major, minor] = options.operands
  if (name === undefined || type === undefined) throw new UsageError(name === undefined ? 'missing operand' : `missing operand after '${name}'`)
  if (options.value('m') !== undefined && !/^[0-7]{1,4}$/.test(options.value('m')!)) return context.complain('invalid mode')
  const path = proc.resolve(name)
  const mode = options.value('m') === undefined ? 0o666 & ~(proc.fs.umask ?? 0o022) : parseInt(options.value('m')!, 8)
  try {
    if (type === 'p') { proc.fs.mkfifo!(path, mode); return 0 }
    if (!/^[bcu]$/.test(type)) throw new UsageError(`invalid device type '${type}'`)
    if (!/^\d+$/.test(major ?? '') || !/^\d+$/.test(minor ?? '')) throw new UsageError('Special files require major and minor device numbers.')
    demandCall(proc, 'mknod')
    if (!(proc.fs instanceof MemoryFileSystem)) throw new UnixError('EPERM')
    const loop = type === 'b' && major === '7' ? proc.machine.loopDevices.get(Number(minor)) : undefined
    if (loop) proc.fs.makeBlockDevice(path, mode, loop)
    else proc.fs.makeDevice(path, mode, type === 'b' ? undefined : MEMORY_DEVICES[`${major}:${minor}`], type === 'b' ? 'block' : 'character')
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    return context.complain(`${name}: ${errorText(error)}`)
  }
  return 0
}

/** Devices that a container may open, by their numbers. */
const MEMORY_DEVICES: Readonly<Record<string, string>> = { '1:3': '/dev/null', '1:5': '/dev/zero', '1:7': '/dev/full', '1:8': '/dev/random', '1:9': '/dev/urandom' }

const NAMESPACES = { m: 'mnt', u: 'uts', i: 'ipc', n: 'net', p: 'pid', U: 'user', C: 'cgroup' } as const
const LONG_NAMES = { m: 'mount', u: 'uts', i: 'ipc', n: 'net', p: 'pid', U: 'user', C: 'cgroup' } as const

/** nsenter(1): a command on the machine of another process, with all of its namespaces. */
// @k8s part: nsenter: enters all namespaces of a process or its root directory, not single ones
export const nsenter: Utility = async (context) => {
  const { proc, busybox } = context
  // An optional value is never an argument of its own: `-m/proc/1/ns/mnt`, `--mount=/proc/1/ns/mnt`.
  const args = context.args.map((arg) => arg.replace(/^-([muinpUC])=?(\/.*)$/, (_, letter: keyof typeof NAMESPACES, file: string) => `--${LONG_NAMES[letter]}=${file}`))
  const options = parseOptions(args, 't:amuinpUCr', { 'target=': 't', all: 'a', mount: 'm', uts: 'u', ipc: 'i', net: 'n', pid: 'p', user: 'U', cgroup: 'C', root: 'r' }, { stopAtOperand: true })
  const letters = Object.keys(NAMESPACES) as (keyof typeof NAMESPACES)[]
  const named = letters.find((letter) => options.value(letter) !== undefined)
  const target = options.value('t')
  if (target === undefined && named === undefined) return context.complain(busybox ? "neither filename nor target pid supplied for 'ns/mnt'" : 'no target PID specified')
  const first = options.has('a') ? 'm' : named ?? letters.find((letter) => options.has(letter)) ?? 'm'
  const file = named === undefined ? `/proc/${target}/ns/${NAMESPACES[first]}` : options.value(named)!
  let process: ProcessDetails | undefined
  try {
    process = (named === undefined ? proc.machine.process(Number(target)) : (proc.fs as MemoryFileSystem).namespaceOwner(proc.resolve(file))) as ProcessDetails | undefined
    if (!process && named !== undefined) return await context.complain(busybox ? `setns(): can't reassociate to namespace '${NAMESPACES[first]}': Invalid argument` : `reassociate to namespace 'ns/${NAMESPACES[first]}' failed: Invalid argument`)
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    return context.complain(`${busybox ? "can't open" : 'cannot open'} ${busybox ? `'${file}'` : file}: ${errorText(error)}`)
  }
  if (!process) return context.complain(busybox ? `can't open '${file}': No such file or directory` : `cannot open ${file}: No such file or directory`)
  const isTraceable = isCapable(proc, 'SYS_PTRACE') || process.user.uid === proc.user.uid && (process.capabilities & ~(proc.capabilities ?? 0n)) === 0n
  if (!isTraceable) return context.complain(busybox ? `can't open '${file}': Permission denied` : `cannot open ${file}: Permission denied`)
  try {
    demandCall(proc, 'setns')
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    return context.complain(busybox ? `setns(): can't reassociate to namespace '${NAMESPACES[first]}': ${errorText(error)}` : `reassociate to namespace 'ns/${NAMESPACES[first]}' failed: ${errorText(error)}`)
  }
  if (!options.has('a') && !options.has('m')) return context.complain('single namespaces other than mnt can\'t be entered here; say -m or -a')
  const argv = options.operands.length > 0 ? options.operands : [proc.env.SHELL ?? '/bin/sh']
  try {
    const inside = process.machine.start(argv, { env: { ...proc.env }, cwd: '/', user: proc.user, stdin: proc.stdin, stdout: proc.stdout, stderr: proc.stderr, ...(proc.tty ? { tty: proc.tty } : {}) })
    const pass = proc.onSignal('SIGTERM', () => inside.kill('SIGTERM'))
    const { code } = await inside.wait()
    pass()
    return code
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    await context.complain(busybox ? `can't execute '${argv[0]}': ${errorText(error)}` : `failed to execute ${argv[0]}: ${errorText(error)}`)
    return error.code === 'ENOENT' ? 127 : 126
  }
}

/** unshare(1): a command with namespaces of its own. */
// @k8s part: unshare: refused where the kernel refuses it; where it would not, only a mount namespace of its own can be had
export const unshare: Utility = async (context) => {
  const { proc, busybox } = context
  const options = parseOptions(context.args, 'muinpUCrfR:', { mount: 'm', uts: 'u', ipc: 'i', net: 'n', pid: 'p', user: 'U', cgroup: 'C', 'map-root-user': 'r', fork: 'f', 'mount-proc': 'M' }, { stopAtOperand: true })
  try {
    // A user namespace takes no capability, but filters of system calls refuse it with the others.
    if (options.has('U', 'r')) proc.systemCall?.('unshare')
    else demandCall(proc, 'unshare')
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    return context.complain(busybox ? `unshare(0x${unshareFlags(options.flags).toString(16)}): ${errorText(error)}` : `unshare failed: ${errorText(error)}`)
  }
  const others = [...options.flags.keys()].filter((flag) => flag !== 'm' && flag !== 'f')
  if (others.length > 0 || !options.has('m')) return context.complain(`only a mount namespace of its own can be had here (-m), not -${others[0] ?? ''}`)
  const argv = options.operands.length > 0 ? options.operands : [proc.env.SHELL ?? '/bin/sh']
  try {
    return await proc.exec!(argv, { root: '/', ownMounts: true })
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    await context.complain(busybox ? `can't execute '${argv[0]}': ${errorText(error)}` : `failed to execute ${argv[0]}: ${errorText(error)}`)
    return error.code === 'ENOENT' ? 127 : 126
  }
}

/** What is passed to unshare(2). */
function unshareFlags(flags: ReadonlyMap<string, unknown>): number {
  const values: Record<string, number> = { m: 0x20000, u: 0x4000000, i: 0x8000000, n: 0x40000000, p: 0x20000000, U: 0x10000000, r: 0x10000000, C: 0x2000000 }
  return [...new Set([...flags.keys()].map((flag) => values[flag] ?? 0))].reduce((sum, each) => sum + each, 0)
}
