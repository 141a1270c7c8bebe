import { afterAll, beforeAll, expect, test } from 'vitest'
import { singleNodeTopology } from '../src/cluster/topology.ts'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'
// Loaded when first used, which takes real time: a stepped clock would leap over it.
import '../src/cluster/images/traefik/main.ts'

let lab: Lab
beforeAll(async () => {
  lab = await startLab('traefik', singleNodeTopology())
  await lab.run('for name in alpaca bandicoot; do kubectl create deployment $name --image=registry.k8s.io/e2e-test-images/agnhost:2.53 -- /agnhost netexec --http-port=8080; kubectl expose deployment $name --port 8080; done; kubectl wait --for=condition=Available deploy --all; kubectl rollout status -n kube-system deploy/traefik; sleep 5')
}, 120_000)
afterAll(() => lab.stop())

const out = (script: string) => lab.out(script)
const SETTLE = 'sleep 3'
const ask = (host: string, uri = '/hostname', more = '') => out(`curl -s ${more} -H 'Host: ${host}' 'http://10.89.0.2${uri}'`)

async function apply(name: string, ...objects: string[]): Promise<void> {
  lab.writeFile(`${name}.yaml`, objects.map((object) => `apiVersion: traefik.io/v1alpha1\n${object}\n`).join('---\n'))
  await out(`kubectl apply -f ${name}.yaml; ${SETTLE}`)
}
const middleware = (name: string, spec: string) => `kind: Middleware\nmetadata: {name: ${name}}\nspec: ${spec}`
const route = (name: string, routes: string, more = '') => `kind: IngressRoute\nmetadata: {name: ${name}}\nspec: {entryPoints: [web], routes: [${routes}]${more}}`
const to = (service: string) => `services: [{name: ${service}, port: 8080}]`

test('k3s brings Traefik with its classes and definitions, a load balancer on the node, and figures of metrics-server', async () => {
  expect(await out('kubectl get ingressclass')).toMatch(/traefik \(default\) +traefik\.io\/ingress-controller +<none>/)
  expect(await out('kubectl get pods -n kube-system --no-headers')).toMatch(/svclb-traefik-[0-9a-f]{8}-\w{5} +2\/2 +Running[^]*\ntraefik-\S+ +1\/1 +Running/)
  expect(await out('kubectl get svc -n kube-system traefik')).toMatch(/traefik +LoadBalancer +\S+ +10\.89\.0\.2 +80:3\d{4}\/TCP,443:3\d{4}\/TCP/)
  expect(await out('kubectl get crd -o name')).toContain('ingressroutes.traefik.io')
  expect(await out('sleep 45; kubectl top nodes --no-headers')).toMatch(/^drydock +\d+m /)
})

test('an Ingress without a class gets the default one, and its rule on / makes the address of the node reach the Service', async () => {
  expect(await ask('any.example.com', '/', '-w "%{http_code}"')).toBe('404 page not found\n404')
  await out(`kubectl create ingress all --rule="/*=alpaca:8080"; kubectl create ingress host --rule="b.example.com/*=bandicoot:8080"; kubectl create ingress foreign --class=other --rule="f.example.com/*=bandicoot:8080"; ${SETTLE}`)
  expect(await out('curl -s http://10.89.0.2/hostname')).toMatch(/^alpaca-/)
  expect(await ask('b.example.com')).toMatch(/^bandicoot-/)
  expect(await ask('f.example.com')).toMatch(/^alpaca-/)
  expect(await out('kubectl get ingress all --no-headers')).toMatch(/^all +traefik +\* +10\.89\.0\.2 +80 /)
  expect(await ask('b.example.com', '/header?key=X-Forwarded-Server')).toMatch(/^traefik-/)
})

test('IngressRoutes match by host, path, header and query, with and, or, not, and the longest rule first', async () => {
  await apply('rules', route('rules', [
    `{kind: Rule, match: "Host(\`r.example.com\`)", ${to('alpaca')}}`,
    `{kind: Rule, match: "Host(\`r.example.com\`) && (PathPrefix(\`/b\`) || Header(\`X-To\`, \`b\`)) && !Query(\`stay\`, \`yes\`)", ${to('bandicoot')}}`,
  ].join(', ')))
  expect(await ask('r.example.com')).toMatch(/^alpaca-/)
  await apply('checked', route('checked', `{kind: Rule, match: "Host(\`c.example.com\`)", services: [{name: alpaca, port: 8080, healthCheck: {path: /}}]}`))
  expect(await out('kubectl logs -n kube-system deploy/traefik')).toContain('ERR service default/alpaca: healthCheck is not supported by this build')
  expect(await ask('r.example.com', '/hostname', '-H "X-To: b"')).toMatch(/^bandicoot-/)
  expect(await ask('r.example.com', '/hostname?stay=yes', '-H "X-To: b"')).toMatch(/^alpaca-/)
  await apply('bad', route('bad', `{kind: Rule, match: "Hst(\`r.example.com\`)", ${to('alpaca')}}`))
  expect(await out('kubectl logs -n kube-system deploy/traefik')).toMatch(/ERR error while parsing rule Hst\(`r\.example\.com`\): unsupported function: Hst entryPointName=web routerName=default-bad-\w+@kubernetescrd\n/)
})

