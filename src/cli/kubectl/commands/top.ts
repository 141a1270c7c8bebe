import { parseFieldSelector } from '../../../cluster/kinds/field-selector.ts'
import { parseLabelSelector } from '../../../cluster/kinds/label-selector.ts'
import { addQuantities, isZeroQuantity, quantityMilliValue, quantityValue } from '../../../cluster/kinds/quantity.ts'
import { usageError } from '../command.ts'
import { simpleTable } from '../table.ts'
import type { CommandHandler, Invocation } from './handler.ts'

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json'
const ROOT = '/apis/metrics.k8s.io/v1beta1'
/** A pod that is older should have metrics. */
const METRICS_DELAY_MS = 120_000

type Usage = Readonly<Record<string, string>>

/** Asks the server itself, not the cache: who installs a metrics server looks at once. @throws Error where none has registered itself, or it is away. */
async function requireMetrics({ f }: Invocation): Promise<void> {
  const found = await f.rest().json('GET', '/apis', { accept: AGGREGATED, query: { timeout: '32s' } })
  const isThere = found.kind === 'APIGroupDiscoveryList'
    ? (found.items as any[]).some((item) => item.metadata?.name === 'metrics.k8s.io' && item.versions?.some((v: any) => v.version === 'v1beta1' && v.freshness !== 'Stale'))
    : (found.groups as any[]).some((group) => group.name === 'metrics.k8s.io' && group.versions?.some((v: any) => v.version === 'v1beta1'))
  if (!isThere) throw new Error('Metrics API not available')
}

/** k8s: kubectl/pkg/cmd/top Validate */
function checkFlags({ flags, args, spec }: Invocation, selectors: readonly string[], refusal: string): string {
  if (args.length > 1) throw usageError(spec, spec.use)
  const sort = flags.str('sort-by')
  if (sort && sort !== 'cpu' && sort !== 'memory') throw new Error('--sort-by accepts only cpu or memory')
  if (args.length === 1 && selectors.some((name) => flags.str(name))) throw new Error(refusal)
  return sort
}

const measured = ({ flags }: Invocation) => flags.bool('show-swap') ? ['cpu', 'memory', 'swap'] : ['cpu', 'memory']
const shown = (resource: string, quantity: string) => resource === 'cpu' ? `${quantityMilliValue(quantity)}m` : `${Math.trunc(quantityValue(quantity) / 1_048_576)}Mi`

/** Most first for a resource, else by what else is given. */
function order<T>(items: T[], sort: string, usageOf: (item: T) => Usage, otherwise: (item: T) => readonly string[]): T[] {
  const amount = (item: T) => quantityMilliValue(usageOf(item)[sort] ?? '0')
  const compareText = (a: readonly string[], b: readonly string[]) => { for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! < b[i]! ? -1 : 1; return 0 }
  return items.sort((a, b) => sort ? amount(b) - amount(a) : compareText(otherwise(a), otherwise(b)))
}

/** Every cell ends with a tab, the last one too: hence spaces at the end of each line. */
const table = (rows: readonly (readonly string[])[]) => simpleTable(rows.map((row) => [...row, '']))

// k8s: kubectl/pkg/cmd/top/top_node.go, metricsutil/metrics_printer.go PrintNodeMetrics
const node: CommandHandler = async (inv) => {
  const { f, flags, args, out } = inv
  const sort = checkFlags(inv, ['selector'], 'only one of NAME or --selector can be provided')
  parseLabelSelector(flags.str('selector'))
  await requireMetrics(inv)
  const selector = { labelSelector: flags.str('selector') || undefined }
  const items: any[] = args[0] ? [await f.rest().json('GET', `${ROOT}/nodes/${args[0]}`)] : [...(await f.rest().list<any>(`${ROOT}/nodes`, selector)).items]
  if (items.length === 0) throw new Error('metrics not available yet')
  const nodes: any[] = args[0] ? [await f.rest().json('GET', `/api/v1/nodes/${args[0]}`)] : [...(await f.rest().list<any>('/api/v1/nodes', selector)).items]
  const left = new Map(nodes.map((n) => [n.metadata.name as string, n]))
  const resources = measured(inv)
  const rows: string[][] = flags.bool('no-headers') ? [] : [['NAME', ...resources.flatMap((r) => r === 'cpu' ? ['CPU(cores)', 'CPU(%)'] : [`${r.toUpperCase()}(bytes)`, `${r.toUpperCase()}(%)`])]]
  for (const item of order(items, sort, (i) => i.usage, (i) => [i.metadata.name])) {
    const name = item.metadata.name as string
    const known = left.get(name)
    left.delete(name)
    const swap = known?.status?.nodeInfo?.swap?.capacity
    const available: Record<string, string> = { ...known?.status?.[flags.bool('show-capacity') ? 'capacity' : 'allocatable'], ...(swap !== undefined ? { swap: String(swap) } : {}) }
    rows.push([name, ...resources.flatMap((r) => {
      if (r === 'swap' && known && swap === undefined) return ['<unknown>', '<unknown>']
      const used = item.usage[r] ?? '0'
      const whole = available[r]
      if (whole === undefined) return [shown(r, used)]
      return [shown(r, used), `${isZeroQuantity(whole) ? 0 : Math.trunc(quantityMilliValue(used) / quantityMilliValue(whole) * 100)}%`]
    })])
  }
  // Nodes whose metrics can't be had.
  for (const name of left.keys()) rows.push([name, ...resources.flatMap(() => ['<unknown>', '<unknown>'])])
  void out(table(rows))
}

