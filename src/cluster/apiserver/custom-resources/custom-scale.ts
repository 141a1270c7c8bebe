/** The scale of custom resources, at the paths that their definition names. k8s: apiextensions-apiserver/pkg/registry/customresource/etcd.go ScaleREST */
import type { CustomKind } from '../../kinds/kind.ts'
import type { KubeObject } from '../../kinds/object.ts'
import { apiError } from '../../kinds/status-error.ts'
import { nestedInteger, nestedText, PathError, setNested } from './nested-value.ts'

type ScalePaths = NonNullable<CustomKind['scale']>

/** `missing`: the replicas wanted when the object says nothing; without it that is an error, as for readers. */
export function customScaleOf(object: KubeObject, { specReplicasPath, statusReplicasPath, labelSelectorPath }: ScalePaths, missing?: number): KubeObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  return plainErrors(() => {
    const replicas = nestedInteger(object, specReplicasPath) ?? missing
    if (replicas === undefined) throw apiError.internal(`the spec replicas field ${JSON.stringify(specReplicasPath)} does not exist`)
    const selector = labelSelectorPath ? nestedText(object, labelSelectorPath) ?? '' : ''
    return {
      kind: 'Scale', apiVersion: 'autoscaling/v1', metadata: { name, ...(namespace ? { namespace } : {}), uid, resourceVersion, creationTimestamp },
      spec: replicas ? { replicas } : {}, status: { replicas: nestedInteger(object, statusReplicasPath) ?? 0, ...(selector ? { selector } : {}) },
    } as KubeObject
  })
}

/** Sets the replicas of a draft. */
export function setCustomReplicas(draft: KubeObject, { specReplicasPath }: ScalePaths, replicas: number | undefined): void {
  if (replicas === undefined) throw apiError.badRequest(`the spec replicas field ${JSON.stringify(specReplicasPath)} cannot be empty`)
  plainErrors(() => setNested(draft, specReplicasPath, replicas))
}

/** What upstream doesn't class. */
function plainErrors<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof PathError)) throw error
    const status = apiError.generic(500, '', error.message)
    delete status.status.reason
    throw status
  }
}
