import { attachmentName } from '../../client/csi-names.ts'
import type { PersistentVolume } from '../../kinds/generated/types.ts'
import type { VolumeContext } from '../volume.ts'

/** gRPC's ResourceExhausted, as attachers put it into a VolumeAttachment. */
const RESOURCE_EXHAUSTED = 8

/**
 * Whether a volume isn't attached because the node can have no more of its driver's, where the driver's CSIDriver says that this may change.
 * Whoever scheduled the pod believed otherwise, so the driver is asked anew. k8s: pkg/volume/csi csiPlugin.VerifyExhaustedResource
 */
export async function isAttachLimitReached(volume: PersistentVolume, { csi, nodeName }: Pick<VolumeContext, 'csi' | 'nodeName'>): Promise<boolean> {
  const source = volume.spec?.csi
  if (!source || !(await csi.driverObject(source.driver))?.spec.nodeAllocatableUpdatePeriodSeconds) return false
  const status = (await csi.attachment(attachmentName(source.volumeHandle, source.driver, nodeName)))?.status
  if (!status || status.attached || status.attachError?.errorCode !== RESOURCE_EXHAUSTED) return false
  await csi.updateLimits(source.driver).catch(() => { /* the scheduler learns it at the next time that it is asked */ })
  return true
}
