/** The reviews of authorization.k8s.io: what may someone do? k8s: pkg/registry/authorization */
import type { KubeObject } from '../../kinds/object.ts'
import { type FieldTerm, fieldSelectorOf, parseFieldSelector } from '../../kinds/field-selector.ts'
import { type Finding, invalid, required } from '../../kinds/findings.ts'
import { type LabelSelector, SelectorError, labelSelectorOf, parseLabelSelector, selectorOf } from '../../kinds/label-selector.ts'
import { apiError } from '../../kinds/status-error.ts'
import { checkOperatorValues, checkSelectorRequirement } from '../../kinds/validate-metadata.ts'
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
      await request.admit(body)
      const ignored: string[] = []
      const decision = request.context.authorizer.authorize(attributesOf(spec, subjectOf(spec, request), ignored))
      return { ...body, status: { allowed: decision.allowed, ...(decision.denied ? { denied: true } : {}), ...(decision.reason ? { reason: decision.reason } : {}), ...(ignored.length > 0 ? { evaluationError: ignored.join('; ') } : {}) } }
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

/** `ignored` collects what is said of selectors that can't be read. k8s: pkg/registry/authorization/util ResourceAttributesFrom, BuildEvaluationError */
function attributesOf(spec: ReviewSpec, user: UserInfo, ignored: string[]): AuthorizationAttributes {
  const r = spec.resourceAttributes
  if (!r) return { user, verb: spec.nonResourceAttributes?.verb ?? '', resourceRequest: false, group: '', version: '', resource: '', subresource: '', namespace: '', name: '', path: spec.nonResourceAttributes?.path ?? '' }
  const readable = (name: 'fieldSelector' | 'labelSelector', { text, failed }: ReadSelector) => {
    if (failed) ignored.push(`spec.resourceAttributes.${name} ${text ? 'partially ' : ''}ignored due to parse error`)
    return text
  }
  const fieldSelector = readable('fieldSelector', readFieldSelector(r.fieldSelector))
  const labelSelector = readable('labelSelector', readLabelSelector(r.labelSelector))
  return {
    user, verb: r.verb ?? '', resourceRequest: true, group: r.group ?? '', version: r.version || '*', resource: r.resource ?? '', subresource: r.subresource ?? '',
    namespace: r.namespace ?? '', name: r.name ?? '', path: '', ...(fieldSelector ? { fieldSelector } : {}), ...(labelSelector ? { labelSelector } : {}),
  }
}

interface ReadSelector {
  /** What could be read: requirements are joined by "and", so that fewer of them only ask for more. */
  text: string
  failed: boolean
}

/** @returns undefined when the parser refuses. */
function attempt<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch (error) {
    if (error instanceof SelectorError) return undefined
    throw error
  }
}

function readRaw(parse: (text: string) => { text: string }, raw = ''): ReadSelector {
  const parsed = attempt(() => parse(raw))
  return { text: parsed?.text ?? '', failed: !parsed }
}

/** k8s: fieldSelectorAsSelector */
function readFieldSelector(selector: ResourceAttributes['fieldSelector']): ReadSelector {
  if (!selector) return { text: '', failed: false }
  const { rawSelector, requirements = [] } = selector
  if (requirements.length === 0) return readRaw(parseFieldSelector, rawSelector)
  const terms = requirements.filter(({ operator, values }) => (operator === 'In' || operator === 'NotIn') && values?.length === 1)
    .map(({ key, operator, values }): FieldTerm => ({ field: key, operator: operator === 'In' ? '=' : '!=', value: values![0]! }))
  return { text: fieldSelectorOf(terms).text, failed: terms.length < requirements.length }
}

/** k8s: labelSelectorAsSelector */
function readLabelSelector(selector: ResourceAttributes['labelSelector']): ReadSelector {
  if (!selector) return { text: '', failed: false }
  const { rawSelector, requirements = [] } = selector
  if (requirements.length === 0) return readRaw(parseLabelSelector, rawSelector)
  const known = requirements.map((requirement) => attempt(() => labelSelectorOf({ matchExpressions: [requirement] }))).filter((one): one is LabelSelector => one !== undefined)
  return { text: selectorOf(known.flatMap((one) => one.requirements)).text, failed: known.length < requirements.length }
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
    selector.requirements?.forEach((requirement, i) => {
      const at = `${path}.requirements[${i}]`
      if (name === 'labelSelector') return checkSelectorRequirement(out, requirement, at, { allowUnknownOperator: true })
      if (!requirement.key) out.push(required(`${at}.key`, 'must be specified'))
      checkOperatorValues(out, requirement, at)
    })
  }
  return out
}

/** The order in which the server shows members of ObjectMeta. */
const SHOWN_ORDER = [
  'name', 'generateName', 'namespace', 'selfLink', 'uid', 'resourceVersion', 'generation', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'labels', 'annotations', 'ownerReferences', 'finalizers', 'managedFields',
]

function metadataFindings(body: KubeObject, namespaceAllowed: boolean): Finding[] {
  const given = Object.entries(body.metadata ?? {}).filter(([, value]) => value !== undefined && value !== null && value !== '')
  const allowed = given.every(([field]) => field === 'managedFields' || (namespaceAllowed && field === 'namespace'))
  return allowed ? [] : [invalid('metadata', Object.fromEntries(given.sort(([a], [b]) => SHOWN_ORDER.indexOf(a) - SHOWN_ORDER.indexOf(b))), namespaceAllowed ? 'must be empty except for namespace' : 'must be empty')]
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
    async create(body, { user, admit }) {
      const namespace = (body.spec as { namespace?: string } | undefined)?.namespace ?? ''
      if (namespace === '') throw apiError.badRequest('no namespace on request')
      await admit(body)
      const { rules, errors } = rbac.rulesFor(user, namespace)
      const isNode = nodeNameOf(user) !== undefined
      const error = [...isNode ? ['node authorizer does not support user rule resolution'] : [], ...errors].join(', ')
      return {
        // Upstream answers with an object of its own.
        apiVersion: body.apiVersion, kind: body.kind, metadata: {}, spec: {},
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
