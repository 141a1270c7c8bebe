import { httpRequest } from '../../../base/http.ts'
import type { UtilityContext } from '../../../unix/utilities/utility.ts'
import type { Pod } from '../../kinds/generated/types.ts'
import { askApi } from '../kubeconfig-client.ts'
import type { Access } from '../kubeconfig-client.ts'

const PKI = '/etc/kubernetes/pki/etcd'
const ANNOTATION = 'kubeadm.kubernetes.io/etcd.advertise-client-urls'
const CONNECT_MS = 5_000

export interface EtcdMember {
  ID: string
  name?: string
  peerURLs: string[]
  isLearner?: boolean
}

/** What kubeadm asks etcd: whichever of its members answers. k8s: cmd/kubeadm/app/util/etcd */
export class EtcdClient {
  readonly #context: UtilityContext
  readonly #endpoints: readonly string[]

  constructor(context: UtilityContext, endpoints: readonly string[]) {
    this.#context = context
    this.#endpoints = endpoints
  }

  /** The members that the API shows by their pods. @throws Error */
  static async ofCluster(context: UtilityContext, access: Access): Promise<EtcdClient> {
    const { items } = await askApi<{ items: Pod[] }>(context.proc, access, 'GET', '/api/v1/namespaces/kube-system/pods?labelSelector=component%3Detcd%2Ctier%3Dcontrol-plane')
    const endpoints = items.flatMap(({ metadata }) => metadata.annotations?.[ANNOTATION] ?? [])
    if (endpoints.length === 0) throw new Error('could not retrieve the list of etcd endpoints')
    return new EtcdClient(context, endpoints)
  }

  async members(): Promise<EtcdMember[]> {
    return (await this.#ask<{ members: EtcdMember[] }>('/v3/cluster/member/list', {})).members
  }

  async addLearner(peerUrl: string): Promise<EtcdMember[]> {
    return (await this.#ask<{ members: EtcdMember[] }>('/v3/cluster/member/add', { peerURLs: [peerUrl], isLearner: true })).members
  }

  async promote(id: string): Promise<void> {
    await this.#ask('/v3/cluster/member/promote', { ID: id })
  }

  async remove(id: string): Promise<void> {
    await this.#ask('/v3/cluster/member/remove', { ID: id })
  }

  async #ask<T>(path: string, body: object): Promise<T> {
    const { proc } = this.#context
    const [caPem, clientCertificatePem, clientKeyPem] = ['ca.crt', 'healthcheck-client.crt', 'healthcheck-client.key'].map((file) => proc.fs.readText(`${PKI}/${file}`))
    let problem = new Error('context deadline exceeded')
    for (const endpoint of this.#endpoints) {
      let response: Response
      try {
        response = await proc.net.fetch(httpRequest(`${endpoint}${path}`, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }), { caPem: caPem!, clientCertificatePem: clientCertificatePem!, clientKeyPem: clientKeyPem!, connectTimeoutMs: CONNECT_MS })
      } catch { continue }
      const text = await response.text()
      if (response.ok) return JSON.parse(text) as T
      try { problem = new Error((JSON.parse(text) as { message: string }).message) } catch { /* It isn't etcd's. */ }
    }
    throw problem
  }
}
