import { stringify } from 'yaml'
import { sha256Hex } from '../client/csi-names.ts'
import type { KubeObject } from '../kinds/object.ts'
import { HELM_IMAGE } from '../images/klipper-helm/klipper-helm.ts'
import type { HelmChart, HelmChartConfig, ValuesSecret } from './helm-chart.ts'

/** By which of what it is made of a job is told to be the present one. */
export const CONFIG_HASH = 'helmcharts.helm.cattle.io/configHash'
/** Names the chart on its job. */
export const CHART_LABEL = 'helmcharts.helm.cattle.io/chart'

/** The job for a chart, and what its pod needs. */
export interface HelmJob {
  job: KubeObject
  others: KubeObject[]
}

interface KeyToPath {
  key: string
  path: string
}

const FAILURE_POLICY = 'reinstall'
const BACK_OFF_LIMIT = 1000
const HOME = '/home/klipper-helm'
const CONTROL_PLANE = 'node-role.kubernetes.io/control-plane'

/** `helm-install-NAME`, or `helm-delete-NAME` once the chart is to go. */
export function jobName({ metadata }: HelmChart): string {
  return `helm-${metadata.deletionTimestamp === undefined ? 'install' : 'delete'}-${metadata.name}`
}

/**
 * The job that brings a chart to where it should be. k3s: helm-controller pkg/controllers/chart
 * @param referenced Secrets whose changes are changes of the chart
 * @param revision the release's, that the pod is to find; 0: there is none
 */
export function helmJob(chart: HelmChart, config: HelmChartConfig | undefined, referenced: readonly KubeObject[], apiPort: number, revision: number): HelmJob {
  const { spec, metadata: { name = '', namespace = '' } } = chart
  const secret = valuesSecret(chart, config)
  const content = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `chart-content-${name}`, namespace }, data: spec.chartContent ? { [`${name}.tgz.base64`]: spec.chartContent } : {} }
  const template = podTemplate(chart, config, apiPort)
  const backoffLimit = spec.backOffLimit ?? BACK_OFF_LIMIT
  const hash = sha256Hex([backoffLimit, template, content.data, secret.stringData, ...referenced.map(({ data }) => data)].map((each) => JSON.stringify(each)).join('')).toUpperCase()
  template.metadata.annotations = { [CONFIG_HASH]: `SHA256=${hash}` }
  if (revision > 0) template.spec.containers[0]!.env.push({ name: 'EXPECTED_RELEASE_REVISION', value: String(revision) })
  return {
    job: { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: jobName(chart), namespace, labels: { [CHART_LABEL]: name } }, spec: { backoffLimit, template } },
    others: [
      secret, content, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: `helm-${name}`, namespace }, automountServiceAccountToken: true },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', metadata: { name: `helm-${namespace}-${name}` },
        roleRef: { kind: 'ClusterRole', apiGroup: 'rbac.authorization.k8s.io', name: 'cluster-admin' }, subjects: [{ kind: 'ServiceAccount', name: `helm-${name}`, namespace }],
      },
    ],
  }
}

function valuesSecret({ spec, metadata: { name, namespace } }: HelmChart, config: HelmChartConfig | undefined) {
  return {
    apiVersion: 'v1', kind: 'Secret', type: 'helmcharts.helm.cattle.io/values', metadata: { name: `chart-values-${name}`, namespace: namespace! },
    stringData: {
      ...spec.valuesContent ? { HelmChartValuesContent: spec.valuesContent } : {}, ...isEmpty(spec.values) ? {} : { HelmChartValues: stringify(spec.values) }, ...spec.repoCA ? { RepoCA: spec.repoCA } : {},
      ...config?.spec?.valuesContent ? { HelmChartConfigValuesContent: config.spec.valuesContent } : {}, ...isEmpty(config?.spec?.values) ? {} : { HelmChartConfigValues: stringify(config?.spec?.values) },
    } as Record<string, string>,
  }
}

const isEmpty = (values: unknown): boolean => values === undefined || values === null || (typeof values === 'object' && Object.keys(values).length === 0)

/** All files of values as the pod finds them in /config: the later ones, by their names, win. */
function valuesVolume({ spec, metadata: { name } }: HelmChart, config: HelmChartConfig | undefined): unknown {
  const own: KeyToPath[] = []
  const sources: unknown[] = []
  const add = (layer: 0 | 1, kind: string, from: { values?: unknown; valuesContent?: string; valuesSecrets?: readonly ValuesSecret[] } | undefined) => {
    if (from?.valuesContent) own.push({ key: `${kind}ValuesContent`, path: `values-${layer}-000-${kind}-ValuesContent.yaml` })
    if (!isEmpty(from?.values)) own.push({ key: `${kind}Values`, path: `values-${layer}-001-${kind}-Values.yaml` })
    let count = 1
    for (const { name: secret, keys = [], ignoreUpdates = false } of from?.valuesSecrets ?? []) {
      if (keys.length === 0 || secret === `chart-values-${name}`) continue
      sources.push({ secret: { name: secret, optional: ignoreUpdates, items: keys.map((key) => ({ key, path: `values-${layer}-${String(++count).padStart(3, '0')}-${kind}-ValuesSecret.yaml` })) } })
    }
  }
  add(0, 'HelmChart', spec)
  if (spec.repoCA) own.push({ key: 'RepoCA', path: 'ca-file.pem' })
  add(1, 'HelmChartConfig', config?.spec)
  return { name: 'values', projected: { defaultMode: 0o644, sources: [{ secret: { name: `chart-values-${name}`, items: own } }, ...sources] } }
}

