import { expect, it } from 'vitest'
import { startLab } from './lab.ts'

const MANIFEST = `apiVersion: v1
kind: ServiceAccount
metadata:
  labels:
    k8s-app: metrics-server
  name: metrics-server
  namespace: kube-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  labels:
    k8s-app: metrics-server
    rbac.authorization.k8s.io/aggregate-to-admin: "true"
    rbac.authorization.k8s.io/aggregate-to-edit: "true"
    rbac.authorization.k8s.io/aggregate-to-view: "true"
  name: system:aggregated-metrics-reader
rules:
- apiGroups:
  - metrics.k8s.io
  resources:
  - pods
  - nodes
  verbs:
  - get
  - list
  - watch
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  labels:
    k8s-app: metrics-server
  name: system:metrics-server
rules:
- apiGroups:
  - ""
  resources:
  - nodes/metrics
  verbs:
  - get
- apiGroups:
  - ""
  resources:
  - pods
  - nodes
  verbs:
  - get
  - list
  - watch
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  labels:
    k8s-app: metrics-server
  name: metrics-server-auth-reader
  namespace: kube-system
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: extension-apiserver-authentication-reader
subjects:
- kind: ServiceAccount
  name: metrics-server
  namespace: kube-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  labels:
    k8s-app: metrics-server
  name: metrics-server:system:auth-delegator
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: system:auth-delegator
subjects:
- kind: ServiceAccount
  name: metrics-server
  namespace: kube-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  labels:
    k8s-app: metrics-server
  name: system:metrics-server
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: system:metrics-server
subjects:
- kind: ServiceAccount
  name: metrics-server
  namespace: kube-system
---
apiVersion: v1
kind: Service
metadata:
  labels:
    k8s-app: metrics-server
  name: metrics-server
  namespace: kube-system
spec:
  ports:
  - appProtocol: https
    name: https
    port: 443
    protocol: TCP
    targetPort: https
  selector:
    k8s-app: metrics-server
---
apiVersion: apps/v1
kind: Deployment
metadata:
  labels:
    k8s-app: metrics-server
  name: metrics-server
  namespace: kube-system
spec:
  selector:
    matchLabels:
      k8s-app: metrics-server
  strategy:
    rollingUpdate:
      maxUnavailable: 0
  template:
    metadata:
      labels:
        k8s-app: metrics-server
    spec:
      containers:
      - args:
        - --cert-dir=/tmp
        - --secure-port=10250
        - --kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname
        - --kubelet-use-node-status-port
        - --metric-resolution=15s
        - --kubelet-insecure-tls
        image: registry.k8s.io/metrics-server/metrics-server:v0.8.0
        imagePullPolicy: IfNotPresent
        livenessProbe:
          failureThreshold: 3
          httpGet:
            path: /livez
            port: https
            scheme: HTTPS
          periodSeconds: 10
        name: metrics-server
        ports:
        - containerPort: 10250
          name: https
          protocol: TCP
        readinessProbe:
          failureThreshold: 3
          httpGet:
            path: /readyz
            port: https
            scheme: HTTPS
          initialDelaySeconds: 20
          periodSeconds: 10
        resources:
          requests:
            cpu: 100m
            memory: 200Mi
        securityContext:
          allowPrivilegeEscalation: false
          capabilities:
            drop:
            - ALL
          readOnlyRootFilesystem: true
          runAsNonRoot: true
          runAsUser: 1000
          seccompProfile:
            type: RuntimeDefault
        volumeMounts:
        - mountPath: /tmp
          name: tmp-dir
      nodeSelector:
        kubernetes.io/os: linux
      priorityClassName: system-cluster-critical
      serviceAccountName: metrics-server
      volumes:
      - emptyDir: {}
        name: tmp-dir
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata:
  labels:
    k8s-app: metrics-server
  name: v1beta1.metrics.k8s.io
spec:
  group: metrics.k8s.io
  groupPriorityMinimum: 100
  insecureSkipTLSVerify: true
  service:
    name: metrics-server
    namespace: kube-system
  version: v1beta1
  versionPriority: 100
`

it('metrics-server, installed from its manifest, feeds kubectl top', { timeout: 60_000 }, async () => {
  const lab = await startLab('metrics-server')
  try {
    expect((await lab.run('kubectl top nodes')).stderr).toBe('error: Metrics API not available\n')
    lab.writeFile('components.yaml', MANIFEST)
    expect(await lab.run('kubectl apply -f components.yaml && kubectl wait --for=condition=Available apiservice/v1beta1.metrics.k8s.io --timeout=120s')).toMatchObject({ code: 0 })
    await lab.run('sleep 30')
    expect((await lab.run('kubectl top nodes --no-headers')).stdout).toMatch(/^drydock-control-plane +\d+m +\d+% +\d+Mi +\d+% +\ndrydock-worker +\d+m/)
    expect((await lab.run('kubectl top pods -n kube-system --no-headers')).stdout).toMatch(/^coredns-\S+ +\d+m +\d+Mi/)
    expect((await lab.run('kubectl top pod nobody')).stderr).toBe('Error from server (NotFound): podmetrics.metrics.k8s.io "default/nobody" not found\n')
    expect((await lab.run('kubectl api-resources --api-group=metrics.k8s.io --no-headers')).stdout.split('\n').map((line) => line.split(/ +/).at(-1)).filter(Boolean)).toEqual(['NodeMetrics', 'PodMetrics'])
  } finally {
    await lab.stop()
  }
})

it('kubelets answer whoever the API server allows, with a certificate of their own making', { timeout: 60_000 }, async () => {
  const lab = await startLab('kubelet-port')
  try {
    await lab.run('kubectl run c --image=curlimages/curl --restart=Never --command -- sleep 1000 && kubectl wait --for=condition=Ready pod/c --timeout=60s')
    const curl = async (options: string) => (await lab.run(`kubectl exec c -- sh -c 'curl -sS ${options} https://10.89.0.3:10250/metrics/resource'`)).stdout
    const asAccount = '-k -H "Authorization: Bearer $(cat /var/run/secrets/kubernetes.io/serviceaccount/token)"'
    expect((await lab.run("kubectl exec c -- curl -sS https://10.89.0.3:10250/")).stderr).toContain('SSL certificate problem: self-signed certificate in certificate chain')
    expect(await curl('-k')).toBe('Unauthorized')
    expect(await curl(asAccount)).toBe('Forbidden (user=system:serviceaccount:default:default, verb=get, resource=nodes, subresource(s)=[metrics])\n')
    await lab.run('kubectl create clusterrole m --verb=get --resource=nodes/metrics && kubectl create clusterrolebinding m --clusterrole=m --serviceaccount=default:default && sleep 31')
    expect(await curl(asAccount)).toMatch(/^# HELP container_cpu_usage_seconds_total [^]*\nnode_cpu_usage_seconds_total \S+ \d+\n/)
    expect((await lab.run('kubectl exec c -- curl -sS --cacert /var/run/secrets/kubernetes.io/serviceaccount/ca.crt https://kubernetes.default.svc/livez')).stdout).toBe('ok')
  } finally {
    await lab.stop()
  }
})
