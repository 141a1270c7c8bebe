import { contains } from '../ipam.ts'
import { NAMESPACE_LABEL, NAMESPACE_PREFIX, SERVICE_ACCOUNT_PREFIX } from '../selector.ts'
import type { Labels, Selector } from '../selector.ts'
import type { Pod } from '../../kinds/generated/types.ts'

/** A pod as policies see it. */
export interface Endpoint {
  /** `namespace/name`. */
  key: string
  ip: string
  node: string
  labels: Labels
  ports: readonly { name: string; protocol: string; port: number }[]
}

/** A NetworkSet or GlobalNetworkSet as policies see it. */
interface LabelledRanges {
  labels: Labels
  nets: readonly string[]
}

/** What can be written down of all that policies can speak of. */
export interface KeptEndpoints {
  pods: readonly Endpoint[]
  sets: readonly (readonly [key: string, set: LabelledRanges])[]
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
  readonly #pods = new Map<string, Endpoint & { pod?: Pod }>()
  readonly #byIp = new Map<string, Endpoint>()
  readonly #sets = new Map<string, LabelledRanges & { set?: NetworkSet }>()
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
    this.#put({ key, ip, node: pod.spec.nodeName, labels: this.#labelsOf(pod), ports, pod })
  }

  /** Labels of a namespace or a service account have changed: its pods and network sets inherit them. */
  inherit(namespace: string): void {
    for (const [key, { pod }] of [...this.#pods]) if (pod?.metadata.namespace === namespace) this.takePod(key, pod)
    for (const [key, { set }] of [...this.#sets]) if (set?.metadata.namespace === namespace) this.takeSet(key, set)
  }

  /** Takes a network set's new state. */
  takeSet(key: string, set: NetworkSet | undefined): void {
    if (!set) { this.#sets.delete(key); return }
    const { namespace, labels = {} } = set.metadata
    this.#sets.set(key, { labels: { ...labels, ...(namespace === undefined ? {} : { [NAMESPACE_LABEL]: namespace, ...this.#inherited(namespace) }) }, nets: set.spec?.nets ?? [], set })
  }

  /** All of it, to be written down. */
  kept(): KeptEndpoints {
    return { pods: [...this.#pods.values()].map(({ pod: _pod, ...endpoint }) => endpoint), sets: [...this.#sets].map(([key, { labels, nets }]) => [key, { labels, nets }]) }
  }

  /** Takes up what was written down. */
  recall({ pods, sets }: KeptEndpoints): void {
    for (const endpoint of pods) this.#put(endpoint)
    for (const [key, set] of sets) this.#sets.set(key, set)
  }

  /** The pod of this `namespace/name`. */
  pod(key: string): Endpoint | undefined {
    return this.#pods.get(key)
  }

  /** The pod that has an address. */
  at(ip: string): Endpoint | undefined {
    return this.#byIp.get(ip)
  }

  /** Whether an address belongs to what a selector takes. */
  matches(ip: string, selector: Selector): boolean {
    const endpoint = this.#byIp.get(ip)
    if (endpoint && selector(endpoint.labels)) return true
    for (const { labels, nets } of this.#sets.values()) if (nets.some((net) => contains(net, ip)) && selector(labels)) return true
    return false
  }

  #put(endpoint: Endpoint & { pod?: Pod }): void {
    this.#pods.set(endpoint.key, endpoint)
    this.#byIp.set(endpoint.ip, endpoint)
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
