import type { Proc } from '../../../unix/types.ts'
import type { Call } from '../../calico/resources.ts'

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'
const VALID_S = 24 * 60 * 60
/** The node's file, as pods of Calico see it. */
const FILE = '/host/etc/cni/net.d/calico-kubeconfig'

/** Writes the kubeconfig of the node's network plugin, with a token of its own. @returns when that token ends, in milliseconds. calico: node/pkg/cni TokenRefresher, cni-plugin/pkg/install writeKubeconfig */
export async function writeCredentials(proc: Proc, call: Call): Promise<number> {
  const account = proc.env.CALICO_CNI_SERVICE_ACCOUNT || 'calico-cni-plugin'
  const namespace = proc.fs.readText(`${ACCOUNT}/namespace`).trim()
  const { status } = await call<{ status: { token: string; expirationTimestamp: string } }>('POST', `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: [], expirationSeconds: VALID_S } })
  const authority = proc.env.SKIP_TLS_VERIFY === 'true' ? 'insecure-skip-tls-verify: true' : `certificate-authority-data: ${btoa(proc.fs.readText(`${ACCOUNT}/ca.crt`))}`
  const server = `${proc.env.KUBERNETES_SERVICE_PROTOCOL || 'https'}://${proc.env.KUBERNETES_SERVICE_HOST}:${proc.env.KUBERNETES_SERVICE_PORT}`
  proc.fs.writeFile(FILE, `# Kubeconfig file for Calico CNI plugin.
apiVersion: v1
kind: Config
clusters:
- name: local
  cluster:
    server: ${server}
    ${authority}
users:
- name: calico
  user:
    token: ${status.token}
contexts:
- name: calico-context
  context:
    cluster: local
    user: calico
current-context: calico-context
`, { mode: 0o600 })
  return Date.parse(status.expirationTimestamp)
}
