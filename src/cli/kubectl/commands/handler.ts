import type { CommandSpec } from '../command.ts'
import type { Factory } from '../factory.ts'
import type { FlagValues } from '../flags.ts'

/** One command line, parsed, with all it needs. */
export interface Invocation {
  f: Factory
  args: string[]
  /** How many arguments stood before `--`; -1 without one. */
  argsBeforeDash: number
  flags: FlagValues
  spec: CommandSpec
  out(text: string | Uint8Array): Promise<void>
  err(text: string): Promise<void>
}

/** What a command does; a number is its exit code. Failures are thrown. */
export type CommandHandler = (invocation: Invocation) => Promise<number | void> | number | void
