import type { Proc } from '../../../unix/types.ts'

/** What it costs to touch fresh memory for the first time, milliseconds of one core for a MiB. */
const TOUCH_MS_PER_MIB = 0.3
/** How often a busy process tells what it used: a limit that changes meanwhile counts from then on. */
const SLICE_MS = 1_000

/** Spins for ever. `threads` is how many spin in the container: they share what it may use. */
export async function spin(proc: Proc, threads: number): Promise<never> {
  for (;;) {
    await proc.sleep(SLICE_MS)
    proc.useCpu(cpuShare(proc, threads) * SLICE_MS * 1e6)
  }
}

/** Takes memory and touches all of it, which takes a while and CPU. The kernel may kill the process for it. */
export async function touchMemory(proc: Proc, bytes: number): Promise<void> {
  const ms = bytes / 2 ** 20 * TOUCH_MS_PER_MIB
  await proc.sleep(ms / cpuShare(proc, 1))
  proc.useCpu(ms * 1e6)
  proc.useMemory(bytes, { figurative: true })
}

/** What one of some busy threads gets of a core. */
function cpuShare(proc: Proc, threads: number): number {
  return Math.min(1, (proc.machine.limits.cpuMillis ?? Infinity) / 1000 / threads)
}
