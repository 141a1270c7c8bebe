import type { KubeObject } from '../kinds/object.ts'
import { clusterRole, clusterRoleBinding, roleBinding, serviceAccount } from './objects.ts'

const NAMESPACE = 'kube-system'
const TOLERATIONS = [{ key: 'CriticalAddonsOnly', operator: 'Exists' }, { key: 'node-role.kubernetes.io/control-plane', operator: 'Exists', effect: 'NoSchedule' }]

/** Traefik and its definitions: two charts, that the Helm controller installs. k3s: manifests/traefik.yaml */
// @k8s part: k3s' Traefik: charts traefik-crd and traefik as k3s brings them, with the Gateway API's definitions; a HelmChartConfig named traefik takes effect; values for plugins, Traefik Hub, the file provider, OpenTelemetry and Prometheus' operator are refused by the chart
export function traefikAddon(chartAddress: (name: string) => string): KubeObject[] {
  const chart = (name: string, spec: object): KubeObject => ({ apiVersion: 'helm.cattle.io/v1', kind: 'HelmChart', metadata: { name, namespace: NAMESPACE }, spec: { chart: chartAddress(name), ...spec } })
  return [chart('traefik-crd', {}), chart('traefik', { set: { 'global.systemDefaultRegistry': '' }, valuesContent: TRAEFIK_VALUES })]
}

/** What differs from the chart's own values. */
const TRAEFIK_VALUES = `deployment:
  podAnnotations:
    prometheus.io/port: "8082"
    prometheus.io/scrape: "true"
providers:
  kubernetesIngress:
    publishedService:
      enabled: true
priorityClassName: "system-cluster-critical"
image:
  repository: "rancher/mirrored-library-traefik"
  tag: "3.6.13"
tolerations:
- key: "CriticalAddonsOnly"
  operator: "Exists"
- key: "node-role.kubernetes.io/control-plane"
  operator: "Exists"
  effect: "NoSchedule"
service:
  ipFamilyPolicy: "PreferDualStack"`

/** What measures nodes and pods. k3s: manifests/metrics-server */
export function metricsServerAddon(): KubeObject[] {
  const name = 'metrics-server'
  const labels = { 'k8s-app': name }
  const account = [{ kind: 'ServiceAccount', name, namespace: NAMESPACE }]
  const aggregated = clusterRole('system:aggregated-metrics-reader', [{ apiGroups: ['metrics.k8s.io'], resources: ['pods', 'nodes'], verbs: ['get', 'list', 'watch'] }])
  const probe = (path: string) => ({ httpGet: { path, port: 'https', scheme: 'HTTPS' }, initialDelaySeconds: 0, periodSeconds: path === '/livez' ? 10 : 2, failureThreshold: 3 })
  return [
    { ...aggregated, metadata: { ...aggregated.metadata, labels: { 'rbac.authorization.k8s.io/aggregate-to-view': 'true', 'rbac.authorization.k8s.io/aggregate-to-edit': 'true', 'rbac.authorization.k8s.io/aggregate-to-admin': 'true' } } },
    clusterRole(`system:${name}`, [{ apiGroups: [''], resources: ['nodes/metrics'], verbs: ['get'] }, { apiGroups: [''], resources: ['pods', 'nodes'], verbs: ['get', 'list', 'watch'] }]),
    clusterRoleBinding(`system:${name}`, `system:${name}`, account),
    clusterRoleBinding(`${name}:system:auth-delegator`, 'system:auth-delegator', account),
    roleBinding(NAMESPACE, `${name}-auth-reader`, 'extension-apiserver-authentication-reader', account),
    serviceAccount(NAMESPACE, name),
    {
      apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace: NAMESPACE, labels },
      spec: {
        revisionHistoryLimit: 0, selector: { matchLabels: labels }, strategy: { rollingUpdate: { maxUnavailable: 0 } },
        template: {
          metadata: { name, labels },
          spec: {
            priorityClassName: 'system-node-critical', serviceAccountName: name, tolerations: TOLERATIONS, volumes: [{ name: 'tmp-dir', emptyDir: {} }],
            containers: [{
              name, image: 'rancher/mirrored-metrics-server:v0.8.1', imagePullPolicy: 'IfNotPresent', args: ['--cert-dir=/tmp', '--secure-port=10250', '--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname', '--kubelet-insecure-tls', '--kubelet-use-node-status-port', '--metric-resolution=15s'],
              resources: { requests: { cpu: '100m', memory: '70Mi' } }, ports: [{ name: 'https', containerPort: 10250, protocol: 'TCP' }], readinessProbe: probe('/readyz'), livenessProbe: { ...probe('/livez'), initialDelaySeconds: 60 },
              securityContext: { readOnlyRootFilesystem: true, runAsNonRoot: true, runAsUser: 1000, allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, seccompProfile: { type: 'RuntimeDefault' } }, volumeMounts: [{ name: 'tmp-dir', mountPath: '/tmp' }],
            }],
          },
        },
      },
    } as unknown as KubeObject,
    { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: NAMESPACE, labels: { 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'Metrics-server' } }, spec: { selector: labels, ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: 'https' }] } } as unknown as KubeObject,
    { apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata: { name: 'v1beta1.metrics.k8s.io' }, spec: { service: { name, namespace: NAMESPACE }, group: 'metrics.k8s.io', version: 'v1beta1', insecureSkipTLSVerify: true, groupPriorityMinimum: 100, versionPriority: 100 } } as unknown as KubeObject,
  ]
}