// k8s: kubectl/pkg/cmd/top/top_pod.go, metricsutil/metrics_printer.go PrintPodMetrics
const pod: CommandHandler = async (inv) => {
  const { f, flags, args, out, err } = inv
  const sort = checkFlags(inv, ['selector', 'field-selector'], 'only one of NAME or selector can be provided')
  // Selectors are read before anything is asked for.
  parseLabelSelector(flags.str('selector'))
  parseFieldSelector(flags.str('field-selector'))
  const { namespace } = f.namespace()
  await requireMetrics(inv)
  const all = flags.bool('all-namespaces')
  const selectors = { labelSelector: flags.str('selector') || undefined, fieldSelector: flags.str('field-selector') || undefined }
  const base = all && !args[0] ? `${ROOT}/pods` : `${ROOT}/namespaces/${namespace}/pods`
  const items: any[] = args[0] ? [await f.rest().json('GET', `${base}/${args[0]}`)] : [...(await f.rest().list<any>(base, selectors)).items]
  if (items.length === 0) {
    await explainNothing(inv, namespace, all, selectors)
    void err(all ? 'No resources found\n' : `No resources found in ${namespace} namespace.\n`)
    return
  }
  const resources = measured(inv)
  const sumOf = (usages: readonly Usage[]): Usage => Object.fromEntries(resources.map((r) => [r, usages.reduce((sum, usage) => addQuantities(sum, usage[r] ?? '0'), '0')]))
  const usageOf = (item: any) => sumOf(item.containers.map((c: any) => c.usage))
  const cells = (usage: Usage) => resources.map((r) => shown(r, usage[r] ?? '0'))
  const perContainer = flags.bool('containers')
  const columns = [...(all ? ['NAMESPACE'] : []), ...(perContainer ? ['POD'] : []), 'NAME', ...resources.map((r) => r === 'cpu' ? 'CPU(cores)' : `${r.toUpperCase()}(bytes)`)]
  const rows: string[][] = flags.bool('no-headers') ? [] : [columns]
  for (const item of order(items, sort, usageOf, (i) => [...(all ? [i.metadata.namespace] : []), i.metadata.name])) {
    const lead = all ? [item.metadata.namespace] : []
    if (perContainer) for (const c of order([...item.containers as any[]], sort, (of) => of.usage, (of) => [of.name])) rows.push([...lead, item.metadata.name, c.name, ...cells(c.usage)])
    else rows.push([...lead, item.metadata.name, ...cells(usageOf(item))])
  }
  if (flags.bool('sum')) {
    // Without headers upstream counts the columns of the plain form.
    const width = flags.bool('no-headers') ? 1 + resources.length : columns.length
    rows.push([...Array<string>(Math.max(0, width - 2)).fill(''), '________', '________'])
    rows.push([...Array<string>(Math.max(0, width - 3)).fill(''), '', ...cells(sumOf(items.map(usageOf)))])
  }
  void out(table(rows))
}

/** @throws Error where there are pods and no metrics of them. k8s: verifyEmptyMetrics */
async function explainNothing({ f }: Invocation, namespace: string, all: boolean, selectors: { labelSelector: string | undefined; fieldSelector: string | undefined }): Promise<void> {
  const pods = (await f.rest().list<any>(all ? '/api/v1/pods' : `/api/v1/namespaces/${namespace}/pods`, selectors)).items
  if (pods.length === 0) return
  for (const { metadata } of pods) {
    const ageMs = f.proc.clock.nowMs() - Date.parse(metadata.creationTimestamp)
    if (ageMs > METRICS_DELAY_MS) throw new Error(`Metrics not available for pod ${metadata.namespace}/${metadata.name}, age: ${goDuration(ageMs)}`)
  }
  throw new Error('metrics not available yet')
}

/** Go's time.Duration: `1h2m3.5s`. */
function goDuration(ms: number): string {
  const hours = Math.floor(ms / 3_600_000)
  const minutes = Math.floor(ms / 60_000) % 60
  const seconds = Number(((ms % 60_000) / 1000).toFixed(6))
  return `${hours > 0 ? `${hours}h` : ''}${hours > 0 || minutes > 0 ? `${minutes}m` : ''}${seconds}s`
}

export const TOP_COMMANDS: Record<string, CommandHandler> = { 'top node': node, 'top pod': pod }
