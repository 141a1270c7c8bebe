/**
 * What the code needs from the machine it runs on. The hosts (src/host) make one; nothing else touches timers, wall clock or entropy.
 */
export interface Platform {
  /** Wall clock, milliseconds since 1970. */
  wallMs(): number
  /** Monotonic time in milliseconds, fractions included, from any origin. */
  monotonicMs(): number
  /** Calls `fn` after at least `delayMs` of real time; returns the cancel function. */
  setTimer(fn: () => void, delayMs: number): () => void
  /** Calls `fn` in a later turn of the event loop, as soon as possible (setImmediate, MessageChannel). */
  macrotask(fn: () => void): void
  /** Real entropy, for seeds and keys only. */
  randomBytes(length: number): Uint8Array
  /**
   * A way to sign with an ECDSA P-256 key and SHA-256 that costs this thread less than WebCrypto does, for platforms that have one.
   * The signature is r and s side by side.
   */
  signerOf?(privateKey: CryptoKey): (data: Uint8Array) => Promise<Uint8Array>
}
