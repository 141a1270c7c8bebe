import type { ExitStatus, Process } from '../types.ts'
import { signalText } from '../signals.ts'

/** A pipeline that runs in the background or is stopped. */
export interface Job {
  id: number
  processes: Process[]
  group: number
  text: string
  /** The status that was last told to the user. */
  told: 'Running' | 'Stopped' | 'Done' | undefined
  background: boolean
}

/** `%1`, `%+`, `%name`. */
export class JobTable {
  readonly #jobs: Job[] = []

  add(processes: Process[], group: number, text: string, background: boolean): Job {
    const job: Job = { id: (this.#jobs.at(-1)?.id ?? 0) + 1, processes, group, text, told: undefined, background }
    this.#jobs.push(job)
    return job
  }

  remove(job: Job): void {
    const at = this.#jobs.indexOf(job)
    if (at >= 0) this.#jobs.splice(at, 1)
  }

  all(): readonly Job[] {
    return this.#jobs
  }

  find(spec: string): Job | undefined {
    const name = spec.replace(/^%/, '')
    if (name === '' || name === '+' || name === '%') return this.#jobs.at(-1)
    if (name === '-') return this.#jobs.at(-2) ?? this.#jobs.at(-1)
    if (/^\d+$/.test(name)) return this.#jobs.find((job) => job.id === Number(name))
    return this.#jobs.findLast((job) => name.startsWith('?') ? job.text.includes(name.slice(1)) : job.text.startsWith(name))
  }

  byPid(pid: number): Job | undefined {
    return this.#jobs.find((job) => job.processes.some((process) => process.pid === pid))
  }

  clear(): void {
    this.#jobs.length = 0
  }
}

export function jobState(job: Job): 'Running' | 'Stopped' | 'Done' {
  if (job.processes.every((process) => process.status)) return 'Done'
  return job.processes.some((process) => process.stopped) ? 'Stopped' : 'Running'
}

/** The status of a job that has ended: that of its last process. */
function jobStatus(job: Job): ExitStatus {
  return job.processes[job.processes.length - 1]!.status ?? { code: 0 }
}

/** A line of `jobs`. */
export function jobLine(job: Job, mark: '+' | '-' | ' ', style: 'bash' | 'dash', withPids = false): string {
  const state = jobState(job)
  const status = jobStatus(job)
  const text = state !== 'Done' ? state : status.signal ? signalText(status.signal) : status.code === 0 ? 'Done' : style === 'bash' ? `Exit ${status.code}` : `Done(${status.code})`
  const pid = withPids ? `${job.processes[0]!.pid} ` : ''
  const command = state === 'Running' && style === 'bash' ? `${job.text} &` : job.text
  return style === 'bash' ? `[${job.id}]${mark}  ${pid}${text.padEnd(24)}${command}\n` : `[${job.id}] ${mark} ${pid}${text.padEnd(26)}${command}\n`
}
