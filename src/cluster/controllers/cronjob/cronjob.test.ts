import { afterEach, expect, test } from 'vitest'
import { parseCron } from '../../kinds/batch/cron-schedule.ts'
import type { CronJob, Job } from '../../kinds/generated/types.ts'
import { startTestControlPlane, type TestControlPlane } from '../test-control-plane.ts'
import { nextRun } from './next-run.ts'

let plane: TestControlPlane | undefined
afterEach(() => plane?.stop())

const at = (text: string) => Date.parse(text)

test.each([
  ['*/15 * * * *', '2026-01-01T00:01:00Z', '2026-01-01T00:15:00Z', ''],
  ['0 4 1 1 *', '2026-01-01T04:00:00Z', '2027-01-01T04:00:00Z', ''],
  ['0 0 13 * 5', '2026-02-01T00:00:00Z', '2026-02-06T00:00:00Z', ''],
  ['30 9 * * 1-5', '2026-01-02T10:00:00Z', '2026-01-05T08:30:00Z', 'Europe/Berlin'],
  ['30 2 * * *', '2026-03-28T12:00:00Z', '2026-03-30T00:30:00Z', 'Europe/Berlin'],
  ['@hourly', '2026-01-01T00:00:00Z', '2026-01-01T01:00:00Z', ''],
])('%s after %s fires at %s', (schedule, after, expected, zone) => {
  expect(new Date(nextRun(parseCron(schedule), at(after), zone)!).toISOString()).toBe(expected.replace('Z', '.000Z'))
})

test('a schedule that never fires has no next run', () => {
  expect(nextRun(parseCron('0 0 31 2 *'), at('2026-01-01T00:00:00Z'))).toBeUndefined()
})

test('a CronJob makes a Job every minute and keeps the last three', async () => {
  const errors: string[] = []
  plane = await startTestControlPlane({ onLog: (entry) => { if (entry.level === 'error') errors.push(JSON.stringify(entry)) } })
  plane.runPods({ phase: () => 'Succeeded' })
  await plane.addNode('one')
  await plane.api.create('cronjobs.batch', {
    apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: 'tick', namespace: 'default' },
    spec: { schedule: '* * * * *', jobTemplate: { spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'busybox' }] } } } } },
  } as unknown as CronJob)
  await plane.clock.advance(5 * 60_000 + 30_000)
  const jobs = (await plane.api.list<Job>('jobs.batch', { namespace: 'default' })).items
  expect(jobs.map((job) => job.metadata.name)).toEqual([3, 4, 5].map((minute) => `tick-${at('2026-01-01T00:00:00Z') / 60_000 + minute}`))
  const cronJob = await plane.api.get<CronJob>('cronjobs.batch', 'tick', 'default')
  expect(cronJob.status!.lastScheduleTime).toBe('2026-01-01T00:05:00Z')
  expect(cronJob.status!.active).toBeUndefined()
  expect(errors).toEqual([])
})

test('a schedule that is changed counts from then on: what it would have missed starts nothing', async () => {
  plane = await startTestControlPlane()
  plane.runPods({ phase: () => 'Succeeded' })
  await plane.addNode('one')
  await plane.api.create('cronjobs.batch', {
    apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: 'tick', namespace: 'default' },
    spec: { schedule: '0 0 1 6 *', jobTemplate: { spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'busybox' }] } } } } },
  } as unknown as CronJob)
  const jobs = async () => (await plane!.api.list<Job>('jobs.batch', { namespace: 'default' })).items.map((job) => job.metadata.name)
  await plane.clock.advance(32 * 60_000)
  await plane.api.patch('cronjobs.batch', 'tick', 'default', 'application/merge-patch+json', { spec: { schedule: '*/10 * * * *' } })
  await plane.clock.advance(5 * 60_000)
  expect(await jobs()).toEqual([])
  await plane.clock.advance(5 * 60_000)
  expect(await jobs()).toEqual([`tick-${at('2026-01-01T00:40:00Z') / 60_000}`])
})
