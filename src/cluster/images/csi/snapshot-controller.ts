import { rfc3339 } from '../../../base/clock.ts'
import type { Proc } from '../../../unix/types.ts'
import { matchesNodeSelector } from '../../client/node-selection.ts'
import type { Node, PersistentVolume, PersistentVolumeClaim } from '../../kinds/generated/types.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { apiCall } from '../in-cluster/api-call.ts'
import { backgroundExit } from '../in-cluster/background-exit.ts'
import { clusterClient } from '../in-cluster/cluster-client.ts'
import type { ClusterClient } from '../in-cluster/cluster-client.ts'
import { inClusterEvents } from '../in-cluster/events.ts'
import { klog } from '../in-cluster/klog.ts'
import { runLeaderElection } from '../in-cluster/leader-election.ts'
import { bytesQuantity } from './bytes-quantity.ts'
import { keyedWork, objectPath, ObjectCache } from './cluster-cache.ts'
import { serveHealth, sidecarFlags } from './sidecar.ts'
import { BEING_DELETED, CONTENT_FINALIZER, CONTENTS, MANAGED_BY, SECRET_NAME, SECRET_NAMESPACE, SNAPSHOT_API, SNAPSHOT_CLASSES, SNAPSHOTS } from './snapshots.ts'
import type { VolumeSnapshot, VolumeSnapshotClass, VolumeSnapshotContent } from './snapshots.ts'

const AS_SOURCE = 'snapshot.storage.kubernetes.io/volumesnapshot-as-source-protection'
const BOUND = 'snapshot.storage.kubernetes.io/volumesnapshot-bound-protection'
const CLAIM_FINALIZER = 'snapshot.storage.kubernetes.io/pvc-as-source-protection'
const IS_DEFAULT = 'snapshot.storage.kubernetes.io/is-default-class'
const CLAIMS = '/api/v1/persistentvolumeclaims'
const KNOWN = new Set(['retry-crd-interval-max', 'prevent-volume-mode-conversion', 'enable-distributed-snapshotting'])
const CRD_WAIT_MS = 30_000

/** The controller that binds VolumeSnapshots to VolumeSnapshotContents; one for all drivers of a cluster. */
// k8s: external-snapshotter cmd/snapshot-controller
export async function snapshotController(proc: Proc): Promise<number> {
  const flags = await sidecarFlags(proc, KNOWN)
  if (!flags) return 2
  const client = clusterClient(proc, 'snapshot-controller')
  const stopped = proc.signal('SIGTERM', 'SIGINT')
  const ready = await Promise.race([definitionsExist(proc, client), stopped.then(() => undefined)])
  if (ready === undefined) return 0
  if (!ready) {
    klog(proc, 'E', 'main.go:267', '"Exiting due to failure to ensure CRDs exist during startup" err="context deadline exceeded"')
    return 1
  }
  serveHealth(proc, flags.get('http-endpoint') ?? '', () => true)
  const act = () => runController(proc, client, { preventsConversion: flags.get('prevent-volume-mode-conversion') !== 'false', isDistributed: flags.get('enable-distributed-snapshotting') === 'true' })
  const { ended, isExit } = backgroundExit()
  if (flags.get('leader-election') === 'true')
    runLeaderElection({
      proc, client, namespace: flags.get('leader-election-namespace') ?? proc.fs.readText('/var/run/secrets/kubernetes.io/serviceaccount/namespace').trim(), name: 'snapshot-controller-leader', identity: proc.machine.hostname, leaseDurationMs: 15_000,
      onStartedLeading: act, onStoppedLeading: () => proc.exit(1), onNewLeader: (identity) => klog(proc, 'I', 'leader_election.go:177', `"New leader elected" identity=${JSON.stringify(identity)}`),
    }).catch(isExit)
  else act()
  await Promise.race([stopped, ended])
  return 0
}

