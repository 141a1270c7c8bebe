import { readAll } from '../../../base/streams.ts'
import type { KubeObject } from '../../../cluster/kinds/object.ts'
import { resourcePath } from '../discovery.ts'
import { addSource, isNotFound } from '../errors.ts'
import { LAST_APPLIED, withLastApplied } from '../last-applied.ts'
import { dryRunOf, dryRunSuffix, printerFor } from '../print.ts'
import { recorded } from '../record.ts'
import { findResources } from '../resources.ts'
import type { Info } from '../resources.ts'
import { untilObject } from '../watching.ts'
import { fieldValidation, withoutResourceVersion, writeQuery } from './create/submit.ts'
import { cascadeOf, deleteAll } from './delete.ts'
import type { CommandHandler } from './handler.ts'
import { rawRequest } from './raw.ts'

// k8s: kubectl/pkg/cmd/replace
export const replace: CommandHandler = async (inv) => {
  const { f, flags, out } = inv
  const validation = fieldValidation(inv)
  const dryRun = dryRunOf(f)
  f.rest()
  const force = flags.bool('force')
  const print = printerFor(f, { operation: `replaced${dryRunSuffix(dryRun)}` })
  const filenames = flags.list('filename')
  if (filenames.length === 0 && !flags.str('kustomize')) throw new Error('must specify one of -f and -k')
  if (flags.int('grace-period') >= 0 && !force) throw new Error('--grace-period must have --force specified')
  if (flags.duration('timeout') !== 0 && !force) throw new Error('--timeout must have --force specified')
  if (force && dryRun !== 'none') throw new Error('--dry-run can not be used when --force is set')
  if (flags.str('raw')) {
    if (filenames.length !== 1) throw new Error('--raw can only use a single local file or stdin')
    if (/^https?:/.test(filenames[0]!)) throw new Error('--raw cannot read from a url')
    if (flags.bool('recursive')) throw new Error('--raw and --recursive are mutually exclusive')
    if (flags.str('output')) throw new Error('--raw and --output are mutually exclusive')
    if (!/^(\/|[a-z][a-z0-9+.-]*:)/i.test(flags.str('raw'))) throw new Error(`--raw must be a valid URL path: parse ${JSON.stringify(flags.str('raw'))}: invalid URI for request`)
    return rawRequest(inv, 'PUT', flags.str('raw'), filenames[0])
  }
  const { namespace, explicit } = f.namespace()
  const query = { filenames, kustomize: flags.str('kustomize'), recursive: flags.bool('recursive'), namespace, enforceNamespace: explicit, continueOnError: true, flatten: true, validate: validation, subresource: flags.str('subresource') }
  const annotated = (object: KubeObject) => recorded(f, flags.bool('save-config') || object.metadata?.annotations?.[LAST_APPLIED] ? withLastApplied(object) : object)
  if (!force) {
    const result = await findResources(f, query)
    return result.visit(async (info) => {
      const object = annotated(info.object!)
      if (dryRun === 'client') { void out(print(object)); return }
      try {
        void out(print(await put(inv, info, object, { ...writeQuery(inv, dryRun, 'kubectl-replace'), fieldValidation: validation })))
      } catch (error) {
        throw addSource('replacing', info.source, error)
      }
    })
  }
  // Standard input is read twice: once to delete, once to create.
  const standardInput = filenames.includes('-') ? new TextDecoder().decode(await readAll(f.proc.stdin)) : ''
  const again = () => {
    if (!filenames.includes('-')) return query
    const path = `/tmp/kubectl_replace_${f.proc.pid}.yaml`
    f.proc.fs.writeFile(path, standardInput)
    return { ...query, filenames: filenames.map((n) => n === '-' ? path : n) }
  }
  // No time at all would lose data where the object still runs: a second is given, and the end awaited.
  const grace = flags.int('grace-period') === 0 ? 1 : flags.int('grace-period')
  const timeoutMs = flags.duration('timeout') || 300_000
  await deleteAll(inv, await findResources(f, { ...again(), requireObject: false, validate: 'Ignore' }), {
    grace, propagation: cascadeOf(f), dryRun: 'none', ignoreNotFound: true, output: flags.str('output'), quiet: false, wait: flags.bool('wait') || flags.int('grace-period') === 0, timeoutMs: flags.duration('timeout'),
  })
  await (await findResources(f, { ...again(), validate: 'Ignore' })).visit(async (info) => { await untilObject(f, info, timeoutMs, (o) => o === undefined) })
  let count = 0
  await (await findResources(f, again())).visit(async (info) => {
    const created = await f.rest().json<KubeObject>('POST', resourcePath(info.mapping, info.namespace), { body: withoutResourceVersion(annotated(info.object!)), query: { ...writeQuery(inv, 'none', 'kubectl-replace'), fieldValidation: validation } })
    count++
    void out(print(created))
  })
  if (count === 0) throw new Error('no objects passed to replace')
}

/** PUT that overwrites whatever is there unless a resourceVersion was given. k8s: resource.Helper.Replace */
async function put(inv: Parameters<CommandHandler>[0], info: Info, object: KubeObject, query: Record<string, string>): Promise<KubeObject> {
  if (!info.name) throw new Error('resource name may not be empty')
  const path = resourcePath(info.mapping, info.namespace, info.name, inv.flags.str('subresource'))
  let body = object
  if (!object.metadata?.resourceVersion) {
    try {
      const current = await inv.f.rest().json<KubeObject>('GET', path)
      body = { ...object, metadata: { ...object.metadata, resourceVersion: current.metadata.resourceVersion! } }
    } catch (error) {
      // Some kinds are created by PUT.
      if (!isNotFound(error)) throw error
    }
  }
  return inv.f.rest().json<KubeObject>('PUT', path, { body, query })
}
