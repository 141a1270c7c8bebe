/** What ends a command with a message on standard error. */
export class GitFailure extends Error {
  readonly exitCode: number
  /** The message as printed, with `fatal: ` or `error: ` in front; empty where everything has been said. */
  constructor(text: string, exitCode = 128) {
    super(text)
    this.exitCode = exitCode
  }
}

/** `fatal: text`, exit code 128. */
export const fatal = (text: string, exitCode = 128): GitFailure => new GitFailure(`fatal: ${text}`, exitCode)

/** `error: text`, exit code 1. */
export const failed = (text: string, exitCode = 1): GitFailure => new GitFailure(`error: ${text}`, exitCode)
