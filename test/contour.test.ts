import fs from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'
// Loaded when first used, which takes real time: a stepped clock would leap over it.
import '../src/cluster/images/contour/bootstrap.ts'
import '../src/cluster/images/contour/certgen.ts'
import '../src/cluster/images/contour/serve.ts'
import '../src/cluster/images/contour/shutdown-manager.ts'
import '../src/cluster/images/envoy/server.ts'

let lab: Lab
beforeAll(async () => {
  lab = await startLab('contour')
  lab.writeFile('contour.yaml', fs.readFileSync(path.join(import.meta.dirname, 'contour-quickstart.yaml'), 'utf8'))
  await lab.run('for name in alpaca bandicoot; do kubectl create deployment $name --image=registry.k8s.io/e2e-test-images/agnhost:2.53 -- /agnhost netexec --http-port=8080; kubectl expose deployment $name --port 8080; done; kubectl wait --for=condition=Available deploy --all')
}, 60_000)
afterAll(() => lab.stop())

const out = (script: string) => lab.out(script)
const SETTLE = 'sleep 2'
const ask = (host: string, uri = '/hostname', more = '') => out(`curl -s ${more} -H 'Host: ${host}' 'http://localhost${uri}'`)

async function proxy(name: string, spec: string): Promise<void> {
  lab.writeFile(`${name}.yaml`, `apiVersion: projectcontour.io/v1\nkind: HTTPProxy\nmetadata: {name: ${name}}\nspec: ${spec}\n`)
  await out(`kubectl apply -f ${name}.yaml; ${SETTLE}`)
}
const statusOf = (name: string, more = 'currentStatus') => out(`kubectl get httpproxy ${name} -o jsonpath='{.status.${more}}'`)

test('one manifest installs it: certificates, two controllers, an Envoy on every worker and a load balancer in front', async () => {
  await out('kubectl apply -f contour.yaml; kubectl wait -n projectcontour --for=condition=complete job --all; kubectl rollout status -n projectcontour deploy/contour; kubectl rollout status -n projectcontour ds/envoy')
  expect(await out('kubectl get secret -n projectcontour contourcert -o jsonpath="{.data.tls\\.crt}" | base64 -d | openssl x509 -noout -subject -issuer -ext subjectAltName')).toMatch(/^subject=CN ?= ?contour\nissuer=CN ?= ?Project Contour.*\n[^]*DNS:contour, DNS:contour\.projectcontour, DNS:contour\.projectcontour\.svc/)
  expect(await out('kubectl get deploy -n projectcontour contour --no-headers')).toMatch(/ 2\/2 /)
  expect(await out('kubectl get svc -n projectcontour envoy')).toMatch(/envoy +LoadBalancer +\S+ +<pending> +80:3\d{4}\/TCP,443:3\d{4}\/TCP/)
  expect(await out('kubectl get lease -n projectcontour leader-elect -o jsonpath={.spec.holderIdentity}')).toMatch(/^contour-\w+-\w+_/)
  // Envoy listens only once there is something to serve.
  expect((await lab.run('curl -sS http://localhost/')).code).not.toBe(0)
})

test('Ingresses are merged: default backend, hosts, the longest path, and the address in their status', async () => {
  await out(`kubectl create ingress simple --default-backend=alpaca:8080; kubectl create ingress host --class=contour --rule="b.example.com/*=bandicoot:8080"; kubectl create ingress path --class=contour --rule="b.example.com/a/*=alpaca:8080"; kubectl create ingress foreign --class=other --rule="f.example.com/*=bandicoot:8080"; ${SETTLE}`)
  expect(await ask('any.example.com')).toMatch(/^alpaca-/)
  expect(await ask('b.example.com')).toMatch(/^bandicoot-/)
  // /a/ leads to alpaca, /ab doesn't, and the path is not rewritten.
  expect(await ask('b.example.com', '/a/hostname', '-o /dev/null -w "%{http_code}"')).toBe('200')
  expect(await ask('f.example.com')).toMatch(/^alpaca-/)
  expect(await out('kubectl get ingress host -o jsonpath={.status}')).toBe('{"loadBalancer":{}}')
  // What a cloud does for a Service of its type.
  await out(`kubectl patch svc -n projectcontour envoy --subresource=status --type=merge -p '{"status":{"loadBalancer":{"ingress":[{"ip":"10.89.0.2"}]}}}'; ${SETTLE}`)
  expect(await out('kubectl get ingress --no-headers')).toMatch(/^foreign +other +f\.example\.com +80 [^]*\nhost +contour +b\.example\.com +10\.89\.0\.2 +80 [^]*\nsimple +<none> +\* +10\.89\.0\.2 +80 /)
  expect(await out('kubectl logs -n projectcontour -l app=envoy -c envoy --tail=1 | grep f.example.com')).toMatch(/^\[2026-\S+Z\] "GET \/hostname HTTP\/1\.1" 200 - 0 \d+ \d+ \d+ "10\.89\.0\.1" "curl\/[\d.]+" "[-0-9a-f]{36}" "f\.example\.com" "10\.244\.\d\.\d+:8080"\n$/)
})

