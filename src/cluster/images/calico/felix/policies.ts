import { CALICO_API } from '../../../calico/resources.ts'
import type { Resource } from '../../../calico/resources.ts'
import type { EndpointSlice, NetworkPolicy, Pod } from '../../../kinds/generated/types.ts'
import type { Packet, Proc } from '../../../../unix/types.ts'
import type { ClusterClient } from '../../in-cluster/cluster-client.ts'
import { watchResource } from '../../in-cluster/watched-resource.ts'
import type { WatchedResource } from '../../in-cluster/watched-resource.ts'
import { watchFailure } from '../log.ts'
import type { Log } from '../log.ts'
import { Endpoints } from '../../../calico/policy/endpoints.ts'
import type { LabelledObject, NetworkSet } from '../../../calico/policy/endpoints.ts'
import { calicoPolicyOf } from '../../../calico/policy/kubernetes-policy.ts'
import { compilePolicy } from '../../../calico/policy/policy.ts'
import type { CompiledPolicy, PolicyObject } from '../../../calico/policy/policy.ts'
import { PolicyFilter } from '../../../calico/policy/policy-filter.ts'
import type { EndpointToHostAction, Tier } from '../../../calico/policy/policy-filter.ts'
import { ServiceEndpoints } from '../../../calico/policy/service-endpoints.ts'

interface TierSpec { order?: number; defaultAction?: 'Deny' | 'Pass' }

/** Follows policies and whom they speak of, and keeps a node's filter as they say. */
export class Policies {
  readonly filter: PolicyFilter
  readonly endpoints: Endpoints
  /** Resolves once everything is known and the filter can be used. */
  readonly synced: Promise<void>
  readonly #log: Log
  readonly #onChange: (arePolicies?: boolean) => void
  #isSynced = false
  readonly #watch: <T extends { metadata: { name?: string } }>(path: string, onChange?: (key: string, object: T | undefined) => void) => WatchedResource<T>
  readonly #kubernetes: WatchedResource<NetworkPolicy>
  readonly #namespaced: WatchedResource<PolicyObject>
  readonly #global: WatchedResource<PolicyObject>
  readonly #tiers: WatchedResource<Resource<TierSpec>>
  readonly #services = new ServiceEndpoints()
  /** Services' endpoints, followed from the first rule on that speaks of one: `isKnown` once all are there. */
  #slices: { isKnown: boolean; synced: Promise<void> } | undefined
  /** By kind, namespace and name: what was read of each revision. */
  readonly #compiled = new WeakMap<object, { policy: CompiledPolicy | undefined }>()

  /** @param onChange told after everything that changes what the filter says, and whether policies have changed or only whom they speak of */
  constructor(proc: Proc, client: ClusterClient, node: string, toHost: EndpointToHostAction, log: Log, onChange: (arePolicies?: boolean) => void) {
    this.#log = log
    this.#onChange = onChange
    this.#watch = (path, take) => watchResource(proc, client, path, take ?? (() => this.#renew()), watchFailure(log, path))
    const inherit = (namespace: string) => { this.endpoints.inherit(namespace); onChange() }
    const namespaces = this.#watch<LabelledObject>('/api/v1/namespaces', inherit)
    const accounts = this.#watch<LabelledObject>('/api/v1/serviceaccounts', (key) => inherit(key.split('/')[0]!))
    this.endpoints = new Endpoints(namespaces.objects, accounts.objects)
    this.filter = new PolicyFilter({ endpoints: this.endpoints, services: this.#services }, { node, ips: proc.net.addresses, toHost }, (packet) => logPacket(proc, packet))
    this.#kubernetes = this.#watch('/apis/networking.k8s.io/v1/networkpolicies')
    this.#namespaced = this.#watch(`${CALICO_API}/networkpolicies`)
    this.#global = this.#watch(`${CALICO_API}/globalnetworkpolicies`)
    this.#tiers = this.#watch(`${CALICO_API}/tiers`)
    const takeSet = (key: string, set: NetworkSet | undefined) => { this.endpoints.takeSet(key, set); onChange() }
    const sets = [this.#watch<NetworkSet>(`${CALICO_API}/networksets`, takeSet), this.#watch<NetworkSet>(`${CALICO_API}/globalnetworksets`, takeSet)]
    this.synced = this.#sync([namespaces.synced, accounts.synced], sets.map(({ synced }) => synced))
  }

  /** Pods inherit labels, and so come last. */
  async #sync(before: readonly Promise<void>[], beside: readonly Promise<void>[]): Promise<void> {
    await Promise.all(before)
    const pods = this.#watch<Pod>('/api/v1/pods', (key, pod) => { this.endpoints.takePod(key, pod); this.#onChange() })
    await Promise.all([pods.synced, this.#kubernetes.synced, this.#namespaced.synced, this.#global.synced, this.#tiers.synced, ...beside])
    this.#isSynced = true
    this.#renew()
    await this.#slices?.synced
  }

  #renew(): void {
    if (!this.#isSynced) return
    const policies = [
      ...this.#read('KubernetesNetworkPolicy', this.#kubernetes.objects.values(), calicoPolicyOf), ...this.#read('NetworkPolicy', this.#namespaced.objects.values(), (policy) => policy),
      ...this.#read('GlobalNetworkPolicy', this.#global.objects.values(), (policy) => policy),
    ]
    // A rule of Services that nobody knows yet would take what it shouldn't, or not what it should.
    if (this.#slices?.isKnown === false) return
    const tiers = [...this.#tiers.objects.values()].map(({ metadata: { name }, spec }): Tier => ({ name, order: spec.order ?? Infinity, defaultAction: spec.defaultAction ?? 'Deny' }))
    this.filter.setPolicies(tiers, policies)
    this.#onChange(true)
  }

  #read<T extends { metadata: { name?: string; namespace?: string } }>(kind: string, objects: Iterable<T>, policyOf: (object: T) => PolicyObject): CompiledPolicy[] {
    return [...objects].flatMap((object) => {
      let known = this.#compiled.get(object)
      if (!known) {
        const policy = policyOf(object)
        if ([...policy.spec?.ingress ?? [], ...policy.spec?.egress ?? []].some(({ source, destination }) => source?.services?.name || destination?.services?.name)) this.#slices ??= this.#followSlices()
        this.#compiled.set(object, known = { policy: this.#compile(kind, policy) })
      }
      return known.policy ? [known.policy] : []
    })
  }

  #compile(kind: string, policy: PolicyObject): CompiledPolicy | undefined {
    try {
      return compilePolicy(kind, policy)
    } catch (error) {
      this.#log('WARNING', 'validation_filter.go 77', 'Validation failed; treating as missing', { error: (error as Error).message, key: `${kind}(${policy.metadata.namespace ? `${policy.metadata.namespace}/` : ''}${policy.metadata.name})` })
      return undefined
    }
  }

  #followSlices(): { isKnown: boolean; synced: Promise<void> } {
    const { synced } = this.#watch<EndpointSlice>('/apis/discovery.k8s.io/v1/endpointslices', (key, slice) => { this.#services.takeSlice(key, slice); this.#onChange() })
    const slices = { isKnown: false, synced: synced.then(() => { slices.isKnown = true; this.#renew() }) }
    return slices
  }
}

/** What the action Log leaves in the kernel's log. */
function logPacket(proc: Proc, { protocol, source, destination, port }: Packet): void {
  proc.machine.kernelLog.add(() => `calico-packet: SRC=${source.ip} DST=${destination.ip} PROTO=${protocol} DPT=${port}${protocol === 'TCP' ? ' SYN' : ''}`)
}
