import { defineKind } from '../define-kind.ts'
import type { ServiceAccount } from '../generated/types.ts'

export const serviceAccount = defineKind<ServiceAccount>({
  group: '', version: 'v1', resource: 'serviceaccounts',
  strategy: {
    beforeCreate: onlySecretNames,
    beforeUpdate: onlySecretNames,
  },
})

/** k8s: pkg/registry/core/serviceaccount cleanSecretReferences */
function onlySecretNames(draft: ServiceAccount): void {
  if (draft.secrets) draft.secrets = draft.secrets.map(({ name }) => (name === undefined ? {} : { name }))
}
