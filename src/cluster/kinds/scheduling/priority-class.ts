import { defineKind } from '../define-kind.ts'
import type { PriorityClass } from '../generated/types.ts'
import { countedGeneration } from '../strategies.ts'

export const priorityClass = defineKind<PriorityClass>({
  group: 'scheduling.k8s.io', version: 'v1', resource: 'priorityclasses',
  defaults(draft) {
    draft.preemptionPolicy ??= 'PreemptLowerPriority'
  },
  strategy: countedGeneration<PriorityClass>(),
  cells: { Value: (object) => object.value, 'Global-Default': (object) => object.globalDefault ?? false, PreemptionPolicy: (object) => object.preemptionPolicy ?? '' },
})
