import { deepFreeze } from '../../base/freeze.ts'
import type { Kind } from '../kinds/kind.ts'
import { resourceRef, type KubeObject } from '../kinds/object.ts'
import type { GroupResource } from '../kinds/status-error.ts'
import type { ResourceStore } from './resource-store.ts'

/**
 * One served version of a stored resource. The registry works on objects in the hub version: for built-in kinds the one that etcd holds,
 * for custom resources the served one.
 */
export class Endpoint {
  readonly kind: Kind
  readonly store: ResourceStore
  readonly apiVersion: string
  readonly groupResource: GroupResource
  /** Objects need no change between store and this version. */
  readonly isStorageVersion: boolean
  /** The kind whose strategy and validation apply: the hub version's. */
  readonly rules: Kind
  readonly #converted = new WeakMap<object, KubeObject>()

  constructor(kind: Kind, store: ResourceStore) {
    this.kind = kind
    this.store = store
    this.apiVersion = kind.group ? `${kind.group}/${kind.version}` : kind.version
    this.groupResource = { group: kind.group, resource: kind.resource }
    this.rules = kind.custom ? kind : kind.ownRules ? { ...store.kind, ...kind.ownRules } : store.kind
    this.isStorageVersion = !kind.custom && kind.version === store.kind.version && kind.group === store.kind.group
  }

  get ref(): string {
    return resourceRef(this.kind.resource, this.kind.group)
  }

  /**
   * Brings stored objects into this version where only a webhook can; {@link fromStorage} answers from there on.
   * Undefined when there is nothing to wait for. @throws StatusError when the webhook fails
   */
  ready(stored: readonly (KubeObject | undefined)[]): Promise<void> | undefined {
    const { custom } = this.kind
    if (!custom) return undefined
    const missing = stored.filter((object): object is KubeObject => object !== undefined && !this.#converted.has(object) && custom.needsWebhook(object))
    if (missing.length === 0) return undefined
    return custom.convert(missing).then((converted) => {
      for (const [i, object] of missing.entries()) this.#converted.set(object, deepFreeze(converted[i]!))
    })
  }

  /** The stored object in this version (frozen). */
  fromStorage(object: KubeObject): KubeObject {
    if (this.isStorageVersion) return object
    let converted = this.#converted.get(object)
    if (!converted) {
      converted = deepFreeze(this.#convert(object))
      // What only the webhook can convert is no more than looked at here.
      if (!this.kind.custom?.needsWebhook(object)) this.#converted.set(object, converted)
    }
    return converted
  }

  /** Whether {@link ready} may have to wait. */
  get convertsByWebhook(): boolean {
    return this.kind.custom?.usesWebhook === true
  }

  /** The stored object in the hub version (frozen). */
  inHub(stored: KubeObject): KubeObject {
    return this.kind.custom ? this.fromStorage(stored) : stored
  }

  /** An object of the hub version in this version. */
  fromHub(object: KubeObject): KubeObject {
    return this.kind.custom ? object : this.fromStorage(object)
  }

  /** A draft of this version in the hub version. */
  toHub(draft: KubeObject): KubeObject {
    if (this.isStorageVersion || this.kind.custom) return draft
    if (this.kind.convert) return this.kind.convert.toStorage(draft)
    const storageKind = this.store.kind
    return { ...draft, apiVersion: storageKind.group ? `${storageKind.group}/${storageKind.version}` : storageKind.version, kind: storageKind.kind }
  }

  /** A draft of the hub version as etcd holds it. */
  toStorage(draft: KubeObject): KubeObject | Promise<KubeObject> {
    return this.kind.custom ? this.kind.custom.store(draft) : draft
  }

  #convert(object: KubeObject): KubeObject {
    if (this.kind.custom) return this.kind.custom.read(object)
    return this.kind.convert ? this.kind.convert.fromStorage(object) as KubeObject : { ...object, apiVersion: this.apiVersion }
  }
}
