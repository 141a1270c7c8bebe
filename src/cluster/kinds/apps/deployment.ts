import { deepEqual } from '../../../base/freeze.ts'
import { templateCells } from '../cells.ts'
import { defaultPodTemplate } from '../core/pod-defaults.ts'
import { checkImmutable, checkNotNegative } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import type { Deployment } from '../generated/types.ts'
import { forbidden, invalid, notSupported, type Finding } from '../findings.ts'
import { labelSelectorText } from '../label-selector.ts'
import { bumpGeneration, keep, specAndStatus } from '../strategies.ts'
import { checkAtMost100Percent, checkCollisionCount, checkIntOrPercent, checkReplicaCounts, checkRunningTemplate, checkSelector, intOrPercentValue } from './validate-workload.ts'
import { templateWarnings } from '../core/pod-warnings.ts'

export const deployment = defineKind<Deployment>({
  group: 'apps', version: 'v1', resource: 'deployments',
  defaults(draft) {
    const { spec } = draft
    spec.replicas ??= 1
    const strategy = (spec.strategy ??= {})
    strategy.type ??= 'RollingUpdate'
    if (strategy.type === 'RollingUpdate') {
      strategy.rollingUpdate ??= {}
      strategy.rollingUpdate.maxUnavailable ??= '25%'
      strategy.rollingUpdate.maxSurge ??= '25%'
    }
    spec.revisionHistoryLimit ??= 10
    spec.progressDeadlineSeconds ??= 600
    defaultPodTemplate(spec.template)
  },
  validate: validateDeployment,
  validateUpdate(object, old) {
    const out = validateDeployment(object)
    checkImmutable(out, object.spec.selector, old.spec.selector, 'spec.selector')
    return out
  },
  validateStatusUpdate(object, old) {
    const out: Finding[] = []
    checkReplicaCounts(out, object.status, ['updatedReplicas', 'unavailableReplicas'])
    checkCollisionCount(out, object.status, old.status)
    return out
  },
  strategy: {
    ...specAndStatus<Deployment>('io.k8s.api.apps.v1.DeploymentStatus'),
    ...templateWarnings<Deployment>((object) => object.spec.template, 'spec.template'),
    beforeUpdate(draft, old) {
      keep(draft, old, 'status')
      // Annotations count too: `kubectl rollout` records what changed in them.
      bumpGeneration(draft, old, !deepEqual(draft.spec, old.spec) || !deepEqual(draft.metadata.annotations ?? {}, old.metadata.annotations ?? {}))
    },
    beforeStatusUpdate(draft, old) {
      keep(draft, old, 'spec')
      if (old.metadata.labels === undefined) delete draft.metadata.labels
      else draft.metadata.labels = old.metadata.labels
    },
  },
  cells: {
    Ready: ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec.replicas ?? 0}`,
    'Up-to-date': ({ status }) => status?.updatedReplicas ?? 0,
    Available: ({ status }) => status?.availableReplicas ?? 0,
    ...templateCells<Deployment>((object) => object.spec.template),
    Selector: ({ spec }) => labelSelectorText(spec.selector).replace('<none>', '').replace('<error>', '<invalid>'),
  },
})

/** k8s: ValidateDeploymentSpec */
function validateDeployment({ spec }: Readonly<Deployment>): Finding[] {
  const out: Finding[] = []
  checkNotNegative(out, spec.replicas, 'spec.replicas')
  const selector = checkSelector(out, spec.selector, 'spec.selector', 'deployment', 'invalid label selector')
  if (selector) checkRunningTemplate(out, spec.template, selector, 'spec.template', 'ReplicaSet')
  const strategy = spec.strategy ?? {}
  const rolling = strategy.rollingUpdate
  const at = 'spec.strategy.rollingUpdate'
  if (strategy.type === 'Recreate') {
    if (rolling) out.push(forbidden(at, "may not be specified when strategy `type` is 'Recreate'"))
  } else if (strategy.type === 'RollingUpdate') {
    checkIntOrPercent(out, rolling?.maxUnavailable, `${at}.maxUnavailable`)
    checkIntOrPercent(out, rolling?.maxSurge, `${at}.maxSurge`)
    if (intOrPercentValue(rolling?.maxUnavailable) === 0 && intOrPercentValue(rolling?.maxSurge) === 0) out.push(invalid(`${at}.maxUnavailable`, rolling?.maxUnavailable ?? 0, 'may not be 0 when `maxSurge` is 0'))
    checkAtMost100Percent(out, rolling?.maxUnavailable, `${at}.maxUnavailable`)
  } else {
    // Shown as the server holds it.
    out.push(notSupported('spec.strategy', { Type: strategy.type, RollingUpdate: rolling ? { MaxUnavailable: rolling.maxUnavailable ?? 0, MaxSurge: rolling.maxSurge ?? 0 } : null }, ['Recreate', 'RollingUpdate']))
  }
  checkNotNegative(out, spec.minReadySeconds, 'spec.minReadySeconds')
  checkNotNegative(out, spec.revisionHistoryLimit, 'spec.revisionHistoryLimit')
  const deadline = spec.progressDeadlineSeconds
  if (deadline !== undefined) {
    checkNotNegative(out, deadline, 'spec.progressDeadlineSeconds')
    if (deadline <= (spec.minReadySeconds ?? 0)) out.push(invalid('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds'))
  }
  return out
}
