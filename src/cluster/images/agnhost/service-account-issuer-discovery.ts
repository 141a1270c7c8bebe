import { bytesOfBase64Url } from '../../../base/base64.ts'
import { httpRequest } from '../../../base/http.ts'
import { errorText } from '../../../unix/errno.ts'
import type { Proc } from '../../../unix/types.ts'
import { goFlags, agnhostLog } from './go-server.ts'

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

interface Claims {
  iss: string
  sub: string
  aud: readonly string[] | string
  exp: number
}

/** A JSON Web Token of which nothing is believed yet. */
interface Token {
  header: { alg: string; kid?: string }
  claims: Claims
  signed: string
  signature: Uint8Array<ArrayBuffer>
}

/** Why a token or its issuer is not believed. */
class Unverified extends Error {}

/**
 * Verifies a mounted token as a third party would: by the issuer's OpenID Connect discovery documents, first with the pod's own credentials,
 * then without. k8s: test/images/agnhost/openidmetadata
 */
export async function serviceAccountIssuerDiscovery(proc: Proc, args: readonly string[]): Promise<number> {
  const { flags } = goFlags(args)
  const audience = flags.get('audience') ?? ''
  const path = flags.get('token-path') ?? ''
  let raw: string
  let inCluster: Fetch
  try {
    raw = proc.fs.readText(path)
    agnhostLog(proc, 'OK: Got token')
    agnhostLog(proc, 'validating with in-cluster discovery')
    inCluster = fetchWith(proc, { bearer: proc.fs.readText(`${ACCOUNT}/token`), caPem: proc.fs.readText(`${ACCOUNT}/ca.crt`) })
  } catch (error) {
    agnhostLog(proc, `open ${path}: ${errorText(error).toLowerCase()}`)
    return 1
  }
  try {
    await validate(proc, inCluster, raw, audience)
    return 0
  } catch (error) {
    agnhostLog(proc, `failed to validate with in-cluster discovery: ${errorText(error)}`)
  }
  agnhostLog(proc, 'falling back to validating with external discovery')
  try {
    await validate(proc, fetchWith(proc, {}), raw, audience)
    return 0
  } catch (error) {
    agnhostLog(proc, errorText(error))
    return 1
  }
}

type Fetch = (url: string) => Promise<Record<string, unknown>>

function fetchWith(proc: Proc, { bearer, caPem }: { bearer?: string; caPem?: string }): Fetch {
  return async (url) => {
    const headers: Record<string, string> = bearer ? { authorization: `Bearer ${bearer}` } : {}
    const response = await proc.net.fetch(httpRequest(url, { headers }), caPem ? { caPem } : {})
    const body = await response.text()
    if (response.status !== 200) throw new Unverified(`${response.status}: ${body}`)
    return JSON.parse(body) as Record<string, unknown>
  }
}

async function validate(proc: Proc, fetch: Fetch, raw: string, audience: string): Promise<void> {
  const token = parse(raw)
  agnhostLog(proc, `OK: got issuer ${token.claims.iss}`)
  agnhostLog(proc, `Full, not-validated claims: \n${JSON.stringify(token.claims)}`)
  const provider = await fetch(`${token.claims.iss}/.well-known/openid-configuration`)
  if (provider.issuer !== token.claims.iss) throw new Unverified(`oidc: issuer did not match the issuer returned by provider, expected "${token.claims.iss}" got "${String(provider.issuer)}"`)
  agnhostLog(proc, `OK: Constructed OIDC provider for issuer ${token.claims.iss}`)
  const audiences = typeof token.claims.aud === 'string' ? [token.claims.aud] : token.claims.aud
  if (!audiences.includes(audience)) throw new Unverified(`oidc: expected audience "${audience}" got ${JSON.stringify(audiences)}`)
  if (token.claims.exp * 1000 < proc.clock.nowMs()) throw new Unverified('oidc: token is expired')
  const { keys } = await fetch(String(provider.jwks_uri)) as { keys: (JsonWebKey & { kid?: string })[] }
  const candidates = keys.filter((key) => token.header.kid === undefined || key.kid === token.header.kid)
  const verified = await Promise.all(candidates.map((key) => proc.clock.outside(isSignedBy(token, key))))
  if (!verified.includes(true)) throw new Unverified('failed to verify signature: failed to verify id token signature')
  agnhostLog(proc, 'OK: Validated signature on JWT')
  agnhostLog(proc, 'OK: Got valid claims from token!')
  agnhostLog(proc, `Full, validated claims: \n${JSON.stringify(token.claims)}`)
}

function parse(raw: string): Token {
  const [header, claims, signature] = raw.trim().split('.')
  if (!header || !claims || !signature) throw new Unverified('square/go-jose: compact JWS format must have three parts')
  const json = (text: string) => JSON.parse(new TextDecoder().decode(bytesOfBase64Url(text))) as never
  return { header: json(header), claims: json(claims), signed: `${header}.${claims}`, signature: bytesOfBase64Url(signature) }
}

/** RS256 and ES256, the algorithms that the check accepts. */
async function isSignedBy(token: Token, key: JsonWebKey): Promise<boolean> {
  const algorithm = { RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, ES256: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } }[token.header.alg]
  if (!algorithm) throw new Unverified(`oidc: id token signed with unsupported algorithm, expected ["RS256" "ES256"] got "${token.header.alg}"`)
  const publicKey = await crypto.subtle.importKey('jwk', { kty: key.kty!, ...(key.crv ? { crv: key.crv, x: key.x!, y: key.y! } : { n: key.n!, e: key.e! }) }, algorithm, false, ['verify'])
  return crypto.subtle.verify(algorithm, publicKey, token.signature, new TextEncoder().encode(token.signed))
}
