import { rfc3339Micro } from '../../../base/clock.ts'
import type { Clock } from '../../../base/clock.ts'
import type { HttpRequest } from '../../../base/http.ts'
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
  #impersonated: UserInfo | undefined

  constructor(audited: AuditedRequest, rule: AuditRule, clock: Clock, write: (line: string) => void) {
    this.#audited = audited
    this.#rule = rule
    this.#clock = clock
    this.#write = write
    this.#receivedMs = clock.nowMs()
    this.#event('RequestReceived', {})
  }

  annotate(key: string, value: string): void {
    this.#annotations[key] ??= value
  }

  impersonate(user: UserInfo): void {
    this.#impersonated = user
  }

  /** The request in a form whose body was read for the log, where the level wants that. */
  async read(request: HttpRequest): Promise<HttpRequest> {
    if ((this.#rule.level !== 'Request' && this.#rule.level !== 'RequestResponse') || !request.body || !/json/.test(request.headers.get('content-type') ?? 'json')) return request
    const text = await request.text()
    this.#requestObject = this.#objectOf(text)
    return { method: request.method, url: request.url, headers: request.headers, signal: request.signal, get body() { return text === '' ? null : new Response(text).body }, text: async () => text, arrayBuffer: () => new Response(text).arrayBuffer() }
  }

  /** An answer whose end is logged; long-running ones are logged at their beginning, too. */
  async complete(response: Response, isLongRunning: boolean): Promise<Response> {
    if (isLongRunning) {
      this.#event('ResponseStarted', { responseStatus: { metadata: {}, code: response.status } })
      if (!response.body || response.status === 101) {
        this.#event('ResponseComplete', { responseStatus: { metadata: {}, code: response.status } })
        return response
      }
      const ended = () => this.#event('ResponseComplete', { responseStatus: { metadata: {}, code: response.status } })
      return new Response(endingWith(response.body, ended), { status: response.status, headers: response.headers })
    }
    const wantsBody = this.#rule.level === 'RequestResponse' || response.status >= 400
    const text = wantsBody && response.body ? await response.text() : undefined
    const object = text === undefined ? undefined : this.#objectOf(text)
    const status = object as { kind?: string; status?: string; message?: string; reason?: string; details?: unknown; code?: number } | undefined
    this.#event('ResponseComplete', {
      responseStatus: status?.kind === 'Status' && typeof status.status === 'string'
        ? { metadata: {}, status: status.status, ...(status.message ? { message: status.message } : {}), ...(status.reason ? { reason: status.reason } : {}), ...(status.details ? { details: status.details } : {}), code: response.status }
        : { metadata: {}, code: response.status },
      ...(this.#rule.level === 'RequestResponse' && object !== undefined ? { responseObject: object } : {}),
    })
    return text === undefined ? response : new Response(text, { status: response.status, headers: response.headers })
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
      ...(info.isResourceRequest ? { objectRef: objectRef(info) } : {}), ...(responseStatus ? { responseStatus } : {}),
      ...(stage !== 'RequestReceived' && this.#requestObject !== undefined ? { requestObject: this.#requestObject } : {}), ...(responseObject === undefined ? {} : { responseObject }),
      requestReceivedTimestamp: rfc3339Micro(this.#receivedMs), stageTimestamp: rfc3339Micro(this.#clock.nowMs()),
      ...(stage !== 'RequestReceived' && Object.keys(this.#annotations).length > 0 ? { annotations: this.#annotations } : {}),
    }
    this.#write(JSON.stringify(event))
  }
}

function userObject({ name, uid, groups, extra }: UserInfo): Record<string, unknown> {
  return { username: name, ...(uid ? { uid } : {}), ...(groups.length > 0 ? { groups } : {}), ...(extra && Object.keys(extra).length > 0 ? { extra } : {}) }
}

function objectRef({ resource, namespace, name, group, version, subresource }: RequestInfo): Record<string, string> {
  return { resource, ...(namespace ? { namespace } : {}), ...(name ? { name } : {}), ...(group ? { apiGroup: group } : {}), apiVersion: version, ...(subresource ? { subresource } : {}) }
}

/** The same stream; `ended` is called once, when it ends, fails or its reader leaves. */
export function endingWith(body: ReadableStream<Uint8Array>, ended: () => void): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader()
  let isOpen = true
  const end = () => {
    if (isOpen) ended()
    isOpen = false
  }
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read()
        if (!done) return controller.enqueue(value as Uint8Array<ArrayBuffer>)
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
