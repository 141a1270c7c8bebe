import type { HttpRequest } from '../../base/http.ts'

/** Whether JSON is to be indented: because the client says so in its query, or because a person seems to read it; a media type may ask for it besides. k8s: endpoints/handlers/negotiation isPrettyPrint */
export function wantsPretty(query: URLSearchParams, request: HttpRequest): boolean {
  const asked = query.get('pretty')
  if (asked) return ['1', 't', 'T', 'true', 'TRUE', 'True'].includes(asked)
  return /^(curl|Wget|Mozilla\/5\.0)/.test(request.headers.get('user-agent') ?? '')
}
