import type { Event as CoreEvent } from '../generated/types.ts'
import { eventCells } from '../core/event.ts'
import { validateNewEvent, validateNewEventUpdate } from '../core/validate-event.ts'
import { defineKind, type Cells } from '../define-kind.ts'
import type { KubeObject } from '../object.ts'

/** The event as events.k8s.io shows it; etcd holds the core form. k8s: pkg/apis/events/v1/conversion.go */
export const eventV1 = defineKind<KubeObject>({
  group: 'events.k8s.io', version: 'v1', resource: 'events',
  storageGroup: '', storageVersion: 'v1',
  convert: { toStorage: toCoreEvent, fromStorage: fromCoreEvent },
  ownRules: { validate: validateNewEvent, validateUpdate: validateNewEventUpdate },
  strategy: { allowCreateOnUpdate: true },
  cells: Object.fromEntries(Object.entries(eventCells).map(([name, cell]) => [name, (object: KubeObject, nowMs: number) => cell(toCoreEvent(object) as CoreEvent, nowMs)])) as Cells<KubeObject>,
  // k8s: pkg/apis/events/v1 AddFieldLabelConversionsForEvent
  selectableFields: (object) => ({
    ...Object.fromEntries(['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'].map((field) => [`regarding.${field}`, object.regarding?.[field] ?? ''])),
    reason: object.reason ?? '',
    reportingController: object.reportingController ?? '',
    type: object.type ?? '',
  }),
})

/** Old names and new names of the same fields. */
const RENAMED: readonly [string, string][] = [
  ['regarding', 'involvedObject'], ['note', 'message'], ['reportingController', 'reportingComponent'], ['deprecatedSource', 'source'],
  ['deprecatedFirstTimestamp', 'firstTimestamp'], ['deprecatedLastTimestamp', 'lastTimestamp'], ['deprecatedCount', 'count'],
]

function toCoreEvent(event: Readonly<KubeObject>): KubeObject {
  const out: KubeObject = { ...event, apiVersion: 'v1' }
  for (const [ours, core] of RENAMED) {
    delete out[ours]
    if (event[ours] !== undefined) out[core] = event[ours]
  }
  out.involvedObject ??= {}
  out.source ??= {}
  out.firstTimestamp ??= null
  out.lastTimestamp ??= null
  out.eventTime ??= null
  out.reportingComponent ??= ''
  out.reportingInstance ??= ''
  // Only the new type prints a count of zero.
  if (out.series?.count === 0) {
    const { count: _, ...series } = out.series
    out.series = series
  }
  return out
}

function fromCoreEvent(event: Readonly<KubeObject>): KubeObject {
  const out: KubeObject = { ...event, apiVersion: 'events.k8s.io/v1' }
  for (const [, core] of RENAMED) delete out[core]
  for (const [ours, core] of RENAMED) {
    const value = event[core]
    if (value !== undefined && value !== '') out[ours] = value
  }
  if (!out.reportingInstance) delete out.reportingInstance
  out.regarding ??= {}
  out.deprecatedSource ??= {}
  out.deprecatedFirstTimestamp ??= null
  out.deprecatedLastTimestamp ??= null
  out.eventTime ??= null
  if (out.series && out.series.count === undefined) out.series = { count: 0, ...out.series }
  return out
}
