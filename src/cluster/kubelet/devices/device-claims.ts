import type { Clock, Timer } from '../../../base/clock.ts'
import type { Log } from '../../../base/log.ts'
import type { MountableFileSystem } from '../../../unix/types.ts'
import type { Api } from '../../client/api.ts'
import { claimNameOf, isReservedFor, RESOURCE_CLAIMS, whyNotForPod } from '../../client/resource-claims.ts'
import type { Pod, PodStatus, ResourceHealth, ResourceResourceClaim } from '../../kinds/generated/types.ts'
import type { AnyContainer } from '../pod-spec.ts'
import type { DeviceHealth, DeviceName } from './device-health.ts'
import type { ClaimReference, DraPlugins, PreparedDevice } from './dra-plugins.ts'

// @k8s part: dynamic resource allocation: list attributes, device metadata files and PodGroups' claims

/** What is prepared, and for whom: drivers aren't asked again after the kubelet was started anew. k8s: draManagerStateFileName */
const STATE_FILE = '/var/lib/kubelet/dra_manager_state'
/** k8s: defaultReconcilePeriod */
const RECONCILE_MS = 60_000

interface ClaimInfo extends ClaimReference {
  podUids: string[]
  isPrepared: boolean
  /** By driver. */
  devices: Record<string, PreparedDevice[]>
}

export interface DeviceClaimsOptions {
  api: Api
  clock: Clock
  log: Log
  files: MountableFileSystem
  plugins: DraPlugins
  health: DeviceHealth
  /** Whether the pod is one that this kubelet runs. */
  isActive(uid: string): boolean
}

/** Whether the pod has anything to do with devices. */
export const usesDevices = ({ spec, status }: Pod): boolean => spec.resourceClaims !== undefined || status?.extendedResourceClaimStatus !== undefined

/** Gets pods' devices ready and gives them back. k8s: pkg/kubelet/cm/dra Manager */
export class DeviceClaims {
  readonly #options: DeviceClaimsOptions
  #claims: Map<string, ClaimInfo> | undefined
  #timer: Timer | undefined
  #isRunning = false

  constructor(options: DeviceClaimsOptions) {
    this.#options = options
  }

  /** Before a pod's sandbox is made. @throws Error that says what is missing. k8s: PrepareResources */
  async prepare(pod: Pod): Promise<void> {
    try {
      await this.#prepare(pod)
    } catch (error) {
      throw new Error(`prepare dynamic resources: ${(error as Error).message}`)
    }
  }

