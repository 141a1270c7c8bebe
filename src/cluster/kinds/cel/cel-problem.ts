/** What an API server says of an expression when it is stored. k8s: apiserver/pkg/admission/plugin/cel compile.go */
import { celTypeText, checkCelTypes, DYN, listType, mapType, simpleType, type CelType, type CheckedCel } from './cel-checker.ts'
import { literalIssues, programProblem } from './cel-literal-checks.ts'
import { parseCel, type CelIssue, type CelNode } from './cel-syntax.ts'

/** What an admission expression may use and must come to. */
export interface CelScope {
  /** What `object` and `oldObject` are, if that is known. */
  object?: CelType
  /** Whether there are any, or what they are. */
  params?: boolean | CelType
  /** `variables` of the policy: types by name. */
  variables?: Record<string, CelType>
  withoutAuthorizer?: boolean
  /** `authorizer` is there, but not what it says of the request. */
  withoutRequestResource?: boolean
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

/** Parses an admission expression and checks it against what it may use. */
export function compileIn(expression: string, scope: CelScope): Compiled {
  const { object = DYN, params } = scope
  const variables: Record<string, CelType> = {
    object, oldObject: object, request, namespaceObject,
    ...(params ? { params: params === true ? DYN : params } : {}), ...(scope.variables ? { variables: record('kubernetes.variables', scope.variables) } : {}),
    ...(scope.withoutAuthorizer ? {} : { authorizer }),
    ...(scope.withoutAuthorizer || scope.withoutRequestResource ? {} : { 'authorizer.requestResource': simpleType('kubernetes.authorization.ResourceCheck') }),
  }
  return compileProblem(expression, variables, scope.patchTypes ? MESSAGES : {})
}

/** What a policy's variable is to the expressions after it: objects are seen as anything. k8s: composition.go AddField, convertCelTypeToDeclType */
export function variableType(expression: string, scope: CelScope): CelType {
  const { type } = compileIn(expression, scope)
  return type ? withoutFields(type) : DYN
}

const SEEN_AS_THEY_ARE = new Set(['bool', 'bytes', 'double', 'int', 'null_type', 'string', 'uint', 'google.protobuf.Duration', 'google.protobuf.Timestamp'])

function withoutFields(type: CelType): CelType {
  if ((type.name === 'list' || type.name === 'map') && type.params) return { name: type.name, params: type.params.map(withoutFields) }
  return SEEN_AS_THEY_ARE.has(type.name) ? simpleType(type.name) : DYN
}

/** Undefined when the expression is fine. `internal`: no program can be made of it, which isn't said of the value but of the server. */
export function celProblem(expression: string, scope: CelScope): { text: string; internal?: true } | undefined {
  const compiled = compileIn(expression, scope)
  if (compiled.problem !== undefined) return { text: `compilation failed: ${compiled.problem}` }
  const got = compiled.type.params ? celTypeText(compiled.type) : compiled.type.name
  const wanted = scope.result
  if (wanted === 'string or null' && got !== 'string' && got !== 'null_type') return { text: `must evaluate to one of [string null_type] but got ${got}` }
  if (wanted !== undefined && wanted !== 'string or null' && got !== wanted) return { text: `must evaluate to ${wanted} but got ${got}` }
  const problem = programProblem(compiled.node, compiled.checked)
  return problem === undefined ? undefined : { text: `program instantiation failed: ${problem}`, internal: true }
}

/** An expression that compiles, or what keeps it from it. */
export type Compiled = { problem: string; type?: undefined } | { problem?: undefined; type: CelType; node: CelNode; checked: CheckedCel }

/** Parses and checks. `hasBindings`: see {@link checkCelTypes}. The problem is cel-go's text: every issue with its line and a mark below the place. */
export function compileProblem(expression: string, variables: Readonly<Record<string, CelType>>, messages: Readonly<Record<string, CelType>> = {}, hasBindings = false): Compiled {
  const parsed = parseCel(expression)
  if (!parsed.node) return { problem: issuesText(expression, parsed.issues) }
  const { type, issues, checked } = checkCelTypes(parsed.node, variables, messages, hasBindings)
  const found = issues.length > 0 ? issues : literalIssues(parsed.node, checked)
  return found.length > 0 ? { problem: issuesText(expression, found) } : { type, node: parsed.node, checked }
}

/** Points at a column; wide where the characters above are. k8s: cel-go/common/error.go */
function marks(line: string, column: number): string {
  const wide = (char: string | undefined) => char !== undefined && char.codePointAt(0)! > 127
  return [...line.slice(0, column)].map((char) => (wide(char) ? '\uff0e' : '.')).join('') + (wide(line[column]) ? '\uff3e' : '^')
}

/** k8s: cel-go/common Errors.ToDisplayString */
function issuesText(expression: string, issues: readonly CelIssue[]): string {
  // No text, no place in it.
  if (expression === '') return issues.map(({ text }) => `ERROR: <input>:1:0: ${text}`).join('\n')
  const lines = expression.split('\n')
  return [...issues].sort((a, b) => a.at - b.at).map(({ at, text }) => {
    const before = expression.slice(0, at).split('\n')
    const line = before.length
    const column = [...before.at(-1)!].length
    return `ERROR: <input>:${line}:${column + 1}: ${text}\n | ${lines[line - 1]}\n | ${marks(lines[line - 1]!, column)}`
  }).join('\n')
}
