import type { Clock } from '../../base/clock.ts'
import type { EventRecorder } from '../client/event-recorder.ts'
import type { Pod, Volume } from '../kinds/generated/types.ts'
import { volumePlugins } from '../storage/volume-plugins.ts'
import { UncertainMountError, VolumeAttachLimitExceededError, VolumeProcessingError } from '../storage/volume.ts'
import type { MountedVolume, VolumeContext } from '../storage/volume.ts'
import { podReference } from './pod-spec.ts'

/** Retries of a failed mount: doubling from half a second to about two minutes. k8s: pkg/util/goroutinemap/exponentialbackoff */
const FIRST_RETRY_MS = 500
const MAX_RETRY_MS = 122_000
/** k8s: pkg/kubelet/volumemanager podAttachAndMountTimeout */
const TIMEOUT_MS = 123_000
/** How often a claim that can't be mounted yet is looked at again. k8s: pkg/kubelet/volumemanager desiredStateOfWorldPopulatorLoopSleepPeriod */
const CLAIM_RETRY_MS = 100
/** Only a claim that still isn't ready after this is told, as the first look happens before claims were looked at. k8s: pkg/kubelet/volumemanager podAttachAndMountRetryInterval */
const CLAIM_PATIENCE_MS = 300
const CLAIM_PROBLEM = 'error processing PVC'

interface Mounting {
  volume: Volume
  mounted: MountedVolume | undefined
  retryMs: number
  nextTryMs: number
  /** Being set up, which outlasts a wait for it. */
  pending: Promise<MountedVolume> | undefined
  /** Takes down what an attempt may have left behind. */
  uncertain: (() => Promise<void>) | undefined
  /** Aborts when the pod is gone. */
  gone: AbortController
}

export interface VolumeManagerOptions {
  clock: Clock
  events: EventRecorder
  context(pod: Pod): VolumeContext
  /** A pod has no volumes any more, nor is one on its way. */
  onUnmounted(uid: string): void
}

/** Sets up the volumes of pods and keeps their contents current. k8s: pkg/kubelet/volumemanager */
export class VolumeManager {
  readonly #options: VolumeManagerOptions
  readonly #pods = new Map<string, Map<string, Mounting>>()
  readonly #stopped = new AbortController()

  constructor(options: VolumeManagerOptions) {
    this.#options = options
  }

  /** Aborts when the machine ends. */
  get stopped(): AbortSignal {
    return this.#stopped.signal
  }

