import type { Reader, UserInfo } from '../seams.ts'

/** Who a bootstrap token (`abcdef.0123456789abcdef`) speaks for. k8s: plugin/pkg/auth/authenticator/token/bootstrap */
export function bootstrapTokenUser(reader: Reader, token: string, nowMs: number): UserInfo | undefined {
  const match = /^([a-z0-9]{6})\.([a-z0-9]{16})$/.exec(token)
  if (!match) return undefined
  const secret = reader.get('secrets', 'kube-system', `bootstrap-token-${match[1]}`)
  if (!secret || secret.metadata.deletionTimestamp || secret.type !== 'bootstrap.kubernetes.io/token') return undefined
  const data = (secret.data ?? {}) as Record<string, string>
  const text = (key: string) => atob(data[key] ?? '')
  if (text('token-id') !== match[1] || text('token-secret') !== match[2] || text('usage-bootstrap-authentication') !== 'true') return undefined
  const expiration = text('expiration')
  if (expiration && !(Date.parse(expiration) > nowMs)) return undefined
  const groups = text('auth-extra-groups').split(',').filter((group) => /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/.test(group))
  return { name: `system:bootstrap:${match[1]}`, groups: ['system:bootstrappers', ...groups, 'system:authenticated'] }
}
