import { readAll } from '../../base/streams.ts'
import { errorText } from '../errno.ts'
import { findInPath } from '../exec.ts'
import { commandName } from '../fs/proc-tree.ts'
import type { ProcessDetails } from '../fs/proc-tree.ts'
import { sendSignal } from '../machine.ts'
import { SIGNAL_NUMBERS, parseSignal } from '../signals.ts'
import { UnixError } from '../types.ts'
import type { Proc, Process, Signal } from '../types.ts'
import { accountNames } from './listing.ts'
import { uptimeLine } from './system.ts'
import { UsageError, parseOptions } from './utility.ts'
import type { Utility, UtilityContext } from './utility.ts'

/** Milliseconds that `1.5`, `2m` or `1h` mean. */
export function durationMs(text: string): number | undefined {
  if (text === 'inf' || text === 'infinity') return Infinity
  const match = /^(\d+(?:\.\d*)?|\.\d+)([smhd]?)$/.exec(text)
  return match ? Number(match[1]) * { '': 1000, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match[2]!]! : undefined
}

/** sleep */
export const sleep: Utility = async (context) => {
  const args = context.args.filter((arg) => arg !== '--')
  if (args.length === 0) { if (!context.busybox) throw new UsageError('missing operand'); await context.err('BusyBox v1.37.0 () multi-call binary.\n\nUsage: sleep [N]...\n'); return 1 }
  let total = 0
  for (const arg of args) {
    const ms = durationMs(arg)
    if (ms === undefined) throw new UsageError(`invalid time interval '${arg}'`, `invalid number '${arg}'`)
    total += ms
  }
  // An endless sleep needs no timer.
  if (total === Infinity) await context.proc.signal()
  else await context.proc.sleep(total)
  return 0
}

/** A table with the columns of ps. */
function psTime(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  return `${String(Math.floor(seconds / 3600)).padStart(2, '0')}:${String(Math.floor(seconds / 60) % 60).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`
}

function details(process: Process): ProcessDetails {
  return process as ProcessDetails
}

function commandLine(process: Process): string {
  return process.status ? `[${commandName(process)}]` : details(process).title ?? process.argv.join(' ')
}

/** Share of one core that a process used since it began, in percent. */
function cpuShare(process: Process, nowMs: number): number {
  const seconds = Math.floor((nowMs - process.startedMs) / 1000)
  return seconds <= 0 ? 0 : details(process).cpuNanoseconds / 1e7 / seconds
}

/** Users as this machine's accounts call them; long names give way to numbers. */
function userNames(proc: Proc): (process: Process) => string {
  const names = accountNames(proc)
  return ({ user: { uid } }) => { const name = names.user(uid); return name.length > 8 ? String(uid) : name }
}

/** Tells the share of the computer's memory that a process has, in percent. */
function memoryShares({ machine: { hardware } }: Proc): (process: Process) => number {
  return (process) => details(process).memoryBytes * 100 / hardware.memoryBytes
}

