/** Watches of versions that only a webhook can make: what they select is known once objects are converted. */
import type { KubeObject, WatchEvent } from '../kinds/object.ts'
import type { Endpoint } from './endpoint.ts'
import type { WatchSelection, WatchSink } from './resource-store.ts'

/**
 * What to ask the store for, and the sink for its answers, so that `sink` gets the events that `selection` chooses, in order and after
 * {@link Endpoint.ready}. Everything is as it was for kinds that convert at once.
 * @param since the revision that the watch starts after; 0: with the present state
 */
export function convertedWatch(endpoint: Endpoint, selection: WatchSelection, since: number, sink: WatchSink, onEnd?: (error?: unknown) => void): { selection: WatchSelection; sink: WatchSink } {
  const { matches, ...place } = selection
  if (!endpoint.convertsByWebhook) return { selection, sink }
  /** What the watcher believes to be there, by key. */
  const inside = new Map<string, KubeObject>()
  let turn = matches && since > 0 ? seed() : Promise.resolve()

  async function seed(): Promise<void> {
    const objects = endpoint.store.select(place).filter((object) => Number(object.metadata.resourceVersion) <= since)
    await endpoint.ready(objects)
    for (const object of objects) if (matches!(object)) inside.set(keyOf(object), object)
  }

  function chosen(events: readonly WatchEvent[]): WatchEvent[] {
    if (!matches) return [...events]
    const out: WatchEvent[] = []
    for (const event of events) {
      const key = keyOf(event.object)
      const before = inside.get(key)
      if (event.type !== 'DELETED' && matches(event.object)) {
        inside.set(key, event.object)
        out.push({ type: before ? 'MODIFIED' : 'ADDED', object: event.object })
      } else if (before) {
        inside.delete(key)
        out.push({ type: 'DELETED', object: event.type === 'DELETED' ? event.object : { ...before, metadata: { ...before.metadata, resourceVersion: event.object.metadata.resourceVersion! } } })
      }
    }
    return out
  }

  return {
    selection: place,
    sink: (events, revision) => {
      turn = turn.then(() => endpoint.ready(events.map((event) => event.object))).then(async () => {
        const wanted = chosen(events)
        // An object that left is shown as it was, in this version once more.
        await endpoint.ready(wanted.map((event) => event.object))
        sink(wanted, revision)
      }).catch((error: unknown) => onEnd?.(error))
    },
  }
}

function keyOf({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`
}
