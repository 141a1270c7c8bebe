import { afterAll, beforeAll, expect, test } from 'vitest'
import { singleNodeTopology } from '../src/cluster/topology.ts'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'
// Loaded when first used, which takes real time: a stepped clock would leap over it.
import '../src/cli/helm/helm.ts'
import '../src/cluster/images/klipper-helm/entry.ts'
import '../src/cluster/images/traefik/main.ts'
import '../src/cluster/k3s/server-controllers.ts'

let lab: Lab
beforeAll(async () => { lab = await startLab('k3s-traefik-chart', singleNodeTopology(undefined, ['metrics-server'])) }, 60_000)
afterAll(() => lab.stop())

const out = (script: string) => lab.out(script)
const system = (command: string) => out(`kubectl -n kube-system ${command}`)
const configure = async (values: string) => {
  lab.writeFile('config.yaml', JSON.stringify({ apiVersion: 'helm.cattle.io/v1', kind: 'HelmChartConfig', metadata: { name: 'traefik', namespace: 'kube-system' }, spec: { valuesContent: values } }))
  await out('kubectl apply -f config.yaml; sleep 60')
}
const deployment = (path: string) => system(`get deployment traefik -o jsonpath='{${path}}'`)

test('Traefik comes from two charts, that the server itself has to give', async () => {
  expect(await out('helm list -n kube-system -o json | jq -r ".[] | [.name, .revision, .status, .chart, .app_version] | @tsv"')).toBe('traefik\t1\tdeployed\ttraefik-39.0.701+up39.0.7\tv3.6.12\ntraefik-crd\t1\tdeployed\ttraefik-crd-39.0.701+up39.0.7\tv3.6.12\n')
  expect(await system('get helmcharts --no-headers -o custom-columns=N:.metadata.name,C:.spec.chart,J:.status.jobName')).toMatch(/^traefik +https:\/\/%\{KUBERNETES_API\}%\/static\/charts\/traefik-39\.0\.701\+up39\.0\.7\.tgz +helm-install-traefik\ntraefik-crd +\S+ +helm-install-traefik-crd\n$/)
  expect(await system('logs job/helm-install-traefik')).toMatch(/\+ helm install --set-string global\.systemDefaultRegistry= traefik https:\/\/10\.43\.0\.1:443\/static\/charts\/traefik-39\.0\.701\+up39\.0\.7\.tgz --values \/config\/values-0-000-HelmChart-ValuesContent\.yaml\n[^]*\ntraefik with docker\.io\/rancher\/mirrored-library-traefik:3\.6\.13 has been deployed successfully on kube-system namespace!\n/)
  expect(await out('curl -sk https://drydock:6443/static/charts/; curl -sk -o t.tgz -w "%{content_type} " https://drydock:6443/static/charts/traefik-39.0.701+up39.0.7.tgz; tar tzf t.tgz | head -1; curl -sk -o /dev/null -w "%{http_code}" "https://drydock:6443/static/%2e%2e/token"')).toMatch(/<a href="traefik-39\.0\.701\+up39\.0\.7\.tgz">[^]*application\/gzip traefik\/Chart\.yaml\n40[34]$/)
})

test('the Gateway API\'s standard channel is there', async () => {
  expect(await out(`kubectl get crd gateways.gateway.networking.k8s.io -o jsonpath='{.metadata.annotations.gateway\\.networking\\.k8s\\.io/channel} {.metadata.annotations.gateway\\.networking\\.k8s\\.io/bundle-version} {.metadata.annotations.helm\\.sh/resource-policy} {.metadata.labels.app\\.kubernetes\\.io/managed-by} {.metadata.annotations.meta\\.helm\\.sh/release-name}'`)).toBe('standard v1.4.0 keep Helm traefik-crd')
  expect((await out('kubectl get crd -o name | cut -d/ -f2 | cut -d. -f2- | sort | uniq -c')).trim().split('\n').map((line) => line.trim())).toEqual(['6 gateway.networking.k8s.io', '2 helm.cattle.io', '13 hub.traefik.io', '2 k3s.cattle.io', '10 traefik.io'])
  expect((await lab.run('kubectl get gatewayclasses')).stderr).toBe('No resources found\n')
})

