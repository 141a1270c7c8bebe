import type { Controller, ControllerContext } from '../client/controller-runner.ts'
import type { DaemonSet, EndpointSlice, Node, Pod, Service } from '../kinds/generated/types.ts'
import { isStatusError } from '../kinds/status-error.ts'

const NAMESPACE = 'kube-system'
const ACCOUNT = 'svclb'
const IMAGE = 'rancher/klipper-lb:v0.4.9'
/** k8s: cloud-provider/service/helpers LoadBalancerCleanupFinalizer */
const FINALIZER = 'service.kubernetes.io/load-balancer-cleanup'
const LABEL = 'svccontroller.k3s.cattle.io'
const DAEMON_SETS = 'daemonsets.apps'
const SLICES = 'endpointslices.discovery.k8s.io'
const MAX_NAME = 48

/**
 * The load balancer for Services that k3s comes with: pods on every node that have the Service's ports as ports of their node, and the addresses
 * of those nodes in the Service's status. k8s: cloud-provider/controllers/service; k3s: pkg/cloudprovider/servicelb.go
 */
export function serviceLoadBalancerController(): Controller {
  /** What was put into force, by uid of the Service. */
  const applied = new Map<string, string>()
  return {
    name: 'service-controller', for: 'services', reads: [DAEMON_SETS, SLICES, 'nodes'],
    watches: [
      { resource: 'pods', keys: ({ object }: { object: Pod }) => { const labels = object.metadata.labels ?? {}; return labels[`${LABEL}/svcname`] ? [`${labels[`${LABEL}/svcnamespace`]}/${labels[`${LABEL}/svcname`]}`] : [] } },
      { resource: SLICES, keys: ({ object }: { object: EndpointSlice }) => { const name = object.metadata.labels?.['kubernetes.io/service-name']; return name ? [`${object.metadata.namespace}/${name}`] : [] } },
    ],
    async reconcile(key, context) {
      const service = context.cache.get<Service>('services', key)
      if (!service) return
      const uid = service.metadata.uid!
      const isWanted = service.spec.type === 'LoadBalancer' && service.spec.loadBalancerClass === undefined && service.metadata.deletionTimestamp === undefined
      if (!isWanted) {
        applied.delete(uid)
        if (service.metadata.finalizers?.includes(FINALIZER)) await remove(service, context)
        return
      }
      const daemonSet = daemonSetOf(service, context.cache.list<Node>('nodes'))
      const fingerprint = JSON.stringify(daemonSet)
      if (applied.get(uid) !== fingerprint) {
        await ensure(service, daemonSet, context)
        applied.set(uid, fingerprint)
      }
      await updateStatus(service, context)
    },
  }
}

