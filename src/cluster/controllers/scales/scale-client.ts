import type { JsonClient } from '../../client/json-client.ts'
import { labelSelectorOf, parseLabelSelector, type Requirement } from '../../kinds/label-selector.ts'
import { messageOf } from '../pod-control.ts'
import type { Mapping, RestMapper } from './rest-mapper.ts'

/** io.k8s.api.autoscaling.v1.Scale */
export interface Scale {
  apiVersion: string
  kind: string
  metadata: { name: string; namespace?: string; resourceVersion?: string; uid?: string }
  spec?: { replicas?: number }
  status?: { replicas?: number; selector?: string }
}

/** What an autoscaler scales, found by the kind it names. */
export interface ScaleTarget {
  scale: Scale
  mapping: Mapping
}

/** The scale of objects of any kind. k8s: client-go/scale */
export class ScaleClient {
  readonly #client: JsonClient
  readonly #mapper: RestMapper

  constructor(client: JsonClient, mapper: RestMapper) {
    this.#client = client
    this.#mapper = mapper
  }

  /** The scale by the first of the kind's versions that has one. @throws StatusError (the first version's), Error for an unknown kind. k8s: scaleForResourceMappings */
  async find(group: string, kind: string, namespace: string, name: string): Promise<ScaleTarget> {
    let first: unknown
    for (const mapping of await this.#mapper.mappingsOf(group, kind)) {
      try {
        return { scale: await this.get(mapping, namespace, name), mapping }
      } catch (error) {
        first ??= error
      }
    }
    throw first instanceof Error ? first : new Error(messageOf(first))
  }

  async get(mapping: Mapping, namespace: string, name: string): Promise<Scale> {
    const scale = await this.#client.get<Scale>(pathOf(mapping, namespace, name))
    if (!scale.status?.selector) return scale
    return { ...scale, status: { ...scale.status, selector: canonicalSelector(scale.status.selector) } }
  }

  update(mapping: Mapping, namespace: string, scale: Scale): Promise<Scale> {
    return this.#client.put<Scale>(pathOf(mapping, namespace, scale.metadata.name), scale)
  }
}

/** A selector as the client's conversion leaves it. @throws Error in upstream's words. k8s: client-go/scale util.go ConvertToVersion */
function canonicalSelector(text: string): string {
  const refused = (why: string) => new Error(`received an object from a /scale endpoint which was not convertible to autoscaling Scale: failed to parse target selector: ${why}`)
  let requirements: readonly Requirement[]
  try {
    requirements = parseLabelSelector(text).requirements
  } catch (error) {
    throw refused(`couldn't parse the selector string "${text}": ${messageOf(error)}`)
  }
  const matchLabels: Record<string, string> = {}
  const matchExpressions = []
  for (const { key, operator, values } of requirements) {
    switch (operator) {
      case '=': case '==': matchLabels[key] = values[0]!; break
      case 'in': matchExpressions.push({ key, operator: 'In', values }); break
      case '!=': case 'notin': matchExpressions.push({ key, operator: 'NotIn', values }); break
      case 'exists': matchExpressions.push({ key, operator: 'Exists' }); break
      case '!': matchExpressions.push({ key, operator: 'DoesNotExist' }); break
      default: throw refused(`${JSON.stringify(operator)} is not a valid label selector operator`)
    }
  }
  return labelSelectorOf({ matchLabels, matchExpressions }).text
}

function pathOf({ group, version, resource }: Mapping, namespace: string, name: string): string {
  return `${group === '' ? '/api' : `/apis/${group}`}/${version}/namespaces/${namespace}/${resource}/${encodeURIComponent(name)}/scale`
}
