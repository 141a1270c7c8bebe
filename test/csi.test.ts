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
import '../src/cluster/images/csi/snapshot-controller.ts'
import '../src/cluster/images/csi/node-driver-registrar.ts'
import '../src/cluster/images/csi/small-sidecars.ts'

let lab: Lab
const out = (script: string) => lab.out(script)
beforeAll(async () => {
  lab = await startLab('csi')
  for (const name of fs.readdirSync(path.join(import.meta.dirname, 'csi'))) lab.writeFile(name, fs.readFileSync(path.join(import.meta.dirname, 'csi', name), 'utf8'))
  await out('kubectl apply -f sidecars-rbac.yaml -f snapshot-crds.yaml -f snapshot-controller.yaml')
}, 60_000)
afterAll(() => lab.stop())

const claim = (name: string, extra = '', spec = '') => `apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: ${name}}
spec:
  accessModes: [ReadWriteOnce]
  storageClassName: csi-hostpath-sc
  resources: {requests: {storage: 1Gi}}
  ${extra}
${spec}`
const pod = (name: string, volume: string, extra = '') => `apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
  terminationGracePeriodSeconds: 1
  containers: [{name: main, image: busybox, command: [sleep, infinity], volumeMounts: [{name: data, mountPath: /data}]}]
  volumes: [{name: data, ${volume}}]
  ${extra}
`

test('a node has a CSINode, empty until a driver registers', async () => {
  expect(await out('kubectl get csinodes')).toMatch(/^NAME +DRIVERS +AGE\ndrydock-control-plane +0 .*\ndrydock-worker +0 .*\ndrydock-worker2 +0 /)
  expect(await out('kubectl get csidrivers 2>&1')).toBe('No resources found\n')
})

test('a claim waits for its driver, which registers from its own manifests', async () => {
  lab.writeFile('class.yaml', 'apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: csi-hostpath-sc}\nprovisioner: hostpath.csi.k8s.io\nreclaimPolicy: Delete\nvolumeBindingMode: Immediate\nallowVolumeExpansion: true\n')
  lab.writeFile('claim.yaml', claim('csi-pvc'))
  await out('kubectl apply -f class.yaml -f claim.yaml; sleep 2')
  expect(await out('kubectl get events --field-selector involvedObject.name=csi-pvc -o jsonpath="{.items[0].message}"')).toMatch(/^Waiting for a volume to be created either by the external provisioner 'hostpath\.csi\.k8s\.io' or manually /)
  expect((await lab.run('kubectl apply -f hostpath.yaml -f snapshotclass.yaml')).stderr).toMatch(/^Warning: .*duplicate port name "healthz"/)
  await out('kubectl rollout status statefulset csi-hostpathplugin --timeout=110s')
  expect(await out('kubectl get pod csi-hostpathplugin-0')).toMatch(/ 8\/8 +Running +0 /)
  await out('kubectl wait --for=jsonpath={.status.phase}=Bound pvc/csi-pvc --timeout=60s')
  const node = await out('kubectl get pod csi-hostpathplugin-0 -o jsonpath={.spec.nodeName}')
  expect(await out(`kubectl get csinode ${node} -o jsonpath={.spec}`)).toBe(`{"drivers":[{"name":"hostpath.csi.k8s.io","nodeID":"${node}","topologyKeys":["topology.hostpath.csi/node"]}]}`)
  expect(await out(`kubectl get node ${node} -o jsonpath="{.metadata.annotations.csi\\.volume\\.kubernetes\\.io/nodeid} {.metadata.labels.topology\\.hostpath\\.csi/node}"`)).toBe(`{"hostpath.csi.k8s.io":"${node}"} ${node}`)
  expect(await out('kubectl get csidriver')).toMatch(/hostpath\.csi\.k8s\.io +true +true +false +<unset> +false +Persistent,Ephemeral /)
  const volume = await out('kubectl get pv -o jsonpath="{.items[0].metadata.finalizers} {.items[0].metadata.annotations.pv\\.kubernetes\\.io/provisioned-by} {.items[0].spec.csi.driver} {.items[0].spec.persistentVolumeReclaimPolicy} {.items[0].spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].key}"')
  expect(volume).toMatch(/^\["(external-provisioner\.volume\.kubernetes\.io\/finalizer","kubernetes\.io\/pv-protection|kubernetes\.io\/pv-protection","external-provisioner\.volume\.kubernetes\.io\/finalizer)"\] hostpath\.csi\.k8s\.io hostpath\.csi\.k8s\.io Delete topology\.hostpath\.csi\/node$/)
  expect(await out('sleep 4; kubectl describe pvc csi-pvc')).toMatch(/Normal +Provisioning +\d+s .*hostpath\.csi\.k8s\.io_csi-hostpathplugin-0_\S+ +External provisioner is provisioning volume for claim "default\/csi-pvc"\n.*Normal +ProvisioningSucceeded .* Successfully provisioned volume pvc-/)
}, 60_000)

