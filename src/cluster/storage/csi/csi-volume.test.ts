import { expect, test } from 'vitest'
import { createMemoryFileSystem } from '../../../unix/file-system.ts'
import { GrpcError } from '../../../unix/net/grpc.ts'
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../../kinds/generated/types.ts'
import { UncertainMountError } from '../volume.ts'
import type { VolumeContext } from '../volume.ts'
import { setUpCsiClaim } from './csi-volume.ts'
import { StagedVolumes } from './staged-volumes.ts'

const volume = { metadata: { name: 'pv' }, spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, csi: { driver: 'd', volumeHandle: 'h' } } } as unknown as PersistentVolume
const claim = { metadata: { name: 'c', namespace: 'default' }, spec: {}, status: { capacity: { storage: '1Gi' } } } as unknown as PersistentVolumeClaim
const pod = { metadata: { name: 'p', namespace: 'default', uid: 'u' }, spec: {} } as unknown as Pod

/** A node with a driver that answers with what `answer` says. */
function nodeWith(answer: (method: string) => object, attachRequired: () => boolean, { spec = {}, driver = {}, supported = ['STAGE_UNSTAGE_VOLUME'], fsGroup, secret = async () => ({}), supports = () => {} }: { spec?: object; driver?: object; supported?: string[]; fsGroup?: number; secret?: () => Promise<Record<string, string>>; supports?: () => void } = {}) {
  const calls: string[] = []
  const requests: Record<string, any>[] = []
  const now = { ms: 0 }
  const used = new Set<string>()
  const context = {
    nodeName: 'n', nodeFiles: createMemoryFileSystem({ clock: { nowMs: () => 0 } }), clock: { sleep: async () => {}, nowMs: () => now.ms }, stopped: new AbortController().signal,
    csi: {
      staged: new StagedVolumes(), driverObject: async () => ({ spec: { attachRequired: attachRequired(), ...driver } }), attachment: async () => undefined,
      secret,
      inUse: (_: string, target: string, isUsed: boolean) => { if (isUsed) used.add(target); else used.delete(target) },
      drivers: { supports: async (_: string, what: string) => { supports(); return supported.includes(what) }, settled: async () => {}, call: async (_: string, method: string, request: object) => { calls.push(method); requests.push(request); return answer(method) } },
    },
    objects: { token: async () => ({ token: `token-${now.ms}`, expirationMs: now.ms + 600_000 }), claim: async () => claim, persistentVolume: async () => volume },
  } as unknown as VolumeContext
  const own = fsGroup === undefined ? pod : { ...pod, spec: { ...pod.spec, securityContext: { fsGroup } } }
  return { calls, requests, now, used, setUp: () => setUpCsiClaim({ ...volume, spec: { ...volume.spec, csi: { ...volume.spec!.csi!, ...spec } } }, claim, false, own, context, new AbortController().signal) }
}

test('a pod that waits for an attachment goes on when the driver turns out to be one that nobody attaches for', async () => {
  let looks = 0
  const { calls, used, setUp } = nodeWith(() => ({}), () => looks++ < 3)
  await setUp()
  expect(calls).toEqual(['Node/NodeStageVolume', 'Node/NodePublishVolume'])
  expect([...used]).toEqual([])
})

test('a volume that may have been staged is let go by who gives up, one that failed for good is not', async () => {
  const late = nodeWith((method) => { if (method === 'Node/NodeStageVolume') throw new GrpcError('DeadlineExceeded', 'slow'); return {} }, () => false)
  const error = await late.setUp().catch((each: unknown) => each)
  expect(error).toBeInstanceOf(UncertainMountError)
  expect(late.calls).toEqual(['Node/NodeStageVolume'])
  await (error as UncertainMountError).tearDown()
  expect(late.calls).toEqual(['Node/NodeStageVolume', 'Node/NodeUnstageVolume'])
  const refused = nodeWith((method) => { if (method === 'Node/NodeStageVolume') throw new GrpcError('InvalidArgument', 'no'); return {} }, () => false)
  await expect(refused.setUp()).rejects.toThrow('MountVolume.MountDevice failed for volume "pv" : rpc error: code = InvalidArgument desc = no')
  expect(refused.calls).toEqual(['Node/NodeStageVolume'])
})

test('a pod is rid of its volume when that is unpublished, and unstaging is tried until it works', async () => {
  let refusals = 2
  const { calls, setUp } = nodeWith((method) => { if (method === 'Node/NodeUnstageVolume' && refusals-- > 0) throw new GrpcError('InvalidArgument', 'busy'); return {} }, () => false)
  const mounted = await setUp()
  await mounted.tearDown!()
  for (let i = 0; i < 20; i++) await Promise.resolve()
  await new Promise((resolve) => { setImmediate(resolve) })
  expect(calls).toEqual(['Node/NodeStageVolume', 'Node/NodePublishVolume', 'Node/NodeUnpublishVolume', 'Node/NodeUnstageVolume', 'Node/NodeUnstageVolume', 'Node/NodeUnstageVolume'])
})

