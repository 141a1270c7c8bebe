import { rfc3339 } from '../../../base/clock.ts'
import type { Api } from '../../client/api.ts'
import type { Node, NodeCondition, Taint } from '../../kinds/generated/types.ts'

export const NOT_READY = 'node.kubernetes.io/not-ready'
export const UNREACHABLE = 'node.kubernetes.io/unreachable'
const UNSCHEDULABLE = 'node.kubernetes.io/unschedulable'

/** k8s: nodeConditionToTaintKeyStatusMap */
const CONDITION_TAINTS: Record<string, Record<string, string>> = {
  Ready: { False: NOT_READY, Unknown: UNREACHABLE },
  MemoryPressure: { True: 'node.kubernetes.io/memory-pressure' },
  DiskPressure: { True: 'node.kubernetes.io/disk-pressure' },
  NetworkUnavailable: { True: 'node.kubernetes.io/network-unavailable' },
  PIDPressure: { True: 'node.kubernetes.io/pid-pressure' },
}
const CONDITION_KEYS = new Set([...Object.values(CONDITION_TAINTS).flatMap((byStatus) => Object.values(byStatus)), UNSCHEDULABLE])

const isSame = (a: Taint, b: Taint) => a.key === b.key && a.effect === b.effect

/** Taints that keep new pods away, as the node's conditions say. k8s: doNoScheduleTaintingPass */
export function noScheduleTaints(node: Readonly<Node>): { add: Taint[]; remove: Taint[] } {
  const wanted: Taint[] = (node.status?.conditions ?? []).flatMap(({ type, status }: NodeCondition) => {
    const key = CONDITION_TAINTS[type]?.[status]
    return key ? [{ key, effect: 'NoSchedule' }] : []
  })
  if (node.spec?.unschedulable) wanted.push({ key: UNSCHEDULABLE, effect: 'NoSchedule' })
  const held = (node.spec?.taints ?? []).filter((taint) => taint.effect === 'NoSchedule' && CONDITION_KEYS.has(taint.key))
  return { add: wanted.filter((taint) => !held.some((other) => isSame(taint, other))), remove: held.filter((taint) => !wanted.some((other) => isSame(taint, other))) }
}

/** Adds and removes taints in one write. k8s: SwapNodeControllerTaint */
export async function swapTaints(api: Api, node: Readonly<Node>, add: readonly Taint[], remove: readonly Taint[], nowMs: number): Promise<Node | undefined> {
  const current = node.spec?.taints ?? []
  const kept = current.filter((taint) => !remove.some((other) => isSame(taint, other)) && !add.some((other) => isSame(taint, other)))
  // k8s: util/taints AddOrUpdateTaint appends
  const taints = [...kept, ...add.map((taint) => ({ ...taint, timeAdded: rfc3339(nowMs) }))]
  if (add.every((taint) => current.some((other) => isSame(taint, other))) && kept.length + add.length === current.length) return undefined
  return api.patch<Node>('nodes', node.metadata.name!, undefined, 'application/merge-patch+json', {
    metadata: { resourceVersion: node.metadata.resourceVersion }, spec: { taints: taints.length > 0 ? taints : null },
  })
}
