import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import type { Machine, MountableFileSystem, NetStack } from '../../unix/types.ts'
import type { BridgeNetwork } from '../network/types.ts'
import type { ImageRegistry } from '../runtime/image-registry.ts'
import type { BuildCache } from './build-cache.ts'
import type { DockerEngine } from './docker-engine.ts'
import type { PushedImages } from './pushed-images.ts'

/** What of Docker is on a machine. */
export interface DockerHost {
  engine: DockerEngine
  cache: BuildCache
}

/** Whether a disk has containers from before this process. */
export function holdsContainers(disk: MountableFileSystem): boolean {
  return disk.exists('/var/lib/docker/containers')
}

/** Whether a registries' disk has images from before this process. */
export function holdsPushedImages(disk: MountableFileSystem): boolean {
  return disk.exists('/var/lib/registry/manifests.json')
}

/** What was pushed to registries. Its code is loaded when it is first needed. */
export async function openPushedImages(options: { disk: MountableFileSystem; registry: ImageRegistry; clock: Clock }): Promise<PushedImages> {
  const { PushedImages } = await options.clock.outside(import('./pushed-images.ts'))
  const pushed = new PushedImages(options)
  await pushed.recall()
  return pushed
}

/** The engine of a machine. Its code is loaded when it is first needed. */
export async function openDockerHost(options: { disk: MountableFileSystem; machine: Machine; net: NetStack; network: BridgeNetwork; registry: ImageRegistry; pushed: () => Promise<PushedImages>; clock: Clock; random: Random }): Promise<DockerHost> {
  const [{ DockerEngine }, { BuildCache }, pushed] = await options.clock.outside(Promise.all([import('./docker-engine.ts'), import('./build-cache.ts'), options.pushed()]))
  const engine = await DockerEngine.open({ ...options, machine: () => options.machine, pushed })
  return { engine, cache: new BuildCache(options.disk) }
}
