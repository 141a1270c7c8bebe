import type { Clock, Timer } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import type { Etcd } from '../etcd/etcd.ts'
import type { WatchEvent } from '../kinds/object.ts'
import { PROTOBUF_TYPE } from '../kinds/protobuf.ts'
import { encodeProtobuf, ProtobufWriter } from '../kinds/protobuf-encode.ts'
import { apiError, StatusError } from '../kinds/status-error.ts'
import { partialObjectOf, tableOf, type IncludeObject } from '../kinds/table.ts'
import { bookmarkObject, bookmarkRow } from './bookmark-object.ts'
import { convertedWatch } from './converted-watch.ts'
import type { Endpoint } from './endpoint.ts'
import { tableText } from './table-text.ts'
import { jsonText, sortedTexts } from './json-text.ts'
import { isVersion, parseReadVersion, versionProblem, type ListOptions } from './list-options.ts'
import { selectionOf, tooLargeVersion } from './listing.ts'
import { STREAM_TYPES, type Representation } from './media-types.ts'
import { plainError } from './registry.ts'
import type { StoreWatch } from './resource-store.ts'

/** k8s: server.Config MinRequestTimeout, seconds; a watch without timeoutSeconds ends between this and twice as long. */
const MIN_TIMEOUT_SECONDS = 1800
/** k8s: storage/cacher defaultBookmarkFrequency */
const BOOKMARK_EVERY_MS = 60_000
/** A watcher that doesn't read: beyond so many chunks it is cut off and has to list again. */
const MAX_UNREAD_CHUNKS = 1000
/** k8s: storage/cacher blockTimeout */
const FRESHNESS_WAIT_MS = 3_000

const encoder = new TextEncoder()
/** Lines by shared event, so that a thousand watchers encode once. */
const lines = new WeakMap<WatchEvent, Uint8Array>()

interface WatchParts {
  clock: Clock
  random: Random
  etcd: Etcd
}

interface WatchStyle {
  representation: Representation
  /** What rows of Tables show; asked when selectors and versions have been looked at. @throws StatusError 400 */
  includeObject(): IncludeObject
  /** The client has gone. */
  signal: AbortSignal
}

/** Answers a watch: a stream of JSON events, one a line. k8s: endpoints/handlers watch.go */
export function serveWatch(parts: WatchParts, endpoint: Endpoint, namespace: string | undefined, options: ListOptions, style: WatchStyle): Response {
  const { clock, etcd } = parts
  const selection = selectionOf(endpoint, namespace, options)
  if (options.resourceVersion && !isVersion(options.resourceVersion)) throw plainError(versionProblem(options.resourceVersion))
  const asked = parseReadVersion(options.resourceVersion)
  if (style.representation.encoding === 'yaml') throw apiError.notAcceptable(`only the following media types are accepted: ${STREAM_TYPES}`)
  // Without a version (or with 0) the present state comes first; sendInitialEvents asks for it next to a version, or refuses it.
  const initial = options.sendInitialEvents ?? asked === 0
  const timeoutSeconds = options.timeoutSeconds && options.timeoutSeconds > 0 ? options.timeoutSeconds : MIN_TIMEOUT_SECONDS * (1 + parts.random.float())
  const isProtobuf = style.representation.encoding === 'protobuf'
  const encode = isProtobuf ? protobufEncoderOf(endpoint, style.representation) : encoderOf(parts, endpoint, style)
  // No single object is a list: the stream ends with the first event. k8s: watchEmbeddedEncoder
  const isUnencodable = style.representation.as === 'PartialObjectMetadataList'
  let watch: StoreWatch | undefined
  let timers: Timer[] = []
  let ended = false
  let seen = etcd.revision
  let controller!: ReadableStreamDefaultController<Uint8Array>
  const end = () => {
    if (ended) return
    ended = true
    watch?.stop()
    for (const timer of timers) timer.cancel()
    timers = []
    style.signal.removeEventListener('abort', end)
    try { controller.close() } catch { /* the reader has cancelled */ }
  }
  const send = (bytes: Uint8Array) => {
    controller.enqueue(bytes)
    if ((controller.desiredSize ?? 0) < -MAX_UNREAD_CHUNKS) end()
  }
  const fail = (error: StatusError) => {
    if (ended) return
    const status = error.status as unknown as Record<string, unknown>
    send(isProtobuf ? protobufFrame('ERROR', encodeProtobuf(status)!) : encoder.encode(`{"type":"ERROR","object":${jsonText(status)}}\n`))
    end()
  }
  // What can't be converted never gets into the watch cache, which is given some time to come as far as etcd.
  const failLater = () => {
    const { revision } = etcd
    timers.push(clock.after(FRESHNESS_WAIT_MS, () => fail(tooLargeVersion(revision, revision - 1))))
  }
  const bookmark = (annotations?: Record<string, string>) => isUnencodable ? end() : send(encode({ type: 'BOOKMARK', object: bookmarkObject(endpoint, seen, annotations) }))
  const body = new ReadableStream<Uint8Array>({
    start(c) {
      controller = c
      if (style.signal.aborted) return end()
      style.signal.addEventListener('abort', end, { once: true })
      let initialEnd = Boolean(options.sendInitialEvents && options.allowWatchBookmarks)
      const markInitialEnd = () => {
        if (!initialEnd || ended) return
        initialEnd = false
        bookmark({ 'k8s.io/initial-events-end': 'true' })
      }
      try {
        if ((options.timeoutSeconds ?? 0) < 0) throw apiError.generic(500, 'InternalError', 'context deadline exceeded')
        if (options.sendInitialEvents && asked > etcd.revision) throw tooLargeVersion(asked, etcd.revision)
        const since = initial ? 0 : asked || seen
        const plan = convertedWatch(endpoint, selection, since, (events, revision) => {
          if (ended) return
          if (isUnencodable && events.length > 0) return end()
          const chunks = events.map((event) => encode(event))
          if (chunks.length === 1) send(chunks[0]!)
          else if (chunks.length > 1) send(joined(chunks))
          seen = revision
          markInitialEnd()
        }, () => options.resourceVersion ? end() : failLater())
        watch = endpoint.store.watch(plan.selection, since, initial, plan.sink, end)
        // Nothing there: the end of the initial events has no batch to follow.
        if (initialEnd && (!endpoint.convertsByWebhook || endpoint.store.select(plan.selection).length === 0)) Promise.resolve().then(() => Promise.resolve()).then(markInitialEnd)
      } catch (error) {
        if (!(error instanceof StatusError)) throw error
        return fail(error)
      }
      timers.push(clock.after(timeoutSeconds * 1000, end))
      if (options.allowWatchBookmarks) {
        const again = () => {
          if (ended) return
          seen = etcd.revision
          bookmark()
          timers.push(clock.after(BOOKMARK_EVERY_MS, again))
          if (timers.length > 2) timers.splice(1, timers.length - 2)
        }
        timers.push(clock.after(BOOKMARK_EVERY_MS, again))
      }
    },
    cancel: end,
  }, { highWaterMark: 0 })
  if (isProtobuf) return new Response(body, { status: 200, headers: { 'content-type': `${PROTOBUF_TYPE};stream=watch` } })
  return new Response(body, { status: 200, headers: { 'content-type': 'application/json' } })
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const chunk of chunks) length += chunk.length
  const out = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    out.set(chunk, at)
    at += chunk.length
  }
  return out
}

