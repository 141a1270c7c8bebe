import type { KubeObject } from '../../../cluster/kinds/object.ts'
import { parseGroupVersion } from '../discovery.ts'

/** An object on its way through the layers of a kustomization. */
export interface KustomizeResource {
  /** Mutable. */
  object: KubeObject
  /** Names and namespaces it was known by, oldest first; the first ones are its own. References and patches may use any. */
  previous: { name: string; namespace: string; kind: string }[]
  /** Prefixes and suffixes in the order they were put on, to tell namesakes apart. */
  affixes: string[]
  /** A generator made it: its name gets a hash of its content. */
  needsHash: boolean
  /** Where it came from, for `buildMetadata: [originAnnotations]`. */
  origin: { path?: string; configuredIn?: string; kind?: string }
}

export function newResource(object: KubeObject, origin: KustomizeResource['origin']): KustomizeResource {
  return { object, previous: [identity(object)], affixes: [], needsHash: false, origin }
}

const identity = (o: KubeObject) => ({ name: o.metadata?.name ?? '', namespace: o.metadata?.namespace ?? '', kind: o.kind })

/** Remembers the present name before a transformer changes it. */
export function remember(resource: KustomizeResource): void {
  const now = identity(resource.object)
  const last = resource.previous.at(-1)!
  if (last.name !== now.name || last.namespace !== now.namespace || last.kind !== now.kind) resource.previous.push(now)
}

/** Every identity, the present one last. */
export function identitiesOf(resource: KustomizeResource): { name: string; namespace: string; kind: string }[] {
  return [...resource.previous, identity(resource.object)]
}

/** `Deployment.v1.apps/web.[noNs]`. k8s: kustomize resid.ResId String */
export function idText(object: { apiVersion?: string; kind?: string; metadata?: { name?: string; namespace?: string } }): string {
  const { group, version } = parseGroupVersion(object.apiVersion ?? '')
  return `${object.kind || '[noKind]'}.${version || '[noVer]'}.${group || '[noGrp]'}/${object.metadata?.name || '[noName]'}.${object.metadata?.namespace || '[noNs]'}`
}

/** The same as a Go value prints itself. */
export function idSyntax(object: KubeObject): string {
  const { group, version } = parseGroupVersion(object.apiVersion ?? '')
  return `resid.ResId{Gvk:resid.Gvk{Group:${JSON.stringify(group)}, Version:${JSON.stringify(version)}, Kind:${JSON.stringify(object.kind)}, isClusterScoped:false}, Name:${JSON.stringify(object.metadata.name)}, Namespace:${JSON.stringify(object.metadata.namespace ?? '')}}`
}

const CLUSTER_KINDS = new Set(['Namespace', 'Node', 'PersistentVolume', 'ClusterRole', 'ClusterRoleBinding', 'CustomResourceDefinition', 'StorageClass', 'PriorityClass', 'IngressClass', 'RuntimeClass', 'CSIDriver', 'CSINode', 'VolumeAttachment',
  'APIService', 'MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration', 'ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding', 'CertificateSigningRequest', 'FlowSchema', 'PriorityLevelConfiguration', 'ComponentStatus',
  'TokenReview', 'SubjectAccessReview', 'SelfSubjectAccessReview', 'SelfSubjectRulesReview', 'SelfSubjectReview', 'IPAddress', 'ServiceCIDR'])

export const isClusterScoped = (object: KubeObject): boolean => CLUSTER_KINDS.has(object.kind)
