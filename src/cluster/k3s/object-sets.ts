import { sha1 } from '@noble/hashes/legacy.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import type { Api } from '../client/api.ts'
import type { JsonClient } from '../client/json-client.ts'
import type { ResourceDirectory } from '../controllers/resource-directory.ts'
import type { KubeObject } from '../kinds/object.ts'
import { isStatusError } from '../kinds/status-error.ts'

/** Whose objects a set is made of. */
export interface SetOwner {
  apiVersion: string
  kind: string
  namespace: string
  name: string
}

/** A kind of objects, as sets remember what they may have to take away. */
export type KindRef = Pick<KubeObject, 'apiVersion' | 'kind'>

export interface ObjectSetsOptions {
  client: JsonClient
  api: Api
  directory: ResourceDirectory
  /** Who writes. */
  fieldManager: string
}

const PREFIX = 'objectset.rio.cattle.io'
const HASH_LABEL = `${PREFIX}/hash`
/** What others are put into has to be there first. */
const FIRST = ['Namespace', 'CustomResourceDefinition']

/**
 * Keeps the objects that belong to something (a manifest, a chart) as they should be, and takes away those that no longer do. They are found by a label.
 * k8s: rancher/wrangler pkg/apply
 */
// differs: objects are applied on the server, where the original merges three ways and keeps what it applied last in an annotation
export class ObjectSets {
  readonly #options: ObjectSetsOptions

  constructor(options: ObjectSetsOptions) {
    this.#options = options
  }

  /**
   * Puts all objects of a set in place.
   * @param setId tells several sets of one owner apart
   * @param kinds what else the set may have had objects of
   * @throws StatusError; Error for a kind that isn't served
   */
  async apply(owner: SetOwner, setId: string, objects: readonly KubeObject[], kinds: readonly KindRef[] = []): Promise<void> {
    const { client, fieldManager } = this.#options
    const { marks, hash } = marksOf(owner, setId)
    const wanted = new Set<string>()
    const rank = ({ kind }: KubeObject) => FIRST.includes(kind) ? 0 : 1
    for (const object of [...objects].sort((a, b) => rank(a) - rank(b))) {
      const served = this.#served(object)
      const { name, annotations, labels } = object.metadata
      const namespace = served.namespaced ? object.metadata.namespace ?? owner.namespace : undefined
      const marked = { ...object, metadata: { ...object.metadata, ...(namespace ? { namespace } : {}), annotations: { ...annotations, ...marks }, labels: { ...labels, [HASH_LABEL]: hash } } }
      await client.apply(pathOf(object.apiVersion, served.resource, namespace, name!), marked, fieldManager)
      wanted.add(`${served.ref} ${namespace ?? ''}/${name}`)
    }
    await this.#prune(hash, wanted, [...kinds, ...objects])
  }

  /**
   * Lets a set's objects go: they stay as they are, but no set takes them away any more.
   * @param marksOfNext what labels and annotations they get instead
   * @throws StatusError
   */
  async release(owner: SetOwner, setId: string, kinds: readonly KindRef[], marksOfNext: (object: KubeObject) => Pick<KubeObject['metadata'], 'annotations' | 'labels'>): Promise<void> {
    const { api, fieldManager } = this.#options
    const { marks, hash } = marksOf(owner, setId)
    for await (const { ref, object } of this.#members(hash, kinds)) {
      const { annotations, labels } = marksOfNext(object)
      const without = Object.fromEntries(Object.keys(marks).map((key) => [key, null]))
      const patch = { metadata: { annotations: { ...without, ...annotations }, labels: { [HASH_LABEL]: null, ...labels } } }
      await api.patch(ref, object.metadata.name!, object.metadata.namespace, 'application/merge-patch+json', patch, { fieldManager }).catch(unlessGone)
    }
  }

  async #prune(hash: string, wanted: ReadonlySet<string>, kinds: readonly KindRef[]): Promise<void> {
    for await (const { ref, object: { metadata: { name, namespace } } } of this.#members(hash, kinds)) {
      if (wanted.has(`${ref} ${namespace ?? ''}/${name}`)) continue
      await this.#options.api.delete(ref, name!, namespace, { propagationPolicy: 'Background' }).catch(unlessGone)
    }
  }

  /** The objects of some kinds that are marked as a set's. */
  async *#members(hash: string, kinds: readonly KindRef[]) {
    const { api, directory } = this.#options
    for (const ref of new Set(kinds.flatMap(({ apiVersion, kind }) => directory.find(apiVersion, kind)?.ref ?? []))) {
      const { items } = await api.list(ref, { labelSelector: `${HASH_LABEL}=${hash}` })
      for (const object of items) yield { ref, object }
    }
  }

  #served({ apiVersion, kind }: KindRef) {
    const served = this.#options.directory.find(apiVersion, kind)
    if (!served) throw new Error(`failed to find GVK for ${gvkText({ apiVersion, kind })}: no matches for kind "${kind}" in version "${apiVersion}"`)
    return served
  }
}

/** How a set's objects are marked: in their annotations, and with a hash of these in a label. */
function marksOf(owner: SetOwner, setId: string): { marks: Record<string, string>; hash: string } {
  const marks = { [`${PREFIX}/id`]: setId, [`${PREFIX}/owner-gvk`]: gvkText(owner), [`${PREFIX}/owner-name`]: owner.name, [`${PREFIX}/owner-namespace`]: owner.namespace }
  return { marks, hash: bytesToHex(sha1(utf8ToBytes(Object.values(marks).join('')))) }
}

function unlessGone(error: unknown): void {
  if (!isStatusError(error, 'NotFound')) throw error
}

/** `apps/v1, Kind=Deployment`, as Go prints kinds. */
export function gvkText({ apiVersion, kind }: KindRef): string {
  return `${apiVersion.includes('/') ? apiVersion : `/${apiVersion}`}, Kind=${kind}`
}

function pathOf(apiVersion: string, resource: string, namespace: string | undefined, name: string): string {
  return `/${apiVersion.includes('/') ? 'apis' : 'api'}/${apiVersion}${namespace === undefined ? '' : `/namespaces/${namespace}`}/${resource}/${encodeURIComponent(name)}`
}
