import { expect, it } from 'vitest'
import { ClusterClock } from '../../base/clock.ts'
import { httpRequest } from '../../base/http.ts'
import { testPlatform } from '../../unix/test-machine.ts'
import type { NetStack } from '../../unix/types.ts'
import { testNetwork } from './test-network.ts'

function twoNodes() {
  const clock = new ClusterClock(testPlatform, { mode: 'paused' })
  return { clock, ...testNetwork(clock) }
}
const get = (from: NetStack, url: string) => from.fetch(httpRequest(url)).then((response) => response.text(), (error: { code: string }) => error.code)

it('a host port leads to its pod at the address it was asked for, until the pod goes', async () => {
  const { a, b } = twoNodes()
  const pod = (name: string, hostIp?: string) => {
    const made = a.addPod({ uid: name, namespace: 'default', name, hostname: name, hostPorts: [{ protocol: 'TCP', hostPort: 8080, containerPort: 80, ...(hostIp ? { hostIp } : {}) }] })
    made.stack.listenHttp(80, () => new Response(name))
    return made
  }
  const local = pod('local', '127.0.0.1')
  pod('outer', '10.89.0.2')
  expect(await get(a.hostStack, 'http://127.0.0.1:8080/')).toBe('local')
  expect(await get(a.hostStack, 'http://10.89.0.2:8080/')).toBe('outer')
  expect(await get(b.hostStack, 'http://10.89.0.2:8080/')).toBe('outer')
  expect(await get(b.hostStack, 'http://127.0.0.1:8080/')).toBe('ECONNREFUSED')
  local.release()
  expect(await get(a.hostStack, 'http://127.0.0.1:8080/')).toBe('ECONNREFUSED')
})

it('a client of a Service sees the address it dialled, and a node reaches its own node ports', async () => {
  const { network, a } = twoNodes()
  const pod = a.addPod({ uid: 'web', namespace: 'default', name: 'web', hostname: 'web' })
  pod.stack.listenTcp(80, (socket) => socket.destroy())
  pod.stack.listenHttp(81, () => new Response('web'))
  const rule = { service: 'default/web', portName: '', protocol: 'TCP' as const, externalAddresses: [], internalLocal: false, externalLocal: false, affinityMs: undefined, addresses: ['10.96.0.9'] }
  network.services.replace([
    { ...rule, port: 80, nodePort: undefined, endpoints: [{ ip: pod.ip, port: 80, nodeName: 'a' }] },
    { ...rule, port: 81, nodePort: 30081, endpoints: [{ ip: pod.ip, port: 81, nodeName: 'a' }] },
  ])
  expect((await a.hostStack.connectTcp('10.96.0.9', 80)).remote).toEqual({ ip: '10.96.0.9', port: 80 })
  expect(await get(a.hostStack, 'http://10.89.0.2:30081/')).toBe('web')
})

it('another node’s port is that node’s to translate, and pods come to other nodes as their own node', async () => {
  const { network, a, b } = twoNodes()
  const pod = (node: typeof a, name: string) => node.addPod({ uid: name, namespace: 'default', name, hostname: name })
  const [client, web] = [pod(a, 'client'), pod(b, 'web')]
  web.stack.listenHttp(80, (_, { remote }) => new Response(remote.ip))
  b.hostStack.listenHttp(81, (_, { remote }) => new Response(remote.ip))
  const rule = { service: 'default/web', portName: '', protocol: 'TCP' as const, externalAddresses: [], internalLocal: false, externalLocal: true, affinityMs: undefined, port: 80 }
  network.services.replace([
    { ...rule, addresses: ['10.96.0.9'], nodePort: 30080, endpoints: [{ ip: web.ip, port: 80, nodeName: 'b' }] },
    { ...rule, addresses: ['10.96.0.10'], nodePort: undefined, endpoints: [{ ip: '10.89.0.3', port: 81, nodeName: 'b' }] },
  ])
  // The node of the client has no endpoint; that of the port has one, and sees who asks.
  expect(await get(a.hostStack, 'http://10.89.0.3:30080/')).toBe('10.89.0.2')
  expect(await get(client.stack, 'http://10.89.0.3:30080/')).toBe('10.89.0.2')
  expect(await get(client.stack, 'http://10.89.0.2:30080/')).toBe(client.ip)
  expect(await get(client.stack, `http://${web.ip}/`)).toBe(client.ip)
  expect(await get(client.stack, 'http://10.89.0.3:81/')).toBe('10.89.0.2')
  expect(await get(client.stack, 'http://10.96.0.10/')).toBe('10.89.0.2')
})
