import { DecodeError, decodeObject } from '../kinds/decode.ts'
import { builtInKinds, kindOf } from '../kinds/index.ts'
import type { Kind } from '../kinds/kind.ts'
import type { KubeObject } from '../kinds/object.ts'

/** Versions that are no longer served but still known, with their kinds. k8s: the AddKnownTypes of k8s.io/api */
const FORMER_TYPES: Readonly<Record<string, string>> = {
  'extensions/v1beta1': 'Deployment DeploymentRollback Scale DaemonSet Ingress ReplicaSet NetworkPolicy',
  'apps/v1beta1': 'Deployment DeploymentRollback Scale StatefulSet ControllerRevision',
  'apps/v1beta2': 'Deployment Scale StatefulSet DaemonSet ReplicaSet ControllerRevision',
  'batch/v1beta1': 'CronJob',
  'policy/v1beta1': 'PodDisruptionBudget Eviction',
  'networking.k8s.io/v1beta1': 'Ingress IngressClass IPAddress ServiceCIDR',
  'rbac.authorization.k8s.io/v1beta1': 'Role RoleBinding ClusterRole ClusterRoleBinding',
  'rbac.authorization.k8s.io/v1alpha1': 'Role RoleBinding ClusterRole ClusterRoleBinding',
  'storage.k8s.io/v1beta1': 'StorageClass VolumeAttachment CSIDriver CSINode CSIStorageCapacity VolumeAttributesClass',
  'events.k8s.io/v1beta1': 'Event',
  'discovery.k8s.io/v1beta1': 'EndpointSlice',
  'scheduling.k8s.io/v1beta1': 'PriorityClass',
  'coordination.k8s.io/v1beta1': 'Lease LeaseCandidate',
  'certificates.k8s.io/v1beta1': 'CertificateSigningRequest ClusterTrustBundle PodCertificateRequest',
  'flowcontrol.apiserver.k8s.io/v1beta1': 'FlowSchema PriorityLevelConfiguration',
  'flowcontrol.apiserver.k8s.io/v1beta2': 'FlowSchema PriorityLevelConfiguration',
  'flowcontrol.apiserver.k8s.io/v1beta3': 'FlowSchema PriorityLevelConfiguration',
  'node.k8s.io/v1beta1': 'RuntimeClass',
  'node.k8s.io/v1alpha1': 'RuntimeClass',
  'admissionregistration.k8s.io/v1beta1': 'ValidatingWebhookConfiguration MutatingWebhookConfiguration ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding MutatingAdmissionPolicy MutatingAdmissionPolicyBinding',
}

/** Whether the server still recognises a kind of a version that it no longer serves. */
export function isFormerType(apiVersion: string, kind: string): boolean {
  return Object.hasOwn(FORMER_TYPES, apiVersion) && FORMER_TYPES[apiVersion]!.split(' ').includes(kind)
}

/** How Go calls the type of a JSON value. */
export function jsonTypeOf(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  return typeof value === 'boolean' ? 'bool' : typeof value
}

/** Why a body that is no object says nothing of its type, in Go's words. */
export function cannotUnmarshalType(value: unknown): string {
  return `json: cannot unmarshal ${jsonTypeOf(value)} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`
}

/** The Go package of a group's internal types. */
export function goPackage(group: string): string {
  if (group === '' || group === 'events.k8s.io') return 'core'
  const first = group.split('.')[0]!
  return group === 'internal.apiserver.k8s.io' ? 'apiserverinternal' : first
}

/** What an object says that it is must be readable, right or wrong. k8s: json.SimpleMetaFactory @throws DecodeError */
export function checkTypeMeta(given: { kind?: unknown; apiVersion?: unknown }): void {
  for (const field of ['apiVersion', 'kind'] as const) {
    const value = given[field]
    if (value === undefined || value === null || typeof value === 'string') continue
    throw new DecodeError(`couldn't get version/kind; json parse error: json: cannot unmarshal ${jsonTypeOf(value)} into Go struct field .${field} of type string`)
  }
  if (typeof given.apiVersion === 'string' && given.apiVersion.split('/').length > 2) throw new DecodeError(`unexpected GroupVersion string: ${given.apiVersion}`)
}

/**
 * Holds the kind and version that a patched object names against its own. Without a version it is read as the internal form, that no
 * client writes: nothing of it is understood, not even its name. k8s: runtime.DecodeInto in handlers/patch.go
 * @returns the object as it is understood
 * @throws DecodeError
 */
export function understoodPatch(kind: Kind, patched: KubeObject): KubeObject {
  const given = (patched ?? {}) as Record<string, unknown>
  checkTypeMeta(given)
  const apiVersion = (given['apiVersion'] ?? '') as string
  const name = (given['kind'] || kind.kind) as string
  if (apiVersion === (kind.group ? `${kind.group}/${kind.version}` : kind.version) && name === kind.kind) return patched
  const unknownConversion = (from: string) => new DecodeError(`converting (${from}.${name}) to (${goPackage(kind.group)}.${kind.kind}): unknown conversion`)
  const unknownKind = (where: string) => new DecodeError(`no kind ${JSON.stringify(name)} is registered for ${where} in scheme "pkg/runtime/scheme.go:111"`)
  if (apiVersion === '') {
    if (name === kind.kind) return { kind: kind.kind, apiVersion: '', metadata: {} }
    if (builtInKinds.some((other) => other.group === kind.group && other.kind === name)) throw unknownConversion(goPackage(kind.group))
    throw unknownKind(`the internal version of group ${JSON.stringify(kind.group)}`)
  }
  const known = kindOf(apiVersion, name)
  if (!known && !isFormerType(apiVersion, name)) throw unknownKind(`version ${JSON.stringify(apiVersion)}`)
  if (name === kind.kind && (known ?? kind).group === kind.group) return patched
  // A patch of the kind: upstream decodes what the object now says it is.
  if (known) decodeObject(known, patched)
  throw unknownConversion(apiVersion.slice(apiVersion.lastIndexOf('/') + 1))
}
