import { silentLog } from '../../../base/log.ts'
import type { Proc } from '../../../unix/types.ts'
import { createEventRecorder } from '../../client/event-recorder.ts'
import type { EventRecorder, EventRecorderOptions } from '../../client/event-recorder.ts'
import { apiCall } from './api-call.ts'
import type { ClusterClient } from './cluster-client.ts'

/** Events that a program in a pod records with its service account, correlated as client-go does it. */
export function inClusterEvents(proc: Proc, client: ClusterClient, component: string): EventRecorder {
  const folder = (namespace = 'default') => `/api/v1/namespaces/${namespace}/events`
  const api: EventRecorderOptions['api'] = {
    create: <T>(_resource: string, event: T) => apiCall<T>(client, 'POST', folder((event as { metadata?: { namespace?: string } }).metadata?.namespace), event),
    patch: (_resource, name, namespace, _type, patch) => apiCall(client, 'PATCH', `${folder(namespace)}/${name}`, patch),
  }
  return createEventRecorder({ api, clock: proc.clock, log: silentLog, component })
}
