import { describe, expect, it } from 'vitest'
import { kindOf } from './index.ts'
import type { KubeObject } from './object.ts'
import { validateCreate, validateStatusUpdate, validateUpdate } from './validate.ts'

/** The messages that the API server itself gives, all at once and in this order. */
const kind = (object: KubeObject) => kindOf(object.apiVersion, object.kind)!
const created = (object: any) => validateCreate(kind(object), object).map(({ message }) => message)
const meta = { name: 'a', namespace: 'default', resourceVersion: '1' }

const claim = (devices: object) => ({ apiVersion: 'resource.k8s.io/v1', kind: 'ResourceClaim', metadata: meta, spec: { devices } })
const slice = (spec: object) => ({ apiVersion: 'resource.k8s.io/v1', kind: 'ResourceSlice', metadata: { name: 'a' }, spec: { driver: 'd.example.com', pool: { name: 'p', generation: 1, resourceSliceCount: 1 }, ...spec } })
const job = (spec: object, status: object = {}) => ({
  apiVersion: 'batch/v1', kind: 'Job', metadata: meta, status,
  spec: { manualSelector: true, selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec: { containers: [], restartPolicy: 'Never' } }, ...spec },
})

describe('device claims', () => {
  it.each([
    ['neither form of a request', { requests: [{ name: 'a' }] }, ['spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required']],
    ['a count where all are asked for', { requests: [{ name: 'a', exactly: { deviceClassName: 'c', allocationMode: 'All', count: 1 } }] }, ["spec.devices.requests[0].exactly.count: Invalid value: 1: must not be specified when allocationMode is 'All'"]],
    ['a name twice', { requests: [1, 2].map((count) => ({ name: 'a', exactly: { deviceClassName: 'c', allocationMode: 'ExactCount', count } })) }, ['spec.devices.requests[1]: Duplicate value: "a"']],
    ['a constraint on no request', { requests: [], constraints: [{ requests: ['b'], matchAttribute: 'd.com/x' }] }, [
      'spec.devices.constraints[0].requests[0]: Invalid value: "b": must be the name of a request in the claim or the name of a request and a subrequest separated by \'/\'',
    ]],
    ['a selector of the wrong type', { requests: [{ name: 'a', exactly: { deviceClassName: 'c', allocationMode: 'All', selectors: [{ cel: { expression: 'device.driver' } }] } }] }, [
      'spec.devices.requests[0].exactly.selectors[0].cel.expression: Invalid value: "device.driver": must evaluate to bool or the unknown type, not string',
    ]],
  ])('%s', (_, devices, messages) => expect(created(claim(devices))).toEqual(messages))

  it('shows a changed spec in its internal form', () => {
    const [before, after] = [claim({}), claim({ requests: [{ name: 'a', firstAvailable: [{ name: 'b', deviceClassName: 'c', allocationMode: 'ExactCount', count: 1 }] }] })] as any[]
    expect(validateUpdate(kind(after), after, before).map(({ message }) => message)).toEqual([
      'spec: Invalid value: {"Devices":{"Requests":[{"Name":"a","Exactly":null,"FirstAvailable":[{"Name":"b","DeviceClassName":"c","Selectors":null,"AllocationMode":"ExactCount","Count":1,"Tolerations":null,"Capacity":null}]}],"Constraints":null,"Config":null}}: field is immutable',
    ])
  })
})

describe('device slices', () => {
  it.each([
    ['no place', {}, ['spec: Required value: exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required']],
    ['two places', { nodeName: 'n', allNodes: true }, ['spec: Invalid value: "{`nodeName`, `allNodes`}": exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required, but multiple fields are set']],
    ['no semantic version', { nodeName: 'n', devices: [{ name: 'd', attributes: { v: { version: '1.2' } } }] }, ['spec.devices[0].attributes[v].version: Invalid value: "1.2": must be a string compatible with semver.org spec 2.0.0']],
    ['a default outside its range', { nodeName: 'n', devices: [{ name: 'd', allowMultipleAllocations: true, capacity: { m: { value: '8', requestPolicy: { default: '1', validRange: { min: '2' } } } } }] }, [
      'spec.devices[0].capacity[m].requestPolicy.validRange.min: Invalid value: "1": default is less than min: 2',
    ]],
  ])('%s', (_, spec, messages) => expect(created(slice(spec))).toEqual(messages))
})

