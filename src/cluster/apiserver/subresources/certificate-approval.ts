import { rfc3339, type Clock } from '../../../base/clock.ts'
import { forbidden, invalid, required, type Finding } from '../../kinds/findings.ts'
import type { Condition, KubeObject } from '../../kinds/object.ts'
import { apiError } from '../../kinds/status-error.ts'
import { validateKindMetaUpdate } from '../../kinds/validate-metadata.ts'
import type { Endpoint } from '../endpoint.ts'
import type { UpdatePlan } from '../registry.ts'

const conditionsOf = (request: Readonly<KubeObject>) => (request['status']?.conditions ?? []) as Condition[]

/** `approval` changes nothing but the conditions of a request for a certificate. k8s: registry/certificates csrApprovalStrategy */
export function approvalPlan(endpoint: Endpoint, clock: Clock): Partial<UpdatePlan> {
  return {
    prepare(draft, old) {
      const now = rfc3339(clock.nowMs())
      const conditions = conditionsOf(draft).map((condition) => {
        const known = conditionsOf(old).find((candidate) => candidate.type === condition.type && candidate.status === condition.status)
        return { ...condition, lastUpdateTime: condition.lastUpdateTime ?? now, lastTransitionTime: condition.lastTransitionTime ?? known?.lastTransitionTime ?? now }
      })
      draft['spec'] = old['spec']
      draft['status'] = { ...old['status'], ...(conditions.length > 0 ? { conditions } : {}) }
    },
    validate(draft, old) {
      const findings = [...conditionFindings(draft), ...removalFindings(draft, old), ...validateKindMetaUpdate(endpoint.kind, draft.metadata, old.metadata)]
      return findings.length > 0 ? apiError.invalid(endpoint.kind, draft.metadata.name ?? '', findings) : undefined
    },
  }
}

/** k8s: pkg/apis/certificates/validation validateConditions */
function conditionFindings(request: KubeObject): Finding[] {
  const findings: Finding[] = []
  const seen = new Set<string>()
  for (const [i, { type, status }] of conditionsOf(request).entries()) {
    if (!type) findings.push(required(`status.conditions[${i}].type`))
    if (!status) findings.push(required(`status.conditions[${i}].status`))
    if ((type === 'Approved' && seen.has('Denied')) || (type === 'Denied' && seen.has('Approved')))
      findings.push(invalid('status.conditions', type, 'Approved and Denied conditions are mutually exclusive'))
    seen.add(type)
  }
  return findings
}

function removalFindings(draft: KubeObject, old: KubeObject): Finding[] {
  const count = (request: KubeObject, type: string) => conditionsOf(request).filter((condition) => condition.type === type).length
  return ['Approved', 'Denied', 'Failed'].filter((type) => count(draft, type) < count(old, type))
    .map((type) => forbidden('status.conditions', `updates may not remove a condition of type ${JSON.stringify(type)}`))
}
