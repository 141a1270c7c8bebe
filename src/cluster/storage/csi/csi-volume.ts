import { GrpcError } from '../../../unix/net/grpc.ts'
import type { MemoryFileSystem } from '../../../unix/file-system.ts'
import type { BlockDevice } from '../../../unix/fs/block-device.ts'
import { attachmentName, csiVolumeName, sha256Hex } from '../../client/csi-names.ts'
import type { CSIDriver, CSIPersistentVolumeSource, PersistentVolume, PersistentVolumeClaim, Pod, Volume, VolumeAttachment } from '../../kinds/generated/types.ts'
import { quantityValue } from '../../kinds/quantity.ts'
import { ExpansionError, NodeExpansion, growing } from '../node-expansion.ts'
import { giveToGroup } from '../ownership.ts'
import { UncertainMountError, isNotFound } from '../volume.ts'
import type { MountedVolume, VolumeContext, VolumePlugin } from '../volume.ts'
import type { CsiDrivers } from './csi-drivers.ts'
import type { StagedVolumes } from './staged-volumes.ts'

const NAME = 'kubernetes.io/csi'
const PLUGIN_FOLDER = '/var/lib/kubelet/plugins/kubernetes.io/csi'
const BLOCK_FOLDER = `${PLUGIN_FOLDER}/volumeDevices`
/** How often an attachment is looked at while a pod waits for it. */
const ATTACH_POLL_MS = 500
/** How long a driver has to come back after the kubelet began anew. */
const RETURN_MS = 30_000
const DEFAULT_TOKEN_SECONDS = 3_600
/** A token is asked for anew when this part of its time is over, or after a day. */
const FRESH_PART = 0.8
const MAX_TOKEN_AGE_SECONDS = 86_400

/** What mounting CSI volumes needs of a kubelet. */
export interface CsiContext {
  drivers: CsiDrivers
  staged: StagedVolumes
  driverObject(name: string): Promise<CSIDriver | undefined>
  attachment(name: string): Promise<VolumeAttachment | undefined>
  secret(namespace: string, name: string): Promise<Record<string, string>>
  /** Tells the cluster anew how many volumes of a driver the node can have. @throws Error when the driver doesn't answer */
  updateLimits(driver: string): Promise<void>
  /** Tells the node's status that a volume is in use (or no more), so that nobody detaches it. */
  inUse(uniqueName: string, target: string, isUsed: boolean): void
}

interface Source {
  /** In messages and paths: the PersistentVolume's name, or the pod's own. */
  name: string
  driver: string
  handle: string
  fsType: string
  readOnly: boolean
  attributes: Readonly<Record<string, string>>
  secret: { namespace: string; name: string } | undefined
  volume: PersistentVolume | undefined
}

const prefixed = (step: string, name: string, error: unknown) => new Error(`${step} failed for volume ${JSON.stringify(name)} : ${(error as Error).message}`)
/** What the steps of setting up are called in events. */
const STEPS = { files: { stage: 'MountVolume.MountDevice', publish: 'MountVolume.SetUp' }, block: { stage: 'MapVolume.SetUpDevice', publish: 'MapVolume.MapPodDevice' } } as const
const csi = (text: string) => `kubernetes.io/csi: ${text}`

/**
 * Attaches (if the driver is one that attaches), stages and publishes the volume of a claim. What fails leaves nothing staged, but the
 * volume counts as in use as long as its pod is there, which will try again.
 * @throws Error with the text of a FailedMount event. k8s: pkg/volume/csi csi_attacher.go, csi_mounter.go
 */
