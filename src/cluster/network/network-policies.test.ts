import { describe, expect, it } from 'vitest'
import { ClusterClock } from '../../base/clock.ts'
import { httpRequest } from '../../base/http.ts'
import { testPlatform } from '../../unix/test-machine.ts'
import type { NetStack } from '../../unix/types.ts'
import type { Informers } from '../client/informers.ts'
import type { KubeObject } from '../kinds/object.ts'
import type { NetworkPolicySpec } from '../kinds/generated/types.ts'
import { NetworkPolicyTable } from './network-policies.ts'
import { testNetwork } from './test-network.ts'

/** Caches that hold these objects. */
function cachesOf(objects: Record<string, KubeObject[]>): Informers {
  return {
    for: (resource: string) => {
      const held = objects[resource] ??= []
      return {
        get size() { return held.length },
        list: (namespace: string) => held.filter(({ metadata }) => metadata.namespace === namespace),
        get: (key: string) => held.find(({ metadata }) => (metadata.namespace ? `${metadata.namespace}/${metadata.name}` : metadata.name) === key),
        onChanges: (handler: (changes: unknown[]) => void) => { handler([]); return () => {} },
      }
    },
  } as unknown as Informers
}

/** Nodes `a` and `b`; pods `web` (app=web, port http) and `near` on a, `far` on b, all in `default`, and `ops` in a namespace with team=ops on b. */
function network(...specs: Partial<NetworkPolicySpec>[]) {
  const clock = new ClusterClock(testPlatform, { mode: 'paused' })
  const { network: net, a, b } = testNetwork(clock)
  const pods: KubeObject[] = []
  const pod = (node: typeof a, name: string, labels: Record<string, string> = {}, namespace = 'default') => {
    pods.push({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace, labels }, spec: { containers: [{ name: 'c', ports: [{ name: 'http', containerPort: 80 }] }] } } as unknown as KubeObject)
    return node.addPod({ uid: name, namespace, name, hostname: name })
  }
  const made = { web: pod(a, 'web', { app: 'web' }), near: pod(a, 'near', { friend: 'yes' }), far: pod(b, 'far', { friend: 'yes' }), ops: pod(b, 'ops', { friend: 'yes' }, 'ops') }
  for (const port of [80, 81, 82, 83]) made.web.stack.listenHttp(port, () => new Response('web'))
  a.hostStack.listenHttp(9000, () => new Response('node'))
  b.hostStack.listenHttp(9000, () => new Response('node'))
  net.services.replace([{ service: 'default/web', portName: '', protocol: 'TCP', externalAddresses: [], internalLocal: false, externalLocal: false, affinityMs: undefined, addresses: ['10.96.0.9'], port: 80, nodePort: 30080, endpoints: [{ ip: made.web.ip, port: 80, nodeName: 'a' }] }])
  const policies = specs.map((spec, i) => ({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: `p${i}`, namespace: 'default' }, spec: { podSelector: {}, policyTypes: ['Ingress'], ...spec } }) as unknown as KubeObject)
  const table = new NetworkPolicyTable(cachesOf({
    'networkpolicies.networking.k8s.io': policies, pods, namespaces: [{ metadata: { name: 'default' } }, { metadata: { name: 'ops', labels: { team: 'ops' } } }] as unknown as KubeObject[],
  }))
  for (const { kernel } of [a, b]) kernel.filters.add(table)
  const get = async (from: NetStack, host: string) => {
    let answer: string | undefined
    void from.fetch(httpRequest(`http://${host}/`), { connectTimeoutMs: 1000 }).then((response) => response.text()).then((text) => { answer = text }, (error: { code: string }) => { answer = error.code })
    await clock.until(() => answer !== undefined, { withinMs: 10_000 })
    return answer
  }
  const pick = (rules: Record<string, () => Promise<string | undefined>>) => (async () => Object.fromEntries(await Promise.all(Object.entries(rules).map(async ([name, rule]) => [name, await rule()]))))()
  return { clock, net, a, b, policies, laptop: net.addHost('laptop', '10.89.0.1'), get, pick, ...made }
}

const WEB = { podSelector: { matchLabels: { app: 'web' } } }
const FRIENDS = { podSelector: { matchLabels: { friend: 'yes' } } }

