import { specDiff } from './spec-diff.ts'
import { deepEqual } from '../../../base/freeze.ts'
import { accessModesText } from '../cells.ts'
import { checkImmutable, checkName, checkOneOf } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import { forbidden, invalid, notSupported, required, type Finding } from '../findings.ts'
import { subdomainName } from '../names.ts'
import { compareQuantities, quantityValue } from '../quantity.ts'
import { validateObjectMeta } from '../validate-metadata.ts'
import type { PersistentVolume } from '../generated/types.ts'
import { keep } from '../strategies.ts'
import { timeText } from '../time-text.ts'
import { roundUpToMillis } from './pod-defaults.ts'
import { checkAccessModes } from './validate-claim.ts'
import { validateNodeSelector } from './validate-scheduling.ts'
import { checkVolumeSource, VOLUME_SOURCES } from './validate-persistent-volume-source.ts'

export const persistentVolume = defineKind<PersistentVolume>({
  group: '', version: 'v1', resource: 'persistentvolumes',
  defaults({ spec, status }) {
    if (status) status.phase ??= 'Pending'
    spec.persistentVolumeReclaimPolicy ??= 'Retain'
    spec.volumeMode ??= 'Filesystem'
    if (spec.capacity) roundUpToMillis(spec.capacity)
    if (spec.hostPath) spec.hostPath.type ??= ''
    if (spec.iscsi) spec.iscsi.iscsiInterface ??= 'default'
    if (spec.rbd) {
      spec.rbd.pool ??= 'rbd'
      spec.rbd.user ??= 'admin'
      spec.rbd.keyring ??= '/etc/ceph/keyring'
    }
    if (spec.azureDisk) {
      spec.azureDisk.cachingMode ??= 'ReadWrite'
      spec.azureDisk.fsType ??= 'ext4'
      spec.azureDisk.readOnly ??= false
      spec.azureDisk.kind ??= 'Shared'
    }
    if (spec.scaleIO) {
      spec.scaleIO.storageMode ??= 'ThinProvisioned'
      spec.scaleIO.fsType ??= 'xfs'
    }
  },
  validate: validateVolume,
  validateUpdate: validateVolumeUpdate,
  updatesWithoutMeta: true,
  strategy: {
    warningsOnCreate: volumeWarnings,
    warningsOnUpdate: volumeWarnings,
    beforeCreate(draft, { nowMs }) {
      draft.status = { phase: 'Pending', lastPhaseTransitionTime: timeText(nowMs) }
    },
    beforeUpdate: (draft, old) => keep(draft, old, 'status'),
    beforeStatusUpdate(draft, old, { nowMs }) {
      keep(draft, old, 'spec')
      if (!draft.status) return
      const { status: before } = old
      if (draft.status.phase === before?.phase) {
        if (before?.lastPhaseTransitionTime) draft.status.lastPhaseTransitionTime ??= before.lastPhaseTransitionTime
      } else if (!draft.status.lastPhaseTransitionTime || draft.status.lastPhaseTransitionTime === before?.lastPhaseTransitionTime) draft.status.lastPhaseTransitionTime = timeText(nowMs)
    },
  },
  cells: {
    Capacity: ({ spec }) => spec.capacity?.storage ?? '0',
    'Access Modes': ({ spec }) => accessModesText(spec.accessModes),
    'Reclaim Policy': ({ spec }) => spec.persistentVolumeReclaimPolicy ?? '',
    Status: ({ status, metadata }) => (metadata.deletionTimestamp ? 'Terminating' : (status?.phase ?? '')),
    Claim: ({ spec }) => (spec.claimRef ? `${spec.claimRef.namespace ?? ''}/${spec.claimRef.name ?? ''}` : ''),
    StorageClass: ({ spec, metadata }) => metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec.storageClassName ?? '',
    VolumeAttributesClass: ({ spec }) => spec.volumeAttributesClassName ?? '<unset>',
    Reason: ({ status }) => status?.reason ?? '',
    VolumeMode: ({ spec }) => spec.volumeMode ?? '<unset>',
  },
})

