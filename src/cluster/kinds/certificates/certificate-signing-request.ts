import { defineKind } from '../define-kind.ts'
import { humanDuration } from '../duration.ts'
import { invalid } from '../findings.ts'
import type { CertificateSigningRequest } from '../generated/types.ts'
import { pathSegmentName } from '../names.ts'
import { keep } from '../strategies.ts'
import { timeText } from '../time-text.ts'
import { validateRequest, validateRequestUpdate } from './validate-request.ts'

type Status = NonNullable<CertificateSigningRequest['status']>

export const certificateSigningRequest = defineKind<CertificateSigningRequest>({
  group: 'certificates.k8s.io', version: 'v1', resource: 'certificatesigningrequests',
  nameRule: () => [],
  validate(object) {
    const out = validateRequest(object)
    if (out.length > 0) return out
    // Any name is fine here, if only it fits into a path, which is looked at last.
    const { name, generateName } = object.metadata
    if (generateName) for (const problem of pathSegmentName(generateName, true)) out.push(invalid('metadata.generateName', generateName, problem))
    if (name) for (const problem of pathSegmentName(name, false)) out.push(invalid('metadata.name', name, problem))
    return out
  },
  validateUpdate: (object, old) => validateRequestUpdate(object, old),
  validateStatusUpdate: (object, old) => validateRequestUpdate(object, old, { issue: true }),
  strategy: {
    beforeCreate(draft, { user }) {
      const { spec } = draft
      // Who asks is what the server saw, not what the request says.
      delete spec.uid
      delete spec.extra
      spec.username = user.name
      if (user.groups.length > 0) spec.groups = [...user.groups]
      else delete spec.groups
      const { uid, extra } = user as { uid?: string; extra?: Readonly<Record<string, readonly string[]>> }
      if (uid) spec.uid = uid
      if (extra && Object.keys(extra).length > 0) spec.extra = Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]]))
      draft.status = {}
    },
    beforeUpdate: (draft, old) => keep(draft, old, 'spec', 'status'),
    beforeStatusUpdate(draft, old, { nowMs }) {
      keep(draft, old, 'spec')
      stampConditions(draft.status, old.status, nowMs)
      // Approval and denial have a subresource of their own.
      const own = (status: Status | undefined) => (status?.conditions ?? []).filter((condition) => condition.type === 'Approved' || condition.type === 'Denied')
      const rest = (draft.status?.conditions ?? []).filter((condition) => condition.type !== 'Approved' && condition.type !== 'Denied')
      const conditions = [...own(old.status), ...rest]
      if (draft.status && conditions.length > 0) draft.status.conditions = conditions
    },
  },
  cells: {
    SignerName: ({ spec }) => spec.signerName || '<none>',
    Requestor: ({ spec }) => spec.username ?? '',
    RequestedDuration: ({ spec }) => (spec.expirationSeconds === undefined ? '<none>' : humanDuration(spec.expirationSeconds * 1000)),
    Condition({ status }) {
      const has = (type: string) => status?.conditions?.some((condition) => condition.type === type)
      return `${has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending'}${has('Failed') ? ',Failed' : ''}${status?.certificate ? ',Issued' : ''}`
    },
  },
  selectableFields: (object) => ({ 'spec.signerName': object.spec.signerName ?? '' }),
})

/** Times of conditions the writer left open. k8s: pkg/registry/certificates populateConditionTimestamps */
function stampConditions(status: Status | undefined, old: Readonly<Status> | undefined, nowMs: number): void {
  const now = timeText(nowMs)
  for (const condition of status?.conditions ?? []) {
    condition.lastUpdateTime ||= now
    if (!condition.lastTransitionTime) {
      const before = old?.conditions?.find((known) => known.type === condition.type && known.status === condition.status)
      condition.lastTransitionTime = before?.lastTransitionTime ?? now
    }
  }
}
