import { rfc3339, type Clock } from '../../../base/clock.ts'
import type { Random } from '../../../base/random.ts'
import type { KubeObject, ManagedFieldsEntry } from '../../kinds/object.ts'
import { trackUpdate } from '../../kinds/patch/managed-fields.ts'
import type { Endpoint } from '../endpoint.ts'

/** An address that can't be had, in upstream's words. */
export class IpError extends Error {
  /** Whether nothing is left, whatever was asked for. */
  readonly isFull: boolean

  constructor(message: string, isFull = false) {
    super(message)
    this.isFull = isFull
  }
}

/** Numbers of IPv4 addresses. */
function ipNumber(ip: string): number {
  return ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
}

export function ipText(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.')
}

/**
 * Addresses of one range for Services. An address is taken while its IPAddress object exists, as on the real server, so that etcd is the only truth.
 * k8s: registry/core/service/ipallocator
 */
export class IpAllocator {
  readonly #addresses: Endpoint
  readonly #clock: Clock
  readonly #random: Random
  readonly #cidr: string
  readonly #first: number
  readonly #last: number
  /** Addresses below are only given out when the upper ones are used up: room for those that people choose. */
  readonly #dynamicFrom: number

  constructor(options: { cidr: string; addresses: Endpoint; clock: Clock; random: Random }) {
    const [base = '', bits = '0'] = options.cidr.split('/')
    const size = 2 ** (32 - Number(bits))
    const network = Math.floor(ipNumber(base) / size) * size
    this.#addresses = options.addresses
    this.#clock = options.clock
    this.#random = options.random
    this.#cidr = `${ipText(network)}/${bits}`
    this.#first = network + 1
    this.#last = network + size - 2
    // k8s: calculateRangeOffset
    this.#dynamicFrom = this.#first + (size <= 16 ? 0 : Math.min(Math.max(16, Math.floor(size / 16)), 256))
  }

  contains(ip: string): boolean {
    const number = ipNumber(ip)
    return number >= this.#first && number <= this.#last
  }

  /** @throws IpError */
  take(ip: string, service: KubeObject, dryRun: boolean): void {
    const number = ipNumber(ip)
    const inRange = this.contains(ip)
    if (dryRun) {
      // Who only tries isn't told that somebody else has the address.
      if (!inRange) throw new IpError(`the provided IP (${ip}) is not in the valid range. The range of valid IPs is ${this.#cidr}`)
      return
    }
    if (!inRange) throw new IpError('the provided network does not match the current range')
    if (this.#isTaken(number)) throw new IpError('provided IP is already allocated')
    this.#claim(ip, service)
  }

  /** @throws IpError when all are taken. */
  takeAny(service: KubeObject, dryRun: boolean): string {
    if (dryRun) return ipText(this.#first - 1)
    for (const [low, high] of [[Math.min(this.#dynamicFrom, this.#last), this.#last], [this.#first, this.#dynamicFrom - 1]] as const) {
      const size = high - low + 1
      if (size <= 0) continue
      const offset = this.#random.int(size)
      for (let i = 0; i < size; i++) {
        const number = low + (offset + i) % size
        if (this.#isTaken(number)) continue
        const ip = ipText(number)
        this.#claim(ip, service)
        return ip
      }
    }
    throw new IpError('range is full', true)
  }

  #isTaken(number: number): boolean {
    return this.#addresses.store.get('', ipText(number)) !== undefined
  }

  #claim(ip: string, service: KubeObject): void {
    // The one thing of the parent reference that may be missing: allocation comes before the Service is validated.
    if (!service.metadata.name) throw new IpError(`IPAddress.networking.k8s.io ${JSON.stringify(ip)} is invalid: spec.parentRef.name: Required value`)
    const { kind, apiVersion, store } = this.#addresses
    const time = rfc3339(this.#clock.nowMs())
    const address: KubeObject = {
      kind: 'IPAddress', apiVersion,
      metadata: { name: ip, uid: this.#random.uuid(), creationTimestamp: time, labels: { 'ipaddress.kubernetes.io/ip-family': 'IPv4', 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' } },
      spec: { parentRef: { resource: 'services', namespace: service.metadata.namespace, name: service.metadata.name } },
    }
    const managedFields = trackUpdate({ kind, old: undefined, updated: address, manager: 'kube-apiserver', time })
    store.create('', managedFields ? { ...address, metadata: { ...address.metadata, managedFields: managedFields as ManagedFieldsEntry[] } } : address)
  }
}
