import fs from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'
// Loaded when first used, which takes real time: a stepped clock would leap over it.
import '../src/cluster/images/ingress-nginx/controller.ts'

const MANIFEST = fs.readFileSync(path.join(import.meta.dirname, 'ingress-nginx-kind.yaml'), 'utf8')
const ANNOTATE = 'kubectl annotate --overwrite ingress'
const PREFIX = 'nginx.ingress.kubernetes.io'

let lab: Lab
beforeAll(async () => {
  lab = await startLab('ingress-nginx')
  lab.writeFile('deploy.yaml', MANIFEST)
  await lab.run('for name in alpaca bandicoot; do kubectl create deployment $name --image=registry.k8s.io/e2e-test-images/agnhost:2.53 -- /agnhost netexec --http-port=8080; kubectl expose deployment $name --port 8080; done; kubectl create ingress early --default-backend=alpaca:8080; kubectl wait --for=condition=Available deploy --all')
}, 60_000)
afterAll(() => lab.stop())

const out = (script: string) => lab.out(script)
/** The controller takes changes at most every 3.3 seconds. */
const SETTLE = 'sleep 7'

test('nothing serves Ingresses before a controller is there', async () => {
  expect(await out('sleep 70; kubectl get ingress early -o jsonpath={.status}')).toBe('{"loadBalancer":{}}')
  expect((await lab.run('curl -sS http://localhost/')).stderr).toMatch(/^curl: \(7\) Failed to connect to localhost port 80 /)
})

test('the manifest installs it: Jobs make and enter the certificate, the controller gets ready and leads', async () => {
  await out('kubectl apply -f deploy.yaml')
  await out('kubectl wait --namespace ingress-nginx --for=condition=ready pod --selector=app.kubernetes.io/component=controller --timeout=90s')
  expect(await out('kubectl get events -n ingress-nginx --field-selector reason=Completed -o jsonpath="{.items[*].involvedObject.name}"')).toBe('ingress-nginx-admission-create ingress-nginx-admission-patch')
  expect(await out('test "$(kubectl get validatingwebhookconfiguration ingress-nginx-admission -o jsonpath={.webhooks[0].clientConfig.caBundle})" = "$(kubectl get secret -n ingress-nginx ingress-nginx-admission -o jsonpath={.data.ca})" && echo same')).toBe('same\n')
  expect(await out('kubectl get lease -n ingress-nginx ingress-nginx-leader -o jsonpath={.spec.holderIdentity}')).toBe(await out('kubectl get pod -n ingress-nginx -o jsonpath="{.items[0].metadata.name}"'))
  expect(await out('kubectl get svc -n ingress-nginx ingress-nginx-controller -o jsonpath={.status}')).toBe('{"loadBalancer":{}}')
  expect(await out('sleep 1; kubectl get ingress early')).toMatch(/\nearly +<none> +\* +localhost +80 /)
})

test("requests reach Services by host and path, from this machine and at the node's address", async () => {
  await out('kubectl delete ingress early; kubectl create ingress host --class=nginx --rule="alpaca.example.com/*=alpaca:8080" --rule="bandicoot.example.com/*=bandicoot:8080" --rule="bandicoot.example.com/shell=alpaca:8080"')
  await out(SETTLE)
  const node = await out('kubectl get pod -n ingress-nginx -o jsonpath="{.items[0].status.hostIP}"')
  expect(await out(`curl -s -H 'Host: alpaca.example.com' http://name.localhost/hostname`)).toMatch(/^alpaca-/)
  expect(await out(`echo '${node} bandicoot.example.com' | sudo tee -a /etc/hosts && curl -s http://bandicoot.example.com/hostname`)).toMatch(/^10\.89\.0\.\d bandicoot\.example\.com\nbandicoot-/)
  expect(await out(`curl -s -H 'Host: nobody.example.com' http://localhost/ -w '%{http_code}'`)).toBe('<html>\r\n<head><title>404 Not Found</title></head>\r\n<body>\r\n<center><h1>404 Not Found</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n404')
  const headers = JSON.parse(await out(`curl -s -H 'Host: alpaca.example.com' -H 'X-Request-ID: abc' 'http://localhost/header?key=X-Forwarded-For' -w ' ' ; true`).then((text) => JSON.stringify(text.trim()))) as string
  expect(headers).toBe('10.89.0.1')
  expect(await out('kubectl logs -n ingress-nginx deploy/ingress-nginx-controller --tail=1')).toMatch(/^10\.89\.0\.1 - - \[\S+ \+0000\] "GET \/header\?key=X-Forwarded-For HTTP\/1\.1" 200 9 "-" "curl\/[\d.]+" \d+ 0\.\d{3} \[default-alpaca-8080\] \[\] 10\.244\.\d\.\d+:8080 9 0\.\d{3} 200 abc\n$/)
})

