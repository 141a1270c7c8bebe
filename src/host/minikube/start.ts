import type { CobraRun } from '../../cli/cobra/cobra.ts'
import { mergeKubeconfig } from '../../cli/kubeconfig-file.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { Node } from '../../cluster/kinds/generated/types.ts'
import { kubeadmTopology } from '../../cluster/topology.ts'
import type { NodeSpec, Topology } from '../../cluster/topology.ts'
import type { FleetCluster } from '../fleet/fleet.ts'
import type { ProviderOptions } from '../fleet/provider-options.ts'
import { ADDONS, DEFAULT_ADDONS, MISSING_ADDONS, setAddon } from './addons.ts'
import { MinikubeExit, Output, unavailable, usageExit } from './output.ts'
import { KUBERNETES_VERSION, MINIKUBE_VERSION, detailsOf, profileOf, readConfig } from './profiles.ts'
import type { ProfileDetails } from './profiles.ts'
import { CRI_IMPLEMENTATIONS } from '../../cluster/runtime/cri-implementation.ts'
import type { CriImplementation } from '../../cluster/runtime/cri-implementation.ts'

const BASE_IMAGE = 'v0.0.50'
/** How long Kubernetes has to come up, in milliseconds. minikube: --wait-timeout */
const WAIT_MS = 360_000
const POLL_MS = 250
const FIRST_NETWORK = 49
const NETWORK_STEP = 9
/** Drivers whose machines this is like; all of them are the same here. */
const DRIVERS = ['docker']

/** What a node of a profile is called: minikube, minikube-m02, ... */
export function nodeName(profile: string, number: number): string {
  return number === 1 ? profile : `${profile}-m${String(number).padStart(2, '0')}`
}

/** A container runtime by one of its names; undefined for one that there isn't. */
const runtimeOf = (name: string): CriImplementation | undefined => Object.values(CRI_IMPLEMENTATIONS).find((each) => name === each.name || name === each.unit)

/** What `minikube start` makes: a cluster of its own range of addresses. */
function minikubeTopology(profile: string, nodes: number, { cpus, memoryMegabytes, runtime }: Pick<ProfileDetails, 'cpus' | 'memoryMegabytes' | 'runtime'>, number: number): Topology {
  const plain = kubeadmTopology(nodes, profile, `192.168.${FIRST_NETWORK + NETWORK_STEP * number}.0/24`)
  return {
    ...plain, serviceCidr: '10.96.0.0/12',
    nodes: plain.nodes.map((spec, index): NodeSpec => ({
      ...spec, name: nodeName(profile, index + 1), taints: [], cpu: String(cpus), memory: `${memoryMegabytes * 1024}Ki`, providerID: '', ...(runtime ? { runtime } : {}),
      ...(spec.controlPlane ? { labels: { ...spec.labels, 'minikube.k8s.io/name': profile, 'minikube.k8s.io/primary': 'true', 'minikube.k8s.io/version': MINIKUBE_VERSION } } : {}),
    })),
  }
}

/** Megabytes of `4g`, `4096`, `4096mb`, `max` isn't taken. @throws MinikubeExit */
function megabytes(text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)\s*([kmg]?)i?b?$/i.exec(text) ?? []
  if (number === undefined) throw usageExit(`Generate unable to parse memory '${text}': invalid size: '${text}'`)
  const factor = { k: 1 / 1024, '': 1, m: 1, g: 1024 }[unit.toLowerCase()]!
  return Math.round(Number(number) * factor)
}

/** A flag's value, or what `minikube config` says in its place. */
type Settings = (name: string, usual?: string) => string

