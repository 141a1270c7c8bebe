import { afterAll, beforeAll, expect, test } from 'vitest'
import { Random } from '../src/base/random.ts'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'

let lab: Lab
let before: Record<string, string>
/** All that `kubectl get pods -o wide` says but ages, and the containers themselves. */
const PODS = "kubectl get pods -A --no-headers -o custom-columns=:.metadata.uid,:.metadata.name,:.status.phase,:.status.podIP,:.spec.nodeName,:.status.containerStatuses[*].restartCount,:.status.containerStatuses[*].containerID,:.status.containerStatuses[*].ready,:.status.containerStatuses[*].lastState | grep -v ' tick-'"
const say = async (script: string) => (await lab.run(script)).stdout
beforeAll(async () => {
  lab = await startLab('reload')
  lab.writeFile('world.yaml', `
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {clusterIP: None, selector: {app: db}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  replicas: 2
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {terminationGracePeriodSeconds: 1, containers: [{name: db, image: busybox:1.37, command: [sh, -c, 'echo "$(hostname) starts" | tee -a /data/starts; exec sleep 100000'], volumeMounts: [{name: data, mountPath: /data}]}]}
  volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}}]
---
apiVersion: batch/v1
kind: Job
metadata: {name: slow}
spec:
  template: {spec: {restartPolicy: Never, containers: [{name: c, image: busybox:1.37, command: [sh, -c, 'echo begun; sleep 30; echo finished']}]}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: tick}
spec:
  schedule: '* * * * *'
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: busybox:1.37, command: [echo, tock]}]}}}}
`)
  await lab.run('kubectl apply -f world.yaml && kubectl rollout status statefulset db && kubectl create deployment web --image=nginx:1.27 --replicas=3 && kubectl rollout status deployment web && sleep 60 && kubectl wait --for=condition=complete job/$(kubectl get jobs -o name | grep tick | head -1 | cut -d/ -f2) --timeout=90s', { withinMs: 300_000 })
  await lab.run('kubectl delete job slow --wait; kubectl apply -f world.yaml; kubectl wait --for=jsonpath={.status.ready}=1 job/slow')
  before = { pods: await say(PODS), trouble: await say("kubectl get events -A -o custom-columns=:.reason,:.involvedObject.name,:.message --no-headers | grep 'SandboxChanged\\|BackOff\\|Unhealthy'"), images: await say('crictl() { ssh "$1" crictl images | sort; }; crictl drydock-worker; crictl drydock-worker2') }
  lab = await lab.reload()
}, 120_000)
afterAll(() => lab?.stop())

test('nodes stay ready', async () => {
  expect(await say("kubectl get nodes --no-headers | awk '{print $2}'")).toBe('Ready\nReady\nReady\n')
  await lab.run('sleep 10')
  expect(await say("kubectl get nodes --no-headers | awk '{print $2}'")).toBe('Ready\nReady\nReady\n')
  expect(await say('kubectl get events --field-selector reason=NodeNotReady -o name')).toBe('')
})

test('images that were pulled are on the nodes', async () => {
  expect(before['images']).toContain('docker.io/library/busybox')
  expect(await say('crictl() { ssh "$1" crictl images | sort; }; crictl drydock-worker; crictl drydock-worker2')).toBe(before['images'])
})

test('every pod is as it was: address, containers, restarts', async () => {
  expect(before['pods']!.split('\n').length).toBeGreaterThan(15)
  expect(await say(PODS)).toBe(before['pods'])
  await lab.run('sleep 60')
  const lasting = (pods: string) => pods.split('\n').filter((pod) => !pod.includes(' slow-'))
  expect(lasting(await say(PODS))).toEqual(lasting(before['pods']!))
  expect(await say("kubectl get events -A -o custom-columns=:.reason,:.involvedObject.name,:.message --no-headers | grep 'SandboxChanged\\|BackOff\\|Unhealthy'")).toBe(before['trouble'])
})

