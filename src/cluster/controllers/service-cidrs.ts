import { rfc3339 } from '../../base/clock.ts'
import { findCondition } from '../client/conditions.ts'
import type { Controller, ControllerContext, ReconcileResult } from '../client/controller-runner.ts'
import type { IPAddress, ServiceCIDR } from '../kinds/generated/types.ts'
import { cidrContains, parseCidr, parseIp, type Cidr, type Ip } from '../kinds/ip.ts'

const RESOURCE = 'servicecidrs.networking.k8s.io'
const ADDRESSES = 'ipaddresses.networking.k8s.io'
const FINALIZER = 'networking.k8s.io/service-cidr-finalizer'
const NAME = 'service-cidr-controller'
/** Until nobody gives out addresses of a range that is deleted. k8s: deletionGracePeriod */
const DELETION_GRACE_MS = 10_000

const rangesOf = ({ spec }: ServiceCIDR): Cidr[] => (spec?.cidrs ?? []).flatMap((range) => parseCidr(range) ?? [])
const holds = (outer: Cidr, inner: Cidr) => outer.ip.family === inner.ip.family && outer.prefix <= inner.prefix && cidrContains(outer, inner.ip)
const overlap = (a: Cidr, b: Cidr) => holds(a, b) || holds(b, a)

/** Whether the range gives the address to Services: not its first, and of IPv4 not its last. k8s: servicecidr.PrefixContainsIP */
function gives(range: Cidr, ip: Ip): boolean {
  if (range.ip.family !== ip.family || !cidrContains(range, ip)) return false
  const hostBits = (fill: 0 | 1) => ip.bytes.every((byte, i) => {
    const mask = 0xff >> Math.min(8, Math.max(0, range.prefix - i * 8))
    return (byte & mask) === (fill ? mask : 0)
  })
  return !hostBits(0) && !(ip.family === 4 && hostBits(1))
}

/** Says of ranges for Services that they are ready, and keeps those whose addresses are in use. k8s: pkg/controller/servicecidrs */
export const serviceCidrController: Controller = {
  name: NAME, for: RESOURCE,
  watches: [
    { resource: RESOURCE, keys: ({ object }, { cache }) => cache.list<ServiceCIDR>(RESOURCE).filter((other) => rangesOf(other).some((a) => rangesOf(object).some((b) => overlap(a, b)))).map(({ metadata }) => metadata.name!) },
    {
      resource: ADDRESSES,
      keys({ type, object }, { cache }) {
        const ip = type === 'delete' ? parseIp(object.metadata.name) : undefined
        return ip ? cache.list<ServiceCIDR>(RESOURCE).filter((other) => rangesOf(other).some((range) => gives(range, ip))).map(({ metadata }) => metadata.name!) : []
      },
    },
  ],
  async reconcile(key, context): Promise<ReconcileResult | void> {
    const { api, cache, clock } = context
    const cidr = cache.get<ServiceCIDR>(RESOURCE, key)
    if (!cidr) return
    const { name, finalizers = [], deletionTimestamp } = cidr.metadata
    const patch = (change: object) => api.patch(RESOURCE, name!, undefined, 'application/strategic-merge-patch+json', { metadata: change })
    if (deletionTimestamp === undefined) {
      if (!finalizers.includes(FINALIZER)) await patch({ finalizers: [FINALIZER] })
      await setReady(cidr, { status: 'True', reason: '', message: 'Kubernetes Service CIDR is ready' }, context)
      return
    }
    if (!mayGo(cidr, context)) {
      await setReady(cidr, { status: 'False', reason: 'Terminating', message: 'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR' }, context)
      return
    }
    const leftMs = Date.parse(deletionTimestamp) + DELETION_GRACE_MS - clock.nowMs()
    if (leftMs > 0) return { requeueAfterMs: leftMs }
    if (finalizers.includes(FINALIZER)) await patch({ '$deleteFromPrimitiveList/finalizers': [FINALIZER] })
  },
}

/** No address would be left without a range. k8s: canDeleteCIDR */
function mayGo(cidr: ServiceCIDR, { cache }: ControllerContext): boolean {
  const all = cache.list<ServiceCIDR>(RESOURCE)
  const others = all.filter(({ metadata }) => metadata.name !== cidr.metadata.name).flatMap(rangesOf)
  const own = rangesOf(cidr)
  if (own.every((range) => others.some((other) => holds(other, range)))) return true
  return !cache.list<IPAddress>(ADDRESSES).some(({ metadata }) => {
    const ip = metadata.labels?.['ipaddress.kubernetes.io/managed-by'] === 'ipallocator.k8s.io' ? parseIp(metadata.name!) : undefined
    return ip !== undefined && own.some((range) => gives(range, ip)) && !others.some((range) => gives(range, ip))
  })
}

// k8s: updateConditionIfNeeded
async function setReady(cidr: ServiceCIDR, ready: { status: string; reason: string; message: string }, { api, clock }: ControllerContext): Promise<void> {
  const known = findCondition(cidr.status?.conditions, 'Ready')
  if (known?.status === ready.status && (known.reason ?? '') === ready.reason && known.message === ready.message) return
  const { name } = cidr.metadata
  await api.patch(RESOURCE, name!, undefined, 'application/apply-patch+yaml', {
    apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: { name }, status: { conditions: [{ type: 'Ready', ...ready, lastTransitionTime: rfc3339(clock.nowMs()) }] },
  }, { subresource: 'status', fieldManager: NAME, force: true })
}
