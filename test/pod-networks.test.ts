import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { kubeadmTopology } from '../src/cluster/topology.ts'
import { kindTopology } from '../src/host/kind/create-cluster.ts'
import { readKindConfig } from '../src/host/kind/config.ts'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'
// Loaded when first used, which takes real time: a stepped clock would leap over it.
import '../src/cluster/node/node-machine.ts'
import '../src/cluster/images/flannel/flanneld.ts'
import '../src/unix/ssh.ts'

let lab: Lab
const run = async (script: string) => {
  const { stdout, stderr } = await lab.run(script, { withinMs: 700_000 })
  return stdout + stderr
}
const pass = (seconds: number) => lab.cluster.clock.advance(seconds * 1_000)
const NOT_READY = 'container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized'
/** A pod of one node asks a pod of another for its page. */
const ask = (from: string, to: string) => run(`kubectl exec ${from} -- wget -qO- -T 2 http://$(kubectl get pod ${to} -o jsonpath='{.status.podIP}')`)
const pods = (...lines: string[]) => lines.map((line) => { const [name, node, image = 'nginx:alpine'] = line.split(' '); return `kubectl run ${name} --image=${image} --labels=app=${name} --overrides='{"spec":{"nodeName":"${node}"}}';` }).join(' ')

test("kind's configuration can leave the network plugin out", () => {
  const topologyOf = (networking: string) => kindTopology(readKindConfig(`kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nnetworking: {${networking}}\n`), 1)
  expect(topologyOf('disableDefaultCNI: true').cni).toBe('none')
  expect(topologyOf('disableDefaultCNI: false').cni).toBeUndefined()
})

describe('without a network plugin', () => {
  beforeAll(async () => { lab = await startLab('no cni', { ...kubeadmTopology(2), cni: 'none' }) }, 60_000)
  afterAll(() => lab.stop())

  test('nodes stay NotReady with a taint, pods of the host network run, and CoreDNS waits', async () => {
    expect(await run('kubectl get nodes --no-headers')).toMatch(/^drydock-control-plane +NotReady .*\ndrydock-worker +NotReady /)
    expect(await run(`kubectl get node drydock-worker -o jsonpath='{.status.conditions[?(@.type=="Ready")].message}'`)).toBe(NOT_READY)
    expect(await run(`kubectl get node drydock-worker -o jsonpath='{.spec.taints[*].key}'`)).toContain('node.kubernetes.io/not-ready')
    expect(await run('kubectl get pods -n kube-system --no-headers')).toMatch(/coredns-\S+ +0\/1 +Pending[^]*kube-proxy-\S+ +1\/1 +Running/)
    expect(await run('kubectl get pods -A --no-headers')).not.toContain('kindnet')
    await run(pods('early drydock-worker'))
    await pass(10)
    expect(await run('kubectl get events --field-selector involvedObject.name=early')).toContain(`NetworkNotReady   pod/early   network is not ready: ${NOT_READY}`)
  }, 60_000)

  test('what a configuration asks for has to be there', async () => {
    lab.writeFile('flannel.json', JSON.stringify({ name: 'cbr0', cniVersion: '0.3.1', plugins: [{ type: 'flannel' }] }))
    expect(await run(`ssh drydock-worker 'cat > /etc/cni/net.d/10-flannel.conflist' < flannel.json`)).toBe('')
    await pass(15)
    expect(await run('kubectl get node drydock-worker --no-headers')).toMatch(/drydock-worker +Ready/)
    expect(await run('kubectl get events --field-selector involvedObject.name=early,reason=FailedCreatePodSandBox')).toMatch(/Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "[0-9a-f]{64}": plugin type="flannel" failed \(add\): failed to find plugin "flannel" in path \[\/opt\/cni\/bin\]/)
    await run('ssh drydock-worker cp /opt/cni/bin/ptp /opt/cni/bin/flannel')
    await pass(60)
    expect(await run('kubectl get events --field-selector involvedObject.name=early,reason=FailedCreatePodSandBox')).toContain('plugin type="flannel" failed (add): loadFlannelSubnetEnv failed: open /run/flannel/subnet.env: no such file or directory')
    await run('ssh drydock-worker rm /etc/cni/net.d/10-flannel.conflist')
    await pass(15)
    expect(await run('kubectl get node drydock-worker --no-headers')).toMatch(/drydock-worker +NotReady/)
  }, 60_000)
})

