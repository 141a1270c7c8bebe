import { rfc3339Micro } from '../../base/clock.ts'
import type { Clock, Timer } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import type { Api } from '../client/api.ts'
import type { ComponentPart } from '../control-plane.ts'
import type { Lease } from '../kinds/generated/types.ts'
import { isStatusError } from '../kinds/status-error.ts'

/** What the Lease of an API server takes. */
export interface IdentityLeaseOptions {
  /** With the API server's own rights. */
  api: Api
  clock: Clock
  random: Random
  log: Log
  /** The node of this API server, and where others find it there. */
  host: string
  ip: string
  port: number
  /** Whether etcd takes anything right now. */
  canWrite(): boolean
}

/** k8s: pkg/controlplane/apiserver/server.go IdentityLeaseDurationSeconds and others */
const DURATION_SECONDS = 3600
const RENEW_MS = 10_000
const COLLECT_MS = 3_600_000
/** How soon it is tried again, and how late at most. k8s: component-helpers/apimachinery/lease backoffEnsureLease, maxBackoff */
const RETRY_MS = 100
const MAX_RETRY_MS = 7_000
const COMPONENT = 'kube-apiserver'
const COMPONENT_LABEL = 'apiserver.kubernetes.io/identity'
/** How much later a renewal may come, as a share. k8s: component-helpers/apimachinery/lease jitterFactor */
const JITTER = 0.04
const LEASES = 'leases.coordination.k8s.io'
const NAMESPACE = 'kube-system'

/** What an API server is called, by its host's name. k8s: apiserver/pkg/server NewConfig */
export async function apiServerId(hostname: string): Promise<string> {
  const parts = [hostname, COMPONENT].flatMap((text) => {
    const bytes = [...new TextEncoder().encode(text)]
    return [bytes.length >> 8, bytes.length & 255, ...bytes]
  })
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', Uint8Array.from(parts)))
  return `apiserver-${base32(hash.subarray(0, 16))}`
}

/** RFC 4648 without padding, in small letters. */
function base32(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  return (bits.match(/.{1,5}/g) ?? []).map((five) => 'abcdefghijklmnopqrstuvwxyz234567'[parseInt(five.padEnd(5, '0'), 2)]).join('')
}

/**
 * Says by a Lease in kube-system that this API server is there, and takes away those of others that have long been gone.
 * k8s: pkg/controlplane/apiserver/server.go, pkg/controlplane/controller/apiserverleasegc
 */
export function identityLease({ api, clock, random, log, host, ip, port, canWrite }: IdentityLeaseOptions): ComponentPart {
  let name = ''
  const uuid = random.uuid()
  const fieldManager = COMPONENT
  let lease: Lease | undefined
  const timers = new Map<string, Timer>()
  let hasStopped = false
  let retryMs = RETRY_MS

  const again = (what: string, ms: number, work: () => void) => {
    if (!hasStopped) timers.set(what, clock.after(ms, work))
  }
  const renewed = (base: Lease): Lease => ({
    ...base, spec: { ...base.spec, holderIdentity: `${name}_${uuid}`, leaseDurationSeconds: DURATION_SECONDS, renewTime: rfc3339Micro(clock.nowMs()) },
    metadata: {
      ...base.metadata, labels: { ...base.metadata.labels, [COMPONENT_LABEL]: COMPONENT, 'kubernetes.io/hostname': host },
      annotations: { ...base.metadata.annotations, 'kubernetes.io/peer-advertise-address': `${ip.includes(':') ? `[${ip}]` : ip}:${port}` },
    },
  })
  const write = async (): Promise<Lease> => {
    if (lease) return api.update<Lease>(LEASES, renewed(lease), { fieldManager })
    try {
      return await api.create<Lease>(LEASES, renewed({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace: NAMESPACE }, spec: {} }), { fieldManager })
    } catch (error) {
      if (!isStatusError(error, 'AlreadyExists')) throw error
      return api.update<Lease>(LEASES, renewed(await api.get<Lease>(LEASES, name, NAMESPACE)), { fieldManager })
    }
  }
  const renew = async (): Promise<void> => {
    try {
      name ||= await clock.outside(apiServerId(host))
      if (canWrite()) lease = await write()
    } catch (error) {
      lease = undefined
      // The namespace is made by the API server soon after it starts.
      if (!hasStopped && !isStatusError(error, 'NotFound', 'Conflict')) log.warn('failed to renew the identity lease', { error: String(error) })
    }
    retryMs = lease ? RETRY_MS : Math.min(2 * retryMs, MAX_RETRY_MS)
    again('renew', lease ? RENEW_MS * (1 + random.float() * JITTER) : retryMs, () => void renew())
  }
  const collect = async (): Promise<void> => {
    try {
      if (canWrite()) for (const { metadata, spec } of (await api.list<Lease>(LEASES, { namespace: NAMESPACE, labelSelector: `${COMPONENT_LABEL}=${COMPONENT}` })).items) {
        const isCurrent = spec?.renewTime !== undefined && spec.leaseDurationSeconds !== undefined && Date.parse(spec.renewTime) + spec.leaseDurationSeconds * 1000 >= clock.nowMs()
        if (!isCurrent) await api.delete(LEASES, metadata.name!, NAMESPACE)
      }
    } catch (error) {
      if (!hasStopped) log.warn('failed to collect identity leases', { error: String(error) })
    }
    again('collect', COLLECT_MS, () => void collect())
  }
  return {
    start() {
      void renew()
      again('collect', COLLECT_MS, () => void collect())
    },
    stop() {
      hasStopped = true
      for (const timer of timers.values()) timer.cancel()
    },
  }
}
