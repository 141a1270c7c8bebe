/** Why saved data can't be used. `newer`: made by a later version; `corrupt`: damaged, or not ours; `full`: there is no room left; `denied`: the browser gives no place at all. */
export type StoreProblem = 'newer' | 'corrupt' | 'full' | 'denied'

/** Saved data that can't be used, or can't be saved. */
export class StoreError extends Error {
  readonly kind: StoreProblem
  constructor(kind: StoreProblem, message: string) {
    super(message)
    this.kind = kind
  }
}

/** What stands behind an error of the browser's database; undefined for one that tells nothing about its place. */
export function problemOf(error: unknown): StoreProblem | undefined {
  if (error instanceof StoreError) return error.kind
  switch ((error as { name?: unknown } | undefined)?.name) {
    case 'QuotaExceededError': return 'full'
    // Where cookies are blocked.
    case 'SecurityError': case 'NotAllowedError': return 'denied'
    default: return undefined
  }
}
