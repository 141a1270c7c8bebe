import { deepEqual } from '../../../base/freeze.ts'
import { templateCells } from '../cells.ts'
import { defaultPodTemplate } from '../core/pod-defaults.ts'
import { defineKind } from '../define-kind.ts'
import type { Deployment } from '../generated/types.ts'
import { labelSelectorText } from '../label-selector.ts'
import { bumpGeneration, keep, specAndStatus } from '../strategies.ts'

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
  strategy: {
    ...specAndStatus<Deployment>('io.k8s.api.apps.v1.DeploymentStatus'),
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
    'Up-to-date': ({ status }) => String(status?.updatedReplicas ?? 0),
    Available: ({ status }) => String(status?.availableReplicas ?? 0),
    ...templateCells<Deployment>((object) => object.spec.template),
    Selector: ({ spec }) => labelSelectorText(spec.selector).replace('<none>', '').replace('<error>', '<invalid>'),
  },
})
