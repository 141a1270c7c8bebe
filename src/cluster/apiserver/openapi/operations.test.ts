import { expect, test } from 'vitest'
import { customResourceKinds } from '../custom-resources/custom-resource-kind.ts'
import type { Definition } from '../custom-resources/definition.ts'
import { pathsOf } from './operations.ts'
import { pathItemV3 } from './path-items.ts'

function customPaths() {
  const names = { plural: 'widgets', kind: 'Widget', listKind: 'WidgetList' }
  const version = { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }
  const [kind] = customResourceKinds({ metadata: {}, spec: { group: 'example.com', scope: 'Namespaced', names, versions: [version] }, status: { acceptedNames: names } } as unknown as Definition, undefined)
  return pathsOf(kind!, () => undefined)
}

test('parameters that delete many custom resources mean what they mean for lists', () => {
  const operations = customPaths().get('/apis/example.com/v1/namespaces/{namespace}/widgets')!
  const [list, , remove] = operations
  expect([list!.action, remove!.action]).toEqual(['list', 'deletecollection'])
  expect({ scope: remove!.scope, query: remove!.query }).toEqual({ scope: list!.scope, query: list!.query })
})

test('the version that a custom resource is read at is described as for lists', () => {
  const path = '/apis/example.com/v1/namespaces/{namespace}/widgets/{name}'
  const { get } = pathItemV3(path, customPaths().get(path)!, { 'list:resourceVersion': 'not older than this' }) as { get: { parameters: { name: string; description?: string }[] } }
  expect(get.parameters.find(({ name }) => name === 'resourceVersion')!.description).toBe('not older than this')
})
