import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'

/** Hexadecimal digits of a text's SHA-256, of which CSI makes names of any length short ones. */
export const sha256Hex = (text: string): string => bytesToHex(sha256(utf8ToBytes(text)))

/** Name of the VolumeAttachment that stands for a volume on a node. k8s: pkg/volume/csi GetAttachmentName */
export const attachmentName = (handle: string, driver: string, nodeName: string): string => `csi-${sha256Hex(`${handle}${driver}${nodeName}`)}`

/** Name of a volume in a node's `volumesInUse` and `volumesAttached`. k8s: pkg/volume/util GetUniqueVolumeName, pkg/volume/csi GetVolumeName */
export const csiVolumeName = (driver: string, handle: string): string => `kubernetes.io/csi/${driver}^${handle}`
