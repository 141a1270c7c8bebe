import { deepFreeze } from '../../base/freeze.ts'
import type { Kind } from '../kinds/kind.ts'
import { resourceRef, type KubeObject } from '../kinds/object.ts'
import type { GroupResource } from '../kinds/status-error.ts'
import type { ResourceStore } from './resource-store.ts'

/** One served version of a stored resource. */
export class Endpoint {
  readonly kind: Kind
  readonly store: ResourceStore
  readonly apiVersion: string
  readonly groupResource: GroupResource
  /** Objects need no change between store and this version. */
  readonly isStorageVersion: boolean
  readonly #converted = new WeakMap<object, KubeObject>()

  constructor(kind: Kind, store: ResourceStore) {
    this.kind = kind
    this.store = store
    this.apiVersion = kind.group ? `${kind.group}/${kind.version}` : kind.version
    this.groupResource = { group: kind.group, resource: kind.resource }
    this.isStorageVersion = kind.version === store.kind.version && kind.group === store.kind.group
  }

  get ref(): string {
    return resourceRef(this.kind.resource, this.kind.group)
  }

  /** The stored object in this version (frozen). */
  fromStorage(object: KubeObject): KubeObject {
    if (this.isStorageVersion) return object
    let converted = this.#converted.get(object)
    if (!converted) {
      converted = deepFreeze(this.kind.convert ? this.kind.convert.fromStorage(object) as KubeObject : { ...object, apiVersion: this.apiVersion })
      this.#converted.set(object, converted)
    }
    return converted
  }

  /** A draft in this version as the store holds it. */
  toStorage(draft: KubeObject): KubeObject {
    if (this.isStorageVersion) return draft
    if (this.kind.convert) return this.kind.convert.toStorage(draft)
    const storageKind = this.store.kind
    return { ...draft, apiVersion: storageKind.group ? `${storageKind.group}/${storageKind.version}` : storageKind.version, kind: storageKind.kind }
  }
}
