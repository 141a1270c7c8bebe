import type { Service } from '../../kinds/generated/types.ts'
import { apiError } from '../../kinds/status-error.ts'
import type { Reader } from '../seams.ts'

/** Where a Service is reached by its cluster address. @throws Error in upstream's words. k8s: apiserver/pkg/util/proxy ResolveCluster */
export function serviceAddress(reader: Reader, namespace: string, name: string, port: number): { host: string; port: number } {
  const service = reader.get<Service>('services', namespace, name)
  if (!service) throw apiError.notFound({ group: '', resource: 'services' }, name)
  const { type = 'ClusterIP', clusterIP, externalName, ports } = service.spec ?? {}
  if (type === 'ExternalName') return { host: externalName!, port }
  if (type === 'ClusterIP' && clusterIP === 'None') throw new Error('cannot route to service with ClusterIP "None"')
  if (!ports?.some((candidate) => candidate.port === port)) throw apiError.serviceUnavailable(`no service port ${port} found for service ${JSON.stringify(name)}`)
  return { host: clusterIP!, port }
}
