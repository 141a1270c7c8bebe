import { parse as parseYaml } from 'yaml'
import { ClusterClock } from '../../src/base/clock.ts'
import { deepEqual, deepFreeze, thaw } from '../../src/base/freeze.ts'
import { httpRequest } from '../../src/base/http.ts'
import { createLog, type LogEntry } from '../../src/base/log.ts'
import { Random } from '../../src/base/random.ts'
import { createApiServer } from '../../src/cluster/apiserver/api-server.ts'
import { reconcileBootstrap } from '../../src/cluster/apiserver/bootstrap/reconcile.ts'
import { defaultParts } from '../../src/cluster/apiserver/default-parts.ts'
import { createClusterPki } from '../../src/cluster/apiserver/pki/cluster-pki.ts'
import type { ClusterDialer, ConnectionInfo } from '../../src/cluster/apiserver/seams.ts'
import { Etcd } from '../../src/cluster/etcd/etcd.ts'
import { FROM_KEY } from '../../src/cluster/etcd/types.ts'
import { decodeObject } from '../../src/cluster/kinds/decode.ts'
import { applyDefaults } from '../../src/cluster/kinds/defaults.ts'
import { builtInKinds, kindOf } from '../../src/cluster/kinds/index.ts'
import type { KubeObject } from '../../src/cluster/kinds/object.ts'
import { nodePlatform } from '../../src/host/platform-node.ts'
import type { Json } from './hostile-values.ts'
import { inJson } from './protobuf-answers.ts'
import { RequestMaker, type FuzzRequest } from './requests.ts'

export interface FuzzOptions {
  seed: string
  count: number
  /** Stops after so many different findings; 20 by default. */
  maxFindings?: number
  /** Stops when so many milliseconds of real time have passed. */
  maxMs?: number
  onProgress?(done: number, report: FuzzReport): void
}

export interface Finding {
  /** The how-manieth request. */
  number: number
  /** How often the same was seen. */
  times: number
  what: string
  request: string
}

export interface FuzzReport {
  requests: number
  findings: Finding[]
  /** Answers by status code. */
  statuses: Record<string, number>
  /** Answers with a code from 500 on, by the beginning of their message. */
  failures: Record<string, number>
  /** Objects that were stored and read back. */
  roundTrips: number
  /** Longest time that one request kept the thread without a pause, ms, with the requests that did. */
  longestMs: number
  slowest: { ms: number; bytes: number; request: string }[]
  /** Tasks that took longer than the 8 ms that the event loop is promised. */
  over8ms: number
  /** Heap after garbage collection, bytes, at each sweep (only with --expose-gc). */
  heap: number[]
}

