import { CelError, compileCel, jsonOfCel } from '../../kinds/cel/cel-environment.ts'
import { applyDefaults } from '../../kinds/defaults.ts'
import { decodeObject } from '../../kinds/decode.ts'
import type { KubeObject } from '../../kinds/object.ts'
import { JsonPatchError, type JsonPatchOperation, jsonPatched } from '../../kinds/patch/json-patch.ts'
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
  if (active.problem) return fail(active.problem)
  for (const param of active.params) {
    try {
      if (!meetsConditions(active.policy, policyVariables(active, param, attributes, context))) continue
      for (const mutation of (active.policy.spec.mutations ?? []) as Mutation[]) {
        const next = mutated(mutation, attributes.object!, attributes, policyVariables(active, param, attributes, context))
        replaceContents(attributes.object!, next, attributes)
      }
    } catch (error) {
      if (!(error instanceof CelError) && !(error instanceof JsonPatchError)) throw error
      fail(error.message)
    }
  }
}

function mutated(mutation: Mutation, object: KubeObject, { kind }: AdmissionAttributes, variables: Readonly<Record<string, unknown>>): KubeObject {
  if (mutation.patchType === 'JSONPatch') {
    const operations = jsonOfCel(compileCel(mutation.jsonPatch?.expression ?? '').evaluate(variables))
    if (!Array.isArray(operations)) throw new CelError('type mismatch: JSONPatchType.expression should evaluate to array')
    return jsonPatched(object, operations as JsonPatchOperation[]) as KubeObject
  }
  const configuration = jsonOfCel(compileCel(mutation.applyConfiguration?.expression ?? '').evaluate(variables))
  return mergeObjects(object, configuration, mergeType(kind.schema)) as KubeObject
}

/** The draft belongs to others, so it is changed in place. */
function replaceContents(draft: KubeObject, next: KubeObject, { kind }: AdmissionAttributes): void {
  const { object } = decodeObject(kind, structuredClone(next))
  applyDefaults(kind, object)
  for (const key of Object.keys(draft)) delete (draft as Record<string, unknown>)[key]
  Object.assign(draft, object)
}