function podTemplate(chart: HelmChart, config: HelmChartConfig | undefined, apiPort: number) {
  const { spec, metadata: { name = '', namespace = '' } } = chart
  const env = {
    NAME: name, VERSION: spec.version ?? '', REPO: spec.repo ?? '', HELM_DRIVER: 'secret', CHART_NAMESPACE: namespace, CHART: spec.repo ? `${name}/${spec.chart ?? ''}` : spec.chart ?? '', HELM_VERSION: spec.helmVersion ?? '',
    TARGET_NAMESPACE: spec.targetNamespace || namespace, AUTH_PASS_CREDENTIALS: String(spec.authPassCredentials ?? false), INSECURE_SKIP_TLS_VERIFY: String(spec.insecureSkipTLSVerify ?? false), PLAIN_HTTP: String(spec.plainHTTP ?? false),
    ...spec.timeout ? { TIMEOUT: spec.timeout } : {}, ...spec.bootstrap ? { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(apiPort), BOOTSTRAP: 'true' } : {},
    FAILURE_POLICY: config?.spec?.failurePolicy || spec.failurePolicy || FAILURE_POLICY,
  }
  const scratch = { 'klipper-helm': `${HOME}/.helm`, 'klipper-cache': `${HOME}/.cache`, 'klipper-config': `${HOME}/.config`, tmp: '/tmp' }
  const given: { mountPath: string; volume: Record<string, unknown> & { name: string } }[] = [
    ...spec.authSecret?.name ? [{ mountPath: '/auth', volume: { name: 'auth', secret: { defaultMode: 0o644, secretName: spec.authSecret.name } } }] : [],
    ...spec.dockerRegistrySecret?.name ? [{ mountPath: `${HOME}/.docker`, volume: { name: 'dockerconfig', secret: { defaultMode: 0o644, secretName: spec.dockerRegistrySecret.name, items: [{ key: '.dockerconfigjson', path: 'config.json' }] } } }] : [],
    ...spec.repoCAConfigMap?.name ? [{ mountPath: '/ca-files', volume: { name: 'ca-files', configMap: { defaultMode: 0o644, name: spec.repoCAConfigMap.name } } }] : [],
  ]
  return {
    metadata: { labels: { [CHART_LABEL]: name }, annotations: {} as Record<string, string> },
    spec: {
      restartPolicy: 'OnFailure', serviceAccountName: `helm-${name}`, priorityClassName: 'system-cluster-critical', securityContext: spec.podSecurityContext ?? { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      nodeSelector: { 'kubernetes.io/os': 'linux', ...spec.bootstrap ? { [CONTROL_PLANE]: 'true' } : {} }, ...spec.bootstrap ? { hostNetwork: true, tolerations: BOOTSTRAP_TOLERATIONS } : {},
      containers: [{
        name: 'helm', image: spec.jobImage?.trim() || HELM_IMAGE, imagePullPolicy: 'IfNotPresent', args: argumentsOf(chart), env: Object.entries(env).map(([each, value]) => ({ name: each, value })),
        resources: { requests: { cpu: '100m', memory: '10M' }, limits: { cpu: '32', memory: '32G' } }, securityContext: spec.securityContext ?? { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, readOnlyRootFilesystem: true },
        volumeMounts: [...Object.entries(scratch).map(([each, mountPath]) => ({ name: each, mountPath })), ...given.map(({ mountPath, volume }) => ({ name: volume.name, mountPath })), { name: 'values', mountPath: '/config' }, { name: 'content', mountPath: '/chart' }],
      }],
      volumes: [...Object.keys(scratch).map((each) => ({ name: each, emptyDir: { medium: 'Memory' } })), ...given.map(({ volume }) => volume), valuesVolume(chart, config), { name: 'content', configMap: { defaultMode: 0o644, name: `chart-content-${name}` } }],
    },
  }
}

const BOOTSTRAP_TOLERATIONS = [
  { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }, { key: 'node.kubernetes.io/network-unavailable', effect: 'NoSchedule' },
  { key: 'node.cloudprovider.kubernetes.io/uninitialized', operator: 'Equal', value: 'true', effect: 'NoSchedule' }, { key: 'CriticalAddonsOnly', operator: 'Exists' },
  { key: 'node-role.kubernetes.io/etcd', operator: 'Exists', effect: 'NoExecute' }, { key: CONTROL_PLANE, operator: 'Exists', effect: 'NoSchedule' },
]

function argumentsOf({ spec, metadata }: HelmChart): string[] {
  if (metadata.deletionTimestamp !== undefined) return ['delete']
  const settings = Object.entries(spec.set ?? {}).sort(([a], [b]) => a < b ? -1 : 1).flatMap(([key, value]) => typeof value === 'number' || /^(?:true|false|null)$/i.test(value)
    ? ['--set', `${key}=${value}`]
    // A comma after an even number of backslashes would end the value.
    : ['--set-string', `${key}=${value.replace(/\\*,/g, (match) => match.length % 2 === 1 ? `\\${match}` : match)}`])
  return [
    'install', ...spec.targetNamespace ? ['--namespace', spec.targetNamespace] : [], ...spec.createNamespace ? ['--create-namespace'] : [], ...spec.takeOwnership ? ['--take-ownership'] : [],
    ...spec.version ? ['--version', spec.version] : [], ...settings,
  ]
}
