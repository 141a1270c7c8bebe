import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { kubeadmTopology } from '../src/cluster/topology.ts'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'
// Loaded when first used, which takes real time: a stepped clock would leap over it.
import '../src/cluster/node/node-machine.ts'
import '../src/cluster/calico/policy/policy-filter.ts'
import '../src/cluster/network/cni/calico-add.ts'
import '../src/cluster/images/calico/bird.ts'
import '../src/cluster/images/calico/calico-node.ts'
import '../src/cluster/images/calico/calicoctl/calicoctl.ts'
import '../src/cluster/images/calico/install-cni.ts'
import '../src/cluster/images/calico/kube-controllers.ts'
import '../src/cluster/images/flannel/flanneld.ts'
import '../src/unix/ssh.ts'

let lab: Lab
const run = async (script: string) => {
  const { stdout, stderr } = await lab.run(script, { withinMs: 700_000 })
  return stdout + stderr
}
const manifest = (name: string) => readFileSync(new URL(`./${name}.yaml`, import.meta.url), 'utf8')
const pass = (seconds: number) => lab.cluster.clock.advance(seconds * 1_000)
const apply = (yaml: string) => run(`kubectl apply -f - <<'END'\n${yaml}\nEND\n`)
const pods = (...lines: string[]) => run(`${lines.map((line) => { const [name, node] = line.split(' '); return `kubectl run ${name} --image=nginx:alpine --labels=app=${name} --overrides='{"spec":{"nodeName":"${node}"}}';` }).join(' ')} kubectl wait --for=condition=Ready pod --all`)
/** A pod asks another for its page; `drop`: nobody answered. */
const ask = async (from: string, to: string) => {
  const answer = await run(`kubectl exec ${from} -- wget -qO- -T 2 http://$(kubectl get pod ${to} -o jsonpath='{.status.podIP}')`)
  return answer.includes('Welcome to nginx!') ? 'page' : answer.includes('download timed out') ? 'drop' : answer
}
const boot = async (seed: string, file: string) => {
  lab = await startLab(seed, { ...kubeadmTopology(3), cni: 'none' })
  lab.writeFile('network.yaml', `${manifest('calico-crds')}---\n${file}`)
}