/** Refuses what can't be had, by flag or by configuration. @throws MinikubeExit */
function checkSettings({ flags }: CobraRun, setting: Settings): void {
  const driver = flags.str('vm-driver') || setting('driver')
  if (driver !== '' && !DRIVERS.includes(driver)) throw new MinikubeExit('DRV_UNSUPPORTED_OS', `The driver '${driver}' is not supported on linux/amd64`, 56)
  const version = setting('kubernetes-version')
  if (version !== '' && !['stable', 'latest', KUBERNETES_VERSION, KUBERNETES_VERSION.slice(1)].includes(version)) throw unavailable(`Kubernetes ${version} (there is ${KUBERNETES_VERSION})`)
  const runtime = setting('container-runtime')
  if (!['', 'auto'].includes(runtime) && runtimeOf(runtime) === undefined) throw unavailable(`the container runtime "${runtime}" (there are ${Object.keys(CRI_IMPLEMENTATIONS).join(' and ')})`)
  const cni = setting('cni')
  if (!['', 'auto', 'kindnet', 'true'].includes(cni)) throw unavailable(`the network plugin "${cni}" (there is kindnet)`)
  for (const addon of flags.list('addons')) {
    if (MISSING_ADDONS.includes(addon)) throw unavailable(`the addon "${addon}"`)
    if (!Object.hasOwn(ADDONS, addon)) throw new MinikubeExit('MK_USAGE', `addon '${addon}' is not a valid addon packaged with minikube.\nTo see the list of available addons run:\nminikube addons list`, 14)
  }
  if (flags.changed('nodes') && flags.int('nodes') < 1) throw usageExit('Requested number of nodes must be at least 1')
  const cpus = setting('cpus', '2')
  if (cpus !== 'max' && !/^\d+$/.test(cpus)) throw usageExit(`invalid argument ${JSON.stringify(cpus)} for "--cpus" flag: must be a number or "max"`)
  if (cpus !== 'max' && Number(cpus) < 2) throw new MinikubeExit('RSRC_INSUFFICIENT_CORES', `Requested cpu count ${cpus} is less than the minimum allowed of 2`, 23)
}

/** `minikube start`. @throws MinikubeExit */
export async function start(run: CobraRun, options: ProviderOptions): Promise<number> {
  const { flags, proc } = run
  const { fleet } = options
  const config = readConfig(proc)
  const setting: Settings = (name, usual = '') => flags.changed(name) ? flags.str(name) : String(config[name] ?? usual)
  checkSettings(run, setting)
  const profile = profileOf(proc, flags.str('profile'))
  if (!/^[a-zA-Z0-9][a-zA-Z0-9-]*$/.test(profile)) throw usageExit(`Profile name "${profile}" is not valid. Only alphanumeric and dashes '-' are permitted. Minimum 1 character, starting with alphanumeric.`)
  const out = new Output(proc)
  const known = fleet.get('minikube', profile)
  const isRunning = known?.cluster !== undefined
  const about = /^PRETTY_NAME="?([^"\n]*)/m.exec(proc.fs.exists('/etc/os-release') ? proc.fs.readText('/etc/os-release') : '')?.[1] ?? 'Linux'
  await out.step('Happy', `${profile === 'minikube' ? '' : `[${profile}] `}minikube ${MINIKUBE_VERSION} on ${about} (amd64)`)
  await out.step('Sparkle', known ? 'Using the docker driver based on existing profile' : flags.changed('driver') || config['driver'] ? 'Using the docker driver based on user configuration' : 'Automatically selected the docker driver')
  const cpus = setting('cpus', '2')
  const wantedRuntime = runtimeOf(setting('container-runtime'))?.name
  const details: ProfileDetails = known ? detailsOf(known) : { cpus: cpus === 'max' ? proc.machine.hardware.cpus : Number(cpus), memoryMegabytes: megabytes(setting('memory', '3072mb')), addons: DEFAULT_ADDONS, ...(wantedRuntime ? { runtime: wantedRuntime } : {}) }
  if (known) {
    if (flags.changed('memory') && megabytes(flags.str('memory')) !== details.memoryMegabytes) await out.complain('Warning', 'You cannot change the memory size for an existing minikube cluster. Please first delete the cluster.')
    if (flags.changed('cpus') && flags.str('cpus') !== String(details.cpus)) await out.complain('Warning', 'You cannot change the CPUs for an existing minikube cluster. Please first delete the cluster.')
    if (flags.changed('nodes') && flags.int('nodes') !== known.record.topology.nodes.length) await out.complain('Warning', "You cannot change the number of nodes for an existing minikube cluster. Please use 'minikube node add' to add nodes to an existing cluster.")
  }
  if (known && flags.changed('container-runtime') && wantedRuntime && wantedRuntime !== (details.runtime ?? 'containerd')) throw unavailable('another container runtime for an existing minikube cluster')
  const { name: runtime, version: runtimeVersion } = CRI_IMPLEMENTATIONS[details.runtime ?? 'containerd']
  const prepare = () => runtime === 'cri-o' ? out.step('CRI-O', `Preparing Kubernetes ${KUBERNETES_VERSION} on CRI-O ${runtimeVersion} ...`) : out.step('Containerd', `Preparing Kubernetes ${KUBERNETES_VERSION} on containerd ${runtimeVersion} ...`)
  if (!known) await out.step('Notice', 'Using Docker driver with root privileges')
  await out.step('ThumbsUp', `Starting "${profile}" primary control-plane node in "${profile}" cluster`)
  await out.step('Pulling', `Pulling base image ${BASE_IMAGE} ...`)
  let found: FleetCluster
  if (isRunning) {
    await out.step('Running', `Updating the running docker "${profile}" container ...`)
    found = known
    for (const { name, power } of known.cluster!.computers.states()) if (power === 'off') known.cluster!.computers.powerOn(name)
  } else if (known) {
    await out.step('Restarting', `Restarting existing docker container for "${profile}" ...`)
    found = await fleet.start(known.record)
  } else {
    await out.step('StartingVM', `Creating docker container (CPUs=${details.cpus}, Memory=${details.memoryMegabytes}MB) ...`)
    const nodes = flags.changed('nodes') ? flags.int('nodes') : 1
    const creating = fleet.create({ provider: 'minikube', name: profile, topology: (number) => minikubeTopology(profile, nodes, details, number), details: { ...details } }, (stage) => {
      // Whoever has gone hears nothing of it any more.
      if (stage === 'control-plane') prepare().catch(() => {})
      if (stage === 'network') out.step('CNI', 'Configuring CNI (Container Networking Interface) ...').catch(() => {})
    })
    found = await creating
    await labelWorkers(found.cluster!, profile, found.record.topology.nodes.filter(({ controlPlane }) => !controlPlane).map(({ name }) => name))
  }
  const cluster = found.cluster!
  if (known) await prepare()
  await out.step('HealthCheck', 'Verifying Kubernetes components...')
  await untilReady(cluster)
  let wanted = [...new Set([...details.addons, ...flags.list('addons')])]
  for (const addon of wanted) {
    for (const image of ADDONS[addon]?.images ?? []) await out.step('SubStep', `Using image ${image}`)
    if (details.addons.includes(addon)) continue
    try {
      await setAddon(cluster, addon, true)
    } catch (error) {
      await out.complain('Warning', `Enabling '${addon}' returned an error: ${(error as Error).message}`)
      wanted = wanted.filter((each) => each !== addon)
    }
  }
  await fleet.remember(found.record, { ...details, addons: wanted })
  await out.step('AddonEnable', `Enabled addons: ${wanted.join(', ')}`)
  if (!flags.bool('keep-context')) mergeKubeconfig(proc, '', kubeconfigOf(found))
  await out.step('Ready', `Done! kubectl is now configured to use "${profile}" cluster and "default" namespace by default`)
  return 0
}

