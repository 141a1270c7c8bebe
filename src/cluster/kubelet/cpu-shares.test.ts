import { expect, test } from 'vitest'
import { shareCpu } from './cpu-shares.ts'

test('busy containers share the cores of their node by what they request', () => {
  const busy = (count: number) => Array.from({ length: count }, () => ({ wanted: 4, requestMillis: 500 }))
  expect([1, 2, 3, 4].map((count) => shareCpu(busy(count), 2).map((cores) => Number(cores.toFixed(2))))).toEqual([[2], [1, 1], [0.67, 0.67, 0.67], [0.5, 0.5, 0.5, 0.5]])
})

test('who wants less than its share leaves the rest to the others, and who requests nothing gets what is left', () => {
  expect(shareCpu([{ wanted: 0.1, requestMillis: 500 }, { wanted: 4, requestMillis: 500 }], 2)).toEqual([0.1, 1.9])
  const [idle, greedy] = shareCpu([{ wanted: 2, requestMillis: 1000 }, { wanted: 2, requestMillis: 0 }], 2)
  expect(idle).toBeCloseTo(1.996, 3)
  expect(greedy).toBeCloseTo(0.004, 3)
})
