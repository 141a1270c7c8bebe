import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'
// Loaded when first used, which takes real time: a stepped clock would leap over it.
import '../src/cluster/node/node-machine.ts'
import '../src/unix/ssh.ts'

let lab: Lab
beforeAll(async () => {
  lab = await startLab('computers')
}, 60_000)
afterAll(() => lab.stop())

const run = async (script: string) => {
  const { stdout, stderr } = await lab.run(script, { withinMs: 700_000 })
  return stdout + stderr
}
const pass = (seconds: number) => lab.cluster.clock.advance(seconds * 1_000)
const power = (name: string) => lab.cluster.computers.states().find((state) => state.name === name)?.power

test('a computer without power is silent: nobody gets through, its node is lost, its pods are replaced where that is safe', async () => {
  lab.writeFile('pods.yaml', `
apiVersion: v1
kind: Pod
metadata: {name: kept, labels: {app: kept}}
spec:
  nodeName: drydock-worker
  containers:
  - name: main
    image: busybox
    command: [sh, -c, 'echo start >> /disk/starts; echo start >> /memory/starts; wc -l < /disk/starts; sleep 100000']
    volumeMounts: [{name: disk, mountPath: /disk}, {name: memory, mountPath: /memory}]
  volumes: [{name: disk, emptyDir: {}}, {name: memory, emptyDir: {medium: Memory}}]
  tolerations: [{key: node.kubernetes.io/unreachable, operator: Exists}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      nodeSelector: {kubernetes.io/hostname: drydock-worker}
      containers: [{name: nginx, image: nginx}]
`)
  await run('kubectl create deployment web --image=nginx --replicas=4; kubectl expose deployment web --port=80; kubectl apply -f pods.yaml; kubectl wait --for=condition=Ready pod --all --timeout=60s')
  const address = await run(`kubectl get pod kept -o jsonpath='{.status.podIP}'`)
  await lab.cluster.computers.powerOff('drydock-worker')
  expect(power('drydock-worker')).toBe('off')
  expect(await run('ssh drydock-worker true')).toBe('ssh: connect to host drydock-worker port 22: No route to host\n')
  expect(await run(`ssh drydock-control-plane curl -sS -m 10 http://${address}`)).toMatch(/^curl: \(7\) Failed to connect to \S+ port 80 after 3000 ms/)
  expect(await run('kubectl logs kept')).toMatch(/^Error from server: Get "https:\/\/10\.89\.0\.3:10250\/containerLogs\/default\/kept\/main": dial tcp 10\.89\.0\.3:10250: connect: no route to host\n$/)
  await pass(70)
  expect(await run('kubectl get node drydock-worker --no-headers')).toContain('NotReady')
  expect(await run(`kubectl get node drydock-worker -o jsonpath='{.spec.taints[*].key}'`)).toContain('node.kubernetes.io/unreachable')
  expect(await run(`kubectl get endpointslices -l kubernetes.io/service-name=web -o jsonpath='{.items[*].endpoints[?(@.conditions.ready==true)].nodeName}'`)).not.toMatch(/drydock-worker( |$)/)
  await pass(320)
  expect(await run('kubectl get pods --no-headers')).toMatch(/db-0 +1\/1 +Terminating/)
  expect(await run('kubectl get deployment web --no-headers')).toMatch(/web +4\/4/)
  expect(await run('kubectl get pod kept --no-headers')).toMatch(/Running/)
})

test('a computer that is switched on again boots: containers start anew with what the disk kept', async () => {
  const bootId = await run(`kubectl get node drydock-worker -o jsonpath='{.status.nodeInfo.bootID}'`)
  lab.cluster.computers.powerOn('drydock-worker')
  expect(power('drydock-worker')).toBe('starting')
  await pass(40)
  expect(power('drydock-worker')).toBe('on')
  expect(await run('kubectl get nodes --no-headers')).toMatch(/^(\S+ +Ready .*\n){3}$/)
  const fresh = await run(`kubectl get node drydock-worker -o jsonpath='{.status.nodeInfo.bootID}'`)
  expect(fresh).not.toBe(bootId)
  expect(await run('kubectl describe node drydock-worker')).toMatch(new RegExp(`Warning +Rebooted .* Node drydock-worker has been rebooted, boot id: ${fresh}`))
  expect(await run('kubectl get pod kept --no-headers')).toMatch(/kept +1\/1 +Running +1 /)
  expect(await run(`kubectl get pod kept -o jsonpath='{.status.containerStatuses[0].lastState.terminated.exitCode} {.status.containerStatuses[0].lastState.terminated.reason}'`)).toBe('255 Unknown')
  expect(await run('kubectl logs kept; kubectl exec kept -- wc -l /memory/starts')).toBe('2\n1 /memory/starts\n')
  expect(await run('kubectl describe pod kept')).toContain('Pod sandbox changed, it will be killed and re-created.')
  expect(await run('kubectl get pods --no-headers')).not.toContain('Terminating')
  expect(await run('kubectl get pod db-0 --no-headers')).toMatch(/db-0 +1\/1 +Running +0 /)
  expect(await run('kubectl get pods -n kube-system --field-selector spec.nodeName=drydock-worker --no-headers')).toMatch(/kindnet-\S+ +1\/1 +Running +1 .*\n.*kube-proxy-\S+ +1\/1 +Running +1 /)
  expect(await run('kubectl run probe --image=busybox --restart=Never --overrides=\'{"spec":{"nodeName":"drydock-worker"}}\' -- wget -qO- web; kubectl wait --for=jsonpath={.status.phase}=Succeeded pod/probe; kubectl logs probe')).toContain('Welcome to nginx!')
})

