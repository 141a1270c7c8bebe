// Bundles the `drydock` command into dist/drydock.js; what is rarely needed goes into chunks beside it.
import fs from 'node:fs'
import path from 'node:path'
import { build } from 'esbuild'
import { root } from './ensure.mjs'

const outdir = path.join(root, 'dist')
fs.rmSync(path.join(outdir, 'chunks'), { recursive: true, force: true })
const result = await build({
  entryPoints: { drydock: path.join(root, 'src/host/node.ts') },
  outdir,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  // Read faster by a twentieth of the start; names stay, for stack traces.
  minifyWhitespace: true,
  minifySyntax: true,
  sourcemap: false,
  legalComments: 'none',
  chunkNames: 'chunks/[name]-[hash]',
  external: ['node-liblzma', '@mongodb-js/zstd', 'bufferutil', 'utf-8-validate'],
  banner: { js: "#!/usr/bin/env node\nimport { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
  logLevel: 'warning',
  metafile: true,
})
// The JavaScript engine of containers looks for its code beside its module.
fs.copyFileSync(path.join(root, 'node_modules/@jitl/quickjs-ng-wasmfile-release-sync/dist/emscripten-module.wasm'), path.join(outdir, 'chunks/emscripten-module.wasm'))
// So does the engine of PostgreSQL; the cluster that it begins with is looked for in dist beside the module's directory.
for (const file of ['pglite.wasm', 'pglite.data']) fs.copyFileSync(path.join(root, 'node_modules/@electric-sql/pglite/dist', file), path.join(outdir, 'chunks', file))
fs.mkdirSync(path.join(outdir, 'dist'), { recursive: true })
fs.copyFileSync(path.join(root, 'node_modules/@electric-sql/pglite-prepopulatedfs/dist/prepopulatedfs.tgz'), path.join(outdir, 'dist/prepopulatedfs.tgz'))
fs.chmodSync(path.join(outdir, 'drydock.js'), 0o755)
const bytes = Object.values(result.metafile.outputs).reduce((sum, o) => sum + o.bytes, 0)
console.log(`dist/drydock.js and chunks: ${(bytes / 1e6).toFixed(1)} MB`)
