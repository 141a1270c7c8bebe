import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'
// Loaded when first used, which takes real time: a stepped clock would leap over it.
import '../src/cluster/node/node-machine.ts'
import '../src/unix/ssh.ts'

let lab: Lab
beforeAll(async () => { lab = await startLab('kubelet configuration') }, 60_000)
afterAll(() => lab.stop())

const run = async (script: string) => {
  const { stdout, stderr } = await lab.run(script, { withinMs: 700_000 })
  return stdout + stderr
}
const pass = (seconds: number) => lab.cluster.clock.advance(seconds * 1_000)
const CONFIG = '/var/lib/kubelet/config.yaml'
/** Adds lines to a node's kubelet configuration, or changes it otherwise, and restarts the kubelet. */
const configure = (node: string, ...edits: string[]) => run(`ssh ${node} '${edits.map((edit) => /^s[/#]/.test(edit) ? `sed -i "${edit}" ${CONFIG}` : `echo "${edit}" >> ${CONFIG}`).join('; ')}; systemctl restart kubelet'`)

test('maxPods, reserved resources and thresholds change what a node has for pods', async () => {
  await configure('drydock-worker', 'maxPods: 20', 'systemReserved: {cpu: 500m, memory: 1Gi}', 's/memory.available: 0%/memory.available: 100Mi/')
  await pass(20)
  expect(await run("kubectl get node drydock-worker -o jsonpath='{.status.capacity.pods} {.status.allocatable.pods} {.status.allocatable.cpu} {.status.allocatable.memory}'")).toBe(`20 20 1500m ${24684084 - 1024 * 1024 - 100 * 1024}Ki`)
  expect(await run('kubectl get pods -A -o wide --no-headers | grep drydock-worker | grep -vc Running')).toBe('0\n')
})

test('a configuration that is none keeps the kubelet from starting, and the journal says why', async () => {
  await configure('drydock-worker2', 's/^kind: .*/kind: KubeletConfigurashun/')
  await pass(60)
  expect(await run('ssh drydock-worker2 systemctl is-active kubelet')).toBe('activating\n')
  expect(await run('ssh drydock-worker2 journalctl -u kubelet')).toContain('no kind \\"KubeletConfigurashun\\" is registered')
  expect(await run('kubectl get node drydock-worker2 --no-headers')).toContain('NotReady')
  await configure('drydock-worker2', 's/KubeletConfigurashun/KubeletConfiguration/', 's#pki/ca.crt#pki/nope.crt#')
  expect(await run('ssh drydock-worker2 journalctl -u kubelet')).toContain('unable to load client CA file /etc/kubernetes/pki/nope.crt: open /etc/kubernetes/pki/nope.crt: no such file or directory')
  await configure('drydock-worker2', 's#pki/nope.crt#pki/ca.crt#')
  await run(`ssh drydock-worker2 'sed -i s/:6443/:6553/ /etc/kubernetes/kubelet.conf; systemctl restart kubelet'`)
  await pass(70)
  expect(await run('kubectl get node drydock-worker2 --no-headers')).toContain('NotReady')
  expect(await run('ssh drydock-worker2 journalctl -u kubelet | tail -3')).toContain('dial tcp 10.89.0.2:6553: connect: connection refused')
  await run(`ssh drydock-worker2 'sed -i s/:6553/:6443/ /etc/kubernetes/kubelet.conf; systemctl restart kubelet'`)
  await pass(30)
  expect(await run('kubectl get node drydock-worker2 --no-headers')).toContain(' Ready')
})

test('the ports of a kubelet answer strangers only where the configuration wants it', async () => {
  const ask = (url: string) => run(`curl -sk -m 3 -o /dev/null -w '%{http_code}' ${url}`)
  expect(await ask('https://10.89.0.4:10250/pods')).toBe('401')
  expect(await ask('http://10.89.0.4:10255/pods')).toBe('000')
  await run(`ssh drydock-worker2 'sed -i "/anonymous:/,/enabled/s/false/true/" ${CONFIG}; echo "readOnlyPort: 10255" >> ${CONFIG}; systemctl restart kubelet'`)
  expect(await ask('https://10.89.0.4:10250/pods')).toBe('403')
  expect(await run('curl -s http://10.89.0.4:10255/pods')).toContain('"kind":"PodList"')
  await configure('drydock-worker2', 's/mode: Webhook/mode: AlwaysAllow/')
  expect(await ask('https://10.89.0.4:10250/pods')).toBe('200')
})

test('a kubelet shows the certificate that it got when its node joined', async () => {
  expect(await run('ssh drydock-worker "cat /var/lib/kubelet/pki/kubelet-client-current.pem" | openssl x509 -noout -subject -issuer -ext extendedKeyUsage')).toMatch(/subject=O ?= ?system:nodes, CN ?= ?system:node:drydock-worker\nissuer=CN ?= ?kubernetes\n[^]*TLS Web Client Authentication/)
})

