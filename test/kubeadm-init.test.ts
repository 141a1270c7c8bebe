import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'
// Loaded when first used, which takes real time: a stepped clock would leap over it.
import '../src/cluster/node/node-machine.ts'
import '../src/unix/ssh.ts'

// Each of them makes a cluster.
vi.setConfig({ testTimeout: 60_000 })

let lab: Lab
beforeAll(async () => {
  lab = await startLab('kubeadm-init')
  lab.writeFile('lab.xml', "<network><name>lab</name><ip address='192.168.100.1' netmask='255.255.255.0'><dhcp><range start='192.168.100.10' end='192.168.100.99'/></dhcp></ip></network>")
  lab.writeFile('flannel.yaml', readFileSync(new URL('kube-flannel.yaml', import.meta.url), 'utf8'))
  await run('virsh net-create lab.xml; for i in 1 2 3; do virt-install --name vm$i --network network=lab; done; virt-install --name small --vcpus 1 --memory 1024 --network network=lab; sleep 20')
}, 60_000)
afterAll(() => lab.stop())

const run = async (script: string) => {
  const { stdout, stderr } = await lab.run(script, { withinMs: 900_000 })
  return stdout + stderr
}
/** With the cluster's administrator's kubeconfig on the learner's machine. */
const kubectl = (script: string) => run(`export KUBECONFIG=admin.conf; ${script}`)
const joined = (text: string) => text.replace(/\\\n\s*/g, '')

test('preflight finds what is the matter with a machine', async () => {
  expect(await run('ssh small kubeadm config images pull')).toMatch(/^\[config\/images\] Pulled registry\.k8s\.io\/kube-apiserver:v1\.36\.3\n(\[config\/images\] Pulled \S+\n){6}$/)
  expect(await run('ssh small kubeadm init')).toBe(`[init] Using Kubernetes version: v1.36.3
[preflight] Running pre-flight checks
[preflight] Some fatal errors occurred:
	[ERROR NumCPU]: the number of available CPUs 1 is less than the required 2
	[ERROR Mem]: the system RAM (1024 MB) is less than the minimum 1700 MB
[preflight] If you know what you are doing, you can make a check non-fatal with \`--ignore-preflight-errors=...\`
error: error execution phase preflight: preflight checks failed
To see the stack trace of this error execute with --v=5 or higher
`)
  expect(await run('ssh small kubeadm init phase preflight --ignore-preflight-errors=NumCPU,mem')).toMatch(/\t\[WARNING NumCPU\]: the number of available CPUs 1 is less than the required 2\n\t\[WARNING Mem\]/)
  expect(await run('virt-install --name idle; sleep 20; ssh idle kubeadm init; virsh destroy idle; virsh undefine idle')).toContain('drydock: the machines of this network belong to the cluster of drydock-control-plane')
})

test('values that cannot be are refused, and those that nothing here would follow', async () => {
  const init = (flags: string) => run(`ssh vm1 kubeadm init ${flags}`).then((text) => text.split('\n')[0])
  expect(await init('--pod-network-cidr=10.244.0.0')).toBe('error: networking.podSubnet: Invalid value: "10.244.0.0": couldn\'t parse subnet')
  expect(await init('--pod-network-cidr=10.244.0.0/25')).toBe('error: networking.podSubnet: Invalid value: "10.244.0.0/25": the size of pod subnet with mask 25 is smaller than the size of node subnet with mask 24')
  expect(await init('--pod-network-cidr=10.0.0.0/7 --service-cidr=10.96.0.0/30')).toBe('error: [networking.serviceSubnet: Invalid value: "10.96.0.0/30": subnet with 4 address(es) is too small, the minimum is 10, networking.podSubnet: Invalid value: "10.0.0.0/7": pod subnet mask (7) and node-mask (24) difference is greater than 16]')
  expect(await init('--token=abc')).toBe('error: the bootstrap token "abc" was not of the form "\\\\A([a-z0-9]{6})\\\\.([a-z0-9]{16})\\\\z"')
  expect(await run('ssh vm1 kubeadm init --skip-phases=nonsense')).toContain('error: invalid phase name: nonsense\n')
  expect(await init('--kubernetes-version=v1.35.0')).toBe('error: drydock: only Kubernetes v1.36.3 can be installed, not v1.35.0')
  expect(await init('--apiserver-advertise-address=10.1.2.3')).toContain('drydock: an address that the machine does not have')
  expect(await init('--dry-run')).toBe('error: drydock: --dry-run is not supported')
  expect(await run(`ssh vm1 'printf "apiVersion: kubeadm.k8s.io/v1beta4\\nkind: ClusterConfiguration\\netcd: {external: {endpoints: [https://1.2.3.4:2379]}}\\n" > /root/c.yaml; kubeadm init --config /root/c.yaml; kubeadm init --config /root/c.yaml --pod-network-cidr=10.0.0.0/16'`)).toMatch(/^error: drydock: ClusterConfiguration\.etcd\.external is not supported\n[^]*error: can not mix '--config' with arguments \[pod-network-cidr\]\n/)
  expect(await run('ssh vm1 ls /etc/kubernetes/pki /etc/kubernetes')).toBe('/etc/kubernetes:\nmanifests\npki\n\n/etc/kubernetes/pki:\netcd\n')
})

