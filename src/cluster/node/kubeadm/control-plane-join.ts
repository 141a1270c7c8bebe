import type { UtilityContext } from '../../../unix/utilities/utility.ts'
import { MANIFESTS } from '../../kubeadm/node-files.ts'
import { parseYaml } from '../../kinds/yaml-text.ts'
import { accessOf } from '../kubeconfig-client.ts'
import type { Access } from '../kubeconfig-client.ts'
import type { ClusterConfiguration } from './cluster-configuration.ts'
import { KUBERNETES, PKI, makeCertificate, makeKubeconfig, writeManifest } from './control-plane-files.ts'
import type { CertificateName } from './control-plane-files.ts'
import { wrapped } from './command.ts'
import { EtcdClient } from './etcd-client.ts'
import { CONTROL_PLANE_TAINT, markControlPlane } from './mark-control-plane.ts'
import { downloadCerts } from './upload-certs.ts'

const ADMIN = `${KUBERNETES}/admin.conf`
const CERTIFICATES_OF_JOIN: readonly CertificateName[] = ['etcd-server', 'etcd-peer', 'etcd-healthcheck-client', 'apiserver-etcd-client', 'apiserver', 'apiserver-kubelet-client', 'front-proxy-client']
/** k8s: cmd/kubeadm/app/phases/etcd etcdHealthyCheckInterval and Retries; util/etcd: how long a learner may take */
const ETCD_POLL_MS = 5_000
const ETCD_POLLS = 8
const PROMOTE_POLL_MS = 500
const PROMOTE_MS = 120_000
const DONE = `
This node has joined the cluster and a new control plane instance was created:

* Certificate signing request was sent to apiserver and approval was received.
* The Kubelet was informed of the new secure connection details.
* Control plane label and taint were applied to the new node.
* The Kubernetes control plane instances scaled up.
* A new etcd member was added to the local/stacked etcd cluster.

To start administering your cluster from this node, you need to run the following as a regular user:

	mkdir -p $HOME/.kube
	sudo cp -i ${ADMIN} $HOME/.kube/config
	sudo chown $(id -u):$(id -g) $HOME/.kube/config

Run 'kubectl get nodes' to see this node join the cluster.

`

/** `kubeadm join --control-plane`, as far as it is more than joining. k8s: cmd/kubeadm/app/cmd/phases/join */
export class ControlPlaneJoin {
  readonly #context: UtilityContext
  readonly #configuration: ClusterConfiguration
  readonly #node: { name: string; ip: string }