test('HTTPProxies route by prefix and header, rewrite, weigh and answer themselves', async () => {
  await proxy('routes', `
  virtualhost: {fqdn: p.example.com}
  routes:
  - conditions: [{prefix: /}]
    services: [{name: alpaca, port: 8080}]
  - conditions: [{prefix: /}, {header: {name: x-canary, exact: "yes"}}]
    services: [{name: bandicoot, port: 8080}]
  - conditions: [{prefix: /api}]
    pathRewritePolicy: {replacePrefix: [{replacement: /}]}
    requestHeadersPolicy: {set: [{name: X-Who, value: "%CONTOUR_NAMESPACE%-%REQ(user-agent)%"}]}
    services: [{name: alpaca, port: 8080}]
  - conditions: [{prefix: /mixed}]
    pathRewritePolicy: {replacePrefix: [{prefix: /mixed, replacement: /}]}
    services: [{name: alpaca, port: 8080, weight: 90}, {name: bandicoot, port: 8080, weight: 10}]
  - conditions: [{exact: /teapot}]
    directResponsePolicy: {statusCode: 418, body: short and stout}
  - conditions: [{prefix: /moved}]
    requestRedirectPolicy: {hostname: new.example.com, statusCode: 301, prefix: /here}`)
  expect(await out('kubectl get httpproxy routes')).toMatch(/NAME +FQDN +TLS SECRET +STATUS +STATUS DESCRIPTION\nroutes +p\.example\.com +valid +Valid HTTPProxy\n/)
  expect(await ask('p.example.com')).toMatch(/^alpaca-/)
  expect(await ask('p.example.com', '/hostname', '-H "x-canary: yes"')).toMatch(/^bandicoot-/)
  expect(await ask('p.example.com', '/api/header?key=X-Who', '-A me')).toBe('default-me')
  expect(await ask('p.example.com', '/teapot', '-w " %{http_code}"')).toBe('short and stout 418')
  expect(await ask('p.example.com', '/moved/on?x=1', '-i')).toMatch(/^HTTP\/1\.1 301 Moved Permanently\r\n[^]*Location: http:\/\/new\.example\.com\/here\/on\?x=1\r\n/)
  const answers = (await out(`for i in $(seq 60); do curl -s -H 'Host: p.example.com' http://localhost/mixed/hostname; echo; done`)).trim().split('\n')
  const light = answers.filter((name) => name.startsWith('bandicoot')).length
  expect(answers.filter((name) => name.startsWith('alpaca')).length).toBe(60 - light)
  expect(light).toBeGreaterThan(0)
  expect(light).toBeLessThan(20)
})

test('roots include other proxies; orphans, cycles, missing Services and second roots are told in the status', async () => {
  await proxy('child', '{routes: [{conditions: [{prefix: /deep}], services: [{name: bandicoot, port: 8080}]}]}')
  expect(await statusOf('child')).toBe('orphaned')
  expect(await statusOf('child', 'description')).toBe('this HTTPProxy is not part of a delegation chain from a root HTTPProxy')
  await proxy('root', '{virtualhost: {fqdn: r.example.com}, includes: [{name: child, conditions: [{prefix: /team}]}, {name: nobody, conditions: [{prefix: /x}]}], routes: [{services: [{name: missing, port: 80}]}]}')
  expect(await statusOf('child')).toBe('valid')
  expect(await ask('r.example.com', '/team/deep', '-o /dev/null -w "%{http_code}"')).toBe('200')
  expect(await ask('r.example.com', '/x', '-o /dev/null -w "%{http_code}"')).toBe('502')
  expect(await ask('r.example.com', '/', '-o /dev/null -w "%{http_code}"')).toBe('503')
  expect(await statusOf('root', 'description')).toBe('At least one error present, see Errors for details')
  expect(await statusOf('root', 'conditions[0].errors[*].message')).toBe('include default/nobody not found Spec.Routes unresolved service reference: service "default/missing" not found')
  await proxy('second', '{virtualhost: {fqdn: p.example.com}, routes: [{services: [{name: alpaca, port: 8080}]}]}')
  expect(await statusOf('second', 'conditions[0].errors[0].message')).toBe('fqdn "p.example.com" is used in multiple HTTPProxies: default/routes, default/second')
  expect(await ask('p.example.com')).toMatch(/^alpaca-/) // Of the Ingress for everything: neither proxy is served.
  await out(`kubectl delete httpproxy second; ${SETTLE}`)
  expect(await statusOf('routes')).toBe('valid')
  await proxy('limits', '{virtualhost: {fqdn: l.example.com, rateLimitPolicy: {local: {requests: 1, unit: minute}}}, routes: [{services: [{name: alpaca, port: 8080}]}]}')
  expect(await statusOf('limits', 'conditions[0].errors[0].message')).toBe('Spec.VirtualHost.rateLimitPolicy is not supported by this Contour')
})

