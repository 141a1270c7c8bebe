/** Measures the API server with its default parts, in process: creates, gets, status updates, lists, watch fan-out. Run: node --expose-gc --import tsx test/bench/apiserver.ts */
import { ClusterClock } from '../../src/base/clock.ts'
import { httpRequest } from '../../src/base/http.ts'
import { silentLog } from '../../src/base/log.ts'
import { Random } from '../../src/base/random.ts'
import { createApiServer } from '../../src/cluster/apiserver/api-server.ts'
import { reconcileBootstrap } from '../../src/cluster/apiserver/bootstrap/reconcile.ts'
import { defaultParts } from '../../src/cluster/apiserver/default-parts.ts'
import { createClusterPki } from '../../src/cluster/apiserver/pki/cluster-pki.ts'
import type { ClusterDialer } from '../../src/cluster/apiserver/seams.ts'
import { Etcd } from '../../src/cluster/etcd/etcd.ts'
import { builtInKinds } from '../../src/cluster/kinds/index.ts'
import type { KubeObject } from '../../src/cluster/kinds/object.ts'
import { thaw } from '../../src/base/freeze.ts'
import { tuneEngine } from '../../src/host/node-engine.ts'
import { nodePlatform } from '../../src/host/platform-node.ts'

/** As the command does. */
tuneEngine()
const PODS = 5_000
const clock = new ClusterClock(nodePlatform)
const random = new Random('bench')
const pki = await createClusterPki({ nowMs: clock.nowMs(), clusterName: 'bench' })
const etcd = new Etcd({ clock })
const nowhere: ClusterDialer = { kubelet: () => Promise.reject(new Error('no kubelet')), http: () => Promise.reject(new Error('no network')) }
const server = createApiServer({ etcd, clock, random, log: silentLog, kinds: builtInKinds, dialer: nowhere, version: {}, parts: defaultParts({ pki, serverUrl: 'https://10.0.0.1:6443' }) })
const masters = server.as({ name: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] })
await reconcileBootstrap(masters)
const controller = server.as({ name: 'system:serviceaccount:kube-system:replicaset-controller', groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'] })
const meta = (name: string, namespace = 'default') => ({ name, namespace })
if (!server.reader.get('namespaces', undefined, 'default')) await masters.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } })
await masters.create('serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: meta('default') }).catch(() => {})

function report(what: string, figure: string, target = ''): void {
  console.log(`${what.padEnd(58)} ${figure.padStart(14)}${target ? `   target ${target}` : ''}`)
}

async function rate(what: string, operations: number, work: () => Promise<unknown>, target = ''): Promise<void> {
  const startMs = performance.now()
  await work()
  report(what, `${Math.round(operations / ((performance.now() - startMs) / 1000)).toLocaleString('en')}/s`, target)
}
/** The best of several runs, in ms. */
async function fastest(runs: number, work: () => Promise<unknown>): Promise<number> {
  let best = Infinity
  for (let i = 0; i < runs; i++) {
    const startMs = performance.now()
    await work()
    best = Math.min(best, performance.now() - startMs)
  }
  return best
}
const heapUsed = (): number => {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}
const pod = (name: string): KubeObject => ({
  apiVersion: 'v1', kind: 'Pod',
  metadata: { ...meta(name), labels: { app: 'web', 'pod-template-hash': '5d4f8c7b9' }, ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5d4f8c7b9', uid: '8c2b93e0-dc67-4a16-a3b8-1a4b5f326898', controller: true, blockOwnerDeletion: true }] },
  spec: { containers: [{ name: 'web', image: 'nginx:1.27', ports: [{ containerPort: 80 }], resources: { requests: { cpu: '100m', memory: '64Mi' } } }] },
})
const names = Array.from({ length: PODS }, (_, i) => `web-${i}`)

const admin = await pki.issueClientCertificate({ commonName: 'admin', organizations: ['system:masters'] })
const get = (path: string) => server.handle(httpRequest(`http://bench${path}`), { clientCertificatePem: admin.certificatePem })
/** Lists all Pods, reading the answer as it is sent, piece by piece. */
async function timeList(which: string, target = ''): Promise<void> {
  const startMs = performance.now()
  let bytes = 0
  for await (const part of (await get('/api/v1/pods')).body!) bytes += part.byteLength
  report(`list ${PODS * 2} Pods as JSON (${(bytes / 1e6).toFixed(0)} MB), ${which}`, `${(performance.now() - startMs).toFixed(0)} ms`, target)
}

let events = 0
for (let i = 0; i < 100; i++) masters.watch('pods', { resourceVersion: String(etcd.revision), fieldSelector: `spec.nodeName=node-${i}` }, (batch) => { events += batch.length })
const oneByOne = async (suffix: string) => { for (const name of names) await controller.create('pods', pod(name + suffix)) }
const fiftyAtATime = async (suffix: string) => {
  for (let i = 0; i < PODS; i += 50) await Promise.all(names.slice(i, i + 50).map((name) => controller.create('pods', pod(name + suffix))))
}
await rate('create Pods, one by one, from a cold start (100 kubelets)', PODS, () => oneByOne('-cold'))
await fiftyAtATime('-warm')
await timeList('from a cold start')
for (const suffix of ['-cold', '-warm']) for (const name of names) await masters.delete('pods', name + suffix, 'default', { gracePeriodSeconds: 0 })
etcd.compact(etcd.revision)
await clock.settle()
const heapBefore = heapUsed()
await rate('create Pods, one by one', PODS, () => oneByOne(''), '>= 20,000/s')
await rate('create Pods, 50 at a time', PODS, () => fiftyAtATime('-b'), '>= 20,000/s')
// History goes with the next compaction; what stays is what counts.
etcd.compact(etcd.revision)
await clock.settle()
const heapPerPod = (heapUsed() - heapBefore) / (2 * PODS)
const all = (await masters.list('pods')).items
const jsonPerPod = all.reduce((sum, object) => sum + JSON.stringify(object).length, 0) / all.length
report('memory per Pod beyond its own JSON', globalThis.gc ? `${((heapPerPod - jsonPerPod) / 1000).toFixed(1)} kB` : 'needs --expose-gc', `<= 6 kB (its JSON: ${(jsonPerPod / 1000).toFixed(1)} kB)`)
await rate('get', PODS * 40, async () => { for (let i = 0; i < 40; i++) for (const name of names) await masters.get('pods', name, 'default') }, '>= 300,000/s')
await rate('bind', PODS, async () => { for (const [i, name] of names.entries()) await masters.createSubresource('pods', name, 'default', 'binding', { apiVersion: 'v1', kind: 'Binding', metadata: meta(name), target: { kind: 'Node', name: `node-${i % 100}` } }) })
await rate('update status', PODS, async () => {
  for (const name of names) {
    const draft = thaw(await masters.get('pods', name, 'default'))
    draft['status'] = { ...draft['status'], phase: 'Running', podIP: '10.244.1.2', conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2030-01-01T00:00:00Z' }] }
    await masters.updateStatus('pods', draft)
  }
})
await rate('list all Pods in process, objects', PODS * 2 * 20, async () => { for (let i = 0; i < 20; i++) await masters.list('pods') })
await timeList('none of them read before', '<= 150 ms')
await timeList('again', '<= 150 ms')
await rate('get over handle()', 4000, async () => { for (const name of names.slice(0, 4000)) await (await get(`/api/v1/namespaces/default/pods/${name}`)).text() })

let seen = 0
const watchers = 1000
for (let i = 0; i < watchers; i++) masters.watch('configmaps', { namespace: 'default', resourceVersion: String(etcd.revision) }, (batch) => { seen += batch.length })
let revision = 0
const fanOut = async () => {
  seen = 0
  await masters.create('configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: meta(`event-${revision++}`) })
  while (seen < watchers) await new Promise<void>((resolve) => { setImmediate(resolve) })
}
await fanOut()
report('a write and its event at 1,000 watchers in process', `${(await fastest(20, fanOut)).toFixed(2)} ms`, '<= 5 ms')
let lines = 0
const readers: ReadableStreamDefaultReader<Uint8Array>[] = []
for (let i = 0; i < watchers; i++) {
  const reader = (await get(`/api/v1/namespaces/default/secrets?watch=true&resourceVersion=${etcd.revision}`)).body!.getReader()
  readers.push(reader)
  void (async () => { for (let part = await reader.read(); !part.done; part = await reader.read()) lines++ })()
}
const streamOut = async () => {
  lines = 0
  await masters.create('secrets', { apiVersion: 'v1', kind: 'Secret', metadata: meta(`event-${revision++}`) })
  while (lines < watchers) await new Promise<void>((resolve) => { setImmediate(resolve) })
}
await streamOut()
report('a write and its line at 1,000 HTTP watches', `${(await fastest(20, streamOut)).toFixed(2)} ms`, '<= 5 ms')
for (const reader of readers) await reader.cancel()
console.log(`${events} events to kubelets`)
server.stop()
process.exit(0)
