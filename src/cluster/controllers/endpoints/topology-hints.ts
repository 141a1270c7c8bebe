import type { EndpointSlice, Node, Service } from '../../kinds/generated/types.ts'
import { quantityMilliValue } from '../../kinds/quantity.ts'
import type { Endpoint, SlicesPlan } from './endpoint-slice.ts'

/** How much more than its share an endpoint may get. */
const OVERLOAD_THRESHOLD = 0.2
const ZONE = 'topology.kubernetes.io/zone'

interface Allocation { minimum: number; maximum: number; desired: number }

/** Whether a Service asks for endpoints in proportion to its zones' processors. k8s: k8s.io/endpointslice utils.go hintsEnabled */
export function wantsTopologyHints({ metadata: { annotations } }: Readonly<Service>): boolean {
  const mode = annotations?.['service.kubernetes.io/topology-aware-hints'] ?? annotations?.['service.kubernetes.io/topology-mode']
  return mode === 'Auto' || mode === 'auto'
}

/** Which part of the processors each zone has; undefined where that can't be said, or there is one zone alone. k8s: topologycache SetNodes */
export function zoneShares(nodes: readonly Node[]): ReadonlyMap<string, number> | undefined {
  const cpus = new Map<string, number>()
  let total = 0
  for (const { metadata: { labels }, status } of nodes) {
    if (labels?.['node-role.kubernetes.io/control-plane'] !== undefined || labels?.['node-role.kubernetes.io/master'] !== undefined) continue
    if (status?.conditions?.find(({ type }) => type === 'Ready')?.status !== 'True') continue
    const zone = labels?.[ZONE]
    const milli = quantityMilliValue(status.allocatable?.cpu ?? '0')
    if (!zone || milli === 0) return undefined
    total += milli
    cpus.set(zone, (cpus.get(zone) ?? 0) + milli)
  }
  return cpus.size < 2 ? undefined : new Map([...cpus].sort(([a], [b]) => (a < b ? -1 : 1)).map(([zone, milli]) => [zone, milli / total]))
}

/** Whether a change of a node is reason to look at the shares again. k8s: pkg/controller/endpointslice updateNode */
export function changesShares(old: Node, now: Node): boolean {
  const traits = ({ metadata, status }: Node) => `${metadata.labels?.[ZONE]}/${status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True'}`
  return traits(old) !== traits(now)
}

/** Which Services have hints by share, and how many endpoints of each address type they give to each zone. k8s: k8s.io/endpointslice/topologycache */
export class HintedServices {
  readonly #zones = new Map<string, Map<string, ReadonlyMap<string, number>>>()
  readonly #populated = new Set<string>()

  has(service: string): boolean {
    return this.#populated.has(service)
  }

