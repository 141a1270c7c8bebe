/** For tests: a control plane without kubelets, on a stepped clock. */
import { ClusterClock, rfc3339, rfc3339Micro } from '../../base/clock.ts'
import { silentLog, createLog, type LogEntry } from '../../base/log.ts'
import { Random } from '../../base/random.ts'
import { testPlatform } from '../../base/test-platform.ts'
import { createApiServer, type ApiServer } from '../apiserver/api-server.ts'
import type { ClusterDialer } from '../apiserver/seams.ts'
import type { Api } from '../client/api.ts'
import { createInformers, type Informers } from '../client/informers.ts'
import { Etcd } from '../etcd/etcd.ts'
import type { Lease, Node, Pod } from '../kinds/generated/types.ts'
import { builtInKinds } from '../kinds/index.ts'
import { createScheduler, type SchedulerOptions } from '../scheduler/scheduler.ts'
import { createControllerManager, createLocalPathProvisioner } from './controller-manager.ts'

export interface TestControlPlane {
  clock: ClusterClock
  api: Api
  server: ApiServer
  informers: Informers
  /** Adds a Ready node whose kubelet keeps renewing its lease. */
  addNode(name: string, extra?: Partial<Node['metadata']> & { cpu?: string; allocatable?: Readonly<Record<string, string>>; taints?: NonNullable<Node['spec']>['taints'] }): Promise<void>
  /** Ends a node's heartbeats. */
  silence(name: string): void
  /** Makes bound pods run as a kubelet would: Running and Ready at once, gone when deleted. */
  runPods(options?: { ready?: (pod: Pod) => boolean; phase?: (pod: Pod) => string | undefined }): void
  stop(): void
}

export async function startTestControlPlane(options: { controllers?: boolean; scheduler?: boolean | Pick<SchedulerOptions, 'name' | 'plugins' | 'percentageOfNodesToScore' | 'initialBackoffMs' | 'maxBackoffMs'>; mode?: 'paused' | 'running'; onLog?: (entry: LogEntry) => void; http?: ClusterDialer['http'] } = {}): Promise<TestControlPlane> {
  const clock = new ClusterClock(testPlatform, { startMs: Date.parse('2026-01-01T00:00:00Z'), mode: options.mode ?? 'paused' })
  const random = new Random('test')
  const log = options.onLog ? createLog(clock, options.onLog) : silentLog
  const etcd = new Etcd({ clock })
  const server = createApiServer({
    etcd, clock, random: random.fork('api'), log, kinds: builtInKinds,
    dialer: { kubelet: () => Promise.reject(new Error('no kubelet')), http: options.http ?? (() => Promise.reject(new Error('no network'))) },
    version: { major: '1', minor: '36', gitVersion: 'v1.36.3', gitCommit: '', gitTreeState: '', buildDate: '', goVersion: '', compiler: '', platform: '' } as any,
    parts: () => ({ authenticators: [], authorizer: { authorize: () => ({ allowed: true }) }, admission: [], virtualResources: [] }),
  })
  const api = server.as({ name: 'test', groups: ['system:masters'] })
  const informers = createInformers({ api, clock, log })
  for (const name of ['default', 'kube-system', 'kube-node-lease']) await api.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }).catch(() => {})
  const parts: { stop(): void }[] = []
  if (options.controllers !== false) {
    const apiAs = (name: string, groups: readonly string[]) => server.as({ name, groups })
    const manager = createControllerManager({ apiAs, fetchAs: (name, groups) => (request) => server.fetchAs({ name, groups }, request), clock, random, log, caCertificatePem: 'PEM', clusterCidr: '10.244.0.0/16', serviceCidr: '10.96.0.0/16' })
    const provisioner = createLocalPathProvisioner({ apiAs, clock, random, log })
    for (const part of [manager, provisioner]) {
      part.start()
      parts.push(part)
    }
  }
  if (options.scheduler !== false) {
    const scheduler = createScheduler({ api, informers, clock, random: random.fork('scheduler'), log, ...(typeof options.scheduler === 'object' ? options.scheduler : {}) })
    scheduler.start()
    parts.push(scheduler)
  }
  let nextIp = 2
  let stopped = false
  const silent = new Set<string>()
  return {
    clock, api, server, informers,
    async addNode(name, { cpu = '8', allocatable = {}, taints, ...metadata } = {}) {
      const amounts = { cpu, memory: '16Gi', pods: '110', 'ephemeral-storage': '100Gi', ...allocatable }
      await api.create('nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name, labels: { 'kubernetes.io/hostname': name, ...metadata.labels }, annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true', ...metadata.annotations } }, ...(taints ? { spec: { taints } } : {}) })
      const now = rfc3339(clock.nowMs())
      await api.patch('nodes', name, undefined, 'application/strategic-merge-patch+json', { status: { capacity: amounts, allocatable: amounts, conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: now, lastTransitionTime: now, reason: 'KubeletReady', message: 'kubelet is posting ready status' }] } }, { subresource: 'status' })
      const lease = await api.create<Lease>('leases.coordination.k8s.io', { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace: 'kube-node-lease' }, spec: { holderIdentity: name } } as unknown as Lease)
      const renew = () => {
        if (stopped || silent.has(name)) return
        void api.patch('leases.coordination.k8s.io', lease.metadata.name!, 'kube-node-lease', 'application/merge-patch+json', { spec: { renewTime: rfc3339Micro(clock.nowMs()) } }).catch(() => {})
        clock.after(10_000, renew)
      }
      renew()
    },
    silence(name) {
      silent.add(name)
    },
    runPods({ ready = () => true, phase = () => 'Running' } = {}) {
      const started = new Set<string>()
      const stop = informers.for<Pod>('pods').onChanges((changes) => {
        for (const { type, object: pod } of changes) {
          if (type === 'delete' || !pod.spec.nodeName) continue
          const { name, namespace, uid } = pod.metadata
          if (pod.metadata.deletionTimestamp) {
            void api.delete('pods', name!, namespace, { gracePeriodSeconds: 0 }).catch(() => {})
            continue
          }
          if (started.has(uid!)) continue
          started.add(uid!)
          const now = rfc3339(clock.nowMs())
          const podIP = `10.244.1.${nextIp++}`
          const want = phase(pod)
          if (!want) continue
          const condition = (conditionType: string, status: boolean) => ({ type: conditionType, status: status ? 'True' : 'False', lastTransitionTime: now })
          const isReady = want === 'Running' && ready(pod)
          void api.patch('pods', name!, namespace, 'application/strategic-merge-patch+json', {
            status: {
              phase: want, startTime: now, podIP, podIPs: [{ ip: podIP }], hostIP: '10.0.0.1',
              conditions: [condition('Initialized', true), condition('Ready', isReady), condition('ContainersReady', isReady)],
            },
          }, { subresource: 'status' }).catch(() => {})
        }
      })
      parts.push({ stop })
    },
    stop() {
      stopped = true
      for (const part of parts) part.stop()
      informers.stop()
      server.stop()
    },
  }
}
