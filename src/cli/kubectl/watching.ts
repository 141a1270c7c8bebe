import type { KubeObject } from '../../cluster/kinds/object.ts'
import { StatusError } from '../../cluster/kinds/status-error.ts'
import { groupVersion, resourcePath } from './discovery.ts'
import type { ApiResource } from './discovery.ts'
import type { Factory } from './factory.ts'

/** A wait took longer than it may. */
export class WaitTimeout extends Error {
  constructor(message = 'timed out waiting for the condition') { super(message) }
}

/** One object whose state is followed; `undefined` once it is gone. */
export interface ObjectRef {
  mapping: ApiResource
  namespace: string
  name: string
}

/**
 * Follows one object until `done` holds of it (undefined: it isn't there).
 * @param timeoutMs 0 for no limit; negative for a look only
 * @returns the last state
 * @throws WaitTimeout
 */
export async function untilObject(f: Factory, ref: ObjectRef, timeoutMs: number, done: (object: KubeObject | undefined, deleted: boolean) => boolean): Promise<KubeObject | undefined> {
  const path = resourcePath(ref.mapping, ref.namespace)
  const fieldSelector = `metadata.name=${ref.name}`
  const controller = new AbortController()
  // One signal that follows the others: many waits at once, as drain's, would leave as many listeners on those of the process.
  const signal = AbortSignal.any([f.io.broken, f.proc.killed, controller.signal])
  let timedOut = false
  const timer = timeoutMs > 0 ? f.proc.clock.after(timeoutMs, () => { timedOut = true; controller.abort() }) : undefined
  try {
    for (;;) {
      const list = await f.rest().list(path, { fieldSelector })
      const first = list.items[0] as KubeObject | undefined
      // Items of lists don't repeat their kind.
      let current = first && (first.kind ? first : { ...first, apiVersion: groupVersion(ref.mapping), kind: ref.mapping.kind })
      if (done(current, false)) return current
      if (timeoutMs < 0) throw new WaitTimeout()
      if (timedOut) throw new WaitTimeout()
      try {
        for await (const event of f.rest().watch(path, { query: { fieldSelector, resourceVersion: list.metadata.resourceVersion }, signal })) {
          if (event.type === 'BOOKMARK') continue
          const deleted = event.type === 'DELETED'
          current = deleted ? undefined : event.object
          if (done(current, deleted)) return current
        }
      } catch (error) {
        if (!signal.aborted && !(error instanceof StatusError && error.code === 410)) throw error
      }
      if (timedOut) throw new WaitTimeout()
      if (signal.aborted) throw new WaitTimeout()
    }
  } finally {
    timer?.cancel()
    controller.abort()
  }
}
