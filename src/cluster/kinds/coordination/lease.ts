import { defineKind } from '../define-kind.ts'
import type { Lease } from '../generated/types.ts'

export const lease = defineKind<Lease>({
  group: 'coordination.k8s.io', version: 'v1', resource: 'leases',
  strategy: { allowCreateOnUpdate: true, allowUnconditionalUpdate: false },
  cells: { Holder: ({ spec }) => spec?.holderIdentity ?? '' },
})