test('what an earlier attempt may have staged is let go, whatever has kept the next one from asking the driver', async () => {
  let isSecretThere = true
  let isRegistered = true
  const { calls, setUp } = nodeWith((method) => { if (method === 'Node/NodeStageVolume') throw new GrpcError('DeadlineExceeded', 'slow'); return {} }, () => false, {
    spec: { nodeStageSecretRef: { namespace: 'default', name: 's' } }, supports: () => { if (!isRegistered) throw new Error('driver name d not found in the list of registered CSI drivers') },
    secret: async () => { if (!isSecretThere) throw new Error('secrets "s" not found'); return {} },
  })
  const uncertain = await setUp().catch((each: unknown) => each) as UncertainMountError
  isRegistered = false
  await expect(setUp()).rejects.toThrow('driver name d not found')
  isRegistered = true
  isSecretThere = false
  const error = await setUp().catch((each: unknown) => each) as Error
  expect(error).toBeInstanceOf(UncertainMountError)
  expect(error.message).toBe('MountVolume.MountDevice failed for volume "pv" : fetching NodeStageSecretRef default/s failed: secrets "s" not found')
  await uncertain.tearDown()
  expect(calls).toEqual(['Node/NodeStageVolume', 'Node/NodeUnstageVolume'])
})

test('a volume that may be published is unpublished before it is unstaged, also when the next attempt finds no secret', async () => {
  let isSecretThere = true
  const { calls, setUp } = nodeWith((method) => { if (method === 'Node/NodePublishVolume') throw new GrpcError('DeadlineExceeded', 'slow'); return {} }, () => false, {
    spec: { nodePublishSecretRef: { namespace: 'default', name: 's' } }, secret: async () => { if (!isSecretThere) throw new Error('secrets "s" not found'); return {} },
  })
  await setUp().catch(() => {})
  isSecretThere = false
  const error = await setUp().catch((each: unknown) => each) as UncertainMountError
  expect(error.message).toContain('fetching NodePublishSecretRef default/s failed')
  await error.tearDown()
  expect(calls).toEqual(['Node/NodeStageVolume', 'Node/NodePublishVolume', 'Node/NodeUnpublishVolume', 'Node/NodeUnstageVolume'])
})

test('what could not be let go after a failure is let go at the end of the pod', async () => {
  let refusals = 1
  const { calls, setUp } = nodeWith((method) => {
    if (method === 'Node/NodePublishVolume') throw new GrpcError('InvalidArgument', 'no')
    if (method === 'Node/NodeUnstageVolume' && refusals-- > 0) throw new GrpcError('Unavailable', 'gone')
    return {}
  }, () => false)
  const error = await setUp().catch((each: unknown) => each) as UncertainMountError
  expect(error.message).toBe('MountVolume.SetUp failed for volume "pv" : rpc error: code = InvalidArgument desc = no')
  await error.tearDown()
  expect(calls).toEqual(['Node/NodeStageVolume', 'Node/NodePublishVolume', 'Node/NodeUnstageVolume', 'Node/NodeUnstageVolume'])
})

test('a driver that wants to be asked again is, with a fresh token when it is time', async () => {
  const { requests, now, setUp } = nodeWith(() => ({}), () => false, { driver: { requiresRepublish: true, tokenRequests: [{ audience: 'a', expirationSeconds: 600 }] } })
  const mounted = await setUp()
  const tokens = () => requests.flatMap(({ volumeContext }) => /token-\d+/.exec((volumeContext as Record<string, string> | undefined)?.['csi.storage.k8s.io/serviceAccount.tokens'] ?? '')?.[0] ?? [])
  now.ms = 60_000
  await mounted.update!(pod)
  expect(tokens()).toEqual(['token-0', 'token-0'])
  now.ms = 481_000
  await mounted.update!(pod)
  expect(tokens()).toEqual(['token-0', 'token-0', 'token-481000'])
  const once = nodeWith(() => ({}), () => false)
  await (await once.setUp()).update!(pod)
  expect(once.calls).toEqual(['Node/NodeStageVolume', 'Node/NodePublishVolume'])
})

test('a driver that gives volumes to a group itself is told which', async () => {
  const groups = async (supported: string[]) => {
    const { requests, setUp } = nodeWith(() => ({}), () => false, { fsGroup: 99, supported })
    await setUp()
    return requests.map(({ volumeCapability }) => (volumeCapability as { mount: { volumeMountGroup?: string } }).mount.volumeMountGroup)
  }
  expect(await groups(['STAGE_UNSTAGE_VOLUME', 'VOLUME_MOUNT_GROUP'])).toEqual(['99', '99'])
  expect(await groups(['STAGE_UNSTAGE_VOLUME'])).toEqual([undefined, undefined])
})
