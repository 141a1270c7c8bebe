/** What `kubectl get pods` shows. k8s: pkg/printers/internalversion printPod */
import { timeSince } from '../age.ts'
import type { Cells } from '../define-kind.ts'
import type { ContainerStatus, Pod } from '../generated/types.ts'

/** A pod at a glance. */
export interface PodSummary {
  ready: number
  total: number
  /** `Running`, `CrashLoopBackOff`, `Init:0/1`, `Terminating` ... */
  reason: string
  restarts: number
  /** RFC 3339; undefined when nothing restarted. */
  lastRestart: string | undefined
}

/** The facts behind the columns Ready, Status and Restarts. */
export function podSummary(pod: Readonly<Pod>): PodSummary {
  const { spec, status = {}, metadata } = pod
  let restarts = 0
  let sidecarRestarts = 0
  let total = spec.containers?.length ?? 0
  let ready = 0
  let lastRestart: string | undefined
  let lastSidecarRestart: string | undefined
  const phase = status.phase ?? ''
  let reason: string = status.reason || phase
  for (const condition of status.conditions ?? []) if (condition.type === 'PodScheduled' && condition.reason === 'SchedulingGated') reason = 'SchedulingGated'
  const sidecars = new Set<string>()
  for (const container of spec.initContainers ?? []) {
    if (container.restartPolicy === 'Always') {
      sidecars.add(container.name)
      total++
    }
  }
  const later = (a: string | undefined, b: string | null | undefined) => (b && (a === undefined || a < b) ? b : a)
  let initializing = false
  const initStatuses = status.initContainerStatuses ?? []
  for (let i = 0; i < initStatuses.length; i++) {
    const container = initStatuses[i]!
    const ended = container.lastState?.terminated?.finishedAt
    restarts += container.restartCount
    lastRestart = later(lastRestart, ended)
    const sidecar = sidecars.has(container.name)
    if (sidecar) {
      sidecarRestarts += container.restartCount
      lastSidecarRestart = later(lastSidecarRestart, ended)
    }
    const { terminated, waiting } = container.state ?? {}
    if (terminated?.exitCode === 0) continue
    if (sidecar && container.started) {
      if (container.ready) ready++
      continue
    }
    if (terminated) reason = `Init:${terminationText(terminated)}`
    else if (waiting?.reason && waiting.reason !== 'PodInitializing') reason = `Init:${waiting.reason}`
    else reason = `Init:${i}/${spec.initContainers?.length ?? 0}`
    initializing = true
    break
  }
  if (!initializing || status.conditions?.some((condition) => condition.type === 'Initialized' && condition.status === 'True')) {
    restarts = sidecarRestarts
    lastRestart = lastSidecarRestart
    let running = false
    let errorReason = ''
    const statuses = status.containerStatuses ?? []
    for (let i = statuses.length - 1; i >= 0; i--) {
      const container = statuses[i]!
      restarts += container.restartCount
      lastRestart = later(lastRestart, container.lastState?.terminated?.finishedAt)
      const { waiting, terminated } = container.state ?? {}
      if (waiting?.reason) reason = waiting.reason
      else if (terminated) {
        reason = terminationText(terminated)
        if (terminated.exitCode !== 0) errorReason = reason
      } else if (container.ready && container.state?.running) {
        running = true
        ready++
      }
    }
    if (reason === 'Completed') {
      if (running && status.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True')) reason = 'Running'
      else if (errorReason) reason = errorReason
      else if (running) reason = 'NotReady'
    }
  }
  if (metadata.deletionTimestamp) {
    if (status.reason === 'NodeLost') reason = 'Unknown'
    else if (phase !== 'Failed' && phase !== 'Succeeded') reason = 'Terminating'
  }
  return { ready, total, reason, restarts, lastRestart }
}

function terminationText(terminated: NonNullable<NonNullable<ContainerStatus['state']>['terminated']>): string {
  if (terminated.reason) return terminated.reason
  return terminated.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`
}

let remembered: { pod: Readonly<Pod>; summary: PodSummary } | undefined

/** The cells of one row all need it. */
function summaryOf(pod: Readonly<Pod>): PodSummary {
  if (remembered?.pod !== pod) remembered = { pod, summary: podSummary(pod) }
  return remembered.summary
}

export const podCells: Cells<Pod> = {
  Ready: (pod) => `${summaryOf(pod).ready}/${summaryOf(pod).total}`,
  Status: (pod) => summaryOf(pod).reason,
  Restarts(pod, nowMs) {
    const { restarts, lastRestart } = summaryOf(pod)
    return restarts !== 0 && lastRestart ? `${restarts} (${timeSince(lastRestart, nowMs)} ago)` : String(restarts)
  },
  IP: (pod) => pod.status?.podIPs?.[0]?.ip || '<none>',
  Node: (pod) => pod.spec.nodeName || '<none>',
  'Nominated Node': (pod) => pod.status?.nominatedNodeName || '<none>',
  'Readiness Gates'(pod) {
    const gates = pod.spec.readinessGates ?? []
    if (gates.length === 0) return '<none>'
    const met = gates.filter((gate) => pod.status?.conditions?.find((condition) => condition.type === gate.conditionType)?.status === 'True').length
    return `${met}/${gates.length}`
  },
}

/** Rows of pods that have ended are marked, so that clients can hide them. */
export function podRowConditions(pod: Readonly<Pod>): { type: string; status: string; reason: string; message: string }[] | undefined {
  if (pod.status?.phase === 'Succeeded') return [{ type: 'Completed', status: 'True', reason: 'Succeeded', message: 'The pod has completed successfully.' }]
  if (pod.status?.phase === 'Failed') return [{ type: 'Completed', status: 'True', reason: 'Failed', message: 'The pod failed.' }]
  return undefined
}
