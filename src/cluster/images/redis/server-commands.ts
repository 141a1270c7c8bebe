/** The commands of Redis about connections, transactions, subscriptions and the server itself. */
import { machineName } from '../../../unix/architecture.ts'
import { KERNEL_RELEASE } from '../../../unix/kernel.ts'
import { fail, globPattern, integer } from './commands.ts'
import type { Command } from './commands.ts'
import type { Client, RedisServer, ServerContext } from './redis-server.ts'
import { NULL_ARRAY, OK, byteStringOf } from './resp.ts'
import type { Reply } from './resp.ts'
import { sentinelCommand } from './sentinel-command.ts'

function subcommand(name: string, args: readonly string[]): never {
  return fail(`ERR unknown subcommand '${args[0]}'. Try ${name} HELP.`)
}

function authenticate({ server, client }: ServerContext, user: string, password: string, named: boolean): void {
  if (!server.passwordRequired) {
    if (!named) fail('ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?')
    if (user === 'default') { client.authenticated = true; return }
  } else if (user === 'default' && password === server.config.get('requirepass')) { client.authenticated = true; return }
  fail('WRONGPASS invalid username-password pair or user is disabled.')
}

function leaveTransaction(client: Client): void {
  client.queued = undefined
  client.aborted = false
  client.stale = false
  client.watched.clear()
}

/** Answers once per channel; all but the last go out at once. */
function subscription({ client }: ServerContext, kind: string, names: readonly string[], of: Set<string>): Reply {
  const leaving = kind.includes('unsub')
  const all: readonly (string | null)[] = names.length > 0 ? names : of.size > 0 ? [...of] : [null]
  const replies = all.map((name): Reply => {
    if (name !== null) if (leaving) of.delete(name); else of.add(name)
    return [kind, name, client.channels.size + client.patterns.size]
  })
  for (const reply of replies.slice(0, -1)) client.send(reply)
  return replies.at(-1)!
}

function clientLine(server: RedisServer, client: Client): string {
  const { local, remote } = client.socket
  const now = server.proc.clock.nowMs()
  const seconds = (sinceMs: number) => Math.floor((now - sinceMs) / 1000)
  return `id=${client.id} addr=${remote.ip}:${remote.port}${server.atLeast(6, 2) ? ` laddr=${local.ip}:${local.port}` : ''} fd=${client.id + 7} name=${client.name} age=${seconds(client.connectedMs)} idle=${seconds(client.lastMs)} flags=${server.replication.isFollower(client) ? 'S' : client.channels.size + client.patterns.size > 0 ? 'P' : client.cancelWait ? 'b' : client.queued ? 'x' : 'N'} db=${client.database} sub=${client.channels.size} psub=${client.patterns.size} multi=${client.queued?.length ?? -1} cmd=${client.lastCommand}${server.atLeast(6, 0) ? ' user=default' : ''}${server.atLeast(7, 2) ? ` lib-name=${client.library} lib-ver=${client.libraryVersion}` : ''}`
}

function clientCommand({ server, client }: ServerContext, args: readonly string[]): Reply {
  switch (args[0]!.toLowerCase()) {
    case 'id': return client.id
    case 'getname': return client.name === '' ? null : client.name
    case 'setname':
      if (args.length !== 2) return fail("ERR wrong number of arguments for 'client|setname' command")
      if (/[^!-~]/.test(args[1]!)) return fail('ERR Client names cannot contain spaces, newlines or special characters.')
      client.name = args[1]!
      return OK
    case 'setinfo':
      if (args.length !== 3) return fail("ERR wrong number of arguments for 'client|setinfo' command")
      if (args[1]!.toLowerCase() === 'lib-name') client.library = args[2]!
      else if (args[1]!.toLowerCase() === 'lib-ver') client.libraryVersion = args[2]!
      else return fail(`ERR Unrecognized option '${args[1]}'`)
      return OK
    case 'list': return [...server.clients.values()].map((each) => `${clientLine(server, each)}\n`).join('')
    case 'info': return `${clientLine(server, client)}\n`
    case 'kill': return killClients({ server, client }, args.slice(1))
    default: return subcommand('CLIENT', args)
  }
}

