/** Versions of all groups whose types the API server knows, served or not: `metav1.AddToGroupVersion` gives each of them the common types. */
const GROUP_VERSIONS: Readonly<Record<string, readonly string[]>> = {
  '': ['v1'], 'admission.k8s.io': ['v1', 'v1beta1'], 'admissionregistration.k8s.io': ['v1', 'v1alpha1', 'v1beta1'],
  'apiextensions.k8s.io': ['v1', 'v1beta1'], 'apiregistration.k8s.io': ['v1', 'v1beta1'], apps: ['v1', 'v1beta1', 'v1beta2'],
  'authentication.k8s.io': ['v1', 'v1alpha1', 'v1beta1'], 'authorization.k8s.io': ['v1', 'v1beta1'], autoscaling: ['v1', 'v2'],
  batch: ['v1', 'v1beta1'], 'certificates.k8s.io': ['v1', 'v1alpha1', 'v1beta1'], 'coordination.k8s.io': ['v1', 'v1alpha2', 'v1beta1'],
  'discovery.k8s.io': ['v1', 'v1beta1'], 'events.k8s.io': ['v1', 'v1beta1'], extensions: ['v1beta1'],
  'flowcontrol.apiserver.k8s.io': ['v1', 'v1beta1', 'v1beta2', 'v1beta3'], 'imagepolicy.k8s.io': ['v1alpha1'],
  'internal.apiserver.k8s.io': ['v1alpha1'], 'networking.k8s.io': ['v1', 'v1beta1'], 'node.k8s.io': ['v1', 'v1alpha1', 'v1beta1'],
  policy: ['v1', 'v1beta1'], 'rbac.authorization.k8s.io': ['v1', 'v1alpha1', 'v1beta1'],
  'resource.k8s.io': ['v1', 'v1alpha3', 'v1beta1', 'v1beta2'], 'scheduling.k8s.io': ['v1', 'v1alpha2', 'v1beta1'],
  'storage.k8s.io': ['v1', 'v1alpha1', 'v1beta1'], 'storagemigration.k8s.io': ['v1beta1'],
}

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1'
const COMMON_TYPES: Readonly<Record<string, string>> = { [`${META}.DeleteOptions`]: 'DeleteOptions', [`${META}.WatchEvent`]: 'WatchEvent' }

interface GroupVersionKind { group: string; version: string; kind: string }

/** Groups whose types the part of the server that serves custom resources doesn't know. k8s: client-go/kubernetes/scheme */
const UNKNOWN_TO_CUSTOM_RESOURCES = new Set(['admission.k8s.io', 'apiextensions.k8s.io', 'apiregistration.k8s.io', 'imagepolicy.k8s.io'])

/**
 * As which kinds a type may be sent that belongs to every group; undefined for types that don't.
 * @param of whose v3 document it is: a built-in kind's names only its own version beside the core one; undefined: all
 */
export function commonKindsOf(schema: string, of: { group: string; version: string; custom?: unknown } | undefined): GroupVersionKind[] | undefined {
  const kind = COMMON_TYPES[schema]
  if (kind === undefined) return undefined
  const all = Object.entries(GROUP_VERSIONS).flatMap(([group, versions]) => versions.map((version): GroupVersionKind => ({ group, kind, version })))
  if (of?.custom) return all.filter(({ group }) => !UNKNOWN_TO_CUSTOM_RESOURCES.has(group))
  return of ? all.filter(({ group, version }) => group === '' || (group === of.group && version === of.version)) : all
}
