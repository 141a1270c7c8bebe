import type { Clock } from '../../base/clock.ts'
import type { ObjectReference } from '../client/owner-references.ts'
import type { EventRecorder } from '../client/event-recorder.ts'
import type { Pod } from '../kinds/generated/types.ts'
import { RuntimeError } from '../runtime/cri.ts'
import type { ImageService } from '../runtime/cri.ts'
import { parseImageReference } from '../runtime/image-reference.ts'
import { BackOff } from './back-off.ts'
import type { PullSecrets } from './pull-secrets.ts'
import type { StartFailure } from './container-statuses.ts'

/** A failure with the reason and message of a waiting state. `retryAtMs`: when a back-off ends. */
export class StartError extends Error implements StartFailure {
  readonly reason: string
  readonly retryAtMs: number | undefined
  constructor(reason: string, message: string, retryAtMs?: number) {
    super(message)
    this.reason = reason
    this.retryAtMs = retryAtMs
  }
}

/** Go's rendering of a duration of whole milliseconds: `1.2s`, `340ms`. */
function goMilliseconds(ms: number): string {
  const whole = Math.floor(ms)
  if (whole === 0) return '0s'
  if (whole < 1000) return `${whole}ms`
  const minutes = Math.floor(whole / 60_000)
  const seconds = (whole % 60_000) / 1000
  return `${minutes > 0 ? `${minutes}m` : ''}${String(seconds)}s`
}

/** Gets images for containers, by their pull policies. k8s: pkg/kubelet/images image_manager.go */
export class ImageManager {
  readonly #images: ImageService
  readonly #clock: Clock
  readonly #events: EventRecorder
  readonly #secrets: PullSecrets
  readonly #backOff = new BackOff(10_000, 300_000)
  readonly #lastFailure = new Map<string, string>()

  constructor(images: ImageService, clock: Clock, events: EventRecorder, secrets: PullSecrets) {
    this.#secrets = secrets
    this.#images = images
    this.#clock = clock
    this.#events = events
  }

  /** The image's id once it is on the node. @throws StartError */
  async ensure(pod: Pod, about: ObjectReference, image: string, pullPolicy: string | undefined): Promise<string> {
    let requested: string
    let domain: string
    try {
      ({ requested, domain } = parseImageReference(image))
    } catch (error) {
      const message = `Failed to apply default image tag ${JSON.stringify(image)}: ${(error as Error).message}`
      this.#events.event(about, 'Warning', 'InspectFailed', message)
      throw new StartError('InvalidImageName', message)
    }
    const credentials = await this.#secrets.credentialsFor(pod, domain)
    if (pullPolicy !== 'Always') {
      const present = this.#images.imageStatus(requested)
      // k8s: KubeletEnsureSecretPulledImages: what was pulled with a Secret is for those who have it
      if (present && (pullPolicy === 'Never' || this.#images.mayUse(requested, credentials))) {
        this.#events.event(about, 'Normal', 'Pulled', `Container image ${JSON.stringify(image)} already present on machine and can be accessed by the pod`)
        return present.names[0]!
      }
      if (pullPolicy === 'Never') {
        const message = `Container image ${JSON.stringify(image)} is not present with pull policy of Never`
        this.#events.event(about, 'Warning', 'ErrImageNeverPull', message)
        throw new StartError('ErrImageNeverPull', message)
      }
    }
    const key = `${pod.metadata.uid}_${image}`
    if (this.#backOff.isRunningSinceUpdate(key, this.#clock.nowMs())) {
      const message = `Back-off pulling image ${JSON.stringify(image)}`
      this.#events.event(about, 'Normal', 'BackOff', message)
      const last = this.#lastFailure.get(key)
      throw new StartError('ImagePullBackOff', last === undefined ? message : `${message}: ${last}`)
    }
    this.#lastFailure.delete(key)
    this.#events.event(about, 'Normal', 'Pulling', `Pulling image ${JSON.stringify(image)}`)
    const startMs = this.#clock.nowMs()
    try {
      const { imageRef, sizeBytes } = await this.#images.pullImage(requested, credentials)
      const took = goMilliseconds(this.#clock.nowMs() - startMs)
      this.#events.event(about, 'Normal', 'Pulled', `Successfully pulled image ${JSON.stringify(image)} in ${took} (${took} including waiting). Image size: ${sizeBytes} bytes.`)
      return imageRef
    } catch (error) {
      const text = `rpc error: code = ${error instanceof RuntimeError ? error.code : 'Unknown'} desc = ${(error as Error).message}`
      this.#events.event(about, 'Warning', 'Failed', `Failed to pull image ${JSON.stringify(image)}: ${text}`)
      const nowMs = this.#clock.nowMs()
      this.#backOff.next(key, nowMs, nowMs)
      this.#lastFailure.set(key, `ErrImagePull: ${text}`)
      throw new StartError('ErrImagePull', text)
    }
  }

  forget(uid: string): void {
    this.#backOff.forget(`${uid}_`)
    for (const key of this.#lastFailure.keys()) if (key.startsWith(`${uid}_`)) this.#lastFailure.delete(key)
  }
}
