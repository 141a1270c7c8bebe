import { isCapable } from '../capabilities.ts'
import { hardwareAddress } from '../net/addresses.ts'
import { changeDummyLink, dummyLinks } from './dummy-links.ts'
import type { NetStack, NetworkLink, NetworkRoute } from '../types.ts'
import type { Utility, UtilityContext } from './utility.ts'

/** A stack's devices and routes; what nobody has said is made up from its addresses. */
function devicesOf(net: NetStack): { links: readonly NetworkLink[]; routes: readonly NetworkRoute[] } {
  if (net.devices) return net.devices()
  const [address] = net.addresses
  return {
    links: [
      { name: 'lo', kind: 'loopback', mtu: 65_536, hardwareAddress: '00:00:00:00:00:00', addresses: ['127.0.0.1/8'] },
      ...(address === undefined ? [] : [{ name: 'eth0', kind: 'veth' as const, mtu: 1500, hardwareAddress: hardwareAddress(address), addresses: net.addresses.map((each) => `${each}/24`) }]),
    ],
    routes: address === undefined ? [] : [{ destination: 'default', via: address.replace(/\.\d+$/, '.1'), device: 'eth0' }],
  }
}

/** The last address of a range, to which all its members listen. */
function broadcastOf(address: string): string {
  const [ip = '', bits = '32'] = address.split('/')
  const value = ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
  const size = 2 ** (32 - Number(bits))
  const last = value - (value % size) + size - 1
  return [last / 2 ** 24, last / 2 ** 16, last / 2 ** 8, last].map((x) => Math.floor(x) % 256).join('.')
}

/** Whether an address is in a range such as `10.244.0.0/16`, `10.0.0.1` or `default`; how long its prefix is, or -1. */
function prefixOf(destination: string, ip: string): number {
  if (destination === 'default') return 0
  const [range = '', bits = '32'] = destination.split('/')
  return broadcastOf(`${range}/${bits}`) === broadcastOf(`${ip}/${bits}`) ? Number(bits) : -1
}

/** A route as iproute2 prints it. */
function routeText({ destination, via, device, protocol, scope, source, onlink, blackhole }: NetworkRoute): string {
  return `${blackhole ? 'blackhole ' : ''}${destination.replace(/\/32$/, '')} ${via === undefined ? '' : `via ${via} `}${blackhole ? '' : `dev ${device} `}${protocol === undefined ? '' : `proto ${protocol} `}${scope === undefined ? '' : `scope ${scope} `}${source === undefined ? '' : `src ${source} `}${onlink ? 'onlink ' : ''}\n`
}

/** A device as `ip link` and `ip addr` print it. */
function linkText(link: NetworkLink, index: number, { isNode, withAddresses, withDetails, busybox }: { isNode: boolean; withAddresses: boolean; withDetails: boolean; busybox: boolean }): string {
  const { name, kind, mtu, addresses } = link
  const isLoopback = kind === 'loopback'
  const shown = kind === 'veth' ? `${name}@if${isNode ? 2 : index + 1}` : kind === 'ipip' ? `${name}@NONE` : kind === 'device' ? `${name}@if${index + 1}` : name
  const flags = kind === 'dummy' ? `BROADCAST,NOARP${link.isDown ? '' : ',UP,LOWER_UP'}` : isLoopback ? 'LOOPBACK,UP,LOWER_UP' : kind === 'ipip' ? 'NOARP,UP,LOWER_UP' : 'BROADCAST,MULTICAST,UP,LOWER_UP'
  const state = link.isDown ? 'DOWN' : isLoopback || kind === 'vxlan' || kind === 'ipip' || kind === 'dummy' ? 'UNKNOWN' : 'UP'
  const queue = isLoopback || isNode === false || kind === 'device' ? ' qlen 1000' : kind === 'ipip' || kind === 'bridge' || kind === 'dummy' ? ' qlen 1000' : ''
  const media = kind === 'ipip' ? `    link/ipip 0.0.0.0 brd 0.0.0.0\n` : `    link/${isLoopback ? 'loopback' : 'ether'} ${link.hardwareAddress} brd ${isLoopback ? '00:00:00:00:00:00' : 'ff:ff:ff:ff:ff:ff'}\n`
  const inet = (address: string) => {
    const broadcast = isLoopback || address.endsWith('/32') || (kind === 'vxlan') ? '' : ` brd ${broadcastOf(address)}`
    return `    inet ${address}${broadcast} scope ${isLoopback ? 'host' : 'global'} ${name}\n       valid_lft forever preferred_lft forever\n`
  }
  return `${index}: ${shown}: <${flags}> mtu ${mtu} qdisc ${link.isDown ? 'noop' : 'noqueue'} ${link.master === undefined ? '' : `master ${link.master} `}state ${state}${busybox ? '' : ' group default'}${queue}\n${media}${withDetails && link.details ? `    ${link.details}\n` : ''}${withAddresses ? addresses.map(inet).join('') : ''}`
}

const CHANGES = ['add', 'del', 'delete', 'set', 'change', 'replace', 'append', 'flush']

