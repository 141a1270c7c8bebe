import { afterEach, expect, test } from 'vitest'
import type { Node, Pod } from '../kinds/generated/types.ts'
import { podsToPreempt } from './critical-pods.ts'
import { predicateFailures, rejectUnderPressure } from './pod-admission.ts'
import { startTestNode } from './test-node.ts'
import type { TestNode } from './test-node.ts'

let node: TestNode | undefined
afterEach(async () => {
  await node?.stop()
  node = undefined
})

const pod = (name: string, { requests, limits, ...spec }: { requests?: Record<string, string>; limits?: Record<string, string> } & Partial<Pod['spec']> = {}) => ({
  apiVersion: 'v1', kind: 'Pod', metadata: { name, uid: name }, spec: { containers: [{ name: 'c', image: 'i', resources: { ...(requests ? { requests } : {}), ...(limits ? { limits } : {}) } }], ...spec },
}) as unknown as Pod
const one = { metadata: { name: 'one', labels: {} }, spec: {}, status: {} } as unknown as Node

test('a node under pressure takes what pressure spares', () => {
  const memory = { memory: true, disk: false }
  const refusal = (conditions: string) => ({ reason: 'Evicted', message: `The node had condition: [${conditions}]. ` })
  expect(rejectUnderPressure(pod('a'), { memory: false, disk: false })).toBeUndefined()
  expect(rejectUnderPressure(pod('a'), memory)).toEqual(refusal('MemoryPressure'))
  expect(rejectUnderPressure(pod('a', { requests: { cpu: '1' } }), memory)).toBeUndefined()
  expect(rejectUnderPressure(pod('a', { tolerations: [{ key: 'node.kubernetes.io/memory-pressure', operator: 'Exists' }] }), memory)).toBeUndefined()
  expect(rejectUnderPressure(pod('a', { requests: { cpu: '1' } }), { memory: true, disk: true })).toEqual(refusal('MemoryPressure DiskPressure'))
  expect(rejectUnderPressure(pod('a', { priority: 2_000_000_000 }), { memory: true, disk: true })).toBeUndefined()
})

test('all that keeps a pod away is known, not the first of it alone', () => {
  const failures = predicateFailures(pod('a', { requests: { cpu: '2', memory: '2Gi' }, nodeSelector: { disk: 'ssd' } }), one, { cpu: '1', memory: '1Gi', pods: '1' }, [pod('b', { requests: { cpu: '1' } })])
  expect(failures.shortages.map(({ resource }) => resource)).toEqual(['pods', 'cpu', 'memory'])
  expect(failures.others).toEqual([{ reason: 'NodeAffinity', message: "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector" }])
})

test('for a critical pod go those whose end comes closest to what is missing, the least protected ones first', () => {
  const critical = pod('critical', { requests: { cpu: '2' }, priority: 2_000_000_000 })
  const guaranteed = pod('guaranteed', { requests: { cpu: '2', memory: '1Gi' }, limits: { cpu: '2', memory: '1Gi' }, priority: 0 })
  const others = [pod('best-effort', { priority: 0 }), pod('small', { requests: { cpu: '500m' }, priority: 0 }), pod('large', { requests: { cpu: '1500m' }, priority: 0 }), guaranteed]
  const names = (shortage: number) => {
    const victims = podsToPreempt(critical, others, [{ resource: 'cpu', requested: 2000, used: 4000, capacity: 6000 - shortage }])
    return typeof victims === 'string' ? victims : victims.map(({ metadata }) => metadata.name)
  }
  expect(names(400)).toEqual(['small'])
  expect(names(1000)).toEqual(['large'])
  expect(names(2000)).toEqual(['large', 'small'])
  expect(names(3000)).toEqual(['large', 'guaranteed'])
  expect(names(5000)).toBe('preemption: error finding a set of pods to preempt: no set of running pods found to reclaim resources: [(res: cpu, q: 1000), ]')
})

