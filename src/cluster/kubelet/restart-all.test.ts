import { afterEach, expect, test } from 'vitest'
import type { ContainerRestartRule, Pod } from '../kinds/generated/types.ts'
import { startTestNode, type TestNode } from './test-node.ts'

let node: TestNode
afterEach(async () => { await node?.stop() })

const ALL: ContainerRestartRule[] = [{ action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [88] } }]
const restarts = ({ status }: Pod) => [...status.initContainerStatuses ?? [], ...status.containerStatuses ?? []].map(({ name, restartCount }) => [name, restartCount])
const condition = ({ status }: Pod) => status.conditions?.find(({ type }) => type === 'AllContainersRestarting')

/** The container `job` ends with 88 after three seconds, each time. */
const pod = (rules: ContainerRestartRule[] | undefined) => node.createPod('all', {
  restartPolicy: 'Never', terminationGracePeriodSeconds: 1,
  initContainers: [{ name: 'setup', image: 'box:1', args: ['echo', 'set up'] }, { name: 'side', image: 'box:1', restartPolicy: 'Always', args: ['term', '0'] }],
  containers: [
    { name: 'c', image: 'box:1', args: ['echo', 'serving', 'term', '0'] },
    { name: 'job', image: 'box:1', restartPolicy: 'Never', args: ['sleep', '3000', 'exit', '88'], ...(rules ? { restartPolicyRules: rules } : {}) },
  ],
})

test('the end of a container with the rule RestartAllContainers begins all anew in their sandbox', async () => {
  node = await startTestNode()
  await pod(ALL)
  const running = await node.until('all', (p) => p.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'))
  expect(restarts(running)).toEqual([['setup', 0], ['side', 0], ['c', 0], ['job', 0]])
  expect(condition(running)).toMatchObject({ status: 'False' })
  const phases = new Set<string>()
  const reasons = new Set<string>()
  node.api.watch('pods', { namespace: 'default', resourceVersion: running.metadata.resourceVersion! }, (events) => {
    for (const { object } of events) {
      const seen = object as unknown as Pod
      phases.add(seen.status.phase!)
      if (condition(seen)?.status === 'True') reasons.add(`${condition(seen)!.reason}: ${condition(seen)!.message}`)
    }
  })
  const again = await node.until('all', (p) => p.status.containerStatuses?.every(({ state, restartCount }) => state?.running && restartCount === 1))
  expect(restarts(again)).toEqual([['setup', 1], ['side', 1], ['c', 1], ['job', 1]])
  expect(again.status.podIP).toBe(running.status.podIP)
  expect(phases.has('Running')).toBe(true)
  expect(phases.has('Failed') || phases.has('Succeeded')).toBe(false)
  expect([...reasons]).toEqual(['RestartAllContainersStarted: container exited with restart policy rule'])
  expect(condition(again)).toMatchObject({ status: 'False' })
  const lost = { exitCode: 137, reason: 'RestartingAllContainers', message: 'The container is removed because RestartAllContainers in place' }
  expect(again.status.containerStatuses!.map(({ lastState }) => lastState?.terminated)).toMatchObject([lost, lost])
  expect((await node.events('all')).some((event) => event.startsWith('Normal Killing') && event.endsWith(': killing'))).toBe(true)
  expect(await node.logs('all', 'c')).toBe('serving\n')
  expect(node.files.readdir(`/var/log/pods/default_all_${again.metadata.uid}/c`)).toEqual(['0.log', '1.log'])
  const third = await node.until('all', (p) => p.status.containerStatuses?.every(({ state, restartCount }) => state?.running && restartCount === 2))
  expect(restarts(third)).toEqual([['setup', 2], ['side', 2], ['c', 2], ['job', 2]])
})

test('another exit code, and a pod without the rule, leave the other containers as they are', async () => {
  node = await startTestNode()
  await pod([{ action: 'RestartAllContainers', exitCodes: { operator: 'NotIn', values: [88] } }])
  const ended = await node.until('all', (p) => p.status.containerStatuses?.some(({ state }) => state?.terminated))
  await node.clock.advance(10_000)
  const later = await node.pod('all')
  expect(restarts(later)).toEqual([['setup', 0], ['side', 0], ['c', 0], ['job', 0]])
  expect(later.status.containerStatuses!.find(({ name }) => name === 'c')!.containerID).toBe(ended.status.containerStatuses!.find(({ name }) => name === 'c')!.containerID)
  expect(condition(later)).toMatchObject({ status: 'False' })
  await node.createPod('plain', { command: ['forever'] })
  expect(condition(await node.until('plain', (p) => p.status.phase === 'Running'))).toBeUndefined()
})
