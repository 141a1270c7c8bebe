import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLab } from './lab.ts'
import type { Lab } from './lab.ts'

let lab: Lab
beforeAll(async () => { lab = await startLab('cluster-autoscaler') }, 60_000)
afterAll(() => lab.stop(), 60_000)

/** As Amazon's documentation has it: the Deployment finds the group by its tags. */
const MANIFEST = `
apiVersion: v1
kind: ServiceAccount
metadata: {name: cluster-autoscaler, namespace: kube-system}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: cluster-autoscaler}
rules:
- {apiGroups: [""], resources: [events, endpoints], verbs: [create, patch]}
- {apiGroups: [""], resources: [pods/eviction], verbs: [create]}
- {apiGroups: [""], resources: [pods/status], verbs: [update]}
- {apiGroups: [""], resources: [nodes], verbs: [watch, list, get, update]}
- {apiGroups: [""], resources: [namespaces, pods, services, replicationcontrollers, persistentvolumeclaims, persistentvolumes], verbs: [watch, list, get]}
- {apiGroups: [policy], resources: [poddisruptionbudgets], verbs: [watch, list]}
- {apiGroups: [apps], resources: [statefulsets, replicasets, daemonsets], verbs: [watch, list, get]}
- {apiGroups: [storage.k8s.io], resources: [storageclasses, csinodes, csidrivers, csistoragecapacities], verbs: [watch, list, get]}
- {apiGroups: [batch], resources: [jobs], verbs: [get, list, watch, patch]}
- {apiGroups: [coordination.k8s.io], resources: [leases], verbs: [create]}
- {apiGroups: [coordination.k8s.io], resourceNames: [cluster-autoscaler], resources: [leases], verbs: [get, update]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: cluster-autoscaler, namespace: kube-system}
rules:
- {apiGroups: [""], resources: [configmaps], verbs: [create, list, watch]}
- {apiGroups: [""], resources: [configmaps], resourceNames: [cluster-autoscaler-status, cluster-autoscaler-priority-expander], verbs: [delete, get, update, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: cluster-autoscaler}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-autoscaler}
subjects: [{kind: ServiceAccount, name: cluster-autoscaler, namespace: kube-system}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: cluster-autoscaler, namespace: kube-system}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: cluster-autoscaler}
subjects: [{kind: ServiceAccount, name: cluster-autoscaler, namespace: kube-system}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cluster-autoscaler, namespace: kube-system, labels: {app: cluster-autoscaler}}
spec:
  selector: {matchLabels: {app: cluster-autoscaler}}
  template:
    metadata: {labels: {app: cluster-autoscaler}}
    spec:
      priorityClassName: system-cluster-critical
      securityContext: {runAsNonRoot: true, runAsUser: 65534, fsGroup: 65534}
      serviceAccountName: cluster-autoscaler
      containers:
      - name: cluster-autoscaler
        image: registry.k8s.io/autoscaling/cluster-autoscaler:v1.32.1
        resources: {limits: {cpu: 100m, memory: 600Mi}, requests: {cpu: 100m, memory: 600Mi}}
        command: [./cluster-autoscaler, --v=4, --stderrthreshold=info, --cloud-provider=aws, --skip-nodes-with-local-storage=false, --expander=least-waste, --scale-down-unneeded-time=1m, --scale-down-delay-after-add=1m, '--node-group-auto-discovery=asg:tag=k8s.io/cluster-autoscaler/enabled,k8s.io/cluster-autoscaler/shop']
        volumeMounts: [{name: ssl-certs, mountPath: /etc/ssl/certs/ca-certificates.crt, readOnly: true}]
        imagePullPolicy: Always
        securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, readOnlyRootFilesystem: true}
      volumes: [{name: ssl-certs, hostPath: {path: /etc/ssl/certs/ca-bundle.crt}}]
`
const WORKERS = 'kubectl get nodes -l "!node-role.kubernetes.io/control-plane" -o name | wc -l'

