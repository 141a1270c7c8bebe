import { parseAllDocuments, stringify } from 'yaml'
import { createPipe, readAll } from '../../../../base/streams.ts'
import { callGrpc, isServed } from '../../../../unix/net/grpc.ts'
import { UnixError } from '../../../../unix/types.ts'
import type { Proc, Program } from '../../../../unix/types.ts'
import { allocationsOf } from '../../../calico/ipam-block.ts'
import { Ipam, contains } from '../../../calico/ipam.ts'
import { kubeconfigCall } from '../../../calico/kubeconfig-call.ts'
import { Datastore, isFailure } from '../../../calico/resources.ts'
import type { Call, ClusterInformationSpec } from '../../../calico/resources.ts'
import { BIRD_SOCKET } from '../bird.ts'
import type { BirdStatus } from '../bird.ts'
import { compilePolicy } from '../../../calico/policy/policy.ts'
import type { PolicyObject } from '../../../calico/policy/policy.ts'
import { calicoClient } from '../node-client.ts'
import { API_V3, CTL_KINDS, pathOf, readResources } from './kinds.ts'
import type { CtlKind, ShownResource } from './kinds.ts'
import { bordered, tabbed } from './tables.ts'

// @k8s part: calicoctl: get, create, apply, replace, delete, ipam show, node status and version; other commands, templates and custom columns are missing, --log-level has no effect

/** Thrown for what ends the command; the message is printed. */
class CtlError extends Error {}

const VALUES = ['output', 'namespace', 'filename', 'config', 'context', 'ip', 'poll', 'log-level']
const SHORT: Readonly<Record<string, string>> = { o: 'output', n: 'namespace', f: 'filename', c: 'config', l: 'log-level', a: 'all-namespaces', s: 'skip-not-exists', h: 'help' }
const SWITCHES = ['all-namespaces', 'allow-version-mismatch', 'show-blocks', 'show-borrowed', 'client', 'help', 'skip-exists', 'skip-not-exists']
/** The flags of each command, besides those of all. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  create: ['filename', 'namespace', 'skip-exists'], replace: ['filename', 'namespace'], apply: ['filename', 'namespace'], delete: ['filename', 'namespace', 'skip-not-exists'],
  get: ['filename', 'namespace', 'output', 'all-namespaces'], ipam: ['ip', 'show-blocks', 'show-borrowed'], node: [], version: ['poll', 'client'],
}
const COMMON = ['help', 'config', 'context', 'allow-version-mismatch', 'log-level']
const UNSUPPORTED = ['patch', 'label', 'validate', 'datastore', 'cluster', 'convert']

const invalid = (args: readonly string[]) => new CtlError(`invalid option: 'calicoctl ${args.join(' ')}'. Use flag '--help' to read about a specific subcommand`)

/** calicoctl: shows and changes Calico's resources. calico: calicoctl */
export function calicoctl(version: string): Program {
  return async (proc) => {
    try {
      await run(proc, version)
      return 0
    } catch (error) {
      if (proc.killed.aborted || !(error instanceof Error)) throw error
      await proc.stderr.write(`${error.message}\n`)
      return 1
    }
  }
}

