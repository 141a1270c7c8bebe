import { expect, test } from 'vitest'
import { ClusterClock, rfc3339, rfc3339Micro } from './clock.ts'
import type { Platform } from './platform.ts'

/** A platform whose real time moves only by what the test says. */
function fakePlatform() {
  let nowMs = 0
  const timers: { dueMs: number; fn: () => void }[] = []
  const platform: Platform = {
    wallMs: () => 1_000_000 + nowMs,
    monotonicMs: () => nowMs,
    setTimer(fn, delayMs) {
      const timer = { dueMs: nowMs + delayMs, fn }
      timers.push(timer)
      return () => { const at = timers.indexOf(timer); if (at >= 0) timers.splice(at, 1) }
    },
    macrotask: (fn) => { setImmediate(fn) },
    randomBytes: (length) => new Uint8Array(length),
  }
  const pass = (ms: number) => {
    nowMs += ms
    for (let due = timers.findIndex((t) => t.dueMs <= nowMs); due >= 0; due = timers.findIndex((t) => t.dueMs <= nowMs)) timers.splice(due, 1)[0]!.fn()
  }
  return { platform, pass }
}

test('a running clock fires timers in order, at its speed', () => {
  const { platform, pass } = fakePlatform()
  const clock = new ClusterClock(platform, { scale: 10 })
  const fired: string[] = []
  clock.after(2_000, () => fired.push('late'))
  clock.after(1_000, () => fired.push('early'))
  clock.after(500, () => fired.push('cancelled')).cancel()
  pass(100)
  expect(fired).toEqual(['early'])
  expect(clock.nowMs()).toBe(1_001_000)
  pass(100)
  expect(fired).toEqual(['early', 'late'])
})

test('time stands still while the process does not run', () => {
  const { platform, pass } = fakePlatform()
  const clock = new ClusterClock(platform, { startMs: 0, scale: 10 })
  const fired: [string, number][] = []
  const renew = () => { fired.push(['renew', clock.nowMs()]); clock.after(10_000, renew) }
  clock.after(10_000, renew)
  clock.after(45_000, () => fired.push(['watch', clock.nowMs()]))
  pass(2_500)
  // Asleep for eight hours: no timer fires, and when it wakes a key comes before the first of them.
  const { monotonicMs } = platform
  let asleepMs = 8 * 3_600_000
  platform.monotonicMs = () => monotonicMs() + asleepMs
  expect(clock.nowMs()).toBe(35_000)
  expect(clock.nowMs()).toBe(35_000)
  pass(1_000)
  expect(fired).toEqual([['renew', 25_000], ['renew', 45_000], ['watch', 45_000]])
  // What is only a little late is late.
  asleepMs += 3_000
  expect(clock.nowMs()).toBe(75_000)
})

test('a paused clock stands still, goes on where it stopped, and keeps what was due', () => {
  const { platform, pass } = fakePlatform()
  const clock = new ClusterClock(platform)
  let fired = 0
  clock.after(100, () => fired++)
  pass(60)
  clock.pause()
  pass(1_000)
  expect([clock.nowMs(), fired]).toEqual([1_000_060, 0])
  clock.resume()
  pass(40)
  expect([clock.nowMs(), fired]).toEqual([1_000_100, 1])
})

test('a stepped clock jumps from timer to timer and lets the work between finish', async () => {
  const clock = new ClusterClock(fakePlatform().platform, { mode: 'paused', startMs: 0 })
  const seen: [string, number][] = []
  const run = async (name: string, everyMs: number) => { for (let i = 0; i < 3; i++) { await clock.sleep(everyMs); seen.push([name, clock.nowMs()]) } }
  void run('a', 1_000)
  void run('b', 1_500)
  await clock.advance(3_600)
  expect(seen).toEqual([['a', 1_000], ['b', 1_500], ['a', 2_000], ['b', 3_000], ['a', 3_000]])
  expect(clock.nowMs()).toBe(3_600)
})

test('until ends when the condition holds and fails when time runs out', async () => {
  const clock = new ClusterClock(fakePlatform().platform, { mode: 'paused', startMs: 0 })
  let ready = false
  clock.after(700, () => { ready = true })
  await clock.until(() => ready)
  expect(clock.nowMs()).toBe(700)
  await expect(clock.until(() => false, { withinMs: 50, what: 'the end' })).rejects.toThrow('the end not reached within 50 ms of cluster time')
})

