import { CelError, compileCel, jsonOfCel } from '../../kinds/cel/cel-environment.ts'
import { applyDefaults } from '../../kinds/defaults.ts'
import { decodeObject } from '../../kinds/decode.ts'
import type { KubeObject } from '../../kinds/object.ts'
import { JsonPatchError, type JsonPatchOperation, JsonPatchTestFailed, jsonPatched } from '../../kinds/patch/json-patch.ts'
import { mergeType } from '../../kinds/patch/merge-type.ts'
import { mergeObjects } from '../../kinds/patch/typed-value.ts'
import { apiError } from '../../kinds/status-error.ts'
import type { AdmissionAttributes, AdmissionContext, AdmissionPlugin } from '../seams.ts'
import { type ActivePolicy, type Policy, type PolicyBinding, activePolicies, meetsConditions, policyVariables } from './policy-evaluation.ts'
import type { PolicySource } from './policy-source.ts'

interface Mutation {
  patchType: string
  applyConfiguration?: { expression?: string }
  jsonPatch?: { expression?: string }
}

/** Changes to objects by rules in CEL. k8s: apiserver/pkg/admission/plugin/policy/mutating */
export function mutatingAdmissionPolicy(source: PolicySource<Policy, PolicyBinding>): AdmissionPlugin {
  return {
    name: 'MutatingAdmissionPolicy',
    mutate(attributes, context) {
      if (!attributes.object || attributes.operation === 'DELETE') return
      const active = activePolicies(source, attributes, context)
      for (const policy of active) run(policy, attributes, context)
      // What a later policy changed, an earlier one may want to see.
      if (active.length > 1) for (const policy of active) if (policy.policy.spec.reinvocationPolicy === 'IfNeeded') run(policy, attributes, context)
    },
  }
}

function run(active: ActivePolicy, attributes: AdmissionAttributes, context: AdmissionContext): void {
  const fail = (message: string) => {
    if (active.policy.spec.failurePolicy === 'Ignore') return
    throw apiError.internal(`admission policy ${JSON.stringify(active.policy.metadata.name)} with binding ${JSON.stringify(active.binding.metadata.name)} failed: ${message}`)
  }
  const problem = active.problem ?? active.policyProblem
  if (problem) return fail(problem)
  for (const param of active.params) {
    try {
      if (!meetsConditions(active.policy, policyVariables(active, param, attributes, context))) continue
      for (const mutation of (active.policy.spec.mutations ?? []) as Mutation[]) {
        const next = mutated(mutation, attributes.object!, attributes, policyVariables(active, param, attributes, context))
        replaceContents(attributes.object!, next, attributes)
      }
    } catch (error) {
      if (error instanceof ExpressionFailed) {
        if (active.policy.spec.failurePolicy !== 'Ignore') throw denial(active, attributes, error.message)
      } else if (error instanceof CelError || error instanceof JsonPatchError) fail(error.message)
      else throw error
    }
  }
}

/** A mutation whose expression came to nothing. */
class ExpressionFailed extends Error {}

function evaluated(expression: string, variables: Readonly<Record<string, unknown>>): unknown {
  try {
    return jsonOfCel(compileCel(expression).evaluate(variables))
  } catch (error) {
    if (!(error instanceof CelError)) throw error
    throw new ExpressionFailed(`expression '${expression}' resulted in error: ${error.message}`)
  }
}

/** k8s: policy/mutating dispatcher, k8serrors.StatusError of a denied request */
function denial({ policy, binding }: ActivePolicy, { kind, name, object }: AdmissionAttributes, why: string): Error {
  const message = `policy '${policy.metadata.name}' with binding '${binding.metadata.name}' denied request: ${why}`
  return apiError.generic(403, 'Invalid', message, { name: name || object?.metadata?.name || '', ...(kind.group ? { group: kind.group } : {}), kind: kind.resource, causes: [{ message }] })
}

function mutated(mutation: Mutation, object: KubeObject, { kind }: AdmissionAttributes, variables: Readonly<Record<string, unknown>>): KubeObject {
  if (mutation.patchType === 'JSONPatch') {
    const operations = evaluated(mutation.jsonPatch?.expression ?? '', variables)
    if (!Array.isArray(operations)) throw new CelError('type mismatch: JSONPatchType.expression should evaluate to array')
    try {
      return jsonPatched(object, operations as JsonPatchOperation[]) as KubeObject
    } catch (error) {
      // A patch whose test fails isn't applied, and that is all.
      if (error instanceof JsonPatchTestFailed) return object
      throw error
    }
  }
  const configuration = evaluated(mutation.applyConfiguration?.expression ?? '', variables)
  return mergeObjects(object, configuration, mergeType(kind.schema)) as KubeObject
}

/** The draft belongs to others, so it is changed in place. */
function replaceContents(draft: KubeObject, next: KubeObject, { kind }: AdmissionAttributes): void {
  const { object, unknownFields } = decodeObject(kind, structuredClone(next))
  if (unknownFields.length > 0) throw apiError.internal(`strict decoding error: ${unknownFields.map((field) => `unknown field ${JSON.stringify(field)}`).join(', ')}`)
  applyDefaults(kind, object)
  for (const key of Object.keys(draft)) delete (draft as Record<string, unknown>)[key]
  Object.assign(draft, object)
}
