import { defineKind } from '../define-kind.ts'
import type { PodDisruptionBudget } from '../generated/types.ts'
import { specAndStatus } from '../strategies.ts'

export const podDisruptionBudget = defineKind<PodDisruptionBudget>({
  group: 'policy', version: 'v1', resource: 'poddisruptionbudgets',
  strategy: { ...specAndStatus<PodDisruptionBudget>('io.k8s.api.policy.v1.PodDisruptionBudgetStatus'), allowUnconditionalUpdate: false },
  cells: {
    'Min Available': ({ spec }) => (spec?.minAvailable === undefined ? 'N/A' : String(spec.minAvailable)),
    'Max Unavailable': ({ spec }) => (spec?.maxUnavailable === undefined ? 'N/A' : String(spec.maxUnavailable)),
    'Allowed Disruptions': ({ status }) => status?.disruptionsAllowed ?? 0,
  },
})
