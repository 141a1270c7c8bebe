import type { KubeObject } from '../../../cluster/kinds/object.ts'
import { resourcePath } from '../discovery.ts'
import type { ApiResource } from '../discovery.ts'
import { ageOf } from '../duration.ts'
import type { Factory } from '../factory.ts'
import { goSort } from '../go-sort.ts'
import { goSprint } from '../../../cluster/kinds/go-text.ts'
import { DESCRIBERS } from './kinds.ts'
import { DescribeWriter, printAnnotations, printMap } from './writer.ts'

export interface DescribeContext {
  f: Factory
  mapping: ApiResource
  namespace: string
  showEvents: boolean
  nowMs: number
  /** GET; undefined when there is no such object or it may not be read. */
  get(path: string): Promise<any>
  /** The items of a list; undefined when it can't be read. */
  list(path: string, query?: Record<string, string>): Promise<any[] | undefined>
}

/** The description of one object. @throws StatusError */
export async function describeObject(f: Factory, mapping: ApiResource, namespace: string, name: string, showEvents: boolean): Promise<string> {
  const object = await f.rest().json<KubeObject>('GET', resourcePath(described(mapping), namespace, name))
  const context: DescribeContext = {
    f, mapping, namespace, showEvents, nowMs: f.nowMs(),
    get: (path) => f.rest().json('GET', path).catch(() => undefined),
    list: (path, query) => f.rest().list(path, { ...query, limit: 500 }).then((l) => l.items as any[], () => undefined),
  }
  const w = new DescribeWriter()
  const describer = DESCRIBERS[`${mapping.group}/${mapping.kind}`]
  if (describer) {
    const events = await describer(object, w, context)
    if (events !== false && showEvents) describeEvents(await eventsOf(context, object), w, context.nowMs)
  } else {
    w.line(0, `Name:\t${object.metadata.name}`)
    w.line(0, `Namespace:\t${object.metadata.namespace ?? ''}`)
    printMap(w, 'Labels', object.metadata.labels)
    printAnnotations(w, object.metadata.annotations)
    printContent(w, 0, object, '')
    if (showEvents) describeEvents(await eventsOf(context, object), w, context.nowMs)
  }
  return w.text
}

/** The version that the kind's describer reads, whatever was asked for. k8s: HorizontalPodAutoscalerDescriber */
function described(mapping: ApiResource): ApiResource {
  return mapping.group === 'autoscaling' && mapping.kind === 'HorizontalPodAutoscaler' ? { ...mapping, version: 'v2' } : mapping
}

/** The events about an object. k8s: describe searchEvents */
export async function eventsOf(context: DescribeContext, object: any, uid = object.metadata.uid): Promise<any[]> {
  const namespace = object.metadata.namespace as string | undefined
  const fieldSelector = [
    `involvedObject.name=${object.metadata.name}`, ...(namespace ? [`involvedObject.namespace=${namespace}`] : ['involvedObject.namespace=']),
    `involvedObject.kind=${context.mapping.kind}`, `involvedObject.uid=${uid}`,
  ].join(',')
  return await context.list(namespace ? `/api/v1/namespaces/${namespace}/events` : '/api/v1/events', { fieldSelector }) ?? []
}

// k8s: describe DescribeEvents
export function describeEvents(events: any[], w: DescribeWriter, nowMs: number): void {
  if (events.length === 0) { w.line(0, 'Events:\t<none>'); return }
  w.flush()
  // k8s: util/event SortableEvents looks at lastTimestamp alone, which the scheduler's events lack.
  const last = (e: any) => Date.parse(e.lastTimestamp ?? '') || 0
  const sorted = goSort(events, (a, b) => last(a) < last(b))
  w.line(0, 'Events:')
  w.line(1, 'Type\tReason\tAge\tFrom\tMessage')
  w.line(1, '----\t------\t----\t----\t-------')
  for (const e of sorted) {
    const first = e.eventTime ? ageOf(e.eventTime, nowMs) : ageOf(e.firstTimestamp, nowMs)
    const interval = e.series ? `${ageOf(e.series.lastObservedTime, nowMs)} (x${e.series.count ?? 0} over ${first})` : e.count > 1 ? `${ageOf(e.lastTimestamp, nowMs)} (x${e.count} over ${first})` : first
    const message = String(e.message ?? '').trim()
    w.line(1, `${e.type ?? ''}\t${e.reason ?? ''}\t${interval}\t${e.source?.component || e.reportingComponent || ''}\t${e.involvedObject?.fieldPath ? `${e.involvedObject.fieldPath}: ${message}` : message}`)
  }
}

const SKIPPED = new Set(['.metadata.managedFields', '.metadata.name', '.metadata.namespace', '.metadata.labels', '.metadata.annotations'])

/** Any object's content by field. k8s: describe printUnstructuredContent */
function printContent(w: DescribeWriter, level: number, content: Record<string, any>, prefix: string): void {
  for (const field of Object.keys(content).sort()) {
    const path = `${prefix}.${field}`
    if (SKIPPED.has(path)) continue
    const value = content[field]
    if (Array.isArray(value)) {
      w.line(level, `${labelFor(field)}:`)
      for (const item of value) {
        if (item !== null && typeof item === 'object' && !Array.isArray(item)) printContent(w, level + 1, item, path)
        else w.line(level + 1, goSprint(item))
      }
    } else if (value !== null && typeof value === 'object') {
      w.line(level, `${labelFor(field)}:`)
      printContent(w, level + 1, value, path)
    } else w.line(level, `${labelFor(field)}:\t${goSprint(value)}`)
  }
}

/** `lastTransitionTime` becomes `Last Transition Time`. k8s: describe smartLabelFor */
function labelFor(field: string): string {
  if (/[^\p{L}-]/u.test(field)) return field
  const parts = field.match(/\p{Lu}+(?=\p{Lu}\p{Ll})|\p{Lu}?\p{Ll}+|\p{Lu}+|[^\p{L}]+/gu) ?? [field]
  const merged: string[] = []
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!
    const next = parts[i + 1]
    if (next && part.length >= 2 && part === part.toUpperCase() && /^\p{Lu}/u.test(next)) { merged.push(part + next); i++ } else merged.push(part)
  }
  return merged.map((part) => ['API', 'URL', 'UID', 'GUID'].includes(part.toUpperCase()) ? part.toUpperCase() : part.toLowerCase() === part ? part[0]!.toUpperCase() + part.slice(1) : part).join(' ')
}
