import { checkNotNegative, checkPositive } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import type { Finding } from '../findings.ts'
import type { Lease } from '../generated/types.ts'

/** k8s: ValidateLeaseSpec */
function validateLease({ spec }: Readonly<Lease>): Finding[] {
  const out: Finding[] = []
  checkPositive(out, spec?.leaseDurationSeconds, 'spec.leaseDurationSeconds')
  checkNotNegative(out, spec?.leaseTransitions, 'spec.leaseTransitions')
  return out
}

export const lease = defineKind<Lease>({
  group: 'coordination.k8s.io', version: 'v1', resource: 'leases',
  defaults({ spec }) {
    // A feature that is off by default: CoordinatedLeaderElection.
    if (!spec) return
    delete spec.strategy
    delete spec.preferredHolder
  },
  validate: validateLease,
  validateUpdate: validateLease,
  strategy: { allowCreateOnUpdate: true, allowUnconditionalUpdate: false },
  cells: { Holder: ({ spec }) => spec?.holderIdentity ?? '' },
})
