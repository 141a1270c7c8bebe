import { rfc3339 } from '../../base/clock.ts'
import type { Timer } from '../../base/clock.ts'
import { utilityProgram } from '../../unix/utilities/utility.ts'
import type { UtilityContext } from '../../unix/utilities/utility.ts'
import type { Proc, Program } from '../../unix/types.ts'
import type { PowerRequest } from '../computers/computer.ts'

const MINUTE_MS = 60_000
/** A command's output reaches its terminal before the machine goes. */
const FAREWELL_MS = 50

/** Ends of a machine that somebody asked for: now, or at a time. */
export class PowerSwitch {
  readonly #request: (request: PowerRequest) => void
  #scheduled: Timer | undefined

  constructor(request: (request: PowerRequest) => void) {
    this.#request = request
  }

  /** Ends the machine; the process that asked goes with it. */
  async now(proc: Proc, request: PowerRequest): Promise<number> {
    this.cancel()
    proc.clock.after(FAREWELL_MS, () => this.#request(request))
    // systemctl has only asked: it returns, and its shell lives for as long as the services take to end.
    return 0
  }

  later(proc: Proc, request: PowerRequest, delayMs: number): void {
    this.cancel()
    this.#scheduled = proc.clock.after(delayMs, () => this.#request(request))
  }

  cancel(): void {
    this.#scheduled?.cancel()
    this.#scheduled = undefined
  }
}

/** `poweroff`, `halt`, `reboot` and `shutdown`, which are systemctl under other names. */
export function powerPrograms(power: PowerSwitch): Record<string, Program> {
  const simple = (name: string, request: PowerRequest) => utilityProgram(async (context) => {
    const unknown = context.args.find((arg) => !/^(-[pfwdn]|--(reboot|poweroff|halt|force|wtmp-only|no-wtmp|no-wall|no-sync))$/.test(arg))
    if (unknown !== undefined) {
      await context.err(unknown.startsWith('--') ? `${name}: unrecognized option '${unknown}'\n` : unknown.startsWith('-') ? `${name}: invalid option -- '${unknown.slice(1)}'\n` : `Too many arguments.\n`)
      return 1
    }
    // Only writes down that it would.
    if (context.args.some((arg) => arg === '-w' || arg === '--wtmp-only')) return 0
    const asksForReboot = context.args.includes('--reboot')
    const asksForPowerOff = context.args.some((arg) => arg === '-p' || arg === '--poweroff' || arg === '--halt')
    return allowed(context, name, () => power.now(context.proc, asksForReboot ? 'reboot' : asksForPowerOff ? 'poweroff' : request))
  }, 'gnu', name)
  return {
    '/usr/sbin/poweroff': simple('poweroff', 'poweroff'), '/usr/sbin/halt': simple('halt', 'poweroff'), '/usr/sbin/reboot': simple('reboot', 'reboot'),
    '/usr/sbin/shutdown': utilityProgram((context) => shutdown(context, power), 'gnu', 'shutdown'),
  }
}

/** What only root may ask for. */
export async function allowed(context: UtilityContext, verb: string, act: () => Promise<number>): Promise<number> {
  if (context.proc.user.uid === 0) return act()
  await context.err(`Call to ${verb[0]!.toUpperCase()}${verb.slice(1)} failed: Interactive authentication required.\n`)
  return 1
}

/** shutdown(8): `shutdown [-h|-P|-r|-c] [now|+MINUTES|HH:MM]`, in a minute by default. */
async function shutdown(context: UtilityContext, power: PowerSwitch): Promise<number> {
  const flags = context.args.filter((arg) => arg.startsWith('-'))
  const [time = '+1'] = context.args.filter((arg) => !arg.startsWith('-'))
  const unknown = flags.find((flag) => !/^(-[hPHrck]+|--(halt|poweroff|reboot|no-wall))$/.test(flag))
  if (unknown !== undefined) {
    await context.err(unknown.startsWith('--') ? `shutdown: unrecognized option '${unknown}'\n` : `shutdown: invalid option -- '${unknown.slice(1)}'\n`)
    return 1
  }
  return allowed(context, 'shutdown', async () => {
    const { proc } = context
    if (flags.some((flag) => /^-\w*c/.test(flag))) { power.cancel(); return 0 }
    // -k only tells those who are logged in, and nobody else is.
    if (flags.some((flag) => /^-\w*k/.test(flag))) return 0
    const request: PowerRequest = flags.some((flag) => /^-\w*r|--reboot/.test(flag)) ? 'reboot' : 'poweroff'
    const delayMs = delayOf(time, proc.clock.nowMs())
    if (delayMs === undefined) { await context.err(`Failed to parse time specification: ${time}\n`); return 1 }
    if (delayMs === 0) return power.now(proc, request)
    power.later(proc, request, delayMs)
    const at = proc.clock.nowMs() + delayMs
    await context.err(`${request === 'reboot' ? 'Reboot' : 'Shutdown'} scheduled for ${new Date(at).toUTCString().slice(0, 3)} ${rfc3339(at).replace('T', ' ').replace('Z', '')} UTC, use 'shutdown -c' to cancel.\n`)
    return 0
  })
}

/** Milliseconds until a time as shutdown takes it; undefined for none. */
function delayOf(time: string, nowMs: number): number | undefined {
  if (time === 'now') return 0
  const minutes = /^\+?(\d+)$/.exec(time)
  if (minutes) return Number(minutes[1]) * MINUTE_MS
  const [, hours, minute] = /^(\d{1,2}):(\d{2})$/.exec(time) ?? []
  if (hours === undefined || Number(hours) > 23 || Number(minute) > 59) return undefined
  const at = new Date(nowMs)
  at.setUTCHours(Number(hours), Number(minute), 0, 0)
  return at.getTime() > nowMs ? at.getTime() - nowMs : at.getTime() - nowMs + 24 * 60 * MINUTE_MS
}
