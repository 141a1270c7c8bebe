import type { UtilityContext } from '../../../../unix/utilities/utility.ts'
import { coreDns, kubeProxy } from '../../../kubeadm/addons.ts'
import { administratorsRights, bootstrapRights, clusterInfo, uploadedConfiguration, uploadedKubeletConfiguration } from '../../../kubeadm/configuration.ts'
import { KUBELET_CLIENT_CERTIFICATE, KUBELET_CONFIG, KUBELET_FLAGS, KUBELET_KUBECONFIG, MANIFESTS } from '../../../kubeadm/node-files.ts'
import type { KubeObject } from '../../../kinds/object.ts'
import { printYaml } from '../../../kinds/print-yaml.ts'
import { parseYaml } from '../../../kinds/yaml-text.ts'
import { accessOf } from '../../kubeconfig-client.ts'
import type { Access } from '../../kubeconfig-client.ts'
import type { Arguments, NodeServices } from '../command.ts'
import { wrapped } from '../command.ts'
import { AUTHORITIES, CERTIFICATES, KUBECONFIGS, KUBERNETES, PKI, endpointOf, makeAuthority, makeCertificate, makeKubeconfig, makeServiceAccountKey, writeManifest } from '../control-plane-files.ts'
import type { AuthorityName, CertificateName, ControlPlaneNode, KubeconfigName } from '../control-plane-files.ts'
import { createOrUpdate } from '../create-or-update.ts'
import { criSocketOf, writeInstanceConfiguration } from '../kubelet-files.ts'
import { markControlPlane } from '../mark-control-plane.ts'
import { kubeletFlagsOf } from '../node-registration.ts'
import { runInitChecks } from '../preflight.ts'
import { tokenSecret } from '../token.ts'
import { storeCertificates } from '../upload-certs.ts'
import { waitForKubelet } from '../wait-for-kubelet.ts'
import { clusterConfigurationText } from './init-configuration.ts'
import type { InitConfiguration } from './init-configuration.ts'
import { installFromFiles } from './install-from-files.ts'
import { kubeletConfigurationOf } from './kubelet-configuration.ts'
import { doneText } from './done-text.ts'
import { waitForComponents } from './wait-for-components.ts'

/** What the phases of one `kubeadm init` share. */
export interface InitData {
  context: UtilityContext
  args: Arguments
  services: NodeServices
  configuration: InitConfiguration
  node: ControlPlaneNode
  uploadsCerts: boolean
  /** Only some phases are run. */
  isAlone: boolean
}

/** A phase, which may have parts. */
interface Phase {
  name: string
  /** Said before the first of its parts. */
  begin?(data: InitData): Promise<void>
  run?(data: InitData): Promise<void>
  parts?: readonly { name: string; run(data: InitData): Promise<void> }[]
}

const ADMIN = `${KUBERNETES}/admin.conf`
const COMPONENTS = { apiserver: 'kube-apiserver', 'controller-manager': 'kube-controller-manager', scheduler: 'kube-scheduler' } as const
/** In kubeadm's order: each authority is followed by what it signs. */
const CERTS: readonly (AuthorityName | CertificateName)[] = ['ca', 'apiserver', 'apiserver-kubelet-client', 'front-proxy-ca', 'front-proxy-client', 'etcd-ca', 'etcd-server', 'etcd-peer', 'etcd-healthcheck-client', 'apiserver-etcd-client']
const KUBECONFIG_ORDER: readonly KubeconfigName[] = ['admin', 'super-admin', 'kubelet', 'controller-manager', 'scheduler']

/** What a control plane's administrator is to its API. @throws Error without the file */
export function accessBy({ context: { proc: { fs } } }: InitData, path = ADMIN): Access {
  if (!fs.exists(path)) throw new Error(`failed to load admin kubeconfig: open ${path}: no such file or directory`)
  return accessOf(fs.readText(path), (file) => fs.readText(file))
}

async function put(data: InitData, objects: readonly KubeObject[], access = accessBy(data)): Promise<void> {
  for (const object of objects) await createOrUpdate(data.context, access, object)
}

const isAuthority = (name: string): name is AuthorityName => name in AUTHORITIES
const isCertificate = (name: string): name is CertificateName => name in CERTIFICATES

