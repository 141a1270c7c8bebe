// A few official conformance tests, where the suite has been built before; `npm test` runs it. Prints what it did; the last line is 'N passed, N failed'.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { root } from './ensure.mjs'

/** One each of the API server, kubectl with a kubelet, and the pod network; seconds together. */
const TESTS = [
  String.raw`\[sig-api-machinery\] Watchers should receive events on concurrent watches in same order`,
  String.raw`\[sig-cli\] Kubectl client Kubectl describe should check`,
  String.raw`\[sig-network\] DNS should provide DNS for the cluster`,
]
/** Ends the sample if something hangs. */
const TIMEOUT = '60s'

/** Runs the sample. Undefined where the suite isn't built: building takes minutes and needs Go. */
export function runConformanceSample() {
  const bin = path.join(process.env.XDG_CACHE_HOME ?? path.join(os.homedir(), '.cache'), 'drydock-conformance')
  if (!['e2e.test', 'ginkgo', 'kubectl'].every((name) => fs.existsSync(path.join(bin, name)))) {
    const hasGo = spawnSync('go', ['version']).status === 0
    console.log(`not run: the official suite is not built on this machine${hasGo ? '' : ', and there is no Go to build it with'} (\`npm run conformance\` builds and runs it)`)
    return undefined
  }
  const out = fs.mkdtempSync(path.join(os.tmpdir(), 'conformance-'))
  const { stdout } = spawnSync('bash', [path.join(root, 'test/conformance/run.sh'), '-f', `(${TESTS.join('|')})`, '-t', TIMEOUT, '-o', out, '-b', bin], { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  process.stdout.write(stdout)
  const [, passed = '0', failed = '0'] = /(\d+) passed, (\d+) failed\s*$/.exec(stdout) ?? []
  // A test that the time-out kept from running at all did not pass.
  const counts = { passed: Number(passed), failed: Math.max(Number(failed), TESTS.length - Number(passed)) }
  if (counts.failed === 0) fs.rmSync(out, { recursive: true })
  else console.log(`see ${out}`)
  return counts
}

if (process.argv[1] === import.meta.filename) process.exit(runConformanceSample()?.failed ? 1 : 0)
