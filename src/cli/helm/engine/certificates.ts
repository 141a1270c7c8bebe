import type { Random } from '../../../base/random.ts'
import { children, readDer } from '../../../base/der.ts'
import { pemOf } from '../../../base/pem.ts'
import { createCertificate, extensionOf, keyId, nameOf } from '../../../unix/openssl/issue.ts'
import { generateKey, pemBlocks, privateKeyOf, privateKeyPem } from '../../../unix/openssl/keys.ts'
import type { Key } from '../../../unix/openssl/keys.ts'

/** What `genCA` and its kin give: both PEM. */
export interface MadeCertificate { Cert: string; Key: string }

interface Subject { commonName: string; ips: readonly string[]; names: readonly string[]; days: number; nowMs: number; random: Random }

const newKey = () => generateKey({ type: 'rsa', bits: 2048 })

/** `genPrivateKey` */
export async function makePrivateKey(kind: string): Promise<string> {
  switch (kind) {
    case '': case 'rsa': return privateKeyPem(await generateKey({ type: 'rsa', bits: 4096 }), true)
    case 'ecdsa': return privateKeyPem(await generateKey({ type: 'ec', curve: 'P-256' }), true)
    case 'ed25519': return privateKeyPem(await generateKey({ type: 'ed25519' }))
    default: return `Unknown type ${kind}`
  }
}

/** @throws Error for text that holds no key */
async function keyOf(pem: string): Promise<Key> {
  const key = await privateKeyOf(pem)
  if (!key) throw new Error('parsing private key: no PEM data in input')
  return key
}

/** `genCA`, with a key of its own or the one given. */
export async function makeAuthority(subject: Subject, keyPem?: string): Promise<MadeCertificate> {
  const key = keyPem === undefined ? await newKey() : await keyOf(keyPem)
  return issue(subject, key, { key, name: nameOf(`/CN=${escaped(subject.commonName)}`) }, true)
}

/** `genSelfSignedCert` */
export async function makeSelfSigned(subject: Subject, keyPem?: string): Promise<MadeCertificate> {
  const key = keyPem === undefined ? await newKey() : await keyOf(keyPem)
  return issue(subject, key, { key, name: nameOf(`/CN=${escaped(subject.commonName)}`) }, false)
}

/** `genSignedCert` @throws Error where the authority isn't one */
export async function makeSigned(subject: Subject, authority: MadeCertificate, keyPem?: string): Promise<MadeCertificate> {
  const certificate = pemBlocks(authority.Cert).find(({ label }) => label === 'CERTIFICATE')
  if (!certificate) throw new Error('unable to decode certificate')
  const name = children(children(readDer(certificate.der))[0]!)[5]!.raw
  const key = keyPem === undefined ? await newKey() : await keyOf(keyPem)
  return issue(subject, key, { key: await keyOf(authority.Key), name }, false)
}

const escaped = (text: string) => text.replace(/[\\/]/g, '\\$&')

/** k8s: Masterminds/sprig getBaseCertTemplate */
async function issue({ commonName, ips, names, days, nowMs, random }: Subject, key: Key, issuer: { key: Key; name: Uint8Array }, authority: boolean): Promise<MadeCertificate> {
  const context = { subjectKeyId: await keyId(key.spki), issuerKeyId: await keyId(issuer.key.spki) }
  const alternatives = [...names.map((name) => `DNS:${name}`), ...ips.map((ip) => `IP:${ip}`)].join(',')
  const extensions = [
    extensionOf('keyUsage', `critical,digitalSignature,keyEncipherment${authority ? ',keyCertSign' : ''}`), extensionOf('extendedKeyUsage', 'serverAuth,clientAuth'),
    extensionOf('basicConstraints', `critical,CA:${authority ? 'true' : 'false'}`), authority ? extensionOf('subjectKeyIdentifier', 'hash', context) : extensionOf('authorityKeyIdentifier', 'keyid', context),
    ...(alternatives ? [extensionOf('subjectAltName', alternatives)] : []),
  ].filter((each) => each !== undefined)
  const serial = Uint8Array.from({ length: 16 }, (_, i) => i === 0 ? 64 + random.int(64) : random.int(256))
  const der = await createCertificate(issuer.key, { serial, subject: nameOf(`/CN=${escaped(commonName)}`), issuer: issuer.name, spki: key.spki, notBeforeMs: nowMs, notAfterMs: nowMs + days * 86_400_000, extensions })
  return { Cert: pemOf('CERTIFICATE', der), Key: privateKeyPem(key, true) }
}