  /** Volumes of a pod that are set up, by name. */
  mounted(uid: string): ReadonlyMap<string, MountedVolume> {
    const out = new Map<string, MountedVolume>()
    for (const [name, { mounted }] of this.#pods.get(uid) ?? []) if (mounted) out.set(name, mounted)
    return out
  }

  /** Whether another pod has a PersistentVolume. k8s: pkg/kubelet/volumemanager/cache IsVolumeMountedElsewhere */
  isMountedElsewhere(volume: string, podUid: string): boolean {
    for (const [uid, volumes] of this.#pods) if (uid !== podUid) for (const { mounted } of volumes.values()) if (mounted?.persistentVolume === volume) return true
    return false
  }

  /**
   * Resolves once every volume is there and current; failures become events and are retried.
   * @throws VolumeAttachLimitExceededError when the node can't have a volume that didn't come in time
   * @throws Error when a claim isn't ready to be mounted, when the volumes aren't there within about two minutes, or `signal` aborts.
   */
  async waitForMounts(pod: Pod, signal: AbortSignal): Promise<void> {
    const uid = pod.metadata.uid!
    const context = this.#options.context(pod)
    const { clock } = context
    let volumes = this.#pods.get(uid)
    if (!volumes) this.#pods.set(uid, volumes = new Map())
    const used = new Set([...pod.spec.containers, ...pod.spec.initContainers ?? [], ...pod.spec.ephemeralContainers ?? []].flatMap((c) => [...c.volumeMounts ?? [], ...c.volumeDevices ?? []].map((m) => m.name)))
    for (const volume of pod.spec.volumes ?? [])
      if (used.has(volume.name) && !volumes.has(volume.name)) volumes.set(volume.name, { volume, mounted: undefined, retryMs: FIRST_RETRY_MS, nextTryMs: 0, pending: undefined, uncertain: undefined, gone: new AbortController() })
    const startMs = clock.nowMs()
    for (;;) {
      const missing: Mounting[] = []
      const claims: { name: string; problem: string }[] = []
      for (const mounting of volumes.values()) {
        if (mounting.nextTryMs > clock.nowMs()) { missing.push(mounting); continue }
        try {
          if (!mounting.mounted) {
            const plugin = volumePlugins.find((p) => p.supports(mounting.volume))
            if (!plugin) throw new Error(`no volume plugin matched`)
            const setUp = mounting.pending ??= plugin.setUp(mounting.volume, pod, context, mounting.gone.signal)
            // It may fail when nobody waits for it any more.
            setUp.catch(() => {})
            const mounted = mayTakeLong(mounting.volume) ? await within(setUp, startMs + TIMEOUT_MS, clock, signal) : await setUp
            if (mounted) {
              mounting.mounted = mounted
              mounting.uncertain = undefined
              mounting.pending = undefined
            } else {
              missing.push(mounting)
              continue
            }
          } else await mounting.mounted.update?.(pod)
          mounting.retryMs = FIRST_RETRY_MS
          mounting.nextTryMs = 0
        } catch (error) {
          if (signal.aborted) throw signal.reason
          mounting.pending = undefined
          // What fails for another reason doesn't say that an earlier attempt left nothing.
          if (error instanceof UncertainMountError) mounting.uncertain = error.tearDown
          const text = (error as Error).message
          if (!mounting.mounted && (error instanceof VolumeProcessingError || text.startsWith(CLAIM_PROBLEM))) {
            claims.push({ name: mounting.volume.name, problem: text })
            mounting.nextTryMs = 0
            missing.push(mounting)
            continue
          }
          this.#report(pod, mounting.volume, text)
          mounting.nextTryMs = clock.nowMs() + mounting.retryMs
          mounting.retryMs = Math.min(mounting.retryMs * 2, MAX_RETRY_MS)
          // A volume that was there before stays usable with what it has.
          if (!mounting.mounted) missing.push(mounting)
        }
        if (signal.aborted) throw signal.reason
      }
      if (missing.length === 0) return
      if (claims.length > 0) {
        const nowMs = clock.nowMs()
        if (nowMs < startMs + CLAIM_PATIENCE_MS) {
          await clock.sleep(CLAIM_RETRY_MS, signal)
          continue
        }
        // k8s: pkg/kubelet/volumemanager WaitForAttachAndMount, verifyVolumesMountedFunc
        const problems = [...new Set(claims.map((claim) => claim.problem))].sort()
        throw new Error(`unmounted volumes=[${missing.map((m) => m.volume.name).sort().join(' ')}], unattached volumes=[], failed to process volumes=[${claims.map((claim) => claim.name).sort().join(' ')}]: ${problems.join('; ')}`)
      }
      const leftMs = startMs + TIMEOUT_MS - clock.nowMs()
      if (leftMs <= 0) {
        const names = missing.map((m) => m.volume.name)
        const exhausted = await exhaustedVolumes(missing.map((m) => m.volume), pod, context)
        if (exhausted.length > 0) throw new VolumeAttachLimitExceededError(`Node has reached its volume attachment limit, rejecting pod. unmounted volumes=[${names.join(' ')}], unattached volumes=[${exhausted.join(' ')}], failed to process volumes=[]: context deadline exceeded`)
        const failed = missing.filter((m) => m.volume.persistentVolumeClaim).map((m) => m.volume.name)
        throw new Error(`unmounted volumes=[${names.join(' ')}], unattached volumes=[], failed to process volumes=[${failed.join(' ')}]: context deadline exceeded`)
      }
      const nextMs = Math.min(...missing.map((m) => m.nextTryMs)) - clock.nowMs()
      await clock.sleep(Math.max(1, Math.min(nextMs, leftMs)), signal)
    }
  }

  /** When a pod's volumes need to be looked at for a token that runs out. */
  refreshMs(uid: string): number | undefined {
    let at: number | undefined
    for (const { mounted } of this.#pods.get(uid)?.values() ?? []) if (mounted?.refreshMs !== undefined) at = Math.min(at ?? Infinity, mounted.refreshMs)
    return at
  }

  /** Takes a pod's volumes down; what takes time is tried until it works. */
  unmount(uid: string): void | Promise<void> {
    const waiting: Promise<void>[] = []
    for (const mounting of this.#pods.get(uid)?.values() ?? []) {
      mounting.gone.abort(new Error('the pod is gone'))
      // What is on its way is waited for, and taken down like what has arrived.
      const arrived = mounting.mounted ?? mounting.pending?.catch((error: unknown) => ({ tearDown: error instanceof UncertainMountError ? error.tearDown : mounting.uncertain })) ?? { tearDown: mounting.uncertain }
      const tearDown = async () => (await arrived).tearDown?.()
      const work = arrived instanceof Promise ? tearDown() : arrived.tearDown?.()
      if (work) waiting.push(work.catch(() => this.#untilTornDown(tearDown)))
    }
    this.#pods.delete(uid)
    if (waiting.length > 0) return Promise.all(waiting).then(() => this.#options.onUnmounted(uid))
    this.#options.onUnmounted(uid)
  }

  /** The machine ends: nothing is set up or taken down any more. What was mounted is there when it starts again. */
  stop(): void {
    this.#stopped.abort(new Error('the kubelet stops'))
    for (const volumes of this.#pods.values()) for (const { gone } of volumes.values()) gone.abort(this.#stopped.signal.reason)
  }

  /** @throws Error when the kubelet stops */
  async #untilTornDown(tearDown: () => Promise<unknown>): Promise<void> {
    const { clock } = this.#options
    for (let waitMs = FIRST_RETRY_MS; ; waitMs = Math.min(waitMs * 2, MAX_RETRY_MS)) {
      await clock.sleep(waitMs, this.#stopped.signal)
      try {
        await tearDown()
        return
      } catch { /* the driver isn't there (yet) */ }
    }
  }

  #report(pod: Pod, volume: Volume, text: string): void {
    const about = podReference(pod)
    // k8s: pkg/volume/util/operationexecutor GenerateMapVolumeFunc
    if (text.startsWith('MapVolume.')) this.#options.events.event(about, 'Warning', 'FailedMapVolume', text)
    else if (text.startsWith('MountVolume.') || text.startsWith(CLAIM_PROBLEM)) this.#options.events.event(about, 'Warning', 'FailedMount', text)
    else this.#options.events.event(about, 'Warning', 'FailedMount', `MountVolume.SetUp failed for volume ${JSON.stringify(volume.name)} : ${text}`)
  }
}

/** Names of volumes of which the node can have no more. */
async function exhaustedVolumes(volumes: readonly Volume[], pod: Pod, context: VolumeContext): Promise<string[]> {
  const out: string[] = []
  for (const volume of volumes) if (await volumePlugins.find((plugin) => plugin.supports(volume))?.isExhausted?.(volume, pod, context).catch(() => false)) out.push(volume.name)
  return out.sort()
}

/** Whether setting a volume up waits for others: a server, a driver, a controller. */
function mayTakeLong({ nfs, csi, persistentVolumeClaim, ephemeral }: Volume): boolean {
  return nfs !== undefined || csi !== undefined || persistentVolumeClaim !== undefined || ephemeral !== undefined
}

/** What comes in time; undefined when the time is over first. */
async function within<T>(work: Promise<T>, untilMs: number, clock: Clock, signal: AbortSignal): Promise<T | undefined> {
  if (signal.aborted) throw signal.reason
  const over = new AbortController()
  const stop = () => over.abort(signal.reason)
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await Promise.race([work, clock.sleep(Math.max(1, untilMs - clock.nowMs()), over.signal).then(() => undefined)])
  } finally {
    signal.removeEventListener('abort', stop)
    over.abort(new Error('no longer needed'))
  }
}
