/** Finds devices for claims. k8s: dynamic-resource-allocation/structured/internal/incubating/allocator_incubating.go */
import type { Random } from '../../../base/random.ts'
import { isDeviceTaintTolerated } from '../../client/resource-claims.ts'
import type { AllocationResult, Device, DeviceClass, DeviceRequestAllocationResult, DeviceSelector, Node, ResourceResourceClaim, ResourceSlice } from '../../kinds/generated/types.ts'
import { allocationConfig, allocationNodeSelector } from './allocation-result.ts'
import { constraintOf, type Constraint } from './device-constraints.ts'
import { CounterLedger } from './device-counters.ts'
import { addConsumed, consumedBy, fitsCapacity, subtractConsumed, type ConsumedCapacity } from './device-capacity.ts'
import { deviceId, type DeviceId } from './device-id.ts'
import { gatherPools, reachesNode, type DevicePool } from './device-pools.ts'
import { alternativesOf, fullName, ownName, type PreparedRequest, type WantedDevices } from './device-request.ts'
import { matchesSelector, SelectorFailure } from './device-selector.ts'

/** k8s: resource/v1 AllocationResultsMaxSize */
const MAX_DEVICES_PER_CLAIM = 32
/** differs: upstream gives one node ten seconds; a search that is this long has no prospects either, and must not keep the scheduler. */
const MAX_STEPS = 20_000
/** The same for devices that are looked at: a step may look at many. */
const MAX_LOOKS = 200_000

/** What is wrong is wrong on every node. */
export class AllocationFailure extends Error {}
/** Only this node can't be used. k8s: ErrFailedAllocationOnNode */
export class NodeAllocationFailure extends Error {}
/** The search took too long. */
export class AllocationTimeout extends Error {}

/** Devices in use. k8s: AllocatedState */
export interface AllocatedDevices {
  dedicated: ReadonlySet<DeviceId>
  /** By device that several claims share: what they use together. */
  shared: ReadonlyMap<DeviceId, ConsumedCapacity>
}

export interface DeviceAllocatorOptions {
  slices: readonly ResourceSlice[]
  deviceClass(name: string): DeviceClass | undefined
  allocated: AllocatedDevices
  /** For the ids of shares. */
  random: Random
}

interface Candidate {
  id: DeviceId
  device: Device
  slice: ResourceSlice
  pool: DevicePool
}

export interface PickedDevice extends Candidate {
  request: WantedDevices
  shareID?: string
  consumedCapacity?: ConsumedCapacity
}

/** Finds devices for unallocated claims, on one node after another. */
export class DeviceAllocator {
  readonly #options: DeviceAllocatorOptions
  /** By pool: what its counters have left, apart from what is being picked. */
  readonly #counters = new Map<string, CounterLedger>()

  constructor(options: DeviceAllocatorOptions) {
    this.#options = options
  }

  /**
   * @returns one result per claim, or undefined when there aren't enough devices
   * @throws AllocationFailure, NodeAllocationFailure, AllocationTimeout
   */
  allocate(node: Node, claims: readonly ResourceResourceClaim[]): AllocationResult[] | undefined {
    return new Search(this.#options, this.#counters, node, claims).run()
  }
}

/** 'exceeded': more devices than a claim may have, whatever is picked before. */
type Found = boolean | 'exceeded'

interface Position {
  claim: number
  request: number
  alternative: number
  /** How many devices of the request were picked. */
  device: number
}

interface Place { pool: number; slice: number; device: number }

const START: Place = { pool: 0, slice: 0, device: 0 }

/** One attempt for one node: backtracks over all choices and takes the first that works. */
class Search {
  readonly #options: DeviceAllocatorOptions
  readonly #counters: Map<string, CounterLedger>
  readonly #node: Node
  readonly #claims: readonly ResourceResourceClaim[]
  readonly #pools: readonly DevicePool[]
  /** By claim and request. */
  readonly #requests: PreparedRequest[][][] = []
  readonly #constraints: Constraint[][] = []
  readonly #picked: PickedDevice[][] = []
  /** By claim and request: the alternative that was taken. */
  readonly #chosen: number[][] = []
  readonly #all = new Map<PreparedRequest, readonly Candidate[]>()
  readonly #selectable = new Map<WantedDevices, Map<Device, boolean>>()
  /** Claims that a device is picked for. */
  readonly #taken = new Map<DeviceId, Set<number>>()
  /** What is picked of shared devices: an entry, be it empty, says that the device is shared already. */
  readonly #shares = new Map<DeviceId, ConsumedCapacity>()
  readonly #consumed = new Map<string, CounterLedger>()
  #steps = 0
  #looks = 0

