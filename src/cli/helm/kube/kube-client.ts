import type { KubeObject } from '../../../cluster/kinds/object.ts'
import { createThreeWayMergePatch } from '../../../cluster/kinds/patch/create-three-way-patch.ts'
import { createMergePatch, createThreeWayJsonMergePatch } from '../../../cluster/kinds/patch/merge-patch.ts'
import { StatusError } from '../../../cluster/kinds/status-error.ts'
import { deleteOptions } from '../../kubectl/commands/delete.ts'
import type { Propagation } from '../../kubectl/commands/delete.ts'
import { resourcePath } from '../../kubectl/discovery.ts'
import { isNotFound } from '../../kubectl/errors.ts'
import type { Factory } from '../../kubectl/factory.ts'
import { schemaNameOf } from '../../kubectl/gvk-schema.ts'
import { findResources } from '../../kubectl/resources.ts'
import type { Info } from '../../kubectl/resources.ts'
import { untilObject, WaitTimeout } from '../../kubectl/watching.ts'
import { isReady } from './ready.ts'

/** Several things went wrong. k8s: hashicorp/go-multierror */
export class MultiError extends Error {
  constructor(errors: readonly Error[]) {
    super(`${errors.length === 1 ? '1 error' : `${errors.length} errors`} occurred:\n${errors.map((e) => `\t* ${e.message}\n`).join('')}\n`)
  }
}

/** What an update did, also where it failed on the way. */
export interface UpdateResult { created: Info[]; updated: Info[]; deleted: Info[] }

/** An update failed; what it had done until then is told too. */
export class UpdateError extends Error {
  readonly result: UpdateResult
  constructor(message: string, result: UpdateResult) {
    super(message)
    this.result = result
  }
}

const MANAGER = { fieldManager: 'helm' }
/** How often the state of things is looked at. */
const POLL_MS = 2000
const KEEP = 'helm.sh/resource-policy'

/** Creates, changes, deletes and waits for the objects of manifests. k8s: helm.sh/helm/v3/pkg/kube Client */
export class KubeClient {
  readonly #f: Factory
  readonly #namespace: string

  constructor(f: Factory, namespace: string) {
    this.#f = f
    this.#namespace = namespace
  }

  /** @throws Error `Kubernetes cluster unreachable: ...` */
  async requireReachable(): Promise<{ gitVersion: string; major: string; minor: string }> {
    try {
      return await this.#f.rest().json('GET', '/version')
    } catch (error) {
      throw new Error(`Kubernetes cluster unreachable: ${(error as Error).message.replace(/^context was not found for specified context: (.*)$/, (_, name: string) => `context ${JSON.stringify(name)} does not exist`)}`)
    }
  }

