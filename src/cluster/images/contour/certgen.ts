import { BACKDATE_MS } from '../../../base/certificates.ts'
import { base64Of } from '../../../base/base64.ts'
import { pemOf } from '../../../base/pem.ts'
import * as x509 from '../../../base/x509.ts'
import { generateKey, privateKeyPem, signingAlgorithm } from '../../../unix/openssl/keys.ts'
import type { Key } from '../../../unix/openssl/keys.ts'
import type { Proc } from '../../../unix/types.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { apiCall } from '../in-cluster/api-call.ts'
import { clusterClient } from '../in-cluster/cluster-client.ts'
import { UsageError, kingpinFlags } from './flags.ts'
import { logrus } from './log.ts'

const DAY_MS = 24 * 3600 * 1000
const KEY = { type: 'rsa', bits: 2048 } as const

/** `contour certgen`: certificates by which Contour and Envoy know one another, as Secrets. k8s: contour/cmd/contour/certgen.go */
export async function certgen(proc: Proc, args: readonly string[]): Promise<number> {
  const { flags } = kingpinFlags(args, new Set(['certificate-lifetime', 'namespace', 'secrets-format', 'secrets-name-suffix']), new Set(['incluster', 'kube', 'overwrite']), new Set(['kubeconfig', 'pem', 'yaml']))
  const namespace = flags.text('namespace', proc.env.CONTOUR_NAMESPACE || 'projectcontour')
  const format = flags.text('secrets-format', 'legacy')
  const days = Number(flags.text('certificate-lifetime', '365'))
  if (!Number.isInteger(days) || days < 0) throw new UsageError(`strconv.ParseUint: parsing "${flags.text('certificate-lifetime')}": invalid syntax`)
  if (!flags.flag('kube')) return 0
  if (format !== 'compact' && format !== 'legacy') { logrus(proc, 'fatal', 'failed output certificates', { error: `unsupported Secrets format "${format}"` }); return 1 }
  const made = await proc.clock.outside(generateCertificates(namespace, days || 365, proc.clock.nowMs()))
  const suffix = flags.text('secrets-name-suffix')
  const secret = (name: string, type: string, data: Record<string, string>) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name: `${name}${suffix}`, namespace, labels: { app: 'contour' } }, type, data: Object.fromEntries(Object.entries(data).map(([key, pem]) => [key, base64Of(new TextEncoder().encode(pem))])) })
  const ca: Record<string, string> = format === 'compact' ? { 'ca.crt': made.authority } : {}
  const secrets = [secret('contourcert', 'kubernetes.io/tls', { ...ca, 'tls.crt': made.contour.certificate, 'tls.key': made.contour.key }), secret('envoycert', 'kubernetes.io/tls', { ...ca, 'tls.crt': made.envoy.certificate, 'tls.key': made.envoy.key }),
    ...format === 'legacy' ? [secret('cacert', 'Opaque', { 'cacert.pem': made.authority })] : []]
  await proc.stdout.write(`Writing "${format}" format Secrets to namespace "${namespace}"\n`)
  const client = clusterClient(proc, `contour/v1.33 (linux/${proc.machine.hardware.architecture ?? 'amd64'})`)
  const folder = `/api/v1/namespaces/${namespace}/secrets`
  for (const each of secrets) {
    try {
      await apiCall(client, 'POST', folder, each).catch(async (error: unknown) => {
        if (!isStatusError(error, 'AlreadyExists')) throw error
        if (flags.flag('overwrite')) await apiCall(client, 'PUT', `${folder}/${each.metadata.name}`, each)
        else await proc.stdout.write(`secret/${each.metadata.name} already exists\n`)
      })
      await proc.stdout.write(`secret/${each.metadata.name} updated\n`)
    } catch (error) {
      if (!isStatusError(error)) throw error
      logrus(proc, 'fatal', 'failed output certificates', { error: `failed to write certificates to "${namespace}": ${error.message}` })
      return 1
    }
  }
  return 0
}

interface Pair {
  certificate: string
  key: string
}

/** k8s: contour/pkg/certs GenerateCerts */
async function generateCertificates(namespace: string, days: number, nowMs: number): Promise<{ authority: string; contour: Pair; envoy: Pair }> {
  const whole = (ms: number) => new Date(Math.floor(ms / 1000) * 1000)
  const notBefore = whole(nowMs - Math.max(DAY_MS, BACKDATE_MS))
  const notAfter = whole(nowMs + days * DAY_MS)
  const root = await generateKey(KEY)
  const signing = signingAlgorithm(KEY) as EcdsaParams
  const serial = async (key: Key) => [...new Uint8Array(await crypto.subtle.digest('SHA-1', key.spki))].slice(0, 8).map((byte, i) => (i === 0 ? byte & 0x7f : byte).toString(16).padStart(2, '0')).join('')
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: await serial(root), name: [{ CN: ['Project Contour'] }, { '2.5.4.5': [BigInt(`0x${await serial(root)}`).toString()] }], keys: { publicKey: root.publicKey, privateKey: root.privateKey! }, signingAlgorithm: signing, notBefore, notAfter,
    extensions: [new x509.KeyUsagesExtension(x509.KeyUsageFlags.cRLSign | x509.KeyUsageFlags.keyCertSign, true), new x509.BasicConstraintsExtension(true, undefined, true), await x509.SubjectKeyIdentifierExtension.create(root.publicKey)],
  })
  const pair = async (service: string): Promise<Pair> => {
    const leaf = await generateKey(KEY)
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: await serial(leaf), subject: [{ CN: [service] }], issuer: authority.subjectName.toJSON(), notBefore, notAfter, signingKey: root.privateKey!, publicKey: leaf.publicKey, signingAlgorithm: signing,
      extensions: [
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.nonRepudiation | x509.KeyUsageFlags.keyEncipherment | x509.KeyUsageFlags.dataEncipherment, true), await x509.SubjectKeyIdentifierExtension.create(leaf.publicKey), await x509.AuthorityKeyIdentifierExtension.create(authority),
        new x509.SubjectAlternativeNameExtension([service, `${service}.${namespace}`, `${service}.${namespace}.svc`, `${service}.${namespace}.svc.cluster.local`].map((value) => ({ type: 'dns' as const, value }))),
      ],
    })
    return { certificate: pemOf('CERTIFICATE', new Uint8Array(certificate.rawData)), key: privateKeyPem(leaf, true) }
  }
  return { authority: pemOf('CERTIFICATE', new Uint8Array(authority.rawData)), contour: await pair('contour'), envoy: await pair('envoy') }
}
