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
    // With a callback another thread signs.
    return (data) => new Promise((resolve, reject) => { sign('sha256', data, key, (error, signature) => { if (error) reject(error); else resolve(signature) }) })
  },
}
