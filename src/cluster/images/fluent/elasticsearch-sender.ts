import { httpRequest } from '../../../base/http.ts'
import { errorText } from '../../../unix/errno.ts'
import { UnixError } from '../../../unix/types.ts'
import type { Proc } from '../../../unix/types.ts'

/** Where documents go. */
export interface ElasticTarget {
  host: string
  port: number
  scheme: string
  user?: string | undefined
  password?: string | undefined
}

/** Documents for an index, in one bulk request. @throws Error with what went wrong; it can be tried again */
export async function sendBulk(proc: Proc, { host, port, scheme, user, password }: ElasticTarget, documents: readonly { index: string; record: Record<string, unknown> }[]): Promise<void> {
  const body = documents.map(({ index, record }) => `${JSON.stringify({ index: { _index: index } })}\n${JSON.stringify(record)}\n`).join('')
  let response: Response
  try {
    response = await proc.net.fetch(httpRequest(`${scheme}://${host}:${port}/_bulk`, { method: 'POST', body, headers: { 'content-type': 'application/x-ndjson', ...(user === undefined ? {} : { authorization: `Basic ${btoa(`${user}:${password ?? ''}`)}` }) } }), { connectTimeoutMs: 5_000 })
  } catch (error) {
    if (error instanceof UnixError) throw new Error(`${errorText(error)} - connect(2) for ${host}:${port}`)
    throw error
  }
  if (response.status >= 300) throw new Error(`[${response.status}] ${await response.text()}`)
  await response.text()
}

/** `logstash-2026.06.01`. */
export function datedIndex(prefix: string, timeMs: number, separator = '-'): string {
  return `${prefix}${separator}${new Date(Math.floor(timeMs)).toISOString().slice(0, 10).replaceAll('-', '.')}`
}
