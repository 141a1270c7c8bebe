import { addQuantities, quantityMilliValue, quantityValue } from '../../../cluster/kinds/quantity.ts'
import { usageError } from '../command.ts'
import { simpleTable } from '../table.ts'
import type { CommandHandler, Invocation } from './handler.ts'

/** @throws Error where no metrics server has registered itself */
async function requireMetrics({ f }: Invocation): Promise<void> {
  const mapper = await f.mapper()
  if (!mapper.groups.some((g) => g.name === 'metrics.k8s.io')) throw new Error('Metrics API not available')
}

const cpu = (q: string) => `${Math.ceil(quantityMilliValue(q))}m`
const memory = (q: string) => `${Math.floor(quantityValue(q) / 1_048_576)}Mi`

// k8s: kubectl/pkg/cmd/top
const node: CommandHandler = async (inv) => {
  const { f, flags, args, out, spec } = inv
  if (args.length > 1) throw usageError(spec, `unexpected args: [${args.join(' ')}]`)
  if (args.length === 1 && flags.str('selector')) throw usageError(spec, 'only one of NAME or --selector can be provided')
  await requireMetrics(inv)
  const base = '/apis/metrics.k8s.io/v1beta1/nodes'
  const items = args[0] ? [await f.rest().json('GET', `${base}/${args[0]}`)] : [...(await f.rest().list<any>(base, { labelSelector: flags.str('selector') || undefined })).items]
  const nodes = new Map((await f.rest().list<any>('/api/v1/nodes')).items.map((n) => [n.metadata.name, n]))
  const sort = flags.str('sort-by')
  items.sort((a: any, b: any) => sort === 'cpu' ? quantityMilliValue(b.usage.cpu) - quantityMilliValue(a.usage.cpu) : sort === 'memory' ? quantityValue(b.usage.memory) - quantityValue(a.usage.memory) : a.metadata.name < b.metadata.name ? -1 : 1)
  const rows: string[][] = flags.bool('no-headers') ? [] : [['NAME', 'CPU(cores)', 'CPU(%)', 'MEMORY(bytes)', 'MEMORY(%)']]
  for (const m of items as any[]) {
    const whole = nodes.get(m.metadata.name)?.status?.[flags.bool('show-capacity') ? 'capacity' : 'allocatable']
    const share = (used: number, all: number) => all > 0 ? `${Math.trunc(used / all * 100)}%` : '<unknown>'
    rows.push([m.metadata.name, cpu(m.usage.cpu), share(quantityMilliValue(m.usage.cpu), quantityMilliValue(whole?.cpu ?? '0')), memory(m.usage.memory), share(quantityValue(m.usage.memory), quantityValue(whole?.memory ?? '0'))])
  }
  void out(simpleTable(rows))
}

const pod: CommandHandler = async (inv) => {
  const { f, flags, args, out, err, spec } = inv
  if (args.length > 1) throw usageError(spec, `unexpected args: [${args.join(' ')}]`)
  await requireMetrics(inv)
  const { namespace } = f.namespace()
  const all = flags.bool('all-namespaces')
  const base = all ? '/apis/metrics.k8s.io/v1beta1/pods' : `/apis/metrics.k8s.io/v1beta1/namespaces/${namespace}/pods`
  const items = args[0] ? [await f.rest().json('GET', `${base}/${args[0]}`)] : [...(await f.rest().list<any>(base, { labelSelector: flags.str('selector') || undefined, fieldSelector: flags.str('field-selector') || undefined })).items]
  if (items.length === 0) { void err(all ? 'No resources found\n' : `No resources found in ${namespace} namespace.\n`); return }
  const perContainer = flags.bool('containers')
  const total = (m: any, what: 'cpu' | 'memory') => (m.containers as any[]).reduce((sum, c) => addQuantities(sum, c.usage[what] ?? '0'), '0')
  const sort = flags.str('sort-by')
  items.sort((a: any, b: any) => sort === 'cpu' ? quantityMilliValue(total(b, 'cpu')) - quantityMilliValue(total(a, 'cpu')) : sort === 'memory' ? quantityValue(total(b, 'memory')) - quantityValue(total(a, 'memory')) : `${a.metadata.namespace}/${a.metadata.name}` < `${b.metadata.namespace}/${b.metadata.name}` ? -1 : 1)
  const rows: string[][] = flags.bool('no-headers') ? [] : [[...(all ? ['NAMESPACE'] : []), ...(perContainer ? ['POD'] : []), 'NAME', 'CPU(cores)', 'MEMORY(bytes)']]
  for (const m of items as any[]) {
    const lead = all ? [m.metadata.namespace] : []
    if (perContainer) for (const c of m.containers) rows.push([...lead, m.metadata.name, c.name, cpu(c.usage.cpu), memory(c.usage.memory)])
    else rows.push([...lead, m.metadata.name, cpu(total(m, 'cpu')), memory(total(m, 'memory'))])
  }
  void out(simpleTable(rows))
}

export const TOP_COMMANDS: Record<string, CommandHandler> = { 'top node': node, 'top pod': pod }
