import { readLines } from '../../../base/streams.ts'
import type { KubeObject } from '../../../cluster/kinds/object.ts'
import { StatusError } from '../../../cluster/kinds/status-error.ts'
import { groupResource, lowerGroupKind, resourcePath } from '../discovery.ts'
import { addSource, aggregate, AggregateErrors, FileErrors, isNotFound } from '../errors.ts'
import type { Factory } from '../factory.ts'
import { dryRunOf, dryRunSuffix } from '../print.ts'
import type { DryRun } from '../print.ts'
import { findResources } from '../resources.ts'
import type { Info, ResourceResult } from '../resources.ts'
import { untilObject, WaitTimeout } from '../watching.ts'
import type { CommandHandler, Invocation } from './handler.ts'
import { rawRequest } from './raw.ts'

export type Propagation = 'Background' | 'Foreground' | 'Orphan'

/** --cascade; the words of before are taken with a warning. k8s: delete.parseCascadingFlag @throws Error for other words */
export function cascadeOf(f: Factory): Propagation {
  const value = f.flags.str('cascade')
  const instead = (word: string) => void f.io.err(`warning: --cascade=${value} is deprecated (boolean value) and can be replaced with --cascade=${word}.\n`)
  switch (value) {
    case 'background': return 'Background'
    case 'foreground': return 'Foreground'
    case 'orphan': return 'Orphan'
    case '1': case 't': case 'T': case 'true': case 'TRUE': case 'True':
      instead('background')
      return 'Background'
    case '0': case 'f': case 'F': case 'false': case 'FALSE': case 'False':
      instead('orphan')
      return 'Orphan'
    default: throw new Error(`invalid cascade value (${value}). Must be "background", "foreground", or "orphan"`)
  }
}

/** DeleteOptions as they are sent. */
export function deleteOptions(gracePeriod: number, propagation: Propagation | undefined, dryRun: DryRun = 'none'): Record<string, unknown> {
  return { apiVersion: 'v1', kind: 'DeleteOptions', ...(gracePeriod >= 0 ? { gracePeriodSeconds: gracePeriod } : {}), ...(propagation ? { propagationPolicy: propagation } : {}), ...(dryRun === 'server' ? { dryRun: ['All'] } : {}) }
}

/** `Warning: text`, coloured on terminals. */
export function warn(f: Factory, text: string): void {
  void f.io.err(f.proc.isTty(2) && f.proc.env['TERM'] !== 'dumb' ? `\x1b[33;1mWarning:\x1b[0m ${text}\n` : `Warning: ${text}\n`)
}

// k8s: kubectl/pkg/cmd/delete DeleteOptions
export const deleteCommand: CommandHandler = async (inv) => {
  const { f, flags, args, out } = inv
  const { namespace, explicit } = f.namespace()
  const selector = flags.str('selector')
  const fieldSelector = flags.str('field-selector')
  const all = flags.bool('all')
  let grace = flags.int('grace-period')
  const force = flags.bool('force')
  const ignoreNotFound = flags.bool('ignore-not-found') || (!flags.changed('ignore-not-found') && (all || selector !== '' || fieldSelector !== ''))
  if (flags.bool('now')) {
    if (grace !== -1) throw new Error('--now and --grace-period cannot be specified together')
    grace = 1
  }
  if (grace === 0 && !force) grace = 1
  if (force && grace < 0) grace = 0
  const dryRun = dryRunOf(f)
  const propagation = cascadeOf(f)
  const query = {
    args, namespace, enforceNamespace: explicit, allNamespaces: flags.bool('all-namespaces'), filenames: flags.list('filename'), kustomize: flags.str('kustomize'), recursive: flags.bool('recursive'),
    labelSelector: selector || undefined, fieldSelector: fieldSelector || undefined, continueOnError: true, flatten: true, requireObject: false,
  }
  const raw = flags.str('raw')
  if (all && selector) throw new Error("setting 'all' parameter but found a non empty selector. ")
  if (all) query.labelSelector = ''
  const result = raw ? undefined : await findResources(f, query)
  const output = flags.str('output')
  if (output && output !== 'name') throw new Error(`unexpected -o output mode: ${output}. We only support '-o name'`)
  if (all && fieldSelector) throw new Error('cannot set --all and --field-selector at the same time')
  if (grace === 0 && force) warn(f, 'Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.')
  else if (grace > 0 && force) throw new Error('--force and --grace-period greater than 0 cannot be specified together')
  if (raw) {
    if (flags.bool('interactive')) throw new Error('--interactive can not be used with --raw')
    return rawRequest(inv, 'DELETE', raw, flags.list('filename')[0])
  }
  let only: Set<string> | undefined
  if (flags.bool('interactive')) {
    const { infos, error } = await (await findResources(f, query)).infos()
    if (error && !(ignoreNotFound && isNotFound(error))) throw error
    if (infos.length === 0) { void out('No resources found\n'); return }
    only = new Set(infos.map(locationOf))
    void out(`You are about to delete the following ${infos.length} resource(s):\n${infos.map((i) => `${lowerGroupKind(i.mapping)}/${i.name}\n`).join('')}Do you want to continue? (y/N): `)
    await f.io.flush()
    let answer = ''
    for await (const line of readLines(f.proc.stdin)) { answer = line.trim(); break }
    if (answer.toLowerCase() !== 'y') { void out('deletion is cancelled\n'); return }
  }
  await deleteAll(inv, result!, {
    grace, propagation, dryRun, ignoreNotFound, only, output, quiet: false, wait: flags.bool('wait'), timeoutMs: flags.duration('timeout'),
    warnClusterScope: explicit && !flags.bool('all-namespaces'),
  })
}

