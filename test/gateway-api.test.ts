import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'
import definitions from '../src/cluster/k3s/charts/gateway-definitions.json' with { type: 'json' }
// Loaded when first used, which takes real time: a stepped clock would leap over it.
import '../src/cluster/images/traefik/main.ts'

const TRAEFIK = `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: traefik}
rules:
- {apiGroups: [""], resources: [services, secrets, namespaces, configmaps], verbs: [get, list, watch]}
- {apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [get, list, watch]}
- {apiGroups: [gateway.networking.k8s.io], resources: ["*"], verbs: [get, list, watch]}
- {apiGroups: [gateway.networking.k8s.io], resources: [gatewayclasses/status, gateways/status, httproutes/status, grpcroutes/status, backendtlspolicies/status], verbs: [update]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: traefik}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: traefik}
subjects: [{kind: ServiceAccount, name: traefik, namespace: default}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: traefik}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: traefik}
spec:
  selector: {matchLabels: {app: traefik}}
  template:
    metadata: {labels: {app: traefik}}
    spec:
      serviceAccountName: traefik
      containers:
      - name: traefik
        image: traefik:v3.6.13
        args: [--log.level=INFO, "--entryPoints.web.address=:8000", "--entryPoints.websecure.address=:8443", --entryPoints.websecure.http.tls=true, --providers.kubernetesgateway, --providers.kubernetesgateway.statusaddress.ip=192.0.2.80]
---
apiVersion: v1
kind: Service
metadata: {name: traefik}
spec:
  type: NodePort
  selector: {app: traefik}
  ports: [{name: web, port: 80, targetPort: 8000, nodePort: 30080}, {name: websecure, port: 443, targetPort: 8443, nodePort: 30443}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: traefik}
spec: {controllerName: traefik.io/gateway-controller}
`

/** As from v1.4.1 on: policies have a status of their own. */
const released = definitions.map((definition) => (definition.spec.names.kind === 'BackendTLSPolicy' ? { ...definition, spec: { ...definition.spec, versions: definition.spec.versions.map((version) => ({ ...version, subresources: { status: {} } })) } } : definition))

let lab: Lab
let node = ''
beforeAll(async () => {
  lab = await startLab('gateway-api')
  lab.writeFile('crds.json', JSON.stringify({ apiVersion: 'v1', kind: 'List', items: released }))
  lab.writeFile('traefik.yaml', TRAEFIK)
  await lab.out('kubectl apply -f crds.json && kubectl wait --for=condition=Established crd --all && kubectl apply -f traefik.yaml && kubectl create namespace shop && for name in alpaca bandicoot; do kubectl create deployment $name --image=registry.k8s.io/e2e-test-images/agnhost:2.53 -- /agnhost netexec --http-port=8080; kubectl expose deployment $name --port 80 --target-port 8080; done; kubectl create deployment -n shop shop --image=registry.k8s.io/e2e-test-images/agnhost:2.53 -- /agnhost netexec --http-port=8080; kubectl expose -n shop deployment shop --port 80 --target-port 8080; kubectl wait --for=condition=Available deploy --all -A')
  node = (await lab.out(`kubectl get nodes -o jsonpath='{.items[1].status.addresses[0].address}'`)).trim()
}, 240_000)
afterAll(() => lab.stop())

const out = (script: string) => lab.out(script)
const ask = (host: string, uri = '/hostname', more = '') => out(`curl -s ${more} -H 'Host: ${host}' 'http://${node}:30080${uri}'`)

async function apply(name: string, ...objects: string[]): Promise<void> {
  lab.writeFile(`${name}.yaml`, objects.map((object) => `apiVersion: gateway.networking.k8s.io/v1\n${object}\n`).join('---\n'))
  await out(`kubectl apply -f ${name}.yaml; sleep 4`)
}
const gateway = (listeners: string, name = 'front') => `kind: Gateway\nmetadata: {name: ${name}}\nspec: {gatewayClassName: traefik, listeners: [${listeners}]}`
const route = (name: string, rules: string, more = '') => `kind: HTTPRoute\nmetadata: {name: ${name}}\nspec: {parentRefs: [{name: front}], hostnames: [${name}.example.com], rules: [${rules}]${more}}`
const to = (...names: string[]) => `backendRefs: [${names.map((name) => `{name: ${name}, port: 80}`).join(', ')}]`
const conditions = (kind: string, path: string) => out(`kubectl get ${kind} -o jsonpath='{range ${path}[*]}{.type}={.status} {.reason}: {.message}{"\\n"}{end}'`)

