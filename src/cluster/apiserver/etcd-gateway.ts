import type { Clock } from '../../base/clock.ts'
import { deepFreeze } from '../../base/freeze.ts'
import type { HttpRequest } from '../../base/http.ts'
import { base64Of, bytesOfBase64 } from '../../base/base64.ts'
import type { EtcdMembers } from '../etcd/members/etcd-members.ts'
import type { MemberInfo } from '../etcd/members/member-record.ts'
import { EtcdError, FROM_KEY } from '../etcd/types.ts'
import type { Etcd } from '../etcd/etcd.ts'
import type { EtcdErrorCode, KeyRange, KeyValue, WatchEventKv } from '../etcd/types.ts'
import { decodeProtobuf } from '../kinds/protobuf.ts'
import { encodeProtobuf } from '../kinds/protobuf-encode.ts'
import { hasProtobufMessages, loadProtobufMessages } from '../kinds/protobuf-messages.ts'

/** A value as it lies in etcd: encrypted, where it was written so. */
export type StoredForm = (key: string, modRevision: number, plain: Uint8Array) => Promise<Uint8Array>

/** Below this only Kubernetes' objects may be. */
const REGISTRY = '/registry/'
const PROTOBUF_START = 'k8s\0'

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const encodeKey = (key: string) => base64Of(encoder.encode(key))

type Body = Record<string, unknown>

/**
 * The JSON form of etcd's API, as etcd itself serves it beside gRPC: keys and values in base64, 64-bit numbers as text. Objects are shown in the
 * form in which an API server stores them. k8s: go.etcd.io/etcd/api etcdserverpb rpc.proto
 */
