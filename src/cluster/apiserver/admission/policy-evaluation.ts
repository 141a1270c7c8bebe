/** What both kinds of admission policies share: bindings, parameters, variables, conditions. k8s: apiserver/pkg/admission/plugin/{policy/generic,cel} */
import type { Clock } from '../../../base/clock.ts'
import { CelError, celValue, compileCel } from '../../kinds/cel/cel-environment.ts'
import { celAuthorizer, celResourceCheck, type AskAccess } from '../../kinds/cel/authorizer-functions.ts'
import type { Kind } from '../../kinds/kind.ts'
import { matchesLabelSelector, type LabelSelectorSpec } from '../../kinds/label-selector.ts'
import { resourceRef, type KubeObject } from '../../kinds/object.ts'
import type { AdmissionAttributes, AdmissionContext, Reader } from '../seams.ts'
import { type MatchResources, isExemptFromPolicies, matchingVersion } from './policy-matching.ts'
import { admissionRequest } from './admission-request.ts'
import { type PolicySource, policySource } from './policy-source.ts'

interface ParamRef {
  name?: string
  namespace?: string
  selector?: LabelSelectorSpec
  parameterNotFoundAction?: string
}

export interface Policy extends KubeObject {
  spec: {
    paramKind?: { apiVersion?: string; kind?: string }
    matchConstraints?: MatchResources
    failurePolicy?: string
    matchConditions?: { name: string; expression: string }[]
    variables?: { name: string; expression: string }[]
    [field: string]: any
  }
}

export interface PolicyBinding extends KubeObject {
  spec: { policyName?: string; paramRef?: ParamRef; matchResources?: MatchResources; validationActions?: string[] }
}

/** A policy that is about a request, through one of its bindings. */
export interface ActivePolicy {
  policy: Policy
  binding: PolicyBinding
  /** In which version the policy sees the request. */
  version: Kind
  /** One evaluation for each; `undefined` where the policy takes none. */
  params: readonly (KubeObject | undefined)[]
  /** Why the binding can't be used. */
  problem?: string
  /** Why no binding of the policy can. */
  policyProblem?: string
}

/** The policies that are about a request, in the order of their names. */
export function activePolicies(source: PolicySource<Policy, PolicyBinding>, attributes: AdmissionAttributes, { reader }: AdmissionContext): ActivePolicy[] {
  const hooks = source.hooks()
  if (hooks.length === 0 || isExemptFromPolicies(attributes)) return []
  return hooks.flatMap(({ policy, bindings }) => {
    const version = matchingVersion(policy.spec.matchConstraints, attributes, reader, { rulesRequired: true })
    if (!version) return []
    return bindings.filter((binding) => matchingVersion(binding.spec.matchResources, attributes, reader, { rulesRequired: false }))
      .map((binding) => ({ policy, binding, version, ...paramsOf(policy, binding, attributes, reader) }))
  })
}

/** The policies of one type. */
export function admissionPolicySource(type: 'validating' | 'mutating', reader: Reader, clock: Clock): PolicySource<Policy, PolicyBinding> {
  const group = 'admissionregistration.k8s.io'
  return policySource(reader, clock, { policies: `${type}admissionpolicies.${group}`, bindings: `${type}admissionpolicybindings.${group}` }, (binding) => binding.spec.policyName ?? '')
}

/** k8s: policy/generic CollectParams */
function paramsOf(policy: Policy, binding: PolicyBinding, attributes: AdmissionAttributes, reader: Reader): { params: readonly (KubeObject | undefined)[]; problem?: string; policyProblem?: string } {
  const { paramKind } = policy.spec
  const ref = binding.spec.paramRef
  if (!paramKind) return { params: [undefined] }
  if (!ref) return { params: [undefined] }
  const kind = reader.kindOf(paramKind.apiVersion ?? '', paramKind.kind ?? '')
  const found: KubeObject[] = []
  if (kind) {
    const resource = resourceRef(kind.resource, kind.group)
    const namespace = kind.namespaced ? ref.namespace || attributes.namespace : undefined
    if (kind.namespaced && !namespace) return { params: [], problem: "can't use namespaced paramRef to match cluster-scoped resource" }
    if (ref.name) {
      const param = reader.get(resource, namespace, ref.name)
      if (param) found.push(param)
    } else found.push(...reader.list(resource, namespace).filter((param) => matchesLabelSelector(ref.selector, param.metadata.labels)))
  } else {
    return { params: [], policyProblem: `failed to find resource referenced by paramKind: '${paramKind.apiVersion}, Kind=${paramKind.kind}'` }
  }
  if (found.length > 0) return { params: found }
  return ref.parameterNotFoundAction === 'Allow' ? { params: [] } : { params: [], problem: 'no params found for policy binding with `Deny` parameterNotFoundAction' }
}