/** Requests between two sweeps: everything that was made is deleted, and the store must be as it was before. */
const SWEEP_EVERY = 5_000
const MAX_OPEN_WATCHES = 20
const HANG_TURNS = 20_000
/** Cancelled timers are cleared away some hundreds at a time. */
const MAX_MORE_TIMERS = 600
/** What the real server answers with code 500, too. */
const UPSTREAM_500 = [
  /^(?:failed to create manager for existing fields: )?failed to convert new object /,
  /resource ?[vV]ersion/, /^strconv\.ParseUint: parsing/, /without impersonating a user/, /error dialing|no kubelet|no network|dial tcp|no endpoints available/, /failed calling webhook|failed to call webhook/,
  /json patch|jsonpatch|failed to create typed patch object|error in (opening|adding|removing|replacing|copying|moving|testing)|operation does not apply|unexpected kind:|Unexpected kind/i, /^unknown patch type: |^expected a (\[\]interface|map\[)/, /^list element types are not identical: |^merging an object in json but data type is not struct|^\[?target\.|^duplicate nodePort: |^Internal error occurred: failed to allocate requested HealthCheck NodePort|^invalid resource name /, /unable to find api field|map: .* does not contain declared merge key|invalid object to apply|delete list patches/,
]
/** What JavaScript says when something was not thought of; CEL speaks of undefined fields, too, and structural schemas of what must be undefined. */
const ACCIDENT = /(?<!\b(?:or|be) )\bundefined(?! field)|\[object Object\]|is not a function|Cannot (?:read|set|use)|is not iterable|Maximum call stack|Invalid array length/
/** The hidden places that a polluted prototype would show in. */
const PROTOTYPES = [Object.prototype, Array.prototype, Function.prototype, String.prototype, Number.prototype, Map.prototype, Promise.prototype].map((prototype) => ({ prototype, names: Object.getOwnPropertyNames(prototype).length }))

/**
 * Sends random requests to an API server and looks at every answer. Everything comes from the seed: the same seed makes the same run,
 * up to the first finding.
 */
export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const report: FuzzReport = { requests: 0, findings: [], statuses: {}, failures: {}, roundTrips: 0, longestMs: 0, slowest: [], over8ms: 0, heap: [] }
  const world = await startWorld(options.seed)
  const maker = new RequestMaker(builtInKinds)
  const maxFindings = options.maxFindings ?? 20
  const openWatches: { close(): Promise<void> }[] = []
  let current: FuzzRequest | undefined
  const kinds = new Map<string, Finding>()
  const found = (what: string, request = current) => {
    // The same accident in other words counts once.
    const sort = what.split('\n', 3).join(' ').replace(/"[^"]*"/g, '""').replace(/\d+/g, '0').slice(0, 150)
    const known = kinds.get(sort)
    if (known) known.times++
    else if (report.findings.length < maxFindings) {
      const finding: Finding = { number: report.requests, times: 1, what, request: request ? shown(request) : '' }
      kinds.set(sort, finding)
      report.findings.push(finding)
    }
  }
  world.onError = (entry) => found(`the server logged an error: ${String(entry.fields?.['error'] ?? entry.message)}`)

  const one = async (number: number) => {
    const random = new Random(`${options.seed}/${number}`)
    const request = maker.make(random)
    current = request
    const before = world.etcd.revision
    const sent = await send(world, request, report)
    if (sent === 'hangs') return found('no answer without time passing')
    if (sent instanceof Error) return found(`handle() rejected: ${sent.stack}`)
    const { response } = sent
    report.statuses[response.status] = (report.statuses[response.status] ?? 0) + 1
    for (const { prototype, names } of PROTOTYPES) if (Object.getOwnPropertyNames(prototype).length !== names) found('a prototype was polluted')
    const text = await readBody(sent, random, openWatches, isWatch(request), found)
    // The answer is converted once the work is done: that a single object is no list is found out too late, upstream as here.
    const refusedShape = response.status === 406 && request.headers.some(([name, value]) => name === 'accept' && value.includes('as=PartialObjectMetadataList'))
    const refused = (response.status >= 400 && !refusedShape) || request.method === 'GET' || request.method === 'HEAD' || (request.path.includes('dryRun=All') && request.method !== 'DELETE')
    if (refused && world.etcd.revision !== before) {
      const changed = world.etcd.commitsAfter(before).flatMap((commit) => commit.changes.map((change) => change.key)).filter((key) => !mayChange(world, key, before, request))
      if (changed.length > 0) found(`a refused request (${response.status}) changed etcd: ${changed.join(', ')}`)
    }
    if (text === undefined) return
    const body = checkAnswer(request, response, text, report, found)
    if (body) {
      learn(maker, request, response.status, body)
      if (world.etcd.revision !== before && (response.status === 200 || response.status === 201) && request.method !== 'DELETE') checkStored(world, before, report, found)
    }
    if (random.int(200) === 0) await openWatches.shift()?.close()
    while (openWatches.length > MAX_OPEN_WATCHES) await openWatches.shift()!.close()
  }

  const endMs = performance.now() + (options.maxMs ?? Infinity)
  for (let number = 1, last = false; !last && report.findings.length < maxFindings; number++) {
    report.requests = number
    await one(number)
    last = number === options.count || performance.now() > endMs
    if (number % SWEEP_EVERY === 0 || last) {
      for (const watch of openWatches.splice(0)) await watch.close()
      current = undefined
      await sweep(world, found)
      maker.memory.live.length = 0
      if (globalThis.gc) {
        globalThis.gc()
        report.heap.push(process.memoryUsage().heapUsed)
      }
      options.onProgress?.(number, report)
    }
  }
  world.server.stop()
  // The first sweeps still fill caches that have an end.
  const [, , settled] = report.heap
  if (settled !== undefined && report.heap.at(-1)! > settled * 1.5 + 50e6) found(`memory grows: ${report.heap.map((bytes) => Math.round(bytes / 1e6)).join(', ')} MB`)
  return report
}

interface World {
  etcd: Etcd
  clock: ClusterClock
  server: ReturnType<typeof createApiServer>
  admin: ConnectionInfo
  /** What was there at the start. */
  baseline: ReadonlyMap<string, unknown>
  /** How many timers the server keeps when nobody asks it anything. */
  timers: number
  onError(entry: LogEntry): void
}

async function startWorld(seed: string): Promise<World> {
  const clock = new ClusterClock(nodePlatform, { mode: 'paused', startMs: Date.UTC(2030, 0, 1) })
  const pki = await createClusterPki({ nowMs: clock.nowMs(), clusterName: 'fuzz' })
  const etcd = new Etcd({ clock })
  const nowhere: ClusterDialer = { kubelet: () => Promise.reject(new Error('dial tcp: no kubelet')), http: () => Promise.reject(new Error('dial tcp: no network')) }
  const world = { etcd, clock } as World
  const log = createLog(clock, (entry) => { if (entry.level === 'error') world.onError(entry) })
  world.server = createApiServer({ etcd, clock, random: new Random(seed), log, kinds: builtInKinds, dialer: nowhere, version: { gitVersion: 'v1.36.3' }, parts: defaultParts({ pki, serverUrl: 'https://10.0.0.1:6443' }) })
  const masters = world.server.as({ name: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] })
  await reconcileBootstrap(masters)
  for (const name of ['default', 'fuzz-a', 'fuzz-b']) {
    await masters.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }).catch(() => {})
    await masters.create('serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: name } })
  }
  await masters.create('nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1' } })
  const admin = await pki.issueClientCertificate({ commonName: 'admin', organizations: ['system:masters'] })
  world.admin = { clientCertificatePem: admin.certificatePem, remoteAddress: '10.0.0.9' }
  await clock.advance(1000)
  world.timers = clock.keptTimers
  world.baseline = new Map(etcd.range({ key: '', rangeEnd: FROM_KEY }).kvs.map((kv) => [kv.key, kv.value]))
  return world
}

