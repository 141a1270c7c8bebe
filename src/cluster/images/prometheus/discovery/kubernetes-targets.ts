import type { Endpoints, EndpointSlice, Ingress, Node, Pod, Service } from '../../../kinds/generated/types.ts'
import type { TargetGroup } from '../scrape/target.ts'

type LabelSet = Record<string, string>
type Meta = { name?: string; namespace?: string; labels?: Readonly<Record<string, string>>; annotations?: Readonly<Record<string, string>> }

const META = '__meta_kubernetes_'
const sanitized = (name: string) => name.replace(/[^a-zA-Z0-9_]/g, '_')
const address = (host: string, port: number | string) => host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
const text = (value: unknown) => value === undefined || value === null ? '' : String(value)

/** Name, labels and annotations of an object, as labels of what it stands for. */
function metaLabels(kind: string, meta: Meta): LabelSet {
  const out: LabelSet = { [`${META}${kind}_name`]: text(meta.name) }
  for (const what of ['label', 'annotation'] as const) {
    for (const [name, value] of Object.entries((what === 'label' ? meta.labels : meta.annotations) ?? {})) {
      out[`${META}${kind}_${what}_${sanitized(name)}`] = value
      out[`${META}${kind}_${what}present_${sanitized(name)}`] = 'true'
    }
  }
  return out
}

function podLabels(pod: Pod): LabelSet {
  const { metadata, spec, status } = pod
  const controller = metadata.ownerReferences?.find((owner) => owner.controller)
  const ready = status?.conditions?.find((condition) => condition.type === 'Ready')?.status
  return {
    ...metaLabels('pod', metadata as Meta),
    [`${META}pod_ip`]: text(status?.podIP), [`${META}pod_ready`]: ready ? ready.toLowerCase() : 'unknown', [`${META}pod_phase`]: text(status?.phase), [`${META}pod_node_name`]: text(spec?.nodeName), [`${META}pod_host_ip`]: text(status?.hostIP), [`${META}pod_uid`]: text(metadata.uid),
    ...(controller ? { [`${META}pod_controller_kind`]: controller.kind, [`${META}pod_controller_name`]: controller.name } : {}),
  }
}

function nodeMeta(node: Node | undefined): LabelSet {
  return node ? metaLabels('node', node.metadata as Meta) : {}
}

interface PodPort { container: string; image: string; name: string; port: number; protocol: string; isInit: boolean }

function portsOf(pod: Pod): PodPort[] {
  const of = (containers: NonNullable<Pod['spec']>['containers'] | undefined, isInit: boolean) => (containers ?? []).flatMap((container) => (container.ports ?? []).map((port): PodPort => ({ container: container.name, image: text(container.image), name: text(port.name), port: port.containerPort, protocol: port.protocol ?? 'TCP', isInit })))
  return [...of(pod.spec?.containers, false), ...of(pod.spec?.initContainers as NonNullable<Pod['spec']>['containers'] | undefined, true)]
}

const portLabels = (port: PodPort): LabelSet => ({
  [`${META}pod_container_name`]: port.container, [`${META}pod_container_image`]: port.image, [`${META}pod_container_port_name`]: port.name, [`${META}pod_container_port_number`]: String(port.port), [`${META}pod_container_port_protocol`]: port.protocol, [`${META}pod_container_init`]: String(port.isInit),
})

/** k8s: prometheus discovery/kubernetes buildPod */
export function podGroup(pod: Pod, node: Node | undefined): TargetGroup {
  const source = `pod/${pod.metadata.namespace}/${pod.metadata.name}`
  const ip = pod.status?.podIP
  if (!ip) return { source, labels: {}, targets: [] }
  const targets: LabelSet[] = []
  for (const isInit of [false, true]) {
    for (const container of (isInit ? pod.spec?.initContainers : pod.spec?.containers) ?? []) {
      const statuses = isInit ? pod.status?.initContainerStatuses : pod.status?.containerStatuses
      const id = text(statuses?.find((status) => status.name === container.name)?.containerID)
      const common: LabelSet = { [`${META}pod_container_name`]: container.name, [`${META}pod_container_id`]: id, [`${META}pod_container_image`]: text(container.image), [`${META}pod_container_init`]: String(isInit) }
      if (!container.ports?.length) { targets.push({ ...common, __address__: ip }); continue }
      for (const port of container.ports) targets.push({ ...common, __address__: address(ip, port.containerPort), [`${META}pod_container_port_number`]: String(port.containerPort), [`${META}pod_container_port_name`]: text(port.name), [`${META}pod_container_port_protocol`]: port.protocol ?? 'TCP' })
    }
  }
  return { source, labels: { ...podLabels(pod), [`${META}namespace`]: text(pod.metadata.namespace), ...nodeMeta(node) }, targets }
}

