import { keyOf } from '../../client/informers.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '../../kinds/generated/types.ts'
import type { KubeObject } from '../../kinds/object.ts'
import type { Handle } from '../framework.ts'

/**
 * Volumes and claims as they will be once pods that have their node are bound: what is assumed counts until the API has something newer,
 * or until it is taken back. k8s: volumebinding AssumeCache
 */
class AssumedVolumes {
  readonly #volumes = new Map<string, PersistentVolume>()
  readonly #claims = new Map<string, PersistentVolumeClaim>()

  volume(stored: PersistentVolume): PersistentVolume {
    return newer(this.#volumes.get(stored.metadata.name!), stored)
  }

  claim(stored: PersistentVolumeClaim): PersistentVolumeClaim {
    return newer(this.#claims.get(keyOf(stored)), stored)
  }

  assume(volumes: readonly PersistentVolume[], claims: readonly PersistentVolumeClaim[]): void {
    for (const volume of volumes) this.#volumes.set(volume.metadata.name!, volume)
    for (const claim of claims) this.#claims.set(keyOf(claim), claim)
  }

  takeBack(volumes: readonly PersistentVolume[], claims: readonly PersistentVolumeClaim[]): void {
    for (const volume of volumes) if (this.#volumes.get(volume.metadata.name!) === volume) this.#volumes.delete(volume.metadata.name!)
    for (const claim of claims) if (this.#claims.get(keyOf(claim)) === claim) this.#claims.delete(keyOf(claim))
  }
}

/** An assumption was made of a revision, and ends with it. */
function newer<T extends KubeObject>(assumed: T | undefined, stored: T): T {
  return assumed && assumed.metadata.uid === stored.metadata.uid && assumed.metadata.resourceVersion === stored.metadata.resourceVersion ? assumed : stored
}

const ofCluster = new WeakMap<object, AssumedVolumes>()

/** What one scheduler assumes. */
export function assumedVolumesOf({ cluster }: Handle): AssumedVolumes {
  let assumed = ofCluster.get(cluster)
  if (!assumed) ofCluster.set(cluster, assumed = new AssumedVolumes())
  return assumed
}
