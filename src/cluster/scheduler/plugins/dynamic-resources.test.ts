import { afterEach, expect, test } from 'vitest'
import { findCondition } from '../../client/conditions.ts'
import { RESOURCE_CLAIMS, RESOURCE_SLICES } from '../../client/resource-claims.ts'
import { startTestControlPlane, type TestControlPlane } from '../../controllers/test-control-plane.ts'
import type { Device, DeviceRequest, Pod, ResourceResourceClaim } from '../../kinds/generated/types.ts'

let plane: TestControlPlane
let errors: string[]
afterEach(() => {
  plane.stop()
  expect(errors).toEqual([])
})

const DRIVER = 'gpu.example.com'

async function start(devices: Record<string, Partial<Device>[]>): Promise<void> {
  errors = []
  plane = await startTestControlPlane({ onLog: (entry) => { if (entry.level === 'error') errors.push(JSON.stringify(entry)) } })
  await plane.api.create('serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'default' } }).catch(() => {})
  await plane.api.create('deviceclasses.resource.k8s.io', { apiVersion: 'resource.k8s.io/v1', kind: 'DeviceClass', metadata: { name: DRIVER }, spec: { selectors: [{ cel: { expression: `device.driver == "${DRIVER}"` } }], extendedResourceName: 'example.com/gpu' } } as any)
  for (const [node, list] of Object.entries(devices)) {
    await plane.addNode(node)
    await plane.api.create(RESOURCE_SLICES, {
      apiVersion: 'resource.k8s.io/v1', kind: 'ResourceSlice', metadata: { name: `${node}-slice` },
      spec: { driver: DRIVER, nodeName: node, pool: { name: node, generation: 1, resourceSliceCount: 1 }, devices: list.map((device, i) => ({ name: `gpu-${i}`, attributes: { index: { int: i }, model: { string: 'LATEST-GPU-MODEL' } }, capacity: { memory: { value: '80Gi' } }, ...device })) },
    } as any)
  }
  plane.runPods()
}

const template = (name: string, request: Partial<DeviceRequest>['exactly'] | object = {}) => plane.api.create('resourceclaimtemplates.resource.k8s.io', {
  apiVersion: 'resource.k8s.io/v1', kind: 'ResourceClaimTemplate', metadata: { name, namespace: 'default' }, spec: { metadata: { labels: { of: name } }, spec: { devices: { requests: [{ name: 'gpu', exactly: { deviceClassName: DRIVER, ...request } }] } } },
} as any)
const claim = (name: string, devices: object) => plane.api.create(RESOURCE_CLAIMS, { apiVersion: 'resource.k8s.io/v1', kind: 'ResourceClaim', metadata: { name, namespace: 'default' }, spec: { devices } } as any)
const pod = (name: string, from: object, extra: object = {}) => plane.api.create<Pod>('pods', {
  apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default' },
  spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image: 'nginx', resources: { claims: [{ name: 'gpu' }] } }], resourceClaims: [{ name: 'gpu', ...from }], ...extra },
} as unknown as Pod)
const get = (name: string) => plane.api.get<Pod>('pods', name, 'default')
const bound = (name: string) => async () => Boolean((await get(name)).spec.nodeName)
const why = async (name: string) => findCondition((await get(name)).status?.conditions, 'PodScheduled')?.message
const claimOf = async (name: string) => plane.api.get<ResourceResourceClaim>(RESOURCE_CLAIMS, (await get(name)).status!.resourceClaimStatuses![0]!.resourceClaimName!, 'default')
const devicesOf = ({ status }: ResourceResourceClaim) => (status.allocation?.devices?.results ?? []).map(({ pool, device }) => `${pool}/${device}`)

test('pods get claims of their own from a template, the devices they ask for, and leave them to the next', async () => {
  await start({ one: [{}, {}] })
  await template('single')
  for (const name of ['a', 'b', 'c']) await pod(name, { resourceClaimTemplateName: 'single' })
  await plane.clock.until(async () => (await Promise.all(['a', 'b', 'c'].map((name) => bound(name)()))).filter(Boolean).length === 2, { withinMs: 10_000 })
  await plane.clock.settle()
  const names = ['a', 'b', 'c']
  const isBound = await Promise.all(names.map((name) => bound(name)()))
  const waiting = names[isBound.indexOf(false)]!
  const [first] = names.filter((name) => name !== waiting)
  expect(await why(waiting)).toBe('0/1 nodes are available: 1 cannot allocate all claims. still not schedulable, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.')
  const own = await claimOf(first!)
  expect(own.metadata).toMatchObject({ annotations: { 'resource.kubernetes.io/pod-claim-name': 'gpu' }, labels: { of: 'single' }, finalizers: ['resource.kubernetes.io/delete-protection'], generateName: `${first}-gpu-`, ownerReferences: [{ kind: 'Pod', name: first, controller: true }] })
  expect(own.status).toMatchObject({
    allocation: { allocationTimestamp: expect.any(String), devices: { results: [{ request: 'gpu', driver: DRIVER, pool: 'one' }] }, nodeSelector: { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['one'] }] }] } },
    reservedFor: [{ resource: 'pods', name: first }],
  })
  await plane.api.delete('pods', first!, 'default')
  await plane.clock.until(bound(waiting), { withinMs: 30_000 })
  expect(devicesOf(await claimOf(waiting))).toEqual(devicesOf(own))
})

