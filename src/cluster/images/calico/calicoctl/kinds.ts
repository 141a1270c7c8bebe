import { interfaceName } from '../../../calico/interface-name.ts'
import type { Call, Resource } from '../../../calico/resources.ts'
import { CALICO_API } from '../../../calico/resources.ts'
import type { Node, Pod } from '../../../kinds/generated/types.ts'
import { annotationOf } from '../node-client.ts'

/** A resource as calicoctl shows it. */
export interface ShownResource extends Resource<Record<string, unknown>> {
  apiVersion: string
  kind: string
}

/** A kind that calicoctl knows. */
export interface CtlKind {
  kind: string
  /** Its name in the API; undefined for what is made of Kubernetes' own objects. */
  plural?: string
  isNamespaced?: boolean
  names: readonly string[]
  columns: readonly string[]
  wide: readonly string[]
  value(resource: ShownResource, column: string): string
}

const text = (value: unknown, otherwise = ''): string => (value === undefined || value === null ? otherwise : String(value))
const simple = (kind: string, plural: string, names: readonly string[], more: Partial<CtlKind> = {}): CtlKind => ({ kind, plural, names, columns: ['NAME'], wide: ['NAME'], value: ({ metadata }) => metadata.name, ...more })
const policyColumns: Partial<CtlKind> = {
  columns: ['NAME', 'TIER'], wide: ['NAME', 'TIER', 'ORDER', 'SELECTOR'],
  value: ({ metadata, spec }, column) => (column === 'NAME' ? metadata.name : column === 'NAMESPACE' ? text(metadata.namespace) : column === 'TIER' ? text(spec.tier, 'default') : column === 'ORDER' ? text(spec.order, '<nil>') : text(spec.selector)),
}
const sets: Partial<CtlKind> = { wide: ['NAME', 'NETS'], value: ({ metadata, spec }, column) => (column === 'NETS' ? ((spec.nets as string[] | undefined) ?? []).join(',') : column === 'NAMESPACE' ? text(metadata.namespace) : metadata.name) }

/** calico: calicoctl/calicoctl/resourcemgr */
export const CTL_KINDS: readonly CtlKind[] = [
  {
    kind: 'Node', names: ['node', 'nodes', 'no', 'nos'], columns: ['NAME'], wide: ['NAME', 'ASN', 'IPV4', 'IPV6'],
    value({ metadata, spec }, column) {
      const bgp = spec.bgp as { ipv4Address?: string; asNumber?: string } | undefined
      return column === 'NAME' ? metadata.name : !bgp ? '' : column === 'ASN' ? text(bgp.asNumber, '(64512)') : column === 'IPV4' ? text(bgp.ipv4Address) : ''
    },
  },
  {
    kind: 'WorkloadEndpoint', isNamespaced: true, names: ['workloadendpoint', 'workloadendpoints', 'wep', 'weps'], columns: ['WORKLOAD', 'NODE', 'NETWORKS', 'INTERFACE'], wide: ['NAME', 'WORKLOAD', 'NODE', 'NETWORKS', 'INTERFACE'],
    value: ({ metadata, spec }, column) => (column === 'NAME' ? metadata.name : column === 'NAMESPACE' ? text(metadata.namespace) : column === 'WORKLOAD' ? text(spec.pod) : column === 'NODE' ? text(spec.node) : column === 'NETWORKS' ? (spec.ipNetworks as string[]).join(',') : text(spec.interfaceName)),
  },
  simple('IPPool', 'ippools', ['ippool', 'ippools', 'ipp', 'ipps', 'pool', 'pools'], {
    columns: ['NAME', 'CIDR', 'SELECTOR'], wide: ['NAME', 'CIDR', 'NAT', 'IPIPMODE', 'VXLANMODE', 'DISABLED', 'DISABLEBGPEXPORT', 'SELECTOR', 'ASSIGNMENTMODE'],
    value({ metadata, spec }, column) {
      switch (column) {
        case 'CIDR': return text(spec.cidr)
        case 'NAT': return text(spec.natOutgoing, 'false')
        case 'IPIPMODE': return text(spec.ipipMode, 'Never')
        case 'VXLANMODE': return text(spec.vxlanMode, 'Never')
        case 'DISABLED': return text(spec.disabled, 'false')
        case 'DISABLEBGPEXPORT': return text(spec.disableBGPExport, 'false')
        case 'SELECTOR': return text(spec.nodeSelector)
        case 'ASSIGNMENTMODE': return text(spec.assignmentMode)
        default: return metadata.name
      }
    },
  }),
  simple('NetworkPolicy', 'networkpolicies', ['networkpolicy', 'networkpolicies', 'policy', 'np', 'policies', 'pol', 'pols'], { ...policyColumns, isNamespaced: true }),
  simple('GlobalNetworkPolicy', 'globalnetworkpolicies', ['globalnetworkpolicy', 'globalnetworkpolicies', 'gnp', 'gnps'], policyColumns),
  simple('NetworkSet', 'networksets', ['networkset', 'networksets', 'netsets'], { ...sets, isNamespaced: true }),
  simple('GlobalNetworkSet', 'globalnetworksets', ['globalnetworkset', 'globalnetworksets'], sets),
  simple('Tier', 'tiers', ['tier', 'tiers'], { columns: ['NAME', 'ORDER'], wide: ['NAME', 'ORDER', 'DEFAULTACTION'], value: ({ metadata, spec }, column) => (column === 'NAME' ? metadata.name : column === 'ORDER' ? text(spec.order, '<nil>') : text(spec.defaultAction)) }),
  simple('BGPConfiguration', 'bgpconfigurations', ['bgpconfiguration', 'bgpconfigurations', 'bgpconfig', 'bgpconfigs']),
  simple('FelixConfiguration', 'felixconfigurations', ['felixconfiguration', 'felixconfigurations', 'felixconfig', 'felixconfigs']),
  simple('ClusterInformation', 'clusterinformations', ['clusterinformation', 'clusterinformations', 'clusterinfo'], { columns: ['NAME'], wide: ['NAME', 'CLUSTERGUID', 'CLUSTERTYPE', 'CALICOVERSION', 'DATASTOREREADY'], value: ({ metadata, spec }, column) => (column === 'NAME' ? metadata.name : text(spec[{ CLUSTERGUID: 'clusterGUID', CLUSTERTYPE: 'clusterType', CALICOVERSION: 'calicoVersion', DATASTOREREADY: 'datastoreReady' }[column]!])) }),
  simple('IPReservation', 'ipreservations', ['ipreservation', 'ipreservations', 'reservation', 'reservations']),
  simple('KubeControllersConfiguration', 'kubecontrollersconfigurations', ['kubecontrollersconfiguration', 'kubecontrollersconfigurations', 'kubecontrollersconfig']),
]

