import type { KubeObject } from '../../kinds/object.ts'
import type { ClusterPki } from '../pki/cluster-pki.ts'

/** What the objects of a fresh API server depend on. */
export interface BootstrapOptions {
  serviceCidr?: string
  /** Where the API server listens, for the endpoints of Service `kubernetes`; without it they are left out. */
  advertiseAddress?: string
  securePort?: number
  /** For the certificates that extension API servers need; without it that ConfigMap is left out. */
  pki?: Pick<ClusterPki, 'caCertificatePem' | 'frontProxyCaCertificatePem'>
}

const DEFAULT_SERVICE_CIDR = '10.96.0.0/16'
export const DEFAULT_SECURE_PORT = 6443

export const SYSTEM_NAMESPACES = ['kube-system', 'kube-public', 'kube-node-lease', 'default'] as const

export const namespaces = (): KubeObject[] => SYSTEM_NAMESPACES.map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }))

/** k8s: pkg/apis/scheduling/v1 SystemPriorityClasses */
export function priorityClasses(): KubeObject[] {
  const make = (name: string, value: number, description: string): KubeObject => ({ apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name }, value, description })
  return [
    make('system-node-critical', 2_000_001_000, 'Used for system critical pods that must not be moved from their current node.'),
    make('system-cluster-critical', 2_000_000_000, 'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.'),
  ]
}

/** The first address of a service range: the API server's. */
function kubernetesServiceAddress(serviceCidr: string): string {
  const [base = ''] = serviceCidr.split('/')
  return base.replace(/\d+$/, (last) => String(Number(last) + 1))
}

/** k8s: pkg/controlplane/controller/kubernetesservice */
export function kubernetesService({ serviceCidr = DEFAULT_SERVICE_CIDR, securePort = DEFAULT_SECURE_PORT }: BootstrapOptions): KubeObject {
  const clusterIP = kubernetesServiceAddress(serviceCidr)
  return {
    apiVersion: 'v1', kind: 'Service', metadata: { name: 'kubernetes', namespace: 'default', labels: { component: 'apiserver', provider: 'kubernetes' } },
    spec: {
      type: 'ClusterIP', clusterIP, clusterIPs: [clusterIP], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack', sessionAffinity: 'None',
      ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: securePort }],
    },
  }
}

/** k8s: pkg/controlplane/reconcilers */
export function kubernetesEndpoints(addresses: readonly string[], securePort: number): KubeObject[] {
  const metadata = { name: 'kubernetes', namespace: 'default' }
  return [
    { apiVersion: 'v1', kind: 'Endpoints', metadata: { ...metadata, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } }, subsets: [{ addresses: addresses.map((ip) => ({ ip })), ports: [{ name: 'https', port: securePort, protocol: 'TCP' }] }] },
    {
      apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { ...metadata, labels: { 'kubernetes.io/service-name': 'kubernetes' } },
      addressType: addresses[0]!.includes(':') ? 'IPv6' : 'IPv4', endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })), ports: [{ name: 'https', port: securePort, protocol: 'TCP' }],
    },
  ]
}

export function serviceCidr({ serviceCidr: cidr = DEFAULT_SERVICE_CIDR }: BootstrapOptions): KubeObject {
  return { apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: { name: 'kubernetes', finalizers: ['networking.k8s.io/service-cidr-finalizer'] }, spec: { cidrs: [cidr] } }
}

