import { expect, test } from 'vitest'
import type { KubeObject } from '../object.ts'
import type { Schema } from '../schema-table.ts'
import { addMergeSchema, mergeType } from './merge-type.ts'
import { compareObjects } from './typed-value.ts'
import { comparisonsInVersions, renamedVersions, VersionProblem, withConvertedVersions } from './object-versions.ts'

const schemaWith = (field: string): Schema => ({ type: 'object', properties: { spec: { type: 'object', properties: { [field]: { type: 'string' } } } } } as Schema)
addMergeSchema('test.v1.Widget', schemaWith('host'))
addMergeSchema('test.v2.Widget', schemaWith('address'))
const types = (apiVersion: string) => apiVersion === 'g.example.com/v1' || apiVersion === 'g.example.com/v2' ? mergeType(`test.${apiVersion.split('/')[1]}.Widget`) : undefined
const widget = (spec: object): KubeObject => ({ apiVersion: 'g.example.com/v2', kind: 'Widget', metadata: { name: 'a' }, spec }) as KubeObject

test('without a webhook an object keeps fields that the other version has no place for, and so has no form there', () => {
  const versions = renamedVersions(types)
  expect(versions.convert(widget({}), 'g.example.com/v1').object).toMatchObject({ apiVersion: 'g.example.com/v1' })
  expect(() => versions.convert(widget({ address: 'x' }), 'g.example.com/v1')).toThrow('.spec.address: field not declared in schema')
  expect(() => versions.convert(widget({}), 'g.example.com/v9')).toThrow(new VersionProblem('request to convert CR to an invalid group/version: g.example.com/v9'))
})

test('a change is compared in every version in which somebody owns fields', async () => {
  const convert = async (object: KubeObject, apiVersion: string) => ({ ...object, apiVersion, spec: { host: (object['spec'] as { address: string }).address } }) as KubeObject
  let runs = 0
  const found = await withConvertedVersions(types, convert, (versions) => {
    runs++
    return comparisonsInVersions(['g.example.com/v1', 'g.example.com/v2'], 'g.example.com/v2', widget({ address: 'x' }), widget({ address: 'y' }), versions)
  })
  expect([...found!.keys()]).toEqual(['g.example.com/v1'])
  expect(found!.get('g.example.com/v1')!.modified).toEqual({ 'f:spec': { 'f:host': {} } })
  // Once for each conversion that was missing, and once with both.
  expect(runs).toBe(3)
})

test('where no schema says what a value is, a value of another form takes the place of all that lay below', () => {
  const type = mergeType('test.unknown.Type')
  expect(compareObjects({ x: { z: { w: 1 } } }, { x: [1] }, type)).toEqual({ removed: { 'f:x': { 'f:z': { '.': {}, 'f:w': {} } } }, modified: { 'f:x': {} }, added: {} })
  expect(compareObjects({ x: 1 }, { x: { z: 2 } }, type)).toEqual({ removed: {}, modified: { 'f:x': {} }, added: { 'f:x': { 'f:z': {} } } })
})
