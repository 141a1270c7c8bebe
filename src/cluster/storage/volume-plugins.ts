import { csiInlinePlugin } from './csi/csi-volume.ts'
import { configMapPlugin, downwardApiPlugin, projectedPlugin, secretPlugin } from './projected.ts'
import { emptyDirPlugin } from './empty-dir.ts'
import { hostPathPlugin } from './host-path.ts'
import { imageVolumePlugin } from './image-volume.ts'
import { nfsPlugin } from './nfs.ts'
import { persistentVolumeClaimPlugin } from './persistent-volume-claim.ts'
import type { VolumePlugin } from './volume.ts'

/** Every kind of volume that nodes can mount. */
export const volumePlugins: readonly VolumePlugin[] = [
  projectedPlugin, emptyDirPlugin, configMapPlugin, secretPlugin, downwardApiPlugin, hostPathPlugin, persistentVolumeClaimPlugin, imageVolumePlugin, nfsPlugin, csiInlinePlugin,
]