test('selectors, counts and constraints decide which devices and so which node', async () => {
  await start({
    one: [{ attributes: { numa: { int: 0 }, model: { string: 'old' } } }, { attributes: { numa: { int: 1 }, model: { string: 'old' } } }],
    two: [{ attributes: { numa: { int: 0 }, version: { version: '1.2.0' } } }, { attributes: { numa: { int: 1 }, version: { version: '1.2.0' } } }, { attributes: { numa: { int: 1 }, version: { version: '1.10.0' } } }],
  })
  const exactly = { deviceClassName: DRIVER, count: 2 }
  await claim('same-numa', { requests: [{ name: 'pair', exactly }], constraints: [{ matchAttribute: `${DRIVER}/numa` }] })
  await claim('newer', { requests: [{ name: 'gpu', exactly: { deviceClassName: DRIVER, selectors: [{ cel: { expression: `has(device.attributes["${DRIVER}"].version) && device.attributes["${DRIVER}"].version.isGreaterThan(semver("1.9.0")) && !("other.com" in device.attributes)` } }] } }] })
  await claim('broken', { requests: [{ name: 'gpu', exactly: { deviceClassName: DRIVER, selectors: [{ cel: { expression: `device.attributes["${DRIVER}"].nothing == 1` } }] } }] })
  await pod('pair', { resourceClaimName: 'same-numa' })
  await plane.clock.until(bound('pair'), { withinMs: 10_000 })
  expect(devicesOf(await plane.api.get(RESOURCE_CLAIMS, 'same-numa', 'default'))).toEqual(['two/gpu-1', 'two/gpu-2'])
  await pod('newer', { resourceClaimName: 'newer' })
  await pod('broken', { resourceClaimName: 'broken' })
  await plane.clock.settle()
  expect(await why('newer')).toBe('0/2 nodes are available: 2 cannot allocate all claims. still not schedulable, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.')
  expect(await why('broken')).toBe('running "DynamicResources" filter plugin: claim default/broken: selector #0: CEL runtime error: no such key: nothing')
  expect(errors.splice(0).every((entry) => entry.includes('no such key: nothing'))).toBe(true)
  await plane.api.delete('pods', 'pair', 'default')
  await plane.clock.until(bound('newer'), { withinMs: 30_000 })
  expect(devicesOf(await plane.api.get(RESOURCE_CLAIMS, 'newer', 'default'))).toEqual(['two/gpu-2'])
})

test('a request takes the first alternative that can be had', async () => {
  await start({ one: [{ capacity: { memory: { value: '10Gi' } } }, { capacity: { memory: { value: '10Gi' } } }] })
  const large = { cel: { expression: `device.capacity["${DRIVER}"].memory.compareTo(quantity("40Gi")) >= 0` } }
  await claim('some', { requests: [{ name: 'gpu', firstAvailable: [{ name: 'large', deviceClassName: DRIVER, selectors: [large] }, { name: 'small', deviceClassName: DRIVER, count: 2 }] }], config: [{ requests: ['gpu/small'], opaque: { driver: DRIVER, parameters: { a: 1 } } }, { requests: ['gpu/large'], opaque: { driver: DRIVER, parameters: { a: 2 } } }] })
  await pod('some', { resourceClaimName: 'some' })
  await plane.clock.until(bound('some'), { withinMs: 10_000 })
  const { status } = await plane.api.get<ResourceResourceClaim>(RESOURCE_CLAIMS, 'some', 'default')
  expect(status.allocation!.devices!.results!.map(({ request }) => request)).toEqual(['gpu/small', 'gpu/small'])
  expect(status.allocation!.devices!.config).toEqual([{ source: 'FromClaim', requests: ['gpu/small'], opaque: { driver: DRIVER, parameters: { a: 1 } } }])
})

