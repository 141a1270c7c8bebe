import { mergeKubeconfig, removeFromKubeconfigs } from '../../cli/kubeconfig-file.ts'
import { Random } from '../../base/random.ts'
import type { Proc, Program } from '../../unix/types.ts'
import { FleetError } from '../fleet/fleet.ts'
import type { FleetCluster } from '../fleet/fleet.ts'
import type { ProviderOptions } from '../fleet/provider-options.ts'
import { KUBERNETES, cloudClusters, cloudFlags, cloudKubeconfig, columns, createCloudCluster, detailsOf, flagsFor, readState, workersOf, writeState } from './cloud-cluster.ts'
import { NodePool } from './node-pool.ts'
import type { PoolLimits } from './node-pool.ts'
import { gkeNaming } from './pool-naming.ts'
import { resize } from './resize.ts'
import type { Architecture } from '../../unix/architecture.ts'

const STATE = '.config/gcloud/properties.json'
const PROJECT = 'drydock'
/** Processors and memory of machine types. */
const MACHINES: Readonly<Record<string, readonly [cpus: number, megabytes: number, architecture?: Architecture]>> = { 'e2-small': [2, 2048], 'e2-medium': [2, 4096], 'e2-standard-2': [2, 8192], 'e2-standard-4': [4, 16384], 'n1-standard-1': [1, 3840], 'n1-standard-2': [2, 7680], 't2a-standard-2': [2, 8192, 'arm64'], 'c4a-standard-2': [2, 8192, 'arm64'] }
const FLAGS = { '--zone': 'location', '-z': 'location', '--location': 'location', '--region': 'region', '--num-nodes': 'nodes', '--machine-type': 'machine', '-m': 'machine', '--project': 'project', '--node-pool': 'pool', '--min-nodes': 'min', '--max-nodes': 'max', '--total-min-nodes': 'totalMin', '--total-max-nodes': 'totalMax' }
const SWITCHES = { '--quiet': 'quiet', '-q': 'quiet' }
const AUTOSCALING_SWITCHES = { '--enable-autoscaling': 'autoscaling', '--no-enable-autoscaling': 'fixed' }
/** What commands take besides --project and --quiet. */
const TAKEN: Readonly<Record<string, readonly string[]>> = { create: ['location', 'region', 'nodes', 'machine', 'min', 'max', 'totalMin', 'totalMax'], update: ['location', 'region', 'pool', 'min', 'max', 'totalMin', 'totalMax'], 'get-credentials': ['location', 'region'], list: ['location', 'region'], describe: ['location', 'region'], resize: ['location', 'region', 'nodes', 'pool'], delete: ['location', 'region'] }

class GcloudError extends Error {}

/** gcloud: configuration, and clusters of GKE. */
// @k8s part: gcloud: what of it makes, shows, resizes, autoscales and deletes standard clusters of GKE with one pool of nodes, and config; everything else is refused
export function gcloud({ fleet }: ProviderOptions): Program {
  return async (proc) => {
    const words = proc.argv.slice(1)
    try {
      return await run(proc, words, fleet)
    } catch (error) {
      if (!(error instanceof GcloudError || error instanceof FleetError)) throw error
      await proc.stderr.write(`ERROR: ${error.message}\n`)
      return 1
    }
  }
}

async function run(proc: Proc, words: readonly string[], fleet: ProviderOptions['fleet']): Promise<number> {
  const [group, second, third] = words
  if (group === undefined || group === '--help' || group === 'help') { await proc.stdout.write('gcloud: config set|get|list|unset PROPERTY [VALUE]\n        container clusters create|get-credentials|list|describe|update|resize|delete NAME [--zone ZONE]\n'); return 0 }
  if (group === 'version' || group === '--version') { await proc.stdout.write('Google Cloud SDK, as far as Drydock has it\n'); return 0 }
  if (group === 'auth') { await proc.stderr.write('No account is needed here: commands work as if you were logged in.\n'); return 0 }
  if (group === 'config') return config(proc, words.slice(1))
  if (group === 'container' && second === 'clusters' && third !== undefined) return clusters(proc, third, words.slice(3), fleet)
  throw new GcloudError(`(gcloud) "${words.slice(0, 3).filter((word) => !word.startsWith('-')).join(' ')}" is not available in Drydock`)
}

