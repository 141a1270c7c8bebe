import * as x509 from '../../../base/x509.ts'
import { alternativeNames, subjectName } from '../../../base/certificates.ts'
import type { UtilityContext } from '../../../unix/utilities/utility.ts'
import { kubeconfigText } from '../../kubeadm/kubeconfig.ts'
import { MANIFESTS } from '../../kubeadm/node-files.ts'
import { staticPods } from '../../kubeadm/static-pods.ts'
import type { Node } from '../../kinds/generated/types.ts'
import { printYaml } from '../../kinds/print-yaml.ts'
import { parseYaml } from '../../kinds/yaml-text.ts'
import { accessOf, askApi } from '../kubeconfig-client.ts'
import type { Access } from '../kubeconfig-client.ts'
import { authorityOf, issued } from './certs.ts'
import { wrapped } from './command.ts'
import { EtcdClient } from './etcd-client.ts'
import { downloadCerts } from './upload-certs.ts'

const KUBERNETES = '/etc/kubernetes'
const PKI = `${KUBERNETES}/pki`
const ADMIN = `${KUBERNETES}/admin.conf`
const LABELS = ['node-role.kubernetes.io/control-plane', 'node.kubernetes.io/exclude-from-external-load-balancers']
const TAINT = { key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }
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

/** What joining as a control plane needs to know of the cluster. */
interface ClusterConfiguration {
  clusterName?: string
  controlPlaneEndpoint?: string
  networking?: { dnsDomain?: string; podSubnet?: string; serviceSubnet?: string }
  apiServer?: { certSANs?: string[] }
}

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
    const { name } = this.#node
    await out(`[mark-control-plane] Marking the node ${name} as control-plane by adding the labels: [${LABELS.join(' ')}]\n[mark-control-plane] Marking the node ${name} as control-plane by adding the taints [${TAINT.key}:${TAINT.effect}]\n`)
    const admin = accessOf(proc.fs.readText(ADMIN), (file) => proc.fs.readText(file))
    const path = `/api/v1/nodes/${name}`
    const { spec } = await askApi<Node>(proc, admin, 'GET', path)
    const taints = [...(spec.taints ?? []).filter(({ key }) => key !== TAINT.key), TAINT]
    await askApi(proc, admin, 'PATCH', path, { metadata: { labels: Object.fromEntries(LABELS.map((label) => [label, ''])) }, spec: { taints } })
    await out(DONE)
  }

  async #etcd(): Promise<EtcdClient> {
    const { proc } = this.#context
    return EtcdClient.ofCluster(this.#context, accessOf(proc.fs.readText(ADMIN), (file) => proc.fs.readText(file)))
  }

  async #makeCertificates(): Promise<void> {
    const { proc: { fs }, out } = this.#context
    const { name, ip } = this.#node
    const { networking = {}, apiServer = {}, controlPlaneEndpoint = '' } = this.#configuration
    for (const file of ['ca.crt', 'ca.key', 'sa.key', 'front-proxy-ca.crt', 'front-proxy-ca.key', 'etcd/ca.crt', 'etcd/ca.key'])
      if (!fs.exists(`${PKI}/${file}`)) throw new Error(`One or more conditions for hosting a new control plane instance is not satisfied.\n\nfailure loading certificate for ${file}: couldn't load the certificate file: open ${PKI}/${file}: no such file or directory\n\nPlease ensure that:\n* The cluster has a stable controlPlaneEndpoint address.\n* The certificates that must be shared among control plane instances are provided.\n\n`)
    await out(`[certs] Using certificateDir folder ${JSON.stringify(PKI)}\n`)
    const { serverAuth, clientAuth } = x509.ExtendedKeyUsage
    const etcdHosts = [name, 'localhost', ip, '127.0.0.1', '::1']
    const service = (networking.serviceSubnet ?? '10.96.0.0/12').replace(/\d+\/\d+$/, '1')
    const apiHosts = [name, 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc', `kubernetes.default.svc.${networking.dnsDomain ?? 'cluster.local'}`, controlPlaneEndpoint.replace(/:\d+$/, ''), service, ip, ...apiServer.certSANs ?? []]
    const wanted: readonly (readonly [base: string, authority: string, commonName: string, usages: readonly string[], hosts: readonly string[], organizations: readonly string[]])[] = [
      ['etcd/server', 'etcd-ca', name, [serverAuth, clientAuth], etcdHosts, []],
      ['etcd/peer', 'etcd-ca', name, [serverAuth, clientAuth], etcdHosts, []],
      ['etcd/healthcheck-client', 'etcd-ca', 'kube-etcd-healthcheck-client', [clientAuth], [], []],
      ['apiserver-etcd-client', 'etcd-ca', 'kube-apiserver-etcd-client', [clientAuth], [], []],
      ['apiserver', 'ca', 'kube-apiserver', [serverAuth], [...new Set(apiHosts)], []],
      ['apiserver-kubelet-client', 'ca', 'kube-apiserver-kubelet-client', [clientAuth], [], ['kubeadm:cluster-admins']],
      ['front-proxy-client', 'front-proxy-ca', 'front-proxy-client', [clientAuth], [], []],
    ]
    for (const [base, authorityName, commonName, usages, hosts, organizations] of wanted) {
      const authority = await authorityOf(this.#context, PKI, authorityName)
      if (!authority) throw new Error(`failure loading certificate for ${authorityName}`)
      const { certificatePem, keyPem } = await issued(this.#context, authority, { subject: subjectName(commonName, organizations), extendedKeyUsages: [...usages], ...(hosts.length > 0 ? { alternativeNames: alternativeNames(hosts) } : {}) })
      fs.writeFile(`${PKI}/${base}.crt`, certificatePem, { mode: 0o644 })
      fs.writeFile(`${PKI}/${base}.key`, keyPem, { mode: 0o600 })
      await out(`[certs] Generating ${JSON.stringify(base)} certificate and key\n`)
      const isAddress = (host: string) => /^[\d.]+$|:/.test(host)
      if (hosts.length > 0) await out(`[certs] ${base} serving cert is signed for DNS names [${[...new Set(hosts)].filter((host) => !isAddress(host)).sort().join(' ')}] and IPs [${[...new Set(hosts)].filter(isAddress).join(' ')}]\n`)
    }
    await out(`[certs] Valid certificates and keys now exist in ${JSON.stringify(PKI)}\n[certs] Using the existing "sa" key\n`)
  }

  async #makeKubeconfigs(): Promise<void> {
    const { proc: { fs }, out } = this.#context
    const { clusterName = 'kubernetes', controlPlaneEndpoint } = this.#configuration
    const authority = await authorityOf(this.#context, PKI, 'ca')
    await out(`[kubeconfig] Generating kubeconfig files\n[kubeconfig] Using kubeconfig folder ${JSON.stringify(KUBERNETES)}\n`)
    const local = `https://${this.#node.ip}:6443`
    for (const [file, commonName, organizations, serverUrl] of [['admin', 'kubernetes-admin', ['kubeadm:cluster-admins'], `https://${controlPlaneEndpoint}`], ['controller-manager', 'system:kube-controller-manager', [], local], ['scheduler', 'system:kube-scheduler', [], local]] as const) {
      const { certificatePem, keyPem } = await issued(this.#context, authority!, { subject: subjectName(commonName, organizations), extendedKeyUsages: [x509.ExtendedKeyUsage.clientAuth] })
      fs.writeFile(`${KUBERNETES}/${file}.conf`, kubeconfigText({ name: clusterName, serverUrl, caCertificatePem: authority!.certificatePem, clientCertificatePem: certificatePem, clientKeyPem: keyPem }), { mode: 0o600 })
      await out(`[kubeconfig] Writing "${file}.conf" kubeconfig file\n`)
    }
  }

  #writeManifest(component: string, etcdMembers: readonly { name: string; ip: string }[]): void {
    const { fs } = this.#context.proc
    const { clusterName = 'kubernetes', networking = {} } = this.#configuration
    const pod = staticPods(this.#node, { clusterName, podCidr: networking.podSubnet ?? '', serviceCidr: networking.serviceSubnet ?? '10.96.0.0/12', clusterDomain: networking.dnsDomain ?? 'cluster.local', etcdMembers }).find(({ metadata }) => metadata.name === component)!
    fs.mkdir(MANIFESTS, { recursive: true })
    fs.writeFile(`${MANIFESTS}/${component}.yaml`, printYaml({ ...pod, status: {} }), { mode: 0o600 })
  }
}
