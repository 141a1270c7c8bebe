import type { KubeObject } from '../../../cluster/kinds/object.ts'
import { deepEqual } from '../../../base/freeze.ts'
import { applyJsonPatch } from '../../../cluster/kinds/patch/json-patch.ts'
import { applyMergePatch } from '../../../cluster/kinds/patch/merge-patch.ts'
import { applyStrategicMergePatch } from '../../../cluster/kinds/patch/strategic-merge-patch.ts'
import { StatusError } from '../../../cluster/kinds/status-error.ts'
import { parseYaml } from '../../yaml.ts'
import { resourcePath } from '../discovery.ts'
import { unixText } from '../factory.ts'
import { schemaNameOf } from '../gvk-schema.ts'
import { dryRunOf, printerFor } from '../print.ts'
import { recordAfterwards } from '../record.ts'
import { findResources, hasFiles, MISSING_RESOURCE } from '../resources.ts'
import { writeQuery } from './create/submit.ts'
import type { CommandHandler } from './handler.ts'

const TYPES: Record<string, string> = { json: 'application/json-patch+json', merge: 'application/merge-patch+json', strategic: 'application/strategic-merge-patch+json' }

// k8s: kubectl/pkg/cmd/patch
export const patch: CommandHandler = async (inv) => {
  const { f, flags, args, out } = inv
  const dryRun = dryRunOf(f)
  const text = flags.str('patch')
  const file = flags.str('patch-file')
  const local = flags.bool('local')
  if (text && file) throw new Error('cannot specify --patch and --patch-file together')
  if (!text && !file) throw new Error('must specify --patch or --patch-file containing the contents of the patch')
  if (local && args.length > 0) throw new Error('cannot specify --local and server resources')
  if (local && dryRun === 'server') throw new Error('cannot specify --local and --dry-run=server - did you mean --dry-run=client?')
  const type = (flags.str('type') || 'strategic').toLowerCase()
  if (!TYPES[type]) throw new Error(`--type must be one of [json merge strategic], not ${JSON.stringify(flags.str('type'))}`)
  let source = text
  if (file) {
    try {
      source = f.proc.fs.readText(f.proc.resolve(file))
    } catch (error) {
      throw new Error(`unable to read patch file: open ${file}: ${unixText(error)}`)
    }
  }
  // What looks like JSON is sent as it is; the server judges it.
  let body: unknown = source
  if (!/^\s*[{]/.test(source)) {
    try {
      body = parseYaml(source)
      if (typeof body === 'string') body = JSON.stringify(body)
    } catch (error) {
      throw new Error(`unable to parse ${JSON.stringify(text)}: ${(error as Error).message}`)
    }
  }
  const { namespace, explicit } = f.namespace()
  const files = { filenames: flags.list('filename'), kustomize: flags.str('kustomize') }
  if (args.length === 0 && !hasFiles(files)) throw new Error(MISSING_RESOURCE)
  const result = await findResources(f, { args, ...files, recursive: flags.bool('recursive'), namespace, enforceNamespace: explicit, continueOnError: true, flatten: true, subresource: flags.str('subresource'), local })
  let count = 0
  await result.visit(async (info) => {
    count++
    const before = info.object!
    let after: KubeObject
    if (!local && dryRun !== 'client') {
      try {
        after = await f.rest().json<KubeObject>('PATCH', resourcePath(info.mapping, info.namespace, info.name, flags.str('subresource')), {
          body: typeof body === 'string' ? body : JSON.stringify(body), contentType: TYPES[type]!, query: writeQuery(inv, dryRun, 'kubectl-patch'),
        })
      } catch (error) {
        if (error instanceof StatusError && error.code === 415) throw new Error(`${TYPES[type]} is not supported by ${info.mapping.group ? `${info.mapping.group}/${info.mapping.version}` : `/${info.mapping.version}`}, Kind=${info.mapping.kind}: ${error.message}`)
        throw error
      }
    } else {
      const data = typeof body === 'string' ? JSON.parse(body) as unknown : body
      if (type === 'json' && !Array.isArray(data)) throw new Error('json: cannot unmarshal object into Go value of type jsonpatch.Patch')
      const schema = schemaNameOf(info.mapping.group, info.mapping.version, info.mapping.kind)
      if (type === 'strategic' && !schema) throw new Error('strategic merge patch is not supported for custom resources locally, try --type merge')
      after = type === 'json' ? locally(() => applyJsonPatch(before, data)) : type === 'merge' ? applyMergePatch(before, data) as KubeObject : applyStrategicMergePatch(schema!, before, data)
    }
    const operation = deepEqual(before, after) ? `patched (no change)` : 'patched'
    if (!local && dryRun !== 'client') after = await recordAfterwards(f, info.mapping, after, writeQuery(inv, dryRun, 'kubectl-patch'))
    // Unlike other commands this one doesn't mark dry runs.
    void out(printerFor(f, { operation })(after))
  })
  if (count === 0) throw new Error('no objects passed to patch')
}

/** What kubectl itself applies fails in the words of the library, which the server keeps to itself. */
function locally<T>(apply: () => T): T {
  try {
    return apply()
  } catch (error) {
    throw error instanceof StatusError && error.cause instanceof Error ? error.cause : error
  }
}