/** k8s: prometheus discovery/kubernetes buildService */
export function serviceGroup(service: Service): TargetGroup {
  const { metadata, spec, status } = service
  return {
    source: `svc/${metadata.namespace}/${metadata.name}`,
    labels: { [`${META}namespace`]: text(metadata.namespace), ...metaLabels('service', metadata as Meta) },
    targets: (spec?.ports ?? []).map((port) => ({
      __address__: `${metadata.name}.${metadata.namespace}.svc:${port.port}`, [`${META}service_port_name`]: text(port.name), [`${META}service_port_number`]: String(port.port), [`${META}service_port_protocol`]: port.protocol ?? 'TCP', [`${META}service_type`]: text(spec?.type),
      ...(spec?.type === 'ExternalName' ? { [`${META}service_external_name`]: text(spec.externalName) } : { [`${META}service_cluster_ip`]: text(spec?.clusterIP) }),
      ...(spec?.type === 'LoadBalancer' ? { [`${META}service_loadbalancer_ip`]: (status?.loadBalancer?.ingress ?? []).map((ingress) => ingress.ip).filter(Boolean).join(',') } : {}),
    })),
  }
}

interface Endpoint { host: string; port: number | undefined; labels: LabelSet; pod: Pod | undefined; node: Node | undefined }

/** Endpoints with what is known of their pods, and the ports of these pods that no endpoint has. */
function endpointTargets(endpoints: readonly Endpoint[]): LabelSet[] {
  const out: LabelSet[] = []
  const seen = new Map<Pod, Set<number>>()
  for (const { host, port, labels, pod, node } of endpoints) {
    const target: LabelSet = { ...labels, __address__: port === undefined ? host : address(host, port), ...nodeMeta(node) }
    out.push(target)
    if (!pod) continue
    Object.assign(target, podLabels(pod))
    const own = portsOf(pod).find((each) => each.port === port)
    if (own) Object.assign(target, portLabels(own))
    const ports = seen.get(pod) ?? new Set<number>()
    seen.set(pod, ports)
    if (port !== undefined) ports.add(port)
  }
  for (const [pod, ports] of seen) {
    const ip = pod.status?.podIP
    if (!ip) continue
    for (const port of portsOf(pod)) if (!ports.has(port.port)) out.push({ __address__: address(ip, port.port), ...portLabels(port), ...podLabels(pod) })
  }
  return out
}

export interface Lookups {
  pod(namespace: string, name: string): Pod | undefined
  service(namespace: string, name: string): Service | undefined
  node(name: string): Node | undefined
}

/** k8s: prometheus discovery/kubernetes buildEndpoints */
export function endpointsGroup(endpoints: Endpoints, lookups: Lookups): TargetGroup {
  const { metadata } = endpoints
  const namespace = text(metadata.namespace)
  const service = lookups.service(namespace, text(metadata.name))
  const all: Endpoint[] = []
  for (const subset of endpoints.subsets ?? []) {
    for (const port of subset.ports ?? []) {
      for (const isReady of [true, false]) {
        for (const each of (isReady ? subset.addresses : subset.notReadyAddresses) ?? []) {
          all.push({
            host: each.ip, port: port.port, pod: each.targetRef?.kind === 'Pod' ? lookups.pod(text(each.targetRef.namespace), text(each.targetRef.name)) : undefined, node: each.nodeName ? lookups.node(each.nodeName) : undefined,
            labels: {
              [`${META}endpoint_port_name`]: text(port.name), [`${META}endpoint_port_protocol`]: port.protocol ?? 'TCP', [`${META}endpoint_ready`]: String(isReady),
              ...(each.targetRef ? { [`${META}endpoint_address_target_kind`]: text(each.targetRef.kind), [`${META}endpoint_address_target_name`]: text(each.targetRef.name) } : {}),
              ...(each.nodeName ? { [`${META}endpoint_node_name`]: each.nodeName } : {}), ...(each.hostname ? { [`${META}endpoint_hostname`]: each.hostname } : {}),
            },
          })
        }
      }
    }
  }
  return { source: `endpoints/${namespace}/${metadata.name}`, labels: { [`${META}namespace`]: namespace, ...(service ? serviceGroup(service).labels : {}), ...metaLabels('endpoints', metadata as Meta) }, targets: endpointTargets(all) }
}

