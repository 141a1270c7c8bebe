/** For tests: a node with a kubelet, in front of a real API server on a stepped clock. */
import { printYaml } from '../kinds/print-yaml.ts'
import { ClusterClock } from '../../base/clock.ts'
import { httpRequest } from '../../base/http.ts'
import type { HttpRequest } from '../../base/http.ts'
import { createLog, silentLog } from '../../base/log.ts'
import { Random } from '../../base/random.ts'
import { testPlatform } from '../../base/test-platform.ts'
import type { MountableFileSystem, Program } from '../../unix/types.ts'
import { createApiServer } from '../apiserver/api-server.ts'
import type { Api } from '../client/api.ts'
import { Etcd } from '../etcd/etcd.ts'
import { defineImage } from '../images/image.ts'
import type { Pod } from '../kinds/generated/types.ts'
import { builtInKinds } from '../kinds/index.ts'
import type { KubeObject } from '../kinds/object.ts'
import { Network } from '../network/network.ts'
import { plugInKindnet } from '../network/test-network.ts'
import { createContainerRuntime } from '../runtime/container-runtime.ts'
import type { ContainerRuntime } from '../runtime/container-runtime.ts'
import { createImageRegistry } from '../runtime/image-registry.ts'
import { createKubelet } from './kubelet.ts'
import type { Kubelet } from './kubelet.ts'

/**
 * One program for all: its arguments are steps. `echo TEXT`, `err TEXT`, `env NAME`, `cat FILE`, `write FILE TEXT`, `sleep MS`, `exit CODE`,
 * `serve PORT STATUS_FILE`, `term CODE` (waits for SIGTERM, then exits), `lines` (echoes standard input), `id`, `fill BYTES`.
 */
const steps: Program = async (proc) => {
  const words = proc.argv.slice(1)
  const next = () => words.shift() ?? ''
  while (words.length > 0) {
    switch (next()) {
      case 'echo': await proc.stdout.write(`${next()}\n`); break
      case 'print': await proc.stdout.write(next()); break
      case 'err': await proc.stderr.write(`${next()}\n`); break
      case 'env': await proc.stdout.write(`${proc.env[next()] ?? ''}\n`); break
      case 'cat': await proc.stdout.write(proc.fs.readFile(next())); break
      case 'need': { const path = next(); if (!proc.fs.exists(path)) { await proc.stderr.write(`no ${path}\n`); return 1 } break }
      case 'write': { const path = next(); proc.fs.writeFile(path, next()); break }
      case 'remove': proc.fs.remove(next()); break
      case 'unless': { const path = next(); const rest = next(); if (!proc.fs.exists(path)) words.unshift(...rest.split(' ')); break }
      case 'sleep': await proc.sleep(Number(next())); break
      case 'exit': return Number(next())
      case 'id': await proc.stdout.write(`${proc.user.uid} ${proc.user.gid} ${proc.user.groups.join(',')}\n`); break
      case 'fill': proc.useMemory(Number(next())); break
      case 'term': await proc.signal('SIGTERM'); return Number(next())
      case 'serve': {
        const port = Number(next())
        const file = next()
        proc.net.listenHttp(port, () => new Response('page', { status: proc.fs.exists(file) ? Number(proc.fs.readText(file)) : 200 }))
        break
      }
      case 'lines': for (let chunk = await proc.stdin.read(); chunk; chunk = await proc.stdin.read()) await proc.stdout.write(chunk); break
      case 'forever': await new Promise(() => {}); break
    }
  }
  return 0
}

const testImages = [
  defineImage({ repository: 'docker.io/library/box', tags: ['1', '2'], sizeBytes: 10_000_000, entrypoint: ['/bin/run'], cmd: ['forever'], env: { FROM_IMAGE: 'yes' }, programs: { '/bin/run': steps }, files: { '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nweb:x:101:102:web:/srv:/bin/sh\n', '/etc/group': 'root:x:0:\nweb:x:102:\nextra:x:500:web\n' } }),
  defineImage({ repository: 'docker.io/library/userbox', tags: ['1'], sizeBytes: 10_000_000, user: 'web', entrypoint: ['/bin/run'], programs: { '/bin/run': steps }, files: { '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nweb:x:101:102:web:/srv:/bin/sh\n', '/etc/group': 'root:x:0:\nweb:x:102:\nextra:x:500:web\n' } }),
  defineImage({ repository: 'registry.k8s.io/etcd', tags: ['3'], sizeBytes: 10_000_000, entrypoint: ['/bin/run'], cmd: ['forever'], programs: { '/bin/run': steps } }),
]