  /**
   * The objects of a text, with where the server has them.
   * @param validate also that they have a kind and a version
   * @throws Error for those that aren't objects of a kind that the server knows
   */
  async build(manifest: string, validate: boolean): Promise<Info[]> {
    const found = await findResources(this.#f, { text: { source: '', text: manifest }, namespace: this.#namespace, flatten: true, continueOnError: true, validate: validate ? 'Strict' : 'Ignore' })
    const { infos, error } = await found.infos()
    if (error) throw new Error(error.message.replaceAll('; if you choose to ignore these errors, turn validation off with --validate=false', ''))
    for (const info of infos) {
      if (!info.mapping.namespaced || info.namespace) continue
      info.namespace = this.#namespace
      info.object = { ...info.object!, metadata: { ...info.object!.metadata, namespace: this.#namespace } }
    }
    return infos
  }

  /** The object as the server has it. @throws StatusError */
  get(info: Info): Promise<KubeObject> {
    return this.#f.rest().json<KubeObject>('GET', resourcePath(info.mapping, info.namespace, info.name))
  }

  async #createOne(info: Info): Promise<void> {
    info.object = await this.#f.rest().json<KubeObject>('POST', resourcePath(info.mapping, info.namespace), { body: info.object, query: MANAGER })
  }

  /** Objects of one kind at once, kinds one after the other. @throws MultiError */
  async create(infos: readonly Info[]): Promise<void> {
    await this.#perform(infos, (info) => this.#createOne(info))
  }

  async #perform(infos: readonly Info[], act: (info: Info) => Promise<void>): Promise<void> {
    if (infos.length === 0) throw new Error('no objects visited')
    const errors: Error[] = []
    for (let i = 0; i < infos.length; ) {
      const { kind } = infos[i]!.mapping
      const group: Info[] = []
      while (i < infos.length && infos[i]!.mapping.kind === kind) group.push(infos[i++]!)
      for (const result of await Promise.allSettled(group.map(act))) if (result.status === 'rejected') errors.push(result.reason as Error)
    }
    if (errors.length > 0) throw new MultiError(errors)
  }

  /**
   * Brings objects from one set of manifests to another: new ones are created, changed ones patched, left-out ones deleted.
   * @param force replaces objects instead of patching them
   * @throws UpdateError
   */
  async update(original: readonly Info[], target: readonly Info[], force: boolean, threeWay = false): Promise<UpdateResult> {
    const result: UpdateResult = { created: [], updated: [], deleted: [] }
    const errors: string[] = []
    for (const info of target) {
      let current: KubeObject
      try {
        current = await this.get(info)
      } catch (error) {
        if (!isNotFound(error)) throw new UpdateError(`could not get information about the resource: ${(error as Error).message}`, result)
        result.created.push(info)
        try {
          await this.#createOne(info)
        } catch (failure) {
          throw new UpdateError(`failed to create resource: ${(failure as Error).message}`, result)
        }
        continue
      }
      const before = original.find((other) => sameObject(other, info))
      try {
        await this.#updateOne(info, before?.object ?? current, force, threeWay)
      } catch (error) {
        errors.push((error as Error).message)
      }
      result.updated.push(info)
    }
    if (errors.length > 0) throw new UpdateError(errors.join(' && '), result)
    for (const info of original) {
      if (target.some((other) => sameObject(other, info))) continue
      try {
        const there = await this.get(info)
        if (there.metadata.annotations?.[KEEP] === 'keep') continue
        await this.#deleteOne(info, 'Background')
        result.deleted.push(info)
      } catch { /* Helm goes on as well. */ }
    }
    return result
  }

  async #updateOne(info: Info, before: KubeObject, force: boolean, threeWay: boolean): Promise<void> {
    const path = resourcePath(info.mapping, info.namespace, info.name)
    const rest = this.#f.rest()
    if (force) {
      try {
        const live = await this.get(info)
        info.object = await rest.json<KubeObject>('PUT', path, { body: { ...info.object!, metadata: { ...info.object!.metadata, resourceVersion: live.metadata.resourceVersion } }, query: MANAGER })
      } catch (error) {
        throw new Error(`failed to replace object: ${(error as Error).message}`)
      }
      return
    }
    const live = await this.get(info)
    const { patch, type } = patchOf(info, before, live, threeWay)
    if (Object.keys(patch).length === 0) { info.object = live; return }
    try {
      info.object = await rest.json<KubeObject>('PATCH', path, { body: patch, contentType: type, query: MANAGER })
    } catch (error) {
      throw new Error(`cannot patch ${JSON.stringify(info.name)} with kind ${info.mapping.kind}: ${(error as Error).message}`)
    }
  }

