import { checkNotNegative, checkPositive } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import { forbidden, type Finding } from '../findings.ts'
import type { Lease } from '../generated/types.ts'

/** k8s: ValidateLeaseSpec */
function validateLease({ spec }: Readonly<Lease>): Finding[] {
  const out: Finding[] = []
  checkPositive(out, spec?.leaseDurationSeconds, 'spec.leaseDurationSeconds')
  checkNotNegative(out, spec?.leaseTransitions, 'spec.leaseTransitions')
  if (spec?.preferredHolder && !spec.strategy) out.push(forbidden('spec.preferredHolder', 'may only be specified if `strategy` is defined'))
  return out
}

export const lease = defineKind<Lease>({
  group: 'coordination.k8s.io', version: 'v1', resource: 'leases',
  validate: validateLease,
  validateUpdate: validateLease,
  strategy: { allowCreateOnUpdate: true, allowUnconditionalUpdate: false },
  cells: { Holder: ({ spec }) => spec?.holderIdentity ?? '' },
})
