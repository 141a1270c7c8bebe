import type { Shell } from './shell.ts'

/** What stands before the cursor when Tab is pressed. */
export interface CompletionRequest {
  /** The words of the command up to the cursor, without quotes; the last is being completed and may be empty. */
  words: readonly string[]
  /** The whole line and the cursor's place in it. */
  line: string
  cursor: number
  shell: Shell
}

export interface Completion {
  /** What the last word becomes. */
  value: string
  /** Shown in lists; the value by default. */
  label?: string
  /** No blank is added after it (directories, `--flag=`). */
  partial?: boolean
}

/** Proposes what the last word may become; undefined leaves it to file names. */
export type Completer = (request: CompletionRequest) => Promise<readonly Completion[] | undefined> | readonly Completion[] | undefined