/** The version by which calicoctl names its resources. */
export const API_V3 = 'projectcalico.org/v3'

/** Where a kind's objects are. */
export function pathOf({ plural, isNamespaced }: CtlKind, namespace: string | undefined, name?: string): string {
  return `${CALICO_API}${isNamespaced && namespace !== undefined ? `/namespaces/${namespace}` : ''}/${plural}${name === undefined ? '' : `/${name}`}`
}

/** One object by name, or all of a kind. @param namespace undefined: all */
export async function readResources(call: Call, kind: CtlKind, namespace: string | undefined, name?: string): Promise<ShownResource[]> {
  if (kind.kind === 'Node') {
    const nodes = name === undefined ? (await call<{ items: Node[] }>('GET', '/api/v1/nodes')).items : [await call<Node>('GET', `/api/v1/nodes/${name}`)]
    return nodes.map(nodeOf)
  }
  if (kind.kind === 'WorkloadEndpoint') {
    const { items } = await call<{ items: Pod[] }>('GET', `/api/v1${namespace === undefined ? '' : `/namespaces/${namespace}`}/pods`)
    return items.filter(({ spec, status }) => !spec.hostNetwork && status?.podIP).map(endpointOf).filter(({ metadata }) => name === undefined || metadata.name === name)
  }
  const objects = name === undefined ? (await call<{ items: ShownResource[] }>('GET', pathOf(kind, namespace))).items : [await call<ShownResource>('GET', pathOf(kind, namespace, name))]
  return objects.map(({ metadata, spec }) => {
    const { managedFields: _managed, generation: _generation, ...shown } = metadata as Record<string, unknown>
    return { apiVersion: API_V3, kind: kind.kind, metadata: shown as ShownResource['metadata'], spec: spec ?? {} }
  })
}

function nodeOf(node: Node): ShownResource {
  const { metadata } = node
  const ipv4Address = annotationOf(node, 'IPv4Address')
  const tunnel = annotationOf(node, 'IPv4IPIPTunnelAddr')
  const vxlan = annotationOf(node, 'IPv4VXLANTunnelAddr')
  const asNumber = annotationOf(node, 'ASNumber')
  const { name, labels, resourceVersion, uid, creationTimestamp } = metadata
  return {
    apiVersion: API_V3, kind: 'Node', metadata: { creationTimestamp, labels, name, resourceVersion, uid } as ShownResource['metadata'],
    spec: { ...(ipv4Address ? { bgp: { ipv4Address, ...(tunnel ? { ipv4IPIPTunnelAddr: tunnel } : {}), ...(asNumber ? { asNumber } : {}) } } : {}), ...(vxlan ? { ipv4VXLANTunnelAddr: vxlan } : {}), orchRefs: [{ nodeName: name, orchestrator: 'k8s' }] },
  }
}

function endpointOf({ metadata, spec, status }: Pod): ShownResource {
  const escape = (part: string) => part.replaceAll('-', '--')
  return {
    apiVersion: API_V3, kind: 'WorkloadEndpoint', metadata: { name: `${escape(spec.nodeName ?? '')}-k8s-${escape(metadata.name!)}-eth0`, namespace: metadata.namespace!, labels: metadata.labels as Record<string, string> },
    spec: { pod: metadata.name, node: spec.nodeName, orchestrator: 'k8s', endpoint: 'eth0', ipNetworks: [`${status!.podIP}/32`], interfaceName: interfaceName(metadata.namespace!, metadata.name!), profiles: [`kns.${metadata.namespace}`, `ksa.${metadata.namespace}.${spec.serviceAccountName ?? 'default'}`] },
  }
}
