import { afterEach, expect, test } from 'vitest'
import type { Pod, PodDisruptionBudget } from '../../kinds/generated/types.ts'
import type { KubeObject } from '../../kinds/object.ts'
import { startTestControlPlane, type TestControlPlane } from '../test-control-plane.ts'

let plane: TestControlPlane
afterEach(() => plane.stop())

const pod = (name: string, owner: KubeObject) => plane.api.create<Pod>('pods', {
  apiVersion: 'v1', kind: 'Pod',
  metadata: { name, namespace: 'default', labels: { app: 'fleet' }, ownerReferences: [{ apiVersion: owner.apiVersion, kind: owner.kind, name: owner.metadata.name!, uid: owner.metadata.uid!, controller: true }] },
  spec: { nodeName: 'one', containers: [{ name: 'c', image: 'nginx' }] },
} as unknown as Pod)
const budget = (minAvailable: string) => plane.api.create('poddisruptionbudgets.policy', { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'fleet', namespace: 'default' }, spec: { minAvailable, selector: { matchLabels: { app: 'fleet' } } } } as KubeObject)
const status = async () => (await plane.api.get<PodDisruptionBudget>('poddisruptionbudgets.policy', 'fleet', 'default')).status

async function define(subresources: object): Promise<KubeObject> {
  await plane.api.create('customresourcedefinitions.apiextensions.k8s.io', {
    apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'fleets.example.com' },
    spec: {
      group: 'example.com', scope: 'Namespaced', names: { plural: 'fleets', singular: 'fleet', kind: 'Fleet', listKind: 'FleetList' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { replicas: { type: 'integer' } } }, status: { type: 'object', properties: { replicas: { type: 'integer' } } } } } }, subresources }],
    },
  } as KubeObject)
  await plane.clock.settle()
  return plane.api.create('fleets.example.com', { apiVersion: 'example.com/v1', kind: 'Fleet', metadata: { name: 'f', namespace: 'default' }, spec: { replicas: 4 } } as KubeObject)
}

test('a budget counts what owners of any kind want, as far as their kind has a scale', async () => {
  plane = await startTestControlPlane()
  await plane.addNode('one')
  plane.runPods()
  const fleet = await define({ scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' } })
  for (const name of ['a', 'b', 'c']) await pod(name, fleet)
  await budget('50%')
  await plane.clock.until(async () => (await status())?.currentHealthy === 3, { withinMs: 10_000 })
  expect(await status()).toMatchObject({ expectedPods: 4, desiredHealthy: 2, disruptionsAllowed: 1 })
})

test('an owner whose kind has no scale makes a budget allow nothing, and is not tried without end', async () => {
  plane = await startTestControlPlane()
  await plane.addNode('one')
  const fleet = await define({})
  await pod('a', fleet)
  await budget('50%')
  await plane.clock.advance(30_000)
  expect((await status())?.conditions).toMatchObject([{ type: 'DisruptionAllowed', status: 'False', reason: 'SyncFailed', message: 'fleets.example.com does not implement the scale subresource' }])
  expect(await status()).toMatchObject({ disruptionsAllowed: 0 })
  const told = (await plane.api.list('events', { namespace: 'default' })).items.filter((event) => event['reason'] === 'CalculateExpectedPodCountFailed')
  expect(told.map((event) => event['message'])).toEqual(['Failed to calculate the number of expected pods: fleets.example.com does not implement the scale subresource'])
  // The second time for the status that the first wrote.
  expect(told[0]!['count']).toBe(2)
})
