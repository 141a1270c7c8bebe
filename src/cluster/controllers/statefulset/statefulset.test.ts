import { afterEach, expect, test, vi } from 'vitest'
import { InProcessApi } from '../../apiserver/in-process-api.ts'
import type { Event, DaemonSet, Pod, StatefulSet } from '../../kinds/generated/types.ts'
import type { KubeObject } from '../../kinds/object.ts'
import { startTestControlPlane, type TestControlPlane } from '../test-control-plane.ts'

let plane: TestControlPlane
afterEach(() => {
  plane.stop()
  vi.restoreAllMocks()
})

const template = (image: string) => ({ metadata: { labels: { app: 'db' } }, spec: { containers: [{ name: 'c', image }] } })
const names = async () => (await plane.api.list<Pod>('pods', { namespace: 'default' })).items.map((pod) => `${pod.metadata.name} ${pod.spec.containers[0]!.image}`).sort()

test('a StatefulSet creates its pods in order, updates them from the last, and scales down from the end', async () => {
  const errors: string[] = []
  plane = await startTestControlPlane({ onLog: (entry) => { if (entry.level === 'error') errors.push(JSON.stringify(entry)) } })
  plane.runPods()
  await plane.addNode('one')
  await plane.api.create('statefulsets.apps', {
    apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'db', namespace: 'default' },
    spec: { replicas: 3, serviceName: 'db', selector: { matchLabels: { app: 'db' } }, template: template('v1') },
  } as unknown as StatefulSet)
  const get = () => plane.api.get<StatefulSet>('statefulsets.apps', 'db', 'default')
  const settled = (replicas: number) => async () => {
    const { status, metadata } = await get()
    return status?.readyReplicas === replicas && status.replicas === replicas && status.currentRevision === status.updateRevision && status.observedGeneration === metadata.generation
  }
  await plane.clock.until(settled(3), { withinMs: 30_000 })
  expect(await names()).toEqual(['db-0 v1', 'db-1 v1', 'db-2 v1'])
  const first = (await get()).status!.updateRevision
  await plane.api.patch('statefulsets.apps', 'db', 'default', 'application/merge-patch+json', { spec: { template: template('v2') } })
  await plane.clock.until(async () => (await settled(3)()) && (await get()).status!.updateRevision !== first, { withinMs: 60_000 })
  expect(await names()).toEqual(['db-0 v2', 'db-1 v2', 'db-2 v2'])
  await plane.api.patch('statefulsets.apps', 'db', 'default', 'application/merge-patch+json', { spec: { replicas: 1 } })
  await plane.clock.until(settled(1), { withinMs: 60_000 })
  expect(await names()).toEqual(['db-0 v2'])
  expect(errors).toEqual([])
})

test('a StatefulSet waits for the pod of its predecessor to be gone', async () => {
  plane = await startTestControlPlane()
  plane.runPods()
  await plane.addNode('one')
  await plane.api.create<Pod>('pods', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'db-0', namespace: 'default', finalizers: ['example.com/slow'] }, spec: { containers: [{ name: 'c', image: 'old' }] } } as Pod)
  await plane.api.delete('pods', 'db-0', 'default')
  await plane.api.create('statefulsets.apps', { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'db', namespace: 'default' }, spec: { replicas: 1, serviceName: 'db', selector: { matchLabels: { app: 'db' } }, template: template('new') } } as unknown as StatefulSet)
  await plane.clock.advance(2_000)
  expect(await names()).toEqual(['db-0 old'])
  await plane.api.patch('pods', 'db-0', 'default', 'application/merge-patch+json', { metadata: { finalizers: null } })
  await plane.clock.until(async () => (await names())[0] === 'db-0 new', { withinMs: 10_000 })
})

test('a DaemonSet runs on every node without untolerated taints and replaces pods one by one', async () => {
  const errors: string[] = []
  plane = await startTestControlPlane({ onLog: (entry) => { if (entry.level === 'error') errors.push(JSON.stringify(entry)) } })
  plane.runPods()
  for (const name of ['one', 'two']) await plane.addNode(name)
  await plane.addNode('three', { taints: [{ key: 'k', effect: 'NoSchedule' }] })
  await plane.api.create('daemonsets.apps', {
    apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'agent', namespace: 'default' }, spec: { selector: { matchLabels: { app: 'db' } }, template: template('v1') },
  } as unknown as DaemonSet)
  const get = () => plane.api.get<DaemonSet>('daemonsets.apps', 'agent', 'default')
  await plane.clock.until(async () => (await get()).status?.numberAvailable === 2, { withinMs: 30_000 })
  expect((await get()).status).toMatchObject({ desiredNumberScheduled: 2, currentNumberScheduled: 2, numberReady: 2, numberMisscheduled: 0, updatedNumberScheduled: 2 })
  await plane.api.patch('daemonsets.apps', 'agent', 'default', 'application/merge-patch+json', { spec: { template: template('v2') } })
  await plane.clock.until(async () => {
    const { status, metadata } = await get()
    return status?.updatedNumberScheduled === 2 && status.numberAvailable === 2 && status.observedGeneration === metadata.generation
  }, { withinMs: 60_000 })
  expect((await names()).map((name) => name.split(' ')[1])).toEqual(['v2', 'v2'])
  expect(errors).toEqual([])
})

