import type { Amounts } from '../../client/pod-resources.ts'
import { MAX_NODE_SCORE, type PreScorePlugin, type ScorePlugin } from '../framework.ts'
import { PASS, SKIP } from '../status.ts'
import { CPU_AND_MEMORY, isOrdinary } from './resource-scoring.ts'

/** How evenly resources are used: 100 is the same share of all. k8s: balancedResourceScore */
function balance(fractions: readonly number[]): number {
  if (fractions.length < 2) return MAX_NODE_SCORE
  const mean = fractions.reduce((sum, fraction) => sum + fraction, 0) / fractions.length
  const deviation = fractions.length === 2 ? Math.abs(fractions[0]! - fractions[1]!) / 2 : Math.sqrt(fractions.reduce((sum, fraction) => sum + (fraction - mean) ** 2, 0) / fractions.length)
  return Math.trunc((1 - deviation) * MAX_NODE_SCORE)
}

/**
 * Prefers nodes that the pod makes more balanced. k8s: plugins/noderesources BalancedAllocation
 * @param resources names of those that are looked at
 */
export function createNodeResourcesBalancedAllocation(resources: readonly string[] = CPU_AND_MEMORY.map(({ name }) => name)): PreScorePlugin & ScorePlugin {
  const fractions = (requested: Amounts, more: Amounts, counted: readonly string[], allocatable: Amounts) => counted.map((name) => Math.min(1, ((requested[name] ?? 0) + (more[name] ?? 0)) / allocatable[name]!))
  return {
    name: 'NodeResourcesBalancedAllocation',
    weight: 1,
    preScore: ({ info }) => resources.every((name) => !info.requests[name]) ? SKIP : PASS,
    score({ info: { requests } }, { requested, allocatable }) {
      const counted = resources.filter((name) => allocatable[name] && (isOrdinary(name) || requests[name]))
      const withPod = balance(fractions(requested, requests, counted, allocatable))
      const without = balance(fractions(requested, {}, counted, allocatable))
      return Math.trunc(MAX_NODE_SCORE / 2 + (MAX_NODE_SCORE / 2 + withPod - without) / 2)
    },
  }
}

/** As it is in the default profile: CPU and memory. */
export const nodeResourcesBalancedAllocation = createNodeResourcesBalancedAllocation()
