import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['test/browser/**', 'node_modules/**'],
    testTimeout: 20_000,
    // Whole clusters begin in hooks.
    hookTimeout: 60_000,
    pool: 'threads',
    maxWorkers: 2,
  },
})