interface Sent {
  response: Response
  gone: AbortController
}

/** Sends one request and waits for the answer as long as no time has to pass for it; measures how long it keeps the thread. */
async function send(world: World, request: FuzzRequest, report: FuzzReport): Promise<Sent | 'hangs' | Error> {
  const gone = new AbortController()
  const headers = new Headers()
  for (const [name, value] of request.headers) {
    try {
      headers.append(name, value)
    } catch { /* can't be sent over a socket either */ }
  }
  const message = httpRequest(`https://fuzz.test${request.path}`, { method: request.method, headers, body: request.body ?? null, signal: gone.signal })
  let settled = false
  let mark = performance.now()
  let longest = 0
  const answer = world.server.handle(message, request.as === 'admin' ? world.admin : {}).then((response): Sent => ({ response, gone }), (error: Error) => error).finally(() => { settled = true })
  for (let turns = 0; !settled && turns < HANG_TURNS; turns++) {
    await new Promise<void>((resolve) => { setImmediate(resolve) })
    const now = performance.now()
    if (now - mark > longest) longest = now - mark
    mark = now
  }
  if (longest > 8) report.over8ms++
  if (longest > report.longestMs) report.longestMs = longest
  if (longest > 8 && (report.slowest.length < 10 || longest > report.slowest.at(-1)!.ms)) {
    report.slowest.push({ ms: longest, bytes: request.body?.length ?? 0, request: shown(request).slice(0, 400) })
    report.slowest.sort((a, b) => b.ms - a.ms)
    report.slowest.length = Math.min(report.slowest.length, 10)
  }
  if (settled) return answer
  // What waits for time (a back-off, a time-out) may have it.
  for (let i = 0; i < 60 && !settled; i++) await world.clock.advance(1000)
  return settled ? answer : 'hangs'
}

const isWatch = (request: FuzzRequest) => request.method.toUpperCase() === 'GET' && (/watch/i.test(request.path) )

/**
 * The text of an answer that ends. Of a watch: undefined, after a look at what it says at once; then it is cut in one of several ways, or
 * left open for a while.
 */
