import type { HttpRequest } from '../../../base/http.ts'
import type { HttpPeer } from '../../../unix/types.ts'
import type { ApacheAnswer } from '../apache/apache.ts'
import type { User } from './site.ts'

/** A request with what its answer depends on. */
export interface Visit {
  request: HttpRequest
  /** With the host that the client asked. */
  address: URL
  form: URLSearchParams
  cookies: Map<string, string>
  peer: HttpPeer
  user?: User | undefined
}

/** A page of HTML. */
export const page = (body: string, status = 200, more: Partial<ApacheAnswer> = {}): ApacheAnswer => ({ status, type: 'text/html; charset=UTF-8', body, ...more })
/** Sends the client elsewhere. */
export const redirect = (location: string, status = 302, more: Partial<ApacheAnswer> = {}): ApacheAnswer => ({ status, type: 'text/html; charset=UTF-8', body: '', headers: { location }, ...more })
