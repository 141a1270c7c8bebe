import { CobraError, runCobra } from '../../cli/cobra/cobra.ts'
import type { CobraCommand, CobraFlag, CobraRun } from '../../cli/cobra/cobra.ts'
import { completionScript } from '../../cli/completion-script.ts'
import { mergeKubeconfig } from '../../cli/kubeconfig-file.ts'
import type { Program } from '../../unix/types.ts'
import { FleetError } from '../fleet/fleet.ts'
import type { ProviderOptions } from '../fleet/provider-options.ts'
import { addNode, removeNode } from '../machine-actions.ts'
import { ADDONS, MISSING_ADDONS, switchAddon } from './addons.ts'
import { dashboard } from './dashboard.ts'
import { imageLoad, imageList } from './images.ts'
import { profile, profileList, remove, status, stop } from './lifecycle.ts'
import { MinikubeExit, Output, framedTable, outputFormat, unavailable, usageExit } from './output.ts'
import { MINIKUBE_VERSION, NoProfile, detailsOf, healthy, nodeOf, partial, profileOf, readConfig, running, writeConfig } from './profiles.ts'
import { service, serviceList, tunnel } from './services.ts'
import { kubeconfigOf, labelWorkers, nodeName, start } from './start.ts'

const PROFILE: CobraFlag = { name: 'profile', short: 'p', type: 'string', usage: 'The name of the minikube VM being used. This can be set to allow having multiple instances of minikube independently. (default "minikube")' }
const OUTPUT = (value: string, usage: string): CobraFlag => ({ name: 'output', short: 'o', type: 'string', value, usage })
const NODE: CobraFlag = { name: 'node', short: 'n', type: 'string', usage: 'The node to use. Defaults to the primary control plane.' }

/** What `minikube config set` takes: `minikube start` follows all of it, and every command the profile. */
const PROPERTIES = ['cpus', 'memory', 'driver', 'kubernetes-version', 'profile', 'container-runtime', 'cni']

const GROUPS: readonly (readonly [title: string, names: readonly string[]])[] = [
  ['Basic Commands:', ['start', 'status', 'stop', 'delete', 'dashboard', 'pause', 'unpause']], ['Images Commands:', ['docker-env', 'image']], ['Configuration and Management Commands:', ['addons', 'config', 'profile', 'update-context']],
  ['Networking and Connectivity Commands:', ['service', 'tunnel']], ['Advanced Commands:', ['mount', 'ssh', 'kubectl', 'node']], ['Troubleshooting Commands:', ['ip', 'logs', 'version']], ['Other Commands:', ['completion']],
]

/** minikube: clusters of one machine or more, a profile each. */
// @k8s part: minikube: the docker driver is all there is; containerd is what the container runtime is by itself, and CRI-O the other one; pause, mount, docker-env, cp, several control planes, other versions and the addons other than csi-hostpath-driver, dashboard, default-storageclass, ingress, metrics-server, storage-provisioner and volumesnapshots are refused; logs shows a kubelet's journal, version no commit; volumes come from the local-path provisioner in place of minikube's own
export function minikube(options: ProviderOptions): Program {
  return async (proc) => {
    const root = commands(options)
    const words = proc.argv.slice(1)
    const out = new Output(proc)
    if (words.length === 0 || (words.length === 1 && ['help', '--help', '-h'].includes(words[0]!))) { await proc.stdout.write(overview(root)); return 0 }
    try {
      return await runCobra(root, proc, words)
    } catch (error) {
      if (error instanceof NoProfile) {
        await out.step('Shrug', error.message)
        await out.step('Workaround', `To start a cluster, run: "minikube start${error.profile === 'minikube' ? '' : ` -p ${error.profile}`}"`)
        return error.code
      }
      if (error instanceof MinikubeExit || error instanceof FleetError) {
        const [reason, code] = error instanceof MinikubeExit ? [error.reason, error.code] : ['GUEST_START', 80]
        await out.line('')
        await out.complain('Failure', `Exiting due to ${reason}: ${error.message}`)
        await out.line('')
        return code
      }
      if (!(error instanceof CobraError)) throw error
      await proc.stderr.write(`Error: ${error.message}\nSee 'minikube --help' for usage.\n`)
      return 1
    }
  }
}