/** ps */
export const ps: Utility = async (context) => {
  const { proc } = context
  const all = [...proc.machine.processes()].sort((a, b) => a.pid - b.pid)
  const userOf = userNames(proc)
  const memoryShare = memoryShares(proc)
  const start = (p: Process) => { const d = new Date(p.startedMs); return `${String(d.getUTCHours()).padStart(2, '0')}:${String(d.getUTCMinutes()).padStart(2, '0')}` }
  const cpuMs = (p: Process) => details(p).cpuNanoseconds / 1e6
  const kib = (p: Process) => Math.floor(details(p).memoryBytes / 1024)
  const terminal = (p: Process) => details(p).tty ? 'pts/0' : '?'
  const columns: Readonly<Record<string, { title: string; width: number; value: (p: Process) => string; left?: boolean }>> = {
    pid: { title: 'PID', width: 5, value: (p) => String(p.pid) }, ppid: { title: 'PPID', width: 5, value: (p) => String(p.ppid) },
    user: { title: 'USER', width: 8, value: (p) => userOf(p), left: true }, uid: { title: 'UID', width: 5, value: (p) => String(p.user.uid) },
    group: { title: 'GROUP', width: 8, value: (p) => String(p.user.gid), left: true }, pgid: { title: 'PGID', width: 5, value: (p) => String(p.group) }, pgrp: { title: 'PGRP', width: 5, value: (p) => String(p.group) },
    comm: { title: 'COMMAND', width: 15, value: commandName, left: true }, args: { title: 'COMMAND', width: 0, value: commandLine, left: true }, cmd: { title: 'CMD', width: 0, value: commandLine, left: true }, command: { title: 'COMMAND', width: 0, value: commandLine, left: true },
    stat: { title: 'STAT', width: 4, value: (p) => details(p).state, left: true }, s: { title: 'S', width: 1, value: (p) => details(p).state, left: true }, state: { title: 'S', width: 1, value: (p) => details(p).state, left: true },
    rss: { title: 'RSS', width: 5, value: (p) => String(kib(p)) }, vsz: { title: 'VSZ', width: 6, value: (p) => String(kib(p)) }, time: { title: 'TIME', width: 8, value: (p) => psTime(cpuMs(p)) }, tty: { title: 'TT', width: 8, value: terminal, left: true }, etime: { title: 'ELAPSED', width: 11, value: (p) => psTime(proc.clock.nowMs() - p.startedMs).replace(/^00:/, '') },
    '%cpu': { title: '%CPU', width: 4, value: (p) => cpuShare(p, proc.clock.nowMs()).toFixed(1) }, '%mem': { title: '%MEM', width: 4, value: (p) => memoryShare(p).toFixed(1) }, pcpu: { title: '%CPU', width: 4, value: (p) => cpuShare(p, proc.clock.nowMs()).toFixed(1) }, pmem: { title: '%MEM', width: 4, value: (p) => memoryShare(p).toFixed(1) },
  }
  const custom = context.args.findIndex((arg) => /^(?:-?-?o|-[eAax]+o$|[ax]+o$)/.test(arg))
  if (custom >= 0) {
    const list = context.args[custom]!.replace(/^-?-?[eAax]*o=?/, '') || context.args[custom + 1] || ''
    const chosen = list.split(/[, ]+/).map((name) => { const [key, title] = name.split('='); const column = columns[key!.toLowerCase()]; return column && { ...column, title: title ?? column.title } })
    const bad = chosen.findIndex((column) => !column)
    if (bad >= 0) return context.complain(context.busybox ? `bad -o argument '${list.split(/[, ]+/)[bad]}'` : `error: unknown user-defined format specifier "${list.split(/[, ]+/)[bad]}"`)
    const table = [chosen.map((column) => column!.title), ...all.map((p) => chosen.map((column) => column!.value(p)))]
    for (const row of table) if (row.some((cell) => cell !== '')) await context.out(`${row.map((cell, i) => i === row.length - 1 && chosen[i]!.left ? cell : chosen[i]!.left ? cell.padEnd(chosen[i]!.width) : cell.padStart(chosen[i]!.width)).join(' ').trimEnd()}\n`)
    return 0
  }
  if (context.busybox) {
    await context.out('PID   USER     TIME  COMMAND\n')
    for (const p of all) await context.out(`${String(p.pid).padStart(5)} ${userOf(p).padEnd(8)} ${`${Math.floor(cpuMs(p) / 60_000)}:${String(Math.floor(cpuMs(p) / 1000) % 60).padStart(2, '0')}`.padStart(5)} ${commandLine(p)}\n`)
    return 0
  }
  const flags = context.args.join('')
  if (/^-?a?u?x?u/.test(flags) && flags.includes('u')) {
    await context.out('USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n')
    for (const p of all) await context.out(`${userOf(p).padEnd(8)} ${String(p.pid).padStart(7)} ${cpuShare(p, proc.clock.nowMs()).toFixed(1).padStart(4)} ${memoryShare(p).toFixed(1).padStart(4)} ${String(kib(p)).padStart(6)} ${String(kib(p)).padStart(5)} ${terminal(p).padEnd(8)} ${details(p).state.padEnd(4)} ${start(p)} ${psTime(cpuMs(p)).slice(3).replace(/^0/, '').padStart(6)} ${commandLine(p)}\n`)
    return 0
  }
  const shown = /[eAax]/.test(flags) ? all : all.filter((p) => details(p).tty !== undefined && details(p).tty === proc.tty && p.user.uid === proc.user.uid)
  if (flags.includes('f')) {
    await context.out('UID          PID    PPID  C STIME TTY          TIME CMD\n')
    for (const p of shown) await context.out(`${userOf(p).padEnd(8)} ${String(p.pid).padStart(7)} ${String(p.ppid).padStart(7)} ${String(Math.floor(cpuShare(p, proc.clock.nowMs()))).padStart(2)} ${start(p)} ${terminal(p).padEnd(8)} ${psTime(cpuMs(p))} ${commandLine(p)}\n`)
    return 0
  }
  await context.out('    PID TTY          TIME CMD\n')
  for (const p of shown) await context.out(`${String(p.pid).padStart(7)} ${terminal(p).padEnd(8)} ${psTime(cpuMs(p))} ${commandName(p)}\n`)
  return 0
}

