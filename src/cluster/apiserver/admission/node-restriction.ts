import { deepEqual } from '../../../base/freeze.ts'
import type { Node, PersistentVolumeClaim, Pod } from '../../kinds/generated/types.ts'
import { apiError } from '../../kinds/status-error.ts'
import { nodeNameOf } from '../auth/node-authorizer.ts'
import type { AdmissionAttributes, AdmissionPlugin, Reader } from '../seams.ts'
import { forbidden } from './forbidden.ts'

const MIRROR_POD = 'kubernetes.io/config.mirror'
/** k8s: kubelet/pkg/apis well_known_labels.go */
const KUBELET_LABELS = new Set([
  'kubernetes.io/hostname', 'topology.kubernetes.io/zone', 'topology.kubernetes.io/region', 'failure-domain.beta.kubernetes.io/zone', 'failure-domain.beta.kubernetes.io/region',
  'node.kubernetes.io/instance-type', 'kubernetes.io/os', 'kubernetes.io/arch', 'beta.kubernetes.io/instance-type', 'beta.kubernetes.io/os', 'beta.kubernetes.io/arch', 'node.kubernetes.io/windows-build',
])
const KUBELET_LABEL_DOMAINS = ['kubelet.kubernetes.io', 'node.kubernetes.io']

/** Kubelets only write what concerns their own node. k8s: plugin/pkg/admission/noderestriction */
export const nodeRestriction: AdmissionPlugin = {
  name: 'NodeRestriction',
  mutate(attributes, { reader }) {
    const nodeName = nodeNameOf(attributes.user)
    if (nodeName === undefined) return
    if (nodeName === '') throw forbidden(attributes, `could not determine node from user ${JSON.stringify(attributes.user.name)}`)
    const problem = problemOf(nodeName, attributes, reader)
    if (problem !== undefined) throw forbidden(attributes, problem)
  },
}

function problemOf(nodeName: string, attributes: AdmissionAttributes, reader: Reader): string | undefined {
  const { kind, subresource, operation, object } = attributes
  const node = JSON.stringify(nodeName)
  switch (kind.group ? `${kind.resource}.${kind.group}` : kind.resource) {
    case 'pods': return podProblem(nodeName, attributes, reader)
    case 'nodes': return nodeProblem(nodeName, attributes)
    case 'persistentvolumeclaims': {
      if (subresource !== 'status') return 'may only update PVC status'
      if (operation !== 'UPDATE') return `unexpected operation ${JSON.stringify(operation)}`
      const bare = (claim: PersistentVolumeClaim) => {
        const { resourceVersion: _r, managedFields: _m, ...metadata } = claim.metadata
        const { capacity: _c, conditions: _d, allocatedResources: _a, allocatedResourceStatuses: _s, ...status } = claim.status ?? {}
        return { ...claim, metadata, status }
      }
      return deepEqual(bare(object as PersistentVolumeClaim), bare(attributes.oldObject as PersistentVolumeClaim)) ? undefined : `node ${node} is not allowed to update fields other than status.quantity and status.conditions`
    }
    case 'serviceaccounts': return tokenProblem(nodeName, attributes, reader)
    case 'leases.coordination.k8s.io':
      if (attributes.namespace !== 'kube-node-lease') return 'can only access leases in the "kube-node-lease" system namespace'
      if (operation === 'CREATE') return object!.metadata.name === nodeName ? undefined : 'can only access node lease with the same name as the requesting node'
      return attributes.name === nodeName ? undefined : 'can only access node lease with the same name as the requesting node'
    case 'csinodes.storage.k8s.io':
      return (operation === 'CREATE' ? object!.metadata.name : attributes.name) === nodeName ? undefined : 'can only access CSINode with the same name as the requesting node'
    default: return undefined
  }
}

function podProblem(nodeName: string, attributes: AdmissionAttributes, reader: Reader): string | undefined {
  const { operation, subresource, namespace, name } = attributes
  const node = JSON.stringify(nodeName)
  const existing = () => {
    const pod = reader.get<Pod>('pods', namespace, name)
    if (!pod) throw apiError.notFound({ group: '', resource: 'pods' }, name)
    return pod
  }
  switch (subresource) {
    case '':
      if (operation === 'CREATE') return mirrorPodProblem(nodeName, attributes, reader)
      if (operation === 'DELETE') return existing().spec.nodeName === nodeName ? undefined : `node ${node} can only delete pods with spec.nodeName set to itself`
      return `unexpected operation ${JSON.stringify(operation)}, node ${node} can only create and delete mirror pods`
    case 'status': {
      if (operation !== 'UPDATE') return `unexpected operation ${JSON.stringify(operation)}`
      const old = attributes.oldObject as Pod
      const pod = attributes.object as Pod
      if (old.spec.nodeName !== nodeName) return `node ${node} can only update pod status for pods with spec.nodeName set to itself`
      if (!deepEqual(old.metadata.labels ?? {}, pod.metadata.labels ?? {})) return `node ${node} cannot update labels through pod status`
      if (!deepEqual(old.status?.resourceClaimStatuses ?? [], pod.status?.resourceClaimStatuses ?? [])) return `node ${node} cannot update resource claim statues`
      return undefined
    }
    case 'eviction':
      if (operation !== 'CREATE') return `unexpected operation ${operation}`
      return existing().spec.nodeName === nodeName ? undefined : `node ${nodeName} can only evict pods with spec.nodeName set to itself`
    default: return `unexpected pod subresource ${JSON.stringify(subresource)}, only 'status' and 'eviction' are allowed`
  }
}

