import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'
// Loaded when first used, which takes real time: a stepped clock would leap over it.
import '../src/cluster/node/node-machine.ts'
import '../src/unix/ssh.ts'

let lab: Lab
beforeAll(async () => {
  lab = await startLab('control plane')
  await lab.run('kubectl create deployment web --image=nginx --replicas=3; kubectl expose deployment web --port=80; kubectl wait --for=condition=Available deployment/web')
})
afterAll(() => lab.stop())

const run = async (script: string) => {
  const { stdout, stderr } = await lab.run(script, { withinMs: 400_000 })
  return stdout + stderr
}
const takeAway = (component: string) => run(`ssh drydock-control-plane 'mv /etc/kubernetes/manifests/${component}.yaml /etc/kubernetes/; sleep 3'`)
const putBack = (component: string, seconds: number) => run(`ssh drydock-control-plane 'mv /etc/kubernetes/${component}.yaml /etc/kubernetes/manifests/; sleep ${seconds}'`)

test('without its scheduler a cluster binds no pods, with it again it does', async () => {
  await takeAway('kube-scheduler')
  expect(await run('kubectl get pods -n kube-system')).not.toContain('kube-scheduler')
  expect(await run('kubectl get componentstatuses scheduler 2>/dev/null')).toMatch(/^scheduler +Unhealthy +Get "https:\/\/127\.0\.0\.1:10259\/healthz": dial tcp 127\.0\.0\.1:10259: connect: connection refused/m)
  expect(await run('kubectl run waits --image=nginx; sleep 5; kubectl get pod waits --no-headers')).toMatch(/waits +0\/1 +Pending/)
  await putBack('kube-scheduler', 5)
  expect(await run('kubectl get pod waits --no-headers')).toMatch(/waits +1\/1 +Running/)
})

test('without its controller manager a deleted replica is not replaced', async () => {
  await takeAway('kube-controller-manager')
  expect(await run('kubectl delete pod -l app=web >/dev/null; sleep 5; kubectl get pods -l app=web')).toBe('No resources found in default namespace.\n')
  await putBack('kube-controller-manager', 5)
  expect((await run('kubectl get pods -l app=web --no-headers')).match(/Running/g)).toHaveLength(3)
})

test('without its API server nobody is answered, containers run on, and the rest finds its way back', async () => {
  const pod = await run(`kubectl get pod -l app=web -o jsonpath='{.items[0].status.podIP}'`)
  await takeAway('kube-apiserver')
  expect(await run('kubectl get pods')).toBe('The connection to the server 127.0.0.1:6443 was refused - did you specify the right host or port?\n')
  expect(await run(`curl -s ${pod} | grep title`)).toContain('Welcome to nginx!')
  await lab.cluster.clock.advance(30_000)
  await putBack('kube-apiserver', 60)
  // Whoever lost its lease meanwhile was started again.
  expect(await run('kubectl get pods -n kube-system --no-headers | grep -E "scheduler|manager"')).toMatch(/manager\S+ +1\/1 +Running +[1-9].*\n.*scheduler\S+ +1\/1 +Running +[1-9]/)
  expect(await run('kubectl get nodes --no-headers')).not.toContain('NotReady')
})

test('without etcd requests run into their time limit, and the API server is restarted until it is back', async () => {
  await takeAway('etcd')
  expect(await run('kubectl create configmap a --from-literal=a=b')).toBe('error: failed to create configmap: Timeout: request did not complete within requested timeout - context deadline exceeded\n')
  expect(await run('kubectl get pods')).toBe('Error from server (Timeout): the server was unable to return a response in the time allotted, but may still be processing the request (get pods)\n')
  await lab.cluster.clock.advance(60_000)
  expect(await run('kubectl get pods')).toContain('was refused')
  await putBack('etcd', 120)
  expect(await run('kubectl get pods -l app=web --no-headers')).toMatch(/Running/)
  expect(await run('kubectl get configmap a')).toContain('NotFound')
})

test('a manifest that is changed or added on a node is a pod of its own', async () => {
  expect(await run(`ssh drydock-worker 'printf "apiVersion: v1\\nkind: Pod\\nmetadata: {name: page}\\nspec: {containers: [{name: nginx, image: nginx:1.27}]}\\n" > /etc/kubernetes/manifests/page.yaml'; sleep 5; kubectl get pod page-drydock-worker --no-headers`)).toMatch(/page-drydock-worker +1\/1 +Running/)
  expect(await run(`ssh drydock-worker 'sed -i s/1.27/1.28/ /etc/kubernetes/manifests/page.yaml'; sleep 5; kubectl get pod page-drydock-worker -o jsonpath='{.spec.containers[0].image} {.status.phase}'`)).toBe('nginx:1.28 Running')
  expect(await run(`ssh drydock-worker 'rm /etc/kubernetes/manifests/page.yaml'; sleep 3; kubectl get pod page-drydock-worker`)).toContain('NotFound')
})

