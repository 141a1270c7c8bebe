import { afterEach, describe, expect, it } from 'vitest'
import type { HttpRequest } from '../../../base/http.ts'
import type { KubeObject } from '../../kinds/object.ts'
import { startTestApiServer, type TestApiServer } from '../auth/test-api-server.ts'
import type { ClusterDialer } from '../seams.ts'

const RESOURCES = { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: 'wardle.example.com/v1alpha1', resources: [{ name: 'flunders', singularName: 'flunder', namespaced: true, kind: 'Flunder', verbs: ['get', 'list'] }, { name: 'flunders/status', singularName: '', namespaced: true, kind: 'Flunder', verbs: ['get'] }] }

let lab: TestApiServer
afterEach(() => lab.stop())

/** A server with an extension server behind Service `api` in the default namespace. */
async function start(answer: (request: HttpRequest, options: Parameters<ClusterDialer['http']>[3]) => Response | Promise<Response>): Promise<void> {
  lab = await startTestApiServer({ http: async (_host, _port, request, options) => answer(request, options) })
  lab.server.start()
  await lab.masters.create('apiservices.apiregistration.k8s.io', {
    apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata: { name: 'v1alpha1.wardle.example.com' },
    spec: { group: 'wardle.example.com', version: 'v1alpha1', groupPriorityMinimum: 2000, versionPriority: 200, service: { namespace: 'default', name: 'api', port: 7443 }, caBundle: btoa('authority') },
  })
}

async function condition(): Promise<Record<string, string>> {
  const { status } = await lab.masters.get<KubeObject>('apiservices.apiregistration.k8s.io', 'v1alpha1.wardle.example.com')
  return (status as { conditions: Record<string, string>[] }).conditions[0]!
}

/** Waits until the condition has a reason. */
async function until(reason: string): Promise<Record<string, string>> {
  let now = await condition().catch(() => ({}) as Record<string, string>)
  for (let i = 0; i < 50 && now['reason'] !== reason; i++) {
    await lab.clock.advance(1_000)
    now = await condition().catch(() => ({}) as Record<string, string>)
  }
  return now
}

async function createService(): Promise<void> {
  await lab.masters.create('services', { apiVersion: 'v1', kind: 'Service', metadata: { name: 'api', namespace: 'default' }, spec: { ports: [{ port: 7443, targetPort: 443 }] } })
}

async function createEndpoints(): Promise<void> {
  await lab.masters.create('endpointslices.discovery.k8s.io', {
    apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name: 'api-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'api' } },
    addressType: 'IPv4', endpoints: [{ addresses: ['10.244.1.2'], conditions: { ready: true } }], ports: [{ name: '', port: 443 }],
  })
}

const asAdmin = { headers: {} as Record<string, string> }
async function call(path: string, headers: Record<string, string> = asAdmin.headers): Promise<{ code: number; text: string }> {
  const { certificatePem } = await lab.pki.issueClientCertificate({ commonName: 'ann', organizations: ['system:masters'] })
  const response = await lab.server.handle(new Request(`https://localhost${path}`, { headers }), { clientCertificatePem: certificatePem })
  return { code: response.status, text: await response.text() }
}