describe('kindnet', () => {
  beforeAll(async () => { lab = await startLab('kindnet') }, 60_000)
  afterAll(() => lab.stop())

  test('its agents leave a configuration and routes on their nodes', async () => {
    expect(await run('ssh drydock-worker "cat /etc/cni/net.d/10-kindnet.conflist"')).toContain('[ { "subnet": "10.244.1.0/24" } ]')
    expect(await run('ssh drydock-worker ip route')).toMatch(/^default via 10\.89\.0\.1 dev eth0 \n10\.89\.0\.0\/16 dev eth0 proto kernel scope link src 10\.89\.0\.3 \n10\.244\.0\.0\/24 via 10\.89\.0\.2 dev eth0 \n10\.244\.2\.0\/24 via 10\.89\.0\.4 dev eth0 \n$/)
    await run(`${pods('one drydock-worker', 'two drydock-worker2')} kubectl wait --for=condition=Ready pod --all`)
    expect(await run('ssh drydock-worker ip route')).toMatch(/\n10\.244\.1\.\d+ dev veth[0-9a-f]{8} scope host \n/)
    expect(await run('kubectl exec one -- ip route')).toMatch(/^default via 10\.244\.1\.1 dev eth0 \n/)
    expect(await ask('one', 'two')).toContain('Welcome to nginx!')
  }, 60_000)

  test('when it goes, what is there stays, policies are not enforced any more, and new nodes get no network', async () => {
    const policy = `kubectl apply -f - <<'END'\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: closed}\nspec: {podSelector: {matchLabels: {app: two}}, policyTypes: [Ingress]}\nEND\n`
    await run(policy)
    expect(await ask('one', 'two')).toContain('download timed out')
    await run('kubectl delete daemonset kindnet -n kube-system')
    await pass(40)
    expect(await ask('one', 'two')).toContain('Welcome to nginx!')
    expect(await run('kubectl get nodes --no-headers')).toMatch(/^(\S+ +Ready .*\n){3}$/)
    await run(`${pods('three drydock-worker2')} kubectl wait --for=condition=Ready pod/three`)
    expect(await ask('one', 'three')).toContain('Welcome to nginx!')
    await run('virt-install --name drydock-worker3')
    await pass(20)
    await run('ssh drydock-worker3 $(ssh drydock-control-plane kubeadm token create --print-join-command)')
    await pass(40)
    expect(await run('kubectl get nodes --no-headers')).toMatch(/drydock-worker2 +Ready .*\ndrydock-worker3 +NotReady /)
  }, 60_000)

  test('routes that it left are there after a reload, and not after a start of the machine', async () => {
    lab = await lab.reload()
    await pass(30)
    expect(await ask('one', 'three')).toContain('Welcome to nginx!')
    expect(await run('ssh drydock-worker ip route')).toContain('10.244.2.0/24 via 10.89.0.4 dev eth0')
    await run('ssh drydock-worker sudo reboot')
    await pass(90)
    expect(await run('kubectl get nodes --no-headers')).toMatch(/drydock-worker +Ready /)
    expect(await run('ssh drydock-worker ip route')).not.toContain('10.244.2.0/24')
    expect(await ask('one', 'three')).toContain('download timed out')
  }, 60_000)
})

