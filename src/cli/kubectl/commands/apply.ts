import { thaw } from '../../../base/freeze.ts'
import type { KubeObject } from '../../../cluster/kinds/object.ts'
import { createThreeWayMergePatch, identityUnchanged } from '../../../cluster/kinds/patch/create-three-way-patch.ts'
import { applyMergePatch, createThreeWayJsonMergePatch } from '../../../cluster/kinds/patch/merge-patch.ts'
import { applyStrategicMergePatch, withoutNulls } from '../../../cluster/kinds/patch/strategic-merge-patch.ts'
import { isStatusError, StatusError } from '../../../cluster/kinds/status-error.ts'
import { ApplySet } from '../apply-set.ts'
import { usageError } from '../command.ts'
import { groupVersion, resourcePath } from '../discovery.ts'
import type { ApiResource } from '../discovery.ts'
import { addSource, aggregate, isNotFound } from '../errors.ts'
import type { Factory } from '../factory.ts'
import { goJson } from '../../../cluster/kinds/go-text.ts'
import { schemaNameOf } from '../gvk-schema.ts'
import { LAST_APPLIED, withLastApplied } from '../last-applied.ts'
import { dryRunOf, dryRunSuffix, printerFor, withoutManagedFields } from '../print.ts'
import type { DryRun } from '../print.ts'
import { findPrunable, parsePruneAllowlist } from '../prune.ts'
import { recorded } from '../record.ts'
import { fetchInfo, findResources } from '../resources.ts'
import type { Info } from '../resources.ts'
import { fieldValidation, withoutResourceVersion } from './create/submit.ts'
import { cascadeOf, deleteOptions, warn } from './delete.ts'
import type { Propagation } from './delete.ts'
import type { CommandHandler, Invocation } from './handler.ts'
import { untilObject } from '../watching.ts'

/** Resource and identity of an object as apply's errors show it. k8s: resource.Info String */
function infoText(info: Info): string {
  const { group, version, resource, kind } = info.mapping
  const gv = `${group}/${version}`
  return `Resource: ${JSON.stringify(`${gv}, Resource=${resource}`)}, GroupVersionKind: ${JSON.stringify(`${gv}, Kind=${kind}`)}\nName: ${JSON.stringify(info.name)}, Namespace: ${JSON.stringify(info.namespace)}`
}

const CONFLICT_ADVICE = `
Please review the fields above--they currently have other managers. Here
are the ways you can resolve this warning:
* If you intend to manage all of these fields, please re-run the apply
  command with the \`--force-conflicts\` flag.
* If you do not intend to manage all of the fields, please edit your
  manifest to remove references to the fields that should keep their
  current managers.
* You may co-own fields by updating your manifest to match the existing
  value; in this case, you'll become the manager if the other manager(s)
  stop managing the field (remove it from their configuration).
See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts`