async function run(proc: Proc, version: string): Promise<void> {
  const { words, flags } = readArguments(proc.argv.slice(1))
  const [command = '', ...rest] = words
  if (UNSUPPORTED.includes(command)) throw new CtlError(`drydock: calicoctl ${command} is not supported here`)
  if (flags.has('help') || command === '') {
    await proc.stdout.write(`Usage:\n  calicoctl [options] <command> [<args>...]\n\n    ${Object.keys(COMMANDS).join('\n    ')}\n`)
    return
  }
  if (COMMANDS[command] && [...flags.keys()].some((flag) => !COMMON.includes(flag) && !COMMANDS[command]!.includes(flag))) throw invalid(proc.argv.slice(1))
  switch (command) {
    case 'version': return showVersion(proc, version, flags)
    case 'node':
      if (rest[0] !== 'status') throw new CtlError(`drydock: calicoctl node ${rest[0] ?? ''} is not supported here`)
      return nodeStatus(proc)
    case 'get': await refuseMismatch(proc, version, flags); return get(proc, rest, flags)
    case 'create': case 'apply': case 'replace': await refuseMismatch(proc, version, flags); return write(proc, command, flags)
    case 'delete': await refuseMismatch(proc, version, flags); return remove(proc, rest, flags)
    case 'ipam':
      if (rest[0] !== 'show') throw new CtlError(`drydock: calicoctl ipam ${rest[0] ?? ''} is not supported here`)
      await refuseMismatch(proc, version, flags)
      return ipamShow(proc, flags)
    default: throw new CtlError(`unknown command: ${JSON.stringify(command)}`)
  }
}

function readArguments(args: readonly string[]): { words: string[]; flags: Map<string, string> } {
  const words: string[] = []
  const flags = new Map<string, string>()
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!
    if (!arg.startsWith('-') || arg === '-') { words.push(arg); continue }
    const [, long, value] = /^--([\w-]+)(?:=(.*))?$/s.exec(arg) ?? []
    const name = long ?? SHORT[arg[1]!]
    if (name === undefined || (!VALUES.includes(name) && !SWITCHES.includes(name))) throw invalid(args)
    if (SWITCHES.includes(name)) flags.set(name, 'true')
    else flags.set(name, (long === undefined ? arg.slice(2).replace(/^=/, '') || args[++i] : value ?? args[++i]) ?? '')
  }
  return { words, flags }
}

/** As whom it asks: the pod's account, or what the kubeconfig says. */
function connect(proc: Proc, flags: ReadonlyMap<string, string>): Call {
  if (flags.has('config') || flags.has('context')) throw new CtlError(`drydock: ${flags.has('config') ? '--config' : '--context'} is not supported here; the kubeconfig's current context counts`)
  if (proc.env.DATASTORE_TYPE !== undefined && proc.env.DATASTORE_TYPE !== 'kubernetes') throw new CtlError('drydock: only the datastore kubernetes is supported')
  const path = proc.env.KUBECONFIG || `${proc.user.home}/.kube/config`
  if (!proc.env.KUBECONFIG && proc.fs.exists('/var/run/secrets/kubernetes.io/serviceaccount/token')) return calicoClient(proc).call
  try {
    return kubeconfigCall(proc.resolve(path), proc.fs, proc.net)
  } catch (error) {
    throw new CtlError(error instanceof UnixError ? `failed to create Calico API client: invalid configuration: no configuration has been provided, try setting KUBERNETES_MASTER environment variable` : (error as Error).message)
  }
}

/** Refuses to work on a cluster of another release, unless that is allowed. calico: calicoctl/calicoctl/commands/common/version_mismatch.go */
async function refuseMismatch(proc: Proc, version: string, flags: ReadonlyMap<string, string>): Promise<void> {
  if (flags.has('allow-version-mismatch')) return
  const information = await new Datastore(connect(proc, flags)).get<ClusterInformationSpec>('clusterinformations', 'default').catch((error: Error) => { throw new CtlError(`unable to get Cluster Information to verify version mismatch: ${error.message}\nUse --allow-version-mismatch to override`) })
  const [theirs, own] = [information?.spec.calicoVersion, version].map((text) => (text ?? '').replace(/^v/, '').split('-')[0]!)
  if (theirs && theirs !== own) throw new CtlError(`version mismatch.\nClient Version:   ${version}\nCluster Version:  ${theirs}\nUse --allow-version-mismatch to override`)
}

function kindOf(word: string): CtlKind {
  const kind = CTL_KINDS.find(({ names, kind: own }) => names.includes(word.toLowerCase()) || own === word)
  if (!kind) throw new CtlError(`failed to execute command: resource type '${word}' is not supported`)
  return kind
}

