import type { Node, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, PodSpec } from '../kinds/generated/types.ts'
import { holdsAll } from './label-selection.ts'

type Values = Readonly<Record<string, string>> | undefined

function meets({ key, operator, values = [] }: Readonly<NodeSelectorRequirement>, labels: Values): boolean {
  const value = labels?.[key]
  switch (operator) {
    case 'In': return value !== undefined && values.includes(value)
    case 'NotIn': return value === undefined || !values.includes(value)
    case 'Exists': return value !== undefined
    case 'DoesNotExist': return value === undefined
    case 'Gt': case 'Lt': {
      if (value === undefined || !/^-?\d+$/.test(value) || values.length !== 1 || !/^-?\d+$/.test(values[0]!)) return false
      if (!isInt64(value) || !isInt64(values[0]!)) return false
      return operator === 'Gt' ? BigInt(value) > BigInt(values[0]!) : BigInt(value) < BigInt(values[0]!)
    }
    default: return false
  }
}

const isInt64 = (text: string) => BigInt.asIntN(64, BigInt(text)) === BigInt(text)

/** A term without requirements matches nothing. k8s: component-helpers/scheduling/corev1/nodeaffinity */
export function matchesTerm(term: Readonly<NodeSelectorTerm>, node: Readonly<Node>): boolean {
  const { matchExpressions = [], matchFields = [] } = term
  if (matchExpressions.length === 0 && matchFields.length === 0) return false
  return matchExpressions.every((requirement) => meets(requirement, node.metadata.labels)) &&
    matchFields.every((requirement) => meets(requirement, { 'metadata.name': node.metadata.name! }))
}

export function matchesNodeSelector(selector: Readonly<NodeSelector>, node: Readonly<Node>): boolean {
  return selector.nodeSelectorTerms.some((term) => matchesTerm(term, node))
}

/** Whether the node is one that the pod's nodeSelector and required node affinity allow. k8s: GetRequiredNodeAffinity */
export function matchesRequiredNodeAffinity(spec: Readonly<PodSpec>, node: Readonly<Node>): boolean {
  if (!holdsAll(spec.nodeSelector, node.metadata.labels)) return false
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  return !required || matchesNodeSelector(required, node)
}
