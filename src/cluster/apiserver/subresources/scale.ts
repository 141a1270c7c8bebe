import { thaw } from '../../../base/freeze.ts'
import { decodeValue, DecodeError } from '../../kinds/decode.ts'
import { invalid } from '../../kinds/findings.ts'
import { carrySpelledNumbers } from '../../kinds/json-text.ts'
import { labelSelectorOf } from '../../kinds/label-selector.ts'
import type { KubeObject, ManagedFieldsEntry } from '../../kinds/object.ts'
import { applyJsonPatch, carrySpelledValues } from '../../kinds/patch/json-patch.ts'
import { applyMergePatch } from '../../kinds/patch/merge-patch.ts'
import { goValue } from '../../kinds/patch/go-format.ts'
import { conversionProblem } from '../../kinds/patch/conversion-problem.ts'
import { gvkText } from '../../kinds/patch/server-side-apply.ts'
import { checkTypeMeta } from '../patched-type.ts'
import { inPatchedOrder, touchedBy } from '../../kinds/patch/patched-order.ts'
import { mergeType } from '../../kinds/patch/merge-type.ts'
import { problemsText } from '../../kinds/patch/object-versions.ts'
import { convertNumbers } from '../../kinds/patch/convert-numbers.ts'
import { applyStrategicMergePatch } from '../../kinds/patch/strategic-merge-patch.ts'
import { validateTyped } from '../../kinds/patch/typed-value.ts'
import { apiError, isStatusError } from '../../kinds/status-error.ts'
import type { PatchType } from '../../client/api.ts'
import { customScaleOf, setCustomReplicas } from '../custom-resources/custom-scale.ts'
import type { Endpoint } from '../endpoint.ts'
import { plainError, type UpdatePlan } from '../registry.ts'
import { checkName, checkNamespace, undecodablePatch, type ManagedWrite, type WriteOperations } from '../write-operations.ts'
import type { Subresource } from './subresources.ts'

/** How a scale says that its object has no replicas yet. k8s: customresource/etcd.go invalidSpecReplicas */
const MIN_INT32 = -(2 ** 31)
const SCALE_SCHEMA = 'io.k8s.api.autoscaling.v1.Scale'

