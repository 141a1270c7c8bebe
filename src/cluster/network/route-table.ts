import type { NetworkRoute, RouteLookup } from '../../unix/types.ts'
import { parseCidr, parseIPv4 } from './cidr.ts'

/** Routes by their ranges. The narrowest that has an address wins. */
export class RouteTable implements RouteLookup {
  /** By size of the range, then by its first address. */
  readonly #bySize = new Map<number, Map<number, NetworkRoute>>()
  #sizes: number[] = []

  /** Puts a route in the place of the one for the same range. */
  replace(route: NetworkRoute): void {
    const { first, size } = rangeOf(route.destination)
    let routes = this.#bySize.get(size)
    if (!routes) {
      this.#bySize.set(size, routes = new Map())
      this.#sizes = [...this.#bySize.keys()].sort((a, b) => a - b)
    }
    routes.set(first, route)
  }

  remove(destination: string): void {
    const { first, size } = rangeOf(destination)
    this.#bySize.get(size)?.delete(first)
  }

  find(ip: string): NetworkRoute | undefined {
    const address = parseIPv4(ip)
    for (const size of this.#sizes) {
      const route = this.#bySize.get(size)!.get(address - (address % size))
      if (route) return route
    }
    return undefined
  }

  all(): readonly NetworkRoute[] {
    return this.#sizes.flatMap((size) => [...this.#bySize.get(size)!.values()])
  }
}

/** How many addresses a route's destination has. */
export function rangeOf(destination: string): { first: number; size: number } {
  return destination === 'default' ? { first: 0, size: 2 ** 32 } : parseCidr(destination.includes('/') ? destination : `${destination}/32`)
}
