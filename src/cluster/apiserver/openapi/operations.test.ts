import { expect, test } from 'vitest'
import { customResourceKinds } from '../custom-resources/custom-resource-kind.ts'
import type { Definition } from '../custom-resources/definition.ts'
import { pathsOf } from './operations.ts'

test('parameters that delete many custom resources mean what they mean for lists', () => {
  const names = { plural: 'widgets', kind: 'Widget', listKind: 'WidgetList' }
  const version = { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }
  const [kind] = customResourceKinds({ metadata: {}, spec: { group: 'example.com', scope: 'Namespaced', names, versions: [version] }, status: { acceptedNames: names } } as unknown as Definition, undefined)
  const operations = pathsOf(kind!, () => undefined).get('/apis/example.com/v1/namespaces/{namespace}/widgets')!
  const [list, , remove] = operations
  expect([list!.action, remove!.action]).toEqual(['list', 'deletecollection'])
  expect({ scope: remove!.scope, query: remove!.query }).toEqual({ scope: list!.scope, query: list!.query })
})
