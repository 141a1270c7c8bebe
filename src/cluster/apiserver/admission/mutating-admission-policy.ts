import { CelError, compileCel, jsonOfCel } from '../../kinds/cel/cel-environment.ts'
import { applyDefaults } from '../../kinds/defaults.ts'
import { decodeObject } from '../../kinds/decode.ts'
import type { KubeObject } from '../../kinds/object.ts'
import { JsonPatchError, type JsonPatchOperation, JsonPatchTestFailed, jsonPatched } from '../../kinds/patch/json-patch.ts'
import { mergeType } from '../../kinds/patch/merge-type.ts'
import { mergeObjects } from '../../kinds/patch/typed-value.ts'
import type { Kind } from '../../kinds/kind.ts'
import { apiError } from '../../kinds/status-error.ts'
import type { AdmissionAttributes, AdmissionContext, AdmissionPlugin } from '../seams.ts'
import { attributesIn, outOfVersion } from './admission-version.ts'
import { type ActivePolicy, type Policy, type PolicyBinding, activePolicies, meetsConditions, policyVariables } from './policy-evaluation.ts'
import type { PolicySource } from './policy-source.ts'
import { Reinvocable, reinvocationOf } from './reinvocation.ts'
import { replaceContents } from './replace-contents.ts'

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
      if (!attributes.object || attributes.operation === 'DELETE') return undefined
      const policies = activePolicies(source, attributes, context)
      return policies.length === 0 ? undefined : mutate(policies, attributes, context)
    },
  }
}

async function mutate(policies: readonly ActivePolicy[], attributes: AdmissionAttributes, context: AdmissionContext): Promise<void> {
  const reinvocation = reinvocationOf(attributes)
  const reinvocable = Reinvocable.of('MutatingAdmissionPolicy', reinvocation)
  reinvocable.begin(attributes.object, reinvocation)
  let hasMutated = false
  for (const active of policies) {
    const problem = active.problem ?? active.policyProblem
    if (problem) fail(active, problem)
    else for (const param of active.params) {
      const id = JSON.stringify([active.policy.metadata.name, active.binding.metadata.name, param?.metadata.namespace, param?.metadata.name])
      const hub = attributes.object!
      const seen = await attributesIn(active.version, attributes)
      const object = mutatedBy(active, param, seen, context, () => !reinvocation.again || reinvocable.isDue(id))
      if (!object) continue
      hasMutated = true
      if (object !== seen.object) {
        replaceContents(hub, await outOfVersion(object, active.version, hub, attributes))
        reinvocable.changed(reinvocation)
      }
      if (active.policy.spec['reinvocationPolicy'] === 'IfNeeded') reinvocable.add(id)
    }
  }
  // Whatever came of it: those that want to be asked again are.
  if (hasMutated) reinvocable.changed(reinvocation)
  reinvocable.end(attributes.object)
}

/** @throws StatusError unless failures are to be ignored */
function fail({ policy, binding }: ActivePolicy, message: string): void {
  if (policy.spec.failurePolicy !== 'Ignore') throw apiError.internal(`admission policy ${JSON.stringify(policy.metadata.name)} with binding ${JSON.stringify(binding.metadata.name)} failed: ${message}`)
}

/** The object as a policy makes it; undefined when the policy isn't for it, or isn't `wanted`. */
function mutatedBy(active: ActivePolicy, param: KubeObject | undefined, seen: AdmissionAttributes, context: AdmissionContext, wanted: () => boolean): KubeObject | undefined {
  let object = seen.object!
  try {
    if (!meetsConditions(active.policy.spec.matchConditions ?? [], policyVariables(active, param, seen, context)) || !wanted()) return undefined
    for (const mutation of (active.policy.spec['mutations'] ?? []) as Mutation[]) {
      const current = { ...seen, object }
      const made = mutated(mutation, object, active.version, policyVariables(active, param, current, context))
      checkVersion(active.version, seen.kind)
      object = reread(made, active.version)
    }
  } catch (error) {
    if (error instanceof ExpressionFailed) {
      if (active.policy.spec.failurePolicy !== 'Ignore') throw denial(active, seen, error.message)
    } else if (error instanceof CelError || error instanceof JsonPatchError) fail(active, error.message)
    else throw error
  }
  return object
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

function mutated(mutation: Mutation, object: KubeObject, version: Kind, variables: Readonly<Record<string, unknown>>): KubeObject {
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
  return mergeObjects(object, configuration, mergeType(version.schema)) as KubeObject
}

/** Upstream turns what was made into the version of the request, which Go's types of other versions can't become. k8s: policy/mutating dispatchOne */
function checkVersion(made: Kind, wanted: Kind): void {
  if (made.custom || (made.group === wanted.group && made.version === wanted.version)) return
  throw new ExpressionFailed(`converting (${made.version}.${made.kind}) to (${wanted.version}.${wanted.kind}): unknown conversion`)
}

/** What a mutation made, read as its kind. */
function reread(made: KubeObject, version: Kind): KubeObject {
  const { object, unknownFields } = decodeObject(version, structuredClone(made))
  if (unknownFields.length > 0) throw apiError.internal(`strict decoding error: ${unknownFields.map((field) => `unknown field ${JSON.stringify(field)}`).join(', ')}`)
  applyDefaults(version, object)
  return object
}
