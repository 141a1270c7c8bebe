import { ProcessExit } from '../../../unix/types.ts'

/** How background work ends its process: the program waits for `ended` beside its signals, and who catches what the work throws asks `isExit` first. */
export interface BackgroundExit {
  /** Rejects once the work has called `proc.exit`. */
  ended: Promise<never>
  isExit(error: unknown): boolean
}

/** `proc.exit` ends a process by what it throws, and out of work that nobody awaits that leads nowhere. */
export function backgroundExit(): BackgroundExit {
  let end: (exit: ProcessExit) => void = () => {}
  const ended = new Promise<never>((_, reject) => { end = reject })
  // It may come when the program has ended and nobody waits any more.
  ended.catch(() => {})
  return {
    ended,
    isExit(error) {
      if (!(error instanceof ProcessExit)) return false
      end(error)
      return true
    },
  }
}
