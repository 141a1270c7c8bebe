import type { KubeObject } from '../../../cluster/kinds/object.ts'
import { labelValueProblems } from '../../../cluster/kinds/names.ts'
import { createMergePatch } from '../../../cluster/kinds/patch/merge-patch.ts'
import { resourcePath } from '../discovery.ts'
import { aggregate } from '../errors.ts'
import { dryRunOf, dryRunSuffix, printerFor } from '../print.ts'
import { recorded } from '../record.ts'
import { findResources, hasFiles } from '../resources.ts'
import { writeQuery } from './create/submit.ts'
import type { CommandHandler, Invocation } from './handler.ts'

/** `key=value` and `key-` words split from the resources before them. k8s: cmdutil.GetResourcesAndPairs @throws Error */
export function resourcesAndPairs(args: readonly string[], what: string): { resources: string[]; pairs: string[] } {
  const resources: string[] = []
  const pairs: string[] = []
  for (const arg of args) {
    const isPair = (arg.includes('=') && !arg.startsWith('=')) || (arg.endsWith('-') && arg !== '-')
    if (isPair) pairs.push(arg)
    else if (pairs.length === 0) resources.push(arg)
    else throw new Error(`all resources must be specified before ${what} changes: ${arg}`)
  }
  return { resources, pairs }
}

type Field = 'labels' | 'annotations'

interface Change { set: Record<string, string>; remove: string[] }

function parseLabelPairs(pairs: readonly string[]): Change {
  const set: Record<string, string> = {}
  const remove: string[] = []
  for (const pair of pairs) {
    if (pair.includes('=')) {
      const parts = pair.split('=')
      if (parts.length !== 2) throw new Error(`invalid label spec: ${pair}`)
      const problems = labelValueProblems(parts[1]!)
      if (problems.length > 0) throw new Error(`invalid label value: ${JSON.stringify(pair)}: ${problems.join(';')}`)
      set[parts[0]!] = parts[1]!
    } else remove.push(pair.slice(0, -1))
  }
  if (remove.some((key) => key in set)) throw new Error('can not both modify and remove a label in the same command')
  return { set, remove }
}

function parseAnnotationPairs(pairs: readonly string[]): Change {
  const set: Record<string, string> = {}
  const remove: string[] = []
  const bad: string[] = []
  for (const pair of pairs) {
    const at = pair.indexOf('=')
    if (at > 0) set[pair.slice(0, at)] = pair.slice(at + 1)
    else if (pair.endsWith('-')) remove.push(pair.slice(0, -1))
    else bad.push(pair)
  }
  if (bad.length > 0) throw new Error(`invalid annotation format: ${bad.join(', ')}`)
  const both = remove.filter((key) => key in set)
  if (both.length > 0) throw new Error(`can not both modify and remove the following annotation(s) in the same command: ${both.join(', ')}`)
  return { set, remove }
}

function changed(object: KubeObject, field: Field, change: Change, overwrite: boolean): { object: KubeObject; added: string[]; removed: string[] } {
  const before = object.metadata?.[field] ?? {}
  if (!overwrite) {
    const clashes = Object.keys(change.set).filter((key) => key in before && before[key] !== change.set[key] && !(field === 'annotations' && key === 'kubernetes.io/change-cause'))
    if (clashes.length > 0) throw field === 'labels'
      ? aggregate(clashes.map((key) => new Error(`'${key}' already has a value (${before[key]}), and --overwrite is false`)))!
      : new Error(`--overwrite is false but found the following declared annotation(s): ${clashes.map((key) => `'${key}' already has a value (${before[key]})`).join('; ')}`)
  }
  const after = { ...before }
  const added = Object.keys(change.set).filter((key) => before[key] !== change.set[key])
  const removed = change.remove.filter((key) => key in before)
  Object.assign(after, change.set)
  for (const key of removed) delete after[key]
  return { object: { ...object, metadata: { ...object.metadata, [field]: after } }, added, removed }
}

