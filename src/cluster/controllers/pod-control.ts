import type { Clock } from '../../base/clock.ts'
import { isStatusError, StatusError } from '../kinds/status-error.ts'
import type { KubeObject } from '../kinds/object.ts'
import type { Pod, PodTemplateSpec } from '../kinds/generated/types.ts'
import type { Api } from '../client/api.ts'
import type { EventRecorder } from '../client/event-recorder.ts'
import { controllerReference } from '../client/owner-references.ts'

/** What creating and deleting pods needs. */
export interface PodControlContext {
  api: Api
  events: EventRecorder
}

/** Whether the error says that the namespace is going away: nothing to tell, nothing to retry. */
export function isNamespaceTerminating(error: unknown): boolean {
  return error instanceof StatusError && (error.status.details?.causes?.some((cause) => cause.reason === 'NamespaceTerminating') ?? false)
}

/** A pod as its owner's template says. k8s: pkg/controller GetPodFromTemplate */
export function podFromTemplate(template: Readonly<PodTemplateSpec>, owner: KubeObject, prefix = podPrefix(owner.metadata.name!)): Pod {
  const { labels, annotations, finalizers } = template.metadata ?? {}
  return {
    apiVersion: 'v1', kind: 'Pod',
    metadata: {
      generateName: prefix, namespace: owner.metadata.namespace!,
      ...(labels ? { labels } : {}), ...(annotations ? { annotations } : {}), ...(finalizers ? { finalizers } : {}),
      ownerReferences: [controllerReference(owner)],
    },
    spec: template.spec,
  } as Pod
}

/** `name-`, or the bare name where a dash would make it invalid. */
function podPrefix(name: string): string {
  return name.length < 253 ? `${name}-` : name
}

/** Creates a pod for its owner and tells so. k8s: RealPodControl.createPods */
export async function createOwnedPod(pod: Pod, owner: KubeObject, { api, events }: PodControlContext): Promise<Pod> {
  if (Object.keys(pod.metadata.labels ?? {}).length === 0) throw new Error('unable to create pods, no labels')
  try {
    const created = await api.create('pods', pod)
    events.event(owner, 'Normal', 'SuccessfulCreate', `Created pod: ${created.metadata.name}`)
    return created
  } catch (error) {
    if (!isNamespaceTerminating(error)) events.event(owner, 'Warning', 'FailedCreate', `Error creating: ${messageOf(error)}`)
    throw error
  }
}

/** Deletes a pod of an owner and tells so. @throws StatusError, also NotFound. k8s: RealPodControl.DeletePod */
export async function deleteOwnedPod(pod: Pod, owner: KubeObject, { api, events }: PodControlContext): Promise<void> {
  try {
    await api.delete('pods', pod.metadata.name!, pod.metadata.namespace)
    events.event(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`)
  } catch (error) {
    if (!isStatusError(error, 'NotFound')) events.event(owner, 'Warning', 'FailedDelete', `Error deleting: ${messageOf(error)}`)
    throw error
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Starts all pieces of work without waiting for one another, but lets others have a turn in between when they are many. */
export async function startAll<T, R>(items: readonly T[], work: (item: T) => Promise<R>, clock: Clock): Promise<PromiseSettledResult<R>[]> {
  const started: Promise<R>[] = []
  for (const item of items) {
    const promise = work(item)
    // Its failure is told below, once all have started.
    promise.catch(() => {})
    started.push(promise)
    await clock.breathe()
  }
  return Promise.allSettled(started)
}

/**
 * Does `count` pieces of work in batches of 1, 2, 4, ...; stops after a batch with a failure, so that what can't succeed isn't tried a
 * thousand times. k8s: slowStartBatch
 */
export async function slowStart(count: number, work: (index: number) => Promise<unknown>, clock: Clock, firstBatch = 1): Promise<{ done: number; error?: unknown }> {
  let done = 0
  for (let size = Math.min(count, firstBatch); size > 0; size = Math.min(2 * size, count - done)) {
    const start = done
    const results = await startAll(Array.from({ length: size }, (_, i) => start + i), work, clock)
    const failed = results.filter((result) => result.status === 'rejected')
    done += size - failed.length
    if (failed.length > 0) return { done, error: failed[0]!.reason }
  }
  return { done }
}