test('kubeadm init makes a control plane whose node waits for a network plugin', async () => {
  const said = await run('ssh vm1 kubeadm init --pod-network-cidr=10.244.0.0/16')
  const phases = [...said.matchAll(/^\[([\w-]+)\]/gm)].map(([, name]) => name).filter((name, i, all) => name !== all[i - 1])
  expect(phases).toEqual(['init', 'preflight', 'certs', 'kubeconfig', 'etcd', 'control-plane', 'kubelet-start', 'wait-control-plane', 'kubelet-check', 'control-plane-check', 'upload-config', 'kubelet', 'upload-certs', 'mark-control-plane', 'bootstrap-token', 'kubelet-finalize', 'addons'])
  expect(said).toContain('[certs] apiserver serving cert is signed for DNS names [kubernetes kubernetes.default kubernetes.default.svc kubernetes.default.svc.cluster.local vm1] and IPs [10.96.0.1 192.168.100.10]\n')
  expect(joined(said)).toMatch(/\nYour Kubernetes control-plane has initialized successfully!\n[^]*\nkubeadm join 192\.168\.100\.10:6443 --token [a-z0-9.]{23} --discovery-token-ca-cert-hash sha256:[0-9a-f]{64} \n$/)
  await run('ssh vm1 cat /etc/kubernetes/admin.conf > admin.conf; sleep 20')
  expect(await kubectl('kubectl config get-contexts --no-headers; kubectl get nodes --no-headers')).toMatch(/^\* +kubernetes-admin@kubernetes +kubernetes +kubernetes-admin +\nvm1 +NotReady +control-plane +\S+ +v1\.36\.3\n$/)
  expect(await kubectl("kubectl get node vm1 -o jsonpath='{.spec.podCIDR} {.spec.taints[*].key} {.status.conditions[?(@.type==\"Ready\")].message}'")).toMatch(/^10\.244\.0\.0\/24 node-role.kubernetes.io\/control-plane node.kubernetes.io\/not-ready container runtime network not ready: .*cni plugin not initialized$/)
  expect(await kubectl('kubectl get pods -n kube-system --no-headers')).toMatch(/^coredns-\S+ +0\/1 +Pending[^]*etcd-vm1 +1\/1 +Running[^]*kube-proxy-\S+ +1\/1 +Running/)
  expect(await run('ssh vm1 "kubeadm certs check-expiration; ls -l /var/lib/kubelet/pki; grep client- /etc/kubernetes/kubelet.conf"')).toMatch(/apiserver +\S+ \d\d, \d{4} \d\d:\d\d UTC +364d +ca [^]*kubelet-client-current\.pem -> [^]*client-certificate: \/var\/lib\/kubelet\/pki\/kubelet-client-current\.pem\n/)
  expect(await run('ssh vm2 kubeadm init')).toContain('drydock: vm1 has a control plane, and the machines of a network share one')
  expect(await run('kubectl get nodes --no-headers | wc -l')).toBe('3\n')
})

test('what was only begun, or lost its manifests, is taken away by kubeadm reset all the same', async () => {
  await run('ssh vm3 "kubeadm init phase certs all; kubeadm init phase kubeconfig all; kubeadm init phase etcd local"')
  expect(await run('ssh vm3 "kubeadm reset -f 2>&1; ls -A /etc/kubernetes/pki /etc/kubernetes/manifests"')).toMatch(/W\d{4} [^]*\[reset\] Unable to fetch the kubeadm-config ConfigMap from cluster: Get [^]*connection refused\n[^]*\[reset\] Deleting files: [^]*\/etc\/kubernetes\/manifests:\n\n\/etc\/kubernetes\/pki:\n$/)
  expect(await kubectl('kubectl get nodes --no-headers')).toMatch(/^vm1 /)
})

