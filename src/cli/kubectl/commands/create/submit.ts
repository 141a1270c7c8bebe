import type { KubeObject } from '../../../../cluster/kinds/object.ts'
import { StatusError } from '../../../../cluster/kinds/status-error.ts'
import { usageError } from '../../command.ts'
import { LAST_APPLIED, withTypedLastApplied } from '../../last-applied.ts'
import { dryRunOf, dryRunSuffix, printerFor, typedOrder } from '../../print.ts'
import type { DryRun } from '../../print.ts'
import { recorded } from '../../record.ts'
import type { Invocation } from '../handler.ts'

/** --validate as the query parameter fieldValidation. @throws Error for other words */
export function fieldValidation(inv: Pick<Invocation, 'flags'>): 'Strict' | 'Warn' | 'Ignore' {
  const value = inv.flags.has('validate') ? inv.flags.str('validate') : 'strict'
  switch (value.toLowerCase()) {
    case 'strict': case 'true': return 'Strict'
    case 'warn': return 'Warn'
    case 'ignore': case 'false': return 'Ignore'
    default: throw new Error(`invalid - validate option ${JSON.stringify(value)}; must be one of: strict (or true), warn, ignore (or false)`)
  }
}

/** What is created has no version yet, wherever its text comes from. k8s: cli-runtime resource Helper.Create with modify */
export function withoutResourceVersion(object: KubeObject): KubeObject {
  if (!object.metadata?.resourceVersion) return object
  const { resourceVersion: _, ...metadata } = object.metadata
  return { ...object, metadata }
}

/** The query parameters of a write. */
export function writeQuery(inv: Pick<Invocation, 'flags'>, dryRun: DryRun, manager = ''): Record<string, string> {
  const fieldManager = inv.flags.str('field-manager') || manager
  return { ...(fieldManager ? { fieldManager } : {}), ...(dryRun === 'server' ? { dryRun: 'All' } : {}) }
}

/** The one NAME of a generator; that the server can be asked is looked at right after it. @throws UsageError, Error */
export function nameOf(inv: Invocation): string {
  const name = oneName(inv)
  inv.f.rest()
  return name
}

/** The one NAME of a command. @throws UsageError */
export function oneName(inv: Invocation): string {
  const count = inv.argsBeforeDash >= 0 ? inv.argsBeforeDash : inv.args.length
  if (count !== 1) throw usageError(inv.spec, `exactly one NAME is required, got ${count}`)
  return inv.args[0]!
}

/** As {@link nameOf} for the generators that look at the name themselves. @throws UsageError, Error */
export function requiredNameOf(inv: Invocation): string {
  const name = nameOf(inv)
  if (!name) throw new Error('name must be specified')
  return name
}

export interface SubmitOptions {
  /** `pods`, with its group version: `apps/v1/deployments`. */
  path: (namespace: string) => string
  namespaced: boolean
  /** Put before the server's answer when it refuses. */
  failure?: string
  /** --save-config is there and does nothing. */
  ignoresSaveConfig?: boolean
}

/** Sends what a generator made, unless it is a client dry run, and prints it. k8s: create.CreateSubcommandOptions.Run */
export async function submit(inv: Invocation, object: KubeObject, options: SubmitOptions): Promise<void> {
  const { f, out } = inv
  const dryRun = dryRunOf(f)
  const print = printerFor(f, { operation: `created${dryRunSuffix(dryRun)}`, typed: true })
  const { namespace, explicit } = f.namespace()
  let toSend = object
  if (options.namespaced && explicit) toSend = { ...toSend, metadata: { ...toSend.metadata, namespace } }
  toSend = recorded(f, toSend)
  if (inv.flags.bool('save-config') && !options.ignoresSaveConfig || toSend.metadata.annotations?.[LAST_APPLIED]) toSend = withTypedLastApplied(toSend, typedOrder)
  if (dryRun === 'client') { void out(print(toSend)); return }
  try {
    const created = await f.rest().json<KubeObject>('POST', options.path(namespace), { body: toSend, query: { ...writeQuery(inv, dryRun), fieldValidation: fieldValidation(inv) } })
    void out(print(created))
  } catch (error) {
    if (options.failure && error instanceof StatusError) throw new Error(`${options.failure} ${error.message}`)
    throw error
  }
}
