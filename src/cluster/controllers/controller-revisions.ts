/** History of templates as ControllerRevisions. k8s: pkg/controller/history */
import { deepEqual } from '../../base/freeze.ts'
import type { ControllerContext } from '../client/controller-runner.ts'
import { controllerReference } from '../client/owner-references.ts'
import type { ControllerRevision, PodTemplateSpec } from '../kinds/generated/types.ts'
import type { KubeObject } from '../kinds/object.ts'
import { isStatusError } from '../kinds/status-error.ts'
import { timeMs } from './pods.ts'
import { canonicalJson, fnv32, safeEncode } from './template-hash.ts'

/** Label of pods, and of a DaemonSet's revisions. */
export const REVISION_HASH = 'controller-revision-hash'
export const REVISIONS = 'controllerrevisions.apps'

/** What a revision keeps of its owner: the template as a strategic merge patch. */
export function revisionData(template: Readonly<PodTemplateSpec>): { spec: { template: PodTemplateSpec & { $patch: 'replace' } } } {
  // Sorted as Go marshals a map: clients compare revisions byte by byte.
  return JSON.parse(canonicalJson({ spec: { template: { ...template, $patch: 'replace' } } }))
}

/** The template that a revision holds. */
export function templateOf(revision: ControllerRevision): PodTemplateSpec {
  const { $patch: _, ...template } = (revision.data as any).spec.template
  return template
}

export function byRevision(a: ControllerRevision, b: ControllerRevision): number {
  return a.revision - b.revision || timeMs(a.metadata.creationTimestamp) - timeMs(b.metadata.creationTimestamp) || (a.metadata.name! < b.metadata.name! ? -1 : 1)
}

const encoder = new TextEncoder()

/** Go's encoding/json writes these so that HTML can hold them. */
const GO_ESCAPES: Record<string, string> = { '<': '\\u003c', '>': '\\u003e', '&': '\\u0026', '\u2028': '\\u2028', '\u2029': '\\u2029' }

/** k8s: pkg/controller/history HashControllerRevision */
export function hashRevisionData(data: unknown, collisionCount: number | undefined): string {
  const json = canonicalJson(data).replace(/[<>&\u2028\u2029]/g, (c) => GO_ESCAPES[c]!)
  return safeEncode(String(fnv32(encoder.encode(`${json}${collisionCount ?? ''}`))))
}

/**
 * The revision of the owner's present template: the one that exists (made the newest), or a new one. Returns the collision count, which
 * rises when another template has the same name.
 * @param hash of a revision, which its name ends with, and the label that it stands in
 */
export async function currentRevision(owner: KubeObject, template: Readonly<PodTemplateSpec>, revisions: readonly ControllerRevision[], collisionCount: number | undefined, hash: { label: string; of(collisionCount: number | undefined): string }, { api }: Pick<ControllerContext, 'api'>, annotations?: Record<string, string>): Promise<{ revision: ControllerRevision; collisionCount: number | undefined }> {
  const sorted = [...revisions].sort(byRevision)
  const data = revisionData(template)
  const newest = sorted.at(-1)
  const next = (newest?.revision ?? 0) + 1
  const equal = sorted.filter((revision) => deepEqual(revision.data, data)).at(-1)
  if (equal === newest && equal) return { revision: equal, collisionCount }
  if (equal) return { revision: await api.update<ControllerRevision>(REVISIONS, { ...equal, revision: next }), collisionCount }
  for (let collisions = collisionCount; ; collisions = (collisions ?? 0) + 1) {
    const suffix = hash.of(collisions)
    const name = `${owner.metadata.name!.slice(0, 223)}-${suffix}`
    try {
      const revision = await api.create<ControllerRevision>(REVISIONS, {
        apiVersion: 'apps/v1', kind: 'ControllerRevision',
        metadata: {
          name, namespace: owner.metadata.namespace!, labels: { ...template.metadata?.labels, [hash.label]: suffix }, ownerReferences: [controllerReference(owner)],
          ...(annotations ? { annotations } : {}),
        },
        // Clients compare bytes: upstream writes a map, whose keys Go sorts.
        data: JSON.parse(canonicalJson(data)), revision: next,
      } as unknown as ControllerRevision)
      return { revision, collisionCount: collisions }
    } catch (error) {
      if (!isStatusError(error, 'AlreadyExists')) throw error
      const existing = await api.get<ControllerRevision>(REVISIONS, name, owner.metadata.namespace)
      if (deepEqual(existing.data, data)) return { revision: existing, collisionCount: collisions }
    }
  }
}

/** Deletes the oldest revisions that nothing uses, beyond the limit. */
export async function truncateHistory(revisions: readonly ControllerRevision[], live: (revision: ControllerRevision) => boolean, limit: number, { api }: Pick<ControllerContext, 'api'>): Promise<void> {
  const unused = revisions.filter((revision) => !live(revision)).sort(byRevision)
  for (const { metadata } of unused.slice(0, Math.max(0, unused.length - limit)))
    await api.delete(REVISIONS, metadata.name!, metadata.namespace).catch((error: unknown) => { if (!isStatusError(error, 'NotFound')) throw error })
}
