import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'
// Loaded when first used, which takes real time: a stepped clock would leap over it.
import '../src/cluster/node/node-machine.ts'
import '../src/unix/ssh.ts'

let lab: Lab
beforeAll(async () => { lab = await startLab('joining') }, 60_000)
afterAll(() => lab.stop())

const run = async (script: string) => {
  const { stdout, stderr } = await lab.run(script, { withinMs: 700_000 })
  return stdout + stderr
}
const pass = (seconds: number) => lab.cluster.clock.advance(seconds * 1_000)

test('tokens are made, listed, used up and deleted', async () => {
  const token = await run('ssh drydock-control-plane kubeadm token create --ttl 3m --description mine')
  expect(token).toMatch(/^[a-z0-9]{6}\.[a-z0-9]{16}\n$/)
  expect(await run('ssh drydock-control-plane kubeadm token list')).toMatch(/^TOKEN +TTL +EXPIRES +USAGES +DESCRIPTION +EXTRA GROUPS\n[a-z0-9.]{23} +(3m|2m) +\S+Z +authentication,signing +mine +system:bootstrappers:kubeadm:default-node-token\n$/)
  expect(await run(`kubectl get configmap cluster-info -n kube-public -o jsonpath='{.data.jws-kubeconfig-${token.slice(0, 6)}}'`)).toMatch(/^[\w-]+\.\.[\w-]+$/)
  expect(await run(`ssh drydock-control-plane kubeadm token create ${token}`)).toBe(`error: a token with id "${token.slice(0, 6)}" already exists\nTo see the stack trace of this error execute with --v=5 or higher\n`)
  await pass(200)
  expect(await run('ssh drydock-control-plane kubeadm token list')).toBe('')
  expect(await run(`kubectl get configmap cluster-info -n kube-public -o jsonpath='{.data}'`)).not.toContain('jws-')
  expect(await run('ssh drydock-control-plane "kubeadm token create abcdef.0123456789abcdef; kubeadm token delete abcdef"')).toBe('abcdef.0123456789abcdef\nbootstrap token "abcdef" deleted\n')
})

test('a fresh machine has a kubelet that waits for its configuration', async () => {
  expect(await run('virt-install --name drydock-worker3')).toContain("Creating domain 'drydock-worker3'")
  expect(await run('ssh drydock-worker3 true')).toMatch(/^ssh: connect to host drydock-worker3 port 22: /)
  await pass(30)
  expect(await run('virsh list')).toMatch(/drydock-worker3 +running/)
  expect(await run('ssh drydock-worker3 hostname')).toBe('drydock-worker3\n')
  expect(await run('ssh drydock-worker3 "systemctl is-active kubelet; journalctl -u kubelet"')).toMatch(/^activating\n[^]*failed to load kubelet config file, path: \/var\/lib\/kubelet\/config.yaml/)
  expect(await run('kubectl get nodes')).toMatch(/^(?![^]*drydock-worker3)[^]*drydock-worker2 +Ready/)
})

