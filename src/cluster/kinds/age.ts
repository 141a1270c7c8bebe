import { humanDuration } from './duration.ts'
import type { KubeObject } from './object.ts'

/** How long ago a time was; `<unknown>` without one. k8s: translateTimestampSince */
export function timeSince(time: string | null | undefined, nowMs: number): string {
  return time ? humanDuration(nowMs - Date.parse(time)) : '<unknown>'
}

/** How long an object has existed. */
export function age(object: KubeObject, nowMs: number): string {
  return timeSince(object.metadata.creationTimestamp, nowMs)
}
