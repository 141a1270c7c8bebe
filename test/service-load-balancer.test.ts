import { afterAll, beforeAll, expect, test } from 'vitest'
import { singleNodeTopology } from '../src/cluster/topology.ts'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'

let lab: Lab
beforeAll(async () => {
  lab = await startLab('service-load-balancer', singleNodeTopology(undefined, ['traefik', 'metrics-server']))
  await lab.run('kubectl create deployment web --image=nginx:1.27; kubectl wait --for=condition=Available deployment/web')
}, 60_000)
afterAll(() => lab.stop())

const out = (script: string) => lab.out(script)

test("k3s' load balancer gives a Service the address of its node", async () => {
  await out('kubectl expose deployment web --port=80 --type=LoadBalancer; sleep 5')
  expect(await out('kubectl get service web --no-headers')).toMatch(/^web +LoadBalancer +10\.43\.\d+\.\d+ +10\.89\.0\.2 +80:\d+\/TCP /)
  expect(await out('curl -s http://10.89.0.2/')).toContain('Welcome to nginx!')
  const uid = await out('kubectl get service web -o jsonpath={.metadata.uid}')
  expect(await out('kubectl get daemonset -n kube-system -l svccontroller.k3s.cattle.io/svcname=web --no-headers')).toMatch(new RegExp(`^svclb-web-${uid.slice(0, 8)} +1 +1 +1 +1 +1 +<none> `))
  expect((await out('kubectl get events --field-selector involvedObject.name=web,involvedObject.kind=Service -o jsonpath="{range .items[*]}{.source.component} {.reason}: {.message}{\'\\n\'}{end}"')).split('\n').slice(0, -1)).toEqual([
    'service-controller EnsuringLoadBalancer: Ensuring load balancer', `service-controller AppliedDaemonSet: Applied LoadBalancer DaemonSet kube-system/svclb-web-${uid.slice(0, 8)}`, 'service-controller UpdatedLoadBalancer: Updated LoadBalancer with new IPs: [] -> [10.89.0.2]',
  ])
})

test('its pod carries what comes to the port of the node', async () => {
  const pod = await out('kubectl get pod -n kube-system -l svccontroller.k3s.cattle.io/svcname=web -o jsonpath="{.items[0].status.podIP}"')
  expect(await out(`curl -s http://${pod}/`)).toContain('Welcome to nginx!')
})

test('a second Service finds its port taken and waits', async () => {
  await out('kubectl expose deployment web --name=rival --port=80 --type=LoadBalancer; sleep 5')
  expect(await out('kubectl get service rival --no-headers')).toContain(' <pending> ')
  expect(await out('kubectl get pods -n kube-system -l svccontroller.k3s.cattle.io/svcname=rival --no-headers')).toMatch(/ 0\/1 +Pending /)
  await out('kubectl delete service web; sleep 10')
  expect(await out('kubectl get service rival --no-headers')).toContain(' 10.89.0.2 ')
})

test('a Service that is none any more gives its address back', async () => {
  await out(`kubectl patch service rival -p '{"spec":{"type":"ClusterIP"}}'; sleep 5`)
  expect(await out('kubectl get service rival -o jsonpath="{.status} {.metadata.finalizers}"')).toBe('{"loadBalancer":{}} ')
  expect(await out('kubectl get daemonset -n kube-system -l svccontroller.k3s.cattle.io/svcname -o name')).toBe('')
})
