/** Admission plugins that are off unless --enable-admission-plugins names them. */
import type { Container, Namespace, Pod } from '../../kinds/generated/types.ts'
import { apiError } from '../../kinds/status-error.ts'
import type { KubeObject } from '../../kinds/object.ts'
import type { AdmissionAttributes, AdmissionPlugin } from '../seams.ts'
import { forbidden, isAbout } from './forbidden.ts'

const isWrite = ({ operation }: AdmissionAttributes) => operation === 'CREATE' || operation === 'UPDATE'

function containersOf(pod: Pod): { container: Container; at: string }[] {
  return [['initContainers', pod.spec.initContainers], ['containers', pod.spec.containers], ['ephemeralContainers', pod.spec.ephemeralContainers]]
    .flatMap(([field, list]) => (list as Container[] | undefined ?? []).map((container, i) => ({ container, at: `spec.${String(field)}[${i}]` })))
}

/** Nobody uses an image of a node without the right to pull it. k8s: plugin/pkg/admission/alwayspullimages */
const alwaysPullImages: AdmissionPlugin = {
  name: 'AlwaysPullImages',
  mutate(attributes) {
    if (!concernsImages(attributes)) return
    const pod = attributes.object as Pod
    for (const { container } of containersOf(pod)) container.imagePullPolicy = 'Always'
    for (const volume of pod.spec.volumes ?? []) if (volume.image) volume.image.pullPolicy = 'Always'
  },
  validate(attributes) {
    if (!concernsImages(attributes)) return
    for (const { container, at } of containersOf(attributes.object as Pod))
      if (container.imagePullPolicy !== 'Always') throw forbidden(attributes, `${at}.imagePullPolicy: Unsupported value: ${JSON.stringify(container.imagePullPolicy ?? '')}: supported values: "Always"`)
  },
}

function concernsImages(attributes: AdmissionAttributes): boolean {
  if (!isWrite(attributes) || !isAbout(attributes, 'pods') || !attributes.object) return false
  const before = new Set(attributes.oldObject ? containersOf(attributes.oldObject as Pod).map(({ container }) => container.image) : [])
  return attributes.operation === 'CREATE' || containersOf(attributes.object as Pod).some(({ container }) => !before.has(container.image))
}

/** k8s: plugin/pkg/admission/deny */
const alwaysDeny: AdmissionPlugin = {
  name: 'AlwaysDeny',
  mutate(attributes) { throw forbidden(attributes, 'admission control is denying all modifications') },
}

/** k8s: plugin/pkg/admission/serviceexternalips (network/denyserviceexternalips) */
const denyServiceExternalIPs: AdmissionPlugin = {
  name: 'DenyServiceExternalIPs',
  validate(attributes) {
    if (!isWrite(attributes) || !isAbout(attributes, 'services') || !attributes.object) return
    const ips = (object: KubeObject | undefined) => ((object?.['spec'] as { externalIPs?: string[] } | undefined)?.externalIPs ?? [])
    const before = new Set(ips(attributes.oldObject))
    if (ips(attributes.object).some((ip) => !before.has(ip))) throw forbidden(attributes, 'Use of external IPs is denied by admission control')
  },
}

/** k8s: plugin/pkg/admission/extendedresourcetoleration */
const extendedResourceToleration: AdmissionPlugin = {
  name: 'ExtendedResourceToleration',
  mutate(attributes) {
    if (!isWrite(attributes) || !isAbout(attributes, 'pods') || !attributes.object) return
    const { spec } = attributes.object as Pod
    const names = new Set([...spec.containers, ...spec.initContainers ?? []].flatMap((container) => Object.keys(container.resources?.requests ?? {})).filter((name) => name.includes('/') && !name.includes('kubernetes.io/')))
    for (const key of [...names].sort()) {
      const same = (spec.tolerations ?? []).some((t) => t.key === key && t.operator === 'Exists' && t.effect === 'NoSchedule')
      if (!same) spec.tolerations = [...spec.tolerations ?? [], { key, operator: 'Exists', effect: 'NoSchedule' }]
    }
  },
}

