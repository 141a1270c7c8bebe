import type { Program } from './types.ts'

/** Loads once; what failed is tried again by whoever asks next, for it may have been the network. */
function onceLoaded(load: () => Promise<Program>): () => Promise<Program> {
  let loading: Promise<Program> | undefined
  return () => loading ??= load().catch((error: unknown) => {
    loading = undefined
    throw error
  })
}

/** A program whose code is loaded when it is started for the first time. */
export function lazyProgram(load: () => Promise<Program>): Program {
  const loaded = onceLoaded(load)
  return async (proc) => (await proc.clock.outside(loaded()))(proc)
}

const loads = new WeakMap<Program, () => Promise<unknown>>()

/** A lazy program that is loaded while its image is pulled: its first start takes no longer than others. */
export function imageProgram(load: () => Promise<Program>): Program {
  const loaded = onceLoaded(load)
  const program = lazyProgram(loaded)
  loads.set(program, loaded)
  return program
}

/** Whether it is one of those. */
export const isImageProgram = (program: Program) => loads.has(program)

/** Loads image programs that aren't here yet. */
export async function loadImagePrograms(programs: Iterable<Program>): Promise<void> {
  for (const program of programs) await loads.get(program)?.()
}
