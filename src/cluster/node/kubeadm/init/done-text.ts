import { KUBERNETES } from '../control-plane-files.ts'
import { joinCommand } from '../join-command.ts'
import { accessBy } from './phases.ts'
import type { InitData } from './phases.ts'

/** What `kubeadm init` says last. k8s: cmd/kubeadm/app/cmd/phases/init/showjoincommand.go */
export function doneText(data: InitData, token: string): string {
  const { args, uploadsCerts, configuration: { cluster, certificateKey } } = data
  const access = accessBy(data)
  const shownToken = args.has('skip-token-print') ? '<value withheld>' : token
  // A key that nothing was encrypted with opens nothing.
  const key = !uploadsCerts ? undefined : args.has('skip-certificate-key-print') ? '<value withheld>' : certificateKey
  const more = uploadsCerts ? `You can now join any number of control-plane nodes running the following command on each as root:

  ${joinCommand(access, { token: shownToken, controlPlane: { key } })}

Please note that the certificate-key gives access to cluster sensitive data, keep it secret!
As a safeguard, uploaded-certs will be deleted in two hours; If necessary, you can use
"kubeadm init phase upload-certs --upload-certs" to reload certs afterward.

` : `You can now join any number of control-plane nodes by copying certificate authorities
and service account keys on each node and then running the following as root:

  ${joinCommand(access, { token: shownToken, controlPlane: { key } })}

`
  return `
Your Kubernetes control-plane has initialized successfully!

To start using your cluster, you need to run the following as a regular user:

  mkdir -p $HOME/.kube
  sudo cp -i ${KUBERNETES}/admin.conf $HOME/.kube/config
  sudo chown $(id -u):$(id -g) $HOME/.kube/config

Alternatively, if you are the root user, you can run:

  export KUBECONFIG=/etc/kubernetes/admin.conf

You should now deploy a pod network to the cluster.
Run "kubectl apply -f [podnetwork].yaml" with one of the options listed at:
  https://kubernetes.io/docs/concepts/cluster-administration/addons/

${cluster.controlPlaneEndpoint ? more : ''}Then you can join any number of worker nodes by running the following on each as root:

${joinCommand(access, { token: shownToken })}
`
}
