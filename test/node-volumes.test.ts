import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'

let lab: Lab
const out = (script: string) => lab.out(script)
/** In the node's shell, as somebody gets there who has only a privileged pod. */
const onNode = (script: string) => out(`kubectl exec boss -- nsenter --mount=/rootfs/proc/1/ns/mnt -- sh -c ${JSON.stringify(script).replaceAll('$', '\\$')} 2>&1`)

beforeAll(async () => {
  lab = await startLab('block devices')
  lab.writeFile('boss.yaml', `apiVersion: v1
kind: Pod
metadata: {name: boss}
spec:
  nodeName: drydock-worker
  containers: [{name: main, image: busybox, command: [sleep, infinity], securityContext: {privileged: true}, volumeMounts: [{name: rootfs, mountPath: /rootfs, readOnly: true}]}]
  volumes: [{name: rootfs, hostPath: {path: /}}]
`)
  await out('kubectl apply -f boss.yaml; kubectl wait --for=condition=Ready pod boss --timeout=60s')
}, 60_000)
afterAll(() => lab.stop())

const local = (name: string, path: string, mode: string) => `apiVersion: v1
kind: PersistentVolume
metadata: {name: ${name}}
spec:
  capacity: {storage: 8Mi}
  accessModes: [ReadWriteOnce]
  volumeMode: ${mode}
  storageClassName: local
  claimRef: {name: ${name}, namespace: default}
  local: {path: ${path}}
  nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [drydock-worker]}]}]}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: ${name}}
spec: {accessModes: [ReadWriteOnce], volumeMode: ${mode}, storageClassName: local, volumeName: ${name}, resources: {requests: {storage: 8Mi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
  terminationGracePeriodSeconds: 1
  securityContext: {fsGroup: 1234}
  containers: [{name: main, image: busybox, command: [sleep, infinity], ${mode === 'Block' ? 'volumeDevices: [{name: data, devicePath: /dev/xvda}]' : 'volumeMounts: [{name: data, mountPath: /data}]'}}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: ${name}}}]
`

test('what is mounted in a node\'s shell is there for the kubelet, too', async () => {
  await onNode('mkdir -p /mnt/fast && mount -t tmpfs -o size=1m fast /mnt/fast && echo quick > /mnt/fast/file')
  lab.writeFile('fast.yaml', local('fast', '/mnt/fast', 'Filesystem'))
  await out('kubectl apply -f fast.yaml; kubectl wait --for=condition=Ready pod fast --timeout=60s')
  expect(await out('kubectl exec fast -- sh -c "cat /data/file; stat -c %g /data/file; df /data | tail -1"')).toMatch(/^quick\n1234\nfast +1024 /)
  await out('kubectl delete pod fast')
  expect(await onNode('umount /mnt/fast && ls /mnt/fast')).toBe('')
})

test('a file can be a device, and a device can be in a pod', async () => {
  expect(await onNode('mkdir -p /disks && dd if=/dev/zero of=/disks/a bs=1M count=8 status=none && losetup -f /disks/a && losetup | awk \'{ print $1, $6 }\'')).toBe('NAME BACK-FILE\n/dev/loop0 /disks/a\n')
  lab.writeFile('raw.yaml', local('raw', '/dev/loop0', 'Block'))
  await out('kubectl apply -f raw.yaml; kubectl wait --for=condition=Ready pod raw --timeout=60s')
  expect(await out('kubectl exec raw -- sh -c "test -b /dev/xvda && echo block; blockdev --getsize64 /dev/xvda; echo hello > /dev/xvda; head -c 6 /dev/xvda; printf end | dd of=/dev/xvda bs=1 seek=1048576 conv=notrunc status=none; dd if=/dev/xvda bs=1 skip=1048576 count=3 status=none"')).toBe('block\n8388608\nhello\nend')
  expect(await onNode('head -c 6 /disks/a; stat -c %s /disks/a')).toBe('hello\n8388608\n')
  expect(await out('kubectl exec raw -- sh -c "dd if=/dev/zero of=/dev/xvda bs=1M count=9 2>&1 | head -1"')).toContain('No space left on device')
  await out('kubectl delete pod,pvc raw; kubectl delete pv raw')
})

test('a device without a file system gets one for a volume of files', async () => {
  await onNode('truncate -s 8M /disks/b && losetup -f /disks/b')
  lab.writeFile('files.yaml', local('files', '/dev/loop1', 'Filesystem'))
  await out('kubectl apply -f files.yaml; kubectl wait --for=condition=Ready pod files --timeout=60s; kubectl exec files -- touch /data/here')
  expect(await out('kubectl exec files -- sh -c "grep /data /proc/mounts; dd if=/dev/zero of=/data/big bs=1M count=9 2>&1 | head -1"')).toMatch(/^\S+ \/data ext4 rw\S* 0 0\ndd: .*No space left on device\n$/)
  expect(await onNode('blkid -s TYPE -o value /dev/loop1; mkdir -p /x; mount /dev/loop1 /x && ls /x; umount /x')).toBe('ext4\nbig\nhere\nlost+found\n')
})

test('a file that is mounted gets a device for as long as it is', async () => {
  const devices = 'losetup -a | grep /disks/c | wc -l'
  expect(await onNode(`truncate -s 8M /disks/c; mount -o loop /disks/c /x 2>/dev/null || echo bad; ${devices}`)).toBe('bad\n0\n')
  expect(await onNode(`losetup /dev/loop7 /disks/c; mkfs.ext4 -q /dev/loop7; losetup -d /dev/loop7; ${devices}; mount -o loop /disks/c /x && touch /x/here && ${devices}; umount /x; ${devices}; mount -o loop /disks/c /x; ls /x; umount /x`)).toBe('0\n1\n0\nhere\nlost+found\n')
})

test('a claim for a device is not mounted as files', async () => {
  lab.writeFile('wrong.yaml', local('wrong', '/dev/loop0', 'Block').replace('volumeDevices: [{name: data, devicePath: /dev/xvda}]', 'volumeMounts: [{name: data, mountPath: /data}]'))
  await out('kubectl apply -f wrong.yaml; sleep 5')
  expect(await out('kubectl get events --field-selector involvedObject.name=wrong,reason=FailedMount -o jsonpath="{.items[0].message}"')).toContain('volume data has volumeMode Block, but is specified in volumeMounts')
})

test('a volume gives its group to the pod, and one that grew by itself is said to have grown', async () => {
  await onNode('mkdir -p /mnt/shared')
  lab.writeFile('shared.yaml', local('shared', '/mnt/shared', 'Filesystem').replace('metadata: {name: shared}', 'metadata: {name: shared, annotations: {pv.beta.kubernetes.io/gid: "777"}}'))
  lab.writeFile('class.yaml', 'apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: local}\nprovisioner: kubernetes.io/no-provisioner\nallowVolumeExpansion: true\n')
  await out('kubectl apply -f class.yaml -f shared.yaml; kubectl wait --for=condition=Ready pod shared --timeout=60s')
  expect(await out('kubectl exec shared -- id -G')).toBe('0 777 1234\n')
  await out(`kubectl patch pvc shared -p '{"spec":{"resources":{"requests":{"storage":"9Mi"}}}}'; kubectl patch pv shared -p '{"spec":{"capacity":{"storage":"9Mi"}}}'; sleep 100`)
  expect(await out('kubectl get pvc shared -o jsonpath={.status.capacity.storage}')).toBe('9Mi')
})
