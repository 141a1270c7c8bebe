import { X509Certificate, SubjectAlternativeNameExtension, BasicConstraintsExtension } from '../../base/x509.ts'
import { UnixError } from '../types.ts'
import { isAddress } from './addresses.ts'

/**
 * A client doesn't trust a server. `code` is OpenSSL's name as Node knows it, the message OpenSSL's text; `goMessage` says the same as
 * Go's crypto/x509 does, which looks at dates and names before it looks for an authority.
 */
export class CertificateError extends UnixError {
  readonly goMessage: string
  constructor(code: string, message: string, goMessage: string) {
    super(code, message)
    this.goMessage = goMessage
  }
}

export interface CertificateCheck {
  /** What the server shows: its certificate, and others up to its authority. */
  serverPem: string
  /** Authorities that the client trusts; without one it trusts nobody, as there is no public authority here. */
  caPem: string | undefined
  /** Name or address that the client asked for. */
  host: string
  /** Whether the common name counts where there are no alternative names. */
  acceptCommonName?: boolean
  nowMs: number
}

/** The outcome but for dates, which pass. */
interface Verdict {
  notBeforeMs: number
  notAfterMs: number
  chain?: { code: string; message: string; goMessage: string }
  name?: { message: string; goMessage: string }
}

const REMEMBERED = 256
const verdicts = new Map<string, Promise<Verdict | undefined>>()

/** Why a client refuses a server's certificate; undefined when it takes it. Uses WebCrypto: wrap in `clock.outside`. */
export async function certificateProblem({ serverPem, caPem, host, acceptCommonName = false, nowMs }: CertificateCheck): Promise<CertificateError | undefined> {
  const key = `${serverPem}\n${caPem ?? ''}\n${host}\n${acceptCommonName}`
  let judged = verdicts.get(key)
  if (!judged) {
    if (verdicts.size >= REMEMBERED) verdicts.delete(verdicts.keys().next().value!)
    verdicts.set(key, judged = judge(serverPem, caPem, host, acceptCommonName).catch(() => undefined))
  }
  const verdict = await judged
  if (!verdict) return new CertificateError('EPROTO', 'TLS connect error: error:0A000126:SSL routines::unexpected eof while reading', 'remote error: tls: internal error')
  const { notBeforeMs, notAfterMs, chain, name } = verdict
  const date = nowMs > notAfterMs ? { code: 'CERT_HAS_EXPIRED', message: 'certificate has expired', go: `is after ${goTime(notAfterMs)}` }
    : nowMs < notBeforeMs ? { code: 'CERT_NOT_YET_VALID', message: 'certificate is not yet valid', go: `is before ${goTime(notBeforeMs)}` } : undefined
  const reason = date ? `certificate has expired or is not yet valid: current time ${goTime(nowMs)} ${date.go}` : name?.goMessage ?? chain?.goMessage
  if (reason === undefined) return undefined
  const openSsl = chain ?? date ?? { code: 'ERR_TLS_CERT_ALTNAME_INVALID', message: name!.message }
  return new CertificateError(openSsl.code, openSsl.message, `tls: failed to verify certificate: x509: ${reason}`)
}

const goTime = (ms: number) => `${new Date(Math.floor(ms / 1000) * 1000).toISOString().slice(0, 19)}Z`

async function judge(serverPem: string, caPem: string | undefined, host: string, acceptCommonName: boolean): Promise<Verdict | undefined> {
  const [leaf, ...intermediates] = certificatesOf(serverPem)
  if (!leaf) return undefined
  const roots = certificatesOf(caPem ?? '')
  const chain = await chainProblem(leaf, intermediates, roots)
  const name = nameProblem(leaf, host, acceptCommonName)
  return { notBeforeMs: leaf.notBefore.getTime(), notAfterMs: leaf.notAfter.getTime(), ...(chain ? { chain } : {}), ...(name ? { name } : {}) }
}

function certificatesOf(pem: string): X509Certificate[] {
  return [...pem.matchAll(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)].flatMap(([block]) => {
    try {
      return [new X509Certificate(block)]
    } catch {
      return []
    }
  })
}