function encoderOf(parts: WatchParts, endpoint: Endpoint, { representation, includeObject: askedFor }: WatchStyle): (event: WatchEvent) => Uint8Array {
  const line = (type: string, text: string) => encoder.encode(`{"type":"${type}","object":${text}}\n`)
  const { as, asVersion } = representation
  // A bookmark has nothing but a version to show, and so nothing to convert.
  const shown = (event: WatchEvent) => event.type === 'BOOKMARK' ? event.object : endpoint.fromStorage(event.object)
  if (as === 'Table') {
    const includeObject = askedFor()
    let withoutColumns = false
    return (event) => {
      const plain = tableOf(endpoint.kind, [shown(event)], parts.clock.nowMs(), { includeObject, withoutColumns, apiVersion: `meta.k8s.io/${asVersion}` })
      const table = { ...plain, rows: event.type === 'BOOKMARK' ? plain.rows.map((row) => bookmarkRow(endpoint.kind, row)) : plain.rows, metadata: { resourceVersion: event.object.metadata.resourceVersion } }
      withoutColumns = true
      return line(event.type, tableText(table, endpoint.kind))
    }
  }
  if (as === 'PartialObjectMetadata')
    return (event) => line(event.type, jsonText({ ...partialObjectOf(event.object), apiVersion: `meta.k8s.io/${asVersion}` }))
  return (event) => {
    if (endpoint.kind.custom) return line(event.type, sortedTexts.text(shown(event)))
    if (!endpoint.isStorageVersion) return line(event.type, jsonText(shown(event)))
    let bytes = lines.get(event)
    if (!bytes) {
      bytes = line(event.type, jsonText(event.object))
      lines.set(event, bytes)
    }
    return bytes
  }
}

/** Frames by shared event. */
const frames = new WeakMap<WatchEvent, Uint8Array>()

function protobufEncoderOf(endpoint: Endpoint, { as, asVersion }: Representation): (event: WatchEvent) => Uint8Array {
  const shown = (event: WatchEvent) => event.type === 'BOOKMARK' ? event.object : endpoint.fromStorage(event.object)
  if (as) return (event) => protobufFrame(event.type, encodeProtobuf({ ...partialObjectOf(event.object), apiVersion: `meta.k8s.io/${asVersion}` })!)
  return (event) => {
    const known = endpoint.isStorageVersion ? frames.get(event) : undefined
    if (known) return known
    const frame = protobufFrame(event.type, encodeProtobuf(shown(event) as unknown as Record<string, unknown>)!)
    if (endpoint.isStorageVersion) frames.set(event, frame)
    return frame
  }
}

/** A WatchEvent with its length before it. k8s: runtime/serializer/protobuf LengthDelimitedFramer */
function protobufFrame(type: string, object: Uint8Array): Uint8Array {
  const writer = new ProtobufWriter()
  writer.field(2, () => writer.field(1, () => writer.bytes(object)))
  writer.field(1, () => writer.text(type))
  const { length } = writer.finish()
  writer.bytes([length >>> 24, length >>> 16 & 255, length >>> 8 & 255, length & 255])
  return writer.finish()
}
