import type { Session } from '../session.ts'

/** What a command does. @returns the exit code, 0 if none @throws Error whose message is shown behind `Error: ` */
export type HelmCommand = (session: Session) => Promise<number | void>

/** The one argument of commands that take a release's name and nothing else. */
export const firstArg = (session: Session): string => session.args[0] ?? ''
