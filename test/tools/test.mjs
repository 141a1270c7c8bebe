// `npm test`: installs what is missing, then type check, unit, exchange, transcript and browser tests. Ends with 'N passed, N failed'.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { runConformanceSample } from './conformance-sample.mjs'
import { ensureChromium, ensureDependencies, root } from './ensure.mjs'

let passed = 0
let failed = 0

/** Runs a step that counts as one test. */
function step(name, command, args, env = {}) {
  console.log(`\n== ${name}`)
  const ok = spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } }).status === 0
  if (ok) passed++
  else { failed++; console.log(`FAILED: ${name}`) }
  return ok
}

/** Runs vitest with a configuration and adds its counts. */
function vitest(name, config, env = {}) {
  console.log(`\n== ${name}`)
  const report = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'vitest-')), 'report.json')
  const status = spawnSync(process.execPath, [path.join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--config', config, '--reporter=dot', '--reporter=json', `--outputFile.json=${report}`], { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } }).status
  let counted = { numPassedTests: 0, numFailedTests: 0, success: false }
  try {
    counted = JSON.parse(fs.readFileSync(report, 'utf8'))
  } catch {
    console.log(`${name}: no report`)
  }
  passed += counted.numPassedTests
  failed += counted.numFailedTests
  // A file that can't even be loaded has no failed tests of its own.
  if (status !== 0 && counted.numFailedTests === 0) failed++
}

ensureDependencies()
step('types', process.execPath, [path.join(root, 'node_modules/typescript/bin/tsc'), '-p', '.'])
step('build', 'npm', ['run', '--silent', 'build'])
vitest('unit, exchanges, transcripts, lessons', 'vitest.config.ts')
console.log('\n== sample of the official conformance suite')
const sample = runConformanceSample()
passed += sample?.passed ?? 0
failed += sample?.failed ?? 0
vitest('browser', 'vitest.browser.config.ts', { CHROMIUM_PATH: await ensureChromium() })
console.log(`\n${passed} passed, ${failed} failed`)
process.exit(failed || !passed ? 1 : 0)
