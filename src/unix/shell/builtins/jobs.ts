import { errorText } from '../../errno.ts'
import { sendSignal } from '../../machine.ts'
import { SIGNAL_NUMBERS, parseSignal, signalText } from '../../signals.ts'
import { UnixError } from '../../types.ts'
import type { Signal } from '../../types.ts'
import { jobLine, jobState } from '../jobs.ts'
import type { Shell } from '../shell.ts'
import type { Builtin } from './builtin.ts'
import { singleQuoted } from './quoting.ts'

/** `trap [ACTION] [SIGNAL...]`, `-l` and `-p`. */
export const trap: Builtin = async (shell, argv) => {
  let args = argv.slice(1)
  if (args[0] === '--') args = args.slice(1)
  if (args[0] === '-l') { await shell.out(`${Object.entries(SIGNAL_NUMBERS).map(([name, number]) => `${number}) ${name}`).join('\n')}\n`); return 0 }
  if (args[0] === '-p') args = []
  if (args.length === 0) {
    for (const [name, action] of shell.state.traps) await shell.out(`trap -- ${singleQuoted(action)} ${shell.isBash || !name.startsWith('SIG') ? name : name.slice(3)}\n`)
    return 0
  }
  const resets = args.length === 1 || args[0] === '-' || /^\d+$/.test(args[0]!)
  const action = resets ? undefined : args[0]!
  let status = 0
  for (const spec of resets && args[0] !== '-' ? args : args.slice(1)) {
    const name = spec === '0' || spec.toUpperCase() === 'EXIT' ? 'EXIT' : ['ERR', 'DEBUG', 'RETURN'].includes(spec.toUpperCase()) && shell.isBash ? spec.toUpperCase() : parseSignal(spec)
    if (!name) { await shell.complain(shell.isBash ? `trap: ${spec}: invalid signal specification` : `trap: ${spec}: bad trap`); status = 1; continue }
    shell.traps.set(name, action)
  }
  return status
}

/** `wait [PID|%JOB...]`: the status of the last one. */
export const wait: Builtin = async (shell, argv) => {
  const args = argv.slice(1).filter((arg) => arg !== '-n')
  if (args.length === 0) {
    for (const job of [...shell.jobs.all()]) {
      const status = await shell.waitFor(job.processes)
      if (job.processes.every((process) => process.status)) shell.jobs.remove(job)
      else if (status > 128) return status
    }
    return 0
  }
  let status = 0
  for (const arg of args) {
    const job = arg.startsWith('%') ? shell.jobs.find(arg) : shell.jobs.byPid(Number(arg))
    const processes = arg.startsWith('%') ? job?.processes : job?.processes.filter((process) => process.pid === Number(arg))
    if (!job || !processes) {
      if (shell.isBash) await shell.complain(arg.startsWith('%') ? `wait: ${arg}: no such job` : `wait: pid ${arg} is not a child of this shell`)
      status = 127
      continue
    }
    status = await shell.waitFor(processes)
    const { signal } = processes.at(-1)?.status ?? {}
    if (signal && !shell.isBash && !shell.interactive) await shell.err(`${signalText(signal)}\n`)
    if (job.processes.every((process) => process.status)) shell.jobs.remove(job)
  }
  return status
}

/** `jobs [-l|-p]`. */
export const jobs: Builtin = async (shell, argv) => {
  const all = shell.jobs.all()
  for (const [i, job] of [...all].entries()) {
    if (argv[1] === '-p') await shell.out(`${job.processes[0]!.pid}\n`)
    else await shell.out(jobLine(job, i === all.length - 1 ? '+' : i === all.length - 2 ? '-' : ' ', shell.isBash ? 'bash' : 'dash', argv[1] === '-l'))
  }
  for (const job of [...all]) if (jobState(job) === 'Done') shell.jobs.remove(job)
  return 0
}

/** `fg [%JOB]`. */
export const fg: Builtin = async (shell, argv) => {
  const job = shell.jobs.find(argv[1] ?? '%+')
  if (!job) { await shell.complain(shell.isBash ? `fg: ${argv[1] ?? 'current'}: no such job` : `fg: No current job`); return shell.isBash ? 1 : 2 }
  await shell.out(`${job.text}\n`)
  return shell.resume(job)
}

/** `bg [%JOB]`. */
export const bg: Builtin = async (shell, argv) => {
  const job = shell.jobs.find(argv[1] ?? '%+')
  if (!job) { await shell.complain(shell.isBash ? `bg: ${argv[1] ?? 'current'}: no such job` : `bg: No current job`); return shell.isBash ? 1 : 2 }
  job.background = true
  job.told = 'Running'
  await shell.out(shell.isBash ? `[${job.id}]+ ${job.text} &\n` : `[${job.id}] ${job.text}\n`)
  for (const process of job.processes) process.kill('SIGCONT')
  return 0
}

/** `kill`: signals to processes and jobs, and `-l`. */
export const kill: Builtin = async (shell, argv) => {
  let args = argv.slice(1)
  let signal: Signal | undefined = 'SIGTERM'
  let probing = false
  const first = args[0]
  if (first === '-l' || first === '-L') {
    if (args[1] !== undefined) { const number = Number(args[1]) > 128 ? Number(args[1]) - 128 : args[1]; await shell.out(`${(parseSignal(String(number)) ?? '').slice(3)}\n`); return 0 }
    await shell.out(`${Object.entries(SIGNAL_NUMBERS).map(([name, number]) => shell.isBash ? `${String(number).padStart(2)}) ${name}` : name.slice(3)).join('\n')}\n`)
    return 0
  }
  if (first === '-s' || first === '-n') { signal = parseSignal(args[1] ?? ''); probing = args[1] === '0'; if (!signal && !probing) return badSignal(shell, args[1] ?? ''); args = args.slice(2) }
  else if (first !== undefined && /^-[A-Za-z0-9]/.test(first)) { probing = first === '-0'; signal = probing ? undefined : parseSignal(first.slice(1)); if (!signal && !probing) return badSignal(shell, first.slice(1)); args = args.slice(1) }
  if (args[0] === '--') args = args.slice(1)
  if (args.length === 0) { await shell.complain(shell.isBash ? 'kill: usage: kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]' : 'kill: Usage: kill [-s sigspec | -signum | -sigspec] [pid | job]... or\nkill -l [exitstatus]'); return shell.isBash ? 2 : 2 }
  let status = 0
  for (const target of args) {
    try {
      if (target.startsWith('%')) {
        const job = shell.jobs.find(target)
        if (!job) { await shell.complain(`kill: ${target}: no such job`); status = 1; continue }
        for (const process of job.processes) { if (signal) process.kill(signal); if (process.stopped && (signal === 'SIGTERM' || signal === 'SIGHUP')) process.kill('SIGCONT') }
      } else if (/^-?\d+$/.test(target)) sendSignal(shell.proc, Number(target), probing ? undefined : signal)
      else { await shell.complain(shell.isBash ? `kill: ${target}: arguments must be process or job IDs` : `kill: Illegal number: ${target}`); status = 1 }
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      await shell.complain(shell.isBash ? `kill: (${target}) - ${errorText(error)}` : shell.flavour === 'ash' ? `kill: can't kill pid ${target}: ${errorText(error)}` : `kill: ${errorText(error)}`)
      status = 1
    }
  }
  // Let a signal to ourselves run its trap before the next command.
  await undefined
  return status
}

async function badSignal(shell: Shell, text: string): Promise<number> {
  await shell.complain(shell.isBash ? `kill: ${text}: invalid signal specification` : `kill: bad signal name '${text}'`)
  return 1
}
