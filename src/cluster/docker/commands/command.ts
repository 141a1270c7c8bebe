import type { Proc } from '../../../unix/types.ts'
import type { BuildCache } from '../build-cache.ts'
import type { DockerEngine } from '../docker-engine.ts'
import { DockerError } from '../docker-error.ts'
import type { Flags, FlagSpec } from './flags.ts'

/** A Go template, ready to be filled in. @throws Error in Go's words when it is malformed */
export type TemplateOf = (source: string, functions: Readonly<Record<string, (...args: any[]) => unknown>>) => (data: unknown) => string

/** What a command of `docker` works with. */
export interface CommandContext {
  engine: DockerEngine
  cache: BuildCache
  proc: Proc
  flags: Flags
  /** What isn't a flag. */
  args: readonly string[]
  /** What it was called by: `docker ps`, `docker container ls`. */
  called: string
  templateOf: TemplateOf
  out(text: string): Promise<void>
  err(text: string): Promise<void>
}

/** A command of `docker`. */
export interface DockerCommand {
  usage: string
  help: string
  flags: readonly FlagSpec[]
  /** Those among them that nothing here follows; they are refused, so that nobody takes them for done. */
  refused?: readonly string[]
  /** How many operands it takes; any number by default. */
  min?: number
  max?: number
  /** What follows the first operand belongs to that. */
  stopAtOperand?: boolean
  /** How its errors end the program. */
  errorCode?: number
  run(context: CommandContext): Promise<number>
}

/** Does something for each operand; what the engine refuses is said, and the others go on. */
export async function forEach({ args, err, out }: CommandContext, act: (arg: string) => Promise<string | undefined>): Promise<number> {
  let status = 0
  for (const arg of args) {
    try {
      const text = await act(arg)
      if (text !== undefined) await out(`${text}\n`)
    } catch (error) {
      if (!(error instanceof DockerError)) throw error
      await err(`Error response from daemon: ${error.message}\n`)
      status = 1
    }
  }
  return status
}
