/** The reviews of authorization.k8s.io: what may someone do? k8s: pkg/registry/authorization */
import type { KubeObject } from '../../kinds/object.ts'
import { parseFieldSelector } from '../../kinds/field-selector.ts'
import { parseLabelSelector } from '../../kinds/label-selector.ts'
import { labelKeyProblems, labelValueProblems } from '../../kinds/names.ts'
import { type Finding, forbidden, invalid, required } from '../../kinds/findings.ts'
import { apiError } from '../../kinds/status-error.ts'
import type { AuthorizationAttributes, UserInfo, VirtualRequest, VirtualResource } from '../seams.ts'
import type { RbacAuthorizer } from './rbac-authorizer.ts'
import { nodeNameOf } from './node-authorizer.ts'

const GROUP = 'authorization.k8s.io'

interface SelectorRequirement {
  key: string
  operator: string
  values?: string[]
}

interface ResourceAttributes {
  namespace?: string
  verb?: string
  group?: string
  version?: string
  resource?: string
  subresource?: string
  name?: string
  fieldSelector?: { rawSelector?: string; requirements?: SelectorRequirement[] }
  labelSelector?: { rawSelector?: string; requirements?: SelectorRequirement[] }
}

interface ReviewSpec {
  resourceAttributes?: ResourceAttributes
  nonResourceAttributes?: { path?: string; verb?: string }
  user?: string
  groups?: string[]
  uid?: string
  extra?: Record<string, string[]>
}

/** subjectaccessreviews, localsubjectaccessreviews, selfsubjectaccessreviews and selfsubjectrulesreviews. */
export function accessReviews(rbac: RbacAuthorizer): VirtualResource[] {
  const review = (resource: string, check: (body: KubeObject, spec: ReviewSpec) => Finding[], subjectOf: (spec: ReviewSpec, request: VirtualRequest) => UserInfo): VirtualResource => ({
    resource: `${resource}.${GROUP}`,
    async create(body, request) {
      const spec = (body.spec ?? {}) as ReviewSpec
      const findings = check(body, spec)
      // k8s: the Kind of the decoded object is empty at this point, and so it reads
      if (findings.length > 0) throw apiError.invalid({ group: GROUP, kind: '' }, '', findings)
      const decision = request.context.authorizer.authorize(attributesOf(spec, subjectOf(spec, request)))
      return { ...body, status: { allowed: decision.allowed, ...(decision.denied ? { denied: true } : {}), ...(decision.reason ? { reason: decision.reason } : {}), ...selectorErrors(spec) } }
    },
  })
  const named = (spec: ReviewSpec): UserInfo => ({ name: spec.user ?? '', groups: spec.groups ?? [], ...(spec.uid ? { uid: spec.uid } : {}), ...(spec.extra ? { extra: spec.extra } : {}) })
  return [
    review('subjectaccessreviews', (body, spec) => [...specFindings(spec, true), ...metadataFindings(body, false)], named),
    review('localsubjectaccessreviews', (body, spec) => [...specFindings(spec, true), ...metadataFindings(body, true), ...localFindings(body, spec)], named),
    review('selfsubjectaccessreviews', (body, spec) => [...specFindings(spec, false), ...metadataFindings(body, false)], (_spec, { user }) => user),
    rulesReview(rbac),
  ]
}

function attributesOf(spec: ReviewSpec, user: UserInfo): AuthorizationAttributes {
  const r = spec.resourceAttributes
  if (!r) return { user, verb: spec.nonResourceAttributes?.verb ?? '', resourceRequest: false, group: '', version: '', resource: '', subresource: '', namespace: '', name: '', path: spec.nonResourceAttributes?.path ?? '' }
  const fieldSelector = selectorText(r.fieldSelector)
  const labelSelector = selectorText(r.labelSelector)
  return {
    user, verb: r.verb ?? '', resourceRequest: true, group: r.group ?? '', version: r.version || '*', resource: r.resource ?? '', subresource: r.subresource ?? '',
    namespace: r.namespace ?? '', name: r.name ?? '', path: '', ...(fieldSelector ? { fieldSelector } : {}), ...(labelSelector ? { labelSelector } : {}),
  }
}

/** Selectors that can't be read are not looked at. k8s: BuildEvaluationError */
function selectorErrors({ resourceAttributes }: ReviewSpec): { evaluationError?: string } {
  const isBad = (raw: string | undefined, parse: (text: string) => unknown) => {
    try {
      if (raw) parse(raw)
      return false
    } catch {
      return true
    }
  }
  const bad = [
    ...(isBad(resourceAttributes?.fieldSelector?.rawSelector, parseFieldSelector) ? ['spec.resourceAttributes.fieldSelector ignored due to parse error'] : []),
    ...(isBad(resourceAttributes?.labelSelector?.rawSelector, parseLabelSelector) ? ['spec.resourceAttributes.labelSelector ignored due to parse error'] : []),
  ]
  return bad.length > 0 ? { evaluationError: bad.length > 1 ? `[${bad.join(', ')}]` : bad[0]! } : {}
}

