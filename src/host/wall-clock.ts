import type { ClusterClock } from '../base/clock.ts'
import type { Platform } from '../base/platform.ts'

/**
 * Sets a cluster's clock to the machine's, where it is behind: booting took its time, and clients compare what objects say with a clock of their own.
 * What would have happened meanwhile happens.
 */
export async function catchUpWithWall(clock: ClusterClock, platform: Pick<Platform, 'wallMs'>): Promise<void> {
  const behindMs = platform.wallMs() - clock.nowMs()
  if (behindMs > 0) await clock.advance(behindMs)
}
