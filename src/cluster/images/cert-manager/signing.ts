import { pemOf } from '../../../base/pem.ts'
import * as x509 from '../../../base/x509.ts'
import { generateKey, kindOfSpki, privateKeyOf, privateKeyPem, signingAlgorithm } from '../../../unix/openssl/keys.ts'
import type { Key, KeyKind } from '../../../unix/openssl/keys.ts'
import type { Certificate } from './types.ts'

/** The kind of key that a Certificate asks for. @throws Error for one that can't be made here */
function keyKindOf({ privateKey = {} }: Certificate['spec']): KeyKind {
  const { algorithm = 'RSA', size } = privateKey
  if (algorithm === 'RSA') return { type: 'rsa', bits: size ?? 2048 }
  if (algorithm === 'Ed25519') return { type: 'ed25519' }
  const curve = { 256: 'P-256', 384: 'P-384', 521: 'P-521' }[size ?? 256]
  if (!curve) throw new Error(`unsupported ecdsa keysize specified: ${size}`)
  return { type: 'ec', curve: curve as 'P-256' }
}

/** A fresh private key as PEM. Uses WebCrypto: wrap in `clock.outside`. */
export async function newPrivateKey(spec: Certificate['spec']): Promise<string> {
  return privateKeyPem(await generateKey(keyKindOf(spec)), spec.privateKey?.encoding !== 'PKCS8')
}

async function readKey(pem: string): Promise<Key> {
  const key = await privateKeyOf(pem)
  if (!key?.privateKey) throw new Error('error decoding private key')
  return key
}

/** The request that a Certificate comes to, signed by its key, as PEM. */
export async function certificateRequestPem({ commonName, dnsNames = [], ipAddresses = [], subject = {} }: Certificate['spec'], keyPem: string): Promise<string> {
  const key = await readKey(keyPem)
  const part = (key: string, values: string[] = []) => (values.length > 0 ? [{ [key]: values }] : [])
  const names = [...dnsNames.map((value) => ({ type: 'dns' as const, value })), ...ipAddresses.map((value) => ({ type: 'ip' as const, value }))]
  const made = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [...part('C', subject.countries), ...part('O', subject.organizations), ...part('OU', subject.organizationalUnits), ...part('L', subject.localities), ...part('ST', subject.provinces), ...commonName ? [{ CN: [commonName] }] : []], keys: { publicKey: key.publicKey, privateKey: key.privateKey! }, signingAlgorithm: signingAlgorithm(kindOfSpki(key.spki)) as EcdsaParams,
    extensions: names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : [],
  })
  return pemOf('CERTIFICATE REQUEST', new Uint8Array(made.rawData))
}

const USAGES: Readonly<Record<string, number>> = {
  'signing': x509.KeyUsageFlags.digitalSignature, 'digital signature': x509.KeyUsageFlags.digitalSignature, 'content commitment': x509.KeyUsageFlags.nonRepudiation, 'key encipherment': x509.KeyUsageFlags.keyEncipherment, 'key agreement': x509.KeyUsageFlags.keyAgreement,
  'data encipherment': x509.KeyUsageFlags.dataEncipherment, 'cert sign': x509.KeyUsageFlags.keyCertSign, 'crl sign': x509.KeyUsageFlags.cRLSign,
}
const EXTENDED: Readonly<Record<string, string>> = { 'server auth': x509.ExtendedKeyUsage.serverAuth, 'client auth': x509.ExtendedKeyUsage.clientAuth, 'code signing': x509.ExtendedKeyUsage.codeSigning, 'email protection': x509.ExtendedKeyUsage.emailProtection, 'ocsp signing': x509.ExtendedKeyUsage.ocspSigning }

/** Whether a usage of a key, as Certificates name them, can be written into certificates here. */
export function isKnownUsage(usage: string): boolean {
  return Object.hasOwn(USAGES, usage) || Object.hasOwn(EXTENDED, usage)
}

