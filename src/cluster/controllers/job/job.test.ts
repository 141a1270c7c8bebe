import { afterEach, expect, test } from 'vitest'
import type { Job, Pod } from '../../kinds/generated/types.ts'
import { startTestControlPlane, type TestControlPlane } from '../test-control-plane.ts'
import { formatIndexes, parseIndexes } from './indexes.ts'

let plane: TestControlPlane | undefined
afterEach(() => plane?.stop())

const job = (spec: object): Job => ({
  apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'sums', namespace: 'default' },
  spec: { ...spec, template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'busybox' }] } } },
}) as unknown as Job

const state = (j: Job) => j.status!.conditions?.map(({ type, reason, message }) => `${type} ${reason}: ${message}`)

async function run(spec: object, phase: (pod: Pod) => string, withinMs = 60_000): Promise<Job> {
  const errors: string[] = []
  plane = await startTestControlPlane({ onLog: (entry) => { if (entry.level === 'error') errors.push(JSON.stringify(entry)) } })
  plane.runPods({ phase })
  await plane.addNode('one')
  await plane.api.create('jobs.batch', job(spec))
  const current = () => plane!.api.get<Job>('jobs.batch', 'sums', 'default')
  await plane.clock.until(async () => (await current()).status?.conditions?.some(({ type }) => type === 'Complete' || type === 'Failed') ?? false, { withinMs })
  expect(errors).toEqual([])
  return current()
}

test('a Job with completions runs so many pods and completes', async () => {
  const done = await run({ completions: 5, parallelism: 2 }, () => 'Succeeded')
  expect(state(done)).toEqual(['SuccessCriteriaMet CompletionsReached: Reached expected number of succeeded pods', 'Complete CompletionsReached: Reached expected number of succeeded pods'])
  expect(done.status).toMatchObject({ succeeded: 5, ready: 0, terminating: 0, uncountedTerminatedPods: {} })
  const pods = (await plane!.api.list<Pod>('pods', { namespace: 'default' })).items
  expect(pods).toHaveLength(5)
  expect(pods.every((pod) => !pod.metadata.finalizers)).toBe(true)
})

test('an indexed Job gives every pod its index and remembers which are done', async () => {
  const done = await run({ completions: 3, parallelism: 3, completionMode: 'Indexed' }, () => 'Succeeded')
  expect(done.status!.completedIndexes).toBe('0-2')
  const pods = (await plane!.api.list<Pod>('pods', { namespace: 'default' })).items
  expect(pods.map((pod) => pod.spec.hostname).sort()).toEqual(['sums-0', 'sums-1', 'sums-2'])
})

test('a Job whose pods fail gives up after its back-off limit, waiting ever longer', async () => {
  const done = await run({ backoffLimit: 2 }, () => 'Failed', 120_000)
  expect(state(done)).toEqual(['FailureTarget BackoffLimitExceeded: Job has reached the specified backoff limit', 'Failed BackoffLimitExceeded: Job has reached the specified backoff limit'])
  expect(done.status!.failed).toBe(3)
  expect(plane!.clock.nowMs() - Date.parse(done.metadata.creationTimestamp!)).toBeGreaterThan(30_000)
})

test("a suspended Job's pods go without counting as failed", async () => {
  plane = await startTestControlPlane({})
  plane.runPods({ phase: () => 'Running' })
  await plane.addNode('one')
  const { api, clock } = plane
  const current = () => api.get<Job>('jobs.batch', 'sums', 'default')
  await api.create('jobs.batch', job({}))
  await clock.until(async () => (await current()).status?.ready === 1)
  await api.patch('jobs.batch', 'sums', 'default', 'application/merge-patch+json', { spec: { suspend: true } })
  await clock.until(async () => (await api.list('pods', { namespace: 'default' })).items.length === 0)
  await clock.advance(10_000)
  const { status } = await current()
  expect(state(await current())).toEqual(['Suspended JobSuspended: Job suspended'])
  expect([status!.failed, status!.active, status!.terminating]).toEqual([undefined, undefined, 0])
})

test('sets of indexes are written as ranges', () => {
  expect(formatIndexes(new Set([5, 0, 1, 2, 7, 8]))).toBe('0-2,5,7,8')
  expect([...parseIndexes('0-2,5,9', 6)]).toEqual([0, 1, 2, 5])
})
