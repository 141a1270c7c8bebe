import { isGoMap } from '../../../cluster/kinds/go-template/values.ts'
import { parseYaml } from '../../yaml.ts'
import type { Hook } from './release.ts'

/** Kinds in the order of their installation. k8s: releaseutil.InstallOrder */
const INSTALL_ORDER = [
  'PriorityClass', 'Namespace', 'NetworkPolicy', 'ResourceQuota', 'LimitRange', 'PodSecurityPolicy', 'PodDisruptionBudget', 'ServiceAccount', 'Secret', 'SecretList', 'ConfigMap', 'StorageClass',
  'PersistentVolume', 'PersistentVolumeClaim', 'CustomResourceDefinition', 'ClusterRole', 'ClusterRoleList', 'ClusterRoleBinding', 'ClusterRoleBindingList', 'Role', 'RoleList', 'RoleBinding',
  'RoleBindingList', 'Service', 'DaemonSet', 'Pod', 'ReplicationController', 'ReplicaSet', 'Deployment', 'HorizontalPodAutoscaler', 'StatefulSet', 'Job', 'CronJob', 'IngressClass', 'Ingress', 'APIService',
]
/** Not quite the other way round: Services go early. */
const UNINSTALL_ORDER = [
  'APIService', 'Ingress', 'IngressClass', 'Service', 'CronJob', 'Job', 'StatefulSet', 'HorizontalPodAutoscaler', 'Deployment', 'ReplicaSet', 'ReplicationController', 'Pod', 'DaemonSet', 'RoleBindingList',
  'RoleBinding', 'RoleList', 'Role', 'ClusterRoleBindingList', 'ClusterRoleBinding', 'ClusterRoleList', 'ClusterRole', 'CustomResourceDefinition', 'PersistentVolumeClaim', 'PersistentVolume', 'StorageClass',
  'ConfigMap', 'SecretList', 'Secret', 'ServiceAccount', 'PodDisruptionBudget', 'PodSecurityPolicy', 'LimitRange', 'ResourceQuota', 'NetworkPolicy', 'Namespace', 'PriorityClass',
]

const EVENTS = new Set(['pre-install', 'post-install', 'pre-delete', 'post-delete', 'pre-upgrade', 'post-upgrade', 'pre-rollback', 'post-rollback', 'test'])

/** What can be told from a manifest without knowing its kind. */
export interface ManifestHead { apiVersion: string; kind: string; name: string; annotations: Record<string, string> }
export interface Manifest { name: string; content: string; head: ManifestHead }

/** The documents of a text. k8s: releaseutil.SplitManifests */
export function splitManifests(text: string): string[] {
  return text.trim().split(/(?:^|\s*\n)---\s*/).filter((part) => part !== '').map((part) => part.trim())
}

function headOf(content: string, path: string): ManifestHead {
  const fail = (message: string): never => { throw new Error(`YAML parse error on ${path}: ${message}`) }
  let value: unknown
  try {
    value = parseYaml(content)
  } catch (error) {
    const { message } = error as Error
    fail(`error converting YAML to JSON: ${message.startsWith('yaml: ') ? message : `yaml: ${message}`}`)
  }
  const kindOf = (v: unknown) => Array.isArray(v) ? 'array' : typeof v === 'boolean' ? 'bool' : typeof v
  if (value === null || value === undefined) return { apiVersion: '', kind: '', name: '', annotations: {} }
  if (!isGoMap(value)) return fail(`error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${kindOf(value)} into Go value of type releaseutil.SimpleHead`)
  const text = (v: unknown, field: string) => {
    if (v === undefined || v === null) return ''
    if (typeof v === 'object') return fail(`error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${kindOf(v)} into Go struct field ${field} of type string`)
    return String(v)
  }
  const metadata = value['metadata']
  if (metadata !== undefined && metadata !== null && !isGoMap(metadata)) fail(`error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${kindOf(metadata)} into Go struct field SimpleHead.metadata of type struct { Name string "json:\\"name\\""; Annotations map[string]string "json:\\"annotations\\"" }`)
  const of = isGoMap(metadata) ? metadata : {}
  const annotations = isGoMap(of['annotations']) ? of['annotations'] : {}
  return {
    apiVersion: text(value['apiVersion'], 'SimpleHead.apiVersion'), kind: text(value['kind'], 'SimpleHead.kind'), name: text(of['name'], '.metadata.name'),
    annotations: Object.fromEntries(Object.entries(annotations).map(([k, v]) => [k, text(v, '.metadata.annotations')])),
  }
}

/**
 * Hooks and other manifests, each in the order of kinds. k8s: releaseutil.SortManifests
 * @throws Error `YAML parse error on ...`
 */
export function sortManifests(files: ReadonlyMap<string, string> | readonly (readonly [string, string])[], order: 'install' | 'uninstall', warn: (text: string) => void = () => {}): { hooks: Hook[]; manifests: Manifest[] } {
  const hooks: Hook[] = []
  const manifests: Manifest[] = []
  for (const [path, text] of [...files].sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0)) {
    if (path.slice(path.lastIndexOf('/') + 1).startsWith('_') || text.trim() === '') continue
    for (const content of splitManifests(text)) {
      const head = headOf(content, path)
      const events = head.annotations['helm.sh/hook']
      if (events === undefined) { manifests.push({ name: path, content, head }); continue }
      const wanted = events.split(',').map((event) => event.trim().toLowerCase()).map((event) => event === 'test-success' ? 'test' : event)
      if (wanted.some((event) => !EVENTS.has(event))) { warn(`info: skipping unknown hook: ${JSON.stringify(events)}`); continue }
      const list = (name: string) => head.annotations[name]?.split(',').map((policy) => policy.trim().toLowerCase()) ?? []
      const weight = head.annotations['helm.sh/hook-weight'] ?? ''
      hooks.push({
        name: head.name, kind: head.kind, path, manifest: content, events: wanted, weight: /^[+-]?\d+$/.test(weight) ? Number(weight) : 0,
        delete_policies: list('helm.sh/hook-delete-policy'), output_log_policies: list('helm.sh/hook-output-log-policy'), last_run: { started_at: '', completed_at: '', phase: '' },
      })
    }
  }
  const kinds = order === 'install' ? INSTALL_ORDER : UNINSTALL_ORDER
  const compare = (a: string, b: string) => {
    const [x, y] = [kinds.indexOf(a), kinds.indexOf(b)]
    if (x < 0 && y < 0) return a < b ? -1 : a > b ? 1 : 0
    return x < 0 ? 1 : y < 0 ? -1 : x - y
  }
  return { hooks: hooks.sort((a, b) => compare(a.kind, b.kind)), manifests: manifests.sort((a, b) => compare(a.head.kind, b.head.kind)) }
}
