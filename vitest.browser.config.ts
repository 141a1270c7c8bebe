import { defineConfig } from 'vitest/config'

const common = { testTimeout: 60_000, hookTimeout: 60_000, pool: 'threads' as const, expect: { poll: { timeout: 5_000 } } }
/** Files that have the machine for themselves: one measures times, in the other one minutes pass in seconds, and two pages are at work already. */
const ALONE = ['test/browser/speed.test.ts', 'test/browser/transcripts.test.ts']

/** Tests of the built app (dist/app) in a real Chromium, two files at a time; each has a browser of its own. */
export default defineConfig({
  test: {
    projects: [
      { test: { ...common, name: 'alone', include: ALONE, maxWorkers: 1, sequence: { groupOrder: 1 } } },
      { test: { ...common, name: 'browser', include: ['test/browser/**/*.test.ts'], exclude: ALONE, maxWorkers: 2, sequence: { groupOrder: 2 } } },
    ],
  },
})
