import { defineKind } from '../define-kind.ts'
import { validateObjectMeta } from '../validate-metadata.ts'
import type { ServiceAccount } from '../generated/types.ts'

export const serviceAccount = defineKind<ServiceAccount>({
  group: '', version: 'v1', resource: 'serviceaccounts',
  validateUpdate: (object) => validateObjectMeta({ namespaced: true }, object.metadata),
  strategy: {
    beforeCreate: onlySecretNames,
    beforeUpdate: onlySecretNames,
  },
})

/** k8s: pkg/registry/core/serviceaccount cleanSecretReferences */
function onlySecretNames(draft: ServiceAccount): void {
  if (draft.secrets) draft.secrets = draft.secrets.map(({ name }) => (name === undefined ? {} : { name }))
}