describe('statuses of jobs', () => {
  const changed = (status: object, before: object = {}, spec: object = {}) => {
    const [now, old] = [job(spec, status), job(spec, before)] as any[]
    return validateStatusUpdate(kind(now), now, old).map(({ message }) => message)
  }
  const done = (...types: string[]) => ({ conditions: types.map((type) => ({ type, status: 'True' })) })

  it.each([
    ['more ready than active', { ready: 2, active: 1 }, {}, ['status.ready: Invalid value: 2: cannot set more ready pods than active']],
    ['an end without its time', { ...done('Complete', 'SuccessCriteriaMet'), startTime: '2026-01-01T00:00:00Z' }, {}, ['status.completionTime: Required value: completionTime is required for Complete jobs']],
    ['an end taken back', { failed: 1 }, { failed: 2, ...done('Failed', 'FailureTarget') }, [
      'status.conditions: Invalid value: cannot disable the terminal Failed=True condition', 'status.conditions: Invalid value: cannot disable the terminal FailureTarget=True condition', 'status.failed: Invalid value: 1: cannot decrease the failed counter',
    ]],
    ['indexes of a job without', { completedIndexes: '0' }, {}, ['status.completedIndexes: Invalid value: "0": cannot set non-empty completedIndexes when non-indexed completion mode']],
  ])('%s', (_, status, before, messages) => expect(changed(status, before)).toEqual(messages))
})

it('looks at what a driver says of the network of a device', () => {
  const before: any = claim({ requests: [] })
  const status = { allocation: { devices: { results: [{ request: 'r', driver: 'd.example.com', pool: 'p', device: 'd' }] } }, devices: [{ driver: 'd.example.com', pool: 'p', device: 'd', networkData: { interfaceName: 'x'.repeat(257), hardwareAddress: 'x'.repeat(129), ips: ['10.1.2.3', '10.1.2.3/24', '2001:DB8::1/64'] } }] }
  expect(validateStatusUpdate(kind(before), { ...before, status }, before).map(({ message }) => message).filter((message) => message.includes('networkData'))).toEqual([
    'status.devices[0].networkData.interfaceName: Too long: may not be more than 256 bytes', 'status.devices[0].networkData.hardwareAddress: Too long: may not be more than 128 bytes',
    'status.devices[0].networkData.ips[0]: Invalid value: "10.1.2.3": must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)', 'status.devices[0].networkData.ips[2]: Invalid value: "2001:DB8::1/64": must be in canonical form ("2001:db8::1/64")',
  ])
})

describe('pods that are gated', () => {
  const gated = (spec: object): any => ({ apiVersion: 'v1', kind: 'Pod', metadata: meta, spec: { containers: [{ name: 'c', image: 'i', terminationMessagePolicy: 'File', imagePullPolicy: 'Always' }], restartPolicy: 'Always', dnsPolicy: 'ClusterFirst', terminationGracePeriodSeconds: 30, schedulerName: 's', securityContext: {}, schedulingGates: [{ name: 'a' }], ...spec } })
  const term = (...values: string[]) => ({ matchExpressions: values.map((value) => ({ key: 'k', operator: 'In', values: [value] })) })
  const affine = (...nodeSelectorTerms: object[]) => ({ affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } } })
  const changed = (before: object, after: object) => validateUpdate(kind(gated({})), gated(after), gated(before)).map(({ message }) => message)
  const terms = 'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms'
  it.each([
    ['may get more to match', affine(term('a')), affine(term('a', 'b')), []],
    ['may get a first affinity', {}, affine(term('a')), []],
    ['keep what they had to match', affine(term('a', 'b')), affine(term('a')), [`${terms}[0]: Invalid value: {"MatchExpressions":[{"Key":"k","Operator":"In","Values":["a"]}],"MatchFields":null}: only additions are allowed (no mutations or deletions)`]],
    ['keep their terms', affine(term('a')), {}, [`${terms}: Invalid value: null: no additions/deletions to non-empty NodeSelectorTerms list are allowed`]],
    ['keep their node selector', { nodeSelector: { a: 'b' } }, { nodeSelector: { a: 'c' } }, ['spec.nodeSelector: Invalid value: {"a":"c"}: only additions to spec.nodeSelector are allowed (no mutations or deletions)']],
  ])('%s', (_, before, after, messages) => expect(changed(before, after)).toEqual(messages))
})