async function config(proc: Proc, words: readonly string[]): Promise<number> {
  const [verb, name = '', value = ''] = words
  const state = readState(proc, STATE)
  const key = name.includes('/') ? name : `core/${name}`
  if (verb === 'set') {
    if (!['compute/zone', 'compute/region', 'core/project', 'core/account'].includes(key)) throw new GcloudError(`(gcloud.config.set) the property [${key}] has no effect in Drydock`)
    writeState(proc, STATE, { ...state, [key]: value })
    await proc.stderr.write(`Updated property [${key}].\n`)
  } else if (verb === 'unset') {
    const { [key]: _, ...rest } = state
    writeState(proc, STATE, rest)
    await proc.stderr.write(`Unset property [${key}].\n`)
  } else if (verb === 'get' || verb === 'get-value') await (state[key] === undefined ? proc.stderr.write('(unset)\n') : proc.stdout.write(`${String(state[key])}\n`))
  else if (verb === 'list') {
    const sections = [...new Set(Object.keys(state).map((each) => each.split('/')[0]!))].sort()
    await proc.stdout.write(sections.map((section) => `[${section}]\n${Object.entries(state).filter(([each]) => each.startsWith(`${section}/`)).map(([each, text]) => `${each.slice(section.length + 1)} = ${String(text)}\n`).join('')}`).join(''))
    await proc.stderr.write('\nYour active configuration is: [default]\n')
  } else throw new GcloudError(`(gcloud.config) Invalid choice: '${verb ?? ''}'.`)
  return 0
}

