import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import type { Random } from '../../../base/random.ts'
import type { FileSystem } from '../../../unix/types.ts'
import { TOKEN_FILE, parseToken } from '../../k3s/supervisor.ts'
import { accessOf } from '../kubeconfig-client.ts'

export const K3S_KUBECONFIG = '/etc/rancher/k3s/k3s.yaml'
const SERVER = '/var/lib/rancher/k3s/server'
export const TLS_FOLDER = `${SERVER}/tls`
/** What k3s' kubeconfig calls cluster, user and context. */
export const K3S_CONTEXT = 'default'

export interface ServerFilesOptions {
  kubeconfig: string
  /** Of the token, where it was given. */
  token: string | undefined
  random: Random
  /** Where else the kubeconfig is to be, and with which permissions. */
  kubeconfigPath?: string | undefined
  kubeconfigMode?: number | undefined
}

/** The hash by which a token says which authority it trusts. k3s: pkg/clientaccess hashCA */
export const authorityHash = (caPem: string): string => bytesToHex(sha256(utf8ToBytes(caPem)))

/** What a server writes when it has begun: its kubeconfig, the token for others, and the certificates that can be looked at. The secret of a token that is there stays. */
export function writeServerFiles(files: FileSystem, { kubeconfig, token, random, kubeconfigPath = K3S_KUBECONFIG, kubeconfigMode = 0o600 }: ServerFilesOptions): void {
  const write = (path: string, text: string, mode: number) => {
    if (files.exists(path) && files.readText(path) === text && (files.stat(path).mode & 0o777) === mode) return
    files.mkdir(path.slice(0, path.lastIndexOf('/')), { recursive: true })
    files.writeFile(path, text, { mode })
    files.chmod(path, mode)
  }
  write(kubeconfigPath, kubeconfig, kubeconfigMode)
  const { caPem = '', clientCertificatePem = '', clientKeyPem = '' } = accessOf(kubeconfig, () => '')
  write(`${TLS_FOLDER}/server-ca.crt`, caPem, 0o644)
  write(`${TLS_FOLDER}/client-ca.crt`, caPem, 0o644)
  write(`${TLS_FOLDER}/client-admin.crt`, clientCertificatePem, 0o644)
  write(`${TLS_FOLDER}/client-admin.key`, clientKeyPem, 0o600)
  // Its secret stays, and says of which authority it is now.
  const password = files.exists(TOKEN_FILE) ? parseToken(files.readText(TOKEN_FILE).trim()).password : token === undefined ? random.hex(16) : parseToken(token).password
  write(TOKEN_FILE, `K10${authorityHash(caPem)}::server:${password}\n`, 0o600)
  for (const name of ['node-token', 'agent-token']) if (!files.exists(`${SERVER}/${name}`)) files.symlink(TOKEN_FILE, `${SERVER}/${name}`)
}