/** ip addr, ip link, ip route. Devices and routes are the network plugins' to make. */
// @k8s part: ip: addr, link and route show what is there; from a shell only dummy devices can be added, without addresses and until a reload, and other objects are missing
export const ip: Utility = async (context) => {
  const { proc: { net }, busybox } = context
  const flags = context.args.filter((arg) => arg.startsWith('-'))
  const words = context.args.filter((arg) => !arg.startsWith('-'))
  const what = words[0] ?? ''
  if (what === '') return context.complain('Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }')
  const isObject = (name: string) => name.startsWith(what)
  const command = words[1] ?? 'show'
  const at = words.indexOf('dev')
  const device = at >= 0 ? words[at + 1] : ['show', 'list', 's', 'ls', 'l'].includes(command) && words[2] !== undefined && !isObject('route') ? words[2] : undefined
  if (isObject('address') || isObject('link')) {
    const ofNetwork = devicesOf(net).links
    if (CHANGES.includes(command)) return (isObject('link') ? await changeDummyLink(context, words.slice(1), ofNetwork.map(({ name }) => name)) : undefined) ?? refuse(context)
    const links = [...ofNetwork, ...dummyLinks(context.proc)]
    const shown = links.map((link, i) => ({ link, index: i + 1 })).filter(({ link }) => device === undefined || link.name === device)
    if (device !== undefined && shown.length === 0) {
      await context.err(busybox ? `ip: can't find device '${device}'\n` : `Device "${device}" does not exist.\n`)
      return 1
    }
    const isBrief = flags.some((flag) => /^-br/.test(flag))
    for (const { link, index } of shown) {
      if (isBrief) await context.out(`${link.name.padEnd(16)} ${(link.kind === 'loopback' || link.kind === 'vxlan' || link.kind === 'ipip' ? 'UNKNOWN' : 'UP').padEnd(14)} ${isObject('address') ? link.addresses.join(' ') : `${link.hardwareAddress} `}\n`)
      else await context.out(linkText(link, index, { isNode: net.kernel !== undefined, withAddresses: isObject('address'), withDetails: flags.some((flag) => /^-d/.test(flag)), busybox }))
    }
    return 0
  }
  if (isObject('route')) {
    if (CHANGES.includes(command)) return refuse(context)
    const { routes } = devicesOf(net)
    if (command === 'get') {
      const asked = words[2] ?? ''
      if (net.addresses.includes(asked)) {
        await context.out(`local ${asked} dev lo src ${asked} uid 0 \n    cache <local> \n`)
        return 0
      }
      const [route] = [...routes].filter(({ destination }) => prefixOf(destination, asked) >= 0).sort((a, b) => prefixOf(b.destination, asked) - prefixOf(a.destination, asked))
      if (!route || route.blackhole) {
        await context.err(`RTNETLINK answers: ${route ? 'Invalid argument' : 'Network is unreachable'}\n`)
        return 2
      }
      await context.out(`${asked} ${route.via === undefined ? '' : `via ${route.via} `}dev ${route.device} src ${route.source ?? net.addresses[0]} uid 0 \n    cache \n`)
      return 0
    }
    for (const route of routes) if (device === undefined || route.device === device) await context.out(routeText(route))
    return 0
  }
  return context.complain(`Object "${what}" is unknown, try "ip help".`)
}

/** Other devices and routes are the network plugins' to make, whatever a shell may. */
async function refuse(context: UtilityContext): Promise<number> {
  if (isCapable(context.proc, 'NET_ADMIN')) return context.complain('devices, addresses and routes are the network\'s to give and can\'t be changed here')
  await context.err(`${context.busybox ? 'ip: ' : ''}RTNETLINK answers: Operation not permitted\n`)
  return 2
}

/** ifconfig: devices with their addresses. */
export const ifconfig: Utility = async (context) => {
  const { links } = devicesOf(context.proc.net)
  const [asked] = context.args.filter((arg) => !arg.startsWith('-'))
  for (const { name, kind, mtu, hardwareAddress: card, addresses } of [...links].sort((a, b) => Number(a.kind === 'loopback') - Number(b.kind === 'loopback'))) {
    if (asked !== undefined && asked !== name) continue
    const [address = ''] = addresses
    const mask = maskOf(Number(address.split('/')[1] ?? 32))
    if (kind === 'loopback') await context.out('lo        Link encap:Local Loopback\n          inet addr:127.0.0.1  Mask:255.0.0.0\n          UP LOOPBACK RUNNING  MTU:65536  Metric:1\n\n')
    else await context.out(`${name.padEnd(9)} Link encap:Ethernet  HWaddr ${card}\n${address ? `          inet addr:${address.split('/')[0]}  Bcast:${broadcastOf(address)}  Mask:${mask}\n` : ''}          UP BROADCAST RUNNING MULTICAST  MTU:${mtu}  Metric:1\n\n`)
  }
  return 0
}

function maskOf(bits: number): string {
  const mask = 2 ** 32 - 2 ** (32 - bits)
  return [mask / 2 ** 24, mask / 2 ** 16, mask / 2 ** 8, mask].map((x) => Math.floor(x) % 256).join('.')
}
