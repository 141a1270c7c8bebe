import { compileIn, variableType, type CelScope } from '../../kinds/cel/cel-problem.ts'
import type { ExpressionWarning, ValidatingAdmissionPolicy } from '../../kinds/generated/types.ts'
import type { GroupVersionKind, ObjectTypes } from './object-types.ts'

/** k8s: typechecking.go maxTypesToCheck */
const MAX_TYPES = 10

/**
 * What doesn't fit in a policy's validations, for each of the kinds it is about.
 *
 * @param suffix what the names of types end with in messages
 */
// k8s: apiserver/pkg/admission/plugin/policy/validating typechecking.go TypeChecker.Check
export function typeWarnings({ spec }: ValidatingAdmissionPolicy, types: ObjectTypes, suffix: string): ExpressionWarning[] {
  const typeOf = (of: GroupVersionKind) => types.typeOf(of, of.kind + suffix)
  const paramKind = spec.paramKind?.kind ? kindOf(spec.paramKind.apiVersion ?? '', spec.paramKind.kind) : undefined
  const params = paramKind ? typeOf(paramKind) ?? true : false
  const scopes = kindsToCheck(spec, types).flatMap((kind) => {
    const object = typeOf(kind)
    // Nothing is said of what nobody knows.
    if (!object) return []
    const scope: CelScope = { object, params, withoutRequestResource: true, variables: Object.create(null) as Record<string, never> }
    for (const { name, expression } of spec.variables ?? []) scope.variables![name] = variableType(expression, scope)
    return { kind, scope }
  })
  const warnings: ExpressionWarning[] = []
  const check = (fieldRef: string, expression: string) => {
    const found = scopes.flatMap(({ kind, scope }) => {
      const { problem } = compileIn(expression, scope)
      return problem === undefined ? [] : [`${kindText(kind)}: ${problem}\n`]
    })
    if (found.length > 0) warnings.push({ fieldRef, warning: found.join('\n') })
  }
  for (const [i, { expression, messageExpression }] of (spec.validations ?? []).entries()) {
    check(`spec.validations[${i}].expression`, expression)
    if (messageExpression) check(`spec.validations[${i}].messageExpression`, messageExpression)
  }
  return warnings
}

/** As Go prints a schema.GroupVersionKind. */
function kindText({ group, version, kind }: GroupVersionKind): string {
  return `${group}/${version}, Kind=${kind}`
}

function kindOf(apiVersion: string, kind: string): GroupVersionKind {
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') as [string, string] : ['', apiVersion]
  return { group, version, kind }
}

/** The kinds that the rules name outright; a rule with a star names none. In the order of groups, versions and kinds. k8s: typesToCheck */
function kindsToCheck({ matchConstraints }: ValidatingAdmissionPolicy['spec'], types: ObjectTypes): GroupVersionKind[] {
  const found = new Map<string, GroupVersionKind>()
  const plain = (names: readonly string[] | undefined) => names?.some((name) => name.includes('*')) ? [] : [...names ?? []].sort()
  rules: for (const rule of matchConstraints?.resourceRules ?? []) {
    let count = 0
    for (const group of plain(rule.apiGroups)) for (const version of plain(rule.apiVersions)) {
      for (const resource of (rule.resources ?? []).filter((name) => !/[*/]/.test(name)).sort()) {
        for (const kind of types.kindsFor(group, version, resource)) {
          found.set(kindText(kind), kind)
          if (++count === MAX_TYPES) break rules
        }
      }
    }
  }
  const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
  return [...found.values()].sort((a, b) => compare(a.group, b.group) || compare(a.version, b.version) || compare(a.kind, b.kind))
}
