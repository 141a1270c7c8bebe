import type { ClusterPkiSnapshot } from '../apiserver/pki/cluster-pki.ts'
import type { K3sAddon } from '../topology.ts'

/** What an installer has decided on of a control plane. */
export interface ControlPlaneConfiguration {
  /** Whose layout: kubeadm's, where static pods are the components, or k3s', where its process is all of them. */
  flavour: 'kubeadm' | 'k3s'
  /** Of contexts and users in kubeconfigs. */
  clusterName: string
  /** Where nodes' ranges for pods are taken from; empty: nodes get none. */
  podCidr: string
  serviceCidr: string
  clusterDomain: string
  /** Where the API server says that it is; the machine's address by default. */
  advertiseAddress?: string
  /** Names and addresses besides the machine's own by which clients find it, such as kubeadm's controlPlaneEndpoint or k3s' --tls-san. */
  names?: readonly string[]
  /** Keys that the installer has made; new ones are made without. */
  pki?: ClusterPkiSnapshot
  /** Whether k3s keeps its objects in an etcd that more servers may join; in a file of its own otherwise. */
  isEtcdEmbedded?: boolean
  /** Add-ons of k3s that are left away. */
  disabled?: readonly K3sAddon[]
}

/** What programs of machines do to the control plane that their network has, or may get. */
export interface ControlPlaneInstaller {
  /** The machine on which there is one; undefined: there is none. */
  readonly host: string | undefined
  /** The machines that carry it. */
  readonly carriers: readonly string[]
  /** Whether it can be installed and taken away again; a cluster that came with its control plane keeps it. */
  readonly isOptional: boolean
  /** k8s: what `kubeadm init` and `k3s server` do that isn't files. See {@link Cluster.installControlPlane} */
  install(machine: string, configuration: ControlPlaneConfiguration): Promise<void>
  /** See {@link Cluster.removeControlPlane} */
  remove(): Promise<void>
  /** k3s' process on a machine begins, or goes on: a server's with what it was installed as, an agent's with its pod network and kubelet. */
  begin(machine: string): void
  /** k3s' process on a machine has ended: its components, pod network and kubelet stop, containers run on. */
  end(machine: string): void
  /** A machine becomes one more server of k3s, with a member of the control plane's etcd. */
  join(machine: string): Promise<void>
  /** See {@link Cluster.adminKubeconfig} */
  adminKubeconfig(serverUrl: string, name: string): string
}
