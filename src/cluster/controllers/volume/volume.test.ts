import { afterEach, expect, test } from 'vitest'
import type { PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '../../kinds/generated/types.ts'
import { startTestControlPlane, type TestControlPlane } from '../test-control-plane.ts'

let plane: TestControlPlane
let errors: string[]
afterEach(() => {
  plane.stop()
  expect(errors).toEqual([])
})

async function start(): Promise<void> {
  errors = []
  plane = await startTestControlPlane({ onLog: (entry) => { if (entry.level === 'error') errors.push(JSON.stringify(entry)) } })
  plane.runPods()
  await plane.addNode('one')
}

const claim = (name: string, storage: string, storageClassName: string, accessModes = ['ReadWriteOnce']) => plane.api.create('persistentvolumeclaims', {
  apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name, namespace: 'default', finalizers: ['kubernetes.io/pvc-protection'] }, spec: { accessModes, storageClassName, resources: { requests: { storage } } },
} as unknown as PersistentVolumeClaim)
const getClaim = (name: string) => plane.api.get<PersistentVolumeClaim>('persistentvolumeclaims', name, 'default')
const eventsOf = async (name: string) => (await plane.api.list('events', { namespace: 'default' })).items.filter((event) => event['involvedObject'].name === name).map((event) => `${event['reason']}: ${event['message']}`)

test('a claim takes the smallest volume that suits; one that nothing suits says so', async () => {
  await start()
  for (const [name, storage] of [['small', '1Gi'], ['big', '10Gi']] as const) await plane.api.create('persistentvolumes', {
    apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name }, spec: { capacity: { storage }, accessModes: ['ReadWriteOnce'], persistentVolumeReclaimPolicy: 'Retain', hostPath: { path: `/${name}` } },
  } as unknown as PersistentVolume)
  await claim('a', '500Mi', '')
  await claim('huge', '1Ti', '')
  await plane.clock.until(async () => (await getClaim('a')).status?.phase === 'Bound', { withinMs: 30_000 })
  expect((await getClaim('a')).spec!.volumeName).toBe('small')
  expect(await eventsOf('huge')).toEqual(['FailedBinding: no persistent volumes available for this claim and no storage class is set'])
  await plane.api.delete('persistentvolumeclaims', 'a', 'default')
  await plane.clock.until(async () => (await plane.api.get<PersistentVolume>('persistentvolumes', 'small')).status?.phase === 'Released', { withinMs: 30_000 })
})

test('a claim of the local-path class waits for its first pod, gets a volume on its node, and both go together', async () => {
  await start()
  await plane.api.create('storageclasses.storage.k8s.io', {
    apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name: 'standard' }, provisioner: 'rancher.io/local-path', volumeBindingMode: 'WaitForFirstConsumer', reclaimPolicy: 'Delete',
  } as unknown as StorageClass)
  await claim('data', '32Mi', 'standard')
  await plane.clock.settle()
  expect((await getClaim('data')).status?.phase).toBe('Pending')
  expect(await eventsOf('data')).toEqual(['WaitForFirstConsumer: waiting for first consumer to be created before binding'])
  await plane.api.create('pods', {
    apiVersion: 'v1', kind: 'Pod', metadata: { name: 'user', namespace: 'default' },
    spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image: 'busybox' }], volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'data' } }] },
  } as unknown as Pod)
  await plane.clock.until(async () => (await getClaim('data')).status?.phase === 'Bound', { withinMs: 60_000 })
  // The scheduler looks at the binding once a second, so the kubelet never meets a claim that isn't bound yet.
  expect((await plane.api.get<Pod>('pods', 'user', 'default')).spec.nodeName).toBeUndefined()
  await plane.clock.until(async () => (await plane.api.get<Pod>('pods', 'user', 'default')).status?.phase === 'Running', { withinMs: 60_000 })
  const bound = await getClaim('data')
  expect(bound.status).toMatchObject({ phase: 'Bound', capacity: { storage: '32Mi' }, accessModes: ['ReadWriteOnce'] })
  const volume = await plane.api.get<PersistentVolume>('persistentvolumes', bound.spec!.volumeName!)
  expect(volume.status!.phase).toBe('Bound')
  await plane.api.delete('persistentvolumeclaims', 'data', 'default')
  await plane.clock.advance(2000)
  expect((await getClaim('data')).metadata.deletionTimestamp).toBeDefined()
  await plane.api.delete('pods', 'user', 'default')
  await plane.clock.until(async () => (await plane.api.list('persistentvolumes')).items.length === 0, { withinMs: 60_000 })
})

