import { isStatusError } from '../kinds/status-error.ts'
import type { KubeObject, ResourceRef } from '../kinds/object.ts'
import type { Api } from '../client/api.ts'
import type { Cache } from '../client/controller-runner.ts'
import { controllerOf, controllerReference } from '../client/owner-references.ts'

/** Objects without a controller, by namespace: candidates for adoption. */
export const ORPHANS = {
  name: 'orphans',
  values: (object: KubeObject): readonly string[] => controllerOf(object) ? [] : [object.metadata.namespace ?? ''],
}

/**
 * The objects that belong to `owner`: its own that still match (others are released) and matching orphans, which are adopted.
 * k8s: pkg/controller ControllerRefManager
 */
export async function claim<T extends KubeObject>(resource: ResourceRef, owner: KubeObject, matches: (object: T) => boolean, { api, cache, wants = () => true }: { api: Api; cache: Cache; wants?: (object: T) => boolean }): Promise<T[]> {
  const claimed: T[] = []
  const dying = owner.metadata.deletionTimestamp !== undefined
  for (const object of cache.ownedBy<T>(owner, resource)) {
    if (matches(object)) {
      if (wants(object)) claimed.push(object)
      continue
    }
    if (dying || !wants(object)) continue
    try {
      await api.patch(resource, object.metadata.name!, object.metadata.namespace, 'application/strategic-merge-patch+json', {
        metadata: { uid: object.metadata.uid, ownerReferences: [{ $patch: 'delete', uid: owner.metadata.uid }] },
      })
    } catch (error) {
      // Gone, or another object by now: not ours either way.
      if (!isStatusError(error, 'NotFound', 'Invalid')) throw error
    }
  }
  if (dying) return claimed
  for (const object of cache.byIndex<T>(resource, ORPHANS.name, owner.metadata.namespace ?? '')) {
    if (object.metadata.deletionTimestamp !== undefined || !matches(object) || !wants(object)) continue
    const fresh = await api.get(ownerResource(owner), owner.metadata.name!, owner.metadata.namespace).catch(() => undefined)
    if (!fresh || fresh.metadata.uid !== owner.metadata.uid || fresh.metadata.deletionTimestamp !== undefined) return claimed
    try {
      claimed.push(await api.patch<T>(resource, object.metadata.name!, object.metadata.namespace, 'application/strategic-merge-patch+json', {
        metadata: { uid: object.metadata.uid, ownerReferences: [controllerReference(owner)] },
      }))
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error
    }
  }
  return claimed
}

const RESOURCES: Record<string, ResourceRef> = {
  ReplicaSet: 'replicasets.apps', ReplicationController: 'replicationcontrollers', Deployment: 'deployments.apps',
  StatefulSet: 'statefulsets.apps', DaemonSet: 'daemonsets.apps', Job: 'jobs.batch', CronJob: 'cronjobs.batch',
}

function ownerResource(owner: KubeObject): ResourceRef {
  return RESOURCES[owner.kind]!
}