function copyFiles(from: MountableFileSystem, to: MountableFileSystem, path: string): void {
  const { type } = from.lstat(path)
  if (type === 'file') to.writeFile(path, from.readFile(path))
  else if (type === 'directory') {
    to.mkdir(path, { recursive: true })
    for (const name of from.readdir(path)) copyFiles(from, to, `${path}/${name}`)
  }
}

export interface TestNode {
  clock: ClusterClock
  api: Api
  kubelet: Kubelet
  /** The node's disk. */
  readonly files: MountableFileSystem
  readonly runtime: ContainerRuntime
  /** Status writes that reached the API, by pod name. */
  writes: Map<string, number>
  createPod(name: string, spec: Partial<Pod['spec']> & { command?: string[] }, metadata?: Partial<Pod['metadata']>): Promise<Pod>
  pod(name: string): Promise<Pod>
  /** Lets time jump until the condition holds. */
  until(name: string, holds: (pod: Pod) => boolean | undefined, withinMs?: number): Promise<Pod>
  gone(name: string, withinMs?: number): Promise<void>
  /** `Type Reason xCount: Message`, in the order of their first occurrence. */
  events(name: string): Promise<string[]>
  logs(pod: string, container?: string, query?: string): Promise<string>
  exec(pod: string, command: string[], input?: string): Promise<{ out: string; err: string; status: KubeObject }>
  request(path: string, init?: { headers?: Record<string, string> }): HttpRequest
  /** Another kubelet in the place of this one, with the node's disk and without its processes: what a reload of the tab does. */
  restart(): Promise<void>
  stop(): Promise<void>
}

const MANIFESTS = '/etc/kubernetes/manifests'

