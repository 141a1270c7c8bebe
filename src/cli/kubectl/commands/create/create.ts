import type { KubeObject } from '../../../../cluster/kinds/object.ts'
import { usageError } from '../../command.ts'
import { resourcePath } from '../../discovery.ts'
import { addSource } from '../../errors.ts'
import { LAST_APPLIED, withLastApplied } from '../../last-applied.ts'
import { dryRunOf, dryRunSuffix, printerFor } from '../../print.ts'
import { recorded } from '../../record.ts'
import { findResources } from '../../resources.ts'
import type { CommandHandler } from '../handler.ts'
import { rawRequest } from '../raw.ts'
import { fieldValidation, withoutResourceVersion, writeQuery } from './submit.ts'

// k8s: kubectl/pkg/cmd/create CreateOptions.RunCreate
export const create: CommandHandler = async (inv) => {
  const { f, flags, args, spec, out } = inv
  if (args.length > 0) throw usageError(spec, `Unexpected args: [${args.join(' ')}]`)
  const filenames = flags.list('filename')
  if (filenames.length === 0 && !flags.str('kustomize')) throw new Error('must specify one of -f and -k')
  if (flags.str('raw')) {
    if (flags.bool('edit')) throw new Error('--raw and --edit are mutually exclusive')
    if (filenames.length !== 1) throw new Error('--raw can only use a single local file or stdin')
    if (/^https?:/.test(filenames[0]!)) throw new Error('--raw cannot read from a url')
    if (flags.bool('recursive')) throw new Error('--raw and --recursive are mutually exclusive')
    if (flags.str('selector')) throw new Error('--raw and --selector (-l) are mutually exclusive')
    if (flags.str('output')) throw new Error('--raw and --output are mutually exclusive')
    return rawRequest(inv, 'POST', flags.str('raw'), filenames[0])
  }
  const dryRun = dryRunOf(f)
  const print = printerFor(f, { operation: `created${dryRunSuffix(dryRun)}` })
  const validation = fieldValidation(inv)
  f.rest()
  const { namespace, explicit } = f.namespace()
  if (flags.bool('edit')) {
    const { editBeforeCreate } = await import('../edit.ts')
    return editBeforeCreate(inv)
  }
  const result = await findResources(f, {
    filenames, kustomize: flags.str('kustomize'), recursive: flags.bool('recursive'), namespace, enforceNamespace: explicit,
    labelSelector: flags.str('selector') || undefined, continueOnError: true, flatten: true, validate: validation,
  })
  let count = 0
  await result.visit(async (info) => {
    let object = info.object!
    if (flags.bool('save-config') || object.metadata?.annotations?.[LAST_APPLIED]) object = withLastApplied(object)
    object = recorded(f, object)
    if (dryRun !== 'client') {
      try {
        object = await f.rest().json<KubeObject>('POST', resourcePath(info.mapping, info.namespace), {
          body: withoutResourceVersion(object), query: { ...writeQuery(inv, dryRun, 'kubectl-create'), fieldValidation: validation },
        })
      } catch (error) {
        throw addSource('creating', info.source, error)
      }
    }
    count++
    void out(print(object))
  })
  if (count === 0) throw new Error('no objects passed to create')
}
