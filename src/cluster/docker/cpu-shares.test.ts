import { expect, test } from 'vitest'
import { cpusetOf, sharedCpu } from './cpu-shares.ts'

const demand = (id: string, percent: number, weight = 1024, cpuset = '') => ({ id, percent, weight, cpuset })

test('busy containers share by their weights, and nobody gets more than it wants', () => {
  expect(Object.fromEntries(sharedCpu([demand('a', 400), demand('b', 400, 512), demand('idle', 10)], 1))).toEqual({ a: 60, b: 30, idle: 10 })
  expect(Object.fromEntries(sharedCpu([demand('a', 100), demand('b', 100, 512)], 4))).toEqual({ a: 100, b: 100 })
})

test('those bound to the same processor share it', () => {
  const got = sharedCpu([demand('a', 100, 1024, '0'), demand('b', 100, 512, '0'), demand('c', 300)], 4)
  expect(got.get('a')! / got.get('b')!).toBeCloseTo(2)
  expect(got.get('c')).toBe(300)
})

test('lists of processors', () => {
  expect(cpusetOf('0-2,4')).toEqual([0, 1, 2, 4])
  expect(cpusetOf('x')).toBeUndefined()
})