test("claims get the owners that the set's policy asks for, whatever others own them, and stay as they are under another controller", async () => {
  plane = await startTestControlPlane()
  plane.runPods()
  await plane.addNode('one')
  await plane.api.create('statefulsets.apps', {
    apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'db', namespace: 'default' },
    spec: {
      replicas: 3, serviceName: 'db', podManagementPolicy: 'Parallel', selector: { matchLabels: { app: 'db' } }, template: template('v1'),
      volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } }],
    },
  } as unknown as StatefulSet)
  const set = () => plane.api.get<StatefulSet>('statefulsets.apps', 'db', 'default')
  // They wait for volumes, which nobody provides.
  await plane.clock.until(async () => (await names()).length === 3, { withinMs: 30_000 })
  const owners = async (ordinal: number) => ((await plane.api.get('persistentvolumeclaims', `data-db-${ordinal}`, 'default')).metadata.ownerReferences ?? []).map(({ kind, name, controller }) => `${kind}/${name}${controller ? ' manages' : ''}`)
  const setOwners = (ordinal: number, ownerReferences: object[], finalizers: string[] = []) => plane.api.patch('persistentvolumeclaims', `data-db-${ordinal}`, 'default', 'application/merge-patch+json', { metadata: { ownerReferences, finalizers } })
  const retain = (persistentVolumeClaimRetentionPolicy: object) => plane.api.patch('statefulsets.apps', 'db', 'default', 'application/merge-patch+json', { spec: { persistentVolumeClaimRetentionPolicy } })
  const { uid } = (await plane.api.create<KubeObject>('configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'other', namespace: 'default' } })).metadata
  const other = { apiVersion: 'v1', kind: 'ConfigMap', name: 'other', uid }
  await setOwners(1, [other])
  await setOwners(2, [{ ...other, controller: true }])
  await retain({ whenDeleted: 'Delete' })
  await plane.clock.until(async () => (await owners(0)).length === 1, { withinMs: 5_000 })
  await plane.clock.settle()
  expect([await owners(0), await owners(1), await owners(2)]).toEqual([['StatefulSet/db manages'], ['ConfigMap/other', 'StatefulSet/db manages'], ['ConfigMap/other manages']])
  const conflicts = (await plane.api.list<Event>('events', { namespace: 'default' })).items.filter(({ reason }) => reason === 'ConflictingController')
  expect(conflicts.map(({ message }) => message)).toEqual(['PersistentVolumeClaim data-db-2 has a conflicting OwnerReference that acts as a manging controller, the retention policy is ignored for this claim'])
  // A reference that doesn't manage is made one that does.
  await setOwners(0, [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', uid: (await set()).metadata.uid, controller: false }])
  await retain({ whenScaled: 'Delete' })
  await plane.clock.until(async () => (await owners(0))[0] === 'StatefulSet/db manages', { withinMs: 5_000 })
  expect((await owners(0))).toHaveLength(1)
})

test('the claims of a pod that waits follow the policy of a set that creates one after the other, too; a pod that runs is told of as updated', async () => {
  plane = await startTestControlPlane()
  plane.runPods()
  await plane.addNode('one')
  const owners = async () => ((await plane.api.get('persistentvolumeclaims', 'data-db-0', 'default')).metadata.ownerReferences ?? []).map(({ kind }) => kind)
  const whenDeleted = (policy: string) => plane.api.patch('statefulsets.apps', 'db', 'default', 'application/merge-patch+json', { spec: { persistentVolumeClaimRetentionPolicy: { whenDeleted: policy } } })
  await plane.api.create('statefulsets.apps', {
    apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'db', namespace: 'default' },
    spec: {
      replicas: 1, serviceName: 'db', selector: { matchLabels: { app: 'db' } }, template: template('v1'),
      volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'by-hand', resources: { requests: { storage: '1Gi' } } } }],
    },
  } as unknown as StatefulSet)
  await plane.clock.until(async () => (await names()).length === 1, { withinMs: 30_000 })
  await whenDeleted('Delete')
  await plane.clock.until(async () => (await owners()).length === 1, { withinMs: 5_000 })
  await plane.api.create('persistentvolumes', { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'v' }, spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], storageClassName: 'by-hand', hostPath: { path: '/data' } } } as KubeObject)
  await plane.clock.until(async () => (await plane.api.get<StatefulSet>('statefulsets.apps', 'db', 'default')).status?.readyReplicas === 1, { withinMs: 400_000 })
  // Somebody else writes the pod just before the controller does: it tries again and says nothing of it.
  const { update } = InProcessApi.prototype
  let writes = 0
  vi.spyOn(InProcessApi.prototype, 'update').mockImplementation(async function (this: InProcessApi, ref, object, options) {
    if (ref === 'pods' && ++writes === 1) await plane.api.patch('pods', 'db-0', 'default', 'application/merge-patch+json', { metadata: { annotations: { seen: 'yes' } } })
    return await update.call(this, ref, object, options) as never
  })
  await whenDeleted('Retain')
  await plane.clock.until(async () => (await owners()).length === 0, { withinMs: 5_000 })
  await plane.clock.advance(5_000)
  expect(writes).toBe(2)
  const events = (await plane.api.list<Event>('events', { namespace: 'default' })).items
  expect(events.filter(({ reason }) => /^(Successful|Failed)Update$/.test(reason!)).map(({ message, count }) => [message, count])).toEqual([['Update Pod db-0 in StatefulSet db successful', 1]])
})
