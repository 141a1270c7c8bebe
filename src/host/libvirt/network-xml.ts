import { cidrContains, formatIPv4, parseCidr, parseIPv4 } from '../../cluster/network/cidr.ts'

/** What a network's file says. */
export interface NetworkDefinition {
  name: string
  /** Range of the network; the host has its first address. */
  cidr: string
  /** What machines get: the first and the last address. */
  range?: { start: string; end: string }
}

/** Thrown for a file that is no network here; the message is for people. */
export class NetworkXmlError extends Error {}

/** What says nothing that matters here, and what is followed. */
const KNOWN = new Set(['network', 'name', 'uuid', 'forward', 'nat', 'port', 'bridge', 'mac', 'ip', 'dhcp', 'range', 'domain'])

/** Reads libvirt's description of a network. libvirt: src/conf/network_conf.c @throws NetworkXmlError */
export function readNetworkXml(text: string): NetworkDefinition {
  const plain = text.replace(/<\?[^]*?\?>|<!--[^]*?-->/g, '')
  const elements = [...plain.matchAll(/<([\w:-]+)((?:\s+[\w:-]+\s*=\s*(?:'[^']*'|"[^"]*"))*)\s*\/?>/g)].map(([, element = '', attributes = '']) => ({ element, attribute: (name: string) => new RegExp(`\\s${name}\\s*=\\s*(?:'([^']*)'|"([^"]*)")`).exec(attributes)?.slice(1).find((value) => value !== undefined) }))
  if (elements[0]?.element !== 'network') throw new NetworkXmlError(`XML error: unexpected root element <${elements[0]?.element ?? ''}>, expecting <network>`)
  const name = /<name>\s*([^<]*?)\s*<\/name>/.exec(plain)?.[1]
  if (!name) throw new NetworkXmlError('XML error: missing name element')
  const unknown = elements.find(({ element }) => !KNOWN.has(element))
  if (unknown) throw new NetworkXmlError(`drydock: <${unknown.element}> in a network is not supported`)
  const mode = elements.find(({ element }) => element === 'forward')?.attribute('mode')
  if (mode !== undefined && mode !== 'nat' && mode !== 'open') throw new NetworkXmlError(`drydock: the forward mode ${mode} is not supported: machines are reached from the host, and nobody else is there`)
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
  if (start === undefined || end === undefined) return { name, cidr }
  for (const each of [start, end]) if (!isInside(each, cidr)) throw new NetworkXmlError(`internal error: range ${start} - ${end} is not entirely within network ${address}/${prefix}`)
  return { name, cidr, range: { start, end } }
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
