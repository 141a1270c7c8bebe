/** What the status of a CustomResourceDefinition says: pure functions. k8s: apiextensions-apiserver/pkg/controller/{status,establish,nonstructuralschema,apiapproval} */
import { deepEqual } from '../../../base/freeze.ts'
import type { Condition } from '../../kinds/object.ts'
import { caBundleProblem } from '../../kinds/apiextensions/ca-bundle.ts'
import type { Definition, DefinitionNames } from './definition.ts'

/** A condition before it has a time. */
export type NewCondition = Pick<Condition, 'type' | 'status'> & { reason: string; message: string }

type Conditions = readonly Condition[] | undefined

export function conditionOf(conditions: Conditions, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type)
}

/** With a condition in place of the one of its type; its time changes with its status. k8s: SetCRDCondition */
export function withCondition(conditions: Conditions, next: NewCondition, now: string): Condition[] {
  const before = conditionOf(conditions, next.type)
  const made: Condition = { type: next.type, status: next.status, lastTransitionTime: before?.status === next.status && before.lastTransitionTime ? before.lastTransitionTime : now, reason: next.reason, message: next.message }
  return before ? conditions!.map((condition) => condition === before ? made : condition) : [...conditions ?? [], made]
}

/** What a definition's names come to beside those that others of its group hold. k8s: naming_controller.go calculateNamesAndConditions */
export function acceptNames({ spec, status }: Definition, others: readonly Definition[]): { names: DefinitionNames; conditions: [NewCondition, NewCondition] } {
  const resources = new Set<string>()
  const kinds = new Set<string>()
  for (const other of others) {
    const { plural, singular, shortNames, kind, listKind } = other.status?.acceptedNames ?? {}
    for (const name of [plural, singular, ...shortNames ?? []]) if (name !== undefined) resources.add(name)
    for (const name of [kind, listKind]) if (name !== undefined) kinds.add(name)
  }
  const wanted = spec.names
  const held: Partial<DefinitionNames> = status?.acceptedNames ?? {}
  const names: Partial<DefinitionNames> = { ...held }
  const accepted: NewCondition = { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' }
  const refuse = (reason: string, message: string) => Object.assign(accepted, { status: 'False', reason, message })
  const conflict = (name: string, own: string | undefined, used: ReadonlySet<string>) => name !== (own ?? '') && used.has(name) ? `${JSON.stringify(name)} is already in use` : undefined
  const claim = (field: 'plural' | 'singular' | 'kind' | 'listKind', used: ReadonlySet<string>, reason: string) => {
    const name = wanted[field] ?? ''
    const problem = conflict(name, held[field], used)
    if (problem) refuse(reason, problem)
    else names[field] = name
  }
  claim('plural', resources, 'PluralConflict')
  claim('singular', resources, 'SingularConflict')
  if (!deepEqual(wanted.shortNames ?? [], held.shortNames ?? [])) {
    const problems = (wanted.shortNames ?? []).filter((name) => !held.shortNames?.includes(name)).map((name) => conflict(name, '', resources)).filter((problem) => problem !== undefined)
    if (problems.length > 0) refuse('ShortNamesConflict', problems.length === 1 ? problems[0]! : `[${problems.join(', ')}]`)
    else assign(names, 'shortNames', wanted.shortNames)
  }
  claim('kind', kinds, 'KindConflict')
  claim('listKind', kinds, 'ListKindConflict')
  assign(names, 'categories', wanted.categories)
  let established = conditionOf(status?.conditions, 'Established') as NewCondition | undefined
  established ??= { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' }
  if (established.status !== 'True' && accepted.status === 'True') established = { type: 'Established', status: 'False', reason: 'Installing', message: 'the initial names have been accepted' }
  return { names: names as DefinitionNames, conditions: [accepted, established] }
}

function assign<K extends 'shortNames' | 'categories'>(names: Partial<DefinitionNames>, field: K, value: DefinitionNames[K]): void {
  if (value === undefined) delete names[field]
  else names[field] = value
}

/** What a definition with accepted names comes to. k8s: establishing_controller.go */
export function establishedCondition({ spec }: Definition): NewCondition {
  const caBundle = spec.conversion?.webhook?.clientConfig?.caBundle
  if (caBundle !== undefined && caBundleProblem(caBundle) !== undefined) return { type: 'Established', status: 'False', reason: 'InvalidCABundle', message: 'The conversion webhook CABundle is invalid' }
  return { type: 'Established', status: 'True', reason: 'InitialNamesAccepted', message: 'the initial names have been accepted' }
}

/** k8s: apihelpers GetAPIApprovalState; undefined for groups that anyone may define. */
export function approvalCondition({ spec, metadata }: Definition): NewCondition | undefined {
  if (!/(^|\.)(k8s|kubernetes)\.io$/.test(spec.group)) return undefined
  const annotation = metadata.annotations?.['api-approved.kubernetes.io'] ?? ''
  const condition = (status: 'True' | 'False', reason: string, message: string): NewCondition => ({ type: 'KubernetesAPIApprovalPolicyConformant', status, reason, message })
  const must = 'protected groups must have approval annotation "api-approved.kubernetes.io"'
  const see = 'see https://github.com/kubernetes/enhancements/pull/1111'
  if (annotation === '') return condition('False', 'MissingAnnotation', `${must}, ${see}`)
  if (annotation.startsWith('unapproved')) return condition('False', 'UnapprovedAnnotation', `not approved: ${JSON.stringify(annotation)}`)
  if (/^[a-z][a-z0-9+.-]*:\/\/[^/]/i.test(annotation)) return condition('True', 'ApprovedAnnotation', `approved in ${annotation}`)
  return condition('False', 'InvalidAnnotation', `${must} with either a URL or a reason starting with "unapproved", ${see}`)
}

/** Undefined when all schemas are structural, which validation sees to, and fields are pruned. */
export function nonStructuralCondition({ spec }: Definition): NewCondition | undefined {
  if (!spec.preserveUnknownFields) return undefined
  return { type: 'NonStructuralSchema', status: 'True', reason: 'Violations', message: 'spec.preserveUnknownFields: Invalid value: true: must be false' }
}
