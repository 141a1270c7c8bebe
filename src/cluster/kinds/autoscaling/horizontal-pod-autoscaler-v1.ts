import { defineKind } from '../define-kind.ts'
import type { AutoscalingHorizontalPodAutoscaler } from '../generated/types.ts'

export const horizontalPodAutoscalerV1 = defineKind<AutoscalingHorizontalPodAutoscaler>({ group: 'autoscaling', version: 'v1', resource: 'horizontalpodautoscalers' })
