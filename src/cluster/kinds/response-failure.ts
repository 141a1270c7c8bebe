import { StatusError, type Status } from './status-error.ts'

/**
 * The error that a client makes of a refusing answer: the Status that it carries, or what its code says of the path's resource. Clients of
 * any group (`group: false`) leave the group away.
 * k8s: client-go/rest transformResponse, apimachinery errors.NewGenericServerResponse
 */
export function failureOf(code: number, text: string, method: string, path: string, { group: knowsGroup = true } = {}): StatusError {
  try {
    const body = JSON.parse(text) as Status
    if (body.kind === 'Status') return new StatusError({ ...body, code: body.code ?? code })
  } catch { /* not JSON */ }
  const message: Record<number, [string, string]> = {
    400: ['BadRequest', 'the server rejected our request for an unknown reason'],
    401: ['Unauthorized', 'the server has asked for the client to provide credentials'],
    403: ['Forbidden', text.trim() || 'the server does not allow this method on the requested resource'],
    404: ['NotFound', 'the server could not find the requested resource'],
    405: ['MethodNotAllowed', 'the server does not allow this method on the requested resource'],
    406: ['NotAcceptable', text.trim() || 'the server was unable to respond with a content type that the client supports'],
    409: [method === 'POST' ? 'AlreadyExists' : 'Conflict', 'the server reported a conflict'],
    410: ['Gone', 'the server has gone away'],
    413: ['RequestEntityTooLarge', 'the request entity is too large'],
    415: ['UnsupportedMediaType', text.trim() || 'the body of the request was in an unknown format'],
    422: ['Invalid', 'the server rejected our request due to an error in our request'],
    429: ['TooManyRequests', 'the server has received too many requests and has asked us to try again later'],
    503: ['ServiceUnavailable', 'the server is currently unable to handle the request'],
    504: ['Timeout', 'the server was unable to return a response in the time allotted, but may still be processing the request'],
  }
  const [reason, sentence] = message[code] ?? (code >= 500 ? ['InternalError', `an error on the server (${JSON.stringify(text.trim() || 'unknown')}) has prevented the request from succeeding`] : ['', `the server responded with the status code ${code} but did not return more information`])
  const { resource, name, group } = resourceOfPath(path, knowsGroup)
  const subject = resource ? ` (${method.toLowerCase()} ${resource}${group ? `.${group}` : ''}${name ? ` ${name}` : ''})` : ''
  return new StatusError({
    kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', reason, code, message: `${sentence}${subject}`,
    details: { ...(name ? { name } : {}), ...(group ? { group } : {}), ...(resource ? { kind: resource } : {}), causes: [{ reason: 'UnexpectedServerResponse', message: text.trim() || 'unknown' }] },
  })
}

function resourceOfPath(path: string, knowsGroup: boolean): { resource: string; name: string; group: string } {
  const match = /^\/(?:api\/v1|apis\/([^/]+)\/[^/]+)(?:\/namespaces\/[^/]+(?=\/[^/]+))?\/([^/?]+)(?:\/([^/?]+))?/.exec(path)
  return { group: (knowsGroup && match?.[1]) || '', resource: match?.[2] ?? '', name: decodeURIComponent(match?.[3] ?? '') }
}
