import { CobraError } from '../../cli/cobra/cobra.ts'
import type { CobraRun } from '../../cli/cobra/cobra.ts'
import { mergeKubeconfig } from '../../cli/kubeconfig-file.ts'
import { readAll } from '../../base/streams.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { InstallationStage } from '../../cluster/installation.ts'
import { DockerError } from '../../cluster/docker/docker-error.ts'
import { familiarName, referenceOf } from '../../cluster/docker/image-table.ts'
import type { Node } from '../../cluster/kinds/generated/types.ts'
import { kubeadmTopology } from '../../cluster/topology.ts'
import type { NodeSpec, Topology } from '../../cluster/topology.ts'
import { UnixError } from '../../unix/types.ts'
import { errorText } from '../../unix/errno.ts'
import { FleetError } from '../fleet/fleet.ts'
import type { FleetCluster } from '../fleet/fleet.ts'
import type { ProviderOptions } from '../fleet/provider-options.ts'
import { kindKubeconfig } from './clusters.ts'
import { KindConfigError, readKindConfig } from './config.ts'
import type { KindConfig } from './config.ts'
import { Status } from './status.ts'

/** kind: clusterNameMax */
const LONG_NAME = 50
/** How often a pull is tried anew, each time a second later. */
const RETRIES = 4
const POLL_MS = 100

const SALUTATIONS = [
  'Have a nice day! 👋',
  'Thanks for using kind! 😊',
  'Not sure what to do next? 😅  Check out https://kind.sigs.k8s.io/docs/user/quick-start/',
  'Have a question, bug, or feature request? Let us know! https://kind.sigs.k8s.io/#community 🙂',
]

/** `kind create cluster`. kind: pkg/cluster/internal/create Cluster @throws CobraError */
export async function createKindCluster(run: CobraRun, options: ProviderOptions): Promise<number> {
  try {
    return await create(run, options)
  } catch (error) {
    if (!(error instanceof KindConfigError || error instanceof FleetError || error instanceof PullError || error instanceof UnixError)) throw error
    const command = error instanceof PullError ? `\n\nCommand Output: ${error.output}` : ''
    throw new CobraError(`failed to create cluster: ${error instanceof UnixError ? `failed to open a port: ${errorText(error)}` : error.message}${command}`)
  }
}

async function create(run: CobraRun, { fleet, docker }: ProviderOptions): Promise<number> {
  const { flags, proc } = run
  const config = readKindConfig(await configText(run), { name: flags.changed('name') ? flags.str('name') : proc.env['KIND_CLUSTER_NAME'] ?? '', image: flags.str('image') })
  const { name, nodes } = config
  if (fleet.get('kind', name)) throw new KindConfigError(`node(s) already exist for a cluster with the name ${JSON.stringify(name)}`)
  const status = new Status(proc, { quiet: flags.bool('quiet') })
  if (name.length > LONG_NAME) await status.say(`WARNING: cluster name ${JSON.stringify(name)} is probably too long, this might not work properly on some systems`)
  await status.say(`Creating cluster ${JSON.stringify(name)} ...`)
  const steps = new Steps(status)
  let made: FleetCluster
  try {
    for (const image of [...new Set(nodes.map(({ image }) => image))].sort()) {
      await status.begin(`Ensuring node image (${image.split('@sha256:')[0]}) 🖼`)
      await ensureImage(docker, image, (ms) => proc.sleep(ms))
    }
    const { engine } = await docker()
    if (!engine.networks.has('kind')) engine.networks.create('kind')
    await status.begin(`Preparing nodes ${'📦 '.repeat(nodes.length)}`)
    made = await fleet.create({
      provider: 'kind', name, apiPort: config.apiServerPort, topology: (number) => kindTopology(config, number),
      ports: nodes.flatMap(({ ports }, index) => ports.map(({ hostPort, containerPort, listenAddress, protocol }) => ({ hostIp: listenAddress, hostPort, containerPort, node: nodeNames(config)[index]!, protocol: protocol === 'UDP' ? 'udp' as const : 'tcp' as const }))),
      details: { images: Object.fromEntries(nodes.map(({ image }, index) => [nodeNames(config)[index]!, image])) },
    }, (stage) => steps.reached(stage, { hasWorkers: nodes.some(({ role }) => role === 'worker'), hasLoadBalancer: nodes.filter(({ role }) => role === 'control-plane').length > 1 }))
    await steps.written()
    await waitUntilReady(status, made.cluster!, flags.duration('wait'), proc.killed)
    await status.end(true)
  } catch (error) {
    await steps.written()
    await status.end(false)
    throw error
  }
  mergeKubeconfig(proc, flags.str('kubeconfig'), kindKubeconfig(fleet, name))
  const context = `kind-${name}`
  await status.say(`Set kubectl context to "${context}"`)
  await status.say(`You can now use your cluster with:\n\nkubectl cluster-info --context ${context}${flags.str('kubeconfig') ? ` --kubeconfig ${flags.str('kubeconfig')}` : ''}`)
  await status.say('')
  await status.say(SALUTATIONS[proc.random.int(SALUTATIONS.length)]!)
  return 0
}

/** @throws KindConfigError */
async function configText({ flags, proc }: CobraRun): Promise<string | undefined> {
  const path = flags.str('config')
  if (path === '') return undefined
  if (path === '-') return new TextDecoder().decode(await readAll(proc.stdin))
  try {
    return proc.fs.readText(proc.resolve(path))
  } catch (error) {
    if (!(error instanceof UnixError)) throw error
    throw new KindConfigError(`error reading file: open ${path}: ${errorText(error).toLowerCase()}`)
  }
}

