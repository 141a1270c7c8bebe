import { ClusterClock } from '../../src/base/clock.ts'
import { deepEqual, thaw } from '../../src/base/freeze.ts'
import { silentLog } from '../../src/base/log.ts'
import { Random } from '../../src/base/random.ts'
import { createApiServer } from '../../src/cluster/apiserver/api-server.ts'
import { reconcileBootstrap } from '../../src/cluster/apiserver/bootstrap/reconcile.ts'
import { defaultParts } from '../../src/cluster/apiserver/default-parts.ts'
import { createClusterPki } from '../../src/cluster/apiserver/pki/cluster-pki.ts'
import type { Api, WatchHandle } from '../../src/cluster/client/api.ts'
import { createInformers, type Informers } from '../../src/cluster/client/informers.ts'
import { Etcd } from '../../src/cluster/etcd/etcd.ts'
import { prefixEnd } from '../../src/cluster/etcd/types.ts'
import { builtInKinds } from '../../src/cluster/kinds/index.ts'
import type { KubeObject, WatchEvent } from '../../src/cluster/kinds/object.ts'
import { apiError, isStatusError } from '../../src/cluster/kinds/status-error.ts'
import { nodePlatform } from '../../src/host/platform-node.ts'
import { HttpReflector, keyOf } from './http-reflector.ts'

export interface SoakReport {
  writes: number
  /** Writes that the server refused because somebody else was first. */
  refused: number
  compactions: number
  clients: { name: string; objects: number; lists: number; watches: number; cuts: number; gone: number }[]
  /** What a client had at the end that etcd hadn't, or the other way round, and events that can't be. */
  differences: string[]
}

const NAMESPACES = ['default', 'one', 'two']
const LABELS = ['web', 'db', 'cache']

/**
 * Ten clients watch while random writes happen, connections are cut and history is compacted away. At the end each must have what etcd has.
 * The same seed makes the same run.
 */
