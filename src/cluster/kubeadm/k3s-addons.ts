import type { KubeObject } from '../kinds/object.ts'
import { clusterRole, clusterRoleBinding, roleBinding, serviceAccount } from './objects.ts'

const NAMESPACE = 'kube-system'
const TOLERATIONS = [{ key: 'CriticalAddonsOnly', operator: 'Exists' }, { key: 'node-role.kubernetes.io/control-plane', operator: 'Exists', effect: 'NoSchedule' }]
const CHART = 'traefik-39.0.701_up39.0.7'

/** Traefik with its definitions. k3s: manifests/traefik.yaml */
// @k8s part: k3s' Traefik: its manifest holds what its chart comes to with k3s' values, because that chart isn't there; a HelmChartConfig named traefik changes nothing
export async function traefikAddon(): Promise<KubeObject[]> {
  const { default: definitions } = await import('./traefik-definitions.json', { with: { type: 'json' } })
  return [...definitions as unknown as KubeObject[], ...traefik()]
}

/** The objects that Traefik's chart comes to with k3s' values. */
function traefik(): KubeObject[] {
  const selector = { 'app.kubernetes.io/instance': `traefik-${NAMESPACE}`, 'app.kubernetes.io/name': 'traefik' }
  const labels = { ...selector, 'app.kubernetes.io/managed-by': 'Helm', 'helm.sh/chart': CHART }
  const labelled = (object: KubeObject): KubeObject => ({ ...object, metadata: { ...object.metadata, labels } })
  const watches = ['get', 'list', 'watch']
  const role = `traefik-${NAMESPACE}`
  const probe = (failureThreshold: number) => ({ failureThreshold, httpGet: { path: '/ping', port: 8080, scheme: 'HTTP' }, initialDelaySeconds: 2, periodSeconds: 10, successThreshold: 1, timeoutSeconds: 2 })
  return [
    labelled({ ...serviceAccount(NAMESPACE, 'traefik'), automountServiceAccountToken: false } as KubeObject),
    labelled(clusterRole(role, [
      { apiGroups: [''], resources: ['configmaps', 'nodes', 'services'], verbs: watches },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
      { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
      { apiGroups: [''], resources: ['secrets'], verbs: watches },
      { apiGroups: ['extensions', 'networking.k8s.io'], resources: ['ingressclasses', 'ingresses'], verbs: watches },
      { apiGroups: ['extensions', 'networking.k8s.io'], resources: ['ingresses/status'], verbs: ['update'] },
      { apiGroups: [''], resources: ['namespaces'], verbs: ['list', 'watch'] },
      { apiGroups: ['traefik.io'], resources: ['ingressroutes', 'ingressroutetcps', 'ingressrouteudps', 'middlewares', 'middlewaretcps', 'serverstransports', 'serverstransporttcps', 'tlsoptions', 'tlsstores', 'traefikservices'], verbs: watches },
    ])),
    labelled(clusterRoleBinding(role, role, [{ kind: 'ServiceAccount', name: 'traefik', namespace: NAMESPACE }])),
    {
      apiVersion: 'v1', kind: 'Service', metadata: { name: 'traefik', namespace: NAMESPACE, labels },
      spec: { type: 'LoadBalancer', selector, ipFamilyPolicy: 'PreferDualStack', ports: [{ name: 'web', port: 80, targetPort: 'web', protocol: 'TCP' }, { name: 'websecure', port: 443, targetPort: 'websecure', protocol: 'TCP' }] },
    } as KubeObject,
    {
      apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'traefik', namespace: NAMESPACE, labels },
      spec: {
        replicas: 1, selector: { matchLabels: selector }, strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
        template: {
          metadata: { labels, annotations: { 'prometheus.io/path': '/metrics', 'prometheus.io/port': '9100', 'prometheus.io/scrape': 'true' } },
          spec: {
            automountServiceAccountToken: true, priorityClassName: 'system-cluster-critical', serviceAccountName: 'traefik', terminationGracePeriodSeconds: 60, tolerations: TOLERATIONS,
            securityContext: { runAsGroup: 65532, runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } }, volumes: [{ name: 'data', emptyDir: {} }, { name: 'tmp', emptyDir: {} }],
            containers: [{
              name: 'traefik', image: 'rancher/mirrored-library-traefik:3.6.13', imagePullPolicy: 'IfNotPresent',
              args: [
                '--entryPoints.metrics.address=:9100/tcp', '--entryPoints.traefik.address=:8080/tcp', '--entryPoints.web.address=:8000/tcp', '--entryPoints.websecure.address=:8443/tcp', '--api.dashboard=true', '--ping=true', '--metrics.prometheus=true',
                '--metrics.prometheus.entrypoint=metrics', '--providers.kubernetescrd', '--providers.kubernetescrd.allowEmptyServices=true', '--providers.kubernetesingress', '--providers.kubernetesingress.allowEmptyServices=true',
                `--providers.kubernetesingress.ingressendpoint.publishedservice=${NAMESPACE}/traefik`, '--entryPoints.websecure.http.tls=true', '--log.level=INFO',
              ],
              env: [{ name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }, { name: 'POD_NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } }, { name: 'USER', value: 'traefik' }],
              livenessProbe: probe(3), readinessProbe: probe(1), securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, readOnlyRootFilesystem: true },
              ports: [{ name: 'metrics', containerPort: 9100 }, { name: 'traefik', containerPort: 8080 }, { name: 'web', containerPort: 8000 }, { name: 'websecure', containerPort: 8443 }].map((port) => ({ ...port, protocol: 'TCP' })),
              volumeMounts: [{ name: 'data', mountPath: '/data' }, { name: 'tmp', mountPath: '/tmp' }],
            }],
          },
        },
      },
    } as unknown as KubeObject,
    { apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass', metadata: { name: 'traefik', labels, annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } }, spec: { controller: 'traefik.io/ingress-controller' } } as KubeObject,
  ]
}

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