test('events and the address come as from the real controller: the status is looked after once a minute', async () => {
  expect(await out('kubectl get ingress host -o jsonpath={.status}')).toBe('{"loadBalancer":{}}')
  await out('sleep 60')
  expect(await out('kubectl describe ingress host')).toMatch(/Address: +localhost\n[^]*Normal +Sync +\d+s \(x2 over \S+\) +nginx-ingress-controller +Scheduled for sync/)
})

test('the webhook refuses what another Ingress has, snippets and paths that are no prefixes', async () => {
  expect((await lab.run('kubectl create ingress dup --class=nginx --rule="alpaca.example.com/*=bandicoot:8080"')).stderr).toBe('error: failed to create ingress: admission webhook "validate.nginx.ingress.kubernetes.io" denied the request: host "alpaca.example.com" and path "/" is already defined in ingress default/host\n')
  expect((await lab.run(`${ANNOTATE} host ${PREFIX}/configuration-snippet='return 200;'`)).stderr).toBe(`Error from server (BadRequest): admission webhook "validate.nginx.ingress.kubernetes.io" denied the request: ${PREFIX}/configuration-snippet annotation cannot be used. Snippet directives are disabled by the Ingress administrator\n`)
  expect((await lab.run('kubectl create ingress regex --class=nginx --rule="r.example.com/a(.*)*=alpaca:8080"')).stderr).toBe('Warning: path /a(.*) cannot be used with pathType Prefix\nerror: failed to create ingress: admission webhook "validate.nginx.ingress.kubernetes.io" denied the request: ingress contains invalid paths: path /a(.*) cannot be used with pathType Prefix\n')
  expect(await out('kubectl create ingress dup --class=other --rule="alpaca.example.com/*=bandicoot:8080"; kubectl delete ingress dup')).toContain('created')
})

test('rewriting, redirects, limits and addresses go by annotations', async () => {
  lab.writeFile('rewrite.yaml', `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: rewrite, annotations: {${PREFIX}/rewrite-target: /$2, ${PREFIX}/proxy-body-size: "8"}}
spec:
  ingressClassName: nginx
  rules: [{host: r.example.com, http: {paths: [{path: "/api(/|$)(.*)", pathType: ImplementationSpecific, backend: {service: {name: alpaca, port: {number: 8080}}}}]}}]
`)
  await out(`kubectl apply -f rewrite.yaml; kubectl create ingress moved --class=nginx --rule="m.example.com/*=alpaca:8080" --annotation ${PREFIX}/permanent-redirect=https://kubernetes.io; kubectl create ingress closed --class=nginx --rule="c.example.com/*=alpaca:8080" --annotation ${PREFIX}/whitelist-source-range=192.0.2.0/24; ${SETTLE}`)
  expect(await out(`curl -s -H 'Host: r.example.com' http://localhost/api/echo?msg=hello`)).toBe('hello')
  expect(await out(`curl -s -o /dev/null -w '%{http_code}' -H 'Host: r.example.com' -d 'more than eight bytes' http://localhost/api/echo`)).toBe('413')
  expect(await out(`curl -sI -H 'Host: m.example.com' http://localhost/`)).toMatch(/^HTTP\/1\.1 301 Moved Permanently\r\n[^]*Location: https:\/\/kubernetes\.io\r\n/)
  expect(await out(`curl -s -o /dev/null -w '%{http_code}' -H 'Host: c.example.com' http://localhost/`)).toBe('403')
})