// k8s: kubectl/pkg/cmd/apply ApplyOptions
export const apply: CommandHandler = async (inv) => {
  const { f, flags, args, spec, out } = inv
  if (args.length > 0) throw usageError(spec, `Unexpected args: [${args.join(' ')}]`)
  const serverSide = flags.bool('server-side')
  const dryRun = dryRunOf(f)
  f.rest()
  const force = flags.bool('force')
  const selector = flags.str('selector')
  if (flags.list('filename').length === 0 && !flags.str('kustomize')) throw new Error('must specify one of -f and -k')
  const propagation = cascadeOf(f)
  const validation = fieldValidation(inv)
  const { namespace, explicit } = f.namespace()
  const applySet = flags.str('applyset') ? await ApplySet.of(f, flags.str('applyset')) : undefined
  const allowlist = flags.bool('prune') && flags.list('prune-allowlist').length > 0 ? parsePruneAllowlist(await f.mapper(), flags.list('prune-allowlist')) : []
  if (flags.bool('force-conflicts') && !serverSide) throw new Error('--force-conflicts only works with --server-side')
  if (dryRun === 'client' && serverSide) throw new Error("--dry-run=client doesn't work with --server-side (did you mean --dry-run=server instead?)")
  if (serverSide && force) throw new Error('--force cannot be used with --server-side')
  if (dryRun === 'server' && force) throw new Error('--dry-run=server cannot be used with --force')
  if (flags.bool('all') && selector) throw new Error('cannot set --all and --selector at the same time')
  if (applySet) {
    if (!flags.bool('prune')) throw new Error('--applyset requires --prune')
    await applySet.validate()
  }
  if (flags.bool('prune')) {
    if (force) throw new Error('--force cannot be used with --prune')
    if (applySet) {
      const other = flags.bool('all') ? '--all' : selector ? '--selector' : allowlist.length > 0 ? '--prune-allowlist' : ''
      if (other) throw new Error(`${other} is incompatible with --applyset`)
    } else if (!flags.bool('all') && !selector)
      throw new Error('all resources selected for prune without explicitly passing --all. To prune all resources, pass the --all flag. If you did not mean to prune all resources, specify a label selector')
    else if (serverSide) throw new Error("--prune is in alpha and doesn't currently work on objects created by server-side apply")
  }
  if (flags.str('subresource') && !serverSide) throw new Error('--subresource can only be specified for --server-side')
  const manager = flags.changed('field-manager') ? flags.str('field-manager') : serverSide ? 'kubectl' : 'kubectl-client-side-apply'
  const result = await findResources(f, {
    filenames: flags.list('filename'), kustomize: flags.str('kustomize'), recursive: flags.bool('recursive'), namespace, enforceNamespace: explicit,
    labelSelector: selector || undefined, continueOnError: true, flatten: true, validate: validation,
  })
  const { infos, error } = await result.infos()
  const errors: Error[] = error ? [error] : []
  if (applySet) for (const info of infos) info.object = applySet.label(info.object!)
  if (infos.length === 0 && errors.length === 0) throw new Error('no objects passed to apply')
  await applySet?.beforeApply(infos, dryRun, validation)
  const wholeObjects = flags.str('output') !== '' && flags.str('output') !== 'name'
  const done = (info: Info, operation: string) => {
    if (!wholeObjects) void out(printerFor(f, { operation: `${operation}${dryRunSuffix(dryRun)}` })(info.object!))
  }
  const visited = new Set<string>()
  for (const info of infos) {
    try {
      const before = info.object = recorded(f, info.object!)
      if (!info.name && before.metadata?.generateName) throw new Error(`from ${before.metadata.generateName}: cannot use generate name with apply`)
      if (serverSide) await applyServerSide(inv, info, manager, validation, dryRun)
      else await applyClientSide(inv, info, { propagation, manager, validation, dryRun, force, done })
      if (serverSide) { warnIfDeleting(f, info); done(info, 'serverside-applied') }
      if (info.object!.metadata.uid) visited.add(info.object!.metadata.uid)
    } catch (failure) {
      errors.push(failure as Error)
    }
  }
  const failure = aggregate(errors)
  if (failure) throw failure
  if (wholeObjects) {
    const objects = infos.map((i) => i.object!)
    // A list of kubectl's own making, so JSON has its fields in the order of the type.
    const sorted = (object: KubeObject) => JSON.parse(goJson(flags.bool('show-managed-fields') ? object : withoutManagedFields(object))) as KubeObject
    void out(objects.length === 1 ? printerFor(f)(objects[0]!) : printerFor(f, { keepOrder: true })({ kind: 'List', apiVersion: 'v1', metadata: {}, items: objects.map(sorted) } as unknown as KubeObject))
  }
  if (!flags.bool('prune')) return
  const namespaces = new Set([...(explicit ? [namespace] : []), ...infos.filter((i) => i.mapping.namespaced).map((i) => i.namespace)])
  for await (const { mapping, object } of applySet ? applySet.prunable(visited) : findPrunable(f, allowlist, namespaces, visited, selector)) {
    if (dryRun !== 'client') await f.rest().json('DELETE', resourcePath(mapping, object.metadata.namespace ?? '', object.metadata.name), {
      body: deleteOptions(flags.int('grace-period'), propagation, dryRun), query: dryRun === 'server' ? { dryRun: 'All' } : {},
    })
    // Each with a printer of its own, so that no line parts YAML documents.
    void out(printerFor(f, { operation: `pruned${dryRunSuffix(dryRun)}` })(object))
  }
  await applySet?.afterPrune(dryRun, validation)
}

function warnIfDeleting(f: Factory, info: Info): void {
  if (info.object?.metadata?.deletionTimestamp) warn(f, `Detected changes to resource ${info.name} which is currently being deleted.`)
}

const parameters = (manager: string, validation: string, dryRun: DryRun) => ({ fieldManager: manager, fieldValidation: validation, ...(dryRun === 'server' ? { dryRun: 'All' } : {}) })

