import type { Controller } from '../client/controller-runner.ts'
import type { Namespace } from '../kinds/generated/types.ts'
import { isStatusError } from '../kinds/status-error.ts'
import { isNamespaceTerminating } from './pod-control.ts'

/** Every namespace has a service account `default`. k8s: pkg/controller/serviceaccount */
export const serviceAccountController: Controller = {
  name: 'service-account-controller', for: 'namespaces', reads: ['serviceaccounts'],
  watches: [{ resource: 'serviceaccounts', keys: ({ type, object }) => type === 'delete' && object.metadata.name === 'default' ? [object.metadata.namespace!] : [] }],
  async reconcile(key, { api, cache }) {
    const namespace = cache.get<Namespace>('namespaces', key)
    if (!namespace || namespace.status?.phase !== 'Active' || cache.get('serviceaccounts', `${key}/default`)) return
    try {
      await api.create('serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: key } })
    } catch (error) {
      if (!isStatusError(error, 'AlreadyExists') && !isNamespaceTerminating(error)) throw error
    }
  },
}
