import { isAddress } from '../../../unix/net/addresses.ts'
import { errorText } from '../../../unix/errno.ts'
import type { Proc } from '../../../unix/types.ts'
import type { Ingress, Service } from '../../kinds/generated/types.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { apiCall } from '../in-cluster/api-call.ts'
import type { ClusterClient } from '../in-cluster/cluster-client.ts'
import type { HttpProxy, LoadBalancerStatus } from './http-proxy-types.ts'
import { logrus } from './log.ts'
import { saysTheSame } from './proxy-status.ts'
import type { ProxyVerdict } from './proxy-status.ts'

export interface StatusWriterOptions {
  proc: Proc
  client: ClusterClient
  /** Addresses that an administrator chose, by commas; empty: those of the Service. */
  supplied: string
  /** The Service in front of Envoy. */
  service(): Service | undefined
  ingresses(): readonly Ingress[]
  proxies(): readonly HttpProxy[]
}

/** Writes verdicts and addresses into the status of HTTPProxies and Ingresses, as the one that leads. k8s: contour/internal/k8s StatusUpdateHandler, StatusAddressUpdater */
export class StatusWriter {
  readonly #options: StatusWriterOptions
  #verdicts: ReadonlyMap<string, ProxyVerdict> = new Map()
  #isLeader = false
  #isWriting = false
  #isDirty = false
  #address: string | undefined

  constructor(options: StatusWriterOptions) {
    this.#options = options
  }

  lead(isLeader: boolean): void {
    this.#isLeader = isLeader
    this.#start()
  }

  update(verdicts: ReadonlyMap<string, ProxyVerdict>): void {
    this.#verdicts = verdicts
    this.#start()
  }

  #start(): void {
    this.#isDirty = true
    if (this.#isWriting || !this.#isLeader) return
    this.#isWriting = true
    void this.#write().catch(() => {}).finally(() => { this.#isWriting = false })
  }

  async #write(): Promise<void> {
    const { proc, ingresses, proxies } = this.#options
    while (this.#isDirty && this.#isLeader) {
      this.#isDirty = false
      const loadBalancer = this.#loadBalancer()
      const shown = loadBalancer.ingress?.[0]?.ip ?? loadBalancer.ingress?.[0]?.hostname ?? ''
      if (shown !== this.#address) logrus(proc, 'info', 'received a new address for status.loadBalancer', { context: 'loadBalancerStatusWriter', 'loadbalancer-address': shown })
      this.#address = shown
      const hasAddress = (loadBalancer.ingress ?? []).length > 0
      for (const ingress of hasAddress ? ingresses() : []) {
        const points = (loadBalancer.ingress ?? []).map(({ ip, hostname }) => ({ ...ip ? { ip } : {}, ...hostname ? { hostname } : {} }))
        const plain = (list: readonly { ip?: string; hostname?: string }[] = []) => list.map(({ ip = '', hostname = '' }) => `${ip} ${hostname}`).join()
        if (plain(ingress.status?.loadBalancer?.ingress) === plain(points)) continue
        await this.#put(`/apis/networking.k8s.io/v1/namespaces/${ingress.metadata.namespace}/ingresses/${ingress.metadata.name}`, { ...ingress, status: { loadBalancer: { ingress: points } } })
      }
      for (const proxy of proxies()) {
        const verdict = this.#verdicts.get(`${proxy.metadata.namespace}/${proxy.metadata.name}`)
        if (!verdict) continue
        const status = { ...verdict.statusOf(proxy, proc.clock.nowMs()), ...hasAddress ? { loadBalancer } : {} }
        if (saysTheSame(proxy.status, status)) continue
        await this.#put(`/apis/projectcontour.io/v1/namespaces/${proxy.metadata.namespace}/httpproxies/${proxy.metadata.name}`, { ...proxy, status: { ...status, loadBalancer: status.loadBalancer ?? {} } })
      }
    }
  }

  #loadBalancer(): LoadBalancerStatus {
    const { supplied, service } = this.#options
    if (supplied !== '') return { ingress: supplied.split(',').map((each) => each.trim()).filter(Boolean).map((each) => (isAddress(each) ? { ip: each } : { hostname: each })) }
    return { ingress: (service()?.status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ({ ...ip ? { ip } : {}, ...hostname ? { hostname } : {} })) }
  }

  /** A change in between comes again by its watch. */
  async #put(path: string, object: unknown): Promise<void> {
    const { proc, client } = this.#options
    try {
      await apiCall(client, 'PUT', `${path}/status`, object)
    } catch (error) {
      if (proc.killed.aborted) throw error
      if (isStatusError(error, 'Conflict') || isStatusError(error, 'NotFound')) return
      logrus(proc, 'error', 'unable to update status', { context: 'StatusUpdateHandler', error: errorText(error) })
    }
  }
}
