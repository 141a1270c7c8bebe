/** A kubeconfig with everything embedded, as kubeadm writes admin.conf: context, cluster and user share one name. */
export function kubeconfigText(options: { name: string; serverUrl: string; caCertificatePem: string; clientCertificatePem: string; clientKeyPem: string }): string {
  const { name, serverUrl } = options
  return `apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: ${btoa(options.caCertificatePem)}
    server: ${serverUrl}
  name: ${name}
contexts:
- context:
    cluster: ${name}
    user: ${name}
  name: ${name}
current-context: ${name}
kind: Config
users:
- name: ${name}
  user:
    client-certificate-data: ${btoa(options.clientCertificatePem)}
    client-key-data: ${btoa(options.clientKeyPem)}
`
}
