import { rfc3339, rfc3339Micro } from '../../base/clock.ts'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { isStatusError } from '../kinds/status-error.ts'
import type { KubeObject } from '../kinds/object.ts'
import type { Api } from './api.ts'
import { objectReference, type ObjectReference } from './owner-references.ts'

export type EventType = 'Normal' | 'Warning'

/** Tells users what a component did or couldn't do. Never fails, never waits. */
export interface EventRecorder {
  event(about: KubeObject | ObjectReference, type: EventType, reason: string, message: string, annotations?: Record<string, string>): void
}

export interface EventRecorderOptions {
  api: Api
  clock: Clock
  log: Log
  /** `source.component` and `reportingComponent`, e.g. `kubelet`, `replicaset-controller`. */
  component: string
  /** `source.host` and `reportingInstance`: the node's name for node components. */
  host?: string
}

/** k8s: client-go/tools/record/events_cache.go */
const CACHE_SIZE = 4096
const MAX_SIMILAR = 10
const SIMILAR_INTERVAL_MS = 600_000
const SPAM_BURST = 25
const SPAM_TOKENS_PER_MS = 1 / 300_000

/** A map that forgets its least recently used entries. */
class Recent<V> {
  readonly #entries = new Map<string, V>()
  get(key: string): V | undefined {
    const value = this.#entries.get(key)
    if (value !== undefined) {
      this.#entries.delete(key)
      this.#entries.set(key, value)
    }
    return value
  }
  set(key: string, value: V): void {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    if (this.#entries.size > CACHE_SIZE) this.#entries.delete(this.#entries.keys().next().value!)
  }
}


/** Where in a millisecond a component's names start: components that speak of one object in the same stepped millisecond must not collide. */
function firstNanos(component: string, host: string): bigint {
  let hash = 7
  for (const char of `${component}/${host}`) hash = (Math.imul(hash, 31) + char.codePointAt(0)!) >>> 0
  return BigInt(hash % 900_000)
}

/** `<name>.<nanoseconds in hex>`. k8s: client-go/tools/record/util GenerateEventName */
function eventName(name: string, nowMs: number, last: { nanos: bigint; first: bigint }): string {
  let nanos = BigInt(Math.round(nowMs * 1000)) * 1000n + last.first
  if (nanos <= last.nanos) nanos = last.nanos + 1n
  last.nanos = nanos
  return `${name}.${nanos.toString(16)}`
}

/**
 * Events of the core API with upstream's correlation: repeats raise a count, more than ten similar ones are combined, and a source that
 * says too much about one object isn't heard. k8s: client-go/tools/record
 */
export function createEventRecorder({ api, clock, log, component, host = '' }: EventRecorderOptions): EventRecorder {
  const last = { nanos: 0n, first: firstNanos(component, host) }
  const spam = new Recent<{ tokens: number; atMs: number }>()
  const aggregates = new Recent<{ messages: Set<string>; atMs: number }>()
  const logged = new Recent<{ name: string; count: number; firstTimestamp: string }>()
  const sink = serialSink(clock, log)

  const record = async (involvedObject: ObjectReference, type: EventType, reason: string, message: string, annotations: Record<string, string> | undefined, nowMs: number) => {
    const object = `${involvedObject.kind}/${involvedObject.namespace ?? ''}/${involvedObject.name}/${involvedObject.uid ?? ''}/${involvedObject.apiVersion ?? ''}/${type}`

    let aggregateKey = `${object}/${reason}`
    let key = `${object}/${involvedObject.fieldPath ?? ''}/${reason}/${message}`
    let aggregate = aggregates.get(aggregateKey)
    if (!aggregate || nowMs - aggregate.atMs > SIMILAR_INTERVAL_MS) aggregate = { messages: new Set(), atMs: nowMs }
    aggregate.messages.add(message)
    aggregate.atMs = nowMs
    aggregates.set(aggregateKey, aggregate)
    const combined = aggregate.messages.size >= MAX_SIMILAR
    if (combined) {
      aggregate.messages.delete(aggregate.messages.values().next().value!)
      key = aggregateKey
      message = `(combined from similar events): ${message}`
    }

    const now = rfc3339(nowMs)
    const known = logged.get(key)
    const namespace = involvedObject.namespace || 'default'
    const entry = known
      ? { name: known.name, count: known.count + 1, firstTimestamp: known.firstTimestamp }
      : { name: eventName(involvedObject.name ?? '', nowMs, last), count: 1, firstTimestamp: now }
    logged.set(key, entry)

    const bucket = spam.get(object) ?? { tokens: SPAM_BURST, atMs: nowMs }
    bucket.tokens = Math.min(SPAM_BURST, bucket.tokens + (nowMs - bucket.atMs) * SPAM_TOKENS_PER_MS)
    bucket.atMs = nowMs
    spam.set(object, bucket)
    if (bucket.tokens < 1) return
    bucket.tokens--

    const { count } = entry
    const create = () => api.create('events', {
      apiVersion: 'v1', kind: 'Event',
      metadata: { name: entry.name, namespace, ...(annotations ? { annotations } : {}) },
      involvedObject, reason, message,
      source: { component, ...(host ? { host } : {}) },
      firstTimestamp: entry.firstTimestamp, lastTimestamp: now, count, type,
      eventTime: null, reportingComponent: combined ? '' : component, reportingInstance: combined ? '' : host,
    })
    if (count === 1) {
      await create()
      return
    }
    try {
      await api.patch('events', entry.name, namespace, 'application/strategic-merge-patch+json', { count, lastTimestamp: now, message })
    } catch (error) {
      // It has expired, or its namespace was emptied.
      if (!isStatusError(error, 'NotFound')) throw error
      entry.name = eventName(involvedObject.name ?? '', clock.nowMs(), last)
      await create()
    }
  }

  return {
    event(about, type, reason, message, annotations) {
      const involvedObject = 'metadata' in about && about.metadata ? objectReference(about as KubeObject) : about as ObjectReference
      const nowMs = clock.nowMs()
      sink(() => record(involvedObject, type, reason, message, annotations, nowMs))
    },
  }
}

/** Tells about an object and, optionally, another one that it has to do with. */
export interface SeriesRecorder {
  event(regarding: KubeObject, related: KubeObject | undefined, type: EventType, reason: string, action: string, note: string): void
  stop(): void
}

const SERIES_REFRESH_MS = 30 * 60_000
const SERIES_FINISH_MS = 6 * 60_000

/** Events of events.k8s.io/v1 with series, as the scheduler writes them. k8s: client-go/tools/events */
export function createSeriesRecorder({ api, clock, log, component, host = '' }: EventRecorderOptions): SeriesRecorder {
  interface Entry { event: KubeObject; count: number; lastMs: number; series: boolean }
  const last = { nanos: 0n, first: firstNanos(component, host) }
  const cache = new Map<string, Entry>()
  const sink = serialSink(clock, log)
  let stopped = false
  const series = (entry: Entry) => ({ count: entry.count, lastObservedTime: rfc3339Micro(entry.lastMs) })
  const record = (entry: Entry) => sink(async () => {
    if (!entry.series) {
      await api.create('events.events.k8s.io', entry.event)
      return
    }
    const { name, namespace } = entry.event.metadata
    try {
      await api.patch('events.events.k8s.io', name!, namespace, 'application/strategic-merge-patch+json', { series: series(entry) })
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error
      await api.create('events.events.k8s.io', { ...entry.event, series: series(entry) })
    }
  })
  const refresh = () => {
    if (stopped) return
    for (const entry of cache.values()) if (entry.series) record(entry)
    clock.after(SERIES_REFRESH_MS, refresh)
  }
  const finish = () => {
    if (stopped) return
    const nowMs = clock.nowMs()
    for (const [key, entry] of cache) {
      if (nowMs - entry.lastMs < SERIES_FINISH_MS) continue
      if (entry.series) record(entry)
      cache.delete(key)
    }
    clock.after(SERIES_FINISH_MS, finish)
  }
  clock.after(SERIES_REFRESH_MS, refresh)
  clock.after(SERIES_FINISH_MS, finish)
  return {
    event(regarding, related, type, reason, action, note) {
      const nowMs = clock.nowMs()
      const about = objectReference(regarding)
      const key = `${type}/${action}/${reason}/${about.kind}/${about.namespace ?? ''}/${about.name}/${about.uid}/${related?.metadata.uid ?? ''}`
      const known = cache.get(key)
      if (known) {
        known.lastMs = nowMs
        known.count++
        if (known.series) return
        known.series = true
        record(known)
        return
      }
      const event: KubeObject = {
        apiVersion: 'events.k8s.io/v1', kind: 'Event',
        metadata: { name: eventName(about.name ?? '', nowMs, last), namespace: about.namespace || 'default' },
        eventTime: rfc3339Micro(nowMs), reportingController: component, reportingInstance: host ? `${component}-${host}` : component,
        action, reason, regarding: about, ...(related ? { related: objectReference(related) } : {}), note, type,
      }
      const entry: Entry = { event, count: 1, lastMs: nowMs, series: false }
      cache.set(key, entry)
      record(entry)
    },
    stop() { stopped = true },
  }
}

/**
 * Runs writes one after another; a failed one is logged and lost, as upstream's are after their retries. They wait until what they tell about
 * has gone on: upstream's rate limits hold them back in a rush too. k8s: KubeletConfiguration eventRecordQPS
 */
function serialSink(clock: Clock, log: Log): (write: () => Promise<unknown>) => void {
  let queue: (() => Promise<unknown>)[] = []
  let busy = false
  return (write) => {
    queue.push(write)
    if (busy) return
    busy = true
    void (async () => {
      while (queue.length > 0) {
        const batch = queue
        queue = []
        for (const next of batch) {
          try {
            await clock.leisure()
            await next()
          } catch (error) {
            log.debug('an event was not recorded', { error: String(error) })
          }
        }
      }
      busy = false
    })()
  }
}
