import type { Finding } from './findings.ts'
import { quoted } from './go-text.ts'

/** metav1.Status of a failure. */
export interface Status {
  kind: 'Status'
  apiVersion: 'v1'
  metadata: Record<string, unknown>
  status: 'Failure' | 'Success'
  message?: string
  reason?: string
  details?: StatusDetails
  code?: number
}

export interface StatusDetails {
  name?: string
  group?: string
  kind?: string
  uid?: string
  causes?: { reason?: string; message?: string; field?: string }[]
  retryAfterSeconds?: number
}

/** The one error of the API: thrown by the server's parts and by its clients. Test `reason`, never the text. */
export class StatusError extends Error {
  readonly status: Status
  constructor(status: Status) {
    super(status.message ?? '')
    this.status = status
  }
  get reason(): string {
    return this.status.reason ?? ''
  }
  get code(): number {
    return this.status.code ?? 500
  }
}

export function isStatusError(error: unknown, ...reasons: string[]): error is StatusError {
  return error instanceof StatusError && (reasons.length === 0 || reasons.includes(error.reason))
}

/** Which resource an error speaks of. */
export interface GroupResource {
  group: string
  resource: string
}

/** `deployments.apps`, `pods`. */
function groupResourceText(of: GroupResource): string {
  return of.group ? `${of.resource}.${of.group}` : of.resource
}

function failure(code: number, reason: string, message: string, details?: StatusDetails): StatusError {
  return new StatusError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, ...(details ? { details } : {}), code })
}

function detailsOf(of: GroupResource, name: string): StatusDetails {
  return { ...(name ? { name } : {}), ...(of.group ? { group: of.group } : {}), ...(of.resource ? { kind: of.resource } : {}) }
}

/** The server's errors in upstream's wording. k8s: apimachinery/pkg/api/errors/errors.go */
export const apiError = {
  notFound: (of: GroupResource, name: string) => failure(404, 'NotFound', `${groupResourceText(of)} ${quoted(name)} not found`, detailsOf(of, name)),
  alreadyExists: (of: GroupResource, name: string) => failure(409, 'AlreadyExists', `${groupResourceText(of)} ${quoted(name)} already exists`, detailsOf(of, name)),
  conflict: (of: GroupResource, name: string, why: string) =>
    failure(409, 'Conflict', `Operation cannot be fulfilled on ${groupResourceText(of)} ${quoted(name)}: ${why}`, detailsOf(of, name)),
  unauthorized: (message = 'Unauthorized') => failure(401, 'Unauthorized', message),
  forbidden: (of: GroupResource, name: string, why: string) =>
    failure(403, 'Forbidden', of.resource ? (name ? `${groupResourceText(of)} ${quoted(name)} is forbidden: ${why}` : `${groupResourceText(of)} is forbidden: ${why}`) : `forbidden: ${why}`, detailsOf(of, name)),
  badRequest: (message: string) => failure(400, 'BadRequest', message),
  methodNotSupported: (of: GroupResource, verb: string) =>
    failure(405, 'MethodNotAllowed', `${verb} is not supported on resources of kind ${quoted(groupResourceText(of))}`, detailsOf(of, '')),
  expired: (message: string) => failure(410, 'Expired', message),
  gone: (message: string) => failure(410, 'Gone', message),
  tooManyRequests: (message: string, retryAfterSeconds: number) => failure(429, 'TooManyRequests', message, { retryAfterSeconds }),
  serverTimeout: (of: GroupResource, verb: string, retryAfterSeconds: number) =>
    failure(500, 'ServerTimeout', `The ${verb} operation against ${groupResourceText(of)} could not be completed at this time, please try again.`, { ...detailsOf(of, verb), retryAfterSeconds }),
  timeout: (message: string, retryAfterSeconds = 0) => failure(504, 'Timeout', `Timeout: ${message}`, retryAfterSeconds ? { retryAfterSeconds } : {}),
  requestEntityTooLarge: (message: string) => failure(413, 'RequestEntityTooLarge', message),
  unsupportedMediaType: (message: string) => failure(415, 'UnsupportedMediaType', message),
  notAcceptable: (message: string) => failure(406, 'NotAcceptable', message),
  serviceUnavailable: (message: string) => failure(503, 'ServiceUnavailable', message),
  internal: (why: string) => failure(500, 'InternalError', `Internal error occurred: ${why}`, { causes: [{ message: why }] }),
  generic: failure,
  /** 422 with one cause per finding. `kind` is the Kind's name, not the resource. */
  invalid(of: { group: string; kind: string }, name: string, findings: readonly Finding[]): StatusError {
    const texts = findings.map((f) => f.message)
    const distinct = [...new Set(texts)]
    const list = distinct.length === 1 ? distinct[0] : `[${distinct.join(', ')}]`
    const full = of.group ? `${of.kind}.${of.group}` : of.kind
    return failure(422, 'Invalid', `${full} ${quoted(name)} is invalid: ${list}`, {
      ...(name ? { name } : {}), ...(of.group ? { group: of.group } : {}), ...(of.kind ? { kind: of.kind } : {}),
      causes: findings.map((f) => ({ reason: f.type, message: f.body, field: f.field })),
    })
  },
}
