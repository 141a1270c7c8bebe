import type { Api } from '../client/api.ts'
import type { Node, Taint } from '../kinds/generated/types.ts'

/** On a node that is about to go. k8s: utils/taints ToBeDeletedTaint */
export const TO_BE_DELETED_TAINT = 'ToBeDeletedByClusterAutoscaler'
/** On a node that nobody needs now. k8s: utils/taints DeletionCandidateTaint */
export const CANDIDATE_TAINT = 'DeletionCandidateOfClusterAutoscaler'

export const hasTaint = ({ spec }: Node, key: string) => spec?.taints?.some((taint) => taint.key === key) === true

/** Puts a taint on a node whose value is the time in seconds. `cordon`: nothing else is to come there either. @throws StatusError */
export async function addTaint(api: Api, { metadata }: Node, taint: Pick<Taint, 'key' | 'effect'>, nowMs: number, cordon = false): Promise<void> {
  const node = await api.get<Node>('nodes', metadata.name!)
  if (hasTaint(node, taint.key)) return
  await api.update<Node>('nodes', { ...node, spec: { ...node.spec, taints: [...node.spec?.taints ?? [], { ...taint, value: String(Math.floor(nowMs / 1_000)) }], ...(cordon ? { unschedulable: true } : {}) } })
}

/** Takes a taint away again. @returns whether it was there @throws StatusError */
export async function removeTaint(api: Api, { metadata }: Node, key: string, uncordon = false): Promise<boolean> {
  const node = await api.get<Node>('nodes', metadata.name!)
  if (!hasTaint(node, key)) return false
  const { unschedulable, ...spec } = node.spec!
  await api.update<Node>('nodes', { ...node, spec: { ...spec, taints: spec.taints!.filter((taint) => taint.key !== key), ...(unschedulable && !uncordon ? { unschedulable } : {}) } })
  return true
}