/** top: one picture, or a new one every few seconds until `q`. */
export const top: Utility = async (context) => {
  const { proc, busybox } = context
  const options = parseOptions(context.args, 'bn:d:p:Ho:u:ciS1', {})
  const batch = options.has('b')
  const onScreen = proc.isTty(1) && !batch
  const userOf = userNames(proc)
  const memoryShare = memoryShares(proc)
  const count = Number(options.value('n') ?? (proc.isTty(1) || batch ? Infinity : 1))
  let intervalMs = Math.max(0.1, Number(options.value('d') ?? (busybox ? 5 : 3))) * 1000
  const only = options.value('p')?.split(',').map(Number)
  let before = new Map<number, number>()
  let beforeMs = 0
  let byMemory = false
  const { tty } = proc
  const reads = onScreen && tty !== undefined && proc.isTty(0)
  const wasRaw = tty?.raw ?? false
  if (reads) tty.setRaw(true)
  // One read at a time: it stays open while pictures are drawn.
  let key: Promise<string | undefined> | undefined
  try {
    for (let i = 0; i < count; i++) {
      const nowMs = proc.clock.nowMs()
      const all = proc.machine.processes().filter((p) => !only || only.includes(p.pid))
      // Since the last picture; in the first one since each began.
      const share = (p: Process) => before.has(p.pid) && nowMs > beforeMs ? Math.max(0, details(p).cpuNanoseconds - before.get(p.pid)!) / 1e4 / (nowMs - beforeMs) : cpuShare(p, nowMs)
      const rows = all.map((p) => ({ p, cpu: share(p) })).sort((a, b) => byMemory ? details(b.p).memoryBytes - details(a.p).memoryBytes : b.cpu - a.cpu || a.p.pid - b.p.pid)
      before = new Map(all.map((p) => [p.pid, details(p).cpuNanoseconds]))
      beforeMs = nowMs
      const width = onScreen ? tty?.columns ?? 80 : 512
      const lines = [...topHead(context, rows), ...rows.map(({ p, cpu }) => busybox
        ? `${String(p.pid).padStart(5)} ${String(p.ppid).padStart(5)} ${userOf(p).padEnd(8)} ${details(p).state.padEnd(4)} ${String(Math.floor(details(p).memoryBytes / 1024)).padStart(5)} ${String(Math.round(memoryShare(p))).padStart(3)}%   0 ${String(Math.round(cpu / proc.machine.hardware.cpus)).padStart(3)}% ${commandLine(p)}`
        : `${String(p.pid).padStart(7)} ${userOf(p).padEnd(9).slice(0, 9)} 20   0 ${String(Math.floor(details(p).memoryBytes / 1024)).padStart(7)} ${String(Math.floor(details(p).memoryBytes / 1024)).padStart(6)} ${'0'.padStart(6)} ${details(p).state} ${cpu.toFixed(1).padStart(5)} ${memoryShare(p).toFixed(1).padStart(5)} ${topTime(details(p).cpuNanoseconds)} ${options.has('c') ? commandLine(p) : commandName(p)}`)]
      const shown = (onScreen ? lines.slice(0, Math.max(1, (tty?.rows ?? 24) - 1)) : lines).map((line) => line.slice(0, width))
      const newline = reads ? '\r\n' : '\n'
      await context.out(`${onScreen ? '\x1b[H\x1b[2J' : i > 0 ? '\n' : ''}${shown.map((line) => onScreen && /^ *PID /.test(line) ? `\x1b[7m${line.padEnd(width)}\x1b[0m` : line).join(newline)}${newline}`)
      if (i + 1 >= count) break
      if (!reads) { await proc.sleep(intervalMs); continue }
      key ??= proc.stdin.read().then((bytes) => bytes ? new TextDecoder().decode(bytes) : undefined)
      const pressed = await Promise.race([key, proc.sleep(intervalMs).then(() => '')])
      if (pressed === '') continue
      key = undefined
      if (pressed === undefined || /[q\x03\x04]/.test(pressed)) break
      if (pressed === 'M') byMemory = true
      if (pressed === 'P') byMemory = false
      if (pressed === 'd' || pressed === 's') intervalMs = 1_000
    }
    return 0
  } finally {
    if (reads) tty.setRaw(wasRaw)
  }
}

function topTime(cpuNanoseconds: number): string {
  const hundredths = Math.floor(cpuNanoseconds / 1e7)
  return `${Math.floor(hundredths / 6000)}:${String(Math.floor(hundredths / 100) % 60).padStart(2, '0')}.${String(hundredths % 100).padStart(2, '0')}`.padStart(9)
}

function topHead({ proc, busybox }: UtilityContext, rows: readonly { p: Process; cpu: number }[]): string[] {
  const { hardware } = proc.machine
  const busy = Math.min(100, rows.reduce((sum, { cpu }) => sum + cpu, 0) / hardware.cpus)
  const usedBytes = rows.reduce((sum, { p }) => sum + details(p).memoryBytes, 0)
  const load = proc.fs.readText('/proc/loadavg').split(' ')
  if (busybox) {
    const used = Math.floor(usedBytes / 1024)
    return [`Mem: ${used}K used, ${hardware.memoryBytes / 1024 - used}K free, 0K shrd, 0K buff, 0K cached`, `CPU: ${String(Math.round(busy)).padStart(3)}% usr   0% sys   0% nic ${String(100 - Math.round(busy)).padStart(3)}% idle   0% io   0% irq   0% sirq`, `Load average: ${load.slice(0, 3).join(' ')} ${load[3]} ${proc.pid}`, '  PID  PPID USER     STAT   VSZ %VSZ CPU %CPU COMMAND']
  }
  const states = (state: string) => String(rows.filter(({ p }) => details(p).state === state).length).padStart(3)
  const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(1).padStart(8)
  // Whoever draws the picture runs.
  const running = Math.max(1, Number(states('R')))
  return [uptimeLine(proc, 'top - ').trimEnd(),
    `Tasks: ${String(rows.length).padStart(3)} total, ${String(running).padStart(3)} running, ${String(Math.max(0, Number(states('S')) - (running - Number(states('R'))))).padStart(3)} sleeping, ${states('T')} stopped, ${states('Z')} zombie`,
    `%Cpu(s): ${busy.toFixed(1).padStart(4)} us,  0.0 sy,  0.0 ni,${(100 - busy).toFixed(1).padStart(5)} id,  0.0 wa,  0.0 hi,  0.0 si,  0.0 st`,
    `MiB Mem : ${mib(hardware.memoryBytes)} total, ${mib(hardware.memoryBytes - usedBytes)} free, ${mib(usedBytes)} used, ${mib(0)} buff/cache`, `MiB Swap: ${mib(0)} total, ${mib(0)} free, ${mib(0)} used. ${mib(hardware.memoryBytes - usedBytes)} avail Mem`, '', '    PID USER      PR  NI    VIRT    RES    SHR S  %CPU  %MEM     TIME+ COMMAND']
}

/** kill */
export const kill: Utility = async (context) => {
  const { proc } = context
  const args = [...context.args]
  let signal: Signal | undefined = 'SIGTERM'
  if (args[0] === '-l' || args[0] === '-L') { await context.out(`${Object.entries(SIGNAL_NUMBERS).map(([name, number]) => context.busybox ? `${String(number).padStart(2)}) ${name.slice(3)}` : name.slice(3)).join('\n')}\n`); return 0 }
  if (args[0] === '-s') { signal = parseSignal(args[1] ?? ''); args.splice(0, 2); if (!signal) return context.complain('unknown signal') }
  else if (args[0] !== undefined && /^-[A-Za-z0-9]/.test(args[0])) {
    const text = args.shift()!.slice(1)
    signal = text === '0' ? undefined : parseSignal(text)
    if (!signal && text !== '0') return context.complain(context.busybox ? `bad signal name '${text}'` : `${text}: invalid signal specification`)
  }
  if (args.length === 0) return context.complain(context.busybox ? 'you need to specify whom to kill' : 'not enough arguments')
  let status = 0
  for (const target of args) {
    try {
      if (!/^-?\d+$/.test(target)) throw new UnixError('EINVAL', `invalid number '${target}'`)
      sendSignal(proc, Number(target), signal)
    } catch (error) {
      status = await context.complain(context.busybox ? `can't kill pid ${target}: ${errorText(error)}` : `(${target}): ${errorText(error)}`)
    }
  }
  return status
}

/** pidof, pgrep, pkill, killall */
export const pkill: Utility = async (context) => {
  const { proc, name } = context
  const args = [...context.args]
  let signal: Signal | undefined = 'SIGTERM'
  if (args[0] !== undefined && /^-(?:[A-Z]+|\d+|SIG[A-Z0-9]+)$/.test(args[0]) && parseSignal(args[0].slice(1))) signal = parseSignal(args.shift()!.slice(1))
  const options = parseOptions(args, 'flxavnoiqs:', { full: 'f', exact: 'x' })
  const [pattern] = options.operands
  if (pattern === undefined) throw new UsageError('no matching criteria specified')
  const exact = options.has('x') || name === 'killall' || name === 'pidof'
  const expression = exact ? undefined : new RegExp(pattern)
  const matching = proc.machine.processes().filter((p) => p.pid !== proc.pid && !p.status && (exact ? options.operands.includes(commandName(p)) : expression!.test(options.has('f') ? commandLine(p) : commandName(p))))
  // Numbers grow: the oldest has the smallest.
  const byAge = [...matching].sort((a, b) => a.pid - b.pid)
  const found = options.has('o') ? byAge.slice(0, 1) : options.has('n') ? byAge.slice(-1) : matching
  if (found.length === 0) { if (name === 'killall') await context.complain(`${pattern}: no process ${context.busybox ? 'killed' : 'found'}`); return 1 }
  if (name === 'pidof') { await context.out(`${found.map((p) => p.pid).reverse().join(' ')}\n`); return 0 }
  for (const p of found) {
    if (name === 'pgrep') await context.out(options.has('l') ? `${p.pid} ${commandName(p)}\n` : options.has('a') ? `${p.pid} ${commandLine(p)}\n` : `${p.pid}\n`)
    else try { sendSignal(proc, p.pid, signal) } catch (error) { await context.complain(`killing pid ${p.pid} failed: ${errorText(error)}`) }
  }
  return 0
}

/** Starts a command and waits; words the failure to start it. */
export async function runCommand(context: UtilityContext, argv: readonly string[], options: { env?: Record<string, string>; cwd?: string } = {}): Promise<number> {
  try {
    return await become(context.proc, argv, options)
  } catch (error) {
    if (!(error instanceof UnixError) || error.path === undefined) throw error
    await context.complain(context.busybox ? `can't execute '${argv[0]}': ${errorText(error)}` : `'${argv[0]}': ${errorText(error)}`)
    return error.code === 'ENOENT' ? 127 : 126
  }
}

/** chroot DIRECTORY [COMMAND] */
export const chroot: Utility = async (context) => {
  const { proc } = context
  const [directory, ...command] = context.args.filter((arg, i) => i > 0 || !arg.startsWith('--'))
  if (directory === undefined) throw new UsageError('missing operand')
  const argv = command.length > 0 ? command : [proc.env.SHELL || '/bin/sh', '-i']
  if (!proc.exec) return context.complain(`cannot change root directory to '${directory}': Operation not permitted`)
  try {
    return await proc.exec(argv, { root: proc.resolve(directory) })
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    if (error.path === 'chroot' || !proc.fs.exists(proc.resolve(directory))) {
      await context.complain(`${context.busybox ? "can't" : 'cannot'} change root directory to '${directory}': ${errorText(error)}`)
      return context.busybox ? 1 : 125
    }
    await context.complain(context.busybox ? `can't execute '${argv[0]}': ${errorText(error)}` : `failed to run command '${argv[0]}': ${errorText(error)}`)
    return error.code === 'ENOENT' ? 127 : 126
  }
}

async function become(proc: Proc, argv: readonly string[], options: { env?: Record<string, string>; cwd?: string }): Promise<number> {
  if (proc.exec) return proc.exec(argv, options)
  return (await proc.spawn(argv, options).wait()).code
}

/** env */
export const env: Utility = async (context) => {
  const { proc } = context
  const options = parseOptions(context.args, 'iu:0C:S:', { 'ignore-environment': 'i', 'unset=': 'u', null: '0', 'chdir=': 'C' }, { stopAtOperand: true })
  const variables: Record<string, string> = options.has('i') || options.operands[0] === '-' ? {} : { ...proc.env }
  for (const [name, value] of options.all) if (name === 'u') delete variables[String(value)]
  const rest = options.operands[0] === '-' ? options.operands.slice(1) : options.operands
  while (rest.length > 0 && /^[^=]+=/.test(rest[0]!)) { const text = rest.shift()!; const at = text.indexOf('='); variables[text.slice(0, at)] = text.slice(at + 1) }
  if (rest.length > 0) return runCommand(context, rest, { env: variables, ...(options.value('C') ? { cwd: proc.resolve(options.value('C')!) } : {}) })
  for (const [name, value] of Object.entries(variables)) await context.out(`${name}=${value}${options.has('0') ? '\0' : '\n'}`)
  return 0
}

/** printenv */
export const printenv: Utility = async (context) => {
  const { env: variables } = context.proc
  if (context.args.length === 0) { for (const [name, value] of Object.entries(variables)) await context.out(`${name}=${value}\n`); return 0 }
  let status = 0
  for (const name of context.args) {
    const value = variables[name]
    if (value === undefined) status = 1
    else await context.out(`${value}\n`)
  }
  return status
}

/** timeout */
export const timeout: Utility = async (context) => {
  const { proc } = context
  const options = parseOptions(context.args, 's:k:', { 'signal=': 's', 'kill-after=': 'k', 'preserve-status': 'P', foreground: 'F' }, { stopAtOperand: true })
  const [duration, ...argv] = options.operands
  const ms = duration === undefined ? undefined : durationMs(duration)
  if (ms === undefined || argv.length === 0) throw new UsageError(duration !== undefined && ms === undefined ? `invalid time interval '${duration}'` : 'missing operand', duration !== undefined && ms === undefined ? `invalid number '${duration}'` : 'missing operand', 125)
  const signal = parseSignal(options.value('s') ?? 'TERM')
  if (!signal) throw new UsageError(`${options.value('s')}: invalid signal`, 'bad signal', 125)
  let child: Process
  try { child = proc.spawn(argv) } catch (error) {
    await context.complain(context.busybox ? `can't execute '${argv[0]}': ${errorText(error)}` : `failed to run command '${argv[0]}': ${errorText(error)}`)
    return (error as UnixError).code === 'ENOENT' ? 127 : 126
  }
  for (const each of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const) proc.onSignal(each, () => child.kill(each))
  let timedOut = false
  const timer = ms > 0 ? proc.clock.after(ms, () => {
    timedOut = true
    child.kill(signal)
    const more = options.value('k') && durationMs(options.value('k')!)
    if (more) proc.clock.after(more, () => child.kill('SIGKILL'))
  }) : undefined
  const status = await child.wait()
  timer?.cancel()
  if (timedOut && !options.has('P')) return context.busybox ? 143 : status.signal === 'SIGKILL' ? 137 : 124
  return status.code
}

/** watch */
export const watch: Utility = async (context) => {
  const { proc } = context
  const options = parseOptions(context.args, 'n:dtegxbcp', { 'interval=': 'n', 'no-title': 't', differences: 'd', errexit: 'e', chgexit: 'g' }, { stopAtOperand: true })
  const command = options.operands.join(' ')
  if (command === '') throw new UsageError('missing operand')
  const seconds = Math.max(0.1, Number(options.value('n') ?? 2))
  const { text: title } = { text: `Every ${seconds.toFixed(1)}s: ${command}` }
  let before: string | undefined
  for (;;) {
    let output = ''
    const decoder = new TextDecoder()
    const sink = { write: async (data: Uint8Array | string) => { output += typeof data === 'string' ? data : decoder.decode(data, { stream: true }) }, close() {} }
    const status = await proc.spawn(['/bin/sh', '-c', command], { stdout: sink, stderr: sink }).wait()
    const date = dateText(new Date(proc.clock.nowMs()))
    const width = proc.tty?.columns ?? 80
    const head = options.has('t') ? '' : `${title.slice(0, Math.max(0, width - date.length - proc.machine.hostname.length - 3)).padEnd(Math.max(0, width - date.length - proc.machine.hostname.length - 2))}${proc.machine.hostname}: ${date}\n\n`
    const rows = proc.tty?.rows ?? 24
    await context.out(`\x1b[H\x1b[2J${head}${output.split('\n').slice(0, rows - (head ? 2 : 0)).join('\n')}`)
    if (options.has('e') && status.code !== 0) return status.code
    if (options.has('g') && before !== undefined && before !== output) return 0
    before = output
    await proc.sleep(seconds * 1000)
  }
}

function dateText(date: Date): string {
  return date.toUTCString().replace(/^(\w+), (\d+) (\w+) (\d+) (\S+) GMT$/, '$1 $3 $2 $5 $4')
}

/** xargs */
export const xargs: Utility = async (context) => {
  const { proc } = context
  const options = parseOptions(context.args, '0rtn:I:P:L:d:i:s:x', { null: '0', 'no-run-if-empty': 'r', 'max-args=': 'n', 'replace=': 'I', 'max-procs=': 'P', 'max-lines=': 'L', 'delimiter=': 'd', verbose: 't' }, { stopAtOperand: true })
  const text = new TextDecoder().decode(await readAll(proc.stdin))
  const replace = options.value('I')
  const delimiter = options.has('0') ? '\0' : options.value('d')?.replace('\\n', '\n')
  const items = delimiter !== undefined ? text.split(delimiter).filter((item, i, list) => item !== '' || i < list.length - 1)
    : replace !== undefined || options.has('L') ? text.split('\n').map((line) => line.trimStart()).filter(Boolean)
    : [...text.matchAll(/(?:"([^"]*)"|'([^']*)'|\\([\s\S])|[^\s"'\\])+/g)].map(([match]) => match.replace(/"([^"]*)"|'([^']*)'|\\([\s\S])/g, (_, a?: string, b?: string, c?: string) => a ?? b ?? c ?? ''))
  const command = options.operands.length > 0 ? options.operands : ['echo']
  const batches: string[][] = []
  const size = replace !== undefined ? 1 : Number(options.value('n') ?? options.value('L') ?? 5000)
  for (let i = 0; i < items.length; i += size) batches.push(items.slice(i, i + size))
  if (batches.length === 0 && !options.has('r') && !context.busybox && replace === undefined) batches.push([])
  else if (batches.length === 0 && !options.has('r') && context.busybox && replace === undefined) batches.push([])
  const parallel = Math.max(1, Number(options.value('P') ?? 1) || 32)
  let status = 0
  let next = 0
  const worker = async () => {
    while (next < batches.length) {
      const batch = batches[next++]!
      const argv = replace !== undefined ? command.map((word) => word.replaceAll(replace, batch[0]!)) : options.has('L') ? [...command, ...batch.flatMap((line) => line.split(/\s+/))] : [...command, ...batch]
      if (options.has('t')) await context.err(`${argv.join(' ')}\n`)
      try {
        const end = await proc.spawn(argv, { stdin: { read: async () => null, cancel() {} } }).wait()
        if (end.signal) status = 125
        else if (end.code === 255) { status = 124; next = batches.length } else if (end.code !== 0) status = 123
      } catch (error) {
        if (!(error instanceof UnixError)) throw error
        await context.complain(`${argv[0]}: ${errorText(error)}`)
        status = error.code === 'ENOENT' ? 127 : 126
        next = batches.length
      }
    }
  }
  await Promise.all(Array.from({ length: parallel }, worker))
  return status
}

/** nohup, nice, setsid, stdbuf, ionice: run the command, with what little they change. */
export const nohup: Utility = async (context) => {
  if (context.args.length === 0) throw new UsageError('missing operand', 'missing operand', 125)
  if (context.name === 'nohup') {
    context.proc.onSignal('SIGHUP', 'ignore')
    if (context.proc.isTty(1)) await context.err(`nohup: ignoring input and appending output to 'nohup.out'\n`)
  }
  let args = context.args
  while (args[0]?.startsWith('-')) args = context.name === 'nice' && args[0] === '-n' ? args.slice(2) : context.name === 'stdbuf' && /^-[ioe]$/.test(args[0]!) ? args.slice(2) : args.slice(1)
  return runCommand(context, args)
}

/** time */
export const time: Utility = async (context) => {
  const { proc } = context
  const start = proc.clock.nowMs()
  const argv = context.args.filter((arg, i) => !(i === 0 && /^-[pv]$/.test(arg)))
  if (argv.length === 0) return 0
  let code: number
  try { code = (await proc.spawn(argv).wait()).code } catch (error) { await context.complain(`cannot run ${argv[0]}: ${errorText(error)}`); return 127 }
  const seconds = (proc.clock.nowMs() - start) / 1000
  await context.err(`real\t${Math.floor(seconds / 60)}m ${(seconds % 60).toFixed(2)}s\nuser\t0m 0.00s\nsys\t0m 0.00s\n`)
  return code
}

/** which */
export const which: Utility = async (context) => {
  const options = parseOptions(context.args, 'as', {})
  let status = options.operands.length === 0 ? 1 : 0
  for (const name of options.operands) {
    try { await context.out(`${findInPath(context.proc.fs, name, context.proc.env.PATH ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', context.proc.cwd)}\n`) } catch { status = 1 }
  }
  return status
}