test('a HelmChartConfig changes what Traefik is told, how often it runs, and how it is reached', async () => {
  await configure('deployment:\n  replicas: 2\nports:\n  web:\n    nodePort: 30080\n  websecure:\n    expose:\n      default: false\nadditionalArguments:\n- --api.insecure=true\nlogs:\n  access:\n    enabled: true\ningressClass:\n  isDefaultClass: false\n')
  expect(await system(`get job helm-install-traefik -o jsonpath='{.spec.template.spec.volumes[?(@.name=="values")].projected.sources[0].secret.items[*].path}'`)).toBe('values-0-000-HelmChart-ValuesContent.yaml values-1-000-HelmChartConfig-ValuesContent.yaml')
  expect(await deployment('.status.readyReplicas')).toBe('2')
  expect(await deployment('.spec.template.spec.containers[0].args')).toMatch(/"--accesslog=true".*"--api\.insecure=true"/)
  expect(await system('get service traefik --no-headers')).toMatch(/ 80:30080\/TCP +\S+\n$/)
  expect(await out('kubectl get ingressclass traefik -o jsonpath="{.metadata.annotations.ingressclass\\.kubernetes\\.io/is-default-class}"')).toBe('false')
  expect(await out('curl -s -o /dev/null -w "%{http_code}" http://drydock:30080/')).toBe('404')
  expect(await out('helm get values -n kube-system traefik | head -3')).toBe('USER-SUPPLIED VALUES:\nadditionalArguments:\n- --api.insecure=true\n')
})

test('with its provider on, the chart makes a class and a Gateway, and routes go through it', async () => {
  await configure('providers:\n  kubernetesGateway:\n    enabled: true\ngateway:\n  listeners:\n    web:\n      port: 8000\n      protocol: HTTP\n      namespacePolicy:\n        from: All\n')
  expect(await deployment('.status.readyReplicas')).toBe('1')
  expect(await out('kubectl get gatewayclass traefik --no-headers; kubectl -n kube-system get gateway traefik-gateway --no-headers')).toMatch(/^traefik +traefik\.io\/gateway-controller +True .*\ntraefik-gateway +traefik +10\.89\.0\.2 +True .*\n$/)
  lab.writeFile('route.yaml', 'apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: web}\nspec: {parentRefs: [{name: traefik-gateway, namespace: kube-system}], hostnames: [web.example.com], rules: [{backendRefs: [{name: web, port: 80}]}]}\n')
  await out('kubectl create deployment web --image=nginx; kubectl expose deployment web --port=80; kubectl rollout status deployment/web; kubectl apply -f route.yaml; sleep 5')
  expect(await out('curl -s -H "Host: web.example.com" http://10.89.0.2/')).toContain('Welcome to nginx!')
})

test('values that can\'t be fail the job with the chart\'s words; what is right again is installed', async () => {
  await configure('hub:\n  token: secret\n')
  expect(await system('logs job/helm-install-traefik')).toContain('ERROR: hub.token is not supported by this build of the chart')
  await configure('service:\n  type: NodePort\n')
  expect(await system('get service traefik -o jsonpath={.spec.type}')).toBe('NodePort')
  expect(await system('get pods -o name')).not.toContain('svclb')
  await system('delete helmchartconfig traefik; sleep 60')
  expect(await system('get service traefik -o jsonpath="{.spec.type} {.status.loadBalancer.ingress[0].ip}"')).toBe('LoadBalancer 10.89.0.2')
})

test('without its charts Traefik goes, the definitions of the Gateway API stay', async () => {
  await out('ssh drydock "touch /var/lib/rancher/k3s/server/manifests/traefik.yaml.skip"; kubectl delete helmchart -n kube-system traefik traefik-crd; sleep 30')
  expect(await out('helm list -n kube-system -q; kubectl get crd -o name | cut -d/ -f2 | cut -d. -f2- | sort -u')).toBe('gateway.networking.k8s.io\nhelm.cattle.io\nk3s.cattle.io\n')
})
