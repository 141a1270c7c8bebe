// The work of drydock-rollout.ts on the peer, @ngrok/webernetes: a Deployment's pods to Running. Prints one JSON line.
import { Cluster } from '@ngrok/webernetes'
import { tuneEngine } from '../../src/host/node-engine.ts'

const nodes = Number(process.argv[2])
const pods = Number(process.argv[3])
const timeoutMs = Number(process.argv[4])
tuneEngine() // the same settings as on Drydock's side
const bootMs = performance.now()
const cluster = new Cluster({ nodes })
await cluster.init()
const bootedMs = performance.now()

let running = 0
const seen = new Set()
const done = new Promise((resolve) => {
  cluster.informer('pods', (type, pod) => {
    if (pod.metadata?.labels?.app !== 'web' || pod.status?.phase !== 'Running' || seen.has(pod.metadata.uid)) return
    seen.add(pod.metadata.uid)
    if (++running === pods) resolve(true)
  })
})
const startMs = performance.now()
await cluster.apply([{
  apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace: 'default' },
  spec: { replicas: pods, selector: { matchLabels: { app: 'web' } }, template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'registry.k8s.io/pause:3.9' }] } } },
}])
const finished = await Promise.race([done, new Promise((resolve) => setTimeout(() => resolve(false), timeoutMs))])
const endMs = performance.now()
globalThis.gc?.()
console.log(JSON.stringify({ startUpMs: bootedMs - bootMs, rolloutMs: endMs - startMs, running, finished, rssBytes: process.memoryUsage().rss, heapBytes: process.memoryUsage().heapUsed }))
process.exit(0)