test('kubeadm join makes a node of it, which asks for its certificate and gets what belongs on it', async () => {
  const command = (await run('ssh drydock-control-plane kubeadm token create --print-join-command')).trim()
  expect(command).toMatch(/^kubeadm join drydock-control-plane:6443 --token [a-z0-9]{6}\.[a-z0-9]{16} --discovery-token-ca-cert-hash sha256:[0-9a-f]{64}$/)
  expect(await run(`ssh drydock-worker3 ${command.replace(/sha256:../, 'sha256:zz')}`)).toContain('invalid discovery token CA certificate hash')
  expect(await run(`ssh drydock-worker3 ${command.replace(/.{4}$/, '0000')}`)).toContain("error: error execution phase preflight: couldn't validate the identity of the API Server: cluster CA found in cluster-info ConfigMap is invalid: none of the public keys")
  const joined = await run(`ssh drydock-worker3 sudo ${command}`)
  expect(joined).toMatch(/^\[preflight\] Running pre-flight checks\n\[preflight\] Reading configuration from the "kubeadm-config" ConfigMap in namespace "kube-system"\.\.\.\n/)
  expect(joined).toContain('[kubelet-check] The kubelet is healthy after ')
  expect(joined).toContain('This node has joined the cluster:')
  expect(await run('kubectl get csr --no-headers')).toMatch(/^node-csr-\S+ +\S+ +kubernetes\.io\/kube-apiserver-client-kubelet +system:bootstrap:[a-z0-9]{6} +<none> +Approved,Issued\n$/)
  await pass(40)
  expect(await run('kubectl get nodes --no-headers')).toMatch(/drydock-worker3 +Ready +<none>/)
  expect(await run("kubectl get node drydock-worker3 -o jsonpath='{.spec.podCIDR} {.status.addresses[0].address}'")).toMatch(/^10\.244\.\d+\.0\/24 10\.89\.0\.5$/)
  expect(await run('kubectl get pods -n kube-system --field-selector spec.nodeName=drydock-worker3 --no-headers')).toMatch(/kindnet-\S+ +1\/1 +Running[^]*kube-proxy-\S+ +1\/1 +Running/)
  expect(await run('ssh drydock-worker3 "ls /etc/kubernetes; ls -l /var/lib/kubelet/pki"')).toMatch(/^kubelet\.conf\nmanifests\npki\n[^]*kubelet-client-current\.pem -> \/var\/lib\/kubelet\/pki\/kubelet-client-\S+\.pem/)
  expect(await run(`kubectl run there --image=nginx --overrides='{"spec":{"nodeName":"drydock-worker3"}}'; kubectl wait --for=condition=Ready pod/there; kubectl exec there -- hostname`)).toContain('there\n')
  expect(await run(`ssh drydock-worker3 ${command}`)).toMatch(/^\[preflight\] Running pre-flight checks\n\[preflight\] Some fatal errors occurred:\n\t\[ERROR FileAvailable--etc-kubernetes-kubelet\.conf\]: \/etc\/kubernetes\/kubelet\.conf already exists\n\t\[ERROR Port-10250\]: Port 10250 is in use\n\t\[ERROR FileAvailable--etc-kubernetes-pki-ca\.crt\]: \/etc\/kubernetes\/pki\/ca\.crt already exists\n/)
})

test('a node that joined is there after a reload', async () => {
  lab = await lab.reload()
  await pass(30)
  expect(await run('kubectl get nodes --no-headers')).toMatch(/drydock-worker3 +Ready/)
  expect(await run('kubectl exec there -- hostname; ssh drydock-worker3 systemctl is-active kubelet')).toBe('there\nactive\n')
})

test('drain, delete, reset and undefine take it away again, and reset lets it join once more', async () => {
  await run('kubectl drain drydock-worker3 --ignore-daemonsets --force; kubectl delete node drydock-worker3')
  expect(await run('echo n | ssh drydock-worker3 kubeadm reset')).toContain("error: error execution phase preflight: won't proceed; the user didn't answer (Y|y) in order to continue")
  expect(await run('ssh drydock-worker3 kubeadm reset -f')).toMatch(/\[reset\] Stopping the kubelet service\n[^]*\[reset\] Deleting contents of directories: \[\/etc\/kubernetes\/manifests \/var\/lib\/kubelet \/etc\/kubernetes\/pki\]\n/)
  expect(await run('ssh drydock-worker3 "crictl ps -q; ls /etc/kubernetes/pki /var/lib/kubelet"')).toBe('/etc/kubernetes/pki:\n\n/var/lib/kubelet:\n')
  lab = await lab.reload()
  await pass(60)
  expect(await run('kubectl get nodes')).toMatch(/^(?![^]*drydock-worker3)[^]*drydock-worker2 +Ready/)
  const [, token, pin] = /--token (\S+) --discovery-token-ca-cert-hash (\S+)/.exec(await run('ssh drydock-control-plane kubeadm token create --print-join-command'))!
  lab.writeFile('join.yaml', `apiVersion: kubeadm.k8s.io/v1beta4
kind: JoinConfiguration
discovery:
  bootstrapToken: {apiServerEndpoint: "drydock-control-plane:6443", token: "${token}", caCertHashes: ["${pin}"]}
nodeRegistration:
  taints: [{key: dedicated, value: batch, effect: NoSchedule}]
  kubeletExtraArgs:
  - {name: node-labels, value: "pool=batch"}
  - {name: max-pods, value: "23"}
`)
  expect(await run("sed 's/nodeRegistration:/nodeRegistration:\\n  patches: x/' join.yaml | ssh drydock-worker3 'cat > j.yaml; kubeadm join --config j.yaml'")).toContain('drydock: JoinConfiguration.nodeRegistration.patches is not supported')
  await run("ssh drydock-worker3 'cat > j.yaml; kubeadm join --config j.yaml' < join.yaml")
  await pass(40)
  expect(await run('kubectl get nodes --no-headers')).toMatch(/drydock-worker3 +Ready/)
  expect(await run("kubectl get node drydock-worker3 -o jsonpath='{.spec.taints[*].key}={.spec.taints[*].value} {.metadata.labels.pool} {.status.capacity.pods}'")).toBe('dedicated=batch batch 23')
  await run('kubectl delete node drydock-worker3; virsh destroy drydock-worker3; virsh undefine drydock-worker3')
  expect(await run('virsh list --all')).toMatch(/^(?![^]*drydock-worker3)[^]*drydock-worker2 /)
  expect(await run('ssh drydock-worker3 true')).toContain('ssh: connect to host drydock-worker3 port 22: No route to host')
  await pass(60)
  expect(await run('kubectl get pods -A -o wide')).toMatch(/^(?![^]*drydock-worker3)[^]*drydock-worker2 /)
})