/** How kubectl reaches a profile's cluster. */
export function kubeconfigOf({ record, cluster }: FleetCluster): string {
  return cluster!.adminKubeconfig(`https://127.0.0.1:${record.apiPort}`, record.name).replace(`    user: ${record.name}\n`, `    namespace: default\n    user: ${record.name}\n`)
}

const administrator = (cluster: Cluster) => cluster.apiAs({ name: 'minikube-user', groups: ['system:masters', 'system:authenticated'] })

/** minikube labels its nodes once they have joined. */
export async function labelWorkers(cluster: Cluster, profile: string, workers: readonly string[]): Promise<void> {
  for (const name of workers) {
    await administrator(cluster).patch('nodes', name, undefined, 'application/merge-patch+json', { metadata: { labels: { 'minikube.k8s.io/name': profile, 'minikube.k8s.io/primary': 'false', 'minikube.k8s.io/version': MINIKUBE_VERSION } } }, { fieldManager: 'minikube' })
  }
}

/** Resolves once the API server answers and every node that has power is Ready. @throws MinikubeExit */
async function untilReady(cluster: Cluster): Promise<void> {
  const { clock, etcd, computers } = cluster
  const endMs = clock.nowMs() + WAIT_MS
  const isReady = ({ name }: { name: string }) => etcd.get<Node>(`/registry/minions/${name}`)?.value.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')
  while (!cluster.isServing || !computers.states().every((state) => state.power === 'on' && isReady(state))) {
    if (clock.nowMs() > endMs) throw new MinikubeExit('GUEST_START', 'failed to start node: wait 6m0s for node: wait for healthy API server: apiserver healthz never reported healthy: context deadline exceeded', 80)
    await clock.sleep(POLL_MS)
  }
}