describe('aggregation', () => {
  it('says step by step why a server is not available, and that it is', async () => {
    let isUp = false
    await start((request) => isUp ? Response.json(RESOURCES) : new Response('no', { status: 500 }))
    expect(await until('ServiceNotFound')).toMatchObject({ status: 'False', message: 'service/api in "default" is not present' })
    expect(await call('/apis/wardle.example.com/v1alpha1/flunders')).toEqual({ code: 503, text: 'service unavailable\n' })
    await createService()
    expect(await until('EndpointsNotFound')).toMatchObject({ message: 'cannot find endpointslices for service/api in "default"' })
    await createEndpoints()
    expect((await until('FailedDiscoveryCheck'))['message']).toMatch(/^failing or missing response from (https:\/\/10\.96\.\d+\.\d+:7443\/apis\/wardle\.example\.com\/v1alpha1): bad status from \1: 500$/)
    isUp = true
    expect(await until('Passed')).toMatchObject({ status: 'True', message: 'all checks passed' })
  })

  it('passes requests on with who asks, and with what proves this server', async () => {
    const seen: { request: HttpRequest; options: Parameters<ClusterDialer['http']>[3] }[] = []
    await start((request, options) => {
      seen.push({ request, options })
      return request.url.includes('flunders') ? Response.json({ items: [] }, { status: 418 }) : Response.json(RESOURCES)
    })
    await createService()
    await createEndpoints()
    await until('Passed')
    expect(await call('/apis/wardle.example.com/v1alpha1/namespaces/x/flunders?limit=5&a=b', { authorization: 'Bearer forged', 'x-remote-user': 'forged' })).toMatchObject({ code: 418 })
    const { request, options } = seen.at(-1)!
    expect(new URL(request.url).search).toBe('?a=b&limit=5')
    expect(request.headers.get('x-remote-user')).toBe('ann')
    expect(request.headers.get('x-remote-group')).toBe('system:masters, system:authenticated')
    expect(request.headers.get('authorization')).toBe(null)
    expect(options).toMatchObject({ tls: { caPem: 'authority', serverName: 'api.default.svc' } })
  })

  it('shows the groups of other servers in discovery, also while they are away', async () => {
    let isUp = true
    await start(() => isUp ? Response.json(RESOURCES) : new Response('no', { status: 500 }))
    await createService()
    await createEndpoints()
    await until('Passed')
    await lab.clock.advance(2_000)
    const groups = JSON.parse((await call('/apis')).text).groups as { name: string }[]
    expect(groups.map(({ name }) => name).slice(-2)).toEqual(['flowcontrol.apiserver.k8s.io', 'wardle.example.com'])
    expect(JSON.parse((await call('/apis/wardle.example.com')).text)).toMatchObject({ kind: 'APIGroup', preferredVersion: { version: 'v1alpha1' } })
    const aggregated = async () => (JSON.parse((await call('/apis', { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' })).text).items as { metadata: { name: string }; versions: unknown[] }[]).at(-1)!
    const version = { version: 'v1alpha1', freshness: 'Current', resources: [{ resource: 'flunders', scope: 'Namespaced', singularResource: 'flunder', responseKind: { group: 'wardle.example.com', version: 'v1alpha1', kind: 'Flunder' }, subresources: [{ subresource: 'status' }] }] }
    expect(await aggregated()).toMatchObject({ metadata: { name: 'wardle.example.com' }, versions: [version] })
    isUp = false
    await lab.clock.advance(61_000)
    expect(await aggregated()).toMatchObject({ versions: [{ ...version, freshness: 'Stale' }] })
  })

  it('gives served versions of custom resources their APIService', async () => {
    await start(() => new Response('', { status: 500 }))
    const definition = (served: boolean) => ({
      apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'widgets.example.com' },
      spec: { group: 'example.com', scope: 'Namespaced', names: { plural: 'widgets', kind: 'Widget' }, versions: [{ name: 'v1', served, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }] },
    })
    await lab.masters.create('customresourcedefinitions.apiextensions.k8s.io', definition(true))
    await lab.clock.advance(1_000)
    const made = await lab.masters.get('apiservices.apiregistration.k8s.io', 'v1.example.com')
    expect(made).toMatchObject({ metadata: { labels: { 'kube-aggregator.kubernetes.io/automanaged': 'true' } }, spec: { groupPriorityMinimum: 1000, versionPriority: 100 }, status: { conditions: [{ reason: 'Local' }] } })
    await lab.masters.delete('customresourcedefinitions.apiextensions.k8s.io', 'widgets.example.com')
    await lab.clock.advance(1_000)
    await expect(lab.masters.get('apiservices.apiregistration.k8s.io', 'v1.example.com')).rejects.toMatchObject({ reason: 'NotFound' })
  })

  it('believes X-Remote headers of its proxy certificate alone', async () => {
    lab = await startTestApiServer()
    const proxy = await lab.pki.issueFrontProxyClientCertificate()
    const ask = async (clientCertificatePem: string) => lab.call('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }, headers: { 'x-remote-user': 'eve', 'x-remote-group': 'g1' }, connection: { clientCertificatePem } })
    expect((await ask(proxy.certificatePem)).body['status']).toMatchObject({ userInfo: { username: 'eve', groups: ['g1', 'system:authenticated'] } })
    expect((await ask((await lab.pki.issueClientCertificate({ commonName: 'bob' })).certificatePem)).body['status']).toMatchObject({ userInfo: { username: 'bob' } })
  })
})
