import { describe, expect, test } from 'vitest'
import { deepFreeze } from '../../../base/freeze.ts'
import type { Kind } from '../kind.ts'
import type { KubeObject } from '../object.ts'
import { StatusError } from '../status-error.ts'
import { trackUpdate } from './managed-fields.ts'
import { throughScale } from './scale-managers.ts'
import { serverSideApply } from './server-side-apply.ts'

const configMapKind = { schema: 'io.k8s.api.core.v1.ConfigMap', group: '', version: 'v1', kind: 'ConfigMap', subresources: {} } as unknown as Kind
const serviceKind = { schema: 'io.k8s.api.core.v1.Service', group: '', version: 'v1', kind: 'Service', subresources: { status: { verbs: [] } } } as unknown as Kind
const podKind = { schema: 'io.k8s.api.core.v1.Pod', group: '', version: 'v1', kind: 'Pod', subresources: { status: { verbs: [] } } } as unknown as Kind
const deploymentKind = { schema: 'io.k8s.api.apps.v1.Deployment', group: 'apps', version: 'v1', kind: 'Deployment', subresources: { status: { verbs: [] } } } as unknown as Kind
const at = (s: number) => `2026-01-01T00:00:0${s}Z`
const config = (data: Record<string, unknown> | undefined, more = {}): KubeObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', ...more }, ...(data ? { data } : {}) })
const store = (object: KubeObject): KubeObject => deepFreeze({ ...object, metadata: { ...object.metadata, uid: 'u' } })
const apply = (live: KubeObject | undefined, applied: unknown, manager: string, second = 0, force = false) => store(serverSideApply({ kind: configMapKind, live, applied, manager, time: at(second), force }).object)
const failure = (run: () => unknown) => { try { run() } catch (e) { return (e as StatusError).status } return undefined }

describe('server-side apply', () => {
  test('creates with ownership of what the configuration names', () => {
    const { object } = serverSideApply({ kind: configMapKind, live: undefined, applied: config({ k: '1' }), manager: 'one', time: at(0) })
    expect(object).toEqual({ ...config({ k: '1' }), metadata: { name: 'a', managedFields: [{ manager: 'one', operation: 'Apply', apiVersion: 'v1', time: at(0), fieldsType: 'FieldsV1', fieldsV1: { 'f:data': { 'f:k': {} } } }] } })
  })

  test('removes what it applied before unless another manager applies it too', () => {
    let live = apply(undefined, config({ k: '1', l: '2', m: '3' }), 'one')
    live = apply(live, config({ l: '2' }), 'two', 1)
    // Changes nothing, so the new entry has no time, as upstream.
    expect(live.metadata.managedFields![0]).toEqual({ manager: 'two', operation: 'Apply', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: { 'f:data': { 'f:l': {} } } })
    live = apply(live, config({ k: '1' }), 'one', 2)
    expect(live.data).toEqual({ k: '1', l: '2' })
    expect(apply(live, config(undefined), 'one', 3).data).toEqual({ l: '2' })
  })

  test('refuses to take a field, unless forced', () => {
    const live = apply(undefined, config({ k: '1', l: '1' }), 'one')
    expect(failure(() => apply(live, config({ k: '2' }), 'two', 1))).toMatchObject({
      code: 409, reason: 'Conflict', message: 'Apply failed with 1 conflict: conflict with "one": .data.k', details: { causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.data.k' }] },
    })
    const forced = apply(live, config({ k: '2' }), 'two', 1, true)
    expect(forced.data).toEqual({ k: '2', l: '1' })
    expect(forced.metadata.managedFields!.map((e) => [e.manager, e.fieldsV1])).toEqual([['one', { 'f:data': { 'f:l': {} } }], ['two', { 'f:data': { 'f:k': {} } }]])
  })

  test('names list items by their keys, defaults included', () => {
    const service = (targetPort: number) => ({ apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, spec: { ports: [{ port: 80, targetPort }] } })
    const made = serverSideApply({ kind: serviceKind, live: undefined, applied: service(80), manager: 'one', time: at(0) })
    expect(made.managedFields![0]!.fieldsV1).toEqual({ 'f:spec': { 'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:port': {}, 'f:targetPort': {} } } } })
    const live = store({ ...made.object, spec: { ...made.object.spec, ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }] } })
    expect(failure(() => serverSideApply({ kind: serviceKind, live, applied: service(81), manager: 'two', time: at(1) }))!.message).toBe('Apply failed with 1 conflict: conflict with "one": .spec.ports[port=80,protocol="TCP"].targetPort')
  })

  test('explains configurations that do not fit the schema', () => {
    expect(failure(() => apply(undefined, config({ k: 1 }), 'one'))).toMatchObject({ code: 500, message: 'failed to create typed patch object (/a; /v1, Kind=ConfigMap): .data.k: expected string, got &value.valueUnstructured{Value:1}' })
    expect(failure(() => apply(undefined, { ...config(undefined), data: 'text' }, 'one'))!.message).toBe('failed to create typed patch object (/a; /v1, Kind=ConfigMap): .data: expected map, got &{text}')
    expect(failure(() => apply(undefined, { metadata: { name: 'a' } }, 'one'))).toMatchObject({ code: 400, message: 'invalid object type: /, Kind=' })
    const template = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { containers: [{ name: 'a' }, { name: 'a' }] } }
    expect(failure(() => serverSideApply({ kind: podKind, live: undefined, applied: template, manager: 'm', time: at(0) }))!.message).toBe('failed to create typed patch object (/p; /v1, Kind=Pod): .spec.containers: duplicate entries for key [name="a"]')
  })
})

