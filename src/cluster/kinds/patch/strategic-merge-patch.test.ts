import { describe, expect, test } from 'vitest'
import { deepFreeze } from '../../../base/freeze.ts'
import { StatusError } from '../status-error.ts'
import { createThreeWayMergePatch, createTwoWayMergePatch } from './create-three-way-patch.ts'
import { applyStrategicMergePatch } from './strategic-merge-patch.ts'

const POD = 'io.k8s.api.core.v1.Pod'
const DEPLOYMENT = 'io.k8s.api.apps.v1.Deployment'
const pod = (...containers: object[]) => deepFreeze({ spec: { containers } })
const names = (object: unknown) => (object as { spec: { containers: { name: string }[] } }).spec.containers.map((c) => c.name)

describe('strategic merge patch', () => {
  test('merges list items by their key and appends new ones', () => {
    const out = applyStrategicMergePatch(POD, pod({ name: 'a', image: 'x', env: [{ name: 'A', value: '1' }] }, { name: 'b', image: 'y' }), { spec: { containers: [{ name: 'c', image: 'z' }, { name: 'a', env: [{ name: 'B', value: '2' }] }] } })
    expect(out).toEqual({ spec: { containers: [{ name: 'c', image: 'z' }, { name: 'a', image: 'x', env: [{ name: 'B', value: '2' }, { name: 'A', value: '1' }] }, { name: 'b', image: 'y' }] } })
  })

  test('deletes items, replaces lists and maps, keeps only retained keys', () => {
    expect(names(applyStrategicMergePatch(POD, pod({ name: 'a' }, { name: 'b' }), { spec: { containers: [{ name: 'a', $patch: 'delete' }] } }))).toEqual(['b'])
    expect(names(applyStrategicMergePatch(POD, pod({ name: 'a' }, { name: 'b' }), { spec: { containers: [{ $patch: 'replace' }, { name: 'c' }] } }))).toEqual(['c'])
    const deployment = deepFreeze({ spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } })
    expect(applyStrategicMergePatch(DEPLOYMENT, deployment, { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } })).toEqual({ spec: { strategy: { type: 'Recreate' } } })
    expect(applyStrategicMergePatch(DEPLOYMENT, deployment, { spec: { strategy: { $patch: 'replace', type: 'Recreate' } } })).toEqual({ spec: { strategy: { type: 'Recreate' } } })
  })

  test('orders by $setElementOrder and deletes from primitive lists', () => {
    const out = applyStrategicMergePatch(POD, pod({ name: 'a' }, { name: 'b' }), { spec: { '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }] } })
    expect(names(out)).toEqual(['b', 'a'])
    expect(applyStrategicMergePatch(POD, { metadata: { finalizers: ['a', 'b', 'c'] } }, { metadata: { '$deleteFromPrimitiveList/finalizers': ['b'] } })).toEqual({ metadata: { finalizers: ['a', 'c'] } })
  })

  test('answers bad patches as the server does', () => {
    const error = (patch: unknown) => { try { applyStrategicMergePatch(POD, pod({ name: 'a' }), patch) } catch (e) { return (e as StatusError).status } return undefined }
    expect(error({ spec: { containers: [{ image: 'x' }] } })).toMatchObject({ code: 500, message: 'map: map[image:x] does not contain declared merge key: name' })
    expect(error({ spec: { containers: [{ name: 'a', $patch: 'forget' }] } })).toMatchObject({ code: 500, message: 'unknown patch type: forget in map: map[$patch:forget name:a]' })
    expect(error({ spec: { '$setElementOrder/containers': [{ name: 'b' }], containers: [{ name: 'c', image: 'c:1' }] } })).toMatchObject({ code: 500, message: "The order in patch list:\n[map[image:c:1 name:c]]\n doesn't match $setElementOrder list:\n[map[name:b]]\n" })
  })
})

describe('making patches', () => {
  test('two-way patches name deletions and order', () => {
    expect(createTwoWayMergePatch(POD, pod({ name: 'a', image: 'x' }, { name: 'b', image: 'y' }), pod({ name: 'b', image: 'z' }))).toEqual({
      spec: { '$setElementOrder/containers': [{ name: 'b' }], containers: [{ name: 'b', image: 'z' }, { name: 'a', $patch: 'delete' }] },
    })
  })

  test('of two elements with the same key the later one is taken for the change', () => {
    expect(createTwoWayMergePatch(POD, pod({ name: 'a', image: 'x' }), pod({ name: 'a', image: 'x', tty: true }, { name: 'a', image: 'y' }))).toEqual({
      spec: { '$setElementOrder/containers': [{ name: 'a' }, { name: 'a' }], containers: [{ name: 'a', image: 'y' }, { name: 'a', image: 'x', tty: true }] },
    })
  })

  test('three-way patches keep what others added and remove what was applied before', () => {
    const original = { metadata: { labels: { a: '1', b: '1' } }, spec: { containers: [{ name: 'a', image: 'x', env: [{ name: 'A', value: '1' }] }] } }
    const current = { metadata: { labels: { a: '1', b: '1', other: '1' } }, spec: { containers: [{ name: 'a', image: 'x', env: [{ name: 'A', value: '1' }], imagePullPolicy: 'Always' }, { name: 'injected' }] } }
    const modified = { metadata: { labels: { a: '2' } }, spec: { containers: [{ name: 'a', image: 'x' }] } }
    const patch = createThreeWayMergePatch(POD, original, modified, current)
    expect(patch).toEqual({ metadata: { labels: { a: '2', b: null } }, spec: { '$setElementOrder/containers': [{ name: 'a' }], containers: [{ name: 'a', env: null }] } })
    expect(applyStrategicMergePatch(POD, current, patch)).toEqual({ metadata: { labels: { a: '2', other: '1' } }, spec: { containers: [{ name: 'a', image: 'x', imagePullPolicy: 'Always' }, { name: 'injected' }] } })
  })
})