test('a pod gets the volume attached, staged and published; its data outlives it', async () => {
  lab.writeFile('app.yaml', pod('app', 'persistentVolumeClaim: {claimName: csi-pvc}'))
  await out('kubectl apply -f app.yaml; kubectl wait --for=condition=Ready pod app --timeout=60s; kubectl exec app -- sh -c "echo hello > /data/file"')
  const node = await out('kubectl get pod csi-hostpathplugin-0 -o jsonpath={.spec.nodeName}')
  expect(await out('kubectl get pod app -o jsonpath={.spec.nodeName}')).toBe(node)
  expect(await out('kubectl get volumeattachments --no-headers')).toMatch(new RegExp(`^csi-[0-9a-f]{64} +hostpath\\.csi\\.k8s\\.io +pvc-\\S+ +${node} +true `))
  expect(await out('kubectl get events --field-selector involvedObject.name=app,reason=SuccessfulAttachVolume -o jsonpath="{.items[0].message}|{.items[0].source.component}"')).toMatch(/^AttachVolume\.Attach succeeded for volume "pvc-\S+" \|attachdetach-controller$/)
  expect(await out(`kubectl get node ${node} -o jsonpath="{.status.volumesAttached[0].name} {.status.volumesInUse[0]}"`)).toMatch(/^kubernetes\.io\/csi\/hostpath\.csi\.k8s\.io\^(\S+) kubernetes\.io\/csi\/hostpath\.csi\.k8s\.io\^\1$/)
  expect(await out('kubectl exec csi-hostpathplugin-0 -c hostpath -- sh -c "cat /csi-data-dir/*/file"')).toBe('hello\n')
  await out('kubectl delete pod app; sleep 12')
  expect(await out('kubectl get volumeattachments 2>&1')).toBe('No resources found\n')
  expect(await out(`kubectl get node ${node} -o jsonpath="{.status.volumesAttached}{.status.volumesInUse}"`)).toBe('')
  await out('kubectl apply -f app.yaml; kubectl wait --for=condition=Ready pod app --timeout=60s')
  expect(await out('kubectl exec app -- cat /data/file')).toBe('hello\n')
}, 60_000)

test('a reload leaves attached and mounted what was so, without a word', async () => {
  const before = await out('kubectl get volumeattachments -o jsonpath={.items[*].metadata.uid}')
  lab = await lab.reload()
  await out('sleep 10')
  expect(await out('kubectl exec app -- cat /data/file; kubectl get volumeattachments -o jsonpath={.items[*].metadata.uid}')).toBe(`hello\n${before}`)
  expect(await out('kubectl get pods --no-headers')).toMatch(/^app +1\/1 +Running +0 .*\ncsi-hostpathplugin-0 +8\/8 +Running +0 /)
  expect(await out('kubectl get events --field-selector type=Warning,involvedObject.name=app 2>&1')).toBe('No resources found in default namespace.\n')
}, 60_000)

test('a snapshot is taken and restored, and a claim is cloned', async () => {
  lab.writeFile('snapshot.yaml', 'apiVersion: snapshot.storage.k8s.io/v1\nkind: VolumeSnapshot\nmetadata: {name: snap}\nspec: {volumeSnapshotClassName: csi-hostpath-snapclass, source: {persistentVolumeClaimName: csi-pvc}}\n')
  await out('kubectl apply -f snapshot.yaml; kubectl wait --for=jsonpath={.status.readyToUse}=true volumesnapshot/snap --timeout=60s; kubectl exec app -- sh -c "echo later > /data/file"')
  expect(await out('kubectl get volumesnapshot snap')).toMatch(/^NAME +READYTOUSE +SOURCEPVC +SOURCESNAPSHOTCONTENT +RESTORESIZE +SNAPSHOTCLASS +SNAPSHOTCONTENT +CREATIONTIME +AGE\nsnap +true +csi-pvc +1Gi +csi-hostpath-snapclass +snapcontent-\S+ +\d+s +\d+s\n/)
  expect((await out('kubectl get events --field-selector involvedObject.name=snap -o jsonpath="{.items[*].reason}"')).split(' ').sort()).toEqual(['CreatingSnapshot', 'SnapshotCreated', 'SnapshotReady'])
  lab.writeFile('more.yaml', [claim('restored', 'dataSource: {name: snap, kind: VolumeSnapshot, apiGroup: snapshot.storage.k8s.io}'), claim('cloned', 'dataSource: {name: csi-pvc, kind: PersistentVolumeClaim}'), pod('restored', 'persistentVolumeClaim: {claimName: restored}'), pod('cloned', 'persistentVolumeClaim: {claimName: cloned}')].join('---\n'))
  await out('kubectl apply -f more.yaml; kubectl wait --for=condition=Ready pod restored cloned --timeout=90s')
  expect(await out('kubectl exec restored -- cat /data/file; kubectl exec cloned -- cat /data/file')).toBe('hello\nlater\n')
  await out('kubectl delete volumesnapshot snap --timeout=60s')
  expect(await out('kubectl get volumesnapshotcontents 2>&1')).toBe('No resources found\n')
}, 60_000)

