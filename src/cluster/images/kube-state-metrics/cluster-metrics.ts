import type { ConfigMap, Endpoints, Ingress, Namespace, Node, PersistentVolume, PersistentVolumeClaim, ResourceQuota, Secret, Service } from '../../kinds/generated/types.ts'
import { quantityValue } from '../../kinds/quantity.ts'
import type { Metric, Named, ResourceMetrics } from './family.ts'
import { conditionStates, created, gauge, identity, info, number, states } from './family.ts'
import { resourceSamples, thousandths } from './resources.ts'

const version = <T extends Named>(kind: string, shown: string): Metric<T> => number(`kube_${kind}_metadata_resource_version`, `Resource version representing a specific version of ${shown}.`, ({ metadata }) => Number(metadata.resourceVersion))

const ROLE = 'node-role.kubernetes.io/'

const nodes: ResourceMetrics<Node> = {
  resource: 'nodes', group: '/api/v1', isNamespaced: false, identity: ({ metadata }) => ({ node: metadata.name ?? '' }),
  metrics: [
    info('kube_node_info', 'Information about a cluster node.', ({ spec, status }) => ({
      kernel_version: status?.nodeInfo?.kernelVersion ?? '', os_image: status?.nodeInfo?.osImage ?? '', container_runtime_version: status?.nodeInfo?.containerRuntimeVersion ?? '', kubelet_version: status?.nodeInfo?.kubeletVersion ?? '', kubeproxy_version: 'deprecated', provider_id: spec?.providerID ?? '', pod_cidr: spec?.podCIDR ?? '',
      system_uuid: status?.nodeInfo?.systemUUID ?? '', internal_ip: status?.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? '',
    })),
    created('node'),
    gauge('kube_node_role', 'The role of a cluster node.', ({ metadata }) => Object.keys(metadata.labels ?? {}).filter((label) => label.startsWith(ROLE)).map((label) => ({ labels: { role: label.slice(ROLE.length) }, value: 1 }))),
    gauge('kube_node_spec_taint', 'The taint of a cluster node.', ({ spec }) => (spec?.taints ?? []).map(({ key, value = '', effect }) => ({ labels: { key, value, effect }, value: 1 }))),
    number('kube_node_spec_unschedulable', 'Whether a node can schedule new pods.', ({ spec }) => Number(spec?.unschedulable ?? false)),
    gauge('kube_node_status_addresses', 'Node address information.', ({ status }) => (status?.addresses ?? []).map(({ type, address }) => ({ labels: { type, address }, value: 1 }))),
    gauge('kube_node_status_allocatable', 'The allocatable for different resources of a node that are available for scheduling.', ({ status }) => resourceSamples(status?.allocatable as Record<string, string> | undefined).map(({ resource, unit, value }) => ({ labels: { resource, unit }, value }))),
    gauge('kube_node_status_capacity', 'The capacity for different resources of a node.', ({ status }) => resourceSamples(status?.capacity as Record<string, string> | undefined).map(({ resource, unit, value }) => ({ labels: { resource, unit }, value }))),
    gauge('kube_node_status_condition', 'The condition of a cluster node.', ({ status }) => conditionStates(status?.conditions)),
  ],
}

const namespaces: ResourceMetrics<Namespace> = {
  resource: 'namespaces', group: '/api/v1', isNamespaced: false, identity: ({ metadata }) => ({ namespace: metadata.name ?? '' }),
  metrics: [created('namespace'), gauge('kube_namespace_status_phase', 'kubernetes namespace status phase.', ({ status }) => states('phase', ['Active', 'Terminating'], status?.phase)), gauge('kube_namespace_status_condition', 'The condition of a namespace.', ({ status }) => conditionStates(status?.conditions))],
}

const services: ResourceMetrics<Service> = {
  resource: 'services', group: '/api/v1', isNamespaced: true, identity: ({ metadata }) => ({ namespace: metadata.namespace ?? '', service: metadata.name ?? '', uid: metadata.uid ?? '' }),
  metrics: [
    info('kube_service_info', 'Information about service.', ({ spec }) => ({ cluster_ip: spec?.clusterIP ?? '', external_name: spec?.externalName ?? '', load_balancer_ip: spec?.loadBalancerIP ?? '' })), created('service'),
    info('kube_service_spec_type', 'Type about service.', ({ spec }) => ({ type: spec?.type ?? '' })),
    gauge('kube_service_spec_external_ip', 'Service external ips. One series for each ip', ({ spec }) => (spec?.externalIPs ?? []).map((ip) => ({ labels: { external_ip: ip }, value: 1 }))),
    gauge('kube_service_status_load_balancer_ingress', 'Service load balancer ingress status', ({ status }) => (status?.loadBalancer?.ingress ?? []).map(({ ip = '', hostname = '' }) => ({ labels: { ip, hostname }, value: 1 }))),
  ],
}

const endpoints: ResourceMetrics<Endpoints> = {
  resource: 'endpoints', group: '/api/v1', isNamespaced: true, identity: identity('endpoint'),
  metrics: [
    info('kube_endpoint_info', 'Information about endpoint.', () => ({})), created('endpoint'),
    gauge('kube_endpoint_address', 'Information about Endpoint available and non available addresses.', ({ subsets }) => (subsets ?? []).flatMap((subset) => (subset.ports ?? []).flatMap((port) => [true, false].flatMap((ready) => ((ready ? subset.addresses : subset.notReadyAddresses) ?? []).map(({ ip }) => ({ labels: { port_protocol: port.protocol ?? 'TCP', port_number: String(port.port), port_name: port.name ?? '', ip, ready: String(ready) }, value: 1 })))))),
  ],
}

