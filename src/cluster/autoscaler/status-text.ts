import type { NodeGroup } from './cloud-provider.ts'

/** How many nodes there are of which kind. k8s: clusterstate Readiness */
export interface Readiness {
  total: number
  ready: number
  notStarted: number
  unready: number
  beingDeleted: number
  unregistered: number
  longUnregistered: number
}

export interface GroupStatus {
  group: NodeGroup
  readiness: Readiness
  isHealthy: boolean
  scaleUp: 'InProgress' | 'Unhealthy' | 'Backoff' | 'NoActivity'
  backoff?: { errorCode: string; errorMessage: string }
  candidates: number
}

export interface AutoscalerStatus {
  nowMs: number
  readiness: Readiness
  isHealthy: boolean
  groups: readonly GroupStatus[]
  /** When unneeded nodes were last looked for. */
  scaleDownProbeMs: number
}

/** Since when a condition is as it is. */
export class Transitions {
  readonly #known = new Map<string, { status: string; sinceMs: number }>()

  since(condition: string, status: string, nowMs: number): number {
    const known = this.#known.get(condition)
    if (known?.status === status) return known.sinceMs
    this.#known.set(condition, { status, sinceMs: nowMs })
    return nowMs
  }
}

/** Go's zero time. */
const NEVER = '0001-01-01T00:00:00Z'
/** As Go prints a time, e.g. `2026-01-02 03:04:05.678 +0000 UTC`. */
export const goTime = (ms: number) => `${new Date(ms).toISOString().replace('T', ' ').replace(/\.?0*Z$/, '')} +0000 UTC`
/** YAML takes it for a time unless it is quoted. */
const rfc = (ms: number) => ms === 0 ? `"${NEVER}"` : `"${new Date(ms).toISOString().slice(0, 19)}Z"`

/** What the status says before the first loop. */
export function initializingText(nowMs: number): string {
  return `time: ${goTime(nowMs)}\nautoscalerStatus: Initializing\n`
}

/** The status as the ConfigMap has it: YAML with the fields in Go's order. k8s: clusterstate/api ClusterAutoscalerStatus */
export function statusText({ nowMs, readiness, isHealthy, groups, scaleDownProbeMs }: AutoscalerStatus, transitions: Transitions): string {
  const lines: string[] = [`time: ${goTime(nowMs)}`, 'autoscalerStatus: Running', 'clusterWide:']
  const times = (indent: string, key: string, status: string, probeMs: number) => { lines.push(`${indent}lastProbeTime: ${rfc(probeMs)}`, `${indent}lastTransitionTime: ${rfc(transitions.since(key, status, nowMs))}`) }
  const health = (indent: string, key: string, healthy: boolean, { total, ready, notStarted, beingDeleted, unready, longUnregistered, unregistered }: Readiness, group?: NodeGroup) => {
    const status = healthy ? 'Healthy' : 'Unhealthy'
    lines.push(
      `${indent}health:`, `${indent}  status: ${status}`, `${indent}  nodeCounts:`, `${indent}    registered:`, `${indent}      total: ${total}`, `${indent}      ready: ${ready}`, `${indent}      notStarted: ${notStarted}`,
      ...(beingDeleted > 0 ? [`${indent}      beingDeleted: ${beingDeleted}`] : []), ...(unready > 0 ? [`${indent}      unready:`, `${indent}        total: ${unready}`, `${indent}        resourceUnready: 0`] : []),
      `${indent}    longUnregistered: ${longUnregistered}`, `${indent}    unregistered: ${unregistered}`,
    )
    if (group) lines.push(`${indent}  cloudProviderTarget: ${group.targetSize}`, `${indent}  minSize: ${group.minSize}`, `${indent}  maxSize: ${group.maxSize}`)
    times(`${indent}  `, `${key} health`, status, nowMs)
  }
  const scaleUp = (indent: string, key: string, status: string, backoff?: GroupStatus['backoff']) => {
    lines.push(`${indent}scaleUp:`, `${indent}  status: ${status}`, ...(backoff ? [`${indent}  backoffInfo:`, `${indent}    errorCode: ${backoff.errorCode}`, `${indent}    errorMessage: ${JSON.stringify(backoff.errorMessage)}`] : []))
    times(`${indent}  `, `${key} scaleUp`, status, nowMs)
  }
  const scaleDown = (indent: string, key: string, candidates: number) => {
    const status = candidates > 0 ? 'CandidatesPresent' : 'NoCandidates'
    lines.push(`${indent}scaleDown:`, `${indent}  status: ${status}`, ...(candidates > 0 ? [`${indent}  candidates: ${candidates}`] : []))
    times(`${indent}  `, `${key} scaleDown`, status, scaleDownProbeMs)
  }
  health('  ', '', isHealthy, readiness)
  scaleUp('  ', '', groups.some((each) => each.scaleUp === 'InProgress') ? 'InProgress' : 'NoActivity')
  scaleDown('  ', '', groups.reduce((sum, { candidates }) => sum + candidates, 0))
  if (groups.length > 0) lines.push('nodeGroups:')
  for (const { group, readiness: own, isHealthy: healthy, scaleUp: activity, backoff, candidates } of groups) {
    lines.push(`- name: ${/^[\w./:-]*[\w/]$/.test(group.id) ? group.id : JSON.stringify(group.id)}`)
    health('  ', group.id, healthy, own, group)
    scaleUp('  ', group.id, activity, backoff)
    scaleDown('  ', group.id, candidates)
  }
  return `${lines.join('\n')}\n`
}
