import type { KubeObject } from '../../cluster/kinds/object.ts'
import { groupVersion, resourcePath } from './discovery.ts'
import type { ApiResource, RestMapper } from './discovery.ts'
import type { Factory } from './factory.ts'
import { klogLine } from './klog.ts'
import { LAST_APPLIED } from './last-applied.ts'

const DEFAULT_KINDS: readonly (readonly [apiVersion: string, kind: string])[] = [
  ...['ConfigMap', 'Endpoints', 'PersistentVolumeClaim', 'Pod', 'ReplicationController', 'Secret', 'Service'].map((kind) => ['v1', kind] as const),
  ['batch/v1', 'Job'], ['batch/v1', 'CronJob'], ['networking.k8s.io/v1', 'Ingress'], ...['DaemonSet', 'Deployment', 'ReplicaSet', 'StatefulSet'].map((kind) => ['apps/v1', kind] as const),
  ['v1', 'Namespace'], ['v1', 'PersistentVolume'],
]

/** --prune-allowlist: `core/v1/ConfigMap`. k8s: kubectl/pkg/util/prune ParseResources @throws Error */
export function parsePruneAllowlist(mapper: RestMapper, list: readonly string[]): ApiResource[] {
  return list.map((text) => {
    const parts = text.split('/')
    if (parts.length !== 3) throw new Error(`invalid GroupVersionKind format: ${text}, please follow <group/version/kind>`)
    return mapper.forKind(groupVersion({ group: parts[0] === 'core' ? '' : parts[0]!, version: parts[1]! }), parts[2]!)
  })
}

/**
 * What was applied before and is not among the visited objects.
 * @param allowlist the kinds to look through; none: the default ones
 * k8s: kubectl/pkg/cmd/apply pruner, kubectl/pkg/cmd/diff pruner
 */
export async function* findPrunable(f: Factory, allowlist: readonly ApiResource[], namespaces: Iterable<string>, visited: ReadonlySet<string>, labelSelector: string): AsyncGenerator<{ mapping: ApiResource; object: KubeObject }> {
  const mapper = await f.mapper()
  if (allowlist.length === 0) void f.io.err(klogLine(f.proc, 'W', 'prune.go:71', 'Deprecated: kubectl apply will no longer prune non-namespaced resources by default when used with the --namespace flag in a future release. To preserve the current behaviour, list the resources you want to target explicitly in the --prune-allowlist flag.'))
  const mappings = allowlist.length > 0 ? allowlist : DEFAULT_KINDS.map(([apiVersion, kind]) => mapper.forKind(apiVersion, kind))
  async function* of(mapping: ApiResource, namespace: string) {
    const list = await f.rest().list(resourcePath(mapping, namespace), { labelSelector: labelSelector || undefined })
    for (const item of list.items)
      if (item.metadata.annotations?.[LAST_APPLIED] !== undefined && !visited.has(item.metadata.uid ?? '')) yield { mapping, object: { ...item, apiVersion: groupVersion(mapping), kind: mapping.kind } }
  }
  for (const namespace of namespaces) for (const mapping of mappings) if (mapping.namespaced) yield* of(mapping, namespace)
  for (const mapping of mappings) if (!mapping.namespaced) yield* of(mapping, '')
}
