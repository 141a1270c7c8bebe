/**
 * A number, or a share of `total` (`25%`), rounded up or down. Text that is neither counts as 0.
 * k8s: apimachinery/pkg/util/intstr GetScaledValueFromIntOrPercent
 */
export function scaledValue(value: number | string | undefined, total: number, roundUp: boolean): number {
  if (value === undefined) return 0
  if (typeof value === 'number') return value
  const match = /^(-?\d+)%$/.exec(value)
  if (!match) return 0
  const share = Number(match[1]) * total / 100
  return roundUp ? Math.ceil(share) : Math.floor(share)
}
