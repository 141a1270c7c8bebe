import type { HttpRequest } from '../../base/http.ts'
import { dnsLabelProblems, dnsSubdomainProblems } from '../kinds/names.ts'
import { apiError } from '../kinds/status-error.ts'
import { checkAccess } from './access.ts'
import type { AuthenticationNotes, Authenticator, Authorizer, ConnectionInfo, UserInfo } from './seams.ts'

const AUTHENTICATED = 'system:authenticated'
const UNAUTHENTICATED = 'system:unauthenticated'
const ANONYMOUS: UserInfo = { name: 'system:anonymous', groups: [UNAUTHENTICATED] }
const SERVICE_ACCOUNT_PREFIX = 'system:serviceaccount:'

/** Who asks: the first authenticator that knows, else the anonymous user. @throws StatusError 401 for bad credentials. */
export async function authenticate(authenticators: readonly Authenticator[], request: HttpRequest, connection: ConnectionInfo, notes?: AuthenticationNotes): Promise<UserInfo> {
  for (const authenticator of authenticators) {
    const user = await authenticator.authenticate(request, connection, notes)
    if (user) return withGroup(user)
  }
  return ANONYMOUS
}

/** k8s: authentication/group AuthenticatedGroupAdder */
function withGroup(user: UserInfo): UserInfo {
  return user.groups.includes(AUTHENTICATED) || user.groups.includes(UNAUTHENTICATED) ? user : { ...user, groups: [...user.groups, AUTHENTICATED] }
}

/**
 * The user that `Impersonate-*` headers name, if the asking one may act as them. k8s: endpoints/filters WithImpersonation
 * @throws StatusError 403; 500 for headers without a user, as upstream.
 */
export function impersonated(authorizer: Authorizer, user: UserInfo, request: HttpRequest): UserInfo {
  const { headers } = request
  const name = headers.get('impersonate-user') ?? ''
  const groups = listOf(headers.get('impersonate-group'))
  const uid = headers.get('impersonate-uid') ?? ''
  const extra: Record<string, string[]> = {}
  headers.forEach((value, key) => {
    if (key.startsWith('impersonate-extra-')) extra[decodeKey(key.slice('impersonate-extra-'.length))] = listOf(value)
  })
  if (!name) {
    if (groups.length > 0 || uid || Object.keys(extra).length > 0) throw apiError.badRequest(`requested ${goUser(uid, groups, extra)} without impersonating a user name`)
    return user
  }
  const check = (resource: string, target: string, group = '', namespace = '', subresource = '') => checkAccess(authorizer, {
    user, verb: 'impersonate', resourceRequest: true, group, version: group ? 'v1' : '', resource, subresource, namespace, name: target, path: '',
  })
  const account = serviceAccountOf(name)
  if (account) check('serviceaccounts', account.name, '', account.namespace)
  else check('users', name)
  for (const group of groups) check('groups', group)
  for (const [key, values] of Object.entries(extra)) for (const value of values) check('userextras', value, 'authentication.k8s.io', '', key)
  if (uid) check('uids', uid, 'authentication.k8s.io')

  const all = [...groups]
  if (account && groups.length === 0) all.push('system:serviceaccounts', `system:serviceaccounts:${account.namespace}`)
  if (name === ANONYMOUS.name) {
    if (!all.includes(UNAUTHENTICATED)) all.push(UNAUTHENTICATED)
  } else if (!all.includes(AUTHENTICATED) && !all.includes(UNAUTHENTICATED)) all.push(AUTHENTICATED)
  return { name, groups: all, ...(uid ? { uid } : {}), ...(Object.keys(extra).length > 0 ? { extra } : {}) }
}

/** As Go prints a user without a name. */
function goUser(uid: string, groups: readonly string[], extra: Readonly<Record<string, readonly string[]>>): string {
  const texts = (values: readonly string[]) => `[]string{${values.map((value) => JSON.stringify(value)).join(', ')}}`
  const entries = Object.keys(extra).sort().map((key) => `${JSON.stringify(key)}:${texts(extra[key]!)}`)
  return `&user.DefaultInfo{Name:"", UID:${JSON.stringify(uid)}, Groups:${groups.length > 0 ? texts(groups) : '[]string(nil)'}, Extra:map[string][]string${entries.length > 0 ? `{${entries.join(', ')}}` : '(nil)'}}`
}

/** k8s: apiserver/pkg/authentication/serviceaccount SplitUsername */
function serviceAccountOf(name: string): { namespace: string; name: string } | undefined {
  if (!name.startsWith(SERVICE_ACCOUNT_PREFIX)) return undefined
  const parts = name.slice(SERVICE_ACCOUNT_PREFIX.length).split(':')
  const [namespace = '', account = ''] = parts
  return parts.length === 2 && dnsLabelProblems(namespace).length === 0 && dnsSubdomainProblems(account).length === 0 ? { namespace, name: account } : undefined
}

/** Several headers of one name arrive joined by commas. */
function listOf(value: string | null): string[] {
  return value === null ? [] : value.split(',').map((part) => part.trim()).filter(Boolean)
}

function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key)
  } catch {
    return key
  }
}