export async function setUpCsiClaim(volume: PersistentVolume, claim: PersistentVolumeClaim, readOnly: boolean, pod: Pod, context: VolumeContext, signal: AbortSignal): Promise<MountedVolume> {
  const source = volume.spec!.csi!
  const name = volume.metadata.name!
  const { drivers, staged, driverObject, inUse } = context.csi
  const unique = csiVolumeName(source.driver, source.volumeHandle)
  const isBlock = volume.spec!.volumeMode === 'Block'
  const steps = STEPS[isBlock ? 'block' : 'files']
  const target = isBlock ? blockTargetOf(pod, name) : targetOf(pod, name)
  await awaitReturn(source.driver, pod, name, context, signal)
  const info = await driverObject(source.driver)
  const folder = isBlock ? `${BLOCK_FOLDER}/${name}` : `${PLUGIN_FOLDER}/${source.driver}/${sha256Hex(source.volumeHandle)}`
  // k8s: csiBlockMapper.GetStagingPath
  const globalPath = isBlock ? `${BLOCK_FOLDER}/staging/${name}` : `${folder}/globalmount`
  let stages = false
  const letGo = () => staged.release(unique, target, async () => {
    if (!stages) return
    await drivers.call(source.driver, 'Node/NodeUnstageVolume', { volumeId: source.volumeHandle, stagingTargetPath: globalPath })
    if (isBlock) context.nodeFiles.remove(globalPath, { recursive: true, force: true })
    context.nodeFiles.remove(folder, { recursive: true, force: true })
  })
  const release = async () => {
    await letGo()
    inUse(unique, target, false)
  }
  let undo: (() => Promise<void>) | undefined
  try {
    const publishContext = info?.spec.attachRequired ?? true ? await attached(source.driver, source.volumeHandle, target, context, signal) : {}
    const mode = await accessMode(volume, source.driver, drivers).catch((error: unknown) => { throw prefixed(steps.stage, name, new Error(csi(`attacher.MountDevice failed to create newCsiDriverClient: ${(error as Error).message}`))) })
    const group = isBlock ? undefined : await mountGroup(source.driver, pod, drivers)
    const capability = volumeCapability(volume, source.fsType ?? '', mode, group)
    stages = await drivers.supports(source.driver, 'STAGE_UNSTAGE_VOLUME')
    await staged.use(unique, target, async (isUncertain) => {
      if (!stages) return
      const ref = source.nodeStageSecretRef
      const secrets = ref ? await context.csi.secret(ref.namespace!, ref.name!).catch((error: unknown) => {
        const failure = prefixed(steps.stage, name, new Error(`fetching NodeStageSecretRef ${ref.namespace}/${ref.name} failed: ${(error as Error).message}`))
        // The driver wasn't asked again: it may still have done what it was asked for before.
        throw isUncertain ? new UncertainMountError(failure.message, release) : failure
      }) : {}
      context.nodeFiles.mkdir(globalPath, { recursive: true, mode: 0o750 })
      if (isBlock) context.nodeFiles.mkdir(folder, { recursive: true, mode: 0o750 })
      context.nodeFiles.writeFile(`${folder}/vol_data.json`, JSON.stringify({ driverName: source.driver, volumeHandle: source.volumeHandle }))
      try {
        await drivers.call(source.driver, 'Node/NodeStageVolume', {
          volumeId: source.volumeHandle, publishContext, stagingTargetPath: globalPath, volumeCapability: capability, volumeContext: source.volumeAttributes ?? {}, secrets,
        })
      } catch (error) {
        if (mayHaveWorked(error)) throw new UncertainMountError(prefixed(steps.stage, name, error).message, release)
        context.nodeFiles.remove(folder, { recursive: true, force: true })
        throw prefixed(steps.stage, name, error)
      }
    })
    undo = letGo
    const mounted = await publish({
      name, driver: source.driver, handle: source.volumeHandle, fsType: source.fsType ?? '', readOnly: readOnly || (source.readOnly ?? false), attributes: source.volumeAttributes ?? {}, volume,
      secret: source.nodePublishSecretRef ? { namespace: source.nodePublishSecretRef.namespace!, name: source.nodePublishSecretRef.name! } : undefined,
    }, { pod, context, info, capability, isBlock, ownsGroup: group !== undefined, stagingPath: stages ? globalPath : undefined, publishContext, release })
    undo = mounted.tearDown
    const expansion = new NodeExpansion({
      volume, claim, pod, readOnly, context, signal,
      expand: (size) => expandOnNode(source, size, { volumePath: target, stagingTargetPath: stages ? globalPath : '', volumeCapability: volumeCapability(volume, source.fsType ?? '', mode, undefined) }, context),
    })
    await expansion.whileMounting(mounted.tearDown)
    return growing(mounted, expansion)
  } catch (error) {
    // The next attempt goes on where this one may have got to.
    if (error instanceof UncertainMountError) throw error
    // Where the volume wasn't taken up, what an earlier attempt may have left stays as it is. Where the driver isn't there, the next attempt finds it so, or the pod's end lets it go.
    await undo?.().catch(() => { throw new UncertainMountError((error as Error).message, undo!) })
    throw error
  }
}

