import { deepEqual } from '../../../base/freeze.ts'
import { selectorCell, templateCells } from '../cells.ts'
import { defaultPodTemplate } from '../core/pod-defaults.ts'
import { defineKind } from '../define-kind.ts'
import type { DaemonSet } from '../generated/types.ts'
import { labelsText } from '../label-selector.ts'
import { bumpGeneration, keep, specAndStatus } from '../strategies.ts'

/** Where apps/v1 keeps the generation of the template. */
const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation'

function setTemplateGeneration(draft: DaemonSet, generation: number): void {
  draft.metadata.annotations = { ...draft.metadata.annotations, [TEMPLATE_GENERATION]: String(generation) }
}

export const daemonSet = defineKind<DaemonSet>({
  group: 'apps', version: 'v1', resource: 'daemonsets',
  defaults(draft) {
    const strategy = (draft.spec.updateStrategy ??= {})
    strategy.type ??= 'RollingUpdate'
    if (strategy.type === 'RollingUpdate') {
      strategy.rollingUpdate ??= {}
      strategy.rollingUpdate.maxUnavailable ??= 1
      strategy.rollingUpdate.maxSurge ??= 0
    }
    draft.spec.revisionHistoryLimit ??= 10
    defaultPodTemplate(draft.spec.template)
  },
  strategy: {
    ...specAndStatus<DaemonSet>('io.k8s.api.apps.v1.DaemonSetStatus', {}),
    beforeCreate(draft) {
      specAndStatus<DaemonSet>('io.k8s.api.apps.v1.DaemonSetStatus').beforeCreate(draft, undefined as never)
      if (!(Number(draft.metadata.annotations?.[TEMPLATE_GENERATION]) > 0)) setTemplateGeneration(draft, 1)
    },
    beforeUpdate(draft, old) {
      keep(draft, old, 'status')
      const before = Number(old.metadata.annotations?.[TEMPLATE_GENERATION] ?? 0)
      const templateChanged = !deepEqual(draft.spec.template, old.spec.template)
      setTemplateGeneration(draft, templateChanged ? before + 1 : before)
      bumpGeneration(draft, old, !deepEqual(draft.spec, old.spec))
    },
  },
  cells: {
    Desired: ({ status }) => status?.desiredNumberScheduled ?? 0, Current: ({ status }) => status?.currentNumberScheduled ?? 0, Ready: ({ status }) => status?.numberReady ?? 0,
    'Up-to-date': ({ status }) => status?.updatedNumberScheduled ?? 0, Available: ({ status }) => status?.numberAvailable ?? 0,
    'Node Selector': ({ spec }) => labelsText(spec.template?.spec?.nodeSelector),
    ...templateCells<DaemonSet>((object) => object.spec.template),
    ...selectorCell<DaemonSet>((object) => object.spec.selector),
  },
})
