import { defineKind } from '../define-kind.ts'
import type { PriorityLevelConfiguration } from '../generated/types.ts'
import { keep, keepMetadata, specAndStatus } from '../strategies.ts'
import { validateObjectMeta } from '../validate-metadata.ts'
import { validateConditionTypes, validatePriorityLevel } from './validate-flow-control.ts'

const queuing = ({ spec }: Readonly<PriorityLevelConfiguration>) => spec.limited?.limitResponse?.queuing

export const priorityLevelConfiguration = defineKind<PriorityLevelConfiguration>({
  group: 'flowcontrol.apiserver.k8s.io', version: 'v1', resource: 'prioritylevelconfigurations',
  defaults({ spec }) {
    if (spec.exempt) {
      spec.exempt.nominalConcurrencyShares ??= 0
      spec.exempt.lendablePercent ??= 0
    }
    if (spec.limited) {
      spec.limited.nominalConcurrencyShares ??= 30
      spec.limited.lendablePercent ??= 0
      const queues = spec.limited.limitResponse?.queuing
      if (queues) {
        queues.handSize ||= 8
        queues.queues ||= 64
        queues.queueLengthLimit ||= 50
      }
    }
  },
  validate: validatePriorityLevel,
  updatesWithoutMeta: true,
  validateUpdate: (object) => [...validateObjectMeta({ namespaced: false }, object.metadata), ...validatePriorityLevel(object)],
  validateStatusUpdate: ({ status }) => validateConditionTypes(status?.conditions),
  strategy: {
    ...specAndStatus<PriorityLevelConfiguration>('io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationStatus'),
    beforeStatusUpdate(draft, old) {
      keep(draft, old, 'spec')
      keepMetadata(draft, old)
    },
  },
  cells: {
    Type: ({ spec }) => spec.type,
    NominalConcurrencyShares: ({ spec }) => (spec.limited ? (spec.limited.nominalConcurrencyShares ?? 0) : '<none>'),
    Queues: (object) => queuing(object)?.queues ?? '<none>',
    HandSize: (object) => queuing(object)?.handSize ?? '<none>',
    QueueLengthLimit: (object) => queuing(object)?.queueLengthLimit ?? '<none>',
  },
})