function changing(field: Field): CommandHandler {
  const what = field === 'labels' ? 'label' : 'annotation'
  return async (inv: Invocation) => {
    const { f, flags, args, out } = inv
    const { resources, pairs } = resourcesAndPairs(args, what)
    const dryRun = dryRunOf(f)
    const change = field === 'labels' ? parseLabelPairs(pairs) : parseAnnotationPairs(pairs)
    const list = flags.bool('list')
    const local = flags.bool('local')
    if (list && field === 'labels' && flags.str('output')) throw new Error('--list and --output may not be specified together')
    if (flags.bool('all') && flags.str('selector')) throw new Error('cannot set --all and --selector at the same time')
    if (flags.bool('all') && flags.str('field-selector')) throw new Error('cannot set --all and --field-selector at the same time')
    const files = { filenames: flags.list('filename'), kustomize: flags.str('kustomize') }
    const example = field === 'labels' ? '-f pod.yaml or --filename=pod.json' : '-f rsrc.yaml or --filename=rsrc.json'
    if (local) {
      if (dryRun === 'server') throw new Error('cannot specify --local and --dry-run=server - did you mean --dry-run=client?')
      if (resources.length > 0) throw new Error(`can only use local files by ${example} when --local=true is set`)
      if (!hasFiles(files)) throw new Error(`one or more files must be specified as ${example}`)
    } else if (resources.length === 0 && !hasFiles(files)) throw new Error('one or more resources must be specified as <resource> <name> or <resource>/<name>')
    if (pairs.length === 0 && !list) throw new Error(`at least one ${what} update is required`)
    const { namespace, explicit } = f.namespace()
    const result = await findResources(f, {
      ...files, recursive: flags.bool('recursive'), namespace, enforceNamespace: explicit, continueOnError: true, flatten: true, local,
      ...(local ? {} : {
        args: resources, labelSelector: flags.str('selector') || undefined, fieldSelector: flags.str('field-selector') || undefined, allNamespaces: flags.bool('all-namespaces'),
        allowEmptySelector: flags.bool('all'), latest: true,
      }),
    })
    const version = flags.str('resource-version')
    if (!result.singleItemImplied && version) throw new Error('--resource-version may only be used with a single resource')
    // Annotated objects share a printer, which parts YAML documents; labelled ones have each their own.
    const printAnnotated = field === 'annotations' ? printerFor(f, { operation: `annotated${dryRunSuffix(dryRun)}` }) : undefined
    await result.visit(async (info) => {
      const object = info.object!
      if (list) {
        const indent = result.singleItemImplied ? '' : ' '
        if (indent) void out(`Listing ${field} for ${info.mapping.kind}.${info.mapping.group}/${info.name}:\n`)
        const made = changed(object, field, change, flags.bool('overwrite'))
        for (const [key, value] of Object.entries(made.object.metadata[field] ?? {})) void out(`${indent}${key}=${value}\n`)
        return
      }
      const remote = dryRun !== 'client' && !local
      if (remote && field === 'labels') for (const key of change.remove) if (!(key in (object.metadata.labels ?? {}))) void out(`label ${JSON.stringify(key)} not found.\n`)
      const made = changed(remote ? recorded(f, object) : object, field, change, flags.bool('overwrite'))
      let answer = made.object
      const somethingToDo = field === 'annotations' || made.added.length > 0 || made.removed.length > 0
      if (remote && somethingToDo) {
        const patch = createMergePatch(object as never, made.object as never) as Record<string, any>
        if (version) patch['metadata'] = { ...patch['metadata'], resourceVersion: version }
        answer = await f.rest().json<KubeObject>('PATCH', resourcePath(info.mapping, info.namespace, info.name), { body: patch, contentType: 'application/merge-patch+json', query: writeQuery(inv, dryRun) })
      }
      const word = made.added.length > 0 && made.removed.length > 0 ? 'modified' : made.added.length > 0 ? 'labeled' : made.removed.length > 0 ? 'unlabeled' : 'not labeled'
      void out((printAnnotated ?? printerFor(f, { operation: `${word}${dryRunSuffix(dryRun)}` }))(answer))
    })
  }
}

// k8s: kubectl/pkg/cmd/label, kubectl/pkg/cmd/annotate
export const label = changing('labels')
export const annotate = changing('annotations')
