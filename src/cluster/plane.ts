import type { HttpVersion } from '../base/http.ts'
import type { ClusterClock } from '../base/clock.ts'
import type { CertificateAndKey } from '../base/certificates.ts'
import type { Log } from '../base/log.ts'
import { once } from '../base/once.ts'
import type { Platform } from '../base/platform.ts'
import type { Random } from '../base/random.ts'
import { createApiServer } from './apiserver/api-server.ts'
import type { ApiServer, ApiServerOptions } from './apiserver/api-server.ts'
import { defaultParts } from './apiserver/default-parts.ts'
import { createClusterPki, restoreClusterPki } from './apiserver/pki/cluster-pki.ts'
import type { ClusterPki, ClusterPkiSnapshot } from './apiserver/pki/cluster-pki.ts'
import type { UserInfo } from './apiserver/seams.ts'
import type { Api } from './client/api.ts'
import type { ApiFetch } from './client/json-client.ts'
import { createInformers } from './client/informers.ts'
import type { Informers } from './client/informers.ts'
import { EtcdMembers } from './etcd/members/etcd-members.ts'
import type { EtcdMembersOptions } from './etcd/members/etcd-members.ts'
import { Kindnet } from './network/kindnet.ts'
import { NetworkPolicyTable } from './network/network-policies.ts'
import type { Topology } from './topology.ts'

export interface PlaneOptions {
  platform: Platform
  clock: ClusterClock
  random: Random
  log: Log
  topology: Topology
  /** The node on which it begins, and where it says that it is. */
  founder: { name: string; ip: string }
  /** Names and addresses that the API server's certificate is for. */
  servingNames: readonly string[]
  /** Keys that there are already; new ones are made without. */
  pki?: ClusterPkiSnapshot | undefined
  apiServer: Pick<ApiServerOptions, 'etcd' | 'kinds' | 'dialer' | 'version' | 'health' | 'unreadable' | 'audit'>
  members: Omit<EtcdMembersOptions, 'etcd' | 'clock' | 'founder'>
}

/** What a control plane is besides its processes: its keys, the members of its etcd, its API server, and who looks at the API with that one's rights. */
export interface Plane {
  readonly founder: { name: string; ip: string }
  readonly pki: ClusterPki
  /** The certificates of the administrator, the API server and its proxy. */
  readonly admin: CertificateAndKey
  readonly serving: CertificateAndKey
  readonly proxyClient: CertificateAndKey
  readonly members: EtcdMembers
  readonly server: ApiServer
  /** Signs tokens where the platform has a way of its own. */
  readonly sign: ReturnType<NonNullable<Platform['signerOf']>> | undefined
  readonly masters: Api
  /** What {@link masters} has no words for, with the same rights. */
  readonly fetch: ApiFetch
  readonly shared: Informers
  readonly policies: () => NetworkPolicyTable
  readonly kindnet: () => Kindnet
}

export const API_PORT = 6443
/** Versions of HTTP that API servers speak, what they like best first. Go: net/http */
export const API_VERSIONS: readonly HttpVersion[] = ['h2', 'http/1.1']
const MASTERS: UserInfo = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] }

/** Makes keys and certificates, or takes up those that there are, and an API server that nobody has started yet. */
export async function createPlane({ platform, clock, random, log, topology, founder, servingNames, pki: known, apiServer, members }: PlaneOptions): Promise<Plane> {
  const pki = await clock.outside(known ? restoreClusterPki(known) : createClusterPki({ nowMs: clock.nowMs(), clusterName: topology.name }))
  const [admin, serving, proxyClient] = await clock.outside(Promise.all([
    pki.issueClientCertificate({ commonName: 'kubernetes-admin', organizations: [topology.flavour === 'bare' ? 'system:masters' : 'kubeadm:cluster-admins'] }),
    pki.issueServerCertificate(servingNames),
    pki.issueFrontProxyClientCertificate(),
  ]))
  const sign = platform.signerOf?.(pki.tokenKey.privateKey)
  const server = createApiServer({
    ...apiServer, clock, random, log: log.named('kube-apiserver'), advertiseAddress: `${founder.ip}:${API_PORT}`, serviceCidr: topology.serviceCidr, proxyClientCertificatePem: proxyClient.certificatePem,
    parts: defaultParts({ pki, serverUrl: `https://${founder.ip}:${API_PORT}`, ...(sign ? { sign } : {}) }),
  })
  const masters = server.as(MASTERS)
  const shared = createInformers({ api: masters, clock, log: log.named('informers') })
  const policies = once(() => new NetworkPolicyTable(shared))
  return {
    founder, pki, admin, serving, proxyClient, server, sign, masters, fetch: (request) => server.fetchAs(MASTERS, request), shared, policies, kindnet: once(() => new Kindnet(shared, policies())),
    members: new EtcdMembers({ ...members, etcd: apiServer.etcd, clock, founder: { host: founder.name, ip: founder.ip } }),
  }
}
