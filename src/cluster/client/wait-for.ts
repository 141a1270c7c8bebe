import type { Clock } from '../../base/clock.ts'
import type { KubeObject } from '../kinds/object.ts'
import type { Informer, ObjectKey } from './informers.ts'

/**
 * Resolves with the object (undefined: gone) once `condition` holds in the cache.
 * @throws Error when it doesn't within `withinMs` of cluster time.
 */
export function waitFor<T extends KubeObject>(informer: Informer<T>, key: ObjectKey, condition: (object: T | undefined) => boolean, { clock, withinMs = 60_000 }: { clock: Clock; withinMs?: number }): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    let done = false
    let stop: (() => void) | undefined
    const look = () => {
      const object = informer.get(key)
      if (done || !condition(object)) return
      done = true
      timer.cancel()
      stop?.()
      resolve(object)
    }
    const timer = clock.after(withinMs, () => {
      done = true
      stop?.()
      reject(new Error(`${informer.resource} ${key}: not as awaited within ${withinMs} ms`))
    })
    look()
    if (done) return
    stop = informer.onChanges(look)
    if (done) stop()
  })
}
