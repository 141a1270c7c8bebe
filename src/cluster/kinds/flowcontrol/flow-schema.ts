import { conditionStatus } from '../cells.ts'
import { defineKind } from '../define-kind.ts'
import type { FlowSchema } from '../generated/types.ts'
import { keep, keepMetadata, specAndStatus } from '../strategies.ts'
import { validateObjectMeta } from '../validate-metadata.ts'
import { validateConditionTypes, validateFlowSchema } from './validate-flow-control.ts'

export const flowSchema = defineKind<FlowSchema>({
  group: 'flowcontrol.apiserver.k8s.io', version: 'v1', resource: 'flowschemas',
  defaults({ spec }) {
    spec.matchingPrecedence ||= 1000
  },
  validate: validateFlowSchema,
  updatesWithoutMeta: true,
  validateUpdate: (object) => [...validateObjectMeta({ namespaced: false }, object.metadata), ...validateFlowSchema(object)],
  validateStatusUpdate: ({ status }) => validateConditionTypes(status?.conditions),
  strategy: {
    ...specAndStatus<FlowSchema>('io.k8s.api.flowcontrol.v1.FlowSchemaStatus'),
    allowUnconditionalUpdate: true,
    beforeStatusUpdate(draft, old) {
      keep(draft, old, 'spec')
      keepMetadata(draft, old)
    },
  },
  // Rows come in the order in which the schemas are tried.
  rowOrder: (a, b) => (a.spec.matchingPrecedence ?? 0) - (b.spec.matchingPrecedence ?? 0) || ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1),
  cells: {
    PriorityLevel: ({ spec }) => spec.priorityLevelConfiguration?.name ?? '',
    MatchingPrecedence: ({ spec }) => spec.matchingPrecedence ?? 0,
    DistinguisherMethod: ({ spec }) => spec.distinguisherMethod?.type ?? '<none>',
    MissingPL: ({ status }) => conditionStatus(status?.conditions as never, 'Dangling') ?? '?',
  },
})