describe('ingress', () => {
  it('isolates the pods that a policy selects, but not from their own node', async () => {
    const { get, pick, web, near, far, a, b, laptop } = network(WEB)
    expect(await pick({
      near: () => get(near.stack, web.ip), far: () => get(far.stack, '10.96.0.9'), node: () => get(a.hostStack, web.ip), service: () => get(a.hostStack, '10.96.0.9'),
      otherNode: () => get(b.hostStack, web.ip), laptop: () => get(laptop, `10.89.0.2:30080`), itself: () => get(web.stack, '127.0.0.1'), others: () => get(web.stack, `${near.ip}:80`),
    })).toEqual({ near: 'ETIMEDOUT', far: 'ETIMEDOUT', node: 'web', service: 'web', otherNode: 'ETIMEDOUT', laptop: 'ETIMEDOUT', itself: 'web', others: 'ECONNREFUSED' })
  })

  it('lets in whom any policy allows: pods of its namespace, pods of chosen namespaces', async () => {
    const { get, pick, web, near, far, ops } = network(WEB, { ...WEB, ingress: [{ from: [FRIENDS] }] }, { ...WEB, ingress: [{ from: [{ namespaceSelector: { matchLabels: { team: 'ops' } } }], ports: [{ port: 81 }] }] })
    expect(await pick({ near: () => get(near.stack, web.ip), far: () => get(far.stack, '10.96.0.9'), ops: () => get(ops.stack, web.ip), ops81: () => get(ops.stack, `${web.ip}:81`) }))
      .toEqual({ near: 'web', far: 'web', ops: 'ETIMEDOUT', ops81: 'web' })
  })

  it.each([
    ['a number', [{ port: 81 }], [81]], ['a name', [{ port: 'http' }], [80]], ['a range', [{ port: 81, endPort: 82 }], [81, 82]], ['two', [{ port: 80 }, { port: 83 }], [80, 83]],
    ['any of the protocol', [{ protocol: 'TCP' }], [80, 81, 82, 83]], ['another protocol', [{ protocol: 'UDP', port: 80 }], []],
  ])('knows ports by %s', async (_how, ports, open) => {
    const { get, web, near } = network({ ...WEB, ingress: [{ ports }] } as Partial<NetworkPolicySpec>)
    const answers = await Promise.all([80, 81, 82, 83].map(async (port) => [port, await get(near.stack, `${web.ip}:${port}`)] as const))
    expect(answers.filter(([, answer]) => answer === 'web').map(([port]) => port)).toEqual(open)
  })

  it('knows blocks of addresses; node ports hide their clients from other nodes', async () => {
    const { get, pick, web, near, far, laptop } = network({ ...WEB, ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.244.1.0/24', '10.89.0.3/32'] } }] }] })
    expect(await pick({ near: () => get(near.stack, web.ip), far: () => get(far.stack, web.ip), direct: () => get(laptop, '10.89.0.2:30080'), through: () => get(laptop, '10.89.0.3:30080') }))
      .toEqual({ near: 'web', far: 'ETIMEDOUT', direct: 'web', through: 'ETIMEDOUT' })
  })
})

describe('egress', () => {
  it('isolates, but not from the own node', async () => {
    const { get, pick, web, near, far } = network({ ...FRIENDS, policyTypes: ['Egress'] })
    expect(await pick({
      near: () => get(near.stack, web.ip), far: () => get(far.stack, '10.96.0.9'), ownNode: () => get(near.stack, '10.89.0.2:9000'), otherNode: () => get(near.stack, '10.89.0.3:9000'),
      nobody: () => get(near.stack, '10.244.0.77'), outside: () => get(near.stack, '192.0.2.1'), noEndpoints: () => get(near.stack, '10.96.0.9:81'),
    })).toEqual({ near: 'ETIMEDOUT', far: 'ETIMEDOUT', ownNode: 'node', otherNode: 'ETIMEDOUT', nobody: 'ETIMEDOUT', outside: 'ETIMEDOUT', noEndpoints: 'ETIMEDOUT' })
  })

  it('judges Services by the pods behind them', async () => {
    const { get, pick, near, far } = network({ ...FRIENDS, policyTypes: ['Egress'], egress: [{ to: [{ podSelector: { matchLabels: { app: 'web' } } }], ports: [{ port: 'http' }] }] })
    expect(await pick({ service: () => get(far.stack, '10.96.0.9'), other: () => get(near.stack, '10.89.0.3:9000') })).toEqual({ service: 'web', other: 'ETIMEDOUT' })
    const blocks = network({ ...FRIENDS, policyTypes: ['Egress'], egress: [{ to: [{ ipBlock: { cidr: '10.96.0.0/16' } }] }] })
    expect(await blocks.get(blocks.far.stack, '10.96.0.9')).toBe('ETIMEDOUT')
  })
})

it('what was open before a policy stays open', async () => {
  const { policies, web, near, get } = network({ podSelector: { matchLabels: { app: 'none' } } })
  const heard: string[] = []
  web.stack.listenTcp(90, (socket) => { void socket.reader.read().then((chunk) => { heard.push(new TextDecoder().decode(chunk!)) }) })
  const socket = await near.stack.connectTcp(web.ip, 90)
  policies.push({ metadata: { name: 'late', namespace: 'default' }, spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'] } } as unknown as KubeObject)
  await socket.writer.write(new TextEncoder().encode('still here'))
  expect(await get(near.stack, web.ip)).toBe('ETIMEDOUT')
  expect(heard).toEqual(['still here'])
})
