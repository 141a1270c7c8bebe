/** What the lists of a kind show. */
export interface DashboardKind {
  /** In addresses of pages, and as the API names the resource. */
  resource: string
  /** `apps/v1`; `v1` for the core group. */
  groupVersion: string
  kind: string
  title: string
  namespaced: boolean
  /** The path of its list in the dashboard's own API. */
  api: string
  columns: readonly (readonly [string, (object: KubeObject) => string])[]
  scalable?: boolean
  restartable?: boolean
}

/** An object as the API server sends it. */
export interface KubeObject {
  apiVersion?: string
  kind?: string
  metadata: { name: string; namespace?: string; uid?: string; labels?: Record<string, string>; annotations?: Record<string, string>; creationTimestamp?: string; ownerReferences?: { uid: string; kind: string; name: string }[]; deletionTimestamp?: string; managedFields?: unknown; resourceVersion?: string }
  [field: string]: any
}

const images = (containers: { image?: string }[] | undefined) => (containers ?? []).map((container) => container.image ?? '').join(', ')
const templateImages = (object: KubeObject) => images(object.spec?.template?.spec?.containers)
const pods = (ready: string, wanted: string) => (object: KubeObject) => `${object.status?.[ready] ?? 0} / ${wanted === 'replicas' ? object.spec?.replicas ?? 0 : object.status?.[wanted] ?? 0}`

/** A pod's status in a word. k8s: dashboard getPodStatus */
function podStatus(pod: KubeObject): string {
  if (pod.metadata.deletionTimestamp) return 'Terminating'
  const states = [...pod.status?.initContainerStatuses ?? [], ...pod.status?.containerStatuses ?? []] as { state?: { waiting?: { reason?: string }; terminated?: { reason?: string; exitCode?: number } } }[]
  for (const { state } of states) {
    if (state?.waiting?.reason && state.waiting.reason !== 'PodInitializing') return state.waiting.reason
    if (state?.terminated && state.terminated.exitCode !== 0) return state.terminated.reason ?? `ExitCode:${state.terminated.exitCode}`
  }
  return pod.status?.reason ?? pod.status?.phase ?? 'Unknown'
}

const service = (object: KubeObject) => ((object.spec?.ports ?? []) as { port: number; protocol?: string; nodePort?: number }[]).map((port) => `${object.metadata.name}${object.metadata.namespace === 'default' ? '' : `.${object.metadata.namespace}`}:${port.port} ${port.protocol ?? 'TCP'}${port.nodePort ? ` (node port ${port.nodePort})` : ''}`).join(', ')

