import { expect, test } from 'vitest'
import { ClusterClock } from './clock.ts'
import { testPlatform } from './test-platform.ts'
import { textStream } from './text-stream.ts'

test('a long text is made while it is read, and no further than it is read', async () => {
  let made = 0
  function* pieces(): Generator<string> {
    for (let i = 0; i < 50; i++) { made++; yield 'x'.repeat(10_000) }
  }
  const reader = textStream(pieces(), new ClusterClock(testPlatform)).getReader()
  expect(made).toBe(0)
  expect((await reader.read()).value!.length).toBe(70_000)
  expect(made).toBe(7)
  let length = 70_000
  for (let part = await reader.read(); !part.done; part = await reader.read()) length += part.value.length
  expect(length).toBe(500_000)
})

test('a text of no pieces ends at once', async () => {
  expect((await textStream([], new ClusterClock(testPlatform)).getReader().read()).done).toBe(true)
})
