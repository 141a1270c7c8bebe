import { sha256Hex } from '../../client/csi-names.ts'
import { K3S_BINARY } from './installed-files.ts'

/** What `sha256sum` says of the release's program. */
export const releaseHash = (): string => sha256Hex(K3S_BINARY)