test('time waits for work outside of it', async () => {
  const clock = new ClusterClock(fakePlatform().platform, { mode: 'paused', startMs: 0 })
  let done = 0
  void clock.outside(new Promise<void>((resolve) => { let turns = 20; const turn = () => { if (turns-- === 0) resolve(); else setImmediate(turn) }; turn() })).then(() => { done = clock.nowMs() })
  clock.after(100, () => {})
  await clock.advance(200)
  expect(done).toBe(0)
})

test('a sleep ends at once when its signal aborts', async () => {
  const clock = new ClusterClock(fakePlatform().platform, { mode: 'paused' })
  const aborter = new AbortController()
  const sleep = clock.sleep(1_000, aborter.signal)
  aborter.abort(new Error('enough'))
  await expect(sleep).rejects.toThrow('enough')
})

test('times are written as Kubernetes writes them', () => {
  expect(rfc3339(1_700_000_000_999)).toBe('2023-11-14T22:13:20Z')
  expect(rfc3339Micro(1_700_000_000_123.456)).toMatch(/^2023-11-14T22:13:20\.12345\dZ$/)
})

test('leisure comes with the first idle turn of the event loop, and in a rush after a while', async () => {
  const { platform, pass } = fakePlatform()
  const clock = new ClusterClock(platform)
  let turns = 0
  // Every turn takes 100 ms until the rush is over.
  const rush = (left: number) => { setImmediate(() => { turns++; pass(100); if (left > 1) rush(left - 1) }) }
  rush(3)
  await clock.leisure()
  expect(turns).toBe(3)
  pass(10)
  turns = 0
  rush(100)
  await clock.leisure()
  expect(turns).toBeGreaterThanOrEqual(30)
  expect(turns).toBeLessThan(40)
})

test('timers that are cancelled are not kept until they would have been due', async () => {
  const { platform } = fakePlatform()
  const clock = new ClusterClock(platform, { mode: 'paused' })
  const fired: number[] = []
  for (let i = 0; i < 20; i++) clock.after(1000 + i, () => fired.push(i))
  for (let i = 0; i < 10_000; i++) clock.after(60_000, () => fired.push(-1)).cancel()
  expect(clock.keptTimers).toBeLessThan(600)
  const late = clock.after(500, () => fired.push(100))
  await clock.advance(2000)
  late.cancel()
  expect(fired).toEqual([100, ...Array.from({ length: 20 }, (_, i) => i)])
})

test('who waits for a breath goes on in portions that fit into a turn', async () => {
  const { platform, pass } = fakePlatform()
  const clock = new ClusterClock(platform)
  const turns: number[] = []
  let turn = 0
  const count = () => { turn++; if (turns.length < 1_000) setImmediate(count) }
  count()
  pass(5)
  await Promise.all(Array.from({ length: 60 }, async (_, i) => {
    await clock.breathe()
    // Each goes on for 2 ms, in several steps.
    for (let step = 0; step < 4; step++) { await undefined; pass(0.5) }
    turns[i] = turn
  }))
  const perTurn = new Map<number, number>()
  for (const at of turns) perTurn.set(at, (perTurn.get(at) ?? 0) + 1)
  expect(Math.max(...perTurn.values())).toBeLessThanOrEqual(4)
  expect(turns).toEqual([...turns].sort((a, b) => a - b))
  turns.length = 1_000
})

test('patient work lets prompt work go first, and gets its part of the turns all the same', async () => {
  const { platform, pass } = fakePlatform()
  const clock = new ClusterClock(platform)
  pass(5)
  const order: string[] = []
  const waiting = [...Array.from({ length: 40 }, () => 'patient' as const), ...Array.from({ length: 80 }, () => 'prompt' as const)].map(async (lane) => {
    await clock.breathe(lane)
    pass(1)
    order.push(lane)
  })
  await Promise.all(waiting)
  const lastPrompt = order.lastIndexOf('prompt')
  const patientBefore = order.slice(0, lastPrompt).filter((lane) => lane === 'patient').length
  expect(order.slice(0, 4)).toEqual(['prompt', 'prompt', 'prompt', 'prompt'])
  expect(patientBefore).toBeGreaterThan(5)
  expect(patientBefore).toBeLessThan(20)
  expect(order).toHaveLength(120)
  // Nobody waits by now.
  let isDone = false
  void clock.breathe('patient').then(() => { isDone = true })
  await undefined
  expect(isDone).toBe(true)
})
