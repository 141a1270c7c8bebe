import { ComputerError } from '../cluster/computers/computers.ts'
import type { Computers, ComputerState } from '../cluster/computers/computers.ts'
import { hardwareAddress } from '../unix/net/addresses.ts'
import { ARCHITECTURES, machineName } from '../unix/architecture.ts'
import { UsageError, parseOptions, utilityProgram } from '../unix/utilities/utility.ts'
import type { UtilityContext } from '../unix/utilities/utility.ts'
import type { Program } from '../unix/types.ts'
import { DEFAULT_NETWORK, isInRange } from './libvirt/libvirt.ts'
import type { Domain, Libvirt } from './libvirt/libvirt.ts'
import { networkCommand, tableText } from './libvirt/network-commands.ts'

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
 domifaddr               its address

 net-create FILE         makes a network from its description, and starts it
 net-define FILE         writes a network down
 net-start               starts a network that is defined
 net-list [--all]        networks that are active, or all
 net-info, net-dumpxml   what is known of a network
 net-destroy             ends a network
 net-undefine            forgets a network
`

/** libvirt's tool for the machines that nodes run on. */
// @k8s part: virsh: power, states, addresses and removal of machines; networks with one range of IPv4; everything else is missing
export function virsh(libvirt: Libvirt): Program {
  return utilityProgram(async (context) => {
    const { args, out } = context
    const [command, ...rest] = args.filter((arg, i) => !(arg === '-c' || arg === '--connect' || args[i - 1] === '-c' || args[i - 1] === '--connect'))
    const complain = async (...lines: string[]) => {
      for (const line of lines) await context.err(`error: ${line}\n`)
      return 1
    }
    if (command === undefined || command === 'help' || command === '--help') { await out(HELP); return 0 }
    if (command === 'version' || command === '--version') { await out('10.0.0\n'); return 0 }
    if (command === 'list') { await out(listing(libvirt.domains().map(({ state }) => state), rest)); return 0 }
    const done = await networkCommand(libvirt, context, command, rest)
    if (done !== undefined) return done
    const verb = VERBS[command]
    if (!verb && command !== 'domstate' && command !== 'domifaddr') return complain(`unknown command: '${command}'`)
    const name = rest.find((arg) => !arg.startsWith('-'))
    if (name === undefined) return complain(`command '${command}' requires <domain> option`)
    const domain = libvirt.domains().find(({ state }) => state.name === name)
    if (!domain) return complain(`failed to get domain '${name}'`)
    const { state, network: { computers, definition } } = domain
    if (command === 'domifaddr') {
      if (state.power === 'off') return complain('Failed to query for interfaces addresses', 'Requested operation is not valid: domain is not running')
      await out(addressTable(domain))
      return 0
    }
    if (!verb) { await out(`${STATES[state.power]}\n\n`); return 0 }
    const refusal = verb.refuses?.(state)
    if (refusal !== undefined) return complain(`Failed to ${verb.failing} domain '${name}'`, refusal)
    if (!computers) return complain(`Failed to ${verb.failing} domain '${name}'`, `Requested operation is not valid: network '${definition.name}' is not active`)
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
  return tableText([['Id', 'Name', 'State'], ...shown.map(({ id, name, power }) => [power === 'off' ? '-' : String(id), name, STATES[power]])])
}

/** libvirt: tools/virsh-domain-monitor.c cmdDomIfAddr */
function addressTable({ state: { ip }, network: { definition } }: Domain): string {
  const line = (name: string, mac: string, protocol: string, address: string) => ` ${name.padEnd(10)} ${mac.padEnd(20)} ${protocol.padEnd(8)}     ${address}\n`
  return `${line('Name', 'MAC address', 'Protocol', 'Address')}${'-'.repeat(79)}\n${line('vnet0', hardwareAddress(ip), 'ipv4', `${ip}/${definition.cidr.split('/')[1]}`)}\n`
}

/** `virt-install --name NAME --network network=NETWORK`: a new machine with the image of a node, which isn't one yet. */
// @k8s part: virt-install: name, network, memory, CPUs and their architecture of a new machine are chosen; disks and systems are always the same
export function virtInstall(libvirt: Libvirt): Program {
  return utilityProgram(async (context: UtilityContext) => {
    const options = parseOptions(context.args, 'n:w:', { 'name=': 'n', 'memory=': 'm', 'ram=': 'm', 'vcpus=': 'c', 'disk=': 'd', 'os-variant=': 'o', 'osinfo=': 'o', 'network=': 'w', 'arch=': 'A', 'graphics=': 'g', import: 'i', noautoconsole: 'a', 'cloud-init=': 'u' })
    if (options.operands.length > 0) throw new UsageError(`unrecognized arguments: ${options.operands.join(' ')}`)
    const fail = async (message: string) => { await context.err(`ERROR    ${message}\n`); return 1 }
    const name = options.value('n')
    const networkName = networkOf(options.value('w'))
    if (networkName === undefined) return fail(`drydock: --network ${options.value('w')} is not supported; a machine has one network, by its name: --network network=NAME`)
    const network = libvirt.network(networkName)
    if (!network) return fail(`Network not found: no network with matching name '${networkName}'`)
    if (!network.computers) return fail(`Requested operation is not valid: network '${networkName}' is not active`)
    if (libvirt.domains().some(({ state }) => state.name === name)) return fail(`Guest name '${name}' is already in use.`)
    const [memoryMib, cpus] = [options.value('m'), options.value('c')].map((value) => value === undefined ? undefined : Number(value.split(',')[0]))
    for (const [flag, value] of [['--memory', memoryMib], ['--vcpus', cpus]] as const) if (value !== undefined && !(Number.isInteger(value) && value > 0)) return fail(`drydock: ${flag} takes a whole number`)
    const architecture = ARCHITECTURES.find((each) => each === options.value('A') || machineName(each) === options.value('A'))
    if (options.value('A') !== undefined && architecture === undefined) return fail(`Host does not support any virtualization options for arch '${options.value('A')}'`)
    try {
      await context.out('\nStarting install...\n')
      const made = network.computers.add(name, { ...(architecture === undefined ? {} : { architecture }), ...(memoryMib === undefined ? {} : { memory: `${memoryMib * 1024}Ki` }), ...(cpus === undefined ? {} : { cpu: String(cpus) }) })
      if (!isInRange(network.definition, made.ip)) {
        await network.computers.remove(made.name)
        return fail(`drydock: the network ${networkName} has no address left`)
      }
      await context.out(`Creating domain '${made.name}'...\nDomain creation completed.\n`)
      return 0
    } catch (error) {
      if (!(error instanceof ComputerError)) throw error
      return fail(error.message)
    }
  }, 'gnu', 'virt-install')
}

/** The network that `--network` names; undefined: something else than a network. */
function networkOf(option: string | undefined): string | undefined {
  if (option === undefined) return DEFAULT_NETWORK
  const [first = '', ...more] = option.split(',')
  const known = more.every((each) => /^model=/.test(each))
  const name = /^(?:network=)?([\w.-]+)$/.exec(first)?.[1]
  return known && name !== 'none' && name !== 'user' ? name : undefined
}
