import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'
// Loaded when first used, which takes real time: a stepped clock would leap over it.
import '../src/cluster/images/demos/ealen-echo-server.ts'
import '../src/cluster/images/demos/echo-server.ts'
import '../src/cluster/images/demos/event-simulator.ts'
import '../src/cluster/images/demos/hello-kubernetes.ts'
import '../src/cluster/images/demos/webapp-color.ts'
import '../src/cluster/images/demos/echo-basic.ts'
import '../src/cluster/images/demos/whoami.ts'
import '../src/cluster/images/memcached/memcached-server.ts'

let lab: Lab
beforeAll(async () => {
  lab = await startLab('tutorial images')
  await lab.out('kubectl run net --image=nicolaka/netshoot -- sleep 100000; kubectl wait --for=condition=Ready pod/net')
}, 60_000)
afterAll(() => lab.stop())

/** Starts a pod and asks it for something from another one. */
const ask = (name: string, image: string, port: number, path = '/', options = '') =>
  lab.out(`kubectl run ${name} --image=${image} ${options} >/dev/null; kubectl wait --for=condition=Ready pod/${name} >/dev/null; kubectl exec net -- curl -s "http://$(kubectl get pod ${name} -o jsonpath={.status.podIP}):${port}${path}"`)

test("minikube's first deployment answers with the request and its host's name", async () => {
  const [first, , line, , host, accept] = (await ask('hello', 'kicbase/echo-server:1.0', 8080, '/a?b=1')).split('\n')
  expect([first, line, accept]).toEqual(['Request served by hello', 'GET /a?b=1 HTTP/1.1', 'Accept: */*'])
  expect(host).toMatch(/^Host: 10\.244\.\d+\.\d+:8080$/)
  expect(await lab.out('kubectl logs hello')).toMatch(/^Echo server listening on port 8080\.\n10\.244\.\d+\.\d+:\d+ \| GET \/a\?b=1\n$/)
})

test('whoami names itself and its addresses, as text and as JSON, and its health can be set', async () => {
  expect(await ask('who', 'traefik/whoami', 8080, '/', '-- --port=8080 --name=me')).toMatch(/^Name: me\nHostname: who\nIP: 127\.0\.0\.1\nIP: (10\.244\.\S+)\nRemoteAddr: \S+\nGET \/ HTTP\/1\.1\r\nHost: \1:8080\r\nUser-Agent: curl\/\S+\r\nAccept: \*\/\*\r\n\r\n$/)
  const script = 'ip=$(kubectl get pod who -o jsonpath={.status.podIP}); kubectl exec net -- sh -c "'
  expect(JSON.parse(await lab.out(`${script}curl -s $ip:8080/api"`))).toMatchObject({ hostname: 'who', method: 'GET', url: '/api', name: 'me' })
  expect(await lab.out(`${script}curl -s $ip:8080/health -d 503; curl -s -o /dev/null -w %{http_code} $ip:8080/health"`)).toBe('503')
})

test('echo-basic tells what it was asked, and at which pod', async () => {
  const image = 'gcr.io/k8s-staging-gateway-api/echo-basic:v20240412-v1.0.0-394-g40c666fd'
  expect(JSON.parse(await ask('basic', image, 3000, '/a?b=c', '--env=POD_NAME=basic --env=NAMESPACE=default'))).toMatchObject({ path: '/a?b=c', method: 'GET', proto: 'HTTP/1.1', headers: { Accept: ['*/*'] }, namespace: 'default', ingress: '', service: '', pod: 'basic' })
  expect(await lab.out('kubectl exec net -- curl -s -o /dev/null -w %{http_code} $(kubectl get pod basic -o jsonpath={.status.podIP}):3000/status/418')).toBe('418')
  expect(await lab.out('kubectl logs basic')).toMatch(/^Starting server, listening on port 3000 \(http\)\nStarting server, listening on port 3001 \(h2c\)\nEchoing back request made to \/a\?b=c to client \(10\.244\.\S+:\d+\)\n$/)
})