async function readBody({ response, gone }: Sent, random: Random, open: { close(): Promise<void> }[], mayStream: boolean, found: (what: string) => void): Promise<string | undefined> {
  if (response.body === null) return ''
  const reader = inJson(response).body!.getReader()
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let text = ''
  let streams = false
  let ended = false
  const eatLines = () => {
    const end = text.lastIndexOf('\n') + 1
    for (const line of text.slice(0, end).split('\n')) checkEvent(line, found)
    text = text.slice(end)
  }
  const reading = (async () => {
    try {
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        text += decoder.decode(part.value, { stream: true })
        if (streams) eatLines()
      }
    } catch (error) {
      if (!gone.signal.aborted) found(`a body failed: ${String(error)}`)
    } finally {
      ended = true
    }
  })()
  const turns = async (most: number) => {
    for (let i = 0; i < most && !ended; i++) await new Promise<void>((resolve) => { setImmediate(resolve) })
  }
  await turns(mayStream ? 3 : HANG_TURNS)
  if (mayStream && response.status === 200 && (!ended || text === '' || text.startsWith('{"type":'))) {
    streams = true
    eatLines()
    const close = async () => {
      if (random.int(2) === 0) gone.abort()
      await reader.cancel().catch(() => {})
      await turns(HANG_TURNS)
      if (!ended) found('a watch that was cut does not end')
      await reading
    }
    if (ended || random.int(3) === 0) await close()
    else open.push({ close })
    return undefined
  }
  if (!ended) found('the body of the answer does not end')
  return text
}

function checkEvent(line: string, found: (what: string) => void): void {
  if (line.trim() === '' || line.startsWith('type:') || !line.startsWith('{')) return
  try {
    const event = JSON.parse(line) as { type?: string; object?: KubeObject }
    if (!['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR'].includes(event.type ?? '') || typeof event.object?.kind !== 'string') found(`a watch sent ${line.slice(0, 300)}`)
  } catch {
    found(`a watch sent what isn't JSON: ${line.slice(0, 300)}`)
  }
}

/**
 * Admission keeps books of what it let in before somebody else refused it, as upstream; addresses are taken and given back around the
 * creation of a Service; a deletion of many may fail half way.
 */
function mayChange(world: World, key: string, before: number, request: FuzzRequest): boolean {
  if (key.startsWith('/registry/ipaddresses/') || key.startsWith('/registry/ranges/')) {
    const then = world.etcd.range({ key, revision: before }).kvs[0]?.value
    return deepEqual(world.etcd.get(key)?.value, then)
  }
  // The server's own controllers write on their own time.
  for (const resource of ['customresourcedefinitions', 'apiservices']) if (key.includes(`/${resource}/`) && !request.path.includes(`/${resource}`)) return true
  return key.startsWith('/registry/resourcequotas/') || request.method === 'DELETE'
}

/** Every answer is an object, a list, a Status or one of the plain texts. Returns the object. */
function checkAnswer(request: FuzzRequest, response: Response, text: string, report: FuzzReport, found: (what: string) => void): { [key: string]: Json } | undefined {
  const { status } = response
  const type = response.headers.get('content-type') ?? ''
  if (request.method === 'HEAD' || status === 101) {
    if (text !== '') found(`${request.method} ${status} has a body`)
    return undefined
  }
  if (text === '' && status < 400) return undefined
  if (type.startsWith('text/plain') || type.startsWith('application/com.github')) return undefined
  let body: { [key: string]: Json }
  try {
    body = (type.includes('yaml') ? parseYaml(text, { version: '1.1', maxAliasCount: -1 }) : JSON.parse(text)) as { [key: string]: Json }
  } catch (error) {
    found(`${status} ${type}: the answer can't be read: ${String(error)}: ${text.slice(0, 300)}`)
    return undefined
  }
  const isResource = /^\/apis?\//.test(request.path)
  if (isResource && (typeof body.kind !== 'string' || (typeof body.apiVersion !== 'string' && body.kind !== 'APIResourceList'))) found(`${status}: an answer without kind: ${text.slice(0, 300)}`)
  if (status >= 400) {
    if (body.kind !== 'Status' || body.status !== 'Failure' || body.code !== status || typeof body.message !== 'string') found(`${status} without a Status: ${text.slice(0, 300)}`)
    if (status >= 500) {
      const words = String(body.message).replace(/"[^"]*"/g, '""').replace(/\d+/g, '0').slice(0, 60)
      report.failures[words] = (report.failures[words] ?? 0) + 1
    }
    if (status >= 500 && status !== 504 && !UPSTREAM_500.some((known) => known.test(String(body.message)))) found(`${status}: ${String(body.message).slice(0, 400)}`)
    const accident = ACCIDENT.exec(String(body.message))
    if (accident && !/undefined|object Object/.test(shown(request))) found(`${status}: the message tells of an accident: ${String(body.message).slice(Math.max(0, accident.index - 200), accident.index + 200)}`)
  }
  return body
}

