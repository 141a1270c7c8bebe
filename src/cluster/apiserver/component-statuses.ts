import { deepFreeze } from '../../base/freeze.ts'
import type { KubeObject } from '../kinds/object.ts'
import { apiError } from '../kinds/status-error.ts'

/** The parts of the control plane, all of which live and die with this process. k8s: registry/core/componentstatus */
const STATUSES: readonly KubeObject[] = deepFreeze(['controller-manager', 'etcd-0', 'scheduler'].map((name) => ({
  kind: 'ComponentStatus', apiVersion: 'v1', metadata: { name, creationTimestamp: null }, conditions: [{ type: 'Healthy', status: 'True', message: 'ok' }],
})))

export function componentStatuses(): readonly KubeObject[] {
  return STATUSES
}

/** @throws StatusError 404. */
export function componentStatus(name: string): KubeObject {
  const status = STATUSES.find((candidate) => candidate.metadata.name === name)
  // Upstream names the singular here.
  if (!status) throw apiError.notFound({ group: '', resource: 'componentstatus' }, name)
  return status
}
