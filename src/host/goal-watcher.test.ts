import { expect, test } from 'vitest'
import type { Platform } from '../base/platform.ts'
import type { Etcd } from '../cluster/etcd/etcd.ts'
import type { Ask } from '../lessons/check.ts'
import { parseGoalCondition } from '../lessons/goal.ts'
import { GoalWatcher } from './goal-watcher.ts'

/** A watcher whose timers run when the test says so, and whose own cluster never changes. */
function watcher(further: () => { ask?: Ask } | undefined) {
  let timers: (() => void)[] = []
  const platform = { setTimer: (fn: () => void) => { timers.push(fn); return () => { timers = timers.filter((other) => other !== fn) } } } as unknown as Platform
  const etcd = { onCommit: () => () => {} } as unknown as Etcd
  const watch = new GoalWatcher({ platform, etcd, further, ask: async () => ({ status: 404, body: '{}' }) })
  const elapse = async () => {
    for (const fn of timers.splice(0)) fn()
    for (let i = 0; i < 20; i++) await Promise.resolve()
  }
  return { watch, elapse, waiting: () => timers.length }
}
const goal = (line: string) => ({ text: line, source: line, condition: parseGoalCondition(line) })

test('goals about a further cluster are looked at again and again, for its changes are told by nobody', async () => {
  let pods: number | undefined
  const ask: Ask = async () => ({ status: 200, body: JSON.stringify({ items: Array.from({ length: pods ?? 0 }, () => ({})) }) })
  const { watch, elapse, waiting } = watcher(() => pods === undefined ? undefined : { ask })
  const told: (boolean | undefined)[][] = []
  watch.watch([goal('in kind/east pods count == 2'), goal('cluster kind/east absent')], (states) => { told.push(states.map(({ met }) => met)) })
  await elapse()
  pods = 1
  await elapse()
  pods = 2
  await elapse()
  pods = undefined
  await elapse()
  expect(told).toEqual([[false, true], [false, false], [true, false], [false, true]])
  watch.stop()
  expect(waiting()).toBe(0)
})

test('a goal about the first cluster waits for a commit and asks no clock', async () => {
  const { watch, waiting } = watcher(() => undefined)
  watch.watch([goal('pod/a exists')], () => {})
  expect(waiting()).toBe(0)
})

test('nothing is asked again and again while nobody sees a page, and at once when somebody does', async () => {
  let asked = 0
  const ask: Ask = async () => { asked++; return { status: 200, body: JSON.stringify({ items: [] }) } }
  const { watch, elapse, waiting } = watcher(() => ({ ask }))
  watch.watch([goal('in kind/east pods count == 2')], () => {})
  await elapse()
  watch.isSeen = false
  // A look that had begun may be followed by one more.
  await elapse()
  await elapse()
  expect(waiting()).toBe(0)
  const before = asked
  await elapse()
  expect(asked).toBe(before)
  watch.isSeen = true
  await elapse()
  expect(asked).toBeGreaterThan(before)
  expect(waiting()).toBeGreaterThan(0)
  watch.stop()
  // Without goals there is nothing to go on with.
  watch.isSeen = false
  watch.isSeen = true
  expect(waiting()).toBe(0)
})
