/** tokenreviews, selfsubjectreviews and serviceaccounts/token. k8s: pkg/registry/authentication, pkg/registry/core/serviceaccount/storage/token.go */
import { rfc3339 } from '../../../base/clock.ts'
import { type Finding, invalid } from '../../kinds/findings.ts'
import type { KubeObject } from '../../kinds/object.ts'
import { apiError } from '../../kinds/status-error.ts'
import type { Reader, UserInfo, VirtualRequest, VirtualResource } from '../seams.ts'
import { bootstrapTokenUser } from './bootstrap-tokens.ts'
import { type AcceptedToken, ISSUER, type ServiceAccountTokens, TokenRefused } from './service-account-tokens.ts'

const GROUP = 'authentication.k8s.io'
const DEFAULT_EXPIRATION_SECONDS = 3600
const MIN_EXPIRATION_SECONDS = 600
/** The projected volume's default. Tokens asked for with just this lifetime live longer in fact, so that old clients survive. */
const WARN_ONLY_EXPIRATION_SECONDS = 3607
const EXTENDED_EXPIRATION_SECONDS = 365 * 24 * 3600

export function tokenResources(tokens: ServiceAccountTokens): VirtualResource[] {
  return [
    { resource: `selfsubjectreviews.${GROUP}`, create: reviewSelf },
    { resource: `tokenreviews.${GROUP}`, create: (body, request) => reviewToken(tokens, body, request) },
    { resource: 'serviceaccounts/token', defaults: (body) => { body['spec'] = { ...body['spec'], expirationSeconds: body['spec']?.expirationSeconds ?? DEFAULT_EXPIRATION_SECONDS } }, create: (body, request) => requestToken(tokens, body, request) },
  ]
}

async function reviewSelf(body: KubeObject, { user, context, admit }: VirtualRequest): Promise<KubeObject> {
  await admit(body)
  return { apiVersion: body.apiVersion, kind: body.kind, metadata: { creationTimestamp: rfc3339(context.nowMs()) }, status: { userInfo: userInfoOf(user) } }
}

function userInfoOf(user: UserInfo): Record<string, unknown> {
  return { username: user.name, ...(user.uid ? { uid: user.uid } : {}), groups: user.groups, ...(user.extra && Object.keys(user.extra).length > 0 ? { extra: user.extra } : {}) }
}

async function reviewToken(tokens: ServiceAccountTokens, body: KubeObject, { context, warn, admit }: VirtualRequest): Promise<KubeObject> {
  const { token = '', audiences } = (body.spec ?? {}) as { token?: string; audiences?: string[] }
  if (token === '') throw apiError.badRequest('token is required for TokenReview in authentication')
  if (body.metadata?.namespace) throw apiError.badRequest(`namespace is not allowed on this type: ${body.metadata.namespace}`)
  await admit(body)
  const given = (body.status ?? {}) as Record<string, unknown>
  const wanted = audiences?.length ? audiences : [ISSUER]
  const accepts = (user: UserInfo, audiences: readonly string[]) => {
    const { error: _, ...rest } = given
    return { ...body, status: { ...rest, authenticated: true, user: userInfoOf(user), audiences } }
  }
  // The token is read back from the header of a request made of it: what begins with a space is none, and such a request is anybody's.
  const sent = `Bearer ${token}`.trim().split(' ', 2)[1]
  if (!sent) return accepts({ name: 'system:anonymous', groups: ['system:unauthenticated'] }, wanted)
  const errors = ['invalid bearer token']
  try {
    const bootstrap = wanted.includes(ISSUER) ? bootstrapTokenUser(context.reader, sent, context.nowMs()) : undefined
    const accepted: AcceptedToken | undefined = bootstrap ? { user: bootstrap, audiences: [ISSUER] } : await tokens.authenticate(sent, wanted)
    if (accepted) {
      if (accepted.warning) warn(accepted.warning)
      return accepts(accepted.user, accepted.audiences)
    }
  } catch (error) {
    if (!(error instanceof TokenRefused)) throw error
    errors.push(error.message)
  }
  const { authenticated: _, ...rest } = given
  return { ...body, status: { user: {}, ...rest, error: errors.length === 1 ? errors[0] : `[${errors.join(', ')}]` } }
}

interface TokenRequestSpec {
  audiences?: string[]
  expirationSeconds?: number
  boundObjectRef?: { kind?: string; apiVersion?: string; name?: string; uid?: string } | null
}

