import { selectorCell, templateCells } from '../cells.ts'
import { defaultPodTemplate } from '../core/pod-defaults.ts'
import { defineKind } from '../define-kind.ts'
import type { ReplicaSet } from '../generated/types.ts'
import { specAndStatus } from '../strategies.ts'

export const replicaSet = defineKind<ReplicaSet>({
  group: 'apps', version: 'v1', resource: 'replicasets',
  defaults(draft) {
    draft.spec.replicas ??= 1
    defaultPodTemplate(draft.spec.template)
  },
  strategy: specAndStatus<ReplicaSet>('io.k8s.api.apps.v1.ReplicaSetStatus'),
  cells: {
    Desired: ({ spec }) => spec.replicas ?? 0, Current: ({ status }) => status?.replicas ?? 0, Ready: ({ status }) => status?.readyReplicas ?? 0,
    ...templateCells<ReplicaSet>((object) => object.spec.template),
    ...selectorCell<ReplicaSet>((object) => object.spec.selector),
  },
})
