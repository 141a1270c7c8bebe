import type { KubeObject } from '../../../cluster/kinds/object.ts'
import { goJson } from '../../../cluster/kinds/go-text.ts'
import { StatusError } from '../../../cluster/kinds/status-error.ts'
import { usageError } from '../command.ts'
import { lowerGroupKind, groupVersion, resourcePath } from '../discovery.ts'
import type { ApiResource } from '../discovery.ts'
import { aggregate, AggregateErrors, FileErrors, isNotFound, SilentExit } from '../errors.ts'
import { klogLine } from '../klog.ts'
import { GET_FORMATS, printerFor } from '../print.ts'
import { findResources, hasFiles } from '../resources.ts'
import type { Info, ResourceQuery } from '../resources.ts'
import { sortedBy, UnsortableField } from '../sort-by.ts'
import { isTable, TablePrinter } from '../table.ts'
import { TableLayout } from '../tab-writer.ts'
import type { CommandHandler, Invocation } from './handler.ts'
import { rawRequest } from './raw.ts'

const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json'

// k8s: kubectl/pkg/cmd/get GetOptions
export const get: CommandHandler = async (inv) => {
  const { f, args, flags, spec, err } = inv
  if (flags.str('raw')) {
    if (args.length > 0) throw new Error('arguments may not be passed when --raw is specified')
    if (flags.bool('watch') || flags.bool('watch-only') || flags.str('selector')) throw new Error('--raw may not be specified with other flags that filter the server request or alter the output')
    if (flags.str('output')) throw new Error('--raw and --output are mutually exclusive')
    return rawRequest(inv, 'GET', flags.str('raw'))
  }
  if (flags.bool('show-labels') && !['', 'wide'].includes(flags.str('output'))) throw new Error(`--show-labels option cannot be used with ${flags.str('output').split('=')[0]} printer`)
  if (flags.bool('output-watch-events') && !flags.bool('watch') && !flags.bool('watch-only')) throw new Error('--output-watch-events option can only be used with --watch or --watch-only')
  const { namespace, explicit } = f.namespace()
  const allNamespaces = flags.bool('all-namespaces')
  if (args.length === 0 && !hasFiles({ filenames: flags.list('filename'), kustomize: flags.str('kustomize') })) {
    void err(`You must specify the type of resource to get. Use "kubectl api-resources" for a complete list of supported resources.\n\n`)
    throw usageError(spec, 'Required resource not specified.\nUse "kubectl explain <resource>" for a detailed description of that resource (e.g. kubectl explain pods).')
  }
  const human = ['', 'wide'].includes(flags.str('output')) && !flags.str('template')
  const watching = flags.bool('watch') || flags.bool('watch-only')
  const sortBy = flags.str('sort-by')
  if (!human) printerFor(f, { formats: GET_FORMATS }) // a bad format is reported before anything is fetched
  const serverPrint = human && flags.bool('server-print')
  const query: ResourceQuery = {
    args, namespace, enforceNamespace: explicit && !allNamespaces, allNamespaces, filenames: flags.list('filename'), kustomize: flags.str('kustomize'), recursive: flags.bool('recursive'),
    labelSelector: flags.str('selector') || undefined, fieldSelector: flags.str('field-selector') || undefined, subresource: flags.str('subresource'),
    chunkSize: sortBy ? 0 : flags.int('chunk-size'), allowEmptySelector: true, latest: true, flatten: !watching,
    ...(serverPrint ? { accept: TABLE, query: sortBy ? { includeObject: 'Object' } : {} } : {}),
  }
  try {
    if (watching) return await watch(inv, query, human)
    return human ? await printHuman(inv, query) : await printGeneric(inv, query)
  } catch (error) {
    if (!(error instanceof UnsortableField)) throw error
    void err(klogLine(f.proc, 'F', error.place, error.message))
    throw new SilentExit(1)
  }
}

function tablePrinter(inv: Invocation, mapping: ApiResource | undefined, withNamespace: boolean, withKind: boolean, layout: TableLayout): TablePrinter {
  const { flags } = inv
  return new TablePrinter({
    nowMs: inv.f.nowMs(),
    wide: flags.str('output') === 'wide', noHeaders: flags.bool('no-headers'), showLabels: flags.bool('show-labels'), labelColumns: flags.list('label-columns'),
    withNamespace, kind: mapping && (withKind || flags.bool('show-kind')) ? lowerGroupKind(mapping) : '',
  }, layout)
}

