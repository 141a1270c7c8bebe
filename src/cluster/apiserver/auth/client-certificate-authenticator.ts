import type { Clock } from '../../../base/clock.ts'
import { apiError } from '../../kinds/status-error.ts'
import type { Authenticator, UserInfo } from '../seams.ts'
import { CertificateTrust } from '../../../base/certificate-trust.ts'

/** The common name is the user, the organizations are the groups. k8s: apiserver/pkg/authentication/request/x509 */
export function clientCertificateAuthenticator({ caCertificatePem }: { caCertificatePem: string }, clock: Clock): Authenticator {
  const trust = new CertificateTrust(caCertificatePem, clock)
  const users = new WeakMap<object, UserInfo>()
  return {
    async authenticate(_request, { clientCertificatePem }): Promise<UserInfo | undefined> {
      if (!clientCertificatePem) return undefined
      const identity = await trust.identify(clientCertificatePem)
      if (!identity?.commonName) throw apiError.unauthorized()
      let user = users.get(identity)
      if (!user) users.set(identity, user = { name: identity.commonName, groups: [...identity.organizations, 'system:authenticated'], extra: { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${identity.digest}`] } })
      return user
    },
  }
}