/** The scale of an object. k8s: registry/apps/deployment/storage scaleFromDeployment */
function scaleOf(object: KubeObject): KubeObject {
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
  const shownBy = (endpoint: Endpoint) => {
    const paths = endpoint.kind.custom?.scale
    return (object: KubeObject) => paths ? customScaleOf(object, paths, 0) : scaleOf(object)
  }
  const withReplicas = (endpoint: Endpoint, name: string, scale: KubeObject, object: KubeObject): KubeObject => {
    const paths = endpoint.kind.custom?.scale
    const replicas = (scale['spec']?.replicas ?? 0) as number
    // What a custom resource's scale asks for is judged where it is put.
    if (replicas < 0 && !paths) throw apiError.invalid({ group: 'autoscaling', kind: 'Scale' }, name, [invalid('spec.replicas', replicas, 'must be greater than or equal to 0')])
    const draft = thaw(object)
    if (paths) setCustomReplicas(draft, paths, replicas)
    else draft['spec'].replicas = replicas
    draft.metadata.resourceVersion = scale.metadata.resourceVersion || (paths ? object.metadata.resourceVersion : undefined)
    return draft
  }
  const plan = (endpoint: Endpoint, name: string, paths = endpoint.kind.custom?.scale): Partial<UpdatePlan> => ({ body: { of: shownBy(endpoint), ...(paths ? { before: (object) => customScaleOf(object, paths, MIN_INT32) } : {}), take: (scale, draft) => withReplicas(endpoint, name, scale, draft) } })
  const change = async (endpoint: Endpoint, write: ManagedWrite, next: (scale: KubeObject) => KubeObject, isPatch = false) => {
    const paths = endpoint.kind.custom?.scale
    const shown = shownBy(endpoint)
    const { object } = await writes.updateWith(endpoint, (current) => {
      const scale = next(shown(current))
      if (scale.metadata.uid && scale.metadata.uid !== current.metadata.uid)
        throw isPatch
          ? apiError.conflict({ group: endpoint.kind.group, resource: `${endpoint.kind.resource}/scale` }, write.name, `Precondition failed: UID in precondition: ${scale.metadata.uid}, UID in object meta: ${current.metadata.uid}`)
          : apiError.conflict(endpoint.groupResource, write.name, `StorageError: invalid object, Code: 4, Key: ${write.dryRun ? '/' : '/registry/'}${endpoint.store.listPrefix(write.namespace).slice('/registry/'.length)}${write.name}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${scale.metadata.uid}, UID in object meta: ${current.metadata.uid}`)
      return withReplicas(endpoint, write.name, scale, current)
    }, write, { ...plan(endpoint, write.name), redraws: isPatch, ...(paths ? { prepare: forgettingScalers(endpoint, write, isPatch ? paths.specReplicasPath : undefined) } : {}) })
    return shown(paths ? endpoint.fromStorage(object) : object)
  }
  /**
   * Managers' fields can be told apart, but what would be stored can't be brought back: the definition doesn't know the version of scales.
   * k8s: managedfields versionConverter, crConverter
   */
  const applyToCustom = async (endpoint: Endpoint, patch: unknown, write: ManagedWrite, path: string) => {
    const object = endpoint.store.get(write.namespace, write.name)
    if (!object) throw apiError.notFound(endpoint.groupResource, write.name)
    if (write.patchProblem) throw write.patchProblem
    await endpoint.ready([object])
    const replicas = (patch as KubeObject | null)?.['spec']?.replicas as unknown
    const problems = validateTyped(patch, mergeType(SCALE_SCHEMA))
    if (problems.length > 0) throw plainError(`failed to create typed patch object (/${write.name}; autoscaling/v1, Kind=Scale): ${problemsText(problems)}`)
    const shown = customScaleOf(endpoint.fromStorage(object), endpoint.kind.custom!.scale!, 0)
    if (ownersOf(object, path).length === 0) throw plainError('failed to create manager for existing fields: failed to convert live object (/; autoscaling/v1, Kind=Scale) to proper version: request to convert CR to an invalid group/version: autoscaling/v1')
    if (replicas === undefined && !object.metadata.managedFields?.some(({ manager, operation, subresource }) => manager === write.manager && operation === 'Apply' && subresource === 'scale')) return shown
    const changes = replicas !== undefined && replicas !== ((shown['spec'] as { replicas?: number }).replicas ?? 0)
    const owners = changes && !write.force ? ownersOf(object, path).filter((owner) => owner.manager !== write.manager) : []
    if (owners.length > 0) {
      const named = owners.map(({ manager, operation, subresource }) => `${JSON.stringify(manager)}${subresource ? ` with subresource ${JSON.stringify(subresource)}` : ''}${operation === 'Update' ? ' using autoscaling/v1' : ''}`)
      const message = owners.length === 1 ? `Apply failed with 1 conflict: conflict with ${named[0]}: .spec.replicas` : `Apply failed with ${owners.length} conflicts: ${named.map((name) => `conflicts with ${name}:\n- .spec.replicas`).join('\n')}`
      throw apiError.generic(409, 'Conflict', message, { causes: named.map((name) => ({ reason: 'FieldManagerConflict', message: `conflict with ${name}`, field: '.spec.replicas' })) })
    }
    throw plainError(`failed to convert new object (/${write.name}; autoscaling/v1, Kind=Scale) to proper version: request to convert CR to an invalid group/version: autoscaling/v1`)
  }
  /** What is applied to the scale is applied to the object that has it. k8s: apimachinery/pkg/util/managedfields ScaleHandler */
  const apply = async (endpoint: Endpoint, patch: unknown, write: ManagedWrite) => {
    const given = patch as KubeObject | null | undefined
    if (!write.patchProblem && (given?.apiVersion !== 'autoscaling/v1' || given.kind !== 'Scale')) throw apiError.badRequest(`invalid object type: ${gvkText(given?.apiVersion ?? '', given?.kind ?? '')}`)
    const replicas = (patch as KubeObject | null)?.['spec']?.replicas as unknown
    if (replicas !== undefined && replicas !== null && typeof replicas !== 'number')
      throw plainError(`failed to create typed patch object (/${write.name}; autoscaling/v1, Kind=Scale): .spec.replicas: expected numeric (int or float), got ${typeof replicas}`)
    const configuration = { apiVersion: endpoint.apiVersion, kind: endpoint.kind.kind, metadata: { name: write.name }, ...(typeof replicas === 'number' ? { spec: { replicas } } : {}) }
    try {
      const { object } = await writes.patch(endpoint, 'application/apply-patch+yaml', configuration, write, plan(endpoint, write.name))
      return scaleOf(object)
    } catch (error) {
      if (!isStatusError(error, 'Conflict')) throw error
      const shown = (text: string) => text.replaceAll(`using ${endpoint.apiVersion}`, 'using autoscaling/v1')
      const { details, reason } = error.status
      throw apiError.generic(409, reason ?? 'Conflict', shown(error.message), { ...details, causes: (details?.causes ?? []).map((cause) => ({ ...cause, message: shown(cause.message ?? '') })) })
    }
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
      checkNamespace(endpoint, body, write.namespace)
      checkName(body, write.name)
      return change(endpoint, write, () => body)
    },
    patch: (endpoint, type, patch, write) => type === 'application/apply-patch+yaml' ? endpoint.kind.custom?.scale ? applyToCustom(endpoint, patch, write, endpoint.kind.custom.scale.specReplicasPath) : apply(endpoint, patch, write) : change(endpoint, write, (scale) => {
      if (write.patchProblem) throw write.patchProblem
      const next = patchedScale(type, patch, scale, write)
      checkNamespace(endpoint, next, write.namespace)
      checkName(next, write.name)
      return next
    }, true),
  }
}

