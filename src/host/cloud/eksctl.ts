import { CobraError, runCobra } from '../../cli/cobra/cobra.ts'
import type { CobraCommand, CobraFlag, CobraRun } from '../../cli/cobra/cobra.ts'
import { mergeKubeconfig, removeFromKubeconfigs } from '../../cli/kubeconfig-file.ts'
import { Random } from '../../base/random.ts'
import type { Program } from '../../unix/types.ts'
import { FleetError } from '../fleet/fleet.ts'
import type { FleetCluster } from '../fleet/fleet.ts'
import type { ProviderOptions } from '../fleet/provider-options.ts'
import { cloudClusters, cloudKubeconfig, columns, createCloudCluster, detailsOf, workersOf } from './cloud-cluster.ts'
import { NodePool } from './node-pool.ts'
import type { PoolLimits } from './node-pool.ts'
import { eksNaming, groupIdOf } from './pool-naming.ts'
import { resize } from './resize.ts'
import type { Architecture } from '../../unix/architecture.ts'

const REGION = 'us-west-2'
const MACHINES: Readonly<Record<string, readonly [cpus: number, megabytes: number, architecture?: Architecture]>> = { 'm5.large': [2, 8192], 't3.medium': [2, 4096], 't3.small': [2, 2048], 'm5.xlarge': [4, 16384], 'm6g.large': [2, 8192, 'arm64'], 't4g.medium': [2, 4096, 'arm64'] }
const NAME: CobraFlag = { name: 'name', short: 'n', type: 'string', usage: 'EKS cluster name' }
const REGION_FLAG: CobraFlag = { name: 'region', short: 'r', type: 'string', usage: 'AWS region' }
/** How many nodes a node group may have here. */
const MAX_NODES = 50
const NODES_MIN: CobraFlag = { name: 'nodes-min', short: 'm', type: 'int', value: '-1', usage: 'minimum nodes in ASG' }
const NODES_MAX: CobraFlag = { name: 'nodes-max', short: 'M', type: 'int', value: '-1', usage: 'maximum nodes in ASG' }
const CLUSTER: CobraFlag = { name: 'cluster', type: 'string', usage: 'EKS cluster name' }

/** eksctl: clusters of EKS with one managed node group. */
// @k8s part: eksctl: create, get and delete cluster, get and scale nodegroup; configuration files, Fargate, add-ons and everything else are refused
export function eksctl(options: ProviderOptions): Program {
  return async (proc) => {
    try {
      return await runCobra(commands(options), proc)
    } catch (error) {
      if (!(error instanceof CobraError || error instanceof FleetError)) throw error
      await proc.stderr.write(`Error: ${error.message}\n`)
      return 1
    }
  }
}

/** Those of its group of machines; who says none gets as many as there are. */
const limitsOf = (found: FleetCluster): PoolLimits => (found.record.details['limits'] as PoolLimits | undefined) ?? { min: workersOf(found).length, max: workersOf(found).length }

/** @throws CobraError */
function checkLimits({ min, max }: PoolLimits, desired: number): void {
  if (min < 0 || max > MAX_NODES) throw new CobraError(`--nodes-min and --nodes-max: from 0 to ${MAX_NODES} in Drydock`)
  if (min > max) throw new CobraError('maximum number of nodes must be greater than or equal to minimum number of nodes')
  if (desired < min || desired > max) throw new CobraError(`the number of nodes must be within range of min nodes and max nodes: ${desired} is not from ${min} to ${max}`)
}

const needsSubcommand = async ({ out, help }: CobraRun): Promise<number> => { await out(help()); return 0 }

