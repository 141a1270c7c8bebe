import { thaw } from '../../../base/freeze.ts'
import { decodeValue, DecodeError } from '../../kinds/decode.ts'
import { invalid } from '../../kinds/findings.ts'
import { labelSelectorOf } from '../../kinds/label-selector.ts'
import type { KubeObject } from '../../kinds/object.ts'
import { applyJsonPatch } from '../../kinds/patch/json-patch.ts'
import { applyMergePatch } from '../../kinds/patch/merge-patch.ts'
import { applyStrategicMergePatch } from '../../kinds/patch/strategic-merge-patch.ts'
import { apiError } from '../../kinds/status-error.ts'
import type { PatchType } from '../../client/api.ts'
import { customScaleOf, setCustomReplicas } from '../custom-resources/custom-scale.ts'
import type { Endpoint } from '../endpoint.ts'
import { checkName, undecodablePatch, type ManagedWrite, type WriteOperations } from '../write-operations.ts'
import type { Subresource } from './subresources.ts'

const SCALE_SCHEMA = 'io.k8s.api.autoscaling.v1.Scale'

/** The scale of an object. k8s: registry/apps/deployment/storage scaleFromDeployment */
export function scaleOf(object: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  const replicas = (object['spec']?.replicas ?? 0) as number
  const selector = selectorText(object)
  return {
    kind: 'Scale', apiVersion: 'autoscaling/v1', metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: replicas ? { replicas } : {},
    status: { replicas: (object['status']?.replicas ?? 0) as number, ...(selector ? { selector } : {}) },
  }
}

function selectorText(object: KubeObject): string {
  const selector = object['spec']?.selector as Record<string, unknown> | undefined
  if (!selector) return ''
  // A ReplicationController's selector is a plain set of labels.
  if (object.kind === 'ReplicationController') return Object.keys(selector).sort().map((key) => `${key}=${selector[key]}`).join(',')
  return labelSelectorOf(selector).text
}

/** `scale` of any resource that has replicas. */
export function scaleSubresource(writes: WriteOperations): Subresource {
  const change = async (endpoint: Endpoint, write: ManagedWrite, next: (scale: KubeObject) => KubeObject) => {
    const paths = endpoint.kind.custom?.scale
    const shown = (object: KubeObject) => paths ? customScaleOf(object, paths, 0) : scaleOf(object)
    const { object } = await writes.updateWith(endpoint, (current) => {
      const scale = next(shown(current))
      if (scale.metadata.uid && scale.metadata.uid !== current.metadata.uid)
        throw apiError.conflict({ group: endpoint.kind.group, resource: `${endpoint.kind.resource}/scale` }, write.name, `Precondition failed: UID in precondition: ${scale.metadata.uid}, UID in object meta: ${current.metadata.uid}`)
      const replicas = (scale['spec']?.replicas ?? 0) as number
      if (replicas < 0) throw apiError.invalid({ group: 'autoscaling', kind: 'Scale' }, write.name, [invalid('spec.replicas', replicas, 'must be greater than or equal to 0')])
      const draft = thaw(current)
      if (paths) setCustomReplicas(draft, paths, replicas)
      else draft['spec'].replicas = replicas
      draft.metadata.resourceVersion = scale.metadata.resourceVersion
      return draft
    }, write, { skipMutation: true })
    return shown(paths ? endpoint.fromStorage(object) : object)
  }
  return {
    async get(endpoint, { namespace, name }) {
      const object = endpoint.store.get(namespace, name)
      if (!object) throw apiError.notFound(endpoint.groupResource, name)
      const paths = endpoint.kind.custom?.scale
      if (!paths) return scaleOf(object)
      await endpoint.ready([object])
      return customScaleOf(endpoint.fromStorage(object), paths)
    },
    async update(endpoint, body, write) {
      checkName(body, write.name)
      return change(endpoint, write, () => body)
    },
    patch: (endpoint, type, patch, write) => change(endpoint, write, (scale) => patchedScale(type, patch, scale)),
  }
}

function patchedScale(type: PatchType, patch: unknown, scale: KubeObject): KubeObject {
  const result = type === 'application/json-patch+json' ? applyJsonPatch(scale, patch)
    : type === 'application/strategic-merge-patch+json' ? applyStrategicMergePatch(SCALE_SCHEMA, scale, patch)
    : applyMergePatch(scale, patch)
  try {
    return decodeValue(SCALE_SCHEMA, result).value as KubeObject
  } catch (error) {
    if (error instanceof DecodeError) throw undecodablePatch(result, error.message)
    throw error
  }
}
