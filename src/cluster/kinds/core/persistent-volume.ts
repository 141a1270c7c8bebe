import { specDiff } from './spec-diff.ts'
import { deepEqual } from '../../../base/freeze.ts'
import { accessModesText } from '../cells.ts'
import { checkImmutable } from '../checks.ts'
import { givenEmpty } from '../decode.ts'
import { defineKind } from '../define-kind.ts'
import { forbidden, invalid, type Finding } from '../findings.ts'
import { validateObjectMeta } from '../validate-metadata.ts'
import type { PersistentVolume } from '../generated/types.ts'
import { keep } from '../strategies.ts'
import { timeText } from '../time-text.ts'
import { nodeLabelWarnings } from './pod-warnings.ts'
import { VOLUME_SOURCES } from './validate-persistent-volume-source.ts'
import { validateVolumeSpec } from './validate-persistent-volume.ts'
import { defaultVolumeSources } from './volume-defaults.ts'

export const persistentVolume = defineKind<PersistentVolume>({
  group: '', version: 'v1', resource: 'persistentvolumes',
  defaults({ spec, status }) {
    if (status) status.phase ??= 'Pending'
    spec.persistentVolumeReclaimPolicy ??= 'Retain'
    spec.volumeMode ??= 'Filesystem'
    defaultVolumeSources(spec)
  },
  validate: (volume) => [...validateVolume(volume), ...mountOptionFindings(volume)],
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

function validateVolume({ metadata, spec }: Readonly<PersistentVolume>): Finding[] {
  const out: Finding[] = []
  validateVolumeSpec(out, spec, 'spec', metadata.name ?? '')
  return out
}

const MOUNT_OPTIONS = 'volume.beta.kubernetes.io/mount-options'
const MOUNTED_WITH_OPTIONS = [
  'gcePersistentDisk', 'awsElasticBlockStore', 'glusterfs', 'nfs', 'rbd', 'quobyte', 'iscsi', 'cinder', 'cephfs', 'azureFile', 'vsphereVolume', 'azureDisk', 'photonPersistentDisk',
] as const

/** The annotation is from when not every type knew options. k8s: pkg/volume/validation checkMountOption */
function mountOptionFindings({ metadata, spec }: Readonly<PersistentVolume>): Finding[] {
  if (metadata.annotations?.[MOUNT_OPTIONS] === undefined || MOUNTED_WITH_OPTIONS.some((source) => spec[source])) return []
  return [forbidden(`metadata.annotations.${MOUNT_OPTIONS}`, 'may not specify mount options for this volume type')]
}

/** k8s: ValidatePersistentVolumeUpdate */
function validateVolumeUpdate(volume: Readonly<PersistentVolume>, old: Readonly<PersistentVolume>): Finding[] {
  const whole = [...validateObjectMeta({ namespaced: false }, volume.metadata), ...validateVolume(volume)]
  // As on creation, then again as an update.
  const out = [...whole, ...mountOptionFindings(volume), ...whole]
  const source = ({ spec }: Readonly<PersistentVolume>) => Object.fromEntries(VOLUME_SOURCES.filter((name) => spec[name] !== undefined).map((name) => [name, spec[name]]))
  const now = source(volume)
  // The secret for growing may be added later.
  if (old.spec.csi && !old.spec.csi.controllerExpandSecretRef && volume.spec.csi?.controllerExpandSecretRef) {
    const { controllerExpandSecretRef: _, ...rest } = volume.spec.csi
    now.csi = rest
  }
  if (!deepEqual(now, source(old))) out.push(forbidden('spec.persistentvolumesource', `spec.persistentvolumesource is immutable after creation\n${specDiff('PersistentVolumeSource', source(old), now)}`))
  checkImmutable(out, volume.spec.volumeMode, old.spec.volumeMode, 'volumeMode')
  if (old.spec.nodeAffinity) checkAffinityChange(out, volume.spec.nodeAffinity, old.spec.nodeAffinity)
  if (old.spec.volumeAttributesClassName !== undefined && volume.spec.volumeAttributesClassName === undefined) out.push(forbidden('spec.volumeAttributesClassName', 'update from non-nil value to nil is forbidden'))
  return out
}

const RENAMED_LABELS: Readonly<Record<string, string>> = {
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone', 'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
  'beta.kubernetes.io/os': 'kubernetes.io/os', 'beta.kubernetes.io/arch': 'kubernetes.io/arch', 'beta.kubernetes.io/instance-type': 'node.kubernetes.io/instance-type',
}

type NodeAffinity = PersistentVolume['spec']['nodeAffinity']

/** What is wanted, with the old names of labels where only these were replaced by the new ones. */
function renamed(now: NodeAffinity, before: NodeAffinity): NodeAffinity {
  const terms = now?.required?.nodeSelectorTerms
  if (!terms) return now
  const list = (field: 'matchExpressions' | 'matchFields', i: number) => terms[i]![field]?.map((expression, j) => {
    const old = before?.required?.nodeSelectorTerms?.[i]?.[field]?.[j]?.key
    // A label without a new name may lose its name: upstream looks it up all the same.
    return old !== undefined && expression.key === (RENAMED_LABELS[old] ?? '') ? { ...expression, key: old } : expression
  })
  const out = terms.map((term, i) => ({ ...term, ...(term.matchExpressions ? { matchExpressions: list('matchExpressions', i)! } : {}), ...(term.matchFields ? { matchFields: list('matchFields', i)! } : {}) }))
  return { ...now, required: { ...now.required, nodeSelectorTerms: out } }
}

/** k8s: validatePvNodeAffinity */
function checkAffinityChange(out: Finding[], now: NodeAffinity, before: NodeAffinity): void {
  if (deepEqual(renamed(now, before) ?? null, before ?? null)) return
  const expressions = (list: readonly { key: string; operator: string; values?: readonly string[] }[] | undefined) => list?.map(({ key, operator, values }) => ({ Key: key, Operator: operator, Values: values ?? null })) ?? null
  const shown = now ? { Required: now.required ? { NodeSelectorTerms: now.required.nodeSelectorTerms?.map((term) => ({ MatchExpressions: expressions(term.matchExpressions), MatchFields: expressions(term.matchFields) })) ?? (givenEmpty(now.required, 'nodeSelectorTerms') ? [] : null) } : null } : null
  out.push(invalid('nodeAffinity', shown, 'field is immutable, except for updating from beta label to GA'))
}

const OLD_ANNOTATIONS = [
  ['volume.beta.kubernetes.io/storage-class', 'deprecated since v1.8; use "storageClassName" attribute instead'],
  [MOUNT_OPTIONS, 'deprecated since v1.31; use "mountOptions" attribute instead'],
] as const

/** k8s: pkg/api/persistentvolume GetWarningsForPersistentVolume */
function volumeWarnings({ metadata, spec }: Readonly<PersistentVolume>): string[] {
  const warnings: string[] = []
  for (const [key, text] of OLD_ANNOTATIONS) if (metadata.annotations && Object.hasOwn(metadata.annotations, key)) warnings.push(`metadata.annotations[${key}]: ${text}`)
  if (spec.persistentVolumeReclaimPolicy === 'Recycle') warnings.push('spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.')
  spec.nodeAffinity?.required?.nodeSelectorTerms?.forEach((term, i) => nodeLabelWarnings(warnings, term, `spec.nodeAffinity.required.nodeSelectorTerms[${i}]`))
  const gone: [(typeof VOLUME_SOURCES)[number], string][] = [
    ['cephfs', 'spec.cephfs: deprecated in v1.28, non-functional in v1.31+'], ['photonPersistentDisk', 'spec.photonPersistentDisk: deprecated in v1.11, non-functional in v1.16+'],
    ['scaleIO', 'spec.scaleIO: deprecated in v1.16, non-functional in v1.22+'], ['storageos', 'spec.storageOS: deprecated in v1.22, non-functional in v1.25+'],
    ['glusterfs', 'spec.glusterfs: deprecated in v1.25, non-functional in v1.26+'], ['rbd', 'spec.rbd: deprecated in v1.28, non-functional in v1.31+'],
  ]
  for (const [source, text] of gone) if (spec[source] !== undefined) warnings.push(text)
  return warnings
}
