import type { Access } from '../kubeconfig-client.ts'
import { publicKeyPin } from './token.ts'

/** The command that adds a machine, as it is shown to people. k8s: cmd/kubeadm/app/cmd/util/join.go */
export function joinCommand({ server, caPem }: Access, { token, controlPlane }: { token: string; controlPlane?: { key: string | undefined } }): string {
  const pins = caPem === undefined ? '' : `--discovery-token-ca-cert-hash ${publicKeyPin(caPem)} `
  return `kubeadm join ${server.replace('https://', '')} --token ${token} \\\n\t${pins}${controlPlane ? `\\\n\t--control-plane ${controlPlane.key === undefined ? '' : `--certificate-key ${controlPlane.key}`}` : ''}`
}
