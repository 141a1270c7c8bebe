import type { Program } from './types.ts'

/** A program whose code is loaded when it is started for the first time. */
export function lazyProgram(load: () => Promise<Program>): Program {
  let loading: Promise<Program> | undefined
  return async (proc) => (await proc.clock.outside(loading ??= load()))(proc)
}
