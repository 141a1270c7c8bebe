import { expect, test } from 'vitest'
import { decodeValue, parseBody, strictErrors } from './decode.ts'

test('strictness tells of duplicate and unknown fields in the order of the text', () => {
  const body = parseBody('{"foo":1,"name":"a","bar":{},"name":"b","labels":{"x":"1","x":"2"}}', 'json')
  const { unknownFields } = decodeValue('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta', body.value)
  expect(strictErrors(body, unknownFields)).toEqual(['unknown field "foo"', 'unknown field "bar"', 'duplicate field "name"', 'duplicate field "labels.x"'])
})
