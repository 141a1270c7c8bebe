import { deepEqual } from '../../../base/freeze.ts'
import { defineKind } from '../define-kind.ts'
import type { CSIDriver } from '../generated/types.ts'
import { bumpGeneration } from '../strategies.ts'
import { validateCsiDriver, validateCsiDriverUpdate } from './validate-storage.ts'

const UNSET_WARNING = 'spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes'

export const csiDriver = defineKind<CSIDriver>({
  group: 'storage.k8s.io', version: 'v1', resource: 'csidrivers',
  validate: validateCsiDriver,
  validateUpdate: validateCsiDriverUpdate,
  defaults({ spec }) {
    spec.attachRequired ??= true
    spec.podInfoOnMount ??= false
    spec.storageCapacity ??= false
    spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType'
    if (!spec.volumeLifecycleModes?.length) spec.volumeLifecycleModes = ['Persistent']
    spec.requiresRepublish ??= false
    spec.seLinuxMount ??= false
  },
  strategy: {
    allowUnconditionalUpdate: false,
    warningsOnCreate: unsetWarnings,
    warningsOnUpdate: (object, old) => deepEqual(object.spec.tokenRequests ?? [], old.spec.tokenRequests ?? []) ? [] : unsetWarnings(object),
    beforeCreate: dropGatedFields,
    beforeUpdate(draft, old) {
      dropGatedFields(draft)
      bumpGeneration(draft, old)
    },
  },
  cells: {
    AttachRequired: ({ spec }) => spec.attachRequired ?? true,
    PodInfoOnMount: ({ spec }) => spec.podInfoOnMount ?? false,
    StorageCapacity: ({ spec }) => spec.storageCapacity ?? false,
    TokenRequests: ({ spec }) => (spec.tokenRequests ? spec.tokenRequests.map((request) => request.audience).join(',') : '<unset>'),
    RequiresRepublish: ({ spec }) => spec.requiresRepublish ?? false,
    Modes: ({ spec }) => (spec.volumeLifecycleModes ?? []).join(',') || '<none>',
  },
})

function unsetWarnings({ spec }: Readonly<CSIDriver>): string[] {
  return spec.tokenRequests?.length && spec.serviceAccountTokenInSecrets === undefined ? [UNSET_WARNING] : []
}

/** Takes away the fields of features that are off by default; field managers keep them. k8s: registry/storage/csidriver/strategy.go */
function dropGatedFields({ spec }: CSIDriver): void {
  delete spec.preventPodSchedulingIfMissing
}