test('reboot and poweroff on the node do what they say, and the session goes with it', async () => {
  expect(await run('ssh drydock-worker2 sudo reboot; echo $?')).toBe('0\n')
  await pass(2)
  expect(['stopping', 'starting']).toContain(power('drydock-worker2'))
  await pass(60)
  expect(await run('ssh drydock-worker2 uptime')).toMatch(/up +(0|1) min/)
  expect(await run(`ssh drydock-worker2 'systemctl poweroff; sleep 100'; echo $?`)).toBe('255\nConnection to drydock-worker2 closed by remote host.\r\n')
  await pass(20)
  expect(power('drydock-worker2')).toBe('off')
  expect(await run('ssh drydock-worker shutdown; ssh drydock-worker shutdown -c; ssh drydock-worker shutdown -r 25:00')).toMatch(/^Shutdown scheduled for \w{3} \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, use 'shutdown -c' to cancel\.\nFailed to parse time specification: 25:00\n$/)
  await pass(70)
  expect(power('drydock-worker')).toBe('on')
})

test('what is off stays off over a reload', async () => {
  lab = await lab.reload()
  await pass(30)
  expect(power('drydock-worker2')).toBe('off')
  expect(await run('ssh drydock-worker2 true')).toContain('No route to host')
  lab.cluster.computers.powerOn('drydock-worker2')
  await pass(40)
  expect(await run('kubectl get nodes --no-headers')).toMatch(/^(\S+ +Ready .*\n){3}$/)
})

test('the out-of-service taint frees the pods of a lost node', async () => {
  await lab.cluster.computers.powerOff('drydock-worker')
  await pass(70)
  await run('kubectl delete pod db-0 --wait=false; kubectl taint node drydock-worker node.kubernetes.io/out-of-service=nodeshutdown:NoExecute')
  await pass(60)
  expect(await run('kubectl get pod db-0 --no-headers')).toMatch(/db-0 +0\/1 +Pending/)
  await run('kubectl taint node drydock-worker node.kubernetes.io/out-of-service-')
  lab.cluster.computers.powerOn('drydock-worker')
  await pass(60)
  expect(await run('kubectl get pod db-0 --no-headers')).toMatch(/db-0 +1\/1 +Running/)
})

test('a control plane without power takes its API along, and comes back with it', async () => {
  await lab.cluster.computers.powerOff('drydock-control-plane')
  expect(await run('kubectl get nodes')).toBe('The connection to the server 127.0.0.1:6443 was refused - did you specify the right host or port?\n')
  lab = await lab.reload()
  expect(await run('kubectl get nodes')).toContain('was refused')
  lab.cluster.computers.powerOn('drydock-control-plane')
  await pass(180)
  expect(await run('kubectl get nodes --no-headers')).toMatch(/^(\S+ +Ready .*\n){3}$/)
  expect(await run('kubectl get pods -n kube-system --no-headers | grep drydock-control-plane')).toMatch(/^(\S+-drydock-control-plane +1\/1 +Running +[1-9].*\n){4}$/)
})

test('a kubelet that was stopped stays so over a reload, and comes back with the machine unless it is disabled', async () => {
  await run('ssh drydock-worker systemctl stop kubelet')
  lab = await lab.reload()
  await pass(90)
  expect(await run('kubectl get node drydock-worker --no-headers')).toContain('NotReady')
  expect(await run('ssh drydock-worker systemctl is-active kubelet')).toBe('inactive\n')
  await run('ssh drydock-worker reboot')
  await pass(60)
  expect(await run('kubectl get node drydock-worker --no-headers')).toContain(' Ready')
  expect(await run('ssh drydock-worker "systemctl disable kubelet; systemctl is-enabled kubelet; reboot"')).toBe('disabled\nRemoved "/etc/systemd/system/multi-user.target.wants/kubelet.service".\n')
  await pass(90)
  expect(await run('kubectl get node drydock-worker --no-headers')).toContain('NotReady')
  expect(await run('ssh drydock-worker "systemctl enable --now kubelet"')).toContain('Created symlink')
  await pass(30)
  expect(await run('kubectl get node drydock-worker --no-headers')).toContain(' Ready')
})
