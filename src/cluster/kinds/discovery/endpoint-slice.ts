import { deepEqual } from '../../../base/freeze.ts'
import { listWithMore } from '../cells.ts'
import { defineKind } from '../define-kind.ts'
import type { EndpointSlice } from '../generated/types.ts'
import { bumpGeneration, firstGeneration } from '../strategies.ts'
import { addressWarnings, newSliceWarnings, validateEndpointSlice, validateEndpointSliceUpdate } from './validate-endpoint-slice.ts'

/** What only older versions had; it counts as a change all the same. k8s: dropTopologyOnV1 */
function dropTopology({ endpoints }: EndpointSlice): void {
  // A slice without endpoints has null there.
  for (const endpoint of endpoints ?? []) delete endpoint.deprecatedTopology
}

export const endpointSlice = defineKind<EndpointSlice>({
  group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices',
  defaults(draft) {
    for (const port of draft.ports ?? []) {
      port.name ??= ''
      port.protocol ??= 'TCP'
    }
  },
  validate: (slice) => validateEndpointSlice(slice),
  validateUpdate: validateEndpointSliceUpdate,
  updatesWithoutMeta: true,
  strategy: {
    warningsOnCreate: newSliceWarnings,
    warningsOnUpdate: addressWarnings,
    allowCreateOnUpdate: false,
    beforeCreate(draft) {
      firstGeneration(draft)
      dropTopology(draft)
    },
    beforeUpdate(draft, old) {
      const changed = !deepEqual(draft.endpoints, old.endpoints) || !deepEqual(draft.ports, old.ports) || draft.addressType !== old.addressType || !deepEqual(draft.metadata.labels, old.metadata.labels)
      bumpGeneration(draft, old, changed)
      dropTopology(draft)
    },
  },
  cells: {
    AddressType: (object) => object.addressType,
    Ports: (object) => listWithMore((object.ports ?? []).map((port) => (port.port !== undefined ? String(port.port) : (port.name ?? '*')))),
    Endpoints: (object) => listWithMore((object.endpoints ?? []).flatMap((endpoint) => endpoint.addresses ?? [])),
  },
})
