import { parseGroupVersion } from '../discovery.ts'
import type { KustomizeResource } from './resource.ts'

/** Where a transformer writes: a path below an object of a kind; `[]` marks lists, which are passed through without it too. */
export interface FieldSpec {
  path: string
  group?: string
  version?: string
  kind?: string
  /** Makes the field where it is missing. */
  create?: boolean
}

/** A kind and the fields that name objects of it. */
export interface NameReference {
  kind: string
  group?: string
  version?: string
  fieldSpecs: FieldSpec[]
}

/** All that says which fields transformers touch; kustomizations may add to it. k8s: kustomize builtinconfig.TransformerConfig */
export interface TransformerConfig {
  namePrefix: FieldSpec[]
  nameSuffix: FieldSpec[]
  namespace: FieldSpec[]
  commonLabels: FieldSpec[]
  templateLabels: FieldSpec[]
  commonAnnotations: FieldSpec[]
  nameReference: NameReference[]
  varReference: FieldSpec[]
  images: FieldSpec[]
  replicas: FieldSpec[]
}

const create = (kind: string, path: string, group?: string): FieldSpec => ({ path, kind, create: true, ...(group ? { group } : {}) })
const at = (kind: string, path: string, group?: string): FieldSpec => ({ path, kind, ...(group ? { group } : {}) })

const POD_SPECS: Record<string, string> = {
  Pod: 'spec', PodTemplate: 'template/spec', Deployment: 'spec/template/spec', ReplicaSet: 'spec/template/spec', DaemonSet: 'spec/template/spec', StatefulSet: 'spec/template/spec', Job: 'spec/template/spec',
  ReplicationController: 'spec/template/spec', CronJob: 'spec/jobTemplate/spec/template/spec',
}
const inPods = (kinds: readonly string[], paths: readonly string[]): FieldSpec[] => kinds.flatMap((kind) => paths.map((path) => at(kind, `${POD_SPECS[kind]}/${path}`)))
const READERS = ['Pod', 'PodTemplate', 'Deployment', 'ReplicaSet', 'DaemonSet', 'StatefulSet', 'Job', 'CronJob']
const OWNERS = ['Pod', 'StatefulSet', 'Deployment', 'ReplicationController', 'CronJob', 'Job', 'DaemonSet']
const sources = (ref: string, envFrom: string) => ['containers', 'initContainers'].flatMap((list) => [`${list}/env/valueFrom/${ref}/name`, `${list}/envFrom/${envFrom}/name`])

const templateLabels: FieldSpec[] = [
  { path: 'metadata/labels', create: true }, ...['ReplicationController', 'Deployment', 'ReplicaSet', 'DaemonSet', 'StatefulSet', 'Job'].map((kind) => create(kind, 'spec/template/metadata/labels')),
  create('StatefulSet', 'spec/volumeClaimTemplates[]/metadata/labels', 'apps'), create('CronJob', 'spec/jobTemplate/metadata/labels', 'batch'), create('CronJob', 'spec/jobTemplate/spec/template/metadata/labels', 'batch'),
]

const AFFINITIES = ['podAffinity', 'podAntiAffinity'].flatMap((kind) => [`affinity/${kind}/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels`, `affinity/${kind}/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels`])