/** Keeps names, versions and tokens for later requests. */
function learn(maker: RequestMaker, request: FuzzRequest, status: number, body: { [key: string]: Json }): void {
  const metadata = body.metadata as { [key: string]: Json } | null | undefined
  if (metadata === null || typeof metadata !== 'object') return
  const { memory } = maker
  if (typeof metadata.continue === 'string' && metadata.continue) memory.remember(memory.continues, metadata.continue)
  if (typeof metadata.resourceVersion === 'string') memory.remember(memory.versions, metadata.resourceVersion)
  if ((status !== 200 && status !== 201) || typeof metadata.name !== 'string' || typeof metadata.uid !== 'string') return
  const kind = typeof body.apiVersion === 'string' && typeof body.kind === 'string' ? kindOf(body.apiVersion, body.kind) : undefined
  if (!kind) return
  const prefix = kind.group ? `/apis/${kind.group}/${kind.version}` : `/api/${kind.version}`
  const place = kind.namespaced ? `/namespaces/${String(metadata.namespace)}` : ''
  memory.remember(memory.live, { path: `${prefix}${place}/${kind.resource}/${metadata.name}`, object: body })
  void request
}

/** What was stored is frozen, and decoding what the server prints gives the same object again. */
function checkStored(world: World, since: number, report: FuzzReport, found: (what: string) => void): void {
  for (const commit of world.etcd.commitsAfter(since)) {
    for (const change of commit.changes) {
      if (change.type !== 'put' || change.key.startsWith('/registry/ranges/') || !change.key.startsWith('/registry/')) continue
      const object = change.value as KubeObject
      if (!isDeeplyFrozen(object)) found(`${change.key} is stored, but not frozen`)
      const kind = object.apiVersion && object.kind ? kindOf(object.apiVersion, object.kind) : undefined
      if (!kind) continue
      report.roundTrips++
      let printed: KubeObject
      try {
        printed = JSON.parse(JSON.stringify(object)) as KubeObject
        const { object: again, unknownFields } = decodeObject(kind, printed)
        if (unknownFields.length > 0) found(`${change.key} is stored with unknown fields ${unknownFields.join(', ')}`)
        if (!deepEqual(again, object)) found(`${change.key} changes when it is decoded again: ${difference(object, again)}`)
        applyDefaults(kind, again)
        if (!deepEqual(again, object)) found(`${change.key} was stored without its defaults: ${difference(object, again)}`)
      } catch (error) {
        found(`${change.key} is stored, but can't be decoded: ${String(error)}`)
      }
    }
  }
}

function isDeeplyFrozen(value: unknown): boolean {
  if (value === null || typeof value !== 'object') return true
  if (!Object.isFrozen(value)) return false
  return Object.values(value).every(isDeeplyFrozen)
}

/** The first place where two values differ. */
function difference(a: unknown, b: unknown, at = ''): string {
  if (a !== null && b !== null && typeof a === 'object' && typeof b === 'object') {
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
      const left = (a as Record<string, unknown>)[key]
      const right = (b as Record<string, unknown>)[key]
      if (!deepEqual(left, right)) return difference(left, right, `${at}.${key}`)
    }
  }
  return `${at}: ${JSON.stringify(a)?.slice(0, 120)} is not ${JSON.stringify(b)?.slice(0, 120)}`
}