describe('what upstream does beside the rule', () => {
  test('a manager keeps the map that it owns as such when another empties it', () => {
    let live = apply(undefined, config({ k: '1' }), 'one')
    live = apply(live, config({}), 'two', 1)
    live = apply(live, config(undefined), 'one', 2)
    expect(live.data).toBeUndefined()
    expect(live.metadata.managedFields!.map((e) => [e.manager, e.fieldsV1])).toEqual([['two', { 'f:data': {} }]])
  })

  test('conflicts with a manager\'s scale are told before those with itself', () => {
    const entry = (subresource: string, fieldsV1: object) => ({ manager: 'a', operation: 'Update' as const, apiVersion: 'apps/v1', fieldsType: 'FieldsV1', fieldsV1, ...(subresource && { subresource }) })
    const spec = { replicas: 1, paused: true }
    const live = store({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd', managedFields: [entry('', { 'f:spec': { 'f:paused': {} } }), entry('scale', { 'f:spec': { 'f:replicas': {} } })] as never }, spec })
    const applied = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' }, spec: { replicas: 2, paused: false } }
    expect(failure(() => serverSideApply({ kind: deploymentKind, live, applied, manager: 'b', time: at(1) }))!.message)
      .toBe('Apply failed with 2 conflicts: conflicts with "a" with subresource "scale" using apps/v1:\n- .spec.replicas\nconflicts with "a" using apps/v1:\n- .spec.paused')
  })

  test('kubectl gets nothing from client-side apply when the object has duplicates', () => {
    const pod = (env: object[], image: string) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image, ...(env.length && { env }) }] } })
    const live = (env: object[]) => {
      const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(pod([], 'x')) }
      const managedFields = [{ manager: 'kubectl-client-side-apply', operation: 'Update', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: { 'f:spec': { 'f:containers': { 'k:{"name":"c"}': { '.': {}, 'f:image': {}, 'f:name': {} } } } } }]
      return store({ ...pod(env, 'x'), metadata: { name: 'p', annotations, managedFields: managedFields as never } })
    }
    const applied = (env: object[]) => failure(() => serverSideApply({ kind: podKind, live: live(env), applied: pod([], 'y'), manager: 'kubectl', time: at(1) }))
    expect(applied([{ name: 'A' }])).toBeUndefined()
    expect(applied([{ name: 'A' }, { name: 'A' }])!.message).toBe('Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using v1: .spec.containers[name="c"].image')
  })

  test('entries that somebody wrote by hand are put in order, the last of two alike counts', () => {
    const entry = (operation: string, field: string) => ({ manager: 'm', operation, apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: { 'f:data': { [`f:${field}`]: {} } } })
    const old = store(config({ k: '1', l: '2' }, { managedFields: [entry('Apply', 'k'), entry('Update', 'l')] }))
    const updated = config({ k: '1', l: '2' }, { managedFields: [entry('Update', 'k'), entry('Update', 'l')] })
    expect(trackUpdate({ kind: configMapKind, old, updated, manager: 'other', time: at(1) })).toEqual([entry('Update', 'l')])
  })
})

