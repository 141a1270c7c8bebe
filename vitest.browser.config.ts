import { defineConfig } from 'vitest/config'

/** Tests of the built app (dist/app) in a real Chromium. One file at a time: each has a browser of its own. */
export default defineConfig({
  test: {
    include: ['test/browser/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'threads',
    fileParallelism: false,
  },
})
