// `npm run bench [-- --quick]`: the same work on Drydock and on the peer, each in a process of its own, in one run; then sizes of the page.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { build } from 'esbuild'
import { root } from '../tools/ensure.mjs'

const quick = process.argv.includes('--quick')
const cases = quick ? [[10, 100]] : [[3, 100], [100, 1000]]
const peerTimeoutMs = quick ? 60_000 : 300_000
const outdir = fs.mkdtempSync(path.join(os.tmpdir(), 'drydock-bench-'))

/** Both sides are bundled the same way; the peer's package can't be loaded otherwise. */
async function bundle(entry) {
  const outfile = path.join(outdir, `${path.parse(entry).name}.mjs`)
  await build({ entryPoints: [path.join(root, 'test/bench', entry)], outfile, bundle: true, format: 'esm', platform: 'node', target: 'node20', logLevel: 'error', nodePaths: [path.join(root, 'node_modules')], external: ['node-liblzma', '@mongodb-js/zstd', 'sql.js'], banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" } })
  return outfile
}

function measure(file, args, timeoutMs) {
  const result = spawnSync(process.execPath, ['--expose-gc', file, ...args.map(String)], { encoding: 'utf8', timeout: timeoutMs + 60_000, maxBuffer: 1 << 28 })
  const line = result.stdout?.trim().split('\n').findLast((l) => l.startsWith('{'))
  if (!line) throw new Error(`${path.basename(file)} ${args.join(' ')}: ${result.signal ?? result.status}\n${result.stderr?.slice(-2000)}`)
  return JSON.parse(line)
}

const ms = (x) => `${Math.round(x)} ms`
const mb = (x) => `${Math.round(x / 1e6)} MB`
let failed = false
const drydock = await bundle('drydock-rollout.ts')
const peer = await bundle('peer-rollout.mjs')
for (const [nodes, pods] of cases) {
  console.log(`\n${pods} pods of a Deployment to Running on ${nodes} nodes`)
  const ours = measure(drydock, [nodes, pods, 120_000], 120_000)
  const theirs = measure(peer, [nodes, pods, peerTimeoutMs], peerTimeoutMs)
  const row = (name, r) => console.log(`  ${name.padEnd(12)} start-up ${ms(r.startUpMs).padStart(9)}   rollout ${(r.finished ? ms(r.rolloutMs) : `only ${r.running} after ${ms(r.rolloutMs)}`).padStart(10)}   heap ${mb(r.heapBytes).padStart(7)}   rss ${mb(r.rssBytes).padStart(7)}`)
  row('drydock', ours)
  row('webernetes', theirs)
  console.log(`  ratio (webernetes / drydock): start-up ${(theirs.startUpMs / ours.startUpMs).toFixed(1)}, rollout ${theirs.finished ? '' : '> '}${(theirs.rolloutMs / ours.rolloutMs).toFixed(1)}`)
  if (!ours.finished) failed = true
}
for (const [title, entry] of [['API server', 'apiserver.ts'], ['etcd', 'etcd.ts']]) {
  console.log(`\n${title}`)
  const result = spawnSync(process.execPath, ['--expose-gc', await bundle(entry)], { encoding: 'utf8' })
  process.stdout.write(result.stdout.trimEnd().replace(/^/gm, '  '))
  console.log()
}
if (fs.existsSync(path.join(root, 'dist/drydock.js'))) {
  console.log('\nAPI server over HTTPS, 20 clients')
  const real = process.env['DRYDOCK_BENCH_KUBECONFIG']
  for (const [name, args] of [['drydock', []], ...(real ? [['kube-apiserver', [real]]] : [])]) {
    const r = measure(path.join(root, 'test/bench/http.mjs'), args, 120_000)
    console.log(`  ${name.padEnd(16)} create Pods ${Math.round(r.createsPerSecond)}/s   get ${Math.round(r.getsPerSecond)}/s   list ${r.objects} Pods ${ms(r.listMs)} (${mb(r.listBytes)})`)
  }
}
if (fs.existsSync(path.join(root, 'dist/app')) && fs.existsSync(path.join(root, 'test/tools/bundle-size.mjs'))) {
  console.log('\npage')
  const result = spawnSync(process.execPath, [path.join(root, 'test/tools/bundle-size.mjs')], { encoding: 'utf8' })
  process.stdout.write(result.stdout.replace(/^/gm, '  '))
  if (!quick) process.stdout.write(spawnSync(process.execPath, [path.join(root, 'test/bench/key-echo.mjs')], { encoding: 'utf8' }).stdout.replace(/^/gm, '  '))
}
fs.rmSync(outdir, { recursive: true, force: true })
process.exit(failed ? 1 : 0)
