import { deepEqual } from '../../../base/freeze.ts'
import { templateCells } from '../cells.ts'
import { defaultClaim } from '../core/persistent-volume-claim.ts'
import { defaultPodTemplate } from '../core/pod-defaults.ts'
import { checkDnsLabel, checkNotNegative } from '../checks.ts'
import { validateClaimSpec } from '../core/validate-claim.ts'
import { defineKind } from '../define-kind.ts'
import { forbidden, invalid, notSupported, required, type Finding } from '../findings.ts'
import type { PodTemplateSpec, StatefulSet, StatefulSetSpec } from '../generated/types.ts'
import { labelName } from '../names.ts'
import { specAndStatus } from '../strategies.ts'
import { validatePodTemplate } from '../core/validate-pod.ts'
import { validateAnnotations, validateLabels } from '../validate-metadata.ts'
import { checkAlwaysRestarts, checkCollisionCount, checkCounts, checkSelector, shownLabels } from './validate-workload.ts'
import { claimSpecWarnings, templateWarnings } from '../core/pod-warnings.ts'

const COUNTS = ['replicas', 'readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas']

/** A feature that is off by default: MaxUnavailableStatefulSet. Field managers keep its fields. k8s: dropStatefulSetDisabledFields */
function dropGatedFields({ spec }: StatefulSet): void {
  delete spec.updateStrategy?.rollingUpdate?.maxUnavailable
}