test('a login is asked for, and errors are left to the backend that is named for them', async () => {
  const create = (name: string, ...annotations: string[]) => `kubectl create ingress ${name} --class=nginx --rule="${name}.example.com/*=alpaca:8080" ${annotations.map((each) => `--annotation '${PREFIX}/${each}'`).join(' ')}`
  await out(`echo "foo:$(openssl passwd -apr1 bar)" > auth; kubectl create secret generic people --from-file=auth; ${create('login', 'auth-type=basic', 'auth-secret=people', 'auth-realm=Authentication Required')}; ${create('errors', 'custom-http-errors=404,503', 'default-backend=bandicoot')}; ${create('nobody', 'auth-type=basic', 'auth-secret=missing')}; ${SETTLE}`)
  expect(await out('curl -si -H "Host: login.example.com" http://localhost/')).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n[^]*Www-Authenticate: Basic realm="Authentication Required"\r\n[^]*<h1>401 Authorization Required<\/h1>/i)
  expect(await out('curl -s -u foo:baz -o /dev/null -w "%{http_code} " -H "Host: login.example.com" http://localhost/; curl -s -u foo:bar -H "Host: login.example.com" http://localhost/echo?msg=welcome')).toBe('401 welcome')
  expect(await out('kubectl logs -n ingress-nginx deploy/ingress-nginx-controller --tail=3')).toMatch(/user "foo": password mismatch, client: 10\.89\.0\.1[^]*\n10\.89\.0\.1 - foo \[/)
  expect(await out(`curl -s -H 'Host: errors.example.com' http://localhost/echo?msg=fine; curl -s -H 'Host: errors.example.com' 'http://localhost/echo?code=404&msg=lost'`)).toMatch(/^fineNOW: /)
  expect(await out('curl -s -o /dev/null -w "%{http_code}" -H "Host: nobody.example.com" http://localhost/; kubectl get events --field-selector reason=AnnotationParsingFailed -o jsonpath="{.items[0].message}"')).toBe('503Error parsing annotations: unexpected error reading secret default/missing: no object matching key "default/missing" in local store')
})

test('TLS shows the certificate of the host, and sends plain requests there', async () => {
  await out('openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=t.example.com -addext subjectAltName=DNS:t.example.com -keyout t.key -out t.crt 2>/dev/null; kubectl create secret tls shop --cert t.crt --key t.key; kubectl create ingress tls --class=nginx --rule="t.example.com/*=alpaca:8080,tls=shop"')
  await out(SETTLE)
  expect(await out('curl -s --cacert t.crt --resolve t.example.com:443:127.0.0.1 "https://t.example.com/header?key=X-Forwarded-Proto"')).toBe('https')
  expect(await out('curl -sI -H "Host: t.example.com" http://localhost/a/')).toMatch(/^HTTP\/1\.1 308 Permanent Redirect\r\n[^]*Location: https:\/\/t\.example\.com\/a\r\n/)
  expect((await lab.run('curl -sS --cacert t.crt https://localhost/')).stderr).toMatch(/^curl: \(60\) SSL certificate problem: self-signed certificate\n/)
  expect(await out('kubectl get ingress tls -o jsonpath={.spec.tls[0].secretName}; kubectl get ingress tls')).toMatch(/^shop[^]* 80, 443 /)
})

