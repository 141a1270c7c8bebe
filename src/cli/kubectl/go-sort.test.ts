import { expect, test } from 'vitest'
import { goSort } from './go-sort.ts'

const keys = (n: number, kinds: number) => Array.from({ length: n }, (_, i) => ({ i, key: (i * 7919) % kinds }))

test('everything is in order, whatever the input', () => {
  for (const n of [0, 1, 2, 12, 13, 49, 50, 51, 200, 1000]) for (const input of [keys(n, n + 1), keys(n, 3), keys(n, n + 1).reverse(), keys(n, 1)]) {
    const sorted = goSort(input, (a, b) => a.key < b.key).map((x) => x.key)
    expect(sorted).toEqual([...sorted].sort((a, b) => a - b))
  }
})

test('equal ones end where Go\'s sort.Sort leaves them', () => {
  expect(goSort(keys(12, 3), (a, b) => a.key < b.key).map((x) => x.i)).toEqual([0, 3, 6, 9, 2, 5, 8, 11, 1, 4, 7, 10])
  expect(goSort(keys(20, 3), (a, b) => a.key < b.key).map((x) => x.i)).toEqual([9, 18, 15, 3, 12, 0, 6, 5, 8, 11, 14, 2, 17, 7, 10, 4, 13, 16, 1, 19])
  expect(goSort(keys(60, 4), (a, b) => a.key < b.key).map((x) => x.i)).toEqual([
    52, 48, 56, 32, 4, 24, 28, 8, 16, 36, 0, 20, 12, 40, 44, 7, 15, 43, 47, 19, 11, 39, 51, 23, 55, 35, 3, 27, 59, 31, 30, 6, 26, 58, 34, 2, 22, 54, 38, 50, 18, 10, 42, 46, 14, 45, 17, 13, 41, 49, 21, 9, 29, 53, 37, 5, 25, 57, 33, 1,
  ])
})
