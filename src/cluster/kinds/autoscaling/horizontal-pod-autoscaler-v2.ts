import { defineKind } from '../define-kind.ts'
import type { HorizontalPodAutoscaler } from '../generated/types.ts'
import { specAndStatus } from '../strategies.ts'
import { hpaCells } from './hpa-columns.ts'
import { validateHpa, validateHpaStatus } from './validate-hpa.ts'

const PERIOD_SECONDS = 15

export const horizontalPodAutoscalerV2 = defineKind<HorizontalPodAutoscaler>({
  group: 'autoscaling', version: 'v2', resource: 'horizontalpodautoscalers',
  defaults({ spec }) {
    spec.minReplicas ??= 1
    if (!spec.metrics?.length) spec.metrics = [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } }]
    if (spec.behavior) {
      spec.behavior.scaleUp = {
        stabilizationWindowSeconds: 0, selectPolicy: 'Max',
        policies: [{ type: 'Pods', value: 4, periodSeconds: PERIOD_SECONDS }, { type: 'Percent', value: 100, periodSeconds: PERIOD_SECONDS }],
        ...spec.behavior.scaleUp,
      }
      spec.behavior.scaleDown = { selectPolicy: 'Max', policies: [{ type: 'Percent', value: 100, periodSeconds: PERIOD_SECONDS }], ...spec.behavior.scaleDown }
    }
  },
  validate: validateHpa,
  validateUpdate: validateHpa,
  validateStatusUpdate: validateHpaStatus,
  strategy: specAndStatus<HorizontalPodAutoscaler>('io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerStatus', { generation: false }),
  cells: hpaCells,
})
