import { isAddress } from '../../../unix/net/addresses.ts'
import type { Proc } from '../../../unix/types.ts'
import type { Ingress, Node, Pod, Service } from '../../kinds/generated/types.ts'
import { apiCall } from '../in-cluster/api-call.ts'
import type { ClusterClient } from '../in-cluster/cluster-client.ts'
import { klog } from '../in-cluster/klog.ts'

interface IngressPoint {
  ip?: string
  hostname?: string
}

export interface IngressStatusOptions {
  proc: Proc
  client: ClusterClient
  /** The pod that this runs in. */
  pod: Pod
  /** Addresses that an administrator chose, by commas; empty: none. */
  publishAddress: string
  /** `namespace/name` of the Service in front of the controller; empty: none. */
  publishService: string
  usesInternalIp: boolean
  ingresses(): Ingress[]
}

/** Keeps `status.loadBalancer` of the Ingresses at where the controller can be reached. k8s: ingress-nginx/internal/ingress/status */
export class IngressStatus {
  readonly #options: IngressStatusOptions

  constructor(options: IngressStatusOptions) {
    this.#options = options
  }

  /** Writes every Ingress whose status says something else. */
  async sync(): Promise<void> {
    await this.#write((await this.#addresses()).sort(byHostnameAndIp))
  }

  /** Takes the addresses away when the last controller ends. */
  async clear(): Promise<void> {
    const { proc } = this.#options
    const addresses = await this.#addresses()
    if (addresses.length > 1) return klog(proc, 'I', 'status.go:131', '"leaving status update for next leader"')
    if (await this.#othersRun()) return
    klog(proc, 'I', 'status.go:140', `"removing value from ingress status" address=${shown(addresses)}`)
    await this.#write([])
  }

  async #write(points: readonly IngressPoint[]): Promise<void> {
    const { proc, client, ingresses } = this.#options
    for (const { metadata, status } of ingresses()) {
      const current = [...status?.loadBalancer?.ingress ?? []].sort(byHostnameAndIp)
      if (current.length === points.length && current.every(({ ip, hostname }, i) => ip === points[i]!.ip && hostname === points[i]!.hostname)) continue
      const path = `/apis/networking.k8s.io/v1/namespaces/${metadata.namespace}/ingresses/${metadata.name}`
      try {
        const found = await apiCall<Ingress>(client, 'GET', path)
        klog(proc, 'I', 'status.go:311', `"updating Ingress status" namespace="${metadata.namespace}" ingress="${metadata.name}" currentValue=${shown(found.status?.loadBalancer?.ingress)} newValue=${shown(points)}`)
        await apiCall(client, 'PUT', `${path}/status`, { ...found, status: { ...found.status, loadBalancer: { ...found.status?.loadBalancer, ingress: points } } })
      } catch (error) {
        if (proc.killed.aborted) throw error
        klog(proc, 'W', 'status.go:315', `error updating ingress rule: ${(error as Error).message}`)
      }
    }
  }

  async #addresses(): Promise<IngressPoint[]> {
    const { client, publishAddress, publishService } = this.#options
    if (publishAddress !== '') return publishAddress.split(/,\s*/).map(pointOf)
    if (publishService !== '') {
      const [namespace, name] = publishService.split('/')
      return pointsOfService(await apiCall<Service>(client, 'GET', `/api/v1/namespaces/${namespace}/services/${name}`))
    }
    return this.#nodeAddresses()
  }

  /** Where the controller's own pods run. */
  async #nodeAddresses(): Promise<IngressPoint[]> {
    const { client, proc, pod, usesInternalIp } = this.#options
    const points: IngressPoint[] = []
    for (const { metadata, spec, status } of await this.#pods(pod.metadata.labels ?? {})) {
      if (status.phase !== 'Running') continue
      if (!status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True')) {
        klog(proc, 'I', 'status.go:224', `"POD is not ready" pod="${metadata.namespace}/${metadata.name}" node="${spec.nodeName}"`)
        continue
      }
      const node = await apiCall<Node>(client, 'GET', `/api/v1/nodes/${spec.nodeName}`).catch((error: Error) => { klog(proc, 'E', 'main.go:49', `"Error getting node" err=${JSON.stringify(error.message)} name="${spec.nodeName}"`); return undefined })
      const addressesOf = (kind: string) => (node?.status.addresses ?? []).flatMap(({ type, address }) => (type === kind && address ? [address] : []))
      const external = addressesOf('ExternalIP')
      for (const address of usesInternalIp || external.length === 0 ? addressesOf('InternalIP') : external) if (!points.some(({ ip }) => ip === address)) points.push(pointOf(address))
    }
    return points
  }

  async #othersRun(): Promise<boolean> {
    const { 'pod-template-hash': _hash, 'controller-revision-hash': _revision, 'pod-template-generation': _generation, ...labels } = this.#options.pod.metadata.labels ?? {}
    return (await this.#pods(labels)).length > 1
  }

  async #pods(labels: Readonly<Record<string, string>>): Promise<Pod[]> {
    const { client, pod } = this.#options
    const selector = Object.entries(labels).map(([key, value]) => `${key}=${value}`).join(',')
    return (await apiCall<{ items: Pod[] }>(client, 'GET', `/api/v1/namespaces/${pod.metadata.namespace}/pods?labelSelector=${encodeURIComponent(selector)}`)).items
  }
}

function pointOf(nameOrIp: string): IngressPoint {
  return isAddress(nameOrIp) ? { ip: nameOrIp } : { hostname: nameOrIp }
}

/** k8s: statusAddressFromService */
function pointsOfService({ spec, status }: Service): IngressPoint[] {
  switch (spec.type) {
    case 'ExternalName': return [{ hostname: spec.externalName! }]
    case 'LoadBalancer': {
      const points: IngressPoint[] = (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ({ ...(ip ? { ip } : {}), ...(hostname ? { hostname } : {}) }))
      for (const ip of spec.externalIPs ?? []) if (!points.some((point) => point.ip === ip)) points.push({ ip })
      return points
    }
    case 'NodePort': return spec.externalIPs ? spec.externalIPs.map((ip) => ({ ip })) : [{ ip: spec.clusterIP! }]
    default: return [{ ip: spec.clusterIP! }]
  }
}

function byHostnameAndIp(a: IngressPoint, b: IngressPoint): number {
  const [one, other] = [`${a.hostname ?? ''}\0${a.ip ?? ''}`, `${b.hostname ?? ''}\0${b.ip ?? ''}`]
  return one < other ? -1 : one > other ? 1 : 0
}

/** As klog shows a list of structures. */
function shown(points: readonly IngressPoint[] | undefined): string {
  return points?.length ? JSON.stringify(points) : 'null'
}