  set(service: string, addressType: string, zones: ReadonlyMap<string, number>): void {
    this.#populated.add(service)
    if (!this.#zones.has(service)) this.#zones.set(service, new Map())
    this.#zones.get(service)!.set(addressType, zones)
  }

  remove(service: string, addressType: string): void {
    this.#populated.delete(service)
    const own = this.#zones.get(service)
    own?.delete(addressType)
    if (own?.size === 0) this.#zones.delete(service)
  }

  forget(service: string): void {
    this.#populated.delete(service)
    this.#zones.delete(service)
  }

  /** Services that have too few endpoints for some zone. k8s: GetOverloadedServices */
  overloaded(shares: ReadonlyMap<string, number> | undefined): string[] {
    return [...this.#zones].flatMap(([service, types]) => [...types.values()].some((zones) => isOverloaded(zones, shares)) ? [service] : [])
  }
}

function isOverloaded(zones: ReadonlyMap<string, number>, shares: ReadonlyMap<string, number> | undefined): boolean {
  if (zones.size === 0) return false
  if (!shares) return true
  const total = [...zones.values()].reduce((sum, count) => sum + count, 0)
  return [...shares].some(([zone, share]) => !zones.has(zone) || zones.get(zone)! < minimumOf(share, total))
}

/** Without which the endpoints of a zone would get too much. */
const minimumOf = (share: number, count: number): number => Math.ceil(share * count / (1 + OVERLOAD_THRESHOLD))

const isReady = ({ conditions }: Endpoint): boolean => conditions?.ready === true
const withoutHints = ({ hints: _, ...endpoint }: Endpoint): Endpoint => endpoint

/** The shares in whole endpoints; a text where zones can't get theirs. k8s: getAllocations */
function allocationsOf(shares: ReadonlyMap<string, number> | undefined, count: number): Map<string, Allocation> | string {
  if (!shares) return 'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes'
  const numbers = `(${count} endpoints, ${shares.size} zones)`
  if (shares.size > count) return `Insufficient number of endpoints ${numbers}`
  const wanted = [...shares].map(([zone, share]) => ({ zone, desired: share * count, minimum: minimumOf(share, count) }))
  const least = wanted.reduce((sum, { minimum }) => sum + minimum, 0)
  if (least > count) return `Unable to allocate minimum required endpoints to each zone without exceeding overload threshold ${numbers}`
  return new Map(wanted.map(({ zone, desired, minimum }) => [zone, { minimum, maximum: minimum + count - least, desired: Math.max(desired, minimum) }]))
}

/** What each zone has of a slice that may stay as it is; undefined: it may not. k8s: getHintsByZone */
function keptHints(slice: EndpointSlice, given: ReadonlyMap<string, number>, allocations: ReadonlyMap<string, Allocation>): Map<string, number> | undefined {
  const own = new Map<string, number>()
  for (const endpoint of slice.endpoints ?? []) {
    if (!isReady(endpoint)) continue
    const zones = endpoint.hints?.forZones ?? []
    if (zones.length === 0 || zones.some(({ name }) => !allocations.has(name))) return undefined
    for (const { name } of zones) own.set(name, (own.get(name) ?? 0) + 1)
  }
  for (const [zone, count] of own) if (count + (given.get(zone) ?? 0) > allocations.get(zone)!.maximum) return undefined
  return own
}

/** How many endpoints each zone gives away and gets. k8s: getGivingAndReceivingZones */
function exchange(allocations: ReadonlyMap<string, Allocation>, given: ReadonlyMap<string, number>): { giving: Map<string, number>; receiving: Map<string, number> } {
  const surplus = new Map<string, number>()
  const need = new Map<string, number>()
  for (const [zone, { desired }] of allocations) {
    const difference = (given.get(zone) ?? 0) - desired
    if (difference > 0) surplus.set(zone, difference)
    else if (difference < 0) need.set(zone, -difference)
  }
  const most = (zones: ReadonlyMap<string, number>): [zone: string, count: number] => [...zones].reduce<[string, number]>((best, each) => each[1] > best[1] ? each : best, ['', 0])
  const giving = new Map<string, number>()
  const receiving = new Map<string, number>()
  for (;;) {
    const [from, left] = most(surplus)
    const [to, lacking] = most(need)
    if (from === '' || to === '' || (left < 1 && lacking < 1) || left < 0.5 || lacking < 0.5) return { giving, receiving }
    giving.set(from, (giving.get(from) ?? 0) + 1)
    surplus.set(from, left - 1)
    receiving.set(to, (receiving.get(to) ?? 0) + 1)
    need.set(to, lacking - 1)
  }
}

/**
 * Gives the endpoints of a plan hints in proportion to the zones' processors: each is its own zone's, but for those that zones with too many give
 * to zones with too few. Slices that stay keep their hints as long as no zone gets too many of them. Changes the plan.
 * @returns how many endpoints each zone has; a text says why there are no hints, which are taken away then
 * k8s: k8s.io/endpointslice/topologycache AddHints
 */
export function addTopologyHints(plan: SlicesPlan, own: readonly EndpointSlice[], shares: ReadonlyMap<string, number> | undefined): ReadonlyMap<string, number> | string {
  let unchanged = own.filter((slice) => !plan.remove.includes(slice) && !plan.update.some((each) => each.slice.metadata.uid === slice.metadata.uid))
  const all = () => [...plan.create, ...plan.update]
  const count = [...all(), ...unchanged].reduce((sum, { endpoints }) => sum + (endpoints ?? []).filter(isReady).length, 0)
  const allocations = allocationsOf(shares, count)
  if (typeof allocations === 'string') return removeTopologyHints(plan, own), allocations
  const given = new Map<string, number>()
  unchanged = unchanged.filter((slice) => {
    const kept = keptHints(slice, given, allocations)
    if (!kept) { plan.update.push({ slice, endpoints: [...slice.endpoints ?? []] }); return false }
    for (const [zone, number] of kept) given.set(zone, (given.get(zone) ?? 0) + number)
    return true
  })
  if (all().some(({ endpoints }) => endpoints.some((endpoint) => isReady(endpoint) && !endpoint.zone))) return removeTopologyHints(plan, own), 'One or more endpoints do not have a zone specified'
  for (const { endpoints } of all()) for (const endpoint of endpoints) if (isReady(endpoint)) given.set(endpoint.zone!, (given.get(endpoint.zone!) ?? 0) + 1)
  const { giving, receiving } = exchange(allocations, given)
  const take = (zones: Map<string, number>, zone: string) => { const left = zones.get(zone)! - 1; if (left > 0) zones.set(zone, left); else zones.delete(zone) }
  const move = (from: string, to: string) => { given.set(from, given.get(from)! - 1); given.set(to, (given.get(to) ?? 0) + 1) }
  for (const part of all()) {
    part.endpoints = part.endpoints.map((endpoint) => {
      if (!isReady(endpoint)) return withoutHints(endpoint)
      const [to] = giving.has(endpoint.zone!) ? receiving.keys() : []
      if (to !== undefined) { take(giving, endpoint.zone!); take(receiving, to); move(endpoint.zone!, to) }
      return { ...endpoint, hints: { forZones: [{ name: to ?? endpoint.zone! }] } }
    })
  }
  return given.size === 0 ? (removeTopologyHints(plan, own), 'No hints allocated for zones') : given
}

/** Takes hints away, also from slices that would stay otherwise. k8s: RemoveHintsFromSlices */
function removeTopologyHints(plan: SlicesPlan, own: readonly EndpointSlice[]): void {
  for (const part of [...plan.create, ...plan.update]) part.endpoints = part.endpoints.map(withoutHints)
  for (const slice of own) {
    if (plan.remove.includes(slice) || plan.update.some((each) => each.slice.metadata.uid === slice.metadata.uid) || !slice.endpoints?.some(({ hints }) => hints)) continue
    plan.update.push({ slice, endpoints: slice.endpoints.map(withoutHints) })
  }
}
