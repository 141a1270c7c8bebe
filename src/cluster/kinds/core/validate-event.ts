/** k8s: pkg/apis/core/validation/events.go */
import { deepEqual } from '../../../base/freeze.ts'
import { checkQualifiedName } from '../checks.ts'
import { invalid, required, type Finding } from '../findings.ts'
import type { Event } from '../generated/types.ts'
import { byteLength, dnsSubdomainProblems } from '../names.ts'
import { internalValue } from './spec-diff.ts'
import { IMMUTABLE, validateKindMetaUpdate, validateObjectMeta } from '../validate-metadata.ts'

const MAX_BYTES = 128
const MAX_NOTE_BYTES = 1024
const OTHER_NAMESPACE = 'does not match event.namespace'
const NOT_WANTED = 'needs to be unset'

/** What every event must fulfil. `controllerField` is how the version of the request calls the reporter. */
export function validateEvent(event: Readonly<Event>, controllerField = 'reportingComponent'): Finding[] {
  const out: Finding[] = []
  const namespace = event.metadata.namespace ?? ''
  const about = event.involvedObject.namespace ?? ''
  if (!event.eventTime) {
    if (about ? about !== namespace : namespace !== '' && namespace !== 'default') out.push(invalid('involvedObject.namespace', about, OTHER_NAMESPACE))
  } else {
    if (!about && namespace !== 'default' && namespace !== 'kube-system') out.push(invalid('involvedObject.namespace', about, OTHER_NAMESPACE))
    if (!event.reportingComponent) out.push(required(controllerField))
    checkQualifiedName(out, event.reportingComponent ?? '', controllerField)
    for (const field of ['reportingInstance', 'action', 'reason'] as const) {
      if (!event[field]) out.push(required(field))
      else if (byteLength(event[field]) > MAX_BYTES) out.push(invalid(field, '', `can have at most ${MAX_BYTES} characters`))
    }
    if (byteLength(event.message ?? '') > MAX_NOTE_BYTES) out.push(invalid('message', '', `can have at most ${MAX_NOTE_BYTES} characters`))
  }
  for (const problem of dnsSubdomainProblems(namespace)) out.push(invalid('namespace', namespace, problem))
  return out
}

/** What events.k8s.io asks for beyond that; `event` in its core form. */
export function validateNewEvent(event: Readonly<Event>): Finding[] {
  const out = [...validateEvent(event, 'reportingController'), ...validateObjectMeta({ namespaced: true }, event.metadata)]
  checkSeries(out, event)
  if (!event.eventTime) out.push(required('eventTime'))
  if (event.type !== 'Normal' && event.type !== 'Warning') out.push(invalid('type', '', `has invalid value: ${event.type ?? ''}`))
  if (event.firstTimestamp) out.push(invalid('firstTimestamp', '', NOT_WANTED))
  if (event.lastTimestamp) out.push(invalid('lastTimestamp', '', NOT_WANTED))
  if (event.count) out.push(invalid('count', '', NOT_WANTED))
  if (event.source?.component || event.source?.host) out.push(invalid('source', '', NOT_WANTED))
  return out
}

const FIXED = ['involvedObject', 'reason', 'message', 'source', 'firstTimestamp', 'lastTimestamp', 'count', 'reason', 'type', 'eventTime', 'action', 'related', 'reportingComponent', 'reportingInstance'] as const

export function validateNewEventUpdate(event: Readonly<Event>, old: Readonly<Event>): Finding[] {
  const out = [...validateEvent(event, 'reportingController'), ...validateKindMetaUpdate({ schema: 'io.k8s.api.core.v1.Event' }, event.metadata, old.metadata)]
  if (!deepEqual(event.series ?? null, old.series ?? null)) checkSeries(out, event)
  for (const field of FIXED) {
    if (!deepEqual(event[field] ?? null, old[field] ?? null)) out.push(invalid(field === 'reportingComponent' ? 'reportingController' : field, internal(field, event), IMMUTABLE))
  }
  return out
}

/** A field as the server's internal type shows it. */
function internal(field: (typeof FIXED)[number], event: Readonly<Event>): unknown {
  const value = event[field]
  switch (field) {
    case 'involvedObject': return internalValue('ObjectReference', value)
    case 'related': return internalValue('*ObjectReference', value)
    case 'source': return { Component: event.source?.component ?? '', Host: event.source?.host ?? '' }
    case 'count': return value ?? 0
    case 'firstTimestamp': case 'lastTimestamp': case 'eventTime': return value ?? null
    default: return value ?? ''
  }
}

function checkSeries(out: Finding[], { series }: Readonly<Event>): void {
  if (!series) return
  if ((series.count ?? 0) < 2) out.push(invalid('series.count', '', 'should be at least 2'))
  if (!series.lastObservedTime) out.push(required('series.lastObservedTime'))
}
