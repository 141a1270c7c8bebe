/** Saved data that can't be used. `newer`: made by a later version; `corrupt`: damaged, or not ours. */
export class StoreError extends Error {
  readonly kind: 'newer' | 'corrupt'
  constructor(kind: 'newer' | 'corrupt', message: string) {
    super(message)
    this.kind = kind
  }
}