/** @throws ExpansionError. k8s: pkg/volume/csi expander.go */
async function expandOnNode({ driver, volumeHandle, nodeExpandSecretRef: ref }: CSIPersistentVolumeSource, size: string, where: object, { csi: { drivers, secret } }: VolumeContext): Promise<void> {
  try {
    drivers.demand(driver)
  } catch (error) {
    throw new ExpansionError('transient', (error as Error).message)
  }
  if (!await drivers.supports(driver, 'EXPAND_VOLUME')) throw new ExpansionError('unsupported', `NodeExpand is not supported by the CSI driver ${driver}`)
  const secrets = ref ? await secret(ref.namespace!, ref.name!).catch((error: unknown) => { throw new ExpansionError('failed', `expander.NodeExpand failed to get NodeExpandSecretRef ${ref.namespace}/${ref.name}: ${(error as Error).message}`) }) : {}
  try {
    await drivers.call(driver, 'Node/NodeExpandVolume', { volumeId: volumeHandle, capacityRange: { requiredBytes: quantityValue(size) }, secrets, ...where })
  } catch (error) {
    const failed = 'Expander.NodeExpand failed to expand the volume'
    const code = error instanceof GrpcError ? error.code : undefined
    if (code !== undefined && ['InvalidArgument', 'OutOfRange', 'NotFound'].includes(code)) throw new ExpansionError('infeasible', `${failed} ${(error as Error).message}`)
    throw new ExpansionError(code === 'FailedPrecondition' ? 'inUse' : 'failed', `${failed} : ${(error as Error).message}`)
  }
}

/** Resolves with what the driver says of a volume once that is attached to the node, which from now on counts as using it. */
async function attached(driver: string, handle: string, target: string, { csi: { attachment, driverObject, inUse }, clock, nodeName }: VolumeContext, signal: AbortSignal): Promise<Readonly<Record<string, string>>> {
  inUse(csiVolumeName(driver, handle), target, true)
  const id = attachmentName(handle, driver, nodeName)
  for (;;) {
    const found = await attachment(id)
    if (found?.status?.attached && found.metadata.deletionTimestamp === undefined) return found.status.attachmentMetadata ?? {}
    await clock.sleep(ATTACH_POLL_MS, signal)
    // Somebody may only now have said that nobody attaches volumes of this driver.
    if ((await driverObject(driver))?.spec.attachRequired === false) {
      inUse(csiVolumeName(driver, handle), target, false)
      return {}
    }
  }
}

