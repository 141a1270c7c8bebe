import { askServers } from './network.ts'
import { isAddress } from '../net/addresses.ts'
import { reverseName } from '../net/dns.ts'
import { readResolverConfig } from '../net/names.ts'
import { UsageError } from './utility.ts'
import type { Utility, UtilityContext } from './utility.ts'

/** BusyBox' nslookup up to 1.28: names are looked up as every program does it, addresses are shown with their names. */
export const oldNslookup: Utility = async (context) => {
  const [name, serverName] = context.args.filter((arg) => !arg.startsWith('-'))
  if (name === undefined) throw new UsageError('missing name')
  let server = readResolverConfig(context.proc.fs).nameservers[0] ?? '127.0.0.1'
  if (serverName !== undefined) try { server = (await context.proc.net.lookup(serverName))[0]! } catch { return context.complain(`can't resolve '${serverName}'`) }
  await printHost(context, 'Server:', server, [server], server)
  await context.out('\n')
  const addresses = isAddress(name) ? [name] : (await askServers(context, name, 'A', { server, search: true })).answer?.answers.filter((record) => record.type === 'A').map((record) => record.data) ?? []
  if (addresses.length === 0) { await context.err(`nslookup: can't resolve '${name}'\n`); return 1 }
  await printHost(context, 'Name:', name, addresses, server)
  return 0
}

async function printHost(context: UtilityContext, title: string, name: string, addresses: readonly string[], server: string): Promise<void> {
  await context.out(`${title.padEnd(10)} ${name}\n`)
  for (const [i, address] of addresses.entries()) {
    const { answer } = await askServers(context, reverseName(address), 'PTR', { server, search: false })
    const host = answer?.answers.find((record) => record.type === 'PTR')?.data
    await context.out(`Address ${i + 1}: ${address}${host === undefined ? '' : ` ${host}`}\n`)
  }
}
