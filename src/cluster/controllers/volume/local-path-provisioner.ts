import type { Controller } from '../../client/controller-runner.ts'
import { classOfClaim, LOCAL_PATH, PROVISIONED_BY, SELECTED_NODE, STORAGE_PROVISIONER } from '../../client/volume-matching.ts'
import type { ConfigMap, Node, PersistentVolume, PersistentVolumeClaim, StorageClass } from '../../kinds/generated/types.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { messageOf } from '../pod-control.ts'

const CLAIMS = 'persistentvolumeclaims'
const VOLUMES = 'persistentvolumes'
const DEFAULT_PATH = '/var/local-path-provisioner'

/** Directory on the node where volumes are made, from the provisioner's own configuration. */
function pathFor(config: ConfigMap | undefined, nodeName: string): string {
  try {
    const { nodePathMap = [] } = JSON.parse(config?.data?.['config.json'] ?? '{}') as { nodePathMap?: { node: string; paths: string[] }[] }
    const entry = nodePathMap.find(({ node }) => node === nodeName) ?? nodePathMap.find(({ node }) => node === 'DEFAULT_PATH_FOR_NON_LISTED_NODES')
    return entry?.paths[0] ?? DEFAULT_PATH
  } catch {
    return DEFAULT_PATH
  }
}

/**
 * Makes volumes of directories on the node that the claim's first pod goes to, and deletes them with their claim.
 * What rancher/local-path-provisioner does; the directory itself comes with the first mount (DirectoryOrCreate).
 */
export const localPathProvisioner: Controller = {
  name: LOCAL_PATH, for: CLAIMS, reads: ['storageclasses.storage.k8s.io', 'nodes', 'configmaps', VOLUMES], workers: 4,
  async reconcile(key, { api, cache, events }) {
    const claim = cache.get<PersistentVolumeClaim>(CLAIMS, key)
    if (!claim || claim.spec!.volumeName || claim.metadata.deletionTimestamp !== undefined || claim.metadata.annotations?.[STORAGE_PROVISIONER] !== LOCAL_PATH) return
    const storageClass = cache.get<StorageClass>('storageclasses.storage.k8s.io', classOfClaim(claim))
    if (storageClass?.provisioner !== LOCAL_PATH) return
    const { name, namespace, uid, annotations } = claim.metadata
    const volumeName = `pvc-${uid}`
    if (cache.get(VOLUMES, volumeName)) return
    const nodeName = annotations?.[SELECTED_NODE]
    events.event(claim, 'Normal', 'Provisioning', `External provisioner is provisioning volume for claim "${namespace}/${name}"`)
    const fail = (why: string) => {
      events.event(claim, 'Warning', 'ProvisioningFailed', `failed to provision volume with StorageClass "${storageClass.metadata.name}": ${why}`)
      return { requeueAfterMs: 15_000 }
    }
    if (nodeName === undefined) return fail('configuration error, no node was specified')
    const node = cache.get<Node>('nodes', nodeName)
    if (!node) return fail(`node "${nodeName}" not found`)
    if (claim.spec!.accessModes?.some((mode) => mode !== 'ReadWriteOnce' && mode !== 'ReadWriteOncePod')) return fail('NodePath only supports ReadWriteOnce and ReadWriteOncePod (1.22+) access modes')
    if (claim.spec!.selector) return fail('claim.Spec.Selector is not supported')
    const path = `${pathFor(cache.get<ConfigMap>('configmaps', 'local-path-storage/local-path-config'), nodeName)}/${volumeName}_${namespace}_${name}`
    try {
      await api.create(VOLUMES, {
        apiVersion: 'v1', kind: 'PersistentVolume',
        metadata: { name: volumeName, annotations: { 'local.path.provisioner/selected-node': nodeName, [PROVISIONED_BY]: LOCAL_PATH } },
        spec: {
          capacity: { storage: claim.spec!.resources!.requests!.storage! }, accessModes: claim.spec!.accessModes!, persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
          storageClassName: storageClass.metadata.name!, volumeMode: claim.spec!.volumeMode ?? 'Filesystem', hostPath: { path, type: 'DirectoryOrCreate' },
          ...(storageClass.mountOptions ? { mountOptions: storageClass.mountOptions } : {}),
          claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', name: name!, namespace: namespace!, uid: uid!, resourceVersion: claim.metadata.resourceVersion! },
          nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node.metadata.labels?.['kubernetes.io/hostname'] ?? nodeName] }] }] } },
        },
      } as unknown as PersistentVolume)
    } catch (error) {
      if (!isStatusError(error, 'AlreadyExists')) return fail(messageOf(error))
    }
    events.event(claim, 'Normal', 'ProvisioningSucceeded', `Successfully provisioned volume ${volumeName}`)
  },
}

/** The other half: released volumes go. */
export const localPathDeleter: Controller = {
  name: LOCAL_PATH, for: VOLUMES,
  wants: ({ type, object }) => type !== 'delete' && object.metadata.annotations?.[PROVISIONED_BY] === LOCAL_PATH,
  async reconcile(key, { api, cache }) {
    const volume = cache.get<PersistentVolume>(VOLUMES, key)
    if (!volume || volume.status?.phase !== 'Released' || volume.spec!.persistentVolumeReclaimPolicy !== 'Delete') return
    await api.delete(VOLUMES, volume.metadata.name!).catch((error: unknown) => { if (!isStatusError(error, 'NotFound')) throw error })
  },
}
