import type { Program } from '../../unix/types.ts'
import { utilityProgram } from '../../unix/utilities/utility.ts'
import type { UtilityContext } from '../../unix/utilities/utility.ts'
import { enablingLink } from './unit-state.ts'
import { allowed } from './power.ts'
import type { PowerSwitch } from './power.ts'
import type { ServiceManager, Unit } from './service-manager.ts'

const FOLDER = '/etc/systemd/system'

/** What each verb says of a unit that there isn't. */
const MISSING: Readonly<Record<string, (verb: string, unit: string) => string>> = {
  stop: (verb, unit) => `Failed to ${verb} ${unit}: Unit ${unit} not loaded.\n`,
  kill: (verb, unit) => `Failed to ${verb} unit ${unit}: Unit ${unit} not loaded.\n`,
  enable: (verb, unit) => `Failed to ${verb} unit: Unit file ${unit} does not exist.\n`,
  disable: (verb, unit) => `Failed to ${verb} unit: Unit file ${unit} does not exist.\n`,
}

/** `systemctl status kubelet` and its kin. */
// @k8s part: systemctl: services only; masking, properties and other kinds of units are missing
export function systemctl(services: ServiceManager, power: PowerSwitch): Program {
  return utilityProgram(async (context) => {
    const options = context.args.filter((arg) => arg.startsWith('-'))
    const [verb = 'list-units', ...names] = context.args.filter((arg) => !arg.startsWith('-'))
    if (verb === 'list-units') return listUnits(context, services)
    if (verb === 'daemon-reload') { services.reload(); return 0 }
    if (verb === 'reset-failed') return 0
    if (verb === 'poweroff' || verb === 'halt' || verb === 'reboot') return allowed(context, verb, () => power.now(context.proc, verb === 'reboot' ? 'reboot' : 'poweroff'))
    const act = VERBS[verb]
    if (!act) {
      await context.err(`Unknown command verb ${verb}.\n`)
      return 1
    }
    if (names.length === 0) {
      await context.err('Too few arguments.\n')
      return 1
    }
    let code = 0
    for (const name of names.map((each) => each.replace(/^.*\//, '').replace(/\.service$/, ''))) {
      // What has just been written counts without a reload.
      if (!services.unit(name)) services.reload()
      const unit = services.unit(name)
      if (unit && ['start', 'restart', 'status'].includes(verb) && services.needsReload(unit.name)) await context.err(`Warning: The unit file, source configuration file or drop-ins of ${unit.name}.service changed on disk. Run 'systemctl daemon-reload' to reload units.\n`)
      const status = unit ? await act(context, unit, services, options) : await missing(context, verb, name)
      if (status !== 0) code = status
    }
    return code
  }, 'gnu', 'systemctl')
}

async function missing(context: UtilityContext, verb: string, name: string): Promise<number> {
  switch (verb) {
    case 'status': await context.err(`Unit ${name}.service could not be found.\n`); return 4
    case 'is-active': await context.out('inactive\n'); return 3
    case 'is-failed': await context.out('inactive\n'); return 1
    case 'is-enabled': await context.err(`Failed to get unit file state for ${name}.service: No such file or directory\n`); return 1
    case 'cat': await context.err(`No files found for ${name}.service.\n`); return 1
  }
  await context.err((MISSING[verb] ?? ((action, unit) => `Failed to ${action} ${unit}: Unit ${unit} not found.\n`))(verb, `${name}.service`))
  return verb === 'enable' || verb === 'disable' ? 1 : 5
}

const VERBS: Readonly<Record<string, (context: UtilityContext, unit: Unit, services: ServiceManager, options: readonly string[]) => Promise<number>>> = {
  async start(context, { name }, services) {
    services.start(name)
    return started(context, name, services)
  },
  async stop(_, { name }, services) { await services.stop(name); return 0 },
  async restart(context, { name }, services) {
    await services.stop(name)
    services.start(name)
    return started(context, name, services)
  },
  async kill(_, { process }) { process?.kill('SIGTERM'); return 0 },
  async enable(context, unit, services, options) {
    if (!unit.isEnabled) await context.err(`Created symlink ${enablingLink(unit.name)} → ${FOLDER}/${unit.name}.service.\n`)
    services.enable(unit.name)
    if (options.includes('--now')) services.start(unit.name)
    return 0
  },
  async disable(context, unit, services, options) {
    if (unit.isEnabled) await context.err(`Removed "${enablingLink(unit.name)}".\n`)
    services.disable(unit.name)
    if (options.includes('--now')) await services.stop(unit.name)
    return 0
  },
  async 'is-active'(context, unit) { await context.out(`${activeState(unit)}\n`); return unit.process ? 0 : 3 },
  async 'is-failed'(context, unit) { await context.out(`${activeState(unit)}\n`); return 1 },
  async 'is-enabled'(context, unit) { await context.out(unit.isEnabled ? 'enabled\n' : 'disabled\n'); return unit.isEnabled ? 0 : 1 },
  async cat(context, unit) {
    const { fs } = context.proc
    const main = `${FOLDER}/${unit.name}.service`
    if (fs.exists(main)) {
      const files = [main, ...(unit.dropIns ?? []).map((name) => `${main}.d/${name}`)]
      await context.out(files.map((path) => `# ${path}\n${fs.readText(path)}`).join('\n'))
      return 0
    }
    await context.out(`# ${FOLDER}/${unit.name}.service\n[Unit]\nDescription=${unit.description}\n\n[Service]\nExecStart=${unit.argv.join(' ')}\nRestart=always\nStartLimitInterval=0\nRestartSec=10\n\n[Install]\nWantedBy=multi-user.target\n`)
    return 0
  },
  async status(context, unit) { await context.out(statusText(unit, context.proc.clock.nowMs())); return unit.process ? 0 : 3 },
}
/** Waits for a service that tells when it has begun. */
async function started(context: UtilityContext, name: string, services: ServiceManager): Promise<number> {
  if (await services.untilReady(name)) return 0
  await context.err(`Job for ${name}.service failed because the control process exited with error code.\nSee "systemctl status ${name}.service" and "journalctl -xeu ${name}.service" for details.\n`)
  return 1
}

function activeState(unit: Unit): string {
  return unit.process ? unit.isReady ? 'active' : 'activating' : unit.isRestarting ? 'activating' : 'inactive'
}

async function listUnits(context: UtilityContext, services: ServiceManager): Promise<number> {
  const units = services.units().filter((unit) => activeState(unit) !== 'inactive')
  await context.out('  UNIT               LOAD   ACTIVE     SUB          DESCRIPTION\n')
  for (const unit of units) await context.out(`  ${`${unit.name}.service`.padEnd(18)} loaded ${unit.process ? 'active     running     ' : 'activating auto-restart'} ${unit.description}\n`)
  await context.out(`\nLOAD   = Reflects whether the unit definition was properly loaded.\nACTIVE = The high-level unit activation state, i.e. generalization of SUB.\nSUB    = The low-level unit activation state, values depend on unit type.\n${units.length} loaded units listed. Pass --all to see loaded but inactive units, too.\nTo show all installed unit files use 'systemctl list-unit-files'.\n`)
  return 0
}

function statusText(unit: Unit, nowMs: number): string {
  const { name, process, ended } = unit
  const lines = [`${process || unit.isRestarting ? '●' : '○'} ${name}.service - ${unit.description}`]
  const field = (label: string, text: string) => lines.push(`${label.padStart(11)}: ${text}`)
  field('Loaded', `loaded (${FOLDER}/${name}.service; ${unit.isEnabled ? 'enabled' : 'disabled'}; preset: enabled)`)
  if (unit.dropIns?.length) {
    field('Drop-In', `${FOLDER}/${name}.service.d`)
    lines.push(`             └─${unit.dropIns.join(', ')}`)
  }
  const since = (ms: number) => `since ${new Date(ms).toUTCString().slice(0, 3)} ${new Date(ms).toISOString().replace('T', ' ').slice(0, 19)} UTC; ${span(nowMs - ms)} ago`
  const how = ended && (ended.status.signal && ended.status.code !== 0 ? `code=killed, signal=${ended.status.signal.slice(3)}` : `code=exited, status=${ended.status.code}/${ended.status.code === 0 ? 'SUCCESS' : unit.isUnstartable ? 'EXEC' : 'FAILURE'}`)
  if (process) field('Active', `${unit.isReady ? 'active (running)' : 'activating (start)'} ${since(process.startedMs)}`)
  else if (unit.isRestarting && ended) field('Active', `activating (auto-restart) (Result: ${ended.status.code === 0 ? 'success' : ended.status.signal ? 'signal' : 'exit-code'}) ${since(ended.atMs)}`)
  else field('Active', ended ? `inactive (dead) ${since(ended.atMs)}` : 'inactive (dead)')
  if (!process && ended) {
    field('Duration', span(ended.atMs - ended.startedMs))
    field('Process', `${ended.pid} ExecStart=${unit.argv.join(' ')} (${how})`)
    field('Main PID', `${ended.pid} (${how})`)
  }
  if (process) {
    field('Main PID', `${process.pid} (${name})`)
    field('CGroup', `/system.slice/${name}.service`)
    lines.push(`             └─${process.pid} ${(process as { title?: string }).title ?? process.argv.join(' ')}`)
  }
  return `${lines.join('\n')}\n`
}

/** systemd's way to say how long something takes: the two largest units, and seconds alone. */
function span(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  const parts: string[] = []
  for (const [unit, size] of [['d', 86_400], ['h', 3_600], ['min', 60], ['s', 1]] as const) {
    const count = Math.floor(parts.length === 0 ? seconds / size : (seconds % (unit === 'h' ? 86_400 : unit === 'min' ? 3_600 : 60)) / size)
    if (count > 0) parts.push(`${count}${unit}`)
  }
  return parts.slice(0, 2).join(' ') || '0s'
}