test('with a network plugin and a second machine it is a cluster that works', async () => {
  await kubectl('kubectl apply -f flannel.yaml; sleep 12')
  expect(await kubectl('kubectl get nodes --no-headers; kubectl get pods -n kube-system -l k8s-app=kube-dns --no-headers')).toMatch(/^vm1 +Ready [^]*coredns-\S+ +1\/1 +Running[^]*coredns-\S+ +1\/1 +Running/)
  expect(await run('ssh vm2 $(ssh vm1 kubeadm token create --print-join-command)')).toContain('This node has joined the cluster:')
  await kubectl('sleep 15; kubectl create deployment web --image=nginx --replicas=2; kubectl expose deployment web --port=80; kubectl rollout status deployment web')
  expect(await kubectl('kubectl get pods -l app=web -o jsonpath="{.items[*].spec.nodeName} {.items[*].status.podIP}"')).toMatch(/^vm2 vm2 10\.244\.1\.\d+ 10\.244\.1\.\d+$/)
  expect(await kubectl('ssh vm1 "curl -s $(kubectl get svc web -o jsonpath={.spec.clusterIP})" | grep title; kubectl run -i --rm ask --image=busybox --restart=Never -- wget -qO- web | grep title')).toMatch(/Welcome to nginx[^]*Welcome to nginx/)
})

test('it is there after a reload, and its kubeconfig is copied as kubeadm says', async () => {
  lab = await lab.reload()
  await run('sleep 30')
  expect(await run("ssh vm1 'mkdir -p $HOME/.kube; cp -i /etc/kubernetes/admin.conf $HOME/.kube/config; chown $(id -u):$(id -g) $HOME/.kube/config; kubectl get nodes --no-headers'")).toMatch(/^vm1 +Ready +control-plane [^]*vm2 +Ready +<none> /)
  expect(await kubectl('kubectl get pods -l app=web --no-headers')).toMatch(/^web-\S+ +1\/1 +Running +0 [^]*web-\S+ +1\/1 +Running +0 /)
})

test('kubeadm reset makes it blank again, and another control plane has other keys', async () => {
  expect(await run('ssh vm1 kubeadm reset -f')).toMatch(/\[reset\] Deleted contents of the etcd data directory: \/var\/lib\/etcd\n\[reset\] Stopping the kubelet service\n/)
  expect(await kubectl('kubectl get nodes')).toContain('The connection to the server 192.168.100.10:6443 was refused')
  expect(await run('ssh vm1 "crictl ps -q; ls -A /var/lib/etcd /etc/kubernetes/pki"')).toBe('/etc/kubernetes/pki:\n\n/var/lib/etcd:\n')
  lab = await lab.reload()
  // Who was a node before isn't one of the next cluster's.
  await run('ssh vm3 kubeadm init; ssh vm3 cat /etc/kubernetes/admin.conf > third.conf; sleep 40')
  expect(await run('KUBECONFIG=third.conf kubectl get nodes --no-headers; ssh vm2 journalctl -u kubelet | tail -3')).toMatch(/^vm3 +NotReady +control-plane .*\n(?!vm)[^]*certificate signed by unknown authority/)
  await run('ssh vm3 kubeadm reset -f; ssh vm2 kubeadm reset -f; ssh vm1 "rm -r /etc/cni/net.d/*"')
  // Phase by phase, on another machine than before, by a file.
  lab.writeFile('init.yaml', `apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
bootstrapTokens:
- token: abcdef.0123456789abcdef
  ttl: 1h0m0s
nodeRegistration:
  taints: []
skipPhases: [addon/kube-proxy]
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
clusterName: second
controlPlaneEndpoint: 192.168.100.11
networking:
  podSubnet: 10.10.0.0/16
  serviceSubnet: 10.20.0.0/16
  dnsDomain: corp.local
apiServer:
  certSANs: [api.corp.example]
  extraArgs:
  - name: audit-log-path
    value: "-"
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
maxPods: 17
`)
  expect(await run('cat init.yaml | ssh vm2 "cat > init.yaml; kubeadm init phase certs ca --config init.yaml; sha256sum /etc/kubernetes/pki/ca.crt"')).toMatch(/^\[certs\] Using certificateDir folder "\/etc\/kubernetes\/pki"\n\[certs\] Generating "ca" certificate and key\n\S{64} /)
  const said = await run('ssh vm2 kubeadm init --config init.yaml --ignore-preflight-errors=all')
  expect(said).toContain('[certs] Using existing ca certificate authority\n')
  expect(said).toContain('[bootstrap-token] Using token: abcdef.0123456789abcdef\n')
  expect(said).not.toContain('essential addon: kube-proxy')
  expect(joined(said)).toMatch(/You can now join any number of control-plane nodes by copying certificate authorities\n[^]*\n {2}kubeadm join 192\.168\.100\.11:6443 --token abcdef\.0123456789abcdef --discovery-token-ca-cert-hash \S+ --control-plane \n/)
  await run('ssh vm2 cat /etc/kubernetes/admin.conf > second.conf; sleep 20')
  expect(await run('export KUBECONFIG=second.conf; kubectl config current-context; kubectl get nodes -o jsonpath="{.items[*].metadata.name} {.items[*].status.capacity.pods} {.items[*].spec.podCIDR}"')).toBe('kubernetes-admin@second\nvm2 17 10.10.0.0/24')
  expect(await run('export KUBECONFIG=second.conf; kubectl get svc -A -o jsonpath="{.items[*].spec.clusterIP}"; kubectl get pods -n kube-system kube-apiserver-vm2 -o yaml | grep -- "- --audit"; kubectl get pods -A --no-headers | grep -c proxy')).toBe('10.20.0.1 10.20.0.10    - --audit-log-path=-\n0\n')
  expect(await run('ssh vm2 cat /etc/kubernetes/pki/apiserver.crt | openssl x509 -noout -ext subjectAltName')).toMatch(/DNS:kubernetes\.default\.svc\.corp\.local[^]*DNS:api\.corp\.example/)
  expect(await kubectl('kubectl --server https://192.168.100.11:6443 get nodes')).toContain('x509: certificate signed by unknown authority')
})

