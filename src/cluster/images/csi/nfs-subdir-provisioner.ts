import type { Proc } from '../../../unix/types.ts'
import { classOfVolume } from '../../client/volume-matching.ts'
import type { PersistentVolume, StorageClass } from '../../kinds/generated/types.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { apiCall } from '../in-cluster/api-call.ts'
import { clusterClient } from '../in-cluster/cluster-client.ts'
import type { ClusterClient } from '../in-cluster/cluster-client.ts'
import { klog } from '../in-cluster/klog.ts'
import { runProvisionController } from './provision-controller.ts'

/** Where the server's directory is mounted in the pod. */
const MOUNT = '/persistentvolumes'
const LEASE_SECONDS = 15
const RETRY_MS = 2_000
const LEADER = 'control-plane.alpha.kubernetes.io/leader'

const join = (...parts: string[]) => parts.join('/').replace(/\/+/g, '/')

/** Makes volumes of directories on an NFS server that there is already. */
// nfs-subdir-external-provisioner cmd/nfs-subdir-external-provisioner/provisioner.go
export async function nfsSubdirProvisioner(proc: Proc): Promise<number> {
  const { NFS_SERVER: server = '', NFS_PATH: path = '', PROVISIONER_NAME: name = '', ENABLE_LEADER_ELECTION: election = 'true' } = proc.env
  const problem = server === '' ? 'NFS_SERVER not set' : path === '' ? 'NFS_PATH not set' : name === '' ? 'environment variable PROVISIONER_NAME is not set! Please set it.' : undefined
  if (problem) {
    klog(proc, 'F', 'provisioner.go:180', problem)
    return 255
  }
  const client = clusterClient(proc, 'nfs-subdir-external-provisioner')
  const identity = `${proc.machine.hostname}_${proc.random.uuid()}`
  const main = (async () => {
    if (election !== 'false') await lead(proc, client, name.replaceAll('/', '-'), identity)
    klog(proc, 'I', 'controller.go:820', `Starting provisioner controller ${name}_${identity}!`)
    await runProvisionController({
      proc, client, name, addFinalizer: false,
      async provision({ claim, storageClass, volumeName }) {
        if (claim.spec?.selector) throw new Error('claim Selector is not supported')
        const { namespace, name: claimName, labels = {}, annotations = {} } = claim.metadata
        const pattern = storageClass.parameters?.pathPattern
        const custom = pattern?.replace(/\$\{\.PVC\.((labels|annotations)\.(.*?)|.*?)\}/g, (_all, field: string, kind: string | undefined, key: string) => (kind === 'labels' ? labels[key] : kind === 'annotations' ? annotations[key] : ({ name: claimName, namespace } as Record<string, string | undefined>)[field]) ?? '')
        const folder = custom || `${namespace}-${claimName}-${volumeName}`
        try {
          proc.fs.mkdir(join(MOUNT, folder), { recursive: true })
        } catch (error) {
          throw new Error(`unable to create directory to provision new pv: mkdir ${join(MOUNT, folder)}: ${(error as Error).message.toLowerCase()}`)
        }
        proc.fs.chmod(join(MOUNT, folder), 0o777)
        return {
          metadata: { name: volumeName },
          spec: {
            persistentVolumeReclaimPolicy: storageClass.reclaimPolicy, accessModes: claim.spec!.accessModes!, ...(storageClass.mountOptions ? { mountOptions: storageClass.mountOptions } : {}), capacity: { storage: claim.spec!.resources!.requests!.storage! },
            nfs: { server, path: join(path, folder) },
          },
        } as unknown as PersistentVolume
      },
      async remove(volume) {
        const own = volume.spec!.nfs!.path.replace(path, MOUNT)
        if (!proc.fs.exists(own)) {
          klog(proc, 'W', 'provisioner.go:139', `path ${own} does not exist, deletion skipped`)
          return
        }
        const { parameters = {} } = await apiCall<StorageClass>(client, 'GET', `/apis/storage.k8s.io/v1/storageclasses/${classOfVolume(volume)}`)
        if (parameters.onDelete === 'retain') return
        if (parameters.onDelete === 'delete' || parameters.archiveOnDelete === 'false') {
          proc.fs.remove(own, { recursive: true })
          return
        }
        if (parameters.archiveOnDelete !== undefined && !/^(1|t|true)$/i.test(parameters.archiveOnDelete)) throw new Error(`strconv.ParseBool: parsing ${JSON.stringify(parameters.archiveOnDelete)}: invalid syntax`)
        proc.fs.rename(own, join(MOUNT, `archived-${own.slice(own.lastIndexOf('/') + 1)}`))
      },
    })
  })()
  main.catch((error: unknown) => { if (!proc.killed.aborted) klog(proc, 'E', 'controller.go:846', (error as Error).message) })
  await proc.signal('SIGTERM', 'SIGINT')
  return 0
}