/** k8s: ValidatePersistentVolumeSpec */
function validateVolume({ metadata, spec }: Readonly<PersistentVolume>): Finding[] {
  const out: Finding[] = []
  const modes = spec.accessModes ?? []
  if (modes.length === 0) out.push(required('spec.accessModes'))
  checkAccessModes(out, modes, 'spec.accessModes')
  const capacity = spec.capacity ?? {}
  if (Object.keys(capacity).length === 0) out.push(required('spec.capacity'))
  if (capacity.storage === undefined || Object.keys(capacity).length > 1) out.push(notSupported('spec.capacity', capacity, ['storage']))
  for (const name of Object.keys(capacity)) {
    const value = capacity[name]!
    const here = `spec.capacity[${name}]`
    if (compareQuantities(value, '0') < 0) out.push(invalid(here, quantityValue(value), 'must be a valid resource quantity'))
    if (compareQuantities(value, '0') <= 0) out.push(invalid(here, value, 'must be greater than zero'))
  }
  checkOneOf(out, spec.persistentVolumeReclaimPolicy, ['Delete', 'Recycle', 'Retain'], 'spec.persistentVolumeReclaimPolicy', false)
  const constraints = spec.nodeAffinity?.required
  if (spec.nodeAffinity) {
    if (!constraints) out.push(required('spec.nodeAffinity.required', 'must specify required node constraints'))
    else validateNodeSelector(out, constraints, 'spec.nodeAffinity.required')
  }
  checkVolumeSource(out, spec, metadata.name ?? '')
  if (spec.hostPath?.path === '/' && spec.persistentVolumeReclaimPolicy === 'Recycle') out.push(forbidden('spec.persistentVolumeReclaimPolicy', "may not be 'recycle' for a hostPath mount of '/'"))
  if (spec.storageClassName) checkName(out, spec.storageClassName, subdomainName, 'spec.storageClassName')
  if (spec.volumeMode !== undefined && !['Block', 'Filesystem'].includes(spec.volumeMode)) out.push(notSupported('spec.volumeMode', spec.volumeMode, ['Block', 'Filesystem']))
  if (spec.volumeAttributesClassName !== undefined) {
    if (spec.volumeAttributesClassName === '') out.push(required('spec.volumeAttributesClassName', 'an empty string is disallowed'))
    else checkName(out, spec.volumeAttributesClassName, subdomainName, 'spec.volumeAttributesClassName')
    if (!spec.csi) out.push(required('spec.csi', 'has to be specified when using volumeAttributesClassName'))
  }
  return out
}

/** k8s: ValidatePersistentVolumeUpdate */
function validateVolumeUpdate(volume: Readonly<PersistentVolume>, old: Readonly<PersistentVolume>): Finding[] {
  const whole = [...validateObjectMeta({ namespaced: false }, volume.metadata), ...validateVolume(volume)]
  // As on creation, then again as an update.
  const out = [...whole, ...whole]
  const source = ({ spec }: Readonly<PersistentVolume>) => Object.fromEntries(VOLUME_SOURCES.filter((name) => spec[name] !== undefined).map((name) => [name, spec[name]]))
  if (!deepEqual(source(volume), source(old))) out.push(forbidden('spec.persistentvolumesource', `spec.persistentvolumesource is immutable after creation\n${specDiff('PersistentVolumeSource', source(old), source(volume))}`))
  checkImmutable(out, volume.spec.volumeMode, old.spec.volumeMode, 'volumeMode')
  if (old.spec.nodeAffinity) checkAffinityChange(out, volume.spec.nodeAffinity, old.spec.nodeAffinity)
  if (old.spec.volumeAttributesClassName !== undefined && volume.spec.volumeAttributesClassName === undefined) out.push(forbidden('spec.volumeAttributesClassName', 'update from non-nil value to nil is forbidden'))
  return out
}

/** k8s: validatePvNodeAffinity */
function checkAffinityChange(out: Finding[], now: PersistentVolume['spec']['nodeAffinity'], before: PersistentVolume['spec']['nodeAffinity']): void {
  if (deepEqual(now ?? null, before ?? null)) return
  const expressions = (list: readonly { key: string; operator: string; values?: readonly string[] }[] | undefined) => list?.map(({ key, operator, values }) => ({ Key: key, Operator: operator, Values: values ?? null })) ?? null
  const shown = now ? { Required: now.required ? { NodeSelectorTerms: now.required.nodeSelectorTerms?.map((term) => ({ MatchExpressions: expressions(term.matchExpressions), MatchFields: expressions(term.matchFields) })) ?? null } : null } : null
  out.push(invalid('nodeAffinity', shown, 'field is immutable, except for updating from beta label to GA'))
}

/** k8s: pkg/api/persistentvolume GetWarningsForPersistentVolume */
function volumeWarnings({ spec }: Readonly<PersistentVolume>): string[] {
  const warnings: string[] = []
  if (spec.persistentVolumeReclaimPolicy === 'Recycle') warnings.push('spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.')
  const gone: [(typeof VOLUME_SOURCES)[number], string][] = [
    ['cephfs', 'spec.cephfs: deprecated in v1.28, non-functional in v1.31+'], ['photonPersistentDisk', 'spec.photonPersistentDisk: deprecated in v1.11, non-functional in v1.16+'],
    ['scaleIO', 'spec.scaleIO: deprecated in v1.16, non-functional in v1.22+'], ['storageos', 'spec.storageOS: deprecated in v1.22, non-functional in v1.25+'],
    ['glusterfs', 'spec.glusterfs: deprecated in v1.25, non-functional in v1.26+'], ['rbd', 'spec.rbd: deprecated in v1.28, non-functional in v1.31+'],
  ]
  for (const [source, text] of gone) if (spec[source] !== undefined) warnings.push(text)
  return warnings
}
