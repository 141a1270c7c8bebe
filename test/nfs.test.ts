import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'
// Loaded when first used, which takes real time: a stepped clock would leap over it.
import '../src/cluster/images/nfs/nfs-programs.ts'
import '../src/cluster/images/nfs/nfs-server-alpine.ts'
import '../src/cluster/images/nfs/run-nfs.ts'

let lab: Lab
beforeAll(async () => { lab = await startLab('nfs') }, 60_000)
afterAll(() => lab.stop())
const out = (script: string) => lab.out(script)

const server = (image: string, extra = '') => `apiVersion: apps/v1
kind: Deployment
metadata: {name: nfs-server}
spec:
  replicas: 1
  selector: {matchLabels: {role: nfs-server}}
  template:
    metadata: {labels: {role: nfs-server}}
    spec:
      containers:
      - name: nfs-server
        image: ${image}
        ports: [{name: nfs, containerPort: 2049}, {name: mountd, containerPort: 20048}, {name: rpcbind, containerPort: 111}]
        securityContext: {privileged: true}
        ${extra}
---
kind: Service
apiVersion: v1
metadata: {name: nfs-server}
spec:
  clusterIP: 10.96.100.49
  ports: [{name: nfs, port: 2049}, {name: mountd, port: 20048}, {name: rpcbind, port: 111}]
  selector: {role: nfs-server}
`
const client = (name: string, node: string, source = 'nfs: {server: 10.96.100.49, path: /}') => `apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
  nodeName: ${node}
  terminationGracePeriodSeconds: 1
  containers: [{name: main, image: busybox, command: [sleep, infinity], volumeMounts: [{name: data, mountPath: /data}]}]
  volumes: [{name: data, ${source}}]
`

