import { BACKDATE_MS, YEAR_MS, alternativeNames, createAuthority, generateKeys, privateKeyPem, serialOf, signCertificate, subjectName } from '../../base/certificates.ts'
import type { CertificateAuthority } from '../../base/certificates.ts'
import { ExtendedKeyUsage, KeyUsageFlags } from '../../base/x509.ts'

/**
 * Certificates and keys of a node's etcd and of its client, the API server, by their place below kubeadm's folder. Further nodes share the authority.
 * k8s: cmd/kubeadm/app/phases/certs certlist.go
 */
export async function etcdPki({ hosts, nowMs, authority: known }: { hosts: readonly string[]; nowMs: number; authority?: CertificateAuthority }): Promise<Record<string, string>> {
  const authority = known ?? await createAuthority('etcd-ca', nowMs)
  const issue = async (path: string, commonName: string, usages: readonly string[], names: readonly string[]) => {
    const keys = await generateKeys()
    const certificate = await signCertificate(authority, {
      subject: subjectName(commonName), publicKey: keys.publicKey, serialNumber: await serialOf(await crypto.subtle.exportKey('spki', keys.publicKey)), notBeforeMs: nowMs - BACKDATE_MS, notAfterMs: nowMs + YEAR_MS,
      keyUsages: KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment, extendedKeyUsages: usages, alternativeNames: alternativeNames(names),
    })
    return { [`${path}.crt`]: certificate, [`${path}.key`]: await privateKeyPem(keys.privateKey) }
  }
  const { serverAuth, clientAuth } = ExtendedKeyUsage
  const node = hosts[0]!
  // Side by side, as the keys are made on other threads and a cluster's start waits for them.
  const issued = await Promise.all([
    issue('etcd/server', node, [serverAuth, clientAuth], hosts), issue('etcd/peer', node, [serverAuth, clientAuth], hosts),
    issue('etcd/healthcheck-client', 'kube-etcd-healthcheck-client', [clientAuth], []), issue('apiserver-etcd-client', 'kube-apiserver-etcd-client', [clientAuth], []),
  ])
  return Object.assign({ 'etcd/ca.crt': authority.certificatePem, 'etcd/ca.key': await privateKeyPem(authority.key) }, ...issued) as Record<string, string>
}