async function definitionsExist(proc: Proc, client: ClusterClient): Promise<boolean> {
  const untilMs = proc.clock.nowMs() + CRD_WAIT_MS
  for (let waitMs = 100; ; waitMs = Math.min(waitMs * 1.5, 5_000)) {
    const answers = await Promise.all([SNAPSHOTS, SNAPSHOT_CLASSES, CONTENTS].map((path) => client.fetch(`${path}?limit=1`).then(({ status }) => status, () => 0)))
    if (answers.every((status) => status === 200)) return true
    klog(proc, 'E', 'main.go:101', `"Failed to list v1 volumesnapshots with error" err="the server could not find the requested resource (get volumesnapshots.snapshot.storage.k8s.io)"`)
    if (proc.clock.nowMs() >= untilMs) return false
    await proc.sleep(waitMs)
  }
}

// k8s: external-snapshotter pkg/common-controller/snapshot_controller.go
function runController(proc: Proc, client: ClusterClient, { preventsConversion, isDistributed }: { preventsConversion: boolean; isDistributed: boolean }): void {
  const events = inClusterEvents(proc, client, 'snapshot-controller')
  const snapshots = new ObjectCache<VolumeSnapshot>(proc, client, SNAPSHOTS, { apiVersion: SNAPSHOT_API, kind: 'VolumeSnapshot' }, (key, snapshot) => { if (snapshot) queue(key) })
  const contents = new ObjectCache<VolumeSnapshotContent>(proc, client, CONTENTS, { apiVersion: SNAPSHOT_API, kind: 'VolumeSnapshotContent' }, (key, content, before) => {
    const ref = (content ?? before)?.spec.volumeSnapshotRef
    if (ref) queue(`${ref.namespace}/${ref.name}`)
    if (content) contentQueue(key)
  })
  const classes = new ObjectCache<VolumeSnapshotClass>(proc, client, SNAPSHOT_CLASSES, { apiVersion: SNAPSHOT_API, kind: 'VolumeSnapshotClass' }, () => {})
  const claims = new ObjectCache<PersistentVolumeClaim>(proc, client, CLAIMS, { apiVersion: 'v1', kind: 'PersistentVolumeClaim' }, () => {})
  const put = <T extends { metadata: { name?: string; namespace?: string } }>(folder: string, object: T) => apiCall<T>(client, 'PUT', objectPath(folder, object as never), object)
  const putStatus = (snapshot: VolumeSnapshot) => apiCall<VolumeSnapshot>(client, 'PUT', `${objectPath(SNAPSHOTS, snapshot)}/status`, snapshot)
  const aboutOf = ({ metadata: { namespace, name } }: VolumeSnapshot) => `${namespace}/${name}`

  const fail = async (snapshot: VolumeSnapshot, reason: string, message: string): Promise<never> => {
    if (snapshot.status?.error?.message !== message) {
      await putStatus({ ...snapshot, status: { ...snapshot.status, readyToUse: false, error: { message, time: rfc3339(proc.clock.nowMs()) } } })
      events.event(snapshot, 'Warning', reason, message)
    }
    throw new Error(message)
  }
  const sourceVolume = async (snapshot: VolumeSnapshot): Promise<{ claim: PersistentVolumeClaim; volume: PersistentVolume }> => {
    const name = snapshot.spec.source.persistentVolumeClaimName!
    const claim = claims.get(`${snapshot.metadata.namespace}/${name}`)
    if (!claim) throw new Error(`failed to retrieve PVC ${name} from the lister: ${JSON.stringify(`persistentvolumeclaim ${JSON.stringify(name)} not found`)}`)
    if (claim.status?.phase !== 'Bound' || !claim.spec?.volumeName) throw new Error(`the PVC ${name} is not yet bound to a PV, will not attempt to take a snapshot`)
    return { claim, volume: await apiCall<PersistentVolume>(client, 'GET', `/api/v1/persistentvolumes/${claim.spec.volumeName}`) }
  }
  const isSourceOf = (snapshot: VolumeSnapshot, claim: PersistentVolumeClaim) => snapshot.spec.source.persistentVolumeClaimName === claim.metadata.name && snapshot.metadata.namespace === claim.metadata.namespace
  const releaseClaim = async (snapshot: VolumeSnapshot) => {
    const claim = claims.get(`${snapshot.metadata.namespace}/${snapshot.spec.source.persistentVolumeClaimName}`)
    if (!claim?.metadata.finalizers?.includes(CLAIM_FINALIZER)) return
    if (snapshots.list().some((other) => other.metadata.uid !== snapshot.metadata.uid && isSourceOf(other, claim) && !other.status?.readyToUse && !other.metadata.deletionTimestamp)) return
    await put(CLAIMS, { ...claim, metadata: { ...claim.metadata, finalizers: claim.metadata.finalizers.filter((each) => each !== CLAIM_FINALIZER) } })
  }

  const chooseClass = async (snapshot: VolumeSnapshot): Promise<VolumeSnapshot> => {
    if (snapshot.spec.volumeSnapshotClassName || !snapshot.spec.source.persistentVolumeClaimName) return snapshot
    const message = (error: string) => `Failed to set default snapshot class with error ${error}`
    const { volume } = await sourceVolume(snapshot).catch((error: Error) => fail(snapshot, 'SetDefaultSnapshotClassFailed', message(error.message)))
    if (!volume.spec?.csi) return fail(snapshot, 'SetDefaultSnapshotClassFailed', message(`snapshotting non-CSI volumes is not supported, snapshot:${aboutOf(snapshot)}`))
    const suitable = classes.list().filter((each) => each.metadata.annotations?.[IS_DEFAULT] === 'true' && each.driver === volume.spec!.csi!.driver)
    if (suitable.length !== 1) return fail(snapshot, 'SetDefaultSnapshotClassFailed', message(suitable.length === 0 ? 'cannot find default snapshot class' : `${suitable.length} default snapshot classes were found`))
    return put(SNAPSHOTS, { ...snapshot, spec: { ...snapshot.spec, volumeSnapshotClassName: suitable[0]!.metadata.name! } })
  }

  /** The node that a volume lies on: where drivers run on each node, the one there takes its snapshots. k8s: getManagedByNode */
  const nodeOf = async ({ spec }: PersistentVolume): Promise<string | undefined> => {
    const affinity = spec?.nodeAffinity?.required
    if (!affinity) return undefined
    return (await apiCall<{ items: Node[] }>(client, 'GET', '/api/v1/nodes')).items.find((node) => matchesNodeSelector(affinity, node))?.metadata.name
  }

  const createContent = async (snapshot: VolumeSnapshot): Promise<VolumeSnapshotContent> => {
    const { claim, volume } = await sourceVolume(snapshot).catch((error: Error) => {
      throw new Error(error.message.startsWith('failed to retrieve PVC') ? `snapshot controller failed to update ${snapshot.metadata.name} on API server: cannot get claim from snapshot` : `failed to get input parameters to create snapshot ${snapshot.metadata.name}: ${JSON.stringify(error.message)}`)
    })
    if (!claim.metadata.finalizers?.includes(CLAIM_FINALIZER)) {
      if (claim.metadata.deletionTimestamp) throw new Error(`snapshot controller failed to update ${snapshot.metadata.name} on API server: cannot add finalizer on claim because it is being deleted`)
      await put(CLAIMS, { ...claim, metadata: { ...claim.metadata, finalizers: [...claim.metadata.finalizers ?? [], CLAIM_FINALIZER] } })
    }
    const className = snapshot.spec.volumeSnapshotClassName!
    const snapshotClass = classes.get(className)
    if (!snapshotClass) throw new Error(`failed to get input parameters to create snapshot ${snapshot.metadata.name}: ${JSON.stringify(`volumesnapshotclass.snapshot.storage.k8s.io ${JSON.stringify(className)} not found`)}`)
    if (!volume.spec?.csi) throw new Error(`cannot find CSI PersistentVolumeSource for volume ${volume.metadata.name}`)
    const { namespace, name, uid, resourceVersion } = snapshot.metadata
    const secret = secretReference(snapshotClass.parameters ?? {}, `snapcontent-${uid}`, snapshot)
    const nodeName = isDistributed ? await nodeOf(volume) : undefined
    const content = await apiCall<VolumeSnapshotContent>(client, 'POST', CONTENTS, {
      apiVersion: SNAPSHOT_API, kind: 'VolumeSnapshotContent', metadata: { name: `snapcontent-${uid}`, ...(nodeName === undefined ? {} : { labels: { [MANAGED_BY]: nodeName } }), ...(secret ? { annotations: { [SECRET_NAME]: secret.name, [SECRET_NAMESPACE]: secret.namespace } } : {}) },
      spec: {
        volumeSnapshotRef: { apiVersion: SNAPSHOT_API, kind: 'VolumeSnapshot', namespace, name, uid, resourceVersion }, source: { volumeHandle: volume.spec.csi.volumeHandle }, volumeSnapshotClassName: className,
        deletionPolicy: snapshotClass.deletionPolicy, driver: snapshotClass.driver, ...(preventsConversion && volume.spec.volumeMode ? { sourceVolumeMode: volume.spec.volumeMode } : {}),
      },
    })
    events.event(snapshot, 'Normal', 'CreatingSnapshot', `Waiting for a snapshot ${aboutOf(snapshot)} to be created by the CSI driver.`)
    return content
  }

  const follow = async (snapshot: VolumeSnapshot, content: VolumeSnapshotContent): Promise<void> => {
    const { status } = content
    const readyToUse = status?.readyToUse ?? false
    const next = {
      boundVolumeSnapshotContentName: content.metadata.name!, readyToUse, ...(status?.creationTime ? { creationTime: rfc3339(Math.floor(status.creationTime / 1e6)) } : {}), ...(status?.restoreSize !== undefined ? { restoreSize: bytesQuantity(status.restoreSize) } : {}),
      ...(status?.error && !readyToUse ? { error: status.error } : {}),
    }
    const before = snapshot.status
    if (JSON.stringify(Object.entries(before ?? {}).sort()) !== JSON.stringify(Object.entries(next).sort())) {
      if (!before?.creationTime && next.creationTime) events.event(snapshot, 'Normal', 'SnapshotCreated', `Snapshot ${aboutOf(snapshot)} was successfully created by the CSI driver.`)
      if (!before?.readyToUse && readyToUse) events.event(snapshot, 'Normal', 'SnapshotReady', `Snapshot ${aboutOf(snapshot)} is ready to use.`)
      await putStatus({ ...snapshot, status: next })
    }
    if (readyToUse) await releaseClaim(snapshot)
  }

  const remove = async (snapshot: VolumeSnapshot, content: VolumeSnapshotContent | undefined): Promise<void> => {
    const isRestoring = claims.list().some((claim) => claim.metadata.namespace === snapshot.metadata.namespace && claim.spec?.dataSource?.kind === 'VolumeSnapshot' && claim.spec.dataSource.name === snapshot.metadata.name && claim.status?.phase === 'Pending')
    if (content && isRestoring) {
      events.event(snapshot, 'Warning', 'SnapshotDeletePending', 'Snapshot is being used to restore a PVC')
      throw new Error(`snapshot ${aboutOf(snapshot)} is in use (being used to restore a PVC), will retry deletion`)
    }
    if (content) {
      if (content.metadata.annotations?.[BEING_DELETED] !== 'yes') await put(CONTENTS, { ...content, metadata: { ...content.metadata, annotations: { ...content.metadata.annotations, [BEING_DELETED]: 'yes' } } })
      if (content.spec.deletionPolicy === 'Delete') {
        await apiCall(client, 'DELETE', `${CONTENTS}/${content.metadata.name}`).catch((error: unknown) => { if (!isStatusError(error, 'NotFound')) throw error })
        // The snapshot goes when what it was bound to is gone, of which the watch tells.
        if (contents.get(content.metadata.name!)) return
      }
    }
    const left = (snapshot.metadata.finalizers ?? []).filter((each) => each !== AS_SOURCE && each !== BOUND)
    await releaseClaim(snapshot)
    if (left.length !== (snapshot.metadata.finalizers ?? []).length) await put(SNAPSHOTS, { ...snapshot, metadata: { ...snapshot.metadata, finalizers: left } })
  }

  const queue = keyedWork(proc, 'VolumeSnapshot', async (key) => {
    await Promise.all([classes.synced, claims.synced, contents.synced])
    let snapshot = snapshots.get(key)
    if (!snapshot) return
    const { persistentVolumeClaimName: claimName, volumeSnapshotContentName: contentName } = snapshot.spec.source
    const bound = snapshot.status?.boundVolumeSnapshotContentName ?? contentName ?? `snapcontent-${snapshot.metadata.uid}`
    const found = contents.get(bound)
    const content = found && found.spec.volumeSnapshotRef.name === snapshot.metadata.name && found.spec.volumeSnapshotRef.namespace === snapshot.metadata.namespace && (!found.spec.volumeSnapshotRef.uid || found.spec.volumeSnapshotRef.uid === snapshot.metadata.uid) ? found : undefined
    if (snapshot.metadata.deletionTimestamp) return remove(snapshot, content)
    if (!snapshot.metadata.finalizers?.includes(BOUND)) {
      await put(SNAPSHOTS, { ...snapshot, metadata: { ...snapshot.metadata, finalizers: [...new Set([...snapshot.metadata.finalizers ?? [], AS_SOURCE, BOUND])] } })
      return
    }
    if (content) {
      if (!content.spec.volumeSnapshotRef.uid) await put(CONTENTS, { ...content, spec: { ...content.spec, volumeSnapshotRef: { ...content.spec.volumeSnapshotRef, uid: snapshot.metadata.uid! } } })
      return follow(snapshot, content)
    }
    if (contentName) return fail(snapshot, found ? 'SnapshotContentMisbound' : 'SnapshotContentMissing', found ? `VolumeSnapshotContent [${contentName}] is bound to a different snapshot` : 'VolumeSnapshotContent is missing')
    if (snapshot.status?.readyToUse) return fail(snapshot, 'SnapshotContentMissing', 'VolumeSnapshotContent is missing')
    if (!claimName) return fail(snapshot, 'SnapshotValidationError', 'Exactly one of PersistentVolumeClaimName and VolumeSnapshotContentName should be specified')
    snapshot = await chooseClass(snapshot)
    try {
      const made = await createContent(snapshot)
      await follow(snapshot, made)
    } catch (error) {
      if (isStatusError(error, 'Conflict', 'AlreadyExists')) throw error
      await fail(snapshot, 'SnapshotContentCreationFailed', `Failed to create snapshot content with error ${(error as Error).message}`)
    }
  })
  const contentQueue = keyedWork(proc, 'VolumeSnapshotContent', async (key) => {
    const content = contents.get(key)
    if (!content || content.metadata.deletionTimestamp || content.metadata.finalizers?.includes(CONTENT_FINALIZER)) return
    await put(CONTENTS, { ...content, metadata: { ...content.metadata, finalizers: [...content.metadata.finalizers ?? [], CONTENT_FINALIZER] } })
  })
}

