import type { Clock } from '../../../base/clock.ts'

const GUARD_DIGITS = 10
const TERMS_AT_ONCE = 100

/** π with that many significant digits, the last one rounded. Machin's formula, in whole numbers. */
export async function piDigits(digits: number, clock: Pick<Clock, 'breathe'>): Promise<string> {
  if (digits < 1) return '3'
  const one = 10n ** BigInt(digits + GUARD_DIGITS)
  const arctanOfInverse = async (x: bigint): Promise<bigint> => {
    let power = one / x
    let sum = power
    for (let n = 3n, sign = -1n; power > 0n; n += 2n, sign = -sign) {
      power /= x * x
      sum += sign * (power / n)
      if (Number(n) % TERMS_AT_ONCE === 1) await clock.breathe()
    }
    return sum
  }
  const pi = 4n * (4n * await arctanOfInverse(5n) - await arctanOfInverse(239n))
  // One digit stands before the point.
  const scale = 10n ** BigInt(GUARD_DIGITS + 1)
  const text = String((pi + scale / 2n) / scale)
  return digits === 1 ? text : `${text[0]}.${text.slice(1)}`
}
