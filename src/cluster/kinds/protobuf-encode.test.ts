import { beforeAll, expect, test } from 'vitest'
import { deepFreeze } from '../../base/freeze.ts'
import { builtInKinds } from './index.ts'
import { decodeProtobuf } from './protobuf.ts'
import { encodeProtobuf } from './protobuf-encode.ts'
import { loadProtobufMessages, messageOf } from './protobuf-messages.ts'

beforeAll(loadProtobufMessages)

const hex = (bytes: Uint8Array | undefined) => Array.from(bytes ?? [], (byte) => byte.toString(16).padStart(2, '0')).join('')

test('an object is written byte for byte as kube-apiserver does', () => {
  const namespace = {
    kind: 'Namespace', apiVersion: 'v1',
    metadata: {
      name: 'default', uid: '038e3378-233f-45be-9e52-8dcc0647bed5', resourceVersion: '19', creationTimestamp: '2026-11-21T13:45:21Z', labels: { 'kubernetes.io/metadata.name': 'default' },
      managedFields: [{ manager: 'oracle3', operation: 'Update', apiVersion: 'v1', time: '2026-11-21T13:45:21Z', fieldsType: 'FieldsV1', fieldsV1: { 'f:metadata': { 'f:labels': { '.': {}, 'f:kubernetes.io/metadata.name': {} } } } }],
    },
    spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' },
  }
  const recorded = '6b3873000a0f0a02763112094e616d6573706163651281020ae6010a0764656661756c7412001a0022002a2430333865333337382d323333662d343562652d396535322d386463633036343762656435320231393800420808f1c086d80610005a260a1b6b756265726e657465732e696f2f6d657461646174612e6e616d65120764656661756c748a01760a076f7261636c653312065570646174651a027631220808f1c086d806100032084669656c647356313a490a477b22663a6d65746164617461223a7b22663a6c6162656c73223a7b222e223a7b7d2c22663a6b756265726e657465732e696f2f6d657461646174612e6e616d65223a7b7d7d7d7d4200120c0a0a6b756265726e657465731a080a064163746976651a002200'
  expect(hex(encodeProtobuf(namespace))).toBe(recorded)
  expect(hex(encodeProtobuf(deepFreeze(namespace)))).toBe(recorded)
})

test('what a schema leaves open stays open: Go writes pointers only where they point to something', () => {
  const definition = { kind: 'CustomResourceDefinition', apiVersion: 'apiextensions.k8s.io/v1', metadata: { name: 'c' }, spec: { versions: [{ name: 'v1', schema: { openAPIV3Schema: { type: 'object' } } }] } }
  const object = decodeProtobuf(encodeProtobuf(definition)!) as any
  const schema = object.spec.versions[0].schema.openAPIV3Schema
  for (const field of ['x-kubernetes-list-type', 'x-kubernetes-map-type', 'x-kubernetes-preserve-unknown-fields']) expect(schema).not.toHaveProperty([field])
})

test('what is written is read again: unions, numbers or texts, quantities, bytes, negative numbers, micro times, schemas', () => {
  const objects = [
    { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'p' }, spec: { volumes: [{ name: 'v', emptyDir: {} }], containers: [{ name: 'c', image: 'i', resources: { limits: { cpu: '1', memory: '64Mi' } }, livenessProbe: { httpGet: { path: '/', port: 'web' } } }], tolerations: [{ key: 'k', tolerationSeconds: -1 }] } },
    { kind: 'Service', apiVersion: 'v1', metadata: { name: 's' }, spec: { ports: [{ port: 80, targetPort: 8080 }], selector: { b: '2', a: 'ü' } } },
    { kind: 'Secret', apiVersion: 'v1', metadata: { name: 's' }, data: { k: 'AP8=' }, type: 'Opaque' },
    { kind: 'Lease', apiVersion: 'coordination.k8s.io/v1', metadata: { name: 'l' }, spec: { renewTime: '2019-01-01T00:00:00.123456Z' } },
    { kind: 'CustomResourceDefinition', apiVersion: 'apiextensions.k8s.io/v1', metadata: { name: 'c' }, spec: { versions: [{ name: 'v1', schema: { openAPIV3Schema: { type: 'object', properties: { a: { type: 'number', maximum: 1.5, default: 1 }, b: { additionalProperties: { type: 'string' } }, c: { items: { type: 'string' }, 'x-kubernetes-list-type': 'set' } } } } }] } },
    { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata: { resourceVersion: '5' }, items: [{ metadata: { name: 'a', deletionTimestamp: '2026-11-21T13:47:29Z' } }] },
  ]
  for (const object of objects) expect(decodeProtobuf(encodeProtobuf(object)!)).toMatchObject(object)
})

test('every built-in kind has a message, and so has its list; custom resources and tables have none', () => {
  for (const { group, version, kind, listKind, verbs } of builtInKinds) {
    const apiVersion = group ? `${group}/${version}` : version
    expect(messageOf(apiVersion, kind), kind).toBeDefined()
    if (verbs.includes('list')) expect(messageOf(apiVersion, listKind), listKind).toBeDefined()
  }
  expect(encodeProtobuf({ kind: 'Table', apiVersion: 'meta.k8s.io/v1' })).toBeUndefined()
  expect(encodeProtobuf({ kind: 'Widget', apiVersion: 'example.com/v1' })).toBeUndefined()
})
