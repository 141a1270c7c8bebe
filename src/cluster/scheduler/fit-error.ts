import type { Diagnosis } from './framework.ts'

/** Why a pod found no node. k8s: framework FitError */
export interface FitError {
  kind: 'fit'
  nodeCount: number
  diagnosis: Diagnosis
  preFilterMessage?: string
  postFilterMessage?: string
  rejectors: Set<string>
}

/** The text that users see. k8s: FitError.Error */
export function fitErrorMessage({ nodeCount, diagnosis, preFilterMessage, postFilterMessage }: Pick<FitError, 'nodeCount' | 'diagnosis' | 'preFilterMessage' | 'postFilterMessage'>): string {
  let message = `0/${nodeCount} nodes are available:`
  if (preFilterMessage) message += ` ${preFilterMessage}.`
  else {
    const counts = new Map<string, number>()
    const count = (reasons: readonly string[], by: number) => { for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + by) }
    for (const { reasons } of diagnosis.nodes.values()) count(reasons, 1)
    if (diagnosis.absent && diagnosis.nodes.size < nodeCount) count(diagnosis.absent.reasons, nodeCount - diagnosis.nodes.size)
    const histogram = [...counts].map(([reason, n]) => `${n} ${reason}`).sort()
    if (histogram.length > 0) message += ` ${histogram.join(', ')}.`
  }
  if (postFilterMessage) message += ` ${postFilterMessage}`
  return message
}
