import { defineKind, type Cells } from '../define-kind.ts'
import type { HorizontalPodAutoscaler as HpaV2, MetricSpec, MetricStatus } from '../generated/types.ts'
import { escapeHtml } from '../go-text.ts'
import type { KubeObject } from '../object.ts'
import { zeroOfType } from '../strategies.ts'
import { hpaCells } from './hpa-columns.ts'
import { newBehavior, oldBehavior } from './old-behavior.ts'
import { newMetricSpec, newMetricStatus, oldMetricSpec, oldMetricStatus } from './old-metrics.ts'
import { validateHpa, validateHpaStatus } from './validate-hpa.ts'

const METRICS = 'autoscaling.alpha.kubernetes.io/metrics'
const CURRENT_METRICS = 'autoscaling.alpha.kubernetes.io/current-metrics'
const BEHAVIOR = 'autoscaling.alpha.kubernetes.io/behavior'
const CONDITIONS = 'autoscaling.alpha.kubernetes.io/conditions'

/** The old form: one CPU target; whatever else there is rides in annotations. k8s: pkg/apis/autoscaling/v1/conversion.go */
export const horizontalPodAutoscalerV1 = defineKind<KubeObject>({
  group: 'autoscaling', version: 'v1', resource: 'horizontalpodautoscalers',
  storageVersion: 'v2',
  convert: { toStorage: toV2, fromStorage: fromV2 },
  defaults({ spec }) {
    spec.minReplicas ??= 1
  },
  validate: (object) => validateHpa(toV2(object) as HpaV2),
  validateUpdate: (object, old) => validateHpa(toV2(object) as HpaV2, toV2(old) as HpaV2),
  validateStatusUpdate: (object) => validateHpaStatus(toV2(object) as HpaV2),
  strategy: {
    beforeCreate(draft) {
      draft.status = zeroOfType('io.k8s.api.autoscaling.v1.HorizontalPodAutoscalerStatus')
    },
    beforeUpdate(draft, old) {
      draft.status = old.status
    },
    beforeStatusUpdate(draft, old) {
      draft.spec = old.spec
    },
  },
  cells: Object.fromEntries(Object.entries(hpaCells).map(([name, cell]) => [name, (object: KubeObject, nowMs: number) => cell(toV2(object) as HpaV2, nowMs)])) as Cells<KubeObject>,
})

function toV2(object: Readonly<KubeObject>): KubeObject {
  const { targetCPUUtilizationPercentage, ...spec } = object.spec
  const { currentCPUUtilizationPercentage, ...status } = object.status ?? {}
  const annotations = { ...object.metadata.annotations }
  const more = <T>(name: string, isList = true): T | undefined => {
    const text = annotations[name]
    delete annotations[name]
    if (text === undefined) return undefined
    try {
      const value: unknown = JSON.parse(text)
      return value !== null && typeof value === 'object' && Array.isArray(value) === isList ? value as T : undefined
    } catch {
      return undefined
    }
  }
  const metrics: MetricSpec[] = (more<object[]>(METRICS) ?? []).filter(Boolean).map(newMetricSpec)
  if (targetCPUUtilizationPercentage !== undefined) metrics.push({ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: targetCPUUtilizationPercentage } } })
  const behavior = newBehavior(more(BEHAVIOR, false))
  const currentMetrics = [
    ...(currentCPUUtilizationPercentage !== undefined ? [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: currentCPUUtilizationPercentage } } }] : []),
    ...(more<object[]>(CURRENT_METRICS) ?? []).filter(Boolean).map(newMetricStatus),
  ]
  const conditions = more<unknown[]>(CONDITIONS)
  // Only the older type prints a count of zero.
  if (status.currentReplicas === 0) delete status.currentReplicas
  const { annotations: _, ...metadata } = object.metadata
  return {
    ...object, apiVersion: 'autoscaling/v2', metadata: Object.keys(annotations).length > 0 ? { ...metadata, annotations } : metadata,
    spec: { ...spec, metrics: metrics.length > 0 ? metrics : [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } }], ...(behavior ? { behavior } : {}) },
    status: { ...status, currentMetrics: currentMetrics.length > 0 ? currentMetrics : null, ...(conditions ? { conditions } : {}) },
  }
}

function fromV2(object: Readonly<KubeObject>): KubeObject {
  const { metrics = [], behavior, ...spec } = object.spec
  const { currentMetrics, conditions, ...status } = object.status ?? {}
  const annotations = { ...object.metadata.annotations }
  const isCpuUtilization = (metric: MetricSpec) => metric.type === 'Resource' && metric.resource?.name === 'cpu' && metric.resource.target.averageUtilization !== undefined
  const cpu = (metrics as MetricSpec[]).find(isCpuUtilization)
  const others = (metrics as MetricSpec[]).filter((metric) => !isCpuUtilization(metric))
  if (others.length > 0) annotations[METRICS] = escapeHtml(JSON.stringify(others.map(oldMetricSpec)))
  if (behavior) annotations[BEHAVIOR] = JSON.stringify(oldBehavior(behavior))
  if (conditions?.length) annotations[CONDITIONS] = escapeHtml(JSON.stringify(conditions))
  const currentCpu = (currentMetrics as any[] | null | undefined)?.find((metric) => metric.type === 'Resource' && metric.resource?.name === 'cpu' && metric.resource.current?.averageUtilization !== undefined)
  if (currentMetrics?.length) annotations[CURRENT_METRICS] = escapeHtml(JSON.stringify((currentMetrics as MetricStatus[]).map(oldMetricStatus)))
  const { annotations: _, ...metadata } = object.metadata
  return {
    ...object, apiVersion: 'autoscaling/v1', metadata: Object.keys(annotations).length > 0 ? { ...metadata, annotations } : metadata,
    spec: { ...spec, ...(cpu ? { targetCPUUtilizationPercentage: cpu.resource!.target.averageUtilization } : {}) },
    status: { ...status, currentReplicas: status.currentReplicas ?? 0, desiredReplicas: status.desiredReplicas ?? 0, ...(currentCpu ? { currentCPUUtilizationPercentage: currentCpu.resource.current.averageUtilization } : {}) },
  }
}
