import type { Kind } from '../../kinds/kind.ts'
import type { AdmissionAttributes, GroupVersionKind } from '../seams.ts'
import { objectKindOf } from './admission-version.ts'

interface GroupVersionResource {
  group: string
  version: string
  resource: string
}

/** What webhooks and expressions are told of a request besides its objects and options. k8s: admission/v1 AdmissionRequest */
export interface AdmissionRequestFacts {
  kind: GroupVersionKind
  resource: GroupVersionResource
  subResource?: string
  requestKind: GroupVersionKind
  requestResource: GroupVersionResource
  requestSubResource?: string
  name?: string
  namespace?: string
  operation: string
  userInfo: { username: string; uid?: string; groups?: readonly string[]; extra?: Readonly<Record<string, readonly string[]>> }
  dryRun: boolean
}

/** `version`: the one that was wanted, which the request's own may differ from. k8s: webhook/request CreateV1AdmissionReview, plugin/cel CreateAdmissionRequest */
export function admissionRequest({ kind, objectKind, subresource, name, namespace, operation, user, dryRun }: AdmissionAttributes, version: Kind): AdmissionRequestFacts {
  // A Namespace counts as being in itself.
  const place = kind.group === '' && kind.resource === 'namespaces' ? name : namespace
  return {
    kind: objectKindOf(version, subresource), resource: resourceOf(version), ...(subresource ? { subResource: subresource } : {}),
    requestKind: objectKind, requestResource: resourceOf(kind), ...(subresource ? { requestSubResource: subresource } : {}),
    ...(name ? { name } : {}), ...(place ? { namespace: place } : {}), operation,
    userInfo: { username: user.name, ...(user.uid ? { uid: user.uid } : {}), ...(user.groups.length > 0 ? { groups: user.groups } : {}), ...(user.extra && Object.keys(user.extra).length > 0 ? { extra: user.extra } : {}) },
    dryRun,
  }
}

function resourceOf({ group, version, resource }: Kind): GroupVersionResource {
  return { group, version, resource }
}