const missing = (kind: string, name: string, namespace: string | undefined, error: Error) => `resource does not exist: ${kind}(${namespace === undefined ? '' : `${namespace}/`}${name}) with error: ${error.message}`

async function get(proc: Proc, [type, ...names]: readonly string[], flags: ReadonlyMap<string, string>): Promise<void> {
  const output = flags.get('output') ?? 'ps'
  if (!['ps', 'wide', 'yaml', 'json'].includes(output)) throw new CtlError(/^(custom-columns|go-template)/.test(output) ? `drydock: the output ${output} is not supported here` : `unrecognized output format '${output}'`)
  const call = connect(proc, flags)
  const files = flags.has('filename') ? await readFiles(proc, flags.get('filename')!) : undefined
  if (!type && !files) throw invalid(['get'])
  const isAll = flags.has('all-namespaces')
  const wanted = files?.map(({ kind, metadata }) => ({ kind: kindOf(kind), name: metadata.name, namespace: metadata.namespace })) ?? (names.length > 0 ? names : [undefined]).map((name) => ({ kind: kindOf(type!), name, namespace: undefined }))
  const found: { kind: CtlKind; name: string | undefined; items: ShownResource[] }[] = []
  for (const { kind, name, namespace } of wanted) {
    const where = kind.isNamespaced ? (isAll ? undefined : namespace ?? flags.get('namespace') ?? 'default') : undefined
    const items = await readResources(call, kind, where, name).catch((error: Error) => { throw new CtlError(isFailure(error, 'NotFound') && name !== undefined ? missing(kind.kind, name, where, error) : `failed to get resources: ${error.message}`) })
    found.push({ kind, name, items })
  }
  if (output === 'yaml' || output === 'json') {
    const shown: object[] = found.flatMap(({ kind, name, items }): object[] => (name === undefined ? [{ apiVersion: API_V3, items, kind: `${kind.kind}List`, metadata: {} }] : items))
    const value = shown.length === 1 ? shown[0] : shown
    await proc.stdout.write(output === 'json' ? `${JSON.stringify(value, undefined, 2)}\n` : stringify(value, { sortMapEntries: true, lineWidth: 0 }))
    return
  }
  for (const { kind, items } of found) {
    const columns = [...(isAll && kind.isNamespaced ? ['NAMESPACE'] : []), ...(output === 'wide' ? kind.wide : kind.columns)]
    await proc.stdout.write(`${tabbed([columns, ...items.map((item) => columns.map((column) => kind.value(item, column)))])}\n`)
  }
}

async function readFiles(proc: Proc, path: string): Promise<ShownResource[]> {
  let text: string
  try {
    text = path === '-' ? new TextDecoder().decode(await readAll(proc.stdin)) : proc.fs.readText(proc.resolve(path))
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    throw new CtlError(`failed to execute command: open ${path}: ${error.message.toLowerCase()}`)
  }
  const documents = parseAllDocuments(text)
  const broken = documents.flatMap(({ errors }) => errors)[0]
  if (broken) throw new CtlError(`failed to execute command: error converting YAML to JSON: yaml: ${broken.message.split('\n')[0]}`)
  const objects = documents.map((document) => document.toJS() as ShownResource | null).filter((each): each is ShownResource => each !== null)
  const strange = objects.find(({ kind }) => typeof kind !== 'string')
  if (strange) throw new CtlError(`failed to execute command: resource type 'unknown resource type: ${strange.apiVersion ?? ''}, Kind='`)
  const resources = objects.flatMap((each) => (each.kind.endsWith('List') ? (each as unknown as { items?: ShownResource[] }).items ?? [] : [each]))
  if (resources.some(({ metadata }) => typeof metadata?.name !== 'string')) throw new CtlError(`drydock: a resource in ${path} has no name`)
  return resources
}