test('logs of before the reload are there, also of what had ended', async () => {
  expect(await say('kubectl logs db-0')).toBe('db-0 starts\ndb-0 starts\n')
  expect(await say('kubectl logs $(kubectl get pods --field-selector status.phase=Succeeded --sort-by=.metadata.creationTimestamp -o name | grep tick | head -1)')).toBe('tock\n')
})

test('claims keep their data', async () => {
  expect(await say('kubectl exec db-1 -- cat /data/starts')).toBe('db-1 starts\ndb-1 starts\n')
})

test('a Job whose pod was cut off ends with the same pod', async () => {
  await lab.run('kubectl wait --for=condition=complete job/slow --timeout=120s', { withinMs: 200_000 })
  expect(await say("kubectl get job slow -o jsonpath='{.status.failed},{.status.succeeded}'")).toBe(',1')
  expect(await say('kubectl logs job/slow')).toBe('begun\nbegun\nfinished\n')
})

test('Services lead to the pods, and names are found', async () => {
  await lab.run('kubectl expose deployment web --port=80')
  expect((await lab.run('kubectl exec db-0 -- wget -qO- http://web')).stdout).toContain('Welcome to nginx')
})

test('objects that were read from the disk share their sets of fields with each other', async () => {
  const pods = lab.cluster.etcd.range<{ metadata: { name: string; managedFields: { fieldsV1: object }[] } }>({ key: '/registry/pods/default/web', rangeEnd: '/registry/pods/default/wec' }).kvs
  expect(pods).toHaveLength(3)
  expect(pods[1]!.value.metadata.managedFields[0]!.fieldsV1).toBe(pods[0]!.value.metadata.managedFields[0]!.fieldsV1)
})

test("a cluster that was kept without the API server's certificate for kubelets, as earlier versions did, gets one", async () => {
  await say('ssh drydock-control-plane rm /etc/kubernetes/pki/apiserver-kubelet-client.crt /etc/kubernetes/pki/apiserver-kubelet-client.key')
  lab = await lab.reload()
  expect(await say('kubectl get nodes --no-headers | wc -l; ssh drydock-control-plane ls /etc/kubernetes/pki | grep -c kubelet-client')).toBe('3\n2\n')
})

test('whenever it is cut off, the cluster gets to where it was going', async () => {
  const random = new Random('cut off')
  let other = await startLab('cut off')
  other.writeFile('world.yaml', `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  replicas: 2
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      initContainers: [{name: first, image: alpine:3.20, command: [sleep, '1']}, {name: side, image: busybox:1.37, restartPolicy: Always, command: [sleep, '100000']}]
      containers: [{name: db, image: busybox:1.37, command: [sleep, '100000'], readinessProbe: {exec: {command: [test, -d, /data]}, periodSeconds: 1}, volumeMounts: [{name: data, mountPath: /data}]}]
  volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {replicas: 3, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: 'nginx:1.27', readinessProbe: {httpGet: {path: /, port: 80}, periodSeconds: 1}}]}}}
`)
  await other.run('kubectl apply -f world.yaml')
  for (let i = 0; i < 5; i++) {
    await other.cluster.clock.advance(random.float() * (i % 2 === 0 ? 300 : 2_000))
    other = await other.reload()
    if (i === 2) await other.run('kubectl set image deployment web c=nginx:1.26; kubectl delete pod db-0 --wait=false')
  }
  const { code, stderr } = await other.run('kubectl rollout status deployment web --timeout=60s && kubectl rollout status statefulset db --timeout=120s && sleep 5', { withinMs: 200_000 })
  expect([code, stderr]).toEqual([0, ''])
  expect((await other.run("kubectl get pods -A --no-headers | grep -v Running")).stdout).toBe('')
  const containers = (await other.run("kubectl get pods -A -o jsonpath='{range .items[*].status.containerStatuses[*]}{.containerID}{\"\\n\"}{.lastState.terminated.containerID}{\"\\n\"}{end}'")).stdout.split('\n').filter(Boolean)
  expect(new Set(containers).size).toBe(containers.length)
  await other.stop()
}, 60_000)
