import type { KubeObject } from '../../kinds/object.ts'
import type { Pod, PersistentVolume, PersistentVolumeClaim, Volume } from '../../kinds/generated/types.ts'
import { secretNamesOf } from '../../kinds/core/pod-secrets.ts'
import type { AuthorizationAttributes, Authorizer, Decision, Reader, UserInfo } from '../seams.ts'
import { nodeRules } from '../bootstrap/node-rules.ts'
import { ruleAllows } from './rbac-rules.ts'

const NODE_USER_PREFIX = 'system:node:'
const ALLOWED: Decision = Object.freeze({ allowed: true })
const NO_OPINION: Decision = Object.freeze({ allowed: false })
const no = (reason: string): Decision => ({ allowed: false, reason })

/** The node that a user is, if it is one. k8s: pkg/auth/nodeidentifier */
export function nodeNameOf(user: UserInfo): string | undefined {
  return user.name.startsWith(NODE_USER_PREFIX) && user.groups.includes('system:nodes') ? user.name.slice(NODE_USER_PREFIX.length) : undefined
}

/**
 * What kubelets may do: read what the Pods bound to their node need, and write about themselves. k8s: plugin/pkg/auth/authorizer/node
 * differs: the graph is not kept; the Pods of a node are, and are searched when asked (there are at most a few hundred).
 */
export class NodeAuthorizer implements Authorizer {
  readonly #reader: Reader
  #podsByNode: Map<string, Map<string, Pod>> | undefined

  constructor(reader: Reader) {
    this.#reader = reader
    reader.onChange('pods', ({ object, old }) => {
      if (!this.#podsByNode) return
      if (old) this.#podsByNode.get((old as Pod).spec.nodeName ?? '')?.delete(keyOf(old))
      if (object) this.#add(object as Pod)
    })
  }

  authorize(attributes: AuthorizationAttributes): Decision {
    const nodeName = nodeNameOf(attributes.user)
    if (nodeName === undefined) return NO_OPINION
    if (nodeName === '') return no(`unknown node for user ${JSON.stringify(attributes.user.name)}`)
    if (attributes.resourceRequest) {
      const decision = this.#resource(nodeName, attributes)
      if (decision) return decision
    }
    return nodeRules.some((rule) => ruleAllows(rule, attributes)) ? ALLOWED : NO_OPINION
  }

  /** Undefined: the static rules decide. */
  #resource(nodeName: string, a: AuthorizationAttributes): Decision | undefined {
    switch (a.group ? `${a.resource}.${a.group}` : a.resource) {
      case 'secrets': return this.#readNamespaced(nodeName, a, (pod) => secretNamesOf(pod).includes(a.name) || this.#volumeSecretsOf(pod).includes(`${a.namespace}/${a.name}`))
      case 'configmaps': return this.#readNamespaced(nodeName, a, (pod) => configMapsOf(pod).includes(a.name))
      case 'persistentvolumeclaims':
        if (a.subresource === 'status') {
          if (a.verb !== 'update' && a.verb !== 'patch') return no('can only get/update/patch this type')
          return this.#related(nodeName, a, (pod) => claimsOf(pod).includes(a.name))
        }
        return this.#get(nodeName, a, (pod) => claimsOf(pod).includes(a.name))
      case 'persistentvolumes': return this.#get(nodeName, a, (pod) => claimsOf(pod).some((claim) => this.#volumeOf(pod, claim) === a.name))
      case 'resourceclaims.resource.k8s.io': return this.#get(nodeName, a, (pod) => resourceClaimsOf(pod).includes(a.name))
      case 'volumeattachments.storage.k8s.io': {
        if (a.verb !== 'get') return no('can only get individual resources of this type')
        if (a.subresource !== '') return no('cannot get subresource')
        const attachment = this.#reader.get(a.resource + '.' + a.group, undefined, a.name)
        return attachment?.spec.nodeName === nodeName ? ALLOWED : unrelated(nodeName)
      }
      case 'serviceaccounts': {
        const uses = (pod: Pod) => pod.spec.serviceAccountName === a.name
        if (a.verb === 'get' && a.subresource === '') return this.#readNamespaced(nodeName, a, uses)
        if (a.verb !== 'create' || a.name === '') return no('can only create tokens for individual service accounts')
        if (a.subresource !== 'token') return no('can only create token subresource of serviceaccount')
        return this.#related(nodeName, a, uses)
      }
      case 'leases.coordination.k8s.io':
        if (!['get', 'create', 'update', 'patch', 'delete'].includes(a.verb)) return no('can only get, create, update, patch, or delete a node lease')
        if (a.namespace !== 'kube-node-lease') return no('can only access leases in the "kube-node-lease" system namespace')
        if (a.verb !== 'create' && a.name !== nodeName) return no('can only access node lease with the same name as the requesting node')
        return ALLOWED
      case 'csinodes.storage.k8s.io':
        if (!['get', 'create', 'update', 'patch', 'delete'].includes(a.verb)) return no('can only get, create, update, patch, or delete a CSINode')
        if (a.subresource !== '') return no('cannot authorize CSINode subresources')
        if (a.verb !== 'create' && a.name !== nodeName) return no('can only access CSINode with the same name as the requesting node')
        return ALLOWED
      case 'resourceslices.resource.k8s.io':
        if (a.subresource !== '') return no('cannot authorize ResourceSlice subresources')
        if (a.verb === 'create') return ALLOWED
        if (['list', 'watch', 'deletecollection'].includes(a.verb))
          return selects(a.fieldSelector, 'spec.nodeName', nodeName) ? ALLOWED : no('can only list/watch/deletecollection resourceslices with nodeName field selector')
        return this.#reader.get('resourceslices.resource.k8s.io', undefined, a.name)?.spec.nodeName === nodeName ? ALLOWED : unrelated(nodeName)
      case 'nodes': return ownNode(nodeName, a)
      case 'pods': return this.#pod(nodeName, a)
      default: return undefined
    }
  }

