import { base64Of } from '../../../base/base64.ts'
import { pemOf } from '../../../base/pem.ts'
import * as x509 from '../../../base/x509.ts'
import { ALGORITHM, BACKDATE_MS, YEAR_MS, alternativeNames, generateKeys, serialOf } from '../../../base/certificates.ts'
import { generateKey, privateKeyPem } from '../../../unix/openssl/keys.ts'
import type { Proc } from '../../../unix/types.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { goFlags } from '../agnhost/go-server.ts'
import { defineImage } from '../image.ts'
import { apiCall } from '../in-cluster/api-call.ts'
import { clusterClient } from '../in-cluster/cluster-client.ts'
import type { ClusterClient } from '../in-cluster/cluster-client.ts'
import { klog } from '../in-cluster/klog.ts'

/** Tags that releases of ingress-nginx name, with the digests that their manifests pin. */
const DIGESTS: Readonly<Record<string, string>> = {
  'v1.1.1': '64d8c73dca984af206adf9d6d7e46aa550362b1d7a01f3a0a91b20cc67868660',
  'v1.3.0': '549e71a6ca248c5abd51cdb73dbc3083df62cf92ed5e6147c780e30f7e007a47',
  'v1.4.0': '44d1d0e9f19c63f58b380c5fddaca7cf22c7cee564adeff365225a5df5ef3334',
  'v1.4.1': '36d05b4077fb8e3d13663702fa337f124675ba8667cbd949c03a8e8ea6fa4366',
  'v1.4.3': 'a320a50cc91bd15fd2d6fa6de58bd98c1bd64b9a6f926ce23a600d87043455a3',
  'v1.4.4': 'a9f03b34a3cbfbb26d103a14046ab2c5130a80c3d69d526ff8063d2b37b9fd3f',
  'v1.5.0': 'aaafd456bda110628b2d4ca6296f38731a3aaf0bf7581efae824a41c770a8fc4',
  'v1.5.2': 'e8825994b7a2c7497375a9b945f386506ca6a3eda80b89b74ef2db743f66a5ea',
  'v1.5.3': '2cf4ebfa82a37c357455458f6dfc334aea1392d508270b2517795a9933a02524',
  'v1.5.4': '7a38cf0f8480775baaee71ab519c7465fd1dfeac66c421f28f087786e631456e',
  'v1.6.0': 'c9f76a75fd00e975416ea1b73300efd413116de0de8570346ed90766c5b5cefb',
  'v1.6.1': 'e63459ec5965840af34d6d6a2f4c017eb6e212db83e054908d0bd148e1f35489',
  'v1.6.2': '050a34002d5bb4966849c880c56c91f5320372564245733b33d4b3461b4dbd24',
  'v1.6.3': '3d671cf20a35cd94efc5dcd484970779eb21e7938c98fbc3673693b8a117cf39',
  'v1.6.4': 'bcfc926ed57831edf102d62c5c0e259572591df4796ef1420b87f9cf6092497f',
  'v1.6.5': '03a00eb0e255e8a25fa49926c24cde0f7e12e8d072c445cdf5136ec78b546285',
  'v1.6.6': 'b28e0688be7d1e15fe385053bd4c6b631bc7708c9220632de1b95867e5e7da11',
  'v1.6.7': '7c74a715af2c94cb734785b4d3ea1357b4f02b88e1e123c622a9cb68b62f669c',
  'v1.6.8': 'd7e8257f8d8bce64b6df55f81fba92011a6a77269b3350f8b997b152af348dba',
  'v1.6.9': '01038e7de14b78d702d2849c3aad72fd25903c4765af63cf16aa3398f5d5f2dd',
  'v20220916-gd32f8c343': '39c5b2e3310dc4264d638ad28d9d1d96c4cbb2b2dcfb52368fe4e3c63f61e10f',
  'v20230312-helm-chart-4.5.2-28-g66a760794': '01d181618f270f2a96c04006f33b2699ad3ccb02da48d0f89b22abce084b292f',
  'v20230407': '543c40fd093964bc9ab509d3e791f9989963021f1e9e4c9c7b6700b02bfb227b',
  'v20231011-8b53cabe0': 'a7943503b45d552785aa3b5e457f169a5661fb94d82b8a3373bcd9ebaf9aac80',
  'v20231226-1a7112e06': '25d6a5f11211cc5c3f9f2bf552b585374af287b4debf693cacbe2da47daa5084',
}

