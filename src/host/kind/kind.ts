import { completionScript } from '../../cli/completion-script.ts'
import { CobraError, noArguments, runCobra } from '../../cli/cobra/cobra.ts'
import type { CobraCommand, CobraFlag, CobraRun } from '../../cli/cobra/cobra.ts'
import { mergeKubeconfig, removeFromKubeconfigs } from '../../cli/kubeconfig-file.ts'
import type { Program } from '../../unix/types.ts'
import { FleetError } from '../fleet/fleet.ts'
import type { ProviderOptions } from '../fleet/provider-options.ts'
import { clusterName, kindClusters, kindKubeconfig, nodesOf, quotedList } from './clusters.ts'
import { createKindCluster } from './create-cluster.ts'
import { exportKindLogs } from './export-logs.ts'
import { loadDockerImages, loadImageArchives } from './load-images.ts'
import { KIND_VERSION, KIND_VERSION_LINE } from './version.ts'

const NAME: CobraFlag = { name: 'name', short: 'n', type: 'string', value: 'kind', usage: 'the cluster context name' }
const KUBECONFIG: CobraFlag = { name: 'kubeconfig', type: 'string', usage: 'sets kubeconfig path instead of $KUBECONFIG or $HOME/.kube/config' }
const INTERNAL: CobraFlag = { name: 'internal', type: 'bool', usage: 'use internal address instead of external' }
const NODES: CobraFlag = { name: 'nodes', type: 'stringSlice', usage: 'comma separated list of nodes to load images into' }
const IDEMPOTENT = 'A cluster that is gone already is no error.\n'

/** kind: clusters whose nodes are containers of the machine. */
// @k8s part: kind: the load balancer before several control planes is no container; extraMounts, IPv6, other network plugins and proxies, feature gates, patches but for labels and taints, and node images of other versions are refused
export function kind(options: ProviderOptions): Program {
  return async (proc) => {
    const words = proc.argv.slice(1)
    const isQuiet = words.some((word) => word === '-q' || word === '--quiet')
    const terminal = proc.isTty(2) && proc.env['TERM'] !== 'dumb'
    try {
      return await runCobra(commands(options), proc)
    } catch (error) {
      if (!(error instanceof CobraError || error instanceof FleetError)) throw error
      if (!isQuiet) await proc.stderr.write(`${terminal ? '\u001b[31mERROR\u001b[0m' : 'ERROR'}: ${error.message}\n`)
      return 1
    }
  }
}

/** What only has sub-commands says so. */
const needsSubcommand = async ({ out, help }: CobraRun): Promise<number> => {
  await out(help())
  throw new CobraError('Subcommand is required')
}

