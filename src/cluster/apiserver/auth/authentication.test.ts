import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { httpRequest } from '../../../base/http.ts'
import { impersonated } from '../authentication.ts'
import { createClusterPki } from '../pki/cluster-pki.ts'
import { parseJwt } from '../tokens/jwt.ts'
import { legacyServiceAccountToken } from '../tokens/service-account-tokens.ts'
import { type TestApiServer, startTestApiServer } from './test-api-server.ts'

let lab: TestApiServer
beforeAll(async () => {
  lab = await startTestApiServer()
  for (const name of ['default', 'robot']) await lab.masters.create('serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace: 'default' } })
})
afterAll(() => lab.stop())

const whoAmI = (options: Parameters<TestApiServer['call']>[2]) => lab.call('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }, ...options })
const tokenOf = async (account: string, spec: object = {}) =>
  (await lab.masters.createSubresource('serviceaccounts', account, 'default', 'token', { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec }) as { status: { token: string } }).status.token

describe('client certificates', () => {
  test('name the user and the groups, and their own fingerprint', async () => {
    const { certificatePem } = await lab.pki.issueClientCertificate({ commonName: 'ada', organizations: ['devs', 'ops'] })
    const { body } = await whoAmI({ connection: { clientCertificatePem: certificatePem } })
    expect(body.status.userInfo).toMatchObject({ username: 'ada', groups: ['devs', 'ops', 'system:authenticated'] })
    expect(body.status.userInfo.extra['authentication.kubernetes.io/credential-id'][0]).toMatch(/^X509SHA256=[0-9a-f]{64}$/)
  })

  test('are refused from another CA, for servers, and when expired', async () => {
    const stranger = await createClusterPki({ nowMs: lab.clock.nowMs() })
    const certificates = await Promise.all([
      stranger.issueClientCertificate({ commonName: 'ada' }), lab.pki.issueServerCertificate(['ada'], { commonName: 'ada' }),
      lab.pki.issueClientCertificate({ commonName: 'ada', nowMs: lab.clock.nowMs() - 2 * 365 * 24 * 3_600_000 }),
    ])
    for (const { certificatePem } of certificates) expect((await whoAmI({ connection: { clientCertificatePem: certificatePem } })).code).toBe(401)
    expect((await whoAmI({ connection: { clientCertificatePem: 'no certificate' } })).code).toBe(401)
  })
})

test('a token ends at a space; one with a space too many before it is none, with a warning', async () => {
  const token = await tokenOf('robot')
  const answer = (authorization: string) => whoAmI({ headers: { authorization } })
  expect((await answer(`bearer ${token} x`)).body.status.userInfo.username).toBe('system:serviceaccount:default:robot')
  const spaced = await answer(`Bearer  ${token}`)
  expect([spaced.code, spaced.warnings]).toEqual([403, ['the provided Authorization header contains extra space before the bearer token, and is ignored']])
})

test('only what can be called an account is impersonated as one', () => {
  const groupsOf = (name: string) => impersonated({ authorize: () => ({ allowed: true }) }, { name: 'a', groups: [] }, httpRequest('https://k/', { headers: new Headers({ 'impersonate-user': name }) })).groups
  expect(groupsOf('system:serviceaccount:t:x')).toEqual(['system:serviceaccounts', 'system:serviceaccounts:t', 'system:authenticated'])
  expect(groupsOf('system:serviceaccount:T:x')).toEqual(['system:authenticated'])
})

test('reviews have no columns to be shown in', async () => {
  expect((await whoAmI({ token: await tokenOf('robot') })).code).toBe(201)
  expect((await whoAmI({ token: await tokenOf('robot'), headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } })).code).toBe(406)
})

describe('tokens of service accounts', () => {
  test('speak for their account', async () => {
    const token = await tokenOf('robot')
    const { body } = await whoAmI({ token })
    expect(body.status.userInfo).toMatchObject({ username: 'system:serviceaccount:default:robot', groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'] })
    expect(parseJwt(token)!.claims).toMatchObject({ iss: 'https://kubernetes.default.svc.cluster.local', sub: 'system:serviceaccount:default:robot', aud: ['https://kubernetes.default.svc.cluster.local'] })
  })

  test('can be verified by whoever reads the documents of their issuer, and nobody else may read those', async () => {
    const token = await tokenOf('robot', { audiences: ['vault'] })
    await lab.masters.create('clusterrolebindings.rbac.authorization.k8s.io', {
      apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', metadata: { name: 'verifiers' }, subjects: [{ kind: 'ServiceAccount', name: 'robot', namespace: 'default' }],
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:service-account-issuer-discovery' },
    })
    const reader = await tokenOf('robot')
    const { body: provider } = await lab.call('GET', '/.well-known/openid-configuration', { token: reader })
    const jwt = parseJwt(token)!
    expect(provider).toMatchObject({ issuer: jwt.claims.iss, jwks_uri: 'https://10.0.0.1:6443/openid/v1/jwks', id_token_signing_alg_values_supported: [jwt.header.alg] })
    const { body: { keys } } = await lab.call('GET', '/openid/v1/jwks', { token: reader })
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
    const key = await crypto.subtle.importKey('jwk', keys.find(({ kid }: { kid: string }) => kid === jwt.header.kid), algorithm, false, ['verify'])
    expect(await crypto.subtle.verify(algorithm, key, jwt.signature, new TextEncoder().encode(jwt.signingInput))).toBe(true)
    expect((await lab.call('GET', '/openid/v1/jwks')).code).toBe(403)
  })

  test('are refused when changed, meant for others or unknown', async () => {
    const token = await tokenOf('robot')
    const [head, , signature] = token.split('.')
    const forged = `${head}.${btoa(JSON.stringify({ ...parseJwt(token)!.claims, sub: 'system:serviceaccount:kube-system:admin' })).replaceAll('=', '')}.${signature}`
    for (const bad of [forged, await tokenOf('robot', { audiences: ['vault'] }), 'nonsense', 'a.b.c']) expect((await whoAmI({ token: bad })).code, bad).toBe(401)
    const review = async (of: string) => (await lab.masters.create('tokenreviews.authentication.k8s.io', { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', metadata: {}, spec: { token: of } }) as unknown as { status: { error?: string } }).status
    expect([(await review(forged)).error, (await review('a.b.c')).error]).toEqual(['[invalid bearer token, go-jose/go-jose: error in cryptographic primitive]', 'invalid bearer token'])
  })

  test('die with their time, their account and the Pod they are bound to', async () => {
    const start = lab.clock.nowMs()
    const short = await tokenOf('robot', { expirationSeconds: 600 })
    await lab.clock.advance(600_000 + 59_000)
    expect((await whoAmI({ token: short })).code).toBe(201)
    await lab.clock.advance(2_000)
    expect((await whoAmI({ token: short })).code).toBe(401)
    expect(lab.clock.nowMs() - start).toBe(661_000)

    await lab.masters.create('pods', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'default' }, spec: { serviceAccountName: 'robot', containers: [{ name: 'c', image: 'i' }] } })
    const bound = await tokenOf('robot', { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'p' } })
    expect((await whoAmI({ token: bound })).body.status.userInfo.extra['authentication.kubernetes.io/pod-name']).toEqual(['p'])
    await lab.masters.delete('pods', 'p', 'default', { gracePeriodSeconds: 0 })
    expect((await whoAmI({ token: bound })).code).toBe(401)

    const free = await tokenOf('robot')
    await lab.masters.delete('serviceaccounts', 'robot', 'default')
    expect((await whoAmI({ token: free })).code).toBe(401)
  })

  test('with the projected volume\'s lifetime and a Pod live a year, and say so to nobody', async () => {
    await lab.masters.create('pods', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'q', namespace: 'default' }, spec: { containers: [{ name: 'c', image: 'i' }] } })
    const answer = await lab.masters.createSubresource('serviceaccounts', 'default', 'default', 'token', { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 3607, boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'q' } } }) as { status: { token: string; expirationTimestamp: string } }
    const { exp, iat, 'kubernetes.io': kubernetes } = parseJwt(answer.status.token)!.claims as { exp: number; iat: number; 'kubernetes.io': { warnafter: number } }
    expect(exp - iat).toBe(365 * 24 * 3600)
    expect(kubernetes.warnafter - iat).toBe(3607)
    expect(Date.parse(answer.status.expirationTimestamp) / 1000 - iat).toBe(3607)
  })
})

