/** What both kinds of admission policies share: bindings, parameters, variables, conditions. k8s: apiserver/pkg/admission/plugin/{policy/generic,cel} */
import type { Clock } from '../../../base/clock.ts'
import { CelError, celValue, compileCel } from '../../kinds/cel/cel-environment.ts'
import { celAuthorizer, celResourceCheck, type AskAccess } from '../../kinds/cel/authorizer-functions.ts'
import { matchesLabelSelector, type LabelSelectorSpec } from '../../kinds/label-selector.ts'
import { resourceRef, type KubeObject } from '../../kinds/object.ts'
import type { AdmissionAttributes, AdmissionContext, Reader } from '../seams.ts'
import { type MatchResources, isExemptFromPolicies, matchesResources } from './policy-matching.ts'
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
    if (!matchesResources(policy.spec.matchConstraints, attributes, reader, { rulesRequired: true })) return []
    return bindings.filter((binding) => matchesResources(binding.spec.matchResources, attributes, reader, { rulesRequired: false }))
      .map((binding) => ({ policy, binding, ...paramsOf(policy, binding, attributes, reader) }))
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

/** What the expressions of a policy can name. */
export function policyVariables(active: ActivePolicy, param: KubeObject | undefined, attributes: AdmissionAttributes, context: AdmissionContext): Record<string, unknown> {
  const variables = requestVariables(attributes, context)
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

/** What is known of a request itself. */
export function requestVariables(attributes: AdmissionAttributes, context: AdmissionContext): Record<string, unknown> {
  const { kind, namespace, operation } = attributes
  const isNamespace = kind.resource === 'namespaces' && kind.group === ''
  const namespaceObject = namespace && !isNamespace ? context.reader.get('namespaces', undefined, namespace) : undefined
  return {
    object: operation === 'DELETE' ? null : celValue(attributes.object ?? null),
    oldObject: celValue(attributes.oldObject ?? null),
    request: celValue(requestOf(attributes)),
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

function requestOf(attributes: AdmissionAttributes): Record<string, unknown> {
  const { kind, subresource, name, namespace, operation, user, dryRun, options, object } = attributes
  const gvk = { group: kind.group, version: kind.version, kind: kind.kind }
  const gvr = { group: kind.group, version: kind.version, resource: kind.resource }
  const requestName = name || object?.metadata?.name
  return {
    kind: gvk, resource: gvr, requestKind: gvk, requestResource: gvr, ...(subresource ? { subResource: subresource, requestSubResource: subresource } : {}),
    ...(requestName ? { name: requestName } : {}), ...(namespace ? { namespace } : {}), operation,
    userInfo: { username: user.name, ...(user.uid ? { uid: user.uid } : {}), ...(user.groups.length > 0 ? { groups: user.groups } : {}), ...(user.extra ? { extra: user.extra } : {}) }, dryRun, options,
  }
}

/** True: the policy applies. @throws CelError when a condition fails to evaluate and none of the others is false */
export function meetsConditions(policy: Policy, variables: Readonly<Record<string, unknown>>): boolean {
  const errors: string[] = []
  for (const { expression } of policy.spec.matchConditions ?? []) {
    try {
      if (compileCel(expression).evaluate(variables) !== true) return false
    } catch (error) {
      errors.push(`expression '${expression}' resulted in error: ${(error as Error).message}`)
    }
  }
  if (errors.length > 0) throw new CelError(errors.length === 1 ? errors[0]! : `[${errors.join(', ')}]`)
  return true
}
