import { httpRequest } from '../../../base/http.ts'
import { base64Of, bytesOfBase64 } from '../../../base/base64.ts'
import { readLines, fromWebStream } from '../../../base/streams.ts'
import { errorText } from '../../../unix/errno.ts'
import { UnixError } from '../../../unix/types.ts'
import type { Proc, Program } from '../../../unix/types.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Flags that take a value. */
const VALUED = new Set(['endpoints', 'cacert', 'cert', 'key', 'command-timeout', 'dial-timeout', 'keepalive-time', 'keepalive-timeout', 'user', 'password', 'write-out', 'limit', 'rev', 'order', 'sort-by', 'lease', 'consistency', 'peer-urls'])
const SWITCHES = new Set(['prefix', 'from-key', 'keys-only', 'print-value-only', 'count-only', 'prev-kv', 'hex', 'insecure-skip-tls-verify', 'insecure-transport', 'debug', 'cluster', 'help', 'physical', 'learner'])
const ENVIRONMENT = ['endpoints', 'cacert', 'cert', 'key', 'command-timeout', 'dial-timeout', 'write-out', 'insecure-skip-tls-verify', 'user', 'password']
const TIMEOUT_MS = 5_000

/** What ends the command with a message. */
class CommandFailure extends Error {}

interface KeyValue { key: string; value?: string; create_revision: string; mod_revision: string; version: string; lease?: string }
interface RangeAnswer { header: object; kvs?: KeyValue[]; count?: string; more?: boolean }

/** etcdctl, by way of the JSON form of etcd's API. */
// @k8s part: etcdctl: get, put, del, watch, compact, defrag, member list, add, remove and promote, move-leader, endpoint health and status, alarm list and snapshot save; no users, leases, locks, elections and transactions; a snapshot is no database that etcdutl could read
export function etcdctl(version: string): Program {
  return async (proc) => {
    try {
      const { flags, words } = parse(proc)
      return await run(new Client(proc, flags), version, words)
    } catch (error) {
      if (!(error instanceof CommandFailure)) throw error
      await proc.stderr.write(`Error: ${error.message}\n`)
      return 1
    }
  }
}

function parse(proc: Proc): { flags: Map<string, string>; words: string[] } {
  const flags = new Map<string, string>()
  for (const name of ENVIRONMENT) {
    const value = proc.env[`ETCDCTL_${name.toUpperCase().replaceAll('-', '_')}`]
    if (value !== undefined) flags.set(name, value)
  }
  const words: string[] = []
  const args = proc.argv.slice(1)
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!
    if (!arg.startsWith('-') || arg === '-') { words.push(arg); continue }
    if (arg === '--') { words.push(...args.slice(i + 1)); break }
    const [, given = '', value] = /^--?([^=]+)(?:=([\s\S]*))?$/.exec(arg)!
    const name = arg.startsWith('--') ? given : given === 'w' ? 'write-out' : given === 'h' ? 'help' : ''
    if (!VALUED.has(name) && !SWITCHES.has(name)) throw new CommandFailure(arg.startsWith('--') ? `unknown flag: --${given}` : `unknown shorthand flag: '${given[0]}' in ${arg}`)
    if (SWITCHES.has(name)) flags.set(name, value ?? 'true')
    else if (value !== undefined) flags.set(name, value)
    else if (i + 1 < args.length) flags.set(name, args[++i]!)
    else throw new CommandFailure(`flag needs an argument: --${name}`)
  }
  return { flags, words }
}

/** Talks to the endpoints that the flags name. */
class Client {
  readonly proc: Proc
  readonly flags: ReadonlyMap<string, string>

  constructor(proc: Proc, flags: ReadonlyMap<string, string>) {
    this.proc = proc
    this.flags = flags
  }

  has(flag: string): boolean {
    return this.flags.get(flag) === 'true'
  }

  get format(): string {
    return this.flags.get('write-out') ?? 'simple'
  }

  get endpoints(): string[] {
    return (this.flags.get('endpoints') ?? '127.0.0.1:2379').split(',')
  }