  #pod(nodeName: string, a: AuthorizationAttributes): Decision {
    const isThat = (pod: Pod) => pod.metadata.name === a.name
    switch (a.subresource) {
      case '':
        if (a.verb === 'get') return this.#get(nodeName, a, isThat)
        if (a.verb === 'list' || a.verb === 'watch') {
          if (selects(a.fieldSelector, 'spec.nodeName', nodeName)) return ALLOWED
          if (a.name !== '') return this.#related(nodeName, a, isThat)
          return no('can only list/watch pods with spec.nodeName field selector')
        }
        return a.verb === 'create' || a.verb === 'delete' ? ALLOWED : NO_OPINION
      case 'status': return a.verb === 'update' || a.verb === 'patch' ? ALLOWED : NO_OPINION
      case 'eviction': return a.verb === 'create' ? ALLOWED : NO_OPINION
      default: return NO_OPINION
    }
  }

  #readNamespaced(nodeName: string, a: AuthorizationAttributes, relates: (pod: Pod) => boolean): Decision {
    if (!['get', 'list', 'watch'].includes(a.verb)) return no('can only read resources of this type')
    if (a.subresource !== '') return no('cannot read subresource')
    if (a.namespace === '') return no('can only read namespaced object of this type')
    return this.#related(nodeName, a, relates)
  }

  #get(nodeName: string, a: AuthorizationAttributes, relates: (pod: Pod) => boolean): Decision {
    if (a.verb !== 'get') return no('can only get individual resources of this type')
    if (a.subresource !== '') return no('cannot get subresource')
    return this.#related(nodeName, a, relates)
  }

  #related(nodeName: string, a: AuthorizationAttributes, relates: (pod: Pod) => boolean): Decision {
    if (a.name === '') return no('No Object name found')
    for (const pod of this.#podsOn(nodeName).values())
      if ((a.namespace === '' || pod.metadata.namespace === a.namespace) && relates(pod)) return ALLOWED
    return unrelated(nodeName)
  }

  #podsOn(nodeName: string): ReadonlyMap<string, Pod> {
    if (!this.#podsByNode) {
      this.#podsByNode = new Map()
      for (const pod of this.#reader.list<Pod>('pods')) this.#add(pod)
    }
    return this.#podsByNode.get(nodeName) ?? new Map()
  }

  #add(pod: Pod): void {
    const nodeName = pod.spec.nodeName
    if (!nodeName) return
    let pods = this.#podsByNode!.get(nodeName)
    if (!pods) this.#podsByNode!.set(nodeName, pods = new Map())
    pods.set(keyOf(pod), pod)
  }

  #volumeOf(pod: Pod, claim: string): string | undefined {
    return this.#reader.get<PersistentVolumeClaim>('persistentvolumeclaims', pod.metadata.namespace, claim)?.spec?.volumeName
  }

  /** Secrets that the volumes behind a Pod's claims need, as namespace/name. */
  #volumeSecretsOf(pod: Pod): string[] {
    return claimsOf(pod).flatMap((claim) => {
      const name = this.#volumeOf(pod, claim)
      const spec = name ? this.#reader.get<PersistentVolume>('persistentvolumes', undefined, name)?.spec : undefined
      if (!spec) return []
      const refs = [spec.csi?.controllerPublishSecretRef, spec.csi?.nodePublishSecretRef, spec.csi?.nodeStageSecretRef, spec.csi?.nodeExpandSecretRef, spec.rbd?.secretRef, spec.iscsi?.secretRef, spec.cephfs?.secretRef, spec.flexVolume?.secretRef]
      return refs.flatMap((ref) => ref?.name ? [`${ref.namespace ?? pod.metadata.namespace}/${ref.name}`] : [])
    })
  }
}