/** A volume that a driver makes for one pod. k8s: pkg/volume/csi (CSI ephemeral inline volumes) */
export const csiInlinePlugin: VolumePlugin = {
  name: NAME,
  supports: (volume) => volume.csi !== undefined,
  async setUp(volume: Volume, pod, context, signal) {
    const source = volume.csi!
    await awaitReturn(source.driver, pod, volume.name, context, signal)
    const info = await context.csi.driverObject(source.driver)
    const handle = `csi-${sha256Hex(`${pod.metadata.uid}${volume.name}`)}`
    try {
      context.csi.drivers.demand(source.driver)
    } catch (error) {
      throw prefixed('MountVolume.SetUp', volume.name, new Error(csi(`mounter.SetUpAt failed to get CSI client: ${(error as Error).message}`)))
    }
    if (!(info?.spec.volumeLifecycleModes ?? ['Persistent']).includes('Ephemeral'))
      throw prefixed('MountVolume.SetUp', volume.name, new Error(csi(`mounter.SetupAt failed to check volume lifecycle mode: volume mode "Ephemeral" not supported by driver ${source.driver} (only supports ${JSON.stringify(info?.spec.volumeLifecycleModes ?? ['Persistent'])})`)))
    const group = await mountGroup(source.driver, pod, context.csi.drivers)
    return publish({
      name: volume.name, driver: source.driver, handle, fsType: source.fsType ?? '', readOnly: source.readOnly ?? false, attributes: source.volumeAttributes ?? {}, volume: undefined,
      secret: source.nodePublishSecretRef ? { namespace: pod.metadata.namespace!, name: source.nodePublishSecretRef.name! } : undefined,
    }, { pod, context, info, capability: { mount: { fsType: source.fsType ?? '', mountFlags: [], ...(group === undefined ? {} : { volumeMountGroup: group }) }, accessMode: { mode: 'SINGLE_NODE_WRITER' } }, isBlock: false, ownsGroup: group !== undefined, stagingPath: undefined, publishContext: {}, release: async () => {} })
  },
}

/** What was published when the kubelet began (anew) is so again as soon as its driver is back, of which nobody has to be told. */
async function awaitReturn(driver: string, pod: Pod, name: string, { csi: { drivers }, nodeFiles }: VolumeContext, signal: AbortSignal): Promise<void> {
  if (nodeFiles.exists(`${folderOf(pod, name)}/vol_data.json`)) await drivers.settled(driver, RETURN_MS, signal)
}

interface PublishOptions {
  pod: Pod
  context: VolumeContext
  info: CSIDriver | undefined
  capability: object
  isBlock: boolean
  /** The driver gives the volume to the pod's group. */
  ownsGroup: boolean
  stagingPath: string | undefined
  publishContext: Readonly<Record<string, string>>
  /** After the volume is no longer published. */
  release(): Promise<void>
}

const folderOf = (pod: Pod, name: string) => `/var/lib/kubelet/pods/${pod.metadata.uid}/volumes/kubernetes.io~csi/${name}`
const blockTargetOf = (pod: Pod, name: string) => `${BLOCK_FOLDER}/publish/${name}/${pod.metadata.uid}`
const targetOf = (pod: Pod, name: string) => `${folderOf(pod, name)}/mount`