const locationOf = (info: Info) => `${groupResource(info.mapping)}/${info.namespace}/${info.name}`

export interface DeleteAllOptions {
  grace: number
  propagation: Propagation
  dryRun: DryRun
  ignoreNotFound: boolean
  /** When given: nothing else. */
  only?: Set<string> | undefined
  output: string
  quiet: boolean
  wait: boolean
  /** 0: a week. */
  timeoutMs: number
  warnClusterScope?: boolean
}

/** Deletes what a query found and waits until it is gone. k8s: DeleteOptions.DeleteResult */
export async function deleteAll(inv: Pick<Invocation, 'f' | 'out'>, result: ResourceResult, options: DeleteAllOptions): Promise<void> {
  const { f, out } = inv
  const deleted: { info: Info; uid: string | undefined }[] = []
  let found = 0
  let warned = !options.warnClusterScope
  const say = (info: Info) => {
    if (options.quiet) return
    const kind = lowerGroupKind(info.mapping)
    if (options.output === 'name') { void out(`${kind}/${info.name}\n`); return }
    const where = info.mapping.namespaced ? ` from ${info.namespace} namespace` : ''
    void out(`${kind} "${info.name}" ${options.grace === 0 ? 'force deleted' : 'deleted'}${where}${dryRunSuffix(options.dryRun)}\n`)
  }
  try {
    await result.visit(async (info) => {
      if (options.only && !options.only.has(locationOf(info))) return
      found++
      if (!warned && !info.mapping.namespaced) {
        warned = true
        warn(f, 'deleting cluster-scoped resources, not scoped to the provided namespace')
      }
      if (options.dryRun === 'client') { say(info); return }
      let answer: KubeObject
      try {
        answer = await f.rest().json<KubeObject>('DELETE', resourcePath(info.mapping, info.namespace, info.name), {
          body: deleteOptions(options.grace, options.propagation, options.dryRun), query: options.dryRun === 'server' ? { dryRun: 'All' } : {},
        })
      } catch (error) {
        throw addSource('deleting', info.source, error)
      }
      say(info)
      deleted.push({ info, uid: (answer.kind === 'Status' ? answer['details']?.uid : answer.metadata?.uid) as string | undefined })
    })
  } catch (error) {
    if (!options.ignoreNotFound) throw error
    // What is left of several errors stays one of several. k8s: utilerrors.FilterOut
    const several = error instanceof AggregateErrors || error instanceof FileErrors
    const left = (several ? error.errors : [error as Error]).filter((e) => !isNotFound(e))
    if (left.length > 0) throw several ? new AggregateErrors(left) : error
  }
  if (found === 0) { void out('No resources found\n'); return }
  if (!options.wait || options.dryRun !== 'none') return
  await f.io.flush()
  const deadline = f.nowMs() + (options.timeoutMs || 168 * 3_600_000)
  const late: Error[] = []
  for (const { info, uid } of deleted) {
    try {
      await untilObject(f, info, Math.max(1, deadline - f.nowMs()), (object) => object === undefined || (uid !== undefined && object.metadata.uid !== uid))
    } catch (error) {
      // Who may delete but not watch doesn't wait.
      if (error instanceof StatusError && ['Forbidden', 'MethodNotAllowed'].includes(error.reason)) continue
      if (!(error instanceof WaitTimeout)) throw error
      late.push(new Error(`timed out waiting for the condition on ${info.mapping.resource}/${info.name}`))
    }
  }
  const failed = aggregate(late)
  if (failed) throw failed
}