async function requestToken(tokens: ServiceAccountTokens, body: KubeObject, request: VirtualRequest): Promise<KubeObject> {
  const { namespace, name, context } = request
  const { reader } = context
  const kind = { group: GROUP, kind: 'TokenRequest' }
  const meta = body.metadata ?? {}
  if (meta.name && meta.name !== name) throw apiError.invalid(kind, name, [invalid('metadata.name', meta.name, 'must match the service account name if specified')])
  if (meta.namespace && meta.namespace !== namespace) throw apiError.badRequest('the namespace of the provided object does not match the namespace sent on the request')
  const account = reader.get('serviceaccounts', namespace, name)
  if (!account) throw apiError.notFound({ group: '', resource: 'serviceaccounts' }, name)
  if (meta.uid && meta.uid !== account.metadata.uid)
    throw apiError.conflict({ group: GROUP, resource: 'TokenRequest' }, name, `the UID in the token request (${meta.uid}) does not match the UID of the service account (${account.metadata.uid})`)
  const spec = (body.spec ?? {}) as TokenRequestSpec
  const audiences = spec.audiences?.length ? spec.audiences : [ISSUER]
  const expirationSeconds = spec.expirationSeconds ?? DEFAULT_EXPIRATION_SECONDS
  const findings = expirationFindings(expirationSeconds)
  if (findings.length > 0) throw apiError.invalid(kind, '', findings)
  const nowMs = context.nowMs()
  const completed = {
    ...body, metadata: { ...meta, name, namespace, uid: account.metadata.uid!, creationTimestamp: rfc3339(nowMs) },
    spec: { ...spec, audiences, expirationSeconds, boundObjectRef: spec.boundObjectRef ?? null },
  }
  await request.admit({ ...completed, status: { token: '', expirationTimestamp: null } } as KubeObject)
  const bound = boundObjects(reader, namespace, name, spec)
  const extended = bound.pod !== undefined && expirationSeconds === WARN_ONLY_EXPIRATION_SECONDS && audiences.every((audience) => audience === ISSUER)
  const token = await tokens.issue({ namespace, serviceAccount: account, ...bound }, audiences, extended ? EXTENDED_EXPIRATION_SECONDS : expirationSeconds, extended ? expirationSeconds : undefined)
  return {
    ...completed,
    status: { token, expirationTimestamp: rfc3339(nowMs + expirationSeconds * 1000) },
  }
}

function expirationFindings(seconds: number): Finding[] {
  const path = 'spec.expirationSeconds'
  if (seconds < MIN_EXPIRATION_SECONDS) return [invalid(path, seconds, 'may not specify a duration less than 10 minutes')]
  return seconds > 2 ** 32 ? [invalid(path, seconds, 'may not specify a duration larger than 2^32 seconds')] : []
}

/** The object that a token is to die with. */
function boundObjects(reader: Reader, namespace: string, account: string, spec: TokenRequestSpec): { pod?: KubeObject; node?: KubeObject; secret?: KubeObject } {
  const ref = spec.boundObjectRef
  if (!ref) return {}
  const { kind = '', apiVersion = '', name = '', uid } = ref
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/', 2) as [string, string] : ['', apiVersion]
  const find = (resource: string, scope: string | undefined) => {
    const object = reader.get(resource, scope, name)
    if (!object) throw apiError.notFound({ group: '', resource }, name)
    return object
  }
  let out: { pod?: KubeObject; node?: KubeObject; secret?: KubeObject }
  let object: KubeObject
  if (group === '' && kind === 'Pod') {
    object = find('pods', namespace)
    if (object.spec.serviceAccountName !== account) throw apiError.badRequest(`cannot bind token for serviceaccount ${JSON.stringify(account)} to pod running with different serviceaccount name.`)
    const nodeName = object.spec.nodeName as string | undefined
    const node = nodeName ? reader.get('nodes', undefined, nodeName) ?? { apiVersion: 'v1', kind: 'Node', metadata: { name: nodeName } } : undefined
    out = { pod: object, ...(node ? { node } : {}) }
  } else if (group === '' && kind === 'Node') out = { node: object = find('nodes', undefined) }
  else if (group === '' && kind === 'Secret') out = { secret: object = find('secrets', namespace) }
  else throw apiError.badRequest(`cannot bind token to object of type ${group}/${version}, Kind=${kind}`)
  if (uid && uid !== object.metadata.uid)
    throw apiError.conflict({ group, resource: kind }, name, `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`)
  return out
}
