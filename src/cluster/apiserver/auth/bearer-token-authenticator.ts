import type { Clock } from '../../../base/clock.ts'
import type { HttpRequest } from '../../../base/http.ts'
import { apiError } from '../../kinds/status-error.ts'
import type { Authenticator, Reader, UserInfo } from '../seams.ts'
import { type ServiceAccountTokens, TokenRefused } from '../tokens/service-account-tokens.ts'
import { bootstrapTokenUser } from '../tokens/bootstrap-tokens.ts'

/** The bearer token of a request, from its header or (WebSockets of browsers) its subprotocol. k8s: request/bearertoken, request/websocket */
function bearerTokenOf(request: HttpRequest, warnings?: string[]): string | undefined {
  const parts = (request.headers.get('authorization') ?? '').trim().split(' ')
  if (parts.length > 1 && parts[0]!.toLowerCase() === 'bearer') {
    if (parts[1]) return parts[1]
    warnings?.push('the provided Authorization header contains extra space before the bearer token, and is ignored')
  }
  for (const protocol of request.headers.get('sec-websocket-protocol')?.split(',') ?? []) {
    const encoded = /^base64url\.bearer\.authorization\.k8s\.io\.(.+)$/.exec(protocol.trim())?.[1]
    if (!encoded) continue
    try {
      return atob(encoded.replaceAll('-', '+').replaceAll('_', '/'))
    } catch {
      return undefined
    }
  }
  return undefined
}

const NOBODY: ReadonlyMap<string, UserInfo> = new Map()

/** Tokens of a file, of service accounts and bootstrap tokens. A token that nobody knows is refused, never taken for no token. */
export function bearerTokenAuthenticator(tokens: ServiceAccountTokens, reader: Reader, clock: Clock, fromFile: () => ReadonlyMap<string, UserInfo> = () => NOBODY): Authenticator {
  return {
    async authenticate(request, _connection, notes): Promise<UserInfo | undefined> {
      const token = bearerTokenOf(request, notes?.warnings)
      if (token === undefined) return undefined
      const named = fromFile().get(token)
      if (named) return named
      const bootstrap = bootstrapTokenUser(reader, token, clock.nowMs())
      if (bootstrap) return bootstrap
      try {
        const accepted = await tokens.authenticate(token)
        if (accepted) {
          if (accepted.warning) notes?.warnings.push(accepted.warning)
          if (notes) Object.assign(notes.annotations, accepted.annotations)
          return accepted.user
        }
      } catch (error) {
        if (!(error instanceof TokenRefused)) throw error
      }
      throw apiError.unauthorized()
    },
  }
}