test('a class is accepted, and a Gateway gets its address and tells what its listeners take', async () => {
  await apply('front', gateway('{name: web, port: 8000, protocol: HTTP}'))
  expect(await out('kubectl get gatewayclass --no-headers')).toMatch(/^traefik +traefik\.io\/gateway-controller +True /)
  expect(await out('kubectl get gtw --no-headers')).toMatch(/^front +traefik +192\.0\.2\.80 +True /)
  expect(await conditions('gateway front', '.status.conditions')).toBe('Accepted=True Accepted: Gateway successfully scheduled\nProgrammed=True Programmed: Gateway successfully scheduled\n')
  expect(await out(`kubectl get gateway front -o jsonpath='{.status.listeners[0].supportedKinds[*].kind} {.status.listeners[0].attachedRoutes}'`)).toBe('HTTPRoute GRPCRoute 0')
})

test('routes match by host, path, method, headers and query, the more specific one first', async () => {
  await apply('match',
    route('all', `{${to('alpaca')}}, {matches: [{path: {type: PathPrefix, value: /host}}, {path: {type: Exact, value: /hostname}, headers: [{name: X-Who, value: b}]}, {path: {value: /hostname}, queryParams: [{name: who, value: b}]}, {path: {value: /hostname}, method: POST}], ${to('bandicoot')}}`),
    `kind: HTTPRoute\nmetadata: {name: wild}\nspec: {parentRefs: [{name: front, sectionName: web}], hostnames: ["*.wild.example.com"], rules: [{${to('alpaca')}}]}`)
  // A prefix means whole elements of a path.
  expect(await ask('all.example.com')).toMatch(/^alpaca-/)
  expect(await ask('all.example.com', '/hostname', '-H "X-Who: b"')).toMatch(/^bandicoot-/)
  expect(await ask('all.example.com', '/hostname?who=b')).toMatch(/^bandicoot-/)
  expect(await ask('all.example.com', '/hostname', '-X POST')).toMatch(/^bandicoot-/)
  expect(await ask('a.b.wild.example.com')).toMatch(/^alpaca-/)
  expect(await ask('wild.example.com', '/', '-w "%{http_code}"')).toBe('404 page not found\n404')
  expect(await conditions('httproute all', '.status.parents[0].conditions')).toBe('Accepted=True Accepted: \nResolvedRefs=True ResolvedRefs: \n')
  expect(await out(`kubectl get gateway front -o jsonpath='{.status.listeners[0].attachedRoutes}'`)).toBe('2')
})

test('filters change headers and paths and send elsewhere', async () => {
  await apply('filters',
    route('headers', `{filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: X-Set, value: one}], add: [{name: X-More, value: b}], remove: [X-Gone]}}, {type: ResponseHeaderModifier, responseHeaderModifier: {add: [{name: X-Made, value: here}]}}], ${to('alpaca')}}`),
    route('cookies', '{filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {add: [{name: Set-Cookie, value: a=1}]}}], backendRefs: [{name: alpaca, port: 80, filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {add: [{name: Set-Cookie, value: b=2}]}}]}]}'),
    route('rewrite', `{matches: [{path: {value: /old}}], filters: [{type: URLRewrite, urlRewrite: {hostname: inner.example.com, path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}}], ${to('alpaca')}}`),
    route('moved', '{matches: [{path: {value: /a}}], filters: [{type: RequestRedirect, requestRedirect: {scheme: https, path: {type: ReplacePrefixMatch, replacePrefixMatch: /b}, statusCode: 301}}]}, {filters: [{type: RequestRedirect, requestRedirect: {hostname: other.example.com}}]}'),
    route('mirror', `{filters: [{type: RequestMirror, requestMirror: {backendRef: {name: bandicoot, port: 80}}}], ${to('alpaca')}}`))
  expect(await ask('headers.example.com', '/header?key=X-Set', '-i')).toMatch(/X-Made: here\r\n\r\none$/)
  expect(await ask('headers.example.com', '/header?key=X-Gone', '-H "X-Gone: x"')).toBe('')
  expect(await ask('headers.example.com', '/header?key=X-More', '-H "X-More: a"')).toBe('a')
  expect(JSON.parse(await ask('headers.example.com', '/header', '-H "X-More: a"'))['X-More']).toEqual(['a', 'b'])
  expect((await ask('cookies.example.com', '/hostname', '-i')).match(/^set-cookie: .*$/gim)?.map((line) => line.slice(12).trim())).toEqual(['b=2', 'a=1'])
  expect(await ask('rewrite.example.com', '/old/hostname')).toMatch(/^alpaca-/)
  expect(await ask('moved.example.com', '/a/x?q=1', '-o /dev/null -w "%{http_code} %{redirect_url}"')).toBe('301 https://moved.example.com/b/x?q=1')
  expect(await ask('moved.example.com', '/c', '-o /dev/null -w "%{http_code} %{redirect_url}"')).toMatch(/^302 http:\/\/other\.example\.com(:\d+)?\/c$/)
  expect(await ask('mirror.example.com', '/', '-o /dev/null -w "%{http_code}"')).toBe('500')
  expect(await out('kubectl logs deploy/traefik')).toContain('ERR Unable to load HTTPRoute filters error="unsupported filter RequestMirror"')
})

