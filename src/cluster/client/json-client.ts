import { httpRequest, type HttpRequest } from '../../base/http.ts'
import { failureOf } from '../kinds/response-failure.ts'

/** Requests to the API server inside the process, as a user. Never rejects. */
export type ApiFetch = (request: HttpRequest) => Promise<Response>

/** An answer that isn't what the client speaks, in client-go's words. */
class UnreadableAnswer extends Error {}

/** A client of paths, for what the typed one has no words for: discovery, subresources of any kind, APIs of other servers. k8s: client-go/rest */
export interface JsonClient {
  /** @throws StatusError for a refusal, {@link UnreadableAnswer} for an answer that isn't JSON. */
  get<T = any>(path: string, query?: Readonly<Record<string, string>>, accept?: string): Promise<T>
  /** @throws StatusError, {@link UnreadableAnswer} */
  put<T = any>(path: string, body: unknown): Promise<T>
  /** Server-side apply, with force. @throws StatusError, {@link UnreadableAnswer} */
  apply<T = any>(path: string, body: unknown, fieldManager: string): Promise<T>
}

export interface JsonClientOptions {
  userAgent: string
  /** Whether errors name the group of what was asked for: not those of clients that are made for no group. */
  namesGroup?: boolean
}

export function jsonClient(fetch: ApiFetch, { userAgent, namesGroup = true }: JsonClientOptions): JsonClient {
  const send = async (method: string, path: string, accept: string, body?: unknown, contentType = 'application/json') => {
    const headers = { accept, 'user-agent': userAgent, ...(body === undefined ? {} : { 'content-type': contentType }) }
    const response = await fetch(httpRequest(`https://kubernetes.default.svc${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }))
    const text = await response.text()
    if (response.status < 200 || response.status > 299) throw failureOf(response.status, text, method, path, { group: namesGroup })
    const mediaType = (response.headers.get('content-type') ?? '').split(';')[0]!.trim()
    if (mediaType !== '' && mediaType !== 'application/json') throw new UnreadableAnswer(`serializer for ${mediaType} doesn't exist`)
    try {
      return JSON.parse(text)
    } catch (error) {
      throw new UnreadableAnswer(`couldn't get version/kind; json parse error: ${(error as Error).message}`)
    }
  }
  return {
    get: (path, query = {}, accept = 'application/json') => {
      const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== '')).toString()
      return send('GET', search ? `${path}?${search}` : path, accept)
    },
    put: (path, body) => send('PUT', path, 'application/json', body),
    apply: (path, body, fieldManager) => send('PATCH', `${path}?${new URLSearchParams({ fieldManager, force: 'true' })}`, 'application/json', body, 'application/apply-patch+yaml'),
  }
}
