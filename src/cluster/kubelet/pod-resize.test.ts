import { expect, test } from 'vitest'
import type { Pod } from '../kinds/generated/types.ts'
import { PodResize } from './pod-resize.ts'

test('a container whose own limit is zero follows the one of its pod', () => {
  const pod = (cpu: string) => ({ metadata: { name: 'p' }, spec: { resources: { limits: { cpu } }, containers: [{ name: 'zero', resources: { limits: { cpu: '0' } } }, { name: 'own', resources: { limits: { cpu: '50m' } } }] } }) as unknown as Pod
  const resize = new PodResize(pod('100m'))
  for (const { name } of pod('100m').spec.containers) resize.apply(name)
  resize.plan(pod('200m'), 0, () => undefined)
  expect(pod('200m').spec.containers.map((container) => resize.changeOf(container))).toEqual(['update', 'none'])
})