/** CLIENT KILL by address, or by filters. */
function killClients({ server, client }: Pick<ServerContext, 'server' | 'client'>, args: readonly string[]): Reply {
  const addressOf = (each: Client) => `${each.socket.remote.ip}:${each.socket.remote.port}`
  const filters = args.length === 1 ? new Map([['addr', args[0]!]]) : new Map(args.flatMap((arg, i) => i % 2 === 0 ? [[arg.toLowerCase(), args[i + 1] ?? fail('ERR syntax error')] as const] : []))
  const type = (each: Client) => server.replication.isFollower(each) ? ['slave', 'replica'] : each.channels.size + each.patterns.size > 0 ? ['pubsub'] : ['normal']
  const victims = [...server.clients.values()].filter((each) => [...filters].every(([filter, value]) => {
    switch (filter) {
      case 'id': return each.id === Number(value)
      case 'addr': return addressOf(each) === value
      case 'type': return type(each).includes(value.toLowerCase())
      case 'skipme': return true
      default: return fail('ERR syntax error')
    }
  }) && (args.length === 1 || filters.get('skipme')?.toLowerCase() === 'no' || each !== client))
  if (args.length === 1 && victims.length === 0) fail('ERR No such client')
  for (const each of victims) {
    if (each === client) client.closing = true
    else each.socket.destroy()
  }
  return args.length === 1 ? OK : victims.length
}

function config({ server }: ServerContext, args: readonly string[]): Reply {
  switch (args[0]!.toLowerCase()) {
    case 'get': {
      if (args.length < 2) return fail("ERR wrong number of arguments for 'config|get' command")
      const matching = args.slice(1).map((pattern) => globPattern(pattern.toLowerCase()))
      const shown = [...server.config].flatMap(([name, value]): [string, string][] => name.startsWith('slave-') && server.atLeast(5, 0) ? [[name, value], [name.replace('slave', 'replica'), value]] : name === 'replicaof' && !server.atLeast(5, 0) ? [['slaveof', value]] : [[name, value]])
      return shown.filter(([name]) => matching.some((test) => test(name))).flat()
    }
    case 'set':
      if (args.length < 3 || args.length % 2 === 0) return fail("ERR wrong number of arguments for 'config|set' command")
      for (let i = 1; i < args.length; i += 2) server.setConfig(args[i]!.toLowerCase(), args[i + 1]!)
      return OK
    case 'resetstat':
      server.commandsProcessed = 0
      server.connectionsReceived = 0
      return OK
    case 'rewrite': return fail(server.configFile === '' ? 'ERR The server is running without a config file' : 'ERR Rewriting config file: Operation not supported')
    default: return subcommand('CONFIG', args)
  }
}

function info(server: RedisServer, sections: readonly string[]): string {
  const { proc, store } = server
  const upSeconds = Math.floor((proc.clock.nowMs() - server.startedMs) / 1000)
  const used = 860_000 + store.usedBytes()
  const all: [string, string[]][] = [
    ['Server', [`redis_version:${server.version}`, 'redis_git_sha1:00000000', `redis_mode:${server.sentinel ? 'sentinel' : 'standalone'}`, `os:Linux ${KERNEL_RELEASE} ${machineName(proc.machine.hardware.architecture)}`, 'arch_bits:64', 'monotonic_clock:POSIX clock_gettime', 'multiplexing_api:epoll', `process_id:${proc.pid}`, `run_id:${server.runId}`, `tcp_port:${server.config.get('port')}`, `uptime_in_seconds:${upSeconds}`, `uptime_in_days:${Math.floor(upSeconds / 86_400)}`, 'hz:10', 'configured_hz:10', 'executable:/data/redis-server', `config_file:${server.configFile}`]],
    ['Clients', [`connected_clients:${server.clients.size}`, `maxclients:${server.config.get('maxclients')}`, `blocked_clients:${[...server.clients.values()].filter((client) => client.cancelWait).length}`]],
    ['Memory', [`used_memory:${used}`, `used_memory_human:${used < 2 ** 20 ? `${(used / 1024).toFixed(2)}K` : `${(used / 2 ** 20).toFixed(2)}M`}`, `used_memory_dataset:${store.usedBytes()}`, `maxmemory:${server.config.get('maxmemory')}`, `maxmemory_policy:${server.config.get('maxmemory-policy')}`, 'mem_allocator:jemalloc-5.3.0']],
    ['Persistence', ['loading:0', `rdb_changes_since_last_save:${server.dirty}`, 'rdb_bgsave_in_progress:0', `rdb_last_save_time:${Math.floor(server.lastSaveMs / 1000)}`, `rdb_last_bgsave_status:${server.lastSaveFailed ? 'err' : 'ok'}`, `aof_enabled:${server.config.get('appendonly') === 'yes' ? 1 : 0}`]],
    ['Stats', [`total_connections_received:${server.connectionsReceived}`, `total_commands_processed:${server.commandsProcessed}`, `pubsub_channels:${new Set([...server.clients.values()].flatMap((client) => [...client.channels])).size}`, `pubsub_patterns:${new Set([...server.clients.values()].flatMap((client) => [...client.patterns])).size}`]],
    ['Replication', server.replication.info()],
    ['Cluster', ['cluster_enabled:0']],
    ['Keyspace', store.databases.flatMap((database, number) => database.size > 0 ? [`db${number}:keys=${database.size},expires=${database.expiring},avg_ttl=0`] : [])],
  ]
  const known = server.sentinel ? [...all.filter(([name]) => ['Server', 'Clients', 'Stats'].includes(name)), ['Sentinel', server.sentinel.info()] as [string, string[]]] : all
  const wanted = sections.map((section) => section.toLowerCase())
  const everything = wanted.length === 0 || wanted.some((section) => ['all', 'default', 'everything'].includes(section))
  return known.filter(([name]) => everything || wanted.includes(name.toLowerCase())).map(([name, lines]) => `# ${name}\r\n${lines.map((line) => `${line}\r\n`).join('')}`).join('\r\n')
}