async function printHuman(inv: Invocation, query: ResourceQuery): Promise<void> {
  const { f, flags, out, err } = inv
  const result = await findResources(f, { ...query, continueOnError: true })
  const { infos: found, error } = await result.infos()
  const errors = error instanceof AggregateErrors ? [...error.errors] : error ? [error] : []
  const kept = flags.bool('ignore-not-found') ? errors.filter((e) => !isNotFound(e)) : errors
  const infos = sortBy(inv, found)
  const kinds = new Set(infos.map((i) => `${i.mapping.kind}.${i.mapping.group}.${i.mapping.version}`))
  let text = ''
  let withNamespace = false
  for (let i = 0; i < infos.length; ) {
    // Neighbours of one resource share a table, so that its widths fit all of them.
    const { mapping } = infos[i]!
    // Once there was a namespaced kind, the column stays.
    withNamespace ||= Boolean(query.allNamespaces) && mapping.namespaced
    const printer = tablePrinter(inv, mapping, withNamespace, kinds.size > 1, new TableLayout())
    const start = i
    while (i < infos.length && groupVersion(infos[i]!.mapping) === groupVersion(mapping) && infos[i]!.mapping.resource === mapping.resource) i++
    const piece = mergeTables(infos.slice(start, i).map((info) => info.object!)).map((o) => printer.print(o)).join('')
    if (piece && text && !flags.bool('no-headers')) text += '\n'
    text += piece
  }
  void out(text)
  const written = text !== ''
  const allNamespaced = !query.allNamespaces && found.every((i) => i.mapping.namespaced)
  if (!written && !flags.bool('ignore-not-found') && kept.length === 0)
    void err(allNamespaced ? `No resources found in ${query.namespace} namespace.\n` : 'No resources found\n')
  const failure = aggregate(kept)
  // What is wrong within a file stays an error among others here, even when it is the only one.
  if (failure) throw failure instanceof FileErrors ? new AggregateErrors([failure]) : failure
}

/** One table of those that have the same columns, or none of their own. */
function mergeTables(objects: readonly KubeObject[]): KubeObject[] {
  const out: KubeObject[] = []
  for (const object of objects) {
    const last = out.at(-1)
    if (last && isTable(last) && isTable(object) && (!object.columnDefinitions?.length || JSON.stringify(object.columnDefinitions) === JSON.stringify(last.columnDefinitions)))
      out[out.length - 1] = { ...last, rows: [...last.rows ?? [], ...object.rows ?? []] } as KubeObject
    else out.push(object)
  }
  return out
}

function sortBy(inv: Invocation, infos: Info[]): Info[] {
  const path = inv.flags.str('sort-by')
  if (!path || infos.length === 0) return infos
  if (infos.length === 1 && isTable(infos[0]!.object!)) {
    const object = infos[0]!.object
    if (!object.rows || object.rows.length < 2) return infos
    try {
      return [{ ...infos[0]!, object: { ...object, rows: sortedBy(object.rows, path, (r) => r.object, true) } as KubeObject }]
    } catch (error) {
      if (error instanceof UnsortableField) throw error
      // The printer that sorts fails, nobody hears of it, and nothing is printed. k8s: GetOptions.Run
      return []
    }
  }
  // Several tables are sorted as if they were the objects.
  return sortedBy(infos, path, (i) => i.object)
}

async function printGeneric(inv: Invocation, query: ResourceQuery): Promise<void> {
  const { f, flags, out } = inv
  const result = await findResources(f, { ...query, continueOnError: true })
  const { infos, error } = await result.infos()
  let errors = (error instanceof AggregateErrors ? [...error.errors] : error ? [error] : []).flatMap((e) => e instanceof FileErrors ? e.errors : [e])
  if (flags.bool('ignore-not-found')) errors = errors.filter((e) => !isNotFound(e))
  if (result.singleItemImplied && errors.length > 0) throw aggregate(errors)!
  const print = printerFor(f, { formats: GET_FORMATS })
  if (infos.length === 0 && flags.bool('ignore-not-found')) {
    const failure = aggregate(errors)
    if (failure) throw failure
    return
  }
  const path = flags.str('sort-by')
  if (result.singleItemImplied && infos.length === 1) void out(print(infos[0]!.object!))
  else {
    const objects = path && infos.length > 0 ? sortedBy(infos.map((i) => i.object!), path, (o) => o) : infos.map((i) => i.object!)
    void out(print({ apiVersion: 'v1', items: objects, kind: 'List', metadata: { resourceVersion: '' } } as unknown as KubeObject))
  }
  const failure = aggregate(errors)
  if (failure) throw failure
}