describe('the cluster autoscaler', () => {
  it('that Google runs adds nodes for pods without place, and takes away what nobody needs', async () => {
    await lab.run('gcloud container clusters create shop --zone europe-west3-a --num-nodes 1 --enable-autoscaling --min-nodes 1 --max-nodes 3')
    expect(await lab.out('sleep 30; kubectl get configmap cluster-autoscaler-status -n kube-system -o jsonpath="{.data.status}" | grep -v Time | grep -v ^time | sed "s#name: https.*#name: GROUP#"')).toBe(`autoscalerStatus: Running
clusterWide:
  health:
    status: Healthy
    nodeCounts:
      registered:
        total: 2
        ready: 2
        notStarted: 0
      longUnregistered: 0
      unregistered: 0
  scaleUp:
    status: NoActivity
  scaleDown:
    status: NoCandidates
nodeGroups:
- name: GROUP
  health:
    status: Healthy
    nodeCounts:
      registered:
        total: 1
        ready: 1
        notStarted: 0
      longUnregistered: 0
      unregistered: 0
    cloudProviderTarget: 1
    minSize: 1
    maxSize: 3
  scaleUp:
    status: NoActivity
  scaleDown:
    status: NoCandidates
`)
    await lab.out('kubectl create deployment web --image=nginx --replicas=4 && kubectl set resources deployment web --requests=cpu=800m')
    await lab.out('kubectl rollout status deployment/web --timeout=180s')
    expect(await lab.out(WORKERS)).toBe('2\n')
    const events = await lab.out('kubectl get events -o custom-columns=:.reason,:.message --field-selector involvedObject.kind=Pod')
    expect(events).toMatch(/TriggeredScaleUp +pod triggered scale-up: \[\{https:\/\/www\.googleapis\.com\/compute\/v1\/projects\/drydock\/zones\/europe-west3-a\/instanceGroups\/gke-shop-default-pool-\w+-grp 1->2 \(max: 3\)\}\]/)
    expect(await lab.out('kubectl get nodes -l cloud.google.com/gke-nodepool=default-pool -o jsonpath="{.items[*].spec.providerID}"')).toMatch(/^gce:\/\/drydock\/europe-west3-a\/gke-shop-\S+ gce:\S+$/)

    // No machine of the pool is as large as this.
    await lab.out(`kubectl run huge --image=nginx --overrides='{"spec":{"containers":[{"name":"huge","image":"nginx","resources":{"requests":{"cpu":"8"}}}]}}'; sleep 30`)
    expect(await lab.out('kubectl get events -o custom-columns=:.message --field-selector involvedObject.name=huge,reason=NotTriggerScaleUp')).toContain("pod didn't trigger scale-up: 1 Insufficient cpu\n")
    await lab.out('kubectl delete pod huge; kubectl scale deployment web --replicas=14; sleep 90')
    expect(await lab.out(WORKERS)).toBe('3\n')
    expect(await lab.out('kubectl get events -o custom-columns=:.message --field-selector reason=NotTriggerScaleUp')).toContain("pod didn't trigger scale-up: 1 max node group size reached\n")

    await lab.out('kubectl scale deployment web --replicas=1')
    await lab.run('sleep 560', { withinMs: 700_000 })
    // The cluster was made larger ten minutes ago: from then on nodes are marked, and once nobody has needed them for ten minutes they go.
    expect(await lab.out('kubectl get nodes -o jsonpath="{.items[*].spec.taints[*].key}"')).toContain('DeletionCandidateOfClusterAutoscaler')
    expect(await lab.out(WORKERS)).toBe('3\n')
    await lab.run('sleep 300', { withinMs: 400_000 })
    expect(await lab.out(`${WORKERS}; kubectl get deployment web -o jsonpath="{.status.readyReplicas}"`)).toBe('1\n1')
    expect(await lab.out('kubectl get events -n kube-system -o custom-columns=:.message --field-selector involvedObject.name=cluster-autoscaler-status')).toMatch(/Scale-down: removing empty node "gke-shop-/)
  }, 120_000)

  it('in a pod scales a group of Amazon machines, and drains the nodes that it takes away', async () => {
    expect((await lab.run('eksctl create cluster --name shop --nodes-min 1 --nodes-max 3 --asg-access')).code).toBe(0)
    await lab.out(`kubectl apply -f - <<'EOF'\n${MANIFEST}\nEOF`)
    await lab.out('kubectl rollout status -n kube-system deployment/cluster-autoscaler --timeout=60s; kubectl create deployment web --image=nginx --replicas=3; kubectl set resources deployment web --requests=cpu=700m')
    await lab.out('kubectl rollout status deployment/web --timeout=180s')
    const logs = await lab.out('kubectl logs -n kube-system deployment/cluster-autoscaler')
    expect(logs).toMatch(/] Cluster Autoscaler 1\.32\.1\n/)
    expect(logs).toMatch(/] Final scale-up plan: \[\{eks-ng-\w+-[-0-9a-f]{36} 1->2 \(max: 3\)\}\]\n/)
    expect(await lab.out('kubectl get lease -n kube-system cluster-autoscaler -o jsonpath="{.spec.holderIdentity}"')).toMatch(/^cluster-autoscaler-/)
    expect(await lab.out('eksctl get nodegroup --cluster shop | awk \'NR==2{print $5,$6,$7}\'')).toBe('1 3 2\n')
    // A node that is half empty goes once what runs there has a place elsewhere.
    await lab.out('kubectl scale deployment web --replicas=2')
    await lab.run('sleep 240', { withinMs: 300_000 })
    expect(await lab.out(`${WORKERS}; kubectl get deployment web -o jsonpath="{.status.readyReplicas}"`)).toBe('1\n2')
    expect(await lab.out('kubectl logs -n kube-system deployment/cluster-autoscaler | grep -c "Scale-down: removing"')).toBe('1\n')
    await lab.out('eksctl delete cluster --name shop')
  }, 120_000)
})
