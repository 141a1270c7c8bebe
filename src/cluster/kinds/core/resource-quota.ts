import { defineKind } from '../define-kind.ts'
import { invalid, required, type Finding } from '../findings.ts'
import type { ResourceQuota } from '../generated/types.ts'
import { specAndStatus } from '../strategies.ts'
import { givenEmpty } from '../decode.ts'
import { roundUpToMillis } from './pod-defaults.ts'
import { checkQuotaResourceName, checkResourceValue, isStandardQuotaResource } from './validate-resources.ts'

/** Used of hard, for the resources that `pick` takes. k8s: printResourceQuota */
function usage({ status }: Readonly<ResourceQuota>, pick: (name: string) => boolean): string {
  return Object.keys(status?.hard ?? {}).filter(pick).sort().map((name) => `${name}: ${status?.used?.[name] ?? '0'}/${status!.hard![name]}`).join(', ')
}

const isLimit = (name: string) => name.startsWith('limits.')

export const resourceQuota = defineKind<ResourceQuota>({
  group: '', version: 'v1', resource: 'resourcequotas',
  defaults({ spec, status }) {
    for (const list of [spec.hard, status?.hard, status?.used]) if (list) roundUpToMillis(list)
  },
  validate: validateQuota,
  validateUpdate(object, old) {
    const out = validateQuota(object)
    const scopes = ({ spec }: Readonly<ResourceQuota>) => JSON.stringify([...new Set(spec.scopes ?? [])].sort())
    if (scopes(object) !== scopes(old)) out.push(invalid('spec.scopes', object.spec.scopes ?? (givenEmpty(object.spec, 'scopes') ? [] : null), 'field is immutable'))
    return out
  },
  validateStatusUpdate({ status }) {
    const out: Finding[] = []
    checkList(out, status?.hard, 'status.hard')
    checkList(out, status?.used, 'status.used')
    return out
  },
  strategy: specAndStatus<ResourceQuota>('io.k8s.api.core.v1.ResourceQuotaStatus', { generation: false }),
  cells: { Request: (object) => usage(object, (name) => !isLimit(name)), Limit: (object) => usage(object, isLimit) },
})

function checkList(out: Finding[], list: Record<string, string> | undefined, at: string): void {
  for (const name in list) {
    checkQuotaResourceName(out, name, `${at}[${name}]`)
    checkResourceValue(out, name, list[name]!, `${at}[${name}]`)
  }
}

const SCOPES = ['Terminating', 'NotTerminating', 'BestEffort', 'NotBestEffort', 'PriorityClass', 'CrossNamespacePodAffinity', 'VolumeAttributesClass']
const PLAIN_SCOPES = new Set(['Terminating', 'NotTerminating', 'BestEffort', 'NotBestEffort', 'CrossNamespacePodAffinity'])
const COMPUTE = new Set(['pods', 'cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory', 'ephemeral-storage', 'requests.ephemeral-storage', 'limits.ephemeral-storage'])

/** k8s: IsResourceQuotaScopeValidForResource */
function scopeFits(scope: string, resource: string): boolean {
  switch (scope) {
    case 'Terminating': case 'NotTerminating': case 'NotBestEffort': case 'PriorityClass': case 'CrossNamespacePodAffinity': return COMPUTE.has(resource)
    case 'BestEffort': return resource === 'pods'
    case 'VolumeAttributesClass': return resource === 'persistentvolumeclaims' || resource === 'requests.storage'
    default: return true
  }
}

/** k8s: ValidateResourceQuotaSpec */
function validateQuota({ spec }: Readonly<ResourceQuota>): Finding[] {
  const out: Finding[] = []
  checkList(out, spec.hard, 'spec.hard')
  const resources = Object.keys(spec.hard ?? {}).filter(isStandardQuotaResource).sort()
  const conflicts = (scopes: readonly string[], where = 'spec.scopes') => {
    for (const pair of [['BestEffort', 'NotBestEffort'], ['Terminating', 'NotTerminating']]) if (pair.every((scope) => scopes.includes(scope))) out.push(invalid(where, spec.scopes ?? null, 'conflicting scopes'))
  }
  for (const scope of spec.scopes ?? []) {
    if (!SCOPES.includes(scope)) out.push(invalid('spec.scopes', spec.scopes, 'unsupported scope'))
    for (const resource of resources) if (!scopeFits(scope, resource)) out.push(invalid('spec.scopes', spec.scopes, 'unsupported scope applied to resource'))
  }
  if (spec.scopes?.length) conflicts(spec.scopes)
  const expressions = spec.scopeSelector?.matchExpressions ?? []
  const at = 'spec.scopeSelector.matchExpressions'
  for (const { scopeName, operator, values = [] } of expressions) {
    if (!SCOPES.includes(scopeName)) out.push(invalid(`${at}.scopeName`, scopeName, 'unsupported scope'))
    for (const resource of resources) {
      if (!scopeFits(scopeName, resource)) out.push(invalid(at, { MatchExpressions: expressions.map((expression) => ({ ScopeName: expression.scopeName, Operator: expression.operator, Values: expression.values ?? (givenEmpty(expression, 'values') ? [] : null) })) }, 'unsupported scope applied to resource'))
    }
    if (PLAIN_SCOPES.has(scopeName) && operator !== 'Exists') {
      out.push(invalid(`${at}.operator`, operator, "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"))
    }
    if (operator === 'In' || operator === 'NotIn') {
      if (values.length === 0) out.push(required(`${at}.values`, "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"))
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values.length > 0) out.push(invalid(`${at}.values`, values, "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"))
    } else out.push(invalid(`${at}.operator`, operator, 'not a valid selector operator'))
  }
  if (expressions.length > 0) conflicts(expressions.map((expression) => expression.scopeName), at)
  return out
}