test('middlewares change paths, headers and addresses, ask for logins and limit', async () => {
  await out('kubectl create secret generic people --from-literal=users="foo:$(openssl passwd -apr1 bar)"')
  await apply('middlewares', middleware('strip', '{stripPrefix: {prefixes: [/api]}}'), middleware('add', '{addPrefix: {prefix: /x}}'), middleware('regex', '{replacePathRegex: {regex: "^/say/(.*)", replacement: "/echo"}}'), middleware('secure', '{redirectScheme: {scheme: https, permanent: true}}'),
    middleware('who', '{headers: {customRequestHeaders: {X-Who: me}, customResponseHeaders: {X-Made: here}, frameDeny: true}}'), middleware('login', '{basicAuth: {secret: people}}'), middleware('few', '{rateLimit: {average: 1, period: 1m, burst: 2}}'), middleware('both', '{chain: {middlewares: [{name: strip}, {name: who}]}}'),
    middleware('forward', '{forwardAuth: {address: http://alpaca}}'), middleware('deep', '{ipAllowList: {sourceRange: [10.0.0.0/8], ipStrategy: {depth: 2}}}'),
    ...[['strip', 'strip'], ['regex', 'regex'], ['secure', 'secure'], ['both', 'both'], ['login', 'login'], ['few', 'few'], ['forward', 'forward'], ['deep', 'deep'], ['missing', 'nobody']].map(([host, name]) => route(`m-${host}`, `{kind: Rule, match: "Host(\`${host}.example.com\`)", middlewares: [{name: ${name}}], ${to('alpaca')}}`)))
  expect(await ask('strip.example.com', '/api/hostname')).toMatch(/^alpaca-/)
  expect(await ask('regex.example.com', '/say/hello?msg=rewritten')).toBe('rewritten')
  expect(await ask('secure.example.com', '/a?b=1', '-i')).toMatch(/^HTTP\/1\.1 301 Moved Permanently\r\n[^]*Location: https:\/\/secure\.example\.com\/a\?b=1\r\n/)
  expect(await ask('both.example.com', '/api/header?key=X-Who', '-i')).toMatch(/X-Frame-Options: DENY\r\nX-Made: here\r\n\r\nme$/)
  expect(await ask('login.example.com', '/hostname', '-o /dev/null -w "%{http_code} "')).toBe('401 ')
  expect(await ask('login.example.com', '/hostname', '-u foo:bar')).toMatch(/^alpaca-/)
  expect(await out(`for i in 1 2 3; do curl -s -o /dev/null -w '%{http_code} ' -H 'Host: few.example.com' http://10.89.0.2/; done`)).toBe('200 200 429 ')
  // A router whose middleware can't be is none: the Ingress for everything answers.
  expect(await ask('forward.example.com')).toMatch(/^alpaca-/)
  const log = await out('kubectl logs -n kube-system deploy/traefik')
  expect(log).toContain('invalid middleware: ipAllowList.ipStrategy is not supported by this build entryPointName=web')
  expect(log).toContain('invalid middleware: type forwardAuth is not supported by this build entryPointName=web')
  expect(log).toContain('ERR middleware "default-nobody@kubernetescrd" does not exist entryPointName=web')
})

test('weights share requests, and Services without endpoints are unavailable', async () => {
  await apply('weights', 'kind: TraefikService\nmetadata: {name: mixed}\nspec: {weighted: {services: [{name: alpaca, port: 8080, weight: 3}, {name: bandicoot, port: 8080, weight: 1}]}}', route('weights', '{kind: Rule, match: "Host(`w.example.com`)", services: [{name: mixed, kind: TraefikService}]}'))
  const answers = (await out(`for i in 1 2 3 4 5 6 7 8; do curl -s -H 'Host: w.example.com' http://10.89.0.2/hostname; echo; done`)).split('\n')
  expect([answers.filter((each) => each.startsWith('alpaca')).length, answers.filter((each) => each.startsWith('bandicoot')).length]).toEqual([6, 2])
  await out(`kubectl scale deploy bandicoot --replicas=0; ${SETTLE}`)
  expect(await ask('b.example.com', '/', '-w "%{http_code}"')).toBe('no available server\n503')
})

test('HTTPS shows the certificate of the host, and Traefik\'s own where there is none', async () => {
  await out(`openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=t.example.com -addext subjectAltName=DNS:t.example.com -keyout t.key -out t.crt 2>/dev/null; kubectl create secret tls shop --cert t.crt --key t.key; kubectl create ingress tls --rule="t.example.com/*=alpaca:8080,tls=shop"; ${SETTLE}`)
  expect(await out('curl -s --cacert t.crt --resolve t.example.com:443:10.89.0.2 https://t.example.com/hostname')).toMatch(/^alpaca-/)
  expect((await lab.run('curl -sS --cacert t.crt --resolve u.example.com:443:10.89.0.2 https://u.example.com/')).stderr).toMatch(/^curl: \(60\) SSL certificate problem/)
})

test('a provider whose definitions are missing keeps no other one waiting', async () => {
  await out('kubectl get crd -o name | grep gateway.networking.k8s.io | xargs kubectl delete')
  await out('kubectl create clusterrolebinding second --clusterrole=cluster-admin --serviceaccount=default:default')
  await out(`kubectl run second --image=traefik:v3.6.13 -- --entryPoints.web.address=:8000 --providers.kubernetesingress --providers.kubernetesgateway; kubectl wait --for=condition=Ready pod/second; ${SETTLE}`)
  expect(await out('kubectl get crd -o name')).not.toContain('gateway.networking.k8s.io')
  expect(await out(`curl -s "http://$(kubectl get pod second -o jsonpath='{.status.podIP}'):8000/hostname"`)).toMatch(/^alpaca-/)
  expect(await out('kubectl logs second')).toContain('ERR Failed to watch: 404 ')
  await out('kubectl delete pod/second clusterrolebinding/second --now')
})