/** k8s: cmd/kubeadm/app/cmd/phases/init */
export const PHASES: readonly Phase[] = [
  {
    name: 'preflight',
    async run({ context, configuration, services }) {
      await context.out('[preflight] Running pre-flight checks\n')
      await runInitChecks(context, configuration.ignoredChecks, services)
      const { host, isOptional } = services.controlPlane
      if (host !== undefined) throw new Error(isOptional ? `drydock: ${host} has a control plane, and the machines of a network share one` : `drydock: the machines of this network belong to the cluster of ${host}; further control planes need a network of their own (virsh net-create, virt-install --network network=NAME)`)
      await context.out("[preflight] Pulling images required for setting up a Kubernetes cluster\n[preflight] This might take a minute or two, depending on the speed of your internet connection\n[preflight] You can also perform this action beforehand using 'kubeadm config images pull'\n")
    },
  },
  {
    name: 'certs',
    begin: ({ context }) => context.out(`[certs] Using certificateDir folder ${JSON.stringify(PKI)}\n`),
    parts: [
      ...CERTS.map((name) => ({
        name,
        async run({ context, node, configuration }: InitData) {
          if (isAuthority(name)) await makeAuthority(context, name)
          if (isCertificate(name)) await makeCertificate(context, name, node, configuration.cluster)
        },
      })),
      { name: 'sa', run: ({ context }) => makeServiceAccountKey(context) },
    ],
  },
  {
    name: 'kubeconfig',
    begin: ({ context }) => context.out(`[kubeconfig] Using kubeconfig folder ${JSON.stringify(KUBERNETES)}\n`),
    parts: KUBECONFIG_ORDER.filter((name) => name in KUBECONFIGS).map((name) => ({ name, run: ({ context, node, configuration }: InitData) => makeKubeconfig(context, name, node, configuration.cluster) })),
  },
  {
    name: 'etcd',
    parts: [{
      name: 'local',
      async run({ context, node, configuration }) {
        context.proc.fs.mkdir('/var/lib/etcd', { recursive: true, mode: 0o700 })
        await context.out(`[etcd] Creating static Pod manifest for local etcd in ${JSON.stringify(MANIFESTS)}\n`)
        writeManifest(context, 'etcd', node, configuration.cluster)
      },
    }],
  },
  {
    name: 'control-plane',
    begin: ({ context }) => context.out(`[control-plane] Using manifest folder ${JSON.stringify(MANIFESTS)}\n`),
    parts: Object.entries(COMPONENTS).map(([name, component]) => ({
      name,
      async run({ context, node, configuration }: InitData) {
        await context.out(`[control-plane] Creating static Pod manifest for ${JSON.stringify(component)}\n`)
        writeManifest(context, component, node, configuration.cluster)
      },
    })),
  },
  {
    name: 'kubelet-start',
    async run(data) {
      const { context, services, configuration } = data
      const { proc: { fs }, out } = context
      await services.stop('kubelet')
      fs.mkdir('/var/lib/kubelet', { recursive: true, mode: 0o700 })
      await out(`[kubelet-start] Writing kubelet environment file with flags to file ${JSON.stringify(KUBELET_FLAGS)}\n`)
      fs.writeFile(KUBELET_FLAGS, kubeletFlagsOf(configuration.registration, { registersTaints: false }), { mode: 0o644 })
      await writeInstanceConfiguration(context)
      await out(`[kubelet-start] Writing kubelet configuration to file ${JSON.stringify(KUBELET_CONFIG)}\n`)
      fs.writeFile(KUBELET_CONFIG, printYaml(kubeletConfigurationOf(configuration, criSocketOf(fs))), { mode: 0o644 })
      await installFromFiles(context, services)
      await out('[kubelet-start] Starting the kubelet\n')
      services.start('kubelet')
    },
  },
  {
    name: 'wait-control-plane',
    async run(data) {
      const { context, node } = data
      await context.out(`[wait-control-plane] Waiting for the kubelet to boot up the control plane as static Pods from directory ${JSON.stringify(MANIFESTS)}\n`)
      await waitForKubelet(context).catch(async (error: unknown) => {
        await context.out(KUBELET_HELP)
        throw wrapped('failed while waiting for the kubelet to start', error)
      })
      await waitForComponents(context, accessBy(data), node.ip)
      // Who has admin.conf gets its rights from who needs none.
      await put(data, [administratorsRights()], accessBy(data, `${KUBERNETES}/super-admin.conf`))
    },
  },
  {
    name: 'upload-config',
    parts: [
      {
        name: 'kubeadm',
        async run(data) {
          await data.context.out('[upload-config] Storing the configuration used in ConfigMap "kubeadm-config" in the "kube-system" Namespace\n')
          await put(data, uploadedConfiguration(clusterConfigurationText(data.configuration)))
        },
      },
      {
        name: 'kubelet',
        async run(data) {
          await data.context.out('[kubelet] Creating a ConfigMap "kubelet-config" in namespace kube-system with the configuration for the kubelets in the cluster\n')
          await put(data, uploadedKubeletConfiguration(printYaml(kubeletConfigurationOf(data.configuration))))
        },
      },
    ],
  },
  {
    name: 'upload-certs',
    async run(data) {
      const { context, args, configuration } = data
      if (!data.uploadsCerts) return context.out('[upload-certs] Skipping phase. Please see --upload-certs\n')
      await storeCertificates(context, accessBy(data), configuration.certificateKey)
      if (!args.has('skip-certificate-key-print')) await context.out(`[upload-certs] Using certificate key:\n${configuration.certificateKey}\n`)
    },
  },
  { name: 'mark-control-plane', run: (data) => markControlPlane(data.context, accessBy(data), data.node.name, data.configuration.taints) },
  {
    name: 'bootstrap-token',
    async run(data) {
      const { context: { proc, out }, args, configuration: { tokens } } = data
      const names = tokens.map(({ token }) => token)
      if (!args.has('skip-token-print') && names.length > 0) await out(names.length === 1 ? `[bootstrap-token] Using token: ${names[0]}\n` : `[bootstrap-token] Using tokens: [${names.join(' ')}]\n`)
      await out('[bootstrap-token] Configuring bootstrap tokens, cluster-info ConfigMap, RBAC Roles\n')
      await put(data, tokens.map((token) => tokenSecret({ ...token, nowMs: proc.clock.nowMs() })))
      const access = accessBy(data)
      await put(data, bootstrapRights(), access)
      for (const what of BOOTSTRAP_RIGHTS) await out(`[bootstrap-token] Configured RBAC rules to allow ${what}\n`)
      await out('[bootstrap-token] Creating the "cluster-info" ConfigMap in the "kube-public" namespace\n')
      await put(data, clusterInfo({ caCertificatePem: access.caPem ?? '', server: access.server }), access)
    },
  },
  {
    name: 'kubelet-finalize',
    parts: [{
      name: 'enable-client-cert-rotation',
      async run({ context: { proc: { fs }, out } }) {
        if (!fs.exists(KUBELET_CLIENT_CERTIFICATE)) return
        await out(`[kubelet-finalize] Updating ${JSON.stringify(KUBELET_KUBECONFIG)} to point to a rotatable kubelet client certificate and key\n`)
        const kubeconfig = parseYaml(fs.readText(KUBELET_KUBECONFIG)).value as { users: { name: string; user: object }[] }
        fs.writeFile(KUBELET_KUBECONFIG, printYaml({ ...kubeconfig, users: kubeconfig.users.map(({ name }) => ({ name, user: { 'client-certificate': KUBELET_CLIENT_CERTIFICATE, 'client-key': KUBELET_CLIENT_CERTIFICATE } })) }), { mode: 0o600 })
      },
    }],
  },
  {
    name: 'addon',
    parts: [
      {
        name: 'coredns',
        async run(data) {
          const { serviceSubnet, dnsDomain } = data.configuration.cluster.networking
          await put(data, coreDns({ serviceCidr: serviceSubnet!, clusterDomain: dnsDomain! }))
          await data.context.out('[addons] Applied essential addon: CoreDNS\n')
        },
      },
      {
        name: 'kube-proxy',
        async run(data) {
          const { node, configuration: { cluster } } = data
          await put(data, kubeProxy({ controlPlaneEndpoint: endpointOf(node, cluster), podCidr: cluster.networking.podSubnet ?? '' }))
          await data.context.out('[addons] Applied essential addon: kube-proxy\n')
        },
      },
    ],
  },
  { name: 'show-join-command', run: async (data) => { for (const { token } of data.configuration.tokens) await data.context.out(doneText(data, token)) } },
]

/** What bootstrap tokens' rights are said to be for, in the order in which kubeadm says so. */
const BOOTSTRAP_RIGHTS = [
  'Node Bootstrap tokens to get nodes', 'Node Bootstrap tokens to post CSRs in order for nodes to get long term certificate credentials', 'the csrapprover controller automatically approve CSRs from a Node Bootstrap Token',
  'certificate rotation for all node client certificates in the cluster', 'the API server kubelet client certificate to access the kubelet API',
]
const KUBELET_HELP = `
Unfortunately, an error has occurred, likely caused by:
	- The kubelet is not running
	- The kubelet is unhealthy due to a misconfiguration of the node in some way (required cgroups disabled)

If you are on a systemd-powered system, you can try to troubleshoot the error with the following commands:
	- 'systemctl status kubelet'
	- 'journalctl -xeu kubelet'

`
