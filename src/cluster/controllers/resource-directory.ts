import type { Informers } from '../client/informers.ts'
import type { APIService } from '../kinds/generated/types.ts'
import { builtInKinds } from '../kinds/index.ts'
import { resourceRef, type KubeObject, type ResourceRef } from '../kinds/object.ts'

/** A resource that the API serves, as controllers that work on all resources see it. */
export interface ServedResource {
  ref: ResourceRef
  group: string
  resource: string
  kind: string
  namespaced: boolean
  verbs: readonly string[]
}

/** Everything that can be listed and deleted: built-in kinds and custom resources. */
export interface ResourceDirectory {
  list(): readonly ServedResource[]
  /** The resource of an object's `apiVersion` and `kind`; any version of the group will do. */
  find(apiVersion: string, kind: string): ServedResource | undefined
  onChange(listener: () => void): () => void
  /** Group versions whose server, behind an APIService, is away: nobody can tell what they hold. */
  undiscovered(): readonly string[]
}

const API_SERVICES = 'apiservices.apiregistration.k8s.io'
const CRDS = 'customresourcedefinitions.apiextensions.k8s.io'

export function createResourceDirectory(informers: Informers): ResourceDirectory {
  const builtIn = new Map<ResourceRef, ServedResource>()
  for (const kind of builtInKinds) {
    // events.k8s.io events are core events once more.
    if (kind.storageGroup !== undefined && kind.storageGroup !== kind.group) continue
    const ref = resourceRef(kind.resource, kind.group)
    if (!builtIn.has(ref)) builtIn.set(ref, { ref, group: kind.group, resource: kind.resource, kind: kind.kind, namespaced: kind.namespaced, verbs: kind.verbs })
  }
  const crds = informers.for(CRDS)
  const apiServices = informers.for<APIService>(API_SERVICES)
  let resources: ServedResource[] | undefined
  const listeners = new Set<() => void>()
  crds.onChanges(() => {
    resources = undefined
    for (const listener of listeners) listener()
  })
  const list = () => resources ??= [...builtIn.values(), ...crds.list().flatMap(servedBy)]
  return {
    list,
    undiscovered: () => apiServices.list().filter(({ spec, status }) => spec.service && !status?.conditions?.some(({ type, status: is }) => type === 'Available' && is === 'True'))
      .map(({ spec }) => `${spec.group}/${spec.version}`).sort(),
    find(apiVersion, kind) {
      const slash = apiVersion.indexOf('/')
      const group = slash < 0 ? '' : apiVersion.slice(0, slash)
      return list().find((resource) => resource.group === group && resource.kind === kind)
    },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

const ALL_VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']

function servedBy({ spec, status }: KubeObject): ServedResource[] {
  const established = status?.conditions?.some((condition: { type: string; status: string }) => condition.type === 'Established' && condition.status === 'True')
  if (!established) return []
  return [{ ref: resourceRef(spec.names.plural, spec.group), group: spec.group, resource: spec.names.plural, kind: spec.names.kind, namespaced: spec.scope === 'Namespaced', verbs: ALL_VERBS }]
}
