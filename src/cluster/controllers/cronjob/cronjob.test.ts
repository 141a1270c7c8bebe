import { afterEach, expect, test } from 'vitest'
import { parseCron } from '../../kinds/batch/cron-schedule.ts'
import type { CronJob, Job } from '../../kinds/generated/types.ts'
import { startTestControlPlane, type TestControlPlane } from '../test-control-plane.ts'
import { nextRun, rfc3339In } from './next-run.ts'

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

const cronJob = (spec: object) => ({
  apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: 'tick', namespace: 'default' },
  spec: { schedule: '* * * * *', ...spec, jobTemplate: { spec: { backoffLimit: 0, template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'busybox' }] } } } } },
}) as unknown as CronJob
const told = async () => (await plane!.api.list<any>('events', { namespace: 'default' })).items.filter((event) => event.involvedObject.kind === 'CronJob').map(({ reason, message }) => `${reason}: ${message}`)

test('a CronJob whose schedule never fires says so', async () => {
  plane = await startTestControlPlane({ scheduler: false })
  await plane.api.create('cronjobs.batch', cronJob({ schedule: '0 0 30 2 *' }))
  await plane.clock.advance(1000)
  expect(await told()).toEqual(['InvalidSchedule: invalid schedule: 0 0 30 2 * : time difference between two schedules is less than 1 second'])
})

test('a Job that no history is kept of goes before anybody has noted its end, and says when it was due in the zone of its CronJob', async () => {
  plane = await startTestControlPlane()
  plane.runPods({ phase: () => 'Failed' })
  await plane.addNode('one')
  await plane.api.create('cronjobs.batch', cronJob({ failedJobsHistoryLimit: 0, timeZone: 'Asia/Kolkata' }))
  const jobs = async () => (await plane!.api.list<Job>('jobs.batch', { namespace: 'default' })).items
  await plane.clock.until(async () => (await jobs()).length > 0, { withinMs: 90_000 })
  expect((await jobs())[0]!.metadata.annotations!['batch.kubernetes.io/cronjob-scheduled-timestamp']).toBe('2026-01-01T05:31:00+05:30')
  await plane.clock.until(async () => (await jobs()).length === 0, { withinMs: 30_000 })
  await plane.clock.advance(2000)
  const name = `tick-${at('2026-01-01T00:01:00Z') / 60_000}`
  expect(await told()).toEqual([`SuccessfulCreate: Created job ${name}`, `SuccessfulDelete: Deleted job ${name}`])
  expect((await plane.api.get<CronJob>('cronjobs.batch', 'tick', 'default')).status!.active).toBeUndefined()
})

test('moments are told with the offset of the zone', () => {
  expect(rfc3339In(at('2026-07-01T00:00:00Z'), 'America/St_Johns')).toBe('2026-06-30T21:30:00-02:30')
  expect(rfc3339In(at('2026-01-01T00:00:00Z'), 'Europe/London')).toBe('2026-01-01T00:00:00Z')
})