test('a class names the secret with which its snapshots are taken and deleted', async () => {
  lab.writeFile('secret-class.yaml', ['apiVersion: snapshot.storage.k8s.io/v1\nkind: VolumeSnapshotClass\nmetadata: {name: with-secret}\ndriver: hostpath.csi.k8s.io\ndeletionPolicy: Delete\nparameters: {csi.storage.k8s.io/snapshotter-secret-name: "key-${volumesnapshot.name}", csi.storage.k8s.io/snapshotter-secret-namespace: "${volumesnapshot.namespace}"}\n',
    'apiVersion: snapshot.storage.k8s.io/v1\nkind: VolumeSnapshot\nmetadata: {name: locked}\nspec: {volumeSnapshotClassName: with-secret, source: {persistentVolumeClaimName: csi-pvc}}\n'].join('---\n'))
  await out('kubectl create secret generic key-locked --from-literal=password=open; kubectl create clusterrole secrets --verb=get --resource=secrets; kubectl create clusterrolebinding secrets --clusterrole=secrets --serviceaccount=default:csi-hostpathplugin-sa')
  await out('kubectl apply -f secret-class.yaml; kubectl wait --for=jsonpath={.status.readyToUse}=true volumesnapshot/locked --timeout=60s')
  expect(await out('kubectl get volumesnapshotcontents -o jsonpath={.items[*].metadata.annotations}')).toBe('{"snapshot.storage.kubernetes.io/deletion-secret-name":"key-locked","snapshot.storage.kubernetes.io/deletion-secret-namespace":"default"}')
  await out('kubectl delete volumesnapshot locked --timeout=60s')
  const asked = await out('kubectl logs csi-hostpathplugin-0 -c hostpath')
  for (const call of ['CreateSnapshot', 'DeleteSnapshot']) expect(asked).toMatch(new RegExp(`"Method":"/csi.v1.Controller/${call}".*"secrets":\\{"password":"open"\\}`))
})

test('a volume grows: the driver first, then the node', async () => {
  await out(`kubectl patch pvc csi-pvc -p '{"spec":{"resources":{"requests":{"storage":"2Gi"}}}}'; sleep 3`)
  expect(await out('kubectl get pvc csi-pvc -o jsonpath="{.status.conditions[*].type} {.status.capacity.storage} {.status.allocatedResourceStatuses.storage}"')).toBe('Resizing FileSystemResizePending 1Gi NodeResizePending')
  await out('sleep 100')
  expect(await out('kubectl get pvc csi-pvc -o jsonpath="{.status.capacity.storage}{.status.conditions}"; kubectl get pv -o jsonpath="{.items[?(@.spec.claimRef.name==\'csi-pvc\')].spec.capacity.storage}"')).toBe('2Gi2Gi')
  const reasons = (await out('kubectl get events --field-selector involvedObject.name=csi-pvc -o jsonpath="{.items[*].reason}"')).split(' ')
  for (const reason of ['ExternalExpanding', 'Resizing', 'FileSystemResizeRequired', 'FileSystemResizeSuccessful']) expect(reasons).toContain(reason)
}, 60_000)