  async #deleteOne(info: Info, propagation: Propagation): Promise<void> {
    await this.#f.rest().json('DELETE', resourcePath(info.mapping, info.namespace, info.name), { body: deleteOptions(-1, propagation) })
  }

  /** @returns what couldn't be deleted; what isn't there counts as deleted */
  async delete(infos: readonly Info[], propagation: Propagation = 'Background'): Promise<Error[]> {
    const errors: Error[] = []
    if (infos.length === 0) return [new Error('object not found, skipping delete: no objects visited')]
    await this.#perform(infos, async (info) => {
      try {
        await this.#deleteOne(info, propagation)
      } catch (error) {
        if (!isNotFound(error)) errors.push(error as Error)
      }
    })
    return errors
  }

  /** Until all are ready. @throws Error `context deadline exceeded` */
  async wait(infos: readonly Info[], timeoutMs: number, withJobs: boolean): Promise<void> {
    await this.#poll(timeoutMs, async () => {
      for (const info of infos) {
        try {
          if (!await isReady(this.#f, info, withJobs)) return false
        } catch (error) {
          // What may pass is asked again.
          if (error instanceof StatusError && (error.code === 429 || (error.code >= 500 && error.code !== 501))) return false
          throw error
        }
      }
      return true
    })
  }

  /** Until none is there any more. @throws Error `context deadline exceeded` */
  async waitForDelete(infos: readonly Info[], timeoutMs: number): Promise<void> {
    await this.#poll(timeoutMs, async () => {
      for (const info of infos) {
        try {
          await this.get(info)
          return false
        } catch (error) {
          if (!isNotFound(error)) throw error
        }
      }
      return true
    })
  }

  async #poll(timeoutMs: number, done: () => Promise<boolean>): Promise<void> {
    const { proc } = this.#f
    const end = proc.clock.nowMs() + timeoutMs
    for (;;) {
      if (await done()) return
      const left = end - proc.clock.nowMs()
      if (left <= 0) throw new Error('context deadline exceeded')
      await proc.sleep(Math.min(POLL_MS, left))
      if (proc.clock.nowMs() >= end) throw new Error('context deadline exceeded')
    }
  }

  /** Until jobs and pods have ended well; other kinds are there at once. @throws MultiError */
  async untilDone(infos: readonly Info[], timeoutMs: number): Promise<void> {
    await this.#perform(infos, async (info) => {
      const { kind } = info.mapping
      if (kind !== 'Job' && kind !== 'Pod') return
      let seen = false
      let failure: Error | undefined
      try {
        await untilObject(this.#f, info, timeoutMs, (object) => {
          if (!object) return seen
          seen = true
          const status = object['status'] as { phase?: string; conditions?: { type: string; status: string; reason?: string }[] } | undefined
          if (kind === 'Pod') {
            if (status?.phase === 'Failed') failure = new Error(`pod ${info.name} failed`)
            return status?.phase === 'Failed' || status?.phase === 'Succeeded'
          }
          for (const { type, status: holds, reason } of status?.conditions ?? []) {
            if (holds !== 'True') continue
            if (type === 'Complete') return true
            if (type === 'Failed') { failure = new Error(`job ${info.name} failed: ${reason ?? ''}`); return true }
          }
          return false
        })
      } catch (error) {
        throw error instanceof WaitTimeout ? new Error('timed out waiting for the condition') : error
      }
      if (failure) throw failure
    })
  }
}

/** Whether they are the same object. k8s: kube.ResourceList.Get isMatchingInfo */
export function sameObject(a: Info, b: Info): boolean {
  return a.name === b.name && a.namespace === b.namespace && a.mapping.kind === b.mapping.kind && a.mapping.group === b.mapping.group
}

/** k8s: helm.sh/helm/v3/pkg/kube createPatch */
function patchOf(info: Info, before: KubeObject, live: KubeObject, threeWay: boolean): { patch: Record<string, unknown>; type: string } {
  const { group, version, kind } = info.mapping
  const schema = schemaNameOf(group, version, kind)
  try {
    if (schema) return { patch: createThreeWayMergePatch(schema, before, info.object!, live) as Record<string, unknown>, type: 'application/strategic-merge-patch+json' }
    const patch = threeWay ? createThreeWayJsonMergePatch(before as never, info.object as never, live as never) : createMergePatch(before as never, info.object as never)
    return { patch: patch as Record<string, unknown>, type: 'application/merge-patch+json' }
  } catch (error) {
    throw new Error(`failed to create patch: ${(error as Error).message}`)
  }
}
