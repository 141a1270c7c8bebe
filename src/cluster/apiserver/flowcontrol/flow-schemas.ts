import type { FlowSchema, FlowcontrolSubject, PolicyRulesWithSubjects, PriorityLevelConfiguration, ResourcePolicyRule } from '../../kinds/generated/types.ts'
import type { RequestInfo } from '../request-info.ts'
import type { Reader, UserInfo } from '../seams.ts'

export const FLOW_SCHEMAS = 'flowschemas.flowcontrol.apiserver.k8s.io'
export const PRIORITY_LEVELS = 'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io'

/** What a request was taken for. */
export interface Classification {
  flowSchema: FlowSchema
  priorityLevel: PriorityLevelConfiguration
  /** Tells the flows of a schema apart: user or namespace, as the schema says. */
  flow: string
}

/** Puts requests into flows by the FlowSchemas, in their order. k8s: apiserver/pkg/util/flowcontrol */
export class FlowSchemas {
  readonly #reader: Reader
  #sorted: { schema: FlowSchema; level: PriorityLevelConfiguration }[] | undefined
  readonly #stops: (() => void)[]

  constructor(reader: Reader) {
    this.#reader = reader
    const forget = () => { this.#sorted = undefined }
    this.#stops = [reader.onChange(FLOW_SCHEMAS, forget), reader.onChange(PRIORITY_LEVELS, forget)]
  }

  /** Undefined where there are no schemas that fit: a server that hasn't made its own yet. */
  classify(user: UserInfo, info: RequestInfo): Classification | undefined {
    for (const { schema, level } of this.#sorted ??= this.#read()) {
      if (!schema.spec.rules?.some((rule) => matchesRule(rule, user, info))) continue
      const by = schema.spec.distinguisherMethod?.type as string | undefined
      return { flowSchema: schema, priorityLevel: level, flow: by === 'ByUser' ? user.name : by === 'ByNamespace' ? info.namespace : '' }
    }
    return undefined
  }

  stop(): void {
    for (const stop of this.#stops) stop()
  }

  /** Schemas of levels that exist; dangling ones don't count. */
  #read(): { schema: FlowSchema; level: PriorityLevelConfiguration }[] {
    const levels = new Map(this.#reader.list<PriorityLevelConfiguration>(PRIORITY_LEVELS).map((level) => [level.metadata.name!, level]))
    return [...this.#reader.list<FlowSchema>(FLOW_SCHEMAS)]
      .sort((a, b) => (a.spec.matchingPrecedence ?? 0) - (b.spec.matchingPrecedence ?? 0) || (a.metadata.name! < b.metadata.name! ? -1 : 1))
      .flatMap((schema) => {
        const level = levels.get(schema.spec.priorityLevelConfiguration.name)
        return level ? [{ schema, level }] : []
      })
  }
}

/** k8s: apiserver/pkg/util/flowcontrol/rule.go */
function matchesRule({ subjects, resourceRules, nonResourceRules }: PolicyRulesWithSubjects, user: UserInfo, info: RequestInfo): boolean {
  if (!subjects?.some((subject) => matchesSubject(subject, user))) return false
  if (info.isResourceRequest) return resourceRules?.some((rule) => matchesResource(rule, info)) ?? false
  return nonResourceRules?.some((rule) => has(rule.verbs, info.verb) && rule.nonResourceURLs.some((url) => url === '*' || url === info.path || (url.endsWith('*') && info.path.startsWith(url.slice(0, -1))))) ?? false
}

const has = (list: readonly string[], value: string) => list.includes('*') || list.includes(value)

function matchesSubject(subject: FlowcontrolSubject, user: UserInfo): boolean {
  switch (subject.kind) {
    case 'User': return subject.user !== undefined && (subject.user.name === '*' || subject.user.name === user.name)
    case 'Group': return subject.group !== undefined && (subject.group.name === '*' || user.groups.includes(subject.group.name))
    case 'ServiceAccount': {
      const { namespace = '', name = '' } = subject.serviceAccount ?? {}
      const prefix = `system:serviceaccount:${namespace}:`
      return namespace !== '' && (name === '*' ? user.name.startsWith(prefix) : user.name === prefix + name)
    }
    default: return false
  }
}

function matchesResource(rule: ResourcePolicyRule, info: RequestInfo): boolean {
  if (!has(rule.verbs, info.verb) || !has(rule.apiGroups, info.group)) return false
  const full = info.subresource ? `${info.resource}/${info.subresource}` : info.resource
  if (!rule.resources.some((resource) => resource === '*' || resource === full || (info.subresource !== '' && resource === `*/${info.subresource}`))) return false
  return info.namespace === '' ? rule.clusterScope === true : rule.namespaces !== undefined && has(rule.namespaces, info.namespace)
}