test('inline and generic ephemeral volumes come and go with their pod', async () => {
  lab.writeFile('inline.yaml', [pod('inline', 'csi: {driver: hostpath.csi.k8s.io}', 'nodeSelector: {topology.hostpath.csi/node: drydock-worker}'.replace('drydock-worker', await out('kubectl get pod csi-hostpathplugin-0 -o jsonpath={.spec.nodeName}'))), pod('generic', 'ephemeral: {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], storageClassName: csi-hostpath-sc, resources: {requests: {storage: 1Gi}}}}}')].join('---\n'))
  await out('kubectl apply -f inline.yaml; kubectl wait --for=condition=Ready pod inline generic --timeout=90s; kubectl exec inline -- touch /data/x')
  const state = 'kubectl exec csi-hostpathplugin-0 -c hostpath -- cat /csi-data-dir/state.json'
  expect((JSON.parse(await out(state)) as { Volumes: { Ephemeral: boolean }[] }).Volumes.filter(({ Ephemeral }) => Ephemeral)).toHaveLength(1)
  await out('kubectl delete pod inline generic; kubectl wait --for=delete pvc generic-data --timeout=60s')
  expect((JSON.parse(await out(state)) as { Volumes: { Ephemeral: boolean }[] }).Volumes.filter(({ Ephemeral }) => Ephemeral)).toEqual([])
}, 60_000)

test('a pod that goes before its volume could be attached leaves nothing in use', async () => {
  const node = await out('kubectl get pod csi-hostpathplugin-0 -o jsonpath={.spec.nodeName}')
  const inUse = `kubectl get node ${node} -o jsonpath={.status.volumesInUse}`
  lab.writeFile('nowhere.yaml', ['apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: nowhere}\nspec: {accessModes: [ReadWriteOnce], capacity: {storage: 1Gi}, csi: {driver: hostpath.csi.k8s.io, volumeHandle: nowhere}}\n',
    'apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: nowhere}\nspec: {accessModes: [ReadWriteOnce], storageClassName: "", volumeName: nowhere, resources: {requests: {storage: 1Gi}}}\n', pod('nowhere', 'persistentVolumeClaim: {claimName: nowhere}', `nodeName: ${node}`)].join('---\n'))
  await out('kubectl apply -f nowhere.yaml; sleep 5')
  expect(await out(inUse)).toContain('^nowhere"')
  expect(await out('kubectl get volumeattachments -o jsonpath={.items[*].spec.source.persistentVolumeName}')).toContain('nowhere')
  await out('kubectl delete pod nowhere; sleep 15')
  expect(await out(inUse)).not.toContain('nowhere')
  // Those of other pods are still in use.
  expect(await out(inUse)).toContain('kubernetes.io/csi/hostpath.csi.k8s.io^')
  await out('kubectl delete pvc nowhere; kubectl delete pv nowhere --wait=false')
}, 60_000)

test('a claim of mode ReadWriteOncePod is kept from a second pod on its node, whoever chose that', async () => {
  lab.writeFile('once.yaml', [claim('once').replace('ReadWriteOnce', 'ReadWriteOncePod'), pod('once-1', 'persistentVolumeClaim: {claimName: once}')].join('---\n'))
  await out('kubectl apply -f once.yaml; kubectl wait --for=condition=Ready pod once-1 --timeout=90s')
  lab.writeFile('once-2.yaml', pod('once-2', 'persistentVolumeClaim: {claimName: once}', `nodeName: ${await out('kubectl get pod once-1 -o jsonpath={.spec.nodeName}')}`))
  await out('kubectl apply -f once-2.yaml; sleep 5')
  expect(await out('kubectl get events --field-selector involvedObject.name=once-2,reason=FailedMount -o jsonpath="{.items[0].message}"')).toMatch(/^MountVolume\.SetUp failed for volume "pvc-\S+" : volume uses the ReadWriteOncePod access mode and is already in use by another pod$/)
  await out('kubectl delete pod once-1; kubectl wait --for=condition=Ready pod once-2 --timeout=90s')
  await out('kubectl delete pod once-2; kubectl delete pvc once --timeout=60s; sleep 12')
})

test('a claim of mode Block is a device in its pod, and its snapshot has the same bytes', async () => {
  const block = (name: string, extra = '') => claim(name, `volumeMode: Block\n  ${extra}`)
  const user = (name: string) => pod(name, `persistentVolumeClaim: {claimName: ${name}}`).replace('volumeMounts: [{name: data, mountPath: /data}]', 'volumeDevices: [{name: data, devicePath: /dev/xvda}]')
  lab.writeFile('block.yaml', [block('raw'), user('raw')].join('---\n'))
  await out('kubectl apply -f block.yaml; kubectl wait --for=condition=Ready pod raw --timeout=90s')
  expect(await out('kubectl exec raw -- sh -c "test -b /dev/xvda && blockdev --getsize64 /dev/xvda; echo hello > /dev/xvda"')).toBe('1073741824\n')
  lab.writeFile('block-snapshot.yaml', 'apiVersion: snapshot.storage.k8s.io/v1\nkind: VolumeSnapshot\nmetadata: {name: raw}\nspec: {volumeSnapshotClassName: csi-hostpath-snapclass, source: {persistentVolumeClaimName: raw}}\n')
  await out('kubectl apply -f block-snapshot.yaml; kubectl wait --for=jsonpath={.status.readyToUse}=true volumesnapshot/raw --timeout=60s')
  lab.writeFile('block-restored.yaml', [block('raw-again', 'dataSource: {name: raw, kind: VolumeSnapshot, apiGroup: snapshot.storage.k8s.io}'), user('raw-again')].join('---\n'))
  await out('kubectl apply -f block-restored.yaml; kubectl wait --for=condition=Ready pod raw-again --timeout=90s')
  expect(await out('kubectl exec raw-again -- head -c 6 /dev/xvda')).toBe('hello\n')
  await out('kubectl delete pod raw raw-again; kubectl delete volumesnapshot raw; kubectl delete pvc raw raw-again --timeout=60s; sleep 15')
  expect(await out('kubectl exec csi-hostpathplugin-0 -c hostpath -- losetup -a; kubectl get pv --no-headers | wc -l')).toBe('3\n')
}, 60_000)

