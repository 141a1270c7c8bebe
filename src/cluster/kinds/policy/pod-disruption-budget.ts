import { defineKind } from '../define-kind.ts'
import type { PodDisruptionBudget } from '../generated/types.ts'

export const podDisruptionBudget = defineKind<PodDisruptionBudget>({ group: 'policy', version: 'v1', resource: 'poddisruptionbudgets' })
