import { mergeKubeconfig, removeFromKubeconfigs } from '../../cli/kubeconfig-file.ts'
import { Random } from '../../base/random.ts'
import type { Proc, Program } from '../../unix/types.ts'
import { FleetError } from '../fleet/fleet.ts'
import type { FleetCluster } from '../fleet/fleet.ts'
import type { ProviderOptions } from '../fleet/provider-options.ts'
import { KUBERNETES, cloudClusters, cloudFlags, cloudKubeconfig, createCloudCluster, detailsOf, flagsFor, readState, workersOf, writeState } from './cloud-cluster.ts'
import { NodePool } from './node-pool.ts'
import type { PoolLimits } from './node-pool.ts'
import { aksNaming } from './pool-naming.ts'
import { resize } from './resize.ts'
import type { AutoscalingOptions } from '../../cluster/autoscaler/options.ts'
import { parseGoDuration } from '../../cluster/kinds/duration.ts'
import type { Architecture } from '../../unix/architecture.ts'

const STATE = '.azure/groups.json'
/** There are no subscriptions here. */
const SUBSCRIPTION = '00000000-0000-0000-0000-000000000000'
const SIZES: Readonly<Record<string, readonly [cpus: number, megabytes: number, architecture?: Architecture]>> = { Standard_D2s_v3: [2, 8192], Standard_DS2_v2: [2, 7168], Standard_B2s: [2, 4096], Standard_D4s_v3: [4, 16384], Standard_D2ps_v6: [2, 8192, 'arm64'], Standard_D4ps_v6: [4, 16384, 'arm64'] }
const FLAGS = { '--name': 'name', '-n': 'name', '--resource-group': 'group', '-g': 'group', '--location': 'location', '-l': 'location', '--node-count': 'nodes', '-c': 'nodes', '--node-vm-size': 'size', '-s': 'size', '--output': 'output', '-o': 'output', '--file': 'file', '-f': 'file', '--min-count': 'min', '--max-count': 'max', '--cluster-autoscaler-profile': 'profile', '--ca-profile': 'profile' }
const SWITCHES = { '--generate-ssh-keys': 'keys', '--yes': 'yes', '-y': 'yes', '--overwrite-existing': 'overwrite', '--enable-cluster-autoscaler': 'autoscale', '--disable-cluster-autoscaler': 'fixed', '--update-cluster-autoscaler': 'change' }
/** What commands take besides --output. */
const TAKEN: Readonly<Record<string, readonly string[]>> = {
  'group create': ['name', 'group', 'location'], 'group show': ['name', 'group'], 'group list': [], 'group delete': ['name', 'group', 'yes'],
  'aks create': ['group', 'name', 'location', 'nodes', 'size', 'keys', 'autoscale', 'min', 'max', 'profile'], 'aks update': ['group', 'name', 'autoscale', 'fixed', 'change', 'min', 'max', 'profile'], 'aks show': ['group', 'name'], 'aks list': ['group'], 'aks scale': ['group', 'name', 'nodes'], 'aks get-credentials': ['group', 'name', 'file', 'overwrite'], 'aks delete': ['group', 'name', 'yes'], 'aks install-cli': [],
}
/** How many nodes a pool may have here. */
const MAX_NODES = 50

class AzError extends Error {
  readonly code: number
  constructor(message: string, code = 1) {
    super(message)
    this.code = code
  }
}

