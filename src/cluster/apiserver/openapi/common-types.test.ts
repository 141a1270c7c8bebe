import { expect, test } from 'vitest'
import { commonKindsOf } from './common-types.ts'

const DELETE_OPTIONS = 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions'
const namesOf = (of: Parameters<typeof commonKindsOf>[1]) => commonKindsOf(DELETE_OPTIONS, of)!.map(({ group, version }) => `${group}/${version}`)

test('a built-in kind\'s document names its own version of the common types, a custom resource\'s those of all clients', () => {
  expect(namesOf({ group: 'apps', version: 'v1' })).toEqual(['/v1', 'apps/v1'])
  const custom = namesOf({ group: 'example.com', version: 'v1', custom: {} })
  expect(custom).toHaveLength(53)
  expect(custom).toContain('apps/v1beta2')
  expect(custom).not.toContain('apiextensions.k8s.io/v1')
  expect(namesOf(undefined)).toContain('apiextensions.k8s.io/v1')
})
