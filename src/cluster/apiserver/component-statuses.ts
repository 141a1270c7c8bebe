import { deepFreeze } from '../../base/freeze.ts'
import type { KubeObject } from '../kinds/object.ts'
import { apiError } from '../kinds/status-error.ts'
import type { ControlPlaneHealth } from './seams.ts'

const COMPONENTS = ['controller-manager', 'etcd-0', 'scheduler']

/** The components of the control plane, as they answer right now. k8s: registry/core/componentstatus */
export function componentStatuses(health?: ControlPlaneHealth): readonly KubeObject[] {
  return COMPONENTS.map((name) => {
    const problem = health?.problem(name)
    const condition = name === 'etcd-0' && health?.etcdOutage() ? { type: 'Healthy', status: 'False', error: 'context deadline exceeded' }
      : problem === undefined ? { type: 'Healthy', status: 'True', message: 'ok' } : { type: 'Healthy', status: 'False', message: problem }
    return deepFreeze({ kind: 'ComponentStatus', apiVersion: 'v1', metadata: { name, creationTimestamp: null as unknown as string }, conditions: [condition] })
  })
}

/** @throws StatusError 404. */
export function componentStatus(name: string, health?: ControlPlaneHealth): KubeObject {
  const status = componentStatuses(health).find((candidate) => candidate.metadata.name === name)
  // Upstream names the singular here.
  if (!status) throw apiError.notFound({ group: '', resource: 'componentstatus' }, name)
  return status
}
