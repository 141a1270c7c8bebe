import { rfc3339 } from '../../base/clock.ts'
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
  api: Pick<Api, 'create' | 'patch'>
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
