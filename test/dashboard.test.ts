import fs from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'
// Loaded when first used, which takes real time: a stepped clock would leap over it.
import '../src/cluster/images/dashboard/server.ts'
import '../src/cluster/images/dashboard/scraper.ts'
import { METRICS_SERVER } from './metrics-server-manifest.ts'

const MANIFEST = fs.readFileSync(path.join(import.meta.dirname, 'manifests/dashboard.yaml'), 'utf8')
const PROXIED = 'http://localhost:8001/api/v1/namespaces/kubernetes-dashboard/services/https:kubernetes-dashboard:/proxy'

let lab: Lab
beforeAll(async () => {
  lab = await startLab('dashboard')
  lab.writeFile('dashboard.yaml', MANIFEST)
  await lab.out('kubectl apply -f dashboard.yaml && kubectl expose -n kubernetes-dashboard deploy/dashboard-metrics-scraper --port=8000 && kubectl create deployment web --image=nginx --replicas=2 && kubectl rollout status -n kubernetes-dashboard deploy/kubernetes-dashboard --timeout=180s && kubectl rollout status deploy/web --timeout=120s')
  await lab.out('kubectl create serviceaccount admin-user -n kubernetes-dashboard && kubectl create clusterrolebinding admin-user --clusterrole=cluster-admin --serviceaccount=kubernetes-dashboard:admin-user && kubectl create serviceaccount guest')
}, 60_000)
afterAll(() => lab.stop())

const viaProxy = (script: string) => lab.out(`kubectl proxy >/dev/null & sleep 1; ${script}; kill %1`)
const browse = (view: string) => viaProxy(`curl -s -c jar -b jar '${PROXIED}/?${view}'`)
const post = (view: string, fields: string) => viaProxy(`token=$(curl -s -c jar -b jar '${PROXIED}/?view=workloads' | sed -n 's/.*name="formToken" value="\\([^"]*\\)".*/\\1/p' | head -1); curl -s -L -c jar -b jar -d formToken=$token ${fields} '${PROXIED}/?${view}'`)

test('it starts with the manifest of its release, and says what it does', async () => {
  expect(await lab.out('kubectl logs -n kubernetes-dashboard deploy/kubernetes-dashboard')).toMatch(/^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d Starting overwatch\n.* Using namespace: kubernetes-dashboard\n.* Using in-cluster config to connect to apiserver\n[\s\S]*Successful initial request to the apiserver, version: v1\.36\.3\S*\n[\s\S]*Serving securely on HTTPS port: 8443\n/)
  expect(await lab.out('kubectl get secret -n kubernetes-dashboard kubernetes-dashboard-csrf -o jsonpath={.data.csrf}')).toMatch(/^[A-Za-z0-9+/]{43}=$/)
})

test('a token opens it, through the API proxy and a forwarded port; others do not', async () => {
  expect(await viaProxy(`curl -s ${PROXIED}/`)).toContain('Enter token *')
  expect(await viaProxy(`curl -s -w '%{http_code}' -d action=login -d token=nonsense '${PROXIED}/?view=login'`)).toMatch(/Unauthorized \(401\): Invalid credentials provided[\s\S]*401$/)
  const page = await viaProxy(`curl -s -L -c jar -b jar -d action=login -d token=$(kubectl -n kubernetes-dashboard create token admin-user) '${PROXIED}/?view=login'`)
  expect(page).toContain('Deployments (1)')
  expect(page).toContain('>web</a>')
  expect(page).toContain('2 / 2')
  expect(await lab.out(`kubectl -n kubernetes-dashboard port-forward svc/kubernetes-dashboard 8443:443 >/dev/null & sleep 2; curl -sk https://localhost:8443/ | grep -c 'Sign in'; kill %1`)).toBe('1\n')
})

