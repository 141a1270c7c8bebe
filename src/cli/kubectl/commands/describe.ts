import { aggregate, AggregateErrors, isNotFound } from '../errors.ts'
import { findResources, hasFiles } from '../resources.ts'
import type { CommandHandler } from './handler.ts'
import { describeObject } from '../describe/describe.ts'

// k8s: kubectl/pkg/cmd/describe
export const describe: CommandHandler = async (inv) => {
  const { f, flags, args, out, err } = inv
  const files = { filenames: flags.list('filename'), kustomize: flags.str('kustomize') }
  if (args.length === 0 && !hasFiles(files)) {
    throw new Error('You must specify the type of resource to describe. Use "kubectl api-resources" for a complete list of supported resources.\n')
  }
  const { namespace, explicit } = f.namespace()
  const query = { namespace, enforceNamespace: explicit, allNamespaces: flags.bool('all-namespaces'), chunkSize: flags.int('chunk-size'), flatten: true, allowEmptySelector: true }
  const result = await findResources(f, { ...query, args, ...files, recursive: flags.bool('recursive'), labelSelector: flags.str('selector') || undefined, continueOnError: true })
  const { infos, error } = await result.infos()
  const errors: Error[] = error instanceof AggregateErrors ? [...error.errors] : error ? [error] : []
  const showEvents = flags.bool('show-events') && (flags.changed('show-events') || (errors.length === 0 && infos.length <= 1))
  if (errors.length === 1 && isNotFound(errors[0]) && args.length === 2) {
    // The name may be the beginning of several.
    const all = await (await findResources(f, { ...query, args: [args[0]!], singleResourceType: true })).infos()
    if (all.error) throw all.error
    const matching = all.infos.filter((i) => i.name.startsWith(args[1]!))
    if (matching.length === 0) throw errors[0]
    for (const info of matching) void out(`${await describeObject(f, info.mapping, info.namespace, info.name, showEvents)}\n`)
    return
  }
  let first = true
  for (const info of infos) {
    try {
      const text = await describeObject(f, info.mapping, info.namespace, info.name, showEvents)
      void out(first ? text : `\n\n${text}`)
      first = false
    } catch (failure) {
      errors.push(failure as Error)
    }
  }
  if (infos.length === 0 && errors.length === 0) void err(flags.bool('all-namespaces') ? 'No resources found\n' : `No resources found in ${namespace} namespace.\n`)
  const failure = aggregate(errors)
  if (failure) throw failure
}
