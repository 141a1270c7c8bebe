import type { Namespace } from '../../kinds/generated/types.ts'
import { apiError } from '../../kinds/status-error.ts'
import type { AdmissionPlugin } from '../seams.ts'
import { forbidden } from './forbidden.ts'

const IMMORTAL = ['default', 'kube-system', 'kube-public']
const REVIEWS = ['authentication.k8s.io', 'authorization.k8s.io']

/** Objects only come to live in namespaces that exist and aren't being deleted. k8s: apiserver/pkg/admission/plugin/namespace/lifecycle */
export const namespaceLifecycle: AdmissionPlugin = {
  name: 'NamespaceLifecycle',
  mutate(attributes, { reader }) {
    const { operation, kind, name, namespace } = attributes
    const isNamespace = kind.resource === 'namespaces' && kind.group === ''
    if (isNamespace) {
      if (operation === 'DELETE' && IMMORTAL.includes(name)) throw apiError.forbidden({ group: '', resource: 'namespaces' }, name, 'this namespace may not be deleted')
      return
    }
    if (namespace === '' || (operation !== 'CREATE' && operation !== 'UPDATE') || REVIEWS.includes(kind.group)) return
    const found = reader.get<Namespace>('namespaces', undefined, namespace)
    if (!found) throw apiError.notFound({ group: '', resource: 'namespaces' }, namespace)
    if (operation !== 'CREATE' || found.status?.phase !== 'Terminating') return
    const error = forbidden(attributes, `unable to create new content in namespace ${namespace} because it is being terminated`)
    error.status.details = {
      ...error.status.details, causes: [{ reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' }],
    }
    throw error
  },
}