describe('Calico', () => {
  beforeAll(() => boot('calico', manifest('calico')), 60_000)
  afterAll(() => lab.stop())

  test('its manifest makes nodes Ready; all probes of its pods succeed', async () => {
    expect(await run('kubectl apply -f network.yaml')).toContain('daemonset.apps/calico-node created\ndeployment.apps/calico-kube-controllers created\n')
    expect(await run('kubectl -n kube-system rollout status ds/calico-node --timeout=120s')).toContain('successfully rolled out')
    await pass(30)
    expect(await run('kubectl get nodes --no-headers')).toMatch(/^(\S+ +Ready .*\n){3}$/)
    expect(await run('kubectl get pods -n kube-system --no-headers')).toMatch(/^calico-kube-controllers-\S+ +1\/1 +Running +0 .*\n(calico-node-\S+ +1\/1 +Running +0 .*\n){3}(coredns-\S+ +1\/1 +Running .*\n){2}/)
    expect(await run(`kubectl get node drydock-worker -o jsonpath='{.status.conditions[?(@.type=="NetworkUnavailable")].reason}'`)).toBe('CalicoIsUp')
    expect(await run(`kubectl get node drydock-worker -o jsonpath='{.metadata.annotations}'`)).toMatch(/"projectcalico.org\/IPv4Address":"10\.89\.0\.3\/16","projectcalico.org\/IPv4IPIPTunnelAddr":"10\.244\.\d+\.\d+"/)
  }, 100_000)

  test('resources that it needs are there', async () => {
    expect(await run(`kubectl get ippool default-ipv4-ippool -o jsonpath='{.spec}'`)).toBe('{"allowedUses":["Workload","Tunnel"],"assignmentMode":"Automatic","blockSize":26,"cidr":"10.244.0.0/16","ipipMode":"Always","natOutgoing":true,"nodeSelector":"all()","vxlanMode":"Never"}')
    expect(await run(`kubectl get clusterinformation default -o jsonpath='{.spec.calicoVersion} {.spec.clusterType} {.spec.datastoreReady}'`)).toBe('v3.32.1 k8s,bgp,kubeadm,kdd true')
    expect(await run(`kubectl get tiers -o jsonpath='{range .items[*]}{.metadata.name} {.spec.defaultAction} {end}'`)).toBe('default Deny kube-admin Pass kube-baseline Pass ')
    await pods('one drydock-worker', 'two drydock-worker2')
  }, 100_000)

  test('addresses come from blocks of the pool, one after the other, and are given back', async () => {
    const ip = await run(`kubectl get pod two -o jsonpath='{.status.podIP}'`)
    const [, block] = /(\S+) drydock-worker2 confirmed/.exec(await run(`kubectl get blockaffinities -o jsonpath='{range .items[*]}{.spec.cidr} {.spec.node} {.spec.state}{"\\n"}{end}'`))!
    expect(block).toMatch(/^10\.244\.\d+\.(0|64|128|192)\/26$/)
    const name = block!.replaceAll('.', '-').replace('/', '-')
    const first = block!.split('/')[0]!
    // The tunnel has the first one.
    expect(ip).toBe(first.replace(/\d+$/, (last) => String(Number(last) + 1)))
    expect(await run(`kubectl get pod two -o jsonpath='{.metadata.annotations.cni\\.projectcalico\\.org/podIP}'`)).toBe(`${ip}/32`)
    expect(await run(`kubectl get ipamblock ${name} -o jsonpath='{.spec.affinity} {.spec.attributes[*].secondary.pod} {.spec.attributes[0].handle_id}'`)).toBe('host:drydock-worker2 two ipip-tunnel-addr-drydock-worker2')
    const handle = `k8s-pod-network.${await run(`kubectl get pod two -o jsonpath='{.metadata.annotations.cni\\.projectcalico\\.org/containerID}'`)}`
    expect(await run(`kubectl get ipamhandle ${handle} -o jsonpath='{.spec.block}'`)).toBe(`{"${block}":1}`)
    await run('kubectl delete pod two --now')
    await pass(5)
    expect(await run(`kubectl get ipamhandle ${handle}`)).toContain('NotFound')
    expect(await run(`kubectl get ipamblock ${name} -o jsonpath='{.spec.attributes[*].secondary.pod}'`)).toBe('')
    await pods('two drydock-worker2')
    // What was given back comes last.
    expect(await run(`kubectl get pod two -o jsonpath='{.status.podIP}'`)).toBe(first.replace(/\d+$/, (last) => String(Number(last) + 2)))
  }, 100_000)

  test('IP-in-IP leads from node to node, by routes that BIRD has from the others', async () => {
    expect(await ask('one', 'two')).toBe('page')
    expect(await run('ssh drydock-worker ip -br a')).toMatch(/tunl0 +UNKNOWN +10\.244\.\d+\.\d+\/32\n/)
    expect(await run('ssh drydock-worker ip route')).toMatch(/\n10\.244\.\d+\.\d+\/26 via 10\.89\.0\.4 dev tunl0 proto bird onlink \n/)
    expect(await run('ssh drydock-worker ip route')).toMatch(/\nblackhole 10\.244\.\d+\.\d+\/26 proto bird \n10\.244\.\d+\.\d+ dev cali[0-9a-f]{11} scope link \n/)
    expect(await run('kubectl exec one -- ip route')).toBe('default via 169.254.1.1 dev eth0 \n169.254.1.1 dev eth0 scope link \n')
    const agent = await run(`kubectl get pod -n kube-system -l k8s-app=calico-node --field-selector spec.nodeName=drydock-worker -o name`)
    const inside = (command: string) => run(`kubectl exec -n kube-system ${agent.trim()} -c calico-node -- ${command}`)
    expect(await inside('birdcl show protocols')).toMatch(/Mesh_10_89_0_2 BGP {6}master {3}up {5}\S+ +Established {3}\n.*Mesh_10_89_0_4 BGP {6}master {3}up {5}\S+ +Established/)
    expect(await inside('/bin/calico-node -felix-live -bird-live -felix-ready -bird-ready; echo $?')).toBe('0\n')
    // Without its daemon the node is not alive, until it is started again.
    expect(await inside(`sh -c 'kill $(pidof bird); sleep 0.3; calico-node -bird-live; sleep 3; calico-node -bird-live && echo alive'`)).toMatch(/calico\/node is not ready: bird(\/confd)? is not live: .*\nalive\n$/)
    await pass(20)
    expect(await ask('one', 'two')).toBe('page')
  }, 100_000)

  test('a pool in which the mode changes to CrossSubnet leads plainly to neighbours', async () => {
    await run(`kubectl patch ippool default-ipv4-ippool --type merge -p '{"spec":{"ipipMode":"CrossSubnet"}}'`)
    await pass(5)
    expect(await run('ssh drydock-worker ip route')).toMatch(/\n10\.244\.\d+\.\d+\/26 via 10\.89\.0\.4 dev eth0 proto bird \n/)
    expect(await ask('one', 'two')).toBe('page')
    await run(`kubectl patch ippool default-ipv4-ippool --type merge -p '{"spec":{"ipipMode":"Always"}}'`)
    await pass(5)
    expect(await ask('one', 'two')).toBe('page')
    expect(await run(`kubectl patch ippool default-ipv4-ippool --type merge -p '{"spec":{"vxlanMode":"Always"}}'`)).toContain('ipipMode and vxlanMode cannot both be enabled')
  }, 100_000)

  test('network policies of Kubernetes are enforced', async () => {
    await pods('three drydock-worker')
    await apply('apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: closed}\nspec: {podSelector: {}, policyTypes: [Ingress]}')
    expect([await ask('one', 'two'), await ask('three', 'two')]).toEqual(['drop', 'drop'])
    await apply('apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: open}\nspec: {podSelector: {matchLabels: {app: two}}, ingress: [{from: [{podSelector: {matchLabels: {app: one}}}], ports: [{port: 80}]}]}')
    expect([await ask('one', 'two'), await ask('three', 'two'), await ask('two', 'one')]).toEqual(['page', 'drop', 'drop'])
    await run('kubectl delete networkpolicy --all')
    expect([await ask('three', 'two'), await ask('two', 'one')]).toEqual(['page', 'page'])
  }, 100_000)

  test("Calico's own policies have orders, actions, selectors, tiers and network sets", async () => {
    await apply(`apiVersion: crd.projectcalico.org/v1
kind: GlobalNetworkPolicy
metadata: {name: deny-to-two}
spec:
  order: 10
  selector: app == 'two'
  types: [Ingress]
  ingress:
  - {action: Log, source: {selector: "app == 'three'"}}
  - {action: Deny, source: {selector: "app in {'three', 'four'}", namespaceSelector: projectcalico.org/name == 'default'}}
  - {action: Allow}`)
    expect([await ask('one', 'two'), await ask('three', 'two')]).toEqual(['page', 'drop'])
    expect(await run('ssh drydock-worker2 sudo dmesg')).toMatch(/calico-packet: SRC=10\.244\.\d+\.\d+ DST=10\.244\.\d+\.\d+ PROTO=TCP DPT=80 SYN/)
    // A smaller order comes first.
    await apply(`apiVersion: crd.projectcalico.org/v1\nkind: NetworkPolicy\nmetadata: {name: allow-three}\nspec: {order: 5, selector: app == 'two', types: [Ingress], ingress: [{action: Allow, protocol: TCP, source: {selector: app == 'three'}, destination: {ports: [80]}}]}`)
    expect(await ask('three', 'two')).toBe('page')
    await run('kubectl delete networkpolicies.crd.projectcalico.org allow-three')
    expect(await ask('three', 'two')).toBe('drop')
    // An earlier tier passes on what it doesn't decide.
    await apply(`apiVersion: crd.projectcalico.org/v1\nkind: Tier\nmetadata: {name: security}\nspec: {order: 100, defaultAction: Deny}\n---\napiVersion: crd.projectcalico.org/v1\nkind: GlobalNetworkSet\nmetadata: {name: pods, labels: {role: pods}}\nspec: {nets: [10.244.0.0/16]}\n---\napiVersion: crd.projectcalico.org/v1\nkind: GlobalNetworkPolicy\nmetadata: {name: security.two}\nspec: {tier: security, selector: app == 'two', types: [Ingress], ingress: [{action: Pass, source: {selector: role == 'pods'}}]}`)
    expect([await ask('one', 'two'), await ask('three', 'two')]).toEqual(['page', 'drop'])
    await run(`kubectl patch globalnetworkset pods --type merge -p '{"spec":{"nets":["192.0.2.0/24"]}}'`)
    expect([await ask('one', 'two'), await ask('three', 'two'), await ask('two', 'one')]).toEqual(['drop', 'drop', 'page'])
    await run('kubectl delete globalnetworkpolicies.crd.projectcalico.org security.two deny-to-two')
    expect(await ask('three', 'two')).toBe('page')
    // What Felix can't read it leaves away.
    await apply(`apiVersion: crd.projectcalico.org/v1\nkind: GlobalNetworkPolicy\nmetadata: {name: wrong}\nspec: {selector: app = 'two', types: [Ingress]}`)
    expect(await ask('three', 'two')).toBe('page')
    expect(await run('kubectl logs -n kube-system ds/calico-node --tail=5')).toContain('Validation failed; treating as missing error="expected ==" key="GlobalNetworkPolicy(wrong)"')
    expect(await apply(`apiVersion: crd.projectcalico.org/v1\nkind: GlobalNetworkPolicy\nmetadata: {name: wrong}\nspec: {ingress: [{action: Reject}]}`)).toContain('Unsupported value: "Reject"')
    await run('kubectl delete globalnetworkpolicies.crd.projectcalico.org wrong')
  }, 100_000)

  test('calicoctl shows and changes resources, and asks BIRD on nodes', async () => {
    expect(await run('calicoctl get nodes')).toBe('NAME                    \ndrydock-control-plane   \ndrydock-worker          \ndrydock-worker2         \n\n')
    expect(await run('calicoctl get nodes -o wide')).toContain('drydock-worker          (64512)   10.89.0.3/16          \n')
    expect(await run('calicoctl get ippool -o wide')).toBe('NAME                  CIDR            NAT    IPIPMODE   VXLANMODE   DISABLED   DISABLEBGPEXPORT   SELECTOR   ASSIGNMENTMODE   \ndefault-ipv4-ippool   10.244.0.0/16   true   Always     Never       false      false              all()      Automatic        \n\n')
    lab.writeFile('policy.yaml', `apiVersion: projectcalico.org/v3\nkind: NetworkPolicy\nmetadata: {name: only-one, namespace: default}\nspec: {selector: app == 'two', ingress: [{action: Allow, source: {selector: app == 'one'}}]}\n`)
    expect(await run('calicoctl apply -f policy.yaml; calicoctl create -f policy.yaml')).toMatch(/^Successfully applied 1 'NetworkPolicy' resource\(s\)\nfailed to create 'NetworkPolicy' resource: \[resource already exists: NetworkPolicy\(default\/only-one\) with error: /)
    expect([await ask('one', 'two'), await ask('three', 'two'), await ask('two', 'one')]).toEqual(['page', 'drop', 'page'])
    expect(await run('calicoctl get networkpolicy -o wide')).toContain("only-one   default   <nil>   app == 'two'   \n")
    expect(await run('calicoctl get np only-one -o yaml')).toMatch(/^apiVersion: projectcalico\.org\/v3\nkind: NetworkPolicy\nmetadata:\n[^]*  name: only-one\n[^]*  types:\n    - Ingress\n$/)
    expect(await run('calicoctl delete np only-one; calicoctl get np only-one; calicoctl get dog')).toMatch(/^Successfully deleted 1 'NetworkPolicy' resource\(s\)\nresource does not exist: NetworkPolicy\(default\/only-one\) with error: .* not found\nfailed to execute command: resource type 'dog' is not supported\n$/)
    expect(await ask('three', 'two')).toBe('page')
    expect(await run('calicoctl version')).toBe('Client Version:    v3.32.1\nCluster Version:   v3.32.1\nCluster Type:      k8s,bgp,kubeadm,kdd\n')
    expect(await run('calicoctl get nodes --show-blocks')).toBe("invalid option: 'calicoctl get nodes --show-blocks'. Use flag '--help' to read about a specific subcommand\n")
    await run(`kubectl patch clusterinformation default --type merge -p '{"spec":{"calicoVersion":"v3.30.3"}}'`)
    expect(await run('calicoctl get tiers')).toBe('version mismatch.\nClient Version:   v3.32.1\nCluster Version:  3.30.3\nUse --allow-version-mismatch to override\n')
    expect(await run('calicoctl get tiers --allow-version-mismatch')).toContain('kube-admin')
    await run(`kubectl patch clusterinformation default --type merge -p '{"spec":{"calicoVersion":"v3.32.1"}}'`)
    expect(await run('calicoctl ipam show')).toMatch(/^\+-+\+-+\+-+\+-+\+-+\+\n\| GROUPING \| {5}CIDR {6}\| IPS TOTAL \| IPS IN USE \| {3}IPS FREE {3}\|\n\+.*\+\n\| IP Pool {2}\| 10\.244\.0\.0\/16 \| {5}65536 \| \d+ \(0%\) +\| \d+ \(100%\) \|\n\+.*\+\n$/)
    expect(await run(`calicoctl ipam show --ip=$(kubectl get pod one -o jsonpath='{.status.podIP}')`)).toMatch(/^IP \S+ is in use\nHandle ID: k8s-pod-network\.[0-9a-f]{64}\nActive Owner Attributes:\n  namespace: default\n  node: drydock-worker\n  pod: one\n/)
    expect(await run('ssh drydock-worker sudo calicoctl node status')).toMatch(/^Calico process is running\.\n\nIPv4 BGP status\n\+-+\+-+\+-+\+-+\+-+\+\n\| PEER ADDRESS \| {5}PEER TYPE {5}\| STATE \| {2}SINCE {3}\| {4}INFO {5}\|\n\+.*\n\| 10\.89\.0\.2 {4}\| node-to-node mesh \| up {4}\| \S+ \| Established \|\n\| 10\.89\.0\.4 /)
  }, 100_000)

  test('Felix starts again with other settings, and refuses those it has no dataplane for; its rules stay meanwhile', async () => {
    await apply('apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: closed}\nspec: {podSelector: {matchLabels: {app: two}}, policyTypes: [Ingress]}')
    await run(`kubectl patch felixconfiguration default --type merge -p '{"spec":{"bpfEnabled":true}}'`)
    await pass(5)
    expect(await run('kubectl logs -n kube-system ds/calico-node --tail=30')).toMatch(/Configuration value changed; change DOES require Felix to restart\. key="bpfEnabled"[^]*felix: drydock: eBPF is not supported here/)
    expect([await ask('one', 'two'), await ask('two', 'one')]).toEqual(['drop', 'page'])
    await run(`kubectl patch felixconfiguration default --type json -p '[{"op":"remove","path":"/spec/bpfEnabled"}]'; kubectl delete networkpolicy closed`)
    await pass(5)
    expect([await ask('one', 'two'), await ask('two', 'one')]).toEqual(['page', 'page'])
  }, 100_000)

  test('everything is there after a reload', async () => {
    await apply('apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: closed}\nspec: {podSelector: {matchLabels: {app: two}}, policyTypes: [Ingress]}')
    const before = await run('kubectl get pods -A -o custom-columns=N:.metadata.name,IP:.status.podIP,R:.status.containerStatuses[0].restartCount')
    const addresses = await run('kubectl get ipamhandles -o name')
    lab = await lab.reload()
    for (let i = 0; i < 40 && await run('kubectl exec one -- true; kubectl exec two -- true') !== ''; i++) await pass(0.1)
    // Felix comes later than its rules.
    expect([await ask('one', 'two'), await ask('two', 'one')]).toEqual(['drop', 'page'])
    await pass(40)
    expect(await run('kubectl get pods -A -o custom-columns=N:.metadata.name,IP:.status.podIP,R:.status.containerStatuses[0].restartCount')).toBe(before)
    expect(await run('kubectl get ipamhandles -o name')).toBe(addresses)
    expect([await ask('one', 'two'), await ask('one', 'three'), await ask('two', 'three')]).toEqual(['drop', 'page', 'page'])
    expect(await run('ssh drydock-worker ip -br link')).toMatch(/cali[0-9a-f]{11}/)
    await run('kubectl delete pod three --now')
    await pass(5)
    expect((await run('kubectl get ipamhandles -o name')).split('\n').length).toBe(addresses.split('\n').length - 1)
  }, 100_000)

  test('without its agents rules and routes stay as they were, and what comes later reaches nobody', async () => {
    await run('kubectl delete ds calico-node -n kube-system')
    await pass(20)
    expect([await ask('one', 'two'), await ask('two', 'one')]).toEqual(['drop', 'page'])
    await pods('late drydock-worker2')
    const asked = async () => [await ask('one', 'two'), await ask('two', 'one'), await ask('late', 'one'), await ask('one', 'late')]
    expect(await asked()).toEqual(['drop', 'page', 'drop', 'drop'])
    lab = await lab.reload()
    await pass(40)
    expect(await asked()).toEqual(['drop', 'page', 'drop', 'drop'])
    await run('kubectl apply -f network.yaml; kubectl -n kube-system rollout status ds/calico-node --timeout=120s; kubectl delete networkpolicy closed')
    await pass(20)
    expect([await ask('late', 'one'), await ask('one', 'late'), await ask('one', 'two')]).toEqual(['page', 'page', 'page'])
  }, 100_000)

  test('a machine that starts anew gets its routes and rules back', async () => {
    await apply('apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: closed}\nspec: {podSelector: {matchLabels: {app: one}}, policyTypes: [Ingress]}')
    await run('ssh drydock-worker sudo reboot')
    await pass(120)
    expect(await run('kubectl get nodes --no-headers')).toMatch(/^(\S+ +Ready .*\n){3}$/)
    expect([await ask('one', 'two'), await ask('two', 'one')]).toEqual(['page', 'drop'])
    expect(await run('ssh drydock-worker ip route')).toMatch(/via 10\.89\.0\.4 dev tunl0 proto bird onlink/)
    await run('kubectl delete networkpolicy closed')
  }, 100_000)

  test('addresses and blocks of a node that is gone are taken back', async () => {
    expect(await run('kubectl get blockaffinities -o name')).toContain('drydock-worker2-10-244-')
    const count = (await run('kubectl get ipamblocks -o name')).trim().split('\n').length
    await run('virsh destroy drydock-worker2; kubectl delete node drydock-worker2')
    await pass(90)
    expect(await run('kubectl get blockaffinities -o name')).not.toContain('drydock-worker2')
    expect(await run('kubectl get blockaffinities -o name')).toContain('drydock-worker-10-244-')
    expect((await run('kubectl get ipamblocks -o name')).trim().split('\n').length).toBe(count - 1)
    expect(await run('ssh drydock-worker ip route')).not.toContain('10.89.0.4')
  }, 100_000)
})

describe('Calico without BGP', () => {
  // As calico-vxlan.yaml has it.
  const vxlan = manifest('calico').replace('calico_backend: bird', 'calico_backend: vxlan').replace("{name: CALICO_IPV4POOL_IPIP, value: Always}", "{name: CALICO_IPV4POOL_IPIP, value: Never}").replace("{name: CALICO_IPV4POOL_VXLAN, value: Never}", "{name: CALICO_IPV4POOL_VXLAN, value: Always}").replaceAll(', -bird-live', '').replaceAll(', -bird-ready', '')
  beforeAll(() => boot('calico vxlan', vxlan), 60_000)
  afterAll(() => lab.stop())

  test('VXLAN leads from node to node', async () => {
    await run('kubectl apply -f network.yaml; kubectl -n kube-system rollout status ds/calico-node --timeout=120s')
    await pass(20)
    expect(await run(`kubectl get ippool default-ipv4-ippool -o jsonpath='{.spec.ipipMode} {.spec.vxlanMode}'`)).toBe('Never Always')
    await pods('one drydock-worker', 'two drydock-worker2')
    expect(await ask('one', 'two')).toBe('page')
    expect(await run(`kubectl get node drydock-worker -o jsonpath='{.metadata.annotations}'`)).toMatch(/"projectcalico.org\/IPv4VXLANTunnelAddr":"10\.244\.\d+\.\d+","projectcalico.org\/VXLANTunnelMACAddr":"66:[0-9a-f:]{14}"/)
    expect(await run('ssh drydock-worker ip -d link show vxlan.calico')).toContain('vxlan id 4096 local 10.89.0.3 dev eth0')
    expect(await run('ssh drydock-worker ip route')).toMatch(/\nblackhole 10\.244\.\d+\.\d+\/26 proto 80 \n[^]*10\.244\.(\d+\.\d+)\/26 via 10\.244\.\1 dev vxlan\.calico onlink \n/)
    expect(await run('kubectl exec one -- ip link show eth0')).toContain('mtu 1450')
  }, 100_000)
})

describe('Canal', () => {
  beforeAll(() => boot('canal', manifest('canal')), 60_000)
  afterAll(() => lab.stop())

  test("flannel's network with Calico's policies", async () => {
    await run('kubectl apply -f network.yaml')
    expect(await run('kubectl -n kube-system rollout status ds/canal --timeout=120s')).toContain('successfully rolled out')
    await pass(30)
    expect(await run('kubectl get nodes --no-headers')).toMatch(/^(\S+ +Ready .*\n){3}$/)
    expect(await run('kubectl get pods -n kube-system --no-headers')).toMatch(/^calico-kube-controllers-\S+ +1\/1 +Running +0 .*\n(canal-\S+ +2\/2 +Running +0 .*\n){3}/)
    await pods('one drydock-worker', 'two drydock-worker2', 'three drydock-worker')
    expect(await run(`kubectl get pod two -o jsonpath='{.status.podIP}'`)).toMatch(new RegExp(`^${(await run(`kubectl get node drydock-worker2 -o jsonpath='{.spec.podCIDR}'`)).replace('0/24', '')}\\d+$`))
    expect(await run('kubectl get ipamblocks')).toContain('No resources found')
    expect(await run('ssh drydock-worker "ls /etc/cni/net.d; ip route"')).toMatch(/^10-canal\.conflist\ncalico-kubeconfig\n[^]*\n10\.244\.\d\.\d+ dev cali[0-9a-f]{11} scope link \n[^]*dev flannel\.1 onlink/)
    expect([await ask('one', 'two'), await ask('three', 'two')]).toEqual(['page', 'page'])
    await apply('apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: open}\nspec: {podSelector: {matchLabels: {app: two}}, ingress: [{from: [{podSelector: {matchLabels: {app: one}}}]}]}')
    expect([await ask('one', 'two'), await ask('three', 'two')]).toEqual(['page', 'drop'])
    await apply(`apiVersion: crd.projectcalico.org/v1\nkind: GlobalNetworkPolicy\nmetadata: {name: no-one}\nspec: {order: 1, selector: app == 'one', types: [Egress], egress: [{action: Deny, protocol: TCP, destination: {ports: ['80:90']}}, {action: Allow}]}`)
    expect([await ask('one', 'two'), await ask('three', 'one')]).toEqual(['drop', 'page'])
    lab = await lab.reload()
    await pass(40)
    expect([await ask('one', 'two'), await ask('three', 'two'), await ask('three', 'one')]).toEqual(['drop', 'drop', 'page'])
    await run('kubectl delete globalnetworkpolicies.crd.projectcalico.org no-one')
    expect([await ask('one', 'two'), await ask('three', 'two')]).toEqual(['page', 'drop'])
  }, 200_000)
})
