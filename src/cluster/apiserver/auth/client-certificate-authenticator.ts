import type { Clock } from '../../../base/clock.ts'
import { apiError } from '../../kinds/status-error.ts'
import type { ClusterPki } from '../pki/cluster-pki.ts'
import { hexOf } from '../pki/pem.ts'
import { ExtendedKeyUsage, ExtendedKeyUsageExtension, X509Certificate } from '../pki/x509.ts'
import type { Authenticator, UserInfo } from '../seams.ts'

interface Known {
  user: UserInfo
  notBeforeMs: number
  notAfterMs: number
}

/** Certificates that are remembered. */
const CACHE_SIZE = 1024

/** The common name is the user, the organizations are the groups. k8s: apiserver/pkg/authentication/request/x509 */
export function clientCertificateAuthenticator(pki: ClusterPki, clock: Clock): Authenticator {
  const cache = new Map<string, Known | null>()
  return {
    async authenticate(_request, { clientCertificatePem }): Promise<UserInfo | undefined> {
      if (!clientCertificatePem) return undefined
      let known = cache.get(clientCertificatePem)
      if (known === undefined) {
        known = await clock.outside(read(pki, clientCertificatePem)) ?? null
        if (cache.size >= CACHE_SIZE) cache.delete(cache.keys().next().value!)
        cache.set(clientCertificatePem, known)
      }
      const nowMs = clock.nowMs()
      if (!known || nowMs < known.notBeforeMs || nowMs > known.notAfterMs) throw apiError.unauthorized()
      return known.user
    },
  }
}

/** Undefined for certificates that the cluster's CA didn't sign, or not for clients. */
async function read(pki: ClusterPki, pem: string): Promise<Known | undefined> {
  try {
    const certificate = new X509Certificate(pem)
    if (!(await certificate.verify({ publicKey: await pki.ca.certificate.publicKey.export(), signatureOnly: true }))) return undefined
    const usages = certificate.getExtension(ExtendedKeyUsageExtension)?.usages
    if (usages && !usages.includes(ExtendedKeyUsage.clientAuth)) return undefined
    const name = certificate.subjectName.getField('CN')[0] ?? ''
    if (name === '') return undefined
    const digest = hexOf(new Uint8Array(await crypto.subtle.digest('SHA-256', certificate.rawData)))
    return {
      user: { name, groups: [...certificate.subjectName.getField('O'), 'system:authenticated'], extra: { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${digest}`] } },
      notBeforeMs: certificate.notBefore.getTime(), notAfterMs: certificate.notAfter.getTime(),
    }
  } catch {
    return undefined
  }
}
