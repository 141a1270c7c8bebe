import { MAX_NODE_SCORE } from '../framework.ts'

/** A resource that a score looks at, and how much it counts. k8s: apis/config ResourceSpec */
export interface WeightedResource {
  name: string
  weight: number
}

/** A point of a function from use (percent) to score (0 to 10). k8s: apis/config UtilizationShapePoint */
export interface ShapePoint {
  utilization: number
  score: number
}

/** Which nodes are better by what they have left. k8s: apis/config ScoringStrategy */
export type ScoringStrategy =
  | { type: 'LeastAllocated' | 'MostAllocated'; resources: readonly WeightedResource[] }
  | { type: 'RequestedToCapacityRatio'; resources: readonly WeightedResource[]; shape: readonly ShapePoint[] }

/** What both plugins look at where nothing else is said. k8s: apis/config/v1 defaultResourceSpec */
export const CPU_AND_MEMORY: readonly WeightedResource[] = [{ name: 'cpu', weight: 1 }, { name: 'memory', weight: 1 }]

/** Resources that every node has: others count only for pods that ask for them. k8s: schedutil.IsScalarResourceName */
export const isOrdinary = (resource: string) => resource === 'cpu' || resource === 'memory' || resource === 'ephemeral-storage'

/** k8s: apis/config MaxCustomPriorityScore */
const MAX_SHAPE_SCORE = 10

/** Score of one resource, 0 to 100, by what would be requested of what there is. */
type ResourceScore = (requested: number, allocatable: number) => number

const leastAllocated: ResourceScore = (requested, allocatable) => requested > allocatable ? 0 : Math.trunc((allocatable - requested) * MAX_NODE_SCORE / allocatable)
const mostAllocated: ResourceScore = (requested, allocatable) => Math.trunc(Math.min(requested, allocatable) * MAX_NODE_SCORE / allocatable)

/** A line through the points, level before the first and after the last. k8s: helper.BuildBrokenLinearFunction */
function brokenLine(shape: readonly ShapePoint[]): (utilization: number) => number {
  const points = shape.map(({ utilization, score }) => ({ x: utilization, y: score * (MAX_NODE_SCORE / MAX_SHAPE_SCORE) }))
  return (x) => {
    const next = points.findIndex((point) => x <= point.x)
    if (next < 0) return points.at(-1)!.y
    if (next === 0) return points[0]!.y
    const [from, to] = [points[next - 1]!, points[next]!]
    return from.y + Math.trunc((to.y - from.y) * (x - from.x) / (to.x - from.x))
  }
}

/** Score of a node by a strategy: `amounts` tells of a resource what would be requested and what there is; undefined: it doesn't count. k8s: plugins/noderesources resourceAllocationScorer */
export function nodeScorer(strategy: ScoringStrategy): (amounts: (resource: string) => readonly [requested: number, allocatable: number] | undefined) => number {
  const isRatio = strategy.type === 'RequestedToCapacityRatio'
  let scoreOf: ResourceScore = strategy.type === 'MostAllocated' ? mostAllocated : leastAllocated
  if (isRatio) {
    const line = brokenLine(strategy.shape)
    scoreOf = (requested, allocatable) => line(requested > allocatable ? 100 : Math.trunc(requested * 100 / allocatable))
  }
  return (amounts) => {
    let sum = 0
    let weights = 0
    for (const { name, weight } of strategy.resources) {
      const [requested, allocatable] = amounts(name) ?? [0, 0]
      if (allocatable === 0) continue
      const score = scoreOf(requested, allocatable)
      // Here what scores nothing doesn't count at all.
      if (isRatio && score <= 0) continue
      sum += score * weight
      weights += weight
    }
    if (weights === 0) return 0
    return isRatio ? Math.round(sum / weights) : Math.trunc(sum / weights)
  }
}
