import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'
// Loaded when first used, which takes real time: a stepped clock would leap over it.
import '../src/cluster/images/dra-example-driver/kubelet-plugin.ts'

let lab: Lab
const out = (script: string) => lab.out(script)
beforeAll(async () => { lab = await startLab('dra') }, 60_000)
afterAll(() => lab.stop())

const DRIVER = (version: string, devices: number) => `apiVersion: resource.k8s.io/v1
kind: DeviceClass
metadata: {name: gpu.example.com}
spec: {selectors: [{cel: {expression: "device.driver == 'gpu.example.com'"}}], extendedResourceName: example.com/gpu}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: driver, namespace: default}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: driver}
rules:
- {apiGroups: [resource.k8s.io], resources: [resourceclaims], verbs: [get]}
- {apiGroups: [""], resources: [nodes], verbs: [get]}
- {apiGroups: [resource.k8s.io], resources: [resourceslices], verbs: [get, list, watch, create, update, patch, delete]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: driver}
subjects: [{kind: ServiceAccount, name: driver, namespace: default}]
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: driver}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: driver, namespace: default}
spec:
  selector: {matchLabels: {app: driver}}
  template:
    metadata: {labels: {app: driver}}
    spec:
      serviceAccountName: driver
      terminationGracePeriodSeconds: 1
      containers:
      - name: plugin
        image: registry.k8s.io/dra-example-driver/dra-example-driver:${version}
        command: [dra-example-kubeletplugin]
        securityContext: {privileged: true}
        livenessProbe: {grpc: {port: 51515, service: liveness}, failureThreshold: 3, periodSeconds: 10}
        env:
        - {name: CDI_ROOT, value: /var/run/cdi}
        - {name: NODE_NAME, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}
        - {name: NUM_DEVICES, value: "${devices}"}
        - {name: HEALTHCHECK_PORT, value: "51515"}
        volumeMounts:
        - {name: registry, mountPath: /var/lib/kubelet/plugins_registry}
        - {name: plugins, mountPath: /var/lib/kubelet/plugins}
        - {name: cdi, mountPath: /var/run/cdi}
      volumes:
      - {name: registry, hostPath: {path: /var/lib/kubelet/plugins_registry}}
      - {name: plugins, hostPath: {path: /var/lib/kubelet/plugins}}
      - {name: cdi, hostPath: {path: /var/run/cdi}}
`

const WORKLOAD = `apiVersion: resource.k8s.io/v1
kind: ResourceClaimTemplate
metadata: {name: single-gpu}
spec: {spec: {devices: {requests: [{name: gpu, exactly: {deviceClassName: gpu.example.com}}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: train}
spec:
  replicas: 3
  selector: {matchLabels: {app: train}}
  template:
    metadata: {labels: {app: train}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - {name: main, image: busybox, command: [sleep, infinity], resources: {claims: [{name: gpu}]}}
      - {name: other, image: busybox, command: [sleep, infinity]}
      resourceClaims: [{name: gpu, resourceClaimTemplateName: single-gpu}]
`

test('without a driver nothing has devices', async () => {
  expect(await out('kubectl get deviceclasses,resourceslices,resourceclaims 2>&1')).toBe('No resources found\n')
})

test('the driver registers on each worker and shows its devices', async () => {
  lab.writeFile('driver.yaml', DRIVER('v0.2.0', 1))
  await out('kubectl apply -f driver.yaml; kubectl rollout status daemonset driver --timeout=100s; sleep 2')
  expect(await out('kubectl get resourceslices --no-headers')).toMatch(/^drydock-worker-gpu\.example\.com-\w{5} +drydock-worker +gpu\.example\.com +drydock-worker +\d+s\ndrydock-worker2-gpu\.example\.com-\w{5} +drydock-worker2 +gpu\.example\.com +drydock-worker2 +\d+s\n$/)
})

test('the driver refuses numbers that are none', async () => {
  await out('kubectl run bad --restart=Never --image=registry.k8s.io/dra-example-driver/dra-example-driver:v0.2.0 --env NODE_NAME=n --env NUM_DEVICES=many --command -- dra-example-kubeletplugin; sleep 5')
  expect(await out('kubectl logs bad')).toBe('Error: could not parse "many" as int value from environment variable "NUM_DEVICES" for flag num-devices: strconv.ParseInt: parsing "many": invalid syntax\n')
  await out('kubectl delete pod bad --now')
})