/** What kustomize knows of the built-in kinds. k8s: kustomize/api/internal/konfig/builtinpluginconsts */
export function defaultTransformerConfig(): TransformerConfig {
  return {
    namePrefix: [{ path: 'metadata/name' }],
    nameSuffix: [{ path: 'metadata/name' }],
    namespace: [create('Namespace', 'metadata/name'), create('APIService', 'spec/service/namespace', 'apiregistration.k8s.io'), at('CustomResourceDefinition', 'spec/conversion/webhook/clientConfig/service/namespace', 'apiextensions.k8s.io')],
    commonLabels: [
      create('Service', 'spec/selector'), create('ReplicationController', 'spec/selector'), ...['Deployment', 'ReplicaSet', 'DaemonSet', 'StatefulSet'].map((kind) => create(kind, 'spec/selector/matchLabels')),
      ...['Deployment', 'StatefulSet'].flatMap((kind) => [...AFFINITIES, 'topologySpreadConstraints/labelSelector/matchLabels'].map((path) => at(kind, `spec/template/spec/${path}`, 'apps'))),
      at('Job', 'spec/selector/matchLabels', 'batch'), at('CronJob', 'spec/jobTemplate/spec/selector/matchLabels', 'batch'), at('PodDisruptionBudget', 'spec/selector/matchLabels', 'policy'),
      ...['spec/podSelector', 'spec/ingress/from/podSelector', 'spec/egress/to/podSelector'].map((path) => at('NetworkPolicy', `${path}/matchLabels`, 'networking.k8s.io')),
      ...templateLabels,
    ],
    templateLabels: [...templateLabels],
    commonAnnotations: [
      { path: 'metadata/annotations', create: true }, ...['ReplicationController', 'Deployment', 'ReplicaSet', 'DaemonSet', 'StatefulSet', 'Job'].map((kind) => create(kind, 'spec/template/metadata/annotations')),
      create('CronJob', 'spec/jobTemplate/metadata/annotations', 'batch'), create('CronJob', 'spec/jobTemplate/spec/template/metadata/annotations', 'batch'),
    ],
    nameReference: [
      ...['Deployment', 'ReplicationController', 'ReplicaSet', 'StatefulSet'].map((kind) => ({ kind, fieldSpecs: [at('HorizontalPodAutoscaler', 'spec/scaleTargetRef/name')] })),
      {
        kind: 'ConfigMap', version: 'v1', fieldSpecs: [
          ...inPods(READERS, ['volumes/configMap/name', 'volumes/projected/sources/configMap/name', ...sources('configMapKeyRef', 'configMapRef')]),
          at('Node', 'spec/configSource/configMap'), at('Role', 'rules/resourceNames'), at('ClusterRole', 'rules/resourceNames'), at('Ingress', 'metadata/annotations/nginx.ingress.kubernetes.io\\/fastcgi-params-configmap'),
        ],
      },
      {
        kind: 'Secret', version: 'v1', fieldSpecs: [
          ...inPods(READERS, ['volumes/secret/secretName', 'volumes/projected/sources/secret/name', 'imagePullSecrets/name', ...sources('secretKeyRef', 'secretRef')]),
          at('Ingress', 'spec/tls/secretName'), ...['ingress.kubernetes.io\\/auth-secret', 'nginx.ingress.kubernetes.io\\/auth-secret', 'nginx.ingress.kubernetes.io\\/auth-tls-secret'].map((key) => at('Ingress', `metadata/annotations/${key}`)),
          at('ServiceAccount', 'imagePullSecrets/name'), ...['secretName', 'adminSecretName', 'userSecretName', 'secretRef'].map((key) => at('StorageClass', `parameters/${key}`)),
          at('Role', 'rules/resourceNames'), at('ClusterRole', 'rules/resourceNames'), at('PersistentVolume', 'spec/azureFile/secretName'),
        ],
      },
      {
        kind: 'Service', version: 'v1', fieldSpecs: [
          at('StatefulSet', 'spec/serviceName', 'apps'), ...['spec/rules/http/paths/backend/serviceName', 'spec/backend/serviceName', 'spec/rules/http/paths/backend/service/name', 'spec/defaultBackend/service/name'].map((path) => at('Ingress', path)),
          at('APIService', 'spec/service/name', 'apiregistration.k8s.io'), ...['ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration'].map((kind) => at(kind, 'webhooks/clientConfig/service', 'admissionregistration.k8s.io')),
        ],
      },
      { kind: 'Role', group: RBAC, fieldSpecs: [at('RoleBinding', 'roleRef/name', RBAC)] },
      { kind: 'ClusterRole', group: RBAC, fieldSpecs: [at('RoleBinding', 'roleRef/name', RBAC), at('ClusterRoleBinding', 'roleRef/name', RBAC)] },
      { kind: 'ServiceAccount', version: 'v1', fieldSpecs: [at('RoleBinding', 'subjects', RBAC), at('ClusterRoleBinding', 'subjects', RBAC), ...inPods(OWNERS, ['serviceAccountName'])] },
      { kind: 'PersistentVolumeClaim', version: 'v1', fieldSpecs: inPods(OWNERS, ['volumes/persistentVolumeClaim/claimName']) },
      { kind: 'PersistentVolume', version: 'v1', fieldSpecs: [at('PersistentVolumeClaim', 'spec/volumeName'), at('ClusterRole', 'rules/resourceNames')] },
      { kind: 'StorageClass', version: 'v1', group: 'storage.k8s.io', fieldSpecs: [at('PersistentVolume', 'spec/storageClassName'), at('PersistentVolumeClaim', 'spec/storageClassName'), at('StatefulSet', 'spec/volumeClaimTemplates/spec/storageClassName')] },
      { kind: 'PriorityClass', version: 'v1', group: 'scheduling.k8s.io', fieldSpecs: inPods(OWNERS, ['priorityClassName']) },
      { kind: 'ValidatingAdmissionPolicy', group: 'admissionregistration.k8s.io', fieldSpecs: [at('ValidatingAdmissionPolicyBinding', 'spec/policyName', 'admissionregistration.k8s.io')] },
    ],
    varReference: [
      ...inPods(['Pod', 'Deployment', 'ReplicaSet', 'DaemonSet', 'StatefulSet', 'Job', 'CronJob'], ['containers', 'initContainers'].flatMap((list) => ['args', 'command', 'env/value', 'volumeMounts/mountPath'].map((field) => `${list}/${field}`)).concat('volumes/nfs/server')),
      at('Deployment', 'spec/template/metadata/annotations'), at('Ingress', 'spec/rules/host'), at('Ingress', 'spec/tls/hosts'), at('Ingress', 'spec/tls/secretName'), at('Service', 'spec/ports/port'), at('Service', 'spec/ports/targetPort'),
      at('PersistentVolume', 'spec/nfs/server'), { path: 'metadata/labels' }, { path: 'metadata/annotations' },
    ],
    images: ['spec', 'spec/template/spec'].flatMap((spec) => ['containers[]/image', 'initContainers[]/image', 'volumes[]/image/reference'].map((path) => ({ path: `${spec}/${path}` }))),
    replicas: ['Deployment', 'ReplicationController', 'ReplicaSet', 'StatefulSet'].map((kind) => create(kind, 'spec/replicas')),
  }
}

