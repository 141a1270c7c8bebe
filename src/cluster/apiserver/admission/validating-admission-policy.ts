import { CelError, compileCel } from '../../kinds/cel/cel-environment.ts'
import type { KubeObject } from '../../kinds/object.ts'
import type { AdmissionAttributes, AdmissionContext, AdmissionPlugin } from '../seams.ts'
import { attributesIn } from './admission-version.ts'
import { forbidden } from './forbidden.ts'
import { type ActivePolicy, type Policy, type PolicyBinding, activePolicies, meetsConditions, policyVariables } from './policy-evaluation.ts'
import type { PolicySource } from './policy-source.ts'

interface Denial {
  message: string
  reason: string
}

interface Validation {
  expression: string
  message?: string
  messageExpression?: string
  reason?: string
}

const CODES: Readonly<Record<string, number>> = { Forbidden: 403, Unauthorized: 401, RequestEntityTooLarge: 413, Invalid: 422 }
/** k8s: cel/config MaxEvaluatedMessageExpressionSizeBytes */
const MAX_MESSAGE_LENGTH = 5 * 1024


/** Rules in the cluster's own objects, in CEL. k8s: apiserver/pkg/admission/plugin/policy/validating */
export function validatingAdmissionPolicy(source: PolicySource<Policy, PolicyBinding>): AdmissionPlugin {
  return {
    name: 'ValidatingAdmissionPolicy',
    validate(attributes, context) {
      const policies = activePolicies(source, attributes, context)
      if (policies.length === 0) return undefined
      const seen = policies.map((active) => attributesIn(active.version, attributes))
      return seen.some((view) => view instanceof Promise) ? Promise.all(seen).then((views) => validate(policies, views, context)) : validate(policies, seen as AdmissionAttributes[], context)
    },
  }
}

/** `seen`: for each policy the request as it wants to see it. */
function validate(policies: readonly ActivePolicy[], seen: readonly AdmissionAttributes[], context: AdmissionContext): void {
  let first: { denial: Denial; active: ActivePolicy } | undefined
  for (const [i, active] of policies.entries()) {
    const attributes = seen[i]!
    const actions = active.problem || active.policyProblem ? ['Deny'] : active.binding.spec.validationActions ?? []
    for (const denial of denialsOf(active, attributes, context)) {
      if (actions.includes('Deny')) first ??= { denial, active }
      if (actions.includes('Warn')) attributes.warn(`Validation failed for ValidatingAdmissionPolicy '${active.policy.metadata.name}' with binding '${active.binding.metadata.name}': ${denial.message}`)
      if (actions.includes('Audit')) attributes.annotate('validation.policy.admission.k8s.io/validation_failure', JSON.stringify([{ message: denial.message, policy: active.policy.metadata.name, binding: active.binding.metadata.name, validationActions: actions }]))
    }
  }
  if (!first) return
  const { denial, active } = first
  const binding = active.policyProblem ? '' : ` with binding '${active.binding.metadata.name}'`
  const message = `ValidatingAdmissionPolicy '${active.policy.metadata.name}'${binding} denied request: ${denial.message}`
  const error = forbidden(seen[0]!, message)
  error.status.reason = denial.reason
  error.status.code = CODES[denial.reason] ?? 422
  error.status.details = { ...error.status.details, causes: [...error.status.details?.causes ?? [], { message }] }
  throw error
}

function denialsOf(active: ActivePolicy, attributes: AdmissionAttributes, context: AdmissionContext): Denial[] {
  const fails = active.policy.spec.failurePolicy !== 'Ignore'
  const failure = (message: string): Denial[] => (fails ? [{ message, reason: 'Invalid' }] : [])
  if (active.policyProblem) return failure(`failed to configure policy: ${active.policyProblem}`)
  if (active.problem) return failure(`failed to configure binding: ${active.problem}`)
  return active.params.flatMap((param) => evaluate(active, param, attributes, context, failure))
}

function evaluate(active: ActivePolicy, param: KubeObject | undefined, attributes: AdmissionAttributes, context: AdmissionContext, failure: (message: string) => Denial[]): Denial[] {
  const variables = policyVariables(active, param, attributes, context)
  try {
    if (!meetsConditions(active.policy.spec.matchConditions ?? [], variables)) return []
  } catch (error) {
    if (!(error instanceof CelError)) throw error
    return failure(error.message)
  }
  return ((active.policy.spec.validations ?? []) as Validation[]).flatMap((validation): Denial[] => {
    try {
      if (compileCel(validation.expression).evaluate(variables) === true) return []
    } catch (error) {
      if (!(error instanceof CelError)) throw error
      return failure(`expression '${validation.expression}' resulted in error: ${error.message}`)
    }
    return [{ message: messageOf(validation, variables), reason: validation.reason ?? 'Invalid' }]
  })
}

function messageOf(validation: Validation, variables: Readonly<Record<string, unknown>>): string {
  if (validation.messageExpression) {
    try {
      const value = compileCel(validation.messageExpression).evaluate(variables)
      const text = typeof value === 'string' ? value.trim() : ''
      if (text !== '' && text.length <= MAX_MESSAGE_LENGTH && !text.includes('\n')) return text
    } catch (error) {
      if (!(error instanceof CelError)) throw error
    }
  }
  return validation.message?.trim() || `failed expression: ${validation.expression.trim()}`
}
