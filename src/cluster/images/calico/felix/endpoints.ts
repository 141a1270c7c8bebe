import { contains } from '../../../calico/ipam.ts'
import { NAMESPACE_LABEL, NAMESPACE_PREFIX, SERVICE_ACCOUNT_PREFIX } from '../../../calico/selector.ts'
import type { Labels, Selector } from '../../../calico/selector.ts'
import type { Pod } from '../../../kinds/generated/types.ts'

/** A pod as policies see it. */
export interface Endpoint {
  /** `namespace/name`. */
  key: string
  ip: string
  node: string
  labels: Labels
  ports: readonly { name: string; protocol: string; port: number }[]
}

/** Ranges with labels: a NetworkSet or GlobalNetworkSet. */
export interface NetworkSet {
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; resourceVersion?: string }
  spec?: { nets?: string[] }
}

/** A namespace or service account. */
export interface LabelledObject {
  metadata: { name?: string; namespace?: string; labels?: Record<string, string> }
}

/** Everything with an address that policies can speak of. Pods are followed one by one, because there are many. */
export class Endpoints {
  readonly #pods = new Map<string, Endpoint & { pod: Pod }>()
  readonly #byIp = new Map<string, Endpoint>()
  readonly #sets = new Map<string, { labels: Labels; nets: readonly string[] }>()
  readonly #namespaces: ReadonlyMap<string, LabelledObject>
  readonly #accounts: ReadonlyMap<string, LabelledObject>

  /** @param accounts by `namespace/name` */
  constructor(namespaces: ReadonlyMap<string, LabelledObject>, accounts: ReadonlyMap<string, LabelledObject>) {
    this.#namespaces = namespaces
    this.#accounts = accounts
  }

  /** Takes a pod's new state. calico: libcalico-go/lib/backend/k8s/conversion IsValidCalicoWorkloadEndpoint, PodToWorkloadEndpoints */
  takePod(key: string, pod: Pod | undefined): void {
    const before = this.#pods.get(key)
    if (before && this.#byIp.get(before.ip)?.key === key) this.#byIp.delete(before.ip)
    this.#pods.delete(key)
    const ip = pod && addressOf(pod)
    if (!pod || ip === undefined || pod.spec.hostNetwork || !pod.spec.nodeName || pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return
    const ports = pod.spec.containers.flatMap(({ ports: own = [] }) => own.flatMap(({ name, containerPort, protocol = 'TCP' }) => (name ? [{ name, protocol, port: containerPort }] : [])))
    const endpoint = { key, ip, node: pod.spec.nodeName, labels: this.#labelsOf(pod), ports, pod }
    this.#pods.set(key, endpoint)
    this.#byIp.set(ip, endpoint)
  }

  /** Labels of a namespace or a service account have changed: its pods inherit them. */
  inherit(namespace: string): void {
    for (const [key, { pod }] of [...this.#pods]) if (pod.metadata.namespace === namespace) this.takePod(key, pod)
  }

  takeSet(key: string, set: NetworkSet | undefined): void {
    if (!set) { this.#sets.delete(key); return }
    const { namespace, labels = {} } = set.metadata
    this.#sets.set(key, { labels: { ...labels, ...(namespace === undefined ? {} : { [NAMESPACE_LABEL]: namespace, ...this.#inherited(namespace) }) }, nets: set.spec?.nets ?? [] })
  }

  pod(key: string): Endpoint | undefined {
    return this.#pods.get(key)
  }

  at(ip: string): Endpoint | undefined {
    return this.#byIp.get(ip)
  }

  /** How many pods a node has. */
  countOn(node: string): number {
    let count = 0
    for (const endpoint of this.#pods.values()) if (endpoint.node === node) count++
    return count
  }

  /** Whether an address belongs to what a selector takes. */
  matches(ip: string, selector: Selector): boolean {
    const endpoint = this.#byIp.get(ip)
    if (endpoint && selector(endpoint.labels)) return true
    for (const { labels, nets } of this.#sets.values()) if (nets.some((net) => contains(net, ip)) && selector(labels)) return true
    return false
  }

  #labelsOf({ metadata, spec }: Pod): Labels {
    const namespace = metadata.namespace!
    const account = spec.serviceAccountName ?? 'default'
    const inherited: Record<string, string> = { ...this.#inherited(namespace), [`${SERVICE_ACCOUNT_PREFIX}projectcalico.org/name`]: account }
    for (const [name, value] of Object.entries(this.#accounts.get(`${namespace}/${account}`)?.metadata.labels ?? {})) inherited[SERVICE_ACCOUNT_PREFIX + name] = value
    return { ...inherited, ...metadata.labels as Record<string, string> | undefined, [NAMESPACE_LABEL]: namespace, 'projectcalico.org/orchestrator': 'k8s', 'projectcalico.org/serviceaccount': account }
  }

  #inherited(namespace: string): Record<string, string> {
    const labels: Record<string, string> = { [`${NAMESPACE_PREFIX}projectcalico.org/name`]: namespace }
    for (const [name, value] of Object.entries(this.#namespaces.get(namespace)?.metadata.labels ?? {})) labels[NAMESPACE_PREFIX + name] = value
    return labels
  }
}

/** The plugin writes a pod's address down before the kubelet knows of it. */
function addressOf({ metadata, status }: Pod): string | undefined {
  const said = (metadata.annotations as Record<string, string> | undefined)?.['cni.projectcalico.org/podIP']
  return said ? said.split('/')[0] : status?.podIP
}