async function watch(inv: Invocation, query: ResourceQuery, human: boolean): Promise<void> {
  const { f, flags, out, err } = inv
  if (flags.str('sort-by')) void err(flags.bool('watch') ? 'warning: --watch requested, --sort-by will be ignored for watch events received\n' : 'warning: --watch-only requested, --sort-by will be ignored\n')
  const result = await findResources(f, { ...query, singleResourceType: true })
  const { infos, error } = await result.infos()
  if (error) {
    if (flags.bool('ignore-not-found') && isNotFound(error)) return
    throw error
  }
  const info = infos[0]!
  const events = flags.bool('output-watch-events')
  const layout = new TableLayout()
  const table = tablePrinter(inv, info.mapping, Boolean(query.allNamespaces), false, layout)
  const plain = human ? undefined : printerFor(f, { formats: GET_FORMATS })
  const show = (object: KubeObject, type: string) => {
    if (human) return table.print(object, events ? type : '')
    if (!events || flags.str('output') === 'name') return plain!(object)
    // An event is one line of JSON, with everything in it.
    if (flags.str('output') === 'json') return `{"type":${JSON.stringify(type)},"object":${goJson(object)}}\n`
    return plain!({ type, object } as unknown as KubeObject)
  }
  const isList = info.name === ''
  let resourceVersion = '0'
  const only = flags.bool('watch-only')
  if (isList) resourceVersion = (info.object!.metadata as { resourceVersion?: string }).resourceVersion ?? '0'
  let shown = infos
  try {
    if (isList) shown = sortBy(inv, infos)
  } catch (failure) {
    throw new Error(`unable to output the provided object: ${(failure as Error).message}`)
  }
  if (!only) for (const { object } of shown) {
    const items = isList && !isTable(object!) && Array.isArray(object!['items']) ? object!['items'] as KubeObject[] : [object!]
    for (const item of items) await out(show(item.kind ? item : { ...item, apiVersion: groupVersion(info.mapping), kind: info.mapping.kind }, 'ADDED'))
  }
  // What isn't wanted still says which columns there are, unless it is wrapped in an event. k8s: get skipPrinter
  else if (human && !events) for (const { object } of shown) if (isTable(object!)) table.print({ ...object!, rows: [] } as KubeObject)
  if (infos.length > 1 && infos.some((i) => i.name)) throw new Error('you may only watch a single resource or type of resource at a time')
  // A watch of one object from revision 0 begins with what is there already: it has just been printed, or wasn't wanted.
  let skip = !isList
  const path = resourcePath(info.mapping, info.namespace)
  const fieldSelector = isList ? query.fieldSelector : `metadata.name=${info.name}`
  const { timeoutMs } = f.rest().config
  const over = new AbortController()
  const timer = timeoutMs > 0 ? f.proc.clock.after(timeoutMs, () => over.abort()) : undefined
  const stream = f.rest().watch(path, {
    accept: query.accept ?? 'application/json', signal: AbortSignal.any([f.io.broken, over.signal]),
    query: { ...query.query, ...(timeoutMs > 0 ? { timeout: `${Math.round(timeoutMs / 1000)}s` } : {}), resourceVersion, ...(query.labelSelector ? { labelSelector: query.labelSelector } : {}), ...(fieldSelector ? { fieldSelector } : {}) },
  })
  try {
    for await (const event of stream) {
      if (event.type === 'BOOKMARK') continue
      if (skip) { skip = false; continue }
      skip = false
      await out(show(event.object, event.type))
    }
  } catch (failure) {
    if (failure instanceof StatusError) throw failure
    if (f.proc.killed.aborted || f.io.broken.aborted || over.signal.aborted) return
    throw failure
  } finally {
    timer?.cancel()
  }
}
