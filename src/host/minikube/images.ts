import type { CobraRun } from '../../cli/cobra/cobra.ts'
import { DockerError } from '../../cluster/docker/docker-error.ts'
import { referenceOf } from '../../cluster/docker/image-table.ts'
import type { ProviderOptions } from '../fleet/provider-options.ts'
import { MinikubeExit, usageExit } from './output.ts'
import { profileOf, running } from './profiles.ts'

/** `minikube image load`: an image of the machine's Docker, for all nodes. */
export async function imageLoad({ args, flags, proc }: CobraRun, { fleet, docker }: ProviderOptions): Promise<number> {
  if (args.length === 0) throw usageExit('Please provide an image in your local daemon to load into minikube via <minikube image load IMAGE_NAME>')
  const { cluster } = running(fleet, profileOf(proc, flags.str('profile')))
  const { engine } = await docker()
  for (const name of args) {
    let image
    try { image = engine.images.find(name) } catch (error) { if (!(error instanceof DockerError)) throw error }
    if (!image) throw new MinikubeExit('GUEST_IMAGE_LOAD', `Failed to load image: image "${name}" is not in the machine's Docker`, 80)
    const { repository, tag } = referenceOf(engine.images.nameMeant(name) ?? name)
    await cluster.loadImage({ repository, tag: tag || 'latest' }, image, cluster.topology.nodes.map((node) => node.name))
  }
  return 0
}

/** `minikube image ls`. */
export async function imageList({ flags, proc, out }: CobraRun, { fleet }: ProviderOptions): Promise<number> {
  const { cluster } = running(fleet, profileOf(proc, flags.str('profile')))
  const names = new Set(cluster.topology.nodes.flatMap((node) => cluster.computers.get(node.name)?.images() ?? []).flatMap((image) => image.names.filter((name) => !name.includes('@'))))
  await out([...names].sort().reverse().map((name) => `${name}\n`).join(''))
  return 0
}