describe('scales', () => {
  const update = (managers: object[], from: number, to: number) => {
    const deployment = (replicas: number) => ({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd', managedFields: managers as never }, spec: { replicas } })
    return trackUpdate({ kind: deploymentKind, old: store(deployment(from)), updated: deployment(to), manager: 'b', subresource: 'scale', time: '' })
  }
  const entry = (fieldsV1: object, more: object = {}) => ({ manager: 'a', operation: 'Update', apiVersion: 'apps/v1', fieldsType: 'FieldsV1', fieldsV1, ...more })
  const replicas = { 'f:spec': { 'f:replicas': {} } }

  test('replicas of nobody stay nobody\'s', () => {
    const others = [entry({ 'f:spec': { 'f:paused': {} } })]
    expect(update(others, 1, 2)).toEqual(others)
    expect(update([entry(replicas)], 1, 2)).toEqual([entry(replicas, { manager: 'b', subresource: 'scale' })])
    expect(update([entry(replicas)], 1, 0)).toBeUndefined()
  })

  test('split what those own who only wrote', () => {
    expect(throughScale([entry({ 'f:spec': { 'f:paused': {}, 'f:replicas': {} } }, { time: at(1) })] as never)).toEqual([entry(replicas), entry({ 'f:spec': { 'f:paused': {} } }, { time: at(1) })])
    const applied = [entry(replicas, { operation: 'Apply', time: at(1) })] as never
    expect(throughScale(applied)).toBe(applied)
  })
})

describe('tracking other writes', () => {
  const track = (old: KubeObject | undefined, updated: KubeObject, manager: string, second: number) => trackUpdate({ kind: configMapKind, old, updated, manager, time: at(second) })

  test('a creation owns all it sets, maps included, but not what Go has anyway', () => {
    expect(track(undefined, config({ k: '1' }), 'w', 0)).toEqual([{ manager: 'w', operation: 'Update', apiVersion: 'v1', time: at(0), fieldsType: 'FieldsV1', fieldsV1: { 'f:data': { '.': {}, 'f:k': {} } } }])
    const deployment: KubeObject = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' }, spec: { selector: { matchLabels: { a: 'b' } }, strategy: { type: 'Recreate' }, template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', resources: {} }] } } }, status: {} }
    expect(trackUpdate({ kind: deploymentKind, old: undefined, updated: deployment, manager: 'w', time: at(0) })![0]!.fieldsV1).toEqual({
      'f:spec': { 'f:selector': {}, 'f:strategy': { 'f:type': {} }, 'f:template': { 'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } }, 'f:spec': { 'f:containers': { 'k:{"name":"c"}': { '.': {}, 'f:name': {}, 'f:resources': {} } } } } },
    })
  })

  test('a change takes fields from others; no change keeps the very list', () => {
    const first = store({ ...config({ k: '1', l: '1' }), metadata: { name: 'a', managedFields: track(undefined, config({ k: '1', l: '1' }), 'w', 0) as never } })
    expect(track(first, { ...first, metadata: { name: 'a' } }, 'x', 1)).toBe(first.metadata.managedFields)
    const second = track(first, { ...config({ k: '2' }), metadata: { name: 'a' } }, 'x', 1)!
    expect(second.map((e) => [e.manager, e.time, e.fieldsV1])).toEqual([['w', at(0), { 'f:data': {} }], ['x', at(1), { 'f:data': { 'f:k': {} } }]])
    expect(failure(() => apply(store({ ...config({ k: '2' }), metadata: { name: 'a', managedFields: second as never } }), config({ k: '3' }), 'one', 2))!.message).toBe('Apply failed with 1 conflict: conflict with "x" using v1: .data.k')
  })

  test('status writes own status only', () => {
    const old = store({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', managedFields: [{ manager: 'w', operation: 'Update', apiVersion: 'v1', time: at(0), fieldsType: 'FieldsV1', fieldsV1: { 'f:spec': { 'f:nodeName': {} } } }] }, spec: { nodeName: 'n' } })
    const entries = trackUpdate({ kind: podKind, old, updated: { ...old, spec: { nodeName: 'other' }, status: { phase: 'Running' } }, manager: 'kubelet', subresource: 'status', time: at(1) })!
    expect(entries[1]).toEqual({ manager: 'kubelet', operation: 'Update', apiVersion: 'v1', subresource: 'status', time: at(1), fieldsType: 'FieldsV1', fieldsV1: { 'f:status': { '.': {}, 'f:phase': {} } } })
    expect(entries[0]).toBe(old.metadata.managedFields![0])
  })
})
