import { expect, test } from 'vitest'
import type { JsonSchema } from '../../kinds/structural/json-schema.ts'
import { customResourceSchemas, withoutV3Only } from './custom-resource-schemas.ts'
import type { Definition } from './definition.ts'

function schemasOf(properties: Record<string, JsonSchema>) {
  const version = { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', properties } } }
  const names = { plural: 'widgets', kind: 'Widget', listKind: 'WidgetList' }
  return customResourceSchemas({ metadata: {}, spec: { group: 'example.com', scope: 'Namespaced', names, versions: [version] }, status: { acceptedNames: names } } as unknown as Definition, version)
}

test('an integer or string says what it may be, beside alternatives of its own', () => {
  const both = [{ type: 'integer' }, { type: 'string' }]
  const { properties } = schemasOf({ a: { 'x-kubernetes-int-or-string': true }, b: { 'x-kubernetes-int-or-string': true, anyOf: [{ pattern: 'x' }] }, c: { 'x-kubernetes-int-or-string': true, anyOf: both } })['com.example.v1.Widget']!
  expect(properties!['a']).toEqual({ 'x-kubernetes-int-or-string': true, anyOf: both })
  expect(properties!['b']).toEqual({ 'x-kubernetes-int-or-string': true, allOf: [{ anyOf: both }], anyOf: [{ pattern: 'x' }] })
  expect(properties!['c']).toEqual({ 'x-kubernetes-int-or-string': true, anyOf: both })
})

test('OpenAPI v2 leaves out defaults, and what embedded resources with any fields must have', () => {
  const shown = withoutV3Only(schemasOf({
    d: { type: 'string', default: 'x' }, e: { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
  })['com.example.v1.Widget']!)
  expect(shown.properties!['d']).toEqual({ type: 'string' })
  expect(shown.properties!['e']).toEqual({ 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true })
})