/** Deletes what the requests made, as an administrator would, and puts back what they deleted. Nothing may be left over. */
async function sweep(world: World, found: (what: string, request?: FuzzRequest) => void): Promise<void> {
  const { etcd, server } = world
  const ask = async (method: string, path: string, body?: unknown, type = 'application/json') => {
    const answer = server.handle(httpRequest(`https://fuzz.test${path}`, { method, headers: { 'content-type': type }, body: body === undefined ? null : JSON.stringify(body) }), world.admin)
    let settled = false
    void answer.finally(() => { settled = true })
    while (!settled) await world.clock.advance(100)
    return answer
  }
  // Policies and webhooks first: they could refuse the rest.
  const order = (path: string) => path.includes('/admissionregistration') ? 0 : path.startsWith('/api/v1/namespaces/') && path.split('/').length === 5 ? 2 : 1
  const paths: string[] = []
  for (const { key, value } of etcd.range<KubeObject>({ key: '/registry/', rangeEnd: '/registry0' }).kvs) {
    if (world.baseline.has(key)) continue
    const kind = value?.apiVersion && value.kind ? kindOf(value.apiVersion, value.kind) : undefined
    if (!kind) continue
    const prefix = kind.group ? `/apis/${kind.group}/${kind.version}` : `/api/${kind.version}`
    paths.push(`${prefix}${kind.namespaced ? `/namespaces/${value.metadata.namespace}` : ''}/${kind.resource}/${value.metadata.name}`)
  }
  for (const path of paths.sort((a, b) => order(a) - order(b))) {
    let answer = await ask('DELETE', `${path}?gracePeriodSeconds=0&propagationPolicy=Background`)
    if (path.split('/')[3] === 'namespaces' && path.split('/').length === 5) {
      const live = await (await ask('GET', path)).json() as KubeObject
      if (live.kind === 'Namespace') await ask('PUT', `${path}/finalize`, { ...live, spec: {} })
    }
    if ((await ask('GET', path)).status === 200) {
      const patched = await ask('PATCH', path, { metadata: { finalizers: null } }, 'application/merge-patch+json')
      if (patched.status >= 400) answer = patched
      else if ((await ask('GET', path)).status === 200) answer = await ask('DELETE', `${path}?gracePeriodSeconds=0&propagationPolicy=Background`)
    }
    const left = await ask('GET', path)
    if (left.status === 200) found(`${path} can't be deleted: ${(await answer.text()).slice(0, 300)}`)
  }
  for (const [key, value] of world.baseline) {
    const now = etcd.get(key)?.value
    if (!sameObject(now, value)) etcd.put(key, (revision: number) => value !== null && typeof value === 'object' && 'metadata' in value ? deepFreeze({ ...thaw(value), metadata: { ...thaw((value as KubeObject).metadata), resourceVersion: String(revision) } }) : value)
  }
  for (const { key } of etcd.range({ key: '', rangeEnd: FROM_KEY, keysOnly: true }).kvs) {
    if (world.baseline.has(key)) continue
    if (!key.startsWith('/registry/')) found(`${key} is left over in etcd`)
    etcd.delete(key)
  }
  // History must not be what grows.
  if (etcd.revision > etcd.compactRevision) etcd.compact(etcd.revision)
  await world.clock.advance(11 * 60_000)
  if (world.clock.keptTimers > world.timers + MAX_MORE_TIMERS) found(`timers are left over: ${world.clock.keptTimers}, of ${world.timers} at the start`)
  const metrics = await (await ask('GET', '/metrics')).text()
  for (const [line] of metrics.matchAll(/^apiserver_longrunning_requests\{.*\} (?!0$).*$/gm)) found(`a watch is left over: ${line}`)
}

function sameObject(now: unknown, then: unknown): boolean {
  if (now === then) return true
  if (now === null || then === null || typeof now !== 'object' || typeof then !== 'object') return false
  const strip = (value: object) => ({ ...value, metadata: { ...(value as KubeObject).metadata, resourceVersion: '' } })
  return deepEqual(strip(now), strip(then))
}

/** A request as text that can be read and sent again. */
export function shown(request: FuzzRequest): string {
  const body = request.body === undefined ? '' : typeof request.body === 'string' ? JSON.stringify(request.body) : `bytes ${Buffer.from(request.body).toString('hex')}`
  const cut = body.length > 1500 ? `${body.slice(0, 1500)}... (${body.length})` : body
  return `${request.method} ${request.path.slice(0, 1000)} as ${request.as} ${JSON.stringify(request.headers.map(([name, value]) => [name, value.slice(0, 200)]))} ${cut}`
}