/** Makes a webhook's certificate and tells webhook configurations its authority: the Jobs of ingress-nginx's manifests. */
export const webhookCertgenImage = defineImage({
  repository: 'registry.k8s.io/ingress-nginx/kube-webhook-certgen', tags: Object.keys(DIGESTS), digests: Object.fromEntries(Object.entries(DIGESTS).map(([tag, hex]) => [tag, `sha256:${hex}`])), sizeBytes: 23_900_000,
  entrypoint: ['/kube-webhook-certgen'], user: '65532:65532', programs: { '/kube-webhook-certgen': certgen },
})

const VALIDITY_MS = 100 * YEAR_MS

/** Ends the program, as logrus' Fatal does, once the message is written. */
class Fatal extends Error {
  readonly fields: Record<string, string>
  readonly source: string
  constructor(source: string, message: string, fields: Record<string, string> = {}) {
    super(message)
    this.source = source
    this.fields = fields
  }
}

/** k8s: ingress-nginx/images/kube-webhook-certgen */
async function certgen(proc: Proc): Promise<number> {
  const { flags, args: [command] } = goFlags(proc.argv.slice(1))
  const run = command === 'create' ? create : command === 'patch' ? patch : undefined
  if (!run) {
    await proc.stdout.write('Use this to create a ca and signed certificates and patch admission webhooks to allow for quick\n\t                   installation and configuration of validating and admission webhooks.\n')
    return 1
  }
  const missing = (command === 'create' ? ['host', 'namespace', 'secret-name'] : ['namespace', 'secret-name']).filter((name) => !flags.has(name))
  if (missing.length > 0) {
    await proc.stderr.write(`Error: required flag(s) ${missing.map((name) => `"${name}"`).join(', ')} not set\n`)
    return 1
  }
  klog(proc, 'W', 'client_config.go:667', 'Neither --kubeconfig nor --master was specified.  Using the inClusterConfig.  This might not work.')
  try {
    await run(proc, clusterClient(proc, 'kube-webhook-certgen'), flags)
    return 0
  } catch (error) {
    if (!(error instanceof Fatal)) throw error
    await log(proc, 'fatal', error.source, error.message, error.fields)
    return 1
  }
}

async function create(proc: Proc, client: ClusterClient, flags: ReadonlyMap<string, string>): Promise<void> {
  const name = flags.get('secret-name')!
  const namespace = flags.get('namespace')!
  if (await authorityOf(proc, client, namespace, name) !== undefined) return log(proc, 'info', 'cmd/create.go:33', 'secret already exists')
  await log(proc, 'info', 'cmd/create.go:28', 'creating new secret')
  const made = await proc.clock.outside(generateCertificates(flags.get('host')!, proc.clock.nowMs()))
  const data = { ca: encode(made.ca), [flags.get('cert-name') ?? 'cert']: encode(made.certificate), [flags.get('key-name') ?? 'key']: encode(made.key) }
  await apiCall(client, 'POST', `/api/v1/namespaces/${namespace}/secrets`, { apiVersion: 'v1', kind: 'Secret', metadata: { name }, data }).catch(because('k8s/k8s.go:256', 'failed creating secret'))
}

interface WebhookConfiguration {
  webhooks?: { clientConfig: { caBundle?: string }; failurePolicy?: string }[]
}

interface ApiService {
  spec: { caBundle?: string; insecureSkipTLSVerify?: boolean }
}