test('without its driver a volume is not mounted, and the pod says so', async () => {
  await out('kubectl delete pod app restored cloned; kubectl delete pvc restored cloned; sleep 12')
  await lab.run('kubectl scale statefulset csi-hostpathplugin --replicas=0; kubectl wait --for=delete pod csi-hostpathplugin-0')
  expect(await out('kubectl get csinodes -o jsonpath="{.items[*].spec.drivers}"')).toBe('null null null')
  lab.writeFile('orphan.yaml', pod('orphan', 'csi: {driver: hostpath.csi.k8s.io}'))
  await out('kubectl apply -f orphan.yaml; sleep 5')
  expect(await out('kubectl get events --field-selector involvedObject.name=orphan,reason=FailedMount -o jsonpath="{.items[0].message}"')).toBe('MountVolume.SetUp failed for volume "data" : kubernetes.io/csi: mounter.SetUpAt failed to get CSI client: driver name hostpath.csi.k8s.io not found in the list of registered CSI drivers')
  await out('kubectl delete pod orphan --timeout=60s')
  await lab.run('kubectl scale statefulset csi-hostpathplugin --replicas=1; kubectl rollout status statefulset csi-hostpathplugin --timeout=110s; sleep 5')
})

test('a volume made by hand has the finalizer of its driver\'s provisioner while it is bound', async () => {
  lab.writeFile('static.yaml', ['apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: static}\nspec: {accessModes: [ReadWriteOnce], capacity: {storage: 1Gi}, persistentVolumeReclaimPolicy: Delete, csi: {driver: hostpath.csi.k8s.io, volumeHandle: static}}\n',
    'apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: static}\nspec: {accessModes: [ReadWriteOnce], storageClassName: "", volumeName: static, resources: {requests: {storage: 1Gi}}}\n'].join('---\n'))
  await out('kubectl apply -f static.yaml; sleep 5')
  expect(await out('kubectl get pv static -o jsonpath={.metadata.finalizers}')).toContain('external-provisioner.volume.kubernetes.io/finalizer')
  await out('kubectl delete pvc static; sleep 5')
  expect(await out('kubectl get pv static --ignore-not-found')).toBe('')
})

test('a deleted claim takes its volume along, unless that is retained', async () => {
  expect(await out('kubectl get pv -o name | wc -l')).toBe('1\n')
  await out(`kubectl patch pv $(kubectl get pv -o jsonpath={.items[0].metadata.name}) -p '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}'; kubectl delete pvc csi-pvc; sleep 3`)
  expect(await out('kubectl get pv --no-headers')).toMatch(/ 2Gi +RWO +Retain +Released +default\/csi-pvc +csi-hostpath-sc /)
  await out(`kubectl patch pv $(kubectl get pv -o jsonpath={.items[0].metadata.name}) -p '{"spec":{"persistentVolumeReclaimPolicy":"Delete"}}'; sleep 5`)
  expect(await out('kubectl get pv 2>&1')).toBe('No resources found\n')
})

test('a snapshotter that looks after its own node alone ends where nobody says which that is', async () => {
  await lab.run(`kubectl patch statefulset csi-hostpathplugin -p '{"spec":{"template":{"spec":{"containers":[{"name":"csi-snapshotter","args":["--csi-address=/csi/csi.sock","--node-deployment"]}]}}}}'; sleep 60`)
  expect(await out('kubectl logs csi-hostpathplugin-0 -c csi-snapshotter --previous')).toContain('The NODE_NAME environment variable must be set when using --enable-node-deployment.\n')
})
