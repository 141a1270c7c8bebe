import { expect, test } from 'vitest'
import { deepFreeze } from '../../base/freeze.ts'
import { decodeObject } from './decode.ts'
import { applyDefaults } from './defaults.ts'
import { kindOf } from './index.ts'
import type { KubeObject } from './object.ts'

const secret = kindOf('v1', 'Secret')!
const pod = kindOf('v1', 'Pod')!

test('no bytes in a map are empty bytes', () => {
  expect(decodeObject(secret, { metadata: { name: 'a' }, data: { key: null } }).object['data']).toEqual({ key: '' })
})

test('text for a secret may have any name', () => {
  const { object } = decodeObject(secret, JSON.parse('{"metadata":{"name":"a"},"stringData":{"__proto__":"x"}}'))
  applyDefaults(secret, object)
  expect(Object.entries(object['data'])).toEqual([['__proto__', 'eA==']])
  expect(Object.getPrototypeOf(object['data'])).toBe(Object.prototype)
})

test('what is the same as in a known object is shared, but for the object and its metadata', () => {
  const known = deepFreeze(decodeObject(pod, { metadata: { name: 'a', labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'i' }] }, status: { phase: 'Pending' } }).object) as KubeObject
  const { object } = decodeObject(pod, { ...known, status: { phase: 'Running', qosClass: 'BestEffort', unknown: 1 } }, known)
  expect(object['spec']).toBe(known['spec'])
  expect(object.metadata).not.toBe(known.metadata)
  expect(object.metadata.labels).toBe(known.metadata.labels)
  expect(object['status']).toEqual({ phase: 'Running', qosClass: 'BestEffort' })
})

test('fields come out in the order of their Go type, in whatever order they were given, with those that are never left out', () => {
  const decoded = decodeObject(pod, { spec: { nodeName: 'n', containers: [{ image: 'i', name: 'c' }], volumes: null }, metadata: { namespace: 'd', name: 'p' }, kind: 'Pod', apiVersion: 'v1' }).object
  expect(JSON.stringify(decoded)).toBe('{"kind":"Pod","apiVersion":"v1","metadata":{"name":"p","namespace":"d"},"spec":{"containers":[{"name":"c","image":"i","resources":{}}],"nodeName":"n"},"status":{}}')
})

test('deep values whose fields are out of order are read once', () => {
  const crd = kindOf('apiextensions.k8s.io/v1', 'CustomResourceDefinition')!
  let schema: object = { type: 'string', description: 'innermost' }
  for (let depth = 0; depth < 60; depth++) schema = { type: 'object', properties: { a: schema }, description: 'x' }
  const { object } = decodeObject<any>(crd, { kind: 'CustomResourceDefinition', apiVersion: 'apiextensions.k8s.io/v1', spec: { versions: [{ schema: { openAPIV3Schema: schema }, name: 'v1' }] } })
  expect(JSON.stringify(object.spec.versions[0].schema).match(/"description":"x","type":"object"/g)).toHaveLength(60)
})
