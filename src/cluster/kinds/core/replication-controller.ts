import { templateCells } from '../cells.ts'
import { checkReplicaCounts, checkRunningTemplate } from '../apps/validate-workload.ts'
import { checkNotNegative } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import type { ReplicationController } from '../generated/types.ts'
import { required, type Finding } from '../findings.ts'
import { declaredLongName } from '../names.ts'
import { selectorOfLabels, labelsText } from '../label-selector.ts'
import { specAndStatus } from '../strategies.ts'
import { defaultPodTemplate } from './pod-defaults.ts'
import { templateWarnings } from './pod-warnings.ts'

const warnings = templateWarnings<ReplicationController>((object) => object.spec.template, 'spec.template')

export const replicationController = defineKind<ReplicationController>({
  group: '', version: 'v1', resource: 'replicationcontrollers', nameRule: declaredLongName,
  defaults(draft) {
    const labels = draft.spec.template?.metadata?.labels
    if (labels) {
      if (Object.keys(draft.spec.selector ?? {}).length === 0) draft.spec.selector = { ...labels }
      if (Object.keys(draft.metadata.labels ?? {}).length === 0) draft.metadata.labels = { ...labels }
    }
    draft.spec.replicas ??= 1
    defaultPodTemplate(draft.spec.template)
  },
  validate: validateController,
  validateUpdate: validateController,
  validateStatusUpdate(object) {
    const out: Finding[] = []
    checkReplicaCounts(out, object.status, ['fullyLabeledReplicas'])
    return out
  },
  strategy: {
    ...specAndStatus<ReplicationController>('io.k8s.api.core.v1.ReplicationControllerStatus'),
    ...warnings,
    // The strategy hands both templates over in the wrong order, so the old one is looked at.
    warningsOnUpdate: (object, old) => (object.metadata.generation === old.metadata.generation ? [] : warnings.warningsOnUpdate!({ ...old, metadata: { ...old.metadata, generation: -1 } }, old)),
    defaultGarbagePolicy: 'orphan',
  },
  cells: {
    Desired: ({ spec }) => spec.replicas ?? 0, Current: ({ status }) => status?.replicas ?? 0, Ready: ({ status }) => status?.readyReplicas ?? 0,
    ...templateCells<ReplicationController>((object) => object.spec.template),
    Selector: ({ spec }) => labelsText(spec.selector),
  },
  selectableFields: (object) => ({ 'status.replicas': String(object.status?.replicas ?? 0) }),
})

/** k8s: ValidateReplicationControllerSpec */
function validateController({ spec }: Readonly<ReplicationController>): Finding[] {
  const out: Finding[] = []
  checkNotNegative(out, spec.minReadySeconds, 'spec.minReadySeconds')
  if (Object.keys(spec.selector ?? {}).length === 0) out.push(required('spec.selector'))
  checkNotNegative(out, spec.replicas, 'spec.replicas')
  if (!spec.template) out.push(required('spec.template'))
  else checkRunningTemplate(out, spec.template, selectorOfLabels(spec.selector), 'spec.template', 'ReplicationController')
  return out
}
