import { expect, test } from 'vitest'
import { StoreError, problemOf } from './store-error.ts'

test('no room and no permission are told from damage', () => {
  expect(problemOf(new DOMException('the quota has been exceeded', 'QuotaExceededError'))).toBe('full')
  expect(problemOf(new DOMException('access denied', 'SecurityError'))).toBe('denied')
  expect(problemOf(new StoreError('newer', 'version 9'))).toBe('newer')
  expect(problemOf(new TypeError('x is undefined'))).toBeUndefined()
  // A connection that another tab made us close is no matter of permission.
  expect(problemOf(new DOMException('the connection is closing', 'InvalidStateError'))).toBeUndefined()
  expect(problemOf(undefined)).toBeUndefined()
})
