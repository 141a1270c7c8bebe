import type { Cells } from '../define-kind.ts'
import type { HorizontalPodAutoscaler as HpaV2, MetricSpec, MetricStatus } from '../generated/types.ts'

/** `cpu: 12%/80%`. k8s: formatHPAMetrics */
function metricText(spec: MetricSpec, status: MetricStatus | undefined): string {
  const value = (current: string | undefined, target: string | undefined, suffix = '') => `${current ?? '<unknown>'}/${target ?? '<nil>'}${suffix}`
  const percent = (n: number | undefined) => (n === undefined ? undefined : `${n}%`)
  switch (spec.type) {
    case 'External': {
      const target = spec.external?.target
      return target?.averageValue !== undefined ? value(status?.external?.current.averageValue, target.averageValue, ' (avg)') : value(status?.external?.current.value, target?.value)
    }
    case 'Pods':
      return value(status?.pods?.current.averageValue, spec.pods?.target.averageValue)
    case 'Object': {
      const target = spec.object?.target
      return target?.averageValue !== undefined ? value(status?.object?.current.averageValue, target.averageValue, ' (avg)') : value(status?.object?.current.value, target?.value)
    }
    case 'Resource':
    case 'ContainerResource': {
      const source = spec.type === 'Resource' ? spec.resource : spec.containerResource
      const current = (spec.type === 'Resource' ? status?.resource : status?.containerResource)?.current
      const target = source?.target
      const text = target?.averageValue !== undefined ? value(current?.averageValue, target.averageValue) : value(percent(current?.averageUtilization), percent(target?.averageUtilization) ?? '<auto>')
      return `${source?.name}: ${text}`
    }
    default:
      return '<unknown type>'
  }
}

export const hpaCells: Cells<HpaV2> = {
  Reference: ({ spec }) => `${spec.scaleTargetRef.kind}/${spec.scaleTargetRef.name}`,
  Targets({ spec, status }) {
    const specs = spec.metrics ?? []
    if (specs.length === 0) return '<none>'
    const texts = specs.map((metric, i) => metricText(metric, status?.currentMetrics?.[i]))
    return texts.length > 2 ? `${texts.slice(0, 2).join(', ')} + ${texts.length - 2} more...` : texts.join(', ')
  },
  MinPods: ({ spec }) => (spec.minReplicas === undefined ? '<unset>' : String(spec.minReplicas)),
  MaxPods: ({ spec }) => spec.maxReplicas,
  Replicas: ({ status }) => status?.currentReplicas ?? 0,
}
