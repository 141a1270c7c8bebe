import type { ClusterClock } from '../base/clock.ts'
import type { Platform } from '../base/platform.ts'

/** How often a clock that follows the machine's is compared with it, milliseconds of real time. */
const COMPARE_MS = 5_000
/** A difference that nobody minds, milliseconds. */
const TOLERANCE_MS = 100
/** More than this is made good by nobody: the machine slept, and the cluster's time stood still with it. Milliseconds. */
const MOST_MS = 10 * 60_000
/** How much faster a clock runs that is behind, as time daemons slew it: fast enough to be through soon, and no timer comes noticeably early. */
const SLEW = 1.1

/**
 * Sets a cluster's clock to the machine's, where it is behind: booting took its time, and clients compare what objects say with a clock of their own.
 * What would have happened meanwhile happens.
 */
export async function catchUpWithWall(clock: ClusterClock, platform: Pick<Platform, 'wallMs'>): Promise<void> {
  const behindMs = platform.wallMs() - clock.nowMs()
  if (behindMs > 0) await clock.advance(behindMs)
}

/** Keeps a clock of the machine's speed with the machine's time: one that stood still while the process got no time runs faster until it has caught up. @returns the way to end it */
export function followWall(clock: ClusterClock, platform: Pick<Platform, 'wallMs' | 'setTimer'>): () => void {
  let cancel = () => {}
  const compare = () => {
    const behindMs = platform.wallMs() - clock.nowMs()
    const scale = behindMs > TOLERANCE_MS && behindMs < MOST_MS ? SLEW : 1
    if (clock.scale !== scale) clock.setScale(scale)
    // The next comparison comes no later than it has caught up.
    cancel = platform.setTimer(compare, scale === 1 ? COMPARE_MS : Math.min(COMPARE_MS, behindMs / (SLEW - 1)))
  }
  compare()
  return () => {
    cancel()
    if (clock.scale !== 1) clock.setScale(1)
  }
}