  #read(flag: string): string | undefined {
    const path = this.flags.get(flag)
    if (path === undefined) return undefined
    try {
      return this.proc.fs.readText(this.proc.resolve(path))
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      throw new CommandFailure(`open ${path}: ${errorText(error).toLowerCase()}`)
    }
  }

  /** @throws CommandFailure when the endpoint doesn't answer, or refuses */
  async send(path: string, body: object, endpoint = this.endpoints[0]!): Promise<Response> {
    const { proc } = this
    const [caPem, certificate, key] = ['cacert', 'cert', 'key'].map((flag) => this.#read(flag))
    // Without a scheme TLS is spoken as soon as there is something to speak it with.
    const secure = /^https:/.test(endpoint) || (!/^http:/.test(endpoint) && (caPem !== undefined || certificate !== undefined))
    const url = `${secure ? 'https' : 'http'}://${endpoint.replace(/^https?:\/\//, '')}${path}`
    let response: Response
    try {
      response = await this.#inTime(path, proc.net.fetch(httpRequest(url, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }), {
        connectTimeoutMs: TIMEOUT_MS, insecure: this.has('insecure-skip-tls-verify'), ...(caPem ? { caPem } : {}), ...(certificate && key ? { clientCertificatePem: certificate, clientKeyPem: key } : {}),
      }))
    } catch (error) {
      if (!(error instanceof UnixError)) throw error
      return this.#inVain(endpoint, error.code === 'ECONNREFUSED' ? `dial tcp ${new URL(url).host}: connect: connection refused` : error.message)
    }
    if (response.status === 401 || !response.headers.get('content-type')?.startsWith('application/json')) return this.#inVain(endpoint, secure ? 'authentication handshake failed: remote error: tls: bad certificate' : 'error reading server preface: EOF')
    if (response.status !== 200) throw new CommandFailure((await response.json() as { message: string }).message)
    return response
  }

  /** @throws CommandFailure for what is no duration */
  #timeoutMs(): number {
    const text = this.flags.get('command-timeout')
    if (text === undefined) return TIMEOUT_MS
    const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text) ?? []
    if (number === undefined) throw new CommandFailure(`invalid argument ${JSON.stringify(text)} for "--command-timeout" flag: time: invalid duration ${JSON.stringify(text)}`)
    return Number(number) * { ms: 1, s: 1_000, m: 60_000 }[unit as 'ms' | 's' | 'm']
  }

  /** What takes longer than --command-timeout is given up; a watch may take as long as it likes. */
  async #inTime(path: string, answer: Promise<Response>): Promise<Response> {
    if (path === '/v3/watch') return answer
    const limit = new AbortController()
    const late = this.proc.clock.sleep(this.#timeoutMs(), limit.signal).then(() => { throw new CommandFailure('context deadline exceeded') })
    late.catch(() => {})
    try {
      return await Promise.race([answer, late])
    } finally {
      limit.abort()
    }
  }

  /** As a client that tries until its time is over. */
  async #inVain(endpoint: string, why: string): Promise<never> {
    const { proc } = this
    await proc.sleep(TIMEOUT_MS)
    const line = { level: 'warn', ts: new Date(proc.clock.nowMs()).toISOString(), logger: 'etcd-client', caller: 'v3@v3.6.8/retry_interceptor.go:65', msg: 'retrying of unary invoker failed', target: `etcd-endpoints://0xc000300000/${endpoint.replace(/^https?:\/\//, '')}`, method: '/etcdserverpb.KV/Range', attempt: 0, error: `rpc error: code = DeadlineExceeded desc = latest balancer error: last connection error: connection error: desc = "transport: ${why}"` }
    await proc.stderr.write(`${JSON.stringify(line)}\n`)
    throw new CommandFailure('context deadline exceeded')
  }

  async ask<T>(path: string, body: object, endpoint?: string): Promise<T> {
    return await (await this.send(path, body, endpoint)).json() as T
  }

  out(text: string | Uint8Array): Promise<void> {
    return this.proc.stdout.write(text)
  }
}