/**
 * A scale that is sent whole can't be tracked, as the definition doesn't know its version; nor is one patched whose replicas nobody owned: what was
 * owned by way of the scale is forgotten. k8s: FieldManager.UpdateNoErrors, ScaleHandler.ToSubresource, ToParent
 * @param patchedPath where replicas are, for patches
 */
function forgettingScalers({ kind }: Endpoint, { user }: ManagedWrite, patchedPath: string | undefined): NonNullable<UpdatePlan['prepare']> {
  return (draft, old) => {
    kind.strategy.beforeUpdate?.(draft, old, { nowMs: 0, user, warn: () => {} })
    if (patchedPath !== undefined && ownersOf(old, patchedPath).length > 0) return
    const kept = draft.metadata.managedFields?.filter(({ subresource }) => subresource !== 'scale')
    if (kept?.length) draft.metadata.managedFields = kept
    else delete draft.metadata.managedFields
  }
}

/** Who owns the field at a path like `.spec.replicas`. */
function ownersOf(object: Readonly<KubeObject>, path: string): ManagedFieldsEntry[] {
  return (object.metadata.managedFields ?? []).filter((entry) => path.slice(1).split('.').reduce<unknown>((set, field) => (set as Record<string, unknown> | undefined)?.[`f:${field}`], entry.fieldsV1) !== undefined)
}

/** @throws DecodeError */
function checkScaleType(result: KubeObject): void {
  checkTypeMeta(result)
  const apiVersion = result.apiVersion || 'autoscaling/v1'
  const kind = result.kind || 'Scale'
  if (apiVersion !== 'autoscaling/v1' || kind !== 'Scale') throw new DecodeError(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`)
}

/** k8s: handlers/patch.go; strictness sees the scale, not the object that has it. */
function patchedScale(type: PatchType, patch: unknown, scale: KubeObject, write: ManagedWrite): KubeObject {
  const result = type === 'application/json-patch+json' ? applyJsonPatch(scale, patch)
    : type === 'application/strategic-merge-patch+json' ? applyStrategicMergePatch(SCALE_SCHEMA, scale, convertNumbers(SCALE_SCHEMA, patch))
    : applyMergePatch(scale, patch)
  const touched = touchedBy(type, patch)
  const undecodable = (why: string) => type === 'application/strategic-merge-patch+json' ? apiError.invalid({ group: '', kind: '' }, '', [invalid('patch', goValue(patch), conversionProblem(SCALE_SCHEMA, patch) ?? conversionProblem(SCALE_SCHEMA, result) ?? why)]) : undecodablePatch(result, why, touched)
  const ordered = inPatchedOrder(result, touched)
  if (type === 'application/merge-patch+json') carrySpelledNumbers(patch, ordered)
  else if (type === 'application/json-patch+json') carrySpelledValues(patch, ordered)
  try {
    // What is merged strategically is converted, not decoded.
    if (type !== 'application/strategic-merge-patch+json') checkScaleType(result)
    const { value, unknownFields } = decodeValue(SCALE_SCHEMA, ordered)
    const texts = [...write.patchDuplicates ?? [], ...unknownFields.map((path) => `unknown field ${JSON.stringify(path)}`)]
    if (write.fieldValidation === 'Warn') texts.forEach(write.warn)
    else if (write.fieldValidation === 'Strict' && texts.length > 0) throw undecodable(`strict decoding error: ${texts.join(', ')}`)
    return value as KubeObject
  } catch (error) {
    if (error instanceof DecodeError) throw undecodable(error.message)
    throw error
  }
}
