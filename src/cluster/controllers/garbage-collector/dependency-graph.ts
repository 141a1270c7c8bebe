import type { KubeObject, OwnerReference, ResourceRef } from '../../kinds/object.ts'

export const FOREGROUND = 'foregroundDeletion'
export const ORPHAN = 'orphan'

/** What the graph knows of an object. k8s: pkg/controller/garbagecollector node */
export interface GraphNode {
  uid: string
  apiVersion: string
  kind: string
  /** Undefined for a virtual node whose kind isn't served. */
  resource: ResourceRef | undefined
  namespace: string
  name: string
  owners: readonly OwnerReference[]
  /** Objects that name this one as owner. */
  readonly dependents: Set<string>
  /** Known only from a dependent's reference. */
  virtual: boolean
  /** Is being deleted. */
  dying: boolean
  /** Is being deleted and waits for its dependents. */
  deletingDependents: boolean
}

export interface GraphListener {
  /** The node may have lost its reason to be. */
  attemptDelete(node: GraphNode): void
  /** The node is being deleted and leaves its dependents behind. */
  attemptOrphan(node: GraphNode): void
}

/** Who owns whom, fed by changes of every resource. k8s: GraphBuilder */
export class DependencyGraph {
  readonly #nodes = new Map<string, GraphNode>()
  readonly #listener: GraphListener
  readonly #resourceOf: (apiVersion: string, kind: string) => { ref: ResourceRef; namespaced: boolean } | undefined

  constructor(listener: GraphListener, resourceOf: (apiVersion: string, kind: string) => { ref: ResourceRef; namespaced: boolean } | undefined) {
    this.#listener = listener
    this.#resourceOf = resourceOf
  }

  get(uid: string): GraphNode | undefined {
    return this.#nodes.get(uid)
  }

  dependentsOf(node: GraphNode): GraphNode[] {
    return [...node.dependents].map((uid) => this.#nodes.get(uid)).filter((dependent) => dependent !== undefined)
  }

  /** An object exists (now, or still). */
  observe(resource: ResourceRef, object: KubeObject): void {
    const { uid, namespace = '', name, ownerReferences = NO_OWNERS, deletionTimestamp, finalizers } = object.metadata
    let node = this.#nodes.get(uid!)
    const isNew = !node
    const wasVirtual = node?.virtual ?? false
    if (!node) {
      // Objects without owners and, so far, dependents are most of all: they cost one entry.
      node = { uid: uid!, apiVersion: object.apiVersion, kind: object.kind, resource, namespace, name: name!, owners: NO_OWNERS, dependents: new Set(), virtual: false, dying: false, deletingDependents: false }
      this.#nodes.set(uid!, node)
    } else if (node.virtual) {
      // The reference may have had the place wrong: dependents elsewhere have no such owner.
      const moved = node.namespace !== namespace || node.name !== name || node.kind !== object.kind
      Object.assign(node, { apiVersion: object.apiVersion, kind: object.kind, resource, namespace, name, virtual: false })
      if (moved) for (const dependent of this.dependentsOf(node)) this.#listener.attemptDelete(dependent)
    }
    const before = node.owners
    if (before !== ownerReferences && (before.length > 0 || ownerReferences.length > 0)) this.#setOwners(node, ownerReferences, isNew || wasVirtual)
    const dying = deletionTimestamp !== undefined
    node.dying = dying
    if (dying && finalizers?.includes(ORPHAN)) this.#listener.attemptOrphan(node)
    const waits = dying && (finalizers?.includes(FOREGROUND) ?? false)
    if (waits && !node.deletingDependents) {
      node.deletingDependents = true
      for (const dependent of this.dependentsOf(node)) this.#listener.attemptDelete(dependent)
      this.#listener.attemptDelete(node)
    }
  }

  /** An object is gone (or was never there: virtual nodes). */
  remove(uid: string): void {
    const node = this.#nodes.get(uid)
    if (!node) return
    this.#nodes.delete(uid)
    for (const { uid: ownerUid } of node.owners) {
      const owner = this.#nodes.get(ownerUid)
      if (!owner) continue
      owner.dependents.delete(uid)
      if (owner.deletingDependents) this.#listener.attemptDelete(owner)
      else if (owner.virtual && owner.dependents.size === 0) this.#nodes.delete(ownerUid)
    }
    for (const dependentUid of node.dependents) {
      const dependent = this.#nodes.get(dependentUid)
      if (dependent) this.#listener.attemptDelete(dependent)
    }
  }

  #setOwners(node: GraphNode, owners: readonly OwnerReference[], fresh: boolean): void {
    const before = node.owners
    node.owners = owners
    for (const old of before) {
      const now = owners.find((owner) => owner.uid === old.uid)
      const owner = this.#nodes.get(old.uid)
      if (!now) owner?.dependents.delete(node.uid)
      // Who stops blocking (or leaves) an owner that waits lets it go on.
      if (owner?.deletingDependents && (!now || (old.blockOwnerDeletion && !now.blockOwnerDeletion))) this.#listener.attemptDelete(owner)
    }
    let uncertain = false
    for (const reference of owners) {
      const owner = this.#nodes.get(reference.uid)
      if (owner) {
        owner.dependents.add(node.uid)
        if (owner.virtual || owner.kind !== reference.kind || owner.name !== reference.name || (owner.namespace !== '' && owner.namespace !== node.namespace)) uncertain = true
        if (owner.deletingDependents && !fresh) this.#listener.attemptDelete(node)
        continue
      }
      const resource = this.#resourceOf(reference.apiVersion, reference.kind)
      const virtual: GraphNode = {
        uid: reference.uid, apiVersion: reference.apiVersion, kind: reference.kind, resource: resource?.ref, namespace: resource?.namespaced === false ? '' : node.namespace,
        name: reference.name, owners: NO_OWNERS, dependents: new Set([node.uid]), virtual: true, dying: false, deletingDependents: false,
      }
      this.#nodes.set(reference.uid, virtual)
      uncertain = true
    }
    // Nobody has seen one of the owners: it has to be looked for.
    if (uncertain || (!fresh && before.length > owners.length)) this.#listener.attemptDelete(node)
  }
}

const NO_OWNERS: readonly OwnerReference[] = Object.freeze([])