export function createEtcdGateway(etcd: Etcd, members: EtcdMembers, { host, version, clock }: { host: string; version: string; clock: Clock }, stored: StoredForm = async (_key, _revision, plain) => plain): (request: HttpRequest) => Promise<Response> {
  const own = () => members.status(host)!
  const header = () => { const { id, term, revision } = own(); return { cluster_id: members.clusterId, member_id: id, revision: String(revision), raft_term: String(term) } }
  const rangeOf = (body: Body): KeyRange => {
    const end = body['range_end'] ? decoder.decode(bytesOfBase64(String(body['range_end']))) : undefined
    return { key: decoder.decode(bytesOfBase64(String(body['key'] ?? ''))), ...(end === undefined ? {} : { rangeEnd: end === '\0' ? FROM_KEY : end }) }
  }
  const size = () => etcd.range({ key: '\0', rangeEnd: FROM_KEY }).kvs.reduce((sum, kv) => sum + kv.key.length + valueBytes(kv.value).length, 0)

  const answers: Readonly<Record<string, (body: Body, request: HttpRequest) => unknown>> = {
    '/v3/kv/range': async (body) => {
      const isSerializable = body['serializable'] === true
      if (!isSerializable) members.confirmLeader()
      // One that is behind knows no more than it got.
      const asOf = isSerializable && own().revision < etcd.revision ? own().revision : 0
      const { kvs, more, count } = etcd.range({ ...rangeOf(body), limit: Number(body['limit'] ?? 0), revision: Number(body['revision'] ?? 0) || asOf, keysOnly: body['keys_only'] === true, countOnly: body['count_only'] === true })
      return { header: header(), ...(kvs.length > 0 ? { kvs: await Promise.all(kvs.map(async (kv) => body['keys_only'] === true ? shown(kv, true) : shown(kv, false, await stored(kv.key, kv.modRevision, valueBytes(kv.value))))) } : {}), ...(more ? { more } : {}), ...(count > 0 ? { count: String(count) } : {}) }
    },
    '/v3/kv/put': (body) => {
      const { key } = rangeOf(body)
      if (key === '') throw new GatewayError(3, 'etcdserver: key is not provided')
      const value = storedValue(key, bytesOfBase64(String(body['value'] ?? '')))
      const { prevKv } = etcd.put(key, value, { prevKv: body['prev_kv'] === true })
      return { header: header(), ...(prevKv ? { prev_kv: shown(prevKv) } : {}) }
    },
    '/v3/kv/deleterange': (body) => {
      const { key, rangeEnd } = rangeOf(body)
      const { deleted, prevKvs } = etcd.delete(key, { ...(rangeEnd === undefined ? {} : { rangeEnd }), prevKv: body['prev_kv'] === true })
      return { header: header(), ...(deleted > 0 ? { deleted: String(deleted) } : {}), ...(prevKvs?.length ? { prev_kvs: prevKvs.map((kv) => shown(kv)) } : {}) }
    },
    '/v3/kv/compaction': (body) => {
      etcd.compact(Number(body['revision'] ?? 0))
      return { header: header() }
    },
    '/v3/watch': (body, request) => {
      const wanted = (body['create_request'] ?? {}) as Body
      const prevKv = wanted['prev_kv'] === true
      let stop = () => {}
      return new ReadableStream<Uint8Array>({
        start(controller) {
          const send = (result: unknown) => controller.enqueue(encoder.encode(`${JSON.stringify({ result })}\n`))
          send({ header: header(), created: true })
          const watcher = etcd.watch({ ...rangeOf(wanted), startRevision: Number(wanted['start_revision'] ?? 0), prevKv }, ({ events, compactRevision }) => {
            if (compactRevision !== undefined) {
              send({ header: header(), canceled: true, compact_revision: String(compactRevision) })
              controller.close()
            } else if (events.length > 0) send({ header: header(), events: events.map(eventText) })
          })
          stop = () => watcher.cancel()
          request.signal.addEventListener('abort', () => stop(), { once: true })
        },
        cancel: () => stop(),
      })
    },
    '/v3/cluster/member/list': (body) => {
      if (body['linearizable'] !== false) members.confirmLeader()
      return { header: header(), members: members.list().map(memberText) }
    },
    '/v3/cluster/member/add': (body) => {
      const member = members.add((body['peerURLs'] ?? []) as string[], body['isLearner'] === true)
      return { header: header(), member: memberText(member), members: members.list().map(memberText) }
    },
    '/v3/cluster/member/remove': (body) => {
      members.remove(String(body['ID'] ?? ''))
      return { header: header(), members: members.list().map(memberText) }
    },
    '/v3/cluster/member/promote': (body) => {
      members.promote(String(body['ID'] ?? ''))
      return { header: header(), members: members.list().map(memberText) }
    },
    '/v3/maintenance/transfer-leadership': (body) => {
      members.moveLeader(host, String(body['targetID'] ?? ''))
      return { header: header() }
    },
    '/v3/maintenance/status': () => {
      const bytes = String(size())
      const { leader, index, term, isLearner } = own()
      return { header: header(), version, dbSize: bytes, ...(leader === undefined ? {} : { leader }), raftIndex: String(index), raftTerm: String(term), raftAppliedIndex: String(index), ...(leader === undefined ? { errors: ['etcdserver: no leader'] } : {}), dbSizeInUse: bytes, ...(isLearner ? { isLearner } : {}), storageVersion: '3.6.0' }
    },
    '/v3/maintenance/alarm': () => ({ header: header() }),
    '/v3/maintenance/defragment': () => ({ header: header() }),
    '/v3/maintenance/snapshot': () => {
      const text = JSON.stringify(etcd.range({ key: '\0', rangeEnd: FROM_KEY }).kvs.map((kv) => shown(kv)))
      return { result: { header: header(), remaining_bytes: '0', blob: base64Of(encoder.encode(text)) } }
    },
  }

  return async (request) => {
    const { pathname } = new URL(request.url)
    if (pathname === '/version') return Response.json({ etcdserver: version, etcdcluster: '3.6.0', storage: '3.6.0' })
    if (pathname === '/health') return members.isAvailable ? Response.json({ health: 'true', reason: '' }) : Response.json({ health: 'false', reason: 'RAFT NO LEADER' }, { status: 503 })
    const answer = Object.hasOwn(answers, pathname) ? answers[pathname] : undefined
    if (!answer) return new Response('404 page not found\n', { status: 404 })
    if (request.method !== 'POST') return failure(new GatewayError(12, 'Method Not Allowed'), 501)
    // Values are shown and taken as an API server writes them.
    if (!hasProtobufMessages()) await clock.outside(loadProtobufMessages())
    try {
      const text = await request.text()
      if (!members.status(host)) return new Response('', { status: 503 })
      const body = text.trim() === '' ? {} : JSON.parse(text) as Body
      if (own().isLearner && !LEARNERS_ANSWER.has(pathname) && body['serializable'] !== true) throw new GatewayError(14, 'etcdserver: rpc not supported for learner')
      if (!members.isAvailable && needsAgreement(pathname, body)) await withinTime(members.outage(), clock)
      const result = await answer(body, request)
      return result instanceof ReadableStream ? new Response(result, { headers: { 'content-type': 'application/json' } }) : Response.json(result)
    } catch (error) {
      if (error instanceof GatewayError) return failure(error, 400)
      if (error instanceof EtcdError) return error.code === 'timeout' ? failure(new GatewayError(14, error.message), 503) : failure(new GatewayError(CODES[error.code] ?? 11, error.message), 400)
      if (error instanceof SyntaxError || (error as Error).name === 'InvalidCharacterError') return failure(new GatewayError(3, (error as Error).message), 400)
      throw error
    }
  }
}