test('over TLS it speaks HTTP/2, and passes gRPC\'s calls on where an Ingress says so', async () => {
  lab.writeFile('calls.yaml', `apiVersion: v1
kind: Pod
metadata: {name: calls, labels: {app: calls}}
spec: {containers: [{name: echo, image: "gcr.io/k8s-staging-gateway-api/echo-basic:v20240412-v1.0.0-394-g40c666fd", env: [{name: GRPC_ECHO_SERVER, value: "1"}, {name: POD_NAME, value: calls}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: calls}
spec: {selector: {app: calls}, ports: [{port: 3000}]}
`)
  await out(`kubectl apply -f calls.yaml; kubectl wait --for=condition=Ready pod/calls; kubectl create ingress calls --class=nginx --rule="g.example.com/*=calls:3000" --annotation ${PREFIX}/backend-protocol=GRPC; ${SETTLE}`)
  const call = (method: string) => out(`printf '\\0\\0\\0\\0\\0' | curl -s -k -i --resolve g.example.com:443:127.0.0.1 -H 'content-type: application/grpc' -H 'te: trailers' --data-binary @- https://g.example.com/gateway_api_conformance.echo_basic.grpcecho.GrpcEcho/${method} | tr -cd '\\11\\12\\15\\40-\\176'`)
  expect(await call('Echo')).toMatch(/^HTTP\/2 200 \r\n[^]*GrpcEcho\/Echo[^]*\ngrpc-status: 0\r\n/)
  expect(await call('EchoThree')).toMatch(/^HTTP\/2 200 \r\n[^]*grpc-status: 12\r\n/)
  expect(await out('kubectl logs -n ingress-nginx deploy/ingress-nginx-controller | grep -c "GrpcEcho/Echo HTTP/2.0"')).toBe('1\n')
  const version = () => out('curl -s -k -o /dev/null -w "%{http_version}" https://localhost/')
  await out(`kubectl patch configmap -n ingress-nginx ingress-nginx-controller -p '{"data":{"use-http2":"false"}}'; ${SETTLE}`)
  expect(await version()).toBe('1.1')
  await out(`kubectl patch configmap -n ingress-nginx ingress-nginx-controller -p '{"data":{"use-http2":"true"}}'; ${SETTLE}`)
  expect(await version()).toBe('2')
})

test('ports of TCP lead to Services as the ConfigMap for them says', async () => {
  await out(`kubectl create configmap tcp -n ingress-nginx --from-literal=9000=default/alpaca:8080 --from-literal=80=default/alpaca:8080; kubectl patch deployment -n ingress-nginx ingress-nginx-controller --type=json -p '[{"op":"add","path":"/spec/template/spec/containers/0/args/-","value":"--tcp-services-configmap=ingress-nginx/tcp"}]'; kubectl rollout status -n ingress-nginx deployment/ingress-nginx-controller`)
  const ip = await out('kubectl get pod -n ingress-nginx -o jsonpath="{.items[0].status.podIP}"')
  expect(await out(`kubectl exec deploy/alpaca -- /agnhost connect ${ip}:9000 --timeout=2s && kubectl exec -n ingress-nginx deploy/ingress-nginx-controller -- curl -s localhost:9000/echo?msg=raw`)).toBe('raw')
  expect(await out('kubectl logs -n ingress-nginx deploy/ingress-nginx-controller')).toContain('Port 80 cannot be used for TCP stream services. It is reserved for the Ingress controller.')
})

test('a Service without endpoints is unavailable, and other classes are left alone', async () => {
  await out(`kubectl scale deployment bandicoot --replicas=0; kubectl create ingress foreign --class=other --rule="f.example.com/*=alpaca:8080"; ${SETTLE}`)
  expect(await out(`curl -sI -H 'Host: bandicoot.example.com' http://localhost/`)).toMatch(/^HTTP\/1\.1 503 Service Temporarily Unavailable\r\n/)
  expect(await out(`curl -s -o /dev/null -w '%{http_code}' -H 'Host: f.example.com' http://localhost/`)).toBe('404')
  expect(await out('kubectl get events --field-selector involvedObject.name=foreign -o name')).toBe('')
})

test('without its role the controller says what it may not', async () => {
  await out('kubectl delete clusterrolebinding ingress-nginx; kubectl delete rolebinding -n ingress-nginx ingress-nginx; kubectl rollout restart -n ingress-nginx deploy/ingress-nginx-controller; sleep 15')
  expect(await out('kubectl logs -n ingress-nginx -l app.kubernetes.io/component=controller --tail=20')).toContain('Unexpected error obtaining ingress-nginx pod: unable to get POD information: pods "ingress-nginx-controller-')
})
