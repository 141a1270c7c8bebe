import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { PassThrough } from 'node:stream'
import * as k8s from '@kubernetes/client-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ClusterClock } from '../src/base/clock.ts'
import { createCluster } from '../src/cluster/cluster.ts'
import type { Cluster } from '../src/cluster/cluster.ts'
import { serveHttps } from '../src/host/node-server.ts'
import type { ApiServerListener } from '../src/host/node-server.ts'
import { nodePlatform } from '../src/host/platform-node.ts'

/** The official JavaScript client over a real socket. The clock runs, because the client's time is the machine's. */
let cluster: Cluster
let listener: ApiServerListener
let config: k8s.KubeConfig
const namespace = 'default'

beforeAll(async () => {
  cluster = await createCluster({ platform: nodePlatform, clock: new ClusterClock(nodePlatform, { scale: 5 }), seed: 'client-node' })
  await cluster.start()
  const certificate = await cluster.pki.issueServerCertificate(['127.0.0.1', 'localhost'])
  listener = await serveHttps({ handle: cluster.handle, port: 0, address: '127.0.0.1', certificatePem: certificate.certificatePem, keyPem: certificate.keyPem, clientCaPem: cluster.pki.caCertificatePem })
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'client-node-')), 'kubeconfig')
  fs.writeFileSync(file, cluster.adminKubeconfig(`https://127.0.0.1:${listener.port}`))
  config = new k8s.KubeConfig()
  config.loadFromFile(file)
})

afterAll(async () => {
  await listener?.close()
  await cluster?.stop()
})

/** Resolves with the first value that `poll` returns. */
async function eventually<T>(poll: () => Promise<T | undefined>): Promise<T> {
  for (let i = 0; i < 400; i++) {
    const value = await poll()
    if (value !== undefined) return value
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error('it did not happen in time')
}

const pod = (name: string, command: string[]): k8s.V1Pod => ({ metadata: { name, labels: { test: 'client-node' } }, spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'busybox:1.37', command }] } })

test('nodes are listed with their versions', async () => {
  const nodes = await config.makeApiClient(k8s.CoreV1Api).listNode()
  expect(nodes.items.map((n) => n.metadata?.name)).toEqual(['drydock-control-plane', 'drydock-worker', 'drydock-worker2'])
  expect(nodes.items[0]?.metadata?.creationTimestamp).toBeInstanceOf(Date)
})

test('a pod is created, watched to its end, and its log read', async () => {
  const core = config.makeApiClient(k8s.CoreV1Api)
  const phases: string[] = []
  const informer = k8s.makeInformer(config, `/api/v1/namespaces/${namespace}/pods`, () => core.listNamespacedPod({ namespace, labelSelector: 'test=client-node' }), 'test=client-node')
  informer.on('add', (object) => { phases.push(object.status?.phase ?? '') })
  informer.on('update', (object) => { if (phases.at(-1) !== object.status?.phase) phases.push(object.status?.phase ?? '') })
  await informer.start()
  const created = await core.createNamespacedPod({ namespace, body: pod('hello', ['sh', '-c', 'echo hello from $HOSTNAME; sleep 1']) })
  expect(created.metadata?.uid).toMatch(/^[0-9a-f-]{36}$/)
  await eventually(async () => phases.at(-1) === 'Succeeded' || undefined)
  expect(phases).toEqual(['Pending', 'Running', 'Succeeded'])
  await informer.stop()
  expect(await core.readNamespacedPodLog({ namespace, name: 'hello' })).toBe('hello from hello\n')
  await core.deleteNamespacedPod({ namespace, name: 'hello' })
})

test('errors arrive as Status with code and reason', async () => {
  const core = config.makeApiClient(k8s.CoreV1Api)
  const error = await core.readNamespacedPod({ namespace, name: 'nothere' }).catch((e: unknown) => e) as k8s.ApiException<string>
  expect(error.code).toBe(404)
  expect(JSON.parse(error.body)).toMatchObject({ kind: 'Status', reason: 'NotFound', message: 'pods "nothere" not found' })
})

test('a Deployment is patched and scales', async () => {
  const apps = config.makeApiClient(k8s.AppsV1Api)
  const labels = { app: 'web' }
  await apps.createNamespacedDeployment({ namespace, body: { metadata: { name: 'web' }, spec: { replicas: 1, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'nginx:1.27' }] } } } } })
  const patched = await apps.patchNamespacedDeployment({ namespace, name: 'web', body: [{ op: 'replace', path: '/spec/replicas', value: 3 }] }, k8s.setHeaderOptions('Content-Type', k8s.PatchStrategy.JsonPatch))
  expect(patched.spec?.replicas).toBe(3)
  await eventually(async () => (await apps.readNamespacedDeployment({ namespace, name: 'web' })).status?.readyReplicas === 3 || undefined)
})

test('a command runs in a container, with its output and exit code', async () => {
  const core = config.makeApiClient(k8s.CoreV1Api)
  const [first] = (await core.listNamespacedPod({ namespace, labelSelector: 'app=web' })).items
  const name = first!.metadata!.name!
  const out = new PassThrough()
  const chunks: Buffer[] = []
  out.on('data', (chunk: Buffer) => chunks.push(chunk))
  const status = await new Promise<k8s.V1Status>((resolve, reject) => {
    new k8s.Exec(config).exec(namespace, name, 'web', ['sh', '-c', 'cat; exit 3'], out, null, PassThrough.from(['typed in\n']), false, resolve).catch(reject)
  })
  expect(Buffer.concat(chunks).toString()).toBe('typed in\n')
  expect(status).toMatchObject({ status: 'Failure', reason: 'NonZeroExitCode' })
})

test('a watch reports the deletion of what it watches', async () => {
  const core = config.makeApiClient(k8s.CoreV1Api)
  const events: string[] = []
  const request = await new k8s.Watch(config).watch(`/api/v1/namespaces/${namespace}/configmaps`, { fieldSelector: 'metadata.name=watched' }, (type) => { events.push(type) }, () => {})
  await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'watched' }, data: { a: '1' } } })
  await core.deleteNamespacedConfigMap({ namespace, name: 'watched' })
  await eventually(async () => events.length >= 2 || undefined)
  expect(events).toEqual(['ADDED', 'DELETED'])
  request.abort()
})
