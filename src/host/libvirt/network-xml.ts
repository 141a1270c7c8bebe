import { cidrContains, formatIPv4, parseCidr, parseIPv4 } from '../../cluster/network/cidr.ts'

/** What a network's file says. */
export interface NetworkDefinition {
  name: string
  /** Range of the network; the host has its first address. */
  cidr: string
  /** What machines get: the first and the last address. */
  range?: { start: string; end: string }
  /** Where the file says so; one is made up otherwise. */
  uuid?: string
  bridge?: string
}

/** Thrown for a file that is no network here; the message is for people. */
export class NetworkXmlError extends Error {}

/** What is followed; and `mac`, and the ports of `nat`, which nobody would notice. */
const KNOWN = new Set(['network', 'name', 'uuid', 'forward', 'nat', 'port', 'bridge', 'mac', 'ip', 'dhcp', 'range'])
/** What the kernel takes for the name of a device. */
const DEVICE_NAME = /^[\w.-]{1,15}$/

/** Reads libvirt's description of a network. libvirt: src/conf/network_conf.c @throws NetworkXmlError */
export function readNetworkXml(text: string): NetworkDefinition {
  const plain = text.replace(/<\?[^]*?\?>|<!--[^]*?-->/g, '')
  const elements = [...plain.matchAll(/<([\w:-]+)((?:\s+[\w:-]+\s*=\s*(?:'[^']*'|"[^"]*"))*)\s*\/?>/g)].map(([, element = '', attributes = '']) => ({ element, attribute: (name: string) => new RegExp(`\\s${name}\\s*=\\s*(?:'([^']*)'|"([^"]*)")`).exec(attributes)?.slice(1).find((value) => value !== undefined) }))
  if (elements[0]?.element !== 'network') throw new NetworkXmlError(`XML error: unexpected root element <${elements[0]?.element ?? ''}>, expecting <network>`)
  const name = /<name>\s*([^<]*?)\s*<\/name>/.exec(plain)?.[1]
  if (!name) throw new NetworkXmlError('XML error: missing name element')
  if (!/^[\w.-]+$/.test(name)) throw new NetworkXmlError("drydock: a network's name has letters, digits, '.', '_' and '-' only")
  const unknown = elements.find(({ element }) => !KNOWN.has(element))
  if (unknown) throw new NetworkXmlError(`drydock: <${unknown.element}> in a network is not supported`)
  const mode = elements.find(({ element }) => element === 'forward')?.attribute('mode')
  if (mode !== undefined && mode !== 'nat' && mode !== 'open') throw new NetworkXmlError(`drydock: the forward mode ${mode} is not supported: machines are reached from the host, and nobody else is there`)
  const uuid = /<uuid>\s*([^<]*?)\s*<\/uuid>/.exec(plain)?.[1]?.toLowerCase()
  if (uuid !== undefined && !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uuid)) throw new NetworkXmlError('XML error: malformed uuid element')
  const bridge = elements.find(({ element }) => element === 'bridge')?.attribute('name')
  if (bridge !== undefined && !DEVICE_NAME.test(bridge)) throw new NetworkXmlError(`drydock: ${bridge} is no name for a bridge`)
  const given = { ...uuid === undefined ? {} : { uuid }, ...bridge === undefined ? {} : { bridge } }
  const ips = elements.filter(({ element }) => element === 'ip')
  if (ips.length !== 1 || ips[0]!.attribute('family') === 'ipv6') throw new NetworkXmlError('drydock: a network has one <ip>, of IPv4')
  const address = ips[0]!.attribute('address') ?? ''
  const prefix = ips[0]!.attribute('prefix') ?? prefixOf(ips[0]!.attribute('netmask') ?? '255.255.255.0')
  let cidr
  try {
    const { first } = parseCidr(`${address}/${prefix}`)
    if (parseIPv4(address) !== first + 1) throw new NetworkXmlError(`drydock: the host has the first address of a network, ${formatIPv4(first + 1)}, not ${address}`)
    cidr = `${formatIPv4(first)}/${prefix}`
  } catch (error) {
    if (error instanceof NetworkXmlError) throw error
    throw new NetworkXmlError(`XML error: Invalid address '${address}' in network '${name}'`)
  }
  const ranges = elements.filter(({ element }) => element === 'range')
  if (ranges.length > 1) throw new NetworkXmlError('drydock: a network has one <range>')
  const [start, end] = [ranges[0]?.attribute('start'), ranges[0]?.attribute('end')]
  if (ranges.length === 0) return { name, cidr, ...given }
  if (start === undefined || end === undefined) throw new NetworkXmlError(`XML error: Missing '${start === undefined ? 'start' : 'end'}' attribute in range for network '${name}'`)
  for (const each of [start, end]) if (!isInside(each, cidr)) throw new NetworkXmlError(`internal error: range ${start} - ${end} is not entirely within network ${address}/${prefix}`)
  if (parseIPv4(end) < parseIPv4(start)) throw new NetworkXmlError(`internal error: range ${start} - ${end} is reversed`)
  return { name, cidr, range: { start, end }, ...given }
}

/** What `virsh net-dumpxml` prints of a network. */
export function networkXml({ name, cidr, range }: NetworkDefinition, { uuid, bridge }: { uuid: string; bridge: string }): string {
  const { first, size } = parseCidr(cidr)
  const dhcp = range ? `    <dhcp>\n      <range start='${range.start}' end='${range.end}'/>\n    </dhcp>\n` : ''
  return `<network>\n  <name>${name}</name>\n  <uuid>${uuid}</uuid>\n  <forward mode='nat'/>\n  <bridge name='${bridge}' stp='on' delay='0'/>\n  <ip address='${formatIPv4(first + 1)}' netmask='${formatIPv4(2 ** 32 - size)}'>\n${dhcp}  </ip>\n</network>\n`
}

function isInside(address: string, cidr: string): boolean {
  try {
    return cidrContains(parseCidr(cidr), parseIPv4(address))
  } catch {
    return false
  }
}

function prefixOf(netmask: string): string {
  const bits = netmask.split('.').map((part) => Number(part).toString(2).padStart(8, '0')).join('')
  return /^1*0*$/.test(bits) && bits.length === 32 ? String(bits.indexOf('0') < 0 ? 32 : bits.indexOf('0')) : ''
}