export const statefulSet = defineKind<StatefulSet>({
  group: 'apps', version: 'v1', resource: 'statefulsets',
  defaults({ spec }) {
    spec.podManagementPolicy ??= 'OrderedReady'
    const strategy = (spec.updateStrategy ??= {})
    if (!strategy.type) {
      strategy.type = 'RollingUpdate'
      strategy.rollingUpdate ??= {}
    }
    if (strategy.type === 'RollingUpdate' && strategy.rollingUpdate) strategy.rollingUpdate.partition ??= 0
    const retention = (spec.persistentVolumeClaimRetentionPolicy ??= {})
    retention.whenDeleted ??= 'Retain'
    retention.whenScaled ??= 'Retain'
    spec.replicas ??= 1
    spec.revisionHistoryLimit ??= 10
    defaultPodTemplate(spec.template)
    for (const claim of spec.volumeClaimTemplates ?? []) {
      defaultClaim(claim)
      claim.kind = 'PersistentVolumeClaim'
      claim.apiVersion = 'v1'
    }
  },
  nameRule: labelName,
  validate: (object) => validateStatefulSet(object, false),
  validateUpdate(object, old) {
    const out = validateStatefulSet(object, true)
    if (!deepEqual(fixedPart(object.spec), fixedPart(old.spec))) {
      out.push(forbidden('spec', "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"))
    }
    return out
  },
  validateStatusUpdate(object, old) {
    const out: Finding[] = []
    checkCounts(out, { ...object.status }, [...COUNTS, 'observedGeneration', 'collisionCount'], [
      ...COUNTS.slice(1).map((name) => [name, 'replicas', 'cannot be greater than status.replicas'] as const), ['availableReplicas', 'readyReplicas', 'cannot be greater than status.readyReplicas'],
    ])
    checkCollisionCount(out, object.status, old.status)
    return out
  },
  strategy: {
    ...specAndStatus<StatefulSet>('io.k8s.api.apps.v1.StatefulSetStatus', { also: dropGatedFields }),
    warningsOnCreate: (object) => [...podTemplateWarnings.warningsOnCreate!(object), ...setWarnings(object)],
    warningsOnUpdate: (object, old) => [...podTemplateWarnings.warningsOnUpdate!(object, old), ...setWarnings(object)],
  },
  cells: {
    Ready: ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec.replicas ?? 0}`,
    ...templateCells<StatefulSet>((object) => object.spec.template),
  },
})

const podTemplateWarnings = templateWarnings<StatefulSet>((object) => object.spec.template, 'spec.template', false)

function setWarnings({ spec }: Readonly<StatefulSet>): string[] {
  const out = (spec.volumeClaimTemplates ?? []).flatMap((claim, i) => claimSpecWarnings(claim.spec, `spec.volumeClaimTemplates[${i}]`))
  if ((spec.revisionHistoryLimit ?? 0) < 0) out.push('spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended')
  return out
}

/** What an update may not change. */
function fixedPart(spec: Readonly<StatefulSetSpec>): object {
  const { replicas: _a, template: _b, updateStrategy: _c, minReadySeconds: _d, ordinals: _e, revisionHistoryLimit: _f, persistentVolumeClaimRetentionPolicy: _g, ...fixed } = spec
  return fixed
}

/** k8s: ValidateStatefulSetSpec */
function validateStatefulSet({ spec }: Readonly<StatefulSet>, isUpdate: boolean): Finding[] {
  const out: Finding[] = []
  const policy = spec.podManagementPolicy as string | undefined
  if (!policy) out.push(required('spec.podManagementPolicy'))
  else if (policy !== 'OrderedReady' && policy !== 'Parallel') out.push(invalid('spec.podManagementPolicy', policy, "must be 'OrderedReady' or 'Parallel'"))
  const { type, rollingUpdate } = spec.updateStrategy ?? {}
  const at = 'spec.updateStrategy.rollingUpdate'
  const internal = rollingUpdate ? { Partition: rollingUpdate.partition ?? 0, MaxUnavailable: null } : null
  if (!type) out.push(required('spec.updateStrategy'))
  else if (type === 'OnDelete') {
    if (rollingUpdate) out.push(invalid(at, internal, "only allowed for updateStrategy 'RollingUpdate'"))
  } else if (type === 'RollingUpdate') {
    checkNotNegative(out, rollingUpdate?.partition, `${at}.partition`)
  } else out.push(invalid('spec.updateStrategy', { Type: type, RollingUpdate: internal }, "must be 'RollingUpdate' or 'OnDelete'"))
  const retention = spec.persistentVolumeClaimRetentionPolicy
  for (const when of ['whenDeleted', 'whenScaled'] as const) {
    const value = retention?.[when] as string | undefined
    if (retention && value !== 'Retain' && value !== 'Delete') out.push(notSupported(`spec.persistentVolumeClaimRetentionPolicy.${when}`, value ?? '', ['Retain', 'Delete']))
  }
  if (!isUpdate) (spec.volumeClaimTemplates ?? []).forEach((claim, i) => validateClaimSpec(out, claim.spec, `spec.volumeClaimTemplates[${i}].spec`))
  checkNotNegative(out, spec.replicas, 'spec.replicas')
  checkNotNegative(out, spec.minReadySeconds, 'spec.minReadySeconds')
  checkNotNegative(out, spec.ordinals?.start, 'spec.ordinals.start')
  if (!isUpdate && spec.serviceName) checkDnsLabel(out, spec.serviceName, 'spec.serviceName')
  const selector = checkSelector(out, spec.selector, 'spec.selector', 'statefulset', '')
  const template = withClaims(spec)
  if (selector) {
    const labels = template?.metadata?.labels
    if (!selector.empty && !selector.matches(labels)) out.push(invalid('spec.template.metadata.labels', shownLabels(spec.template), '`selector` does not match template `labels`'))
    validatePodTemplate(out, template, 'spec.template')
    // Once more, as upstream does.
    out.push(...validateLabels(labels ?? {}, 'spec.template.labels'), ...validateAnnotations(template?.metadata?.annotations ?? {}, 'spec.template.annotations'))
  }
  checkAlwaysRestarts(out, spec.template, 'spec.template', 'StatefulSet')
  return out
}

/** The template as pods get it: claims of the set are volumes, host names come from ordinals. */
function withClaims({ template, volumeClaimTemplates = [] }: Readonly<StatefulSetSpec>): PodTemplateSpec {
  if (!template?.spec || (volumeClaimTemplates.length === 0 && !template.spec.subdomain && !template.spec.hostname)) return template
  const { subdomain: _a, hostname: _b, ...spec } = template.spec
  const claims = [...new Set(volumeClaimTemplates.map((claim) => claim.metadata?.name ?? ''))]
  return { ...template, spec: { ...spec, volumes: [...claims.map((name) => ({ name, persistentVolumeClaim: { claimName: name } })), ...(spec.volumes ?? []).filter((volume) => !claims.includes(volume.name))] } }
}
