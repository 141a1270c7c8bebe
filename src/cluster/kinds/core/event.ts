import { timeSince } from '../age.ts'
import { defineKind, type Cells } from '../define-kind.ts'
import type { Event } from '../generated/types.ts'
import { pathSegmentName } from '../names.ts'
import { validateEvent } from './validate-event.ts'

/** Cells of an event in its stored (core) form. k8s: printEvent */
export const eventCells: Cells<Event> = {
  'Last Seen'(event, nowMs) {
    if (event.series) return timeSince(event.series.lastObservedTime, nowMs)
    return timeSince(event.lastTimestamp || event.firstTimestamp || event.eventTime, nowMs)
  },
  Type: (event) => event.type ?? '',
  Reason: (event) => event.reason ?? '',
  Object: ({ involvedObject: { kind = '', name } }) => (name ? `${kind.toLowerCase()}/${name}` : kind.toLowerCase()),
  Subobject: (event) => event.involvedObject.fieldPath ?? '',
  Source(event) {
    const component = event.source?.component || event.reportingComponent || ''
    const instance = event.source?.host || event.reportingInstance || ''
    return instance ? `${component}, ${instance}` : component
  },
  Message: (event) => (event.message ?? '').trim(),
  'First Seen': (event, nowMs) => timeSince(event.firstTimestamp || event.eventTime, nowMs),
  Count: (event) => event.series ? (event.series.count ?? 0) : event.count || 1,
  Name: (event) => event.metadata.name,
}

export const event = defineKind<Event>({
  group: '', version: 'v1', resource: 'events',
  nameRule: pathSegmentName,
  validate: (object) => validateEvent(object),
  createsWithoutMeta: true,
  updatesWithoutMeta: true,
  validateUpdate: (object) => validateEvent(object),
  // k8s: kube-apiserver --event-ttl
  strategy: { allowCreateOnUpdate: true, ttlSeconds: 3_600 },
  cells: eventCells,
  selectableFields: (object) => ({
    'involvedObject.kind': object.involvedObject.kind ?? '',
    'involvedObject.namespace': object.involvedObject.namespace ?? '',
    'involvedObject.name': object.involvedObject.name ?? '',
    'involvedObject.uid': object.involvedObject.uid ?? '',
    'involvedObject.apiVersion': object.involvedObject.apiVersion ?? '',
    'involvedObject.resourceVersion': object.involvedObject.resourceVersion ?? '',
    'involvedObject.fieldPath': object.involvedObject.fieldPath ?? '',
    reason: object.reason ?? '',
    reportingComponent: object.reportingComponent ?? '',
    source: object.source?.component || object.reportingComponent || '',
    type: object.type ?? '',
  }),
})
