import type { Clock } from '../../../base/clock.ts'
import type { TokenKey } from '../pki/cluster-pki.ts'
import { ISSUER } from './service-account-tokens.ts'

/** How long clients may keep the documents, in seconds. k8s: controlplane/apiserver/options OpenIDMetadata maxAge */
const MAX_AGE_SECONDS = 3600

/**
 * The documents by which others verify this cluster's service account tokens: OpenID Connect discovery and the public keys.
 * Answers undefined for other paths. k8s: pkg/routes/openidmetadata.go, pkg/serviceaccount/openidmetadata.go
 * @param serverUrl where the API server is reached from outside, without a slash at the end
 */
export function issuerDiscovery(key: TokenKey, serverUrl: string, clock: Clock): (path: string) => Promise<Response | undefined> {
  const document = (body: unknown, contentType: string) => new Response(JSON.stringify(body), { headers: { 'content-type': contentType, 'cache-control': `public, max-age=${MAX_AGE_SECONDS}` } })
  return async (path) => {
    switch (path) {
      case '/.well-known/openid-configuration':
        return document({
          issuer: ISSUER, jwks_uri: `${serverUrl}/openid/v1/jwks`, response_types_supported: ['id_token'], subject_types_supported: ['public'], id_token_signing_alg_values_supported: ['ES256'],
        }, 'application/json')
      case '/openid/v1/jwks': {
        const { kty, crv, x, y } = await clock.outside(crypto.subtle.exportKey('jwk', key.publicKey))
        return document({ keys: [{ use: 'sig', kty, kid: key.keyId, crv, alg: 'ES256', x, y }] }, 'application/jwk-set+json')
      }
      default: return undefined
    }
  }
}
