import { expect, test } from 'vitest'
import { bareContainerId, containerIdText } from './container-id.ts'

test('what names no container has no id', () => {
  expect(bareContainerId(containerIdText('cri-o', 'abc'))).toBe('abc')
  expect(['', 'abc', undefined].map(bareContainerId)).toEqual(['', '', ''])
})
