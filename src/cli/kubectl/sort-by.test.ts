import { expect, test } from 'vitest'
import type { KubeObject } from '../../cluster/kinds/object.ts'
import { sortedBy } from './sort-by.ts'

const objects = (...values: unknown[]) => values.map((v, i) => ({ apiVersion: 'v1', kind: 'K', metadata: { name: String(i) }, spec: { v } }) as KubeObject)
const order = (values: unknown[], inRows = false) => sortedBy(objects(...values), '.spec.v', (o) => o, inRows).map((o) => o['spec'].v)

test('amounts, numbers and texts each in their own order', () => {
  expect(order(['1Gi', '100m', '2'])).toEqual(['100m', '2', '1Gi'])
  expect(order([10, 9, 1])).toEqual([1, 9, 10])
  expect(order(['b', 'a'])).toEqual(['a', 'b'])
})

test('what has no order is refused, rows and objects by other words', () => {
  expect(() => order([true, false], true)).toThrow('Field {.spec.v} in [][][]reflect.Value is an unsortable type: interface, err: unsortable type: bool')
  expect(() => order(['25%', 1])).toThrow('Field {.spec.v} in *unstructured.Unstructured is an unsortable type: interface, err: unsortable interface: interface')
  expect(() => order([1.5, 2])).toThrow('err: unsortable interface: interface')
  expect(() => order([{}, {}], true)).toThrow('err: unsortable type: map[string]interface {}')
})
