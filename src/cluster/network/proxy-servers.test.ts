import { expect, it } from 'vitest'
import { ClusterClock } from '../../base/clock.ts'
import { httpRequest } from '../../base/http.ts'
import { testPlatform } from '../../unix/test-machine.ts'
import { serveProxy } from './proxy-servers.ts'
import type { ServicePortRule } from './service-table.ts'
import { testNetwork } from './test-network.ts'

function proxyOnA() {
  const clock = new ClusterClock(testPlatform, { mode: 'paused' })
  const { network, a, b } = testNetwork(clock)
  network.services.setNodes(new Map([['a', { zone: undefined, isLeaving: false }]]))
  const stop = serveProxy({ net: a.hostStack, table: network.services, nodeName: 'a', clock })
  const get = (port: number, path: string, from = a.hostStack, ip = '10.89.0.2') => from.fetch(httpRequest(`http://${ip}:${port}${path}`)).then(async (response) => ({ status: response.status, body: await response.text() }), (error: { code: string }) => ({ status: 0, body: error.code }))
  return { services: network.services, a, b, stop, get }
}
const rule = (more: Partial<ServicePortRule>): ServicePortRule => ({ service: 'default/web', portName: '', protocol: 'TCP', addresses: ['10.96.0.9'], externalAddresses: [], port: 80, nodePort: 30080, endpoints: [], internalLocal: false, externalLocal: true, affinityMs: undefined, ...more })

it('a load balancer hears from each node how many ready endpoints of a Service it has', async () => {
  const { services, b, stop, get } = proxyOnA()
  const check = () => get(32000, '/anything', b.hostStack)
  expect(await check()).toEqual({ status: 0, body: 'ECONNREFUSED' })
  services.replace([rule({ healthCheckNodePort: 32000, endpoints: [{ ip: '10.244.0.2', port: 80, nodeName: 'a' }, { ip: '10.244.1.2', port: 80, nodeName: 'b' }] })])
  expect(await check()).toEqual({ status: 200, body: '{\n\t"service": {\n\t\t"namespace": "default",\n\t\t"name": "web"\n\t},\n\t"localEndpoints": 1,\n\t"serviceProxyHealthy": true\n}' })
  services.replace([rule({ healthCheckNodePort: 32000, endpoints: [{ ip: '10.244.0.2', port: 80, nodeName: 'a', isTerminating: true }] })])
  expect(await check()).toMatchObject({ status: 503, body: expect.stringContaining('"localEndpoints": 0') as string })
  services.replace([rule({ healthCheckNodePort: 32001 })])
  expect([(await check()).body, (await get(32001, '/', b.hostStack)).status]).toEqual(['ECONNREFUSED', 503])
  stop()
  expect((await get(32001, '/', b.hostStack)).body).toBe('ECONNREFUSED')
})

it('tells of its own health, and on the loopback address of its mode and metrics', async () => {
  const { services, a, b, get } = proxyOnA()
  expect(JSON.parse((await get(10256, '/healthz', b.hostStack)).body)).toMatchObject({ nodeEligible: true, healthy: true })
  services.setNodes(new Map([['a', { zone: undefined, isLeaving: true }]]))
  expect([(await get(10256, '/healthz')).status, (await get(10256, '/livez')).status]).toEqual([503, 200])
  expect((await get(10249, '/proxyMode', b.hostStack)).body).toBe('ECONNREFUSED')
  expect((await get(10249, '/proxyMode', a.hostStack, '127.0.0.1')).body).toBe('iptables')
  const pod = a.addPod({ uid: 'web', namespace: 'default', name: 'web', hostname: 'web' })
  pod.stack.listenHttp(80, () => new Response('web'))
  services.replace([rule({ endpoints: [{ ip: pod.ip, port: 80, nodeName: 'a' }] })])
  expect((await get(30080, '/', a.hostStack, '127.0.0.1')).body).toBe('web')
  const { body } = await get(10249, '/metrics', a.hostStack, '127.0.0.1')
  expect(body).toContain('\nkubeproxy_iptables_localhost_nodeports_accepted_packets_total 1\n')
  expect(body).toContain('\nkubeproxy_proxy_healthz_total{code="503"} 1\n')
})
