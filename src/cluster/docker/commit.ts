import { createOverlay } from '../../unix/file-system.ts'
import { applyChange, layerChanges } from '../../unix/fs/layer-changes.ts'
import type { DockerContainer } from './docker-container.ts'
import type { DockerEngine } from './docker-engine.ts'
import { isRuntimeFile } from './runtime-files.ts'
import { manifestDigest, topOf } from './docker-image.ts'
import type { DockerImage } from './docker-image.ts'

/** Makes an image of a container's image and what the container changed. */
export async function commitContainer(engine: DockerEngine, container: DockerContainer, message: string): Promise<DockerImage> {
  const below = engine.images.need(container.imageId)
  const { spec } = container
  const files = createOverlay(below.files, engine.clock)
  for (const change of layerChanges(container.layer)) {
    await engine.clock.breathe()
    if (!isRuntimeFile(change.path) || below.files.exists(change.path)) applyChange(files, change)
  }
  const layer = await engine.layers.seal(files, topOf(below))
  engine.shelf.keepLayer(layer)
  const createdMs = engine.clock.nowMs()
  const parts = {
    config: { ...below.config, env: spec.env, entrypoint: spec.entrypoint, cmd: spec.cmd, workingDir: spec.workingDir, user: spec.user, exposedPorts: spec.exposedPorts, labels: spec.labels }, createdMs, base: below.base, baseSizeBytes: below.baseSizeBytes, layers: [...below.layers, layer],
    history: [...below.history, { createdMs, createdBy: [...spec.entrypoint, ...spec.cmd].join(' '), comment: message, sizeBytes: layer.sizeBytes, empty: false }],
  }
  const image: DockerImage = { ...parts, id: manifestDigest(parts), files: layer.files }
  engine.images.add(image)
  return image
}
