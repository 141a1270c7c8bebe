import type { CounterSet, Device } from '../../kinds/generated/types.ts'
import { addQuantities, compareQuantities, subQuantities } from '../../kinds/quantity.ts'

/** Amounts of a pool's counters, by set and name: those that are there, or those that are used up. */
export class CounterLedger {
  readonly #amounts = new Map<string, string>()

  static of(sets: Iterable<CounterSet>): CounterLedger {
    const ledger = new CounterLedger()
    for (const { name, counters } of sets) for (const counter in counters) ledger.#amounts.set(`${name}/${counter}`, String(counters[counter]!.value))
    return ledger
  }

  add(device: Readonly<Device>): void {
    this.#change(device, addQuantities)
  }

  subtract(device: Readonly<Device>): void {
    this.#change(device, subQuantities)
  }

  /** Whether no counter of the other is above this one's. */
  covers(other: CounterLedger): boolean {
    for (const [key, amount] of this.#amounts) if (compareQuantities(amount, other.#amounts.get(key) ?? '0') < 0) return false
    return true
  }

  #change({ consumesCounters = [] }: Readonly<Device>, by: (a: string, b: string) => string): void {
    for (const { counterSet, counters } of consumesCounters)
      for (const counter in counters) {
        const key = `${counterSet}/${counter}`
        this.#amounts.set(key, by(this.#amounts.get(key) ?? '0', String(counters[counter]!.value)))
      }
  }
}
