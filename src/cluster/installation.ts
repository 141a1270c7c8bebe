import type { ClusterClock } from '../base/clock.ts'
import type { ClusterPki } from './apiserver/pki/cluster-pki.ts'
import type { Api } from './client/api.ts'
import type { Informer, Informers } from './client/informers.ts'
import { kindOf } from './kinds/index.ts'
import type { Deployment, Node } from './kinds/generated/types.ts'
import { resourceRef } from './kinds/object.ts'
import type { KubeObject } from './kinds/object.ts'
import { isStatusError } from './kinds/status-error.ts'
import { cloudControllerManager } from './kubeadm/cloud-controller-manager.ts'
import { coreDns, kindnet as kindnetAddon, kubeProxy, localPathStorage } from './kubeadm/addons.ts'
import { kubeadmConfiguration } from './kubeadm/configuration.ts'
import { API_PORT } from './plane.ts'
import { laptopAddress } from './topology.ts'
import type { NodeSpec, Topology } from './topology.ts'

/** What an installer does, in order: the first node's files, its components with what they need in the API, the pod network, the StorageClass, and the other nodes. */
export type InstallationStage = 'configuration' | 'control-plane' | 'network' | 'storage' | 'control-planes' | 'workers'

/** How long a restored cluster's start waits for its nodes, in milliseconds of cluster time. */
const BOOT_PATIENCE_MS = 5_000

/** What `kubeadm init` and the add-ons put into a new cluster, in the stages of its installation. */
export function installedObjects(topology: Topology, endpoint: { name: string }, pki: ClusterPki): [stage: InstallationStage, objects: KubeObject[]][] {
  const controlPlaneEndpoint = `${endpoint.name}:${API_PORT}`
  const { name: clusterName, podCidr, serviceCidr, clusterDomain } = topology
  const control = [...kubeadmConfiguration({ laptopAddress: laptopAddress(topology), clusterName, controlPlaneEndpoint, podCidr, serviceCidr, clusterDomain, caCertificatePem: pki.caCertificatePem }), ...topology.disabled?.includes('coredns') ? [] : coreDns({ serviceCidr, clusterDomain, ...topology.flavour === 'k3s' ? { replicas: 1 } : {} })]
  // k3s has proxy and pod network in its one process.
  if (topology.flavour === 'k3s') return [['control-plane', control], ['storage', [...topology.disabled?.includes('local-storage') ? [] : localPathStorage('local-path'), ...cloudControllerManager()]]]
  return [['control-plane', [...control, ...kubeProxy({ controlPlaneEndpoint, podCidr })]], ...(topology.cni === 'none' ? [] : [['network', kindnetAddon({ podCidr })] satisfies [InstallationStage, KubeObject[]]]), ['storage', localPathStorage()]]
}

/** Creates an object as kubeadm, and leaves one that is there as it is. */
export async function createUnlessThere(api: Api, object: KubeObject): Promise<void> {
  const resource = resourceOf(object)
  try {
    await api.create(resource, object, { fieldManager: 'kubeadm' })
  } catch (error) {
    if (!isStatusError(error, 'AlreadyExists')) throw error
  }
}

function resourceOf(object: KubeObject): string {
  const kind = kindOf(object.apiVersion, object.kind)
  if (!kind) throw new Error(`no kind ${object.apiVersion} ${object.kind}`)
  return resourceRef(kind.resource, kind.group)
}

/** kubeadm's mark-control-plane: labels that a kubelet may not give itself. */
export async function labelNodes(informers: Informers, api: Api, specs: readonly NodeSpec[]): Promise<void> {
  const nodes = informers.for<Node>('nodes')
  for (const { name, labels } of specs) {
    if (Object.keys(labels).length === 0) continue
    await untilInformer(nodes, () => nodes.get(name) !== undefined)
    await api.patch('nodes', name, undefined, 'application/merge-patch+json', { metadata: { labels } }, { fieldManager: 'kubeadm' })
  }
}

/** Resolves once `count` nodes are there, all Ready and without the taint of those that aren't yet, or patience ends. */
export function allReady(informers: Informers, clock: ClusterClock, count: number): Promise<void> {
  const nodes = informers.for<Node>('nodes')
  const isReady = (node: Node) => node.status.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') && !node.spec.taints?.some((t) => t.key === 'node.kubernetes.io/not-ready')
  return within(clock, BOOT_PATIENCE_MS, [nodes], () => nodes.list().length >= count && nodes.list().every(isReady))
}

/** Resolves once the add-ons run, so that names can be looked up, or patience ends. */
export function addonsReady(informers: Informers, clock: ClusterClock): Promise<void> {
  const deployments = informers.for<Deployment>('deployments.apps')
  return within(clock, BOOT_PATIENCE_MS, [deployments], () => deployments.hasSynced && deployments.list('kube-system').every((d) => (d.status.readyReplicas ?? 0) >= (d.spec.replicas ?? 1)))
}

/** Resolves when `holds` does after a change, or after `patienceMs`. */
function within(clock: ClusterClock, patienceMs: number, informers: Informer<any>[], holds: () => boolean): Promise<void> {
  if (holds()) return Promise.resolve()
  return new Promise((resolve) => {
    const finish = () => {
      timer.cancel()
      for (const stop of stops) stop()
      resolve()
    }
    const timer = clock.after(patienceMs, finish)
    const stops = informers.map((informer) => informer.onChanges(() => { if (holds()) finish() }))
  })
}

function untilInformer(informer: Informer<any>, holds: () => boolean): Promise<void> {
  if (holds()) return Promise.resolve()
  return new Promise((resolve) => {
    const stop = informer.onChanges(() => {
      if (!holds()) return
      stop()
      resolve()
    })
  })
}