  async #prepare(pod: Pod): Promise<void> {
    const { api, plugins } = this.#options
    const { namespace, name: podName, uid } = pod.metadata
    const found: { claim: ResourceResourceClaim; drivers: string[] }[] = []
    for (const { name, isGenerated } of claimsOf(pod)) {
      let claim: ResourceResourceClaim
      try {
        claim = await api.get<ResourceResourceClaim>(RESOURCE_CLAIMS, name, namespace)
      } catch (error) {
        throw new Error(`fetch ResourceClaim ${name}: ${(error as Error).message}`)
      }
      const problem = isGenerated ? whyNotForPod(pod, claim) : undefined
      if (problem) throw new Error(problem)
      if (!isReservedFor(pod, claim)) throw new Error(`pod ${podName} (${uid}) is not allowed to use ResourceClaim ${name} (${claim.metadata.uid})`)
      if (!claim.status.allocation) throw new Error(`ResourceClaim ${name}: not allocated`)
      const drivers = [...new Set((claim.status.allocation.devices?.results ?? []).map(({ driver }) => driver))]
      for (const driver of drivers) plugins.demand(driver)
      found.push({ claim, drivers })
    }
    const batches = new Map<string, ClaimReference[]>()
    const fresh: ClaimInfo[] = []
    for (const { claim: { metadata }, drivers } of found) {
      const key = `${metadata.namespace}/${metadata.name}`
      let info = this.#known.get(key)
      if (info && info.uid !== metadata.uid) throw new Error(`old ResourceClaim with same name ${metadata.name} and different UID ${info.uid} still exists (previous pod force-deleted?!)`)
      if (!info) this.#known.set(key, info = { namespace: metadata.namespace!, name: metadata.name!, uid: metadata.uid!, podUids: [], isPrepared: false, devices: Object.fromEntries(drivers.map((driver) => [driver, []])) })
      if (!info.podUids.includes(uid!)) info.podUids.push(uid!)
      if (info.isPrepared) continue
      fresh.push(info)
      for (const driver of drivers) batches.set(driver, [...batches.get(driver) ?? [], referenceTo(info)])
    }
    this.#save()
    for (const [driver, claims] of batches) {
      const results = await plugins.prepare(driver, claims).catch((error: unknown) => { throw new Error(`NodePrepareResources: ${(error as Error).message}`) })
      for (const [claimUid, { error, devices = [] }] of Object.entries(results)) {
        const info = fresh.find((each) => each.uid === claimUid)
        if (!info) throw new Error(`NodePrepareResources returned result for unknown claim UID ${claimUid}`)
        if (error) throw new Error(`NodePrepareResources failed for ResourceClaim ${info.name}: ${error}`)
        info.devices[driver] = devices
      }
      const skipped = claims.length - Object.keys(results).length
      if (skipped !== 0) throw new Error(`NodePrepareResources skipped ${skipped} ResourceClaims`)
    }
    for (const info of fresh) info.isPrepared = true
    this.#save()
  }

  /** Full names of the devices that a container is to see. @throws Error. k8s: GetResources */
  cdiDevices(pod: Pod, container: AnyContainer): string[] {
    if (!usesDevices(pod)) return []
    const out: string[] = []
    for (const { claim, request } of requestsOf(pod, container)) {
      const info = this.#known.get(`${pod.metadata.namespace}/${claim}`)
      if (!info) throw new Error(`internal error: unable to get claim info for ResourceClaim ${claim} in namespace ${pod.metadata.namespace}`)
      for (const device of devicesOf(info, request)) out.push(...device.cdiDeviceIds)
    }
    return out
  }

  /** Tells in the containers' statuses which devices they have. k8s: UpdateAllocatedResourcesStatus */
  addTo(pod: Pod, status: PodStatus): void {
    if (!pod.spec.resourceClaims) return
    for (const own of status.containerStatuses ?? []) {
      const container = pod.spec.containers.find(({ name }) => name === own.name)
      const resources = (container?.resources?.claims ?? []).flatMap(({ name, request }) => {
        const entry = pod.spec.resourceClaims!.find((each) => each.name === name)
        const info = entry && this.#known.get(`${pod.metadata.namespace}/${nameOf(pod, entry)}`)
        const health = new Map<string, ResourceHealth>()
        for (const [driver, devices] of Object.entries(info?.devices ?? {})) {
          for (const device of devices) {
            if (!isFor(device, request?.split('/')[0])) continue
            const resourceID = device.cdiDeviceIds[0] ?? `${driver}/${device.poolName}/${device.deviceName}`
            if (!health.has(resourceID)) health.set(resourceID, { resourceID, ...this.#options.health.of(driver, device) })
          }
        }
        return health.size > 0 ? [{ name: `claim:${name}${request ? `/${request}` : ''}`, resources: [...health.values()] }] : []
      })
      if (resources.length > 0) own.allocatedResourcesStatus = resources
    }
  }

  /** Uids of the pods that have one of these devices of a driver. */
  podsWith(driver: string, devices: readonly DeviceName[]): Set<string> {
    const has = (info: ClaimInfo) => (info.devices[driver] ?? []).some((own) => devices.some(({ poolName, deviceName }) => own.poolName === poolName && own.deviceName === deviceName))
    return new Set([...this.#known.values()].filter(has).flatMap(({ podUids }) => podUids))
  }

  /** After a pod's containers have ended. @throws Error. k8s: UnprepareResources */
  async unprepare(pod: Pod): Promise<void> {
    try {
      await this.#unprepare(pod.metadata.uid!, claimsOf(pod).map(({ name }) => `${pod.metadata.namespace}/${name}`))
    } catch (error) {
      throw new Error(`unprepare dynamic resources: ${(error as Error).message}`)
    }
  }

  async #unprepare(podUid: string, keys: readonly string[]): Promise<void> {
    const { plugins } = this.#options
    const batches = new Map<string, ClaimReference[]>()
    const last: string[] = []
    for (const key of keys) {
      const info = this.#known.get(key)
      if (!info?.podUids.includes(podUid)) continue
      if (info.podUids.length > 1) {
        info.podUids = info.podUids.filter((uid) => uid !== podUid)
        continue
      }
      last.push(key)
      for (const driver of Object.keys(info.devices)) batches.set(driver, [...batches.get(driver) ?? [], referenceTo(info)])
    }
    for (const [driver, claims] of batches) {
      plugins.demand(driver)
      const results = await plugins.unprepare(driver, claims).catch((error: unknown) => { throw new Error(`NodeUnprepareResources: ${(error as Error).message}`) })
      for (const [uid, { error }] of Object.entries(results)) {
        const claim = claims.find((each) => each.uid === uid)
        if (!claim) throw new Error(`NodeUnprepareResources returned result for unknown claim UID ${uid}`)
        if (error) throw new Error(`NodeUnprepareResources failed for ResourceClaim ${claim.name}: ${error}`)
      }
      const skipped = claims.length - Object.keys(results).length
      if (skipped !== 0) throw new Error(`NodeUnprepareResources skipped ${skipped} ResourceClaims`)
    }
    for (const key of last) this.#known.delete(key)
    this.#save()
  }

  /** Begins to look after claims whose pods went while nobody looked. */
  start(): void {
    this.#isRunning = true
    if (this.#options.files.exists(STATE_FILE)) this.#arm()
  }

  stop(): void {
    this.#isRunning = false
    this.#timer?.cancel()
    this.#timer = undefined
  }

  // k8s: reconcileLoop
  #arm(): void {
    if (!this.#isRunning) return
    this.#timer ??= this.#options.clock.after(RECONCILE_MS, () => {
      this.#timer = undefined
      const { isActive, log } = this.#options
      const gone = new Map<string, string[]>()
      for (const [key, { podUids }] of this.#known) for (const uid of podUids) if (!isActive(uid)) gone.set(uid, [...gone.get(uid) ?? [], key])
      for (const [uid, keys] of gone) this.#unprepare(uid, keys).catch((error: unknown) => log.info('Unpreparing pod resources in reconcile loop failed, will retry', { podUID: uid, error: String(error) }))
      if (this.#known.size > 0) this.#arm()
    })
  }

  get #known(): Map<string, ClaimInfo> {
    if (this.#claims) return this.#claims
    const { files, log } = this.#options
    this.#claims = new Map()
    try {
      if (files.exists(STATE_FILE)) for (const info of JSON.parse(files.readText(STATE_FILE)) as ClaimInfo[]) this.#claims.set(`${info.namespace}/${info.name}`, info)
    } catch (error) {
      log.warn('could not read the state of dynamic resources', { error: String(error) })
    }
    return this.#claims
  }

  #save(): void {
    this.#options.files.writeFile(STATE_FILE, JSON.stringify([...this.#known.values()]), { mode: 0o600 })
    if (this.#known.size > 0) this.#arm()
  }
}

const referenceTo = ({ namespace, uid, name }: ClaimInfo): ClaimReference => ({ namespace, uid, name })

const nameOf = (pod: Pod, entry: NonNullable<Pod['spec']['resourceClaims']>[number]): string | undefined => {
  try {
    return claimNameOf(pod, entry).name
  } catch {
    return undefined
  }
}

/** The pod's claims, that for its extended resources the last. @throws Error for one that isn't made yet */
function claimsOf(pod: Pod): { name: string; isGenerated: boolean }[] {
  const named = (pod.spec.resourceClaims ?? []).flatMap((entry) => {
    const { name, isGenerated } = claimNameOf(pod, entry)
    return name === undefined ? [] : [{ name, isGenerated }]
  })
  const extended = pod.status?.extendedResourceClaimStatus?.resourceClaimName
  return extended === undefined ? named : [...named, { name: extended, isGenerated: false }]
}

/** Claims and requests of a container; without a request all of a claim. */
function requestsOf(pod: Pod, { name, resources }: AnyContainer): { claim: string; request: string | undefined }[] {
  const out: { claim: string; request: string | undefined }[] = []
  for (const entry of pod.spec.resourceClaims ?? []) {
    const claim = claimNameOf(pod, entry).name
    if (claim !== undefined) for (const own of resources?.claims ?? []) if (own.name === entry.name) out.push({ claim, request: own.request })
  }
  const extended = pod.status?.extendedResourceClaimStatus
  for (const { containerName, requestName, resourceName } of extended?.requestMappings ?? [])
    if (containerName === name && resources?.requests?.[resourceName] !== undefined) out.push({ claim: extended!.resourceClaimName, request: requestName })
  return out
}

const devicesOf = ({ devices }: ClaimInfo, request: string | undefined): PreparedDevice[] =>
  Object.values(devices).flat().filter((device) => isFor(device, request))

const isFor = ({ requestNames }: PreparedDevice, request: string | undefined): boolean => !request || requestNames.length === 0 || requestNames.includes(request)
