import { deepEqual } from '../../../base/freeze.ts'
import type { Controller, ControllerContext } from '../../client/controller-runner.ts'
import { controllerReference } from '../../client/owner-references.ts'
import type { EndpointAddress, Endpoints, EndpointSlice, Service } from '../../kinds/generated/types.ts'
import { compact } from '../compact.ts'
import { isNamespaceTerminating } from '../pod-control.ts'
import { endpointKey, MANAGED_BY, portsKey, SERVICE_NAME, sliceServiceKeys, type Endpoint, type EndpointPort } from './endpoint-slice.ts'
import { TRIGGER_TIME } from './service-pods.ts'
import { packSubsets, subsetEntries } from './subsets.ts'

const SLICES = 'endpointslices.discovery.k8s.io'
const CONTROLLER = 'endpointslicemirroring-controller.k8s.io'
const SKIP = 'endpointslice.kubernetes.io/skip-mirror'
const LEADER = 'control-plane.alpha.kubernetes.io/leader'
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'
/** k8s: --mirroring-max-endpoints-per-subset */
const MAX_ENDPOINTS_PER_SUBSET = 1000

/** Slices for Endpoints that people write by hand for Services without selector. k8s: pkg/controller/endpointslicemirroring */
export const endpointSliceMirroringController: Controller = {
  name: 'endpoint-slice-mirroring-controller', for: 'endpoints', retry: { firstMs: 1000, maxMs: 100_000, times: 15 },
  indexes: [{ resource: SLICES, name: 'service', values: sliceServiceKeys }],
  watches: [
    { resource: 'services', keys: ({ object }) => [`${object.metadata.namespace}/${object.metadata.name}`] },
    { resource: SLICES, keys: ({ object }) => object.metadata.labels?.[MANAGED_BY] === CONTROLLER ? sliceServiceKeys(object) : [] },
  ],
  async reconcile(key, context) {
    const { api, cache } = context
    const slices = cache.byIndex<EndpointSlice>(SLICES, 'service', key).filter((slice) => slice.metadata.labels?.[MANAGED_BY] === CONTROLLER)
    const endpoints = cache.get<Endpoints>('endpoints', key)
    const service = cache.get<Service>('services', key)
    if (endpoints && service && !service.spec!.selector && endpoints.metadata.labels?.[SKIP] !== 'true' && endpoints.metadata.annotations?.[LEADER] === undefined)
      return mirror(endpoints, slices, context)
    for (const slice of slices) await api.delete(SLICES, slice.metadata.name!, slice.metadata.namespace)
  },
}

/** Endpoints of one family behind the same ports. */
interface Group {
  addressType: 'IPv4' | 'IPv6'
  ports: EndpointPort[]
  endpoints: Map<string, Endpoint>
}

const keyOfGroup = (addressType: string, ports: readonly EndpointPort[] | undefined) => `${addressType}-${portsKey(ports)}`

/** One slice for each group; one that is no longer wanted becomes one that is. k8s: reconciler.reconcile */
async function mirror(endpoints: Endpoints, existing: readonly EndpointSlice[], { api, events }: ControllerContext): Promise<void> {
  const { groups, skipped } = desiredGroups(endpoints)
  if (skipped > 0) events.event(endpoints, 'Warning', 'TooManyAddressesToMirror', `A max of ${MAX_ENDPOINTS_PER_SUBSET} addresses can be mirrored to EndpointSlices per Endpoints subset. ${skipped} addresses were skipped`)
  const byGroup = new Map<string, EndpointSlice[]>()
  for (const slice of existing) {
    const key = keyOfGroup(slice.addressType, slice.ports)
    byGroup.set(key, [...byGroup.get(key) ?? [], slice])
  }
  const create: EndpointSlice[] = []
  const update: EndpointSlice[] = []
  const remove: EndpointSlice[] = []
  for (const [key, group] of groups) {
    const [current, ...surplus] = byGroup.get(key) ?? []
    if (group.endpoints.size === 0) {
      remove.push(...current ? [current, ...surplus] : [])
      continue
    }
    remove.push(...surplus)
    if (!current) create.push(sliceOf(endpoints, group))
    else if (!isMirrored(current, endpoints, group)) update.push(sliceOf(endpoints, group, current.metadata.name))
  }
  for (const [key, slices] of byGroup) if (!groups.has(key)) remove.push(...slices)

  for (const slice of [...create]) {
    const old = remove.find(({ addressType }) => addressType === slice.addressType)
    if (!old) continue
    create.splice(create.indexOf(slice), 1)
    remove.splice(remove.indexOf(old), 1)
    update.push(sliceOf(endpoints, groups.get(keyOfGroup(slice.addressType, slice.ports))!, old.metadata.name))
  }
  if (endpoints.metadata.deletionTimestamp === undefined)
    for (const slice of create) {
      try {
        await api.create<EndpointSlice>(SLICES, slice)
      } catch (error) {
        if (isNamespaceTerminating(error)) return
        throw error
      }
    }
  for (const slice of update) await api.update<EndpointSlice>(SLICES, slice)
  for (const slice of remove) await api.delete(SLICES, slice.metadata.name!, slice.metadata.namespace)
}

