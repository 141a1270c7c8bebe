import type { Cache } from '../../client/controller-runner.ts'
import { jsonClient, type ApiFetch, type JsonClient } from '../../client/json-client.ts'
import { controllerOf } from '../../client/owner-references.ts'
import type { Clock } from '../../../base/clock.ts'
import type { ReplicaSet } from '../../kinds/generated/types.ts'
import type { KubeObject, OwnerReference } from '../../kinds/object.ts'
import { isStatusError } from '../../kinds/status-error.ts'
import { RestMapper } from '../scales/rest-mapper.ts'
import { ScaleClient } from '../scales/scale-client.ts'

/** Owners whose size is read from the cache, by group and kind. k8s: DisruptionController.finders */
const CACHED: Readonly<Record<string, string>> = { '/ReplicationController': 'replicationcontrollers', 'apps/ReplicaSet': 'replicasets.apps', 'apps/StatefulSet': 'statefulsets.apps' }

/** Something that owns pods, and how many it wants. */
export interface SizedOwner {
  uid: string
  replicas: number
}

/** Finds how many pods their owners want: anything with a scale subresource tells. k8s: pkg/controller/disruption getPodReplicaSet ... getScaleController */
export class PodOwners {
  readonly #cache: Cache
  readonly #client: JsonClient
  readonly #mapper: RestMapper
  readonly #scales: ScaleClient

  /** @param fetch asks the API as the controller's user */
  constructor(cache: Cache, fetch: ApiFetch, clock: Clock) {
    this.#cache = cache
    this.#client = jsonClient(fetch, { userAgent: 'kube-controller-manager' })
    this.#mapper = new RestMapper(this.#client, clock)
    this.#scales = new ScaleClient(this.#client, this.#mapper)
  }

  /** @returns undefined when there is no such owner. @throws Error for kinds that are unknown or have no scale */
  async find(ref: OwnerReference, namespace: string): Promise<SizedOwner | undefined> {
    const group = ref.apiVersion.includes('/') ? ref.apiVersion.split('/')[0]! : ''
    const version = ref.apiVersion.slice(ref.apiVersion.indexOf('/') + 1)
    const deployment = group === 'apps' && ref.kind === 'ReplicaSet' ? this.#deploymentOf(ref, namespace) : undefined
    if (deployment) return deployment
    const cached = CACHED[`${group}/${ref.kind}`]
    const owner = cached ? this.#cached<ReplicaSet>(cached, ref, namespace) : undefined
    if (owner) return { uid: ref.uid, replicas: owner.spec!.replicas ?? 1 }
    return this.#byScale(ref, group, version, namespace)
  }

  /** The Deployment behind a ReplicaSet. k8s: getPodDeployment */
  #deploymentOf(ref: OwnerReference, namespace: string): SizedOwner | undefined {
    const replicaSet = this.#cached<ReplicaSet>('replicasets.apps', ref, namespace)
    const behind = replicaSet && controllerOf(replicaSet)
    if (behind?.kind !== 'Deployment') return undefined
    const deployment = this.#cached<ReplicaSet>('deployments.apps', behind, namespace)
    return deployment ? { uid: behind.uid, replicas: deployment.spec!.replicas ?? 1 } : undefined
  }

  #cached<T extends KubeObject>(resource: string, { name, uid }: OwnerReference, namespace: string): T | undefined {
    const object = this.#cache.get<T>(resource, `${namespace}/${name}`)
    return object?.metadata.uid === uid ? object : undefined
  }

  async #byScale(ref: OwnerReference, group: string, version: string, namespace: string): Promise<SizedOwner | undefined> {
    const mapping = (await this.#mapper.mappingsOf(group, ref.kind).catch(() => [])).find((candidate) => candidate.version === version)
    if (!mapping) throw new Error(`no matches for kind ${JSON.stringify(ref.kind)} in version ${JSON.stringify(ref.apiVersion)}`)
    try {
      const { metadata, spec } = await this.#scales.get(mapping, namespace, ref.name)
      return metadata.uid === ref.uid ? { uid: ref.uid, replicas: spec?.replicas ?? 0 } : undefined
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error
      // Either the object isn't there, or its kind has no scale.
      const { resources } = await this.#client.get<{ resources?: { name: string }[] }>(group === '' ? `/api/${version}` : `/apis/${ref.apiVersion}`)
      if (!resources?.some(({ name }) => name === `${mapping.resource}/scale`)) throw new Error(`${mapping.resource}${group === '' ? '' : `.${group}`} does not implement the scale subresource`)
      return undefined
    }
  }
}