async function applyServerSide(inv: Invocation, info: Info, manager: string, validation: string, dryRun: DryRun): Promise<void> {
  const { f, flags } = inv
  const send = () => f.rest().json<KubeObject>('PATCH', resourcePath(info.mapping, info.namespace, info.name, flags.str('subresource')), {
    body: sent, contentType: 'application/apply-patch+yaml', query: { ...parameters(manager, validation, dryRun), force: flags.bool('force-conflicts') },
  })
  const sent = info.object!
  try {
    info.object = await send()
  } catch (error) {
    if (isStatusError(error, 'Conflict')) throw new Error(error.message + CONFLICT_ADVICE)
    if (error instanceof StatusError && error.code === 415) throw new Error(`Server-side apply not available on the server: (${error.message})`)
    throw error
  }
  // What was applied stays, whatever comes of this.
  const later = (what: string, error: unknown) => {
    if (!(error instanceof StatusError)) throw error
    void inv.err(`Warning: ${what}. This is non-fatal and will be retried next time you apply. Error: ${error.message}\n`)
  }
  try {
    if (manager === 'kubectl') await keepLastApplied(f, info, validation, dryRun)
  } catch (error) {
    later(`failed to migrate ${LAST_APPLIED} for Server-Side Apply`, error)
    return
  }
  let migrated = false
  try {
    migrated = await migrate(f, info, manager, validation, dryRun)
  } catch (error) {
    later('server rejected managed fields migration to Server-Side Apply', error)
  }
  if (migrated) info.object = await send()
}

type ManagedFields = { manager?: string; operation?: string; subresource?: string; apiVersion?: string; fieldsV1?: Record<string, any> }

const ownsLastApplied = (e: ManagedFields, operation: string) => e.operation === operation && !e.subresource && Boolean(e.fieldsV1?.['f:metadata']?.['f:annotations']?.[`f:${LAST_APPLIED}`])

/** Gives the annotation an owner of its own, so that it outlives client-side apply. k8s: ApplyOptions.saveLastApplyAnnotationIfNecessary */
async function keepLastApplied(f: Factory, info: Info, validation: string, dryRun: DryRun): Promise<void> {
  const { metadata } = info.object!
  const annotation = metadata.annotations?.[LAST_APPLIED]
  if (annotation === undefined || (metadata.managedFields ?? []).some((e) => ownsLastApplied(e as ManagedFields, 'Apply'))) return
  info.object = await f.rest().json<KubeObject>('PATCH', resourcePath(info.mapping, info.namespace, info.name), {
    body: { apiVersion: groupVersion(info.mapping), kind: info.mapping.kind, metadata: { name: info.name, ...(info.namespace ? { namespace: info.namespace } : {}), annotations: { [LAST_APPLIED]: annotation } } },
    contentType: 'application/apply-patch+yaml', query: parameters('kubectl-last-applied', validation, dryRun),
  })
}

/**
 * Takes over what client-side apply owned, so that fields left out of the manifest go away: whoever updated the annotation was that.
 * k8s: ApplyOptions.migrateToSSAIfNecessary, client-go/util/csaupgrade
 */
async function migrate(f: Factory, info: Info, manager: string, validation: string, dryRun: DryRun): Promise<boolean> {
  const { metadata } = info.object!
  const names = [...new Set((metadata.managedFields ?? []).filter((e) => ownsLastApplied(e as ManagedFields, 'Update')).map((e) => e.manager))]
  if (names.length === 0) return false
  let entries = thaw(metadata.managedFields) as ManagedFields[]
  for (const name of names) {
    const isOld = (e: ManagedFields) => e.manager === name && e.operation === 'Update' && !e.subresource
    let mine = entries.find((e) => e.manager === manager && e.operation === 'Apply' && !e.subresource)
    if (!mine) {
      mine = entries.find(isOld)!
      mine.operation = 'Apply'
      mine.manager = manager
    }
    mine.fieldsV1 = unionFields(mine.fieldsV1, entries.find((e) => isOld(e) && e.apiVersion === mine.apiVersion)?.fieldsV1)
    entries = entries.filter((e) => !isOld(e))
  }
  info.object = await f.rest().json<KubeObject>('PATCH', resourcePath(info.mapping, info.namespace, info.name), {
    body: [{ op: 'replace', path: '/metadata/managedFields', value: entries }, { op: 'replace', path: '/metadata/resourceVersion', value: metadata.resourceVersion }],
    contentType: 'application/json-patch+json', query: parameters(manager, validation, dryRun),
  })
  return true
}

function unionFields(a: any, b: any): any {
  if (!a) return b
  if (!b) return a
  const out = { ...a }
  for (const key of Object.keys(b)) out[key] = key in out ? unionFields(out[key], b[key]) : b[key]
  return out
}

