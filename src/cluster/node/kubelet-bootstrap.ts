import { ALGORITHM, generateKeys, importPrivateKey, privateKeyPem } from '../../base/certificates.ts'
import type { Log } from '../../base/log.ts'
import { base64Of, base64Url } from '../../base/base64.ts'
import { hexOf } from '../../base/pem.ts'
import { sha256 } from '@noble/hashes/sha2.js'
import * as x509 from '../../base/x509.ts'
import type { Proc } from '../../unix/types.ts'
import { KUBELET_BOOTSTRAP_KUBECONFIG, KUBELET_CLIENT_CERTIFICATE, KUBELET_KUBECONFIG } from '../kubeadm/node-files.ts'
import type { CertificateSigningRequest } from '../kinds/generated/types.ts'
import { printYaml } from '../kinds/print-yaml.ts'
import { ApiAnswerError, accessOf, askApi } from './kubeconfig-client.ts'

const REQUESTS = '/apis/certificates.k8s.io/v1/certificatesigningrequests'
/** The key of a request that hasn't been answered yet: the next kubelet asks for the same. */
const KEY_IN_WORK = '/var/lib/kubelet/pki/kubelet-client.key.tmp'
const POLL_MS = 250
/** k8s: bootstrap.go requestNodeCertificate */
const PATIENCE_MS = 15 * 60_000

/**
 * Asks for the client certificate of a node with a bootstrap token, waits until it is approved and signed, and writes the kubeconfig that uses it.
 * k8s: pkg/kubelet/certificate/bootstrap LoadClientConfig, LoadClientCert
 */
export async function bootstrapClientCertificate(proc: Proc, log: Log): Promise<void> {
  const { fs, clock } = proc
  const access = accessOf(fs.readText(KUBELET_BOOTSTRAP_KUBECONFIG), (path) => fs.readText(path))
  log.info('Using bootstrap kubeconfig to generate TLS client cert, key and kubeconfig file')
  fs.mkdir('/var/lib/kubelet/pki', { recursive: true })
  const keyPem = fs.exists(KEY_IN_WORK) ? fs.readText(KEY_IN_WORK) : await clock.outside(generateKeys().then(({ privateKey }) => privateKeyPem(privateKey)))
  fs.writeFile(KEY_IN_WORK, keyPem, { mode: 0o600 })
  const nodeName = proc.machine.hostname
  const { pem, fingerprint } = await clock.outside(signingRequest(keyPem, nodeName))
  const usages = ['digital signature', 'client auth']
  const name = `node-csr-${base64Url(sha256(new TextEncoder().encode(`${fingerprint} ${nodeName} ${usages.join()}`)))}`
  const endMs = clock.nowMs() + PATIENCE_MS
  let isAsked = false
  for (;;) {
    try {
      if (!isAsked) {
        log.info('Waiting for client certificate to be issued')
        await askApi(proc, access, 'POST', REQUESTS, {
          apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest', metadata: { name },
          spec: { request: base64Of(new TextEncoder().encode(pem)), signerName: 'kubernetes.io/kube-apiserver-client-kubelet', usages },
        }).catch((error: unknown) => { if (!(error instanceof ApiAnswerError && error.reason === 'AlreadyExists')) throw error })
        isAsked = true
      }
      const { status } = await askApi<CertificateSigningRequest>(proc, access, 'GET', `${REQUESTS}/${name}`)
      if (status?.conditions?.some(({ type }) => type === 'Denied')) throw new Error(`cannot create certificate signing request: certificate signing request is denied, reason: ${status.conditions.find(({ type }) => type === 'Denied')!.reason}, message: ${status.conditions.find(({ type }) => type === 'Denied')!.message}`)
      if (status?.certificate) {
        writeIdentity(proc, nodeName, access.server, access.caPem ?? '', atob(status.certificate) + keyPem)
        return
      }
    } catch (error) {
      // Without an answer it asks again; what it was told is an answer.
      if (error instanceof ApiAnswerError || clock.nowMs() > endMs || /denied/.test((error as Error).message)) throw new Error(error instanceof ApiAnswerError ? `cannot create certificate signing request: ${error.message}` : (error as Error).message)
      log.warn('could not ask for a client certificate, will retry', { err: (error as Error).message })
      await clock.sleep(2_000)
    }
    if (clock.nowMs() > endMs) throw new Error('timed out waiting for the condition')
    await clock.sleep(POLL_MS)
  }
}

/** A kubeconfig that carries its certificate gives it to the store from which it is renewed. k8s: pkg/kubelet/certificate bootstrap.go, util/certificate NewManager */
export function storeEmbeddedCertificate({ fs, clock }: Proc): void {
  const { clientCertificatePem, clientKeyPem } = accessOf(fs.readText(KUBELET_KUBECONFIG), (path) => fs.exists(path) ? fs.readText(path) : '')
  if (fs.exists(KUBELET_CLIENT_CERTIFICATE) || !clientCertificatePem || !clientKeyPem) return
  fs.mkdir('/var/lib/kubelet/pki', { recursive: true })
  storeCertificate(fs, clock.nowMs(), clientCertificatePem + clientKeyPem)
}

function storeCertificate(fs: Proc['fs'], nowMs: number, pem: string): void {
  const stamp = new Date(nowMs).toISOString().replace('T', '-').replaceAll(':', '-').slice(0, 19)
  const file = `/var/lib/kubelet/pki/kubelet-client-${stamp}.pem`
  fs.writeFile(file, pem, { mode: 0o600 })
  fs.remove(KUBELET_CLIENT_CERTIFICATE, { force: true })
  fs.symlink(file, KUBELET_CLIENT_CERTIFICATE)
}

async function signingRequest(keyPem: string, nodeName: string): Promise<{ pem: string; fingerprint: string }> {
  const privateKey = await importPrivateKey(keyPem)
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', privateKey)
  const publicKey = await crypto.subtle.importKey('jwk', { kty: kty!, crv: crv!, x: x!, y: y! }, ALGORITHM, true, ['verify'])
  const request = await x509.Pkcs10CertificateRequestGenerator.create({ name: [{ O: ['system:nodes'] }, { CN: [`system:node:${nodeName}`] }], keys: { privateKey, publicKey }, signingAlgorithm: ALGORITHM })
  return { pem: `${request.toString('pem')}\n`, fingerprint: hexOf(sha256(new Uint8Array(await crypto.subtle.exportKey('spki', publicKey)))) }
}

/** The certificate with its key, and the kubeconfig of the node. k8s: util/certificate FileStore, bootstrap.go writeKubeconfigFromBootstrapping */
function writeIdentity(proc: Proc, nodeName: string, server: string, caPem: string, pem: string): void {
  const { fs, clock } = proc
  storeCertificate(fs, clock.nowMs(), pem)
  fs.remove(KEY_IN_WORK, { force: true })
  fs.writeFile(KUBELET_KUBECONFIG, printYaml({
    apiVersion: 'v1', kind: 'Config', 'current-context': 'default-context',
    clusters: [{ name: 'default-cluster', cluster: { 'certificate-authority-data': btoa(caPem), server } }],
    contexts: [{ name: 'default-context', context: { cluster: 'default-cluster', namespace: 'default', user: 'default-auth' } }],
    users: [{ name: 'default-auth', user: { 'client-certificate': KUBELET_CLIENT_CERTIFICATE, 'client-key': KUBELET_CLIENT_CERTIFICATE } }],
  }), { mode: 0o600 })
}