test('tainted devices go to those who tolerate the taint, and all devices to who asks for all', async () => {
  await start({ one: [{ taints: [{ key: 'broken', effect: 'NoSchedule', value: 'yes' }] } as Partial<Device>, {}, {}] })
  await template('all', { allocationMode: 'All' })
  await template('all-tolerant', { allocationMode: 'All', tolerations: [{ key: 'broken', operator: 'Exists' }] })
  await pod('all', { resourceClaimTemplateName: 'all' })
  await plane.clock.settle()
  expect(await bound('all')()).toBe(false)
  await pod('tolerant', { resourceClaimTemplateName: 'all-tolerant' })
  await plane.clock.until(bound('tolerant'), { withinMs: 10_000 })
  expect(devicesOf(await claimOf('tolerant'))).toEqual(['one/gpu-0', 'one/gpu-1', 'one/gpu-2'])
})

test('shares of one device go to several claims until its capacity is used up', async () => {
  await start({ one: [{ allowMultipleAllocations: true, capacity: { memory: { value: '10Gi', requestPolicy: { default: '1Gi', validRange: { min: '1Gi', step: '1Gi' } } } } } as Partial<Device>] })
  await template('share', { capacity: { requests: { memory: '3584Mi' } } })
  for (const name of ['a', 'b']) await pod(name, { resourceClaimTemplateName: 'share' })
  await plane.clock.until(async () => await bound('a')() && await bound('b')(), { withinMs: 10_000 })
  const [a, b] = [await claimOf('a'), await claimOf('b')]
  expect(a.status.allocation!.devices!.results![0]).toMatchObject({ consumedCapacity: { memory: '4Gi' }, shareID: expect.stringMatching(/^[0-9a-f-]{36}$/) })
  expect(a.status.allocation!.devices!.results![0]!.shareID).not.toBe(b.status.allocation!.devices!.results![0]!.shareID)
  await pod('c', { resourceClaimTemplateName: 'share' })
  await plane.clock.settle()
  expect(await bound('c')()).toBe(false)
})

test('partitions of a device can be had as far as its counters go', async () => {
  await start({ one: [] })
  const slice = (name: string, spec: object) => plane.api.create(RESOURCE_SLICES, { apiVersion: 'resource.k8s.io/v1', kind: 'ResourceSlice', metadata: { name }, spec: { driver: DRIVER, nodeName: 'one', pool: { name: 'parts', generation: 1, resourceSliceCount: 2 }, ...spec } } as any)
  const part = (name: string, memory: string) => ({ name, consumesCounters: [{ counterSet: 'gpu-1', counters: { memory: { value: memory } } }] })
  await slice('parts-counters', { sharedCounters: [{ name: 'gpu-1', counters: { memory: { value: '40Gi' } } }] })
  await slice('parts-devices', { devices: [part('whole', '40Gi'), part('half-0', '20Gi'), part('half-1', '20Gi')] })
  await template('half', { selectors: [{ cel: { expression: '!device.allowMultipleAllocations' } }], count: 2 })
  await pod('halves', { resourceClaimTemplateName: 'half' })
  await plane.clock.until(bound('halves'), { withinMs: 10_000 })
  expect(devicesOf(await claimOf('halves'))).toEqual(['parts/half-0', 'parts/half-1'])
  await template('any')
  await pod('any', { resourceClaimTemplateName: 'any' })
  await plane.clock.settle()
  expect(await bound('any')()).toBe(false)
})