/** What the expressions of a policy can name. The attributes' objects are in its version. */
export function policyVariables(active: ActivePolicy, param: KubeObject | undefined, attributes: AdmissionAttributes, context: AdmissionContext): Record<string, unknown> {
  const variables = requestVariables(attributes, active.version, context)
  variables.params = param ? celValue(param) : null
  // Each is computed when first named, and may name those before it.
  const composed: Record<string, unknown> = {}
  variables.variables = composed
  for (const { name, expression } of active.policy.spec.variables ?? []) {
    let value: unknown
    let error: unknown
    let done = false
    Object.defineProperty(composed, name, {
      enumerable: true, configurable: true,
      get() {
        if (!done) {
          done = true
          try { value = compileCel(expression).evaluate(variables) } catch (e) { error = e }
        }
        if (error) throw new CelError(`composited variable ${JSON.stringify(name)} fails to evaluate: ${(error as Error).message}`)
        return value
      },
    })
  }
  return variables
}

/** What is known of a request itself, with objects in a version. */
export function requestVariables(attributes: AdmissionAttributes, version: Kind, context: AdmissionContext): Record<string, unknown> {
  const { kind, namespace, operation } = attributes
  const isNamespace = kind.resource === 'namespaces' && kind.group === ''
  const namespaceObject = namespace && !isNamespace ? context.reader.get('namespaces', undefined, namespace) : undefined
  return {
    object: operation === 'DELETE' ? null : celValue(attributes.object ?? null),
    oldObject: celValue(attributes.oldObject ?? null),
    request: celValue({ ...admissionRequest(attributes, version), options: attributes.options }),
    authorizer: celAuthorizer(askFor(attributes, context)),
    'authorizer.requestResource': celResourceCheck(askFor(attributes, context), { group: kind.group, resource: kind.resource, subresource: attributes.subresource, namespace, name: attributes.name }),
    namespaceObject: namespaceObject ? celValue({ ...namespaceObject, metadata: { ...namespaceObject.metadata, managedFields: undefined } }) : null,
  }
}

/** Answers what an expression asks of the authorizer, about whoever sends the request. */
function askFor({ user }: AdmissionAttributes, { authorizer }: AdmissionContext): AskAccess {
  return ({ verb, path, group = '', resource = '', subresource = '', namespace = '', name = '', serviceAccount }) => {
    const asked = serviceAccount === undefined ? user : {
      name: `system:serviceaccount:${serviceAccount.namespace}:${serviceAccount.name}`,
      groups: ['system:serviceaccounts', `system:serviceaccounts:${serviceAccount.namespace}`, 'system:authenticated'],
    }
    const { allowed, reason = '' } = authorizer.authorize({ user: asked, verb, resourceRequest: path === undefined, group, version: path === undefined ? '*' : '', resource, subresource, namespace, name, path: path ?? '' })
    return { allowed, reason }
  }
}

const NOTHING = celValue({})

/** True: the policy or webhook applies. @throws CelError when a condition fails to evaluate and none of the others is false */
export function meetsConditions(conditions: readonly { expression: string }[], variables: Readonly<Record<string, unknown>>): boolean {
  const errors: string[] = []
  // Conditions aren't told of the namespace.
  const known = { ...variables, namespaceObject: NOTHING }
  for (const { expression } of conditions) {
    try {
      if (compileCel(expression).evaluate(known) !== true) return false
    } catch (error) {
      errors.push(`expression '${expression}' resulted in error: ${(error as Error).message}`)
    }
  }
  if (errors.length > 0) throw new CelError(errors.length === 1 ? errors[0]! : `[${errors.join(', ')}]`)
  return true
}