const volume = (name: string, storage = '1Gi', spec: object = {}) => plane.api.create('persistentvolumes', {
  apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name }, spec: { capacity: { storage }, accessModes: ['ReadWriteOnce'], persistentVolumeReclaimPolicy: 'Retain', hostPath: { path: `/${name}` }, ...spec },
} as unknown as PersistentVolume)
const countsOf = async (name: string) => (await plane.api.list('events', { namespace: 'default' })).items.filter((event) => event['involvedObject'].name === name).map((event) => event['count'])

test('a claim that comes right after its volume gets it at once, one that was there before waits', async () => {
  await start()
  await Promise.all([volume('here'), claim('now', '1Gi', '')])
  await plane.clock.advance(1000)
  expect((await getClaim('now')).status?.phase).toBe('Bound')
  await claim('before', '1Gi', '')
  await plane.clock.advance(100)
  await volume('there')
  await plane.clock.advance(500)
  expect((await getClaim('before')).status?.phase).toBe('Pending')
})

test('claims that wait are looked at every fifteen seconds, all at once, whatever volumes come, and each look is told once', async () => {
  await start()
  await claim('early', '1Gi', '')
  await claim('large', '1Ti', '')
  await plane.clock.until(async () => (await countsOf('large'))[0] === 2, { withinMs: 16_000 })
  await plane.clock.advance(6000)
  await claim('late', '1Ti', '')
  await plane.clock.advance(1000)
  await volume('other', '1Mi')
  await volume('right')
  await plane.clock.advance(6000)
  expect((await getClaim('early')).status?.phase).toBe('Pending')
  expect([await countsOf('early'), await countsOf('large'), await countsOf('late')]).toEqual([[2], [2], [1]])
  await plane.clock.advance(3000)
  expect((await getClaim('early')).status?.phase).toBe('Bound')
  expect([await countsOf('large'), await countsOf('late')]).toEqual([[3], [2]])
})

test('a claim that names its volume says what keeps them apart', async () => {
  await start()
  await volume('fast', '1Gi', { volumeAttributesClassName: 'gold', csi: { driver: 'x.example.com', volumeHandle: 'h' }, hostPath: undefined })
  await plane.api.create('persistentvolumeclaims', {
    apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'plain', namespace: 'default' }, spec: { accessModes: ['ReadWriteOnce'], storageClassName: '', volumeName: 'fast', resources: { requests: { storage: '1Gi' } } },
  } as never)
  await plane.clock.advance(1000)
  const events = (await plane.api.list('events', { namespace: 'default' })).items.filter((event) => event['involvedObject'].name === 'plain')
  expect(events.map((event) => event['message'])).toEqual(['Cannot bind to requested volume "fast": volumeAttributesClassName does not match'])
})

test('a VolumeAttributesClass goes once no claim names it', async () => {
  await start()
  const classes = 'volumeattributesclasses.storage.k8s.io'
  await plane.api.create(classes, { apiVersion: 'storage.k8s.io/v1', kind: 'VolumeAttributesClass', metadata: { name: 'gold' }, driverName: 'x.example.com', parameters: { iops: '1' } } as never)
  await plane.api.create('persistentvolumeclaims', {
    apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'uses', namespace: 'default' }, spec: { accessModes: ['ReadWriteOnce'], storageClassName: '', volumeAttributesClassName: 'gold', resources: { requests: { storage: '1Gi' } } },
  } as never)
  await plane.clock.advance(1_000)
  await plane.api.delete(classes, 'gold')
  await plane.clock.advance(5_000)
  expect((await plane.api.get(classes, 'gold')).metadata.deletionTimestamp).toBeDefined()
  await plane.api.delete('persistentvolumeclaims', 'uses', 'default')
  await plane.clock.advance(5_000)
  expect((await plane.api.list(classes)).items).toEqual([])
})

test('a pod that is deleted in the foreground takes the claim of its ephemeral volume with it: neither waits for the other', async () => {
  await start()
  await plane.api.create('storageclasses.storage.k8s.io', {
    apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name: 'standard' }, provisioner: 'rancher.io/local-path', volumeBindingMode: 'WaitForFirstConsumer', reclaimPolicy: 'Delete',
  } as unknown as StorageClass)
  const volumeClaimTemplate = { spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'standard', resources: { requests: { storage: '1Mi' } } } }
  await plane.api.create('pods', {
    apiVersion: 'v1', kind: 'Pod', metadata: { name: 'user', namespace: 'default' },
    spec: { containers: [{ name: 'c', image: 'busybox' }], volumes: [{ name: 'd', ephemeral: { volumeClaimTemplate } }] },
  } as unknown as Pod)
  await plane.clock.until(async () => (await plane.api.get<Pod>('pods', 'user', 'default')).status?.phase === 'Running', { withinMs: 60_000 })
  expect((await getClaim('user-d')).metadata.ownerReferences).toMatchObject([{ name: 'user', blockOwnerDeletion: true }])
  await plane.api.delete('pods', 'user', 'default', { propagationPolicy: 'Foreground' })
  await plane.clock.until(async () => (await plane.api.list('pods', { namespace: 'default' })).items.length === 0, { withinMs: 60_000 })
  expect((await plane.api.list('persistentvolumeclaims')).items).toEqual([])
})