interface ClientSide { propagation: Propagation; manager: string; validation: string; dryRun: DryRun; force: boolean; done(info: Info, operation: string): void }

async function applyClientSide(inv: Invocation, info: Info, options: ClientSide): Promise<void> {
  const { f, flags } = inv
  const { manager, validation, dryRun, done } = options
  const local = info.object!
  const modified = withLastApplied(local)
  let current: KubeObject
  try {
    current = (await fetchInfo(f, info)).object!
  } catch (error) {
    if (!isNotFound(error)) throw addSource(`retrieving current configuration of:\n${infoText(info)}\nfrom server for:`, info.source, error)
    const created = withoutNulls(modified) as KubeObject
    try {
      info.object = dryRun === 'client' ? created : await f.rest().json<KubeObject>('POST', resourcePath(info.mapping, info.namespace), { body: withoutResourceVersion(created), query: parameters(manager, validation, dryRun) })
    } catch (failure) {
      throw addSource('creating', info.source, failure)
    }
    done(info, 'created')
    return
  }
  if (current.metadata.annotations?.[LAST_APPLIED] === undefined)
    warn(f, `resource ${info.mapping.resource}/${info.name} is missing the ${LAST_APPLIED} annotation which is required by kubectl apply. kubectl apply should only be used on resources created declaratively by either kubectl create --save-config or kubectl apply. The missing annotation will be patched automatically.`)
  let made = makePatch(info.mapping, current, modified, flags.bool('overwrite'))
  const attempt = async () => {
    if (Object.keys(made.patch).length === 0) return current
    if (dryRun === 'client') return made.apply(current)
    return f.rest().json<KubeObject>('PATCH', resourcePath(info.mapping, info.namespace, info.name), { body: made.patch, contentType: made.type, query: parameters(manager, validation, dryRun) })
  }
  try {
    for (let tries = 0; ; tries++) {
      try {
        info.object = await attempt()
        break
      } catch (error) {
        if (isStatusError(error, 'Conflict') && tries < 5) {
          if (tries > 0) await f.proc.sleep(1000)
          current = (await fetchInfo(f, info)).object!
          made = makePatch(info.mapping, current, modified, flags.bool('overwrite'))
          continue
        }
        if (options.force && isStatusError(error, 'Conflict', 'Invalid')) { info.object = await deleteAndCreate(inv, info, modified, options); break }
        throw addSource('patching', info.source, error)
      }
    }
  } catch (error) {
    throw addSource(`applying patch:\n${goJson(made.patch)}\nto:\n${infoText(info)}\nfor:`, info.source, error)
  }
  warnIfDeleting(f, info)
  done(info, Object.keys(made.patch).length === 0 ? 'unchanged' : 'configured')
}

/** The three-way patch for a kind: strategic where the kind has a schema, plain JSON otherwise. */
export function makePatch(mapping: ApiResource, current: KubeObject, modified: KubeObject, overwrite: boolean): { patch: Record<string, unknown>; type: string; apply(to: KubeObject): KubeObject } {
  const original = originalOf(current)
  const schema = schemaNameOf(mapping.group, mapping.version, mapping.kind)
  if (schema) {
    const patch = createThreeWayMergePatch(schema, original, modified, current, { overwrite }) as Record<string, unknown>
    return { patch, type: 'application/strategic-merge-patch+json', apply: (to) => applyStrategicMergePatch(schema, to, patch) }
  }
  const patch = createThreeWayJsonMergePatch(original as never, modified as never, current as never) as Record<string, unknown>
  if (!identityUnchanged.every((holds) => holds(patch as never))) throw new Error('At least one of apiVersion, kind and name was changed')
  return { patch, type: 'application/merge-patch+json', apply: (to) => applyMergePatch(to, patch) as KubeObject }
}

function originalOf(current: KubeObject): Record<string, unknown> {
  const text = current.metadata.annotations?.[LAST_APPLIED]
  return text ? JSON.parse(text) as Record<string, unknown> : {}
}

async function deleteAndCreate(inv: Invocation, info: Info, modified: KubeObject, options: ClientSide): Promise<KubeObject> {
  const { f, flags } = inv
  await f.rest().json('DELETE', resourcePath(info.mapping, info.namespace, info.name), { body: deleteOptions(flags.int('grace-period'), options.propagation) })
  await untilObject(f, info, flags.duration('timeout'), (object) => object === undefined)
  return f.rest().json<KubeObject>('POST', resourcePath(info.mapping, info.namespace), { body: withoutResourceVersion(modified), query: parameters(options.manager, options.validation, options.dryRun) })
}
