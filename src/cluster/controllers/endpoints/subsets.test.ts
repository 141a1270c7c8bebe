import { expect, test } from 'vitest'
import { fnv128a, packSubsets, subsetEntries, truncateSubsets, type SubsetPort } from './subsets.ts'

const addresses = (count: number, from = 1) => Array.from({ length: count }, (_, i) => ({ ip: `10.0.${(from + i) >> 8}.${(from + i) & 255}` }))

test('FNV-1a with 128 bits', () => {
  expect(fnv128a([])).toBe('6c62272e07bb014262b821756295c58d')
  expect(fnv128a(new TextEncoder().encode('hello world, this is a test'))).toBe('3be1b96b1b64c161870c54050033d86a')
})

test('addresses stand in the order of their text, ports in that of their hashes', () => {
  const ports: SubsetPort[] = [{ name: 'b', port: 8081, protocol: 'UDP' }, { name: 'c', port: 82, protocol: 'TCP', appProtocol: 'http' }]
  const packed = packSubsets(subsetEntries([{ addresses: [{ ip: '10.0.0.2' }, { ip: '10.0.0.10' }], ports }]))
  expect(packed).toEqual([{ addresses: [{ ip: '10.0.0.10' }, { ip: '10.0.0.2' }], ports: [ports[1], ports[0]] }])
})

test('an address that is not ready behind a port is not ready, whatever else says', () => {
  const ports: SubsetPort[] = [{ port: 80, protocol: 'TCP' }]
  expect(packSubsets(subsetEntries([{ notReadyAddresses: [{ ip: '10.0.0.1' }], ports }, { addresses: [{ ip: '10.0.0.1' }], ports }]))).toEqual([{ notReadyAddresses: [{ ip: '10.0.0.1' }], ports }])
})

test('of too many addresses each subset keeps its share', () => {
  const subsets = [{ addresses: addresses(1500), notReadyAddresses: addresses(3, 3000) }, { addresses: addresses(500, 2000) }]
  expect(truncateSubsets(subsets)).toBe(true)
  expect(subsets.map((subset) => [subset.addresses.length, subset.notReadyAddresses?.length ?? 0])).toEqual([[750, 0], [250, 0]])
  const unready = [{ addresses: addresses(900), notReadyAddresses: addresses(300, 2000) }, { notReadyAddresses: addresses(100, 3000) }]
  expect(truncateSubsets(unready)).toBe(true)
  expect(unready.map((subset) => [subset.addresses?.length ?? 0, subset.notReadyAddresses.length])).toEqual([[900, 75], [0, 25]])
})
