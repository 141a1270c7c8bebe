import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { kubeadmTopology } from '../src/cluster/topology.ts'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'
// Loaded when first used, which takes real time: a stepped clock would leap over it.
import '../src/cluster/node/node-machine.ts'
import '../src/unix/ssh.ts'

// Much time passes, on five nodes.
vi.setConfig({ testTimeout: 120_000 })

let lab: Lab
beforeAll(async () => {
  lab = await startLab('high availability', kubeadmTopology(5, undefined, undefined, 3))
}, 120_000)
afterAll(() => lab?.stop())

const run = async (script: string) => {
  const { stdout, stderr } = await lab.run(script, { withinMs: 400_000 })
  return stdout + stderr
}
const PKI = '/etc/kubernetes/pki/etcd'
const etcdctl = (host: string, command: string) => run(`ssh ${host} 'crictl exec $(crictl ps -q --name etcd) etcdctl --cacert ${PKI}/ca.crt --cert ${PKI}/server.crt --key ${PKI}/server.key ${command}'`)
const pass = (seconds: number) => lab.cluster.clock.advance(seconds * 1000)
const leases = () => run("kubectl get leases -n kube-system -o custom-columns=:.metadata.name,:.spec.holderIdentity --no-headers")
const statuses = (host: string) => etcdctl(host, 'endpoint status --cluster -w json').then((text) => JSON.parse(text.split('\n').find((line) => line.startsWith('['))!) as { Endpoint: string; Status: { leader?: number; raftTerm: number; raftIndex: number; header: { member_id: number } } }[])

