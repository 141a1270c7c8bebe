/** Requests in another version of their resource, as webhooks and policies may want to see them. k8s: apiserver/pkg/admission/conversion.go */
import type { Kind } from '../../kinds/kind.ts'
import type { KubeObject } from '../../kinds/object.ts'
import type { AdmissionAttributes, GroupVersionKind } from '../seams.ts'

/** Options that come with a connection, k8s: NewConnectOptions */
const CONNECTIONS: Readonly<Record<string, string>> = { exec: 'PodExecOptions', attach: 'PodAttachOptions', portforward: 'PodPortForwardOptions' }
const PROXIES: Readonly<Record<string, string>> = { pods: 'PodProxyOptions', services: 'ServiceProxyOptions', nodes: 'NodeProxyOptions' }

/** What the objects of a resource or one of its subresources are. */
export function objectKindOf(kind: Kind, subresource: string): GroupVersionKind {
  const { group, version } = kind
  const connection = subresource === 'proxy' ? PROXIES[kind.resource] : CONNECTIONS[subresource]
  if (connection) return { group: '', version: 'v1', kind: connection }
  const body = subresource === '' ? undefined : kind.subresources[subresource]
  return body?.kind ? { group: body.group ?? group, version: body.version ?? version, kind: body.kind } : { group, version, kind: kind.kind }
}

export function apiVersionOf({ group, version }: { group: string; version: string }): string {
  return group ? `${group}/${version}` : version
}

/**
 * An object that admission works on, in another version; a new one, or the given where it has that version. Bodies of subresources that have
 * a kind of their own stay as they are. A promise where a webhook converts.
 */
export function inVersion(object: KubeObject, to: Kind, { kind, objectKind }: AdmissionAttributes): KubeObject | Promise<KubeObject> {
  const apiVersion = apiVersionOf(to)
  if (objectKind.kind !== kind.kind || object.apiVersion === apiVersion) return object
  if (kind.custom && to.custom) return throughStore(object, kind, to)
  if (to.convert) return to.convert.fromStorage(object)
  return { ...object, apiVersion, kind: to.kind }
}

/** The way back: an object of version `from` (taken over) as what it was before, the object that admission works on. */
export function outOfVersion(object: KubeObject, from: Kind, hub: KubeObject, { kind, objectKind }: AdmissionAttributes): KubeObject | Promise<KubeObject> {
  if (objectKind.kind !== kind.kind || object.apiVersion === hub.apiVersion) return object
  if (kind.custom && from.custom) return throughStore(object, from, kind)
  if (from.convert) return from.convert.toStorage(object)
  return { ...object, apiVersion: hub.apiVersion, kind: hub.kind }
}

async function throughStore(object: KubeObject, from: Kind, to: Kind): Promise<KubeObject> {
  const stored = await from.custom!.store(object)
  const [converted] = to.custom!.needsWebhook(stored) ? await to.custom!.convert([stored]) : [to.custom!.read(stored)]
  return converted!
}

/** Attributes whose objects are in a version. */
export function attributesIn(version: Kind, attributes: AdmissionAttributes): AdmissionAttributes | Promise<AdmissionAttributes> {
  const { object, oldObject } = attributes
  const converted = object && inVersion(object, version, attributes)
  const old = oldObject && inVersion(oldObject, version, attributes)
  if (converted === object && old === oldObject) return attributes
  const with_ = (object: KubeObject | undefined, oldObject: KubeObject | undefined): AdmissionAttributes => ({ ...attributes, ...(object ? { object } : {}), ...(oldObject ? { oldObject } : {}) })
  if (converted instanceof Promise || old instanceof Promise) return Promise.all([converted, old]).then(([a, b]) => with_(a, b))
  return with_(converted, old)
}

/** How a body is read: as the resource's kind, or as the kind of a subresource. */
export function kindOfBody(version: Kind, { subresource }: Pick<AdmissionAttributes, 'subresource'>): Kind {
  const body = objectKindOf(version, subresource)
  if (body.kind === version.kind) return version
  const { custom: _, defaults: __, ...rest } = version
  return { ...rest, ...body, schema: `io.k8s.api.${body.group === '' ? 'core' : body.group.split('.')[0]!}.${body.version}.${body.kind}` }
}