test('what kubeadm says of the cluster', async () => {
  expect(await run('ssh drydock-control-plane kubeadm certs check-expiration')).toMatch(/\nadmin\.conf +\w{3} \d\d, \d{4} \d\d:\d\d UTC +9y +ca +no {6}\n[^]*\netcd-server +\S+ \d\d, \d{4} \d\d:\d\d UTC +\S+ +etcd-ca +no {6}\n[^]*CERTIFICATE AUTHORITY +EXPIRES +RESIDUAL TIME +EXTERNALLY MANAGED\nca +\w{3} \d\d, \d{4} \d\d:\d\d UTC +9y +no/)
  expect(await run('ssh drydock-control-plane kubeadm certs renew apiserver')).toMatch(/^\[renew\] Reading configuration[^]*\n\ncertificate for serving the Kubernetes API renewed\n$/)
  expect(await run('ssh drydock-control-plane kubeadm certs renew all')).toContain('\ncertificate embedded in the kubeconfig file for the admin to use and for kubeadm itself renewed\n')
  expect(await run('ssh drydock-control-plane kubeadm certs check-expiration')).toMatch(/\nadmin\.conf +\w{3} \d\d, \d{4} \d\d:\d\d UTC +364d +ca +no {6}\napiserver +\w{3} \d\d, \d{4} \d\d:\d\d UTC +364d/)
  expect(await run('ssh drydock-control-plane cat /etc/kubernetes/pki/apiserver.crt | openssl x509 -noout -ext subjectAltName')).toContain('DNS:kubernetes.default.svc.cluster.local')
  expect(await run('ssh drydock-control-plane "kubeadm kubeconfig user --client-name ann --org devs 2>/dev/null > /root/ann.conf; kubectl --kubeconfig /root/ann.conf auth whoami"')).toMatch(/Username +ann\nGroups +\[devs system:authenticated\]/)
  expect(await run('ssh drydock-control-plane kubeadm version -o short')).toBe('v1.36.3\n')
  expect(await run('ssh drydock-control-plane kubeadm config print join-defaults')).toContain('kind: JoinConfiguration\n')
  expect(await run('ssh drydock-control-plane kubeadm upgrade plan')).toContain('[upgrade/versions] Cluster version: 1.36.3\n')
  expect(await run('ssh drydock-control-plane kubeadm init')).toMatch(/^\[init\] Using Kubernetes version: v1\.36\.3\n\[preflight\] Running pre-flight checks\n\[preflight\] Some fatal errors occurred:\n\t\[ERROR Port-6443\]: Port 6443 is in use\n[^]*error: error execution phase preflight: preflight checks failed\n/)
  expect(await run('ssh drydock-control-plane kubectl get nodes --no-headers')).toMatch(/drydock-control-plane +Ready/)
})