/** k8s: prometheus discovery/kubernetes buildEndpointSlice */
export function endpointSliceGroup(slice: EndpointSlice, lookups: Lookups): TargetGroup {
  const { metadata } = slice
  const namespace = text(metadata.namespace)
  const service = lookups.service(namespace, text(metadata.labels?.['kubernetes.io/service-name']))
  const all: Endpoint[] = []
  for (const each of slice.endpoints ?? []) {
    for (const port of slice.ports ?? []) {
      for (const host of each.addresses) {
        const labels: LabelSet = {}
        const set = (name: string, value: unknown) => { if (value !== undefined && value !== null) labels[`${META}endpointslice_${name}`] = String(value) }
        set('port_name', port.name)
        set('port_protocol', port.protocol)
        set('port', port.port)
        set('port_app_protocol', port.appProtocol)
        set('endpoint_conditions_ready', each.conditions?.ready)
        set('endpoint_conditions_serving', each.conditions?.serving)
        set('endpoint_conditions_terminating', each.conditions?.terminating)
        set('endpoint_hostname', each.hostname)
        set('endpoint_node_name', each.nodeName)
        set('endpoint_zone', each.zone)
        if (each.targetRef) { set('address_target_kind', each.targetRef.kind); set('address_target_name', each.targetRef.name) }
        all.push({ host, port: port.port, labels, pod: each.targetRef?.kind === 'Pod' ? lookups.pod(text(each.targetRef.namespace), text(each.targetRef.name)) : undefined, node: each.nodeName ? lookups.node(each.nodeName) : undefined })
      }
    }
  }
  return { source: `endpointslice/${namespace}/${metadata.name}`, labels: { [`${META}namespace`]: namespace, [`${META}endpointslice_address_type`]: slice.addressType, ...metaLabels('endpointslice', metadata as Meta), ...(service ? serviceGroup(service).labels : {}) }, targets: endpointTargets(all) }
}

/** k8s: prometheus discovery/kubernetes buildNode */
export function nodeGroup(node: Node): TargetGroup {
  const addresses = node.status?.addresses ?? []
  const source = `node/${node.metadata.name}`
  const host = ['InternalIP', 'InternalDNS', 'ExternalIP', 'ExternalDNS', 'LegacyHostIP', 'Hostname'].map((type) => addresses.find((each) => each.type === type)?.address).find(Boolean)
  if (!host) return { source, labels: {}, targets: [] }
  const target: LabelSet = { __address__: address(host, node.status?.daemonEndpoints?.kubeletEndpoint?.Port ?? 10250), instance: text(node.metadata.name) }
  for (const each of [...addresses].reverse()) target[`${META}node_address_${sanitized(each.type)}`] = each.address
  return { source, labels: { ...nodeMeta(node), [`${META}node_provider_id`]: text(node.spec?.providerID) }, targets: [target] }
}

/** k8s: prometheus discovery/kubernetes buildIngress */
export function ingressGroup(ingress: Ingress): TargetGroup {
  const { metadata, spec } = ingress
  const secure = (spec?.tls ?? []).flatMap((tls) => tls.hosts ?? [])
  const fits = (pattern: string, host: string) => pattern === host || (pattern.startsWith('*.') && host.split('.').slice(1).join('.') === pattern.slice(2))
  return {
    source: `ingress/${metadata.namespace}/${metadata.name}`,
    labels: { [`${META}namespace`]: text(metadata.namespace), ...metaLabels('ingress', metadata as Meta), ...(spec?.ingressClassName ? { [`${META}ingress_class_name`]: spec.ingressClassName } : {}) },
    targets: (spec?.rules ?? []).flatMap((rule) => (rule.http?.paths ?? [{ path: '/' }]).map(({ path }) => ({
      __address__: text(rule.host), [`${META}ingress_scheme`]: secure.some((pattern) => fits(pattern, text(rule.host))) ? 'https' : 'http', [`${META}ingress_host`]: text(rule.host), [`${META}ingress_path`]: path || '/',
    }))),
  }
}