test('bootstrap tokens speak for their groups until they expire', async () => {
  const text = (value: string) => btoa(value)
  await lab.masters.create('secrets', {
    apiVersion: 'v1', kind: 'Secret', metadata: { name: 'bootstrap-token-abcdef', namespace: 'kube-system' }, type: 'bootstrap.kubernetes.io/token',
    data: { 'token-id': text('abcdef'), 'token-secret': text('0123456789abcdef'), 'usage-bootstrap-authentication': text('true'), 'auth-extra-groups': text('system:bootstrappers:kubeadm:default-node-token'), expiration: text(new Date(lab.clock.nowMs() + 60_000).toISOString()) },
  })
  const { body } = await whoAmI({ token: 'abcdef.0123456789abcdef' })
  expect(body.status.userInfo).toMatchObject({ username: 'system:bootstrap:abcdef', groups: ['system:bootstrappers', 'system:bootstrappers:kubeadm:default-node-token', 'system:authenticated'] })
  expect((await whoAmI({ token: 'abcdef.0123456789abcdee' })).code).toBe(401)
  await lab.clock.advance(61_000)
  expect((await whoAmI({ token: 'abcdef.0123456789abcdef' })).code).toBe(401)
})

test('whoever shows nothing is anonymous and may look at health and version only', async () => {
  expect((await lab.call('GET', '/version')).code).toBe(200)
  expect((await lab.call('GET', '/api/v1/pods')).body.message).toBe('pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" at the cluster scope')
})

