import { expect, test } from 'vitest'
import { HeavyFiles } from './heavy-files.ts'

test('small files are written with every change, big ones the rarer the bigger they are, and never forgotten', () => {
  let nowMs = 0
  let timers: { atMs: number; fn: () => void }[] = []
  const heavy = new HeavyFiles({
    realMs: () => nowMs,
    setTimer: (fn, delayMs) => {
      const timer = { atMs: nowMs + delayMs, fn }
      timers.push(timer)
      return () => { timers = timers.filter((other) => other !== timer) }
    },
  })
  const writes: string[] = []
  const change = (key: string, bytes: number) => heavy.changed(key, () => {
    writes.push(`${key} ${nowMs}`)
    heavy.written(key, bytes)
  })
  for (; nowMs < 20_000; nowMs += 100) {
    for (const timer of timers.filter(({ atMs }) => atMs <= nowMs)) { timers = timers.filter((other) => other !== timer); timer.fn() }
    if (nowMs < 10_000) {
      change('small', 1_000)
      change('big', 4_000_000)
    }
  }
  expect(writes.filter((write) => write.startsWith('small'))).toHaveLength(100)
  expect(writes.filter((write) => write.startsWith('big'))).toEqual(['big 0', 'big 4000', 'big 8000', 'big 12000'])
  change('big', 4_000_000)
  change('big', 4_000_000)
  heavy.release((key) => key === 'small')
  expect(timers).toHaveLength(1)
  heavy.release()
  expect(writes.filter((write) => write.startsWith('big')).slice(4)).toEqual(['big 20000', 'big 20000'])
  expect(timers).toEqual([])
})