async function shutdown({ server, client }: ServerContext, args: readonly string[]): Promise<Reply> {
  const flags = args.map((arg) => arg.toLowerCase())
  if (flags.some((flag) => !['save', 'nosave', 'now', 'force', 'abort'].includes(flag)) || (flags.includes('save') && flags.includes('nosave'))) fail('ERR syntax error')
  if (flags.includes('abort')) fail('ERR No shutdown in progress.')
  const done = await server.shutdown({ ...(flags.includes('save') ? { save: true } : flags.includes('nosave') ? { save: false } : {}), force: flags.includes('force') })
  if (!done) fail('ERR Errors trying to SHUTDOWN. Check logs.')
  client.closing = true
  return OK
}

function replicaOf({ server, client }: ServerContext, [host, port]: readonly string[]): Promise<Reply> {
  const by = clientLine(server, client)
  if (host!.toLowerCase() === 'no' && port!.toLowerCase() === 'one') return server.replication.lead(by)
  const number = Number(integer(port!, 'ERR Invalid master port'))
  return server.replication.follow(host!, number, by)
}

/** Commands by lower-case name. */
export const serverCommands: Readonly<Record<string, Command<ServerContext>>> = {
  ping: { arity: -1, run({ client }, args) {
    if (args.length > 1) fail("ERR wrong number of arguments for 'ping' command")
    if (client.channels.size + client.patterns.size > 0) return ['pong', args[0] ?? '']
    return args[0] ?? { status: 'PONG' }
  } },
  echo: { arity: 2, run: (_, [text]) => text! },
  quit: { arity: -1, run: ({ client }) => { client.closing = true; return OK } },
  reset: { arity: 1, run({ client }) {
    leaveTransaction(client)
    client.channels.clear()
    client.patterns.clear()
    client.database = 0
    client.authenticated = false
    client.name = ''
    return { status: 'RESET' }
  } },
  select: { arity: 2, run({ client, store }, [number]) {
    const index = Number(integer(number!))
    if (index < 0 || index >= store.databases.length) fail('ERR DB index is out of range')
    client.database = index
    return OK
  } },
  auth: { arity: -2, run(context, args) {
    if (args.length > 2) fail('ERR syntax error')
    authenticate(context, args.length === 2 ? args[0]! : 'default', args.at(-1)!, args.length === 2)
    return OK
  } },
  hello: { arity: -1, run(context, args) {
    const { server, client } = context
    if (args[0] !== undefined && args[0] !== '2') fail(/^\d+$/.test(args[0]) ? 'NOPROTO unsupported protocol version' : 'ERR Protocol version is not an integer or out of range')
    for (let i = 1; i < args.length; i++) {
      const option = args[i]!.toLowerCase()
      if (option === 'auth' && i + 2 < args.length) { authenticate(context, args[i + 1]!, args[i + 2]!, true); i += 2 }
      else if (option === 'setname' && i + 1 < args.length) client.name = args[++i]!
      else fail(`ERR Syntax error in HELLO option '${args[i]}'`)
    }
    if (server.passwordRequired && !client.authenticated) fail('NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time')
    return ['server', 'redis', 'version', server.version, 'proto', 2, 'id', client.id, 'mode', 'standalone', 'role', 'master', 'modules', []]
  } },
  client: { arity: -2, run: clientCommand },
  config: { arity: -2, run: config },
  command: { arity: -1, run: () => [] },
  info: { arity: -1, run: ({ server }, sections) => byteStringOf(info(server, sections)) },
  time: { arity: 1, run: ({ nowMs }) => [String(Math.floor(nowMs() / 1000)), String(Math.floor(nowMs() % 1000 * 1000))] },
  role: { arity: 1, run: ({ server }) => server.replication.role() },
  replicaof: { arity: 3, run: replicaOf },
  slaveof: { arity: 3, run: replicaOf },
  replconf: { arity: -1, run: ({ server, client }, args) => server.replication.configure(client, args) },
  psync: { arity: -3, run: ({ server, client }, [id, from]) => server.replication.synchronize(client, id!, Number(from)) },
  wait: { arity: 3, run: ({ server }, [count, timeout]) => server.replication.wait(Number(integer(count!)), Number(integer(timeout!, 'ERR timeout is not an integer or out of range'))) },
  debug: { arity: -2, async run({ server }, args) {
    if (args[0]!.toLowerCase() !== 'sleep' || args.length !== 2) return subcommand('DEBUG', args)
    await server.freeze(Number(args[1]) * 1000)
    return OK
  } },
  save: { arity: 1, run: async ({ server }) => await server.save() ? OK : fail('ERR') },
  bgsave: { arity: -1, run: ({ server }) => { void server.save({ background: true }).catch(() => {}); return { status: 'Background saving started' } } },
  lastsave: { arity: 1, run: ({ server }) => Math.floor(server.lastSaveMs / 1000) },
  shutdown: { arity: -1, run: shutdown },
  multi: { arity: 1, run({ client }) {
    if (client.queued) fail('ERR MULTI calls can not be nested')
    client.queued = []
    return OK
  } },
  exec: { arity: 1, async run({ server, client }) {
    const queue = client.queued ?? fail('ERR EXEC without MULTI')
    const { aborted, stale } = client
    leaveTransaction(client)
    if (aborted) fail('EXECABORT Transaction discarded because of previous errors.')
    return stale ? NULL_ARRAY : server.executeQueue(client, queue)
  } },
  discard: { arity: 1, run({ client }) {
    if (!client.queued) fail('ERR DISCARD without MULTI')
    leaveTransaction(client)
    return OK
  } },
  watch: { arity: -2, run({ client }, keys) {
    if (client.queued) fail('ERR WATCH inside MULTI is not allowed')
    for (const key of keys) client.watched.add(`${client.database} ${key}`)
    return OK
  } },
  unwatch: { arity: 1, run: ({ client }) => { client.watched.clear(); client.stale = false; return OK } },
  publish: { arity: 3, run({ server, client }, [channel, message]) {
    server.replication.feed(client.database, ['PUBLISH', channel!, message!])
    return server.publish(channel!, message!)
  } },
  subscribe: { arity: -2, run: (context, names) => subscription(context, 'subscribe', names, context.client.channels) },
  unsubscribe: { arity: -1, run: (context, names) => subscription(context, 'unsubscribe', names, context.client.channels) },
  psubscribe: { arity: -2, run: (context, names) => subscription(context, 'psubscribe', names, context.client.patterns) },
  punsubscribe: { arity: -1, run: (context, names) => subscription(context, 'punsubscribe', names, context.client.patterns) },
}

const SENTINEL_HAS = ['ping', 'subscribe', 'unsubscribe', 'psubscribe', 'punsubscribe', 'info', 'client', 'shutdown', 'auth', 'hello', 'command', 'quit', 'reset']

/** Commands of a sentinel by lower-case name. */
export const sentinelCommands: Readonly<Record<string, Command<ServerContext>>> = {
  ...Object.fromEntries(SENTINEL_HAS.map((name) => [name, serverCommands[name]!])),
  sentinel: { arity: -2, run: ({ server }, args) => sentinelCommand(server.sentinel!, args) },
  role: { arity: 1, run: ({ server }) => ['sentinel', server.sentinel!.masterNames] },
  publish: { arity: 3, async run({ server }, [channel, message]) {
    if (channel !== '__sentinel__:hello') fail('ERR Only HELLO messages are accepted by Sentinel instances.')
    await server.sentinel!.hello(message!)
    return 1
  } },
}