describe('tokens in Secrets', () => {
  const secretOf = (name: string) => lab.masters.get<{ metadata: { labels?: Record<string, string> } }>('secrets', name, 'default')
  let token: string
  beforeAll(async () => {
    const account = await lab.masters.create<any>('serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'old', namespace: 'default' } })
    token = await legacyServiceAccountToken(account, 'old-token', lab.pki.tokenKey)
    await lab.masters.create<any>('secrets', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'old-token', namespace: 'default', annotations: { 'kubernetes.io/service-account.name': 'old' } }, type: 'kubernetes.io/service-account-token', data: { token: btoa(token) } })
  })

  test('leave a note of the day on which they were used', async () => {
    const { body, warnings } = await whoAmI({ token })
    expect(body.status.userInfo.username).toBe('system:serviceaccount:default:old')
    expect(warnings).toEqual([])
    expect((await secretOf('old-token')).metadata.labels).toEqual({ 'kubernetes.io/legacy-token-last-used': '2026-01-01' })
  })

  test('are warned of when they were generated, and refused once they are marked', async () => {
    await lab.masters.patch('serviceaccounts', 'old', 'default', 'application/merge-patch+json', { secrets: [{ name: 'old-token' }] })
    expect((await whoAmI({ token })).warnings).toEqual(['Use tokens from the TokenRequest API or manually created secret-based tokens instead of auto-generated secret-based tokens.'])
    const { certificatePem } = await lab.pki.issueClientCertificate({ commonName: 'ada', organizations: ['system:masters'] })
    const review = () => lab.call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } }, connection: { clientCertificatePem: certificatePem } })
    expect((await review()).warnings).toHaveLength(1)
    await lab.masters.patch('secrets', 'old-token', 'default', 'application/merge-patch+json', { metadata: { labels: { 'kubernetes.io/legacy-token-invalid-since': '2026-01-01' } } })
    expect((await whoAmI({ token })).code).toBe(401)
    expect((await review()).body.status.error).toContain('the token in secret default/old-token for service account default/old has been marked invalid. Use tokens from the TokenRequest API')
  })
})
