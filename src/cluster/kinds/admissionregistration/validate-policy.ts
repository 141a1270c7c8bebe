/** Rules for admission policies and their bindings. k8s: pkg/apis/admissionregistration/validation */
import { deepEqual } from '../../../base/freeze.ts'
import { checkName, checkQualifiedName } from '../checks.ts'
import { variableType, type CelScope } from '../cel/cel-problem.ts'
import { duplicate, invalid, notSupported, required, type Finding } from '../findings.ts'
import type {
  MatchResources, MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding, MutatingAdmissionPolicySpec, Mutation, ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding, ValidatingAdmissionPolicySpec, Validation, Variable,
} from '../generated/types.ts'
import { byteLength, subdomainName } from '../names.ts'
import { checkCel, FAILURE_POLICIES, validateMatchConditions, validateMatchResources, validateParamKind, validateParamRef } from './validate-rules.ts'

const REASONS = ['Forbidden', 'Invalid', 'RequestEntityTooLarge']
const ACTIONS = ['Audit', 'Deny', 'Warn']
const REINVOCATION = ['IfNeeded', 'Never']
const MUTATED = ['*', 'CONNECT', 'CREATE', 'UPDATE']
const PATCH_TYPES = ['ApplyConfiguration', 'JSONPatch']
const MAX_AUDIT_ANNOTATIONS = 20
const MAX_AUDIT_EXPRESSION_BYTES = 5 * 1024
const CEL_RESERVED = new Set([
  'true', 'false', 'null', 'in', 'as', 'break', 'const', 'continue', 'else', 'for', 'function', 'if', 'import', 'let', 'loop', 'package', 'namespace', 'return', 'var', 'void', 'while',
])

/** k8s: ValidateValidatingAdmissionPolicy */
export function validateValidatingPolicy({ metadata, spec }: Readonly<ValidatingAdmissionPolicy>, old?: Readonly<ValidatingAdmissionPolicy>): Finding[] {
  const out: Finding[] = []
  const scope = checkMatching(out, spec, old?.spec)
  ;(spec.variables ?? []).forEach((variable, i) => checkVariable(out, variable, scope, `spec.variables[${i}]`))
  const { validations, auditAnnotations } = spec
  if (!validations?.length && !auditAnnotations?.length) {
    for (const field of ['validations', 'auditAnnotations']) out.push(required(`spec.${field}`, 'validations or auditAnnotations must contain at least one item'))
    return out
  }
  ;(validations ?? []).forEach((validation, i) => checkValidation(out, validation, scope, `spec.validations[${i}]`))
  if (!auditAnnotations) return out
  if (auditAnnotations.length > MAX_AUDIT_ANNOTATIONS) out.push(invalid('spec.auditAnnotations', auditAnnotations, `must not have more than ${MAX_AUDIT_ANNOTATIONS} auditAnnotations`))
  const keys = new Set<string>()
  auditAnnotations.forEach(({ key = '', valueExpression = '' }, i) => {
    const at = `spec.auditAnnotations[${i}]`
    if (metadata.name) checkQualifiedName(out, `${metadata.name}/${key}`, `${at}.key`)
    else out.push(invalid(`${at}.key`, key, 'requires metadata.name be non-empty'))
    const trimmed = valueExpression.trim()
    if (trimmed === '') out.push(required(`${at}.valueExpression`, 'valueExpression is not specified'))
    else if (byteLength(trimmed) > MAX_AUDIT_EXPRESSION_BYTES) out.push(required(`${at}.valueExpression`, `must not exceed ${MAX_AUDIT_EXPRESSION_BYTES} bytes in length`))
    else checkCel(out, trimmed, { ...scope, result: 'string or null' }, `${at}.valueExpression`, valueExpression)
    if (keys.has(key)) out.push(duplicate(`${at}.key`, key))
    keys.add(key)
  })
  return out
}

/** k8s: ValidateMutatingAdmissionPolicy */
export function validateMutatingPolicy({ spec }: Readonly<MutatingAdmissionPolicy>, old?: Readonly<MutatingAdmissionPolicy>): Finding[] {
  const out: Finding[] = []
  const scope = checkMatching(out, spec, old?.spec, () => checkMutatedOperations(out, spec.matchConstraints, 'spec.matchConstraints'))
  ;(spec.variables ?? []).forEach((variable, i) => checkVariable(out, variable, scope, `spec.variables[${i}]`))
  if (!spec.mutations?.length) out.push(required('spec.mutations', 'mutations must contain at least one item'))
  else spec.mutations.forEach((mutation, i) => checkMutation(out, mutation, scope, `spec.mutations[${i}]`))
  const reinvocation = spec.reinvocationPolicy as string | undefined
  if (!reinvocation) out.push(required('spec.reinvocationPolicy'))
  else if (!REINVOCATION.includes(reinvocation)) out.push(notSupported('spec.reinvocationPolicy', reinvocation, REINVOCATION))
  return out
}

/** What is deleted can't be changed any more. */
function checkMutatedOperations(out: Finding[], match: Readonly<MatchResources> | undefined, at: string): void {
  for (const { operations } of match?.resourceRules ?? []) {
    for (const operation of operations ?? []) if (!MUTATED.includes(operation)) out.push(notSupported(`${at}.resourceRules.operations`, operation, MUTATED))
  }
}

