// A Deployment's pods to Running on a fresh cluster in this process. Prints one JSON line. The peer's twin is peer-rollout.mjs.
import { ClusterClock } from '../../src/base/clock.ts'
import { BOOT_MS, createCluster } from '../../src/cluster/cluster.ts'
import { kubeadmTopology } from '../../src/cluster/topology.ts'
import { tuneEngine } from '../../src/host/node-engine.ts'
import { nodePlatform } from '../../src/host/platform-node.ts'

const [nodes, pods, timeoutMs] = process.argv.slice(2).map(Number) as [number, number, number]
tuneEngine()
const bootMs = performance.now()
// One machine more: the tainted control plane takes no pods, as it would not on the peer's side either.
const cluster = await createCluster({ platform: nodePlatform, clock: new ClusterClock(nodePlatform, { startMs: nodePlatform.wallMs() - BOOT_MS }), seed: 'bench', topology: kubeadmTopology(nodes + 1) })
await cluster.start()
const bootedMs = performance.now()

const api = cluster.apiAs({ name: 'kubernetes-admin', groups: ['kubeadm:cluster-admins', 'system:authenticated'] })
const running = new Set<string>()
let finish!: (done: boolean) => void
const done = new Promise<boolean>((resolve) => { finish = resolve })
const list = await api.list('pods', { namespace: 'default' })
api.watch('pods', { namespace: 'default', resourceVersion: list.metadata.resourceVersion! }, (events) => {
  for (const { object } of events) {
    if (object.status?.phase !== 'Running') continue
    running.add(object.metadata.uid!)
    if (running.size === pods) finish(true)
  }
})
const startMs = performance.now()
await api.create('deployments.apps', {
  apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace: 'default' },
  spec: { replicas: pods, selector: { matchLabels: { app: 'web' } }, template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'registry.k8s.io/pause:3.9' }] } } },
})
const timer = setTimeout(() => finish(false), timeoutMs)
const finished = await done
const endMs = performance.now()
clearTimeout(timer)
globalThis.gc?.()
console.log(JSON.stringify({ startUpMs: bootedMs - bootMs, rolloutMs: endMs - startMs, running: running.size, finished, rssBytes: process.memoryUsage().rss, heapBytes: process.memoryUsage().heapUsed }))
process.exit(0)
