import { defineKind } from '../define-kind.ts'
import type { ResourceResourceClaim } from '../generated/types.ts'
import { keep, keepMetadata, zeroOfType } from '../strategies.ts'
import type { Kind } from '../kind.ts'
import { validateKindMetaUpdate, validateObjectMeta } from '../validate-metadata.ts'
import { defaultClaimSpec } from './device-defaults.ts'
import { validateClaimStatusUpdate } from './validate-claim-status.ts'
import { validateClaim, validateClaimUpdate } from './validate-devices.ts'

export const resourceClaim: Kind<ResourceResourceClaim> = defineKind<ResourceResourceClaim>({
  group: 'resource.k8s.io', version: 'v1', resource: 'resourceclaims',
  defaults: ({ spec }) => defaultClaimSpec(spec),
  validate: validateClaim,
  updatesWithoutMeta: true,
  validateUpdate: (claim, old) => [...validateObjectMeta(resourceClaim, claim.metadata), ...validateKindMetaUpdate(resourceClaim, claim.metadata, old.metadata), ...validateClaimUpdate(claim, old)],
  validateStatusUpdate: validateClaimStatusUpdate,
  strategy: {
    beforeCreate(draft) {
      draft.status = zeroOfType('io.k8s.api.resource.v1.ResourceClaimStatus')
    },
    beforeUpdate: (draft, old) => keep(draft, old, 'status'),
    beforeStatusUpdate(draft, old) {
      keep(draft, old, 'spec')
      keepMetadata(draft, old)
      dropDeallocatedDevices(draft, old)
    },
  },
  cells: {
    State({ metadata, status }) {
      const states = metadata.deletionTimestamp ? ['deleted'] : []
      if (!status?.allocation) {
        if (!metadata.deletionTimestamp) states.push('pending')
      } else {
        states.push('allocated')
        if (status.reservedFor?.length) states.push('reserved')
      }
      return states.join(',')
    },
  },
})

/** What is told of devices goes with their allocation. k8s: dropDeallocatedStatusDevices */
function dropDeallocatedDevices({ status }: ResourceResourceClaim, old: Readonly<ResourceResourceClaim>): void {
  if (!status?.devices) return
  const key = ({ driver, pool, device, shareID = '' }: { driver: string; pool: string; device: string; shareID?: string }) => [driver, pool, device, shareID].join(' ')
  const gone = new Set((old.status?.allocation?.devices?.results ?? []).map(key))
  for (const result of status.allocation?.devices?.results ?? []) gone.delete(key(result))
  const left = status.devices.filter((device) => !gone.has(key(device)))
  if (left.length > 0) status.devices = left
  else delete status.devices
}
