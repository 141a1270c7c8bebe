import fs from 'node:fs'
import path from 'node:path'
import { stringify } from 'yaml'
import { setOwn } from '../../src/base/freeze.ts'
import { Random } from '../../src/base/random.ts'
import type { Kind } from '../../src/cluster/kinds/kind.ts'
import { damagedBytes, damagedText, hostileKey, hostileText, hostileValue, jsonOf, mutated, type Json } from './hostile-values.ts'
import { protobufOf } from './protobuf-text.ts'
import { schemaObject } from './schema-objects.ts'

/** One request as it is sent, and as it is printed when something is wrong. */
export interface FuzzRequest {
  method: string
  /** Path with query. */
  path: string
  headers: [string, string][]
  body?: string | Uint8Array
  /** Which connection it comes over. */
  as: 'admin' | 'nobody'
}

type JsonObject = { [key: string]: Json }

const NAMES = ['a', 'b', 'web', 'x-1', 'default', 'edit', 'kube-system', 'node-1', 'a.example.com', 'widgets.example.com']
const NAMESPACES = ['default', 'fuzz-a', 'fuzz-b', 'kube-system', 'missing']
const PATCH_TYPES = ['application/json-patch+json', 'application/merge-patch+json', 'application/strategic-merge-patch+json', 'application/apply-patch+yaml']
const STRANGE_TYPES = ['', 'text/plain', 'application/json; charset=utf-8', 'application/cbor', 'application/apply-patch+cbor', 'multipart/form-data', 'application/', '/', ';', 'application/json,application/yaml']
const ACCEPTS = ['application/json', '*/*', 'application/yaml', 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json', 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io', 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io',
  'application/vnd.kubernetes.protobuf,application/json', 'application/json;stream=watch', 'text/html', 'application/json;as=Table;v=v1beta1;g=meta.k8s.io', 'application/json;as=X', ';;;', 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList', 'application/json;q=x', '*/json', ',', 'a'.repeat(5000)]
const LABEL_SELECTORS = ['app=web', 'app!=web', 'a in (b,c)', 'a notin (b)', '!a', 'a', 'a in (', 'a=b=c', ',', '=', 'a,b,c,!d', 'a>1', 'a<x', 'a in ()', '(', 'é=é', 'a='.repeat(500), 'x'.repeat(70000), '__proto__=1', 'constructor']
const FIELD_SELECTORS = ['metadata.name=a', 'metadata.namespace!=default', 'spec.nodeName=node-1', 'status.phase=Running', 'x=y', 'metadata.name', '=', 'metadata.name=a,metadata.name=b', 'metadata.name\\=a=b', 'a\\', 'type=Opaque', 'involvedObject.name=a', '__proto__=x', ',', 'spec.unschedulable=true', 'metadata.name=' + 'a'.repeat(5000)]
const NON_RESOURCES = ['/', '/version', '/healthz', '/livez?verbose', '/readyz/etcd', '/readyz?exclude=etcd', '/metrics', '/api', '/apis', '/api/v1', '/apis/apps', '/apis/apps/v1', '/openapi/v2', '/openapi/v3', '/openapi/v3/apis/apps/v1', '/openapi/v3/api/v1?hash=x', '/.well-known/openid-configuration', '/openid/v1/jwks', '/logs/', '/debug/pprof', '/swagger.json', '/api/v2', '/apis/nothing.example.com/v1', '/apis/apps/v9', '/healthz/nothing', '//api//v1//pods', '/api/v1/', '/apis//v1/pods', '/api/v1/namespaces/', '/api/v1/watch/pods', '/api/v1/watch/namespaces/default/pods/a', '/api/v1/proxy/nodes/a', '/apis/apps/v1/watch', '/api/v1/namespaces//pods', '/api/v1/namespaces/default/', '/api/v1/pods/a/b/c/d', '/api/__proto__/x', '/apis/__proto__/constructor/toString', '/api/v1/__proto__', '/api/v1/constructor', '/api/v1/namespaces/default/pods/a/__proto__', '/api/v1/namespaces/default/pods/a/constructor']

/** A recorded body with where it was sent. */
interface Seed {
  path: string
  body: JsonObject
}

/** What the requests so far brought to light; later ones build on it. */
export class Memory {
  continues: string[] = []
  versions: string[] = []
  live: { path: string; object: JsonObject }[] = []

  remember<T>(list: T[], item: T): void {
    if (list.length >= 64) list.shift()
    list.push(item)
  }
}

/** Makes requests: valid ones, valid ones with something changed, and nonsense. The same random state and memory make the same request. */
export class RequestMaker {
  readonly #kinds: readonly Kind[]
  readonly #seeds = new Map<Kind, Seed[]>()
  readonly memory = new Memory()

  constructor(kinds: readonly Kind[]) {
    this.#kinds = kinds
    const folder = path.join(import.meta.dirname, '../exchanges')
    for (const file of fs.readdirSync(folder).filter((name) => name.endsWith('.json') && name !== 'pending.json')) {
      for (const { steps } of JSON.parse(fs.readFileSync(path.join(folder, file), 'utf8')) as { steps: { method?: string; path: string; body?: Json; status: number }[] }[]) {
        for (const step of steps) {
          const { body } = step
          if (step.method !== 'POST' || body === null || typeof body !== 'object' || Array.isArray(body)) continue
          const kind = kinds.find((k) => k.kind === body.kind && (k.group ? `${k.group}/${k.version}` : k.version) === body.apiVersion)
          if (!kind) continue
          const text = JSON.stringify(body).replace(/\{\{ns\}\}/g, 'default').replace(/\{\{(.)\*(\d+)\}\}/g, (_, c: string, n: string) => c.repeat(Number(n))).replace(/\{\{\w+\}\}/g, 'x')
          const list = this.#seeds.get(kind) ?? []
          list.push({ path: step.path, body: JSON.parse(text) as JsonObject })
          this.#seeds.set(kind, list)
        }
      }
    }
  }

  make(random: Random): FuzzRequest {
    const request = this.#request(random)
    if (random.int(60) === 0) request.method = random.pick(['OPTIONS', 'TRACE', 'CONNECT', 'get', 'FOO', 'HEAD', 'PUT', 'DELETE', 'PATCH'])
    if (random.int(80) === 0) request.path = damagedPath(random, request.path)
    if (random.int(25) === 0) request.as = 'nobody'
    this.#headers(random, request)
    return request
  }

  #request(random: Random): FuzzRequest {
    const kind = random.pick(this.#kinds)
    switch (random.int(20)) {
      case 0: case 1: case 2: case 3: case 4: case 5: return this.#create(random, kind)
      case 6: case 7: return this.#update(random, kind)
      case 8: case 9: case 10: case 11: return this.#patch(random, kind)
      case 12: return this.#delete(random, kind)
      case 13: case 14: return { method: 'GET', path: itemPath(random, kind) + query(this.#readQuery(random)), headers: [], as: 'admin' }
      case 15: case 16: return { method: 'GET', path: collectionPath(random, kind) + query(this.#listQuery(random)), headers: [], as: 'admin' }
      case 17: return this.#watch(random, kind)
      case 18: return this.#subresource(random, kind)
      default: return { method: random.pick(['GET', 'GET', 'GET', 'POST', 'DELETE', 'HEAD']), path: random.pick(NON_RESOURCES), headers: [], as: 'admin' }
    }
  }

  /** An object of a kind: recorded, changed, made from the schema, or hostile. */
  #object(random: Random, kind: Kind): JsonObject {
    const seeds = this.#seeds.get(kind)
    const fromSeed = seeds !== undefined && random.int(4) > 0
    const base = fromSeed ? structuredClone(random.pick(seeds).body) : schemaObject(random, kind, random.pick([0.15, 0.3, 0.6]))
    if (random.int(8) > 0) {
      const metadata: JsonObject = (base.metadata !== null && typeof base.metadata === 'object' && !Array.isArray(base.metadata)) ? base.metadata : {}
      if (random.int(5) > 0 || typeof metadata.name !== 'string') metadata.name = random.pick(NAMES)
      if (kind.namespaced && metadata.namespace !== undefined) delete metadata.namespace
      if (random.int(10) === 0) metadata.labels = { app: 'web', [hostileKey(random)]: hostileText(random) }
      if (random.int(30) === 0) metadata.finalizers = ['example.com/hold']
      if (random.int(30) === 0) metadata.generateName = random.pick(['g-', 'G', 'x'.repeat(300)])
      if (random.int(40) === 0) metadata.ownerReferences = [{ apiVersion: 'v1', kind: 'Pod', name: 'a', uid: 'u', controller: true }]
      base.metadata = metadata
    }
    if (fromSeed && random.int(2) === 0) return base
    if (!fromSeed && random.int(2) === 0) return base
    const changed = mutated(random, base)
    return changed !== null && typeof changed === 'object' && !Array.isArray(changed) ? changed : base
  }

  #create(random: Random, kind: Kind): FuzzRequest {
    const seeds = this.#seeds.get(kind)
    const object = this.#object(random, kind)
    const path = seeds && random.int(20) === 0 ? random.pick(seeds).path.replace(/\{\{\w+\}\}/g, 'default') : collectionPath(random, kind) + query(this.#writeQuery(random))
    return this.#withBody(random, { method: 'POST', path, headers: [], as: 'admin' }, object)
  }

  #update(random: Random, kind: Kind): FuzzRequest {
    const { live } = this.memory
    if (live.length > 0 && random.int(4) > 0) {
      const { path, object } = random.pick(live)
      const changed = mutated(random, object) as JsonObject
      return this.#withBody(random, { method: 'PUT', path: path + (random.int(6) === 0 ? '/status' : '') + query(this.#writeQuery(random)), headers: [], as: 'admin' }, changed)
    }
    return this.#withBody(random, { method: 'PUT', path: itemPath(random, kind) + query(this.#writeQuery(random)), headers: [], as: 'admin' }, this.#object(random, kind))
  }

  #patch(random: Random, kind: Kind): FuzzRequest {
    const { live } = this.memory
    const target = live.length > 0 && random.int(4) > 0 ? random.pick(live) : undefined
    const path = target?.path ?? itemPath(random, kind)
    const base = target?.object ?? this.#object(random, kind)
    const type = random.pick(PATCH_TYPES)
    let patch: Json
    if (type === 'application/json-patch+json') patch = jsonPatch(random, base)
    else if (type === 'application/apply-patch+yaml') {
      const configuration = structuredClone(base)
      if (configuration.metadata !== null && typeof configuration.metadata === 'object' && !Array.isArray(configuration.metadata)) {
        const metadata = configuration.metadata
        if (random.int(6) > 0) for (const field of ['managedFields', 'resourceVersion', 'uid', 'creationTimestamp']) delete metadata[field]
      }
      patch = random.int(3) === 0 ? configuration : mutated(random, configuration)
    } else patch = mutated(random, partOf(random, base))
    const write = this.#writeQuery(random)
    if (type === 'application/apply-patch+yaml' && random.int(8) > 0) write.set('fieldManager', random.pick(['m1', 'm2', 'kubectl']))
    if (type === 'application/apply-patch+yaml' && random.int(3) === 0) write.set('force', 'true')
    const request: FuzzRequest = { method: 'PATCH', path: path + (random.int(8) === 0 ? random.pick(['/status', '/scale']) : '') + query(write), headers: [['content-type', random.int(30) === 0 ? random.pick(STRANGE_TYPES) : type]], as: 'admin' }
    request.body = bodyText(random, type === 'application/apply-patch+yaml' && random.int(2) === 0 ? yamlOf(patch) : jsonOf(patch))
    return request
  }

  #delete(random: Random, kind: Kind): FuzzRequest {
    const params = new URLSearchParams()
    if (random.int(3) === 0) params.set('gracePeriodSeconds', random.pick(['0', '1', '-1', '30', 'x', '99999999999999999999']))
    if (random.int(3) === 0) params.set('propagationPolicy', random.pick(['Foreground', 'Background', 'Orphan', 'x', '']))
    if (random.int(5) === 0) params.set('dryRun', random.pick(['All', 'x']))
    if (random.int(6) === 0) params.set('orphanDependents', random.pick(['true', 'false', 'x']))
    const path = random.int(6) === 0 ? collectionPath(random, kind) + query(this.#listQuery(random)) : (this.memory.live.length > 0 && random.int(2) === 0 ? random.pick(this.memory.live).path : itemPath(random, kind)) + query(params)
    const request: FuzzRequest = { method: 'DELETE', path, headers: [], as: 'admin' }
    if (random.int(3) > 0) return request
    const options: JsonObject = { kind: 'DeleteOptions', apiVersion: 'v1', ...(random.int(2) === 0 ? { gracePeriodSeconds: random.pick([0, 5, -1]) } : {}), ...(random.int(3) === 0 ? { preconditions: { uid: 'x', resourceVersion: '1' } } : {}) }
    return this.#withBody(random, request, random.int(2) === 0 ? options : mutated(random, options) as JsonObject)
  }

  #watch(random: Random, kind: Kind): FuzzRequest {
    const params = this.#listQuery(random)
    params.set('watch', random.pick(['true', '1', 'true', 'x', '0']))
    if (random.int(3) === 0) params.set('allowWatchBookmarks', 'true')
    if (random.int(5) === 0) params.set('sendInitialEvents', random.pick(['true', 'false']))
    if (random.int(3) === 0) params.set('timeoutSeconds', random.pick(['1', '5', '0', '-1', 'x', '999999999999']))
    return { method: 'GET', path: collectionPath(random, kind) + query(params), headers: [], as: 'admin' }
  }

  #subresource(random: Random, kind: Kind): FuzzRequest {
    const names = Object.keys(kind.subresources)
    const name = names.length > 0 && random.int(8) > 0 ? random.pick(names) : random.pick(['status', 'scale', 'exec', 'log', 'proxy', 'x', '__proto__', 'constructor', 'token', 'binding', 'eviction', 'finalize', 'approval', 'ephemeralcontainers', 'resize'])
    const method = random.pick(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])
    const { live } = this.memory
    const target = live.length > 0 && random.int(3) === 0 ? random.pick(live) : undefined
    const params = random.int(3) === 0 ? new URLSearchParams({ container: 'a', command: 'sh', stdin: 'true', stdout: 'x', tailLines: random.pick(['1', 'x', '-1', '99999999999999999999']), ports: 'x', follow: '1', sinceSeconds: 'x', limitBytes: '0', path: '/..', insecureSkipTLSVerifyBackend: '1' }) : this.#writeQuery(random)
    const path = `${target?.path ?? itemPath(random, kind)}/${name}${random.int(10) === 0 ? '/' + encodeURIComponent(wellFormed(hostileText(random))) : ''}${query(params)}`
    const request: FuzzRequest = { method, path, headers: [], as: 'admin' }
    if (random.int(6) === 0) request.headers.push(['connection', 'upgrade'], ['upgrade', random.pick(['websocket', 'SPDY/3.1', 'x'])], ['sec-websocket-protocol', random.pick(['v5.channel.k8s.io', 'v4.channel.k8s.io', 'x', ''])])
    if (method === 'GET' || method === 'DELETE') return request
    const bodies: Record<string, JsonObject> = {
      scale: { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'a', namespace: 'default' }, spec: { replicas: random.pick([0, 3, -1, 2147483647]) } },
      binding: { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'a' }, target: { kind: 'Node', name: 'node-1' } },
      eviction: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'a' }, deleteOptions: { gracePeriodSeconds: 0 } },
      token: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata: {}, spec: { audiences: ['x'], expirationSeconds: 600, boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'a' } } },
    }
    const object = (Object.hasOwn(bodies, name) ? bodies[name] : undefined) ?? target?.object ?? this.#object(random, kind)
    if (method === 'PATCH') {
      const type = random.pick(PATCH_TYPES)
      request.headers.push(['content-type', type])
      request.body = bodyText(random, jsonOf(type === 'application/json-patch+json' ? jsonPatch(random, object) : mutated(random, object)))
      return request
    }
    return this.#withBody(random, request, random.int(2) === 0 ? object : mutated(random, object) as JsonObject)
  }

  #withBody(random: Random, request: FuzzRequest, object: JsonObject): FuzzRequest {
    const shape = random.int(24)
    if (shape === 0) {
      request.headers.push(['content-type', 'application/json'])
      request.body = bodyText(random, jsonOf(hostileValue(random)))
    } else if (shape <= 3) {
      request.headers.push(['content-type', 'application/yaml'])
      request.body = bodyText(random, yamlOf(object))
    } else if (shape <= 6) {
      request.headers.push(['content-type', 'application/vnd.kubernetes.protobuf'])
      const bytes = protobufOf(object)
      request.body = random.int(2) === 0 ? bytes : damagedBytes(random, bytes)
    } else {
      if (random.int(10) > 0) request.headers.push(['content-type', random.int(25) === 0 ? random.pick([...STRANGE_TYPES, ...PATCH_TYPES]) : 'application/json'])
      request.body = bodyText(random, jsonOf(object))
    }
    return request
  }

  #writeQuery(random: Random): URLSearchParams {
    const params = new URLSearchParams()
    if (random.int(6) === 0) params.set('dryRun', random.pick(['All', 'All', 'x', '']))
    if (random.int(4) === 0) params.set('fieldValidation', random.pick(['Strict', 'Warn', 'Ignore', 'x']))
    if (random.int(6) === 0) params.set('fieldManager', random.pick(['m1', 'm2', '', 'é', '\u0000', 'x'.repeat(129)]))
    if (random.int(40) === 0) params.set(random.pick(['pretty', 'force', 'timeout', 'x', '__proto__']), hostileText(random))
    return params
  }

  #readQuery(random: Random): URLSearchParams {
    const params = new URLSearchParams()
    if (random.int(4) === 0) params.set('resourceVersion', this.#version(random))
    if (random.int(6) === 0) params.set('pretty', random.pick(['true', '1', 'x']))
    if (random.int(10) === 0) params.set('watch', 'true')
    if (random.int(20) === 0) params.set('includeObject', random.pick(['Object', 'None', 'x']))
    return params
  }

  #version(random: Random): string {
    const { versions } = this.memory
    return versions.length > 0 && random.int(2) === 0 ? random.pick(versions) : random.pick(['0', '1', '2', '', 'x', '-1', '999999999', '18446744073709551616', '1.5', '0x1'])
  }

  #listQuery(random: Random): URLSearchParams {
    const params = new URLSearchParams()
    if (random.int(4) === 0) params.set('labelSelector', random.int(6) === 0 ? hostileText(random) : random.pick(LABEL_SELECTORS))
    if (random.int(4) === 0) params.set('fieldSelector', random.int(6) === 0 ? hostileText(random) : random.pick(FIELD_SELECTORS))
    if (random.int(4) === 0) params.set('limit', random.pick(['1', '2', '0', '-1', 'x', '9223372036854775808', '500']))
    const { continues } = this.memory
    if (random.int(5) === 0) params.set('continue', continues.length > 0 && random.int(3) > 0 ? random.int(4) === 0 ? damagedText(random, random.pick(continues)) : random.pick(continues) : continueToken(random))
    if (random.int(5) === 0) params.set('resourceVersion', this.#version(random))
    if (random.int(8) === 0) params.set('resourceVersionMatch', random.pick(['Exact', 'NotOlderThan', 'x']))
    if (random.int(30) === 0) params.set('includeObject', random.pick(['Object', 'None', 'x']))
    return params
  }

  #headers(random: Random, request: FuzzRequest): void {
    if (random.int(4) === 0) request.headers.push(['accept', random.int(3) === 0 ? random.pick(ACCEPTS) : random.pick(ACCEPTS.slice(0, 4))])
    if (random.int(30) === 0) request.headers.push(['user-agent', random.pick(['kubectl/v1.36.3', 'curl/8', 'é', '/', 'x'.repeat(3000), '(a+)+$'])])
    if (random.int(40) === 0) {
      request.headers.push(['impersonate-user', random.pick(['a', 'system:serviceaccount:default:default', 'system:serviceaccount:a', 'system:anonymous', 'system:node:node-1', ''])])
      if (random.int(3) === 0) request.headers.push(['impersonate-group', random.pick(['system:masters', 'g,h'])], [random.pick(['impersonate-extra-x', 'impersonate-extra-%zz', 'impersonate-extra-__proto__', 'impersonate-uid']), 'v'])
    }
    if (random.int(400) === 0) request.headers.push(['impersonate-group', random.pick(['system:masters', 'g,h', ''])])
    if (random.int(400) === 0) request.headers.push([random.pick(['impersonate-extra-x', 'impersonate-extra-%zz', 'impersonate-extra-__proto__', 'impersonate-uid']), 'v'])
    if (random.int(60) === 0) request.headers.push(['authorization', random.pick(['Bearer x', 'Bearer a.b.c', 'Bearer eyJhbGciOiJSUzI1NiJ9.e30.AA', 'Bearer ' + 'x'.repeat(9000), 'Basic eA==', 'bearer', 'Bearer  ', 'Bearer eyJhbGciOiJub25lIn0.eyJpc3MiOiJ4In0.'])])
    if (random.int(90) === 0) request.headers.push(['audit-id', random.pick(['x', 'x'.repeat(3000)])])
  }
}