test("a kubelet's unit and flags are read from the node's disk", async () => {
  expect(await run('ssh drydock-worker2 "systemctl cat kubelet; pgrep -a kubelet || ps aux | grep kubelet"')).toMatch(/# \/etc\/systemd\/system\/kubelet\.service\n[^]*10-kubeadm\.conf\n[^]*\/usr\/bin\/kubelet --bootstrap-kubeconfig=\/etc\/kubernetes\/bootstrap-kubelet\.conf --kubeconfig=\/etc\/kubernetes\/kubelet\.conf --config=\/var\/lib\/kubelet\/config\.yaml --node-ip=/)
  await run(`ssh drydock-worker2 'echo KUBELET_EXTRA_ARGS=--container-runtime=remote > /etc/default/kubelet; systemctl restart kubelet'`)
  expect(await run('ssh drydock-worker2 journalctl -u kubelet | tail -1')).toContain('failed to parse kubelet flag: unknown flag: --container-runtime')
  await run(`ssh drydock-worker2 'echo KUBELET_EXTRA_ARGS=--max-pods=33 > /etc/default/kubelet; systemctl restart kubelet'`)
  await pass(20)
  expect(await run("kubectl get node drydock-worker2 -o jsonpath='{.status.capacity.pods}'")).toBe('33')
  expect(await run(`ssh drydock-worker2 'sed -i s#ExecStart=/usr/bin/kubelet#ExecStart=/usr/bin/local/kubelet# /etc/systemd/system/kubelet.service.d/10-kubeadm.conf; systemctl restart kubelet; systemctl daemon-reload; systemctl restart kubelet; systemctl status kubelet'`)).toMatch(/Process: \d+ ExecStart=\/usr\/bin\/local\/kubelet [^]*status=203\/EXEC[^]*Warning: The unit file/)
  await run('ssh drydock-worker2 reboot')
  await pass(90)
  expect(await run('kubectl get node drydock-worker2 --no-headers')).toContain('NotReady')
  await run(`ssh drydock-worker2 'sed -i s#/usr/bin/local/kubelet#/usr/bin/kubelet# /etc/systemd/system/kubelet.service.d/10-kubeadm.conf; rm /etc/default/kubelet; systemctl daemon-reload; systemctl restart kubelet'`)
  await pass(30)
  expect(await run('kubectl get node drydock-worker2 --no-headers')).toContain(' Ready')
})

test('static pods come from the folder that is configured', async () => {
  await run(`ssh drydock-worker2 'mkdir -p /opt/static; printf "apiVersion: v1\\nkind: Pod\\nmetadata: {name: own}\\nspec: {containers: [{name: nginx, image: nginx}]}\\n" > /opt/static/own.yaml'`)
  await configure('drydock-worker2', 's#^staticPodPath: .*#staticPodPath: /opt/static#')
  await pass(10)
  expect(await run('kubectl get pod own-drydock-worker2 --no-headers')).toContain('Running')
  await configure('drydock-worker2', 's#^staticPodPath: .*#staticPodPath: /etc/kubernetes/manifests#')
  await pass(10)
  expect(await run('kubectl get pod own-drydock-worker2')).toContain('NotFound')
})

test('a node that is low on memory says so, and evicts whoever takes more than it asked for', async () => {
  await run(`kubectl run hungry --image=polinux/stress --overrides='{"spec":{"nodeName":"drydock-worker"}}' --command -- stress --vm 1 --vm-bytes 150M --vm-hang 0; kubectl wait --for=condition=Ready pod/hungry; sleep 15`)
  await configure('drydock-worker', `s/memory.available: 100Mi/memory.available: 24300000Ki/`)
  await pass(15)
  expect(await run('kubectl get pod hungry --no-headers')).toMatch(/Evicted|Error|Failed/)
  expect(await run("kubectl get pod hungry -o jsonpath='{.status.reason}: {.status.message}'")).toMatch(/^Evicted: The node was low on resource: memory\. Threshold quantity: 24300000Ki, available: \d+Ki\. Container hungry was using \d+Ki, request is 0, has larger consumption of memory\. $/)
  expect(await run('kubectl describe node drydock-worker')).toMatch(/MemoryPressure +True .*KubeletHasInsufficientMemory +kubelet has insufficient memory available[^]*EvictionThresholdMet .*Attempting to reclaim memory/)
  expect(await run("kubectl get node drydock-worker -o jsonpath='{.spec.taints[*].key}'")).toContain('node.kubernetes.io/memory-pressure')
  await configure('drydock-worker', 's/memory.available: 24300000Ki/memory.available: 0%/')
  await pass(20)
  expect(await run('kubectl describe node drydock-worker')).toMatch(/MemoryPressure +False/)
})

test('a kubelet that is told to ends its pods before the machine does', async () => {
  await configure('drydock-worker', 'shutdownGracePeriod: 30s', 'shutdownGracePeriodCriticalPods: 10s')
  await run(`kubectl run polite --image=busybox --overrides='{"spec":{"nodeName":"drydock-worker"}}' -- sh -c 'trap "echo bye; exit 0" TERM; while true; do sleep 1; done'; kubectl wait --for=condition=Ready pod/polite`)
  await run('ssh drydock-worker poweroff')
  await pass(40)
  expect(lab.cluster.computers.states().find(({ name }) => name === 'drydock-worker')?.power).toBe('off')
  expect(await run("kubectl get pod polite -o jsonpath='{.status.phase} {.status.reason}: {.status.message}'")).toMatch(/^(Failed|Succeeded) Terminated: Pod was terminated in response to imminent node shutdown\.$/)
  expect(await run('kubectl get node drydock-worker --no-headers')).toContain('NotReady')
  expect(await run("kubectl get node drydock-worker -o jsonpath='{.status.conditions[?(@.type==\"Ready\")].message}'")).toContain('node is shutting down')
})
