import { defineKind } from '../define-kind.ts'
import type { HorizontalPodAutoscaler } from '../generated/types.ts'

export const horizontalPodAutoscalerV2 = defineKind<HorizontalPodAutoscaler>({ group: 'autoscaling', version: 'v2', resource: 'horizontalpodautoscalers' })