test('an extended resource that a class stands for is had as devices', async () => {
  await start({ one: [{}, {}] })
  const container = (name: string, gpus: number) => ({ name, image: 'nginx', resources: { limits: { 'example.com/gpu': gpus } } })
  const make = (name: string, ...containers: object[]) => plane.api.create<Pod>('pods', { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default' }, spec: { terminationGracePeriodSeconds: 0, containers } } as unknown as Pod)
  await make('gpus', container('a', 1), container('b', 1))
  await plane.clock.until(bound('gpus'), { withinMs: 10_000 })
  const { extendedResourceClaimStatus } = (await get('gpus')).status!
  expect(extendedResourceClaimStatus!.requestMappings).toEqual([{ containerName: 'a', requestName: 'container-0-request-0', resourceName: 'example.com/gpu' }, { containerName: 'b', requestName: 'container-1-request-0', resourceName: 'example.com/gpu' }])
  const made = await plane.api.get<ResourceResourceClaim>(RESOURCE_CLAIMS, extendedResourceClaimStatus!.resourceClaimName, 'default')
  expect(made.metadata).toMatchObject({ generateName: 'gpus-extended-resources-', annotations: { 'resource.kubernetes.io/extended-resource-claim': 'true' } })
  expect(devicesOf(made)).toEqual(['one/gpu-0', 'one/gpu-1'])
  await make('more', container('a', 1))
  await plane.clock.settle()
  expect(await bound('more')()).toBe(false)
  await plane.api.delete('pods', 'gpus', 'default')
  await plane.clock.until(bound('more'), { withinMs: 60_000 })
})

test('a pod waits in silence for its claim, and says what is wrong with its template', async () => {
  await start({ one: [{}] })
  await pod('waits', { resourceClaimName: 'later' })
  await pod('no-template', { resourceClaimTemplateName: 'missing' })
  await plane.clock.settle()
  expect(await why('waits')).toBeUndefined()
  const events = (await plane.api.list('events', { namespace: 'default' })).items as any[]
  expect(events.filter(({ involvedObject }) => involvedObject.name === 'waits')).toEqual([])
  expect(events.find(({ reason }) => reason === 'FailedResourceClaimCreation')).toMatchObject({ type: 'Warning', source: { component: 'resource_claim' }, message: 'PodResourceClaim gpu: resource claim template "missing": resourceclaimtemplate.resource.k8s.io "missing" not found' })
  expect(errors.splice(0).every((entry) => entry.includes('missing'))).toBe(true)
  await claim('later', { requests: [{ name: 'gpu', exactly: { deviceClassName: 'none' } }] })
  await plane.clock.settle()
  expect(await why('waits')).toBe('0/1 nodes are available: request gpu: device class none does not exist. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.')
})

test('a claim that pods share stays allocated until the last one is gone, and can be deleted only then', async () => {
  await start({ one: [{}] })
  await claim('shared', { requests: [{ name: 'gpu', exactly: { deviceClassName: DRIVER } }] })
  for (const name of ['a', 'b']) await pod(name, { resourceClaimName: 'shared' })
  await plane.clock.until(async () => await bound('a')() && await bound('b')(), { withinMs: 20_000 })
  const current = () => plane.api.get<ResourceResourceClaim>(RESOURCE_CLAIMS, 'shared', 'default')
  expect((await current()).status.reservedFor!.map(({ name }) => name).sort()).toEqual(['a', 'b'])
  await plane.api.delete('pods', 'a', 'default')
  await plane.clock.settle()
  expect((await current()).status).toMatchObject({ reservedFor: [{ name: 'b' }], allocation: {} })
  await plane.api.delete(RESOURCE_CLAIMS, 'shared', 'default')
  await plane.clock.settle()
  expect((await current()).metadata.deletionTimestamp).toBeDefined()
  await plane.api.delete('pods', 'b', 'default')
  await plane.clock.settle()
  await expect(current()).rejects.toMatchObject({ reason: 'NotFound' })
})

test('a taint that nobody tolerates takes pods off their devices, others after their time', async () => {
  await start({ one: [{}, {}, {}] })
  await template('plain')
  await template('patient', { tolerations: [{ key: 'hot', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 60 }] })
  await template('tolerant', { tolerations: [{ operator: 'Exists' , effect: 'NoExecute' }] })
  for (const name of ['plain', 'patient', 'tolerant']) await pod(name, { resourceClaimTemplateName: name })
  await plane.clock.until(async () => (await Promise.all(['plain', 'patient', 'tolerant'].map((name) => bound(name)()))).every(Boolean), { withinMs: 10_000 })
  const slice = await plane.api.get<any>(RESOURCE_SLICES, 'one-slice')
  const disruptions: unknown[] = []
  const watch = plane.api.watch<Pod>('pods', { namespace: 'default', resourceVersion: (await plane.api.list('pods')).metadata.resourceVersion! }, (events) => {
    for (const { object } of events) disruptions.push(...(object as Pod).status?.conditions?.filter(({ type }) => type === 'DisruptionTarget') ?? [])
  })
  await plane.api.update(RESOURCE_SLICES, { ...slice, spec: { ...slice.spec, devices: slice.spec.devices.map((device: Device) => ({ ...device, taints: [{ key: 'hot', effect: 'NoExecute' }] })) } })
  await plane.clock.advance(5_000)
  watch.stop()
  expect(disruptions[0]).toEqual({ type: 'DisruptionTarget', status: 'True', lastProbeTime: null, lastTransitionTime: expect.any(String), reason: 'DeletionByDeviceTaintManager', message: 'Device Taint manager: deleting due to NoExecute taint' })
  const there = async () => (await plane.api.list<Pod>('pods', { namespace: 'default' })).items.map(({ metadata }) => metadata.name!).sort()
  expect(await there()).toEqual(['patient', 'tolerant'])
  await plane.clock.advance(60_000)
  expect(await there()).toEqual(['tolerant'])
  const events = (await plane.api.list('events', { namespace: 'default' })).items as any[]
  expect(events.filter(({ reason }) => reason === 'DeviceTaintManagerEviction').map(({ involvedObject, message }) => `${involvedObject.name}: ${message}`).sort()).toEqual(['patient: Marking for deletion', 'plain: Marking for deletion'])
})