/** What both kinds of policies begin with. Returns what their expressions may use. */
function checkMatching(out: Finding[], spec: Readonly<ValidatingAdmissionPolicySpec | MutatingAdmissionPolicySpec>, old: Readonly<ValidatingAdmissionPolicySpec | MutatingAdmissionPolicySpec> | undefined, also?: () => void): CelScope {
  const { failurePolicy, paramKind, matchConstraints } = spec
  if (failurePolicy === undefined) out.push(required('spec.failurePolicy'))
  else if (!FAILURE_POLICIES.includes(failurePolicy)) out.push(notSupported('spec.failurePolicy', failurePolicy, FAILURE_POLICIES))
  if (paramKind) validateParamKind(out, paramKind, 'spec.paramKind')
  const scope: CelScope = { params: paramKind !== undefined, ...(spec.variables?.length || 'mutations' in spec ? { variables: Object.create(null) as Record<string, never> } : {}) }
  if (!matchConstraints) out.push(required('spec.matchConstraints'))
  else {
    validateMatchResources(out, matchConstraints, 'spec.matchConstraints')
    if (!matchConstraints.resourceRules?.length) out.push(required('spec.matchConstraints.resourceRules'))
    also?.()
  }
  if (!old || !deepEqual(paramKind, old.paramKind) || !deepEqual(spec.matchConditions, old.matchConditions)) validateMatchConditions(out, spec.matchConditions, { params: scope.params! }, 'spec.matchConditions')
  return scope
}

function checkVariable(out: Finding[], { name = '', expression = '' }: Readonly<Variable>, scope: CelScope, at: string): void {
  if (name.trim() === '') out.push(required(`${at}.name`, 'name is not specified'))
  else if (!/^[_a-zA-Z][_a-zA-Z0-9]*$/.test(name) || CEL_RESERVED.has(name)) out.push(invalid(`${at}.name`, name, 'must be a valid CEL identifier'))
  if (expression.trim() === '') out.push(required(`${at}.expression`, 'expression is not specified'))
  else {
    checkCel(out, expression, scope, `${at}.expression`)
    scope.variables![name] = variableType(expression, scope)
  }
}

function checkValidation(out: Finding[], validation: Readonly<Validation>, scope: CelScope, at: string): void {
  const { expression = '', message = '', messageExpression = '', reason } = validation as { expression?: string; message?: string; messageExpression?: string; reason?: string }
  if (expression.trim() === '') out.push(required(`${at}.expression`, 'expression is not specified'))
  else checkCel(out, expression, { ...scope, result: 'bool' }, `${at}.expression`)
  if (messageExpression !== '' && messageExpression.trim() === '') out.push(invalid(`${at}.messageExpression`, messageExpression, 'must be non-empty if specified'))
  else if (messageExpression !== '') checkCel(out, messageExpression, { ...scope, withoutAuthorizer: true, result: 'string' }, `${at}.messageExpression`)
  if (message !== '' && message.trim() === '') out.push(invalid(`${at}.message`, message, 'must be non-empty if specified'))
  else if (/[\n\r]/.test(message.trim())) out.push(invalid(`${at}.message`, message, 'must not contain line breaks'))
  if (reason !== undefined && !REASONS.includes(reason)) out.push(notSupported(`${at}.reason`, reason, REASONS))
}

function checkMutation(out: Finding[], mutation: Readonly<Mutation>, scope: CelScope, at: string): void {
  const { patchType, jsonPatch, applyConfiguration } = mutation
  if (!patchType) {
    out.push(required(`${at}.patchType`))
    return
  }
  if (!PATCH_TYPES.includes(patchType)) {
    out.push(notSupported(`${at}.patchType`, patchType, PATCH_TYPES))
    return
  }
  const [taken, other] = patchType === 'JSONPatch' ? ['jsonPatch', 'applyConfiguration'] as const : ['applyConfiguration', 'jsonPatch'] as const
  const given = mutation[taken]
  if (!given) out.push(required(`${at}.${taken}`, `must be specified when patchType is ${patchType}`))
  else {
    const expression = (given.expression ?? '').trim()
    if (expression === '') out.push(required(`${at}.${taken}.expression`))
    else checkCel(out, expression, { ...scope, patchTypes: true, result: patchType === 'JSONPatch' ? 'list(JSONPatch)' : 'Object' }, `${at}.${taken}.expression`)
  }
  if (patchType === 'JSONPatch' ? applyConfiguration : jsonPatch) out.push(invalid(`${at}.${other}`, `{${other}}`, `must not be specified when patchType is ${patchType}`))
}

/** k8s: ValidateValidatingAdmissionPolicyBinding, ValidateMutatingAdmissionPolicyBinding */
export function validatePolicyBinding({ spec }: Readonly<MutatingAdmissionPolicyBinding | ValidatingAdmissionPolicyBinding>, hasActions: boolean): Finding[] {
  const out: Finding[] = []
  if (!spec.policyName) out.push(required('spec.policyName'))
  else checkName(out, spec.policyName, subdomainName, 'spec.policyName')
  validateParamRef(out, spec.paramRef, 'spec.paramRef')
  validateMatchResources(out, spec.matchResources, 'spec.matchResources')
  if (!hasActions) {
    checkMutatedOperations(out, spec.matchResources, 'spec.matchResources')
    return out
  }
  const actions = (spec as { validationActions?: readonly string[] }).validationActions ?? []
  const seen = new Set<string>()
  actions.forEach((action, i) => {
    if (!ACTIONS.includes(action)) out.push(notSupported(`spec.validationActions[${i}]`, action, ACTIONS))
    if (seen.has(action)) out.push(duplicate(`spec.validationActions[${i}]`, action))
    seen.add(action)
  })
  if (seen.has('Deny') && seen.has('Warn')) out.push(invalid('spec.validationActions', actions, 'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)'))
  if (actions.length === 0) out.push(required('spec.validationActions', 'at least one validation action is required'))
  return out
}
