import { expect, test } from 'vitest'
import { decodeObjectMeta } from './embedded-resources.ts'

test('what does not fit metadata is told in the order of its keys', () => {
  expect(() => decodeObjectMeta({ labels: { b: 42, a: ['x'] } })).toThrow('json: cannot unmarshal array into Go struct field ObjectMeta.labels of type string')
  expect(decodeObjectMeta({ name: 'a', zone: 1, extra: {} }).unknownFields).toEqual(['extra', 'zone'])
})
