import { quantityMilliValue, quantityValue } from '../../kinds/quantity.ts'
import { sanitized, seconds } from './family.ts'

/** Quantities as kube-state-metrics names them: with their unit, names made of plain signs. k8s: kube-state-metrics internal/store/pod.go */
export function resourceSamples(quantities: Readonly<Record<string, string>> | undefined): { resource: string; unit: string; value: number }[] {
  return Object.entries(quantities ?? {}).map(([name, quantity]) => ({
    resource: sanitized(name), value: name === 'cpu' ? thousandths(quantity) : quantityValue(quantity),
    unit: name === 'cpu' ? 'core' : ['memory', 'storage', 'ephemeral-storage'].includes(name) || name.startsWith('hugepages-') || name.startsWith('attachable-volumes-') ? 'byte' : 'integer',
  }))
}

/** A quantity that counts in thousandths, as cores do. */
export const thousandths = (quantity: string | number): number => quantityMilliValue(quantity) / 1000

/** When a condition began to hold; undefined while it doesn't. */
export const conditionTime = (condition: { status: string; lastTransitionTime?: string } | undefined): number | undefined => condition?.status === 'True' ? seconds(condition.lastTransitionTime) : undefined
