import { defineImage } from './image.ts'

/** Files and nothing to run: what the page about image volumes mounts. */
export const artifactImage = defineImage({ repository: 'quay.io/crio/artifact', tags: ['v1', 'v2'], sizeBytes: 1_000, files: { '/dir/file': '1\n', '/file': '2\n' } })
