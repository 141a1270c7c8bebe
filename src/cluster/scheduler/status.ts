/** k8s: kube-scheduler/framework Code */
export type StatusCode = 'Unschedulable' | 'UnschedulableAndUnresolvable' | 'Skip' | 'Pending' | 'Wait' | 'Error'

/** What a plugin answers when it isn't content. Success is `undefined` ({@link PASS}). */
export interface SchedulingStatus {
  readonly code: StatusCode
  readonly reasons: readonly string[]
  /** Filled in by the framework. */
  plugin?: string
}

export const PASS = undefined
/** This plugin has nothing to say about this pod: its later steps are left out. */
export const SKIP: SchedulingStatus = Object.freeze({ code: 'Skip', reasons: [] })

/** The pod doesn't fit; evicting other pods might help. */
export function unschedulable(...reasons: string[]): SchedulingStatus {
  return { code: 'Unschedulable', reasons }
}

/** The pod doesn't fit, and evicting other pods would not help. */
export function unresolvable(...reasons: string[]): SchedulingStatus {
  return { code: 'UnschedulableAndUnresolvable', reasons }
}

export function failed(message: string): SchedulingStatus {
  return { code: 'Error', reasons: [message] }
}

export function isRejection(status: SchedulingStatus): boolean {
  return status.code === 'Unschedulable' || status.code === 'UnschedulableAndUnresolvable' || status.code === 'Pending'
}

export function messageOfStatus(status: SchedulingStatus): string {
  return status.reasons.join(', ')
}
