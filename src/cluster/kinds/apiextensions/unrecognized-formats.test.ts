import { expect, test } from 'vitest'
import { unrecognizedFormats } from './unrecognized-formats.ts'

test('formats that the server checks nowhere, or not for the type, are found wherever they stand', () => {
  const properties = {
    a: { type: 'string', format: 'date-time' }, b: { type: 'string', format: 'int32' }, c: { type: 'integer', format: 'int32' }, d: { type: 'number', format: 'int64' },
    list: { type: 'array', items: { type: 'string', format: 'made-up' } }, map: { type: 'object', additionalProperties: { anyOf: [{ format: 'int-or-string' }] } }, again: { type: 'string', format: 'made-up' }, name: { type: 'string', format: 'k8s-short-name' },
  }
  const version = (name: string) => ({ name, served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', properties } } })
  expect(unrecognizedFormats({ versions: [version('v1'), version('v2')] } as never)).toEqual(['int32', 'int64', 'made-up', 'int-or-string'])
})
