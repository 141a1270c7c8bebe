import { matchesNodeSelector, matchesRequiredNodeAffinity, matchesTerm } from '../../client/node-selection.ts'
import type { Node, NodeAffinity } from '../../kinds/generated/types.ts'
import { normalizeByMax, on, type FilterPlugin, type PreFilterPlugin, type PreScorePlugin, type ScorePlugin } from '../framework.ts'
import { PASS, SKIP, unresolvable } from '../status.ts'

const REASON = "node(s) didn't match Pod's node affinity/selector"
const ENFORCED_REASON = "node(s) didn't match scheduler-enforced node affinity"

/**
 * nodeSelector and node affinity, required and preferred. k8s: plugins/nodeaffinity
 * @param added what every pod of the profile has besides its own. k8s: apis/config NodeAffinityArgs addedAffinity
 */
export function createNodeAffinity(added: Readonly<NodeAffinity> = {}): PreFilterPlugin & FilterPlugin & PreScorePlugin & ScorePlugin {
  const enforced = added.requiredDuringSchedulingIgnoredDuringExecution
  const addedTerms = added.preferredDuringSchedulingIgnoredDuringExecution ?? []
  const isAllowed = (node: Node) => !enforced || matchesNodeSelector(enforced, node)
  return {
    name: 'NodeAffinity',
    weight: 2,
    preFilter({ pod }) {
      const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
      if (!required && !enforced && !pod.spec.nodeSelector) return SKIP
      if (!required || required.nodeSelectorTerms.length === 0) return PASS
      // Where every term names nodes, only those need a look.
      const nodes = new Set<string>()
      for (const term of required.nodeSelectorTerms) {
        let named: Set<string> | undefined
        for (const { key, operator, values = [] } of term.matchFields ?? []) {
          if (key !== 'metadata.name' || operator !== 'In') continue
          named = new Set(named ? values.filter((value) => named!.has(value)) : values)
        }
        if (!named) return PASS
        for (const name of named) nodes.add(name)
      }
      return nodes.size === 0 ? unresolvable('pod affinity terms conflict') : { nodes }
    },
    filter: ({ pod }, { node }) => !isAllowed(node) ? unresolvable(ENFORCED_REASON) : matchesRequiredNodeAffinity(pod.spec, node) ? PASS : unresolvable(REASON),
    preScore: ({ pod }) => pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution?.length || addedTerms.length > 0 ? PASS : SKIP,
    score({ pod }, { node }) {
      let score = 0
      for (const { weight, preference } of [...addedTerms, ...pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []])
        if (matchesTerm(preference, node)) score += weight
      return score
    },
    normalize(_, scores) { normalizeByMax(scores) },
    retryOn: [on('Node', ['Add', 'UpdateNodeLabel'], (pod, { object, old }) => isAllowed(object as Node) && matchesRequiredNodeAffinity(pod.spec, object as Node) && !(old && matchesRequiredNodeAffinity(pod.spec, old as Node)))],
  }
}

/** As it is in the default profile. */
export const nodeAffinity = createNodeAffinity()
