import { goFloat } from '../../../cluster/kinds/go-text.ts'
import type { KubeObject } from '../../../cluster/kinds/object.ts'
import { canonicalQuantity } from '../../../cluster/kinds/quantity.ts'
import { groupVersion } from '../discovery.ts'
import { LAST_APPLIED, withTypedLastApplied } from '../last-applied.ts'
import { dryRunOf, dryRunSuffix, printerFor, typedOrder } from '../print.ts'
import { recorded } from '../record.ts'
import { findResources } from '../resources.ts'
import { writeQuery } from './create/submit.ts'
import type { CommandHandler } from './handler.ts'

/** `80%`, `500m`; plain numbers are thousandths of a CPU and mebibytes of memory. k8s: autoscale parseResourceInput @throws Error */
function metric(name: 'cpu' | 'memory', input: string): Record<string, unknown> {
  const text = input.trim()
  if (text === '') throw new Error('empty input')
  if (text.endsWith('%')) {
    const percent = text.slice(0, -1)
    if (!/^\+?\d+$/.test(percent) || Number(percent) > 2 ** 31 - 1) throw new Error(`invalid percentage value: ${percent}`)
    return { resource: { name, target: { averageUtilization: Number(percent), type: 'Utilization' } }, type: 'Resource' }
  }
  const plain = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)
  const quantity = plain ? `${goFloat(Number(text))}${name === 'cpu' ? 'm' : 'Mi'}` : text
  let averageValue: string
  try {
    averageValue = canonicalQuantity(quantity)
  } catch (error) {
    throw plain ? error : new Error(`invalid resource ${name} value: ${text}`)
  }
  return { resource: { name, target: { averageValue, type: 'AverageValue' } }, type: 'Resource' }
}

// k8s: kubectl/pkg/cmd/autoscale
export const autoscale: CommandHandler = async (inv) => {
  const { f, flags, args, out } = inv
  const max = flags.int('max')
  const min = flags.int('min')
  if (max < 1) throw new Error(`--max=MAXPODS is required and must be at least 1, max: ${max}`)
  if (max < min) throw new Error(`--max=MAXPODS must be larger or equal to --min=MINPODS, max: ${max}, min: ${min}`)
  const percent = flags.changed('cpu-percent') ? flags.int('cpu-percent') : -1
  const [cpu, memory] = [flags.str('cpu'), flags.str('memory')]
  if (percent > 0 && cpu) throw new Error('--cpu-percent and --cpu are mutually exclusive')
  const metrics = [...(percent > 0 ? [metric('cpu', `${percent}%`)] : []), ...(cpu ? [metric('cpu', cpu)] : []), ...(memory ? [metric('memory', memory)] : [])]
  const dryRun = dryRunOf(f)
  const print = printerFor(f, { operation: `${dryRun === 'client' ? 'created' : 'autoscaled'}${dryRunSuffix(dryRun)}`, typed: true })
  f.rest()
  const { namespace, explicit } = f.namespace()
  const result = await findResources(f, { args, namespace, enforceNamespace: explicit, filenames: flags.list('filename'), kustomize: flags.str('kustomize'), recursive: flags.bool('recursive'), continueOnError: true, flatten: true })
  let count = 0
  const submit = async (scaler: KubeObject) => {
    let hpa = recorded(f, scaler)
    if (dryRun === 'client') { void out(print(hpa)); return }
    if (flags.bool('save-config') || hpa.metadata.annotations?.[LAST_APPLIED]) hpa = withTypedLastApplied(hpa, typedOrder)
    void out(print(await f.rest().json<KubeObject>('POST', `/apis/${hpa.apiVersion}/namespaces/${namespace}/horizontalpodautoscalers`, { body: hpa, query: writeQuery(inv, dryRun, 'kubectl-autoscale') })))
  }
  await result.visit(async (info) => {
    if (!info.mapping.subresources.some((s) => s.name === 'scale')) throw new Error(`cannot autoscale a ${info.mapping.kind}: could not find scale subresource for ${info.mapping.group}/${info.mapping.version}, Resource=${info.mapping.resource} in discovery information`)
    const metadata = { name: flags.str('name') || info.name, ...(explicit ? { namespace } : {}) }
    const scaleTargetRef = { apiVersion: groupVersion(info.mapping), kind: info.mapping.kind, name: info.name }
    const bounds = { maxReplicas: max, ...(min > 0 ? { minReplicas: min } : {}) }
    try {
      await submit({
        apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata, spec: { ...bounds, ...(metrics.length > 0 ? { metrics } : {}), scaleTargetRef }, status: { currentMetrics: null, desiredReplicas: 0 },
      })
    } catch {
      // Whatever the server has against it, the first version of the API is tried then.
      const incompatible = (why: string) => new Error(`failed to create autoscaling/v2 HPA and the configuration is incompatible with autoscaling/v1: ${why}`)
      if (!cpu) throw incompatible('empty input')
      if (memory || !cpu.trim().endsWith('%')) throw incompatible('%!w(<nil>)')
      await submit({ apiVersion: 'autoscaling/v1', kind: 'HorizontalPodAutoscaler', metadata, spec: { ...bounds, scaleTargetRef }, status: { currentReplicas: 0, desiredReplicas: 0 } })
    }
    count++
  })
  if (count === 0) throw new Error('no objects passed to autoscale')
}