function ownNode(nodeName: string, a: AuthorizationAttributes): Decision {
  if (a.subresource === 'status') return a.verb === 'update' || a.verb === 'patch' ? ALLOWED : NO_OPINION
  if (a.subresource !== '') return NO_OPINION
  if (['create', 'update', 'patch'].includes(a.verb)) return ALLOWED
  if (!['get', 'list', 'watch'].includes(a.verb)) return NO_OPINION
  const asked = a.name || selectedName(a.fieldSelector)
  if (asked === nodeName) return ALLOWED
  return asked === '' ? no(`node '${nodeName}' cannot read all nodes, only its own Node object`) : no(`node '${nodeName}' cannot read '${asked}', only its own Node object`)
}

const unrelated = (nodeName: string) => no(`no relationship found between node '${nodeName}' and this object`)
const keyOf = (object: KubeObject) => `${object.metadata.namespace}/${object.metadata.name}`

function selects(fieldSelector: string | undefined, field: string, value: string): boolean {
  return fieldSelector?.split(',').some((term) => term === `${field}=${value}` || term === `${field}==${value}`) === true
}

/** k8s: RequestInfo takes the name from a metadata.name selector for lists and watches. */
function selectedName(fieldSelector: string | undefined): string {
  return /(?:^|,)metadata\.name==?([^,]+)/.exec(fieldSelector ?? '')?.[1] ?? ''
}

function containersOf(pod: Pod) {
  return [...pod.spec.initContainers ?? [], ...pod.spec.containers, ...pod.spec.ephemeralContainers ?? []]
}

function projectedSources(volume: Volume) {
  return volume.projected?.sources ?? []
}

function configMapsOf(pod: Pod): string[] {
  const out: (string | undefined)[] = []
  for (const container of containersOf(pod)) {
    for (const env of container.env ?? []) out.push(env.valueFrom?.configMapKeyRef?.name)
    for (const source of container.envFrom ?? []) out.push(source.configMapRef?.name)
  }
  for (const volume of pod.spec.volumes ?? []) {
    out.push(volume.configMap?.name)
    for (const source of projectedSources(volume)) out.push(source.configMap?.name)
  }
  return out.filter((name): name is string => Boolean(name))
}

function claimsOf(pod: Pod): string[] {
  return (pod.spec.volumes ?? []).flatMap((volume) => volume.persistentVolumeClaim ? [volume.persistentVolumeClaim.claimName] : volume.ephemeral ? [`${pod.metadata.name}-${volume.name}`] : [])
}

function resourceClaimsOf(pod: Pod): string[] {
  const statuses = pod.status?.resourceClaimStatuses ?? []
  const extended = pod.status?.extendedResourceClaimStatus?.resourceClaimName
  const named = (pod.spec.resourceClaims ?? []).flatMap((claim) => [claim.resourceClaimName, statuses.find((s) => s.name === claim.name)?.resourceClaimName])
  return [...named, extended].filter((n): n is string => Boolean(n))
}
