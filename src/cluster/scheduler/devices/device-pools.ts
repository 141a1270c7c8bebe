/** Pools of devices that a node can reach. k8s: dynamic-resource-allocation/structured/internal/incubating/pools_incubating.go */
import { matchesNodeSelector } from '../../client/node-selection.ts'
import type { CounterSet, Node, NodeSelector, ResourceSlice } from '../../kinds/generated/types.ts'

export interface DevicePool {
  driver: string
  name: string
  /** Not all of its slices are there yet. */
  isIncomplete: boolean
  /** What is wrong with it: nothing can be had from it. */
  invalid?: string
  /** Slices with devices that the node can have, by name. */
  slices: readonly ResourceSlice[]
  /** The pool's other slices: their devices may use up the same counters. */
  otherSlices: readonly ResourceSlice[]
  counterSets: ReadonlyMap<string, CounterSet>
}

/** k8s: NodeMatches */
export function reachesNode(node: Readonly<Node>, nodeName: string | undefined, allNodes: boolean | undefined, nodeSelector: Readonly<NodeSelector> | undefined): boolean {
  if (nodeName) return node.metadata.name === nodeName
  return Boolean(allNodes) || (nodeSelector !== undefined && matchesNodeSelector(nodeSelector, node))
}

function isRelevant({ spec }: Readonly<ResourceSlice>, node: Readonly<Node>): boolean {
  if (spec.sharedCounters?.length) return true
  if (spec.nodeName || spec.allNodes || spec.nodeSelector) return reachesNode(node, spec.nodeName, spec.allNodes, spec.nodeSelector)
  return Boolean(spec.perDeviceNodeSelection) && (spec.devices ?? []).some((device) => reachesNode(node, device.nodeName, device.allNodes, device.nodeSelector))
}

const byText = (a: string, b: string) => a < b ? -1 : a > b ? 1 : 0

/** The node's pools, those with binding conditions last. Slices of older generations don't count. k8s: GatherPools */
export function gatherPools(slices: readonly ResourceSlice[], node: Readonly<Node>): DevicePool[] {
  const found = new Map<string, ResourceSlice[]>()
  for (const slice of slices) {
    if (!isRelevant(slice, node)) continue
    const { driver, pool } = slice.spec
    const key = `${driver}/${pool.name}`
    const known = found.get(key)
    const generation = known?.[0]!.spec.pool.generation
    if (!known || pool.generation > generation!) found.set(key, [slice])
    else if (pool.generation === generation) known.push(slice)
  }
  const plain: DevicePool[] = []
  const conditional: DevicePool[] = []
  for (const own of found.values()) {
    const { driver, pool: { name, generation, resourceSliceCount } } = own[0]!.spec
    let all: readonly ResourceSlice[] = own
    if (own.length !== resourceSliceCount) {
      const ofPool = slices.filter(({ spec }) => spec.driver === driver && spec.pool.name === name)
      // What the node sees is being replaced.
      if (ofPool.some(({ spec }) => spec.pool.generation > generation)) continue
      all = ofPool.filter(({ spec }) => spec.pool.generation === generation)
    }
    if (all.length !== resourceSliceCount) {
      plain.push({ driver, name, isIncomplete: true, slices: [], otherSlices: [], counterSets: new Map() })
      continue
    }
    const pool = buildPool(driver, name, own, all)
    if (pool.slices.some(({ spec }) => spec.devices?.some(({ bindingConditions }) => bindingConditions))) conditional.push(pool)
    else plain.push(pool)
  }
  const byId = (a: DevicePool, b: DevicePool) => byText(a.driver, b.driver) || byText(a.name, b.name)
  return [...plain.sort(byId), ...conditional.sort(byId)]
}

function buildPool(driver: string, name: string, own: readonly ResourceSlice[], all: readonly ResourceSlice[]): DevicePool {
  const sorted = [...own].sort((a, b) => byText(a.metadata.name!, b.metadata.name!))
  const slices = sorted.filter(({ spec }) => !spec.sharedCounters?.length)
  const otherSlices = own.length === all.length ? [] : all.filter((slice) => !own.includes(slice))
  const counterSets = new Map<string, CounterSet>()
  const broken = (invalid: string): DevicePool => ({ driver, name, isIncomplete: false, invalid, slices: [], otherSlices: [], counterSets: new Map() })
  const names = new Set<string>()
  for (const { spec } of slices)
    for (const device of spec.devices ?? []) {
      if (names.has(device.name)) return broken(`duplicate device name ${device.name}`)
      names.add(device.name)
    }
  for (const { spec } of sorted)
    for (const set of spec.sharedCounters ?? []) {
      if (counterSets.has(set.name)) return broken(`duplicate counter set name ${set.name}`)
      counterSets.set(set.name, set)
    }
  for (const { spec } of [...sorted, ...otherSlices])
    for (const { consumesCounters = [] } of spec.devices ?? [])
      for (const { counterSet, counters } of consumesCounters) {
        const set = counterSets.get(counterSet)
        if (!set) return broken(`counter set ${counterSet} not found`)
        const missing = Object.keys(counters).find((counter) => set.counters[counter] === undefined)
        if (missing !== undefined) return broken(`counter ${missing} not found in counter set ${counterSet}`)
      }
  return { driver, name, isIncomplete: false, slices, otherSlices, counterSets }
}
