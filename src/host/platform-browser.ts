import type { Platform } from '../base/platform.ts'

/** setTimeout clamps to 4 ms when nested; a message to oneself doesn't. */
const channel = new MessageChannel()
const queue: (() => void)[] = []
channel.port1.onmessage = () => queue.shift()?.()

/** Time, event loop and entropy of a browser's worker. */
export const browserPlatform: Platform = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(fn, delayMs) {
    const timer = setTimeout(fn, delayMs)
    return () => clearTimeout(timer)
  },
  macrotask(fn) {
    queue.push(fn)
    channel.port2.postMessage(0)
  },
  randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
}