test("a range for pods that is the machines' own network cuts pods off from their node", async () => {
  await run('ssh vm2 kubeadm reset -f; ssh vm3 kubeadm init --pod-network-cidr=192.168.100.0/22; ssh vm3 cat /etc/kubernetes/admin.conf > admin.conf')
  await kubectl('sed s#10.244.0.0/16#192.168.100.0/22# flannel.yaml | kubectl apply -f -; sleep 30')
  expect(await kubectl('kubectl get nodes --no-headers; kubectl get pods -n kube-system -l k8s-app=kube-dns --no-headers')).toMatch(/^vm3 +Ready [^]*coredns-\S+ +0\/1 +Running[^]*coredns-\S+ +0\/1 +Running/)
  expect(await kubectl('kubectl logs -n kube-system -l k8s-app=kube-dns; ssh vm3 ip route')).toMatch(/Failed to watch [^]*timed out[^]*\n192\.168\.100\.0\/24 dev eth0 [^]*\n192\.168\.100\.0\/24 dev cni0 /)
  expect(await kubectl('kubectl get pods -n kube-system -l component=etcd --no-headers')).toMatch(/^etcd-vm3 +1\/1 +Running/)
  await run('ssh vm3 "rm /etc/kubernetes/manifests/*; sleep 30"')
  // Devices and routes stay until the machine starts anew.
  await run('ssh vm3 "kubeadm reset -f; rm -r /etc/cni/net.d/*"; virsh destroy vm3; virsh start vm3; sleep 15')
})

test('several control planes share the endpoint that they were made with', async () => {
  const said = joined(await run('ssh vm1 kubeadm init --pod-network-cidr=10.244.0.0/16 --control-plane-endpoint=vm1 --upload-certs'))
  const [, command] = /\n {2}(kubeadm join vm1:6443 .* --control-plane --certificate-key [0-9a-f]{64})\n/.exec(said)!
  await run(`ssh vm1 cat /etc/kubernetes/admin.conf | sed s/vm1:6443/192.168.100.10:6443/ > admin.conf; for vm in vm2 vm3; do ssh $vm "${command}"; sleep 5; done`)
  await kubectl('kubectl apply -f flannel.yaml; sleep 30')
  expect(await kubectl('kubectl get nodes --no-headers')).toMatch(/^vm1 +Ready +control-plane [^]*vm2 +Ready +control-plane [^]*vm3 +Ready +control-plane /)
  expect(await kubectl('kubectl get pods -n kube-system -l component=etcd --no-headers')).toMatch(/^etcd-vm1 +1\/1 [^]*etcd-vm2 +1\/1 [^]*etcd-vm3 +1\/1 /)
  expect(await run('ssh vm1 kubeadm reset -f')).toContain('drydock: the control plane began here')
})