async function run(client: Client, version: string, words: readonly string[]): Promise<number> {
  const [command, ...args] = words
  switch (command) {
    case 'version':
      await client.out(`etcdctl version: ${version}\nAPI version: ${version.split('.').slice(0, 2).join('.')}\n`)
      return 0
    case 'get': return get(client, args)
    case 'put': {
      if (args.length === 0) throw new CommandFailure('put command needs 1 argument and input from stdin or 2 arguments')
      let value = args[1]
      if (value === undefined) for await (const line of readLines(client.proc.stdin)) value = value === undefined ? line : `${value}\n${line}`
      const answer = await client.ask<{ prev_kv?: KeyValue }>('/v3/kv/put', { key: encode(args[0]!), value: encode(value ?? ''), prev_kv: client.has('prev-kv') })
      await client.out(client.format === 'json' ? jsonText(answer) : 'OK\n')
      if (answer.prev_kv && client.format !== 'json') await printPair(client, answer.prev_kv)
      return 0
    }
    case 'del': {
      if (args.length === 0 || args.length > 2) throw new CommandFailure('del command needs one argument as key and an optional argument as range_end')
      const answer = await client.ask<{ deleted?: string; prev_kvs?: KeyValue[] }>('/v3/kv/deleterange', { ...rangeOf(client, args), prev_kv: client.has('prev-kv') })
      if (client.format === 'json') { await client.out(jsonText(answer)); return 0 }
      await client.out(`${answer.deleted ?? 0}\n`)
      for (const kv of answer.prev_kvs ?? []) await printPair(client, kv)
      return 0
    }
    case 'watch': return watch(client, args)
    case 'compact': case 'compaction': {
      if (args.length !== 1 || !/^\d+$/.test(args[0]!)) throw new CommandFailure('compaction command needs 1 argument')
      await client.ask('/v3/kv/compaction', { revision: args[0] })
      await client.out(`compacted revision ${args[0]}\n`)
      return 0
    }
    case 'defrag':
      for (const endpoint of client.endpoints) {
        await client.ask('/v3/maintenance/defragment', {}, endpoint)
        await client.out(`Finished defragmenting etcd member[${endpoint}]. took ${client.proc.random.int(30) + 10}.${client.proc.random.int(900) + 100}ms\n`)
      }
      return 0
    case 'member': {
      const run = Object.hasOwn(MEMBER_COMMANDS, args[0] ?? '') ? MEMBER_COMMANDS[args[0]!] : undefined
      if (run) return run(client, args.slice(1))
      break
    }
    case 'move-leader': return moveLeader(client, args)
    case 'endpoint':
      if (args[0] === 'health') return endpointHealth(client)
      if (args[0] === 'status') return endpointStatus(client)
      break
    case 'alarm': if (args[0] === 'list') { await client.ask('/v3/maintenance/alarm', {}); return 0 } break
    case 'snapshot': if (args[0] === 'save') return saveSnapshot(client, args.slice(1)); break
  }
  if (command === undefined || command === 'help' || client.has('help')) {
    await client.out(`NAME:\n\tetcdctl - A simple command line client for etcd3.\n\nUSAGE:\n\tetcdctl [flags]\n\nVERSION:\n\t${version}\n\nAPI VERSION:\n\t${version.split('.').slice(0, 2).join('.')}\n\nCOMMANDS:\n\talarm list\t\tLists all alarms\n\tcompaction\t\tCompacts the event history in etcd\n\tdefrag\t\t\tDefragments the storage of the etcd members with given endpoints\n\tdel\t\t\tRemoves the specified key or range of keys [key, range_end)\n\tendpoint health\t\tChecks the healthiness of endpoints specified in \`--endpoints\` flag\n\tendpoint status\t\tPrints out the status of endpoints specified in \`--endpoints\` flag\n\tget\t\t\tGets the key or a range of keys\n\tmember add\t\tAdds a member into the cluster\n\tmember list\t\tLists all members in the cluster\n\tmember promote\t\tPromotes a non-voting member in the cluster\n\tmember remove\t\tRemoves a member from the cluster\n\tmove-leader\t\tTransfers leadership to another etcd cluster member.\n\tput\t\t\tPuts the given key into the store\n\tsnapshot save\t\tStores an etcd node backend snapshot to a given file\n\tversion\t\t\tPrints the version of etcdctl\n\twatch\t\t\tWatches events stream on keys or prefixes\n`)
    return 0
  }
  throw new CommandFailure(`unknown command "${words.slice(0, ['member', 'endpoint', 'alarm', 'snapshot'].includes(command) ? 2 : 1).join(' ')}" for "etcdctl"`)
}

