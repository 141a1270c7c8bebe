import { expect, test } from 'vitest'
import { packTables, unpackTables } from './export-file.ts'
import type { Tables } from './export-file.ts'
import { StoreError } from './store-error.ts'

/** A platform whose time passes by half a millisecond with each look at it. */
function countingPlatform() {
  let nowMs = 0
  let turns = 0
  return {
    monotonicMs: () => nowMs += 0.5,
    macrotask: (fn: () => void) => { turns++; setImmediate(fn) },
    turns: () => turns,
  }
}

const tables: Tables = {
  meta: [['time', 5], ['odd "name"', { $bytes: 'not bytes', list: [1, null, 'ü'] }]],
  files: [[['home', '/a'], { data: new Uint8Array([0, 255, 7]) }]],
  log: [],
  'kind/east/kvs': Array.from({ length: 200 }, (_, i) => [`/registry/pods/${i}`, { n: i }]),
}

test('what was packed comes out again, bytes and awkward names too', async () => {
  expect(await unpackTables(await packTables(tables, 3, countingPlatform()), 3)).toEqual(tables)
})

test('others get a turn every few milliseconds while a cluster is packed', async () => {
  const platform = countingPlatform()
  await packTables(tables, 3, platform)
  expect(platform.turns()).toBeGreaterThan(15)
})

test('a file of a later version is told from a damaged one', async () => {
  const packed = await packTables(tables, 4, countingPlatform())
  await expect(unpackTables(packed, 3)).rejects.toMatchObject({ kind: 'newer' })
  await expect(unpackTables(packed.subarray(0, 20), 4)).rejects.toThrow(StoreError)
})