async function patch(proc: Proc, client: ClusterClient, flags: ReadonlyMap<string, string>): Promise<void> {
  const mutating = flags.get('patch-mutating') !== 'false'
  const validating = flags.get('patch-validating') !== 'false'
  const apiService = flags.get('apiservice-name') ?? ''
  const policy = flags.get('patch-failure-policy') ?? ''
  const namespace = flags.get('namespace')!
  const secret = flags.get('secret-name')!
  const fail = (message: string) => { throw new Fatal('cmd/patch.go:106', message) }
  if (!mutating && !validating && apiService === '') fail('patch-validating=false, patch-mutating=false. You must patch at least one kind of webhook, otherwise this command is a no-op')
  if (policy !== '' && policy !== 'Ignore' && policy !== 'Fail') fail(`patch-failure-policy ${policy} is not valid`)
  const caBundle = await authorityOf(proc, client, namespace, secret)
  if (caBundle === undefined) return fail(`no secret with '${secret}' in '${namespace}'`)
  // The original leaves Ignore away.
  const failurePolicy = policy === 'Fail' ? policy : ''
  const update = async <T>(path: string, what: string, change: (object: T) => void) => {
    const object = await apiCall<T>(client, 'GET', path).catch(because('cmd/patch.go:103', `failed getting ${what}`))
    change(object)
    await apiCall(client, 'PUT', path, object).catch(because('cmd/patch.go:103', `failed patching ${what}`))
  }
  if (apiService !== '') {
    await log(proc, 'info', 'k8s/k8s.go:59', `patching APIService "${apiService}"`)
    await log(proc, 'info', 'k8s/k8s.go:81', `patching APIService "${apiService}"`)
    await update<ApiService>(`/apis/apiregistration.k8s.io/v1/apiservices/${apiService}`, `APIService "${apiService}"`, ({ spec }) => { spec.caBundle = caBundle; spec.insecureSkipTLSVerify = false })
  }
  if (!mutating && !validating) return
  const name = flags.get('webhook-name') ?? ''
  await log(proc, 'info', 'k8s/k8s.go:118', `patching webhook configurations '${name}' mutating=${mutating}, validating=${validating}, failurePolicy=${failurePolicy}`)
  const trust = ({ webhooks = [] }: WebhookConfiguration) => {
    for (const webhook of webhooks) {
      webhook.clientConfig.caBundle = caBundle
      if (failurePolicy !== '') webhook.failurePolicy = failurePolicy
    }
  }
  const group = '/apis/admissionregistration.k8s.io/v1'
  if (validating) await update(`${group}/validatingwebhookconfigurations/${name}`, 'validating webhook', trust)
  if (mutating) await update(`${group}/mutatingwebhookconfigurations/${name}`, 'mutating webhook', trust)
  await log(proc, 'info', 'k8s/k8s.go:138', 'Patched hook(s)')
}

/** The authority in a Secret, as base64; undefined where there is no Secret. */
async function authorityOf(proc: Proc, client: ClusterClient, namespace: string, name: string): Promise<string | undefined> {
  try {
    const { data } = await apiCall<{ data?: Record<string, string> }>(client, 'GET', `/api/v1/namespaces/${namespace}/secrets/${name}`)
    if (data?.ca === undefined) throw new Fatal('k8s/k8s.go:237', "got secret, but it did not contain a 'ca' key")
    return data.ca
  } catch (error) {
    if (!isStatusError(error)) throw error
    if (error.reason !== 'NotFound') throw new Fatal('k8s/k8s.go:232', 'error getting secret', { err: error.message })
    await log(proc, 'info', 'k8s/k8s.go:229', 'no secret found', { err: error.message })
    return undefined
  }
}

function because(source: string, message: string): (error: unknown) => never {
  return (error) => {
    if (isStatusError(error)) throw new Fatal(source, message, { err: error.message })
    throw error
  }
}

/** k8s: kube-webhook-certgen/pkg/certs GenerateCerts */
async function generateCertificates(hosts: string, nowMs: number): Promise<{ ca: string; certificate: string; key: string }> {
  const notBefore = new Date(Math.floor((nowMs - BACKDATE_MS) / 1000) * 1000)
  const notAfter = new Date(notBefore.getTime() + VALIDITY_MS)
  const root = await generateKeys()
  const leaf = await generateKey({ type: 'ec', curve: 'P-256' })
  const serverAuth = new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth])
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: await serialOf(await crypto.subtle.exportKey('spki', root.publicKey)), name: [{ O: ['nil1'] }], keys: root, signingAlgorithm: ALGORITHM, notBefore, notAfter,
    extensions: [new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true), serverAuth, new x509.BasicConstraintsExtension(true, undefined, true), await x509.SubjectKeyIdentifierExtension.create(root.publicKey)],
  })
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: await serialOf(leaf.spki), subject: [{ O: ['nil2'] }], issuer: authority.subjectName.toJSON(), notBefore, notAfter, signingKey: root.privateKey, publicKey: leaf.publicKey, signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment, true), serverAuth, new x509.BasicConstraintsExtension(false, undefined, true),
      await x509.AuthorityKeyIdentifierExtension.create(authority), new x509.SubjectAlternativeNameExtension([...alternativeNames(hosts.split(','))]),
    ],
  })
  const pem = (made: x509.X509Certificate) => pemOf('CERTIFICATE', new Uint8Array(made.rawData))
  return { ca: pem(authority), certificate: pem(certificate), key: privateKeyPem(leaf, true) }
}

const encode = (text: string) => base64Of(new TextEncoder().encode(text))

/** logrus' JSON on standard output. */
async function log(proc: Proc, level: 'info' | 'fatal', source: string, msg: string, fields: Record<string, string> = {}): Promise<void> {
  const entry = { ...fields, level, msg, source, time: `${new Date(proc.clock.nowMs()).toISOString().slice(0, 19)}Z` }
  await proc.stdout.write(`${JSON.stringify(entry)}\n`)
}
