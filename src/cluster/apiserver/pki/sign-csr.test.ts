import { expect, test } from 'vitest'
import { ALGORITHM, generateKeys } from '../../../base/certificates.ts'
import { createClusterPki } from './cluster-pki.ts'
import { base64Of } from '../../../base/base64.ts'
import { autoApproval, parseSigningRequest, signCsr, signerRefusal, type SigningRequest } from './sign-csr.ts'
import { ExtendedKeyUsageExtension, Pkcs10CertificateRequestGenerator, SubjectAlternativeNameExtension, X509Certificate, type JsonGeneralNames } from '../../../base/x509.ts'

const NOW_MS = Date.UTC(2026, 0, 1)

async function requestOf(name: object[], names: JsonGeneralNames = []): Promise<SigningRequest> {
  const request = await Pkcs10CertificateRequestGenerator.create({ name: name as never, keys: await generateKeys(), signingAlgorithm: ALGORITHM, extensions: names.length ? [new SubjectAlternativeNameExtension(names)] : [] })
  const parsed = parseSigningRequest(base64Of(new TextEncoder().encode(request.toString('pem'))))
  if (parsed instanceof Error) throw parsed
  return parsed
}

test('signs what was asked for: subject, usages, lifetime', async () => {
  const pki = await createClusterPki({ nowMs: NOW_MS })
  const pem = await signCsr(pki.ca, await requestOf([{ O: ['devs'] }, { CN: ['ann'] }]), { usages: ['client auth', 'digital signature'], nowMs: NOW_MS, expirationSeconds: 3600 })
  const certificate = new X509Certificate(pem)
  expect(certificate.subject).toBe('O=devs, CN=ann')
  expect(certificate.issuer).toBe('CN=kubernetes')
  expect(certificate.getExtension(ExtendedKeyUsageExtension)!.usages).toEqual(['1.3.6.1.5.5.7.3.2'])
  expect(certificate.notAfter.getTime() - certificate.notBefore.getTime()).toBe(3_600_000)
  expect(await certificate.verify({ publicKey: await pki.ca.certificate.publicKey.export(), signatureOnly: true })).toBe(true)
})

test('orders the subject as the controller does, whatever the request had first', async () => {
  const pki = await createClusterPki({ nowMs: NOW_MS })
  const request = await requestOf([{ CN: ['first'] }, { OU: ['unit'] }, { O: ['zoo', 'team'] }, { O: ['dev'] }, { E: ['a@example.com'] }, { CN: ['ann'] }, { L: ['Rome'] }, { C: ['IT'] }])
  expect(request.commonName).toBe('ann')
  const certificate = new X509Certificate(await signCsr(pki.ca, request, { usages: ['client auth'], nowMs: NOW_MS }))
  expect(certificate.subjectName.toJSON()).toEqual([{ C: ['IT'] }, { L: ['Rome'] }, { O: ['dev', 'zoo', 'team'] }, { OU: ['unit'] }, { CN: ['ann'] }])
})

test('tells kubelets from others', async () => {
  const node = [{ O: ['system:nodes'] }, { CN: ['system:node:n1'] }]
  const client = await requestOf(node)
  const usages = ['key encipherment', 'digital signature', 'client auth']
  expect(signerRefusal('kubernetes.io/kube-apiserver-client-kubelet', client, usages)).toBeUndefined()
  expect(autoApproval(client, usages, 'system:node:n1')?.subresource).toBe('selfnodeclient')
  expect(autoApproval(client, usages, 'system:bootstrap:abcdef')?.subresource).toBe('nodeclient')
  expect(autoApproval(await requestOf([{ O: ['system:masters'] }, { CN: ['system:node:n1'] }]), usages, 'x')).toBeUndefined()
  expect(signerRefusal('kubernetes.io/kubelet-serving', client, ['server auth', 'digital signature'])).toBe('DNS or IP subjectAltName is required')
  expect(signerRefusal('kubernetes.io/kubelet-serving', await requestOf(node, [{ type: 'dns', value: 'n1' }, { type: 'ip', value: '10.0.0.1' }]), ['server auth', 'digital signature'])).toBeUndefined()
})

test('says what is no request', () => {
  expect(parseSigningRequest(btoa('hello'))).toEqual(new Error('PEM block type must be CERTIFICATE REQUEST'))
  expect(parseSigningRequest('***')).toBeInstanceOf(Error)
})
