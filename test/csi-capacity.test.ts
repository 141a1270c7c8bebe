import fs from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'
// Loaded when first used, which takes real time: a stepped clock would leap over it.
import '../src/cluster/images/csi/hostpath/hostpath-driver.ts'
import '../src/cluster/images/csi/csi-provisioner.ts'
import '../src/cluster/images/csi/csi-attacher.ts'
import '../src/cluster/images/csi/csi-resizer.ts'
import '../src/cluster/images/csi/csi-snapshotter.ts'
import '../src/cluster/images/csi/node-driver-registrar.ts'
import '../src/cluster/images/csi/small-sidecars.ts'

let lab: Lab
const out = (script: string) => lab.out(script)
const manifest = (name: string) => fs.readFileSync(path.join(import.meta.dirname, 'csi', name), 'utf8')
const CAPACITIES = 'kubectl get csistoragecapacities --no-headers -o custom-columns=CLASS:.storageClassName,CAPACITY:.capacity,MAX:.maximumVolumeSize,WHERE:.nodeTopology.matchLabels | sort'

beforeAll(async () => {
  lab = await startLab('csi-capacity')
  lab.writeFile('rbac.yaml', manifest('sidecars-rbac.yaml'))
  lab.writeFile('hostpath.yaml', manifest('hostpath.yaml').replace('  podInfoOnMount: true\n', '  podInfoOnMount: true\n  storageCapacity: true\n')
    .replace('- --feature-gates=Topology=true\n', `$&            - --enable-capacity
            - --capacity-ownerref-level=1
          env:
            - {name: NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
            - {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}\n`)
    .replace('- --nodeid=$(KUBE_NODE_NAME)\n', '$&            - --capacity=fast=2Gi\n            - --capacity=slow=100Gi\n'))
  const storageClass = (kind: string) => `apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: ${kind}}\nprovisioner: hostpath.csi.k8s.io\nvolumeBindingMode: WaitForFirstConsumer\nparameters: {kind: ${kind}}\n`
  const user = (name: string, kind: string, size: string) => `apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: ${name}}\nspec: {accessModes: [ReadWriteOnce], storageClassName: ${kind}, resources: {requests: {storage: ${size}}}}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: ${name}}\nspec:\n  terminationGracePeriodSeconds: 0\n  containers: [{name: main, image: busybox, command: [sleep, infinity], volumeMounts: [{name: data, mountPath: /data}]}]\n  volumes: [{name: data, persistentVolumeClaim: {claimName: ${name}}}]\n`
  lab.writeFile('classes.yaml', [storageClass('fast'), storageClass('slow')].join('---\n'))
  lab.writeFile('small.yaml', user('small', 'fast', '1Gi'))
  lab.writeFile('large.yaml', user('large', 'fast', '2Gi'))
  await out('kubectl apply -f rbac.yaml -f classes.yaml; kubectl apply -f hostpath.yaml 2>/dev/null; kubectl rollout status statefulset csi-hostpathplugin --timeout=110s; sleep 5')
}, 60_000)
afterAll(() => lab.stop())

test('a driver\'s provisioner tells of each class how much is left, and where', async () => {
  const node = await out('kubectl get pod csi-hostpathplugin-0 -o jsonpath={.spec.nodeName}')
  expect((await out(CAPACITIES)).replace(/ +/g, ' ')).toBe(`fast 2Gi 2Gi map[topology.hostpath.csi/node:${node}]\nslow 100Gi 100Gi map[topology.hostpath.csi/node:${node}]\n`)
  expect(await out('kubectl get csistoragecapacities -o jsonpath="{.items[0].metadata.generateName} {.items[0].metadata.labels} {.items[0].metadata.ownerReferences[0].kind}/{.items[0].metadata.ownerReferences[0].name}"'))
    .toBe('csisc- {"csi.storage.k8s.io/drivername":"hostpath.csi.k8s.io","csi.storage.k8s.io/managed-by":"external-provisioner"} StatefulSet/csi-hostpathplugin')
}, 60_000)

test('a pod waits for storage that there isn\'t, and goes where it is once there is', async () => {
  await out('kubectl apply -f small.yaml; kubectl wait --for=condition=Ready pod small --timeout=90s; sleep 3')
  expect((await out(CAPACITIES)).replace(/ +/g, ' ')).toMatch(/^fast 1Gi 1Gi /)
  await out('kubectl apply -f large.yaml; sleep 5')
  expect(await out('kubectl get pod large -o jsonpath="{.status.conditions[0].message}"')).toMatch(/3 node\(s\) did not have enough free storage|2 node\(s\) did not have enough free storage/)
  await out('kubectl delete pod small; kubectl delete pvc small; kubectl wait --for=condition=Ready pod large --timeout=90s; sleep 3')
  expect((await out(CAPACITIES)).replace(/ +/g, ' ')).toMatch(/^fast 0 0 /)
}, 60_000)

test('what belongs to a class goes with it, and what is taken away comes back', async () => {
  await out('kubectl delete storageclass slow; kubectl delete csistoragecapacities -l csi.storage.k8s.io/managed-by=external-provisioner; sleep 3')
  expect((await out(CAPACITIES)).trim().split('\n')).toEqual([expect.stringMatching(/^fast /)])
}, 60_000)