function collectionPath(random: Random, kind: Kind): string {
  const prefix = kind.group ? `/apis/${kind.group}/${kind.version}` : `/api/${kind.version}`
  if (!kind.namespaced || random.int(12) === 0) return `${prefix}/${kind.resource}`
  return `${prefix}/namespaces/${random.int(4) === 0 ? random.pick(NAMESPACES) : 'default'}/${kind.resource}`
}

function itemPath(random: Random, kind: Kind): string {
  return `${collectionPath(random, kind)}/${random.int(25) === 0 ? encodeURIComponent(wellFormed(hostileText(random))) : random.pick(NAMES)}`
}

function query(params: URLSearchParams): string {
  const text = params.toString()
  return text === '' ? '' : `?${text}`
}

const wellFormed = (text: string) => text.replace(/[\ud800-\udfff]/g, '?')

function damagedPath(random: Random, path: string): string {
  return '/' + wellFormed(damagedText(random, path)).replace(/[\u0000-\u0020]/g, '%20').slice(0, 4000)
}

function continueToken(random: Random): string {
  const token = random.pick<Json>([{ v: 'meta.k8s.io/v1', rv: 5, start: 'a' }, { v: 'meta.k8s.io/v1', rv: -1, start: 'default/a\u0000' }, { v: 'meta.k8s.io/v1', rv: 999999999, start: 'x' }, { v: 'meta.k8s.io/v1', rv: 1, start: '../x' }, { v: 'x' }, { v: 'meta.k8s.io/v1', rv: 'x', start: 1 }, { v: 'meta.k8s.io/v1', rv: 1.5, start: ['a'] }, [], null, 7, { v: 'meta.k8s.io/v1', rv: 1e300, start: {} }, { v: { __proto__: null }, rv: true, start: true }])
  return random.int(5) === 0 ? random.pick(['x', '====', 'é', 'e30', '{}', ' ', 'A'.repeat(50_000)]) : btoa(JSON.stringify(token)).replace(/=+$/, '')
}

