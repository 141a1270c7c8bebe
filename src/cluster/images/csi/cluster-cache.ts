import type { Proc } from '../../../unix/types.ts'
import { WorkQueue } from '../../client/work-queue.ts'
import type { KubeObject } from '../../kinds/object.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import type { ClusterClient } from '../in-cluster/cluster-client.ts'
import { followResource } from '../in-cluster/follow-resource.ts'
import { klog } from '../in-cluster/klog.ts'

/** Objects of one resource as the watch last told them. Keys are `namespace/name`, or `name` where there are no namespaces. */
export class ObjectCache<T extends KubeObject> {
  readonly objects = new Map<string, T>()
  readonly synced: Promise<void>

  /** @param path below the server, e.g. `/api/v1/persistentvolumes` @param type what lists don't say of each of their items @param onChange told of each change, with the object as it was before */
  constructor(proc: Proc, client: ClusterClient, path: string, type: { apiVersion: string; kind: string }, onChange: (key: string, now: T | undefined, before: T | undefined) => void) {
    let synced!: () => void
    this.synced = new Promise((resolve) => { synced = resolve })
    followResource<T & { metadata: { name: string } }>({
      proc, client, path,
      onChange: (key, found) => {
        const object = found && { ...found, ...type }
        const short = key.startsWith('/') ? key.slice(1) : key
        const before = this.objects.get(short)
        if (object) this.objects.set(short, object)
        else this.objects.delete(short)
        onChange(short, object, before)
      },
      onSynced: () => synced(),
      onError: (message) => klog(proc, 'E', 'reflector.go:227', `"Failed to watch" err=${JSON.stringify(message)}`),
    }).catch(() => { /* the process has ended */ })
  }

  get(key: string): T | undefined {
    return this.objects.get(key)
  }

  /** Takes what a write has answered, so that nobody goes by what was there before; the watch tells it once more. */
  put(object: T): void {
    const { namespace, name } = object.metadata
    const key = namespace ? `${namespace}/${name}` : name!
    // It may be gone meanwhile.
    if (this.objects.has(key)) this.objects.set(key, object)
  }

  /** Takes what was made, for whoever looks before the watch tells. */
  add(object: T): void {
    const { namespace, name } = object.metadata
    const key = namespace ? `${namespace}/${name}` : name!
    if (!this.objects.has(key)) this.objects.set(key, object)
  }

  list(): T[] {
    return [...this.objects.values()]
  }
}

/** Where one object is, below the server. */
export const objectPath = (folder: string, { metadata: { namespace, name } }: KubeObject) => `${namespace ? folder.replace(/\/([^/]+)$/, `/namespaces/${namespace}/$1`) : folder}/${name}`

/** A queue of keys whose failures are logged and tried again, at first after a second, at last every five minutes, as the sidecars do it. */
export function keyedWork(proc: Proc, what: string, work: (key: string) => Promise<void>): (key: string) => void {
  const failures = new Map<string, number>()
  const queue = new WorkQueue({
    clock: proc.clock,
    async process(key) {
      try {
        await work(key)
        failures.delete(key)
      } catch (error) {
        if (proc.killed.aborted) return
        const count = failures.get(key) ?? 0
        failures.set(key, count + 1)
        // Somebody else was faster: expected, and cured by looking again.
        if (!isStatusError(error, 'Conflict')) klog(proc, 'E', 'controller.go:974', `"Error processing" ${what}=${JSON.stringify(key)} err=${JSON.stringify((error as Error).message)}`)
        queue.addAfter(key, isStatusError(error, 'Conflict') ? 50 : Math.min(1_000 * 2 ** count, 300_000))
      }
    },
  })
  return (key) => queue.add(key)
}