export interface SigningOptions {
  requestPem: string
  durationMs: number
  isCa: boolean
  usages: readonly string[]
  nowMs: number
  serialNumber: string
  /** Who signs: an authority with its key, or the key of the request itself. */
  signer: { certificatePem: string; keyPem: string } | { keyPem: string }
}

/** A certificate for a request. @throws Error for a request or key that can't be read, and usages that can't be written. k8s: cert-manager/pkg/util/pki */
export async function signRequest({ requestPem, durationMs, isCa, usages, nowMs, serialNumber, signer }: SigningOptions): Promise<string> {
  const strange = usages.find((usage) => !isKnownUsage(usage))
  if (strange !== undefined) throw new Error(`key usage ${strange} is not supported by this build`)
  const request = new x509.Pkcs10CertificateRequest(requestPem)
  const key = await readKey(signer.keyPem)
  const authority = 'certificatePem' in signer ? new x509.X509Certificate(signer.certificatePem) : undefined
  const names = request.extensions.find((each): each is x509.SubjectAlternativeNameExtension => each instanceof x509.SubjectAlternativeNameExtension)
  const all = isCa ? [...usages, 'cert sign'] : usages
  const extended = all.flatMap((usage) => EXTENDED[usage] ?? [])
  const publicKey = await request.publicKey.export()
  const made = await x509.X509CertificateGenerator.create({
    serialNumber, subject: request.subjectName.toJSON(), issuer: (authority ?? request).subjectName.toJSON(), notBefore: new Date(Math.floor(nowMs / 1000) * 1000), notAfter: new Date(Math.floor((nowMs + durationMs) / 1000) * 1000),
    signingKey: key.privateKey!, publicKey, signingAlgorithm: signingAlgorithm(kindOfSpki(key.spki)) as EcdsaParams,
    extensions: [
      new x509.KeyUsagesExtension(all.reduce((sum, usage) => sum | (USAGES[usage] ?? 0), 0), true), ...extended.length > 0 ? [new x509.ExtendedKeyUsageExtension(extended)] : [], new x509.BasicConstraintsExtension(isCa, undefined, true),
      ...isCa ? [await x509.SubjectKeyIdentifierExtension.create(publicKey)] : [], ...authority ? [await x509.AuthorityKeyIdentifierExtension.create(authority)] : [],
      ...names ? [new x509.SubjectAlternativeNameExtension(names.rawData)] : [],
    ],
  })
  return pemOf('CERTIFICATE', new Uint8Array(made.rawData))
}

/** A certificate with those that lead to its authority, and that authority: the one that signs itself, else the last that is known. k8s: cert-manager/pkg/util/pki ParseSingleCertificateChain */
export function chainOf(certificatePem: string, authoritiesPem: string): { chainPem: string; authorityPem: string } {
  const authorities = [...new Set(authoritiesPem.match(PEM) ?? [])].map((pem) => ({ pem: `${pem}\n`, read: new x509.X509Certificate(pem) }))
  const root = authorities.find(({ read }) => read.subject === read.issuer)
  return { chainPem: [certificatePem.trimEnd() + '\n', ...authorities.filter((each) => each !== root).map(({ pem }) => pem)].join(''), authorityPem: (root ?? authorities.at(-1))?.pem ?? certificatePem }
}

const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** What a certificate is for, and when it begins and ends. */
export function validityOf(pem: string): { notBeforeMs: number; notAfterMs: number; names: string[]; commonName: string } {
  const read = new x509.X509Certificate(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.exec(pem)?.[0] ?? '')
  return { notBeforeMs: read.notBefore.getTime(), notAfterMs: read.notAfter.getTime(), names: read.getExtension(x509.SubjectAlternativeNameExtension)?.names.items.map(({ value }) => value) ?? [], commonName: read.subjectName.getField('CN')[0] ?? '' }
}