/** kind's nodes are called after their roles: kind-control-plane, kind-worker, kind-worker2. */
function nodeNames({ name, nodes }: KindConfig): string[] {
  const counts = { 'control-plane': 0, worker: 0 }
  return nodes.map(({ role }) => { const count = ++counts[role]; return `${name}-${role}${count > 1 ? count : ''}` })
}

/** What a configuration makes: a cluster of its own range of kind's network. */
export function kindTopology(config: KindConfig, number: number): Topology {
  const { name, nodes, podSubnet, serviceSubnet, disableDefaultCni } = config
  const names = nodeNames(config)
  const plain = kubeadmTopology(nodes.length, name, `172.18.${number}.0/24`, nodes.filter(({ role }) => role === 'control-plane').length)
  // The nodes of the control plane come first, whatever the order in the file.
  const order = nodes.map((_, index) => index).sort((a, b) => Number(nodes[b]!.role === 'control-plane') - Number(nodes[a]!.role === 'control-plane') || a - b)
  return {
    ...plain, podCidr: podSubnet, serviceCidr: serviceSubnet, ...(disableDefaultCni ? { cni: 'none' as const } : {}),
    nodes: order.map((index, place): NodeSpec => {
      const { labels, taints } = nodes[index]!
      const spec = plain.nodes[place]!
      return { ...spec, name: names[index]!, nodeLabels: { ...labels }, ...(taints ? { taints: [...taints] } : {}) }
    }),
  }
}

/** A pull that failed, with what docker said. */
class PullError extends Error {
  readonly output: string
  constructor(message: string, output: string) {
    super(message)
    this.output = output
  }
}

/** kind: pullIfNotPresent @throws PullError */
async function ensureImage(docker: ProviderOptions['docker'], image: string, sleep: (ms: number) => Promise<void>): Promise<void> {
  const { engine } = await docker()
  if (engine.images.find(image)) return
  for (let attempt = 0; ; attempt++) {
    try {
      const reference = referenceOf(image)
      if (familiarName(reference.repository) !== 'kindest/node') throw new PullError(`${JSON.stringify(image)} is no image of kind's nodes: only kindest/node is available in Drydock`, '')
      await engine.transfer.pull(reference, undefined, async () => {})
      return
    } catch (error) {
      if (!(error instanceof DockerError)) throw error
      if (attempt === RETRIES) throw new PullError(`failed to pull image ${JSON.stringify(image)}: command "docker pull ${image}" failed with error: exit status 1`, `Error response from daemon: ${error.message}`)
      await sleep((attempt + 1) * 1000)
    }
  }
}

const STEPS: Readonly<Record<InstallationStage, string>> = { configuration: 'Writing configuration 📜', 'control-plane': 'Starting control-plane 🕹️', network: 'Installing CNI 🔌', storage: 'Installing StorageClass 💾', 'control-planes': 'Joining more control-plane nodes 🎮', workers: 'Joining worker nodes 🚜' }
const LOAD_BALANCER_STEP = 'Configuring the external load balancer ⚖️'

/** Writes the stages of an installation down in the order in which they begin. */
class Steps {
  readonly #status: Status
  #written: Promise<void> = Promise.resolve()

  constructor(status: Status) {
    this.#status = status
  }

  reached(stage: InstallationStage, { hasWorkers, hasLoadBalancer }: { hasWorkers: boolean; hasLoadBalancer: boolean }): void {
    if (stage === 'workers' && !hasWorkers) return
    if (stage === 'configuration' && hasLoadBalancer) this.#written = this.#written.then(() => this.#status.begin(LOAD_BALANCER_STEP))
    this.#written = this.#written.then(() => this.#status.begin(STEPS[stage]))
    // It is waited for at the end; until then nobody hears of a terminal that has gone.
    this.#written.catch(() => {})
  }

  written(): Promise<void> {
    return this.#written
  }
}

/** kind: waitforready */
async function waitUntilReady(status: Status, cluster: Cluster, waitMs: number, killed: AbortSignal): Promise<void> {
  const seconds = (ms: number) => goSeconds(Math.round(ms / 1000))
  if (waitMs === 0) return
  await status.begin(`Waiting ≤ ${seconds(waitMs)} for control-plane = Ready ⏳`)
  const { clock, etcd } = cluster
  const name = cluster.topology.nodes.find(({ controlPlane }) => controlPlane)!.name
  const startMs = clock.nowMs()
  const isReady = () => etcd.get<Node>(`/registry/minions/${name}`)?.value.status.conditions?.at(-1)?.status === 'True'
  while (!isReady()) {
    if (clock.nowMs() >= startMs + waitMs) {
      await status.end(false)
      return status.say(' • WARNING: Timed out waiting for Ready ⚠️')
    }
    await clock.sleep(POLL_MS, killed)
  }
  await status.end(true)
  await status.say(` • Ready after ${seconds(clock.nowMs() - startMs)} 💚`)
}

/** Go's way to write whole seconds: `1m5s`. */
function goSeconds(seconds: number): string {
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  return `${h > 0 ? `${h}h` : ''}${h > 0 || m > 0 ? `${m}m` : ''}${s}s`
}