test('weights share requests, and what can\'t be had is answered with 500 and told in the status', async () => {
  await apply('weights', route('split', '{backendRefs: [{name: alpaca, port: 80, weight: 3}, {name: bandicoot, port: 80, weight: 1}]}'), route('nobody', `{${to('nobody')}}`),
    `kind: HTTPRoute\nmetadata: {name: foreign}\nspec: {parentRefs: [{name: front}], hostnames: [foreign.example.com], rules: [{backendRefs: [{name: shop, namespace: shop, port: 80}]}]}`)
  const answers = (await out(`for i in 1 2 3 4 5 6 7 8; do curl -s -H 'Host: split.example.com' http://${node}:30080/hostname; echo; done`)).split('\n')
  expect([answers.filter((each) => each.startsWith('alpaca')).length, answers.filter((each) => each.startsWith('bandicoot')).length]).toEqual([6, 2])
  expect(await ask('nobody.example.com', '/', '-w "%{http_code}"')).toBe('500')
  expect(await conditions('httproute nobody', '.status.parents[0].conditions')).toBe('Accepted=True Accepted: \nResolvedRefs=False BackendNotFound: Cannot load HTTPBackendRef default/nobody: getting service: service "nobody" not found\n')
  expect(await conditions('httproute foreign', '.status.parents[0].conditions')).toContain('ResolvedRefs=False RefNotPermitted: Cannot load HTTPBackendRef core/Service/shop/shop: missing ReferenceGrant')
  expect(await ask('foreign.example.com', '/', '-w "%{http_code}"')).toBe('500')
  lab.writeFile('grant.yaml', 'apiVersion: gateway.networking.k8s.io/v1beta1\nkind: ReferenceGrant\nmetadata: {name: routes, namespace: shop}\nspec: {from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: default}], to: [{group: "", kind: Service}]}\n')
  await out('kubectl apply -f grant.yaml; sleep 4')
  expect(await ask('foreign.example.com')).toMatch(/^shop-/)
})

test('listeners have certificates, hosts and namespaces of their own, and tell what is wrong with them', async () => {
  await out('openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=safe.example.com -addext subjectAltName=DNS:safe.example.com -keyout t.key -out t.crt 2>/dev/null; kubectl create secret tls safe --cert t.crt --key t.key')
  await apply('more', gateway('{name: web, port: 8000, protocol: HTTP}, {name: secure, port: 8443, protocol: HTTPS, hostname: safe.example.com, tls: {certificateRefs: [{name: safe}]}, allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {team: shop}}}}}'),
    'kind: HTTPRoute\nmetadata: {name: safe, namespace: shop}\nspec: {parentRefs: [{name: front, namespace: default, sectionName: secure}], rules: [{backendRefs: [{name: shop, port: 80}]}]}', gateway('{name: odd, port: 81, protocol: HTTP}, {name: bare, port: 8443, protocol: HTTPS, tls: {certificateRefs: [{name: none}]}}', 'broken'))
  expect(await out(`kubectl get httproute -n shop safe -o jsonpath='{.status.parents[0].conditions[0].reason}'`)).toBe('NotAllowedByListeners')
  await out('kubectl label namespace shop team=shop; sleep 4')
  expect(await out(`curl -s --cacert t.crt --connect-to safe.example.com:443:${node}:30443 https://safe.example.com/hostname`)).toMatch(/^shop-/)
  expect(await conditions('gateway broken', '.status.conditions')).toBe('Accepted=False ListenersNotValid: All Listeners must be valid\n')
  expect(await conditions('gateway broken', '.status.listeners[0].conditions')).toBe('Accepted=False PortUnavailable: Cannot find entryPoint for Gateway: no matching entryPoint for port 81 and protocol "HTTP"\n')
  expect(await conditions('gateway broken', '.status.listeners[1].conditions')).toBe('ResolvedRefs=False InvalidCertificateRef: Cannot load CertificateRef default/none: getting secret: secret "none" not found\nProgrammed=False Invalid: Invalid CertificateRefs\n')
  const before = await out('kubectl get gateway front -o jsonpath={.metadata.resourceVersion}')
  await out('kubectl annotate namespace shop a=b; sleep 5')
  expect(await out('kubectl get gateway front -o jsonpath={.metadata.resourceVersion}')).toBe(before)
})

