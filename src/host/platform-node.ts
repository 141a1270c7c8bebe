import { KeyObject, randomBytes, sign } from 'node:crypto'
import type { Platform } from '../base/platform.ts'

/** Time, event loop and entropy of Node. */
export const nodePlatform: Platform = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(fn, delayMs) {
    const timer = setTimeout(fn, delayMs)
    return () => clearTimeout(timer)
  },
  macrotask: (fn) => { setImmediate(fn) },
  randomBytes: (length) => new Uint8Array(randomBytes(length)),
  signerOf(privateKey) {
    const key = { key: KeyObject.from(privateKey), dsaEncoding: 'ieee-p1363' as const }
    // Here and now: 25 microseconds of work, while waking another thread for it takes longer than that.
    return async (data) => sign('sha256', data, key)
  },
}