function commands({ fleet }: ProviderOptions): CobraCommand {
  const nameOf = ({ args, flags }: CobraRun, flag = 'name') => {
    const name = flags.str(flag) || args[0]
    if (!name) throw new CobraError(`--${flag} must be set`)
    return name
  }
  const log = async ({ proc, out }: CobraRun, mark: 'ℹ' | '✔', text: string) => out(`${new Date(proc.clock.nowMs()).toISOString().slice(0, 19).replace('T', ' ')} [${mark}]  ${text}\n`)
  const regionOf = ({ flags, proc }: CobraRun) => flags.str('region') || proc.env['AWS_REGION'] || proc.env['AWS_DEFAULT_REGION'] || REGION
  const need = (run: CobraRun, name: string) => {
    const found = fleet.get('eks', name)
    if (!found || detailsOf(found).location !== regionOf(run)) throw new CobraError(`unable to describe control plane ${JSON.stringify(name)}: operation error EKS: DescribeCluster, ResourceNotFoundException: No cluster found for name: ${name}.`)
    return found
  }
  const contextOf = (name: string, region: string) => `learner@${name}.${region}.eksctl.io`
  return {
    use: 'eksctl', short: 'The official CLI for Amazon EKS', children: [
      {
        use: 'create', short: 'Create resource(s)', run: needsSubcommand,
        children: [{
          use: 'cluster', short: 'Create a cluster',
          flags: [
            NAME, REGION_FLAG, { name: 'version', type: 'string', value: '1.36', usage: 'Kubernetes version (valid options: 1.36)' }, { name: 'nodegroup-name', type: 'string', usage: 'name of the nodegroup (generated if unspecified)' },
            { name: 'node-type', short: 't', type: 'string', value: 'm5.large', usage: 'node instance type' }, { name: 'nodes', short: 'N', type: 'int', value: '2', usage: 'total number of nodes (for a static ASG)' }, NODES_MIN, NODES_MAX, { name: 'asg-access', type: 'bool', usage: 'enable IAM policy for cluster-autoscaler' }, { name: 'kubeconfig', type: 'string', usage: 'path to write kubeconfig' },
            { name: 'set-kubeconfig-context', type: 'bool', value: 'true', usage: "if true then current-context will be set in kubeconfig; if a context is already set then it will be overwritten" }, { name: 'managed', type: 'bool', value: 'true', usage: 'Create EKS-managed nodegroup' },
          ],
          async run(run) {
            const { flags, proc } = run
            const name = flags.str('name') || run.args[0] || `cluster-${new Random(`name ${proc.clock.nowMs()}`).hex(4)}`
            const region = regionOf(run)
            if (fleet.get('eks', name)) throw new CobraError(`checking AWS STS access: creating CloudFormation stack "eksctl-${name}-cluster": AlreadyExistsException: Stack [eksctl-${name}-cluster] already exists`)
            if (flags.str('version') !== '1.36') throw new CobraError(`invalid version ${flags.str('version')}, supported values: 1.36`)
            if (!flags.bool('managed') || !flags.bool('set-kubeconfig-context')) throw new CobraError('--managed=false and --set-kubeconfig-context=false are not available in Drydock')
            const sized = Object.hasOwn(MACHINES, flags.str('node-type')) ? MACHINES[flags.str('node-type')] : undefined
            if (!sized) throw new CobraError(`the node type "${flags.str('node-type')}" is not available in Drydock; there are ${Object.keys(MACHINES).join(', ')}`)
            // Where only limits are given the group begins with the least.
            const nodes = flags.changed('nodes') || !flags.changed('nodes-min') ? flags.int('nodes') : flags.int('nodes-min')
            if (nodes < 1 || nodes > MAX_NODES) throw new CobraError(`--nodes: from 1 to ${MAX_NODES} in Drydock`)
            const limits = { min: flags.changed('nodes-min') ? flags.int('nodes-min') : nodes, max: flags.changed('nodes-max') ? flags.int('nodes-max') : nodes }
            checkLimits(limits, nodes)
            const group = flags.str('nodegroup-name') || `ng-${new Random(`nodegroup ${name} ${proc.clock.nowMs()}`).hex(4)}`
            await log(run, 'ℹ', `using region ${region}`)
            await log(run, 'ℹ', 'using Kubernetes version 1.36')
            await log(run, 'ℹ', `creating EKS cluster ${JSON.stringify(name)} in ${JSON.stringify(region)} region with managed nodes`)
            const made = await createCloudCluster(fleet, {
              provider: 'eks', name, location: region, nodes, cpus: sized[0], memoryMegabytes: sized[1], machineType: flags.str('node-type'), ...(sized[2] ? { architecture: sized[2] } : {}), details: { group, limits },
              ...eksNaming(region, name, group),
            })
            const path = mergeKubeconfig(proc, flags.str('kubeconfig'), cloudKubeconfig(made, contextOf(name, region)))
            await log(run, '✔', `saved kubeconfig as ${JSON.stringify(path)}`)
            await log(run, '✔', `all EKS cluster resources for ${JSON.stringify(name)} have been created`)
            const workers = workersOf(made)
            await log(run, 'ℹ', `nodegroup ${JSON.stringify(group)} has ${workers.length} node(s)`)
            for (const worker of workers) await log(run, 'ℹ', `node ${JSON.stringify(worker.name)} is ready`)
            await log(run, 'ℹ', `kubectl command should work with ${JSON.stringify(path)}, try 'kubectl get nodes'`)
            await log(run, '✔', `EKS cluster ${JSON.stringify(name)} in ${JSON.stringify(region)} region is ready`)
            return 0
          },
        }],
      },
      {
        use: 'get', short: 'Get resource(s)', run: needsSubcommand,
        children: [
          {
            use: 'cluster', aliases: ['clusters'], short: 'Get cluster(s)', flags: [NAME, REGION_FLAG],
            async run(run) {
              const { out, flags } = run
              const wanted = flags.str('name') || run.args[0]
              if (wanted) need(run, wanted)
              const all = cloudClusters(fleet, 'eks').filter((each) => detailsOf(each).location === regionOf(run) && (!wanted || each.record.name === wanted))
              await out(all.length === 0 ? 'No clusters found\n' : columns([['NAME', 'REGION', 'EKSCTL CREATED'], ...all.map((each) => [each.record.name, detailsOf(each).location, 'True'])]))
              return 0
            },
          },
          {
            use: 'nodegroup', aliases: ['nodegroups', 'ng'], short: 'Get nodegroup(s)', flags: [CLUSTER, REGION_FLAG],
            async run(run) {
              const found = need(run, nameOf(run, 'cluster'))
              const count = String(workersOf(found).length)
              await run.out(columns([['CLUSTER', 'NODEGROUP', 'STATUS', 'CREATED', 'MIN SIZE', 'MAX SIZE', 'DESIRED CAPACITY', 'INSTANCE TYPE', 'ASG NAME', 'TYPE'], [found.record.name, String(detailsOf(found)['group']), 'ACTIVE', new Date(found.record.createdMs).toISOString().slice(0, 19).concat('Z'), String(limitsOf(found).min), String(limitsOf(found).max), count, detailsOf(found).machineType, groupIdOf(found.record), 'managed']]))
              return 0
            },
          },
        ],
      },
      {
        use: 'scale', short: 'Scale resources(s)', run: needsSubcommand,
        children: [{
          use: 'nodegroup', aliases: ['ng'], short: 'Scale a nodegroup', flags: [CLUSTER, { ...NAME, usage: 'name of the nodegroup to scale' }, REGION_FLAG, { name: 'nodes', short: 'N', type: 'int', value: '-1', usage: 'desired number of nodes (required)' }, NODES_MIN, NODES_MAX],
          async run(run) {
            const cluster = run.flags.str('cluster')
            if (!cluster) throw new CobraError('--cluster must be set')
            const found = need(run, cluster)
            const group = String(detailsOf(found)['group'])
            const wanted = nameOf(run)
            if (wanted !== group) throw new CobraError(`nodegroup with name ${JSON.stringify(wanted)} not found`)
            const count = run.flags.int('nodes')
            if (count < 0) throw new CobraError('number of nodes must be 0 or greater. Use --nodes/-N flag')
            if (count > MAX_NODES) throw new CobraError(`--nodes: from 0 to ${MAX_NODES} in Drydock`)
            await log(run, 'ℹ', `scaling nodegroup ${JSON.stringify(group)} in cluster ${found.record.name}`)
            const pool = new NodePool(fleet, found.record)
            const limits = { min: run.flags.changed('nodes-min') ? run.flags.int('nodes-min') : Math.min(limitsOf(found).min, count), max: run.flags.changed('nodes-max') ? run.flags.int('nodes-max') : Math.max(limitsOf(found).max, count) }
            checkLimits(limits, count)
            await pool.limit(limits)
            await resize(fleet, fleet.get('eks', cluster)!, count)
            await log(run, '✔', 'nodegroup successfully scaled')
            return 0
          },
        }],
      },
      {
        use: 'delete', short: 'Delete resource(s)', run: needsSubcommand,
        children: [{
          use: 'cluster', short: 'Delete a cluster', flags: [NAME, REGION_FLAG],
          async run(run) {
            const found = need(run, nameOf(run))
            const { name } = found.record
            await log(run, 'ℹ', `deleting EKS cluster ${JSON.stringify(name)}`)
            await fleet.delete(found.record)
            removeFromKubeconfigs(run.proc, '', contextOf(name, detailsOf(found).location))
            await log(run, '✔', 'all cluster resources were deleted')
            return 0
          },
        }],
      },
      { use: 'version', short: 'Output the version of eksctl', run: async ({ out }) => { await out('0.0.0-drydock\n'); return 0 } },
    ],
  }
}
