import { selectorCell, templateCells } from '../cells.ts'
import { defaultPodTemplate } from '../core/pod-defaults.ts'
import { checkImmutable, checkNotNegative } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import type { ReplicaSet } from '../generated/types.ts'
import type { Finding } from '../findings.ts'
import { specAndStatus } from '../strategies.ts'
import { checkReplicaCounts, checkRunningTemplate, checkSelector } from './validate-workload.ts'
import { templateWarnings } from '../core/pod-warnings.ts'

export const replicaSet = defineKind<ReplicaSet>({
  group: 'apps', version: 'v1', resource: 'replicasets',
  defaults(draft) {
    draft.spec.replicas ??= 1
    defaultPodTemplate(draft.spec.template)
  },
  validate: validateReplicaSet,
  validateUpdate(object, old) {
    const out = validateReplicaSet(object)
    checkImmutable(out, object.spec.selector, old.spec.selector, 'spec.selector')
    return out
  },
  validateStatusUpdate(object) {
    const out: Finding[] = []
    checkReplicaCounts(out, object.status, ['fullyLabeledReplicas'])
    return out
  },
  strategy: { ...specAndStatus<ReplicaSet>('io.k8s.api.apps.v1.ReplicaSetStatus'), ...templateWarnings<ReplicaSet>((object) => object.spec.template, 'spec.template') },
  cells: {
    Desired: ({ spec }) => spec.replicas ?? 0, Current: ({ status }) => status?.replicas ?? 0, Ready: ({ status }) => status?.readyReplicas ?? 0,
    ...templateCells<ReplicaSet>((object) => object.spec.template),
    ...selectorCell<ReplicaSet>((object) => object.spec.selector),
  },
})

/** k8s: ValidateReplicaSetSpec */
function validateReplicaSet({ spec }: Readonly<ReplicaSet>): Finding[] {
  const out: Finding[] = []
  checkNotNegative(out, spec.replicas, 'spec.replicas')
  checkNotNegative(out, spec.minReadySeconds, 'spec.minReadySeconds')
  const selector = checkSelector(out, spec.selector, 'spec.selector', 'deployment', 'invalid label selector')
  if (selector) checkRunningTemplate(out, spec.template, selector, 'spec.template', 'ReplicaSet')
  return out
}