test('names of the old registries lead to the images of today, whose versions answer differently', async () => {
  expect(await ask('old', 'k8s.gcr.io/echoserver:1.4', 8080)).toContain('CLIENT VALUES:\nclient_address=10.244.')
  expect(await ask('new', 'registry.k8s.io/echoserver:1.10', 8080)).toContain('\n\nHostname: new\n\nPod Information:\n\t-no pod information available-\n')
  expect(await lab.out('kubectl get pod old -o jsonpath={.status.containerStatuses[0].image}')).toBe('k8s.gcr.io/echoserver:1.4')
  expect(await lab.out('kubectl run gone --image=k8s.gcr.io/no-such-thing >/dev/null; sleep 5; kubectl get pod gone -o jsonpath={.status.containerStatuses[0].state.waiting.message}')).toContain('failed to resolve image: k8s.gcr.io/no-such-thing:latest: not found')
})

test("a course's web server shows its version's color or the one that it is given, and its simulator logs to where it is told", async () => {
  expect(await ask('v2', 'kodekloud/webapp-color:v2', 8080, '/info')).toBe('Hello, Application Version: v2 ; Color: green')
  expect(await ask('pink', 'kodekloud/webapp-color', 8080, '/', '--env=APP_COLOR=pink')).toMatch(/background: #be2edd;[\s\S]*<h1>Hello from pink!<\/h1>/)
  expect(await lab.out('kubectl logs pink')).toContain('\nNo Command line argument. Color from environment variable =pink\n')
  expect((await lab.run('kubectl run wrong --image=kodekloud/webapp-color --restart=Never -- --color beige; sleep 5; kubectl logs wrong; kubectl get pod wrong -o jsonpath={.status.containerStatuses[0].state.terminated.exitCode}')).stdout).toMatch(/Color not supported\. Received 'beige' expected one of red,green,blue,blue2,pink,darkblue,yellow\n1$/)
  await lab.out('kubectl run events --image=kodekloud/event-simulator; kubectl run filed --image=kodekloud/event-simulator --env=LOG_HANDLERS=file --env=OVERRIDE_USER=USER30; sleep 12')
  expect(await lab.out('kubectl logs events | grep -c "WARNING in event-simulator: USER5 Failed to Login"')).toBe('2\n')
  expect(await lab.out('kubectl logs filed; kubectl exec filed -- grep WARNING /log/app.log | cut -d" " -f3-')).toMatch(/^(?:WARNING .*\n)*WARNING in event-simulator: USER30 Order failed as the item is OUT OF STOCK\.\n/)
})

test("pages of hello-kubernetes and ealen's echo server show what their pod was given", async () => {
  expect(await ask('page', 'paulbouwer/hello-kubernetes:1.10', 8080, '/', "--env='MESSAGE=I <3 pods'")).toMatch(/I &lt;3 pods[\s\S]*<th>pod:<\/th>\n +<td>page<\/td>/)
  expect(JSON.parse(await ask('ealen', 'ealen/echo-server', 80, '/x?y=z', '--env=A=b'))).toMatchObject({ http: { method: 'GET', originalUrl: '/x?y=z' }, request: { query: { y: 'z' } }, environment: { A: 'b' } })
  expect(await lab.out('kubectl exec net -- curl -s -w " %{http_code}" -H "X-ECHO-CODE: 418" -H "X-ECHO-BODY: tea" $(kubectl get pod ealen -o jsonpath={.status.podIP})')).toBe('"tea" 418')
})

test("nginx's relatives say who they are, and run without root", async () => {
  expect(await ask('plain', 'nginxdemos/hello:plain-text', 80, '/p')).toMatch(/^Server address: 10\.244\.\d+\.\d+:80\nServer name: plain\nDate: \d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d \+0000\nURI: \/p\nRequest ID: [0-9a-f]{32}\n$/)
  expect(await ask('few', 'nginxinc/nginx-unprivileged:1.25', 8080)).toContain('<title>Welcome to nginx!</title>')
  expect(await lab.out('kubectl exec few -- sh -c "id -u; cat /tmp/nginx.pid; nginx -s reload 2>&1 | cut -d\\  -f3-"')).toMatch(/^101\n1\n\[notice\] \d+#\d+: signal process started\n$/)
  expect(await ask('multi', 'wbitt/network-multitool', 80)).toMatch(/^WBITT Network MultiTool \(with NGINX\) - multi - 10\.244\.\d+\.\d+ - HTTP: 80 , HTTPS: 443 \. \(Formerly praqma\/network-multitool\)\n$/)
})

test('nginx logs in the format and to the file that its configuration names', async () => {
  await lab.out(`kubectl run web --image=nginx:1.27.3; kubectl wait --for=condition=Ready pod/web
kubectl exec -i web -- sh -c 'cat > /etc/nginx/conf.d/default.conf; nginx -s reload 2>/dev/null' <<'X'
log_format short escape=json '{"status":$status,"uri":"$request_uri","bytes":$body_bytes_sent,"from":"$http_referer"}';
server {
  listen 80;
  access_log /tmp/access.log short;
  location /quiet { access_log off; return 204; }
  location /plain { access_log /tmp/plain.log; return 200 four; }
}
X
sleep 1; kubectl exec web -- sh -c 'curl -s localhost/quiet; curl -s localhost/plain; curl -s localhost/?a=1 >/dev/null'`)
  expect(await lab.out('kubectl exec web -- cat /tmp/access.log')).toBe('{"status":404,"uri":"/?a=1","bytes":153,"from":""}\n')
  expect(await lab.out('kubectl exec web -- cat /tmp/plain.log')).toMatch(/^127\.0\.0\.1 - - \[.*\] "GET \/plain HTTP\/1\.1" 200 4 "-" "curl\/\S+"\n$/)
})

test("kubectl in a pod acts as the pod's service account", async () => {
  expect(await lab.out('kubectl run ctl --image=bitnami/kubectl --restart=Never -- get pods net; sleep 5; kubectl logs ctl')).toContain('pods "net" is forbidden: User "system:serviceaccount:default:default" cannot get resource "pods"')
  expect(await lab.out('kubectl create clusterrolebinding look --clusterrole=view --serviceaccount=default:default >/dev/null; kubectl run again --image=registry.k8s.io/kubectl:v1.36.0 --restart=Never -- get pods net -o name >/dev/null; sleep 5; kubectl logs again')).toBe('pod/net\n')
})

test("the guestbook of before knows master and slave, and releases are what their tags say", async () => {
  await lab.out(`kubectl run redis-master --image=registry.k8s.io/redis:e2e --port=6379 --expose >/dev/null; kubectl run redis-slave --image=gcr.io/google_samples/gb-redisslave:v1 --port=6379 --expose --env=GET_HOSTS_FROM=dns >/dev/null; kubectl run front --image=gcr.io/google-samples/gb-frontend:v4 --port=80 --expose --env=GET_HOSTS_FROM=dns >/dev/null; kubectl wait --for=condition=Ready pod redis-master redis-slave front; sleep 5`)
  expect(await lab.out('kubectl exec net -- curl -s "http://front/guestbook.php?cmd=set&key=m&value=,hi"; sleep 3; kubectl exec net -- curl -s "http://front/guestbook.php?cmd=get&key=m"')).toBe('{"message": "Updated"}{"data": ",hi"}')
  expect(await lab.out('for image in ubuntu:18.04 debian:11-slim alpine:3.12; do kubectl run ${image//[:.]/-} --image=$image --restart=Never -- sh -c ". /etc/os-release; echo \\$PRETTY_NAME" >/dev/null; done; sleep 8; for pod in ubuntu-18-04 debian-11-slim alpine-3-12; do kubectl logs $pod; done')).toBe('Ubuntu 18.04.6 LTS\nDebian GNU/Linux 11 (bullseye)\nAlpine Linux v3.12\n')
})

test('memcached keeps values for as long as it is told, by its protocol', async () => {
  await lab.out('kubectl run cache --image=memcached:1.6-alpine --port=11211 --expose -- -m 64; kubectl wait --for=condition=Ready pod/cache')
  const say = (...lines: string[]) => lab.out(`kubectl exec net -- sh -c "printf '${lines.map((line) => `${line}\\r\\n`).join('')}quit\\r\\n' | nc cache 11211"`)
  expect(await say('set a 7 0 2', 'hi', 'set n 0 5 1', '9', 'get a n b', 'incr n 2', 'add a 0 0 1', 'x', 'nonsense', 'version')).toBe('STORED\r\nSTORED\r\nVALUE a 7 2\r\nhi\r\nVALUE n 0 1\r\n9\r\nEND\r\n11\r\nNOT_STORED\r\nERROR\r\nVERSION 1.6.39\r\n')
  expect(await lab.out('sleep 6') + await say('get a n', 'delete a', 'delete a')).toBe('VALUE a 7 2\r\nhi\r\nEND\r\nDELETED\r\nNOT_FOUND\r\n')
  expect(await say('stats')).toMatch(/STAT get_misses 2\r\n[\s\S]*STAT curr_items 0\r\nEND/)
})
