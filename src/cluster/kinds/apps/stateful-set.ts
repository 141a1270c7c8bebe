import { templateCells } from '../cells.ts'
import { defaultClaim } from '../core/persistent-volume-claim.ts'
import { defaultPodTemplate } from '../core/pod-defaults.ts'
import { defineKind } from '../define-kind.ts'
import type { StatefulSet } from '../generated/types.ts'
import { specAndStatus } from '../strategies.ts'

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
  strategy: specAndStatus<StatefulSet>('io.k8s.api.apps.v1.StatefulSetStatus'),
  cells: {
    Ready: ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec.replicas ?? 0}`,
    ...templateCells<StatefulSet>((object) => object.spec.template),
  },
})