/** A volume whose claim has come and gone. */
async function releasedVolume(source: object, persistentVolumeReclaimPolicy = 'Recycle'): Promise<void> {
  await plane.api.create('persistentvolumes', {
    apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'v' }, spec: { capacity: { storage: '20Gi' }, accessModes: ['ReadWriteOnce'], persistentVolumeReclaimPolicy, ...source },
  } as unknown as PersistentVolume)
  await claim('a', '1Gi', '')
  await plane.clock.until(async () => (await getClaim('a')).status?.phase === 'Bound', { withinMs: 30_000 })
  await plane.api.delete('persistentvolumeclaims', 'a', 'default')
}
const volumeIs = (phase: string) => plane.clock.until(async () => (await plane.api.get<PersistentVolume>('persistentvolumes', 'v')).status?.phase === phase, { withinMs: 60_000 })

test('a volume with the policy Recycle is emptied by a pod and becomes available', async () => {
  await start()
  await releasedVolume({ nfs: { server: '10.1.1.1', path: '/exports' } })
  await plane.clock.until(async () => (await plane.api.list('pods', { namespace: 'default' })).items.length > 0, { withinMs: 30_000 })
  const [pod] = (await plane.api.list<Pod>('pods', { namespace: 'default' })).items
  expect(pod).toMatchObject({ metadata: { name: 'recycler-for-v' }, spec: { activeDeadlineSeconds: 600, volumes: [{ nfs: { server: '10.1.1.1', path: '/exports' } }, ...[]] } })
  await plane.clock.advance(5_000)
  expect((await plane.api.get<PersistentVolume>('persistentvolumes', 'v')).status?.phase).toBe('Released')
  await plane.api.patch('pods', 'recycler-for-v', 'default', 'application/merge-patch+json', { status: { phase: 'Succeeded' } }, { subresource: 'status' })
  await volumeIs('Available')
  expect((await plane.api.get<PersistentVolume>('persistentvolumes', 'v')).spec!.claimRef).toBeUndefined()
  expect((await eventsOf('v')).at(-1)).toBe('VolumeRecycled: Volume recycled')
  await plane.clock.until(async () => (await plane.api.list('pods', { namespace: 'default' })).items.length === 0, { withinMs: 60_000 })
})

test('a recycler that fails leaves the volume failed, and is tried again', async () => {
  await start()
  await releasedVolume({ hostPath: { path: '/data' } })
  const run = async () => plane.clock.until(async () => plane.api.get<Pod>('pods', 'recycler-for-v', 'default').then(({ status }) => status?.phase === 'Running', () => false), { withinMs: 60_000 })
  const end = (phase: string) => plane.api.patch('pods', 'recycler-for-v', 'default', 'application/merge-patch+json', { status: { phase, message: 'no room' } }, { subresource: 'status' })
  await run()
  await end('Failed')
  await volumeIs('Failed')
  expect((await plane.api.get<PersistentVolume>('persistentvolumes', 'v')).status!.message).toBe('Recycle failed: failed to recycle volume: no room')
  await run()
  await end('Succeeded')
  await volumeIs('Available')
})

test('of volumes made by hand, the policy Delete deletes only those in a folder /tmp of the node', async () => {
  await start()
  await releasedVolume({ hostPath: { path: '/data' } }, 'Delete')
  await volumeIs('Failed')
  const message = 'host_path deleter only supports /tmp/.+ but received provided /data'
  expect((await plane.api.get<PersistentVolume>('persistentvolumes', 'v')).status!.message).toBe(message)
  expect(await eventsOf('v')).toEqual([`VolumeFailedDelete: ${message}`])
  await plane.api.delete('persistentvolumes', 'v')
  await plane.clock.until(async () => (await plane.api.list('persistentvolumes')).items.length === 0, { withinMs: 30_000 })
  await releasedVolume({ hostPath: { path: '/tmp/data' } }, 'Delete')
  await plane.clock.until(async () => (await plane.api.list('persistentvolumes')).items.length === 0, { withinMs: 30_000 })
})
