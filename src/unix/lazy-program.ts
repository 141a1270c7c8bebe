import type { Program } from './types.ts'

/** A program whose code is loaded when it is started for the first time. */
export function lazyProgram(load: () => Promise<Program>): Program {
  let loading: Promise<Program> | undefined
  return async (proc) => (await proc.clock.outside(loading ??= load()))(proc)
}

const loads = new WeakMap<Program, () => Promise<unknown>>()

/** A lazy program that is loaded while its image is pulled: its first start takes no longer than others. */
export function imageProgram(load: () => Promise<Program>): Program {
  let loading: Promise<Program> | undefined
  const program = lazyProgram(() => loading ??= load())
  loads.set(program, () => loading ??= load())
  return program
}

/** Whether it is one of those. */
export const isImageProgram = (program: Program) => loads.has(program)

/** Loads image programs that aren't here yet. */
export async function loadImagePrograms(programs: Iterable<Program>): Promise<void> {
  for (const program of programs) await loads.get(program)?.()
}
