import fs from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseAllDocuments, stringify } from 'yaml'
import { ClusterClock } from '../../src/base/clock.ts'
import { httpRequest } from '../../src/base/http.ts'
import { createCluster, type Cluster } from '../../src/cluster/cluster.ts'
import { bareTopology } from '../../src/cluster/topology.ts'
import { nodePlatform } from '../../src/host/platform-node.ts'

/** Well-known add-ons, written from the shapes that their documentation shows, created as `kubectl create --validate=strict` would. */
let cluster: Cluster

beforeAll(async () => {
  cluster = await createCluster({ platform: nodePlatform, clock: new ClusterClock(nodePlatform, { mode: 'paused' }), seed: 'manifests', topology: bareTopology() })
  await cluster.start()
})
afterAll(async () => { await cluster.stop() })


interface Answer {
  status: number
  text: string
  warnings: string | null
}

async function ask(method: string, url: string, body?: string): Promise<Answer> {
  let answer: Answer | undefined
  void (async () => {
    const response = await cluster.handle(httpRequest(`https://manifests.test${url}`, { method, body: body ?? null, headers: { accept: 'application/json', ...(body === undefined ? {} : { 'content-type': 'application/yaml' }) } }), cluster.adminConnection)
    answer = { status: response.status, warnings: response.headers.get('warning'), text: await response.text() }
  })()
  await cluster.clock.until(() => answer !== undefined, { withinMs: 35_000, what: `${method} ${url}` })
  return answer!
}

interface Manifest {
  apiVersion: string
  kind: string
  metadata: { name: string; namespace?: string }
}

async function collectionOf({ apiVersion, kind, metadata }: Manifest): Promise<string> {
  const prefix = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
  const { resources } = JSON.parse((await ask('GET', prefix)).text) as { resources: { name: string; kind: string; namespaced: boolean }[] }
  const resource = resources.find((r) => r.kind === kind && !r.name.includes('/'))!
  return `${prefix}${resource.namespaced ? `/namespaces/${metadata.namespace ?? 'default'}` : ''}/${resource.name}`
}

for (const file of fs.readdirSync(import.meta.dirname).filter((name) => name.endsWith('.yaml'))) {
  test(`${file} is created, with strict validation and without warnings`, async () => {
    for (const document of parseAllDocuments(fs.readFileSync(path.join(import.meta.dirname, file), 'utf8'))) {
      const manifest = document.toJS() as Manifest
      const what = `${manifest.kind} ${manifest.metadata.name}`
      const collection = await collectionOf(manifest)
      // What a fresh control plane makes itself is replaced.
      await ask('DELETE', `${collection}/${manifest.metadata.name}`)
      // Anchors are the file's, not the request's.
      const { status, text, warnings } = await ask('POST', `${collection}?fieldValidation=Strict`, stringify(manifest, { aliasDuplicateObjects: false }))
      expect(status, `${what}: ${text}`).toBe(201)
      expect(warnings, what).toBeNull()
      if (manifest.kind !== 'CustomResourceDefinition') continue
      await cluster.clock.until(async () => (await cluster.apiAs({ name: 'admin', groups: ['system:masters'] }).get<any>('customresourcedefinitions.apiextensions.k8s.io', manifest.metadata.name)).status?.conditions?.some((c: { type: string; status: string }) => c.type === 'Established' && c.status === 'True'), { withinMs: 10_000, what: `${what} Established` })
    }
  })
}

test('what the custom resources leave out is filled in, and shown in their columns', async () => {
  const monitor = JSON.parse((await ask('GET', '/apis/monitoring.coreos.com/v1/namespaces/default/servicemonitors/web')).text)
  expect(monitor.spec.endpoints[0].relabelings[0].action).toBe('replace')
  const prometheus = JSON.parse((await ask('GET', '/apis/monitoring.coreos.com/v1/namespaces/default/prometheuses/main')).text)
  expect(prometheus.spec).toMatchObject({ portName: 'web', scrapeInterval: '30s' })
})

test('strict validation finds what these definitions do not know', async () => {
  const certificate = { apiVersion: 'cert-manager.io/v1', kind: 'Certificate', metadata: { name: 'typo' }, spec: { secretName: 's', issuerRef: { name: 'i' }, dnsName: 'example.com' } }
  const { status, text } = await ask('POST', '/apis/cert-manager.io/v1/namespaces/default/certificates?fieldValidation=Strict', stringify(certificate))
  expect(status).toBe(400)
  expect(text).toContain('unknown field \\"spec.dnsName\\"')
})
