import type { Platform } from './platform.ts'

/** For tests: the machine that runs them. Clocks on it are mostly paused and stepped. */
export const testPlatform: Platform = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(fn, delayMs) { const timer = setTimeout(fn, delayMs); return () => clearTimeout(timer) },
  macrotask: (fn) => void setImmediate(fn),
  randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
}
