import { expect, test } from 'vitest'
import type { Pod, PodDisruptionBudget } from '../kinds/generated/types.ts'
import { DEFAULT_OPTIONS } from './options.ts'
import { podsToMove, withoutPods } from './pods.ts'

const NOW = Date.parse('2026-01-01T00:10:00Z')
const pod = (name: string, owner: string | undefined, { namespace = 'default', annotations = {}, spec = {}, ...metadata }: Record<string, any> = {}): Pod => ({
  apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace, uid: name, labels: { app: name }, annotations, ...(owner ? { ownerReferences: [{ apiVersion: 'apps/v1', kind: owner, name: 'owner', uid: 'owner', controller: true }] } : {}), ...metadata },
  spec: { containers: [{ name: 'main', image: 'nginx' }], ...spec }, status: { phase: 'Running' },
} as unknown as Pod)
const reason = (...pods: Pod[]) => { const moved = podsToMove(pods, [], DEFAULT_OPTIONS, NOW); return 'blocked' in moved ? moved.reason : moved.pods.map(({ metadata }) => metadata.name) }

test('pods that nobody would bring back hold their node, unless they say otherwise', () => {
  expect(reason(pod('alone', undefined))).toBe('NotReplicated')
  expect(reason(pod('special', 'Rollout'))).toBe('NotReplicated')
  expect(reason(pod('alone', undefined, { annotations: { 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'true' } }))).toEqual(['alone'])
  expect(reason(pod('web', 'ReplicaSet'), pod('agent', 'DaemonSet'))).toEqual(['web'])
  expect(reason(pod('web', 'ReplicaSet', { annotations: { 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false' } }))).toBe('NotSafeToEvictAnnotation')
})

test('local storage and the system pods hold a node too', () => {
  expect(reason(pod('cache', 'ReplicaSet', { spec: { volumes: [{ name: 'cache', emptyDir: {} }] } }))).toBe('LocalStorageRequested')
  expect(reason(pod('cache', 'ReplicaSet', { spec: { volumes: [{ name: 'cache', emptyDir: { medium: 'Memory' } }] } }))).toEqual(['cache'])
  expect(reason(pod('cache', 'ReplicaSet', { annotations: { 'cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes': 'cache' }, spec: { volumes: [{ name: 'cache', emptyDir: {} }] } }))).toEqual(['cache'])
  expect(reason(pod('coredns', 'ReplicaSet', { namespace: 'kube-system' }))).toBe('UnmovableKubeSystemPod')
})

test('a budget that allows no disruption holds a node, one that allows some lets system pods go', () => {
  const budget = (disruptionsAllowed: number) => ({ metadata: { name: 'budget', namespace: 'kube-system' }, spec: { selector: { matchLabels: { app: 'coredns' } } }, status: { disruptionsAllowed } }) as unknown as PodDisruptionBudget
  const moved = (allowed: number) => podsToMove([pod('coredns', 'ReplicaSet', { namespace: 'kube-system' })], [budget(allowed)], DEFAULT_OPTIONS, NOW)
  expect(moved(1)).toMatchObject({ pods: [{ metadata: { name: 'coredns' } }] })
  expect(moved(0)).toMatchObject({ reason: 'NotEnoughPdb' })
  // What one node takes with it is no longer there for the next.
  const [left] = withoutPods([budget(1)], [pod('coredns', 'ReplicaSet', { namespace: 'kube-system' }), pod('web', 'ReplicaSet')])
  expect(left!.status!.disruptionsAllowed).toBe(0)
  const mayGo = pod('coredns', 'ReplicaSet', { namespace: 'kube-system', annotations: { 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'true' } })
  expect(podsToMove([mayGo], [budget(0)], DEFAULT_OPTIONS, NOW)).toMatchObject({ pods: [{ metadata: { name: 'coredns' } }] })
})

test('system pods hold a node for their first hour', () => {
  const started = (creationTimestamp: string) => reason(pod('coredns', 'ReplicaSet', { namespace: 'kube-system', creationTimestamp }))
  expect(started('2025-12-31T23:20:00Z')).toBe('UnmovableKubeSystemPod')
  expect(started('2025-12-31T23:00:00Z')).toEqual(['coredns'])
})

test('a pod that should have ended long ago is not waited for', () => {
  expect(reason(pod('stuck', undefined, { deletionTimestamp: '2026-01-01T00:00:00Z' }))).toEqual([])
  expect(reason(pod('ending', undefined, { deletionTimestamp: '2026-01-01T00:09:50Z' }))).toBe('NotReplicated')
})