/** k8s: csiMountMgr.SetUpAt */
async function publish(source: Source, { pod, context, info, capability, isBlock, ownsGroup, stagingPath, publishContext, release }: PublishOptions): Promise<MountedVolume & { tearDown(): Promise<void> }> {
  const { drivers, secret } = context.csi
  const { nodeFiles } = context
  const folder = folderOf(pod, source.name)
  const target = isBlock ? blockTargetOf(pod, source.name) : targetOf(pod, source.name)
  // An earlier attempt may have worked, or the volume was there when the kubelet began anew.
  const mayBePublished = nodeFiles.exists(folder)
  if (isBlock) nodeFiles.mkdir(target.slice(0, target.lastIndexOf('/')), { recursive: true, mode: 0o750 })
  nodeFiles.mkdir(folder, { recursive: true, mode: 0o750 })
  const lifecycle = source.volume ? 'Persistent' : 'Ephemeral'
  nodeFiles.writeFile(`${folder}/vol_data.json`, JSON.stringify({
    attachmentID: attachmentName(source.handle, source.driver, context.nodeName), driverName: source.driver, nodeName: context.nodeName, specVolID: source.name, volumeHandle: source.handle, volumeLifecycleMode: lifecycle,
  }))
  const { name, namespace, uid } = pod.metadata
  const about = info?.spec.podInfoOnMount ? { 'csi.storage.k8s.io/pod.name': name!, 'csi.storage.k8s.io/pod.namespace': namespace!, 'csi.storage.k8s.io/pod.uid': uid!, 'csi.storage.k8s.io/serviceAccount.name': pod.spec.serviceAccountName ?? '', 'csi.storage.k8s.io/ephemeral': String(!source.volume) } : {}
  const tokensNow = podTokens(info, pod, context)
  const inSecrets = (info?.spec as { serviceAccountTokenInSecrets?: boolean } | undefined)?.serviceAccountTokenInSecrets === true
  const tearDown = async () => {
    if (nodeFiles.exists(folder)) {
      await drivers.call(source.driver, 'Node/NodeUnpublishVolume', { volumeId: source.handle, targetPath: target })
      nodeFiles.remove(folder, { recursive: true, force: true })
      if (isBlock) nodeFiles.remove(target, { force: true })
    }
    // The pod has nothing more to do with it; unstaging goes on until it works.
    await release().catch(() => { void releaseLater(release, context) })
  }
  let isAsked = false
  const ask = async () => {
    const tokens = await tokensNow().catch((error: unknown) => { throw new Error(csi(`mounter.SetUpAt failed to get service accoount token attributes: ${(error as Error).message}`)) })
    const secrets = source.secret ? await secret(source.secret.namespace, source.secret.name).catch((error: unknown) => { throw new Error(`fetching NodePublishSecretRef ${source.secret!.namespace}/${source.secret!.name} failed: ${(error as Error).message}`) }) : {}
    isAsked = true
    await drivers.call(source.driver, 'Node/NodePublishVolume', {
      volumeId: source.handle, publishContext, stagingTargetPath: stagingPath ?? '', targetPath: target, volumeCapability: capability, readonly: source.readOnly,
      volumeContext: { ...source.attributes, ...about, ...(inSecrets ? {} : tokens) }, secrets: { ...secrets, ...(inSecrets ? tokens : {}) },
    })
  }
  try {
    await ask()
  } catch (error) {
    if (isAsked ? mayHaveWorked(error) : mayBePublished) throw new UncertainMountError(prefixed(STEPS[isBlock ? 'block' : 'files'].publish, source.name, error).message, tearDown)
    nodeFiles.remove(folder, { recursive: true, force: true })
    throw prefixed(STEPS[isBlock ? 'block' : 'files'].publish, source.name, error)
  }
  let device: BlockDevice | undefined
  if (isBlock) {
    device = nodeFiles.exists(target) ? (nodeFiles as MemoryFileSystem).blockDevice(target) : undefined
    if (!device) throw prefixed(STEPS.block.publish, source.name, new Error(`blockMapper.MapPodDevice: ${target} is not a block device`))
  } else if (!ownsGroup && appliesGroup(info, source)) giveToGroup(nodeFiles, target, pod)
  return {
    plugin: NAME, tree: nodeFiles, root: target, readOnly: source.readOnly, ...(device ? { device } : {}), usedBytes: () => 0,
    tearDown,
    // What drivers put into volumes from time to time. k8s: csiPlugin.RequiresRemount
    async update() {
      if (isBlock || !(await context.csi.driverObject(source.driver))?.spec.requiresRepublish) return
      await ask().catch((error: unknown) => { throw prefixed(STEPS.files.publish, source.name, error) })
    },
  }
}

/** Tries again, at longer and longer intervals. k8s: pkg/volume/util/operationexecutor UnmountDevice */
async function releaseLater(release: () => Promise<void>, { clock, stopped }: VolumeContext): Promise<void> {
  for (let waitMs = 500; !stopped.aborted; waitMs = Math.min(waitMs * 2, 122_000)) {
    try {
      await clock.sleep(waitMs, stopped)
      return await release()
    } catch { /* the driver refuses, isn't there (yet), or the kubelet stops */ }
  }
}

/** Whether a driver may go on with what it was asked for. k8s: pkg/volume/csi isFinalError */
function mayHaveWorked(error: unknown): boolean {
  return error instanceof GrpcError && ['Canceled', 'DeadlineExceeded', 'Unavailable', 'Aborted'].includes(error.code)
}

