import { deepEqual } from '../../../base/freeze.ts'
import type { Controller } from '../../client/controller-runner.ts'
import { controllerOf, controllerReference } from '../../client/owner-references.ts'
import type { EndpointAddress, Endpoints, EndpointSlice, EndpointSubset, Service } from '../../kinds/generated/types.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { compact } from '../compact.ts'
import { isNamespaceTerminating } from '../pod-control.ts'
import { MANAGED_BY, planSlices, SERVICE_NAME, sliceServiceKeys, type DesiredGroup, type Endpoint } from './endpoint-slice.ts'
import { TRIGGER_TIME } from './service-pods.ts'

const CONTROLLER = 'endpointslicemirroring-controller.k8s.io'
const SKIP = 'endpointslice.kubernetes.io/skip-mirror'
const MAX_ENDPOINTS_PER_SUBSET = 1000

/** Slices for Endpoints that people write by hand for Services without selector. k8s: pkg/controller/endpointslicemirroring */
export const endpointSliceMirroringController: Controller = {
  name: 'endpoint-slice-mirroring-controller', for: 'endpoints',
  indexes: [{ resource: 'endpointslices.discovery.k8s.io', name: 'service', values: sliceServiceKeys }],
  watches: [
    { resource: 'services', keys: ({ object }) => [`${object.metadata.namespace}/${object.metadata.name}`] },
    { resource: 'endpointslices.discovery.k8s.io', keys: ({ object }) => object.metadata.labels?.[MANAGED_BY] === CONTROLLER ? sliceServiceKeys(object) : [] },
  ],
  async reconcile(key, { api, cache }) {
    const slices = cache.byIndex<EndpointSlice>('endpointslices.discovery.k8s.io', 'service', key).filter((slice) => slice.metadata.labels?.[MANAGED_BY] === CONTROLLER)
    const endpoints = cache.get<Endpoints>('endpoints', key)
    const service = cache.get<Service>('services', key)
    const mirrored = endpoints && service && !service.spec!.selector && endpoints.metadata.labels?.[SKIP] !== 'true' &&
      endpoints.metadata.annotations?.['control-plane.alpha.kubernetes.io/leader'] === undefined && controllerOf(endpoints) === undefined
    try {
      if (!mirrored) {
        for (const slice of slices) await api.delete('endpointslices.discovery.k8s.io', slice.metadata.name!, slice.metadata.namespace)
        return
      }
      const labels = { ...endpoints.metadata.labels, [SERVICE_NAME]: endpoints.metadata.name!, [MANAGED_BY]: CONTROLLER }
      const annotations = Object.fromEntries(Object.entries(endpoints.metadata.annotations ?? {}).filter(([name]) => name !== 'kubectl.kubernetes.io/last-applied-configuration' && name !== TRIGGER_TIME))
      for (const addressType of ['IPv4', 'IPv6'] as const) {
        const desired = (endpoints.subsets ?? []).map((subset) => groupOf(subset, addressType)).filter((group) => group.endpoints.length > 0)
        const own = slices.filter((slice) => slice.addressType === addressType)
        const plan = planSlices(own, desired, () => labels)
        for (const { ports, endpoints: list } of plan.create) await api.create<EndpointSlice>('endpointslices.discovery.k8s.io', {
          apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice',
          metadata: { generateName: `${endpoints.metadata.name}-`, namespace: endpoints.metadata.namespace!, labels, annotations, ownerReferences: [controllerReference(endpoints)] },
          addressType, endpoints: list, ports,
        })
        for (const { slice, endpoints: list } of plan.update)
          await api.update<EndpointSlice>('endpointslices.discovery.k8s.io', { ...slice, metadata: { ...slice.metadata, labels, annotations }, endpoints: list })
        for (const slice of own) if (!plan.remove.includes(slice) && !plan.update.some((update) => update.slice === slice) && !deepEqual(slice.metadata.annotations ?? {}, annotations))
          await api.update<EndpointSlice>('endpointslices.discovery.k8s.io', { ...slice, metadata: { ...slice.metadata, annotations } })
        for (const slice of plan.remove) await api.delete('endpointslices.discovery.k8s.io', slice.metadata.name!, slice.metadata.namespace)
      }
    } catch (error) {
      if (!isNamespaceTerminating(error) && !isStatusError(error, 'NotFound')) throw error
    }
  },
}

function groupOf({ addresses = [], notReadyAddresses = [], ports = [] }: EndpointSubset, addressType: string): DesiredGroup {
  const endpoint = ({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint =>
    compact({ addresses: [ip], conditions: { ready }, hostname: hostname || undefined, nodeName, targetRef })
  const all = [...addresses.map((address) => endpoint(address, true)), ...notReadyAddresses.map((address) => endpoint(address, false))]
  return {
    ports: ports.map(({ name, port, protocol, appProtocol }) => compact({ name: name ?? '', port, protocol: protocol ?? 'TCP', appProtocol })),
    endpoints: all.filter(({ addresses: [ip] }) => ip!.includes(':') === (addressType === 'IPv6')).slice(0, MAX_ENDPOINTS_PER_SUBSET),
  }
}
