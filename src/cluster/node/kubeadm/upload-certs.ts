import { base64Of, bytesOfBase64 } from '../../../base/base64.ts'
import { rfc3339 } from '../../../base/clock.ts'
import type { UtilityContext } from '../../../unix/utilities/utility.ts'
import type { Secret } from '../../kinds/generated/types.ts'
import { ApiAnswerError, askApi } from '../kubeconfig-client.ts'
import type { Access } from '../kubeconfig-client.ts'
import { CERTIFICATE_KEY_BYTES, NONCE_BYTES, certificateKeyOf, decrypted, encrypted } from './certificate-key.ts'
import { wrapped } from './command.ts'
import { createOrUpdate } from './create-or-update.ts'
import type { Command } from './command.ts'
import { freshToken } from './token.ts'

const PKI = '/etc/kubernetes/pki'
const SECRETS = '/api/v1/namespaces/kube-system/secrets'
const NAME = 'kubeadm-certs'
const ROLE = 'kubeadm:kubeadm-certs'
/** k8s: constants DefaultCertTokenDuration */
const TTL_MS = 2 * 3_600_000
/** Keys of the Secret and their files. k8s: cmd/kubeadm/app/phases/copycerts certsToTransfer */
const FILES: Readonly<Record<string, string>> = {
  'ca.crt': 'ca.crt', 'ca.key': 'ca.key', 'front-proxy-ca.crt': 'front-proxy-ca.crt', 'front-proxy-ca.key': 'front-proxy-ca.key', 'sa.pub': 'sa.pub', 'sa.key': 'sa.key',
  'etcd-ca.crt': 'etcd/ca.crt', 'etcd-ca.key': 'etcd/ca.key',
}

/** `kubeadm certs certificate-key` */
export const printCertificateKey: Command = async ({ proc, out }) => out(`${proc.random.hex(CERTIFICATE_KEY_BYTES)}\n`)

/** What further control planes need lies in a Secret, encrypted, for two hours. k8s: phases/copycerts UploadCerts */
export async function storeCertificates(context: UtilityContext, access: Access, keyText: string): Promise<void> {
  const { proc, out } = context
  const key = certificateKeyOf(keyText)
  await out(`[upload-certs] Storing the certificates in Secret "${NAME}" in the "kube-system" Namespace\n`)
  try {
    const [id = '', secret = ''] = freshToken(proc.random).split('.')
    const token = await askApi<Secret>(proc, access, 'POST', SECRETS, {
      apiVersion: 'v1', kind: 'Secret', type: 'bootstrap.kubernetes.io/token', metadata: { name: `bootstrap-token-${id}`, namespace: 'kube-system' },
      data: { 'token-id': btoa(id), 'token-secret': btoa(secret), description: btoa('Proxy for managing TTL for the kubeadm-certs secret'), expiration: btoa(rfc3339(proc.clock.nowMs() + TTL_MS)) },
    })
    const data: Record<string, string> = {}
    for (const [name, file] of Object.entries(FILES)) data[name] = base64Of(await encrypted(proc.clock, Uint8Array.from(proc.fs.readFile(`${PKI}/${file}`)), key, Uint8Array.from(proc.random.bytes(NONCE_BYTES))))
    await createOrUpdate(context, access, { apiVersion: 'v1', kind: 'Secret', type: 'Opaque', metadata: { name: NAME, namespace: 'kube-system', ownerReferences: [{ apiVersion: 'v1', kind: 'Secret', name: token.metadata.name!, uid: token.metadata.uid!, controller: true, blockOwnerDeletion: true }] }, data })
    await createOrUpdate(context, access, { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: ROLE, namespace: 'kube-system' }, rules: [{ verbs: ['get'], apiGroups: [''], resources: ['secrets'], resourceNames: [NAME] }] })
    await createOrUpdate(context, access, {
      apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata: { name: ROLE, namespace: 'kube-system' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: ROLE },
      subjects: [{ kind: 'Group', name: 'system:bootstrappers:kubeadm:default-node-token', apiGroup: 'rbac.authorization.k8s.io' }],
    })
  } catch (error) {
    throw wrapped('error uploading certs', error)
  }
}

/** What a control plane that joins takes from that Secret: texts by their places below kubeadm's folder. k8s: phases/copycerts DownloadCerts */
export async function downloadCerts({ proc, out }: UtilityContext, access: Access, keyText: string): Promise<void> {
  await out(`[download-certs] Downloading the certificates in Secret "${NAME}" in the "kube-system" Namespace\n`)
  const key = certificateKeyOf(keyText)
  let secret: Secret
  try {
    secret = await askApi<Secret>(proc, access, 'GET', `${SECRETS}/${NAME}`)
  } catch (error) {
    const isGone = error instanceof ApiAnswerError && error.reason === 'NotFound'
    throw wrapped('error downloading certs: error downloading the secret', isGone ? new Error(`Secret "${NAME}" was not found in the "kube-system" Namespace. This Secret might have expired. Please, run \`kubeadm init phase upload-certs --upload-certs\` on a control plane to generate a new one`) : error)
  }
  await out(`[download-certs] Saving the certificates to the folder: ${JSON.stringify(PKI)}\n`)
  for (const [name, file] of Object.entries(FILES)) {
    const data = secret.data?.[name]
    if (data === undefined) throw new Error(`error downloading certs: the Secret does not include the required certificate or key - name: ${name}, path: ${PKI}/${file}`)
    const bytes = await decrypted(proc.clock, Uint8Array.from(bytesOfBase64(data)), key).catch((error: unknown) => { throw wrapped('error downloading certs: error decoding secret data with provided key', error) })
    proc.fs.mkdir(`${PKI}/etcd`, { recursive: true })
    proc.fs.writeFile(`${PKI}/${file}`, bytes, { mode: name.endsWith('.key') ? 0o600 : 0o644 })
  }
}