  constructor(options: DeviceAllocatorOptions, counters: Map<string, CounterLedger>, node: Node, claims: readonly ResourceResourceClaim[]) {
    this.#options = options
    this.#counters = counters
    this.#node = node
    this.#claims = claims
    this.#pools = gatherPools(options.slices, node)
  }

  run(): AllocationResult[] | undefined {
    for (const [index, claim] of this.#claims.entries()) this.#prepare(claim, index)
    if (this.#next({ claim: 0, request: 0, alternative: 0, device: 0 }, false, START) !== true) {
      if (this.#pools.some(({ invalid }) => invalid !== undefined)) throw new NodeAllocationFailure('invalid resource pools were encountered')
      return undefined
    }
    return this.#claims.map((claim, index) => this.#result(claim, index))
  }

  #prepare(claim: ResourceResourceClaim, index: number): void {
    const { requests = [], constraints = [] } = claim.spec.devices ?? {}
    const name = nameOf(claim)
    const own: PreparedRequest[][] = []
    this.#requests.push(own)
    this.#picked.push([])
    this.#chosen.push([])
    let least = 0
    for (const request of requests) {
      const alternatives = alternativesOf(request).map((wanted) => this.#prepareRequest(wanted, index))
      own.push(alternatives)
      least += Math.min(...alternatives.map(({ devices }) => devices))
    }
    if (least > MAX_DEVICES_PER_CLAIM) throw new AllocationFailure(`claim ${name}: number of requested devices ${least} exceeds the claim limit of ${MAX_DEVICES_PER_CLAIM}`)
    this.#constraints.push(constraints.map((constraint, i) => {
      const made = constraintOf(constraint)
      if (!made) throw new AllocationFailure(`claim ${name}, constraint #${i}: empty constraint (unsupported constraint type?)`)
      return made
    }))
  }

  /** k8s: validateDeviceRequest */
  #prepareRequest(wanted: WantedDevices, claim: number): PreparedRequest {
    const where = `claim ${nameOf(this.#claims[claim]!)}, request ${ownName(wanted)}`
    const known = this.#options.deviceClass(wanted.className)
    if (!known) throw new AllocationFailure(`${where}: could not retrieve device class ${wanted.className}: deviceclass.resource.k8s.io ${JSON.stringify(wanted.className)} not found`)
    const request: PreparedRequest = { ...wanted, class: known, devices: wanted.count }
    if (wanted.mode === 'ExactCount') return request
    if (wanted.mode !== 'All') throw new AllocationFailure(`${where}: unsupported count mode ${wanted.mode}`)
    const all: Candidate[] = []
    for (const pool of this.#pools) {
      if (pool.isIncomplete) throw new AllocationFailure(`${where}: asks for all devices, but resource pool ${pool.driver}/${pool.name} is currently being updated`)
      if (pool.invalid !== undefined) throw new AllocationFailure(`${where}: asks for all devices, but resource pool ${pool.driver}/${pool.name} is currently invalid`)
      for (const slice of pool.slices)
        for (const device of slice.spec.devices ?? []) {
          const candidate = candidateOf(pool, slice, device)
          if (this.#isSelectable(request, candidate, claim) && this.#hasCapacity(request, candidate)) all.push(candidate)
        }
    }
    this.#all.set(request, all)
    request.devices = all.length
    return request
  }

