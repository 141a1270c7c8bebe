import { defineKind } from '../define-kind.ts'
import type { APIService } from '../generated/types.ts'
import { pathSegmentName } from '../names.ts'
import { keep, keepMetadata } from '../strategies.ts'
import { timeText } from '../time-text.ts'

// @k8s no: Aggregation: an APIService of an extension server is stored, requests aren't passed on yet; no metrics.k8s.io

export const apiService = defineKind<APIService>({
  group: 'apiregistration.k8s.io', version: 'v1', resource: 'apiservices',
  defaults({ spec }) {
    if (spec?.service) spec.service.port ??= 443
  },
  nameRule: pathSegmentName,
  strategy: {
    allowUnconditionalUpdate: false,
    beforeCreate(draft, { nowMs }) {
      draft.status = {}
      // A group version that this server serves itself is always there.
      if (draft.spec && !draft.spec.service) {
        draft.status.conditions = [{ type: 'Available', status: 'True', lastTransitionTime: timeText(nowMs), reason: 'Local', message: 'Local APIServices are always available' }]
      }
    },
    beforeUpdate: (draft, old) => keep(draft, old, 'status'),
    beforeStatusUpdate(draft, old) {
      keep(draft, old, 'spec')
      keepMetadata(draft, old)
    },
  },
  cells: {
    Service: ({ spec }) => (spec?.service ? `${spec.service.namespace}/${spec.service.name}` : 'Local'),
    Available({ status }) {
      const available = status?.conditions?.find((condition) => condition.type === 'Available')
      if (!available) return 'Unknown'
      return available.status === 'True' ? 'True' : `${available.status} (${available.reason ?? ''})`
    },
  },
})
