import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'
// Loaded when first used, which takes real time: a stepped clock would leap over it.
import '../src/unix/node/process-host.ts'
import '../src/unix/node/npm.ts'

let lab: Lab
beforeAll(async () => { lab = await startLab('node') })
afterAll(() => lab.stop())

const out = (script: string) => lab.out(script)

test('a script of a ConfigMap serves behind a Service, with probes, and ends at once on SIGTERM that it handles', async () => {
  lab.writeFile('server.js', `const http = require('http')
const os = require('os')
let ready = false
setTimeout(() => { ready = true; console.log('ready') }, 3000)
const server = http.createServer((req, res) => {
  if (req.url === '/healthz') { res.writeHead(ready ? 200 : 503); res.end(); return }
  console.log(req.method, req.url)
  res.setHeader('Content-Type', 'application/json')
  res.end(JSON.stringify({ host: os.hostname(), greeting: process.env.GREETING, node: process.version }))
})
process.on('SIGTERM', () => { console.log('closing'); server.close(() => process.exit(0)) })
server.listen(3000, () => console.log('listening on', server.address().port))
`)
  lab.writeFile('web.yaml', `apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  containers:
  - name: web
    image: node:22-alpine
    command: ["node", "/app/server.js"]
    env: [{name: GREETING, value: ahoy}]
    readinessProbe: {httpGet: {path: /healthz, port: 3000}, periodSeconds: 1}
    volumeMounts: [{name: app, mountPath: /app}]
  volumes: [{name: app, configMap: {name: app}}]
`)
  await out('kubectl create configmap app --from-file=server.js && kubectl apply -f web.yaml && kubectl expose pod web --port=80 --target-port=3000')
  await out('kubectl wait --for=condition=Ready pod/web --timeout=60s')
  expect(JSON.parse(await out('kubectl run ask --image=busybox:1.36 --rm -i -q --restart=Never -- wget -qO- http://web/hello'))).toEqual({ host: 'web', greeting: 'ahoy', node: 'v22.23.3' })
  expect(await out('kubectl logs web')).toBe('listening on 3000\nready\nGET /hello\n')
  expect(await out('kubectl exec web -- node -p "process.pid > 1 && os.networkInterfaces().eth0[0].address"')).toBe(await out(`kubectl get pod web -o jsonpath='{.status.podIP}{"\\n"}'`))
  expect(await out('kubectl port-forward pod/web 8081:3000 >/dev/null & sleep 1; curl -s localhost:8081/forwarded; kill %1')).toContain('"greeting":"ahoy"')
  const started = lab.cluster.clock.nowMs()
  await out('kubectl delete pod web')
  expect(lab.cluster.clock.nowMs() - started).toBeLessThan(5_000)
})

test('the images of the tutorials run their own scripts', async () => {
  await out('kubectl create deployment bootcamp --image=gcr.io/google-samples/kubernetes-bootcamp:v1 && kubectl create deployment hello --image=gcr.io/google-samples/node-hello:1.0 && kubectl wait --for=condition=Available deployment/bootcamp deployment/hello')
  const pod = (await out(`kubectl get pod -l app=bootcamp -o jsonpath='{.items[0].metadata.name}'`))
  const ask = (app: string) => out(`kubectl exec deploy/${app} -- curl -s localhost:8080`)
  expect(await ask('bootcamp')).toBe(`Hello Kubernetes bootcamp! | Running on: ${pod} | v=1\n`)
  expect(await ask('hello')).toBe('Hello Kubernetes!')
  expect(await out(`kubectl logs ${pod}`)).toMatch(new RegExp(`^Kubernetes Bootcamp App Started At: \\S+Z \\| Running On:  ${pod} \\n\\nRunning On: ${pod} \\| Total Requests: 1 \\| App Uptime: [\\d.]+ seconds \\| Log Time: \\S+Z\\n$`))
  expect(await out(`kubectl exec ${pod} -- cat server.js`)).toContain("require('http')")
})

test('a script that fails restarts, and its last words are in the log', async () => {
  await out(`kubectl run broken --image=node:20 -- node -e 'console.log("up"); setTimeout(() => { throw new Error("out of luck") }, 100)'; sleep 20`)
  expect(await out(`kubectl get pod broken -o jsonpath='{.status.containerStatuses[0].lastState.terminated.exitCode}'`)).toBe('1')
  expect(await out('kubectl logs broken --previous')).toMatch(/^up\n\[eval\]:1\n[^]*Error: out of luck\n {4}at Timeout\._onTimeout \(\[eval\]:1:45\)\n[^]*\nNode\.js v20\.20\.2\n$/)
})

test('a web application counts its visits in Redis, and Prometheus could read how many', async () => {
  lab.writeFile('app.js', `const app = require('express')()
const { createClient } = require('redis')
const { Counter, register } = require('prom-client')
const served = new Counter({ name: 'served_total', help: 'Pages served', labelNames: ['path'] })
const client = createClient({ url: process.env.REDIS_URL })
client.on('error', (error) => console.log(error.code))
app.get('/', async (req, res) => { served.inc({ path: req.path }); res.send('visit ' + await client.incr('visits') + '\\n') })
app.get('/metrics', async (req, res) => { res.type(register.contentType).send(await register.metrics()) })
client.connect().then(() => app.listen(3000))
`)
  lab.writeFile('app.yaml', `apiVersion: v1
kind: Pod
metadata: {name: app}
spec:
  containers:
  - name: app
    image: node:20
    workingDir: /app
    command: [sh, -c, npm install express redis prom-client && cp /src/app.js . && exec node app.js]
    env: [{name: REDIS_URL, value: "redis://cache:6379"}]
    readinessProbe: {httpGet: {path: /metrics, port: 3000}, periodSeconds: 1}
    volumeMounts: [{name: src, mountPath: /src}]
  volumes: [{name: src, configMap: {name: visits}}]
`)
  await out('kubectl run cache --image=redis:7 --port=6379 --expose && kubectl wait --for=condition=Ready pod/cache && kubectl create configmap visits --from-file=app.js && kubectl apply -f app.yaml && kubectl wait --for=condition=Ready pod/app --timeout=60s')
  expect(await out('kubectl exec app -- sh -c "curl -s localhost:3000; curl -s localhost:3000"')).toBe('visit 1\nvisit 2\n')
  expect(await out('kubectl exec app -- curl -s localhost:3000/metrics')).toBe('# HELP served_total Pages served\n# TYPE served_total counter\nserved_total{path="/"} 2\n')
})
