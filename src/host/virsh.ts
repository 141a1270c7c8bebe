import { ComputerError } from '../cluster/computers/computers.ts'
import type { Computers, ComputerState } from '../cluster/computers/computers.ts'
import { UsageError, parseOptions, utilityProgram } from '../unix/utilities/utility.ts'
import type { UtilityContext } from '../unix/utilities/utility.ts'
import type { Program } from '../unix/types.ts'

const STATES: Readonly<Record<ComputerState['power'], string>> = { on: 'running', off: 'shut off', starting: 'running', stopping: 'in shutdown' }

/** Does something with a machine and says that it did. */
interface Verb {
  /** What the complaint begins with. */
  failing: string
  done(name: string): string
  /** Why it can't be done to a machine in this state. */
  refuses?(state: ComputerState): string | undefined
  act(computers: Computers, name: string): unknown
}

const notRunning = ({ power }: ComputerState) => power === 'off' ? 'Requested operation is not valid: domain is not running' : undefined
const VERBS: Readonly<Record<string, Verb>> = {
  start: { failing: 'start', done: (name) => `Domain '${name}' started`, refuses: ({ power }) => power === 'off' ? undefined : 'Requested operation is not valid: domain is already running', act: (computers, name) => computers.powerOn(name) },
  shutdown: { failing: 'shutdown', done: (name) => `Domain '${name}' is being shutdown`, refuses: notRunning, act: (computers, name) => { void computers.shutDown(name) } },
  destroy: { failing: 'destroy', done: (name) => `Domain '${name}' destroyed`, refuses: notRunning, act: (computers, name) => computers.powerOff(name) },
  reboot: { failing: 'reboot', done: (name) => `Domain '${name}' is being rebooted`, refuses: notRunning, act: (computers, name) => { void computers.reboot(name) } },
  reset: { failing: 'reset', done: (name) => `Domain '${name}' was reset`, refuses: notRunning, act: async (computers, name) => { await computers.powerOff(name); computers.powerOn(name) } },
  undefine: { failing: 'undefine', done: (name) => `Domain '${name}' has been undefined`, refuses: ({ power }) => power === 'off' ? undefined : 'Requested operation is not valid: cannot undefine a running domain here; destroy it first', act: (computers, name) => computers.remove(name) },
}

const HELP = `virsh [options]... <command> [<domain>]

 list [--all] [--name]   machines that run, or all
 domstate                the state of a machine
 start                   switches a machine on
 shutdown                ends its system in order, then switches it off
 destroy                 takes its power away
 reboot                  ends its system in order and starts it anew
 reset                   as with its reset button
 undefine                takes the machine away, with its disk
`

/** libvirt's tool for the machines that nodes run on. */
// @k8s part: virsh: power, states and removal of the cluster's machines; everything else is missing
export function virsh(computers: Computers): Program {
  return utilityProgram(async (context) => {
    const { args, out } = context
    const [command, ...rest] = args.filter((arg, i) => !(arg === '-c' || arg === '--connect' || args[i - 1] === '-c' || args[i - 1] === '--connect'))
    const complain = async (...lines: string[]) => {
      for (const line of lines) await context.err(`error: ${line}\n`)
      return 1
    }
    if (command === undefined || command === 'help' || command === '--help') { await out(HELP); return 0 }
    if (command === 'version' || command === '--version') { await out('10.0.0\n'); return 0 }
    if (command === 'list') { await out(listing(computers.states(), rest)); return 0 }
    const verb = VERBS[command]
    if (!verb && command !== 'domstate') return complain(`unknown command: '${command}'`)
    const name = rest.find((arg) => !arg.startsWith('-'))
    if (name === undefined) return complain(`command '${command}' requires <domain> option`)
    const state = computers.states().find((each) => each.name === name)
    if (!state) return complain(`failed to get domain '${name}'`)
    if (!verb) { await out(`${STATES[state.power]}\n\n`); return 0 }
    const refusal = verb.refuses?.(state)
    if (refusal !== undefined) return complain(`Failed to ${verb.failing} domain '${name}'`, refusal)
    try {
      await verb.act(computers, name)
    } catch (error) {
      if (!(error instanceof ComputerError)) throw error
      return complain(`Failed to ${verb.failing} domain '${name}'`, error.message)
    }
    await out(`${verb.done(name)}\n\n`)
    return 0
  }, 'gnu', 'virsh')
}

function listing(states: readonly ComputerState[], options: readonly string[]): string {
  const shown = states.map((state, i) => ({ ...state, id: i + 1 })).filter(({ power }) => options.includes('--all') || power !== 'off')
  if (options.includes('--name')) return `${shown.map(({ name }) => `${name}\n`).join('')}\n`
  const rows = [['Id', 'Name', 'State'], ...shown.map(({ id, name, power }) => [power === 'off' ? '-' : String(id), name, STATES[power]])]
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]!.length)))
  const [head, ...lines] = rows.map((row) => ` ${row.map((cell, i) => cell.padEnd(widths[i]!)).join('   ').trimEnd()}\n`)
  return `${head}${'-'.repeat(widths.reduce((sum, width) => sum + width, 0) + 8)}\n${lines.join('')}\n`
}

/** `virt-install --name NAME`: a new machine with the image of a node, which isn't one yet. */
// @k8s part: virt-install: a new machine is like the others, and its name is all that can be chosen
export function virtInstall(computers: Computers): Program {
  return utilityProgram(async (context: UtilityContext) => {
    const options = parseOptions(context.args, 'n:', { 'name=': 'n', 'memory=': 'm', 'vcpus=': 'c', 'disk=': 'd', 'os-variant=': 'o', 'osinfo=': 'o', 'network=': 'w', 'graphics=': 'g', import: 'i', noautoconsole: 'a', 'cloud-init=': 'u' })
    if (options.operands.length > 0) throw new UsageError(`unrecognized arguments: ${options.operands.join(' ')}`)
    try {
      await context.out('\nStarting install...\n')
      const { name } = computers.add(options.value('n'))
      await context.out(`Creating domain '${name}'...\nDomain creation completed.\n`)
      return 0
    } catch (error) {
      if (!(error instanceof ComputerError)) throw error
      await context.err(`ERROR    ${error.message}\n`)
      return 1
    }
  }, 'gnu', 'virt-install')
}
