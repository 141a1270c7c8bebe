import type { Clock } from './clock.ts'
import { hexOf } from './pem.ts'
import { ExtendedKeyUsage, ExtendedKeyUsageExtension, X509Certificate } from './x509.ts'

/** What a client's certificate says, once its authority vouched for it. */
export interface ClientIdentity {
  commonName: string
  organizations: readonly string[]
  /** SHA-256 of the certificate, hexadecimal. */
  digest: string
}

interface Known extends ClientIdentity {
  notBeforeMs: number
  notAfterMs: number
}

/** Certificates that are remembered. */
const CACHE_SIZE = 1024

/** Tells clients' certificates of certain authorities from others. */
export class CertificateTrust {
  readonly #authorityPem: string
  readonly #clock: Clock
  readonly #cache = new Map<string, Known | null>()

  constructor(authorityPem: string, clock: Clock) {
    this.#authorityPem = authorityPem
    this.#clock = clock
  }

  /** Undefined for certificates of other authorities, not for clients, or out of date. */
  async identify(pem: string): Promise<ClientIdentity | undefined> {
    let known = this.#cache.get(pem)
    if (known === undefined) {
      known = await this.#clock.outside(read(this.#authorityPem, pem)) ?? null
      if (this.#cache.size >= CACHE_SIZE) this.#cache.delete(this.#cache.keys().next().value!)
      this.#cache.set(pem, known)
    }
    const nowMs = this.#clock.nowMs()
    return known && nowMs >= known.notBeforeMs && nowMs <= known.notAfterMs ? known : undefined
  }
}

async function read(authorityPem: string, pem: string): Promise<Known | undefined> {
  try {
    const certificate = new X509Certificate(pem)
    let isTrusted = false
    for (const [block] of authorityPem.matchAll(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)) {
      const publicKey = await new X509Certificate(block).publicKey.export()
      if (isTrusted ||= await certificate.verify({ publicKey, signatureOnly: true })) break
    }
    if (!isTrusted) return undefined
    const usages = certificate.getExtension(ExtendedKeyUsageExtension)?.usages
    if (usages && !usages.includes(ExtendedKeyUsage.clientAuth)) return undefined
    return {
      commonName: certificate.subjectName.getField('CN')[0] ?? '', organizations: certificate.subjectName.getField('O'),
      digest: hexOf(new Uint8Array(await crypto.subtle.digest('SHA-256', certificate.rawData))),
      notBeforeMs: certificate.notBefore.getTime(), notAfterMs: certificate.notAfter.getTime(),
    }
  } catch {
    return undefined
  }
}
