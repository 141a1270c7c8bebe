import { BACKDATE_MS, YEAR_MS, alternativeNames, createAuthority, generateKeys, privateKeyPem, serialOf, signCertificate, subjectName } from '../../base/certificates.ts'
import { ExtendedKeyUsage, KeyUsageFlags } from '../../base/x509.ts'

/** Certificates and keys of etcd and of its client, the API server, by their place below kubeadm's folder. k8s: cmd/kubeadm/app/phases/certs certlist.go */
export async function etcdPki({ hosts, nowMs }: { hosts: readonly string[]; nowMs: number }): Promise<Record<string, string>> {
  const authority = await createAuthority('etcd-ca', nowMs)
  const files: Record<string, string> = { 'etcd/ca.crt': authority.certificatePem, 'etcd/ca.key': await privateKeyPem(authority.key) }
  const issue = async (path: string, commonName: string, usages: readonly string[], names: readonly string[]) => {
    const keys = await generateKeys()
    files[`${path}.crt`] = await signCertificate(authority, {
      subject: subjectName(commonName), publicKey: keys.publicKey, serialNumber: await serialOf(await crypto.subtle.exportKey('spki', keys.publicKey)), notBeforeMs: nowMs - BACKDATE_MS, notAfterMs: nowMs + YEAR_MS,
      keyUsages: KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment, extendedKeyUsages: usages, alternativeNames: alternativeNames(names),
    })
    files[`${path}.key`] = await privateKeyPem(keys.privateKey)
  }
  const { serverAuth, clientAuth } = ExtendedKeyUsage
  const node = hosts[0]!
  await issue('etcd/server', node, [serverAuth, clientAuth], hosts)
  await issue('etcd/peer', node, [serverAuth, clientAuth], hosts)
  await issue('etcd/healthcheck-client', 'kube-etcd-healthcheck-client', [clientAuth], [])
  await issue('apiserver-etcd-client', 'kube-apiserver-etcd-client', [clientAuth], [])
  return files
}