test('a node without kube-proxy keeps the rules that it had', async () => {
  await run(`kubectl -n kube-system patch daemonset kube-proxy -p '{"spec":{"template":{"spec":{"nodeSelector":{"proxy":"yes"}}}}}'; kubectl label node drydock-control-plane drydock-worker2 proxy=yes; sleep 10`)
  await run('kubectl create deployment late --image=nginx; kubectl expose deployment late --port=80; kubectl wait --for=condition=Available deployment/late')
  const reach = (node: string, service: string) => run(`ssh ${node} curl -s -m 3 -o /dev/null -w '%{http_code}' $(kubectl get service ${service} -o jsonpath='{.spec.clusterIP}')`)
  expect(await reach('drydock-worker2', 'late')).toBe('200')
  expect(await reach('drydock-worker', 'late')).toBe('000')
  expect(await reach('drydock-worker', 'web')).toBe('200')
  await run('kubectl label node drydock-worker proxy=yes; sleep 10')
  expect(await reach('drydock-worker', 'late')).toBe('200')
})

test('a node whose kubelet is stopped is lost after a while, and its pods are started elsewhere', async () => {
  const nodeOf = (name: string) => run(`kubectl get pods -l app=web -o jsonpath='{range .items[*]}{.spec.nodeName}{"\\n"}{end}' | grep -c ${name}$`)
  await run('kubectl scale deployment web --replicas=4; sleep 3')
  expect(Number(await nodeOf('drydock-worker'))).toBeGreaterThan(0)
  await run('ssh drydock-worker systemctl stop kubelet')
  expect(await run('ssh drydock-worker systemctl is-active kubelet')).toBe('inactive\n')
  const pod = (await run(`kubectl get pods -l app=web --field-selector spec.nodeName=drydock-worker -o name`)).split('\n')[0]!
  expect(await run(`kubectl logs ${pod}`)).toMatch(/^Error from server: Get "https:\/\/10\.89\.0\.3:10250\/containerLogs\/default\/web-[\w-]+\/nginx": dial tcp 10\.89\.0\.3:10250: connect: connection refused\n$/)
  await lab.cluster.clock.advance(70_000)
  expect(await run('kubectl get node drydock-worker --no-headers')).toContain('NotReady')
  expect(await run(`kubectl get endpointslices -l kubernetes.io/service-name=web -o jsonpath='{.items[*].endpoints[?(@.conditions.ready==true)].addresses}'`)).not.toContain('10.244.1.')
  await lab.cluster.clock.advance(300_000)
  expect(await run('kubectl get pods -l app=web --no-headers')).toMatch(/Terminating/)
  expect(await run('kubectl get deployment web --no-headers')).toMatch(/web +4\/4/)
  await run('ssh drydock-worker systemctl start kubelet; sleep 20')
  expect(await run('kubectl get node drydock-worker --no-headers')).not.toContain('NotReady')
  expect(await run('kubectl get pods -l app=web --no-headers')).not.toMatch(/Terminating/)
})

test('what was stopped stays stopped over a reload, and can be started again', async () => {
  await takeAway('kube-scheduler')
  await takeAway('kube-apiserver')
  lab = await lab.reload()
  expect(await run('kubectl get nodes')).toContain('was refused')
  await lab.cluster.clock.advance(30_000)
  await putBack('kube-apiserver', 60)
  // The manager gave up without the API server, and its pod says so.
  expect(await run('kubectl get pods -n kube-system --no-headers | grep -E "manager|scheduler"')).toMatch(/^kube-controller-manager\S+ +1\/1 +Running +[1-9].*\n$/)
  expect(await run('kubectl run parked --image=nginx; sleep 5; kubectl get pod parked --no-headers')).toMatch(/parked +0\/1 +Pending/)
  await putBack('kube-scheduler', 5)
  expect(await run('kubectl get pod parked --no-headers')).toMatch(/parked +1\/1 +Running/)
})

test("a node's kubelet has the configuration that is in the API", async () => {
  const inApi = await run("kubectl get configmap kubelet-config -n kube-system -o jsonpath='{.data.kubelet}'")
  expect(inApi).toContain('kind: KubeletConfiguration')
  expect(await run('ssh drydock-worker cat /var/lib/kubelet/config.yaml | grep -v containerRuntimeEndpoint')).toBe(inApi)
})
