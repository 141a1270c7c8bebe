import type { KubeObject } from '../../../cluster/kinds/object.ts'
import { canonicalQuantity } from '../../../cluster/kinds/quantity.ts'
import { groupVersion } from '../discovery.ts'
import { withLastApplied } from '../last-applied.ts'
import { dryRunOf, dryRunSuffix, printerFor } from '../print.ts'
import { findResources } from '../resources.ts'
import { writeQuery } from './create/submit.ts'
import type { CommandHandler } from './handler.ts'

/** `80%`, `80`, `500m`. @throws Error */
function metric(name: 'cpu' | 'memory', text: string): Record<string, unknown> {
  if (/^\d+%?$/.test(text) && (text.endsWith('%') || name === 'cpu')) {
    const percent = Number(text.replace('%', ''))
    if (percent <= 0) throw new Error(`${name} utilization percentage must be greater than 0`)
    return { resource: { name, target: { averageUtilization: percent, type: 'Utilization' } }, type: 'Resource' }
  }
  return { resource: { name, target: { averageValue: canonicalQuantity(text), type: 'AverageValue' } }, type: 'Resource' }
}

// k8s: kubectl/pkg/cmd/autoscale
export const autoscale: CommandHandler = async (inv) => {
  const { f, flags, args, out } = inv
  const max = flags.int('max')
  const min = flags.int('min')
  if (max < 1) throw new Error(`--max=MAXPODS is required and must be at least 1, max: ${max}`)
  if (max < min) throw new Error(`--max=MAXPODS must be larger or equal to --min=MINPODS, max: ${max}, min: ${min}`)
  const dryRun = dryRunOf(f)
  const print = printerFor(f, { operation: `autoscaled${dryRunSuffix(dryRun)}`, typed: true })
  const { namespace, explicit } = f.namespace()
  const result = await findResources(f, { args, namespace, enforceNamespace: explicit, filenames: flags.list('filename'), kustomize: flags.str('kustomize'), recursive: flags.bool('recursive'), continueOnError: true, flatten: true })
  let count = 0
  await result.visit(async (info) => {
    if (!info.mapping.subresources.some((s) => s.name === 'scale')) throw new Error(`cannot autoscale a ${info.mapping.kind}: could not find scale subresource for ${info.mapping.group}/${info.mapping.version}, Resource=${info.mapping.resource} in discovery information`)
    const metrics: Record<string, unknown>[] = []
    if (flags.str('cpu')) metrics.push(metric('cpu', flags.str('cpu')))
    else if (flags.has('cpu-percent') && flags.int('cpu-percent') >= 0 && flags.changed('cpu-percent')) metrics.push(metric('cpu', `${flags.int('cpu-percent')}%`))
    if (flags.str('memory')) metrics.push(metric('memory', flags.str('memory')))
    if (metrics.length === 0 && dryRun !== 'client') throw new Error('failed to create autoscaling/v2 HPA and the configuration is incompatible with autoscaling/v1: empty input')
    let hpa: KubeObject = {
      apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: { name: flags.str('name') || info.name, ...(explicit ? { namespace } : {}) },
      spec: { maxReplicas: max, ...(metrics.length > 0 ? { metrics } : {}), ...(min > 0 ? { minReplicas: min } : {}), scaleTargetRef: { apiVersion: groupVersion(info.mapping), kind: info.mapping.kind, name: info.name } },
      status: { currentMetrics: null, desiredReplicas: 0 },
    }
    count++
    if (dryRun === 'client') { void out(print(hpa)); return }
    if (flags.bool('save-config')) hpa = withLastApplied(hpa)
    void out(print(await f.rest().json<KubeObject>('POST', `/apis/autoscaling/v2/namespaces/${info.namespace}/horizontalpodautoscalers`, { body: hpa, query: writeQuery(inv, dryRun, 'kubectl-autoscale') })))
  })
  if (count === 0) throw new Error('no objects passed to autoscale')
}