  /** @param configuration kubeadm's ClusterConfiguration as it is in the cluster */
  constructor(context: UtilityContext, configuration: string, advertiseAddress: string | undefined) {
    this.#context = context
    this.#configuration = (parseYaml(configuration).value ?? {}) as ClusterConfiguration
    this.#node = { name: context.proc.machine.hostname, ip: advertiseAddress ?? context.proc.net.addresses[0]! }
    if (!this.#configuration.controlPlaneEndpoint) throw new Error("unable to add a new control plane instance to a cluster that doesn't have a stable controlPlaneEndpoint address\n\nPlease ensure that:\n* The cluster has a stable controlPlaneEndpoint address.\n* The certificates that must be shared among control plane instances are provided.\n\n")
  }

  /** Certificates, kubeconfigs and manifests, but for etcd's. */
  async prepare(access: Access, certificateKey: string | undefined): Promise<void> {
    const { proc, out } = this.#context
    await out('[preflight] Running pre-flight checks before initializing the new control plane instance\n[preflight] Pulling images required for setting up a Kubernetes cluster\n[preflight] This might take a minute or two, depending on the speed of your internet connection\n[preflight] You can also perform this action beforehand using \'kubeadm config images pull\'\n')
    if (certificateKey !== undefined) await downloadCerts(this.#context, access, certificateKey)
    await this.#makeCertificates()
    await this.#makeKubeconfigs()
    await out(`[control-plane] Using manifest folder ${JSON.stringify(MANIFESTS)}\n`)
    for (const name of ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler']) {
      await out(`[control-plane] Creating static Pod manifest for ${JSON.stringify(name)}\n`)
      this.#writeManifest(name, [])
    }
    await out('[check-etcd] Checking that the etcd cluster is healthy\n')
    await (await this.#etcd()).members().catch((error: unknown) => { throw wrapped('error syncing endpoints with etcd', error) })
    proc.fs.mkdir('/var/lib/etcd', { recursive: true, mode: 0o700 })
  }

  /** etcd's new member: a learner that is promoted once it has everything. */
  async joinEtcd(): Promise<void> {
    const { proc, out } = this.#context
    const { name, ip } = this.#node
    const etcd = await this.#etcd()
    const peerUrl = `https://${ip}:2380`
    const before = await etcd.members()
    const members = before.some(({ peerURLs }) => peerURLs.includes(peerUrl)) ? before : await etcd.addLearner(peerUrl)
    await out('[etcd] Announced new etcd member joining to the existing etcd cluster\n[etcd] Creating static Pod manifest for "etcd"\n')
    const others = members.filter(({ peerURLs }) => !peerURLs.includes(peerUrl)).map((member) => ({ name: member.name ?? '', ip: new URL(member.peerURLs[0]!).hostname }))
    this.#writeManifest('etcd', others)
    const id = members.find(({ peerURLs }) => peerURLs.includes(peerUrl))!.ID
    const endMs = proc.clock.nowMs() + PROMOTE_MS
    for (;;) {
      try {
        await etcd.promote(id)
        break
      } catch (error) {
        if (proc.clock.nowMs() > endMs) throw wrapped('error creating local etcd static pod manifest file', error)
        await proc.clock.sleep(PROMOTE_POLL_MS)
      }
    }
    await out(`[etcd] Waiting for the new etcd member to join the cluster. This can take up to ${ETCD_POLL_MS * ETCD_POLLS / 1000}s\n`)
    for (let left = ETCD_POLLS; ; left--) {
      if ((await etcd.members()).some((member) => member.name === name && !member.isLearner)) return
      if (left === 0) throw new Error('error creating local etcd static pod manifest file: timeout waiting for etcd cluster to be available')
      await proc.clock.sleep(ETCD_POLL_MS)
    }
  }

  /** Label and taint. */
  async mark(): Promise<void> {
    const { proc, out } = this.#context
    await markControlPlane(this.#context, accessOf(proc.fs.readText(ADMIN), (file) => proc.fs.readText(file)), this.#node.name, [CONTROL_PLANE_TAINT])
    await out(DONE)
  }

  async #etcd(): Promise<EtcdClient> {
    const { proc } = this.#context
    return EtcdClient.ofCluster(this.#context, accessOf(proc.fs.readText(ADMIN), (file) => proc.fs.readText(file)))
  }

  async #makeCertificates(): Promise<void> {
    const { proc: { fs }, out } = this.#context
    for (const file of ['ca.crt', 'ca.key', 'sa.key', 'front-proxy-ca.crt', 'front-proxy-ca.key', 'etcd/ca.crt', 'etcd/ca.key'])
      if (!fs.exists(`${PKI}/${file}`)) throw new Error(`One or more conditions for hosting a new control plane instance is not satisfied.\n\nfailure loading certificate for ${file}: couldn't load the certificate file: open ${PKI}/${file}: no such file or directory\n\nPlease ensure that:\n* The cluster has a stable controlPlaneEndpoint address.\n* The certificates that must be shared among control plane instances are provided.\n\n`)
    await out(`[certs] Using certificateDir folder ${JSON.stringify(PKI)}\n`)
    for (const name of CERTIFICATES_OF_JOIN) await makeCertificate(this.#context, name, this.#node, this.#configuration)
    await out(`[certs] Valid certificates and keys now exist in ${JSON.stringify(PKI)}\n[certs] Using the existing "sa" key\n`)
  }

  async #makeKubeconfigs(): Promise<void> {
    await this.#context.out(`[kubeconfig] Generating kubeconfig files\n[kubeconfig] Using kubeconfig folder ${JSON.stringify(KUBERNETES)}\n`)
    for (const name of ['admin', 'controller-manager', 'scheduler'] as const) await makeKubeconfig(this.#context, name, this.#node, this.#configuration)
  }

  #writeManifest(component: string, etcdMembers: readonly { name: string; ip: string }[]): void {
    writeManifest(this.#context, component, this.#node, this.#configuration, etcdMembers)
  }
}
