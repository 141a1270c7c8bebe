import type { HttpRequest } from '../../../base/http.ts'

/** The fields of a request's form; nothing for other bodies. */
export async function readForm(request: HttpRequest): Promise<URLSearchParams> {
  if (request.method === 'GET' || request.method === 'HEAD') return new URLSearchParams()
  return new URLSearchParams((request.headers.get('content-type') ?? '').startsWith('application/x-www-form-urlencoded') ? await request.text() : '')
}

/** The cookies of a request. */
export function readCookies(request: HttpRequest): Map<string, string> {
  return new Map((request.headers.get('cookie') ?? '').split(/;\s*/).flatMap((pair): [string, string][] => { const at = pair.indexOf('='); return at < 1 ? [] : [[pair.slice(0, at), decoded(pair.slice(at + 1))]] }))
}

function decoded(text: string): string {
  try { return decodeURIComponent(text) } catch { return text }
}

/** The address that the client asked, as its Host header has it. */
export function addressOf(request: HttpRequest): URL {
  const url = new URL(request.url)
  const host = request.headers.get('host')
  return host === null ? url : new URL(`${url.protocol}//${host}${url.pathname}${url.search}`)
}
