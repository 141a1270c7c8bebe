import type { KubeObject } from '../../kinds/object.ts'
import { apiError } from '../../kinds/status-error.ts'
import type { AuthorizationAttributes, Authorizer, Decision, Reader, UserInfo } from '../seams.ts'
import { type PolicyRule, nameMatches, ruleAllows, targetMatches, urlMatches, verbMatches } from './rbac-rules.ts'

const GROUP = 'rbac.authorization.k8s.io'
const SERVICE_ACCOUNT_PREFIX = 'system:serviceaccount:'
const NO_OPINION: Decision = Object.freeze({ allowed: false })

interface Subject {
  kind: string
  name: string
  namespace?: string
}

interface RoleRef {
  kind: string
  name: string
}

/** A binding as seen from one of its subjects. */
interface Grant {
  /** `Binding "x" of Role "y" to User "z"` */
  source: string
  roleRef: RoleRef
  /** Where a Role is looked up; '' for cluster bindings. */
  namespace: string
  /** Order among all bindings of its list. */
  order: number
}

/** Grants by subject: `U` and the user's name (service accounts under theirs), `G` and the group. */
type GrantsBySubject = Map<string, Grant[]>

/** What a set of rules says of one resource, or of paths. */
type RulesByTarget = Map<string, readonly PolicyRule[]>

/**
 * Role-based access control, from rules held in memory. Bindings are indexed by subject and rules by resource on first use after a change,
 * so that a decision costs a few lookups. k8s: plugin/pkg/auth/authorizer/rbac
 */
export class RbacAuthorizer implements Authorizer {
  readonly #reader: Reader
  #clusterGrants: GrantsBySubject | undefined
  readonly #namespaceGrants = new Map<string, GrantsBySubject>()
  /** By role object: objects are immutable, so their index never goes stale. */
  readonly #rulesByRole = new WeakMap<object, RulesByTarget>()
  /** Users of the in-process parts ask again and again with the same object. */
  #userGrants = new WeakMap<UserInfo, Map<string, readonly Grant[]>>()

  constructor(reader: Reader) {
    this.#reader = reader
    reader.onChange(`clusterrolebindings.${GROUP}`, () => {
      this.#clusterGrants = undefined
      this.#userGrants = new WeakMap()
    })
    reader.onChange(`rolebindings.${GROUP}`, ({ object, old }) => {
      this.#namespaceGrants.delete((object ?? old)!.metadata.namespace!)
      this.#userGrants = new WeakMap()
    })
  }

  authorize(attributes: AuthorizationAttributes): Decision {
    let errors: string[] | undefined
    for (const grant of this.#grantsOf(attributes.user, attributes.resourceRequest ? attributes.namespace : '')) {
      const role = this.#roleOf(grant)
      if (!role) {
        const missing = missingRole(grant).message
        errors ??= []
        if (!errors.includes(missing)) errors.push(missing)
        continue
      }
      if (this.#roleAllows(role, attributes)) return { allowed: true, reason: `RBAC: allowed by ${grant.source}` }
    }
    if (!errors) return NO_OPINION
    return { allowed: false, reason: `RBAC: ${errors.length === 1 ? errors[0] : `[${errors.join(', ')}]`}` }
  }

  /** Every rule that applies to a user in a namespace ('' : cluster-wide ones only), in the order of the bindings. */
  rulesFor(user: UserInfo, namespace: string): { rules: PolicyRule[]; errors: string[] } {
    const rules: PolicyRule[] = []
    const errors: string[] = []
    for (const grant of this.#grantsOf(user, namespace)) {
      const role = this.#roleOf(grant)
      if (role) rules.push(...rulesOf(role))
      else errors.push(missingRole(grant).message)
    }
    return { rules, errors }
  }

  /** The rules that a binding in `namespace` to `roleRef` would give; undefined when the role is missing. */
  rulesOfRole(roleRef: RoleRef, namespace: string): readonly PolicyRule[] | undefined {
    const role = this.#roleOf({ roleRef, namespace })
    return role && rulesOf(role)
  }

  #roleAllows(role: KubeObject, attributes: AuthorizationAttributes): boolean {
    let index = this.#rulesByRole.get(role)
    if (!index) this.#rulesByRole.set(role, index = new Map())
    if (!attributes.resourceRequest) return rulesOf(role).some((rule) => verbMatches(rule, attributes.verb) && urlMatches(rule, attributes.path))
    const { group, resource, subresource, verb, name } = attributes
    const target = subresource ? `${group}/${resource}/${subresource}` : `${group}/${resource}`
    let rules = index.get(target)
    if (!rules) {
      rules = rulesOf(role).filter((rule) => targetMatches(rule, group, resource, subresource))
      // Names come from requests: what asks for a thousand different ones gets no thousand entries.
      if (index.size < 1000) index.set(target, rules)
    }
    for (const rule of rules) if (verbMatches(rule, verb) && nameMatches(rule, name)) return true
    return false
  }

