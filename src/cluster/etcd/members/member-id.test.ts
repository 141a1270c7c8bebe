import { expect, it } from 'vitest'
import { computeClusterId, computeMemberId } from './member-id.ts'

it('gives a member at etcd\'s default address, and the cluster that it founds, the numbers that they have everywhere', () => {
  const founder = computeMemberId(['http://localhost:2380'])
  expect([founder, computeClusterId([founder])].map((id) => BigInt(id).toString(16))).toEqual(['8e9e05c52164694d', 'cdf818194e3a8c32'])
})

it('gives a member that is added later a number of its own time, whatever the order of its addresses', () => {
  const addresses = ['https://10.0.0.3:2380', 'https://10.0.0.2:2380']
  expect(computeMemberId(addresses, 1_700_000_000)).toBe(computeMemberId([...addresses].reverse(), 1_700_000_000))
  expect(computeMemberId(addresses, 1_700_000_000)).not.toBe(computeMemberId(addresses, 1_700_000_001))
})