function desiredGroups(endpoints: Endpoints): { groups: Map<string, Group>; skipped: number } {
  const groups = new Map<string, Group>()
  let skipped = 0
  for (const { addresses = [], notReadyAddresses = [], ports: given = [] } of packSubsets(subsetEntries(endpoints.subsets ?? []))) {
    const ports = given.map(({ name, port, protocol, appProtocol }) => compact({ name: name ?? '', port, protocol: protocol ?? 'TCP', appProtocol }))
    for (const addressType of ['IPv4', 'IPv6'] as const) {
      const key = keyOfGroup(addressType, ports)
      if (!groups.has(key)) groups.set(key, { addressType, ports, endpoints: new Map() })
    }
    const all = [...addresses.map((address) => endpointOf(address, true)), ...notReadyAddresses.map((address) => endpointOf(address, false))]
    for (const endpoint of all.slice(0, MAX_ENDPOINTS_PER_SUBSET))
      groups.get(keyOfGroup(endpoint.addresses[0]!.includes(':') ? 'IPv6' : 'IPv4', ports))!.endpoints.set(endpointKey(endpoint), endpoint)
    skipped += Math.max(0, all.length - MAX_ENDPOINTS_PER_SUBSET)
  }
  return { groups, skipped }
}

function endpointOf({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint {
  return compact({ addresses: [ip], conditions: { ready }, hostname: hostname || undefined, nodeName, targetRef })
}

function mirroredAnnotations({ metadata: { annotations = {} } }: Endpoints): Record<string, string> {
  const { [LAST_APPLIED]: _, [TRIGGER_TIME]: _t, ...others } = annotations
  return others
}

/** Whether the slice already says what the Endpoints say. k8s: reconcileByPortMapping, needRebuildExistingSlices */
function isMirrored(slice: EndpointSlice, endpoints: Endpoints, { endpoints: wanted }: Group): boolean {
  const { [MANAGED_BY]: _, [SERVICE_NAME]: _s, ...labels } = slice.metadata.labels ?? {}
  return slice.endpoints?.length === wanted.size && slice.endpoints.every((endpoint) => deepEqual(wanted.get(endpointKey(endpoint)), endpoint)) &&
    deepEqual(labels, endpoints.metadata.labels ?? {}) && deepEqual(slice.metadata.annotations ?? {}, mirroredAnnotations(endpoints)) &&
    !slice.metadata.ownerReferences?.some(({ kind, name, uid }) => kind === 'Endpoints' && name === endpoints.metadata.name && uid !== endpoints.metadata.uid)
}

/** k8s: newEndpointSlice */
function sliceOf(endpoints: Endpoints, group: Group, name?: string): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice',
    metadata: {
      ...(name === undefined ? { generateName: `${endpoints.metadata.name}-` } : { name }), namespace: endpoints.metadata.namespace!,
      labels: { ...endpoints.metadata.labels, [SERVICE_NAME]: endpoints.metadata.name!, [MANAGED_BY]: CONTROLLER },
      annotations: mirroredAnnotations(endpoints), ownerReferences: [controllerReference(endpoints)],
    },
    addressType: group.addressType, endpoints: [...group.endpoints.values()].slice(0, MAX_ENDPOINTS_PER_SUBSET), ports: group.ports,
  }
}