export async function startTestNode(options: { staticPods?: KubeObject[]; allocatable?: Record<string, string>; debug?: boolean; clusterDns?: readonly string[] } = {}): Promise<TestNode> {
  const clock = new ClusterClock(testPlatform, { startMs: Date.parse('2026-01-01T00:00:00Z'), mode: 'paused' })
  const random = new Random('node')
  const log = options.debug ? createLog(clock, (e) => console.log(e.component, e.message, JSON.stringify(e.fields))) : silentLog
  const etcd = new Etcd({ clock })
  const server = createApiServer({
    etcd, clock, random: random.fork('api'), log, kinds: builtInKinds,
    dialer: { kubelet: () => Promise.reject(new Error('no kubelet')), http: () => Promise.reject(new Error('no network')) },
    version: { major: '1', minor: '36', gitVersion: 'v1.36.3', gitCommit: '', gitTreeState: '', buildDate: '', goVersion: '', compiler: '', platform: '' } as never,
    parts: () => ({
      authenticators: [], authorizer: { authorize: () => ({ allowed: true }) }, admission: [],
      virtualResources: [{ resource: 'serviceaccounts/token', create: async (body, { name }) => ({ ...body, status: { token: `token-of-${name}`, expirationTimestamp: new Date(clock.nowMs() + 3_600_000).toISOString() } }) }],
    }),
  })
  const api = server.as({ name: 'test', groups: ['system:masters'] })
  const writes = new Map<string, number>()
  const counting: Api = { ...api, list: (...a) => api.list(...a), get: (...a) => api.get(...a), watch: (...a) => api.watch(...a), create: (...a) => api.create(...a), update: (...a) => api.update(...a), patch: (...a) => api.patch(...a), delete: (...a) => api.delete(...a), deleteCollection: (...a) => api.deleteCollection(...a), createSubresource: (...a) => api.createSubresource(...a),
    updateStatus: ((resource: string, object: KubeObject, o: never) => { if (resource === 'pods') writes.set(object.metadata.name!, (writes.get(object.metadata.name!) ?? 0) + 1); return api.updateStatus(resource, object, o) }) as Api['updateStatus'] }
  const drive = async <T>(work: Promise<T>): Promise<T> => {
    let done = false
    const watched = work.finally(() => { done = true })
    watched.catch(() => {})
    await clock.until(() => done, { withinMs: 10_000, what: 'a request' })
    return work
  }
  for (const name of ['default', 'kube-system', 'kube-node-lease']) await drive(api.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }).catch(() => undefined))
  await drive(api.create('serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'default' } }).catch(() => undefined))

  let disk: MountableFileSystem | undefined
  let current: ContainerRuntime
  const boot = (label: string) => {
    const network = new Network({ clock, random: random.fork(`network${label}`), podCidr: '10.244.0.0/16', serviceCidr: '10.96.0.0/16', hostCidr: '10.89.0.0/16' })
    const nodeNetwork = network.addNode('node1', '10.89.0.3', () => runtime.nodeFiles)
    const runtime = createContainerRuntime({ clock, random: random.fork(`runtime${label}`), registry: createImageRegistry(testImages, clock), network: nodeNetwork, log, nodeName: 'node1' })
    const capacity = options.allocatable ?? { cpu: '4', memory: '8Gi', 'ephemeral-storage': '100Gi', pods: '110' }
    const kubelet = createKubelet({
      nodeName: 'node1', api: counting, clock, random: random.fork(`kubelet${label}`), log, runtime, network: nodeNetwork,
      node: { labels: {}, taints: [], addresses: [{ type: 'InternalIP', address: '10.89.0.3' }, { type: 'Hostname', address: 'node1' }], capacity },
      clusterDns: options.clusterDns ?? '10.96.0.10', clusterDomain: 'cluster.local', staticPodPath: MANIFESTS,
    })
    plugInKindnet(runtime.nodeFiles, '10.244.1.0/24')
    if (disk) copyFiles(disk, runtime.nodeFiles, '/var')
    disk = runtime.nodeFiles
    current = runtime
    disk.mkdir(MANIFESTS, { recursive: true })
    for (const pod of options.staticPods ?? []) disk.writeFile(`${MANIFESTS}/${pod.metadata.name}.yaml`, printYaml(pod))
    kubelet.start()
    return kubelet
  }
  const node: TestNode = {
    clock, api, writes, kubelet: boot(''),
    get files() { return disk! },
    get runtime() { return current },
    createPod: (name, { command, ...spec }, metadata = {}) => drive(api.create<Pod>('pods', {
      apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default', ...metadata },
      spec: { nodeName: 'node1', ...(command ? { containers: [{ name: 'c', image: 'box:1', args: command }] } : {}), ...spec } as Pod['spec'],
    } as Pod)),
    pod: (name) => drive(api.get<Pod>('pods', name, 'default')),
    async until(name, holds, withinMs = 120_000) {
      let last: Pod | undefined
      try {
        await clock.until(async () => {
          last = await api.get<Pod>('pods', name, 'default').catch(() => undefined)
          return last !== undefined && holds(last) === true
        }, { withinMs, what: `pod ${name}` })
      } catch (error) {
        throw new Error(`${(error as Error).message}; it is ${JSON.stringify(last?.status, null, 1)}`)
      }
      return last!
    },
    async gone(name, withinMs = 120_000) {
      await clock.until(() => api.get('pods', name, 'default').then(() => false, () => true), { withinMs, what: `end of pod ${name}` })
    },
    async events(name) {
      await clock.settle()
      const list = await drive(api.list('events', { namespace: 'default' }))
      return list.items.filter((e) => e.involvedObject.name === name).sort((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion))
        .map((e) => `${e.type} ${e.reason} x${e.count}: ${e.message}`)
    },
    async logs(pod, container = 'c', query = '') {
      const response = await drive(node.kubelet.handle(node.request(`/containerLogs/default/${pod}/${container}${query}`)))
      return drive(response.text())
    },
    async exec(pod, command, input) {
      const query = new URLSearchParams([...command.map((c): [string, string] => ['command', c]), ['output', '1'], ['error', '1'], ...(input !== undefined ? [['input', '1'] as [string, string]] : [])])
      const response = await drive(node.kubelet.handle(node.request(`/exec/default/${pod}/c?${query}`, { headers: { upgrade: 'websocket', 'sec-websocket-protocol': 'v5.channel.k8s.io' } })))
      if (response.status !== 101) throw new Error(await response.text())
      const { webSocket } = response as unknown as { webSocket: import('../../base/http.ts').WebSocketEnd }
      const text = new TextDecoder()
      const out = { out: '', err: '', status: undefined as unknown as KubeObject }
      if (input !== undefined) {
        webSocket.send(Uint8Array.from([0, ...new TextEncoder().encode(input)]))
        webSocket.send(Uint8Array.from([255, 0]))
      }
      await drive((async () => {
        for await (const message of webSocket.messages) {
          const bytes = message as Uint8Array
          const data = text.decode(bytes.subarray(1))
          if (bytes[0] === 1) out.out += data
          else if (bytes[0] === 2) out.err += data
          else if (bytes[0] === 3) out.status = JSON.parse(data) as KubeObject
        }
      })())
      return out
    },
    request: (path, init = {}) => httpRequest(`https://node1:10250${path}`, init),
    async restart() {
      await drive(node.kubelet.stop())
      node.kubelet = boot('2')
    },
    async stop() {
      await drive(node.kubelet.stop())
      server.stop()
    },
  }
  return node
}
