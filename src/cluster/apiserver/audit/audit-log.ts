import { httpResponse } from '../../../base/http.ts'
import { rfc3339Micro } from '../../../base/clock.ts'
import type { Clock } from '../../../base/clock.ts'
import type { HttpRequest } from '../../../base/http.ts'
import { decodeProtobuf } from '../../kinds/protobuf.ts'
import { apiError } from '../../kinds/status-error.ts'
import { isProtobuf } from '../media-types.ts'
import { readText, type ProtobufReader } from '../request-body.ts'
import type { RequestInfo } from '../request-info.ts'
import type { UserInfo } from '../seams.ts'
import { type AuditPolicy, type AuditRule, type AuditStage, auditRuleFor } from './audit-policy.ts'

// @k8s part: Audit log: by policy, for requests that come over HTTP; the parts inside this process aren't logged

export interface AuditOptions {
  policy: AuditPolicy
  /** Takes one event as a line of JSON, without its end. */
  write(line: string): void
}

export interface AuditedRequest {
  auditId: string
  request: HttpRequest
  /** Path and query as they came. */
  uri: string
  info: RequestInfo
  user: UserInfo
  impersonatedUser?: UserInfo
  remoteAddress?: string
}

const NOBODY: UserInfo = { name: '', groups: [] }

/** Writes what was asked of the server, as far as the policy wants. k8s: apiserver/pkg/audit, endpoints/filters/audit.go */
export class AuditLog {
  readonly #options: AuditOptions
  readonly #clock: Clock

  constructor(options: AuditOptions, clock: Clock) {
    this.#options = options
    this.#clock = clock
  }

