import { fail, globPattern } from './commands.ts'
import type { Reply } from './resp.ts'
import { Instance, all, describe, nameOf } from './sentinel-instances.ts'
import type { Sentinel } from './sentinel.ts'

/** SENTINEL and its subcommands. @throws CommandError */
export async function sentinelCommand(sentinel: Sentinel, args: readonly string[]): Promise<Reply> {
  const [subcommand, ...rest] = args
  const arity = (count: number) => { if (rest.length !== count) fail(sentinel.server.atLeast(7, 0) ? `ERR wrong number of arguments for 'sentinel|${subcommand!.toLowerCase()}' command` : `ERR Wrong number of arguments for 'sentinel ${subcommand}'`) }
  const watched = () => sentinel.masters.get(rest[0]!) ?? fail('ERR No such master with that name')
  switch (subcommand!.toLowerCase()) {
    case 'myid': arity(0); return sentinel.myId
    case 'masters': arity(0); return [...sentinel.masters.values()].map((each) => describe(each, each.instance, sentinel.nowMs))
    case 'master': arity(1); return describe(watched(), watched().instance, sentinel.nowMs)
    case 'slaves': case 'replicas': arity(1); return [...watched().slaves.values()].map((slave) => describe(watched(), slave, sentinel.nowMs))
    case 'sentinels': arity(1); return [...watched().sentinels.values()].map((other) => describe(watched(), other, sentinel.nowMs))
    case 'get-master-addr-by-name': {
      arity(1)
      const found = sentinel.masters.get(rest[0]!)
      if (!found) return { nullArray: true }
      const { ip, port } = found.promoted && found.state === 'reconf_slaves' ? found.promoted : found.instance
      return [ip, String(port)]
    }
    case 'is-master-down-by-addr': {
      arity(4)
      const [ip, port, epoch, candidate] = rest
      const found = [...sentinel.masters.values()].find(({ instance }) => instance.ip === ip && instance.port === Number(port))
      if (found && candidate !== '*') await sentinel.failover.vote(found, Number(epoch), candidate!)
      return [found?.instance.downSinceMs !== undefined ? 1 : 0, found && candidate !== '*' && found.leader ? found.leader : '*', found && candidate !== '*' ? found.leaderEpoch : 0]
    }
    case 'failover': {
      arity(1)
      const found = watched()
      if (found.state !== 'none') return fail('INPROG Failover already in progress')
      if (!sentinel.failover.bestSlave(found)) return fail(`NOGOODSLAVE No suitable ${sentinel.server.atLeast(5, 0) ? 'replica' : 'slave'} to promote`)
      await sentinel.server.log(`Executing user requested FAILOVER of '${found.name}'`, { level: sentinel.server.noticeLevel })
      found.forced = true
      await sentinel.failover.begin(found)
      sentinel.hurry()
      return { status: 'OK' }
    }
    case 'ckquorum': {
      arity(1)
      const found = watched()
      const usable = 1 + [...found.sentinels.values()].filter((other) => other.downSinceMs === undefined && other.commands && !other.commands.isClosed).length
      const voters = found.sentinels.size + 1
      const canAgree = usable >= found.quorum
      const canElect = usable >= Math.floor(voters / 2) + 1
      if (canAgree && canElect) return { status: `OK ${usable} usable Sentinels. Quorum and failover authorization can be reached` }
      return fail(`NOQUORUM ${usable} usable Sentinels. ${canAgree ? '' : 'Not enough available Sentinels to reach the specified quorum for this master. '}${canElect ? '' : 'Not enough available Sentinels to reach the majority and authorize a failover'}`.trimEnd())
    }
    case 'flushconfig': arity(0); sentinel.flush(); return { status: 'OK' }
    case 'monitor': {
      arity(4)
      if (!/^[1-9]\d*$/.test(rest[3]!)) fail('ERR Quorum must be 1 or greater.')
      const added = await sentinel.monitor(rest[0]!, rest[1]!, Number(rest[2]), Number(rest[3])).catch((error: Error) => fail(error.message.startsWith("Can't resolve") ? 'ERR Invalid IP address or hostname specified' : `ERR ${error.message}`))
      sentinel.flush()
      await sentinel.announce(added)
      return { status: 'OK' }
    }
    case 'remove': {
      arity(1)
      const found = watched()
      await sentinel.event('#', '-monitor', nameOf(found, found.instance))
      for (const instance of all(found)) instance.disconnect()
      sentinel.masters.delete(found.name)
      sentinel.flush()
      return { status: 'OK' }
    }
    case 'reset': {
      arity(1)
      const matches = globPattern(rest[0]!)
      let count = 0
      for (const each of sentinel.masters.values()) {
        if (!matches(each.name)) continue
        for (const instance of all(each)) instance.disconnect()
        each.slaves.clear()
        each.sentinels.clear()
        each.instance = new Instance('master', each.instance.ip, each.instance.port, sentinel.nowMs)
        sentinel.failover.abort(each)
        await sentinel.event('#', '+reset-master', nameOf(each, each.instance))
        count += 1
      }
      sentinel.flush()
      return count
    }
    case 'set': {
      if (rest.length < 3) arity(3)
      const found = watched()
      for (let i = 1; i + 1 < rest.length; i += 2) {
        const [option, value] = [rest[i]!, rest[i + 1]!]
        if (option.toLowerCase() === 'quorum' && /^[1-9]\d*$/.test(value)) found.quorum = Number(value)
        else if (['down-after-milliseconds', 'failover-timeout', 'parallel-syncs', 'auth-pass'].includes(option.toLowerCase())) await sentinel.configure([option, found.name, value]).catch(() => fail(`ERR Invalid argument '${value}' for SENTINEL SET '${option}'`))
        else fail(`ERR Unknown option or number of arguments for SENTINEL SET '${option}'`)
        await sentinel.event('#', '+set', `${nameOf(found, found.instance)} ${option} ${value}`)
      }
      sentinel.flush()
      return { status: 'OK' }
    }
    case 'pending-scripts': arity(0); return []
    default: return fail(sentinel.server.atLeast(7, 0) ? `ERR unknown subcommand '${subcommand}'. Try SENTINEL HELP.` : `ERR Unknown sentinel subcommand '${subcommand}'`)
  }
}