  #roleOf({ roleRef, namespace }: Pick<Grant, 'roleRef' | 'namespace'>): KubeObject | undefined {
    if (roleRef.kind === 'Role') return namespace ? this.#reader.get(`roles.${GROUP}`, namespace, roleRef.name) : undefined
    return this.#reader.get(`clusterroles.${GROUP}`, undefined, roleRef.name)
  }

  #grantsOf(user: UserInfo, namespace: string): readonly Grant[] {
    let byNamespace = this.#userGrants.get(user)
    if (!byNamespace) this.#userGrants.set(user, byNamespace = new Map())
    const known = byNamespace.get(namespace)
    if (known) return known
    const cluster = pick(this.#clusterGrants ??= this.#index(undefined), user)
    const grants = namespace === '' ? cluster : [...cluster, ...pick(this.#grantsIn(namespace), user)]
    byNamespace.set(namespace, grants)
    return grants
  }

  #grantsIn(namespace: string): GrantsBySubject {
    let grants = this.#namespaceGrants.get(namespace)
    if (!grants) this.#namespaceGrants.set(namespace, grants = this.#index(namespace))
    return grants
  }

  #index(namespace: string | undefined): GrantsBySubject {
    const out: GrantsBySubject = new Map()
    const bindings = namespace === undefined ? this.#reader.list(`clusterrolebindings.${GROUP}`) : this.#reader.list(`rolebindings.${GROUP}`, namespace)
    const sorted = [...bindings].sort((a, b) => (a.metadata.name! < b.metadata.name! ? -1 : 1))
    for (const [order, binding] of sorted.entries()) {
      const kind = namespace === undefined ? 'ClusterRoleBinding' : 'RoleBinding'
      const name = namespace === undefined ? binding.metadata.name! : `${binding.metadata.name}/${namespace}`
      const roleRef = binding.roleRef as RoleRef
      const seen = new Set<string>()
      for (const subject of (binding.subjects ?? []) as Subject[]) {
        const key = subjectKey(subject, namespace ?? '')
        if (key === undefined || seen.has(key)) continue
        seen.add(key)
        const grant: Grant = { source: `${kind} ${JSON.stringify(name)} of ${roleRef.kind} ${JSON.stringify(roleRef.name)} to ${subjectText(subject, namespace ?? '')}`, roleRef, namespace: namespace ?? '', order }
        const list = out.get(key)
        if (list) list.push(grant)
        else out.set(key, [grant])
      }
    }
    return out
  }
}

function pick(grants: GrantsBySubject, user: UserInfo): Grant[] {
  const out = [...grants.get(`U${user.name}`) ?? []]
  for (const group of user.groups) out.push(...grants.get(`G${group}`) ?? [])
  // A binding that names a user twice over applies once, by the subject it names first.
  out.sort((a, b) => a.order - b.order)
  return out
}

function subjectKey(subject: Subject, bindingNamespace: string): string | undefined {
  switch (subject.kind) {
    case 'User': return `U${subject.name}`
    case 'Group': return `G${subject.name}`
    case 'ServiceAccount': {
      const namespace = subject.namespace || bindingNamespace
      return namespace ? `U${SERVICE_ACCOUNT_PREFIX}${namespace}:${subject.name}` : undefined
    }
    default: return undefined
  }
}

function subjectText(subject: Subject, bindingNamespace: string): string {
  const name = subject.kind === 'ServiceAccount' ? `${subject.name}/${subject.namespace || bindingNamespace}` : subject.name
  return `${subject.kind} ${JSON.stringify(name)}`
}

function rulesOf(role: KubeObject): readonly PolicyRule[] {
  return (role.rules as PolicyRule[] | null | undefined) ?? []
}

function missingRole({ roleRef }: Pick<Grant, 'roleRef'>): Error {
  return apiError.notFound({ group: GROUP, resource: roleRef.kind.toLowerCase() }, roleRef.name)
}

export { ruleAllows }
