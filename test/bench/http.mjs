// What the API server does over HTTPS: `node test/bench/http.mjs [KUBECONFIG]` measures that server, without one a fresh `drydock serve`.
// `npm run bench` prints a real server's figures beside ours when DRYDOCK_BENCH_KUBECONFIG names one. Prints one JSON line.
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import https from 'node:https'
import os from 'node:os'
import path from 'node:path'
import { root } from '../tools/ensure.mjs'

const OBJECTS = 2_000
const CLIENTS = 20

/** The first cluster and user of a kubeconfig with embedded certificates. */
function clientOf(file) {
  const text = fs.readFileSync(file, 'utf8')
  const field = (name) => new RegExp(`\\b${name}: *"?([^\\s"},]+)`).exec(text)?.[1]
  const pem = (name) => Buffer.from(field(name), 'base64')
  const agent = new https.Agent({ keepAlive: true, maxSockets: CLIENTS, ca: pem('certificate-authority-data'), cert: pem('client-certificate-data'), key: pem('client-key-data') })
  const server = field('server')
  return (method, url, body) => new Promise((resolve, reject) => {
    const request = https.request(server + url, { method, agent, headers: { 'content-type': 'application/json', accept: 'application/json' } }, (response) => {
      let bytes = 0
      response.on('data', (chunk) => { bytes += chunk.length })
      response.on('end', () => response.statusCode < 300 ? resolve(bytes) : reject(new Error(`${method} ${url}: ${response.statusCode}`)))
    })
    request.on('error', reject)
    request.end(body && JSON.stringify(body))
  })
}

/** A fresh server of ours; resolves with its kubeconfig and how to stop it. */
async function serve() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'drydock-http-'))
  const child = spawn(process.execPath, [path.join(root, 'dist/drydock.js'), 'serve', '--port', '0', '--nodes', '0', '--kubeconfig', path.join(folder, 'config')], { stdio: ['ignore', 'pipe', 'inherit'] })
  const kubeconfig = await new Promise((resolve, reject) => {
    child.stdout.once('data', (chunk) => resolve(String(chunk).split('\n')[0]))
    child.once('exit', (code) => reject(new Error(`drydock serve ended with ${code}`)))
  })
  return { kubeconfig, stop: () => { child.kill(); fs.rmSync(folder, { recursive: true, force: true }) } }
}

async function each(count, work) {
  let next = 0
  const startMs = performance.now()
  await Promise.all(Array.from({ length: CLIENTS }, async () => { while (next < count) await work(next++) }))
  return count / ((performance.now() - startMs) / 1000)
}

const given = process.argv[2]
const own = given ? undefined : await serve()
const send = clientOf(given ?? own.kubeconfig)
const namespace = `bench-${process.pid}`
await send('POST', '/api/v1/namespaces', { metadata: { name: namespace } })
const pods = `/api/v1/namespaces/${namespace}/pods`
const pod = (name) => ({ metadata: { name, labels: { app: 'web' } }, spec: { schedulerName: 'nobody', containers: [{ name: 'web', image: 'nginx:1.27', resources: { requests: { cpu: '100m', memory: '64Mi' } } }] } })
for (let tries = 0; ; tries++) {
  // The namespace's service account comes in a moment.
  if (await send('GET', `/api/v1/namespaces/${namespace}/serviceaccounts/default`).then(() => true, () => false)) break
  if (tries > 200) throw new Error('no default service account')
  await new Promise((resolve) => { setTimeout(resolve, 50) })
}
const createsPerSecond = await each(OBJECTS, (i) => send('POST', pods, pod(`web-${i}`)))
const getsPerSecond = await each(OBJECTS * 2, (i) => send('GET', `${pods}/web-${i % OBJECTS}`))
let listMs = Infinity
let listBytes = 0
for (let i = 0; i < 5; i++) {
  const startMs = performance.now()
  listBytes = await send('GET', pods)
  listMs = Math.min(listMs, performance.now() - startMs)
}
await send('DELETE', `${pods}?gracePeriodSeconds=0`).catch(() => {})
await send('DELETE', `/api/v1/namespaces/${namespace}`)
console.log(JSON.stringify({ createsPerSecond, getsPerSecond, listMs, listBytes, objects: OBJECTS }))
own?.stop()
process.exit(0)