/** calico: calicoctl/calicoctl/commands/{create,apply,replace}.go */
async function write(proc: Proc, action: 'create' | 'apply' | 'replace', flags: ReadonlyMap<string, string>): Promise<void> {
  if (!flags.has('filename')) throw invalid([action])
  const resources = await readFiles(proc, flags.get('filename')!)
  if (resources.length === 0) { await proc.stdout.write('No resources specified\n'); return }
  const call = connect(proc, flags)
  const only = resources.every(({ kind }) => kind === resources[0]!.kind) ? resources[0]!.kind : undefined
  const done = { create: 'created', apply: 'applied', replace: 'replaced' }[action]
  const errors: string[] = []
  for (const resource of resources) {
    try {
      await writeOne(call, action, resource, flags)
    } catch (error) {
      if (proc.killed.aborted) throw error
      errors.push((error as Error).message)
    }
  }
  const count = resources.length - errors.length
  const what = only ? `'${only}' ` : ''
  // Of several errors `replace` tells the last.
  const told = action === 'replace' ? errors.at(-1)! : `[${errors.join(' ')}]`
  if (count === 0) throw new CtlError(`failed to ${action} ${resources.length === 1 ? `${what}resource` : `any ${what}resources`}: ${told}`)
  if (errors.length > 0) {
    if (action === 'replace' || count > errors.length) await proc.stdout.write(`Partial success: ${done} the first ${count} out of ${resources.length} ${what}resources:\n`)
    throw new CtlError(`hit error${action === 'apply' ? '(s)' : ''}: ${told}`)
  }
  await proc.stdout.write(`Successfully ${done} ${count} ${what}resource(s)\n`)
}

async function writeOne(call: Call, action: 'create' | 'apply' | 'replace', { apiVersion, kind: name, metadata, spec: said = {} }: ShownResource, flags: ReadonlyMap<string, string>): Promise<void> {
  const kind = kindOf(name)
  if (apiVersion !== API_V3) throw new CtlError(`resource type 'unknown resource type: ${apiVersion}, Kind=${name}'`)
  if (kind.plural === undefined) throw new CtlError(`drydock: ${name} can't be written here`)
  const where = kind.isNamespaced ? metadata.namespace ?? flags.get('namespace') ?? 'default' : undefined
  let spec = said
  if (name === 'NetworkPolicy' || name === 'GlobalNetworkPolicy') {
    const { ingress, egress } = said as { ingress?: unknown[]; egress?: unknown[] }
    spec = { tier: 'default', ...said, types: said.types ?? [...(ingress?.length || !egress?.length ? ['Ingress'] : []), ...(egress?.length ? ['Egress'] : [])] }
    try {
      compilePolicy(name, { metadata: { name: metadata.name }, spec } as PolicyObject)
    } catch (error) {
      throw new CtlError(`error with the following fields:\n-  ${(error as Error).message}`)
    }
  }
  const path = pathOf(kind, where, metadata.name)
  const object = { apiVersion: 'crd.projectcalico.org/v1', kind: name, metadata: { ...metadata, ...(where === undefined ? {} : { namespace: where }) }, spec }
  const known = action === 'create' ? undefined : await call<ShownResource>('GET', path).catch((error: Error) => { if (isFailure(error, 'NotFound') && action === 'apply') return undefined; throw isFailure(error, 'NotFound') ? new CtlError(missing(name, metadata.name, where, error)) : error })
  try {
    if (known) await call('PUT', path, { ...object, metadata: { ...object.metadata, resourceVersion: metadata.resourceVersion ?? known.metadata.resourceVersion } })
    else await call('POST', pathOf(kind, where), object)
  } catch (error) {
    if (isFailure(error, 'AlreadyExists') && flags.has('skip-exists')) return
    if (isFailure(error, 'AlreadyExists')) throw new CtlError(`resource already exists: ${name}(${where === undefined ? '' : `${where}/`}${metadata.name}) with error: ${(error as Error).message}`)
    throw error
  }
}