const encode = (text: string) => base64Of(encoder.encode(text))
const decode = (text: string | undefined) => bytesOfBase64(text ?? '')

/** The range that a key, an end and the flags mean. */
function rangeOf(client: Client, [key = '', end]: readonly string[]): Record<string, unknown> {
  const isPrefix = client.has('prefix')
  if (isPrefix && client.has('from-key')) throw new CommandFailure('`--prefix` and `--from-key` cannot be set at the same time, choose one')
  if (isPrefix) return key === '' ? { key: encode('\0'), range_end: encode('\0') } : { key: encode(key), range_end: base64Of(prefixEnd(encoder.encode(key))) }
  if (client.has('from-key')) return { key: encode(key || '\0'), range_end: encode('\0') }
  return { key: encode(key), ...(end === undefined ? {} : { range_end: encode(end) }) }
}

/** The first key after all with this prefix. */
function prefixEnd(prefix: Uint8Array): Uint8Array {
  for (let i = prefix.length - 1; i >= 0; i--) if (prefix[i]! < 255) return Uint8Array.from([...prefix.subarray(0, i), prefix[i]! + 1])
  return Uint8Array.of(0)
}

async function printPair(client: Client, kv: KeyValue): Promise<void> {
  const bytes = (encoded: string | undefined) => client.has('hex') ? encoder.encode([...decode(encoded)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')) : decode(encoded)
  if (!client.has('print-value-only')) await client.out(Uint8Array.from([...bytes(kv.key), 10]))
  await client.out(Uint8Array.from([...bytes(kv.value), 10]))
}

async function get(client: Client, args: readonly string[]): Promise<number> {
  if (args.length === 0 && !client.has('prefix') && !client.has('from-key')) throw new CommandFailure('get command needs one argument as key and an optional argument as range_end')
  if (client.has('keys-only') && client.has('count-only')) throw new CommandFailure('`--keys-only` and `--count-only` cannot be set at the same time, choose one')
  const answer = await client.ask<RangeAnswer>('/v3/kv/range', {
    ...rangeOf(client, args), keys_only: client.has('keys-only'), count_only: client.has('count-only'), ...(client.flags.has('limit') ? { limit: client.flags.get('limit') } : {}), ...(client.flags.has('rev') ? { revision: client.flags.get('rev') } : {}), ...(client.flags.get('consistency') === 's' ? { serializable: true } : {}),
  })
  if (client.format === 'json') { await client.out(jsonText(answer)); return 0 }
  if (client.format === 'fields') {
    for (const [name, value] of Object.entries(answer.header)) await client.out(`"${{ cluster_id: 'ClusterID', member_id: 'MemberID', revision: 'Revision', raft_term: 'RaftTerm' }[name] ?? name}" : ${value}\n`)
    for (const kv of answer.kvs ?? []) await client.out(`"Key" : ${JSON.stringify(decoder.decode(decode(kv.key)))}\n"CreateRevision" : ${kv.create_revision}\n"ModRevision" : ${kv.mod_revision}\n"Version" : ${kv.version}\n"Value" : ${JSON.stringify(decoder.decode(decode(kv.value)))}\n"Lease" : ${kv.lease ?? 0}\n`)
    await client.out(`"More" : ${answer.more ?? false}\n"Count" : ${answer.count ?? 0}\n`)
    return 0
  }
  for (const kv of answer.kvs ?? []) await printPair(client, kv)
  return 0
}

async function watch(client: Client, args: readonly string[]): Promise<number> {
  if (args.length === 0) throw new CommandFailure('watch command needs arguments')
  const response = await client.send('/v3/watch', { create_request: rangeOf(client, args) })
  for await (const line of readLines(fromWebStream(response.body!))) {
    const { result } = JSON.parse(line) as { result: { events?: { type?: string; kv: KeyValue }[] } }
    for (const { type, kv } of result.events ?? []) {
      await client.out(`${type ?? 'PUT'}\n`)
      await printPair(client, kv)
    }
  }
  return 0
}

/** Rows below headings, as etcdctl draws tables. */
function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, i) => Math.max(heading.length, ...rows.map((row) => row[i]!.length)))
  const rule = `+${widths.map((width) => '-'.repeat(width + 2)).join('+')}+\n`
  const centred = (text: string, width: number) => { const left = Math.floor((width - text.length) / 2); return ' '.repeat(left) + text + ' '.repeat(width - text.length - left) }
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`
  return rule + line(headings.map((heading, i) => centred(heading, widths[i]!))) + rule + rows.map((row) => line(row.map((cell, i) => cell.padStart(widths[i]!)))).join('') + rule
}

const hexId = (id: string) => BigInt(id).toString(16)

/** Bytes as a reader likes them: `350 kB`. */
function bytesText(bytes: number): string {
  const [size, unit] = bytes < 1e3 ? [bytes, 'B'] : bytes < 1e6 ? [bytes / 1e3, 'kB'] : [bytes / 1e6, 'MB']
  return `${size < 10 && unit !== 'B' ? size.toFixed(1) : Math.round(size)} ${unit}`
}

const NUMBERS = /"(cluster_id|member_id|revision|raft_term|create_revision|mod_revision|version|lease|count|deleted|ID|leader|dbSize|dbSizeInUse|raftIndex|raftTerm|raftAppliedIndex)":"(\d+)"/g

/** An answer as etcdctl writes JSON: numbers as numbers, however long. */
function jsonText(answer: unknown): string {
  return `${JSON.stringify(answer).replace(NUMBERS, '"$1":$2')}\n`
}

interface Member { ID: string; name?: string; peerURLs: string[]; clientURLs?: string[]; isLearner?: boolean }
interface MemberAnswer { header: { cluster_id: string; member_id: string }; member?: Member; members: Member[] }

const MEMBER_COMMANDS: Readonly<Record<string, (client: Client, args: readonly string[]) => Promise<number>>> = { list: memberList, add: memberAdd, remove: memberRemove, promote: memberPromote }

async function memberList(client: Client): Promise<number> {
  const answer = await client.ask<MemberAnswer>('/v3/cluster/member/list', { linearizable: client.flags.get('consistency') !== 's' })
  const rows = answer.members.map(({ ID, name = '', peerURLs, clientURLs = [], isLearner = false }) => [hexId(ID), name === '' ? 'unstarted' : 'started', name, peerURLs.join(','), clientURLs.join(','), String(isLearner)])
  await client.out(client.format === 'json' ? jsonText(answer) : client.format === 'table' ? table(['ID', 'STATUS', 'NAME', 'PEER ADDRS', 'CLIENT ADDRS', 'IS LEARNER'], rows) : rows.map((row) => `${row.join(', ')}\n`).join(''))
  return 0
}

/** k8s: etcdctl ctlv3/command/member_command.go */
async function memberAdd(client: Client, args: readonly string[]): Promise<number> {
  if (args.length < 1) throw new CommandFailure('member name not provided')
  if (args.length > 1) throw new CommandFailure('too many arguments')
  const urls = client.flags.get('peer-urls')?.split(',').filter(Boolean) ?? []
  if (urls.length === 0) throw new CommandFailure('member peer urls not provided')
  const answer = await client.ask<MemberAnswer>('/v3/cluster/member/add', { peerURLs: urls, isLearner: client.has('learner') })
  if (client.format === 'json') { await client.out(jsonText(answer)); return 0 }
  const added = answer.member!
  const pairs = answer.members.flatMap(({ ID, name, peerURLs }) => peerURLs.map((url) => `${ID === added.ID ? args[0] : name ?? ''}=${url}`))
  await client.out(`Member ${hexId(added.ID).padStart(16)} added to cluster ${hexId(answer.header.cluster_id).padStart(16)}\n\nETCD_NAME="${args[0]}"\nETCD_INITIAL_CLUSTER="${pairs.join(',')}"\nETCD_INITIAL_ADVERTISE_PEER_URLS="${urls.join(',')}"\nETCD_INITIAL_CLUSTER_STATE="existing"\n`)
  return 0
}

async function memberRemove(client: Client, args: readonly string[]): Promise<number> {
  if (args.length !== 1) throw new CommandFailure('member ID is not provided')
  const answer = await client.ask<MemberAnswer>('/v3/cluster/member/remove', { ID: idOf(args[0]!) })
  await client.out(client.format === 'json' ? jsonText(answer) : `Member ${hexId(idOf(args[0]!)).padStart(16)} removed from cluster ${hexId(answer.header.cluster_id).padStart(16)}\n`)
  return 0
}

async function memberPromote(client: Client, args: readonly string[]): Promise<number> {
  if (args.length !== 1) throw new CommandFailure('member ID is not provided')
  const answer = await client.ask<MemberAnswer>('/v3/cluster/member/promote', { ID: idOf(args[0]!) })
  await client.out(client.format === 'json' ? jsonText(answer) : `Member ${hexId(idOf(args[0]!)).padStart(16)} promoted in cluster ${hexId(answer.header.cluster_id).padStart(16)}\n`)
  return 0
}

/** A member's number, from hexadecimal. */
function idOf(text: string): string {
  if (!/^[0-9a-f]{1,16}$/i.test(text)) throw new CommandFailure(`bad member ID arg (strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax), expecting ID in Hex`)
  return String(BigInt(`0x${text}`))
}

/** k8s: etcdctl ctlv3/command/move_leader_command.go */
async function moveLeader(client: Client, args: readonly string[]): Promise<number> {
  if (args.length !== 1) throw new CommandFailure('move-leader command needs 1 argument')
  const target = idOf(args[0]!)
  for (const endpoint of client.endpoints) {
    const status = await client.ask<{ header: { member_id: string }; leader?: string }>('/v3/maintenance/status', {}, endpoint)
    if (status.header.member_id !== status.leader) continue
    await client.ask('/v3/maintenance/transfer-leadership', { targetID: target }, endpoint)
    await client.out(`Leadership transferred from ${hexId(status.leader)} to ${hexId(target)}\n`)
    return 0
  }
  throw new CommandFailure(`no leader endpoint given at ${JSON.stringify(client.endpoints).replaceAll('","', ' ').replaceAll('"', '')}`)
}

/** Those of the flags, or with --cluster those of all members. k8s: etcdctl ctlv3/command/ep_command.go endpointsFromCluster */
async function endpointsOf(client: Client): Promise<string[]> {
  if (!client.has('cluster')) return client.endpoints
  const { members } = await client.ask<{ members: Member[] }>('/v3/cluster/member/list', { linearizable: false }).catch((error: unknown) => {
    throw error instanceof CommandFailure ? new CommandFailure(`failed to fetch endpoints from etcd cluster member list: ${error.message}`) : error
  })
  return members.flatMap(({ clientURLs = [] }) => clientURLs)
}

async function endpointHealth(client: Client): Promise<number> {
  let code = 0
  for (const endpoint of await endpointsOf(client)) {
    const startMs = client.proc.clock.nowMs()
    try {
      await client.ask('/v3/kv/range', { key: encode('health') }, endpoint)
      const took = Math.max(1, client.proc.clock.nowMs() - startMs) + client.proc.random.float()
      await client.out(client.format === 'table' ? table(['ENDPOINT', 'HEALTH', 'TOOK', 'ERROR'], [[endpoint, 'true', `${took.toFixed(6)}ms`, '']]) : `${endpoint} is healthy: successfully committed proposal: took = ${took.toFixed(6)}ms\n`)
    } catch (error) {
      if (!(error instanceof CommandFailure)) throw error
      code = 1
      await client.out(`${endpoint} is unhealthy: failed to commit proposal: ${error.message}\n`)
    }
  }
  if (code !== 0) throw new CommandFailure('unhealthy cluster')
  return code
}

async function endpointStatus(client: Client): Promise<number> {
  const rows: string[][] = []
  const answers: object[] = []
  let isMissing = false
  for (const endpoint of await endpointsOf(client)) {
    let status
    try {
      status = await client.ask<{ header: { member_id: string }; version: string; storageVersion: string; dbSize: string; dbSizeInUse: string; leader?: string; raftTerm: string; raftIndex: string; raftAppliedIndex: string; errors?: string[]; isLearner?: boolean }>('/v3/maintenance/status', {}, endpoint)
    } catch (error) {
      if (!(error instanceof CommandFailure)) throw error
      isMissing = true
      await client.proc.stderr.write(`Failed to get the status of endpoint ${endpoint} (${error.message})\n`)
      continue
    }
    answers.push({ Endpoint: endpoint, Status: status })
    rows.push([endpoint, hexId(status.header.member_id), status.version, status.storageVersion, bytesText(Number(status.dbSize)), bytesText(Number(status.dbSizeInUse)), '0%', '0 B', String(status.leader === status.header.member_id), String(status.isLearner ?? false), status.raftTerm, status.raftIndex, status.raftAppliedIndex, status.errors?.join(', ') ?? '', '', 'false'])
  }
  if (client.format === 'json') await client.out(jsonText(answers))
  else if (rows.length > 0) await client.out(client.format === 'table'
    ? table(['ENDPOINT', 'ID', 'VERSION', 'STORAGE VERSION', 'DB SIZE', 'IN USE', 'PERCENTAGE NOT IN USE', 'QUOTA', 'IS LEADER', 'IS LEARNER', 'RAFT TERM', 'RAFT INDEX', 'RAFT APPLIED INDEX', 'ERRORS', 'DOWNGRADE TARGET VERSION', 'DOWNGRADE ENABLED'], rows)
    : rows.map((row) => `${row.join(', ')}\n`).join(''))
  return isMissing ? 1 : 0
}

async function saveSnapshot(client: Client, [path]: readonly string[]): Promise<number> {
  if (path === undefined) throw new CommandFailure('snapshot save expects one argument')
  const { result } = await client.ask<{ result: { blob: string } }>('/v3/maintenance/snapshot', {})
  const { proc } = client
  const log = (caller: string, msg: string, more: object) => proc.stderr.write(`${JSON.stringify({ level: 'info', ts: new Date(proc.clock.nowMs()).toISOString(), caller, msg, ...more })}\n`)
  const bytes = decode(result.blob)
  await log('snapshot/v3_snapshot.go:83', 'created temporary db file', { path: `${path}.part` })
  try {
    proc.fs.writeFile(proc.resolve(path), bytes)
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    throw new CommandFailure(`open ${path}.part: ${errorText(error).toLowerCase()}`)
  }
  await log('snapshot/v3_snapshot.go:96', 'fetching snapshot', { endpoint: client.endpoints[0] })
  await log('snapshot/v3_snapshot.go:111', 'fetched snapshot', { endpoint: client.endpoints[0], size: bytesText(bytes.length), took: 'now' })
  await log('snapshot/v3_snapshot.go:121', 'saved', { path })
  await client.out(`Snapshot saved at ${path}\nServer version 3.6.0\n`)
  return 0
}
