import type { ControllerContext } from '../../client/controller-runner.ts'
import type { Informers } from '../../client/informers.ts'
import { waitFor } from '../../client/wait-for.ts'
import type { Event, PersistentVolume, PersistentVolumeClaim, Pod, Volume } from '../../kinds/generated/types.ts'
import { quantityValue } from '../../kinds/quantity.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { isPodTerminal } from '../pods.ts'
import { PODS_BY_CLAIM } from './pods-by-claim.ts'

const VOLUMES = 'persistentvolumes'
const NAMESPACE = 'default'
const GI = 2 ** 30
/** Seconds that a recycler has: at least, and for each GiB. k8s: RecommendedDefaultPersistentVolumeRecyclerConfiguration */
const DEADLINES = { nfs: { least: 300, perGi: 30 }, hostPath: { least: 60, perGi: 30 } } as const

/** The pod's own deadline ends it once it runs; one that no node takes is begun anew after this. */
const LONGEST_MS = 86_400_000

/** Volumes that are being recycled, by name and uid. */
const running = new WeakMap<Informers, Set<string>>()

/** Empties a released volume with a pod and makes it available again by `unbind`, in the background; nothing while that is going on. k8s: recycleVolumeOperation */
export function recycle(volume: PersistentVolume, context: ControllerContext, unbind: () => Promise<void>): void {
  const { cache, events, informers, log } = context
  const name = volume.metadata.name!
  let operations = running.get(informers)
  if (!operations) running.set(informers, operations = new Set())
  const operation = `recycle-${name}[${volume.metadata.uid}]`
  if (operations.has(operation)) return
  const ref = volume.spec!.claimRef!
  const claimKey = `${ref.namespace}/${ref.name}`
  const users = cache.byIndex<Pod>('pods', PODS_BY_CLAIM.name, claimKey).filter((pod) => !isPodTerminal(pod)).map(({ metadata }) => `${metadata.namespace}/${metadata.name}`).sort()
  // A claim of that name that is there is another one, with another volume.
  if (users.length > 0 && !cache.get<PersistentVolumeClaim>('persistentvolumeclaims', claimKey)) {
    events.event(volume, 'Normal', 'VolumeFailedRecycle', `Volume is used by pods: ${users.join(',')}`)
    return
  }
  operations.add(operation)
  void recycleNow(volume, context, unbind).catch((error: unknown) => log.info(`could not recycle volume ${name}`, { error: String(error) })).finally(() => operations.delete(operation))
}

async function recycleNow(volume: PersistentVolume, context: ControllerContext, unbind: () => Promise<void>): Promise<void> {
  const { api, events } = context
  const pod = recyclerPod(volume)
  let problem: string | undefined
  if (!pod) problem = 'No recycler plugin found for the volume!'
  else {
    try {
      await runRecycler(pod, volume, context)
    } catch (error) {
      problem = `Recycle failed: ${(error as Error).message}`
    }
  }
  if (problem === undefined) {
    events.event(volume, 'Normal', 'VolumeRecycled', 'Volume recycled')
    return unbind()
  }
  const now = await api.get<PersistentVolume>(VOLUMES, volume.metadata.name!)
  if (now.status?.phase === 'Failed') return
  await api.updateStatus(VOLUMES, { ...now, status: { ...now.status, phase: 'Failed', message: problem } })
  events.event(volume, 'Warning', 'VolumeFailedRecycle', problem)
}

/** Undefined for volumes of which nobody knows how to empty them. k8s: NewPersistentVolumeRecyclerPodTemplate, and Recycle of the plugins for NFS and hostPath */
function recyclerPod({ metadata, spec }: PersistentVolume): Pod | undefined {
  const { nfs, hostPath } = spec!
  const source: Partial<Volume> | undefined = nfs ? { nfs: { server: nfs.server, path: nfs.path } } : hostPath ? { hostPath: { path: hostPath.path } } : undefined
  if (!source) return undefined
  const { least, perGi } = DEADLINES[nfs ? 'nfs' : 'hostPath']
  return {
    apiVersion: 'v1', kind: 'Pod', metadata: { name: `recycler-for-${metadata.name}`, namespace: NAMESPACE },
    spec: {
      activeDeadlineSeconds: Math.max(least, Math.floor(quantityValue(spec!.capacity!.storage!) / GI) * perGi), restartPolicy: 'Never',
      volumes: [{ name: 'vol', ...source }],
      containers: [{
        name: 'pv-recycler', image: 'registry.k8s.io/build-image/debian-base:bookworm-v1.0.6', command: ['/bin/sh'],
        args: ['-c', 'test -e /scrub && find /scrub -mindepth 1 -delete && test -z "$(ls -A /scrub)" || exit 1'], volumeMounts: [{ name: 'vol', mountPath: '/scrub' }],
      }],
    },
  } as unknown as Pod
}

/** Resolves when the pod has emptied the volume. @throws Error when it hasn't. k8s: RecycleVolumeByWatchingPodUntilCompletion */
async function runRecycler(pod: Pod, volume: PersistentVolume, { api, clock, events, informers }: ControllerContext): Promise<void> {
  const name = pod.metadata.name!
  const remove = () => api.delete('pods', name, NAMESPACE).catch((error: unknown) => { if (!isStatusError(error, 'NotFound')) throw error })
  let created: Pod
  try {
    created = await api.create<Pod>('pods', pod)
  } catch (error) {
    if (!isStatusError(error, 'AlreadyExists')) throw new Error(`unexpected error creating recycler pod:  ${(error as Error).message}`)
    // It may be an old recycler, or somebody's who wants to keep the volume from being recycled.
    await remove().catch((failure: unknown) => { throw new Error(`failed to delete old recycler pod ${NAMESPACE}/${name}: ${(failure as Error).message}`) })
    throw new Error('old recycler pod found, will retry later')
  }
  // The volume's events tell how its recycler fares.
  const watch = api.watch<Event>('events', { namespace: NAMESPACE, fieldSelector: `involvedObject.name=${name}`, resourceVersion: created.metadata.resourceVersion! }, (changes) => {
    for (const { type, object } of changes) if (type === 'ADDED') events.event(volume, object.type === 'Warning' ? 'Warning' : 'Normal', 'RecyclerPod', `Recycler pod: ${object.message}`)
  }, () => {})
  let problem: Error | undefined
  try {
    const pods = informers.for<Pod>('pods')
    const key = `${NAMESPACE}/${name}`
    await waitFor(pods, key, (now) => now !== undefined, { clock })
    const ended = await waitFor(pods, key, (now) => !now || isPodTerminal(now), { clock, withinMs: LONGEST_MS })
    if (!ended) problem = new Error('failed to recycle volume: recycler pod was deleted')
    else if (ended.status?.phase === 'Failed') problem = new Error(`failed to recycle volume: ${ended.status.message || 'pod failed, pod.Status.Message unknown'}`)
  } finally {
    watch.stop()
  }
  await remove().catch((error: unknown) => { problem ??= new Error(`failed to delete recycler pod: ${(error as Error).message}`) })
  if (problem) throw problem
}
