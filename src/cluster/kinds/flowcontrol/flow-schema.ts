import { conditionStatus } from '../cells.ts'
import { defineKind } from '../define-kind.ts'
import type { FlowSchema } from '../generated/types.ts'
import { checkName } from '../checks.ts'
import { invalid, notSupported, required, type Finding } from '../findings.ts'
import { subdomainName } from '../names.ts'
import { keep, keepMetadata, specAndStatus } from '../strategies.ts'

const HIGHEST_PRECEDENCE = 10_000

/** k8s: ValidateFlowSchemaSpec, without the rules' details */
function validateFlowSchema({ spec }: Readonly<FlowSchema>): Finding[] {
  const out: Finding[] = []
  const precedence = spec.matchingPrecedence ?? 0
  if (precedence <= 0) out.push(invalid('spec.matchingPrecedence', precedence, 'must be a positive value'))
  else if (precedence > HIGHEST_PRECEDENCE) out.push(invalid('spec.matchingPrecedence', precedence, `must not be greater than ${HIGHEST_PRECEDENCE}`))
  const method = spec.distinguisherMethod?.type as string | undefined
  if (method !== undefined && method !== 'ByNamespace' && method !== 'ByUser') out.push(notSupported('spec.distinguisherMethod.type', method, ['ByNamespace', 'ByUser']))
  const level = spec.priorityLevelConfiguration?.name
  if (!level) out.push(required('spec.priorityLevelConfiguration.name', 'must reference a priority level'))
  else checkName(out, level, subdomainName, 'spec.priorityLevelConfiguration.name')
  return out
}

export const flowSchema = defineKind<FlowSchema>({
  group: 'flowcontrol.apiserver.k8s.io', version: 'v1', resource: 'flowschemas',
  defaults({ spec }) {
    spec.matchingPrecedence ||= 1000
  },
  validate: validateFlowSchema,
  validateUpdate: validateFlowSchema,
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
    MatchingPrecedence: ({ spec }) => String(spec.matchingPrecedence ?? 0),
    DistinguisherMethod: ({ spec }) => spec.distinguisherMethod?.type ?? '<none>',
    MissingPL: ({ status }) => conditionStatus(status?.conditions as never, 'Dangling') ?? '?',
  },
})
