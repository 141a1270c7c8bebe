import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createClusterPki, restoreClusterPki } from './cluster-pki.ts'
import { derOf } from '../../../base/pem.ts'
import { X509Certificate } from '../../../base/x509.ts'

const NOW_MS = Date.UTC(2026, 0, 1)

test('issues certificates that OpenSSL verifies', async () => {
  const pki = await createClusterPki({ nowMs: Date.now() })
  const server = await pki.issueServerCertificate(['localhost', '127.0.0.1', '::1'])
  const client = await pki.issueClientCertificate({ commonName: 'kubernetes-admin', organizations: ['kubeadm:cluster-admins', 'other'] })
  const directory = mkdtempSync(join(tmpdir(), 'pki-'))
  try {
    const file = (name: string, text: string) => { const path = join(directory, name); writeFileSync(path, text); return path }
    const ca = file('ca.pem', pki.caCertificatePem)
    const verify = (...args: string[]) => execFileSync('openssl', ['verify', '-x509_strict', '-CAfile', ca, ...args], { encoding: 'utf8' })
    expect(verify('-purpose', 'sslserver', '-verify_hostname', 'localhost', file('server.pem', server.certificatePem))).toContain('OK')
    expect(verify('-purpose', 'sslserver', '-verify_ip', '::1', file('server.pem', server.certificatePem))).toContain('OK')
    expect(verify('-purpose', 'sslclient', file('client.pem', client.certificatePem))).toContain('OK')
    expect(execFileSync('openssl', ['pkey', '-in', file('key.pem', client.keyPem), '-noout', '-check'], { encoding: 'utf8' })).toContain('valid')
  } finally {
    rmSync(directory, { recursive: true })
  }
  expect(new X509Certificate(client.certificatePem).subject).toBe('O=kubeadm:cluster-admins, O=other, CN=kubernetes-admin')
})

test('comes back from its snapshot with the same keys', async () => {
  const pki = await createClusterPki({ nowMs: NOW_MS })
  const restored = await restoreClusterPki(structuredClone(pki.snapshot()))
  expect(restored.caCertificatePem).toBe(pki.caCertificatePem)
  expect(restored.tokenKey.keyId).toBe(pki.tokenKey.keyId)
  const { certificatePem } = await restored.issueClientCertificate({ commonName: 'x', nowMs: NOW_MS })
  const certificate = new X509Certificate(derOf('CERTIFICATE', certificatePem)!)
  expect(await certificate.verify({ publicKey: await pki.ca.certificate.publicKey.export(), signatureOnly: true })).toBe(true)
  expect(certificate.notAfter.toISOString()).toBe('2027-01-01T00:00:00.000Z')
})
