import { specDiff } from './spec-diff.ts'
import { copyOf, givenEmpty } from '../decode.ts'
import { deepEqual } from '../../../base/freeze.ts'
import { accessModesText } from '../cells.ts'
import { checkImmutable } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import { forbidden, invalid, notSupported, type Finding } from '../findings.ts'
import { labelKeyProblems } from '../names.ts'
import { compareQuantities, quantityValue } from '../quantity.ts'
import { validateObjectMeta } from '../validate-metadata.ts'
import type { PersistentVolumeClaim } from '../generated/types.ts'
import { keep } from '../strategies.ts'
import { claimSpecWarnings } from './pod-warnings.ts'
import { roundUpToMillis } from './pod-defaults.ts'
import { validateClaimSpec } from './validate-claim.ts'
import { checkResourceValue } from './validate-resources.ts'

type ClaimSpec = PersistentVolumeClaim['spec']

export const persistentVolumeClaim = defineKind<PersistentVolumeClaim>({
  group: '', version: 'v1', resource: 'persistentvolumeclaims',
  defaults: defaultClaim,
  validate(object) {
    const out: Finding[] = []
    validateClaimSpec(out, object.spec, 'spec')
    return out
  },
  validateStatusUpdate: validateClaimStatus,
  validateUpdate: validateClaimUpdate,
  strategy: {
    beforeCreate(draft) {
      draft.status = { phase: 'Pending' }
      dropDataSources(draft.spec)
      normalizeDataSources(draft.spec)
    },
    beforeUpdate(draft, old) {
      keep(draft, old, 'status')
      // Only fills in what another version of the server left out.
      if (!old.spec.dataSource && !old.spec.dataSourceRef) {
        dropDataSources(draft.spec)
        return
      }
      normalizeDataSources(draft.spec)
    },
    beforeStatusUpdate: (draft, old) => keep(draft, old, 'spec'),
    warningsOnCreate: claimWarnings,
    warningsOnUpdate: claimWarnings,
  },
  cells: {
    Status: ({ status, metadata }) => (metadata.deletionTimestamp ? 'Terminating' : (status?.phase ?? '')),
    Volume: ({ spec }) => spec.volumeName ?? '',
    Capacity: ({ spec, status }) => (spec.volumeName ? (status?.capacity?.storage ?? '0') : ''),
    'Access Modes': ({ spec, status }) => (spec.volumeName ? accessModesText(status?.accessModes) : ''),
    StorageClass: ({ spec, metadata }) => metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec.storageClassName ?? '',
    VolumeAttributesClass: ({ spec }) => spec.volumeAttributesClassName ?? '<unset>',
    VolumeMode: ({ spec }) => spec.volumeMode ?? '<unset>',
  },
})

/** Also for volumeClaimTemplates. */
export function defaultClaim(claim: PersistentVolumeClaim): void {
  if (claim.status) claim.status.phase ??= 'Pending'
  claim.spec.volumeMode ??= 'Filesystem'
  for (const list of [claim.spec.resources?.limits, claim.spec.resources?.requests, claim.status?.capacity, claim.status?.allocatedResources]) if (list) roundUpToMillis(list)
}

/** What a new claim may not name. k8s: DropDisabledFields (CrossNamespaceVolumeDataSource is off), EnforceDataSourceBackwardsCompatibility */
function dropDataSources(spec: ClaimSpec): void {
  if (spec.dataSourceRef?.namespace) delete spec.dataSourceRef
  const source = spec.dataSource
  if (!source || spec.dataSourceRef) return
  const isClaim = source.kind === 'PersistentVolumeClaim' && !source.apiGroup
  if (!isClaim && !(source.kind === 'VolumeSnapshot' && source.apiGroup === 'snapshot.storage.k8s.io')) delete spec.dataSource
}

/** dataSource and dataSourceRef follow each other. k8s: pkg/registry/core/persistentvolumeclaim NormalizeDataSources */
function normalizeDataSources(spec: ClaimSpec): void {
  if (spec.dataSource && !spec.dataSourceRef) {
    spec.dataSourceRef = { ...(spec.dataSource.apiGroup !== undefined ? { apiGroup: spec.dataSource.apiGroup } : {}), kind: spec.dataSource.kind, name: spec.dataSource.name }
  } else if (spec.dataSourceRef && !spec.dataSource && !spec.dataSourceRef.namespace) {
    spec.dataSource = { ...(spec.dataSourceRef.apiGroup !== undefined ? { apiGroup: spec.dataSourceRef.apiGroup } : {}), kind: spec.dataSourceRef.kind, name: spec.dataSourceRef.name }
  }
}

const BETA_CLASS = 'volume.beta.kubernetes.io/storage-class'

/** k8s: pkg/api/persistentvolumeclaim/util.go GetWarningsForPersistentVolumeClaim */
function claimWarnings({ metadata, spec }: Readonly<PersistentVolumeClaim>): string[] {
  const given = metadata.annotations?.[BETA_CLASS] !== undefined
  return [...(given ? [`metadata.annotations[${BETA_CLASS}]: deprecated since v1.8; use "storageClassName" attribute instead`] : []), ...claimSpecWarnings(spec, 'spec')]
}

