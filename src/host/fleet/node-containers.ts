import { createMemoryFileSystem } from '../../unix/file-system.ts'
import type { DockerContainer } from '../../cluster/docker/docker-container.ts'
import type { DockerEngine } from '../../cluster/docker/docker-engine.ts'
import { Random } from '../../base/random.ts'
import type { NodeSpec } from '../../cluster/topology.ts'
import type { Fleet, FleetCluster } from './fleet.ts'
import type { Provider } from './fleet-storage.ts'

/** How the nodes of a provider appear among a machine's containers; providers that aren't named have other machines. */
const NODES: Partial<Record<Provider, { network(name: string): string; labels(name: string, node: NodeSpec): Record<string, string>; apiPort: number; entrypoint: readonly string[]; cmd: readonly string[]; image: string }>> = {
  kind: {
    network: () => 'kind', apiPort: 6443, entrypoint: ['/usr/local/bin/entrypoint', '/sbin/init'], cmd: [], image: 'kindest/node',
    labels: (name, { controlPlane }) => ({ 'io.x-k8s.kind.cluster': name, 'io.x-k8s.kind.role': controlPlane ? 'control-plane' : 'worker' }),
  },
  minikube: {
    network: (name) => name, apiPort: 6443, entrypoint: ['/usr/local/bin/entrypoint', '/sbin/init'], cmd: [], image: 'gcr.io/k8s-minikube/kicbase:v0.0.50',
    labels: (name, { name: node, controlPlane }) => ({ 'created_by.minikube.sigs.k8s.io': 'true', 'mode.minikube.sigs.k8s.io': node, 'name.minikube.sigs.k8s.io': name, 'role.minikube.sigs.k8s.io': controlPlane ? 'control-plane' : '' }),
  },
}

/** The nodes of the fleet's clusters as containers of the learner's machine. */
export function nodeContainers(fleet: Fleet, engine: DockerEngine): readonly DockerContainer[] {
  return fleet.list().flatMap((each) => each.record.topology.nodes.map((node) => containerOf(fleet, engine, each, node)).filter((container) => container !== undefined))
}

function containerOf(fleet: Fleet, engine: DockerEngine, { record, cluster }: FleetCluster, node: NodeSpec): DockerContainer | undefined {
  const look = NODES[record.provider]
  if (!look) return undefined
  const { name, provider, createdMs, since, details, apiPort, ports } = record
  const image = (details['images'] as Readonly<Record<string, string>> | undefined)?.[node.name] ?? look.image
  const isRunning = cluster !== undefined && cluster.computers.states().find((state) => state.name === node.name)?.power !== 'off'
  const bindings = [
    ...ports.filter((port) => port.node === node.name).map(({ containerPort, protocol, hostIp, hostPort }) => ({ containerPort, protocol, hostIp: hostIp === '0.0.0.0' ? '' : hostIp, hostPort })),
    ...(node.controlPlane ? [{ containerPort: look.apiPort, protocol: 'tcp' as const, hostIp: '127.0.0.1', hostPort: apiPort }] : []),
  ]
  const network = look.network(name)
  return {
    id: new Random(`container ${record.id} ${node.name} ${createdMs}`).hex(32), name: node.name, createdMs, imageId: engine.images.find(image)?.id ?? '',
    spec: {
      image, entrypoint: look.entrypoint, cmd: look.cmd, env: node.controlPlane ? ['KUBECONFIG=/etc/kubernetes/admin.conf'] : [], workingDir: '/', user: '', hostname: node.name, labels: look.labels(name, node), exposedPorts: [],
      ports: bindings, publishAll: false, mounts: [], tty: true, openStdin: false, memoryBytes: 0, memorySwapBytes: 0, cpuShares: 0, nanoCpus: 0, cpuset: '', restart: { name: 'on-failure', maximumRetryCount: 1 }, autoRemove: false,
      networkMode: network, extraHosts: [], readOnly: false, privileged: true, capAdd: [], capDrop: [],
    },
    status: isRunning ? 'running' : 'exited', startedMs: isRunning ? since[node.name] ?? createdMs : createdMs, finishedMs: isRunning ? 0 : since[node.name] ?? createdMs, exitCode: isRunning ? 0 : 137, oomKilled: false, error: '', restartCount: 0, stoppedByUser: !isRunning, ip: isRunning ? node.ip : '', bindings: isRunning ? bindings : [], runs: [], anonymousVolumes: [],
    layer: createMemoryFileSystem({ clock: fleet.clock }),
    guest: {
      machine: () => cluster?.nodeMachine(node.name),
      files: () => isRunning ? cluster.computers.get(node.name)?.files : undefined,
      async start() {
        if (cluster) cluster.computers.powerOn(node.name)
        else await fleet.start({ provider, name }, [node.name])
      },
      async stop(how) {
        await (how === 'at once' ? cluster?.computers.powerOff(node.name) : cluster?.computers.shutDown(node.name))
        // The last one takes the cluster's process along.
        if (cluster?.computers.states().every(({ power }) => power === 'off')) await fleet.stop({ provider, name })
      },
    },
  }
}
