import { deepEqual } from '../../base/freeze.ts'
import type { Controller } from '../client/controller-runner.ts'
import type { ConfigMap, Namespace } from '../kinds/generated/types.ts'
import { isStatusError } from '../kinds/status-error.ts'
import { isNamespaceTerminating } from './pod-control.ts'

const NAME = 'kube-root-ca.crt'
const DESCRIPTION = 'kubernetes.io/description'
const DESCRIPTION_TEXT = 'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. ' +
  'No other usage is guaranteed across distributions of Kubernetes clusters.'

/** Puts the cluster's CA certificate into every namespace. k8s: pkg/controller/certificates/rootcacertpublisher */
export function rootCaPublisher(caCertificatePem: string): Controller {
  const data = { 'ca.crt': caCertificatePem }
  return {
    name: 'root-ca-cert-publisher', for: 'namespaces', reads: ['configmaps'],
    watches: [{ resource: 'configmaps', keys: ({ type, object }) => type !== 'add' && object.metadata.name === NAME ? [object.metadata.namespace!] : [] }],
    async reconcile(key, { api, cache }) {
      const namespace = cache.get<Namespace>('namespaces', key)
      if (!namespace || namespace.status?.phase !== 'Active') return
      const current = cache.get<ConfigMap>('configmaps', `${key}/${NAME}`)
      try {
        if (!current) await api.create('configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: NAME, namespace: key, annotations: { [DESCRIPTION]: DESCRIPTION_TEXT } }, data })
        else if (!deepEqual(current.data, data) || !current.metadata.annotations?.[DESCRIPTION])
          await api.update('configmaps', { ...current, metadata: { ...current.metadata, annotations: { ...current.metadata.annotations, [DESCRIPTION]: DESCRIPTION_TEXT } }, data })
      } catch (error) {
        if (!isStatusError(error, 'AlreadyExists') && !isNamespaceTerminating(error)) throw error
      }
    },
  }
}
