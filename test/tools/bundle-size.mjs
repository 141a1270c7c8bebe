// Sizes of the built page (dist/app) as a browser gets them, and what kubectl with the shell adds to its first load.
import fs from 'node:fs'
import path from 'node:path'
import zlib from 'node:zlib'
import { build } from 'esbuild'
import { root } from './ensure.mjs'

const app = path.join(root, 'dist/app')
const gzip = (data) => zlib.gzipSync(data, { level: 9 }).length
const kb = (bytes) => `${(bytes / 1000).toFixed(0).padStart(6)} kB`
const sizeOf = (file) => { const data = fs.readFileSync(file); return { raw: data.length, gzip: gzip(data) } }

/** Modules that are loaded with an entry: static imports only. */
function staticClosure(entry, seen = new Set()) {
  if (seen.has(entry) || !fs.existsSync(entry)) return seen
  seen.add(entry)
  const text = fs.readFileSync(entry, 'utf8')
  for (const [, name] of text.matchAll(/(?:^|[;}\s])(?:import|export)\s*(?:[\w$*{},\s]+?from\s*)?["'](\.\/[^"']+\.js)["']/g)) staticClosure(path.resolve(path.dirname(entry), name), seen)
  return seen
}

const html = fs.readFileSync(path.join(app, 'index.html'), 'utf8')
const assets = fs.readdirSync(path.join(app, 'assets'))
const entries = [...html.matchAll(/(?:src|href)="\.?\/?(assets\/[^"]+)"/g)].map(([, name]) => path.join(app, name))
const find = (prefix) => assets.filter((name) => name.startsWith(`${prefix}-`) && name.endsWith('.js')).map((name) => path.join(app, 'assets', name))
const first = new Set([path.join(app, 'index.html'), ...entries.flatMap((file) => file.endsWith('.js') ? [...staticClosure(file)] : [file]), ...find('app').flatMap((file) => [...staticClosure(file)]), ...find('worker').flatMap((file) => [...staticClosure(file)])])
let raw = 0
let zipped = 0
for (const file of first) { const size = sizeOf(file); raw += size.raw; zipped += size.gzip }
console.log(`first load              ${kb(zipped)} gzip  (${kb(raw).trim()} plain, ${first.size} files: page and cluster)`)
for (const [label, files] of [['the page', find('app')], ['the cluster (worker)', find('worker')]]) console.log(`  ${label.padEnd(22)}${kb(files.flatMap((file) => [...staticClosure(file)]).reduce((sum, file) => sum + sizeOf(file).gzip, 0))} gzip`)

/** Bundles an entry as the page's build does and tells the gzip size of what is loaded at once. */
async function bundled(contents) {
  const result = await build({ stdin: { contents, resolveDir: root, loader: 'ts' }, bundle: true, minify: true, splitting: true, format: 'esm', target: 'es2023', outdir: path.join(root, 'dist/size'), write: false, logLevel: 'silent', metafile: true, external: ['node:*', 'fs', 'fs/promises', 'module', 'path', 'url'], loader: { '.wasm': 'file', '.data': 'file', '.tgz': 'file' } })
  const outputs = result.metafile.outputs
  const entry = Object.keys(outputs).find((name) => outputs[name].entryPoint === '<stdin>')
  const seen = new Set()
  const visit = (name) => {
    if (seen.has(name)) return
    seen.add(name)
    for (const { path: other, kind } of outputs[name].imports) if (kind === 'import-statement' && outputs[other]) visit(other)
  }
  visit(entry)
  return result.outputFiles.filter((file) => seen.has(path.relative(root, file.path).replaceAll(path.sep, '/'))).reduce((sum, file) => sum + gzip(file.contents), 0)
}

const host = `import { ClusterHost } from './src/host/cluster-host.ts'; globalThis.host = ClusterHost`
const cluster = `import { createCluster } from './src/cluster/cluster.ts'; import './src/host/persistence/store.ts'; globalThis.host = createCluster`
const terminal = `import { kubectl } from './src/cli/kubectl/kubectl.ts'; import { bash } from './src/unix/shell/sh.ts'; globalThis.terminal = [kubectl, bash]`
const withKubectl = `${cluster}; ${terminal}`
const [alone, both, all] = await Promise.all([bundled(cluster), bundled(withKubectl), bundled(host)])
console.log(`kubectl and shell add   ${kb(both - alone)} gzip to a cluster of ${kb(alone).trim()} (at most 250 kB); the laptop around them ${kb(all - both).trim()} more`)
const rest = assets.filter((name) => name.endsWith('.js')).map((name) => path.join(app, 'assets', name)).filter((file) => !first.has(file)).map((file) => ({ name: path.basename(file).replace(/-[\w-]{8}\.js$/, ''), ...sizeOf(file) })).sort((a, b) => b.gzip - a.gzip)
console.log(`loaded on first use     ${rest.slice(0, 12).map(({ name, gzip: size }) => `${name} ${(size / 1000).toFixed(0)} kB`).join(', ')} and ${Math.max(0, rest.length - 12)} more`)
if (both - alone > 250_000) process.exitCode = 1
