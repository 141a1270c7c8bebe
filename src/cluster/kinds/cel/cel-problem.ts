/** What an API server says of an expression when it is stored. k8s: apiserver/pkg/admission/plugin/cel compile.go */
import { celTypeText, checkCelTypes, DYN, listType, mapType, simpleType, type CelType, type CheckedCel } from './cel-checker.ts'
import { parseCel, type CelIssue, type CelNode } from './cel-syntax.ts'

/** What an admission expression may use and must come to. */
export interface CelScope {
  params?: boolean
  /** `variables` of the policy: types by name. */
  variables?: Record<string, CelType>
  withoutAuthorizer?: boolean
  /** `Object{...}` and `JSONPatch{...}`. */
  patchTypes?: boolean
  /** Absent: anything. */
  result?: 'bool' | 'string' | 'string or null' | 'list(JSONPatch)' | 'Object'
}

const STRING = simpleType('string')
const TIME = simpleType('google.protobuf.Timestamp')
const record = (name: string, fields: Record<string, CelType>): CelType => ({ name, fields })
const texts = (...names: string[]) => Object.fromEntries(names.map((name) => [name, STRING]))

const groupVersionKind = record('kubernetes.GroupVersionKind', texts('group', 'version', 'kind'))
const groupVersionResource = record('kubernetes.GroupVersionResource', texts('group', 'version', 'resource'))
const request = record('kubernetes.AdmissionRequest', {
  kind: groupVersionKind, resource: groupVersionResource, requestKind: groupVersionKind, requestResource: groupVersionResource,
  ...texts('subResource', 'requestSubResource', 'name', 'namespace', 'operation'),
  userInfo: record('kubernetes.UserInfo', { ...texts('username', 'uid'), groups: listType(STRING), extra: mapType(STRING, listType(STRING)) }), dryRun: simpleType('bool'), options: DYN,
})
const namespaceObject = record('kubernetes.Namespace', {
  metadata: record('kubernetes.NamespaceMetadata', {
    ...texts('name', 'generateName', 'namespace', 'UID', 'resourceVersion'), labels: mapType(STRING, STRING), annotations: mapType(STRING, STRING), creationTimestamp: TIME, deletionGracePeriodSeconds: simpleType('int'),
    deletionTimestamp: TIME, generation: simpleType('int'), finalizers: listType(STRING),
  }),
  spec: record('kubernetes.NamespaceSpec', { finalizers: listType(STRING) }), status: record('kubernetes.NamespaceStatus', { phase: STRING }),
})
const authorizer = simpleType('kubernetes.authorization.Authorizer')
const MESSAGES: Readonly<Record<string, CelType>> = { JSONPatch: record('JSONPatch', { op: STRING, path: STRING, from: STRING, value: DYN }), Object: simpleType('Object') }

function compileIn(expression: string, scope: CelScope): Compiled {
  const variables: Record<string, CelType> = {
    object: DYN, oldObject: DYN, request, namespaceObject,
    ...(scope.params ? { params: DYN } : {}), ...(scope.variables ? { variables: record('kubernetes.variables', scope.variables) } : {}),
    ...(scope.withoutAuthorizer ? {} : { authorizer, 'authorizer.requestResource': simpleType('kubernetes.authorization.ResourceCheck') }),
  }
  return compileProblem(expression, variables, scope.patchTypes ? MESSAGES : {})
}

/** What an expression comes to, for those after it; undefined when it doesn't compile. */
export function celType(expression: string, scope: CelScope): CelType | undefined {
  return compileIn(expression, scope).type
}

/** Undefined when the expression is fine. */
export function celProblem(expression: string, scope: CelScope): string | undefined {
  const { type, problem } = compileIn(expression, scope)
  if (problem !== undefined) return `compilation failed: ${problem}`
  const got = celTypeText(type!)
  switch (scope.result) {
    case undefined: return undefined
    case 'string or null': return got === 'string' || got === 'null_type' ? undefined : `must evaluate to one of [string null_type] but got ${got}`
    default: return got === scope.result ? undefined : `must evaluate to ${scope.result} but got ${got}`
  }
}

/** An expression that compiles, or what keeps it from it. */
export type Compiled = { problem: string; type?: undefined } | { problem?: undefined; type: CelType; node: CelNode; checked: CheckedCel }

/** Parses and checks. The problem is cel-go's text: every issue with its line and a mark below the place. */
export function compileProblem(expression: string, variables: Readonly<Record<string, CelType>>, messages: Readonly<Record<string, CelType>> = {}): Compiled {
  const parsed = parseCel(expression)
  if (!parsed.node) return { problem: issuesText(expression, parsed.issues) }
  const { type, issues, checked } = checkCelTypes(parsed.node, variables, messages)
  return issues.length > 0 ? { problem: issuesText(expression, issues) } : { type, node: parsed.node, checked }
}

/** k8s: cel-go/common Errors.ToDisplayString */
function issuesText(expression: string, issues: readonly CelIssue[]): string {
  // No text, no place in it.
  if (expression === '') return issues.map(({ text }) => `ERROR: <input>:1:0: ${text}`).join('\n')
  const lines = expression.split('\n')
  return [...issues].sort((a, b) => a.at - b.at).map(({ at, text }) => {
    const before = expression.slice(0, at).split('\n')
    const line = before.length
    const column = before.at(-1)!.length
    return `ERROR: <input>:${line}:${column + 1}: ${text}\n | ${lines[line - 1]}\n | ${'.'.repeat(column)}^`
  }).join('\n')
}