test('a BackendTLSPolicy has servers asked over TLS, with the name and the authority that it says', async () => {
  await out(`openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=in.example.com -addext subjectAltName=DNS:in.example.com -keyout in.key -out in.crt 2>/dev/null; kubectl create secret tls inside --cert in.crt --key in.key; kubectl create configmap authority --from-file=ca.crt=in.crt
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=in.example.com -addext subjectAltName=DNS:in.example.com -keyout no.key -out no.crt 2>/dev/null; kubectl create configmap stranger --from-file=ca.crt=no.crt`)
  lab.writeFile('echo.yaml', `apiVersion: v1
kind: Pod
metadata: {name: echo, labels: {app: echo}}
spec:
  containers: [{name: echo, image: "gcr.io/k8s-staging-gateway-api/echo-basic:v20260204-monthly-2026.01-60-g28382302", env: [{name: TLS_SERVER_CERT, value: /tls/tls.crt}, {name: TLS_SERVER_PRIVKEY, value: /tls/tls.key}], volumeMounts: [{name: tls, mountPath: /tls}]}]
  volumes: [{name: tls, secret: {secretName: inside}}]
---
apiVersion: v1
kind: Service
metadata: {name: echo}
spec: {selector: {app: echo}, ports: [{name: tls, port: 443, targetPort: 8443}, {name: plain, port: 80, targetPort: 3000}]}
`)
  await out('kubectl apply -f echo.yaml && kubectl wait --for=condition=Ready pod/echo')
  const policy = (name: string, authority: string, hostname = 'in.example.com') => `kind: BackendTLSPolicy\nmetadata: {name: ${name}}\nspec: {targetRefs: [{group: "", kind: Service, name: echo, sectionName: tls}], validation: {hostname: ${hostname}, caCertificateRefs: [{group: "", kind: ConfigMap, name: ${authority}}]}}`
  await apply('echo-route', route('echo', '{matches: [{path: {value: /plain}}], backendRefs: [{name: echo, port: 80}]}, {backendRefs: [{name: echo, port: 443}]}'))
  // Without a policy the system's authorities would have to know the certificate.
  await apply('policy', policy('inside', 'authority'))
  expect(JSON.parse(await ask('echo.example.com', '/a'))).toMatchObject({ path: '/a', tls: { serverName: 'in.example.com' } })
  expect(JSON.parse(await ask('echo.example.com', '/plain'))).not.toHaveProperty('tls')
  expect(await conditions('backendtlspolicy inside', '.status.ancestors[0].conditions')).toBe('ResolvedRefs=True ResolvedRefs: \nAccepted=True Accepted: \n')
  await out('sleep 2')
  await apply('second', policy('second', 'authority'))
  expect(await conditions('backendtlspolicy second', '.status.ancestors[0].conditions')).toBe('ResolvedRefs=False ResolvedRefs: \nAccepted=False Conflicted: \n')
  await out('kubectl delete backendtlspolicy second')
  for (const [authority, hostname] of [['stranger', 'in.example.com'], ['authority', 'other.example.com']] as const) {
    await apply('policy', policy('inside', authority, hostname))
    expect(await ask('echo.example.com', '/a', '-w " %{http_code}"')).toBe('Internal Server Error 500')
  }
  await apply('policy', policy('inside', 'missing'))
  expect(await conditions('backendtlspolicy inside', '.status.ancestors[0].conditions')).toBe('ResolvedRefs=False InvalidCACertificateRef: getting configmap default/missing: configmap "missing" not found\nAccepted=False NoValidCACertificate: \n')
  expect(await conditions('httproute echo', '.status.parents[0].conditions')).toContain('ResolvedRefs=False RefNotPermitted: Cannot apply BackendTLSPolicy for Service default/echo: getting configmap default/missing')
})

