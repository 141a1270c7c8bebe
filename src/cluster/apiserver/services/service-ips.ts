import type { Clock } from '../../../base/clock.ts'
import type { Random } from '../../../base/random.ts'
import { parseCidr } from '../../kinds/ip.ts'
import type { KubeObject } from '../../kinds/object.ts'
import type { Endpoint } from '../endpoint.ts'
import { IpAllocator, IpError } from './ip-allocator.ts'

export interface ServiceIpsOptions {
  /** The range that the server's flag names: it counts where there are no ServiceCIDRs. */
  cidr: string
  addresses: Endpoint
  serviceCidrs: Endpoint
  clock: Clock
  random: Random
}

/** Addresses of Services, from all ServiceCIDRs that are ready. k8s: registry/core/service/ipallocator MetaAllocator */
export class ServiceIps {
  readonly #options: ServiceIpsOptions
  /** By range. */
  readonly #allocators = new Map<string, IpAllocator>()

  constructor(options: ServiceIpsOptions) {
    this.#options = options
  }

  /** @throws IpError */
  take(ip: string, service: KubeObject, dryRun: boolean): void {
    const ready = this.#ready()
    const own = ready.find((allocator) => allocator.contains(ip)) ?? ready[0]
    if (!own) throw new IpError('the provided network does not match the current range')
    own.take(ip, service, dryRun)
  }

  /** @throws IpError when all are taken. */
  takeAny(service: KubeObject, dryRun: boolean): string {
    const ready = this.#ready()
    // Go goes through them in any order.
    for (const allocator of ready.length > 1 ? this.#options.random.shuffle(ready) : ready) {
      try {
        return allocator.takeAny(service, dryRun)
      } catch (error) {
        if (!(error instanceof IpError) || !error.isFull) throw error
      }
    }
    throw new IpError('range is full', true)
  }

  release(ip: string): void {
    const { store } = this.#options.addresses
    const object = store.get('', ip)
    if (object) store.remove('', object)
  }

  #ready(): IpAllocator[] {
    const { cidr, serviceCidrs } = this.#options
    const objects = serviceCidrs.store.list()
    const ranges = objects.length === 0 ? [cidr] : objects.filter(isReady).flatMap((object) => (object['spec'] as { cidrs?: string[] } | undefined)?.cidrs ?? [])
    return [...new Set(ranges)].filter((range) => parseCidr(range)?.ip.family === 4).map((range) => this.#allocator(range))
  }

  #allocator(cidr: string): IpAllocator {
    let allocator = this.#allocators.get(cidr)
    if (!allocator) this.#allocators.set(cidr, allocator = new IpAllocator({ ...this.#options, cidr }))
    return allocator
  }
}

/** Without a word about it, it is: nobody may be there to say so. */
function isReady({ metadata, ...object }: KubeObject): boolean {
  const { conditions = [] } = (object['status'] ?? {}) as { conditions?: { type: string; status: string }[] }
  return metadata.deletionTimestamp === undefined && (conditions.find(({ type }) => type === 'Ready')?.status ?? 'True') === 'True'
}