  /** Picks one device after another. `isAlternative`: within an alternative that was settled on. k8s: allocateOne */
  #next(at: Position, isAlternative: boolean, from: Place): Found {
    if (++this.#steps > MAX_STEPS) throw new AllocationTimeout()
    if (at.claim >= this.#claims.length) return true
    const requests = this.#requests[at.claim]!
    if (at.request >= requests.length) {
      const found = this.#next({ claim: at.claim + 1, request: 0, alternative: 0, device: 0 }, false, START)
      // Another choice in this claim may lead to less in a later one.
      return found === 'exceeded' ? false : found
    }
    const alternatives = requests[at.request]!
    if (!isAlternative && alternatives[0]!.subRequest !== undefined) {
      let onlyExceeded = true
      for (let alternative = 0; alternative < alternatives.length; alternative++) {
        const found = this.#next({ ...at, alternative }, true, START)
        if (found === 'exceeded') continue
        onlyExceeded = false
        if (!found) continue
        this.#chosen[at.claim]![at.request] = alternative
        return true
      }
      return onlyExceeded ? 'exceeded' : false
    }
    const request = alternatives[at.alternative]!
    const all = this.#all.get(request)
    if (all?.length === 0) return false
    if (at.device >= request.devices) return this.#next({ claim: at.claim, request: at.request + 1, alternative: 0, device: 0 }, false, START)
    if (this.#picked[at.claim]!.length + request.devices - at.device > MAX_DEVICES_PER_CLAIM) return 'exceeded'
    const after = { ...at, device: at.device + 1 }
    if (all) {
      const undo = this.#pick(at, request, all[at.device]!, true)
      if (!undo) return false
      const found = this.#next(after, isAlternative, START)
      if (found !== true) undo()
      return found
    }
    for (let pool = from.pool; pool < this.#pools.length; pool++) {
      const candidates = this.#pools[pool]!
      for (let slice = pool === from.pool ? from.slice : 0; slice < candidates.slices.length; slice++) {
        const devices = candidates.slices[slice]!.spec.devices ?? []
        for (let device = pool === from.pool && slice === from.slice ? from.device : 0; device < devices.length; device++) {
          if (++this.#looks > MAX_LOOKS) throw new AllocationTimeout()
          const candidate = candidateOf(candidates, candidates.slices[slice]!, devices[device]!)
          if (this.#isInUse(candidate.id, request, at.claim) || !this.#isSelectable(request, candidate, at.claim) || !this.#hasCapacity(request, candidate)) continue
          const undo = this.#pick(at, request, candidate, false)
          if (!undo) continue
          const found = this.#next(after, isAlternative, { pool, slice, device: device + 1 })
          if (found === true) return true
          undo()
          if (found === 'exceeded') return found
        }
      }
    }
    return false
  }

  #isInUse(id: DeviceId, { adminAccess }: WantedDevices, claim: number): boolean {
    const taken = this.#taken.get(id)
    return adminAccess ? Boolean(taken?.has(claim)) : this.#options.allocated.dedicated.has(id) || Boolean(taken?.size)
  }

  #hasCapacity({ capacity }: WantedDevices, { id, device }: Candidate): boolean {
    return fitsCapacity(addConsumed(this.#options.allocated.shared.get(id) ?? {}, this.#shares.get(id) ?? {}), capacity, device.capacity)
  }

  /** k8s: isSelectable */
  #isSelectable(request: PreparedRequest, { device, slice }: Candidate, claim: number): boolean {
    let known = this.#selectable.get(request)
    if (!known) this.#selectable.set(request, known = new Map())
    let selectable = known.get(device)
    if (selectable === undefined) {
      selectable = this.#selects(request.class.spec.selectors, device, slice, `class ${request.class.metadata.name}`) && this.#selects(request.selectors, device, slice, `claim ${nameOf(this.#claims[claim]!)}`)
        && (!slice.spec.perDeviceNodeSelection || reachesNode(this.#node, device.nodeName, device.allNodes, device.nodeSelector))
      known.set(device, selectable)
    }
    return selectable
  }

  #selects(selectors: readonly DeviceSelector[] = [], device: Device, { spec }: ResourceSlice, of: string): boolean {
    return selectors.every(({ cel }, i) => {
      try {
        return matchesSelector(cel?.expression ?? '', device, spec.driver)
      } catch (error) {
        if (error instanceof SelectorFailure) throw new AllocationFailure(`${of}: selector #${i}: ${error.message}`)
        throw error
      }
    })
  }

  /** Counts a device as picked; returns how to take that back, or undefined when it can't be had. k8s: allocateDevice */
  #pick({ claim }: Position, request: PreparedRequest, candidate: Candidate, must: boolean): (() => void) | undefined {
    const { id, device, pool } = candidate
    const isShared = Boolean(device.allowMultipleAllocations)
    if ((!isShared || !request.adminAccess) && this.#isInUse(id, request, claim)) return undefined
    const undos: (() => void)[] = []
    const undo = () => { for (const each of undos.reverse()) each() }
    const isSharedAlready = isShared && (this.#options.allocated.shared.has(id) || this.#shares.has(id))
    if (!isSharedAlready && device.consumesCounters?.length) {
      const consumed = this.#ledger(pool)
      consumed.add(device)
      undos.push(() => consumed.subtract(device))
      if (!this.#available(pool).covers(consumed)) return void undo()
    }
    for (const taint of device.taints ?? []) if ((taint.effect === 'NoExecute' || taint.effect === 'NoSchedule') && !isDeviceTaintTolerated(request.tolerations, taint)) return void undo()
    for (const constraint of this.#constraints[claim]!) {
      if (!constraint.add(request.request, request.subRequest, device, pool.driver)) {
        undo()
        if (must) throw new AllocationFailure(`claim ${nameOf(this.#claims[claim]!)}, request ${ownName(request)}: cannot add device ${id} because a claim constraint would not be satisfied`)
        return undefined
      }
      undos.push(() => constraint.remove(request.request, request.subRequest))
    }
    if (!this.#hasCapacity(request, candidate)) return void undo()
    const picked: PickedDevice = { ...candidate, request }
    if (isShared) {
      const consumedCapacity = consumedBy(request.capacity, device.capacity)
      const before = this.#shares.get(id)
      this.#shares.set(id, addConsumed(before ?? {}, consumedCapacity))
      undos.push(() => {
        if (before) this.#shares.set(id, subtractConsumed(this.#shares.get(id)!, consumedCapacity))
        else this.#shares.delete(id)
      })
      picked.shareID = this.#options.random.uuid()
      if (Object.keys(consumedCapacity).length > 0) picked.consumedCapacity = consumedCapacity
    } else {
      let taken = this.#taken.get(id)
      if (!taken) this.#taken.set(id, taken = new Set())
      taken.add(claim)
      undos.push(() => taken.delete(claim))
    }
    const list = this.#picked[claim]!
    list.push(picked)
    undos.push(() => list.pop())
    return undo
  }

  #ledger(pool: DevicePool): CounterLedger {
    const key = `${pool.driver}/${pool.name}`
    let ledger = this.#consumed.get(key)
    if (!ledger) this.#consumed.set(key, ledger = new CounterLedger())
    return ledger
  }

  /** Counters of a pool without those of devices in use; the same for all nodes. k8s: checkAvailableCounters */
  #available(pool: DevicePool): CounterLedger {
    const key = `${pool.driver}/${pool.name}`
    let ledger = this.#counters.get(key)
    if (ledger) return ledger
    ledger = CounterLedger.of(pool.counterSets.values())
    const { dedicated, shared } = this.#options.allocated
    for (const { spec } of [...pool.slices, ...pool.otherSlices])
      for (const device of spec.devices ?? []) {
        const id = deviceId(spec.driver, spec.pool.name, device.name)
        if (dedicated.has(id) || shared.has(id)) ledger.subtract(device)
      }
    this.#counters.set(key, ledger)
    return ledger
  }

  #result(claim: ResourceResourceClaim, index: number): AllocationResult {
    const picked = this.#picked[index]!
    const results = picked.map(({ device, pool, request, shareID, consumedCapacity }): DeviceRequestAllocationResult => ({
      request: fullName(request), driver: pool.driver, pool: pool.name, device: device.name, ...(request.adminAccess ? { adminAccess: true } : {}),
      ...(request.tolerations?.length ? { tolerations: [...request.tolerations] } : {}), ...(device.bindingConditions?.length ? { bindingConditions: device.bindingConditions } : {}),
      ...(device.bindingFailureConditions?.length ? { bindingFailureConditions: device.bindingFailureConditions } : {}), ...(shareID === undefined ? {} : { shareID }), ...(consumedCapacity ? { consumedCapacity } : {}),
    }))
    const requests = this.#requests[index]!.map((alternatives, i) => alternatives[this.#chosen[index]![i] ?? 0]!)
    const config = allocationConfig(claim, requests)
    const nodeSelector = allocationNodeSelector(picked, this.#node.metadata.name!)
    return { devices: { ...(results.length > 0 ? { results } : {}), ...(config.length > 0 ? { config } : {}) }, ...(nodeSelector ? { nodeSelector } : {}) }
  }
}

const candidateOf = (pool: DevicePool, slice: ResourceSlice, device: Device): Candidate => ({ id: deviceId(pool.driver, pool.name, device.name), device, slice, pool })

const nameOf = ({ metadata }: ResourceResourceClaim) => `${metadata.namespace}/${metadata.name}`