/** Some fields of an object, as merge patches carry them. */
function partOf(random: Random, object: JsonObject): JsonObject {
  const out: JsonObject = {}
  for (const key of Object.keys(object)) {
    if (random.int(3) === 0) continue
    const value = object[key]!
    setOwn(out, key, value !== null && typeof value === 'object' && !Array.isArray(value) && random.int(2) === 0 ? partOf(random, value) : value)
  }
  return out
}

function jsonPatch(random: Random, object: JsonObject): Json {
  if (random.int(20) === 0) return hostileValue(random)
  return Array.from({ length: 1 + random.int(4) }, (): Json => {
    const pointer = pointerInto(random, object)
    const operation: JsonObject = { op: random.int(15) === 0 ? hostileText(random) : random.pick(['add', 'replace', 'remove', 'test', 'copy', 'move']), path: pointer }
    if (random.int(6) > 0) operation.value = hostileValue(random)
    if (operation.op === 'copy' || operation.op === 'move' || random.int(10) === 0) operation.from = pointerInto(random, object)
    return random.int(20) === 0 ? mutated(random, operation) : operation
  })
}

function pointerInto(random: Random, object: Json): string {
  let at: Json | undefined = object
  let pointer = ''
  for (let depth = random.int(6); depth > 0 && at !== null && typeof at === 'object'; depth--) {
    const keys = Object.keys(at)
    const key: string = keys.length === 0 || random.int(10) === 0 ? random.pick(['-', '0', '-1', '999', '01', hostileKey(random)]) : random.pick(keys)
    pointer += '/' + key.replace(/~/g, '~0').replace(/\//g, '~1')
    at = (at as JsonObject)[key]
  }
  return random.int(30) === 0 ? damagedText(random, pointer) : pointer
}

function yamlOf(value: Json): string {
  // Deep nesting is for JSON's parser; the YAML writer would overflow before the server sees anything.
  try {
    return stringify(JSON.parse(JSON.stringify(value)), { version: '1.1', aliasDuplicateObjects: false })
  } catch {
    return '{'.repeat(2000)
  }
}

const encoder = new TextEncoder()

/** A body's text, now and then damaged: cut, with a key twice, with bytes that are no UTF-8. */
function bodyText(random: Random, text: string): string | Uint8Array {
  switch (random.int(40)) {
    case 0: return damagedText(random, text)
    case 1: return text.replace(/"([a-zA-Z]+)":/, (match, key: string) => `${match}null,"${key}":`)
    case 2: return damagedBytes(random, encoder.encode(text))
    case 3: return text.slice(0, -1)
    case 4: return random.pick(['', ' ', '\ufeff', '---\n', '# x\n', '&a [*a]', 'a: &a [*a, *a]\nb: *a', '!!js/function x', '? {a: b}\n: c', '<<: {a: b}', 'null', '0', '"x"', '[]', '{}', 'k8s\u0000', '{"kind":"List","apiVersion":"v1","items":[]}'])
    default: return text
  }
}
