import { thaw } from '../../base/freeze.ts'
import { decodeObject } from '../../cluster/kinds/decode.ts'
import type { KubeObject } from '../../cluster/kinds/object.ts'
import { createTwoWayMergePatch } from '../../cluster/kinds/patch/create-three-way-patch.ts'
import { parseGroupVersion, resourcePath } from './discovery.ts'
import { aggregate, AggregateErrors } from './errors.ts'
import { schemaNameOf } from './gvk-schema.ts'
import { dryRunOf, dryRunSuffix, printerFor } from './print.ts'
import { recorded } from './record.ts'
import { findResources } from './resources.ts'
import type { Info } from './resources.ts'
import type { Invocation } from './commands/handler.ts'

/** The pod spec inside a workload, mutable with the draft it belongs to. k8s: polymorphichelpers.UpdatePodSpecForObjectFn @throws Error */
export function podSpecOf(object: KubeObject): Record<string, any> {
  switch (object.kind) {
    case 'Pod': return object['spec']
    case 'ReplicationController': case 'Deployment': case 'DaemonSet': case 'ReplicaSet': case 'StatefulSet': case 'Job': return object['spec'].template.spec
    case 'CronJob': return object['spec'].jobTemplate.spec.template.spec
    default: throw new Error(`the object is not a pod or does not have a pod template: *${object.apiVersion.split('/').at(-1)}.${object.kind}`)
  }
}

/** The objects that a `set` or `rollout` command names. */
export async function findTargets(inv: Invocation, args: readonly string[], options: { allowEmptySelector?: boolean } = {}): Promise<{ infos: Info[]; errors: Error[] }> {
  const { f, flags } = inv
  const { namespace, explicit } = f.namespace()
  const local = flags.bool('local')
  const { infos, error } = await (await findResources(f, {
    args: local ? [] : args, namespace, enforceNamespace: explicit, filenames: flags.list('filename'), kustomize: flags.str('kustomize'), recursive: flags.bool('recursive'), local,
    labelSelector: local ? undefined : flags.str('selector') || undefined, allowEmptySelector: options.allowEmptySelector ?? flags.bool('all'), continueOnError: true, latest: !local, flatten: true,
  })).infos()
  // What comes from a file is read into Go's types, which print also what is empty.
  if (local) for (const info of infos) info.object = typed(info.object!)
  return { infos, errors: error instanceof AggregateErrors ? [...error.errors] : error ? [error] : [] }
}

/** An object of a built-in kind as Go's types hold it, without defaults; anything else as it is. */
function typed(object: KubeObject): KubeObject {
  const { group, version } = parseGroupVersion(object.apiVersion)
  const schema = schemaNameOf(group, version, object.kind)
  return schema ? decodeObject({ schema, group, version, kind: object.kind }, object).object : object
}

/** How errors call an object: by its resource, or, without a server to ask, by its kind. k8s: cli-runtime resource.Info ObjectName */
function objectName({ mapping, name, object }: Info, local: boolean): string {
  if (!local) return `${mapping.resource}/${name}`
  const { group } = parseGroupVersion(object!.apiVersion)
  const kind = object!.kind.toLowerCase()
  return group ? `${kind}.${group}/${name}\n` : `${kind}/${name}`
}

export interface MutateOptions {
  /** Printed behind the name. */
  operation: string
  manager: string
  /** What failed, before the server's words. */
  failure: string
  /** Whether what `change` throws gets the object's name in front; default true. */
  namesRefused?: boolean
  /** Whether what doesn't change is sent and printed too. */
  evenUnchanged?: boolean
  /** Called instead of printing nothing when an object didn't change. */
  unchanged?(info: Info): Error | undefined
}

/** Lets `change` alter each object, sends the strategic merge patch, prints. k8s: set.CalculatePatches and its callers */
export async function mutateAll(inv: Invocation, infos: readonly Info[], errors: Error[], change: (draft: KubeObject, info: Info) => void | Promise<void>, options: MutateOptions): Promise<void> {
  const { f, out } = inv
  const dryRun = dryRunOf(f)
  const print = printerFor(f, { operation: `${options.operation}${dryRunSuffix(dryRun)}`, typed: true })
  for (const info of infos) {
    const before = info.object!
    const draft = thaw(before)
    try {
      await change(draft, info)
      draft.metadata = recorded(f, draft).metadata
    } catch (error) {
      errors.push(options.namesRefused === false ? error as Error : new Error(`error: ${objectName(info, inv.flags.bool('local'))} ${(error as Error).message}\n`))
      continue
    }
    const schema = schemaNameOf(info.mapping.group, info.mapping.version, info.mapping.kind)
    const patch = createTwoWayMergePatch(schema ?? '', before, draft) as Record<string, unknown>
    if (Object.keys(patch).length === 0 && !options.evenUnchanged) {
      const problem = options.unchanged?.(info)
      if (problem) errors.push(problem)
      continue
    }
    if (inv.flags.bool('local') || dryRun === 'client') { void out(print(draft)); continue }
    try {
      const fieldManager = inv.flags.str('field-manager') || options.manager
      void out(print(await f.rest().json<KubeObject>('PATCH', resourcePath(info.mapping, info.namespace, info.name), {
        body: patch, contentType: 'application/strategic-merge-patch+json', query: { fieldManager, ...(dryRun === 'server' ? { dryRun: 'All' } : {}) },
      })))
    } catch (error) {
      errors.push(new Error(`${options.failure} ${(error as Error).message}`))
    }
  }
  const failure = aggregate(errors)
  if (failure) throw failure
}