const SECRET_PARAMETER = 'csi.storage.k8s.io/snapshotter-secret-'

/** The secret that a class names for its snapshots, with names put in. @throws Error. k8s: external-snapshotter pkg/utils GetSecretReference */
function secretReference(parameters: Readonly<Record<string, string>>, contentName: string, { metadata }: VolumeSnapshot): { name: string; namespace: string } | undefined {
  const name = parameters[`${SECRET_PARAMETER}name`]
  const namespace = parameters[`${SECRET_PARAMETER}namespace`]
  if (name === undefined && namespace === undefined) return undefined
  if (!name || !namespace) throw new Error('either name and namespace for Snapshotter secrets specified, Both must be specified')
  const known: Readonly<Record<string, string>> = { 'volumesnapshotcontent.name': contentName, 'volumesnapshot.namespace': metadata.namespace!, 'volumesnapshot.name': metadata.name! }
  const fill = (template: string, names: readonly string[]) => template.replace(/\$\{([^}]*)\}/g, (_, key: string) => {
    if (!names.includes(key)) throw new Error(`error resolving value ${JSON.stringify(template)}: invalid tokens: [${JSON.stringify(key)}]`)
    return known[key]!
  })
  return { name: fill(name, Object.keys(known)), namespace: fill(namespace, Object.keys(known).slice(0, 2)) }
}