test('each node of the control plane has its components, its taint and its door, and a load balancer stands in front', async () => {
  expect(await run('kubectl get nodes --no-headers')).toMatch(/^drydock-control-plane +Ready +control-plane .*\ndrydock-control-plane2 +Ready +control-plane .*\ndrydock-control-plane3 +Ready +control-plane .*\ndrydock-worker +Ready +<none> .*\ndrydock-worker2 +Ready +<none> .*\n$/)
  for (const component of ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'])
    expect((await run(`kubectl get pods -n kube-system -l component=${component} --no-headers`)).match(/1\/1 +Running +0/g)).toHaveLength(3)
  expect(await run("kubectl get nodes -l node-role.kubernetes.io/control-plane -o jsonpath='{.items[*].spec.taints[*].effect}'")).toBe('NoSchedule NoSchedule NoSchedule')
  expect(await run("kubectl get endpointslices kubernetes -o jsonpath='{.endpoints[*].addresses[0]}'")).toBe('10.89.0.2 10.89.0.3 10.89.0.4')
  expect(await run('ssh drydock-worker cat /etc/kubernetes/kubelet.conf')).toContain('server: https://drydock-external-load-balancer:6443')
  expect(await run('ssh drydock-control-plane2 cat /etc/kubernetes/kubelet.conf /etc/kubernetes/scheduler.conf')).toMatch(/server: https:\/\/10\.89\.0\.3:6443[^]*server: https:\/\/10\.89\.0\.3:6443/)
  for (const address of ['drydock-external-load-balancer', '10.89.0.2', '10.89.0.3', '10.89.0.4']) expect(await run(`ssh drydock-worker curl -s --cacert /etc/kubernetes/pki/ca.crt https://${address}:6443/healthz`)).toBe('ok')
  expect(await leases()).toMatch(/^(?:apiserver-[a-z2-7]{26} +apiserver-\S+_[-0-9a-f]{36}\n){3}kube-controller-manager +drydock-control-plane_[-0-9a-f]{36}\nkube-scheduler +drydock-control-plane_[-0-9a-f]{36}\n$/)
})

test('etcdctl says who the members are, and hands the leadership over', async () => {
  expect((await etcdctl('drydock-control-plane2', 'member list')).match(/^[0-9a-f]{16}, started, drydock-control-plane[23]?, https:\/\/10\.89\.0\.[234]:2380, https:\/\/10\.89\.0\.[234]:2379, false$/gm)).toHaveLength(3)
  expect((await etcdctl('drydock-control-plane2', 'endpoint health --cluster')).match(/ is healthy: /g)).toHaveLength(3)
  const before = await statuses('drydock-control-plane')
  expect(new Set(before.map(({ Status }) => `${Status.leader} ${Status.raftTerm} ${Status.raftIndex}`)).size).toBe(1)
  const third = (await etcdctl('drydock-control-plane', 'member list')).split('\n').find((line) => line.includes('control-plane3'))!.slice(0, 16)
  expect(await etcdctl('drydock-control-plane2', `move-leader ${third}`)).toMatch(/^Error: no leader endpoint given at \[127\.0\.0\.1:2379\]\n/)
  expect(await etcdctl('drydock-control-plane', `move-leader ${third}`)).toBe(`Leadership transferred from 4179273edd2158ad to ${third}\n`)
  expect(await etcdctl('drydock-control-plane3', 'endpoint status')).toMatch(new RegExp(`^127\\.0\\.0\\.1:2379, ${third}, 3\\.6\\.8, .*, true, false, ${before[0]!.Status.raftTerm + 1}, `))
  expect(await etcdctl('drydock-control-plane', 'member promote ffff')).toContain('Error: etcdserver: member not found\n')
})

test('with one of three off writes work, others take over what it led, and its pods are started elsewhere', async () => {
  await run('kubectl create deployment web --image=nginx --replicas=2; kubectl rollout status deployment web; virsh destroy drydock-control-plane')
  expect(await run('kubectl create configmap with-two --from-literal=a=b')).toBe('configmap/with-two created\n')
  await pass(40)
  expect(await leases()).toMatch(/^(?:apiserver-\S+ +\S+\n){3}kube-controller-manager +drydock-control-plane[23]_\S+\nkube-scheduler +drydock-control-plane[23]_\S+\n$/)
  expect(await run("kubectl get lease kube-scheduler -n kube-system -o jsonpath='{.spec.leaseTransitions} {.spec.leaseDurationSeconds}'")).toBe('1 15')
  expect(await run('kubectl get events -n kube-system --field-selector reason=LeaderElection')).toMatch(/lease\/kube-scheduler +drydock-control-plane[23]_\S+ became leader/)
  expect(await run("kubectl get endpointslices kubernetes -o jsonpath='{.endpoints[*].addresses[0]}'")).toBe('10.89.0.3 10.89.0.4')
  expect(await etcdctl('drydock-control-plane2', 'endpoint health --cluster')).toMatch(/https:\/\/10\.89\.0\.2:2379 is unhealthy: failed to commit proposal: context deadline exceeded/)
  await pass(400)
  expect(await run('kubectl get node drydock-control-plane --no-headers')).toContain('NotReady')
  const coreDns = await run('kubectl get pods -n kube-system -l k8s-app=kube-dns -o wide --no-headers')
  expect(coreDns.match(/1\/1 +Running .* drydock-(worker2?|control-plane[23]) /g)).toHaveLength(2)
  expect(await run('kubectl scale deployment web --replicas=4; kubectl rollout status deployment web')).toContain('successfully rolled out')
})

test('with two of three off nothing can be written or read, and the last one says why', async () => {
  await run('virsh destroy drydock-control-plane3')
  expect(await run('kubectl create configmap with-one --from-literal=a=b')).toBe('error: failed to create configmap: etcdserver: request timed out\n')
  // By now the load balancer has noticed that the only API server left isn't well.
  expect(await run('kubectl get pods')).toBe('Unable to connect to the server: EOF\n')
  expect(await run('ssh drydock-control-plane2 curl -sk "https://localhost:6443/livez?verbose"')).toMatch(/\[-\]etcd failed: reason withheld\n[^]*livez check failed/)
  expect(await etcdctl('drydock-control-plane2', 'endpoint status')).toMatch(/^127\.0\.0\.1:2379, .*, false, false, \d+, \d+, \d+, etcdserver: no leader, , false\n/)
  expect(await etcdctl('drydock-control-plane2', 'put a b')).toMatch(/^Error: context deadline exceeded\n/)
  expect(await etcdctl('drydock-control-plane2', '--command-timeout 10s put a b')).toMatch(/^Error: etcdserver: request timed out\n/)
  expect(await etcdctl('drydock-control-plane2', 'get /registry/configmaps/default/with --prefix --keys-only --consistency=s')).toBe('/registry/configmaps/default/with-two\n\n')
  expect(await run("ssh drydock-control-plane2 curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:2381/readyz; ssh drydock-control-plane2 curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:2381/livez")).toBe('503200')
  await pass(200)
  expect(await run('ssh drydock-control-plane2 crictl ps -a --name kube-apiserver')).toContain('Exited')
  expect(await run('ssh drydock-control-plane2 crictl ps --name etcd')).toMatch(/Running +etcd +0 /)
})

test('when a second one is back everything goes on, and nothing is lost', async () => {
  await run('virsh start drydock-control-plane')
  await pass(150)
  expect(await run('kubectl get configmaps -o name')).toBe('configmap/kube-root-ca.crt\nconfigmap/with-two\n')
  expect(await run('kubectl create configmap again --from-literal=a=b; kubectl get nodes --no-headers')).toMatch(/^configmap\/again created\ndrydock-control-plane +Ready .*\ndrydock-control-plane2 +Ready .*\ndrydock-control-plane3 +NotReady .*\ndrydock-worker +Ready .*\ndrydock-worker2 +Ready /)
  expect((await run('kubectl get pods -l app=web --no-headers')).match(/1\/1 +Running/g)).toHaveLength(4)
  await run('virsh start drydock-control-plane3')
  await pass(60)
  const members = await statuses('drydock-control-plane3')
  expect(members).toHaveLength(3)
  expect(new Set(members.map(({ Status }) => `${Status.leader} ${Status.raftTerm} ${Status.raftIndex}`)).size).toBe(1)
})

test('the members and what they agreed on are there after a reload', async () => {
  await run('virsh destroy drydock-control-plane2; kubectl create configmap before --from-literal=a=b')
  const members = await etcdctl('drydock-control-plane', 'member list')
  const [status] = await statuses('drydock-control-plane')
  lab = await lab.reload()
  expect(await run('kubectl get configmap before -o name; kubectl create configmap after --from-literal=a=b')).toBe('configmap/before\nconfigmap/after created\n')
  await pass(20)
  expect(await etcdctl('drydock-control-plane', 'member list')).toBe(members)
  const [after] = await statuses('drydock-control-plane')
  expect(after!.Status.raftTerm).toBeGreaterThan(status!.Status.raftTerm)
  expect(after!.Status.raftIndex).toBeGreaterThan(status!.Status.raftIndex)
  await run('virsh start drydock-control-plane2')
  await pass(60)
  expect(await run('kubectl get nodes --no-headers')).toMatch(/drydock-control-plane2 +Ready/)
  expect((await etcdctl('drydock-control-plane2', 'endpoint health --cluster')).match(/ is healthy: /g)).toHaveLength(3)
})

test("a node whose etcd's manifest was moved away is skipped, and the others go on", async () => {
  await run('ssh drydock-control-plane3 mv /etc/kubernetes/manifests/etcd.yaml /etc/kubernetes/')
  await pass(20)
  for (let i = 0; i < 3; i++) expect(await run(`kubectl create configmap without-third-${i} --from-literal=a=b`)).toContain('created')
  await pass(60)
  // Its kubelet asks the API server beside it, which has lost its etcd.
  expect(await run('kubectl get nodes --no-headers')).toMatch(/drydock-control-plane2 +Ready .*\ndrydock-control-plane3 +NotReady /)
  expect(await etcdctl('drydock-control-plane', 'endpoint health --cluster')).toContain('https://10.89.0.4:2379 is unhealthy')
})

test('a member that was removed does not come back, until it is added anew without its data', async () => {
  const third = (await etcdctl('drydock-control-plane', 'member list')).split('\n').find((line) => line.includes('control-plane3'))!.slice(0, 16)
  expect(await etcdctl('drydock-control-plane', `member remove ${third}`)).toBe(`Member ${third} removed from cluster  681b29f5b651808\n`)
  await run('ssh drydock-control-plane3 mv /etc/kubernetes/etcd.yaml /etc/kubernetes/manifests/')
  await pass(30)
  expect(await run('ssh drydock-control-plane3 \'crictl logs $(crictl ps -aq --name etcd | head -1)\'')).toContain('the member has been permanently removed from the cluster')
  expect(await etcdctl('drydock-control-plane', 'member list')).not.toContain('10.89.0.4')
  expect(await etcdctl('drydock-control-plane', 'member add drydock-control-plane3 --peer-urls=https://10.89.0.4:2380 --learner')).toMatch(/^Member [0-9a-f]{16} added to cluster  681b29f5b651808\n\nETCD_NAME="drydock-control-plane3"\nETCD_INITIAL_CLUSTER="[^"]*drydock-control-plane3=https:\/\/10\.89\.0\.4:2380[^"]*"\nETCD_INITIAL_ADVERTISE_PEER_URLS="https:\/\/10\.89\.0\.4:2380"\nETCD_INITIAL_CLUSTER_STATE="existing"\n$/)
  const fresh = (await etcdctl('drydock-control-plane', 'member list')).split('\n').find((line) => line.includes('10.89.0.4'))!
  expect(fresh).toMatch(/^[0-9a-f]{16}, unstarted, , https:\/\/10\.89\.0\.4:2380, , true$/)
  expect(fresh.slice(0, 16)).not.toBe(third)
  expect(await etcdctl('drydock-control-plane', `member promote ${fresh.slice(0, 16)}`)).toContain('Error: etcdserver: can only promote a learner member which is in sync with leader\n')
  await run('ssh drydock-control-plane3 "rm -rf /var/lib/etcd/member"')
  await pass(200)
  expect(await etcdctl('drydock-control-plane', 'member list')).toMatch(/, started, drydock-control-plane3, https:\/\/10\.89\.0\.4:2380, https:\/\/10\.89\.0\.4:2379, true\n/)
  expect(await etcdctl('drydock-control-plane', `member promote ${fresh.slice(0, 16)}`)).toBe(`Member ${fresh.slice(0, 16)} promoted in cluster  681b29f5b651808\n`)
  expect((await etcdctl('drydock-control-plane', 'endpoint health --cluster')).match(/ is healthy: /g)).toHaveLength(3)
})