  /** The trail of a request; undefined when nothing of it is logged. */
  begin(audited: AuditedRequest): AuditTrail | undefined {
    // Impersonation comes after the policy: the one who really asks counts.
    const rule = auditRuleFor(this.#options.policy, audited.user, audited.info)
    if (rule.level === 'None') return undefined
    return new AuditTrail(audited, rule, this.#clock, this.#options.write)
  }

  /** The one event of a request whose sender nobody knows. k8s: apiserver/pkg/endpoints/filters/authn_audit.go */
  async refused(audited: Omit<AuditedRequest, 'user'>, response: Response): Promise<Response> {
    const rule = auditRuleFor(this.#options.policy, NOBODY, audited.info)
    if (rule.level === 'None') return response
    const trail = new AuditTrail({ ...audited, user: NOBODY }, { ...rule, omitStages: new Set<AuditStage>([...rule.omitStages, 'RequestReceived']) }, this.#clock, this.#options.write)
    return trail.complete(response, false, 'ResponseStarted')
  }
}

/** One request's events. */
export class AuditTrail {
  readonly #audited: AuditedRequest
  readonly #rule: AuditRule
  readonly #clock: Clock
  readonly #write: (line: string) => void
  readonly #receivedMs: number
  readonly #annotations: Record<string, string> = {}
  #requestObject: unknown
  /** What the request's object says of itself, where the URL doesn't. */
  #metadata: ObjectMeta | undefined
  #impersonated: UserInfo | undefined

  constructor(audited: AuditedRequest, rule: AuditRule, clock: Clock, write: (line: string) => void) {
    this.#audited = audited
    this.#rule = rule
    this.#clock = clock
    this.#write = write
    this.#receivedMs = clock.nowMs()
    this.#event('RequestReceived', {})
  }

  annotate(key: string, value: string, level?: 'Request'): void {
    if (level && this.#rule.level === 'Metadata') return
    this.#annotations[key] ??= value
  }

  impersonate(user: UserInfo): void {
    this.#impersonated = user
  }

  /** The request again after its body was read for the log. */
  async read(request: HttpRequest): Promise<HttpRequest> {
    if (!request.body || request.method === 'GET' || request.method === 'HEAD') return request
    const again = rereadable(request, await request.arrayBuffer())
    const object = this.#objectOf(await readText(again, ANY_PROTOBUF).catch(() => ''))
    if (this.#rule.level !== 'Metadata') this.#requestObject = object
    if (request.method !== 'PATCH') this.#metadata = (object as { metadata?: ObjectMeta } | undefined)?.metadata
    return again
  }

  /** An answer whose end is logged; long-running ones are logged at their beginning, too. */
  async complete(response: Response, isLongRunning: boolean, stage: AuditStage = 'ResponseComplete'): Promise<Response> {
    if (isLongRunning) {
      this.#event('ResponseStarted', { responseStatus: { metadata: {}, code: response.status } })
      if (!response.body || response.status === 101) {
        this.#event('ResponseComplete', { responseStatus: { metadata: {}, code: response.status } })
        return response
      }
      const ended = () => this.#event('ResponseComplete', { responseStatus: { metadata: {}, code: response.status } })
      return httpResponse(endingWith(response.body, ended), { status: response.status, headers: response.headers })
    }
    const wantsBody = this.#rule.level === 'RequestResponse' || response.status >= 400
    const bytes = wantsBody && response.body ? new Uint8Array(await response.arrayBuffer()) : undefined
    const object = bytes === undefined ? undefined : this.#objectOf(textOf(bytes, response.headers.get('content-type')))
    const status = object as { kind?: string; status?: string; message?: string; reason?: string; details?: unknown; code?: number } | undefined
    this.#event(stage, {
      responseStatus: status?.kind === 'Status' && typeof status.status === 'string'
        ? { metadata: {}, status: status.status, ...(status.message ? { message: status.message } : {}), ...(status.reason ? { reason: status.reason } : {}), ...(status.details ? { details: status.details } : {}), code: response.status }
        : { metadata: {}, code: response.status },
      ...(this.#rule.level === 'RequestResponse' && object !== undefined ? { responseObject: object } : {}),
    })
    return bytes === undefined ? response : httpResponse(bytes, { status: response.status, headers: response.headers })
  }

  #objectOf(text: string): unknown {
    try {
      const object = JSON.parse(text) as { metadata?: { managedFields?: unknown }; items?: { metadata?: { managedFields?: unknown } }[] }
      if (this.#rule.omitManagedFields) for (const { metadata } of [object, ...(Array.isArray(object.items) ? object.items : [])]) if (metadata) delete metadata.managedFields
      return object
    } catch {
      return undefined
    }
  }

  #event(stage: AuditStage, more: Record<string, unknown>): void {
    if (this.#rule.omitStages.has(stage)) return
    const { auditId, request, uri, info, user, remoteAddress } = this.#audited
    const userAgent = request.headers.get('user-agent')
    const { responseStatus, responseObject } = more
    const event = {
      kind: 'Event', apiVersion: 'audit.k8s.io/v1', level: this.#rule.level, auditID: auditId, stage, requestURI: uri, verb: info.verb, user: userObject(user),
      ...(this.#impersonated ? { impersonatedUser: userObject(this.#impersonated) } : {}),
      ...(remoteAddress ? { sourceIPs: [remoteAddress] } : {}), ...(userAgent ? { userAgent } : {}),
      ...(info.isResourceRequest ? { objectRef: objectRef(info, this.#metadata) } : {}), ...(responseStatus ? { responseStatus } : {}),
      ...(stage !== 'RequestReceived' && this.#requestObject !== undefined ? { requestObject: this.#requestObject } : {}), ...(responseObject === undefined ? {} : { responseObject }),
      requestReceivedTimestamp: rfc3339Micro(this.#receivedMs), stageTimestamp: rfc3339Micro(this.#clock.nowMs()),
      ...(stage !== 'RequestReceived' && Object.keys(this.#annotations).length > 0 ? { annotations: this.#annotations } : {}),
    }
    this.#write(JSON.stringify(event))
  }
}

function userObject({ name, uid, groups, extra }: UserInfo): Record<string, unknown> {
  return { ...(name ? { username: name } : {}), ...(uid ? { uid } : {}), ...(groups.length > 0 ? { groups } : {}), ...(extra && Object.keys(extra).length > 0 ? { extra } : {}) }
}

type ObjectMeta = Partial<Record<'name' | 'namespace' | 'uid' | 'resourceVersion', string>>

function objectRef({ resource, namespace, name, group, version, subresource }: RequestInfo, metadata: ObjectMeta = {}): Record<string, string> {
  const at = { namespace: namespace || metadata.namespace, name: name || metadata.name, uid: metadata.uid, apiGroup: group, apiVersion: version, resourceVersion: metadata.resourceVersion, subresource }
  return { resource, ...Object.fromEntries(Object.entries(at).filter((entry): entry is [string, string] => Boolean(entry[1]))) }
}

function rereadable({ method, url, headers, signal }: HttpRequest, bytes: ArrayBuffer): HttpRequest {
  const read = () => new Response(bytes)
  return { method, url, headers, signal, get body() { return bytes.byteLength === 0 ? null : read().body }, text: () => read().text(), arrayBuffer: async () => bytes }
}

/** The same stream; `ended` is called once, when it ends, fails or its reader leaves, with the bytes that were read. */
export function endingWith(body: ReadableStream<Uint8Array>, ended: (bytes: number) => void): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader()
  let isOpen = true
  let bytes = 0
  const end = () => {
    if (isOpen) ended(bytes)
    isOpen = false
  }
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read()
        if (!done) {
          bytes += value.byteLength
          return controller.enqueue(value as Uint8Array<ArrayBuffer>)
        }
        end()
        controller.close()
      } catch (error) {
        end()
        controller.error(error)
      }
    },
    cancel(reason) {
      end()
      return reader.cancel(reason)
    },
  }, { highWaterMark: 0 })
}

const ANY_PROTOBUF: ProtobufReader = { fallback: { apiVersion: '', kind: '' }, refuse: (error) => apiError.badRequest(error.message) }

function textOf(bytes: Uint8Array, contentType: string | null): string {
  if (!isProtobuf(contentType)) return new TextDecoder().decode(bytes)
  try {
    return JSON.stringify(decodeProtobuf(bytes))
  } catch {
    return ''
  }
}