/** Tokens for a driver, as long as they are fresh the same ones. k8s: pkg/kubelet/token requiresRefresh */
function podTokens(info: CSIDriver | undefined, pod: Pod, context: VolumeContext): () => Promise<Record<string, string>> {
  let held: { tokens: Record<string, string>; untilMs: number } | undefined
  return async () => {
    const nowMs = context.clock.nowMs()
    if (held && nowMs < held.untilMs) return held.tokens
    const shortest = Math.min(...(info?.spec.tokenRequests ?? []).map(({ expirationSeconds }) => expirationSeconds ?? DEFAULT_TOKEN_SECONDS), MAX_TOKEN_AGE_SECONDS / FRESH_PART)
    held = { tokens: await serviceAccountTokens(info, pod, context), untilMs: nowMs + shortest * FRESH_PART * 1000 }
    return held.tokens
  }
}

/** k8s: csiMountMgr.podServiceAccountTokenAttrs */
async function serviceAccountTokens(info: CSIDriver | undefined, pod: Pod, { objects }: VolumeContext): Promise<Record<string, string>> {
  const requests = info?.spec.tokenRequests ?? []
  if (requests.length === 0) return {}
  const out: Record<string, { token: string; expirationTimestamp: string }> = {}
  for (const { audience, expirationSeconds } of requests) {
    const { token, expirationMs } = await objects.token(pod, audience || undefined, expirationSeconds ?? DEFAULT_TOKEN_SECONDS)
    out[audience] = { token, expirationTimestamp: new Date(expirationMs).toISOString().replace(/\.\d+/, '') }
  }
  return { 'csi.storage.k8s.io/serviceAccount.tokens': JSON.stringify(out) }
}

/** The pod's group for a driver that gives volumes to it itself; undefined where the kubelet has to. */
async function mountGroup(driver: string, pod: Pod, drivers: CsiDrivers): Promise<string | undefined> {
  const group = pod.spec.securityContext?.fsGroup
  return group !== undefined && await drivers.supports(driver, 'VOLUME_MOUNT_GROUP') ? String(group) : undefined
}

/** k8s: csiMountMgr.supportsFSGroup */
function appliesGroup(info: CSIDriver | undefined, { fsType, volume, readOnly }: Source): boolean {
  if (readOnly) return false
  const policy = info?.spec.fsGroupPolicy ?? 'ReadWriteOnceWithFSType'
  if (policy !== 'ReadWriteOnceWithFSType') return policy === 'File'
  return fsType !== '' && volume !== undefined && (volume.spec!.accessModes ?? []).some((mode) => mode === 'ReadWriteOnce' || mode === 'ReadWriteOncePod')
}

/** k8s: pkg/volume/csi asCSIAccessModeV1, asSingleNodeMultiWriterCapableCSIAccessModeV1 */
async function accessMode(volume: PersistentVolume, driver: string, drivers: CsiDrivers): Promise<string> {
  const single = await drivers.supports(driver, 'SINGLE_NODE_MULTI_WRITER')
  switch (volume.spec!.accessModes?.[0]) {
    case 'ReadOnlyMany': return 'MULTI_NODE_READER_ONLY'
    case 'ReadWriteMany': return 'MULTI_NODE_MULTI_WRITER'
    case 'ReadWriteOncePod': return single ? 'SINGLE_NODE_SINGLE_WRITER' : 'SINGLE_NODE_WRITER'
    default: return single ? 'SINGLE_NODE_MULTI_WRITER' : 'SINGLE_NODE_WRITER'
  }
}

function volumeCapability(volume: PersistentVolume, fsType: string, mode: string, group: string | undefined): object {
  return { accessMode: { mode }, ...(volume.spec!.volumeMode === 'Block' ? { block: {} } : { mount: { fsType, mountFlags: volume.spec!.mountOptions ?? [], ...(group === undefined ? {} : { volumeMountGroup: group }) } }) }
}

/** Undefined for what there isn't. */
export async function orUndefined<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}