/** k8s: plugin/pkg/admission/antiaffinity */
const limitPodHardAntiAffinityTopology: AdmissionPlugin = {
  name: 'LimitPodHardAntiAffinityTopology',
  validate(attributes) {
    if (!isWrite(attributes) || !isAbout(attributes, 'pods') || !attributes.object) return
    for (const { topologyKey } of (attributes.object as Pod).spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [])
      if (topologyKey !== 'kubernetes.io/hostname') throw forbidden(attributes, `affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey ${topologyKey} but only key kubernetes.io/hostname is allowed`)
  },
}

/** k8s: plugin/pkg/admission/namespace/autoprovision */
const namespaceAutoProvision: AdmissionPlugin = {
  name: 'NamespaceAutoProvision',
  async mutate({ operation, namespace, kind, dryRun }, { reader, api }) {
    if (operation !== 'CREATE' || namespace === '' || kind.resource === 'namespaces' || dryRun || reader.get('namespaces', undefined, namespace)) return
    await api.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
  },
}

/** k8s: plugin/pkg/admission/namespace/exists */
const namespaceExists: AdmissionPlugin = {
  name: 'NamespaceExists',
  validate({ operation, namespace, kind }, { reader }) {
    if (operation === 'CONNECT' || namespace === '' || kind.resource === 'namespaces' || reader.get('namespaces', undefined, namespace)) return
    throw apiError.notFound({ group: '', resource: 'namespaces' }, namespace)
  },
}

/** Pods go only to the nodes that their namespace's annotation selects. k8s: plugin/pkg/admission/podnodeselector */
const podNodeSelector: AdmissionPlugin = {
  name: 'PodNodeSelector',
  mutate(attributes, { reader }) {
    if (attributes.operation !== 'CREATE' || !isAbout(attributes, 'pods') || !attributes.object) return
    const text = reader.get<Namespace>('namespaces', undefined, attributes.namespace)?.metadata.annotations?.['scheduler.alpha.kubernetes.io/node-selector'] ?? ''
    const wanted = Object.fromEntries(text.split(',').filter(Boolean).map((pair) => pair.split('=').map((part) => part.trim()) as [string, string]))
    const { spec } = attributes.object as Pod
    for (const [key, value] of Object.entries(wanted)) if (spec.nodeSelector?.[key] !== undefined && spec.nodeSelector[key] !== value) throw forbidden(attributes, 'pod node label selector conflicts with its namespace node label selector')
    if (Object.keys(wanted).length > 0) spec.nodeSelector = { ...spec.nodeSelector, ...wanted }
  },
}

/** Those that are asked before the plugins that are always there, and those behind them. k8s: pkg/kubeapiserver/options/plugins.go AllOrderedPlugins */
export const EARLY_PLUGINS: readonly AdmissionPlugin[] = [{ name: 'AlwaysAdmit' }, namespaceAutoProvision]
export const LATE_PLUGINS: readonly AdmissionPlugin[] = [namespaceExists, limitPodHardAntiAffinityTopology, alwaysPullImages, podNodeSelector, extendedResourceToleration, denyServiceExternalIPs, alwaysDeny]

/** Every plugin that kube-apiserver knows. */
export const PLUGIN_NAMES = ('AlwaysAdmit AlwaysDeny AlwaysPullImages CertificateApproval CertificateSigning CertificateSubjectRestriction ClusterTrustBundleAttest DefaultIngressClass DefaultStorageClass '
  + 'DefaultTolerationSeconds DenyServiceExternalIPs EventRateLimit ExtendedResourceToleration ImagePolicyWebhook JobValidation LimitPodHardAntiAffinityTopology LimitRanger MutatingAdmissionPolicy '
  + 'MutatingAdmissionWebhook NamespaceAutoProvision NamespaceExists NamespaceLifecycle NodeDeclaredFeatureValidator NodeRestriction OwnerReferencesPermissionEnforcement PersistentVolumeClaimResize '
  + 'PodGroupProtection PodGroupWorkloadExists PodNodeSelector PodResizeValidator PodSecurity PodTolerationRestriction PodTopologyLabels Priority ResourceQuota RuntimeClass ServiceAccount '
  + 'StorageObjectInUseProtection TaintNodesByCondition ValidatingAdmissionPolicy ValidatingAdmissionWebhook').split(' ')
/** Those of them that can be asked for and aren't here. */
export const MISSING_PLUGINS = ['EventRateLimit', 'OwnerReferencesPermissionEnforcement', 'PodTolerationRestriction']
