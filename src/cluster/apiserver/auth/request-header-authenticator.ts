import type { Clock } from '../../../base/clock.ts'
import type { Authenticator, UserInfo } from '../seams.ts'
import { CertificateTrust } from '../../../base/certificate-trust.ts'

export interface RequestHeaderOptions {
  /** Authority of the proxies that are believed. */
  caCertificatePem: string
  /** Common names of proxies; none: any that the authority signed. */
  allowedNames: readonly string[]
}

/** Believes a proxy that proved itself by its certificate who asks: `X-Remote-User`, `-Group`, `-Uid`, `-Extra-*`. k8s: apiserver/pkg/authentication/request/headerrequest */
export function requestHeaderAuthenticator({ caCertificatePem, allowedNames }: RequestHeaderOptions, clock: Clock): Authenticator {
  const trust = new CertificateTrust(caCertificatePem, clock)
  return {
    async authenticate({ headers }, { clientCertificatePem }): Promise<UserInfo | undefined> {
      const name = headers.get('x-remote-user')
      if (!clientCertificatePem || !name) return undefined
      const proxy = await trust.identify(clientCertificatePem)
      if (!proxy || (allowedNames.length > 0 && !allowedNames.includes(proxy.commonName))) return undefined
      const list = (value: string | null) => (value === null ? [] : value.split(',').map((part) => part.trim()).filter(Boolean))
      const extra: Record<string, string[]> = {}
      headers.forEach((value, key) => {
        if (key.startsWith('x-remote-extra-')) extra[decoded(key.slice('x-remote-extra-'.length))] = list(value)
      })
      const uid = headers.get('x-remote-uid')
      return { name, groups: list(headers.get('x-remote-group')), ...(uid ? { uid } : {}), ...(Object.keys(extra).length > 0 ? { extra } : {}) }
    },
  }
}

function decoded(key: string): string {
  try {
    return decodeURIComponent(key)
  } catch {
    return key
  }
}