async function ensure(service: Service, daemonSet: DaemonSet, { api, cache, events }: ControllerContext): Promise<void> {
  events.event(service, 'Normal', 'EnsuringLoadBalancer', 'Ensuring load balancer')
  const { name, namespace, finalizers = [] } = service.metadata
  if (!finalizers.includes(FINALIZER)) await api.patch('services', name!, namespace, 'application/merge-patch+json', { metadata: { finalizers: [...finalizers, FINALIZER] } })
  await api.create('serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: ACCOUNT, namespace: NAMESPACE } }).catch(unlessThere)
  const present = cache.get<DaemonSet>(DAEMON_SETS, `${NAMESPACE}/${daemonSet.metadata.name}`)
  if (present) await api.update(DAEMON_SETS, { ...daemonSet, metadata: { ...present.metadata, ...daemonSet.metadata } })
  else await api.create(DAEMON_SETS, daemonSet)
  events.event(service, 'Normal', 'AppliedDaemonSet', `Applied LoadBalancer DaemonSet ${NAMESPACE}/${daemonSet.metadata.name}`)
}

function unlessThere(error: unknown): void {
  if (!isStatusError(error, 'AlreadyExists')) throw error
}

async function remove(service: Service, { api, events }: ControllerContext): Promise<void> {
  const { name, namespace, finalizers = [], deletionTimestamp } = service.metadata
  events.event(service, 'Normal', 'DeletingLoadBalancer', 'Deleting load balancer')
  const daemonSet = nameFor(service)
  try {
    await api.delete(DAEMON_SETS, daemonSet, NAMESPACE, { propagationPolicy: 'Background' })
    events.event(service, 'Normal', 'DeletedDaemonSet', `Deleted LoadBalancer DaemonSet ${NAMESPACE}/${daemonSet}`)
  } catch (error) {
    if (!isStatusError(error, 'NotFound')) throw error
  }
  if (deletionTimestamp === undefined && service.status?.loadBalancer?.ingress?.length) await api.patch('services', name!, namespace, 'application/merge-patch+json', { status: { loadBalancer: { ingress: null } } }, { subresource: 'status' })
  await api.patch('services', name!, namespace, 'application/merge-patch+json', { metadata: { finalizers: finalizers.filter((each) => each !== FINALIZER) } })
  events.event(service, 'Normal', 'DeletedLoadBalancer', 'Deleted load balancer')
}

async function updateStatus(service: Service, { api, cache, events }: ControllerContext): Promise<void> {
  const { name, namespace } = service.metadata
  const before = (service.status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip ?? hostname ?? '')
  const after = addressesOf(service, cache.list<Pod>('pods', NAMESPACE), cache.list<Node>('nodes'), cache.list<EndpointSlice>(SLICES, namespace))
  if (before.join() === after.join()) return
  await api.patch('services', name!, namespace, 'application/merge-patch+json', { status: { loadBalancer: { ingress: after.length > 0 ? after.map((ip) => ({ ip })) : null } } }, { subresource: 'status' })
  if (after.length === 0) events.event(service, 'Warning', 'UnAvailableLoadBalancer', 'There are no available nodes for LoadBalancer')
  else events.event(service, 'Normal', 'UpdatedLoadBalancer', `Updated LoadBalancer with new IPs: [${before.join(' ')}] -> [${after.join(' ')}]`)
}

/** Addresses of the nodes whose pods are ready, external ones if there are any; of those with endpoints where traffic stays local. */
function addressesOf(service: Service, pods: readonly Pod[], nodes: readonly Node[], slices: readonly EndpointSlice[]): string[] {
  const { name, namespace } = service.metadata
  const isLocal = service.spec.externalTrafficPolicy === 'Local'
  const withEndpoints = new Set(slices.filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === name).flatMap(({ endpoints }) => endpoints ?? [])
    .flatMap(({ targetRef, conditions, nodeName }) => (targetRef?.kind === 'Pod' && conditions?.ready && nodeName ? [nodeName] : [])))
  const found = { ExternalIP: new Set<string>(), InternalIP: new Set<string>() }
  for (const { metadata, spec, status } of pods) {
    if (metadata.labels?.[`${LABEL}/svcname`] !== name || metadata.labels?.[`${LABEL}/svcnamespace`] !== namespace || !spec.nodeName || !status?.podIP) continue
    if (!status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') || (isLocal && !withEndpoints.has(spec.nodeName))) continue
    for (const { type, address } of nodes.find((node) => node.metadata.name === spec.nodeName)?.status?.addresses ?? []) if (type === 'ExternalIP' || type === 'InternalIP') found[type].add(address)
  }
  return [...found.ExternalIP.size > 0 ? found.ExternalIP : found.InternalIP].sort()
}

/** Of the DaemonSet: the Service's name, and the beginning of its uid. */
function nameFor({ metadata }: Service): string {
  return `svclb-${metadata.name!.slice(0, MAX_NAME).replace(/-+$/, '')}-${metadata.uid!.slice(0, 8)}`
}

function daemonSetOf(service: Service, nodes: readonly Node[]): DaemonSet {
  const { metadata, spec } = service
  const name = nameFor(service)
  const of = { [`${LABEL}/svcname`]: metadata.name!, [`${LABEL}/svcnamespace`]: metadata.namespace! }
  const isLocal = spec.externalTrafficPolicy === 'Local'
  const ranges = spec.loadBalancerSourceRanges?.length ? [...spec.loadBalancerSourceRanges].sort().join(',') : '0.0.0.0/0'
  // Once a node is labelled, only those that say so take part.
  const isSelective = nodes.some((node) => node.metadata.labels?.[`${LABEL}/enablelb`] !== undefined)
  const pool = metadata.labels?.[`${LABEL}/lbpool`]
  const containers = (spec.ports ?? []).map(({ port, protocol = 'TCP', nodePort }) => {
    const portName = `lb-${protocol.toLowerCase()}-${port}`
    return {
      name: portName, image: IMAGE, imagePullPolicy: 'IfNotPresent', ports: [{ name: portName, containerPort: port, hostPort: port, protocol }], securityContext: { capabilities: { add: ['NET_ADMIN'] } },
      env: [
        { name: 'SRC_PORT', value: String(port) }, { name: 'SRC_RANGES', value: ranges }, { name: 'DEST_PROTO', value: protocol }, { name: 'DEST_PORT', value: String(isLocal ? nodePort : port) },
        isLocal ? { name: 'DEST_IPS', valueFrom: { fieldRef: { fieldPath: 'status.hostIPs' } } } : { name: 'DEST_IPS', value: (spec.clusterIPs ?? []).join(',') },
      ],
    }
  })
  return {
    apiVersion: 'apps/v1', kind: 'DaemonSet',
    metadata: {
      name, namespace: NAMESPACE, labels: { [`${LABEL}/nodeselector`]: String(isSelective), ...of },
      annotations: { 'objectset.rio.cattle.io/id': '', 'objectset.rio.cattle.io/owner-gvk': '/v1, Kind=Service', 'objectset.rio.cattle.io/owner-name': metadata.name!, 'objectset.rio.cattle.io/owner-namespace': metadata.namespace! },
    },
    spec: {
      selector: { matchLabels: { app: name } }, updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } },
      template: {
        metadata: { labels: { app: name, ...of } },
        spec: {
          priorityClassName: metadata.annotations?.[`${LABEL}/priorityclassname`] ?? 'system-node-critical', serviceAccountName: ACCOUNT, automountServiceAccountToken: false,
          securityContext: { sysctls: [{ name: 'net.ipv4.ip_forward', value: '1' }] }, containers,
          tolerations: [{ key: 'node-role.kubernetes.io/master', operator: 'Exists', effect: 'NoSchedule' }, { key: 'node-role.kubernetes.io/control-plane', operator: 'Exists', effect: 'NoSchedule' }, { key: 'CriticalAddonsOnly', operator: 'Exists' }],
          ...(isSelective ? { nodeSelector: { [`${LABEL}/enablelb`]: 'true', ...(pool ? { [`${LABEL}/lbpool`]: pool } : {}) } } : {}),
        },
      },
    },
  } as unknown as DaemonSet
}