function commands(options: ProviderOptions): CobraCommand {
  const { fleet } = options
  const log = async ({ flags, err }: CobraRun, line: string) => { if (!flags.bool('quiet')) await err(`${line}\n`) }
  /** kind: delete.Cluster */
  const remove = async (run: CobraRun, name: string) => {
    removeFromKubeconfigs(run.proc, run.flags.str('kubeconfig'), `kind-${name}`)
    const found = fleet.get('kind', name)
    if (!found) return
    const nodes = found.record.topology.nodes.map((node) => node.name)
    await fleet.delete(found.record)
    await log(run, `Deleted nodes: ${quotedList(nodes)}`)
  }
  return {
    use: 'kind', short: 'kind is a tool for managing local Kubernetes clusters', long: "kind creates and manages local Kubernetes clusters using Docker container 'nodes'",
    flags: [{ name: 'version', type: 'bool', usage: 'version for kind' }],
    persistent: [{ name: 'verbosity', short: 'v', type: 'int32', usage: 'info log verbosity, higher value produces more output' }, { name: 'quiet', short: 'q', type: 'bool', usage: 'silence all stderr output' }],
    run: async ({ flags, out, help }) => { await out(flags.bool('version') ? `kind version ${KIND_VERSION.slice(1)}\n` : help()); return 0 },
    children: [
      {
        use: 'build', short: 'Build one of [node-image]', run: needsSubcommand,
        children: [{ use: 'node-image [kubernetes-source]', short: 'Build the node image', long: 'Build the node image which contains Kubernetes build artifacts and other kind requirements', run: async () => { throw new CobraError('kind build node-image is not available in Drydock') } }],
      },
      {
        use: 'completion', short: 'Output shell completion code for the specified shell (bash, zsh or fish)', run: needsSubcommand,
        children: ['bash', 'fish', 'powershell', 'zsh'].map((shell): CobraCommand => ({ use: shell, short: `Output shell completions for ${shell}`, arity: noArguments, run: async ({ out }) => { await out(completionScript('kind', shell)!); return 0 } })),
      },
      {
        use: 'create', short: 'Creates one of [cluster]', long: 'Creates one of local Kubernetes cluster (cluster)', run: needsSubcommand,
        children: [{
          use: 'cluster', short: 'Creates a local Kubernetes cluster', long: "Creates a local Kubernetes cluster using Docker container 'nodes'", arity: noArguments,
          flags: [
            { name: 'name', short: 'n', type: 'string', usage: 'cluster name, overrides KIND_CLUSTER_NAME, config (default kind)' }, { name: 'config', type: 'string', usage: 'path to a kind config file' }, { name: 'image', type: 'string', usage: 'node docker image to use for booting the cluster' },
            { name: 'retain', type: 'bool', usage: 'retain nodes for debugging when cluster creation fails' }, { name: 'wait', type: 'duration', usage: 'wait for control plane node to be ready (default 0s)' }, KUBECONFIG,
          ],
          run: (run) => {
            if (run.flags.bool('retain')) throw new CobraError('--retain is not available in Drydock: what fails leaves nothing')
            return createKindCluster(run, options)
          },
        }],
      },
      {
        use: 'delete', short: 'Deletes one of [cluster]', run: needsSubcommand,
        children: [
          {
            use: 'cluster', short: 'Deletes a cluster', long: `Deletes a Kind cluster from the system.\n\n${IDEMPOTENT}`, arity: noArguments, flags: [{ ...NAME, usage: 'the cluster name' }, KUBECONFIG],
            async run(run) {
              const name = clusterName(run)
              await log(run, `Deleting cluster ${JSON.stringify(name)} ...`)
              await remove(run, name)
              return 0
            },
          },
          {
            use: 'clusters', short: 'Deletes one or more clusters', long: `Deletes one or more Kind clusters from the system.\n\n${IDEMPOTENT}`, flags: [KUBECONFIG, { name: 'all', short: 'A', type: 'bool', usage: 'delete all clusters' }],
            async run(run) {
              const names = run.flags.bool('all') ? kindClusters(fleet).map(({ record }) => record.name) : [...run.args]
              if (!run.flags.bool('all') && names.length === 0) throw new CobraError('no cluster names provided')
              for (const name of names) await remove(run, name)
              await log(run, `Deleted clusters: ${quotedList(names)}`)
              return 0
            },
          },
        ],
      },
      {
        use: 'export', short: 'Exports one of [kubeconfig, logs]', run: needsSubcommand,
        children: [
          {
            use: 'kubeconfig', short: 'Exports cluster kubeconfig', arity: noArguments, flags: [NAME, KUBECONFIG, INTERNAL],
            async run(run) {
              const name = clusterName(run)
              mergeKubeconfig(run.proc, run.flags.str('kubeconfig'), kindKubeconfig(fleet, name, run.flags.bool('internal')))
              await log(run, `Set kubectl context to "kind-${name}"`)
              return 0
            },
          },
          {
            use: 'logs [output-dir]', short: 'Exports logs to a tempdir or [output-dir] if specified', flags: [NAME],
            arity: (args) => args.length > 1 ? `accepts at most 1 arg(s), received ${args.length}` : undefined, run: (run) => exportKindLogs(run, options),
          },
        ],
      },
      {
        use: 'get', short: 'Gets one of [clusters, nodes, kubeconfig]', run: needsSubcommand,
        children: [
          {
            use: 'clusters', short: 'Lists existing kind clusters by their name', arity: noArguments,
            async run(run) {
              const names = kindClusters(fleet).map(({ record }) => record.name)
              if (names.length === 0) await log(run, 'No kind clusters found.')
              await run.out(names.map((name) => `${name}\n`).join(''))
              return 0
            },
          },
          { use: 'kubeconfig', short: 'Prints cluster kubeconfig', arity: noArguments, flags: [NAME, INTERNAL], run: async (run) => { await run.out(`${kindKubeconfig(fleet, clusterName(run), run.flags.bool('internal'))}\n`); return 0 } },
          {
            use: 'nodes', short: 'Lists existing kind nodes by their name', arity: noArguments, flags: [NAME, { name: 'all-clusters', short: 'A', type: 'bool', usage: 'If present, list all the available nodes across all cluster contexts. Current context is ignored even if specified with --name.' }],
            async run(run) {
              const all = run.flags.bool('all-clusters')
              const name = clusterName(run)
              const nodes = (all ? kindClusters(fleet).map(({ record }) => record.name) : [name]).flatMap((each) => nodesOf(fleet, each).map((node) => node.name))
              if (nodes.length === 0) await log(run, all ? 'No kind nodes for any cluster.' : `No kind nodes found for cluster ${JSON.stringify(name)}.`)
              await run.out(nodes.map((node) => `${node}\n`).join(''))
              return 0
            },
          },
        ],
      },
      {
        use: 'load', short: 'Loads images into nodes', long: 'Loads images into node from an archive or image on host', arity: noArguments, run: needsSubcommand,
        children: [
          { use: 'docker-image <IMAGE> [IMAGE...]', short: 'Loads docker images from host into nodes', long: 'Loads docker images from host into all or specified nodes by name', flags: [NAME, NODES], arity: (args) => args.length === 0 ? 'a list of image names is required' : undefined, run: (run) => loadDockerImages(run, options) },
          { use: 'image-archive <IMAGE.tar>', short: 'Loads docker image from archive into nodes', long: 'Loads docker image from archive into all or specified nodes by name', flags: [NAME, NODES], arity: (args) => args.length === 0 ? 'a list of image archives is required' : undefined, run: (run) => loadImageArchives(run, options) },
        ],
      },
      { use: 'version', short: 'Prints the kind CLI version', arity: noArguments, run: async ({ flags, out }) => { await out(`${flags.bool('quiet') ? KIND_VERSION.slice(1) : KIND_VERSION_LINE}\n`); return 0 } },
    ],
  }
}