async function clusters(proc: Proc, verb: string, words: readonly string[], fleet: ProviderOptions['fleet']): Promise<number> {
  const command = `(gcloud.container.clusters.${verb})`
  const fail = (text: string): never => { throw new GcloudError(`${command} ${text}`) }
  if (!Object.hasOwn(TAKEN, verb)) fail('is not available in Drydock')
  const { values, operands, unknown, incomplete } = cloudFlags(words, flagsFor(FLAGS, 'project', ...TAKEN[verb]!), verb === 'create' || verb === 'update' ? { ...SWITCHES, ...AUTOSCALING_SWITCHES } : SWITCHES)
  if (incomplete) fail(`argument ${incomplete}: expected one argument`)
  if (unknown.length > 0) fail(`unrecognized arguments or not available in Drydock:\n  ${unknown.join('\n  ')}`)
  const state = readState(proc, STATE)
  const project = values.get('project') ?? String(state['core/project'] ?? PROJECT)
  const { stdout, stderr } = proc
  if (verb === 'list') {
    const at = values.get('location') ?? values.get('region')
    const all = cloudClusters(fleet, 'gke').filter((each) => detailsOf(each)['project'] === project && (at === undefined || detailsOf(each).location === at))
    if (all.length > 0) await stdout.write(table(all))
    return 0
  }
  const [name, ...others] = operands
  if (others.length > 0) fail(`unrecognized arguments: ${others.join(' ')}`)
  if (name === undefined) fail('argument NAME: Must be specified.')
  const location = values.get('location') ?? values.get('region') ?? state['compute/zone'] ?? state['compute/region']
  if (location === undefined) fail('One of [--location, --region, --zone] must be supplied.')
  const zone = String(location)
  const link = `https://container.googleapis.com/v1/projects/${project}/zones/${zone}/clusters/${name}`
  const context = `gke_${project}_${zone}_${name}`
  const known = fleet.get('gke', name!)
  const found = known && detailsOf(known).location === zone && detailsOf(known)['project'] === project ? known : undefined
  // A regional cluster has its nodes in each of three zones.
  const zones = /-[a-z]$/.test(zone) ? 1 : 3
  const entry = async (cluster: FleetCluster) => {
    mergeKubeconfig(proc, '', cloudKubeconfig(cluster, context))
    await stderr.write(`kubeconfig entry generated for ${name}.\n`)
  }
  /** How many nodes autoscaling may choose from; those of --min-nodes and --max-nodes are counted in each zone. */
  const limitsOf = (): PoolLimits | undefined => {
    const given = (meaning: string, times: number, flag: string) => {
      const text = values.get(meaning)
      if (text !== undefined && !/^\d+$/.test(text)) fail(`argument ${flag}: invalid int value: '${text}'`)
      return text === undefined ? undefined : Number(text) * times
    }
    const min = given('totalMin', 1, '--total-min-nodes') ?? given('min', zones, '--min-nodes')
    const max = given('totalMax', 1, '--total-max-nodes') ?? given('max', zones, '--max-nodes')
    if (!values.has('autoscaling')) {
      if (min !== undefined || max !== undefined) fail('argument --enable-autoscaling: required with --min-nodes, --max-nodes, --total-min-nodes and --total-max-nodes')
      return undefined
    }
    if (max === undefined || max < 1 || max > 50 || (min ?? 0) > max) fail(`ResponseError: code=400, message=Autoscaling config requires a maximum from 1 to 50 nodes here that isn't below the minimum.`)
    return { min: min ?? 0, max: max! }
  }
  if (verb === 'create') {
    if (found) fail(`ResponseError: code=409, message=Already exists: projects/${project}/zones/${zone}/clusters/${name}.`)
    if (!/^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$/.test(name!)) fail(`ResponseError: code=400, message=Cluster.name must match "^[a-z](?:[-a-z0-9]*[a-z0-9])?$" and have at most 40 characters, not "${name}".`)
    const machine = values.get('machine') ?? 'e2-medium'
    const [cpus, memoryMegabytes, architecture] = (Object.hasOwn(MACHINES, machine) ? MACHINES[machine] : undefined) ?? fail(`the machine type "${machine}" is not available in Drydock; there are ${Object.keys(MACHINES).join(', ')}`)
    const nodes = Number(values.get('nodes') ?? 3) * zones
    if (!Number.isInteger(nodes) || nodes < 1 || nodes > 50) fail('argument --num-nodes: Value must be a number from 1 to 50 here')
    const limits = limitsOf()
    const pool = new Random(`pool ${name} ${proc.clock.nowMs()}`).hex(4)
    await stderr.write(`Creating cluster ${name} in ${zone}...`)
    const made = await createCloudCluster(fleet, {
      provider: 'gke', name: name!, location: zone, nodes, cpus, memoryMegabytes, machineType: machine, ...(architecture ? { architecture } : {}), details: { project, pool, ...(limits ? { limits } : {}) }, ...gkeNaming(name!, pool, proc.clock),
    })
    await stderr.write(`done.\nCreated [${link}].\n`)
    await entry(made)
    await stdout.write(table([made]))
    return 0
  }
  if (!found) fail(`ResponseError: code=404, message=Not found: projects/${project}/zones/${zone}/clusters/${name}.`)
  const cluster = found!
  switch (verb) {
    case 'get-credentials':
      await stderr.write('Fetching cluster endpoint and auth data.\n')
      await entry(cluster)
      return 0
    case 'describe': {
      const { machineType, location: at } = detailsOf(cluster)
      await stdout.write(`createTime: '${new Date(cluster.record.createdMs).toISOString().slice(0, 19)}+00:00'\ncurrentMasterVersion: ${KUBERNETES}\ncurrentNodeCount: ${workersOf(cluster).length}\nendpoint: ${cluster.record.topology.nodes[0]!.ip}\nlocation: ${at}\nname: ${name}\nnodeConfig:\n  machineType: ${machineType}\nselfLink: ${link}\nservicesIpv4Cidr: ${cluster.record.topology.serviceCidr}\nstatus: RUNNING\nzone: ${at}\n`)
      return 0
    }
    case 'update': {
      const pool = values.get('pool') ?? 'default-pool'
      if (pool !== 'default-pool') fail(`No node pool found matching the name [${pool}].`)
      const limits = limitsOf()
      if (!limits && !values.has('fixed')) fail('Exactly one of (--enable-autoscaling | --no-enable-autoscaling) must be specified; other changes are not available in Drydock.')
      await stderr.write(`Updating ${name}...`)
      await new NodePool(fleet, cluster.record).limit(limits)
      await stderr.write(`done.\nUpdated [${link}].\n`)
      return 0
    }
    case 'resize': {
      const count = Number(values.get('nodes'))
      const pool = values.get('pool') ?? 'default-pool'
      if (pool !== 'default-pool') fail(`No node pool found matching the name [${pool}].`)
      if (!values.has('nodes') || !Number.isInteger(count) || count < 0 || count * zones > 50) fail('argument --num-nodes: Must be specified: a number from 0 to 50 here.')
      await ask(proc, values.has('quiet'), `Pool [default-pool] for [${name}] will be resized to ${count} node(s) each zone it spans.`)
      await resize(fleet, cluster, count * zones)
      await stderr.write(`Resizing ${name}...done.\nUpdated [${link}].\n`)
      return 0
    }
    default:
      await ask(proc, values.has('quiet'), `The following clusters will be deleted.\n - [${name}] in [${zone}]`)
      await stderr.write(`Deleting cluster ${name}...`)
      await fleet.delete(cluster.record)
      removeFromKubeconfigs(proc, '', context)
      await stderr.write(`done.\nDeleted [${link}].\n`)
      return 0
  }
}

/** gcloud's question; yes where nobody can answer. @throws GcloudError */
async function ask(proc: Proc, isQuiet: boolean, text: string): Promise<void> {
  if (isQuiet) return
  await proc.stderr.write(`${text}\n\nDo you want to continue (Y/n)?  `)
  const answer = proc.isTty(0) ? new TextDecoder().decode(await proc.stdin.read() ?? new Uint8Array(0)).trim().toLowerCase() : ''
  await proc.stderr.write('\n')
  if (answer !== '' && !'yes'.startsWith(answer)) throw new GcloudError('(gcloud) Aborted by user.')
}

function table(all: readonly FleetCluster[]): string {
  return columns([['NAME', 'LOCATION', 'MASTER_VERSION', 'MASTER_IP', 'MACHINE_TYPE', 'NODE_VERSION', 'NUM_NODES', 'STATUS'], ...all.map((each) => {
    const { location, machineType } = detailsOf(each)
    return [each.record.name, location, KUBERNETES, each.record.topology.nodes[0]!.ip, machineType, KUBERNETES, String(workersOf(each).length), each.cluster ? 'RUNNING' : 'STOPPING']
  })])
}