it('finds devices and claims that a pod names twice', () => {
  const before: any = { apiVersion: 'v1', kind: 'Pod', metadata: meta, spec: { containers: [{ name: 'c', image: 'i', resources: { requests: { 'x/y': '1' } } }] } }
  const resource = { resourceID: 'd', health: 'Healthy' }
  const mapping = { containerName: 'c', resourceName: 'x/y', requestName: 'r' }
  const status = { containerStatuses: [{ name: 'c', allocatedResourcesStatus: [{ name: 'x/y', resources: [resource, resource] }] }], extendedResourceClaimStatus: { resourceClaimName: 'n', requestMappings: [mapping, mapping] } }
  expect(validateStatusUpdate(kind(before), { ...before, status }, before).map(({ field, type }) => `${field} ${type}`)).toEqual(expect.arrayContaining([
    'status.containerStatuses[0].allocatedResourcesStatus[0].resources[1].resourceID FieldValueDuplicate', ...['containerName', 'resourceName', 'requestName'].map((name) => `status.extendedResourceClaimStatus.requestMappings[1].${name} FieldValueDuplicate`),
  ]))
})

it('matches what a container has of devices with what it asks for', () => {
  const before: any = { apiVersion: 'v1', kind: 'Pod', metadata: meta, spec: { containers: [{ name: 'c', image: 'i', resources: { requests: { 'x/y': '1' }, claims: [{ name: 'a', request: 'r' }, { name: 'b' }] } }] } }
  const healths = [...['x/y', 'claim:a/r', 'claim:b', 'x/z', 'claim:a'].map((name) => ({ name, resources: [] })), { name: 'x/y', resources: [{ resourceID: 'd', health: 'Healthy', message: 'm'.repeat(1025) }] }]
  const status = { containerStatuses: [{ name: 'c', allocatedResourcesStatus: healths }, { name: 'gone', allocatedResourcesStatus: [{ name: 'x/z' }] }] }
  const at = 'status.containerStatuses[0].allocatedResourcesStatus'
  expect(validateStatusUpdate(kind(before), { ...before, status }, before).map(({ message }) => message).filter((message) => message.includes('allocatedResourcesStatus'))).toEqual([
    `${at}[3].name: Invalid value: "x/z": must match one of the container's resource requests`,
    `${at}[4].name: Invalid value: "claim:a": must match one of the container's resource claims in a format 'claim:<claimName>/<request>' or 'claim:<claimName>' if request is empty`,
    `${at}[5].resources[0].message: Too long: may not be more than 1024 bytes`,
  ])
})

describe('nodes and claims', () => {
  const node = (status: object) => ({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'a' }, spec: {}, status })
  const claimStatus = (status: object) => {
    const before: any = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: meta, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } }
    return validateStatusUpdate(kind(before), { ...before, status }, before).map(({ message }) => message)
  }
  it.each([
    ['swap of no size', { nodeInfo: { swap: { capacity: 0 } } }, ['metadata.nodeSwapStatus.capacity: Invalid value: 0: must be greater than zero']],
    ['a long feature', { declaredFeatures: [`A${'b'.repeat(253)}`] }, [`status.declaredFeatures[0]: Invalid value: "A${'b'.repeat(253)}": invalid feature name "A${'b'.repeat(253)}": must be no more than 253 characters`]],
  ])('%s', (_, status, messages) => expect(created(node(status))).toEqual(messages))
  it('looks at the size of swap wherever a node as a whole is written, but not in what a kubelet says of its status', () => {
    const [before, after]: any[] = [{}, { nodeInfo: { swap: { capacity: 0 } } }].map((status) => ({ ...node(status), metadata: { name: 'a', resourceVersion: '1' } }))
    expect(validateUpdate(kind(before), after, before).map(({ message }) => message)).toEqual(['metadata.nodeSwapStatus.capacity: Invalid value: 0: must be greater than zero'])
    expect(validateStatusUpdate(kind(before), after, before)).toEqual([])
  })
  it('shows sizes below zero as numbers', () => expect(claimStatus({ capacity: { storage: '-1Ki' }, allocatedResources: { storage: '-1' } })).toEqual([
    'status.capacity[storage]: Invalid value: -1024: must be a valid resource quantity', 'status.allocatedResources[storage]: Invalid value: -1: must be a valid resource quantity',
  ]))
})