test('gRPC\'s calls go by service, method and headers to servers that speak HTTP/2 alone, and come back with their outcome', async () => {
  const image = 'gcr.io/k8s-staging-gateway-api/echo-basic:v20240412-v1.0.0-394-g40c666fd'
  lab.writeFile('calls.yaml', ['one', 'two'].map((name) => `apiVersion: v1
kind: Pod
metadata: {name: calls-${name}, labels: {app: calls-${name}}}
spec: {containers: [{name: echo, image: "${image}", env: [{name: GRPC_ECHO_SERVER, value: "1"}, {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: calls-${name}}
spec: {selector: {app: calls-${name}}, ports: [{port: 8080, targetPort: 3000, appProtocol: kubernetes.io/h2c}]}
`).join('---\n'))
  await out('kubectl apply -f calls.yaml && kubectl wait --for=condition=Ready pod/calls-one pod/calls-two')
  const service = 'gateway_api_conformance.echo_basic.grpcecho.GrpcEcho'
  const backend = (name: string, more = '') => `backendRefs: [{name: ${name}, port: 8080${more}}]`
  await apply('calls', `kind: GRPCRoute\nmetadata: {name: calls}\nspec: {parentRefs: [{name: front}], hostnames: [calls.example.com], rules: [{matches: [{method: {service: ${service}, method: Echo}}], ${backend('calls-one')}}, {matches: [{method: {service: ${service}, method: EchoTwo}}], ${backend('calls-two')}}, {matches: [{headers: [{name: color, value: blue}]}], ${backend('nobody')}}]}`)
  const call = (method: string, more = '') => out(`printf '\\0\\0\\0\\0\\0' | curl -s -i --http2-prior-knowledge -H 'Host: calls.example.com' -H 'content-type: application/grpc' -H 'te: trailers' ${more} --data-binary @- http://${node}:30080/${service}/${method} | tr -cd '\\11\\12\\15\\40-\\176'`)
  expect(await call('Echo')).toMatch(/^HTTP\/2 200 \r\n[^]*calls-one[^]*grpc-status: 0\r\n/)
  expect(await call('EchoTwo')).toMatch(/calls-two[^]*grpc-status: 0\r\n/)
  // Traefik's rule is a pattern without an end.
  expect(await call('EchoThree')).toMatch(/^HTTP\/2 200 [^]*grpc-status: 12\r\n/)
  expect(await call('Other')).toMatch(/^HTTP\/2 404 /)
  expect(await call('Other', '-H "color: blue"')).toMatch(/^HTTP\/2 200 [^]*grpc-status: 14\r\n/)
  expect(await conditions('grpcroute calls', '.status.parents[0].conditions')).toBe('Accepted=True Accepted: \nResolvedRefs=False BackendNotFound: Cannot load GRPCBackendRef core/Service/default/nobody: service not found\n')
  await apply('calls', `kind: GRPCRoute\nmetadata: {name: calls}\nspec: {parentRefs: [{name: front}], hostnames: [calls.example.com], rules: [{${backend('shop', ', namespace: shop')}}]}`)
  expect(await conditions('grpcroute calls', '.status.parents[0].conditions')).toContain('ResolvedRefs=False RefNotPermitted: Cannot load GRPCBackendRef core/Service/shop/shop: missing ReferenceGrant')
  // Servers of gRPC speak HTTP/2 and nothing else; most others begin with HTTP/1.1.
  const pod = (await out(`kubectl get pod calls-one -o jsonpath={.status.podIP}`)).trim()
  const other = (await out(`kubectl get pod -l app=alpaca -o jsonpath='{.items[0].status.podIP}'`)).trim()
  expect(await out(`kubectl run client --image=curlimages/curl --restart=Never -q -i --command -- sh -c 'curl -sS http://${pod}:3000/; curl -sS --http2-prior-knowledge http://${other}:8080/; curl -s -o /dev/null -w "%{http_version} " --http2-prior-knowledge http://${pod}:3000/; curl -s -o /dev/null -w "%{http_version}" http://${other}:8080/' 2>&1`)).toBe('curl: (1) Received HTTP/0.9 when not allowed\ncurl: (16) Error in the HTTP2 framing layer\n2 1.1')
})
