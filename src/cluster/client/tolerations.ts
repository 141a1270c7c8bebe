import type { Taint, Toleration } from '../kinds/generated/types.ts'

/** k8s: component-helpers/scheduling/corev1 Toleration.ToleratesTaint */
export function toleratesTaint(toleration: Readonly<Toleration>, taint: Readonly<Taint>): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false
  if (toleration.key && toleration.key !== taint.key) return false
  switch (toleration.operator ?? '') {
    case '': case 'Equal': return (toleration.value ?? '') === (taint.value ?? '')
    case 'Exists': return true
    default: return false
  }
}

export function isTolerated(tolerations: readonly Toleration[] | undefined, taint: Readonly<Taint>): boolean {
  return tolerations?.some((toleration) => toleratesTaint(toleration, taint)) ?? false
}

/** The first taint with one of the effects that nothing tolerates. */
export function findUntolerated(taints: readonly Taint[] | undefined, tolerations: readonly Toleration[] | undefined, ...effects: string[]): Taint | undefined {
  return taints?.find((taint) => effects.includes(taint.effect) && !isTolerated(tolerations, taint))
}