describe('flannel', () => {
  beforeAll(async () => { lab = await startLab('flannel', { ...kubeadmTopology(3), cni: 'none' }) }, 60_000)
  afterAll(() => lab.stop())

  test('its manifest makes nodes Ready, with its files, annotations, devices and routes', async () => {
    lab.writeFile('kube-flannel.yml', readFileSync(new URL('./kube-flannel.yaml', import.meta.url), 'utf8'))
    expect(await run('kubectl apply -f kube-flannel.yml')).toContain('daemonset.apps/kube-flannel-ds created')
    expect(await run('kubectl -n kube-flannel rollout status ds/kube-flannel-ds --timeout=120s')).toContain('successfully rolled out')
    await pass(20)
    expect(await run('kubectl get nodes --no-headers')).toMatch(/^(\S+ +Ready .*\n){3}$/)
    expect(await run('kubectl get pods -n kube-system -l k8s-app=kube-dns --no-headers')).toMatch(/^(coredns-\S+ +1\/1 +Running .*\n){2}$/)
    expect(await run(`kubectl get node drydock-worker -o jsonpath='{.metadata.annotations}'`)).toMatch(/"flannel.alpha.coreos.com\/backend-data":"{\\"VNI\\":1,\\"VtepMAC\\":\\"[0-9a-f:]{17}\\"}","flannel.alpha.coreos.com\/backend-type":"vxlan","flannel.alpha.coreos.com\/kube-subnet-manager":"true","flannel.alpha.coreos.com\/public-ip":"10.89.0.3"/)
    expect(await run(`kubectl get node drydock-worker -o jsonpath='{.status.conditions[?(@.type=="NetworkUnavailable")].reason}'`)).toBe('FlannelIsUp')
    expect(await run('ssh drydock-worker "cat /run/flannel/subnet.env; ls /etc/cni/net.d"')).toMatch(/^FLANNEL_NETWORK=10\.244\.0\.0\/16\nFLANNEL_SUBNET=10\.244\.(\d)\.1\/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n10-flannel\.conflist\n$/)
    await run(`${pods('one drydock-worker', 'two drydock-worker2')} kubectl wait --for=condition=Ready pod --all`)
    expect(await run('ssh drydock-worker ip -br a')).toMatch(/flannel\.1 +UNKNOWN +10\.244\.\d\.0\/32\ncni0 +UP +10\.244\.\d\.1\/24\n/)
    expect(await run('ssh drydock-worker ip route')).toMatch(/\n10\.244\.(\d)\.0\/24 via 10\.244\.\1\.0 dev flannel\.1 onlink \n/)
    expect(await ask('one', 'two')).toContain('Welcome to nginx!')
    expect(await run('kubectl exec one -- nslookup kubernetes.default.svc.cluster.local')).toContain('10.96.0.1')
  }, 100_000)

  test('network policies are taken and have no effect', async () => {
    await run(`kubectl apply -f - <<'END'\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: closed}\nspec: {podSelector: {}, policyTypes: [Ingress]}\nEND\n`)
    expect(await run('kubectl get networkpolicy closed --no-headers')).toContain('closed')
    expect(await ask('one', 'two')).toContain('Welcome to nginx!')
  })

  test('everything is there after a reload', async () => {
    lab = await lab.reload()
    await pass(40)
    expect(await run('kubectl get pods -n kube-flannel --no-headers')).toMatch(/^(kube-flannel-ds-\S+ +1\/1 +Running .*\n){3}$/)
    expect(await ask('one', 'two')).toContain('Welcome to nginx!')
    expect(await run('ssh drydock-worker ip -br a')).toMatch(/cni0 +UP +10\.244\.\d\.1\/24\n/)
  }, 100_000)

  test('its daemon may go without harm to what is there, and a network that does not fit ends it', async () => {
    await run(`sed -i 's#10.244.0.0/16#10.10.0.0/16#' kube-flannel.yml; kubectl apply -f kube-flannel.yml; kubectl -n kube-flannel delete pod --all`)
    await pass(30)
    expect(await run('kubectl get pods -n kube-flannel --no-headers')).toMatch(/^(kube-flannel-ds-\S+ +0\/1 +(CrashLoopBackOff|Error) .*\n){3}$/)
    expect(await run('kubectl logs -n kube-flannel ds/kube-flannel-ds -c kube-flannel')).toMatch(/E\d{4} \S+ +\d+ main\.go:384\] Error registering network: failed to acquire lease: subnet "10\.10\.0\.0\/16" specified in the flannel net config doesn't contain "10\.244\.\d\.0\/24" PodCIDR of the "drydock-\S+" node\n/)
    expect(await ask('one', 'two')).toContain('Welcome to nginx!')
  }, 100_000)
})

describe('flannel after kindnet', () => {
  beforeAll(async () => { lab = await startLab('from kindnet to flannel') }, 60_000)
  afterAll(() => lab.stop())

  test('the first configuration by name counts, and pods keep their network until they are made anew', async () => {
    await run(`${pods('one drydock-worker', 'two drydock-worker2')} kubectl wait --for=condition=Ready pod --all`)
    const address = await run(`kubectl get pod one -o jsonpath='{.status.podIP}'`)
    lab.writeFile('kube-flannel.yml', readFileSync(new URL('./kube-flannel.yaml', import.meta.url), 'utf8'))
    await run('kubectl delete daemonset kindnet -n kube-system; kubectl apply -f kube-flannel.yml; kubectl -n kube-flannel rollout status ds/kube-flannel-ds --timeout=120s')
    await pass(20)
    expect(await run('ssh drydock-worker ls /etc/cni/net.d')).toBe('10-flannel.conflist\n10-kindnet.conflist\n')
    await run(`${pods('three drydock-worker2')} kubectl wait --for=condition=Ready pod --all`)
    expect(await run(`kubectl get pod one -o jsonpath='{.status.podIP}'`)).toBe(address)
    expect(await ask('one', 'two')).toContain('Welcome to nginx!')
    expect(await ask('one', 'three')).toContain('Welcome to nginx!')
    expect(await ask('three', 'one')).toContain('Welcome to nginx!')
    expect(await run('kubectl exec one -- ip route')).toMatch(/ dev eth0 scope link src /)
    expect(await run('kubectl exec three -- ip route')).toMatch(/^default via 10\.244\.\d\.1 dev eth0 \n10\.244\.0\.0\/16 via 10\.244\.\d\.1 dev eth0 \n/)
  }, 100_000)
})