/** The kinds of the menu, by its groups. */
export const MENU: readonly (readonly [string, readonly DashboardKind[]])[] = [
  ['Workloads', [
    { resource: 'cronjobs', groupVersion: 'batch/v1', kind: 'CronJob', title: 'Cron Jobs', namespaced: true, api: 'cronjob', columns: [['Schedule', (o) => o.spec?.schedule ?? ''], ['Suspend', (o) => String(o.spec?.suspend ?? false)], ['Active', (o) => String(o.status?.active?.length ?? 0)], ['Last Schedule', (o) => o.status?.lastScheduleTime ?? '-']] },
    { resource: 'daemonsets', groupVersion: 'apps/v1', kind: 'DaemonSet', title: 'Daemon Sets', namespaced: true, api: 'daemonset', columns: [['Pods', pods('numberReady', 'desiredNumberScheduled')], ['Images', templateImages]], restartable: true },
    { resource: 'deployments', groupVersion: 'apps/v1', kind: 'Deployment', title: 'Deployments', namespaced: true, api: 'deployment', columns: [['Pods', pods('readyReplicas', 'replicas')], ['Images', templateImages]], scalable: true, restartable: true },
    { resource: 'jobs', groupVersion: 'batch/v1', kind: 'Job', title: 'Jobs', namespaced: true, api: 'job', columns: [['Pods', (o) => `${o.status?.succeeded ?? 0} / ${o.spec?.completions ?? 1}`], ['Images', templateImages]] },
    { resource: 'pods', groupVersion: 'v1', kind: 'Pod', title: 'Pods', namespaced: true, api: 'pod', columns: [['Images', (o) => images(o.spec?.containers)], ['Node', (o) => o.spec?.nodeName ?? '-'], ['Status', podStatus], ['Restarts', (o) => String(((o.status?.containerStatuses ?? []) as { restartCount: number }[]).reduce((sum, each) => sum + each.restartCount, 0))]] },
    { resource: 'replicasets', groupVersion: 'apps/v1', kind: 'ReplicaSet', title: 'Replica Sets', namespaced: true, api: 'replicaset', columns: [['Pods', pods('readyReplicas', 'replicas')], ['Images', templateImages]], scalable: true },
    { resource: 'replicationcontrollers', groupVersion: 'v1', kind: 'ReplicationController', title: 'Replication Controllers', namespaced: true, api: 'replicationcontroller', columns: [['Pods', pods('readyReplicas', 'replicas')], ['Images', templateImages]], scalable: true },
    { resource: 'statefulsets', groupVersion: 'apps/v1', kind: 'StatefulSet', title: 'Stateful Sets', namespaced: true, api: 'statefulset', columns: [['Pods', pods('readyReplicas', 'replicas')], ['Images', templateImages]], scalable: true, restartable: true },
  ]],
  ['Service', [
    { resource: 'ingresses', groupVersion: 'networking.k8s.io/v1', kind: 'Ingress', title: 'Ingresses', namespaced: true, api: 'ingress', columns: [['Hosts', (o) => ((o.spec?.rules ?? []) as { host?: string }[]).map((rule) => rule.host ?? '*').join(', ')]] },
    { resource: 'ingressclasses', groupVersion: 'networking.k8s.io/v1', kind: 'IngressClass', title: 'Ingress Classes', namespaced: false, api: 'ingressclass', columns: [['Controller', (o) => o.spec?.controller ?? '']] },
    { resource: 'services', groupVersion: 'v1', kind: 'Service', title: 'Services', namespaced: true, api: 'service', columns: [['Type', (o) => o.spec?.type ?? ''], ['Cluster IP', (o) => o.spec?.clusterIP ?? ''], ['Internal Endpoints', service], ['External Endpoints', (o) => ((o.status?.loadBalancer?.ingress ?? []) as { ip?: string; hostname?: string }[]).map((each) => each.ip ?? each.hostname ?? '').join(', ') || '-']] },
  ]],
  ['Config and Storage', [
    { resource: 'configmaps', groupVersion: 'v1', kind: 'ConfigMap', title: 'Config Maps', namespaced: true, api: 'configmap', columns: [] },
    { resource: 'persistentvolumeclaims', groupVersion: 'v1', kind: 'PersistentVolumeClaim', title: 'Persistent Volume Claims', namespaced: true, api: 'persistentvolumeclaim', columns: [['Status', (o) => o.status?.phase ?? ''], ['Volume', (o) => o.spec?.volumeName ?? ''], ['Capacity', (o) => o.status?.capacity?.storage ?? ''], ['Storage Class', (o) => o.spec?.storageClassName ?? '']] },
    { resource: 'secrets', groupVersion: 'v1', kind: 'Secret', title: 'Secrets', namespaced: true, api: 'secret', columns: [['Type', (o) => o.type ?? '']] },
    { resource: 'storageclasses', groupVersion: 'storage.k8s.io/v1', kind: 'StorageClass', title: 'Storage Classes', namespaced: false, api: 'storageclass', columns: [['Provisioner', (o) => o.provisioner ?? '']] },
  ]],
  ['Cluster', [
    { resource: 'clusterrolebindings', groupVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', title: 'Cluster Role Bindings', namespaced: false, api: 'clusterrolebinding', columns: [] },
    { resource: 'clusterroles', groupVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', title: 'Cluster Roles', namespaced: false, api: 'clusterrole', columns: [] },
    { resource: 'events', groupVersion: 'v1', kind: 'Event', title: 'Events', namespaced: true, api: 'event', columns: [['Reason', (o) => o.reason ?? ''], ['Message', (o) => o.message ?? ''], ['Object', (o) => `${o.involvedObject?.kind ?? ''}/${o.involvedObject?.name ?? ''}`], ['Count', (o) => String(o.count ?? o.series?.count ?? 1)]] },
    { resource: 'namespaces', groupVersion: 'v1', kind: 'Namespace', title: 'Namespaces', namespaced: false, api: 'namespace', columns: [['Phase', (o) => o.status?.phase ?? '']] },
    { resource: 'networkpolicies', groupVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', title: 'Network Policies', namespaced: true, api: 'networkpolicy', columns: [] },
    { resource: 'nodes', groupVersion: 'v1', kind: 'Node', title: 'Nodes', namespaced: false, api: 'node', columns: [['Ready', (o) => ((o.status?.conditions ?? []) as { type: string; status: string }[]).find((each) => each.type === 'Ready')?.status ?? 'Unknown'], ['CPU capacity', (o) => o.status?.capacity?.cpu ?? ''], ['Memory capacity', (o) => o.status?.capacity?.memory ?? '']] },
    { resource: 'persistentvolumes', groupVersion: 'v1', kind: 'PersistentVolume', title: 'Persistent Volumes', namespaced: false, api: 'persistentvolume', columns: [['Capacity', (o) => o.spec?.capacity?.storage ?? ''], ['Status', (o) => o.status?.phase ?? ''], ['Claim', (o) => o.spec?.claimRef ? `${o.spec.claimRef.namespace}/${o.spec.claimRef.name}` : '']] },
    { resource: 'rolebindings', groupVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', title: 'Role Bindings', namespaced: true, api: 'rolebinding', columns: [] },
    { resource: 'roles', groupVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', title: 'Roles', namespaced: true, api: 'role', columns: [] },
    { resource: 'serviceaccounts', groupVersion: 'v1', kind: 'ServiceAccount', title: 'Service Accounts', namespaced: true, api: 'serviceaccount', columns: [] },
    { resource: 'customresourcedefinitions', groupVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', title: 'Custom Resource Definitions', namespaced: false, api: 'crd', columns: [['Group', (o) => o.spec?.group ?? ''], ['Scope', (o) => o.spec?.scope ?? '']] },
  ]],
]

export const KINDS: readonly DashboardKind[] = MENU.flatMap(([, kinds]) => kinds)

/** The path of a kind's objects in the Kubernetes API. */
export function pathOf({ groupVersion, resource, namespaced }: Pick<DashboardKind, 'groupVersion' | 'resource' | 'namespaced'>, namespace: string | undefined, name?: string): string {
  return `${groupVersion.includes('/') ? '/apis' : '/api'}/${groupVersion}${namespaced && namespace ? `/namespaces/${encodeURIComponent(namespace)}` : ''}/${resource}${name === undefined ? '' : `/${encodeURIComponent(name)}`}`
}