/** Follows issuers until an authority that the client trusts. k8s: Go's crypto/x509 buildChains */
async function chainProblem(leaf: X509Certificate, intermediates: readonly X509Certificate[], roots: readonly X509Certificate[]): Promise<Verdict['chain']> {
  const isSame = (a: X509Certificate, b: X509Certificate) => a.serialNumber === b.serialNumber && a.subject === b.subject && a.issuer === b.issuer
  let doubt = ''
  let current = leaf
  for (let depth = 0; depth <= intermediates.length; depth++) {
    if (roots.some((root) => isSame(root, current))) return undefined
    for (const root of roots) {
      if (root.subject !== current.issuer) continue
      if (root.getExtension(BasicConstraintsExtension)?.ca !== false && await isSignedBy(current, root)) return undefined
      doubt = ` (possibly because of "x509: ${current.signatureAlgorithm.name.startsWith('EC') ? 'ECDSA verification failure' : 'crypto/rsa: verification error'}" while trying to verify candidate authority certificate ${JSON.stringify(root.subjectName.getField('CN')[0] ?? 'serial:' + BigInt(`0x${root.serialNumber}`))})`
    }
    let next: X509Certificate | undefined
    for (const candidate of intermediates) if (candidate !== current && candidate.subject === current.issuer && await isSignedBy(current, candidate)) { next = candidate; break }
    if (!next) break
    current = next
  }
  const goMessage = `certificate signed by unknown authority${doubt}`
  if (leaf.subject === leaf.issuer) return { code: 'DEPTH_ZERO_SELF_SIGNED_CERT', message: 'self-signed certificate', goMessage }
  if (current.subject === current.issuer) return { code: 'SELF_SIGNED_CERT_IN_CHAIN', message: 'self-signed certificate in certificate chain', goMessage }
  return { code: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', message: 'unable to get local issuer certificate', goMessage }
}

async function isSignedBy(certificate: X509Certificate, authority: X509Certificate): Promise<boolean> {
  try {
    return await certificate.verify({ publicKey: await authority.publicKey.export(), signatureOnly: true })
  } catch {
    return false
  }
}

/** k8s: Go's crypto/x509 Certificate.VerifyHostname, HostnameError */
function nameProblem(leaf: X509Certificate, host: string, acceptCommonName: boolean): Verdict['name'] {
  const names = leaf.getExtension(SubjectAlternativeNameExtension)?.names.items ?? []
  const dns = names.filter((name) => name.type === 'dns').map((name) => name.value)
  const ips = names.filter((name) => name.type === 'ip').map((name) => name.value)
  const message = `no alternative certificate subject name matches target host name '${host}'`
  if (isAddress(host)) {
    if (ips.includes(host)) return undefined
    return { message, goMessage: ips.length === 0 ? `cannot validate certificate for ${host} because it doesn't contain any IP SANs` : `certificate is valid for ${ips.join(', ')}, not ${host}` }
  }
  const wanted = host.toLowerCase().replace(/\.$/, '')
  if (dns.some((pattern) => covers(pattern.toLowerCase().replace(/\.$/, ''), wanted))) return undefined
  const commonName = leaf.subjectName.getField('CN').at(-1)
  if (names.length === 0 && acceptCommonName && commonName !== undefined)
    return covers(commonName.toLowerCase(), wanted) ? undefined : { message: `certificate subject name '${commonName}' does not match target hostname '${host}'`, goMessage: '' }
  if (names.length === 0) return { message, goMessage: 'certificate relies on legacy Common Name field, use SANs instead' }
  return { message, goMessage: dns.length === 0 ? `certificate is not valid for any names, but wanted to match ${host}` : `certificate is valid for ${dns.join(', ')}, not ${host}` }
}

/** A star stands for the first label. */
function covers(pattern: string, host: string): boolean {
  if (pattern === host) return true
  if (!pattern.startsWith('*.')) return false
  const dot = host.indexOf('.')
  return dot > 0 && pattern.slice(1) === host.slice(dot)
}