/** A claim stays what it was, except for its size and class of attributes once bound. k8s: ValidatePersistentVolumeClaimUpdate, after ObjectMeta */
function validateClaimUpdate(claim: Readonly<PersistentVolumeClaim>, old: Readonly<PersistentVolumeClaim>): Finding[] {
  const out: Finding[] = [...validateObjectMeta({ namespaced: true }, claim.metadata)]
  // Groups were not always looked at.
  const anyGroup = (old.spec.dataSource?.apiGroup ?? old.spec.dataSourceRef?.apiGroup ?? undefined) !== undefined
  validateClaimSpec(out, claim.spec, 'spec', { anyGroup })
  const now = copyOf(claim.spec)
  const before = { ...old.spec }
  if (!before.volumeName) {
    if (now.volumeName === undefined) delete before.volumeName
    else before.volumeName = now.volumeName
  }
  const take = (field: keyof ClaimSpec) => {
    if (before[field] === undefined) delete now[field]
    else (now as Record<string, unknown>)[field] = before[field]
  }
  const oldClass = old.metadata.annotations?.[BETA_CLASS]
  const newClass = claim.metadata.annotations?.[BETA_CLASS]
  const fromAnnotation = oldClass !== undefined && before.storageClassName === undefined && now.storageClassName === oldClass && (newClass === undefined || newClass === oldClass)
  if (fromAnnotation) delete now.storageClassName
  else {
    if ((newClass ?? '') !== (oldClass ?? '')) out.push(invalid(`metadata.annotations.${BETA_CLASS}`, newClass ?? '', 'field is immutable'))
    if (now.storageClassName !== undefined && before.storageClassName === undefined && (oldClass === undefined || now.storageClassName === oldClass)) take('storageClassName')
  }
  if (claim.status?.phase === 'Bound') {
    take('volumeAttributesClassName')
    if (now.resources?.requests || givenEmpty(now.resources, 'requests')) now.resources = { ...copyOf(now.resources!), requests: { ...now.resources!.requests, storage: before.resources?.requests?.storage ?? '0' } }
  }
  if (!deepEqual(now, before)) out.push(forbidden('spec', `spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n${specDiff('PersistentVolumeClaimSpec', before, now)}`))
  const size = claim.spec.resources?.requests?.storage ?? '0'
  if (compareQuantities(size, old.spec.resources?.requests?.storage ?? '0') < 0 && compareQuantities(size, old.status?.capacity?.storage ?? '0') <= 0) {
    out.push(forbidden('spec.resources.requests.storage', 'field can not be less than status.capacity'))
  }
  checkImmutable(out, claim.spec.volumeMode, old.spec.volumeMode, 'volumeMode')
  if (old.status?.currentVolumeAttributesClassName !== undefined && claim.spec.volumeAttributesClassName !== old.spec.volumeAttributesClassName) {
    const value = claim.spec.volumeAttributesClassName
    if (value === undefined) out.push(forbidden('spec.volumeAttributesClassName', 'update to nil is forbidden when status.currentVolumeAttributesClassName is not nil'))
    else if (value === '') out.push(forbidden('spec.volumeAttributesClassName', 'update to empty string is forbidden when status.currentVolumeAttributesClassName is not nil'))
  }
  return out
}

const RESIZE_STATES = ['ControllerResizeInProgress', 'ControllerResizeInfeasible', 'NodeResizeInProgress', 'NodeResizeInfeasible', 'NodeResizePending']

/** k8s: ValidatePersistentVolumeClaimStatusUpdate, after ObjectMeta */
function validateClaimStatus({ status }: Readonly<PersistentVolumeClaim>): Finding[] {
  const out: Finding[] = []
  const { capacity = {}, allocatedResourceStatuses = {}, allocatedResources = {} } = status ?? {}
  for (const name of Object.keys(capacity).sort()) checkAmount(out, capacity[name]!, `status.capacity[${name}]`)
  for (const name of Object.keys(allocatedResourceStatuses).sort()) {
    checkResourceKey(out, name, 'status.allocatedResourceStatuses')
    if (!RESIZE_STATES.includes(allocatedResourceStatuses[name]!)) out.push(notSupported('status.allocatedResourceStatuses', name, RESIZE_STATES))
  }
  for (const name of Object.keys(allocatedResources).sort()) if (checkResourceKey(out, name, 'status.allocatedResources')) {
    const at = `status.allocatedResources[${name}]`
    if (checkAmount(out, allocatedResources[name]!, at)) checkResourceValue(out, 'storage', allocatedResources[name]!, at)
  }
  return out
}

/** k8s: validateBasicResource */
function checkAmount(out: Finding[], quantity: string, at: string): boolean {
  const value = quantityValue(quantity)
  if (value < 0) out.push(invalid(at, value, 'must be a valid resource quantity'))
  return value >= 0
}

/** k8s: validatePersistentVolumeClaimResourceKey */
function checkResourceKey(out: Finding[], name: string, at: string): boolean {
  const problems = labelKeyProblems(name)
  for (const problem of problems) out.push(invalid(at, name, problem))
  if (problems.length > 0) return false
  if (name === 'storage' || (name.includes('/') && !name.includes('kubernetes.io/'))) return true
  out.push(notSupported(at, name, ['storage']))
  return false
}
