import { describe, expect, it } from 'vitest'
import * as x509 from '../../base/x509.ts'
import { certificateProblem } from './server-certificate.ts'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const NOW = Date.UTC(2026, 5, 1)
const generate = () => crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']) as Promise<CryptoKeyPair>

async function authority(name: string) {
  const keys = await generate()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01', name: `CN=${name}`, keys, signingAlgorithm: ALGORITHM, notBefore: new Date(NOW - 1e9), notAfter: new Date(NOW + 1e10), extensions: [new x509.BasicConstraintsExtension(true)],
  })
  return { pem: certificate.toString('pem'), keys, name }
}

async function server(of: Awaited<ReturnType<typeof authority>>, names: x509.JsonGeneralName[]): Promise<string> {
  const { publicKey } = await generate()
  return (await x509.X509CertificateGenerator.create({
    serialNumber: '02', subject: 'CN=web', issuer: `CN=${of.name}`, notBefore: new Date(NOW - 1e6), notAfter: new Date(NOW + 1e6), signingKey: of.keys.privateKey, publicKey, signingAlgorithm: ALGORITHM,
    extensions: names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : [],
  })).toString('pem')
}

describe('certificateProblem', () => {
  it('takes a certificate that a trusted authority gave to that name or address', async () => {
    const ca = await authority('ca')
    const serverPem = await server(ca, [{ type: 'dns', value: '*.web.svc' }, { type: 'ip', value: '10.0.0.1' }])
    const check = (host: string) => certificateProblem({ serverPem, caPem: ca.pem, host, nowMs: NOW })
    expect(await check('a.web.svc')).toBeUndefined()
    expect(await check('10.0.0.1')).toBeUndefined()
    expect((await check('10.0.0.2'))!.goMessage).toBe('tls: failed to verify certificate: x509: certificate is valid for 10.0.0.1, not 10.0.0.2')
    expect((await check('a.b.web.svc'))!.message).toBe("no alternative certificate subject name matches target host name 'a.b.web.svc'")
  })

  it('refuses strangers, and tells an authority of the same name apart', async () => {
    const [ca, other, namesake] = await Promise.all([authority('ca'), authority('other'), authority('ca')])
    const serverPem = await server(ca, [{ type: 'dns', value: 'web' }])
    const check = (caPem?: string) => certificateProblem({ serverPem, caPem, host: 'web', nowMs: NOW })
    expect(await check()).toMatchObject({ code: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', message: 'unable to get local issuer certificate' })
    expect((await check(other.pem))!.goMessage).toBe('tls: failed to verify certificate: x509: certificate signed by unknown authority')
    expect((await check(namesake.pem))!.goMessage).toContain('(possibly because of "x509: ECDSA verification failure" while trying to verify candidate authority certificate "ca")')
  })

  it('looks at dates first, as Go does', async () => {
    const ca = await authority('ca')
    const serverPem = await server(ca, [])
    const later = await certificateProblem({ serverPem, caPem: ca.pem, host: '10.0.0.1', nowMs: NOW + 2e6 })
    expect(later).toMatchObject({ code: 'CERT_HAS_EXPIRED' })
    expect(later!.goMessage).toBe('tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2026-06-01T00:33:20Z is after 2026-06-01T00:16:40Z')
    expect((await certificateProblem({ serverPem, caPem: undefined, host: '10.0.0.1', nowMs: NOW }))!.goMessage).toContain("cannot validate certificate for 10.0.0.1 because it doesn't contain any IP SANs")
  })
})
