import type { CommandHandler } from './handler.ts'
import { get } from './get.ts'
import { create } from './create/create.ts'
import { GENERATORS } from './create/generators.ts'

/** Commands that are there from the start; the rest is loaded when first used. */
const READY: Record<string, CommandHandler> = { get, create, ...GENERATORS }

const LAZY: Record<string, () => Promise<CommandHandler>> = {
  options: async () => (await import('./options.ts')).options,
}

/** The handler of a command's path such as `kubectl rollout status`. */
export async function findHandler(path: string): Promise<CommandHandler | undefined> {
  const key = path.slice('kubectl '.length)
  return READY[key] ?? await LAZY[key]?.()
}