function overview(root: CobraCommand): string {
  const shortOf = (name: string) => root.children!.find(({ use }) => use.split(' ')[0] === name)!.short
  const width = Math.max(...GROUPS.flatMap(([, names]) => names.map((name) => name.length))) + 3
  return `${root.long}\n\n${GROUPS.map(([title, names]) => `${title}\n${names.map((name) => `  ${name.padEnd(width)}${shortOf(name)}\n`).join('')}`).join('\n')}\nUse "minikube <command> --help" for more information about a given command.\n`
}

function commands(options: ProviderOptions): CobraCommand {
  const { fleet } = options
  const nameOf = ({ proc, flags }: CobraRun) => profileOf(proc, flags.str('profile'))
  const outOf = ({ proc }: CobraRun) => new Output(proc)
  const refuse = (what: string) => async () => { throw unavailable(what) }
  /** Runs another program of the machine with this one's streams. */
  const hand = async ({ proc }: CobraRun, argv: readonly string[]) => (await proc.spawn(argv, { stdin: proc.stdin, stdout: proc.stdout, stderr: proc.stderr, ...(proc.tty ? { tty: proc.tty } : {}) }).wait()).code

  const addons: CobraCommand = {
    use: 'addons SUBCOMMAND [flags]', short: 'Enable or disable a minikube addon', long: 'addons modifies minikube addons files using subcommands like "minikube addons enable dashboard"',
    children: [
      {
        use: 'list', short: 'Lists all available minikube addons as well as their current statuses (enabled/disabled)', flags: [OUTPUT('list', 'minikube addons list --output OUTPUT. json, list')],
        async run(run) {
          const found = fleet.get('minikube', nameOf(run))
          const enabled = (name: string) => found !== undefined && detailsOf(found).addons.includes(name)
          const names = [...Object.keys(ADDONS), ...MISSING_ADDONS].sort()
          const word = (name: string) => enabled(name) ? 'enabled' : 'disabled'
          const green = (text: string, name: string) => enabled(name) && outOf(run).hasColours ? `\u001b[32m${text}\u001b[0m` : text
          const maintainer = (name: string) => ADDONS[name]?.maintainer ?? 'not available in Drydock'
          if (outputFormat(run.flags.str('output'), ['list', 'json']) === 'json') await run.out(`${JSON.stringify(Object.fromEntries(names.map((name) => [name, found ? { Profile: found.record.name, Status: word(name) } : {}])))}`)
          else if (found) await run.out(framedTable(['Addon Name', 'Profile', 'Status', 'Maintainer'], names.map((name) => [name, found.record.name, `${word(name)} ${enabled(name) ? '✅' : '  '}`, maintainer(name)].map((text) => green(text, name))), { upperCase: true }))
          else await run.out(framedTable(['Addon Name', 'Maintainer'], names.map((name) => [name, maintainer(name)]), { upperCase: true }))
          return 0
        },
      },
      ...(['enable', 'disable'] as const).map((verb): CobraCommand => ({
        use: `${verb} ADDON_NAME`, short: verb === 'enable' ? 'Enables the addon w/ADDON_NAME within minikube. For a list of available addons use: minikube addons list ' : 'Disables the addon w/ADDON_NAME within minikube (example: minikube addons disable dashboard). For a list of available addons use: minikube addons list ',
        async run(run) {
          const [name] = run.args
          if (name === undefined || run.args.length !== 1) throw usageExit(`usage: minikube addons ${verb} ADDON_NAME`)
          const found = healthy(fleet, nameOf(run))
          if (MISSING_ADDONS.includes(name)) throw unavailable(`the addon "${name}"`)
          if (!Object.hasOwn(ADDONS, name)) throw new MinikubeExit('MK_ADDON_ENABLE', `${verb === 'enable' ? 'enable failed: run callbacks: ' : ''}"${name}" is not a valid addon`, 10)
          const out = outOf(run)
          const isOn = verb === 'enable'
          const { maintainer, images, verify, wants } = ADDONS[name]!
          if (isOn) {
            await out.step('Tip', `${name} is an addon maintained by ${maintainer}. For any concerns contact minikube on GitHub.\nYou can view the list of minikube maintainers at: https://github.com/kubernetes/minikube/blob/master/OWNERS`)
            for (const image of images) await out.step('SubStep', `Using image ${image}`)
            if (verify) await out.step('HealthCheck', `Verifying ${name} addon...`)
          }
          if (isOn && wants !== undefined && !detailsOf(found).addons.includes(wants)) await out.complain('Warning', `[WARNING] For full functionality, the '${name}' addon requires the '${wants}' addon to be enabled.\n\nYou can enable '${wants}' addon by running: 'minikube addons enable ${wants}'\n`)
          await switchAddon(fleet, found, name, isOn).catch((error: Error) => { throw new MinikubeExit('MK_ADDON_ENABLE', `${verb} failed: ${error.message}`, 10) })
          await out.step(isOn ? 'AddonEnable' : 'AddonDisable', isOn ? `The '${name}' addon is enabled` : `"The '${name}' addon is disabled`)
          return 0
        },
      })),
    ],
  }

  const node: CobraCommand = {
    use: 'node', short: 'Add, remove, or list additional nodes', long: 'Operations on nodes',
    children: [
      {
        use: 'add', short: 'Adds a node to the given cluster.', flags: [{ name: 'control-plane', type: 'bool', usage: 'If set, added node will become a control-plane.' }, { name: 'worker', type: 'bool', value: 'true', usage: 'If set, added node will be available as worker.' }],
        async run(run) {
          if (run.flags.bool('control-plane')) throw unavailable('a cluster with more than one control-plane node')
          const found = healthy(fleet, nameOf(run))
          const { record, cluster } = found
          const { cpus, memoryMegabytes } = detailsOf(found)
          const out = outOf(run)
          const last = Math.max(...record.topology.nodes.map(({ name }) => Number(/-m(\d+)$/.exec(name)?.[1] ?? 1)))
          const name = nodeName(record.name, last + 1)
          await out.step('Happy', `Adding node ${name.slice(record.name.length + 1)} to cluster ${record.name} as [worker]`)
          await out.step('ThumbsUp', `Starting "${name}" worker node in "${record.name}" cluster`)
          await addNode(cluster, name, { cpu: String(cpus), memory: `${memoryMegabytes * 1024}Ki` }).catch((error: Error) => { throw new MinikubeExit('GUEST_NODE_ADD', `failed to add node: ${error.message}`, 80) })
          await labelWorkers(cluster, record.name, [name])
          await out.step('Ready', `Successfully added ${name.slice(record.name.length + 1)} to ${record.name}!`)
          return 0
        },
      },
      {
        use: 'delete', short: 'Deletes a node from a cluster.',
        async run(run) {
          if (run.args.length === 0) throw usageExit('Usage: minikube node delete [name]')
          const found = healthy(fleet, nameOf(run))
          const { name, controlPlane } = nodeOf(found, run.args[0]!)
          if (controlPlane) throw unavailable('to delete the only control-plane node')
          const out = outOf(run)
          await out.step('DeletingHost', `Deleting node ${run.args[0]} from cluster ${found.record.name}`)
          await removeNode(found.cluster, name).catch((error: Error) => { throw new MinikubeExit('GUEST_NODE_DELETE', `deleting node: ${error.message}`, 80) })
          await out.step('Deleted', `Node ${run.args[0]} was successfully deleted.`)
          return 0
        },
      },
      { use: 'list', short: 'List nodes.', run: async (run) => { for (const { name, ip } of partial(fleet, nameOf(run)).record.topology.nodes) await run.out(`${name}\t${ip}\n`); return 0 } },
      {
        use: 'start', short: 'Starts a node.',
        async run(run) {
          if (run.args.length === 0) throw usageExit('Usage: minikube node start [name]')
          const found = running(fleet, nameOf(run))
          const { name } = nodeOf(found, run.args[0]!)
          if (found.cluster.computers.get(name)!.isOn) { await outOf(run).step('Success', `${run.args[0]} is already running`); return 0 }
          found.cluster.computers.powerOn(name)
          await outOf(run).step('Happy', `Successfully started node ${name}!`)
          return 0
        },
      },
      {
        use: 'stop', short: 'Stops a node in a cluster.',
        async run(run) {
          if (run.args.length === 0) throw usageExit('Usage: minikube node stop [name]')
          const found = running(fleet, nameOf(run))
          const { name } = nodeOf(found, run.args[0]!)
          await found.cluster.computers.shutDown(name)
          await outOf(run).step('Stopped', `Successfully stopped node ${name}`)
          return 0
        },
      },
    ],
  }

  const config: CobraCommand = {
    use: 'config SUBCOMMAND [flags]', short: 'Modify persistent configuration values', long: `config modifies minikube config files using subcommands like "minikube config set driver kvm2"\nConfigurable fields:\n\n${PROPERTIES.map((name) => ` * ${name}\n`).join('')}`,
    children: [
      {
        use: 'set PROPERTY_NAME PROPERTY_VALUE', short: 'Sets an individual value in a minikube config file',
        async run({ args, proc }) {
          const [name, value] = args
          if (args.length !== 2) throw usageExit(`${args.length < 2 ? 'not enough' : 'too many'} arguments (${args.length}).\nusage: minikube config set PROPERTY_NAME PROPERTY_VALUE`)
          if (!PROPERTIES.includes(name!)) throw new MinikubeExit('MK_CONFIG_SET', `Set failed: property name "${name}" not found`, 14)
          writeConfig(proc, { ...readConfig(proc), [name!]: value })
          if (['cpus', 'memory', 'driver'].includes(name!)) await new Output(proc).complain('Warning', 'These changes will take effect upon a minikube delete and then a minikube start')
          return 0
        },
      },
      { use: 'get PROPERTY_NAME', short: 'Gets the value of PROPERTY_NAME from the minikube config file', run: async ({ args, proc, out }) => {
        const value = readConfig(proc)[args[0] ?? '']
        if (args.length === 0 || value === undefined) throw new MinikubeExit('MK_CONFIG_GET', 'specified key could not be found in config', 14)
        await out(`${String(value)}\n`)
        return 0
      } },
      { use: 'unset PROPERTY_NAME', short: 'unsets an individual value in a minikube config file', run: async ({ args, proc }) => { const { [args[0] ?? '']: _, ...rest } = readConfig(proc); writeConfig(proc, rest); return 0 } },
      { use: 'view', short: 'Display values currently set in the minikube config file', run: async ({ proc, out }) => { for (const [name, value] of Object.entries(readConfig(proc))) await out(`- ${name}: ${String(value)}\n`); return 0 } },
    ],
  }

  return {
    use: 'minikube', short: 'minikube quickly sets up a local Kubernetes cluster', long: 'minikube makes Kubernetes clusters on this machine, for trying things out.', persistent: [PROFILE],
    children: [
      {
        use: 'start', short: 'Starts a local Kubernetes cluster', run: (run) => start(run, options),
        flags: [
          { name: 'nodes', short: 'n', type: 'int', value: '1', usage: 'The total number of nodes to spin up. Defaults to 1.' }, { name: 'driver', type: 'string', usage: 'Used to specify the driver to run Kubernetes in. The list of available drivers depends on operating system.' }, { name: 'vm-driver', type: 'string', usage: 'DEPRECATED, use `driver` instead.' },
          { name: 'cpus', type: 'string', value: '2', usage: 'Number of CPUs allocated to Kubernetes. Use "max" to use the maximum number of CPUs.' }, { name: 'memory', short: 'm', type: 'string', usage: 'Amount of RAM to allocate to Kubernetes (format: <number>[<unit>], where unit = b, k, m or g).' },
          { name: 'kubernetes-version', type: 'string', usage: "The Kubernetes version that the minikube VM will use (ex: v1.2.3, 'stable' for v1.36.3, 'latest' for v1.36.3). Defaults to 'stable'." }, { name: 'container-runtime', short: 'c', type: 'string', usage: 'The container runtime to be used. Valid options: cri-o, containerd (default: auto)' },
          { name: 'cni', type: 'string', usage: 'CNI plug-in to use. Valid options: auto, kindnet (default: auto)' }, { name: 'addons', type: 'stringSlice', usage: 'Enable addons. see `minikube addons list` for a list of valid addon names.' }, { name: 'keep-context', type: 'bool', usage: "This will keep the existing kubectl context and will create a minikube context." },
        ],
      },
      { use: 'status', short: 'Gets the status of a local Kubernetes cluster', long: 'Says which parts of a cluster run.\nThe exit code is a sum of what does not: 1 the machine, 2 the cluster, 4 Kubernetes.', flags: [OUTPUT('text', 'minikube status --output OUTPUT. json, text'), NODE], run: (run) => status(run, options) },
      { use: 'stop', short: 'Stops a running local Kubernetes cluster', long: 'Switches the machines of a cluster off. What is on their disks is there again after "minikube start".', flags: [{ name: 'all', type: 'bool', usage: 'Set flag to stop all profiles (clusters)' }, { name: 'keep-context-active', type: 'bool', usage: 'keep the kube-context active after cluster is stopped. Defaults to false.' }], run: (run) => stop(run, options) },
      { use: 'delete', short: 'Deletes a local Kubernetes cluster', long: 'Takes a cluster away, with its machines and their disks.', flags: [{ name: 'all', type: 'bool', usage: 'Set flag to delete all profiles' }], run: (run) => remove(run, options) },
      { use: 'dashboard', short: 'Access the Kubernetes dashboard running within the minikube cluster', flags: [{ name: 'url', type: 'bool', usage: 'Display dashboard URL instead of opening a browser' }, { name: 'port', type: 'int', value: '0', usage: 'Exposed port of the proxyfied dashboard. Set to 0 to pick a random port.' }], run: (run) => dashboard(run, options) },
      { use: 'pause', short: 'pause Kubernetes', run: refuse('minikube pause') },
      { use: 'unpause', short: 'unpause Kubernetes', aliases: ['resume'], run: refuse('minikube unpause') },
      { use: 'docker-env', short: "Provides instructions to point your terminal's docker-cli to the Docker Engine inside minikube. (Useful for building docker images directly inside minikube)", run: (run) => { running(fleet, nameOf(run)); throw new MinikubeExit('MK_USAGE', 'The docker-env command is incompatible with this container runtime: containerd; minikube image load takes images there', 14) } },
      {
        use: 'image COMMAND', short: 'Manage images',
        children: [
          { use: 'load IMAGE [IMAGE...]', short: 'Load an image into minikube', run: (run) => imageLoad(run, options) },
          { use: 'ls', short: 'List images', aliases: ['list'], run: (run) => imageList(run, options) },
          { use: 'build PATH | URL | -', short: 'Build a container image in minikube', run: refuse('minikube image build: docker build and minikube image load do it') },
        ],
      },
      addons, config,
      { use: 'profile [MINIKUBE_PROFILE_NAME]', short: 'Get or list the current profiles (clusters)', run: (run) => profile(run, options), children: [{ use: 'list', short: 'Lists all minikube profiles.', flags: [OUTPUT('table', "The output format. One of 'json', 'table'")], run: (run) => profileList(run, options) }] },
      {
        use: 'update-context', short: 'Update kubeconfig in case of an IP or port change',
        async run(run) {
          const found = running(fleet, nameOf(run))
          mergeKubeconfig(run.proc, '', kubeconfigOf(found))
          await outOf(run).step('Celebrate', `"${found.record.name}" context has been updated to point to 127.0.0.1:${found.record.apiPort}`)
          return 0
        },
      },
      {
        use: 'service [flags] SERVICE', short: 'Returns a URL to connect to a service', long: 'Says under which URLs the node ports of Services answer, one a line.', run: (run) => service(run, options),
        flags: [{ name: 'url', type: 'bool', usage: 'Display the Kubernetes service URL in the CLI instead of opening it in the default browser' }, { name: 'https', type: 'bool', usage: 'Open the service URL with https instead of http (defaults to "false")' }, { name: 'all', type: 'bool', usage: 'Forwards all services in a namespace (defaults to "false")' }, { name: 'namespace', short: 'n', type: 'string', value: 'default', usage: 'The service namespace' }],
        children: [{ use: 'list [flags]', short: 'Lists the URLs for the services in your local cluster', flags: [OUTPUT('table', "The output format. One of 'json', 'table'"), { name: 'namespace', short: 'n', type: 'string', usage: 'The services namespace' }], run: (run) => serviceList(run, options) }],
      },
      { use: 'tunnel', short: 'Connect to LoadBalancer services', long: 'Makes a way to the cluster\'s Services for as long as it runs, and gives those of type LoadBalancer their cluster address as the one outside.', flags: [{ name: 'cleanup', short: 'c', type: 'bool', value: 'true', usage: 'call with cleanup=true to remove old tunnels' }], run: (run) => tunnel(run, options) },
      { use: 'mount [flags] <source directory>:<target directory>', short: 'Mounts the specified directory into minikube', run: refuse('minikube mount') },
      {
        use: 'ssh', short: 'Log into the minikube environment (for debugging)', long: "Log into or run a command on a machine with SSH; similar to 'docker-machine ssh'.", flags: [{ ...NODE, usage: 'The node to ssh into. Defaults to the primary control plane.' }],
        async run(run) {
          const found = running(fleet, nameOf(run))
          const target = nodeOf(found, run.flags.str('node')).name
          return hand(run, ['ssh', target, ...run.args])
        },
      },
      {
        use: 'kubectl', short: 'Run a kubectl binary matching the cluster version', example: 'minikube kubectl -- --help\nminikube kubectl -- get pods --namespace kube-system',
        async run(run) {
          const { record } = partial(fleet, nameOf(run))
          return hand(run, ['kubectl', '--context', record.name, ...run.args])
        },
      },
      node,
      { use: 'ip', short: 'Retrieves the IP address of the specified node', long: 'Retrieves the IP address of the specified node, and writes it to STDOUT.', flags: [NODE], run: async (run) => { const found = running(fleet, nameOf(run)); await run.out(`${nodeOf(found, run.flags.str('node')).ip}\n`); return 0 } },
      {
        use: 'logs', short: 'Returns logs to debug a local Kubernetes cluster', flags: [NODE, { name: 'length', type: 'int', value: '60', usage: 'Number of lines back to go within the log' }],
        async run(run) {
          const found = running(fleet, nameOf(run))
          const target = nodeOf(found, run.flags.str('node')).name
          await run.out('\n==> kubelet <==\n')
          return hand(run, ['ssh', target, `journalctl -u kubelet --no-pager -n ${run.flags.int('length')}`])
        },
      },
      {
        use: 'version', short: 'Print the version of minikube', flags: [{ name: 'short', type: 'bool', usage: 'Print just the version number.' }, OUTPUT('', "One of 'yaml' or 'json'.")],
        run: async ({ flags, out }) => { await out(flags.str('output') === 'json' ? `${JSON.stringify({ minikubeVersion: MINIKUBE_VERSION })}\n` : flags.str('output') === 'yaml' ? `minikubeVersion: ${MINIKUBE_VERSION}\n` : flags.bool('short') ? `${MINIKUBE_VERSION}\n` : `minikube version: ${MINIKUBE_VERSION}\n`); return 0 },
      },
      {
        use: 'completion SHELL', short: 'Generate command completion for a shell',
        run: async ({ args, out }) => {
          const script = completionScript('minikube', args[0] ?? '')
          if (script === undefined) throw usageExit('Usage: minikube completion SHELL')
          await out(script)
          return 0
        },
      },
    ],
  }
}