test('it lists, scales, restarts, edits, creates and deletes as the user may', async () => {
  expect(await browse('view=pods&namespace=_all')).toContain('kube-apiserver')
  expect(await viaProxy(`curl -s -b jar -d action=scale -d replicas=0 -w '%{http_code}' '${PROXIED}/?view=object&resource=deployments&namespace=default&name=web'`)).toMatch(/403$/)
  expect(await post('view=object&resource=deployments&namespace=default&name=web', '-d action=scale -d replicas=3')).toContain('Scaled to 3.')
  expect(await lab.out('kubectl rollout status deploy/web --timeout=60s >/dev/null; kubectl get deploy web -o jsonpath={.status.readyReplicas}')).toBe('3')
  await post('view=object&resource=deployments&namespace=default&name=web', '-d action=restart')
  expect(await lab.out('kubectl rollout status deploy/web --timeout=90s >/dev/null; kubectl get rs -l app=web --no-headers | wc -l')).toBe('2\n')
  expect(await post('view=create&namespace=default', `--data-urlencode 'yaml=apiVersion: v1
kind: ConfigMap
metadata: {name: from-ui}
data: {tag: "<b>"}
---
apiVersion: v1
kind: Pod
metadata: {name: talker}
spec: {containers: [{name: c, image: busybox, command: [sh, -c, "echo \\"hello <i>log</i>\\"; sleep 3600"]}]}'`)).toContain('Created.')
  expect(await post('view=create&namespace=default', `--data-urlencode 'yaml={apiVersion: v1, kind: ConfigMap, metadata: {name: from-ui}}'`)).toContain('configmaps &quot;from-ui&quot; already exists')
  expect(await browse('view=object&resource=configmaps&namespace=default&name=from-ui')).toContain('tag: &lt;b&gt;')
  await lab.out('kubectl wait --for=condition=Ready pod/talker --timeout=60s')
  expect(await browse('view=logs&resource=pods&namespace=default&name=talker')).toContain('<pre>hello &lt;i&gt;log&lt;/i&gt;\n</pre>')
  const yaml = await lab.out('kubectl get cm from-ui -o json')
  lab.writeFile('edited.json', yaml.replace(/"tag": "[^"]*"/, '"tag": "edited"'))
  expect(await post('view=object&resource=configmaps&namespace=default&name=from-ui', '-d action=edit --data-urlencode "yaml=$(cat edited.json)"')).toContain('Updated.')
  expect(await lab.out('kubectl get cm from-ui -o jsonpath={.data.tag}')).toBe('edited')
  expect(await post('view=object&resource=configmaps&namespace=default&name=from-ui', '-d action=delete')).toContain('is being deleted')
  expect((await lab.run('kubectl get cm from-ui')).code).toBe(1)
})

test('a user sees what the user may see, and figures come with a metrics server', async () => {
  const page = await viaProxy(`curl -s -L -c jar3 -b jar3 -d action=login -d token=$(kubectl create token guest) '${PROXIED}/?view=login'`)
  expect(page).toContain('pods is forbidden: User &quot;system:serviceaccount:default:guest&quot; cannot list resource &quot;pods&quot; in API group &quot;&quot; in the namespace &quot;default&quot;')
  expect(page).not.toContain('>web</a>')
  await lab.out('sleep 60')
  expect(await lab.out('kubectl logs -n kubernetes-dashboard deploy/dashboard-metrics-scraper')).toContain('"msg":"Error scraping node metrics: the server could not find the requested resource (get nodes.metrics.k8s.io)"')
  lab.writeFile('metrics.yaml', METRICS_SERVER)
  await lab.out('kubectl apply -f metrics.yaml >/dev/null; sleep 90')
  expect(await lab.out('kubectl top nodes --no-headers | wc -l')).toBe('3\n')
  await lab.out('sleep 70')
  expect(await viaProxy(`curl -s -L -c jar4 -b jar4 -d action=login -d token=$(kubectl -n kubernetes-dashboard create token admin-user) '${PROXIED}/?view=login'; curl -s -b jar4 '${PROXIED}/?view=nodes'`)).toMatch(/CPU Usage \(cores\)[\s\S]*<td>\d\.\d\d<\/td><td>\d+\.\d\dMi<\/td>/)
}, 30_000)
