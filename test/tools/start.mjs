// `npm start`: installs what is missing, builds, serves the app on a free local port and prints its address.
import fs from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { ensureDependencies, root, run } from './ensure.mjs'

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.json': 'application/json', '.webmanifest': 'application/manifest+json', '.svg': 'image/svg+xml', '.png': 'image/png', '.woff2': 'font/woff2', '.wasm': 'application/wasm', '.md': 'text/markdown; charset=utf-8', '.txt': 'text/plain; charset=utf-8', '.map': 'application/json' }

/** Serves a folder of static files on 127.0.0.1. */
export function serveFolder(folder, port = 0) {
  const base = path.resolve(folder)
  const server = http.createServer((request, response) => {
    let name
    try {
      name = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname)
    } catch {
      response.writeHead(400).end()
      return
    }
    let file = path.join(base, name)
    if (!file.startsWith(base)) { response.writeHead(403).end(); return }
    if (fs.existsSync(file) && fs.statSync(file).isDirectory()) file = path.join(file, 'index.html')
    if (!fs.existsSync(file)) { response.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n'); return }
    const immutable = /\/assets\//.test(file)
    response.writeHead(200, { 'content-type': TYPES[path.extname(file)] ?? 'application/octet-stream', 'cache-control': immutable ? 'public, max-age=31536000, immutable' : 'no-cache' })
    fs.createReadStream(file).pipe(response)
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve({ url: `http://127.0.0.1:${server.address().port}/`, close: () => new Promise((r) => { server.close(r); server.closeAllConnections() }) }))
  })
}

if (process.argv[1] && path.resolve(process.argv[1]) === path.join(root, 'test/tools/start.mjs')) {
  ensureDependencies()
  run('npm', ['run', '--silent', 'build'])
  const { url } = await serveFolder(path.join(root, 'dist/app'), Number(process.env.PORT ?? 0))
  console.log(`\nDrydock is at ${url}\n`)
}
