import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { kubeadmTopology } from '../src/cluster/topology.ts'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'
// Loaded when first used, which takes real time: a stepped clock would leap over it.
import '../src/cluster/node/node-machine.ts'
import '../src/unix/ssh.ts'

vi.setConfig({ testTimeout: 120_000 })

let lab: Lab
beforeAll(async () => { lab = await startLab('joining control planes', kubeadmTopology(1)) }, 120_000)
afterAll(() => lab?.stop())

const run = async (script: string) => {
  const { stdout, stderr } = await lab.run(script, { withinMs: 400_000 })
  return stdout + stderr
}
const pass = (seconds: number) => lab.cluster.clock.advance(seconds * 1000)
const PKI = '/etc/kubernetes/pki/etcd'
const etcdctl = (command: string) => run(`ssh drydock-control-plane 'crictl exec $(crictl ps -q --name etcd) etcdctl --cacert ${PKI}/ca.crt --cert ${PKI}/server.crt --key ${PKI}/server.key ${command}'`)

test('what further control planes need is uploaded, encrypted, for whoever has the key', async () => {
  expect(await run('ssh drydock-control-plane kubeadm init phase upload-certs')).toBe('[upload-certs] Skipping phase. Please see --upload-certs\n')
  expect(await run('ssh drydock-control-plane kubeadm init phase upload-certs --upload-certs')).toMatch(/^\[upload-certs\] Storing the certificates in Secret "kubeadm-certs" in the "kube-system" Namespace\n\[upload-certs\] Using certificate key:\n[0-9a-f]{64}\n$/)
  expect(await run("kubectl get secret kubeadm-certs -n kube-system -o jsonpath='{.metadata.ownerReferences[0].kind} {.data}'")).toMatch(/^Secret \{"ca\.crt":"[^"]+","ca\.key":"[^"]+","etcd-ca\.crt":/)
  expect(await run("kubectl get secret kubeadm-certs -n kube-system -o jsonpath='{.data.ca\\.crt}' | base64 -d")).not.toContain('BEGIN')
})

test('kubeadm join --control-plane makes a control plane of a fresh machine', async () => {
  await run('virt-install --name second')
  await pass(30)
  const key = (await run('ssh drydock-control-plane kubeadm init phase upload-certs --upload-certs')).trim().split('\n').at(-1)!
  const command = (await run(`ssh drydock-control-plane kubeadm token create --print-join-command --certificate-key ${key}`)).trim()
  expect(command).toMatch(/ --control-plane --certificate-key [0-9a-f]{64}$/)
  expect(await run(`ssh second ${command.replace(/.{4}$/, '0000')}`)).toContain('error: error execution phase control-plane-prepare: error downloading certs: error decoding secret data with provided key: cipher: message authentication failed\n')
  expect(await run(`ssh second ${command} --apiserver-advertise-address 10.89.0.77`)).toContain('--apiserver-advertise-address is not supported for an address that the machine does not have')
  await run('ssh second kubeadm reset -f')
  const joined = await run(`ssh second ${command}`)
  expect(joined).toMatch(/\[certs\] Generating "apiserver" certificate and key\n\[certs\] apiserver serving cert is signed for DNS names \[[^\]]*kubernetes\.default\.svc\.cluster\.local[^\]]*second\] and IPs \[10\.96\.0\.1 10\.89\.0\.3/)
  expect(joined).toMatch(/\[etcd\] Announced new etcd member joining to the existing etcd cluster\n[^]*\[mark-control-plane\] Marking the node second as control-plane[^]*\nThis node has joined the cluster and a new control plane instance was created:\n/)
  await pass(60)
  expect(await run('kubectl get nodes --no-headers')).toMatch(/^drydock-control-plane +Ready +control-plane .*\nsecond +Ready +control-plane /)
  expect((await run('kubectl get pods -n kube-system --no-headers --field-selector spec.nodeName=second')).match(/^(?:etcd|kube-apiserver|kube-controller-manager|kube-scheduler)-second +1\/1 +Running/gm)).toHaveLength(4)
  expect((await etcdctl('member list')).match(/, started, .*, false$/gm)).toHaveLength(2)
  expect(await run("kubectl get endpointslices kubernetes -o jsonpath='{.endpoints[*].addresses[0]}'")).toBe('10.89.0.2 10.89.0.3')
  expect(await run('ssh second curl -s --cacert /etc/kubernetes/pki/ca.crt https://10.89.0.3:6443/healthz')).toBe('ok')
  expect(await run('kubectl get leases -n kube-system -o custom-columns=:.metadata.name,:.spec.holderIdentity --no-headers')).toMatch(/^(?:apiserver-\S+ +apiserver-\S+\n){2}kube-controller-manager +drydock-control-plane_\S+\nkube-scheduler +drydock-control-plane_/)
})

test('of two members both are needed, also after a reload', async () => {
  lab = await lab.reload()
  await pass(30)
  expect(await run('kubectl create configmap kept --from-literal=a=b; kubectl get nodes --no-headers')).toMatch(/^configmap\/kept created\ndrydock-control-plane +Ready .*\nsecond +Ready +control-plane /)
  await run('virsh destroy second')
  expect(await run('kubectl create configmap lost --from-literal=a=b')).toBe('error: failed to create configmap: etcdserver: request timed out\n')
  await run('virsh start second')
  await pass(120)
  expect(await run('kubectl get configmaps -o name')).toBe('configmap/kept\nconfigmap/kube-root-ca.crt\n')
})

test('kubeadm reset takes its member out of the cluster, and the first one goes on alone', async () => {
  expect(await run('ssh second kubeadm reset -f')).toMatch(/\[reset\] Deleted contents of the etcd data directory: \/var\/lib\/etcd\n\[reset\] Stopping the kubelet service\n/)
  expect(await etcdctl('member list')).toBe('4179273edd2158ad, started, drydock-control-plane, https://10.89.0.2:2380, https://10.89.0.2:2379, false\n')
  expect(await run('ssh second "ls /etc/kubernetes/manifests /var/lib/etcd"')).toBe('/etc/kubernetes/manifests:\n\n/var/lib/etcd:\n')
  await run('kubectl delete node second; virsh destroy second; virsh undefine second')
  await pass(60)
  expect(await run("kubectl create configmap alone --from-literal=a=b; kubectl get endpointslices kubernetes -o jsonpath='{.endpoints[*].addresses[0]}'")).toBe('configmap/alone created\n10.89.0.2')
  expect(await run('ssh drydock-control-plane kubeadm reset -f')).toContain('error: drydock: this is the only control plane, and nothing could bring it back; resetting it is not supported\n')
})