const configMaps: ResourceMetrics<ConfigMap> = { resource: 'configmaps', group: '/api/v1', isNamespaced: true, identity: identity('configmap'), metrics: [info('kube_configmap_info', 'Information about configmap.', () => ({})), created('configmap'), version('configmap', 'the configmap')] }

const secrets: ResourceMetrics<Secret> = {
  resource: 'secrets', group: '/api/v1', isNamespaced: true, identity: identity('secret'),
  metrics: [info('kube_secret_info', 'Information about secret.', () => ({})), info('kube_secret_type', 'Type about secret.', ({ type }) => ({ type: type ?? '' })), created('secret'), version('secret', 'secret')],
}

const ingresses: ResourceMetrics<Ingress> = {
  resource: 'ingresses', group: '/apis/networking.k8s.io/v1', isNamespaced: true, identity: identity('ingress'),
  metrics: [
    info('kube_ingress_info', 'Information about ingress.', ({ metadata, spec }) => ({ ingressclass: spec?.ingressClassName ?? metadata.annotations?.['kubernetes.io/ingress.class'] ?? '_default' })), created('ingress'), version('ingress', 'ingress'),
    gauge('kube_ingress_path', 'Ingress host, paths and backend service information.', ({ spec }) => (spec?.rules ?? []).flatMap((rule) => (rule.http?.paths ?? []).map(({ path = '', backend }) => ({ labels: { host: rule.host ?? '', path, ...(backend.service ? { service_name: backend.service.name, service_port: String(backend.service.port?.number ?? backend.service.port?.name ?? '') } : { resource_api_group: backend.resource?.apiGroup ?? '', resource_kind: backend.resource?.kind ?? '', resource_name: backend.resource?.name ?? '' }) }, value: 1 })))),
    gauge('kube_ingress_tls', 'Ingress TLS host and secret information.', ({ spec }) => (spec?.tls ?? []).flatMap(({ hosts, secretName = '' }) => (hosts ?? []).map((host) => ({ labels: { tls_host: host, secret_name: secretName }, value: 1 })))),
  ],
}

const claims: ResourceMetrics<PersistentVolumeClaim> = {
  resource: 'persistentvolumeclaims', group: '/api/v1', isNamespaced: true, identity: identity('persistentvolumeclaim'),
  metrics: [
    info('kube_persistentvolumeclaim_info', 'Information about persistent volume claim.', ({ spec }) => ({ storageclass: spec?.storageClassName ?? '<none>', volumename: spec?.volumeName ?? '', volumemode: spec?.volumeMode ?? '' })), created('persistentvolumeclaim'),
    gauge('kube_persistentvolumeclaim_status_phase', 'The phase the persistent volume claim is currently in.', ({ status }) => states('phase', ['Lost', 'Bound', 'Pending'], status?.phase)),
    number('kube_persistentvolumeclaim_resource_requests_storage_bytes', 'The capacity of storage requested by the persistent volume claim.', ({ spec }) => spec?.resources?.requests?.['storage'] === undefined ? undefined : quantityValue(spec.resources.requests['storage'])),
    gauge('kube_persistentvolumeclaim_access_mode', 'The access mode(s) specified by the persistent volume claim.', ({ spec }) => (spec?.accessModes ?? []).map((mode) => ({ labels: { access_mode: mode }, value: 1 }))),
  ],
}

const volumes: ResourceMetrics<PersistentVolume> = {
  resource: 'persistentvolumes', group: '/api/v1', isNamespaced: false, identity: ({ metadata }) => ({ persistentvolume: metadata.name ?? '' }),
  metrics: [
    info('kube_persistentvolume_info', 'Information about persistentvolume.', ({ spec }) => ({ storageclass: spec?.storageClassName ?? '', reclaim_policy: spec?.persistentVolumeReclaimPolicy ?? '', csi_driver: spec?.csi?.driver ?? '', csi_volume_handle: spec?.csi?.volumeHandle ?? '', local_path: spec?.local?.path ?? '', host_path: spec?.hostPath?.path ?? '', host_path_type: spec?.hostPath?.type ?? '' })), created('persistentvolume'),
    gauge('kube_persistentvolume_status_phase', 'The phase indicates if a volume is available, bound to a claim, or released by a claim.', ({ status }) => states('phase', ['Pending', 'Available', 'Bound', 'Released', 'Failed'], status?.phase)),
    number('kube_persistentvolume_capacity_bytes', 'Persistentvolume capacity in bytes.', ({ spec }) => spec?.capacity?.['storage'] === undefined ? undefined : quantityValue(spec.capacity['storage'])),
    gauge('kube_persistentvolume_claim_ref', 'Information about the Persistent Volume Claim Reference.', ({ spec }) => spec?.claimRef ? [{ labels: { name: spec.claimRef.name ?? '', claim_namespace: spec.claimRef.namespace ?? '' }, value: 1 }] : []),
  ],
}

const quotas: ResourceMetrics<ResourceQuota> = {
  resource: 'resourcequotas', group: '/api/v1', isNamespaced: true, identity: identity('resourcequota'),
  metrics: [
    created('resourcequota'),
    gauge('kube_resourcequota', 'Information about resource quota.', ({ status }) => (['hard', 'used'] as const).flatMap((type) => Object.entries(status?.[type] ?? {}).map(([resource, quantity]) => ({ labels: { resource, type }, value: thousandths(quantity as string) })))),
  ],
}

/** What is there besides workloads. */
export const clusterMetrics = [nodes, namespaces, services, endpoints, configMaps, secrets, ingresses, claims, volumes, quotas] as unknown as readonly ResourceMetrics<never>[]
