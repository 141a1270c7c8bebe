import type { Machine, Proc, Program } from '../../../unix/types.ts'
import { goFlags } from '../agnhost/go-server.ts'

/** How often a process looks at what it has used, milliseconds. */
const SLICE_MS = 1_000

/** What is left of the processor time that the processes of a container may use together. */
interface Quota {
  nanoseconds: number
  refilledMs: number
}
const quotas = new WeakMap<Machine, Quota>()

/** Takes processor time from what the container's limit leaves, as CFS' bandwidth control grants it. @returns nanoseconds that it got */
function take(proc: Proc, wanted: number): number {
  const { cpuMillis } = proc.machine.limits
  if (cpuMillis === undefined) return wanted
  const nowMs = proc.clock.nowMs()
  const quota = quotas.get(proc.machine) ?? { nanoseconds: cpuMillis * SLICE_MS * 1000, refilledMs: nowMs }
  quota.nanoseconds = Math.min(cpuMillis * SLICE_MS * 1000, quota.nanoseconds + (nowMs - quota.refilledMs) * cpuMillis * 1000)
  quota.refilledMs = nowMs
  const taken = Math.min(wanted, quota.nanoseconds)
  quota.nanoseconds -= taken
  quotas.set(proc.machine, quota)
  return taken
}

/** Works whenever its average is below what was asked for, until its time is over. One thread: never more than a core. k8s: test/images/resource-consumer/consume-cpu */
export const consumeCpu: Program = async (proc) => {
  const { flags } = goFlags(proc.argv.slice(1))
  const millicores = Number(flags.get('millicores') ?? 0)
  const endsMs = proc.clock.nowMs() + Number(flags.get('duration-sec') ?? 0) * 1000
  let lackingNanoseconds = 0
  for (let nowMs = proc.clock.nowMs(); nowMs < endsMs;) {
    const sliceMs = Math.min(SLICE_MS, endsMs - nowMs)
    await proc.sleep(sliceMs)
    nowMs = proc.clock.nowMs()
    lackingNanoseconds += millicores * sliceMs * 1000
    const used = take(proc, Math.min(lackingNanoseconds, sliceMs * 1e6))
    proc.useCpu(used)
    lackingNanoseconds -= used
  }
  return 0
}