/** az: resource groups, and clusters of AKS. */
// @k8s part: az: group and aks create, show, list, scale, update (of the cluster autoscaler alone), get-credentials (which always overwrites) and delete, as JSON; --generate-ssh-keys makes none; everything else is refused
export function az({ fleet }: ProviderOptions): Program {
  return async (proc) => {
    const words = proc.argv.slice(1)
    const [group = '', verb = ''] = words
    try {
      if (group === '' || group === '--help' || group === '-h') { await proc.stdout.write('az: group create|list|show|delete --name NAME [--location LOCATION]\n    aks create|show|list|update|scale|get-credentials|delete --resource-group GROUP --name NAME\n    aks install-cli\n'); return 0 }
      if (group === 'login') { await proc.stderr.write('No account is needed here: commands work as if you were logged in.\n'); return 0 }
      if (group !== 'group' && group !== 'aks') throw new AzError(`'${group}' is not available in Drydock.`, 2)
      const taken = TAKEN[`${group} ${verb}`]
      if (!taken) throw new AzError(`'${group} ${verb}' is not available in Drydock.`, 2)
      const { values, unknown, incomplete, operands } = cloudFlags(words.slice(2), flagsFor(FLAGS, 'output', ...taken), flagsFor(SWITCHES, ...taken))
      if (incomplete) throw new AzError(`argument ${incomplete}: expected one argument`, 2)
      if (unknown.length + operands.length > 0) throw new AzError(`unrecognized arguments or not available in Drydock: ${[...unknown, ...operands].join(' ')}`, 2)
      const format = values.get('output') ?? 'json'
      if (format !== 'json' && format !== 'none') throw new AzError(`--output ${format} is not available in Drydock`, 2)
      const answer = group === 'group' ? groups(proc, verb, values, fleet) : aks(proc, verb, values, fleet)
      const result = await answer
      if (result !== undefined && format === 'json') await proc.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`)
      return 0
    } catch (error) {
      if (!(error instanceof AzError || error instanceof FleetError)) throw error
      await proc.stderr.write(`ERROR: ${error.message}\n`)
      return error instanceof AzError ? error.code : 1
    }
  }
}

const need = (values: ReadonlyMap<string, string>, ...names: readonly (readonly [name: string, shown: string])[]) => {
  const missing = names.filter(([name]) => !values.has(name)).map(([, shown]) => shown)
  if (missing.length > 0) throw new AzError(`the following arguments are required: ${missing.join(', ')}`, 2)
}
const groupObject = (name: string, location: string) => ({ id: `/subscriptions/${SUBSCRIPTION}/resourceGroups/${name}`, location, managedBy: null, name, properties: { provisioningState: 'Succeeded' }, tags: null, type: 'Microsoft.Resources/resourceGroups' })
const noGroup = (name: string) => new AzError(`(ResourceGroupNotFound) Resource group '${name}' could not be found.\nCode: ResourceGroupNotFound\nMessage: Resource group '${name}' could not be found.`, 3)

async function groups(proc: Proc, verb: string, values: ReadonlyMap<string, string>, fleet: ProviderOptions['fleet']): Promise<unknown> {
  const state = readState(proc, STATE) as Record<string, string>
  if (verb === 'list') return Object.entries(state).map(([name, location]) => groupObject(name, location))
  const name = values.get('name') ?? values.get('group') ?? ''
  if (name === '') need(values, ['name', '--name/--resource-group/-n/-g'])
  switch (verb) {
    case 'create': {
      need(values, ['location', '--location/-l'])
      writeState(proc, STATE, { ...state, [name]: values.get('location')! })
      return groupObject(name, values.get('location')!)
    }
    case 'show': if (!Object.hasOwn(state, name)) throw noGroup(name); return groupObject(name, state[name]!)
    case 'delete': {
      if (!Object.hasOwn(state, name)) throw noGroup(name)
      if (!values.has('yes') && !await confirmed(proc)) return undefined
      for (const each of cloudClusters(fleet, 'aks')) if (detailsOf(each)['group'] === name) await remove(proc, each, fleet)
      const { [name]: _, ...rest } = state
      writeState(proc, STATE, rest)
      return undefined
    }
    default: return undefined
  }
}

async function confirmed(proc: Proc): Promise<boolean> {
  if (!proc.isTty(0)) throw new AzError('Unable to prompt for confirmation as no tty available. Use --yes.')
  await proc.stderr.write('Are you sure you want to perform this operation? (y/n): ')
  return /^y/i.test(new TextDecoder().decode(await proc.stdin.read() ?? new Uint8Array(0)))
}

async function remove(proc: Proc, cluster: FleetCluster, fleet: ProviderOptions['fleet']): Promise<void> {
  await fleet.delete(cluster.record)
  removeFromKubeconfigs(proc, '', cluster.record.name)
}

/** @throws AzError */
function nodeCount(text: string, least: number): number {
  const count = Number(text)
  if (!/^\d+$/.test(text)) throw new AzError(`argument --node-count/-c: invalid int value: '${text}'`, 2)
  if (count < least || count > MAX_NODES) throw new AzError(`--node-count: from ${least} to ${MAX_NODES} in Drydock`, 2)
  return count
}

/** @throws AzError */
function limitsOf(values: ReadonlyMap<string, string>): PoolLimits {
  const [min, max] = [values.get('min'), values.get('max')]
  if (min === undefined || max === undefined) throw new AzError('Please specify both min-count and max-count when --enable-cluster-autoscaler enabled')
  const limits = { min: nodeCount(min, 0), max: nodeCount(max, 1) }
  if (limits.min > limits.max) throw new AzError('Value of min-count should be less than or equal to value of max-count')
  return limits
}

/** Settings of the autoscaler by AKS's names; undefined for a value that is none. */
const PROFILE: Readonly<Record<string, readonly [option: keyof AutoscalingOptions, parse: (text: string) => unknown]>> = {
  'scan-interval': ['scanIntervalMs', milliseconds], 'scale-down-delay-after-add': ['scaleDownDelayAfterAddMs', milliseconds], 'scale-down-delay-after-delete': ['scaleDownDelayAfterDeleteMs', milliseconds], 'scale-down-delay-after-failure': ['scaleDownDelayAfterFailureMs', milliseconds],
  'scale-down-unneeded-time': ['scaleDownUnneededTimeMs', milliseconds], 'scale-down-unready-time': ['scaleDownUnreadyTimeMs', milliseconds], 'max-node-provision-time': ['maxNodeProvisionTimeMs', milliseconds], 'new-pod-scale-up-delay': ['newPodScaleUpDelayMs', milliseconds],
  'scale-down-utilization-threshold': ['scaleDownUtilizationThreshold', (text) => /^(?:0?\.\d+|[01])$/.test(text) ? Number(text) : undefined], 'skip-nodes-with-local-storage': ['skipNodesWithLocalStorage', yesOrNo], 'skip-nodes-with-system-pods': ['skipNodesWithSystemPods', yesOrNo],
}

function milliseconds(text: string): number | undefined {
  return /^\d/.test(text) ? parseGoDuration(text) : undefined
}

function yesOrNo(text: string): boolean | undefined {
  return text === 'true' ? true : text === 'false' ? false : undefined
}

/** @throws AzError */
function profileOf(values: ReadonlyMap<string, string>): Partial<AutoscalingOptions> | undefined {
  const text = values.get('profile')
  if (text === undefined) return undefined
  return Object.fromEntries(text.split(/[ ,]+/).filter(Boolean).map((pair) => {
    const [key = '', value = ''] = pair.split('=')
    const known = Object.hasOwn(PROFILE, key) ? PROFILE[key] : undefined
    const parsed = known?.[1](value)
    if (!known || parsed === undefined) throw new AzError(`--cluster-autoscaler-profile ${pair} is not available in Drydock; there are ${Object.keys(PROFILE).join(', ')}, with values such as 10m`)
    return [known[0], parsed]
  })) as Partial<AutoscalingOptions>
}

function clusterObject(found: FleetCluster): unknown {
  const { record, cluster } = found
  const { location, group, machineType } = detailsOf(found)
  const { name, topology } = record
  const limits = record.details['limits'] as PoolLimits | undefined
  return {
    agentPoolProfiles: [{ count: workersOf(found).length, ...(limits ? { enableAutoScaling: true, maxCount: limits.max, minCount: limits.min } : { enableAutoScaling: false, maxCount: null, minCount: null }), currentOrchestratorVersion: KUBERNETES, mode: 'System', name: 'nodepool1', orchestratorVersion: KUBERNETES, osType: 'Linux', powerState: { code: cluster ? 'Running' : 'Stopped' }, provisioningState: 'Succeeded', type: 'VirtualMachineScaleSets', vmSize: machineType }],
    currentKubernetesVersion: KUBERNETES, enableRbac: true, id: `/subscriptions/${SUBSCRIPTION}/resourcegroups/${String(group)}/providers/Microsoft.ContainerService/managedClusters/${name}`, kubernetesVersion: KUBERNETES, location, name,
    networkProfile: { ipFamilies: ['IPv4'], podCidr: topology.podCidr, serviceCidr: topology.serviceCidr }, nodeResourceGroup: `MC_${String(group)}_${name}_${location}`, powerState: { code: cluster ? 'Running' : 'Stopped' }, provisioningState: 'Succeeded', resourceGroup: group, tags: null, type: 'Microsoft.ContainerService/ManagedClusters',
  }
}

async function aks(proc: Proc, verb: string, values: ReadonlyMap<string, string>, fleet: ProviderOptions['fleet']): Promise<unknown> {
  if (verb === 'install-cli') {
    await proc.stderr.write(`kubectl v${KUBERNETES} is installed already: /usr/local/bin/kubectl\n`)
    return undefined
  }
  if (verb === 'list') return cloudClusters(fleet, 'aks').filter((each) => !values.has('group') || detailsOf(each)['group'] === values.get('group')).map(clusterObject)
  need(values, ['group', '--resource-group/-g'], ['name', '--name/-n'])
  const [group, name] = [values.get('group')!, values.get('name')!]
  const state = readState(proc, STATE) as Record<string, string>
  if (!Object.hasOwn(state, group)) throw noGroup(group)
  const found = fleet.get('aks', name)
  const here = found && detailsOf(found)['group'] === group ? found : undefined
  if (verb === 'create') {
    if (here) return clusterObject(here)
    if (found) throw new AzError(`a cluster "${name}" in another resource group is not available in Drydock`)
    const size = values.get('size') ?? 'Standard_D2s_v3'
    const sized = Object.hasOwn(SIZES, size) ? SIZES[size] : undefined
    if (!sized) throw new AzError(`--node-vm-size ${size} is not available in Drydock; there are ${Object.keys(SIZES).join(', ')}`)
    const nodes = nodeCount(values.get('nodes') ?? '3', 1)
    if (!values.has('autoscale') && (values.has('min') || values.has('max'))) throw new AzError('min-count and max-count are required for --enable-cluster-autoscaler, please use the flag')
    const limits = values.has('autoscale') ? limitsOf(values) : undefined
    if (limits && (nodes < limits.min || nodes > limits.max)) throw new AzError('node-count is not in the range of min-count and max-count')
    const profile = profileOf(values)
    const pool = String(parseInt(new Random(`pool ${name} ${proc.clock.nowMs()}`).hex(4), 16) % 100_000_000).padStart(8, '0')
    return clusterObject(await createCloudCluster(fleet, {
      provider: 'aks', name, location: values.get('location') ?? state[group]!, nodes, cpus: sized[0], memoryMegabytes: sized[1], machineType: size, ...(sized[2] ? { architecture: sized[2] } : {}), details: { group, pool, ...(limits ? { limits } : {}), ...(profile ? { profile } : {}) }, ...aksNaming(pool),
    }))
  }
  if (!here) throw new AzError(`(ResourceNotFound) The Resource 'Microsoft.ContainerService/managedClusters/${name}' under resource group '${group}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix\nCode: ResourceNotFound\nMessage: The Resource 'Microsoft.ContainerService/managedClusters/${name}' under resource group '${group}' was not found.`, 3)
  switch (verb) {
    case 'show': return clusterObject(here)
    case 'get-credentials': {
      const path = mergeKubeconfig(proc, values.get('file') ?? '', cloudKubeconfig(here, name))
      await proc.stdout.write(`Merged "${name}" as current context in ${path}\n`)
      return undefined
    }
    case 'update': {
      const pool = new NodePool(fleet, here.record)
      if (values.has('autoscale') && pool.limits) throw new AzError('Cluster autoscaler is already enabled for this node pool.\nPlease run "az aks --update-cluster-autoscaler" if you want to update min-count or max-count.')
      if (values.has('change') && !pool.limits) throw new AzError('Cluster autoscaler is not enabled for this node pool.\nRun "az aks nodepool update --enable-cluster-autoscaler" to enable cluster with min-count and max-count.')
      const profile = profileOf(values)
      if (!['autoscale', 'change', 'fixed'].some((each) => values.has(each)) && !profile) throw new AzError('Please specify one or more of "--enable-cluster-autoscaler", "--disable-cluster-autoscaler", "--update-cluster-autoscaler" or "--cluster-autoscaler-profile"; other changes are not available in Drydock.')
      // What isn't named stays as it was; an empty profile takes everything back.
      if (profile) await fleet.remember(here.record, { ...pool.record.details, profile: Object.keys(profile).length === 0 ? {} : { ...pool.record.details['profile'] as Partial<AutoscalingOptions> | undefined, ...profile } })
      if (values.has('fixed')) await pool.limit(undefined)
      else if (values.has('autoscale') || values.has('change')) await pool.limit(limitsOf(values))
      return clusterObject(fleet.get('aks', name)!)
    }
    case 'scale': {
      if (new NodePool(fleet, here.record).limits) throw new AzError('Cannot scale cluster autoscaler enabled node pool.')
      need(values, ['nodes', '--node-count/-c'])
      return clusterObject(await resize(fleet, here, nodeCount(values.get('nodes')!, 0)))
    }
    case 'delete': if (values.has('yes') || await confirmed(proc)) await remove(proc, here, fleet); return undefined
    default: return undefined
  }
}