test('of three pods two get a device each, and the third runs when one is gone', async () => {
  lab.writeFile('train.yaml', WORKLOAD)
  await out('kubectl apply -f train.yaml; sleep 10')
  const states = async () => (await out('kubectl get pods -l app=train --no-headers -o custom-columns=S:.status.phase')).trim().split('\n').sort()
  expect(await states()).toEqual(['Pending', 'Running', 'Running'])
  expect((await out('kubectl get resourceclaims --no-headers')).trim().split('\n').map((line) => line.split(/ +/)[1]).sort()).toEqual(['allocated,reserved', 'allocated,reserved', 'pending'])
  const running = (await out('kubectl get pods -l app=train --field-selector status.phase=Running -o jsonpath={.items[0].metadata.name}'))
  const waiting = (await out('kubectl get pods -l app=train --field-selector status.phase=Pending -o jsonpath={.items[0].metadata.name}'))
  expect(await out(`kubectl describe pod ${waiting}`)).toMatch(/Warning +FailedScheduling .* 0\/3 nodes are available: 1 node\(s\) had untolerated taint\(s\), 2 cannot allocate all claims\. still not schedulable, preemption: 0\/3 nodes are available: 3 Preemption is not helpful for scheduling\.\n/)
  const claim = await out(`kubectl get pod ${running} -o jsonpath={.status.resourceClaimStatuses[0].resourceClaimName}`)
  const uid = await out(`kubectl get resourceclaim ${claim} -o jsonpath={.metadata.uid}`)
  const node = await out(`kubectl get pod ${running} -o jsonpath={.spec.nodeName}`)
  expect(await out(`kubectl exec ${running} -c main -- env | grep -E 'GPU|DRA|KUBERNETES_NODE' | sort`)).toBe(`DRA_RESOURCE_DRIVER_NAME=gpu.example.com\nGPU_DEVICE_0=gpu-0\nGPU_DEVICE_0_RESOURCE_CLAIM=${uid}\nGPU_DEVICE_0_SHARING_STRATEGY=TimeSlicing\nGPU_DEVICE_0_TIMESLICE_INTERVAL=Default\nKUBERNETES_NODE_NAME=${node}\n`)
  expect(await out(`kubectl exec ${running} -c other -- env | grep -c GPU || true`)).toBe('0\n')
  expect(await out(`kubectl get pod ${running} -o jsonpath={.status.containerStatuses[0].allocatedResourcesStatus}`)).toBe('[{"name":"claim:gpu","resources":[{"health":"Unknown","resourceID":"k8s.gpu.example.com/gpu=common"}]}]')
  await out(`kubectl delete pod ${running}; sleep 8`)
  expect(await out(`kubectl get pod ${waiting} -o jsonpath={.status.phase}`)).toBe('Running')
  expect(await states()).toEqual(['Pending', 'Running', 'Running'])
  expect((await lab.run(`kubectl get resourceclaim ${claim}`)).stderr).toBe(`Error from server (NotFound): resourceclaims.resource.k8s.io "${claim}" not found\n`)
}, 60_000)

test('a pod whose driver has gone waits on its node, and devices go from the cluster', async () => {
  await out('kubectl delete deployment train; sleep 5; kubectl delete daemonset driver; sleep 45')
  expect(await out('kubectl get resourceslices,resourceclaims 2>&1')).toBe('No resources found\n')
  lab.writeFile('late.yaml', `apiVersion: resource.k8s.io/v1
kind: ResourceSlice
metadata: {name: stale}
spec: {driver: gpu.example.com, nodeName: drydock-worker, pool: {name: drydock-worker, generation: 1, resourceSliceCount: 1}, devices: [{name: gpu-0}]}
---
apiVersion: v1
kind: Pod
metadata: {name: late}
spec:
  terminationGracePeriodSeconds: 1
  containers: [{name: main, image: busybox, command: [sleep, infinity], resources: {limits: {example.com/gpu: 1}}}]
`)
  await out('kubectl apply -f late.yaml; sleep 5')
  expect(await out('kubectl get pod late --no-headers')).toMatch(/^late +0\/1 +ContainerCreating +0 /)
  expect(await out('kubectl get events --field-selector involvedObject.name=late,reason=FailedPrepareDynamicResources -o jsonpath={.items[0].message}')).toBe('Failed to prepare dynamic resources: prepare dynamic resources: DRA driver gpu.example.com is not registered')
  await out('kubectl delete resourceslice stale')
  lab.writeFile('driver.yaml', DRIVER('v0.4.0', 2))
  await out('kubectl apply -f driver.yaml; kubectl wait --for=condition=Ready pod late --timeout=200s')
  expect(await out('kubectl exec late -- env | grep GPU_DEVICE_0=')).toBe('GPU_DEVICE_0=gpu-0\n')
  expect(await out('kubectl exec late -- env | grep ADMIN')).toBe('DRA_ADMIN_ACCESS=false\n')
  await out('kubectl delete pod late; sleep 2')
  expect(await out('kubectl get resourceclaims 2>&1')).toBe('No resources found in default namespace.\n')
}, 60_000)

test('over a reload containers keep their devices, and the driver shows them again', async () => {
  lab.writeFile('train.yaml', WORKLOAD.replace('replicas: 3', 'replicas: 2'))
  await out('kubectl apply -f train.yaml; kubectl rollout status deployment train --timeout=60s')
  const environment = async () => out('for pod in $(kubectl get pods -l app=train -o name); do kubectl exec $pod -c main -- env | grep GPU_DEVICE | sort; done')
  const before = await environment()
  expect(before).toMatch(/GPU_DEVICE_\d=gpu-\d/)
  lab = await lab.reload()
  await out('kubectl wait --for=condition=Ready pod -l app=train --timeout=60s; sleep 40')
  expect(await environment()).toBe(before)
  expect((await out('kubectl get resourceslices --no-headers')).trim().split('\n')).toHaveLength(2)
  expect(await out('kubectl get pods -l app=train --no-headers')).toMatch(/^(?:train-\S+ +2\/2 +Running +0 .*\n){2}$/)
}, 60_000)
