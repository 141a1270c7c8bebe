import { CobraError } from '../../cli/cobra/cobra.ts'
import type { CobraRun } from '../../cli/cobra/cobra.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { DockerError } from '../../cluster/docker/docker-error.ts'
import type { DockerImage } from '../../cluster/docker/docker-image.ts'
import { loadImages } from '../../cluster/docker/image-archive.ts'
import { familiarName, referenceOf } from '../../cluster/docker/image-table.ts'
import { errorText } from '../../unix/errno.ts'
import { UnixError } from '../../unix/types.ts'
import { TarFormatError } from '../../unix/utilities/tar-format.ts'
import { openInput } from '../../unix/utilities/utility.ts'
import type { ProviderOptions } from '../fleet/provider-options.ts'
import { clusterName, nodesOf, runningCluster } from './clusters.ts'

/** How long an image takes from the machine to a node, in milliseconds. */
const COPY_MS = 700

/** The nodes that `--nodes` chooses, or all. @throws CobraError */
function chosenNodes({ flags }: CobraRun, { fleet }: ProviderOptions, name: string, quote: (node: string) => string): { cluster: Cluster; nodes: string[] } {
  const all = nodesOf(fleet, name).map((node) => node.name)
  if (all.length === 0) throw new CobraError(`no nodes found for cluster ${JSON.stringify(name)}`)
  const chosen = flags.list('nodes')
  for (const node of chosen) if (!all.includes(node)) throw new CobraError(`unknown node: ${quote(node)}`)
  return { cluster: runningCluster(fleet.get('kind', name)!), nodes: chosen.length > 0 ? chosen : all }
}

/** Gives nodes an image under a name. */
async function give(cluster: Cluster, name: string, image: DockerImage, nodes: readonly string[]): Promise<void> {
  await cluster.clock.sleep(COPY_MS)
  const { repository, tag } = referenceOf(name)
  await cluster.loadImage({ repository, tag: tag || 'latest' }, image, nodes)
}

/** `kind load docker-image`. @throws CobraError */
export async function loadDockerImages(run: CobraRun, options: ProviderOptions): Promise<number> {
  const { args, flags, proc } = run
  const { engine } = await options.docker()
  const names = [...new Set(args)]
  const found = names.map((name) => {
    let image: DockerImage | undefined
    try { image = engine.images.find(name) } catch (error) { if (!(error instanceof DockerError)) throw error }
    if (!image) throw new CobraError(`image: ${JSON.stringify(name)} not present locally`)
    return { name: engine.images.nameMeant(name) ?? name, given: name, image }
  })
  const { cluster, nodes } = chosenNodes(run, options, clusterName(run), (node) => JSON.stringify(node))
  for (const { name, given, image } of found) {
    const { fullName } = referenceOf(name)
    const missing = nodes.filter((node) => !cluster.computers.get(node)!.images().some(({ id, names: held }) => id === image.id && held.includes(fullName)))
    for (const node of missing) if (!flags.bool('quiet')) await proc.stderr.write(`Image: ${JSON.stringify(given)} with ID ${JSON.stringify(image.id)} not yet present on node ${JSON.stringify(node)}, loading...\n`)
    if (missing.length > 0) await give(cluster, name, image, missing)
  }
  return 0
}

/** `kind load image-archive`. @throws CobraError */
export async function loadImageArchives(run: CobraRun, options: ProviderOptions): Promise<number> {
  const { args, proc } = run
  for (const path of args) if (!proc.fs.exists(proc.resolve(path))) throw new CobraError(`stat ${path}: no such file or directory`)
  const { engine } = await options.docker()
  for (const path of args) {
    const { cluster, nodes } = chosenNodes(run, options, clusterName(run), String)
    const input = openInput(proc, path)
    try {
      for (const { image, names } of await loadImages(engine, input)) for (const name of names) await give(cluster, familiarName(referenceOf(name).fullName), image, nodes)
    } catch (error) {
      if (error instanceof TarFormatError) throw new CobraError('failed to load image: command "ctr --namespace=k8s.io images import" failed with error: exit status 1\n\nCommand Output: ctr: archive/tar: invalid tar header')
      if (error instanceof DockerError) throw new CobraError(`failed to load image: ${error.message}`)
      if (error instanceof UnixError) throw new CobraError(`failed to open image: open ${path}: ${errorText(error).toLowerCase()}`)
      throw error
    } finally {
      input.close()
    }
  }
  return 0
}
