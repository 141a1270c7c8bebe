import { expect, test } from 'vitest'
import { deepFreeze } from '../../../base/freeze.ts'
import { EMPTY_SET, unionOf } from './field-set.ts'
import { rememberingPairs, sharedSet } from './field-set-table.ts'

test('equal sets are one frozen object, whatever the order they were found in', () => {
  const a = sharedSet({ 'f:b': EMPTY_SET, '.': EMPTY_SET, 'f:a': sharedSet({ 'f:x': EMPTY_SET }) })
  const b = sharedSet({ 'f:a': sharedSet({ 'f:x': EMPTY_SET }), 'f:b': EMPTY_SET, '.': EMPTY_SET })
  expect(a).toBe(b)
  expect(Object.keys(a)).toEqual(['.', 'f:a', 'f:b'])
  expect(Object.isFrozen(a)).toBe(true)
  expect(sharedSet({ 'f:a': EMPTY_SET, 'f:b': EMPTY_SET, '.': EMPTY_SET })).not.toBe(a)
  expect(sharedSet({})).toBe(EMPTY_SET)
})

test('an operation on two frozen sets is carried out once', () => {
  let calls = 0
  const union = rememberingPairs((a, b) => { calls++; return unionOf(a, b) })
  const [a, b] = [sharedSet({ 'f:a': EMPTY_SET }), sharedSet({ 'f:b': EMPTY_SET })]
  expect(union(a, b)).toEqual({ 'f:a': {}, 'f:b': {} })
  expect(union(a, b)).toBe(union(a, b))
  expect(calls).toBe(1)
  // What may change is asked anew.
  const loose = { 'f:a': EMPTY_SET }
  union(loose, b)
  union(loose, b)
  expect(calls).toBe(3)
  expect(union(deepFreeze({ 'f:a': EMPTY_SET }), b)).toEqual({ 'f:a': {}, 'f:b': {} })
})


test('what holds a pod\'s address is not kept for others', () => {
  const ips = (ip: string) => sharedSet({ 'f:podIPs': sharedSet({ '.': EMPTY_SET, [`k:{"ip":"${ip}"}`]: EMPTY_SET }), 'f:phase': EMPTY_SET })
  expect(ips('10.0.0.1')).not.toBe(ips('10.0.0.1'))
  expect(Object.keys(ips('10.0.0.1'))).toEqual(['f:phase', 'f:podIPs'])
  let calls = 0
  const union = rememberingPairs((a, b) => { calls++; return unionOf(a, b) })
  const own = deepFreeze(ips('10.0.0.1'))
  const common = sharedSet({ 'f:a': EMPTY_SET })
  union(own, common)
  union(own, common)
  expect(calls).toBe(2)
})
