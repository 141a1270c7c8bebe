import * as x509 from '../../../../base/x509.ts'
import type { UtilityContext } from '../../../../unix/utilities/utility.ts'
import { MANIFESTS } from '../../../kubeadm/node-files.ts'
import type { Pod } from '../../../kinds/generated/types.ts'
import { parseYaml } from '../../../kinds/yaml-text.ts'
import { API_PORT, DEFAULT_CLUSTER_NAME, DEFAULT_DNS_DOMAIN, DEFAULT_SERVICE_SUBNET } from '../cluster-configuration.ts'
import type { NodeServices } from '../command.ts'
import { PKI, keysOf } from '../control-plane-files.ts'

/** The machine becomes the control plane that its manifests and certificates describe, as soon as its kubelet runs them. Without manifests it becomes none. */
export async function installFromFiles(context: UtilityContext, { controlPlane }: NodeServices): Promise<void> {
  const { proc: { fs, machine } } = context
  if (controlPlane.host !== undefined || !['etcd', 'kube-apiserver', 'kube-controller-manager'].every((component) => fs.exists(`${MANIFESTS}/${component}.yaml`))) return
  const flagsOf = (component: string): ReadonlyMap<string, string> => {
    const { spec } = parseYaml(fs.readText(`${MANIFESTS}/${component}.yaml`)).value as Pod
    return new Map((spec.containers[0]!.command ?? []).flatMap((word) => { const [, name, value] = /^--([^=]+)=(.*)$/.exec(word) ?? []; return name === undefined ? [] : [[name, value!]] }))
  }
  const [apiServer, manager] = [flagsOf('kube-apiserver'), flagsOf('kube-controller-manager')]
  if (apiServer.get('secure-port') !== String(API_PORT)) throw new Error(`drydock: an API server at another port than ${API_PORT} is not supported`)
  const certificate = new x509.X509Certificate(fs.readText(`${PKI}/apiserver.crt`))
  const names = certificate.getExtension(x509.SubjectAlternativeNameExtension)?.names.toJSON().map(({ value }) => value) ?? []
  const advertiseAddress = apiServer.get('advertise-address')
  await controlPlane.install(machine.hostname, {
    flavour: 'kubeadm', clusterName: manager.get('cluster-name') ?? DEFAULT_CLUSTER_NAME, podCidr: manager.get('allocate-node-cidrs') === 'true' ? manager.get('cluster-cidr') ?? '' : '', serviceCidr: apiServer.get('service-cluster-ip-range') ?? DEFAULT_SERVICE_SUBNET,
    clusterDomain: apiServer.get('service-account-issuer')?.replace(/^https:\/\/kubernetes\.default\.svc\./, '') ?? DEFAULT_DNS_DOMAIN, ...advertiseAddress === undefined ? {} : { advertiseAddress }, names, pki: await keysOf(context),
  })
}
