import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'
// Loaded when first used, which takes real time: a stepped clock would leap over it.
import '../src/cluster/images/nfs/nfs-programs.ts'
import '../src/cluster/images/nfs/nfs-server-alpine.ts'
import '../src/cluster/images/csi/nfs-subdir-provisioner.ts'

let lab: Lab
const out = (script: string) => lab.out(script)
const SERVER = '10.96.100.50'

beforeAll(async () => {
  lab = await startLab('nfs-provisioner')
  lab.writeFile('server.yaml', `apiVersion: v1
kind: Pod
metadata: {name: nfs, labels: {app: nfs}}
spec:
  containers: [{name: nfs, image: "itsthenetwork/nfs-server-alpine:12", securityContext: {privileged: true}, env: [{name: SHARED_DIRECTORY, value: /share}], volumeMounts: [{name: disk, mountPath: /share}]}]
  volumes: [{name: disk, emptyDir: {}}]
---
apiVersion: v1
kind: Service
metadata: {name: nfs}
spec: {clusterIP: ${SERVER}, selector: {app: nfs}, ports: [{port: 2049}]}
`)
  // As in the project's deploy folder, with the server's address.
  lab.writeFile('provisioner.yaml', `apiVersion: v1
kind: ServiceAccount
metadata: {name: nfs-client-provisioner, namespace: default}
---
kind: ClusterRole
apiVersion: rbac.authorization.k8s.io/v1
metadata: {name: nfs-client-provisioner-runner}
rules:
- {apiGroups: [""], resources: ["nodes"], verbs: ["get", "list", "watch"]}
- {apiGroups: [""], resources: ["persistentvolumes"], verbs: ["get", "list", "watch", "create", "delete"]}
- {apiGroups: [""], resources: ["persistentvolumeclaims"], verbs: ["get", "list", "watch", "update"]}
- {apiGroups: ["storage.k8s.io"], resources: ["storageclasses"], verbs: ["get", "list", "watch"]}
- {apiGroups: [""], resources: ["events"], verbs: ["create", "update", "patch"]}
---
kind: ClusterRoleBinding
apiVersion: rbac.authorization.k8s.io/v1
metadata: {name: run-nfs-client-provisioner}
subjects: [{kind: ServiceAccount, name: nfs-client-provisioner, namespace: default}]
roleRef: {kind: ClusterRole, name: nfs-client-provisioner-runner, apiGroup: rbac.authorization.k8s.io}
---
kind: Role
apiVersion: rbac.authorization.k8s.io/v1
metadata: {name: leader-locking-nfs-client-provisioner, namespace: default}
rules:
- {apiGroups: [""], resources: ["endpoints"], verbs: ["get", "list", "watch", "create", "update", "patch"]}
---
kind: RoleBinding
apiVersion: rbac.authorization.k8s.io/v1
metadata: {name: leader-locking-nfs-client-provisioner, namespace: default}
subjects: [{kind: ServiceAccount, name: nfs-client-provisioner, namespace: default}]
roleRef: {kind: Role, name: leader-locking-nfs-client-provisioner, apiGroup: rbac.authorization.k8s.io}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: nfs-client-provisioner, labels: {app: nfs-client-provisioner}, namespace: default}
spec:
  replicas: 1
  strategy: {type: Recreate}
  selector: {matchLabels: {app: nfs-client-provisioner}}
  template:
    metadata: {labels: {app: nfs-client-provisioner}}
    spec:
      serviceAccountName: nfs-client-provisioner
      containers:
      - name: nfs-client-provisioner
        image: registry.k8s.io/sig-storage/nfs-subdir-external-provisioner:v4.0.2
        volumeMounts: [{name: nfs-client-root, mountPath: /persistentvolumes}]
        env: [{name: PROVISIONER_NAME, value: k8s-sigs.io/nfs-subdir-external-provisioner}, {name: NFS_SERVER, value: ${SERVER}}, {name: NFS_PATH, value: /k8s}]
      volumes: [{name: nfs-client-root, nfs: {server: ${SERVER}, path: /k8s}}]
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: nfs-client}
provisioner: k8s-sigs.io/nfs-subdir-external-provisioner
parameters: {archiveOnDelete: "true"}
`)
  lab.writeFile('claim.yaml', `apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: test-claim}
spec: {storageClassName: nfs-client, accessModes: [ReadWriteMany], resources: {requests: {storage: 1Mi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: test-pod}
spec:
  containers: [{name: test-pod, image: "busybox:stable", command: [/bin/sh], args: [-c, "touch /mnt/SUCCESS && exit 0 || exit 1"], volumeMounts: [{name: nfs-pvc, mountPath: /mnt}]}]
  restartPolicy: Never
  volumes: [{name: nfs-pvc, persistentVolumeClaim: {claimName: test-claim}}]
`)
}, 60_000)
afterAll(() => lab.stop())

test('directories of a server become volumes of claims, beside the class that was there', async () => {
  await out('kubectl apply -f server.yaml; kubectl wait --for=condition=Ready pod nfs; kubectl exec nfs -- mkdir /share/k8s; kubectl apply -f provisioner.yaml; kubectl rollout status deployment nfs-client-provisioner')
  expect(await out('kubectl get storageclass -o custom-columns=:.metadata.name,:.provisioner --no-headers')).toMatch(/^nfs-client +k8s-sigs\.io\/nfs-subdir-external-provisioner\nstandard +rancher\.io\/local-path\n$/)
  await out('kubectl apply -f claim.yaml; kubectl wait --for=jsonpath={.status.phase}=Succeeded pod test-pod --timeout=60s')
  const volume = await out('kubectl get pvc test-claim -o jsonpath={.spec.volumeName}')
  expect(await out(`kubectl get pv ${volume} -o jsonpath="{.spec.nfs} {.metadata.annotations}"`)).toBe(`{"path":"/k8s/default-test-claim-${volume}","server":"${SERVER}"} {"pv.kubernetes.io/provisioned-by":"k8s-sigs.io/nfs-subdir-external-provisioner"}`)
  expect(await out(`kubectl exec nfs -- ls /share/k8s/default-test-claim-${volume}`)).toBe('SUCCESS\n')
  expect(await out('kubectl logs deploy/nfs-client-provisioner')).toMatch(/attempting to acquire leader lease {2}default\/k8s-sigs\.io-nfs-subdir-external-provisioner\.\.\.\n.*successfully acquired lease /)
  await out('kubectl delete pod test-pod; kubectl delete pvc test-claim; sleep 3')
  expect(await out('kubectl get pv 2>&1; kubectl exec nfs -- ls /share/k8s')).toBe(`No resources found\narchived-default-test-claim-${volume}\n`)
}, 60_000)
