/** A field of a protobuf message. */
export interface ProtobufField {
  number: number
  /** In the JSON form. */
  name: string
  /** s text, b bytes, i integer, B boolean, d double; else the name of a message. */
  type: string
  repeated: boolean
  map: boolean
  /** Written even when it is empty. */
  always: boolean
  /** The message's fields stand beside their parent's in JSON. */
  inline: boolean
}

/** `k8s\0`, with which every body begins; a runtime.Unknown follows. k8s: apimachinery/pkg/runtime/serializer/protobuf */
export const PROTOBUF_MAGIC: readonly number[] = [0x6b, 0x38, 0x73, 0x00]

let fieldTable: Readonly<Record<string, string>> | undefined
let loading: Promise<void> | undefined

/**
 * Loads the table of messages, which has to be there before anything is read or written: pages whose clients speak JSON never need it.
 * What it waits for is outside of the cluster's time.
 */
export function loadProtobufMessages(): Promise<void> {
  return loading ??= import('./protobuf-fields.json').then((module) => { fieldTable = module.default })
}

/** Whether there is nothing to wait for. */
export const hasProtobufMessages = () => fieldTable !== undefined

function messageTable(): Readonly<Record<string, string>> {
  if (!fieldTable) throw new Error('the table of protobuf messages is not loaded')
  return fieldTable
}

/** Whether a message is nothing but a list of texts, which Go has as a type of its own. */
export const isTextList = (message: string) => message.endsWith('.ExtraValue') || message.endsWith('.Verbs')

const parsed = new Map<string, readonly ProtobufField[]>()

/** The fields of a message by their numbers; none for a message that isn't known. */
export function fieldsOf(message: string): readonly ProtobufField[] {
  let fields = parsed.get(message)
  if (!fields) {
    const text = messageTable()[message] ?? ''
    fields = text.split(';').filter(Boolean).map((entry) => {
      const [number, name, type, form, inline] = entry.split(' ')
      return { number: Number(number), name: name!, type: type!, repeated: form === '1', map: form === '2', always: form === '3', inline: inline === '1' }
    }).sort((a, b) => a.number - b.number)
    parsed.set(message, fields)
  }
  return fields
}

/** Whether a field's type is one of protobuf's own. */
export const isScalar = (type: string) => type.length === 1

const messageByKind = new Map<string, string>()
const GROUP_PACKAGES: Record<string, string> = {
  '': 'k8s.io.api.core', 'apiextensions.k8s.io': 'k8s.io.apiextensions_apiserver.pkg.apis.apiextensions', 'apiregistration.k8s.io': 'k8s.io.kube_aggregator.pkg.apis.apiregistration',
  'flowcontrol.apiserver.k8s.io': 'k8s.io.api.flowcontrol', 'rbac.authorization.k8s.io': 'k8s.io.api.rbac', 'internal.apiserver.k8s.io': 'k8s.io.api.apiserverinternal',
}
/** Kinds that belong to no group, or to every one. */
const META_KINDS = new Set([
  'DeleteOptions', 'CreateOptions', 'UpdateOptions', 'PatchOptions', 'ListOptions', 'GetOptions', 'Status', 'APIVersions', 'APIGroupList', 'APIGroup', 'APIResourceList', 'WatchEvent',
  'PartialObjectMetadata', 'PartialObjectMetadataList',
])

/** `k8s.io.api.core.v1.Pod` for v1 Pod; undefined for what has no protobuf form. */
export function messageOf(apiVersion: string, kind: string): string | undefined {
  const key = `${apiVersion} ${kind}`
  const held = messageByKind.get(key)
  if (held) return held
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') as [string, string] : ['', apiVersion]
  const name = META_KINDS.has(kind) ? `k8s.io.apimachinery.pkg.apis.meta.v1.${kind}` : `${GROUP_PACKAGES[group] ?? `k8s.io.api.${group.split('.')[0]}`}.${version}.${kind}`
  if (!(name in messageTable())) return undefined
  messageByKind.set(key, name)
  return name
}