async function remove(proc: Proc, [type, ...names]: readonly string[], flags: ReadonlyMap<string, string>): Promise<void> {
  const files = flags.has('filename') ? await readFiles(proc, flags.get('filename')!) : undefined
  if (!files && (!type || names.length === 0)) throw invalid(['delete', ...(type ? [type] : [])])
  const wanted = files?.map(({ kind, metadata }) => ({ kind: kindOf(kind), name: metadata.name, namespace: metadata.namespace })) ?? names.map((name) => ({ kind: kindOf(type!), name, namespace: undefined }))
  const call = connect(proc, flags)
  const only = wanted.every(({ kind }) => kind === wanted[0]!.kind) ? wanted[0]!.kind.kind : undefined
  const failures: string[] = []
  let count = 0
  for (const { kind, name, namespace } of wanted) {
    const where = kind.isNamespaced ? namespace ?? flags.get('namespace') ?? 'default' : undefined
    try {
      if (kind.plural === undefined) throw new CtlError(`drydock: ${kind.kind} can't be deleted here`)
      await call('DELETE', pathOf(kind, where, name), undefined)
      count++
    } catch (error) {
      if (isFailure(error, 'NotFound') && flags.has('skip-not-exists')) { count++; continue }
      failures.push(`Failed to delete ${only ? `'${only}' ` : ''}resource: ${isFailure(error, 'NotFound') ? missing(kind.kind, name, where, error as Error) : (error as Error).message}\n`)
    }
  }
  if (count > 0) await proc.stdout.write(`Successfully deleted ${count} ${only ? `'${only}' ` : ''}resource(s)\n`)
  if (failures.length > 0) throw new CtlError(failures.join(''))
}

async function showVersion(proc: Proc, version: string, flags: ReadonlyMap<string, string>): Promise<void> {
  await proc.stdout.write(`Client Version:    ${version}\n`)
  if (flags.has('client')) return
  const call = connect(proc, flags)
  const [, number, unit] = /^(\d+)(s|m|h)$/.exec(flags.get('poll') ?? '') ?? []
  if (flags.has('poll') && number === undefined && flags.get('poll') !== '0') throw new CtlError('invalid poll duration specified: 0s')
  let shown = ''
  for (;;) {
    const information = await new Datastore(call).get<ClusterInformationSpec>('clusterinformations', 'default').catch((error: Error) => error)
    const failed = information instanceof Error ? information.message : information ? undefined : 'resource does not exist: ClusterInformation(default)'
    const text = failed === undefined ? `Cluster Version:   ${(information as { spec: ClusterInformationSpec }).spec.calicoVersion || 'unknown'}\nCluster Type:      ${(information as { spec: ClusterInformationSpec }).spec.clusterType || 'unknown'}\n` : `unable to retrieve Cluster Version or Type: ${failed}\n`
    if (number === undefined) {
      if (failed !== undefined) throw new CtlError(text.trimEnd())
      await proc.stdout.write(text)
      return
    }
    if (text !== shown) await proc.stdout.write(text)
    shown = text
    await proc.sleep(Number(number) * { s: 1_000, m: 60_000, h: 3_600_000 }[unit as 's' | 'm' | 'h'])
  }
}

