import { expect, it } from 'vitest'
import { Random } from '../../base/random.ts'
import { IdRanges } from './id-ranges.ts'

it('pods of a node have ranges that do not overlap, and nodes choose by chance', () => {
  const one = new IdRanges(new Random('one'))
  const firsts = Array.from({ length: 110 }, (_, i) => one.firstOf(`pod${i}`))
  expect(new Set(firsts).size).toBe(110)
  expect(firsts.every((first) => first >= 65_536 && first % 65_536 === 0)).toBe(true)
  expect(one.firstOf('pod7')).toBe(firsts[7])
  one.release('pod7')
  expect(one.firstOf('new')).toBe(firsts[7])
  expect(new IdRanges(new Random('other')).firstOf('pod0')).not.toBe(firsts[0])
})