interface Endpoints { metadata: { name: string; resourceVersion?: string; annotations?: Record<string, string> } }

/** Resolves once this is the one that acts, by an annotation of an Endpoints object, which this library uses for it; then renews that. */
// k8s: client-go/tools/leaderelection/resourcelock (of old) endpointslock.go
async function lead(proc: Proc, client: ClusterClient, name: string, identity: string): Promise<void> {
  const namespace = proc.fs.readText('/var/run/secrets/kubernetes.io/serviceaccount/namespace').trim()
  const folder = `/api/v1/namespaces/${namespace}/endpoints`
  const nowText = () => new Date(proc.clock.nowMs()).toISOString().replace(/\.\d+/, '')
  const record = (acquireTime: string, leaderTransitions: number) => ({ [LEADER]: JSON.stringify({ holderIdentity: identity, leaseDurationSeconds: LEASE_SECONDS, acquireTime, renewTime: nowText(), leaderTransitions }) })
  let seen: { version: string | undefined; atMs: number } = { version: undefined, atMs: 0 }
  const hold = async (): Promise<boolean> => {
    let current: Endpoints
    try {
      current = await apiCall<Endpoints>(client, 'GET', `${folder}/${name}`)
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error
      await apiCall(client, 'POST', folder, { apiVersion: 'v1', kind: 'Endpoints', metadata: { name, namespace, annotations: record(nowText(), 0) } })
      return true
    }
    if (current.metadata.resourceVersion !== seen.version) seen = { version: current.metadata.resourceVersion, atMs: proc.clock.nowMs() }
    const held = JSON.parse(current.metadata.annotations?.[LEADER] ?? '{}') as { holderIdentity?: string; acquireTime?: string; leaderTransitions?: number }
    const isMine = held.holderIdentity === identity
    if (held.holderIdentity && !isMine && seen.atMs + LEASE_SECONDS * 1000 > proc.clock.nowMs()) return false
    await apiCall(client, 'PATCH', `${folder}/${name}`, { metadata: { resourceVersion: current.metadata.resourceVersion, annotations: record(isMine ? held.acquireTime ?? nowText() : nowText(), (held.leaderTransitions ?? 0) + (isMine ? 0 : 1)) } })
    return true
  }
  const tryToHold = () => hold().catch((error: unknown) => {
    if (proc.killed.aborted) throw error
    klog(proc, 'E', 'leaderelection.go:325', `error retrieving resource lock ${namespace}/${name}: ${(error as Error).message}`)
    return false
  })
  klog(proc, 'I', 'leaderelection.go:242', `attempting to acquire leader lease  ${namespace}/${name}...`)
  while (!await tryToHold()) await proc.sleep(RETRY_MS)
  klog(proc, 'I', 'leaderelection.go:252', `successfully acquired lease ${namespace}/${name}`)
  const renewing = (async () => {
    for (let renewedMs = proc.clock.nowMs(); proc.clock.nowMs() - renewedMs < 10_000;) {
      await proc.sleep(RETRY_MS)
      if (await tryToHold()) renewedMs = proc.clock.nowMs()
    }
    klog(proc, 'F', 'controller.go:856', 'leaderelection lost')
    proc.exit(255)
  })()
  renewing.catch(() => { /* the process has ended */ })
}