export async function soak(options: { seed: string; writes: number; onProgress?(done: number): void }): Promise<SoakReport> {
  const random = new Random(options.seed)
  const clock = new ClusterClock(nodePlatform, { mode: 'paused', startMs: Date.UTC(2030, 0, 1) })
  const pki = await createClusterPki({ nowMs: clock.nowMs(), clusterName: 'soak' })
  const etcd = new Etcd({ clock })
  const nowhere = () => Promise.reject(new Error('dial tcp: no network'))
  const server = createApiServer({ etcd, clock, random: random.fork('server'), log: silentLog, kinds: builtInKinds, dialer: { kubelet: nowhere, http: nowhere }, version: {}, parts: defaultParts({ pki, serverUrl: 'https://10.0.0.1:6443' }) })
  const api = server.as({ name: 'admin', groups: ['system:masters', 'system:authenticated'] })
  await reconcileBootstrap(api)
  for (const name of NAMESPACES) await api.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }).catch(() => {})
  const connection = { clientCertificatePem: (await pki.issueClientCertificate({ commonName: 'admin', organizations: ['system:masters'] })).certificatePem }

  const http = (name: string, more: Partial<ConstructorParameters<typeof HttpReflector>[0]> = {}) =>
    new HttpReflector({ name, handle: server.handle, connection, clock, random: random.fork(name), path: '/api/v1/configmaps', ...more })
  const reflectors = [
    http('everything'),
    http('pages of 7', { limit: 7 }),
    http('one namespace', { path: '/api/v1/namespaces/one/configmaps', limit: 3 }),
    http('by label', { labelSelector: 'app=web' }),
    http('by several labels', { labelSelector: 'app in (web,db),tier!=x', timeoutSeconds: 30 }),
    http('by name', { fieldSelector: 'metadata.name=c-1' }),
    http('watch list', { watchList: true, timeoutSeconds: 20 }),
  ]
  const inProcess = ['informer a', 'informer b', 'informer c'].map((name) => new CutApi(api, random.fork(name), name))
  const informers: Informers[] = inProcess.map((cutting) => createInformers({ api: cutting.api, clock, log: silentLog }))
  for (const set of informers) set.for('configmaps')

  const report: SoakReport = { writes: 0, refused: 0, compactions: 0, clients: [], differences: [] }
  const write = async () => {
    const namespace = random.pick(NAMESPACES)
    const name = `c-${random.int(40)}`
    const labels = { ...(random.int(4) > 0 ? { app: random.pick(LABELS) } : {}), ...(random.int(3) === 0 ? { tier: random.pick(['x', 'y']) } : {}) }
    switch (random.int(10)) {
      case 0: case 1: case 2: await api.create('configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, labels }, data: { n: String(report.writes) } }); return
      case 3: case 4: case 5: {
        const draft = thaw(await api.get('configmaps', name, namespace))
        draft.metadata.labels = labels as Record<string, string>
        draft['data'] = { n: String(report.writes) }
        await api.update('configmaps', draft)
        return
      }
      case 6: await api.patch('configmaps', name, namespace, 'application/merge-patch+json', { metadata: { labels: { app: random.pick([...LABELS, null]) } } }); return
      case 7: await api.patch('configmaps', name, namespace, 'application/apply-patch+yaml', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels }, data: { applied: String(report.writes) } }, { fieldManager: 'soak', force: true }); return
      case 8: await api.delete('configmaps', name, namespace); return
      // Everything of a namespace at once, now and then.
      default: if (random.int(200) === 0) await api.deleteCollection('configmaps', { namespace }); else await api.delete('configmaps', name, namespace)
    }
  }
  const refuse = (error: unknown) => {
    if (!isStatusError(error, 'NotFound', 'AlreadyExists', 'Conflict')) throw error
    report.refused++
  }
  let compactedAt = etcd.compactRevision
  while (report.writes < options.writes) {
    report.writes++
    await write().catch(refuse)
    if (random.int(60) === 0) random.pick(reflectors).cut()
    if (random.int(100) === 0) random.pick(inProcess).cut()
    if (random.int(25) === 0) await clock.advance(random.int(400))
    // Away for so long that history is compacted meanwhile.
    if (random.int(2_500) === 0) {
      for (const reflector of reflectors) if (random.int(2) === 0) reflector.cut(random.int(20) * 60_000)
      for (let minutes = 0; minutes < 12; minutes++) {
        await clock.advance(60_000)
        await write().catch(refuse)
      }
    }
    if (etcd.compactRevision !== compactedAt) {
      compactedAt = etcd.compactRevision
      report.compactions++
    }
    if (report.writes % 10_000 === 0) options.onProgress?.(report.writes)
  }
  const inEtcd = etcd.range<KubeObject>({ key: '/registry/configmaps/', rangeEnd: prefixEnd('/registry/configmaps/') }).kvs.map((kv) => kv.value)
  // Nobody cuts any more: all come to the end.
  await clock.until(() => reflectors.every((reflector) => reflector.connected), { withinMs: 30 * 60_000, what: 'all clients connected' })
  await clock.advance(61_000)

  const compare = (name: string, has: ReadonlyMap<string, KubeObject>, wants: (object: KubeObject) => boolean) => {
    const wanted = new Map(inEtcd.filter(wants).map((object) => [keyOf(object), object]))
    for (const [key, object] of wanted) {
      const held = has.get(key)
      if (!held) report.differences.push(`${name} lacks ${key}`)
      else if (!deepEqual(held, object)) report.differences.push(`${name} has ${key} at ${held.metadata.resourceVersion}, etcd at ${object.metadata.resourceVersion}`)
    }
    for (const key of has.keys()) if (!wanted.has(key)) report.differences.push(`${name} still has ${key}`)
  }
  for (const reflector of reflectors) {
    compare(reflector.name, reflector.objects, (object) => reflector.wants(object))
    for (const wrong of reflector.wrong) report.differences.push(`${reflector.name}: ${wrong}`)
    report.clients.push({ name: reflector.name, objects: reflector.objects.size, ...reflector.counts })
    reflector.stop()
  }
  informers.forEach((set, i) => {
    const informer = set.for('configmaps')
    compare(inProcess[i]!.name, new Map(informer.list().map((object) => [keyOf(object), object])), () => true)
    report.clients.push({ name: inProcess[i]!.name, objects: informer.size, ...inProcess[i]!.counts })
    set.stop()
  })
  server.stop()
  return report
}

/** A client in the process whose watches break off when told to, now and then as if history were gone. */
class CutApi {
  readonly api: Api
  readonly name: string
  readonly counts = { lists: 0, watches: 0, cuts: 0, gone: 0 }
  readonly #random: Random
  readonly #open = new Set<(error?: unknown) => void>()

  constructor(real: Api, random: Random, name: string) {
    this.name = name
    this.#random = random
    const watch: Api['watch'] = (resource, options, onEvents, onEnd) => {
      this.counts.watches++
      let handle: WatchHandle | undefined
      const end = (error?: unknown) => {
        if (!this.#open.delete(end)) return
        handle?.stop()
        onEnd?.(error)
      }
      this.#open.add(end)
      handle = real.watch(resource, options, (events) => { if (this.#open.has(end)) (onEvents as (events: readonly WatchEvent[]) => void)(events) }, (error) => {
        if (isStatusError(error, 'Expired', 'Gone')) this.counts.gone++
        end(error)
      })
      return { stop: () => { this.#open.delete(end); handle.stop() } }
    }
    const list: Api['list'] = (resource, options) => {
      this.counts.lists++
      return this.#random.int(10) === 0 ? Promise.reject(apiError.internal('the connection was refused')) : real.list(resource, options)
    }
    this.api = new Proxy(real, { get: (target, member) => member === 'watch' ? watch : member === 'list' ? list : Reflect.get(target, member, target) as unknown })
  }

  cut(): void {
    this.counts.cuts++
    for (const end of [...this.#open]) end(this.#random.int(4) === 0 ? apiError.expired('too old resource version') : undefined)
  }
}