function selectorText(selector: ResourceAttributes['fieldSelector']): string {
  if (!selector) return ''
  if (selector.rawSelector) return selector.rawSelector
  return (selector.requirements ?? []).filter((r) => r.operator === 'In' && r.values?.length === 1).map((r) => `${r.key}=${r.values![0]}`).join(',')
}

/** k8s: pkg/apis/authorization/validation */
function specFindings(spec: ReviewSpec, wantsUser: boolean): Finding[] {
  const out: Finding[] = []
  const { resourceAttributes, nonResourceAttributes } = spec
  if (resourceAttributes && nonResourceAttributes)
    out.push(invalid('spec.nonResourceAttributes', { Path: nonResourceAttributes.path ?? '', Verb: nonResourceAttributes.verb ?? '' }, 'cannot be specified in combination with resourceAttributes'))
  if (!resourceAttributes && !nonResourceAttributes) out.push(invalid('spec.resourceAttributes', null, 'exactly one of nonResourceAttributes or resourceAttributes must be specified'))
  if (wantsUser && !spec.user && !spec.groups?.length) out.push(invalid('spec.user', spec.user ?? '', 'at least one of user or group must be specified'))
  for (const name of ['fieldSelector', 'labelSelector'] as const) {
    const selector = resourceAttributes?.[name]
    if (!selector) continue
    const path = `spec.resourceAttributes.${name}`
    if (selector.rawSelector && selector.requirements?.length) out.push(invalid(`${path}.rawSelector`, selector.rawSelector, 'may not specified at the same time as requirements'))
    if (!selector.rawSelector && !selector.requirements?.length) out.push(required(`${path}.requirements`, `when ${path} is specified, requirements or rawSelector is required`))
    selector.requirements?.forEach((requirement, i) => out.push(...requirementFindings(requirement, name === 'labelSelector', `${path}.requirements[${i}]`)))
  }
  return out
}

/** Operators that aren't known here may come from newer clients. k8s: metav1validation.ValidateFieldSelectorRequirement, ValidateLabelSelectorRequirement */
function requirementFindings({ key = '', operator, values = [] }: SelectorRequirement, isLabel: boolean, at: string): Finding[] {
  const out: Finding[] = []
  if (!isLabel && key === '') out.push(required(`${at}.key`, 'must be specified'))
  if ((operator === 'In' || operator === 'NotIn') && values.length === 0) out.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"))
  if ((operator === 'Exists' || operator === 'DoesNotExist') && values.length > 0) out.push(forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
  if (!isLabel) return out
  for (const problem of labelKeyProblems(key)) out.push(invalid(`${at}.key`, key, problem))
  values.forEach((value, i) => out.push(...labelValueProblems(value).map((problem) => invalid(`${at}.values[${i}]`, value, problem))))
  return out
}

function metadataFindings(body: KubeObject, namespaceAllowed: boolean): Finding[] {
  const { managedFields: _, ...metadata } = body.metadata ?? {}
  if (namespaceAllowed) delete metadata.namespace
  const rest = Object.entries(metadata).filter(([, value]) => value !== undefined && value !== null && value !== '')
  return rest.length === 0 ? [] : [invalid('metadata', Object.fromEntries(rest), namespaceAllowed ? 'must be empty except for namespace' : 'must be empty')]
}

function localFindings(body: KubeObject, spec: ReviewSpec): Finding[] {
  const out: Finding[] = []
  const namespace = spec.resourceAttributes?.namespace ?? ''
  if (spec.resourceAttributes && namespace !== (body.metadata?.namespace ?? '')) out.push(invalid('spec.resourceAttributes.namespace', namespace, 'must match metadata.namespace'))
  if (spec.nonResourceAttributes) out.push(invalid('spec.nonResourceAttributes', { Path: spec.nonResourceAttributes.path ?? '', Verb: spec.nonResourceAttributes.verb ?? '' }, 'disallowed on this kind of request'))
  return out
}

function rulesReview(rbac: RbacAuthorizer): VirtualResource {
  return {
    resource: `selfsubjectrulesreviews.${GROUP}`,
    async create(body, { user }) {
      const namespace = (body.spec as { namespace?: string } | undefined)?.namespace ?? ''
      if (namespace === '') throw apiError.badRequest('no namespace on request')
      const { rules, errors } = rbac.rulesFor(user, namespace)
      const isNode = nodeNameOf(user) !== undefined
      const error = [...isNode ? ['node authorizer does not support user rule resolution'] : [], ...errors].join(', ')
      return {
        ...body, spec: {},
        status: {
          resourceRules: rules.filter((rule) => rule.resources?.length).map(({ verbs, apiGroups, resources, resourceNames }) => ({
            verbs: verbs ?? [], ...(apiGroups?.length ? { apiGroups } : {}), resources, ...(resourceNames?.length ? { resourceNames } : {}),
          })),
          nonResourceRules: rules.filter((rule) => rule.nonResourceURLs?.length).map(({ verbs, nonResourceURLs }) => ({ verbs: verbs ?? [], nonResourceURLs })),
          incomplete: isNode || errors.length > 0,
          ...(error ? { evaluationError: error } : {}),
        },
      }
    },
  }
}
