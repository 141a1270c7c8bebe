import { base64Length } from '../base64.ts'
import { defineKind } from '../define-kind.ts'
import { invalid, notSupported, required, type Finding } from '../findings.ts'
import type { APIService } from '../generated/types.ts'
import { dns1035LabelProblems, dnsSubdomainProblems, pathSegmentName, portNumberProblems } from '../names.ts'
import { keep, keepMetadata } from '../strategies.ts'
import { timeText } from '../time-text.ts'

/** k8s: kube-aggregator/pkg/apis/apiregistration/validation */
function validateApiService({ metadata, spec }: Readonly<APIService>): Finding[] {
  const out: Finding[] = []
  const { group = '', version = '', service, caBundle, insecureSkipTLSVerify } = spec
  const name = `${version}.${group}`
  const { generateName } = metadata
  if (generateName && pathSegmentName(generateName, true).length === 0 && generateName !== name) out.push(invalid('metadata.generateName', generateName, `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(name)}`))
  if (metadata.name && pathSegmentName(metadata.name, false).length === 0 && metadata.name !== name) out.push(invalid('metadata.name', metadata.name, `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(name)}`))
  if (group === '' && version !== 'v1') out.push(required('spec.group', 'only v1 may have an empty group and it better be legacy kube'))
  if (group !== '') for (const problem of dnsSubdomainProblems(group)) out.push(invalid('spec.group', group, problem))
  for (const problem of dns1035LabelProblems(version)) out.push(invalid('spec.version', version, problem))
  const groupPriority = spec.groupPriorityMinimum ?? 0
  if (groupPriority <= 0 || groupPriority > 20_000) out.push(invalid('spec.groupPriorityMinimum', groupPriority, 'must be positive and less than 20000'))
  const versionPriority = spec.versionPriority ?? 0
  if (versionPriority <= 0 || versionPriority > 1000) out.push(invalid('spec.versionPriority', versionPriority, 'must be positive and less than 1000'))
  if (!service) {
    if (caBundle) out.push(invalid('spec.caBundle', `${base64Length(caBundle)} bytes`, 'local APIServices may not have a caBundle'))
    if (insecureSkipTLSVerify) out.push(invalid('spec.insecureSkipTLSVerify', true, 'local APIServices may not have insecureSkipTLSVerify'))
    return out
  }
  if (!service.namespace) out.push(required('spec.service.namespace'))
  if (!service.name) out.push(required('spec.service.name'))
  const problems = portNumberProblems(service.port ?? 0)
  if (problems.length > 0) out.push(invalid('spec.service.port', service.port ?? 0, `port is not valid: ${problems.join(', ')}`))
  if (insecureSkipTLSVerify && caBundle) out.push(invalid('spec.insecureSkipTLSVerify', true, 'may not be true if caBundle is present'))
  return out
}

const CONDITION_STATUSES = ['True', 'False', 'Unknown']

export const apiService = defineKind<APIService>({
  group: 'apiregistration.k8s.io', version: 'v1', resource: 'apiservices',
  defaults({ spec }) {
    if (spec?.service) spec.service.port ??= 443
  },
  nameRule: pathSegmentName,
  validate: validateApiService,
  validateUpdate: validateApiService,
  validateStatusUpdate: ({ status }) => (status?.conditions ?? []).flatMap((condition, i) =>
    CONDITION_STATUSES.includes(condition.status) ? [] : [notSupported(`status.conditions[${i}].status`, condition.status, CONDITION_STATUSES)]),
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