test('TLS ends at Envoy: by Ingress and by HTTPProxy, with Secrets of other namespaces once they are delegated', async () => {
  await out('openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=t.example.com -addext subjectAltName=DNS:t.example.com,DNS:u.example.com -keyout t.key -out t.crt 2>/dev/null; kubectl create secret tls shop --cert t.crt --key t.key; kubectl create namespace vault; kubectl create secret tls shared -n vault --cert t.crt --key t.key; kubectl create ingress tls --class=contour --rule="t.example.com/*=alpaca:8080,tls=shop"')
  await proxy('secure', '{virtualhost: {fqdn: u.example.com, tls: {secretName: vault/shared}}, routes: [{services: [{name: bandicoot, port: 8080}]}]}')
  expect(await statusOf('secure', 'conditions[0].errors[0].message')).toBe('Spec.VirtualHost.TLS Secret "vault/shared" certificate delegation not permitted')
  lab.writeFile('delegation.yaml', 'apiVersion: projectcontour.io/v1\nkind: TLSCertificateDelegation\nmetadata: {name: shared, namespace: vault}\nspec: {delegations: [{secretName: shared, targetNamespaces: [default]}]}\n')
  await out(`kubectl apply -f delegation.yaml; ${SETTLE}`)
  const secure = (host: string) => out(`curl -s --cacert t.crt --resolve ${host}:443:127.0.0.1 https://${host}/hostname`)
  expect(await secure('t.example.com')).toMatch(/^alpaca-/)
  expect(await secure('u.example.com')).toMatch(/^bandicoot-/)
  expect(await ask('t.example.com')).toMatch(/^alpaca-/)
  expect(await ask('u.example.com', '/a?b=1', '-i')).toMatch(/^HTTP\/1\.1 301 Moved Permanently\r\n[^]*Location: https:\/\/u\.example\.com\/a\?b=1\r\n/)
  expect((await lab.run('curl -sS -k --resolve v.example.com:443:127.0.0.1 https://v.example.com/')).code).not.toBe(0)
})

test('slow and missing backends are answered for, and asked again where a route says so', async () => {
  await proxy('slow', `
  virtualhost: {fqdn: s.example.com}
  routes:
  - {services: [{name: alpaca, port: 8080}], timeoutPolicy: {response: 1s}}
  - {conditions: [{prefix: /again}], pathRewritePolicy: {replacePrefix: [{replacement: /}]}, services: [{name: alpaca, port: 8080}], retryPolicy: {count: 2, retryOn: [5xx]}}`)
  expect(await ask('s.example.com', '/shell?cmd=sleep%205', '-w " %{http_code}"')).toBe('upstream request timeout 504')
  await ask('s.example.com', '/again/echo?code=500')
  expect((await out('kubectl logs deploy/alpaca --tail=8')).match(/echo\?code=500|Echo|\/echo/g)?.length).toBe(3)
  await out(`kubectl scale deploy bandicoot --replicas=0; ${SETTLE}`)
  expect(await ask('b.example.com', '/', '-w " %{http_code}"')).toBe('no healthy upstream 503')
})

test('Envoy drains before it ends, and goes on with what it knows while no Contour is there', async () => {
  await out('kubectl scale deploy -n projectcontour contour --replicas=0; sleep 40')
  expect(await ask('t.example.com')).toMatch(/^alpaca-/)
  await out('kubectl scale deploy -n projectcontour contour --replicas=2; kubectl rollout status -n projectcontour deploy/contour')
  const before = await out('kubectl get pod -n projectcontour -l app=envoy -o name')
  await out('kubectl delete pod -n projectcontour -l app=envoy; sleep 15; kubectl rollout status -n projectcontour ds/envoy')
  expect(await out('kubectl get pod -n projectcontour -l app=envoy -o name')).not.toBe(before)
  expect(await ask('t.example.com')).toMatch(/^alpaca-/)
})