test('a pod waits for its NFS server, says why, and starts once it is there; the data is seen from another node', async () => {
  lab.writeFile('server.yaml', server('registry.k8s.io/volume-nfs:0.8'))
  lab.writeFile('one.yaml', client('one', 'drydock-worker'))
  lab.writeFile('two.yaml', client('two', 'drydock-worker2'))
  await out('kubectl apply -f server.yaml; kubectl scale deployment nfs-server --replicas=0; kubectl wait --for=delete pod -l role=nfs-server; kubectl apply -f one.yaml')
  await out('sleep 75')
  await out('sleep 75')
  const events = await out('kubectl get events --field-selector involvedObject.name=one,reason=FailedMount -o jsonpath="{range .items[*]}{.message}{end}"')
  const uid = await out('kubectl get pod one -o jsonpath={.metadata.uid}')
  expect(events).toContain(`MountVolume.SetUp failed for volume "data" : mount failed: exit status 32\nMounting command: mount\nMounting arguments: -t nfs 10.96.100.49:/ /var/lib/kubelet/pods/${uid}/volumes/kubernetes.io~nfs/data\nOutput: mount.nfs: Connection refused for 10.96.100.49:/ on /var/lib/kubelet/pods/${uid}/volumes/kubernetes.io~nfs/data\n`)
  await out('kubectl scale deployment nfs-server --replicas=1; kubectl apply -f two.yaml; kubectl wait --for=condition=Ready pod one two --timeout=100s')
  await out('kubectl exec one -- sh -c "echo shared > /data/file"')
  expect(await out('kubectl exec two -- cat /data/file /data/index.html')).toBe('shared\nHello from NFS!\n')
  expect(await out('kubectl exec deploy/nfs-server -- cat /exports/file')).toBe('shared\n')
  expect(await out('kubectl exec two -- sh -c "mount | grep /data"')).toMatch(/^10\.96\.100\.49:\/ on \/data type nfs4 \(rw,/)
  expect(await out('kubectl logs deploy/nfs-server')).toBe("Serving /exports\nServing /\nrpcinfo: can't contact rpcbind: : RPC: Unable to receive; errno = Connection refused\nStarting rpcbind\nexportfs: / does not support NFS export\nNFS started\n")
}, 60_000)

test('without the server reading fails; another container of it has other files, which a mount that stayed calls stale', async () => {
  await out('kubectl scale deployment nfs-server --replicas=0; kubectl wait --for=delete pod -l role=nfs-server')
  expect((await lab.run('kubectl exec one -- cat /data/file')).stderr).toContain('Input/output error')
  expect(await out('kubectl get pod one -o jsonpath={.status.phase}')).toBe('Running')
  await out('kubectl scale deployment nfs-server --replicas=1; kubectl rollout status deployment nfs-server; sleep 15')
  expect((await lab.run('kubectl exec one -- cat /data/file')).stderr).toContain('Stale file handle')
  await out('kubectl delete pod one two; kubectl apply -f one.yaml; kubectl wait --for=condition=Ready pod one')
  expect(await out('kubectl exec one -- ls /data')).toBe('index.html\n')
}, 60_000)

test('a volume below the server outlives it, and clients go on where they were', async () => {
  lab.writeFile('kept.yaml', server('itsthenetwork/nfs-server-alpine:12', 'env: [{name: SHARED_DIRECTORY, value: /nfsshare}]\n        volumeMounts: [{name: disk, mountPath: /nfsshare}]\n      nodeName: drydock-worker\n      volumes: [{name: disk, hostPath: {path: /srv/nfs, type: DirectoryOrCreate}}]'))
  await out('kubectl delete pod one; kubectl delete -f server.yaml; kubectl apply -f kept.yaml; kubectl rollout status deployment nfs-server; kubectl apply -f one.yaml; kubectl wait --for=condition=Ready pod one; kubectl exec one -- sh -c "echo kept > /data/file"')
  expect(await out('kubectl logs deploy/nfs-server')).toContain('Displaying /etc/exports contents:\n/nfsshare *(rw,fsid=0,async,no_subtree_check,no_auth_nlm,insecure,no_root_squash)\n')
  await out('kubectl delete pod -l role=nfs-server; kubectl rollout status deployment nfs-server; sleep 15')
  expect(await out('kubectl exec one -- cat /data/file')).toBe('kept\n')
  // The server's root is the exported directory: its own path is no place below it, and version 3 isn't spoken.
  lab.writeFile('wrong.yaml', client('wrong', 'drydock-worker2', 'nfs: {server: 10.96.100.49, path: /nfsshare}'))
  await out('kubectl apply -f wrong.yaml; sleep 5')
  expect(await out('kubectl get events --field-selector involvedObject.name=wrong,reason=FailedMount -o jsonpath="{.items[0].message}"')).toContain('Output: mount.nfs: mounting 10.96.100.49:/nfsshare failed, reason given by server: No such file or directory\n')
}, 60_000)

test('names are looked up by the node, which does not ask the cluster', async () => {
  lab.writeFile('named.yaml', client('named', 'drydock-worker2', 'nfs: {server: nfs-server.default.svc.cluster.local, path: /}'))
  await out('kubectl apply -f named.yaml; sleep 5')
  expect(await out('kubectl get events --field-selector involvedObject.name=named,reason=FailedMount -o jsonpath="{.items[0].message}"')).toContain('Output: mount.nfs: Failed to resolve server nfs-server.default.svc.cluster.local: Name or service not known\n')
  await out('kubectl delete pod named wrong')
})

test('exports say who may write: read-only ones and a root that is nobody', async () => {
  await out(`kubectl exec deploy/nfs-server -- sh -c 'mkdir /nfsshare/ro /nfsshare/squashed && chmod 777 /nfsshare/squashed && echo "/nfsshare *(rw,fsid=0,no_root_squash)
/nfsshare/ro *(ro,no_root_squash)
/nfsshare/squashed *(rw,root_squash)
/nfsshare/private 192.0.2.0/24(rw)" > /etc/exports; mkdir /nfsshare/private; exportfs -ra'`)
  for (const path of ['ro', 'squashed', 'private']) lab.writeFile(`${path}.yaml`, client(path, 'drydock-worker2', `nfs: {server: 10.96.100.49, path: /${path}}`))
  await out('kubectl apply -f ro.yaml -f squashed.yaml -f private.yaml; kubectl wait --for=condition=Ready pod ro squashed; sleep 3')
  expect((await lab.run('kubectl exec ro -- touch /data/x')).stderr).toContain('Read-only file system')
  expect(await out(`kubectl exec squashed -- sh -c 'touch /data/x && stat -c %u:%g /data/x'`)).toBe('65534:65534\n')
  expect((await lab.run('kubectl exec squashed -- chown 0:0 /data/x')).stderr).toContain('Operation not permitted')
  // Where no narrower export is for a client, the one above shows the directory.
  expect(await out('kubectl get pod private -o jsonpath={.status.phase}')).toBe('Running')
  expect((await lab.run(`kubectl exec deploy/nfs-server -- sh -c 'echo "/nfsshare friend.example.com(rw)" > /etc/exports; exportfs -r'`)).stderr).toContain('exportfs: Failed to resolve friend.example.com\n')
}, 60_000)

test('a directory of the image itself can not be exported, and without privileges nobody serves', async () => {
  lab.writeFile('layer.yaml', `apiVersion: v1
kind: Pod
metadata: {name: layer}
spec:
  restartPolicy: Never
  containers: [{name: main, image: "itsthenetwork/nfs-server-alpine:12", securityContext: {privileged: true}, env: [{name: SHARED_DIRECTORY, value: /srv}]}]
---
apiVersion: v1
kind: Pod
metadata: {name: plain}
spec:
  containers: [{name: main, image: "itsthenetwork/nfs-server-alpine:12", env: [{name: SHARED_DIRECTORY, value: /data}], volumeMounts: [{name: data, mountPath: /data}]}]
  volumes: [{name: data, emptyDir: {}}]
`)
  await out('kubectl apply -f layer.yaml; kubectl wait --for=jsonpath={.status.phase}=Failed pod layer; kubectl wait --for=condition=Ready pod plain; sleep 2')
  expect(await out('kubectl logs layer --tail=2')).toBe('exportfs: /srv does not support NFS export\nExport validation failed, exiting...\n')
  expect(await out('kubectl logs plain')).toContain('rpc.nfsd: Unable to access /proc/fs/nfsd errno 2 (No such file or directory).')
})