function mirrorPodProblem(nodeName: string, attributes: AdmissionAttributes, reader: Reader): string | undefined {
  const pod = attributes.object as Pod
  const node = JSON.stringify(nodeName)
  if (pod.metadata.annotations?.[MIRROR_POD] === undefined) return `pod does not have "${MIRROR_POD}" annotation, node ${node} can only create mirror pods`
  if (pod.spec.nodeName !== nodeName) return `node ${node} can only create pods with spec.nodeName set to itself`
  const owners = pod.metadata.ownerReferences ?? []
  if (owners.length > 1) return `node ${node} can only create pods with a single owner reference set to itself`
  const owner = owners[0]
  if (!owner || owner.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== nodeName) return `node ${node} can only create pods with an owner reference set to itself`
  if (!owner.controller) return `node ${node} can only create pods with a controller owner reference set to itself`
  if (owner.blockOwnerDeletion) return `node ${node} must not set blockOwnerDeletion on an owner reference`
  const existing = reader.get<Node>('nodes', undefined, nodeName)
  if (!existing) throw apiError.notFound({ group: '', resource: 'nodes' }, nodeName)
  if (owner.uid !== existing.metadata.uid) return `node ${nodeName} UID mismatch: expected ${owner.uid} got ${existing.metadata.uid}`
  const referenced = referencedResource(pod)
  return referenced ? `node ${node} can not create pods that reference ${referenced}` : undefined
}

/** k8s: pkg/api/pod HasAPIObjectReference */
function referencedResource(pod: Pod): string | undefined {
  const { spec } = pod
  if (spec.serviceAccountName) return 'serviceaccounts'
  const containers = [...spec.initContainers ?? [], ...spec.containers, ...spec.ephemeralContainers ?? []]
  const volumes = spec.volumes ?? []
  if (spec.imagePullSecrets?.length || volumes.some((v) => v.secret || v.projected?.sources?.some((s) => s.secret)) || containers.some((c) => c.env?.some((e) => e.valueFrom?.secretKeyRef) || c.envFrom?.some((e) => e.secretRef))) return 'secrets'
  if (volumes.some((v) => v.configMap || v.projected?.sources?.some((s) => s.configMap)) || containers.some((c) => c.env?.some((e) => e.valueFrom?.configMapKeyRef) || c.envFrom?.some((e) => e.configMapRef))) return 'configmaps'
  if (volumes.some((v) => v.persistentVolumeClaim || v.ephemeral)) return 'persistentvolumeclaims'
  if (volumes.some((v) => v.projected?.sources?.some((s) => s.serviceAccountToken))) return 'serviceaccounts'
  return spec.resourceClaims?.length ? 'resourceclaims' : undefined
}

function nodeProblem(nodeName: string, attributes: AdmissionAttributes): string | undefined {
  const { operation, object } = attributes
  const node = JSON.stringify(nodeName)
  const requested = attributes.name || object?.metadata.name || ''
  if (requested !== nodeName) return `node ${node} is not allowed to modify node ${JSON.stringify(requested)}`
  if (operation === 'CREATE') {
    if ((object as Node).spec?.configSource) return `node ${node} is not allowed to create pods with a non-nil configSource`
    const labels = forbiddenLabels(object!.metadata.labels ?? {}, {})
    return labels.length > 0 ? `node ${node} is not allowed to set the following labels: ${labels.join(', ')}` : undefined
  }
  if (operation !== 'UPDATE') return undefined
  const now = object as Node
  const old = attributes.oldObject as Node
  // Old kubelets may leave it out of a status.
  if (now.spec?.configSource && !deepEqual(now.spec.configSource, old.spec?.configSource)) return `node ${node} is not allowed to update configSource to a new non-nil configSource`
  if (!deepEqual(now.spec?.taints ?? [], old.spec?.taints ?? [])) return `node ${node} is not allowed to modify taints`
  if (!deepEqual(now.metadata.ownerReferences ?? [], old.metadata.ownerReferences ?? [])) return `node ${node} is not allowed to modify ownerReferences`
  const labels = forbiddenLabels(now.metadata.labels ?? {}, old.metadata.labels ?? {})
  return labels.length > 0 ? `is not allowed to modify labels: ${labels.join(', ')}` : undefined
}

function forbiddenLabels(now: Record<string, string>, old: Record<string, string>): string[] {
  const changed = [...new Set([...Object.keys(now), ...Object.keys(old)])].filter((key) => now[key] !== old[key])
  return changed.filter((key) => {
    const domain = key.includes('/') ? key.slice(0, key.indexOf('/')) : ''
    const within = (parent: string) => domain === parent || domain.endsWith(`.${parent}`)
    if (within('node-restriction.kubernetes.io')) return true
    return (within('kubernetes.io') || within('k8s.io')) && !KUBELET_LABELS.has(key) && !KUBELET_LABEL_DOMAINS.some(within)
  }).sort()
}

function tokenProblem(nodeName: string, attributes: AdmissionAttributes, reader: Reader): string | undefined {
  if (attributes.operation !== 'CREATE' || attributes.subresource !== 'token') return undefined
  const ref = (attributes.object!.spec as { boundObjectRef?: { apiVersion?: string; kind?: string; name?: string; uid?: string } } | undefined)?.boundObjectRef
  if (!ref || ref.apiVersion !== 'v1' || ref.kind !== 'Pod' || !ref.name) return 'node requested token not bound to a pod'
  if (!ref.uid) return 'node requested token with a pod binding without a uid'
  const pod = reader.get<Pod>('pods', attributes.namespace, ref.name)
  if (!pod) throw apiError.notFound({ group: '', resource: 'pods' }, ref.name)
  if (ref.uid !== pod.metadata.uid) return `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`
  return pod.spec.nodeName === nodeName ? undefined : 'node requested token bound to a pod scheduled on a different node'
}
