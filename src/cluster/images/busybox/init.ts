import type { Program } from '../../../unix/types.ts'

/** BusyBox' init without an inittab: adopts orphans until it is told to go. */
export const init: Program = async (proc) => {
  await proc.signal('SIGTERM', 'SIGUSR2', 'SIGQUIT')
  return 0
}
