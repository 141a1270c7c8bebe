import type { Cluster } from '../../cluster/cluster.ts'
import type { Fleet, FleetCluster } from '../fleet/fleet.ts'
import { runOn } from '../machine-actions.ts'
import { detailsOf } from './profiles.ts'
import csiHostPath from './manifests/csi-hostpath-driver.json' with { type: 'json' }
import dashboard from './manifests/dashboard.json' with { type: 'json' }
import ingress from './manifests/ingress.json' with { type: 'json' }
import metricsServer from './manifests/metrics-server.json' with { type: 'json' }
import volumeSnapshots from './manifests/volumesnapshots.json' with { type: 'json' }

/** Something that minikube installs on demand. */
export interface Addon {
  maintainer: string
  /** What is applied; nothing for what a cluster comes with. */
  objects?: { items: readonly object[] }
  /** What its pods run, as it is said. */
  images: readonly string[]
  /** Whose rollout is waited for: a namespace and a Deployment. */
  verify?: readonly [namespace: string, deployment: string]
  /** An addon without which it is only half of itself; whoever enables it is told. */
  wants?: string
  /** What does it without objects of its own. */
  command?: Readonly<Record<'enable' | 'disable', string>>
}

const imagesOf = (objects: unknown) => [...new Set([...JSON.stringify(objects).matchAll(/"image":"([^"@]+)(?:@[^"]*)?"/g)].map(([, image]) => image!))]
const DEFAULT_CLASS = (isDefault: boolean) => `kubectl annotate storageclass standard storageclass.kubernetes.io/is-default-class=${isDefault} --overwrite`

/** Those that there are here. */
export const ADDONS: Readonly<Record<string, Addon>> = {
  'csi-hostpath-driver': { maintainer: 'Kubernetes', objects: csiHostPath, images: imagesOf(csiHostPath), wants: 'volumesnapshots' },
  dashboard: { maintainer: 'Kubernetes', objects: dashboard, images: imagesOf(dashboard) },
  'default-storageclass': { maintainer: 'Kubernetes', images: [], command: { enable: DEFAULT_CLASS(true), disable: DEFAULT_CLASS(false) } },
  ingress: { maintainer: 'Kubernetes', objects: ingress, images: imagesOf(ingress), verify: ['ingress-nginx', 'ingress-nginx-controller'] },
  'metrics-server': { maintainer: 'Kubernetes', objects: metricsServer, images: imagesOf(metricsServer) },
  'storage-provisioner': { maintainer: 'minikube', images: [], command: { enable: 'kubectl scale -n local-path-storage deployment local-path-provisioner --replicas=1', disable: 'kubectl scale -n local-path-storage deployment local-path-provisioner --replicas=0' } },
  volumesnapshots: { maintainer: 'Kubernetes', objects: volumeSnapshots, images: imagesOf(volumeSnapshots) },
}

/** On since the beginning. */
export const DEFAULT_ADDONS = ['storage-provisioner', 'default-storageclass']

/** What of minikube's own list isn't here. */
export const MISSING_ADDONS = [
  'ambassador', 'amd-gpu-device-plugin', 'auto-pause', 'cloud-spanner', 'efk', 'freshpod', 'gcp-auth', 'gvisor', 'headlamp', 'inaccel', 'ingress-dns', 'inspektor-gadget', 'istio', 'istio-provisioner', 'kong', 'kubeflow', 'kubetail', 'kubevirt', 'logviewer', 'metallb',
  'nvidia-device-plugin', 'nvidia-driver-installer', 'olm', 'pod-security-policy', 'portainer', 'registry', 'registry-aliases', 'registry-creds', 'storage-provisioner-rancher', 'volcano', 'yakd',
]

/** Does what an addon takes, and writes down that it is on or off. @throws Error with what kubectl complained about */
export async function switchAddon(fleet: Fleet, found: FleetCluster & { cluster: Cluster }, name: string, isOn: boolean): Promise<void> {
  await setAddon(found.cluster, name, isOn)
  const details = detailsOf(found)
  const others = details.addons.filter((each) => each !== name)
  await fleet.remember(found.record, { ...details, addons: isOn ? [...others, name] : others })
}

/** Does what an addon takes, on the node of the control plane, as minikube does: its manifest lies in /etc/kubernetes/addons. @throws Error with what kubectl complained about */
export async function setAddon(cluster: Cluster, name: string, isOn: boolean): Promise<void> {
  const { objects, command, verify } = ADDONS[name]!
  const machine = await cluster.nodeMachine(cluster.topology.nodes.find((node) => node.controlPlane)!.name)
  if (!machine) throw new Error('the control plane is off')
  if (command) return void await runOn(machine, command[isOn ? 'enable' : 'disable'])
  const path = `/etc/kubernetes/addons/${name}.json`
  machine.fs.mkdir('/etc/kubernetes/addons', { recursive: true })
  machine.fs.writeFile(path, JSON.stringify(objects))
  // Objects of a kind may come in the same file as its definition, before the API server serves it.
  await runOn(machine, isOn ? `kubectl apply -f ${path} || { sleep 2; kubectl apply -f ${path}; }` : `kubectl delete --ignore-not-found -f ${path}`)
  if (!isOn) machine.fs.remove(path)
  if (isOn && verify) await runOn(machine, `kubectl rollout status -n ${verify[0]} deployment/${verify[1]} --timeout=360s`)
}