/** Group, priority of the group, priority of the version. k8s: pkg/controlplane/apiserver/aggregator.go, kube-apiserver/app/aggregator.go */
const API_SERVICES: readonly (readonly [name: string, groupPriority: number, versionPriority: number])[] = [
  ['v1.', 18000, 1], ['v1.admissionregistration.k8s.io', 16700, 15], ['v1.apiextensions.k8s.io', 16700, 15], ['v1.apps', 17800, 15], ['v1.authentication.k8s.io', 17700, 15],
  ['v1.authorization.k8s.io', 17600, 15], ['v1.autoscaling', 17500, 15], ['v2.autoscaling', 17500, 30], ['v1.batch', 17400, 15], ['v1.certificates.k8s.io', 17300, 15],
  ['v1.coordination.k8s.io', 16500, 15], ['v1.discovery.k8s.io', 16200, 15], ['v1.events.k8s.io', 17750, 15], ['v1.flowcontrol.apiserver.k8s.io', 16100, 21],
  ['v1.networking.k8s.io', 17200, 15], ['v1.node.k8s.io', 16300, 15], ['v1.policy', 17100, 15], ['v1.rbac.authorization.k8s.io', 17000, 15], ['v1.resource.k8s.io', 16200, 21],
  ['v1.scheduling.k8s.io', 16600, 15], ['v1.storage.k8s.io', 16800, 15],
]

/** Priorities of a group version that the server itself serves. */
export function builtInPriorities(group: string, version: string): { groupPriorityMinimum: number; versionPriority: number } | undefined {
  const known = API_SERVICES.find(([name]) => name === `${version}.${group}`)
  return known && { groupPriorityMinimum: known[1], versionPriority: known[2] }
}

export function apiServices(): KubeObject[] {
  return API_SERVICES.map(([name, groupPriorityMinimum, versionPriority]) => {
    const dot = name.indexOf('.')
    const group = name.slice(dot + 1)
    return {
      apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata: { name, labels: { 'kube-aggregator.kubernetes.io/automanaged': 'onstart' } },
      spec: { ...(group ? { group } : {}), version: name.slice(0, dot), groupPriorityMinimum, versionPriority },
    }
  })
}

/** What extension API servers need to trust this one's proxy. k8s: pkg/controlplane/controller/clusterauthenticationtrust */
export function extensionApiserverAuthentication(pki: NonNullable<BootstrapOptions['pki']>): KubeObject {
  return {
    apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'extension-apiserver-authentication', namespace: 'kube-system' },
    data: {
      'client-ca-file': pki.caCertificatePem, 'requestheader-allowed-names': '["front-proxy-client"]', 'requestheader-client-ca-file': pki.frontProxyCaCertificatePem,
      'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]', 'requestheader-group-headers': '["X-Remote-Group"]', 'requestheader-username-headers': '["X-Remote-User"]',
    },
  }
}

/** k8s: pkg/controlplane/controller/legacytokentracking; `since` is a date, `2026-01-31`. */
export function legacyTokenTracking(since: string): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'kube-apiserver-legacy-service-account-token-tracking', namespace: 'kube-system' }, data: { since } }
}

/** The accounts that kube-controller-manager makes for its controllers. */
const CONTROLLER_ACCOUNTS = [
  'attachdetach-controller', 'bootstrap-signer', 'certificate-controller', 'clusterrole-aggregation-controller', 'cronjob-controller', 'daemon-set-controller', 'deployment-controller',
  'device-taint-eviction-controller', 'disruption-controller', 'endpoint-controller', 'endpointslice-controller', 'endpointslicemirroring-controller', 'ephemeral-volume-controller',
  'expand-controller', 'generic-garbage-collector', 'horizontal-pod-autoscaler', 'job-controller', 'legacy-service-account-token-cleaner', 'namespace-controller', 'node-controller',
  'persistent-volume-binder', 'pod-garbage-collector', 'pv-protection-controller', 'pvc-protection-controller', 'replicaset-controller', 'replication-controller', 'resource-claim-controller',
  'resourcequota-controller', 'root-ca-cert-publisher', 'service-account-controller', 'service-cidrs-controller', 'statefulset-controller', 'token-cleaner', 'ttl-after-finished-controller',
  'ttl-controller', 'validatingadmissionpolicy-status-controller', 'volumeattributesclass-protection-controller',
]

export function controllerServiceAccounts(): KubeObject[] {
  return CONTROLLER_ACCOUNTS.map((name) => ({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace: 'kube-system' } }))
}
