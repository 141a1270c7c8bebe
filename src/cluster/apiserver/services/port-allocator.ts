import type { Random } from '../../../base/random.ts'

/** k8s: kube-apiserver --service-node-port-range */
const DEFAULT_RANGE: readonly [number, number] = [30000, 32767]
/** As many of the lower ports are only given out when the upper ones are used up: room for those that people choose. k8s: portallocator calculateRangeOffset */
const STATIC_STEP = 32
const MIN_STATIC = 16
const MAX_STATIC = 128

function staticPorts([first, last]: readonly [number, number]): number {
  const size = last - first + 1
  return size <= MIN_STATIC ? 0 : Math.min(Math.max(MIN_STATIC, Math.floor(size / STATIC_STEP)), MAX_STATIC)
}

/** A port that can't be had, in upstream's words. */
export class PortError extends Error {}

/** Which node ports are taken. k8s: registry/core/service/portallocator */
export class PortAllocator {
  readonly #taken = new Set<number>()
  readonly #random: Random
  /** First and last. */
  range = DEFAULT_RANGE

  constructor(random: Random) {
    this.#random = random
  }

  has(port: number): boolean {
    return this.#taken.has(port)
  }

  /** Notes a port as taken, whoever has it. */
  mark(port: number): void {
    this.#taken.add(port)
  }

  release(port: number): void {
    this.#taken.delete(port)
  }

  /** @throws PortError */
  take(port: number): void {
    const [first, last] = this.range
    if (port < first || port > last) throw new PortError(`provided port is not in the valid range. The range of valid ports is ${first}-${last}`)
    if (this.#taken.has(port)) throw new PortError('provided port is already allocated')
    this.#taken.add(port)
  }

  /** @throws PortError when all are taken. */
  takeAny(): number {
    const [first, last] = this.range
    const dynamicFrom = first + staticPorts(this.range)
    for (const [low, high] of [[dynamicFrom, last], [first, dynamicFrom - 1]] as const) {
      const size = high - low + 1
      if (size < 1) continue
      const offset = this.#random.int(size)
      for (let i = 0; i < size; i++) {
        const port = low + (offset + i) % size
        if (this.#taken.has(port)) continue
        this.#taken.add(port)
        return port
      }
    }
    throw new PortError('range is full')
  }

  /** A transaction: what it takes is given back unless it commits, what it releases goes only then. */
  begin(dryRun: boolean): PortOperation {
    return new PortOperation(this, dryRun)
  }
}

/** k8s: portallocator PortAllocationOperation */
export class PortOperation {
  readonly #allocator: PortAllocator
  readonly #dryRun: boolean
  readonly #taken: number[] = []
  readonly #released: number[] = []

  constructor(allocator: PortAllocator, dryRun: boolean) {
    this.#allocator = allocator
    this.#dryRun = dryRun
  }

  take(port: number): void {
    if (this.#dryRun) {
      if (this.#allocator.has(port) || this.#taken.includes(port)) throw new PortError('provided port is already allocated')
    } else this.#allocator.take(port)
    this.#taken.push(port)
  }

  takeAny(): number {
    // A dry run needs a number nobody else can have, not one it would really get.
    const port = this.#dryRun ? (this.#taken.length > 0 ? Math.max(0, ...this.#taken) : this.#allocator.range[1] + 1) + 1 : this.#allocator.takeAny()
    this.#taken.push(port)
    return port
  }

  releaseLater(port: number): void {
    this.#released.push(port)
  }

  finish(succeeded: boolean): void {
    if (this.#dryRun) return
    for (const port of succeeded ? this.#released : this.#taken) this.#allocator.release(port)
  }
}