test('a critical pod that was bound where there is no room ends others', async () => {
  node = await startTestNode({ allocatable: { cpu: '1', memory: '1Gi', pods: '110' } })
  const asking = (cpu: string) => [{ name: 'c', image: 'box:1', resources: { requests: { cpu } } }]
  await node.createPod('a', { containers: asking('600m'), priority: 0 })
  await node.until('a', (p) => p.status.phase === 'Running')
  await node.createPod('critical', { containers: asking('600m'), priority: 2_000_000_000 })
  const a = await node.until('a', (p) => p.status.phase === 'Failed')
  expect(a.status).toMatchObject({ reason: 'Preempting', message: 'Preempted in order to admit critical pod' })
  expect(a.status.conditions!.find(({ type }) => type === 'DisruptionTarget')).toMatchObject({ status: 'True', reason: 'TerminationByKubelet', message: 'Pod was preempted by Kubelet to accommodate a critical pod.' })
  expect(await node.events('a')).toContain('Warning Preempting x1: Preempted in order to admit critical pod')
  await node.until('critical', (p) => p.status.phase === 'Running')
})

test('who may not schedule on a node any more is told by its kubelet', async () => {
  node = await startTestNode()
  await node.clock.advance(2000)
  const cordon = async (unschedulable: boolean) => {
    await node!.api.patch('nodes', 'node1', undefined, 'application/merge-patch+json', { spec: { unschedulable } })
    await node!.clock.advance(11_000)
  }
  await cordon(true)
  expect(await node.events('node1')).toContain('Normal NodeNotSchedulable x1: Node node1 status is now: NodeNotSchedulable')
  await cordon(false)
  expect(await node.events('node1')).toContain('Normal NodeSchedulable x1: Node node1 status is now: NodeSchedulable')
})

test('what resolvers do not take is left out, and told', async () => {
  node = await startTestNode()
  await node.createPod('dns', { dnsConfig: { nameservers: ['1.1.1.1', '2.2.2.2', '3.3.3.3'] }, containers: [{ name: 'c', image: 'box:1', args: ['cat', '/etc/resolv.conf', 'forever'] }] })
  await node.until('dns', (p) => p.status.phase === 'Running')
  const servers = [...(await node.logs('dns')).matchAll(/^nameserver (\S+)$/gm)].map(([, server]) => server)
  expect(servers).toHaveLength(3)
  expect(await node.events('dns')).toContain(`Warning DNSConfigForming x1: Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: ${servers.join(' ')}`)
})

test('a node that knows no DNS server of the cluster falls back to its own, and says so of itself and of the pod', async () => {
  node = await startTestNode({ clusterDns: [] })
  await node.createPod('dns', { containers: [{ name: 'c', image: 'box:1', args: ['cat', '/etc/resolv.conf', 'forever'] }] })
  await node.createPod('own', { dnsPolicy: 'Default', containers: [{ name: 'c', image: 'box:1' }] })
  const { metadata } = await node.until('dns', (p) => p.status.phase === 'Running')
  await node.until('own', (p) => p.status.phase === 'Running')
  expect(await node.logs('dns')).not.toContain('cluster.local')
  const missing = 'kubelet does not have ClusterDNS IP configured and cannot create Pod using "ClusterFirst" policy. Falling back to "Default" policy.'
  expect(await node.events('node1')).toContain(`Warning MissingClusterDNS x1: ${missing}`)
  expect(await node.events('dns')).toContain(`Warning MissingClusterDNS x1: pod: "dns_default(${metadata.uid})". ${missing}`)
})

test('a projected volume tells of all sources that are missing', async () => {
  node = await startTestNode()
  await node.createPod('mount', { volumes: [{ name: 'v', projected: { sources: [{ configMap: { name: 'm' } }, { secret: { name: 's' } }] } }], containers: [{ name: 'c', image: 'box:1', volumeMounts: [{ name: 'v', mountPath: '/v' }] }] })
  await node.clock.advance(5_000)
  expect((await node.events('mount'))[0]).toMatch(/^Warning FailedMount x\d: MountVolume.SetUp failed for volume "v" : \[configmap "m" not found, secret "s" not found\]$/)
})
