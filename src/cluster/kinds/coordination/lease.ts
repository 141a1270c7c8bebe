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

/** A feature that is off by default: CoordinatedLeaderElection. Field managers keep its fields. k8s: registry/coordination/lease dropDisabledFields */
function dropGatedFields({ spec }: Lease): void {
  delete spec?.strategy
  delete spec?.preferredHolder
}

export const lease = defineKind<Lease>({
  group: 'coordination.k8s.io', version: 'v1', resource: 'leases',
  validate: validateLease,
  validateUpdate: validateLease,
  strategy: { beforeCreate: dropGatedFields, beforeUpdate: dropGatedFields, allowCreateOnUpdate: true, allowUnconditionalUpdate: false },
  cells: { Holder: ({ spec }) => spec?.holderIdentity ?? '' },
})
