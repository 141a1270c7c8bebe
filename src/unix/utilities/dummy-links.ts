import { isCapable } from '../capabilities.ts'
import type { ProcessDetails } from '../fs/proc-tree.ts'
import type { NetworkLink, Proc } from '../types.ts'
import type { UtilityContext } from './utility.ts'

/** Devices that processes have added, by what stands for their network namespace. */
const added = new WeakMap<object, NetworkLink[]>()

function networkOf(proc: Proc): object {
  return (proc.machine.process(proc.pid) as ProcessDetails | undefined)?.namespaces.network ?? proc.net
}

/** Dummy devices that were added to the network of a process. */
export function dummyLinks(proc: Proc): readonly NetworkLink[] {
  return added.get(networkOf(proc)) ?? []
}

/**
 * ip link add, del and set for dummy devices, which lead nowhere.
 * @param others names of the devices that are the network's
 * @returns an exit code; undefined: it is about something else
 */
export async function changeDummyLink(context: UtilityContext, words: readonly string[], others: readonly string[]): Promise<number | undefined> {
  const { proc, busybox } = context
  const [command = '', ...rest] = words
  const type = valueAfter(rest, 'type')
  const name = valueAfter(rest, 'name') ?? valueAfter(rest, 'dev') ?? rest[0]
  const links = added.get(networkOf(proc)) ?? []
  if (name === undefined || command === 'add' && type !== 'dummy' || command !== 'add' && others.includes(name)) return undefined
  const answer = async (text: string) => {
    await context.err(`${busybox ? 'ip: ' : ''}RTNETLINK answers: ${text}\n`)
    return 2
  }
  if (!isCapable(proc, 'NET_ADMIN')) return answer('Operation not permitted')
  const index = links.findIndex((link) => link.name === name)
  if (command === 'add') {
    if (index >= 0 || others.includes(name)) return answer('File exists')
    added.set(networkOf(proc), [...links, { name, kind: 'dummy', mtu: Number(valueAfter(rest, 'mtu') ?? 1500), hardwareAddress: chosenAddress(proc, name), addresses: [], isDown: true }])
    return 0
  }
  if (index < 0) return context.complain(busybox ? `can't find device '${name}'` : `Cannot find device "${name}"`)
  if (command === 'del' || command === 'delete') {
    added.set(networkOf(proc), links.filter((_, i) => i !== index))
    return 0
  }
  if (command !== 'set') return undefined
  const { isDown, ...link } = links[index]!
  const mtu = valueAfter(rest, 'mtu')
  const down = rest.includes('down') || !rest.includes('up') && isDown
  added.set(networkOf(proc), links.with(index, { ...link, ...(mtu === undefined ? {} : { mtu: Number(mtu) }), ...(down ? { isDown: true } : {}) }))
  return 0
}

/** A card's address of its own making. */
function chosenAddress(proc: Proc, name: string): string {
  return `ce:${proc.machine.random.fork(`dummy ${name}`).hex(5).match(/../g)!.join(':')}`
}

function valueAfter(words: readonly string[], key: string): string | undefined {
  const at = words.indexOf(key)
  return at < 0 ? undefined : words[at + 1]
}
