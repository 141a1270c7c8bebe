import { ComputerError } from '../../cluster/computers/computers.ts'
import { errorText } from '../../unix/errno.ts'
import { UnixError } from '../../unix/types.ts'
import type { UtilityContext } from '../../unix/utilities/utility.ts'
import { FleetError } from '../fleet/fleet.ts'
import type { Libvirt, MachineNetwork } from './libvirt.ts'
import { NetworkXmlError, networkXml, readNetworkXml } from './network-xml.ts'

/** What is done to a network that there is, and said then. */
interface Verb {
  /** What the complaint begins with. */
  failing: string
  done(name: string): string
  act(libvirt: Libvirt, network: MachineNetwork): Promise<void>
}

const VERBS: Readonly<Record<string, Verb>> = {
  'net-start': {
    failing: 'start', done: (name) => `Network ${name} started`,
    act: async (libvirt, { isActive, definition }) => {
      if (isActive) throw new ComputerError('Requested operation is not valid: network is already active')
      await libvirt.start(definition.name)
    },
  },
  'net-destroy': {
    failing: 'destroy', done: (name) => `Network ${name} destroyed`,
    act: async (libvirt, network) => {
      if (!network.isActive) throw new ComputerError('Requested operation is not valid: network is not active')
      await libvirt.destroy(network)
    },
  },
  'net-undefine': { failing: 'undefine', done: (name) => `Network ${name} has been undefined`, act: (libvirt, network) => libvirt.undefine(network) },
}

/** `virsh net-...`. @returns the exit code; undefined: no command of these */
export async function networkCommand(libvirt: Libvirt, context: UtilityContext, command: string, rest: readonly string[]): Promise<number | undefined> {
  const { out } = context
  const complain = async (...lines: string[]) => {
    for (const line of lines) await context.err(`error: ${line}\n`)
    return 1
  }
  const operand = rest.find((arg) => !arg.startsWith('-'))
  if (command === 'net-list') {
    await out(listing(libvirt.networks(), rest))
    return 0
  }
  if (command === 'net-create' || command === 'net-define') {
    const isPersistent = command === 'net-define'
    const verb = isPersistent ? 'define' : 'create'
    if (operand === undefined) return complain(`command '${command}' requires <file> option`)
    let text
    try {
      text = context.proc.fs.readText(context.proc.resolve(operand))
    } catch (error) {
      return complain(`Failed to open file '${operand}': ${errorText(error)}`)
    }
    try {
      const definition = readNetworkXml(text)
      await libvirt.create(definition, { isPersistent, isActive: !isPersistent })
      await out(`Network ${definition.name} ${verb}d from ${operand}\n\n`)
      return 0
    } catch (error) {
      if (!isForPeople(error)) throw error
      return complain(`Failed to ${verb} network from ${operand}`, error.message)
    }
  }
  const verb = VERBS[command]
  if (!verb && command !== 'net-dumpxml' && command !== 'net-info') return undefined
  if (operand === undefined) return complain(`command '${command}' requires <network> option`)
  const network = libvirt.network(operand)
  if (!network) return complain(`failed to get network '${operand}'`, `Network not found: no network with matching name '${operand}'`)
  const { definition, uuid, bridge, isActive, isPersistent } = network
  if (command === 'net-dumpxml') {
    await out(`${networkXml(definition, { uuid, bridge })}\n`)
    return 0
  }
  if (!verb) {
    await out(Object.entries({ Name: operand, UUID: uuid, Active: yesNo(isActive), Persistent: yesNo(isPersistent), Autostart: yesNo(isPersistent && isActive), Bridge: bridge }).map(([key, value]) => `${`${key}:`.padEnd(16)}${value}\n`).join('') + '\n')
    return 0
  }
  try {
    await verb.act(libvirt, network)
  } catch (error) {
    if (!isForPeople(error)) throw error
    return complain(`Failed to ${verb.failing} network ${operand}`, error.message)
  }
  await out(`${verb.done(operand)}\n\n`)
  return 0
}

const isForPeople = (error: unknown): error is Error => error instanceof ComputerError || error instanceof NetworkXmlError || error instanceof FleetError || error instanceof UnixError
const yesNo = (is: boolean) => is ? 'yes' : 'no'

/** A network that was active is so again after a reload, as the whole host is. */
function listing(networks: readonly MachineNetwork[], options: readonly string[]): string {
  const shown = networks.filter(({ isActive }) => options.includes('--all') || isActive !== options.includes('--inactive'))
  if (options.includes('--name')) return `${shown.map(({ definition }) => `${definition.name}\n`).join('')}\n`
  return tableText([['Name', 'State', 'Autostart', 'Persistent'], ...shown.map(({ definition, isActive, isPersistent }) => [definition.name, isActive ? 'active' : 'inactive', yesNo(isPersistent && isActive), yesNo(isPersistent)])])
}

/** Columns as virsh prints them. */
export function tableText(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const [head, ...lines] = rows.map((row) => ` ${row.map((cell, i) => cell.padEnd(widths[i]!)).join('   ').trimEnd()}\n`)
  return `${head}${'-'.repeat(widths.reduce((sum, width) => sum + width + 3, 0))}\n${lines.join('')}\n`
}