/** Asks BIRD on this machine. calico: calicoctl/calicoctl/commands/node/status.go */
async function nodeStatus(proc: Proc): Promise<void> {
  if (proc.user.uid !== 0) throw new CtlError('Need super user privileges: Operation not permitted')
  const out = createPipe()
  const listed = readAll(out.reader)
  await proc.spawn(['ps', '-e', '-o', 'args'], { stdout: out.writer, stderr: out.writer }).wait()
  out.writer.close()
  const processes = new TextDecoder().decode(await listed).split('\n')
  if (!processes.some((line) => /\bcalico-node -felix\b/.test(line))) throw new CtlError('Calico process is not running.')
  await proc.stdout.write('Calico process is running.\n')
  if (!processes.some((line) => /^bird6? /.test(line.trim()))) {
    await proc.stdout.write('\nThe BGP backend process (BIRD) is not running.\n\n')
    return
  }
  await proc.stdout.write('\nIPv4 BGP status\n')
  if (!isServed(proc.fs, BIRD_SOCKET)) await proc.stdout.write(`Error querying BIRD: unable to connect to BIRDv4 socket: dial unix /var/run/bird/bird.ctl: connect: no such file or directory`)
  else {
    const { peers } = await callGrpc(proc.fs, BIRD_SOCKET, 'bird/show', {}, { clock: proc.clock, timeoutMs: 2_000 }) as BirdStatus
    const rows = peers.map(({ ip, state, since, info }) => [ip, 'node-to-node mesh', state === 'Established' ? 'up' : 'start', new Date(since).toISOString().slice(11, 19), `${state}${info ? ` ${info}` : ''}`])
    await proc.stdout.write(rows.length === 0 ? 'No IPv4 peers found.\n' : bordered(['PEER ADDRESS', 'PEER TYPE', 'STATE', 'SINCE', 'INFO'], rows))
  }
  await proc.stdout.write('\nIPv6 BGP status\nNo IPv6 peers found.\n\n')
}

/** calico: calicoctl/calicoctl/commands/ipam/show.go */
async function ipamShow(proc: Proc, flags: ReadonlyMap<string, string>): Promise<void> {
  const ipam = new Ipam(new Datastore(connect(proc, flags)), () => proc.clock.nowMs())
  const ip = flags.get('ip')
  if (ip !== undefined) {
    const known = await ipam.attributesOf(ip)
    if (!known) { await proc.stdout.write(`${ip} is not assigned\n`); return }
    const owner = Object.entries(known.secondary ?? {}).sort().map(([name, value]) => `  ${name}: ${value}\n`).join('')
    await proc.stdout.write(`IP ${ip} is in use\nHandle ID: ${known.handle_id ?? '<none>'}\n${owner ? `Active Owner Attributes:\n${owner}` : 'No Active Owner attributes defined\n'}`)
    return
  }
  const blocks = await ipam.blocks()
  if (flags.has('show-borrowed')) {
    const rows = blocks.flatMap(({ spec }) => allocationsOf(spec).filter(({ attribute }) => attribute.secondary?.node !== undefined && `host:${attribute.secondary.node}` !== spec.affinity).map(({ ip: address, attribute: { secondary = {} } }) => [address, secondary.node!, spec.cidr, spec.affinity?.slice('host:'.length) ?? '', secondary.pod ? 'pod' : secondary.type ?? '', secondary.pod ? `${secondary.namespace}/${secondary.pod}` : '']))
    await proc.stdout.write(bordered(['IP', 'BORROWING-NODE', 'BLOCK', 'BLOCK OWNER', 'TYPE', 'ALLOCATED-TO'], rows))
    return
  }
  const number = (value: number) => String(Number(value.toPrecision(5)))
  const row = (kind: string, cidr: string, used: number, total: number) => [kind, cidr, number(total), `${number(used)} (${Math.round(100 * used / total)}%)`, `${number(total - used)} (${Math.round(100 * (total - used) / total)}%)`]
  const rows = (await ipam.pools()).flatMap(({ spec: { cidr } }) => {
    const own = blocks.filter(({ spec }) => contains(cidr, spec.cidr.split('/')[0]!)).map(({ spec }) => ({ cidr: spec.cidr, used: allocationsOf(spec).length, total: spec.allocations.length }))
    return [row('IP Pool', cidr, own.reduce((sum, { used }) => sum + used, 0), 2 ** (32 - Number(cidr.split('/')[1]))), ...(flags.has('show-blocks') ? own.map((block) => row('Block', block.cidr, block.used, block.total)) : [])]
  })
  await proc.stdout.write(bordered(['GROUPING', 'CIDR', 'IPS TOTAL', 'IPS IN USE', 'IPS FREE'], rows))
}
