import { StatusError } from '../../kinds/status-error.ts'
import type { Status } from '../../kinds/status-error.ts'
import type { ClusterClient } from './cluster-client.ts'

/** One request for an object, with the pod's service account. Rejects with StatusError, or with UnixError where the server can't be reached. */
export async function apiCall<T>(client: ClusterClient, method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<T> {
  const contentType = method === 'PATCH' ? 'application/strategic-merge-patch+json' : 'application/json'
  const response = await client.fetch(path, { method, ...(body === undefined ? {} : { headers: { 'content-type': contentType }, body: JSON.stringify(body) }) })
  const answer = await response.json() as unknown
  if (response.status >= 400) throw new StatusError(answer as Status)
  return answer as T
}