/** What a learner answers. */
const LEARNERS_ANSWER = new Set(['/v3/maintenance/status', '/v3/cluster/member/list', '/v3/maintenance/alarm', '/v3/maintenance/snapshot'])
/** k8s: etcd's --election-timeout and what it adds to it, config ReqTimeout */
const REQUEST_MS = 7_000
/** gRPC's codes of refusals that are none of OUT_OF_RANGE. k8s: api/v3rpc/rpctypes error.go */
const CODES: Partial<Record<EtcdErrorCode, number>> = { 'not-leader': 9, 'bad-leader-transferee': 9, 'member-not-found': 5, 'member-removed': 5, 'peer-url-exists': 9, 'not-learner': 9, 'learner-not-ready': 9, 'too-many-learners': 9, 'not-enough-started': 9 }

/** Whether a request needs a leader whom a majority hears. */
function needsAgreement(path: string, body: Body): boolean {
  return path.startsWith('/v3/kv/') ? body['serializable'] !== true : path.startsWith('/v3/cluster/') && body['linearizable'] !== false
}

/** @throws EtcdError when it takes too long */
async function withinTime(work: Promise<void> | undefined, clock: Clock): Promise<void> {
  if (!work) return
  const limit = new AbortController()
  const isOver = await Promise.race([work.then(() => true), clock.sleep(REQUEST_MS, limit.signal).then(() => false, () => false)])
  limit.abort()
  if (!isOver) throw new EtcdError('timeout')
}

function memberText({ id, name, peerUrls, clientUrls, isLearner }: MemberInfo): Body {
  return { ID: id, ...(name ? { name } : {}), peerURLs: peerUrls, ...(clientUrls.length > 0 ? { clientURLs: clientUrls } : {}), ...(isLearner ? { isLearner } : {}) }
}

class GatewayError extends Error {
  readonly code: number
  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

function failure({ code, message }: GatewayError, status: number): Response {
  return Response.json({ error: message, code, message }, { status })
}

function eventText({ kv, prevKv }: WatchEventKv): Body {
  const change = kv.type === 'put' ? { kv: shown(kv) } : { type: 'DELETE', kv: { key: encodeKey(kv.key), mod_revision: String(kv.modRevision) } }
  return { ...change, ...(prevKv ? { prev_kv: shown(prevKv) } : {}) }
}

function shown(kv: KeyValue, keysOnly = false, bytes?: Uint8Array): Body {
  return { key: encodeKey(kv.key), create_revision: String(kv.createRevision), mod_revision: String(kv.modRevision), version: String(kv.version), ...(keysOnly ? {} : { value: base64Of(bytes ?? valueBytes(kv.value)) }), ...(kv.lease ? { lease: String(kv.lease) } : {}) }
}

/** A value as an API server writes it: protobuf, or JSON for kinds without; revisions aren't part of it. */
function valueBytes(value: unknown): Uint8Array {
  if (typeof value === 'string') return encoder.encode(value)
  if (value === undefined || value === null) return new Uint8Array(0)
  const { metadata, ...rest } = value as { metadata?: Record<string, unknown> }
  const { resourceVersion: _revision, ...kept } = metadata ?? {}
  const object = { ...rest, ...(metadata ? { metadata: kept } : {}) }
  return encodeProtobuf(object) ?? encoder.encode(`${JSON.stringify(object)}\n`)
}

/** What is kept of bytes that somebody puts. Below {@link REGISTRY} that must be an object. @throws GatewayError */
function storedValue(key: string, bytes: Uint8Array): unknown {
  const text = decoder.decode(bytes)
  if (!key.startsWith(REGISTRY)) return text
  let object: Record<string, unknown> | undefined
  try {
    object = text.startsWith(PROTOBUF_START) ? decodeProtobuf(bytes) : JSON.parse(text) as Record<string, unknown>
  } catch { /* Neither form. */ }
  if (typeof object !== 'object' || object === null || typeof object['kind'] !== 'string') throw new GatewayError(3, `etcdserver: what is put below ${REGISTRY} must be an object of Kubernetes`)
  const { metadata, ...rest } = object as { metadata?: object }
  return (revision: number) => deepFreeze({ ...rest, metadata: { ...metadata, resourceVersion: String(revision) } })
}