const RBAC = 'rbac.authorization.k8s.io'

/** Whether a spec speaks of an object's kind. */
export function applies(spec: { group?: string; version?: string; kind?: string }, resource: KustomizeResource): boolean {
  const { group, version } = parseGroupVersion(resource.object.apiVersion ?? '')
  return (!spec.kind || spec.kind === resource.object.kind) && (!spec.group || spec.group === group) && (!spec.version || spec.version === version)
}

/** The parts of a path; a slash behind a backslash belongs to a name. */
function partsOf(path: string): string[] {
  return path.split(/(?<!\\)\//).map((part) => part.replaceAll('\\/', '/').replace(/\[\]$/, ''))
}

/**
 * Lets `change` replace the value at a spec's path, in every element of the lists on the way.
 * With `create` a missing field begins as an empty map on the way and as undefined at its end.
 */
export function updateField(resource: KustomizeResource, spec: FieldSpec, change: (value: unknown) => unknown): void {
  if (!applies(spec, resource)) return
  const parts = partsOf(spec.path)
  const descend = (holder: any, i: number): void => {
    if (Array.isArray(holder)) { for (const item of holder) descend(item, i); return }
    if (holder === null || typeof holder !== 'object') return
    const key = parts[i]!
    if (i === parts.length - 1) {
      if (holder[key] === undefined && !spec.create) return
      const next = change(holder[key])
      if (next !== undefined) holder[key] = next
      return
    }
    if (holder[key] === undefined || holder[key] === null) {
      // Lists aren't made: nobody knows of what.
      if (!spec.create || spec.path.split('/')[i]?.endsWith('[]')) return
      holder[key] = {}
    }
    descend(holder[key], i + 1)
  }
  descend(resource.object, 0)
}
