import type { ImageDefinition } from './image.ts'
import { defineImage } from './image.ts'
import { nginxImage } from './nginx/image.ts'
import { pauseImage } from './pause.ts'

/** Debian's slim root: what official images are built on. */
const debian = defineImage({ repository: 'docker.io/library/debian', tags: ['12', '12-slim', 'bookworm', 'bookworm-slim', 'latest', 'stable-slim'], sizeBytes: 28_000_000, cmd: ['bash'] })

/** Every image that registries have. Those of the control plane are added by the cluster (control-plane.ts, coredns/). */
export const imageCatalogue: readonly ImageDefinition[] = [debian, pauseImage, nginxImage(debian)]
