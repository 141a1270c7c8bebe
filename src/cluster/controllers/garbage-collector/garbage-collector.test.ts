import { afterEach, expect, test } from 'vitest'
import type { KubeObject } from '../../kinds/object.ts'
import { startTestControlPlane, type TestControlPlane } from '../test-control-plane.ts'

let plane: TestControlPlane
afterEach(() => plane.stop())

const configMap = (name: string, metadata: object = {}): KubeObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default', ...metadata } }) as KubeObject

test('who names its owner wrongly goes without a word; only an owner in another namespace is told of', async () => {
  plane = await startTestControlPlane({ scheduler: false })
  const owner = await plane.api.create<KubeObject>('configmaps', configMap('owner'))
  const elsewhere = await plane.api.create<KubeObject>('configmaps', configMap('elsewhere', { namespace: 'kube-system' }))
  await plane.clock.advance(1000)
  const of = (name: string, uid: string) => ({ ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name, uid }] })
  await plane.api.create('configmaps', configMap('misnamed', of('other', owner.metadata.uid!)))
  await plane.api.create('configmaps', configMap('stray', of('elsewhere', elsewhere.metadata.uid!)))
  await plane.clock.advance(5000)
  expect((await plane.api.list<KubeObject>('configmaps', { namespace: 'default' })).items.map(({ metadata }) => metadata.name).filter((name) => name !== 'kube-root-ca.crt')).toEqual(['owner'])
  const events = (await plane.api.list<any>('events', { namespace: 'default' })).items
  expect(events.map(({ reason, involvedObject }) => `${reason} ${involvedObject.name}`)).toEqual(['OwnerRefInvalidNamespace stray'])
})
