// Prints how large the built app is, gzipped: what the page needs before it shows itself, the worker, what comes later, and all of it.
import fs from 'node:fs'
import path from 'node:path'
import zlib from 'node:zlib'
import { root } from './ensure.mjs'

const app = path.join(root, 'dist/app')
const read = (name) => fs.readFileSync(path.join(app, name))
const gzip = (name) => zlib.gzipSync(read(name), { level: 9 }).length
const all = fs.readdirSync(app, { recursive: true }).map(String).filter((name) => fs.statSync(path.join(app, name)).isFile() && !name.endsWith('.map'))

/** A script and everything it imports statically. */
function withImports(name, seen = new Set()) {
  if (seen.has(name)) return seen
  seen.add(name)
  for (const [, target] of read(name).toString().matchAll(/(?:^|[;\n}])(?:import|export)(?:[^'"();]*?from)?\s*["'](\.[^"']+\.js)["']/g)) withImports(path.posix.join(path.posix.dirname(name), target), seen)
  return seen
}

const html = read('index.html').toString()
const entry = /<script type="module"[^>]*src="\.\/([^"]+)"/.exec(html)[1]
const style = /<link rel="stylesheet"[^>]*href="\.\/([^"]+)"/.exec(html)[1]
const first = new Set(['index.html', style, 'theme.js', ...withImports(entry)])
const components = all.find((name) => /assets\/app-[^/]*\.js$/.test(name))
const page = new Set([...first, ...withImports(components), 'icon.svg'])
const workerEntry = all.find((name) => /assets\/worker-[^/]*\.js$/.test(name))
const worker = withImports(workerEntry)
const sum = (names) => [...names].reduce((total, name) => total + gzip(name), 0)
const kb = (bytes) => `${(bytes / 1024).toFixed(1).padStart(8)} KiB`

const sizes = { 'first paint': sum(first), 'page shell': sum(page), worker: sum(worker), later: sum(all.filter((name) => !page.has(name) && !worker.has(name))), total: sum(all) }
for (const [what, bytes] of Object.entries(sizes)) console.log(`${what.padEnd(12)} ${kb(bytes)} gzip`)
if (process.argv.includes('--files')) for (const name of [...all].sort((a, b) => gzip(b) - gzip(a)).slice(0, 15)) console.log(`  ${kb(gzip(name))}  ${name}`)
