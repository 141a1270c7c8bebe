import { afterEach, expect, test } from 'vitest'
import { findCondition } from '../../client/conditions.ts'
import { startTestControlPlane, type TestControlPlane } from '../../controllers/test-control-plane.ts'
import type { Node, Pod } from '../../kinds/generated/types.ts'

let plane: TestControlPlane
afterEach(() => plane.stop())

const FEATURE = 'RestartAllContainersOnContainerExits'
const declare = async (name: string, declaredFeatures: string[]) => {
  const node = await plane.api.get<Node>('nodes', name)
  await plane.api.updateStatus<Node>('nodes', { ...node, status: { ...node.status, declaredFeatures } } as Node)
}

test('a pod that restarts all its containers waits for a node that declares it, others do not', async () => {
  plane = await startTestControlPlane()
  await plane.api.create('serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'default' } }).catch(() => {})
  await plane.addNode('one')
  await declare('one', [])
  plane.runPods()
  const rules = { restartPolicy: 'Never', restartPolicyRules: [{ action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [1] } }] }
  const create = (name: string, extra: object) => plane.api.create<Pod>('pods', { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default' }, spec: { containers: [{ name: 'c', image: 'nginx', ...extra }] } } as unknown as Pod)
  const get = (name: string) => plane.api.get<Pod>('pods', name, 'default')
  await create('plain', {})
  await create('all', rules)
  await plane.clock.until(async () => findCondition((await get('all')).status?.conditions, 'PodScheduled')?.status === 'False', { withinMs: 10_000 })
  expect(findCondition((await get('all')).status?.conditions, 'PodScheduled')?.message).toContain("0/1 nodes are available: 1 node(s) didn't match Pod's required features.")
  expect((await get('plain')).spec.nodeName).toBe('one')
  await declare('one', [FEATURE])
  await plane.clock.until(async () => (await get('all')).spec.nodeName === 'one', { withinMs: 30_000 })
})
